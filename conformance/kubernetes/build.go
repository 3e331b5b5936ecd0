package kubernetes

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"

	"github.com/podchain/podchain/conformance/chain"
)

// DefaultVersion is the version that is built when none is named. There is one
// for each folder of versions.
const DefaultVersion = "v1.37.2"

// component is a program of a release, and the package it is built from.
type component struct{ name, path string }

// components in the order in which they are built: the longest build first,
// which makes the others short.
var components = []component{
	{"kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver"},
	{"etcd", "go.etcd.io/etcd/server/v3"},
	{"kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager"},
	{"kube-scheduler", "k8s.io/kubernetes/cmd/kube-scheduler"},
	{"kubelet", "k8s.io/kubernetes/cmd/kubelet"},
}

// own are the programs of this module that run within nodes and containers. They
// are built each time, which costs nothing while they stay the same.
var own = []component{
	{"machine", "./programs/machine"},
	{"container", "./programs/container"},
}

// programs are the files of all programs by name.
type programs map[string]string

// Build builds the programs of a version where they are not in the cache yet,
// and tells progress what it does. The first build takes minutes.
func Build(ctx context.Context, version string, progress io.Writer) error {
	_, err := build(ctx, version, progress, programsOf(chain.AllLinks))
	return err
}

// build builds those programs that have one of the names.
func build(ctx context.Context, version string, progress io.Writer, names []string) (programs, error) {
	ldflags, err := versionFlags(version)
	if err != nil {
		return nil, err
	}
	source, err := sourceDirectory()
	if err != nil {
		return nil, err
	}
	module := filepath.Join(source, "versions", version)
	if _, err := os.Stat(filepath.Join(module, "go.mod")); err != nil {
		return nil, fmt.Errorf("there is no Kubernetes %s to build (there are %s): add a folder for it: %w", version, strings.Join(versions(source), ", "), err)
	}
	wanted := slices.DeleteFunc(slices.Clone(components), func(c component) bool { return !slices.Contains(names, c.name) })
	if err := lacks(version, filepath.Join(module, "go.mod"), wanted); err != nil {
		return nil, err
	}
	cache, err := cacheDirectory()
	if err != nil {
		return nil, err
	}
	built := programs{}
	directory := filepath.Join(cache, version)
	// A second process waits, and finds everything built.
	unlock, err := lock(ctx, directory+".lock")
	if err != nil {
		return nil, err
	}
	defer unlock()
	for i, c := range wanted {
		built[c.name] = filepath.Join(directory, c.name)
		if _, err := os.Stat(built[c.name]); err == nil {
			continue
		}
		started := time.Now()
		fmt.Fprintf(progress, "building %s %s (%d of %d); this happens once and takes minutes\n", c.name, version, i+1, len(wanted))
		if err := goBuild(ctx, module, c.path, built[c.name], ldflags); err != nil {
			return nil, err
		}
		fmt.Fprintf(progress, "built %s in %s\n", c.name, time.Since(started).Round(time.Second))
	}
	for _, c := range own {
		if !slices.Contains(names, c.name) {
			continue
		}
		built[c.name] = filepath.Join(cache, "programs", c.name)
		if err := goBuild(ctx, source, c.path, built[c.name], "-s -w"); err != nil {
			return nil, err
		}
	}
	return built, nil
}

// lacks returns an error if the go.mod of a version has not all of the components
// among its tools: one that is there to run under a younger API server has no API
// server of its own.
func lacks(version, path string, components []component) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	module, err := modfile.Parse(path, content, nil)
	if err != nil {
		return err
	}
	for _, c := range components {
		if !slices.ContainsFunc(module.Tool, func(tool *modfile.Tool) bool { return tool.Path == c.path }) {
			return fmt.Errorf("version %s has no %s here: %s does not name it as a tool", version, c.name, path)
		}
	}
	return nil
}

var (
	wellFormedVersion = regexp.MustCompile(`^v(\d+)\.(\d+)\.\d+$`)
	minorVersion      = regexp.MustCompile(`^v\d+\.\d+$`)
)

// ResolveVersion returns the version that can be built and that the name stands for:
// "1.34", "v1.34", "1.34.4" and "v1.34.4" may stand for v1.34.4. An empty name
// stands for DefaultVersion.
func ResolveVersion(name string) (string, error) {
	if name == "" {
		return DefaultVersion, nil
	}
	source, err := sourceDirectory()
	if err != nil {
		return "", err
	}
	known := versions(source)
	wanted := "v" + strings.TrimPrefix(name, "v")
	meant := slices.DeleteFunc(slices.Clone(known), func(version string) bool {
		return version != wanted && (!minorVersion.MatchString(wanted) || !strings.HasPrefix(version, wanted+"."))
	})
	if len(meant) == 0 {
		return "", fmt.Errorf("there is no Kubernetes %s to build: there are %s", name, strings.Join(known, ", "))
	}
	return slices.MaxFunc(meant, semver.Compare), nil
}

// versionFlags make the programs say what they are: otherwise they take
// themselves for v0.0.0, and act on it.
func versionFlags(version string) (string, error) {
	match := wellFormedVersion.FindStringSubmatch(version)
	if match == nil {
		return "", fmt.Errorf("%q is no version: expected one like %s", version, DefaultVersion)
	}
	const pkg = "k8s.io/component-base/version"
	return fmt.Sprintf("-s -w -X %[1]s.gitVersion=%[2]s -X %[1]s.gitMajor=%[3]s -X %[1]s.gitMinor=%[4]s", pkg, version, match[1], match[2]), nil
}

// goBuild builds a static program, and puts it in place when it is complete.
func goBuild(ctx context.Context, directory, path, output, ldflags string, environment ...string) error {
	if err := os.MkdirAll(filepath.Dir(output), 0o755); err != nil {
		return err
	}
	command := exec.CommandContext(ctx, "nice", "-n", "19", "go", "build", "-trimpath", "-ldflags", ldflags, "-o", output+".new", path)
	command.Dir = directory
	command.Env = append(append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off"), environment...)
	// A canceled build ends together with all its compilers.
	command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	command.Cancel = func() error { return syscall.Kill(-command.Process.Pid, syscall.SIGTERM) }
	var said bytes.Buffer
	command.Stdout, command.Stderr = &said, &said
	if err := command.Run(); err != nil {
		return fmt.Errorf("build %s in %s: %w\n%s", path, directory, err, &said)
	}
	return os.Rename(output+".new", output)
}

// cacheDirectory is where programs are kept between runs.
func cacheDirectory() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no place to keep the programs that are built: %w", err)
	}
	return filepath.Join(cache, "podchain", "kubernetes"), nil
}

// sourceDirectory is the folder of this module: where it was when this program
// was built, or above the working directory.
func sourceDirectory() (string, error) {
	isSource := func(directory string) bool {
		_, err := os.Stat(filepath.Join(directory, "versions", DefaultVersion, "go.mod"))
		return err == nil
	}
	if _, file, _, ok := runtime.Caller(0); ok && filepath.IsAbs(file) && isSource(filepath.Dir(file)) {
		return filepath.Dir(file), nil
	}
	working, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for directory := working; ; directory = filepath.Dir(directory) {
		for _, candidate := range []string{directory, filepath.Join(directory, "conformance", "kubernetes")} {
			if isSource(candidate) {
				return candidate, nil
			}
		}
		if directory == filepath.Dir(directory) {
			return "", errors.New("the source of the harness, from which Kubernetes is built, is not to be found: run this within a clone of podchain")
		}
	}
}

// versions lists what can be built.
func versions(source string) []string {
	var names []string
	found, err := filepath.Glob(filepath.Join(source, "versions", "*", "go.mod"))
	if err != nil {
		return nil
	}
	for _, file := range found {
		names = append(names, filepath.Base(filepath.Dir(file)))
	}
	return names
}

// lock takes the lock of a file, waiting until it is free.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	err = retry(ctx, nil, func(context.Context) error {
		return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("wait for the lock %s: %w", path, err), file.Close())
	}
	return func() { _ = file.Close() }, nil
}
