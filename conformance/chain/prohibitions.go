package chain

import (
	"fmt"

	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/objects"
)

// Prohibitions of a link: those of its row, and what holds for every link.
func (l Link) Prohibitions() []Prohibition {
	return append([]Prohibition{{Forbids: ownerless}}, l.Contract().Prohibitions...)
}

// ownerless is a Pod or a ReplicaSet that does not say whose it is (CHAIN-02): what has
// asked for it cannot know that it exists.
func ownerless(_ History, write Version) string {
	kind := write.Object.GetKind()
	if write.Type != watch.Added || !KindOf(kind).usesUp() || MadeBy(kind) == nil || objects.Controller(write.Object) != "" {
		return ""
	}
	return fmt.Sprintf("it has made %s %q without saying whose it is", kind, write.Object.GetName())
}

// opensGate is a kubelet that answers a readiness gate itself: the condition becomes
// true in one write with what only a kubelet writes. From then on the Pod counts as
// ready for all that should have waited.
func opensGate(before History, write Version) string {
	earlier := before.ByUID(write.Object.GetUID())
	if write.Object.GetKind() != pod || len(earlier) == 0 {
		return ""
	}
	was, is := earlier[len(earlier)-1].Object, write.Object
	if objects.Condition(was, "ContainersReady") == objects.Condition(is, "ContainersReady") {
		return ""
	}
	for _, gate := range readinessGates(is) {
		if !isTrue(was, gate) && isTrue(is, gate) {
			return fmt.Sprintf("the kubelet itself opened the readiness gate %q of Pod %q, which is for others to open", gate, is.GetName())
		}
	}
	return ""
}
