package apiserver

import (
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
)

// plainColumns are those of a kind that names none.
var plainColumns = []metav1.TableColumnDefinition{
	{Name: "Name", Type: "string", Format: "name", Description: "Name must be unique within a namespace."},
	{Name: "Age", Type: "string", Description: "Time since the object was created."},
}

func plainRow(obj runtime.Object, now time.Time) []any {
	m := accessor(obj)
	age := "<unknown>"
	if created := m.GetCreationTimestamp(); !created.IsZero() {
		age = duration.HumanDuration(now.Sub(created.Time))
	}
	return []any{m.GetName(), age}
}

// table renders objects for kubectl (API-READ-09). A watch sends the columns
// with its first event only.
func (rq *request) table(records []*record, list metav1.ListMeta, columns bool) (*metav1.Table, error) {
	t := &metav1.Table{ListMeta: list, Rows: []metav1.TableRow{}}
	t.SetGroupVersionKind(metaKind("Table"))
	definitions, row := rq.Columns, rq.Row
	if row == nil {
		definitions, row = plainColumns, plainRow
	}
	if columns {
		t.ColumnDefinitions = definitions
	}
	now := time.Now()
	for _, r := range records {
		obj, err := r.object()
		if err != nil {
			return nil, err
		}
		tableRow := metav1.TableRow{Cells: row(obj, now)}
		switch metav1.IncludeObjectPolicy(rq.query.Get("includeObject")) {
		case metav1.IncludeNone:
		case metav1.IncludeObject:
			whole := obj.DeepCopyObject()
			whole.GetObjectKind().SetGroupVersionKind(r.kind.GroupVersionKind)
			tableRow.Object.Object = whole
		default:
			if tableRow.Object.Object, err = partialOf(r); err != nil {
				return nil, err
			}
		}
		t.Rows = append(t.Rows, tableRow)
	}
	return t, nil
}

// partialOf returns an object's metadata alone (API-READ-10).
func partialOf(r *record) (*metav1.PartialObjectMetadata, error) {
	obj, err := r.object()
	if err != nil {
		return nil, err
	}
	p := meta.AsPartialObjectMetadata(accessor(obj))
	p.SetGroupVersionKind(metaKind("PartialObjectMetadata"))
	return p, nil
}
