package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/kubernetes"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
)

type verifyOptions struct {
	cluster   kubernetes.Options
	selection []string
	parallel  int
	seed      int64
	timeout   time.Duration
	report    string
	logs      string
}

func newVerifyCommand() *cobra.Command {
	var options verifyOptions
	command := &cobra.Command{
		Use:   "verify",
		Short: "Run the specification against a cluster of its own",
		Long: `Start a cluster, run the specification against it with all that the suite can make
use of, and end it. The flags are those of podchain verify.

Exit status: 0 if every requirement passed or is not applicable, 1 if one failed,
2 if one could not run, nothing was selected or the usage is wrong.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return verify(command.Context(), options, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringArrayVar(&options.selection, "select", nil, "run what this `pattern` names, as in podchain verify (repeatable)")
	flags.IntVar(&options.parallel, "parallel", 0, "run so many scenarios at once")
	flags.Int64Var(&options.seed, "seed", 0, "run the scenarios in the random order of this seed")
	flags.DurationVar(&options.timeout, "timeout", time.Minute, "give up waiting for one thing after this time")
	flags.StringVar(&options.report, "report", "", "also write a report, `json=FILE`")
	flags.StringVar(&options.logs, "logs", "", "write the logs of all programs to this `directory` (default: a new one, kept if something does not pass)")
	addVersion(command, &options.cluster)
	return command
}

func verify(ctx context.Context, options verifyOptions, out, progressOut io.Writer) error {
	whole, err := specification.Load(features.Files)
	if err != nil {
		return err
	}
	selected, err := whole.Select(options.selection)
	if err != nil {
		return err
	}
	format, file, _ := strings.Cut(options.report, "=")
	if options.report != "" && (format != "json" || file == "") {
		return fmt.Errorf("--report %s: expected json=FILE", options.report)
	}
	keepLogs := func(bool) {}
	if options.logs == "" {
		if options.logs, err = os.MkdirTemp("", "podchain-logs-"); err != nil {
			return err
		}
		keepLogs = func(keep bool) {
			if keep {
				fmt.Fprintf(progressOut, "the logs of all programs are in %s\n", options.logs)
			} else {
				_ = os.RemoveAll(options.logs) // what stays is in nobody's way
			}
		}
	} else if err := os.MkdirAll(options.logs, 0o755); err != nil {
		return fmt.Errorf("--logs: %w", err)
	}
	options.cluster.Progress, options.cluster.Logs = progressOut, options.logs
	terminal := false
	if file, ok := progressOut.(*os.File); ok {
		terminal = term.IsTerminal(int(file.Fd()))
	}
	progress := report.NewProgress(progressOut, terminal, selected)
	result, err := conformance.Run(ctx, conformance.Options{
		Specification: selected, Implementation: kubernetes.New(options.cluster),
		Parallel: options.parallel, Seed: options.seed, Timeout: options.timeout, Done: progress.Done,
	})
	progress.End()
	if result == nil {
		keepLogs(false) // those of a cluster that did not start are kept elsewhere
		return err
	}
	if err != nil {
		fmt.Fprintf(progressOut, "the cluster did not end well: %v\n", err)
	}
	if err := report.Terminal(out, result); err != nil {
		return err
	}
	if file != "" {
		if err := writeReport(file, result); err != nil {
			return fmt.Errorf("--report %s: %w", options.report, err)
		}
	}
	status := result.ExitStatus()
	if err != nil && status == 0 {
		status = 2
	}
	keepLogs(status != 0)
	if status != 0 {
		return &exit{status: status}
	}
	return nil
}

func writeReport(path string, result *conformance.Result) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := report.JSON(file, result); err != nil {
		_ = file.Close() // what was begun is of no use
		return err
	}
	return file.Close()
}
