package apiserver

import (
	"net/http"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	utilnet "k8s.io/apimachinery/pkg/util/net"
)

// addWarnings warns of an object that is about to be stored; of a new one old is nil.
func (rq *request) addWarnings(obj, old runtime.Object) {
	if rq.Warnings != nil {
		rq.warnings = append(rq.warnings, rq.Warnings(obj)...)
	}
	rq.warnings = append(rq.warnings, rq.served.Of(rq.Kind, rq.subresource, obj, old)...)
}

// The limits of Kubernetes, in runes: of all texts of an answer, and beyond it of each.
const (
	warningsLimit = 4 * 1024
	warningLimit  = 256
)

// writeWarnings sends the warnings as headers, each once. Where they are too long
// together each is cut short, and those that still do not fit are dropped.
func writeWarnings(w http.ResponseWriter, warnings []string) {
	var texts [][]rune
	seen, total := map[string]bool{}, 0
	for _, text := range warnings {
		text = strings.ReplaceAll(text, "\n", " ")
		if !seen[text] {
			seen[text] = true
			texts = append(texts, []rune(text))
			total += len(texts[len(texts)-1])
		}
	}
	cut, written := total > warningsLimit, 0
	for _, text := range texts {
		if cut {
			text = text[:min(len(text), warningLimit)]
		}
		if written >= warningsLimit {
			return
		}
		header, err := utilnet.NewWarningHeader(299, "", string(text))
		if err != nil {
			continue // it has control characters, which no header may have
		}
		written += len(text)
		w.Header().Add("Warning", header)
	}
}
