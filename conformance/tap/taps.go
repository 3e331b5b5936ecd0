package tap

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

// Taps are the taps of all links of one cluster. The zero value is not usable:
// see New.
type Taps struct {
	mu      sync.Mutex
	faults  []*injected
	writes  []implementation.Write
	notices []implementation.Notice
	streams map[*stream]chain.Link
	// inFlight are the writes of each link that TrackInFlight carries to their end.
	inFlight map[chain.Link]*requests
}

var _ implementation.Faults = (*Taps)(nil)

// injected is a fault that is in force.
type injected struct {
	implementation.Fault
	link chain.Link
	met  int // by so many requests
	// enough is closed when these are as many as it says.
	enough chan struct{}
	// healed is closed when it is over: what it delays is let go.
	healed chan struct{}
	// delayed are the requests that it delays, until they are answered.
	delayed requests
}

// New returns taps that let everything through.
func New() *Taps {
	return &Taps{streams: map[*stream]chain.Link{}, inFlight: map[chain.Link]*requests{}}
}

// mostWrites bounds the memory of a cluster that runs for long: what came before
// is forgotten. So it is with notices.
const mostWrites = 100_000

// errBroken is what a client gets from a connection that breaks.
var errBroken = &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}

// Inject implements implementation.Faults. A cut ends the watches that are open
// before it returns.
func (t *Taps) Inject(_ context.Context, link chain.Link, fault implementation.Fault) error {
	if err := fault.Check(); err != nil {
		return err
	}
	t.mu.Lock()
	i := &injected{Fault: fault, link: link, enough: make(chan struct{}), healed: make(chan struct{})}
	t.faults = append(t.faults, i)
	var open []*stream
	if fault.Effect == implementation.Cut {
		for stream, of := range t.streams {
			if of == link && stream.target.meets(fault) && !i.spent() {
				i.meet()
				open = append(open, stream)
			}
		}
	}
	t.mu.Unlock()
	for _, stream := range open {
		t.record(describe(link, stream.target, fault, http.StatusOK, nil))
		stream.breakOff()
	}
	return nil
}

// meet counts a request.
func (i *injected) meet() {
	if i.met++; i.met == max(1, i.Times) {
		close(i.enough)
	}
}

func (i *injected) spent() bool { return i.Times > 0 && i.met >= i.Times }

// AwaitTriggered implements implementation.Faults.
func (t *Taps) AwaitTriggered(ctx context.Context, namespace string) error {
	t.mu.Lock()
	faults := slices.Clone(t.faults)
	t.mu.Unlock()
	for _, i := range faults {
		if i.Namespace != namespace {
			continue
		}
		select {
		case <-i.enough:
		case <-i.healed:
		case <-ctx.Done():
			return fmt.Errorf("requests of the %s that were to meet a fault: %w", i.link, ctx.Err())
		}
	}
	return nil
}

// Heal implements implementation.Faults.
func (t *Taps) Heal(ctx context.Context, namespace string) error {
	t.mu.Lock()
	var over []*injected
	t.faults = slices.DeleteFunc(t.faults, func(i *injected) bool {
		if i.Namespace == namespace {
			close(i.healed)
			over = append(over, i)
		}
		return i.Namespace == namespace
	})
	t.mu.Unlock()
	for _, i := range over {
		if err := i.delayed.wait(ctx); err != nil {
			return fmt.Errorf("a request of the %s that was delayed is not answered: %w", i.link, err)
		}
	}
	return nil
}

// Writes implements implementation.Faults.
func (t *Taps) Writes(context.Context) ([]implementation.Write, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.writes), nil
}

// Through returns what the requests of a link go through on their way to next.
func (t *Taps) Through(link chain.Link, next http.RoundTripper) http.RoundTripper {
	return &tap{taps: t, link: link, next: next}
}

// tap is the tap of one link.
type tap struct {
	taps *Taps
	link chain.Link
	next http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (t *tap) RoundTrip(r *http.Request) (*http.Response, error) {
	about := targetOf(r)
	fault, delay := t.taps.next(t.link, about)
	if fault.Effect == implementation.Answer {
		if r.Body != nil {
			defer r.Body.Close()
		}
		response, err := refusal(r, fault.Code)
		if err == nil {
			t.taps.record(describe(t.link, about, fault, response.StatusCode, nil))
		}
		return response, err
	}
	if fault.Effect == implementation.Cut && about.verb != "watch" {
		if r.Body != nil {
			defer r.Body.Close()
		}
		t.taps.record(describe(t.link, about, fault, 0, nil))
		return nil, errBroken
	}
	if delay != nil {
		defer delay.delayed.done()
		if err := delay.wait(r.Context()); err != nil {
			return nil, err
		}
	}
	if about.verb == "watch" {
		r = r.Clone(r.Context())
		r.Header.Del("Accept-Encoding") // what is compressed cannot be read on its way
	}
	response, err := t.next.RoundTrip(r)
	switch {
	case err != nil:
		return nil, err
	case about.verb == "watch" && response.StatusCode == http.StatusOK:
		response.Body = t.taps.watching(t.link, about, response)
		if fault.Effect != "" {
			t.taps.record(describe(t.link, about, fault, response.StatusCode, nil))
		}
		if fault.Effect == implementation.Cut {
			response.Body.(*stream).breakOff()
		}
		return response, nil
	case !about.writes() && fault.Effect == "":
		return response, nil
	}
	body, err := reread(response)
	if err == nil {
		t.taps.record(describe(t.link, about, fault, response.StatusCode, body))
	}
	if fault.Effect == implementation.LoseReply {
		return nil, errBroken
	}
	return response, err
}

// describe says what a request did that has been answered.
func describe(link chain.Link, about target, fault implementation.Fault, code int, body []byte) implementation.Write {
	write := implementation.Write{
		Link: link, Verb: about.verb, Resource: about.resource, Subresource: about.subresource,
		Namespace: about.namespace, Name: about.name, Code: code, Fault: fault.Effect, Time: time.Now(),
	}
	// A collection is answered with a list.
	if object, ok := written(body); ok && about.writes() && about.verb != "deletecollection" {
		write.ResourceVersion = object.ResourceVersion
		if write.Name == "" {
			write.Name = object.Name
		}
	}
	return write
}

// wait holds a request back for as long as the fault says, and no longer than it is in
// force.
func (i *injected) wait(ctx context.Context) error {
	timer := time.NewTimer(i.Delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-i.healed:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// next returns the fault that a request meets, the zero value for none. Where
// several are in force it is the oldest. One that delays the request counts it, until
// the caller says that it is answered.
func (t *Taps) next(link chain.Link, about target) (fault implementation.Fault, delay *injected) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, i := range t.faults {
		if i.link != link || i.spent() || !about.meets(i.Fault) {
			continue
		}
		i.meet()
		if i.Effect == implementation.Delay {
			i.delayed.add()
			delay = i
		}
		return i.Fault, delay
	}
	return implementation.Fault{}, nil
}

func (t *Taps) record(write implementation.Write) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.writes) >= mostWrites {
		t.writes = slices.Delete(t.writes, 0, mostWrites/10)
	}
	t.writes = append(t.writes, write)
}

func (t *Taps) watching(link chain.Link, about target, response *http.Response) *stream {
	s := &stream{body: response.Body, target: about, ended: t.forget,
		frames: framesOf(about, response.Header.Get("Content-Type")), arrived: t.arrived(link, about)}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.streams[s] = link
	return s
}

func (t *Taps) forget(s *stream) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.streams, s)
}
