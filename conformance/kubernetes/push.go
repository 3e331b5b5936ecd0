package kubernetes

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/podchain/podchain/conformance/implementation"
)

// architectures are those of the machines that clusters elsewhere run on.
var architectures = []string{"amd64", "arm64"}

// Push makes the images of the fixtures and stores them below HOST/REPO, with the
// credentials that the user has for it where docker and podman keep theirs. They
// stay there.
func Push(ctx context.Context, repository string, progress io.Writer) (implementation.Images, error) {
	repository = strings.TrimSuffix(repository, "/")
	if _, err := name.NewRepository(repository, name.StrictValidation); err != nil {
		return nil, fmt.Errorf("%q is no HOST/REPO: %w", repository, err)
	}
	programs, err := buildContainers(ctx)
	if err != nil {
		return nil, err
	}
	images, err := newImages(repository+"/", programs)
	if err != nil {
		return nil, err
	}
	images.remote = []remote.Option{remote.WithAuthFromKeychain(authn.DefaultKeychain)}
	all := published()
	for n, short := range all {
		if err := images.Publish(ctx, short); err != nil {
			return nil, fmt.Errorf("%d of %d images were stored in %s: %w", n, len(all), repository, err)
		}
	}
	fmt.Fprintf(progress, "%d images are in %s\n", len(all), repository)
	return images, nil
}

// buildContainers builds the program of the images for each architecture.
func buildContainers(ctx context.Context) (map[string]string, error) {
	source, err := sourceDirectory()
	if err != nil {
		return nil, err
	}
	cache, err := cacheDirectory()
	if err != nil {
		return nil, err
	}
	programs := map[string]string{}
	for _, architecture := range architectures {
		programs[architecture] = filepath.Join(cache, "programs", "container-"+architecture)
		if err := goBuild(ctx, source, "./programs/container", programs[architecture], "-s -w", "GOARCH="+architecture); err != nil {
			return nil, err
		}
	}
	return programs, nil
}
