package cri_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/reference/runtime/cri"
)

// TestEndpoints: a mistyped endpoint is told from one where nobody answers.
func TestEndpoints(t *testing.T) {
	for name, test := range map[string]struct{ endpoint, want string }{
		"a path":   {"/run/s.sock", "expected one like unix:///run"},
		"relative": {"unix://run/s.sock", "expected one like unix:///run"},
		"empty":    {"", "expected one like unix:///run"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := cri.NewClient(test.endpoint)
			require.ErrorContains(t, err, test.want)
		})
	}
}
