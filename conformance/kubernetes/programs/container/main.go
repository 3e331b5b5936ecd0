// Command container is the program in the specification's images: it behaves as
// that the table of images gives them, as the simulated runtime container. Its other
// names, true, false, ready, healthy and sleep, are the commands that a probe or
// a hook executes in the container.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/podchain/podchain/conformance/kubernetes/internal/behavior"
)

func main() {
	container, err := read()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(125)
	}
	switch name := filepath.Base(os.Args[0]); name {
	case "true":
	case "false":
		os.Exit(1)
	case "ready":
		exitUnless(container.IsReady(ran()))
	case "healthy":
		exitUnless(container.IsHealthy(ran()))
	case "sleep":
		sleep(os.Args[1:])
	default:
		act(container)
	}
}

func read() (behavior.Behavior, error) {
	var container behavior.Behavior
	text, err := os.ReadFile(behavior.File)
	if err != nil {
		return container, err
	}
	return container, json.Unmarshal(text, &container)
}

// act behaves like the container until it ends.
func act(container behavior.Behavior) {
	started := time.Now()
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)
	if failed(container) {
		os.Exit(1)
	}
	if container.Idle {
		// Where a Pod shares its processes, this is the first of them all: the
		// kernel is to bury the orphans.
		signal.Ignore(syscall.SIGCHLD)
	} else {
		go serve(container, started)
	}

	var end <-chan time.Time
	if container.Exits {
		end = time.After(container.Exit)
	}
	for {
		select {
		case <-end:
			os.Exit(container.Code)
		case <-terminated:
			switch {
			case container.Term == 0:
				os.Exit(0)
			case container.Term != behavior.Forever && end == nil:
				end = time.After(container.Term)
			}
		}
	}
}

// failed tells whether this start is one of those that fail. They are counted in
// the memory that all containers of a Pod share: it is the one thing of theirs
// that is still there when a container is started again.
func failed(container behavior.Behavior) bool {
	if container.Fails == 0 {
		return false
	}
	file, err := os.OpenFile("/dev/shm/podchain-"+container.Name, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o666)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return true
	}
	info, err := file.Stat()
	if err != nil || info.Size() >= int64(container.Fails) {
		return err != nil
	}
	if _, err := file.WriteString("x"); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return true
}

// serve answers on port 8080. Of several containers in a Pod the first has the
// port; the next gets it when that one has ended.
func serve(container behavior.Behavior, started time.Time) {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(container.Answer(r.URL.Path, time.Since(started)))
	})
	for {
		listener, err := net.Listen("tcp", ":8080")
		if err == nil {
			err = http.Serve(listener, handler)
		}
		fmt.Fprintln(os.Stderr, err)
		time.Sleep(time.Second) // no event says when a port becomes free
	}
}

func exitUnless(succeeds bool) {
	if !succeeds {
		os.Exit(1)
	}
}

// ran is how long the container, whose first process this one was started
// beside, has been running.
func ran() time.Duration {
	const ticks = 100 // per second, on every architecture that Go knows
	stat, err := os.ReadFile("/proc/1/stat")
	if err != nil {
		return 0
	}
	uptime, err := os.ReadFile("/proc/uptime")
	if err != nil {
		return 0
	}
	// The second field is a name in parentheses, which may hold anything.
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return 0
	}
	began, err := strconv.ParseFloat(fields[19], 64)
	if err != nil {
		return 0
	}
	now, err := strconv.ParseFloat(strings.Fields(string(uptime))[0], 64)
	if err != nil {
		return 0
	}
	return time.Duration((now - began/ticks) * float64(time.Second))
}

func sleep(args []string) {
	if len(args) == 1 {
		if seconds, err := strconv.ParseFloat(args[0], 64); err == nil {
			time.Sleep(time.Duration(seconds * float64(time.Second)))
			return
		}
	}
	fmt.Fprintf(os.Stderr, "sleep: want a number of seconds, got %q\n", args)
	os.Exit(1)
}
