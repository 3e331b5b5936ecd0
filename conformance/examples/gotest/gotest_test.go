package gotest

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/podchain/podchain/conformance"
	"github.com/podchain/podchain/conformance/specification"
	"github.com/podchain/podchain/features"
	"github.com/podchain/podchain/reference"
)

// selected is a part of the specification: ids, prefixes of ids, levels, links,
// features' paths, as in podchain verify --select.
func selected(t *testing.T, patterns ...string) *specification.Specification {
	t.Helper()
	whole, err := specification.Load(features.Files)
	if err != nil {
		t.Fatal(err)
	}
	part, err := whole.Select(patterns)
	if err != nil {
		t.Fatal(err)
	}
	return part
}

// The reference, in virtual time: every scenario has a cluster of its own.
func TestReference(t *testing.T) {
	conformance.Test(t, conformance.Options{
		Specification:  selected(t, "scheduler", "CHAIN-01"),
		Implementation: reference.New(reference.Options{}),
	})
}

// One's own, in real time: all scenarios share a cluster. It offers nothing but its
// API, so what stops links or adds nodes is skipped, and each says why.
func TestServed(t *testing.T) {
	podchain := filepath.Join(t.TempDir(), "podchain")
	if output, err := exec.Command("go", "build", "-o", podchain, "github.com/podchain/podchain/cmd/podchain").CombinedOutput(); err != nil {
		t.Fatalf("build podchain: %v\n%s", err, output)
	}
	conformance.Test(t, conformance.Options{
		Specification:  selected(t, "scheduler", "CHAIN-01"),
		Implementation: Served{podchain},
	})
}

// A program that does not start says why.
func TestServedDoesNotStart(t *testing.T) {
	_, err := Served{"false"}.Start(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is not ready") || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("expected that it is not ready and has ended with exit status 1, got %v", err)
	}
}
