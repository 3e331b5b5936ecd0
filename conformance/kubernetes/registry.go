package kubernetes

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"path"
	"regexp"
	"runtime"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"

	"github.com/podchain/podchain/conformance/kubernetes/internal/behavior"
)

// loopback is a registry on this machine with the images of the fixtures, as long
// as the cluster lives.
type loopback struct {
	*Images
	address string // host:port
	server  *http.Server
	stored  http.Handler

	mu         sync.Mutex
	everywhere map[string]bool // "name:tag" published without a scope
}

// sandboxImage is what holds a Pod's namespaces while its containers come and go.
const sandboxImage = "podchain-sandbox:1"

// startRegistry starts a registry whose images have the program.
func startRegistry(ctx context.Context, program string) (*loopback, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &loopback{
		address: listener.Addr().String(), everywhere: map[string]bool{},
		stored: registry.New(registry.Logger(log.New(io.Discard, "", 0))),
	}
	l.server = &http.Server{Handler: http.HandlerFunc(l.serve)}
	go func() { _ = l.server.Serve(listener) }() // until it is closed
	if l.Images, err = newImages(l.address+"/", map[string]string{runtime.GOARCH: program}); err != nil {
		return l, err
	}
	l.naming = []name.Option{name.Insecure}
	l.behaviors[sandboxImage] = behavior.Behavior{Name: "sandbox", Idle: true}
	for _, short := range append(published(), sandboxImage) {
		if err := l.Images.Publish(ctx, short); err != nil {
			return l, err
		}
	}
	return l, nil
}

// Publish implements implementation.Images.
func (l *loopback) Publish(ctx context.Context, short string) error {
	if path.Base(short) == short {
		l.mu.Lock()
		l.everywhere[short] = true
		l.mu.Unlock()
	}
	return l.Images.Publish(ctx, short)
}

var manifestPath = regexp.MustCompile(`^/v2/(.+)/manifests/([^:]+)$`)

// serve answers for the registry. An image that is published everywhere is found
// in every scope.
func (l *loopback) serve(w http.ResponseWriter, r *http.Request) {
	if match := manifestPath.FindStringSubmatch(r.URL.Path); match != nil && r.Method != http.MethodPut {
		short := path.Base(match[1]) + ":" + match[2]
		l.mu.Lock()
		everywhere := l.everywhere[short]
		l.mu.Unlock()
		if everywhere {
			r.URL.Path = fmt.Sprintf("/v2/%s/manifests/%s", path.Base(match[1]), match[2])
		}
	}
	l.stored.ServeHTTP(w, r)
}

func (l *loopback) stop() error {
	if l == nil {
		return nil
	}
	return l.server.Close()
}

// ImageName implements implementation.Images.
func (c *Cluster) ImageName(short string) string { return c.images.ImageName(short) }

// Publish implements implementation.Images.
func (c *Cluster) Publish(ctx context.Context, short string) error {
	return c.images.Publish(ctx, short)
}
