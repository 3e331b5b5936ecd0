package control

import (
	"encoding/json"
	"fmt"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd/api"
)

// extension is what a kubeconfig file calls the place of the socket, in the
// extensions of its cluster.
const extension = "podchain.dev/control"

type place struct {
	Socket string `json:"socket"`
}

// Mention has a kubeconfig's cluster say where its socket is.
func Mention(cluster *api.Cluster, socket string) error {
	raw, err := json.Marshal(place{socket})
	if err != nil {
		return err
	}
	if cluster.Extensions == nil {
		cluster.Extensions = map[string]runtime.Object{}
	}
	cluster.Extensions[extension] = &runtime.Unknown{Raw: raw, ContentType: runtime.ContentTypeJSON}
	return nil
}

// Mentioned returns the socket that a kubeconfig's cluster names, "" for none.
func Mentioned(cluster *api.Cluster) (socket string, err error) {
	mention, ok := cluster.Extensions[extension].(*runtime.Unknown)
	if !ok {
		return "", nil
	}
	var p place
	if err := json.Unmarshal(mention.Raw, &p); err != nil || p.Socket == "" {
		return "", fmt.Errorf("extension %s: expected {socket: PATH}, found %s", extension, mention.Raw)
	}
	return p.Socket, nil
}
