package specification_test

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
)

const story = `Feature: one
  Background:
    Given ConfigMap "first" is created

  @CHAIN-01 @MUST
  Rule: the whole
    why it is so

    Scenario: plain
      When ConfigMap "a" is created
        """
        not a
          # comment
        """

    @needs-nodes
    Scenario Outline: <kind> many
      When <kind> "b" is created
      Then <kind> "b" has
        | field         | value  |
        | metadata.name | <name> |

      Examples: the first
        | kind      | name |
        | ConfigMap | b    |
        | Secret    | b    |

      Examples: the second
        | kind | name |
        | Pod  | b    |

  @CHAIN-02 @SHOULD @needs-links
  Rule: the rest
    @time-based
    Scenario: last
      When Pod "c" is created
`

func load(t *testing.T) *specification.Specification {
	t.Helper()
	loaded, err := specification.Load(fstest.MapFS{
		"chain.feature":                {Data: []byte(story)},
		"10-scheduler/sched.feature":   {Data: []byte(rule("SCHED-01", "MAY"))},
		"2-replicaset/binding.feature": {Data: []byte(rule("RS-01", "MUST"))},
	})
	require.NoError(t, err)
	return loaded
}

func rule(id, level string) string {
	return "Feature: f\n  @" + id + " @" + level + "\n  Rule: r\n    Scenario: s\n      When x\n"
}

func TestLoad(t *testing.T) {
	loaded := load(t)
	require.Len(t, loaded.Requirements, 4)
	whole := loaded.Requirements[0]
	assert.Equal(t, "CHAIN-01 MUST chain the whole: why it is so",
		strings.Join([]string{whole.ID, whole.Level, whole.Link, whole.Sentence + ": " + whole.Why}, " "))
	assert.Equal(t, []string{"nodes"}, whole.Capabilities())
	assert.Equal(t, []string{"links"}, loaded.Requirements[1].Capabilities())

	var got []string
	for _, example := range whole.Examples {
		got = append(got, example.Location.String()+" "+example.Name)
	}
	assert.Equal(t, []string{
		"chain.feature:9 plain",
		"chain.feature:25 ConfigMap many",
		"chain.feature:26 Secret many",
		"chain.feature:30 Pod many",
	}, got)
}

func TestAnExampleStandsAloneAtItsLines(t *testing.T) {
	example := load(t).Requirements[0].Examples[3]
	var steps []string
	for _, step := range example.Steps {
		steps = append(steps, step.Location.String()+" "+step.Keyword+" "+step.Text)
	}
	assert.Equal(t, []string{
		`chain.feature:3 Given ConfigMap "first" is created`,
		`chain.feature:18 When Pod "b" is created`,
		`chain.feature:19 Then Pod "b" has`,
	}, steps)
	assert.Equal(t, strings.Count(story, "\n"), strings.Count(string(example.Feature), "\n"))
	assert.NotContains(t, string(example.Feature), "Secret")
}

// TestSince: what stands in a tag holds for all below it.
func TestSince(t *testing.T) {
	loaded, err := specification.Load(fstest.MapFS{"4-scheduler/a.feature": {Data: []byte(`Feature: f
  @SCHED-01 @MUST @since-v1.31
  Rule: r
    @since-kubelet-v1.35
    Scenario Outline: s
      When <x>
      Examples:
        | x |
        | a |
      @since-api-server-v1.36
      Examples:
        | x |
        | b |
    Scenario: t
      When x
`)}})
	require.NoError(t, err)
	rule := specification.Since{Link: "scheduler", Version: "v1.31"}
	outline := specification.Since{Link: "kubelet", Version: "v1.35"}
	rows := specification.Since{Link: "api-server", Version: "v1.36"}
	only := loaded.Requirements[0]
	require.Len(t, only.Examples, 3)
	assert.Equal(t, []specification.Since{rule, outline}, only.Examples[0].Since)
	assert.Equal(t, []specification.Since{rule, outline, rows}, only.Examples[1].Since)
	assert.Equal(t, []specification.Since{rule}, only.Examples[2].Since)
	assert.Equal(t, []specification.Since{rule, outline, rows}, only.Since())
}

func TestSelect(t *testing.T) {
	tests := []struct {
		patterns string
		want     string // ids with the number of examples, or the error
	}{
		{"", "CHAIN-01*4 CHAIN-02*1 RS-01*1 SCHED-01*1"},
		{"CHAIN", "CHAIN-01*4 CHAIN-02*1"},
		{"CHAIN-02 RS-", "CHAIN-02*1 RS-01*1"},
		{"MUST", "CHAIN-01*4 RS-01*1"},
		{"scheduler", "SCHED-01*1"},
		{"features/chain.feature !CHAIN-01", "CHAIN-02*1"},
		{"10-scheduler", "SCHED-01*1"},
		{"!CHAIN", "RS-01*1 SCHED-01*1"},
		{"chain.feature:26", "CHAIN-01*1"},
		{"./features/chain.feature:6", "CHAIN-01*4"},
		{"!chain.feature:26 CHAIN-01", "CHAIN-01*3"},
		{"time-based", "CHAIN-02*1"},
		{"CHAIN !time-based", "CHAIN-01*4"},
		{"S", `"S" selects nothing`},
		{"RS-01 nonsense", `"nonsense" selects nothing`},
		{"RS !MUST", "nothing is left to run"},
	}
	for _, test := range tests {
		t.Run(test.patterns, func(t *testing.T) {
			selected, err := load(t).Select(strings.Fields(test.patterns))
			if err != nil {
				assert.ErrorContains(t, err, test.want)
				return
			}
			var got []string
			for _, requirement := range selected.Requirements {
				got = append(got, requirement.ID+"*"+string(rune('0'+len(requirement.Examples))))
			}
			assert.Equal(t, test.want, strings.Join(got, " "))
		})
	}
}

func TestLoadSaysWhatIsWrongAndWhere(t *testing.T) {
	tests := map[string]struct{ source, says string }{
		"no feature":       {"# nothing\n", "a.feature:1: there is no Feature"},
		"no level":         {"Feature: f\n  @RS-01\n  Rule: r\n    Scenario: s\n      When x\n", "a.feature:3: the Rule of RS-01 has no level"},
		"two ids":          {"Feature: f\n  @RS-01 @RS-02 @MUST\n  Rule: r\n    Scenario: s\n      When x\n", "a.feature:3: the Rule has two ids"},
		"no scenario":      {"Feature: f\n  @RS-01 @MUST\n  Rule: r\n", "a.feature:3: the Rule of RS-01 has nothing to execute"},
		"no step":          {"Feature: f\n  @RS-01 @MUST\n  Rule: r\n    Scenario: s\n", "a.feature:4"},
		"no examples":      {"Feature: f\n  @RS-01 @MUST\n  Rule: r\n    Scenario Outline: s\n      When x\n", "a.feature:4: the outline has no Examples"},
		"no rows":          {"Feature: f\n  @RS-01 @MUST\n  Rule: r\n    Scenario Outline: s\n      When x\n      Examples:\n        | a |\n", "a.feature:6: these Examples have no row"},
		"outside a Rule":   {"Feature: f\n  Scenario: s\n    When x\n", "a.feature:2: this scenario stands outside of a Rule"},
		"no minor":         {rule("RS-01", "MUST @since-v1.35.1"), "a.feature:2: @since-v1.35.1 names no minor release"},
		"no v":             {rule("RS-01", "MUST @since-1.35"), "a.feature:2: @since-1.35 names no minor release"},
		"nobody's release": {rule("RS-01", "MUST @since-v1.35"), "a.feature:2: @since-v1.35: the chain as a whole has no release"},
		"no requirement":   {"Feature: f\n", "no Rule with a requirement id"},
		"broken off table": {rule("RS-01", "MUST") + "        | a |\n        | b | c |\n", "a.feature:7"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := specification.Load(fstest.MapFS{"a.feature": {Data: []byte(test.source)}})
			assert.ErrorContains(t, err, test.says)
		})
	}
}

func TestTheSpecificationItself(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, len(whole.Requirements), 129)
	for _, requirement := range whole.Requirements {
		assert.NotEmpty(t, requirement.Why, "%s: a reader wants to know why", requirement.Location)
	}
}
