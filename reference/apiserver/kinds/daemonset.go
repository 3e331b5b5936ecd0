package kinds

import (
	"maps"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/util/intstr"
)

func daemonSet(k *Kind) {
	k.Default = on(func(ds *appsv1.DaemonSet) {
		orValue(&ds.Spec.UpdateStrategy.Type, appsv1.RollingUpdateDaemonSetStrategyType)
		if ds.Spec.UpdateStrategy.Type == appsv1.RollingUpdateDaemonSetStrategyType {
			orDefault(&ds.Spec.UpdateStrategy.RollingUpdate, appsv1.RollingUpdateDaemonSet{})
			orDefault(&ds.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable, intstr.FromInt32(1))
			orDefault(&ds.Spec.UpdateStrategy.RollingUpdate.MaxSurge, intstr.FromInt32(0))
		}
		orDefault(&ds.Spec.RevisionHistoryLimit, 10)
		defaultPodSpec(&ds.Spec.Template.Spec)
	})
	k.PrepareForCreate = afterCreate(k.PrepareForCreate, func(ds *appsv1.DaemonSet) { setTemplateGeneration(ds, 1) })
	k.PrepareForUpdate = after(k.PrepareForUpdate, onBoth(func(ds, old *appsv1.DaemonSet) {
		generation := templateGeneration(old)
		if !equality.Semantic.DeepEqual(ds.Spec.Template, old.Spec.Template) {
			generation++
		}
		setTemplateGeneration(ds, generation)
	}))
	k.Validate = check(validateDaemonSet)
	k.ValidateUpdate = checkBoth(validateDaemonSetUpdate)
	k.ValidateStatus = checkBoth(validateDaemonSetStatusUpdate)
	k.Columns, k.Row = daemonSetColumns, cells(daemonSetRow)
}

// The template generation is a field that became an annotation; the server
// keeps counting there.

func templateGeneration(ds *appsv1.DaemonSet) int64 {
	generation, err := strconv.ParseInt(ds.Annotations[appsv1.DeprecatedTemplateGeneration], 10, 64)
	if err != nil {
		return 1
	}
	return generation
}

func setTemplateGeneration(ds *appsv1.DaemonSet, generation int64) {
	ds.Annotations = maps.Clone(ds.Annotations)
	if ds.Annotations == nil {
		ds.Annotations = map[string]string{}
	}
	ds.Annotations[appsv1.DeprecatedTemplateGeneration] = strconv.FormatInt(generation, 10)
}
