Feature: API server: delete
  To delete is to ask for an end. Some objects are gone at once; others have something to be done first,
  by whoever put a finalizer on them, or by the kubelet that runs them.

  @API-DELETE-01 @MUST
  Rule: A Deployment is removed at once; what it owns follows later
    The garbage collector sees to what it owns (GC-02).

    Scenario: DELETE without any option
      Given Deployment "web" is ready
      When a client DELETEs Deployment "web"
      Then the API server answers 200 OK
      And Deployment "web" is not stored
      And no version of Deployment "web" has
        | field                      | value |
        | metadata.deletionTimestamp | any   |

  @API-DELETE-06 @MUST
  Rule: A finalizer holds an object until somebody takes it off
    The object is marked and stays readable. It cannot be unmarked, and no finalizer can be added any more.

    Scenario: Marked, held, released
      Given ConfigMap "a" is created with
        | field               | value              |
        | metadata.finalizers | [example.com/hold] |
      And ConfigMap "a" is deleted
      And ConfigMap "a" is stored with
        | field                      | value |
        | metadata.deletionTimestamp | any   |
      When ConfigMap "a" is modified with
        | field               | value  |
        | metadata.finalizers | absent |
      Then ConfigMap "a" no longer exists

    Scenario: A finalizer more
      Given ConfigMap "a" is created with
        | field               | value              |
        | metadata.finalizers | [example.com/hold] |
      And ConfigMap "a" is deleted
      When a client reads ConfigMap "a" and PUTs it back with
        | field               | value                                |
        | metadata.finalizers | [example.com/hold, example.com/more] |
      Then the API server answers 422 Invalid
      And the causes are:
        | field               | reason              |
        | metadata.finalizers | FieldValueForbidden |

    Scenario: The mark cannot be taken off
      Given ConfigMap "a" is created with
        | field               | value              |
        | metadata.finalizers | [example.com/hold] |
      And ConfigMap "a" is deleted
      When a client reads ConfigMap "a" and PUTs it back with
        | field                      | value  |
        | metadata.deletionTimestamp | absent |
      Then ConfigMap "a" is stored with
        | field                      | value     |
        | metadata.deletionTimestamp | unchanged |

  @API-DELETE-07 @MUST
  Rule: A Pod that a node runs gets time to end
    The deletion time lies ahead by the grace period; the Pod stays until the kubelet confirms. A Pod that
    nobody runs is gone at once.

    Scenario Outline: <options> for a Pod with a grace period of 5 seconds
      Given Pod "a" is created with
        | field                              | value               |
        | spec.nodeName                      | {namespace}-nowhere |
        | spec.terminationGracePeriodSeconds | 5                   |
      When a client DELETEs Pod "a" with
        | field              | value     |
        | gracePeriodSeconds | <options> |
      Then the API server answers 200 OK
      And the answer has
        | field                               | value   |
        | kind                                | Pod     |
        | metadata.deletionTimestamp          | any     |
        | metadata.deletionGracePeriodSeconds | <grace> |
      And Pod "a" is stored with
        | field                      | value                                  |
        | metadata.deletionTimestamp | > {Pod "a" metadata.creationTimestamp} |

      Examples:
        | options | grace |
        | absent  | 5     |
        | 60      | 60    |
        | -1      | 1     |

    Scenario: A Pod without a node
      Given Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      When a client DELETEs Pod "a"
      Then the API server answers 200 OK
      And Pod "a" is not stored
