Feature: kubelet
  Steps 8 to 10 of the chain. The kubelet of a node is notified of a Pod that was bound to its node. It has
  the container runtime create a sandbox, pull the images that are not present and start the containers,
  and reports the result in the Pod's status. What the containers of an image do, such as ignores-term:1 or
  slow-to-end:1, is listed in fixtures/images.yaml.

  @KUBELET-01 @MUST
  Rule: A kubelet runs the Pods of its own node, and no others
    It watches Pods by spec.nodeName; the binding decides which kubelet runs a Pod.

    @needs-nodes
    Scenario Outline: A Pod bound to <node>
      Given these nodes:
        | name |
        | n1   |
        | n2   |
      When Pod "a" is created with
        | field         | value                               |
        | spec.nodeName | same as Node "<node>" metadata.name |
      Then Pod "a" has
        | field         | value                                                           |
        | status.phase  | Running                                                         |
        | status.hostIP | same as Node "<node>" status.addresses[type=InternalIP].address |

      Examples:
        | node |
        | n1   |
        | n2   |

    Scenario: A Pod bound to a node that does not exist
      When Pod "lost" is created with
        | field         | value               |
        | spec.nodeName | {namespace}-nowhere |
      Then Pod "lost" has
        | field            | value   |
        | status.phase     | Pending |
        | status.startTime | absent  |
      And nothing of Pod "lost" changes, while a new Pod runs

  @KUBELET-03 @MUST @needs-nodes
  Rule: A Pod that is created with a node runs without a scheduler
    The kubelet itself sets the condition PodScheduled, which the binding would have set.

    # no-such-scheduler: no scheduler has this name.
    Scenario: The node is in the manifest
      Given these nodes:
        | name |
        | n1   |
      When Pod "a" is created with
        | field              | value                           |
        | spec.nodeName      | same as Node "n1" metadata.name |
        | spec.schedulerName | no-such-scheduler               |
      Then Pod "a" has
        | field                                       | value   |
        | status.phase                                | Running |
        | status.conditions[type=PodScheduled].status | True    |

  @KUBELET-05 @MUST
  Rule: The kubelet writes the status of a Pod and keeps what others wrote there
    Conditions that it does not own, such as those of readiness gates, survive all its updates. It never
    changes the spec.

    # podchain.dev/gate: a readiness gate. The Pod is not Ready until the scenario sets this condition to True.
    Scenario: A condition of another client
      Given Pod "a" is created with
        | field               | value                                |
        | spec.readinessGates | [{conditionType: podchain.dev/gate}] |
      And the status of Pod "a" is modified with
        | field                                           | value |
        | status.conditions[type=example.com/mine].status | True  |
      When the readiness gate of Pod "a" is set to True
      Then Pod "a" has
        | field                                            | value |
        | status.conditions[type=Ready].status             | True  |
        | status.conditions[type=podchain.dev/gate].status | True  |
        | status.conditions[type=example.com/mine].status  | True  |
        | metadata.generation                              | 1     |

  @KUBELET-06 @MUST @needs-nodes
  Rule: The first status that a kubelet writes has the start time and the host
    The start time never changes again. The host's IP is the InternalIP of the Node.

    Scenario: Start time and host
      Given these nodes:
        | name |
        | n1   |
      And Pod "a" is ready
      Then Pod "a" has
        | field                | value                                                       |
        | status.startTime     | any                                                         |
        | status.hostIP        | same as Node "n1" status.addresses[type=InternalIP].address |
        | status.hostIPs[0].ip | same as Pod "a" status.hostIP                               |
      And Pod "a" only goes forward in
        | field            | order            |
        | status.startTime | absent, then any |
      And no version of Pod "a" has
        | field            | value  |
        | status.startTime | any    |
        | status.hostIP    | absent |
      And no version of Pod "a" has
        | field            | value  |
        | status.hostIP    | any    |
        | status.startTime | absent |

    Scenario: A later status keeps the start time
      Given these nodes:
        | name |
        | n1   |
      And Pod "a" is created with
        | field               | value                                |
        | spec.readinessGates | [{conditionType: podchain.dev/gate}] |
      And Pod "a" has
        | field        | value   |
        | status.phase | Running |
      When 3 seconds pass
      And the readiness gate of Pod "a" is set to True
      Then Pod "a" has
        | field                                | value |
        | status.conditions[type=Ready].status | True  |
      And Pod "a" only goes forward in
        | field            | order            |
        | status.startTime | absent, then any |

  @KUBELET-07 @MUST
  Rule: While a Pod starts, every container is reported as waiting
    The Pod is Pending, and no container is ready, started or restarted yet.

    # unpublished:1: an image that the registry does not have until the scenario publishes it.
    @needs-images
    Scenario: The image cannot be pulled
      When Pod "a" is created with
        | field                    | value         |
        | spec.containers[0].image | unpublished:1 |
      Then Pod "a" has
        | field                                                    | value                                                    |
        | status.phase                                             | Pending                                                  |
        | status.containerStatuses                                 | 1 item                                                   |
        | status.containerStatuses[name=main].state.waiting.reason | one of ContainerCreating, ErrImagePull, ImagePullBackOff |
        | status.containerStatuses[name=main].ready                | false                                                    |
        | status.containerStatuses[name=main].started              | false                                                    |
        | status.containerStatuses[name=main].restartCount         | 0                                                        |

    @needs-images
    Scenario: While the image is pulled
      Given image "unpublished:1" is published
      When Pod "a" is created with
        | field                    | value         |
        | spec.containers[0].image | unpublished:1 |
      Then Pod "a" goes through:
        | field                                                    | value             |
        | status.containerStatuses[name=main].state.waiting.reason | ContainerCreating |
        | status.containerStatuses[name=main].started              | true              |

    @needs-images
    Scenario: An init container comes first
      When Pod "a" is created with
        | field               | value                                |
        | spec.initContainers | [{name: init, image: unpublished:1}] |
      Then Pod "a" has
        | field                                                        | value                                                  |
        | status.phase                                                 | Pending                                                |
        | status.initContainerStatuses[name=init].state.waiting.reason | one of PodInitializing, ErrImagePull, ImagePullBackOff |
        | status.containerStatuses[name=main].state.waiting.reason     | PodInitializing                                        |
        | status.containerStatuses[name=main].started                  | false                                                  |

  @KUBELET-08 @MUST
  Rule: Once the kubelet has accepted a Pod, all five conditions are set
    Each is True or False; clients could not interpret a missing condition.

    Scenario Outline: <condition> is never missing
      Given Pod "a" is ready
      Then no version of Pod "a" has
        | field                               | value  |
        | status.startTime                    | any    |
        | status.conditions[type=<condition>] | absent |
      And Pod "a" has
        | field                                      | value |
        | status.conditions[type=<condition>].status | True  |

      Examples:
        | condition                 |
        | PodScheduled              |
        | PodReadyToStartContainers |
        | Initialized               |
        | ContainersReady           |
        | Ready                     |

  @KUBELET-09 @MUST @needs-containers
  Rule: The conditions become True in a fixed order
    Scheduled, sandbox ready, initialized, containers ready, Pod ready.

    Scenario: The order, with an init container
      When Pod "a" is created with
        | field               | value                         |
        | spec.initContainers | [{name: init, image: init:1}] |
      Then Pod "a" goes through:
        | field                                                    | value |
        | status.conditions[type=PodScheduled].status              | True  |
        | status.conditions[type=PodReadyToStartContainers].status | True  |
        | status.conditions[type=Initialized].status               | True  |
        | status.conditions[type=ContainersReady].status           | True  |
        | status.conditions[type=Ready].status                     | True  |

    Scenario Outline: <later> is not True before <earlier> is
      Given Pod "a" is ready with
        | field               | value                         |
        | spec.initContainers | [{name: init, image: init:1}] |
      Then no version of Pod "a" has
        | field                                    | value    |
        | status.conditions[type=<later>].status   | True     |
        | status.conditions[type=<earlier>].status | not True |

      Examples:
        | later                     | earlier                   |
        | PodReadyToStartContainers | PodScheduled              |
        | Initialized               | PodReadyToStartContainers |
        | ContainersReady           | Initialized               |
        | Ready                     | ContainersReady           |

  @KUBELET-10 @MUST @needs-containers
  Rule: PodReadyToStartContainers is True from when the sandbox has a network until the Pod terminates
    It does not wait for images, so it tells a failure of the network from a missing image.

    @needs-images
    Scenario: The image cannot be pulled
      When Pod "a" is created with
        | field                    | value         |
        | spec.containers[0].image | unpublished:1 |
      Then Pod "a" has
        | field                                                    | value   |
        | status.conditions[type=PodReadyToStartContainers].status | True    |
        | status.phase                                             | Pending |

    Scenario: The Pod has terminated
      When Pod "a" is created with
        | field                    | value         |
        | spec.restartPolicy       | Never         |
        | spec.containers[0].image | fails-later:1 |
      Then Pod "a" goes through:
        | field                                                    | value  |
        | status.conditions[type=PodReadyToStartContainers].status | True   |
        | status.phase                                             | Failed |
        | status.conditions[type=PodReadyToStartContainers].status | False  |

  @KUBELET-11 @MUST
  Rule: A Pod is Running, and has its IP, when its init containers are done and its containers have started
    With hostNetwork the Pod's IP is the host's.

    Scenario: One container
      Given Pod "a" is ready
      Then Pod "a" has
        | field        | value                               |
        | status.phase | Running                             |
        | status.podIP | same as Pod "a" status.podIPs[0].ip |
      And no version of Pod "a" has
        | field        | value   |
        | status.phase | Running |
        | status.podIP | absent  |
      And no version of Pod "a" has
        | field                                           | value   |
        | status.phase                                    | Running |
        | status.containerStatuses[name=main].containerID | absent  |

    @needs-containers
    Scenario: An init container delays Running
      Given Pod "a" is ready with
        | field               | value                         |
        | spec.initContainers | [{name: init, image: init:1}] |
      Then no version of Pod "a" has
        | field                                                    | value   |
        | status.phase                                             | Running |
        | status.initContainerStatuses[name=init].state.terminated | absent  |

    @needs-containers @needs-images
    Scenario: A container that cannot be started delays Running
      When Pod "a" is created with
        | field           | value                                                             |
        | spec.containers | [{name: main, image: web:1}, {name: other, image: unpublished:1}] |
      Then Pod "a" has
        | field                                                     | value            |
        | status.containerStatuses[name=main].started               | true             |
        | status.containerStatuses[name=other].state.waiting.reason | ImagePullBackOff |
      And no version of Pod "a" has
        | field        | value   |
        | status.phase | Running |

    Scenario: A Pod on the host's network
      When Pod "a" is created with
        | field                    | value   |
        | spec.hostNetwork         | true    |
        | spec.containers[0].image | pause:1 |
      Then Pod "a" has
        | field        | value                         |
        | status.phase | Running                       |
        | status.podIP | same as Pod "a" status.hostIP |

  @KUBELET-12 @MUST
  Rule: A Pod is Ready when its containers are ready and all its readiness gates are True
    A readiness gate is a condition that another component writes, for instance a load balancer.

    Scenario: A Pod whose readiness gate is set to True, then to False
      Given Pod "a" is created with
        | field               | value                                |
        | spec.readinessGates | [{conditionType: podchain.dev/gate}] |
      Then Pod "a" has
        | field                                          | value                  |
        | status.conditions[type=ContainersReady].status | True                   |
        | status.conditions[type=Ready].status           | False                  |
        | status.conditions[type=Ready].reason           | ReadinessGatesNotReady |
      When the readiness gate of Pod "a" is set to True
      Then Pod "a" has
        | field                                | value |
        | status.conditions[type=Ready].status | True  |
      When the readiness gate of Pod "a" is set to False
      Then Pod "a" has
        | field                                | value                  |
        | status.conditions[type=Ready].status | False                  |
        | status.conditions[type=Ready].reason | ReadinessGatesNotReady |

    @needs-containers
    Scenario Outline: Not Ready because of <reason>
      When Pod "a" is created with
        | field                             | value   |
        | spec.restartPolicy                | Never   |
        | spec.containers[0].image          | <image> |
        | spec.containers[0].readinessProbe | <probe> |
      Then Pod "a" has
        | field                                | value    |
        | status.phase                         | <phase>  |
        | status.conditions[type=Ready].status | False    |
        | status.conditions[type=Ready].reason | <reason> |

      Examples:
        | image         | probe                                 | phase     | reason             |
        | never-ready:1 | {httpGet: {path: /ready, port: 8080}} | Running   | ContainersNotReady |
        | succeeds:1    | absent                                | Succeeded | PodCompleted       |
        | fails:1       | absent                                | Failed    | PodFailed          |

  @KUBELET-13 @MUST @needs-containers
  Rule: The status of a running container says what runs, since when, and in which runtime
    The state is exactly one of waiting, running and terminated.

    Scenario: A container that runs
      Given Pod "a" is ready
      Then Pod "a" has
        | field                                                       | value                |
        | status.containerStatuses[name=main].image                   | any                  |
        | status.containerStatuses[name=main].imageID                 | any                  |
        | status.containerStatuses[name=main].containerID             | matches /^.+:\/\/.+/ |
        | status.containerStatuses[name=main].ready                   | true                 |
        | status.containerStatuses[name=main].started                 | true                 |
        | status.containerStatuses[name=main].restartCount            | 0                    |
        | status.containerStatuses[name=main].state                   | 1 item               |
        | status.containerStatuses[name=main].state.running.startedAt | any                  |

  @KUBELET-16 @MUST @needs-cri
  Rule: The runtime is called for the sandbox first, then for each container: pull the image, create, start
    The Container Runtime Interface (CRI) defines the calls. Other calls in between are not specified.

    Scenario: A Pod with two containers
      When Pod "a" is created with
        | field           | value                                                      |
        | spec.containers | [{name: main, image: web:1}, {name: side, image: pause:1}] |
      Then Pod "a" is ready
      And the container runtime is called for Pod "a":
        | call            | container | uid                          |
        | RunPodSandbox   |           | same as Pod "a" metadata.uid |
        | CreateContainer | main      | same as Pod "a" metadata.uid |
        | StartContainer  | main      | same as Pod "a" metadata.uid |
      And the container runtime is called for Pod "a":
        | call            | container | uid                          |
        | RunPodSandbox   |           | same as Pod "a" metadata.uid |
        | CreateContainer | side      | same as Pod "a" metadata.uid |
        | StartContainer  | side      | same as Pod "a" metadata.uid |
      And RunPodSandbox is called once for Pod "a"

    @needs-images
    Scenario: The image is pulled before the container is created
      Given image "unpublished:1" is published
      When Pod "a" is created with
        | field                    | value         |
        | spec.containers[0].image | unpublished:1 |
      Then Pod "a" is ready
      And the container runtime is called for Pod "a":
        | call            | container | image         |
        | RunPodSandbox   |           |               |
        | PullImage       |           | unpublished:1 |
        | CreateContainer | main      | unpublished:1 |
        | StartContainer  | main      |               |

  @KUBELET-17 @MUST @needs-containers
  Rule: Init containers run one after the other, each to completion, before the containers start
    An init container with restartPolicy Always is a sidecar: it only has to start, and keeps running.

    Scenario: Two init containers
      Given Pod "a" is ready with
        | field               | value                                                         |
        | spec.initContainers | [{name: first, image: init:1}, {name: second, image: init:1}] |
      Then Pod "a" goes through:
        | field                                                               | value |
        | status.initContainerStatuses[name=first].state.terminated.exitCode  | 0     |
        | status.initContainerStatuses[name=second].state.terminated.exitCode | 0     |
        | status.containerStatuses[name=main].state.running                   | any   |
      And no version of Pod "a" has
        | field                                                     | value  |
        | status.initContainerStatuses[name=second].containerID     | any    |
        | status.initContainerStatuses[name=first].state.terminated | absent |
      And no version of Pod "a" has
        | field                                                      | value  |
        | status.containerStatuses[name=main].containerID            | any    |
        | status.initContainerStatuses[name=second].state.terminated | absent |

    Scenario: A sidecar
      Given Pod "a" is ready with
        | field               | value                                                |
        | spec.initContainers | [{name: proxy, image: web:1, restartPolicy: Always}] |
      Then Pod "a" has
        | field                                                  | value   |
        | status.phase                                           | Running |
        | status.initContainerStatuses[name=proxy].state.running | any     |
        | status.containerStatuses[name=main].state.running      | any     |
      And no version of Pod "a" has
        | field                                            | value    |
        | status.containerStatuses[name=main].containerID  | any      |
        | status.initContainerStatuses[name=proxy].started | not true |

  @KUBELET-23 @MUST @needs-cri @needs-images @needs-nodes
  Rule: imagePullPolicy decides whether an image is pulled
    IfNotPresent pulls a missing image, Always pulls before every start, Never does not pull.

    Scenario: IfNotPresent, and the image is missing
      Given these nodes:
        | name |
        | n1   |
      And image "unpublished:1" is published
      When Pod "a" is created with
        | field                              | value         |
        | spec.containers[0].image           | unpublished:1 |
        | spec.containers[0].imagePullPolicy | IfNotPresent  |
      Then Pod "a" is ready
      And PullImage is called once for Pod "a"

    Scenario Outline: <policy>, and the image is present
      Given these nodes:
        | name |
        | n1   |
      And Pod "before" is ready with
        | field                    | value |
        | spec.containers[0].image | web:1 |
      When Pod "a" is created with
        | field                              | value    |
        | spec.containers[0].image           | web:1    |
        | spec.containers[0].imagePullPolicy | <policy> |
      Then Pod "a" is ready
      And PullImage is <pulls> for Pod "a"

      Examples:
        | policy       | pulls        |
        | IfNotPresent | never called |
        | Always       | called once  |
        | Never        | never called |

    Scenario: Never, and the image is missing
      Given these nodes:
        | name |
        | n1   |
      And image "unpublished:1" is published
      When Pod "a" is created with
        | field                              | value         |
        | spec.containers[0].image           | unpublished:1 |
        | spec.containers[0].imagePullPolicy | Never         |
      Then Pod "a" has
        | field                                            | value             |
        | status.phase                                     | Pending           |
        | status.containerStatuses[0].state.waiting.reason | ErrImageNeverPull |
      And PullImage is never called for Pod "a"

  @KUBELET-25 @MUST @needs-containers @needs-images
  Rule: A failed image pull is retried with back-off, and the Pod stays Pending
    The Pod does not fail, whatever its restart policy: the image may be published later.

    Scenario Outline: The image is not published yet, and the restart policy is <policy>
      When Pod "a" is created with
        | field                    | value         |
        | spec.restartPolicy       | <policy>      |
        | spec.containers[0].image | unpublished:1 |
      Then Pod "a" goes through:
        | field                                                    | value            |
        | status.containerStatuses[name=main].state.waiting.reason | ErrImagePull     |
        | status.containerStatuses[name=main].state.waiting.reason | ImagePullBackOff |
      And these events are recorded:
        | object  | type    | reason |
        | Pod "a" | Warning | Failed |
      And no version of Pod "a" has
        | field        | value       |
        | status.phase | not Pending |

      Examples:
        | policy |
        | Always |
        | Never  |

    @time-based
    Scenario: The image is published later
      Given Pod "a" is created with
        | field                    | value         |
        | spec.containers[0].image | unpublished:1 |
      And Pod "a" has
        | field                                                    | value            |
        | status.containerStatuses[name=main].state.waiting.reason | ImagePullBackOff |
      When image "unpublished:1" is published
      Then Pod "a" has
        | field                                | value   |
        | status.phase                         | Running |
        | status.conditions[type=Ready].status | True    |

    Scenario: The image has an invalid name
      When Pod "a" is created with
        | field                    | value        |
        | spec.containers[0].image | Not/A:Name:1 |
      Then Pod "a" has
        | field                                                    | value            |
        | status.containerStatuses[name=main].state.waiting.reason | InvalidImageName |
        | status.phase                                             | Pending          |

  @KUBELET-27 @MUST @needs-containers
  Rule: The restart policy decides what the exit of a container means for the Pod
    A Pod whose containers have all terminated without a restart is Succeeded or Failed for ever.

    Scenario Outline: <policy>, and the container is not restarted: <image>
      When Pod "a" is created with
        | field                    | value    |
        | spec.restartPolicy       | <policy> |
        | spec.containers[0].image | <image>  |
      Then Pod "a" has
        | field        | value   |
        | status.phase | <phase> |
      And Pod "a" keeps for 2 seconds
        | field                                            | value   |
        | status.phase                                     | <phase> |
        | status.containerStatuses[name=main].restartCount | 0       |

      Examples:
        | policy    | image      | phase     |
        | Never     | succeeds:1 | Succeeded |
        | Never     | fails:1    | Failed    |
        | OnFailure | succeeds:1 | Succeeded |

    Scenario Outline: <policy>, and the container is restarted: <image>
      When Pod "a" is created with
        | field                    | value    |
        | spec.restartPolicy       | <policy> |
        | spec.containers[0].image | <image>  |
      Then Pod "a" has
        | field                                            | value |
        | status.containerStatuses[name=main].restartCount | >= 1  |
      And no version of Pod "a" has
        | field        | value                    |
        | status.phase | one of Succeeded, Failed |

      Examples:
        | policy    | image      |
        | OnFailure | fails:1    |
        | Always    | fails:1    |
        | Always    | succeeds:1 |

    Scenario: One container succeeds, the other one fails
      When Pod "a" is created with
        | field              | value                                                           |
        | spec.restartPolicy | Never                                                           |
        | spec.containers    | [{name: main, image: succeeds:1}, {name: side, image: fails:1}] |
      Then Pod "a" has
        | field                                                         | value  |
        | status.phase                                                  | Failed |
        | status.containerStatuses[name=main].state.terminated.exitCode | 0      |
        | status.containerStatuses[name=side].state.terminated.exitCode | 3      |

  @KUBELET-28 @MUST @needs-containers
  Rule: A restart is a new container in the same Pod
    The Pod keeps its uid and IP. restartCount goes up by one, and lastState describes the previous container.

    Scenario: A container that fails once
      When Pod "a" is created with
        | field                    | value        |
        | spec.containers[0].image | fails-once:1 |
      Then Pod "a" has
        | field                                                               | value                                                                                    |
        | status.containerStatuses[name=main].restartCount                    | 1                                                                                        |
        | status.containerStatuses[name=main].state.running.startedAt         | any                                                                                      |
        | status.containerStatuses[name=main].lastState.terminated.exitCode   | 1                                                                                        |
        | status.containerStatuses[name=main].lastState.terminated.reason     | Error                                                                                    |
        | status.containerStatuses[name=main].lastState.terminated.startedAt  | any                                                                                      |
        | status.containerStatuses[name=main].lastState.terminated.finishedAt | any                                                                                      |
        | status.containerStatuses[name=main].containerID                     | not same as Pod "a" status.containerStatuses[name=main].lastState.terminated.containerID |
      And Pod "a" only goes forward in
        | field        | order            |
        | status.podIP | absent, then any |

  @KUBELET-35 @MUST @needs-containers
  Rule: A deleted Pod is stopped first, then reported as terminated, and only then removed
    SIGTERM, the grace period, SIGKILL; then the kubelet writes the terminal phase and confirms the deletion.
    So no Pod of the same name is created while this one may still be running.

    Scenario Outline: Graceful termination: <image>
      Given Pod "a" is ready with
        | field                              | value   |
        | spec.containers[0].image           | <image> |
        | spec.terminationGracePeriodSeconds | 3       |
      When Pod "a" is deleted
      Then Pod "a" goes through:
        | field                      | value                    |
        | metadata.deletionTimestamp | any                      |
        | status.phase               | one of Succeeded, Failed |
        |                            | no longer exists         |
      And the last version of Pod "a" has
        | field                                                | value                    |
        | status.phase                                         | one of Succeeded, Failed |
        | status.containerStatuses[name=main].state.terminated | any                      |
        | status.conditions[type=Ready].status                 | False                    |
      And these events are recorded:
        | object  | type   | reason  |
        | Pod "a" | Normal | Killing |

      Examples:
        | image          |
        | web:1          |
        | slow-to-end:1  |
        | ignores-term:1 |

    Scenario Outline: The container gets its grace period: <image>
      Given Pod "a" is ready with
        | field                              | value   |
        | spec.containers[0].image           | <image> |
        | spec.terminationGracePeriodSeconds | 5       |
      When Pod "a" is deleted
      Then Pod "a" keeps for 1 second
        | field                                             | value |
        | metadata.deletionTimestamp                        | any   |
        | status.containerStatuses[name=main].state.running | any   |
      And Pod "a" no longer exists

      Examples:
        | image          |
        | slow-to-end:1  |
        | ignores-term:1 |

  @KUBELET-38 @MUST @needs-containers
  Rule: The termination of a Pod does not remove another Pod of the same name
    The kubelet deletes only the object with the uid of the Pod that it has run.

    Scenario: The name is used again while the containers are still terminating
      Given Pod "neighbour" is ready
      And Pod "a" is ready with
        | field                              | value                           |
        | spec.nodeName                      | {Pod "neighbour" spec.nodeName} |
        | spec.containers[0].image           | ignores-term:1                  |
        | spec.terminationGracePeriodSeconds | 3                               |
      When Pod "a" is deleted
      And a client DELETEs Pod "a" with
        | field              | value |
        | gracePeriodSeconds | 0     |
      And Pod "a" is created with
        | field         | value                           |
        | spec.nodeName | {Pod "neighbour" spec.nodeName} |
      Then Pod "a" is ready
      And Pod "a" keeps for 4 seconds
        | field                      | value  |
        | metadata.deletionTimestamp | absent |

  @KUBELET-39 @SHOULD @needs-containers @needs-cri
  Rule: The containers of a Pod that was deleted by force are stopped all the same
    The object is removed at once, without a confirmation that the containers have stopped.

    Scenario: A grace period of 0
      Given Pod "a" is ready
      When a client DELETEs Pod "a" with
        | field              | value |
        | gracePeriodSeconds | 0     |
      Then Pod "a" no longer exists
      And the container runtime is called for Pod "a":
        | call           | container |
        | StartContainer | main      |
        | StopContainer  | main      |
        | StopPodSandbox |           |

  @KUBELET-40 @MUST @needs-links @needs-containers
  Rule: Containers survive a restart of the kubelet
    A restarted kubelet finds the running containers and adopts them, and reports nothing new.

    Scenario: The kubelet is restarted
      Given Pod "a" is ready
      When the kubelet is stopped
      And the kubelet is started
      And Pod "new" is created with
        | field         | value                   |
        | spec.nodeName | {Pod "a" spec.nodeName} |
      Then Pod "new" is ready
      And Pod "a" only goes forward in
        | field                                            | order                         |
        | status.startTime                                 | absent, then any              |
        | status.podIP                                     | absent, then any              |
        | status.containerStatuses[name=main].containerID  | absent, then any              |
        | status.containerStatuses[name=main].restartCount | absent, then 0                |

    @since-v1.35
    Scenario: The kubelet is restarted, and its Pods stay ready
      Given Pod "a" is ready
      When the kubelet is stopped
      And the kubelet is started
      And Pod "new" is created with
        | field         | value                   |
        | spec.nodeName | {Pod "a" spec.nodeName} |
      Then Pod "new" is ready
      And Pod "a" only goes forward in
        | field                                | order                         |
        | status.conditions[type=Ready].status | absent, then False, then True |

  @KUBELET-41 @MUST @needs-links @needs-containers
  Rule: A kubelet that was down catches up: it runs Pods bound meanwhile and stops deleted ones
    Also those deleted by force: it finds containers that belong to no Pod of the API server any more.

    @needs-cri
    Scenario: One Pod was bound, one was deleted, one was deleted by force
      Given Pod "deleted" is ready
      And Pod "removed" is ready with
        | field         | value                         |
        | spec.nodeName | {Pod "deleted" spec.nodeName} |
      And the kubelet is stopped
      When Pod "new" is created with
        | field         | value                         |
        | spec.nodeName | {Pod "deleted" spec.nodeName} |
      And Pod "deleted" is deleted
      And a client DELETEs Pod "removed" with
        | field              | value |
        | gracePeriodSeconds | 0     |
      Then Pod "removed" no longer exists
      And Pod "deleted" has
        | field                                             | value |
        | metadata.deletionTimestamp                        | any   |
        | status.containerStatuses[name=main].state.running | any   |
      When the kubelet is started
      Then Pod "new" is ready
      And Pod "deleted" no longer exists
      And the container runtime is called for Pod "deleted":
        | call           | container |
        | StopContainer  | main      |
        | StopPodSandbox |           |
      And the container runtime is called for Pod "removed":
        | call           | container |
        | StopContainer  | main      |
        | StopPodSandbox |           |

  @KUBELET-42 @SHOULD @needs-links @needs-containers @needs-cri
  Rule: Containers run and are restarted without the API server
    The kubelet reports what happened when the API server is back.

    Scenario: A container fails while the API server is down
      Given Pod "a" is created with
        | field                    | value         |
        | spec.containers[0].image | fails-later:1 |
      And Pod "a" has
        | field        | value   |
        | status.phase | Running |
      When the api-server is stopped
      Then StartContainer is called twice for Pod "a"
      When the api-server is started
      Then Pod "a" has
        | field                                            | value |
        | status.containerStatuses[name=main].restartCount | 1     |
