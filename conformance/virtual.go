package conformance

import (
	"context"
	"flag"
	"sync"
	"testing"

	"github.com/podchain/podchain/conformance/events"
)

// RunVirtual is Run for a program that is no test: it provides the test on
// which the bubbles of an implementation in virtual time belong to.
func RunVirtual(ctx context.Context, options Options) (*events.RunRecord, error) {
	type end struct {
		result *events.RunRecord
		err    error
	}
	ended := make(chan end, 1)
	hostTest() <- func(t *testing.T) {
		options.Testing = t
		result, err := Run(ctx, options)
		ended <- end{result, err}
	}
	last := <-ended
	return last.result, last.err
}

// hostTest returns a channel whose functions a test calls. It never ends: testing.Main
// would end the process with it.
var hostTest = sync.OnceValue(func() chan<- func(*testing.T) {
	testing.Init()
	if !flag.Parsed() {
		// The program has flags of its own; testing is to see none of them.
		if err := flag.CommandLine.Parse(nil); err != nil {
			panic(err) // nothing is parsed, so nothing can be wrong with it
		}
	}
	calls := make(chan func(*testing.T))
	whole := testing.InternalTest{Name: "podchain", F: func(t *testing.T) {
		for call := range calls {
			call(t)
		}
	}}
	go testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{whole}, nil, nil)
	return calls
})
