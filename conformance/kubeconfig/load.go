package kubeconfig

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/clientcmd/api"

	"github.com/podchain/podchain/conformance/printable"
)

// Load reads a kubeconfig file. The error names it, and says what is wrong with it.
func Load(path string) (*api.Config, error) {
	config, err := clientcmd.LoadFromFile(path)
	switch {
	case runtime.IsNotRegisteredError(err):
		err = errors.New("not a kubeconfig file: expected kind Config of v1")
	case err != nil && strings.HasPrefix(err.Error(), "yaml: "):
		err = fmt.Errorf("not valid YAML: %w", printable.YAML(err))
	}
	var fault *fs.PathError
	switch {
	case errors.As(err, &fault):
		return nil, fmt.Errorf("kubeconfig %w", printable.File(err))
	case err != nil:
		return nil, fmt.Errorf("kubeconfig %s: %w", path, err)
	}
	return config, nil
}
