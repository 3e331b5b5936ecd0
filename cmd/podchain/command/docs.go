package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/printable"
	"github.com/podchain/podchain/conformance/site"
)

func newDocsCommand() *cobra.Command {
	var out, directory string
	command := &cobra.Command{
		Use:   "docs [RUN...]",
		Short: "Make a site with the specification and the results of runs",
		Long: `Make a static site: the chain as a picture, every requirement as it is written
with its results, recorded scenarios as sequence diagrams, a comparison of all
runs, the sentences that features are written in, and what "podchain serve" does
and does not do. A RUN is a file of events from "podchain verify --report
events=FILE"; scenarios that did not pass, and those of --record, get a diagram.
The files of the shards of one run are merged.

The site needs no server: open its index.html. An earlier site in the directory
is replaced when the new one is complete. Other files in the directory stay; if
one of them has the name of a page, or there are only other files, nothing is
written.`,
		Example: `  podchain docs --out site
  podchain verify --record chain.feature --report events=run.jsonl
  podchain docs --out site run.jsonl`,
		RunE: func(command *cobra.Command, runs []string) error {
			named := &places{}
			for _, file := range runs {
				named.reads(file, file)
			}
			if err := named.check(); err != nil {
				return err
			}
			return docs(command.Context(), out, directory, runs, command.InOrStdin(), command.OutOrStdout())
		},
	}
	flags := command.Flags()
	flags.StringVar(&out, "out", "", "Write the site to this `directory` (required)")
	flags.StringVar(&directory, "features", "", "Show the features in this `directory` instead of the built-in specification")
	return command
}

func docs(ctx context.Context, out, directory string, files []string, stdin io.Reader, progress io.Writer) error {
	if out == "" {
		return errors.New("--out is required: the directory to write to")
	}
	whole, err := loadSelected(directory, nil)
	if err != nil {
		return err
	}
	runs := make([]*events.RunRecord, len(files))
	var reading errgroup.Group
	var mu sync.Mutex // of stdin
	for i, file := range files {
		reading.Go(func() (err error) {
			if file == "-" {
				mu.Lock()
				defer mu.Unlock()
			}
			runs[i], err = readRun(file, stdin)
			return err
		})
	}
	if err := reading.Wait(); err != nil {
		return err
	}
	if runs, err = events.Runs(runs); err != nil {
		return err
	}
	build := func(directory string) error {
		return site.Build(directory, whole, runs, sentencesGuide(), servedGuide())
	}
	if err := site.Publish(ctx, out, build); err != nil {
		return fmt.Errorf("--out %s: %w", out, printable.File(err))
	}
	_, err = fmt.Fprintf(progress, "%s: requirements %d, runs %d\n", filepath.Join(out, "index.html"), len(whole.Requirements), len(runs))
	return err
}
