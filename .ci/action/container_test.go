package action

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	buildImage = regexp.MustCompile(`^docker\.io/library/golang:(\S+) AS build$`)
	goVersion  = regexp.MustCompile(`(?m)^go (\d+\.\d+)`)
)

// The container recipe, without a container engine: the build is executed, in a folder
// that has only what the recipe copies, and what it builds runs in the root directory
// that the image has.
func TestContainerfile(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("another root directory needs root")
	}
	const repository = "../.."
	source, image := t.TempDir(), filepath.Join(t.TempDir(), "image")
	stage := 0
	var last []string
	for line := range strings.Lines(read(t, repository+"/.ci/Containerfile")) {
		instruction, text, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch {
		case instruction == "" || strings.HasPrefix(instruction, "#"):
		case instruction == "FROM":
			if stage++; stage == 1 {
				found := buildImage.FindStringSubmatch(text)
				require.NotNil(t, found, text)
				assert.Equal(t, goVersion.FindStringSubmatch(read(t, repository+"/go.mod"))[1], found[1])
			}
		case stage == 2:
			last = append(last, instruction+" "+text)
		case instruction == "COPY":
			from := strings.Fields(text)
			to := filepath.Join(source, from[len(from)-1])
			for _, path := range from[:len(from)-1] {
				output, err := exec.Command("cp", "-R", filepath.Join(repository, path), to).CombinedOutput()
				require.NoError(t, err, string(output))
			}
		case instruction == "RUN":
			require.NoError(t, os.MkdirAll(image, 0o755))
			command := exec.Command("sh", "-c", strings.ReplaceAll(text, "/image", image))
			command.Dir = source
			output, err := command.CombinedOutput()
			require.NoError(t, err, "%s: %s", text, output)
		default:
			assert.Equal(t, "WORKDIR /source", instruction+" "+text)
		}
	}
	assert.Equal(t, []string{"COPY --from=build /image /", "WORKDIR /here", "USER 65532:65532", `ENTRYPOINT ["/podchain"]`}, last)

	const user = 65532
	verify := &exec.Cmd{
		Path: "/podchain", Args: []string{"podchain", "verify", "--select", "RS-01", "--report", "json=report.json"},
		Dir: "/here", Env: []string{},
		SysProcAttr: &syscall.SysProcAttr{Chroot: image, Credential: &syscall.Credential{Uid: user, Gid: user}},
	}
	output, err := verify.CombinedOutput()
	require.NoError(t, err, string(output))
	assert.Contains(t, string(output), "1 requirement, 1 passed")
	assert.FileExists(t, filepath.Join(image, "here/report.json"))
}
