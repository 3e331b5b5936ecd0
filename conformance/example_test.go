package conformance_test

import (
	"testing"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/external"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
)

// The specification as a Go test of one's own implementation: anything that
// implements implementation.Implementation, here a running cluster.
func ExampleTest() {
	_ = func(t *testing.T) { // func TestConformance(t *testing.T)
		whole, err := specification.Load(features.Files)
		if err != nil {
			t.Fatal(err)
		}
		mine, err := external.FromKubeconfig("testdata/kubeconfig")
		if err != nil {
			t.Fatal(err)
		}
		conformance.Test(t, conformance.Options{Specification: whole, Implementation: mine})
	}
}
