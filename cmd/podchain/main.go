// Command podchain runs the specification of how a Deployment becomes running
// Pods against an implementation of Kubernetes, serves the reference
// implementation as a cluster, and shows what happens in one.
package main

import (
	"os"

	"github.com/podchain/podchain/cmd/podchain/command"
	"github.com/podchain/podchain/cmd/podchain/startup"
)

func main() {
	startup.Restore()
	os.Exit(command.Main(command.Options{}))
}
