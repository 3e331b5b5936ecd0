package command

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpWidth is how many columns a help text takes at most.
const helpWidth = 80

// groupAnnotation holds the title that the help lists a flag below.
const groupAnnotation = "podchain/group"

// Titles of flags that several commands have.
const (
	groupSelection = "What is run"
	groupExecution = "How it is run"
	groupStarted   = "Clusters that the run starts"
	groupRunning   = "A running cluster"
	groupReports   = "Reports"
	groupClaims    = "Contents of a conformance report (format yaml)"
	groupStore     = "Store of the API server"
	groupOther     = "Other"
)

// group adds flags that the help lists below a title, in the order in which they are
// added.
func group(command *cobra.Command, title string, add ...func(*pflag.FlagSet)) {
	flags := pflag.NewFlagSet(title, pflag.ContinueOnError)
	flags.SortFlags = false
	for _, add := range add {
		add(flags)
	}
	flags.VisitAll(func(flag *pflag.Flag) {
		flag.Annotations = map[string][]string{groupAnnotation: {title}}
	})
	command.Flags().SortFlags = false
	command.Flags().AddFlagSet(flags)
}

// setHelp has a command and those below it print their help by helpOf and usageOf.
func setHelp(command *cobra.Command) {
	command.SetUsageFunc(func(command *cobra.Command) error {
		_, err := fmt.Fprint(command.OutOrStderr(), usageOf(command))
		return err
	})
	command.SetHelpFunc(func(command *cobra.Command, _ []string) {
		fmt.Fprint(command.OutOrStdout(), helpOf(command))
	})
}

// helpOf describes a command, and how it is used.
func helpOf(command *cobra.Command) string {
	about := command.Long
	if about == "" {
		about = command.Short + "."
	}
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(about), "\n") {
		lines = append(lines, wrap(line, helpWidth)...)
	}
	return strings.Join(lines, "\n") + "\n\n" + usageOf(command)
}

// usageOf says how a command is used: its examples, commands below it, and its flags.
func usageOf(command *cobra.Command) string {
	var text strings.Builder
	section := func(title, body string) {
		if body != "" {
			fmt.Fprintf(&text, "\n%s:\n%s\n", title, strings.TrimRight(body, "\n"))
		}
	}
	text.WriteString("Usage:\n")
	if command.Runnable() {
		fmt.Fprintf(&text, "  %s\n", command.UseLine())
	}
	if command.HasAvailableSubCommands() {
		fmt.Fprintf(&text, "  %s COMMAND\n", command.CommandPath())
	}
	section("Examples", command.Example)
	for _, group := range append(command.Groups(), &cobra.Group{Title: "Commands"}) {
		section(group.Title, commandsOf(command, group.ID))
	}
	for _, flags := range flagGroups(command) {
		section(flags.Name(), flags.FlagUsagesWrapped(helpWidth))
	}
	if command.HasAvailableSubCommands() {
		fmt.Fprintf(&text, "\n\"%s COMMAND --help\" describes a command.\n", command.CommandPath())
	}
	return text.String()
}

// commandsOf lists the commands of a group below a command.
func commandsOf(command *cobra.Command, group string) string {
	var text strings.Builder
	for _, below := range command.Commands() {
		if below.GroupID == group && below.IsAvailableCommand() {
			fmt.Fprintf(&text, "  %-*s %s\n", below.NamePadding(), below.Name(), below.Short)
		}
	}
	return text.String()
}

// flagGroups are the flags of a command by the titles of their groups. Those of no group
// come last.
func flagGroups(command *cobra.Command) []*pflag.FlagSet {
	var groups []*pflag.FlagSet
	titled := map[string]*pflag.FlagSet{}
	rest := pflag.NewFlagSet("Flags", pflag.ContinueOnError)
	add := func(flag *pflag.Flag) {
		into := rest
		if title := flag.Annotations[groupAnnotation]; title != nil {
			if into = titled[title[0]]; into == nil {
				into = pflag.NewFlagSet(title[0], pflag.ContinueOnError)
				into.SortFlags = false
				titled[title[0]] = into
				groups = append(groups, into)
			}
		}
		into.AddFlag(flag)
	}
	command.LocalFlags().VisitAll(add)
	command.InheritedFlags().VisitAll(add)
	if len(groups) > 0 {
		rest.Init(groupOther, pflag.ContinueOnError)
	}
	return append(groups, rest)
}
