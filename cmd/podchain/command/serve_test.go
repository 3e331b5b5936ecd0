package command

import (
	"bufio"
	"net"
	"net/http"
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
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// served is a podchain serve that has said that it is ready.
type served struct {
	*exec.Cmd
	kubeconfig string
	stderr     *strings.Builder
}

func startServe(t *testing.T, arguments ...string) *served {
	t.Helper()
	return startServeIn(t, t.TempDir(), arguments...)
}

func startServeIn(t *testing.T, directory string, arguments ...string) *served {
	t.Helper()
	command := podchain(t, append([]string{"serve"}, arguments...)...)
	command.Dir = directory
	return serving(t, command)
}

// serving starts such a command.
func serving(t *testing.T, command *exec.Cmd) *served {
	t.Helper()
	s := &served{Cmd: command, stderr: &strings.Builder{}}
	s.kubeconfig = filepath.Join(s.Dir, "podchain.kubeconfig")
	s.Stderr = s.stderr
	stdout, err := s.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.Start())
	t.Cleanup(func() {
		if s.ProcessState == nil {
			assert.NoError(t, s.Process.Kill())
			assert.Error(t, s.Wait())
		}
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err, "it ends without being ready: %s", s.stderr)
	require.Regexp(t, `^ready: https://127\.0\.0\.1:\d+, KUBECONFIG=/.*/podchain\.kubeconfig\n$`, line)
	return s
}

func (s *served) config(t *testing.T) *rest.Config {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", s.kubeconfig)
	require.NoError(t, err)
	return config
}

func TestServe(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			s := startServe(t, "--nodes=3")
			info, err := os.Stat(s.kubeconfig)
			require.NoError(t, err)
			assert.Equal(t, os.FileMode(0o600), info.Mode())

			client, err := kubernetes.NewForConfig(s.config(t))
			require.NoError(t, err)
			// A client in the middle of a watch does not keep it from ending.
			events, err := client.CoreV1().Nodes().Watch(t.Context(), metav1.ListOptions{})
			require.NoError(t, err)
			defer events.Stop()
			for range 3 {
				<-events.ResultChan()
			}

			require.NoError(t, s.Process.Signal(signal))
			require.NoError(t, s.Wait(), "status 0")
			assert.Empty(t, s.stderr.String())
			left, err := os.ReadDir(s.Dir)
			require.NoError(t, err)
			assert.Empty(t, left, "nothing is left behind")
		})
	}
}

func TestServeLetsNobodyInWithoutTheToken(t *testing.T) {
	t.Parallel()
	s := startServe(t)
	config := s.config(t)
	for name, token := range map[string]string{"none": "", "wrong": "guess"} {
		t.Run(name, func(t *testing.T) {
			stranger := rest.AnonymousClientConfig(config)
			stranger.BearerToken = token
			client, err := rest.HTTPClientFor(stranger)
			require.NoError(t, err)
			defer client.CloseIdleConnections()
			response, err := client.Get(config.Host + "/api/v1/namespaces/default/pods")
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			assert.Equal(t, http.StatusUnauthorized, response.StatusCode)
		})
	}
	t.Run("another authority", func(t *testing.T) {
		stranger := rest.CopyConfig(config)
		stranger.CAData = nil
		client, err := rest.HTTPClientFor(stranger)
		require.NoError(t, err)
		_, err = client.Get(config.Host + "/version")
		assert.ErrorContains(t, err, "certificate")
	})
}

func TestServeLeavesAnotherKubeconfigAlone(t *testing.T) {
	t.Parallel()
	s := startServe(t)
	require.NoError(t, os.Remove(s.kubeconfig))
	require.NoError(t, os.WriteFile(s.kubeconfig, []byte("somebody else's"), 0o600))
	require.NoError(t, s.Process.Signal(syscall.SIGTERM))
	require.NoError(t, s.Wait())
	assert.FileExists(t, s.kubeconfig)
}

func TestServeRefuses(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, taken.Close()) }) // after the parallel cases
	_, port, err := net.SplitHostPort(taken.Addr().String())
	require.NoError(t, err)
	foreign := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(foreign, []byte("current-context: production\n"), 0o600))
	// A context of the same name makes no file podchain's.
	namesake := filepath.Join(t.TempDir(), "config")
	require.NoError(t, os.WriteFile(namesake, []byte(`{apiVersion: v1, kind: Config, contexts: [{name: podchain, context: {cluster: podchain, user: podchain}}],
  clusters: [{name: podchain, cluster: {server: "https://127.0.0.1:1"}}], users: [{name: podchain, user: {token: t}}]}`), 0o600))
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(foreign, link))
	fifo := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	// Not /dev/null: this one cannot be removed.
	program, _ := terminal(t, 80)
	device := program.Name()
	t.Cleanup(func() { assert.NoError(t, program.Close()) })
	kept := map[string]os.FileInfo{}
	for _, path := range []string{foreign, namesake, link, fifo} {
		kept[path], err = os.Lstat(path)
		require.NoError(t, err)
	}
	t.Cleanup(func() {
		for path, was := range kept {
			is, err := os.Lstat(path)
			require.NoError(t, err, "it is lost")
			assert.True(t, os.SameFile(was, is) && was.ModTime().Equal(is.ModTime()), "%s is another file", path)
		}
	})

	for name, c := range map[string]struct {
		arguments []string
		message   string
	}{
		"a port in use":                 {[]string{"--port", port}, "podchain: port " + port + " is in use: choose another with --port, or 0 for any free one"},
		"a port that does not exist":    {[]string{"--port", "65536"}, `podchain: --port 65536: expected a number from 0 to 65535`},
		"less than no nodes":            {[]string{"--nodes", "-1"}, "podchain: --nodes -1: "},
		"a kubeconfig without a name":   {[]string{"--kubeconfig-out", ""}, "podchain: write the kubeconfig: the path of the file is empty: name it with --kubeconfig-out"},
		"a kubeconfig in no directory":  {[]string{"--kubeconfig-out", "none/kubeconfig"}, "podchain: write the kubeconfig: "},
		"a kubeconfig that is not ours": {[]string{"--kubeconfig-out", foreign}, "podchain: write the kubeconfig: " + foreign + " exists and is not one of podchain's"},
		"a kubeconfig of a namesake":    {[]string{"--kubeconfig-out", namesake}, "podchain: write the kubeconfig: " + namesake + " exists and is not one of podchain's"},
		"a kubeconfig behind a link":    {[]string{"--kubeconfig-out", link}, "podchain: write the kubeconfig: " + link + " exists and is not one of podchain's"},
		"a kubeconfig that is a fifo":   {[]string{"--kubeconfig-out", fifo}, "podchain: write the kubeconfig: " + fifo + " exists and is not a regular file"},
		"a control socket on a file":    {[]string{"--control", foreign}, "podchain: control socket: " + foreign + " is there and is not a socket"},
		"on a link":                     {[]string{"--control", link}, "podchain: control socket: " + link + " is there and is not a socket"},
		"on a fifo":                     {[]string{"--control", fifo}, "podchain: control socket: " + fifo + " is there and is not a socket"},
		"on a directory":                {[]string{"--control", "."}, " is there and is not a socket"},
		"on a device":                   {[]string{"--control", device}, "podchain: control socket: " + device + " is there and is not a socket"},
		"with too long a path":          {[]string{"--control", strings.Repeat("a", 108)}, " is too long for a socket: "},
		"one file for both":             {[]string{"--control", "both", "--kubeconfig-out", "both"}, "podchain: write the kubeconfig: both exists and is not a regular file"},
		"an argument":                   {[]string{"now"}, `podchain: unexpected argument "now"; see podchain serve --help`},
		"a flag that does not exist":    {[]string{"--node", "1"}, "podchain: unknown flag: --node"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, append([]string{"serve"}, c.arguments...)...)
			var stdout, stderr strings.Builder
			command.Stdout, command.Stderr = &stdout, &stderr
			var failed *exec.ExitError
			require.ErrorAs(t, command.Run(), &failed)
			assert.Equal(t, statusUnable, failed.ExitCode())
			assert.Contains(t, stderr.String(), c.message)
			assert.Equal(t, 1, strings.Count(stderr.String(), "\n"), "one message: %s", &stderr)
			assert.Empty(t, stdout.String())
			left, err := os.ReadDir(command.Dir)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}

// TestServeBesideAnother: a server that answers keeps its files, and one that was killed
// does not.
func TestServeBesideAnother(t *testing.T) {
	t.Parallel()
	first := startServe(t, "--control", "control")
	again := func(arguments ...string) (status int, stderr string) {
		command := podchain(t, append([]string{"serve"}, arguments...)...)
		command.Dir = first.Dir
		status, _, stderr = run(t, command)
		return status, stderr
	}
	status, stderr := again()
	assert.Equal(t, statusUnable, status)
	assert.Contains(t, stderr, "podchain.kubeconfig belongs to a server that is running at https://127.0.0.1:")
	status, stderr = again("--control", "control", "--kubeconfig-out", "other")
	assert.Equal(t, statusUnable, status)
	assert.Contains(t, stderr, "control: address already in use")
	onlyIn(t, first.Dir, map[string]string{"control": "", "podchain.kubeconfig": ""})
	client, err := kubernetes.NewForConfig(first.config(t))
	require.NoError(t, err)
	_, err = client.Discovery().ServerVersion()
	require.NoError(t, err, "the first goes on")

	require.NoError(t, first.Process.Kill())
	require.Error(t, first.Wait())
	onlyIn(t, first.Dir, map[string]string{"control": "", "podchain.kubeconfig": ""})
	second := startServeIn(t, first.Dir, "--control", "control")
	// What a client changes in its file leaves it the server's.
	config, err := clientcmd.LoadFromFile(second.kubeconfig)
	require.NoError(t, err)
	config.Contexts[config.CurrentContext].Namespace = "mine"
	require.NoError(t, clientcmd.WriteToFile(*config, second.kubeconfig))
	require.NoError(t, second.Process.Signal(syscall.SIGTERM))
	require.NoError(t, second.Wait())
	onlyIn(t, first.Dir, nil)
}

// TestServeAtTheSameInstant: of several with the same files one runs.
func TestServeAtTheSameInstant(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	var all []*exec.Cmd
	ready, ended := make(chan string, 3), make(chan error, 3)
	t.Cleanup(func() {
		for _, command := range all {
			_ = command.Process.Kill() // most have ended
		}
	})
	for range 3 {
		command := podchain(t, "serve", "--control", "control")
		command.Dir = directory
		stdout, err := command.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, command.Start())
		all = append(all, command)
		go func() {
			line, err := bufio.NewReader(stdout).ReadString('\n')
			if err == nil {
				ready <- line
			}
			ended <- command.Wait()
		}()
	}
	<-ready
	for range 2 {
		select {
		case <-ready:
			require.Fail(t, "two have the same files")
		case err := <-ended:
			var failed *exec.ExitError
			require.ErrorAs(t, err, &failed, "it gives way to the first")
			assert.Equal(t, statusUnable, failed.ExitCode())
		}
	}
	onlyIn(t, directory, map[string]string{"control": "", "podchain.kubeconfig": ""})
	for _, command := range all {
		if err := command.Process.Signal(syscall.SIGTERM); err != nil {
			require.ErrorIs(t, err, os.ErrProcessDone)
		}
	}
	require.NoError(t, <-ended)
	onlyIn(t, directory, nil)
}
