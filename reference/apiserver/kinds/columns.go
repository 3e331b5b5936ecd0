package kinds

import (
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
)

const (
	none    = "<none>"
	unknown = "<unknown>"
	unset   = "<unset>"
)

// columns reads column definitions (API-READ-09) from their names: "+Name" is
// shown by "-o wide" only, "Name:type" is not a string.
func columns(names ...string) []metav1.TableColumnDefinition {
	docs := metav1.ObjectMeta{}.SwaggerDoc()
	all := make([]metav1.TableColumnDefinition, 0, len(names))
	for _, name := range names {
		c := metav1.TableColumnDefinition{Type: "string"}
		if wide, ok := strings.CutPrefix(name, "+"); ok {
			c.Priority, name = 1, wide
		}
		if before, kind, ok := strings.Cut(name, ":"); ok {
			c.Type, name = kind, before
		}
		switch c.Name = name; name {
		case "Name":
			c.Format, c.Description = "name", docs["name"]
		case "Age":
			c.Description = docs["creationTimestamp"]
		}
		all = append(all, c)
	}
	return all
}

// plainColumns are what a kind shows that has nothing more to show.
var plainColumns = columns("Name", "Age")

func plainRow(obj runtime.Object, now time.Time) []any {
	return []any{meta(obj).GetName(), age(meta(obj).GetCreationTimestamp(), now)}
}

func age(since metav1.Time, now time.Time) string {
	if since.IsZero() {
		return unknown
	}
	return duration.HumanDuration(now.Sub(since.Time))
}

func or(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func deref[T any](value *T) T {
	if value == nil {
		var zero T
		return zero
	}
	return *value
}

func containerNames(containers []corev1.Container) string {
	names := make([]string, 0, len(containers))
	for i := range containers {
		names = append(names, containers[i].Name)
	}
	return strings.Join(names, ",")
}

func containerImages(containers []corev1.Container) string {
	images := make([]string, 0, len(containers))
	for i := range containers {
		images = append(images, containers[i].Image)
	}
	return strings.Join(images, ",")
}
