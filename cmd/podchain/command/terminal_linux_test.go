package command

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// terminal is what a program takes for a terminal, and who looks at it.
func terminal(t *testing.T, width int) (program, viewer *os.File) {
	t.Helper()
	viewer, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, viewer.Close()) })
	ask := func(request uintptr, argument unsafe.Pointer) {
		_, _, err := syscall.Syscall(syscall.SYS_IOCTL, viewer.Fd(), request, uintptr(argument))
		require.Zero(t, err)
	}
	var lock, number int32
	ask(syscall.TIOCSPTLCK, unsafe.Pointer(&lock))
	ask(syscall.TIOCGPTN, unsafe.Pointer(&number))
	size := [4]uint16{24, uint16(width)}
	ask(syscall.TIOCSWINSZ, unsafe.Pointer(&size))
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	require.NoError(t, err)
	return program, viewer
}
