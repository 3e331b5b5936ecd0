// Package crash keeps the parts of one program from ending each other: a goroutine
// that panics ends the part that it belongs to, as it would end a process, and the
// panic becomes an error with a stack.
//
// A goroutine belongs to the Domain that it was started in, however many goroutines
// lie between: the label that a Domain sets is inherited. What client-go starts is
// among these, for its goroutines end in HandleCrash of apimachinery, which comes here.
// A panic outside of all domains ends the program, as ever.
package crash

import (
	"context"
	"errors"
	"net/http"
	"runtime/pprof"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
)

// Domain is what a panic ends.
type Domain struct {
	id    string
	fail  func(*Panic)
	first sync.Once
}

var (
	serial  atomic.Int64
	domains sync.Map // of id to *Domain
)

// NewDomain returns a domain whose first panic is handed to fail, on the goroutine that
// panics. Close is to be called when nothing of it runs any more.
func NewDomain(fail func(*Panic)) *Domain {
	d := &Domain{id: strconv.FormatInt(serial.Add(1), 10), fail: fail}
	domains.Store(d.id, d)
	return d
}

// Close forgets the domain: panics of what is left of it go unnoticed.
func (d *Domain) Close() { domains.Delete(d.id) }

// Do runs f within the domain: its panic, and those of all goroutines that it starts
// by Go or as client-go does, are the domain's. Of a nil domain it just runs f.
func (d *Domain) Do(f func()) {
	if d == nil {
		f()
		return
	}
	// A context without labels: the goroutine may be of another domain that calls.
	pprof.Do(context.Background(), pprof.Labels(label, d.id), func(context.Context) {
		defer d.handle()
		f()
	})
}

// AfterFunc is time.AfterFunc within the domain: a timer's goroutine inherits nothing.
func (d *Domain) AfterFunc(after time.Duration, f func()) *time.Timer {
	return time.AfterFunc(after, func() { d.Do(f) })
}

func (d *Domain) handle() {
	if value := recover(); value != nil {
		if isAbort(value) {
			panic(value)
		}
		d.crashed(value)
	}
}

func (d *Domain) crashed(value any) {
	d.first.Do(func() { d.fail(newPanic(value)) })
}

// endTimeout is how long what has panicked may take to end.
const endTimeout = 5 * time.Second

// Run runs f in a domain of its own, which is in the context: a panic ends the context
// and is returned as the error, at the latest a while after.
func Run(ctx context.Context, f func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var result error // once ended is closed
	panicked, ended := make(chan *Panic, 1), make(chan struct{})
	d := NewDomain(func(p *Panic) {
		panicked <- p
		cancel()
	})
	Go(func() {
		defer close(ended)
		d.Do(func() { result = f(d.With(ctx)) })
	})
	select {
	case <-ended:
		d.Close()
		select {
		case p := <-panicked:
			return p
		default:
			return result
		}
	case p := <-panicked:
		timer := time.NewTimer(endTimeout)
		defer timer.Stop()
		select {
		case <-ended:
			d.Close()
		case <-timer.C: // it stays in the domain
		}
		return p
	}
}

type inContext struct{}

// With returns a context that knows the domain, for From.
func (d *Domain) With(ctx context.Context) context.Context {
	return context.WithValue(ctx, inContext{}, d)
}

// From returns the domain of the context, nil if it has none.
func From(ctx context.Context) *Domain {
	d, _ := ctx.Value(inContext{}).(*Domain)
	return d
}

// Go runs f on a goroutine of its own, which belongs where the caller's does.
func Go(f func()) {
	go func() {
		defer Handle()
		f()
	}()
}

// Group is a sync.WaitGroup whose goroutines are started as by Go.
type Group struct{ sync.WaitGroup }

// Go runs f on a goroutine of its own that the group waits for.
func (g *Group) Go(f func()) {
	g.WaitGroup.Go(func() {
		defer Handle()
		f()
	})
}

// ErrorGroup is an errgroup.Group whose goroutines are started as by Go.
type ErrorGroup struct{ *errgroup.Group }

// NewErrorGroup returns a group, and the context that is done when one of it fails.
func NewErrorGroup(ctx context.Context) (*ErrorGroup, context.Context) {
	group, ctx := errgroup.WithContext(ctx)
	return &ErrorGroup{group}, ctx
}

// Go calls f on a goroutine of its own, whose panic is an error, too.
func (g *ErrorGroup) Go(f func() error) {
	g.Group.Go(func() (err error) {
		defer func() {
			if value := recover(); value != nil {
				err = newPanic(value)
				handle(value)
			}
		}()
		return f()
	})
}

// Report tells the caller's domain of a panic that has been dealt with otherwise: what
// was recovered. It does nothing if the caller has none.
func Report(value any) {
	if d := current(); d != nil {
		d.crashed(value)
	}
}

// Handle is what a goroutine defers that may panic: its domain ends, or the program if
// it has none.
func Handle() {
	if value := recover(); value != nil {
		handle(value)
	}
}

func handle(value any) {
	if isAbort(value) {
		panic(value)
	}
	d := current()
	if d == nil {
		panic(value)
	}
	d.crashed(value)
}

// isAbort tells whether a handler has broken off its answer, which is no fault.
func isAbort(value any) bool {
	err, is := value.(error)
	return is && errors.Is(err, http.ErrAbortHandler)
}

// What client-go starts ends here when it panics: apimachinery itself would have the
// program end, whichever part of it has panicked.
func init() {
	utilruntime.ReallyCrash = false
	utilruntime.PanicHandlers = append(utilruntime.PanicHandlers, func(_ context.Context, value any) { handle(value) })
}
