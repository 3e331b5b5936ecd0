Feature: Nodes
  Before a kubelet can run Pods, the scheduler has to know that its node exists, what it can allocate and
  that it is healthy. The kubelet reports this itself, through the API server like every other link.

  @NODE-01 @MUST @needs-nodes
  Rule: A node registers itself with its labels, capacity, addresses and versions
    The scheduler reads labels and allocatable; the status of its Pods takes over the address.

    Scenario: A new node
      When these nodes join:
        | name |
        | n1   |
      Then Node "n1" has
        | field                                     | value                                 |
        | metadata.labels[kubernetes.io/hostname]   | any                                   |
        | metadata.labels[kubernetes.io/os]         | any                                   |
        | metadata.labels[kubernetes.io/arch]       | any                                   |
        | status.capacity.cpu                       | any                                   |
        | status.allocatable.cpu                    | <= {Node "n1" status.capacity.cpu}    |
        | status.allocatable.memory                 | <= {Node "n1" status.capacity.memory} |
        | status.allocatable.pods                   | <= {Node "n1" status.capacity.pods}   |
        | status.addresses[type=InternalIP].address | any                                   |
        | status.addresses[type=Hostname].address   | any                                   |
        | status.nodeInfo.kubeletVersion            | any                                   |
        | status.nodeInfo.containerRuntimeVersion   | matches /^.+:\/\//                    |

  @NODE-02 @MUST @needs-nodes
  Rule: A node renews its Lease about every ten seconds
    The Lease in the namespace kube-node-lease is the cheap heartbeat. When heartbeats fail to arrive, the
    node lifecycle controller marks the node as Unknown (NODE-04).

    @time-based
    Scenario: The heartbeat
      Given these nodes:
        | name |
        | n1   |
      And the Lease of Node "n1" has
        | field                           | value                           |
        | metadata.namespace              | kube-node-lease                 |
        | metadata.name                   | same as Node "n1" metadata.name |
        | metadata.ownerReferences[0].uid | same as Node "n1" metadata.uid  |
        | spec.holderIdentity             | same as Node "n1" metadata.name |
        | spec.leaseDurationSeconds       | 40                              |
      When 20 seconds pass
      Then the Lease of Node "n1" is stored with
        | field          | value    |
        | spec.renewTime | > before |

  @NODE-03 @MUST @needs-nodes
  Rule: A healthy node reports that it is ready and under no pressure
    Clients rely on the reasons, too. A condition's transition time changes with its status only.

    Scenario Outline: <condition> of a healthy node
      Given these nodes:
        | name |
        | n1   |
      Then Node "n1" has
        | field                                                  | value    |
        | status.conditions[type=<condition>].status             | <status> |
        | status.conditions[type=<condition>].reason             | <reason> |
        | status.conditions[type=<condition>].lastHeartbeatTime  | any      |
        | status.conditions[type=<condition>].lastTransitionTime | any      |

      Examples:
        | condition      | status | reason                     |
        | Ready          | True   | KubeletReady               |
        | MemoryPressure | False  | KubeletHasSufficientMemory |
        | DiskPressure   | False  | KubeletHasNoDiskPressure   |
        | PIDPressure    | False  | KubeletHasSufficientPID    |
