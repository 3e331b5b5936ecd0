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

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/reference"
)

type matrixOptions struct {
	links  []string
	of     []string
	others []string
	only   []string
	shard  string
	resume []string
	run    runOptions
	// command is how it was called, for the report.
	command string
}

func newMatrixCommand(program Options) *cobra.Command {
	var options matrixOptions
	command := &cobra.Command{
		Use:   "matrix",
		Short: "Run the specification over combinations of where links come from",
		Long: `Run the specification over every combination in which each of the --links comes from
one of the origins --of. Where the other links come from, --link says as in podchain
verify; without it, from the reference.

A combination that cannot start is told and does not end the matrix. Its reports are
written after each combination (what goes to stdout: at the end). --only and --shard run a part of the matrix, and
--resume goes on with them: what passed in an earlier run, by its json report, is not
run again.

Exit status: 0 if everything passed or is not applicable, 1 if a requirement failed in
a combination, 2 if something could not run or the usage is wrong.`,
		Example: `  podchain matrix --links scheduler,kubelet --of reference,kubernetes --report markdown=matrix.md
  podchain matrix --links api-server,scheduler --of kubernetes,kubernetes@1.34 --link all=kubernetes
  podchain matrix --links api-server,scheduler,kubelet --only api-server=kubernetes,kubelet=reference
  podchain matrix --links scheduler,kubelet --of reference,none --shard 2/4 --report json=matrix.json
  podchain matrix --links scheduler,kubelet --resume matrix.json --report json=matrix.json`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			options.command = commandLine(command.Name(), command.Flags(), "report", "record", "logs", "resume", "shard", "only")
			if err := options.places(command.OutOrStdout()).check(); err != nil {
				return err
			}
			return matrix(command.Context(), program, options, command.OutOrStdout(), command.ErrOrStderr())
		},
	}
	flags := command.Flags()
	flags.StringSliceVar(&options.links, "links", nil, "the `links` that come from one origin or another, separated by commas (required)")
	flags.StringSliceVar(&options.of, "of", []string{fromReference, FromKubernetes}, "the `origins`, separated by commas: "+originNames())
	flags.StringArrayVar(&options.others, "link", nil, "`LINK=SPEC`: where another link, or all others, come from in every combination, as in podchain verify (repeatable)")
	flags.StringArrayVar(&options.only, "only", nil, "`LINK=ORIGIN,...`: run only combinations that have all of these (repeatable: or all of those)")
	flags.StringVar(&options.shard, "shard", "", shardHelp)
	flags.StringArrayVar(&options.resume, "resume", nil, "json report `file` of an earlier run: what passed in it is not run again (repeatable)")
	options.run.add(flags, "json, with all runs, or markdown, the table")
	return command
}

// matrixFormats are the report formats, by the name that --report uses.
var matrixFormats = formats[*report.Matrix]{"json": report.MatrixJSON, "markdown": report.MatrixMarkdown}

func matrix(ctx context.Context, program Options, options matrixOptions, out, told io.Writer) (err error) {
	selected, err := options.run.load()
	if err != nil {
		return err
	}
	whole, combinations, err := options.combinations()
	if err != nil {
		return err
	}
	for _, c := range combinations {
		if elsewhere := c.sources.elsewhere(program.Origins); elsewhere != "" {
			return handOver(ctx, elsewhere, told)
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
	out = reports.people(out, told)
	kept, err := openLogs(options.run.logs, options.run.reports)
	if err != nil {
		return err
	}
	ran := false
	defer func() { err = errors.Join(err, kept.close(ran && err != nil, told)) }()
	from := origins{named: program.Origins, reference: reference.Options{}, told: told}
	for _, c := range combinations {
		if ctx.Err() != nil {
			break
		}
		if whole.Holds(c.Number) {
			continue
		}
		fmt.Fprintf(told, "combination %d of %d: %s\n", c.Number, whole.Total, &c.Combination)
		target, err := from.implementation(c.sources, filepath.Join(kept.path, strconv.Itoa(c.Number)))
		if err != nil {
			return err
		}
		result, err := options.run.on(c.sources).run(ctx, selected, target, "", told)
		if ctx.Err() != nil {
			break // half a run is none
		}
		c.Record(result, err)
		ran = ran || result != nil
		fmt.Fprintf(told, "combination %d of %d: %s\n", c.Number, whole.Total, c.Summary())
		whole.Add(&c.Combination)
		if err := reports.replace(whole); err != nil {
			return err
		}
	}
	// Also if all of it was taken over.
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
	whole := &report.Matrix{Command: o.command, Links: links, Origins: o.of, Others: o.others, Total: 1}
	for range links {
		whole.Total *= len(o.of)
	}
	var all []*combination
	for number := 1; number <= whole.Total; number++ {
		c := &combination{Combination: report.Combination{Number: number, Origins: map[chain.Link]string{}}}
		flags := slices.Clone(o.others)
		// The number counts like one whose digits are the origins.
		rest := number - 1
		for _, link := range slices.Backward(links) {
			origin := o.of[rest%len(o.of)]
			rest /= len(o.of)
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
		return nil, nil, fmt.Errorf("of %d combinations --only and --shard leave none", whole.Total)
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
			return nil, fmt.Errorf("--links: %s is there twice", link)
		}
		links = append(links, link)
	}
	switch {
	case len(links) == 0:
		return nil, errors.New("--links: which links are to come from one origin or another?")
	case len(o.of) == 0:
		return nil, errors.New("--of: where are they to come from?")
	}
	for i, origin := range o.of {
		if name, _ := parseSpec(origin); name == "" {
			return nil, fmt.Errorf("--of %s: expected %s", origin, originNames())
		}
		if slices.Contains(o.of[:i], origin) {
			return nil, fmt.Errorf("--of: %s is there twice", origin)
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
			if !slices.Contains(links, link) || !slices.Contains(o.of, origin) || wish[link] != "" {
				return nil, fmt.Errorf("--only %s: expected each LINK once, of %v, and an ORIGIN of %v", flag, links, o.of)
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
		return nil, fmt.Errorf("--resume: there is no %s yet: begin without", file)
	}
	if err != nil {
		return nil, fmt.Errorf("--resume: %w", err)
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
