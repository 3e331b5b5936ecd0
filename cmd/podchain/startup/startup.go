// Package startup keeps the program from running "go env" each time it starts, which takes
// longer than all else: internal/builder of godog v0.15.1, which only godog's own command line
// needs, looks for Go's tools when it is initialized. They are not found while PATH is empty.
// It can go when godog no longer does so. A package variable that reads PATH sees it empty.
//
// Packages are initialized in the order of their import paths, as soon as what they import
// is. This one imports nothing but os, so it comes before any that can run a program.
package startup

import "os"

var path, set = os.LookupEnv("PATH")

func init() {
	if set {
		_ = os.Setenv("PATH", "") // which cannot fail
	}
}

// Restore gives PATH back. Call it when all packages are initialized.
func Restore() {
	if set {
		_ = os.Setenv("PATH", path)
	}
}
