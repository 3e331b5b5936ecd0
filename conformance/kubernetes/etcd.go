package kubernetes

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/podchain/podchain/conformance/pki"
)

// store is etcd. It lets nobody in but who has the API server's certificate:
// what happens, happens through the API.
type store struct {
	process *process
	url     string
	ca      *pki.Authority
	client  *pki.Identity
	http    *http.Client
}

const storePatience = 30 * time.Second

func startStore(ctx context.Context, program, directory, logs string) (*store, error) {
	ca, err := pki.NewAuthority(filepath.Join(directory, "etcd-pki"), "podchain-etcd")
	if err != nil {
		return nil, err
	}
	server, err := ca.Issue("server", "etcd")
	if err != nil {
		return nil, err
	}
	client, err := ca.Issue("api-server", "api-server")
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, err
	}
	s := &store{url: fmt.Sprintf("https://127.0.0.1:%d", ports[0]), ca: ca, client: client}
	peers := fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	s.process, err = spawn("etcd", filepath.Join(logs, "etcd.log"), exec.Command(program,
		"--name=podchain", "--data-dir="+filepath.Join(directory, "etcd"), "--log-level=warn",
		"--listen-client-urls="+s.url, "--advertise-client-urls="+s.url,
		"--listen-peer-urls="+peers, "--initial-advertise-peer-urls="+peers, "--initial-cluster=podchain="+peers,
		"--cert-file="+server.CertificateFile, "--key-file="+server.KeyFile,
		"--client-cert-auth", "--trusted-ca-file="+ca.File(),
		"--unsafe-no-fsync", // nothing here outlives the machine
	))
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(client.Certificate, client.Key)
	if err != nil {
		return s, err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca.PEM)
	s.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, Certificates: []tls.Certificate{pair}}}}
	return s, s.process.ready(ctx, "etcd to be healthy", storePatience, func(ctx context.Context) error {
		return s.call(ctx, http.MethodGet, "/health", nil, nil)
	})
}

// compact forgets every version of anything but the present one. It does so as
// of a write of its own: an event of the very revision that is compacted is still
// told, without the object that was there before, which API servers take for a
// fault of the store's.
func (s *store) compact(ctx context.Context) error {
	var written struct {
		Header struct {
			Revision json.Number `json:"revision"`
		} `json:"header"`
	}
	mark := map[string]any{"key": base64.StdEncoding.EncodeToString([]byte("podchain/compacted"))}
	if err := s.call(ctx, http.MethodPost, "/v3/kv/put", mark, &written); err != nil {
		return err
	}
	return s.call(ctx, http.MethodPost, "/v3/kv/compaction", map[string]any{"revision": written.Header.Revision, "physical": true}, nil)
}

// call speaks etcd's JSON, which spares its client.
func (s *store) call(ctx context.Context, method, path string, body, answer any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, s.url+path, bytes.NewReader(text))
	if err != nil {
		return err
	}
	response, err := s.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	said, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("etcd: %s %s: %s: %s", method, path, response.Status, said)
	}
	if answer == nil {
		return nil
	}
	return json.Unmarshal(said, answer)
}

func (s *store) stop(ctx context.Context) error {
	if s == nil {
		return nil
	}
	if s.http != nil {
		s.http.CloseIdleConnections()
	}
	return s.process.stop(ctx)
}
