package score

import (
	"github.com/podchain/podchain/reference/scheduler/cluster"
)

const (
	mebibyte int64 = 1 << 20
	// Less than this is not worth a detour; more than this per container is
	// as good as it gets.
	leastImageBytes = 23 * mebibyte
	mostImageBytes  = 1000 * mebibyte
)

// imageLocality prefers nodes that have the images, by their size. An image
// counts in proportion to the nodes that have it: else the first node that got
// an image would get all its Pods.
func imageLocality(pod *cluster.Pod, nodes []*cluster.Node, context Context) []int64 {
	var images []string
	for i := range pod.Spec.InitContainers {
		images = append(images, cluster.ImageName(pod.Spec.InitContainers[i].Image))
	}
	for i := range pod.Spec.Containers {
		images = append(images, cluster.ImageName(pod.Spec.Containers[i].Image))
	}
	anywhere := false
	for _, image := range images {
		anywhere = anywhere || context.ImageNodes[image] > 0
	}
	if !anywhere {
		return nil
	}
	most := mostImageBytes * int64(len(images))
	ratings := make([]int64, len(nodes))
	for i, node := range nodes {
		var sum int64
		for _, image := range images {
			share := float64(context.ImageNodes[image]) / float64(len(context.Nodes))
			sum += int64(float64(node.Images[image]) * share)
		}
		sum = min(max(sum, leastImageBytes), most)
		ratings[i] = Max * (sum - leastImageBytes) / (most - leastImageBytes)
	}
	return ratings
}
