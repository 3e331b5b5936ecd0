// Package specification reads the features: one requirement per Rule, each with
// its id, level, link, scenarios and place in the file.
package specification

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"sort"
	"strings"

	gherkin "github.com/cucumber/gherkin/go/v26"
	messages "github.com/cucumber/messages/go/v21"
)

// Specification is a set of features.
type Specification struct {
	// Digest names the content: equal digests, equal features.
	Digest string
	// Requirements in the order of the files.
	Requirements []*Requirement
	// Features are the files, in the same order.
	Features []*Feature
}

// Feature is one file.
type Feature struct {
	// Path of the file below the root.
	Path string
	// Title of the Feature, About the text below it.
	Title, About string
	// Source is the file itself.
	Source string
	// Written is the Feature as it is written: outlines with their tables.
	Written *messages.Feature
}

// RequirementID returns the id that a Rule is tagged with, "" if it has none.
func RequirementID(rule *messages.Rule) string {
	for _, tag := range rule.Tags {
		if idTag.MatchString(tag.Name) {
			return tag.Name[1:]
		}
	}
	return ""
}

// Text is what stands below a title, without the indentation of the file.
func Text(description string) string { return undent(description) }

// Requirement is one Rule.
type Requirement struct {
	// ID is its id in the catalogue, such as "RS-07".
	ID string
	// Level is MUST, SHOULD or MAY.
	Level string
	// Link whose part it is: the name of the folder, or "chain".
	Link string
	// Sentence is the Rule's title, Why the text below it.
	Sentence, Why string
	// Location of the Rule.
	Location Location
	// Examples are what is executed: a scenario, or a row of an outline.
	Examples []*Example
}

// Capabilities returns what the examples need of an implementation.
func (r *Requirement) Capabilities() []string {
	var all []string
	for _, example := range r.Examples {
		all = append(all, example.Capabilities...)
	}
	return sortedUnique(all)
}

// Capabilities returns what all requirements together need of an implementation.
func (s *Specification) Capabilities() []string {
	var all []string
	for _, requirement := range s.Requirements {
		all = append(all, requirement.Capabilities()...)
	}
	return sortedUnique(all)
}

// Since returns the releases that brought what some of the examples assert.
func (r *Requirement) Since() []Since {
	var all []Since
	for _, example := range r.Examples {
		for _, since := range example.Since {
			if !slices.Contains(all, since) {
				all = append(all, since)
			}
		}
	}
	return all
}

// Example is a scenario, or one row of a scenario outline.
type Example struct {
	Requirement *Requirement
	// Name is the scenario's title; for a row of an outline with its values.
	Name string
	// Location of the Scenario line or of the row.
	Location Location
	// Capabilities it needs of an implementation, without "needs-".
	Capabilities []string
	// TimeBased says that it waits for the time that the requirement is about
	// (tag @time-based): in real time it takes more than some 15 s.
	TimeBased bool
	// Since are the releases that brought what it asserts (tag @since-v1.35);
	// empty for what has always been so.
	Since []Since
	// Steps as written, with an outline's values filled in.
	Steps []Step
	// Feature is the file with everything but this example blanked out: line
	// numbers stay true, and a runner that knows whole files only runs just it.
	Feature []byte
}

// Step is one step of an example.
type Step struct {
	Keyword  string   `json:"keyword"`
	Text     string   `json:"text"`
	Location Location `json:"location"`
	// Table and Doc are what stands below it; at most one of them is there.
	Table [][]string `json:"table,omitempty"`
	Doc   string     `json:"doc,omitempty"`
}

// Location is a place in a feature file.
type Location struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

func (l Location) String() string { return fmt.Sprintf("%s:%d", l.File, l.Line) }

// ChainLink is the link of what concerns the whole chain.
const ChainLink = "chain"

// Load reads all features below the root of the file system. The error lists
// every fault that was found, each with file and line.
func Load(files fs.FS) (*Specification, error) {
	var specification Specification
	var faults []error
	digest := sha256.New()
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".feature" {
			return err
		}
		source, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		fmt.Fprintf(digest, "%s\x00%s\x00", name, source)
		feature, requirements, err := parse(name, source)
		if err != nil {
			faults = append(faults, err)
		}
		if feature != nil {
			specification.Features = append(specification.Features, feature)
		}
		specification.Requirements = append(specification.Requirements, requirements...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	specification.Digest = fmt.Sprintf("%x", digest.Sum(nil))[:12]
	faults = append(faults, duplicates(specification.Requirements)...)
	if len(specification.Requirements) == 0 && len(faults) == 0 {
		faults = append(faults, errors.New("no Rule with a requirement id was found: features are files named *.feature"))
	}
	sort.SliceStable(specification.Requirements, func(i, j int) bool {
		return order(specification.Requirements[i].Location.File) < order(specification.Requirements[j].Location.File)
	})
	sort.SliceStable(specification.Features, func(i, j int) bool {
		return order(specification.Features[i].Path) < order(specification.Features[j].Path)
	})
	return &specification, errors.Join(faults...)
}

// order puts the features on top of the tree before the folders, and these by
// their numbers.
func order(file string) string {
	if path.Dir(file) == "." {
		return "\x00" + file
	}
	number, rest, _ := strings.Cut(file, "-")
	return fmt.Sprintf("%9s-%s", number, rest)
}

func duplicates(requirements []*Requirement) []error {
	var faults []error
	first := map[string]Location{}
	for _, requirement := range requirements {
		if earlier, found := first[requirement.ID]; found {
			faults = append(faults, fmt.Errorf("%s: requirement %s has a Rule already, at %s: an id stands on one Rule only",
				requirement.Location, requirement.ID, earlier))
			continue
		}
		first[requirement.ID] = requirement.Location
	}
	return faults
}

var (
	idTag       = regexp.MustCompile(`^@([A-Z]+(?:-[A-Z]+)*-[0-9]+)$`)
	levelTag    = regexp.MustCompile(`^@(MUST|SHOULD|MAY)$`)
	needsTag    = regexp.MustCompile(`^@needs-(.+)$`)
	parserPlace = regexp.MustCompile(`(?m)^\((\d+):\d+\)`)
	folder      = regexp.MustCompile(`^[0-9]+-`)
)

// parse reads one feature file.
func parse(name string, source []byte) (*Feature, []*Requirement, error) {
	ids := &messages.Incrementing{}
	document, err := gherkin.ParseGherkinDocument(bytes.NewReader(source), ids.NewId)
	if err != nil {
		// The parser says (line:column) at the beginning of each fault.
		faults := parserPlace.ReplaceAllString(strings.TrimPrefix(err.Error(), "Parser errors:\n"), name+":$1")
		return nil, nil, fmt.Errorf("cannot be read as Gherkin:\n%s", faults)
	}
	if document.Feature == nil {
		return nil, nil, fmt.Errorf("%s:1: there is no Feature in this file", name)
	}
	file := &file{name: name, lines: bytes.Split(source, []byte("\n")), feature: document.Feature}
	var requirements []*Requirement
	var faults []error
	for _, child := range document.Feature.Children {
		if child.Scenario != nil {
			faults = append(faults, fmt.Errorf("%s:%d: this scenario stands outside of a Rule: put it under the Rule whose requirement it shows",
				name, child.Scenario.Location.Line))
		}
		if child.Rule == nil {
			continue
		}
		requirement, err := file.requirement(child.Rule)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		requirements = append(requirements, requirement)
	}
	feature := &Feature{Path: name, Title: document.Feature.Name, About: undent(document.Feature.Description), Source: string(source), Written: document.Feature}
	return feature, requirements, errors.Join(faults...)
}

func (f *file) requirement(rule *messages.Rule) (*Requirement, error) {
	requirement := &Requirement{
		Sentence: rule.Name, Why: undent(rule.Description),
		Link:     linkOf(f.name),
		Location: Location{f.name, int(rule.Location.Line)},
	}
	for _, tag := range rule.Tags {
		switch {
		case idTag.MatchString(tag.Name) && requirement.ID == "":
			requirement.ID = tag.Name[1:]
		case idTag.MatchString(tag.Name):
			return nil, fmt.Errorf("%s: the Rule has two ids, %s and %s: one requirement, one Rule", requirement.Location, requirement.ID, tag.Name[1:])
		case levelTag.MatchString(tag.Name):
			requirement.Level = tag.Name[1:]
		}
	}
	switch {
	case requirement.ID == "":
		return nil, fmt.Errorf("%s: the Rule %q has no id: tag it with one, such as @RS-07", requirement.Location, rule.Name)
	case requirement.Level == "":
		return nil, fmt.Errorf("%s: the Rule of %s has no level: tag it @MUST, @SHOULD or @MAY", requirement.Location, requirement.ID)
	}
	for _, child := range rule.Children {
		if child.Scenario == nil {
			continue
		}
		examples, err := f.examples(rule, child.Scenario)
		if err != nil {
			return nil, err
		}
		for _, example := range examples {
			example.Requirement = requirement
		}
		requirement.Examples = append(requirement.Examples, examples...)
	}
	if len(requirement.Examples) == 0 {
		return nil, fmt.Errorf("%s: the Rule of %s has nothing to execute: give it a scenario", requirement.Location, requirement.ID)
	}
	return requirement, nil
}

// linkOf returns the link that a feature is about: its folder, without the
// number that puts the folders in the order of the chain.
func linkOf(name string) string {
	top, _, nested := strings.Cut(name, "/")
	if !nested {
		return ChainLink
	}
	return folder.ReplaceAllString(top, "")
}

func capabilities(tags ...[]*messages.Tag) []string {
	var needs []string
	for _, list := range tags {
		for _, tag := range list {
			if match := needsTag.FindStringSubmatch(tag.Name); match != nil {
				needs = append(needs, match[1])
			}
		}
	}
	return sortedUnique(needs)
}

// timeBasedTag marks what takes the time that it is about.
const timeBasedTag = "@time-based"

func tagged(name string, tags ...[]*messages.Tag) bool {
	for _, list := range tags {
		for _, tag := range list {
			if tag.Name == name {
				return true
			}
		}
	}
	return false
}

func sortedUnique(list []string) []string {
	sort.Strings(list)
	var unique []string
	for i, entry := range list {
		if i == 0 || entry != list[i-1] {
			unique = append(unique, entry)
		}
	}
	return unique
}

// undent takes away what all lines are indented by.
func undent(text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	least := len(text)
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " \t\r")
		if lines[i] != "" {
			least = min(least, len(line)-len(strings.TrimLeft(line, " \t")))
		}
	}
	for i, line := range lines {
		lines[i] = line[min(least, len(line)):]
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n")
}
