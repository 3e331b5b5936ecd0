package local

import "syscall"

// apart keeps an interrupt of the terminal from the process, so that it ends
// after those who use it, and ends it with this process however that ends.
func apart() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
