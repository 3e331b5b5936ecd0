package kubernetes_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	authenticationv1 "k8s.io/api/authentication/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	client "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/control"
	"github.com/podchain/podchain/conformance/kubernetes"
	"github.com/podchain/podchain/conformance/permission"
	"github.com/podchain/podchain/conformance/runresources"
)

// TestClusterRun has podchain check real Kubernetes as a running cluster, by the
// account of podchain rbac. A quiet run is complete; two at once come to the same,
// beside a third that is killed in the middle; podchain clean leaves nothing of any.
func TestClusterRun(t *testing.T) {
	if os.Getenv("PODCHAIN_REAL_KUBERNETES") == "" {
		t.Skip("set PODCHAIN_REAL_KUBERNETES to build and run real Kubernetes, as root")
	}
	ctx := t.Context()
	program := buildPodchain(ctx, t)
	cluster, err := kubernetes.New(kubernetes.Options{Progress: os.Stderr}).StartCluster(ctx)
	require.NoError(t, err)
	defer func() { assert.NoError(t, cluster.Stop(context.WithoutCancel(ctx))) }()
	// The images of the specification are there; nodes and links are not offered.
	end, err := control.Serve(cluster.Control(), control.Handler(chain.Description{Name: "kubernetes"}, cluster))
	require.NoError(t, err)
	defer func() { assert.NoError(t, end()) }()
	api, err := client.NewForConfig(cluster.Config())
	require.NoError(t, err)
	apply(ctx, t, api, permission.Manifest(permission.Cleaning))
	r := clusterRun{t: t, program: program, directory: t.TempDir(), api: api, control: cluster.Control()}
	r.kubeconfig(ctx, cluster.Config(), "default")
	out, err := exec.CommandContext(ctx, program, "verify", "--kubeconfig", r.file()).CombinedOutput()
	assert.Error(t, err)
	for _, missing := range permission.Needed() {
		assert.Contains(t, string(out), "\n  "+missing.String()+"\n", "an account without rights is told what it lacks")
	}
	r.kubeconfig(ctx, cluster.Config(), "podchain")

	quiet := r.verify(ctx, "quiet", "--control", r.control)
	var group sync.WaitGroup
	reports := make([]map[string]any, 2)
	for i := range reports {
		group.Go(func() { reports[i] = r.verify(ctx, []string{"first", "second"}[i], "--control", r.control) })
	}
	killed := r.kill(ctx)
	out, err = exec.CommandContext(ctx, program, "clean", "--kubeconfig", r.file()).CombinedOutput()
	assert.NoError(t, err, "%s", out)
	t.Logf("clean: %s", out)
	assert.Contains(t, string(out), "removed run "+killed)
	assert.Equal(t, 2, strings.Count(string(out), " is still running: it is not removed"))
	group.Wait()
	for _, report := range reports {
		assert.Empty(t, cmp.Diff(quiet, report), "a quiet run (-) and one beside others (+)")
	}
	namespaces, err := api.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: runresources.RunLabel})
	require.NoError(t, err)
	assert.Empty(t, namespaces.Items)
	nodes, err := api.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: runresources.RunLabel})
	require.NoError(t, err)
	assert.Empty(t, nodes.Items)
}

// buildPodchain builds the program, static, so that it runs in an image of its own too.
func buildPodchain(ctx context.Context, t *testing.T) string {
	program := filepath.Join(t.TempDir(), "podchain")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "./cmd/podchain")
	build.Dir = filepath.Join("..", "..") // a module of its own
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	built, err := build.CombinedOutput()
	require.NoError(t, err, "%s", built)
	return program
}

type clusterRun struct {
	t                           *testing.T
	program, directory, control string
	api                         client.Interface
}

func (r clusterRun) file() string { return filepath.Join(r.directory, "kubeconfig") }

// kubeconfig writes the file of an account, with a token.
func (r clusterRun) kubeconfig(ctx context.Context, config *rest.Config, account string) {
	hour := int64(time.Hour / time.Second)
	token, err := r.api.CoreV1().ServiceAccounts("podchain-account").CreateToken(ctx, account,
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hour}}, metav1.CreateOptions{})
	require.NoError(r.t, err)
	own := clientcmdapi.NewConfig()
	own.Clusters["own"] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	own.AuthInfos[account] = &clientcmdapi.AuthInfo{Token: token.Status.Token}
	own.Contexts["own"] = &clientcmdapi.Context{Cluster: "own", AuthInfo: account}
	own.CurrentContext = "own"
	require.NoError(r.t, clientcmd.WriteToFile(*own, r.file()))
}

// verify runs the whole specification and returns the report, apart from times and
// the run's id.
func (r clusterRun) verify(ctx context.Context, name string, flags ...string) map[string]any {
	file := filepath.Join(r.directory, name+".json")
	command := exec.CommandContext(ctx, r.program, append([]string{"verify", "--kubeconfig", r.file(), "--report", "json=" + file}, flags...)...)
	out, err := command.CombinedOutput()
	assert.NoError(r.t, err, "%s: %s", name, out)
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	r.t.Logf("%s: %s", name, lines[len(lines)-1])
	content, err := os.ReadFile(file)
	assert.NoError(r.t, err)
	return masked(r.t, content)
}

// masked is a json report apart from times and the run's id.
func masked(t *testing.T, content []byte) map[string]any {
	var report map[string]any
	assert.NoError(t, json.Unmarshal(content, &report))
	for _, key := range []string{"run", "started", "seconds", "observationLag"} {
		delete(report, key)
	}
	requirements, _ := report["requirements"].([]any)
	assert.NotEmpty(t, requirements)
	for _, requirement := range requirements {
		delete(requirement.(map[string]any), "seconds")
	}
	return report
}

// kill starts another run, kills it when Pods of it run, and returns its id.
func (r clusterRun) kill(ctx context.Context) string {
	pods, err := r.api.CoreV1().Pods(metav1.NamespaceAll).Watch(ctx, metav1.ListOptions{})
	require.NoError(r.t, err)
	defer pods.Stop()
	command := exec.CommandContext(ctx, r.program, "verify", "--kubeconfig", r.file(), "--control", r.control)
	stderr, err := command.StderrPipe()
	require.NoError(r.t, err)
	require.NoError(r.t, command.Start())
	line := make([]byte, len("run ")+10)
	_, err = io.ReadFull(stderr, line)
	require.NoError(r.t, err)
	run := strings.TrimPrefix(string(line), "run ")
	for event := range pods.ResultChan() {
		pod, ok := event.Object.(*corev1.Pod)
		if ok && pod.Status.Phase == corev1.PodRunning && strings.HasPrefix(pod.Namespace, runresources.RunNamespace(run)) {
			break
		}
	}
	require.NoError(r.t, command.Process.Kill())
	require.Error(r.t, command.Wait())
	return run
}

// apply creates what a manifest says.
func apply(ctx context.Context, t *testing.T, api client.Interface, manifest string) {
	documents := yaml.NewDocumentDecoder(io.NopCloser(strings.NewReader(manifest)))
	for {
		document := make([]byte, len(manifest))
		n, err := documents.Read(document)
		if errors.Is(err, io.EOF) {
			return
		}
		require.NoError(t, err)
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(document[:n], nil, nil)
		require.NoError(t, err)
		require.NoError(t, create(ctx, api, object))
	}
}

func create(ctx context.Context, api client.Interface, object runtime.Object) error {
	var err error
	switch object := object.(type) {
	case *corev1.Namespace:
		_, err = api.CoreV1().Namespaces().Create(ctx, object, metav1.CreateOptions{})
	case *corev1.ServiceAccount:
		_, err = api.CoreV1().ServiceAccounts(object.Namespace).Create(ctx, object, metav1.CreateOptions{})
	case *rbacv1.ClusterRole:
		_, err = api.RbacV1().ClusterRoles().Create(ctx, object, metav1.CreateOptions{})
	case *rbacv1.ClusterRoleBinding:
		_, err = api.RbacV1().ClusterRoleBindings().Create(ctx, object, metav1.CreateOptions{})
	case *batchv1.Job:
		_, err = api.BatchV1().Jobs(object.Namespace).Create(ctx, object, metav1.CreateOptions{})
	default:
		err = errors.New("the manifest has an object that it is not expected to have")
	}
	return err
}
