package kubelet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// environment returns the container's variables and the order they come in.
func (w *worker) environment(ctx context.Context, pod *corev1.Pod, c *corev1.Container, address string) (values map[string]string, order []string, err error) {
	values = map[string]string{}
	set := func(name, value string) {
		if _, known := values[name]; !known {
			order = append(order, name)
		}
		values[name] = value
	}
	for _, source := range c.EnvFrom {
		var data map[string]string
		switch {
		case source.ConfigMapRef != nil:
			data, err = w.configMap(ctx, pod.Namespace, source.ConfigMapRef.Name, source.ConfigMapRef.Optional)
		case source.SecretRef != nil:
			data, err = w.secret(ctx, pod.Namespace, source.SecretRef.Name, source.SecretRef.Optional)
		}
		if err != nil {
			return nil, nil, err
		}
		keys := make([]string, 0, len(data))
		for key := range data {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		for _, key := range keys {
			set(source.Prefix+key, data[key])
		}
	}
	for i := range c.Env {
		variable := &c.Env[i]
		if variable.ValueFrom == nil {
			set(variable.Name, expand(variable.Value, values))
			continue
		}
		value, found, err := w.valueFrom(ctx, pod, c, variable.ValueFrom, address)
		if err != nil {
			return nil, nil, err
		}
		if found {
			set(variable.Name, value)
		}
	}
	return values, order, nil
}

// fixedValues are the variables that the command of a probe may name: those that have
// a value in the spec.
func fixedValues(c *corev1.Container) map[string]string {
	values := make(map[string]string, len(c.Env))
	for i := range c.Env {
		values[c.Env[i].Name] = c.Env[i].Value
	}
	return values
}

// valueFrom looks a variable's value up; found is false for an optional source
// that is not there.
func (w *worker) valueFrom(ctx context.Context, pod *corev1.Pod, c *corev1.Container, source *corev1.EnvVarSource, address string) (value string, found bool, err error) {
	pick := func(kind, object, key string, optional *bool, data map[string]string, err error) (string, bool, error) {
		if err != nil {
			return "", false, err
		}
		value, found := data[key]
		if !found && (optional == nil || !*optional) {
			return "", false, fmt.Errorf("couldn't find key %s in %s %s/%s", key, kind, pod.Namespace, object)
		}
		return value, found, nil
	}
	switch {
	case source.FieldRef != nil:
		value, err = w.field(pod, source.FieldRef.FieldPath, address)
		return value, err == nil, err
	case source.ResourceFieldRef != nil:
		value, err = w.resource(pod, c, source.ResourceFieldRef)
		return value, err == nil, err
	case source.ConfigMapKeyRef != nil:
		r := source.ConfigMapKeyRef
		data, err := w.configMap(ctx, pod.Namespace, r.Name, r.Optional)
		return pick("ConfigMap", r.Name, r.Key, r.Optional, data, err)
	case source.SecretKeyRef != nil:
		r := source.SecretKeyRef
		data, err := w.secret(ctx, pod.Namespace, r.Name, r.Optional)
		return pick("Secret", r.Name, r.Key, r.Optional, data, err)
	}
	return "", false, fmt.Errorf("a source of variables that this kubelet does not know")
}

func (w *worker) configMap(ctx context.Context, namespace, name string, optional *bool) (map[string]string, error) {
	object, err := w.configMapObject(ctx, namespace, name, optional)
	if err != nil || object == nil {
		return nil, err
	}
	return object.Data, nil
}

// configMapObject returns nil for an optional one that is not there.
func (w *worker) configMapObject(ctx context.Context, namespace, name string, optional *bool) (*corev1.ConfigMap, error) {
	object, err := w.k.clients.ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if optional != nil && *optional {
			return nil, nil
		}
		return nil, fmt.Errorf("configmap %q not found", name)
	}
	return object, err
}

func (w *worker) secret(ctx context.Context, namespace, name string, optional *bool) (map[string]string, error) {
	object, err := w.secretObject(ctx, namespace, name, optional)
	if err != nil || object == nil {
		return nil, err
	}
	data := make(map[string]string, len(object.Data))
	for key, value := range object.Data {
		data[key] = string(value)
	}
	return data, nil
}

// secretObject returns nil for an optional one that is not there.
func (w *worker) secretObject(ctx context.Context, namespace, name string, optional *bool) (*corev1.Secret, error) {
	object, err := w.k.clients.Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		if optional != nil && *optional {
			return nil, nil
		}
		return nil, fmt.Errorf("secret %q not found", name)
	}
	return object, err
}

// field is the downward API for the fields of a Pod.
func (w *worker) field(pod *corev1.Pod, path, address string) (string, error) {
	if name, key, found := strings.Cut(path, "['"); found {
		key = strings.TrimSuffix(key, "']")
		switch name {
		case "metadata.labels":
			return pod.Labels[key], nil
		case "metadata.annotations":
			return pod.Annotations[key], nil
		}
	}
	switch path {
	case "metadata.labels":
		return lines(pod.Labels), nil
	case "metadata.annotations":
		return lines(pod.Annotations), nil
	case "metadata.name":
		return pod.Name, nil
	case "metadata.namespace":
		return pod.Namespace, nil
	case "metadata.uid":
		return string(pod.UID), nil
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.hostIP", "status.hostIPs":
		return w.k.Address, nil
	case "status.podIP", "status.podIPs":
		return address, nil
	}
	return "", fmt.Errorf("unsupported fieldPath: %s", path)
}

// lines has a map as the downward API puts it into a file.
func lines(values map[string]string) string {
	list := make([]string, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		list = append(list, key+"="+strconv.Quote(values[key]))
	}
	return strings.Join(list, "\n")
}

// resource is the downward API for requests and limits. A limit that is not set
// is what the node has.
func (w *worker) resource(pod *corev1.Pod, c *corev1.Container, selector *corev1.ResourceFieldSelector) (string, error) {
	if selector.ContainerName != "" {
		if c = specOf(pod, selector.ContainerName); c == nil {
			return "", fmt.Errorf("container %s not found", selector.ContainerName)
		}
	}
	kind, name, _ := strings.Cut(selector.Resource, ".")
	list := c.Resources.Requests
	if kind == "limits" {
		list = c.Resources.Limits
	}
	quantity, set := list[corev1.ResourceName(name)]
	if !set && kind == "limits" {
		quantity = w.k.Allocatable[corev1.ResourceName(name)]
	}
	divisor := selector.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	ceil := func(a, b int64) string { return strconv.FormatInt((a+b-1)/b, 10) }
	if corev1.ResourceName(name) == corev1.ResourceCPU {
		return ceil(quantity.MilliValue(), divisor.MilliValue()), nil
	}
	return ceil(quantity.Value(), divisor.Value()), nil
}

// expand replaces $(NAME) by the variable's value: $$ stands for $, and what
// names no variable stays as it is.
func expand(text string, values map[string]string) string {
	var out strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] != '$' || i+1 == len(text) {
			out.WriteByte(text[i])
			continue
		}
		switch rest := text[i+1:]; {
		case rest[0] == '$':
			out.WriteByte('$')
			i++
		case rest[0] == '(' && strings.IndexByte(rest, ')') > 0:
			end := strings.IndexByte(rest, ')')
			if value, known := values[rest[1:end]]; known {
				out.WriteString(value)
			} else {
				out.WriteString("$" + rest[:end+1])
			}
			i += end + 1
		default:
			out.WriteByte('$')
		}
	}
	return out.String()
}

func expandAll(texts []string, values map[string]string) []string {
	texts = slices.Clone(texts)
	for i := range texts {
		texts[i] = expand(texts[i], values)
	}
	return texts
}
