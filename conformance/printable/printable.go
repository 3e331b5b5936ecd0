// Package printable makes text of others fit to be shown: what a program prints, and what
// objects say, may hold characters that a terminal acts on, that XML cannot hold, or
// lines that a CI system takes for commands.
package printable

import (
	"io"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line is a line with whatever is not printed shown as Go would write it.
func Line(line string) string {
	return escape(strings.ReplaceAll(line, "\t", "    "), false)
}

// Text is the same of a text of several lines, none of which is a command of a workflow.
func Text(text string) string {
	lines := strings.Split(escape(text, true), "\n")
	for i, line := range lines {
		if begin := strings.TrimLeftFunc(line, unicode.IsSpace); strings.HasPrefix(begin, "::") || strings.HasPrefix(begin, "##[") {
			lines[i] = line[:len(line)-len(begin)] + `\` + begin
		}
	}
	return strings.Join(lines, "\n")
}

func escape(text string, lines bool) string {
	if strings.IndexFunc(text, func(r rune) bool { return r == utf8.RuneError || !unicode.IsGraphic(r) }) < 0 {
		return text
	}
	var escaped strings.Builder
	for len(text) > 0 {
		r, size := utf8.DecodeRuneInString(text)
		switch {
		case r == utf8.RuneError && size == 1, !unicode.IsGraphic(r) && !(lines && (r == '\n' || r == '\t')):
			quoted := strconv.QuoteToGraphic(text[:size])
			escaped.WriteString(quoted[1 : len(quoted)-1])
		default:
			escaped.WriteString(text[:size])
		}
		text = text[size:]
	}
	return escaped.String()
}

// Writer returns a writer to a terminal, a pipe or a file of text, of which nothing but
// text gets there.
func Writer(to io.Writer) io.Writer { return writer{to} }

type writer struct{ to io.Writer }

// Write implements io.Writer.
func (w writer) Write(text []byte) (int, error) {
	if _, err := io.WriteString(w.to, escape(string(text), true)); err != nil {
		return 0, err
	}
	return len(text), nil
}
