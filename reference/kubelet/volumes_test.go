package kubelet_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestVolumes looks at what containers find in their volumes where the runtime
// is a real one, and that nothing of it outlives the Pod.
func TestVolumes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		c.root = t.TempDir()
		core, ctx := c.client.CoreV1(), t.Context()
		_, err := core.ConfigMaps("default").Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "settings"}, Data: map[string]string{"colour": "green", "size": "large"},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = core.Secrets("default").Create(ctx, &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: "key"}, Data: map[string][]byte{"private": []byte("secret")},
		}, metav1.CreateOptions{})
		require.NoError(t, err)
		_, err = core.ServiceAccounts("default").Create(ctx, &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "web"}}, metav1.CreateOptions{})
		require.NoError(t, err)
		stop := c.run()
		defer stop()
		pod := c.create("web", `
serviceAccountName: web
volumes:
- {name: scratch, emptyDir: {}}
- {name: settings, configMap: {name: settings, items: [{key: colour, path: which/colour}]}}
- {name: key, secret: {secretName: key, defaultMode: 0400}}
- {name: absent, configMap: {name: absent, optional: true}}
- name: identity
  projected:
    sources:
    - serviceAccountToken: {path: token}
    - configMap: {name: settings}
    - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}]}
containers:
- name: app
  image: web:1
  volumeMounts:
  - {name: scratch, mountPath: /scratch}
  - {name: settings, mountPath: /settings}
  - {name: key, mountPath: /key}
  - {name: absent, mountPath: /absent}
  - {name: identity, mountPath: /identity}
`)
		c.create("lost", `
volumes: [{name: absent, configMap: {name: absent}}]
containers: [{name: app, image: "web:1", volumeMounts: [{name: absent, mountPath: /absent}]}]
`)
		c.pass(time.Second)
		require.Equal(t, corev1.PodRunning, c.get("web").Status.Phase)
		waiting := c.get("lost").Status.ContainerStatuses[0].State.Waiting
		require.NotNil(t, waiting)
		require.Equal(t, "CreateContainerConfigError", waiting.Reason)
		require.Contains(t, waiting.Message, "volume absent")

		volumes := filepath.Join(c.root, "pods", string(pod.UID), "volumes")
		found := read(t, volumes)
		require.NotEmpty(t, found["identity/token"])
		delete(found, "identity/token")
		require.Empty(t, cmp.Diff(map[string]string{
			"settings/which/colour": "green", "key/private": "secret",
			"identity/colour": "green", "identity/size": "large", "identity/name": "web",
		}, found))
		info, err := os.Stat(filepath.Join(volumes, "key/private"))
		require.NoError(t, err)
		require.Equal(t, fs.FileMode(0o400), info.Mode())
		require.DirExists(t, filepath.Join(volumes, "scratch"))

		c.delete("web", metav1.DeleteOptions{})
		c.pass(time.Minute)
		require.NoDirExists(t, filepath.Dir(volumes))
	})
}

// read returns the files below a folder by their paths in it.
func read(t *testing.T, folder string) map[string]string {
	t.Helper()
	found := map[string]string{}
	require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		name, err := filepath.Rel(folder, path)
		require.NoError(t, err)
		found[name] = string(content)
		return nil
	}))
	return found
}
