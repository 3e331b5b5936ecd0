// Package report writes what came of a run for people and for programs.
package report

import (
	"encoding/json"
	"io"
	"time"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
)

type document struct {
	Implementation implementation.Description `json:"implementation"`
	Specification  specificationOf            `json:"specification"`
	Run            string                     `json:"run,omitempty"`
	Started        time.Time                  `json:"started"`
	Seconds        float64                    `json:"seconds"`
	Seed           int64                      `json:"seed"`
	Lag            *lag                       `json:"observationLag,omitempty"`
	Requirements   []requirement              `json:"requirements"`
}

// lag is from the arrival of what a step waited for to the step being decided.
type lag struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50Milliseconds"`
	P90   float64 `json:"p90Milliseconds"`
	P99   float64 `json:"p99Milliseconds"`
	Max   float64 `json:"maxMilliseconds"`
}

func lagOf(summary history.Summary) *lag {
	if summary.Count == 0 {
		return nil
	}
	milliseconds := func(of time.Duration) float64 { return float64(of.Microseconds()) / 1000 }
	return &lag{summary.Count, milliseconds(summary.P50), milliseconds(summary.P90), milliseconds(summary.P99), milliseconds(summary.Max)}
}

type specificationOf struct {
	Digest       string `json:"digest"`
	Requirements int    `json:"requirements"`
}

type requirement struct {
	ID        string              `json:"id"`
	Level     string              `json:"level"`
	Link      string              `json:"link"`
	Outcome   conformance.Outcome `json:"outcome"`
	Scenarios int                 `json:"scenarios"`
	Seconds   float64             `json:"seconds"`
	Reason    string              `json:"reason,omitempty"`
	Failures  []failure           `json:"failures,omitempty"`
}

type failure struct {
	Scenario   string                 `json:"scenario"`
	Location   specification.Location `json:"location"`
	Step       string                 `json:"step,omitempty"`
	Error      string                 `json:"error"`
	Blamed     implementation.Link    `json:"blamed,omitempty"`
	Missing    string                 `json:"missing,omitempty"`
	Observed   []string               `json:"observed"`
	LastWrites []string               `json:"lastWrites"`
	Disturbed  []string               `json:"disturbed,omitempty"`
	Rerun      string                 `json:"rerun"`
}

// JSON writes the result as one JSON document.
func JSON(out io.Writer, result *conformance.Result) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(documentOf(result))
}

func documentOf(result *conformance.Result) document {
	all := document{
		Implementation: result.Implementation,
		Specification:  specificationOf{result.Specification.Digest, len(result.Specification.Requirements)},
		Run:            result.Run,
		Started:        result.Started.UTC(),
		Seconds:        result.Elapsed.Seconds(),
		Seed:           result.Seed,
		Lag:            lagOf(result.Lag),
		Requirements:   []requirement{},
	}
	for _, r := range result.Requirements {
		entry := requirement{
			ID: r.Requirement.ID, Level: r.Requirement.Level, Link: r.Requirement.Link,
			Outcome: r.Outcome(), Scenarios: len(r.Examples), Seconds: r.Elapsed().Seconds(),
		}
		if entry.Outcome != conformance.Passed {
			entry.Reason = r.Reason()
		}
		for _, example := range r.Examples {
			if example.Failure != nil {
				entry.Failures = append(entry.Failures, failureOf(example))
			}
		}
		all.Requirements = append(all.Requirements, entry)
	}
	return all
}

func failureOf(example conformance.ExampleResult) failure {
	entry := failure{
		Scenario: example.Example.Name, Location: example.Example.Location,
		Error: example.Failure.Error, Blamed: example.Failure.Blamed, Missing: example.Failure.Missing,
		Observed: example.Failure.Observed, LastWrites: example.Failure.LastWrites, Disturbed: example.Failure.Disturbed,
		Rerun: example.Again(),
	}
	if step := example.Failure.Step; step != nil {
		entry.Step = step.Keyword + " " + step.Text
	}
	return entry
}
