package field

import (
	"errors"
	"fmt"
	"strings"
)

// Expectation is one row of a table: a field and what its value is to be.
type Expectation struct {
	Field   string
	Path    Path
	Matcher Matcher
}

// Expect parses one row.
func Expect(path, value string) (Expectation, error) {
	parsed, err := ParsePath(path)
	if err != nil {
		return Expectation{}, err
	}
	matcher, err := ParseMatcher(value)
	return Expectation{Field: path, Path: parsed, Matcher: matcher}, err
}

// Deviation is a row that does not hold.
type Deviation struct {
	// Field as the row names it.
	Field string
	// Err says what was expected, and what is there.
	Err error
}

func (d *Deviation) Error() string { return d.Field + ": " + d.Err.Error() }

// Unwrap returns Err.
func (d *Deviation) Unwrap() error { return d.Err }

// Check compares an object (in JSON form) with all rows; the error has a Deviation
// for every row that does not hold. lookup gets the row's field
// and what stands behind "same as".
func Check(object any, expectations []Expectation, lookup func(field, reference string) (any, error)) error {
	var faults []error
	for _, expectation := range expectations {
		value, found := expectation.Path.Get(object)
		resolve := func(reference string) (any, error) {
			if lookup == nil {
				return nil, fmt.Errorf("nothing to compare with here")
			}
			return lookup(expectation.Field, reference)
		}
		if err := expectation.Matcher.Match(value, found, resolve); err != nil {
			faults = append(faults, &Deviation{Field: expectation.Field, Err: err})
		}
	}
	return errors.Join(faults...)
}

// Describe writes the rows on one line for messages.
func Describe(expectations []Expectation) string {
	parts := make([]string, 0, len(expectations))
	for _, expectation := range expectations {
		parts = append(parts, expectation.Field+" "+expectation.Matcher.String())
	}
	return strings.Join(parts, ", ")
}
