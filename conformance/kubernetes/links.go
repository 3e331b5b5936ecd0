package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/chain"
)

// controllers are the links that are part of the controller manager, and which
// of its controllers make up each. Every link has a controller manager of its
// own, which is how one is stopped without the others.
var controllers = map[chain.Link][]string{
	chain.NamespaceController:   {"namespace-controller", "serviceaccount-controller", "root-ca-certificate-publisher-controller"},
	chain.DeploymentController:  {"deployment-controller"},
	chain.ReplicaSetController:  {"replicaset-controller"},
	chain.StatefulSetController: {"statefulset-controller"},
	chain.DaemonSetController:   {"daemonset-controller"},
	chain.JobController:         {"job-controller", "ttl-after-finished-controller"},
	chain.GarbageCollector:      {"garbage-collector-controller"},
	chain.NodeLifecycle:         {"node-lifecycle-controller", "taint-eviction-controller", "pod-garbage-collector-controller"},
}

// aside are controllers that are no link and always run: what they do is in the
// objects that links read.
const aside chain.Link = "aside"

var asideControllers = []string{
	"clusterrole-aggregation-controller", "disruption-controller", "endpointslice-controller", "resourcequota-controller", "replicationcontroller-controller",
}

// programsOf returns the names of the programs that the links are.
func programsOf(links []chain.Link) []string {
	var names []string
	for _, link := range links {
		switch {
		case link == chain.APIServer:
			names = append(names, "etcd", "kube-apiserver", controllerManager) // for what stands aside
		case link == chain.Kubelet:
			names = append(names, kubeletProgram, "machine", "container")
		case link == chain.Scheduler:
			names = append(names, scheduler)
		default:
			names = append(names, controllerManager)
		}
	}
	return names
}

const (
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
)

// command returns the command line of a link that is one process.
func (c *Cluster) command(link chain.Link) ([]string, error) {
	program := controllerManager
	if link == chain.Scheduler {
		program = scheduler
	}
	if c.proxies[link] == nil {
		proxy, err := c.open(link, filepath.Join(c.directory, string(link)+".kubeconfig"), "system:"+program)
		if err != nil {
			return nil, err
		}
		c.proxies[link] = proxy
	}
	args := []string{c.programs[program], "--kubeconfig=" + c.proxies[link].kubeconfig, "--leader-elect=false", "--secure-port=0"}
	if link == chain.Scheduler {
		return args, nil
	}
	names := controllers[link]
	if link == aside {
		names = asideControllers
	}
	args = append(args, "--controllers="+strings.Join(names, ","), "--kube-api-qps=200", "--kube-api-burst=400")
	if c.identifies {
		args = append(args, "--use-service-account-credentials=true")
	}
	// What is published is the proxy's authority otherwise. Each link has a file of its
	// own: another one may be reading its own just now.
	if authority := c.config.CAData; len(authority) > 0 {
		file := filepath.Join(c.directory, string(link)+".authority.crt")
		if err := os.WriteFile(file, authority, 0o600); err != nil {
			return nil, err
		}
		args = append(args, "--root-ca-file="+file)
	}
	return args, nil
}

// linkTimeout is how long a program may take until it asks the API server for
// something.
const linkTimeout = time.Minute

// startProcesses starts all links of the part that are one process each.
func (c *Cluster) startProcesses(ctx context.Context) error {
	c.control.Lock()
	defer c.control.Unlock()
	var links []chain.Link
	for _, link := range c.part.Links {
		switch link {
		case chain.APIServer:
			links = append(links, aside)
		case chain.Kubelet:
		default:
			links = append(links, link)
		}
	}
	return c.startLinks(ctx, links...)
}

// StartLink implements implementation.Links. It does nothing if the link runs.
func (c *Cluster) StartLink(ctx context.Context, link chain.Link) error {
	c.control.Lock()
	defer c.control.Unlock()
	switch {
	case !c.part.Has(link):
		return assembly.Lacking("this part of Kubernetes", link)
	case link == chain.APIServer:
		return c.api.start(ctx)
	case link == chain.Kubelet:
		c.kubelets = true
		for _, node := range c.nodes {
			if err := node.startKubelet(); err != nil {
				return err
			}
		}
		return nil
	}
	return c.startLinks(ctx, link)
}

// startLinks starts those of the links that do not run, and returns when all are
// at work. The caller holds control.
func (c *Cluster) startLinks(ctx context.Context, links ...chain.Link) error {
	asked := map[chain.Link]<-chan struct{}{}
	for _, link := range links {
		if running := c.links[link]; running != nil {
			if err := running.crash(); err != nil {
				return err
			}
			continue
		}
		var err error
		if c.links[link], asked[link], err = c.spawnLink(link); err != nil {
			return err
		}
	}
	for link, asked := range asked {
		if err := c.links[link].begins(ctx, asked); err != nil {
			return err
		}
	}
	return nil
}

// spawnLink starts a process of a link, with further flags. The channel is closed
// when the API server has received a request of that link.
func (c *Cluster) spawnLink(link chain.Link, flags ...string) (*process, <-chan struct{}, error) {
	command, err := c.command(link)
	if err != nil {
		return nil, nil, err
	}
	command = append(command, flags...)
	asked := c.proxies[link].NextRequest()
	name := "the " + string(link)
	log, err := c.book.open(filepath.Join(c.logs, string(link)+".log"), name)
	if err != nil {
		return nil, nil, err
	}
	started, err := spawn(name, log, exec.Command(command[0], command[1:]...))
	return started, asked, err
}

// begins waits until the process of a link is at work.
func (p *process) begins(ctx context.Context, asked <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, linkTimeout)
	defer cancel()
	select {
	case <-asked:
		return nil
	case <-p.ended:
		return p.crash()
	case <-ctx.Done():
		return fmt.Errorf("%s: waited %s for its first request to the API server; %s", p.name, linkTimeout, p.log.Last())
	}
}

// StopLink implements implementation.Links. It does nothing if the link is
// stopped. Requests that a program has sent through its proxy continue without it, and
// StopLink waits for them.
func (c *Cluster) StopLink(ctx context.Context, link chain.Link) error {
	c.control.Lock()
	defer c.control.Unlock()
	switch {
	case !c.part.Has(link):
		return assembly.Lacking("this part of Kubernetes", link)
	case link == chain.APIServer:
		return c.api.stop()
	case link == chain.Kubelet:
		c.kubelets = false
		var errs []error
		for _, node := range c.nodes {
			errs = append(errs, node.stopKubelet())
		}
		return errors.Join(append(errs, c.part.Taps.Idle(ctx, link))...)
	}
	running, waiting := c.links[link], c.waiting[link]
	delete(c.links, link)
	delete(c.waiting, link)
	return errors.Join(waiting.stop(ctx), running.stop(ctx), c.part.Taps.Idle(ctx, link))
}
