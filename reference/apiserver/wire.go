package apiserver

import (
	"encoding/binary"
	"errors"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The store and protobuf clients hold an object in the same bytes: a magic
// number, then an envelope (runtime.Unknown) with the kind and the marshalled
// object. So most reads need neither decode nor encode anything; all that the
// stored bytes lack is the resourceVersion, which is known only after the write.
// It is appended as a second, partial metadata field: protobuf merges a message
// that occurs twice.

// magic starts every protobuf encoded object.
const magic = "k8s\x00"

// Field numbers of the messages that are put together by hand.
const (
	unknownTypeMeta = 1
	unknownRaw      = 2

	typeMetaAPIVersion = 1
	typeMetaKind       = 2

	objectMetadata = 1 // of every object and of every list
	listItems      = 2 // of every list

	metadataResourceVersion = 6 // in ObjectMeta

	watchEventType   = 1
	watchEventObject = 2
	rawExtensionRaw  = 1
)

// message is what generated API types are.
type message interface {
	runtime.Object
	Size() int
	MarshalToSizedBuffer([]byte) (int, error)
}

// marshal returns the protobuf form of an object, without an envelope.
func marshal(obj runtime.Object) ([]byte, error) {
	m, ok := obj.(message)
	if !ok {
		return nil, errors.New("the type has no protobuf form")
	}
	buf := make([]byte, m.Size())
	n, err := m.MarshalToSizedBuffer(buf)
	if err != nil {
		return nil, err
	}
	return buf[len(buf)-n:], nil
}

// encodeEnvelope puts the parts of an object's protobuf form into an envelope.
func encodeEnvelope(gvk schema.GroupVersionKind, parts ...[]byte) []byte {
	apiVersion := gvk.GroupVersion().String()
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	buf := make([]byte, 0, size+len(apiVersion)+len(gvk.Kind)+32)
	buf = append(buf, magic...)
	buf = protowire.AppendTag(buf, unknownTypeMeta, protowire.BytesType)
	buf = protowire.AppendVarint(buf, uint64(sizeString(apiVersion)+sizeString(gvk.Kind)))
	buf = appendString(buf, typeMetaAPIVersion, apiVersion)
	buf = appendString(buf, typeMetaKind, gvk.Kind)
	buf = protowire.AppendTag(buf, unknownRaw, protowire.BytesType)
	buf = protowire.AppendVarint(buf, uint64(size))
	for _, p := range parts {
		buf = append(buf, p...)
	}
	return buf
}

// decodeEnvelope returns the object's protobuf form from an envelope.
func decodeEnvelope(value []byte) ([]byte, error) {
	if len(value) < len(magic) || string(value[:len(magic)]) != magic {
		return nil, errors.New("the stored value does not start with the protobuf magic number")
	}
	for rest := value[len(magic):]; len(rest) > 0; {
		number, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			return nil, protowire.ParseError(n)
		}
		rest = rest[n:]
		if number == unknownRaw && kind == protowire.BytesType {
			raw, n := protowire.ConsumeBytes(rest)
			return raw, protowire.ParseError(min(n, 0))
		}
		if n = protowire.ConsumeFieldValue(number, kind, rest); n < 0 {
			return nil, protowire.ParseError(n)
		}
		rest = rest[n:]
	}
	return nil, nil // an object without any field
}

func appendString(buf []byte, field protowire.Number, s string) []byte {
	return protowire.AppendString(protowire.AppendTag(buf, field, protowire.BytesType), s)
}

// sizeString is the size of a string or bytes field with a number below 16.
func sizeString(s string) int { return 1 + protowire.SizeBytes(len(s)) }

// versionPart is the partial object that carries only a resourceVersion.
func versionPart(revision int64) []byte {
	rv := strconv.FormatInt(revision, 10)
	buf := make([]byte, 0, len(rv)+4)
	buf = protowire.AppendTag(buf, objectMetadata, protowire.BytesType)
	buf = protowire.AppendVarint(buf, uint64(sizeString(rv)))
	return appendString(buf, metadataResourceVersion, rv)
}

// appendItem appends an object, in parts, to a list message.
func appendItem(buf []byte, parts ...[]byte) []byte {
	size := 0
	for _, p := range parts {
		size += len(p)
	}
	buf = protowire.AppendTag(buf, listItems, protowire.BytesType)
	buf = protowire.AppendVarint(buf, uint64(size))
	for _, p := range parts {
		buf = append(buf, p...)
	}
	return buf
}

// appendProtobufFrame appends a watch event as a length-delimited frame.
func appendProtobufFrame(buf []byte, eventType string, object []byte) []byte {
	extension := 1 + protowire.SizeBytes(len(object))
	size := sizeString(eventType) + 1 + protowire.SizeBytes(extension)
	buf = binary.BigEndian.AppendUint32(buf, uint32(size))
	buf = appendString(buf, watchEventType, eventType)
	buf = protowire.AppendTag(buf, watchEventObject, protowire.BytesType)
	buf = protowire.AppendVarint(buf, uint64(extension))
	buf = protowire.AppendTag(buf, rawExtensionRaw, protowire.BytesType)
	return protowire.AppendBytes(buf, object)
}

// spliceJSON puts the kind in front of a JSON object that lacks it.
func spliceJSON(gvk schema.GroupVersionKind, object []byte) []byte {
	head := `{"kind":` + strconv.Quote(gvk.Kind) + `,"apiVersion":` + strconv.Quote(gvk.GroupVersion().String())
	buf := make([]byte, 0, len(head)+len(object)+1)
	buf = append(buf, head...)
	if len(object) > len("{}") {
		buf = append(buf, ',')
	}
	return append(buf, object[1:]...)
}

// appendJSONFrame appends a watch event as a line.
func appendJSONFrame(buf []byte, eventType string, object []byte) []byte {
	buf = append(buf, `{"type":"`...)
	buf = append(buf, eventType...)
	buf = append(buf, `","object":`...)
	buf = append(buf, object...)
	return append(buf, "}\n"...)
}
