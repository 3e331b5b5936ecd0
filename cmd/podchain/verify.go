package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/belongings"
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
	allow      []string
	features   string
	selection  []string
	links      []string
	parallel   int
	seed       int64
	timeout    time.Duration
	reports    []string
	logs       string
	store      storeOptions
}

func newVerifyCommand() *cobra.Command {
	var options verifyOptions
	command := &cobra.Command{
		Use:   "verify",
		Short: "Run the specification, against the reference or a cluster",
		Long: `Run the specification. Without flags it runs against the reference implementation,
a cluster for each scenario, in virtual time.

With --kubeconfig it runs against a running cluster, and touches nothing there that
it has not created itself: namespaces with the label podchain.dev/run, which are
gone at the end. Several runs at once do not see each other. What a killed run has
left, podchain clean removes; podchain rbac prints what an account has to be allowed
to do. With --allow disruptive it also does what everybody on the cluster feels,
where whoever runs the cluster offers it: one such run at a time.

With --link another program takes the place of a link in the reference: the shell
runs the command line, with {kubeconfig}, {dir}, {port} and, for a kubelet, {node}
filled in. All scenarios then share one cluster in real time, as they do with
--store etcd and --store kine, which put the reference's API server on one of these.

Exit status: 0 if every requirement passed or is not applicable, 1 if one failed,
2 if one could not run, nothing was selected or the usage is wrong.`,
		Example: `  podchain verify
  podchain verify --select scheduler --select RS-07
  podchain verify --select MUST --select '!KUBELET'
  podchain verify --kubeconfig ~/.kube/config --report json=report.json
  podchain verify --link scheduler=none      # what breaks without a scheduler?
  podchain verify --link scheduler='./my-scheduler --kubeconfig={kubeconfig}'`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return verify(command.Context(), options, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.kubeconfig, "kubeconfig", "", "check the running cluster of this kubeconfig `file`")
	flags.StringVar(&options.control, "control", "", "unix `socket` on which whoever runs the cluster offers to stop links, add nodes and so on (default: the one that the kubeconfig file mentions)")
	flags.StringArrayVar(&options.allow, "allow", nil, "on a running cluster, also do what is `disruptive`: what everybody who uses it feels")
	flags.StringVar(&options.features, "features", "", "run the features in this `directory` instead of the specification's own")
	flags.StringArrayVar(&options.selection, "select", nil, "run what this `pattern` names: an id, a prefix of ids, a level, a link, a feature's path or path:line; ! in front excludes (repeatable)")
	flags.StringArrayVar(&options.links, "link", nil, "`LINK=SPEC`: where a link comes from: reference, none, or a command line (repeatable)")
	flags.IntVar(&options.parallel, "parallel", 0, "run so many scenarios at once (default: as many as suit the implementation)")
	flags.Int64Var(&options.seed, "seed", 0, "run the scenarios in the random order of this seed")
	flags.DurationVar(&options.timeout, "timeout", time.Minute, "give up waiting for one thing after this time")
	flags.StringArrayVar(&options.reports, "report", nil, "`FORMAT=FILE`: also write a report, in the format json (repeatable)")
	flags.StringVar(&options.logs, "logs", "", "`directory` that keeps what programs print (default: beside the first report; without one, nowhere)")
	options.store.add(flags)
	return command
}

func verify(ctx context.Context, options verifyOptions, out, progressOut io.Writer) (err error) {
	selected, err := loadSelected(options.features, options.selection)
	if err != nil {
		return err
	}
	if options.parallel < 0 {
		return fmt.Errorf("--parallel %d: a number of scenarios is not negative", options.parallel)
	}
	if options.kubeconfig != "" && options.store.store != inMemory {
		return errors.New("--store goes with the reference: a running cluster has a store of its own")
	}
	held, err := options.store.open(ctx, progressOut)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.close()) }()
	target, err := target(options, held)
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
	if options.kubeconfig != "" {
		run.Run = belongings.NewID()
		fmt.Fprintf(progressOut, "run %s: what it makes in the cluster has the label %s=%[1]s\n", run.Run, belongings.RunLabel)
		defer context.AfterFunc(ctx, func() {
			fmt.Fprintln(progressOut, "ending: what the run has made is removed; interrupt once more to leave it to podchain clean")
		})()
	}
	var result *conformance.Result
	if _, virtual := target.(implementation.Virtual); virtual {
		result, err = conformance.RunVirtual(ctx, run)
	} else {
		result, err = conformance.Run(ctx, run)
	}
	progress.End()
	if result == nil {
		return err
	}
	// With an error the cluster did not end well: what came of the run is there.
	if err := errors.Join(report.Terminal(out, result), reports.write(result)); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.Join(err, errors.New("interrupted: what had not been executed by then could not run"))
	}
	status := result.ExitStatus()
	if err != nil && status == 0 {
		status = statusUnable
	}
	if status != 0 {
		return &exit{status, err}
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

// target returns what the options have the specification run against.
func target(options verifyOptions, held *opened) (implementation.Implementation, error) {
	origins, err := parseLinks(options.links)
	switch {
	case err != nil:
		return nil, err
	case options.kubeconfig == "" && options.control != "":
		return nil, errors.New("--control goes with --kubeconfig: which cluster does it control?")
	case options.kubeconfig == "":
		return assembled(options, origins, held)
	case len(options.links) > 0:
		return nil, errors.New("--link goes with the reference: a running cluster's links are not podchain's to leave out")
	}
	cluster, err := running.FromKubeconfig(options.kubeconfig)
	if err != nil {
		return nil, err
	}
	if options.control != "" {
		cluster.Control(options.control)
	}
	disruptive, err := allowed(options.allow)
	if err != nil {
		return nil, err
	}
	if disruptive {
		cluster.AllowDisruption()
	}
	return cluster, nil
}

// assembled is the reference, without the links that are left out and with
// programs in the place of others.
func assembled(options verifyOptions, origins origins, held *opened) (implementation.Implementation, error) {
	without := slices.Concat(origins.without, slices.Sorted(maps.Keys(origins.programs)))
	base := reference.New(reference.Options{Without: without, Store: held.Store, Offers: held.offers})
	if len(origins.programs) == 0 {
		return base, nil
	}
	logs := options.logs
	if logs == "" && len(options.reports) > 0 {
		_, file, _ := strings.Cut(options.reports[0], "=")
		logs = strings.TrimSuffix(file, filepath.Ext(file)) + "-logs"
	}
	nodes := make([]string, reference.DefaultNodes)
	for i := range nodes {
		nodes[i] = fmt.Sprintf("node-%d", i+1)
	}
	target, err := assembly.New(assembly.Options{Base: base, Programs: origins.programs, Nodes: nodes, Logs: logs})
	if err != nil {
		return nil, fmt.Errorf("--link %w", err)
	}
	return target, nil
}

// origins say where links come from that are not the reference's.
type origins struct {
	without  []implementation.Link
	programs map[implementation.Link]assembly.Command
}

// parseLinks reads the --link flags.
func parseLinks(flags []string) (origins, error) {
	o := origins{programs: map[implementation.Link]assembly.Command{}}
	seen := map[implementation.Link]bool{}
	for _, flag := range flags {
		name, spec, _ := strings.Cut(flag, "=")
		link, err := implementation.ParseLink(name)
		switch {
		case err != nil:
			return o, fmt.Errorf("--link %s: %w", flag, err)
		case seen[link]:
			return o, fmt.Errorf("--link %s: where the %s comes from has been said already", flag, link)
		}
		seen[link] = true
		switch spec {
		case "":
			return o, fmt.Errorf("--link %s: where does it come from? Expected reference, none, or a command line", flag)
		case "reference":
		case "none":
			o.without = append(o.without, link)
		default:
			o.programs[link] = assembly.Command(spec)
		}
	}
	return o, nil
}
