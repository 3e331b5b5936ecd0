package kinds

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	policyv1 "k8s.io/api/policy/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func validateConfigMap(c *corev1.ConfigMap) field.ErrorList {
	f, size := &errs{}, 0
	for key, value := range c.Data {
		at := field.NewPath("data").Key(key)
		f.texts(at, key, validation.IsConfigMapKey(key))
		if _, twice := c.BinaryData[key]; twice {
			f.invalid(at, key, "duplicate of key present in binaryData")
		}
		size += len(value)
	}
	for key, value := range c.BinaryData {
		f.texts(field.NewPath("binaryData").Key(key), key, validation.IsConfigMapKey(key))
		size += len(value)
	}
	if size > corev1.MaxSecretSize {
		f.add(field.TooLong(field.NewPath(""), "", corev1.MaxSecretSize))
	}
	return f.list()
}

func validateConfigMapUpdate(c, old *corev1.ConfigMap) field.ErrorList {
	f := errs(validateConfigMap(c))
	if old.Immutable != nil && *old.Immutable {
		f.frozen("immutable", c.Immutable != nil && *c.Immutable)
		f.frozen("data", maps.Equal(c.Data, old.Data))
		f.frozen("binaryData", equality.Semantic.DeepEqual(c.BinaryData, old.BinaryData))
	}
	return f.list()
}

// frozen wants a field of an object that is marked immutable to be as it was.
func (f *errs) frozen(name string, same bool) {
	if !same {
		f.forbidden(field.NewPath(name), "field is immutable when `immutable` is set")
	}
}

// secretKeys are the keys that a Secret of a type must have.
var secretKeys = map[corev1.SecretType][]string{
	corev1.SecretTypeDockercfg:        {corev1.DockerConfigKey},
	corev1.SecretTypeDockerConfigJson: {corev1.DockerConfigJsonKey},
	corev1.SecretTypeSSHAuth:          {corev1.SSHAuthPrivateKey},
	corev1.SecretTypeTLS:              {corev1.TLSCertKey, corev1.TLSPrivateKeyKey},
}

func validateSecret(s *corev1.Secret) field.ErrorList {
	f, path, size := &errs{}, field.NewPath("data"), 0
	for key, value := range s.Data {
		f.texts(path.Key(key), key, validation.IsConfigMapKey(key))
		size += len(value)
	}
	if size > corev1.MaxSecretSize {
		f.add(field.TooLong(path, "", corev1.MaxSecretSize))
	}
	for _, key := range secretKeys[s.Type] {
		value, set := s.Data[key]
		switch {
		case !set:
			f.required(path.Key(key), "")
		case (s.Type == corev1.SecretTypeDockercfg || s.Type == corev1.SecretTypeDockerConfigJson) && !json.Valid(value):
			f.invalid(path.Key(key), "<secret contents redacted>", "must be JSON")
		}
	}
	switch s.Type {
	case corev1.SecretTypeServiceAccountToken:
		if s.Annotations[corev1.ServiceAccountNameKey] == "" {
			f.required(field.NewPath("metadata", "annotations").Key(corev1.ServiceAccountNameKey), "")
		}
	case corev1.SecretTypeBasicAuth:
		_, user := s.Data[corev1.BasicAuthUsernameKey]
		_, password := s.Data[corev1.BasicAuthPasswordKey]
		if !user && !password {
			f.required(path.Key(corev1.BasicAuthUsernameKey), "")
			f.required(path.Key(corev1.BasicAuthPasswordKey), "")
		}
	}
	return f.list()
}

func validateSecretUpdate(s, old *corev1.Secret) field.ErrorList {
	f := errs(validateSecret(s))
	f.immutable(field.NewPath("type"), s.Type, old.Type)
	if old.Immutable != nil && *old.Immutable {
		f.frozen("immutable", s.Immutable != nil && *s.Immutable)
		f.frozen("data", equality.Semantic.DeepEqual(s.Data, old.Data))
	}
	return f.list()
}

func validateService(s *corev1.Service) field.ErrorList {
	f, path := &errs{}, field.NewPath("spec")
	headless := s.Spec.ClusterIP == corev1.ClusterIPNone
	if len(s.Spec.Ports) == 0 && !headless && s.Spec.Type != corev1.ServiceTypeExternalName {
		f.required(path.Child("ports"), "")
	}
	if s.Spec.Type == corev1.ServiceTypeExternalName {
		if s.Spec.ExternalName == "" {
			f.required(path.Child("externalName"), "")
		} else {
			f.texts(path.Child("externalName"), s.Spec.ExternalName, validation.IsDNS1123Subdomain(s.Spec.ExternalName))
		}
	}
	oneOf(f, path.Child("type"), s.Spec.Type, corev1.ServiceTypeClusterIP, corev1.ServiceTypeExternalName, corev1.ServiceTypeLoadBalancer, corev1.ServiceTypeNodePort)
	oneOf(f, path.Child("sessionAffinity"), s.Spec.SessionAffinity, corev1.ServiceAffinityClientIP, corev1.ServiceAffinityNone)
	names, numbers := sets.New[string](), sets.New[string]()
	for i := range s.Spec.Ports {
		f.servicePort(&s.Spec.Ports[i], len(s.Spec.Ports) > 1, names, path.Child("ports").Index(i))
		p := s.Spec.Ports[i]
		number := intstr.FromInt32(p.Port)
		f.unique(path.Child("ports").Index(i), numbers, string(p.Protocol)+"/"+number.String())
	}
	return f.list()
}

func (f *errs) servicePort(p *corev1.ServicePort, named bool, names sets.Set[string], path *field.Path) {
	switch {
	case p.Name == "" && named:
		f.required(path.Child("name"), "")
	case p.Name != "":
		f.label(path.Child("name"), p.Name)
		f.unique(path.Child("name"), names, p.Name)
	}
	f.texts(path.Child("port"), p.Port, validation.IsValidPortNum(int(p.Port)))
	oneOf(f, path.Child("protocol"), p.Protocol, corev1.ProtocolSCTP, corev1.ProtocolTCP, corev1.ProtocolUDP)
	f.port(p.TargetPort, path.Child("targetPort"))
}

func validateServiceUpdate(s, old *corev1.Service) field.ErrorList {
	f := errs(validateService(s))
	if s.Spec.Type != corev1.ServiceTypeExternalName && old.Spec.Type != corev1.ServiceTypeExternalName && old.Spec.ClusterIP != "" {
		if s.Spec.ClusterIP != old.Spec.ClusterIP {
			f.invalid(field.NewPath("spec", "clusterIPs").Index(0), s.Spec.ClusterIPs, "may not change once set")
		}
	}
	return f.list()
}

// validateEvent checks Events of either form: those with eventTime are of the
// newer one, and say who reports what.
func validateEvent(e *corev1.Event) field.ErrorList {
	f := &errs{}
	about := e.InvolvedObject.Namespace
	mismatch := func() {
		f.invalid(field.NewPath("involvedObject", "namespace"), about, "does not match event.namespace")
	}
	if e.EventTime.IsZero() {
		if about == "" && e.Namespace != metav1.NamespaceDefault && e.Namespace != "" || about != "" && about != e.Namespace {
			mismatch()
		}
		return f.list()
	}
	if about == "" && e.Namespace != metav1.NamespaceDefault && e.Namespace != metav1.NamespaceSystem {
		mismatch()
	}
	f.present(field.NewPath("reportingComponent"), e.ReportingController)
	f.texts(field.NewPath("reportingComponent"), e.ReportingController, validation.IsQualifiedName(e.ReportingController))
	for _, text := range []struct {
		name, value string
		max         int
	}{{"reportingInstance", e.ReportingInstance, 128}, {"action", e.Action, 128}, {"reason", e.Reason, 128}} {
		f.present(field.NewPath(text.name), text.value)
		if len(text.value) > text.max {
			f.invalid(field.NewPath(text.name), "", "can have at most 128 characters")
		}
	}
	if len(e.Message) > 1024 {
		f.invalid(field.NewPath("message"), "", "can have at most 1024 characters")
	}
	return f.list()
}

// validateNewEvent checks what events.k8s.io/v1 is stricter about.
func validateNewEvent(e *eventsv1.Event) field.ErrorList {
	f := errs(validateEvent(coreEvent(e)))
	if e.EventTime.IsZero() {
		f.required(field.NewPath("eventTime"), "")
	}
	if e.Type != corev1.EventTypeNormal && e.Type != corev1.EventTypeWarning {
		f.invalid(field.NewPath("type"), "", "has invalid value: "+e.Type)
	}
	for name, set := range map[string]bool{
		"firstTimestamp": !e.DeprecatedFirstTimestamp.IsZero(),
		"lastTimestamp":  !e.DeprecatedLastTimestamp.IsZero(),
		"count":          e.DeprecatedCount != 0,
		"source":         e.DeprecatedSource != corev1.EventSource{},
	} {
		if set {
			f.invalid(field.NewPath(name), "", "needs to be unset")
		}
	}
	if e.Series != nil && e.Series.Count < 2 {
		f.invalid(field.NewPath("series.count"), "", "should be at least 2")
	}
	return f.list()
}

func validateLease(l *coordinationv1.Lease) field.ErrorList {
	f, path := &errs{}, field.NewPath("spec")
	if seconds := l.Spec.LeaseDurationSeconds; seconds != nil && *seconds <= 0 {
		f.invalid(path.Child("leaseDurationSeconds"), *seconds, "must be greater than 0")
	}
	if transitions := l.Spec.LeaseTransitions; transitions != nil && *transitions < 0 {
		f.invalid(path.Child("leaseTransitions"), *transitions, "must be greater than or equal to 0")
	}
	return f.list()
}

func validateLeaseUpdate(l, _ *coordinationv1.Lease) field.ErrorList { return validateLease(l) }

// highestUserPriority is the bound above which priorities are the system's.
const highestUserPriority = 1000000000

func validatePriorityClass(c *schedulingv1.PriorityClass) field.ErrorList {
	f := &errs{}
	system := func(known schedulingv1.PriorityClass) bool {
		return known.Name == c.Name && known.Value == c.Value && known.GlobalDefault == c.GlobalDefault
	}
	switch {
	case strings.HasPrefix(c.Name, "system-"):
		if !slices.ContainsFunc(SystemPriorities, system) {
			f.forbidden(field.NewPath("metadata", "name"), "priority class names with 'system-' prefix are reserved for system use only")
		}
	case c.Value > highestUserPriority:
		f.forbidden(field.NewPath("value"), "maximum allowed value of a user defined priority is 1000000000")
	}
	oneOf(f, field.NewPath("preemptionPolicy"), *c.PreemptionPolicy, corev1.PreemptLowerPriority, corev1.PreemptNever)
	return f.list()
}

func validatePriorityClassUpdate(c, old *schedulingv1.PriorityClass) field.ErrorList {
	f := errs(validatePriorityClass(c))
	if c.Value != old.Value {
		f.forbidden(field.NewPath("value"), "may not be changed in an update.")
	}
	f.immutable(field.NewPath("preemptionPolicy"), c.PreemptionPolicy, old.PreemptionPolicy)
	return f.list()
}

func validateDisruptionBudget(b *policyv1.PodDisruptionBudget) field.ErrorList {
	f, path := &errs{}, field.NewPath("spec")
	if b.Spec.MinAvailable != nil && b.Spec.MaxUnavailable != nil {
		f.invalid(path, b.Spec, "minAvailable and maxUnavailable cannot be both set")
	}
	for _, bound := range []struct {
		name  string
		value *intstr.IntOrString
	}{{"minAvailable", b.Spec.MinAvailable}, {"maxUnavailable", b.Spec.MaxUnavailable}} {
		if bound.value != nil {
			f.intOrPercent(path.Child(bound.name), *bound.value)
			f.atMost100Percent(path.Child(bound.name), *bound.value)
		}
	}
	f.selectorForm(b.Spec.Selector, path.Child("selector"))
	return f.list()
}

func validateAutoscaler(a *autoscalingv2.HorizontalPodAutoscaler) field.ErrorList {
	f, path := &errs{}, field.NewPath("spec")
	if least := a.Spec.MinReplicas; least != nil && *least < 1 {
		f.invalid(path.Child("minReplicas"), *least, "must be greater than or equal to 1")
	}
	switch {
	case a.Spec.MaxReplicas < 1:
		f.invalid(path.Child("maxReplicas"), a.Spec.MaxReplicas, "must be greater than 0")
	case a.Spec.MinReplicas != nil && a.Spec.MaxReplicas < *a.Spec.MinReplicas:
		f.invalid(path.Child("maxReplicas"), a.Spec.MaxReplicas, "must be greater than or equal to `minReplicas`")
	}
	f.present(path.Child("scaleTargetRef", "kind"), a.Spec.ScaleTargetRef.Kind)
	f.present(path.Child("scaleTargetRef", "name"), a.Spec.ScaleTargetRef.Name)
	return f.list()
}
