// Package report writes what came of a run for people and for programs.
package report

import (
	"encoding/json"
	"io"
	"time"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/specification"
)

type document struct {
	Implementation chain.Description `json:"implementation"`
	Specification  specificationOf   `json:"specification"`
	Run            string            `json:"run,omitempty"`
	Started        time.Time         `json:"started"`
	Seconds        float64           `json:"seconds"`
	Seed           int64             `json:"seed"`
	Lag            *events.Lag       `json:"observationLag,omitempty"`
	Requirements   []requirement     `json:"requirements"`
}

type specificationOf struct {
	Digest       string `json:"digest"`
	Requirements int    `json:"requirements"`
}

type requirement struct {
	ID        string         `json:"id"`
	Level     string         `json:"level"`
	Link      string         `json:"link"`
	Outcome   events.Outcome `json:"outcome"`
	Scenarios int            `json:"scenarios"`
	Seconds   float64        `json:"seconds"`
	Reason    string         `json:"reason,omitempty"`
	Failures  []failure      `json:"failures,omitempty"`
}

type failure struct {
	Scenario   string                 `json:"scenario"`
	Location   specification.Location `json:"location"`
	Step       string                 `json:"step,omitempty"`
	Error      string                 `json:"error"`
	Blamed     chain.Link             `json:"blamed,omitempty"`
	Missing    string                 `json:"missing,omitempty"`
	Observed   []string               `json:"observed"`
	LastWrites []string               `json:"lastWrites"`
	Disturbed  []string               `json:"disturbed,omitempty"`
	Rerun      string                 `json:"rerun"`
}

// JSON writes what came of a run as one JSON document.
func JSON(out io.Writer, run *events.RunRecord) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(documentOf(run))
}

func documentOf(run *events.RunRecord) document {
	all := document{
		Implementation: run.Run.Implementation,
		Specification:  specificationOf{run.Run.Specification.Digest, len(run.Requirements)},
		Run:            run.Run.ID,
		Started:        run.Run.Started,
		Seed:           run.Run.Seed,
		Requirements:   []requirement{},
	}
	if run.End != nil {
		all.Seconds, all.Lag = run.End.Seconds, run.End.Lag
	}
	for _, r := range run.Requirements {
		entry := requirement{
			ID: r.ID, Level: r.Level, Link: r.Link,
			Outcome: r.Outcome(), Scenarios: len(r.Scenarios), Seconds: r.Seconds(),
		}
		if entry.Outcome != events.Passed {
			entry.Reason = r.Reason()
		}
		for _, scenario := range r.Scenarios {
			if scenario.Verdict.Evidence != nil {
				entry.Failures = append(entry.Failures, failureOf(scenario))
			}
		}
		all.Requirements = append(all.Requirements, entry)
	}
	return all
}

func failureOf(scenario *events.ScenarioRecord) failure {
	evidence := scenario.Verdict.Evidence
	entry := failure{
		Scenario: scenario.Name, Location: scenario.Location,
		Error: evidence.Error, Blamed: evidence.Blamed, Missing: evidence.Missing,
		Observed: evidence.Observed, LastWrites: evidence.LastWrites, Disturbed: evidence.Disturbed,
		Rerun: scenario.Verdict.Rerun,
	}
	if evidence.Step != nil {
		step := scenario.Steps[*evidence.Step]
		entry.Step = step.Keyword + " " + step.Text
	}
	return entry
}
