package kubernetes

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path"
	"regexp"
	"runtime"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/podchain/podchain/conformance/kubernetes/internal/play"
	"github.com/podchain/podchain/fixtures"
)

// images is a registry with the images of the fixtures: the same program in each,
// with another part to play.
type images struct {
	address string // host:port
	server  *http.Server
	stored  http.Handler
	program v1.Layer
	parts   map[string]play.Part // by "name:tag"

	mu         sync.Mutex
	everywhere map[string]bool // "name:tag" published without a scope
}

// sandboxImage is what holds a Pod's namespaces while its containers come and go.
const sandboxImage = "podchain-sandbox:1"

func startImages(program string) (*images, error) {
	layer, err := programLayer(program)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	i := &images{
		address: listener.Addr().String(), program: layer, parts: map[string]play.Part{},
		stored:     registry.New(registry.Logger(log.New(io.Discard, "", 0))),
		everywhere: map[string]bool{},
	}
	i.server = &http.Server{Handler: http.HandlerFunc(i.serve)}
	go func() { _ = i.server.Serve(listener) }() // until it is closed
	return i, i.fill()
}

// fill puts in what is there from the start.
func (i *images) fill() error {
	from := []string{sandboxImage}
	i.parts[sandboxImage] = play.Part{Name: "sandbox", Idle: true}
	for _, image := range fixtures.Images() {
		part, err := play.Of(image)
		if err != nil {
			return err
		}
		for _, tag := range image.Tags {
			i.parts[image.Name+":"+tag] = part
			from = append(from, image.Name+":"+tag)
		}
		for _, tag := range image.Unpublished {
			i.parts[image.Name+":"+tag] = part
		}
	}
	for _, short := range from {
		if err := i.put(short); err != nil {
			return err
		}
	}
	return nil
}

// ImageName implements implementation.Images.
func (c *Cluster) ImageName(short string) string { return c.images.address + "/" + short }

// Publish implements implementation.Images.
func (c *Cluster) Publish(_ context.Context, short string) error { return c.images.publish(short) }

func (i *images) publish(short string) error {
	if path.Base(short) == short {
		i.mu.Lock()
		i.everywhere[short] = true
		i.mu.Unlock()
	}
	return i.put(short)
}

// put makes an image and stores it under its name, a scope in front included.
func (i *images) put(short string) error {
	part, known := i.parts[path.Base(short)]
	if !known {
		return fmt.Errorf("the table of images has no %q to publish", short)
	}
	reference, err := name.ParseReference(i.address+"/"+short, name.Insecure)
	if err != nil {
		return err
	}
	image, err := i.image(short, part)
	if err != nil {
		return fmt.Errorf("make image %s: %w", short, err)
	}
	if err := remote.Write(reference, image); err != nil {
		return fmt.Errorf("store image %s: %w", short, err)
	}
	return nil
}

// image returns an image with a part. Its label makes each another image: a
// runtime that has two names for one image tells either of them.
func (i *images) image(short string, part play.Part) (v1.Image, error) {
	text, err := json.Marshal(part)
	if err != nil {
		return nil, err
	}
	row, err := layerOf(entry{name: play.File[1:], content: text, mode: 0o444})
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, i.program, row)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", runtime.GOARCH
	file.Config.Entrypoint = []string{"/bin/podchain"}
	file.Config.Env = []string{"PATH=/bin"}
	file.Config.Labels = map[string]string{"dev.podchain.image": short}
	return mutate.ConfigFile(image, file)
}

var manifestPath = regexp.MustCompile(`^/v2/(.+)/manifests/([^:]+)$`)

// serve answers for the registry. An image that is published everywhere is found
// in every scope.
func (i *images) serve(w http.ResponseWriter, r *http.Request) {
	if match := manifestPath.FindStringSubmatch(r.URL.Path); match != nil && r.Method != http.MethodPut {
		short := path.Base(match[1]) + ":" + match[2]
		i.mu.Lock()
		everywhere := i.everywhere[short]
		i.mu.Unlock()
		if everywhere {
			r.URL.Path = "/v2/" + path.Base(match[1]) + "/manifests/" + match[2]
		}
	}
	i.stored.ServeHTTP(w, r)
}

func (i *images) stop() error {
	if i == nil {
		return nil
	}
	return i.server.Close()
}

// commands are the names of the program in the images; see programs/part.
var commands = []string{"true", "false", "ready", "healthy", "sleep"}

func programLayer(program string) (v1.Layer, error) {
	text, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	entries := []entry{{name: "bin/podchain", content: text, mode: 0o755}}
	for _, command := range commands {
		entries = append(entries, entry{name: "bin/" + command, linkTo: "bin/podchain", mode: 0o755})
	}
	return layerOf(entries...)
}

// entry is a file in a layer.
type entry struct {
	name, linkTo string
	content      []byte
	mode         int64
}

func layerOf(entries ...entry) (v1.Layer, error) {
	var archive bytes.Buffer
	w := tar.NewWriter(&archive)
	if strings.HasPrefix(entries[0].name, "bin/") {
		if err := w.WriteHeader(&tar.Header{Name: "bin/", Typeflag: tar.TypeDir, Mode: 0o755}); err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		header := &tar.Header{Name: e.name, Typeflag: tar.TypeReg, Mode: e.mode, Size: int64(len(e.content))}
		if e.linkTo != "" {
			header.Typeflag, header.Linkname = tar.TypeLink, e.linkTo
		}
		if err := w.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := w.Write(e.content); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive.Bytes())), nil })
}
