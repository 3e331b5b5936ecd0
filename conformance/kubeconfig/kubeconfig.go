package kubeconfig

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/podchain/podchain/conformance/control"
	"github.com/podchain/podchain/conformance/files"
	"github.com/podchain/podchain/conformance/printable"
)

const (
	// name of the only cluster, user and context of a file.
	name = "podchain"
	// mark is the extension of the cluster by which a file is known to be podchain's.
	mark = "podchain.dev/serve"
	// answerTimeout is how long the server of a file may take to answer.
	answerTimeout = 5 * time.Second
)

// marked is what the mark says.
type marked struct {
	// Instance is of one server: no other one has the same.
	Instance string `json:"instance"`
}

// WriteKubeconfig writes the client configuration, readable by its owner only, with the
// control socket where there is one. It only replaces a file of a server that no longer
// answers (see Vacant). The function that it returns removes the file again, unless it
// was replaced.
func (a *Credentials) WriteKubeconfig(ctx context.Context, path, url, socket string) (remove func() error, err error) {
	content, err := a.kubeconfig(url, socket)
	if err != nil {
		return nil, fmt.Errorf("write the kubeconfig: %w", printable.File(err))
	}
	target, err := files.Target(path)
	if err != nil {
		return nil, fmt.Errorf("write the kubeconfig: %w", printable.File(err))
	}
	// Of two servers that start at the same time the second must find the first.
	if err := files.Locked(target, func() error {
		if err := Vacant(ctx, path); err != nil {
			return err
		}
		return replace(target, content)
	}); err != nil {
		return nil, fmt.Errorf("write the kubeconfig: %w", printable.File(err))
	}
	return func() error {
		err := files.Locked(target, func() error { return a.remove(target) })
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove the kubeconfig: %w", err)
		}
		return nil
	}, nil
}

// OverwriteKubeconfig writes the same, whatever is at the path.
func (a *Credentials) OverwriteKubeconfig(path, url string) error {
	content, err := a.kubeconfig(url, "")
	if err == nil {
		err = replace(path, content)
	}
	if err != nil {
		return fmt.Errorf("write the kubeconfig: %w", printable.File(err))
	}
	return nil
}

func replace(path string, content []byte) error {
	return files.Replace(path, 0o600, func(out io.Writer) error {
		_, err := out.Write(content)
		return err
	})
}

func (a *Credentials) kubeconfig(url, socket string) ([]byte, error) {
	raw, err := json.Marshal(marked{a.instance})
	if err != nil {
		return nil, err
	}
	cluster := &api.Cluster{Server: url, CertificateAuthorityData: a.authority, Extensions: map[string]runtime.Object{
		mark: &runtime.Unknown{Raw: raw, ContentType: runtime.ContentTypeJSON},
	}}
	if socket != "" {
		if socket, err = filepath.Abs(socket); err != nil {
			return nil, err
		}
		if err := control.Mention(cluster, socket); err != nil {
			return nil, err
		}
	}
	config := api.NewConfig()
	config.Clusters[name] = cluster
	config.AuthInfos[name] = &api.AuthInfo{Token: a.Token}
	config.Contexts[name] = &api.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	return clientcmd.Write(*config)
}

// instanceOf returns the instance in the mark of a configuration; "" if the file is not
// podchain's, or contains more than podchain has written.
func instanceOf(config *api.Config) string {
	cluster := config.Clusters[name]
	if cluster == nil || len(config.Clusters) != 1 || len(config.AuthInfos) != 1 || len(config.Contexts) != 1 {
		return ""
	}
	found, ok := cluster.Extensions[mark].(*runtime.Unknown)
	var m marked
	if !ok || json.Unmarshal(found.Raw, &m) != nil {
		return ""
	}
	return m.Instance
}

// remove removes the file if it is that of this server, also after a client has changed
// it: kubectl config set-context writes a namespace into it.
func (a *Credentials) remove(path string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if found, err := clientcmd.Load(content); err == nil && instanceOf(found) == a.instance {
		return os.Remove(path)
	}
	return nil // it is another's by now
}

// Vacant returns why WriteKubeconfig cannot write to the path: what is there is not
// podchain's, the server that it is of still answers, or no file can be made there.
func Vacant(ctx context.Context, path string) error {
	if path == "" {
		return errors.New("the path of the file is empty: name it with --kubeconfig-out")
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return files.Check(path)
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s exists and is not a regular file: name another with --kubeconfig-out", path)
	}
	old, err := clientcmd.LoadFromFile(path)
	if err != nil || instanceOf(old) == "" {
		return fmt.Errorf("%s exists and is not one of podchain's: remove it or name another with --kubeconfig-out", path)
	}
	config, err := clientcmd.NewDefaultClientConfig(*old, nil).ClientConfig()
	if err != nil {
		return fmt.Errorf("%s exists, and it is not certain that its server has ended: %w: remove it or name another with --kubeconfig-out", path, err)
	}
	switch gone, err := ended(ctx, config); {
	case gone:
		return files.Check(path)
	case ctx.Err() != nil:
		return fmt.Errorf("interrupted while the server of %s, which exists, was asked whether it still runs: %w", path, err)
	case err != nil:
		return fmt.Errorf("%s exists, and it is not certain that its server has ended: %w: remove it or name another with --kubeconfig-out", path, err)
	}
	return fmt.Errorf("%s belongs to a server that is running at %s: stop it or name another file with --kubeconfig-out", path, config.Host)
}

// ended returns whether the server of this configuration no longer runs. An error
// means that this cannot be determined.
func ended(ctx context.Context, config *rest.Config) (bool, error) {
	config.Timeout = answerTimeout
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return false, err
	}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, config.Host+"/version", nil)
	if err != nil {
		return false, err
	}
	response, err := client.Do(request)
	if err == nil {
		return false, response.Body.Close() // whatever it has answered
	}
	// Nothing listens there, or another server that has got the same port.
	var foreign *tls.CertificateVerificationError
	var noTLS tls.RecordHeaderError
	return errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, syscall.ECONNRESET) || errors.Is(err, io.EOF) ||
		errors.Is(err, http.ErrSchemeMismatch) || errors.As(err, &foreign) || errors.As(err, &noTLS), err
}
