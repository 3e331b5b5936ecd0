package command

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// How many clusters a run starts; 0: one for each scenario, in virtual time.
func TestClusters(t *testing.T) {
	for name, test := range map[string]struct {
		links []string
		given int
		want  int
	}{
		"the reference":                       {want: 0},
		"the reference without a link":        {links: []string{"scheduler=none"}, want: 0},
		"Kubernetes":                          {links: []string{"all=kubernetes"}, want: usualClusters},
		"a link of a version":                 {links: []string{"scheduler=kubernetes@1.34"}, want: usualClusters},
		"a program runs once":                 {links: []string{"scheduler=./mine"}, want: 0},
		"also among links of Kubernetes":      {links: []string{"all=kubernetes", "kubelet=./mine {node}"}, want: 0},
		"as many as are asked for":            {links: []string{"all=kubernetes"}, given: 1, want: 1},
		"of a program too, who asks for them": {links: []string{"scheduler=./mine"}, given: 2, want: 2},
	} {
		t.Run(name, func(t *testing.T) {
			links, err := parseLinks(test.links)
			require.NoError(t, err)
			assert.Equal(t, test.want, runOptions{clusters: test.given}.on(links).clusters)
		})
	}
}
