package conformance

import (
	"context"
	"errors"
	"flag"
	"testing"
)

// RunVirtual is Run for a program that is no test: it provides the test on
// which the bubbles of an implementation in virtual time hang. It may be called
// once in a process.
func RunVirtual(ctx context.Context, options Options) (*Result, error) {
	testing.Init()
	if !flag.Parsed() {
		// The program has flags of its own; testing is to see none of them.
		if err := flag.CommandLine.Parse(nil); err != nil {
			return nil, err
		}
	}
	type end struct {
		result *Result
		err    error
	}
	ended := make(chan end, 1)
	whole := testing.InternalTest{Name: "podchain", F: func(t *testing.T) {
		options.Testing = t
		result, err := Run(ctx, options)
		ended <- end{result, err}
		// The test goes on for ever: testing.Main would end the process with it.
		select {}
	}}
	go testing.Main(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{whole}, nil, nil)
	last := <-ended
	return last.result, errors.Join(last.err)
}
