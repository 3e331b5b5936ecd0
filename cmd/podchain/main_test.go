package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/cmd/podchain/startup"
)

// asProgram makes the test binary be podchain, and showPath print its PATH.
const (
	asProgram = "PODCHAIN_TEST_AS_PROGRAM"
	showPath  = "PODCHAIN_TEST_SHOW_PATH"
)

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	startup.Restore()
	if os.Getenv(showPath) != "" {
		fmt.Print(os.Getenv("PATH"))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// TestStartRunsNoOtherProgram: what is only initialized does not look for Go's tools.
func TestStartRunsNoOtherProgram(t *testing.T) {
	folder := t.TempDir()
	run := filepath.Join(folder, "run")
	require.NoError(t, os.WriteFile(filepath.Join(folder, "go"), []byte("#!/bin/sh\n: > "+run+"\n"), 0o700))
	t.Setenv("PATH", folder)
	t.Setenv(asProgram, "1")
	output, err := exec.CommandContext(t.Context(), os.Args[0], "--help").CombinedOutput()
	require.NoError(t, err, "%s", output)
	assert.Contains(t, string(output), "podchain")
	assert.NoFileExists(t, run, "it has run go")
}

func TestPathIsGivenBack(t *testing.T) {
	t.Setenv("PATH", "/somewhere")
	t.Setenv(showPath, "1")
	output, err := exec.CommandContext(t.Context(), os.Args[0]).Output()
	require.NoError(t, err)
	assert.Equal(t, "/somewhere", string(output))
}
