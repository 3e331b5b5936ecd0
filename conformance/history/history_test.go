package history_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/history"
)

func object(kind, name, uid string) *unstructured.Unstructured {
	made := &unstructured.Unstructured{Object: map[string]any{"kind": kind}}
	made.SetName(name)
	made.SetUID(types.UID(uid))
	return made
}

func TestAwaitIsDecidedByTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := history.New()
		appeared := func(record history.Record) error {
			if record.Live("Pod", "a") == nil {
				return errors.New("no Pod")
			}
			return nil
		}
		go func() {
			time.Sleep(time.Hour)
			h.Record(watch.Added, object("Pod", "a", "1"))
		}()
		started := time.Now()
		require.NoError(t, h.Await(t.Context(), "Pod a", appeared))
		assert.Equal(t, time.Hour, time.Since(started))

		h.Record(watch.Deleted, object("Pod", "a", "1"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		assert.EqualError(t, h.Await(ctx, "Pod a", appeared), "waited 1m0s for Pod a; last seen: no Pod")

		h.Break(errors.New("410"))
		assert.ErrorIs(t, h.Await(t.Context(), "Pod a", appeared), history.ErrBroken)
	})
}

func TestAwaitEndsAtOnceWhereNothingCanHelp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fault := errors.New("one too many")
		err := history.New().Await(t.Context(), "two", func(history.Record) error { return history.Final{Err: fault} })
		assert.ErrorIs(t, err, fault)
	})
}

func TestQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := history.New()
		go func() {
			for i := range 3 {
				time.Sleep(700 * time.Millisecond)
				kind := []string{"Pod", "Pod", "Lease"}[i]
				h.Record(watch.Modified, object(kind, "a", "1"))
			}
		}()
		started := time.Now()
		pods := func(version history.Version) bool { return version.Object.GetKind() == "Pod" }
		require.NoError(t, h.Quiet(t.Context(), time.Second, started, pods))
		assert.Equal(t, 2400*time.Millisecond, time.Since(started))

		time.Sleep(200 * time.Millisecond)
		require.NoError(t, h.Quiet(t.Context(), time.Second, started, pods))
		assert.Equal(t, 2600*time.Millisecond, time.Since(started), "it has been so long already")
		require.NoError(t, h.Quiet(t.Context(), time.Second, time.Now(), pods))
		assert.Equal(t, 3600*time.Millisecond, time.Since(started), "what was before does not count")
	})
}

func TestTheRecordKeepsIncarnationsApart(t *testing.T) {
	h := history.New()
	owned := object("Pod", "p", "p1")
	owned.SetOwnerReferences([]metav1.OwnerReference{{UID: "rs", Controller: new(bool)}})
	*owned.GetOwnerReferences()[0].Controller = false
	for _, version := range []struct {
		kind watch.EventType
		of   *unstructured.Unstructured
	}{
		{watch.Added, object("Deployment", "web", "1")},
		{watch.Deleted, object("Deployment", "web", "1")},
		{watch.Added, object("Deployment", "web", "2")},
		{watch.Added, owned},
	} {
		h.Record(version.kind, version.of)
	}
	record := h.Now()
	assert.Equal(t, types.UID("2"), record.Live("Deployment", "web").GetUID())
	assert.Len(t, record.Of("Deployment", nil), 3)
	assert.Len(t, record.LiveOf("Deployment", nil), 1)
	assert.Len(t, record.ByUID("1"), 2)
	assert.Len(t, record.Since(2), 2)
	assert.Nil(t, record.Until(2).Live("Deployment", "web"))
	assert.Empty(t, history.Controller(owned), "an owner is no controller")
}

func TestBefore(t *testing.T) {
	version := func(seq int, kind, resourceVersion string) history.Version {
		made := object(kind, "a", kind)
		made.SetResourceVersion(resourceVersion)
		return history.Version{Seq: seq, Object: made}
	}
	pod := version(2, "Pod", "7")
	for name, test := range map[string]struct {
		other history.Version
		want  bool
	}{
		"of one kind, in the order of arrival":        {version(3, "Pod", "8"), true},
		"of two kinds":                                {version(3, "ReplicaSet", "8"), true},
		"of two kinds, and the watch of Pods lags":    {version(1, "ReplicaSet", "8"), false},
		"of two kinds, and the watch of the set lags": {version(3, "ReplicaSet", "6"), false},
		"of two kinds whose versions are not numbers": {version(3, "ReplicaSet", "x"), true},
		"not before itself":                           {pod, false},
	} {
		assert.Equal(t, test.want, pod.Before(test.other), name)
	}
}

// TestWrittenAfter: what was written before something that had arrived is none, however late
// it arrives.
func TestWrittenAfter(t *testing.T) {
	record := func(versions ...string) history.Record {
		h := history.New()
		for _, text := range versions {
			kind, version, _ := strings.Cut(text, " ")
			made := object(kind, kind+version, kind+version)
			made.SetResourceVersion(version)
			h.Record(watch.Added, made)
		}
		return h.Now()
	}
	for name, test := range map[string]struct {
		versions []string
		seq      int
		want     string
	}{
		"from the beginning":           {[]string{"Deployment 7", "ReplicaSet 5"}, 0, "Deployment7 ReplicaSet5"},
		"a watch that lags behind":     {[]string{"Deployment 7", "ReplicaSet 5", "Pod 8"}, 1, "Pod8"},
		"what arrived first is newer":  {[]string{"Deployment 4", "Deployment 10", "Deployment 3", "ReplicaSet 9", "ReplicaSet 11"}, 3, "ReplicaSet11"},
		"Events have their own order":  {[]string{"Event 90", "Deployment 7", "Event 6", "Pod 8"}, 2, "Event6 Pod8"},
		"versions that are no numbers": {[]string{"Deployment a", "Pod b"}, 1, "Podb"},
	} {
		t.Run(name, func(t *testing.T) {
			var names []string
			for _, version := range record(test.versions...).WrittenAfter(test.seq) {
				names = append(names, version.Object.GetName())
			}
			assert.Equal(t, test.want, strings.Join(names, " "))
		})
	}
}
