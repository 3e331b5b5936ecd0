// Package served says what the reference's API server serves: which links handle a kind,
// and what is accepted although no link acts on it. The API server warns its clients by
// the same tables that users read.
//
//	rows.go      who looks after which kind
//	fields.go    fields that ask for what no link carries out
//	warnings.go  both, as the Warning headers of an answer
//	about.go     what the cluster is and is not, in prose
//	served.go    all of it, for pages and programs
package served

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/reference/apiserver/discovery"
	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// Kind is what a cluster does with the objects of a kind.
type Kind struct {
	Group      string `json:"group"`
	Version    string `json:"version"`
	Kind       string `json:"kind"`
	Resource   string `json:"resource"`
	Namespaced bool   `json:"namespaced"`
	// Subresources that are served beside it.
	Subresources []string `json:"subresources"`
	// Stored is false for what is only answered, such as a SubjectAccessReview.
	Stored bool `json:"stored"`
	// Defaulted says that fields that are left out are filled in.
	Defaulted bool `json:"defaulted"`
	// Validated says that its fields are validated. Otherwise only metadata and the
	// schema are.
	Validated bool `json:"validated"`
	// Links that act on it, or write or read it.
	Links []chain.Link `json:"links"`
	// Asks says that its objects ask for action. Without Links they have no effect.
	Asks bool `json:"asks"`
	// Does says what the links do, or what is not done.
	Does string `json:"does"`
	// Warning that a write of it is answered with, "" for none.
	Warning string `json:"warning,omitempty"`
}

// All returns every kind that a cluster of these links serves, in the order of
// discovery.
func All(present []chain.Link) []Kind {
	stored := map[schema.GroupVersionResource]*kinds.Kind{}
	for _, k := range kinds.All() {
		stored[k.GroupVersion().WithResource(k.Resource)] = k
	}
	warnings := NewWarnings(present)
	var all []Kind
	for _, version := range discovery.Resources(kinds.All()) {
		at := map[string]int{}
		for _, resource := range version.Resources {
			name, subresource, sub := strings.Cut(resource.Name, "/")
			if sub {
				// It sorts after the resource itself.
				of := &all[at[name]]
				of.Subresources = append(of.Subresources, subresource)
				continue
			}
			at[name] = len(all)
			served := Kind{
				Group: version.Group, Version: version.Version, Kind: resource.Kind, Resource: resource.Name,
				Namespaced: resource.Namespaced, Subresources: []string{},
			}
			if k := stored[version.WithResource(resource.Name)]; k != nil {
				served.Stored, served.Defaulted, served.Validated = true, k.Default != nil, k.Validate != nil
				served.Warning = warnings.ofKind(k)
			}
			r := rows[served.Group][served.Kind]
			served.Links, served.Asks, served.Does = append([]chain.Link{}, r.among(present)...), r.asks != nothing, r.does
			if served.Asks && len(served.Links) == 0 {
				served.Does = cmp.Or(r.missing, fmt.Sprintf("there is no %s", join(r.links)))
			}
			all = append(all, served)
		}
	}
	return all
}

// GroupVersion as discovery and manifests write it.
func (k Kind) GroupVersion() string {
	return schema.GroupVersion{Group: k.Group, Version: k.Version}.String()
}

// among returns the row's links that are present.
func (r row) among(present []chain.Link) []chain.Link {
	return slices.DeleteFunc(slices.Clone(r.links), func(link chain.Link) bool { return !slices.Contains(present, link) })
}

func join(links []chain.Link) string {
	names := make([]string, len(links))
	for i, link := range links {
		names[i] = string(link)
	}
	return strings.Join(names, " or ")
}
