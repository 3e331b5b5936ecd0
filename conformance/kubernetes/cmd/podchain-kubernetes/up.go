package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/podchain/podchain/conformance/control"
	"github.com/podchain/podchain/conformance/kubernetes"
)

// up is the use of the cluster that up runs: there is one of them.
const up = "up"

// stopTimeout bounds the end of a cluster.
const stopTimeout = time.Minute

func newUpCommand() *cobra.Command {
	options := kubernetes.Options{Use: up}
	command := &cobra.Command{
		Use:   "up",
		Short: "Run a cluster until this is interrupted",
		Long: `Build Kubernetes on first use, which takes minutes, and run a cluster until
SIGINT or SIGTERM. When it is ready, a line names its kubeconfig file, with
which podchain verify finds everything that it offers.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			options.Progress = command.ErrOrStderr()
			real := kubernetes.New(options)
			cluster, err := real.StartCluster(command.Context())
			if errors.Is(err, kubernetes.ErrRunning) {
				return fmt.Errorf("%w; end it with the command down", err)
			}
			if err != nil {
				return err
			}
			endControl, err := control.Serve(cluster.Control(), control.Handler(real.Describe(), cluster))
			if err == nil {
				fmt.Fprintf(command.OutOrStdout(), "ready: export KUBECONFIG=%s\n", cluster.Kubeconfig())
				err = errors.Join(whole(command.Context(), cluster), endControl())
			}
			ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
			defer cancel()
			return errors.Join(err, cluster.Stop(ctx))
		},
	}
	addClusterFlags(command, &options)
	command.Flags().IntVar(&options.Nodes, "nodes", 2, "Start `N` nodes")
	return command
}

// whole returns when ctx is done, or with an error when the cluster has lost a
// part.
func whole(ctx context.Context, cluster *kubernetes.Cluster) error {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		if link, err := cluster.Crashed(); err != nil {
			return fmt.Errorf("the cluster is broken, %s: %w", link, err)
		}
	}
}

func addClusterFlags(command *cobra.Command, options *kubernetes.Options) {
	command.Flags().StringVar(&options.Version, "version", kubernetes.DefaultVersion, "Run this `version` of Kubernetes")
	command.Flags().StringVar(&options.Store, "store", kubernetes.DefaultStore, "Keep the objects of the API server in this `store`: etcd or kine")
}

func newDownCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "End the cluster that up runs, and clean up after killed ones",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			clusters, err := kubernetes.Clusters()
			if err != nil {
				return err
			}
			for _, cluster := range clusters {
				if cluster.Use != up && !cluster.Dead {
					continue // it was not started by up
				}
				if err := cluster.Remove(command.Context()); err != nil {
					return err
				}
				fmt.Fprintf(command.OutOrStdout(), "removed %s\n", cluster.Directory)
			}
			return nil
		},
	}
}
