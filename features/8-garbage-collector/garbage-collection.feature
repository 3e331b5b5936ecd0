Feature: Garbage collector
  The Deployment controller does not delete the Pods of a deleted Deployment. Every object names its owners;
  the garbage collector watches all objects and deletes dependents that have no owner left.

  @GC-01 @MUST
  Rule: An object whose owners are all gone is deleted
    An owner is identified by its uid: a new object of the same name is another object.

    Scenario: The owner never existed
      When ConfigMap "orphan" is created with
        | field                    | value                                                                                        |
        | metadata.ownerReferences | [{apiVersion: v1, kind: ConfigMap, name: nobody, uid: 00000000-0000-4000-8000-000000000000}] |
      Then ConfigMap "orphan" no longer exists

    Scenario: Another object has the name of the owner
      Given ConfigMap "owner" is created
      When ConfigMap "orphan" is created with
        | field                    | value                                                                                       |
        | metadata.ownerReferences | [{apiVersion: v1, kind: ConfigMap, name: owner, uid: 00000000-0000-4000-8000-000000000000}] |
      Then ConfigMap "orphan" no longer exists
      And ConfigMap "owner" keeps for 2 seconds
        | field                      | value  |
        | metadata.deletionTimestamp | absent |

    Scenario: The owner exists, and is then deleted
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
  Rule: Background deletion removes the Deployment first, then its ReplicaSet, then its Pods
    It is the default. The client sends one DELETE and nothing more. A controller with a stale cache may
    create a dependent again, which is then deleted the same way.

    Scenario: A Deployment is deleted with the default propagation policy
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
  Rule: Foreground deletion removes the Pods first, then the ReplicaSet, then the Deployment
    The owner stays, terminating, until all dependents that block its deletion are gone. A ReplicaSet
    controller with a stale cache may replace a Pod, which is then deleted the same way.

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

    Scenario: The owner waits for a dependent that blocks its deletion
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

    Scenario: The owner does not wait for a dependent that does not block
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
  Rule: A garbage collector that was down deals with what was deleted meanwhile
    With background deletion, where the owner is gone already, and with foreground deletion, where it waits.

    Scenario: Two owners are deleted, one in the background, one in the foreground
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
