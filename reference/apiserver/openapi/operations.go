package openapi

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// operation is what can be done at a path, in no version of OpenAPI yet.
type operation struct {
	method, path string
	action       string
	id           string
	kind         schema.GroupVersionKind
	resource     *kinds.Kind
	// body and answer are Go types; body is nil where there is none.
	body, answer reflect.Type
	patch        bool
	parameters   []parameter
}

// parameter is one in the query.
type parameter struct{ name, kind, description string }

// The parameters of writes. That PATCH declares fieldValidation is what lets
// kubectl leave validation to the server (API-DISC-03).
var (
	dryRun       = parameter{"dryRun", "string", "When present, indicates that modifications should not be persisted."}
	fieldManager = parameter{"fieldManager", "string", "The actor or entity that is making these changes. Required for apply requests."}
	validation   = parameter{"fieldValidation", "string", "How to handle unknown or duplicate fields of the object: Ignore, Warn or Strict."}
	force        = parameter{"force", "boolean", "Take fields of an apply request over from the managers that own them."}

	write = []parameter{dryRun, fieldManager, validation}

	selectors = []parameter{
		{"fieldSelector", "string", "Restricts the objects by their fields."},
		{"labelSelector", "string", "Restricts the objects by their labels."},
	}
	list = append([]parameter{
		{"allowWatchBookmarks", "boolean", "Asks for events of type BOOKMARK."},
		{"continue", "string", "Where to continue a list that was cut off at the limit."},
		{"limit", "integer", "The most objects to return at once."},
		{"resourceVersion", "string", "Which versions may be returned."},
		{"resourceVersionMatch", "string", "How resourceVersion is applied."},
		{"sendInitialEvents", "boolean", "Starts a watch with the objects that are there."},
		{"timeoutSeconds", "integer", "Ends the call after this time."},
		{"watch", "boolean", "Watch for changes instead of listing."},
	}, selectors...)
	remove = []parameter{
		dryRun,
		{"gracePeriodSeconds", "integer", "How long to wait until the object is deleted."},
		{"propagationPolicy", "string", "What happens to dependents: Orphan, Background or Foreground."},
	}
)

// operations are those on the objects of a kind.
func operations(k *kinds.Kind) []operation {
	object, objects := typeOf(k.GroupVersionKind), typeOf(k.GroupVersion().WithKind(k.Kind+"List"))
	collection := "/apis/" + k.GroupVersion().String()
	if k.Group == "" {
		collection = "/api/" + k.Version
	}
	everywhere, scope := collection+"/"+k.Resource, ""
	if k.Namespaced {
		collection += "/namespaces/{namespace}"
		scope = "Namespaced"
	}
	collection += "/" + k.Resource
	item := collection + "/{name}"

	var all []operation
	add := func(method, path, action, id string, body, answer reflect.Type, parameters []parameter) *operation {
		all = append(all, operation{
			method: method, path: path, action: action, id: operationID(id, k.GroupVersion(), k.Kind), kind: k.GroupVersionKind,
			resource: k, body: body, answer: answer, parameters: parameters,
		})
		return &all[len(all)-1]
	}
	// apply adds the operations on one object, or on one view of it.
	apply := func(path, suffix string, kind schema.GroupVersionKind, t reflect.Type) {
		ids := scope + "%s" + suffix
		add("get", path, "get", "read"+ids, nil, t, nil).kind = kind
		add("put", path, "put", "replace"+ids, t, t, write).kind = kind
		patch := add("patch", path, "patch", "patch"+ids, patchType, t, slices.Concat(write, []parameter{force}))
		patch.patch, patch.kind = true, kind
	}
	if k.Namespaced {
		add("get", everywhere, "list", "list%sForAllNamespaces", nil, objects, list)
	}
	add("get", collection, "list", "list"+scope+"%s", nil, objects, list)
	add("post", collection, "post", "create"+scope+"%s", object, object, write)
	add("delete", collection, "deletecollection", "deleteCollection"+scope+"%s", deleteType, statusType, slices.Concat(remove, list))
	apply(item, "", k.GroupVersionKind, object)
	add("delete", item, "delete", "delete"+scope+"%s", deleteType, statusType, remove)
	if k.PrepareForStatus != nil {
		apply(item+"/status", "Status", k.GroupVersionKind, object)
	}
	if k.Scale != nil {
		apply(item+"/scale", "Scale", autoscalingv1.SchemeGroupVersion.WithKind("Scale"), reflect.TypeFor[autoscalingv1.Scale]())
	}
	return all
}

// operationID names an operation as generated clients name its method:
// the verb, the group version, the rest.
func operationID(pattern string, gv schema.GroupVersion, kind string) string {
	group, _, _ := strings.Cut(gv.Group, ".")
	if group == "" {
		group = "core"
	}
	verb := strings.IndexFunc(pattern, func(r rune) bool { return r == '%' || r >= 'A' && r <= 'Z' })
	if strings.HasPrefix(pattern, "deleteCollection") {
		verb = len("deleteCollection")
	}
	return pattern[:verb] + title(group) + title(gv.Version) + fmt.Sprintf(pattern[verb:], kind)
}

func title(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

func typeOf(gvk schema.GroupVersionKind) reflect.Type {
	obj, err := scheme.Scheme.New(gvk)
	if err != nil {
		panic(fmt.Sprintf("openapi: a kind is served that the scheme does not know: %v", err))
	}
	return reflect.TypeOf(obj).Elem()
}

// summary is the operation in words.
func (o *operation) summary() string {
	verb := map[string]string{
		"get": "read", "list": "list or watch objects of kind", "post": "create", "put": "replace",
		"patch": "partially update", "delete": "delete", "deletecollection": "delete collection of",
	}[o.action]
	return verb + " " + o.kind.Kind
}

// inPath are the names in braces of the path.
func (o *operation) inPath() []string {
	var names []string
	for part := range strings.SplitSeq(o.path, "/") {
		if name, ok := strings.CutPrefix(part, "{"); ok {
			names = append(names, strings.TrimSuffix(name, "}"))
		}
	}
	return names
}

func (o *operation) tag() string {
	group, _, _ := strings.Cut(o.resource.Group, ".")
	if group == "" {
		group = "core"
	}
	return group + "_" + o.resource.Version
}

var patchTypes = []string{
	"application/apply-patch+yaml", "application/json-patch+json", "application/merge-patch+json", "application/strategic-merge-patch+json",
}

var answerTypes = []string{"application/json", "application/vnd.kubernetes.protobuf", "application/yaml"}
