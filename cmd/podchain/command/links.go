package command

import (
	"fmt"
	"io"
	"strings"

	"github.com/podchain/podchain/conformance/assembly"
	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/reference"
)

// What a SPEC says of where a link comes from, if it is no command line and names no
// further origin.
const (
	fromReference = "reference"
	fromNowhere   = chain.Nowhere
)

// sources are the SPECs of all links.
type sources map[chain.Link]string

// all stands for the links that no flag names.
const all = "all"

// parseLinks reads the --link flags.
func parseLinks(flags []string) (sources, error) {
	s := sources{}
	rest := ""
	for _, flag := range flags {
		name, spec, _ := strings.Cut(flag, "=")
		if err := checkSpec(spec); err != nil {
			return nil, fmt.Errorf("--link %s: %w", flag, err)
		}
		if name == all {
			switch origin, _ := parseSpec(spec); {
			case rest != "":
				return nil, fmt.Errorf("--link %s: where the unnamed links come from has been said already", flag)
			case origin == "":
				return nil, fmt.Errorf("--link %s: a program takes the place of one link; %s come from %s", flag, all, originNames())
			}
			rest = spec
			continue
		}
		link, err := chain.ParseLink(name)
		if err == nil {
			_, said := s[link]
			switch {
			case said:
				err = fmt.Errorf("where the %s comes from has been said already", link)
			case spec == fromReference && !reference.Has(link):
				err = assembly.Lacking("the reference", link)
			default:
				err = checkCommand(link, spec)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("--link %s: %w", flag, err)
		}
		s[link] = spec
	}
	s.fill(rest)
	return s, nil
}

// fill has the links that are not named come from the rest.
func (s sources) fill(rest string) {
	for _, link := range chain.AllLinks {
		switch {
		case s[link] != "":
		case rest != "" && rest != fromReference:
			s[link] = rest
		case reference.Has(link):
			s[link] = fromReference
		default:
			s[link] = fromNowhere
		}
	}
}

// parseSpec returns the origin that a SPEC names, with its version; an empty one for
// a command line.
func parseSpec(spec string) (origin, version string) {
	origin, version, _ = strings.Cut(spec, "@")
	if _, known := delegates[origin]; known || origin == fromReference || origin == fromNowhere {
		return origin, version
	}
	return "", ""
}

// checkSpec returns an error for what no link can come from.
func checkSpec(spec string) error {
	origin, version := parseSpec(spec)
	switch _, _, at := strings.Cut(spec, "@"); {
	case strings.TrimSpace(spec) == "":
		return fmt.Errorf("where does it come from? Expected %s, or a command line", originNames())
	case origin == "" || !at:
		return nil
	case origin != FromKubernetes:
		return fmt.Errorf("%s has no versions", origin)
	case version == "":
		return fmt.Errorf("which version? Expected one like %s@1.34", FromKubernetes)
	}
	return nil
}

func checkCommand(link chain.Link, spec string) error {
	if origin, _ := parseSpec(spec); origin != "" {
		return nil
	}
	return assembly.Command(spec).Check(link)
}

func originNames() string {
	return strings.Join([]string{fromReference, fromNowhere, FromKubernetes, FromKubernetes + "@VERSION", FromReferenceOnContainerd, FromKWOK}, ", ")
}

// origins makes the origins that SPECs name, each of them once.
type origins struct {
	named     map[string]Origin
	reference reference.Options
	progress  io.Writer
	made      map[string]assembly.Origin
}

func (o *origins) of(link chain.Link, spec string) (assembly.Origin, error) {
	if o.made[spec] != nil {
		return o.made[spec], nil
	}
	var made assembly.Origin
	var err error
	switch name, version := parseSpec(spec); name {
	case "":
		return assembly.NewProgram(link, assembly.Command(spec))
	case fromReference:
		made = assembly.InProcess(reference.New(o.reference))
	default:
		made, err = o.named[name](version, o.progress)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", spec, err)
	}
	if o.made == nil {
		o.made = map[string]assembly.Origin{}
	}
	o.made[spec] = made
	return made, nil
}

// implementation returns what clusters of the sources come from. Those that are of
// the reference alone, less what is left out, it starts itself: in virtual time, where
// that can be.
func (o *origins) implementation(s sources, logs string) (implementation.Implementation, error) {
	if s.onlyReference() {
		options := o.reference
		for _, link := range chain.AllLinks {
			if s[link] == fromNowhere && reference.Has(link) {
				options.Without = append(options.Without, link)
			}
		}
		return reference.New(options), nil
	}
	options := assembly.Options{Links: map[chain.Link]assembly.Origin{}, Logs: logs}
	for _, link := range chain.AllLinks {
		if s[link] == fromNowhere {
			if reference.Has(link) {
				options.Without = append(options.Without, link)
			}
			continue
		}
		var err error
		if options.Links[link], err = o.of(link, s[link]); err != nil {
			return nil, err
		}
	}
	return assembly.New(options)
}

// onlyReference tells whether nothing but the reference gives links.
func (s sources) onlyReference() bool {
	for _, spec := range s {
		if spec != fromReference && spec != fromNowhere {
			return false
		}
	}
	return true
}

// program tells whether a link is somebody's program.
func (s sources) program() bool {
	for _, spec := range s {
		if origin, _ := parseSpec(spec); origin == "" {
			return true
		}
	}
	return false
}

// elsewhere returns an origin that the program does not have and another one does.
func (s sources) elsewhere(has map[string]Origin) string {
	for _, link := range chain.AllLinks {
		name, _ := parseSpec(s[link])
		if _, known := delegates[name]; known && has[name] == nil {
			return name
		}
	}
	return ""
}
