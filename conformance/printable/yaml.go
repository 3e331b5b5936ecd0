package printable

import (
	"errors"
	"strings"
)

// YAML is the error of a YAML parser reduced to what it says about the text.
func YAML(err error) error {
	text := err.Error()
	for _, prefix := range []string{"error converting YAML to JSON: ", "error unmarshaling JSON: ", "while decoding JSON: ", "yaml: ", "unmarshal errors:", "json: "} {
		text = strings.TrimSpace(strings.TrimPrefix(text, prefix))
	}
	return errors.New(strings.Join(strings.Fields(text), " "))
}
