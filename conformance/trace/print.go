package trace

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
)

// width is that of a terminal of the usual size.
const width = 80

// printer writes lines until one cannot be written.
type printer struct {
	out io.Writer
	err error
	// next is the step to print, or skip, next.
	next int
	// told are the troubles that were printed.
	told map[string]bool
}

func (p *printer) printf(format string, values ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.out, format, values...)
	}
}

// paragraph prints a sentence that may be longer than a line.
func (p *printer) paragraph(format string, values ...any) {
	p.printf("\n%s\n", strings.Join(wrap(fmt.Sprintf(format, values...), width), "\n"))
}

func (p *printer) header() {
	p.printf("%4s %8s  %-21s %s\n", "STEP", "LATENCY", "WRITER", "WRITE AND OBJECT")
}

// follow prints the steps that have been taken since it was last called, each
// after all the steps before it. At the end of a trace there is nothing left to
// wait for, and all says so.
func (p *printer) follow(c *chainState, all bool) {
	for step := p.next; step < len(chain.Steps); step++ {
		moment := c.moments[step]
		if !c.skipped[step] && !moment.at.IsZero() {
			p.line(step, latency(c.at(step).Sub(c.began)), moment.writer, moment.write)
		} else if !c.skipped[step] {
			if all {
				continue
			}
			break
		}
		p.next = step + 1
	}
	for _, trouble := range c.troubles() {
		// The first of many replicas speaks for all of them.
		if key := string(trouble.link) + trouble.reason; !p.told[key] {
			p.told[key] = true
			at := latency(c.changed.Sub(c.began))
			indent := 4 + 1 + 8 + 2
			for _, line := range wrap(string(trouble.link)+": "+trouble.String(), width-indent) {
				p.printf("%4s %8s  %s\n", "", at, line)
				at = ""
			}
		}
	}
}

func (p *printer) line(step int, latency, writer, write string) {
	number := ""
	if of := chain.Steps[step].Number; of > 0 {
		number = fmt.Sprint(of)
	}
	line := fmt.Sprintf("%4s %8s  %-21s ", number, latency, writer)
	p.printf("%s%s\n", line, shorten(write, width-utf8.RuneCountInString(line)))
}

// at returns when a step was taken: no later than those that follow from it,
// even if their news came first.
func (c *chainState) at(step int) time.Time {
	at := c.moments[step].at
	for _, later := range c.moments[step:] {
		if !later.at.IsZero() && later.at.Before(at) {
			at = later.at
		}
	}
	return at
}

// maxPods is how many Pods the summary shows one by one.
const maxPods = 10

// summary tells when each Pod took its steps.
func (p *printer) summary(c *chainState) {
	if len(c.order) == 0 {
		return
	}
	p.printf("\n%9s %9s %9s %9s  %s\n", "CREATED", "BOUND", "RUNNING", "READY", "POD")
	row := func(times [4]time.Time, name string) {
		for _, at := range times {
			text := "-"
			if !at.IsZero() {
				text = latency(at.Sub(c.began))
			}
			p.printf("%9s ", text)
		}
		p.printf(" %s\n", name)
	}
	for i, pod := range c.order {
		if i == maxPods {
			p.printf("%39s  and %d more\n", "", len(c.order)-maxPods)
			break
		}
		row(pod.times(), pod.object.GetName())
	}
	if len(c.order) > 1 {
		var first, last [4]time.Time
		for _, pod := range c.order {
			for i, at := range pod.times() {
				if !at.IsZero() && (first[i].IsZero() || at.Before(first[i])) {
					first[i] = at
				}
				if at.After(last[i]) {
					last[i] = at
				}
			}
		}
		row(first, "(first)")
		row(last, "(last)")
	}
}

// times are those of the summary: when each write of its own was seen.
func (p *pod) times() (times [4]time.Time) {
	next := 0
	for i, step := range chain.Steps {
		if step.Kind == pods.Name && step.Verb != "" {
			times[next] = p.taken[i]
			next++
		}
	}
	return times
}

// maxBlames is how many things left undone are listed.
const maxBlames = 5

func (p *printer) blames(blames []diagnosis.Culprit) {
	for i, blame := range blames {
		if i == maxBlames {
			p.printf("  and %d more\n", len(blames)-maxBlames)
			return
		}
		for j, line := range wrap(string(blame.Link)+": "+blame.Missing, width-4) {
			if j == 0 {
				p.printf("  %s\n", line)
			} else {
				p.printf("    %s\n", line)
			}
		}
	}
}

// latency writes a duration with a precision that suits its size.
func latency(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%.1fms", float64(max(d, 0))/float64(time.Millisecond))
	case d < 100*time.Second:
		return fmt.Sprintf("%.2fs", d.Seconds())
	}
	return d.Round(time.Second).String()
}

// shorten cuts out of the first name in a path what does not fit, near its
// beginning: the names of a Deployment's objects differ at their ends.
func shorten(text string, room int) string {
	runes := []rune(text)
	if len(runes) <= room {
		return text
	}
	left := min(room/2, utf8.RuneCountInString(text[:strings.Index(text, "/")+1])+2)
	return string(runes[:left]) + "…" + string(runes[len(runes)-(room-left-1):])
}

// wrap breaks a text into lines, between words where there are any.
func wrap(text string, room int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		for utf8.RuneCountInString(word) > room {
			runes := []rune(word)
			if line != "" {
				lines, line = append(lines, line), ""
			}
			lines, word = append(lines, string(runes[:room])), string(runes[room:])
		}
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > room:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
