// Package command is the command line of podchain. A program that has origins of
// its own to take links from is the same command line, with these named:
//
//	command.go   the commands, how a program ends
//	verify.go    run the specification
//	matrix.go    run it over combinations of origins
//	run_specification.go   what these two have in common
//	links.go     where links come from: --link LINK=SPEC
//	handover.go  origins that another program has
//	serve.go, run.go, run_kubelet.go, store.go   the reference as a cluster, or one link of it
//	trace.go, list.go, clean.go, rbac.go   what they say
//	served.go    what serve is and is not, for list and docs
//	shard.go, job.go   parts of a run, and a Job that runs them in a cluster
//	report.go, docs.go   reports and pages from the events of runs
//	init.go, skeleton/   what an implementer begins with
//	reports.go, streams.go, logs.go   files with what came of a run, and what programs printed
//	places.go    no file is in the way of another
//	table.go, version.go   tables as wide as the terminal, what this program is
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/printable"
)

// Options are what a program has beyond podchain itself.
type Options struct {
	// Name of the program. Empty: podchain.
	Name string
	// Origins that --link can name, as "NAME" or "NAME@VERSION".
	Origins map[string]Origin
	// Images stores those of the specification below HOST/REPO in a registry.
	Images func(ctx context.Context, repository string, told io.Writer) (implementation.Images, error)
	// Commands beside podchain's own.
	Commands []*cobra.Command
}

// Origin returns where links come from. The version is empty where none was named;
// told is for what takes time.
type Origin func(version string, told io.Writer) (assembly.Origin, error)

// Main runs the command line of the process, and returns its exit status.
func Main(options Options) int {
	// client-go logs through a global logger what its callers deal with anyway:
	// every watch that ends is a line on stderr. What matters to the user comes
	// back as an error.
	klog.SetLogger(logr.Discard())
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	// A terminal that is closed asks for the same, except under nohup.
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(context.Background(), signals...)
	// The first signal asks for a clean end; from then on a second one ends the
	// process at once.
	context.AfterFunc(ctx, stop)
	err := New(options).ExecuteContext(ctx)
	stop()
	if err != nil && err.Error() != "" {
		fmt.Fprintln(os.Stderr, "podchain:", printable.Text(err.Error()))
	}
	return status(err)
}

// New returns the command line.
func New(options Options) *cobra.Command {
	if options.Name == "" {
		options.Name = "podchain"
	}
	command := &cobra.Command{
		Use:   options.Name,
		Short: "The executable specification of how a Deployment becomes running Pods",
		// Errors are printed once, in Main, and a failed run is no reason to
		// explain the flags.
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       thisBuild().line(options.Name),
	}
	command.SetVersionTemplate("{{.Version}}\n")
	command.SetFlagErrorFunc(func(command *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", err, command.CommandPath())
	})
	command.AddCommand(
		newVerifyCommand(options),
		newMatrixCommand(options),
		newReportCommand(),
		newDocsCommand(),
		newCleanCommand(),
		newRBACCommand(),
		newJobCommand(),
		newServeCommand(),
		newTraceCommand(),
		newRunCommand(),
		newListCommand(),
		newInitCommand(),
		newVersionCommand(options.Name),
	)
	command.AddCommand(options.Commands...)
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
