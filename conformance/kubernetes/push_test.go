package kubernetes

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestPush: a registry elsewhere gets the images, for all architectures, by the
// credentials that the user has for it.
func TestPush(t *testing.T) {
	stored := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "me" || password != "mine" {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		stored.ServeHTTP(w, r)
	}))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	credentials := t.TempDir()
	t.Setenv("DOCKER_CONFIG", credentials)

	_, err := Push(t.Context(), host+"/team/podchain", io.Discard)
	require.ErrorContains(t, err, "0 of ")
	require.ErrorContains(t, err, "401")

	config := fmt.Sprintf(`{"auths": {%q: {"auth": %q}}}`, host, base64.StdEncoding.EncodeToString([]byte("me:mine")))
	require.NoError(t, os.WriteFile(filepath.Join(credentials, "config.json"), []byte(config), 0o600))
	var told strings.Builder
	images, err := Push(t.Context(), host+"/team/podchain/", &told)
	require.NoError(t, err)
	require.Equal(t, host+"/team/podchain/web:1", images.ImageName("web:1"))
	assert.Contains(t, told.String(), "images are in "+host+"/team/podchain")

	found := func(short string) bool {
		reference, err := name.ParseReference(images.ImageName(short))
		require.NoError(t, err)
		index, err := remote.Index(reference, remote.WithAuthFromKeychain(authn.DefaultKeychain))
		if err != nil {
			return false
		}
		manifest, err := index.IndexManifest()
		require.NoError(t, err)
		require.Len(t, manifest.Manifests, len(architectures))
		return true
	}
	assert.True(t, found("web:1"))
	assert.False(t, found("unpublished:1"))
	require.NoError(t, images.Publish(t.Context(), "scope/unpublished:1"))
	assert.True(t, found("scope/unpublished:1"))
	require.ErrorContains(t, images.Publish(t.Context(), "nobody-has:this"), "the table of images has no")
}

func TestPushRefusesWhatIsNoRepository(t *testing.T) {
	for _, repository := range []string{"", "UPPER/case", "registry.example.com", "a b/c"} {
		_, err := Push(t.Context(), repository, io.Discard)
		require.ErrorContains(t, err, "is no HOST/REPO", repository)
	}
}
