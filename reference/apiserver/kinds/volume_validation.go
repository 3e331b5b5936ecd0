package kinds

import (
	"path"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// volumes checks a Pod's volumes and returns the names that can be mounted.
func (f *errs) volumes(volumes []corev1.Volume, path *field.Path) sets.Set[string] {
	usable := sets.New[string]()
	for i := range volumes {
		v, at := &volumes[i], path.Index(i)
		before := len(*f)
		f.volumeSource(&v.VolumeSource, at)
		f.label(at.Child("name"), v.Name)
		if usable.Has(v.Name) {
			f.add(field.Duplicate(at.Child("name"), v.Name))
		}
		if len(*f) == before {
			usable.Insert(v.Name)
		}
	}
	return usable
}

// volumeSource checks the sources that the chain knows; of the others, only
// that one source is named and not two.
func (f *errs) volumeSource(s *corev1.VolumeSource, path *field.Path) {
	chosen := 0
	for _, source := range []struct {
		name  string
		set   bool
		check func(*field.Path)
	}{
		{"emptyDir", s.EmptyDir != nil, func(p *field.Path) {
			if limit := s.EmptyDir.SizeLimit; limit != nil && limit.Sign() < 0 {
				f.forbidden(p.Child("sizeLimit"), "SizeLimit field must be a valid resource quantity")
			}
		}},
		{"hostPath", s.HostPath != nil, func(p *field.Path) { f.hostPath(s.HostPath, p) }},
		{"secret", s.Secret != nil, func(p *field.Path) {
			f.present(p.Child("secretName"), s.Secret.SecretName)
			f.fileMode(s.Secret.DefaultMode, p.Child("defaultMode"))
			f.keysToPaths(s.Secret.Items, p.Child("items"))
		}},
		{"configMap", s.ConfigMap != nil, func(p *field.Path) {
			f.present(p.Child("name"), s.ConfigMap.Name)
			f.fileMode(s.ConfigMap.DefaultMode, p.Child("defaultMode"))
			f.keysToPaths(s.ConfigMap.Items, p.Child("items"))
		}},
		{"persistentVolumeClaim", s.PersistentVolumeClaim != nil, func(p *field.Path) {
			f.present(p.Child("claimName"), s.PersistentVolumeClaim.ClaimName)
		}},
		{"projected", s.Projected != nil, func(p *field.Path) { f.projected(s.Projected, p) }},
		{"downwardAPI", s.DownwardAPI != nil, func(p *field.Path) {
			f.fileMode(s.DownwardAPI.DefaultMode, p.Child("defaultMode"))
			f.downward(s.DownwardAPI.Items, p)
		}},
		{"nfs", s.NFS != nil, func(p *field.Path) {
			f.present(p.Child("server"), s.NFS.Server)
			f.present(p.Child("path"), s.NFS.Path)
		}},
		{"csi", s.CSI != nil, func(p *field.Path) { f.present(p.Child("driver"), s.CSI.Driver) }},
		{"ephemeral", s.Ephemeral != nil, func(p *field.Path) {
			if s.Ephemeral.VolumeClaimTemplate == nil {
				f.required(p.Child("volumeClaimTemplate"), "")
				return
			}
			f.claimSpec(&s.Ephemeral.VolumeClaimTemplate.Spec, p.Child("volumeClaimTemplate", "spec"))
		}},
		{"image", s.Image != nil, func(p *field.Path) { f.present(p.Child("reference"), s.Image.Reference) }},
	} {
		if !source.set {
			continue
		}
		if chosen++; chosen > 1 {
			f.forbidden(path.Child(source.name), "may not specify more than 1 volume type")
			continue
		}
		source.check(path.Child(source.name))
	}
	if chosen == 0 && *s == (corev1.VolumeSource{}) {
		f.required(path, "must specify a volume type")
	}
}

var hostPathTypes = []corev1.HostPathType{corev1.HostPathUnset, corev1.HostPathBlockDev, corev1.HostPathCharDev,
	corev1.HostPathDirectory, corev1.HostPathDirectoryOrCreate, corev1.HostPathFile, corev1.HostPathFileOrCreate, corev1.HostPathSocket}

func (f *errs) hostPath(source *corev1.HostPathVolumeSource, at *field.Path) {
	if source.Path == "" {
		f.required(at.Child("path"), "")
		return
	}
	f.noBacksteps(source.Path, at.Child("path"))
	if source.Type != nil && !slices.Contains(hostPathTypes, *source.Type) {
		f.add(field.NotSupported(at.Child("type"), source.Type, hostPathTypes))
	}
}

func (f *errs) fileMode(mode *int32, at *field.Path) {
	if mode != nil && (*mode < 0 || *mode > 0o777) {
		f.invalid(at, *mode, "must be a number between 0 and 0777 (octal), both inclusive")
	}
}

func (f *errs) keysToPaths(items []corev1.KeyToPath, at *field.Path) {
	for i := range items {
		f.present(at.Index(i).Child("key"), items[i].Key)
		if items[i].Path == "" {
			f.required(at.Index(i).Child("path"), "")
		} else {
			f.insideVolume(items[i].Path, at.Index(i).Child("path"))
		}
		f.fileMode(items[i].Mode, at.Index(i).Child("mode"))
	}
}

func (f *errs) projected(projected *corev1.ProjectedVolumeSource, at *field.Path) {
	f.fileMode(projected.DefaultMode, at.Child("defaultMode"))
	for i := range projected.Sources {
		source, at := &projected.Sources[i], at.Child("sources").Index(i)
		if source.Secret != nil {
			f.present(at.Child("secret", "name"), source.Secret.Name)
			f.keysToPaths(source.Secret.Items, at.Child("secret", "items"))
		}
		if source.ConfigMap != nil {
			f.present(at.Child("configMap", "name"), source.ConfigMap.Name)
			f.keysToPaths(source.ConfigMap.Items, at.Child("configMap", "items"))
		}
		if source.DownwardAPI != nil {
			f.downward(source.DownwardAPI.Items, at.Child("downwardAPI"))
		}
		if token := source.ServiceAccountToken; token != nil {
			if *token.ExpirationSeconds < 10*60 {
				f.invalid(at.Child("serviceAccountToken", "expirationSeconds"), *token.ExpirationSeconds, "may not specify a duration less than 10 minutes")
			}
			f.present(at.Child("serviceAccountToken", "path"), token.Path)
		}
	}
}

var fieldsInVolumes = sets.New("metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid")

func (f *errs) downward(items []corev1.DownwardAPIVolumeFile, at *field.Path) {
	for i := range items {
		item := &items[i]
		if item.Path == "" {
			f.required(at.Child("path"), "")
		} else {
			f.insideVolume(item.Path, at.Child("path"))
		}
		switch {
		case item.FieldRef != nil:
			f.fieldRef(item.FieldRef, fieldsInVolumes, at.Child("fieldRef"))
			if item.ResourceFieldRef != nil {
				f.invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
			}
		case item.ResourceFieldRef != nil:
			f.resourceFieldRef(item.ResourceFieldRef, at.Child("resourceFieldRef"))
		default:
			f.required(at, "one of fieldRef and resourceFieldRef is required")
		}
	}
}

// insideVolume wants a relative path that stays below where it starts.
func (f *errs) insideVolume(target string, at *field.Path) {
	if path.IsAbs(target) {
		f.invalid(at, target, "must be a relative path")
	}
	f.noBacksteps(target, at)
}

func (f *errs) noBacksteps(target string, at *field.Path) {
	if slices.Contains(strings.Split(target, "/"), "..") {
		f.invalid(at, target, "must not contain '..'")
	}
}

func (f *errs) volumeMounts(c *corev1.Container, volumes sets.Set[string], at *field.Path) {
	taken := sets.New[string]()
	for i := range c.VolumeMounts {
		mount, here := &c.VolumeMounts[i], at.Index(i)
		f.present(here.Child("name"), mount.Name)
		if !volumes.Has(mount.Name) {
			f.add(field.NotFound(here.Child("name"), mount.Name))
		}
		f.present(here.Child("mountPath"), mount.MountPath)
		if taken.Has(mount.MountPath) {
			f.invalid(here.Child("mountPath"), mount.MountPath, "must be unique")
		}
		taken.Insert(mount.MountPath)
		if mount.SubPath != "" {
			f.insideVolume(mount.SubPath, at.Child("subPath"))
		}
		if mount.SubPathExpr != "" {
			if mount.SubPath != "" {
				f.invalid(here.Child("subPathExpr"), mount.SubPathExpr, "subPathExpr and subPath are mutually exclusive")
			}
			f.insideVolume(mount.SubPathExpr, at.Child("subPathExpr"))
		}
	}
	for i := range c.VolumeDevices {
		device, here := &c.VolumeDevices[i], at.Index(i)
		f.present(here.Child("name"), device.Name)
		f.present(here.Child("devicePath"), device.DevicePath)
	}
}

var accessModes = []corev1.PersistentVolumeAccessMode{corev1.ReadOnlyMany, corev1.ReadWriteMany, corev1.ReadWriteOnce, corev1.ReadWriteOncePod}

func (f *errs) claimSpec(spec *corev1.PersistentVolumeClaimSpec, at *field.Path) {
	if len(spec.AccessModes) == 0 {
		f.required(at.Child("accessModes"), "at least 1 access mode is required")
	}
	for _, mode := range spec.AccessModes {
		oneOf(f, at.Child("accessModes"), mode, accessModes...)
	}
	storage, asked := spec.Resources.Requests[corev1.ResourceStorage]
	switch {
	case !asked:
		f.required(at.Child("resources").Key("storage"), "")
	case storage.Sign() <= 0:
		f.invalid(at.Child("resources").Key("storage"), storage.String(), "must be greater than zero")
	}
}
