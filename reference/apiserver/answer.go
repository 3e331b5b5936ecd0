package apiserver

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"

	"google.golang.org/protobuf/encoding/protowire"
)

// answer is what a request ends with: one of a record, a list, or any object.
type answer struct {
	code   int
	record *record
	list   *page
	object runtime.Object // with its kind set
}

// page is a list, or the part of it that the client asked for.
type page struct {
	records []*record
	meta    metav1.ListMeta
}

// ok answers 200 with a stored object.
func (rq *request) ok(stored *record) (*answer, error) {
	r, err := rq.present(stored)
	return &answer{code: http.StatusOK, record: r}, err
}

// created answers 201 with a stored object.
func (rq *request) created(stored *record) (*answer, error) {
	r, err := rq.present(stored)
	return &answer{code: http.StatusCreated, record: r}, err
}

func (rq *request) write(w http.ResponseWriter, a *answer) error {
	body, err := rq.encode(a)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", rq.accepted.mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("Cache-Control", "no-cache, private")
	w.WriteHeader(a.code)
	_, err = w.Write(body)
	if err != nil {
		return nil //nolint:nilerr // the client has gone away
	}
	return nil
}

func (rq *request) encode(a *answer) ([]byte, error) {
	switch {
	case a.object != nil:
		return encode(a.object, rq.accepted.mediaType)
	case rq.accepted.form == asTable:
		records, meta := []*record{a.record}, metav1.ListMeta{}
		if a.list != nil {
			records, meta = a.list.records, a.list.meta
		} else {
			meta.ResourceVersion = formatRevision(a.record.revision)
		}
		table, err := rq.table(records, meta, true)
		if err != nil {
			return nil, err
		}
		return encode(table, rq.accepted.mediaType)
	case rq.accepted.form == asPartial && a.list != nil:
		partial := &metav1.PartialObjectMetadataList{ListMeta: a.list.meta, Items: []metav1.PartialObjectMetadata{}}
		for _, r := range a.list.records {
			p, err := partialOf(r)
			if err != nil {
				return nil, err
			}
			partial.Items = append(partial.Items, *p)
		}
		partial.SetGroupVersionKind(metaKind("PartialObjectMetadataList"))
		return encode(partial, rq.accepted.mediaType)
	case rq.accepted.form == asPartial:
		p, err := partialOf(a.record)
		if err != nil {
			return nil, err
		}
		return encode(p, rq.accepted.mediaType)
	case a.list != nil:
		return encodeList(rq.gvk(), a.list, rq.accepted.mediaType)
	}
	return encodeRecord(a.record, rq.accepted.mediaType)
}

// encodeRecord returns a stored object in a media type.
func encodeRecord(r *record, mediaType string) ([]byte, error) {
	if mediaType == mediaProtobuf {
		return r.protobuf(), nil
	}
	item, err := r.itemJSON()
	if err != nil {
		return nil, err
	}
	return jsonOrYAML(spliceJSON(r.kind.GroupVersionKind, item), mediaType)
}

func jsonOrYAML(body []byte, mediaType string) ([]byte, error) {
	if mediaType == mediaYAML {
		return yaml.JSONToYAML(body)
	}
	return body, nil
}

// encodeList puts a list together from its items' encodings.
func encodeList(gvk schema.GroupVersionKind, l *page, mediaType string) ([]byte, error) {
	gvk.Kind += "List"
	if mediaType == mediaProtobuf {
		meta, err := l.meta.Marshal()
		if err != nil {
			return nil, err
		}
		buf := protowire.AppendTag(nil, objectMetadata, protowire.BytesType)
		buf = protowire.AppendBytes(buf, meta)
		for _, r := range l.records {
			buf = appendItem(buf, r.raw, versionPart(r.revision))
		}
		return encodeEnvelope(gvk, buf), nil
	}
	meta, err := json.Marshal(l.meta)
	if err != nil {
		return nil, err
	}
	buf := append([]byte(`{"metadata":`), meta...)
	buf = append(buf, `,"items":[`...)
	for i, r := range l.records {
		item, err := r.itemJSON()
		if err != nil {
			return nil, err
		}
		if i > 0 {
			buf = append(buf, ',')
		}
		buf = append(buf, item...)
	}
	buf = append(buf, "]}"...)
	return jsonOrYAML(spliceJSON(gvk, buf), mediaType)
}

// encode returns any object, whose kind is set, in a media type.
func encode(obj runtime.Object, mediaType string) ([]byte, error) {
	if mediaType == mediaProtobuf {
		return runtime.Encode(serializers.protobuf, obj)
	}
	body, err := json.Marshal(obj)
	if err != nil {
		return nil, err
	}
	return jsonOrYAML(body, mediaType)
}

// withKind sets the kind of an object that is about to be answered.
func withKind(obj runtime.Object) runtime.Object {
	if found, _, err := scheme.Scheme.ObjectKinds(obj); err == nil {
		obj.GetObjectKind().SetGroupVersionKind(found[0])
	}
	return obj
}

// success is the answer of what leaves no object to show.
func success(code int, details *metav1.StatusDetails) *answer {
	status := &metav1.Status{Status: metav1.StatusSuccess, Details: details}
	status.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "Status"})
	if code != http.StatusOK {
		status.Code = int32(code)
	}
	return &answer{code: code, object: status}
}

// writeError answers with a Status.
func writeError(w http.ResponseWriter, a accepted, err error) {
	status := statusOf(err)
	mediaType := a.mediaType
	if mediaType == "" {
		mediaType = mediaJSON
	}
	body, encodeErr := encode(status, mediaType)
	if encodeErr != nil {
		http.Error(w, encodeErr.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", mediaType)
	if d := status.Details; d != nil && d.RetryAfterSeconds > 0 {
		h.Set("Retry-After", strconv.Itoa(int(d.RetryAfterSeconds)))
	}
	w.WriteHeader(int(status.Code))
	if _, err := w.Write(body); err != nil {
		return // the client has gone
	}
}

func statusOf(err error) *metav1.Status {
	var known apierrors.APIStatus
	if !errors.As(err, &known) {
		known = apierrors.NewInternalError(err)
	}
	status := known.Status()
	status.SetGroupVersionKind(schema.GroupVersionKind{Version: "v1", Kind: "Status"})
	return &status
}

func formatRevision(revision int64) string {
	if revision == 0 {
		return ""
	}
	return strconv.FormatInt(revision, 10)
}
