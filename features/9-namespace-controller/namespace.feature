Feature: Namespace controller
  A namespace is a scope for names. When it is deleted, everything in it is deleted first, and meanwhile
  nothing can be created in it.

  @NS-01 @MUST
  Rule: A deleted namespace is emptied, Pods first, and then removed
    While it is Terminating its conditions say what it waits for, and creations in it are refused.

    @since-v1.33
    Scenario: A namespace with a Deployment
      Given ConfigMap "a" is created
      # slow-to-end:1: an image whose containers take two seconds to exit after SIGTERM.
      And Deployment "web" is ready with
        | field                                  | value         |
        | spec.template.spec.containers[0].image | slow-to-end:1 |
      When Namespace "{namespace}" is deleted
      Then Namespace "{namespace}" goes through:
        | field        | value            |
        | status.phase | Terminating      |
        |              | no longer exists |
      And these happen in order:
        | object                      | field | value            |
        | the Pod of Deployment "web" |       | no longer exists |
        | ConfigMap "a"               |       | no longer exists |
        | Namespace "{namespace}"     |       | no longer exists |

    Scenario: A finalizer holds it, and nothing can be created
      Given ConfigMap "a" is created with
        | field               | value              |
        | metadata.finalizers | [example.com/hold] |
      When Namespace "{namespace}" is deleted
      Then Namespace "{namespace}" has
        | field                                                       | value       |
        | status.phase                                                | Terminating |
        | status.conditions[type=NamespaceContentRemaining].status    | True        |
        | status.conditions[type=NamespaceFinalizersRemaining].status | True        |
      When a client POSTs ConfigMap "b"
      Then the API server answers 403 Forbidden
      When ConfigMap "a" is modified with
        | field               | value  |
        | metadata.finalizers | absent |
      Then Namespace "{namespace}" no longer exists
