package site

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/report"
	"github.com/podchain/podchain/conformance/specification"
)

// site is everything that the pages show.
type site struct {
	// Digest and Total of the specification.
	Digest string
	Total  int
	Links  []*link
	// Runs are all that were given, Latest the last of each implementation.
	Runs, Latest []*run
	timelines    []*timeline
	guides       []Guide
}

// Title implements titled.
func (*site) Title() string { return "How a Deployment becomes running Pods" }

// run is a run of the specification.
type run struct {
	*events.RunRecord
	// Number counts them from 1; Name is the implementation's.
	Number int
	Name   string
	byID   map[string]*events.RequirementRecord
	// timelines of what was recorded, by the requirement.
	timelines map[string][]*timeline
}

// Day that it was made.
func (r *run) Day() string { return r.Run.Started.Format("2006-01-02 15:04") }

// Older says that it was made of another specification than the pages show.
func (r *run) Older(digest string) bool { return r.Run.Specification.Digest != digest }

// Sum is its verdicts in words.
func (r *run) Sum() string { return words(r.Count()) }

// Verdict on a requirement; "" if it was not selected.
func (r *run) Verdict(id string) events.Outcome {
	if found := r.byID[id]; found != nil {
		return found.Outcome()
	}
	return ""
}

// worstFirst are the verdicts, what matters first.
var worstFirst = []events.Outcome{events.Failed, events.CouldNotRun, events.Stale, events.KnownFailing, events.Passed, events.NotApplicable}

// words are counts of verdicts in words: what matters first.
func words(counts map[events.Outcome]int) string {
	var parts []string
	for _, verdict := range worstFirst {
		if count := counts[verdict]; count > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count, verdict))
		}
	}
	if len(parts) == 0 {
		return "nothing was run"
	}
	return strings.Join(parts, ", ")
}

// link is a link of the chain, or the chain as a whole.
type link struct {
	site *site
	// Name such as "scheduler", or "chain".
	Name     string
	Features []*feature
	// Results are those of the last run of each implementation.
	Results []result
}

// Title implements titled.
func (l *link) Title() string {
	if l.Name == specification.ChainLink {
		return "The whole chain"
	}
	return "The " + l.Name
}

// Page is where its page is.
func (l *link) Page() string { return "link/" + l.Name + ".html" }

// Total is how many requirements it has.
func (l *link) Total() (total int) {
	for _, feature := range l.Features {
		total += len(feature.Requirements)
	}
	return total
}

// Runs are all that were given.
func (l *link) Runs() []*run { return l.site.Runs }

// result is how a run did on a link.
type result struct {
	Run    *run
	Counts map[events.Outcome]int
	// Blamed is how many scenarios failed for the link's sake.
	Blamed int
}

// Sum is its verdicts in words.
func (r result) Sum() string {
	text := words(r.Counts)
	if r.Blamed > 0 {
		text += ", blamed for " + count(r.Blamed, "scenario")
	}
	return text
}

// Worst verdict of a result; "" if nothing was run.
func (r result) Worst() events.Outcome {
	for _, verdict := range worstFirst {
		if r.Counts[verdict] > 0 {
			return verdict
		}
	}
	return ""
}

// resultsOf returns how the last run of each implementation did on a link.
func resultsOf(l *link) []result {
	var all []result
	for _, run := range l.site.Latest {
		one := result{Run: run, Counts: map[events.Outcome]int{}}
		for _, requirement := range run.Requirements {
			if requirement.Link == l.Name {
				one.Counts[requirement.Outcome()]++
			}
			for _, scenario := range requirement.Scenarios {
				if evidence := scenario.Verdict.Evidence; evidence != nil && string(evidence.Blamed) == l.Name {
					one.Blamed++
				}
			}
		}
		all = append(all, one)
	}
	return all
}

// feature is a file of the specification.
type feature struct {
	*specification.Feature
	Requirements []*requirement
}

// requirement is one of the specification, and what came of it.
type requirement struct {
	*specification.Requirement
	site      *site
	Scenarios []*scenario
}

// verdict on a requirement, of several runs if all there is to say is the same.
type verdict struct {
	Runs    []*run
	Verdict events.Outcome
	Reason  string
	Stories []string
	// Timelines of its scenarios, where they were recorded.
	Timelines []*timeline
}

// Verdicts are those of the last run of each implementation.
func (r *requirement) Verdicts() []verdict {
	var all []verdict
	type said struct {
		verdict events.Outcome
		reason  string
	}
	plain := map[said]int{} // where in all
	for _, of := range r.site.Latest {
		found := of.byID[r.ID]
		if found == nil {
			continue
		}
		one := verdict{Runs: []*run{of}, Verdict: found.Outcome(), Timelines: of.timelines[r.ID]}
		if one.Verdict != events.Passed {
			one.Reason = found.Reason()
		}
		for _, scenario := range found.Scenarios {
			if scenario.Verdict.Outcome.NeedsDetail() {
				one.Stories = append(one.Stories, strings.TrimSpace(report.Tell(scenario)))
			}
		}
		if one.Stories == nil && one.Timelines == nil {
			same := said{one.Verdict, one.Reason}
			if at, found := plain[same]; found {
				all[at].Runs = append(all[at].Runs, of)
				continue
			}
			plain[same] = len(all)
		}
		all = append(all, one)
	}
	return all
}

// newSite puts together what the pages show.
func newSite(whole *specification.Specification, recordings []*events.RunRecord) *site {
	s := &site{Digest: whole.Digest, Total: len(whole.Requirements)}
	last := map[string]*run{}
	for i, recording := range recordings {
		r := &run{RunRecord: recording, Number: i + 1, Name: recording.Run.Implementation.String(),
			byID: map[string]*events.RequirementRecord{}, timelines: map[string][]*timeline{}}
		for _, requirement := range recording.Requirements {
			r.byID[requirement.ID] = requirement
		}
		s.Runs = append(s.Runs, r)
		last[r.Name] = r
	}
	for _, r := range s.Runs {
		if last[r.Name] != r {
			continue
		}
		s.Latest = append(s.Latest, r)
		for _, requirement := range r.Requirements {
			for _, scenario := range requirement.Scenarios {
				if len(scenario.Writes) > 0 {
					one := newTimeline(r, scenario)
					s.timelines = append(s.timelines, one)
					r.timelines[requirement.ID] = append(r.timelines[requirement.ID], one)
				}
			}
		}
	}
	byLink := map[string]*link{}
	for _, file := range whole.Features {
		f := &feature{Feature: file}
		for _, r := range whole.Requirements {
			if r.Location.File == file.Path {
				f.Requirements = append(f.Requirements, &requirement{r, s, written(file.Written, r.ID)})
			}
		}
		if len(f.Requirements) == 0 {
			continue
		}
		name := f.Requirements[0].Link
		if byLink[name] == nil {
			byLink[name] = &link{site: s, Name: name}
			s.Links = append(s.Links, byLink[name])
		}
		byLink[name].Features = append(byLink[name].Features, f)
	}
	for _, link := range s.Links {
		link.Results = resultsOf(link)
	}
	slices.SortStableFunc(s.Links, func(a, b *link) int { return cmp.Compare(position(a.Name), position(b.Name)) })
	return s
}

// position of a link in the chain.
func position(name string) int {
	return slices.Index(chain.AllLinks, chain.Link(name)) // -1: the chain as a whole
}

// showcase is how many timelines the front shows.
const showcase = 8

// Timelines that were recorded: the first few.
func (s *site) Timelines() []*timeline { return s.timelines[:min(len(s.timelines), showcase)] }

// Recorded is how many there are.
func (s *site) Recorded() int { return len(s.timelines) }

// recordings is the page of all timelines.
type recordings struct{ *site }

// Title implements titled.
func (recordings) Title() string { return "What really happened" }

// Timelines that were recorded: all, in the order of the runs.
func (r recordings) Timelines() []*timeline { return r.timelines }

// comparison is the table of all runs.
type comparison struct {
	*site
	// Different are the requirements on which the verdicts differ, Same the others, in
	// a part for each link.
	Different, Same parts
}

// parts are tables, so that a browser need not lay out what is not on the screen.
type parts []part

// part is the table of a link.
type part struct {
	Link *link
	Rows []row
}

func (p *parts) add(link *link, one row) {
	if len(*p) == 0 || (*p)[len(*p)-1].Link != link {
		*p = append(*p, part{Link: link})
	}
	last := &(*p)[len(*p)-1]
	last.Rows = append(last.Rows, one)
}

// Total is how many requirements there are in them.
func (p parts) Total() (total int) {
	for _, part := range p {
		total += len(part.Rows)
	}
	return total
}

// row is a requirement with the verdict of each run.
type row struct {
	*requirement
	Page     string
	Verdicts []events.Outcome
}

// Title implements titled.
func (*comparison) Title() string { return "Implementations compared" }

func (s *site) comparison() *comparison {
	c := &comparison{site: s}
	for _, link := range s.Links {
		for _, feature := range link.Features {
			for _, requirement := range feature.Requirements {
				one := row{requirement: requirement, Page: link.Page() + "#" + requirement.ID}
				verdicts := map[events.Outcome]bool{}
				for _, run := range s.Runs {
					verdict := run.Verdict(requirement.ID)
					one.Verdicts = append(one.Verdicts, verdict)
					if verdict != "" {
						verdicts[verdict] = true
					}
				}
				if len(verdicts) > 1 {
					c.Different.add(link, one)
				} else {
					c.Same.add(link, one)
				}
			}
		}
	}
	return c
}

// symbol stands for a verdict where colour alone would not do.
func symbol(verdict events.Outcome) string {
	switch verdict {
	case events.Passed:
		return "✓"
	case events.Failed, events.KnownFailing:
		return "✗"
	case events.Stale:
		return "!"
	case events.CouldNotRun:
		return "?"
	case events.NotApplicable:
		return "–"
	}
	return "·"
}

// class is that of a verdict in the style sheet.
func class(verdict events.Outcome) string {
	if verdict == "" {
		return "none"
	}
	return strings.ReplaceAll(string(verdict), " ", "-")
}

var notOfSlug = regexp.MustCompile(`[^a-z0-9]+`)

// slug is a text as a part of a file's name.
func slug(text string) string {
	return strings.Trim(notOfSlug.ReplaceAllString(strings.ToLower(text), "-"), "-")
}
