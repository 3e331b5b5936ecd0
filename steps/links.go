package steps

import (
	"context"
	"fmt"
	"strings"

	"github.com/cucumber/godog"
	"k8s.io/apimachinery/pkg/util/sets"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/field"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/implementation"
)

var linkSentences = []Sentence{
	{
		text:        `the ` + link + ` is stopped`,
		Description: "Stops the link as a crash does, until it is started or the scenario ends. It is not blamed meanwhile. The scenario needs the tag @needs-links.",
		Example:     `When the scheduler is stopped`,
		cutsOff:     "$1",
		Step:        func(w *World) any { return w.linkIsStopped },
	},
	{
		text:        `the ` + link + ` is started`,
		Description: "Starts the link again, without any state of its own.",
		Example:     `When the scheduler is started`,
		Step:        func(w *World) any { return w.linkIsStarted },
	},
	{
		text: `the ` + link + ` runs with two replicas`,
		Description: "Runs the link in two processes with leader election for the rest of the scenario, and waits until one of them leads. The scenario needs the " +
			"tag @needs-replicas.",
		Example: `Given the deployment-controller runs with two replicas`,
		Step:    func(w *World) any { return w.linkRunsWithTwoReplicas },
	},
	{
		text:        `the leader of the ` + link + ` is killed`,
		Description: "Ends that one of the two processes of the link which leads.",
		Example:     `When the leader of the deployment-controller is killed`,
		Step:        func(w *World) any { return w.leaderIsKilled },
	},
	{
		text:        `the history of the API server is compacted`,
		Description: "Has the API server forget all but the present version of every object. The scenario needs the tag @needs-compaction.",
		Example:     `When the history of the API server is compacted`,
		Step:        func(w *World) any { return w.historyIsCompacted },
	},
	{
		text: `these links have written, and no others`,
		Description: "When the cluster is at rest, demands of every row that the link has made such a write with success, and that no other link has. The scenario " +
			"needs the tag @needs-faults.",
		Example: `Then these links have written, and no others:
  | object                      | verb   | subresource | link                  |
  | the Pod of Deployment "web" | create |             | replicaset-controller |
  | the Pod of Deployment "web" | create | binding     | scheduler             |`,
		Table: writes,
		Step:  func(w *World) any { return w.theseLinksHaveWritten },
	},
}

// linkIsStopped and startLink disturb the chain (capability "links").
func (w *World) linkIsStopped(ctx context.Context, name string) error {
	links, link, err := w.link(name)
	if err != nil {
		return err
	}
	w.stimulus()
	if !w.Stopped.Has(link) {
		w.Stopped.Insert(link)
		// However the scenario ends, others must find the link running again.
		w.cleanup = append(w.cleanup, func(ctx context.Context) error {
			if !w.Stopped.Has(link) {
				return nil
			}
			return links.StartLink(ctx, link)
		})
	}
	return links.StopLink(ctx, link)
}

func (w *World) linkIsStarted(ctx context.Context, name string) error {
	links, link, err := w.link(name)
	if err != nil {
		return err
	}
	w.stimulus()
	w.Stopped.Delete(link)
	return links.StartLink(ctx, link)
}

func (w *World) link(name string) (implementation.Links, chain.Link, error) {
	link, err := chain.ParseLink(name)
	if err != nil {
		return nil, "", CouldNotRun{err}
	}
	links, err := implementation.Need[implementation.Links](w.Cluster)
	if err != nil {
		return nil, "", CouldNotRun{err}
	}
	return links, link, nil
}

// linkRunsWithTwoReplicas has a link run in two processes for the rest of the scenario, one of
// which leads (capability "replicas").
func (w *World) linkRunsWithTwoReplicas(ctx context.Context, name string) error {
	replicas, link, err := w.replicas(name)
	if err != nil {
		return err
	}
	w.stimulus()
	w.cleanup = append(w.cleanup, func(ctx context.Context) error { return replicas.StopReplicas(ctx, link) })
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return replicas.StartReplica(ctx, link)
}

func (w *World) leaderIsKilled(ctx context.Context, name string) error {
	replicas, link, err := w.replicas(name)
	if err != nil {
		return err
	}
	w.stimulus()
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return replicas.KillLeader(ctx, link)
}

func (w *World) replicas(name string) (implementation.Replicas, chain.Link, error) {
	link, err := chain.ParseLink(name)
	if err != nil {
		return nil, "", CouldNotRun{err}
	}
	replicas, err := implementation.Need[implementation.Replicas](w.Cluster)
	if err != nil {
		return nil, "", CouldNotRun{err}
	}
	return replicas, link, nil
}

// historyIsCompacted has the API server forget the past versions of everything (WATCH-09).
func (w *World) historyIsCompacted(ctx context.Context) error {
	compactor, err := implementation.Need[implementation.Compactor](w.Cluster)
	if err != nil {
		return CouldNotRun{err}
	}
	w.stimulus()
	return compactor.Compact(ctx)
}

// theseLinksHaveWritten demands of every row that its object was written like that, and
// by no link except the one that the row names (CHAIN-08).
func (w *World) theseLinksHaveWritten(ctx context.Context, table *godog.Table) error {
	faults, err := w.faults()
	if err != nil {
		return err
	}
	lines, err := rows(table)
	if err != nil {
		return err
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	writes, err := faults.Writes(ctx)
	if err != nil {
		return CouldNotRun{fmt.Errorf("what the links have written: %w", err)}
	}
	record := w.History.Now()
	for _, line := range lines {
		subject, err := w.find(record, line["object"])
		if err != nil {
			return err
		}
		verb, err := field.ParseMatcher(line["verb"])
		if err != nil {
			return CouldNotRun{err}
		}
		if err := w.writtenBy(record, subject, writes, line, verb); err != nil {
			return err
		}
	}
	return nil
}

func (w *World) writtenBy(record history.Record, subject reference, writes []implementation.Write, line map[string]string, verb field.Matcher) error {
	versions := subject.versions(record)
	if len(versions) == 0 {
		return fmt.Errorf("%s never existed", subject.text)
	}
	object := versions[0].Object
	what := strings.TrimSpace(fmt.Sprintf("%s %s of %s", line["verb"], line["subresource"], subject.text))
	found := false
	for _, write := range writes {
		if !write.Succeeded() || write.Resource != chain.KindOf(subject.kind).Resource || write.Subresource != line["subresource"] ||
			write.Namespace != object.GetNamespace() || write.Name != object.GetName() || verb.Match(write.Verb, true, nil) != nil {
			continue
		}
		if string(write.Link) != line["link"] {
			return fmt.Errorf("%s: expected only the %s, the %s has done it too", what, line["link"], write.Link)
		}
		found = true
	}
	if !found {
		return fmt.Errorf("%s: the %s has not done it", what, line["link"])
	}
	return nil
}

// StoppedByScenario are the links that cannot be blamed for what they have left undone:
// the scenario has stopped them, or the kubelet of one of its nodes.
func (w *World) StoppedByScenario() sets.Set[chain.Link] {
	excused := w.Stopped.Clone()
	if w.silent.Len() > 0 {
		excused.Insert(chain.Kubelet)
	}
	return excused
}
