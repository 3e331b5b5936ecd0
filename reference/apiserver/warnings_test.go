package apiserver_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/reference/apiserver"
	"github.com/podchain/podchain/reference/inmemoryhttp"
	"github.com/podchain/podchain/reference/store"
)

// heard are the warnings of the last answer.
type heard []string

// HandleWarningHeader implements rest.WarningHandler.
func (h *heard) HandleWarningHeader(_ int, _, text string) { *h = append(*h, text) }

func (h *heard) take() []string {
	texts := slices.Clone(*h)
	*h = nil
	return texts
}

// allButJobs are the links of a cluster that creates no Pods for Jobs.
var allButJobs = slices.DeleteFunc(slices.Clone(chain.AllLinks),
	func(link chain.Link) bool { return link == chain.JobController })

// warning is a client of a server that belongs to a cluster of these links.
type warning struct {
	dynamic.Interface
	discovery *discovery.DiscoveryClient
	heard     heard
}

func startWarning(t *testing.T, links []chain.Link) *warning {
	t.Helper()
	server, err := apiserver.New(apiserver.Options{Store: store.NewMemory(), Links: links, WithoutAdmission: []string{"ServiceAccount"}})
	require.NoError(t, err)
	transport := inmemoryhttp.NewTransport(server)
	t.Cleanup(func() {
		server.Close()
		transport.Close()
	})
	w := &warning{}
	config := inmemoryhttp.Config(transport)
	config.WarningHandler = &w.heard
	config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
	w.Interface, err = dynamic.NewForConfig(config)
	require.NoError(t, err)
	w.discovery, err = discovery.NewDiscoveryClientForConfig(config)
	require.NoError(t, err)
	return w
}

// of returns the resource that a manifest belongs to, in the namespace default if it
// has one.
func (w *warning) of(t *testing.T, object *unstructured.Unstructured) dynamic.ResourceInterface {
	t.Helper()
	resources, err := w.discovery.ServerResourcesForGroupVersion(object.GetAPIVersion())
	require.NoError(t, err)
	for _, resource := range resources.APIResources {
		if resource.Kind == object.GetKind() && !strings.Contains(resource.Name, "/") {
			all := w.Resource(object.GroupVersionKind().GroupVersion().WithResource(resource.Name))
			if resource.Namespaced {
				return all.Namespace(metav1.NamespaceDefault)
			}
			return all
		}
	}
	require.Fail(t, "not served", "%s %s", object.GetAPIVersion(), object.GetKind())
	return nil
}

func manifest(t *testing.T, text string) *unstructured.Unstructured {
	t.Helper()
	object := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal([]byte(text), &object.Object), text)
	return object
}

const podTemplate = "{metadata: {labels: {app: web}}, spec: {containers: [{name: web, image: web}]}}"

// contents are what objects need to be valid, beside a name.
var contents = map[string]string{
	"ControllerRevision":      "revision: 1\ndata: {}",
	"CronJob":                 "spec: {schedule: '* * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: web, image: web}]}}}}}",
	"DaemonSet":               "spec: {selector: {matchLabels: {app: web}}, template: " + podTemplate + "}",
	"Deployment":              "spec: {selector: {matchLabels: {app: web}}, template: " + podTemplate + "}",
	"HorizontalPodAutoscaler": "spec: {maxReplicas: 3, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}}",
	"Job":                     "spec: {template: {spec: {restartPolicy: Never, containers: [{name: web, image: web}]}}}",
	"Lease":                   "spec: {holderIdentity: a, leaseDurationSeconds: 40}",
	"PersistentVolumeClaim":   "spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}",
	"Pod":                     "spec: {containers: [{name: web, image: web}]}",
	"PodDisruptionBudget":     "spec: {minAvailable: 1, selector: {matchLabels: {app: web}}}",
	"PodTemplate":             "template: " + podTemplate,
	"PriorityClass":           "value: 10",
	"ReplicaSet":              "spec: {selector: {matchLabels: {app: web}}, template: " + podTemplate + "}",
	"ReplicationController":   "spec: {template: " + podTemplate + "}",
	"Role":                    "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]",
	"ClusterRole":             "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]",
	"RoleBinding":             "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: a}",
	"ClusterRoleBinding":      "roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: a}",
	"Service":                 "spec: {ports: [{port: 80}]}",
	"StatefulSet":             "spec: {serviceName: web, selector: {matchLabels: {app: web}}, template: " + podTemplate + "}",
}

// minimal returns a valid object of a kind.
func minimal(t *testing.T, gvk schema.GroupVersionKind) *unstructured.Unstructured {
	t.Helper()
	content := contents[gvk.Kind]
	switch gvk.GroupVersion().String() {
	case "v1":
		if gvk.Kind == "Event" {
			content = "involvedObject: {kind: Pod, name: web, namespace: default}"
		}
	case "events.k8s.io/v1":
		content = "eventTime: '2026-01-01T00:00:00.000000Z'\nreportingController: a.b/c\nreportingInstance: c\naction: a\nreason: r\ntype: Normal\nregarding: {kind: Pod, name: web, namespace: default}"
	}
	// Of two versions of a kind each has an object of its own.
	name := strings.ToLower(gvk.Kind) + "-" + strings.NewReplacer(".", "-", "/", "-").Replace(gvk.GroupVersion().String())
	return manifest(t, fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {name: %s}\n%s", gvk.GroupVersion(), gvk.Kind, name, content))
}

func schemaOnly(plural string) string {
	return "no link of this cluster acts on " + plural + ": it is stored, and validated no further than its schema"
}

// expected are the warnings of each kind; "" is none, where no action is asked for or
// links take it.
var expected = map[string]string{
	"v1 ConfigMap":                           "",
	"v1 Endpoints":                           "",
	"v1 Event":                               "",
	"v1 LimitRange":                          schemaOnly("LimitRanges"),
	"v1 Namespace":                           "",
	"v1 Node":                                "",
	"v1 PersistentVolumeClaim":               "no link of this cluster acts on PersistentVolumeClaims: it stays Pending, and Pods that use it run all the same",
	"v1 PersistentVolume":                    schemaOnly("PersistentVolumes"),
	"v1 Pod":                                 "",
	"v1 PodTemplate":                         "",
	"v1 ReplicationController":               "no link of this cluster acts on ReplicationControllers: it is only stored",
	"v1 ResourceQuota":                       schemaOnly("ResourceQuotas"),
	"v1 Secret":                              "",
	"v1 ServiceAccount":                      "",
	"v1 Service":                             "no link of this cluster acts on Services: no EndpointSlices are made, no name is resolved, and no traffic is routed",
	"apps/v1 ControllerRevision":             "",
	"apps/v1 DaemonSet":                      "",
	"apps/v1 Deployment":                     "",
	"apps/v1 ReplicaSet":                     "",
	"apps/v1 StatefulSet":                    "",
	"events.k8s.io/v1 Event":                 "",
	"autoscaling/v1 HorizontalPodAutoscaler": "no link of this cluster acts on HorizontalPodAutoscalers: it is only stored",
	"autoscaling/v2 HorizontalPodAutoscaler": "no link of this cluster acts on HorizontalPodAutoscalers: it is only stored",
	"batch/v1 CronJob":                       schemaOnly("CronJobs"),
	"batch/v1 Job":                           "no link of this cluster acts on Jobs: no Pods are created for it",
	"certificates.k8s.io/v1 CertificateSigningRequest":                 schemaOnly("CertificateSigningRequests"),
	"certificates.k8s.io/v1 ClusterTrustBundle":                        "",
	"certificates.k8s.io/v1 PodCertificateRequest":                     schemaOnly("PodCertificateRequests"),
	"networking.k8s.io/v1 IngressClass":                                schemaOnly("IngressClasses"),
	"networking.k8s.io/v1 Ingress":                                     schemaOnly("Ingresses"),
	"networking.k8s.io/v1 IPAddress":                                   schemaOnly("IPAddresses"),
	"networking.k8s.io/v1 NetworkPolicy":                               schemaOnly("NetworkPolicies"),
	"networking.k8s.io/v1 ServiceCIDR":                                 schemaOnly("ServiceCIDRs"),
	"policy/v1 PodDisruptionBudget":                                    "no link of this cluster acts on PodDisruptionBudgets: its status is never set, and every eviction of a running Pod that it selects is refused",
	"rbac.authorization.k8s.io/v1 ClusterRoleBinding":                  schemaOnly("ClusterRoleBindings"),
	"rbac.authorization.k8s.io/v1 ClusterRole":                         schemaOnly("ClusterRoles"),
	"rbac.authorization.k8s.io/v1 RoleBinding":                         schemaOnly("RoleBindings"),
	"rbac.authorization.k8s.io/v1 Role":                                schemaOnly("Roles"),
	"storage.k8s.io/v1 CSIDriver":                                      schemaOnly("CSIDrivers"),
	"storage.k8s.io/v1 CSINode":                                        "",
	"storage.k8s.io/v1 CSIStorageCapacity":                             "",
	"storage.k8s.io/v1 StorageClass":                                   schemaOnly("StorageClasses"),
	"storage.k8s.io/v1 VolumeAttachment":                               schemaOnly("VolumeAttachments"),
	"storage.k8s.io/v1 VolumeAttributesClass":                          schemaOnly("VolumeAttributesClasses"),
	"admissionregistration.k8s.io/v1 MutatingAdmissionPolicy":          schemaOnly("MutatingAdmissionPolicies"),
	"admissionregistration.k8s.io/v1 MutatingAdmissionPolicyBinding":   schemaOnly("MutatingAdmissionPolicyBindings"),
	"admissionregistration.k8s.io/v1 MutatingWebhookConfiguration":     schemaOnly("MutatingWebhookConfigurations"),
	"admissionregistration.k8s.io/v1 ValidatingAdmissionPolicy":        schemaOnly("ValidatingAdmissionPolicies"),
	"admissionregistration.k8s.io/v1 ValidatingAdmissionPolicyBinding": schemaOnly("ValidatingAdmissionPolicyBindings"),
	"admissionregistration.k8s.io/v1 ValidatingWebhookConfiguration":   schemaOnly("ValidatingWebhookConfigurations"),
	"scheduling.k8s.io/v1 PriorityClass":                               "",
	"coordination.k8s.io/v1 Lease":                                     "",
	"node.k8s.io/v1 RuntimeClass":                                      schemaOnly("RuntimeClasses"),
	"discovery.k8s.io/v1 EndpointSlice":                                "",
	"resource.k8s.io/v1 DeviceClass":                                   schemaOnly("DeviceClasses"),
	"resource.k8s.io/v1 DeviceTaintRule":                               schemaOnly("DeviceTaintRules"),
	"resource.k8s.io/v1 ResourceClaim":                                 schemaOnly("ResourceClaims"),
	"resource.k8s.io/v1 ResourceClaimTemplate":                         schemaOnly("ResourceClaimTemplates"),
	"resource.k8s.io/v1 ResourceSlice":                                 "",
	"flowcontrol.apiserver.k8s.io/v1 FlowSchema":                       schemaOnly("FlowSchemas"),
	"flowcontrol.apiserver.k8s.io/v1 PriorityLevelConfiguration":       schemaOnly("PriorityLevelConfigurations"),
	"storagemigration.k8s.io/v1 StorageVersionMigration":               schemaOnly("StorageVersionMigrations"),
}

// TestEveryKindIsWarnedOfOrNot: a kind that is added needs its line above.
func TestEveryKindIsWarnedOfOrNot(t *testing.T) {
	w := startWarning(t, allButJobs)
	_, lists, err := w.discovery.ServerGroupsAndResources()
	require.NoError(t, err)
	found := map[string]string{}
	for _, list := range lists {
		for _, resource := range list.APIResources {
			if strings.Contains(resource.Name, "/") || !slices.Contains(resource.Verbs, "create") || !slices.Contains(resource.Verbs, "list") {
				continue // nothing is stored
			}
			object := minimal(t, schema.FromAPIVersionAndKind(list.GroupVersion, resource.Kind))
			_, err := w.of(t, object).Create(t.Context(), object, metav1.CreateOptions{})
			require.NoError(t, err, "POST %s", object)
			found[list.GroupVersion+" "+resource.Kind] = strings.Join(w.heard.take(), "\n")
		}
	}
	if diff := cmp.Diff(expected, found); diff != "" {
		t.Errorf("expected (-) and found (+):\n%s", diff)
	}
}

// TestEveryWriteIsWarnedOf: of the object, by whatever verb it is written.
func TestEveryWriteIsWarnedOf(t *testing.T) {
	w := startWarning(t, allButJobs)
	says := []string{schemaOnly("Ingresses")}
	ingress := minimal(t, schema.GroupVersionKind{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"})
	client, name := w.of(t, ingress), ingress.GetName()
	dry := []string{metav1.DryRunAll}
	for _, write := range []struct {
		name string
		do   func() error
		says []string
	}{
		{"create, dry run", func() error {
			_, err := client.Create(t.Context(), ingress, metav1.CreateOptions{DryRun: dry})
			return err
		}, says},
		{"create by apply", func() error {
			_, err := client.Apply(t.Context(), name, ingress, metav1.ApplyOptions{FieldManager: "a"})
			return err
		}, says},
		{"apply", func() error {
			_, err := client.Apply(t.Context(), name, ingress, metav1.ApplyOptions{FieldManager: "b"})
			return err
		}, says},
		{"update", func() error { _, err := client.Update(t.Context(), ingress, metav1.UpdateOptions{}); return err }, says},
		{"merge patch", func() error {
			_, err := client.Patch(t.Context(), name, types.MergePatchType, []byte(`{"metadata": {"labels": {"a": "b"}}}`), metav1.PatchOptions{})
			return err
		}, says},
		{"strategic merge patch, dry run", func() error {
			_, err := client.Patch(t.Context(), name, types.StrategicMergePatchType, []byte(`{"metadata": {"labels": {"a": "c"}}}`), metav1.PatchOptions{DryRun: dry})
			return err
		}, says},
		{"JSON patch", func() error {
			_, err := client.Patch(t.Context(), name, types.JSONPatchType, []byte(`[{"op": "remove", "path": "/metadata/labels"}]`), metav1.PatchOptions{})
			return err
		}, says},
		{"status", func() error {
			_, err := client.Patch(t.Context(), name, types.MergePatchType, []byte(`{"status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}`), metav1.PatchOptions{}, "status")
			return err
		}, nil},
		{"get", func() error { _, err := client.Get(t.Context(), name, metav1.GetOptions{}); return err }, nil},
		{"delete", func() error { return client.Delete(t.Context(), name, metav1.DeleteOptions{}) }, nil},
	} {
		require.NoError(t, write.do(), write.name)
		assert.Equal(t, write.says, w.heard.take(), write.name)
	}
}

// TestFieldsThatNothingCarriesOut: those of Pods also in templates.
func TestFieldsThatNothingCarriesOut(t *testing.T) {
	const (
		noClaims  = "no link of this cluster binds claims: Pods run all the same"
		noVolumes = "no link of this cluster mounts such volumes: Pods run all the same"
	)
	for _, test := range []struct {
		name, kind, patch string
		says              []string // the paths of a Pod's spec are below SPEC
	}{
		{"a claim", "", "volumes: [{name: a, emptyDir: {}}, {name: b, persistentVolumeClaim: {claimName: c}}]",
			[]string{"SPEC.volumes[1].persistentVolumeClaim: " + noClaims}},
		{"a claim of the Pod's own", "", "volumes: [{name: a, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}}}]",
			[]string{"SPEC.volumes[0].ephemeral: " + noClaims}},
		{"volumes of drivers", "", "volumes: [{name: a, nfs: {server: s, path: /}}, {name: b, csi: {driver: d}}, {name: c, image: {reference: i}}]",
			[]string{"SPEC.volumes[0].nfs: " + noVolumes, "SPEC.volumes[1].csi: " + noVolumes, "SPEC.volumes[2].image: " + noVolumes}},
		{"volumes without drivers", "", "volumes: [{name: a}, {name: b, hostPath: {path: /}}, {name: c, configMap: {name: x}}, {name: d, secret: {secretName: x}}, " +
			"{name: e, downwardAPI: {}}, {name: f, projected: {sources: [{serviceAccountToken: {path: t}}]}}]", nil},
		{"certificates", "", "volumes: [{name: a, projected: {sources: [{configMap: {name: x}}, {clusterTrustBundle: {name: x, path: p}}]}}]",
			[]string{"SPEC.volumes[0].projected.sources[1].clusterTrustBundle: no link of this cluster projects such sources: Pods run all the same"}},
		{"another scheduler", "", "schedulerName: mine",
			[]string{"SPEC.schedulerName: no link of this cluster is a scheduler of that name: Pods wait until something binds them"}},
		{"the scheduler", "", "schedulerName: default-scheduler", nil},
		{"another scheduler that has nothing to do", "Pod", "{schedulerName: mine, nodeName: node-1}", nil},
		{"a runtime class", "", "runtimeClassName: gvisor",
			[]string{"SPEC.runtimeClassName: no link of this cluster acts on RuntimeClasses: Pods run as if they named none"}},
		{"devices", "", "resourceClaims: [{name: gpu, resourceClaimName: gpu}]",
			[]string{"SPEC.resourceClaims: no link of this cluster allocates devices: Pods that claim some are not scheduled"}},
		{"a group of Pods", "", "schedulingGroup: {podGroupName: g}",
			[]string{"SPEC.schedulingGroup: no link of this cluster schedules Pods as a group: each is scheduled by itself"}},
		{"harmless", "", "{hostUsers: false, shareProcessNamespace: true, dnsPolicy: ClusterFirstWithHostNet}", nil},
	} {
		kinds := []string{"Pod", "Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"}
		if test.kind != "" {
			kinds = []string{test.kind}
		}
		for _, kind := range kinds {
			t.Run(test.name+" of a "+kind, func(t *testing.T) {
				w := startWarning(t, allButJobs)
				gv, at := schema.GroupVersion{Group: "apps", Version: "v1"}, []string{"spec", "template", "spec"}
				if kind == "Pod" {
					gv, at = schema.GroupVersion{Version: "v1"}, []string{"spec"}
				}
				object := minimal(t, gv.WithKind(kind))
				var patch map[string]any
				require.NoError(t, yaml.Unmarshal([]byte(test.patch), &patch))
				for name, value := range patch {
					require.NoError(t, unstructured.SetNestedField(object.Object, value, append(at, name)...))
				}
				created, err := w.of(t, object).Create(t.Context(), object, metav1.CreateOptions{})
				require.NoError(t, err)
				var says []string
				for _, text := range test.says {
					says = append(says, strings.Replace(text, "SPEC", strings.Join(at, "."), 1))
				}
				assert.Equal(t, says, w.heard.take())

				created.SetLabels(map[string]string{"a": "b"})
				_, err = w.of(t, object).Update(t.Context(), created, metav1.UpdateOptions{})
				require.NoError(t, err)
				assert.Empty(t, w.heard.take(), "nothing that was asked for has changed")
			})
		}
	}
}

// TestValuesThatNothingCarriesOut: of other kinds than Pods.
func TestValuesThatNothingCarriesOut(t *testing.T) {
	service := "no link of this cluster acts on Services: no EndpointSlices are made, no name is resolved, and no traffic is routed"
	for _, test := range []struct {
		name, manifest string
		says           []string
	}{
		{"load balancer", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: LoadBalancer, ports: [{port: 80}]}",
			[]string{service, "spec.type: no link of this cluster makes load balancers: status.loadBalancer stays empty"}},
		{"external name", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {type: ExternalName, externalName: a.example}", []string{service}},
		{"token to fill in", "apiVersion: v1\nkind: Secret\nmetadata: {name: a, annotations: {kubernetes.io/service-account.name: default}}\ntype: kubernetes.io/service-account-token",
			[]string{"type: no link of this cluster fills in tokens: ask for one with kubectl create token"}},
		{"claims of a StatefulSet", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: a}\nspec: {serviceName: a, selector: {matchLabels: {app: web}}, template: " + podTemplate +
			", volumeClaimTemplates: [{metadata: {name: data}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}",
			[]string{"spec.volumeClaimTemplates[0]: no link of this cluster binds claims: Pods run all the same"}},
		{"a template of which nothing is made", "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {restartPolicy: Never, runtimeClassName: x, containers: [{name: c, image: i}]}}}",
			[]string{"no link of this cluster acts on Jobs: no Pods are created for it"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := startWarning(t, allButJobs)
			object := manifest(t, test.manifest)
			_, err := w.of(t, object).Create(t.Context(), object, metav1.CreateOptions{})
			require.NoError(t, err)
			assert.Equal(t, test.says, w.heard.take())
		})
	}
}

// TestSubresourcesThatNothingCarriesOut: what a running Pod is asked for.
func TestSubresourcesThatNothingCarriesOut(t *testing.T) {
	w := startWarning(t, allButJobs)
	pod := minimal(t, schema.GroupVersionKind{Version: "v1", Kind: "Pod"})
	client := w.of(t, pod)
	created, err := client.Create(t.Context(), pod, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Empty(t, w.heard.take())
	_, err = client.Update(t.Context(), created, metav1.UpdateOptions{}, "resize")
	require.NoError(t, err)
	assert.Equal(t, []string{"spec.containers: no link of this cluster resizes containers: they keep what they were started with"}, w.heard.take())
}

// TestUnknownLinks: a server that does not know what else works on its cluster speaks
// of itself only.
func TestUnknownLinks(t *testing.T) {
	w := startWarning(t, nil)
	for kind, says := range map[schema.GroupVersionKind][]string{
		{Group: "networking.k8s.io", Version: "v1", Kind: "Ingress"}: {"this API server validates Ingresses no further than their schema"},
		{Group: "rbac.authorization.k8s.io", Version: "v1", Kind: "Role"}: {
			"this API server does not act on Roles: it is stored, and validated no further than its schema"},
		{Group: "batch", Version: "v1", Kind: "Job"}: nil,
		{Version: "v1", Kind: "Service"}:             nil,
		{Version: "v1", Kind: "ConfigMap"}:           nil,
		{Version: "v1", Kind: "ServiceAccount"}:      nil,
	} {
		object := minimal(t, kind)
		_, err := w.of(t, object).Create(t.Context(), object, metav1.CreateOptions{})
		require.NoError(t, err)
		assert.Equal(t, says, w.heard.take(), kind.Kind)
	}
	pod := manifest(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {schedulerName: mine, containers: [{name: c, image: i}]}")
	_, err := w.of(t, pod).Create(t.Context(), pod, metav1.CreateOptions{})
	require.NoError(t, err)
	assert.Empty(t, w.heard.take())
}

// TestWarningsHaveLimits: those of Kubernetes.
func TestWarningsHaveLimits(t *testing.T) {
	w := startWarning(t, allButJobs)
	var volumes []string
	for i := range 100 {
		volumes = append(volumes, fmt.Sprintf("{name: v%d, nfs: {server: s, path: /}}", i))
	}
	pod := manifest(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {containers: [{name: c, image: i}], volumes: ["+strings.Join(volumes, ", ")+"]}")
	_, err := w.of(t, pod).Create(t.Context(), pod, metav1.CreateOptions{})
	require.NoError(t, err)
	said := w.heard.take()
	assert.InDelta(t, 4*1024, len(strings.Join(said, "")), 256)
	assert.Less(t, len(said), 100)

	long := manifest(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}")
	for i := range 5 {
		long.Object[fmt.Sprint(i, strings.Repeat("x", 1000))] = "x"
	}
	_, err = w.of(t, long).Create(t.Context(), long, metav1.CreateOptions{FieldValidation: metav1.FieldValidationWarn})
	require.NoError(t, err)
	said = w.heard.take()
	require.Len(t, said, 5)
	for _, text := range said {
		assert.Len(t, text, 256)
	}
}

var _ rest.WarningHandler = (*heard)(nil)
