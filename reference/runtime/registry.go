package runtime

import (
	"fmt"
	"path"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/podchain/podchain/fixtures"
)

// Registry is the image registry that the simulated runtimes of all nodes pull
// from. Images are known by their short name, "web:1", whatever registry and
// path a reference names.
type Registry struct {
	lenient bool

	mu        sync.RWMutex
	published map[string]*behavior
	withheld  map[string]*behavior
}

// RegistryOptions say what a registry has.
type RegistryOptions struct {
	// Images is the table of images. Default: fixtures.Images().
	Images []fixtures.Image
	// Lenient makes every well-formed reference exist: what is not in the table
	// behaves as its command suggests, or runs until TERM; it listens on every port
	// and can execute every command.
	Lenient bool
}

// NewRegistry returns a registry that serves the given images.
func NewRegistry(options RegistryOptions) *Registry {
	if options.Images == nil {
		options.Images = fixtures.Images()
	}
	r := &Registry{lenient: options.Lenient, published: map[string]*behavior{}, withheld: map[string]*behavior{}}
	for _, image := range options.Images {
		p := newBehavior(image)
		for _, tag := range image.Tags {
			r.published[image.Name+":"+tag] = p
		}
		for _, tag := range image.Unpublished {
			r.withheld[image.Name+":"+tag] = p
		}
	}
	return r
}

// Publish makes an image available that the registry lacked so far, given by
// its short name: everywhere, or in one repository, "team/unpublished:1".
func (r *Registry) Publish(short string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.published[short] != nil {
		return nil
	}
	p := r.withheld[path.Base(short)]
	if p == nil {
		return fmt.Errorf("the table of images has no %q to publish", short)
	}
	r.published[short] = p
	return nil
}

// find returns how containers of the image behave.
func (r *Registry) find(reference Reference) (*behavior, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	short := reference.Short()
	for _, name := range []string{short, reference.Repository + ":" + reference.Tag} {
		if p := r.published[name]; p != nil {
			return p, nil
		}
	}
	if r.lenient && r.withheld[short] == nil {
		return anything, nil
	}
	return nil, status.Errorf(codes.NotFound, "failed to pull and unpack image %q: failed to resolve reference %q: not found", reference, reference)
}

// forever stands for the durations that the table calls never and ignored.
const forever = time.Duration(-1)

// behavior is a row of the table of images. Durations count
// from the container's start, term from the signal.
type behavior struct {
	exits    bool
	exit     time.Duration
	exitCode int32
	term     time.Duration
	ready    time.Duration
	healthy  time.Duration
	fails    int
	// anything: every port is listened on, every command succeeds.
	anything bool
}

var anything = &behavior{healthy: forever, anything: true}

func newBehavior(image fixtures.Image) *behavior {
	p := &behavior{
		term:    duration(image.Term, 0),
		ready:   duration(image.Ready, 0),
		healthy: duration(image.Healthy, forever),
		fails:   image.Fails,
	}
	if image.Exit != nil {
		p.exits, p.exit, p.exitCode = true, duration(image.Exit.After, 0), int32(image.Exit.Code)
	}
	return p
}

// duration reads a duration of the table, which fixtures.Images has checked.
func duration(text string, otherwise time.Duration) time.Duration {
	switch text {
	case "":
		return otherwise
	case fixtures.Never, fixtures.Ignored:
		return forever
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		panic(fmt.Sprintf("table of images: %v", err))
	}
	return d
}

// isReady tells whether a container that has run that long is ready.
func (p *behavior) isReady(ran time.Duration) bool { return p.ready != forever && ran >= p.ready }

// isHealthy tells whether a container that has run that long is healthy.
func (p *behavior) isHealthy(ran time.Duration) bool { return p.healthy == forever || ran < p.healthy }
