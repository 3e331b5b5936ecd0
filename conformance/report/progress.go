package report

import (
	"fmt"
	"io"
	"time"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/specification"
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
}

// NewProgress returns the progress of a run of the specification.
func NewProgress(out io.Writer, terminal bool, specification *specification.Specification) *Progress {
	total := 0
	for _, requirement := range specification.Requirements {
		total += len(requirement.Examples)
	}
	return &Progress{out: out, terminal: terminal, total: total, shown: time.Now()}
}

// How often a line is written.
const (
	terminalPace = 100 * time.Millisecond
	plainPace    = 10 * time.Second
)

// Done is told of every example that is done.
func (p *Progress) Done(result conformance.ExampleResult) {
	p.done++
	failed := result.Outcome == conformance.Failed || result.Outcome == conformance.CouldNotRun
	if failed {
		p.bad++
		p.clear()
		fmt.Fprintf(p.out, "%s: %s  %s\n  %s\n", result.Outcome, result.Example.Requirement.ID, result.Example.Location, result.Reason)
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
