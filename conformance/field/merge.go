package field

import "k8s.io/apimachinery/pkg/runtime"

// Merge puts into a JSON merge patch what sets the path of the object to the
// value; nil removes the field. As a merge patch replaces lists, a path into a
// list takes the object's list along.
func (p Path) Merge(patch, object map[string]any, value any) error {
	prefix := len(p)
	for i, step := range p {
		if step.isIndex || step.isSelector {
			prefix = i
			break
		}
	}
	entry := patch
	for _, step := range p[:prefix-1] {
		inner, ok := entry[step.key].(map[string]any)
		if !ok {
			inner = map[string]any{}
			entry[step.key] = inner
		}
		entry = inner
	}
	key := p[prefix-1].key
	if prefix == len(p) {
		entry[key] = value // nil is null: the field goes
		return nil
	}
	list, ok := entry[key]
	if !ok {
		if present, found := p[:prefix].Get(object); found {
			list = runtime.DeepCopyJSONValue(present)
		}
	}
	changed, err := p[prefix:].Set(list, value)
	entry[key] = changed
	return err
}
