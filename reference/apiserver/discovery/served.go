package discovery

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// Version is one group version and the resources in it, subresources after their own.
type Version struct {
	schema.GroupVersion
	Resources []metav1.APIResource
}

// Resources returns what the documents list for the kinds served.
func Resources(served []*kinds.Kind) []Version {
	var all []Version
	for _, g := range groups(served) {
		for _, v := range g.versions {
			all = append(all, Version{v.GroupVersion, v.resources})
		}
	}
	return all
}
