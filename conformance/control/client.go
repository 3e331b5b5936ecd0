package control

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

// Client asks the process that runs a cluster.
type Client struct {
	socket string
	http   *http.Client
	offer  Offer
}

// Connect asks what is offered on the unix socket at the path.
func Connect(ctx context.Context, socket string) (*Client, error) {
	dialer := new(net.Dialer)
	c := &Client{socket: socket, http: &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		},
	}}}
	if err := c.do(ctx, http.MethodGet, "", nil, &c.offer); err != nil {
		return nil, fmt.Errorf("control socket %s: %w", socket, err)
	}
	for _, name := range c.offer.Capabilities {
		if parts[name] == nil {
			return nil, fmt.Errorf("control socket %s: it offers %q, which is not a capability: expected one of %s", socket, name, strings.Join(implementation.Capabilities(), ", "))
		}
	}
	return c, nil
}

// Description is what the cluster says that it is.
func (c *Client) Description() chain.Description { return c.offer.Implementation }

// parts make what implements a capability.
var parts = map[string]func(*Client) any{
	"links":      func(c *Client) any { return links{c} },
	"nodes":      func(c *Client) any { return nodes{c} },
	"kubelets":   func(c *Client) any { return kubelets{c} },
	"cri":        func(c *Client) any { return calls{c} },
	"images":     func(c *Client) any { return images{c} },
	"compaction": func(c *Client) any { return compactor{c} },
	"faults":     func(c *Client) any { return faults{c} },
	"store":      func(c *Client) any { return store{c} },
	"outage":     func(c *Client) any { return outage{c} },
	"replicas":   func(c *Client) any { return replicas{c} },
	"containers": func(*Client) any { return nil },
	"sizes":      func(*Client) any { return nil }, // those of nodes
}

// Offers tells whether a capability is offered.
func (c *Client) Offers(capability string) bool {
	return slices.Contains(c.offer.Capabilities, capability)
}

// Parts returns what implements the capabilities that are offered and wanted, and what
// only tells of the cluster, for implementation.Composite.
func (c *Client) Parts(wanted func(capability string) bool) []any {
	var offered []any
	if c.offer.Notices {
		offered = append(offered, notices{c})
	}
	for _, name := range c.offer.Capabilities {
		if wanted(name) {
			offered = append(offered, parts[name](c))
		}
	}
	return offered
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// do sends a request and decodes what is answered into result, if there is one.
func (c *Client) do(ctx context.Context, method, path string, body, result any) error {
	encoded, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://control/v1"+path, bytes.NewReader(encoded))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if response.StatusCode != http.StatusOK {
		var fault Fault
		if json.Unmarshal(content, &fault) != nil || fault.Error == "" {
			return fmt.Errorf("%s /v1%s is answered with %s", method, path, response.Status)
		}
		err := errors.New(fault.Error)
		if fault.NotReady {
			err = fmt.Errorf("%w: %w", implementation.ErrNotReady, err)
		}
		return err
	}
	if result == nil {
		return nil
	}
	if err := json.Unmarshal(content, result); err != nil {
		return fmt.Errorf("the answer to %s /v1%s: %w", method, path, err)
	}
	return nil
}

type links struct{ *Client }

// StopLink implements implementation.Links.
func (c links) StopLink(ctx context.Context, link chain.Link) error {
	return c.do(ctx, http.MethodPost, "/links/"+string(link)+"/stop", nil, nil)
}

// StartLink implements implementation.Links.
func (c links) StartLink(ctx context.Context, link chain.Link) error {
	return c.do(ctx, http.MethodPost, "/links/"+string(link)+"/start", nil, nil)
}

type nodes struct{ *Client }

// AddNode implements implementation.Nodes.
func (c nodes) AddNode(ctx context.Context, node *corev1.Node) error {
	return c.do(ctx, http.MethodPost, "/nodes", node, nil)
}

// RemoveNode implements implementation.Nodes.
func (c nodes) RemoveNode(ctx context.Context, name string) error {
	return c.do(ctx, http.MethodDelete, "/nodes/"+url.PathEscape(name), nil, nil)
}

type kubelets struct{ *Client }

// StopKubelet implements implementation.Kubelets.
func (c kubelets) StopKubelet(ctx context.Context, node string) error {
	return c.do(ctx, http.MethodPost, "/nodes/"+url.PathEscape(node)+"/kubelet/stop", nil, nil)
}

// StartKubelet implements implementation.Kubelets.
func (c kubelets) StartKubelet(ctx context.Context, node string) error {
	return c.do(ctx, http.MethodPost, "/nodes/"+url.PathEscape(node)+"/kubelet/start", nil, nil)
}

type calls struct{ *Client }

// Calls implements implementation.Runtime.
func (c calls) Calls(ctx context.Context) ([]implementation.Call, error) {
	var all Calls
	err := c.do(ctx, http.MethodGet, "/calls", nil, &all)
	return all.Calls, err
}

type images struct{ *Client }

// ImageName implements implementation.Images.
func (c images) ImageName(short string) string { return c.offer.ImagePrefix + short }

// Publish implements implementation.Images.
func (c images) Publish(ctx context.Context, short string) error {
	return c.do(ctx, http.MethodPost, "/images", Image{short}, nil)
}

type compactor struct{ *Client }

// Compact implements implementation.Compactor.
func (c compactor) Compact(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/compaction", nil, nil)
}

type faults struct{ *Client }

// Inject implements implementation.Faults.
func (c faults) Inject(ctx context.Context, link chain.Link, fault implementation.Fault) error {
	return c.do(ctx, http.MethodPost, "/links/"+string(link)+"/faults", fault, nil)
}

// AwaitTriggered implements implementation.Faults.
func (c faults) AwaitTriggered(ctx context.Context, namespace string) error {
	return c.do(ctx, http.MethodGet, "/faults/triggered?namespace="+url.QueryEscape(namespace), nil, nil)
}

// Heal implements implementation.Faults.
func (c faults) Heal(ctx context.Context, namespace string) error {
	return c.do(ctx, http.MethodDelete, "/faults?namespace="+url.QueryEscape(namespace), nil, nil)
}

// Writes implements implementation.Faults.
func (c faults) Writes(ctx context.Context) ([]implementation.Write, error) {
	var all Writes
	err := c.do(ctx, http.MethodGet, "/writes", nil, &all)
	return all.Writes, err
}

type notices struct{ *Client }

// Notices implements implementation.WatchObserver.
func (c notices) Notices(ctx context.Context) ([]implementation.Notice, error) {
	var all Notices
	err := c.do(ctx, http.MethodGet, "/notices", nil, &all)
	return all.Notices, err
}

type store struct{ *Client }

// StoreAccess implements implementation.Store.
func (c store) StoreAccess(ctx context.Context) (access implementation.StoreAccess, err error) {
	err = c.do(ctx, http.MethodGet, "/store", nil, &access)
	return access, err
}

type outage struct{ *Client }

// StopStore implements implementation.Outage.
func (c outage) StopStore(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/store/stop", nil, nil)
}

// StartStore implements implementation.Outage.
func (c outage) StartStore(ctx context.Context) error {
	return c.do(ctx, http.MethodPost, "/store/start", nil, nil)
}

type replicas struct{ *Client }

// StartReplica implements implementation.Replicas.
func (c replicas) StartReplica(ctx context.Context, link chain.Link) error {
	return c.do(ctx, http.MethodPost, "/links/"+string(link)+"/replicas", nil, nil)
}

// KillLeader implements implementation.Replicas.
func (c replicas) KillLeader(ctx context.Context, link chain.Link) error {
	return c.do(ctx, http.MethodPost, "/links/"+string(link)+"/kill-leader", nil, nil)
}

// StopReplicas implements implementation.Replicas.
func (c replicas) StopReplicas(ctx context.Context, link chain.Link) error {
	return c.do(ctx, http.MethodDelete, "/links/"+string(link)+"/replicas", nil, nil)
}
