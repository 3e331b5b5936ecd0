package runtime

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
)

// TestPartOf says how containers behave whose image is not in the table: "runs", or
// after how long they end and with which code.
func TestPartOf(t *testing.T) {
	type words = []string
	sh := func(script string) words { return words{"sh", "-c", script} }
	runs := end{after: forever}
	for name, test := range map[string]struct {
		image         string
		command, args words
		init          bool
		want          end
	}{
		"nothing is said":                     {want: runs},
		"nothing is said of an init":          {init: true, want: end{}},
		"true":                                {command: words{"/bin/true"}, want: end{}},
		"false":                               {command: words{"false"}, want: end{code: 1}},
		"exit":                                {command: words{"exit", "4"}, want: end{code: 4}},
		"an init that fails":                  {command: sh("exit 3"), init: true, want: end{code: 3}},
		"an init that waits forever":          {command: words{"sleep", "infinity"}, init: true, want: runs},
		"an init of which nothing is known":   {command: sh("until nc -z db 5432; do sleep 1; done"), init: true, want: end{}},
		"a program":                           {command: words{"/opt/kafka/bin/start.sh", "exit", "1"}, want: runs},
		"a program in a shell":                {command: sh("echo starting; exec java -jar app.jar"), want: runs},
		"a program before the end":            {command: sh("migrate up; exit 3"), want: runs},
		"files":                               {command: sh("mkdir -p /x && touch /x/y; sleep 30; rm -rf /x; sleep 600"), want: end{after: 630 * time.Second}},
		"a file is shown":                     {command: words{"cat", "/etc/hosts"}, want: end{}},
		"a program of the same name":          {command: words{"/app/echo", "--port=80"}, want: runs},
		"nothing is shown":                    {command: words{"cat"}, want: runs},
		"the environment":                     {command: sh("env"), want: end{}},
		"a program in an environment":         {command: words{"env", "A=b", "server"}, want: runs},
		"exit 0":                              {command: sh("exit 0"), want: end{}},
		"command and args":                    {command: words{"/bin/bash", "-c"}, args: words{"exit 2"}, want: end{code: 2}},
		"args of an image with an entrypoint": {image: "registry.example/tool:1", args: words{"sh", "-c", "exit 2"}, want: runs},
		"args of an image without one":        {image: "docker.io/library/busybox:1.36", args: words{"sh", "-c", "exit 2"}, want: end{code: 2}},
		"args after a digest":                 {image: "alpine@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", args: words{"false"}, want: end{code: 1}},
		"sleep":                               {command: words{"sleep", "30"}, want: end{after: 30 * time.Second}},
		"units":                               {command: words{"sleep", "1.5m", "1h", "2d", "5s"}, want: end{after: 49*time.Hour + 95*time.Second}},
		"longer than time lasts":              {command: words{"sleep", "1e300"}, want: runs},
		"not a time":                          {command: words{"sleep", "$DELAY"}, want: runs},
		"tail":                                {command: words{"tail", "-f", "/dev/null"}, want: runs},
		"a sequence":                          {command: sh("sleep 5; exit 3"), want: end{after: 5 * time.Second, code: 3}},
		"lines":                               {command: sh("# wait a bit\nsleep 5\n\nsleep 2 # more\necho done\n"), want: end{after: 7 * time.Second}},
		"and":                                 {command: sh("true && exit 3"), want: end{code: 3}},
		"and not":                             {command: sh("false && exit 3"), want: end{code: 1}},
		"or":                                  {command: sh("false || exit 3"), want: end{code: 3}},
		"or not":                              {command: sh("true || exit 3"), want: end{}},
		"the last counts":                     {command: sh("false; echo hello"), want: end{}},
		"the first failure ends it":           {command: sh("set -ex; false; echo hello"), want: end{code: 1}},
		"an option of the shell":              {command: words{"bash", "-eo", "pipefail", "-c", "false\necho hello"}, want: end{code: 1}},
		"a failure that is looked at":         {command: sh("set -e; false || true; false && true; exit 5"), want: end{code: 5}},
		"the code of the one before":          {command: sh("false; exit"), want: end{code: 1}},
		"a semicolon in quotes":               {command: sh(`echo "a; exit 1" 'b && exit 2'`), want: end{}},
		"a redirection":                       {command: sh("echo failed >&2; echo x 2>/dev/null >> /log && exit 7"), want: end{code: 7}},
		"a shell in a shell":                  {command: sh("exec sh -c 'exit 6'"), want: end{code: 6}},
		"a pipe":                              {command: sh("echo x | exit 1"), want: runs},
		"in the background":                   {command: sh("sleep 1 & exit 1"), want: runs},
		"a loop":                              {command: sh("while true; do sleep 1; done"), want: runs},
		"a subshell":                          {command: sh("(exit 1)"), want: runs},
		"an open quote":                       {command: sh("exit '1"), want: runs},
		"a code that is a variable":           {command: sh("exit $CODE"), want: runs},
		"a script in a file":                  {command: words{"sh", "/scripts/run.sh"}, want: runs},
	} {
		t.Run(name, func(t *testing.T) {
			config := &runtimeapi.ContainerConfig{
				Image:   &runtimeapi.ImageSpec{Image: "registry.example/app@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", UserSpecifiedImage: test.image},
				Command: test.command, Args: test.args,
			}
			if test.init {
				config.Annotations = map[string]string{ContainerTypeAnnotation: InitContainer}
			}
			p := behaviorOf(config)
			got := end{after: p.exit, code: p.exitCode}
			if !p.exits {
				got = runs
			}
			assert.Equal(t, test.want, got)
			assert.True(t, p.anything)
		})
	}
}
