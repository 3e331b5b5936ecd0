package garbagecollector_test

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/reference"
)

// settle lets virtual time pass until everything that was begun has ended:
// grace periods, retries. It takes no time at all.
func settle() { time.Sleep(2 * time.Minute) }

// inCluster runs the test in a bubble with a cluster of its own.
func inCluster(t *testing.T, run func(t *testing.T, cluster *reference.Cluster, client kubernetes.Interface)) {
	synctest.Test(t, func(t *testing.T) {
		cluster := reference.StartForTest(t, reference.Options{AnyImage: true})
		client, err := kubernetes.NewForConfig(cluster.Config())
		require.NoError(t, err)
		run(t, cluster, client)
	})
}

func TestPropagation(t *testing.T) {
	tests := map[metav1.DeletionPropagation]struct{ replicaSets, pods int }{
		metav1.DeletePropagationBackground: {0, 0},
		metav1.DeletePropagationForeground: {0, 0},
		metav1.DeletePropagationOrphan:     {1, 2},
	}
	for policy, want := range tests {
		t.Run(string(policy), func(t *testing.T) {
			inCluster(t, func(t *testing.T, _ *reference.Cluster, client kubernetes.Interface) {
				ctx := t.Context()
				createDeployment(t, client)
				settle()
				require.NoError(t, client.AppsV1().Deployments("default").Delete(ctx, "web", metav1.DeleteOptions{PropagationPolicy: &policy}))
				settle()
				deployments, err := client.AppsV1().Deployments("default").List(ctx, metav1.ListOptions{})
				require.NoError(t, err)
				assert.Empty(t, deployments.Items)
				sets, err := client.AppsV1().ReplicaSets("default").List(ctx, metav1.ListOptions{})
				require.NoError(t, err)
				assert.Len(t, sets.Items, want.replicaSets)
				for _, set := range sets.Items {
					assert.Empty(t, set.OwnerReferences)
				}
				pods, err := client.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
				require.NoError(t, err)
				assert.Len(t, pods.Items, want.pods)
			})
		})
	}
}

// TestForegroundGoesBottomUp is GC-03: the order is Pods, ReplicaSet, Deployment.
func TestForegroundGoesBottomUp(t *testing.T) {
	inCluster(t, func(t *testing.T, cluster *reference.Cluster, client kubernetes.Interface) {
		createDeployment(t, client)
		settle()
		// Without it nobody confirms the end of a Pod.
		require.NoError(t, cluster.StopLink(t.Context(), chain.Kubelet))
		foreground := metav1.DeletePropagationForeground
		require.NoError(t, client.AppsV1().Deployments("default").Delete(t.Context(), "web", metav1.DeleteOptions{PropagationPolicy: &foreground}))
		settle()
		pods, err := client.CoreV1().Pods("default").List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.NotEmpty(t, pods.Items)
		for _, pod := range pods.Items {
			assert.NotNil(t, pod.DeletionTimestamp)
		}
		sets, err := client.AppsV1().ReplicaSets("default").List(t.Context(), metav1.ListOptions{})
		require.NoError(t, err)
		require.Len(t, sets.Items, 1)
		assert.Contains(t, sets.Items[0].Finalizers, metav1.FinalizerDeleteDependents)
		_, err = client.AppsV1().Deployments("default").Get(t.Context(), "web", metav1.GetOptions{})
		assert.NoError(t, err, "the owner stays until its dependents are gone")
		require.NoError(t, client.CoreV1().Pods("default").DeleteCollection(t.Context(), metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)}, metav1.ListOptions{}))
		settle()
		_, err = client.AppsV1().Deployments("default").Get(t.Context(), "web", metav1.GetOptions{})
		assert.True(t, apierrors.IsNotFound(err), err)
	})
}

// TestOwners states which objects stay, by their owners (GC-01, GC-05..09).
func TestOwners(t *testing.T) {
	tests := map[string]struct {
		// owners are named: "gone" does not exist, "dead" exists and has
		// another uid, "far" lives in another namespace.
		owners []string
		stays  bool
		keeps  []string
	}{
		"nobody's":              {owners: nil, stays: true},
		"owner exists":          {owners: []string{"alive"}, stays: true, keeps: []string{"alive"}},
		"owner does not exist":  {owners: []string{"gone"}},
		"owner has another uid": {owners: []string{"dead"}},
		"owner is elsewhere":    {owners: []string{"far"}},
		"one of two exists":     {owners: []string{"gone", "alive"}, stays: true, keeps: []string{"alive"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inCluster(t, func(t *testing.T, _ *reference.Cluster, client kubernetes.Interface) {
				ctx := t.Context()
				alive := createConfigMap(t, client, "default", "alive")
				createConfigMap(t, client, "default", "dead")
				refs := map[string]metav1.OwnerReference{
					"alive": refTo(alive),
					"gone":  refTo(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "gone", UID: "gone"}}),
					"dead":  refTo(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "dead", UID: "before"}}),
					"far":   refTo(createConfigMap(t, client, "kube-public", "far")),
				}
				var owners []metav1.OwnerReference
				for _, owner := range test.owners {
					owners = append(owners, refs[owner])
				}
				createConfigMap(t, client, "default", "object", owners...)
				settle()
				left := configMaps(ctx, t, client)
				require.Equal(t, test.stays, left["object"] != nil)
				if test.stays {
					var kept []string
					for _, ref := range left["object"].OwnerReferences {
						kept = append(kept, ref.Name)
					}
					assert.Equal(t, test.keeps, kept)
				}
				if slices.Contains(test.owners, "far") {
					events, err := client.CoreV1().Events("default").List(ctx, metav1.ListOptions{FieldSelector: "reason=OwnerRefInvalidNamespace"})
					require.NoError(t, err)
					assert.NotEmpty(t, events.Items)
				}
			})
		})
	}
}

// TestCircle is GC-06: each holds the other back.
func TestCircle(t *testing.T) {
	inCluster(t, func(t *testing.T, _ *reference.Cluster, client kubernetes.Interface) {
		ctx := t.Context()
		a := createConfigMap(t, client, "default", "a")
		b := createConfigMap(t, client, "default", "b", refTo(a))
		a.OwnerReferences = []metav1.OwnerReference{refTo(b)}
		_, err := client.CoreV1().ConfigMaps("default").Update(ctx, a, metav1.UpdateOptions{})
		require.NoError(t, err)
		settle()
		require.Len(t, configMaps(ctx, t, client), 2)
		foreground := metav1.DeletePropagationForeground
		require.NoError(t, client.CoreV1().ConfigMaps("default").Delete(ctx, "a", metav1.DeleteOptions{PropagationPolicy: &foreground}))
		settle()
		assert.Empty(t, configMaps(ctx, t, client))
	})
}

// TestLateStart is GC-10: what happened while it was down is made up for.
func TestLateStart(t *testing.T) {
	inCluster(t, func(t *testing.T, cluster *reference.Cluster, client kubernetes.Interface) {
		ctx := t.Context()
		owner := createConfigMap(t, client, "default", "owner")
		createConfigMap(t, client, "default", "dependent", refTo(owner))
		settle()
		require.NoError(t, cluster.StopLink(ctx, chain.GarbageCollector))
		require.NoError(t, client.CoreV1().ConfigMaps("default").Delete(ctx, "owner", metav1.DeleteOptions{}))
		settle()
		require.Len(t, configMaps(ctx, t, client), 1)
		require.NoError(t, cluster.StartLink(ctx, chain.GarbageCollector))
		settle()
		assert.Empty(t, configMaps(ctx, t, client))
	})
}

func createDeployment(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	labels := map[string]string{"app": "web"}
	_, err := client.AppsV1().Deployments("default").Create(t.Context(), &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "web"},
		Spec: appsv1.DeploymentSpec{
			Replicas: ptr.To[int32](2),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
			},
		},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
}

func createConfigMap(t *testing.T, client kubernetes.Interface, namespace, name string, owners ...metav1.OwnerReference) *corev1.ConfigMap {
	t.Helper()
	created, err := client.CoreV1().ConfigMaps(namespace).Create(t.Context(), &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: owners},
	}, metav1.CreateOptions{})
	require.NoError(t, err)
	return created
}

func refTo(owner *corev1.ConfigMap) metav1.OwnerReference {
	return metav1.OwnerReference{APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID, BlockOwnerDeletion: ptr.To(true)}
}

// configMaps returns the ConfigMaps of the test, by name.
func configMaps(ctx context.Context, t *testing.T, client kubernetes.Interface) map[string]*corev1.ConfigMap {
	t.Helper()
	list, err := client.CoreV1().ConfigMaps("default").List(ctx, metav1.ListOptions{FieldSelector: "metadata.name!=kube-root-ca.crt"})
	require.NoError(t, err)
	byName := map[string]*corev1.ConfigMap{}
	for i := range list.Items {
		byName[list.Items[i].Name] = &list.Items[i]
	}
	return byName
}
