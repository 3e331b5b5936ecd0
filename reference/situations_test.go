package reference_test

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/conformance/chain"
)

// situations are those in which the links write: each kind of write of each link in
// one of them at least.
var situations = []situation{
	{
		name: "a cluster starts",
		when: (*disturbed).start,
	}, {
		name: "time passes", given: nothing,
		when: func(*disturbed) { time.Sleep(6 * time.Minute) }, // longer than between two heartbeats
	}, {
		name: "a kubelet finds its node changed",
		given: func(d *disturbed) {
			d.stopKubelet("node-2")
			change(d, d.CoreV1().Nodes().Patch, "node-2", `{"metadata": {"labels": {"kubernetes.io/os": "other"}}}`)
		},
		when: func(d *disturbed) { require.NoError(d, d.cluster.StartKubelet(d.Context(), "node-2")) },
	}, {
		name: "a node is lost",
		given: func(d *disturbed) {
			d.deploy("web", 4, func(deployment *appsv1.Deployment) {
				deployment.Spec.Template.Spec.Tolerations = []corev1.Toleration{
					{Key: corev1.TaintNodeUnreachable, Operator: corev1.TolerationOpExists, Effect: corev1.TaintEffectNoExecute, TolerationSeconds: ptr.To[int64](60)},
				}
			})
		},
		when: func(d *disturbed) {
			d.stopKubelet("node-2")
			d.settle()
		},
	}, {
		name: "a node is removed",
		given: func(d *disturbed) {
			d.daemons("agent")
			d.deploy("web", 4)
		},
		when: func(d *disturbed) { require.NoError(d, d.cluster.RemoveNode(d.Context(), "node-2")) },
	}, {
		name: "a Deployment is created", given: nothing,
		when: func(d *disturbed) { d.deploy("web", 3) },
	}, {
		name:  "a Deployment is rolled out",
		given: func(d *disturbed) { d.deploy("web", 3) },
		when:  func(d *disturbed) { d.changeDeployment("web", `{"spec": {"revisionHistoryLimit": 0}}`, image("web:2")) },
	}, {
		name: "a Deployment is rolled back",
		given: func(d *disturbed) {
			d.deploy("web", 2)
			d.rest()
			d.changeDeployment("web", image("web:2"))
		},
		when: func(d *disturbed) { d.changeDeployment("web", image("web:1")) },
	}, {
		name: "a Deployment is recreated",
		given: func(d *disturbed) {
			d.deploy("web", 2, func(deployment *appsv1.Deployment) {
				deployment.Spec.Strategy.Type = appsv1.RecreateDeploymentStrategyType
			})
		},
		when: func(d *disturbed) { d.changeDeployment("web", image("web:2")) },
	}, {
		name:  "a Deployment is scaled up and down",
		given: func(d *disturbed) { d.deploy("up", 1); d.deploy("down", 4) },
		when: func(d *disturbed) {
			d.changeDeployment("up", `{"spec": {"replicas": 4}}`)
			d.changeDeployment("down", `{"spec": {"replicas": 1}}`)
		},
	}, {
		name:  "a Deployment is deleted",
		given: func(d *disturbed) { d.deploy("web", 2) },
		when:  func(d *disturbed) { d.deleteDeployment("web", metav1.DeletePropagationBackground) },
	}, {
		name:  "a Deployment is deleted in the foreground",
		given: func(d *disturbed) { d.deploy("web", 2) },
		when:  func(d *disturbed) { d.deleteDeployment("web", metav1.DeletePropagationForeground) },
	}, {
		name:  "a Deployment is deleted and its Pods are not",
		given: func(d *disturbed) { d.deploy("web", 2) },
		when:  func(d *disturbed) { d.deleteDeployment("web", metav1.DeletePropagationOrphan) },
	}, {
		name: "what was orphaned is adopted",
		given: func(d *disturbed) {
			d.deploy("web", 2)
			d.daemons("agent")
			d.replicate("db", 2)
			d.rest()
			d.deleteDeployment("web", metav1.DeletePropagationOrphan)
			orphan := metav1.DeleteOptions{PropagationPolicy: ptr.To(metav1.DeletePropagationOrphan)}
			require.NoError(d, d.AppsV1().DaemonSets("default").Delete(d.Context(), "agent", orphan))
			require.NoError(d, d.AppsV1().StatefulSets("default").Delete(d.Context(), "db", orphan))
		},
		when: func(d *disturbed) {
			d.deploy("web", 2)
			d.daemons("agent")
			d.replicate("db", 2)
		},
	}, {
		name: "Pods change hands by their labels",
		given: func(d *disturbed) {
			d.deploy("web", 2)
			d.daemons("agent")
			d.replicate("db", 2)
		},
		when: func(d *disturbed) {
			for _, app := range []string{"web", "agent", "db"} {
				pods, err := d.CoreV1().Pods("default").List(d.Context(), metav1.ListOptions{LabelSelector: "app=" + app})
				require.NoError(d, err)
				require.Len(d, pods.Items, 2)
				first := slices.MinFunc(pods.Items, func(a, b corev1.Pod) int {
					return cmp.Or(cmp.Compare(a.Labels[appsv1.PodIndexLabel], b.Labels[appsv1.PodIndexLabel]), cmp.Compare(a.Spec.NodeName, b.Spec.NodeName))
				})
				change(d, d.CoreV1().Pods("default").Patch, first.Name, `{"metadata": {"labels": {"app": "other"}}}`)
			}
		},
	}, {
		name: "one of two owners goes",
		given: func(d *disturbed) {
			first, second := d.config("first"), d.config("second")
			d.config("owned", first, second)
		},
		when: func(d *disturbed) {
			require.NoError(d, d.CoreV1().ConfigMaps("default").Delete(d.Context(), "first", metav1.DeleteOptions{}))
		},
	}, {
		name: "an owner is in another namespace", given: nothing,
		when: func(d *disturbed) {
			owner := d.config("owner")
			_, err := d.CoreV1().ConfigMaps("kube-public").Create(d.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
				Name: "owned", OwnerReferences: []metav1.OwnerReference{owner},
			}}, metav1.CreateOptions{})
			require.NoError(d, err)
		},
	}, {
		name: "a StatefulSet is created", given: nothing,
		when: func(d *disturbed) { d.replicate("db", 2) },
	}, {
		name:  "a StatefulSet is rolled out",
		given: func(d *disturbed) { d.replicate("db", 2) },
		when:  func(d *disturbed) { d.changeStatefulSet("db", `{"spec": {"revisionHistoryLimit": 0}}`, image("web:2")) },
	}, {
		name: "a StatefulSet is rolled back",
		given: func(d *disturbed) {
			d.replicate("db", 2)
			d.rest()
			d.changeStatefulSet("db", image("web:2"))
		},
		when: func(d *disturbed) { d.changeStatefulSet("db", image("web:1")) },
	}, {
		name:  "a StatefulSet is scaled down",
		given: func(d *disturbed) { d.replicate("db", 3) },
		when:  func(d *disturbed) { d.changeStatefulSet("db", `{"spec": {"replicas": 1}}`) },
	}, {
		name:  "a Pod of a StatefulSet loses its labels",
		given: func(d *disturbed) { d.replicate("db", 1) },
		when: func(d *disturbed) {
			change(d, d.CoreV1().Pods("default").Patch, "db-0", `{"metadata": {"labels": {"statefulset.kubernetes.io/pod-name": null}}}`)
			d.changeStatefulSet("db", `{"spec": {"replicas": 2}}`)
		},
	}, {
		name: "a DaemonSet is created", given: nothing,
		when: func(d *disturbed) { d.daemons("agent") },
	}, {
		name:  "a DaemonSet is rolled out",
		given: func(d *disturbed) { d.daemons("agent") },
		when: func(d *disturbed) {
			change(d, d.AppsV1().DaemonSets("default").Patch, "agent", `{"spec": {"revisionHistoryLimit": 0}}`)
			change(d, d.AppsV1().DaemonSets("default").Patch, "agent", image("web:2"))
		},
	}, {
		name: "a DaemonSet is rolled back",
		given: func(d *disturbed) {
			d.daemons("agent")
			d.rest()
			change(d, d.AppsV1().DaemonSets("default").Patch, "agent", image("web:2"))
		},
		when: func(d *disturbed) { change(d, d.AppsV1().DaemonSets("default").Patch, "agent", image("web:1")) },
	}, {
		name: "a Pod is created", given: nothing,
		when: func(d *disturbed) { d.pod("single", "web:1") },
	}, {
		name:  "a Pod is created for a node that has no room for it",
		given: func(d *disturbed) { d.pod("first", "web:1", greedy, on("node-2")) },
		when:  func(d *disturbed) { d.pod("second", "web:1", greedy, on("node-2")) },
	}, {
		name: "a Pod ends by itself", given: nothing,
		when: func(d *disturbed) { d.pod("task", "succeeds:1") },
	}, {
		name: "a container ends again and again", given: nothing,
		when: func(d *disturbed) {
			d.pod("broken", "fails:1", func(pod *corev1.Pod) { pod.Spec.RestartPolicy = corev1.RestartPolicyAlways })
			d.settle()
			require.NoError(d, d.CoreV1().Pods("default").Delete(d.Context(), "broken", metav1.DeleteOptions{}))
		},
	}, {
		name:  "a Pod is deleted",
		given: func(d *disturbed) { d.pod("single", "slow-to-end:1") },
		when: func(d *disturbed) {
			require.NoError(d, d.CoreV1().Pods("default").Delete(d.Context(), "single", metav1.DeleteOptions{}))
		},
	}, {
		name: "a Pod is deleted while its kubelet is away",
		given: func(d *disturbed) {
			d.pod("single", "web:1", on("node-2"))
			d.rest()
			d.stopKubelet("node-2")
			require.NoError(d, d.CoreV1().Pods("default").Delete(d.Context(), "single", metav1.DeleteOptions{}))
		},
		when: func(d *disturbed) { require.NoError(d, d.cluster.StartKubelet(d.Context(), "node-2")) },
	}, {
		name: "a Pod fits nowhere until there is room", given: func(d *disturbed) { d.pod("first", "web:1", greedy); d.pod("second", "web:1", greedy) },
		when: func(d *disturbed) {
			d.pod("third", "web:1", greedy)
			d.settle()
			require.NoError(d, d.CoreV1().Pods("default").Delete(d.Context(), "first", metav1.DeleteOptions{}))
		},
	}, {
		name: "a Pod preempts another",
		given: func(d *disturbed) {
			for name, value := range map[string]int32{"higher": 1, "highest": 2} {
				_, err := d.SchedulingV1().PriorityClasses().Create(d.Context(), &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: name}, Value: value}, metav1.CreateOptions{})
				require.NoError(d, err)
			}
			d.pod("first", "web:1", greedy)
			d.pod("second", "web:1", greedy, ofClass("highest"))
		},
		when: func(d *disturbed) { d.pod("important", "web:1", greedy, ofClass("higher")) },
	}, {
		name: "a namespace is created and deleted", given: nothing,
		when: func(d *disturbed) {
			_, err := d.CoreV1().Namespaces().Create(d.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team"}}, metav1.CreateOptions{})
			require.NoError(d, err)
			d.settle()
			_, err = d.AppsV1().Deployments("team").Create(d.Context(), newDeployment("web", 1), metav1.CreateOptions{})
			require.NoError(d, err)
			configs := d.CoreV1().ConfigMaps("team")
			_, err = configs.Create(d.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "held", Finalizers: []string{"example.com/held"}}}, metav1.CreateOptions{})
			require.NoError(d, err)
			d.settle()
			require.NoError(d, d.CoreV1().Namespaces().Delete(d.Context(), "team", metav1.DeleteOptions{}))
			d.settle()
			change(d, configs.Patch, "held", `{"metadata": {"finalizers": null}}`)
		},
	}, {
		name: "what every namespace has is changed and deleted", given: nothing,
		when: func(d *disturbed) {
			change(d, d.CoreV1().ConfigMaps("default").Patch, "kube-root-ca.crt", `{"data": {"ca.crt": "forged"}}`)
			require.NoError(d, d.CoreV1().ServiceAccounts("default").Delete(d.Context(), "default", metav1.DeleteOptions{}))
		},
	},
	elected(chain.DeploymentController), elected(chain.ReplicaSetController), elected(chain.Scheduler),
}

// elected is the situation that a link runs twice, and its leader ends.
func elected(link chain.Link) situation {
	return situation{
		name: "the leader of the " + string(link) + " ends", given: nothing,
		when: func(d *disturbed) {
			require.NoError(d, d.cluster.StartReplica(d.Context(), link))
			d.deploy("before", 1)
			d.settle()
			require.NoError(d, d.cluster.KillLeader(d.Context(), link))
			d.deploy("after", 1)
		},
	}
}

func nothing(*disturbed) {}

func (d *disturbed) stopKubelet(node string) {
	require.NoError(d, d.cluster.StopKubelet(d.Context(), node))
}

func (d *disturbed) deploy(name string, replicas int32, changes ...func(*appsv1.Deployment)) {
	deployment := newDeployment(name, replicas)
	for _, change := range changes {
		change(deployment)
	}
	_, err := d.AppsV1().Deployments("default").Create(d.Context(), deployment, metav1.CreateOptions{})
	require.NoError(d, err)
}

func (d *disturbed) deleteDeployment(name string, policy metav1.DeletionPropagation) {
	require.NoError(d, d.AppsV1().Deployments("default").Delete(d.Context(), name, metav1.DeleteOptions{PropagationPolicy: &policy}))
}

func (d *disturbed) changeDeployment(name string, patches ...string) {
	for _, patch := range patches {
		change(d, d.AppsV1().Deployments("default").Patch, name, patch)
	}
}

// daemons creates a DaemonSet.
func (d *disturbed) daemons(name string) {
	deployment := newDeployment(name, 0)
	_, err := d.AppsV1().DaemonSets("default").Create(d.Context(), &appsv1.DaemonSet{
		ObjectMeta: deployment.ObjectMeta,
		Spec:       appsv1.DaemonSetSpec{Selector: deployment.Spec.Selector, Template: deployment.Spec.Template},
	}, metav1.CreateOptions{})
	require.NoError(d, err)
}

// replicate creates a StatefulSet whose claims go with its Pods.
func (d *disturbed) replicate(name string, replicas int32) {
	deployment := newDeployment(name, replicas)
	_, err := d.AppsV1().StatefulSets("default").Create(d.Context(), &appsv1.StatefulSet{
		ObjectMeta: deployment.ObjectMeta,
		Spec: appsv1.StatefulSetSpec{
			Replicas: &replicas, Selector: deployment.Spec.Selector, Template: deployment.Spec.Template, ServiceName: name,
			VolumeClaimTemplates: []corev1.PersistentVolumeClaim{{
				ObjectMeta: metav1.ObjectMeta{Name: "data"},
				Spec: corev1.PersistentVolumeClaimSpec{
					AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
					Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
				},
			}},
			PersistentVolumeClaimRetentionPolicy: &appsv1.StatefulSetPersistentVolumeClaimRetentionPolicy{
				WhenDeleted: appsv1.RetainPersistentVolumeClaimRetentionPolicyType, WhenScaled: appsv1.DeletePersistentVolumeClaimRetentionPolicyType,
			},
		},
	}, metav1.CreateOptions{})
	require.NoError(d, err)
}

func (d *disturbed) changeStatefulSet(name string, patches ...string) {
	for _, patch := range patches {
		change(d, d.AppsV1().StatefulSets("default").Patch, name, patch)
	}
}

// pod creates a Pod that no controller looks after.
func (d *disturbed) pod(name, image string, changes ...func(*corev1.Pod)) {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: name}, Spec: corev1.PodSpec{
		RestartPolicy: corev1.RestartPolicyNever, Containers: []corev1.Container{{Name: "main", Image: image}},
	}}
	for _, change := range changes {
		change(pod)
	}
	_, err := d.CoreV1().Pods("default").Create(d.Context(), pod, metav1.CreateOptions{})
	require.NoError(d, err)
}

// greedy makes a Pod that leaves a node no room for another one like it.
func greedy(pod *corev1.Pod) {
	pod.Spec.Containers[0].Resources.Requests = corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("3")}
}

func on(node string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.NodeName = node }
}

func ofClass(name string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Spec.PriorityClassName = name }
}

// config creates a ConfigMap that others own.
func (d *disturbed) config(name string, owners ...metav1.OwnerReference) metav1.OwnerReference {
	created, err := d.CoreV1().ConfigMaps("default").Create(d.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: owners},
	}, metav1.CreateOptions{})
	require.NoError(d, err)
	return metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: name, UID: created.UID}
}

// change changes an object as kubectl patch does.
func change[T any](d *disturbed, patch func(context.Context, string, types.PatchType, []byte, metav1.PatchOptions, ...string) (T, error), name, content string) {
	_, err := patch(d.Context(), name, types.StrategicMergePatchType, []byte(content), metav1.PatchOptions{})
	require.NoError(d, err)
}

// image is a patch that changes the image of a template.
func image(name string) string {
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"template": map[string]any{"spec": map[string]any{
		"containers": []any{map[string]any{"name": "web", "image": name}},
	}}}})
	if err != nil {
		panic(err)
	}
	return string(patch)
}
