//go:build !unix

package local

import "syscall"

func apart() *syscall.SysProcAttr { return nil }
