package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/conformance/running"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

type verifyOptions struct {
	kubeconfig string
	control    string
	features   string
	selection  []string
	links      []string
	parallel   int
	seed       int64
	timeout    time.Duration
	reports    []string
}

func newVerifyCommand() *cobra.Command {
	var options verifyOptions
	command := &cobra.Command{
		Use:   "verify",
		Short: "Run the specification, against the reference or a cluster",
		Long: `Run the specification. Without flags it runs against the reference implementation,
a cluster for each scenario, in virtual time. With --kubeconfig it runs against a
running cluster, and touches nothing there that it has not created itself.

Exit status: 0 if every requirement passed or is not applicable, 1 if one failed,
2 if one could not run, nothing was selected or the usage is wrong.`,
		Example: `  podchain verify
  podchain verify --select scheduler --select RS-07
  podchain verify --select MUST --select '!KUBELET'
  podchain verify --kubeconfig ~/.kube/config --report json=report.json
  podchain verify --link scheduler=none      # what breaks without a scheduler?`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return verify(command.Context(), options, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.kubeconfig, "kubeconfig", "", "check the running cluster of this kubeconfig `file`")
	flags.StringVar(&options.control, "control", "", "unix `socket` on which whoever runs the cluster offers to stop links, add nodes and so on (default: the one that the kubeconfig file mentions)")
	flags.StringVar(&options.features, "features", "", "run the features in this `directory` instead of the specification's own")
	flags.StringArrayVar(&options.selection, "select", nil, "run what this `pattern` names: an id, a prefix of ids, a level, a link, a feature's path or path:line; ! in front excludes (repeatable)")
	flags.StringArrayVar(&options.links, "link", nil, "`LINK=SPEC`: where a link comes from, reference or none (repeatable)")
	flags.IntVar(&options.parallel, "parallel", 0, "run so many scenarios at once (default: as many as suit the implementation)")
	flags.Int64Var(&options.seed, "seed", 0, "run the scenarios in the random order of this seed")
	flags.DurationVar(&options.timeout, "timeout", time.Minute, "give up waiting for one thing after this time")
	flags.StringArrayVar(&options.reports, "report", nil, "`FORMAT=FILE`: also write a report, in the format json (repeatable)")
	return command
}

func verify(ctx context.Context, options verifyOptions, out, progressOut io.Writer) error {
	selected, err := loadSelected(options.features, options.selection)
	if err != nil {
		return err
	}
	if options.parallel < 0 {
		return fmt.Errorf("--parallel %d: a number of scenarios is not negative", options.parallel)
	}
	target, err := target(options)
	if err != nil {
		return err
	}
	reports, err := openReports(options.reports)
	if err != nil {
		return err
	}
	defer reports.discard()
	terminal := false
	if file, ok := progressOut.(*os.File); ok {
		terminal = term.IsTerminal(int(file.Fd()))
	}
	if os.Getenv("GOGC") == "" {
		// Clusters come and go by the hundred, and little of them is alive at a
		// time: collecting at twice that little would cost a fifth of the run.
		debug.SetGCPercent(400)
	}
	progress := report.NewProgress(progressOut, terminal, selected)
	run := conformance.Options{
		Specification: selected, Implementation: target, Parallel: options.parallel,
		Seed: options.seed, Timeout: options.timeout, Done: progress.Done,
	}
	var result *conformance.Result
	if _, virtual := target.(implementation.Virtual); virtual {
		result, err = conformance.RunVirtual(ctx, run)
	} else {
		result, err = conformance.Run(ctx, run)
	}
	progress.End()
	if err != nil {
		return err
	}
	if err := report.Terminal(out, result); err != nil {
		return err
	}
	if err := reports.write(result); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted: what had not been executed by then could not run")
	}
	if status := result.ExitStatus(); status != 0 {
		return &exit{status: status}
	}
	return nil
}

// loadSelected reads the specification, embedded or from a directory.
func loadSelected(directory string, selection []string) (*specification.Specification, error) {
	var files fs.FS = features.Files
	if directory != "" {
		info, err := os.Stat(directory)
		if err != nil {
			return nil, fmt.Errorf("--features: %w", err)
		}
		if !info.IsDir() {
			return nil, fmt.Errorf("--features %s is not a directory", directory)
		}
		files = os.DirFS(directory)
	}
	loaded, err := specification.Load(files)
	if err != nil {
		return nil, err
	}
	return loaded.Select(selection)
}

func target(options verifyOptions) (implementation.Implementation, error) {
	without, err := parseLinks(options.links)
	if err != nil {
		return nil, err
	}
	if options.kubeconfig == "" && options.control != "" {
		return nil, errors.New("--control goes with --kubeconfig: which cluster does it control?")
	}
	if options.kubeconfig == "" {
		return reference.New(reference.Options{Without: without}), nil
	}
	if len(without) > 0 {
		return nil, errors.New("--link goes with the reference: a running cluster's links are not podchain's to leave out")
	}
	cluster, err := running.FromKubeconfig(options.kubeconfig)
	if err == nil && options.control != "" {
		cluster.Control(options.control)
	}
	return cluster, err
}

// parseLinks reads the --link flags and returns the links that are left out.
func parseLinks(flags []string) ([]implementation.Link, error) {
	var without []implementation.Link
	for _, flag := range flags {
		name, spec, _ := strings.Cut(flag, "=")
		link, err := implementation.ParseLink(name)
		if err != nil {
			return nil, fmt.Errorf("--link %s: %w", flag, err)
		}
		switch spec {
		case "reference":
		case "none":
			without = append(without, link)
		default:
			return nil, fmt.Errorf("--link %s: a link comes from %q, or is %q", flag, "reference", "none")
		}
	}
	return without, nil
}
