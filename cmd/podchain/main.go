// Command podchain runs the specification of how a Deployment becomes running
// Pods against an implementation of Kubernetes, serves the reference
// implementation as a cluster, and shows what happens in one.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

func main() {
	// client-go logs through a global logger what its callers deal with anyway:
	// every watch that ends is a line on stderr. What matters to the user comes
	// back as an error.
	klog.SetLogger(logr.Discard())
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal asks for a clean end; from then on a second one ends the
	// process at once.
	context.AfterFunc(ctx, stop)
	err := newCommand().ExecuteContext(ctx)
	stop()
	if err != nil && err.Error() != "" {
		fmt.Fprintln(os.Stderr, "podchain:", err)
	}
	os.Exit(status(err))
}

func newCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "podchain",
		Short: "The executable specification of how a Deployment becomes running Pods",
		// Errors are printed once, in main, and a failed run is no reason to
		// explain the flags.
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	command.SetFlagErrorFunc(func(command *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, command.CommandPath())
	})
	command.AddCommand(
		newVerifyCommand(),
		newCleanCommand(),
		newRBACCommand(),
		newServeCommand(),
		newTraceCommand(),
		newRunCommand(),
		newListCommand(),
	)
	return command
}

// Exit statuses. Zero is all well.
const (
	// statusFailed says that a requirement failed: the run did its work.
	statusFailed = 1
	// statusUnable says that what was asked for could not be done.
	statusUnable = 2
)

// exit is an error that ends the program with a status of its own. Any other
// error ends it with statusUnable.
type exit struct {
	status int
	// err is printed; nil for a command that has said everything itself.
	err error
}

func (e *exit) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exit) Unwrap() error { return e.err }

func status(err error) int {
	var e *exit
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.status
	}
	return statusUnable
}
