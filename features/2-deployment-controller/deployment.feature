Feature: Deployment controller
  Steps 2 and 3 of the chain, and the last of the way back. The Deployment controller is notified of a
  Deployment, looks for the ReplicaSet that has its Pod template, creates it if there is none, and sets the
  replicas of each ReplicaSet. It never touches a Pod: that is the ReplicaSet controller's part.

  @DEPLOY-01 @MUST
  Rule: A Deployment gets exactly one ReplicaSet for its template
    The ReplicaSet asks for all replicas from the start; it is not created with 0 replicas and then scaled up.

    Scenario Outline: A Deployment with <replicas> replicas
      When Deployment "web" with <replicas> replicas is created with
        | field                                  | value |
        | spec.template.metadata.labels[tier]    | front |
        | spec.template.spec.containers[0].image | web:2 |
      Then 1 ReplicaSet of Deployment "web" appears
      And the first version of the ReplicaSet of Deployment "web" has
        | field                               | value                                                  |
        | spec.replicas                       | <replicas>                                             |
        | spec.template.metadata.labels[tier] | front                                                  |
        | spec.template.spec.containers       | same as Deployment "web" spec.template.spec.containers |

      Examples:
        | replicas |
        | 0        |
        | 1        |
        | 3        |

  @DEPLOY-02 @MUST
  Rule: The ReplicaSet is named after the Deployment and the hash of its template
    The name depends on the template alone, so a retry can never create a second ReplicaSet.

    Scenario: The name ends in the value of the hash label
      When Deployment "web" is created
      Then the ReplicaSet of Deployment "web" has
        | field         | value                                                                       |
        | metadata.name | web-{the ReplicaSet of Deployment "web" metadata.labels[pod-template-hash]} |

  @DEPLOY-03 @MUST
  Rule: The same pod-template-hash is on the ReplicaSet, in its selector, in its template and on its Pods
    This label keeps the Pods of two ReplicaSets of one Deployment apart. The Deployment itself never gets it.

    Scenario: The hash in its four places, and not in the Deployment
      When Deployment "web" with 2 replicas is created
      Then the ReplicaSet of Deployment "web" has
        | field                                            | value                                                                         |
        | metadata.labels[pod-template-hash]               | any                                                                           |
        | spec.selector.matchLabels[pod-template-hash]     | same as the ReplicaSet of Deployment "web" metadata.labels[pod-template-hash] |
        | spec.template.metadata.labels[pod-template-hash] | same as the ReplicaSet of Deployment "web" metadata.labels[pod-template-hash] |
      And 2 Pods of Deployment "web" appear
      And each of them has
        | field                              | value                                                                         |
        | metadata.labels[pod-template-hash] | same as the ReplicaSet of Deployment "web" metadata.labels[pod-template-hash] |
      And no version of Deployment "web" has
        | field                                        | value |
        | spec.selector.matchLabels[pod-template-hash] | any   |
      And no version of Deployment "web" has
        | field                                            | value |
        | spec.template.metadata.labels[pod-template-hash] | any   |

  @DEPLOY-04 @MUST
  Rule: The ReplicaSet has the labels of its Pods, not those of the Deployment
    Its labels are those of the Pod template, its selector is the Deployment's, both with the hash added.

    Scenario: A Deployment with a label of its own
      When Deployment "web" is created with
        | field                               | value |
        | metadata.labels[team]               | blue  |
        | spec.template.metadata.labels[tier] | front |
      Then the ReplicaSet of Deployment "web" has
        | field                                        | value   |
        | metadata.labels[app]                         | web     |
        | metadata.labels[tier]                        | front   |
        | metadata.labels[pod-template-hash]           | any     |
        | metadata.labels[team]                        | absent  |
        | spec.selector.matchLabels                    | 2 items |
        | spec.selector.matchLabels[app]               | web     |
        | spec.selector.matchLabels[pod-template-hash] | any     |

  @DEPLOY-05 @MUST
  Rule: The ReplicaSet has a controller reference to the Deployment
    By this reference the controller knows its ReplicaSets, and the garbage collector knows what to delete.

    Scenario: The owner reference of a ReplicaSet
      When Deployment "web" is created
      Then 1 ReplicaSet of Deployment "web" appears
      And the first version of the ReplicaSet of Deployment "web" has
        | field                                          | value                                 |
        | metadata.ownerReferences                       | 1 item                                |
        | metadata.ownerReferences[0].apiVersion         | apps/v1                               |
        | metadata.ownerReferences[0].kind               | Deployment                            |
        | metadata.ownerReferences[0].name               | web                                   |
        | metadata.ownerReferences[0].uid                | same as Deployment "web" metadata.uid |
        | metadata.ownerReferences[0].controller         | true                                  |
        | metadata.ownerReferences[0].blockOwnerDeletion | true                                  |

  @DEPLOY-06 @MUST
  Rule: The ReplicaSet is annotated with its revision and with the size of the whole Deployment
    desired-replicas is the Deployment's number of replicas, max-replicas adds the surge. Proportional
    scaling reads them later.

    Scenario Outline: <replicas> replicas with <strategy>
      When Deployment "web" with <replicas> replicas is created with
        | field         | value      |
        | spec.strategy | <strategy> |
      Then the ReplicaSet of Deployment "web" has
        | field                                                           | value        |
        | metadata.annotations[deployment.kubernetes.io/revision]         | "1"          |
        | metadata.annotations[deployment.kubernetes.io/desired-replicas] | "<replicas>" |
        | metadata.annotations[deployment.kubernetes.io/max-replicas]     | "<max>"      |

      Examples:
        | replicas | strategy                                            | max |
        | 1        | {type: RollingUpdate}                               | 2   |
        | 3        | {type: RollingUpdate}                               | 4   |
        | 3        | {type: RollingUpdate, rollingUpdate: {maxSurge: 2}} | 5   |
        | 3        | {type: Recreate}                                    | 3   |

  @DEPLOY-08 @MUST
  Rule: The Deployment carries the revision of its newest ReplicaSet
    It is written through the status subresource, which does not raise the Deployment's generation.

    Scenario: The first revision
      When Deployment "web" is created
      Then Deployment "web" has
        | field                                                   | value |
        | metadata.annotations[deployment.kubernetes.io/revision] | "1"   |
      And Deployment "web" keeps for 2 seconds
        | field               | value |
        | metadata.generation | 1     |

    Scenario: A new template is a new revision
      Given Deployment "web" is ready
      When Deployment "web" is modified with
        | field                                  | value |
        | spec.template.spec.containers[0].image | web:2 |
      Then Deployment "web" has
        | field                                                   | value |
        | metadata.annotations[deployment.kubernetes.io/revision] | "2"   |
        | metadata.generation                                     | 2     |

  @DEPLOY-10 @MUST
  Rule: The status sums up what the ReplicaSets report
    replicas, readyReplicas and availableReplicas count all ReplicaSets, updatedReplicas only the one with
    the current template. A counter that is zero may be left out.

    # podchain.dev/gate: a readiness gate. The Pod is not Ready until the scenario sets this condition to True.
    Scenario: Pods that exist but are not ready, then ready
      Given Deployment "web" with 3 replicas is created with
        | field                             | value                                |
        | spec.template.spec.readinessGates | [{conditionType: podchain.dev/gate}] |
      And 3 Pods of Deployment "web" appear
      And each of them has
        | field                                          | value |
        | status.conditions[type=ContainersReady].status | True  |
      Then Deployment "web" keeps for 2 seconds
        | field                      | value       |
        | status.replicas            | 3           |
        | status.updatedReplicas     | 3           |
        | status.readyReplicas       | absent or 0 |
        | status.availableReplicas   | absent or 0 |
        | status.unavailableReplicas | 3           |
      When the readiness gates of the Pods of Deployment "web" are set to True
      Then Deployment "web" has
        | field                      | value       |
        | status.replicas            | 3           |
        | status.readyReplicas       | 3           |
        | status.availableReplicas   | 3           |
        | status.unavailableReplicas | absent or 0 |

    Scenario: A rollout that does not progress
      Given Deployment "web" with 3 replicas is ready with
        | field                       | value                            |
        | spec.strategy.rollingUpdate | {maxSurge: 1, maxUnavailable: 0} |
      When Deployment "web" is modified with
        | field                             | value                                |
        | spec.template.spec.readinessGates | [{conditionType: podchain.dev/gate}] |
      Then Deployment "web" has
        | field                      | value |
        | status.replicas            | 4     |
        | status.updatedReplicas     | 1     |
        | status.readyReplicas       | 3     |
        | status.availableReplicas   | 3     |
        | status.unavailableReplicas | 1     |

  @DEPLOY-11 @MUST
  Rule: observedGeneration says which generation the status reflects
    It equals metadata.generation once the controller has acted on it, and never goes back. Clients that
    wait for a rollout read it first.

    Scenario Outline: After a change of <field>
      Given Deployment "web" with 0 replicas is ready
      When Deployment "web" is modified with
        | field   | value   |
        | <field> | <value> |
      Then Deployment "web" has
        | field                     | value |
        | metadata.generation       | 2     |
        | status.observedGeneration | 2     |
      And Deployment "web" only goes forward in
        | field                     | order  |
        | status.observedGeneration | rising |

      Examples:
        | field                                  | value |
        | spec.replicas                          | 1     |
        | spec.template.spec.containers[0].image | web:2 |
        | spec.minReadySeconds                   | 1     |
        | spec.paused                            | true  |

    Scenario: A paused Deployment is observed too
      Given Deployment "web" with 0 replicas is ready with
        | field       | value |
        | spec.paused | false |
      And Deployment "web" is modified with
        | field       | value |
        | spec.paused | true  |
      When Deployment "web" is modified with
        | field                                  | value |
        | spec.template.spec.containers[0].image | web:2 |
      Then Deployment "web" has
        | field                     | value |
        | metadata.generation       | 3     |
        | status.observedGeneration | 3     |

  @DEPLOY-12 @MUST
  Rule: A Deployment is Available when at least replicas minus maxUnavailable Pods are
    A percentage is rounded down.

    Scenario Outline: <few> of <replicas> Pods are too few, one more is enough, with maxUnavailable <unavailable>
      Given Deployment "web" with <replicas> replicas is created with
        | field                             | value                                |
        | spec.strategy.rollingUpdate       | {maxUnavailable: <unavailable>}      |
        | spec.template.spec.readinessGates | [{conditionType: podchain.dev/gate}] |
      When the readiness gates of <few> Pods of Deployment "web" are set to True
      Then Deployment "web" has
        | field                                    | value                      |
        | status.replicas                          | <replicas>                 |
        | status.availableReplicas                 | <available>                |
        | status.conditions[type=Available].status | False                      |
        | status.conditions[type=Available].reason | MinimumReplicasUnavailable |
      When the readiness gates of 1 Pod of Deployment "web" are set to True
      Then Deployment "web" has
        | field                                    | value                    |
        | status.replicas                          | <replicas>               |
        | status.availableReplicas                 | <enough>                 |
        | status.conditions[type=Available].status | True                     |
        | status.conditions[type=Available].reason | MinimumReplicasAvailable |

      Examples:
        | replicas | unavailable | few | available   | enough |
        | 2        | 1           | 0   | absent or 0 | 1      |
        | 4        | 25%         | 2   | 2           | 3      |
        | 3        | 25%         | 2   | 2           | 3      |

    Scenario: A Deployment with 0 replicas is Available
      When Deployment "web" with 0 replicas is created
      Then Deployment "web" has
        | field                                    | value                    |
        | status.conditions[type=Available].status | True                     |
        | status.conditions[type=Available].reason | MinimumReplicasAvailable |

  @DEPLOY-13 @MUST
  Rule: Progressing says whether a rollout makes progress, is complete or has failed to progress
    The reasons that a watcher sees in between are not specified; the last one is.

    Scenario: The rollout is complete
      When Deployment "web" with 2 replicas is created
      Then Deployment "web" has
        | field                                      | value                  |
        | status.conditions[type=Progressing].status | True                   |
        | status.conditions[type=Progressing].reason | NewReplicaSetAvailable |

    Scenario: The rollout makes progress
      When Deployment "web" is created with
        | field                             | value                                |
        | spec.template.spec.readinessGates | [{conditionType: podchain.dev/gate}] |
      Then Deployment "web" has
        | field                                      | value                                                              |
        | status.conditions[type=Progressing].status | True                                                               |
        | status.conditions[type=Progressing].reason | one of NewReplicaSetCreated, FoundNewReplicaSet, ReplicaSetUpdated |

    Scenario: The rollout exceeds its progress deadline
      When Deployment "web" is created with
        | field                             | value                                |
        | spec.progressDeadlineSeconds      | 2                                    |
        | spec.template.spec.readinessGates | [{conditionType: podchain.dev/gate}] |
      Then Deployment "web" has
        | field                                      | value                    |
        | status.conditions[type=Progressing].status | False                    |
        | status.conditions[type=Progressing].reason | ProgressDeadlineExceeded |

    Scenario: The rollout has no progress deadline
      When Deployment "web" is created with
        | field                        | value      |
        | spec.progressDeadlineSeconds | 2147483647 |
      Then Deployment "web" is ready
      And no version of Deployment "web" has
        | field                               | value |
        | status.conditions[type=Progressing] | any   |

  @DEPLOY-15 @SHOULD
  Rule: An Event on the Deployment reports the scaling of a ReplicaSet
    It names the ReplicaSet. A ReplicaSet created with 0 replicas causes none.

    Scenario: The ReplicaSet is created
      When Deployment "web" with 2 replicas is created
      Then these events are recorded:
        | object           | type   | reason            | message                                                     |
        | Deployment "web" | Normal | ScalingReplicaSet | includes {the ReplicaSet of Deployment "web" metadata.name} |

    Scenario: The ReplicaSet is created with 0 replicas
      When Deployment "web" with 0 replicas is created
      Then 1 ReplicaSet of Deployment "web" appears
      And no Event of Deployment "web" appears, while a new Deployment gets a ReplicaSet

  @DEPLOY-22 @MUST
  Rule: A ReplicaSet that is deleted or scaled by hand is restored
    The Deployment has not changed; the controller reconciles what no longer matches it.

    Scenario: The ReplicaSet is deleted
      Given Deployment "web" with 2 replicas is ready
      When the ReplicaSet of Deployment "web" is deleted
      Then 1 more ReplicaSet of Deployment "web" appears
      And the second ReplicaSet of Deployment "web" has
        | field         | value                                                          |
        | metadata.name | same as the first ReplicaSet of Deployment "web" metadata.name |
        | spec.replicas | 2                                                              |
      And Deployment "web" is ready

    Scenario Outline: The ReplicaSet is scaled by hand from 2 to <to>
      Given Deployment "web" with 2 replicas is ready
      When the ReplicaSet of Deployment "web" is scaled to <to> replicas
      Then the ReplicaSet of Deployment "web" goes through:
        | field         | value |
        | spec.replicas | 2     |
        | spec.replicas | <to>  |
        | spec.replicas | 2     |
      And the ReplicaSet of Deployment "web" has
        | field                | value |
        | status.readyReplicas | 2     |

      Examples:
        | to |
        | 0  |
        | 4  |
