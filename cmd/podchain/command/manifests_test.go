package command

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// manifests are workloads in the shape of well-known public ones.
const manifests = "../../../conformance/examples/manifests"

// soon is how long a workload may take until it is ready, or has said why it is not.
const soon = 10 * time.Second

// The warnings that several files are answered with.
const (
	autoscalers    = "no link of this cluster acts on HorizontalPodAutoscalers: it is only stored"
	budgets        = "no link of this cluster acts on PodDisruptionBudgets: its status is never set, and every eviction of a running Pod that it selects is refused"
	claims         = "no link of this cluster acts on PersistentVolumeClaims: it stays Pending, and Pods that use it run all the same"
	claimTemplates = "spec.volumeClaimTemplates[0]: no link of this cluster binds claims: Pods run all the same"
	claimVolumes   = "spec.template.spec.volumes[0].persistentVolumeClaim: no link of this cluster binds claims: Pods run all the same"
	devices        = "spec.template.spec.resourceClaims: no link of this cluster allocates devices: Pods that claim some are not scheduled"
	jobs           = "no link of this cluster acts on Jobs: no Pods are created for it"
	loadBalancers  = "spec.type: no link of this cluster makes load balancers: status.loadBalancer stays empty"
	services       = "no link of this cluster acts on Services: no EndpointSlices are made, no name is resolved, and no traffic is routed"
)

// onlyStored is the warning of a kind that is not even validated.
func onlyStored(plural string) string {
	return "no link of this cluster acts on " + plural + ": it is stored, and validated no further than its schema"
}

// workloads are the files, and of each what applying it warns of and how often, and what of it waits
// and for what: by kind and name, the message of an Event about the object's Pods.
// An empty message is of an object whose controller is not there: the warning says it.
var workloads = map[string]struct {
	warnings map[string]int
	waits    map[string]string
}{
	"argocd.yaml": {warnings: map[string]int{services: 1, onlyStored("NetworkPolicies"): 1}},
	"batch.yaml": {
		warnings: map[string]int{jobs: 2, onlyStored("CronJobs"): 1},
		waits:    map[string]string{"Job/migrate": "", "Job/render": "", "CronJob/report": ""},
	},
	"cassandra.yaml":     {warnings: map[string]int{onlyStored("StorageClasses"): 1, services: 1, claimTemplates: 1}},
	"cert-manager.yaml":  {warnings: map[string]int{onlyStored("ClusterRoles"): 2, onlyStored("ClusterRoleBindings"): 1, onlyStored("Roles"): 1, onlyStored("RoleBindings"): 1, services: 1, onlyStored("ValidatingWebhookConfigurations"): 1}},
	"cni.yaml":           {warnings: map[string]int{onlyStored("ClusterRoles"): 1, onlyStored("ClusterRoleBindings"): 1}},
	"cockroachdb.yaml":   {warnings: map[string]int{onlyStored("Roles"): 1, onlyStored("ClusterRoles"): 1, onlyStored("RoleBindings"): 1, onlyStored("ClusterRoleBindings"): 1, services: 2, budgets: 1, claimVolumes: 1, claimTemplates: 1}},
	"coredns.yaml":       {warnings: map[string]int{onlyStored("ClusterRoles"): 1, onlyStored("ClusterRoleBindings"): 1, services: 1}},
	"elasticsearch.yaml": {warnings: map[string]int{services: 2, claimTemplates: 1}},
	"etcd.yaml":          {warnings: map[string]int{services: 1, claimTemplates: 1}},
	"fluent-bit.yaml":    {warnings: map[string]int{onlyStored("ClusterRoles"): 1, onlyStored("ClusterRoleBindings"): 1}},
	"gpu.yaml": {
		warnings: map[string]int{services: 1, onlyStored("ResourceClaimTemplates"): 1, devices: 1},
		waits: map[string]string{
			"Deployment/llm-server": "0/3 nodes are available: 3 Insufficient nvidia.com/gpu. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
			"Deployment/trainer":    "0/3 nodes are available: 3 cannot allocate all claims. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
		},
	},
	"guestbook.yaml": {warnings: map[string]int{services: 3}},
	"ingress-nginx.yaml": {
		warnings: map[string]int{onlyStored("Roles"): 1, onlyStored("RoleBindings"): 1, services: 1, loadBalancers: 1, onlyStored("IngressClasses"): 1, jobs: 2, onlyStored("ValidatingWebhookConfigurations"): 1},
		waits: map[string]string{
			"Job/ingress-nginx-admission-create":  "",
			"Job/ingress-nginx-admission-patch":   "",
			"Deployment/ingress-nginx-controller": `MountVolume.SetUp failed for volume "webhook-cert" : secret "ingress-nginx-admission" not found`,
		},
	},
	"kafka.yaml":           {warnings: map[string]int{services: 2, budgets: 1, claimTemplates: 1}},
	"kube-prometheus.yaml": {warnings: map[string]int{onlyStored("ClusterRoles"): 1, onlyStored("ClusterRoleBindings"): 1, services: 2, budgets: 1}},
	"metrics-server.yaml":  {warnings: map[string]int{onlyStored("ClusterRoles"): 2, onlyStored("RoleBindings"): 1, onlyStored("ClusterRoleBindings"): 1, services: 1, budgets: 1}},
	"mongodb.yaml":         {warnings: map[string]int{services: 1, claimTemplates: 1}},
	"node-exporter.yaml":   {warnings: map[string]int{onlyStored("ClusterRoles"): 1, onlyStored("ClusterRoleBindings"): 1, services: 1}},
	"postgres.yaml":        {warnings: map[string]int{services: 1, claimTemplates: 1}},
	"redis-cluster.yaml":   {warnings: map[string]int{services: 1, budgets: 1, claimTemplates: 1}},
	"shop.yaml":            {warnings: map[string]int{services: 12, loadBalancers: 1}},
	"vault.yaml":           {warnings: map[string]int{onlyStored("ClusterRoleBindings"): 1, services: 1, claimTemplates: 1}},
	"webapp.yaml":          {warnings: map[string]int{onlyStored("ResourceQuotas"): 1, onlyStored("LimitRanges"): 1, services: 1, onlyStored("Ingresses"): 1, onlyStored("NetworkPolicies"): 1, autoscalers: 1, budgets: 1}},
	"wordpress.yaml":       {warnings: map[string]int{services: 2, claims: 2, claimVolumes: 2, loadBalancers: 1}},
}

// TestManifests applies each file to a cluster of its own. Everything in it becomes
// ready, or says what it waits for.
func TestManifests(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(manifests, "*.yaml"))
	require.NoError(t, err)
	require.Len(t, files, len(workloads), "each file has its line")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel() // most of the time is that which probes wait
			workload, known := workloads[filepath.Base(file)]
			require.True(t, known, "what becomes of it is not written down")
			a := newApplier(t, startServe(t).config(t))
			objects := readObjects(t, file)
			for _, object := range objects {
				a.apply(t, object)
			}
			warnings := map[string]int{}
			for _, text := range a.warnings {
				warnings[text]++
			}
			if diff := cmp.Diff(workload.warnings, warnings, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("warnings, expected (-) and heard (+):\n%s", diff)
			}

			ctx, cancel := context.WithTimeout(t.Context(), soon)
			defer cancel()
			began := time.Now()
			for _, object := range objects {
				switch says, waits := workload.waits[object.GetKind()+"/"+object.GetName()]; {
				case !waits:
					a.awaitReady(ctx, t, object)
				case says != "":
					a.awaitEvent(ctx, t, object, says)
				}
			}
			t.Logf("after %v", time.Since(began).Round(time.Millisecond))
		})
	}
}

func readObjects(t *testing.T, file string) []*unstructured.Unstructured {
	t.Helper()
	content, err := os.ReadFile(file)
	require.NoError(t, err)
	documents := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(content)))
	var objects []*unstructured.Unstructured
	for {
		document, err := documents.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		require.NoError(t, err)
		object := &unstructured.Unstructured{}
		require.NoError(t, yaml.Unmarshal(document, &object.Object))
		if len(object.Object) > 0 {
			objects = append(objects, object)
		}
	}
}

// applier applies objects as kubectl apply --server-side does.
type applier struct {
	client dynamic.Interface
	mapper *restmapper.DeferredDiscoveryRESTMapper

	mu       sync.Mutex
	warnings []string
}

func newApplier(t *testing.T, config *rest.Config) *applier {
	t.Helper()
	a := &applier{}
	config.WarningHandler = a
	client, err := dynamic.NewForConfig(config)
	require.NoError(t, err)
	known, err := discovery.NewDiscoveryClientForConfig(config)
	require.NoError(t, err)
	a.client, a.mapper = client, restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(known))
	return a
}

// HandleWarningHeader implements rest.WarningHandler.
func (a *applier) HandleWarningHeader(_ int, _, text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.warnings = append(a.warnings, text)
}

func (a *applier) resource(t *testing.T, kind schema.GroupVersionKind, namespace string) dynamic.ResourceInterface {
	t.Helper()
	mapping, err := a.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	require.NoError(t, err)
	if mapping.Scope.Name() == "root" {
		return a.client.Resource(mapping.Resource)
	}
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return a.client.Resource(mapping.Resource).Namespace(namespace)
}

func (a *applier) apply(t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	resource := a.resource(t, object.GroupVersionKind(), object.GetNamespace())
	_, err := resource.Apply(t.Context(), object.GetName(), object, metav1.ApplyOptions{FieldManager: "test"})
	require.NoError(t, err, "%s %s", object.GetKind(), object.GetName())
}

// await watches objects until one of them will do.
func await(ctx context.Context, resource dynamic.ResourceInterface, selector fields.Selector, done func(*unstructured.Unstructured) bool) error {
	list := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
			options.FieldSelector = selector.String()
			return resource.List(ctx, options)
		},
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			options.FieldSelector = selector.String()
			return resource.Watch(ctx, options)
		},
	}
	_, err := watchtools.UntilWithSync(ctx, list, &unstructured.Unstructured{}, nil, func(event watch.Event) (bool, error) {
		object, ok := event.Object.(*unstructured.Unstructured)
		return ok && event.Type != watch.Deleted && done(object), nil
	})
	return err
}

// awaitReady returns when all replicas of the object are ready. Of what has no
// replicas nothing is awaited.
func (a *applier) awaitReady(ctx context.Context, t *testing.T, object *unstructured.Unstructured) {
	t.Helper()
	if !slices.Contains([]string{"DaemonSet", "Deployment", "StatefulSet"}, object.GetKind()) {
		require.NotContains(t, []string{"Job", "CronJob", "Pod", "ReplicaSet"}, object.GetKind(), "say what it waits for")
		return
	}
	var last *unstructured.Unstructured
	err := await(ctx, a.resource(t, object.GroupVersionKind(), object.GetNamespace()),
		fields.OneTermEqualSelector(metav1.ObjectNameField, object.GetName()),
		func(now *unstructured.Unstructured) bool {
			last = now
			number := func(path ...string) int64 {
				value, _, err := unstructured.NestedInt64(now.Object, path...)
				require.NoError(t, err)
				return value
			}
			wanted, updated, available := number("spec", "replicas"), number("status", "updatedReplicas"), number("status", "availableReplicas")
			if now.GetKind() == "DaemonSet" {
				wanted, updated, available = number("status", "desiredNumberScheduled"), number("status", "updatedNumberScheduled"), number("status", "numberAvailable")
			}
			return number("status", "observedGeneration") == now.GetGeneration() && wanted > 0 && updated == wanted && available == wanted
		})
	if !assert.NoError(t, err, "%s %s is not ready", object.GetKind(), object.GetName()) && last != nil {
		t.Logf("its status: %v\nEvents:\n%s", last.Object["status"], a.events(t, object))
	}
}

var eventKind = corev1.SchemeGroupVersion.WithKind("Event")

// awaitEvent returns when there is an Event about a Pod of the object that says so.
func (a *applier) awaitEvent(ctx context.Context, t *testing.T, object *unstructured.Unstructured, says string) {
	t.Helper()
	err := await(ctx, a.resource(t, eventKind, object.GetNamespace()), fields.Everything(), func(event *unstructured.Unstructured) bool {
		name, _, err := unstructured.NestedString(event.Object, "involvedObject", "name")
		require.NoError(t, err)
		return strings.HasPrefix(name, object.GetName()+"-") && event.Object["message"] == says
	})
	if !assert.NoError(t, err, "%s %s does not say: %s", object.GetKind(), object.GetName(), says) {
		t.Logf("Events:\n%s", a.events(t, object))
	}
}

// events are the Warnings of the object's namespace, for a failure's message.
func (a *applier) events(t *testing.T, object *unstructured.Unstructured) string {
	list, err := a.resource(t, eventKind, object.GetNamespace()).List(t.Context(), metav1.ListOptions{FieldSelector: "type=Warning"})
	require.NoError(t, err)
	var text strings.Builder
	for i := range list.Items {
		name, _, _ := unstructured.NestedString(list.Items[i].Object, "involvedObject", "name")
		text.WriteString(name + ": " + list.Items[i].Object["message"].(string) + "\n")
	}
	return text.String()
}
