package command

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

const (
	// gap is between columns.
	gap = 2
	// narrowest is a column that can still be read.
	narrowest = 6
)

// printTable prints rows in columns. On a terminal they keep to its width, and what does
// not fit into a column goes on below; elsewhere, each row is a line.
func printTable(out io.Writer, rows [][]string) error {
	return writeTable(out, rows, terminalWidth(out))
}

// writeTable prints rows in columns that keep to a width, 0 for any.
func writeTable(out io.Writer, rows [][]string, width int) error {
	widths := columns(rows, width)
	for _, row := range rows {
		cells := make([][]string, len(row))
		lines := 0
		for i, cell := range row {
			cells[i] = wrap(cell, widths[i])
			lines = max(lines, len(cells[i]))
		}
		for line := range lines {
			var text strings.Builder
			for i, cell := range cells {
				part := ""
				if line < len(cell) {
					part = cell[line]
				}
				text.WriteString(part)
				if i < len(cells)-1 {
					text.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(part)+gap))
				}
			}
			if _, err := fmt.Fprintln(out, strings.TrimRight(text.String(), " ")); err != nil {
				return err
			}
		}
	}
	return nil
}

// terminalWidth is the width of the terminal that out is, 0 where it is something else.
func terminalWidth(out io.Writer) int {
	file, ok := out.(*os.File)
	if !ok {
		return 0
	}
	width, _, err := term.GetSize(int(file.Fd()))
	if err != nil {
		return 0
	}
	return width
}

// columns returns how wide each is: as wide as what is in it, unless all of them are wider
// than the limit. Then the widest give way. There is no limit if it is 0, or
// leaves too little to read.
func columns(rows [][]string, limit int) []int {
	var widths []int
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	left := limit - gap*(len(widths)-1)
	if limit == 0 || left < narrowest*len(widths) {
		return widths
	}
	for {
		sum := 0
		for _, width := range widths {
			sum += width
		}
		if sum <= left {
			return widths
		}
		widths[slices.Index(widths, slices.Max(widths))]--
	}
}

// wrap breaks a text into lines that are not wider than the width: behind a blank or a
// mark if there is one.
func wrap(text string, width int) (lines []string) {
	rest := []rune(text)
	for len(rest) > width {
		end, next := width, width
		for i := width; i > 0; i-- {
			if rest[i] == ' ' {
				end, next = i, i+1
				break
			}
			if strings.ContainsRune(",/:-", rest[i-1]) {
				end, next = i, i
				break
			}
		}
		lines = append(lines, string(rest[:end]))
		rest = rest[next:]
	}
	return append(lines, string(rest))
}
