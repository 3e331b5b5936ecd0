Feature: What happens when the chain is disturbed
  Links are stopped in the middle of their work, connections break, replies get lost, somebody changes by
  hand what a link has made. In the end nothing of it may be seen: every link looks at what there is and
  what there should be, does the rest, and does it once.

  @RECOVER-01 @MUST @needs-links
  Rule: A controller that was away acts on what it finds, not on what has happened
    It is level-triggered: what was asked for in between, and not any more, it need not know.

    Scenario Outline: A <kind> was scaled up and down, one was created, and one was deleted
      Given <kind> "scaled" with 1 replica is ready
      And <kind> "deleted" with 1 replica is ready
      And the <link> is stopped
      When <kind> "scaled" is modified to 4 replicas
      And <kind> "scaled" is modified to 2 replicas
      And <kind> "created" with 2 replicas is created
      And <kind> "deleted" is deleted
      And the <link> is started
      Then 2 Pods of <kind> "scaled" appear
      And 2 Pods of <kind> "created" appear
      And <kind> "scaled" is ready
      And <kind> "created" is ready
      And the Pod of <kind> "deleted" is gone

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

  @RECOVER-03 @MUST @needs-links
  Rule: A scheduler that was away places what waits for it, each Pod once
    What the nodes have left it learns from the Pods that are there (SCHED-24).

    Scenario: Pods came while it was away
      Given the scheduler is stopped
      When Deployment "web" with 3 replicas is created
      Then 3 Pods of Deployment "web" appear
      When the scheduler is started
      Then Deployment "web" is ready
      And each of them only goes forward in
        | field         | order            |
        | spec.nodeName | absent, then any |

  @RECOVER-04 @MUST @needs-links @needs-containers
  Rule: A kubelet that was away runs what was bound to its node, and ends what was deleted
    The containers of all others have gone on meanwhile (KUBELET-40 to KUBELET-42).

    Scenario: A Deployment was scaled, and one of its Pods was deleted
      Given Deployment "web" with 2 replicas is ready
      And the kubelet is stopped
      When Deployment "web" is modified to 3 replicas
      And one of the Pods of Deployment "web" is deleted
      Then 4 Pods of Deployment "web" appear
      When the kubelet is started
      Then that Pod is gone
      And Deployment "web" is ready

  @RECOVER-05 @MUST @needs-links
  Rule: A garbage collector that was away collects what was orphaned meanwhile
    Nobody else does (GC-10).

    Scenario: A Deployment was deleted
      Given Deployment "web" with 2 replicas is ready
      And the garbage-collector is stopped
      When Deployment "web" is deleted
      Then Deployment "web" is gone
      And the ReplicaSet of Deployment "web" keeps for 2 seconds
        | field                      | value  |
        | metadata.deletionTimestamp | absent |
      When the garbage-collector is started
      Then the ReplicaSet of Deployment "web" is gone
      And the first Pod of Deployment "web" is gone
      And the second Pod of Deployment "web" is gone

  @RECOVER-06 @MUST @needs-links
  Rule: The chain goes on where it was when the API server is back
    What was acknowledged is stored, what was not is asked for again. Links connect again by themselves.
    A Pod that was stored without an answer is one too many for a moment, and then goes (IDEMP-01).

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

  @RECOVER-09 @MUST
  Rule: What somebody changes by hand is put right, with nothing changed in the Deployment
    Controllers compare what there is with what was asked for, whoever made the difference.

    Scenario: The ReplicaSet is told another number
      Given Deployment "web" with 2 replicas is ready
      When the ReplicaSet of Deployment "web" is modified to 4 replicas
      Then the ReplicaSet of Deployment "web" goes through:
        | field         | value |
        | spec.replicas | 2     |
        | spec.replicas | 4     |
        | spec.replicas | 2     |
      And Deployment "web" is ready

    Scenario: A Pod is taken out of the ReplicaSet by its label
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
      And that Pod is gone
      And Deployment "web" is ready

    Scenario: The ReplicaSet is deleted
      Given Deployment "web" with 2 replicas is ready
      When the ReplicaSet of Deployment "web" is deleted
      Then 1 more ReplicaSet of Deployment "web" appears
      And 2 more Pods of Deployment "web" appear
      And Deployment "web" is ready

  @IDEMP-05 @MUST
  Rule: Of many who change one Deployment at the same time each has its effect once
    Whoever was too late reads again and tries again. The generation tells of every change.

    Scenario: Twenty clients
      Given Deployment "web" with 0 replicas is created with
        | field                            | value   |
        | spec.template.spec.schedulerName | by-hand |
      When 20 clients modify Deployment "web" at the same time, each to one replica more, trying again on conflict
      Then 20 answers are 200 OK
      And Deployment "web" has
        | field                     | value |
        | metadata.generation       | 21    |
        | spec.replicas             | 20    |
        | status.observedGeneration | 21    |
        | status.replicas           | 20    |
      And 20 Pods of Deployment "web" appear

  @IDEMP-06 @MUST
  Rule: Many Deployments at the same time do not get in each other's way
    Each gets its own ReplicaSet and its own Pods, as many as it asks for.

    Scenario: Thirty Deployments
      When 30 Deployments with 3 replicas are created at the same time with
        | field                            | value   |
        | spec.template.spec.schedulerName | by-hand |
      Then each of them has
        | field                     | value |
        | status.observedGeneration | 1     |
        | status.replicas           | 3     |
        | status.updatedReplicas    | 3     |
      And each of them has got 1 ReplicaSet
      And each of them has got 3 Pods
