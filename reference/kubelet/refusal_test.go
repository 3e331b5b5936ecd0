package kubelet_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"

	"github.com/podchain/podchain/reference/runtime"
)

// TestRefusals has Pods that the kubelet does not run, and where it says why.
func TestRefusals(t *testing.T) {
	for name, test := range map[string]struct {
		spec, reason, event string
		phase               corev1.PodPhase
	}{
		"another system": {
			spec:   `{os: {name: windows}, containers: [{name: app, image: any}]}`,
			reason: "PodOSNotSupported", event: "Failed to admit pod as the OS field doesn't match node OS", phase: corev1.PodFailed,
		},
		"as root": {
			spec:   `{securityContext: {runAsNonRoot: true, runAsUser: 0}, containers: [{name: app, image: any}]}`,
			reason: "Failed", event: `Error: container's runAsUser breaks non-root policy (pod: "p_default(UID)", container: app)`, phase: corev1.PodPending,
		},
		"not as root after all": {
			spec:  `{securityContext: {runAsNonRoot: true, runAsUser: 0}, containers: [{name: app, image: any, securityContext: {runAsUser: 7}}]}`,
			phase: corev1.PodRunning,
		},
		"as the image says": {
			spec:  `{securityContext: {runAsNonRoot: true}, containers: [{name: app, image: any}]}`,
			phase: corev1.PodRunning,
		},
		"an image that may not be pulled": {
			spec:   `{containers: [{name: app, image: any, imagePullPolicy: Never}]}`,
			reason: "ErrImageNeverPull", event: `Container image "any" is not present with pull policy of Never`, phase: corev1.PodPending,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := startWith(t, runtime.RegistryOptions{Lenient: true})
				stop := c.run()
				defer stop()
				uid := c.create("p", test.spec).UID
				c.pass(time.Second)
				assert.Equal(t, test.phase, c.get("p").Status.Phase)
				if test.reason != "" {
					assert.Contains(t, replace(c.events("p", test.reason), string(uid), "UID"), test.event)
				}
			})
		})
	}
}

func replace(texts []string, old, with string) []string {
	for i := range texts {
		texts[i] = strings.ReplaceAll(texts[i], old, with)
	}
	return texts
}
