package etcd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/url"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
)

// Options say where the etcd is.
type Options struct {
	// Endpoints are the client URLs of its members: https, http, or unix or unixs
	// (with TLS) with the path of a socket. Required.
	Endpoints []string
	// TLS holds the certificates for https and unixs; nil trusts the system's
	// authorities and shows no certificate.
	TLS *tls.Config
	// TimeToLive tells how long the value of a key lives, unless it is written
	// again; 0 is for ever. Nil: all live for ever.
	TimeToLive func(key string) time.Duration
}

func (o Options) validate() error {
	if len(o.Endpoints) == 0 {
		return errors.New("etcd: there is no endpoint")
	}
	for _, endpoint := range o.Endpoints {
		u, err := url.Parse(endpoint)
		if err != nil {
			return fmt.Errorf("etcd: endpoint: %w", err)
		}
		switch {
		case (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && (u.Path == "" || u.Path == "/"):
		case (u.Scheme == "unixs" || u.Scheme == "unix") && u.Host == "" && u.Path != "":
		default:
			return fmt.Errorf("etcd: endpoint %q: expected https://HOST:PORT, http://HOST:PORT, unixs:///PATH or unix:///PATH", endpoint)
		}
		if o.TLS != nil && u.Scheme != "https" && u.Scheme != "unixs" {
			return fmt.Errorf("etcd: endpoint %q is not https: certificates would not be used", endpoint)
		}
	}
	return nil
}

// Files name what the connection is secured with, as kube-apiserver's flags
// --etcd-cafile, --etcd-certfile and --etcd-keyfile do.
type Files struct {
	// CA holds the authorities that the server's certificate is checked against.
	CA string
	// Cert and Key hold the client's certificate. They are read anew for each
	// connection, so that they can be renewed.
	Cert, Key string
}

// TLS returns the configuration that the files make; nil if none is named.
func (f Files) TLS() (*tls.Config, error) {
	if f == (Files{}) {
		return nil, nil
	}
	if (f.Cert == "") != (f.Key == "") {
		return nil, errors.New("etcd: a client certificate and its key go together")
	}
	config, err := transport.TLSInfo{TrustedCAFile: f.CA, CertFile: f.Cert, KeyFile: f.Key}.ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	return config, nil
}
