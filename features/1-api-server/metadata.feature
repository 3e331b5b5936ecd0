Feature: API server: metadata
  Every stored object carries what holds the chain together: a uid that is never reused, a resourceVersion
  that grows with every change, and a generation that tells changes of the desired state from changes of
  the status.

  @API-META-01 @MUST
  Rule: A uid belongs to one object and is never reused
    References between objects are by uid, so a new object of the same name is not mistaken for the old one.

    Scenario: The uid cannot be changed
      Given ConfigMap "a" is created
      When a client reads ConfigMap "a" and PUTs it back with
        | field        | value                                |
        | metadata.uid | 00000000-0000-4000-8000-000000000000 |
      Then the API server answers 409 Conflict
      And ConfigMap "a" is stored with
        | field        | value                                                                    |
        | metadata.uid | matches /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/ |

    Scenario: A new object of the same name gets another uid
      Given ConfigMap "a" is created
      And ConfigMap "a" is deleted
      When a client POSTs ConfigMap "a"
      Then the API server answers 201 Created
      And the answer has
        | field        | value   |
        | metadata.uid | changed |

  @API-META-02 @MUST
  Rule: creationTimestamp is set once, by the server
    In UTC and whole seconds. No update changes it.

    Scenario: A PUT does not change the creationTimestamp
      Given Deployment "web" is created
      When a client reads Deployment "web" and PUTs it back with
        | field                      | value                |
        | metadata.creationTimestamp | 2001-01-01T00:00:00Z |
        | metadata.labels[a]         | b                    |
      Then Deployment "web" is stored with
        | field                      | value     |
        | metadata.labels[a]         | b         |
        | metadata.creationTimestamp | unchanged |
      And Deployment "web" has
        | field                      | value                                       |
        | metadata.creationTimestamp | matches /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ |

  @API-META-03 @MUST
  Rule: The resourceVersion is a decimal number that grows with every stored change
    Across all objects of one resource. By how much it grows is not specified; versions of two resources are
    not compared.

    Scenario: Two changes of one object
      Given ConfigMap "a" is created
      When ConfigMap "a" is modified with
        | field   | value |
        | data[k] | v     |
      Then ConfigMap "a" is stored with
        | field                    | value    |
        | metadata.resourceVersion | > before |
      And ConfigMap "a" is stored with
        | field                    | value                |
        | metadata.resourceVersion | matches /^[1-9]\d*$/ |

    Scenario: Two objects of one resource
      Given ConfigMap "a" is created
      When ConfigMap "b" is created
      Then ConfigMap "b" is stored with
        | field                    | value                                      |
        | metadata.resourceVersion | > {ConfigMap "a" metadata.resourceVersion} |

  @API-META-04 @MUST
  Rule: A write that changes nothing succeeds and creates no new version
    Otherwise controllers that write what they have read would trigger each other for ever.

    Scenario: A PUT of the object just read
      Given ConfigMap "a" is created
      When a client reads ConfigMap "a" and PUTs it back
      Then the API server answers 200 OK
      And ConfigMap "a" is stored with
        | field                    | value     |
        | metadata.resourceVersion | unchanged |
        | metadata.managedFields   | unchanged |

    Scenario Outline: The same label again, by <type>
      Given ConfigMap "a" is created with
        | field              | value |
        | metadata.labels[k] | v     |
      When a client PATCHes ConfigMap "a" by <type>:
        """
        <patch>
        """
      Then the API server answers 200 OK
      And ConfigMap "a" is stored with
        | field                    | value     |
        | metadata.resourceVersion | unchanged |

      Examples:
        | type                  | patch                                                       |
        | merge patch           | {"metadata": {"labels": {"k": "v"}}}                        |
        | merge patch           | {}                                                          |
        | strategic merge patch | {"metadata": {"labels": {"k": "v"}}}                        |
        | JSON patch            | [{"op": "add", "path": "/metadata/labels/k", "value": "v"}] |

    Scenario: An identical apply
      Given ConfigMap "a" is applied
      When ConfigMap "a" is applied
      Then ConfigMap "a" is stored with
        | field                    | value     |
        | metadata.resourceVersion | unchanged |

  @API-META-05 @MUST
  Rule: A Deployment's generation counts the changes of its spec and of its annotations
    It starts at 1 and grows by one. Labels, finalizers and status do not count, and a generation sent by a
    client is ignored. The Deployment controller compares it with observedGeneration.

    Scenario Outline: A change of <field>
      Given Deployment "web" with 0 replicas is ready
      When Deployment "web" is modified with
        | field   | value   |
        | <field> | <value> |
      Then Deployment "web" is stored with
        | field               | value        |
        | metadata.generation | <generation> |

      Examples:
        | field                                  | value              | generation |
        | spec.replicas                          | 1                  | before + 1 |
        | spec.template.spec.containers[0].image | web:2              | before + 1 |
        | spec.paused                            | true               | before + 1 |
        | metadata.annotations[example.com/a]    | b                  | before + 1 |
        | metadata.labels[a]                     | b                  | unchanged  |
        | metadata.finalizers                    | [example.com/hold] | unchanged  |
        | metadata.generation                    | 7                  | unchanged  |
        | spec.replicas                          | 0                  | unchanged  |

    Scenario: An annotation written through the status subresource
      Given Deployment "web" with 0 replicas is ready
      When the status of Deployment "web" is modified with
        | field                               | value |
        | metadata.annotations[example.com/a] | b     |
      Then Deployment "web" is stored with
        | field                               | value     |
        | metadata.annotations[example.com/a] | b         |
        | metadata.generation                 | unchanged |

    Scenario: The client sends a generation of its own
      When a client POSTs Deployment "web" with
        | field               | value |
        | metadata.generation | 100   |
      Then the answer has
        | field               | value |
        | metadata.generation | 1     |

  @API-META-09 @MUST
  Rule: observedGeneration catches up with generation and never exceeds it
    A client that reads both knows whether the status reflects the spec beside it.

    Scenario Outline: A <kind> is changed
      Given <kind> "web" with 0 replicas is ready
      When <kind> "web" is scaled to 1 replica
      Then <kind> "web" has
        | field                     | value |
        | metadata.generation       | 2     |
        | status.observedGeneration | 2     |
      And <kind> "web" only goes forward in
        | field                     | order  |
        | status.observedGeneration | rising |
      And no version of <kind> "web" has
        | field                     | value |
        | metadata.generation       | 1     |
        | status.observedGeneration | > 1   |

      Examples:
        | kind        |
        | Deployment  |
        | ReplicaSet  |
        | StatefulSet |

    Scenario: A DaemonSet
      When DaemonSet "web" is created
      Then DaemonSet "web" has
        | field                     | value |
        | metadata.generation       | 1     |
        | status.observedGeneration | 1     |

    Scenario: A Pod
      When Pod "a" is created
      Then Pod "a" has
        | field                     | value |
        | metadata.generation       | 1     |
        | status.observedGeneration | 1     |
