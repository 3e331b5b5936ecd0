package namespace

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/reference/link"
)

// defaultServiceAccount is what a Pod runs as that names no other. Where
// ServiceAccount admission is on, Pods are refused until it exists.
const defaultServiceAccount = "default"

func ensureServiceAccounts(l *link.Link, namespaces link.Cache[*corev1.Namespace]) *ensurer {
	e := newEnsurer(l, namespaces, defaultServiceAccount, l.Clients.ServiceAccounts(metav1.NamespaceAll))
	e.create = func(ctx context.Context, namespace string) error {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: defaultServiceAccount, Namespace: namespace}}
		_, err := l.Clients.ServiceAccounts(namespace).Create(ctx, account, metav1.CreateOptions{})
		return err
	}
	return e
}
