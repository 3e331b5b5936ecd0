package command

import (
	"errors"
	"fmt"
	"io"
	"os"
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

The site needs no server: open its index.html. What is in the directory from another
site is replaced; what is anybody else's is not touched.`,
		Example: `  podchain docs --out site
  podchain verify --record chain.feature --report events=run.jsonl && podchain docs --out site run.jsonl`,
		RunE: func(command *cobra.Command, runs []string) error {
			return docs(out, directory, runs, command.InOrStdin(), command.OutOrStdout())
		},
	}
	flags := command.Flags()
	flags.StringVar(&out, "out", "", "`directory` to write to (required)")
	flags.StringVar(&directory, "features", "", "show the features in this `directory` instead of the specification's own")
	return command
}

// siteMark is a file by which a directory is known to hold nothing but a site.
const siteMark = ".podchain-site"

func docs(out, directory string, files []string, stdin io.Reader, told io.Writer) error {
	if out == "" {
		return errors.New("where to? Name a directory: --out DIRECTORY")
	}
	whole, err := loadSelected(directory, nil)
	if err != nil {
		return err
	}
	runs := make([]*events.Recording, len(files))
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
	if err := clearSite(out); err != nil {
		return err
	}
	if err := site.Build(out, whole, runs, servedGuide()); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, siteMark), nil, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(told, "%s: requirements %d, runs %d\n", filepath.Join(out, "index.html"), len(whole.Requirements), len(runs))
	return err
}

// clearSite empties a directory that holds a site; one that holds something else is not
// touched.
func clearSite(directory string) error {
	entries, err := os.ReadDir(directory)
	if errors.Is(err, os.ErrNotExist) || len(entries) == 0 && err == nil {
		return nil
	}
	if err != nil {
		return fmt.Errorf("--out: %w", err)
	}
	if _, err := os.Stat(filepath.Join(directory, siteMark)); err != nil {
		return fmt.Errorf("--out %s: there is something in it that is no site of podchain: name an empty directory", directory)
	}
	return os.RemoveAll(directory)
}
