Feature: Scheduler
  Steps 6 and 7 of the chain. The scheduler is notified of a Pod that has no node. It filters out the nodes
  on which the Pod cannot run, scores the rest, and binds the Pod to the best one. It starts nothing: the
  kubelet of that node takes over.

  @SCHED-01 @MUST
  Rule: The scheduler handles Pods that have no node and its own schedulerName, and no others
    Several schedulers can share a cluster; spec.schedulerName says which of them a Pod is for.

    # no-such-scheduler: no scheduler has this name, so the Pod gets no node.
    Scenario: A Pod for another scheduler
      When Pod "theirs" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      Then Pod "theirs" has
        | field                                | value   |
        | spec.nodeName                        | absent  |
        | status.phase                         | Pending |
        | status.conditions[type=PodScheduled] | absent  |
      And nothing of Pod "theirs" changes, while a new Pod is bound
      And no Event of Pod "theirs" appears, while a new Pod is bound

    Scenario: A Pod that already has a node
      When Pod "placed" is created with
        | field         | value               |
        | spec.nodeName | {namespace}-nowhere |
      Then nothing of Pod "placed" changes, while a new Pod is bound
      And no Event of Pod "placed" appears, while a new Pod is bound

  @SCHED-02 @MUST
  Rule: A Pod is assigned to a node once, through its binding
    The binding is a subresource of its own: node and condition appear in one version. It is not a change of
    the spec by a client, so the generation stays.

    Scenario: What a watcher sees of a binding
      When Pod "a" is created
      Then Pod "a" has
        | field                                       | value  |
        | spec.nodeName                               | any    |
        | status.conditions[type=PodScheduled].status | True   |
        | status.nominatedNodeName                    | absent |
        | metadata.generation                         | 1      |
      And Pod "a" only goes forward in
        | field         | order            |
        | spec.nodeName | absent, then any |

    Scenario: Node and condition come together
      Given Pod "a" is ready
      Then no version of Pod "a" has
        | field                                       | value    |
        | spec.nodeName                               | any      |
        | status.conditions[type=PodScheduled].status | not True |
      And no version of Pod "a" has
        | field                                       | value  |
        | spec.nodeName                               | absent |
        | status.conditions[type=PodScheduled].status | True   |

  @SCHED-05 @MUST
  Rule: A Pod that fits no node is reported as Unschedulable, and waits
    It stays Pending without a node. The condition says Unschedulable, and an Event says why.

    Scenario: No node has the label that the Pod selects
      When Pod "a" is created with
        | field                               | value    |
        | spec.nodeSelector[example.com/moon] | far-side |
      Then Pod "a" has
        | field                                        | value         |
        | status.conditions[type=PodScheduled].status  | False         |
        | status.conditions[type=PodScheduled].reason  | Unschedulable |
        | status.conditions[type=PodScheduled].message | any           |
        | status.phase                                 | Pending       |
        | spec.nodeName                                | absent        |
      And these events are recorded:
        | object  | type    | reason           |
        | Pod "a" | Warning | FailedScheduling |

  @SCHED-07 @MUST @needs-nodes
  Rule: The scheduler never overcommits a node: its Pods' requests add up to its allocatable at most
    Requests count, not usage. A missing request defaults to the limit. A Pod that fills a node exactly fits.

    @needs-sizes
    Scenario: The free resources are just enough, or slightly too little
      Given these nodes:
        | name | cpu | memory | pods |
        | n1   | 2   | 4Gi    | 10   |
      And Pod "first" is created with
        | field                                 | value                 |
        | spec.containers[0].resources.requests | {cpu: 1, memory: 3Gi} |
      And Pod "first" has
        | field         | value |
        | spec.nodeName | any   |
      When these Pods are created:
        | name            | spec.containers[0].resources.requests |
        | too-much-cpu    | {cpu: 1001m}                          |
        | too-much-memory | {memory: 1025Mi}                      |
      Then these Pods have:
        | name            | status.conditions[type=PodScheduled].reason |
        | too-much-cpu    | Unschedulable                               |
        | too-much-memory | Unschedulable                               |
      When Pod "exactly" is created with
        | field                                 | value                 |
        | spec.containers[0].resources.requests | {cpu: 1, memory: 1Gi} |
      Then Pod "exactly" has
        | field         | value |
        | spec.nodeName | any   |

    @needs-sizes
    Scenario: A node takes no more Pods than it can allocate
      Given these nodes:
        | name | cpu | memory | pods |
        | n1   | 2   | 4Gi    | 1    |
      And Pod "first" is created
      And Pod "first" has
        | field         | value |
        | spec.nodeName | any   |
      When Pod "second" is created
      Then Pod "second" has
        | field                                       | value         |
        | status.conditions[type=PodScheduled].reason | Unschedulable |

    @needs-sizes
    Scenario: A limit counts where the request is missing
      Given these nodes:
        | name | cpu | memory | pods |
        | n1   | 2   | 4Gi    | 10   |
      And Pod "first" is ready with
        | field                               | value    |
        | spec.containers[0].resources.limits | {cpu: 2} |
      When Pod "second" is created with
        | field                                 | value     |
        | spec.containers[0].resources.requests | {cpu: 1m} |
      Then Pod "second" has
        | field                                       | value         |
        | status.conditions[type=PodScheduled].reason | Unschedulable |

    @needs-sizes
    Scenario: A Pod that was assigned without the scheduler counts
      Given these nodes:
        | name | cpu | memory | pods |
        | n1   | 2   | 4Gi    | 10   |
      And Pod "first" is created with
        | field                                 | value                           |
        | spec.nodeName                         | same as Node "n1" metadata.name |
        | spec.containers[0].resources.requests | {cpu: 2}                        |
      When Pod "second" is created with
        | field                                 | value     |
        | spec.containers[0].resources.requests | {cpu: 1m} |
      Then Pod "second" has
        | field                                       | value         |
        | status.conditions[type=PodScheduled].reason | Unschedulable |

    @needs-containers @needs-sizes
    Scenario: A Pod that has terminated releases its resources
      Given these nodes:
        | name | cpu | memory | pods |
        | n1   | 2   | 4Gi    | 10   |
      And Pod "first" is created with
        | field                                 | value      |
        | spec.restartPolicy                    | Never      |
        | spec.containers[0].image              | succeeds:1 |
        | spec.containers[0].resources.requests | {cpu: 2}   |
      And Pod "first" has
        | field        | value     |
        | status.phase | Succeeded |
      When Pod "second" is created with
        | field                                 | value    |
        | spec.containers[0].resources.requests | {cpu: 2} |
      Then Pod "second" has
        | field                                       | value |
        | status.conditions[type=PodScheduled].status | True  |

  @SCHED-08 @MUST @needs-nodes
  Rule: A node must have every label of the Pod's nodeSelector
    All pairs must match, key and value.

    Scenario: Each node has its own two labels
      Given these nodes:
        | name | labels              |
        | n1   | disk=ssd, gpu=none  |
        | n2   | disk=ssd, gpu=fast  |
        | n3   | disk=tape, gpu=fast |
      When these Pods are created:
        | name    | spec.nodeSelector       |
        | tape    | {disk: tape}            |
        | none    | {gpu: none}             |
        | both    | {disk: ssd, gpu: fast}  |
        | nowhere | {disk: tape, gpu: none} |
      Then these Pods have:
        | name    | spec.nodeName                   | status.conditions[type=PodScheduled].reason |
        | tape    | same as Node "n3" metadata.name |                                             |
        | none    | same as Node "n1" metadata.name |                                             |
        | both    | same as Node "n2" metadata.name |                                             |
        | nowhere | absent                          | Unschedulable                               |

  @SCHED-09 @MUST @needs-nodes
  Rule: Required node affinity: one of its terms must match, with all its expressions
    It counts when the Pod is scheduled. A later change of the labels does not evict the Pod.

    Scenario: Operators, all expressions of one term, and any of the terms
      Given these nodes:
        | name | labels                 |
        | n1   | zone=a, size=1         |
        | n2   | zone=b, size=5         |
        | n3   | zone=c, size=9, old=no |
      When these Pods are created:
        | name    | spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms                                  |
        | in      | [{matchExpressions: [{key: zone, operator: In, values: [a, x]}]}]                                                            |
        | not-in  | [{matchExpressions: [{key: zone, operator: NotIn, values: [a, c]}]}]                                                         |
        | exists  | [{matchExpressions: [{key: old, operator: Exists}]}]                                                                         |
        | greater | [{matchExpressions: [{key: size, operator: Gt, values: ["5"]}]}]                                                             |
        | less    | [{matchExpressions: [{key: size, operator: Lt, values: ["5"]}]}]                                                             |
        | field   | [{matchFields: [{key: metadata.name, operator: In, values: ['{Node "n2" metadata.name}']}]}]                                 |
        | all     | [{matchExpressions: [{key: old, operator: DoesNotExist}, {key: zone, operator: NotIn, values: [a]}]}]                        |
        | any     | [{matchExpressions: [{key: zone, operator: In, values: [x]}]}, {matchExpressions: [{key: zone, operator: In, values: [c]}]}] |
      Then these Pods have:
        | name    | spec.nodeName                   |
        | in      | same as Node "n1" metadata.name |
        | not-in  | same as Node "n2" metadata.name |
        | exists  | same as Node "n3" metadata.name |
        | greater | same as Node "n3" metadata.name |
        | less    | same as Node "n1" metadata.name |
        | field   | same as Node "n2" metadata.name |
        | all     | same as Node "n2" metadata.name |
        | any     | same as Node "n3" metadata.name |

    Scenario: The label is removed, the Pod stays
      Given these nodes:
        | name | labels |
        | n1   | zone=a |
      And Pod "a" is ready with
        | field                                                                                       | value                                                          |
        | spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms | [{matchExpressions: [{key: zone, operator: In, values: [a]}]}] |
      When Node "n1" is modified with
        | field                 | value  |
        | metadata.labels[zone] | absent |
      Then Pod "a" keeps for 2 seconds
        | field                      | value     |
        | metadata.deletionTimestamp | absent    |
        | spec.nodeName              | unchanged |

  @SCHED-10 @MUST @needs-nodes
  Rule: A taint repels Pods that do not tolerate it
    NoSchedule and NoExecute exclude the node, PreferNoSchedule only lowers its score (SCHED-15).

    Scenario: Tolerations of all sorts
      Given these nodes:
        | name | labels         | taints                   |
        | n1   | taint=schedule | use=gpu:NoSchedule       |
        | n2   | taint=execute  | use=gpu:NoExecute        |
        | n3   | taint=prefer   | use=gpu:PreferNoSchedule |
      When these Pods are created:
        | name                | spec.nodeSelector[taint] | spec.tolerations                                              |
        | stranger            | schedule                 | []                                                            |
        | stranger-to-execute | execute                  | []                                                            |
        | other-value         | schedule                 | [{key: use, operator: Equal, value: cpu}]                     |
        | other-key           | schedule                 | [{key: other, operator: Exists}]                              |
        | other-effect        | schedule                 | [{key: use, operator: Exists, effect: NoExecute}]             |
        | equal               | schedule                 | [{key: use, operator: Equal, value: gpu, effect: NoSchedule}] |
        | exists              | schedule                 | [{key: use, operator: Exists}]                                |
        | all                 | execute                  | [{operator: Exists}]                                          |
        | shunned             | prefer                   | []                                                            |
      Then these Pods have:
        | name                | status.conditions[type=PodScheduled].status |
        | stranger            | False                                       |
        | stranger-to-execute | False                                       |
        | other-value         | False                                       |
        | other-key           | False                                       |
        | other-effect        | False                                       |
        | equal               | True                                        |
        | exists              | True                                        |
        | all                 | True                                        |
        | shunned             | True                                        |

  @SCHED-11 @MUST @needs-nodes
  Rule: A cordoned node takes no new Pods
    spec.unschedulable is what kubectl cordon and kubectl drain set. Pods that run there stay. The Pod
    "witness" fits only a cordoned node. Once it is bound the scheduler has seen the cordon: it watches Nodes
    and Pods separately.

    Scenario: Cordon and uncordon
      Given these nodes:
        | name |
        | n1   |
      And Pod "before" is ready
      And Node "n1" is modified with
        | field                    | value |
        | metadata.labels.cordoned | since |
        | spec.unschedulable       | true  |
      And Pod "witness" is created with
        | field             | value                                                                           |
        | spec.nodeSelector | {cordoned: since}                                                               |
        | spec.tolerations  | [{key: node.kubernetes.io/unschedulable, operator: Exists, effect: NoSchedule}] |
      And Pod "witness" has
        | field         | value                           |
        | spec.nodeName | same as Node "n1" metadata.name |
      And Pod "after" is created
      And Pod "after" has
        | field                                       | value         |
        | status.conditions[type=PodScheduled].reason | Unschedulable |
      When Node "n1" is modified with
        | field              | value  |
        | spec.unschedulable | absent |
      Then Pod "after" has
        | field         | value                           |
        | spec.nodeName | same as Node "n1" metadata.name |
      And Pod "before" has
        | field                                | value  |
        | metadata.deletionTimestamp           | absent |
        | status.conditions[type=Ready].status | True   |

    Scenario: A Pod that tolerates the cordon
      Given these nodes:
        | name | unschedulable |
        | n1   | true          |
      When Pod "a" is created with
        | field            | value                                                                           |
        | spec.tolerations | [{key: node.kubernetes.io/unschedulable, operator: Exists, effect: NoSchedule}] |
      Then Pod "a" has
        | field         | value                           |
        | spec.nodeName | same as Node "n1" metadata.name |

  @SCHED-15 @SHOULD @needs-nodes
  Rule: Of the nodes that fit, the better one is chosen
    Each scenario makes one large difference; among equal nodes any is right. The Pods created first fit only
    one node each. Once they are bound the scheduler knows both nodes and can choose between them.

    @needs-sizes
    Scenario: The node with more free resources
      Given these nodes:
        | name | cpu | memory | labels    |
        | n1   | 4   | 4Gi    | which=one |
        | n2   | 4   | 4Gi    | which=two |
      And these Pods are created:
        | name | spec.nodeSelector | spec.containers[0].resources.requests |
        | busy | {which: one}      | {cpu: 3, memory: 3Gi}                 |
        | idle | {which: two}      | {}                                    |
      And these Pods have:
        | name | spec.nodeName |
        | busy | any           |
        | idle | any           |
      When Pod "a" is created with
        | field                                 | value                      |
        | spec.containers[0].resources.requests | {cpu: 500m, memory: 512Mi} |
      Then Pod "a" has
        | field         | value                           |
        | spec.nodeName | same as Node "n2" metadata.name |

    Scenario: The node without a PreferNoSchedule taint
      Given these nodes:
        | name | taints                   | labels |
        | n1   | use=gpu:PreferNoSchedule | zone=a |
        | n2   |                          | zone=b |
      And these Pods are created:
        | name  | spec.nodeSelector |
        | first | {zone: a}         |
        | other | {zone: b}         |
      And these Pods have:
        | name  | spec.nodeName |
        | first | any           |
        | other | any           |
      When Pod "a" is created
      Then Pod "a" has
        | field         | value                           |
        | spec.nodeName | same as Node "n2" metadata.name |

    Scenario: The node that the Pod prefers
      Given these nodes:
        | name | labels |
        | n1   | zone=a |
        | n2   | zone=b |
      And these Pods are created:
        | name  | spec.nodeSelector |
        | first | {zone: a}         |
        | other | {zone: b}         |
      And these Pods have:
        | name  | spec.nodeName |
        | first | any           |
        | other | any           |
      When Pod "a" is created with
        | field                                                                      | value                                                                                     |
        | spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution | [{weight: 100, preference: {matchExpressions: [{key: zone, operator: In, values: [b]}]}}] |
      Then Pod "a" has
        | field         | value                           |
        | spec.nodeName | same as Node "n2" metadata.name |

    @needs-sizes
    Scenario: The Pods of one ReplicaSet are spread
      Given these nodes:
        | name | cpu | memory | labels |
        | n1   | 4   | 4Gi    | zone=a |
        | n2   | 4   | 4Gi    | zone=b |
      And these Pods are created:
        | name  | spec.nodeSelector |
        | first | {zone: a}         |
        | other | {zone: b}         |
      And these Pods have:
        | name  | spec.nodeName |
        | first | any           |
        | other | any           |
      When ReplicaSet "web" with 2 replicas is created with
        | field                                               | value                 |
        | spec.template.spec.containers[0].resources.requests | {cpu: 1, memory: 1Gi} |
      Then 2 Pods of ReplicaSet "web" appear
      And each of them has
        | field         | value |
        | spec.nodeName | any   |
      And no two of them have the same spec.nodeName

  @SCHED-16 @MUST @needs-nodes
  Rule: The only node that fits is chosen, however low its score
    Filtering comes before scoring: a node that is filtered out cannot be preferred.

    @needs-sizes
    Scenario: The preferred node is too small, the other one has a PreferNoSchedule taint
      Given these nodes:
        | name | cpu | memory | labels | taints                   |
        | n1   | 1   | 4Gi    | zone=a |                          |
        | n2   | 4   | 4Gi    | zone=b | use=gpu:PreferNoSchedule |
      When Pod "a" is created with
        | field                                                                      | value                                                                                     |
        | spec.containers[0].resources.requests                                      | {cpu: 2}                                                                                  |
        | spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution | [{weight: 100, preference: {matchExpressions: [{key: zone, operator: In, values: [a]}]}}] |
      Then Pod "a" has
        | field         | value                           |
        | spec.nodeName | same as Node "n2" metadata.name |

  @SCHED-17 @MUST @needs-nodes
  Rule: An unschedulable Pod is retried when a change may have made it schedulable
    The Pod is not created again. Several kinds of change can help; each of them must lead to a retry.

    Scenario: The node gets a label, loses a taint, is uncordoned
      Given these nodes:
        | name | labels    | taints             | unschedulable |
        | n1   | disk=tape | use=gpu:NoSchedule | true          |
      And these Pods are created:
        | name         | spec.nodeSelector | spec.tolerations                                            |
        | for-disk     | {disk: ssd}       | [{operator: Exists}]                                        |
        | for-taint    | {}                | [{key: node.kubernetes.io/unschedulable, operator: Exists}] |
        | for-uncordon | {}                | [{key: use, operator: Exists}]                              |
      And these Pods have:
        | name         | status.conditions[type=PodScheduled].reason |
        | for-disk     | Unschedulable                               |
        | for-taint    | Unschedulable                               |
        | for-uncordon | Unschedulable                               |
      When Node "n1" is modified with
        | field                 | value |
        | metadata.labels[disk] | ssd   |
      Then Pod "for-disk" has
        | field         | value                           |
        | spec.nodeName | same as Node "n1" metadata.name |
      When Node "n1" is modified with
        | field                | value  |
        | spec.taints[key=use] | absent |
      Then Pod "for-taint" has
        | field         | value                           |
        | spec.nodeName | same as Node "n1" metadata.name |
      And Pod "for-uncordon" keeps for 2 seconds
        | field         | value  |
        | spec.nodeName | absent |
      When Node "n1" is modified with
        | field              | value  |
        | spec.unschedulable | absent |
      Then Pod "for-uncordon" has
        | field         | value                           |
        | spec.nodeName | same as Node "n1" metadata.name |

    Scenario: A node joins
      Given these nodes:
        | name | labels    |
        | n1   | disk=tape |
      And Pod "a" is created with
        | field             | value       |
        | spec.nodeSelector | {disk: ssd} |
      And Pod "a" has
        | field                                       | value         |
        | status.conditions[type=PodScheduled].reason | Unschedulable |
      When these nodes join:
        | name | labels   |
        | n2   | disk=ssd |
      Then Pod "a" has
        | field         | value                           |
        | spec.nodeName | same as Node "n2" metadata.name |

    @needs-sizes
    Scenario: Another Pod is deleted
      Given these nodes:
        | name | cpu | memory |
        | n1   | 2   | 4Gi    |
      And Pod "first" is ready with
        | field                                 | value    |
        | spec.containers[0].resources.requests | {cpu: 2} |
      And Pod "second" is created with
        | field                                 | value    |
        | spec.containers[0].resources.requests | {cpu: 2} |
      And Pod "second" has
        | field                                       | value         |
        | status.conditions[type=PodScheduled].reason | Unschedulable |
      When Pod "first" is deleted
      Then Pod "second" has
        | field         | value                           |
        | spec.nodeName | same as Node "n1" metadata.name |

    Scenario: The Pod gets a toleration of the taint
      Given these nodes:
        | name | taints             |
        | n1   | use=gpu:NoSchedule |
      And Pod "a" is created
      And Pod "a" has
        | field                                       | value         |
        | status.conditions[type=PodScheduled].reason | Unschedulable |
      When Pod "a" is modified with
        | field                     | value                        |
        | spec.tolerations[key=use] | {key: use, operator: Exists} |
      Then Pod "a" has
        | field         | value                           |
        | spec.nodeName | same as Node "n1" metadata.name |

  @SCHED-23 @MUST @needs-nodes @needs-faults
  Rule: A binding that is refused or whose answer is lost neither binds twice nor uses resources twice
    The scheduler forgets the assumed Pod, looks at the Pod again, and decides by what is stored.

    @needs-sizes
    Scenario Outline: The binding of the Pod that fills the node: <effect>
      Given these nodes:
        | name | cpu | memory |
        | n1   | 2   | 4Gi    |
      And requests of the scheduler meet these faults
        | verb   | resource | subresource | effect   | times |
        | create | pods     | binding     | <effect> | 1     |
      When Pod "a" is created with
        | field                                 | value    |
        | spec.containers[0].resources.requests | {cpu: 2} |
      Then Pod "a" is ready
      And Pod "a" only goes forward in
        | field         | order            |
        | spec.nodeName | absent, then any |
      When Pod "b" is created with
        | field                                 | value    |
        | spec.containers[0].resources.requests | {cpu: 1} |
      Then Pod "b" has
        | field                                       | value         |
        | status.conditions[type=PodScheduled].reason | Unschedulable |

      Examples:
        | effect     |
        | lose reply |
        | answer 409 |
        | answer 500 |

  @SCHED-24 @MUST @needs-links @needs-nodes
  Rule: After a restart the scheduler derives free resources from the Pods that exist
    What the previous scheduler had assumed is gone, and no resource is allocated twice.

    @needs-sizes
    Scenario: Meanwhile more Pods were created than fit
      Given these nodes:
        | name | cpu | memory |
        | n1   | 3   | 4Gi    |
      And ReplicaSet "before" with 2 replicas is ready with
        | field                                               | value    |
        | spec.template.spec.containers[0].resources.requests | {cpu: 1} |
      And the scheduler is stopped
      When Pod "a" is created with
        | field                                 | value    |
        | spec.containers[0].resources.requests | {cpu: 1} |
      And Pod "b" is created with
        | field                                 | value    |
        | spec.containers[0].resources.requests | {cpu: 2} |
      And the scheduler is started
      Then Pod "a" is ready
      And Pod "b" has
        | field                                       | value         |
        | spec.nodeName                               | absent        |
        | status.conditions[type=PodScheduled].reason | Unschedulable |
      When ReplicaSet "before" is scaled to 0 replicas
      Then Pod "b" is ready
