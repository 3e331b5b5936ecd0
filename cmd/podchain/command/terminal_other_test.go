//go:build !linux

package command

import (
	"os"
	"testing"
)

// terminal fails: each system opens one in its own way.
func terminal(t *testing.T, _ int) (program, viewer *os.File) {
	t.Helper()
	t.Fatal("how a terminal is opened here is not known")
	return nil, nil
}
