// Package steps is the vocabulary of the features: what each sentence means. A
// sentence either changes something through the API server (a stimulus) or asks
// the recorded history (an observation); it knows no implementation.
//
// A file per subject holds the sentences and, below them, the methods that carry
// them out, each named after its sentence.
package steps

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/cucumber/godog"

	"github.com/podchain/podchain/conformance/chain"
)

// Sentence is one sentence of the vocabulary.
type Sentence struct {
	// Pattern is the whole sentence; its groups are the arguments of the step.
	Pattern *regexp.Regexp
	// Description says what the sentence does or checks, and from when on it counts.
	Description string
	// Example is the sentence in a feature, with what stands below it.
	Example string
	// Table is the shape of the table below the sentence; nil: it takes none.
	Table *Shape
	// Document says that the text of a request stands below the sentence.
	Document bool
	// Step returns the godog step of the sentence in a world.
	Step func(*World) any

	text    string // the pattern, not anchored
	cutsOff string // what it stops, if all links need that: a template over the groups
}

// MarshalJSON writes what an author wants to know of the sentence.
func (s Sentence) MarshalJSON() ([]byte, error) {
	shown := struct {
		Sentence    string         `json:"sentence"`
		Pattern     *regexp.Regexp `json:"pattern"`
		Description string         `json:"description"`
		Example     string         `json:"example"`
		Table       string         `json:"table,omitempty"`
		Document    bool           `json:"document,omitempty"`
	}{Sentence: s.String(), Pattern: s.Pattern, Description: s.Description, Example: s.Example, Document: s.Document}
	if s.Table != nil {
		shown.Table = s.Table.Name
	}
	return json.Marshal(shown)
}

// Subject is what a part of the vocabulary is about.
type Subject struct {
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Sentences   []Sentence `json:"sentences"`
}

// Subjects is the vocabulary in the order in which it is best read.
var Subjects = sync.OnceValue(func() []Subject {
	subjects := []Subject{
		{"objects", "Objects are created, changed and deleted; the API server has to accept it.", objectSentences},
		{"versions", "What the recorded versions of an object say.", versionSentences},
		{"sequences", "In which order things happen.", sequenceSentences},
		{"workloads", "Objects that run Pods: created and ready, scaled, and the readiness gates of their Pods.", workloadSentences},
		{"dependents", "What controllers create and remove for an owner.", dependentSentences},
		{"nodes", "Nodes, their kubelets, and the binding of Pods.", nodeSentences},
		{"requests", "Requests whose answer is examined, whether or not the API server accepts them.", requestSentences},
		{"answers", "What the API server answers, and what it has stored.", answerSentences},
		{"watches", "Watches on the API server.", watchSentences},
		{"store", "The store behind the API server.", storeSentences},
		{"durability", "What remains when the API server or its store goes down.", durabilitySentences},
		{"runtime", "The container runtime, and the images that it pulls.", runtimeSentences},
		{"links", "Links of the chain: stopped, started, replicated, and what they have written.", linkSentences},
		{"faults", "Faults between a link and the API server, and the passage of time.", faultSentences},
		{"events", "Events about objects.", eventSentences},
	}
	for _, subject := range subjects {
		for i := range subject.Sentences {
			// Anchored, so that no sentence is a part of another.
			subject.Sentences[i].Pattern = regexp.MustCompile(`^` + subject.Sentences[i].text + `:?$`)
		}
	}
	return subjects
})

// Vocabulary is every sentence that features may use.
var Vocabulary = sync.OnceValue(func() []Sentence {
	var all []Sentence
	for _, subject := range Subjects() {
		all = append(all, subject.Sentences...)
	}
	return all
})

// Register makes the vocabulary known to a scenario of godog.
func Register(scenario *godog.ScenarioContext, world *World) {
	for _, sentence := range Vocabulary() {
		scenario.Step(sentence.Pattern, sentence.Step(world))
	}
}

// Match returns the sentences that a step's text is an instance of: one, or the
// feature cannot be run.
func Match(text string) []Sentence {
	var found []Sentence
	for _, sentence := range Vocabulary() {
		if sentence.Pattern.MatchString(text) {
			found = append(found, sentence)
		}
	}
	return found
}

// CutsOff says whether a step takes the API server, or its store, from all links.
// They find it again in their own time, which grows with every loss.
func CutsOff(text string) bool {
	return slices.ContainsFunc(Vocabulary(), func(sentence Sentence) bool {
		if sentence.cutsOff == "" || !sentence.Pattern.MatchString(text) {
			return false
		}
		stopped := sentence.Pattern.ReplaceAllString(text, sentence.cutsOff)
		return chain.Link(stopped).Serves() || stopped == theStore
	})
}

// theStore is what a sentence stops that is not a link.
const theStore = "store"

// Check says what is wrong with what stands below an instance of the sentence: a
// table or document that it does not take or needs, or a column that its table
// does not have.
func (s Sentence) Check(table [][]string, document string) error {
	takes := map[bool]string{true: "needs a", false: "takes no"}
	switch {
	case (s.Table != nil) != (len(table) > 0):
		return fmt.Errorf("the sentence %q %s table", s, takes[s.Table != nil])
	case s.Document != (document != ""):
		return fmt.Errorf("the sentence %q %s document", s, takes[s.Document])
	case s.Table != nil:
		return s.Table.Check(table[0])
	}
	return nil
}

// The parts that sentences are made of.
const (
	object   = `([A-Z]\w+) "([^"]+)"`
	count    = `(\d+)`
	link     = `([a-z-]+)`
	replicas = `(?: with (\d+) replicas?)?`
)

// placeholders are how an argument of a sentence is shown.
var placeholders = strings.NewReplacer(
	ref, "REF", object, `KIND "NAME"`, count, "N", link, "LINK",
	`([A-Z]\w+) is (`, "METHOD is (", `([A-Z]\w+?)s?`, "KIND", `([A-Z]\w+)`, "KIND", `([A-Z]\w+?)`, "KIND", `(that [A-Z]\w+)`, "that KIND",
	`"([^"]+)"`, `"…"`, `"([^"]*)"`, `"…"`, `"[^"]+"`, `"…"`, `of .+|`, "of REF|",
	`(status)`, "status", `(\d{3})`, "CODE", `([A-Za-z ]+?)`, "…", `([A-Za-z ]+)`, "…", `(\S+)`, "FIELD", `(.+)`, "…", `([A-Z]+)`, "METHOD", `\d+`, "N",
)

// String returns the sentence as an author reads it: an object is REF, a number N,
// any other argument …; what may be left out stands in brackets.
func (s Sentence) String() string {
	text := placeholders.Replace(s.text)
	var out strings.Builder
	var open []int
	for i := 0; i < len(text); i++ {
		optional := i+1 < len(text) && text[i+1] == '?'
		switch {
		case text[i] == '(':
			open = append(open, out.Len())
			out.WriteByte('(')
			if strings.HasPrefix(text[i:], "(?:") {
				i += 2
			}
		case text[i] == ')' && optional:
			start := open[len(open)-1]
			inner := out.String()
			out.Reset()
			out.WriteString(inner[:start] + "[" + inner[start+1:] + "]")
			open = open[:len(open)-1]
			i++
		case text[i] == ')':
			open = open[:len(open)-1]
			out.WriteByte(')')
		case optional:
			out.WriteString("[" + text[i:i+1] + "]")
			i++
		default:
			out.WriteByte(text[i])
		}
	}
	return out.String()
}
