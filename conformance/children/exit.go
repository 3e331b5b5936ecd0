package children

import (
	"fmt"
	"os"
	"strings"
)

// Exit says how a program ended, such as "exited with status 1".
func Exit(state *os.ProcessState) string {
	if code := state.ExitCode(); code >= 0 {
		return fmt.Sprintf("exited with status %d", code)
	}
	return "was ended by a signal: " + strings.TrimPrefix(state.String(), "signal: ")
}
