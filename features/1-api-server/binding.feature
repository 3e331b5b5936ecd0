Feature: API server: binding
  Step 7 of the chain ends here. Any scheduler assigns a Pod to a node by a POST to the Pod's binding. The
  API server accepts the first binding and refuses all others, so two schedulers never assign one Pod twice.

  @SCHED-03 @MUST
  Rule: An invalid or late binding is refused, and the Pod stays unchanged
    Whether the node exists is not checked: a Pod bound to a missing node waits for it.

    # no-such-scheduler: no scheduler has this name, so the Pod has no node until the scenario binds it.
    Scenario Outline: <fault>
      Given Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      When a client sends POST "/api/v1/namespaces/{namespace}/pods/<pod>/binding" with:
        """
        {"apiVersion": "v1", "kind": "Binding", "metadata": {<metadata>}, "target": {<target>}}
        """
      Then the API server answers <answer>
      And nothing of Pod "a" changes for 2 seconds

      Examples:
        | fault                   | pod     | metadata                                                   | target                       | answer         |
        | The uid of another Pod  | a       | "name": "a", "uid": "00000000-0000-4000-8000-000000000000" | "kind": "Node", "name": "n1" | 409 Conflict   |
        | A Pod that is not there | nothing | "name": "nothing"                                          | "kind": "Node", "name": "n1" | 404 NotFound   |
        | The name of another Pod | a       | "name": "b"                                                | "kind": "Node", "name": "n1" | 400 BadRequest |

    Scenario Outline: A target that is not a node: <target>
      Given Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      When a client sends POST "/api/v1/namespaces/{namespace}/pods/a/binding" with:
        """
        {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "a"}, "target": {<target>}}
        """
      Then the API server refuses it
      And nothing of Pod "a" changes for 2 seconds

      Examples:
        | target                      |
        | "kind": "Node", "name": ""  |
        | "kind": "Pod", "name": "n1" |

    Scenario: The Pod is already bound
      Given Pod "a" is created with
        | field         | value               |
        | spec.nodeName | {namespace}-nowhere |
      When a client sends POST "/api/v1/namespaces/{namespace}/pods/a/binding" with:
        """
        {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "a"}, "target": {"kind": "Node", "name": "elsewhere"}}
        """
      Then the API server answers 409 Conflict
      And Pod "a" is stored with
        | field         | value              |
        | spec.nodeName | matches /nowhere$/ |

    Scenario: The Pod is terminating
      Given Pod "a" is created with
        | field               | value              |
        | spec.schedulerName  | no-such-scheduler  |
        | metadata.finalizers | [example.com/hold] |
      And Pod "a" is deleted
      When a client sends POST "/api/v1/namespaces/{namespace}/pods/a/binding" with:
        """
        {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "a"}, "target": {"kind": "Node", "name": "n1"}}
        """
      Then the API server answers 409 Conflict
      And Pod "a" is stored with
        | field         | value  |
        | spec.nodeName | absent |

    Scenario: The Pod has a scheduling gate
      Given Pod "a" is created with
        | field                | value                       |
        | spec.schedulingGates | [{name: example.com/later}] |
      When a client sends POST "/api/v1/namespaces/{namespace}/pods/a/binding" with:
        """
        {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "a"}, "target": {"kind": "Node", "name": "n1"}}
        """
      Then the API server answers 409 Conflict
      And Pod "a" is stored with
        | field         | value  |
        | spec.nodeName | absent |

    Scenario: Ten schedulers at once
      Given Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      When 10 clients bind Pod "a" at the same time
      Then 1 answer is 201 Created
      And 9 answers are 409 Conflict
