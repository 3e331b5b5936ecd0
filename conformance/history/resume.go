package history

import (
	"context"
	"errors"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/util/wait"
)

// outageTimeout is how long an API server may be away before its watches count as
// lost.
const outageTimeout = 2 * time.Minute

// pause is the time between two attempts: a server does not announce that it is back.
const pause = 200 * time.Millisecond

// resume opens a watch again. While the API server is away (it may be the link
// that a scenario restarts) it tries again, as any client does, and says so; what
// the server refuses is final.
func (r *Recorder) resume(source Source, version string) (stream *stream, wasAway bool, err error) {
	waitErr := wait.PollUntilContextTimeout(r.ctx, pause, outageTimeout, true, func(context.Context) (bool, error) {
		stream, err = r.start(source, version)
		if status := apierrors.APIStatus(nil); err != nil && errors.As(err, &status) && status.Status().Code < 500 && status.Status().Code != 429 {
			return false, err
		}
		wasAway = wasAway || err != nil
		return err == nil, nil
	})
	if err == nil {
		err = waitErr
	}
	return stream, wasAway, err
}

// reconnect lists a source after a gap, as soon as that is possible again. The error is
// that of the recorder's end.
func (r *Recorder) reconnect(source Source, listed listed) (version string, err error) {
	err = wait.PollUntilContextCancel(r.ctx, pause, true, func(ctx context.Context) (bool, error) {
		var failed error
		version, failed = r.list(ctx, source, listed)
		return failed == nil, nil
	})
	return version, err
}
