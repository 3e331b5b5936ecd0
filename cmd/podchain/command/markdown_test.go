package command

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	inCode     = regexp.MustCompile("(?m)^ {2,}(?:go tool )?(podchain [^`\n]*)|`(podchain [^`]*)`")
	shellQuote = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	flagName   = regexp.MustCompile(`(?:^|[ \[(])--([a-z-]+)`)
	link       = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
)

// checkCommands demands that the command lines of podchain in a text name commands and
// flags that exist.
func checkCommands(t *testing.T, root *cobra.Command, text string) (found int) {
	t.Helper()
	for _, match := range inCode.FindAllStringSubmatch(strings.ReplaceAll(text, "\\\n", ""), -1) {
		line, _, _ := strings.Cut(shellQuote.ReplaceAllString(match[1]+match[2], "QUOTED"), " | ")
		line, _, _ = strings.Cut(strings.ReplaceAll(line, ";", "#"), "#")
		if strings.Contains(line, "COMMAND") {
			continue
		}
		command, _, err := root.Find(strings.Fields(line)[1:])
		if !assert.NoError(t, err, line) || command == root {
			continue
		}
		found++
		for _, flag := range flagName.FindAllStringSubmatch(line, -1) {
			if flag[1] == "help" || flag[1] == "version" {
				continue
			}
			assert.NotNil(t, command.Flags().Lookup(flag[1]), "%s: there is no --%s", line, flag[1])
		}
	}
	return found
}

// What is written for people names commands, flags and files that exist.
func TestMarkdown(t *testing.T) {
	const root = "../../.."
	command := New(Options{})
	commands := 0
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() && strings.HasPrefix(entry.Name(), ".") && path != root {
			return filepath.SkipDir
		}
		if filepath.Ext(path) != ".md" && filepath.Ext(path) != ".tmpl" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		t.Run(filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path), func(t *testing.T) {
			commands += checkCommands(t, command, string(text))
			for _, match := range link.FindAllStringSubmatch(string(text), -1) {
				if filepath.Ext(path) == ".md" {
					_, err := os.Stat(filepath.Join(filepath.Dir(path), match[1]))
					assert.NoError(t, err)
				}
			}
		})
		return nil
	}))
	assert.Greater(t, commands, 40)
	for _, command := range everyCommand(t) {
		checkCommands(t, command.Root(), command.Long+"\n"+command.Example)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	require.NoError(t, err)
	assert.LessOrEqual(t, strings.Count(string(readme), "\n"), 200, "README.md is read in five minutes")
}
