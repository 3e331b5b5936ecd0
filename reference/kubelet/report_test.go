package kubelet_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// TestConflict: a status that is refused with a conflict is tried again for as long as
// the Pod is there, and no longer: another one of the same name is another Pod.
func TestConflict(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := start(t)
		var refused atomic.Int32
		var uid atomic.Pointer[string] // of the first Pod
		c.config.Wrap(func(next http.RoundTripper) http.RoundTripper {
			return roundTripper(func(r *http.Request) (*http.Response, error) {
				if r.Method != http.MethodPatch || !strings.HasSuffix(r.URL.Path, "/pods/a/status") {
					return next.RoundTrip(r)
				}
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return nil, err
				}
				if known := uid.Load(); known != nil && !bytes.Contains(body, []byte(*known)) {
					r.Body = io.NopCloser(bytes.NewReader(body))
					return next.RoundTrip(r)
				}
				refused.Add(1)
				return &http.Response{StatusCode: http.StatusConflict, Header: http.Header{"Content-Type": {"application/json"}}, Request: r,
					Body: io.NopCloser(strings.NewReader(`{"kind":"Status","apiVersion":"v1","status":"Failure","reason":"Conflict","code":409}`))}, nil
			})
		})
		defer c.run()()
		first := c.create("a", "containers: [{name: a, image: web:1}]")
		uid.Store(ptr.To(string(first.UID)))
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Greater(t, refused.Load(), int32(6), "attempts in a minute")

		c.delete("a", metav1.DeleteOptions{GracePeriodSeconds: ptr.To[int64](0)})
		c.create("a", "containers: [{name: a, image: web:1}]")
		time.Sleep(time.Second)
		synctest.Wait()
		require.Equal(t, corev1.PodRunning, c.get("a").Status.Phase)
		before := refused.Load()
		time.Sleep(time.Minute)
		assert.Equal(t, before, refused.Load(), "attempts for a Pod that has gone")
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
