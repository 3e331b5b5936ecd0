package apiserver

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	watchtype "k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/podchain/podchain/reference/store"
)

const (
	// bookmarkEvery is how often an idle watcher gets a bookmark.
	bookmarkEvery = time.Minute
	// watchAtLeast is a watch's lifetime unless the client names one; up to as
	// much again is added so that watches do not all end at once (WATCH-11).
	watchAtLeast = 30 * time.Minute
)

func isWatch(query url.Values) bool {
	v, ok := query["watch"]
	if !ok {
		return false
	}
	on, err := strconv.ParseBool(v[0])
	return err == nil && on || v[0] == ""
}

// watch answers with the stream of a selection's changes (WATCH-01..14).
func (s *Server) watch(w http.ResponseWriter, rq *request) error {
	options, err := rq.listOptions()
	if err != nil {
		return err
	}
	sel, err := rq.selection(options)
	if err != nil {
		return err
	}
	revision, err := parseRevision(options.ResourceVersion)
	if err != nil {
		return err
	}
	if err := s.mustHaveCome(rq, revision); err != nil {
		return err
	}
	if err := rq.feed.start(s.ctx, &s.background); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(rq.ctx, lifetime(options.TimeoutSeconds))
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()

	changes, leave := rq.feed.join(sel)
	defer leave()
	st := &stream{server: s, request: rq, selection: sel, changes: changes, to: w, position: revision}
	st.bookmarks = options.AllowWatchBookmarks
	contentType := rq.accepted.mediaType
	if contentType == mediaYAML {
		contentType = mediaJSON // there are no YAML frames
	}
	st.mediaType = contentType
	if contentType == mediaProtobuf {
		contentType += ";stream=watch"
	}
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-cache, private")
	w.WriteHeader(http.StatusOK)
	if err := http.NewResponseController(w).Flush(); err != nil {
		return nil // the client has gone
	}
	// A server that ends says nothing more, as one that is killed.
	if err := st.run(ctx, options); err != nil && ctx.Err() == nil && s.ctx.Err() == nil && !errors.Is(err, errGone) {
		return st.fail(err)
	}
	return nil
}

func lifetime(seconds *int64) time.Duration {
	if seconds != nil && *seconds > 0 {
		return time.Duration(*seconds) * time.Second
	}
	return watchAtLeast + rand.N(watchAtLeast)
}

// errGone says that the client has gone.
var errGone = errors.New("the client has gone")

// stream is one watcher: a position in the feed, and what it wants of it.
type stream struct {
	server    *Server
	request   *request
	selection *selection
	changes   *channel
	mediaType string
	bookmarks bool
	// position is the revision up to which everything has been sent.
	position int64
	to       http.ResponseWriter
	buf      []byte
	columns  bool // have been sent
}

func (st *stream) run(ctx context.Context, options *listOptions) error {
	if err := st.initial(ctx, options); err != nil {
		return err
	}
	bookmark := time.NewTicker(bookmarkEvery)
	defer bookmark.Stop()
	for {
		changes, through, more, err := st.changes.after(st.position)
		if errors.Is(err, errBehind) {
			// A feed that has failed, as it does with the store, starts anew.
			if err := st.request.feed.start(st.server.ctx, &st.server.background); err != nil {
				return err
			}
			changes, st.position, err = st.history(ctx)
			if err == nil {
				err = st.send(changes)
			}
			if err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		st.position = through
		if len(changes) > 0 {
			if err := st.send(changes); err != nil {
				return err
			}
			continue
		}
		select {
		case <-more:
		case <-bookmark.C:
			if err := st.bookmark(ctx); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (st *stream) history(ctx context.Context) ([]*change, int64, error) {
	changes, through, err := st.request.storage.history(ctx, st.position)
	if err != nil {
		return nil, st.position, err
	}
	return changes, through, nil
}

// initial sends the present state if the client wants it, which is the default
// without a resourceVersion to start from (WATCH-06, WATCH-07).
func (st *stream) initial(ctx context.Context, options *listOptions) error {
	wanted := st.position == 0
	if options.SendInitialEvents != nil {
		wanted = *options.SendInitialEvents
	}
	if !wanted {
		if st.position == 0 {
			var err error
			st.position, _, err = st.server.store.Revision(ctx)
			return err
		}
		return st.held(ctx)
	}
	present, err := st.request.storage.list(ctx, st.selection.prefix, store.ListOptions{})
	if err != nil {
		return err
	}
	st.position = present.revision
	for _, stored := range present.records {
		if !st.selection.covers(stored.key) {
			continue
		}
		served, ok, err := st.selection.matches(stored)
		if err != nil {
			return err
		}
		if ok {
			if err := st.append(watchtype.Added, served); err != nil {
				return err
			}
		}
	}
	if options.SendInitialEvents != nil && st.bookmarks {
		if err := st.appendBookmark(map[string]string{metav1.InitialEventsAnnotationKey: "true"}); err != nil {
			return err
		}
	}
	return st.flush()
}

// held returns an error if what came after the position is no longer held
// (WATCH-09).
func (st *stream) held(ctx context.Context) error {
	_, compacted, err := st.server.store.Revision(ctx)
	if err == nil && st.position < compacted {
		err = store.ErrCompacted
	}
	return err
}

// send passes on changes as they look to this watcher.
func (st *stream) send(changes []*change) error {
	for _, c := range changes {
		if !st.selection.covers(c.key()) {
			continue
		}
		current, isIn, err := st.selection.matches(c.current)
		if err != nil {
			return err
		}
		_, wasIn, err := st.selection.matches(c.previous)
		if err != nil {
			return err
		}
		switch {
		case isIn && wasIn:
			err = st.append(watchtype.Modified, current)
		case isIn:
			err = st.append(watchtype.Added, current)
		case wasIn:
			var last *record
			if last, err = st.request.present(c.last()); err == nil {
				err = st.append(watchtype.Deleted, last)
			}
		}
		if err != nil {
			return err
		}
	}
	return st.flush()
}

// bookmark tells the client how far it has got (WATCH-08). To learn that, the
// store's history is asked: the feed only knows of this kind's writes.
func (st *stream) bookmark(ctx context.Context) error {
	if !st.bookmarks {
		return nil
	}
	changes, through, err := st.history(ctx)
	if errors.Is(err, store.ErrCompacted) {
		return nil // no version is certain; the feed is complete, so the watch continues
	}
	if err != nil {
		return err
	}
	st.position = through
	if err := st.send(changes); err != nil {
		return err
	}
	if err := st.appendBookmark(nil); err != nil {
		return err
	}
	return st.flush()
}

func (st *stream) appendBookmark(annotations map[string]string) error {
	kind := st.request.Kind
	obj, err := scheme.Scheme.New(kind.GroupVersionKind)
	if runtime.IsNotRegisteredError(err) { // there are no objects of it; the metadata are the same
		obj, err = &metav1.PartialObjectMetadata{}, nil
	}
	if err != nil {
		return err
	}
	accessor(obj).SetAnnotations(annotations)
	raw, err := marshal(obj)
	if err != nil {
		return err
	}
	setVersion(obj, st.position)
	return st.append(watchtype.Bookmark, &record{kind: kind, revision: st.position, raw: raw, obj: obj})
}

// append encodes an event; flush sends it.
func (st *stream) append(event watchtype.EventType, r *record) error {
	object, err := st.encode(event, r)
	if err != nil {
		return err
	}
	st.appendFrame(event, object)
	if len(st.buf) > 1<<20 {
		return st.flush()
	}
	return nil
}

func (st *stream) encode(event watchtype.EventType, r *record) ([]byte, error) {
	rq := st.request
	switch {
	case rq.accepted.form == asTable:
		var records []*record
		if event != watchtype.Bookmark {
			records = []*record{r}
		}
		t, err := rq.table(records, metav1.ListMeta{ResourceVersion: formatRevision(r.revision)}, !st.columns)
		if err != nil {
			return nil, err
		}
		st.columns = true
		return encode(t, st.mediaType)
	case rq.accepted.form == asPartial:
		p, err := partialOf(r)
		if err != nil {
			return nil, err
		}
		return encode(p, st.mediaType)
	}
	return encodeRecord(r, st.mediaType)
}

func (st *stream) appendFrame(event watchtype.EventType, object []byte) {
	if st.mediaType == mediaProtobuf {
		st.buf = appendProtobufFrame(st.buf, string(event), object)
	} else {
		st.buf = appendJSONFrame(st.buf, string(event), object)
	}
}

func (st *stream) flush() error {
	if len(st.buf) == 0 {
		return nil
	}
	_, err := st.to.Write(st.buf)
	if err == nil {
		err = http.NewResponseController(st.to).Flush()
	}
	if err != nil {
		return errGone
	}
	if st.buf = st.buf[:0]; cap(st.buf) > 64<<10 {
		st.buf = nil
	}
	return nil
}

// fail ends the stream with an ERROR event (WATCH-09).
func (st *stream) fail(cause error) error {
	status := statusOf(storeError(cause, st.request.groupResource(), ""))
	object, err := encode(status, st.mediaType)
	if err != nil {
		return nil //nolint:nilerr // the client sees the stream end
	}
	st.appendFrame(watchtype.Error, object)
	_ = st.flush() // the stream ends here; a client that has gone need not hear why
	return nil
}
