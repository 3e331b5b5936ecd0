package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/children"
	"github.com/podchain/podchain/conformance/implementation"
)

// KWOKVersion is the version of KWOK that the folder kwok names.
const KWOKVersion = "v0.8.0"

const (
	kwokProgram = "kwok"
	kwokModule  = "sigs.k8s.io/kwok"
)

// KWOK stands in for kubelets: one program plays all nodes and reports their Pods as
// running, by the stages that it comes with.
type KWOK struct{ progress io.Writer }

var _ assembly.Origin = (*KWOK)(nil)

// NewKWOK returns an origin that builds the program when it is started, and writes to
// progress, unless that is nil, what takes time.
func NewKWOK(progress io.Writer) *KWOK {
	if progress == nil {
		progress = io.Discard
	}
	return &KWOK{progress}
}

// Describe implements assembly.Origin.
func (k *KWOK) Describe() chain.Description {
	return chain.Description{Name: kwokProgram, Version: KWOKVersion}
}

// Start implements assembly.Origin.
func (k *KWOK) Start(ctx context.Context, part assembly.Part) (_ implementation.Cluster, err error) {
	for _, link := range part.Links {
		if link != chain.Kubelet {
			return nil, assembly.Lacking(kwokProgram, link)
		}
	}
	program, stages, err := buildKWOK(ctx, k.progress)
	if err != nil {
		return nil, err
	}
	h := &hollowNodes{program: program, config: part.API, names: map[string]bool{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Stop(context.WithoutCancel(ctx)))
		}
	}()
	if h.run, err = children.Begin(); err != nil {
		return nil, err
	}
	h.directory = h.run.Directory
	logs := part.Logs
	if logs == "" {
		logs = h.directory
	}
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return nil, err
	}
	if h.log, err = children.CreateLog(filepath.Join(logs, "kubelet.log"), "KWOK"); err != nil {
		return nil, err
	}
	if err := os.WriteFile(h.stages(), stages, 0o600); err != nil {
		return nil, err
	}
	if h.client, err = kubernetes.NewForConfig(part.API); err != nil {
		return nil, err
	}
	opened, err := part.Taps.OpenProxy(chain.Kubelet, part.API)
	if err != nil {
		return nil, err
	}
	h.proxy = &proxy{Proxy: opened, kubeconfig: filepath.Join(h.directory, "kubeconfig")}
	if err := h.proxy.WriteKubeconfig(h.proxy.kubeconfig); err != nil {
		return nil, err
	}
	if err := h.StartLink(ctx, chain.Kubelet); err != nil {
		return nil, err
	}
	for n := range part.Nodes {
		if err := h.AddNode(ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("node-%d", n+1)}}); err != nil {
			return nil, err
		}
	}
	return h, nil
}

// hollowNodes are the nodes that KWOK plays.
type hollowNodes struct {
	program   string
	run       *children.Run
	directory string
	log       *children.Log
	config    *rest.Config // of an administrator
	client    kubernetes.Interface
	proxy     *proxy

	mu      sync.Mutex
	running *process // nil while it is stopped
	names   map[string]bool
	numbers int // of nodes so far
}

var (
	_ implementation.Links         = (*hollowNodes)(nil)
	_ implementation.Nodes         = (*hollowNodes)(nil)
	_ implementation.CrashReporter = (*hollowNodes)(nil)
	_ implementation.Explainer     = (*hollowNodes)(nil)
)

// Config implements implementation.Cluster.
func (h *hollowNodes) Config() *rest.Config { return rest.CopyConfig(h.config) }

// WhyMissing implements implementation.Explainer: it says what KWOK does without.
func (h *hollowNodes) WhyMissing(capability string) string {
	switch capability {
	case "containers":
		return "KWOK runs no containers: it reports of every Pod on its nodes that it runs"
	case "images":
		return "KWOK pulls no images"
	case "cri":
		return "KWOK has no container runtime"
	}
	return ""
}

func (h *hollowNodes) stages() string { return filepath.Join(h.directory, "stages.yaml") }

// managed is the annotation by which KWOK knows the nodes that it is to behavior.
const managed = "kwok.x-k8s.io/node"

// StartLink implements implementation.Links.
func (h *hollowNodes) StartLink(ctx context.Context, link chain.Link) error {
	if link != chain.Kubelet {
		return assembly.Lacking(kwokProgram, link)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.running != nil {
		return h.running.crash()
	}
	command := exec.Command(h.program, "--kubeconfig="+h.proxy.kubeconfig, "--config="+h.stages(),
		"--manage-nodes-with-annotation-selector="+managed+"=fake",
		// As in the configuration that it is distributed with: otherwise the Leases of
		// its nodes would not be renewed.
		"--node-lease-duration-seconds=40")
	// Otherwise it looks for a configuration in the user's home.
	command.Env = append(os.Environ(), "KWOK_WORKDIR="+h.directory)
	asked := h.proxy.NextRequest()
	var err error
	if h.running, err = spawn("KWOK", h.log, command); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, linkTimeout)
	defer cancel()
	select {
	case <-asked:
		return nil
	case <-h.running.ended:
		return h.running.crash()
	case <-ctx.Done():
		return fmt.Errorf("KWOK: waited %s for its first request to the API server; %s", linkTimeout, h.log.Last())
	}
}

// StopLink implements implementation.Links.
func (h *hollowNodes) StopLink(ctx context.Context, link chain.Link) error {
	if link != chain.Kubelet {
		return assembly.Lacking(kwokProgram, link)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	running := h.running
	h.running = nil
	return running.stop(ctx)
}

// Crashed implements implementation.CrashReporter.
func (h *hollowNodes) Crashed() (chain.Link, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return chain.Kubelet, h.running.crash()
}

// Stop implements implementation.Cluster. The Nodes go with the cluster.
func (h *hollowNodes) Stop(ctx context.Context) error {
	err := h.StopLink(ctx, chain.Kubelet)
	if h.proxy != nil {
		err = errors.Join(err, h.proxy.Close())
	}
	if h.log != nil {
		err = errors.Join(err, h.log.Close())
	}
	return errors.Join(err, h.run.End())
}
