package kinds_test

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/utils/ptr"

	"github.com/podchain/podchain/reference/apiserver/kinds"
)

// plain are kinds that show less here than on a real server.
var plain = map[string]bool{
	"endpoints": true, "limitranges": true, "resourcequotas": true, "certificatesigningrequests": true, "clustertrustbundles": true,
	"podcertificaterequests": true, "ingressclasses": true, "ingresses": true, "ipaddresses": true, "networkpolicies": true,
	"servicecidrs": true, "clusterrolebindings": true, "rolebindings": true, "clusterroles": true, "roles": true, "csidrivers": true,
	"csinodes": true, "csistoragecapacities": true, "storageclasses": true, "volumeattachments": true, "volumeattributesclasses": true,
	"mutatingadmissionpolicies": true, "mutatingadmissionpolicybindings": true, "mutatingwebhookconfigurations": true,
	"validatingadmissionpolicies": true, "validatingadmissionpolicybindings": true, "validatingwebhookconfigurations": true,
	"runtimeclasses": true, "endpointslices": true, "deviceclasses": true, "devicetaintrules": true, "resourceclaims": true,
	"resourceclaimtemplates": true, "resourceslices": true, "flowschemas": true, "prioritylevelconfigurations": true,
	"storageversionmigrations": true,
}

// TestColumns compares the columns with those of the server that judges.
func TestColumns(t *testing.T) {
	if os.Getenv(judge) == "" {
		t.Skip("no server to compare with: set " + judge)
	}
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv(judge))
	require.NoError(t, err)
	config.QPS = -1
	client := kubernetes.NewForConfigOrDie(config).RESTClient()
	for _, k := range kinds.All() {
		if plain[k.Resource] {
			continue
		}
		path := "/apis/" + k.GroupVersion().String() + "/" + k.Resource
		if k.Group == "" {
			path = "/api/" + k.Version + "/" + k.Resource
		}
		body, err := client.Get().AbsPath(path).SetHeader("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io").Do(t.Context()).Raw()
		require.NoError(t, err)
		var table metav1.Table
		require.NoError(t, json.Unmarshal(body, &table))
		type column struct {
			Name, Type, Format string
			Priority           int32
		}
		short := func(all []metav1.TableColumnDefinition) (short []column) {
			for _, c := range all {
				short = append(short, column{c.Name, c.Type, c.Format, c.Priority})
			}
			return short
		}
		if diff := cmp.Diff(short(table.ColumnDefinitions), short(k.Columns)); diff != "" {
			t.Errorf("%s: the real server (-) and this one (+):\n%s", k.Resource, diff)
		}
	}
}

func TestPodInOneLine(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	waiting := func(reason string) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: "web", State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason}}}
	}
	ended := func(code int32, reason string) corev1.ContainerStatus {
		return corev1.ContainerStatus{Name: "web", State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code, Reason: reason}}}
	}
	running := corev1.ContainerStatus{Name: "web", Ready: true, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}}
	restarted := running
	restarted.RestartCount = 3
	restarted.LastTerminationState.Terminated = &corev1.ContainerStateTerminated{FinishedAt: metav1.NewTime(now.Add(-5 * time.Minute))}
	sidecar := corev1.Container{Name: "side", RestartPolicy: ptr.To(corev1.ContainerRestartPolicyAlways)}
	for _, test := range []struct {
		name                    string
		pod                     corev1.Pod
		ready, status, restarts string
	}{
		{"pending", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending}}, "0/1", "Pending", "0"},
		{"gated", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Reason: "SchedulingGated"}}}}, "0/1", "SchedulingGated", "0"},
		{"creating", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{waiting("ContainerCreating")}}}, "0/1", "ContainerCreating", "0"},
		{"running", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{running}}}, "1/1", "Running", "0"},
		{"restarted", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{restarted}}}, "1/1", "Running", "3 (5m ago)"},
		{"crashing", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{waiting("CrashLoopBackOff")}}}, "0/1", "CrashLoopBackOff", "0"},
		{"completed", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodSucceeded, ContainerStatuses: []corev1.ContainerStatus{ended(0, "Completed")}}}, "0/1", "Completed", "0"},
		{"failed", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, ContainerStatuses: []corev1.ContainerStatus{ended(3, "")}}}, "0/1", "ExitCode:3", "0"},
		{"evicted", corev1.Pod{Status: corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted"}}, "0/1", "Evicted", "0"},
		{"initializing", corev1.Pod{Spec: corev1.PodSpec{InitContainers: make([]corev1.Container, 2)}, Status: corev1.PodStatus{
			InitContainerStatuses: []corev1.ContainerStatus{ended(0, "Completed"), running}, ContainerStatuses: []corev1.ContainerStatus{waiting("PodInitializing")}}}, "0/1", "Init:1/2", "0"},
		{"failing to initialize", corev1.Pod{Status: corev1.PodStatus{InitContainerStatuses: []corev1.ContainerStatus{ended(1, "Error")}}}, "0/1", "Init:Error", "0"},
		{"with a sidecar", corev1.Pod{Spec: corev1.PodSpec{InitContainers: []corev1.Container{sidecar}}, Status: corev1.PodStatus{Phase: corev1.PodRunning,
			InitContainerStatuses: []corev1.ContainerStatus{{Name: "side", Ready: true, Started: ptr.To(true)}}, ContainerStatuses: []corev1.ContainerStatus{running}}}, "2/2", "Running", "0"},
		{"ending", corev1.Pod{ObjectMeta: metav1.ObjectMeta{DeletionTimestamp: &metav1.Time{Time: now}}, Status: corev1.PodStatus{Phase: corev1.PodRunning, ContainerStatuses: []corev1.ContainerStatus{running}}}, "1/1", "Terminating", "0"},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.pod.Spec.Containers = []corev1.Container{{Name: "web"}}
			row := kindOf(t, "Pod").Row(&test.pod, now)
			assert.Equal(t, []any{test.ready, test.status, test.restarts}, row[1:4])
		})
	}
}
