package steps

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"

	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/storehistory"
)

// storeLocked demands that the store answers who has the API server's certificate,
// and nobody else (STORE-06).
func (w *World) storeLocked(ctx context.Context) error {
	access, err := w.access(ctx)
	if err != nil {
		return err
	}
	if err := storehistory.Ask(ctx, access); err != nil {
		return CouldNotRun{fmt.Errorf("without an answer to the API server's certificate the sentence proves nothing: %w", err)}
	}
	if len(access.Certificate) == 0 {
		return errors.New("the store asks for no certificate: whoever reaches it gets in")
	}
	for whose, pair := range map[string][2][]byte{
		"no certificate": {},
		"the certificate of a client of the API server": {w.config.CertData, w.config.KeyData},
	} {
		if whose != "no certificate" && len(pair[0]) == 0 {
			continue // these clients have something else
		}
		stranger := access
		stranger.Certificate, stranger.Key = pair[0], pair[1]
		if err := storehistory.Ask(ctx, stranger); err == nil {
			return fmt.Errorf("the store lets in who shows %s", whose)
		}
	}
	return nil
}

// outage is the capability to have the store away.
func (w *World) outage() (implementation.Outage, error) {
	outage, err := implementation.Need[implementation.Outage](w.Cluster)
	if err != nil {
		return nil, CouldNotRun{err}
	}
	return outage, nil
}

// storeGoes ends the store. It is back at the end of the scenario, whatever comes.
func (w *World) storeGoes(ctx context.Context) error {
	outage, err := w.outage()
	if err != nil {
		return err
	}
	w.stimulus()
	w.cleanup = append(w.cleanup, outage.StartStore)
	return outage.StopStore(ctx)
}

func (w *World) storeReturns(ctx context.Context) error {
	outage, err := w.outage()
	if err != nil {
		return err
	}
	w.stimulus()
	return outage.StartStore(ctx)
}

// writePatience is how long the API server is given to say that a write has failed.
const writePatience = 10 * time.Second

// cannotStore demands that a POST is answered as a fault of the server's, or not
// in time (STORE-08).
func (w *World) cannotStore(ctx context.Context, kind, name string) error {
	object, err := w.manifest(ctx, kind, name, "", nil)
	if err != nil {
		return err
	}
	path, err := w.path(kind, "", "")
	if err != nil {
		return err
	}
	w.stimulus()
	got, err := w.exchange(ctx, request{method: http.MethodPost, path: path, body: object,
		query: url.Values{"timeout": {writePatience.String()}}})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return nil
	case err != nil:
		return err
	case got.code < 500:
		return fmt.Errorf("expected a fault of the server's or none in time, the answer to %s", got)
	}
	return nil
}

// probePause is the time between two questions to a probe, which has no way to
// tell by itself.
const probePause = 100 * time.Millisecond

// probes waits until the API server says that it is ready, or that it is not.
func (w *World) probes(ctx context.Context, not string) error {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	ticker := time.NewTicker(probePause)
	defer ticker.Stop()
	last := errors.New("nothing was answered")
	for {
		got, err := w.exchange(ctx, request{method: http.MethodGet, path: "/readyz", accept: "text/plain"})
		switch {
		case err == nil && (got.code == http.StatusOK) == (not == ""):
			return nil
		case err == nil:
			last = fmt.Errorf("the answer to %s", got)
		case ctx.Err() == nil:
			last = err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("waited %s for the API server to be %sready; last seen: %w", w.Timeout, not, last)
		}
	}
}

// cutsOff are the sentences that take the API server, or its store, from all links.
var cutsOff = regexp.MustCompile(`^(the api-server is stopped|the store is away)`)

// CutsOff tells whether a step takes the API server from all links. They find it
// again in their own time, which grows with every loss.
func CutsOff(text string) bool { return cutsOff.MatchString(text) }
