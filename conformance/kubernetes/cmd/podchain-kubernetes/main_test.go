package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/cmd/podchain/command"
)

// TestUsage: what is wrong is told before anything is built or started.
func TestUsage(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"a version that there is not": {[]string{"verify", "--link", "scheduler=kubernetes@1.9"}, "kubernetes@1.9: there is no Kubernetes 1.9 to build: there are v1."},
		"half an origin":              {[]string{"verify", "--link", "scheduler=reference+containerd"}, "reference+containerd has no scheduler"},
		"an argument":                 {[]string{"up", "now"}, "now"},
		"a command that there is not": {[]string{"sideways"}, "sideways"},
	} {
		t.Run(name, func(t *testing.T) {
			podchain := command.New(options())
			podchain.SetArgs(test.args)
			podchain.SetOut(&bytes.Buffer{})
			podchain.SetErr(&bytes.Buffer{})
			require.ErrorContains(t, podchain.ExecuteContext(t.Context()), test.want)
		})
	}
}

// TestDown: without a cluster there is nothing to do.
func TestDown(t *testing.T) {
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	podchain := command.New(options())
	podchain.SetArgs([]string{"down"})
	out := &bytes.Buffer{}
	podchain.SetOut(out)
	require.NoError(t, podchain.ExecuteContext(t.Context()))
	require.Empty(t, out.String())
}
