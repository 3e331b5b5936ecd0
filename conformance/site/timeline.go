package site

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/report"
)

// timeline is a recorded scenario as a sequence diagram: which link wrote what and when,
// which links were notified, and what kubelets had their runtimes do.
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

// lane is one party. The store and the API server are on the left, since all that is
// written goes through them; the suite, whose watches show it, is the last one.
type lane struct {
	Name string
	X    int
}

// moment is a row of the picture: a step, a write, or a call of a runtime.
type moment struct {
	Number, Y int
	// At is when, by the clock of the scenario.
	At string
	// Step is set on a step, with Failed if it did not hold.
	Step   string
	Failed bool
	// What was written or called, and by which party.
	What, Who string
	// From and To are where its arrow begins and ends.
	From, To int
	// Store is where the arrow of the API server to the store ends, and Version what
	// the write became there; 0 and empty for a call.
	Store   int
	Version string
	// Notices are the arrows of the watches that brought it.
	Notices []notice
	// Changes are the fields that the write has changed.
	Changes []change
}

// notice is the arrow of a watch.
type notice struct {
	Who string
	// To is where it ends; 0 for a party without a lane, since it wrote nothing.
	To int
	// Latency from the answer of the write to the arrival; empty where it cannot be
	// known.
	Latency string
}

// change is a field that has another value than before.
type change struct{ Field, Before, After string }

// Sizes of the picture.
const (
	laneWidth = 158
	margin    = 80
	rowHeight = 40
	headRoom  = 56
)

// What parties are called that are no links.
const (
	laneStore   = "store"
	laneServer  = string(chain.APIServer)
	laneClient  = "client"
	laneKubelet = string(chain.Kubelet)
	laneRuntime = "container runtime"
	laneSuite   = "podchain's watch"
)

func newTimeline(r *run, scenario *events.ScenarioRecord) *timeline {
	t := &timeline{run: r, scenario: scenario}
	if scenario.Verdict.Outcome.NeedsDetail() {
		t.Story = strings.TrimSpace(report.Tell(scenario))
	}
	versions := slices.DeleteFunc(scenario.Versions(), func(v events.Version) bool { return inBackground(v) })
	t.lay(versions)
	steps, calls := slices.Clone(scenario.Done), slices.Clone(scenario.Calls)
	for _, version := range inOrder(versions) {
		for len(steps) > 0 && steps[0].Seen < version.Number {
			calls = t.callsUntil(steps[0].At, calls)
			t.step(steps[0])
			steps = steps[1:]
		}
		for len(calls) > 0 && before(calls[0], version) {
			t.call(calls[0])
			calls = calls[1:]
		}
		t.write(version)
	}
	for _, step := range steps {
		calls = t.callsUntil(step.At, calls)
		t.step(step)
	}
	t.callsUntil(math.Inf(1), calls)
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

// before tells whether a call was before a version: a kubelet reports of a Pod what it
// has had done. Where time does not pass, that decides.
func before(call events.Call, version events.Version) bool {
	at := writtenAt(version)
	return call.At < at || call.At == at && party(version.Write) == laneKubelet && version.Name == call.Pod
}

// writtenAt is when a version was: when its arrival tells, where no tap does.
func writtenAt(version events.Version) float64 {
	if version.Answered != nil {
		return *version.Answered
	}
	return version.At
}

// inBackground tells whether a version is of what was there before the scenario did
// anything, or is written all the time.
func inBackground(v events.Version) bool {
	return v.Kind == "Node" || v.Kind == "Event" || v.Kind == "Lease" || v.Kind == "ServiceAccount" || v.Name == "kube-root-ca.crt"
}

// lay finds the parties, in the order of the chain.
func (t *timeline) lay(versions []events.Version) {
	parties := map[string]bool{laneStore: true, laneServer: true, laneClient: true}
	for _, version := range versions {
		parties[party(version.Write)] = true
	}
	if len(t.scenario.Calls) > 0 {
		parties[laneKubelet], parties[laneRuntime] = true, true
	}
	names := slices.SortedFunc(maps.Keys(parties), func(a, b string) int { return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a, b)) })
	for i, name := range append(names, laneSuite) {
		t.Lanes = append(t.Lanes, lane{name, margin + laneWidth/2 + i*laneWidth})
	}
	t.Width = margin + laneWidth*len(t.Lanes)
}

// Left is where the first lane is.
func (t *timeline) Left() int { return t.Lanes[0].X }

// Across is how far it is from there to the last one.
func (t *timeline) Across() int { return t.Lanes[len(t.Lanes)-1].X - t.Left() }

// order is that of lanes, from left to right: parties outside of the chain come last.
var order = func() (names []string) {
	names = []string{laneStore, laneServer, laneClient}
	for _, link := range chain.AllLinks {
		if link.Serves() {
			continue
		}
		names = append(names, string(link))
		if link.PerNode() {
			names = append(names, laneRuntime)
		}
	}
	return names
}()

func rank(name string) int {
	if at := slices.Index(order, name); at >= 0 {
		return at
	}
	return len(order)
}

// party is the author of a write.
func party(write events.Write) string {
	switch who, _, _ := strings.Cut(write.Writer, ", "); who {
	case "podchain", "":
		return laneClient
	default:
		return who
	}
}

// lane is where that of a party is; 0 if it has none.
func (t *timeline) lane(name string) int {
	for _, lane := range t.Lanes {
		if lane.Name == name {
			return lane.X
		}
	}
	return 0
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
	m := &moment{At: clock(writtenAt(version)), Who: party(version.Write), Version: version.ResourceVersion}
	m.What = fmt.Sprintf("%s %s %s", verbs[version.Type], version.Kind, version.Name)
	if version.Subresource != "" {
		m.What += " (" + version.Subresource + ")"
	}
	m.From, m.To, m.Store = t.lane(m.Who), t.lane(laneServer), t.lane(laneStore)
	for _, one := range version.Notified {
		m.Notices = append(m.Notices, notice{one.Link, t.lane(one.Link), t.latency(version, one.At)})
	}
	m.Notices = append(m.Notices, notice{laneSuite, t.lane(laneSuite), t.latency(version, version.At)})
	var before, after any
	// What is no JSON has no fields.
	_ = json.Unmarshal(version.Object, &after)
	if version.Before != nil {
		_ = json.Unmarshal(version.Before, &before)
	}
	m.Changes = changes("", before, after)
	t.add(m)
}

// latency of a notice counts from the answer to the write, and is negative if the answer
// took longer; it is unknown if no tap has seen the write, and in virtual time.
func (t *timeline) latency(version events.Version, at float64) string {
	if version.Answered == nil || t.run.Run.Virtual {
		return ""
	}
	return fmt.Sprintf("%+.1f ms", (at-*version.Answered)*1000)
}

// callsUntil adds those that were before a time, and returns the others.
func (t *timeline) callsUntil(at float64, calls []events.Call) []events.Call {
	for len(calls) > 0 && calls[0].At < at {
		t.call(calls[0])
		calls = calls[1:]
	}
	return calls
}

func (t *timeline) call(call events.Call) {
	// The image of a container is shown where it is pulled.
	what := call.Method + " " + call.Pod
	if about := cmp.Or(call.Container, call.Image); about != "" {
		what += " " + about
	}
	if call.Error != "" {
		what += ": " + call.Error
	}
	t.add(&moment{At: clock(call.At), Who: laneKubelet + " of " + call.Node, What: what, Failed: call.Error != "",
		From: t.lane(laneKubelet), To: t.lane(laneRuntime)})
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
