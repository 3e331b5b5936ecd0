package steps

import (
	"slices"
	"sync"

	"github.com/podchain/podchain/conformance/implementation"
	"github.com/podchain/podchain/fixtures"
)

// imageNames are the images of the fixtures by the names that features use, and
// whether the registry has them from the start.
var imageNames = sync.OnceValue(func() map[string]bool {
	names := map[string]bool{}
	for _, image := range fixtures.Images() {
		for _, tag := range image.Tags {
			names[image.Name+":"+tag] = true
		}
		for _, tag := range image.Unpublished {
			names[image.Name+":"+tag] = false
		}
	}
	return names
})

// image returns the name under which the cluster gets an image of the fixtures;
// any other text stays as it is.
func (w *World) image(name string) string {
	images, offered := implementation.As[implementation.ImageNames](w.Cluster)
	if _, known := imageNames()[name]; !known || !offered {
		return name
	}
	return images.ImageName(w.scoped(name))
}

// scoped puts the scenario in front of an image that it may publish: on a shared
// cluster others count on theirs not being there.
func (w *World) scoped(name string) string {
	if published, known := imageNames()[name]; w.Shared && known && !published {
		return w.Namespace + "/" + name
	}
	return name
}

// nameImages gives the images of the fixtures the name under which the cluster
// gets them.
func (w *World) nameImages(spec map[string]any) {
	containers, _ := spec["containers"].([]any)
	inits, _ := spec["initContainers"].([]any)
	for _, entry := range slices.Concat(containers, inits) {
		container, _ := entry.(map[string]any)
		if name, _ := container["image"].(string); name != "" {
			container["image"] = w.image(name)
		}
	}
}
