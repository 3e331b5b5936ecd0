package command

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

// module is the one that podchain is, and the beginning of those that belong to it.
const module = "github.com/podchain/podchain"

// unversioned is the version of what was built from no release.
const unversioned = "(devel)"

// build is what a program knows of how it was built.
type build struct {
	version string
	// revision in the repository, and when it was made; "" where that is not known.
	revision, time string
	// modified tells that there were changes besides.
	modified bool
}

// thisBuild is that of the running program.
func thisBuild() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return buildOf(info)
}

func buildOf(info *debug.BuildInfo) build {
	b := build{version: info.Main.Version}
	if !strings.HasPrefix(info.Main.Path, module) {
		// Another program that has podchain's command line: its repository is another.
		b.version = ""
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				b.version = dependency.Version
			}
		}
		b.version = cmp.Or(b.version, unversioned)
		return b
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			b.revision = setting.Value
		case "vcs.time":
			b.time = setting.Value
		case "vcs.modified":
			b.modified = setting.Value == "true"
		}
	}
	b.version = cmp.Or(b.version, unversioned)
	return b
}

// line is the build in a line.
func (b build) line(name string) string {
	version := b.version
	if version == unversioned && b.revision != "" {
		version += " " + b.revision
	}
	return fmt.Sprintf("%s %s (Kubernetes %s)", name, version, reference.Version)
}

// print prints all that is known.
func (b build) print(out io.Writer, name string) error {
	whole, err := specification.Load(features.Files)
	if err != nil {
		return err
	}
	revision := cmp.Or(b.revision, "unknown")
	if b.time != "" {
		revision += " of " + b.time
	}
	if b.modified {
		revision += ", with changes"
	}
	return printTable(out, [][]string{
		{name + ":", b.version},
		{"revision:", revision},
		{"go:", fmt.Sprintf("%s %s/%s", runtime.Version(), runtime.GOOS, runtime.GOARCH)},
		{"kubernetes:", reference.Version},
		{"specification:", fmt.Sprintf("%d requirements, digest %s", len(whole.Requirements), whole.Digest)},
	})
}

func newVersionCommand(name string) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of podchain, and of Kubernetes that it specifies",
		Long: `Print the version of this program, the revision that it was built from, the
release of Kubernetes whose behaviour the specification describes, and the
digest that identifies the specification in reports. --version prints the
version in one line.`,
		Args: noArguments,
		RunE: func(command *cobra.Command, _ []string) error {
			return thisBuild().print(command.OutOrStdout(), name)
		},
	}
}
