package reference

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation/crash"
	"github.com/podchain/podchain/reference/kubelet"
	"github.com/podchain/podchain/reference/runtime"
)

// Run runs one link by itself, as a client of whatever API server the
// configuration reaches, until ctx is done. A kubelet needs the name of its
// node; its containers are simulated, and every image exists. A panic in any of its
// goroutines ends it, and is the error.
func Run(ctx context.Context, link chain.Link, config *rest.Config, node string) error {
	return crash.Run(ctx, func(ctx context.Context) error { return run(ctx, link, config, node) })
}

// CheckRun returns why Run could not run the link; the error lists those that it can.
func CheckRun(link chain.Link) error {
	var runnable []string
	for _, other := range Links() {
		switch {
		case other == chain.APIServer: // runs with the store, as a cluster
		case other == link:
			return nil
		default:
			runnable = append(runnable, string(other))
		}
	}
	why := lacking(link)
	if link == chain.APIServer {
		why = errors.New("the api-server does not run by itself, but with podchain serve")
	}
	return fmt.Errorf("%w: expected one of %s", why, strings.Join(runnable, ", "))
}

func run(ctx context.Context, link chain.Link, config *rest.Config, node string) error {
	config = rest.CopyConfig(config)
	config.UserAgent = string(link)
	config.QPS = -1
	switch program, err := programs[link], CheckRun(link); {
	case err != nil:
		return err
	case (link == chain.Kubelet) != (node != ""):
		return errors.New("a kubelet, and nothing else, needs the name of a node")
	case link == chain.Kubelet:
		simulated := runtime.NewSimulated(runtime.Options{
			Registry: runtime.NewRegistry(runtime.RegistryOptions{Lenient: true}),
			Domain:   crash.From(ctx),
		})
		return kubelet.Run(ctx, config, kubelet.Options{NodeName: node, Runtime: simulated, Dial: simulated.Dial})
	default:
		return program(ctx, config)
	}
}
