package etcdserver

// Program is a store that speaks etcd's protocol: what it is built from, and the flags
// that say where it serves.
type Program struct {
	// Name of the executable.
	Name string
	// Version that is built where none is installed.
	Version string

	module  string // that is required for the build
	command string // the package to build
	flags   func(*Server) []string
}

// Etcd is the store that Kubernetes is made for.
var Etcd = Program{
	Name: "etcd", Version: "v3.7.3",
	module: "go.etcd.io/etcd/server/v3", command: "go.etcd.io/etcd/server/v3",
	flags: func(s *Server) []string {
		// It has no peers and advertises no address: etcd 3.6 takes no sockets here.
		const nowhere = "http://127.0.0.1:1"
		return []string{
			"--name=podchain",
			"--data-dir=" + s.path("data"),
			"--listen-client-urls=" + s.Endpoint(), "--advertise-client-urls=" + nowhere,
			"--listen-peer-urls=unix://" + s.path("peer.sock"), "--initial-advertise-peer-urls=" + nowhere,
			"--initial-cluster=podchain=" + nowhere,
			"--client-cert-auth", "--trusted-ca-file=" + s.authority.File(),
			"--cert-file=" + s.serving.CertificateFile, "--key-file=" + s.serving.KeyFile,
			"--log-level=error",
			// Nothing is to survive the machine.
			"--unsafe-no-fsync",
		}
	},
}

// Kine is the part of etcd's protocol that Kubernetes speaks, on SQLite.
var Kine = Program{
	Name: "kine", Version: "v0.17.5",
	module: "github.com/k3s-io/kine", command: "github.com/k3s-io/kine",
	flags: func(s *Server) []string {
		return []string{
			"--listen-address=unix://" + s.path(socket),
			"--trusted-ca-file=" + s.authority.File(),
			"--server-cert-file=" + s.serving.CertificateFile, "--server-key-file=" + s.serving.KeyFile,
			"--metrics-bind-address=0",
			// A compaction takes effect at once: by default kine keeps the last
			// thousand revisions (WATCH-09).
			"--compact-min-retain=0",
		} // its data is in the working directory
	},
}

// Programs are all there are, by name.
var Programs = map[string]Program{Etcd.Name: Etcd, Kine.Name: Kine}
