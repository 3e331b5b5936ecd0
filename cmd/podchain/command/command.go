// Package command is the command line of podchain. A program with further origins of
// links is the same command line, with these origins as its Options:
//
//	command.go, help.go   the commands, their help, how a program ends
//	verify.go      run the specification
//	matrix.go      run it over combinations of origins
//	suiteflags.go  the flags that these two have in common
//	links.go       where links come from: --link LINK=SPEC
//	delegate.go    origins that another program provides
//	serve.go, run.go, run_kubelet.go, store.go   the reference as a cluster, or one link of it
//	trace.go, list.go, clean.go, rbac.go   a command each
//	served.go      what serve does and does not do, for list and docs
//	shard.go, job.go   parts of a run, and a Job that runs them in a cluster
//	report.go, docs.go   reports and pages from the events of runs
//	init.go, skeleton/   files for implementers to begin with
//	outputs.go, eventstream.go, logs.go   files with the results of a run, and what programs printed
//	places.go      no file that is written overwrites another
//	table.go, version.go   tables as wide as the terminal, what this program is
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/klog/v2"

	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/printable"
)

// Options are what a program adds to podchain.
type Options struct {
	// Name of the program. Empty: podchain.
	Name string
	// Origins that --link can name, as "NAME" or "NAME@VERSION".
	Origins map[string]Origin
	// Images stores those of the specification below HOST/REPO in a registry.
	Images func(ctx context.Context, repository string, progress io.Writer) (implementation.Images, error)
	// Commands beside podchain's own.
	Commands []*cobra.Command
}

// Origin returns where links come from. The version is empty where none was named;
// Progress is where what takes time is reported.
type Origin func(version string, progress io.Writer) (assembly.Origin, error)

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
		Example: fmt.Sprintf(`  %[1]s verify   # run the specification against the reference
  %[1]s serve    # run the reference as a cluster, for kubectl`, options.Name),
		// Errors are printed once, in Main, and a failed run is no reason to
		// explain the flags.
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       thisBuild().line(options.Name),
	}
	command.SetVersionTemplate("{{.Version}}\n")
	command.SetFlagErrorFunc(func(command *cobra.Command, err error) error {
		return fmt.Errorf("%w; see %s --help", flagError(err), command.CommandPath())
	})
	setHelp(command)
	command.PersistentFlags().BoolP("help", "h", false, "Show this help")
	command.Flags().Bool("version", false, "Print the version in one line")
	for _, group := range []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Check an implementation", []*cobra.Command{newVerifyCommand(options), newMatrixCommand(options), newInitCommand()}},
		{"Check a running cluster", []*cobra.Command{newRBACCommand(), newJobCommand(), newCleanCommand()}},
		{"Read requirements and results", []*cobra.Command{newListCommand(), newReportCommand(), newDocsCommand()}},
		{"Run a cluster, or a link of one", append([]*cobra.Command{newServeCommand(), newRunCommand(), newTraceCommand()}, options.Commands...)},
		{groupOther, []*cobra.Command{newVersionCommand(options.Name)}},
	} {
		command.AddGroup(&cobra.Group{ID: group.title, Title: group.title})
		for _, member := range group.commands {
			member.GroupID = group.title
		}
		command.AddCommand(group.commands...)
	}
	command.InitDefaultCompletionCmd()
	if completion, _, err := command.Find([]string{"completion"}); err == nil {
		completion.Long = "" // cobra's says no more than its Short
	}
	command.SetHelpCommandGroupID(groupOther)
	command.SetCompletionCommandGroupID(groupOther)
	return command
}

// arguments demands that a command gets from least to most arguments, which are called
// name; most is -1 for any number.
func arguments(name string, least, most int) cobra.PositionalArgs {
	return func(command *cobra.Command, given []string) error {
		switch {
		case len(given) < least:
			return fmt.Errorf("missing argument %s; see %s --help", name, command.CommandPath())
		case most >= 0 && len(given) > most:
			return fmt.Errorf("unexpected argument %q; see %s --help", given[most], command.CommandPath())
		}
		return nil
	}
}

// expectedValues say what a flag takes, by the type of its value.
var expectedValues = map[string]string{
	"int":      "a whole number",
	"int64":    "a whole number",
	"uint16":   "a number from 0 to 65535",
	"duration": "a duration such as 30s or 2m",
	"bool":     "true or false",
}

// flagError says what is wrong with the value of a flag, in the words of the command line
// instead of those of Go.
func flagError(err error) error {
	var invalid *pflag.InvalidValueError
	if !errors.As(err, &invalid) {
		return err
	}
	flag := invalid.GetFlag()
	if expected, known := expectedValues[flag.Value.Type()]; known {
		return fmt.Errorf("--%s %s: expected %s", flag.Name, invalid.GetValue(), expected)
	}
	return fmt.Errorf("--%s: %w", flag.Name, errors.Unwrap(err))
}

// list is a list for a message.
func list[T ~string](items []T) string {
	var texts []string
	for _, item := range items {
		texts = append(texts, string(item))
	}
	return strings.Join(texts, ", ")
}

var noArguments = arguments("", 0, 0)

// Exit statuses other than 0.
const (
	// statusFailed says that the run did its work, and a requirement failed.
	statusFailed = 1
	// statusUnable says that the command could not do what it was asked to do.
	statusUnable = 2
)

// exit is an error that ends the program with a status of its own. Any other
// error ends it with statusUnable.
type exit struct {
	status int
	// err is printed; nil if the command has printed everything itself.
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
