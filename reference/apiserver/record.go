package apiserver

import (
	"encoding/json"
	"fmt"
	"strconv"
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// record is one version of one object. All readers of that version share it, and it
// never changes; forms of it other than the stored bytes are made on first use.
type record struct {
	kind     *kinds.Kind
	key      string
	revision int64  // 0: not stored (dry run)
	raw      []byte // protobuf, without envelope and resourceVersion

	mu    sync.Mutex
	obj   runtime.Object
	json  []byte
	set   fields.Set
	other *record // the form of another kind, see resource.present
}

// object returns the decoded object: with resourceVersion, without kind. It is
// shared: copy it before changing anything.
func (r *record) object() (runtime.Object, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.decoded()
}

func (r *record) decoded() (runtime.Object, error) {
	if r.obj != nil {
		return r.obj, nil
	}
	obj, err := scheme.Scheme.New(r.kind.GroupVersionKind)
	if err != nil {
		return nil, err
	}
	m, ok := obj.(interface{ Unmarshal([]byte) error })
	if !ok {
		return nil, fmt.Errorf("%s has no protobuf form", r.kind.Kind)
	}
	if err := m.Unmarshal(r.raw); err != nil {
		return nil, fmt.Errorf("decoding %s: %w", r.key, err)
	}
	setVersion(obj, r.revision)
	r.obj = obj
	return obj, nil
}

func setVersion(obj runtime.Object, revision int64) {
	version := ""
	if revision != 0 {
		version = strconv.FormatInt(revision, 10)
	}
	accessor(obj).SetResourceVersion(version)
}

// accessor returns an API object's metadata.
func accessor(obj runtime.Object) metav1.Object {
	m, err := meta.Accessor(obj)
	if err != nil {
		panic(err) // not a kind that is served
	}
	return m
}

// protobuf returns the object in an envelope.
func (r *record) protobuf() []byte {
	if r.revision == 0 {
		return encodeEnvelope(r.kind.GroupVersionKind, r.raw)
	}
	return encodeEnvelope(r.kind.GroupVersionKind, r.raw, versionPart(r.revision))
}

// itemJSON returns the object's JSON without kind, as lists hold it.
func (r *record) itemJSON() ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.json == nil {
		obj, err := r.decoded()
		if err != nil {
			return nil, err
		}
		if r.json, err = json.Marshal(obj); err != nil {
			return nil, err
		}
	}
	return r.json, nil
}

// fields returns the selectable fields.
func (r *record) fields() (fields.Set, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.set != nil {
		return r.set, nil
	}
	obj, err := r.decoded()
	if err != nil {
		return nil, err
	}
	set := fields.Set{}
	if r.kind.Fields != nil {
		for name, value := range r.kind.Fields(obj) {
			set[name] = value
		}
	}
	m := accessor(obj)
	set["metadata.name"] = m.GetName()
	if r.kind.Namespaced {
		set["metadata.namespace"] = m.GetNamespace()
	}
	r.set = set
	return set, nil
}

// at returns the record with another revision: what a removal leaves behind.
func (r *record) at(revision int64) *record {
	return &record{kind: r.kind, key: r.key, revision: revision, raw: r.raw}
}
