package namespace

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	metadatafake "k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/podchain/podchain/reference/link"
)

// TestStraggler has a Pod come into a namespace while it is being emptied: nobody has
// told that one to go, so that to wait for it would be to wait for ever.
func TestStraggler(t *testing.T) {
	scheme := metadatafake.NewTestScheme()
	require.NoError(t, metav1.AddMetaToScheme(scheme))
	pod := func(name string) *metav1.PartialObjectMetadata {
		return &metav1.PartialObjectMetadata{
			TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
			ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name},
		}
	}
	objects := metadatafake.NewSimpleMetadataClient(scheme, pod("early"))
	objects.PrependReactor("delete-collection", "pods", func(clienttesting.Action) (bool, runtime.Object, error) {
		early := pod("early")
		early.DeletionTimestamp = new(metav1.Now())
		require.NoError(t, objects.Tracker().Update(pods, early, "team"))
		return true, nil, objects.Tracker().Create(pods, pod("late"), "team")
	})
	namespaces := fake.NewClientset(&corev1.Namespace{
		ObjectMeta: metav1.ObjectMeta{Name: "team", DeletionTimestamp: new(metav1.Now()), Finalizers: []string{"kept"}},
		Spec:       corev1.NamespaceSpec{Finalizers: []corev1.FinalizerName{corev1.FinalizerKubernetes}},
	}).CoreV1().Namespaces()
	d := &deleter{namespaces: namespaces, objects: objects, queue: link.NewQueue[string](), awaited: map[string]bool{}}
	defer d.queue.ShutDown()

	err := d.sync(t.Context(), "team")
	assert.ErrorContains(t, err, "more has come in while it was emptied: 1")
	assert.Empty(t, d.awaited)
}
