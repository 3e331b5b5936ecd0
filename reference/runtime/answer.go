package runtime

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"strings"
	"sync"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// answerAnything is the server of an image that is not in the table, in whatever
// protocol a prober speaks: HTTP, HTTPS, or gRPC without TLS. Every request succeeds.
// It serves until the prober closes the connection.
func answerAnything(conn net.Conn) {
	reader := bufio.NewReader(conn)
	first, err := reader.Peek(1)
	if err != nil {
		conn.Close() // closed without a request: a TCP probe
		return
	}
	conn = &readAhead{Conn: conn, reader: reader}
	const handshake = 22 // the type of the first record of TLS
	if first[0] == handshake {
		certificate, err := selfSigned()
		if err != nil {
			conn.Close()
			return
		}
		config := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{certificate}}
		conn = &cutShort{Conn: tls.Server(conn, config), raw: conn}
	}
	health := grpc.NewServer()
	healthpb.RegisterHealthServer(health, healthy{})
	server := &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
				health.ServeHTTP(w, r)
			}
		}),
		Protocols: new(http.Protocols),
		// A prober that has gone away is not this program's error.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	_ = server.Serve(&oneConnection{conn: conn}) // io.EOF: there is no second one
}

// healthy says of every service that it serves.
type healthy struct {
	healthpb.UnimplementedHealthServer
}

func (healthy) Check(context.Context, *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	return &healthpb.HealthCheckResponse{Status: healthpb.HealthCheckResponse_SERVING}, nil
}

// readAhead is a connection of which something has been looked at already.
type readAhead struct {
	net.Conn
	reader *bufio.Reader
}

func (c *readAhead) Read(p []byte) (int, error) { return c.reader.Read(p) }

// cutShort is a connection over TLS that ends without a word. Nothing is buffered
// between the two ends: if both said goodbye at once, each would wait for the other
// to listen.
type cutShort struct {
	net.Conn
	raw net.Conn
}

func (c *cutShort) Close() error { return c.raw.Close() }

// oneConnection is a listener that has one connection to give.
type oneConnection struct{ conn net.Conn }

func (l *oneConnection) Accept() (net.Conn, error) {
	conn := l.conn
	if l.conn = nil; conn == nil {
		return nil, io.EOF
	}
	return conn, nil
}

func (l *oneConnection) Close() error   { return nil }
func (l *oneConnection) Addr() net.Addr { return &net.TCPAddr{} }

// selfSigned is a certificate that a prober accepts, as it accepts any.
var selfSigned = sync.OnceValues(func() (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, err
})
