package chain

// contracts is the table of links, in the order of the chain.
var contracts = []Contract{
	{Link: APIServer, Program: "kube-apiserver", Chapter: 1, First: 1, Last: 1, Serves: true,
		// It decides about what clients may write, and about what is there from the beginning.
		Writes: []Write{
			{Kind: "Pod", Fields: []string{"status.qosClass"},
				Shared: []string{"status.nominatedNodeName", "status.conditions[type=PodScheduled]", "status.phase"}},
			{Kind: "Deployment", Shared: []string{"status"}},
			{Kind: "ReplicaSet", Shared: []string{"status"}},
			{Kind: "StatefulSet", Shared: []string{"status"}},
			{Kind: "DaemonSet", Shared: []string{"status"}},
			{Kind: "Job", Shared: []string{"status"}},
		}},
	{Link: NamespaceController, Program: "kube-controller-manager", Chapter: 9,
		Watches: []string{"Namespace", "ServiceAccount", "ConfigMap"},
		Writes: []Write{
			{Kind: "ServiceAccount", Verbs: []string{"create"}},
			{Kind: "ConfigMap", Verbs: []string{"create", "update"}},
			{Kind: "*", Verbs: []string{"delete", "deletecollection"}},
			{Kind: "Namespace", Verbs: []string{"update"}, Subresource: "status"},
			{Kind: "Namespace", Verbs: []string{"update"}, Subresource: "finalize"},
		},
		Duties: []Duty{
			{Stage: Handing, Kinds: []string{"Namespace"}, Undone: hasAccount},
			{Stage: Cleaning, Kinds: []string{"Namespace"}, Undone: isEmptied},
		}},
	{Link: DeploymentController, Program: "kube-controller-manager", Chapter: 2, First: 2, Last: 3, Sees: "Deployment", Hands: "ReplicaSet",
		Watches: []string{"Deployment", "ReplicaSet"},
		Writes: []Write{
			{Kind: "ReplicaSet", Verbs: []string{"create", "update", "patch", "delete"}},
			{Kind: "Deployment", Verbs: []string{"update", "patch"}},
			status("Deployment", "status", "status.observedGeneration"),
			lease,
		},
		Duties: []Duty{
			{Stage: Handing, Kinds: []string{"Deployment"}, Undone: hasReplicaSet},
			{Stage: Handing, Kinds: []string{"Deployment"}, Undone: observes},
			{Stage: Reporting, Kinds: []string{"Deployment"}, Undone: sumsReplicaSets},
		}},
	{Link: ReplicaSetController, Program: "kube-controller-manager", Chapter: 3, First: 4, Last: 5, Sees: "ReplicaSet", Hands: "Pods",
		Watches: []string{"ReplicaSet", pod},
		Writes: []Write{
			{Kind: pod, Verbs: []string{"create", "patch", "delete"}},
			status("ReplicaSet", "status", "status.observedGeneration"),
			lease,
		},
		Duties: []Duty{
			{Stage: Handing, Kinds: []string{"ReplicaSet"}, Undone: hasPods},
			{Stage: Handing, Kinds: []string{"ReplicaSet"}, Undone: observes},
			{Stage: Reporting, Kinds: []string{"ReplicaSet"}, Undone: countsPods},
		}},
	{Link: StatefulSetController, Program: "kube-controller-manager", Chapter: 6,
		Watches: []string{"StatefulSet", pod, "ControllerRevision"},
		Writes: []Write{
			{Kind: pod, Verbs: []string{"create", "update", "patch", "delete"}},
			{Kind: "ControllerRevision", Verbs: []string{"create", "update", "patch", "delete"}},
			status("StatefulSet", "status"),
			lease,
		},
		Duties: []Duty{
			{Stage: Handing, Kinds: []string{"StatefulSet"}, Undone: inTurn(hasPods)},
			{Stage: Handing, Kinds: []string{"StatefulSet"}, Undone: inTurn(observes)},
			{Stage: Reporting, Kinds: []string{"StatefulSet"}, Undone: countsPods},
		}},
	{Link: DaemonSetController, Program: "kube-controller-manager", Chapter: 7,
		Watches: []string{"DaemonSet", pod, "ControllerRevision", "Node"},
		Writes: []Write{
			{Kind: pod, Verbs: []string{"create", "patch", "delete"}},
			{Kind: "ControllerRevision", Verbs: []string{"create", "update", "patch", "delete"}},
			status("DaemonSet", "status"),
			lease,
		},
		Duties: []Duty{{Stage: Handing, Kinds: []string{"DaemonSet"}, Undone: observes}}},
	{Link: JobController, Program: "kube-controller-manager",
		Watches: []string{"Job", pod},
		Writes: []Write{
			{Kind: pod, Verbs: []string{"create", "patch", "delete"}},
			status("Job", "status"),
			lease,
		}},
	{Link: Scheduler, Program: "kube-scheduler", Chapter: 4, First: 6, Last: 7, Sees: "Pod", Hands: "its node",
		Watches: []string{pod, "Node"},
		Writes: []Write{
			{Kind: pod, Verbs: []string{"create"}, Subresource: "binding", Fields: []string{"spec.nodeName"}},
			{Kind: pod, Verbs: []string{"patch"}, Subresource: "status",
				Fields: []string{"status.nominatedNodeName", "status.conditions[type=PodScheduled]"},
				Shared: []string{"status.conditions[type=DisruptionTarget]"}},
			{Kind: pod, Verbs: []string{"delete"}},
			lease,
		},
		Duties: []Duty{{Stage: Handing, Kinds: []string{pod}, Undone: isPlaced}}},
	{Link: Kubelet, Program: "kubelet", Chapter: 5, First: 8, Last: 10, Sees: "its Pod", Hands: "status", PerNode: true,
		Watches: []string{pod, "Node", "ConfigMap", "Secret"},
		Writes: []Write{
			{Kind: pod, Verbs: []string{"patch"}, Subresource: "status",
				Fields: []string{"status", "status.phase", "status.conditions[type=Ready]"},
				Shared: []string{"status.conditions[type=PodScheduled]", "status.conditions[type=DisruptionTarget]"}},
			{Kind: pod, Verbs: []string{"delete"}},
			{Kind: "Node", Verbs: []string{"create", "patch"}, Shared: []string{"spec.taints"}},
			{Kind: "Node", Verbs: []string{"patch"}, Subresource: "status", Fields: []string{"status"}},
			lease,
		},
		Duties: []Duty{
			{Stage: Nodes, Kinds: []string{pod}, Undone: nodeFor("no kubelet has registered a node", nil), EvenStopped: true},
			{Stage: Nodes, Kinds: []string{pod}, Undone: nodeFor("no node is ready", isReady)},
			{Stage: Running, Kinds: []string{pod}, Undone: isTaken},
			{Stage: Running, Kinds: []string{pod}, Undone: isStarted, Since: takenAt, Within: longStart},
			{Stage: Running, Kinds: []string{pod}, Undone: heedsGates},
		},
		Prohibitions: []Prohibition{{Forbids: opensGate, Telling: true}}},
	{Link: GarbageCollector, Program: "kube-controller-manager", Chapter: 8,
		Watches: []string{"*"},
		Writes: []Write{
			{Kind: "*", Verbs: []string{"patch", "delete"}},
			{Kind: pod, Verbs: []string{"patch"}, Subresource: "status", Shared: []string{"status.phase"}},
			lease,
		},
		Duties: []Duty{{Stage: Cleaning, Kinds: Names(Finalizable()), Undone: isCollected}}},
	{Link: NodeLifecycle, Program: "kube-controller-manager", Chapter: 10,
		Watches: []string{"Node", pod, "Lease"},
		Writes: []Write{
			{Kind: "Node", Verbs: []string{"patch", "update"}, Fields: []string{"spec.taints"}},
			{Kind: "Node", Verbs: []string{"patch", "update"}, Subresource: "status", Shared: []string{"status"}},
			{Kind: pod, Verbs: []string{"patch"}, Subresource: "status",
				Fields: []string{"status.conditions[type=DisruptionTarget]"}, Shared: []string{"status.conditions[type=Ready]"}},
			{Kind: pod, Verbs: []string{"delete"}},
			lease,
		},
		Duties: []Duty{{Stage: Nodes, Kinds: []string{"Node"}, Undone: isOpen}}},
}

// lease is what a link writes that is elected, or on a node.
var lease = Write{Kind: "Lease", Verbs: []string{"create", "update"}}

// status is what a controller writes of the objects that it looks after.
func status(kind string, fields ...string) Write {
	return Write{Kind: kind, Verbs: []string{"update", "patch"}, Subresource: "status", Fields: fields}
}
