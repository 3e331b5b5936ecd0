package command

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// aRun are the events of a run of nothing.
const aRun = `{"run":{"format":"podchain.dev/events/v1","implementation":{"name":"a","version":"1"},"specification":{"digest":"d","requirements":0,"scenarios":0},"started":"2026-01-01T00:00:00Z","seed":0}}` + "\n"

// TestPlaces: nothing that a command writes is in the way of what it reads or of what else
// it writes, by whatever names they go: it is refused before anything is done.
func TestPlaces(t *testing.T) {
	t.Parallel()
	verify := func(arguments ...string) []string {
		return append([]string{"verify", "--select", "RS-05"}, arguments...)
	}
	matrix := func(arguments ...string) []string {
		return append([]string{"matrix", "--links", "scheduler", "--origins", "reference,none", "--select", "RS-05"}, arguments...)
	}
	for name, test := range map[string]struct {
		arguments []string
		stdout    string // a file in place of stdout
		says      string
	}{
		"the events that it reads":        {[]string{"report", "--from", "r", "--to", "json=r"}, "", "--to json=r would overwrite --from r: name another file"},
		"by another name":                 {[]string{"report", "--from", "r", "--to", "json=./d/../r"}, "", "--to json=./d/../r would overwrite --from r"},
		"behind a link":                   {[]string{"report", "--from", "r", "--to", "json=l"}, "", "--to json=l would overwrite --from r"},
		"by a hard link":                  {[]string{"report", "--from", "r", "--to", "json=h"}, "", "--to json=h would overwrite --from r"},
		"one of several":                  {[]string{"report", "--from", "o", "--from", "r", "--to", "json=j", "--to", "junit=r"}, "", "--to junit=r would overwrite --from r"},
		"two reports":                     {[]string{"report", "--from", "r", "--to", "json=n", "--to", "junit=n"}, "", "--to json=n and --to junit=n name the same file"},
		"two in a file that is there":     {[]string{"report", "--from", "r", "--to", "json=o", "--to", "junit=./o"}, "", "--to json=o and --to junit=./o name the same file"},
		"two in a directory with a link":  {[]string{"report", "--from", "r", "--to", "json=d/n", "--to", "junit=k/n"}, "", "--to json=d/n and --to junit=k/n name the same file"},
		"two by a link to nothing":        {[]string{"report", "--from", "r", "--to", "json=z", "--to", "junit=n"}, "", "--to json=z and --to junit=n name the same file"},
		"two on stdout":                   {[]string{"report", "--from", "r", "--to", "json=-", "--to", "junit=-"}, "", "to junit=-: to json=- is on stdout, and nothing else can be"},
		"two on stdout by its other name": {[]string{"report", "--from", "r", "--to", "json=-", "--to", "junit=s"}, "", "--to json=- and --to junit=s name the same file"},
		"the file that stdout is":         {[]string{"report", "--from", "r", "--to", "json=-", "--to", "junit=o"}, "o", "--to json=- and --to junit=o name the same file"},
		"stdin twice":                     {[]string{"report", "--from", "-", "--from", "-"}, "", "--from - is there twice: stdin can be read only once"},
		"stdin twice in pages":            {[]string{"docs", "--out", "s", "-", "-"}, "", "- is there twice: stdin can be read only once"},
		"two reports of a run":            {verify("--report", "json=n", "--report", "junit=n"), "", "--report json=n and --report junit=n name the same file"},
		"events and a report":             {verify("--report", "events=o", "--report", "junit=o"), "", "--report events=o and --report junit=o name the same file"},
		"two streams of events":           {verify("--report", "events=n", "--report", "events=./n"), "", "--report events=n and --report events=./n name the same file"},
		"what is known to fail":           {verify("--known-failing", "o", "--report", "events=o"), "", "--report events=o would overwrite --known-failing o"},
		"a kubeconfig":                    {verify("--kubeconfig", "o", "--report", "json=o"), "", "--report json=o would overwrite --kubeconfig o"},
		"a certificate": {verify("--store", "etcd=https://127.0.0.1:1", "--etcd-cafile", "o", "--report", "json=o"), "",
			"--report json=o would overwrite --etcd-cafile o"},
		"a feature": {[]string{"verify", "--features", "d", "--report", "events=d/a.feature"}, "",
			"--report events=d/a.feature is one of the *.feature files in the directory of --features d"},
		"a log": {verify("--logs", "d", "--report", "events=d/scheduler.log"), "",
			"--report events=d/scheduler.log is one of the *.log files in the directory of what programs print (--logs)"},
		"a manifest":              {[]string{"trace", "-f", "o", "--html", "o"}, "", "--html o would overwrite --filename o"},
		"reports of a matrix":     {matrix("--report", "json=n", "--report", "markdown=n"), "", "--report json=n and --report markdown=n name the same file"},
		"a table over the resume": {matrix("--resume", "o", "--report", "markdown=o"), "", "--report markdown=o would overwrite --resume o"},
		"an unknown format beside events": {verify("--report", "events=o", "--report", "pdf=n"), "",
			"report pdf=n: expected FORMAT=FILE"},
		"nothing to know beside events": {verify("--known-failing", "nowhere", "--report", "events=o"), "", "nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, test.arguments...)
			write(t, command.Dir, "r", aRun)
			write(t, command.Dir, "o", "other\n")
			write(t, command.Dir, "d/a.feature", "Feature: a\n")
			for link, to := range map[string]string{"l": "r", "k": "d", "z": "n", "s": "/proc/self/fd/1"} {
				require.NoError(t, os.Symlink(to, filepath.Join(command.Dir, link)))
			}
			require.NoError(t, os.Link(filepath.Join(command.Dir, "r"), filepath.Join(command.Dir, "h")))
			before := everything(t, command.Dir)
			var stdout, stderr strings.Builder
			command.Stdout, command.Stderr = &stdout, &stderr
			if test.stdout != "" {
				file, err := os.OpenFile(filepath.Join(command.Dir, test.stdout), os.O_WRONLY|os.O_APPEND, 0)
				require.NoError(t, err)
				defer file.Close()
				command.Stdout = file
			}
			require.Error(t, command.Run())
			assert.Equal(t, statusUnable, command.ProcessState.ExitCode())
			assert.Contains(t, stderr.String(), test.says)
			assert.Empty(t, cmp.Diff(before, everything(t, command.Dir)), "nothing is lost, and nothing left")
		})
	}
}

// everything is what is in a directory, with what is in it.
func everything(t *testing.T, directory string) map[string]string {
	t.Helper()
	all := map[string]string{}
	require.NoError(t, fs.WalkDir(os.DirFS(directory), ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		all[path] = entry.Type().String()
		if entry.Type().IsRegular() {
			content, err := os.ReadFile(filepath.Join(directory, path))
			all[path] += " " + string(content)
			return err
		}
		return nil
	}))
	return all
}

// TestReportsToWhatIsNoFile: a device or a pipe is written to and stays what it is, and
// what a link leads to is replaced, not the link.
func TestReportsToWhatIsNoFile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		to     string
		stdout string // what is in it
		left   string // a file that is left, with JSON
	}{
		"stdout":                 {"-", `"requirements"`, ""},
		"stdout behind a link":   {"stdout", `"requirements"`, ""},
		"stdout as a descriptor": {"/proc/self/fd/1", `"requirements"`, ""},
		"a link":                 {"link", "", "target"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, "report", "--from", "r", "--to", "json="+test.to)
			write(t, command.Dir, "r", aRun)
			write(t, command.Dir, "target", "old")
			require.NoError(t, os.Symlink("target", filepath.Join(command.Dir, "link")))
			// Not /dev/stdout itself: as root a faulty program would replace it.
			require.NoError(t, os.Symlink("/proc/self/fd/1", filepath.Join(command.Dir, "stdout")))
			status, stdout, stderr := run(t, command)
			require.Equal(t, statusUnable, status, "that of a run that did not end: %s", stderr)
			require.Empty(t, stderr)
			assert.Contains(t, stdout, test.stdout)
			is := everything(t, command.Dir)
			assert.Equal(t, fs.ModeSymlink.String(), strings.TrimSpace(is["link"]))
			if test.left != "" {
				assert.Contains(t, is[test.left], `"requirements"`)
			}
			assert.Len(t, is, 5, "nothing else is there: %v", is)
		})
	}
	t.Run("a pipe", func(t *testing.T) {
		t.Parallel()
		command := podchain(t, "report", "--from", "r", "--to", "json=pipe")
		write(t, command.Dir, "r", aRun)
		pipe := filepath.Join(command.Dir, "pipe")
		require.NoError(t, syscall.Mkfifo(pipe, 0o600))
		// Open for both, it waits for nobody.
		reader, err := os.OpenFile(pipe, os.O_RDWR, 0)
		require.NoError(t, err)
		defer reader.Close()
		status, _, stderr := run(t, command)
		require.Equal(t, statusUnable, status, stderr)
		line, err := bufio.NewReader(reader).ReadString('\n')
		require.NoError(t, err)
		assert.Equal(t, "{\n", line)
		assert.Len(t, everything(t, command.Dir), 3)
	})
}

// TestReportsToDevices: they are opened, not replaced, and the null device takes anything.
// The program itself is not run: as root a faulty one would replace the devices of the
// machine.
func TestReportsToDevices(t *testing.T) {
	kinds := formats[int]{"a": func(out io.Writer, _ int) error { return nil }}
	null := filepath.Join(t.TempDir(), "null")
	require.NoError(t, os.Symlink(os.DevNull, null))
	for _, device := range []string{os.DevNull, "/dev/full", null} {
		flags := []string{"a=" + device}
		reports, err := openOutputs(kinds, flags, io.Discard)
		require.NoError(t, err)
		assert.NotNil(t, reports[0].straight, device)
		require.NoError(t, reports.close())
	}
	named := &places{}
	named.reports("--to", []string{"a=" + os.DevNull, "b=" + os.DevNull, "c=" + null}, os.Stdout)
	require.NoError(t, named.check())
	assert.Empty(t, logsPath("", []string{"a=" + os.DevNull, "b=-"}), "logs are not beside a device")
	assert.Equal(t, "d-logs", logsPath("", []string{"a=" + os.DevNull, "c=d.json"}))
}

var errFull = errors.New("no space left on device")

// TestReportsOnAFullDisk: the error says so, the earlier report stays, and the others are written.
func TestReportsOnAFullDisk(t *testing.T) {
	directory := t.TempDir()
	write(t, directory, "half", "earlier")
	kinds := formats[string]{
		"half": func(out io.Writer, text string) error {
			_, err := io.WriteString(out, text[:1])
			return errors.Join(err, errFull)
		},
		"whole": func(out io.Writer, text string) error { _, err := io.WriteString(out, text); return err },
	}
	stdout := &strings.Builder{}
	reports, err := openOutputs(kinds, []string{"half=" + directory + "/half", "half=" + directory + "/new", "whole=" + directory + "/whole", "whole=-"}, stdout)
	require.NoError(t, err)
	err = reports.finish("text")
	require.ErrorIs(t, err, errFull)
	require.ErrorContains(t, err, "report half="+directory+"/half: ")
	require.NoError(t, reports.close())
	assert.Equal(t, map[string]string{".": fs.ModeDir.String(), "half": "---------- earlier", "whole": "---------- text"}, everything(t, directory))
	assert.Equal(t, "text", stdout.String())
}

// TestEventsOnAFullDisk: the error says so, and the reports are written.
func TestEventsOnAFullDisk(t *testing.T) {
	t.Parallel()
	command := podchain(t, "verify", "--select", "RS-01", "--report", "events=/dev/full", "--report", "badge=badge.svg", "--report", "junit=junit.xml")
	status, stdout, stderr := run(t, command)
	assert.Equal(t, statusUnable, status)
	assert.Contains(t, stderr, "podchain: report events=/dev/full: what happened in the run is not all in it: write /dev/full: no space left on device")
	assert.Contains(t, stdout, "1 requirement, 1 passed")
	assert.Len(t, everything(t, command.Dir), 3)
	assert.FileExists(t, filepath.Join(command.Dir, "badge.svg"))
	assert.FileExists(t, filepath.Join(command.Dir, "junit.xml"))
}

// TestStdoutOfOneReport: what people read does not go among it.
func TestStdoutOfOneReport(t *testing.T) {
	t.Parallel()
	for name, arguments := range map[string][]string{
		"a run":    {"verify", "--select", "RS-01", "--report", "json=-"},
		"a matrix": {"matrix", "--links", "scheduler", "--origins", "reference", "--select", "RS-01", "--report", "json=-"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, stdout, stderr := run(t, podchain(t, arguments...))
			require.Equal(t, 0, status, stderr)
			requireJSON(t, stdout)
		})
	}
}

// requireJSON requires one document of JSON, and nothing else.
func requireJSON(t *testing.T, text string) {
	t.Helper()
	var document any
	require.NoError(t, json.Unmarshal([]byte(text), &document), text)
}
