package behavior_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/kubernetes/internal/behavior"
	"github.com/podchain/podchain/fixtures"
)

// TestOf reads rows of the table.
func TestOf(t *testing.T) {
	for name, test := range map[string]struct {
		row  fixtures.Image
		want behavior.Behavior
	}{
		"nothing special": {fixtures.Image{Name: "web"}, behavior.Behavior{Name: "web", Healthy: behavior.Forever}},
		"ends by itself": {
			fixtures.Image{Name: "job", Exit: &fixtures.Exit{After: "1s", Code: 3}},
			behavior.Behavior{Name: "job", Exits: true, Exit: time.Second, Code: 3, Healthy: behavior.Forever},
		},
		"never and ignored": {
			fixtures.Image{Name: "x", Term: fixtures.Ignored, Ready: fixtures.Never, Healthy: "5s", Fails: 2},
			behavior.Behavior{Name: "x", Term: behavior.Forever, Ready: behavior.Forever, Healthy: 5 * time.Second, Fails: 2},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := behavior.Of(test.row)
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(test.want, got))
		})
	}
	_, err := behavior.Of(fixtures.Image{Name: "x", Term: "soon"})
	require.ErrorContains(t, err, "image x")
}

// TestAnswer: what a probe sees, as with the simulated runtime.
func TestAnswer(t *testing.T) {
	simulated := behavior.Behavior{Ready: 5 * time.Second, Healthy: 5 * time.Second}
	for name, test := range map[string]struct {
		path string
		ran  time.Duration
		want int
	}{
		"not ready yet":  {"/ready", 4 * time.Second, 503},
		"ready":          {"/ready", 5 * time.Second, 200},
		"healthy":        {"/healthz", 4 * time.Second, 200},
		"ill":            {"/healthz", 5 * time.Second, 500},
		"the root":       {"/", 0, 200},
		"somewhere else": {"/elsewhere", 0, 404},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, test.want, simulated.Answer(test.path, test.ran)) })
	}
}
