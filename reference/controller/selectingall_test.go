package controller_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/reference/controller/controllertest"
	"github.com/podchain/podchain/reference/controller/daemonset"
	"github.com/podchain/podchain/reference/controller/deployment"
)

// TestSelectingAll has owners with an empty selector, which this API server refuses, left
// alone with the Event that Kubernetes records.
func TestSelectingAll(t *testing.T) {
	labels := map[string]string{"app": "web"}
	selector := &metav1.LabelSelector{MatchLabels: labels}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "web:1"}}},
	}
	meta := metav1.ObjectMeta{Name: "web"}
	tests := map[string]struct {
		run    func(context.Context, *rest.Config) error
		create func(w *controllertest.World) error
		want   string
	}{
		"Deployment": {deployment.Run, func(w *controllertest.World) error {
			_, err := w.Deployments("default").Create(w.Context(), &appsv1.Deployment{
				ObjectMeta: meta, Spec: appsv1.DeploymentSpec{Selector: selector, Template: template},
			}, metav1.CreateOptions{})
			return err
		}, "This deployment is selecting all pods. A non-empty selector is required."},
		"DaemonSet": {daemonset.Run, func(w *controllertest.World) error {
			_, err := w.DaemonSets("default").Create(w.Context(), &appsv1.DaemonSet{
				ObjectMeta: meta, Spec: appsv1.DaemonSetSpec{Selector: selector, Template: template},
			}, metav1.CreateOptions{})
			return err
		}, "This daemon set is selecting all pods. A non-empty selector is required."},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			controllertest.InBubble(t, func(w *controllertest.World) {
				w.Start(func(ctx context.Context, config *rest.Config) error {
					config.ContentType, config.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON
					return test.run(ctx, config)
				}, func(r *http.Request, next http.RoundTripper) (*http.Response, error) {
					response, err := next.RoundTrip(r)
					if err == nil && strings.HasSuffix(r.URL.Path, strings.ToLower(name)+"s") {
						response.Body = &withoutSelector{Reader: bufio.NewReader(response.Body), Closer: response.Body}
					}
					return response, err
				})
				require.NoError(t, test.create(w))
				w.Settle()
				events, err := w.Events("default").List(w.Context(), metav1.ListOptions{})
				require.NoError(t, err)
				require.Len(t, events.Items, 1)
				assert.Equal(t, "SelectingAll", events.Items[0].Reason)
				assert.Equal(t, corev1.EventTypeWarning, events.Items[0].Type)
				assert.Equal(t, test.want, events.Items[0].Message)
			})
		})
	}
}

// withoutSelector empties the selectors in objects, each of which is in one line.
type withoutSelector struct {
	*bufio.Reader
	io.Closer
	line []byte
}

func (b *withoutSelector) Read(p []byte) (n int, err error) {
	if len(b.line) == 0 {
		b.line, err = b.ReadBytes('\n')
		b.line = bytes.ReplaceAll(b.line, []byte(`"selector":{"matchLabels":{"app":"web"}}`), []byte(`"selector":{}`))
	}
	n = copy(p, b.line)
	b.line = b.line[n:]
	if len(b.line) > 0 {
		err = nil // it comes again
	}
	return n, err
}
