package deployment

import (
	"encoding/binary"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/dump"
	"k8s.io/utils/ptr"
)

// What ReplicaSets carry for the Deployment, and kubectl reads (ROLLOUT-17).
const (
	hashLabel          = appsv1.DefaultDeploymentUniqueLabelKey
	revisionAnnotation = "deployment.kubernetes.io/revision"
	historyAnnotation  = "deployment.kubernetes.io/revision-history"
	desiredAnnotation  = "deployment.kubernetes.io/desired-replicas"
	maximumAnnotation  = "deployment.kubernetes.io/max-replicas"
)

// maxHistoryLength bounds the annotation with former revisions; the oldest go first.
const maxHistoryLength = 2000

// notCopied lists the annotations of a Deployment that its ReplicaSets do not get (DEPLOY-07).
var notCopied = map[string]bool{
	corev1.LastAppliedConfigAnnotation: true,
	appsv1.DeprecatedRollbackTo:        true,
	revisionAnnotation:                 true,
	historyAnnotation:                  true,
	desiredAnnotation:                  true,
	maximumAnnotation:                  true,
}

// sameTemplate compares Pod templates apart from the hash, which only those of
// ReplicaSets carry. It compares values, not hashes: a hash changes with the
// fields that the API knows.
func sameTemplate(a, b *corev1.PodTemplateSpec) bool {
	return equality.Semantic.DeepEqual(withoutHash(a), withoutHash(b))
}

func withoutHash(template *corev1.PodTemplateSpec) *corev1.PodTemplateSpec {
	if _, labelled := template.Labels[hashLabel]; !labelled {
		return template
	}
	plain := *template
	plain.Labels = maps.Clone(template.Labels)
	delete(plain.Labels, hashLabel)
	return &plain
}

// hashOf names a template: the same for the same template and number of
// collisions, so that a creation that is repeated meets the first (DEPLOY-02).
func hashOf(template *corev1.PodTemplateSpec, collisions *int32) string {
	sum := fnv.New32a()
	sum.Write([]byte(dump.ForHash(*template)))
	if collisions != nil {
		sum.Write(binary.LittleEndian.AppendUint64(nil, uint64(*collisions)))
	}
	return rand.SafeEncodeString(strconv.FormatUint(uint64(sum.Sum32()), 10))
}

// setName joins the Deployment's name, cut if need be, and the hash.
func setName(deployment, hash string) string {
	room := validation.DNS1123SubdomainMaxLength - len("-") - len(hash)
	return deployment[:min(len(deployment), room)] + "-" + hash
}

// newSet makes the ReplicaSet for the Deployment's template (DEPLOY-01..07).
func (r *rollout) newSet(replicas int32) *appsv1.ReplicaSet {
	deployment := r.deployment
	hash := hashOf(&deployment.Spec.Template, deployment.Status.CollisionCount)

	template := deployment.Spec.Template.DeepCopy()
	template.Labels = withLabel(template.Labels, hashLabel, hash)
	selector := deployment.Spec.Selector.DeepCopy()
	selector.MatchLabels = withLabel(selector.MatchLabels, hashLabel, hash)

	set := &appsv1.ReplicaSet{
		ObjectMeta: metav1.ObjectMeta{
			Name:            setName(deployment.Name, hash),
			Namespace:       deployment.Namespace,
			Labels:          maps.Clone(template.Labels),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(deployment, kind)},
		},
		Spec: appsv1.ReplicaSetSpec{
			Replicas: ptr.To(replicas),
			Selector: selector,
			Template: *template,
		},
	}
	r.describe(set)
	r.annotateSize(set)
	return set
}

func withLabel(labels map[string]string, key, value string) map[string]string {
	labels = maps.Clone(labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[key] = value
	return labels
}

// describe brings up to date what the current ReplicaSet says of its
// Deployment: annotations, revision, and minReadySeconds (DEPLOY-06..09).
func (r *rollout) describe(set *appsv1.ReplicaSet) {
	set.Spec.MinReadySeconds = r.deployment.Spec.MinReadySeconds
	if set.Annotations == nil {
		set.Annotations = map[string]string{}
	}
	for key, value := range r.deployment.Annotations {
		if !notCopied[key] {
			set.Annotations[key] = value
		}
	}

	newest := int64(0)
	for _, old := range r.old {
		newest = max(newest, revisionOf(old))
	}
	// It may be higher than that: the newest old one may have been deleted.
	former, known := set.Annotations[revisionAnnotation]
	if known && revisionOf(set) > newest {
		return
	}
	set.Annotations[revisionAnnotation] = strconv.FormatInt(newest+1, 10)
	if known {
		// A rollback (ROLLOUT-09).
		set.Annotations[historyAnnotation] = appendHistory(set.Annotations[historyAnnotation], former)
	}
}

// appendHistory adds a revision to a list of former ones, and drops the oldest
// ones if it becomes too long.
func appendHistory(history, revision string) string {
	if history == "" {
		return revision
	}
	history += "," + revision
	for len(history) > maxHistoryLength {
		_, rest, more := strings.Cut(history, ",")
		if !more {
			break
		}
		history = rest
	}
	return history
}

// annotateSize notes the size of the Deployment for which the ReplicaSet got its own:
// it tells a scaling during a rollout from the rollout, and proportional scaling is
// computed from it (ROLLOUT-12).
func (r *rollout) annotateSize(set *appsv1.ReplicaSet) {
	replicas := *r.deployment.Spec.Replicas
	metav1.SetMetaDataAnnotation(&set.ObjectMeta, desiredAnnotation, strconv.Itoa(int(replicas)))
	metav1.SetMetaDataAnnotation(&set.ObjectMeta, maximumAnnotation, strconv.Itoa(int(replicas+r.surge)))
}

// revisionOf reads the revision; anything but a number counts as none.
func revisionOf(set *appsv1.ReplicaSet) int64 { return annotated(set, revisionAnnotation) }

// annotated reads a number that is not negative from an annotation; 0 if there is none.
func annotated(set *appsv1.ReplicaSet, annotation string) int64 {
	number, err := strconv.ParseInt(set.Annotations[annotation], 10, 64)
	if err != nil {
		return 0
	}
	return max(number, 0)
}

// byCreation sorts ReplicaSets, the oldest first.
func byCreation(sets []*appsv1.ReplicaSet) {
	slices.SortStableFunc(sets, func(a, b *appsv1.ReplicaSet) int {
		if c := a.CreationTimestamp.Compare(b.CreationTimestamp.Time); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
}
