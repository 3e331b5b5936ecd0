package command

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/conformance/permission"
)

// printed is what podchain job prints: the manifest without the Job, and the Job.
func printed(t *testing.T, arguments ...string) (account string, job batchv1.Job) {
	t.Helper()
	status, stdout, stderr := run(t, podchain(t, append([]string{"job", "--image", "registry.test/podchain:1"}, arguments...)...))
	require.Equal(t, 0, status, stderr)
	last := strings.LastIndex(stdout, "---\n")
	require.NoError(t, yaml.UnmarshalStrict([]byte(stdout[last:]), &job))
	return stdout[:last], job
}

// The Job has as many Pods as shards, and an account that may do what podchain verify
// needs; which is just that, as other tests show.
func TestJobManifest(t *testing.T) {
	t.Parallel()
	account, job := printed(t, "--shards", "3", "--images", "registry.test/x", "--select", "RS", "--select", "!RS-07", "--timeout", "5m")
	assert.Equal(t, permission.Manifest(), account)
	rules := 0
	for document := range strings.SplitSeq(account, "\n---\n") {
		var object rbacv1.ClusterRole
		require.NoError(t, yaml.Unmarshal([]byte(document), &object))
		for _, rule := range object.Rules {
			assert.Equal(t, "ClusterRole", object.Kind)
			rules += len(rule.APIGroups) * len(rule.Resources) * len(rule.Verbs)
		}
	}
	assert.Len(t, permission.Needed(), rules)

	assert.Equal(t, "podchain", job.Spec.Template.Spec.ServiceAccountName)
	assert.Equal(t, permission.Namespace, job.Namespace)
	assert.Equal(t, batchv1.IndexedCompletion, *job.Spec.CompletionMode)
	assert.Equal(t, []int32{3, 3, 0}, []int32{*job.Spec.Completions, *job.Spec.Parallelism, *job.Spec.BackoffLimitPerIndex})
	require.Len(t, job.Spec.Template.Spec.Containers, 1)
	assert.Equal(t, "registry.test/podchain:1", job.Spec.Template.Spec.Containers[0].Image)
	assert.Equal(t, []string{"verify", "--kubeconfig", "in-cluster", "--shard", "job/3", "--report", "events=-", "--quiet",
		"--images", "registry.test/x", "--select", "RS", "--select", "!RS-07", "--timeout", "5m0s"}, job.Spec.Template.Spec.Containers[0].Args)
}

// What the Pods of the Job print, stdout and stderr in one as a container's log has
// them, is what podchain report reads.
func TestJobLogs(t *testing.T) {
	t.Parallel()
	served := startServe(t)
	_, job := printed(t, "--shards", "2", "--select", "RS-01", "--select", "RS-05", "--select", "SCHED-02", "--select", "STORE-01")
	arguments := job.Spec.Template.Spec.Containers[0].Args
	report := []string{"report", "--to", "json=report.json"}
	logs := make([]bytes.Buffer, 2)
	var pods sync.WaitGroup
	for index := range logs {
		pods.Go(func() {
			pod := podchain(t, slices.Replace(slices.Clone(arguments), 2, 3, served.kubeconfig)...)
			pod.Env = append(pod.Env, fmt.Sprintf("JOB_COMPLETION_INDEX=%d", index))
			pod.Stdout, pod.Stderr = &logs[index], &logs[index]
			assert.NoError(t, pod.Run())
		})
	}
	pods.Wait()
	merging := podchain(t)
	for index := range logs {
		name := fmt.Sprintf("%d.jsonl", index)
		write(t, merging.Dir, name, logs[index].String())
		report = append(report, "--from", name)
	}
	merging.Args = append(merging.Args, report...)
	status, _, stderr := run(t, merging)
	assert.Equal(t, 0, status, stderr)
	content, err := os.ReadFile(filepath.Join(merging.Dir, "report.json"))
	require.NoError(t, err)
	for _, id := range []string{"RS-01", "RS-05", "SCHED-02", "STORE-01"} {
		assert.Contains(t, string(content), `"id": "`+id+`"`)
	}
	nothingLeft(t, clientOf(t, served))
}

func TestJobRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ arguments, says string }{
		"no image":        {"", "--image is required: an image with podchain on its PATH"},
		"no shard":        {"--image i --shards 0", "--shards 0"},
		"too many shards": {"--image i --shards 2 --select RS-01", "--shards 2: shard 1/2: there are 1 requirements to run"},
		"nothing to run":  {"--image i --select NO-99", `"NO-99" selects nothing`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := run(t, podchain(t, append([]string{"job"}, strings.Fields(test.arguments)...)...))
			assert.Equal(t, statusUnable, status)
			assert.Empty(t, stdout)
			assert.Contains(t, stderr, test.says)
		})
	}
}
