package command

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podchain/podchain/conformance/mutant"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

func newListCommand() *cobra.Command {
	var output, directory string
	var selection []string
	var sentences, mutants, served bool
	command := &cobra.Command{
		Use:   "list",
		Short: "List the requirements of the specification",
		Long: `List the requirements: id, level, link, what they need of an implementation, the
release of a link that brought them, the place of the Rule, and its sentence. With
--sentences, list the sentences that features are written in; with --mutants, what
podchain verify --mutant can have a link do wrongly, and a requirement that fails
because of it; with --served, what podchain serve is and is not: which kinds it
serves, and who looks after them. On a terminal, lines are as wide as it is; elsewhere
they are not broken.`,
		Example: `  podchain list --select scheduler
  podchain list --output json
  podchain list --sentences
  podchain list --mutants
  podchain list --served`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			out := command.OutOrStdout()
			switch {
			case sentences:
				return listSentences(out)
			case mutants:
				return listMutants(out)
			case served:
				return listServed(out, output)
			}
			selected, err := loadSelected(directory, selection)
			if err != nil {
				return err
			}
			switch output {
			case "table":
				return listTable(out, selected)
			case "json":
				return listJSON(out, selected)
			}
			return fmt.Errorf("--output %s: expected table or json", output)
		},
	}
	flags := command.Flags()
	flags.StringVarP(&output, "output", "o", "table", "the format: table or json")
	flags.StringVar(&directory, "features", "", "list the features in this `directory` instead of the specification's own")
	flags.StringArrayVar(&selection, "select", nil, "list what this `pattern` names (see podchain verify --help)")
	flags.BoolVar(&sentences, "sentences", false, "list the vocabulary instead")
	flags.BoolVar(&mutants, "mutants", false, "list the mutants instead")
	flags.BoolVar(&served, "served", false, "list what podchain serve serves instead, and who looks after it")
	command.MarkFlagsMutuallyExclusive("sentences", "mutants", "served")
	return command
}

func listSentences(out io.Writer) error {
	var rows [][]string
	for _, sentence := range steps.Vocabulary() {
		rows = append(rows, []string{fmt.Sprint(sentence)})
	}
	return printTable(out, rows)
}

func listMutants(out io.Writer) error {
	rows := [][]string{{"MUTANT", "NOTICED BY", "WHAT IT DOES"}}
	for _, m := range mutant.All {
		rows = append(rows, []string{m.Name, m.Notices, m.Does})
	}
	return printTable(out, rows)
}

func listTable(out io.Writer, listed *specification.Specification) error {
	rows := [][]string{{"ID", "LEVEL", "LINK", "NEEDS", "SINCE", "WHERE", "REQUIREMENT"}}
	for _, r := range listed.Requirements {
		needs := cmp.Or(strings.Join(r.Capabilities(), ","), "-")
		var since []string
		for _, came := range r.Since() {
			since = append(since, came.String())
		}
		rows = append(rows, []string{r.ID, r.Level, r.Link, needs,
			cmp.Or(strings.Join(since, ","), "-"), r.Location.String(), r.Sentence})
	}
	return printTable(out, rows)
}

type listed struct {
	ID           string   `json:"id"`
	Level        string   `json:"level"`
	Link         string   `json:"link"`
	Sentence     string   `json:"sentence"`
	Why          string   `json:"why,omitempty"`
	Capabilities []string `json:"capabilities"`
	// Since is what brought some or all of its scenarios.
	Since     []specification.Since `json:"since,omitempty"`
	Scenarios int                   `json:"scenarios"`
	specification.Location
}

func listJSON(out io.Writer, selected *specification.Specification) error {
	entries := []listed{}
	for _, r := range selected.Requirements {
		needs := r.Capabilities()
		if needs == nil {
			needs = []string{}
		}
		entries = append(entries, listed{r.ID, r.Level, r.Link, r.Sentence, r.Why, needs, r.Since(), len(r.Examples), r.Location})
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(entries)
}
