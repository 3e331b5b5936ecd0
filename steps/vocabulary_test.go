package steps_test

import (
	"context"
	"reflect"
	"regexp"
	"testing"

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
	for _, sentence := range steps.Vocabulary {
		t.Run(sentence.String(), func(t *testing.T) {
			step := reflect.TypeOf(sentence.Step(&steps.World{}))
			arguments := 0
			for i := range step.NumIn() {
				switch in := step.In(i); {
				case in == reflect.TypeFor[context.Context]():
					assert.Zero(t, i, "the context comes first")
				case in == reflect.TypeFor[*godog.Table](), in == reflect.TypeFor[*godog.DocString]():
					assert.Equal(t, step.NumIn()-1, i, "what stands below the sentence comes last")
				default:
					assert.Equal(t, reflect.String, in.Kind())
					arguments++
				}
			}
			assert.Equal(t, sentence.Pattern.NumSubexp(), arguments, "a group for each argument")
			assert.Equal(t, byte('^'), sentence.Pattern.String()[0])
			require.Equal(t, 1, step.NumOut())
			assert.Equal(t, reflect.TypeFor[error](), step.Out(0))
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
				}
			}
		}
	}
	for _, sentence := range steps.Vocabulary {
		assert.True(t, used[sentence.Pattern], "no feature says %q", sentence)
	}
}
