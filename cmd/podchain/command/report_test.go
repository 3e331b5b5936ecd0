package command

import (
	"bufio"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestReports: what a run has written as it went on says the same later, and the pages
// of it are there.
func TestReports(t *testing.T) {
	t.Parallel()
	ran := podchain(t, "verify", "--link", "scheduler=none", "--select", "RS-05", "--select", "RS-07", "--timeout", "5s",
		"--report", "events=run.jsonl", "--report", "junit=first.xml", "--report", "json=first.json", "--report", "badge=-")
	status, stdout, _ := run(t, ran)
	assert.Equal(t, statusFailed, status)
	assert.Contains(t, stdout, "<svg", "a report on stdout")

	in := func(arguments ...string) (int, string, string) {
		command := podchain(t, arguments...)
		command.Dir = ran.Dir
		return run(t, command)
	}
	status, stdout, stderr := in("report", "--from", "run.jsonl", "--to", "junit=second.xml", "--to", "json=second.json", "--to", "yaml=report.yaml", "--contact", "me@example.com")
	assert.Equal(t, statusFailed, status, "that of the run: %s%s", stdout, stderr)
	read := func(name string) string {
		content, err := os.ReadFile(filepath.Join(ran.Dir, name))
		require.NoError(t, err)
		return string(content)
	}
	assert.Equal(t, read("first.xml"), read("second.xml"))
	assert.Equal(t, read("first.json"), read("second.json"))

	status, stdout, stderr = in("report", "--from", "run.jsonl")
	assert.Equal(t, statusFailed, status, stderr)
	assert.Contains(t, stdout, "The chain broke at the scheduler")
	assert.Contains(t, stdout, "Again: podchain verify --link scheduler=none --timeout 5s --select 3-replicaset-controller/replicaset.feature:")

	status, stdout, stderr = in("report", "check", "report.yaml")
	assert.Equal(t, 0, status, stderr)
	assert.Contains(t, stdout, "report.yaml is valid: reference v1.37.2; scheduler: none, profile part, 1 of the 2 requirements that apply passed")
	require.NoError(t, os.WriteFile(filepath.Join(ran.Dir, "report.yaml"), []byte(read("report.yaml")+"capabilities: [links, nodes]\n"), 0o600))
	status, _, stderr = in("report", "check", "report.yaml")
	assert.Equal(t, statusUnable, status, "a key that is there twice")
	assert.Contains(t, stderr, "report.yaml: not a conformance report")

	status, stdout, stderr = in("docs", "--out", "site", "run.jsonl")
	assert.Equal(t, 0, status, stderr)
	assert.Contains(t, stdout, filepath.Join("site", "index.html"))
	assert.Contains(t, read("site/link/replicaset-controller.html"), "The chain broke at the scheduler")
	status, _, stderr = in("docs", "--out", "site")
	assert.Equal(t, 0, status, "a site is replaced: %s", stderr)
	assert.NotContains(t, read("site/link/replicaset-controller.html"), "The chain broke at the scheduler")
}

// TestReportCheckWithoutAContact: it says what gives one, and that does.
func TestReportCheckWithoutAContact(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	write(t, directory, "r", aRun)
	for _, step := range []struct {
		arguments []string
		status    int
		says      string
	}{
		{[]string{"report", "--from", "r", "--to", "yaml=y"}, statusUnable, ""},
		{[]string{"report", "check", "y"}, statusFailed, "implementation.contact: it needs a contact address: make the report with --contact ADDRESS (of podchain report or podchain verify)"},
		{[]string{"report", "--from", "r", "--to", "yaml=y", "--contact", "me@example.com"}, statusUnable, ""},
		{[]string{"report", "check", "y"}, 0, ""},
	} {
		command := podchain(t, step.arguments...)
		command.Dir = directory
		status, _, stderr := run(t, command)
		assert.Equal(t, step.status, status, stderr)
		assert.Contains(t, stderr, step.says)
	}
}

// TestAKilledRunLeavesOnlyWhatItHasWritten: no file that was only begun.
func TestAKilledRunLeavesOnlyWhatItHasWritten(t *testing.T) {
	t.Parallel()
	command := podchain(t, "verify", "--link", "scheduler=none", "--select", "RS-05", "--report", "events=-", "--report", "json=report.json", "--report", "junit=junit.xml")
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	_, err = bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.NoError(t, command.Process.Kill())
	require.Error(t, command.Wait())
	onlyIn(t, command.Dir, nil)
}

// TestReportsOfShards: the files of shards are one run, and what is missing is told.
func TestReportsOfShards(t *testing.T) {
	t.Parallel()
	directory := t.TempDir()
	in := func(arguments ...string) (status int, stdout, stderr string) {
		command := podchain(t, arguments...)
		command.Dir = directory
		return run(t, command)
	}
	verify := []string{"verify", "--link", "scheduler=none", "--timeout", "5s", "--select", "RS-01", "--select", "RS-05", "--select", "RS-07"}
	for _, shard := range []string{"1", "2", "3"} {
		status, _, stderr := in(append(verify, "--shard", shard+"/3", "--report", "events="+shard+".jsonl", "--report", "json="+shard+".json")...)
		assert.Contains(t, []int{0, statusFailed}, status, stderr)
	}
	status, stdout, stderr := in("report", "--from", "2.jsonl", "--from", "1.jsonl", "--from", "3.jsonl")
	assert.Equal(t, statusFailed, status, stderr)
	assert.Contains(t, stdout, "3 requirements, 1 passed, 2 failed, 0 could not run")
	assert.Contains(t, stdout, "Again: podchain verify --link scheduler=none --timeout 5s --select 3-replicaset-controller/replicaset.feature:",
		"not of the shard, where it need not be")

	status, stdout, _ = in("report", "--from", "2.jsonl")
	assert.Equal(t, statusUnable, status)
	assert.Contains(t, stdout, "3 requirements, 1 passed, 0 failed, 2 could not run, 0 not applicable, and did not end")
	assert.Contains(t, stdout, "shard 1/3 is not there")
	assert.Contains(t, stdout, "shard 3/3 is not there")

	status, stdout, stderr = in("docs", "--out", "site", "1.jsonl", "2.jsonl", "3.jsonl")
	assert.Equal(t, 0, status, stderr)
	assert.Contains(t, stdout, "runs 1\n")
	for _, command := range [][]string{
		{"report", "--from", "1.jsonl", "--from", "1.jsonl"}, {"docs", "--out", "site", "1.jsonl", "1.jsonl"},
	} {
		status, _, stderr = in(command...)
		assert.Equal(t, statusUnable, status)
		assert.Contains(t, stderr, "shard 1/3 is there twice")
	}
}

func TestReportsRefuse(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arguments []string
		says      string
	}{
		"no run":                   {[]string{"report"}, "--from is required"},
		"a run that is not":        {[]string{"report", "--from", "nowhere.jsonl"}, "--from: nowhere.jsonl does not exist"},
		"no events":                {[]string{"report", "--from", "k"}, "--from k: line 1: not an event"},
		"an unknown format":        {[]string{"report", "--from", "r", "--to", "pdf=a.pdf"}, "report pdf=a.pdf: expected FORMAT=FILE with a format of annotations, badge, github, json, junit, messages, yaml"},
		"no place":                 {[]string{"report", "--from", "r", "--to", "json=nowhere/a"}, "report json=nowhere/a cannot be written"},
		"no report":                {[]string{"report", "check", "k"}, "k: not a conformance report"},
		"pages without a place":    {[]string{"docs"}, "--out is required"},
		"a place that is taken":    {[]string{"docs", "--out", "."}, "there is something in it that is no site of podchain"},
		"a stream without a place": {[]string{"verify", "--select", "RS-05", "--report", "events=nowhere/a"}, "report events=nowhere/a cannot be written"},
		"nothing to record":        {[]string{"verify", "--select", "RS-05", "--record", "NO-99"}, `--record: "NO-99" selects nothing`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, test.arguments...)
			write(t, command.Dir, "k", "hello\n")
			write(t, command.Dir, "r", `{"run":{"format":"podchain.dev/events/v1","implementation":{"name":"a","version":"1"},"specification":{"digest":"d","requirements":0,"scenarios":0},"started":"2026-01-01T00:00:00Z","seed":0}}`+"\n")
			status, _, stderr := run(t, command)
			assert.Equal(t, statusUnable, status, stderr)
			assert.Contains(t, stderr, test.says)
			onlyIn(t, command.Dir, map[string]string{"k": "", "r": ""})
		})
	}
}
