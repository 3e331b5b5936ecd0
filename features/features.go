// Package features holds the specification: one requirement per Rule, a folder
// per link in the order of the chain, and chain.feature on top.
package features

import "embed"

// Files are the feature files.
//
//go:embed *.feature */*.feature
var Files embed.FS
