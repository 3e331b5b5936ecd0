package kinds_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"
)

const gated = "{spec: {schedulingGates: [{name: a}], nodeSelector: {a: b}}}"

// updates change an object that was made with the patch before: what is wrong
// with the change, or by how much the generation grows.
var updates = []struct {
	kind, before, patch, subresource string
	causes                           []string
	generations                      int64
}{
	// API-META-05..07
	{kind: "Deployment", patch: "{spec: {replicas: 2}}", generations: 1},
	{kind: "Deployment", patch: "{metadata: {annotations: {a: b}}}", generations: 1},
	{kind: "Deployment", patch: "{spec: {replicas: 2}, metadata: {annotations: {a: b}}}", generations: 1},
	{kind: "Deployment", patch: "{metadata: {labels: {a: b}, generation: 9}, status: {replicas: 3}}"},
	{kind: "Deployment", patch: "{metadata: {annotations: {a: b}}, status: {replicas: 3}}", subresource: "status"},
	{kind: "ReplicaSet", patch: "{metadata: {annotations: {a: b}}}"},
	{kind: "ReplicaSet", patch: "{spec: {replicas: 2}}", generations: 1},
	{kind: "DaemonSet", patch: templateSpec("{terminationGracePeriodSeconds: 3}"), generations: 1},
	{kind: "StatefulSet", patch: "{metadata: {annotations: {a: b}}}"},
	{kind: "Pod", patch: "{metadata: {annotations: {a: b}}}"},
	{kind: "Pod", before: podSpec("{automountServiceAccountToken: false}"), patch: podSpec("{containers: [{name: web, image: other}]}"), generations: 1},
	{kind: "Pod", patch: podSpec("{activeDeadlineSeconds: 9}"), generations: 1},
	{kind: "Pod", before: gated, patch: podSpec("{schedulingGates: []}"), generations: 1},
	{kind: "Pod", patch: "{status: {phase: Running}}", subresource: "status"},
	// API-VALID-02
	{kind: "Deployment", patch: "{spec: {selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x}}}}}", causes: []string{"FieldValueInvalid spec.selector"}},
	{kind: "ReplicaSet", patch: "{spec: {selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x}}}}}", causes: []string{"FieldValueInvalid spec.selector"}},
	{kind: "DaemonSet", patch: "{spec: {selector: {matchLabels: {app: x}}, template: {metadata: {labels: {app: x}}}}}", causes: []string{"FieldValueInvalid spec.selector"}},
	{kind: "StatefulSet", patch: "{spec: {serviceName: x, podManagementPolicy: Parallel}}", causes: []string{"FieldValueInvalid spec.podManagementPolicy", "FieldValueInvalid spec.serviceName"}},
	{kind: "Job", patch: "{spec: {completions: 3, completionMode: Indexed}}", causes: []string{"FieldValueInvalid spec.completions", "FieldValueInvalid spec.completionMode"}},
	{kind: "Job", patch: templateSpec("{terminationGracePeriodSeconds: 3}"), causes: []string{"FieldValueInvalid spec.template"}},
	// API-VALID-07
	{kind: "Pod", patch: podSpec("{nodeName: node}"), causes: []string{"FieldValueForbidden spec"}},
	{kind: "Pod", patch: podSpec("{terminationGracePeriodSeconds: 3}"), causes: []string{"FieldValueForbidden spec"}},
	{kind: "Pod", patch: podSpec("{nodeSelector: {a: b}}"), causes: []string{"FieldValueForbidden spec"}},
	{kind: "Pod", patch: podSpec("{containers: [{name: web, image: a}, {name: b, image: b}]}"), causes: []string{"FieldValueForbidden spec.containers"}},
	{kind: "Pod", patch: podSpec("{schedulingGates: [{name: a}]}"), causes: []string{"FieldValueForbidden spec.schedulingGates[0].name"}},
	{kind: "Pod", patch: podSpec("{tolerations: [{key: a, operator: Exists}]}"), causes: []string{"FieldValueForbidden spec.tolerations"}, before: podSpec("{tolerations: [{key: b, operator: Exists}]}")},
	{kind: "Pod", before: podSpec("{activeDeadlineSeconds: 5}"), patch: podSpec("{activeDeadlineSeconds: 9}"), causes: []string{"FieldValueInvalid spec.activeDeadlineSeconds"}},
	{kind: "Pod", before: podSpec("{activeDeadlineSeconds: 5}"), patch: podSpec("{activeDeadlineSeconds: null}"), causes: []string{"FieldValueInvalid spec.activeDeadlineSeconds"}},
	{kind: "Pod", before: gated, patch: podSpec("{nodeSelector: {c: d}}"), generations: 1},
	{kind: "Pod", before: gated, patch: podSpec("{nodeSelector: {a: c}}"), causes: []string{"FieldValueInvalid spec.nodeSelector"}},
	{kind: "Pod", before: gated, generations: 1, patch: podSpec("{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: a, operator: Exists}]}]}}}}")},
	// API-VALID-09
	{kind: "Deployment", subresource: "status", patch: "{status: {replicas: 1, readyReplicas: 2, availableReplicas: 3, updatedReplicas: -1}}",
		causes: []string{"FieldValueInvalid status.availableReplicas", "FieldValueInvalid status.availableReplicas", "FieldValueInvalid status.readyReplicas", "FieldValueInvalid status.updatedReplicas"}},
	{kind: "ReplicaSet", subresource: "status", patch: "{status: {replicas: 1, fullyLabeledReplicas: 2}}", causes: []string{"FieldValueInvalid status.fullyLabeledReplicas"}},
	{kind: "Pod", subresource: "status", patch: "{status: {qosClass: Guaranteed}}", causes: []string{"FieldValueInvalid status.qosClass"}},
	{kind: "Pod", subresource: "status", patch: "{status: {qosClass: null}}"},
	// others
	{kind: "ConfigMap", before: "{immutable: true}", patch: "{data: {a: c}}", causes: []string{"FieldValueForbidden data"}},
	{kind: "Secret", patch: "{type: x/y}", causes: []string{"FieldValueInvalid type"}},
	{kind: "PriorityClass", patch: "{value: 11}", causes: []string{"FieldValueForbidden value"}},
	{kind: "PersistentVolumeClaim", patch: "{spec: {accessModes: [ReadOnlyMany]}}", causes: []string{"FieldValueForbidden spec"}},
	{kind: "PodDisruptionBudget", patch: "{spec: {minAvailable: 2}}", generations: 1},
}

func TestUpdates(t *testing.T) {
	for _, test := range updates {
		t.Run(test.kind+" "+test.before+" "+test.patch, func(t *testing.T) {
			if test.before == "" {
				test.before = "{}"
			}
			old, errs := create(t, patched(t, test.kind, test.before))
			require.NoError(t, errs.ToAggregate())
			obj, errs := update(t, old, test.patch, test.subresource)
			causes := causesOf(errs)
			slices.Sort(test.causes)
			if diff := cmp.Diff(test.causes, causes); diff != "" {
				t.Errorf("expected (-) and found (+) causes:\n%s\n%v", diff, errs.ToAggregate())
			}
			grown := obj.(metav1.Object).GetGeneration() - old.(metav1.Object).GetGeneration()
			if len(causes) == 0 && grown != test.generations {
				t.Errorf("generation grew by %d, expected %d", grown, test.generations)
			}
			if os.Getenv(judge) == "" {
				return
			}
			judged, judgedGrown := judgeUpdate(t, patched(t, test.kind, test.before), test.patch, test.subresource)
			if diff := cmp.Diff(judged, causes); diff != "" {
				t.Errorf("the real server (-) and this one (+):\n%s", diff)
			}
			if len(judged) == 0 && judgedGrown != grown {
				t.Errorf("on the real server generation grew by %d, on this one by %d", judgedGrown, grown)
			}
		})
	}
}

func causesOf(errs field.ErrorList) []string {
	var causes []string
	for _, fault := range errs {
		causes = append(causes, "FieldValue"+suffix(fault.Type)+" "+fault.Field)
	}
	slices.Sort(causes)
	return causes
}

// update does to a merge patch what the generic part does to it.
func update(t *testing.T, old runtime.Object, patch, subresource string) (runtime.Object, field.ErrorList) {
	before, err := json.Marshal(old)
	require.NoError(t, err)
	asJSON, err := yaml.YAMLToJSON([]byte(patch))
	require.NoError(t, err)
	after, err := jsonpatch.MergePatch(before, asJSON)
	require.NoError(t, err)
	obj, gvk, err := scheme.Codecs.UniversalDeserializer().Decode(after, nil, nil)
	require.NoError(t, err)
	k := kindOf(t, gvk.Kind)
	if k.Default != nil {
		k.Default(obj)
	}
	prepare, validate := k.PrepareForUpdate, k.ValidateUpdate
	if subresource == "status" {
		prepare, validate = k.PrepareForStatus, k.ValidateStatus
	}
	prepare(obj, old)
	if validate == nil {
		return obj, nil
	}
	return obj, validate(obj, old)
}

func judgeUpdate(t *testing.T, manifest []byte, patch, subresource string) (causes []string, grown int64) {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv(judge))
	require.NoError(t, err)
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	require.NoError(t, err)
	obj := &unstructured.Unstructured{}
	require.NoError(t, json.Unmarshal(manifest, obj))
	k := kindOf(t, obj.GetKind())
	var resource dynamic.ResourceInterface = client.Resource(k.GroupVersion().WithResource(k.Resource))
	if k.Namespaced {
		resource = client.Resource(k.GroupVersion().WithResource(k.Resource)).Namespace("default")
	}
	obj.SetName("")
	obj.SetGenerateName("judged-")
	created, err := resource.Create(t.Context(), obj, metav1.CreateOptions{})
	require.NoError(t, err)
	now := int64(0)
	defer func() {
		require.NoError(t, resource.Delete(t.Context(), created.GetName(), metav1.DeleteOptions{GracePeriodSeconds: &now}))
	}()
	asJSON, err := yaml.YAMLToJSON([]byte(patch))
	require.NoError(t, err)
	var path []string
	if subresource != "" {
		path = []string{subresource}
	}
	changed, err := resource.Patch(t.Context(), created.GetName(), types.MergePatchType, asJSON, metav1.PatchOptions{}, path...)
	if err != nil {
		status, ok := err.(apierrors.APIStatus)
		require.True(t, ok && status.Status().Details != nil, "%v", err)
		for _, cause := range status.Status().Details.Causes {
			causes = append(causes, string(cause.Type)+" "+cause.Field)
		}
		slices.Sort(causes)
		return causes, 0
	}
	return nil, changed.GetGeneration() - created.GetGeneration()
}
