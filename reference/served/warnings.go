package served

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// Warnings are what an API server says to clients that write what nothing acts on.
type Warnings struct {
	// present are the links of the cluster; if empty they are not known.
	present []chain.Link
}

// NewWarnings returns the warnings of a cluster that has exactly these links. Without
// any it is not known which links act on the cluster: then it only warns of what the
// API server itself does not do.
func NewWarnings(present []chain.Link) *Warnings { return &Warnings{present} }

// Of returns what to say of a write that goes through. Of a new object old is nil. The
// subresource is that of the request.
func (w *Warnings) Of(k *kinds.Kind, subresource string, obj, old runtime.Object) (warnings []string) {
	if subresource == "status" {
		return nil // that is for what acts on it to write
	}
	text := w.ofKind(k)
	if text != "" {
		warnings = append(warnings, text)
	}
	if len(w.present) == 0 {
		return warnings
	}
	return append(warnings, ofFields(obj, old, subresource, text == "")...)
}

// ofKind returns the warning of every object of a kind, "" if there is none.
func (w *Warnings) ofKind(k *kinds.Kind) string {
	r := rows[k.Group][k.Kind]
	name := plural(k)
	const schemaOnly = "validated no further than its schema"
	so := r.so
	switch {
	case so == "" && k.Validate == nil:
		so = "it is stored, and " + schemaOnly
	case so == "":
		so = "it is only stored"
	case k.Validate == nil:
		so += "; it is " + schemaOnly
	}
	switch {
	case r.asks == nothing, len(r.among(w.present)) > 0:
		return ""
	case len(w.present) > 0:
		return fmt.Sprintf("no link of this cluster acts on %s: %s", name, so)
	case r.asks == server:
		return fmt.Sprintf("this API server does not act on %s: %s", name, so)
	case len(r.links) == 0 && k.Validate == nil:
		return fmt.Sprintf("this API server validates %s no further than their schema", name)
	}
	return ""
}

// plural returns the name of more than one object of the kind: that of the resource,
// with the capitals of the kind.
func plural(k *kinds.Kind) string {
	stem := 0
	for stem < min(len(k.Kind), len(k.Resource)) && strings.EqualFold(k.Kind[stem:stem+1], k.Resource[stem:stem+1]) {
		stem++
	}
	return k.Kind[:stem] + k.Resource[stem:]
}
