package assembly

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// api is how an API server that is a program is reached: by the kubeconfig file
// that it writes whenever it starts, with credentials that may be new ones.
type api struct {
	mu   sync.Mutex
	at   *url.URL // nil while it is not known
	next http.RoundTripper
}

// config returns a configuration that outlives the credentials.
func (a *api) config() *rest.Config {
	a.mu.Lock()
	defer a.mu.Unlock()
	return &rest.Config{Host: a.at.String(), QPS: -1, Transport: a}
}

// RoundTrip implements http.RoundTripper.
func (a *api) RoundTrip(r *http.Request) (*http.Response, error) {
	a.mu.Lock()
	at, next := a.at, a.next
	a.mu.Unlock()
	r = r.Clone(r.Context())
	r.URL.Scheme, r.URL.Host, r.Host = at.Scheme, at.Host, ""
	return next.RoundTrip(r)
}

// forget removes what a process that has ended wrote.
func (a *api) forget(kubeconfig string) error { return os.RemoveAll(kubeconfig) }

// readyPace is how often an API server that is starting is asked whether it is
// ready: it tells nobody.
const readyPace = 50 * time.Millisecond

// find returns when the API server of the kubeconfig file is ready.
func (a *api) find(ctx context.Context, kubeconfig string) error {
	ticker := time.NewTicker(readyPace)
	defer ticker.Stop()
	for {
		last := a.try(ctx, kubeconfig)
		if last == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return last
		}
	}
}

func (a *api) try(ctx context.Context, kubeconfig string) error {
	if _, err := os.Stat(kubeconfig); err != nil {
		return errors.New("it has not written {kubeconfig}, the file that lets an administrator in")
	}
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("it has written a {kubeconfig} that is of no use: %w", err)
	}
	next, err := rest.TransportFor(config)
	if err != nil {
		return fmt.Errorf("it has written a {kubeconfig} that is of no use: %w", err)
	}
	at, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return fmt.Errorf("it has written a {kubeconfig} that is of no use: %w", err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at.JoinPath("readyz").String(), nil)
	if err != nil {
		return err
	}
	response, err := next.RoundTrip(request)
	if err != nil {
		return fmt.Errorf("it does not answer: %w", err)
	}
	defer response.Body.Close()
	const most = 8 << 10
	if body, err := io.ReadAll(io.LimitReader(response.Body, most)); err != nil || response.StatusCode != http.StatusOK {
		return fmt.Errorf("it is not ready: GET /readyz is answered with %s: %.200s", response.Status, body)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at, a.next = at, next
	return nil
}
