// Command kubernetes brings up real Kubernetes on this machine, and runs the
// specification against it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// exit carries an exit status; what there is to say has been said.
type exit struct{ status int }

func (e *exit) Error() string { return fmt.Sprintf("exit status %d", e.status) }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := newCommand().ExecuteContext(ctx)
	stop()
	var status *exit
	switch {
	case errors.As(err, &status):
		os.Exit(status.status)
	case err != nil:
		fmt.Fprintf(os.Stderr, "error: %v\n", err)
		os.Exit(2)
	}
}

func newCommand() *cobra.Command {
	command := &cobra.Command{
		Use:           "kubernetes",
		Short:         "Real Kubernetes, built and run on this machine",
		SilenceErrors: true, SilenceUsage: true,
	}
	command.AddCommand(newUpCommand(), newDownCommand(), newVerifyCommand())
	return command
}
