package kubelet

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/exec"
)

type probeKind string

const (
	readiness probeKind = "Readiness"
	liveness  probeKind = "Liveness"
	startup   probeKind = "Startup"
)

type probeKey struct {
	container string
	kind      probeKind
}

// prober runs one probe of one running container, each time from a timer.
type prober struct {
	w         *worker
	kind      probeKind
	pod       *corev1.Pod
	spec      *corev1.Container
	probe     *corev1.Probe
	container string // id
	ctx       context.Context
	stop      context.CancelFunc

	// Guarded by the worker's lock.
	known   bool // the threshold was reached once
	success bool
	streak  int32
	last    bool
	message string
}

// probe sees to it that exactly the probes run that should: those of running
// containers, readiness and liveness only once the startup probe succeeded
// (KUBELET-30, KUBELET-31).
func (w *worker) probe(pod *corev1.Pod, v *view) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wanted := map[probeKey]bool{}
	start := func(c *corev1.Container, current container, kind probeKind, probe *corev1.Probe) {
		if probe == nil {
			return
		}
		key := probeKey{c.Name, kind}
		wanted[key] = true
		if p := w.probers[key]; p == nil || p.container != current.Id {
			if p != nil {
				p.stop()
			}
			w.startProber(key, &prober{w: w, kind: kind, pod: pod, spec: c, probe: probe, container: current.Id}, current)
		}
	}
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			c := &list[i]
			current, found := v.current(c.Name)
			if !found || !current.running() {
				continue
			}
			start(c, current, startup, c.StartupProbe)
			if p := w.probers[probeKey{c.Name, startup}]; c.StartupProbe == nil || p.known && p.success {
				start(c, current, readiness, c.ReadinessProbe)
				start(c, current, liveness, c.LivenessProbe)
			}
		}
	}
	for key, p := range w.probers {
		if !wanted[key] {
			p.stop()
			delete(w.probers, key)
		}
	}
}

// startProber takes over what an earlier kubelet knew of the container: it does
// not become unready because the kubelet has restarted (KUBELET-40).
func (w *worker) startProber(key probeKey, p *prober, current container) {
	if w.probers == nil {
		w.probers = map[probeKey]*prober{}
	}
	w.probers[key] = p
	p.ctx, p.stop = context.WithCancel(w.k.ctx)
	for _, statuses := range [][]corev1.ContainerStatus{w.pod.Status.InitContainerStatuses, w.pod.Status.ContainerStatuses} {
		before := find(statuses, key.container)
		if before == nil || !strings.HasSuffix(before.ContainerID, "://"+current.Id) {
			continue
		}
		if p.kind == readiness && before.Ready || p.kind == startup && before.Started != nil && *before.Started {
			p.known, p.success = true, true
		}
	}
	if p.kind == startup && p.known {
		return // once is enough
	}
	delay := time.Until(time.Unix(0, current.StartedAt).Add(time.Duration(p.probe.InitialDelaySeconds) * time.Second))
	w.k.tasks.After(max(0, delay), p.run)
}

// stopProbes ends the probes, except those to be kept.
func (w *worker) stopProbes(keep func(probeKind) bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for key, p := range w.probers {
		if keep == nil || !keep(key.kind) {
			p.stop()
			delete(w.probers, key)
		}
	}
}

// run probes once and sees to the next time.
func (p *prober) run() {
	if p.ctx.Err() != nil {
		return
	}
	next := time.Now().Add(time.Duration(max(1, p.probe.PeriodSeconds)) * time.Second)
	timeout := time.Duration(max(1, p.probe.TimeoutSeconds)) * time.Second
	ctx, cancel := context.WithTimeout(p.ctx, timeout)
	message, err := p.once(ctx, timeout)
	cancel()
	if p.ctx.Err() != nil {
		return
	}
	if message != "" || err != nil {
		text := fmt.Sprintf("%s probe failed: %s", p.kind, message)
		if err != nil {
			text = fmt.Sprintf("%s probe errored and resulted in unknown state: %v", p.kind, err)
		}
		p.w.k.events.Event(containerReference(p.pod, p.spec.Name), corev1.EventTypeWarning, eventUnhealthy, text)
	}
	if err == nil {
		p.count(message)
	}
	p.w.mu.Lock()
	over := p.kind == startup && p.known && p.success
	p.w.mu.Unlock()
	if !over {
		p.w.k.tasks.After(max(0, time.Until(next)), p.run)
	}
}

// count takes a result in; it becomes the probe's once it has come as often in
// a row as the threshold says. The worker looks when that changes something.
func (p *prober) count(failure string) {
	w := p.w
	w.mu.Lock()
	defer w.mu.Unlock()
	success := failure == ""
	if p.streak == 0 || p.last != success {
		p.streak = 0
	}
	p.streak++
	p.last = success
	threshold := max(1, p.probe.FailureThreshold)
	if success {
		threshold = max(1, p.probe.SuccessThreshold)
	}
	if p.streak < threshold || p.known && p.success == success {
		return
	}
	p.known, p.success, p.message = true, success, failure
	if p.kind == liveness && success {
		return // as assumed
	}
	if w.stopping && p.kind == readiness {
		w.k.tasks.Go(func() { w.readinessWhileStopping(p.spec.Name, success) })
		return
	}
	w.pokeLocked()
}

// readinessWhileStopping tells of a change while the worker waits for the end.
func (w *worker) readinessWhileStopping(name string, ready bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.report.status == nil || w.report.ended {
		return
	}
	s := w.report.status.DeepCopy()
	for _, statuses := range [][]corev1.ContainerStatus{s.InitContainerStatuses, s.ContainerStatuses} {
		if c := find(statuses, name); c != nil && c.State.Running != nil {
			c.Ready = ready
		}
	}
	containersReady := containersReadyCondition(w.pod, s)
	for _, made := range []corev1.PodCondition{containersReady, readyCondition(w.pod, containersReady)} {
		for i := range s.Conditions {
			c := &s.Conditions[i]
			if c.Type != made.Type {
				continue
			}
			if c.Status != made.Status {
				c.LastTransitionTime = stamp(time.Now().UnixNano())
			}
			c.Status, c.Reason, c.Message = made.Status, made.Reason, made.Message
		}
	}
	w.report.status = s
	w.kickReport()
}

// health is what the probes say of a running container (plan.go acts on it).
func (w *worker) health(c container) health {
	w.mu.Lock()
	defer w.mu.Unlock()
	h := health{started: true}
	if p := w.probers[probeKey{c.name(), startup}]; p != nil && p.container == c.Id {
		h.started = p.known && p.success
		if p.known && !p.success {
			h.ill, h.probe = fmt.Sprintf("Container %s failed startup probe, will be restarted", c.name()), p.probe
		}
	} else if spec := specOf(w.pod, c.name()); spec != nil && spec.StartupProbe != nil && !w.stopping {
		h.started = false
	}
	if p := w.probers[probeKey{c.name(), liveness}]; p != nil && p.container == c.Id && p.known && !p.success {
		h.ill, h.probe = fmt.Sprintf("Container %s failed liveness probe, will be restarted", c.name()), p.probe
	}
	return h
}

// isReady is false until the readiness probe has succeeded.
func (w *worker) isReady(c container) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	spec := specOf(w.pod, c.name())
	if spec == nil || spec.ReadinessProbe == nil {
		return true
	}
	p := w.probers[probeKey{c.name(), readiness}]
	return p != nil && p.container == c.Id && p.known && p.success
}

// once probes. The message tells of a failure; an error says nothing about the
// container.
func (p *prober) once(ctx context.Context, timeout time.Duration) (message string, err error) {
	address := p.w.podIP(p.pod)
	switch handler := p.probe.ProbeHandler; {
	case handler.Exec != nil:
		stdout, stderr, err := p.w.k.Runtime.ExecSync(ctx, p.container, expandAll(handler.Exec.Command, fixedValues(p.spec)), timeout)
		var exit exec.CodeExitError
		switch {
		case err == nil:
			return "", nil
		case errors.As(err, &exit):
			return strings.TrimSpace(fmt.Sprintf("%v %s%s", err, stdout, stderr)), nil
		case ctx.Err() != nil:
			return fmt.Sprintf("command timed out after %s", timeout), nil //nolint:nilerr // the probe has failed, which is its result
		}
		return "", err
	case handler.HTTPGet != nil:
		request, err := p.w.k.newRequest(ctx, p.spec, handler.HTTPGet, address)
		if err != nil {
			return "", err
		}
		code, err := p.w.k.do(request)
		switch {
		case err != nil:
			return err.Error(), nil //nolint:nilerr // the probe has failed, which is its result
		case code < http.StatusOK || code >= http.StatusBadRequest:
			return fmt.Sprintf("HTTP probe failed with statuscode: %d", code), nil
		}
		return "", nil
	case handler.TCPSocket != nil:
		port, err := portOf(p.spec, handler.TCPSocket.Port)
		if err != nil {
			return "", err
		}
		if handler.TCPSocket.Host != "" {
			address = handler.TCPSocket.Host
		}
		conn, err := p.w.k.Dial(ctx, "tcp", net.JoinHostPort(address, port))
		if err != nil {
			return err.Error(), nil //nolint:nilerr // the probe has failed, which is its result
		}
		return "", conn.Close()
	case handler.GRPC != nil:
		return p.w.k.checkHealth(ctx, handler.GRPC, address, timeout)
	}
	return "", fmt.Errorf("missing probe handler for %s_%s(%s):%s", p.pod.Name, p.pod.Namespace, p.pod.UID, p.spec.Name)
}

// newRequest returns the request of an httpGet handler.
func (k *kubelet) newRequest(ctx context.Context, c *corev1.Container, action *corev1.HTTPGetAction, address string) (*http.Request, error) {
	port, err := portOf(c, action.Port)
	if err != nil {
		return nil, err
	}
	if action.Host != "" {
		address = action.Host
	}
	path, err := url.Parse(action.Path)
	if err != nil {
		path = &url.URL{Path: action.Path}
	}
	path.Scheme = strings.ToLower(string(action.Scheme))
	if path.Scheme == "" {
		path.Scheme = "http"
	}
	path.Host = net.JoinHostPort(address, port)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, path.String(), nil)
	if err != nil {
		return nil, err
	}
	for _, header := range action.HTTPHeaders {
		request.Header.Add(header.Name, header.Value)
	}
	request.Host = request.Header.Get("Host")
	if _, given := request.Header["User-Agent"]; !given {
		request.Header.Set("User-Agent", "kube-probe/"+k.Version)
	}
	if accepted, given := request.Header["Accept"]; !given {
		request.Header.Set("Accept", "*/*")
	} else if accepted[0] == "" {
		request.Header.Del("Accept")
	}
	return request, nil
}

// do makes the request and returns the answer's code.
func (k *kubelet) do(request *http.Request) (code int, err error) {
	response, err := k.probes.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	const enough = 10 << 10
	_, err = io.CopyN(io.Discard, response.Body, enough)
	if errors.Is(err, io.EOF) {
		err = nil // that was all of it
	}
	return response.StatusCode, err
}

func portOf(c *corev1.Container, port intstr.IntOrString) (string, error) {
	if port.Type == intstr.Int {
		return strconv.Itoa(port.IntValue()), nil
	}
	for _, named := range c.Ports {
		if named.Name == port.StrVal {
			return strconv.Itoa(int(named.ContainerPort)), nil
		}
	}
	if _, err := strconv.Atoi(port.StrVal); err != nil {
		return "", fmt.Errorf("container %s has no port %q", c.Name, port.StrVal)
	}
	return port.StrVal, nil
}

// newProbeClient returns a client that follows no redirects to another host, keeps no
// connections and trusts every certificate: a probe asks whether the port answers,
// not who does.
func newProbeClient(dial func(context.Context, string, string) (net.Conn, error)) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext:       dial,
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true},
		},
		CheckRedirect: func(request *http.Request, via []*http.Request) error {
			const most = 10
			if len(via) >= most || request.URL.Hostname() != via[0].URL.Hostname() {
				return http.ErrUseLastResponse
			}
			return nil
		},
	}
}
