package kinds

import (
	certificatesv1 "k8s.io/api/certificates/v1"
	"k8s.io/apimachinery/pkg/fields"
)

func certificateSigningRequest(k *Kind) {
	selectable(k, func(r *certificatesv1.CertificateSigningRequest) fields.Set {
		return fields.Set{"spec.signerName": r.Spec.SignerName}
	}, &certificatesv1.CertificateSigningRequest{})
}

func clusterTrustBundle(k *Kind) {
	selectable(k, func(b *certificatesv1.ClusterTrustBundle) fields.Set {
		return fields.Set{"spec.signerName": b.Spec.SignerName}
	}, &certificatesv1.ClusterTrustBundle{})
}

func podCertificateRequest(k *Kind) {
	selectable(k, func(r *certificatesv1.PodCertificateRequest) fields.Set {
		return fields.Set{
			"spec.signerName": r.Spec.SignerName,
			"spec.podName":    r.Spec.PodName,
			"spec.nodeName":   string(r.Spec.NodeName),
		}
	}, &certificatesv1.PodCertificateRequest{})
}
