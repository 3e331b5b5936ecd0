package kubernetes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

// buildKWOK builds the program where it is not in the cache yet, and returns it
// with the stages that its module comes with.
func buildKWOK(ctx context.Context, progress io.Writer) (program string, stages []byte, err error) {
	source, err := sourceDirectory()
	if err != nil {
		return "", nil, err
	}
	cache, err := cacheDirectory()
	if err != nil {
		return "", nil, err
	}
	module := filepath.Join(source, kwokProgram)
	directory := filepath.Join(cache, kwokProgram+"-"+KWOKVersion)
	unlock, err := lock(ctx, directory+".lock")
	if err != nil {
		return "", nil, err
	}
	defer unlock()
	program = filepath.Join(directory, kwokProgram)
	if _, err := os.Stat(program); err != nil {
		started := time.Now()
		fmt.Fprintf(progress, "building KWOK %s; this happens once and takes minutes\n", KWOKVersion)
		if err := goBuild(ctx, module, kwokModule+"/cmd/kwok", program, "-s -w"); err != nil {
			return "", nil, err
		}
		fmt.Fprintf(progress, "built KWOK in %s\n", time.Since(started).Round(time.Second))
	}
	found, err := moduleDirectory(ctx, module, kwokModule)
	if err != nil {
		return "", nil, err
	}
	stages, err = kustomized(filepath.Join(found, "kustomize", "stage", "fast"))
	return program, stages, err
}

// moduleDirectory is where the source of a module is that another requires.
func moduleDirectory(ctx context.Context, from, path string) (string, error) {
	command := exec.CommandContext(ctx, "go", "mod", "download", "-json", path)
	command.Dir = from
	command.Env = append(os.Environ(), "GOWORK=off")
	said, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("find the source of %s: %w\n%s", path, err, said)
	}
	var module struct{ Dir string }
	if err := json.Unmarshal(said, &module); err != nil {
		return "", fmt.Errorf("find the source of %s: %w", path, err)
	}
	return module.Dir, nil
}

// kustomized returns the objects that a kustomization lists: files, or folders
// with another one.
func kustomized(directory string) ([]byte, error) {
	content, err := os.ReadFile(filepath.Join(directory, "kustomization.yaml"))
	if err != nil {
		return nil, err
	}
	var list struct{ Resources []string }
	if err := yaml.Unmarshal(content, &list); err != nil {
		return nil, fmt.Errorf("%s: %w", directory, err)
	}
	var objects [][]byte
	for _, name := range list.Resources {
		read := os.ReadFile
		if !strings.HasSuffix(name, ".yaml") {
			read = kustomized
		}
		object, err := read(filepath.Join(directory, name))
		if err != nil {
			return nil, err
		}
		objects = append(objects, object)
	}
	return bytes.Join(objects, []byte("\n---\n")), nil
}
