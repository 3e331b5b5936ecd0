package runtime

import (
	"fmt"
	"regexp"
	"strings"
)

// Reference is an image reference taken apart.
type Reference struct {
	// Repository is everything before tag and digest, the registry host included.
	Repository string
	// Tag, "latest" where the reference has neither tag nor digest.
	Tag string
	// Digest, such as "sha256:…", or empty.
	Digest string
}

// wellFormed is the grammar of references: [host[:port]/]path[:tag][@digest].
var wellFormed = regexp.MustCompile(`^((?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]+)?/)?` +
	`[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)` +
	`(?::([\w][\w.-]{0,127}))?(?:@([A-Za-z][A-Za-z0-9]*:[0-9a-fA-F]{32,}))?$`)

// ParseReference takes an image reference apart. The error is for references
// that no registry could have (KUBELET-25: InvalidImageName).
func ParseReference(reference string) (Reference, error) {
	match := wellFormed.FindStringSubmatch(reference)
	if match == nil {
		return Reference{}, fmt.Errorf("couldn't parse image reference %q: invalid reference format", reference)
	}
	parsed := Reference{Repository: match[1], Tag: match[2], Digest: match[3]}
	if parsed.Tag == "" && parsed.Digest == "" {
		parsed.Tag = "latest"
	}
	return parsed, nil
}

// Short is the last part of the path with the tag: "web:1" for
// "registry.example/team/web:1". Images are known by it whatever the registry.
func (r Reference) Short() string {
	return r.Repository[strings.LastIndexByte(r.Repository, '/')+1:] + ":" + r.Tag
}

func (r Reference) String() string {
	s := r.Repository
	if r.Tag != "" {
		s += ":" + r.Tag
	}
	if r.Digest != "" {
		s += "@" + r.Digest
	}
	return s
}
