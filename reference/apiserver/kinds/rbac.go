package kinds

import (
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/validation/path"
)

// anyPathSegment is the form of RBAC names, which may hold colons.
func anyPathSegment(name string, prefix bool) []string {
	return path.ValidatePathSegmentName(name, prefix)
}

func role(k *Kind) { k.ValidateName = anyPathSegment }

func roleBinding(k *Kind) {
	k.ValidateName = anyPathSegment
	k.Default = on(func(b *rbacv1.RoleBinding) { defaultBinding(&b.RoleRef, b.Subjects) })
}

func clusterRoleBinding(k *Kind) {
	k.ValidateName = anyPathSegment
	k.Default = on(func(b *rbacv1.ClusterRoleBinding) { defaultBinding(&b.RoleRef, b.Subjects) })
}

func defaultBinding(ref *rbacv1.RoleRef, subjects []rbacv1.Subject) {
	orValue(&ref.APIGroup, rbacv1.GroupName)
	for i := range subjects {
		if subjects[i].Kind != rbacv1.ServiceAccountKind {
			orValue(&subjects[i].APIGroup, rbacv1.GroupName)
		}
	}
}
