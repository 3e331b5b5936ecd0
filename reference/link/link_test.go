package link_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/reference/controller/controllertest"
	"github.com/podchain/podchain/reference/link"
)

// Discovery does not wait for ever for an API server that does not answer.
func TestDiscoveryGivesUp(t *testing.T) {
	controllertest.InBubble(t, func(w *controllertest.World) {
		var failure error
		w.Start(func(ctx context.Context, config *rest.Config) error {
			l, err := link.New("tester", config)
			if err != nil {
				return err
			}
			client, err := l.Discovery(l.Config)
			if err != nil {
				return err
			}
			_, failure = client.ServerVersionWithContext(ctx)
			return nil
		}, func(r *http.Request, _ http.RoundTripper) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		})
		time.Sleep(time.Minute)
		w.Settle()
		assert.ErrorIs(t, failure, context.DeadlineExceeded)
	})
}
