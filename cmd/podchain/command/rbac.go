package command

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/podchain/podchain/conformance/permission"
)

func newRBACCommand() *cobra.Command {
	var allow []string
	command := &cobra.Command{
		Use:   "rbac",
		Short: "Print the manifest of an account that may check a cluster",
		Long: `Print the manifest of a ServiceAccount that has exactly the permissions of
"podchain verify --kubeconfig" and "podchain clean". "kubectl create token"
makes a token for it, to put into a kubeconfig file.`,
		Example: `  podchain rbac | kubectl apply -f -
  kubectl create token podchain --namespace podchain-account --duration 1h
  podchain rbac --allow disruptive | kubectl apply -f -`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			disruptive, err := allowed(allow)
			if err != nil {
				return err
			}
			extra := []permission.Extra{permission.Cleaning}
			if disruptive {
				extra = append(extra, permission.Disruption)
			}
			_, err = fmt.Fprint(command.OutOrStdout(), permission.Manifest(extra...))
			return err
		},
	}
	command.Flags().StringArrayVar(&allow, "allow", nil, "Also permit what affects other users of the cluster: `disruptive`")
	return command
}

// allowed reads the --allow flags.
func allowed(flags []string) (disruptive bool, err error) {
	for _, what := range flags {
		if what != "disruptive" {
			return false, fmt.Errorf("--allow %s: expected disruptive", what)
		}
		disruptive = true
	}
	return disruptive, nil
}
