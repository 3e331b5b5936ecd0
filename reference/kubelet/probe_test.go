package kubelet_test

import (
	"context"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/test/bufconn"

	"github.com/podchain/podchain/reference/runtime"
)

// TestProbes has each kind of handler against each kind of image, and what the Event
// says where it fails. The first Pod of the node has the address 10.0.0.2.
func TestProbes(t *testing.T) {
	for name, test := range map[string]struct {
		image, probe, more string
		// event is that of the first failure; empty: the container is ready.
		event string
	}{
		"grpc":                      {image: "any:1", probe: "grpc: {port: 5000}"},
		"grpc of a service":         {image: "any:1", probe: "grpc: {port: 5000, service: shop.Cart}"},
		"grpc, nobody answers":      {image: "web:1", probe: "grpc: {port: 5000}", event: `Readiness probe failed: timeout: failed to connect service "10.0.0.2:5000" within 1s: context deadline exceeded`},
		"grpc, HTTP is spoken":      {image: "web:1", probe: "grpc: {port: 8080}", event: `Readiness probe failed: timeout: failed to connect service "10.0.0.2:8080" within 1s: context deadline exceeded`},
		"http":                      {image: "any:1", probe: "httpGet: {port: 80, path: '/healthz?full=1'}"},
		"http, nobody answers":      {image: "web:1", probe: "httpGet: {port: 80}", event: `Readiness probe failed: Get "http://10.0.0.2:80/": dial tcp 10.0.0.2:80: connect: connection refused`},
		"http with headers":         {image: "any:1", probe: "httpGet: {port: 80, httpHeaders: [{name: Host, value: a.example}, {name: Accept, value: ''}]}"},
		"http on a named port":      {image: "any:1", probe: "httpGet: {port: web}"},
		"http on an unknown port":   {image: "any:1", probe: "httpGet: {port: other}", event: `Readiness probe errored and resulted in unknown state: container app has no port "other"`},
		"https":                     {image: "any:1", probe: "httpGet: {port: 443, scheme: HTTPS}"},
		"https, HTTP is spoken":     {image: "web:1", probe: "httpGet: {port: 8080, scheme: HTTPS}", event: `Readiness probe failed: Get "https://10.0.0.2:8080/": EOF`},
		"on the node's network":     {image: "any:1", probe: "httpGet: {port: 80, host: localhost}", more: "hostNetwork: true"},
		"not on the node's network": {image: "any:1", probe: "httpGet: {port: 80, host: localhost}", event: `Readiness probe failed: Get "http://localhost:80/": dial tcp 127.0.0.1:80: connect: connection refused`},
		"tcp":                       {image: "any:1", probe: "tcpSocket: {port: 3306}"},
		"tcp on a named port":       {image: "any:1", probe: "tcpSocket: {port: web}"},
		"tcp to another host":       {image: "any:1", probe: "tcpSocket: {port: 80, host: db.example}", event: `Readiness probe failed: dial tcp: lookup db.example: no such host`},
		"exec":                      {image: "any:1", probe: "exec: {command: [pg_isready, -U, postgres]}"},
		"exec that fails":           {image: "any:1", probe: "exec: {command: [sh, -c, exit 4]}", event: `Readiness probe failed: command "sh -c exit 4" exited with 4`},
		"exec of a variable":        {image: "any:1", probe: "exec: {command: [sh, -c, exit $(CODE)]}", event: `Readiness probe failed: command "sh -c exit 5" exited with 5`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := startWith(t, runtime.RegistryOptions{Lenient: true})
				stop := c.run()
				defer stop()
				c.create("p", test.more+`
containers:
- name: app
  image: `+test.image+`
  env: [{name: CODE, value: "5"}]
  ports: [{name: web, containerPort: 80}]
  readinessProbe: {`+test.probe+`}
`)
				c.pass(5 * time.Second)
				events := c.events("p", "Unhealthy")
				if test.event == "" {
					assert.Empty(t, events)
				} else {
					require.NotEmpty(t, events)
					assert.Equal(t, test.event, events[0])
				}
				assert.Equal(t, test.event == "", c.get("p").Status.ContainerStatuses[0].Ready)
			})
		})
	}
}

// TestHealthAnswers has what the kubelet says of the answers of a gRPC server.
func TestHealthAnswers(t *testing.T) {
	for name, test := range map[string]struct {
		register func(*grpc.Server)
		event    string
	}{
		"not serving": {
			func(s *grpc.Server) {
				h := health.NewServer()
				h.SetServingStatus("", healthpb.HealthCheckResponse_NOT_SERVING)
				healthpb.RegisterHealthServer(s, h)
			},
			`Readiness probe failed: service unhealthy (responded with "NOT_SERVING")`,
		},
		"a service that it does not have": {
			func(s *grpc.Server) {
				h := health.NewServer()
				h.Shutdown()
				healthpb.RegisterHealthServer(s, unknown{h})
			},
			`Readiness probe failed: error: health rpc probe failed: rpc error: code = NotFound desc = unknown service`,
		},
		"no health": {
			func(*grpc.Server) {},
			`Readiness probe failed: error: this server does not implement the grpc health protocol (grpc.health.v1.Health): unknown service grpc.health.v1.Health`,
		},
		"no answer": {
			func(s *grpc.Server) { healthpb.RegisterHealthServer(s, silent{}) },
			`Readiness probe failed: timeout: health rpc did not complete within 1s`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				listener := bufconn.Listen(1 << 16)
				server := grpc.NewServer()
				test.register(server)
				go func() { _ = server.Serve(listener) }()
				defer server.Stop()
				c := start(t)
				c.dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
				stop := c.run()
				defer stop()
				c.create("p", `containers: [{name: app, image: "web:1", readinessProbe: {grpc: {port: 80}}}]`)
				c.pass(5 * time.Second)
				assert.Equal(t, []string{test.event}, c.events("p", "Unhealthy"))
				assert.False(t, c.get("p").Status.ContainerStatuses[0].Ready)
			})
		})
	}
}

type unknown struct{ healthpb.HealthServer }

func (u unknown) Check(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	return u.HealthServer.Check(ctx, &healthpb.HealthCheckRequest{Service: "nowhere"})
}

// silent answers when it is too late.
type silent struct {
	healthpb.UnimplementedHealthServer
}

func (silent) Check(ctx context.Context, _ *healthpb.HealthCheckRequest) (*healthpb.HealthCheckResponse, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestHooks has the handlers of hooks: exec, httpGet, sleep, and the one that the API
// server lets through and no kubelet runs.
func TestHooks(t *testing.T) {
	for name, test := range map[string]struct {
		hook, event string
		after       time.Duration // that the container takes longer to be started
	}{
		"exec":             {hook: "exec: {command: [sh, -c, echo hello]}"},
		"exec of a sleep":  {hook: "exec: {command: [sh, -c, sleep 3]}", after: 3 * time.Second},
		"exec that fails":  {hook: "exec: {command: [sh, -c, exit 4]}", event: `PostStartHook failed: command 'sh -c exit 4': command "sh -c exit 4" exited with 4 `},
		"http":             {hook: "httpGet: {port: web, path: /started}"},
		"http, whatever":   {hook: "httpGet: {port: 8080, path: /nowhere}"},
		"http, no answer":  {hook: "httpGet: {port: 80, host: db.example}", event: `PostStartHook failed: Get "http://db.example:80/": dial tcp: lookup db.example: no such host`},
		"sleep":            {hook: "sleep: {seconds: 3}", after: 3 * time.Second},
		"tcp is not known": {hook: "tcpSocket: {port: 80}", event: `PostStartHook failed: invalid handler: &LifecycleHandler{Exec:nil,HTTPGet:nil,TCPSocket:&TCPSocketAction{Port:{0 80 },Host:,},Sleep:nil,}`},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				image := "any:1"
				if name == "http, whatever" {
					image = "web:1"
				}
				c := startWith(t, runtime.RegistryOptions{Lenient: true})
				stop := c.run()
				defer stop()
				c.create("p", `
containers:
- name: app
  image: `+image+`
  ports: [{name: web, containerPort: 80}]
  lifecycle: {postStart: {`+test.hook+`}}
`)
				c.pass(test.after)
				if test.after > 0 {
					assert.Nil(t, c.get("p").Status.ContainerStatuses[0].State.Running, "the hook is not over")
				}
				c.pass(time.Second)
				events := c.events("p", "FailedPostStartHook")
				if test.event == "" {
					assert.Empty(t, events)
				} else {
					require.NotEmpty(t, events)
					assert.Equal(t, test.event, events[0])
				}
				assert.Equal(t, test.event == "", c.get("p").Status.ContainerStatuses[0].State.Running != nil)
			})
		})
	}
}
