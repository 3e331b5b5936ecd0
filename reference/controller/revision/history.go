package revision

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/conformance/implementation/clients"
	"github.com/podchain/podchain/reference/controller"
	"github.com/podchain/podchain/reference/link"
)

// Histories are the revisions of the owners of one kind.
type Histories[O clients.Object] struct {
	owners    *controller.Controller[O]
	revisions *controller.Children[O, *appsv1.ControllerRevision]
	template  func(O) *corev1.PodTemplateSpec
	hashLabel string
}

// NewHistories returns the revisions of the templates of the controller's owners,
// which carry their hashes in the label.
func NewHistories[O clients.Object](l *link.Link, owners *controller.Controller[O], template func(O) *corev1.PodTemplateSpec, hashLabel string) *Histories[O] {
	revisions := controller.Watch(l, l.Clients.ControllerRevisions)
	return &Histories[O]{
		owners:    owners,
		revisions: controller.NewChildren(owners, revisions, controller.Options[O, *appsv1.ControllerRevision]{}),
		template:  template,
		hashLabel: hashLabel,
	}
}

// History is the revisions of one owner.
type History struct {
	// All are in order, the newest last.
	All []*appsv1.ControllerRevision
	// Update is the revision of the present template.
	Update *appsv1.ControllerRevision
	// Collisions is the number of names that turned out to be taken, for the status.
	Collisions *int32
}

// Of returns the history of an owner, with a revision for its present template.
func (h *Histories[O]) Of(ctx context.Context, owner O, collisions *int32) (history History, err error) {
	if history.All, err = h.revisions.Claim(ctx, owner); err != nil {
		return history, err
	}
	Sort(history.All)
	history.Update, history.Collisions, err = Current(ctx, h.revisions.Client(owner.GetNamespace()), Owner{
		Object: owner, Kind: h.owners.GroupVersionKind, Template: h.template(owner), Collisions: collisions, HashLabel: h.hashLabel,
	}, history.All)
	if err != nil {
		return history, fmt.Errorf("revision: %w", err)
	}
	return history, nil
}

// Truncate deletes the oldest revisions that are not in use, down to the limit; without
// a limit it deletes none.
func (h *Histories[O]) Truncate(ctx context.Context, history History, limit *int32, inUse func(*appsv1.ControllerRevision) bool) error {
	if limit == nil || *limit < 0 {
		return nil
	}
	unused := slices.DeleteFunc(slices.Clone(history.All), inUse)
	return h.revisions.Discard(ctx, unused[:max(0, len(unused)-int(*limit))])
}
