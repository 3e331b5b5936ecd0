package command

import (
	"bufio"
	"context"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/conformance/runresources"
)

var ofRuns = metav1.ListOptions{LabelSelector: runresources.RunLabel}

func clientOf(t *testing.T, s *served) kubernetes.Interface {
	t.Helper()
	client, err := kubernetes.NewForConfig(s.config(t))
	require.NoError(t, err)
	return client
}

func nothingLeft(t *testing.T, client kubernetes.Interface) {
	t.Helper()
	namespaces, err := client.CoreV1().Namespaces().List(context.Background(), ofRuns)
	require.NoError(t, err)
	assert.Empty(t, namespaces.Items)
	nodes, err := client.CoreV1().Nodes().List(context.Background(), ofRuns)
	require.NoError(t, err)
	assert.Empty(t, nodes.Items)
}

func TestCleanRefusesBadInput(t *testing.T) {
	for name, test := range map[string]struct {
		arguments []string
		says      string
	}{
		"no cluster":                     {[]string{"--run", "x"}, "--run goes with --kubeconfig"},
		"a kubeconfig that is not there": {[]string{"--kubeconfig", "nowhere"}, "kubeconfig nowhere"},
		"no time":                        {[]string{"--kubeconfig", "k", "--timeout", "0s"}, "--timeout 0s"},
		"an argument":                    {[]string{"all"}, "all"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := run(t, podchain(t, append([]string{"clean"}, test.arguments...)...))
			assert.Equal(t, statusUnable, status)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, test.says)
		})
	}
}

// A run is killed while it has a node and Pods on it, another goes on beside it.
func TestCleanRemovesWhatAKilledRunHasLeft(t *testing.T) {
	t.Parallel()
	s := startServe(t, "--control", "control")
	client := clientOf(t, s)
	nodes, err := client.CoreV1().Nodes().Watch(t.Context(), ofRuns)
	require.NoError(t, err)
	defer nodes.Stop()
	killed := podchain(t, "verify", "--kubeconfig", s.kubeconfig, "--allow", "disruptive", "--select", "KUBELET-06", "--select", "SCHED-08")
	require.NoError(t, killed.Start())
	node := (<-nodes.ResultChan()).Object.(*corev1.Node)
	require.NoError(t, killed.Process.Kill())
	require.Error(t, killed.Wait())
	run1 := node.Labels[runresources.RunLabel]

	// What goes on, until it is told to end.
	pods, err := client.CoreV1().Pods(metav1.NamespaceAll).Watch(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	defer pods.Stop()
	going := podchain(t, "verify", "--kubeconfig", s.kubeconfig, "--select", "CHAIN", "--select", "KUBELET")
	stderr, err := going.StderrPipe()
	require.NoError(t, err)
	require.NoError(t, going.Start())
	line, err := bufio.NewReader(stderr).ReadString('\n')
	require.NoError(t, err)
	run2 := strings.TrimSuffix(strings.Fields(line)[1], ":")
	for event := range pods.ResultChan() {
		if pod, ok := event.Object.(*corev1.Pod); ok && strings.HasPrefix(pod.Namespace, runresources.RunNamespace(run2)) {
			break
		}
	}

	status, stdout, stderrText := run(t, podchain(t, "clean", "--kubeconfig", s.kubeconfig, "--dry-run"))
	assert.Equal(t, 0, status, stderrText)
	assert.Contains(t, stdout, "would remove run "+run1)
	assert.Contains(t, stdout, "run "+run2+" is still running: it is not removed\n")
	assert.NotContains(t, stdout, "would remove run "+run2)

	status, stdout, stderrText = run(t, podchain(t, "clean", "--kubeconfig", s.kubeconfig, "--run", run1))
	assert.Equal(t, 0, status, stderrText)
	assert.Contains(t, stdout, "removed run "+run1)
	assert.Contains(t, stdout, node.Name)
	for _, id := range []string{run1, run2} {
		namespaces, err := client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{LabelSelector: runresources.RunLabel + "=" + id})
		require.NoError(t, err)
		assert.Equal(t, id == run2, len(namespaces.Items) > 0, "run %s", id)
	}

	require.NoError(t, going.Process.Signal(syscall.SIGINT))
	_, err = bufio.NewReader(stderr).ReadString(0)
	require.Error(t, err, "to the end")
	require.Error(t, going.Wait())
	nothingLeft(t, client)

	status, stdout, _ = run(t, podchain(t, "clean", "--kubeconfig", s.kubeconfig))
	assert.Equal(t, 0, status)
	assert.Equal(t, "no run has left anything in the cluster\n", stdout)
}

// What somebody else holds is not let go of: it is told.
func TestCleanTellsWhatIsStuck(t *testing.T) {
	t.Parallel()
	s := startServe(t)
	client := clientOf(t, s)
	_, err := client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "podchain-killed-001", Labels: map[string]string{runresources.RunLabel: "killed"}}}, metav1.CreateOptions{})
	require.NoError(t, err)
	for _, finalizer := range []string{"example.com/hold", "example.org/hold"} {
		_, err = client.CoreV1().ConfigMaps("podchain-killed-001").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			GenerateName: "held-", Finalizers: []string{finalizer}}}, metav1.CreateOptions{})
		require.NoError(t, err)
	}
	t.Run("and is interrupted", func(t *testing.T) {
		namespaces, err := client.CoreV1().Namespaces().Watch(t.Context(), ofRuns)
		require.NoError(t, err)
		defer namespaces.Stop()
		command := podchain(t, "clean", "--kubeconfig", s.kubeconfig, "--run", "killed")
		var stderr strings.Builder
		command.Stderr = &stderr
		require.NoError(t, command.Start())
		for event := range namespaces.ResultChan() {
			if namespace, ok := event.Object.(*corev1.Namespace); ok && namespace.DeletionTimestamp != nil {
				break
			}
		}
		require.NoError(t, command.Process.Signal(syscall.SIGINT))
		require.Error(t, command.Wait())
		assert.Equal(t, statusUnable, command.ProcessState.ExitCode())
		assert.Contains(t, stderr.String(), "interrupted: run podchain clean again to remove the rest")
	})
	status, stdout, stderr := run(t, podchain(t, "clean", "--kubeconfig", s.kubeconfig, "--run", "killed", "--timeout", "10s"))
	assert.Equal(t, statusUnable, status)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "left of run killed: it does not go:\nnamespace podchain-killed-001, deleted at ")
	assert.Contains(t, stderr, "example.org/hold in 1 resource instances")

	maps, err := client.CoreV1().ConfigMaps("podchain-killed-001").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	require.Len(t, maps.Items, 1)
	_, err = client.CoreV1().ConfigMaps("podchain-killed-001").Patch(t.Context(), maps.Items[0].Name, types.MergePatchType,
		[]byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	require.NoError(t, err)
	status, _, stderr = run(t, podchain(t, "clean", "--kubeconfig", s.kubeconfig, "--run", "killed"))
	assert.Equal(t, 0, status, stderr)
	nothingLeft(t, client)
}

// A run whose namespaces somebody removes ends, and says so.
func TestARunThatIsCleanedAwayEnds(t *testing.T) {
	t.Parallel()
	s := startServe(t)
	client := clientOf(t, s)
	leases, err := client.CoordinationV1().Leases(metav1.NamespaceAll).Watch(t.Context(), ofRuns)
	require.NoError(t, err)
	defer leases.Stop()
	going := podchain(t, "verify", "--kubeconfig", s.kubeconfig, "--select", "CHAIN", "--select", "KUBELET")
	var stderr strings.Builder
	going.Stderr = &stderr
	require.NoError(t, going.Start())
	id := (<-leases.ResultChan()).Object.(metav1.Object).GetLabels()[runresources.RunLabel]
	status, _, stderrOfClean := run(t, podchain(t, "clean", "--kubeconfig", s.kubeconfig, "--run", id))
	assert.Equal(t, 0, status, stderrOfClean)
	require.Error(t, going.Wait())
	assert.NotZero(t, going.ProcessState.ExitCode())
	assert.Contains(t, stderr.String(), runresources.ErrRemoved.Error())
	nothingLeft(t, client)
}

func TestRBACPrintsTheManifest(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arguments []string
		documents int
	}{
		"what is needed":         {nil, 6},
		"what disturbs, besides": {[]string{"--allow", "disruptive"}, 8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := run(t, podchain(t, append([]string{"rbac"}, test.arguments...)...))
			assert.Equal(t, 0, status, stderr)
			assert.Equal(t, test.documents, strings.Count(stdout, "\nkind: "))
		})
	}
	status, _, stderr := run(t, podchain(t, "rbac", "--allow", "everything"))
	assert.Equal(t, statusUnable, status)
	assert.Contains(t, stderr, "--allow everything: expected disruptive")
}
