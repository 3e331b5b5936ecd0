package kubernetes

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/modfile"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

// TestKWOKVersion: what is built is what reports say.
func TestKWOKVersion(t *testing.T) {
	content, err := os.ReadFile("kwok/go.mod")
	require.NoError(t, err)
	module, err := modfile.Parse("kwok/go.mod", content, nil)
	require.NoError(t, err)
	require.Equal(t, kwokModule+"/cmd/kwok", module.Tool[0].Path)
	for _, required := range module.Require {
		if required.Mod.Path == kwokModule {
			require.Equal(t, KWOKVersion, required.Mod.Version)
			return
		}
	}
	t.Fatal("kwok/go.mod does not require KWOK")
}

// TestKWOKIsAKubelet: it takes the place of no other link.
func TestKWOKIsAKubelet(t *testing.T) {
	_, err := NewKWOK(nil).Start(t.Context(), assembly.Part{Share: implementation.Share{Links: []chain.Link{chain.Scheduler, chain.Kubelet}}})
	require.EqualError(t, err, "kwok has no scheduler")
}

// TestHollowNode: a Node has what the scenario asks for, and for the rest what
// KWOK's own tool would say.
func TestHollowNode(t *testing.T) {
	asked := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: "large", Labels: map[string]string{"disk": "ssd", corev1.LabelOSStable: "plan9"}},
		Status:     corev1.NodeStatus{Capacity: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("7")}},
	}
	node := hollowNode(asked, 3)
	assert.Equal(t, map[string]string{
		"disk": "ssd", corev1.LabelOSStable: "plan9", corev1.LabelArchStable: "amd64", corev1.LabelHostname: "large",
	}, node.Labels)
	for what, list := range map[string]corev1.ResourceList{"capacity": node.Status.Capacity, "allocatable": node.Status.Allocatable} {
		assert.Equal(t, "7 110", list.Cpu().String()+" "+list.Pods().String(), what)
	}
	assert.Equal(t, "192.0.2.3", node.Status.Addresses[0].Address)
	assert.Equal(t, map[string]string{"disk": "ssd", corev1.LabelOSStable: "plan9"}, asked.Labels, "the caller's object stays as it is")
}

// TestKustomized: the objects of nested kustomizations come in their order.
func TestKustomized(t *testing.T) {
	directory := t.TempDir()
	for name, content := range map[string]string{
		"top/kustomization.yaml":  "resources:\n- ../node\n- last.yaml\n",
		"top/last.yaml":           "name: last",
		"node/kustomization.yaml": "resources:\n- first.yaml\n- second.yaml\n",
		"node/first.yaml":         "name: first",
		"node/second.yaml":        "name: second",
	} {
		path := filepath.Join(directory, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	objects, err := kustomized(filepath.Join(directory, "top"))
	require.NoError(t, err)
	require.Equal(t, []string{"name: first", "name: second", "name: last"}, strings.Split(string(objects), "\n---\n"))
	_, err = kustomized(directory)
	require.ErrorContains(t, err, "kustomization.yaml")
}
