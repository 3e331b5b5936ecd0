package inmemoryhttp_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/podchain/podchain/reference/inmemoryhttp"
)

// inBubble runs a test with a client of the handler, in a bubble that no
// goroutine may outlive.
func inBubble(t *testing.T, handler http.HandlerFunc, test func(t *testing.T, transport *inmemoryhttp.Transport, client *http.Client)) {
	synctest.Test(t, func(t *testing.T) {
		transport := inmemoryhttp.NewTransport(handler)
		test(t, transport, &http.Client{Transport: transport})
		transport.Close()
	})
}

func TestRequestAndResponse(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		assert.Equal(t, "/a/b?q=1", r.RequestURI)
		assert.Equal(t, "memory", r.Host)
		assert.Equal(t, []string{"1"}, r.URL.Query()["q"])
		w.Header().Set("X-Method", r.Method)
		w.WriteHeader(http.StatusTeapot)
		w.Header().Set("X-Late", "is not sent")
		_, err = w.Write(body)
		assert.NoError(t, err)
	}
	for name, size := range map[string]int{"empty": 0, "small": 10, "more than a window": 1 << 20} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, echo, func(t *testing.T, _ *inmemoryhttp.Transport, client *http.Client) {
				sent := strings.Repeat("x", size)
				response, err := client.Post("http://memory/a/b?q=1", "text/plain", strings.NewReader(sent))
				require.NoError(t, err)
				got, err := io.ReadAll(response.Body)
				require.NoError(t, err)
				require.NoError(t, response.Body.Close())
				assert.Equal(t, sent, string(got))
				assert.Equal(t, int64(size), response.ContentLength)
				assert.Equal(t, "418 I'm a teapot", response.Status)
				assert.Equal(t, http.MethodPost, response.Header.Get("X-Method"))
				assert.Empty(t, response.Header.Get("X-Late"))
			})
		})
	}
}

// What is flushed arrives while the handler goes on; a handler whose client
// does not read waits for it.
func TestStream(t *testing.T) {
	const chunk, chunks = 10 << 10, 20
	written := 0
	stream := func(w http.ResponseWriter, _ *http.Request) {
		for range chunks {
			_, err := w.Write(bytes.Repeat([]byte("x"), chunk))
			assert.NoError(t, err)
			assert.NoError(t, http.NewResponseController(w).Flush())
			written += chunk
		}
	}
	inBubble(t, stream, func(t *testing.T, _ *inmemoryhttp.Transport, client *http.Client) {
		response, err := client.Get("http://memory/")
		require.NoError(t, err)
		synctest.Wait()
		assert.Equal(t, 6*chunk, written, "what is ahead of a client that does not read")
		got, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		assert.Len(t, got, chunks*chunk)
		require.NoError(t, response.Body.Close())
	})
}

// The handler is told when the client goes, the client when the server does,
// and neither waits for the other any more.
func TestOneOfTheTwoGoes(t *testing.T) {
	for name, c := range map[string]struct {
		answers bool // before it goes on
		blocks  bool // in Write, instead of waiting for its context
		goes    func(transport *inmemoryhttp.Transport, cancel func(), response *http.Response)
		request string // what the request fails with, where there is no answer
		body    string // what reading fails with, where there is one
	}{
		"the client before the answer": {
			goes:    func(_ *inmemoryhttp.Transport, cancel func(), _ *http.Response) { cancel() },
			request: "context canceled"},
		"the server before the answer": {
			goes:    func(transport *inmemoryhttp.Transport, _ func(), _ *http.Response) { transport.Close() },
			request: "unexpected EOF"},
		"the client in the stream": {answers: true,
			goes: func(_ *inmemoryhttp.Transport, cancel func(), _ *http.Response) { cancel() },
			body: "unexpected EOF"},
		"the client closes the stream": {answers: true,
			goes: func(_ *inmemoryhttp.Transport, _ func(), response *http.Response) { _ = response.Body.Close() },
			body: "http: invalid Read on closed Body"},
		"the client closes a full stream": {answers: true, blocks: true,
			goes: func(_ *inmemoryhttp.Transport, _ func(), response *http.Response) { _ = response.Body.Close() },
			body: "http: invalid Read on closed Body"},
		"the client leaves a full stream": {answers: true, blocks: true,
			goes: func(_ *inmemoryhttp.Transport, cancel func(), _ *http.Response) { cancel() },
			body: "unexpected EOF"},
		"the server in the stream": {answers: true,
			goes: func(transport *inmemoryhttp.Transport, _ func(), _ *http.Response) { transport.Close() },
			body: "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			ended := false
			handler := func(w http.ResponseWriter, r *http.Request) {
				defer func() { ended = true }()
				if c.answers {
					assert.NoError(t, http.NewResponseController(w).Flush())
				}
				if c.blocks {
					_, err := w.Write(make([]byte, 1<<20))
					assert.ErrorIs(t, err, io.ErrClosedPipe)
				}
				<-r.Context().Done()
			}
			inBubble(t, handler, func(t *testing.T, transport *inmemoryhttp.Transport, client *http.Client) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://memory/", http.NoBody)
				require.NoError(t, err)
				if !c.answers {
					go func() { synctest.Wait(); c.goes(transport, cancel, nil) }()
				}
				response, err := client.Do(request)
				if !c.answers {
					require.ErrorContains(t, err, c.request)
					synctest.Wait()
					assert.True(t, ended)
					return
				}
				require.NoError(t, err)
				synctest.Wait()
				c.goes(transport, cancel, response)
				synctest.Wait()
				_, err = io.ReadAll(response.Body)
				require.ErrorContains(t, err, c.body)
				require.NoError(t, response.Body.Close())
				synctest.Wait()
				assert.True(t, ended)
			})
		})
	}
}

func TestAbort(t *testing.T) {
	abort := func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("half of it"))
		panic(http.ErrAbortHandler)
	}
	inBubble(t, abort, func(t *testing.T, _ *inmemoryhttp.Transport, client *http.Client) {
		_, err := client.Get("http://memory/")
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}

func TestClosed(t *testing.T) {
	inBubble(t, func(http.ResponseWriter, *http.Request) {}, func(t *testing.T, transport *inmemoryhttp.Transport, client *http.Client) {
		transport.Close()
		_, err := client.Get("http://memory/")
		require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	})
}
