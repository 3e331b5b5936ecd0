Feature: API server: delete
  Some objects are removed at once; others are terminating first, until their finalizers are removed, or
  until the kubelet that runs the Pod has stopped it gracefully.

  @API-DELETE-01 @MUST
  Rule: A Deployment is removed at once; its dependents follow later
    The garbage collector deletes them (GC-02).

    Scenario: DELETE without any option
      Given Deployment "web" is ready
      When a client DELETEs Deployment "web"
      Then the API server answers 200 OK
      And Deployment "web" is not stored
      And no version of Deployment "web" has
        | field                      | value |
        | metadata.deletionTimestamp | any   |

  @API-DELETE-06 @MUST
  Rule: A finalizer keeps an object until the finalizer is removed
    The object is marked for deletion by its deletionTimestamp and stays readable. The mark cannot be
    removed, and no finalizer can be added any more.

    Scenario: Marked for deletion, held by the finalizer, removed
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

    Scenario: Another finalizer cannot be added
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

    Scenario: The mark cannot be removed
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
  Rule: A Pod that is bound to a node is deleted gracefully
    Its deletionTimestamp is ahead by the grace period; the Pod stays until the kubelet confirms that it has
    stopped. A Pod without a node is removed at once.

    Scenario Outline: gracePeriodSeconds <options> for a Pod with a grace period of 5 seconds
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

    # no-such-scheduler: no scheduler has this name, so the Pod has no node.
    Scenario: A Pod without a node
      Given Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      When a client DELETEs Pod "a"
      Then the API server answers 200 OK
      And Pod "a" is not stored
