package kubelet

import (
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	"k8s.io/klog/v2"

	"github.com/podchain/podchain/reference/runtime"
)

// specAnnotation holds what of a container's spec was started: when the spec no
// longer says so, the container is started again (KUBELET-34).
const specAnnotation = "io.kubernetes.container.hash"

// specHash covers the fields of a container that may change while it runs and
// need a new one.
func specHash(c *corev1.Container) string {
	sum := fnv.New32a()
	sum.Write([]byte(c.Image))
	return strconv.FormatUint(uint64(sum.Sum32()), 16)
}

// namespaces says what the containers of a Pod share: its network and IPC, and
// their processes if it asks for that; or what they have of the node.
func namespaces(pod *corev1.Pod) *runtimeapi.NamespaceOption {
	shared := &runtimeapi.NamespaceOption{
		Network: runtimeapi.NamespaceMode_POD, Ipc: runtimeapi.NamespaceMode_POD, Pid: runtimeapi.NamespaceMode_CONTAINER,
	}
	if pod.Spec.ShareProcessNamespace != nil && *pod.Spec.ShareProcessNamespace {
		shared.Pid = runtimeapi.NamespaceMode_POD
	}
	for mode, ofNode := range map[*runtimeapi.NamespaceMode]bool{
		&shared.Network: pod.Spec.HostNetwork, &shared.Ipc: pod.Spec.HostIPC, &shared.Pid: pod.Spec.HostPID,
	} {
		if ofNode {
			*mode = runtimeapi.NamespaceMode_NODE
		}
	}
	return shared
}

// sandboxConfig tells the runtime about the Pod (KUBELET-16).
func (k *kubelet) sandboxConfig(pod *corev1.Pod, attempt uint32) *runtimeapi.PodSandboxConfig {
	hostname := pod.Name
	switch {
	case pod.Spec.HostNetwork:
		hostname = "" // the node's
	case pod.Spec.Hostname != "":
		hostname = pod.Spec.Hostname
	}
	config := &runtimeapi.PodSandboxConfig{
		Metadata:    &runtimeapi.PodSandboxMetadata{Name: pod.Name, Namespace: pod.Namespace, Uid: string(pod.UID), Attempt: attempt},
		Hostname:    hostname,
		Labels:      podLabels(pod),
		Annotations: pod.Annotations,
		Linux: &runtimeapi.LinuxPodSandboxConfig{
			CgroupParent:    k.CgroupRoot,
			SecurityContext: &runtimeapi.LinuxSandboxSecurityContext{NamespaceOptions: namespaces(pod)},
		},
	}
	for i := range pod.Spec.Containers {
		for _, port := range pod.Spec.Containers[i].Ports {
			config.PortMappings = append(config.PortMappings, &runtimeapi.PortMapping{
				Protocol:      runtimeapi.Protocol(runtimeapi.Protocol_value[string(port.Protocol)]),
				ContainerPort: port.ContainerPort, HostPort: port.HostPort, HostIp: port.HostIP,
			})
		}
	}
	return config
}

func podLabels(pod *corev1.Pod) map[string]string {
	labels := make(map[string]string, len(pod.Labels)+3)
	for key, value := range pod.Labels {
		labels[key] = value
	}
	labels[runtime.PodNameLabel] = pod.Name
	labels[runtime.PodNamespaceLabel] = pod.Namespace
	labels[runtime.PodUIDLabel] = string(pod.UID)
	return labels
}

// containerConfig tells the runtime about a container (KUBELET-22).
func (w *worker) containerConfig(ctx context.Context, pod *corev1.Pod, c *corev1.Container, image string, attempt uint32, address string) (*runtimeapi.ContainerConfig, error) {
	if err := verifyNotRoot(pod, c); err != nil {
		return nil, err
	}
	values, order, err := w.environment(ctx, pod, c, address)
	if err != nil {
		return nil, err
	}
	config := &runtimeapi.ContainerConfig{
		Metadata:   &runtimeapi.ContainerMetadata{Name: c.Name, Attempt: attempt},
		Image:      &runtimeapi.ImageSpec{Image: image, UserSpecifiedImage: c.Image},
		Command:    expandAll(c.Command, values),
		Args:       expandAll(c.Args, values),
		WorkingDir: c.WorkingDir,
		Stdin:      c.Stdin, StdinOnce: c.StdinOnce, Tty: c.TTY,
		Labels: map[string]string{
			runtime.ContainerNameLabel: c.Name,
			runtime.PodNameLabel:       pod.Name,
			runtime.PodNamespaceLabel:  pod.Namespace,
			runtime.PodUIDLabel:        string(pod.UID),
		},
		Annotations: map[string]string{
			specAnnotation:                         specHash(c),
			"io.kubernetes.container.restartCount": strconv.FormatUint(uint64(attempt), 10),
		},
		LogPath: fmt.Sprintf("%s/%d.log", c.Name, attempt),
		Linux: &runtimeapi.LinuxContainerConfig{
			Resources: linuxResources(c), SecurityContext: security(pod, c),
		},
	}
	if slices.ContainsFunc(pod.Spec.InitContainers, func(init corev1.Container) bool { return init.Name == c.Name && !sidecar(&init) }) {
		config.Annotations[runtime.ContainerTypeAnnotation] = runtime.InitContainer
	}
	for _, name := range order {
		config.Envs = append(config.Envs, &runtimeapi.KeyValue{Key: name, Value: []byte(values[name])})
	}
	config.Mounts, err = w.mounts(pod, c)
	return config, err
}

// linuxResources puts requests and limits into the terms of cgroups.
func linuxResources(c *corev1.Container) *runtimeapi.LinuxContainerResources {
	const (
		sharesPerCPU = 1024
		minShares    = 2
		period       = 100_000
		minQuota     = 1000
	)
	request, requested := c.Resources.Requests[corev1.ResourceCPU]
	limit, limited := c.Resources.Limits[corev1.ResourceCPU]
	if !requested {
		request = limit
	}
	resources := &runtimeapi.LinuxContainerResources{CpuShares: max(minShares, request.MilliValue()*sharesPerCPU/1000)}
	if limited {
		resources.CpuPeriod = period
		resources.CpuQuota = max(minQuota, limit.MilliValue()*period/1000)
	}
	if memory, ok := c.Resources.Limits[corev1.ResourceMemory]; ok {
		resources.MemoryLimitInBytes = memory.Value()
	}
	return resources
}

// createSandbox creates the Pod's sandbox. The status says so at once: before
// images are pulled, which may take long (KUBELET-10).
func (w *worker) createSandbox(ctx context.Context, pod *corev1.Pod, attempt uint32) error {
	if attempt > 0 {
		w.k.events.Event(podReference(pod), corev1.EventTypeNormal, eventSandboxChanged, "Pod sandbox changed, it will be killed and re-created.")
	}
	_, err := w.k.Runtime.RunPodSandbox(ctx, w.k.sandboxConfig(pod, attempt), runtimeHandler(pod))
	if err != nil && ctx.Err() == nil {
		w.k.events.Eventf(podReference(pod), corev1.EventTypeWarning, eventFailedCreateSandbox, "Failed to create pod sandbox: %v", err)
	}
	return err
}

func runtimeHandler(pod *corev1.Pod) string {
	if pod.Spec.RuntimeClassName == nil {
		return ""
	}
	return *pod.Spec.RuntimeClassName
}

// startContainer goes from the image to the postStart hook. The error is a
// *notStarted, or that of the context.
func (w *worker) startContainer(ctx context.Context, pod *corev1.Pod, v *view, s starting) error {
	c, name := s.spec, s.spec.Name
	if err := w.backOff(pod, s); err != nil {
		return err
	}
	failed := func(reason string, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		why := asNotStarted(err, reason)
		w.k.events.Eventf(containerReference(pod, name), corev1.EventTypeWarning, eventFailed, "Error: %s", why.brief())
		return why
	}
	sandbox := v.ready()
	boxConfig := w.k.sandboxConfig(pod, sandbox.GetMetadata().GetAttempt())
	image, err := w.ensureImage(ctx, pod, c, boxConfig)
	if err != nil {
		return failed(reasonPull, err)
	}
	address := v.address
	if pod.Spec.HostNetwork {
		address = w.k.Address
	}
	config, err := w.containerConfig(ctx, pod, c, image, v.attempt(pod, name), address)
	if err != nil {
		return failed("CreateContainerConfigError", err)
	}
	id, err := w.k.Runtime.CreateContainer(ctx, sandbox.Id, config, boxConfig)
	if err != nil {
		return failed("CreateContainerError", err)
	}
	w.k.events.Event(containerReference(pod, name), corev1.EventTypeNormal, eventCreated, "Container created")
	if err := w.k.Runtime.StartContainer(ctx, id); err != nil {
		return failed("RunContainerError", err)
	}
	w.k.events.Event(containerReference(pod, name), corev1.EventTypeNormal, eventStarted, "Container started")
	if c.Lifecycle != nil && c.Lifecycle.PostStart != nil {
		if err := w.runHook(ctx, pod, c, id, address, c.Lifecycle.PostStart); err != nil {
			w.k.events.Eventf(containerReference(pod, name), corev1.EventTypeWarning, eventFailedPostStart, "PostStartHook failed: %v", err)
			grace := int64(0)
			if pod.Spec.TerminationGracePeriodSeconds != nil {
				grace = *pod.Spec.TerminationGracePeriodSeconds
			}
			if err := w.k.Runtime.StopContainer(ctx, id, max(grace, minimumGrace)); err != nil {
				klog.FromContext(ctx).Error(err, "cannot stop the container whose postStart hook failed", "pod", klog.KObj(pod), "container", name)
			}
			return failed("PostStartHookError", err)
		}
	}
	w.removeOld(ctx, v, name)
	return nil
}

// backOff has a container wait that has crashed before: the error says how long.
func (w *worker) backOff(pod *corev1.Pod, s starting) error {
	c, name := s.spec, s.spec.Name
	if s.last == nil || !s.last.exited() {
		return nil
	}
	finished := time.Unix(0, s.last.FinishedAt)
	key := name + " " + specHash(c) // another image starts without a record
	crashes := w.crashes[key]
	if left := crashes.remaining(finished, time.Now()); left > 0 {
		w.k.events.Eventf(containerReference(pod, name), corev1.EventTypeWarning, eventBackOff,
			"Back-off restarting failed container %s in pod %s_%s(%s)", name, pod.Name, pod.Namespace, pod.UID)
		return &notStarted{
			reason: reasonCrashLoop, retry: left,
			message: fmt.Sprintf("back-off %s restarting failed container=%s pod=%s_%s(%s)", crashes.delay, name, pod.Name, pod.Namespace, pod.UID),
		}
	}
	crashes.next(finished)
	w.crashes[key] = crashes
	return nil
}

// brief is what Events say of a failure: the reason, where it is about images.
func (e *notStarted) brief() string {
	switch e.reason {
	case reasonPull, reasonPullBackOff, reasonInvalidName, reasonNeverPull, reasonInspect:
		return e.reason
	}
	return e.message
}

// removeOld removes all dead containers of that name but the last before the new
// one: the status still tells of that.
func (w *worker) removeOld(ctx context.Context, v *view, name string) {
	old := v.containers[name]
	if len(old) < 2 {
		return
	}
	for _, c := range old[1:] {
		if err := w.k.Runtime.RemoveContainer(ctx, c.Id); err != nil {
			klog.FromContext(ctx).Error(err, "cannot remove a dead container", "container", c.Id)
		}
	}
}
