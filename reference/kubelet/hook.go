package kubelet

import (
	"context"
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// runHook runs a postStart or preStop hook to its end.
func (w *worker) runHook(ctx context.Context, pod *corev1.Pod, c *corev1.Container, id, address string, hook *corev1.LifecycleHandler) error {
	switch {
	case hook.Exec != nil:
		_, stderr, err := w.k.Runtime.ExecSync(ctx, id, hook.Exec.Command, 0)
		if err != nil {
			return fmt.Errorf("command '%s': %w %s", strings.Join(hook.Exec.Command, " "), err, stderr)
		}
		return nil
	case hook.HTTPGet != nil:
		request, err := w.k.newRequest(ctx, c, hook.HTTPGet, address)
		if err != nil {
			return err
		}
		_, err = w.k.do(request) // whatever the answer is: Kubernetes does not look at it
		return err
	case hook.Sleep != nil:
		pause(ctx, time.Duration(hook.Sleep.Seconds)*time.Second)
		return ctx.Err()
	}
	// The API server lets tcpSocket through, which no kubelet runs any more.
	return fmt.Errorf("invalid handler: %v", hook)
}

func (w *worker) podIP(pod *corev1.Pod) string {
	if status := w.lastStatus(); status != nil && status.PodIP != "" {
		return status.PodIP
	}
	return pod.Status.PodIP
}
