Feature: What happens when a Deployment is created
  A client POSTs one Deployment and is done. Milliseconds or minutes later its containers run. No controller,
  scheduler or kubelet calls another: each watches the API server, finds an object whose actual state differs
  from the desired state, reconciles its own small part and writes the result back. The next link sees that.

      client ──▶ API server ──▶ store
                     ▲ │ watch
        ┌────────────┼─┴──────────┬─────────────────┐
        Deployment   ReplicaSet   scheduler         kubelet ──▶ container runtime
        controller   controller

  This page is the whole story. The folders beside it, numbered in the order of the chain, have a chapter
  for each link.

  @CHAIN-01 @MUST
  Rule: One POST is enough: the Pods of a Deployment become ready without any further action by the client
    This is what all links achieve together; each of the ten steps is specified in the folder of its link.

    Scenario: The ten steps, from one POST to a running container
      # 1. The client POSTs a Deployment. The API server fills in defaults, stores it and answers.
      When Deployment "web" with 1 replica is created
      Then Deployment "web" has
        | field               | value         |
        | metadata.uid        | any           |
        | metadata.generation | 1             |
        | spec.strategy.type  | RollingUpdate |
      # 2. The API server notifies the Deployment controller, which watches Deployments.
      # 3. The Deployment controller finds no ReplicaSet for this template and creates one.
      And 1 ReplicaSet of Deployment "web" appears
      And each of them has
        | field                                                   | value                                 |
        | metadata.ownerReferences[0].uid                         | same as Deployment "web" metadata.uid |
        | metadata.annotations[deployment.kubernetes.io/revision] | "1"                                   |
        | spec.replicas                                           | 1                                     |
      # 4. The API server notifies the ReplicaSet controller, which watches ReplicaSets and Pods.
      # 5. The ReplicaSet controller counts no Pods where one is desired, and creates it, without a node.
      And 1 Pod of Deployment "web" appears
      And the Pod of Deployment "web" goes through:
        | field                                       | value   |
        | spec.nodeName                               | absent  |
        # 6. The API server notifies the scheduler, which watches Pods and takes those without a node.
        # 7. The scheduler filters and scores the nodes, and binds the Pod to the best one.
        | spec.nodeName                               | any     |
        # 8. The API server notifies the kubelet of that node, which watches the Pods bound to it.
        | status.startTime                            | any     |
        # 9. The kubelet has the container runtime pull the image and start the container.
        | status.containerStatuses[name=main].started | true    |
        # 10. The kubelet reports that the container runs and the Pod is ready.
        | status.phase                                | Running |
        | status.conditions[type=Ready].status        | True    |
      # The way back: each controller counts what the link after it has reported.
      And the ReplicaSet of Deployment "web" has
        | field                    | value |
        | status.readyReplicas     | 1     |
        | status.availableReplicas | 1     |
      And Deployment "web" has
        | field                                      | value                  |
        | status.observedGeneration                  | 1                      |
        | status.availableReplicas                   | 1                      |
        | status.conditions[type=Available].status   | True                   |
        | status.conditions[type=Progressing].reason | NewReplicaSetAvailable |

    Scenario Outline: The same with <replicas> replicas
      When Deployment "web" with <replicas> replicas is created
      Then <replicas> Pods of Deployment "web" appear
      And each of them has
        | field                                | value   |
        | status.phase                         | Running |
        | status.conditions[type=Ready].status | True    |
      And Deployment "web" has
        | field                | value      |
        | status.replicas      | <replicas> |
        | status.readyReplicas | <replicas> |

      Examples:
        | replicas |
        | 2        |
        | 5        |

  @CHAIN-02 @MUST
  Rule: Controller references lead from every Pod back to its Deployment
    Names prove nothing. Controllers and the garbage collector identify an owner by the uid in the owner
    reference. It is set from the first version on: an orphan is adopted by any controller that selects it.

    Scenario: From the Pod to the ReplicaSet to the Deployment
      When Deployment "web" with 2 replicas is created
      Then 2 Pods of Deployment "web" appear
      And each of them has
        | field                                  | value                                                   |
        | metadata.ownerReferences               | 1 item                                                  |
        | metadata.ownerReferences[0].kind       | ReplicaSet                                              |
        | metadata.ownerReferences[0].uid        | same as the ReplicaSet of Deployment "web" metadata.uid |
        | metadata.ownerReferences[0].controller | true                                                    |
      And the ReplicaSet of Deployment "web" has
        | field                                  | value                                 |
        | metadata.ownerReferences               | 1 item                                |
        | metadata.ownerReferences[0].kind       | Deployment                            |
        | metadata.ownerReferences[0].uid        | same as Deployment "web" metadata.uid |
        | metadata.ownerReferences[0].controller | true                                  |
      And the first version of a Pod of Deployment "web" has
        | field                    | value  |
        | metadata.ownerReferences | 1 item |
      And the first version of a ReplicaSet of Deployment "web" has
        | field                    | value  |
        | metadata.ownerReferences | 1 item |

  @CHAIN-03 @MUST
  Rule: Cause comes before effect
    No link acts on what the link before it has not stored yet. Two resources have no common clock, so the
    order across objects is that in which one observer receives them, and the order within a Pod is that of
    its versions.

    Scenario: Each object appears after its owner
      When Deployment "web" with 1 replica is created
      Then these happen in order:
        | object                             | field | value   |
        | Deployment "web"                   |       | appears |
        | the ReplicaSet of Deployment "web" |       | appears |
        | the Pod of Deployment "web"        |       | appears |

    Scenario: A Pod is created without a node
      Given Deployment "web" with 3 replicas is ready
      Then the first version of a Pod of Deployment "web" has
        | field            | value   |
        | spec.nodeName    | absent  |
        | status.phase     | Pending |
        | status.startTime | absent  |

    Scenario Outline: <effect> never comes before <cause>
      Given Deployment "web" is ready
      Then no version of a Pod of Deployment "web" has
        | field    | value    |
        | <effect> | <value>  |
        | <cause>  | <before> |

      Examples:
        | effect                               | value | cause                                             | before  |
        | status.startTime                     | any   | spec.nodeName                                     | absent  |
        | status.containerStatuses             | any   | spec.nodeName                                     | absent  |
        | status.conditions[type=Ready].status | True  | status.containerStatuses[name=main].state.running | absent  |
        | status.conditions[type=Ready].status | True  | status.phase                                      | Pending |

  @CHAIN-04 @MUST
  Rule: A Pod only goes forward: created, bound, accepted, running, ready
    The versions of one Pod are strictly ordered. Its node never changes and its phase never goes back.

    Scenario: The versions of one Pod
      When Deployment "web" with 1 replica is created
      Then the Pod of Deployment "web" goes through:
        | field                                | value   |
        | status.phase                         | Pending |
        | spec.nodeName                        | any     |
        | status.startTime                     | any     |
        | status.phase                         | Running |
        | status.conditions[type=Ready].status | True    |
      And the Pod of Deployment "web" only goes forward in
        | field            | order                                           |
        | spec.nodeName    | absent, then any                                |
        | status.startTime | absent, then any                                |
        | status.phase     | Pending, then Running, then Succeeded or Failed |

    @needs-containers
    Scenario: The sandbox is ready before the containers run, and a terminal phase precedes the removal
      Given Deployment "web" with 1 replica is ready
      When Deployment "web" is scaled to 0 replicas
      Then the Pod of Deployment "web" goes through:
        | field                                                    | value                    |
        | status.startTime                                         | any                      |
        | status.conditions[type=PodReadyToStartContainers].status | True                     |
        | status.phase                                             | Running                  |
        | metadata.deletionTimestamp                               | any                      |
        | status.phase                                             | one of Succeeded, Failed |
        |                                                          | no longer exists         |

  @CHAIN-05 @MUST
  Rule: Status flows back: a controller reports only what the link after it has reported
    The ReplicaSet controller counts ready Pods, the Deployment controller sums up what ReplicaSets report.

    Scenario: Ready Pod, then ReplicaSet, then Deployment
      When Deployment "web" with 1 replica is created
      Then these happen in order:
        | object                             | field                                | value |
        | the Pod of Deployment "web"        | status.conditions[type=Ready].status | True  |
        | the ReplicaSet of Deployment "web" | status.readyReplicas                 | 1     |
        | Deployment "web"                   | status.availableReplicas             | 1     |

    # podchain.dev/gate: a readiness gate. The Pod is not Ready until the scenario sets this condition to True.
    Scenario: Pods that are not ready are not reported as ready
      Given Deployment "web" with 2 replicas is created with
        | field                             | value                                |
        | spec.template.spec.readinessGates | [{conditionType: podchain.dev/gate}] |
      And 2 Pods of Deployment "web" appear
      When the readiness gates of the Pods of Deployment "web" are set to True
      Then these happen in order:
        | object                             | field                                | value |
        | the first Pod of Deployment "web"  | status.conditions[type=Ready].status | False |
        | the first Pod of Deployment "web"  | status.conditions[type=Ready].status | True  |
        | the ReplicaSet of Deployment "web" | status.readyReplicas                 | 2     |
        | Deployment "web"                   | status.readyReplicas                 | 2     |

  @CHAIN-06 @MUST @needs-links
  Rule: Without a link the chain stops exactly there
    Everything before the missing link is complete, nothing after it happens, and the chain continues when
    the link is back. This shows that no link bypasses the API server.

    Scenario: Without the Deployment controller there is no ReplicaSet
      Given the deployment-controller is stopped
      When Deployment "web" is created
      Then Deployment "web" keeps for 3 seconds
        | field                     | value  |
        | metadata.generation       | 1      |
        | status.observedGeneration | absent |
      And no ReplicaSet of Deployment "web" appears for 3 seconds
      When the deployment-controller is started
      Then 1 ReplicaSet of Deployment "web" appears

    Scenario: Without the ReplicaSet controller the ReplicaSet stays without Pods
      Given the replicaset-controller is stopped
      When Deployment "web" is created
      Then 1 ReplicaSet of Deployment "web" appears
      And no Pod of Deployment "web" appears for 3 seconds
      When the replicaset-controller is started
      Then 1 Pod of Deployment "web" appears

    Scenario: Without the scheduler the Pods stay without a node
      Given the scheduler is stopped
      When Deployment "web" is created
      Then 1 Pod of Deployment "web" appears
      And the Pod of Deployment "web" keeps for 3 seconds
        | field                                | value   |
        | spec.nodeName                        | absent  |
        | status.phase                         | Pending |
        | status.conditions[type=PodScheduled] | absent  |
      When the scheduler is started
      Then Deployment "web" is ready

    Scenario: Without the kubelet the Pods stay bound and Pending
      Given the kubelet is stopped
      When Deployment "web" is created
      Then the Pod of Deployment "web" has
        | field         | value |
        | spec.nodeName | any   |
      And the Pod of Deployment "web" keeps for 3 seconds
        | field                                       | value   |
        | status.conditions[type=PodScheduled].status | True    |
        | status.phase                                | Pending |
        | status.startTime                            | absent  |
      When the kubelet is started
      Then Deployment "web" is ready

  @CHAIN-07 @MUST
  Rule: Any link's part can be done by hand, and its neighbours react just the same
    Links agree on objects and have no private channels: who wrote an object does not matter.
    The Pods below with the schedulerName no-such-scheduler are ignored by the scheduler, which has another name.

    Scenario: A ReplicaSet created by hand gets its Pods
      When ReplicaSet "web" with 2 replicas is created
      Then 2 Pods of ReplicaSet "web" appear
      And ReplicaSet "web" is ready

    Scenario: A Pod created by hand is bound and run
      When Pod "a" is created
      Then Pod "a" goes through:
        | field                                | value |
        | spec.nodeName                        | any   |
        | status.conditions[type=Ready].status | True  |

    Scenario: A Pod bound by hand is run
      Given Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      When Pod "a" is bound manually to a ready node
      Then Pod "a" has
        | field                                       | value   |
        | status.conditions[type=PodScheduled].status | True    |
        | status.phase                                | Running |

    Scenario: A Pod reported Ready by hand is counted by its ReplicaSet and its Deployment
      Given Deployment "web" with 1 replica is created with
        | field                            | value             |
        | spec.template.spec.schedulerName | no-such-scheduler |
      When the status of the Pod of Deployment "web" is modified with
        | field             | value                           |
        | status.phase      | Running                         |
        | status.conditions | [{type: Ready, status: "True"}] |
      Then the ReplicaSet of Deployment "web" has
        | field                | value |
        | status.readyReplicas | 1     |
      And Deployment "web" has
        | field                                    | value |
        | status.availableReplicas                 | 1     |
        | status.conditions[type=Available].status | True  |

  @CHAIN-08 @SHOULD @needs-faults
  Rule: Each object is written by the link that is responsible for it
    The suite attributes a write to the link through whose tap it came: the manager in managedFields is a
    name that each implementation chooses, and a binding leaves no entry there.

    Scenario: The writers of a Deployment's objects until it is ready
      Given Deployment "web" with 1 replica is ready
      Then these links have written, and no others:
        | object                             | verb   | subresource | link                  |
        | the ReplicaSet of Deployment "web" | create |             | deployment-controller |
        | Deployment "web"                   | any    | status      | deployment-controller |
        | the Pod of Deployment "web"        | create |             | replicaset-controller |
        | the ReplicaSet of Deployment "web" | any    | status      | replicaset-controller |
        | the Pod of Deployment "web"        | create | binding     | scheduler             |
        | the Pod of Deployment "web"        | any    | status      | kubelet               |

  @EVENT-01 @SHOULD
  Rule: Each link records an Event on the object it handles
    Events are advisory: they tell people what happened; no link acts on them. Their number, texts and
    aggregation are not specified.

    Scenario: The Events of a healthy Deployment
      When Deployment "web" with 1 replica is created
      Then these events are recorded:
        | object                             | type   | reason            |
        | Deployment "web"                   | Normal | ScalingReplicaSet |
        | the ReplicaSet of Deployment "web" | Normal | SuccessfulCreate  |
        | the Pod of Deployment "web"        | Normal | Scheduled         |

    @needs-containers
    Scenario: The Events of a container start
      When Deployment "web" with 1 replica is created
      Then these events are recorded:
        | object                      | type   | reason  |
        | the Pod of Deployment "web" | Normal | Pulled  |
        | the Pod of Deployment "web" | Normal | Created |
        | the Pod of Deployment "web" | Normal | Started |

  @EVENT-03 @SHOULD
  Rule: An Event names the link that reports it
    Events of the core group name it in source.component, those of events.k8s.io in reportingComponent.

    Scenario: The sources of the Events of the controllers and the scheduler
      When Deployment "web" with 1 replica is created
      Then these events are recorded:
        | object                             | reason            | source                |
        | Deployment "web"                   | ScalingReplicaSet | deployment-controller |
        | the ReplicaSet of Deployment "web" | SuccessfulCreate  | replicaset-controller |
        | the Pod of Deployment "web"        | Scheduled         | default-scheduler     |

    @needs-containers
    Scenario: The kubelet's Events name the node too
      When Deployment "web" with 1 replica is created
      Then these events are recorded:
        | object                      | reason  | source  | host                                              |
        | the Pod of Deployment "web" | Started | kubelet | same as the Pod of Deployment "web" spec.nodeName |

  @IDEMP-03 @MUST
  Rule: Repeating a request is idempotent: nothing changes
    A client that sends the same manifest again, as kubectl apply does, finds everything unchanged.

    Scenario: The same manifest is applied twice
      Given Deployment "web" with 2 replicas is applied
      And Deployment "web" is ready
      When Deployment "web" with 2 replicas is applied
      Then nothing of Deployment "web" changes, while a new Deployment gets a ReplicaSet

    Scenario: The same manifest is created twice
      Given Deployment "web" is ready
      When a client POSTs Deployment "web"
      Then the API server answers 409 AlreadyExists
      And nothing of Deployment "web" changes, while a new Deployment gets a ReplicaSet

  @IDEMP-04 @MUST
  Rule: In the desired state no link writes any more
    Links compare before they write. Only heartbeats (Leases, Node status) and late Events continue.

    Scenario: A Deployment at rest
      Given Deployment "web" with 2 replicas is ready
      Then nothing of Deployment "web" changes for 10 seconds
