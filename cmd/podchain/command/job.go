package command

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"text/template"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/external"
	"github.com/podchain/podchain/conformance/permission"
)

//go:embed job.yaml
var jobText string

var jobTemplate = template.Must(template.New("job").Funcs(template.FuncMap{"scalar": scalar}).Parse(jobText))

// scalar is a text as YAML has it: a string of JSON is one of YAML.
func scalar(text string) (string, error) {
	quoted, err := json.Marshal(text)
	return string(quoted), err
}

// passedOn are the flags that podchain job hands to the podchain verify of each Pod.
var passedOn = []string{"select", "seed", "parallel", "timeout", "record"}

type jobOptions struct {
	image  string
	images string
	shards int
	run    runOptions
}

func newJobCommand() *cobra.Command {
	var options jobOptions
	command := &cobra.Command{
		Use:   "job",
		Short: "Print the manifest of a Job that checks the cluster it runs in",
		Long: `Print the manifest of an Indexed Job that runs podchain verify in the cluster
that it checks, a shard of the specification in each Pod, with an account that
has the permissions that this needs ("podchain rbac" prints one that may also
run podchain clean). The image has podchain on its PATH. The Pods run as a user
without privileges, on a read-only file system.

Each Pod prints the events of its shard, and "podchain report" merges them into
one run. An index of the Job fails if a requirement in its shard did not pass;
the log of its Pod says which. Collect the logs before the kubelet rotates them,
by default at 10 MiB; a shard prints about 1 MB, or more with many failures. A
Job cannot be changed: delete it before you apply another one.

If the cluster does not provide the images of the specification, store them once
with "podchain verify --registry", and name the place with --images. Scenarios
that publish an image, or affect other users of the cluster, are not applicable.`,
		Example: `  podchain job --image registry.example.com/podchain:1 \
    --images registry.example.com/fixtures --shards 2 | kubectl apply -f -
  # when its Pods have ended:
  for i in 0 1; do
    kubectl logs --namespace podchain-account --tail=-1 --selector \
      job-name=podchain,batch.kubernetes.io/job-completion-index=$i > $i.jsonl
  done
  podchain report --from 0.jsonl --from 1.jsonl`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			return job(options, command.Flags(), command.OutOrStdout())
		},
	}
	group(command, "Job", func(flags *pflag.FlagSet) {
		flags.StringVar(&options.image, "image", "", "Run this `image`, with podchain on its PATH (required)")
		flags.IntVar(&options.shards, "shards", 1, "Run `N` Pods, each with a part of the specification")
		flags.StringVar(&options.images, "images", "", imagesHelp)
	})
	ofVerify := pflag.NewFlagSet("verify", pflag.ContinueOnError)
	options.run.selectFlags(ofVerify)
	options.run.executionFlags(ofVerify)
	options.run.recordFlag(ofVerify)
	group(command, "Flags for podchain verify in each Pod", func(flags *pflag.FlagSet) {
		for _, name := range passedOn {
			flags.AddFlag(ofVerify.Lookup(name))
		}
	})
	return command
}

func job(options jobOptions, flags *pflag.FlagSet, out io.Writer) error {
	if options.image == "" {
		return errors.New("--image is required: an image with podchain on its PATH")
	}
	selected, err := options.run.load()
	if err != nil {
		return err
	}
	if err := conformance.CheckShard(events.Shard{Index: 1, Count: options.shards}, selected); err != nil {
		return fmt.Errorf("--shards %d: %w", options.shards, err)
	}
	arguments := []string{"verify", "--kubeconfig", external.InCluster, "--shard", fmt.Sprintf("%s/%d", ofJob, options.shards),
		"--report", eventsFormat + "=-", "--quiet"}
	arguments = append(arguments, given(flags, "image", "shards")...)
	if _, err := io.WriteString(out, permission.Manifest()); err != nil {
		return err
	}
	return jobTemplate.Execute(out, map[string]any{
		"Namespace": permission.Namespace, "Shards": options.shards, "Image": options.image, "Arguments": arguments,
	})
}
