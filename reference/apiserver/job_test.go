package apiserver_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/podchain/podchain/reference/apiserver"
	"github.com/podchain/podchain/reference/inmemoryhttp"
	"github.com/podchain/podchain/reference/store"
)

// TestJobLabels has the answers of Kubernetes v1.37.2: a Job without labels has
// those of its template, the generated ones included; labels of its own stay as
// they are, even where they are equal to the template's.
func TestJobLabels(t *testing.T) {
	generated := []string{"batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name", "controller-uid", "job-name"}
	app := map[string]string{"app": "x"}
	for name, test := range map[string]struct {
		job, template map[string]string
		manual        bool
		want          []string
	}{
		"none at all":                    {want: generated},
		"the template's":                 {template: app, want: append([]string{"app"}, generated...)},
		"its own":                        {job: map[string]string{"tier": "y"}, template: app, want: []string{"tier"}},
		"its own, equal to the other's":  {job: app, template: app, want: []string{"app"}},
		"its own, the template has none": {job: app, want: []string{"app"}},
		"nothing is generated":           {template: app, manual: true, want: []string{"app"}},
	} {
		t.Run(name, func(t *testing.T) {
			client := startWithAllKinds(t)
			job := &batchv1.Job{
				ObjectMeta: metav1.ObjectMeta{Name: "j", Labels: test.job},
				Spec: batchv1.JobSpec{Template: corev1.PodTemplateSpec{
					ObjectMeta: metav1.ObjectMeta{Labels: test.template},
					Spec: corev1.PodSpec{
						RestartPolicy: corev1.RestartPolicyNever,
						Containers:    []corev1.Container{{Name: "c", Image: "x"}},
					},
				}},
			}
			if test.manual {
				job.Spec.ManualSelector = &test.manual
				job.Spec.Selector = &metav1.LabelSelector{MatchLabels: test.template}
			}
			jobs := client.BatchV1().Jobs("default")
			created, err := jobs.Create(t.Context(), job, metav1.CreateOptions{})
			require.NoError(t, err)
			assert.Equal(t, test.want, slices.Sorted(maps.Keys(created.Labels)))
			got, err := jobs.Get(t.Context(), "j", metav1.GetOptions{})
			require.NoError(t, err)
			assert.Equal(t, created.Labels, got.Labels)
		})
	}
}

// startWithAllKinds runs a server that serves what a cluster does, until the test
// ends.
func startWithAllKinds(t *testing.T) kubernetes.Interface {
	t.Helper()
	server, err := apiserver.New(apiserver.Options{Store: store.NewMemory()})
	require.NoError(t, err)
	transport := inmemoryhttp.NewTransport(server)
	t.Cleanup(func() {
		server.Close()
		transport.Close()
	})
	client, err := kubernetes.NewForConfig(inmemoryhttp.Config(transport))
	require.NoError(t, err)
	return client
}
