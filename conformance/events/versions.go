package events

import (
	"encoding/json"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
)

// Version is a write with the object as it was then, whole.
type Version struct {
	Write
	Object json.RawMessage
	// Before is the version before it; nil for the first.
	Before json.RawMessage
}

// Versions returns what was observed with every object whole. What does not fit
// together is left as it was.
func (s *ScenarioRecord) Versions() []Version {
	last := map[string]json.RawMessage{}
	all := make([]Version, 0, len(s.Writes))
	for _, write := range s.Writes {
		version := Version{Write: write, Object: write.Object, Before: last[write.UID]}
		if write.Patch != nil && version.Before != nil {
			version.Object = version.Before
			if merged, err := jsonpatch.MergePatch(version.Before, write.Patch); err == nil {
				version.Object = merged
			}
		}
		last[write.UID] = version.Object
		all = append(all, version)
	}
	return all
}
