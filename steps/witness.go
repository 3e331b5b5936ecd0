package steps

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/history"
)

// witnessPattern is how a sentence names its witness: something of the same
// kind that does get the effect, which proves that the link had the chance.
var witnessPattern = regexp.MustCompile(`^a new (` + strings.Join(chain.Names(chain.Workloads()), "|") + `) (gets a (\w+)|is bound|runs|is ready)$`)

// witness makes the sentinel and waits for its effect. Without the effect the
// sentence could not be judged.
func (w *World) witness(ctx context.Context, text string) error {
	match := witnessPattern.FindStringSubmatch(text)
	if match == nil {
		return CouldNotRun{fmt.Errorf("%q is not a witness", text)}
	}
	kind, effect, child := match[1], match[2], match[3]
	mark := w.mark
	name := fmt.Sprintf("witness-%d", w.History.Now().Len())
	replicas := ""
	if len(chain.KindOf(child).Makes) > 0 {
		replicas = "0" // what it would make in turn is not needed for that
	}
	if err := w.isCreatedWith(ctx, kind, name, replicas, nil); err != nil {
		return CouldNotRun{fmt.Errorf("the witness could not be created: %w", err)}
	}
	w.mark = mark
	subject := fmt.Sprintf("%s %q", kind, name)
	err := w.await(ctx, "the witness, "+text, func(record history.Record) error {
		found, err := w.find(record, subject)
		if err != nil {
			return err
		}
		object := found.live(record)
		if object == nil {
			return fmt.Errorf("it has not appeared")
		}
		switch effect {
		case "is bound":
			if history.Text(object, "spec", "nodeName") == "" {
				return fmt.Errorf("it has no node")
			}
		case "runs":
			if phase := history.Text(object, "status", "phase"); phase != "Running" {
				return fmt.Errorf("its phase is %s", phase)
			}
		case "is ready":
			return chain.Unready(object)
		default:
			children, err := w.children(record, child, subject)
			if err != nil {
				return err
			}
			if len(children) == 0 {
				return fmt.Errorf("it has no %s", child)
			}
		}
		return nil
	})
	if err != nil {
		return CouldNotRun{fmt.Errorf("without its witness the sentence proves nothing: %w", err)}
	}
	return w.settle(ctx)
}

// chance gives the links the chance to do what they must not: a witness, or a
// number of seconds after from.
func (w *World) chance(ctx context.Context, witness string, from time.Time, seconds string) error {
	if witness != "" {
		return w.witness(ctx, witness)
	}
	if err := w.pass(ctx, from, seconds); err != nil {
		return err
	}
	return w.settle(ctx)
}
