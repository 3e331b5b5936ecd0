package permission_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/podchain/podchain/conformance/permission"
)

func TestNeeded(t *testing.T) {
	plain, all := permission.Needed(), permission.Needed(permission.Cleaning, permission.Disruption)
	assert.Contains(t, plain, permission.Permission{Verb: "create", Resource: "pods", Subresource: "binding"})
	assert.Contains(t, plain, permission.Permission{Verb: "watch", Group: "apps", Resource: "deployments"})
	disruptive := permission.Permission{Verb: "patch", Resource: "nodes"}
	assert.NotContains(t, plain, disruptive)
	assert.Contains(t, all, disruptive)
	assert.Subset(t, all, plain)
	assert.Equal(t, "get deployments.apps/scale", permission.Permission{Verb: "get", Group: "apps", Resource: "deployments", Subresource: "scale"}.String())
}

// Admission answers 403 as well: that is about the object, not about the account.
func TestDenied(t *testing.T) {
	pods := schema.GroupResource{Resource: "pods"}
	for name, test := range map[string]struct {
		err    error
		denied bool
	}{
		"nothing":           {nil, false},
		"something else":    {errors.New("cannot"), false},
		"the authorizer":    {apierrors.NewForbidden(pods, "a", errors.New(`User "u" cannot create resource "pods" in API group "" in the namespace "n"`)), true},
		"in a chain":        {fmt.Errorf("watching: %w", apierrors.NewForbidden(pods, "", errors.New(`User "u" cannot watch resource "pods" in API group "" at the cluster scope`))), true},
		"a quota":           {apierrors.NewForbidden(pods, "a", errors.New("exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1")), false},
		"a namespace's end": {apierrors.NewForbidden(pods, "a", errors.New("unable to create new content in namespace n because it is being terminated")), false},
		"a scenario's own":  {fmt.Errorf("%w: text", permission.ErrDenied), true},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.denied, permission.Denied(test.err)) })
	}
}
