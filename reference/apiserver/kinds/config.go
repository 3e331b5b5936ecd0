package kinds

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/fields"
)

func configMap(k *Kind) {
	k.Validate = check(validateConfigMap)
	k.ValidateUpdate = checkBoth(validateConfigMapUpdate)
	k.Columns, k.Row = configMapColumns, cells(configMapRow)
}

func secret(k *Kind) {
	k.Default = on(func(s *corev1.Secret) { orValue(&s.Type, corev1.SecretTypeOpaque) })
	// stringData is for writing only: it is folded into data.
	k.PrepareForCreate = afterCreate(k.PrepareForCreate, foldStringData)
	k.PrepareForUpdate = after(k.PrepareForUpdate, onBoth(func(s, _ *corev1.Secret) { foldStringData(s) }))
	k.Validate = check(validateSecret)
	k.ValidateUpdate = checkBoth(validateSecretUpdate)
	k.Columns, k.Row = secretColumns, cells(secretRow)
	selectable(k, func(s *corev1.Secret) fields.Set { return fields.Set{"type": string(s.Type)} }, &corev1.Secret{})
}

func foldStringData(s *corev1.Secret) {
	if len(s.StringData) > 0 && s.Data == nil {
		s.Data = make(map[string][]byte, len(s.StringData))
	}
	for key, value := range s.StringData {
		s.Data[key] = []byte(value)
	}
	s.StringData = nil
}
