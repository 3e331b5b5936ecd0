package specification

import (
	"fmt"
	"regexp"
	"strings"

	messages "github.com/cucumber/messages/go/v21"
)

// Since is the minor release of Kubernetes that brought a behaviour (tag
// @since-v1.35): a link of an older release does without it, rightly.
type Since struct {
	// Link whose release counts: the one that the feature is about, or the one
	// that the tag names (@since-scheduler-v1.35).
	Link string `json:"link"`
	// Version such as "v1.35".
	Version string `json:"version"`
}

func (s Since) String() string { return s.Link + " " + s.Version }

const sincePrefix = "@since-"

var sinceTag = regexp.MustCompile(`^` + sincePrefix + `(?:([a-z]+(?:-[a-z]+)*)-)?(v[0-9]+\.[0-9]+)$`)

// since reads the tags that say when something came.
func (f *file) since(tags ...[]*messages.Tag) ([]Since, error) {
	var all []Since
	for _, list := range tags {
		for _, tag := range list {
			if !strings.HasPrefix(tag.Name, sincePrefix) {
				continue
			}
			place := Location{f.name, int(tag.Location.Line)}
			match := sinceTag.FindStringSubmatch(tag.Name)
			if match == nil {
				return nil, fmt.Errorf("%s: %s names no minor release: expected one like @since-v1.35, or @since-scheduler-v1.35 for that of another link", place, tag.Name)
			}
			came := Since{Link: match[1], Version: match[2]}
			if came.Link == "" {
				came.Link = linkOf(f.name)
			}
			if came.Link == ChainLink {
				return nil, fmt.Errorf("%s: %s: the chain as a whole has no release: say of which link, such as @since-scheduler-%s", place, tag.Name, came.Version)
			}
			all = append(all, came)
		}
	}
	return all, nil
}
