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
    - downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name}}, {path: notes, fieldRef: {fieldPath: metadata.annotations}}]}
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
		require.Equal(t, []string{`MountVolume.SetUp failed for volume "absent" : configmap "absent" not found`}, c.events("lost", "FailedMount")[:1])

		volumes := filepath.Join(c.root, "pods", string(pod.UID), "volumes")
		found := read(t, volumes)
		require.NotEmpty(t, found["identity/token"])
		delete(found, "identity/token")
		require.Empty(t, cmp.Diff(map[string]string{
			"settings/which/colour": "green", "key/private": "secret",
			"identity/colour": "green", "identity/size": "large", "identity/name": "web", "identity/notes": "",
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

// TestMissingSources has Pods that refer to what is not there: they say so at once, and
// run once it is.
func TestMissingSources(t *testing.T) {
	for name, test := range map[string]struct {
		volume, env string
		// event is the first one that says so, waiting the reason of the container.
		reason, event, waiting string
	}{
		"a ConfigMap":            {volume: "configMap: {name: late}", reason: "FailedMount", event: `MountVolume.SetUp failed for volume "v" : configmap "late" not found`, waiting: "ContainerCreating"},
		"a key of it":            {volume: "configMap: {name: late, items: [{key: k, path: p}]}", reason: "FailedMount", event: `MountVolume.SetUp failed for volume "v" : configmap "late" not found`, waiting: "ContainerCreating"},
		"a Secret":               {volume: "secret: {secretName: late}", reason: "FailedMount", event: `MountVolume.SetUp failed for volume "v" : secret "late" not found`, waiting: "ContainerCreating"},
		"another key":            {volume: "secret: {secretName: early, items: [{key: k, path: p}]}", reason: "FailedMount", event: `MountVolume.SetUp failed for volume "v" : references non-existent secret key: k`, waiting: "ContainerCreating"},
		"projected":              {volume: "projected: {sources: [{serviceAccountToken: {path: token}}, {secret: {name: early}}, {configMap: {name: late}}]}", reason: "FailedMount", event: `MountVolume.SetUp failed for volume "v" : configmap "late" not found`, waiting: "ContainerCreating"},
		"optional":               {volume: "projected: {sources: [{secret: {name: never, optional: true}}]}"},
		"the cluster's CA":       {volume: "projected: {sources: [{configMap: {name: kube-root-ca.crt}}]}"},
		"volumes of other kinds": {volume: "nfs: {server: nas.example, path: /x}"},
		"a variable":             {env: "env: [{name: A, valueFrom: {secretKeyRef: {name: late, key: k}}}]", reason: "Failed", event: `Error: secret "late" not found`, waiting: "CreateContainerConfigError"},
		"all variables":          {env: "envFrom: [{configMapRef: {name: late}}]", reason: "Failed", event: `Error: configmap "late" not found`, waiting: "CreateContainerConfigError"},
		"an optional variable":   {env: "env: [{name: A, valueFrom: {configMapKeyRef: {name: never, key: k, optional: true}}}]"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := start(t)
				core := c.client.CoreV1()
				secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "early"}}
				secret, err := core.Secrets("default").Create(t.Context(), secret, metav1.CreateOptions{})
				require.NoError(t, err)
				stop := c.run()
				defer stop()
				if test.volume == "" {
					test.volume = "emptyDir: {}"
				}
				c.create("p", `
volumes: [{name: v, `+test.volume+`}]
containers: [{name: app, image: "web:1", volumeMounts: [{name: v, mountPath: /v}], `+test.env+`}]
`)
				c.pass(time.Second)
				state := c.get("p").Status.ContainerStatuses[0].State
				if test.event == "" {
					require.NotNil(t, state.Running)
					return
				}
				require.NotNil(t, state.Waiting)
				require.Equal(t, test.waiting, state.Waiting.Reason)
				require.NotEmpty(t, c.events("p", test.reason))
				require.Equal(t, test.event, c.events("p", test.reason)[0])

				data := map[string][]byte{"k": []byte("v")}
				secret.Data = data
				_, err = core.Secrets("default").Update(t.Context(), secret, metav1.UpdateOptions{})
				require.NoError(t, err)
				_, err = core.Secrets("default").Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "late"}, Data: data}, metav1.CreateOptions{})
				require.NoError(t, err)
				_, err = core.ConfigMaps("default").Create(t.Context(), &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "late"}, Data: map[string]string{"k": "v"}}, metav1.CreateOptions{})
				require.NoError(t, err)
				c.pass(10 * time.Second)
				require.NotNil(t, c.get("p").Status.ContainerStatuses[0].State.Running)
			})
		})
	}
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
