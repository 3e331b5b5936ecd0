package command

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// asProgram makes the test binary be podchain, so that tests can run the
// program itself, signals and exit status included, without building it.
const asProgram = "PODCHAIN_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if kubeconfig := os.Getenv(asCrashing); kubeconfig != "" {
		crashEarly(kubeconfig)
	}
	if os.Getenv(asPanicking) != "" {
		panicAtPods()
	}
	if kubeconfig := os.Getenv(asDying); kubeconfig != "" {
		go dieAtDeployment(kubeconfig)
	}
	if os.Getenv(asProgram) != "" {
		os.Exit(Main(Options{}))
	}
	if signal.Ignored(syscall.SIGHUP) {
		// The tests run under nohup, which programs inherit. What is caught here is as
		// usual in the programs that they start.
		signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP)
	}
	os.Exit(m.Run())
}

// asCrashing makes it a program that ends at the first Deployment that it sees in
// the cluster of this kubeconfig file.
const asCrashing = "PODCHAIN_TEST_AS_CRASHING"

func crashEarly(kubeconfig string) {
	awaitDeployment(kubeconfig)
	fmt.Println("out of memory")
	os.Exit(137)
}

// awaitDeployment returns when there is a Deployment in the cluster of this kubeconfig file.
func awaitDeployment(kubeconfig string) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		panic(err)
	}
	deployments, err := kubernetes.NewForConfigOrDie(config).AppsV1().Deployments("").Watch(context.Background(), metav1.ListOptions{})
	if err != nil {
		panic(err)
	}
	<-deployments.ResultChan()
}

// podchain returns the command that runs podchain with the arguments, in a
// directory of its own.
func podchain(t *testing.T, arguments ...string) *exec.Cmd {
	t.Helper()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, arguments...)
	command.Env = append(os.Environ(), asProgram+"=1")
	command.Dir = t.TempDir()
	return command
}

// flat is a text as it was before it was broken into lines.
func flat(text string) string { return strings.Join(strings.Fields(text), " ") }
