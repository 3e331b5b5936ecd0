package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/conformance/permission"
	"github.com/podchain/podchain/conformance/runresources"
)

// clusterRun is a run in a cluster that others use too: it asks for its permissions
// before it does anything, renews its heartbeat, and leaves nothing behind.
type clusterRun struct {
	run       string
	heartbeat *runresources.Heartbeat
	janitor   *runresources.Janitor
}

func beginClusterRun(ctx context.Context, cluster implementation.Cluster, run string) (*clusterRun, error) {
	janitor, err := NewJanitor(cluster)
	if err != nil {
		return nil, err
	}
	var extra []permission.Extra
	if _, disruptive := implementation.As[implementation.Nodes](cluster); disruptive {
		extra = append(extra, permission.Disruption)
	}
	if err := permission.Check(ctx, janitor.Client, extra...); err != nil {
		return nil, err
	}
	life, err := runresources.Begin(ctx, janitor.Client, run)
	if err != nil {
		return nil, err
	}
	return &clusterRun{run, life, janitor}, nil
}

// removalTimeout bounds the removal of everything that a run has created: Pods may take
// half a minute to end.
const removalTimeout = 2 * time.Minute

// end removes what the run has created in the cluster, unless that has died.
func (g *clusterRun) end(lost error) error {
	if lost != nil {
		return errors.Join(g.heartbeat.End(), fmt.Errorf("%w; what run %s has created there is left: podchain clean removes it once the cluster answers again", lost, g.run))
	}
	ctx, cancel := context.WithTimeout(context.Background(), removalTimeout)
	defer cancel()
	return errors.Join(g.heartbeat.End(), g.janitor.Remove(ctx, g.run))
}

// NewJanitor returns a janitor, which finds and removes what runs have created in a
// cluster.
func NewJanitor(cluster implementation.Cluster) (*runresources.Janitor, error) {
	config := rest.CopyConfig(cluster.Config())
	// As the scenarios do: what is wrong with other encodings, requirements about these
	// find out.
	config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
	config.UserAgent = "podchain"
	client, err := clients.New(config)
	if err != nil {
		return nil, err
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	janitor := &runresources.Janitor{Client: client, Objects: objects}
	if nodes, offered := implementation.As[implementation.Nodes](cluster); offered {
		janitor.RemoveNode = nodes.RemoveNode
	}
	return janitor, nil
}
