package conformance_test

import (
	"bytes"
	"io"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

// TestSharded: the reports of the whole specification, run in three shards, are those of
// a run without shards, apart from times. With -short, of the controllers' part of it.
func TestSharded(t *testing.T) {
	t.Parallel()
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	if testing.Short() {
		whole, err = whole.Select([]string{"CHAIN", "DEPLOY", "RS"})
		require.NoError(t, err)
	}
	run := func(shard events.Shard) *events.RunRecord {
		recording, err := conformance.Run(t.Context(), conformance.Options{
			Specification: whole, Shard: shard, Implementation: reference.New(reference.Options{}), Testing: t})
		require.NoError(t, err)
		return recording
	}
	var shards []*events.RunRecord
	for index := range 3 {
		shards = append(shards, run(events.Shard{Index: index + 1, Count: 3}))
	}
	merged, err := events.Merge(shards)
	require.NoError(t, err)
	plain := run(events.Shard{})
	claims := report.Claims{Contact: []string{"me@example.com"}, Specification: whole}
	for format, test := range map[string]struct {
		write func(io.Writer, *events.RunRecord) error
		times string
	}{
		"json":     {report.JSON, `"(started|seconds)": [^,\n]*`},
		"junit":    {report.JUnit, `(time|timestamp)="[^"]*"`},
		"yaml":     {report.YAML(claims), `(started|seconds): .*`},
		"messages": {report.Messages, `"(timestamp|duration)":\{[^}]*\}`},
		"github":   {report.GitHub, `, in \S+`},
		"terminal": {report.Terminal, `, in \S+`},
	} {
		t.Run(format, func(t *testing.T) {
			times := regexp.MustCompile(test.times)
			written := func(recording *events.RunRecord) string {
				var text bytes.Buffer
				require.NoError(t, test.write(&text, recording))
				require.Regexp(t, times, text.String())
				return times.ReplaceAllString(text.String(), "")
			}
			assert.Empty(t, cmp.Diff(written(plain), written(merged)), "a run without shards (-), and one in three (+)")
		})
	}
}
