Feature: What happens when the chain is disturbed
  Links are stopped in the middle of their work, connections break, replies get lost, objects are changed by
  hand. In the end none of this shows: every link reconciles the actual state with the desired state, does
  what is missing, and does it once.

  @RECOVER-01 @MUST @needs-links
  Rule: A controller that was down acts on the state it finds, not on the events it missed
    It is level-triggered: it need not know about changes in between that no longer apply.

    Scenario Outline: A <kind> was scaled up and down, one was created, and one was deleted
      Given <kind> "scaled" with 1 replica is ready
      And <kind> "deleted" with 1 replica is ready
      And the <link> is stopped
      When <kind> "scaled" is scaled to 4 replicas
      And <kind> "scaled" is scaled to 2 replicas
      And <kind> "created" with 2 replicas is created
      And <kind> "deleted" is deleted
      And the <link> is started
      Then 2 Pods of <kind> "scaled" appear
      And 2 Pods of <kind> "created" appear
      And <kind> "scaled" is ready
      And <kind> "created" is ready
      And the first Pod of <kind> "deleted" no longer exists

      Examples:
        | kind        | link                   |
        | Deployment  | deployment-controller  |
        | ReplicaSet  | replicaset-controller  |
        | StatefulSet | statefulset-controller |

    Scenario: The template of a Deployment was changed twice
      Given Deployment "web" with 2 replicas is ready
      And the deployment-controller is stopped
      When Deployment "web" is modified with
        | field                              | value |
        | spec.template.metadata.labels[now] | no    |
      And Deployment "web" is modified with
        | field                              | value |
        | spec.template.metadata.labels[now] | yes   |
      And the deployment-controller is started
      Then 1 more ReplicaSet of Deployment "web" appears
      And each of them has
        | field                              | value |
        | spec.template.metadata.labels[now] | yes   |
      And Deployment "web" is ready

  @RECOVER-02 @MUST @needs-links @needs-faults
  Rule: A controller that is stopped while it creates Pods creates the rest after its restart
    It counts the Pods that exist instead of relying on memory.

    Scenario: The ReplicaSet controller is restarted after two of five Pods
      Given requests of the replicaset-controller meet these faults
        | verb   | resource | effect     | times |
        | create | pods     | delay 10ms | 2     |
        | create | pods     | answer 500 |       |
      When ReplicaSet "web" with 5 replicas is created
      Then 2 Pods of ReplicaSet "web" appear
      When the replicaset-controller is stopped
      And the faults end
      And the replicaset-controller is started
      Then 3 more Pods of ReplicaSet "web" appear
      And ReplicaSet "web" is ready
      And ReplicaSet "web" never has more than 5 active Pods

  @RECOVER-03 @MUST @needs-links
  Rule: A scheduler that was down binds the Pods that wait for it, each once
    It derives the free resources of the nodes from the Pods that exist (SCHED-24).

    Scenario: Pods were created while it was down
      Given the scheduler is stopped
      When Deployment "web" with 3 replicas is created
      Then 3 Pods of Deployment "web" appear
      When the scheduler is started
      Then Deployment "web" is ready
      And each of them only goes forward in
        | field         | order            |
        | spec.nodeName | absent, then any |

  @RECOVER-04 @MUST @needs-links @needs-containers
  Rule: A kubelet that was down runs the Pods bound to its node and terminates deleted ones
    The containers of all other Pods keep running meanwhile (KUBELET-40 to KUBELET-42).

    Scenario: A Deployment was scaled, and one of its Pods was deleted
      Given Deployment "web" with 2 replicas is ready
      And the kubelet is stopped
      When Deployment "web" is scaled to 3 replicas
      And one of the Pods of Deployment "web" is deleted
      Then 4 Pods of Deployment "web" appear
      When the kubelet is started
      Then that Pod no longer exists
      And Deployment "web" is ready

  @RECOVER-05 @MUST @needs-links
  Rule: A garbage collector that was down deletes the dependents of owners that were deleted meanwhile
    No other link does (GC-10).

    Scenario: A Deployment was deleted
      Given Deployment "web" with 2 replicas is ready
      And the garbage-collector is stopped
      When Deployment "web" is deleted
      Then Deployment "web" no longer exists
      And the ReplicaSet of Deployment "web" keeps for 2 seconds
        | field                      | value  |
        | metadata.deletionTimestamp | absent |
      When the garbage-collector is started
      Then the ReplicaSet of Deployment "web" no longer exists
      And the first Pod of Deployment "web" no longer exists
      And the second Pod of Deployment "web" no longer exists

  @RECOVER-06 @MUST @needs-links
  Rule: When the API server is back, the chain continues where it was
    Acknowledged writes are stored, all others are retried. Links reconnect by themselves. A Pod that was
    stored without an answer is a surplus Pod for a moment, and is then deleted (IDEMP-01).

    Scenario Outline: It is restarted as soon as <object> has <field>
      When Deployment "web" with 3 replicas is created
      And <object> has
        | field   | value |
        | <field> | any   |
      And the api-server is stopped
      And the api-server is started
      Then Deployment "web" is ready
      And 1 ReplicaSet of Deployment "web" appears
      And the ReplicaSet of Deployment "web" has
        | field                | value |
        | status.replicas      | 3     |
        | status.readyReplicas | 3     |

      Examples:
        | object                             | field            |
        | Deployment "web"                   | metadata.uid     |
        | the ReplicaSet of Deployment "web" | metadata.uid     |
        | the first Pod of Deployment "web"  | spec.nodeName    |
        | the first Pod of Deployment "web"  | status.startTime |

  @RECOVER-07 @MUST @needs-links @needs-faults
  Rule: A link whose watch has ended catches up on what it has missed
    It resumes the watch where it was, or lists again if that version has expired, and then forgets objects
    that were deleted meanwhile. A link has one watch for all namespaces, so other users of the cluster are
    disturbed, too.

    Scenario Outline: The watch of the <link> is broken while a Pod is deleted
      Given Deployment "web" with 2 replicas is ready
      When requests of the <link> meet these faults
        | verb  | resource | effect |
        | watch | pods     | cut    |
      And one of the Pods of Deployment "web" is deleted
      And Deployment "late" is created
      And the faults end
      Then that Pod no longer exists
      And 3 Pods of Deployment "web" appear
      And Deployment "web" is ready
      And Deployment "late" is ready

      Examples:
        | link                  |
        | replicaset-controller |
        | scheduler             |
        | kubelet               |

    Scenario Outline: The version to resume from has expired for the <link>, and <deleted> is gone
      Given Deployment "web" with 2 replicas is ready
      When requests of the <link> meet these faults
        | verb  | resource   | effect     | times |
        | watch | <resource> | answer 410 | 1     |
        | watch | <resource> | delay 1s   | 1     |
        | watch | <resource> | cut        |       |
      And <deleted> is deleted
      Then 1 more <kind> of Deployment "web" appears
      And Deployment "web" is ready

      Examples:
        | link                  | resource    | deleted                              | kind       |
        | deployment-controller | replicasets | the ReplicaSet of Deployment "web"   | ReplicaSet |
        | replicaset-controller | pods        | one of the Pods of Deployment "web"  | Pod        |

  @RECOVER-08 @SHOULD @needs-replicas
  Rule: When the leader of two replicas of a link fails, the other takes over, and they never act together
    A Lease says which one leads. A crash does not release it: it expires, by default after 15 seconds.

    @time-based
    Scenario Outline: The leader of the <link> is killed
      Given the <link> runs with two replicas
      When Deployment "before" with 2 replicas is created
      Then 2 Pods of Deployment "before" appear
      And Deployment "before" is ready
      When the leader of the <link> is killed
      And Deployment "after" with 2 replicas is created
      And Deployment "before" is scaled to 3 replicas
      Then 1 more Pod of Deployment "before" appears
      And 2 Pods of Deployment "after" appear
      And Deployment "before" is ready
      And Deployment "after" is ready
      And 1 ReplicaSet of Deployment "after" appears

      Examples:
        | link                  |
        | deployment-controller |
        | replicaset-controller |
        | scheduler             |

  @RECOVER-09 @MUST
  Rule: Manual changes to a Deployment's objects are reconciled without a change of the Deployment
    Controllers compare the actual with the desired state, whatever caused the difference.

    Scenario: The ReplicaSet is scaled
      Given Deployment "web" with 2 replicas is ready
      When the ReplicaSet of Deployment "web" is scaled to 4 replicas
      Then the ReplicaSet of Deployment "web" goes through:
        | field         | value |
        | spec.replicas | 2     |
        | spec.replicas | 4     |
        | spec.replicas | 2     |
      And Deployment "web" is ready

    Scenario: A Pod is relabelled, and released by the ReplicaSet
      Given Deployment "web" with 2 replicas is ready
      When one of the Pods of Deployment "web" is modified with
        | field                | value |
        | metadata.labels[app] | other |
      Then 1 more Pod of Deployment "web" appears
      And that Pod has
        | field                    | value  |
        | metadata.ownerReferences | absent |
      And Deployment "web" is ready

    Scenario: A Pod is deleted
      Given Deployment "web" with 2 replicas is ready
      When one of the Pods of Deployment "web" is deleted
      Then 1 more Pod of Deployment "web" appears
      And that Pod no longer exists
      And Deployment "web" is ready

    Scenario: The ReplicaSet is deleted
      Given Deployment "web" with 2 replicas is ready
      When the ReplicaSet of Deployment "web" is deleted
      Then 1 more ReplicaSet of Deployment "web" appears
      And each of them has
        | field                | value |
        | status.readyReplicas | 2     |
      And Deployment "web" is ready

  @IDEMP-01 @MUST @needs-faults
  Rule: A lost reply leaves no duplicates behind
    The API server has done what the link asked for, and the link does not know. It finds the ReplicaSet by
    its name and the binding on the Pod; surplus Pods are deleted.

    Scenario Outline: The reply to <verb> <resource> <subresource> is lost
      Given requests of the <link> meet these faults
        | verb   | resource   | subresource   | effect     | times |
        | create | <resource> | <subresource> | lose reply | 1     |
      When Deployment "web" with 2 replicas is created
      Then Deployment "web" is ready
      And 1 ReplicaSet of Deployment "web" appears
      And Deployment "web" never has more than <most> active Pods
      And the ReplicaSet of Deployment "web" has
        | field           | value |
        | spec.replicas   | 2     |
        | status.replicas | 2     |
      And no version of a Pod of Deployment "web" has
        | field         | value  |
        | spec.nodeName | absent |
        | status.phase  | not Pending |

      Examples:
        | link                  | verb   | resource    | subresource | most |
        | deployment-controller | create | replicasets |             | 2    |
        | replicaset-controller | create | pods        |             | 3    |
        | scheduler             | create | pods        | binding     | 2    |

  @IDEMP-02 @MUST @needs-faults
  Rule: Refused and delayed writes are retried, and only delay the result
    A conflict, too many requests, a server error, a slow answer, a broken connection: the link retries with
    back-off, however often it takes. It does not wait for an event to retry: there may be none. It gives up
    only if the object is gone, or if another object has its name.

    Scenario Outline: Every link meets <effect>
      Given requests of the deployment-controller meet these faults
        | verb   | resource    | subresource | effect   | times   |
        | create | replicasets |             | <effect> | <times> |
        | update | deployments | status      | <effect> | <times> |
      And requests of the replicaset-controller meet these faults
        | verb   | resource    | subresource | effect   | times   |
        | create | pods        |             | <effect> | <times> |
        | update | replicasets | status      | <effect> | <times> |
      And requests of the scheduler meet these faults
        | verb   | resource    | subresource | effect   | times   |
        | create | pods        | binding     | <effect> | <times> |
      And requests of the kubelet meet these faults
        | verb   | resource    | subresource | effect   | times   |
        | patch  | pods        | status      | <effect> | <times> |
      When Deployment "web" with 2 replicas is created
      Then Deployment "web" is ready
      And 1 ReplicaSet of Deployment "web" appears
      And 2 Pods of Deployment "web" appear

      Examples:
        | effect     | times |
        | answer 409 | 2     |
        | answer 429 | 2     |
        | answer 500 | 2     |
        | cut        | 2     |
        | delay 1s   | 1     |

    Scenario Outline: The <link> meets <effect> six times in a row: <verb> <resource> <subresource>
      Given requests of the <link> meet these faults
        | verb   | resource   | subresource   | effect   | times |
        | <verb> | <resource> | <subresource> | <effect> | 6     |
      When Deployment "web" with 1 replica is created
      Then Deployment "web" is ready
      And 1 ReplicaSet of Deployment "web" appears
      And 1 Pod of Deployment "web" appears

      Examples:
        | link                  | verb   | resource    | subresource | effect     |
        | deployment-controller | create | replicasets |             | answer 409 |
        | deployment-controller | create | replicasets |             | answer 429 |
        | deployment-controller | create | replicasets |             | answer 500 |
        | deployment-controller | create | replicasets |             | cut        |
        | deployment-controller | update | deployments | status      | answer 409 |
        | deployment-controller | update | deployments | status      | answer 429 |
        | deployment-controller | update | deployments | status      | answer 500 |
        | deployment-controller | update | deployments | status      | cut        |
        | replicaset-controller | create | pods        |             | answer 409 |
        | replicaset-controller | create | pods        |             | answer 429 |
        | replicaset-controller | create | pods        |             | answer 500 |
        | replicaset-controller | create | pods        |             | cut        |
        | replicaset-controller | update | replicasets | status      | answer 409 |
        | replicaset-controller | update | replicasets | status      | answer 429 |
        | replicaset-controller | update | replicasets | status      | answer 500 |
        | replicaset-controller | update | replicasets | status      | cut        |

      # A scheduler's back-off grows up to ten seconds; some kubelets retry a status only in their periodic
      # sync, every ten seconds.
      @time-based
      Examples:
        | link      | verb   | resource | subresource | effect     |
        | scheduler | create | pods     | binding     | answer 409 |
        | scheduler | create | pods     | binding     | answer 429 |
        | scheduler | create | pods     | binding     | answer 500 |
        | scheduler | create | pods     | binding     | cut        |
        | kubelet   | patch  | pods     | status      | answer 409 |
        | kubelet   | patch  | pods     | status      | answer 429 |
        | kubelet   | patch  | pods     | status      | answer 500 |
        | kubelet   | patch  | pods     | status      | cut        |

    @time-based
    Scenario Outline: The <link> meets <effect> <times> times in a row: delete <resource>
      Given Deployment "web" with 1 replica is ready
      And requests of the <link> meet these faults
        | verb   | resource   | effect   | times   |
        | delete | <resource> | <effect> | <times> |
      When Deployment "web" is deleted
      Then Deployment "web" no longer exists
      And the ReplicaSet of Deployment "web" no longer exists
      And the first Pod of Deployment "web" no longer exists

      Examples:
        | link              | resource    | effect     | times |
        | garbage-collector | replicasets | answer 409 | 6     |
        | garbage-collector | replicasets | answer 500 | 6     |
        | garbage-collector | pods        | answer 409 | 6     |
        | garbage-collector | pods        | answer 500 | 6     |
        | kubelet           | pods        | answer 409 | 3     |
        | kubelet           | pods        | answer 500 | 3     |

  @IDEMP-05 @MUST
  Rule: Concurrent changes of one Deployment each take effect once
    A client that gets a conflict reads again and retries. Every change raises the generation.

    # no-such-scheduler: no scheduler has this name, so the Pods get no node.
    Scenario: Twenty clients
      Given Deployment "web" with 0 replicas is created with
        | field                            | value             |
        | spec.template.spec.schedulerName | no-such-scheduler |
      When 20 clients modify Deployment "web" at the same time, each adding one replica, retrying on conflict
      Then 20 answers are 200 OK
      And Deployment "web" has
        | field                     | value |
        | metadata.generation       | 21    |
        | spec.replicas             | 20    |
        | status.observedGeneration | 21    |
        | status.replicas           | 20    |
      And 20 Pods of Deployment "web" appear

  @IDEMP-06 @MUST
  Rule: Many Deployments at the same time do not interfere with each other
    Each gets its own ReplicaSet and its own Pods, as many as it asks for.

    Scenario: Thirty Deployments
      When 30 Deployments with 3 replicas are created at the same time with
        | field                            | value             |
        | spec.template.spec.schedulerName | no-such-scheduler |
      Then each of them has
        | field                     | value |
        | status.observedGeneration | 1     |
        | status.replicas           | 3     |
        | status.updatedReplicas    | 3     |
      And 1 ReplicaSet of each of them appears
      And 3 Pods of each of them appear
