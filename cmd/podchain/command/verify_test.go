package command

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/implementation"
)

// run runs a command to its end and returns exit status, stdout and stderr.
func run(t *testing.T, command *exec.Cmd) (status int, stdout, stderr string) {
	t.Helper()
	var out, err strings.Builder
	command.Stdout, command.Stderr = &out, &err
	if failure := command.Run(); failure != nil {
		require.ErrorAs(t, failure, new(*exec.ExitError))
	}
	return command.ProcessState.ExitCode(), out.String(), err.String()
}

func write(t *testing.T, directory, name, content string) {
	t.Helper()
	path := filepath.Join(directory, name)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
}

const goodFeature = `Feature: mine
  @RS-01 @MUST
  Rule: one
    Scenario: s
      When ConfigMap "a" is created
`

func TestVerifyRefusesBadInput(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	nobody := closed.Addr().String()
	require.NoError(t, closed.Close())
	tests := map[string]struct {
		files     map[string]string
		arguments []string
		says      []string
	}{
		"a feature that is no Gherkin": {
			files:     map[string]string{"features/bad.feature": "Feature: x\n  @RS-01 @MUST\n  Rule: y\n    Scenario: z\n      When a\n      nonsense\n"},
			arguments: []string{"--features", "features"},
			says:      []string{"bad.feature:6", "Gherkin"},
		},
		"a capability that nobody has": {
			files:     map[string]string{"features/a.feature": strings.Replace(goodFeature, "@MUST", "@MUST @needs-wings", 1)},
			arguments: []string{"--features", "features"},
			says:      []string{"a.feature:", "@needs-wings", "no such capability", "links, nodes"},
		},
		"a step that nobody knows": {
			files:     map[string]string{"features/a.feature": goodFeature + "      Then pigs fly\n"},
			arguments: []string{"--features", "features"},
			says:      []string{"a.feature:6", `"pigs fly"`, "podchain list --sentences"},
		},
		"a Rule without an id": {
			files:     map[string]string{"features/a.feature": "Feature: x\n  @MUST\n  Rule: y\n    Scenario: z\n      When ConfigMap \"a\" is created\n"},
			arguments: []string{"--features", "features"},
			says:      []string{"a.feature:3", "has no id"},
		},
		"an id twice": {
			files:     map[string]string{"features/a.feature": goodFeature, "features/b.feature": goodFeature},
			arguments: []string{"--features", "features"},
			says:      []string{"b.feature:3", "RS-01", "a.feature:3"},
		},
		"no feature at all": {
			files:     map[string]string{"features/readme": ""},
			arguments: []string{"--features", "features"},
			says:      []string{"*.feature"},
		},
		"features that are not there": {arguments: []string{"--features", "nowhere"}, says: []string{"nowhere"}},
		"an unknown id":               {arguments: []string{"--select", "RS-99"}, says: []string{`"RS-99" selects nothing`, "podchain list"}},
		"nothing left":                {arguments: []string{"--select", "RS-01", "--select", "!RS"}, says: []string{"nothing is left to run"}},
		"a report in a folder that is not there": {
			arguments: []string{"--report", "json=nowhere/report.json", "--select", "RS-01"},
			says:      []string{"nowhere/report.json", "cannot be written"},
		},
		"a report of an unknown format": {arguments: []string{"--report", "xml=r"}, says: []string{"FORMAT=FILE", "json"}},
		"a kubeconfig that is not there": {
			arguments: []string{"--kubeconfig", "nowhere"}, says: []string{"kubeconfig nowhere does not exist"}},
		"a kubeconfig that does not exist": {
			files:     map[string]string{"k": "{]"},
			arguments: []string{"--kubeconfig", "k"}, says: []string{"kubeconfig k"}},
		"a cluster that cannot be reached": {
			files:     map[string]string{"k": kubeconfigFor("https://"+nobody, "t")},
			arguments: []string{"--kubeconfig", "k"}, says: []string{nobody, "cannot be reached"}},
		"allowing what nobody asks for": {arguments: []string{"--kubeconfig", "k", "--allow", "everything"},
			files: map[string]string{"k": kubeconfigFor("https://127.0.0.1:1", "t")}, says: []string{"--allow everything: expected disruptive"}},
		"a socket without a cluster": {arguments: []string{"--control", "c"}, says: []string{"--control goes with --kubeconfig"}},
		"a store of another's API server": {arguments: []string{"--store", "etcd", "--link", "all=kubernetes"},
			says: []string{"--store goes with the reference's API server; this one comes from kubernetes"}},
		"a registry without a cluster": {arguments: []string{"--registry", "r.test/x"}, says: []string{"--registry goes with --kubeconfig"}},
		"images without a cluster":     {arguments: []string{"--images", "r.test/x"}, says: []string{"--images goes with --kubeconfig"}},
		"images that are and are not":  {arguments: []string{"--kubeconfig", "k", "--images", "r.test/x", "--registry", "r.test/x"}, says: []string{"--images uses images that are stored already"}},
		"a link that does not exist":   {arguments: []string{"--link", "router=none"}, says: []string{`unknown link "router"`, "scheduler"}},
		"a negative number":            {arguments: []string{"--parallel", "-1"}, says: []string{"--parallel -1"}},
		"no cluster":                   {arguments: []string{"--clusters", "0"}, says: []string{"--clusters 0"}},
		"clusters in virtual time":     {arguments: []string{"--clusters", "2", "--select", "RS-01"}, says: []string{"--clusters goes with links from elsewhere"}},
		"clusters on one store":        {arguments: []string{"--clusters", "2", "--store", "etcd"}, says: []string{"--clusters goes with clusters that the run starts"}},
		"a shard that does not exist":  {arguments: []string{"--shard", "4/3"}, says: []string{"--shard 4/3: expected I/N with I from 1 to N, or job/N"}},
		"a shard of no Pod":            {arguments: []string{"--shard", "job/3"}, says: []string{"--shard job/3: the environment has no JOB_COMPLETION_INDEX"}},
		"a shard of next to nothing":   {arguments: []string{"--shard", "1/2", "--select", "RS-01"}, says: []string{"shard 1/2: there are 1 requirements to run"}},
		"the cluster around no Pod":    {arguments: []string{"--kubeconfig", "in-cluster"}, says: []string{"kubeconfig in-cluster: this is no Pod"}},
		"two things on stdout":         {arguments: []string{"--select", "RS-01", "--report", "events=-", "--report", "json=-"}, says: []string{"report json=-: the events are on stdout"}},
		"an unknown flag":              {arguments: []string{"--fast"}, says: []string{"--fast", "--help"}},
		"an argument":                  {arguments: []string{"now"}, says: []string{"now"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, append([]string{"verify"}, test.arguments...)...)
			for name, content := range test.files {
				write(t, command.Dir, name, content)
			}
			status, stdout, stderr := run(t, command)
			assert.Equal(t, 2, status)
			assert.Empty(t, stdout)
			for _, word := range test.says {
				assert.Contains(t, stderr, word)
			}
			assert.NotContains(t, stderr, "goroutine", "a message, no stack")
			onlyIn(t, command.Dir, test.files)
		})
	}
}

// onlyIn demands that a directory holds the files a test put there, and no more.
func onlyIn(t *testing.T, directory string, files map[string]string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(directory, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(directory, path)
		assert.Contains(t, files, name, "left behind")
		return err
	}))
}

func kubeconfigFor(server, token string) string {
	return `{apiVersion: v1, kind: Config, current-context: c,
clusters: [{name: c, cluster: {server: "` + server + `", insecure-skip-tls-verify: true}}],
users: [{name: u, user: {token: ` + token + `}}],
contexts: [{name: c, context: {cluster: c, user: u}}]}`
}

func TestVerifyPassesAndReports(t *testing.T) {
	t.Parallel()
	command := podchain(t, "verify", "--select", "RS-01", "--report", "json=report.json", "--seed", "7")
	status, stdout, stderr := run(t, command)
	require.Equal(t, 0, status, stderr)
	assert.Contains(t, stdout, "1 requirement, 1 passed")
	content, err := os.ReadFile(filepath.Join(command.Dir, "report.json"))
	require.NoError(t, err)
	var report struct {
		Implementation struct{ Name string }
		Started        string
		Seconds        float64
		Seed           int64
		Requirements   []map[string]any
	}
	require.NoError(t, json.Unmarshal(content, &report))
	assert.Equal(t, "reference", report.Implementation.Name)
	assert.Equal(t, int64(7), report.Seed)
	require.Len(t, report.Requirements, 1)
	requirement := report.Requirements[0]
	assert.Equal(t, []any{"RS-01", "MUST", "replicaset-controller", "passed"},
		[]any{requirement["id"], requirement["level"], requirement["link"], requirement["outcome"]})
	assert.NotContains(t, requirement, "reason")
	onlyIn(t, command.Dir, map[string]string{"report.json": ""})
}

func TestVerifyBlamesTheMissingLink(t *testing.T) {
	t.Parallel()
	status, stdout, _ := run(t, podchain(t, "verify", "--link", "scheduler=none", "--select", "chain.feature:19"))
	assert.Equal(t, 1, status)
	assert.Contains(t, flat(stdout), "The chain broke at the scheduler: Pod")
	assert.Contains(t, stdout, "Again: podchain verify --link scheduler=none --select chain.feature:19")
}

// Two runs at once in one cluster come to the same as one alone.
func TestRunsAtOnceDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	s := startServe(t)
	verify := func() map[string]any {
		command := podchain(t, "verify", "--kubeconfig", s.kubeconfig, "--report", "json=report.json",
			"--select", "RS", "--select", "SCHED", "--select", "API-READ")
		status, stdout, stderr := run(t, command)
		assert.Equal(t, 0, status, "%s%s", stdout, stderr)
		content, err := os.ReadFile(filepath.Join(command.Dir, "report.json"))
		assert.NoError(t, err)
		var report map[string]any
		assert.NoError(t, json.Unmarshal(content, &report))
		for _, each := range []string{"run", "started", "seconds", "observationLag"} {
			delete(report, each)
		}
		for _, requirement := range report["requirements"].([]any) {
			delete(requirement.(map[string]any), "seconds")
		}
		return report
	}
	alone := verify()
	reports := make([]map[string]any, 2)
	var group sync.WaitGroup
	for i := range reports {
		group.Go(func() { reports[i] = verify() })
	}
	group.Wait()
	for _, report := range reports {
		assert.Empty(t, cmp.Diff(alone, report))
	}
	nothingLeft(t, clientOf(t, s))
}

// On any cluster a scenario changes nothing but what it has made.
func TestVerifyDoesNotTrespass(t *testing.T) {
	for name, step := range map[string]string{
		"a node that is there":          `When a client sends DELETE "/api/v1/nodes/node-1"`,
		"another namespace":             `When a client sends DELETE "/api/v1/namespaces/default"`,
		"an object elsewhere":           `When a client sends DELETE "/api/v1/namespaces/kube-system/configmaps/c"`,
		"a name that others may use":    `When Node "mine" is created`,
		"a label on a node that is not": `When Node "node-1" is modified with` + "\n        | field | value |\n        | metadata.labels.a | b |",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, "verify", "--features", "features")
			write(t, command.Dir, "features/a.feature", strings.Replace(goodFeature, `When ConfigMap "a" is created`, step, 1))
			status, stdout, stderr := run(t, command)
			assert.Equal(t, statusUnable, status, stderr)
			assert.Contains(t, flat(stdout), "would change what the scenario has not created")
		})
	}
}

func TestVerifyIsNotLetIn(t *testing.T) {
	t.Parallel()
	served := startServe(t)
	command := podchain(t, "verify", "--kubeconfig", "k")
	write(t, command.Dir, "k", kubeconfigFor(served.config(t).Host, "guess"))
	status, _, stderr := run(t, command)
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "does not let this account in (401 Unauthorized)")
}

// What a served cluster offers beyond its API is found by its kubeconfig file.
func TestVerifyThroughTheControlSocket(t *testing.T) {
	t.Parallel()
	served := startServe(t, "--control", "control")
	status, stdout, stderr := run(t, podchain(t, "verify", "--kubeconfig", served.kubeconfig, "--allow", "disruptive",
		"--select", "RS-05", "--select", "SCHED-07", "--select", "KUBELET-06", "--select", "WATCH-09"))
	assert.Equal(t, 0, status, "%s%s", stdout, stderr)
	assert.Contains(t, stdout, "0 not applicable")

	status, stdout, _ = run(t, podchain(t, "verify", "--kubeconfig", served.kubeconfig, "--select", "WATCH-09", "--select", "API-CREATE-01"))
	assert.Equal(t, 0, status)
	assert.Contains(t, stdout, "1 passed, 0 failed, 0 could not run, 1 not applicable")
	assert.Contains(t, flat(stdout), "it would affect other users of the cluster: --allow disruptive permits it")
}

func TestVerifyIsInterrupted(t *testing.T) {
	t.Run("on the reference", func(t *testing.T) {
		t.Parallel()
		command := podchain(t, "verify", "--link", "scheduler=none", "--parallel", "1", "--report", "json=report.json")
		stderr, err := command.StderrPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		lines := bufio.NewScanner(stderr)
		require.True(t, lines.Scan(), "the first failure is told at once")
		require.NoError(t, command.Process.Signal(syscall.SIGINT))
		var last string
		for lines.Scan() {
			last = lines.Text()
		}
		require.Error(t, command.Wait())
		assert.Equal(t, 2, command.ProcessState.ExitCode())
		assert.Contains(t, last, "interrupted")
		onlyIn(t, command.Dir, map[string]string{"report.json": ""})
	})
	t.Run("quietly", func(t *testing.T) {
		t.Parallel()
		command := podchain(t, "verify", "--link", "scheduler=none", "--parallel", "1", "--report", "events=-", "--quiet")
		var stderr strings.Builder
		command.Stderr = &stderr
		stdout, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		var text strings.Builder
		lines := bufio.NewReader(io.TeeReader(stdout, &text))
		for line := ""; !strings.Contains(line, `"outcome":"failed"`); {
			line, err = lines.ReadString('\n')
			require.NoError(t, err)
		}
		require.NoError(t, command.Process.Signal(syscall.SIGINT))
		_, err = io.Copy(io.Discard, lines)
		require.NoError(t, err)
		require.Error(t, command.Wait())
		assert.Equal(t, 2, command.ProcessState.ExitCode())
		assert.Empty(t, stderr.String(), "it would be among the events where both are one log")
		recording, err := events.Read(strings.NewReader(text.String()))
		require.NoError(t, err)
		assert.Positive(t, recording.Count()[events.CouldNotRun], "it tells what it did not come to")
	})
	t.Run("on a cluster", func(t *testing.T) {
		t.Parallel()
		served := startServe(t)
		client, err := kubernetes.NewForConfig(served.config(t))
		require.NoError(t, err)
		namespaces, err := client.CoreV1().Namespaces().Watch(t.Context(), metav1.ListOptions{LabelSelector: "podchain.dev/run"})
		require.NoError(t, err)
		defer namespaces.Stop()
		command := podchain(t, "verify", "--kubeconfig", served.kubeconfig, "--select", "CHAIN")
		require.NoError(t, command.Start())
		require.Equal(t, "ADDED", string((<-namespaces.ResultChan()).Type))
		require.NoError(t, command.Process.Signal(syscall.SIGINT))
		require.Error(t, command.Wait())
		assert.Equal(t, 2, command.ProcessState.ExitCode())
		left, err := client.CoreV1().Namespaces().List(t.Context(), metav1.ListOptions{LabelSelector: "podchain.dev/run"})
		require.NoError(t, err)
		assert.Empty(t, left.Items)
	})
}

// Images of a registry elsewhere are what the cluster's Pods ask for, and come before
// those that whoever runs the cluster offers.
func TestVerifyWithARegistry(t *testing.T) {
	t.Parallel()
	served := startServe(t, "--control", "control")
	verifyWith := func(images implementation.Images, err error) error {
		program := New(Options{Images: func(_ context.Context, repository string, _ io.Writer) (implementation.Images, error) {
			assert.Equal(t, "registry.test/mine", repository)
			return images, err
		}})
		program.SetArgs([]string{"verify", "--kubeconfig", served.kubeconfig, "--registry", "registry.test/mine", "--select", "RS-01", "--timeout", "10s"})
		program.SetOut(io.Discard)
		program.SetErr(io.Discard)
		return program.ExecuteContext(t.Context())
	}
	require.EqualError(t, verifyWith(nil, errors.New("it lets nobody in")), "--registry registry.test/mine: it lets nobody in")
	asked := &askedImages{}
	_ = verifyWith(asked, nil) // whether the served cluster has such images is not what this is about
	assert.NotEmpty(t, asked.names)
}

// Images that are in a registry are what the cluster's Pods ask for, and none is
// published anywhere.
func TestVerifyWithImagesThatAreThere(t *testing.T) {
	t.Parallel()
	served := startServe(t, "--control", "control")
	pods, err := clientOf(t, served).CoreV1().Pods(metav1.NamespaceAll).Watch(t.Context(), metav1.ListOptions{})
	require.NoError(t, err)
	defer pods.Stop()
	command := podchain(t, "verify", "--kubeconfig", served.kubeconfig, "--images", "registry.test/mine/", "--timeout", "10s",
		"--select", "RS-01", "--select", located(t, "While the image is pulled"))
	_, stdout, stderr := run(t, command) // whether the served cluster has such images is not what this is about
	assert.Contains(t, stdout, "1 not applicable", stderr)
	pod, ok := (<-pods.ResultChan()).Object.(*corev1.Pod)
	require.True(t, ok)
	assert.Regexp(t, "^registry.test/mine/[a-z]+:1$", pod.Spec.Containers[0].Image)
}

// askedImages writes down what it is asked for.
type askedImages struct {
	mu    sync.Mutex
	names []string
}

func (a *askedImages) ImageName(short string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.names = append(a.names, short)
	return "registry.test/mine/" + short
}

func (a *askedImages) Publish(context.Context, string) error { return nil }
