package printable

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"sigs.k8s.io/yaml"
)

func TestYAML(t *testing.T) {
	for text, want := range map[string]string{
		"a: [b\n":      "line 1: did not find expected ',' or ']'",
		"a: 1\na: 2\n": `line 2: key "a" already set in map`,
		"b: 1\n":       `unknown field "b"`,
		"a: x\n":       "cannot unmarshal string into Go struct field .a of type int",
	} {
		err := yaml.UnmarshalStrict([]byte(text), &struct {
			A int `json:"a"`
		}{})
		assert.EqualError(t, YAML(err), want)
	}
}
