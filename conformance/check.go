package conformance

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/cucumber/godog"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// Check returns an error that lists, each with its place and what to do: capabilities
// that do not exist, releases of links that do not exist, and steps that no sentence of
// the vocabulary matches, or more than one. Where further sentences are registered,
// godog itself is strict about the steps.
func Check(specification *specification.Specification, further func(*godog.ScenarioContext)) error {
	c := checker{seen: map[string]bool{}}
	for _, requirement := range specification.Requirements {
		for _, example := range requirement.Examples {
			c.tags(example)
			if further == nil {
				c.steps(example)
			}
		}
	}
	return errors.Join(c.faults...)
}

// checker collects faults. What several examples of a requirement share is one fault.
type checker struct {
	faults []error
	seen   map[string]bool
}

func (c *checker) fault(key, format string, values ...any) {
	if !c.seen[key] {
		c.seen[key] = true
		c.faults = append(c.faults, fmt.Errorf(format, values...))
	}
}

func (c *checker) tags(example *specification.Example) {
	id := example.Requirement.ID
	for _, name := range example.Capabilities {
		if !slices.Contains(implementation.Capabilities(), name) {
			c.fault(id+name, "%s: @needs-%s: no such capability: there are %s",
				example.Location, name, strings.Join(implementation.Capabilities(), ", "))
		}
	}
	for _, came := range example.Since {
		if _, err := chain.ParseLink(came.Link); err != nil {
			c.fault(id+came.Link, "%s: it is tagged as having come with %s: %w", example.Location, came, err)
		}
	}
}

func (c *checker) steps(example *specification.Example) {
	for _, step := range example.Steps {
		key := step.Location.String()
		switch found := steps.Match(step.Text); {
		case len(found) == 0:
			c.fault(key, "%s: no sentence of the vocabulary matches %q (podchain list --sentences shows them all)", step.Location, step.Text)
		case len(found) > 1:
			c.fault(key, "%s: %q is ambiguous: it matches %s and %s", step.Location, step.Text, found[0].Pattern, found[1].Pattern)
		}
	}
}
