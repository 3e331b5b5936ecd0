// Package events is what comes out of a run: a stream of events, one JSON object on
// a line, of which every report is a projection, at the end of the run or any time
// later. schema.json describes a line for those who read it with something else.
//
// The order of a stream:
//
//	run           once: what was run against what
//	feature       for each file that something was selected of, as it is
//	requirement   for each that was selected, with its scenarios as they are written
//	elsewhere     one that another shard of the run executes, in its place among them
//	scenario      a scenario that was executed; what belongs to it follows at once:
//	step            a step that was executed, in order
//	write           a version of an object that was observed, in order of arrival
//	call            what a kubelet had its container runtime do, in order
//	outcome         what came of it, with the evidence if it did not pass
//	end           once; a stream without it is of a run that was killed
//
// A scenario that was not executed has an outcome and nothing else.
package events

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/specification"
)

// Format names the format and its version, in the first event of a stream. A reader
// of v1 can read what only adds to it.
const Format = "podchain.dev/events/v1"

// Event is one line of a stream: one of its fields is set.
type Event struct {
	Run         *Run         `json:"run,omitempty"`
	Feature     *Feature     `json:"feature,omitempty"`
	Requirement *Requirement `json:"requirement,omitempty"`
	OtherShard  *OtherShard  `json:"elsewhere,omitempty"`
	Scenario    *Scenario    `json:"scenario,omitempty"`
	Step        *Step        `json:"step,omitempty"`
	Write       *Write       `json:"write,omitempty"`
	Call        *Call        `json:"call,omitempty"`
	Verdict     *Verdict     `json:"outcome,omitempty"`
	End         *End         `json:"end,omitempty"`
}

// Run says what was run against what.
type Run struct {
	// Format is Format.
	Format string `json:"format"`
	// ID is on all that the run makes in a cluster where it is not alone; empty where
	// each scenario has a cluster of its own.
	ID string `json:"id,omitempty"`
	// Command that runs it, without what it selects and what it writes.
	Command string `json:"command,omitempty"`
	// Implementation that is checked.
	Implementation chain.Description `json:"implementation"`
	// Specification that it is checked by, as far as it was selected; of a shard, its
	// part.
	Specification Specification `json:"specification"`
	// Shard of a run that it is; nil for a whole run. Merge makes one of its shards.
	Shard *Shard `json:"shard,omitempty"`
	// Started is when the first scenario could.
	Started time.Time `json:"started"`
	// Seed of the order of the scenarios; 0 is that of the specification.
	Seed int64 `json:"seed"`
	// Virtual says that the times of steps and writes are those of a clock that does
	// not wait: what they tell is what was waited for, not how fast it was.
	Virtual bool `json:"virtual,omitempty"`
}

// Shard is one of several parts of a run, each executed by itself.
type Shard struct {
	// Index is from 1 to Count.
	Index int `json:"index"`
	Count int `json:"count"`
}

// String is the shard as --shard reads it.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Count) }

// Specification names a specification, and how much of it was selected.
type Specification struct {
	// Digest of the features' content.
	Digest string `json:"digest"`
	// Requirements and Scenarios count those that were selected.
	Requirements int `json:"requirements"`
	Scenarios    int `json:"scenarios"`
}

// Feature is a file of the specification.
type Feature struct {
	// Path of the file below the root of the features.
	Path string `json:"path"`
	// Content is what is in it, as Gherkin.
	Content string `json:"content"`
}

// Requirement is one of the specification, as it is written.
type Requirement struct {
	ID    string `json:"id"`
	Level string `json:"level"`
	// Link whose part it is, or "chain".
	Link string `json:"link"`
	// Sentence is what is required, Why the text below it.
	Sentence string `json:"sentence"`
	Why      string `json:"why,omitempty"`
	// Location of its Rule.
	Location  specification.Location `json:"location"`
	Scenarios []Example              `json:"scenarios"`
}

// OtherShard is a requirement of the run that another shard executes: a reader who has
// only some of the shards sees what is missing.
type OtherShard struct {
	// Shard that executes it, by its index.
	Shard       int          `json:"shard"`
	Requirement *Requirement `json:"requirement"`
}

// Example is a scenario, or one row of an outline, as it is written.
type Example struct {
	// Location names it in the events that follow, as FILE:LINE.
	Location     specification.Location `json:"location"`
	Name         string                 `json:"name"`
	Capabilities []string               `json:"capabilities,omitempty"`
	TimeBased    bool                   `json:"timeBased,omitempty"`
	Since        []string               `json:"since,omitempty"`
	Steps        []specification.Step   `json:"steps"`
}

// Scenario is one that was executed.
type Scenario struct {
	// Scenario is its location, as FILE:LINE.
	Scenario string `json:"scenario"`
	// Began is when it did, by the clock of its cluster.
	Began time.Time `json:"began"`
}

// Step is one that was executed.
type Step struct {
	Scenario string `json:"scenario"`
	// Index among the scenario's steps, from 0.
	Index int `json:"index"`
	// At is how long after the scenario began it did, Seconds how long it took.
	At      float64 `json:"at"`
	Seconds float64 `json:"seconds"`
	// Seen is the number of the last version that had been observed when it began.
	Seen int `json:"seen,omitempty"`
	// Failed says that it did not hold: the outcome says why.
	Failed bool `json:"failed,omitempty"`
}

// Write is a version of an object, as the watch of the suite delivered it.
type Write struct {
	Scenario string `json:"scenario"`
	// Number of the version, in order of arrival, from 1.
	Number int `json:"number"`
	// At is how long after the scenario began it arrived, in seconds.
	At float64 `json:"at"`
	// Answered is how long after the scenario began the write was answered; absent
	// where no tap has seen it.
	Answered *float64 `json:"answered,omitempty"`
	// Notified are the links whose watches have brought it, in order of arrival, as far
	// as taps have seen it.
	Notified []Notice `json:"notified,omitempty"`
	// Type is ADDED, MODIFIED or DELETED.
	Type            string `json:"type"`
	Kind            string `json:"kind"`
	Namespace       string `json:"namespace,omitempty"`
	Name            string `json:"name"`
	UID             string `json:"uid"`
	ResourceVersion string `json:"resourceVersion"`
	// Writer is the link that wrote it, where it is known, or else the field manager
	// of what changed; Subresource is what it wrote to.
	Writer      string `json:"writer,omitempty"`
	Subresource string `json:"subresource,omitempty"`
	// Object is the first version of it, without managedFields.
	Object json.RawMessage `json:"object,omitempty"`
	// Patch leads from the version before to this one, as a JSON merge patch.
	Patch json.RawMessage `json:"patch,omitempty"`
}

// Notice is the arrival of a version at a link.
type Notice struct {
	Link string `json:"link"`
	// At is how long after the scenario began it was, in seconds.
	At float64 `json:"at"`
}

// Call is what a kubelet had its container runtime do for a Pod.
type Call struct {
	Scenario string `json:"scenario"`
	// At is how long after the scenario began the kubelet called, in seconds.
	At float64 `json:"at"`
	// Node whose kubelet called.
	Node string `json:"node"`
	// Method of the CRI, such as "RunPodSandbox".
	Method string `json:"method"`
	// Pod that it was for, and the container and the image where it was about one.
	Pod       string `json:"pod"`
	Container string `json:"container,omitempty"`
	Image     string `json:"image,omitempty"`
	// Error that the runtime answered.
	Error string `json:"error,omitempty"`
}

// Verdict is what came of a scenario.
type Verdict struct {
	Scenario string `json:"scenario"`
	// Requirement is the id of the one that the scenario is of.
	Requirement string  `json:"requirement,omitempty"`
	Outcome     Outcome `json:"outcome"`
	// Reason says in one line why it did not pass.
	Reason string `json:"reason,omitempty"`
	// Known says why the scenario is listed as known to fail, and is empty if it is not.
	Known string `json:"known,omitempty"`
	// Lacks are the capabilities for lack of which it is not applicable.
	Lacks []string `json:"lacks,omitempty"`
	// Seconds that it took, by a real clock.
	Seconds float64 `json:"seconds"`
	// Evidence of one that failed or could not run.
	Evidence *Evidence `json:"evidence,omitempty"`
	// Rerun is the command that runs just this scenario again.
	Rerun string `json:"again,omitempty"`
	// Transitions are how long the chain took for its steps, in a scenario that passed
	// and disrupted no link.
	Transitions []Transition `json:"transitions,omitempty"`
}

// MarkKnownFailing notes why the scenario is known to fail: then it is no failure if it does. Without
// a reason it is not known to.
func (o *Verdict) MarkKnownFailing(known string) {
	o.Known = known
	if known != "" && o.Outcome == Failed {
		o.Outcome, o.Reason = KnownFailing, known+": "+o.Reason
	}
}

// Transition is one step of the chain as one object took it.
type Transition struct {
	// Name of the step, one of TransitionNames.
	Name string `json:"name"`
	// Seconds from the step before, by receipt of the watches.
	Seconds float64 `json:"seconds"`
}

// TransitionNames are the steps of the chain, in its order.
var TransitionNames = chain.TransitionNames()

// Evidence of a scenario that failed or could not run, taken before anything was
// cleaned up.
type Evidence struct {
	// Step that did not hold, by its index; absent if it did not come to a step.
	Step *int `json:"step,omitempty"`
	// Error says what was expected and what was found.
	Error string `json:"error"`
	// Blamed is the first link that did not do its part, Missing what it left undone;
	// empty if nothing was left undone.
	Blamed  chain.Link `json:"blamed,omitempty"`
	Missing string     `json:"missing,omitempty"`
	// Observed is the chain as the record shows it at its end.
	Observed []string `json:"observed,omitempty"`
	// LastWrites are the last writes that were seen, oldest first.
	LastWrites []string `json:"lastWrites,omitempty"`
	// Disturbed are the requests of links that met a fault of the scenario.
	Disturbed []string `json:"disturbed,omitempty"`
}

// End is the end of a run.
type End struct {
	// Seconds that the run took; of one that was merged, from the start of its first
	// shard to the end of its last.
	Seconds float64 `json:"seconds"`
	// Lag is from the arrival of what a step waited for to the step being decided;
	// absent in virtual time, where it takes none.
	Lag *Lag `json:"observationLag,omitempty"`
	// Error says what went wrong when the cluster ended.
	Error string `json:"error,omitempty"`
}

// Lag says within which time what share of the awaited events was decided on. Of a
// run that was merged, a percentile is the greatest of its shards', which that of all
// their events together does not exceed: these are no longer there.
type Lag struct {
	Count int     `json:"count"`
	P50   float64 `json:"p50Milliseconds"`
	P90   float64 `json:"p90Milliseconds"`
	P99   float64 `json:"p99Milliseconds"`
	Max   float64 `json:"maxMilliseconds"`
}
