package command

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkServe measures podchain serve from exec to the readiness line, with
// the program as it is built for users.
//
//	go test ./command -run '^$' -bench Serve -benchtime 20x
func BenchmarkServe(b *testing.B) {
	directory := b.TempDir()
	program := filepath.Join(directory, "podchain")
	output, err := exec.Command("go", "build", "-o", program, "../cmd/podchain").CombinedOutput()
	require.NoError(b, err, "%s", output)
	b.ResetTimer()
	for range b.N {
		command := exec.Command(program, "serve")
		command.Dir = directory
		stdout, err := command.StdoutPipe()
		require.NoError(b, err)
		require.NoError(b, command.Start())
		_, err = bufio.NewReader(stdout).ReadString('\n')
		require.NoError(b, err)
		b.StopTimer()
		require.NoError(b, command.Process.Signal(syscall.SIGTERM))
		require.NoError(b, command.Wait())
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/ready")
}
