// Package pki signs the certificates by which the parts of one cluster on this
// machine know each other.
package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// Authority signs the certificates of one circle of those who trust each other,
// into files of one directory.
type Authority struct {
	// Directory has its certificate and all that it has signed.
	Directory string
	// PEM is its own certificate.
	PEM []byte
	// Addresses besides the loopback address on which what it signs from now on serves.
	Addresses []net.IP

	certificate *x509.Certificate
	key         crypto.Signer
}

// Socket is the name of a unix socket that serves with these certificates:
// etcd's clients take it for the name of the host.
const Socket = "client.sock"

// validity is longer than any cluster lives.
const validity = 365 * 24 * time.Hour

// NewAuthority makes an authority. The directory is made where it is not there.
func NewAuthority(directory, name string) (*Authority, error) {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(validity),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	a := &Authority{Directory: directory, certificate: certificate, key: key,
		PEM: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
	return a, os.WriteFile(a.File(), a.PEM, 0o600)
}

// File is the authority's own certificate.
func (a *Authority) File() string { return filepath.Join(a.Directory, "ca.crt") }

// Identity is a certificate with its key, as files and as what is in them: PEM.
type Identity struct {
	CertificateFile, KeyFile string
	Certificate, Key         []byte
}

// Issue signs a certificate that serves on the loopback address and Addresses
// and, as a client, is the named user in the named groups.
func (a *Authority) Issue(file, user string, groups ...string) (*Identity, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: user, Organization: groups},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(validity),
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
		IPAddresses: append([]net.IP{net.IPv4(127, 0, 0, 1)}, a.Addresses...), DNSNames: []string{"localhost", Socket},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	id := &Identity{
		CertificateFile: filepath.Join(a.Directory, file+".crt"), KeyFile: filepath.Join(a.Directory, file+".key"),
		Certificate: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		Key:         pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER}),
	}
	if err := os.WriteFile(id.CertificateFile, id.Certificate, 0o600); err != nil {
		return nil, err
	}
	return id, os.WriteFile(id.KeyFile, id.Key, 0o600)
}
