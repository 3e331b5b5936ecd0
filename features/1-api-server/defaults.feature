Feature: API server: defaults
  The API server fills in the fields that a client leaves out before it stores the object, so every link
  reads complete objects and sees the same defaults.

  @API-DEFAULT-01 @MUST
  Rule: A Deployment gets its defaults
    Each field is defaulted by itself: a client that sets only maxSurge still gets maxUnavailable.

    Scenario: Only a selector and a template are given
      When a client POSTs Deployment "web" with
        | field         | value  |
        | spec.replicas | absent |
      Then the answer has
        | field                                      | value         |
        | spec.replicas                              | 1             |
        | spec.strategy.type                         | RollingUpdate |
        | spec.strategy.rollingUpdate.maxSurge       | "25%"         |
        | spec.strategy.rollingUpdate.maxUnavailable | "25%"         |
        | spec.revisionHistoryLimit                  | 10            |
        | spec.progressDeadlineSeconds               | 600           |
        | spec.minReadySeconds                       | absent or 0   |

    Scenario Outline: The strategy <given>
      When a client POSTs Deployment "web" with
        | field         | value   |
        | spec.strategy | <given> |
      Then the answer has
        | field                                      | value         |
        | spec.strategy.rollingUpdate.maxSurge       | <surge>       |
        | spec.strategy.rollingUpdate.maxUnavailable | <unavailable> |

      Examples:
        | given                                                     | surge  | unavailable |
        | {type: RollingUpdate, rollingUpdate: {maxSurge: 1}}       | 1      | "25%"       |
        | {type: RollingUpdate, rollingUpdate: {maxUnavailable: 1}} | "25%"  | 1           |
        | {type: Recreate}                                          | absent | absent      |

  @API-DEFAULT-02 @MUST
  Rule: An explicit zero is kept
    Zero is a value; only missing fields get defaults.

    Scenario Outline: <field> is 0
      When a client POSTs Deployment "web" with
        | field   | value |
        | <field> | 0     |
      Then the API server answers 201 Created
      And the answer has
        | field   | value   |
        | <field> | <value> |

      Examples:
        | field                                            | value       |
        | spec.replicas                                    | 0           |
        | spec.revisionHistoryLimit                        | 0           |
        | spec.minReadySeconds                             | absent or 0 |
        | spec.template.spec.terminationGracePeriodSeconds | 0           |

  @API-DEFAULT-03 @MUST
  Rule: The Pod template gets its defaults too
    It does so inside the Deployment, so that a controller compares complete templates with complete ones.

    Scenario: A container with a port and a probe
      When a client POSTs Deployment "web" with
        | field                                            | value                   |
        | spec.template.spec.terminationGracePeriodSeconds | absent                  |
        | spec.template.spec.serviceAccountName            | default                 |
        | spec.template.spec.containers[0].ports           | [{containerPort: 8080}] |
        | spec.template.spec.containers[0].readinessProbe  | {httpGet: {port: 8080}} |
      Then the answer has
        | field                                                            | value                |
        | spec.template.spec.restartPolicy                                 | Always               |
        | spec.template.spec.dnsPolicy                                     | ClusterFirst         |
        | spec.template.spec.schedulerName                                 | default-scheduler    |
        | spec.template.spec.terminationGracePeriodSeconds                 | 30                   |
        | spec.template.spec.securityContext                               | {}                   |
        | spec.template.spec.serviceAccount                                | default              |
        | spec.template.spec.containers[0].terminationMessagePath          | /dev/termination-log |
        | spec.template.spec.containers[0].terminationMessagePolicy        | File                 |
        | spec.template.spec.containers[0].ports[0].protocol               | TCP                  |
        | spec.template.spec.containers[0].readinessProbe.httpGet.path     | /                    |
        | spec.template.spec.containers[0].readinessProbe.httpGet.scheme   | HTTP                 |
        | spec.template.spec.containers[0].readinessProbe.timeoutSeconds   | 1                    |
        | spec.template.spec.containers[0].readinessProbe.periodSeconds    | 10                   |
        | spec.template.spec.containers[0].readinessProbe.successThreshold | 1                    |
        | spec.template.spec.containers[0].readinessProbe.failureThreshold | 3                    |

  @API-DEFAULT-04 @MUST
  Rule: The default of imagePullPolicy depends on the image
    A tag that may refer to another image tomorrow is always pulled. The default is derived once: it does
    not follow a later change of the image.

    Scenario Outline: The image <image>
      When a client POSTs Deployment "web" with
        | field                                  | value   |
        | spec.replicas                          | 0       |
        | spec.template.spec.containers[0].image | <image> |
      Then the answer has
        | field                                            | value    |
        | spec.template.spec.containers[0].imagePullPolicy | <policy> |

      Examples:
        | image                                                                                   | policy       |
        | example.com/web                                                                         | Always       |
        | example.com/web:latest                                                                  | Always       |
        | example.com/web:1                                                                       | IfNotPresent |
        | example.com/web@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855 | IfNotPresent |

    Scenario: An explicit policy is kept
      When a client POSTs Deployment "web" with
        | field                                            | value                  |
        | spec.replicas                                    | 0                      |
        | spec.template.spec.containers[0].image           | example.com/web:latest |
        | spec.template.spec.containers[0].imagePullPolicy | Never                  |
      Then the answer has
        | field                                            | value |
        | spec.template.spec.containers[0].imagePullPolicy | Never |

    Scenario: The image changes later
      Given Deployment "web" with 0 replicas is created
      When Deployment "web" is modified with
        | field                                  | value      |
        | spec.template.spec.containers[0].image | web:latest |
      Then Deployment "web" is stored with
        | field                                            | value        |
        | spec.template.spec.containers[0].imagePullPolicy | IfNotPresent |

  @API-DEFAULT-06 @MUST
  Rule: A new Pod is Pending and gets its QoS class from its requests and limits
    Guaranteed if all limits are set and equal to the requests, BestEffort if there are neither requests nor
    limits, otherwise Burstable.

    # no-such-scheduler: no scheduler has this name, so the Pod stays Pending.
    Scenario Outline: A container with <resources>
      When a client POSTs Pod "a" with
        | field                        | value             |
        | spec.schedulerName           | no-such-scheduler |
        | spec.containers[0].resources | <resources>       |
      Then the answer has
        | field             | value   |
        | status.phase      | Pending |
        | status.qosClass   | <class> |
        | status.conditions | absent  |

      Examples:
        | resources                                                             | class      |
        | {}                                                                    | BestEffort |
        | {requests: {cpu: 100m}}                                               | Burstable  |
        | {limits: {cpu: 100m}}                                                 | Burstable  |
        | {limits: {cpu: 100m, memory: 64Mi}}                                   | Guaranteed |
        | {limits: {cpu: 1, memory: 64Mi}, requests: {cpu: 1, memory: 64Mi}}    | Guaranteed |
        | {limits: {cpu: 1, memory: 64Mi}, requests: {cpu: 100m, memory: 64Mi}} | Burstable  |

    Scenario: The class cannot be changed afterwards
      Given Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      When a client PATCHes the status of Pod "a" by merge patch:
        """
        {"status": {"qosClass": "Guaranteed"}}
        """
      Then the API server answers 422 Invalid
