package assembly_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

// assemble has the listed links come from one origin and the reference's others from
// another.
func assemble(t *testing.T, one, other assembly.Origin, ones ...chain.Link) *assembly.Implementation {
	t.Helper()
	links := map[chain.Link]assembly.Origin{}
	for _, link := range chain.AllLinks {
		if reference.Has(link) {
			links[link] = other
		}
	}
	for _, link := range ones {
		links[link] = one
	}
	assembled, err := assembly.New(assembly.Options{Links: links})
	require.NoError(t, err)
	return assembled
}

// Two halves of the reference are a cluster, which stops and starts links, brings
// nodes, tells calls, forgets the past and hurts links, each where it belongs.
func TestTwoMembers(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	selected, err := whole.Select([]string{"CHAIN-01", "RS-05", "SCHED-02", "SCHED-07", "KUBELET-06", "KUBELET-23", "WATCH-09", "RECOVER-01"})
	require.NoError(t, err)
	assembled := assemble(t, assembly.InProcess(reference.New(reference.Options{})), assembly.InProcess(reference.New(reference.Options{})),
		chain.Scheduler, chain.Kubelet)
	result, err := conformance.Run(t.Context(), conformance.Options{Specification: selected, Implementation: assembled})
	require.NoError(t, err)
	for _, requirement := range result.Requirements {
		assert.Equal(t, events.Passed, requirement.Outcome(), "%s: %s", requirement.ID, requirement.Reason())
	}
	assert.Contains(t, result.Run.Implementation.String(), "; scheduler, kubelet: reference "+reference.Version)
}

// member is an origin of clusters that remember what happened to them.
type member struct {
	name   string
	fails  error
	events *[]string
}

func (m *member) Describe() chain.Description {
	return chain.Description{Name: m.name, Version: "v1"}
}

func (m *member) Start(_ context.Context, part assembly.Part) (implementation.Cluster, error) {
	if m.fails != nil {
		return nil, m.fails
	}
	foreign := ""
	if part.API != nil {
		foreign = " on " + part.API.Host
	}
	*m.events = append(*m.events, m.name+" starts"+foreign)
	return started{m}, nil
}

type started struct{ *member }

func (s started) Config() *rest.Config { return &rest.Config{Host: s.name} }

func (s started) Stop(context.Context) error {
	*s.events = append(*s.events, s.name+" stops")
	return nil
}

func (s started) StopLink(_ context.Context, link chain.Link) error {
	*s.events = append(*s.events, s.name+" stops "+string(link))
	return nil
}

func (s started) StartLink(_ context.Context, link chain.Link) error {
	*s.events = append(*s.events, s.name+" starts "+string(link))
	return nil
}

// The API server is the first to come and the last to go, and everything is asked of
// whose it is.
func TestOrder(t *testing.T) {
	var events []string
	api, rest := &member{name: "api", events: &events}, &member{name: "rest", events: &events}
	assembled, err := assembly.New(assembly.Options{Links: map[chain.Link]assembly.Origin{
		chain.NamespaceController: rest, chain.Kubelet: rest, chain.APIServer: api}})
	require.NoError(t, err)
	cluster, err := assembled.Start(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "api", cluster.Config().Host)
	links, ok := implementation.As[implementation.Links](cluster)
	require.True(t, ok)
	require.NoError(t, links.StopLink(t.Context(), chain.Kubelet))
	require.NoError(t, links.StartLink(t.Context(), chain.APIServer))
	require.NoError(t, links.StopLink(t.Context(), chain.Scheduler), "nobody is stopped")
	require.ErrorContains(t, links.StartLink(t.Context(), chain.Scheduler), "the cluster has no scheduler")
	require.NoError(t, cluster.Stop(t.Context()))
	assert.Equal(t, []string{"api starts", "rest starts on api", "rest stops kubelet", "api starts api-server", "rest stops", "api stops"}, events)
	_, ok = implementation.As[implementation.Nodes](cluster)
	assert.False(t, ok, "nobody has said so")
}

// A member that does not start leaves nothing of the others.
func TestAMemberDoesNotStart(t *testing.T) {
	var events []string
	broken := errors.New("no luck")
	assembled, err := assembly.New(assembly.Options{Links: map[chain.Link]assembly.Origin{
		chain.APIServer: &member{name: "api", events: &events}, chain.Kubelet: &member{fails: broken}}})
	require.NoError(t, err)
	_, err = assembled.Start(t.Context())
	require.ErrorIs(t, err, broken)
	assert.Equal(t, []string{"api starts", "api stops"}, events)
}

func TestWithoutAnAPIServer(t *testing.T) {
	_, err := assembly.New(assembly.Options{})
	require.ErrorContains(t, err, "api-server: without one there is no cluster")
}
