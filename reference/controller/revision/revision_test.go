package revision_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/controller/controllertest"
	"github.com/podchain/podchain/reference/controller/revision"
)

func template(image string) *corev1.PodTemplateSpec {
	return &corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"app": "db"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "db", Image: image}}},
	}
}

// A look at an owner whose revision the cache does not show yet finds the one
// that was made a moment ago, also when the owner's status has been written in
// between. A second one would have every Pod replaced.
func TestTheCacheIsBehind(t *testing.T) {
	controllertest.InBubble(t, func(w *controllertest.World) {
		client := w.ControllerRevisions("default")
		owner := revision.Owner{
			Object:    &metav1.ObjectMeta{Name: "db", Namespace: "default", UID: "1"},
			Kind:      appsv1.SchemeGroupVersion.WithKind("StatefulSet"),
			Template:  template("db:1"),
			HashLabel: "hash",
		}
		first, collisions, err := revision.Current(w.Context(), client, owner, nil)
		require.NoError(w, err)
		require.Nil(w, collisions)
		for _, told := range []*int32{nil, ptr.To[int32](0)} {
			owner.Collisions = told
			again, _, err := revision.Current(w.Context(), client, owner, nil)
			require.NoError(w, err)
			require.Equal(w, first, again)
		}
		all, err := client.List(w.Context(), metav1.ListOptions{})
		require.NoError(w, err)
		require.Len(w, all.Items, 1)
	})
}

// A name that another template has taken is left to it, and counted.
func TestCollision(t *testing.T) {
	controllertest.InBubble(t, func(w *controllertest.World) {
		client := w.ControllerRevisions("default")
		owner := revision.Owner{
			Object:    &metav1.ObjectMeta{Name: "db", Namespace: "default", UID: "1"},
			Kind:      appsv1.SchemeGroupVersion.WithKind("StatefulSet"),
			Template:  template("db:1"),
			HashLabel: "hash",
		}
		data, err := revision.Data(owner.Template)
		require.NoError(w, err)
		other, err := revision.Data(template("db:2"))
		require.NoError(w, err)
		_, err = client.Create(w.Context(), &appsv1.ControllerRevision{
			ObjectMeta: metav1.ObjectMeta{Name: "db-" + revision.Hash(data, nil)},
			Data:       runtime.RawExtension{Raw: other}, Revision: 1}, metav1.CreateOptions{})
		require.NoError(w, err)
		made, collisions, err := revision.Current(w.Context(), client, owner, nil)
		require.NoError(w, err)
		require.Equal(w, ptr.To[int32](1), collisions)
		require.Equal(w, "db-"+revision.Hash(data, collisions), made.Name)
	})
}
