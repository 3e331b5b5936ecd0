package conformance_test

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// What links log while the suite stops their neighbours is no news.
func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	// Clusters come and go by the hundred, and little of them is alive at a time.
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
