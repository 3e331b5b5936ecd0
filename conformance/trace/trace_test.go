package trace_test

import (
	"bytes"
	"context"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/trace"
	"github.com/podchain/podchain/reference"
)

// manifest is a Deployment of Pods with the spec.
func manifest(t *testing.T, replicas int, podSpec string) *unstructured.Unstructured {
	t.Helper()
	text := `{apiVersion: apps/v1, kind: Deployment, metadata: {name: web, namespace: default}, spec: {replicas: ` +
		strconv.Itoa(replicas) + `, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: ` + podSpec + `}}}`
	deployment := &unstructured.Unstructured{}
	encoded, err := yaml.YAMLToJSON([]byte(text))
	require.NoError(t, err)
	require.NoError(t, deployment.UnmarshalJSON(encoded))
	return deployment
}

const plain = `{containers: [{name: main, image: "web:1"}]}`

// traced runs a trace in virtual time and returns what it wrote, after the
// checks that hold for every trace.
func traced(t *testing.T, options reference.Options, o trace.Options) (string, error) {
	t.Helper()
	var out bytes.Buffer
	o.Out = &out
	if o.Timeout == 0 {
		o.Timeout = time.Minute
	}
	cluster := reference.StartForTest(t, options)
	synctest.Wait() // the namespace has its account
	err := trace.Run(t.Context(), cluster.Config(), o)
	for line := range strings.Lines(out.String()) {
		assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 80, line)
	}
	return out.String(), err
}

var number = regexp.MustCompile(`(?m)^ {2,3}(\d+) +\d`)

func stepsOf(out string) []string {
	var steps []string
	for _, match := range number.FindAllStringSubmatch(out, -1) {
		steps = append(steps, match[1])
	}
	return steps
}

func TestTheTenSteps(t *testing.T) {
	for _, replicas := range []int{1, 3, 30} {
		t.Run(strconv.Itoa(replicas), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out, err := traced(t, reference.Options{}, trace.Options{Deployment: manifest(t, replicas, plain)})
				require.NoError(t, err, out)
				assert.Equal(t, []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"}, stepsOf(out), out)
				for _, line := range []string{
					`podchain +create deployments/web`,
					`deployment-controller +create replicasets/web-\w+`,
					`replicaset-controller +create pods/web-\w+-\w+`,
					`scheduler +create pods/web-\w+-\w+/binding`,
					`api-server +notify kubelet of node-\d`,
					`kubelet +update pods/we\S+-\w+/status \(ready\)`,
					`replicaset-controller +update replicasets/web-\w+/status`,
					`deployment-controller +update deployments/web/status`,
					`Deployment default/web is available after \S+: ` + strconv.Itoa(replicas) + ` of`,
				} {
					assert.Regexp(t, line, out)
				}
			})
		})
	}
}

func TestStepsThatAreNotTaken(t *testing.T) {
	for name, c := range map[string]struct {
		replicas int
		pod      string
		steps    []string
	}{
		"no Pods are asked for":       {0, plain, []string{"1", "2", "3", "4"}},
		"the template names the node": {1, `{nodeName: node-2, containers: [{name: main, image: "web:1"}]}`, []string{"1", "2", "3", "4", "5", "8", "9", "10"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				out, err := traced(t, reference.Options{}, trace.Options{Deployment: manifest(t, c.replicas, c.pod)})
				require.NoError(t, err, out)
				assert.Equal(t, c.steps, stepsOf(out), out)
			})
		})
	}
}

func TestStuck(t *testing.T) {
	for name, c := range map[string]struct {
		without  chain.Link
		pod      string
		last     string // step
		at, says string
	}{
		"no deployment-controller": {without: chain.DeploymentController, last: "2",
			at: "deployment-controller", says: "has no ReplicaSet"},
		"no replicaset-controller": {without: chain.ReplicaSetController, last: "4",
			at: "replicaset-controller", says: "asks for 2 Pods and has 0"},
		"no scheduler": {without: chain.Scheduler, last: "6",
			at: "scheduler", says: "has no node, and nothing says why"},
		"no kubelet": {without: chain.Kubelet, last: "6", at: "scheduler", says: "no nodes available"},
		"no room": {pod: `{containers: [{name: main, image: "web:1", resources: {requests: {cpu: "1000"}}}]}`,
			last: "6", at: "scheduler", says: "(and 1 more): Unschedulable: 0/2 nodes are available: 2 Insufficient cpu."},
		"no such image": {pod: `{containers: [{name: main, image: "none:1"}]}`,
			last: "8", at: "kubelet", says: "container main: ImagePullBackOff"},
		"never ready": {pod: `{containers: [{name: main, image: "never-ready:1", readinessProbe: {httpGet: {path: /ready, port: 8080}}}]}`,
			last: "9", at: "kubelet", says: "is not Ready (and 1 more): ContainersNotReady"},
		"another's scheduler": {pod: `{schedulerName: nobody, containers: [{name: main, image: "web:1"}]}`,
			last: "6", at: "deployment-controller", says: "0 of 2 Pods are available"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				options, pod := reference.Options{}, plain
				if c.without != "" {
					options.Without = []chain.Link{c.without}
				}
				if c.without == chain.Kubelet {
					options.Nodes = -1
				}
				if c.pod != "" {
					pod = c.pod
				}
				out, err := traced(t, options, trace.Options{Deployment: manifest(t, 2, pod)})
				require.ErrorIs(t, err, trace.ErrStuck, out)
				taken := stepsOf(out)
				assert.Equal(t, c.last, taken[len(taken)-1], out)
				words := strings.Join(strings.Fields(out), " ")
				assert.Contains(t, words, "is stuck at the "+c.at+" after", out)
				assert.Contains(t, words, c.says, out)
			})
		})
	}
}

// What is slow is not stuck.
func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		deployment := manifest(t, 1, plain)
		require.NoError(t, unstructured.SetNestedField(deployment.Object, int64(40), "spec", "minReadySeconds"))
		out, err := traced(t, reference.Options{}, trace.Options{Deployment: deployment})
		require.NoError(t, err, out)
		assert.Regexp(t, `is available after 4\d\.\d\ds`, out)
	})
}

func TestRemove(t *testing.T) {
	for name, c := range map[string]struct {
		pod       string
		interrupt bool
	}{
		"after success":      {pod: plain},
		"after failure":      {pod: `{containers: [{name: main, image: "none:1"}]}`},
		"after an interrupt": {pod: `{containers: [{name: main, image: "none:1"}]}`, interrupt: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cluster := reference.StartForTest(t, reference.Options{})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if c.interrupt {
					time.AfterFunc(2*time.Second, cancel)
				}
				var out bytes.Buffer
				err := trace.Run(ctx, cluster.Config(), trace.Options{
					Deployment: manifest(t, 2, c.pod), Out: &out, Timeout: time.Minute, Remove: true})
				if c.interrupt {
					require.EqualError(t, err, "interrupted")
				}
				assert.Contains(t, out.String(), "Removed with its ReplicaSet and Pods in ")
				client, err := kubernetes.NewForConfig(cluster.Config())
				require.NoError(t, err)
				pods, err := client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
				require.NoError(t, err)
				assert.Empty(t, pods.Items)
				_, err = client.AppsV1().Deployments("default").Get(t.Context(), "web", metav1.GetOptions{})
				assert.True(t, apierrors.IsNotFound(err), "%v", err)
			})
		})
	}
}

// What was there before is not traced, and above all not removed.
func TestItExistsAlready(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cluster := reference.StartForTest(t, reference.Options{})
		options := trace.Options{Deployment: manifest(t, 1, plain), Out: &bytes.Buffer{}, Timeout: time.Minute}
		require.NoError(t, trace.Run(t.Context(), cluster.Config(), options))
		options.Remove = true
		err := trace.Run(t.Context(), cluster.Config(), options)
		require.ErrorContains(t, err, "there is a Deployment default/web already")
		client, err := kubernetes.NewForConfig(cluster.Config())
		require.NoError(t, err)
		_, err = client.AppsV1().Deployments("default").Get(t.Context(), "web", metav1.GetOptions{})
		require.NoError(t, err)
	})
}

func TestTheAPIServerRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*unstructured.Unstructured)
		message string
	}{
		"an unknown field":    {func(d *unstructured.Unstructured) { d.Object["sepc"] = "x" }, `(400 BadRequest): strict decoding error: unknown field "sepc"`},
		"an invalid value":    {func(d *unstructured.Unstructured) { d.SetName("Web") }, "refuses Deployment default/Web (422 Invalid)"},
		"no such namespace":   {func(d *unstructured.Unstructured) { d.SetNamespace("none") }, `(404 NotFound): namespaces "none" not found`},
		"nothing in its spec": {func(d *unstructured.Unstructured) { delete(d.Object, "spec") }, "(422 Invalid)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				deployment := manifest(t, 1, plain)
				c.change(deployment)
				out, err := traced(t, reference.Options{}, trace.Options{Deployment: deployment, Remove: true})
				require.ErrorContains(t, err, c.message)
				assert.Empty(t, out)
			})
		})
	}
}
