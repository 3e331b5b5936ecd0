package crash

import (
	"fmt"
	"runtime"
	"strings"
)

// Panic is the error that a panic was.
type Panic struct {
	// Value that was panicked with.
	Value any
	// Stack of the goroutine from where it panicked, innermost function first.
	Stack []runtime.Frame
}

// depth bounds the stack: what is further out is how the goroutine came there.
const depth = 16

func newPanic(value any) *Panic {
	callers := make([]uintptr, 4*depth)
	frames := runtime.CallersFrames(callers[:runtime.Callers(1, callers)])
	var stack []runtime.Frame
	for {
		frame, more := frames.Next()
		switch {
		case frame.Function == "runtime.gopanic":
			stack = nil // up to here it is what deals with the panic
		case frame.Function != "" && !machinery(frame.Function):
			stack = append(stack, frame)
		}
		if !more {
			return &Panic{Value: value, Stack: stack[:min(depth, len(stack))]}
		}
	}
}

// machinery tells whether a function only leads to those that matter.
func machinery(function string) bool {
	for _, of := range []string{"runtime.", "runtime/pprof.", "github.com/podchain/podchain/conformance/implementation/crash.(*Domain)",
		"github.com/podchain/podchain/conformance/implementation/crash.Go", "github.com/podchain/podchain/conformance/implementation/crash.(*Group)"} {
		if strings.HasPrefix(function, of) {
			return true
		}
	}
	return false
}

// Catch calls f, and returns its panic as an error of what it did.
func Catch(what string, f func() error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%s: %w", what, newPanic(value))
		}
	}()
	return f()
}

// Error shows the value and the stack, each frame in a line.
func (p *Panic) Error() string {
	var text strings.Builder
	fmt.Fprintf(&text, "panic: %v", p.Value)
	for _, frame := range p.Stack {
		fmt.Fprintf(&text, "\n  %s\n      %s:%d", frame.Function, frame.File, frame.Line)
	}
	return text.String()
}

// Unwrap returns the error that was panicked with, nil if it was none.
func (p *Panic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}
