package kubernetes

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/conformance/kubernetes/internal/behavior"
	"github.com/podchain/podchain/fixtures"
)

// Images are those of the fixtures in a registry: the same program in each, with
// another behavior.
type Images struct {
	prefix    string // of all names: "HOST/" or "HOST/REPO/"
	naming    []name.Option
	remote    []remote.Option
	programs  map[string]v1.Layer          // by architecture
	behaviors map[string]behavior.Behavior // by "name:tag"
}

var _ implementation.Images = (*Images)(nil)

// newImages reads the table of images. The programs are files, by architecture.
func newImages(prefix string, programs map[string]string) (*Images, error) {
	i := &Images{prefix: prefix, programs: map[string]v1.Layer{}, behaviors: map[string]behavior.Behavior{}}
	for architecture, file := range programs {
		var err error
		if i.programs[architecture], err = programLayer(file); err != nil {
			return nil, err
		}
	}
	for _, image := range fixtures.Images() {
		does, err := behavior.Of(image)
		if err != nil {
			return nil, err
		}
		for _, tag := range slices.Concat(image.Tags, image.Unpublished) {
			i.behaviors[image.Name+":"+tag] = does
		}
	}
	return i, nil
}

// published are the names of the images that a registry has from the start.
func published() []string {
	var names []string
	for _, image := range fixtures.Images() {
		for _, tag := range image.Tags {
			names = append(names, image.Name+":"+tag)
		}
	}
	return names
}

// ImageName implements implementation.Images.
func (i *Images) ImageName(short string) string { return i.prefix + short }

// Publish implements implementation.Images: it makes an image and stores it under
// its name, a scope in front included.
func (i *Images) Publish(ctx context.Context, short string) error {
	does, known := i.behaviors[path.Base(short)]
	if !known {
		return fmt.Errorf("the table of images has no %q to publish", short)
	}
	reference, err := name.ParseReference(i.ImageName(short), i.naming...)
	if err != nil {
		return err
	}
	if err := i.write(ctx, reference, short, does); err != nil {
		return fmt.Errorf("image %s: %w", reference, err)
	}
	return nil
}

// write makes one image for all architectures: an index of them, unless there is
// one only.
func (i *Images) write(ctx context.Context, reference name.Reference, short string, does behavior.Behavior) error {
	options := append([]remote.Option{remote.WithContext(ctx)}, i.remote...)
	var index v1.ImageIndex = empty.Index
	for _, architecture := range slices.Sorted(maps.Keys(i.programs)) {
		image, err := i.image(short, architecture, does)
		if err != nil {
			return err
		}
		if len(i.programs) == 1 {
			return remote.Write(reference, image, options...)
		}
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: image,
			Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: architecture}}})
	}
	return remote.WriteIndex(reference, index, options...)
}

// image returns an image with a behavior. Its label makes each another image: a
// runtime that has two names for one image tells either of them.
func (i *Images) image(short, architecture string, does behavior.Behavior) (v1.Image, error) {
	text, err := json.Marshal(does)
	if err != nil {
		return nil, err
	}
	row, err := layerOf(entry{name: behavior.File[1:], content: text, mode: 0o444})
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(empty.Image, i.programs[architecture], row)
	if err != nil {
		return nil, err
	}
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	file.OS, file.Architecture = "linux", architecture
	file.Config.Entrypoint = []string{"/bin/podchain"}
	file.Config.Env = []string{"PATH=/bin"}
	file.Config.Labels = map[string]string{"dev.podchain.image": short}
	return mutate.ConfigFile(image, file)
}

// commands are the names of the program in the images; see programs/container.
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
