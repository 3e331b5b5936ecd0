package kubernetes_test

import (
	"archive/tar"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	client "k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/conformance/kubernetes"
	"github.com/podchain/podchain/conformance/permission"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/conformance/runresources"
)

// user is the account of the Job.
const user = "system:serviceaccount:" + permission.Namespace + ":podchain"

// TestJob has real Kubernetes run the whole specification on itself, as podchain job
// prints it: three shards at once, whose reports together are that of a run without
// shards. The account is allowed all that the Job does and nothing else, and without any
// of its permissions nothing is done.
func TestJob(t *testing.T) {
	if os.Getenv("PODCHAIN_REAL_KUBERNETES") == "" {
		t.Skip("set PODCHAIN_REAL_KUBERNETES to build and run real Kubernetes, as root")
	}
	ctx := t.Context()
	program := buildPodchain(ctx, t)
	cluster, err := kubernetes.New(kubernetes.Options{Progress: os.Stderr, Audited: user}).StartCluster(ctx)
	require.NoError(t, err)
	defer func() { assert.NoError(t, cluster.Stop(context.WithoutCancel(ctx))) }()
	api, err := client.NewForConfig(cluster.Config())
	require.NoError(t, err)

	const shards = 3
	image, images := cluster.ImageName("podchain:test"), strings.TrimSuffix(cluster.ImageName(""), "/")
	push(ctx, t, program, image)
	manifest, err := exec.CommandContext(ctx, program, "job", "--image", image, "--images", images, "--shards", fmt.Sprint(shards)).Output()
	require.NoError(t, err)
	apply(ctx, t, api, string(manifest))
	began := time.Now()
	job := ended(ctx, t, api)
	t.Logf("the Job ended after %s: %+v", time.Since(began).Round(time.Second), job.Status)
	assert.EqualValues(t, shards, job.Status.Succeeded)
	assert.Equal(t, fmt.Sprintf("0-%d", shards-1), job.Status.CompletedIndexes)

	allowed := granted(t, filepath.Join(cluster.Logs(), "audit.jsonl"))
	needed := permission.Needed()
	for _, p := range needed {
		assert.Contains(t, allowed, p, "granted, and never made use of")
	}
	for p := range allowed {
		assert.Contains(t, needed, p, "made use of, and not granted by the manifest")
	}
	t.Logf("all of %d permissions were made use of, %d times", len(needed), sum(allowed))

	merged, err := events.Merge(logged(ctx, t, api, filepath.Dir(cluster.Kubeconfig())))
	require.NoError(t, err)
	var text bytes.Buffer
	require.NoError(t, report.JSON(&text, merged))
	sharded := masked(t, text.Bytes())
	r := clusterRun{t: t, program: program, directory: t.TempDir(), api: api}
	r.kubeconfig(ctx, cluster.Config(), "podchain")
	plain := r.verify(ctx, "plain", "--images", images)
	for _, each := range []map[string]any{sharded, plain} {
		// Each has its name from how it is reached.
		assert.Contains(t, each["implementation"], "name")
		delete(each["implementation"].(map[string]any), "name")
	}
	assert.Empty(t, cmp.Diff(plain, sharded), "a run from outside without shards (-), and the Job (+)")

	needsEach(ctx, t, api, cluster.Config())
	namespaces, err := api.CoreV1().Namespaces().List(ctx, metav1.ListOptions{LabelSelector: runresources.RunLabel})
	require.NoError(t, err)
	assert.Empty(t, namespaces.Items)
}

// push stores an image of the program.
func push(ctx context.Context, t *testing.T, program, image string) {
	content, err := os.ReadFile(program)
	require.NoError(t, err)
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	require.NoError(t, w.WriteHeader(&tar.Header{Name: "bin/podchain", Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}))
	_, err = w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
	require.NoError(t, err)
	made, err := mutate.AppendLayers(empty.Image, layer)
	require.NoError(t, err)
	file, err := made.ConfigFile()
	require.NoError(t, err)
	file = file.DeepCopy()
	file.OS, file.Architecture, file.Config.Env = "linux", runtime.GOARCH, []string{"PATH=/bin"}
	made, err = mutate.ConfigFile(made, file)
	require.NoError(t, err)
	reference, err := name.ParseReference(image, name.Insecure)
	require.NoError(t, err)
	require.NoError(t, remote.Write(reference, made, remote.WithContext(ctx)))
}

// ended is the Job when it has.
func ended(ctx context.Context, t *testing.T, api client.Interface) *batchv1.Job {
	ctx, cancel := context.WithTimeout(ctx, 40*time.Minute)
	defer cancel()
	// A watch from no version begins with what there is.
	jobs, err := api.BatchV1().Jobs(permission.Namespace).Watch(ctx, metav1.ListOptions{})
	require.NoError(t, err)
	defer jobs.Stop()
	for event := range jobs.ResultChan() {
		job, ok := event.Object.(*batchv1.Job)
		require.True(t, ok, "%v", event.Object)
		if slices.ContainsFunc(job.Status.Conditions, func(condition batchv1.JobCondition) bool {
			return condition.Status == corev1.ConditionTrue && (condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed)
		}) {
			return job
		}
	}
	require.Fail(t, "the Job has not ended")
	return nil
}

// granted are the permissions that the role of the manifest was asked for, and how often,
// by the audit log.
func granted(t *testing.T, log string) map[permission.Permission]int {
	content, err := os.ReadFile(log)
	require.NoError(t, err)
	asked := map[permission.Permission]int{}
	for line := range bytes.Lines(content) {
		var event struct {
			Verb        string
			ObjectRef   struct{ APIGroup, Resource, Subresource string }
			Annotations map[string]string
		}
		require.NoError(t, json.Unmarshal(line, &event))
		of := event.ObjectRef
		p := permission.Permission{Verb: event.Verb, Group: of.APIGroup, Resource: of.Resource, Subresource: of.Subresource}
		assert.Equal(t, "allow", event.Annotations["authorization.k8s.io/decision"], "%s: %s", p, line)
		if strings.Contains(event.Annotations["authorization.k8s.io/reason"], `of ClusterRole "podchain"`) {
			asked[p]++
		}
	}
	return asked
}

func sum(counts map[permission.Permission]int) (total int) {
	for _, count := range counts {
		total += count
	}
	return total
}

// logged are the shards by what the Pods of the Job have printed, which is in files of
// the nodes: the API server does not reach the kubelets here.
func logged(ctx context.Context, t *testing.T, api client.Interface, directory string) []*events.RunRecord {
	pods, err := api.CoreV1().Pods(permission.Namespace).List(ctx, metav1.ListOptions{LabelSelector: batchv1.JobNameLabel + "=podchain"})
	require.NoError(t, err)
	var shards []*events.RunRecord
	for _, pod := range pods.Items {
		folder := strings.Join([]string{pod.Namespace, pod.Name, string(pod.UID)}, "_")
		files, err := filepath.Glob(filepath.Join(directory, "nodes", "*", "pods", folder, "podchain", "*"))
		require.NoError(t, err)
		require.Len(t, files, 1, "the log of %s, in one piece", pod.Name)
		log := containerLog(t, files[0])
		t.Logf("%s printed %d bytes", pod.Name, len(log))
		shard, err := events.Read(strings.NewReader(log))
		require.NoError(t, err, pod.Name)
		shards = append(shards, shard)
	}
	return shards
}

// containerLog is what a container has printed, as kubectl logs shows it: each line of
// the file is TIME STREAM F TEXT, or P for a piece of a longer line.
func containerLog(t *testing.T, path string) string {
	file, err := os.Open(path)
	require.NoError(t, err)
	defer file.Close()
	var text strings.Builder
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		parts := strings.SplitN(lines.Text(), " ", 4)
		require.Len(t, parts, 4, lines.Text())
		text.WriteString(parts[3])
		if parts[2] == "F" {
			text.WriteByte('\n')
		}
	}
	require.NoError(t, lines.Err())
	return text.String()
}

// needsEach makes an account for each permission that lacks just it, and demands that
// this is what it is told.
func needsEach(ctx context.Context, t *testing.T, api client.Interface, config *rest.Config) {
	for i, missing := range permission.Needed() {
		account := fmt.Sprintf("lacking-%d", i)
		role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: account}}
		for _, p := range permission.Needed() {
			if p == missing {
				continue
			}
			resource := p.Resource
			if p.Subresource != "" {
				resource += "/" + p.Subresource
			}
			role.Rules = append(role.Rules, rbacv1.PolicyRule{APIGroups: []string{p.Group}, Resources: []string{resource}, Verbs: []string{p.Verb}})
		}
		require.NoError(t, create(ctx, api, role))
		require.NoError(t, create(ctx, api, &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: account},
			RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: account},
			Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: permission.Namespace, Name: account}}}))
		as := rest.CopyConfig(config)
		as.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + permission.Namespace + ":" + account,
			Groups: []string{"system:serviceaccounts", "system:authenticated"}}
		lacking, err := clients.New(as)
		require.NoError(t, err)
		want := fmt.Sprintf("%s, in all namespaces:\n  %s\n%s", permission.ErrDenied, missing, permission.HowToGet)
		var said error
		// When the authorizer knows of a new role nobody tells: until then it allows less.
		err = wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, 10*time.Second, true, func(ctx context.Context) (bool, error) {
			said = permission.Check(ctx, lacking)
			return said != nil && said.Error() == want, nil
		})
		assert.NoError(t, err, "without %s it says: %v", missing, said)
	}
}
