Feature: Node lifecycle controller
  A node that fails says nothing. Somebody else has to notice, tell the others, and see to the Pods that
  are there. What it goes by are the heartbeats of the kubelet; what it tells the others by are taints.

  @NODE-04 @SHOULD @needs-nodes @needs-kubelets
  Rule: A node that is not heard of for the grace period is in an unknown state
    It is 50 seconds, or what the cluster was told. A heartbeat that is late is no death.

    @time-based
    Scenario: The kubelet ends
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
    Scenario: No kubelet has ever reported
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
  Rule: What is wrong with a node is a taint on it, for as long as it is
    The scheduler reads taints and no conditions. A node that is not ready sends away what is there, too.

    # With its kubelet stopped, nobody contradicts what is said of the node.
    Scenario: A node that is not ready, then in an unknown state, then ready again
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

    Scenario: A node that lacks something
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

    Scenario: A node that is cordoned
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
  Rule: The Pods of a node in an unknown state do not count as ready
    They may still run; nobody knows. Whoever counts available Pods counts without them, before they go.

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
  Rule: A taint with the effect NoExecute sends away the Pods that do not tolerate it, or only for a time
    Whoever is sent away is told why first. The taint may go again in time. Every Pod tolerates a node that
    is not ready or not reachable for five minutes, unless it says otherwise.

    Scenario: One Pod tolerates it, the other does not
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

    Scenario: A Pod tolerates it for five seconds
      Given these nodes:
        | name |
        | n1   |
      # An eviction that has been planned is not brought forward: that the node may be marked not ready
      # for a moment when it is new is no reason to plan one.
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

    Scenario: The taint goes in time
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

    Scenario: What a Pod tolerates that says nothing
      When Pod "a" is created
      Then Pod "a" has
        | field            | value                                                                                                       |
        | spec.tolerations | includes {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 300}   |
        | spec.tolerations | includes {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 300} |

  @NODE-08 @MUST @needs-nodes @needs-kubelets
  Rule: A Pod that was sent away from a dead node is replaced, although it cannot end
    Its kubelet would have to say that it has ended. Nobody waits for that (RS-07).

    Scenario: Somebody else says that the node is to be empty
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
    Scenario: The node dies
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
  Rule: A Pod that no kubelet will end any more has failed, and is removed
    A node that is missing may come back: 40 seconds are waited for it.

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
    Scenario: The Pod has never been on a node
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
  Rule: A node that comes back loses its taints, takes Pods, and ends those that were deleted
    It is the same node if it has the same name, whatever has become of the Node object.

    Scenario: It was away
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

    Scenario: Its Node was deleted
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
