// Package startup keeps the program from running "go env" each time it starts, which takes
// longer than all else: a package of godog that only its own command line needs looks for
// Go's tools when it is initialized. They are not found while PATH is empty.
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
