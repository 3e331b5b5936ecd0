package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const (
	// siteMark is a file of a site by which its directory is known to hold one: it names
	// the site's files.
	siteMark = ".podchain-site"
	// unfinished begins the name of a directory in which a site is made.
	unfinished = ".podchain-site-"
)

// Publish has build write a site, and puts it into a directory, in place of the site that
// is there. On an error all stays as it was. In a directory with a site, files that are
// not the site's stay in any case; one without a site has to be empty.
func Publish(ctx context.Context, directory string, build func(directory string) error) (err error) {
	target, err := filepath.Abs(directory)
	if err != nil {
		return err
	}
	earlier, err := siteIn(target)
	if err != nil {
		return err
	}
	// On the same file system, so that nothing needs room when it is moved.
	place, err := nearest(target)
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(place, unfinished)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	made := filepath.Join(work, "site")
	if err := os.Mkdir(made, 0o755); err != nil {
		return err
	}
	if err := build(made); err != nil {
		return err
	}
	names, err := filesIn(made)
	if err != nil {
		return err
	}
	if err := write(made, siteMark, marked(names)); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return errors.New("interrupted: nothing was written")
	}
	if place != target {
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.Rename(made, target)
	}
	if err := earlier.clear(target, names); err != nil {
		return err
	}
	return earlier.replace(work, target, names)
}

// nearest is the directory, or the nearest one above it that is there.
func nearest(directory string) (string, error) {
	_, err := os.Stat(directory)
	if !errors.Is(err, fs.ErrNotExist) || directory == filepath.Dir(directory) {
		return directory, err
	}
	// What a link leads to has to be there: above the link is another place.
	if _, err := os.Lstat(directory); err == nil {
		return "", fmt.Errorf("%s is a link to a directory that is not there", directory)
	}
	return nearest(filepath.Dir(directory))
}

// content are the files of the site that is in a directory, by their names.
type content map[string]bool

// siteIn reads what the directory's site is made of. A directory with other things only
// is an error.
func siteIn(directory string) (content, error) {
	text, err := os.ReadFile(filepath.Join(directory, siteMark))
	if errors.Is(err, fs.ErrNotExist) {
		entries, err := os.ReadDir(directory)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if slices.ContainsFunc(entries, func(entry fs.DirEntry) bool { return !strings.HasPrefix(entry.Name(), unfinished) }) {
			return nil, errors.New("there is something in it that is no site of podchain: name an empty directory")
		}
		return nil, err
	}
	if err != nil {
		return nil, err
	}
	names := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(text) == 0 {
		// Earlier podchains did not say which: all that looks like it was theirs.
		if names, err = filesIn(directory); err != nil {
			return nil, err
		}
		names = slices.DeleteFunc(names, func(name string) bool { return !usual(name) })
	}
	all := content{}
	for _, name := range names {
		if filepath.IsLocal(filepath.FromSlash(name)) {
			all[name] = true
		}
	}
	return all, nil
}

// usual are the files of a site that does not say which they are.
func usual(name string) bool {
	switch path.Dir(name) {
	case ".":
		return slices.Contains(append(assets, "index.html", "compare.html", "timelines.html", "search.js"), name)
	case "link", "timeline":
		return path.Ext(name) == ".html"
	}
	return false
}

// filesIn are the files in a directory and all below it.
func filesIn(directory string) (names []string, err error) {
	err = fs.WalkDir(os.DirFS(directory), ".", func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && name != siteMark {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

func marked(names []string) []byte { return []byte(strings.Join(names, "\n") + "\n") }

// clear returns an error if files that are not the site's are in the way of new ones, and
// makes their directories.
func (c content) clear(directory string, names []string) error {
	at := func(name string) string { return filepath.Join(directory, filepath.FromSlash(name)) }
	for _, name := range names {
		if info, err := os.Lstat(at(name)); err == nil && (info.IsDir() || !c[name]) {
			return fmt.Errorf("%s is in the way of a page, and it is not of an earlier site: move it away", at(name))
		}
	}
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(at(name)), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// replace moves the files of a site from its work directory to their places, and removes
// those of the earlier one that have no successor.
func (c content) replace(work, directory string, names []string) error {
	made := filepath.Join(work, "site")
	at := func(name string) string { return filepath.Join(directory, filepath.FromSlash(name)) }
	// If this breaks off, all files of both are known to be a site's.
	both := slices.Sorted(maps.Keys(c))
	both = append(both, slices.DeleteFunc(slices.Clone(names), func(name string) bool { return c[name] })...)
	if err := write(work, siteMark, marked(both)); err != nil {
		return err
	}
	if err := os.Rename(filepath.Join(work, siteMark), at(siteMark)); err != nil {
		return err
	}
	for _, name := range names {
		if err := os.Rename(filepath.Join(made, filepath.FromSlash(name)), at(name)); err != nil {
			return err
		}
	}
	for name := range c {
		if slices.Contains(names, name) {
			continue
		}
		if err := os.Remove(at(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if within := path.Dir(name); within != "." {
			_ = os.Remove(at(within)) // which fails as long as there is something in it
		}
	}
	return os.Rename(filepath.Join(made, siteMark), at(siteMark))
}
