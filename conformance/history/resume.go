package history

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
)

// patience is how long an API server may be away before its watches count as
// lost.
const patience = 2 * time.Minute

// resume opens a watch again. While the API server is away (it may be the link
// that a scenario restarts) it tries again, as any client does; what the server
// refuses is final.
func (r *Recorder) resume(source Source, version string) (stream *stream, err error) {
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	backoff := wait.Backoff{Duration: 50 * time.Millisecond, Factor: 2, Cap: 2 * time.Second, Steps: 1000}
	waitErr := wait.ExponentialBackoffWithContext(ctx, backoff, func(context.Context) (bool, error) {
		stream, err = r.start(source, version)
		if status := apierrors.APIStatus(nil); err != nil && errors.As(err, &status) && status.Status().Code < 500 && status.Status().Code != 429 {
			return false, err
		}
		return err == nil, nil
	})
	if err == nil {
		err = waitErr
	}
	return stream, err
}
