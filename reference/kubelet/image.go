package kubelet

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"

	"github.com/podchain/podchain/reference/runtime"
)

// The waiting reasons about images (KUBELET-24, KUBELET-25).
const (
	reasonInvalidName = "InvalidImageName"
	reasonNeverPull   = "ErrImageNeverPull"
	reasonPull        = "ErrImagePull"
	reasonPullBackOff = "ImagePullBackOff"
	reasonInspect     = "ImageInspectError"
)

// pullNotice is for how long ErrImagePull stands before ImagePullBackOff does.
const pullNotice = time.Second

// notStarted is why a container was not started. It becomes the waiting reason.
type notStarted struct {
	reason, message string
	// retry is when it is worth another try; 0 for not by itself.
	retry time.Duration
}

func (e *notStarted) Error() string { return e.reason + ": " + e.message }

// pulling is what is known about the pulls of an image for one Pod.
type pulling struct {
	backoff backoff
	failure string
}

// ensureImage sees to it that the image is on the node as far as the policy
// allows (KUBELET-23), and returns the reference to create the container from.
func (w *worker) ensureImage(ctx context.Context, pod *corev1.Pod, c *corev1.Container, sandbox *runtimeapi.PodSandboxConfig) (string, error) {
	reference := containerReference(pod, c.Name)
	warn := func(reason, message string) {
		w.k.events.Event(reference, corev1.EventTypeWarning, reason, message)
	}
	parsed, err := runtime.ParseReference(c.Image)
	if err != nil {
		message := fmt.Sprintf("Failed to apply default image tag %q: %v", c.Image, err)
		warn(eventInspectFailed, message)
		return "", &notStarted{reason: reasonInvalidName, message: message}
	}
	spec := &runtimeapi.ImageSpec{Image: parsed.String(), UserSpecifiedImage: c.Image}
	present, err := w.k.Runtime.ImageStatus(ctx, spec, false)
	if err != nil {
		message := fmt.Sprintf("Failed to inspect image %q: %v", c.Image, err)
		warn(eventInspectFailed, message)
		return "", &notStarted{reason: reasonInspect, message: message, retry: backoffInitial}
	}
	policy := c.ImagePullPolicy
	if image := present.GetImage(); image != nil && policy != corev1.PullAlways {
		w.k.events.Eventf(reference, corev1.EventTypeNormal, eventPulled, "Container image %q already present on machine and can be accessed by the pod", c.Image)
		return image.Id, nil
	}
	if policy == corev1.PullNever {
		message := fmt.Sprintf("Container image %q is not present with pull policy of Never", c.Image)
		warn(eventNeverPull, message)
		return "", &notStarted{reason: reasonNeverPull, message: message, retry: backoffInitial}
	}

	known := w.pulls[c.Image]
	if known == nil {
		known = &pulling{}
		w.pulls[c.Image] = known
	}
	if left := known.backoff.remaining(known.backoff.last, time.Now()); left > 0 {
		message := fmt.Sprintf("Back-off pulling image %q", c.Image)
		w.k.events.Event(reference, corev1.EventTypeNormal, eventBackOff, message)
		if known.failure != "" {
			message += ": " + known.failure
		}
		return "", &notStarted{reason: reasonPullBackOff, message: message, retry: left}
	}
	w.k.events.Eventf(reference, corev1.EventTypeNormal, eventPulling, "Pulling image %q", c.Image)
	began := time.Now()
	id, err := w.k.Runtime.PullImage(ctx, spec, nil, sandbox)
	if err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		warn(eventFailed, fmt.Sprintf("Failed to pull image %q: %v", c.Image, err))
		known.backoff.next(time.Now())
		known.failure = fmt.Sprintf("%s: %v", reasonPull, err)
		return "", &notStarted{reason: reasonPull, message: err.Error(), retry: pullNotice}
	}
	delete(w.pulls, c.Image)
	w.k.events.Eventf(reference, corev1.EventTypeNormal, eventPulled, "Successfully pulled image %q in %s", c.Image, time.Since(began).Truncate(time.Millisecond))
	return id, nil
}

// asNotStarted returns the waiting reason in the error, or the given one if the error
// has none.
func asNotStarted(err error, reason string) *notStarted {
	var known *notStarted
	if errors.As(err, &known) {
		return known
	}
	return &notStarted{reason: reason, message: err.Error(), retry: backoffInitial}
}
