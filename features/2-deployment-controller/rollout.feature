Feature: A Deployment gets a new template: rollout and rollback
  The Deployment controller creates a ReplicaSet for the new Pod template and moves the replicas over step by
  step, within two bounds: never too many Pods, never too few available ones. Pods are replaced, not edited.
  The old ReplicaSets are kept, scaled to zero, for a rollback.

  @ROLLOUT-01 @MUST
  Rule: A change of the Pod template starts a rollout with a new ReplicaSet and revision; nothing else does
    The Pod template is all of spec.template, down to an annotation.

    Scenario Outline: A new ReplicaSet for a change of <field>
      Given Deployment "web" with 0 replicas is ready
      When Deployment "web" is modified with
        | field   | value   |
        | <field> | <value> |
      Then 1 more ReplicaSet of Deployment "web" appears
      And the second ReplicaSet of Deployment "web" has
        | field                                                   | value                                                                                   |
        | metadata.annotations[deployment.kubernetes.io/revision] | "2"                                                                                     |
        | metadata.labels[pod-template-hash]                      | not same as the first ReplicaSet of Deployment "web" metadata.labels[pod-template-hash] |

      Examples:
        | field                                                                 | value                        |
        | spec.template.spec.containers[0].image                                | web:2                        |
        | spec.template.spec.containers[0].env                                  | [{name: COLOUR, value: red}] |
        | spec.template.metadata.labels[tier]                                   | front                        |
        | spec.template.metadata.annotations[kubectl.kubernetes.io/restartedAt] | "2026-01-01T00:00:00Z"       |

    Scenario: The order of environment variables is part of the template
      Given Deployment "web" with 0 replicas is ready with
        | field                                | value                                          |
        | spec.template.spec.containers[0].env | [{name: A, value: "1"}, {name: B, value: "2"}] |
      When Deployment "web" is modified with
        | field                                | value                                          |
        | spec.template.spec.containers[0].env | [{name: B, value: "2"}, {name: A, value: "1"}] |
      Then 1 more ReplicaSet of Deployment "web" appears

    Scenario Outline: No new ReplicaSet for a change of <field>
      Given Deployment "web" with 0 replicas is ready
      When Deployment "web" is modified with
        | field   | value   |
        | <field> | <value> |
      Then no ReplicaSet of Deployment "web" appears, while a new Deployment gets a ReplicaSet
      And Deployment "web" keeps for 2 seconds
        | field                                                   | value |
        | metadata.annotations[deployment.kubernetes.io/revision] | "1"   |

      Examples:
        | field                               | value                                               |
        | spec.replicas                       | 1                                                   |
        | spec.strategy                       | {type: RollingUpdate, rollingUpdate: {maxSurge: 3}} |
        | spec.minReadySeconds                | 1                                                   |
        | spec.paused                         | true                                                |
        | spec.progressDeadlineSeconds        | 300                                                 |
        | spec.revisionHistoryLimit           | 3                                                   |
        | metadata.labels[team]               | blue                                                |
        | metadata.annotations[example.com/a] | b                                                   |

  @ROLLOUT-02 @MUST
  Rule: A rolling update never asks for more Pods than replicas plus maxSurge
    A percentage is rounded up. The bound is on the replicas asked for: the ReplicaSet controller may create
    the next Pod of the new ReplicaSet a moment before it deletes one of the old ReplicaSet.

    Scenario Outline: <replicas> replicas, surge <surge>, at most <unavailable> unavailable
      Given Deployment "web" with <replicas> replicas is ready with
        | field                       | value                                              |
        | spec.strategy.rollingUpdate | {maxSurge: <surge>, maxUnavailable: <unavailable>} |
      When Deployment "web" is modified with
        | field                                  | value |
        | spec.template.spec.containers[0].image | web:2 |
      Then 1 more ReplicaSet of Deployment "web" appears
      And each of them has
        | field                                                       | value    |
        | metadata.annotations[deployment.kubernetes.io/max-replicas] | "<most>" |
      And <replicas> more Pods of Deployment "web" appear
      And Deployment "web" is ready
      And the ReplicaSets of Deployment "web" never ask for more than <most> Pods in total

      Examples:
        | replicas | surge | unavailable | most |
        | 2        | 1     | 0           | 3    |
        | 3        | 25%   | 25%         | 4    |
        | 3        | 50%   | 0           | 5    |
        | 2        | 0     | 1           | 2    |

  @ROLLOUT-05 @MUST
  Rule: After a rollout all Pods are new, and the old ReplicaSet is kept with 0 replicas
    A rollback reuses it (ROLLOUT-09).

    Scenario: A rollout is complete
      Given Deployment "web" with 2 replicas is ready
      When Deployment "web" is modified with
        | field                                  | value |
        | spec.template.spec.containers[0].image | web:2 |
      Then the second ReplicaSet of Deployment "web" has
        | field                    | value |
        | spec.replicas            | 2     |
        | status.availableReplicas | 2     |
      And the first ReplicaSet of Deployment "web" has
        | field           | value |
        | spec.replicas   | 0     |
        | status.replicas | 0     |
      And Deployment "web" has
        | field                                      | value                  |
        | status.observedGeneration                  | 2                      |
        | status.replicas                            | 2                      |
        | status.updatedReplicas                     | 2                      |
        | status.readyReplicas                       | 2                      |
        | status.availableReplicas                   | 2                      |
        | status.conditions[type=Progressing].reason | NewReplicaSetAvailable |
      And the first ReplicaSet of Deployment "web" keeps for 2 seconds
        | field                      | value  |
        | spec.replicas              | 0      |
        | metadata.deletionTimestamp | absent |

  @ROLLOUT-09 @MUST
  Rule: A rollback to an old template reuses the old ReplicaSet
    It becomes the newest revision and keeps its old one in the revision history. Its Pods are created anew.

    Scenario: To a new template and back
      Given Deployment "web" with 2 replicas is ready
      And Deployment "web" is modified with
        | field                                  | value |
        | spec.template.spec.containers[0].image | web:2 |
      And Deployment "web" is ready
      When Deployment "web" is modified with
        | field                                  | value |
        | spec.template.spec.containers[0].image | web:1 |
      Then the first ReplicaSet of Deployment "web" has
        | field                                                           | value     |
        | metadata.uid                                                    | unchanged |
        | spec.replicas                                                   | 2         |
        | metadata.annotations[deployment.kubernetes.io/revision]         | "3"       |
        | metadata.annotations[deployment.kubernetes.io/revision-history] | "1"       |
      And 2 more Pods of Deployment "web" appear
      And no ReplicaSet of Deployment "web" appears, while a new Deployment gets a ReplicaSet
      And Deployment "web" has
        | field                                                   | value |
        | metadata.annotations[deployment.kubernetes.io/revision] | "3"   |
