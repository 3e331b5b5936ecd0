// Package kubectl checks podchain serve with a kubectl that knows nothing of it.
package kubectl
