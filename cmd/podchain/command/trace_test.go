package command

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

const deploymentYAML = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "nginx:1"}]}
`

func TestTrace(t *testing.T) {
	for name, arguments := range map[string][]string{
		"in its own cluster":   {"trace", "-f", "-"},
		"in another namespace": {"trace", "-f", "-", "--namespace", "shop"},
		"and nothing is left":  {"trace", "-f", "-", "--rm"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, arguments...)
			command.Stdin = strings.NewReader(deploymentYAML)
			var stderr strings.Builder
			command.Stderr = &stderr
			out, err := command.Output()
			require.NoError(t, err, stderr.String())
			assert.Empty(t, stderr.String())
			assert.Regexp(t, `(?s)^Deployment \w+/web on reference v.*\n  10 .*/web is available after .*: 2 of 2 Pods\.`, string(out))
		})
	}
}

// TestTraceWarns: the warnings of the API server are printed once, before the trace.
func TestTraceWarns(t *testing.T) {
	t.Parallel()
	command := podchain(t, "trace", "-f", "-", "--rm")
	command.Stdin = strings.NewReader(strings.Replace(deploymentYAML, `image: "nginx:1"}]`,
		`image: "nginx:1"}], volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]`, 1))
	status, stdout, stderr := run(t, command)
	require.Equal(t, 0, status, stderr)
	assert.Empty(t, stderr)
	assert.Regexp(t, `^Deployment default/web on reference v\S+ `+
		`Warning: spec\.template\.spec\.volumes\[0\]\.persistentVolumeClaim: no link of this cluster binds claims: Pods run all the same STEP `, flat(stdout))
	assert.Equal(t, 1, strings.Count(stdout, "Warning"))
}

// The page of a trace needs nothing but itself, and shows what happened to its end.
func TestTracePage(t *testing.T) {
	t.Parallel()
	command := podchain(t, "trace", "-f", "-", "--html", "trace.html", "--rm")
	command.Stdin = strings.NewReader(deploymentYAML)
	status, _, stderr := run(t, command)
	require.Equal(t, 0, status, stderr)
	page := read(t, filepath.Join(command.Dir, "trace.html"))
	for _, says := range []string{
		"Deployment default/web", "create Deployment web", "replicaset-controller: create Pod web-", "(binding)",
		": StartContainer web-", "Notified: ", "delete Deployment web", "--paper:",
	} {
		assert.Contains(t, page, says)
	}
	assert.NotRegexp(t, `(?:src|href)="[^"#d]`, page, "something else is needed")
	onlyIn(t, command.Dir, map[string]string{"trace.html": ""})
}

// An interrupted trace removes what it has created from somebody else's cluster.
func TestTraceInterrupted(t *testing.T) {
	t.Parallel()
	s := startServe(t)
	command := podchain(t, "trace", "-f", "-", "--kubeconfig", s.kubeconfig, "--rm")
	command.Stdin = strings.NewReader(strings.Replace(deploymentYAML, "nginx:1", "Not an image", 1))
	var stderr strings.Builder
	command.Stderr = &stderr
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	reader := bufio.NewReader(stdout)
	for line := ""; !strings.Contains(line, "InvalidImageName"); {
		line, err = reader.ReadString('\n')
		require.NoError(t, err, "it ends before the Pods are in trouble: %s", &stderr)
	}
	require.NoError(t, command.Process.Signal(os.Interrupt))
	rest, err := io.ReadAll(reader)
	require.NoError(t, err)
	var failed *exec.ExitError
	require.ErrorAs(t, command.Wait(), &failed)
	assert.Equal(t, statusUnable, failed.ExitCode())
	assert.Equal(t, "podchain: interrupted\n", stderr.String())
	assert.Contains(t, string(rest), "Removed with its ReplicaSet and Pods in ")
	client, err := kubernetes.NewForConfig(s.config(t))
	require.NoError(t, err)
	left, err := client.AppsV1().Deployments("default").List(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	assert.Empty(t, left.Items)
	require.NoError(t, s.Process.Signal(syscall.SIGTERM))
	require.NoError(t, s.Wait())
}

func TestTraceRefuses(t *testing.T) {
	directory := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(directory, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	good := file("good.yaml", deploymentYAML)
	placed := file("placed.yaml", strings.Replace(deploymentYAML, "name: web", "name: web, namespace: shop", 1))
	stuck := file("stuck.yaml", strings.Replace(deploymentYAML, "spec: {", "spec: {schedulerName: nobody, ", 1))
	for name, c := range map[string]struct {
		arguments []string
		status    int
		message   string
	}{
		"no manifest":             {nil, statusUnable, "podchain: --filename is required"},
		"no such file":            {[]string{"-f", "none.yaml"}, statusUnable, "podchain: read the manifest: none.yaml does not exist"},
		"invalid YAML":            {[]string{"-f", file("invalid.yaml", "a: b\n c: d\n")}, statusUnable, "invalid.yaml:2: not valid YAML: "},
		"another kind":            {[]string{"-f", file("pod.yaml", "apiVersion: v1\nkind: Pod\n")}, statusUnable, "pod.yaml:2: kind Pod, but "},
		"several documents":       {[]string{"-f", file("two.yaml", deploymentYAML+"---\nkind: Service\n")}, statusUnable, "two.yaml:11: a second document (Service), but "},
		"two namespaces":          {[]string{"-f", placed, "--namespace", "other"}, statusUnable, `the Deployment is in namespace "shop", but --namespace is "other"`},
		"no such kubeconfig":      {[]string{"-f", good, "--kubeconfig", "none"}, statusUnable, "podchain: kubeconfig none does not exist"},
		"no time":                 {[]string{"-f", good, "--timeout", "0s"}, statusUnable, "podchain: --timeout 0s: "},
		"no place for the page":   {[]string{"-f", good, "--html", "none/trace.html"}, statusUnable, "report html=none/trace.html cannot be written"},
		"an argument":             {[]string{good}, statusUnable, "podchain: unexpected argument "},
		"a Deployment gets stuck": {[]string{"-f", stuck, "--timeout", "1s"}, statusFailed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, append([]string{"trace"}, c.arguments...)...)
			var stdout, stderr strings.Builder
			command.Stdout, command.Stderr = &stdout, &stderr
			var failed *exec.ExitError
			require.ErrorAs(t, command.Run(), &failed)
			assert.Equal(t, c.status, failed.ExitCode())
			assert.Contains(t, stderr.String(), c.message)
			if c.status == statusFailed {
				assert.Empty(t, stderr.String())
				assert.Contains(t, stdout.String(), "Deployment default/web is stuck at the ")
				return
			}
			assert.Equal(t, 1, strings.Count(stderr.String(), "\n"), "one message: %s", &stderr)
			assert.Empty(t, stdout.String())
		})
	}
}
