package events

import (
	"bufio"
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Schema is the JSON Schema (2020-12) of one line.
//
//go:embed schema.json
var Schema []byte

// Stream writes events as lines. It is not safe for use by several goroutines.
type Stream struct {
	out *json.Encoder
	err error
}

// NewStream returns a stream that writes to out.
func NewStream(out io.Writer) *Stream {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	return &Stream{out: encoder}
}

// Add writes an event, until writing fails: Err says why.
func (s *Stream) Add(event Event) {
	if s.err == nil {
		s.err = s.out.Encode(event)
	}
}

// Err is what went wrong.
func (s *Stream) Err() error { return s.err }

// Read reads a stream to its end. The error names the line. A last line that breaks
// off, as a killed run leaves it, is no error.
func Read(in io.Reader) (*RunRecord, error) {
	recording := &RunRecord{}
	lines := bufio.NewReaderSize(in, 1<<16)
	for number := 1; ; number++ {
		line, err := lines.ReadBytes('\n')
		broken := errors.Is(err, io.EOF)
		if err != nil && !broken {
			return nil, err
		}
		if text := bytes.TrimSpace(line); len(text) > 0 {
			var event Event
			if err := json.Unmarshal(text, &event); err != nil {
				if broken && recording.Run.Format != "" {
					break
				}
				return nil, fmt.Errorf("line %d: not an event: %w", number, err)
			}
			if err := recording.Add(event); err != nil {
				return nil, fmt.Errorf("line %d: %w", number, err)
			}
		}
		if broken {
			break
		}
	}
	if recording.Run.Format == "" {
		return nil, errors.New("it is empty, expected the events of a run")
	}
	return recording, nil
}
