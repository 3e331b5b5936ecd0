package trace

import (
	"slices"
	"strings"
)

// warnings are what the API server warns of, each once.
type warnings []string

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(code int, _, text string) {
	if code == 299 && text != "" && !slices.Contains(*w, text) {
		*w = append(*w, text)
	}
}

// warnings prints what the answer to the POST warned of, as kubectl does, in lines that
// fit.
func (p *printer) warnings(all warnings) {
	for _, text := range all {
		p.printf("%s\n", strings.Join(wrap("Warning: "+text, width-2), "\n  "))
	}
	if len(all) > 0 {
		p.printf("\n")
	}
}
