package site

// Guide is a page of prose and tables beside those of the specification.
type Guide struct {
	// Name of the page's file, without its extension, and what links to it are called.
	Name, Short string
	Heading     string
	Sections    []Section
}

// Section is a part of a guide. The first row of the table is its head.
type Section struct {
	Title, Text string
	Table       [][]string
	Terms       []Term
}

// Term is something that a guide explains, with an example as it is written.
type Term struct{ Name, Text, Example string }

// Title implements titled.
func (g Guide) Title() string { return g.Heading }

// Page is where its page is.
func (g Guide) Page() string { return g.Name + ".html" }
