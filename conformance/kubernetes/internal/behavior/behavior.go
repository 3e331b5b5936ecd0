// Package behavior is a row of the table of images as the program in the images
// reads it. It is apart from the harness so that the program stays small.
package behavior

import (
	"fmt"
	"net/http"
	"time"

	"github.com/podchain/podchain/fixtures"
)

// File is where the image holds its behavior.
const File = "/behavior.json"

// Forever stands for the durations that the table calls never and ignored.
const Forever = time.Duration(-1)

// Behavior is what a container does. Durations count from its start, Term from the
// signal.
type Behavior struct {
	Name string
	// Idle is the behavior of what only holds a Pod's namespaces: it leaves the port to
	// the containers.
	Idle bool
	// Exits says that it ends by itself, after Exit and with Code.
	Exits bool
	Exit  time.Duration
	Code  int
	// Term is how long it keeps running after SIGTERM.
	Term time.Duration
	// Ready is when it becomes ready, Healthy how long it is healthy.
	Ready, Healthy time.Duration
	// Fails is how often it ends with code 1 before it does anything else.
	Fails int
}

// Of reads a row of the table.
func Of(image fixtures.Image) (Behavior, error) {
	behavior := Behavior{Name: image.Name, Fails: image.Fails}
	var err error
	read := func(text string, otherwise time.Duration) time.Duration {
		switch text {
		case "":
			return otherwise
		case fixtures.Never, fixtures.Ignored:
			return Forever
		}
		d, parseErr := time.ParseDuration(text)
		if parseErr != nil {
			err = fmt.Errorf("image %s: %w", image.Name, parseErr)
		}
		return d
	}
	behavior.Term, behavior.Ready, behavior.Healthy = read(image.Term, 0), read(image.Ready, 0), read(image.Healthy, Forever)
	if image.Exit != nil {
		behavior.Exits, behavior.Exit, behavior.Code = true, read(image.Exit.After, 0), image.Exit.Code
	}
	return behavior, err
}

// IsReady tells whether a container that has run that long is ready.
func (b Behavior) IsReady(ran time.Duration) bool { return b.Ready != Forever && ran >= b.Ready }

// IsHealthy tells whether a container that has run that long is healthy.
func (b Behavior) IsHealthy(ran time.Duration) bool { return b.Healthy == Forever || ran < b.Healthy }

// Answer is the status of the answer to a request for the path.
func (b Behavior) Answer(path string, ran time.Duration) int {
	switch {
	case path == "/ready" && !b.IsReady(ran):
		return http.StatusServiceUnavailable
	case path == "/healthz" && !b.IsHealthy(ran):
		return http.StatusInternalServerError
	case path == "/", path == "/ready", path == "/healthz":
		return http.StatusOK
	}
	return http.StatusNotFound
}
