package conformance

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/belongings"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/permission"
	"github.com/podchain/podchain/steps"
)

// guest is a run in a cluster that is somebody else's: it asks what it may do
// before it does anything, shows that it goes on, and leaves nothing behind.
type guest struct {
	run     string
	life    *belongings.Life
	sweeper *belongings.Sweeper
}

func arrive(ctx context.Context, cluster implementation.Cluster, run string) (*guest, error) {
	sweeper, err := NewSweeper(cluster)
	if err != nil {
		return nil, err
	}
	var further []permission.Further
	if _, disruptive := implementation.Offered[implementation.Nodes](cluster); disruptive {
		further = append(further, permission.Disruption)
	}
	if err := permission.Check(ctx, sweeper.Client, further...); err != nil {
		return nil, err
	}
	life, err := belongings.Begin(ctx, sweeper.Client, run)
	if err != nil {
		return nil, err
	}
	return &guest{run, life, sweeper}, nil
}

// farewell bounds the time until everything of a run is gone: Pods may take half
// a minute to end.
const farewell = 2 * time.Minute

// leave removes what the run has in the cluster, unless that is lost.
func (g *guest) leave(lost error) error {
	if lost != nil {
		return errors.Join(g.life.End(), fmt.Errorf("%w; what run %s has made there is left: podchain clean removes it once the cluster answers again", lost, g.run))
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewell)
	defer cancel()
	return errors.Join(g.life.End(), g.sweeper.Remove(ctx, g.run))
}

// NewSweeper returns what finds and removes what runs have in a cluster.
func NewSweeper(cluster implementation.Cluster) (*belongings.Sweeper, error) {
	config := rest.CopyConfig(cluster.Config())
	// As the scenarios do: whatever is wrong with other encodings is theirs to find.
	config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
	config.UserAgent = "podchain"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	objects, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	sweeper := &belongings.Sweeper{Client: client, Objects: objects, Held: steps.Held()}
	if nodes, offered := implementation.Offered[implementation.Nodes](cluster); offered {
		sweeper.RemoveNode = nodes.RemoveNode
	}
	return sweeper, nil
}
