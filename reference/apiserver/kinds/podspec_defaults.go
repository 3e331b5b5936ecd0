package kinds

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

const (
	defaultVolumeMode   = int32(0o644)
	defaultTokenSeconds = int64(60 * 60)
)

// defaultPodSpec fills in what Pods and Pod templates have in common
// (API-DEFAULT-03). What only Pods get is in defaultPod (API-DEFAULT-05).
func defaultPodSpec(spec *corev1.PodSpec) {
	// serviceAccount is the old name of serviceAccountName, kept in step.
	orValue(&spec.ServiceAccountName, spec.DeprecatedServiceAccount)
	spec.DeprecatedServiceAccount = spec.ServiceAccountName
	orValue(&spec.DNSPolicy, corev1.DNSClusterFirst)
	orValue(&spec.RestartPolicy, corev1.RestartPolicyAlways)
	orValue(&spec.SchedulerName, corev1.DefaultSchedulerName)
	orDefault(&spec.TerminationGracePeriodSeconds, int64(corev1.DefaultTerminationGracePeriodSeconds))
	orDefault(&spec.SecurityContext, corev1.PodSecurityContext{})
	roundResources(spec.Overhead)
	if spec.Resources != nil {
		roundResources(spec.Resources.Limits)
		roundResources(spec.Resources.Requests)
	}
	for i := range spec.Volumes {
		defaultVolume(&spec.Volumes[i])
	}
	for i := range spec.InitContainers {
		defaultContainer(&spec.InitContainers[i])
	}
	for i := range spec.Containers {
		defaultContainer(&spec.Containers[i])
	}
	for i := range spec.EphemeralContainers {
		common := corev1.Container(spec.EphemeralContainers[i].EphemeralContainerCommon)
		defaultContainer(&common)
		spec.EphemeralContainers[i].EphemeralContainerCommon = corev1.EphemeralContainerCommon(common)
	}
}

func defaultContainer(c *corev1.Container) {
	if c.ImagePullPolicy == "" {
		c.ImagePullPolicy = pullPolicyFor(c.Image)
	}
	orValue(&c.TerminationMessagePath, corev1.TerminationMessagePathDefault)
	orValue(&c.TerminationMessagePolicy, corev1.TerminationMessageReadFile)
	for i := range c.Ports {
		orValue(&c.Ports[i].Protocol, corev1.ProtocolTCP)
	}
	for i := range c.Env {
		if from := c.Env[i].ValueFrom; from != nil && from.FieldRef != nil {
			orValue(&from.FieldRef.APIVersion, "v1")
		}
	}
	roundResources(c.Resources.Limits)
	roundResources(c.Resources.Requests)
	for _, probe := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if probe != nil {
			defaultProbe(probe)
		}
	}
	if c.Lifecycle != nil {
		for _, handler := range []*corev1.LifecycleHandler{c.Lifecycle.PostStart, c.Lifecycle.PreStop} {
			if handler != nil {
				defaultHTTPGet(handler.HTTPGet)
			}
		}
	}
}

func defaultProbe(probe *corev1.Probe) {
	orValue(&probe.TimeoutSeconds, 1)
	orValue(&probe.PeriodSeconds, 10)
	orValue(&probe.SuccessThreshold, 1)
	orValue(&probe.FailureThreshold, 3)
	defaultHTTPGet(probe.HTTPGet)
	if probe.GRPC != nil {
		orDefault(&probe.GRPC.Service, "")
	}
}

func defaultHTTPGet(get *corev1.HTTPGetAction) {
	if get != nil {
		orValue(&get.Path, "/")
		orValue(&get.Scheme, corev1.URISchemeHTTP)
	}
}

// pullPolicyFor derives the policy from the image reference (API-DEFAULT-04):
// what may move is pulled always. A digest pins the image unless the tag
// beside it says latest; an empty reference is for validation to refuse.
func pullPolicyFor(image string) corev1.PullPolicy {
	name, _, pinned := strings.Cut(image, "@")
	_, tag, tagged := strings.Cut(name[strings.LastIndex(name, "/")+1:], ":")
	if tag == "latest" || !tagged && !pinned && image != "" {
		return corev1.PullAlways
	}
	return corev1.PullIfNotPresent
}

func defaultVolume(v *corev1.Volume) {
	source := &v.VolumeSource
	switch {
	case *source == (corev1.VolumeSource{}):
		source.EmptyDir = &corev1.EmptyDirVolumeSource{}
	case source.HostPath != nil:
		orDefault(&source.HostPath.Type, corev1.HostPathUnset)
	case source.Secret != nil:
		orDefault(&source.Secret.DefaultMode, defaultVolumeMode)
	case source.ConfigMap != nil:
		orDefault(&source.ConfigMap.DefaultMode, defaultVolumeMode)
	case source.DownwardAPI != nil:
		orDefault(&source.DownwardAPI.DefaultMode, defaultVolumeMode)
		defaultDownward(source.DownwardAPI.Items)
	case source.Projected != nil:
		defaultProjected(source.Projected)
	case source.Image != nil:
		if source.Image.PullPolicy == "" {
			source.Image.PullPolicy = pullPolicyFor(source.Image.Reference)
		}
	case source.Ephemeral != nil && source.Ephemeral.VolumeClaimTemplate != nil:
		defaultClaimSpec(&source.Ephemeral.VolumeClaimTemplate.Spec)
	case source.ISCSI != nil:
		orValue(&source.ISCSI.ISCSIInterface, "default")
	}
}

func defaultProjected(projected *corev1.ProjectedVolumeSource) {
	orDefault(&projected.DefaultMode, defaultVolumeMode)
	for i := range projected.Sources {
		if token := projected.Sources[i].ServiceAccountToken; token != nil {
			orDefault(&token.ExpirationSeconds, defaultTokenSeconds)
		}
		if downward := projected.Sources[i].DownwardAPI; downward != nil {
			defaultDownward(downward.Items)
		}
	}
}

func defaultDownward(items []corev1.DownwardAPIVolumeFile) {
	for i := range items {
		if items[i].FieldRef != nil {
			orValue(&items[i].FieldRef.APIVersion, "v1")
		}
	}
}

// roundResources rounds quantities up to thousandths, the finest that is kept.
func roundResources(list corev1.ResourceList) {
	for name, quantity := range list {
		if !quantity.RoundUp(resource.Milli) {
			list[name] = quantity
		}
	}
}
