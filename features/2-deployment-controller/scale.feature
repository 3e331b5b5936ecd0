Feature: A Deployment is scaled to 3 replicas
  Scaling shows best how the chain works. The client writes one number. The Deployment controller passes it
  on to the ReplicaSet it already has, the ReplicaSet controller finds two Pods missing, and only these two
  pass through the rest of the chain. The Pod that is running is not touched.

  @SCALE-01 @MUST
  Rule: However the number is written, it makes one new generation of the same Deployment
    PUT, the patches, apply and the scale subresource all write to the same object.

    Scenario Outline: From 0 to 1 by <way>
      Given Deployment "web" with 0 replicas is ready
      When Deployment "web" is scaled to 1 replica by <way>
      Then Deployment "web" has
        | field               | value      |
        | spec.replicas       | 1          |
        | metadata.generation | before + 1 |
        | metadata.uid        | unchanged  |
      And 1 more Pod of Deployment "web" appears

      Examples:
        | way                   |
        | PUT                   |
        | JSON patch            |
        | merge patch           |
        | strategic merge patch |
        | apply                 |
        | scale                 |

  @SCALE-02 @MUST
  Rule: Scaling keeps the ReplicaSet
    The number of replicas is not part of the Pod template, so there is no new hash and no new revision.

    Scenario: The ReplicaSet before and after
      Given Deployment "web" with 1 replica is ready
      When Deployment "web" is scaled to 3 replicas
      Then the ReplicaSet of Deployment "web" has
        | field                                                   | value     |
        | spec.replicas                                           | 3         |
        | metadata.uid                                            | unchanged |
        | metadata.name                                           | unchanged |
        | metadata.labels[pod-template-hash]                      | unchanged |
        | metadata.annotations[deployment.kubernetes.io/revision] | unchanged |
      And no ReplicaSet of Deployment "web" appears, while a new Deployment gets a ReplicaSet

  @SCALE-03 @MUST
  Rule: One update of the ReplicaSet carries the number and the annotations that go with it
    A client that sees the new size of the ReplicaSet sees the new size of the Deployment in it too.

    Scenario: Every version of the ReplicaSet is consistent
      Given Deployment "web" with 1 replica is ready
      When Deployment "web" is scaled to 3 replicas
      Then the ReplicaSet of Deployment "web" has
        | field                                                           | value      |
        | spec.replicas                                                   | 3          |
        | metadata.annotations[deployment.kubernetes.io/desired-replicas] | "3"        |
        | metadata.annotations[deployment.kubernetes.io/max-replicas]     | "4"        |
        | metadata.generation                                             | before + 1 |
      And no version of the ReplicaSet of Deployment "web" has
        | field                                                           | value |
        | spec.replicas                                                   | 3     |
        | metadata.annotations[deployment.kubernetes.io/desired-replicas] | "1"   |
      And no version of the ReplicaSet of Deployment "web" has
        | field                                                           | value |
        | spec.replicas                                                   | 1     |
        | metadata.annotations[deployment.kubernetes.io/desired-replicas] | "3"   |

  @SCALE-04 @MUST
  Rule: Exactly two Pods are created, and the running one is left alone
    It keeps its identity, its node and its containers, and stays ready.

    Scenario: One Pod before, three after
      Given Deployment "web" with 1 replica is ready
      When Deployment "web" is scaled to 3 replicas
      Then 2 more Pods of Deployment "web" appear
      And Deployment "web" is ready
      And the first Pod of Deployment "web" has
        | field                                            | value     |
        | metadata.uid                                     | unchanged |
        | metadata.deletionTimestamp                       | absent    |
        | spec.nodeName                                    | unchanged |
        | status.containerStatuses[name=main].restartCount | unchanged |
      And the first Pod of Deployment "web" only goes forward in
        | field                                | order                      |
        | status.conditions[type=Ready].status | absent or False, then True |

  @SCALE-05 @MUST
  Rule: The new Pods take the same path as the first one
    Created without a node, bound, started: there is no short cut for scaling.

    Scenario: The path of the new Pods
      Given Deployment "web" with 1 replica is ready
      When Deployment "web" is scaled to 3 replicas
      Then 2 more Pods of Deployment "web" appear
      And each of them goes through:
        | field                                | value   |
        | spec.nodeName                        | absent  |
        | spec.nodeName                        | any     |
        | status.startTime                     | any     |
        | status.phase                         | Running |
        | status.conditions[type=Ready].status | True    |

  @SCALE-06 @MUST
  Rule: The status reaches 3 replicas, for the generation that asks for them
    The revision is that of the Pod template, which has not changed.

    Scenario: The status after scaling
      Given Deployment "web" with 1 replica is ready
      When Deployment "web" is scaled to 3 replicas
      Then Deployment "web" has
        | field                                                   | value     |
        | metadata.generation                                     | 2         |
        | status.observedGeneration                               | 2         |
        | status.replicas                                         | 3         |
        | status.updatedReplicas                                  | 3         |
        | status.readyReplicas                                    | 3         |
        | status.availableReplicas                                | 3         |
        | metadata.annotations[deployment.kubernetes.io/revision] | unchanged |

  @SCALE-09 @MUST
  Rule: Scaling down deletes the surplus Pods and leaves the others alone
    Pods that do not serve yet are deleted before those that do. Zero is a valid number of replicas, too.

    # no-such-scheduler: no scheduler has this name, so these Pods have no node.
    Scenario: The Pods without a node are deleted first
      Given ReplicaSet "web" with 1 replica is ready
      And ReplicaSet "web" is modified with
        | field                            | value             |
        | spec.template.spec.schedulerName | no-such-scheduler |
      And ReplicaSet "web" is scaled to 3 replicas
      And 2 more Pods of ReplicaSet "web" appear
      When ReplicaSet "web" is scaled to 1 replica
      Then 2 Pods of ReplicaSet "web" are removed
      And the first Pod of ReplicaSet "web" keeps for 2 seconds
        | field                      | value     |
        | metadata.uid               | unchanged |
        | metadata.deletionTimestamp | absent    |

    Scenario Outline: From <before> to <after> replicas
      Given Deployment "web" with <before> replicas is ready
      When Deployment "web" is scaled to <after> replicas
      Then <surplus> Pods of Deployment "web" are removed
      And no Pod of Deployment "web" appears, while a new Deployment gets a ReplicaSet
      And the ReplicaSet of Deployment "web" has
        | field         | value   |
        | spec.replicas | <after> |
      And Deployment "web" has
        | field                                    | value |
        | status.observedGeneration                | 2     |
        | status.conditions[type=Available].status | True  |

      Examples:
        | before | after | surplus |
        | 4      | 1     | 3       |
        | 2      | 0     | 2       |

  @SCALE-11 @MUST
  Rule: After rapid changes only the last one counts
    Numbers in between may be skipped, and Pods created for them may come and go.

    Scenario: 1, 3, 5, and finally 2
      Given Deployment "web" with 1 replica is ready
      When Deployment "web" is scaled to 3 replicas
      And Deployment "web" is scaled to 5 replicas
      And Deployment "web" is scaled to 2 replicas
      Then Deployment "web" has
        | field                     | value |
        | status.observedGeneration | 4     |
        | status.replicas           | 2     |
        | status.readyReplicas      | 2     |
      And Deployment "web" never has more than 5 active Pods
      And Deployment "web" keeps for 2 seconds
        | field                | value |
        | status.readyReplicas | 2     |
