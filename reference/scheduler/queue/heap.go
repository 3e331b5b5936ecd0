package queue

// entryHeap is a container/heap of entries that know their index.
type entryHeap struct {
	entries []*Entry
	before  func(a, b *Entry) bool
}

func (h *entryHeap) Len() int           { return len(h.entries) }
func (h *entryHeap) Less(i, j int) bool { return h.before(h.entries[i], h.entries[j]) }

func (h *entryHeap) Swap(i, j int) {
	h.entries[i], h.entries[j] = h.entries[j], h.entries[i]
	h.entries[i].index, h.entries[j].index = i, j
}

func (h *entryHeap) Push(x any) {
	entry := x.(*Entry)
	entry.index = len(h.entries)
	h.entries = append(h.entries, entry)
}

func (h *entryHeap) Pop() any {
	last := h.entries[len(h.entries)-1]
	h.entries[len(h.entries)-1] = nil
	h.entries = h.entries[:len(h.entries)-1]
	return last
}
