Feature: DaemonSet controller
  The same chain once more, counted by nodes: one Pod for each eligible node. The controller decides which
  node a Pod is for; the scheduler still binds it.

  @DS-01 @MUST @needs-nodes
  Rule: Each eligible node has exactly one Pod
    A node is eligible if the Pod's node selector matches its labels and the Pod tolerates its taints.

    Scenario: Two of four nodes are not eligible, each for another reason
      Given these nodes:
        | name | labels    | taints             |
        | n1   | disk=ssd  |                    |
        | n2   | disk=ssd  | use=gpu:NoSchedule |
        | n3   | disk=tape |                    |
        | n4   | disk=ssd  |                    |
      When DaemonSet "agent" is created with
        | field                           | value       |
        | spec.template.spec.nodeSelector | {disk: ssd} |
      Then 2 Pods of DaemonSet "agent" appear
      And each of them has
        | field                           | value                                                       |
        | spec.nodeName                   | one of {Node "n1" metadata.name}, {Node "n4" metadata.name} |
        | metadata.ownerReferences[0].uid | same as DaemonSet "agent" metadata.uid                      |
      And no two of them have the same spec.nodeName

    Scenario: A toleration makes a node eligible
      Given these nodes:
        | name | taints             |
        | n1   |                    |
        | n2   | use=gpu:NoSchedule |
      When DaemonSet "agent" is created with
        | field                          | value                          |
        | spec.template.spec.tolerations | [{key: use, operator: Exists}] |
      Then 2 Pods of DaemonSet "agent" appear
      And each of them has
        | field        | value   |
        | status.phase | Running |

  @DS-02 @MUST @needs-nodes
  Rule: The Pods of a DaemonSet are bound by the scheduler, too
    They are created without a node, and with a node affinity that leaves the scheduler one choice.

    Scenario: The affinity and the binding
      Given these nodes:
        | name |
        | n1   |
      When DaemonSet "agent" is created
      Then the Pod of DaemonSet "agent" has
        | field                                                                                                                   | value                           |
        | spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].key       | metadata.name                   |
        | spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].operator  | In                              |
        | spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0].matchFields[0].values[0] | same as Node "n1" metadata.name |
      And the Pod of DaemonSet "agent" goes through:
        | field         | value                           |
        | spec.nodeName | absent                          |
        | spec.nodeName | same as Node "n1" metadata.name |
        | status.phase  | Running                         |

  @DS-04 @MUST @needs-nodes
  Rule: The Pods follow the nodes
    A node that joins or becomes eligible gets a Pod; the Pod of a node that is no longer eligible is deleted.

    Scenario: A node joins
      Given these nodes:
        | name |
        | n1   |
      And DaemonSet "agent" is ready
      When these nodes join:
        | name |
        | n2   |
      Then 1 more Pod of DaemonSet "agent" appears
      And each of them has
        | field         | value                           |
        | spec.nodeName | same as Node "n2" metadata.name |

    Scenario: A node gets the label, and loses it again
      Given these nodes:
        | name | labels    |
        | n1   | disk=tape |
        | n2   | disk=ssd  |
      And DaemonSet "agent" is ready with
        | field                           | value       |
        | spec.template.spec.nodeSelector | {disk: ssd} |
      When Node "n1" is modified with
        | field                 | value |
        | metadata.labels[disk] | ssd   |
      Then the second Pod of DaemonSet "agent" has
        | field         | value                           |
        | spec.nodeName | same as Node "n1" metadata.name |
      When Node "n1" is modified with
        | field                 | value |
        | metadata.labels[disk] | tape  |
      Then the second Pod of DaemonSet "agent" no longer exists
      And the first Pod of DaemonSet "agent" keeps for 2 seconds
        | field                      | value  |
        | metadata.deletionTimestamp | absent |
