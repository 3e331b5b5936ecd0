package command

import (
	"bufio"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestListOnATerminal: no line is wider than the terminal, and nothing is lost.
func TestListOnATerminal(t *testing.T) {
	t.Parallel()
	for name, arguments := range map[string][]string{
		"requirements": {"list"}, "mutants": {"list", "--mutants"},
	} {
		status, piped, stderr := run(t, podchain(t, arguments...))
		require.Equal(t, 0, status, stderr)
		for _, width := range []int{60, 80, 120, 1000} {
			t.Run(fmt.Sprintf("%s, %d columns", name, width), func(t *testing.T) {
				t.Parallel()
				program, viewer := terminal(t, width)
				command := podchain(t, arguments...)
				command.Stdout = program
				require.NoError(t, command.Start())
				require.NoError(t, program.Close())
				var shown strings.Builder
				widest := 0
				for lines := bufio.NewScanner(viewer); lines.Scan(); {
					line := strings.TrimRight(lines.Text(), "\r")
					widest = max(widest, utf8.RuneCountInString(line))
					shown.WriteString(line + "\n")
				}
				require.NoError(t, command.Wait())
				assert.LessOrEqual(t, widest, width)
				assert.Equal(t, letters(piped), letters(shown.String()), "nothing is lost")
				if width == 1000 {
					assert.Equal(t, piped, shown.String(), "what fits is not broken")
				}
			})
		}
	}
}

// letters is how often each letter is in a text.
func letters(text string) map[rune]int {
	all := map[rune]int{}
	for _, letter := range text {
		if letter != ' ' && letter != '\n' {
			all[letter]++
		}
	}
	return all
}

func TestWrap(t *testing.T) {
	for _, test := range []struct {
		text  string
		width int
		want  []string
	}{
		{"", 5, []string{""}},
		{"short", 5, []string{"short"}},
		{"two words", 5, []string{"two", "words"}},
		{"two words", 8, []string{"two", "words"}},
		{"links,nodes", 7, []string{"links,", "nodes"}},
		{"a/b.feature:12", 12, []string{"a/b.feature:", "12"}},
		{"unbreakable", 5, []string{"unbre", "akabl", "e"}},
		{"äöü äöü", 3, []string{"äöü", "äöü"}},
	} {
		assert.Equal(t, test.want, wrap(test.text, test.width), test.text)
	}
}

// TestColumns: what is long in all rows gets most of the room, and a word is broken only
// where there is no other way.
func TestColumns(t *testing.T) {
	long := strings.Repeat("a sentence of words ", 5)
	for name, test := range map[string]struct {
		rows  [][]string
		limit int
		want  []int
	}{
		"all of it has room":      {[][]string{{"id", "words"}}, 9, []int{2, 5}},
		"no limit":                {[][]string{{"id", long}}, 0, []int{2, 100}},
		"too little to read":      {[][]string{{"id", long}}, 10, []int{2, 100}},
		"the long one gives way":  {[][]string{{"identity", long}}, 40, []int{8, 30}},
		"a rare one gives way":    {[][]string{{"a,b,c,d,e,f,g,h", long}, {"-", long}, {"-", long}}, 40, []int{7, 31}},
		"a word is not broken":    {[][]string{{"persistentvolumeclaims", long}, {"x", long}}, 40, []int{22, 16}},
		"a word has to be broken": {[][]string{{"persistentvolumeclaims", long}, {"x", long}}, 26, []int{6, 18}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, test.want, columns(test.rows, test.limit)) })
	}
}

// Of several lists only one would be printed.
func TestListTwice(t *testing.T) {
	t.Parallel()
	status, stdout, stderr := run(t, podchain(t, "list", "--served", "--mutants"))
	assert.Equal(t, statusUnable, status)
	assert.Empty(t, stdout)
	assert.Contains(t, stderr, "[mutants served] were all set")
}
