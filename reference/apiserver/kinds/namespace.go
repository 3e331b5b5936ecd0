package kinds

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/fields"
)

func namespace(k *Kind) {
	k.ValidateName = validation.ValidateNamespaceName
	k.Default = on(func(ns *corev1.Namespace) {
		orValue(&ns.Status.Phase, corev1.NamespaceActive)
		labelWithName(ns)
	})
	k.PrepareForCreate = afterCreate(k.PrepareForCreate, func(ns *corev1.Namespace) {
		ns.Status.Phase = corev1.NamespaceActive
		if !slices.Contains(ns.Spec.Finalizers, corev1.FinalizerKubernetes) {
			ns.Spec.Finalizers = append(ns.Spec.Finalizers, corev1.FinalizerKubernetes)
		}
		labelWithName(ns)
	})
	// Finalizers of the spec go through /finalize only.
	k.PrepareForUpdate = after(k.PrepareForUpdate, onBoth(func(ns, old *corev1.Namespace) {
		ns.Spec.Finalizers = old.Spec.Finalizers
	}))
	k.Columns, k.Row = namespaceColumns, cells(namespaceRow)
	selectable(k, func(ns *corev1.Namespace) fields.Set {
		return fields.Set{"status.phase": string(ns.Status.Phase)}
	}, &corev1.Namespace{})
}

// labelWithName lets namespaces be selected by name (API-DEFAULT-10). The name
// is not known yet when defaults are applied to one with generateName.
func labelWithName(ns *corev1.Namespace) {
	if ns.Name == "" {
		return
	}
	if ns.Labels == nil {
		ns.Labels = map[string]string{}
	}
	ns.Labels[corev1.LabelMetadataName] = ns.Name
}
