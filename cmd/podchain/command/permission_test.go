package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/permission"
	"github.com/podchain/podchain/conformance/runresources"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
)

// authorizer stands in front of the reference, which lets everybody do everything,
// and refuses what is not granted in the words of Kubernetes. It remembers what
// was asked for.
type authorizer struct {
	granted []permission.Permission
	// quiet: it does not tell beforehand what is granted.
	quiet bool
	pass  http.Handler

	mu    sync.Mutex
	asked map[permission.Permission]bool
}

// authorize returns the URL of an authorizer in front of a served cluster.
func authorize(t *testing.T, s *served, a *authorizer) string {
	t.Helper()
	config := s.config(t)
	target, err := url.Parse(config.Host)
	require.NoError(t, err)
	transport, err := rest.TransportFor(config)
	require.NoError(t, err)
	a.asked = map[permission.Permission]bool{}
	a.pass = &httputil.ReverseProxy{FlushInterval: -1, Transport: transport,
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Header.Del("Authorization") }}
	server := httptest.NewServer(a)
	t.Cleanup(server.Close)
	return server.URL
}

func (a *authorizer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	wanted, namespace := attributes(r)
	switch {
	case wanted.Resource == "": // a document of the API
	case wanted.Group == authorizationv1.GroupName:
		a.review(w, r)
		return
	default:
		a.mu.Lock()
		a.asked[wanted] = true
		a.mu.Unlock()
		if !slices.Contains(a.granted, wanted) {
			a.refuse(w, wanted, namespace)
			return
		}
	}
	a.pass.ServeHTTP(w, r)
}

// used are the permissions that were asked for since this was asked last.
func (a *authorizer) used() []permission.Permission {
	a.mu.Lock()
	defer a.mu.Unlock()
	asked := slices.Collect(maps.Keys(a.asked))
	clear(a.asked)
	return asked
}

func (a *authorizer) review(w http.ResponseWriter, r *http.Request) {
	var review authorizationv1.SelfSubjectAccessReview
	if a.quiet || json.NewDecoder(r.Body).Decode(&review) != nil {
		http.NotFound(w, r)
		return
	}
	asked := review.Spec.ResourceAttributes
	review.Status.Allowed = slices.Contains(a.granted, permission.Permission{
		Verb: asked.Verb, Group: asked.Group, Resource: asked.Resource, Subresource: asked.Subresource})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(review) // whoever went away knows
}

func (a *authorizer) refuse(w http.ResponseWriter, wanted permission.Permission, namespace string) {
	resource := wanted.Resource
	if wanted.Subresource != "" {
		resource += "/" + wanted.Subresource
	}
	where := "at the cluster scope"
	if namespace != "" {
		where = fmt.Sprintf("in the namespace %q", namespace)
	}
	status := apierrors.NewForbidden(schema.GroupResource{Group: wanted.Group, Resource: wanted.Resource}, "",
		fmt.Errorf(`User "u" cannot %s resource %q in API group %q %s`, wanted.Verb, resource, wanted.Group, where)).Status()
	status.TypeMeta = metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusForbidden)
	_ = json.NewEncoder(w).Encode(status) // whoever went away knows
}

// attributes are what a request is about, in the words of RBAC.
func attributes(r *http.Request) (wanted permission.Permission, namespace string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		wanted.Group, parts = parts[1], parts[3:]
	default:
		return wanted, ""
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		namespace, parts = parts[1], parts[2:]
	}
	wanted.Resource = parts[0]
	wanted.Verb = map[string]string{http.MethodGet: "get", http.MethodPost: "create", http.MethodPut: "update",
		http.MethodPatch: "patch", http.MethodDelete: "delete"}[r.Method]
	switch {
	case r.Method == http.MethodGet && (r.URL.Query().Get("watch") == "true" || r.URL.Query().Get("watch") == "1"):
		wanted.Verb = "watch"
	case r.Method == http.MethodGet && len(parts) == 1:
		wanted.Verb = "list"
	case r.Method == http.MethodDelete && len(parts) == 1:
		wanted.Verb = "deletecollection"
	}
	if len(parts) > 2 {
		wanted.Subresource = strings.Join(parts[2:], "/")
	}
	return wanted, namespace
}

// without returns those of the permissions that are not among the others.
func without(permissions, others []permission.Permission) []string {
	var left []string
	for _, p := range permissions {
		if !slices.Contains(others, p) {
			left = append(left, p.String())
		}
	}
	slices.Sort(left)
	return left
}

// The account may do what the whole specification needs, in shards at once as in a
// Job, and nothing that it does not; and with podchain rbac what podchain clean does.
func TestTheManifestGrantsWhatIsNeededAndNothingElse(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("it runs the whole specification in real time")
	}
	served := startServe(t)
	client, err := kubernetes.NewForConfig(served.config(t))
	require.NoError(t, err)
	_, err = client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: "podchain-killed", Labels: map[string]string{runresources.RunLabel: "killed"}}}, metav1.CreateOptions{})
	require.NoError(t, err)
	a := &authorizer{granted: permission.Needed()}
	file := filepath.Join(t.TempDir(), "k")
	write(t, filepath.Dir(file), "k", kubeconfigFor(authorize(t, served, a), "t"))
	var shards sync.WaitGroup
	for shard := range 3 {
		shards.Go(func() {
			// Most of it is waiting.
			verify := podchain(t, "verify", "--kubeconfig", file, "--parallel", "8", "--shard", fmt.Sprintf("%d/3", shard+1))
			status, stdout, stderr := run(t, verify)
			assert.Equal(t, 0, status, "%s%s", stdout, stderr)
		})
	}
	shards.Wait()
	asked := a.used()
	assert.Empty(t, without(permission.Needed(), asked), "granted, and never asked for")
	assert.Empty(t, without(asked, permission.Needed()), "asked for, and not granted")

	a.granted = permission.Needed(permission.Cleaning)
	status, stdout, stderr := run(t, podchain(t, "clean", "--kubeconfig", file))
	assert.Equal(t, 0, status, "%s%s", stdout, stderr)
	assert.Equal(t, "removed run killed: 1 namespaces\n", stdout)
	cleaned := a.used()
	assert.Empty(t, without(a.granted, slices.Concat(asked, cleaned)), "granted, and never asked for")
	assert.Empty(t, without(cleaned, a.granted), "asked for, and not granted")
}

// What disturbs others needs more, where somebody offers it, and nothing else.
func TestTheManifestGrantsWhatDisturbsOthers(t *testing.T) {
	t.Parallel()
	served := startServe(t, "--control", "control")
	all := permission.Needed(permission.Cleaning, permission.Disruption)
	a := &authorizer{granted: all}
	command := podchain(t, "verify", "--kubeconfig", "k", "--control", filepath.Join(served.Dir, "control"), "--allow", "disruptive")
	for _, requirement := range needing(t, "nodes") {
		command.Args = append(command.Args, "--select", requirement)
	}
	write(t, command.Dir, "k", kubeconfigFor(authorize(t, served, a), "t"))
	status, stdout, stderr := run(t, command)
	assert.Equal(t, 0, status, "%s%s", stdout, stderr)
	client, err := kubernetes.NewForConfig(served.config(t))
	require.NoError(t, err)
	_, err = client.CoreV1().Nodes().Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: "podchain-killed-n1", Labels: map[string]string{runresources.RunLabel: "killed"}}}, metav1.CreateOptions{})
	require.NoError(t, err)
	clean := podchain(t, "clean", "--kubeconfig", filepath.Join(command.Dir, "k"), "--run", "killed")
	status, stdout, stderr = run(t, clean)
	assert.Equal(t, 0, status, "%s%s", stdout, stderr)
	assert.Equal(t, "removed run killed: 0 namespaces, nodes podchain-killed-n1\n", stdout)
	asked := a.used()
	assert.Empty(t, without(permission.Needed(permission.Disruption)[len(permission.Needed()):], asked), "granted, and never asked for")
	assert.Empty(t, without(asked, all), "asked for, and not granted")
}

// needing returns the ids of the requirements that need a capability.
func needing(t *testing.T, capability string) []string {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	var ids []string
	for _, requirement := range whole.Requirements {
		if slices.ContainsFunc(requirement.Examples, func(example *specification.Example) bool {
			return slices.Contains(example.Capabilities, capability)
		}) {
			ids = append(ids, requirement.ID)
		}
	}
	return ids
}

// located returns what selects the scenario of that name.
func located(t *testing.T, scenario string) string {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	for _, requirement := range whole.Requirements {
		for _, example := range requirement.Examples {
			if example.Name == scenario {
				return example.Location.String()
			}
		}
	}
	t.Fatalf("no scenario is called %q", scenario)
	return ""
}

// Each permission of the account is one without which nothing is done: what is missing
// is named.
func TestEveryPermissionIsNeeded(t *testing.T) {
	t.Parallel()
	served := startServe(t)
	for _, missing := range permission.Needed() {
		t.Run(missing.String(), func(t *testing.T) {
			t.Parallel()
			granted := slices.DeleteFunc(permission.Needed(), func(p permission.Permission) bool { return p == missing })
			file := filepath.Join(t.TempDir(), "k")
			write(t, filepath.Dir(file), "k", kubeconfigFor(authorize(t, served, &authorizer{granted: granted}), "t"))
			verify := New(Options{})
			verify.SetArgs([]string{"verify", "--kubeconfig", file, "--select", "RS-01"})
			verify.SetOut(io.Discard)
			verify.SetErr(io.Discard)
			err := verify.ExecuteContext(t.Context())
			assert.Equal(t, statusUnable, status(err))
			require.ErrorIs(t, err, permission.ErrDenied)
			assert.Contains(t, err.Error(), "not permitted, in all namespaces:\n  "+missing.String()+"\npodchain rbac")
		})
	}
	t.Cleanup(func() { nothingLeft(t, clientOf(t, served)) }) // after the parallel cases
}

func TestAMissingPermissionCouldNotRun(t *testing.T) {
	t.Parallel()
	served := startServe(t)
	client, err := kubernetes.NewForConfig(served.config(t))
	require.NoError(t, err)
	for name, test := range map[string]struct {
		missing []string
		quiet   bool
		select_ string
		stderr  []string
		stdout  []string
	}{
		"told before anything is done": {
			missing: []string{"create pods/binding", "watch replicasets.apps"},
			stderr:  []string{"not permitted, in all namespaces:\n  watch replicasets.apps\n  create pods/binding\n", "podchain rbac"},
		},
		"found out by a scenario": {
			missing: []string{"create pods/binding"}, quiet: true, select_: located(t, "A Pod bound by hand is run"),
			stdout: []string{"COULD NOT RUN  CHAIN-", `cannot create resource "pods/binding" in API group "" in the namespace "podchain-`, "podchain rbac", "0 failed, 1 could not run"},
		},
		"found out by its watches": {
			missing: []string{"watch replicasets.apps"}, quiet: true, select_: "SCHED-02",
			stdout: []string{`cannot watch resource "replicasets" in API group "apps" in the namespace "podchain-`, "0 failed, 1 could not run"},
		},
		"found out at once": {
			missing: []string{"create namespaces"}, quiet: true, select_: "SCHED-02",
			stderr: []string{`cannot create resource "namespaces" in API group "" at the cluster scope`},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := &authorizer{quiet: test.quiet, granted: slices.DeleteFunc(permission.Needed(), func(p permission.Permission) bool {
				return slices.Contains(test.missing, p.String())
			})}
			command := podchain(t, "verify", "--kubeconfig", "k")
			if test.select_ != "" {
				command.Args = append(command.Args, "--select", test.select_)
			}
			write(t, command.Dir, "k", kubeconfigFor(authorize(t, served, a), "t"))
			status, stdout, stderr := run(t, command)
			assert.Equal(t, statusUnable, status)
			for _, text := range test.stdout {
				assert.Contains(t, flat(stdout), flat(text))
			}
			for _, text := range test.stderr {
				assert.Contains(t, flat(stderr), flat(text))
			}
		})
	}
	t.Cleanup(func() { // after the parallel cases
		left, err := client.CoreV1().Namespaces().List(context.Background(), metav1.ListOptions{LabelSelector: "podchain.dev/run"})
		if assert.NoError(t, err) {
			assert.Empty(t, left.Items)
		}
	})
}
