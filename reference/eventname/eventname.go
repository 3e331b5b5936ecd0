// Package eventname gives Events their names.
package eventname

import (
	"fmt"
	"sync/atomic"
	"time"

	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/client-go/tools/record/util"
)

// last is the time in the name that was given last.
var last atomic.Int64

// New returns the name of an Event about the named object: like client-go's, it ends in
// the time. A list of Events is in the order of their names, and kubectl describe leaves
// those of the same second in that order, so names have to be in the order in which
// things happened. Unlike client-go's they are so even where time stands still, as
// virtual time does: then it is the next nanosecond, and no name is given twice.
func New(object string) string {
	now := time.Now().UnixNano()
	for {
		before := last.Load()
		next := max(now, before+1)
		if !last.CompareAndSwap(before, next) {
			continue
		}
		name := fmt.Sprintf("%s.%016x", object, next)
		if len(validation.NameIsDNSSubdomain(name, false)) > 0 {
			return util.GenerateEventName(object, next) // one that is valid
		}
		return name
	}
}
