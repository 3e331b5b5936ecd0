Feature: The API server and its store
  Step 1 of the chain ends in the store: etcd, or a server that speaks its protocol. Only the API server
  writes there, and the revision of a write is the resourceVersion that all clients see. The stored values
  are internal to the API server: only keys and revisions are checked here.

  @STORE-01 @MUST
  Rule: A created object is stored under a key made of its resource, namespace and name
    The keys are below the prefix of the API server, by default /registry/. Nodes are stored as minions, as
    they were called when the layout of the keys was fixed.

    @needs-store
    Scenario: A Deployment, its ReplicaSet and its Pod
      Given the store is watched from now on
      When Deployment "web" with 1 replica is created
      Then the store holds:
        | object                             | key                            |
        | Deployment "web"                   | deployments/{namespace}/web    |
        | the ReplicaSet of Deployment "web" | replicasets/{namespace}/{name} |
        | the Pod of Deployment "web"        | pods/{namespace}/{name}        |

    @needs-store @needs-nodes
    Scenario: A Node and its Lease
      Given the store is watched from now on
      When these nodes join:
        | name |
        | a    |
      Then the store holds:
        | object                | key                           |
        | Node "a"              | minions/{name}                |
        | the Lease of Node "a" | leases/kube-node-lease/{name} |

  @STORE-02 @MUST
  Rule: The resourceVersion of an object is the revision of its key
    The API server does not make it up: otherwise two API servers on one store would disagree.

    @needs-store
    Scenario: A ConfigMap is created and modified
      Given the store is watched from now on
      When a client POSTs ConfigMap "a"
      Then the API server answers 201 Created
      And the store created ConfigMap "a" at the resourceVersion of the answer
      And the store holds ConfigMap "a" at its resourceVersion
      When ConfigMap "a" is modified with
        | field   | value |
        | data[k] | v     |
      Then the store holds ConfigMap "a" at its resourceVersion

    @needs-store
    Scenario: Many links write to one Deployment
      Given the store is watched from now on
      And Deployment "web" with 2 replicas is ready
      When Deployment "web" is scaled to 3 replicas
      Then Deployment "web" is ready
      And the store holds Deployment "web" at its resourceVersion
      And the store holds the ReplicaSet of Deployment "web" at its resourceVersion

  @STORE-03 @MUST
  Rule: Every change in the store is notified at the same revision, and nothing else is
    No link bypasses the API server to write, and watchers neither miss a change nor see one twice.

    @needs-store
    Scenario: A Deployment is created, scaled and deleted
      Given the store is watched from now on
      And Deployment "web" with 2 replicas is ready
      When Deployment "web" is scaled to 3 replicas
      Then Deployment "web" is ready
      When Deployment "web" is deleted in the foreground
      Then Deployment "web" no longer exists
      And every change of these kinds in the store is a watch event of the same revision, and vice versa:
        | kind       |
        | Deployment |
        | ReplicaSet |
        | Pod        |
        | Event      |

  @STORE-04 @MUST
  Rule: A request without effect writes nothing, and a deletion removes the key
    A revision that changes nothing would wake every watcher in vain.

    @needs-store
    Scenario: An unchanged object is PUT back
      Given ConfigMap "a" is created
      And the store is watched from now on
      When a client reads ConfigMap "a" and PUTs it back
      Then the API server answers 200 OK
      And nothing is written to the store for ConfigMap "a", while a new ConfigMap is

    @needs-store
    Scenario Outline: A PUT that the API server answers with <answer>
      Given ConfigMap "a" is created
      And the store is watched from now on
      When a client reads ConfigMap "a" and PUTs it back with
        | field   | value   |
        | data[k] | v       |
        | <field> | <value> |
      Then the API server answers <answer>
      And nothing is written to the store for ConfigMap "a", while a new ConfigMap is

      Examples:
        | answer       | field             | value                                |
        | 409 Conflict | metadata.uid      | 00000000-0000-0000-0000-000000000000 |
        | 422 Invalid  | metadata.labels   | {"not good": a}                      |

    @needs-store
    Scenario: A dry run of a change
      Given ConfigMap "a" is created
      And the store is watched from now on
      When a client PATCHes ConfigMap "a" by merge patch with the query "dryRun=All":
        """
        {"data": {"k": "dry"}}
        """
      Then the API server answers 200 OK
      And nothing is written to the store for ConfigMap "a", while a new ConfigMap is

    @needs-store
    Scenario: A POST of a name that exists
      Given ConfigMap "a" is created
      And the store is watched from now on
      When a client POSTs ConfigMap "a"
      Then the API server answers 409 AlreadyExists
      And nothing is written to the store for ConfigMap "a", while a new ConfigMap is

    @needs-store
    Scenario Outline: A Deployment that is not created: <answer>
      Given the store is watched from now on
      When a client POSTs Deployment "web" with the query "<query>" and with
        | field         | value      |
        | spec.replicas | <replicas> |
      Then the API server answers <answer>
      And nothing is written to the store for Deployment "web", while a new ConfigMap is

      Examples:
        | answer      | query       | replicas |
        | 422 Invalid |             | -1       |
        | 201 Created | dryRun=All  | 1        |

    @needs-store
    Scenario: Deletions, with and without a finalizer
      Given the store is watched from now on
      And ConfigMap "a" is created
      And ConfigMap "b" is created with
        | field               | value              |
        | metadata.finalizers | [example.com/hold] |
      When ConfigMap "b" is deleted
      And ConfigMap "a" is deleted
      Then the store no longer holds ConfigMap "a"
      And the store holds ConfigMap "b" at its resourceVersion
      When ConfigMap "b" is modified with
        | field               | value |
        | metadata.finalizers | []    |
      Then the store no longer holds ConfigMap "b"

  @STORE-05 @MUST
  Rule: While the API server is down nothing is written to the store
    All other links keep running and have something to write: a kubelet renews its Lease every ten seconds.
    When the API server is back, the chain continues.

    @needs-links @needs-store @time-based
    Scenario: All links run except the API server
      Given Deployment "web" with 2 replicas is ready
      And the store is watched from now on
      When the api-server is stopped
      Then nothing is written to the store for 15 seconds
      When the api-server is started
      Then the API server is ready
      When Deployment "web" is scaled to 3 replicas
      Then Deployment "web" is ready
      And the store holds Deployment "web" at its resourceVersion

  @STORE-06 @SHOULD
  Rule: Links reach the API server, but not the store
    What can be checked from outside: the store accepts only the client certificate of the API server, which
    no link has, and the chain works.

    @needs-store
    Scenario: A client without the certificate, and the chain
      Then the store refuses clients without the API server's certificate
      When Deployment "web" with 1 replica is created
      Then Deployment "web" is ready

  @STORE-07 @MUST
  Rule: Acknowledged writes survive a restart of the API server
    With uid, resourceVersion and content. A write that was not answered is stored completely or not at all.

    @needs-links
    Scenario: The API server is restarted
      Given Deployment "web" with 1 replica is ready
      And ConfigMap "a" is created with
        | field   | value |
        | data[k] | v     |
      When the api-server is stopped
      And the api-server is started
      Then the API server is ready
      And ConfigMap "a" is stored as before
      When Deployment "web" is scaled to 2 replicas
      Then Deployment "web" is ready

    @needs-links
    Scenario: It is stopped in the middle of many requests
      When the api-server is stopped while 8 clients POST ConfigMaps
      And the api-server is started
      Then the API server is ready
      And every acknowledged ConfigMap is stored as answered, and every other one completely or not at all

  @STORE-08 @SHOULD
  Rule: While the store is unavailable no write succeeds, and the API server reports that it is not ready
    When the store is back, the chain continues, and no link has to be restarted.

    @needs-outage @time-based
    Scenario: An outage of the store
      Given Deployment "web" with 1 replica is ready
      When the store goes down
      Then the API server cannot store ConfigMap "a"
      And the API server is not ready
      When the store comes back
      Then the API server is ready
      When Deployment "web" is scaled to 2 replicas
      Then Deployment "web" is ready

  @STORE-09 @MAY
  Rule: Events are stored with a time to live
    They have a lease in the store, by default of one hour.

    @needs-store
    Scenario: The Events about a Deployment
      Given the store is watched from now on
      When Deployment "web" with 1 replica is created
      Then these events are recorded:
        | object           | type   | reason            |
        | Deployment "web" | Normal | ScalingReplicaSet |
      And the store holds the Events about Deployment "web" under a lease
