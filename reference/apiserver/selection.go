package apiserver

import (
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
)

// selection is which objects a list or a watch is about.
type selection struct {
	prefix string // of the keys
	only   string // the one key, if the selection names it
	labels labels.Selector
	fields fields.Selector
	all    bool // there is no selector
	served *resource
}

// selection checks the selectors and joins them with the URL's part.
func (rq *request) selection(options *listOptions) (*selection, error) {
	sel := &selection{
		prefix: rq.storage.prefix,
		labels: labels.Everything(),
		fields: fields.Everything(),
		served: rq.resource,
	}
	if rq.namespace != "" {
		sel.prefix = rq.key(rq.namespace, "")
	}
	if options.LabelSelector != nil {
		sel.labels = options.LabelSelector
	}
	if options.FieldSelector != nil {
		sel.fields = options.FieldSelector
	}
	for _, q := range sel.fields.Requirements() {
		if !rq.selectable(q.Field) {
			if rq.FieldNames == nil {
				return nil, apierrors.NewBadRequest(fmt.Sprintf(`%q is not a known field selector: only "metadata.name", "metadata.namespace"`, q.Field))
			}
			return nil, apierrors.NewBadRequest("field label not supported: " + q.Field)
		}
	}
	if rq.name != "" { // the old form: a watch on an object's own path
		sel.fields = fields.AndSelectors(sel.fields, fields.OneTermEqualSelector("metadata.name", rq.name))
	}
	if name, ok := sel.fields.RequiresExactMatch("metadata.name"); ok && (rq.namespace != "" || !rq.Kind.Namespaced) {
		sel.only = rq.key(rq.namespace, name)
	}
	sel.all = sel.labels.Empty() && sel.fields.Empty()
	return sel, nil
}

// selectable says whether a field can be selected by. A kind that has fields of its own
// names all of them, so that metadata.namespace, which is empty, can be asked for of
// those kinds without namespaces that have none.
func (rq *request) selectable(name string) bool {
	return name == "metadata.name" ||
		name == "metadata.namespace" && (rq.Kind.Namespaced || rq.FieldNames == nil) ||
		slices.Contains(rq.FieldNames, name)
}

// indexValue returns the value of the kind's index field that the selection is
// confined to, if there is one.
func (sel *selection) indexValue() (value string, ok bool) {
	if sel.served.IndexField == "" {
		return "", false
	}
	return sel.fields.RequiresExactMatch(sel.served.IndexField)
}

// covers says whether a key is in the range of the selection.
func (sel *selection) covers(key string) bool {
	if sel.only != "" {
		return key == sel.only
	}
	return strings.HasPrefix(key, sel.prefix)
}

// matches says whether a record is selected, and returns it as it is served.
func (sel *selection) matches(stored *record) (served *record, ok bool, err error) {
	if stored == nil {
		return nil, false, nil
	}
	served, err = sel.served.present(stored)
	if err != nil || sel.all {
		return served, err == nil, err
	}
	if !sel.labels.Empty() {
		obj, err := served.object()
		if err != nil {
			return nil, false, err
		}
		if !sel.labels.Matches(labels.Set(accessor(obj).GetLabels())) {
			return nil, false, nil
		}
	}
	if !sel.fields.Empty() {
		set, err := served.fields()
		if err != nil {
			return nil, false, err
		}
		if !sel.fields.Matches(set) {
			return nil, false, nil
		}
	}
	return served, true, nil
}
