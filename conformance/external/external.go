// Package external is a cluster that runs already, as an implementation. It is
// reached by a kubeconfig file, or from one of its own Pods. The suite starts and stops nothing there except
// through a control socket, if the cluster offers one.
package external

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/control"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/kubeconfig"
)

// Implementation is a running cluster.
type Implementation struct {
	name    string
	config  *rest.Config
	socket  string // "": nothing is offered beyond the API
	disrupt bool
	images  implementation.ImageNames // nil: those that are offered, if any
	version atomic.Value              // string
}

// InCluster stands, in the place of a kubeconfig file, for the cluster that this
// program runs in, by the account of its Pod.
const InCluster = "in-cluster"

// FromKubeconfig returns the cluster of a kubeconfig file's current context, or
// the one around InCluster. The error names the file and what is wrong with it.
// What the cluster offers beyond its API is asked on the control socket that the
// file mentions, if any.
func FromKubeconfig(path string) (*Implementation, error) {
	if path == InCluster {
		config, err := rest.InClusterConfig()
		if err != nil {
			return nil, fmt.Errorf("kubeconfig %s: this is no Pod with an account: %w", path, err)
		}
		config.QPS = -1
		return &Implementation{name: "cluster " + path, config: config}, nil
	}
	loaded, err := kubeconfig.Load(path)
	if err != nil {
		return nil, err
	}
	config, err := clientcmd.NewDefaultClientConfig(*loaded, nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("kubeconfig %s: %w", path, err)
	}
	config.QPS = -1
	i := &Implementation{name: "cluster " + loaded.CurrentContext, config: config}
	if context := loaded.Contexts[loaded.CurrentContext]; context != nil && loaded.Clusters[context.Cluster] != nil {
		if i.socket, err = control.Mentioned(loaded.Clusters[context.Cluster]); err != nil {
			return nil, fmt.Errorf("kubeconfig %s: %w", path, err)
		}
	}
	return i, nil
}

// Control has the cluster asked on another socket.
func (i *Implementation) Control(socket string) { i.socket = socket }

// AllowDisruption lets the suite do what affects other users of the cluster, where it
// is offered: stop links, add nodes, compact the store.
func (i *Implementation) AllowDisruption() { i.disrupt = true }

// Images says where the cluster's nodes get the images of the specification.
func (i *Implementation) Images(images implementation.Images) { i.images = images }

// ImagesBelow says the same of a registry that has those from the start below
// HOST/REPO, and where the suite publishes none.
func (i *Implementation) ImagesBelow(repository string) { i.images = below(repository) }

type below string

// ImageName implements implementation.ImageNames.
func (b below) ImageName(short string) string { return string(b) + "/" + short }

// Describe implements implementation.Implementation.
func (i *Implementation) Describe() chain.Description {
	version, _ := i.version.Load().(string)
	return chain.Description{Name: i.name, Version: version}
}

// timeout is how long the cluster may take for its first answer.
const timeout = 10 * time.Second

// Start asks the cluster for its version, and so finds out at once that it
// cannot be reached or lets nobody in.
func (i *Implementation) Start(ctx context.Context) (implementation.Cluster, error) {
	config := rest.CopyConfig(i.config)
	config.Timeout = timeout
	client, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("%s at %s: %w", i.name, i.config.Host, err)
	}
	version, err := client.ServerVersion()
	if err == nil {
		// The version is told to anybody; a list is not.
		_, err = client.ServerGroups()
	}
	switch status := apierrors.APIStatus(nil); {
	case err == nil:
	case errors.As(err, &status) && (status.Status().Code == 401 || status.Status().Code == 403):
		return nil, fmt.Errorf("%s at %s does not let this account in (%d %s): check the credentials in the kubeconfig file",
			i.name, i.config.Host, status.Status().Code, status.Status().Reason)
	default:
		return nil, fmt.Errorf("%s at %s cannot be reached: %w", i.name, i.config.Host, err)
	}
	i.version.Store(version.GitVersion)
	if i.socket == "" {
		return cluster{config: i.config, version: version.GitVersion, images: i.images}, nil
	}
	offered, err := control.Connect(ctx, i.socket)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", i.name, err)
	}
	return cluster{i.config, version.GitVersion, offered, i.images, i.disrupt}, nil
}

type cluster struct {
	config  *rest.Config
	version string          // of the API server
	offered *control.Client // nil: nothing
	images  implementation.ImageNames
	disrupt bool
}

func (c cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Version implements implementation.Versioned. Of which release the other links
// are the API server does not tell: a distribution has them all of one.
func (c cluster) Version(chain.Link) string { return c.version }

// Parts implements implementation.Composite.
func (c cluster) Parts() []any {
	var parts []any
	if c.images != nil {
		parts = append(parts, c.images)
	}
	if c.offered != nil {
		parts = append(parts, c.offered.Parts(c.wants)...)
	}
	return parts
}

// wants says which of what is offered the suite makes use of.
func (c cluster) wants(capability string) bool {
	if capability == "images" && c.images != nil {
		return false // the names and what is published are of one registry
	}
	return c.disrupt || !implementation.CapabilityOf(capability).Disruptive
}

// WhyMissing implements implementation.Explainer.
func (c cluster) WhyMissing(capability string) string {
	if c.offered == nil || c.disrupt || !implementation.CapabilityOf(capability).Disruptive || !c.offered.Offers(capability) {
		return ""
	}
	return "it would affect other users of the cluster: --allow disruptive permits it"
}

// Persists implements implementation.Persistent.
func (c cluster) Persists() {}

// Stop only lets go: the cluster is somebody else's.
func (c cluster) Stop(context.Context) error {
	if c.offered != nil {
		c.offered.Close()
	}
	return nil
}
