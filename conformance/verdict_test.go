package conformance

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/diagnosis"
	"github.com/podchain/podchain/conformance/events"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/permission"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/steps"
)

// TestVerdict: which facts make which verdict, and which of them counts where several
// are there. Every row of the table of decisions decides at least once.
func TestVerdict(t *testing.T) {
	var (
		third      = 3
		apiServer  = crashedLink{chain.APIServer, errors.New("the api-server ended\nstack")}
		scheduler  = crashedLink{chain.Scheduler, errors.New("the scheduler ended\nstack")}
		undone     = diagnosis.Culprit{Link: chain.Kubelet, Missing: "no node is ready"}
		restless   = diagnosis.Culprit{Link: chain.JobController, Missing: "it does not come to rest"}
		culprit    = diagnosis.Culprit{Link: chain.GarbageCollector}
		failed     = fmt.Errorf("expected 1\ngot 2")
		leftBehind = errors.New("it left something behind")
		notEnded   = errors.New("it did not end well")
	)
	decided := map[string]bool{}
	wrap := func(err error) error { return fmt.Errorf("waited: %w", err) }
	type want struct {
		outcome events.Outcome
		blamed  chain.Link
		reason  string
		error   string
	}
	for _, test := range []struct {
		row   string
		facts facts
		want  want
	}{
		{"passed", facts{}, want{outcome: events.Passed}},
		{"not applicable", facts{notApplicable: "no links"}, want{events.NotApplicable, "", "no links", ""}},
		{"not applicable", facts{notApplicable: "no links", crashedAfter: scheduler, further: []error{notEnded}}, want{events.NotApplicable, "", "no links", ""}},
		{"not reached", facts{notReached: events.NotReached}, want{events.CouldNotRun, "", events.NotReached, ""}},
		{"the cluster has died", facts{lost: apiServer.err}, want{events.CouldNotRun, chain.APIServer, "api-server: the api-server ended", "the api-server ended\nstack"}},
		{"the cluster has died", facts{lost: apiServer.err, cancelled: true, err: wrap(steps.ErrNoAnswer), step: &third},
			want{events.CouldNotRun, chain.APIServer, "api-server: the api-server ended", "the api-server ended\nstack\nwaited: " + steps.ErrNoAnswer.Error()}},
		{"the run was ended", facts{cancelled: true, err: failed, step: &third, sure: true, culprit: undone}, want{events.CouldNotRun, "", "the run was ended in the middle of it", "expected 1\ngot 2"}},
		{"a panic", facts{err: panicked{failed}, step: &third, crashed: scheduler, sure: true, culprit: undone}, want{events.CouldNotRun, "", "expected 1", "expected 1\ngot 2\nthe scheduler ended\nstack"}},
		{"a crash before it began", facts{crashedBefore: scheduler, crashedAfter: scheduler},
			want{events.CouldNotRun, chain.Scheduler, "scheduler: the scheduler ended", "the scenario could not begin: the scheduler ended\nstack"}},
		{"a crash of the API server", facts{err: wrap(steps.ErrNoAnswer), step: &third, crashed: apiServer, sure: true, culprit: undone},
			want{events.CouldNotRun, chain.APIServer, "api-server: the api-server ended", "waited: " + steps.ErrNoAnswer.Error() + "\nthe api-server ended\nstack"}},
		{"a crash", facts{err: wrap(history.ErrNotConverging), step: &third, crashed: scheduler, crashedAfter: scheduler, sure: true, culprit: restless},
			want{events.Failed, chain.Scheduler, "scheduler: the scheduler ended", "waited: " + history.ErrNotConverging.Error() + "\nthe scheduler ended\nstack"}},
		{"it never converges", facts{err: wrap(history.ErrNotConverging), step: &third, sure: true, culprit: restless},
			want{events.Failed, chain.JobController, "job-controller: it does not come to rest", "waited: " + history.ErrNotConverging.Error()}},
		{"a gap in the record", facts{err: wrap(history.ErrBroken), step: &third, sure: true, culprit: undone}, want{events.CouldNotRun, "", "waited: " + history.ErrBroken.Error(), "waited: " + history.ErrBroken.Error()}},
		{"the account lacks a permission", facts{err: wrap(permission.ErrDenied), step: &third, sure: true, culprit: undone}, want{events.CouldNotRun, "", "waited: " + permission.ErrDenied.Error(), "waited: " + permission.ErrDenied.Error()}},
		{"a link has not done its part", facts{err: wrap(implementation.ErrNotReady), sure: true, culprit: undone}, want{events.Failed, chain.Kubelet, "kubelet: no node is ready", "waited: " + implementation.ErrNotReady.Error()}},
		{"a link has not done its part", facts{err: steps.CouldNotRun{Err: failed}, sure: true, culprit: undone}, want{events.Failed, chain.Kubelet, "kubelet: no node is ready", "expected 1\ngot 2"}},
		{"a step without a verdict", facts{err: wrap(steps.CouldNotRun{Err: failed}), step: &third, culprit: culprit}, want{events.CouldNotRun, "", "waited: expected 1", "waited: expected 1\ngot 2"}},
		{"an error of no step", facts{err: failed, culprit: culprit}, want{events.CouldNotRun, "", "expected 1", "expected 1\ngot 2"}},
		{"something is done wrongly", facts{err: failed, step: &third, culprit: culprit, further: []error{leftBehind, notEnded}},
			want{events.Failed, chain.GarbageCollector, "expected 1", "expected 1\ngot 2\nbeside that: it left something behind\nbeside that: it did not end well"}},
		{"something is done wrongly", facts{err: failed, step: &third, culprit: culprit, crashedAfter: scheduler},
			want{events.Failed, chain.GarbageCollector, "expected 1", "expected 1\ngot 2\nthe scheduler ended\nstack"}},
		{"a crash of the API server at the end", facts{crashedAfter: apiServer},
			want{events.CouldNotRun, chain.APIServer, "api-server: the api-server ended", "all steps held, but a link ended by itself: the api-server ended\nstack"}},
		{"a crash at the end", facts{crashedAfter: scheduler, further: []error{leftBehind}},
			want{events.Failed, chain.Scheduler, "scheduler: the scheduler ended", "all steps held, but a link ended by itself: the scheduler ended\nstack\nbeside that: it left something behind"}},
		{"an error after the last step", facts{further: []error{leftBehind, notEnded}}, want{events.CouldNotRun, "", "it left something behind", "it left something behind\nbeside that: it did not end well"}},
	} {
		t.Run(test.row, func(t *testing.T) {
			require.Equal(t, test.row, decide(test.facts).name)
			e := execution{example: &specification.Example{Requirement: &specification.Requirement{ID: "RS-01"}}, facts: test.facts}
			verdict := e.verdict()
			got := want{outcome: verdict.Outcome, reason: verdict.Reason}
			if evidence := verdict.Evidence; evidence != nil {
				got.blamed, got.error = evidence.Blamed, evidence.Error
				assert.Equal(t, test.facts.step, evidence.Step)
			}
			assert.Equal(t, test.want, got)
			assert.Equal(t, "RS-01", verdict.Requirement)
			decided[test.row] = true
		})
	}
	for _, row := range decisions {
		assert.True(t, decided[row.name], "no test reaches the decision %q", row.name)
	}
}
