package namespace

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestConditions(t *testing.T) {
	before, now := metav1.Unix(1000, 0), metav1.Unix(2000, 0)
	stuck := findings{
		remaining: map[schema.GroupVersionResource]int{pods: 2, {Group: "apps", Version: "v1", Resource: "deployments"}: 1},
		held:      map[string]int{"x/y": 1},
	}
	tests := map[string]struct {
		old   []corev1.NamespaceCondition
		found findings
		wrong []corev1.NamespaceCondition // the ones that are True
	}{
		"nothing is in the way": {},
		"content and finalizers": {found: stuck, wrong: []corev1.NamespaceCondition{
			condition(corev1.NamespaceContentRemaining, "SomeResourcesRemain", now,
				"Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 resource instances"),
			condition(corev1.NamespaceFinalizersRemaining, "SomeFinalizersRemain", now,
				"Some content in the namespace has finalizers remaining: x/y in 1 resource instances"),
		}},
		"still in the way": {
			old:   []corev1.NamespaceCondition{condition(corev1.NamespaceContentRemaining, "SomeResourcesRemain", before, "other")},
			found: findings{remaining: map[schema.GroupVersionResource]int{pods: 1}},
			wrong: []corev1.NamespaceCondition{condition(corev1.NamespaceContentRemaining, "SomeResourcesRemain", before,
				"Some resources are remaining: pods. has 1 resource instances")},
		},
		"failures": {found: findings{discovery: errors.New("d"), failures: []error{errors.New("b"), errors.New("a")}}, wrong: []corev1.NamespaceCondition{
			condition(corev1.NamespaceDeletionDiscoveryFailure, "DiscoveryFailed", now, "d"),
			condition(corev1.NamespaceDeletionContentFailure, "ContentDeletionFailed", now, "Failed to delete all resource types, 2 remaining: a, b"),
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := conditions(test.old, test.found, now)
			var wrong []corev1.NamespaceCondition
			for _, c := range got {
				if c.Status == corev1.ConditionTrue {
					wrong = append(wrong, c)
				}
			}
			assert.Empty(t, cmp.Diff(test.wrong, wrong))
			if test.wrong != nil {
				assert.Len(t, got, len(conditionTable))
			} else {
				assert.Empty(t, got)
			}
		})
	}
	t.Run("no longer in the way", func(t *testing.T) {
		old := conditions(nil, stuck, before)
		for _, c := range conditions(old, findings{}, now) {
			assert.Equal(t, corev1.ConditionFalse, c.Status, c.Type)
			changed := c.Type == corev1.NamespaceContentRemaining || c.Type == corev1.NamespaceFinalizersRemaining
			assert.Equal(t, changed, c.LastTransitionTime.Equal(&now), c.Type)
		}
	})
}

func condition(kind corev1.NamespaceConditionType, reason string, since metav1.Time, message string) corev1.NamespaceCondition {
	return corev1.NamespaceCondition{
		Type: kind, Status: corev1.ConditionTrue, Reason: reason, Message: message,
		LastTransitionTime: metav1.Time{Time: since.UTC().In(time.Local)},
	}
}
