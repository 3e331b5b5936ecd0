package apiserver

import (
	"encoding/json"
	"net/http"
	"runtime"

	"k8s.io/apimachinery/pkg/version"

	"github.com/podchain/podchain/reference/apiserver/discovery"
	"github.com/podchain/podchain/reference/apiserver/kinds"
	"github.com/podchain/podchain/reference/apiserver/openapi"
)

// documents returns the handlers of the documents that describe the API, by
// the first element of their paths.
func documents(served []*kinds.Kind) map[string]http.Handler {
	described := discovery.Handler(served)
	return map[string]http.Handler{"api": described, "apis": described, "openapi": openapi.Handler(served)}
}

// Version is the release of Kubernetes whose behaviour the server shows.
var Version = version.Info{
	Major: "1", Minor: "37", GitVersion: "v1.37.2+podchain",
	GitTreeState: "clean", Compiler: runtime.Compiler, GoVersion: runtime.Version(),
	Platform: runtime.GOOS + "/" + runtime.GOARCH,
}

func writeVersion(w http.ResponseWriter) {
	w.Header().Set("Content-Type", mediaJSON)
	if err := json.NewEncoder(w).Encode(Version); err != nil {
		return // the client has gone
	}
}
