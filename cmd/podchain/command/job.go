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
		Long: `Print the manifest of an Indexed Job that runs podchain verify in the cluster that it
checks, a shard of the specification in each of its Pods, by an account that may do just
that (podchain rbac prints one that may also podchain clean). The image is one with
podchain on its PATH; its Pods run as nobody in particular, and write nowhere.

What a Pod prints is the events of its shard, and podchain report makes one run of all.
An index that has failed is one of whose requirements one did not pass: the log tells.
A kubelet keeps no more than the last 10 MiB of a log, where nobody told it otherwise;
events take 1 MB, and more where much fails. A Job does not change: kubectl delete it
before another is applied.

Where nobody gives the nodes the images of the specification, --images does, and podchain
verify --registry has stored them there once. What publishes an image, and what everybody
on the cluster would feel, is not applicable.`,
		Example: `  podchain job --image registry.example.com/podchain:1 --images registry.example.com/fixtures --shards 2 | kubectl apply -f -
  # when its Pods have ended:
  for i in 0 1; do kubectl logs --namespace podchain-account --tail=-1 \
    --selector job-name=podchain,batch.kubernetes.io/job-completion-index=$i > $i.jsonl; done
  podchain report --from 0.jsonl --from 1.jsonl`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			return job(options, command.Flags(), command.OutOrStdout())
		},
	}
	flags := command.Flags()
	flags.StringVar(&options.image, "image", "", "`image` that has podchain (required)")
	flags.IntVar(&options.shards, "shards", 1, "run so many Pods, with a part of the specification each")
	flags.StringVar(&options.images, "images", "", imagesHelp)
	ofVerify := pflag.NewFlagSet("verify", pflag.ContinueOnError)
	options.run.add(ofVerify, "")
	for _, name := range passedOn {
		flags.AddFlag(ofVerify.Lookup(name))
	}
	return command
}

func job(options jobOptions, flags *pflag.FlagSet, out io.Writer) error {
	if options.image == "" {
		return errors.New("which image has podchain? Name it: --image IMAGE")
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
