// Package steps is the vocabulary of the features: what each sentence means. A
// sentence either changes something through the API server (a stimulus) or asks
// the recorded history (an observation); it knows no implementation.
package steps

import (
	"context"
	"regexp"
	"strings"
	"time"

	"github.com/cucumber/godog"
)

// Sentence is one sentence of the vocabulary.
type Sentence struct {
	// Pattern is the whole sentence; its groups are the arguments.
	Pattern *regexp.Regexp
	// Step returns the godog step of the sentence in a world.
	Step func(*World) any
}

// String returns the sentence as somebody would write it, with … where a word
// of one's own goes.
func (s Sentence) String() string { return readable(s.Pattern.String()) }

// readable turns the pattern of a sentence into what somebody reads: an object
// is REF, a number N, anything else …; optional parts stand in brackets.
func readable(pattern string) string {
	text := strings.NewReplacer(
		ref, "REF",
		object, `KIND "NAME"`,
		count, "N",
		`([A-Z]\w+?)s?`, "KIND", `([A-Z]\w+)`, "KIND", `([A-Z]\w+?)`, "KIND", `that [A-Z]\w+`, "that KIND",
		`"([^"]+)"`, `"…"`, `"([^"]*)"`, `"…"`, `([a-z-]+)`, "LINK",
		`(\d{3})`, "CODE", `([A-Za-z ]+?)`, "…", `([A-Za-z ]+)`, "…", `(\S+)`, "FIELD", `(.+)`, "…", `([A-Z]+)`, "METHOD",
	).Replace(strings.TrimSuffix(strings.TrimPrefix(pattern, "^"), ":?$"))
	return brackets(text)
}

// brackets writes (?:…)? as […], (?:…) as (…) and x? as [x].
func brackets(text string) string {
	var out strings.Builder
	var open []int
	for i := 0; i < len(text); i++ {
		switch {
		case strings.HasPrefix(text[i:], "(?:"):
			open = append(open, out.Len())
			out.WriteByte('(')
			i += 2
		case text[i] == '(':
			open = append(open, out.Len())
			out.WriteByte('(')
		case text[i] == ')' && len(open) > 0:
			start := open[len(open)-1]
			open = open[:len(open)-1]
			if i+1 < len(text) && text[i+1] == '?' {
				inner := out.String()
				out.Reset()
				out.WriteString(inner[:start] + "[" + inner[start+1:] + "]")
				i++
				continue
			}
			out.WriteByte(')')
		case i+1 < len(text) && text[i+1] == '?':
			out.WriteString("[" + text[i:i+1] + "]")
			i++
		default:
			out.WriteByte(text[i])
		}
	}
	return out.String()
}

// The parts that sentences are made of.
const (
	object = `([A-Z]\w+) "([^"]+)"`
	count  = `(\d+)`
)

type (
	c     = context.Context
	table = *godog.Table
	doc   = *godog.DocString
)

// sentence compiles one entry of the vocabulary. Every pattern is anchored, so
// that no sentence is a part of another.
func sentence(pattern string, step func(*World) any) Sentence {
	return Sentence{regexp.MustCompile(`^` + pattern + `:?$`), step}
}

// Vocabulary is every sentence that features may use: what changes something
// first, then what is observed, then what is about requests and watches.
var Vocabulary = []Sentence{
	// The chain itself.
	sentence(`the ([a-z-]+) is stopped`, func(w *World) any { return w.stopLink }),
	sentence(`the ([a-z-]+) is started`, func(w *World) any { return w.startLink }),
	sentence(`the ([a-z-]+) runs twice`, func(w *World) any { return w.runTwice }),
	sentence(`the leader of the ([a-z-]+) is killed`, func(w *World) any { return w.killLeader }),
	sentence(`requests of the ([a-z-]+) meet`, func(w *World) any { return w.meet }),
	sentence(`the faults are over`, func(w *World) any { return w.healFaults }),
	sentence(`image "([^"]+)" is published`, func(w *World) any { return w.publish }),
	sentence(`these nodes(?: join)?`, func(w *World) any { return w.addNodes }),
	sentence(`the kubelet of Node "([^"]+)" is stopped`, func(w *World) any { return w.stopKubelet }),
	sentence(`the kubelet of Node "([^"]+)" is started`, func(w *World) any { return w.startKubelet }),
	sentence(`the API server forgets its history`, func(w *World) any { return w.compact }),
	sentence(`the ([a-z-]+) is stopped while `+count+` clients POST ([A-Z]\w+?)s`, func(w *World) any { return w.stopWhilePosting }),
	sentence(`the store is away`, func(w *World) any { return w.storeGoes }),
	sentence(`the store is back`, func(w *World) any { return w.storeReturns }),
	sentence(count+` seconds pass`, func(w *World) any {
		return func(ctx c, seconds string) error {
			w.stimulus()
			return w.pass(ctx, time.Now(), seconds)
		}
	}),

	// Objects are made.
	sentence(object+`(?: with `+count+` replicas?)? is created`, func(w *World) any {
		return func(ctx c, kind, name, replicas string) error { return w.create(ctx, kind, name, replicas, nil) }
	}),
	sentence(object+`(?: with `+count+` replicas?)? is created with`, func(w *World) any { return w.create }),
	sentence(`these ([A-Z]\w+?)s are created`, func(w *World) any { return w.createThese }),
	sentence(count+` ([A-Z]\w+?)s(?: with `+count+` replicas?)? are created at the same time with`, func(w *World) any { return w.createAtOnce }),
	sentence(object+`(?: with `+count+` replicas?)? is applied`, func(w *World) any {
		return func(ctx c, kind, name, replicas string) error { return w.apply(ctx, kind, name, replicas, nil) }
	}),
	sentence(object+`(?: with `+count+` replicas?)? is ready`, func(w *World) any {
		return func(ctx c, kind, name, replicas string) error { return w.makeReady(ctx, kind, name, replicas, nil) }
	}),
	sentence(object+`(?: with `+count+` replicas?)? is ready with`, func(w *World) any { return w.makeReady }),

	// Objects are changed.
	sentence(ref+` is modified to `+count+` replicas?`, func(w *World) any {
		return func(ctx c, text, replicas string) error { return w.replicate(ctx, text, replicas, "merge patch") }
	}),
	sentence(ref+` is modified to `+count+` replicas? by ([A-Za-z ]+)`, func(w *World) any { return w.replicate }),
	sentence(ref+` is modified with`, func(w *World) any {
		return func(ctx c, text string, fields table) error { return w.patchFields(ctx, text, "", fields) }
	}),
	sentence(`the status of `+ref+` is set with`, func(w *World) any {
		return func(ctx c, text string, fields table) error { return w.patchFields(ctx, text, "status", fields) }
	}),
	sentence(`(?:(?:the|`+count+`) Pods? of )?`+ref+` (gets?|loses?) the go-ahead`, func(w *World) any { return w.goAhead }),
	sentence(ref+` is bound by hand`, func(w *World) any {
		return func(ctx c, text string) error { return w.bind(ctx, text, "") }
	}),
	sentence(ref+` is bound to Node "([^"]+)" by hand`, func(w *World) any {
		return func(ctx c, text, node string) error { return w.bind(ctx, text, w.real("Node", node)) }
	}),
	sentence(ref+` is deleted`, func(w *World) any {
		return func(ctx c, text string) error { return w.delete(ctx, text, "") }
	}),
	sentence(ref+` is deleted in the (foreground|background)`, func(w *World) any {
		return func(ctx c, text, way string) error {
			return w.delete(ctx, text, map[string]string{"foreground": "Foreground", "background": "Background"}[way])
		}
	}),

	// One object is observed.
	sentence(ref+` has`, func(w *World) any { return w.has }),
	sentence(ref+` keeps for `+count+` seconds?`, func(w *World) any { return w.keeps }),
	sentence(ref+` is gone`, func(w *World) any { return w.gone }),
	sentence(ref+` goes through`, func(w *World) any { return w.goesThrough }),
	sentence(ref+` only goes forward in`, func(w *World) any { return w.forward }),
	sentence(`no version of (?:a ([A-Z]\w+) of )?`+ref+` has`, func(w *World) any { return w.noVersion }),
	sentence(`the last version of `+ref+` has`, func(w *World) any { return w.lastVersion }),
	sentence(`the first version of (?:a ([A-Z]\w+) of )?`+ref+` has`, func(w *World) any { return w.firstVersion }),
	sentence(`nothing of `+ref+` changes(?:, while (.+)| for `+count+` seconds)`, func(w *World) any { return w.nothingChanges }),

	sentence(`these ([A-Z]\w+?)s have`, func(w *World) any { return w.theseHave }),

	// What an object controls is observed.
	sentence(count+` (more )?([A-Z]\w+?)s? of `+ref+` appears?`, func(w *World) any { return w.appear }),
	sentence(count+` ([A-Z]\w+?)s? of `+ref+` (?:is|are) removed`, func(w *World) any { return w.removed }),
	sentence(`another ([A-Z]\w+) of `+ref+` appears before (that [A-Z]\w+) is gone`, func(w *World) any { return w.another }),
	sentence(`no ([A-Z]\w+) of `+ref+` appears(?:, while (.+)| for `+count+` seconds)`, func(w *World) any { return w.noneAppears }),
	sentence(ref+` never has more than `+count+` active Pods?`, func(w *World) any { return w.neverMoreActive }),
	sentence(`the ReplicaSets of `+ref+` never ask for more than `+count+` Pods together`, func(w *World) any { return w.neverAskForMore }),
	sentence(`each of them has`, func(w *World) any { return w.eachHas }),
	sentence(`each of them keeps for `+count+` seconds?`, func(w *World) any { return w.eachKeeps }),
	sentence(`each of them goes through`, func(w *World) any { return w.eachGoesThrough }),
	sentence(`each of them only goes forward in`, func(w *World) any { return w.eachForward }),
	sentence(`each of them has got `+count+` ([A-Z]\w+?)s?`, func(w *World) any { return w.eachHasGot }),
	sentence(`no two of them share their (\S+)`, func(w *World) any { return w.distinct }),

	// The container runtime is observed.
	sentence(`the container runtime is called for `+ref, func(w *World) any { return w.called }),
	sentence(`([A-Z]\w+) is called (never|once|twice|\d+ times) for `+ref, func(w *World) any { return w.calledTimes }),

	// Several objects are observed together.
	sentence(`these come in order`, func(w *World) any { return w.inOrder }),
	sentence(`these events are recorded`, func(w *World) any { return w.recorded }),
	sentence(`these links have written, and no others`, func(w *World) any { return w.haveWritten }),

	// Requests, whatever the answer.
	sentence(object+` is POSTed(?: with the query "([^"]*)")?`, func(w *World) any {
		return func(ctx c, kind, name, query string) error { return w.post(ctx, kind, name, query, nil) }
	}),
	sentence(object+` is POSTed(?: with the query "([^"]*)" and)? with`, func(w *World) any { return w.post }),
	sentence(ref+` is PUT back`, func(w *World) any {
		return func(ctx c, text string) error { return w.putBack(ctx, "", text, nil) }
	}),
	sentence(`(?:the (status|scale) of )?`+ref+` is PUT back with`, func(w *World) any { return w.putBack }),
	sentence(`(?:the (status|scale) of )?`+ref+` is PATCHed by ([A-Za-z ]+?)(?: with the query "([^"]*)")?`, func(w *World) any {
		return func(ctx c, subresource, text, kind, query string, body doc) error {
			return w.patch(ctx, text, subresource, kind, query, body)
		}
	}),
	sentence(ref+` is DELETEd`, func(w *World) any {
		return func(ctx c, text string) error { return w.discard(ctx, text, nil) }
	}),
	sentence(ref+` is DELETEd with`, func(w *World) any { return w.discard }),
	sentence(`([A-Z]+) "([^"]+)" is requested`, func(w *World) any {
		return func(ctx c, method, path string) error { return w.request(ctx, method, path, "", "", nil) }
	}),
	sentence(`([A-Z]+) "([^"]+)" is requested accepting "([^"]+)"`, func(w *World) any {
		return func(ctx c, method, path, accept string) error { return w.request(ctx, method, path, accept, "", nil) }
	}),
	sentence(`([A-Z]+) "([^"]+)" is requested with`, func(w *World) any {
		return func(ctx c, method, path string, body doc) error { return w.request(ctx, method, path, "", "", body) }
	}),
	sentence(count+` clients POST `+object+` at the same time`, func(w *World) any { return w.postAtOnce }),
	sentence(count+` clients bind `+ref+` at the same time`, func(w *World) any { return w.bindAtOnce }),
	sentence(count+` clients modify `+ref+` at the same time, each (its own label|to one replica more), trying again on conflict`, func(w *World) any { return w.modifyAtOnce }),
	sentence(`the API server answers (\d{3}) ([A-Za-z ]+)`, func(w *World) any { return w.answered }),
	sentence(`the API server refuses it`, func(w *World) any { return w.refused }),
	sentence(count+` (?:answer is|answers are) (\d{3}) ([A-Za-z ]+)`, func(w *World) any { return w.counted }),
	sentence(`the answer has`, func(w *World) any { return w.answerHas }),
	sentence(`the answer warns of "([^"]+)"`, func(w *World) any { return w.warned }),
	sentence(`the answer warns of nothing`, func(w *World) any {
		return func(ctx c) error { return w.warned(ctx, "") }
	}),
	sentence(`the causes are`, func(w *World) any { return w.causes }),
	sentence(ref+` is stored with`, func(w *World) any { return w.stored }),
	sentence(ref+` is not stored`, func(w *World) any { return w.notStored }),

	sentence(ref+` is stored as before`, func(w *World) any { return w.storedAsBefore }),
	sentence(`every ([A-Z]\w+) that was acknowledged is stored as it was answered, and every other whole or not at all`, func(w *World) any { return w.survived }),
	sentence(`the API server cannot store `+object, func(w *World) any { return w.cannotStore }),
	sentence(`the API server is (not )?ready`, func(w *World) any { return w.probes }),

	// The store behind the API server.
	sentence(`there is a watcher of the store from now on`, func(w *World) any { return w.watchStore }),
	sentence(`the store holds`, func(w *World) any { return w.storeHolds }),
	sentence(`the store holds `+ref+` at its resourceVersion`, func(w *World) any { return w.storeAgrees }),
	sentence(`the store created `+ref+` at the resourceVersion of the answer`, func(w *World) any { return w.storeCreated }),
	sentence(`the store does not hold `+ref+` any more`, func(w *World) any { return w.storeLost }),
	sentence(`every change of these kinds in the store is an event of the same revision, and the other way round`, func(w *World) any { return w.sameChanges }),
	sentence(`no revision of `+ref+` appears in the store, while a new ([A-Z]\w+) gets one`, func(w *World) any { return w.noRevision }),
	sentence(`no revision appears in the store for `+count+` seconds`, func(w *World) any { return w.storeRests }),
	sentence(`the store keeps the Events about `+ref+` for a time only`, func(w *World) any { return w.eventsEnd }),
	sentence(`the store lets nobody in without the certificate of the API server`, func(w *World) any { return w.storeLocked }),

	// Watches.
	sentence(`there (?:is a watcher|are `+count+` watchers) of ([A-Z]\w+?)s(?: with the (label|field) selector "([^"]*)")? (from now on|without a version|from version \d+|from the first version of .+|from where the last one ended)`, func(w *World) any { return w.watch }),
	sentence(`the watch ends`, func(w *World) any { return w.ends }),
	sentence(`the watcher is notified of`, func(w *World) any { return w.notified }),
	sentence(`the watchers are all notified of the same in the same order`, func(w *World) any { return w.sameOrder }),
	sentence(`the watcher is told that the version has expired`, func(w *World) any { return w.expired }),
	sentence(`the watcher is told that the version has expired, or notified of`, func(w *World) any { return w.expiredOrNotified }),
}

// Register makes the vocabulary known to a scenario of godog.
func Register(scenario *godog.ScenarioContext, world *World) {
	for _, sentence := range Vocabulary {
		scenario.Step(sentence.Pattern, sentence.Step(world))
	}
}

// Match returns the sentences that a step's text is an instance of: one, or the
// feature cannot be run.
func Match(text string) []Sentence {
	var found []Sentence
	for _, sentence := range Vocabulary {
		if sentence.Pattern.MatchString(text) {
			found = append(found, sentence)
		}
	}
	return found
}

// cutsOff are the sentences that take the API server, or its store, from all links.
var cutsOff = regexp.MustCompile(`^(the api-server is stopped|the store is away)`)

// CutsOff tells whether a step takes the API server from all links. They find it
// again in their own time, which grows with every loss.
func CutsOff(text string) bool { return cutsOff.MatchString(text) }
