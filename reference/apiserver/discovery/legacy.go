package discovery

import (
	"crypto/sha256"
	"encoding/base64"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// legacy makes the documents of unaggregated discovery (API-DISC-01): one on
// every level of the URL space. The result is by path.
func legacy(all []group) map[string]runtime.Object {
	documents := map[string]runtime.Object{}
	list := &metav1.APIGroupList{TypeMeta: typeMeta("APIGroupList"), Groups: []metav1.APIGroup{}}
	for _, g := range all {
		if g.name == "" {
			continue // /api, see versions
		}
		about := apiGroup(g)
		list.Groups = append(list.Groups, about)
		about.TypeMeta = typeMeta("APIGroup")
		documents["/apis/"+g.name] = &about
	}
	for _, g := range all {
		for _, v := range g.versions {
			path := "/apis/" + v.String()
			if g.name == "" {
				path = "/api/" + v.Version
			}
			resources := v.resources
			if resources == nil {
				resources = []metav1.APIResource{}
			}
			documents[path] = &metav1.APIResourceList{
				TypeMeta:     typeMeta("APIResourceList"),
				GroupVersion: v.String(),
				APIResources: resources,
			}
		}
	}
	documents["/apis"] = list
	return documents
}

func apiGroup(g group) metav1.APIGroup {
	about := metav1.APIGroup{Name: g.name}
	for _, v := range g.versions {
		about.Versions = append(about.Versions, metav1.GroupVersionForDiscovery{GroupVersion: v.String(), Version: v.Version})
	}
	about.PreferredVersion = about.Versions[0]
	return about
}

// versions is the document at /api, which says at which address it was asked.
func versions(host string) runtime.Object {
	return &metav1.APIVersions{
		TypeMeta:                   metav1.TypeMeta{Kind: "APIVersions"},
		Versions:                   []string{"v1"},
		ServerAddressByClientCIDRs: []metav1.ServerAddressByClientCIDR{{ClientCIDR: "0.0.0.0/0", ServerAddress: host}},
	}
}

func typeMeta(kind string) metav1.TypeMeta { return metav1.TypeMeta{Kind: kind, APIVersion: "v1"} }

// storageVersionHash lets clients see that the version something is stored in
// has changed; it has no other meaning.
func storageVersionHash(gvk schema.GroupVersionKind) string {
	sum := sha256.Sum256([]byte(gvk.Group + "/" + gvk.Version + "/" + gvk.Kind))
	return base64.StdEncoding.EncodeToString(sum[:8])
}
