package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/external"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/mutant"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/conformance/runresources"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

type verifyOptions struct {
	kubeconfig string
	control    string
	registry   string
	images     string
	allow      []string
	shard      string
	quiet      bool
	known      string
	links      []string
	mutant     string
	run        runOptions
	store      storeOptions
	claims     claimOptions
	thresholds *thresholds
}

// ofOneRun are the flags that say what is run this time, and what is written.
var ofOneRun = []string{"select", "shard", "report", "record", "seed", "logs", "quiet", "parallel", "clusters",
	"name", "implementation-version", "organization", "url", "contact", "claim"}

// imagesHelp says what --images takes.
const imagesHelp = "on a running cluster, have its Pods ask for the images of the specification below `HOST/REPO`, where an earlier --registry has stored them"

func newVerifyCommand(program Options) *cobra.Command {
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
where whoever runs the cluster offers it: one such run at a time. Where nobody offers
the images of the specification, --registry stores them in a registry that the nodes
can pull from, by the credentials that docker or podman have for it; they stay there,
and --images makes use of them again, but for what publishes further ones.

With --shard several of these run a part of the specification each, which podchain
report makes one run of, from the events of all. Each is a run of its own: on one
cluster they do not see each other, but with --allow disruptive they have to come one
after the other. podchain job runs them in the cluster that they check.

With --link any link comes from somewhere else: from nowhere (none), from real
Kubernetes (kubernetes, kubernetes@1.34), a kubelet from KWOK (kwok) or from the
reference with containers that really run (reference+containerd), or it is a program, which the shell runs
in the working directory, with these filled in:
  {kubeconfig}  the file by which the program reaches the API server
  {dir}         a directory of its own, removed at the end
  {port}        a loopback port that nobody else uses
  {node}        for a kubelet, the name of its node: it runs once for each
The API server itself writes {kubeconfig} whenever it starts, for an administrator,
and listens on {port}. --link all=SPEC says where the links come from that no other
flag names; without it that is the reference. All scenarios then share one cluster in
real time, as they do with --store etcd and --store kine, which put the reference's
API server on one of these. Links of real Kubernetes are the matter of the program
podchain-kubernetes, which is built where it is needed (Linux, as root, within a clone
of podchain).

With --mutant one link of the reference does one thing wrongly, to see what a failure
looks like and that CI notices: podchain list --mutants says which there are.

Exit status: 0 if every requirement passed, is not applicable or is known to fail,
1 if one failed or passed though it is known to fail, 2 if one could not run, nothing
was selected or the usage is wrong.`,
		Example: `  podchain verify
  podchain verify --select scheduler --select RS-07
  podchain verify --select MUST --select '!KUBELET'
  podchain verify --kubeconfig ~/.kube/config --registry registry.example.com/podchain --report json=report.json
  podchain verify --shard 2/3 --report events=2.jsonl
  podchain verify --link scheduler='./my-scheduler --kubeconfig={kubeconfig}' --known known-failing.yaml
  podchain verify --link scheduler=none      # what breaks without a scheduler?
  podchain verify --mutant scheduler/chooses-any-node --select scheduler
  podchain verify --link scheduler='./my-scheduler --kubeconfig={kubeconfig}'
  podchain verify --link scheduler=kubernetes@1.34
  podchain verify --link all=kubernetes --link kubelet='./my-kubelet --node={node} --kubeconfig={kubeconfig}'`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			options.run.command = commandLine(command.Name(), command.Flags(), ofOneRun...)
			if err := options.places(command.OutOrStdout()).check(); err != nil {
				return err
			}
			return verify(command.Context(), program, options, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.kubeconfig, "kubeconfig", "", "check the running cluster of this kubeconfig `file`; in-cluster is the one that podchain runs in, by the account of its Pod")
	flags.StringVar(&options.control, "control", "", "unix `socket` on which whoever runs the cluster offers to stop links, add nodes and so on (default: the one that the kubeconfig file mentions)")
	flags.StringVar(&options.registry, "registry", "", "on a running cluster, store the images of the specification below `HOST/REPO`, and have its Pods ask for them there")
	flags.StringVar(&options.images, "images", "", imagesHelp)
	flags.StringArrayVar(&options.allow, "allow", nil, "on a running cluster, also do what is `disruptive`: what everybody who uses it feels")
	flags.StringArrayVar(&options.links, "link", nil, "`LINK=SPEC`: where a link, or all that are not named, come from: "+originNames()+", or a command line (repeatable)")
	flags.StringVar(&options.mutant, "mutant", "", "have a link of the reference do one thing wrongly: a `name` of podchain list --mutants")
	flags.StringVar(&options.shard, "shard", "", shardHelp)
	flags.StringVar(&options.known, "known", "", knownHelp)
	flags.BoolVar(&options.quiet, "quiet", false, "tell nothing on stderr but what keeps the specification from being run")
	options.run.add(flags, eventsFormat+", as the run goes on, or one that podchain report --help explains: json, junit, yaml, messages, badge, github, annotations")
	options.store.add(flags)
	options.claims.add(flags)
	options.thresholds = addThresholds(flags)
	return command
}

func verify(ctx context.Context, program Options, options verifyOptions, out, progressOut io.Writer) (err error) {
	selected, err := options.run.load()
	if err != nil {
		return err
	}
	if err := options.part(selected); err != nil {
		return err
	}
	sources, err := parseLinks(options.links)
	if err != nil {
		return err
	}
	if err := options.check(sources); err != nil {
		return err
	}
	if options.store.store == inMemory {
		options.run = options.run.on(sources)
	}
	if options.quiet {
		progressOut = io.Discard
	}
	if elsewhere := sources.elsewhere(program.Origins); elsewhere != "" {
		return handOver(ctx, elsewhere, progressOut)
	}
	if options.registry != "" && program.Images == nil {
		return handOver(ctx, FromKubernetes, progressOut)
	}
	whole, err := loadSelected(options.run.features, nil)
	if err != nil {
		return err
	}
	if options.run.known, err = loadKnown(options.known, whole); err != nil {
		return err
	}
	claims := options.claims.Claims
	claims.Specification = whole
	if options.kubeconfig == "" {
		if err := checkLogs(logsPath(options.run.logs, options.run.reports), sources); err != nil {
			return err
		}
	}
	streams, others, err := openEventStreams(options.run.reports, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, streams.close()) }()
	if streams.onStdout() {
		out = io.Discard // only events are among the events
	}
	reports, err := openOutputs(runFormats(claims), others, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reports.close()) }()
	out = reports.people(out, progressOut)
	held, err := options.store.open(ctx, progressOut)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, held.close()) }()
	ran := false
	var target implementation.Implementation
	if options.kubeconfig == "" {
		var kept logs
		if !sources.onlyReference() {
			if kept, err = openLogs(options.run.logs, options.run.reports); err != nil {
				return err
			}
		}
		// What kept a cluster from starting has been told with the error.
		defer func() { err = errors.Join(err, kept.close(ran && err != nil, progressOut)) }()
		from := origins{named: program.Origins, reference: reference.Options{Store: held.Store, Offers: held.offers}, told: progressOut}
		if err := options.mutate(&from.reference, sources); err != nil {
			return err
		}
		target, err = from.implementation(sources, kept.path)
	} else {
		target, err = somebodys(ctx, program, options, progressOut)
	}
	if err != nil {
		return err
	}
	id := ""
	if options.kubeconfig != "" {
		id = runresources.NewID()
		fmt.Fprintf(progressOut, "run %s: what it makes in the cluster has the label %s=%[1]s\n", id, runresources.RunLabel)
		defer context.AfterFunc(ctx, func() {
			fmt.Fprintln(progressOut, "ending: what the run has made is removed; interrupt once more to leave it to podchain clean")
		})()
	}
	result, err := options.run.run(ctx, selected, target, id, progressOut, streams.Add)
	if result == nil {
		return err
	}
	ran = true
	// With an error the cluster did not end well: what came of the run is there.
	told := streams.close()
	streams = nil
	if fault := errors.Join(report.Terminal(out, result), reports.finish(result), told); fault != nil {
		return errors.Join(err, fault)
	}
	interrupted := errInterrupted
	if options.quiet {
		err, interrupted = nil, nil // the reports tell it, and the status
	}
	if ctx.Err() != nil {
		return &exit{statusUnable, errors.Join(err, interrupted)}
	}
	return options.thresholds.judge(result, err)
}

// places are the files that it reads and writes.
func (o verifyOptions) places(stdout io.Writer) *places {
	named := o.run.places(stdout)
	named.reads("--known "+o.known, o.known)
	named.reads("--kubeconfig "+o.kubeconfig, o.kubeconfig)
	for flag, file := range map[string]string{"--etcd-cafile ": o.store.files.CA, "--etcd-certfile ": o.store.files.Cert, "--etcd-keyfile ": o.store.files.Key} {
		named.reads(flag+file, file)
	}
	return named
}

// part has only the shard of what is selected run.
func (o *verifyOptions) part(selected *specification.Specification) (err error) {
	if o.run.shard, err = parseShard(o.shard); err != nil || o.shard == "" {
		return err
	}
	return conformance.CheckShard(o.run.shard, selected)
}

// check returns an error for flags that do not go together.
func (o verifyOptions) check(links sources) error {
	running, stored := o.kubeconfig != "", o.store.store != inMemory
	for _, clash := range []struct {
		is  bool
		why string
	}{
		{running && stored, "--store goes with the reference: a running cluster has a store of its own"},
		{running && len(o.links) > 0, "--link and --kubeconfig do not go together: a running cluster's links are not podchain's to leave out"},
		{stored && links[chain.APIServer] != fromReference,
			"--store goes with the reference's API server; this one comes from " + links[chain.APIServer]},
		{o.run.clusters > 1 && (running || stored),
			"--clusters goes with clusters that the run starts itself, each with a store of its own: not with --kubeconfig or --store"},
		{o.run.clusters > 1 && links.onlyReference(),
			"--clusters goes with links from elsewhere: in virtual time every scenario has a cluster of its own"},
		{o.registry != "" && !running, "--registry goes with --kubeconfig: which cluster's nodes pull from it?"},
		{o.images != "" && !running, "--images goes with --kubeconfig: which cluster's nodes pull from it?"},
		{o.images != "" && o.registry != "", "--images says that they are there, and --registry stores them: give one"},
		{o.control != "" && !running, "--control goes with --kubeconfig: which cluster does it control?"},
		{o.mutant != "" && running, "--mutant goes with the reference: a running cluster's links do what they do"},
		{len(o.allow) > 0 && !running, "--allow goes with --kubeconfig: a cluster of the run's own has nobody to disturb"},
	} {
		if clash.is {
			return errors.New(clash.why)
		}
	}
	return nil
}

// mutate has a link of the reference do what the flag asks for.
func (o verifyOptions) mutate(options *reference.Options, links sources) error {
	if o.mutant == "" {
		return nil
	}
	m, err := mutant.Named(o.mutant)
	if err != nil {
		return fmt.Errorf("--mutant: %w", err)
	}
	if from := links[m.Link]; from != fromReference {
		return fmt.Errorf("--mutant %s is about the reference's %s; this one comes from %s", m.Name, m.Link, from)
	}
	options.Tap = m.Tap
	options.Replaced = map[chain.Link]string{m.Link: "mutant " + m.Name}
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

// somebodys is the cluster that somebody else runs.
func somebodys(ctx context.Context, program Options, options verifyOptions, told io.Writer) (implementation.Implementation, error) {
	cluster, err := external.FromKubeconfig(options.kubeconfig)
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
	if options.images != "" {
		cluster.ImagesBelow(strings.TrimSuffix(options.images, "/"))
	}
	if options.registry != "" {
		images, err := program.Images(ctx, options.registry, told)
		if err != nil {
			return nil, fmt.Errorf("--registry %s: %w", options.registry, err)
		}
		cluster.Images(images)
	}
	return cluster, nil
}
