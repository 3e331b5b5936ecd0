package openapi

import (
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/kube-openapi/pkg/spec3"
	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

const (
	apiTitle   = "Kubernetes"
	apiVersion = "v1.37.2"
)

// Models are the schemas of the document for some kinds, by name: what server-side apply
// needs to know of them.
func Models(served []*kinds.Kind) map[string]*spec.Schema {
	s := newSchemas(v3)
	for _, k := range served {
		s.stands(typeOf(k.GroupVersionKind), k.GroupVersionKind)
	}
	return s.models()
}

// documentV3 describes the kinds of one group version.
func documentV3(served []*kinds.Kind) *spec3.OpenAPI {
	s := newSchemas(v3)
	paths := &spec3.Paths{Paths: map[string]*spec3.Path{}}
	for _, k := range served {
		s.stands(typeOf(k.GroupVersionKind), k.GroupVersionKind)
		s.stands(typeOf(k.GroupVersion().WithKind(k.Kind+"List")), k.GroupVersion().WithKind(k.Kind+"List"))
		for _, o := range operations(k) {
			paths.Paths[o.path] = o.addV3(paths.Paths[o.path], s)
		}
	}
	return &spec3.OpenAPI{
		Version:    "3.0.0",
		Info:       &spec.Info{InfoProps: spec.InfoProps{Title: apiTitle, Version: apiVersion}},
		Paths:      paths,
		Components: &spec3.Components{Schemas: s.models()},
	}
}

func (o *operation) addV3(path *spec3.Path, s *schemas) *spec3.Path {
	if path == nil {
		path = &spec3.Path{}
		for _, name := range o.inPath() {
			path.Parameters = append(path.Parameters, parameterV3("path", parameter{name: name, kind: "string", description: name + " of the object"}))
		}
	}
	op := &spec3.Operation{OperationProps: spec3.OperationProps{
		Tags: []string{o.tag()}, Description: o.summary(), OperationId: o.id,
		Responses: &spec3.Responses{ResponsesProps: spec3.ResponsesProps{StatusCodeResponses: map[int]*spec3.Response{
			200: {ResponseProps: spec3.ResponseProps{Description: "OK", Content: contentV3(answerTypes, s.of(o.answer))}},
		}}},
	}}
	op.AddExtension(actionKey, o.action)
	op.AddExtension(kindKey, kindExtension(o.kind))
	for _, p := range o.parameters {
		op.Parameters = append(op.Parameters, parameterV3("query", p))
	}
	if o.body != nil {
		types := []string{"*/*"}
		if o.patch {
			types = patchTypes
		}
		op.RequestBody = &spec3.RequestBody{RequestBodyProps: spec3.RequestBodyProps{
			Content: contentV3(types, s.of(o.body)), Required: o.body != deleteType,
		}}
	}
	switch o.method {
	case "get":
		path.Get = op
	case "put":
		path.Put = op
	case "post":
		path.Post = op
	case "patch":
		path.Patch = op
	case "delete":
		path.Delete = op
	}
	return path
}

func contentV3(types []string, ref spec.Schema) map[string]*spec3.MediaType {
	content := map[string]*spec3.MediaType{}
	for _, mediaType := range types {
		content[mediaType] = &spec3.MediaType{MediaTypeProps: spec3.MediaTypeProps{Schema: &ref}}
	}
	return content
}

func parameterV3(in string, p parameter) *spec3.Parameter {
	return &spec3.Parameter{ParameterProps: spec3.ParameterProps{
		Name: p.name, In: in, Description: p.description, Required: in == "path",
		Schema: &spec.Schema{SchemaProps: spec.SchemaProps{Type: []string{p.kind}}},
	}}
}

// ByGroupVersion are the kinds of each document of version 3.
func ByGroupVersion(served []*kinds.Kind) map[schema.GroupVersion][]*kinds.Kind {
	all := map[schema.GroupVersion][]*kinds.Kind{}
	for _, k := range served {
		all[k.GroupVersion()] = append(all[k.GroupVersion()], k)
	}
	return all
}
