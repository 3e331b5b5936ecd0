package reference_test

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/hooks"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/reference"
)

// kindOfWrite is what one link writes of one resource in one way.
type kindOfWrite struct {
	link                        chain.Link
	verb, resource, subresource string
}

func (k kindOfWrite) String() string {
	about := k.resource
	if k.subresource != "" {
		about = k.subresource + " of " + k.resource
	}
	return fmt.Sprintf("%s: %s %s", k.link, k.verb, about)
}

// disturbances are what can happen to a write, by name.
var disturbances = map[string]implementation.Fault{
	"409":        {Effect: implementation.Answer, Code: http.StatusConflict},
	"429":        {Effect: implementation.Answer, Code: http.StatusTooManyRequests},
	"500":        {Effect: implementation.Answer, Code: http.StatusInternalServerError},
	"cut":        {Effect: implementation.Cut},
	"lose reply": {Effect: implementation.LoseReply},
}

// everywhere has every write disturbed in every way in every situation in which it is
// made, which takes ten minutes. Otherwise it is in one of them for each way, in turn.
var everywhere = flag.Bool("everywhere", false, "disturb every write in every way in every situation")

// TestEveryWriteIsTriedAgain: whichever write of whichever link fails a few times in a
// row, the cluster arrives where it arrives undisturbed. What the links write is found
// out by watching them in the situations, so that a link or a write that is new is in it
// by itself; a write that no situation brings about is missing in the list at the end.
func TestEveryWriteIsTriedAgain(t *testing.T) {
	const most = 6
	var ways []way
	for _, name := range slices.Sorted(maps.Keys(disturbances)) {
		for _, times := range []int{1, 3, most} {
			ways = append(ways, way{name, times})
		}
	}
	var (
		undisturbed = make([]outcome, len(situations))
		madeIn      = map[kindOfWrite][]int{}
	)
	for i, s := range situations {
		undisturbed[i] = s.run(t, nil)
		for kind := range undisturbed[i].kinds() {
			madeIn[kind] = append(madeIn[kind], i)
		}
	}
	for kind, in := range madeIn {
		slices.SortStableFunc(in, func(a, b int) int { return cmp.Compare(undisturbed[a].kinds()[kind], undisturbed[b].kinds()[kind]) })
	}
	kinds := slices.SortedFunc(maps.Keys(madeIn), func(a, b kindOfWrite) int { return cmp.Compare(a.String(), b.String()) })
	for number, kind := range kinds {
		in := madeIn[kind]
		var runs, met atomic.Int64
		t.Run(kind.String(), func(t *testing.T) {
			for turn, way := range ways {
				if testing.Short() && turn != number%len(ways) {
					continue
				}
				situated := in
				switch {
				case *everywhere, way.name == "409" && way.times == most && !testing.Short(): // which may be taken for the end of the object
				case way.times == most: // where it is made least often, these are all attempts
					situated = in[:1]
				default:
					situated = in[turn%len(in):][:1]
				}
				for _, i := range situated {
					t.Run(fmt.Sprintf("%s %d times when %s", way.name, way.times, situations[i].name), func(t *testing.T) {
						t.Parallel()
						disturbed := situations[i].run(t, &injection{kind.link, way.fault(kind)})
						assert.Empty(t, gocmp.Diff(undisturbed[i].end, disturbed.end), "-undisturbed +disturbed")
						runs.Add(1)
						met.Add(disturbed.met())
					})
				}
			}
		})
		if runs.Load() > 1 { // a single one may lack a write that it takes a race to make
			assert.Positive(t, met.Load(), "%s: nothing was disturbed", kind)
		}
	}
	var written []string
	for _, kind := range kinds {
		written = append(written, kind.String())
	}
	assert.Empty(t, gocmp.Diff(pinned, written), "-pinned +written")
}

// way is how writes are disturbed, and how many of them in a row.
type way struct {
	name  string
	times int
}

func (w way) fault(kind kindOfWrite) implementation.Fault {
	fault := disturbances[w.name]
	fault.Verb, fault.Resource, fault.Subresource, fault.Times = kind.verb, kind.resource, kind.subresource, w.times
	return fault
}

// outcome is what a situation has led to.
type outcome struct {
	// end is what is there in the end.
	end []any
	// writes are those of the links since the situation was given.
	writes []implementation.Write
}

// kinds counts the writes of each kind.
func (o outcome) kinds() map[kindOfWrite]int {
	kinds := map[kindOfWrite]int{}
	for _, write := range o.writes {
		kinds[kindOfWrite{write.Link, write.Verb, write.Resource, write.Subresource}]++
	}
	return kinds
}

// met counts the requests that have met a fault.
func (o outcome) met() (count int64) {
	for _, write := range o.writes {
		if write.Fault != "" {
			count++
		}
	}
	return count
}

// injection is a fault that a link is to meet.
type injection struct {
	link  chain.Link
	fault implementation.Fault
}

// situation is one in which links write.
type situation struct {
	name string
	// given is done undisturbed. Nil: the links run, and are at rest.
	given func(*disturbed)
	// when is what makes the links write.
	when func(*disturbed)
}

// disturbed is a cluster in a situation.
type disturbed struct {
	*testing.T
	kubernetes.Interface
	cluster controlled
}

type controlled interface {
	implementation.Cluster
	implementation.Links
	implementation.Nodes
	implementation.Kubelets
	implementation.Replicas
}

// run returns what the situation leads to, where a link meets a fault if one is given.
func (s situation) run(t *testing.T, disturb *injection) (led outcome) {
	synctest.Test(t, func(t *testing.T) {
		var links []chain.Link
		for _, link := range chain.AllLinks {
			if link != chain.APIServer && reference.Has(link) {
				links = append(links, link)
			}
		}
		cluster, err := hooks.Start(t.Context(), reference.New(reference.Options{Without: links}))
		require.NoError(t, err)
		client, err := kubernetes.NewForConfig(cluster.Config())
		require.NoError(t, err)
		d := &disturbed{T: t, Interface: client}
		var ok bool
		d.cluster, ok = implementation.As[controlled](cluster)
		require.True(t, ok)
		defer func() { assert.NoError(t, cluster.Stop(t.Context())) }()
		faults, ok := implementation.As[implementation.Faults](cluster)
		require.True(t, ok)
		if s.given != nil {
			d.start()
			d.rest()
			s.given(d)
			d.rest()
		}
		before, err := faults.Writes(t.Context())
		require.NoError(t, err)
		if disturb != nil {
			require.NoError(t, faults.Inject(t.Context(), disturb.link, disturb.fault))
		}
		s.when(d)
		d.settle()
		after, err := faults.Writes(t.Context())
		require.NoError(t, err)
		led = outcome{d.state(), after[len(before):]}
	})
	return led
}

// start starts all links.
func (d *disturbed) start() {
	for _, link := range chain.AllLinks {
		if reference.Has(link) {
			require.NoError(d, d.cluster.StartLink(d.Context(), link))
		}
	}
}

// timeout is how long links that are refused something may take: a scheduler tries
// again every ten seconds in the end.
const timeout = 2 * time.Minute

func (d *disturbed) settle() {
	time.Sleep(timeout)
	synctest.Wait()
}

// rest returns when links that nothing disturbs have done what there is to do.
func (d *disturbed) rest() {
	time.Sleep(20 * time.Second)
	synctest.Wait()
}

// compared are the resources that make up a state. Events are advisory: a link that could
// not write one goes on without.
var compared = []schema.GroupVersionResource{
	{Version: "v1", Resource: "namespaces"},
	{Version: "v1", Resource: "nodes"},
	{Version: "v1", Resource: "pods"},
	{Version: "v1", Resource: "serviceaccounts"},
	{Version: "v1", Resource: "configmaps"},
	{Version: "v1", Resource: "persistentvolumeclaims"},
	{Group: "apps", Version: "v1", Resource: "deployments"},
	{Group: "apps", Version: "v1", Resource: "replicasets"},
	{Group: "apps", Version: "v1", Resource: "statefulsets"},
	{Group: "apps", Version: "v1", Resource: "daemonsets"},
	{Group: "apps", Version: "v1", Resource: "controllerrevisions"},
	{Group: "coordination.k8s.io", Version: "v1", Resource: "leases"},
}

// state returns all that is there, without what differs from run to run.
func (d *disturbed) state() (state []any) {
	byText := map[string][]any{}
	client, err := dynamic.NewForConfig(d.cluster.Config())
	require.NoError(d, err)
	for _, resource := range compared {
		list, err := client.Resource(resource).List(d.Context(), metav1.ListOptions{})
		require.NoError(d, err)
		for i := range list.Items {
			mask(&list.Items[i])
			text, err := json.Marshal(list.Items[i].Object)
			require.NoError(d, err)
			byText[string(text)] = append(byText[string(text)], list.Items[i].Object)
		}
	}
	for _, text := range slices.Sorted(maps.Keys(byText)) {
		state = append(state, byText[text]...)
	}
	return state
}

// masked are the fields that differ from run to run: names and times, what counts
// writes, and which of two equal nodes was chosen.
var masked = sets.New("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "observedGeneration",
	"lastTransitionTime", "lastUpdateTime", "lastHeartbeatTime", "lastProbeTime", "message", "timeAdded",
	"startTime", "startedAt", "finishedAt", "containerID", "podIP", "podIPs", "hostIP", "hostIPs", "nodeName", "volumes", "volumeMounts",
	"deletionTimestamp")

func mask(object *unstructured.Unstructured) {
	if prefix := object.GetGenerateName(); prefix != "" {
		object.SetName(cmp.Or(prefix, object.GetName()))
	}
	if object.GetKind() == "Lease" {
		delete(object.Object, "spec")
	}
	observed, found, _ := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	behind := found && observed != object.GetGeneration()
	leaving := object.GetDeletionTimestamp() != nil
	maskWithin(object.Object)
	object.Object["behind"], object.Object["leaving"] = behind, leaving
}

func maskWithin(value any) {
	switch value := value.(type) {
	case map[string]any:
		if conditions, ok := value["conditions"].([]any); ok { // a map, in the order in which they came
			slices.SortFunc(conditions, func(a, b any) int {
				return cmp.Compare(fmt.Sprint(a.(map[string]any)["type"]), fmt.Sprint(b.(map[string]any)["type"]))
			})
		}
		for key, field := range value {
			if masked.Has(key) {
				delete(value, key)
				continue
			}
			maskWithin(field)
		}
	case []any:
		for _, item := range value {
			maskWithin(item)
		}
	}
}

// pinned are the writes that the situations bring about.
var pinned = []string{
	"daemonset-controller: create controllerrevisions",
	"daemonset-controller: create events",
	"daemonset-controller: create pods",
	"daemonset-controller: delete controllerrevisions",
	"daemonset-controller: delete pods",
	"daemonset-controller: patch controllerrevisions",
	"daemonset-controller: patch pods",
	"daemonset-controller: update controllerrevisions",
	"daemonset-controller: update status of daemonsets",
	"deployment-controller: create events",
	"deployment-controller: create leases",
	"deployment-controller: create replicasets",
	"deployment-controller: delete replicasets",
	"deployment-controller: patch replicasets",
	"deployment-controller: update leases",
	"deployment-controller: update replicasets",
	"deployment-controller: update status of deployments",
	"garbage-collector: create events",
	"garbage-collector: delete configmaps",
	"garbage-collector: delete leases",
	"garbage-collector: delete persistentvolumeclaims",
	"garbage-collector: delete pods",
	"garbage-collector: delete replicasets",
	"garbage-collector: patch configmaps",
	"garbage-collector: patch deployments",
	"garbage-collector: patch replicasets",
	"kubelet: create events",
	"kubelet: create leases",
	"kubelet: create nodes",
	"kubelet: delete pods",
	"kubelet: patch events",
	"kubelet: patch nodes",
	"kubelet: patch status of nodes",
	"kubelet: patch status of pods",
	"kubelet: update leases",
	"namespace-controller: create configmaps",
	"namespace-controller: create serviceaccounts",
	"namespace-controller: deletecollection configmaps",
	"namespace-controller: deletecollection deployments",
	"namespace-controller: deletecollection events",
	"namespace-controller: deletecollection pods",
	"namespace-controller: deletecollection replicasets",
	"namespace-controller: deletecollection serviceaccounts",
	"namespace-controller: update configmaps",
	"namespace-controller: update finalize of namespaces",
	"namespace-controller: update status of namespaces",
	"node-lifecycle-controller: create events",
	"node-lifecycle-controller: delete pods",
	"node-lifecycle-controller: patch nodes",
	"node-lifecycle-controller: patch status of pods",
	"node-lifecycle-controller: update status of nodes",
	"replicaset-controller: create events",
	"replicaset-controller: create leases",
	"replicaset-controller: create pods",
	"replicaset-controller: delete pods",
	"replicaset-controller: patch pods",
	"replicaset-controller: update leases",
	"replicaset-controller: update status of replicasets",
	"scheduler: create binding of pods",
	"scheduler: create events",
	"scheduler: create leases",
	"scheduler: delete pods",
	"scheduler: patch status of pods",
	"scheduler: update leases",
	"statefulset-controller: create controllerrevisions",
	"statefulset-controller: create events",
	"statefulset-controller: create persistentvolumeclaims",
	"statefulset-controller: create pods",
	"statefulset-controller: delete controllerrevisions",
	"statefulset-controller: delete pods",
	"statefulset-controller: patch controllerrevisions",
	"statefulset-controller: patch events",
	"statefulset-controller: patch persistentvolumeclaims",
	"statefulset-controller: patch pods",
	"statefulset-controller: update controllerrevisions",
	"statefulset-controller: update status of statefulsets",
}
