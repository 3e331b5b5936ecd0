package field_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/field"
)

const deployment = `
metadata: {uid: u1, annotations: {deployment.kubernetes.io/revision: "1"}}
spec: {replicas: 3, paused: false, containers: [{name: web, image: "web:1"}, {name: side}], empty: []}
`

func TestTableRows(t *testing.T) {
	object, err := field.ParseValue(deployment)
	require.NoError(t, err)
	lookup := func(_, reference string) (any, error) { return map[string]any{"the owner": "u1"}[reference], nil }
	tests := []struct {
		path, value string
		fault       string // empty: holds
	}{
		{"spec.replicas", "3", ""},
		{"spec.replicas", ">= 3", ""},
		{"spec.replicas", "< 3", "expected < 3, it is 3"},
		{"spec.replicas", "not 4", ""},
		{"spec.replicas", "one of 2, 3", ""},
		{"spec.replicas", "one of 1, 2", "expected one of 1, 2, it is 3"},
		{"spec.paused", "false", ""},
		{"spec.paused", "absent or false", ""},
		{"spec.nothing", "absent or 0", ""},
		{"spec.nothing", "absent", ""},
		{"spec.nothing", "any", "it is absent"},
		{"spec.nothing", "not 3", ""},
		{"spec.replicas", "absent", "expected absent, it is 3"},
		{"metadata.annotations[deployment.kubernetes.io/revision]", "1", ""},
		{"spec.containers[0].image", "web:1", ""},
		{"spec.containers[name=web].image", "matches /^web:[0-9]$/", ""},
		{"spec.containers[name=gone].image", "absent", ""},
		{"spec.containers", "2 items", ""},
		{"spec.containers", "3 items", "there are 2"},
		{"spec.containers", "includes {name: web}", ""},
		{"spec.containers", "includes {name: other}", "expected includes"},
		{"spec.containers[0]", `{name: web, image: "web:1"}`, ""},
		{"spec.containers[0]", `{name: web}`, "-expected +actual"},
		{"metadata.uid", "same as the owner", ""},
		{"metadata.uid", "same as another", "same as another"},
	}
	for _, test := range tests {
		t.Run(test.path+" "+test.value, func(t *testing.T) {
			row, err := field.Expect(test.path, test.value)
			require.NoError(t, err)
			err = field.Check(object, []field.Expectation{row}, lookup)
			if test.fault == "" {
				assert.NoError(t, err)
			} else {
				assert.ErrorContains(t, err, test.fault)
			}
		})
	}
}

func TestRowsThatCannotBeRead(t *testing.T) {
	for _, row := range [][2]string{{"", "1"}, {"a..b", "1"}, {"a[0", "1"}, {"a", ">= many"}, {"a", "matches /(/"}, {"a", "{"}} {
		_, err := field.Expect(row[0], row[1])
		assert.Error(t, err, "%v", row)
	}
}

func TestSet(t *testing.T) {
	tests := []struct {
		path  string
		value any
		want  string
	}{
		{"spec.replicas", 5, `{"spec":{"replicas":5}}`},
		{"spec.list[0].name", "a", `{"spec":{"list":[{"name":"a"}]}}`},
		{"spec.list[name=a].image", "i", `{"spec":{"list":[{"image":"i","name":"a"}]}}`},
		{"metadata.labels[a.b/c]", "x", `{"metadata":{"labels":{"a.b/c":"x"}}}`},
		{"spec", nil, `{}`},
	}
	for _, test := range tests {
		path, err := field.ParsePath(test.path)
		require.NoError(t, err)
		got, err := path.Set(map[string]any{}, test.value)
		require.NoError(t, err)
		assert.JSONEq(t, test.want, field.Render(got))
	}
}
