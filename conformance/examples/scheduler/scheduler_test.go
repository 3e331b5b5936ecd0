package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/cmd/podchain/command"
)

// as makes the test binary be one of the two programs.
const as = "SCHEDULER_TEST_AS"

func TestMain(m *testing.M) {
	switch os.Getenv(as) {
	case "podchain":
		os.Exit(command.Main(command.Options{}))
	case "scheduler":
		main()
		return
	}
	os.Exit(m.Run())
}

// What README.md says of it.
func TestVerdicts(t *testing.T) {
	itself, err := os.Executable()
	require.NoError(t, err)
	for name, test := range map[string]struct {
		arguments []string
		status    int
		verdicts  map[string]string
		blamed    string
	}{
		"what it does": {
			[]string{"--select", "CHAIN-01", "--select", "SCHED-01", "--select", "SCHED-02", "--select", "SCHED-05", "--select", "SCHED-08",
				"--select", "SCHED-09", "--select", "SCHED-10", "--select", "SCHED-11"},
			0, map[string]string{"CHAIN-01": "passed", "SCHED-01": "passed", "SCHED-02": "passed", "SCHED-05": "passed", "SCHED-08": "passed",
				"SCHED-09": "passed", "SCHED-10": "passed", "SCHED-11": "passed"}, "",
		},
		"what it does not": {
			// Nobody waits for long for what is not to come.
			[]string{"--select", "SCHED-07", "--select", "SCHED-16", "--timeout", "5s"},
			1, map[string]string{"SCHED-07": "failed", "SCHED-16": "failed"}, "scheduler",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "report.json")
			link := "scheduler=" + as + "=scheduler '" + itself + "' --kubeconfig={kubeconfig}"
			verify := exec.Command(itself, append([]string{"verify", "--link", link, "--report", "json=" + file}, test.arguments...)...)
			verify.Env = append(os.Environ(), as+"=podchain")
			printed, err := verify.CombinedOutput()
			if test.status != 0 {
				require.ErrorAs(t, err, new(*exec.ExitError), string(printed))
			} else {
				require.NoError(t, err, string(printed))
			}
			assert.Equal(t, test.status, verify.ProcessState.ExitCode(), string(printed))
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			var report struct {
				Requirements []struct {
					ID, Outcome string
					Failures    []struct{ Blamed string }
				}
			}
			require.NoError(t, json.Unmarshal(content, &report))
			verdicts := map[string]string{}
			for _, requirement := range report.Requirements {
				verdicts[requirement.ID] = requirement.Outcome
				for _, failure := range requirement.Failures {
					assert.Equal(t, test.blamed, failure.Blamed, requirement.ID)
				}
			}
			assert.Empty(t, cmp.Diff(test.verdicts, verdicts))
		})
	}
}
