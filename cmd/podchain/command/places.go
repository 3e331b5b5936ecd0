package command

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/podchain/podchain/conformance/files"
)

// dash is the file that is stdin where something is read, and stdout where something is
// written.
const dash = "-"

// places are the files that a command reads and writes, by what names them on its command
// line. None may be in the way of another.
type places struct {
	named []place
	trees []tree
}

type place struct {
	// flag and path as they were given.
	flag, path string
	written    bool
	// info of what is there; nil if there is nothing yet: at is where it will be.
	info fs.FileInfo
	at   string
}

// tree is a directory with files that have this extension.
type tree struct {
	flag, at, extension string
	written             bool
}

// reads adds a file that is read, if a path is given.
func (p *places) reads(flag, path string) { p.add(flag, path, false, os.Stdin) }

// writes adds a file that is written, if a path is given.
func (p *places) writes(flag, path string, stdout io.Writer) {
	standard, _ := stdout.(*os.File)
	p.add(flag, path, true, standard)
}

// reports adds the files of flags FORMAT=FILE.
func (p *places) reports(flag string, values []string, stdout io.Writer) {
	for _, value := range values {
		if _, path, found := strings.Cut(value, "="); found {
			p.writes(flag+" "+value, path, stdout)
		}
	}
}

func (p *places) add(flag, path string, written bool, standard *os.File) {
	if path == "" {
		return
	}
	one := place{flag: flag, path: path, written: written}
	// What cannot be found out here is an error when the file is opened.
	switch {
	case path != dash:
		one.info, _ = os.Stat(path)
		one.at, _ = files.Target(path)
	case standard != nil:
		one.info, _ = standard.Stat()
	}
	p.named = append(p.named, one)
}

// tree adds the files with an extension in a directory, if one is given.
func (p *places) tree(flag, directory, extension string, written bool) {
	if directory == "" {
		return
	}
	at, err := filepath.Abs(directory)
	if err == nil {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			at = real
		}
	}
	p.trees = append(p.trees, tree{flag, at, extension, written})
}

// check returns which files are in the way of which others.
func (p *places) check() error {
	var errs []error
	for i, one := range p.named {
		for _, other := range p.named[:i] {
			if err := one.clash(other); err != nil {
				errs = append(errs, err)
			}
		}
		for _, within := range p.trees {
			if (one.written || within.written) && within.holds(one.at) {
				errs = append(errs, fmt.Errorf("%s is one of the *%s files in the directory of %s: name a file elsewhere", one.flag, within.extension, within.flag))
			}
		}
	}
	return errors.Join(errs...)
}

func (p place) clash(other place) error {
	switch {
	case p.path == dash && other.path == dash && p.written && other.written:
		what := strings.TrimPrefix(other.flag, "--") + " is"
		if strings.HasPrefix(other.flag, "--report "+eventsFormat+"=") {
			what = "the events are"
		}
		return fmt.Errorf("%s: %s on stdout, and nothing else can be", strings.TrimPrefix(p.flag, "--"), what)
	case p.path == dash && other.path == dash && !p.written && !other.written:
		return fmt.Errorf("%s is there twice: stdin can be read only once", p.flag)
	case !p.written && !other.written, !p.same(other):
		return nil
	case p.written && other.written:
		return fmt.Errorf("%s and %s name the same file, which can hold only one of them: name another", other.flag, p.flag)
	case p.info != nil && !p.info.Mode().IsRegular():
		return nil // on a terminal, what is read is not what is written
	}
	read, written := p, other
	if p.written {
		read, written = other, p
	}
	return fmt.Errorf("%s would overwrite %s: name another file", written.flag, read.flag)
}

// same tells whether they are one file, by whatever name.
func (p place) same(other place) bool {
	if p.info == nil || other.info == nil {
		return p.info == nil && other.info == nil && p.at != "" && p.at == other.at
	}
	return os.SameFile(p.info, other.info) && !isNull(p.info)
}

func (t tree) holds(path string) bool {
	return strings.HasPrefix(path, t.at+string(filepath.Separator)) && filepath.Ext(path) == t.extension
}
