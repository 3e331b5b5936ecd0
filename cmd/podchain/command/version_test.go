package command

import (
	"runtime/debug"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/reference"
)

func TestVersion(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := run(t, podchain(t, "--version"))
	require.Equal(t, 0, status, stderr)
	assert.Regexp(t, `^podchain \S+.* \(Kubernetes `+reference.Version+`\)\n$`, stdout)

	status, stdout, stderr = run(t, podchain(t, "version"))
	require.Equal(t, 0, status, stderr)
	assert.Regexp(t, `(?m)\Apodchain: +\S+$
revision: +.+$
go: +go1\.\S+ \w+/\w+$
kubernetes: +`+reference.Version+`$
specification: +\d+ requirements, digest \S+$
\z`, stdout)
}

func TestVersionOfAnotherName(t *testing.T) {
	root := New(Options{Name: "podchain-kubernetes"})
	assert.Regexp(t, `^podchain-kubernetes \S+.* \(Kubernetes v`, root.Version)
}

func TestBuild(t *testing.T) {
	t.Parallel()
	own := debug.Module{Path: module, Version: "v0.4.0"}
	settings := []debug.BuildSetting{{Key: "vcs.revision", Value: "aa213c87"}, {Key: "vcs.time", Value: "2026-11-28T01:59:47Z"}, {Key: "vcs.modified", Value: "true"}}
	for name, test := range map[string]struct {
		info debug.BuildInfo
		want build
	}{
		"installed":               {debug.BuildInfo{Main: own}, build{version: "v0.4.0"}},
		"in a clone":              {debug.BuildInfo{Main: own, Settings: settings}, build{"v0.4.0", "aa213c87", "2026-11-28T01:59:47Z", true}},
		"a module of its own":     {debug.BuildInfo{Main: debug.Module{Path: module + "/conformance/kubernetes"}, Settings: settings[:1]}, build{version: "(devel)", revision: "aa213c87"}},
		"another program":         {debug.BuildInfo{Main: debug.Module{Path: "example.com/mine", Version: "v9"}, Deps: []*debug.Module{&own}, Settings: settings}, build{version: "v0.4.0"}},
		"nothing is known":        {debug.BuildInfo{}, build{version: "(devel)"}},
		"without version control": {debug.BuildInfo{Main: debug.Module{Path: module, Version: "(devel)"}}, build{version: "(devel)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			assert.Equal(t, test.want, buildOf(&test.info))
			assert.Contains(t, test.want.line("podchain"), "podchain "+test.want.version)
		})
	}
}
