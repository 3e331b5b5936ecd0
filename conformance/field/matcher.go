package field

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"
)

// Lookup resolves "same as …": given what stands behind the words, it returns
// the value to compare with.
type Lookup func(reference string) (any, error)

// Before is the reference that a Lookup resolves to the field's own value before
// the last stimulus.
const Before = "before"

// Matcher says whether a value is as expected, and what it expected.
type Matcher struct {
	text  string
	match func(value any, found bool, lookup Lookup) error
}

// String returns the matcher as the table wrote it.
func (m Matcher) String() string { return m.text }

// Match returns nil if the value (found says whether the field is there) is as
// expected; the error says expected and actual. lookup may be nil where no
// "same as" occurs.
func (m Matcher) Match(value any, found bool, lookup Lookup) error {
	return m.match(value, found, lookup)
}

// Form is one way in which the value column of a table says what is expected.
type Form struct {
	// Text is how it is written; … stands for any text.
	Text string
	// Means says which values are as expected.
	Means string
	parse func(text, operand string) (Matcher, error)
}

// Forms are all forms. The first one that fits a text is meant.
var Forms []Form

func init() { // some of them contain others
	Forms = []Form{
		{"any", "the field is there, whatever its value", parseAny},
		{"absent", "the field is not there", parseAbsent},
		{"absent or …", "the field is not there, or as it says", absentOr},
		{"not …", "a value that is not as it says", negation},
		{">= …", "a number, a quantity (500m, 1Gi) or a time that is at least this; “>= before”: at least the value that “unchanged” means", comparison(">=")},
		{"> …", "one that is more", comparison(">")},
		{"<= …", "one that is at most this", comparison("<=")},
		{"< …", "one that is less", comparison("<")},
		{"matches /…/", "a text that matches the regular expression", expression},
		{"includes …", "a text with that part, a list with that item, a map with those entries; several, separated by commas", inclusion},
		{"same as …", "the value of another field", sameAs},
		{"unchanged", "the value that the field had before the last change that the scenario made", func(text, _ string) (Matcher, error) { return sameAs(text, Before) }},
		{"changed", "another value than that", changed},
		{"before + …", "that value, increased by the number", increment},
		{"one of …", "one of several, separated by commas", oneOf},
		{"… items", "a list or map of that length", items},
		{"1 item", "a list or map of length one", func(text, _ string) (Matcher, error) { return items(text, "1") }},
		{"…", "exactly this value, in YAML, and as a whole", exact},
	}
}

// operand returns what a text has in place of the …, if the form fits.
func (f Form) operand(text string) (string, bool) {
	prefix, suffix, open := strings.Cut(f.Text, "…")
	if !open {
		return text, text == f.Text
	}
	if len(text) <= len(prefix)+len(suffix) {
		return text, prefix == "" && suffix == ""
	}
	return text[len(prefix) : len(text)-len(suffix)], strings.HasPrefix(text, prefix) && strings.HasSuffix(text, suffix)
}

// ParseMatcher parses the value column of a table, which has one of the Forms.
func ParseMatcher(text string) (Matcher, error) {
	for _, form := range Forms {
		if operand, fits := form.operand(text); fits {
			return form.parse(text, operand)
		}
	}
	return exact(text, text)
}

func parseAny(text, _ string) (Matcher, error) {
	return Matcher{text, func(_ any, found bool, _ Lookup) error {
		if !found {
			return fmt.Errorf("expected any value, it is absent")
		}
		return nil
	}}, nil
}

func parseAbsent(text, _ string) (Matcher, error) {
	return Matcher{text, func(value any, found bool, _ Lookup) error {
		if found {
			return fmt.Errorf("expected absent, it is %s", Render(value))
		}
		return nil
	}}, nil
}

// Render writes a value on one line for messages.
func Render(value any) string {
	if value == nil {
		return "absent"
	}
	if text, ok := value.(string); ok {
		return strconv.Quote(text)
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}

// ParseValue parses YAML as tables write values, into JSON's Go types. Only true
// and false are booleans: True and False are what conditions say, yes is a word.
func ParseValue(text string) (any, error) {
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		return nil, fmt.Errorf("value %q is not YAML: %w", text, err)
	}
	if _, isBool := value.(bool); isBool && text != "true" && text != "false" {
		return text, nil
	}
	return value, nil
}

func exact(text, _ string) (Matcher, error) {
	want, err := ParseValue(text)
	if err != nil {
		return Matcher{}, err
	}
	return Matcher{text, func(value any, _ bool, _ Lookup) error { return equal(want, value) }}, nil
}

func equal(want, value any) error {
	if isScalar(want) && isScalar(value) {
		if scalar(want) == scalar(value) && (want == nil) == (value == nil) {
			return nil
		}
		return fmt.Errorf("expected %s, it is %s", Render(want), Render(value))
	}
	if diff := cmp.Diff(normal(want), normal(value)); diff != "" {
		return fmt.Errorf("expected %s, it differs (-expected +actual):\n%s", Render(want), diff)
	}
	return nil
}

func isScalar(value any) bool {
	switch value.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

// normal makes numbers of JSON documents from different decoders comparable.
func normal(value any) any {
	encoded, err := json.Marshal(value)
	if err != nil {
		return value
	}
	var decoded any
	if json.Unmarshal(encoded, &decoded) != nil {
		return value
	}
	return decoded
}

func absentOr(text, alternative string) (Matcher, error) {
	other, err := ParseMatcher(alternative)
	return Matcher{text, func(value any, found bool, lookup Lookup) error {
		if !found {
			return nil
		}
		return other.match(value, found, lookup)
	}}, err
}

func negation(text, inner string) (Matcher, error) {
	other, err := ParseMatcher(inner)
	return Matcher{text, func(value any, found bool, lookup Lookup) error {
		if fault := other.match(value, found, lookup); fault != nil {
			return nil //nolint:nilerr // what is not to match does not
		}
		return fmt.Errorf("expected not %s, it is %s", inner, Render(value))
	}}, err
}

// comparison compares quantities, as Kubernetes writes them (numbers with or
// without a unit), and times.
func comparison(operator string) func(text, operand string) (Matcher, error) {
	return func(text, operand string) (Matcher, error) {
		if _, err := order("0", operand); err != nil && operand != Before {
			if _, err := time.Parse(time.RFC3339, operand); err != nil {
				return Matcher{}, fmt.Errorf("matcher %q: %q is neither a number nor a time", text, operand)
			}
		}
		return Matcher{text, func(value any, _ bool, lookup Lookup) error {
			want := operand
			if operand == Before {
				earlier, err := before(text, lookup)
				if err != nil {
					return err
				}
				want = scalar(earlier)
			}
			compared, err := order(scalar(value), want)
			holds := err == nil && map[string]bool{
				">=": compared >= 0, ">": compared > 0, "<=": compared <= 0, "<": compared < 0,
			}[operator]
			if !holds {
				return fmt.Errorf("expected %s %s, it is %s", operator, want, Render(value))
			}
			return nil
		}}, nil
	}
}

// order returns -1, 0 or 1 as left is less than, equal to or more than right.
func order(left, right string) (int, error) {
	earlier, err := time.Parse(time.RFC3339, left)
	if later, laterErr := time.Parse(time.RFC3339, right); err == nil && laterErr == nil {
		return earlier.Compare(later), nil
	}
	one, err := resource.ParseQuantity(left)
	if err != nil {
		return 0, err
	}
	other, err := resource.ParseQuantity(right)
	return one.Cmp(other), err
}

// before returns the value of the field before the stimulus.
func before(text string, lookup Lookup) (any, error) {
	if lookup == nil {
		return nil, fmt.Errorf("%q is not allowed here", text)
	}
	value, err := lookup(Before)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return value, nil
}

func increment(text, operand string) (Matcher, error) {
	step, err := strconv.ParseFloat(operand, 64)
	if err != nil {
		return Matcher{}, fmt.Errorf("matcher %q: %q is not a number", text, operand)
	}
	return Matcher{text, func(value any, _ bool, lookup Lookup) error {
		earlier, err := before(text, lookup)
		if err != nil {
			return err
		}
		number, err := strconv.ParseFloat(scalar(earlier), 64)
		if err != nil {
			return fmt.Errorf("%s: before it was %s, not a number", text, Render(earlier))
		}
		return equal(number+step, value)
	}}, nil
}

func changed(text, _ string) (Matcher, error) {
	same, err := sameAs(text, Before)
	return Matcher{text, func(value any, found bool, lookup Lookup) error {
		if same.match(value, found, lookup) == nil {
			return fmt.Errorf("expected a change, it still is %s", Render(value))
		}
		return nil
	}}, err
}

func expression(text, pattern string) (Matcher, error) {
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return Matcher{}, fmt.Errorf("matcher %q: %w", text, err)
	}
	return Matcher{text, func(value any, found bool, _ Lookup) error {
		if !found || !compiled.MatchString(scalar(value)) {
			return fmt.Errorf("expected %s, it is %s", text, Render(value))
		}
		return nil
	}}, nil
}

func inclusion(text, inner string) (Matcher, error) {
	want, err := ParseValue(inner)
	if words, isText := want.(string); isText && strings.Contains(words, ", ") {
		var all []any
		for _, word := range strings.Split(words, ", ") {
			all = append(all, word)
		}
		want = all
	}
	return Matcher{text, func(value any, _ bool, _ Lookup) error {
		if !includes(normal(value), normal(want)) {
			return fmt.Errorf("expected %s, it is %s", text, Render(value))
		}
		return nil
	}}, err
}

// includes says whether want is a part of value: a substring, an item of a
// list (itself included in part), or entries of a map.
func includes(value, want any) bool {
	switch container := value.(type) {
	case string:
		return strings.Contains(container, scalar(want))
	case []any:
		if wanted, ok := want.([]any); ok {
			for _, item := range wanted {
				if !includes(value, item) {
					return false
				}
			}
			return true
		}
		for _, item := range container {
			if cmp.Equal(item, want) {
				return true
			}
			if _, isMap := want.(map[string]any); isMap && includes(item, want) {
				return true
			}
		}
		return false
	case map[string]any:
		if words, several := want.([]any); several {
			for _, word := range words {
				if !includes(value, word) {
					return false
				}
			}
			return true
		}
		wanted, ok := want.(map[string]any)
		if !ok {
			_, found := container[scalar(want)]
			return found
		}
		for key, inner := range wanted {
			if !cmp.Equal(container[key], inner) && (isScalar(inner) || !includes(container[key], inner)) {
				return false
			}
		}
		return true
	}
	return cmp.Equal(value, want)
}

func sameAs(text, reference string) (Matcher, error) {
	return Matcher{text, func(value any, _ bool, lookup Lookup) error {
		if lookup == nil {
			return fmt.Errorf("%q is not allowed here", text)
		}
		want, err := lookup(reference)
		if err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		if err := equal(want, value); err != nil {
			return fmt.Errorf("%s: %w", text, err)
		}
		return nil
	}}, nil
}

func oneOf(text, alternatives string) (Matcher, error) {
	var matchers []Matcher
	for _, alternative := range strings.Split(alternatives, ",") {
		matcher, err := ParseMatcher(strings.TrimSpace(alternative))
		if err != nil {
			return Matcher{}, err
		}
		matchers = append(matchers, matcher)
	}
	return Matcher{text, func(value any, found bool, lookup Lookup) error {
		for _, matcher := range matchers {
			if matcher.match(value, found, lookup) == nil {
				return nil
			}
		}
		return fmt.Errorf("expected %s, it is %s", text, Render(value))
	}}, nil
}

func items(text, number string) (Matcher, error) {
	want, err := strconv.Atoi(number)
	if err != nil {
		return exact(text, text)
	}
	return Matcher{text, func(value any, _ bool, _ Lookup) error {
		actual := 0
		switch container := value.(type) {
		case []any:
			actual = len(container)
		case map[string]any:
			actual = len(container)
		case nil:
		default:
			return fmt.Errorf("expected %s, it is %s", text, Render(value))
		}
		if actual != want {
			return fmt.Errorf("expected %s, there are %d: %s", text, actual, Render(value))
		}
		return nil
	}}, nil
}
