package etcd_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/reference/store/etcd"
	"github.com/podchain/podchain/reference/store/etcd/etcdtest"
)

// authority signs certificates for both ends of a connection, into files.
type authority struct {
	*testing.T
	directory string
	key       *ecdsa.PrivateKey
	template  *x509.Certificate
}

func newAuthority(t *testing.T, name string) *authority {
	a := &authority{T: t, directory: t.TempDir()}
	a.key, a.template = a.issue(name, &x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

func (a *authority) file(name string) string { return filepath.Join(a.directory, name) }

func (a *authority) issue(name string, template *x509.Certificate) (*ecdsa.PrivateKey, *x509.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(a, err)
	template.SerialNumber = big.NewInt(time.Now().UnixNano())
	template.Subject = pkix.Name{CommonName: name}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	parent, signer := a.template, a.key
	if parent == nil {
		parent, signer = template, key
	}
	certificate, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	require.NoError(a, err)
	bare, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(a, err)
	for suffix, block := range map[string]*pem.Block{
		".crt": {Type: "CERTIFICATE", Bytes: certificate}, ".key": {Type: "PRIVATE KEY", Bytes: bare},
	} {
		require.NoError(a, os.WriteFile(a.file(name+suffix), pem.EncodeToMemory(block), 0o600))
	}
	return key, template
}

// secure offers the socket on a port, to clients whom the authority knows.
func (a *authority) secure(socket string) (endpoint string) {
	a.issue("server", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	certificate, err := tls.LoadX509KeyPair(a.file("server.crt"), a.file("server.key"))
	require.NoError(a, err)
	known := x509.NewCertPool()
	ca, err := os.ReadFile(a.file("ca.crt"))
	require.NoError(a, err)
	require.True(a, known.AppendCertsFromPEM(ca))
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{certificate}, ClientCAs: known, ClientAuth: tls.RequireAndVerifyClientCert, NextProtos: []string{"h2"},
	})
	require.NoError(a, err)
	var group sync.WaitGroup
	a.Cleanup(func() {
		listener.Close()
		group.Wait()
	})
	group.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer client.Close()
				server, err := net.Dial("unix", socket)
				if err != nil {
					return
				}
				group.Go(func() {
					defer client.Close()
					_, _ = io.Copy(client, server)
				})
				defer server.Close()
				_, _ = io.Copy(server, client)
			})
		}
	})
	return "https://" + listener.Addr().String()
}

func TestTLS(t *testing.T) {
	server := etcdtest.Start(t)
	mine, other := newAuthority(t, "ca"), newAuthority(t, "ca")
	for _, a := range []*authority{mine, other} {
		a.issue("client", &x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	}
	endpoint := mine.secure(strings.TrimPrefix(server.Endpoint(), "unix://"))
	// With TLS 1.3 a server refuses a client's certificate after the client has
	// begun to talk: it learns why, or just that it is cut off.
	for _, c := range []struct {
		name  string
		files etcd.Files
		fails string
	}{
		{"a certificate that is known", etcd.Files{CA: mine.file("ca.crt"), Cert: mine.file("client.crt"), Key: mine.file("client.key")}, ""},
		{"one of somebody else", etcd.Files{CA: mine.file("ca.crt"), Cert: other.file("client.crt"), Key: other.file("client.key")}, "etcd: connect: "},
		{"none", etcd.Files{CA: mine.file("ca.crt")}, "etcd: connect: "},
		{"a server that is not known", etcd.Files{CA: other.file("ca.crt"), Cert: mine.file("client.crt"), Key: mine.file("client.key")}, "unknown authority"},
		{"no files", etcd.Files{}, "unknown authority"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			config, err := c.files.TLS()
			require.NoError(t, err)
			s, err := etcd.Open(t.Context(), etcd.Options{Endpoints: []string{endpoint}, TLS: config})
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
