package command

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/steps"
)

func TestListSentences(t *testing.T) {
	t.Parallel()
	status, text, stderr := run(t, podchain(t, "list", "--sentences"))
	require.Equal(t, 0, status, stderr)
	for _, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "        ") { // examples are not broken
			assert.LessOrEqual(t, utf8.RuneCountInString(line), 80, line)
		}
		assert.Equal(t, strings.TrimRight(line, " "), line)
	}
	words := flat(text)
	says := func(what string) { assert.Contains(t, words, flat(what)) }
	for _, sentence := range steps.Vocabulary() {
		says(sentence.String() + " " + sentence.Description)
		says(sentence.Example)
	}
	for _, shape := range steps.Shapes() {
		says(shape.Description)
	}
	for _, chapter := range steps.Language() {
		for _, term := range chapter.Terms {
			says(term.Form + " " + term.Means)
		}
	}

	status, text, stderr = run(t, podchain(t, "list", "--sentences", "--output", "json"))
	require.Equal(t, 0, status, stderr)
	var listed struct {
		Subjects []struct {
			Sentences []struct{ Sentence, Pattern, Description, Example, Table string }
		}
		Tables   []steps.Shape
		Language []steps.Chapter
	}
	require.NoError(t, json.Unmarshal([]byte(text), &listed))
	tables := map[string]bool{"": true}
	for _, shape := range listed.Tables {
		tables[shape.Name] = true
	}
	total := 0
	for _, subject := range listed.Subjects {
		for _, sentence := range subject.Sentences {
			total++
			assert.NotEmpty(t, sentence.Pattern)
			assert.True(t, tables[sentence.Table], sentence)
		}
	}
	assert.Len(t, steps.Vocabulary(), total)
	assert.NotEmpty(t, listed.Language)

	status, _, stderr = run(t, podchain(t, "list", "--sentences", "--output", "yaml"))
	assert.Equal(t, statusUnable, status)
	assert.Equal(t, "podchain: --output yaml: expected table or json\n", stderr)
}

func TestSiteHasTheSentences(t *testing.T) {
	t.Parallel()
	out := filepath.Join(t.TempDir(), "site")
	status, _, stderr := run(t, podchain(t, "docs", "--out", out))
	require.Equal(t, 0, status, stderr)
	page, err := os.ReadFile(filepath.Join(out, "sentences.html"))
	require.NoError(t, err)
	for _, subject := range steps.Subjects() {
		assert.Contains(t, string(page), `<section id="`+subject.Name+`">`)
	}
	assert.Contains(t, string(page), "these nodes[ join]")
	front, err := os.ReadFile(filepath.Join(out, "index.html"))
	require.NoError(t, err)
	assert.Contains(t, string(front), `href="sentences.html"`)
}
