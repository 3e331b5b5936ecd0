// Package trace creates one Deployment and shows what the chain makes of it,
// step by step, until it is available or makes no more progress. It watches like any
// other client, so it works on every cluster.
package trace

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/history"
	"github.com/podchain/podchain/conformance/objects"
)

// Options say what is traced.
type Options struct {
	// Deployment to create, with name and namespace.
	Deployment *unstructured.Unstructured
	// Out is where the trace is written.
	Out io.Writer
	// Timeout ends the trace of a Deployment that is still not available.
	Timeout time.Duration
	// StallTimeout is how long the chain may stand still, with a reason to think
	// that it is stuck, until it counts as stuck. Zero means 10 seconds.
	StallTimeout time.Duration
	// Remove deletes the Deployment at the end, however the trace ends.
	Remove bool
	// Observed is called at the end, if there was a POST, with what was observed and
	// the time of the POST; it may be nil.
	Observed func(record history.Record, posted time.Time) error
}

const (
	defaultStallTimeout = 10 * time.Second
	// requestTimeout bounds a single request.
	requestTimeout = 30 * time.Second
	// straggling is how long the news of a cause may come after those of its
	// last effect.
	straggling = time.Second
)

// ErrStuck is what a trace ends with that could be made, of a Deployment that
// did not become available. Why has been written by then.
var ErrStuck = errors.New("the Deployment is stuck")

// tracer is one trace under way.
type tracer struct {
	Options
	deployments dynamic.ResourceInterface
	record      *history.History
	print       *printer
	chain       *chainState
	// nodesUnknown says that this client may not see Nodes.
	nodesUnknown bool
	seen         int // versions of the record that the chain has taken in
}

// Run creates the Deployment and writes its trace. The error is nil if the
// Deployment became available, and ErrStuck if it did not; any other says why
// there is no (complete) trace.
func Run(ctx context.Context, config *rest.Config, options Options) (err error) {
	if options.StallTimeout == 0 {
		options.StallTimeout = defaultStallTimeout
	}
	config = rest.CopyConfig(config)
	config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
	config.UserAgent, config.QPS = "podchain", -1
	transport, err := rest.HTTPClientFor(config)
	if err != nil {
		return err
	}
	defer transport.CloseIdleConnections()
	warned := &warnings{}
	posting := rest.CopyConfig(config)
	posting.WarningHandler = warned
	client, err := dynamic.NewForConfigAndClient(posting, transport)
	if err != nil {
		return err
	}
	t := &tracer{
		Options: options, record: history.New(),
		deployments: client.Resource(traced.GroupVersionResource).Namespace(options.Deployment.GetNamespace()),
		print:       &printer{out: options.Out, told: map[string]bool{}},
	}
	recorder, err := history.NewRecorder(config, transport, t.record)
	if err != nil {
		return err
	}
	defer recorder.Stop()
	if err := t.watch(ctx, recorder); err != nil {
		return err
	}
	if err := t.post(ctx); err != nil {
		return err
	}
	t.print.warnings(*warned)
	if options.Observed != nil {
		defer func() {
			if fault := options.Observed(t.record.Now(), t.chain.began); fault != nil {
				err = errors.Join(err, fault)
			}
		}()
	}
	if options.Remove {
		defer func() {
			if fault := t.remove(ctx); fault != nil {
				err = errors.Join(err, fault)
			}
		}()
	}
	return t.follow(ctx)
}

// watch opens the watches, before there is anything to see.
func (t *tracer) watch(ctx context.Context, recorder *history.Recorder) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	namespace, labels := t.Deployment.GetNamespace(), selector(t.Deployment)
	self := fields.OneTermEqualSelector(metav1.ObjectNameField, t.Deployment.GetName()).String()
	// A user who may create Deployments in a namespace need not be allowed to see Nodes.
	err := recorder.Watch(ctx, history.Source{Resource: chain.KindOf("Node").GroupVersionResource})
	if t.nodesUnknown = apierrors.IsForbidden(err); err != nil && !t.nodesUnknown {
		return err
	}
	var sources []history.Source
	for _, kind := range chain.Family(traced.Name) {
		source := history.Source{Resource: kind.GroupVersionResource, Namespace: namespace, LabelSelector: labels}
		if kind.Name == traced.Name {
			source.FieldSelector, source.LabelSelector = self, ""
		}
		sources = append(sources, source)
	}
	return recorder.Watch(ctx, sources...)
}

// post creates the Deployment. It is not interrupted, so that it is known what
// there is to remove.
func (t *tracer) post(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return errInterrupted
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestTimeout)
	defer cancel()
	name := t.Deployment.GetNamespace() + "/" + t.Deployment.GetName()
	began := time.Now()
	created, err := t.deployments.Create(ctx, t.Deployment, metav1.CreateOptions{
		FieldValidation: metav1.FieldValidationStrict, FieldManager: "podchain"})
	switch status := apierrors.APIStatus(nil); {
	case err == nil:
	case apierrors.IsAlreadyExists(err):
		return fmt.Errorf("there is a Deployment %s already: delete it first, or give the manifest another name", name)
	case errors.As(err, &status):
		return fmt.Errorf("the API server refuses Deployment %s (%d %s): %w", name, status.Status().Code, status.Status().Reason, err)
	default:
		return fmt.Errorf("POST Deployment %s: %w", name, err)
	}
	t.chain = newChain(created, began, time.Now())
	t.chain.nodesUnknown = t.nodesUnknown
	return nil
}

var errInterrupted = errors.New("interrupted")

// follow prints the chain as it happens until the Deployment is available or
// stuck.
func (t *tracer) follow(ctx context.Context) error {
	ends := t.chain.began.Add(t.Timeout)
	t.print.header()
	for {
		t.advance()
		if t.print.err != nil {
			return fmt.Errorf("write the trace: %w", t.print.err)
		}
		now := time.Now()
		wake := ends
		switch {
		case t.chain.available():
			// The remaining steps may still be under way to this client.
			wake = t.chain.changed.Add(straggling)
			if t.chain.told() || !now.Before(wake) {
				return t.end(nil)
			}
		case t.chain.gone || !now.Before(ends):
			return t.end(ErrStuck)
		default:
			quiet := t.quietUntil()
			if !now.Before(quiet) {
				if _, patient := t.chain.stuckAt(); !patient {
					return t.end(ErrStuck)
				}
			} else if quiet.Before(wake) {
				wake = quiet
			}
		}
		if err := t.next(ctx, wake); err != nil {
			t.print.follow(t.chain, true)
			t.print.summary(t.chain)
			return err
		}
	}
}

// advance takes in and prints what is new in the record.
func (t *tracer) advance() {
	record := t.record.Now()
	for _, version := range record.Since(t.seen) {
		t.chain.observe(version)
	}
	t.seen = record.Len()
	switch troubled := len(t.chain.troubles()) > 0; {
	case !troubled:
		t.chain.troubled = time.Time{}
	case t.chain.troubled.IsZero():
		t.chain.troubled = t.chain.changed
	}
	t.print.follow(t.chain, false)
}

// quietUntil returns when the chain will have stood still for so long that it
// may be stuck. With a known trouble only a step forward counts as movement: a
// kubelet that tries in vain again and again writes, too.
func (t *tracer) quietUntil() time.Time {
	moved := t.chain.changed
	if troubled := t.chain.troubled; !troubled.IsZero() {
		moved = t.chain.forward
		if troubled.After(moved) {
			moved = troubled
		}
	}
	return moved.Add(t.StallTimeout)
}

// next returns when there is something new in the record, or it is time.
func (t *tracer) next(ctx context.Context, wake time.Time) error {
	bounded, cancel := context.WithDeadline(ctx, wake)
	defer cancel()
	err := t.record.Await(bounded, "a change", func(record history.Record) error {
		if record.Len() > t.seen {
			return nil
		}
		return errors.New("nothing new")
	})
	switch {
	case errors.Is(err, history.ErrBroken):
		return err
	case ctx.Err() != nil:
		return errInterrupted
	}
	return nil // new or not, it is time to look
}

// end prints the verdict and the summary.
func (t *tracer) end(verdict error) error {
	t.print.follow(t.chain, true)
	deployment := t.chain.deployment
	name := deployment.GetNamespace() + "/" + deployment.GetName()
	if verdict == nil {
		t.print.paragraph("Deployment %s is available after %s: %d of %d Pods.", name,
			latency(t.chain.at(len(chain.Steps)-1).Sub(t.chain.began)),
			objects.Int(deployment, "status", "availableReplicas"), t.chain.wanted())
	} else {
		blames, _ := t.chain.stuckAt()
		t.print.paragraph("Deployment %s is stuck at the %s after %s.", name, blames[0].Link, latency(time.Since(t.chain.began)))
		t.print.blames(blames)
	}
	t.print.summary(t.chain)
	if t.print.err != nil {
		return fmt.Errorf("write the trace: %w", t.print.err)
	}
	return verdict
}

// remove deletes the Deployment, and returns when it and all that it owned are
// gone. An interrupted trace is cleaned up, too.
func (t *tracer) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), max(t.Timeout, requestTimeout))
	defer cancel()
	name, uid := t.chain.deployment.GetName(), t.chain.deployment.GetUID()
	foreground, began := metav1.DeletePropagationForeground, time.Now()
	err := t.deployments.Delete(ctx, name, metav1.DeleteOptions{
		PropagationPolicy: &foreground, Preconditions: metav1.NewUIDPreconditions(string(uid))})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err == nil {
		seen := 0
		err = t.record.Await(ctx, "the end of the Deployment", func(record history.Record) error {
			for _, version := range record.Since(seen) {
				if version.Type == "DELETED" && version.Object.GetUID() == uid {
					return nil
				}
			}
			seen = record.Len()
			return errors.New("its ReplicaSets or Pods are still there")
		})
	}
	if err != nil {
		return fmt.Errorf("remove Deployment %s: %w", name, err)
	}
	t.print.printf("\nRemoved with its ReplicaSet and Pods in %s.\n", latency(time.Since(began)))
	return nil
}
