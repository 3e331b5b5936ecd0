//go:build unix && !linux

package local

import "syscall"

// apart keeps an interrupt of the terminal from the process, so that it ends
// after those who use it.
func apart() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
