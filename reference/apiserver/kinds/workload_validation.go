package kinds

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func validateDeployment(d *appsv1.Deployment) field.ErrorList {
	f, path := &errs{}, field.NewPath("spec")
	f.optional(path.Child("replicas"), d.Spec.Replicas)
	if selector := f.selector(d.Spec.Selector, "deployment", path.Child("selector")); selector != nil {
		f.replicaTemplate(&d.Spec.Template, selector, "ReplicaSet", path.Child("template"))
	}
	f.deploymentStrategy(&d.Spec.Strategy, path.Child("strategy"))
	f.nonNegative(path.Child("minReadySeconds"), int64(d.Spec.MinReadySeconds))
	f.optional(path.Child("revisionHistoryLimit"), d.Spec.RevisionHistoryLimit)
	if deadline := d.Spec.ProgressDeadlineSeconds; deadline != nil {
		f.nonNegative(path.Child("progressDeadlineSeconds"), int64(*deadline))
		if *deadline <= d.Spec.MinReadySeconds {
			f.invalid(path.Child("progressDeadlineSeconds"), *deadline, "must be greater than minReadySeconds")
		}
	}
	return f.list()
}

// deploymentStrategy is API-VALID-04, and the bounds of API-VALID-03.
func (f *errs) deploymentStrategy(s *appsv1.DeploymentStrategy, path *field.Path) {
	switch s.Type {
	case appsv1.RecreateDeploymentStrategyType:
		if s.RollingUpdate != nil {
			f.forbidden(path.Child("rollingUpdate"), "may not be specified when strategy `type` is 'Recreate'")
		}
	case appsv1.RollingUpdateDeploymentStrategyType:
		path = path.Child("rollingUpdate")
		unavailable, surge := *s.RollingUpdate.MaxUnavailable, *s.RollingUpdate.MaxSurge
		f.intOrPercent(path.Child("maxUnavailable"), unavailable)
		f.intOrPercent(path.Child("maxSurge"), surge)
		if amount(unavailable) == 0 && amount(surge) == 0 {
			f.invalid(path.Child("maxUnavailable"), unavailable, "may not be 0 when `maxSurge` is 0")
		}
		f.atMost100Percent(path.Child("maxUnavailable"), unavailable)
	default:
		f.add(field.NotSupported(path, s, []appsv1.DeploymentStrategyType{appsv1.RecreateDeploymentStrategyType, appsv1.RollingUpdateDeploymentStrategyType}))
	}
}

func validateDeploymentUpdate(d, old *appsv1.Deployment) field.ErrorList {
	f := errs(validateDeployment(d))
	f.immutable(field.NewPath("spec", "selector"), d.Spec.Selector, old.Spec.Selector)
	return f.list()
}

func validateDeploymentStatusUpdate(d, old *appsv1.Deployment) field.ErrorList {
	f, path, s := &errs{}, field.NewPath("status"), &d.Status
	updated, ready := counter{"updatedReplicas", int64(s.UpdatedReplicas)}, counter{"readyReplicas", int64(s.ReadyReplicas)}
	available := counter{"availableReplicas", int64(s.AvailableReplicas)}
	f.counters(path, counter{"observedGeneration", s.ObservedGeneration}, counter{"replicas", int64(s.Replicas)},
		updated, ready, available, counter{"unavailableReplicas", int64(s.UnavailableReplicas)})
	f.optional(path.Child("terminatingReplicas"), s.TerminatingReplicas)
	f.within(path, int64(s.Replicas), "status.replicas", updated, ready, available)
	f.within(path, int64(s.ReadyReplicas), "readyReplicas", available)
	f.collisions(path, s.CollisionCount, old.Status.CollisionCount)
	return f.list()
}

func validateReplicaSet(rs *appsv1.ReplicaSet) field.ErrorList {
	f, path := &errs{}, field.NewPath("spec")
	f.optional(path.Child("replicas"), rs.Spec.Replicas)
	f.nonNegative(path.Child("minReadySeconds"), int64(rs.Spec.MinReadySeconds))
	if selector := f.selector(rs.Spec.Selector, "deployment", path.Child("selector")); selector != nil {
		f.replicaTemplate(&rs.Spec.Template, selector, "ReplicaSet", path.Child("template"))
	}
	return f.list()
}

func validateReplicaSetUpdate(rs, old *appsv1.ReplicaSet) field.ErrorList {
	f := errs(validateReplicaSet(rs))
	f.immutable(field.NewPath("spec", "selector"), rs.Spec.Selector, old.Spec.Selector)
	return f.list()
}

func validateReplicaSetStatusUpdate(rs, _ *appsv1.ReplicaSet) field.ErrorList {
	f, path, s := &errs{}, field.NewPath("status"), &rs.Status
	labeled, ready := counter{"fullyLabeledReplicas", int64(s.FullyLabeledReplicas)}, counter{"readyReplicas", int64(s.ReadyReplicas)}
	available := counter{"availableReplicas", int64(s.AvailableReplicas)}
	f.counters(path, counter{"replicas", int64(s.Replicas)}, labeled, ready, available, counter{"observedGeneration", s.ObservedGeneration})
	f.optional(path.Child("terminatingReplicas"), s.TerminatingReplicas)
	f.within(path, int64(s.Replicas), "status.replicas", labeled, ready, available)
	f.within(path, int64(s.ReadyReplicas), "readyReplicas", available)
	return f.list()
}

func validateStatefulSet(s *appsv1.StatefulSet) field.ErrorList {
	f, path := &errs{}, field.NewPath("spec")
	if p := s.Spec.PodManagementPolicy; p != appsv1.OrderedReadyPodManagement && p != appsv1.ParallelPodManagement {
		f.invalid(path.Child("podManagementPolicy"), p, "must be 'OrderedReady' or 'Parallel'")
	}
	f.statefulSetStrategy(&s.Spec.UpdateStrategy, path.Child("updateStrategy"))
	retention := path.Child("persistentVolumeClaimRetentionPolicy")
	for name, policy := range map[string]appsv1.PersistentVolumeClaimRetentionPolicyType{
		"whenDeleted": s.Spec.PersistentVolumeClaimRetentionPolicy.WhenDeleted,
		"whenScaled":  s.Spec.PersistentVolumeClaimRetentionPolicy.WhenScaled,
	} {
		oneOf(f, retention.Child(name), policy, appsv1.RetainPersistentVolumeClaimRetentionPolicyType, appsv1.DeletePersistentVolumeClaimRetentionPolicyType)
	}
	for i := range s.Spec.VolumeClaimTemplates {
		f.claimSpec(&s.Spec.VolumeClaimTemplates[i].Spec, path.Child("volumeClaimTemplates").Index(i).Child("spec"))
	}
	f.optional(path.Child("replicas"), s.Spec.Replicas)
	f.nonNegative(path.Child("minReadySeconds"), int64(s.Spec.MinReadySeconds))
	if s.Spec.Ordinals != nil {
		f.nonNegative(path.Child("ordinals.start"), int64(s.Spec.Ordinals.Start))
	}
	if s.Spec.ServiceName != "" {
		f.label(path.Child("serviceName"), s.Spec.ServiceName)
	}
	if selector := f.selector(s.Spec.Selector, "statefulset", path.Child("selector")); selector != nil {
		f.replicaTemplate(withClaims(s), selector, "StatefulSet", path.Child("template"))
	}
	return f.list()
}

// withClaims is the template as the controller will use it: hostname and
// subdomain are the controller's, and each claim template is a volume.
func withClaims(s *appsv1.StatefulSet) *corev1.PodTemplateSpec {
	t := s.Spec.Template
	t.Spec.Hostname, t.Spec.Subdomain = "", ""
	if len(s.Spec.VolumeClaimTemplates) == 0 {
		return &t
	}
	claims := map[string]bool{}
	volumes := make([]corev1.Volume, 0, len(s.Spec.VolumeClaimTemplates)+len(t.Spec.Volumes))
	for _, claim := range s.Spec.VolumeClaimTemplates {
		claims[claim.Name] = true
		volumes = append(volumes, corev1.Volume{Name: claim.Name, VolumeSource: corev1.VolumeSource{
			PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: claim.Name},
		}})
	}
	for _, v := range t.Spec.Volumes {
		if !claims[v.Name] {
			volumes = append(volumes, v)
		}
	}
	t.Spec.Volumes = volumes
	return &t
}

func (f *errs) statefulSetStrategy(s *appsv1.StatefulSetUpdateStrategy, path *field.Path) {
	switch s.Type {
	case appsv1.OnDeleteStatefulSetStrategyType:
		if s.RollingUpdate != nil {
			f.invalid(path.Child("rollingUpdate"), s.RollingUpdate, "only allowed for updateStrategy 'RollingUpdate'")
		}
	case appsv1.RollingUpdateStatefulSetStrategyType:
		if s.RollingUpdate == nil {
			return
		}
		f.optional(path.Child("rollingUpdate", "partition"), s.RollingUpdate.Partition)
		if unavailable, path := s.RollingUpdate.MaxUnavailable, path.Child("rollingUpdate", "maxUnavailable"); unavailable != nil {
			f.intOrPercent(path, *unavailable)
			if amount(*unavailable) == 0 {
				f.invalid(path, *unavailable, "cannot be 0")
			}
			f.atMost100Percent(path, *unavailable)
		}
	default:
		f.invalid(path, *s, "must be 'RollingUpdate' or 'OnDelete'")
	}
}

func validateStatefulSetUpdate(s, old *appsv1.StatefulSet) field.ErrorList {
	f, path := errs(validateStatefulSet(s)), field.NewPath("spec")
	f.immutable(path.Child("selector"), s.Spec.Selector, old.Spec.Selector)
	f.immutable(path.Child("volumeClaimTemplates"), s.Spec.VolumeClaimTemplates, old.Spec.VolumeClaimTemplates)
	f.immutable(path.Child("serviceName"), s.Spec.ServiceName, old.Spec.ServiceName)
	f.immutable(path.Child("podManagementPolicy"), s.Spec.PodManagementPolicy, old.Spec.PodManagementPolicy)
	return f.list()
}

func validateStatefulSetStatusUpdate(set, old *appsv1.StatefulSet) field.ErrorList {
	f, path, s := &errs{}, field.NewPath("status"), &set.Status
	all := []counter{{"readyReplicas", int64(s.ReadyReplicas)}, {"currentReplicas", int64(s.CurrentReplicas)},
		{"updatedReplicas", int64(s.UpdatedReplicas)}, {"availableReplicas", int64(s.AvailableReplicas)}}
	f.counters(path, counter{"replicas", int64(s.Replicas)}, counter{"observedGeneration", s.ObservedGeneration})
	f.counters(path, all...)
	f.within(path, int64(s.Replicas), "status.replicas", all...)
	f.within(path, int64(s.ReadyReplicas), "status.readyReplicas", all[3])
	f.collisions(path, s.CollisionCount, old.Status.CollisionCount)
	return f.list()
}

func validateDaemonSet(ds *appsv1.DaemonSet) field.ErrorList {
	f, path := &errs{}, field.NewPath("spec")
	if selector := f.selector(ds.Spec.Selector, "daemonset", path.Child("selector")); selector != nil {
		f.replicaTemplate(&ds.Spec.Template, selector, "DaemonSet", path.Child("template"))
	}
	f.nonNegative(path.Child("minReadySeconds"), int64(ds.Spec.MinReadySeconds))
	f.daemonSetStrategy(&ds.Spec.UpdateStrategy, path.Child("updateStrategy"))
	f.optional(path.Child("revisionHistoryLimit"), ds.Spec.RevisionHistoryLimit)
	return f.list()
}

// daemonSetStrategy wants exactly one of the two amounts: a node has room for
// either one Pod less or one more.
func (f *errs) daemonSetStrategy(s *appsv1.DaemonSetUpdateStrategy, path *field.Path) {
	switch s.Type {
	case appsv1.OnDeleteDaemonSetStrategyType:
	case appsv1.RollingUpdateDaemonSetStrategyType:
		path = path.Child("rollingUpdate")
		unavailable, surge := *s.RollingUpdate.MaxUnavailable, *s.RollingUpdate.MaxSurge
		f.intOrPercent(path.Child("maxUnavailable"), unavailable)
		f.intOrPercent(path.Child("maxSurge"), surge)
		f.atMost100Percent(path.Child("maxUnavailable"), unavailable)
		f.atMost100Percent(path.Child("maxSurge"), surge)
		switch {
		case amount(unavailable) != 0 && amount(surge) != 0:
			f.invalid(path.Child("maxSurge"), surge, "may not be set when maxUnavailable is non-zero")
		case amount(unavailable) == 0 && amount(surge) == 0:
			f.required(path.Child("maxUnavailable"), "cannot be 0 when maxSurge is 0")
		}
	default:
		f.add(field.NotSupported(path, s, []appsv1.DaemonSetUpdateStrategyType{appsv1.RollingUpdateDaemonSetStrategyType, appsv1.OnDeleteDaemonSetStrategyType}))
	}
}

func validateDaemonSetUpdate(ds, old *appsv1.DaemonSet) field.ErrorList {
	f := errs(validateDaemonSet(ds))
	f.immutable(field.NewPath("spec", "selector"), ds.Spec.Selector, old.Spec.Selector)
	return f.list()
}

func validateDaemonSetStatusUpdate(ds, old *appsv1.DaemonSet) field.ErrorList {
	f, path, s := &errs{}, field.NewPath("status"), &ds.Status
	f.counters(path,
		counter{"currentNumberScheduled", int64(s.CurrentNumberScheduled)},
		counter{"numberMisscheduled", int64(s.NumberMisscheduled)},
		counter{"desiredNumberScheduled", int64(s.DesiredNumberScheduled)},
		counter{"numberReady", int64(s.NumberReady)},
		counter{"observedGeneration", s.ObservedGeneration},
		counter{"updatedNumberScheduled", int64(s.UpdatedNumberScheduled)},
		counter{"numberAvailable", int64(s.NumberAvailable)},
		counter{"numberUnavailable", int64(s.NumberUnavailable)})
	f.collisions(path, s.CollisionCount, old.Status.CollisionCount)
	return f.list()
}

func validateReplicationController(rc *corev1.ReplicationController) field.ErrorList {
	f, path := &errs{}, field.NewPath("spec")
	f.nonNegative(path.Child("minReadySeconds"), int64(rc.Spec.MinReadySeconds))
	selector := labels.SelectorFromSet(rc.Spec.Selector)
	if selector.Empty() {
		f.required(path.Child("selector"), "")
	}
	f.optional(path.Child("replicas"), rc.Spec.Replicas)
	if rc.Spec.Template == nil {
		f.required(path.Child("template"), "")
		return f.list()
	}
	f.replicaTemplate(rc.Spec.Template, selector, "ReplicationController", path.Child("template"))
	return f.list()
}

func validateReplicationControllerUpdate(rc, _ *corev1.ReplicationController) field.ErrorList {
	return validateReplicationController(rc)
}

func validateControllerRevision(r *appsv1.ControllerRevision) field.ErrorList {
	f := &errs{}
	f.nonNegative(field.NewPath("revision"), r.Revision)
	if len(r.Data.Raw) == 0 && r.Data.Object == nil {
		f.required(field.NewPath("data"), "data is mandatory")
	}
	return f.list()
}

func validateControllerRevisionUpdate(r, old *appsv1.ControllerRevision) field.ErrorList {
	f := &errs{}
	f.nonNegative(field.NewPath("revision"), r.Revision)
	if string(r.Data.Raw) != string(old.Data.Raw) {
		f.invalid(field.NewPath("data"), fmt.Sprintf("%d bytes", len(r.Data.Raw)), "field is immutable")
	}
	return f.list()
}
