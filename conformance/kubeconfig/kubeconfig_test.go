package kubeconfig_test

import (
	"context"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/podchain/podchain/conformance/kubeconfig"
)

func newAccess(t *testing.T) *kubeconfig.Credentials {
	t.Helper()
	a, err := kubeconfig.New()
	require.NoError(t, err)
	return a
}

// serve answers with the status, and returns where.
func serve(t *testing.T, a *kubeconfig.Credentials, status int) string {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(server.Close)
	if a == nil {
		server.Start()
		return "https://" + server.Listener.Addr().String()
	}
	server.TLS = a.TLS
	server.StartTLS()
	return server.URL
}

// deserted is a place where nothing listens.
func deserted(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, listener.Close())
	return "https://" + listener.Addr().String()
}

// TestWriteKubeconfig: the file of a server that does not answer any more is replaced, and
// no other one.
func TestWriteKubeconfig(t *testing.T) {
	change := func(do func(*api.Config)) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			config, err := clientcmd.LoadFromFile(path)
			require.NoError(t, err)
			do(config)
			require.NoError(t, clientcmd.WriteToFile(*config, path))
		}
	}
	for name, test := range map[string]struct {
		// at is where the server of the file that is there was.
		at     func(t *testing.T, of *kubeconfig.Credentials) string
		change func(t *testing.T, path string)
		says   string // why it stays
	}{
		"nothing listens":             {at: func(t *testing.T, _ *kubeconfig.Credentials) string { return deserted(t) }},
		"another server has its port": {at: func(t *testing.T, _ *kubeconfig.Credentials) string { return serve(t, newAccess(t), http.StatusOK) }},
		"something else has its port": {at: func(t *testing.T, _ *kubeconfig.Credentials) string { return serve(t, nil, http.StatusOK) }},
		"a client has changed it": {
			at:     func(t *testing.T, _ *kubeconfig.Credentials) string { return deserted(t) },
			change: change(func(c *api.Config) { c.Contexts["podchain"].Namespace = "mine" }),
		},
		"it answers": {at: func(t *testing.T, of *kubeconfig.Credentials) string { return serve(t, of, http.StatusOK) },
			says: "belongs to a server that is running at https://127.0.0.1:"},
		"it answers that it is not ready": {at: func(t *testing.T, of *kubeconfig.Credentials) string { return serve(t, of, http.StatusServiceUnavailable) },
			says: "belongs to a server that is running at https://127.0.0.1:"},
		"a client has added another cluster": {
			at:     func(t *testing.T, _ *kubeconfig.Credentials) string { return deserted(t) },
			change: change(func(c *api.Config) { c.Clusters["production"] = &api.Cluster{Server: "https://example.com"} }),
			says:   "exists and is not one of podchain's",
		},
		"without its mark": {
			at:     func(t *testing.T, _ *kubeconfig.Credentials) string { return deserted(t) },
			change: change(func(c *api.Config) { c.Clusters["podchain"].Extensions = nil }),
			says:   "exists and is not one of podchain's",
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kubeconfig")
			earlier := newAccess(t)
			removeEarlier, err := earlier.WriteKubeconfig(t.Context(), path, test.at(t, earlier), "")
			require.NoError(t, err)
			if test.change != nil {
				test.change(t, path)
			}
			before, err := os.ReadFile(path)
			require.NoError(t, err)

			remove, err := newAccess(t).WriteKubeconfig(t.Context(), path, "https://127.0.0.1:1", "")
			after, readErr := os.ReadFile(path)
			require.NoError(t, readErr)
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				require.Equal(t, before, after)
				return
			}
			require.NoError(t, err)
			require.NotEqual(t, before, after)
			require.NoError(t, removeEarlier())
			require.FileExists(t, path, "it is another server's now")
			require.NoError(t, remove())
			require.NoFileExists(t, path)
			require.NoError(t, remove(), "it is gone already")
			left, err := os.ReadDir(filepath.Dir(path))
			require.NoError(t, err)
			require.Empty(t, left)
		})
	}
}

// TestVacant: where no file can be written is known before a server starts.
func TestVacant(t *testing.T) {
	free := filepath.Join(t.TempDir(), "kubeconfig")
	require.NoError(t, kubeconfig.Vacant(t.Context(), free))
	require.NoFileExists(t, free)
	require.ErrorContains(t, kubeconfig.Vacant(t.Context(), ""), "the path of the file is empty: name it with --kubeconfig-out")
	require.ErrorIs(t, kubeconfig.Vacant(t.Context(), filepath.Join(t.TempDir(), "none", "kubeconfig")), fs.ErrNotExist)
}

// TestVacantWhenInterrupted: a server that keeps silent is not waited for in vain.
func TestVacantWhenInterrupted(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		_, _ = listener.Accept() // and nothing more
		cancel()
	}()
	path := filepath.Join(t.TempDir(), "kubeconfig")
	_, err = newAccess(t).WriteKubeconfig(ctx, path, "https://"+listener.Addr().String(), "")
	require.NoError(t, err)
	require.ErrorIs(t, kubeconfig.Vacant(ctx, path), context.Canceled)
	require.FileExists(t, path)
	require.NoError(t, listener.Close())
}
