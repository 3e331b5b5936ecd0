package discovery

import (
	"crypto/sha512"
	"encoding/json"
	"fmt"
	"mime"
	"net/http"
	"strings"

	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const aggregatedType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// aggregated is the whole API in one document, under an ETag (API-DISC-02).
type aggregated struct {
	body []byte
	etag string
}

func newAggregated(all []group) *aggregated {
	list := apidiscoveryv2.APIGroupDiscoveryList{
		TypeMeta: metav1.TypeMeta{Kind: "APIGroupDiscoveryList", APIVersion: apidiscoveryv2.SchemeGroupVersion.String()},
		Items:    []apidiscoveryv2.APIGroupDiscovery{},
	}
	for _, g := range all {
		item := apidiscoveryv2.APIGroupDiscovery{ObjectMeta: metav1.ObjectMeta{Name: g.name}}
		for _, v := range g.versions {
			item.Versions = append(item.Versions, apidiscoveryv2.APIVersionDiscovery{
				Version:   v.Version,
				Resources: nested(v.resources),
				Freshness: apidiscoveryv2.DiscoveryFreshnessCurrent,
			})
		}
		list.Items = append(list.Items, item)
	}
	body, err := json.Marshal(list)
	if err != nil {
		panic(fmt.Sprintf("discovery: encoding the aggregated document: %v", err))
	}
	return &aggregated{body: body, etag: fmt.Sprintf(`"%X"`, sha512.Sum512(body))}
}

// nested puts subresources, which follow their resource in the sorted list,
// into it.
func nested(flat []metav1.APIResource) []apidiscoveryv2.APIResourceDiscovery {
	var all []apidiscoveryv2.APIResourceDiscovery
	for _, r := range flat {
		kind := &metav1.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
		if _, sub, ok := strings.Cut(r.Name, "/"); ok {
			parent := &all[len(all)-1]
			parent.Subresources = append(parent.Subresources, apidiscoveryv2.APISubresourceDiscovery{
				Subresource: sub, ResponseKind: kind, Verbs: r.Verbs,
			})
			continue
		}
		scope := apidiscoveryv2.ScopeCluster
		if r.Namespaced {
			scope = apidiscoveryv2.ScopeNamespace
		}
		all = append(all, apidiscoveryv2.APIResourceDiscovery{
			Resource: r.Name, ResponseKind: kind, Scope: scope, SingularResource: r.SingularName,
			Verbs: r.Verbs, ShortNames: r.ShortNames, Categories: r.Categories,
		})
	}
	return all
}

func (a *aggregated) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", a.etag)
	w.Header().Set("Cache-Control", "public")
	if r.Header.Get("If-None-Match") == a.etag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", aggregatedType)
	_, _ = w.Write(a.body) // fails only when the client has gone
}

// wantsAggregated says whether the aggregated document comes before the legacy
// one in what the client accepts. Other versions of it are not served.
func wantsAggregated(accept string) bool {
	for clause := range strings.SplitSeq(accept, ",") {
		mediaType, parameters, err := mime.ParseMediaType(clause)
		if err != nil {
			continue
		}
		if mediaType == "application/json" && parameters["g"] == apidiscoveryv2.GroupName &&
			parameters["v"] == "v2" && strings.EqualFold(parameters["as"], "APIGroupDiscoveryList") {
			return true
		}
		if parameters["as"] == "" {
			return false
		}
	}
	return false
}
