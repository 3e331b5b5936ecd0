package kinds

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
)

func endpoints(k *Kind) {
	k.Default = on(func(e *corev1.Endpoints) {
		for i := range e.Subsets {
			for j := range e.Subsets[i].Ports {
				orValue(&e.Subsets[i].Ports[j].Protocol, corev1.ProtocolTCP)
			}
		}
	})
}

func endpointSlice(k *Kind) {
	k.Default = on(func(s *discoveryv1.EndpointSlice) {
		for i := range s.Ports {
			orDefault(&s.Ports[i].Name, "")
			orDefault(&s.Ports[i].Protocol, corev1.ProtocolTCP)
		}
	})
}
