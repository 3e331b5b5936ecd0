package namespace

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// findings are what a pass over a namespace's content has found.
type findings struct {
	// discovery: which resources there are could not be learned in full.
	discovery error
	// failures: content that could not be listed or deleted.
	failures []error
	// remaining counts the objects left, by resource; held those of them that wait
	// for a finalizer, by finalizer.
	remaining map[schema.GroupVersionResource]int
	held      map[string]int
}

// conditionTable lists the conditions in their order, with the reason that each
// has when all is well, and what it says when it is not ("" if it is).
var conditionTable = []struct {
	kind        corev1.NamespaceConditionType
	well, wrong string
	wellMessage string
	message     func(findings) string
}{
	{
		corev1.NamespaceDeletionDiscoveryFailure, "ResourcesDiscovered", "DiscoveryFailed",
		"All resources successfully discovered",
		func(f findings) string {
			if f.discovery == nil {
				return ""
			}
			return f.discovery.Error()
		},
	},
	{
		corev1.NamespaceDeletionGVParsingFailure, "ParsedGroupVersions", "GroupVersionParsingFailed",
		"All legacy kube types successfully parsed",
		func(findings) string { return "" }, // found by discovery, if at all
	},
	{
		corev1.NamespaceDeletionContentFailure, "ContentDeleted", "ContentDeletionFailed",
		"All content successfully deleted, may be waiting on finalization",
		func(f findings) string {
			if len(f.failures) == 0 {
				return ""
			}
			texts := make([]string, len(f.failures))
			for i, err := range f.failures {
				texts[i] = err.Error()
			}
			slices.Sort(texts)
			return fmt.Sprintf("Failed to delete all resource types, %d remaining: %s", len(texts), strings.Join(texts, ", "))
		},
	},
	{
		corev1.NamespaceContentRemaining, "ContentRemoved", "SomeResourcesRemain",
		"All content successfully removed",
		func(f findings) string {
			return listed("Some resources are remaining: ", f.remaining, func(r schema.GroupVersionResource) string {
				return fmt.Sprintf("%s.%s has", r.Resource, r.Group)
			})
		},
	},
	{
		corev1.NamespaceFinalizersRemaining, "ContentHasNoFinalizers", "SomeFinalizersRemain",
		"All content-preserving finalizers finished",
		func(f findings) string {
			return listed("Some content in the namespace has finalizers remaining: ", f.held, func(finalizer string) string {
				return finalizer + " in"
			})
		},
	},
}

// conditions returns the namespace's conditions after a pass (NS-01). When
// nothing is in the way, and never was, there is nothing to tell.
func conditions(old []corev1.NamespaceCondition, f findings, now metav1.Time) []corev1.NamespaceCondition {
	updated := slices.Clone(old)
	eventful := len(old) > 0
	for _, row := range conditionTable {
		condition := corev1.NamespaceCondition{
			Type: row.kind, Status: corev1.ConditionFalse, LastTransitionTime: now, Reason: row.well, Message: row.wellMessage,
		}
		if message := row.message(f); message != "" {
			condition.Status, condition.Reason, condition.Message = corev1.ConditionTrue, row.wrong, message
			eventful = true
		}
		i := slices.IndexFunc(updated, func(c corev1.NamespaceCondition) bool { return c.Type == row.kind })
		if i < 0 {
			updated = append(updated, condition)
			continue
		}
		if updated[i].Status == condition.Status {
			condition.LastTransitionTime = updated[i].LastTransitionTime
		}
		updated[i] = condition
	}
	if !eventful {
		return nil
	}
	return updated
}

// listed writes counts in a fixed order; nothing if there are none.
func listed[K comparable](prefix string, counts map[K]int, describe func(K) string) string {
	if len(counts) == 0 {
		return ""
	}
	texts := make([]string, 0, len(counts))
	for key, count := range counts {
		texts = append(texts, fmt.Sprintf("%s %d resource instances", describe(key), count))
	}
	slices.Sort(texts)
	return prefix + strings.Join(texts, ", ")
}
