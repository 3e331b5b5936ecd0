Feature: API server: validation
  Some mistakes would make controllers fight each other or create objects without end. The API server
  refuses them, so no controller has to handle them.

  @API-VALID-01 @MUST
  Rule: A workload has a selector, and its Pod template matches it
    Otherwise its controller would create Pods for ever and find none of them.

    # These workloads want no Pods, so that a server that wrongly accepts one starts nothing.
    Scenario Outline: A <kind> with the selector <selector>
      When a client POSTs <kind> "web" with
        | field         | value      |
        | spec.selector | <selector> |
        | <none>        | <at all>   |
      Then the API server answers 422 Invalid
      And the causes are:
        | field   | reason   |
        | <cause> | <reason> |
      And <kind> "web" is not stored

      Examples:
        | kind        | selector                      | cause                         | reason             | none                            | at all       |
        | Deployment  | absent                        | spec.selector                 | FieldValueRequired | spec.replicas                   | 0            |
        | Deployment  | {}                            | spec.selector                 | FieldValueInvalid  | spec.replicas                   | 0            |
        | Deployment  | {matchLabels: {app: another}} | spec.template.metadata.labels | FieldValueInvalid  | spec.replicas                   | 0            |
        | ReplicaSet  | {}                            | spec.selector                 | FieldValueInvalid  | spec.replicas                   | 0            |
        | ReplicaSet  | {matchLabels: {app: another}} | spec.template.metadata.labels | FieldValueInvalid  | spec.replicas                   | 0            |
        | StatefulSet | {matchLabels: {app: another}} | spec.template.metadata.labels | FieldValueInvalid  | spec.replicas                   | 0            |
        | DaemonSet   | {matchLabels: {app: another}} | spec.template.metadata.labels | FieldValueInvalid  | spec.template.spec.nodeSelector | {no: node}   |

  @API-VALID-02 @MUST
  Rule: The selector of a workload is immutable
    The Pods selected so far would be left behind as orphans.

    Scenario: A Deployment
      Given Deployment "web" is created
      When a client reads Deployment "web" and PUTs it back with
        | field                               | value |
        | spec.selector.matchLabels[tier]     | front |
        | spec.template.metadata.labels[tier] | front |
      Then the API server answers 422 Invalid
      And the causes are:
        | field         | reason            |
        | spec.selector | FieldValueInvalid |

    Scenario: A ReplicaSet
      Given ReplicaSet "web" is created
      When a client reads ReplicaSet "web" and PUTs it back with
        | field                               | value |
        | spec.selector.matchLabels[tier]     | front |
        | spec.template.metadata.labels[tier] | front |
      Then the API server answers 422 Invalid
      And the causes are:
        | field         | reason            |
        | spec.selector | FieldValueInvalid |

  @API-VALID-07 @MUST
  Rule: Most of a Pod's spec is immutable
    Images, a shorter activeDeadlineSeconds and more tolerations are accepted. Other changes need a new Pod;
    above all the node, which is set by the binding (SCHED-02) or at creation, and in no other way.

    # no-such-scheduler: no scheduler has this name, so only the scenario writes to the Pod.
    Scenario Outline: <field> is refused
      Given Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      When a client reads Pod "a" and PUTs it back with
        | field   | value   |
        | <field> | <value> |
      Then the API server answers 422 Invalid
      And the causes are:
        | field | reason              |
        | spec  | FieldValueForbidden |
      And nothing of Pod "a" changes for 2 seconds

      Examples:
        | field                      | value                 |
        | spec.nodeName              | n1                    |
        | spec.containers[0].command | [sh]                  |
        | spec.containers[0].env     | [{name: A, value: b}] |
        | spec.schedulerName         | another               |
        | spec.restartPolicy         | Never                 |

    Scenario Outline: <field> is accepted
      Given Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      When a client reads Pod "a" and PUTs it back with
        | field   | value   |
        | <field> | <value> |
      Then the API server answers 200 OK
      And Pod "a" is stored with
        | field               | value      |
        | <field>             | <value>    |
        | metadata.generation | before + 1 |

      Examples:
        | field                      | value                        |
        | spec.containers[0].image   | web:2                        |
        | spec.activeDeadlineSeconds | 60                           |
        | spec.tolerations[key=use]  | {key: use, operator: Exists} |
