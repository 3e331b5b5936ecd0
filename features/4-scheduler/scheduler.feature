Feature: Scheduler
  Steps 6 and 7 of the chain. The scheduler is notified of a Pod that has no node. It filters out the nodes
  on which the Pod cannot run, ranks the rest, and binds the Pod to the best one. It starts nothing: the
  kubelet of that node takes the Pod from there.

  @SCHED-01 @MUST
  Rule: The scheduler handles Pods that have no node and name it as their scheduler, and no others
    Several schedulers can share a cluster; spec.schedulerName tells which of them a Pod is for.

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
  Rule: A Pod is assigned through its binding, once
    The binding is a subresource of its own: node and condition appear in one version, and it is no
    change of the Pod's spec by a client, so its generation stays.

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
  Rule: A Pod that fits nowhere is told so, and waits
    It stays Pending without a node. The condition says Unschedulable, and an Event says why.

    Scenario: No node has the label that is asked for
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
  Rule: The requests of a node's Pods never add up to more than it can allocate
    Requests count, not use. A request that was left out is taken from the limit. Exactly full is not
    too full.

    @needs-sizes
    Scenario: What is left is enough, or too little by a bit
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
    Scenario: A node takes so many Pods and no more
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
    Scenario: A limit stands in for a request
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
    Scenario: A Pod that was put on the node without a scheduler counts
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
    Scenario: A Pod that has ended gives its share back
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
  Rule: A node has to have every label of the Pod's nodeSelector
    All pairs have to match, value and all.

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
  Rule: Required node affinity: one of its terms has to match, with all its expressions
    It holds when the Pod is placed. What happens to the labels afterwards does not drive it away.

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

    Scenario: The label goes away, the Pod stays
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
  Rule: A taint keeps Pods away that do not tolerate it
    NoSchedule and NoExecute exclude the node, PreferNoSchedule only ranks it lower (SCHED-15).

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
    spec.unschedulable is what kubectl cordon sets. Pods that run there stay. The witness goes
    nowhere until the scheduler has seen the cordon: Nodes and Pods come to it on watches apart.

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
  Rule: Of the nodes that fit, the better one is taken
    Each scenario makes one difference, and a large one. Among equals any node is right. A scheduler can only
    choose between nodes that it has been told of: the Pods before are placed where only one node will do.

    @needs-sizes
    Scenario: The node with more room
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

    Scenario: The node without a taint that prefers others
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
  Rule: The only node that fits is taken, however low it ranks
    Filtering comes before ranking: what is excluded cannot be preferred.

    @needs-sizes
    Scenario: The preferred node is full, the other one is shunned
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
  Rule: A waiting Pod is tried again when something changes that may help it
    Nobody creates the Pod anew. Several changes could make room; each of them has to be noticed.

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
    Scenario: Another Pod goes
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

    Scenario: The Pod learns to tolerate the taint
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
  Rule: A binding whose answer is lost, or that is refused, is no second binding, and takes no room twice
    The scheduler forgets what it had assumed, looks at the Pod again, and goes by what it sees.

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
  Rule: After a restart the Pods that are there tell what the nodes have left
    What an earlier scheduler had in mind is gone with it, and nothing is given twice.

    @needs-sizes
    Scenario: More Pods came meanwhile than there is room for
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
