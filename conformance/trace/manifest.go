package trace

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"github.com/podchain/podchain/conformance/printable"
)

// Load reads the manifest of one Deployment, YAML or JSON, from a file, or from
// stdin if path is "-". Errors have the file and the line. Validating the Deployment is
// left to the API server.
func Load(path string, stdin io.Reader) (*unstructured.Unstructured, error) {
	data, err := read(path, stdin)
	if err != nil {
		return nil, err
	}
	documents := split(data)
	if len(documents) == 0 {
		return nil, fmt.Errorf("%s: there is no manifest in it", path)
	}
	var deployment *unstructured.Unstructured
	for i, document := range documents {
		object, err := document.parse()
		if err != nil {
			return nil, fmt.Errorf("%s:%w", path, err)
		}
		if i > 0 {
			return nil, fmt.Errorf("%s:%d: a second document (%s), but one Deployment is traced",
				path, document.lineOf("kind"), named(object))
		}
		deployment = object
	}
	return deployment, check(path, documents[0], deployment)
}

func read(path string, stdin io.Reader) ([]byte, error) {
	if path == "-" {
		data, err := io.ReadAll(stdin)
		if err != nil {
			return nil, fmt.Errorf("read the manifest from stdin: %w", err)
		}
		return data, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the manifest: %w", printable.File(err))
	}
	return data, nil
}

func check(path string, document document, object *unstructured.Unstructured) error {
	kind, version := object.GetKind(), object.GetAPIVersion()
	switch {
	case kind == "":
		return fmt.Errorf("%s:%d: not a manifest: it has no kind", path, document.lineOf(""))
	case kind != traced.Name:
		return fmt.Errorf("%s:%d: kind %s, but what is traced is a Deployment", path, document.lineOf("kind"), named(object))
	case version != "apps/v1":
		return fmt.Errorf("%s:%d: apiVersion %q, but a Deployment is of apps/v1", path, document.lineOf("apiVersion"), version)
	}
	if _, _, err := unstructured.NestedMap(object.Object, "metadata"); err != nil {
		return fmt.Errorf("%s:%d: metadata is not a mapping", path, document.lineOf("metadata"))
	}
	if object.GetName() == "" {
		return fmt.Errorf("%s:%d: the Deployment has no metadata.name", path, document.lineOf("metadata"))
	}
	return nil
}

func named(object *unstructured.Unstructured) string {
	kind, name := object.GetKind(), object.GetName()
	if kind == "" {
		kind = "without a kind"
	}
	if name == "" {
		return kind
	}
	return fmt.Sprintf("%s %q", kind, name)
}

// document is one YAML document. Blank lines stand for what comes before it in
// the file, so that the parser's line numbers are those of the file.
type document struct {
	text  []byte
	first int // line that it begins on
}

var marker = regexp.MustCompile(`^---(\s|$)`)

// split returns the documents that are not empty.
func split(data []byte) []document {
	var documents []document
	var text bytes.Buffer
	first := 1
	end := func(next int) {
		if !empty(text.Bytes()) {
			documents = append(documents, document{text: bytes.Clone(text.Bytes()), first: first})
		}
		text.Reset()
		text.WriteString(strings.Repeat("\n", next-1))
		first = next
	}
	for i, line := range bytes.SplitAfter(data, []byte("\n")) {
		if marker.Match(line) {
			end(i + 1)
		}
		text.Write(line)
	}
	end(1)
	return documents
}

func empty(text []byte) bool {
	for line := range bytes.Lines(text) {
		line = bytes.TrimSpace(marker.ReplaceAll(line, nil))
		if len(line) > 0 && line[0] != '#' {
			return false
		}
	}
	return true
}

func (d document) parse() (*unstructured.Unstructured, error) {
	content := map[string]any{}
	if err := yaml.UnmarshalStrict(d.text, &content); err != nil {
		line, says := d.parserSays(err)
		return nil, fmt.Errorf("%s: not valid YAML: %s", line, says)
	}
	// The parser yields float64 where an object of the API holds int64.
	encoded, err := yaml.Marshal(content)
	if err != nil {
		return nil, err
	}
	encoded, err = yaml.YAMLToJSON(encoded)
	if err != nil {
		return nil, err
	}
	object := &unstructured.Unstructured{Object: map[string]any{}}
	if _, found := content["kind"].(string); !found {
		return object, nil
	}
	if err := object.UnmarshalJSON(encoded); err != nil {
		// A List is one to the decoder, and not an object.
		object.Object = content
	}
	return object, nil
}

var atLine = regexp.MustCompile(`^line (\d+): `)

// parserSays reduces the error of a parser to what it says about the text, and
// the line that it names.
func (d document) parserSays(err error) (line, says string) {
	text := printable.YAML(err).Error()
	if strings.HasPrefix(text, "cannot unmarshal") {
		text = "it is not a mapping"
	}
	line = strconv.Itoa(d.lineOf(""))
	if match := atLine.FindStringSubmatch(text); match != nil {
		line, text = match[1], strings.TrimPrefix(text, match[0])
	}
	return line, text
}

// lineOf returns the line of a key of the document's root, or of the first line
// that says something.
func (d document) lineOf(key string) int {
	number := 0
	for line := range bytes.Lines(d.text) {
		number++
		if number < d.first {
			continue
		}
		if key == "" && !empty(line) || key != "" && bytes.HasPrefix(line, []byte(key+":")) {
			return number
		}
	}
	return d.first
}

// selector returns the selector of the Deployment as a query, "" if it has none
// that makes sense: then the API server will say so.
func selector(deployment *unstructured.Unstructured) string {
	content, _, _ := unstructured.NestedMap(deployment.Object, "spec", "selector")
	var parsed metav1.LabelSelector
	if runtime.DefaultUnstructuredConverter.FromUnstructured(content, &parsed) != nil {
		return ""
	}
	query, err := metav1.LabelSelectorAsSelector(&parsed)
	if err != nil || query.Empty() {
		return ""
	}
	return query.String()
}
