package kubelet

import (
	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// plan is what is to be done next so that a Pod runs as its spec says. It is a
// function of what is there: after each step the kubelet looks and plans anew.
type plan struct {
	// sandbox to be created, with this attempt.
	sandbox bool
	attempt uint32
	// kill comes before start.
	kill []killing
	// start these containers, in this order.
	start []starting
	// done: no container of the Pod proper will run again.
	done bool
}

// killing is a container to be stopped, and why.
type killing struct {
	container container
	spec      *corev1.Container
	message   string
	// probe whose failure it is, which may bring a grace period of its own.
	probe *corev1.Probe
}

// starting is a container to be started, and its run before, if there was one.
type starting struct {
	spec *corev1.Container
	last *container
}

// health is what the probes say about a running container.
type health struct {
	started bool
	// ill is why the container has to be restarted, and by which probe.
	ill   string
	probe *corev1.Probe
}

// makePlan decides the next step (KUBELET-16 to 20, 27, 31, 34).
func makePlan(pod *corev1.Pod, v *view, check func(container) health) plan {
	if appsDone(pod, v) {
		return plan{done: true}
	}
	if v.ready() == nil {
		p := plan{sandbox: true}
		if len(v.sandboxes) > 0 {
			p.attempt = v.sandboxes[0].GetMetadata().GetAttempt() + 1
		}
		for _, c := range v.running() { // left behind by a sandbox that died
			p.kill = append(p.kill, killing{container: c, spec: specOf(pod, c.name())})
		}
		return p
	}
	p := plan{}
	initialized := appStarted(pod, v)
	for i := range pod.Spec.InitContainers {
		c := &pod.Spec.InitContainers[i]
		if initialized && !sidecar(c) {
			continue
		}
		if proceed := p.initContainer(pod, v, c, check); !proceed && !initialized {
			return p
		}
	}
	for i := range pod.Spec.Containers {
		p.container(pod, v, &pod.Spec.Containers[i], check)
	}
	return p
}

// initContainer plans for one init container and tells whether the next may go.
func (p *plan) initContainer(pod *corev1.Pod, v *view, c *corev1.Container, check func(container) health) bool {
	current, found := v.current(c.Name)
	if sidecar(c) {
		p.container(pod, v, c, check)
		return found && current.running() && check(current).started
	}
	switch {
	case !found:
		p.start = append(p.start, starting{spec: c})
	case current.State == runtimeapi.ContainerState_CONTAINER_CREATED:
		p.start = append(p.start, starting{spec: c, last: &current})
	case current.exited() && current.ExitCode == 0:
		return true
	case current.exited() && restarts(pod, c, current.ExitCode):
		p.start = append(p.start, starting{spec: c, last: &current})
	}
	return false
}

// container plans for a container that is to run as long as the Pod does.
func (p *plan) container(pod *corev1.Pod, v *view, c *corev1.Container, check func(container) health) {
	current, found := v.current(c.Name)
	switch {
	case !found:
		p.start = append(p.start, starting{spec: c})
	case current.running():
		if current.Annotations[specAnnotation] != specHash(c) {
			p.kill = append(p.kill, killing{container: current, spec: c, message: "Container " + c.Name + " definition changed, will be restarted"})
		} else if h := check(current); h.ill != "" {
			p.kill = append(p.kill, killing{container: current, spec: c, message: h.ill, probe: h.probe})
		}
	case !current.exited(): // created, never started
		p.start = append(p.start, starting{spec: c, last: &current})
	case sidecar(c) || restarts(pod, c, current.ExitCode) || current.Annotations[specAnnotation] != specHash(c):
		p.start = append(p.start, starting{spec: c, last: &current})
	}
}

// appsDone tells whether every container of the Pod proper has ended for good.
// It does not matter then what the sidecars do, nor that the sandbox has gone.
func appsDone(pod *corev1.Pod, v *view) bool {
	for i := range pod.Spec.Containers {
		c := &pod.Spec.Containers[i]
		newest, found := v.newest(c.Name)
		if !found || !newest.exited() || restarts(pod, c, newest.ExitCode) || newest.Annotations[specAnnotation] != specHash(c) {
			return false
		}
	}
	return true
}

func specOf(pod *corev1.Pod, name string) *corev1.Container {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}
