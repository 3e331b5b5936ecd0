package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/printable"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
)

// claimOptions are the flags of what a conformance report says and no run knows.
type claimOptions struct{ report.Claims }

func (o *claimOptions) add(flags *pflag.FlagSet) {
	flags.StringVar(&o.Name, "name", "", "Set the `name` of the implementation (default: as the run found it)")
	flags.StringVar(&o.Version, "implementation-version", "", "Set its `version` (default: as the run found it)")
	flags.StringVar(&o.Organization, "organization", "", "Set the `organization` that provides it")
	flags.StringVar(&o.URL, "url", "", "Set the project `URL`")
	flags.StringArrayVar(&o.Contact, "contact", nil, "Add a contact `address`; podchain report check requires one (repeatable)")
	flags.StringArrayVar(&o.Capabilities, "claim", nil, "Claim a `capability`, in addition to those that the run found (repeatable)")
}

// thresholds are the flags --threshold.
type thresholds []report.Threshold

func addThresholds(flags *pflag.FlagSet) *thresholds {
	all := &thresholds{}
	flags.Var(all, "threshold", "Fail the run if a step of the chain takes longer than this `BOUND`, such as 'bound p99 < 1s' (repeatable)")
	return all
}

// Set implements pflag.Value.
func (t *thresholds) Set(text string) error {
	threshold, err := report.ParseThreshold(text)
	*t = append(*t, threshold)
	return err
}

// Type implements pflag.Value.
func (*thresholds) Type() string { return "threshold" }

// String implements pflag.Value.
func (t *thresholds) String() string { return strings.Join(t.GetSlice(), ", ") }

// GetSlice returns them as they are written.
func (t *thresholds) GetSlice() []string {
	var texts []string
	for _, threshold := range *t {
		texts = append(texts, threshold.String())
	}
	return texts
}

// judge returns how the command ends: with the status of the run, 1 if it exceeds a
// threshold, and 2 where nothing failed but something else went wrong.
func (t *thresholds) judge(run *events.RunRecord, wrong error) error {
	status := run.ExitStatus()
	for _, threshold := range *t {
		if err := threshold.Check(run); err != nil {
			status, wrong = statusFailed, errors.Join(wrong, err)
		}
	}
	if wrong != nil && status == 0 {
		status = statusUnable
	}
	if status == 0 {
		return nil
	}
	return &exit{status, wrong}
}

// runFormats are the report formats of a run, by the name that flags use.
func runFormats(claims report.Claims) formats[*events.RunRecord] {
	return formats[*events.RunRecord]{
		"json": report.JSON, "junit": report.JUnit, "yaml": report.YAML(claims), "badge": report.Badge, "messages": report.Messages,
		"github": report.GitHub, "annotations": report.Annotations("features/"),
	}
}

// formatsHelp describes them.
const formatsHelp = `  json         one document with all verdicts and the evidence
  junit        for CI systems: a suite for each link, a case for each scenario
  yaml         the conformance report that an implementer publishes
  messages     Cucumber Messages (NDJSON), for Cucumber's own viewers
  badge        an SVG image for a README
  github       a summary in Markdown, for $GITHUB_STEP_SUMMARY
  annotations  GitHub workflow commands that mark lines of features, for stdout`

func newReportCommand() *cobra.Command {
	var from, to []string
	var claims claimOptions
	var bounds *thresholds
	command := &cobra.Command{
		Use:   "report",
		Short: "Make reports of a run from its events",
		Long: `Make reports of a run from its events, which podchain verify --report
events=FILE writes. Without --to, print the report for people. The formats:
` + formatsHelp + `
The file - is stdout, which takes one report. An existing file is replaced when
the report is complete. A report is never written to a file that is read, or
that another report is written to.

The events of all shards of a run (podchain verify --shard) are merged into one
report. What a missing shard would have run is reported as could not run.

Exit status: as podchain verify; 1 if the run exceeds a --threshold.`,
		Example: `  podchain report --from run.jsonl
  podchain report --from run.jsonl --to junit=junit.xml --to github=summary.md
  podchain report --from run.jsonl --to yaml=r.yaml --contact me@example.com
  podchain report --from 1.jsonl --from 2.jsonl --to json=report.json
  podchain report --from run.jsonl --threshold 'bound p99 < 1s'
  podchain report check r.yaml`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			named := &places{}
			for _, file := range from {
				named.reads("--from "+file, file)
			}
			named.reports("--to", to, command.OutOrStdout())
			if err := named.check(); err != nil {
				return err
			}
			run, err := readShards(from, command.InOrStdin())
			if err != nil {
				return err
			}
			claims.Specification, err = specification.Load(features.Files)
			if err != nil {
				return err
			}
			if err := project(run, to, claims.Claims, command.OutOrStdout()); err != nil {
				return err
			}
			return bounds.judge(run, nil)
		},
	}
	group(command, groupReports, func(flags *pflag.FlagSet) {
		flags.StringArrayVar(&from, "from", nil, "Read the events of the run, or of a shard of it, from this `file`; - is stdin (required; repeatable)")
		flags.StringArrayVar(&to, "to", nil, "Write a report: `FORMAT=FILE`, where - is stdout (repeatable)")
		bounds = addThresholds(flags)
	})
	group(command, groupClaims, claims.add)
	command.AddCommand(newReportCheckCommand())
	return command
}

// readShards reads the events of a run, or of shards of one.
func readShards(paths []string, stdin io.Reader) (*events.RunRecord, error) {
	if len(paths) == 0 {
		return nil, errors.New("--from is required: the file with the events of a run")
	}
	var read []*events.RunRecord
	for _, path := range paths {
		run, err := readRun(path, stdin)
		if err != nil {
			return nil, err
		}
		read = append(read, run)
	}
	if len(read) == 1 && read[0].Run.Shard == nil {
		return read[0], nil
	}
	run, err := events.Merge(read)
	if err != nil {
		return nil, fmt.Errorf("--from %s: %w", strings.Join(paths, " --from "), err)
	}
	return run, nil
}

// readRun reads a file of events.
func readRun(path string, stdin io.Reader) (_ *events.RunRecord, err error) {
	if path == "-" {
		run, err := events.Read(stdin)
		if err != nil {
			return nil, fmt.Errorf("the events on stdin: %w", err)
		}
		return run, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("--from: %w", printable.File(err))
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	run, err := events.Read(file)
	var unreadable *fs.PathError
	switch {
	case errors.As(err, &unreadable):
		return nil, fmt.Errorf("--from: %w", printable.File(err))
	case err != nil:
		return nil, fmt.Errorf("--from %s: %w", path, err)
	}
	return run, nil
}

// project writes the reports.
func project(run *events.RunRecord, to []string, claims report.Claims, out io.Writer) error {
	if len(to) == 0 {
		return report.Terminal(out, run)
	}
	reports, err := openOutputs(runFormats(claims), to, out)
	if err != nil {
		return err
	}
	return errors.Join(reports.finish(run), reports.close())
}

func newReportCheckCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check FILE...",
		Short: "Check conformance reports before they are published",
		Long: `Check conformance reports (yaml): that they can be read and name a contact
address, that their counts match what they list, and that no requirement was
skipped for lack of a capability that they claim. A report of the specification
that this podchain has is also compared with it.

Exit status: 0 if all are valid, 1 if one is not, 2 if one cannot be read.`,
		Example: `  podchain report check reports/*.yaml`,
		Args:    arguments("FILE", 1, -1),
		RunE: func(command *cobra.Command, files []string) error {
			whole, err := specification.Load(features.Files)
			if err != nil {
				return err
			}
			var invalid []error
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					return printable.File(err)
				}
				found, err := report.ReadConformance(text)
				if err != nil {
					return fmt.Errorf("%s: not a conformance report: %w", file, err)
				}
				if err := found.Check(whole); err != nil {
					invalid = append(invalid, fmt.Errorf("%s is not valid:\n%w", file, err))
					continue
				}
				if _, err := fmt.Fprintf(command.OutOrStdout(), "%s is valid: %s\n", file, found); err != nil {
					return err
				}
			}
			if len(invalid) > 0 {
				return &exit{statusFailed, errors.Join(invalid...)}
			}
			return nil
		},
	}
}
