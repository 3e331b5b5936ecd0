// Package access lets clients into an API server on a loopback port that lives
// as long as one process, and nobody else: a certificate authority whose key is
// forgotten at once, a bearer token, and the kubeconfig file that has both.
package access

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/podchain/podchain/conformance/control"
)

// Access is what lets a client in.
type Access struct {
	// Token that every request has to bear.
	Token string
	// TLS is what the server listens with.
	TLS       *tls.Config
	authority []byte // PEM
}

// validity is more than a cluster in memory will live.
const validity = 365 * 24 * time.Hour

// New makes an authority, a server certificate for the loopback address, and a
// token.
func New() (*Access, error) {
	// ECDSA: an RSA key takes longer to find than the cluster to start.
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate the authority's key: %w", err)
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("generate the server's key: %w", err)
	}
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "podchain authority"},
		NotBefore:             now.Add(-time.Hour), // a client's clock may be slow
		NotAfter:              now.Add(validity),
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "podchain"},
		NotBefore:    authority.NotBefore,
		NotAfter:     authority.NotAfter,
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		DNSNames:     []string{"localhost"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return nil, fmt.Errorf("sign the authority's certificate: %w", err)
	}
	serverDER, err := x509.CreateCertificate(rand.Reader, server, authority, serverKey.Public(), authorityKey)
	if err != nil {
		return nil, fmt.Errorf("sign the server's certificate: %w", err)
	}
	return &Access{
		Token:     rand.Text(),
		authority: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authorityDER}),
		TLS: &tls.Config{
			MinVersion:   tls.VersionTLS12,
			Certificates: []tls.Certificate{{Certificate: [][]byte{serverDER}, PrivateKey: serverKey}},
		},
	}, nil
}

// WriteKubeconfig writes the client configuration, readable by its owner only,
// with the control socket where there is one, and returns what removes it again:
// unless somebody has put another file in its place meanwhile.
func (a *Access) WriteKubeconfig(path, url, socket string) (remove func() error, err error) {
	const name = "podchain"
	config := api.NewConfig()
	config.Clusters[name] = &api.Cluster{Server: url, CertificateAuthorityData: a.authority}
	config.AuthInfos[name] = &api.AuthInfo{Token: a.Token}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	if socket != "" {
		if socket, err = filepath.Abs(socket); err == nil {
			err = control.Mention(config.Clusters[name], socket)
		}
		if err != nil {
			return nil, fmt.Errorf("write the kubeconfig: %w", err)
		}
	}
	content, err := clientcmd.Write(*config)
	if err != nil {
		return nil, fmt.Errorf("write the kubeconfig: %w", err)
	}
	// A file that a killed run left behind may be replaced, nobody else's.
	switch old, err := clientcmd.LoadFromFile(path); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil || len(old.Contexts) != 1 || old.Contexts[name] == nil:
		return nil, fmt.Errorf("write the kubeconfig: %s exists and is not one of podchain's: remove it or name another with --kubeconfig-out", path)
	}
	if err := replaceFile(path, content); err != nil {
		return nil, fmt.Errorf("write the kubeconfig: %w", err)
	}
	return func() error {
		found, err := os.ReadFile(path)
		switch {
		case errors.Is(err, fs.ErrNotExist), err == nil && !bytes.Equal(found, content):
			return nil
		case err == nil:
			err = os.Remove(path)
		}
		if err != nil {
			return fmt.Errorf("remove the kubeconfig: %w", err)
		}
		return nil
	}, nil
}

// replaceFile puts a file with the content at path, whole or not at all.
func replaceFile(path string, content []byte) (err error) {
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(file.Name()))
		}
	}()
	_, err = file.Write(content)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}
