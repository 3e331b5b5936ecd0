package site

import (
	"html/template"
	"io"

	"github.com/podchain/podchain/conformance/events"
)

// Alone writes the timeline of what was observed as a page that needs no other file.
// The run says what it was observed on; the scenario needs only a name, its steps if it
// has any, writes and calls.
func Alone(out io.Writer, of events.Run, scenario *events.ScenarioRecord) error {
	style, err := files.ReadFile("templates/style.css")
	if err != nil {
		return err
	}
	one := newTimeline(&run{RunRecord: &events.RunRecord{Run: of}, Name: of.Implementation.String()}, scenario)
	return pages.ExecuteTemplate(out, "alone", struct {
		Timeline *timeline
		Style    template.CSS
	}{one, template.CSS(style)}) //nolint:gosec // it is the site's own
}
