package command

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/reference/store/etcd/etcdtest"
)

// What a cluster on an etcd has acknowledged is there after a kill -9, in a new
// process, as it was (STORE-07).
func TestServeOnEtcd(t *testing.T) {
	server := etcdtest.Start(t)
	files := server.Files()
	arguments := []string{"--store", "etcd=" + server.Endpoint(), "--nodes", "0",
		"--etcd-cafile", files.CA, "--etcd-certfile", files.Cert, "--etcd-keyfile", files.Key}
	first := startServe(t, arguments...)
	client, err := kubernetes.NewForConfig(first.config(t))
	require.NoError(t, err)
	created, err := client.CoreV1().ConfigMaps("default").Create(t.Context(),
		&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "kept"}, Data: map[string]string{"a": "b"}}, metav1.CreateOptions{})
	require.NoError(t, err)
	require.NoError(t, first.Process.Kill())
	require.Error(t, first.Wait())

	second := startServe(t, arguments...)
	client, err = kubernetes.NewForConfig(second.config(t))
	require.NoError(t, err)
	kept, err := client.CoreV1().ConfigMaps("default").Get(t.Context(), "kept", metav1.GetOptions{})
	require.NoError(t, err)
	require.Equal(t, created, kept)
	require.NoError(t, second.Process.Signal(syscall.SIGTERM))
	require.NoError(t, second.Wait())
	assert.Empty(t, second.stderr.String())
}

// An etcd of its own ends with the cluster, and leaves nothing behind.
func TestServeOnItsOwnEtcd(t *testing.T) {
	etcdtest.Need(t)
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM} {
		s := startServe(t, "--store", "etcd")
		held, err := filepath.Glob(filepath.Join(temporary, "podchain-run-*"))
		require.NoError(t, err)
		require.Len(t, held, 1)
		require.NoError(t, s.Process.Signal(signal))
		require.NoError(t, s.Wait(), "status 0: %s", s.stderr)
		require.NoDirExists(t, held[0])
	}
}

func TestStoreRefuses(t *testing.T) {
	broken := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(broken, "etcd"), []byte("#!/bin/sh\necho out of order >&2\nexit 3\n"), 0o700))
	for name, c := range map[string]struct {
		arguments []string
		path      string // PATH
		message   string
	}{
		"a store that does not exist":     {arguments: []string{"serve", "--store", "sqlite"}, message: "podchain: --store sqlite: expected memory, etcd, kine, or etcd=URL"},
		"a kine that runs":                {arguments: []string{"serve", "--store", "kine=http://a:1"}, message: "expected memory, etcd, kine, or etcd=URL"},
		"Events that never end in memory": {arguments: []string{"serve", "--event-ttl", "1m"}, message: "podchain: --event-ttl goes with --store etcd"},
		"Events that end at once":         {arguments: []string{"serve", "--store", "etcd", "--event-ttl", "1ms"}, message: "--event-ttl 1ms: must be at least 1s"},
		"an endpoint that does not exist": {arguments: []string{"serve", "--store", "etcd=localhost:2379"}, message: `etcd: endpoint "localhost:2379": expected https://HOST:PORT`},
		"no endpoint":                     {arguments: []string{"serve", "--store", "etcd="}, message: `etcd: endpoint "": expected https://HOST:PORT`},
		"certificates for memory":         {arguments: []string{"serve", "--etcd-cafile", "ca"}, message: "go with --store etcd=https://HOST:PORT"},
		"certificates for plain http":     {arguments: []string{"serve", "--store", "etcd=https://a:1,http://b:1", "--etcd-cafile", os.DevNull}, message: `etcd: endpoint "http://b:1" is not https`},
		"a certificate without its key":   {arguments: []string{"serve", "--store", "etcd=https://a:1", "--etcd-certfile", "cert"}, message: "a client certificate and its key go together"},
		"authorities that are not there":  {arguments: []string{"serve", "--store", "etcd=https://a:1", "--etcd-cafile", "none"}, message: "none does not exist"},
		"an etcd that is not there":       {arguments: []string{"serve", "--store", "etcd=unix:///none"}, message: "dial unix /none: connect: no such file"},
		"a running cluster":               {arguments: []string{"verify", "--kubeconfig", "k", "--store", "etcd"}, message: "podchain: --store goes with the reference"},
		"no etcd, and nothing to make it": {arguments: []string{"serve", "--store", "etcd"}, message: "podchain: --store etcd: there is no etcd on PATH, and none can be built"},
		"an etcd that does not start":     {arguments: []string{"verify", "--store", "etcd"}, path: broken, message: "exited with status 3 at once; it printed last:\n  | out of order"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, c.arguments...)
			command.Env = append(command.Env, "PATH="+c.path, "XDG_CACHE_HOME="+command.Dir)
			var stderr strings.Builder
			command.Stderr = &stderr
			var failed *exec.ExitError
			require.ErrorAs(t, command.Run(), &failed)
			assert.Equal(t, statusUnable, failed.ExitCode())
			assert.Contains(t, stderr.String(), c.message)
			left, err := os.ReadDir(command.Dir)
			require.NoError(t, err)
			assert.Empty(t, left)
		})
	}
}
