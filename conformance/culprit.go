package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// culprit returns the link that the requirement is about, unless another link is known
// to have written what is wrong, or owns the field that is: then that one, and what it
// has written. The link is empty where it is not known.
func culprit(requirement *specification.Requirement, err error, record history.Record, attribution diagnosis.Attribution) (link chain.Link, wrote string) {
	if parsed, err := chain.ParseLink(requirement.Link); err == nil {
		link = parsed
	}
	if wrong := (*steps.Wrong)(nil); errors.As(err, &wrong) {
		if write, known := attribution.Of(record, wrong.Version); known && write.Link != link {
			return write.Link, "it has written " + history.Describe(wrong.Version)
		}
	}
	if blame, found := attribution.Ownerless(record); found {
		return blame.Link, blame.Missing
	}
	object, deviation := (*steps.Deviation)(nil), (*field.Deviation)(nil)
	if !errors.As(err, &object) || !errors.As(object, &deviation) {
		return link, ""
	}
	kind, name := object.Object.GetKind(), object.Object.GetName()
	writers := diagnosis.Writers(kind, deviation.Field)
	if write, known := attribution.WriterOf(record, object.Object, deviation.Field); known && len(writers) > 0 && !slices.Contains(writers, write.Link) {
		return write.Link, fmt.Sprintf("it has written %s of %s %q, which is the %s's to write", deviation.Field, kind, name, writers[0])
	}
	if len(writers) == 0 || slices.Contains(writers, link) {
		return link, ""
	}
	what, _, _ := strings.Cut(deviation.Error(), "\n")
	return writers[0], fmt.Sprintf("%s %q: %s", kind, name, what)
}
