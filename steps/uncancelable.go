package steps

import (
	"context"
	"io"
	"net/http"
	"time"
)

// uncancelable lets no write be canceled: when the run is ended in the middle of
// one, its answer is still awaited. Otherwise it would be unknown whether there is
// something to remove, and what is removed might be made after that.
type uncancelable struct {
	http.RoundTripper
	timeout time.Duration
}

// RoundTrip implements http.RoundTripper.
func (u uncancelable) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodGet || r.Context().Err() != nil {
		return u.RoundTripper.RoundTrip(r)
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), u.timeout)
	response, err := u.RoundTripper.RoundTrip(r.WithContext(ctx))
	if err != nil {
		cancel()
		return nil, err
	}
	response.Body = released{response.Body, cancel}
	return response, nil
}

// CloseIdleConnections implements what http.Client looks for.
func (u uncancelable) CloseIdleConnections() {
	(&http.Client{Transport: u.RoundTripper}).CloseIdleConnections()
}

// released ends a context with the body that needs it.
type released struct {
	io.ReadCloser
	end context.CancelFunc
}

// Close implements io.Closer.
func (r released) Close() error {
	defer r.end()
	return r.ReadCloser.Close()
}
