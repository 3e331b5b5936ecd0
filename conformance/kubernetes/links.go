package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/podchain/podchain/conformance/implementation"
)

// controllers are the links that are part of the controller manager, and which
// of its controllers make up each. Every link has a controller manager of its
// own, which is how one is stopped without the others.
var controllers = map[implementation.Link][]string{
	implementation.NamespaceController:   {"namespace-controller", "serviceaccount-controller", "root-ca-certificate-publisher-controller"},
	implementation.DeploymentController:  {"deployment-controller"},
	implementation.ReplicaSetController:  {"replicaset-controller"},
	implementation.StatefulSetController: {"statefulset-controller"},
	implementation.DaemonSetController:   {"daemonset-controller"},
	implementation.JobController:         {"job-controller", "ttl-after-finished-controller"},
	implementation.GarbageCollector:      {"garbage-collector-controller", "pod-garbage-collector-controller"},
	implementation.NodeLifecycle:         {"node-lifecycle-controller", "taint-eviction-controller"},
}

// aside are controllers that are no link and always run: what they do is in the
// objects that links read.
const aside implementation.Link = "aside"

var asideControllers = []string{
	"clusterrole-aggregation-controller", "disruption-controller", "endpointslice-controller", "resourcequota-controller", "replicationcontroller-controller",
}

// command returns the command line of a link that is one process.
func (c *Cluster) command(link implementation.Link) ([]string, error) {
	user, program := "system:kube-controller-manager", "kube-controller-manager"
	if link == implementation.Scheduler {
		user, program = "system:kube-scheduler", "kube-scheduler"
	}
	kubeconfig := filepath.Join(c.directory, program+".kubeconfig")
	id, err := c.api.ca.issue(program, user)
	if err != nil {
		return nil, err
	}
	if err := writeKubeconfig(kubeconfig, c.api.config.Host, c.api.ca.pem, id); err != nil {
		return nil, err
	}
	args := []string{c.programs[program], "--kubeconfig=" + kubeconfig, "--leader-elect=false", "--secure-port=0"}
	if link == implementation.Scheduler {
		return args, nil
	}
	names := controllers[link]
	if link == aside {
		names = asideControllers
	}
	return append(args,
		"--controllers="+strings.Join(names, ","),
		"--use-service-account-credentials=true",
		"--root-ca-file="+c.api.ca.file(),
		"--service-account-private-key-file="+filepath.Join(c.directory, "service-accounts.key"),
		"--kube-api-qps=200", "--kube-api-burst=400",
	), nil
}

// StartLink implements implementation.Links. It does nothing if the link runs.
func (c *Cluster) StartLink(ctx context.Context, link implementation.Link) error {
	c.control.Lock()
	defer c.control.Unlock()
	return c.startLink(ctx, link)
}

func (c *Cluster) startLink(ctx context.Context, link implementation.Link) error {
	switch {
	case link == implementation.APIServer:
		return c.api.start(ctx)
	case link == implementation.Kubelet:
		c.kubelets = true
		for _, node := range c.nodes {
			if err := node.startKubelet(); err != nil {
				return err
			}
		}
		return nil
	case c.links[link] != nil:
		return c.links[link].crash()
	case link != implementation.Scheduler && link != aside && controllers[link] == nil:
		return fmt.Errorf("there is no link %s", link)
	}
	command, err := c.command(link)
	if err != nil {
		return err
	}
	c.links[link], err = spawn("the "+string(link), filepath.Join(c.logs, string(link)+".log"), exec.Command(command[0], command[1:]...))
	return err
}

// StopLink implements implementation.Links. It does nothing if the link is
// stopped.
func (c *Cluster) StopLink(ctx context.Context, link implementation.Link) error {
	c.control.Lock()
	defer c.control.Unlock()
	switch link {
	case implementation.APIServer:
		return c.api.stop()
	case implementation.Kubelet:
		c.kubelets = false
		var errs []error
		for _, node := range c.nodes {
			errs = append(errs, node.stopKubelet())
		}
		return errors.Join(errs...)
	}
	process := c.links[link]
	delete(c.links, link)
	return process.stop(ctx)
}
