package command

import (
	"encoding/xml"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/reference/scheduler/cluster"
	"github.com/podchain/podchain/reference/scheduler/filter"
)

// asPanicking makes the scheduler of the reference panic at the first Pod.
const asPanicking = "PODCHAIN_TEST_AS_PANICKING"

func panicAtPods() {
	filter.All = append([]filter.Filter{{Prepare: func(*cluster.Pod, cluster.View) (filter.Check, error) {
		panic("no filter is perfect")
	}}}, filter.All...)
}

// asDying has the program kill itself when the first Deployment is created in the
// cluster of this kubeconfig file, which it may be about to write.
const asDying = "PODCHAIN_TEST_AS_DYING"

func dieAtDeployment(kubeconfig string) {
	for { // a file has no event that every system tells of
		if _, err := os.Stat(kubeconfig); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	awaitDeployment(kubeconfig)
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

// A panic of a link is in every report, as is what did not need it.
func TestVerifyWithALinkThatPanics(t *testing.T) {
	t.Parallel()
	command := podchain(t, "verify", "--select", "DEPLOY-01", "--select", "SCHED-01", "--select", "RS-05",
		"--report", "json=r.json", "--report", "junit=r.xml", "--report", "events=r.jsonl", "--report", "github=r.md", "--report", "messages=r.ndjson")
	command.Env = append(command.Env, asPanicking+"=1")
	status, stdout, stderr := run(t, command)
	assert.Equal(t, 1, status, stderr)
	const told = "scheduler gave up: panic: no filter is perfect"
	assert.Contains(t, flat(stdout), "The chain broke at the scheduler: "+told)
	assert.Contains(t, stdout, "panicAtPods", "the stack")
	for _, report := range []string{"r.json", "r.xml", "r.jsonl", "r.md", "r.ndjson"} {
		content, err := os.ReadFile(filepath.Join(command.Dir, report))
		require.NoError(t, err)
		assert.Contains(t, string(content), told, report)
		if report == "r.xml" {
			assert.NoError(t, xml.Unmarshal(content, new(struct{})))
		}
	}
	assert.Contains(t, stdout, "3 requirements, ", "the run went on to its end")
}

func onePod(t *testing.T, s *served) {
	t.Helper()
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: "p"}, Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "web:1"}}}}
	client := kubernetes.NewForConfigOrDie(s.config(t))
	require.Eventually(t, func() bool {
		_, err := client.CoreV1().Pods("default").Create(t.Context(), pod, metav1.CreateOptions{})
		return err == nil
	}, time.Minute, 50*time.Millisecond, "the namespace has no account")
}

// Neither program stays behind as one that does its work no more.
func TestServeWithALinkThatPanics(t *testing.T) {
	t.Parallel()
	command := podchain(t, "serve")
	command.Env = append(command.Env, asPanicking+"=1")
	s := serving(t, command)
	onePod(t, s)
	_ = s.Wait()
	assert.Equal(t, 2, s.ProcessState.ExitCode())
	assert.Contains(t, s.stderr.String(), "podchain: scheduler gave up: panic: no filter is perfect\n")
	onlyIn(t, s.Dir, nil)
}

func TestRunWithALinkThatPanics(t *testing.T) {
	t.Parallel()
	s := startServe(t, "--nodes=0")
	onePod(t, s)
	command := podchain(t, "run", "scheduler", "--kubeconfig", s.kubeconfig)
	command.Env = append(command.Env, asPanicking+"=1")
	status, _, stderr := run(t, command)
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "podchain: panic: no filter is perfect\n")
}

const waitsForEver = `Feature: mine
  @RS-01 @MUST
  Rule: one
    Scenario: it dies in the middle of it
      When Deployment "web" is created
      Then Deployment "web" is ready
    Scenario: it has died before it
      When Deployment "web" is created
      Then Deployment "web" is ready
    Scenario: and this as well
      When Deployment "web" is created
      Then Deployment "web" is ready
`

// A cluster that dies in the middle is no verdict on the specification, and nothing is
// waited for on it.
func TestVerifyOnAClusterThatDies(t *testing.T) {
	for name, c := range map[string]struct {
		start func(t *testing.T) []string
		says  string
	}{
		"an API server that is a program": {func(t *testing.T) []string {
			return []string{"--link", "all=none", "--link", "api-server=exec env " + asDying + "={kubeconfig} " + itself(t) +
				" serve --kubeconfig-out {kubeconfig} --port {port}"}
		}, "the cluster has died: the api-server was ended by a signal: killed"},
		"a running cluster": {func(t *testing.T) []string {
			s := podchain(t, "serve")
			kubeconfig := filepath.Join(s.Dir, "podchain.kubeconfig")
			s.Env = append(s.Env, asDying+"="+kubeconfig)
			require.NoError(t, s.Start())
			t.Cleanup(func() { assert.Error(t, s.Wait()) })
			require.Eventually(t, func() bool { _, err := os.Stat(kubeconfig); return err == nil }, time.Minute, 50*time.Millisecond)
			return []string{"--kubeconfig", kubeconfig}
		}, "the cluster stopped answering: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, append([]string{"verify", "--features", "features", "--parallel", "1",
				"--report", "json=r.json", "--report", "junit=r.xml"}, c.start(t)...)...)
			write(t, command.Dir, "features/mine.feature", waitsForEver)
			started := time.Now()
			status, stdout, stderr := run(t, command)
			assert.Equal(t, 2, status, "%s%s", stdout, stderr)
			assert.Less(t, time.Since(started), 45*time.Second, "one step alone would wait for a minute")
			require.Contains(t, flat(stdout), "3 scenarios", stderr) // blamed
			for _, report := range []string{"r.json", "r.xml"} {
				content, err := os.ReadFile(filepath.Join(command.Dir, report))
				require.NoError(t, err)
				assert.Contains(t, string(content), c.says, report)
			}
		})
	}
}
