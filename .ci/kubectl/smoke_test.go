package kubectl

import (
	"bufio"
	"context"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	kubectl  = flag.String("kubectl", "", "kubectl binary to drive")
	podchain = flag.String("podchain", "", "podchain binary to serve with")
)

// commandTimeout is how long one command may take, waiting commands included.
const commandTimeout = time.Minute

const manifest = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: applied
spec:
  replicas: 2
  selector:
    matchLabels: {app: applied}
  template:
    metadata:
      labels: {app: applied}
    spec:
      containers:
      - name: web
        image: web:1
`

const configMaps = `
apiVersion: v1
kind: ConfigMapList
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {k: v}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: two}}
`

const unknownKind = `{apiVersion: apps/v1, kind: Deploymnet, metadata: {name: d}, spec: {}}`

const customResource = `
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  names: {kind: Thing, plural: things}
  scope: Namespaced
  versions: [{name: v1, served: true, storage: true, schema: {openAPIV3Schema: {type: object}}}]
`

const namespaceAndPod = `
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: fresh}}
- {apiVersion: v1, kind: Pod, metadata: {name: first, namespace: fresh}, spec: {containers: [{name: c, image: nginx}]}}
`

const autoscaler = `
apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: {name: old}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  maxReplicas: 3
  targetCPUUtilizationPercentage: 55
`

// steps are what somebody types, in order, and what they get to see. The lines
// are regular expressions, each of which has to match.
var steps = []struct {
	command string
	stdin   string
	lines   []string
	absent  string
	fails   bool
}{
	{command: "version", lines: []string{`^Server Version: v1\.37\.2`}},
	{command: "api-resources", lines: []string{
		`^NAME +SHORTNAMES +APIVERSION +NAMESPACED +KIND$`,
		`^deployments +deploy +apps/v1 +true +Deployment$`,
		`^nodes +no +v1 +false +Node$`,
		`^pods +po +v1 +true +Pod$`,
	}},
	{command: "wait --for=condition=Ready node --all --timeout=30s", lines: []string{`^node/node-1 condition met$`, `^node/node-2 condition met$`, `^node/node-3 condition met$`}},
	{command: "get nodes", lines: []string{`^NAME +STATUS +ROLES +AGE +VERSION$`, `^node-1 +Ready +<none> +\d+s +v`}},
	{command: "describe node node-1", lines: []string{`^Name: +node-1$`, `^ +Ready +True `}},

	{command: "get service kubernetes", lines: []string{`^kubernetes +ClusterIP +10\.96\.0\.1 +<none> +443/TCP +\d+s$`}},
	{command: "get priorityclass system-node-critical", lines: []string{`^system-node-critical +2000001000 +false `}},
	{command: "delete priorityclass system-node-critical", fails: true, lines: []string{`\(Forbidden\): .*this is a system priority class and cannot be deleted$`}},

	{command: "create -f -", stdin: configMaps, lines: []string{`^configmap/one created$`, `^configmap/two created$`}},
	{command: "create -f -", stdin: unknownKind, fails: true, lines: []string{`no matches for kind "Deploymnet" in version "apps/v1"$`}},
	{command: "get crds", lines: []string{`^No resources found$`}},
	{command: "create -f -", stdin: customResource, fails: true, lines: []string{`\(Forbidden\): .*this API server has no custom resources$`}},
	{command: "create -f -", stdin: autoscaler, lines: []string{`^horizontalpodautoscaler\.autoscaling/old created$`}},
	{command: "get horizontalpodautoscalers.v1.autoscaling old -o yaml", lines: []string{`^apiVersion: autoscaling/v1$`, `^  targetCPUUtilizationPercentage: 55$`}},
	{command: "get hpa old", lines: []string{`^old +Deployment/web +cpu: <unknown>/55% +1 +3 `}},
	{command: "delete hpa old", lines: []string{`"old" deleted`}},

	{command: "create -f -", stdin: namespaceAndPod, lines: []string{`^namespace/fresh created$`, `^pod/first created$`}},
	{command: "wait -n fresh --for=condition=Ready pod/first --timeout=30s", lines: []string{`^pod/first condition met$`}},
	{command: "logs -n fresh first", fails: true, lines: []string{`cannot read the log of pod "first": this API server does not connect to nodes`}, absent: `not found`},
	{command: "logs -n fresh second", fails: true, lines: []string{`pods "second" not found`}},
	{command: "exec -n fresh first -- true", fails: true, lines: []string{`cannot run a command in pod "first": this API server does not connect to nodes`}, absent: `not found`},
	{command: "port-forward -n fresh pod/first 8080:80", fails: true, lines: []string{`cannot forward a port of pod "first": this API server does not connect to nodes`}, absent: `not found`},
	{command: "delete namespace fresh --timeout=60s", lines: []string{`^namespace "fresh" deleted$`}},

	{command: "create deployment web --image=web:1 --replicas=2", lines: []string{`^deployment\.apps/web created$`}},
	{command: "create deployment web --image=web:1", fails: true, lines: []string{`deployments\.apps "web" already exists$`}},
	{command: "wait --for=condition=Available deployment/web --timeout=30s", lines: []string{`^deployment\.apps/web condition met$`}},
	{command: "rollout status deployment/web --timeout=30s", lines: []string{`^deployment "web" successfully rolled out$`}},
	{command: "get deployments", lines: []string{`^NAME +READY +UP-TO-DATE +AVAILABLE +AGE$`, `^web +2/2 +2 +2 +\d+s$`}},
	{command: "get deploy web -o wide", lines: []string{`^NAME +READY +UP-TO-DATE +AVAILABLE +AGE +CONTAINERS +IMAGES +SELECTOR$`, `^web +2/2 +2 +2 +\d+s +web +web:1 +app=web$`}},
	{command: "get rs", lines: []string{`^NAME +DESIRED +CURRENT +READY +AGE$`, `^web-[a-z0-9]+ +2 +2 +2 +\d+s$`}},
	{command: "get pods -o wide", lines: []string{
		`^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES$`,
		`^web-[a-z0-9]+-[a-z0-9]{5} +1/1 +Running +0 +\d+s +[0-9.]+ +node-[123] +<none> +<none>$`,
	}},
	{command: "get pods -l app=other", lines: []string{`^No resources found in default namespace\.$`}},
	{command: "get all", lines: []string{`^pod/web-`, `^deployment\.apps/web `, `^replicaset\.apps/web-`}},
	{command: "describe deployment web", lines: []string{
		`^Name: +web$`,
		`^Replicas: +2 desired \| 2 updated \| 2 total \| 2 available \| 0 unavailable$`,
		`^StrategyType: +RollingUpdate$`,
		`^NewReplicaSet: +web-[a-z0-9]+ \(2/2 replicas created\)$`,
		` ScalingReplicaSet .* deployment-controller +Scaled up replica set web-[a-z0-9]+ from 0 to 2$`,
	}},
	{command: "describe pods -l app=web --show-events", lines: []string{
		`^Status: +Running$`, `^Node: +node-[123]/`, `^Controlled By: +ReplicaSet/web-`,
		` Scheduled .* default-scheduler +Successfully assigned default/web-`,
		` Pulled .* kubelet +`, ` Created .* kubelet +`, ` Started .* kubelet +`,
	}},

	{command: "scale deployment web --replicas=3", lines: []string{`^deployment\.apps/web scaled$`}},
	{command: "wait --for=jsonpath={.status.availableReplicas}=3 deployment/web --timeout=30s", lines: []string{`^deployment\.apps/web condition met$`}},
	{command: "get deployment web", lines: []string{`^web +3/3 +3 +3 `}},

	{command: "set image deployment/web web=web:2", lines: []string{`^deployment\.apps/web image updated$`}},
	{command: "rollout status deployment/web --timeout=30s", lines: []string{`^deployment "web" successfully rolled out$`}},
	{command: "rollout history deployment/web", lines: []string{`^REVISION +CHANGE-CAUSE$`, `^1 +<none>$`, `^2 +<none>$`}},
	{command: "rollout history deployment/web --revision=2", lines: []string{`^ +Image:\s+web:2$`}},
	{command: "rollout undo deployment/web", lines: []string{`^deployment\.apps/web rolled back$`}},
	{command: "rollout status deployment/web --timeout=30s", lines: []string{`^deployment "web" successfully rolled out$`}},
	{command: "rollout history deployment/web", lines: []string{`^2 +<none>$`, `^3 +<none>$`}, absent: `^1 +`},
	{command: "get deployment web -o jsonpath={.spec.template.spec.containers[0].image}", lines: []string{`^web:1$`}},
	{command: "rollout restart deployment/web", lines: []string{`^deployment\.apps/web restarted$`}},
	{command: "rollout status deployment/web --timeout=30s", lines: []string{`^deployment "web" successfully rolled out$`}},
	{command: "get deployment web -o yaml", lines: []string{`^ +kubectl\.kubernetes\.io/restartedAt: `, `^ +deployment\.kubernetes\.io/revision: "4"$`}},

	{command: "apply -f -", stdin: manifest, lines: []string{`^deployment\.apps/applied created$`}},
	{command: "apply -f -", stdin: manifest, lines: []string{`^deployment\.apps/applied unchanged$`}},
	{command: "apply -f -", stdin: strings.Replace(manifest, "replicas: 2", "replicas: 1", 1), lines: []string{`^deployment\.apps/applied configured$`}},
	{command: "wait --for=condition=Available deployment/applied --timeout=30s", lines: []string{`^deployment\.apps/applied condition met$`}},
	{command: "apply --server-side --force-conflicts -f -", stdin: manifest, lines: []string{`^deployment\.apps/applied serverside-applied$`}},
	{command: "diff -f -", stdin: manifest},
	{command: "apply --dry-run=server -f -", stdin: strings.Replace(manifest, "replicas: 2", "replicas: -1", 1), fails: true, lines: []string{`spec\.replicas: Invalid value: -1`}},

	// All of them are applied by a test of podchain serve: here is what kubectl shows.
	{command: "apply -f ../../conformance/examples/manifests/etcd.yaml", lines: []string{`^namespace/etcd created$`, `^statefulset\.apps/etcd created$`}},
	{command: "-n etcd rollout status statefulset/etcd --timeout=30s", lines: []string{`partitioned roll out complete: 3 new pods have been updated`}},
	{command: "apply -f ../../conformance/examples/manifests/gpu.yaml", lines: []string{`^deployment\.apps/llm-server created$`}},
	{command: "wait --for=jsonpath={.status.conditions[0].reason}=Unschedulable pod -l app=llm-server --timeout=30s"},
	{command: "describe pods -l app=llm-server", lines: []string{` FailedScheduling .* 0/3 nodes are available: 3 Insufficient nvidia\.com/gpu\.`}},
	{command: "delete -f ../../conformance/examples/manifests/gpu.yaml", lines: []string{`^deployment\.apps "llm-server" deleted`}},

	{command: "delete deployment web", lines: []string{`^deployment\.apps "web" deleted`}},
	{command: "delete -f -", stdin: manifest, lines: []string{`^deployment\.apps "applied" deleted`}},
	{command: "wait --for=delete pods --all --timeout=60s"},
	{command: "get all -l app", lines: []string{`^No resources found`}},
	{command: "get deployment web", fails: true, lines: []string{`deployments\.apps "web" not found$`}},
}

func TestKubectl(t *testing.T) {
	require.NotEmpty(t, *kubectl, "-kubectl")
	require.NotEmpty(t, *podchain, "-podchain")
	kubeconfig := serve(t)
	for _, step := range steps {
		passed := t.Run(step.command, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), commandTimeout)
			defer cancel()
			command := exec.CommandContext(ctx, *kubectl, strings.Fields(step.command)...)
			command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig, "HOME="+t.TempDir())
			command.Stdin = strings.NewReader(step.stdin)
			started := time.Now()
			output, err := command.CombinedOutput()
			t.Logf("%v\n%s", time.Since(started).Round(time.Millisecond), output)
			if step.fails {
				require.Error(t, err)
			} else {
				require.NoError(t, err)
			}
			for _, line := range step.lines {
				assert.Regexp(t, "(?m)"+line, string(output))
			}
			if step.absent != "" {
				assert.NotRegexp(t, "(?m)"+step.absent, string(output))
			}
		})
		if !passed {
			t.Fatal("the steps that follow build on this one")
		}
	}
}

// serve runs podchain serve for the time of the test, and returns the kubeconfig
// that it wrote.
func serve(t *testing.T) string {
	t.Helper()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	command := exec.Command(*podchain, "serve", "--kubeconfig-out", kubeconfig)
	command.Stderr = os.Stderr
	stdout, err := command.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, command.Start())
	t.Cleanup(func() {
		assert.NoError(t, command.Process.Signal(syscall.SIGTERM))
		assert.NoError(t, command.Wait(), "podchain serve ends with status 0 when it is told to")
		assert.NoFileExists(t, kubeconfig)
	})
	ready, err := bufio.NewReader(stdout).ReadString('\n')
	require.NoError(t, err)
	require.Contains(t, ready, "ready: ")
	return kubeconfig
}
