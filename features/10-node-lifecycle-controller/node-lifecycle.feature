Feature: Node lifecycle controller
  A node that fails cannot report it. The node lifecycle controller notices that the heartbeats of its
  kubelet stop, taints the node, and evicts the Pods that do not tolerate the taints.

  @NODE-04 @SHOULD @needs-nodes @needs-kubelets
  Rule: The conditions of a node without heartbeats become Unknown after the grace period
    It is 50 seconds, unless the cluster is configured otherwise. A heartbeat that is merely late is ignored.

    @time-based
    Scenario: The kubelet stops
      Given these nodes:
        | name |
        | n1   |
      When the kubelet of Node "n1" is stopped
      Then Node "n1" keeps for 20 seconds
        | field                                | value |
        | status.conditions[type=Ready].status | True  |
      And Node "n1" has
        | field                                         | value             |
        | status.conditions[type=Ready].status          | Unknown           |
        | status.conditions[type=Ready].reason          | NodeStatusUnknown |
        | status.conditions[type=MemoryPressure].status | Unknown           |
        | status.conditions[type=MemoryPressure].reason | NodeStatusUnknown |
        | status.conditions[type=DiskPressure].status   | Unknown           |
        | status.conditions[type=DiskPressure].reason   | NodeStatusUnknown |
        | status.conditions[type=PIDPressure].status    | Unknown           |
        | status.conditions[type=PIDPressure].reason    | NodeStatusUnknown |

    @time-based
    Scenario: No kubelet ever reported
      When Node "{namespace}-nobody" is created
      Then Node "{namespace}-nobody" keeps for 20 seconds
        | field                         | value  |
        | status.conditions[type=Ready] | absent |
      And Node "{namespace}-nobody" has
        | field                                         | value                  |
        | status.conditions[type=Ready].status          | Unknown                |
        | status.conditions[type=Ready].reason          | NodeStatusNeverUpdated |
        | status.conditions[type=MemoryPressure].status | Unknown                |
        | status.conditions[type=MemoryPressure].reason | NodeStatusNeverUpdated |

  @NODE-05 @MUST @needs-nodes @needs-kubelets
  Rule: Each problem of a node is a taint on it, for as long as it lasts
    The scheduler reads taints, not conditions. A node that is not ready evicts its Pods, too (NoExecute).

    # The kubelet is stopped so that it does not overwrite the status that the scenario sets.
    Scenario: A node that is not ready, then unreachable, then ready again
      Given these nodes:
        | name |
        | n1   |
      And the kubelet of Node "n1" is stopped
      When the status of Node "n1" is modified with
        | field                         | value                          |
        | status.conditions[type=Ready] | {type: Ready, status: "False"} |
      Then Node "n1" has
        | field       | value                                                            |
        | spec.taints | includes {key: node.kubernetes.io/not-ready, effect: NoSchedule} |
        | spec.taints | includes {key: node.kubernetes.io/not-ready, effect: NoExecute}  |
        | spec.taints | not includes {key: node.kubernetes.io/unreachable}               |
      When the status of Node "n1" is modified with
        | field                         | value                          |
        | status.conditions[type=Ready] | {type: Ready, status: Unknown} |
      Then Node "n1" has
        | field       | value                                                              |
        | spec.taints | includes {key: node.kubernetes.io/unreachable, effect: NoSchedule} |
        | spec.taints | includes {key: node.kubernetes.io/unreachable, effect: NoExecute}  |
        | spec.taints | not includes {key: node.kubernetes.io/not-ready}                   |
      When the status of Node "n1" is modified with
        | field                         | value                         |
        | status.conditions[type=Ready] | {type: Ready, status: "True"} |
      Then Node "n1" has
        | field       | value                                              |
        | spec.taints | not includes {key: node.kubernetes.io/not-ready}   |
        | spec.taints | not includes {key: node.kubernetes.io/unreachable} |

    Scenario: A node that lacks memory, disk, PIDs and network
      Given these nodes:
        | name |
        | n1   |
      And the kubelet of Node "n1" is stopped
      When the status of Node "n1" is modified with
        | field                                      | value                                      |
        | status.conditions[type=MemoryPressure]     | {type: MemoryPressure, status: "True"}     |
        | status.conditions[type=DiskPressure]       | {type: DiskPressure, status: "True"}       |
        | status.conditions[type=PIDPressure]        | {type: PIDPressure, status: "True"}        |
        | status.conditions[type=NetworkUnavailable] | {type: NetworkUnavailable, status: "True"} |
      Then Node "n1" has
        | field       | value                                                                      |
        | spec.taints | includes {key: node.kubernetes.io/memory-pressure, effect: NoSchedule}     |
        | spec.taints | includes {key: node.kubernetes.io/disk-pressure, effect: NoSchedule}       |
        | spec.taints | includes {key: node.kubernetes.io/pid-pressure, effect: NoSchedule}        |
        | spec.taints | includes {key: node.kubernetes.io/network-unavailable, effect: NoSchedule} |
      When the status of Node "n1" is modified with
        | field                                      | value                                       |
        | status.conditions[type=MemoryPressure]     | {type: MemoryPressure, status: "False"}     |
        | status.conditions[type=DiskPressure]       | {type: DiskPressure, status: "False"}       |
        | status.conditions[type=PIDPressure]        | {type: PIDPressure, status: "False"}        |
        | status.conditions[type=NetworkUnavailable] | {type: NetworkUnavailable, status: "False"} |
      Then Node "n1" has
        | field       | value                                                      |
        | spec.taints | not includes {key: node.kubernetes.io/memory-pressure}     |
        | spec.taints | not includes {key: node.kubernetes.io/disk-pressure}       |
        | spec.taints | not includes {key: node.kubernetes.io/pid-pressure}        |
        | spec.taints | not includes {key: node.kubernetes.io/network-unavailable} |
      And no version of Node "n1" has
        | field       | value                                                                 |
        | spec.taints | includes {key: node.kubernetes.io/memory-pressure, effect: NoExecute} |
      And no version of Node "n1" has
        | field       | value                                                               |
        | spec.taints | includes {key: node.kubernetes.io/disk-pressure, effect: NoExecute} |
      And no version of Node "n1" has
        | field       | value                                                              |
        | spec.taints | includes {key: node.kubernetes.io/pid-pressure, effect: NoExecute} |
      And no version of Node "n1" has
        | field       | value                                                                     |
        | spec.taints | includes {key: node.kubernetes.io/network-unavailable, effect: NoExecute} |

    Scenario: A cordoned node
      Given these nodes:
        | name |
        | n1   |
      When Node "n1" is modified with
        | field              | value |
        | spec.unschedulable | true  |
      Then Node "n1" has
        | field       | value                                                                |
        | spec.taints | includes {key: node.kubernetes.io/unschedulable, effect: NoSchedule} |
      When Node "n1" is modified with
        | field              | value  |
        | spec.unschedulable | absent |
      Then Node "n1" has
        | field       | value                                                |
        | spec.taints | not includes {key: node.kubernetes.io/unschedulable} |

  @NODE-06 @MUST @needs-nodes @needs-kubelets
  Rule: The Pods of an unreachable node are marked as not ready
    They may still run, which no link can know. Controllers do not count them as available any more, even
    before they are evicted.

    @time-based
    Scenario: The node of a Deployment's only Pod
      Given these nodes:
        | name |
        | n1   |
      And Deployment "web" with 1 replica is ready
      When the kubelet of Node "n1" is stopped
      Then the Pod of Deployment "web" keeps for 20 seconds
        | field                                | value |
        | status.conditions[type=Ready].status | True  |
      And the Pod of Deployment "web" has
        | field                                | value  |
        | status.conditions[type=Ready].status | False  |
        | metadata.deletionTimestamp           | absent |
      And Deployment "web" has
        | field                    | value       |
        | status.availableReplicas | absent or 0 |
      And these events are recorded:
        | object                      | type    | reason       |
        | the Pod of Deployment "web" | Warning | NodeNotReady |

  @NODE-07 @MUST @needs-nodes
  Rule: A NoExecute taint evicts Pods that do not tolerate it, at once or after their tolerationSeconds
    A condition of the Pod says why before it is deleted. Removing the taint in time cancels the eviction. By
    default a Pod tolerates a node that is not ready or unreachable for five minutes.

    Scenario: One Pod tolerates the taint, the other does not
      Given these nodes:
        | name |
        | n1   |
      And Pod "a" is ready
      And Pod "b" is ready with
        | field            | value                                         |
        | spec.tolerations | [{key: example.com/repair, operator: Exists}] |
      When Node "n1" is modified with
        | field                               | value                                        |
        | spec.taints[key=example.com/repair] | {key: example.com/repair, effect: NoExecute} |
      Then Pod "a" has
        | field                                           | value                  |
        | status.conditions[type=DisruptionTarget].status | True                   |
        | status.conditions[type=DisruptionTarget].reason | DeletionByTaintManager |
        | metadata.deletionTimestamp                      | absent                 |
      And Pod "a" no longer exists
      And these events are recorded:
        | object  | type   | reason               |
        | Pod "a" | Normal | TaintManagerEviction |
      And Pod "b" keeps for 3 seconds
        | field                      | value  |
        | metadata.deletionTimestamp | absent |

    Scenario: A Pod tolerates the taint for five seconds
      Given these nodes:
        | name |
        | n1   |
      # A new node may be not ready for a moment. The second toleration keeps that from scheduling an
      # eviction, which a later taint does not bring forward.
      And Pod "a" is ready with
        | field                                              | value                                                                                |
        | spec.tolerations[key=example.com/repair]           | {key: example.com/repair, operator: Exists, effect: NoExecute, tolerationSeconds: 5} |
        | spec.tolerations[key=node.kubernetes.io/not-ready] | {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute}             |
      When Node "n1" is modified with
        | field                               | value                                        |
        | spec.taints[key=example.com/repair] | {key: example.com/repair, effect: NoExecute} |
      Then Pod "a" keeps for 3 seconds
        | field                      | value  |
        | metadata.deletionTimestamp | absent |
      And Pod "a" no longer exists

    Scenario: The taint is removed in time
      Given these nodes:
        | name |
        | n1   |
      And Pod "a" is ready with
        | field            | value                                                                                  |
        | spec.tolerations | [{key: example.com/repair, operator: Exists, effect: NoExecute, tolerationSeconds: 5}] |
      And Node "n1" is modified with
        | field                               | value                                        |
        | spec.taints[key=example.com/repair] | {key: example.com/repair, effect: NoExecute} |
      And 2 seconds pass
      When Node "n1" is modified with
        | field                               | value  |
        | spec.taints[key=example.com/repair] | absent |
      Then Pod "a" keeps for 6 seconds
        | field                      | value  |
        | metadata.deletionTimestamp | absent |

    Scenario: The default tolerations of a Pod
      When Pod "a" is created
      Then Pod "a" has
        | field            | value                                                                                                       |
        | spec.tolerations | includes {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 300}   |
        | spec.tolerations | includes {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 300} |

  @NODE-08 @MUST @needs-nodes @needs-kubelets
  Rule: A Pod evicted from a dead node is replaced, although it cannot terminate
    Only its kubelet could confirm that it has stopped. Controllers do not wait for that (RS-07).

    Scenario: A NoExecute taint is set by hand
      Given these nodes:
        | name |
        | n1   |
      And ReplicaSet "web" with 1 replica is ready
      And one of the Pods of ReplicaSet "web" has
        | field         | value                           |
        | spec.nodeName | same as Node "n1" metadata.name |
      And these nodes join:
        | name |
        | n2   |
      And the kubelet of Node "n1" is stopped
      When Node "n1" is modified with
        | field                               | value                                        |
        | spec.taints[key=example.com/repair] | {key: example.com/repair, effect: NoExecute} |
      Then another Pod of ReplicaSet "web" appears while that Pod still exists
      And the second Pod of ReplicaSet "web" has
        | field                                | value                           |
        | spec.nodeName                        | same as Node "n2" metadata.name |
        | status.conditions[type=Ready].status | True                            |
      And that Pod keeps for 3 seconds
        | field                      | value |
        | metadata.deletionTimestamp | any   |

    @time-based
    Scenario: The node fails
      Given these nodes:
        | name |
        | n1   |
      And ReplicaSet "web" with 1 replica is ready with
        | field                          | value                                                                                              |
        | spec.template.spec.tolerations | [{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1}] |
      And one of the Pods of ReplicaSet "web" has
        | field         | value                           |
        | spec.nodeName | same as Node "n1" metadata.name |
      And these nodes join:
        | name |
        | n2   |
      When the kubelet of Node "n1" is stopped
      Then that Pod keeps for 20 seconds
        | field                                | value |
        | status.conditions[type=Ready].status | True  |
      And another Pod of ReplicaSet "web" appears while that Pod still exists
      And the second Pod of ReplicaSet "web" has
        | field                                | value                           |
        | spec.nodeName                        | same as Node "n2" metadata.name |
        | status.conditions[type=Ready].status | True                            |
      And that Pod has
        | field                                           | value                  |
        | status.conditions[type=DisruptionTarget].reason | DeletionByTaintManager |
        | metadata.deletionTimestamp                      | any                    |

  @NODE-09 @SHOULD @needs-nodes @needs-kubelets
  Rule: A Pod that no kubelet will terminate any more is marked as Failed and removed
    A missing node may come back: the Pod garbage collector waits 40 seconds for it.

    @time-based
    Scenario: The Node is deleted
      Given these nodes:
        | name |
        | n1   |
      And Pod "a" is ready
      And the kubelet of Node "n1" is stopped
      When Node "n1" is deleted
      Then Pod "a" keeps for 30 seconds
        | field        | value   |
        | status.phase | Running |
      And Pod "a" has
        | field                                           | value           |
        | status.phase                                    | Failed          |
        | status.conditions[type=DisruptionTarget].status | True            |
        | status.conditions[type=DisruptionTarget].reason | DeletionByPodGC |
      And Pod "a" no longer exists

    @time-based
    Scenario: The node is out of service
      Given these nodes:
        | name |
        | n1   |
      And Pod "a" is ready
      And the kubelet of Node "n1" is stopped
      And the status of Node "n1" is modified with
        | field                         | value                          |
        | status.conditions[type=Ready] | {type: Ready, status: Unknown} |
      When Node "n1" is modified with
        | field                                              | value                                                                            |
        | spec.taints[key=node.kubernetes.io/out-of-service] | {key: node.kubernetes.io/out-of-service, value: nodeshutdown, effect: NoExecute} |
      Then Pod "a" no longer exists
      And the last version of Pod "a" has
        | field        | value  |
        | status.phase | Failed |

    @time-based
    Scenario: The Pod was never bound to a node
      Given Pod "a" is created with
        | field                               | value              |
        | spec.nodeSelector[example.com/moon] | far-side           |
        | metadata.finalizers                 | [example.com/hold] |
      And Pod "a" has
        | field                                       | value |
        | status.conditions[type=PodScheduled].status | False |
      When Pod "a" is deleted
      Then Pod "a" has
        | field        | value  |
        | status.phase | Failed |

  @NODE-10 @MUST @needs-nodes @needs-kubelets
  Rule: A node that recovers loses its taints, takes new Pods and terminates deleted ones
    It is the same node if it has the same name, even if its Node object was deleted.

    Scenario: The node was unreachable
      Given these nodes:
        | name |
        | n1   |
      And Pod "a" is ready
      And the kubelet of Node "n1" is stopped
      And the status of Node "n1" is modified with
        | field                         | value                          |
        | status.conditions[type=Ready] | {type: Ready, status: Unknown} |
      And Node "n1" has
        | field       | value                                                              |
        | spec.taints | includes {key: node.kubernetes.io/unreachable, effect: NoSchedule} |
      And Pod "a" is deleted
      And Pod "a" keeps for 4 seconds
        | field                      | value |
        | metadata.deletionTimestamp | any   |
      When the kubelet of Node "n1" is started
      Then Node "n1" has
        | field                                | value                                              |
        | status.conditions[type=Ready].status | True                                               |
        | spec.taints                          | not includes {key: node.kubernetes.io/unreachable} |
      And Pod "a" no longer exists
      When Pod "b" is created
      Then Pod "b" is ready

    Scenario: Its Node object was deleted
      Given these nodes:
        | name |
        | n1   |
      And the kubelet of Node "n1" is stopped
      And Node "n1" is deleted
      And Node "n1" no longer exists
      When the kubelet of Node "n1" is started
      Then Node "n1" has
        | field                                | value                                            |
        | status.conditions[type=Ready].status | True                                             |
        | spec.taints                          | not includes {key: node.kubernetes.io/not-ready} |
      When Pod "a" is created
      Then Pod "a" is ready
