Feature: Garbage collector
  Nobody deletes Pods when a Deployment is deleted. Every object names its owners; the garbage collector
  watches all of them and removes what has no owner left.

  @GC-01 @MUST
  Rule: An object whose owners are all gone is deleted
    An owner is known by its uid: one of the same name is another one.

    Scenario: The owner has never been there
      When ConfigMap "orphan" is created with
        | field                    | value                                                                                        |
        | metadata.ownerReferences | [{apiVersion: v1, kind: ConfigMap, name: nobody, uid: 00000000-0000-4000-8000-000000000000}] |
      Then ConfigMap "orphan" no longer exists

    Scenario: An owner of that name is there, and is another one
      Given ConfigMap "owner" is created
      When ConfigMap "orphan" is created with
        | field                    | value                                                                                       |
        | metadata.ownerReferences | [{apiVersion: v1, kind: ConfigMap, name: owner, uid: 00000000-0000-4000-8000-000000000000}] |
      Then ConfigMap "orphan" no longer exists
      And ConfigMap "owner" keeps for 2 seconds
        | field                      | value  |
        | metadata.deletionTimestamp | absent |

    Scenario: The owner is there, and then it is not
      Given ConfigMap "owner" is created
      And ConfigMap "owned" is created with
        | field                    | value                                                                                     |
        | metadata.ownerReferences | [{apiVersion: v1, kind: ConfigMap, name: owner, uid: '{ConfigMap "owner" metadata.uid}'}] |
      And ConfigMap "owned" keeps for 2 seconds
        | field                      | value  |
        | metadata.deletionTimestamp | absent |
      When ConfigMap "owner" is deleted
      Then ConfigMap "owned" no longer exists

  @GC-02 @MUST
  Rule: Deleted in the background: the Deployment goes first, then its ReplicaSet, then its Pods
    It is the default. The client does one thing and nothing more. A controller that has not heard of it
    yet may make again what is gone, which then goes the same way.

    Scenario: A Deployment is deleted, in the way that is the default
      Given Deployment "web" with 2 replicas is ready
      When Deployment "web" is deleted
      Then these happen in order:
        | object                                   | field | value            |
        | Deployment "web"                         |       | no longer exists |
        | the first ReplicaSet of Deployment "web" |       | no longer exists |
        | the first Pod of Deployment "web"        |       | no longer exists |
      And the second Pod of Deployment "web" no longer exists

    Scenario: A Deployment is deleted in the background
      Given Deployment "web" with 2 replicas is ready
      When Deployment "web" is deleted in the background
      Then these happen in order:
        | object                                   | field | value            |
        | Deployment "web"                         |       | no longer exists |
        | the first ReplicaSet of Deployment "web" |       | no longer exists |
        | the first Pod of Deployment "web"        |       | no longer exists |
      And the second Pod of Deployment "web" no longer exists

  @GC-03 @MUST
  Rule: Deleted in the foreground: the Pods go first, then the ReplicaSet, then the Deployment
    The owner stays, marked, until all dependents that block its deletion are gone. A ReplicaSet
    controller that has not heard of the mark yet may replace a Pod, which then goes the same way.

    Scenario: A Deployment
      Given Deployment "web" with 1 replica is ready
      When Deployment "web" is deleted in the foreground
      Then these happen in order:
        | object                                   | field                      | value            |
        | Deployment "web"                         | metadata.deletionTimestamp | any              |
        | the first ReplicaSet of Deployment "web" | metadata.deletionTimestamp | any              |
        | the first Pod of Deployment "web"        |                            | no longer exists |
        | the first ReplicaSet of Deployment "web" |                            | no longer exists |
        | Deployment "web"                         |                            | no longer exists |

    Scenario: A dependent that blocks is waited for
      Given ConfigMap "owner" is created
      And ConfigMap "owned" is created with
        | field                    | value                                                                                                               |
        | metadata.ownerReferences | [{apiVersion: v1, kind: ConfigMap, name: owner, uid: '{ConfigMap "owner" metadata.uid}', blockOwnerDeletion: true}] |
        | metadata.finalizers      | [example.com/hold]                                                                                                  |
      When ConfigMap "owner" is deleted in the foreground
      Then ConfigMap "owned" has
        | field                      | value |
        | metadata.deletionTimestamp | any   |
      And ConfigMap "owner" keeps for 2 seconds
        | field                      | value                       |
        | metadata.deletionTimestamp | any                         |
        | metadata.finalizers        | includes foregroundDeletion |
      When ConfigMap "owned" is modified with
        | field               | value  |
        | metadata.finalizers | absent |
      Then ConfigMap "owner" no longer exists

    Scenario: A dependent that does not block is not waited for
      Given ConfigMap "owner" is created
      And ConfigMap "owned" is created with
        | field                    | value                                                                                                                |
        | metadata.ownerReferences | [{apiVersion: v1, kind: ConfigMap, name: owner, uid: '{ConfigMap "owner" metadata.uid}', blockOwnerDeletion: false}] |
        | metadata.finalizers      | [example.com/hold]                                                                                                   |
      When ConfigMap "owner" is deleted in the foreground
      Then ConfigMap "owner" no longer exists
      And ConfigMap "owned" has
        | field                      | value |
        | metadata.deletionTimestamp | any   |

  @GC-10 @MUST @needs-links
  Rule: What was deleted while the collector was away is dealt with when it is back
    In the background, where the owner is gone long since, and in the foreground, where it waits.

    Scenario: Two owners are deleted, each in its way
      Given ConfigMap "gone" is created
      And ConfigMap "of-gone" is created with
        | field                    | value                                                                                   |
        | metadata.ownerReferences | [{apiVersion: v1, kind: ConfigMap, name: gone, uid: '{ConfigMap "gone" metadata.uid}'}] |
      And ConfigMap "waits" is created
      And ConfigMap "of-waits" is created with
        | field                    | value                                                                                                               |
        | metadata.ownerReferences | [{apiVersion: v1, kind: ConfigMap, name: waits, uid: '{ConfigMap "waits" metadata.uid}', blockOwnerDeletion: true}] |
      And the garbage-collector is stopped
      When ConfigMap "gone" is deleted in the background
      And ConfigMap "waits" is deleted in the foreground
      Then ConfigMap "gone" no longer exists
      And ConfigMap "of-gone" keeps for 1 second
        | field                      | value  |
        | metadata.deletionTimestamp | absent |
      And ConfigMap "waits" has
        | field               | value                       |
        | metadata.finalizers | includes foregroundDeletion |
      When the garbage-collector is started
      Then ConfigMap "of-gone" no longer exists
      And these happen in order:
        | object               | field | value            |
        | ConfigMap "of-waits" |       | no longer exists |
        | ConfigMap "waits"    |       | no longer exists |
