package kubelet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// podFolder is where the volumes of a Pod are on the node.
func (k *kubelet) podFolder(uid types.UID) string {
	root := k.Root
	if root == "" {
		root = "/var/lib/kubelet"
	}
	return filepath.Join(root, "pods", string(uid))
}

// mounts returns what the container sees of the Pod's volumes.
func (w *worker) mounts(pod *corev1.Pod, c *corev1.Container) ([]*runtimeapi.Mount, error) {
	var mounts []*runtimeapi.Mount
	for _, mount := range c.VolumeMounts {
		index := slices.IndexFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == mount.Name })
		if index < 0 {
			return nil, fmt.Errorf("volume %s: not found", mount.Name)
		}
		folder := filepath.Join(w.k.podFolder(pod.UID), "volumes", mount.Name)
		if hostPath := pod.Spec.Volumes[index].HostPath; hostPath != nil {
			folder = hostPath.Path
		}
		mounts = append(mounts, &runtimeapi.Mount{
			ContainerPath: mount.MountPath, Readonly: mount.ReadOnly, HostPath: filepath.Join(folder, mount.SubPath),
		})
	}
	return mounts, nil
}

// How long after a failure the volumes are tried again: twice as long each time.
const (
	mountRetry    = 500 * time.Millisecond
	mountRetryMax = 2*time.Minute + 2*time.Second
)

// setUpVolumes makes all volumes of the Pod hold what they should. They are filled
// before its containers start, and not changed while those run. Of those that cannot
// be set up there is an Event; retry is then when to try again.
func (w *worker) setUpVolumes(ctx context.Context, pod *corev1.Pod) (retry time.Duration, err error) {
	failed := false
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if err := w.setUp(ctx, pod, volume); err != nil {
			if ctx.Err() != nil {
				return 0, ctx.Err()
			}
			failed = true
			w.k.events.Eventf(podReference(pod), corev1.EventTypeWarning, eventFailedMount, "MountVolume.SetUp failed for volume %q : %v", volume.Name, err)
		}
	}
	if !failed {
		w.mountRetry = 0
		return 0, nil
	}
	w.mountRetry = min(max(mountRetry, 2*w.mountRetry), mountRetryMax)
	return w.mountRetry, nil
}

// rootCA is the ConfigMap that admission mounts into every Pod, with a token.
const rootCA = "kube-root-ca.crt"

// setUp fills a volume. In a simulated runtime no container reads it: it is enough
// that its sources exist.
func (w *worker) setUp(ctx context.Context, pod *corev1.Pod, volume *corev1.Volume) error {
	f := &files{worker: w, pod: pod, mode: corev1.ProjectedVolumeSourceDefaultMode, content: map[string]file{}}
	folder := filepath.Join(w.k.podFolder(pod.UID), "volumes", volume.Name)
	var err error
	switch {
	case volume.ConfigMap != nil:
		source := volume.ConfigMap
		f.modeOf(source.DefaultMode)
		err = f.configMap(ctx, source.Name, source.Items, source.Optional)
	case volume.Secret != nil:
		source := volume.Secret
		f.modeOf(source.DefaultMode)
		err = f.secret(ctx, source.SecretName, source.Items, source.Optional)
	case volume.Projected != nil:
		f.modeOf(volume.Projected.DefaultMode)
		for i := range volume.Projected.Sources {
			if err = f.project(ctx, &volume.Projected.Sources[i]); err != nil {
				break
			}
		}
	case w.k.simulated():
	case volume.HostPath != nil:
		return nil // it is there, or the runtime says that it is not
	case volume.EmptyDir != nil:
		return os.MkdirAll(folder, 0o777)
	case volume.DownwardAPI != nil:
		f.modeOf(volume.DownwardAPI.DefaultMode)
		err = f.downward(volume.DownwardAPI.Items)
	default:
		return fmt.Errorf("this kubelet mounts no volumes of that kind")
	}
	if err != nil || w.k.simulated() {
		return err
	}
	return f.write(folder)
}

// simulated tells whether there are no files in containers.
func (k *kubelet) simulated() bool { return k.Root == "" }

// files are what a volume holds, by their paths in it.
type files struct {
	worker  *worker
	pod     *corev1.Pod
	mode    int32
	content map[string]file
}

type file struct {
	data []byte
	mode int32
}

func (f *files) modeOf(mode *int32) {
	if mode != nil {
		f.mode = *mode
	}
}

func (f *files) add(path string, data []byte, mode *int32) {
	added := file{data: data, mode: f.mode}
	if mode != nil {
		added.mode = *mode
	}
	f.content[path] = added
}

func (f *files) project(ctx context.Context, source *corev1.VolumeProjection) error {
	simulated := f.worker.k.simulated()
	switch {
	case simulated && source.ConfigMap != nil && source.ConfigMap.Name == rootCA:
		return nil // a request less for every Pod
	case source.ConfigMap != nil:
		return f.configMap(ctx, source.ConfigMap.Name, source.ConfigMap.Items, source.ConfigMap.Optional)
	case source.Secret != nil:
		return f.secret(ctx, source.Secret.Name, source.Secret.Items, source.Secret.Optional)
	case simulated:
		return nil
	case source.DownwardAPI != nil:
		return f.downward(source.DownwardAPI.Items)
	case source.ServiceAccountToken != nil:
		return f.token(ctx, source.ServiceAccountToken)
	}
	return fmt.Errorf("this kubelet projects no sources of that kind")
}

func (f *files) configMap(ctx context.Context, name string, items []corev1.KeyToPath, optional *bool) error {
	object, err := f.worker.configMapObject(ctx, f.pod.Namespace, name, optional)
	if err != nil || object == nil {
		return err
	}
	data := map[string][]byte{}
	for key, text := range object.Data {
		data[key] = []byte(text)
	}
	for key, bytes := range object.BinaryData {
		data[key] = bytes
	}
	return f.keys("configmap references non-existent config key", data, items, optional)
}

func (f *files) secret(ctx context.Context, name string, items []corev1.KeyToPath, optional *bool) error {
	object, err := f.worker.secretObject(ctx, f.pod.Namespace, name, optional)
	if err != nil || object == nil {
		return err
	}
	return f.keys("references non-existent secret key", object.Data, items, optional)
}

// keys adds all keys under their own names, or those that are named. missing is what
// to say of one that is not there.
func (f *files) keys(missing string, data map[string][]byte, items []corev1.KeyToPath, optional *bool) error {
	if len(items) == 0 {
		for key, bytes := range data {
			f.add(key, bytes, nil)
		}
		return nil
	}
	for _, item := range items {
		bytes, found := data[item.Key]
		switch {
		case found:
			f.add(item.Path, bytes, item.Mode)
		case optional == nil || !*optional:
			return fmt.Errorf("%s: %s", missing, item.Key)
		}
	}
	return nil
}

func (f *files) downward(items []corev1.DownwardAPIVolumeFile) error {
	for _, item := range items {
		var value string
		var err error
		switch {
		case item.FieldRef != nil:
			value, err = f.worker.field(f.pod, item.FieldRef.FieldPath, "")
		case item.ResourceFieldRef != nil:
			value, err = f.worker.resource(f.pod, nil, item.ResourceFieldRef) // it names the container
		}
		if err != nil {
			return err
		}
		f.add(item.Path, []byte(value), item.Mode)
	}
	return nil
}

// token gets a token of the Pod's ServiceAccount, which ends with the Pod.
func (f *files) token(ctx context.Context, source *corev1.ServiceAccountTokenProjection) error {
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{
		ExpirationSeconds: source.ExpirationSeconds,
		BoundObjectRef:    &authenticationv1.BoundObjectReference{APIVersion: "v1", Kind: "Pod", Name: f.pod.Name, UID: f.pod.UID},
	}}
	if source.Audience != "" {
		request.Spec.Audiences = []string{source.Audience}
	}
	issued, err := f.worker.k.clients.CreateToken(ctx, f.pod.Namespace, f.pod.Spec.ServiceAccountName, request)
	if err != nil {
		return err
	}
	f.add(source.Path, []byte(issued.Status.Token), nil)
	return nil
}

// write puts the files into the folder; each is replaced as a whole.
func (f *files) write(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	for path, file := range f.content {
		path = filepath.Join(folder, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		fresh := path + ".new"
		if err := os.WriteFile(fresh, file.data, os.FileMode(file.mode)); err != nil {
			return err
		}
		if err := os.Rename(fresh, path); err != nil {
			return err
		}
	}
	return nil
}
