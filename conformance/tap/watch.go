package tap

import (
	"io"
	"sync"
)

// stream is the body of a watch. Cutting it is what a broken connection looks
// like: the reader gets an error, and not the end of the stream.
type stream struct {
	body   io.ReadCloser
	target target
	ended  func(*stream)
	// frames take apart what is read, and arrived is told of what it comes to; nil where
	// nobody asks.
	frames  *frames
	arrived func(event)

	mu  sync.Mutex
	cut bool
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	n, err := s.body.Read(p)
	if s.frames != nil && n > 0 {
		s.frames.take(p[:n], s.arrived)
	}
	if err != nil {
		s.ended(s) // nobody can cut it any more
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.cut {
			return 0, errBroken
		}
	}
	return n, err
}

// Close implements io.Closer.
func (s *stream) Close() error {
	s.ended(s)
	return s.body.Close()
}

// breakOff ends what a reader is waiting for.
func (s *stream) breakOff() {
	s.mu.Lock()
	s.cut = true
	s.mu.Unlock()
	s.ended(s)
	_ = s.body.Close() // the reader is told that it is broken, whatever this says
}
