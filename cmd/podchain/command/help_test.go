package command

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// everyCommand are podchain and all commands below it.
func everyCommand(t *testing.T) (all []*cobra.Command) {
	root := New(Options{})
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	var walk func(*cobra.Command)
	walk = func(command *cobra.Command) {
		all = append(all, command)
		for _, below := range command.Commands() {
			walk(below)
		}
	}
	walk(root)
	require.Greater(t, len(all), 15)
	return all
}

// verbs are what the description of a flag may begin with: it says what podchain does
// with the flag.
var verbs = strings.Fields(`Accept Add Also Call Check Claim Connect Control Create Delete Fail Get Give Have Keep
	Listen List Offer Present Print Read Record Register Run Set Show Skip Start Store Take Trace Trust Use Vary Write Remove Disable`)

var firstWord = regexp.MustCompile(`^[A-Z][a-z]+ `)

// cobras tells whether cobra has written the help of the command.
func cobras(command *cobra.Command) bool {
	return command.Name() == "completion" || command.HasParent() && command.Parent().Name() == "completion"
}

// Every help can be read in a terminal of 80 columns, and describes each flag in a sentence
// that begins with a verb.
func TestHelp(t *testing.T) {
	for _, command := range everyCommand(t) {
		t.Run(command.CommandPath(), func(t *testing.T) {
			help := helpOf(command)
			for _, line := range strings.Split(help, "\n") {
				assert.LessOrEqual(t, utf8.RuneCountInString(line), helpWidth, line)
				assert.NotRegexp(t, `\s$`, line)
			}
			// What is broken into lines by hand is not broken again.
			if strings.Contains(command.Long, "\n") && !cobras(command) {
				for _, line := range strings.Split(command.Long, "\n") {
					assert.LessOrEqual(t, utf8.RuneCountInString(line), helpWidth, line)
				}
			}
			assert.NotRegexp(t, `\[\]|default\s+\[`, help, "a slice as Go prints it")
			assert.NotContains(t, help, "\n\n\n")
			assert.Regexp(t, `^[A-Z].*[^.]$`, command.Short)
			if !cobras(command) {
				command.Flags().VisitAll(func(flag *pflag.Flag) {
					assert.Regexp(t, `[^.]$`, flag.Usage, "--%s: no full stop at the end", flag.Name)
					assert.Contains(t, verbs, strings.TrimSpace(firstWord.FindString(flag.Usage)), "--%s: %s", flag.Name, flag.Usage)
				})
			}
		})
	}
}

// The help of a command is what --help prints, also below a command.
func TestHelpIsPrinted(t *testing.T) {
	for _, arguments := range [][]string{{"verify", "--help"}, {"help", "verify"}, {"report", "check", "-h"}, {"--help"}} {
		command := New(Options{})
		var out strings.Builder
		command.SetOut(&out)
		command.SetArgs(arguments)
		require.NoError(t, command.Execute())
		assert.Contains(t, out.String(), "Usage:\n  podchain ")
		assert.Contains(t, out.String(), "Show this help")
	}
}
