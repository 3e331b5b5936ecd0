package command

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// itself is podchain as the shell runs it: see asProgram.
func itself(t *testing.T) string {
	t.Helper()
	program, err := os.Executable()
	require.NoError(t, err)
	return program
}

// The reference's own scheduler, as a program: it is stopped and started, and
// what it prints stays beside the report.
func TestVerifyWithAProgram(t *testing.T) {
	t.Parallel()
	command := podchain(t, "verify", "--link", "scheduler="+itself(t)+" run scheduler --kubeconfig={kubeconfig}",
		"--select", "RS-05", "--select", "SCHED-02", "--report", "json=report.json")
	status, stdout, stderr := run(t, command)
	assert.Equal(t, 0, status, "%s%s", stdout, stderr)
	log, err := os.ReadFile(filepath.Join(command.Dir, "report-logs", "scheduler.log"))
	require.NoError(t, err)
	assert.Contains(t, string(log), "running: scheduler, https://127.0.0.1:")
}

// A program is named as it would be in the shell, from where podchain runs.
func TestVerifyWithAProgramInTheWorkingDirectory(t *testing.T) {
	t.Parallel()
	command := podchain(t, "verify", "--link", "scheduler=./my-scheduler --kubeconfig={kubeconfig}", "--select", "RS-05")
	require.NoError(t, os.WriteFile(filepath.Join(command.Dir, "my-scheduler"), []byte("#!/bin/sh\nexec '"+itself(t)+"' run scheduler \"$@\"\n"), 0o755))
	status, stdout, stderr := run(t, command)
	assert.Equal(t, 0, status, "%s%s", stdout, stderr)
}

// A program that does not do its part is no verdict on the specification.
func TestVerifyWithABadProgram(t *testing.T) {
	for name, c := range map[string]struct {
		link string
		says []string
	}{
		"it exits":          {"scheduler=echo oh no; exit 1", []string{"the scheduler exited with status 1", "| oh no"}},
		"it has success":    {"scheduler=true", []string{"the scheduler exited with status 0; it printed nothing"}},
		"it is missing":     {"scheduler=./scheduler {kubeconfig}", []string{"the scheduler exited with status 127", "./scheduler: not found"}},
		"it writes garbage": {`scheduler=printf '\033[2J\377\n'; exit 3`, []string{"exited with status 3", `| \x1b[2J\xff`}},
		"a placeholder that does not exist": {"scheduler=run {config}",
			[]string{"there is no placeholder {config}: there are {kubeconfig}, {dir}, {port}, {node}"}},
		"a kubelet without its node":       {"kubelet=run {kubeconfig}", []string{"the command line has no {node}"}},
		"an API server without its file":   {"api-server=run", []string{"the command line has no {kubeconfig}: the file that it writes"}},
		"an origin without a version":      {"scheduler=kubernetes@", []string{"which version? Expected one like kubernetes@1.34"}},
		"a version of what has none":       {"scheduler=reference@1", []string{"reference has no versions"}},
		"what the reference has not got":   {"job-controller=reference", []string{"the reference has no job-controller"}},
		"a program for all":                {"all=run {kubeconfig}", []string{"a program takes the place of one link; all come from reference"}},
		"an API server that never answers": {"api-server=sleep 1; : {kubeconfig}", []string{"the api-server exited with status 0"}},
		"nothing":                          {"scheduler=", []string{"Expected reference, none, kubernetes, kubernetes@VERSION, reference+containerd, kwok, or a command line"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, "verify", "--select", "RS-05", "--link", c.link)
			command.Env = append(command.Env, "TMPDIR="+command.Dir)
			status, stdout, stderr := run(t, command)
			assert.Equal(t, 2, status)
			assert.Empty(t, stdout)
			for _, text := range c.says {
				assert.Contains(t, stderr, text)
			}
			onlyIn(t, command.Dir, nil)
		})
	}
}

func TestVerifyWithALinkTwice(t *testing.T) {
	t.Parallel()
	status, _, stderr := run(t, podchain(t, "verify", "--link", "scheduler=none", "--link", "scheduler=reference"))
	assert.Equal(t, 2, status)
	assert.Contains(t, stderr, "where the scheduler comes from has been said already")
}

// A program that ends in the middle of a scenario is blamed, with what it printed;
// what comes after it could not run.
func TestVerifyWithAProgramThatCrashes(t *testing.T) {
	t.Parallel()
	command := podchain(t, "verify", "--features", "features", "--link", "scheduler="+asCrashing+"={kubeconfig} "+itself(t),
		"--parallel", "1", "--timeout", "3s", "--report", "json=report.json")
	write(t, command.Dir, "features/mine.feature", needsAScheduler)
	status, stdout, _ := run(t, command)
	assert.Equal(t, 1, status)
	assert.Contains(t, stdout, "The chain broke at the scheduler: the scheduler exited with status 137")
	assert.Contains(t, stdout, "| out of memory")
	content, err := os.ReadFile(filepath.Join(command.Dir, "report.json"))
	require.NoError(t, err)
	var report struct {
		Requirements []struct {
			Outcome  string
			Failures []struct{ Blamed, Error string }
		}
	}
	require.NoError(t, json.Unmarshal(content, &report))
	require.Len(t, report.Requirements, 1)
	assert.Equal(t, "failed", report.Requirements[0].Outcome)
	failures := report.Requirements[0].Failures
	require.Len(t, failures, 2)
	assert.Equal(t, "scheduler", failures[0].Blamed)
	assert.Equal(t, "scheduler", failures[1].Blamed)
	assert.Contains(t, failures[1].Error, "the scenario could not begin: the scheduler exited")
}

func TestRunIsNotPossible(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ arguments, says string }{
		"no link":                    {"", "missing argument LINK"},
		"an unknown link":            {"router", "the reference has no router: expected one of "},
		"no cluster":                 {"scheduler", "--kubeconfig is required"},
		"a file that does not exist": {"scheduler --kubeconfig nowhere", "kubeconfig nowhere"},
		"a kubelet without name":     {"kubelet --kubeconfig k", "--node is required"},
		"the API server":             {"api-server --kubeconfig k", "podchain serve"},
		"a link that is missing":     {"job-controller --kubeconfig k", "the reference has no job-controller"},
		"a scheduler of a node":      {"scheduler --node n --kubeconfig k", "--node goes with kubelet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, append([]string{"run"}, strings.Fields(c.arguments)...)...)
			write(t, command.Dir, "k", kubeconfigFor("https://127.0.0.1:1", "guess"))
			status, stdout, stderr := run(t, command)
			assert.Equal(t, 2, status)
			assert.Empty(t, stdout, "it does not say that it runs")
			assert.Contains(t, stderr, c.says)
		})
	}
}

// What a program prints is shown, and nothing of it is acted on: neither by a terminal nor
// by a workflow.
func TestVerifyShowsWhatAProgramPrints(t *testing.T) {
	t.Parallel()
	command := podchain(t, "verify", "--features", "features", "--timeout", "3s", "--report", "junit=r.xml", "--report", "annotations=r.txt", "--link",
		`scheduler=`+asCrashing+`={kubeconfig} `+itself(t)+`; printf '\033[2J\007\n::error::mine\n'; exit 3`)
	write(t, command.Dir, "features/mine.feature", needsAScheduler)
	status, stdout, stderr := run(t, command)
	assert.Equal(t, 1, status, stderr)
	assert.Contains(t, stdout, `| \x1b[2J\a`)
	for name, text := range map[string]string{"stdout": stdout, "stderr": stderr} {
		assert.NotContains(t, text, "\x1b", name)
		assert.NotRegexp(t, `(?m)^\s*::error`, text, name)
	}
	content, err := os.ReadFile(filepath.Join(command.Dir, "r.xml"))
	require.NoError(t, err)
	assert.NotContains(t, string(content), "\ufffd", "what XML cannot hold")
	annotations, err := os.ReadFile(filepath.Join(command.Dir, "r.txt"))
	require.NoError(t, err)
	assert.Equal(t, strings.Count(string(annotations), "\n"), strings.Count(string(annotations), "::error file="))
}

// A podchain that is killed leaves nothing that goes on for ever, wherever its programs
// have gone, and clean finds it.
func TestCleanAfterAKilledRun(t *testing.T) {
	t.Parallel()
	temporary := t.TempDir()
	command := podchain(t, "verify", "--select", "RS-05", "--link",
		`scheduler=setsid sh -c 'echo $$ > away; exec sleep 1000' & `+itself(t)+` run scheduler --kubeconfig={kubeconfig} & echo $! > near; touch {dir}/made; wait`)
	command.Env = append(command.Env, "TMPDIR="+temporary)
	require.NoError(t, command.Start())
	ids := map[string]int{}
	for _, name := range []string{"away", "near"} {
		require.Eventually(t, func() bool {
			text, err := os.ReadFile(filepath.Join(command.Dir, name))
			if err == nil {
				ids[name], err = strconv.Atoi(strings.TrimSpace(string(text)))
			}
			return err == nil
		}, time.Minute, 10*time.Millisecond, name)
	}
	require.NoError(t, command.Process.Kill())
	require.Error(t, command.Wait())
	for range 2 {
		clean := podchain(t, "clean")
		clean.Env = append(clean.Env, "TMPDIR="+temporary)
		status, stdout, stderr := run(t, clean)
		assert.Equal(t, 0, status, stderr)
		if !strings.HasPrefix(stdout, "no run has left anything") {
			assert.Contains(t, stdout, strconv.Itoa(ids["away"]))
		}
	}
	for name, id := range ids {
		assert.Eventually(t, func() bool { return gone(id) }, 10*time.Second, 10*time.Millisecond, "%s: process %d", name, id)
	}
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// So it is with the store that podchain starts for itself.
func TestCleanAfterAKilledRunWithAStore(t *testing.T) {
	t.Parallel()
	temporary, programs := t.TempDir(), t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(programs, "etcd"), []byte("#!/bin/sh\nsetsid sleep 1000 &\necho $! > \"$ID\"\nwait\n"), 0o700))
	command := podchain(t, "verify", "--select", "RS-05", "--store", "etcd")
	id := filepath.Join(command.Dir, "id")
	command.Env = append(command.Env, "TMPDIR="+temporary, "PATH="+programs+":"+os.Getenv("PATH"), "ID="+id)
	require.NoError(t, command.Start())
	var process int
	require.Eventually(t, func() bool {
		text, err := os.ReadFile(id)
		if err == nil {
			process, err = strconv.Atoi(strings.TrimSpace(string(text)))
		}
		return err == nil
	}, time.Minute, 10*time.Millisecond)
	require.NoError(t, command.Process.Kill())
	require.Error(t, command.Wait())
	clean := podchain(t, "clean")
	clean.Env = append(clean.Env, "TMPDIR="+temporary)
	status, stdout, stderr := run(t, clean)
	assert.Zero(t, status, stderr)
	assert.Contains(t, stdout, strconv.Itoa(process))
	assert.True(t, gone(process))
	left, err := os.ReadDir(temporary)
	require.NoError(t, err)
	assert.Empty(t, left)
}

// gone tells whether a process has ended, though its parent may not have asked yet.
func gone(id int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	return err != nil || strings.Contains(string(status), ") Z ")
}

const needsAScheduler = `Feature: mine
  @RS-01 @MUST
  Rule: one
    Scenario: the program ends in the middle of it
      When Deployment "web" is created
      Then Deployment "web" is ready
    Scenario: the program has ended before it
      When Deployment "web" is created
      Then Deployment "web" is ready
`

// What podchain printed there before is replaced, and nothing else that is called like
// a log.
func TestNoLogOfAUserIsLost(t *testing.T) {
	t.Parallel()
	const mine, old = "my own\n", "# podchain: what the scheduler prints\nold\n"
	program := itself(t) + " run scheduler --kubeconfig={kubeconfig}"
	verify := []string{"verify", "--select", "RS-05", "--logs", "d", "--link", "scheduler=" + program}
	matrix := []string{"matrix", "--select", "RS-05", "--logs", "d", "--links", "deployment-controller", "--origins", "reference", "--link", "scheduler=" + program}
	for name, test := range map[string]struct {
		arguments []string
		file      string
		content   string
		refused   bool
	}{
		"of a user":               {append(verify, "--report", "events=e"), "d/scheduler.log", mine, true},
		"of a further cluster":    {append(verify, "--report", "events=e"), "d/cluster-2/scheduler.log", mine, true},
		"of a matrix":             {append(matrix, "--report", "json=e"), "d/1/scheduler.log", mine, true},
		"of another program":      {append(verify, "--report", "events=n"), "d/kubelet.log", mine, false},
		"of an earlier run":       {append(verify, "--report", "events=n"), "d/scheduler.log", old, false},
		"of a user of its matrix": {append(matrix, "--report", "json=n"), "d/scheduler.log", mine, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			command := podchain(t, test.arguments...)
			write(t, command.Dir, test.file, test.content)
			write(t, command.Dir, "e", "an earlier report\n")
			before := everything(t, command.Dir)
			status, _, stderr := run(t, command)
			after := everything(t, command.Dir)
			if test.refused {
				assert.Equal(t, statusUnable, status, stderr)
				assert.Contains(t, stderr, test.file+": it is not a log of podchain: move it away, or name another directory for the logs")
				assert.Empty(t, cmp.Diff(before, after), "nothing is lost, and nothing left")
				return
			}
			assert.Zero(t, status, stderr)
			if test.content == old {
				assert.NotContains(t, after[test.file], "\nold\n")
			} else {
				assert.Equal(t, before[test.file], after[test.file])
			}
		})
	}
}
