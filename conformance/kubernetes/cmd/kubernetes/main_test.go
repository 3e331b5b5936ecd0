package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestUsage: what is wrong is told before anything is built or started.
func TestUsage(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"a format that there is not":  {[]string{"verify", "--report", "xml=report.xml"}, "expected json=FILE"},
		"a report without a file":     {[]string{"verify", "--report", "json"}, "expected json=FILE"},
		"a pattern without a match":   {[]string{"verify", "--select", "NOBODY-HAS-THIS"}, "NOBODY-HAS-THIS"},
		"logs in a file":              {[]string{"verify", "--logs", filepath.Join("main_test.go", "logs")}, "--logs"},
		"an argument":                 {[]string{"up", "now"}, "now"},
		"a command that there is not": {[]string{"sideways"}, "sideways"},
	} {
		t.Run(name, func(t *testing.T) {
			command := newCommand()
			command.SetArgs(test.args)
			command.SetOut(&bytes.Buffer{})
			command.SetErr(&bytes.Buffer{})
			require.ErrorContains(t, command.ExecuteContext(t.Context()), test.want)
		})
	}
}

// TestDown: without a cluster there is nothing to do.
func TestDown(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	command := newCommand()
	command.SetArgs([]string{"down"})
	out := &bytes.Buffer{}
	command.SetOut(out)
	require.NoError(t, command.ExecuteContext(t.Context()))
	require.Empty(t, out.String())
}
