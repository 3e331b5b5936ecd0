package storehistory

import "strings"

// Record is what was recorded up to a moment, in the order of revisions; it does
// not change.
type Record []Change

// Of returns the changes of one key.
func (r Record) Of(key string) Record {
	return r.where(func(c Change) bool { return c.Key == key })
}

// Under returns the changes of all keys that begin so.
func (r Record) Under(prefix string) Record {
	return r.where(func(c Change) bool { return strings.HasPrefix(c.Key, prefix) })
}

// After returns the changes after a revision.
func (r Record) After(revision int64) Record {
	return r.where(func(c Change) bool { return c.Revision > revision })
}

// Written returns the changes of the API server's keys that were requested: a key
// with a lease may also have been removed because the lease expired.
func (r Record) Written() Record {
	return r.where(func(c Change) bool { return !c.Foreign && (!c.Deleted || !c.Leased) })
}

func (r Record) where(accept func(Change) bool) Record {
	var found Record
	for _, c := range r {
		if accept(c) {
			found = append(found, c)
		}
	}
	return found
}

// last is the revision up to which the record goes.
func (r Record) last() int64 {
	if len(r) == 0 {
		return 0
	}
	return r[len(r)-1].Revision
}

func (r Record) String() string {
	if len(r) == 0 {
		return "nothing"
	}
	all := make([]string, len(r))
	for i, c := range r {
		all[i] = c.String()
	}
	return strings.Join(all, ", ")
}
