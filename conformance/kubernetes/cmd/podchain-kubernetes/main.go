// Command podchain-kubernetes is podchain with links of real Kubernetes: it builds
// them, and runs them on this machine.
package main

import (
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/podchain/podchain/cmd/podchain/command"
	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/kubernetes"
)

func main() { os.Exit(command.Main(options())) }

func options() command.Options {
	return command.Options{
		Name: "podchain-kubernetes",
		Origins: map[string]command.Origin{
			command.FromKubernetes: func(version string, progress io.Writer) (assembly.Origin, error) {
				resolved, err := kubernetes.ResolveVersion(version)
				if err != nil {
					return nil, err
				}
				return kubernetes.NewOrigin(kubernetes.Options{Version: resolved, Progress: progress}), nil
			},
			command.FromReferenceOnContainerd: func(_ string, progress io.Writer) (assembly.Origin, error) {
				program, err := os.Executable()
				if err != nil {
					return nil, err
				}
				return kubernetes.ReferenceOnContainerd(program, kubernetes.Options{Progress: progress}), nil
			},
			command.FromKWOK: func(_ string, progress io.Writer) (assembly.Origin, error) {
				return kubernetes.NewKWOK(progress), nil
			},
		},
		Images:   kubernetes.Push,
		Commands: []*cobra.Command{newUpCommand(), newDownCommand()},
	}
}
