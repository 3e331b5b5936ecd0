package kinds

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func podTemplate(k *Kind) {
	k.Default = on(func(t *corev1.PodTemplate) { defaultPodSpec(&t.Template.Spec) })
	k.Validate = check(validatePodTemplate)
	k.ValidateUpdate = checkBoth(func(t, _ *corev1.PodTemplate) field.ErrorList { return validatePodTemplate(t) })
	k.Columns, k.Row = podTemplateColumns, cells(podTemplateRow)
}

func validatePodTemplate(t *corev1.PodTemplate) field.ErrorList {
	f := &errs{}
	f.template(&t.Template, field.NewPath("template"))
	return f.list()
}
