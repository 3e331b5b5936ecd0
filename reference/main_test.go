package reference_test

import (
	"os"
	"runtime/debug"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"
)

// TestMain silences client-go, which logs every watch that ends, as they do
// whenever a link or the API server is stopped.
func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	// Clusters come and go by the hundred, and little of them is alive at a time.
	debug.SetGCPercent(400)
	os.Exit(m.Run())
}
