package memory_test

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/reference/memory"
)

// TestServe sends more than a connection holds both ways, in a bubble that no
// goroutine may outlive.
func TestServe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := memory.Listen()
		server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err == nil {
				_, err = w.Write(body)
			}
			if err != nil {
				t.Error(err)
			}
		})}
		done := make(chan error, 1)
		go func() { done <- server.Serve(listener) }()
		client := &http.Client{Transport: memory.Config(listener).Transport}
		body := strings.Repeat("x", 1<<20)
		for range 2 {
			response, err := client.Post("http://memory/", "text/plain", strings.NewReader(body))
			require.NoError(t, err)
			echo, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.Equal(t, body, string(echo))
			require.NoError(t, response.Body.Close())
		}
		require.NoError(t, server.Close())
		require.NoError(t, listener.Close())
		<-done
		_, err := listener.Dial(t.Context())
		require.Error(t, err)
	})
}

func TestDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := memory.Listen()
		defer func() { require.NoError(t, listener.Close()) }()
		go func() { _, _ = listener.Accept() }()
		conn, err := listener.Dial(t.Context())
		require.NoError(t, err)
		require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
		_, err = conn.Read(make([]byte, 1))
		require.ErrorIs(t, err, os.ErrDeadlineExceeded)
	})
}
