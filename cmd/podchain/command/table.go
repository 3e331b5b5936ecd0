package command

import (
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
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
	// marks are what a text may be broken behind.
	marks = ",/:-"
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
// than the limit. Then those give way where it makes the fewest lines, if possible without
// breaking a word. There is no limit if it is 0, or leaves too little to read.
func columns(rows [][]string, limit int) []int {
	var widths, words []int // the longest text of each column, the longest word
	var lengths [][]int     // of all texts of each
	for _, row := range rows {
		for i, cell := range row {
			if i == len(widths) {
				widths, words, lengths = append(widths, 0), append(words, narrowest), append(lengths, nil)
			}
			length := utf8.RuneCountInString(cell)
			lengths[i] = append(lengths[i], length)
			widths[i], words[i] = max(widths[i], length), max(words[i], longestWord(cell))
		}
	}
	left := limit - gap*(len(widths)-1)
	if limit == 0 || left < narrowest*len(widths) {
		return widths
	}
	if sum(words) > left {
		words = slices.Repeat([]int{narrowest}, len(words))
	}
	for sum(widths) > left {
		narrowed, least := 0, math.Inf(1)
		for i, width := range widths {
			if cost := lost(lengths[i], width); width > words[i] && cost < least {
				narrowed, least = i, cost
			}
		}
		widths[narrowed]--
	}
	return widths
}

// word is a piece of a text that wrap breaks only if it has to.
var word = regexp.MustCompile("[^ " + marks + "]*[" + marks + "]?")

func longestWord(text string) (longest int) {
	for _, one := range word.FindAllString(text, -1) {
		longest = max(longest, utf8.RuneCountInString(one))
	}
	return longest
}

// lost is about how many lines more texts take when they have one column less than the
// width.
func lost(lengths []int, width int) float64 {
	broken := 0
	for _, length := range lengths {
		if length >= width {
			broken += length
		}
	}
	return float64(broken) / float64(width*(width-1))
}

func sum(all []int) (total int) {
	for _, one := range all {
		total += one
	}
	return total
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
			if strings.ContainsRune(marks, rest[i-1]) {
				end, next = i, i
				break
			}
		}
		lines = append(lines, string(rest[:end]))
		rest = rest[next:]
	}
	return append(lines, string(rest))
}
