package kubernetes

import (
	"context"
	"fmt"
	"net/url"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/tap"
)

// proxy is where a program reaches the API server, through the tap of its link.
type proxy struct {
	*tap.Proxy
	address    string // host:port
	kubeconfig string // file that lets the program in
}

// open opens a proxy for a link that is the named user in the named groups, and
// writes the kubeconfig file: the API server grants it what it grants that user.
func (c *Cluster) open(link chain.Link, kubeconfig, user string, groups ...string) (*proxy, error) {
	config := rest.CopyConfig(c.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user, Groups: groups}
	opened, err := c.part.Taps.OpenProxy(link, config)
	if err != nil {
		return nil, fmt.Errorf("a proxy for the %s: %w", link, err)
	}
	d := &proxy{Proxy: opened, kubeconfig: kubeconfig}
	at, err := url.Parse(opened.URL)
	if err != nil {
		return d, err
	}
	d.address = at.Host
	return d, opened.WriteKubeconfig(kubeconfig)
}

// identifies returns whether the API server authenticates its clients: one that has
// no users names the same user for all of them.
func identifies(ctx context.Context, config *rest.Config) (bool, error) {
	const user = "system:kube-controller-manager"
	config = rest.CopyConfig(config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return false, err
	}
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return false, fmt.Errorf("ask the API server who a client is: %w", err)
	}
	return review.Status.UserInfo.Username == user, nil
}
