package assembly

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/podchain/podchain/conformance/chain"
)

// Command is the command line of a program that takes the place of a link. The
// shell runs it in the working directory, with these placeholders filled in:
//
//	{kubeconfig}  the file by which the program reaches the API server
//	{dir}         a directory of its own, removed at the end
//	{port}        a loopback port that nobody else uses, the same at every start
//	{node}        for a kubelet, the name of its node: it runs once for each node
//
// A program is at work when it has asked the API server for something, and a
// kubelet when its Node is there. It ends at SIGTERM.
//
// The API server itself listens on {port} and writes {kubeconfig}, whenever it
// starts: the file lets an administrator in, and may name new credentials each time.
// It is at work when GET /readyz is answered with 200. It is stopped and started
// like any link, and what it has stored is to outlive that.
type Command string

var placeholder = regexp.MustCompile(`\{([a-z]+)\}`)

var placeholders = []string{"kubeconfig", "dir", "port", "node"}

// Check returns an error for a command line that cannot be run in the place of
// the link.
func (c Command) Check(link chain.Link) error {
	if strings.TrimSpace(string(c)) == "" {
		return fmt.Errorf("%s: the command line is empty", link)
	}
	for _, match := range placeholder.FindAllStringSubmatch(string(c), -1) {
		if !slices.Contains(placeholders, match[1]) {
			return fmt.Errorf("%s: there is no placeholder %s: there are {%s}", link, match[0], strings.Join(placeholders, "}, {"))
		}
	}
	switch perNode := strings.Contains(string(c), "{node}"); {
	case link.Serves() && !strings.Contains(string(c), "{kubeconfig}"):
		return fmt.Errorf("%s: the command line has no {kubeconfig}: the file that it writes to let an administrator in", link)
	case link.PerNode() && !perNode:
		return fmt.Errorf("%s: the command line has no {node}: each node has a kubelet of its own", link)
	case !link.PerNode() && perNode:
		return fmt.Errorf("%s: {node} is for kubelets only", link)
	}
	return nil
}

// fill returns the command line with its placeholders filled in.
func (c Command) fill(values map[string]string) string {
	return placeholder.ReplaceAllStringFunc(string(c), func(found string) string {
		return values[found[1:len(found)-1]]
	})
}
