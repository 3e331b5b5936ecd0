package conformance_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

// TestReference runs the whole specification on the reference, each example as
// a subtest, in virtual time.
func TestReference(t *testing.T) {
	whole, err := specification.Load(features.Files)
	require.NoError(t, err)
	conformance.Test(t, conformance.Options{
		Specification:  whole,
		Implementation: reference.New(reference.Options{}),
	})
}
