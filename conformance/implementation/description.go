package implementation

import (
	"fmt"
	"strings"

	"github.com/podchain/podchain/conformance/chain"
)

// Description says what is being checked, for reports.
type Description struct {
	// Name of the implementation, such as "reference" or "kubernetes".
	Name string `json:"name"`
	// Version it reports, such as "v1.37.2".
	Version string `json:"version"`
	// Links are those that come from elsewhere, and from where: "kubernetes v1.34.4",
	// a command line, or Nowhere.
	Links map[chain.Link]string `json:"links,omitempty"`
}

// Nowhere is where a link comes from that is left out.
const Nowhere = "none"

// Without notes that a link is left out.
func (d *Description) Without(link chain.Link) { d.From(link, Nowhere) }

// From notes where a link comes from.
func (d *Description) From(link chain.Link, origin string) {
	if d.Links == nil {
		d.Links = map[chain.Link]string{}
	}
	d.Links[link] = origin
}

// String says where every link comes from, such as
// "reference v1.37.2; scheduler, kubelet: kubernetes v1.34.4; job-controller: none".
func (d Description) String() string {
	var text strings.Builder
	text.WriteString(strings.TrimSpace(d.Name + " " + d.Version))
	told := map[string]bool{}
	for i, first := range chain.AllLinks {
		origin := d.Links[first]
		if origin == "" || told[origin] {
			continue
		}
		told[origin] = true
		names := []string{string(first)}
		for _, link := range chain.AllLinks[i+1:] {
			if d.Links[link] == origin {
				names = append(names, string(link))
			}
		}
		fmt.Fprintf(&text, "; %s: %s", strings.Join(names, ", "), origin)
	}
	return text.String()
}
