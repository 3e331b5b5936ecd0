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
		Short: "Remove what killed runs have left on this machine and in a cluster",
		Long: `End the programs of links (podchain verify --link LINK='COMMAND LINE') that killed runs
have left on this machine, and their stores (--store etcd), and remove their temporary
folders, in which is also what programs printed where neither --logs nor a report gave
that a place. What carries PODCHAIN_RUN with the run's name in its environment is the run's. The next run with such a program does
the same. What other users have left is theirs to clean.

With --kubeconfig also remove what killed runs of podchain verify --kubeconfig have left
in a cluster, and wait until it is gone: namespaces and nodes with the label podchain.dev/run. A run
that goes on renews a Lease in its namespace podchain-ID; one that does not do so for
15 seconds was killed. With --run a run is removed in any case.

Exit status: 0 if nothing is left, 2 if something could not be removed: what it is
and what holds it is told.`,
		Example: `  podchain clean
  podchain clean --kubeconfig ~/.kube/config --dry-run
  podchain clean --kubeconfig ~/.kube/config
  podchain clean --kubeconfig ~/.kube/config --run bdf2k7xq9z`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return clean(command.Context(), options, printable.Writer(command.OutOrStdout()), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.kubeconfig, "kubeconfig", "", "also clean the running cluster of this kubeconfig `file`, or the one that it runs in: in-cluster")
	flags.StringArrayVar(&options.runs, "run", nil, "remove the run with this `id`, going on or not, and no other (repeatable)")
	flags.BoolVar(&options.dryRun, "dry-run", false, "only tell what would be removed")
	flags.DurationVar(&options.timeout, "timeout", 2*time.Minute, "give up on a run that is not gone after this time")
	return command
}

func clean(ctx context.Context, options cleanOptions, out, told io.Writer) (err error) {
	switch {
	case options.kubeconfig == "" && len(options.runs) > 0:
		return errors.New("--run removes a run from a cluster: which one? Name its --kubeconfig")
	case options.timeout <= 0:
		return fmt.Errorf("--timeout %s: there is no time to clean in", options.timeout)
	}
	here, err := cleanMachine(options.dryRun, out)
	if err != nil {
		return err
	}
	if options.kubeconfig == "" {
		if !here {
			fmt.Fprintln(out, "nothing is left on this machine of any run")
		}
		return nil
	}
	target, err := external.FromKubeconfig(options.kubeconfig)
	if err != nil {
		return err
	}
	// Nodes of a dead run go as they came: by whoever runs the cluster.
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
	if left, err = dead(ctx, janitor, left, options.runs, out, told); err != nil {
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

// cleanMachine removes what killed runs have left here, and tells whether there was any.
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

// dead returns those of the runs that are to be removed: the wanted ones, or, if
// none is named, all that do not go on.
func dead(ctx context.Context, janitor *runresources.Janitor, found []runresources.Run, wanted []string, out, told io.Writer) ([]runresources.Run, error) {
	for _, id := range wanted {
		if !slices.ContainsFunc(found, func(run runresources.Run) bool { return run.ID == id }) {
			fmt.Fprintf(out, "nothing is there of run %s; there is something of %s\n", id, orNone(found))
		}
	}
	if len(wanted) == 0 && len(found) == 0 {
		fmt.Fprintln(out, "nothing is there of any run")
	}
	var alive sets.Set[string]
	if len(wanted) == 0 && len(found) > 0 {
		fmt.Fprintf(told, "waiting %s for signs of life of %s\n", runresources.Patience, orNone(found))
		var err error
		if alive, err = janitor.Alive(ctx, found); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(found, func(run runresources.Run) bool {
		if alive.Has(run.ID) {
			fmt.Fprintf(out, "run %s goes on: it is left alone\n", run.ID)
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
