package apiserver

import (
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podchain/podchain/reference/apiserver/kinds"
	"github.com/podchain/podchain/reference/served"
)

// resource is one kind in the URL space.
type resource struct {
	*kinds.Kind
	*storage
	// view translates between the served and the stored kind; nil when they
	// are the same.
	view *view
	// served warns of what nothing acts on.
	served *served.Warnings

	*bookkeeping
}

// view is the translation of a kind that is stored as another.
type view struct {
	stored               schema.GroupVersionKind
	toStored, fromStored func(runtime.Object) runtime.Object
}

// views are the kinds that are served beside the one that they are stored as.
var views = map[schema.GroupVersionKind]*view{
	eventsv1.SchemeGroupVersion.WithKind("Event"): eventView,
	autoscalingv1.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"): {
		stored: autoscalingv2.SchemeGroupVersion.WithKind("HorizontalPodAutoscaler"),
		toStored: func(obj runtime.Object) runtime.Object {
			return kinds.AutoscalerToV2(obj.(*autoscalingv1.HorizontalPodAutoscaler))
		},
		fromStored: func(obj runtime.Object) runtime.Object {
			return kinds.AutoscalerToV1(obj.(*autoscalingv2.HorizontalPodAutoscaler))
		},
	},
}

// viewOf returns the view of a kind in another version of its own group.
func viewOf(kind schema.GroupKind) (schema.GroupVersionKind, *view) {
	for viewed, view := range views {
		if viewed.GroupKind() == kind && view.stored.GroupKind() == kind {
			return viewed, view
		}
	}
	return schema.GroupVersionKind{}, nil
}

// kindOf and storage both promote a field "kind": this is the served one.
func (r *resource) gvk() schema.GroupVersionKind { return r.Kind.GroupVersionKind }

func (r *resource) groupResource() schema.GroupResource {
	return schema.GroupResource{Group: r.Kind.Group, Resource: r.Resource}
}

func (r *resource) groupKind() schema.GroupKind { return r.gvk().GroupKind() }

// addResources gives every kind its place, and its storage.
func (s *Server) addResources(all []*kinds.Kind) {
	byKind := map[schema.GroupKind]*storage{}
	byPlace := map[string]bool{}
	var viewed []*resource
	for _, kind := range all {
		r := &resource{Kind: kind, served: s.served, bookkeeping: bookkeepingOf(kind.GroupVersionKind)}
		s.resources[kind.GroupVersion().WithResource(kind.Resource)] = r
		if views[kind.GroupVersionKind] != nil {
			viewed = append(viewed, r)
			continue
		}
		r.storage = newStorage(s.store, kind)
		if byPlace[r.storage.prefix] {
			r.storage.prefix = Root + kind.Group + "/" + kind.Resource + "/"
		}
		byPlace[r.storage.prefix] = true
		byKind[kind.GroupKind()] = r.storage
	}
	for _, r := range viewed {
		view := views[r.gvk()]
		if r.storage = byKind[view.stored.GroupKind()]; r.storage == nil {
			r.storage = newStorage(s.store, r.Kind) // served alone
			continue
		}
		r.view = view
	}
	s.pods = byKind[schema.GroupKind{Kind: "Pod"}]
	s.nodes = byKind[schema.GroupKind{Kind: "Node"}]
	s.namespaces = byKind[schema.GroupKind{Kind: "Namespace"}]
	s.serviceAccounts = byKind[schema.GroupKind{Kind: "ServiceAccount"}]
	s.priorityClasses = byKind[priorityClassKind]
	s.budgets = byKind[schema.GroupKind{Group: "policy", Kind: "PodDisruptionBudget"}]
}

// resourceOf returns the resource of a kind; nil if it is not served.
func (s *Server) resourceOf(kind schema.GroupVersionKind) *resource {
	for _, r := range s.resources {
		if r.gvk() == kind {
			return r
		}
	}
	return nil
}

// of returns the resource whose objects a storage holds.
func (s *Server) of(st *storage) *resource {
	return s.resources[st.kind.GroupVersion().WithResource(st.kind.Resource)]
}

// present returns the record as the served kind.
func (r *resource) present(stored *record) (*record, error) {
	if r.view == nil || stored == nil {
		return stored, nil
	}
	stored.mu.Lock()
	defer stored.mu.Unlock()
	if stored.other != nil {
		return stored.other, nil
	}
	obj, err := stored.decoded()
	if err != nil {
		return nil, err
	}
	served := r.view.fromStored(obj)
	accessor(served).SetResourceVersion("")
	raw, err := marshal(served)
	if err != nil {
		return nil, err
	}
	setVersion(served, stored.revision)
	stored.other = &record{kind: r.Kind, key: stored.key, revision: stored.revision, raw: raw, obj: served}
	return stored.other, nil
}

// newRecord makes the record to store of a served object, which it takes over.
func (r *resource) newRecord(served runtime.Object) (*record, error) {
	stored := served
	if r.view != nil {
		stored = r.view.toStored(served)
	}
	m := accessor(stored)
	m.SetResourceVersion("")
	raw, err := marshal(stored)
	if err != nil {
		return nil, fmt.Errorf("encoding %s %s: %w", r.Kind.Kind, m.GetName(), err)
	}
	return &record{kind: r.storage.kind, key: r.key(m.GetNamespace(), m.GetName()), raw: raw, obj: stored}, nil
}

// subresources of a kind beyond status and scale.
var subresources = map[schema.GroupResource]map[string]bool{
	{Resource: "pods"}:            {"binding": true, "eviction": true, "ephemeralcontainers": true, "resize": true},
	{Resource: "namespaces"}:      {"finalize": true},
	{Resource: "serviceaccounts"}: {"token": true},
}

func (r *resource) hasSubresource(name string) bool {
	switch name {
	case "status":
		return r.PrepareForStatus != nil
	case "scale":
		return r.Scale != nil
	}
	_, connected := connections[r.groupResource()][name]
	return connected || subresources[r.groupResource()][name]
}
