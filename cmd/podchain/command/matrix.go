package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/printable"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/conformance/specification"
)

type matrixOptions struct {
	links   []string
	origins []string
	others  []string
	only    []string
	shard   string
	resume  []string
	run     runOptions
	// command is how it was called, for the report.
	command string
}

func newMatrixCommand(program Options) *cobra.Command {
	var options matrixOptions
	command := &cobra.Command{
		Use:   "matrix",
		Short: "Run the specification over combinations of origins of links",
		Long: `Run the specification over every combination in which each of the --links comes
from one of the --origins. The other links come from where --link says, as in
podchain verify; by default, from the reference.

A combination that cannot start is reported, and the matrix continues. Reports
are written after each combination (on stdout: at the end). --only and --shard
run a part of the matrix, and --resume continues one: what passed in an earlier
run, according to its json report, is not run again.

Exit status: 0 if everything passed or is not applicable; 1 if a requirement
failed in a combination; 2 if something could not run or the usage is wrong.`,
		Example: `  podchain matrix --links scheduler,kubelet --report markdown=matrix.md
  podchain matrix --links api-server,scheduler --link all=kubernetes \
    --origins kubernetes,kubernetes@1.34
  podchain matrix --links api-server,scheduler,kubelet \
    --only api-server=kubernetes,kubelet=reference
  podchain matrix --links scheduler,kubelet --origins reference,none \
    --shard 2/4 --report json=matrix.json
  podchain matrix --links scheduler,kubelet --resume matrix.json`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			options.command = commandLine(command.Name(), command.Flags(), "report", "logs", "resume", "shard", "only")
			if err := options.places(command.OutOrStdout()).check(); err != nil {
				return err
			}
			return matrix(command.Context(), program, options, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	group(command, "Combinations", func(flags *pflag.FlagSet) {
		flags.StringSliceVar(&options.links, "links", nil, "Vary the origin of these `links`, separated by commas (required)")
		flags.StringSliceVar(&options.origins, "origins", []string{fromReference, FromKubernetes}, "Take them from each of these `origins`, separated by commas: "+originNames())
		flags.Lookup("origins").DefValue = fromReference + "," + FromKubernetes // pflag would print it as Go prints a slice
		flags.StringArrayVar(&options.others, "link", nil, "Take another link, or all others, from elsewhere in every combination: `LINK=SPEC`, as in podchain verify (repeatable)")
		flags.StringArrayVar(&options.only, "only", nil, "Run only combinations with all of these: `LINK=ORIGIN,...` (repeatable: or all of those)")
		flags.StringVar(&options.shard, "shard", "", shardHelp)
		flags.StringArrayVar(&options.resume, "resume", nil, "Skip what passed in an earlier run, by its json report in this `file` (repeatable)")
	})
	group(command, groupSelection, options.run.selectFlags)
	group(command, groupExecution, options.run.executionFlags)
	group(command, groupStarted, options.run.clusterFlags)
	group(command, groupReports, func(flags *pflag.FlagSet) {
		options.run.reportFlags(flags, "json, with all runs, or markdown, a table")
	})
	return command
}

// matrixFormats are the report formats, by the name that --report uses.
var matrixFormats = formats[*report.Matrix]{"json": report.MatrixJSON, "markdown": report.MatrixMarkdown}

func matrix(ctx context.Context, program Options, options matrixOptions, out, progress io.Writer) (err error) {
	selected, err := options.run.load()
	if err != nil {
		return err
	}
	whole, combinations, err := options.combinations()
	if err != nil {
		return err
	}
	for _, c := range combinations {
		if origin := c.sources.elsewhere(program.Origins); origin != "" {
			return delegateTo(ctx, origin, progress)
		}
		if err := checkLogs(logsPath(options.run.logs, options.run.reports), c.sources, strconv.Itoa(c.Number)); err != nil {
			return err
		}
	}
	whole.Specification = selected.Digest
	if err := options.takeOver(whole); err != nil {
		return err
	}
	reports, err := openOutputs(matrixFormats, options.run.reports, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, reports.close()) }()
	kept, err := openLogs(options.run.logs, options.run.reports)
	if err != nil {
		return err
	}
	ran := false
	defer func() { err = errors.Join(err, kept.close(ran && err != nil, progress)) }()
	from := origins{named: program.Origins, progress: progress}
	for _, c := range combinations {
		if ctx.Err() != nil || whole.Holds(c.Number) {
			continue
		}
		target, err := from.implementation(c.sources, filepath.Join(kept.path, strconv.Itoa(c.Number)))
		if err != nil {
			return err
		}
		ran = c.run(ctx, options.run, selected, target, whole, progress) || ran
		if err := reports.replace(whole); err != nil {
			return err
		}
	}
	return options.conclude(ctx, whole, reports, reports.people(out, progress))
}

// run runs the specification on a combination, adds it to the matrix, and tells whether
// there is a result. A run that is interrupted adds nothing.
func (c *combination) run(ctx context.Context, options runOptions, selected *specification.Specification,
	target implementation.Implementation, whole *report.Matrix, progress io.Writer) bool {
	fmt.Fprintf(progress, "combination %d of %d: %s\n", c.Number, whole.Total, &c.Combination)
	result, err := options.on(c.sources).run(ctx, selected, target, "", progress)
	if ctx.Err() != nil {
		return false
	}
	c.Record(result, err)
	fmt.Fprintf(progress, "combination %d of %d: %s\n", c.Number, whole.Total, c.Summary())
	whole.Add(&c.Combination)
	return result != nil
}

// conclude writes the results, also where all of them are of an earlier run.
func (o matrixOptions) conclude(ctx context.Context, whole *report.Matrix, reports outputs[*report.Matrix], out io.Writer) error {
	if err := errors.Join(report.MatrixTerminal(out, whole), reports.finish(whole)); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errInterrupted
	}
	if status := whole.ExitStatus(); status != 0 {
		return &exit{status: status}
	}
	return nil
}

// places are the files that it reads and writes. What is resumed may be written anew.
func (o matrixOptions) places(stdout io.Writer) *places {
	named := o.run.places(stdout)
	for _, file := range o.resume {
		was, err := os.Stat(file)
		anew := slices.ContainsFunc(o.run.reports, func(report string) bool {
			path, found := strings.CutPrefix(report, "json=")
			info, missing := os.Stat(path)
			return found && err == nil && missing == nil && os.SameFile(was, info)
		})
		if !anew {
			named.reads("--resume "+file, file)
		}
	}
	return named
}

// combination is one that is to be run.
type combination struct {
	report.Combination
	sources sources
}

// combinations returns the matrix, which is still empty, and those of its
// combinations that are to be run.
func (o matrixOptions) combinations() (*report.Matrix, []*combination, error) {
	links, err := o.varied()
	if err != nil {
		return nil, nil, err
	}
	only, err := o.wanted(links)
	if err != nil {
		return nil, nil, err
	}
	shard, err := parseShard(cmp.Or(o.shard, "1/1"))
	if err != nil {
		return nil, nil, err
	}
	whole := &report.Matrix{Command: o.command, Links: links, Origins: o.origins, Others: o.others, Total: 1}
	for range links {
		whole.Total *= len(o.origins)
	}
	var all []*combination
	for number := 1; number <= whole.Total; number++ {
		c := &combination{Combination: report.Combination{Number: number, Origins: map[chain.Link]string{}}}
		flags := slices.Clone(o.others)
		// The number counts like one whose digits are the origins.
		rest := number - 1
		for _, link := range slices.Backward(links) {
			origin := o.origins[rest%len(o.origins)]
			rest /= len(o.origins)
			c.Origins[link] = origin
			flags = append(flags, fmt.Sprintf("%s=%s", link, origin))
		}
		if c.sources, err = parseLinks(flags); err != nil {
			return nil, nil, err
		}
		if only(c.Origins) && number%shard.Count == shard.Index%shard.Count {
			all = append(all, c)
		}
	}
	if len(all) == 0 {
		return nil, nil, fmt.Errorf("--only and --shard exclude all %d combinations", whole.Total)
	}
	return whole, all, nil
}

// varied returns the links of --links in the order of the chain.
func (o matrixOptions) varied() ([]chain.Link, error) {
	var links []chain.Link
	for _, name := range o.links {
		link, err := chain.ParseLink(name)
		switch {
		case err != nil:
			return nil, fmt.Errorf("--links: %w", err)
		case slices.Contains(links, link):
			return nil, fmt.Errorf("--links: %s is named twice", link)
		}
		links = append(links, link)
	}
	switch {
	case len(links) == 0:
		return nil, errors.New("--links is required: the links whose origin varies")
	case len(o.origins) == 0:
		return nil, errors.New("--origins: expected at least one")
	}
	for i, origin := range o.origins {
		if name, _ := parseSpec(origin); name == "" {
			return nil, fmt.Errorf("--origins %s: expected %s", origin, originNames())
		}
		if slices.Contains(o.origins[:i], origin) {
			return nil, fmt.Errorf("--origins: %s is named twice", origin)
		}
	}
	slices.SortFunc(links, func(a, b chain.Link) int {
		return slices.Index(chain.AllLinks, a) - slices.Index(chain.AllLinks, b)
	})
	return links, nil
}

// wanted returns what --only asks for.
func (o matrixOptions) wanted(links []chain.Link) (func(map[chain.Link]string) bool, error) {
	var wishes []map[chain.Link]string
	for _, flag := range o.only {
		wish := map[chain.Link]string{}
		for _, pair := range strings.Split(flag, ",") {
			name, origin, _ := strings.Cut(pair, "=")
			link := chain.Link(name)
			if !slices.Contains(links, link) || !slices.Contains(o.origins, origin) || wish[link] != "" {
				return nil, fmt.Errorf("--only %s: expected each LINK once, of %s, and an ORIGIN of %s", flag, list(links), list(o.origins))
			}
			wish[link] = origin
		}
		wishes = append(wishes, wish)
	}
	return func(origins map[chain.Link]string) bool {
		return len(wishes) == 0 || slices.ContainsFunc(wishes, func(wish map[chain.Link]string) bool {
			for link, origin := range wish {
				if origins[link] != origin {
					return false
				}
			}
			return true
		})
	}, nil
}

// takeOver has the matrix hold what passed in earlier runs of it.
func (o matrixOptions) takeOver(whole *report.Matrix) error {
	for _, file := range o.resume {
		earlier, err := readMatrix(file)
		if err != nil {
			return err
		}
		if !earlier.Same(whole) {
			return fmt.Errorf("--resume %s is of another matrix: made by %s", file, earlier.Command)
		}
		for _, c := range earlier.Combinations {
			if c.ExitStatus() == 0 && !whole.Holds(c.Number) {
				whole.Add(c)
			}
		}
	}
	return nil
}

func readMatrix(file string) (*report.Matrix, error) {
	content, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("--resume: %w: leave the flag out to begin a matrix", printable.File(err))
	}
	if err != nil {
		return nil, fmt.Errorf("--resume: %w", printable.File(err))
	}
	earlier, err := report.ReadMatrix(content)
	if err != nil {
		return nil, fmt.Errorf("--resume %s is not the json report of a matrix: %w", file, err)
	}
	return earlier, nil
}

// quoted are arguments as a shell wants them.
func quoted(arguments []string) []string {
	all := slices.Clone(arguments)
	for i, argument := range all {
		if strings.ContainsAny(argument, " \t\n'\"$`\\*?[]{}()<>|&;!#~") {
			all[i] = "'" + strings.ReplaceAll(argument, "'", `'\''`) + "'"
		}
	}
	return all
}
