Feature: StatefulSet controller
  The same chain as a Deployment's, with another controller at its head and Pods with stable identities. The
  controller creates them itself, one after the other, and lets no two Pods share an identity.

  @STS-01 @MUST
  Rule: Each Pod has an ordinal and an identity that follows from it
    Name, hostname and labels contain the ordinal, and stay the same when the Pod is replaced.

    Scenario: Two Pods
      When StatefulSet "db" with 2 replicas is created with
        | field            | value    |
        | spec.serviceName | db-peers |
      Then 2 Pods of StatefulSet "db" appear
      And the first Pod of StatefulSet "db" has
        | field                                               | value                                 |
        | metadata.name                                       | db-0                                  |
        | metadata.labels[statefulset.kubernetes.io/pod-name] | db-0                                  |
        | metadata.labels[apps.kubernetes.io/pod-index]       | "0"                                   |
        | metadata.labels[controller-revision-hash]           | any                                   |
        | spec.hostname                                       | db-0                                  |
        | spec.subdomain                                      | db-peers                              |
        | metadata.ownerReferences                            | 1 item                                |
        | metadata.ownerReferences[0].kind                    | StatefulSet                           |
        | metadata.ownerReferences[0].uid                     | same as StatefulSet "db" metadata.uid |
        | metadata.ownerReferences[0].controller              | true                                  |
        | metadata.ownerReferences[0].blockOwnerDeletion      | true                                  |
      And the second Pod of StatefulSet "db" has
        | field                                         | value |
        | metadata.name                                 | db-1  |
        | metadata.labels[apps.kubernetes.io/pod-index] | "1"   |
        | spec.hostname                                 | db-1  |

    Scenario: The ordinals start at spec.ordinals.start
      When StatefulSet "db" with 2 replicas is created with
        | field               | value |
        | spec.ordinals.start | 5     |
      Then 2 Pods of StatefulSet "db" appear
      And Pod "db-5" is ready
      And Pod "db-6" is ready
      And Pod "db-5" has
        | field                                         | value |
        | metadata.labels[apps.kubernetes.io/pod-index] | "5"   |

  @STS-02 @MUST
  Rule: A Pod is created only when all Pods before it are Running and Ready
    OrderedReady, the default policy: at most one Pod at a time is not ready.

    # podchain.dev/gate: a readiness gate. The Pod is not Ready until the scenario sets this condition to True.
    Scenario: The second Pod waits for the first
      Given StatefulSet "db" with 3 replicas is created with
        | field                             | value                                |
        | spec.template.spec.readinessGates | [{conditionType: podchain.dev/gate}] |
      And Pod "db-0" has
        | field        | value   |
        | status.phase | Running |
      And 1 Pod of StatefulSet "db" appears
      When the readiness gate of Pod "db-0" is set to True
      Then 1 more Pod of StatefulSet "db" appears
      And these happen in order:
        | object     | field                                | value   |
        | Pod "db-0" | status.conditions[type=Ready].status | True    |
        | Pod "db-1" |                                      | appears |

    Scenario: All of them, in the order of their ordinals
      When StatefulSet "db" with 3 replicas is created
      Then StatefulSet "db" is ready
      And these happen in order:
        | object     | field                                | value   |
        | Pod "db-0" |                                      | appears |
        | Pod "db-0" | status.conditions[type=Ready].status | True    |
        | Pod "db-1" |                                      | appears |
        | Pod "db-1" | status.conditions[type=Ready].status | True    |
        | Pod "db-2" |                                      | appears |

  @STS-03 @MUST
  Rule: Scaling down deletes the highest ordinal first, one Pod at a time
    The next Pod is deleted only when the one before is gone and all that remain are ready.

    @needs-containers
    Scenario: From 3 to 1
      # slow-to-end:1: an image whose containers take two seconds to exit after SIGTERM.
      Given StatefulSet "db" with 3 replicas is ready with
        | field                                  | value         |
        | spec.template.spec.containers[0].image | slow-to-end:1 |
      When StatefulSet "db" is scaled to 1 replica
      Then these happen in order:
        | object     | field                      | value            |
        | Pod "db-2" | metadata.deletionTimestamp | any              |
        | Pod "db-2" |                            | no longer exists |
        | Pod "db-1" | metadata.deletionTimestamp | any              |
        | Pod "db-1" |                            | no longer exists |
      And Pod "db-0" keeps for 2 seconds
        | field                      | value     |
        | metadata.uid               | unchanged |
        | metadata.deletionTimestamp | absent    |

    Scenario: A Pod that is not ready holds up scaling down
      Given StatefulSet "db" with 3 replicas is created with
        | field                             | value                                |
        | spec.podManagementPolicy          | OrderedReady                         |
        | spec.template.spec.readinessGates | [{conditionType: podchain.dev/gate}] |
      And the readiness gate of Pod "db-0" is set to True
      And the readiness gate of Pod "db-1" is set to True
      And the readiness gate of Pod "db-2" is set to True
      And StatefulSet "db" is ready
      And the readiness gate of Pod "db-0" is set to False
      And StatefulSet "db" has
        | field                | value |
        | status.readyReplicas | 2     |
      When StatefulSet "db" is scaled to 1 replica
      Then Pod "db-2" keeps for 2 seconds
        | field                      | value  |
        | metadata.deletionTimestamp | absent |
      When the readiness gate of Pod "db-0" is set to True
      Then Pod "db-2" no longer exists
      And Pod "db-1" no longer exists
