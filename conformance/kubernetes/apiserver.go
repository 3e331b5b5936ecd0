package kubernetes

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/conformance/children"
	"github.com/podchain/podchain/conformance/control"
	"github.com/podchain/podchain/conformance/pki"
)

// apiServer is the link that all others talk to. It keeps its address when it is
// restarted.
type apiServer struct {
	command []string
	address string // host:port
	log     *children.Log
	ca      *pki.Authority
	config  *rest.Config // of an administrator
	process *process     // nil while it is stopped
}

// administrators may do everything.
const administrators = "system:masters"

// serviceAddress is that of Service kubernetes: the first of its range.
const (
	serviceAddress = "10.0.0.1"
	serviceRange   = "10.0.0.0/24"
)

const apiServerTimeout = 2 * time.Minute

func newAPIServer(program, directory, logs string, book *logbook, store *store, audited string) (*apiServer, error) {
	ca, err := pki.NewAuthority(filepath.Join(directory, "pki"), "podchain-kubernetes")
	if err != nil {
		return nil, err
	}
	ca.Addresses = []net.IP{net.ParseIP(serviceAddress)}
	server, err := ca.Issue("api-server", "kube-apiserver")
	if err != nil {
		return nil, err
	}
	accounts, err := ca.Issue("service-accounts", "service-accounts")
	if err != nil {
		return nil, err
	}
	admin, err := ca.Issue("admin", "podchain", administrators)
	if err != nil {
		return nil, err
	}
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	a := &apiServer{address: fmt.Sprintf("127.0.0.1:%d", ports[0]), ca: ca}
	if a.log, err = book.open(filepath.Join(logs, "api-server.log"), "the API server"); err != nil {
		return nil, err
	}
	a.config = &rest.Config{Host: "https://" + a.address, QPS: -1, TLSClientConfig: rest.TLSClientConfig{
		CAData: ca.PEM, CertData: admin.Certificate, KeyData: admin.Key}}
	files := store.Server.Files()
	a.command = []string{program,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", ports[0]),
		// There are no clients from outside; the loopback address is not allowed here.
		"--advertise-address=192.0.2.1",
		"--cert-dir=" + ca.Directory, "--tls-cert-file=" + server.CertificateFile, "--tls-private-key-file=" + server.KeyFile,
		"--client-ca-file=" + ca.File(), "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--etcd-servers=" + store.Server.Endpoint(), "--etcd-cafile=" + files.CA,
		"--etcd-certfile=" + files.Cert, "--etcd-keyfile=" + files.Key,
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file=" + accounts.CertificateFile, "--service-account-signing-key-file=" + accounts.KeyFile,
		// The cache of recent changes outlives what the store forgets. Without one
		// for the kind that the specification watches then, a compaction can be
		// seen (WATCH-09); all other kinds have theirs.
		"--watch-cache-sizes=configmaps#0",
		"--service-cluster-ip-range=" + serviceRange, "--allow-privileged=true",
	}
	if audited != "" {
		if err := a.audit(audited, directory, logs); err != nil {
			return nil, err
		}
	}
	return a, writeKubeconfig(filepath.Join(directory, "kubeconfig"), a.config.Host, ca.PEM, admin, func(cluster *clientcmdapi.Cluster) error {
		return control.Mention(cluster, controlSocket(directory))
	})
}

// audit has it write down what a user asks of it, and what that was allowed by.
func (a *apiServer) audit(user, directory, logs string) error {
	policy, err := yaml.Marshal(map[string]any{
		"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": []string{"RequestReceived"},
		"rules": []any{map[string]any{"level": "Metadata", "users": []string{user}}, map[string]any{"level": "None"}},
	})
	if err != nil {
		return err
	}
	file := filepath.Join(directory, "audit-policy.yaml")
	a.command = append(a.command, "--audit-policy-file="+file, "--audit-log-path="+filepath.Join(logs, "audit.jsonl"))
	return os.WriteFile(file, policy, 0o600)
}

// start starts it and waits until it is ready.
func (a *apiServer) start(ctx context.Context) error {
	if a.process != nil {
		return nil
	}
	process, err := spawn("the API server", a.log, exec.Command(a.command[0], a.command[1:]...))
	if err != nil {
		return err
	}
	a.process = process
	client, err := kubernetes.NewForConfig(a.config)
	if err != nil {
		return err
	}
	return process.ready(ctx, "/readyz of the API server", apiServerTimeout, func(ctx context.Context) error {
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
}

// stop ends it. It is not asked: it would let watches run on for their minute.
func (a *apiServer) stop() error {
	if a == nil || a.process == nil {
		return nil
	}
	err := a.process.kill()
	a.process = nil
	return err
}

// freePorts returns unused ports of the loopback address.
func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports, nil
}
