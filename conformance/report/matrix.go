package report

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
)

// Matrix is what came of running the specification over combinations of origins.
type Matrix struct {
	// Command that makes it.
	Command string `json:"command"`
	// Links whose origins differ between combinations, in the order of the chain.
	Links []chain.Link `json:"links"`
	// Origins that each of them comes from, and the origins of the other links.
	Origins []string `json:"origins"`
	Others  []string `json:"others,omitempty"`
	// Specification that is run, by its digest.
	Specification string `json:"specification"`
	// Combinations that have been run, and how many there are.
	Combinations []*Combination `json:"combinations"`
	Total        int            `json:"total"`
}

// Combination is one row.
type Combination struct {
	// Number counts the combinations of the whole matrix, from 1.
	Number int `json:"number"`
	// Origins of the links of the matrix.
	Origins map[chain.Link]string `json:"origins"`
	// Error says why there is no run, or what went wrong at its end.
	Error string `json:"error,omitempty"`
	// Run is what came of it; nil if it did not start.
	Run *document `json:"run,omitempty"`
}

// Record notes what came of running the combination.
func (c *Combination) Record(result *events.RunRecord, err error) {
	if result != nil {
		run := documentOf(result)
		c.Run = &run
	}
	if err != nil {
		c.Error = err.Error()
	}
}

// ExitStatus is that of the run; 2 if it did not start or end well.
func (c *Combination) ExitStatus() int {
	switch counts := c.counts(); {
	case counts[events.Failed] > 0:
		return 1
	case c.Error != "" || counts[events.CouldNotRun] > 0 || counts[events.Passed] == 0:
		return 2
	}
	return 0
}

// ExitStatus is 1 if a requirement failed anywhere, 2 if something could not run.
func (m *Matrix) ExitStatus() int {
	worst := 0
	for _, c := range m.Combinations {
		switch status := c.ExitStatus(); {
		case status == 1:
			return 1
		case status != 0:
			worst = status
		}
	}
	return worst
}

func (c *Combination) counts() map[events.Outcome]int {
	counts := map[events.Outcome]int{}
	if c.Run != nil {
		for _, r := range c.Run.Requirements {
			counts[r.Outcome]++
		}
	}
	return counts
}

// String names the origins, such as "api-server=kubernetes,scheduler=reference".
func (c *Combination) String() string {
	var pairs []string
	for _, link := range chain.AllLinks {
		if origin := c.Origins[link]; origin != "" {
			pairs = append(pairs, fmt.Sprintf("%s=%s", link, origin))
		}
	}
	return strings.Join(pairs, ",")
}

// trouble says what did not pass, and which link is blamed.
func (c *Combination) trouble() string {
	var words []string
	if c.Error != "" {
		line, _, _ := strings.Cut(c.Error, "\n")
		words = append(words, line)
	}
	if c.Run != nil {
		for _, r := range c.Run.Requirements {
			if r.Outcome != events.Failed && r.Outcome != events.CouldNotRun {
				continue
			}
			word := r.ID
			if r.Outcome == events.CouldNotRun {
				word += " could not run"
			}
			if blamed := r.blamed(); len(blamed) > 0 {
				word += " (" + strings.Join(blamed, ", ") + ")"
			}
			words = append(words, word)
		}
	}
	return strings.Join(words, ", ")
}

func (r requirement) blamed() []string {
	var links []string
	for _, failure := range r.Failures {
		if blamed := string(failure.Blamed); blamed != "" && !slices.Contains(links, blamed) {
			links = append(links, blamed)
		}
	}
	return links
}

// Summary is the combination in one line.
func (c *Combination) Summary() string {
	counts := c.counts()
	line := fmt.Sprintf("%d passed, %d failed, %d could not run, %d not applicable", counts[events.Passed],
		counts[events.Failed], counts[events.CouldNotRun], counts[events.NotApplicable])
	if trouble := c.trouble(); trouble != "" {
		line += ": " + trouble
	}
	return line
}

func (m *Matrix) header() []string {
	cells := []string{"#"}
	for _, link := range m.Links {
		cells = append(cells, string(link))
	}
	for _, outcome := range events.Outcomes {
		cells = append(cells, string(outcome))
	}
	return append(cells, "what did not pass (and the link to blame)")
}

func (m *Matrix) row(c *Combination) []string {
	cells := []string{fmt.Sprint(c.Number)}
	for _, link := range m.Links {
		cells = append(cells, c.Origins[link])
	}
	counts := c.counts()
	for _, outcome := range events.Outcomes {
		cells = append(cells, dash(counts[outcome], ""))
	}
	return append(cells, c.trouble())
}

func (m *Matrix) sum() string {
	good := 0
	for _, c := range m.Combinations {
		if c.ExitStatus() == 0 {
			good++
		}
	}
	return fmt.Sprintf("%d combinations, %d of them run, %d passed all that applies", m.Total, len(m.Combinations), good)
}

// Holds tells whether a combination has been run.
func (m *Matrix) Holds(number int) bool {
	return slices.ContainsFunc(m.Combinations, func(c *Combination) bool { return c.Number == number })
}

// Add adds a combination that has been run, in its place.
func (m *Matrix) Add(c *Combination) {
	m.Combinations = append(m.Combinations, c)
	slices.SortFunc(m.Combinations, func(a, b *Combination) int { return a.Number - b.Number })
}

// Same tells whether two matrices have the same combinations.
func (m *Matrix) Same(other *Matrix) bool {
	return slices.Equal(m.Links, other.Links) && slices.Equal(m.Origins, other.Origins) &&
		slices.Equal(m.Others, other.Others) && m.Specification == other.Specification
}

// MatrixTerminal writes the matrix as a table for people.
func MatrixTerminal(out io.Writer, m *Matrix) error {
	writer := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(writer, strings.ToUpper(strings.Join(m.header(), "\t")))
	for _, c := range m.Combinations {
		fmt.Fprintln(writer, strings.Join(m.row(c), "\t"))
	}
	if err := writer.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%s\n", m.sum())
	return err
}

// MatrixMarkdown writes the matrix as a page that can be kept.
func MatrixMarkdown(out io.Writer, m *Matrix) error {
	escape := strings.NewReplacer("|", `\|`, "\n", " ")
	line := func(cells []string) string {
		for i := range cells {
			cells[i] = escape.Replace(cells[i])
		}
		return "| " + strings.Join(cells, " | ") + " |\n"
	}
	var text strings.Builder
	fmt.Fprintf(&text, "# The specification over combinations of origins\n\n    %s\n\n", m.Command)
	header := m.header()
	text.WriteString(line(header))
	text.WriteString(strings.Repeat("|---", len(header)) + "|\n")
	for _, c := range m.Combinations {
		text.WriteString(line(m.row(c)))
	}
	fmt.Fprintf(&text, "\n%s.\n", m.sum())
	_, err := io.WriteString(out, text.String())
	return err
}

// MatrixJSON writes the matrix with all its runs.
func MatrixJSON(out io.Writer, m *Matrix) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(m)
}

// ReadMatrix reads what MatrixJSON has written.
func ReadMatrix(content []byte) (*Matrix, error) {
	m := &Matrix{}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	return m, decoder.Decode(m)
}
