package apiserver

import (
	"net/http"
	"strings"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/uuid"
)

// admin is who every admitted client is.
var admin = authenticationv1.UserInfo{
	Username: "admin", Groups: []string{"system:masters", "system:authenticated"},
}

// virtual are the resources that can only be created, and of which nothing is
// stored: the answer is the object with its status filled in.
var virtual = map[schema.GroupVersionResource]*struct {
	kind string
	fill func(runtime.Object)
}{
	authorizationv1.SchemeGroupVersion.WithResource("subjectaccessreviews"): {"SubjectAccessReview", func(obj runtime.Object) {
		obj.(*authorizationv1.SubjectAccessReview).Status.Allowed = true
	}},
	authorizationv1.SchemeGroupVersion.WithResource("selfsubjectaccessreviews"): {"SelfSubjectAccessReview", func(obj runtime.Object) {
		obj.(*authorizationv1.SelfSubjectAccessReview).Status.Allowed = true
	}},
	authorizationv1.SchemeGroupVersion.WithResource("localsubjectaccessreviews"): {"LocalSubjectAccessReview", func(obj runtime.Object) {
		obj.(*authorizationv1.LocalSubjectAccessReview).Status.Allowed = true
	}},
	authorizationv1.SchemeGroupVersion.WithResource("selfsubjectrulesreviews"): {"SelfSubjectRulesReview", func(obj runtime.Object) {
		all := []string{"*"}
		obj.(*authorizationv1.SelfSubjectRulesReview).Status = authorizationv1.SubjectRulesReviewStatus{
			ResourceRules:    []authorizationv1.ResourceRule{{Verbs: all, APIGroups: all, Resources: all}},
			NonResourceRules: []authorizationv1.NonResourceRule{{Verbs: all, NonResourceURLs: all}},
		}
	}},
	authenticationv1.SchemeGroupVersion.WithResource("selfsubjectreviews"): {"SelfSubjectReview", func(obj runtime.Object) {
		obj.(*authenticationv1.SelfSubjectReview).Status.UserInfo = admin
	}},
}

// serveVirtual answers for a virtual resource; done says that path was one.
func (s *Server) serveVirtual(w http.ResponseWriter, r *http.Request, path []string) (done bool, err error) {
	if path[0] != "apis" {
		return false, nil
	}
	gv := schema.GroupVersion{Group: path[1], Version: path[2]}
	rest := path[3:]
	if len(rest) == 3 && rest[0] == "namespaces" {
		rest = rest[2:]
	}
	v := virtual[gv.WithResource(rest[0])]
	if v == nil || len(rest) != 1 {
		return false, nil
	}
	if r.Method != http.MethodPost {
		return true, apierrors.NewMethodNotSupported(gv.WithResource(rest[0]).GroupResource(), strings.ToLower(r.Method))
	}
	rq := &request{ctx: r.Context(), http: r, query: r.URL.Query(), accepted: accept(r, nil)}
	obj, err := rq.decodeBody(gv.WithKind(v.kind))
	if err != nil {
		return true, err
	}
	v.fill(obj)
	return true, rq.write(w, &answer{code: http.StatusCreated, object: withKind(obj)})
}

// issueToken answers a TokenRequest. The token is never checked: see Options.Token.
func (s *Server) issueToken(rq *request) (*answer, error) {
	body, err := rq.decodeBody(authenticationv1.SchemeGroupVersion.WithKind("TokenRequest"))
	if err != nil {
		return nil, err
	}
	if _, err := s.get(rq); err != nil {
		return nil, err
	}
	token := body.(*authenticationv1.TokenRequest)
	lifetime := time.Hour
	if seconds := token.Spec.ExpirationSeconds; seconds != nil {
		lifetime = time.Duration(*seconds) * time.Second
	}
	token.Name, token.Namespace = rq.name, rq.namespace
	token.Status = authenticationv1.TokenRequestStatus{
		Token:               string(uuid.NewUUID()),
		ExpirationTimestamp: metav1.NewTime(time.Now().Add(lifetime).UTC().Truncate(time.Second)),
	}
	return &answer{code: http.StatusCreated, object: withKind(token)}, nil
}
