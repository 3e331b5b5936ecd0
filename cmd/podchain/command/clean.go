package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/children"
	"github.com/podchain/podchain/conformance/external"
	"github.com/podchain/podchain/conformance/printable"
	"github.com/podchain/podchain/conformance/runresources"
)

type cleanOptions struct {
	kubeconfig string
	runs       []string
	dryRun     bool
	timeout    time.Duration
}

func newCleanCommand() *cobra.Command {
	var options cleanOptions
	command := &cobra.Command{
		Use:   "clean",
		Short: "Clean up after killed runs, on this machine and in a cluster",
		Long: `Clean up after killed runs. On this machine: end the programs of links
(podchain verify --link LINK='COMMAND LINE') and stores (--store etcd), and
remove temporary directories, including what programs printed if neither --logs
nor a report named a place for it. A process belongs to a run if PODCHAIN_RUN in
its environment names the run. The next run with such a program cleans up as
well. Only processes and files of the same user are cleaned up.

With --kubeconfig also remove from a cluster what killed runs of "podchain
verify --kubeconfig" left there (namespaces and nodes with the label
podchain.dev/run), and wait until it is gone. A running run renews a Lease in
its namespace podchain-ID; one that has not done so for 15 seconds was killed.
With --run, a run is removed in any case.

Exit status: 0 if nothing is left; 2 if something could not be removed: the
message says what, and why.`,
		Example: `  podchain clean
  podchain clean --kubeconfig ~/.kube/config --dry-run
  podchain clean --kubeconfig ~/.kube/config
  podchain clean --kubeconfig ~/.kube/config --run bdf2k7xq9z`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			return clean(command.Context(), options, printable.Writer(command.OutOrStdout()), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.kubeconfig, "kubeconfig", "", "Also clean the cluster of this kubeconfig `file`; in-cluster is the one that podchain runs in as a Pod")
	flags.StringArrayVar(&options.runs, "run", nil, "Remove only the run with this `id`, even if it is still running (repeatable)")
	flags.BoolVar(&options.dryRun, "dry-run", false, "Print what would be removed, and remove nothing")
	flags.DurationVar(&options.timeout, "timeout", 2*time.Minute, "Give up on a run that is not removed after this time")
	return command
}

func clean(ctx context.Context, options cleanOptions, out, progress io.Writer) (err error) {
	switch {
	case options.kubeconfig == "" && len(options.runs) > 0:
		return errors.New("--run goes with --kubeconfig: it removes a run from a cluster")
	case options.timeout <= 0:
		return fmt.Errorf("--timeout %s: must be positive", options.timeout)
	}
	here, err := cleanMachine(options.dryRun, out)
	if err != nil {
		return err
	}
	if options.kubeconfig == "" {
		if !here {
			fmt.Fprintln(out, "no run has left anything on this machine")
		}
		return nil
	}
	target, err := external.FromKubeconfig(options.kubeconfig)
	if err != nil {
		return err
	}
	// Nodes of a killed run are removed like they were added: through the control socket.
	target.AllowDisruption()
	cluster, err := target.Start(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cluster.Stop(context.WithoutCancel(ctx))) }()
	janitor, err := conformance.NewJanitor(cluster)
	if err != nil {
		return err
	}
	left, err := janitor.Find(ctx)
	if err != nil {
		return err
	}
	if left, err = dead(ctx, janitor, left, options.runs, out, progress); err != nil {
		return err
	}
	var faults []error
	for _, run := range left {
		if options.dryRun {
			fmt.Fprintf(out, "would remove %s\n", run)
			continue
		}
		if err := remove(ctx, janitor, run.ID, options.timeout); err != nil {
			faults = append(faults, err)
			continue
		}
		fmt.Fprintf(out, "removed %s\n", run)
	}
	if ctx.Err() != nil {
		faults = append(faults, errors.New("interrupted: run podchain clean again to remove the rest"))
	}
	return errors.Join(faults...)
}

// cleanMachine removes what killed runs have left here, and tells whether there was anything.
func cleanMachine(dry bool, out io.Writer) (left bool, err error) {
	found, err := children.Clean(dry)
	for _, left := range found {
		if dry {
			fmt.Fprintf(out, "would remove %s\n", left)
		} else {
			fmt.Fprintf(out, "removed %s\n", left)
		}
	}
	return len(found) > 0, err
}

// dead returns the runs to remove: the wanted ones, or, if none is named, all that are no
// longer running.
func dead(ctx context.Context, janitor *runresources.Janitor, found []runresources.Run, wanted []string, out, progress io.Writer) ([]runresources.Run, error) {
	for _, id := range wanted {
		if !slices.ContainsFunc(found, func(run runresources.Run) bool { return run.ID == id }) {
			fmt.Fprintf(out, "run %s has left nothing in the cluster; there are remains of %s\n", id, orNone(found))
		}
	}
	if len(wanted) == 0 && len(found) == 0 {
		fmt.Fprintln(out, "no run has left anything in the cluster")
	}
	var alive sets.Set[string]
	if len(wanted) == 0 && len(found) > 0 {
		fmt.Fprintf(progress, "waiting %s for heartbeats of %s\n", runresources.Timeout, orNone(found))
		var err error
		if alive, err = janitor.Alive(ctx, found); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(found, func(run runresources.Run) bool {
		if alive.Has(run.ID) {
			fmt.Fprintf(out, "run %s is still running: it is not removed\n", run.ID)
			return true
		}
		return len(wanted) > 0 && !slices.Contains(wanted, run.ID)
	}), nil
}

func orNone(runs []runresources.Run) string {
	var ids []string
	for _, run := range runs {
		ids = append(ids, run.ID)
	}
	if len(ids) == 0 {
		return "no run"
	}
	return "run " + strings.Join(ids, ", ")
}

func remove(ctx context.Context, janitor *runresources.Janitor, run string, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return janitor.Remove(ctx, run)
}
