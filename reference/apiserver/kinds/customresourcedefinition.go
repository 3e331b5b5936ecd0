package kinds

import "k8s.io/apimachinery/pkg/runtime/schema"

// CustomResourceDefinition is the kind of which there never is an object. It is not one
// of All: nothing can be stored of it.
var CustomResourceDefinition = &Kind{
	GroupVersionKind: schema.GroupVersionKind{Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition"},
	Resource:         "customresourcedefinitions",
	Singular:         "customresourcedefinition",
	ShortNames:       []string{"crd", "crds"},
	Categories:       []string{"api-extensions"},
	Columns:          plainColumns,
	Row:              plainRow,
}
