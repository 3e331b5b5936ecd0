Feature: API server: watch
  Steps 2, 4, 6 and 8 of the chain. Nobody tells a link what to do: it watches. The API server brings
  every watcher every change of what it watches, once and in order, from the version on that it names.

  @WATCH-01 @MUST
  Rule: A watch from a version brings every later change, once and in order
    Whoever lists and watches from the list's version misses nothing.

    Scenario: From the version of the first ConfigMap on
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
    A deleted object comes once more as it last was, with the version of its deletion.

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
  Rule: Who watches with a selector sees objects come and go as they begin and cease to match
    To such a watcher an object that no longer matches is deleted, with its last content that matched.

    Scenario: A label that comes, goes and comes again
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
  Rule: A binding moves a Pod from those who wait for Pods without a node to those who wait for theirs
    The scheduler watches Pods without a node, each kubelet the Pods of its own. Other nodes see nothing.

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

    Scenario: The watcher of a node, and that of another
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

    Scenario: The watcher of Pods that have not ended
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
    Links may see them at different times, never in different orders.

    Scenario: Ten watchers, ten writers
      Given ConfigMap "a" is created
      And 10 clients watch ConfigMaps from now on
      When 10 clients modify ConfigMap "a" at the same time, each setting a label of its own, retrying on conflict
      And ConfigMap "a" is deleted
      Then all watchers are notified of the same events in the same order
      And ConfigMap "a" no longer exists

  @WATCH-06 @MUST
  Rule: A watch without a version begins with what there is
    One ADDED for each object, then the changes. In which order the first ones come is open.

    Scenario Outline: From <where>
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
  Rule: A version that is no longer kept is reported as expired
    The watcher has to list again. To go on from some other version would be to skip changes silently.

    @needs-compaction
    Scenario: The API server no longer knows what came after
      Given ConfigMap "a" is created
      And ConfigMap "a" is modified with
        | field   | value |
        | data[k] | v     |
      And the history of the API server is compacted
      When a client watches ConfigMaps from the first version of ConfigMap "a"
      Then the watch ends with 410 Expired

  @WATCH-12 @MUST
  Rule: What changes nothing is not heard of
    Neither a write of what is there already, nor a request that was refused, nor a dry run.

    Scenario: Three requests without an effect, and one with
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
  Rule: Who goes on after a restart of the API server has missed nothing
    Its watches end with it. The store remembers, or the new one says that it does not know what came after.

    Scenario: A ConfigMap changes between the end of a watch and the next one
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
