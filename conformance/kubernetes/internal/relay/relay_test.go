package relay_test

import (
	"io"
	"net"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/conformance/kubernetes/internal/relay"
)

// TestServe: what goes in on one side comes out on the other, its end included;
// a connection that leads nowhere is closed.
func TestServe(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	server, err := net.Listen("unix", socket)
	require.NoError(t, err)
	go func() {
		for {
			connection, err := server.Accept()
			if err != nil {
				return
			}
			text, err := io.ReadAll(connection) // up to the end that is passed on
			if err == nil {
				_, err = connection.Write(append([]byte("heard "), text...))
			}
			if err == nil {
				err = connection.Close()
			}
			if err != nil {
				t.Error(err)
			}
		}
	}()
	front, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer front.Close()
	go relay.Serve(front, "unix", socket)

	ask := func(text string) string {
		connection, err := net.Dial("tcp", front.Addr().String())
		require.NoError(t, err)
		defer connection.Close()
		if _, err := connection.Write([]byte(text)); err != nil {
			return ""
		}
		if err := connection.(*net.TCPConn).CloseWrite(); err != nil {
			return ""
		}
		answer, err := io.ReadAll(connection)
		if err != nil {
			return ""
		}
		return string(answer)
	}
	require.Equal(t, "heard you", ask("you"))
	require.NoError(t, server.Close())
	require.Empty(t, ask("you"))
}
