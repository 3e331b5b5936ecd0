package scheduler_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	v1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/reference/apiserver"
	"github.com/podchain/podchain/reference/apiserver/kinds"
	"github.com/podchain/podchain/reference/inmemoryhttp"
	"github.com/podchain/podchain/reference/scheduler"
	"github.com/podchain/podchain/reference/store"
)

// world is an API server, and a scheduler that can be stopped and started, in
// virtual time: when all is quiet, everything that follows has happened.
type world struct {
	*testing.T
	client kubernetes.Interface
	config *rest.Config
	// tap, if set, is between the scheduler and the API server.
	tap  atomic.Pointer[tap]
	stop func()
}

type tap func(*http.Request, http.RoundTripper) (*http.Response, error)

func (w *world) setTap(t tap) { w.tap.Store(&t) }

func inBubble(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		server, err := apiserver.New(apiserver.Options{Store: store.NewMemory(), Kinds: kinds.All(), WithoutAdmission: []string{"ServiceAccount"}})
		require.NoError(t, err)
		transport := inmemoryhttp.NewTransport(server)
		w := &world{T: t, config: inmemoryhttp.Config(transport), stop: func() {}}
		t.Cleanup(func() {
			w.stop()
			server.Close()
			transport.Close()
		})
		client, err := kubernetes.NewForConfig(w.config)
		require.NoError(t, err)
		w.client = client
		for _, value := range []int32{0, 1, 2, 10} {
			_, err := client.SchedulingV1().PriorityClasses().Create(t.Context(), &schedulingv1.PriorityClass{
				ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("p%d", value)}, Value: value,
			}, metav1.CreateOptions{})
			require.NoError(t, err)
		}
		w.start()
		f(w)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func (w *world) start() {
	config := rest.CopyConfig(w.config)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper {
		return roundTripper(func(r *http.Request) (*http.Response, error) {
			if tap := w.tap.Load(); tap != nil {
				return (*tap)(r, next)
			}
			return next.RoundTrip(r)
		})
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- scheduler.Run(ctx, config) }()
	w.stop = func() {
		cancel()
		assert.NoError(w, <-ended)
		w.stop = func() {}
	}
}

func (w *world) node(name, allocatable, spec string) {
	w.Helper()
	node := &v1.Node{}
	require.NoError(w, yaml.UnmarshalStrict([]byte(`{metadata: {labels: {kubernetes.io/hostname: `+name+`}}, spec: {`+spec+`}}`), node))
	node.Name = name
	require.NoError(w, yaml.Unmarshal([]byte(`{pods: "100", `+allocatable+`}`), &node.Status.Allocatable))
	status := node.Status
	created, err := w.client.CoreV1().Nodes().Create(w.Context(), node, metav1.CreateOptions{})
	require.NoError(w, err)
	// A server may add a not-ready taint, which is not what is tested.
	created.Spec.Taints, created.Status = node.Spec.Taints, status
	created, err = w.client.CoreV1().Nodes().Update(w.Context(), created, metav1.UpdateOptions{})
	require.NoError(w, err)
	created.Status = status
	_, err = w.client.CoreV1().Nodes().UpdateStatus(w.Context(), created, metav1.UpdateOptions{})
	require.NoError(w, err)
	// The first of these may have made Pods try in vain.
	synctest.Wait()
	time.Sleep(2 * time.Second)
	synctest.Wait()
}

func (w *world) pod(name, spec string) *v1.Pod {
	w.Helper()
	pod := &v1.Pod{}
	require.NoError(w, yaml.UnmarshalStrict([]byte(`{metadata: {labels: {app: `+name+`}}, spec: {`+spec+`}}`), pod))
	pod.Name = name
	if len(pod.Spec.Containers) == 0 {
		pod.Spec.Containers = []v1.Container{{Name: "c", Image: "image"}}
	}
	created, err := w.client.CoreV1().Pods("default").Create(w.Context(), pod, metav1.CreateOptions{})
	require.NoError(w, err)
	return created
}

// cpus is the spec of a Pod that requests them.
func cpus(n string) string {
	return `containers: [{name: c, image: image, resources: {requests: {cpu: "` + n + `"}}}]`
}

func (w *world) get(name string) *v1.Pod {
	w.Helper()
	synctest.Wait()
	pod, err := w.client.CoreV1().Pods("default").Get(w.Context(), name, metav1.GetOptions{})
	require.NoError(w, err)
	return pod
}

func (w *world) patch(name, patch string) {
	w.Helper()
	_, err := w.client.CoreV1().Pods("default").Patch(w.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	require.NoError(w, err)
}

func (w *world) delete(name string, grace int64) {
	w.Helper()
	require.NoError(w, w.client.CoreV1().Pods("default").Delete(w.Context(), name, metav1.DeleteOptions{GracePeriodSeconds: &grace}))
}

// bound counts the Pods that have a node.
func (w *world) bound() (n int) {
	w.Helper()
	synctest.Wait()
	pods, err := w.client.CoreV1().Pods("default").List(w.Context(), metav1.ListOptions{})
	require.NoError(w, err)
	for _, pod := range pods.Items {
		if pod.Spec.NodeName != "" {
			n++
		}
	}
	return n
}

func scheduled(pod *v1.Pod) *v1.PodCondition { return condition(pod, v1.PodScheduled) }

func condition(pod *v1.Pod, kind v1.PodConditionType) *v1.PodCondition {
	for i := range pod.Status.Conditions {
		if pod.Status.Conditions[i].Type == kind {
			return &pod.Status.Conditions[i]
		}
	}
	return nil
}

// events returns "reason of regarding name", each once.
func (w *world) events() map[string]bool {
	w.Helper()
	synctest.Wait()
	list, err := w.client.EventsV1().Events("default").List(w.Context(), metav1.ListOptions{})
	require.NoError(w, err)
	got := map[string]bool{}
	for _, e := range list.Items {
		assert.Equal(w, scheduler.Name, e.ReportingController)
		assert.NotEmpty(w, e.Regarding.UID)
		got[e.Reason+" "+e.Regarding.Name] = true
	}
	return got
}

func TestBinds(t *testing.T) {
	inBubble(t, func(w *world) {
		w.node("one", `cpu: "4"`, "")
		w.pod("mine", "")
		w.pod("foreign", "schedulerName: other")
		mine, foreign := w.get("mine"), w.get("foreign")
		assert.Equal(t, "one", mine.Spec.NodeName)
		assert.Equal(t, v1.ConditionTrue, scheduled(mine).Status)
		assert.Empty(t, foreign.Spec.NodeName)
		assert.Nil(t, scheduled(foreign))
		assert.Equal(t, map[string]bool{"Scheduled mine": true}, w.events())
	})
}

func TestSaysWhyNot(t *testing.T) {
	inBubble(t, func(w *world) {
		w.pod("none", "")
		assert.Equal(t, v1.PodReasonUnschedulable, scheduled(w.get("none")).Reason)
		assert.Equal(t, "no nodes available to schedule pods", scheduled(w.get("none")).Message)
		w.node("one", `cpu: "1"`, "")
		w.pod("big", cpus("2"))
		before := w.get("big")
		assert.Equal(t, v1.ConditionFalse, scheduled(before).Status)
		assert.True(t, strings.HasPrefix(scheduled(before).Message, "0/1 nodes are available: 1 Insufficient cpu."), scheduled(before).Message)
		assert.Equal(t, map[string]bool{"FailedScheduling none": true, "Scheduled none": true, "FailedScheduling big": true}, w.events())

		// Retried in vain, it has nothing new to say and writes nothing.
		time.Sleep(time.Hour)
		assert.Equal(t, before.ResourceVersion, w.get("big").ResourceVersion)
	})
}

func TestRetries(t *testing.T) {
	const here = `cpu: "1"`
	for _, e := range []struct {
		name     string
		spec     string // of the Pod that waits
		prepare  func(w *world)
		change   func(w *world)
		nodeSpec string
	}{
		{name: "node added", spec: cpus("2"), change: func(w *world) { w.node("two", `cpu: "2"`, "") }},
		{name: "capacity grown", spec: cpus("2"), change: func(w *world) { w.patchNode("status", `{"status":{"allocatable":{"cpu":"2"}}}`) }},
		{name: "node labelled", spec: "nodeSelector: {disk: ssd}", change: func(w *world) { w.patchNode("", `{"metadata":{"labels":{"disk":"ssd"}}}`) }},
		{name: "taint removed", nodeSpec: "taints: [{key: k, effect: NoSchedule}]", change: func(w *world) { w.patchNode("", `{"spec":{"taints":null}}`) }},
		{name: "uncordoned", nodeSpec: "unschedulable: true", change: func(w *world) { w.patchNode("", `{"spec":{"unschedulable":false}}`) }},
		{
			name: "Pod deleted", spec: cpus("1"), prepare: func(w *world) { w.pod("there", cpus("1")); synctest.Wait() },
			change: func(w *world) { w.delete("there", 0) },
		},
		{
			name: "Pod terminal", spec: cpus("1"), prepare: func(w *world) { w.pod("there", cpus("1")); synctest.Wait() },
			change: func(w *world) {
				_, err := w.client.CoreV1().Pods("default").Patch(w.Context(), "there", types.MergePatchType, []byte(`{"status":{"phase":"Succeeded"}}`), metav1.PatchOptions{}, "status")
				require.NoError(w, err)
			},
		},
		{
			name: "wanted neighbour came", change: func(w *world) { w.pod("friend", "") },
			spec: `affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: friend}}}]}}`,
		},
		{name: "own tolerations", nodeSpec: "taints: [{key: k, effect: NoSchedule}]", change: func(w *world) {
			pod := w.get("waiting")
			pod.Spec.Tolerations = append(pod.Spec.Tolerations, v1.Toleration{Key: "k", Operator: v1.TolerationOpExists})
			_, err := w.client.CoreV1().Pods("default").Update(w.Context(), pod, metav1.UpdateOptions{})
			require.NoError(w, err)
		}},
		{name: "last gate removed", spec: "schedulingGates: [{name: example.com/gate}]", change: func(w *world) { w.patch("waiting", `{"spec":{"schedulingGates":null}}`) }},
	} {
		t.Run(e.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				w.node("one", here, e.nodeSpec)
				if e.prepare != nil {
					e.prepare(w)
				}
				w.pod("waiting", e.spec)
				assert.Empty(t, w.get("waiting").Spec.NodeName)
				time.Sleep(time.Second)
				e.change(w)
				synctest.Wait()
				time.Sleep(2 * time.Second) // some changes take two requests
				assert.NotEmpty(t, w.get("waiting").Spec.NodeName)
			})
		})
	}
}

func (w *world) patchNode(subresource, patch string) {
	w.Helper()
	var subresources []string
	if subresource != "" {
		subresources = []string{subresource}
	}
	_, err := w.client.CoreV1().Nodes().Patch(w.Context(), "one", types.MergePatchType, []byte(patch), metav1.PatchOptions{}, subresources...)
	require.NoError(w, err)
}

func TestNeverOvercommits(t *testing.T) {
	inBubble(t, func(w *world) {
		w.node("one", `cpu: "4"`, "")
		w.node("two", `cpu: "3"`, "")
		for i := range 20 {
			w.pod(fmt.Sprintf("p%d", i), cpus("1"))
		}
		assert.Equal(t, 7, w.bound())

		// A restarted scheduler knows no more than the API server does.
		w.stop()
		for i := range 20 {
			w.pod(fmt.Sprintf("q%d", i), cpus("1"))
		}
		assert.Equal(t, 7, w.bound())
		w.start()
		assert.Equal(t, 7, w.bound())
		w.node("three", `cpu: "8"`, "")
		synctest.Wait()
		time.Sleep(20 * time.Second)
		assert.Equal(t, 15, w.bound())
	})
}

func TestMoreImportantFirst(t *testing.T) {
	inBubble(t, func(w *world) {
		w.pod("low", cpus("1")+", priorityClassName: p1")
		time.Sleep(time.Second)
		w.pod("high", cpus("1")+", priorityClassName: p2")
		synctest.Wait()
		w.node("one", `cpu: "1"`, "")
		assert.Equal(t, "one", w.get("high").Spec.NodeName)
		assert.Empty(t, w.get("low").Spec.NodeName)
	})
}

func TestPreemption(t *testing.T) {
	inBubble(t, func(w *world) {
		w.node("one", `cpu: "2"`, "")
		w.pod("low", cpus("1")+", priorityClassName: p1, terminationGracePeriodSeconds: 30")
		w.pod("lower", cpus("1")+", priorityClassName: p0, terminationGracePeriodSeconds: 30")
		synctest.Wait()
		_, err := w.client.SchedulingV1().PriorityClasses().Create(w.Context(), &schedulingv1.PriorityClass{
			ObjectMeta: metav1.ObjectMeta{Name: "polite"}, Value: 10, PreemptionPolicy: ptr.To(v1.PreemptNever),
		}, metav1.CreateOptions{})
		require.NoError(w, err)
		w.pod("polite", cpus("1")+", priorityClassName: polite")
		w.pod("equal", cpus("1")+", priorityClassName: p0")
		w.pod("elsewhere", "priorityClassName: p10, nodeSelector: {no: where}")
		synctest.Wait()
		require.Nil(t, w.get("lower").DeletionTimestamp)

		w.pod("high", cpus("1")+", priorityClassName: p10")
		victim, high := w.get("lower"), w.get("high")
		require.NotNil(t, victim.DeletionTimestamp)
		assert.Equal(t, v1.PodReasonPreemptionByScheduler, condition(victim, v1.DisruptionTarget).Reason)
		assert.Nil(t, w.get("low").DeletionTimestamp, "one is enough")
		assert.Equal(t, "one", high.Status.NominatedNodeName)
		assert.Empty(t, high.Spec.NodeName)
		assert.True(t, w.events()["Preempted lower"])

		time.Sleep(20 * time.Second)
		w.delete("lower", 0)
		synctest.Wait()
		time.Sleep(10 * time.Second)
		high = w.get("high")
		assert.Equal(t, "one", high.Spec.NodeName)
		assert.Empty(t, high.Status.NominatedNodeName)
		assert.Nil(t, w.get("low").DeletionTimestamp)
	})
}

func isBinding(r *http.Request) bool {
	return r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/binding")
}

func TestFaults(t *testing.T) {
	var errLost = errors.New("the reply is lost")
	for _, e := range []struct {
		name     string
		fault    func(r *http.Request, next http.RoundTripper) (*http.Response, error)
		bindings int32
	}{
		{"a lost reply is no reason to bind again", func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			response, err := next.RoundTrip(r)
			if err == nil {
				response.Body.Close()
			}
			return nil, errLost
		}, 1},
		{"a conflict out of nowhere is", status(http.StatusConflict), 2},
		{"a server error too", status(http.StatusInternalServerError), 2},
	} {
		t.Run(e.name, func(t *testing.T) {
			inBubble(t, func(w *world) {
				var bindings atomic.Int32
				w.setTap(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
					if isBinding(r) && bindings.Add(1) == 1 {
						return e.fault(r, next)
					}
					return next.RoundTrip(r)
				})
				w.node("one", `cpu: "1"`, "")
				w.pod("p", cpus("1"))
				synctest.Wait()
				time.Sleep(2 * time.Second)
				assert.Equal(t, "one", w.get("p").Spec.NodeName)
				assert.Equal(t, e.bindings, bindings.Load())
				assert.True(t, w.events()["Scheduled p"])
			})
		})
	}
}

func status(code int) func(*http.Request, http.RoundTripper) (*http.Response, error) {
	return func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
		return &http.Response{StatusCode: code, Body: http.NoBody, Header: http.Header{}, Request: r}, nil
	}
}

func TestEventsAreAdvisory(t *testing.T) {
	inBubble(t, func(w *world) {
		w.setTap(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/events") {
				return status(http.StatusForbidden)(r, next)
			}
			return next.RoundTrip(r)
		})
		w.node("one", `cpu: "1"`, "")
		w.pod("p", "")
		assert.Equal(t, "one", w.get("p").Spec.NodeName)
	})
}

// An Event that the API server does not answer to is written later, and nobody waits.
func TestEventsAreTriedAgain(t *testing.T) {
	inBubble(t, func(w *world) {
		var attempts atomic.Int32
		w.setTap(func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/events") && attempts.Add(1) <= 6 {
				return nil, errors.New("the connection is cut")
			}
			return next.RoundTrip(r)
		})
		w.node("one", `cpu: "1"`, "")
		w.pod("p", "")
		assert.Equal(t, "one", w.get("p").Spec.NodeName)
		time.Sleep(2 * time.Minute)
		assert.True(t, w.events()["Scheduled p"])
	})
}

func TestARecreatedPodIsAnother(t *testing.T) {
	inBubble(t, func(w *world) {
		w.pod("p", "")
		synctest.Wait()
		w.delete("p", 30)
		again := w.pod("p", "")
		w.node("one", "", "")
		pod := w.get("p")
		assert.Equal(t, again.UID, pod.UID)
		assert.Equal(t, "one", pod.Spec.NodeName)
	})
}
