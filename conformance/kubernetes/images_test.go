package kubernetes

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
	"github.com/stretchr/testify/require"
)

// TestImages: the registry has what the table says, each under a digest of its
// own, and what is published in a scope is in that scope only.
func TestImages(t *testing.T) {
	program := filepath.Join(t.TempDir(), "container")
	require.NoError(t, os.WriteFile(program, []byte("#!"), 0o755))
	i, err := startRegistry(t.Context(), program)
	require.NoError(t, err)
	defer func() { require.NoError(t, i.stop()) }()

	digest := func(short string) string {
		reference, err := name.ParseReference(i.address+"/"+short, name.Insecure)
		require.NoError(t, err)
		found, err := remote.Get(reference)
		if err != nil {
			var fault *transport.Error
			require.ErrorAs(t, err, &fault)
			require.Equal(t, http.StatusNotFound, fault.StatusCode)
			return ""
		}
		return found.Digest.String()
	}
	require.NotEmpty(t, digest(sandboxImage))
	require.NotEmpty(t, digest("web:1"))
	require.NotEqual(t, digest("web:1"), digest("web:2"))
	require.Empty(t, digest("web:9"))

	require.Empty(t, digest("unpublished:1"))
	require.NoError(t, i.Publish(t.Context(), "team/unpublished:1"))
	require.NotEmpty(t, digest("team/unpublished:1"))
	require.Empty(t, digest("unpublished:1"))
	require.Empty(t, digest("other/unpublished:1"))
	require.NoError(t, i.Publish(t.Context(), "unpublished:1"))
	require.NotEmpty(t, digest("unpublished:1"))
	require.Equal(t, digest("unpublished:1"), digest("other/unpublished:1"))
	require.ErrorContains(t, i.Publish(t.Context(), "nobody-has:this"), "the table of images has no")
}
