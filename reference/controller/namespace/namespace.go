// Package namespace is the namespace controller. It empties a namespace that is
// being deleted and then removes its finalizer (NS-01), and it sees to it that every other
// namespace has what Pods in it rely on (NS-02):
//
//	deleter.go         the content of a namespace, Pods first
//	conditions.go      what is in the way, for those who wait
//	serviceaccount.go  ServiceAccount "default"
//	rootca.go          ConfigMap "kube-root-ca.crt"
//	ensurer.go         what the two have in common
package namespace

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/reference/link"
)

// Name is what the link calls itself in requests and Events.
const Name = "namespace-controller"

// workers is how many namespaces each of the three loops deals with at a time.
const workers = 4

// straggling is how long the controller waits from the deletion of a namespace before
// it checks that it is empty. An API server that has just read the namespace as active
// may still be creating an object in it, which would otherwise outlive the namespace
// for ever. Kubernetes waits as long.
const straggling = 5 * time.Second

// Run runs the controller until ctx is done.
func Run(ctx context.Context, config *rest.Config) error {
	l, err := link.New(Name, config)
	if err != nil {
		return err
	}
	config = rest.CopyConfig(l.Config)
	config.WarningHandlerWithContext = rest.NoWarnings{} // deleting what is deprecated is no mistake
	resources, err := l.Discovery(config)
	if err != nil {
		return fmt.Errorf("%s: discovery: %w", Name, err)
	}
	objects, err := metadata.NewForConfigAndClient(config, l.HTTP)
	if err != nil {
		return fmt.Errorf("%s: metadata client: %w", Name, err)
	}
	certificate, err := rootCertificate(config)
	if err != nil {
		return fmt.Errorf("%s: root certificate: %w", Name, err)
	}

	namespaces := link.Watch(l, l.Clients.Namespaces())
	deleter := &deleter{
		namespaces:      l.Clients.Namespaces(),
		writeFinalizers: l.Clients.Finalize,
		resources:       resources,
		objects:         objects,
		queue:           link.NewQueue[string](),
		awaited:         map[string]bool{},
	}
	accounts := ensureServiceAccounts(l, namespaces)
	certificates := ensureRootCertificates(l, namespaces, certificate)

	link.Handle(l, namespaces, link.On[*corev1.Namespace]{
		Add: func(namespace *corev1.Namespace) {
			if namespace.DeletionTimestamp != nil {
				deleter.queue.AddAfter(namespace.Name, straggling)
				return
			}
			accounts.queue.Add(namespace.Name)
			certificates.queue.Add(namespace.Name)
		},
		Update: func(old, namespace *corev1.Namespace) {
			// Once is enough: from then on the content's own end is awaited.
			if namespace.DeletionTimestamp != nil && old.DeletionTimestamp == nil {
				deleter.queue.AddAfter(namespace.Name, straggling)
			}
		},
	})
	return l.Run(ctx, deleter.run, accounts.run, certificates.run)
}
