package namespace

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/podchain/podchain/reference/controller"
)

// defaultServiceAccount is what a Pod runs as that names no other. Where
// ServiceAccount admission is on, Pods are refused until it exists.
const defaultServiceAccount = "default"

func keepServiceAccounts(link *controller.Link) *keeper {
	informer := link.Informers.InformerFor(&corev1.ServiceAccount{}, func(client kubernetes.Interface, resync time.Duration) cache.SharedIndexInformer {
		return coreinformers.NewFilteredServiceAccountInformer(client, metav1.NamespaceAll, resync, cache.Indexers{}, named(defaultServiceAccount))
	})
	k := newKeeper(link, defaultServiceAccount, informer)
	k.create = func(ctx context.Context, namespace string) error {
		account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: defaultServiceAccount, Namespace: namespace}}
		_, err := link.Client.CoreV1().ServiceAccounts(namespace).Create(ctx, account, metav1.CreateOptions{})
		return err
	}
	return k
}
