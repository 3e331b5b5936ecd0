package apiserver

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metainternal "k8s.io/apimachinery/pkg/apis/meta/internalversion"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion/validation"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/podchain/podchain/reference/store"
)

// get answers with one object. Reads go to the store, so every resourceVersion
// that has been is honoured: the answer is at least as new.
func (s *Server) get(rq *request) (*answer, error) {
	if rv := rq.query.Get("resourceVersion"); rv != "" {
		revision, err := parseRevision(rv)
		if err != nil {
			return nil, err
		}
		if err := s.mustHaveCome(rq, revision); err != nil {
			return nil, err
		}
	}
	r, err := rq.storage.get(rq.ctx, rq.key(rq.namespace, rq.name))
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, apierrors.NewNotFound(rq.groupResource(), rq.name)
	}
	return rq.ok(r)
}

// mustHaveCome refuses a resourceVersion of the future (API-READ-07).
func (s *Server) mustHaveCome(rq *request, revision int64) error {
	current, _, err := s.store.Revision(rq.ctx)
	if err != nil {
		return err
	}
	if revision <= current {
		return nil
	}
	late := apierrors.NewTimeoutError(fmt.Sprintf("Too large resource version: %d, current: %d", revision, current), 1)
	late.ErrStatus.Details.Causes = []metav1.StatusCause{{
		Type: metav1.CauseTypeResourceVersionTooLarge, Message: "Too large resource version",
	}}
	return late
}

func parseRevision(rv string) (int64, error) {
	if rv == "" {
		return 0, nil
	}
	revision, err := strconv.ParseInt(rv, 10, 64)
	if err != nil || revision < 0 {
		return 0, apierrors.NewBadRequest(fmt.Sprintf("invalid resource version %q: must be a non-negative decimal number", rv))
	}
	return revision, nil
}

// listOptions reads and checks the query of a list or a watch.
func (rq *request) listOptions() (*listOptions, error) {
	return decodeQuery[metainternal.ListOptions](rq, func(o *metainternal.ListOptions) field.ErrorList {
		return validation.ValidateListOptions(o, true)
	})
}

// list answers with what a collection holds (API-READ-02, 05, 07).
func (s *Server) list(rq *request) (*answer, error) {
	options, err := rq.listOptions()
	if err != nil {
		return nil, err
	}
	sel, err := rq.selection(options)
	if err != nil {
		return nil, err
	}
	p, err := s.page(rq, sel, options)
	if err != nil {
		return nil, err
	}
	return &answer{code: http.StatusOK, list: p}, nil
}

// page reads from the store until limit objects match.
func (s *Server) page(rq *request, sel *selection, options *listOptions) (*page, error) {
	read, err := s.start(rq, sel, options)
	if err != nil {
		return nil, err
	}
	prefix := cmp.Or(sel.only, sel.prefix)
	p := &page{records: []*record{}}
	for {
		if options.Limit > 0 {
			read.Limit = options.Limit - int64(len(p.records))
		}
		l, err := rq.storage.list(rq.ctx, prefix, read)
		if err != nil {
			return nil, listError(err, read, options.Continue != "", sel.prefix)
		}
		read.Revision = l.revision // all pages are of one version
		for _, stored := range l.records {
			if !sel.covers(stored.key) {
				continue
			}
			served, ok, err := sel.matches(stored)
			if err != nil {
				return nil, err
			}
			if ok {
				p.records = append(p.records, served)
			}
		}
		p.meta.ResourceVersion = formatRevision(l.revision)
		if l.remaining == 0 {
			return p, nil
		}
		read.From = l.records[len(l.records)-1].key + "\x00"
		if int64(len(p.records)) >= options.Limit {
			if sel.all {
				p.meta.RemainingItemCount = &l.remaining
			}
			p.meta.Continue = continueToken{Revision: l.revision, Start: read.From}.encode(sel.prefix)
			return p, nil
		}
	}
}

// start says where a page begins, and of which version it is.
func (s *Server) start(rq *request, sel *selection, options *listOptions) (read store.ListOptions, err error) {
	revision, err := parseRevision(options.ResourceVersion)
	if err != nil {
		return read, err
	}
	switch {
	case options.Continue != "":
		if revision > 0 {
			return read, apierrors.NewBadRequest("specifying resource version is not allowed when using continue")
		}
		token, err := parseContinue(options.Continue, sel.prefix)
		if err != nil {
			return read, err
		}
		read.From, read.Revision = token.Start, token.Revision
	case revision > 0:
		if err := s.mustHaveCome(rq, revision); err != nil {
			return read, err
		}
		if options.ResourceVersionMatch == metav1.ResourceVersionMatchExact {
			read.Revision = revision
		}
	}
	return read, nil
}

// listError says what a client can do about a version that is no longer available:
// an expired chunked list may continue at the present version (API-READ-06).
func listError(err error, read store.ListOptions, continued bool, prefix string) error {
	if !errors.Is(err, store.ErrCompacted) {
		return err
	}
	if !continued {
		return apierrors.NewResourceExpired(fmt.Sprintf("too old resource version: %d", read.Revision))
	}
	expired := apierrors.NewResourceExpired("The provided continue parameter is too old to display a consistent list result. " +
		"You can start a new list without the continue parameter, or use the continue token in this response to " +
		"retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list.")
	expired.ErrStatus.ListMeta.Continue = continueToken{Start: read.From}.encode(prefix)
	return expired
}

// continueToken is where a chunked list continues; at revision 0 it continues at the
// present one.
type continueToken struct {
	Revision int64  `json:"rv"`
	Start    string `json:"start"`
}

func (t continueToken) encode(prefix string) string {
	t.Start = strings.TrimPrefix(t.Start, prefix)
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // two plain fields
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseContinue(token, prefix string) (continueToken, error) {
	var t continueToken
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err == nil {
		err = json.Unmarshal(b, &t)
	}
	if err != nil || t.Revision < 0 {
		return t, apierrors.NewBadRequest("continue key is not valid")
	}
	t.Start = prefix + t.Start
	return t, nil
}
