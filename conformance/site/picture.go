package site

import (
	"fmt"
	"slices"

	"github.com/podchain/podchain/conformance/chain"
	"github.com/podchain/podchain/conformance/events"
)

// box is what takes part, in the picture of the chain.
type box struct {
	X, Y, W, H int
	// Name of a link, or of what is not a link.
	Name string
	Link *link // nil: it has no requirements of its own
	// Step of the chain that it does, Sees what it is notified of by the API server,
	// Writes what it writes there; each with the number of its step.
	Step, Sees, Writes string
}

// MiddleX is where its text stands.
func (b box) MiddleX() int { return b.X + b.W/2 }

// arrow leads from one box to another, its text on the right of it.
type arrow struct {
	X, From, To int
	Text        string
	TextY       int
	// Watch is an arrow of the API server to who watches it.
	Watch bool
}

// The rows of the picture: what is around the API server, the API server, the links
// of the chain in its order, and what goes beside it. Arrows end short of a box.
const (
	aroundY, aroundH = 10, 52
	serverY, serverH = 116, 84
	chainY           = 278
	besideY          = 420
	linkH            = 84
	gap              = 4
	aboveServer      = (aroundY+aroundH+serverY)/2 + gap // where text stands
	belowServer      = (serverY+serverH+chainY)/2 + gap
)

// left and right are the edges of the picture, between its boxes.
const left, right = 10, 930

// places are the boxes: the API server between a client and the store, below it the
// links that have steps of the chain, and below these the others that have requirements.
var places = func() []box {
	all := []box{
		{X: left, Y: aroundY, W: 210, H: aroundH, Name: "client"},
		{X: right - 212, Y: aroundY, W: 212, H: aroundH, Name: "store (etcd)"},
	}
	var stepping, others []chain.Contract
	for _, link := range chain.AllLinks {
		switch row := link.Contract(); {
		case row.Serves:
			all = append(all, box{X: left, Y: serverY, W: right - left, H: serverH, Name: string(link), Step: stepNumbers(row)})
		case row.First > 0:
			stepping = append(stepping, row)
		case row.Chapter > 0:
			others = append(others, row)
		}
	}
	slices.SortFunc(stepping, func(a, b chain.Contract) int { return a.First - b.First })
	slices.SortFunc(others, func(a, b chain.Contract) int { return a.Chapter - b.Chapter })
	return slices.Concat(all, beside(stepping, chainY, 26), beside(others, besideY, 14))
}()

// beside are the boxes of links in a row.
func beside(links []chain.Contract, y, space int) []box {
	var all []box
	for i, row := range links {
		step := (right - left + space) / len(links)
		place := box{X: left + i*step, Y: y, W: step - space, H: linkH, Name: string(row.Link)}
		if row.First > 0 {
			place.Step = stepNumbers(row)
			place.Sees, place.Writes = fmt.Sprint(row.First, " ", row.Sees), fmt.Sprint(row.Last, " ", row.Hands)
		}
		all = append(all, place)
	}
	return all
}

func stepNumbers(row chain.Contract) string {
	if row.First == row.Last {
		return fmt.Sprintf("step %d", row.First)
	}
	return fmt.Sprintf("steps %d–%d", row.First, row.Last)
}

// Arrows of the picture. None leads from one link to another: each is notified by the
// API server and writes to it, and the numbers tell the order.
func (*site) Arrows() []arrow {
	all := []arrow{
		{X: places[0].MiddleX(), From: aroundY + aroundH, To: serverY - gap, Text: "1 POST", TextY: aboveServer},
		{X: places[1].MiddleX(), From: serverY, To: aroundY + aroundH + gap, Text: "what is stored", TextY: aboveServer},
	}
	for _, place := range places {
		if place.Sees == "" {
			continue
		}
		all = append(all,
			arrow{X: place.X + 16, From: serverY + serverH, To: chainY - gap, Text: place.Sees, TextY: belowServer, Watch: true},
			arrow{X: place.X + 118, From: chainY, To: serverY + serverH + gap, Text: place.Writes, TextY: belowServer})
	}
	return all
}

// Boxes of the picture, with their links.
func (s *site) Boxes() []box {
	var all []box
	for _, place := range places {
		for _, link := range s.Links {
			if link.Name == place.Name {
				place.Link = link
			}
		}
		all = append(all, place)
	}
	return all
}

// room is how many implementations a box has marks for.
const room = 8

// Crowded says that there are more implementations than a box has room for.
func (s *site) Crowded() bool { return len(s.Latest) > room }

// mark stands for how a link did.
type mark struct {
	Verdict events.Outcome
	Text    string
}

// Marks of a link: one for each implementation, or how many have each.
func (l *link) Marks() []mark {
	var each, counted []mark
	counts := map[events.Outcome]int{}
	for _, result := range l.Results {
		verdict := result.Mark()
		each = append(each, mark{verdict, symbol(verdict)})
		counts[verdict]++
	}
	if !l.site.Crowded() {
		return each
	}
	for _, verdict := range append(worstFirst, "") {
		if count := counts[verdict]; count > 0 {
			counted = append(counted, mark{verdict, fmt.Sprint(symbol(verdict), count)})
		}
	}
	return counted
}

// Mark is its worst verdict, and failed where others failed for the link's sake.
func (r result) Mark() events.Outcome {
	if r.Blamed > 0 {
		return events.Failed
	}
	return r.Worst()
}

// Whole is the link that is the chain as a whole.
func (s *site) Whole() *link {
	for _, link := range s.Links {
		if position(link.Name) < 0 {
			return link
		}
	}
	return nil
}
