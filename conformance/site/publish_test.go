package site_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/site"
)

// tree is what files have in them, by their paths.
type tree map[string]string

func (t tree) write(directory string) error {
	for path, content := range t {
		path = filepath.Join(directory, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func found(t *testing.T, directory string) tree {
	t.Helper()
	all := tree{}
	require.NoError(t, fs.WalkDir(os.DirFS(directory), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			if strings.HasPrefix(entry.Name(), ".podchain-site-") {
				all[path] = "left behind"
			}
			return err
		}
		content, err := fs.ReadFile(os.DirFS(directory), path)
		all[path] = string(content)
		return err
	}))
	delete(all, "site/.podchain-site")
	return all
}

var errFull = errors.New("no space left on device")

// TestPublish: a site takes the place of an earlier one, whole or not at all, and nothing
// else is touched.
func TestPublish(t *testing.T) {
	first := tree{"index.html": "1", "link/a.html": "1", "link/b.html": "1", "timeline/c.html": "1"}
	second := tree{"index.html": "2", "link/a.html": "2", "link/d.html": "2"}
	after := tree{"site/index.html": "2", "site/link/a.html": "2", "site/link/d.html": "2"}
	with := func(more tree) tree {
		all := tree{}
		for _, one := range []tree{after, more} {
			for path, content := range one {
				all[path] = content
			}
		}
		return all
	}
	for name, test := range map[string]struct {
		prepare func(t *testing.T, directory string)
		to      string
		want    tree   // nil: what was there before
		says    string // that it is refused
	}{
		"a new directory": {func(*testing.T, string) {}, "site", after, ""},
		"below one that is not there": {func(*testing.T, string) {}, "a/b/site",
			tree{"a/b/site/.podchain-site": "index.html\nlink/a.html\nlink/d.html\n", "a/b/site/index.html": "2", "a/b/site/link/a.html": "2", "a/b/site/link/d.html": "2"}, ""},
		"an empty directory": {func(t *testing.T, at string) { require.NoError(t, os.Mkdir(at+"/site", 0o755)) }, "site", after, ""},
		"what a killed one has left": {func(t *testing.T, at string) {
			require.NoError(t, tree{".podchain-site-1/index.html": "half"}.write(at+"/site"))
		}, "site", with(tree{"site/.podchain-site-1": "left behind", "site/.podchain-site-1/index.html": "half"}), ""},
		"an earlier site": {func(t *testing.T, at string) { publish(t, at+"/site", first) }, "site", after, ""},
		"the same site":   {func(t *testing.T, at string) { publish(t, at+"/site", second) }, "site", after, ""},
		"an earlier site with other files": {func(t *testing.T, at string) {
			publish(t, at+"/site", first)
			require.NoError(t, tree{"CNAME": "mine", ".git/HEAD": "mine", "link/mine.html": "mine", "run.jsonl": "mine"}.write(at+"/site"))
		}, "site", with(tree{"site/CNAME": "mine", "site/.git/HEAD": "mine", "site/link/mine.html": "mine", "site/run.jsonl": "mine"}), ""},
		"one of an earlier podchain": {func(t *testing.T, at string) {
			require.NoError(t, first.write(at+"/site"))
			require.NoError(t, tree{".podchain-site": "", "CNAME": "mine"}.write(at+"/site"))
		}, "site", with(tree{"site/CNAME": "mine"}), ""},
		"another file in the way": {func(t *testing.T, at string) {
			publish(t, at+"/site", first)
			require.NoError(t, tree{"link/d.html": "mine"}.write(at+"/site"))
		}, "site", nil, "link/d.html is in the way of a page"},
		"something else": {func(t *testing.T, at string) { require.NoError(t, tree{"a": "mine"}.write(at+"/site")) }, "site", nil, "no site of podchain"},
		"a file":         {func(t *testing.T, at string) { require.NoError(t, tree{"site": "mine"}.write(at)) }, "site", nil, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			at := t.TempDir()
			test.prepare(t, at)
			before := found(t, at)
			interrupted, cancel := context.WithCancel(t.Context())
			cancel()
			require.Error(t, site.Publish(interrupted, filepath.Join(at, test.to), second.write))
			require.Empty(t, cmp.Diff(before, found(t, at)), "after an interrupt")
			err := site.Publish(t.Context(), filepath.Join(at, test.to), func(directory string) error {
				return errors.Join(tree{"index.html": "half"}.write(directory), errFull)
			})
			require.Error(t, err)
			require.Empty(t, cmp.Diff(before, found(t, at)), "after a full disk")
			err = site.Publish(t.Context(), filepath.Join(at, test.to), second.write)
			if test.says != "" {
				require.ErrorContains(t, err, test.says)
				require.Empty(t, cmp.Diff(before, found(t, at)))
				return
			}
			require.NoError(t, err)
			require.Empty(t, cmp.Diff(test.want, found(t, at)))
		})
	}
}

func publish(t *testing.T, directory string, content tree) {
	t.Helper()
	require.NoError(t, site.Publish(t.Context(), directory, content.write))
}

// TestPublishBehindALink: it stays a link.
func TestPublishBehindALink(t *testing.T) {
	at := t.TempDir()
	publish(t, filepath.Join(at, "real"), tree{"index.html": "1"})
	link := filepath.Join(at, "site")
	require.NoError(t, os.Symlink("real", link))
	publish(t, link, tree{"index.html": "2"})
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.Equal(t, fs.ModeSymlink, info.Mode().Type())
	require.Equal(t, "2", found(t, filepath.Join(at, "real"))["index.html"])

	require.NoError(t, os.RemoveAll(filepath.Join(at, "real")))
	require.ErrorContains(t, site.Publish(t.Context(), link, tree{}.write), "is a link to a directory that is not there")
}
