package kinds_test

import (
	"encoding/json"
	"fmt"
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
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// judge names a kubeconfig of a real Kubernetes. With it, the tests of this
// file ask the real server the same and want the same answers.
const judge = "PODCHAIN_JUDGE"

const template = `
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: web}]`

// bases are manifests that are valid and say as little as they can.
var bases = map[string]string{
	"Deployment":            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:" + template,
	"ReplicaSet":            "apiVersion: apps/v1\nkind: ReplicaSet\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:" + template,
	"StatefulSet":           "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: web}\nspec:\n  serviceName: web\n  selector: {matchLabels: {app: web}}\n  template:" + template,
	"DaemonSet":             "apiVersion: apps/v1\nkind: DaemonSet\nmetadata: {name: web}\nspec:\n  selector: {matchLabels: {app: web}}\n  template:" + template,
	"ReplicationController": "apiVersion: v1\nkind: ReplicationController\nmetadata: {name: web}\nspec:\n  template:" + template,
	"Job":                   "apiVersion: batch/v1\nkind: Job\nmetadata: {name: web}\nspec:\n  template:" + template + "\n      restartPolicy: Never",
	"CronJob":               "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: web}\nspec:\n  schedule: '* * * * *'\n  jobTemplate:\n   spec:\n    template:\n     spec:\n      restartPolicy: Never\n      containers: [{name: web, image: web}]",
	"Pod":                   "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec:\n  containers: [{name: web, image: web}]",
	"PodTemplate":           "apiVersion: v1\nkind: PodTemplate\nmetadata: {name: web}\ntemplate:" + template,
	"Service":               "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec:\n  clusterIP: None\n  ports: [{port: 80}]",
	"ConfigMap":             "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\ndata: {a: b}",
	"Secret":                "apiVersion: v1\nkind: Secret\nmetadata: {name: web}\nstringData: {a: b}",
	"Namespace":             "apiVersion: v1\nkind: Namespace\nmetadata: {name: web}",
	"Node":                  "apiVersion: v1\nkind: Node\nmetadata: {name: web}\nstatus: {capacity: {cpu: '1'}}",
	"PersistentVolumeClaim": "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: web}\nspec:\n  accessModes: [ReadWriteOnce]\n  storageClassName: x\n  resources: {requests: {storage: 1Gi}}",
	"Lease":                 "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {name: web}\nspec: {holderIdentity: a, leaseDurationSeconds: 40}",
	"PriorityClass":         "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: web}\nvalue: 10",
	"PodDisruptionBudget":   "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec:\n  minAvailable: 1\n  selector: {matchLabels: {app: web}}",
	"HorizontalPodAutoscaler": "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: web}\nspec:\n  maxReplicas: 3\n" +
		"  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}",
	"Role": "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: 'web:x'}\nrules: [{apiGroups: [''], resources: [pods], verbs: [get]}]",
}

// podSpec is a merge patch of a Pod's spec; of a template's it is one deeper.
func podSpec(patch string) string { return "{spec: " + patch + "}" }

// templateSpec is a merge patch of the spec of a workload's template.
func templateSpec(patch string) string { return "{spec: {template: {spec: " + patch + "}}}" }

func container(fields string) string {
	return podSpec("{containers: [{name: web, image: web, " + fields + "}]}")
}

// faulty are manifests and what is wrong with them: reason and field of every
// cause. A patch is a merge patch of the base of its kind.
var faulty = []struct {
	kind, patch string
	causes      []string
}{
	// API-VALID-01, -02
	{"Deployment", "{spec: {selector: null}}", []string{"FieldValueRequired spec.selector", "FieldValueInvalid spec.template.metadata.labels"}},
	{"Deployment", "{spec: {selector: {matchLabels: null}}}", []string{"FieldValueInvalid spec.selector"}},
	{"Deployment", "{spec: {selector: {matchLabels: {app: x}}}}", []string{"FieldValueInvalid spec.template.metadata.labels"}},
	{"Deployment", "{spec: {selector: {matchLabels: {app: 'x y'}}}}", []string{"FieldValueInvalid spec.selector.matchLabels", "FieldValueInvalid spec.selector"}},
	{"Deployment", "{spec: {selector: {matchExpressions: [{key: app, operator: Foo}]}}}",
		[]string{"FieldValueInvalid spec.selector.matchExpressions[0].operator", "FieldValueInvalid spec.selector"}},
	{"ReplicaSet", "{spec: {selector: null}}", []string{"FieldValueRequired spec.selector", "FieldValueInvalid spec.template.metadata.labels"}},
	{"ReplicaSet", "{spec: {selector: {matchLabels: {app: x}}}}", []string{"FieldValueInvalid spec.template.metadata.labels"}},
	{"StatefulSet", "{spec: {selector: {matchLabels: {app: x}}}}", []string{"FieldValueInvalid spec.template.metadata.labels"}},
	{"DaemonSet", "{spec: {selector: {matchLabels: {app: x}}}}", []string{"FieldValueInvalid spec.template.metadata.labels"}},
	{"DaemonSet", "{spec: {selector: {matchLabels: null}}}", []string{"FieldValueInvalid spec.selector"}},
	{"ReplicationController", "{spec: {selector: {app: x}}}", []string{"FieldValueInvalid spec.template.metadata.labels"}},
	{"ReplicationController", "{spec: {template: null}}", []string{"FieldValueRequired spec.selector", "FieldValueRequired spec.template"}},
	// API-VALID-03
	{"Deployment", "{spec: {replicas: -1}}", []string{"FieldValueInvalid spec.replicas"}},
	{"Deployment", "{spec: {minReadySeconds: -1, revisionHistoryLimit: -1}}", []string{"FieldValueInvalid spec.minReadySeconds", "FieldValueInvalid spec.revisionHistoryLimit"}},
	{"Deployment", "{spec: {minReadySeconds: 10, progressDeadlineSeconds: 10}}", []string{"FieldValueInvalid spec.progressDeadlineSeconds"}},
	{"Deployment", "{spec: {strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}}}", []string{"FieldValueInvalid spec.strategy.rollingUpdate.maxUnavailable"}},
	{"Deployment", "{spec: {strategy: {rollingUpdate: {maxUnavailable: 101%}}}}", []string{"FieldValueInvalid spec.strategy.rollingUpdate.maxUnavailable"}},
	{"Deployment", "{spec: {strategy: {rollingUpdate: {maxSurge: x, maxUnavailable: -1}}}}",
		[]string{"FieldValueInvalid spec.strategy.rollingUpdate.maxSurge", "FieldValueInvalid spec.strategy.rollingUpdate.maxUnavailable"}},
	{"ReplicaSet", "{spec: {replicas: -1, minReadySeconds: -1}}", []string{"FieldValueInvalid spec.minReadySeconds", "FieldValueInvalid spec.replicas"}},
	{"StatefulSet", "{spec: {updateStrategy: {rollingUpdate: {partition: -1}}}}", []string{"FieldValueInvalid spec.updateStrategy.rollingUpdate.partition"}},
	{"StatefulSet", "{spec: {updateStrategy: {rollingUpdate: {maxUnavailable: 0}}}}", []string{"FieldValueInvalid spec.updateStrategy.rollingUpdate.maxUnavailable"}},
	{"StatefulSet", "{spec: {podManagementPolicy: X}}", []string{"FieldValueInvalid spec.podManagementPolicy"}},
	{"DaemonSet", "{spec: {updateStrategy: {rollingUpdate: {maxSurge: 1}}}}", []string{"FieldValueInvalid spec.updateStrategy.rollingUpdate.maxSurge"}},
	{"DaemonSet", "{spec: {updateStrategy: {rollingUpdate: {maxUnavailable: 0}}}}", []string{"FieldValueRequired spec.updateStrategy.rollingUpdate.maxUnavailable"}},
	// API-VALID-04
	{"Deployment", "{spec: {strategy: {type: Recreate, rollingUpdate: {maxSurge: 1}}}}", []string{"FieldValueForbidden spec.strategy.rollingUpdate"}},
	{"Deployment", "{spec: {strategy: {type: X}}}", []string{"FieldValueNotSupported spec.strategy"}},
	// API-VALID-05
	{"Deployment", templateSpec("{restartPolicy: Never}"), []string{"FieldValueNotSupported spec.template.spec.restartPolicy"}},
	{"Deployment", templateSpec("{activeDeadlineSeconds: 5}"), []string{"FieldValueForbidden spec.template.spec.activeDeadlineSeconds"}},
	{"DaemonSet", templateSpec("{restartPolicy: OnFailure}"), []string{"FieldValueNotSupported spec.template.spec.restartPolicy"}},
	{"StatefulSet", templateSpec("{activeDeadlineSeconds: 5}"), []string{"FieldValueForbidden spec.template.spec.activeDeadlineSeconds"}},
	{"Job", templateSpec("{restartPolicy: null}"), []string{"FieldValueRequired spec.template.spec.restartPolicy"}},
	{"Job", templateSpec("{restartPolicy: Always}"), []string{"FieldValueRequired spec.template.spec.restartPolicy"}},
	// API-VALID-06
	{"Deployment", templateSpec("{containers: []}"), []string{"FieldValueRequired spec.template.spec.containers"}},
	{"Pod", podSpec("{containers: [{name: web, image: web}, {name: web, image: web}]}"), []string{"FieldValueDuplicate spec.containers[1].name"}},
	{"Pod", podSpec("{containers: [{name: A_b, image: ''}, {image: x}]}"),
		[]string{"FieldValueInvalid spec.containers[0].name", "FieldValueRequired spec.containers[0].image", "FieldValueRequired spec.containers[1].name"}},
	{"Pod", podSpec("{containers: [{name: web, image: ' web'}]}"), []string{"FieldValueInvalid spec.containers[0].image"}},
	{"Pod", container("imagePullPolicy: X, terminationMessagePolicy: Z"),
		[]string{"FieldValueNotSupported spec.containers[0].imagePullPolicy", "FieldValueNotSupported spec.containers[0].terminationMessagePolicy"}},
	{"Pod", podSpec("{initContainers: [{name: web, image: x, readinessProbe: {exec: {command: [a]}}}]}"),
		[]string{"FieldValueDuplicate spec.initContainers[0].name", "FieldValueForbidden spec.initContainers[0].readinessProbe"}},
	{"Pod", container("ports: [{containerPort: 0}, {containerPort: 70000, protocol: X, name: a}, {containerPort: 1, name: a, hostPort: 1}, {containerPort: 2, hostPort: 1}]"),
		[]string{"FieldValueRequired spec.containers[0].ports[0].containerPort", "FieldValueInvalid spec.containers[0].ports[1].containerPort",
			"FieldValueNotSupported spec.containers[0].ports[1].protocol", "FieldValueDuplicate spec.containers[0].ports[2].name",
			"FieldValueDuplicate spec.containers[0].ports[3].hostPort"}},
	{"Pod", container("livenessProbe: {successThreshold: 2, exec: {command: []}, httpGet: {port: 80}}"),
		[]string{"FieldValueForbidden spec.containers[0].livenessProbe.httpGet", "FieldValueInvalid spec.containers[0].livenessProbe.successThreshold",
			"FieldValueRequired spec.containers[0].livenessProbe.exec.command"}},
	{"Pod", container("readinessProbe: {periodSeconds: -1}"),
		[]string{"FieldValueInvalid spec.containers[0].readinessProbe.periodSeconds", "FieldValueRequired spec.containers[0].readinessProbe"}},
	{"Pod", container("readinessProbe: {tcpSocket: {port: '80'}}"), []string{"FieldValueInvalid spec.containers[0].readinessProbe.tcpSocket.port"}},
	{"Pod", container("lifecycle: {preStop: {}}"), []string{"FieldValueRequired spec.containers[0].lifecycle.preStop"}},
	{"Pod", container("env: [{name: '', value: a}, {name: a, value: b, valueFrom: {fieldRef: {fieldPath: metadata.name}}}, {name: c, valueFrom: {fieldRef: {fieldPath: x}}}, {name: d, valueFrom: {}}]"),
		[]string{"FieldValueInvalid spec.containers[0].env[1].valueFrom", "FieldValueInvalid spec.containers[0].env[2].valueFrom.fieldRef.fieldPath",
			"FieldValueInvalid spec.containers[0].env[3].valueFrom", "FieldValueRequired spec.containers[0].env[0].name"}},
	{"Pod", container("resources: {requests: {cpu: 2}, limits: {cpu: 1, foo: 1, memory: -1}}"),
		[]string{"FieldValueInvalid spec.containers[0].resources.limits[foo]", "FieldValueInvalid spec.containers[0].resources.limits[foo]",
			"FieldValueInvalid spec.containers[0].resources.requests[foo]", "FieldValueInvalid spec.containers[0].resources.requests[foo]",
			"FieldValueInvalid spec.containers[0].resources.limits[memory]", "FieldValueInvalid spec.containers[0].resources.requests[memory]",
			"FieldValueInvalid spec.containers[0].resources.requests"}},
	{"Pod", container("resources: {requests: {example.com/gpu: 1}}"), []string{"FieldValueRequired spec.containers[0].resources.limits"}},
	{"Pod", container("volumeMounts: [{name: a, mountPath: /a}, {name: b, mountPath: ''}]"),
		[]string{"FieldValueNotFound spec.containers[0].volumeMounts[0].name", "FieldValueNotFound spec.containers[0].volumeMounts[1].name",
			"FieldValueRequired spec.containers[0].volumeMounts[1].mountPath"}},
	{"Pod", podSpec("{volumes: [{name: a}, {name: a}, {name: B_, emptyDir: {}}, {name: c, emptyDir: {}, hostPath: {path: /x}}, {name: d, secret: {}}, {name: e, configMap: {}}, {name: f, persistentVolumeClaim: {claimName: ''}}]}"),
		[]string{"FieldValueDuplicate spec.volumes[1].name", "FieldValueInvalid spec.volumes[2].name", "FieldValueForbidden spec.volumes[3].hostPath",
			"FieldValueRequired spec.volumes[4].secret.secretName", "FieldValueRequired spec.volumes[5].configMap.name",
			"FieldValueRequired spec.volumes[6].persistentVolumeClaim.claimName"}},
	{"Pod", podSpec("{restartPolicy: X, dnsPolicy: Z}"), []string{"FieldValueNotSupported spec.dnsPolicy", "FieldValueNotSupported spec.restartPolicy"}},
	{"Pod", podSpec("{nodeSelector: {'a b': c}, nodeName: A_}"), []string{"FieldValueInvalid spec.nodeName", "FieldValueInvalid spec.nodeSelector"}},
	{"Pod", podSpec("{tolerations: [{operator: X, key: a}, {effect: NoSchedule, key: a, tolerationSeconds: 3}, {value: a}, {key: a, operator: Exists, value: b, effect: Z}]}"),
		[]string{"FieldValueInvalid spec.tolerations[1].effect", "FieldValueInvalid spec.tolerations[2].operator", "FieldValueInvalid spec.tolerations[3].operator",
			"FieldValueNotSupported spec.tolerations[0].operator", "FieldValueNotSupported spec.tolerations[3].effect"}},
	{"Pod", podSpec("{affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}}"),
		[]string{"FieldValueRequired spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"}},
	{"Pod", podSpec("{affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 0, podAffinityTerm: {labelSelector: {matchLabels: {a: b}}, topologyKey: zone}}]}}}"),
		[]string{"FieldValueInvalid spec.affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight"}},
	{"Pod", podSpec("{topologySpreadConstraints: [{maxSkew: 0, topologyKey: '', whenUnsatisfiable: X}]}"),
		[]string{"FieldValueInvalid spec.topologySpreadConstraints[0].maxSkew", "FieldValueRequired spec.topologySpreadConstraints[0].topologyKey",
			"FieldValueNotSupported spec.topologySpreadConstraints[0].whenUnsatisfiable"}},
	{"Pod", podSpec("{activeDeadlineSeconds: 0}"), []string{"FieldValueInvalid spec.activeDeadlineSeconds"}},
	{"Pod", podSpec("{schedulingGates: [{name: a}, {name: a}]}"), []string{"FieldValueDuplicate spec.schedulingGates[1]"}},
	{"Pod", podSpec("{schedulingGates: [{name: a}], nodeName: node}"), []string{"FieldValueForbidden spec.nodeName"}},
	{"Pod", podSpec("{hostNetwork: true, containers: [{name: web, image: web, ports: [{containerPort: 80, hostPort: 81}]}]}"),
		[]string{"FieldValueInvalid spec.containers[0].ports[0].hostPort"}},
	{"Deployment", "{spec: {template: {metadata: {labels: {'a b': c}}}}}", []string{"FieldValueInvalid spec.template.labels"}},
	// others
	{"Job", "{spec: {parallelism: -1, completions: -1, backoffLimit: -1}}",
		[]string{"FieldValueInvalid spec.backoffLimit", "FieldValueInvalid spec.completions", "FieldValueInvalid spec.parallelism"}},
	{"Job", "{spec: {completionMode: Indexed, parallelism: 2}}", []string{"FieldValueRequired spec.completions"}},
	{"Job", "{spec: {backoffLimitPerIndex: 1}}", []string{"FieldValueInvalid spec.backoffLimitPerIndex"}},
	{"Job", "{spec: {selector: {matchLabels: {a: b}}}}", []string{"FieldValueInvalid spec.selector", "FieldValueInvalid spec.template.metadata.labels"}},
	{"StatefulSet", "{spec: {volumeClaimTemplates: [{metadata: {name: a}, spec: {}}]}}",
		[]string{"FieldValueRequired spec.volumeClaimTemplates[0].spec.accessModes", "FieldValueRequired spec.volumeClaimTemplates[0].spec.resources[storage]"}},
	{"Service", "{spec: {ports: [{port: 0}, {port: 80}], type: X}}",
		[]string{"FieldValueInvalid spec.ports[0].port", "FieldValueInvalid spec.ports[0].targetPort", "FieldValueRequired spec.ports[0].name", "FieldValueRequired spec.ports[1].name", "FieldValueNotSupported spec.type"}},
	{"ConfigMap", "{data: {'a b': c}}", []string{"FieldValueInvalid data[a b]"}},
	{"Secret", "{type: kubernetes.io/tls}", []string{"FieldValueRequired data[tls.crt]", "FieldValueRequired data[tls.key]"}},
	{"Lease", "{spec: {leaseDurationSeconds: 0}}", []string{"FieldValueInvalid spec.leaseDurationSeconds"}},
	{"PriorityClass", "{value: 1000000001}", []string{"FieldValueForbidden value"}},
	{"PriorityClass", "{metadata: {name: system-of-mine}}", []string{"FieldValueForbidden metadata.name"}},
	{"PriorityClass", "{metadata: {name: system-node-critical}, value: 5}", []string{"FieldValueForbidden metadata.name"}},
	{"PodDisruptionBudget", "{spec: {maxUnavailable: 1}}", []string{"FieldValueInvalid spec"}},
	{"HorizontalPodAutoscaler", "{spec: {minReplicas: 4}}", []string{"FieldValueInvalid spec.maxReplicas"}},
	{"PersistentVolumeClaim", "{spec: {accessModes: [X]}}", []string{"FieldValueNotSupported spec.accessModes"}},
}

// valid are patches that leave the base valid; what comes of it is compared
// with the real server only.
var valid = []struct{ kind, patch string }{
	{"Deployment", "{}"},
	{"Deployment", "{spec: {replicas: 0, minReadySeconds: 0, revisionHistoryLimit: 0, strategy: {rollingUpdate: {maxSurge: 1}}}}"},
	{"Deployment", "{spec: {strategy: {type: Recreate}}}"},
	{"ReplicaSet", "{}"}, {"StatefulSet", "{}"}, {"DaemonSet", "{}"}, {"ReplicationController", "{}"}, {"Job", "{}"}, {"CronJob", "{}"},
	{"StatefulSet", "{spec: {updateStrategy: {type: RollingUpdate}}}"},
	{"StatefulSet", "{spec: {volumeClaimTemplates: [{metadata: {name: a}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}]}}"},
	{"DaemonSet", "{spec: {updateStrategy: {type: OnDelete}}}"},
	{"Job", "{spec: {parallelism: 2}}"},
	{"Job", "{spec: {completionMode: Indexed, completions: 2, backoffLimitPerIndex: 1}}"},
	{"Pod", "{}"},
	{"Pod", "{metadata: {generation: 100}, status: {phase: Running}}"},
	{"Pod", podSpec("{schedulingGates: [{name: a}]}")},
	{"Pod", podSpec("{terminationGracePeriodSeconds: 0, serviceAccount: default, enableServiceLinks: false}")},
	{"Pod", podSpec("{terminationGracePeriodSeconds: -5}")},
	{"Pod", podSpec("{hostNetwork: true, containers: [{name: web, image: 'web:1', ports: [{containerPort: 80}]}]}")},
	{"Pod", container("resources: {limits: {cpu: 0.0001, memory: 1Mi}}")},
	{"Pod", container("resources: {requests: {cpu: 1}}")},
	{"Pod", podSpec("{containers: [{name: a, image: 'reg:5000/a'}, {name: b, image: 'a:latest'}, {name: c, image: 'a:1'}, " +
		"{name: d, image: 'a@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'}, {name: e, image: a, imagePullPolicy: Never}]}")},
	{"Pod", container("livenessProbe: {httpGet: {port: 80}}, readinessProbe: {tcpSocket: {port: http}}, startupProbe: {grpc: {port: 1}}, lifecycle: {preStop: {httpGet: {port: 1}}}")},
	{"Pod", container("env: [{name: a, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]")},
	{"Pod", podSpec("{volumes: [{name: a}, {name: b, secret: {secretName: s}}, {name: c, configMap: {name: c}}, {name: d, hostPath: {path: /d}}, " +
		"{name: e, projected: {sources: [{serviceAccountToken: {path: t}}]}}, {name: f, downwardAPI: {items: [{path: x, fieldRef: {fieldPath: metadata.name}}]}}, {name: g, image: {reference: x}}]}")},
	{"Deployment", templateSpec("{containers: [{name: web, image: web, ports: [{containerPort: 80}], resources: {limits: {cpu: 1}}, livenessProbe: {httpGet: {port: 80}}}], hostNetwork: true, serviceAccountName: x}")},
	{"PodTemplate", "{}"}, {"Service", "{}"}, {"ConfigMap", "{}"}, {"Secret", "{}"}, {"Namespace", "{}"}, {"Node", "{}"},
	{"Service", "{spec: {sessionAffinity: ClientIP, ports: [{port: 80, targetPort: http}]}}"},
	{"PersistentVolumeClaim", "{}"}, {"Lease", "{}"}, {"PriorityClass", "{}"}, {"PodDisruptionBudget", "{}"}, {"Role", "{}"},
	{"HorizontalPodAutoscaler", "{}"},
	{"HorizontalPodAutoscaler", "{spec: {behavior: {scaleDown: {stabilizationWindowSeconds: 3}}}}"},
}

func TestFaultyManifests(t *testing.T) {
	real := realServer(t)
	for _, test := range faulty {
		t.Run(test.kind+" "+test.patch, func(t *testing.T) {
			manifest := patched(t, test.kind, test.patch)
			_, errs := create(t, manifest)
			causes := causesOf(errs)
			slices.Sort(test.causes)
			if diff := cmp.Diff(test.causes, causes); diff != "" {
				t.Errorf("expected (-) and found (+) causes:\n%s\n%v", diff, errs.ToAggregate())
			}
			if real == nil {
				return
			}
			_, err := real(manifest)
			var status apierrors.APIStatus
			require.ErrorAs(t, err, &status)
			var judged []string
			for _, cause := range status.Status().Details.Causes {
				judged = append(judged, string(cause.Type)+" "+cause.Field)
			}
			slices.Sort(judged)
			if diff := cmp.Diff(judged, causes); diff != "" {
				t.Errorf("the real server (-) and this one (+):\n%s\n%v", diff, err)
			}
		})
	}
}

func TestValidManifests(t *testing.T) {
	real := realServer(t)
	for _, test := range valid {
		t.Run(test.kind+" "+test.patch, func(t *testing.T) {
			manifest := patched(t, test.kind, test.patch)
			obj, errs := create(t, manifest)
			require.NoError(t, errs.ToAggregate())
			if real == nil {
				return
			}
			judged, err := real(manifest)
			require.NoError(t, err)
			if diff := cmp.Diff(comparable(t, judged), comparable(t, obj)); diff != "" {
				t.Errorf("the real server (-) and this one (+):\n%s", diff)
			}
		})
	}
}

func suffix(kind field.ErrorType) string { return string(kind)[len("FieldValue"):] }

func patched(t *testing.T, kind, patch string) []byte {
	base, err := yaml.YAMLToJSON([]byte(bases[kind]))
	require.NoError(t, err)
	asJSON, err := yaml.YAMLToJSON([]byte(patch))
	require.NoError(t, err)
	manifest, err := jsonpatch.MergePatch(base, asJSON)
	require.NoError(t, err)
	return manifest
}

// create does to a manifest what the generic part does to it on POST.
func create(t *testing.T, manifest []byte) (runtime.Object, field.ErrorList) {
	obj, gvk, err := scheme.Codecs.UniversalDeserializer().Decode(manifest, nil, nil)
	require.NoError(t, err)
	k := kindOf(t, gvk.Kind)
	if k.Namespaced {
		obj.(metav1.Object).SetNamespace("default")
	}
	obj.(metav1.Object).SetUID("uid")
	if k.Default != nil {
		k.Default(obj)
	}
	k.PrepareForCreate(obj)
	if k.Default != nil {
		k.Default(obj)
	}
	if k.Validate == nil {
		return obj, nil
	}
	return obj, k.Validate(obj)
}

func kindOf(t *testing.T, name string) *kinds.Kind {
	for _, k := range kinds.All() {
		if k.Kind == name {
			return k
		}
	}
	require.Fail(t, "no kind "+name)
	return nil
}

// realServer returns how to create a manifest, without storing it, on the
// server that judges; nil if there is none.
func realServer(t *testing.T) func([]byte) (runtime.Object, error) {
	kubeconfig := os.Getenv(judge)
	if kubeconfig == "" {
		return nil
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	require.NoError(t, err)
	config.QPS = -1
	client, err := dynamic.NewForConfig(config)
	require.NoError(t, err)
	return func(manifest []byte) (runtime.Object, error) {
		obj := &unstructured.Unstructured{}
		if err := json.Unmarshal(manifest, obj); err != nil {
			return nil, fmt.Errorf("manifest: %w", err)
		}
		k := kindOf(t, obj.GetKind())
		var resource dynamic.ResourceInterface = client.Resource(k.GroupVersion().WithResource(k.Resource))
		if k.Namespaced {
			resource = client.Resource(k.GroupVersion().WithResource(k.Resource)).Namespace("default")
		}
		return resource.Create(t.Context(), obj, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	}
}

// comparable is an object without what differs from one creation to the next,
// and without what admission adds to Pods.
func comparable(t *testing.T, obj runtime.Object) map[string]any {
	asJSON, err := json.Marshal(obj)
	require.NoError(t, err)
	var content map[string]any
	require.NoError(t, json.Unmarshal(asJSON, &content))
	for _, name := range []string{"uid", "creationTimestamp", "managedFields"} {
		unstructured.RemoveNestedField(content, "metadata", name)
	}
	switch content["kind"] {
	case "Job":
		unstructured.RemoveNestedField(content, "metadata", "labels")
		unstructured.RemoveNestedField(content, "spec", "selector")
		unstructured.RemoveNestedField(content, "spec", "template", "metadata")
	case "Pod":
		withoutAdmission(content["spec"].(map[string]any))
		conditions, _, _ := unstructured.NestedFieldNoCopy(content, "status", "conditions")
		for _, c := range asList(conditions) {
			delete(c.(map[string]any), "lastTransitionTime")
		}
	case "Node":
		unstructured.RemoveNestedField(content, "spec", "taints") // TaintNodesByCondition
	case "PersistentVolumeClaim":
		unstructured.RemoveNestedField(content, "metadata", "finalizers") // StorageObjectInUseProtection
	}
	return content
}

func asList(value any) []any {
	list, _ := value.([]any)
	return list
}

func withoutAdmission(spec map[string]any) {
	for _, name := range []string{"tolerations", "priority", "preemptionPolicy", "serviceAccount", "serviceAccountName"} {
		delete(spec, name)
	}
	ours := func(list any, name string) []any {
		return slices.DeleteFunc(asList(list), func(item any) bool {
			value, _ := item.(map[string]any)[name].(string)
			return len(value) > 15 && (value[:16] == "kube-api-access-" || value[:16] == "/var/run/secrets")
		})
	}
	if kept := ours(spec["volumes"], "name"); len(kept) > 0 {
		spec["volumes"] = kept
	} else {
		delete(spec, "volumes")
	}
	for _, c := range spec["containers"].([]any) {
		c := c.(map[string]any)
		if kept := ours(c["volumeMounts"], "mountPath"); len(kept) > 0 {
			c["volumeMounts"] = kept
		} else {
			delete(c, "volumeMounts")
		}
	}
}
