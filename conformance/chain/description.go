package chain

import (
	"fmt"
	"strings"
)

// Description says what is being checked, for reports.
type Description struct {
	// Name of the implementation, such as "reference" or "kubernetes".
	Name string `json:"name"`
	// Version it reports, such as "v1.37.2".
	Version string `json:"version"`
	// Links are those that come from elsewhere, and from where: "kubernetes v1.34.4",
	// a command line, or Nowhere.
	Links map[Link]string `json:"links,omitempty"`
}

// Nowhere is where a link comes from that is left out.
const Nowhere = "none"

// Without notes that a link is left out.
func (d *Description) Without(link Link) { d.From(link, Nowhere) }

// From notes where a link comes from.
func (d *Description) From(link Link, origin string) {
	if d.Links == nil {
		d.Links = map[Link]string{}
	}
	d.Links[link] = origin
}

// String says where every link comes from, such as
// "reference v1.37.2; scheduler, kubelet: kubernetes v1.34.4; job-controller: none".
func (d Description) String() string {
	parts := []string{strings.TrimSpace(d.Name + " " + d.Version)}
	var origins []string
	links := map[string][]string{} // by origin
	for _, link := range AllLinks {
		origin := d.Links[link]
		if origin == "" {
			continue
		}
		if links[origin] == nil {
			origins = append(origins, origin)
		}
		links[origin] = append(links[origin], string(link))
	}
	for _, origin := range origins {
		parts = append(parts, fmt.Sprintf("%s: %s", strings.Join(links[origin], ", "), origin))
	}
	return strings.Join(parts, "; ")
}
