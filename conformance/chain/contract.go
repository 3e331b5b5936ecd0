package chain

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Contract is the row of a link: what it sees, what it writes, what it owes and what
// it must not do.
type Contract struct {
	Link Link
	// Program of Kubernetes that the link is part of, the name by which it may write.
	Program string
	// Chapter is the number of its folder of features; 0 if it has none yet.
	Chapter int
	// First and Last are its steps of the ten that lead from a Deployment to running
	// Pods; 0 if it stands beside them. Sees is what it is notified of in the first, and
	// Hands what it hands on in the last.
	First, Last int
	Sees, Hands string
	// Serves and PerNode are as the methods of Link say.
	Serves, PerNode bool
	// Watches are the kinds that it acts on.
	Watches []string
	// Writes is all that it writes, apart from Events.
	Writes []Write
	// Duties are what it owes, in the order in which it falls due.
	Duties []Duty
	// Prohibitions are what none of its writes may do.
	Prohibitions []Prohibition
}

// Write is a kind of request by which a link changes objects.
type Write struct {
	// Kind of the objects; "*" for all.
	Kind string
	// Verbs and Subresource as in RBAC.
	Verbs       []string
	Subresource string
	// Fields that are the link's part to write: where one is wrong it is asked first.
	Fields []string
	// Shared are fields that it may write too, although they are another's part.
	Shared []string
}

// Stage is when in the life of a workload a duty falls due. What one link owes in a
// stage can only be done when all before it have done theirs.
type Stage int

// The stages. In the first three the links are asked in the order of the chain; what
// comes after that goes the way back.
const (
	Handing   Stage = iota // each link makes or places what the next one needs
	Nodes                  // there are nodes that take Pods
	Running                // the node's kubelet runs the Pod
	Reporting              // each link counts what the one after it reports
	Cleaning               // what is not needed any more is removed
)

// back says that in this stage the last link of the chain comes first.
func (s Stage) back() bool { return s >= Reporting }

// Duty is something that a link owes to each object of some kinds.
type Duty struct {
	Link  Link
	Stage Stage
	// Kinds of the objects.
	Kinds []string
	// Undone says what is left undone for a live object, "" if nothing is.
	Undone func(history History, object *unstructured.Unstructured) string
	// Since is when that fell due, and Within how long it may take. Without them it
	// is overdue when the cluster has come to rest.
	Since  func(history History, object *unstructured.Unstructured) time.Time
	Within time.Duration
	// EvenStopped says that a link owes it that a scenario has stopped: it should have
	// been done before.
	EvenStopped bool
}

// Overdue returns what is left undone in the last state of the history, "" if nothing.
func (d Duty) Overdue(history History) string {
	for _, kind := range d.Kinds {
		for _, object := range history.LiveOf(kind, nil) {
			undone := d.Undone(history, object)
			switch {
			case undone == "":
			case d.Since == nil:
				return undone
			default:
				if since := d.Since(history, object); time.Since(since) > d.Within {
					return fmt.Sprintf("%s for %s", undone, time.Since(since).Round(time.Second))
				}
			}
		}
	}
	return ""
}

// Duties of all links, in the order in which they are asked about: a link can be blamed
// for what it has not done if those before it have done theirs.
func Duties() []Duty {
	var all []Duty
	for _, contract := range contracts {
		for _, duty := range contract.Duties {
			duty.Link = contract.Link
			all = append(all, duty)
		}
	}
	slices.SortStableFunc(all, func(a, b Duty) int {
		order := a.Link.Position() - b.Link.Position()
		if a.Stage.back() {
			order = -order
		}
		if a.Stage != b.Stage {
			order = int(a.Stage - b.Stage)
		}
		return order
	})
	return all
}

// Prohibition is something that no write of a link may do.
type Prohibition struct {
	// Forbids says what is wrong with a write, given the history before it; "" if
	// nothing is.
	Forbids func(before History, write Version) string
	// Telling says that the write itself tells that the link has made it: nothing else
	// writes the like.
	Telling bool
}

// Writers returns the links whose part it is to write a field of a kind, as the tables
// of the features name it: first the one to look at first. None are known of what is as
// a client asks for it.
func Writers(kind, field string) []Link {
	part := "" // the most exact one
	var first, others []Link
	each := func(link Link, path string, links *[]Link) {
		if !Within(field, path) || len(path) < len(part) {
			return
		}
		if len(path) > len(part) {
			part, first, others = path, nil, nil
		}
		*links = append(*links, link)
	}
	for _, contract := range contracts {
		for _, write := range contract.Writes {
			if write.Kind != kind {
				continue
			}
			for _, path := range write.Fields {
				each(contract.Link, path, &first)
			}
			for _, path := range write.Shared {
				each(contract.Link, path, &others)
			}
		}
	}
	return append(first, others...)
}

// Within tells whether a path of a field is another one, or below it.
func Within(path, other string) bool {
	rest, ok := strings.CutPrefix(path, other)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
