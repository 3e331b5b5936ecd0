package children

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func logged(t *testing.T, bound int64) (*Log, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log")
	log, err := createLog(path, "the test", bound)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, log.Close()) })
	return log, path
}

// However much is printed, its beginning and its end are there, and what is missing
// between them is counted.
func TestLogIsBounded(t *testing.T) {
	const bound = 64 << 10
	for _, lines := range []int{0, 1, 1000, 6000, 100000} {
		t.Run(strconv.Itoa(lines), func(t *testing.T) {
			log, path := logged(t, bound)
			var all bytes.Buffer
			for i := range lines {
				fmt.Fprintf(&all, "line %d\n", i)
			}
			for piece := range bytes.SplitAfterSeq(all.Bytes(), []byte("77\n")) {
				n, err := log.Write(piece)
				require.NoError(t, err)
				require.Len(t, piece, n)
			}
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.LessOrEqual(t, len(content), bound)
			content, titled := bytes.CutPrefix(content, []byte("# podchain: what the test prints\n"))
			assert.True(t, titled)
			head, rest, cut := bytes.Cut(content, []byte("[podchain: "))
			assert.Equal(t, all.Len() > bound-int(log.begin), cut)
			assert.True(t, bytes.HasPrefix(all.Bytes(), head))
			if cut {
				note, tail, _ := bytes.Cut(rest, []byte("\n"))
				assert.True(t, bytes.HasSuffix(all.Bytes(), tail), "the end is the real one")
				assert.Greater(t, len(tail), bound/8)
				assert.Contains(t, string(note), fmt.Sprintf("%d bytes are missing here", all.Len()-len(head)-len(tail)))
				assert.True(t, bytes.HasSuffix(head, []byte("\n")) && bytes.HasPrefix(tail, []byte("line ")), "it is cut between lines")
			}
			tail, err := log.Tail(100)
			require.NoError(t, err)
			assert.True(t, bytes.HasSuffix(all.Bytes(), tail))
		})
	}
}

// A log of an earlier run is replaced; anything else that is in its place is left as it
// is.
func TestCreateLog(t *testing.T) {
	for name, test := range map[string]struct {
		make  func(path string) error
		fails string
	}{
		"nothing":     {func(string) error { return nil }, ""},
		"empty":       {func(path string) error { return os.WriteFile(path, nil, 0o600) }, ""},
		"an earlier":  {func(path string) error { return os.WriteFile(path, []byte("# podchain: what x prints\nold\n"), 0o600) }, ""},
		"a user's":    {func(path string) error { return os.WriteFile(path, []byte("# mine, and not podchain's\n"), 0o600) }, "it is not a log of podchain"},
		"a short one": {func(path string) error { return os.WriteFile(path, []byte("#"), 0o600) }, "it is not a log of podchain"},
		"a directory": {func(path string) error { return os.Mkdir(path, 0o700) }, "it is not a log of podchain"},
		"a pipe":      {func(path string) error { return syscall.Mkfifo(path, 0o600) }, "it is not a log of podchain"},
		"a link": {func(path string) error {
			return errors.Join(os.WriteFile(path+".other", []byte("# podchain: what x prints\n"), 0o600), os.Symlink(path+".other", path))
		}, "it is not a log of podchain"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.log")
			require.NoError(t, test.make(path))
			before, _ := os.Lstat(path)
			checked := CheckLogs(filepath.Dir(path), "x.log", "nothing/*.log")
			log, err := CreateLog(path, "the test")
			if test.fails != "" {
				require.ErrorContains(t, err, test.fails)
				require.ErrorIs(t, err, ErrNotOurs)
				require.ErrorContains(t, checked, path+": "+test.fails)
				after, err := os.Lstat(path)
				require.NoError(t, err)
				assert.True(t, os.SameFile(before, after))
				assert.Equal(t, before.ModTime(), after.ModTime(), "it is as it was")
				return
			}
			require.NoError(t, checked)
			require.NoError(t, err)
			content, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, "# podchain: what the test prints\n", string(content))
			assert.Equal(t, "it printed nothing", log.Last())
			_, err = log.Write([]byte("one\ntwo\x1b\n"))
			require.NoError(t, err)
			assert.Equal(t, "it printed last:\n  | one\n  | two\\x1b", log.Last())
			_, err = CreateLog(path, "another")
			require.ErrorContains(t, err, "another run of podchain is writing it")
			require.NoError(t, log.Close())
			log, err = CreateLog(path, "another")
			require.NoError(t, err)
			require.NoError(t, log.Close())
		})
	}
}

// One line without an end is bounded, too.
func TestLogWithoutLines(t *testing.T) {
	log, path := logged(t, 64<<10)
	_, err := log.Write(bytes.Repeat([]byte("x"), 1<<20))
	require.NoError(t, err)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.LessOrEqual(t, info.Size(), int64(64<<10))
}

// ended waits until nothing of a run is there: what is killed takes an instant to go.
func ended(t *testing.T, run *Run) {
	t.Helper()
	assert.Eventually(t, func() bool { return len(processes(filepath.Base(run.Directory))) == 0 }, 10*time.Second, time.Millisecond)
}

// A program neither waits nor dies when its log is full, and what it printed last is
// there when it has ended, though others have its output open.
func TestProgramThatPrintsMuch(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	run, err := Begin()
	require.NoError(t, err)
	log, path := logged(t, 64<<10)
	pipe, err := log.Pipe()
	require.NoError(t, err)
	command := exec.Command("sh", "-c", "setsid sleep 1000 & yes | head -c 4000000; echo the end")
	command.Stdout, command.Stderr = pipe.Writer, pipe.Writer
	require.NoError(t, run.Start(command))
	require.NoError(t, pipe.Writer.Close())
	require.NoError(t, command.Wait())
	pipe.Drain()
	tail, err := log.Tail(100)
	require.NoError(t, err)
	assert.True(t, strings.HasSuffix(string(tail), "y\nthe end\n"), "%q", tail)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.LessOrEqual(t, info.Size(), int64(64<<10))
	assert.Len(t, processes(filepath.Base(run.Directory)), 1, "it has gone off into a session of its own")
	require.NoError(t, run.End())
	ended(t, run)
	assert.NoDirExists(t, run.Directory)
	pipe.Close()
}

// What a killed run has left is what nobody holds the lock of; the rest is left alone.
func TestClean(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	alive, err := Begin()
	require.NoError(t, err)
	defer func() { assert.NoError(t, alive.End()) }()
	other := exec.Command("sleep", "1000")
	require.NoError(t, alive.Start(other))
	killed, err := Begin()
	require.NoError(t, err)
	command := exec.Command("sh", "-c", "setsid sleep 1000 & echo $!")
	out, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, killed.Start(command))
	said := make([]byte, 20)
	n, err := out.Read(said)
	require.NoError(t, err)
	require.NoError(t, killed.lock.Close()) // as the kernel does
	id, err := strconv.Atoi(strings.TrimSpace(string(said[:n])))
	require.NoError(t, err)

	found, err := Clean(true)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.Equal(t, killed.Directory, found[0].Directory)
	assert.Contains(t, found[0].Processes, id)
	assert.DirExists(t, killed.Directory)
	found, err = Clean(false)
	require.NoError(t, err)
	require.Len(t, found, 1)
	assert.NoDirExists(t, killed.Directory)
	ended(t, killed)
	_ = command.Wait() // it was killed, or has just ended
	assert.NoError(t, other.Process.Signal(syscall.Signal(0)))
	found, err = Clean(false)
	require.NoError(t, err)
	assert.Empty(t, found)
	require.NoError(t, other.Process.Kill())
	assert.Error(t, other.Wait())
}

// A run that is only just beginning is not taken for one that was killed.
func TestCleanWhileRunsBegin(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	stop := make(chan struct{})
	var cleaning sync.WaitGroup
	for range 4 {
		cleaning.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					_, _ = Clean(false) // runs end under its hands
				}
			}
		})
	}
	defer cleaning.Wait()
	defer close(stop)
	for range 25 {
		run, err := Begin()
		require.NoError(t, err)
		require.DirExists(t, run.Directory)
		require.NoError(t, run.End())
	}
}
