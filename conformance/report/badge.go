package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"unicode/utf8"

	"github.com/podchain/podchain/conformance/events"
)

//go:embed badge.svg.tmpl
var badgeText string

var badgeTemplate = template.Must(template.New("badge").Parse(badgeText))

// Badge writes an image for a README: how many of the requirements that apply have
// passed.
func Badge(out io.Writer, run *events.RunRecord) error {
	counts := run.CountIgnoringKnown()
	applicable := counts[events.Passed] + counts[events.Failed] + counts[events.CouldNotRun]
	says, colour := fmt.Sprintf("%d of %d passed", counts[events.Passed], applicable), "#2e7d32"
	switch {
	case run.End == nil || applicable == 0:
		says, colour = "no verdict", "#5f6368"
	case counts[events.Failed] > 0:
		colour = "#b3261e"
	case counts[events.CouldNotRun] > 0:
		colour = "#8a5a00"
	}
	const name = "podchain"
	left, right := width(name), width(says)
	return badgeTemplate.Execute(out, map[string]any{
		"name": name, "says": says, "colour": colour, "left": left, "right": right, "width": left + right,
		"nameAt": left / 2, "saysAt": left + right/2, "nameWidth": left - 12, "saysWidth": right - 12,
	})
}

// width of a text in 11 px, with room on both sides; the text is fitted into it.
func width(text string) int { return utf8.RuneCountInString(text)*13/2 + 12 }
