package kubernetes

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

func list(pairs ...string) corev1.ResourceList {
	l := corev1.ResourceList{}
	for i := 0; i < len(pairs); i += 2 {
		l[corev1.ResourceName(pairs[i])] = resource.MustParse(pairs[i+1])
	}
	return l
}

// TestSizeOf: what a Node should have becomes what its kubelet finds.
func TestSizeOf(t *testing.T) {
	for name, test := range map[string]struct {
		capacity, allocatable corev1.ResourceList
		want                  size
		wantErr               string
	}{
		"nothing is asked for": {want: size{pods: defaultPods}},
		"whole processors": {
			capacity: list("cpu", "4", "memory", "4Gi", "pods", "10"), allocatable: list("cpu", "4", "memory", "4Gi", "pods", "10"),
			want: size{cores: 4, memory: 4 << 30, pods: 10},
		},
		"part of a processor is reserved": {
			capacity: list("cpu", "1500m"), allocatable: list("cpu", "1500m"),
			want: size{cores: 2, pods: defaultPods, reserved: map[string]string{"cpu": "500m"}},
		},
		"less is allocatable": {
			capacity: list("cpu", "2", "memory", "2Gi"), allocatable: list("cpu", "1", "memory", "1Gi"),
			want: size{cores: 2, memory: 2 << 30, pods: defaultPods, reserved: map[string]string{"cpu": "1", "memory": "1Gi"}},
		},
		"memory that is no whole number of kibibytes": {
			capacity: list("memory", "2000"), allocatable: list("memory", "2000"),
			want: size{memory: 2048, pods: defaultPods, reserved: map[string]string{"memory": "48"}},
		},
		"only allocatable": {allocatable: list("cpu", "1"), want: size{cores: 1, pods: defaultPods}},
		"a device": {
			capacity: list("example.com/gpu", "3"), allocatable: list("example.com/gpu", "2"),
			want: size{pods: defaultPods, further: list("example.com/gpu", "2")},
		},
		"more allocatable than there is": {capacity: list("cpu", "1"), allocatable: list("cpu", "2"), wantErr: "allocatable 2 is more than the capacity 1"},
		"no Pods":                        {capacity: list("pods", "0"), wantErr: "no limit"},
		"a disk":                         {capacity: list("ephemeral-storage", "1Gi"), wantErr: "nothing else can be given to it"},
	} {
		t.Run(name, func(t *testing.T) {
			node := &corev1.Node{Status: corev1.NodeStatus{Capacity: test.capacity, Allocatable: test.allocatable}}
			got, err := sizeOf(node)
			if test.wantErr != "" {
				require.ErrorContains(t, err, test.wantErr)
				return
			}
			require.NoError(t, err)
			if test.want.reserved == nil {
				test.want.reserved = map[string]string{}
			}
			if test.want.further == nil {
				test.want.further = corev1.ResourceList{}
			}
			require.Empty(t, cmp.Diff(test.want, got, cmp.AllowUnexported(size{})))
		})
	}
}
