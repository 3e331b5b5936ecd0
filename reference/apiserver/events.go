package apiserver

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Events are served by two groups with the same content under other names. They
// are stored as those of the core group.

// EventTimeToLive has a store keep Events for the given time since they were last
// written, and all else for ever (STORE-09).
func EventTimeToLive(ttl time.Duration) func(key string) time.Duration {
	return func(key string) time.Duration {
		if strings.HasPrefix(key, Root+"events/") {
			return ttl
		}
		return 0
	}
}

var eventView = &view{
	stored: corev1.SchemeGroupVersion.WithKind("Event"),
	toStored: func(obj runtime.Object) runtime.Object {
		e := obj.(*eventsv1.Event)
		return &corev1.Event{
			ObjectMeta:          e.ObjectMeta,
			InvolvedObject:      e.Regarding,
			Related:             e.Related,
			Reason:              e.Reason,
			Message:             e.Note,
			Source:              e.DeprecatedSource,
			FirstTimestamp:      e.DeprecatedFirstTimestamp,
			LastTimestamp:       e.DeprecatedLastTimestamp,
			Count:               e.DeprecatedCount,
			Type:                e.Type,
			EventTime:           e.EventTime,
			Series:              (*corev1.EventSeries)(e.Series),
			Action:              e.Action,
			ReportingController: e.ReportingController,
			ReportingInstance:   e.ReportingInstance,
		}
	},
	fromStored: func(obj runtime.Object) runtime.Object {
		e := obj.(*corev1.Event)
		return &eventsv1.Event{
			ObjectMeta:               e.ObjectMeta,
			Regarding:                e.InvolvedObject,
			Related:                  e.Related,
			Reason:                   e.Reason,
			Note:                     e.Message,
			DeprecatedSource:         e.Source,
			DeprecatedFirstTimestamp: e.FirstTimestamp,
			DeprecatedLastTimestamp:  e.LastTimestamp,
			DeprecatedCount:          e.Count,
			Type:                     e.Type,
			EventTime:                e.EventTime,
			Series:                   (*eventsv1.EventSeries)(e.Series),
			Action:                   e.Action,
			ReportingController:      e.ReportingController,
			ReportingInstance:        e.ReportingInstance,
		}
	},
}
