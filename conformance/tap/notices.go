package tap

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
	"k8s.io/apimachinery/pkg/watch"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/implementation"
)

var _ implementation.WatchObserver = (*Taps)(nil)

// Notices implements implementation.WatchObserver.
func (t *Taps) Notices(context.Context) ([]implementation.Notice, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.notices), nil
}

func (t *Taps) notify(notice implementation.Notice) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.notices) >= mostWrites {
		t.notices = slices.Delete(t.notices, 0, mostWrites/10)
	}
	t.notices = append(t.notices, notice)
}

// frames takes a watch apart while a link reads it. What it cannot read it passes
// over: a watch is the link's, and only told of here.
type frames struct {
	pending []byte
	// cut returns how long the first frame is, 0 if it has not come to its end.
	cut func(pending []byte) int
	// event is what a frame says.
	event func(frame []byte) (event, bool)
}

// event is what is told of an event of a watch.
type event struct {
	kind                     watch.EventType
	namespace, name, version string
}

// framesOf returns nil for a stream that is no watch of objects anybody asks for.
func framesOf(about target, contentType string) *frames {
	switch {
	case about.resource == "leases" || about.resource == "events":
		return nil
	case strings.HasPrefix(contentType, "application/vnd.kubernetes.protobuf"):
		return &frames{cut: lengthDelimited, event: protobufEvent}
	case strings.HasPrefix(contentType, "application/json"):
		return &frames{cut: lineDelimited, event: jsonEvent}
	}
	return nil
}

// take takes in what has been read and tells of each object that came to its end.
func (f *frames) take(read []byte, told func(event)) {
	f.pending = append(f.pending, read...)
	rest := f.pending
	for {
		length := f.cut(rest)
		if length == 0 {
			break
		}
		if found, ok := f.event(rest[:length]); ok && found.kind != watch.Bookmark && found.kind != watch.Error {
			told(found)
		}
		rest = rest[length:]
	}
	f.pending = append(f.pending[:0], rest...)
}

// lengthDelimited frames have four bytes with their length in front.
func lengthDelimited(pending []byte) int {
	if len(pending) < 4 {
		return 0
	}
	length := 4 + int(binary.BigEndian.Uint32(pending))
	if len(pending) < length {
		return 0
	}
	return length
}

// lineDelimited frames end with a newline.
func lineDelimited(pending []byte) int { return bytes.IndexByte(pending, '\n') + 1 }

func jsonEvent(frame []byte) (event, bool) {
	var read struct {
		Type   watch.EventType
		Object metadata
	}
	if json.Unmarshal(frame, &read) != nil {
		return event{}, false
	}
	return event{read.Type, read.Object.Namespace, read.Object.Name, read.Object.ResourceVersion}, true
}

// The numbers of the fields, as the messages of Kubernetes have them: every object
// begins with its ObjectMeta.
const (
	watchEventType, watchEventObject     = 1, 2
	rawExtensionRaw                      = 1
	unknownRaw                           = 2
	objectMeta                           = 1
	metaName, metaNamespace, metaVersion = 1, 3, 6
)

// protobufEvent reads no more of a frame than it needs: it stands in the way of
// every event of every watch.
func protobufEvent(frame []byte) (event, bool) {
	frame = frame[4:]
	raw := text(message(frame, watchEventObject), rawExtensionRaw)
	encoded, ok := bytes.CutPrefix(raw, protobufMagic)
	meta := message(text(encoded, unknownRaw), objectMeta)
	return event{
		watch.EventType(text(frame, watchEventType)),
		string(text(meta, metaNamespace)), string(text(meta, metaName)), string(text(meta, metaVersion)),
	}, ok && meta != nil
}

// text returns the value of a field: the last that is there.
func text(of []byte, field protowire.Number) (value []byte) {
	fields(of, field, func(next []byte) { value = next })
	return value
}

// message returns a message in a field. If it is there more than once, it is all of
// them together.
func message(of []byte, field protowire.Number) (value []byte) {
	fields(of, field, func(next []byte) {
		if value == nil {
			value = next
		} else {
			value = slices.Concat(value, next)
		}
	})
	return value
}

// fields calls found with every value that a field of a message has, until it cannot
// be read.
func fields(of []byte, field protowire.Number, found func(value []byte)) {
	for len(of) > 0 {
		number, kind, length := protowire.ConsumeTag(of)
		if length < 0 {
			return
		}
		of = of[length:]
		if length = protowire.ConsumeFieldValue(number, kind, of); length < 0 {
			return
		}
		if number == field && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(of)
			found(value)
		}
		of = of[length:]
	}
}

// arrived tells of an event that has arrived at a link.
func (t *Taps) arrived(link chain.Link, about target) func(event) {
	return func(e event) {
		t.notify(implementation.Notice{Link: link, Resource: about.resource, Namespace: e.namespace, Name: e.name,
			ResourceVersion: e.version, Time: time.Now()})
	}
}
