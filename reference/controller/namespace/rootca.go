package namespace

import (
	"context"
	"fmt"
	"maps"
	"os"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/reference/link"
)

// rootCA is the ConfigMap with the certificate authority by which Pods verify the API
// server; every projected service account token volume refers to it.
const (
	rootCA    = "kube-root-ca.crt"
	rootCAKey = "ca.crt"
)

// rootCertificate is the certificate authority by which this controller itself
// verifies the API server; empty if it does not verify it.
func rootCertificate(config *rest.Config) (string, error) {
	if len(config.CAData) > 0 || config.CAFile == "" {
		return string(config.CAData), nil
	}
	data, err := os.ReadFile(config.CAFile)
	return string(data), err
}

func ensureRootCertificates(l *link.Link, namespaces link.Cache[*corev1.Namespace], certificate string) *ensurer {
	e := newEnsurer(l, namespaces, rootCA, l.Clients.ConfigMaps(metav1.NamespaceAll))
	data := map[string]string{rootCAKey: certificate}
	e.create = func(ctx context.Context, namespace string) error {
		_, err := l.Clients.ConfigMaps(namespace).Create(ctx, &corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{
				Name:      rootCA,
				Namespace: namespace,
				Annotations: map[string]string{
					"kubernetes.io/description": "The certificate authority that the API server's certificate is verified by.",
				},
			},
			Data: data,
		}, metav1.CreateOptions{})
		return err
	}
	// Its content is not anybody's to choose.
	e.correct = func(ctx context.Context, object any) error {
		found, ok := object.(*corev1.ConfigMap)
		if !ok {
			return fmt.Errorf("expected a ConfigMap, got %T", object)
		}
		if maps.Equal(found.Data, data) {
			return nil
		}
		corrected := found.DeepCopy()
		corrected.Data = data
		_, err := l.Clients.ConfigMaps(found.Namespace).Update(ctx, corrected, metav1.UpdateOptions{})
		return err
	}
	return e
}
