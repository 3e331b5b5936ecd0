// Package openapi serves the documents that tell clients what the objects look
// like: a document of version 3 for each group version, under an index with
// their hashes, and one of version 2 for all. They are made by reflection over
// the Go types of the API, which carry their documentation with them.
package openapi

import (
	"bytes"
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	"google.golang.org/protobuf/proto"
	"k8s.io/kube-openapi/pkg/handler3"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// Handler returns the handler of /openapi/v2 and /openapi/v3 for the kinds
// served. A document is made when it is first asked for; those of kinds.All()
// are shared by every handler.
func Handler(served []*kinds.Kind) http.Handler {
	all := kinds.All()
	if len(served) == len(all) && len(all) > 0 && &served[0] == &all[0] {
		return ofAll()
	}
	return newServer(served)
}

var ofAll = sync.OnceValue(func() *server { return newServer(kinds.All()) })

// server has every document by its path below /openapi/.
type server struct {
	documents map[string]func() *document
}

func newServer(served []*kinds.Kind) *server {
	s := &server{documents: map[string]func() *document{}}
	for gv, of := range ByGroupVersion(served) {
		path := "apis/" + gv.String()
		if gv.Group == "" {
			path = "api/" + gv.Version
		}
		s.documents["v3/"+path] = sync.OnceValue(func() *document { return newDocument(documentV3(of), handler3.ToV3ProtoBinary) })
	}
	index := make([]string, 0, len(s.documents))
	for path := range s.documents {
		index = append(index, path)
	}
	s.documents["v3"] = sync.OnceValue(func() *document { return s.index(index) })
	s.documents["v2"] = sync.OnceValue(func() *document { return newDocument(documentV2(served), v2Protobuf) })
	return s
}

// index says where each document is, with a hash by which clients cache it.
func (s *server) index(paths []string) *document {
	var index handler3.OpenAPIV3Discovery
	index.Paths = map[string]handler3.OpenAPIV3DiscoveryGroupVersion{}
	for _, path := range paths {
		location := url.URL{Path: "/openapi/" + path, RawQuery: url.Values{"hash": {s.documents[path]().hash}}.Encode()}
		index.Paths[strings.TrimPrefix(path, "v3/")] = handler3.OpenAPIV3DiscoveryGroupVersion{ServerRelativeURL: location.String()}
	}
	return newDocument(index, nil)
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	of := s.documents[strings.Trim(strings.TrimPrefix(r.URL.Path, "/openapi/"), "/")]
	if of == nil {
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	of().ServeHTTP(w, r)
}

// document is one of them, encoded.
type document struct {
	json []byte
	hash string
	// protobuf is made on demand: few clients ask for it, and it is costly.
	protobuf func() ([]byte, error)
}

func newDocument(content any, toProtobuf func([]byte) ([]byte, error)) *document {
	body, err := json.Marshal(content)
	if err != nil {
		panic(fmt.Sprintf("openapi: encoding %T: %v", content, err))
	}
	d := &document{json: body, hash: fmt.Sprintf("%X", sha512.Sum512(body))}
	if toProtobuf != nil {
		d.protobuf = sync.OnceValues(func() ([]byte, error) { return toProtobuf(body) })
	}
	return d
}

func (d *document) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if hash := r.URL.Query().Get("hash"); hash != "" && hash != d.hash {
		location := *r.URL
		location.RawQuery = url.Values{"hash": {d.hash}}.Encode()
		http.Redirect(w, r, location.String(), http.StatusMovedPermanently)
		return
	}
	w.Header().Set("Vary", "Accept")
	mediaType, ok := d.choose(r.Header.Get("Accept"))
	if !ok {
		http.Error(w, "only application/json and protobuf are offered", http.StatusNotAcceptable)
		return
	}
	body := d.json
	if mediaType != "application/json" {
		var err error
		if body, err = d.protobuf(); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Type", mediaType)
	w.Header().Set("ETag", `"`+d.hash+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func v2Protobuf(asJSON []byte) ([]byte, error) {
	document, err := openapi_v2.ParseDocument(asJSON)
	if err != nil {
		return nil, err
	}
	return proto.Marshal(document)
}

// choose returns the first media type that the client accepts and the document has.
func (d *document) choose(accept string) (string, bool) {
	if strings.TrimSpace(accept) == "" {
		return "application/json", true
	}
	for clause := range strings.SplitSeq(accept, ",") {
		mediaType, _, err := mime.ParseMediaType(clause)
		switch {
		case err != nil && !strings.Contains(clause, "proto-openapi"):
		case mediaType == "application/json" || strings.HasSuffix(mediaType, "/*"):
			return "application/json", true
		case strings.Contains(clause, "proto-openapi") && d.protobuf != nil:
			// The name is not a media type by the letter, for its @.
			return strings.ReplaceAll(strings.TrimSpace(clause), "@", "."), true
		}
	}
	return "", false
}
