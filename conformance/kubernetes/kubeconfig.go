package kubernetes

import (
	"fmt"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/podchain/podchain/conformance/pki"
)

// writeKubeconfig writes the file by which a client finds the API server and
// says who it is, and what is to be mentioned of the cluster.
func writeKubeconfig(file, server string, ca []byte, id *pki.Identity, mention func(*clientcmdapi.Cluster) error) error {
	const name = "podchain-kubernetes"
	config := clientcmdapi.NewConfig()
	config.Clusters[name] = &clientcmdapi.Cluster{Server: server, CertificateAuthorityData: ca}
	config.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: id.Certificate, ClientKeyData: id.Key}
	config.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	config.CurrentContext = name
	if err := mention(config.Clusters[name]); err != nil {
		return err
	}
	if err := clientcmd.WriteToFile(*config, file); err != nil {
		return fmt.Errorf("kubeconfig %s: %w", file, err)
	}
	return nil
}
