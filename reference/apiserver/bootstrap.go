package apiserver

import (
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/uuid"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/apiserver/kinds"
	"github.com/podchain/podchain/reference/store"
)

// systemNamespaces exist from the start.
var systemNamespaces = []string{
	metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic, corev1.NamespaceNodeLease,
}

// The Service through which Pods reach the API server. Its endpoint is an address for
// documentation (RFC 5737): Pods are simulated, and an Endpoints must not name the
// loopback interface, which is where clients find the server.
const (
	serverService = "kubernetes"
	serverIP      = "10.96.0.1"
	serverAddress = "192.0.2.1"
	serverPort    = 6443
)

// bootstrapObjects are the objects that every cluster has from the start. They come back
// when they are deleted, those that can be.
func bootstrapObjects() []runtime.Object {
	var all []runtime.Object
	for _, name := range systemNamespaces {
		all = append(all, &corev1.Namespace{
			ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{corev1.LabelMetadataName: name}},
			Spec:       corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{corev1.FinalizerKubernetes}},
			Status:     corev1.NamespaceStatus{Phase: corev1.NamespaceActive},
		})
	}
	for i := range kinds.SystemPriorities {
		all = append(all, kinds.SystemPriorities[i].DeepCopy())
	}
	named := func(labels map[string]string) metav1.ObjectMeta {
		return metav1.ObjectMeta{Namespace: metav1.NamespaceDefault, Name: serverService, Labels: labels}
	}
	return append(all,
		&corev1.Service{
			ObjectMeta: named(map[string]string{"component": "apiserver", "provider": "kubernetes"}),
			Spec: corev1.ServiceSpec{
				ClusterIP:      serverIP,
				IPFamilyPolicy: ptr.To(corev1.IPFamilyPolicySingleStack),
				Ports:          []corev1.ServicePort{{Name: "https", Protocol: corev1.ProtocolTCP, Port: 443, TargetPort: intstr.FromInt32(serverPort)}},
			},
		},
		&corev1.Endpoints{ // old clients read it
			ObjectMeta: named(map[string]string{discoveryv1.LabelSkipMirror: "true"}),
			Subsets: []corev1.EndpointSubset{{
				Addresses: []corev1.EndpointAddress{{IP: serverAddress}},
				Ports:     []corev1.EndpointPort{{Name: "https", Protocol: corev1.ProtocolTCP, Port: serverPort}},
			}},
		},
		&discoveryv1.EndpointSlice{
			ObjectMeta:  named(map[string]string{discoveryv1.LabelServiceName: serverService}),
			AddressType: discoveryv1.AddressTypeIPv4,
			Endpoints: []discoveryv1.Endpoint{{
				Addresses: []string{serverAddress}, Conditions: discoveryv1.EndpointConditions{Ready: ptr.To(true)},
			}},
			Ports: []discoveryv1.EndpointPort{{Name: ptr.To("https"), Protocol: ptr.To(corev1.ProtocolTCP), Port: ptr.To[int32](serverPort)}},
		})
}

// protected are those of them that are never deleted, each with the reason.
var protected = map[schema.GroupKind]struct {
	names  []string
	reason string
}{
	namespaceKind: {
		[]string{metav1.NamespaceDefault, metav1.NamespaceSystem, metav1.NamespacePublic},
		"this namespace may not be deleted",
	},
	priorityClassKind: {
		[]string{kinds.SystemPriorities[0].Name, kinds.SystemPriorities[1].Name},
		"this is a system priority class and cannot be deleted",
	},
}

// admitDelete refuses to delete what no cluster can be without.
func (rq *request) admitDelete() error {
	if p := protected[rq.groupKind()]; slices.Contains(p.names, rq.name) {
		return apierrors.NewForbidden(rq.groupResource(), rq.name, errors.New(p.reason))
	}
	return nil
}

// bootstrap creates what every cluster has of the kinds that are served.
func (s *Server) bootstrap() error {
	s.bootstrapObjects = map[string]func() error{}
	for _, obj := range bootstrapObjects() {
		found, _, err := scheme.Scheme.ObjectKinds(obj)
		if err != nil {
			return err
		}
		r := s.resourceOf(found[0])
		if r == nil {
			continue
		}
		key := r.key(accessor(obj).GetNamespace(), accessor(obj).GetName())
		s.bootstrapObjects[key] = func() error { return s.seed(r, obj.DeepCopyObject()) }
		if err := s.bootstrapObjects[key](); err != nil {
			return err
		}
	}
	return nil
}

// restore brings back what has just been removed, if no cluster is without it.
func (s *Server) restore(removed *record) error {
	if seed := s.bootstrapObjects[removed.key]; seed != nil {
		return seed()
	}
	return nil
}

// seed stores an object of the server's own, unless it is there.
func (s *Server) seed(r *resource, obj runtime.Object) error {
	m := accessor(obj)
	m.SetUID(uuid.NewUUID())
	if r.Default != nil {
		r.Default(obj)
	}
	if r.PrepareForCreate != nil {
		r.PrepareForCreate(obj)
	}
	m.SetCreationTimestamp(metav1.NewTime(time.Now().UTC().Truncate(time.Second)))
	seeded, err := r.newRecord(obj)
	if err != nil {
		return err
	}
	if _, err := r.storage.put(s.ctx, seeded, nil); err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("apiserver: creating %s %s: %w", r.Kind.Kind, m.GetName(), err)
	}
	return nil
}
