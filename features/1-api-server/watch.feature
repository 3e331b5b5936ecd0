Feature: API server: watch
  Steps 2, 4, 6 and 8 of the chain. Links are not called, they watch. The API server delivers to every
  watcher every change of what it watches, once and in order, starting after the resourceVersion it names.

  @WATCH-01 @MUST
  Rule: A watch from a resourceVersion delivers every later change, once and in order
    A client that lists, and then watches from the resourceVersion of the list, misses nothing.

    Scenario: A watch from the version of the first ConfigMap
      Given ConfigMap "a" is created
      And ConfigMap "b" is created
      And ConfigMap "a" is modified with
        | field   | value |
        | data[k] | v     |
      And ConfigMap "b" is deleted
      When a client watches ConfigMaps with the label selector "app" from the first version of ConfigMap "a"
      Then the watcher is notified of
        | event    | metadata.name | data[k] |
        | ADDED    | b             | absent  |
        | MODIFIED | a             | v       |
        | DELETED  | b             | absent  |

  @WATCH-02 @MUST
  Rule: The event says what happened: added, modified or deleted
    DELETED carries the last state of the object, with the resourceVersion of the deletion.

    Scenario: The life of a ConfigMap
      Given a client watches ConfigMaps with the field selector "metadata.name=a" from now on
      When ConfigMap "a" is created
      And ConfigMap "a" is modified with
        | field   | value |
        | data[k] | v     |
      And ConfigMap "a" is deleted
      Then the watcher is notified of
        | event    | metadata.name | data[k] | metadata.resourceVersion |
        | ADDED    | a             | absent  | any                      |
        | MODIFIED | a             | v       | > the row before         |
        | DELETED  | a             | v       | > the row before         |

  @WATCH-03 @MUST
  Rule: A watch with a selector delivers ADDED when an object starts to match, DELETED when it stops
    For such a watcher an object that no longer matches is deleted; the event has the last matching content.

    Scenario: A label is set, changed and set again
      Given ConfigMap "a" is created
      And a client watches ConfigMaps with the label selector "tier=front" from now on
      When ConfigMap "a" is modified with
        | field                 | value |
        | metadata.labels[tier] | front |
      And ConfigMap "a" is modified with
        | field   | value |
        | data[k] | v     |
      And ConfigMap "a" is modified with
        | field                 | value |
        | metadata.labels[tier] | back  |
      And ConfigMap "a" is modified with
        | field   | value |
        | data[k] | w     |
      And ConfigMap "a" is modified with
        | field                 | value |
        | metadata.labels[tier] | front |
      Then the watcher is notified of
        | event    | metadata.name | metadata.labels[tier] | data[k] |
        | ADDED    | a             | front                 | absent  |
        | MODIFIED | a             | front                 | v       |
        | DELETED  | a             | front                 | v       |
        | ADDED    | a             | front                 | w       |

  @WATCH-04 @MUST
  Rule: A binding moves a Pod from the watch for Pods without a node to the watch of its node
    Each kubelet watches the Pods of its own node and sees no others. The scheduler watches all Pods that
    have not terminated.

    # no-such-scheduler: no scheduler has this name, so the Pod has no node until the scenario binds it.
    Scenario: The watcher of Pods without a node
      Given a client watches Pods with the field selector "spec.nodeName=" from now on
      When Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      And Pod "a" is bound manually to Node "here"
      Then the watcher is notified of
        | event   | metadata.name | spec.nodeName | metadata.resourceVersion                 |
        | ADDED   | a             | absent        | any                                      |
        | DELETED | a             | absent        | same as Pod "a" metadata.resourceVersion |

    Scenario: The watcher of one node sees no Pod of another
      Given a client watches Pods with the field selector "spec.nodeName=here" from now on
      When Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      And Pod "b" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      And Pod "b" is bound manually to Node "there"
      And Pod "a" is bound manually to Node "here"
      Then the watcher is notified of
        | event | metadata.name | spec.nodeName | metadata.resourceVersion                 |
        | ADDED | a             | here          | same as Pod "a" metadata.resourceVersion |

    Scenario: The watcher of Pods that have not terminated
      Given Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      And a client watches Pods with the field selector "status.phase!=Succeeded,status.phase!=Failed" from now on
      When the status of Pod "a" is modified with
        | field        | value     |
        | status.phase | Succeeded |
      Then the watcher is notified of
        | event   | metadata.name | status.phase |
        | DELETED | a             | Pending      |

  @WATCH-05 @MUST
  Rule: All watchers see the same changes in the same order
    They may see them at different times, never in different orders.

    Scenario: Ten watchers, ten writers
      Given ConfigMap "a" is created
      And 10 clients watch ConfigMaps from now on
      When 10 clients modify ConfigMap "a" at the same time, each setting a label of its own, retrying on conflict
      And ConfigMap "a" is deleted
      Then all watchers are notified of the same events in the same order
      And ConfigMap "a" no longer exists

  @WATCH-06 @MUST
  Rule: A watch without a resourceVersion begins with the objects that exist
    One ADDED for each object, then the changes. The order of the initial events is not specified.

    Scenario Outline: A watch <where>
      Given ConfigMap "a" is created with
        | field              | value |
        | metadata.labels[w] | yes   |
      When a client watches ConfigMaps with the label selector "w=yes" <where>
      And ConfigMap "b" is created with
        | field              | value |
        | metadata.labels[w] | yes   |
      Then the watcher is notified of
        | event | metadata.name |
        | ADDED | a             |
        | ADDED | b             |

      Examples:
        | where                     |
        | without a resourceVersion |
        | from resourceVersion 0    |

  @WATCH-09 @MUST
  Rule: A resourceVersion that is no longer available is reported as expired
    The watcher has to list again. Continuing from another version would silently skip changes.

    @needs-compaction
    Scenario: The history after the version is no longer kept
      Given ConfigMap "a" is created
      And ConfigMap "a" is modified with
        | field   | value |
        | data[k] | v     |
      And the history of the API server is compacted
      When a client watches ConfigMaps from the first version of ConfigMap "a"
      Then the watch ends with 410 Expired

  @WATCH-12 @MUST
  Rule: A request that changes nothing causes no event
    Neither a write of the same content, nor a refused request, nor a dry run.

    Scenario: Three requests without effect, and one with
      Given ConfigMap "a" is created
      And a client watches ConfigMaps with the field selector "metadata.name=a" from now on
      When a client reads ConfigMap "a" and PUTs it back
      And a client POSTs ConfigMap "a"
      And a client PATCHes ConfigMap "a" by merge patch with the query "dryRun=All":
        """
        {"data": {"k": "dry"}}
        """
      And a client PATCHes ConfigMap "a" by merge patch:
        """
        {"data": {"k": "wet"}}
        """
      Then the watcher is notified of
        | event    | metadata.name | data[k] |
        | MODIFIED | a             | wet     |

  @WATCH-16 @MUST @needs-links
  Rule: A watch resumed after a restart of the API server misses nothing
    The restart ends all watches. From the last version that a watcher has seen, the new API server delivers
    every later change, or reports that version as expired.

    Scenario: ConfigMaps change between the end of a watch and its resumption
      Given ConfigMap "a" is created
      And a client watches ConfigMaps with the label selector "app" from now on
      And ConfigMap "a" is modified with
        | field   | value |
        | data[k] | v     |
      And the watcher is notified of
        | event    | metadata.name | data[k] |
        | MODIFIED | a             | v       |
      When the api-server is stopped
      Then the watch ends
      When the api-server is started
      And ConfigMap "a" is modified with
        | field   | value |
        | data[k] | w     |
      And ConfigMap "b" is created
      And ConfigMap "a" is deleted
      And a client watches ConfigMaps with the label selector "app" from where the last watch ended
      Then the watch ends with 410 Expired, or the watcher is notified of
        | event    | metadata.name | data[k] |
        | MODIFIED | a             | w       |
        | ADDED    | b             | absent  |
        | DELETED  | a             | w       |
