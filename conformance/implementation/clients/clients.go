// Package clients has typed clients of the kinds that links and the suite write.
//
// They are client-go's own generic ones. Its clientset has them for every kind and
// version there is, with types for server-side apply: a third of the time that it takes to
// compile podchain, and none of that is used.
package clients

import (
	"context"
	"fmt"
	"net/http"

	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/gentype"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
)

// Object is a pointer to the Go type of a kind.
type Object interface {
	comparable
	runtime.Object
	metav1.Object
}

// Client is a client of one kind, in one namespace or in all.
type Client[T Object, L runtime.Object] struct {
	*gentype.ClientWithList[T, L]
	// Resource is what the kind is called in URLs.
	Resource schema.GroupVersionResource
	// New makes an empty object of the kind.
	New func() T
}

// Clients makes clients of all kinds, over one HTTP client.
type Clients struct {
	groups map[schema.GroupVersion]rest.Interface
}

// New makes clients for an API server.
func New(config *rest.Config) (*Clients, error) {
	client, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("HTTP client: %w", err)
	}
	return NewForHTTP(config, client)
}

// NewForHTTP is New over an HTTP client that others use as well.
func NewForHTTP(config *rest.Config, client *http.Client) (*Clients, error) {
	c := &Clients{groups: map[schema.GroupVersion]rest.Interface{}}
	for _, group := range []schema.GroupVersion{
		corev1.SchemeGroupVersion, appsv1.SchemeGroupVersion, coordinationv1.SchemeGroupVersion,
		eventsv1.SchemeGroupVersion, policyv1.SchemeGroupVersion, authorizationv1.SchemeGroupVersion,
	} {
		config := rest.CopyConfig(config)
		config.GroupVersion = &group
		config.APIPath = "/apis"
		if group.Group == "" {
			config.APIPath = "/api"
		}
		config.NegotiatedSerializer = rest.CodecFactoryForGeneratedClient(scheme.Scheme, scheme.Codecs).WithoutConversion()
		if config.UserAgent == "" {
			config.UserAgent = rest.DefaultKubernetesUserAgent()
		}
		made, err := rest.RESTClientForConfigAndClient(config, client)
		if err != nil {
			return nil, fmt.Errorf("client for %s: %w", group, err)
		}
		c.groups[group] = made
	}
	return c, nil
}

// of makes the client of a kind.
func of[T, L any, PT interface {
	*T
	Object
}, PL interface {
	*L
	runtime.Object
}](c *Clients, resource schema.GroupVersionResource, namespace string) Client[PT, PL] {
	empty := func() PT { return new(T) }
	return Client[PT, PL]{
		ClientWithList: gentype.NewClientWithList(resource.Resource, c.groups[resource.GroupVersion()], scheme.ParameterCodec, namespace,
			empty, func() PL { return new(L) }, gentype.PrefersProtobuf[PT]()),
		Resource: resource,
		New:      empty,
	}
}

// Pods of a namespace; an empty one stands for all, here as below.
func (c *Clients) Pods(namespace string) Client[*corev1.Pod, *corev1.PodList] {
	return of[corev1.Pod, corev1.PodList](c, corev1.SchemeGroupVersion.WithResource("pods"), namespace)
}

// Nodes of the cluster.
func (c *Clients) Nodes() Client[*corev1.Node, *corev1.NodeList] {
	return of[corev1.Node, corev1.NodeList](c, corev1.SchemeGroupVersion.WithResource("nodes"), metav1.NamespaceNone)
}

// Namespaces of the cluster.
func (c *Clients) Namespaces() Client[*corev1.Namespace, *corev1.NamespaceList] {
	return of[corev1.Namespace, corev1.NamespaceList](c, corev1.SchemeGroupVersion.WithResource("namespaces"), metav1.NamespaceNone)
}

// Services of a namespace.
func (c *Clients) Services(namespace string) Client[*corev1.Service, *corev1.ServiceList] {
	return of[corev1.Service, corev1.ServiceList](c, corev1.SchemeGroupVersion.WithResource("services"), namespace)
}

// ServiceAccounts of a namespace.
func (c *Clients) ServiceAccounts(namespace string) Client[*corev1.ServiceAccount, *corev1.ServiceAccountList] {
	return of[corev1.ServiceAccount, corev1.ServiceAccountList](c, corev1.SchemeGroupVersion.WithResource("serviceaccounts"), namespace)
}

// Secrets of a namespace.
func (c *Clients) Secrets(namespace string) Client[*corev1.Secret, *corev1.SecretList] {
	return of[corev1.Secret, corev1.SecretList](c, corev1.SchemeGroupVersion.WithResource("secrets"), namespace)
}

// ConfigMaps of a namespace.
func (c *Clients) ConfigMaps(namespace string) Client[*corev1.ConfigMap, *corev1.ConfigMapList] {
	return of[corev1.ConfigMap, corev1.ConfigMapList](c, corev1.SchemeGroupVersion.WithResource("configmaps"), namespace)
}

// PersistentVolumeClaims of a namespace.
func (c *Clients) PersistentVolumeClaims(namespace string) Client[*corev1.PersistentVolumeClaim, *corev1.PersistentVolumeClaimList] {
	return of[corev1.PersistentVolumeClaim, corev1.PersistentVolumeClaimList](c, corev1.SchemeGroupVersion.WithResource("persistentvolumeclaims"), namespace)
}

// Events of a namespace, in their first API, which counts repetitions.
func (c *Clients) Events(namespace string) Client[*corev1.Event, *corev1.EventList] {
	return of[corev1.Event, corev1.EventList](c, corev1.SchemeGroupVersion.WithResource("events"), namespace)
}

// EventsV1 are the Events of a namespace in the API events.k8s.io/v1.
func (c *Clients) EventsV1(namespace string) Client[*eventsv1.Event, *eventsv1.EventList] {
	return of[eventsv1.Event, eventsv1.EventList](c, eventsv1.SchemeGroupVersion.WithResource("events"), namespace)
}

// Deployments of a namespace.
func (c *Clients) Deployments(namespace string) Client[*appsv1.Deployment, *appsv1.DeploymentList] {
	return of[appsv1.Deployment, appsv1.DeploymentList](c, appsv1.SchemeGroupVersion.WithResource("deployments"), namespace)
}

// ReplicaSets of a namespace.
func (c *Clients) ReplicaSets(namespace string) Client[*appsv1.ReplicaSet, *appsv1.ReplicaSetList] {
	return of[appsv1.ReplicaSet, appsv1.ReplicaSetList](c, appsv1.SchemeGroupVersion.WithResource("replicasets"), namespace)
}

// StatefulSets of a namespace.
func (c *Clients) StatefulSets(namespace string) Client[*appsv1.StatefulSet, *appsv1.StatefulSetList] {
	return of[appsv1.StatefulSet, appsv1.StatefulSetList](c, appsv1.SchemeGroupVersion.WithResource("statefulsets"), namespace)
}

// DaemonSets of a namespace.
func (c *Clients) DaemonSets(namespace string) Client[*appsv1.DaemonSet, *appsv1.DaemonSetList] {
	return of[appsv1.DaemonSet, appsv1.DaemonSetList](c, appsv1.SchemeGroupVersion.WithResource("daemonsets"), namespace)
}

// ControllerRevisions of a namespace.
func (c *Clients) ControllerRevisions(namespace string) Client[*appsv1.ControllerRevision, *appsv1.ControllerRevisionList] {
	return of[appsv1.ControllerRevision, appsv1.ControllerRevisionList](c, appsv1.SchemeGroupVersion.WithResource("controllerrevisions"), namespace)
}

// Leases of a namespace.
func (c *Clients) Leases(namespace string) Client[*coordinationv1.Lease, *coordinationv1.LeaseList] {
	return of[coordinationv1.Lease, coordinationv1.LeaseList](c, coordinationv1.SchemeGroupVersion.WithResource("leases"), namespace)
}

// PodDisruptionBudgets of a namespace.
func (c *Clients) PodDisruptionBudgets(namespace string) Client[*policyv1.PodDisruptionBudget, *policyv1.PodDisruptionBudgetList] {
	return of[policyv1.PodDisruptionBudget, policyv1.PodDisruptionBudgetList](c, policyv1.SchemeGroupVersion.WithResource("poddisruptionbudgets"), namespace)
}

// Bind assigns a Pod to a node.
func (c *Clients) Bind(ctx context.Context, binding *corev1.Binding) error {
	return c.groups[corev1.SchemeGroupVersion].Post().
		Namespace(binding.Namespace).Resource("pods").Name(binding.Name).SubResource("binding").
		Body(binding).Do(ctx).Error()
}

// Finalize writes a namespace's finalizers, which nothing else can.
func (c *Clients) Finalize(ctx context.Context, namespace *corev1.Namespace) (*corev1.Namespace, error) {
	written := &corev1.Namespace{}
	err := c.groups[corev1.SchemeGroupVersion].Put().
		Resource("namespaces").Name(namespace.Name).SubResource("finalize").
		Body(namespace).Do(ctx).Into(written)
	return written, err
}

// CreateToken has the API server issue a token of a ServiceAccount.
func (c *Clients) CreateToken(ctx context.Context, namespace, account string, request *authenticationv1.TokenRequest) (*authenticationv1.TokenRequest, error) {
	issued := &authenticationv1.TokenRequest{}
	err := c.groups[corev1.SchemeGroupVersion].Post().UseProtobufAsDefault().
		Namespace(namespace).Resource("serviceaccounts").Name(account).SubResource("token").
		Body(request).Do(ctx).Into(issued)
	return issued, err
}

// ReviewAccess asks the API server whether it lets this client do something.
func (c *Clients) ReviewAccess(ctx context.Context, review *authorizationv1.SelfSubjectAccessReview) (*authorizationv1.SelfSubjectAccessReview, error) {
	answer := &authorizationv1.SelfSubjectAccessReview{}
	err := c.groups[authorizationv1.SchemeGroupVersion].Post().UseProtobufAsDefault().
		Resource("selfsubjectaccessreviews").Body(review).Do(ctx).Into(answer)
	return answer, err
}
