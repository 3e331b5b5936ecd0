package kubernetes

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestVersionFlags: the programs know what they are.
func TestVersionFlags(t *testing.T) {
	for version, want := range map[string]string{
		"v1.37.2":  "-s -w -X k8s.io/component-base/version.gitVersion=v1.37.2 -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=37",
		"1.37.2":   "",
		"v1.37":    "",
		"../etc":   "",
		"v1.37.2x": "",
	} {
		t.Run(version, func(t *testing.T) {
			got, err := versionFlags(version)
			if want == "" {
				require.ErrorContains(t, err, "is no version")
				return
			}
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

// TestResolveVersion: a minor version stands for what there is of it.
func TestResolveVersion(t *testing.T) {
	for name, want := range map[string]string{
		"": DefaultVersion, "1.37": "v1.37.2", "v1.37": "v1.37.2", "1.37.2": "v1.37.2", "v1.37.2": "v1.37.2",
		"1.3": "", "v1": "", "1.37.": "", "latest": "", "../v1.37.2": "",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ResolveVersion(name)
			if want == "" {
				require.ErrorContains(t, err, "there is no Kubernetes "+name+" to build: there are")
				return
			}
			require.NoError(t, err)
			require.Equal(t, want, got)
		})
	}
}

// TestSource: the module finds itself, and what it can build.
func TestSource(t *testing.T) {
	source, err := sourceDirectory()
	require.NoError(t, err)
	require.Contains(t, versions(source), DefaultVersion)
}

// TestLacks: what a version does not offer is told before anything is built.
func TestLacks(t *testing.T) {
	source, err := sourceDirectory()
	require.NoError(t, err)
	for version, lacking := range map[string]string{
		DefaultVersion: "", "v1.34.4": "", "v1.30.14": "version v1.30.14 has no kube-apiserver here",
	} {
		t.Run(version, func(t *testing.T) {
			err := lacks(version, filepath.Join(source, "versions", version, "go.mod"), components)
			if lacking == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, lacking)
		})
	}
}
