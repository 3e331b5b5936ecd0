package cluster

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Class is what the rules between Pods (affinity, spreading) see of a Pod.
// Replicas are of one class, and nodes count their Pods by class, so these
// rules cost by the number of classes on a node and not by the number of Pods.
type Class struct {
	Namespace string
	Labels    labels.Set
	// Owner is the controller of the Pods, if they have one; OwnerKind its kind.
	Owner     types.UID
	OwnerKind string

	// Affinity and AntiAffinity are the required terms, Preferred both kinds
	// of preferred ones.
	Affinity, AntiAffinity, Preferred []Term

	key  string
	pods int // in the cache
}

// HasTerms tells whether Pods of this class say anything about other Pods.
func (c *Class) HasTerms() bool {
	return len(c.Affinity)+len(c.AntiAffinity)+len(c.Preferred) > 0
}

// Count is how many Pods of a class a node has.
type Count struct {
	All int
	// Leaving of them have a deletionTimestamp.
	Leaving int
}

func newClass(pod *v1.Pod) (*Class, error) {
	class := &Class{Namespace: pod.Namespace, Labels: pod.Labels}
	if owner := metav1.GetControllerOfNoCopy(pod); owner != nil {
		class.Owner, class.OwnerKind = owner.UID, owner.Kind
	}
	var b strings.Builder
	b.WriteString(pod.Namespace)
	b.WriteByte(0)
	b.WriteString(string(class.Owner))
	keys := make([]string, 0, len(pod.Labels))
	for key := range pod.Labels {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		b.WriteByte(0)
		b.WriteString(key)
		b.WriteByte('=')
		b.WriteString(pod.Labels[key])
	}

	if affinity := pod.Spec.Affinity; affinity != nil && (affinity.PodAffinity != nil || affinity.PodAntiAffinity != nil) {
		if err := class.setTerms(pod); err != nil {
			return nil, err
		}
		terms, err := json.Marshal([]any{affinity.PodAffinity, affinity.PodAntiAffinity})
		if err != nil {
			return nil, err
		}
		b.WriteByte(0)
		b.Write(terms)
	}
	class.key = b.String()
	return class, nil
}

func (c *Class) setTerms(pod *v1.Pod) (err error) {
	if a := pod.Spec.Affinity.PodAffinity; a != nil {
		if c.Affinity, err = requiredTerms(pod, a.RequiredDuringSchedulingIgnoredDuringExecution); err != nil {
			return fmt.Errorf("podAffinity: %w", err)
		}
		if c.Preferred, err = preferredTerms(pod, a.PreferredDuringSchedulingIgnoredDuringExecution, 1); err != nil {
			return fmt.Errorf("podAffinity: %w", err)
		}
	}
	if a := pod.Spec.Affinity.PodAntiAffinity; a != nil {
		if c.AntiAffinity, err = requiredTerms(pod, a.RequiredDuringSchedulingIgnoredDuringExecution); err != nil {
			return fmt.Errorf("podAntiAffinity: %w", err)
		}
		avoided, err := preferredTerms(pod, a.PreferredDuringSchedulingIgnoredDuringExecution, -1)
		if err != nil {
			return fmt.Errorf("podAntiAffinity: %w", err)
		}
		c.Preferred = append(c.Preferred, avoided...)
	}
	return nil
}
