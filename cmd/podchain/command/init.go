package command

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/printable"
)

func newInitCommand() *cobra.Command {
	var link, name string
	var whole bool
	command := &cobra.Command{
		Use:   "init (--link LINK[=COMMAND] | --implementation) [DIRECTORY]",
		Short: "Write the files to check an implementation, locally and in CI",
		Long: `Write the files that check an implementation, locally and on GitHub. DIRECTORY
is the root of its repository (default: the working directory).

With --link the implementation is a program, in any language, that replaces one
link. COMMAND is the command line that runs it, as in podchain verify --link:
  .github/workflows/conformance.yml   build the program, check it, keep reports
  conformance/README.md               how to check it and read the results
  conformance/reports/                for the reports of runs

With --implementation it is a whole cluster, which an adapter in Go starts:
  .github/workflows/conformance.yml   run the test, keep reports
  conformance/go.mod                  a module of its own, apart from yours
  conformance/adapter.go              start and stop a cluster: yours to write
  conformance/conformance_test.go     run the specification as a Go test
  conformance/README.md               what to do next, how to read the results
  conformance/reports/                for the reports of runs
It compiles and runs at once; the test fails and says what to write. To check a
cluster that is running already, use "podchain verify --kubeconfig FILE".

Existing files are not changed: if one is in the way, nothing is written.`,
		Example: `  podchain init --link scheduler
  podchain init --link scheduler='bin/my-scheduler --kubeconfig={kubeconfig}'
  podchain init --link kubelet='bin/my-kubelet {node} {kubeconfig}' ~/src/mine
  podchain init --implementation --name my-cluster`,
		Args: arguments("DIRECTORY", 0, 1),
		RunE: func(command *cobra.Command, arguments []string) error {
			directory := "."
			if len(arguments) == 1 {
				directory = arguments[0]
			}
			switch {
			case whole && link != "":
				return errors.New("--link and --implementation do not go together: the implementation is a program that replaces one link, or a whole cluster")
			case whole:
				s, err := adapterSkeleton(directory, name)
				if err != nil {
					return err
				}
				return initialize(command.OutOrStdout(), directory, s)
			case link != "":
				s, err := linkSkeleton(link, name)
				if err != nil {
					return err
				}
				return initialize(command.OutOrStdout(), directory, s)
			}
			return errors.New("--link LINK or --implementation is required: check a program that replaces a link, or a whole cluster")
		},
	}
	flags := command.Flags()
	flags.StringVar(&link, "link", "", "Check a program that replaces this link: `LINK[=COMMAND]`, with the command line that runs it (default: ./my-LINK and the flags that it needs)")
	flags.BoolVar(&whole, "implementation", false, "Check a whole cluster, which an adapter in Go starts")
	flags.StringVar(&name, "name", "", "Set the `name` of the implementation (default: my-LINK, or that of DIRECTORY)")
	return command
}

// skeleton is what is written: files, and what their templates are filled in with.
type skeleton struct {
	// files have the name of their template, by their place in the repository.
	files []skeletonFile
	Name  string
	// Link and Command of a program.
	Link    chain.Link
	Command string
	// Module of the adapter, and Parent that it is within, if any.
	Module, Parent string
	// next is the template of what is to be done then.
	next string
}

type skeletonFile struct{ path, template string }

// Verify is the command line that checks the program here.
func (s skeleton) Verify(flags ...string) string {
	return strings.Join(quoted(append([]string{"podchain", "verify", "--link", string(s.Link) + "=" + s.Command}, flags...)), " ")
}

//go:embed skeleton/*.tmpl
var skeletonFiles embed.FS

var skeletonTemplates = template.Must(template.New("").ParseFS(skeletonFiles, "skeleton/*.tmpl"))

const workflowFile = ".github/workflows/conformance.yml"

// linkSkeleton is that of a program in the place of a link: LINK or LINK=COMMAND.
func linkSkeleton(flag, name string) (skeleton, error) {
	written, line, given := strings.Cut(flag, "=")
	link, err := chain.ParseLink(written)
	if err != nil {
		return skeleton{}, fmt.Errorf("--link %s: %w", flag, err)
	}
	if !given {
		line = "./my-" + string(link) + defaultArguments(link)
	}
	switch origin, _ := parseSpec(line); {
	case origin != "":
		err = fmt.Errorf("%s is not a program of yours: expected the command line that runs it", origin)
	case strings.ContainsFunc(line, unicode.IsControl):
		err = errors.New("expected a command line that is one line of text")
	default:
		err = checkCommand(link, line)
	}
	if err != nil {
		return skeleton{}, fmt.Errorf("--link %s: %w", flag, err)
	}
	return skeleton{
		Name: cmp.Or(name, "my-"+string(link)), Link: link, Command: line, next: "link-next.tmpl",
		files: []skeletonFile{
			{workflowFile, "link-workflow.yml.tmpl"},
			{"conformance/README.md", "link-readme.md.tmpl"},
			{"conformance/reports/.gitignore", "gitignore.tmpl"},
		},
	}, nil
}

// defaultArguments are those that a program of the link cannot do without.
func defaultArguments(link chain.Link) string {
	switch {
	case link.Serves():
		return " --port={port} --admin-kubeconfig={kubeconfig}"
	case link.PerNode():
		return " --node={node} --kubeconfig={kubeconfig}"
	}
	return " --kubeconfig={kubeconfig}"
}

var modulePath = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)`)

// adapterSkeleton is that of a whole cluster. Where the repository is a Go module, the
// adapter can import what is in it.
func adapterSkeleton(directory, name string) (skeleton, error) {
	place, err := filepath.Abs(directory)
	if err != nil {
		return skeleton{}, err
	}
	s := skeleton{
		Name: cmp.Or(name, filepath.Base(place)), Module: "conformance", next: "adapter-next.tmpl",
		files: []skeletonFile{
			{workflowFile, "adapter-workflow.yml.tmpl"},
			{"conformance/go.mod", "adapter-go.mod.tmpl"},
			{"conformance/adapter.go", "adapter.go.tmpl"},
			{"conformance/conformance_test.go", "adapter_test.go.tmpl"},
			{"conformance/README.md", "adapter-readme.md.tmpl"},
			{"conformance/reports/.gitignore", "gitignore.tmpl"},
		},
	}
	content, err := os.ReadFile(filepath.Join(directory, "go.mod"))
	if err != nil && !isMissing(err) {
		return skeleton{}, printable.File(err)
	}
	if found := modulePath.FindSubmatch(content); found != nil {
		s.Parent = string(found[1])
		s.Module = s.Parent + "/conformance"
	}
	return s, nil
}

// isMissing tells whether there is nothing at a path, or none of its directories.
func isMissing(err error) bool { return errors.Is(err, fs.ErrNotExist) }

// goodName is one that can stand in Go, YAML and Markdown.
var goodName = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} ._+-]*$`)

// initialize writes all files of a skeleton, or none if one is there.
func initialize(out io.Writer, directory string, s skeleton) error {
	if !goodName.MatchString(s.Name) {
		return fmt.Errorf("the implementation cannot be called %q: give it a --name with letters, digits, blanks and . _ + - only", s.Name)
	}
	if info, err := os.Stat(directory); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a directory: expected the root of the implementation's repository", directory)
	}
	var inTheWay []string
	for _, file := range s.files {
		path := filepath.Join(directory, filepath.FromSlash(file.path))
		switch _, err := os.Lstat(path); {
		case err == nil:
			inTheWay = append(inTheWay, path)
		case !isMissing(err):
			return printable.File(err)
		}
	}
	if len(inTheWay) > 0 {
		return fmt.Errorf("nothing was written: these files exist already: %s", strings.Join(inTheWay, ", "))
	}
	var written []string
	for _, file := range s.files {
		path := filepath.Join(directory, filepath.FromSlash(file.path))
		made, err := s.write(path, file.template)
		written = append(written, made...)
		if err != nil {
			// All or nothing: half of it would be in the way of a second attempt.
			for _, path := range slices.Backward(written) {
				err = errors.Join(err, os.Remove(path))
			}
			return fmt.Errorf("nothing was written: %w", printable.File(err))
		}
	}
	for _, file := range s.files {
		fmt.Fprintln(out, "wrote", filepath.Join(directory, filepath.FromSlash(file.path)))
	}
	return skeletonTemplates.ExecuteTemplate(out, s.next, s)
}

// write writes a file that is not there, and returns what it has made, also with an
// error: directories, and the file.
func (s skeleton) write(path, template string) (made []string, err error) {
	made, err = makeDirectories(filepath.Dir(path))
	if err != nil {
		return made, err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return made, err
	}
	return append(made, path), errors.Join(skeletonTemplates.ExecuteTemplate(file, template, s), file.Close())
}

// makeDirectories makes a directory and those that it is in, as far as they are not
// there, and returns which these were.
func makeDirectories(path string) (made []string, err error) {
	if _, err := os.Stat(path); !isMissing(err) {
		return nil, err
	}
	if made, err = makeDirectories(filepath.Dir(path)); err != nil {
		return made, err
	}
	if err := os.Mkdir(path, 0o755); err != nil {
		return made, err
	}
	return append(made, path), nil
}
