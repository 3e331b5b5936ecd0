package kubelet_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
)

// TestHistory pins what the API is told of a Pod, version by version, with the
// time since its creation.
func TestHistory(t *testing.T) {
	for _, test := range []struct {
		name, spec string
		// lasts is how long the Pod is watched before it is deleted.
		lasts time.Duration
		told  string
	}{
		{
			name: "runs and ends (KUBELET-07 to 13, 35)", lasts: time.Minute,
			spec: `containers: [{name: app, image: "web:1"}]`,
			told: `
				0s Pending [PI] app:ContainerCreating
				5ms Pending [PSI] app:ContainerCreating
				60ms Running [PSICR] app:ready
				1m0s Succeeded ending [PI] app:exit(0)
				1m0s gone`,
		},
		{
			name: "init containers and a sidecar come first (KUBELET-17)", lasts: time.Minute,
			spec: `
				terminationGracePeriodSeconds: 5
				initContainers:
				- {name: first, image: "init:1"}
				- {name: side, image: "slow-to-be-ready:1", restartPolicy: Always, startupProbe: {exec: {command: [ready]}, periodSeconds: 1, failureThreshold: 30}}
				containers: [{name: app, image: "web:1"}]`,
			told: `
				0s Pending [P] first:PodInitializing side:PodInitializing app:PodInitializing
				5ms Pending [PS] first:PodInitializing side:PodInitializing app:PodInitializing
				60ms Pending [PS] first:started side:PodInitializing app:PodInitializing
				1.06s Pending [PS] first:exit(0) side:PodInitializing app:PodInitializing
				1.115s Pending [PS] first:exit(0) side:running app:PodInitializing
				6.115s Pending [PSI] first:exit(0) side:ready app:PodInitializing
				6.17s Running [PSICR] first:exit(0) side:ready app:ready
				1m0s Succeeded ending [PI] first:exit(0) side:exit(0) app:exit(0)
				1m0s gone`,
		},
		{
			name: "a failing init container is tried again (KUBELET-18)", lasts: 15 * time.Second,
			spec: `
				initContainers: [{name: first, image: "fails:1"}]
				containers: [{name: app, image: "web:1"}]`,
			told: `
				0s Pending [P] first:PodInitializing app:PodInitializing
				5ms Pending [PS] first:PodInitializing app:PodInitializing
				60ms Pending [PS] first:started app:PodInitializing
				1.06s Pending [PS] first:exit(3) app:PodInitializing
				1.065s Pending [PS] first:started*1 app:PodInitializing
				2.065s Pending [PS] first:CrashLoopBackOff*1 app:PodInitializing
				12.07s Pending [PS] first:started*2 app:PodInitializing
				13.07s Pending [PS] first:CrashLoopBackOff*2 app:PodInitializing
				15s Failed ending [P] first:exit(3)*2 app:exit(137)
				15s gone`,
		},
		{
			name: "a failing init container fails the Pod that does not restart (KUBELET-18)", lasts: time.Minute,
			spec: `
				restartPolicy: Never
				initContainers: [{name: first, image: "fails:1"}]
				containers: [{name: app, image: "web:1"}]`,
			told: `
				0s Pending [P] first:PodInitializing app:PodInitializing
				5ms Pending [PS] first:PodInitializing app:PodInitializing
				60ms Pending [PS] first:started app:PodInitializing
				1.06s Failed [P] first:exit(3) app:exit(137)
				1m0s Failed ending [P] first:exit(3) app:exit(137)
				1m0s gone`,
		},
		{
			name: "all ended with 0 (KUBELET-27)", lasts: time.Minute,
			spec: `
				restartPolicy: OnFailure
				initContainers: [{name: side, image: "web:1", restartPolicy: Always}]
				containers: [{name: app, image: "succeeds:1"}]`,
			told: `
				0s Pending [P] side:PodInitializing app:PodInitializing
				5ms Pending [PS] side:PodInitializing app:PodInitializing
				60ms Pending [PSI] side:ready app:PodInitializing
				115ms Running [PSICR] side:ready app:ready
				1.115s Succeeded [PI] side:exit(0) app:exit(0)
				1m0s Succeeded ending [PI] side:exit(0) app:exit(0)
				1m0s gone`,
		},
		{
			name: "one ended with another code (KUBELET-27)", lasts: time.Minute,
			spec: `
				restartPolicy: Never
				containers: [{name: good, image: "succeeds:1"}, {name: bad, image: "fails:1"}]`,
			told: `
				0s Pending [PI] good:ContainerCreating bad:ContainerCreating
				5ms Pending [PSI] good:ContainerCreating bad:ContainerCreating
				115ms Running [PSICR] good:ready bad:ready
				1.06s Running [PSI] good:exit(0) bad:ready
				1.115s Failed [PI] good:exit(0) bad:exit(3)
				1m0s Failed ending [PI] good:exit(0) bad:exit(3)
				1m0s gone`,
		},
		{
			name: "restarts slow down (KUBELET-28, KUBELET-29)", lasts: 75 * time.Second,
			spec: `containers: [{name: app, image: "fails:1"}]`,
			told: `
				0s Pending [PI] app:ContainerCreating
				5ms Pending [PSI] app:ContainerCreating
				60ms Running [PSICR] app:ready
				1.06s Running [PSI] app:exit(3)
				1.065s Running [PSICR] app:ready*1
				2.065s Running [PSI] app:CrashLoopBackOff*1
				12.07s Running [PSICR] app:ready*2
				13.07s Running [PSI] app:CrashLoopBackOff*2
				33.075s Running [PSICR] app:ready*3
				34.075s Running [PSI] app:CrashLoopBackOff*3
				1m14.08s Running [PSICR] app:ready*4
				1m15s Succeeded ending [PI] app:exit(0)*4
				1m15s gone`,
		},
		{
			name: "fails once, then stays (KUBELET-28)", lasts: time.Minute,
			spec: `containers: [{name: app, image: "fails-once:1"}]`,
			told: `
				0s Pending [PI] app:ContainerCreating
				5ms Pending [PSI] app:ContainerCreating
				60ms Running [PSI] app:exit(1)
				65ms Running [PSICR] app:ready*1
				1m0s Succeeded ending [PI] app:exit(0)*1
				1m0s gone`,
		},
		{
			name: "an image that is not there (KUBELET-25)", lasts: time.Minute,
			spec: `containers: [{name: app, image: "nobody-has:this"}]`,
			told: `
				0s Pending [PI] app:ContainerCreating
				5ms Pending [PSI] app:ContainerCreating
				55ms Pending [PSI] app:ErrImagePull
				1.055s Pending [PSI] app:ImagePullBackOff
				10.105s Pending [PSI] app:ErrImagePull
				11.105s Pending [PSI] app:ImagePullBackOff
				30.155s Pending [PSI] app:ErrImagePull
				31.155s Pending [PSI] app:ImagePullBackOff
				1m0s Failed ending [PI] app:exit(137)
				1m0s gone`,
		},
		{
			name: "images that are never pulled or have no name (KUBELET-24, KUBELET-25)", lasts: time.Minute,
			spec: `
				containers: [{name: app, image: "web:3", imagePullPolicy: Never}, {name: bad, image: "no:such:name"}]`,
			told: `
				0s Pending [PI] app:ContainerCreating bad:ContainerCreating
				5ms Pending [PSI] app:ErrImageNeverPull bad:InvalidImageName
				1m0s Failed ending [PI] app:exit(137) bad:exit(137)
				1m0s gone`,
		},
		{
			name: "becomes ready (KUBELET-30)", lasts: time.Minute,
			spec: `containers: [{name: app, image: "slow-to-be-ready:1", readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 2}}]`,
			told: `
				0s Pending [PI] app:ContainerCreating
				5ms Pending [PSI] app:ContainerCreating
				60ms Running [PSI] app:started
				6.06s Running [PSICR] app:ready
				1m0s Succeeded ending [PI] app:exit(0)
				1m0s gone`,
		},
		{
			name: "never becomes ready (KUBELET-30)", lasts: time.Minute,
			spec: `containers: [{name: app, image: "never-ready:1", readinessProbe: {httpGet: {path: /ready, port: 8080}, periodSeconds: 2}}]`,
			told: `
				0s Pending [PI] app:ContainerCreating
				5ms Pending [PSI] app:ContainerCreating
				60ms Running [PSI] app:started
				1m0s Succeeded ending [PI] app:exit(0)
				1m0s gone`,
		},
		{
			name: "gets ill and is restarted (KUBELET-31)", lasts: 12 * time.Second,
			spec: `containers: [{name: app, image: "becomes-unhealthy:1", livenessProbe: {exec: {command: [healthy]}, periodSeconds: 1, failureThreshold: 2}}]`,
			told: `
				0s Pending [PI] app:ContainerCreating
				5ms Pending [PSI] app:ContainerCreating
				60ms Running [PSICR] app:ready
				6.06s Running [PSI] app:exit(0)
				6.065s Running [PSICR] app:ready*1
				12s Succeeded ending [PI] app:exit(0)*1
				12s gone`,
		},
		{
			name: "does not listen to TERM (KUBELET-36)", lasts: time.Minute,
			spec: `
				terminationGracePeriodSeconds: 7
				containers: [{name: app, image: "ignores-term:1"}]`,
			told: `
				0s Pending [PI] app:ContainerCreating
				5ms Pending [PSI] app:ContainerCreating
				60ms Running [PSICR] app:ready
				1m0s Running ending [PSICR] app:ready
				1m7s Failed ending [PI] app:exit(137)
				1m7s gone`,
		},
		{
			name: "preStop counts in the grace period (KUBELET-37)", lasts: time.Minute,
			spec: `
				terminationGracePeriodSeconds: 7
				containers: [{name: app, image: "ignores-term:1", lifecycle: {preStop: {sleep: {seconds: 3}}}}]`,
			told: `
				0s Pending [PI] app:ContainerCreating
				5ms Pending [PSI] app:ContainerCreating
				60ms Running [PSICR] app:ready
				1m0s Running ending [PSICR] app:ready
				1m7s Failed ending [PI] app:exit(137)
				1m7s gone`,
		},
		{
			name: "runs too long (KUBELET-33)", lasts: time.Minute,
			spec: `
				activeDeadlineSeconds: 20
				containers: [{name: app, image: "web:1"}]`,
			told: `
				0s Pending [PI] app:ContainerCreating
				5ms Pending [PSI] app:ContainerCreating
				60ms Running [PSICR] app:ready
				20s Failed DeadlineExceeded [PI] app:exit(0)
				1m0s Failed ending DeadlineExceeded [PI] app:exit(0)
				1m0s gone`,
		},
		{
			name: "asks for more than there is (KUBELET-04)", lasts: time.Minute,
			spec: `containers: [{name: app, image: "web:1", resources: {requests: {cpu: "5"}}}]`,
			told: `
				0s Failed OutOfcpu []
				1m0s Failed ending OutOfcpu []
				1m0s gone`,
		},
		{
			name: "asks for another node (KUBELET-04)", lasts: time.Minute,
			spec: `
				nodeSelector: {disk: fast}
				containers: [{name: app, image: "web:1"}]`,
			told: `
				0s Failed NodeAffinity []
				1m0s Failed ending NodeAffinity []
				1m0s gone`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t)
				stop := c.run()
				defer stop()
				c.create("pod", strings.ReplaceAll(test.spec, "\t", ""))
				c.pass(test.lasts)
				c.delete("pod", metav1.DeleteOptions{})
				c.pass(time.Minute)
				require.Empty(t, cmp.Diff(unindent(test.told), c.told("pod")))
			})
		})
	}
}

func unindent(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}

// TestKubeletRestart: Pods do not notice that their kubelet was away
// (KUBELET-40), and what happened meanwhile is made up for (KUBELET-41).
func TestKubeletRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		stop := c.run()
		const probed = `containers: [{name: app, image: "web:1", readinessProbe: {exec: {command: [ready]}, initialDelaySeconds: 5}}]`
		for _, name := range []string{"stays", "deleted", "forced"} {
			c.create(name, probed)
		}
		c.pass(time.Minute)
		stop()
		before := c.get("stays")
		require.Equal(t, "Running [PSICR] app:ready", describe(before))
		c.create("new", probed)
		c.delete("deleted", metav1.DeleteOptions{})
		c.delete("forced", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)})
		c.pass(time.Minute)

		stop = c.run()
		defer stop()
		c.pass(time.Minute)
		require.Empty(t, cmp.Diff(before.ResourceVersion, c.get("stays").ResourceVersion), "not written once (KUBELET-43)")
		require.Equal(t, "Running [PSICR] app:ready", describe(c.get("new")))
		require.True(t, strings.HasSuffix(c.told("deleted"), "gone"), c.told("deleted"))
		sandboxes, err := c.runtime.ListPodSandbox(t.Context(), nil)
		require.NoError(t, err)
		require.Len(t, sandboxes, 2)
	})
}

// TestForceDelete: the object goes at once, the containers are stopped all the
// same (KUBELET-39), and a new Pod of that name is another Pod (KUBELET-38).
func TestForceDelete(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		defer c.run()()
		old := c.create("pod", `containers: [{name: app, image: "ignores-term:1"}]`)
		c.pass(time.Minute)
		c.delete("pod", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)})
		next := c.create("pod", `containers: [{name: app, image: "web:1"}]`)
		c.pass(time.Minute)
		require.Equal(t, next.UID, c.get("pod").UID)
		require.Equal(t, "Running [PSICR] app:ready", describe(c.get("pod")))
		require.Equal(t, []string{
			"RunPodSandbox", "PullImage", "CreateContainer", "StartContainer",
			"StopContainer", "StopPodSandbox", "RemoveContainer", "RemovePodSandbox",
		}, c.calls(old.UID))
	})
}

// TestForeignConditions: the kubelet writes its own conditions only (KUBELET-05),
// and readiness gates hold the Pod back until others open them (KUBELET-12).
func TestForeignConditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		defer c.run()()
		c.create("pod", strings.ReplaceAll(`
			readinessGates: [{conditionType: example.com/gate}]
			containers: [{name: app, image: "web:1"}]`, "\t", ""))
		c.pass(time.Minute)
		require.Equal(t, "Running [PSIC] app:ready", describe(c.get("pod")))
		patch := []byte(`{"status": {"conditions": [{"type": "example.com/gate", "status": "True"}, {"type": "DisruptionTarget", "status": "True"}]}}`)
		_, err := c.client.CoreV1().Pods("default").Patch(t.Context(), "pod", types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		require.NoError(t, err)
		c.pass(time.Minute)
		require.Equal(t, "Running [PSICR] app:ready", describe(c.get("pod")))
		require.Len(t, c.get("pod").Status.Conditions, 7)

		// What somebody else writes over the kubelet's own is put right.
		patch = []byte(`{"status": {"conditions": [{"type": "Ready", "status": "False"}]}}`)
		_, err = c.client.CoreV1().Pods("default").Patch(t.Context(), "pod", types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		require.NoError(t, err)
		c.pass(time.Minute)
		require.Equal(t, "Running [PSICR] app:ready", describe(c.get("pod")))
	})
}

// TestImageChange: one container is restarted, the Pod stays (KUBELET-34).
func TestImageChange(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		defer c.run()()
		c.create("pod", `containers: [{name: app, image: "web:1"}, {name: other, image: "web:1"}]`)
		c.pass(time.Minute)
		patch := []byte(`{"spec": {"containers": [{"name": "app", "image": "web:2"}]}}`)
		_, err := c.client.CoreV1().Pods("default").Patch(t.Context(), "pod", types.StrategicMergePatchType, patch, metav1.PatchOptions{})
		require.NoError(t, err)
		c.pass(time.Minute)
		pod := c.get("pod")
		require.Equal(t, "Running [PSICR] app:ready*1 other:ready", describe(pod))
		require.Equal(t, "web:2", pod.Status.ContainerStatuses[0].Image)
		require.Equal(t, pod.Generation, pod.Status.ObservedGeneration)
	})
}

// TestSandboxDies: a new one takes its place (KUBELET-20).
func TestSandboxDies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		defer c.run()()
		c.create("pod", `containers: [{name: app, image: "web:1"}]`)
		c.pass(time.Minute)
		sandboxes, err := c.runtime.ListPodSandbox(t.Context(), nil)
		require.NoError(t, err)
		require.NoError(t, c.runtime.StopPodSandbox(t.Context(), sandboxes[0].Id))
		c.pass(time.Minute)
		require.Equal(t, "Running [PSICR] app:ready*1", describe(c.get("pod")))
	})
}

// TestPublish: a Pod that waits for its image starts when the registry has it.
func TestPublish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		defer c.run()()
		c.create("pod", `containers: [{name: app, image: "registry.example/unpublished:1"}]`)
		c.pass(15 * time.Second)
		require.Equal(t, "Pending [PSI] app:ImagePullBackOff", describe(c.get("pod")))
		require.NoError(t, c.registry.Publish("unpublished:1"))
		c.pass(time.Minute)
		require.Equal(t, "Running [PSICR] app:ready", describe(c.get("pod")))
	})
}

// TestNode: the node registers itself, renews its lease, and disputes what
// others say of its conditions (NODE-01 to 03).
func TestNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		defer c.run()()
		get := func() *corev1.Node {
			node, err := c.client.CoreV1().Nodes().Get(t.Context(), nodeName, metav1.GetOptions{})
			require.NoError(t, err)
			return node
		}
		node := get()
		require.Equal(t, nodeName, node.Labels[corev1.LabelHostname])
		require.Equal(t, "192.0.2.1", node.Status.Addresses[0].Address)
		require.Equal(t, "110", node.Status.Allocatable.Pods().String())
		require.Equal(t, "simulated://1.0.0", node.Status.NodeInfo.ContainerRuntimeVersion)

		c.pass(10*time.Minute + time.Second)
		lease, err := c.client.CoordinationV1().Leases(corev1.NamespaceNodeLease).Get(t.Context(), nodeName, metav1.GetOptions{})
		require.NoError(t, err)
		require.Less(t, time.Since(lease.Spec.RenewTime.Time), 10*time.Second)
		require.Equal(t, node.UID, lease.OwnerReferences[0].UID)
		for i, condition := range get().Status.Conditions {
			require.Less(t, time.Since(condition.LastHeartbeatTime.Time), 5*time.Minute)
			require.Equal(t, node.Status.Conditions[i].LastTransitionTime, condition.LastTransitionTime)
		}

		patch := []byte(`{"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}`)
		_, err = c.client.CoreV1().Nodes().Patch(t.Context(), nodeName, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
		require.NoError(t, err)
		c.pass(time.Second)
		for _, condition := range get().Status.Conditions {
			if condition.Type == corev1.NodeReady {
				require.Equal(t, corev1.ConditionTrue, condition.Status)
			}
		}
	})
}
