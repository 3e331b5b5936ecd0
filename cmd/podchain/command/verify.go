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
	"github.com/spf13/pflag"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/external"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/mutant"
	"github.com/podchain/podchain/conformance/printable"
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

// perRunFlags say what is run this time, and what is written: the command that runs a
// scenario again leaves them out.
var perRunFlags = []string{"select", "shard", "report", "record", "seed", "logs", "quiet", "parallel", "clusters",
	"name", "implementation-version", "organization", "url", "contact", "claim"}

const (
	verifyLong = `Run the specification. Without flags it runs against the reference
implementation in virtual time, with a new cluster for each scenario.

With --kubeconfig it runs against a running cluster. The run only touches what
it creates: namespaces with the label podchain.dev/run, which it deletes at the
end. Runs at the same time do not disturb each other. "podchain clean" cleans up
after a killed run; "podchain rbac" prints an account with the permissions that
a run needs. --allow disruptive also runs scenarios that affect other users of
the cluster, where the cluster offers the means: one such run at a time.
If the cluster does not provide the images of the specification, --registry
stores them in a registry that its nodes can pull from, with the credentials of
docker or podman. They stay there, and later runs find them with --images,
except in scenarios that publish an image.

With --shard each of several runs executes a part of the specification, and
"podchain report" merges their events into one run. Shards can run at the same
time on one cluster, except with --allow disruptive. "podchain job" runs them in
the cluster that they check.

With --link a link comes from elsewhere: nowhere (none), real Kubernetes
(kubernetes, kubernetes@1.34), KWOK (kwok, a kubelet), the reference with real
containers (reference+containerd, a kubelet), or a program: a command line that
the shell runs in the working directory. These placeholders are filled in:
  {kubeconfig}  file with which the program reaches the API server
  {dir}         a directory of its own, removed at the end
  {port}        a free loopback port
  {node}        name of the node, for a kubelet: one process runs for each node
An API server writes {kubeconfig} itself whenever it starts, with the rights of
an administrator, and listens on {port}. --link all=SPEC sets the origin of all
links that no other flag names; the default is the reference. With links from
elsewhere, all scenarios share one cluster in real time, as with --store etcd
and --store kine. Links of real Kubernetes are run by podchain-kubernetes, which
is built on first use (on Linux, as root, in a clone of podchain).

With --mutant one link of the reference has a defect, to show what a failure
looks like and that CI notices it; "podchain list --mutants" lists them.

Exit status: 0 if every requirement passed, is not applicable or is known to
fail; 1 if one failed, or passed although it is known to fail; 2 if one could
not run, nothing was selected or the usage is wrong.`

	verifyExample = `  podchain verify
  podchain verify --select scheduler --select RS-07
  podchain verify --select MUST --select '!KUBELET'
  podchain verify --kubeconfig ~/.kube/config --report json=report.json
  podchain verify --shard 2/3 --report events=2.jsonl
  podchain verify --link scheduler='./my-scheduler --kubeconfig={kubeconfig}'
  podchain verify --link scheduler=./run.sh --known-failing known-failing.yaml
  podchain verify --link scheduler=none      # what breaks without a scheduler?
  podchain verify --mutant scheduler/chooses-any-node --select scheduler
  podchain verify --link scheduler=kubernetes@1.34
  podchain verify --link all=kubernetes --link kubelet='./my-kubelet {node}'`
)

// imagesHelp describes --images.
const imagesHelp = "Have Pods use the images of the specification below `HOST/REPO`, where --registry stored them"

func newVerifyCommand(program Options) *cobra.Command {
	var options verifyOptions
	command := &cobra.Command{
		Use:     "verify",
		Short:   "Run the specification against the reference, a cluster or a link",
		Long:    verifyLong,
		Example: verifyExample,
		Args:    noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			options.run.command = commandLine(command.Name(), command.Flags(), perRunFlags...)
			if err := options.places(command.OutOrStdout()).check(); err != nil {
				return err
			}
			return verify(command.Context(), program, options, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	options.add(command)
	return command
}

func (o *verifyOptions) add(command *cobra.Command) {
	group(command, groupSelection, o.run.selectFlags, func(flags *pflag.FlagSet) {
		flags.StringVar(&o.shard, "shard", "", shardHelp)
		flags.StringVar(&o.known, "known-failing", "", knownHelp)
	})
	group(command, groupExecution, o.run.executionFlags, func(flags *pflag.FlagSet) {
		flags.BoolVar(&o.quiet, "quiet", false, "Print only errors that prevent the run on stderr")
	})
	group(command, groupStarted, func(flags *pflag.FlagSet) {
		flags.StringArrayVar(&o.links, "link", nil, "Take a link, or all that are not named, from elsewhere: `LINK=SPEC` with "+originNames()+" or a command line (repeatable)")
		flags.StringVar(&o.mutant, "mutant", "", "Give a link of the reference the defect with this `name`")
	}, o.run.clusterFlags)
	group(command, groupStore, o.store.add)
	group(command, groupRunning, func(flags *pflag.FlagSet) {
		flags.StringVar(&o.kubeconfig, "kubeconfig", "", "Check the cluster of this kubeconfig `file`; in-cluster is the one that podchain runs in as a Pod")
		flags.StringArrayVar(&o.allow, "allow", nil, "Also run what affects other users of the cluster: `disruptive`")
		flags.StringVar(&o.images, "images", "", imagesHelp)
		flags.StringVar(&o.registry, "registry", "", "Store the images of the specification below `HOST/REPO`, and have Pods use them from there")
		flags.StringVar(&o.control, "control", "", "Control the cluster (stop links, add nodes and so on) through this unix `socket` (default: the one that the kubeconfig file mentions)")
	})
	group(command, groupReports, func(flags *pflag.FlagSet) {
		o.run.reportFlags(flags, eventsFormat+", while the run goes on; json, junit, yaml, messages, badge, github, annotations (see podchain report)")
		o.run.recordFlag(flags)
		o.thresholds = addThresholds(flags)
	})
	group(command, groupClaims, o.claims.add)
}

func verify(ctx context.Context, program Options, options verifyOptions, out, progress io.Writer) (err error) {
	if options.quiet {
		progress = io.Discard
	}
	selected, links, err := options.load()
	if err != nil {
		return err
	}
	if origin := options.elsewhere(program, links); origin != "" {
		return delegateTo(ctx, origin, progress)
	}
	output, err := options.open(links, out, progress)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, output.close()) }()
	target, end, err := options.target(ctx, program, links, progress)
	ran := false
	// The error says why a cluster did not start: its logs are of no use then.
	defer func() { err = errors.Join(err, end(ran && err != nil)) }()
	if err != nil {
		return err
	}
	id := ""
	if options.kubeconfig != "" {
		id = runresources.NewID()
		fmt.Fprintf(progress, "run %s: what it creates in the cluster has the label %s=%[1]s\n", id, runresources.RunLabel)
		defer context.AfterFunc(ctx, func() {
			fmt.Fprintln(progress, "ending: the run removes what it created; interrupt again to leave that to podchain clean")
		})()
	}
	result, err := options.run.run(ctx, selected, target, id, progress, output.events.Add)
	if result == nil {
		return err
	}
	ran = true
	// With an error the cluster did not end well: there are results nevertheless.
	if fault := output.write(result); fault != nil {
		return errors.Join(err, fault)
	}
	interrupted := errInterrupted
	if options.quiet {
		err, interrupted = nil, nil // the reports say it, and the status
	}
	if ctx.Err() != nil {
		return &exit{statusUnable, errors.Join(err, interrupted)}
	}
	return options.thresholds.judge(result, err)
}

// load reads what is to be run, and where links come from.
func (o *verifyOptions) load() (*specification.Specification, sources, error) {
	selected, err := o.run.load()
	if err != nil {
		return nil, nil, err
	}
	if o.run.shard, err = parseShard(o.shard); err == nil && o.shard != "" {
		err = conformance.CheckShard(o.run.shard, selected)
	}
	if err != nil {
		return nil, nil, err
	}
	links, err := parseLinks(o.links)
	if err != nil {
		return nil, nil, err
	}
	if err := o.check(links); err != nil {
		return nil, nil, err
	}
	if o.store.store == inMemory {
		o.run = o.run.on(links)
	}
	return selected, links, nil
}

// elsewhere returns an origin that another program has and that is needed; "" if none is.
func (o *verifyOptions) elsewhere(program Options, links sources) string {
	if o.registry != "" && program.Images == nil {
		return FromKubernetes
	}
	return links.elsewhere(program.Origins)
}

// runOutput is where a run is written to: its events, its reports and a text for people.
type runOutput struct {
	events  eventStreams
	reports outputs[*events.RunRecord]
	people  io.Writer
}

// open opens what the run is written to.
func (o *verifyOptions) open(links sources, out, progress io.Writer) (_ *runOutput, err error) {
	whole, err := loadSelected(o.run.features, nil)
	if err != nil {
		return nil, err
	}
	if o.run.known, err = loadKnown(o.known, whole); err != nil {
		return nil, err
	}
	if o.kubeconfig == "" {
		if err := checkLogs(logsPath(o.run.logs, o.run.reports), links); err != nil {
			return nil, err
		}
	}
	claims := o.claims.Claims
	claims.Specification = whole
	output := &runOutput{}
	var others []string
	if output.events, others, err = openEventStreams(o.run.reports, out); err != nil {
		return nil, err
	}
	if output.events.onStdout() {
		out = io.Discard // nothing else may stand among the events
	}
	if output.reports, err = openOutputs(runFormats(claims), others, out, eventsFormat); err != nil {
		return nil, errors.Join(err, output.close())
	}
	output.people = output.reports.people(out, progress)
	return output, nil
}

// write writes the results of a run.
func (o *runOutput) write(result *events.RunRecord) error {
	incomplete := o.events.close()
	o.events = nil
	return errors.Join(report.Terminal(o.people, result), o.reports.finish(result), incomplete)
}

func (o *runOutput) close() error { return errors.Join(o.reports.close(), o.events.close()) }

// target returns what the run runs against. What end gets is whether what programs
// printed is kept; it is also there with an error.
func (o *verifyOptions) target(ctx context.Context, program Options, links sources, progress io.Writer) (_ implementation.Implementation, end func(keep bool) error, err error) {
	end = func(bool) error { return nil }
	if o.kubeconfig != "" {
		cluster, err := externalCluster(ctx, program, *o, progress)
		return cluster, end, err
	}
	held, err := o.store.open(ctx, progress)
	if err != nil {
		return nil, end, err
	}
	var kept logs
	end = func(keep bool) error { return errors.Join(kept.close(keep, progress), held.close()) }
	if !links.onlyReference() {
		if kept, err = openLogs(o.run.logs, o.run.reports); err != nil {
			return nil, end, err
		}
	}
	from := origins{named: program.Origins, reference: reference.Options{Store: held.Store, Offers: held.offers}, progress: progress}
	if err := o.mutate(&from.reference, links); err != nil {
		return nil, end, err
	}
	started, err := from.implementation(links, kept.path)
	return started, end, err
}

// places are the files that it reads and writes.
func (o verifyOptions) places(stdout io.Writer) *places {
	named := o.run.places(stdout)
	named.reads("--known-failing "+o.known, o.known)
	named.reads("--kubeconfig "+o.kubeconfig, o.kubeconfig)
	for flag, file := range map[string]string{"--etcd-cafile ": o.store.files.CA, "--etcd-certfile ": o.store.files.Cert, "--etcd-keyfile ": o.store.files.Key} {
		named.reads(flag+file, file)
	}
	return named
}

// check returns an error for flags that do not go together.
func (o verifyOptions) check(links sources) error {
	running, stored := o.kubeconfig != "", o.store.store != inMemory
	for _, clash := range []struct {
		is  bool
		why string
	}{
		{running && stored, "--store goes with the reference: a running cluster has a store of its own"},
		{running && len(o.links) > 0, "--link and --kubeconfig do not go together: podchain does not start the links of a running cluster"},
		{stored && links[chain.APIServer] != fromReference,
			"--store goes with the reference's API server; this one comes from " + links[chain.APIServer]},
		{o.run.clusters > 1 && (running || stored),
			"--clusters goes with clusters that the run starts, each with a store of its own: not with --kubeconfig or --store"},
		{o.run.clusters > 1 && links.onlyReference(),
			"--clusters goes with links from elsewhere: in virtual time every scenario has a cluster of its own"},
		{o.registry != "" && !running, "--registry goes with --kubeconfig: it is for the nodes of a running cluster"},
		{o.images != "" && !running, "--images goes with --kubeconfig: it is for the nodes of a running cluster"},
		{o.images != "" && o.registry != "", "--images uses images that are stored already, --registry stores them: give one of the two"},
		{o.control != "" && !running, "--control goes with --kubeconfig: it controls a running cluster"},
		{o.mutant != "" && running, "--mutant goes with the reference: podchain does not start the links of a running cluster"},
		{len(o.allow) > 0 && !running, "--allow goes with --kubeconfig: a cluster that the run starts has no other users"},
	} {
		if clash.is {
			return errors.New(clash.why)
		}
	}
	return o.store.check()
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
			return nil, fmt.Errorf("--features: %w", printable.File(err))
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

// externalCluster is the running cluster of a kubeconfig file.
func externalCluster(ctx context.Context, program Options, options verifyOptions, progress io.Writer) (implementation.Implementation, error) {
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
		images, err := program.Images(ctx, options.registry, progress)
		if err != nil {
			return nil, fmt.Errorf("--registry %s: %w", options.registry, err)
		}
		cluster.Images(images)
	}
	return cluster, nil
}
