package kinds

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// containers checks the regular containers (API-VALID-06).
func (f *errs) containers(spec *corev1.PodSpec, volumes sets.Set[string], path *field.Path) {
	if len(spec.Containers) == 0 {
		f.required(path, "")
		return
	}
	names, hostPorts := sets.New[string](), sets.New[string]()
	for i := range spec.Containers {
		c, at := &spec.Containers[i], path.Index(i)
		f.container(c, volumes, at)
		f.unique(at.Child("name"), names, c.Name)
		f.lifecycleAndProbes(c, at)
		f.hostPorts(c.Ports, hostPorts, at.Child("ports"))
		if c.RestartPolicy != nil {
			f.containerRestartPolicy(c, at)
		}
	}
}

// initContainers checks the containers that run before the regular ones. Only
// one that keeps running beside them, a sidecar, may be probed.
func (f *errs) initContainers(spec *corev1.PodSpec, volumes sets.Set[string], path *field.Path) {
	names := sets.New[string]()
	for i := range spec.Containers {
		names.Insert(spec.Containers[i].Name)
	}
	for i := range spec.InitContainers {
		c, at := &spec.InitContainers[i], path.Index(i)
		f.container(c, volumes, at)
		f.unique(at.Child("name"), names, c.Name)
		f.hostPorts(c.Ports, sets.New[string](), at.Child("ports"))
		if c.RestartPolicy != nil {
			f.containerRestartPolicy(c, at)
		}
		if isSidecar(c) {
			f.lifecycleAndProbes(c, at)
			continue
		}
		for _, probed := range []struct {
			name string
			set  bool
		}{
			{"lifecycle", c.Lifecycle != nil},
			{"livenessProbe", c.LivenessProbe != nil},
			{"readinessProbe", c.ReadinessProbe != nil},
			{"startupProbe", c.StartupProbe != nil},
		} {
			if probed.set {
				f.forbidden(at.Child(probed.name), "may not be set for init containers without restartPolicy=Always")
			}
		}
	}
}

func (f *errs) ephemeralContainers(spec *corev1.PodSpec, volumes sets.Set[string], path *field.Path) {
	names := sets.New[string]()
	for _, containers := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range containers {
			names.Insert(containers[i].Name)
		}
	}
	for i := range spec.EphemeralContainers {
		c, at := corev1.Container(spec.EphemeralContainers[i].EphemeralContainerCommon), path.Index(i)
		f.container(&c, volumes, at)
		f.unique(at.Child("name"), names, c.Name)
	}
}

// isSidecar returns whether an init container keeps running beside the regular ones.
func isSidecar(c *corev1.Container) bool {
	return c.RestartPolicy != nil && *c.RestartPolicy == corev1.ContainerRestartPolicyAlways
}

func (f *errs) unique(path *field.Path, taken sets.Set[string], value string) {
	if value != "" && taken.Has(value) {
		f.add(field.Duplicate(path, value))
	}
	taken.Insert(value)
}

// container checks what all containers have.
func (f *errs) container(c *corev1.Container, volumes sets.Set[string], path *field.Path) {
	f.label(path.Child("name"), c.Name)
	f.present(path.Child("image"), c.Image)
	oneOf(f, path.Child("terminationMessagePolicy"), c.TerminationMessagePolicy,
		corev1.TerminationMessageReadFile, corev1.TerminationMessageFallbackToLogsOnError)
	f.ports(c.Ports, path.Child("ports"))
	f.env(c.Env, path.Child("env"))
	f.envFrom(c.EnvFrom, path.Child("envFrom"))
	f.volumeMounts(c, volumes, path.Child("volumeMounts"))
	oneOf(f, path.Child("imagePullPolicy"), c.ImagePullPolicy, corev1.PullAlways, corev1.PullIfNotPresent, corev1.PullNever)
	f.resources(&c.Resources, path.Child("resources"))
	f.securityContext(c.SecurityContext, path.Child("securityContext"))
}

func (f *errs) containerRestartPolicy(c *corev1.Container, path *field.Path) {
	oneOf(f, path.Child("restartPolicy"), *c.RestartPolicy,
		corev1.ContainerRestartPolicyAlways, corev1.ContainerRestartPolicyNever, corev1.ContainerRestartPolicyOnFailure)
}

func (f *errs) ports(ports []corev1.ContainerPort, path *field.Path) {
	names := sets.New[string]()
	for i := range ports {
		p, at := &ports[i], path.Index(i)
		if p.Name != "" {
			if wrong := validation.IsValidPortName(p.Name); len(wrong) > 0 {
				f.texts(at.Child("name"), p.Name, wrong)
			} else {
				f.unique(at.Child("name"), names, p.Name)
			}
		}
		if p.ContainerPort == 0 {
			f.required(at.Child("containerPort"), "")
		} else {
			f.texts(at.Child("containerPort"), p.ContainerPort, validation.IsValidPortNum(int(p.ContainerPort)))
		}
		if p.HostPort != 0 {
			f.texts(at.Child("hostPort"), p.HostPort, validation.IsValidPortNum(int(p.HostPort)))
		}
		oneOf(f, at.Child("protocol"), p.Protocol, corev1.ProtocolSCTP, corev1.ProtocolTCP, corev1.ProtocolUDP)
	}
}

func (f *errs) hostPorts(ports []corev1.ContainerPort, taken sets.Set[string], path *field.Path) {
	for i := range ports {
		if p := &ports[i]; p.HostPort != 0 {
			f.unique(path.Index(i).Child("hostPort"), taken, fmt.Sprintf("%s/%s/%d", p.Protocol, p.HostIP, p.HostPort))
		}
	}
}

func (f *errs) env(env []corev1.EnvVar, path *field.Path) {
	for i := range env {
		e, at := &env[i], path.Index(i)
		if e.Name == "" {
			f.required(at.Child("name"), "")
		} else {
			f.texts(at.Child("name"), e.Name, validation.IsRelaxedEnvVarName(e.Name))
		}
		if e.ValueFrom != nil {
			f.envSource(e, at.Child("valueFrom"))
		}
	}
}

// fieldPaths are the fields that can be read at all.
var fieldPaths = fieldsInEnv.Union(fieldsInVolumes).Insert("spec.restartPolicy", "spec.schedulerName", "spec.host", "status.phase")

// fieldsInEnv are the fields that a container can read from its environment;
// labels and annotations by key come on top.
var fieldsInEnv = sets.New("metadata.name", "metadata.namespace", "metadata.uid", "spec.nodeName",
	"spec.serviceAccountName", "status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs")

func (f *errs) envSource(e *corev1.EnvVar, path *field.Path) {
	from, sources := e.ValueFrom, 0
	if ref := from.FieldRef; ref != nil {
		sources++
		f.fieldRef(ref, fieldsInEnv, path.Child("fieldRef"))
	}
	if ref := from.ResourceFieldRef; ref != nil {
		sources++
		f.resourceFieldRef(ref, path.Child("resourceFieldRef"))
	}
	if ref := from.ConfigMapKeyRef; ref != nil {
		sources++
		f.keyRef(ref.Name, ref.Key, path.Child("configMapKeyRef"))
	}
	if ref := from.SecretKeyRef; ref != nil {
		sources++
		f.keyRef(ref.Name, ref.Key, path.Child("secretKeyRef"))
	}
	if from.FileKeyRef != nil {
		sources++
	}
	switch {
	case sources == 0:
		f.invalid(path, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`")
	case e.Value != "":
		f.invalid(path, "", "may not be specified when `value` is not empty")
	case sources > 1:
		f.invalid(path, "", "may not have more than one field specified at a time")
	}
}

func (f *errs) keyRef(name, key string, path *field.Path) {
	f.present(path.Child("name"), name)
	if key == "" {
		f.required(path.Child("key"), "")
		return
	}
	f.texts(path.Child("key"), key, validation.IsConfigMapKey(key))
}

func (f *errs) fieldRef(ref *corev1.ObjectFieldSelector, known sets.Set[string], path *field.Path) {
	if ref.FieldPath == "" {
		f.required(path.Child("fieldPath"), "")
		return
	}
	for _, byKey := range []string{"metadata.labels", "metadata.annotations"} {
		if rest, ok := strings.CutPrefix(ref.FieldPath, byKey+"['"); ok && strings.HasSuffix(rest, "']") {
			f.texts(path.Child("fieldPath"), ref.FieldPath, validation.IsQualifiedName(strings.ToLower(strings.TrimSuffix(rest, "']"))))
			return
		}
	}
	if !fieldPaths.Has(ref.FieldPath) {
		f.invalid(path.Child("fieldPath"), ref.FieldPath, "error converting fieldPath: field label not supported: "+ref.FieldPath)
		return
	}
	if !known.Has(ref.FieldPath) {
		f.add(field.NotSupported(path.Child("fieldPath"), ref.FieldPath, sets.List(known)))
	}
}

var resourcesInEnv = sets.New("limits.cpu", "limits.ephemeral-storage", "limits.memory",
	"requests.cpu", "requests.ephemeral-storage", "requests.memory")

func (f *errs) resourceFieldRef(ref *corev1.ResourceFieldSelector, path *field.Path) {
	switch {
	case ref.Resource == "":
		f.required(path.Child("resource"), "")
	case strings.Contains(ref.Resource, ".hugepages-"):
	case !resourcesInEnv.Has(ref.Resource):
		f.add(field.NotSupported(path.Child("resource"), ref.Resource, sets.List(resourcesInEnv)))
	}
}

func (f *errs) envFrom(sources []corev1.EnvFromSource, path *field.Path) {
	for i := range sources {
		s, at := &sources[i], path.Index(i)
		switch {
		case s.ConfigMapRef == nil && s.SecretRef == nil:
			f.invalid(at, "", "must specify one of: `configMapRef` or `secretRef`")
		case s.ConfigMapRef != nil && s.SecretRef != nil:
			f.invalid(at, "", "may not have more than one field specified at a time")
		case s.ConfigMapRef != nil:
			f.present(at.Child("configMapRef", "name"), s.ConfigMapRef.Name)
		default:
			f.present(at.Child("secretRef", "name"), s.SecretRef.Name)
		}
	}
}

// resources checks names and quantities, and that no request exceeds its limit.
func (f *errs) resources(r *corev1.ResourceRequirements, path *field.Path) {
	limits, requests := path.Child("limits"), path.Child("requests")
	for name, quantity := range r.Limits {
		f.resource(name, quantity, limits.Key(string(name)))
	}
	for name, quantity := range r.Requests {
		f.resource(name, quantity, requests.Key(string(name)))
		limit, limited := r.Limits[name]
		switch {
		case limited && !overcommitable(name) && quantity.Cmp(limit) != 0:
			f.invalid(requests, quantity.String(), fmt.Sprintf("must be equal to %s limit of %s", name, limit.String()))
		case limited && quantity.Cmp(limit) > 0:
			f.invalid(requests, quantity.String(), fmt.Sprintf("must be less than or equal to %s limit of %s", name, limit.String()))
		case !limited && !overcommitable(name):
			f.required(limits, "Limit must be set for non overcommitable resources")
		}
	}
}

// lifecycleAndProbes checks what only containers that keep running can have.
func (f *errs) lifecycleAndProbes(c *corev1.Container, path *field.Path) {
	if c.Lifecycle != nil {
		for _, hook := range []struct {
			name    string
			handler *corev1.LifecycleHandler
		}{{"postStart", c.Lifecycle.PostStart}, {"preStop", c.Lifecycle.PreStop}} {
			if h := hook.handler; h != nil {
				f.handler(action{exec: h.Exec, httpGet: h.HTTPGet, tcpSocket: h.TCPSocket, sleep: h.Sleep}, path.Child("lifecycle", hook.name))
			}
		}
	}
	f.probe(c.LivenessProbe, path.Child("livenessProbe"))
	f.probe(c.ReadinessProbe, path.Child("readinessProbe"))
	f.probe(c.StartupProbe, path.Child("startupProbe"))
	for _, p := range []struct {
		name  string
		probe *corev1.Probe
	}{{"livenessProbe", c.LivenessProbe}, {"startupProbe", c.StartupProbe}} {
		if p.probe != nil && p.probe.SuccessThreshold != 1 {
			f.invalid(path.Child(p.name, "successThreshold"), p.probe.SuccessThreshold, "must be 1")
		}
	}
	if c.ReadinessProbe != nil && c.ReadinessProbe.TerminationGracePeriodSeconds != nil {
		f.invalid(path.Child("readinessProbe", "terminationGracePeriodSeconds"), c.ReadinessProbe.TerminationGracePeriodSeconds, "must not be set for readinessProbes")
	}
}

func (f *errs) probe(p *corev1.Probe, path *field.Path) {
	if p == nil {
		return
	}
	f.handler(action{exec: p.Exec, httpGet: p.HTTPGet, tcpSocket: p.TCPSocket, grpc: p.GRPC}, path)
	f.counters(path,
		counter{"initialDelaySeconds", int64(p.InitialDelaySeconds)},
		counter{"timeoutSeconds", int64(p.TimeoutSeconds)},
		counter{"periodSeconds", int64(p.PeriodSeconds)},
		counter{"successThreshold", int64(p.SuccessThreshold)},
		counter{"failureThreshold", int64(p.FailureThreshold)})
	if grace := p.TerminationGracePeriodSeconds; grace != nil && *grace <= 0 {
		f.invalid(path.Child("terminationGracePeriodSeconds"), *grace, "must be greater than 0")
	}
}

// action is what a probe or a hook does: one of these.
type action struct {
	exec      *corev1.ExecAction
	httpGet   *corev1.HTTPGetAction
	tcpSocket *corev1.TCPSocketAction
	grpc      *corev1.GRPCAction
	sleep     *corev1.SleepAction
}

func (f *errs) handler(a action, path *field.Path) {
	chosen := 0
	for _, choice := range []struct {
		name  string
		set   bool
		check func(*field.Path)
	}{
		{"exec", a.exec != nil, func(p *field.Path) {
			if len(a.exec.Command) == 0 {
				f.required(p.Child("command"), "")
			}
		}},
		{"httpGet", a.httpGet != nil, func(p *field.Path) { f.httpGet(a.httpGet, p) }},
		{"tcpSocket", a.tcpSocket != nil, func(p *field.Path) { f.port(a.tcpSocket.Port, p.Child("port")) }},
		{"grpc", a.grpc != nil, func(p *field.Path) { f.port(intstr.FromInt32(a.grpc.Port), p.Child("port")) }},
		{"sleep", a.sleep != nil, func(p *field.Path) { f.nonNegative(p.Child("seconds"), a.sleep.Seconds) }},
	} {
		if !choice.set {
			continue
		}
		if chosen++; chosen > 1 {
			f.forbidden(path.Child(choice.name), "may not specify more than 1 handler type")
			continue
		}
		choice.check(path.Child(choice.name))
	}
	if chosen == 0 {
		f.required(path, "must specify a handler type")
	}
}

func (f *errs) httpGet(get *corev1.HTTPGetAction, path *field.Path) {
	f.present(path.Child("path"), get.Path)
	f.port(get.Port, path.Child("port"))
	if !slices.Contains([]corev1.URIScheme{corev1.URISchemeHTTP, corev1.URISchemeHTTPS}, get.Scheme) {
		f.add(field.NotSupported(path.Child("scheme"), get.Scheme, []corev1.URIScheme{corev1.URISchemeHTTP, corev1.URISchemeHTTPS}))
	}
	for _, header := range get.HTTPHeaders {
		f.texts(path.Child("httpHeaders"), header.Name, validation.IsHTTPHeaderName(header.Name))
	}
}

// port checks a port that is given by number or by name.
func (f *errs) port(port intstr.IntOrString, path *field.Path) {
	if port.Type == intstr.Int {
		f.texts(path, port.IntValue(), validation.IsValidPortNum(port.IntValue()))
		return
	}
	f.texts(path, port.StrVal, validation.IsValidPortName(port.StrVal))
}

func (f *errs) securityContext(sc *corev1.SecurityContext, path *field.Path) {
	if sc == nil {
		return
	}
	for _, id := range []struct {
		name  string
		value *int64
	}{{"runAsUser", sc.RunAsUser}, {"runAsGroup", sc.RunAsGroup}} {
		if id.value != nil {
			f.texts(path.Child(id.name), *id.value, validation.IsValidUserID(*id.value))
		}
	}
	if sc.AllowPrivilegeEscalation != nil && !*sc.AllowPrivilegeEscalation && sc.Privileged != nil && *sc.Privileged {
		f.invalid(path, sc, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
	}
}
