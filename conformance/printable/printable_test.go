package printable

import (
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestText(t *testing.T) {
	for text, expected := range map[string]string{
		"plain\n\ttext é ✗ \"quoted\" a\\b":        "plain\n\ttext é ✗ \"quoted\" a\\b",
		"\x1b[2Jgone\r":                            `\x1b[2Jgone\r`,
		"\xff\x00\x7f\u009b\u202e":                 `\xff\x00\x7f\u009b\u202e`,
		"a\n::error::b\n  ::set-output\n##[group]": "a\n\\::error::b\n  \\::set-output\n\\##[group]",
	} {
		assert.Equal(t, expected, Text(text))
		var out strings.Builder
		require.NoError(t, xml.EscapeText(&out, []byte(Text(text))))
		assert.NotContains(t, out.String(), "\ufffd")
	}
	assert.Equal(t, `a    b\n`, Line("a\tb\n"))
	var out strings.Builder
	n, err := Writer(&out).Write([]byte("\x1b[31mred\n"))
	require.NoError(t, err)
	assert.Equal(t, 9, n)
	assert.Equal(t, "\\x1b[31mred\n", out.String())
}
