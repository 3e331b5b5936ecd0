// Package permission knows what an account has to be allowed to do so that the
// specification can run in a cluster: the rules of the manifest, which is there
// to be applied.
package permission

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"golang.org/x/sync/errgroup"
	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/conformance/implementation/clients"
)

var (
	//go:embed account.yaml
	account string
	//go:embed clean.yaml
	clean string
	//go:embed disruptive.yaml
	disruptive string
)

// Extra is something that takes more permissions than the specification needs.
type Extra string

// What takes more.
var (
	// Cleaning serves to tell the remains of killed runs from runs in progress.
	Cleaning = Extra(clean)
	// Disruption affects other users of the cluster.
	Disruption = Extra(disruptive)
)

// Namespace of the account.
const Namespace = "podchain-account"

// Manifest returns the manifest of an account that may do what the specification
// needs, and what else it is for.
func Manifest(extra ...Extra) string {
	manifest := account
	for _, one := range extra {
		manifest += "---\n" + string(one)
	}
	return manifest
}

// Permission is to do one thing with one resource, in all namespaces.
type Permission struct {
	Verb, Group, Resource, Subresource string
}

// String returns the permission as kubectl auth can-i takes it.
func (p Permission) String() string {
	text := p.Verb + " " + p.Resource
	if p.Group != "" {
		text += "." + p.Group
	}
	if p.Subresource != "" {
		text += "/" + p.Subresource
	}
	return text
}

// Needed returns the permissions that the manifest grants, in its order.
func Needed(extra ...Extra) []Permission {
	var needed []Permission
	for _, document := range strings.Split(Manifest(extra...), "\n---\n") {
		role := rbacv1.ClusterRole{}
		if err := yaml.Unmarshal([]byte(document), &role); err != nil {
			panic(fmt.Sprintf("the embedded manifest: %v", err)) // a test reads it
		}
		for _, rule := range role.Rules {
			for _, group := range rule.APIGroups {
				for _, resource := range rule.Resources {
					resource, subresource, _ := strings.Cut(resource, "/")
					for _, verb := range rule.Verbs {
						needed = append(needed, Permission{verb, group, resource, subresource})
					}
				}
			}
		}
	}
	return needed
}

// ErrDenied says that an account may not do what was asked of it.
var ErrDenied = errors.New("not permitted")

// HowToGet is what to do about a permission that is missing.
const HowToGet = "podchain rbac prints the manifest of an account that may do all that is needed"

// questions is how many are asked at the same time.
const questions = 8

// Check asks the cluster what the client's account may do, and returns an error
// that lists all that is needed and not permitted. A cluster that does not
// answer such questions is taken at its word later.
func Check(ctx context.Context, client *clients.Clients, extra ...Extra) error {
	needed := Needed(extra...)
	denied := make([]bool, len(needed))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(questions)
	for i, permission := range needed {
		group.Go(func() error {
			review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
				ResourceAttributes: &authorizationv1.ResourceAttributes{
					Verb: permission.Verb, Group: permission.Group, Resource: permission.Resource, Subresource: permission.Subresource}}}
			answer, err := client.ReviewAccess(ctx, review)
			switch {
			case apierrors.IsNotFound(err) || apierrors.IsMethodNotSupported(err) || apierrors.IsForbidden(err):
				return nil // it says nothing about what is permitted
			case err != nil:
				return fmt.Errorf("cannot ask whether it is permitted to %s: %w", permission, err)
			}
			denied[i] = !answer.Status.Allowed
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	var missing []string
	for i, permission := range needed {
		if denied[i] {
			missing = append(missing, permission.String())
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("%w, in all namespaces:\n  %s\n%s", ErrDenied, strings.Join(missing, "\n  "), HowToGet)
}

// refusal is how an API server says that the authorizer said no: admission
// answers 403 too.
var refusal = regexp.MustCompile(`cannot \S+ (?:resource|path) "`)

// IsRefusal tells whether the message of a 403 Forbidden is about the account's
// permissions. Such a message names verb, resource and namespace.
func IsRefusal(message string) bool { return refusal.MatchString(message) }

// Denied tells whether an error is about a permission that is missing.
func Denied(err error) bool {
	return errors.Is(err, ErrDenied) || apierrors.IsForbidden(err) && IsRefusal(err.Error())
}
