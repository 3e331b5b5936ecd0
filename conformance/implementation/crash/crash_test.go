package crash

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/util/wait"
)

// explode is what a stack is to show.
func explode() { panic("boom") }

// Whatever way a goroutine was started in, its panic is the domain's that it belongs
// to, and no other's.
func TestPanicEndsItsDomain(t *testing.T) {
	for name, start := range map[string]func(ctx context.Context){
		"itself":             func(context.Context) { explode() },
		"a goroutine":        func(context.Context) { Go(explode) },
		"one of a goroutine": func(context.Context) { Go(func() { Go(explode) }) },
		"a group":            func(context.Context) { var g Group; g.Go(explode); g.Wait() },
		"a timer":            func(ctx context.Context) { From(ctx).AfterFunc(time.Hour, explode) },
		"what a timer starts": func(ctx context.Context) {
			From(ctx).AfterFunc(time.Hour, func() { Go(explode) })
		},
		"what apimachinery repeats": func(ctx context.Context) {
			ctx, cancel := context.WithCancel(ctx)
			Go(func() { wait.UntilWithContext(ctx, func(context.Context) { defer cancel(); explode() }, time.Second) })
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var failed *Panic
				d := NewDomain(func(p *Panic) { mu.Lock(); defer mu.Unlock(); failed = p })
				defer d.Close()
				other := NewDomain(func(p *Panic) { t.Errorf("the other domain: %v", p) })
				defer other.Close()
				other.Do(func() { d.Do(func() { start(d.With(t.Context())) }) })
				time.Sleep(2 * time.Hour)
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				require.NotNil(t, failed)
				assert.Equal(t, "boom", failed.Value)
				require.NotEmpty(t, failed.Stack)
				assert.Contains(t, failed.Stack[0].Function, "crash.explode")
				assert.Contains(t, failed.Error(), "panic: boom\n  github.com/podchain/podchain/conformance/implementation/crash.explode\n")
			})
		})
	}
}

func TestFirstPanicCounts(t *testing.T) {
	var all []any
	d := NewDomain(func(p *Panic) { all = append(all, p.Value) })
	defer d.Close()
	d.Do(func() { panic(1) })
	d.Do(func() { panic(2) })
	assert.Equal(t, []any{1}, all)
}

// What belongs nowhere ends the program, as without this package; what a domain has left
// behind does not.
func TestPanicOutsideOfDomains(t *testing.T) {
	assert.PanicsWithValue(t, "boom", func() { defer Handle(); explode() })
	var outside *Domain
	assert.PanicsWithValue(t, "boom", func() { outside.Do(explode) })
	d := NewDomain(func(p *Panic) { t.Error(p) })
	d.Do(func() {
		d.Close()
		assert.NotPanics(t, func() { defer Handle(); explode() })
	})
}

func TestAnAbortIsNoPanic(t *testing.T) {
	d := NewDomain(func(p *Panic) { t.Error(p) })
	defer d.Close()
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() { d.Do(func() { panic(http.ErrAbortHandler) }) })
}

func TestCatch(t *testing.T) {
	cause := errors.New("the cause")
	err := Catch("doing it", func() error { panic(cause) })
	require.ErrorIs(t, err, cause)
	assert.Contains(t, err.Error(), "doing it: panic: the cause\n  ")
	assert.Equal(t, cause, Catch("doing it", func() error { return cause }))
}
