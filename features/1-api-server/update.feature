Feature: API server: update
  Many clients and links write the same objects, at the same time and without coordination. By optimistic
  concurrency the API server makes sure that none of them overwrites a change that it has not seen.

  @API-UPDATE-01 @MUST
  Rule: A PUT with an outdated resourceVersion is refused with 409 Conflict
    The client reads the object again and decides anew.

    Scenario: Another client was faster
      Given Deployment "web" is ready
      And Deployment "web" is modified with
        | field              | value |
        | metadata.labels[a] | b     |
      When a client reads Deployment "web" and PUTs it back with
        | field                    | value     |
        | metadata.resourceVersion | the first |
        | metadata.labels[a]       | c         |
      Then the API server answers 409 Conflict
      And Deployment "web" is stored with
        | field              | value |
        | metadata.labels[a] | b     |

  @API-UPDATE-03 @MUST
  Rule: No update is lost
    Every client that retries on conflict succeeds in the end, and no change is overwritten.

    Scenario: Ten clients add a label each
      Given ConfigMap "a" is created
      When 10 clients modify ConfigMap "a" at the same time, each setting a label of its own, retrying on conflict
      Then 10 answers are 200 OK
      And ConfigMap "a" is stored with
        | field           | value                                                                                                              |
        | metadata.labels | includes client-1, client-2, client-3, client-4, client-5, client-6, client-7, client-8, client-9, client-10 |

  @API-UPDATE-05 @MUST
  Rule: An object can be changed by JSON patch, merge patch, strategic merge patch and apply
    They differ in how they address what to change.

    Scenario Outline: <type>
      Given Deployment "web" is created
      When a client PATCHes Deployment "web" by <type>:
        """
        <patch>
        """
      Then the API server answers 200 OK
      And Deployment "web" is stored with
        | field         | value |
        | spec.replicas | 3     |

      Examples:
        | type                  | patch                                                     |
        | JSON patch            | [{"op": "replace", "path": "/spec/replicas", "value": 3}] |
        | merge patch           | {"spec": {"replicas": 3}}                                 |
        | strategic merge patch | {"spec": {"replicas": 3}}                                 |

    Scenario Outline: A list of containers in a <type>
      Given Deployment "web" with 0 replicas is created
      When a client PATCHes Deployment "web" by <type>:
        """
        {"spec": {"template": {"spec": {"containers": [{"name": "side", "image": "pause:1"}]}}}}
        """
      Then the API server answers 200 OK
      And Deployment "web" is stored with
        | field                                         | value        |
        | spec.template.spec.containers                 | <containers> |
        | spec.template.spec.containers[name=side]      | any          |
        | spec.template.spec.containers[name=main]      | <main>       |

      Examples:
        | type                  | containers | main   |
        | strategic merge patch | 2 items    | any    |
        | merge patch           | 1 item     | absent |

    Scenario: Apply
      Given ConfigMap "a" is created
      When a client PATCHes ConfigMap "a" by apply with the query "fieldManager=somebody":
        """
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"new": "1"}}
        """
      Then the API server answers 200 OK
      And ConfigMap "a" is stored with
        | field     | value |
        | data[new] | "1"   |

    Scenario Outline: <fault>
      Given Deployment "web" is created
      When a client PATCHes Deployment "web" by <type>:
        """
        <patch>
        """
      Then the API server answers <answer>
      And Deployment "web" is stored with
        | field         | value |
        | spec.replicas | 1     |

      Examples:
        | fault                           | type          | patch                                                         | answer                   |
        | A media type that is not served | unknown patch | {}                                                            | 415 UnsupportedMediaType |
        | A patch that cannot be decoded  | merge patch   | {"spec":                                                      | 400 BadRequest           |
        | A path that is not there        | JSON patch    | [{"op": "replace", "path": "/spec/nothing/here", "value": 3}] | 422 Invalid              |
        | A test that does not hold       | JSON patch    | [{"op": "test", "path": "/spec/replicas", "value": 7}]        | 422 Invalid              |
        | A result that is not valid      | merge patch   | {"spec": {"replicas": -1}}                                    | 422 Invalid              |

  @API-UPDATE-09 @MUST
  Rule: A write of the object does not change its status
    Desired state and status have different writers.

    Scenario Outline: The status of a <kind> in a PUT
      Given <kind> "web" is ready
      When a client reads <kind> "web" and PUTs it back with
        | field              | value   |
        | metadata.labels[a] | b       |
        | <field>            | <value> |
      Then the API server answers 200 OK
      And the answer has
        | field              | value     |
        | metadata.labels[a] | b         |
        | <field>            | unchanged |

      Examples:
        | kind       | field           | value  |
        | Deployment | status.replicas | 7      |
        | ReplicaSet | status.replicas | 7      |
        | Pod        | status.phase    | Failed |

    Scenario Outline: The status of a <kind> in a POST
      When a client POSTs <kind> "web" with
        | field                | value |
        | status.readyReplicas | 7     |
      Then the API server answers 201 Created
      And the answer has
        | field                | value  |
        | status.readyReplicas | absent |

      Examples:
        | kind        |
        | Deployment  |
        | ReplicaSet  |
        | StatefulSet |

  @API-UPDATE-10 @MUST
  Rule: A write of the status changes neither the spec nor the generation
    A Deployment's annotations can be written there too: its controller keeps the revision in them.

    Scenario: The status of a Deployment
      Given Deployment "web" is ready
      When a client PATCHes the status of Deployment "web" by merge patch:
        """
        {"metadata": {"annotations": {"example.com/a": "b"}, "labels": {"a": "b"}},
         "spec": {"replicas": 7},
         "status": {"conditions": [{"type": "Mine", "status": "True"}]}}
        """
      Then the API server answers 200 OK
      And the answer has
        | field                               | value     |
        | status.conditions[type=Mine].status | True      |
        | metadata.annotations[example.com/a] | b         |
        | metadata.labels[a]                  | absent    |
        | spec.replicas                       | unchanged |
        | metadata.generation                 | unchanged |

    # no-such-scheduler: no scheduler has this name, so only the scenario writes to the Pod.
    Scenario: The status of a Pod
      Given Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      When a client PATCHes the status of Pod "a" by strategic merge patch:
        """
        {"spec": {"activeDeadlineSeconds": 7},
         "status": {"conditions": [{"type": "example.com/mine", "status": "True"}]}}
        """
      Then the API server answers 200 OK
      And Pod "a" is stored with
        | field                                           | value     |
        | status.conditions[type=example.com/mine].status | True      |
        | status.qosClass                                 | unchanged |
        | spec.activeDeadlineSeconds                      | absent    |
        | metadata.generation                             | unchanged |

  @API-UPDATE-11 @MUST
  Rule: The scale subresource of a workload has its desired replicas, its current replicas and its selector
    Autoscalers and kubectl scale use it; they need to know nothing else about the kind.

    Scenario Outline: Reading the scale of a <kind>
      Given <kind> "web" with 2 replicas is ready
      When a client sends GET "/apis/apps/v1/namespaces/{namespace}/<resource>/web/scale"
      Then the API server answers 200 OK
      And the answer has
        | field                      | value                                           |
        | kind                       | Scale                                           |
        | apiVersion                 | autoscaling/v1                                  |
        | metadata.name              | web                                             |
        | metadata.uid               | same as <kind> "web" metadata.uid               |
        | metadata.creationTimestamp | same as <kind> "web" metadata.creationTimestamp |
        | spec.replicas              | 2                                               |
        | status.replicas            | 2                                               |
        | status.selector            | app=web                                         |

      Examples:
        | kind        | resource     |
        | Deployment  | deployments  |
        | ReplicaSet  | replicasets  |
        | StatefulSet | statefulsets |

    Scenario Outline: Writing the scale: <patch>
      Given Deployment "web" with 0 replicas is ready
      When a client PATCHes the scale of Deployment "web" by merge patch:
        """
        <patch>
        """
      Then the API server answers <answer>
      And Deployment "web" is stored with
        | field               | value        |
        | spec.replicas       | <replicas>   |
        | metadata.generation | <generation> |

      Examples:
        | patch                                                           | answer       | replicas | generation |
        | {"spec": {"replicas": 1}}                                       | 200 OK       | 1        | before + 1 |
        | {"spec": {"replicas": 0}}                                       | 200 OK       | 0        | unchanged  |
        | {"spec": {"replicas": -1}}                                      | 422 Invalid  | 0        | unchanged  |
        | {"spec": {"replicas": 3}, "metadata": {"resourceVersion": "1"}} | 409 Conflict | 0        | unchanged  |
