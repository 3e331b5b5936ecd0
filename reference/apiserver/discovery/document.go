package discovery

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// document is one object that the server describes itself with, in every form
// a client may ask for, encoded once.
type document struct {
	bodies map[string][]byte // by media type
}

func newDocument(obj runtime.Object) *document {
	asJSON, err := json.Marshal(obj)
	if err != nil {
		panic(fmt.Sprintf("discovery: encoding %T: %v", obj, err))
	}
	asYAML, err := yaml.JSONToYAML(asJSON)
	if err != nil {
		panic(fmt.Sprintf("discovery: encoding %T: %v", obj, err))
	}
	var asProtobuf bytes.Buffer
	if err := protobuf.NewSerializer(scheme.Scheme, scheme.Scheme).Encode(obj, &asProtobuf); err != nil {
		panic(fmt.Sprintf("discovery: encoding %T: %v", obj, err))
	}
	return &document{bodies: map[string][]byte{
		runtime.ContentTypeJSON:     append(asJSON, '\n'),
		runtime.ContentTypeYAML:     asYAML,
		runtime.ContentTypeProtobuf: asProtobuf.Bytes(),
	}}
}

// choose returns the first of the media types the client accepts that the
// document has. Parameters that say which type the answer is to have, other
// than the document's own, make a clause one that does not apply.
func (d *document) choose(accept string) (string, bool) {
	if strings.TrimSpace(accept) == "" {
		return runtime.ContentTypeJSON, true
	}
	for clause := range strings.SplitSeq(accept, ",") {
		mediaType, parameters, err := mime.ParseMediaType(clause)
		if err != nil || parameters["as"] != "" {
			continue
		}
		switch mediaType {
		case "*/*", "application/*":
			return runtime.ContentTypeJSON, true
		}
		if _, ok := d.bodies[mediaType]; ok {
			return mediaType, true
		}
	}
	return "", false
}

func (d *document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mediaType, ok := d.choose(r.Header.Get("Accept"))
	if !ok {
		writeStatus(w, apierrors.NewGenericServerResponse(http.StatusNotAcceptable, "", schema.GroupResource{}, "", "only "+strings.Join(offered, ", ")+" are offered", 0, true))
		return
	}
	w.Header().Set("Content-Type", mediaType)
	// A failed write means that the client has gone away.
	_, _ = w.Write(d.bodies[mediaType])
}

var offered = []string{runtime.ContentTypeJSON, runtime.ContentTypeYAML, runtime.ContentTypeProtobuf}

func writeStatus(w http.ResponseWriter, err *apierrors.StatusError) {
	status := err.Status()
	status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	body, marshalErr := json.Marshal(status)
	if marshalErr != nil {
		http.Error(w, marshalErr.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", runtime.ContentTypeJSON)
	w.WriteHeader(int(status.Code))
	_, _ = w.Write(body)
}
