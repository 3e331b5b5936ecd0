Feature: API server: binding
  Step 7 of the chain ends here. A scheduler, whichever it is, places a Pod by a POST to the Pod's binding.
  The API server takes the first and refuses the rest, so two schedulers can do no harm.

  @SCHED-03 @MUST
  Rule: A binding that is wrong or late is refused, and the Pod stays as it was
    Whether the node exists is not checked: the Pod would wait for it.

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

    Scenario Outline: A target that is no node: <target>
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

    Scenario: The Pod is bound already
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

    Scenario: The Pod is on its way out
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

    Scenario: The Pod is not to be scheduled yet
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
