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
	"github.com/podchain/podchain/conformance/site"
)

func newDocsCommand() *cobra.Command {
	var out, directory string
	command := &cobra.Command{
		Use:   "docs [RUN...]",
		Short: "Make the pages of the specification, and of runs of it",
		Long: `Make a static site: the chain as a picture, every requirement as it is written with
what came of it, recorded scenarios as sequence diagrams, all runs compared, and what
podchain serve is and is not. A RUN is a file of events, as podchain verify --report
events=FILE writes it; of scenarios that did not pass, and of those of --record, there
is a diagram. The files of shards of one run are one run.

The site needs no server: open its index.html. An earlier site in the directory is
replaced once the new one is whole. Files in there that are not a site's stay; if one of
them has the name of a page, or there are only others, nothing is written.`,
		Example: `  podchain docs --out site
  podchain verify --record chain.feature --report events=run.jsonl && podchain docs --out site run.jsonl`,
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
	flags.StringVar(&out, "out", "", "`directory` to write to (required)")
	flags.StringVar(&directory, "features", "", "show the features in this `directory` instead of the specification's own")
	return command
}

func docs(ctx context.Context, out, directory string, files []string, stdin io.Reader, told io.Writer) error {
	if out == "" {
		return errors.New("where to? Name a directory: --out DIRECTORY")
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
	build := func(directory string) error { return site.Build(directory, whole, runs, servedGuide()) }
	if err := site.Publish(ctx, out, build); err != nil {
		return fmt.Errorf("--out %s: %w", out, err)
	}
	_, err = fmt.Fprintf(told, "%s: requirements %d, runs %d\n", filepath.Join(out, "index.html"), len(whole.Requirements), len(runs))
	return err
}
