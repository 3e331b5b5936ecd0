Feature: Namespace controller
  A namespace is where names live. When it goes, all that is in it has to go first, and in the meantime
  nothing new may come in.

  @NS-01 @MUST
  Rule: A deleted namespace is emptied, Pods first, and then removed
    While it waits its conditions tell what for, and creations inside are refused (API-CREATE-07).

    @since-v1.33
    Scenario: A namespace with a Deployment
      Given ConfigMap "a" is created
      # Two seconds pass between the end that is asked for and the end.
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

    Scenario: Something holds it, nothing comes in
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
