package report

import (
	"fmt"
	"io"
	"time"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/printable"
)

// Progress shows how far a run has come: on a terminal in one line that is
// written over, elsewhere in a line now and then and for every failure.
type Progress struct {
	out      io.Writer
	terminal bool
	total    int
	done     int
	bad      int
	shown    time.Time
	of       map[string]string // the ids of scenarios
}

// NewProgress returns the progress of a run.
func NewProgress(out io.Writer, terminal bool) *Progress {
	return &Progress{out: out, terminal: terminal, shown: time.Now(), of: map[string]string{}}
}

// How often a line is written.
const (
	terminalPace = 100 * time.Millisecond
	plainPace    = 10 * time.Second
)

// Add takes every event.
func (p *Progress) Add(event events.Event) {
	switch {
	case event.Run != nil:
		p.total = event.Run.Specification.Scenarios
	case event.Requirement != nil:
		for _, scenario := range event.Requirement.Scenarios {
			p.of[scenario.Location.String()] = event.Requirement.ID
		}
	case event.Verdict != nil:
		p.count(event.Verdict)
	}
}

func (p *Progress) count(outcome *events.Verdict) {
	p.done++
	if outcome.Outcome.Bad() {
		p.bad++
		p.clear()
		fmt.Fprintf(p.out, "%s: %s  %s\n  %s\n", outcome.Outcome, p.of[outcome.Scenario], outcome.Scenario, printable.Text(outcome.Reason))
	}
	pace := plainPace
	if p.terminal {
		pace = terminalPace
	}
	if time.Since(p.shown) < pace && !(p.terminal && p.done == p.total) {
		return
	}
	p.shown = time.Now()
	p.clear()
	end := "\n"
	if p.terminal {
		end = ""
	}
	fmt.Fprintf(p.out, "%d of %d scenarios, %d not passed%s", p.done, p.total, p.bad, end)
}

// End leaves the line.
func (p *Progress) End() { p.clear() }

func (p *Progress) clear() {
	if p.terminal {
		fmt.Fprint(p.out, "\r\x1b[K")
	}
}
