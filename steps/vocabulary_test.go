package steps_test

import (
	"context"
	"reflect"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/cucumber/godog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/steps"
)

// godog ignores groups that no argument takes, and finds wrong types only when a
// step runs: here every sentence is looked at.
func TestEverySentenceTakesItsArguments(t *testing.T) {
	for _, sentence := range steps.Vocabulary() {
		t.Run(sentence.String(), func(t *testing.T) {
			step := reflect.TypeOf(sentence.Step(&steps.World{}))
			arguments, table, document := 0, false, false
			for i := range step.NumIn() {
				switch in := step.In(i); in {
				case reflect.TypeFor[context.Context]():
					assert.Zero(t, i, "the context comes first")
				case reflect.TypeFor[*godog.Table]():
					table = true
					assert.Equal(t, step.NumIn()-1, i, "what stands below the sentence comes last")
				case reflect.TypeFor[*godog.DocString]():
					document = true
					assert.Equal(t, step.NumIn()-1, i, "what stands below the sentence comes last")
				default:
					assert.Equal(t, reflect.String, in.Kind())
					arguments++
				}
			}
			assert.Equal(t, sentence.Pattern.NumSubexp(), arguments, "a group for each argument")
			assert.Equal(t, byte('^'), sentence.Pattern.String()[0])
			assert.Equal(t, table, sentence.Table != nil)
			assert.Equal(t, document, sentence.Document)
			require.Equal(t, 1, step.NumOut())
			assert.Equal(t, reflect.TypeFor[error](), step.Out(0))
		})
	}
}

// A step is found by its sentence: the method is made of words of the sentence, in
// their order.
func TestEveryMethodIsNamedAfterItsSentence(t *testing.T) {
	words := regexp.MustCompile(`[A-Z]+[a-z]*|[a-z]+`)
	for _, sentence := range steps.Vocabulary() {
		name := runtime.FuncForPC(reflect.ValueOf(sentence.Step(&steps.World{})).Pointer()).Name()
		name = strings.TrimSuffix(name[strings.LastIndexByte(name, '.')+1:], "-fm")
		rest := strings.ToLower(strings.ReplaceAll(sentence.String(), "[s]", "s"))
		for _, word := range words.FindAllString(name, -1) {
			_, after, found := strings.Cut(rest, strings.ToLower(word))
			assert.True(t, found, "%s: %q is no word of the sentence %s, or not in this order", name, word, sentence)
			rest = after
		}
	}
}

func TestEverySentenceHasADescriptionAndAnExample(t *testing.T) {
	for _, sentence := range steps.Vocabulary() {
		t.Run(sentence.String(), func(t *testing.T) {
			assert.NotEmpty(t, sentence.Description)
			first, _, below := strings.Cut(sentence.Example, "\n")
			assert.Equal(t, below, strings.HasSuffix(first, ":"), "a colon where something follows: %s", first)
			source := "Feature: f\n  @ID-01 @MUST\n  Rule: r\n    Why: w\n\n    Source: s\n\n    Scenario: s\n      " +
				strings.ReplaceAll(sentence.Example, "\n", "\n      ") + "\n"
			whole, err := specification.Load(fstest.MapFS{"1-api-server/a.feature": {Data: []byte(source)}})
			require.NoError(t, err, source)
			step := whole.Requirements[0].Examples[0].Steps
			require.Len(t, step, 1)
			found := steps.Match(step[0].Text)
			require.Len(t, found, 1, step[0].Text)
			assert.Equal(t, sentence.Pattern, found[0].Pattern)
			assert.NoError(t, sentence.Check(step[0].Table, step[0].Doc))
		})
	}
}

func TestEverySentenceIsUsedAndEveryStepIsOne(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	used := map[*regexp.Regexp]bool{}
	for _, requirement := range whole.Requirements {
		for _, example := range requirement.Examples {
			for _, step := range example.Steps {
				found := steps.Match(step.Text)
				assert.Len(t, found, 1, "%s: %s", step.Location, step.Text)
				for _, sentence := range found {
					used[sentence.Pattern] = true
					assert.NoError(t, sentence.Check(step.Table, step.Doc), "%s: %s", step.Location, step.Text)
				}
			}
		}
	}
	for _, sentence := range steps.Vocabulary() {
		assert.True(t, used[sentence.Pattern], "no feature says %q", sentence)
	}
}

func TestCutsOff(t *testing.T) {
	for step, want := range map[string]bool{
		"the api-server is stopped": true, "the scheduler is stopped": false, "the api-server is started": false,
		"the api-server is stopped while 5 clients POST ConfigMaps": true, "the store goes down": true, "the store comes back": false,
	} {
		require.Len(t, steps.Match(step), 1, step)
		assert.Equal(t, want, steps.CutsOff(step), step)
	}
}

func TestCheckOfWhatStandsBelow(t *testing.T) {
	for name, test := range map[string]struct {
		step     string
		table    [][]string
		document string
		says     string // empty: it is right
	}{
		"a table":             {step: `Pod "a" has`, table: [][]string{{"field", "value"}}},
		"no table":            {step: `Pod "a" has`, says: `the sentence "REF has" needs a table`},
		"a table for nothing": {step: "the watch ends", table: [][]string{{"field"}}, says: `the sentence "the watch ends" takes no table`},
		"no such column":      {step: `Pod "a" has`, table: [][]string{{"field", "value", "x"}}, says: `a table of fields to check has no column "x": its columns are field, value`},
		"a column is missing": {step: `Pod "a" has`, table: [][]string{{"value"}}, says: `a table of fields to check needs a column "field"`},
		"further columns":     {step: "these Pods have", table: [][]string{{"name", "spec.nodeName"}}},
		"an optional column":  {step: "these events are recorded", table: [][]string{{"object"}}},
		"a document":          {step: `a client sends POST "/api" with`, document: "{}"},
		"no document":         {step: `a client sends POST "/api" with`, says: "needs a document"},
		"a document too many": {step: `a client sends GET "/api"`, document: "{}", says: "takes no document"},
	} {
		t.Run(name, func(t *testing.T) {
			found := steps.Match(test.step)
			require.Len(t, found, 1)
			err := found[0].Check(test.table, test.document)
			if test.says == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.says)
			}
		})
	}
}
