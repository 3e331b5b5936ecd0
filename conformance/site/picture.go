package site

// box is a station in the picture of the chain.
type box struct {
	X, Y, W, H int
	// Name of a link, or what a station that is none is called.
	Name string
	Link *link // nil: a station that has no requirements of its own
	Step string
}

// MiddleX is where its text stands.
func (b box) MiddleX() int { return b.X + b.W/2 }

// arrow leads from one station to another.
type arrow struct {
	X1, Y1, X2, Y2 int
	Text           string
	TextX, TextY   int
}

// places are the stations: the first row is the way in, the second the way to a
// container that runs, the third goes beside it.
var places = []box{
	{X: 10, Y: 20, W: 120, H: 84, Name: "client"},
	{X: 230, Y: 20, W: 420, H: 84, Name: "api-server", Step: "1"},
	{X: 770, Y: 20, W: 160, H: 84, Name: "store (etcd)"},
	{X: 10, Y: 190, W: 210, H: 84, Name: "deployment-controller", Step: "2–3"},
	{X: 246, Y: 190, W: 210, H: 84, Name: "replicaset-controller", Step: "4–5"},
	{X: 482, Y: 190, W: 210, H: 84, Name: "scheduler", Step: "6–7"},
	{X: 718, Y: 190, W: 212, H: 84, Name: "kubelet", Step: "8–10"},
	{X: 10, Y: 330, W: 172, H: 84, Name: "statefulset-controller"},
	{X: 196, Y: 330, W: 172, H: 84, Name: "daemonset-controller"},
	{X: 382, Y: 330, W: 172, H: 84, Name: "garbage-collector"},
	{X: 568, Y: 330, W: 172, H: 84, Name: "namespace-controller"},
	{X: 754, Y: 330, W: 176, H: 84, Name: "node-lifecycle-controller"},
}

// Arrows of the picture.
func (*site) Arrows() []arrow {
	return []arrow{
		{130, 62, 226, 62, "POST", 178, 54},
		{650, 62, 766, 62, "stores", 708, 54},
		{220, 232, 242, 232, "", 0, 0},
		{456, 232, 478, 232, "", 0, 0},
		{692, 232, 714, 232, "", 0, 0},
	}
}

// Watches are the arrows from the API server to those that watch it.
func (*site) Watches() []arrow {
	var all []arrow
	for _, place := range places[3:7] {
		all = append(all, arrow{X1: place.MiddleX(), Y1: 146, X2: place.MiddleX(), Y2: place.Y - 4})
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

// Whole is the link that is the chain as a whole.
func (s *site) Whole() *link {
	for _, link := range s.Links {
		if position(link.Name) < 0 {
			return link
		}
	}
	return nil
}

// Timelines that were recorded.
func (s *site) Timelines() []*timeline { return s.timelines }
