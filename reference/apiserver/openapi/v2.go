package openapi

import (
	"k8s.io/kube-openapi/pkg/validation/spec"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// documentV2 describes all kinds at once.
func documentV2(served []*kinds.Kind) *spec.Swagger {
	s := newSchemas(v2)
	paths := map[string]spec.PathItem{}
	for _, k := range served {
		s.stands(typeOf(k.GroupVersionKind), k.GroupVersionKind)
		s.stands(typeOf(k.GroupVersion().WithKind(k.Kind+"List")), k.GroupVersion().WithKind(k.Kind+"List"))
		for _, o := range operations(k) {
			paths[o.path] = o.addV2(paths[o.path], s)
		}
	}
	return &spec.Swagger{SwaggerProps: spec.SwaggerProps{
		Swagger:     "2.0",
		Info:        &spec.Info{InfoProps: spec.InfoProps{Title: apiTitle, Version: apiVersion}},
		Paths:       &spec.Paths{Paths: paths},
		Definitions: s.byName,
	}}
}

func (o *operation) addV2(path spec.PathItem, s *schemas) spec.PathItem {
	if path.Parameters == nil {
		for _, name := range o.inPath() {
			path.Parameters = append(path.Parameters, parameterV2("path", parameter{name: name, kind: "string", description: name + " of the object"}))
		}
	}
	answer := s.of(o.answer)
	op := &spec.Operation{OperationProps: spec.OperationProps{
		Tags: []string{o.tag()}, Description: o.summary(), ID: o.id, Produces: answerTypes, Consumes: []string{"*/*"},
		Responses: &spec.Responses{ResponsesProps: spec.ResponsesProps{StatusCodeResponses: map[int]spec.Response{
			200: {ResponseProps: spec.ResponseProps{Description: "OK", Schema: &answer}},
		}}},
	}}
	op.AddExtension(actionKey, o.action)
	op.AddExtension(kindKey, kindExtension(o.kind))
	if o.patch {
		op.Consumes = patchTypes
	}
	for _, p := range o.parameters {
		op.Parameters = append(op.Parameters, parameterV2("query", p))
	}
	if o.body != nil {
		body := s.of(o.body)
		op.Parameters = append(op.Parameters, spec.Parameter{ParamProps: spec.ParamProps{Name: "body", In: "body", Schema: &body, Required: o.body != deleteType}})
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

func parameterV2(in string, p parameter) spec.Parameter {
	return spec.Parameter{
		SimpleSchema: spec.SimpleSchema{Type: p.kind},
		ParamProps:   spec.ParamProps{Name: p.name, In: in, Description: p.description, Required: in == "path"},
	}
}
