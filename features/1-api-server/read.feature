Feature: API server: read and discover
  Links and clients discover from the API server which kinds of objects exist, and read them one by one,
  in lists, or as tables for people.

  @API-READ-01 @MUST
  Rule: A GET is answered with the object or with 404 NotFound
    The Status names what was not found.

    Scenario: The object exists
      Given Deployment "web" is created
      When a client sends GET "/apis/apps/v1/namespaces/{namespace}/deployments/web"
      Then the API server answers 200 OK
      And the answer has
        | field        | value                                 |
        | kind         | Deployment                            |
        | metadata.uid | same as Deployment "web" metadata.uid |

    Scenario: The object does not exist
      When a client sends GET "/apis/apps/v1/namespaces/{namespace}/deployments/nothing"
      Then the API server answers 404 NotFound
      And the answer has
        | field         | value       |
        | kind          | Status      |
        | details.name  | nothing     |
        | details.group | apps        |
        | details.kind  | deployments |

  @API-READ-02 @MUST
  Rule: A list has its items and the resourceVersion it was read at
    A watch continues from that version. A list without items is a list, too.

    Scenario: A list without items
      When a client sends GET "/apis/apps/v1/namespaces/{namespace}/deployments"
      Then the API server answers 200 OK
      And the answer has
        | field                    | value          |
        | kind                     | DeploymentList |
        | apiVersion               | apps/v1        |
        | metadata.resourceVersion | any            |
        | items                    | []             |

    Scenario Outline: A list of <where>
      Given ConfigMap "a" is created with
        | field               | value       |
        | metadata.labels[of] | {namespace} |
      And ConfigMap "b" is created with
        | field               | value       |
        | metadata.labels[of] | {namespace} |
      When a client sends GET "<path>?labelSelector=of={namespace}"
      Then the answer has
        | field | value         |
        | kind  | ConfigMapList |
        | items | 2 items       |

      Examples:
        | where          | path                                      |
        | one namespace  | /api/v1/namespaces/{namespace}/configmaps |
        | all namespaces | /api/v1/configmaps                        |

  @API-READ-03 @MUST
  Rule: Label selectors match by equality, set and existence, and a comma means AND
    Services, controllers and people select objects by them.

    Scenario Outline: The selector "<selector>"
      Given ConfigMap "a" is created with
        | field           | value                  |
        | metadata.labels | {tier: front, size: s} |
      And ConfigMap "b" is created with
        | field           | value        |
        | metadata.labels | {tier: back} |
      When a client sends GET "/api/v1/namespaces/{namespace}/configmaps?labelSelector=<selector>"
      Then the API server answers 200 OK
      And the answer has
        | field                  | value  |
        | items                  | 1 item |
        | items[0].metadata.name | <name> |

      Examples:
        | selector                     | name |
        | tier=front                   | a    |
        | tier==back                   | b    |
        | tier,tier!=front             | b    |
        | tier in (front,side)         | a    |
        | tier,tier notin (front,side) | b    |
        | size                         | a    |
        | tier,!size                   | b    |
        | tier=front,size=s            | a    |

    Scenario: A malformed selector
      When a client sends GET "/api/v1/namespaces/{namespace}/configmaps?labelSelector=tier in front"
      Then the API server answers 400 BadRequest

  @API-READ-04 @MUST
  Rule: Field selectors match Pods by node, phase and scheduler, and any object by name
    The kubelet lists the Pods of its node by them, and the scheduler those that have not terminated.

    # no-such-scheduler: no scheduler has this name, so the Pod has no node.
    Scenario Outline: Pods by "<selector>"
      Given Pod "a" is created with
        | field              | value             |
        | spec.schedulerName | no-such-scheduler |
      And Pod "b" is created with
        | field              | value               |
        | spec.nodeName      | {namespace}-nowhere |
        | spec.restartPolicy | Never               |
      When a client sends GET "/api/v1/namespaces/{namespace}/pods?fieldSelector=<selector>"
      Then the API server answers 200 OK
      And the answer has
        | field                  | value  |
        | items                  | 1 item |
        | items[0].metadata.name | <name> |

      Examples:
        | selector                             | name |
        | metadata.name=a                      | a    |
        | metadata.name!=a                     | b    |
        | spec.nodeName=                       | a    |
        | spec.nodeName={namespace}-nowhere    | b    |
        | spec.schedulerName=no-such-scheduler | a    |
        | spec.restartPolicy=Never             | b    |
        | status.phase=Pending,spec.nodeName!= | b    |

    Scenario: A field that selectors do not support
      When a client sends GET "/api/v1/namespaces/{namespace}/pods?fieldSelector=spec.priority=1"
      Then the API server answers 400 BadRequest

  @API-READ-09 @MUST
  Rule: A client that asks for a Table gets one
    kubectl get prints it as it is: the server chooses the columns.

    Scenario Outline: The columns of a <kind>
      Given <kind> "web" is created
      When a client sends GET "<path>" accepting "application/json;as=Table;v=v1;g=meta.k8s.io"
      Then the API server answers 200 OK
      And the answer has
        | field                        | value                 |
        | kind                         | Table                 |
        | columnDefinitions[0].name    | <first>               |
        | columnDefinitions[1].name    | <second>              |
        | columnDefinitions[2].name    | <third>               |
        | columnDefinitions[3].name    | <fourth>              |
        | columnDefinitions[4].name    | <fifth>               |
        | rows                         | 1 item                |
        | rows[0].object.kind          | PartialObjectMetadata |
        | rows[0].object.metadata.name | web                   |

      Examples:
        | kind       | path                                                 | first | second  | third      | fourth    | fifth |
        | Deployment | /apis/apps/v1/namespaces/{namespace}/deployments/web | Name  | Ready   | Up-to-date | Available | Age   |
        | ReplicaSet | /apis/apps/v1/namespaces/{namespace}/replicasets/web | Name  | Desired | Current    | Ready     | Age   |
        | Pod        | /api/v1/namespaces/{namespace}/pods/web              | Name  | Ready   | Status     | Restarts  | Age   |

    Scenario: The cells of a Deployment
      Given Deployment "web" with 2 replicas is ready
      When a client sends GET "/apis/apps/v1/namespaces/{namespace}/deployments/web" accepting "application/json;as=Table;v=v1;g=meta.k8s.io"
      Then the answer has
        | field            | value |
        | rows[0].cells[0] | web   |
        | rows[0].cells[1] | 2/2   |
        | rows[0].cells[2] | 2     |
        | rows[0].cells[3] | 2     |

  @API-DISC-01 @MUST
  Rule: Discovery lists the resources that the API server serves
    A client that knows only the kind finds its path, verbs and short names in these documents.

    Scenario Outline: <path> has <resource>
      When a client sends GET "<path>"
      Then the API server answers 200 OK
      And the answer has
        | field                                 | value            |
        | kind                                  | APIResourceList  |
        | resources[name=<resource>].kind       | <kind>           |
        | resources[name=<resource>].namespaced | <namespaced>     |
        | resources[name=<resource>].verbs      | includes <verbs> |
        | resources[name=<resource>].shortNames | <short>          |

      Examples: Resources
        | path                         | resource     | kind        | namespaced | verbs                                                             | short           |
        | /apis/apps/v1                | deployments  | Deployment  | true       | create, delete, deletecollection, get, list, patch, update, watch | includes deploy |
        | /apis/apps/v1                | replicasets  | ReplicaSet  | true       | create, delete, deletecollection, get, list, patch, update, watch | includes rs     |
        | /apis/apps/v1                | statefulsets | StatefulSet | true       | create, delete, deletecollection, get, list, patch, update, watch | includes sts    |
        | /apis/apps/v1                | daemonsets   | DaemonSet   | true       | create, delete, deletecollection, get, list, patch, update, watch | includes ds     |
        | /api/v1                      | pods         | Pod         | true       | create, delete, deletecollection, get, list, patch, update, watch | includes po     |
        | /api/v1                      | nodes        | Node        | false      | create, delete, deletecollection, get, list, patch, update, watch | includes no     |
        | /apis/batch/v1               | jobs         | Job         | true       | create, delete, get, list, patch, update, watch                   | absent          |
        | /apis/coordination.k8s.io/v1 | leases       | Lease       | true       | create, delete, get, list, patch, update, watch                   | absent          |
        | /apis/events.k8s.io/v1       | events       | Event       | true       | create, delete, get, list, patch, update, watch                   | includes ev     |

      Examples: Subresources
        | path          | resource           | kind       | namespaced | verbs              | short  |
        | /apis/apps/v1 | deployments/status | Deployment | true       | get, patch, update | absent |
        | /apis/apps/v1 | deployments/scale  | Scale      | true       | get, patch, update | absent |
        | /api/v1       | pods/status        | Pod        | true       | get, patch, update | absent |
        | /api/v1       | pods/binding       | Binding    | true       | create             | absent |

    Scenario: The scale subresource names its group
      When a client sends GET "/apis/apps/v1"
      Then the answer has
        | field                                     | value        |
        | resources[name=deployments/scale].group   | autoscaling  |
        | resources[name=deployments/scale].version | v1           |
        | resources[name=deployments].singularName  | deployment   |
        | resources[name=deployments].categories    | includes all |

    Scenario: The API groups
      When a client sends GET "/apis"
      Then the answer has
        | field                                            | value        |
        | kind                                             | APIGroupList |
        | groups[name=apps].preferredVersion.groupVersion  | apps/v1      |
        | groups[name=batch].preferredVersion.groupVersion | batch/v1     |
        | groups[name=autoscaling].versions                | any          |
        | groups[name=policy].versions                     | any          |

  @API-DISC-04 @MUST
  Rule: The API server reports its version and its health
    Clients adapt to the version, and tools that start links wait for /readyz.

    Scenario: The version
      When a client sends GET "/version"
      Then the API server answers 200 OK
      And the answer has
        | field      | value           |
        | major      | any             |
        | minor      | any             |
        | gitVersion | matches /^v\d+/ |

    Scenario Outline: <path>
      When a client sends GET "<path>"
      Then the API server answers 200 OK

      Examples:
        | path     |
        | /healthz |
        | /livez   |
        | /readyz  |
