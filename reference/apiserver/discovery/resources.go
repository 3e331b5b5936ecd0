package discovery

import (
	"slices"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// extra is a subresource with a meaning of its own.
type extra struct {
	of    schema.GroupVersionResource
	name  string
	kind  schema.GroupVersionKind // without group and version: the resource's own
	verbs string
}

// extras are those that the generic part serves.
var extras = []extra{
	{core("pods"), "binding", own("Binding"), "create"},
	{core("pods"), "ephemeralcontainers", own("Pod"), "get patch update"},
	{core("pods"), "eviction", schema.GroupVersionKind{Group: "policy", Version: "v1", Kind: "Eviction"}, "create"},
	{core("pods"), "log", own("Pod"), "get"},
	{core("pods"), "resize", own("Pod"), "get patch update"},
	{core("namespaces"), "finalize", own("Namespace"), "update"},
	{core("serviceaccounts"), "token", schema.GroupVersionKind{Group: "authentication.k8s.io", Version: "v1", Kind: "TokenRequest"}, "create"},
}

// virtual is a resource that is only asked: POST answers, and nothing is stored.
type virtual struct {
	schema.GroupVersion
	resource, kind string
	namespaced     bool
}

// virtuals are those that the generic part answers for.
var virtuals = []virtual{
	{authenticationv1.SchemeGroupVersion, "selfsubjectreviews", "SelfSubjectReview", false},
	{authorizationv1.SchemeGroupVersion, "localsubjectaccessreviews", "LocalSubjectAccessReview", true},
	{authorizationv1.SchemeGroupVersion, "selfsubjectaccessreviews", "SelfSubjectAccessReview", false},
	{authorizationv1.SchemeGroupVersion, "selfsubjectrulesreviews", "SelfSubjectRulesReview", false},
	{authorizationv1.SchemeGroupVersion, "subjectaccessreviews", "SubjectAccessReview", false},
}

func core(resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Version: "v1", Resource: resource}
}

func own(kind string) schema.GroupVersionKind { return schema.GroupVersionKind{Kind: kind} }

const (
	objectVerbs      = "create delete deletecollection get list patch update watch"
	subresourceVerbs = "get patch update"
)

// version is one group version: what legacy discovery says of it, from which
// the aggregated document is made too.
type version struct {
	schema.GroupVersion
	resources []metav1.APIResource
}

// group is the versions of one API group, the preferred one first.
type group struct {
	name     string
	versions []version
}

// groups sorts the kinds' resources into groups, in the order of the kinds.
func groups(served []*kinds.Kind) []group {
	var all []group
	for _, k := range served {
		v := versionOf(&all, k.GroupVersion())
		v.resources = append(v.resources, resourcesOf(k)...)
	}
	for _, r := range virtuals {
		v := versionOf(&all, r.GroupVersion)
		v.resources = append(v.resources, metav1.APIResource{
			Name: r.resource, SingularName: strings.ToLower(r.kind), Kind: r.kind, Namespaced: r.namespaced, Verbs: verbs("create"),
		})
	}
	definitions := resourcesOf(kinds.CustomResourceDefinition)
	definitions[0].Verbs = verbs("get list watch")
	versionOf(&all, kinds.CustomResourceDefinition.GroupVersion()).resources = definitions
	for i := range all {
		for j := range all[i].versions {
			slices.SortFunc(all[i].versions[j].resources, func(a, b metav1.APIResource) int { return strings.Compare(a.Name, b.Name) })
		}
	}
	return all
}

func versionOf(all *[]group, gv schema.GroupVersion) *version {
	i := slices.IndexFunc(*all, func(g group) bool { return g.name == gv.Group })
	if i < 0 {
		i = len(*all)
		*all = append(*all, group{name: gv.Group})
	}
	g := &(*all)[i]
	j := slices.IndexFunc(g.versions, func(v version) bool { return v.GroupVersion == gv })
	if j < 0 {
		j = len(g.versions)
		g.versions = append(g.versions, version{GroupVersion: gv})
	}
	return &g.versions[j]
}

func resourcesOf(k *kinds.Kind) []metav1.APIResource {
	main := metav1.APIResource{
		Name:               k.Resource,
		SingularName:       k.Singular,
		Namespaced:         k.Namespaced,
		Kind:               k.Kind,
		Verbs:              verbs(objectVerbs),
		ShortNames:         k.ShortNames,
		Categories:         k.Categories,
		StorageVersionHash: storageVersionHash(k.GroupVersionKind),
	}
	if k.Resource == "namespaces" && k.Group == "" {
		main.Verbs = verbs("create delete get list patch update watch")
	}
	all := []metav1.APIResource{main}
	sub := func(name string, kind schema.GroupVersionKind, does string) {
		all = append(all, metav1.APIResource{
			Name: name, Namespaced: k.Namespaced,
			Group: kind.Group, Version: kind.Version, Kind: kind.Kind, Verbs: verbs(does),
		})
	}
	if k.PrepareForStatus != nil {
		sub(k.Resource+"/status", own(k.Kind), subresourceVerbs)
	}
	if k.Scale != nil {
		sub(k.Resource+"/scale", autoscalingv1.SchemeGroupVersion.WithKind("Scale"), subresourceVerbs)
	}
	for _, e := range extras {
		if e.of == k.GroupVersion().WithResource(k.Resource) {
			sub(k.Resource+"/"+e.name, e.kind, e.verbs)
		}
	}
	return all
}

func verbs(list string) metav1.Verbs { return strings.Fields(list) }
