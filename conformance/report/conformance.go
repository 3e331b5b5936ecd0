package report

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/printable"
	"github.com/podchain/podchain/conformance/specification"
)

// What a conformance report begins with.
const (
	ConformanceAPIVersion = "podchain.dev/v1"
	ConformanceKind       = "ConformanceReport"
)

// Conformance is the report that an implementer publishes: what the implementation
// is, what it claims to offer, and what of the specification did not pass.
type Conformance struct {
	APIVersion     string      `json:"apiVersion"`
	Kind           string      `json:"kind"`
	Implementation Implementer `json:"implementation"`
	// Profile is how much of the specification is claimed: see Profiles.
	Profile string `json:"profile"`
	// Capabilities that the implementation claims to offer: whatever needs no others
	// was executed.
	Capabilities []string `json:"capabilities"`
	// Lacking are those for lack of which a scenario was skipped, also one of a
	// requirement that passed by others.
	Lacking []string `json:"lacking,omitempty"`
	// Specification, and the run that was made of it.
	Specification events.Specification `json:"specification"`
	Run           ConformanceRun       `json:"run"`
	// Summary counts the requirements of each level.
	Summary map[string]ConformanceCount `json:"summary"`
	// NotPassed are the requirements that did not, in the order of the specification.
	NotPassed []NotPassed `json:"notPassed"`
}

// Implementer says what was checked, and who answers questions about it.
type Implementer struct {
	chain.Description
	Organization string   `json:"organization,omitempty"`
	URL          string   `json:"url,omitempty"`
	Contact      []string `json:"contact,omitempty"`
}

// ConformanceRun is the run behind a report.
type ConformanceRun struct {
	Started time.Time `json:"started"`
	Seconds float64   `json:"seconds"`
	Seed    int64     `json:"seed,omitempty"`
	Command string    `json:"command,omitempty"`
}

// ConformanceCount counts requirements.
type ConformanceCount struct {
	Passed        int `json:"passed"`
	Failed        int `json:"failed"`
	CouldNotRun   int `json:"couldNotRun"`
	NotApplicable int `json:"notApplicable"`
}

// with counts one more.
func (c ConformanceCount) with(verdict events.Outcome) ConformanceCount {
	switch verdict {
	case events.Passed:
		c.Passed++
	case events.Failed:
		c.Failed++
	case events.CouldNotRun:
		c.CouldNotRun++
	case events.NotApplicable:
		c.NotApplicable++
	}
	return c
}

// NotPassed is a requirement that did not pass.
type NotPassed struct {
	ID      string         `json:"id"`
	Level   string         `json:"level"`
	Link    string         `json:"link"`
	Outcome events.Outcome `json:"outcome"`
	Reason  string         `json:"reason"`
	// Lacks are the capabilities for lack of which it is not applicable.
	Lacks []string `json:"lacks,omitempty"`
}

// Profiles, and what each demands: of the whole, that every requirement was selected;
// of the core, that those were which need no capability.
const (
	ProfileFull = "full"
	ProfileCore = "core"
	ProfilePart = "part"
)

// Claims is what the stream of a run does not know of an implementation.
type Claims struct {
	Name, Version, Organization, URL string
	Contact                          []string
	// Capabilities claimed beside those that the run found to be offered.
	Capabilities []string
	// Specification that the profile is determined by.
	Specification *specification.Specification
}

// ConformanceOf makes the report of a run.
func ConformanceOf(run *events.RunRecord, claims Claims) *Conformance {
	c := &Conformance{
		APIVersion: ConformanceAPIVersion, Kind: ConformanceKind,
		Implementation: Implementer{run.Run.Implementation, claims.Organization, claims.URL, claims.Contact},
		Specification:  run.Run.Specification,
		Run:            ConformanceRun{Started: run.Run.Started, Seed: run.Run.Seed, Command: run.Run.Command},
		Summary:        map[string]ConformanceCount{},
		NotPassed:      []NotPassed{},
	}
	if claims.Name != "" {
		c.Implementation.Name = claims.Name
	}
	if claims.Version != "" {
		c.Implementation.Version = claims.Version
	}
	if run.End != nil {
		c.Run.Seconds = run.End.Seconds
	}
	needed, lacking := map[string]bool{}, map[string]bool{}
	for _, requirement := range run.Requirements {
		entry := NotPassed{ID: requirement.ID, Level: requirement.Level, Link: requirement.Link,
			Outcome: requirement.OutcomeIgnoringKnown(), Reason: requirement.ReasonIgnoringKnown()}
		for _, scenario := range requirement.Scenarios {
			for _, capability := range scenario.Capabilities {
				needed[capability] = true
			}
			for _, capability := range scenario.Verdict.Lacks {
				lacking[capability] = true
				if !slices.Contains(entry.Lacks, capability) {
					entry.Lacks = append(entry.Lacks, capability)
				}
			}
		}
		c.Summary[requirement.Level] = c.Summary[requirement.Level].with(entry.Outcome)
		if entry.Outcome != events.Passed {
			c.NotPassed = append(c.NotPassed, entry)
		}
	}
	offered := slices.Clone(claims.Capabilities)
	for capability := range needed {
		if !lacking[capability] {
			offered = append(offered, capability)
		}
	}
	slices.Sort(offered)
	c.Capabilities = slices.Compact(offered)
	c.Lacking = slices.Sorted(maps.Keys(lacking))
	c.Profile = profileOf(run, claims.Specification)
	return c
}

// profileOf is how much of the specification a run was of.
func profileOf(run *events.RunRecord, whole *specification.Specification) string {
	if whole == nil || run.Run.Specification.Digest != whole.Digest || run.End == nil {
		return ProfilePart
	}
	selected := map[specification.Location]bool{}
	for _, requirement := range run.Requirements {
		for _, scenario := range requirement.Scenarios {
			selected[scenario.Location] = true
		}
	}
	profile := ProfileFull
	for _, requirement := range whole.Requirements {
		for _, example := range requirement.Examples {
			switch {
			case selected[example.Location]:
			case len(example.Capabilities) == 0:
				return ProfilePart
			default:
				profile = ProfileCore
			}
		}
	}
	return profile
}

// YAML returns what writes the report of a run with these claims.
func YAML(claims Claims) func(io.Writer, *events.RunRecord) error {
	return func(out io.Writer, run *events.RunRecord) error {
		text, err := yaml.Marshal(ConformanceOf(run, claims))
		if err == nil {
			_, err = out.Write(text)
		}
		return err
	}
}

// ReadConformance reads a report; what the format does not know is an error.
func ReadConformance(text []byte) (*Conformance, error) {
	c := &Conformance{}
	if err := yaml.UnmarshalStrict(text, c); err != nil {
		return nil, printable.YAML(err)
	}
	if c.APIVersion != ConformanceAPIVersion || c.Kind != ConformanceKind {
		return nil, fmt.Errorf("expected apiVersion %s and kind %s, found %q and %q",
			ConformanceAPIVersion, ConformanceKind, c.APIVersion, c.Kind)
	}
	return c, nil
}

// Check returns every reason not to rely on the report. whole is the specification
// that it is measured by, if it is of the same.
func (c *Conformance) Check(whole *specification.Specification) error {
	var faults []error
	fault := func(format string, values ...any) { faults = append(faults, fmt.Errorf(format, values...)) }
	if c.Implementation.Name == "" || c.Implementation.Version == "" {
		fault("implementation: it needs a name and a version: make the report with --name and --implementation-version, or write them in")
	}
	if len(c.Implementation.Contact) == 0 {
		fault("implementation.contact: it needs a contact address: make the report with --contact ADDRESS (of podchain report or podchain verify), or write it in")
	}
	known := whole.Capabilities()
	for _, capability := range c.Capabilities {
		if !slices.Contains(known, capability) {
			fault("capabilities: %q does not exist; the capabilities are %s", capability, strings.Join(known, ", "))
		}
	}
	for _, capability := range c.Lacking {
		if slices.Contains(c.Capabilities, capability) {
			fault("lacking: scenarios were skipped for lack of %q, which is claimed in capabilities", capability)
		}
	}
	counted := map[string]ConformanceCount{}
	seen := map[string]bool{}
	for _, entry := range c.NotPassed {
		if seen[entry.ID] {
			fault("notPassed: %s is listed twice", entry.ID)
		}
		seen[entry.ID] = true
		if !slices.Contains(events.Outcomes, entry.Outcome) || entry.Outcome == events.Passed {
			fault("notPassed: %s has the outcome %q", entry.ID, entry.Outcome)
		}
		for _, capability := range entry.Lacks {
			if slices.Contains(c.Capabilities, capability) {
				fault("notPassed: %s was skipped for lack of %q, which is claimed in capabilities", entry.ID, capability)
			}
		}
		counted[entry.Level] = counted[entry.Level].with(entry.Outcome)
		if entry.Reason == "" {
			fault("notPassed: %s has no reason", entry.ID)
		}
	}
	total := 0
	for level, count := range c.Summary {
		total += count.Passed + count.Failed + count.CouldNotRun + count.NotApplicable
		if was := counted[level]; was != (ConformanceCount{0, count.Failed, count.CouldNotRun, count.NotApplicable}) {
			fault("summary.%s does not count what notPassed lists", level)
		}
	}
	if total != c.Specification.Requirements {
		fault("summary counts %d requirements, specification.requirements is %d", total, c.Specification.Requirements)
	}
	switch c.Profile {
	case ProfileFull, ProfileCore, ProfilePart:
	default:
		fault("profile: expected %s, %s or %s, found %q", ProfileFull, ProfileCore, ProfilePart, c.Profile)
	}
	if c.Specification.Digest == whole.Digest {
		faults = append(faults, c.measure(whole)...)
	}
	return errors.Join(faults...)
}

// measure compares the report with the specification that it is of.
func (c *Conformance) measure(whole *specification.Specification) (faults []error) {
	levels := map[string]string{}
	for _, requirement := range whole.Requirements {
		levels[requirement.ID] = requirement.Level
	}
	for _, entry := range c.NotPassed {
		switch level := levels[entry.ID]; level {
		case entry.Level:
		case "":
			faults = append(faults, fmt.Errorf("notPassed: there is no requirement %s", entry.ID))
		default:
			faults = append(faults, fmt.Errorf("notPassed: %s is %s, not %s", entry.ID, level, entry.Level))
		}
	}
	if c.Profile == ProfileFull && c.Specification.Requirements != len(whole.Requirements) {
		faults = append(faults, fmt.Errorf("profile: %s means all %d requirements, and this is a report of %d",
			ProfileFull, len(whole.Requirements), c.Specification.Requirements))
	}
	return faults
}

// String is the report in one line.
func (c *Conformance) String() string {
	passed, total := 0, 0
	for _, count := range c.Summary {
		passed += count.Passed
		total += count.Passed + count.Failed + count.CouldNotRun
	}
	return fmt.Sprintf("%s, profile %s, %d of the %d requirements that apply passed", c.Implementation.Description, c.Profile, passed, total)
}
