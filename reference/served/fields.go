package served

import (
	"fmt"
	"reflect"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Field asks for what no link carries out, in a kind that is served otherwise.
type Field struct {
	// Kind that has the field. Those of a Pod are also those of a template of Pods.
	Kind string `json:"kind"`
	// Field, with the value that it is about if not all are.
	Field string `json:"field"`
	// Warning says how it is treated; in an answer the field's path comes before it.
	Warning string `json:"warning"`

	// find returns where an object asks for it.
	find func(obj runtime.Object) []*field.Path
	// inPods does the same for the fields of a Pod, which may be a template's.
	inPods func(spec *corev1.PodSpec, at *field.Path) []*field.Path
	// of is the subresource that writes the field; empty: it is the object itself.
	of string
}

// Fields returns all there are.
func Fields() []Field { return fields }

const (
	noClaims  = "no link of this cluster binds claims: Pods run all the same"
	noVolumes = "no link of this cluster mounts such volumes: Pods run all the same"
)

var fields = []Field{
	{Kind: "Pod", Field: "spec.schedulerName other than default-scheduler", Warning: "no link of this cluster is a scheduler of that name: Pods wait until something binds them",
		inPods: anotherScheduler},
	{Kind: "Pod", Field: "spec.schedulingGroup", Warning: "no link of this cluster schedules Pods as a group: each is scheduled by itself",
		inPods: set("schedulingGroup", func(spec *corev1.PodSpec) bool { return spec.SchedulingGroup != nil })},
	{Kind: "Pod", Field: "spec.runtimeClassName", Warning: "no link of this cluster acts on RuntimeClasses: Pods run as if they named none",
		inPods: set("runtimeClassName", func(spec *corev1.PodSpec) bool { return spec.RuntimeClassName != nil })},
	{Kind: "Pod", Field: "spec.resourceClaims", Warning: "no link of this cluster allocates devices: Pods that claim some are not scheduled",
		inPods: set("resourceClaims", func(spec *corev1.PodSpec) bool { return len(spec.ResourceClaims) > 0 })},
	{Kind: "Pod", Field: "spec.evictionResponders", Warning: "no link of this cluster asks them: Pods are evicted without them",
		inPods: set("evictionResponders", func(spec *corev1.PodSpec) bool { return len(spec.EvictionResponders) > 0 })},
	{Kind: "Pod", Field: "spec.volumes[*].persistentVolumeClaim", Warning: noClaims,
		inPods: volumes(func(source string) bool { return source == "persistentVolumeClaim" })},
	{Kind: "Pod", Field: "spec.volumes[*].ephemeral", Warning: noClaims,
		inPods: volumes(func(source string) bool { return source == "ephemeral" })},
	{Kind: "Pod", Field: "spec.volumes[*].csi, nfs, image, … (not emptyDir, hostPath, configMap, secret, downwardAPI, projected)", Warning: noVolumes,
		inPods: volumes(func(source string) bool { return !mounted[source] })},
	{Kind: "Pod", Field: "spec.volumes[*].projected.sources[*].clusterTrustBundle, podCertificate", Warning: "no link of this cluster projects such sources: Pods run all the same",
		inPods: certificates},
	{Kind: "Pod", Field: "spec.ephemeralContainers", Warning: "no link of this cluster starts ephemeral containers",
		of: "ephemeralcontainers", inPods: set("ephemeralContainers", func(spec *corev1.PodSpec) bool { return len(spec.EphemeralContainers) > 0 })},
	{Kind: "Pod", Field: "spec.containers[*].resources, by pods/resize", Warning: "no link of this cluster resizes containers: they keep what they were started with",
		of: "resize", inPods: set("containers", func(*corev1.PodSpec) bool { return true })},
	{Kind: "Secret", Field: "type: kubernetes.io/service-account-token", Warning: "no link of this cluster fills in tokens: ask for one with kubectl create token",
		find: tokenToFill},
	{Kind: "Service", Field: "spec.type: LoadBalancer", Warning: "no link of this cluster makes load balancers: status.loadBalancer stays empty",
		find: loadBalancer},
	{Kind: "StatefulSet", Field: "spec.volumeClaimTemplates", Warning: noClaims,
		find: claimTemplates},
}

// ofFields returns the warnings of what an object asks for by its fields; those of its
// Pods, if there will be any. A Pod is warned of when it is created, since it is mostly
// links that write it later; everything else whenever the desired state may have changed.
func ofFields(obj, old runtime.Object, subresource string, pods bool) (warnings []string) {
	spec, at := podsOf(obj)
	_, pod := obj.(*corev1.Pod)
	if !pod {
		subresource = ""
	}
	for _, f := range fields {
		var paths []*field.Path
		switch {
		case f.of != subresource, old != nil && !pod && !changed(obj, old), old != nil && pod && subresource == "":
		case f.find != nil:
			paths = f.find(obj)
		case pods && spec != nil:
			paths = f.inPods(spec, at)
		}
		for _, path := range paths {
			warnings = append(warnings, fmt.Sprintf("%s: %s", path, f.Warning))
		}
	}
	return warnings
}

// changed tells whether the desired state may be another than it was: kinds that count
// its changes say so.
func changed(obj, old runtime.Object) bool {
	generation := obj.(metav1.Object).GetGeneration()
	return generation == 0 || generation != old.(metav1.Object).GetGeneration()
}

// podsOf returns the spec of a Pod, or of the Pods that are made of an object, and
// where it is.
func podsOf(obj runtime.Object) (*corev1.PodSpec, *field.Path) {
	template := field.NewPath("spec", "template", "spec")
	switch o := obj.(type) {
	case *corev1.Pod:
		return &o.Spec, field.NewPath("spec")
	case *appsv1.DaemonSet:
		return &o.Spec.Template.Spec, template
	case *appsv1.Deployment:
		return &o.Spec.Template.Spec, template
	case *appsv1.ReplicaSet:
		return &o.Spec.Template.Spec, template
	case *appsv1.StatefulSet:
		return &o.Spec.Template.Spec, template
	case *batchv1.Job:
		return &o.Spec.Template.Spec, template
	}
	return nil, nil
}

// set finds a field of a Pod's spec.
func set(name string, is func(*corev1.PodSpec) bool) func(*corev1.PodSpec, *field.Path) []*field.Path {
	return func(spec *corev1.PodSpec, at *field.Path) []*field.Path {
		if !is(spec) {
			return nil
		}
		return []*field.Path{at.Child(name)}
	}
}

// anotherScheduler finds the name of a scheduler that is not that of the chain. A Pod
// that has a Node waits for none.
func anotherScheduler(spec *corev1.PodSpec, at *field.Path) []*field.Path {
	if spec.NodeName != "" || spec.SchedulerName == "" || spec.SchedulerName == corev1.DefaultSchedulerName {
		return nil
	}
	return []*field.Path{at.Child("schedulerName")}
}

// mounted are the sources of volumes that need no driver; claims have warnings of their
// own.
var mounted = map[string]bool{
	"configMap": true, "downwardAPI": true, "emptyDir": true, "hostPath": true, "projected": true, "secret": true,
	"ephemeral": true, "persistentVolumeClaim": true,
}

// volumes finds the volumes of certain sources.
func volumes(is func(source string) bool) func(*corev1.PodSpec, *field.Path) []*field.Path {
	return func(spec *corev1.PodSpec, at *field.Path) (found []*field.Path) {
		for i := range spec.Volumes {
			if source := sourceOf(&spec.Volumes[i].VolumeSource); is(source) {
				found = append(found, at.Child("volumes").Index(i).Child(source))
			}
		}
		return found
	}
}

// sourceOf returns the name of the source that is set: there is one.
func sourceOf(source *corev1.VolumeSource) string {
	value := reflect.ValueOf(source).Elem()
	for i := range value.NumField() {
		if !value.Field(i).IsNil() {
			name, _, _ := strings.Cut(value.Type().Field(i).Tag.Get("json"), ",")
			return name
		}
	}
	return "emptyDir" // the default
}

// certificates finds the sources of certificates in projected volumes.
func certificates(spec *corev1.PodSpec, at *field.Path) (found []*field.Path) {
	for i := range spec.Volumes {
		projected := spec.Volumes[i].Projected
		if projected == nil {
			continue
		}
		for j, source := range projected.Sources {
			at := at.Child("volumes").Index(i).Child("projected", "sources").Index(j)
			switch {
			case source.ClusterTrustBundle != nil:
				found = append(found, at.Child("clusterTrustBundle"))
			case source.PodCertificate != nil:
				found = append(found, at.Child("podCertificate"))
			}
		}
	}
	return found
}

func tokenToFill(obj runtime.Object) []*field.Path {
	if secret, ok := obj.(*corev1.Secret); ok && secret.Type == corev1.SecretTypeServiceAccountToken && len(secret.Data[corev1.ServiceAccountTokenKey]) == 0 {
		return []*field.Path{field.NewPath("type")}
	}
	return nil
}

func loadBalancer(obj runtime.Object) []*field.Path {
	if service, ok := obj.(*corev1.Service); ok && service.Spec.Type == corev1.ServiceTypeLoadBalancer {
		return []*field.Path{field.NewPath("spec", "type")}
	}
	return nil
}

func claimTemplates(obj runtime.Object) (found []*field.Path) {
	if set, ok := obj.(*appsv1.StatefulSet); ok {
		for i := range set.Spec.VolumeClaimTemplates {
			found = append(found, field.NewPath("spec", "volumeClaimTemplates").Index(i))
		}
	}
	return found
}
