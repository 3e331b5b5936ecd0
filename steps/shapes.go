package steps

import (
	"fmt"
	"slices"
	"strings"
)

// Shape is a form of the tables below sentences.
type Shape struct {
	Name        string   `json:"name"`
	Description string   `json:"description"`
	Columns     []Column `json:"columns"`
	// Further says what any other column is; empty: there is no other.
	Further string `json:"further,omitempty"`
}

// Column is one column of a table.
type Column struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	// Optional columns may be missing.
	Optional bool `json:"optional,omitempty"`
}

// Check says which column of a table's header is wrong.
func (s *Shape) Check(header []string) error {
	var names []string
	for _, column := range s.Columns {
		names = append(names, column.Name)
		if !column.Optional && !slices.Contains(header, column.Name) {
			return fmt.Errorf("a table of %s needs a column %q", s.Name, column.Name)
		}
	}
	for _, name := range header {
		if s.Further == "" && !slices.Contains(names, name) {
			return fmt.Errorf("a table of %s has no column %q: its columns are %s", s.Name, name, strings.Join(names, ", "))
		}
	}
	return nil
}

// Shapes are all forms of tables, in the order in which the vocabulary needs them.
func Shapes() []*Shape {
	var all []*Shape
	for _, sentence := range Vocabulary() {
		if sentence.Table != nil && !slices.Contains(all, sentence.Table) {
			all = append(all, sentence.Table)
		}
	}
	return all
}

// The shapes of tables.
var (
	fieldsToSet = &Shape{
		Name:        "fields to set",
		Description: "A row for each field that is set over the manifest, or over the object as it is.",
		Columns: []Column{
			{Name: "field", Description: "the path of the field"},
			{Name: "value", Description: "the value that it gets"},
		},
	}
	fieldsToCheck = &Shape{
		Name:        "fields to check",
		Description: "A row for each field; all rows have to hold of the same version.",
		Columns: []Column{
			{Name: "field", Description: "the path of the field"},
			{Name: "value", Description: "the value that is expected"},
		},
	}
	objectsToCreate = &Shape{
		Name:        "objects to create",
		Description: "A row for each object. An empty cell leaves its field as the manifest has it.",
		Columns:     []Column{{Name: "name", Description: "the name of the object"}},
		Further:     "the path of a field, and below it the value that it gets",
	}
	objectsToCheck = &Shape{
		Name:        "objects to check",
		Description: "A row for each object. An empty cell says nothing about its field.",
		Columns:     []Column{{Name: "name", Description: "the name of the object"}},
		Further:     "the path of a field, and below it the value that is expected",
	}
	stagesOfOne = &Shape{
		Name:        "stages",
		Description: "A row for each stage; versions between two stages do not matter, and one version may be several stages.",
		Columns: []Column{
			{Name: "field", Description: "the path of the field; empty: the row is about the object itself"},
			{Name: "value", Description: "the value that is expected; of the object itself, “appears” or “no longer exists”"},
		},
	}
	moments = &Shape{
		Name:        "moments",
		Description: "A row for each thing that happens, in the order in which they have to happen.",
		Columns: []Column{
			{Name: "object", Description: "the object to which it happens"},
			{Name: "field", Description: "the path of the field; empty: the row is about the object itself"},
			{Name: "value", Description: "the value that is expected; of the object itself, “appears” or “no longer exists”"},
		},
	}
	orders = &Shape{
		Name:        "orders",
		Description: "A row for each field that must not go back.",
		Columns: []Column{
			{Name: "field", Description: "the path of the field"},
			{Name: "order", Description: "“rising” for numbers, or the values in their order: “Pending, then Running, then Succeeded or Failed”. A stage may be skipped; “any” is one value, which stays"},
		},
	}
	causes = &Shape{
		Name:        "causes",
		Description: "A row for each cause that the answer has to name in its details.",
		Columns: []Column{
			{Name: "field", Description: "the path of the field, as the answer writes it"},
			{Name: "reason", Description: "the reason, such as FieldValueRequired; empty: whatever it is", Optional: true},
		},
	}
	eventsOfObjects = &Shape{
		Name:        "events",
		Description: "A row for each Event that has to be recorded. An Event in the new form (events.k8s.io) counts as well as one in the old.",
		Columns: []Column{
			{Name: "object", Description: "the object that the Event is about"},
			{Name: "type", Description: "Normal or Warning", Optional: true},
			{Name: "reason", Description: "the reason, such as FailedScheduling", Optional: true},
			{Name: "source", Description: "the component that reports it", Optional: true},
			{Name: "host", Description: "the node, or instance, that reports it", Optional: true},
			{Name: "container", Description: "the part of the object that it is about, such as spec.containers{app}", Optional: true},
			{Name: "message", Description: "the message", Optional: true},
		},
	}
	writes = &Shape{
		Name:        "writes",
		Description: "A row for each kind of write to an object, and the only link that may make it.",
		Columns: []Column{
			{Name: "object", Description: "the object that was written"},
			{Name: "verb", Description: "the verb of the API, such as update, or several: “one of update, patch”"},
			{Name: "subresource", Description: "the subresource, such as status; empty: the object itself", Optional: true},
			{Name: "link", Description: "the link that has to have written it"},
		},
	}
	nodesToAdd = &Shape{
		Name:        "nodes",
		Description: "A row for each node. An empty cell leaves it out.",
		Columns: []Column{
			{Name: "name", Description: "the name of the node"},
			{Name: "labels", Description: "labels, such as disk=ssd, zone=a", Optional: true},
			{Name: "taints", Description: "taints, such as use=gpu:NoSchedule, …", Optional: true},
			{Name: "unschedulable", Description: "true: the node is cordoned", Optional: true},
		},
		Further: "the name of a resource, and below it how much of it the node has",
	}
	faultsToInject = &Shape{
		Name:        "faults",
		Description: "A row for each fault. A request to which several rows apply meets the first of them, until its times are over. If no request meets a fault, the scenario is reported as could not run.",
		Columns: []Column{
			{Name: "verb", Description: "the verb of the requests", Optional: true},
			{Name: "resource", Description: "their resource, such as pods", Optional: true},
			{Name: "subresource", Description: "their subresource; empty: none", Optional: true},
			{Name: "effect", Description: "lose reply, cut, answer CODE (such as answer 409), or delay TIME (such as delay 2s)"},
			{Name: "times", Description: "how many requests meet it; empty: all", Optional: true},
		},
	}
	callsOfRuntime = &Shape{
		Name:        "calls",
		Description: "A row for each call that succeeded, in this order; others may lie in between. An empty cell says nothing.",
		Columns: []Column{
			{Name: "call", Description: "the method of the CRI, such as CreateContainer"},
			{Name: "container", Description: "the name of the container", Optional: true},
			{Name: "image", Description: "the image", Optional: true},
			{Name: "uid", Description: "the uid of the Pod", Optional: true},
		},
	}
	watchEvents = &Shape{
		Name:        "watch events",
		Description: "A row for each event, in order, and no others. An empty cell says nothing.",
		Columns:     []Column{{Name: "event", Description: "ADDED, MODIFIED, DELETED or BOOKMARK"}},
		Further:     "the path of a field, and below it the value that is expected; “> the row before” compares with the event before",
	}
	keysOfStore = &Shape{
		Name:        "keys",
		Description: "A row for each object.",
		Columns: []Column{
			{Name: "object", Description: "the object"},
			{Name: "key", Description: "its key below the prefix of the store; {name} is the name of the object"},
		},
	}
	kindsOfStore = &Shape{
		Name:        "kinds",
		Description: "A row for each kind.",
		Columns:     []Column{{Name: "kind", Description: "the kind, as Deployment"}},
	}
)
