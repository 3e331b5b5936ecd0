package main

import (
	"os"
	"os/exec"
	"testing"
)

// asProgram makes the test binary be podchain, so that tests can run the
// program itself, signals and exit status included, without building it.
const asProgram = "PODCHAIN_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// podchain returns the command that runs podchain with the arguments, in a
// directory of its own.
func podchain(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, arguments...)
	command.Env = append(os.Environ(), asProgram+"=1")
	command.Dir = t.TempDir()
	return command
}
