package runtime

import (
	"cmp"
	"math"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// The images that have no entrypoint of their own: a container's args are what it
// runs.
var withoutEntrypoint = []string{
	"alpine", "almalinux", "amazonlinux", "archlinux", "bash", "busybox", "centos", "debian", "fedora", "rockylinux", "toybox", "ubuntu",
}

// behaviorOf returns the behavior of a container whose image is not in the table. It
// behaves as its command suggests where that is clear. Where it is not, an init
// container exits at once with code 0, as the Pod waits for it, and every other
// container runs until it gets SIGTERM.
func behaviorOf(config *runtimeapi.ContainerConfig) *behavior {
	p := *anything
	end, known := endOf(commandOf(config))
	switch {
	case known && end.after != forever:
		p.exits, p.exit, p.exitCode = true, end.after, end.code
	case !known && config.GetAnnotations()[ContainerTypeAnnotation] == InitContainer:
		p.exits = true
	}
	return &p
}

// commandOf returns what the container executes, as far as its config says: the
// entrypoints of most images are not known here.
func commandOf(config *runtimeapi.ContainerConfig) []string {
	if len(config.GetCommand()) > 0 {
		return slices.Concat(config.GetCommand(), config.GetArgs())
	}
	image := config.GetImage().GetUserSpecifiedImage()
	if image == "" {
		image = config.GetImage().GetImage()
	}
	reference, err := ParseReference(image)
	if err != nil || !slices.Contains(withoutEntrypoint, path.Base(reference.Repository)) {
		return nil
	}
	return config.GetArgs()
}

// The commands that exit at once, with code 0 unless their files are missing or wrong,
// which does not happen here.
var atOnce = []string{
	":", "chgrp", "chmod", "chown", "cp", "date", "echo", "export", "hostname", "id", "ln", "ls", "mkdir", "mv",
	"printenv", "printf", "pwd", "rm", "rmdir", "set", "sync", "sysctl", "touch", "trap", "true", "ulimit", "umask", "uname", "unset", "whoami",
}

var systemFolders = []string{"/bin/", "/sbin/", "/usr/bin/", "/usr/local/bin/", "/usr/sbin/"}

// end is how a command ends: after how long, forever for never, with which code.
type end struct {
	after time.Duration
	code  int32
}

// endOf tells how a command ends; known is false where its words do not say.
func endOf(words []string) (e end, known bool) {
	if len(words) == 0 {
		return end{}, false
	}
	folder, name := path.Split(words[0])
	args := words[1:]
	switch {
	case folder != "" && !slices.Contains(systemFolders, folder):
		return end{}, false // a program of the image's own, whatever its name
	case slices.Contains(atOnce, name), name == "cat" && len(args) > 0, name == "env" && len(args) == 0:
		return end{}, true
	}
	switch name {
	case "false":
		return end{code: 1}, true
	case "exit":
		return exit(args, 0)
	case "exec":
		return endOf(args)
	case "sleep":
		after, err := sleepTime(args)
		return end{after: after}, err == nil
	case "tail":
		follows := func(arg string) bool { return arg == "-f" || arg == "-F" }
		return end{after: forever}, slices.ContainsFunc(args, follows)
	case "ash", "bash", "dash", "sh":
		text, strict, ok := scriptOf(args)
		if !ok {
			return end{}, false
		}
		return endOfScript(text, strict)
	}
	return end{}, false
}

// exit is the builtin: without a code it passes on that of the command before.
func exit(args []string, last int32) (end, bool) {
	if len(args) == 0 {
		return end{code: last}, true
	}
	code, err := strconv.ParseUint(args[0], 10, 8)
	return end{code: int32(code)}, err == nil && len(args) == 1
}

// sleepTime adds up the arguments of sleep: numbers with a unit, or infinity.
func sleepTime(args []string) (time.Duration, error) {
	var sum time.Duration
	for _, arg := range args {
		if arg == "infinity" || arg == "inf" {
			return forever, nil
		}
		unit := time.Second
		if number, found := strings.CutSuffix(arg, "d"); found {
			arg, unit = number, 24*time.Hour
		} else if i := strings.IndexAny(arg, "smh"); i == len(arg)-1 && i > 0 {
			unit = map[byte]time.Duration{'s': time.Second, 'm': time.Minute, 'h': time.Hour}[arg[i]]
			arg = arg[:i]
		}
		number, err := strconv.ParseFloat(arg, 64)
		if err != nil || !(number >= 0) {
			return 0, cmp.Or(err, strconv.ErrRange)
		}
		if number*float64(unit) >= math.MaxInt64 {
			return forever, nil
		}
		sum += time.Duration(number * float64(unit))
	}
	if len(args) == 0 {
		return 0, strconv.ErrSyntax
	}
	return sum, nil
}

// scriptOf finds the script among the arguments of a shell. strict says that it
// ends with the first command that fails.
func scriptOf(args []string) (text string, strict, ok bool) {
	for len(args) > 0 && strings.HasPrefix(args[0], "-") {
		options := args[0][1:]
		args = args[1:]
		strict = strict || strings.Contains(options, "e")
		if strings.HasSuffix(options, "o") && len(args) > 0 { // -o pipefail
			args = args[1:]
		}
		if strings.Contains(options, "c") && len(args) > 0 {
			return args[0], strict, true
		}
	}
	return "", false, false
}

// endOfScript follows the commands of a script, one after the other. The result of
// anything other than a sequence is not known.
func endOfScript(text string, strict bool) (sum end, known bool) {
	commands, ok := parseScript(text)
	if !ok {
		return end{}, false
	}
	for i, command := range commands {
		switch {
		case i > 0 && commands[i-1].then == "&&" && sum.code != 0, i > 0 && commands[i-1].then == "||" && sum.code == 0:
			continue
		case command.words[0] == "set" && len(command.words) > 1 && strings.HasPrefix(command.words[1], "-"):
			strict = strict || strings.Contains(command.words[1], "e")
		}
		var e end
		name := command.words[0]
		if name == "exit" {
			e, ok = exit(command.words[1:], sum.code)
		} else {
			e, ok = endOf(command.words)
		}
		if !ok {
			return end{}, false
		}
		if e.after == forever {
			return e, true
		}
		sum.after += e.after
		sum.code = e.code
		if name == "exit" || name == "exec" || strict && e.code != 0 && command.then == ";" {
			break
		}
	}
	return sum, true
}

// command is a simple command of a script, and what stands between it and the next:
// ";", "&&" or "||".
type command struct {
	words []string
	then  string
}

// parseScript splits a script into simple commands. Redirections are left out; ok is
// false for whatever else is not a word: pipes, subshells, background commands.
func parseScript(text string) (commands []command, ok bool) {
	var p scriptParser
	for len(text) > 0 {
		if text, ok = p.next(text); !ok {
			return nil, false
		}
	}
	p.endCommand(";")
	return p.commands, len(p.commands) > 0
}

// scriptParser is in the middle of a script.
type scriptParser struct {
	commands []command
	current  command
	word     strings.Builder
	// inWord says that there is a word, which may be empty; redirected that it is
	// the file of a redirection.
	inWord, redirected bool
}

func (p *scriptParser) add(text string) {
	p.word.WriteString(text)
	p.inWord = true
}

func (p *scriptParser) dropWord() {
	p.word.Reset()
	p.inWord = false
}

func (p *scriptParser) endWord() {
	if p.inWord && !p.redirected {
		p.current.words = append(p.current.words, p.word.String())
	}
	p.redirected = p.redirected && !p.inWord
	p.dropWord()
}

func (p *scriptParser) endCommand(then string) {
	p.endWord()
	if p.current.then = then; len(p.current.words) > 0 {
		p.commands = append(p.commands, p.current)
	}
	p.current, p.redirected = command{}, false
}

// next takes the first character, and what belongs to it, and returns the rest.
func (p *scriptParser) next(text string) (rest string, ok bool) {
	char, rest := text[0], text[1:]
	switch char {
	case ' ', '\t':
		p.endWord()
	case ';', '\n':
		p.endCommand(";")
	case '&', '|':
		if !strings.HasPrefix(rest, string(char)) {
			return "", false
		}
		p.endCommand(text[:2])
		return rest[1:], true
	case '>':
		if _, err := strconv.Atoi(p.word.String()); err == nil { // 2>file
			p.dropWord()
		}
		p.endWord()
		p.redirected = true
		return strings.TrimLeft(rest, ">&"), true
	case '#':
		if p.inWord {
			p.add("#")
			return rest, true
		}
		_, rest, _ = strings.Cut(rest, "\n")
		p.endCommand(";")
	case '\\':
		switch {
		case strings.HasPrefix(rest, "\n"):
		case rest == "":
			return "", false
		default:
			p.add(rest[:1])
		}
		return rest[1:], true
	case '\'', '"':
		quoted, after, closed := strings.Cut(rest, string(char))
		p.add(quoted)
		return after, closed && !(char == '"' && strings.Contains(quoted, `\`))
	case '<', '(', ')', '{', '}', '`':
		return "", false
	default:
		p.add(text[:1])
	}
	return rest, true
}
