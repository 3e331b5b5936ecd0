package site

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/story"
)

// timeline is a recorded scenario as a sequence diagram: who wrote what when, and
// when a watcher was notified of it.
type timeline struct {
	run      *run
	scenario *events.ScenarioRecord

	Lanes []lane
	Rows  []*moment
	// Width and Height of the picture.
	Width, Height int
	// Story of a scenario that did not pass.
	Story string
}

// lane is one party; the last one is the suite, whose watches show what was written.
type lane struct {
	Name string
	X    int
}

// moment is a row of the picture: a step, or a write.
type moment struct {
	Number, Y int
	// At is when, by the clock of the scenario.
	At string
	// Step is set on a step, with Failed if it did not hold.
	Step   string
	Failed bool
	// What was written, by whom.
	What, Writer string
	// From and To are where the arrow of the write begins and ends, Watcher where that
	// of the watch does.
	From, To, Watcher int
	// Latency from the answer of the write to the arrival at the watcher; empty where
	// no tap has seen the write.
	Latency string
	// Changes are the fields that the write has changed.
	Changes []change
}

// change is a field that has another value than before.
type change struct{ Field, Before, After string }

// Sizes of the picture.
const (
	laneWidth = 170
	margin    = 110
	rowHeight = 34
	headRoom  = 56
)

// What parties are called that are no links.
const (
	laneClient  = "client"
	laneServer  = string(implementation.APIServer)
	laneWatcher = "watchers"
)

func newTimeline(r *run, scenario *events.ScenarioRecord) *timeline {
	t := &timeline{run: r, scenario: scenario}
	if scenario.Outcome.Outcome.Bad() {
		t.Story = strings.TrimSpace(story.Tell(scenario))
	}
	versions := slices.DeleteFunc(scenario.Versions(), func(v events.Version) bool { return inBackground(v) })
	t.lay(versions)
	steps := slices.Clone(scenario.Done)
	for _, version := range inOrder(versions) {
		for len(steps) > 0 && steps[0].Seen < version.Number {
			t.step(steps[0])
			steps = steps[1:]
		}
		t.write(version)
	}
	for _, step := range steps {
		t.step(step)
	}
	t.Height = headRoom + rowHeight*(len(t.Rows)+1)
	return t
}

// inOrder puts versions into the order in which they were written, as far as the
// versions say it: two watches may lag differently. What was observed before a step
// stays before it.
func inOrder(versions []events.Version) []events.Version {
	ordered := slices.Clone(versions)
	slices.SortStableFunc(ordered, func(a, b events.Version) int {
		order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
		if err != nil {
			return cmp.Compare(a.Number, b.Number)
		}
		return order
	})
	// The numbers go with the places: a step stands before what had not been observed.
	numbers := make([]int, len(versions))
	for i, version := range versions {
		numbers[i] = version.Number
	}
	for i := range ordered {
		ordered[i].Number = numbers[i]
	}
	return ordered
}

// inBackground tells whether a version is of what was there before the scenario did
// anything, or is written all the time.
func inBackground(v events.Version) bool {
	return v.Kind == "Node" || v.Kind == "Event" || v.Kind == "Lease" || v.Name == "kube-root-ca.crt"
}

// lay finds the parties, in the order of the chain.
func (t *timeline) lay(versions []events.Version) {
	parties := map[string]bool{laneClient: true, laneServer: true}
	for _, version := range versions {
		parties[party(version.Write)] = true
	}
	names := slices.SortedFunc(maps.Keys(parties), func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	for i, name := range append(names, laneWatcher) {
		t.Lanes = append(t.Lanes, lane{name, margin + laneWidth/2 + i*laneWidth})
	}
	t.Width = margin + laneWidth*len(t.Lanes)
}

// Left is where the first lane is.
func (t *timeline) Left() int { return t.Lanes[0].X }

// Across is how far it is from there to the last one.
func (t *timeline) Across() int { return t.Lanes[len(t.Lanes)-1].X - t.Left() }

func rank(name string) int {
	switch at := position(name); {
	case name == laneClient:
		return -1
	case at >= 0:
		return at
	}
	return len(implementation.AllLinks)
}

// party is who made a write.
func party(write events.Write) string {
	switch who, _, _ := strings.Cut(write.Writer, ", "); who {
	case "podchain", "":
		return laneClient
	default:
		return who
	}
}

func (t *timeline) lane(name string) int {
	for _, lane := range t.Lanes {
		if lane.Name == name {
			return lane.X
		}
	}
	return t.Lanes[0].X
}

func (t *timeline) add(m *moment) {
	m.Number, m.Y = len(t.Rows)+1, headRoom+rowHeight*(len(t.Rows)+1)
	t.Rows = append(t.Rows, m)
}

func (t *timeline) step(done events.Step) {
	written := t.scenario.Steps[done.Index]
	t.add(&moment{At: clock(done.At), Step: written.Keyword + " " + written.Text, Failed: done.Failed})
}

// verbs are those of what a watch delivers.
var verbs = map[string]string{"ADDED": "create", "MODIFIED": "update", "DELETED": "delete"}

func (t *timeline) write(version events.Version) {
	m := &moment{At: clock(version.At), Writer: party(version.Write)}
	m.What = fmt.Sprintf("%s %s %s", verbs[version.Type], version.Kind, version.Name)
	if version.Subresource != "" {
		m.What += " (" + version.Subresource + ")"
	}
	m.From, m.To, m.Watcher = t.lane(m.Writer), t.lane(laneServer), t.lane(laneWatcher)
	if version.Answered != nil && !t.run.Run.Virtual {
		m.Latency = fmt.Sprintf("%+.1f ms", (version.At-*version.Answered)*1000)
	}
	var before, after any
	// What is no JSON has no fields.
	_ = json.Unmarshal(version.Object, &after)
	if version.Before != nil {
		_ = json.Unmarshal(version.Before, &before)
	}
	m.Changes = changes("", before, after)
	t.add(m)
}

// clock is a time of a scenario in seconds.
func clock(seconds float64) string { return strconv.FormatFloat(seconds, 'f', 3, 64) + " s" }

// changes are the fields, by their paths, that two values differ in.
func changes(path string, before, after any) []change {
	if reflect.DeepEqual(before, after) {
		return nil
	}
	was, wasMap := before.(map[string]any)
	is, isMap := after.(map[string]any)
	if (wasMap || before == nil) && (isMap || after == nil) && (wasMap || isMap) {
		names := map[string]bool{}
		for name := range was {
			names[name] = true
		}
		for name := range is {
			names[name] = true
		}
		var all []change
		for _, name := range slices.Sorted(maps.Keys(names)) {
			inner := name
			if path != "" {
				inner = path + "." + name
			}
			all = append(all, changes(inner, was[name], is[name])...)
		}
		return all
	}
	wasList, wereItems := before.([]any)
	isList, areItems := after.([]any)
	if wereItems && areItems && len(wasList) == len(isList) {
		var all []change
		for i := range isList {
			all = append(all, changes(fmt.Sprintf("%s[%d]", path, i), wasList[i], isList[i])...)
		}
		return all
	}
	return []change{{path, inJSON(before), inJSON(after)}}
}

func inJSON(value any) string {
	if value == nil {
		return ""
	}
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(text)
}

// Title implements titled.
func (t *timeline) Title() string { return t.scenario.Name }

// Page is where its page is.
func (t *timeline) Page() string {
	return fmt.Sprintf("timeline/%s-%d.html", slug(t.run.Name+" "+t.scenario.Location.File), t.scenario.Location.Line)
}

// Run that it is of.
func (t *timeline) Run() *run { return t.run }

// Scenario that it shows.
func (t *timeline) Scenario() *events.ScenarioRecord { return t.scenario }
