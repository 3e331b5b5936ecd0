package etcd_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/pki"
	"github.com/podchain/podchain/reference/store/etcd"
	"github.com/podchain/podchain/reference/store/etcd/etcdtest"
)

func TestTLS(t *testing.T) {
	server := etcdtest.Start(t)
	mine := etcd.Files(server.Files())
	other, err := pki.NewAuthority(t.TempDir(), "other")
	require.NoError(t, err)
	stranger, err := other.Issue("stranger", "api-server")
	require.NoError(t, err)
	// With TLS 1.3 a server refuses a client's certificate after the client has
	// begun to talk: it learns why, or just that it is cut off.
	for _, c := range []struct {
		name  string
		files etcd.Files
		fails string
	}{
		{"a certificate that is known", mine, ""},
		{"one of somebody else", etcd.Files{CA: mine.CA, Cert: stranger.CertificateFile, Key: stranger.KeyFile}, "etcd: connect: "},
		{"none", etcd.Files{CA: mine.CA}, "etcd: connect: "},
		{"a server that is not known", etcd.Files{CA: other.File(), Cert: mine.Cert, Key: mine.Key}, "unknown authority"},
		{"no files", etcd.Files{}, "unknown authority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config, err := c.files.TLS()
			require.NoError(t, err)
			s, err := etcd.Open(t.Context(), etcd.Options{Endpoints: []string{server.Endpoint()}, TLS: config})
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				return
			}
			require.NoError(t, err)
			_, err = s.Put(t.Context(), "/a", []byte("1"), 0)
			require.NoError(t, err)
			require.NoError(t, s.Close())
		})
	}
}
