Feature: ReplicaSet controller
  Steps 4 and 5 of the chain. The ReplicaSet controller is notified of a ReplicaSet, compares its desired
  replicas with the Pods that it owns, and creates or deletes Pods until the two agree. It starts no
  containers: the API server stores the Pods, and the scheduler takes over.

  @RS-01 @MUST
  Rule: The number of active Pods becomes the desired number of replicas
    A Pod is active if it is neither terminating nor terminated (Succeeded or Failed).

    Scenario Outline: A ReplicaSet with <replicas> replicas
      When ReplicaSet "web" with <replicas> replicas is created
      Then <replicas> Pods of ReplicaSet "web" appear
      And ReplicaSet "web" never has more than <replicas> active Pods

      Examples:
        | replicas |
        | 0        |
        | 1        |
        | 3        |

    Scenario Outline: From <before> to <after> replicas
      Given ReplicaSet "web" with <before> replicas is ready
      When ReplicaSet "web" is scaled to <after> replicas
      Then <created> more Pods of ReplicaSet "web" appear
      And <deleted> Pods of ReplicaSet "web" are removed
      And ReplicaSet "web" has
        | field           | value   |
        | status.replicas | <after> |

      Examples:
        | before | after | created | deleted |
        | 1      | 4     | 3       | 0       |
        | 3      | 1     | 0       | 2       |
        | 2      | 0     | 0       | 2       |

  @RS-02 @MUST
  Rule: Pods are copies of the template
    Labels, annotations, finalizers and spec come from spec.template; the API server adds its defaults.

    # no-such-scheduler: no scheduler has this name, so the Pods stay as they were created.
    Scenario: Labels, annotations and spec of the template are in the Pod
      When ReplicaSet "web" with 2 replicas is created with
        | field                                             | value                        |
        | spec.template.metadata.labels[tier]               | front                        |
        | spec.template.metadata.annotations[example.com/a] | kept                         |
        | spec.template.spec.containers[0].command          | [podchain, play]             |
        | spec.template.spec.containers[0].env              | [{name: COLOUR, value: red}] |
        | spec.template.spec.schedulerName                  | no-such-scheduler            |
      Then 2 Pods of ReplicaSet "web" appear
      And each of them has
        | field                               | value                        |
        | metadata.labels[app]                | web                          |
        | metadata.labels[tier]               | front                        |
        | metadata.annotations[example.com/a] | kept                         |
        | spec.containers[0].name             | main                         |
        | spec.containers[0].command          | [podchain, play]             |
        | spec.containers[0].env              | [{name: COLOUR, value: red}] |
        | spec.schedulerName                  | no-such-scheduler            |

    Scenario: Finalizers are copied too
      When ReplicaSet "web" with 1 replica is created with
        | field                             | value              |
        | spec.template.metadata.finalizers | [example.com/hold] |
      Then the Pod of ReplicaSet "web" has
        | field               | value                     |
        | metadata.finalizers | includes example.com/hold |

  @RS-03 @MUST
  Rule: The API server generates the names of the Pods from the name of the ReplicaSet
    The controller sends generateName, so two of its attempts can never refer to the same Pod.

    Scenario: Three names with the same prefix
      When ReplicaSet "web" with 3 replicas is created
      Then 3 Pods of ReplicaSet "web" appear
      And each of them has
        | field                 | value                       |
        | metadata.generateName | web-                        |
        | metadata.name         | matches /^web-[a-z0-9]{5}$/ |
      And no two of them have the same metadata.name
      And no two of them have the same metadata.uid

  @RS-04 @MUST
  Rule: Each Pod has a controller reference to the ReplicaSet
    By this reference the controller knows its Pods, and the garbage collector knows what to delete.

    Scenario: The owner reference of a Pod
      When ReplicaSet "web" with 2 replicas is created
      Then 2 Pods of ReplicaSet "web" appear
      And the first version of a Pod of ReplicaSet "web" has
        | field                                          | value                                 |
        | metadata.ownerReferences                       | 1 item                                |
        | metadata.ownerReferences[0].apiVersion         | apps/v1                               |
        | metadata.ownerReferences[0].kind               | ReplicaSet                            |
        | metadata.ownerReferences[0].name               | web                                   |
        | metadata.ownerReferences[0].uid                | same as ReplicaSet "web" metadata.uid |
        | metadata.ownerReferences[0].controller         | true                                  |
        | metadata.ownerReferences[0].blockOwnerDeletion | true                                  |

  @RS-05 @MUST
  Rule: Pods are created without a node
    Assigning a Pod to a node is the scheduler's part (SCHED-02), writing its status the kubelet's
    (KUBELET-05).

    Scenario: No scheduler takes the Pods
      When ReplicaSet "web" with 3 replicas is created with
        | field                            | value             |
        | spec.template.spec.schedulerName | no-such-scheduler |
      Then 3 Pods of ReplicaSet "web" appear
      And each of them keeps for 2 seconds
        | field             | value   |
        | spec.nodeName     | absent  |
        | status.phase      | Pending |
        | status.conditions | absent  |

  @RS-07 @MUST
  Rule: A deleted Pod is replaced at once
    Terminating Pods do not count: the controller does not wait for the old Pod to terminate.

    # ignores-term:1: an image whose containers ignore SIGTERM, and run until the grace period is over.
    @needs-containers
    Scenario Outline: One Pod of three is deleted and takes <grace> s to terminate
      Given ReplicaSet "web" with 3 replicas is ready with
        | field                                            | value          |
        | spec.template.spec.containers[0].image           | ignores-term:1 |
        | spec.template.spec.terminationGracePeriodSeconds | <grace>        |
      When one of the Pods of ReplicaSet "web" is deleted
      Then another Pod of ReplicaSet "web" appears while that Pod still exists
      And ReplicaSet "web" never has more than 3 active Pods

      Examples:
        | grace |
        | 2     |
        | 5     |

    Scenario: A deleted Pod that a finalizer holds is replaced too
      Given ReplicaSet "web" with 2 replicas is ready with
        | field                             | value              |
        | spec.template.metadata.finalizers | [example.com/hold] |
      When one of the Pods of ReplicaSet "web" is deleted
      Then another Pod of ReplicaSet "web" appears while that Pod still exists
      And ReplicaSet "web" never has more than 2 active Pods

  @RS-08 @MUST
  Rule: A Pod that has terminated is replaced, but not deleted
    Someone may want to inspect it. It stays owned, and is no longer counted.

    Scenario Outline: One Pod of two is <phase>
      Given ReplicaSet "web" with 2 replicas is created with
        | field                            | value             |
        | spec.template.spec.schedulerName | no-such-scheduler |
      And 2 Pods of ReplicaSet "web" appear
      When the status of one of the Pods of ReplicaSet "web" is modified with
        | field        | value   |
        | status.phase | <phase> |
      Then 1 more Pod of ReplicaSet "web" appears
      And that Pod keeps for 2 seconds
        | field                           | value                                 |
        | metadata.deletionTimestamp      | absent                                |
        | metadata.ownerReferences[0].uid | same as ReplicaSet "web" metadata.uid |
      And ReplicaSet "web" keeps for 2 seconds
        | field           | value |
        | status.replicas | 2     |

      Examples:
        | phase     |
        | Failed    |
        | Succeeded |

  @RS-10 @MUST
  Rule: A Pod whose labels stop matching is released and replaced
    The controller removes its controller reference and does not touch the Pod otherwise. This is the way to
    take a Pod out of service and keep it for debugging.

    Scenario: One Pod of three is relabelled
      Given ReplicaSet "web" with 3 replicas is ready
      When one of the Pods of ReplicaSet "web" is modified with
        | field                | value      |
        | metadata.labels[app] | suspicious |
      Then 1 more Pod of ReplicaSet "web" appears
      And that Pod has
        | field                    | value  |
        | metadata.ownerReferences | absent |
      And that Pod keeps for 2 seconds
        | field                      | value     |
        | metadata.ownerReferences   | absent    |
        | metadata.uid               | unchanged |
        | metadata.deletionTimestamp | absent    |
        | status.phase               | unchanged |
        | spec.nodeName              | unchanged |

  @RS-14 @MUST
  Rule: The status counts the Pods that exist, by what they report
    No counter is derived from spec.replicas: each is the number of Pods that were observed.

    Scenario: All Pods are ready
      When ReplicaSet "web" with 3 replicas is created
      Then ReplicaSet "web" has
        | field                       | value                                        |
        | status.replicas             | 3                                            |
        | status.fullyLabeledReplicas | 3                                            |
        | status.readyReplicas        | 3                                            |
        | status.availableReplicas    | 3                                            |
        | status.observedGeneration   | same as ReplicaSet "web" metadata.generation |

    # podchain.dev/gate: a readiness gate. The Pod is not Ready until the scenario sets this condition to True.
    Scenario: Pods whose readiness gate is not True are counted, but not as ready
      Given ReplicaSet "web" with 2 replicas is created with
        | field                             | value                                |
        | spec.template.spec.readinessGates | [{conditionType: podchain.dev/gate}] |
      Then 2 Pods of ReplicaSet "web" appear
      And each of them has
        | field                                          | value |
        | status.conditions[type=ContainersReady].status | True  |
      And ReplicaSet "web" keeps for 2 seconds
        | field                    | value       |
        | status.replicas          | 2           |
        | status.readyReplicas     | absent or 0 |
        | status.availableReplicas | absent or 0 |
      When the readiness gates of the Pods of ReplicaSet "web" are set to True
      Then ReplicaSet "web" has
        | field                    | value |
        | status.readyReplicas     | 2     |
        | status.availableReplicas | 2     |

    Scenario: A Pod that lacks a label of the template is not fully labelled
      Given ReplicaSet "web" with 2 replicas is ready with
        | field                               | value |
        | spec.template.metadata.labels[tier] | front |
      When one of the Pods of ReplicaSet "web" is modified with
        | field                 | value  |
        | metadata.labels[tier] | absent |
      Then ReplicaSet "web" has
        | field                       | value |
        | status.replicas             | 2     |
        | status.fullyLabeledReplicas | 1     |

  @RS-18 @MUST
  Rule: Without faults there are never more active Pods than desired replicas
    The controller remembers which creations it expects until its cache shows them: a stale cache must not
    make it create a Pod twice.

    Scenario: Many Pods at once
      When ReplicaSet "web" with 20 replicas is created with
        | field                            | value             |
        | spec.template.spec.schedulerName | no-such-scheduler |
      Then 20 Pods of ReplicaSet "web" appear
      And ReplicaSet "web" never has more than 20 active Pods

    Scenario: Pods are deleted while others are being created
      Given ReplicaSet "web" with 5 replicas is created with
        | field                            | value             |
        | spec.template.spec.schedulerName | no-such-scheduler |
      When one of the Pods of ReplicaSet "web" is deleted
      And one of the Pods of ReplicaSet "web" is deleted
      Then ReplicaSet "web" has
        | field           | value |
        | status.replicas | 5     |
      And ReplicaSet "web" never has more than 5 active Pods
