Feature: API server: create
  Step 1 of the chain. A client POSTs an object. The API server fills in defaults, validates and stores it,
  and answers with the stored object. A refused object leaves no trace, so no other link ever sees it.

  @API-CREATE-01 @MUST
  Rule: A valid object is answered with 201 and the object as stored
    The answer contains everything that the server has set: identity, version and defaults.

    Scenario: A Deployment
      When a client POSTs Deployment "web"
      Then the API server answers 201 Created
      And the answer has
        | field                            | value         |
        | apiVersion                       | apps/v1       |
        | kind                             | Deployment    |
        | metadata.name                    | web           |
        | metadata.uid                     | any           |
        | metadata.resourceVersion         | any           |
        | metadata.creationTimestamp       | any           |
        | metadata.generation              | 1             |
        | spec.replicas                    | 1             |
        | spec.strategy.type               | RollingUpdate |
        | spec.template.spec.restartPolicy | Always        |

    Scenario Outline: A <kind>
      When a client POSTs <kind> "web"
      Then the API server answers 201 Created
      And the answer has
        | field                    | value        |
        | apiVersion               | <apiVersion> |
        | kind                     | <kind>       |
        | metadata.uid             | any          |
        | metadata.resourceVersion | any          |

      Examples:
        | kind        | apiVersion |
        | ReplicaSet  | apps/v1    |
        | StatefulSet | apps/v1    |
        | DaemonSet   | apps/v1    |
        | Pod         | v1         |
        | ConfigMap   | v1         |

  @API-CREATE-02 @MUST
  Rule: An object answered with 201 is stored and can be read at once
    The next GET returns it, and a watch opened before delivers exactly the version of the answer.

    Scenario: A GET right after the POST
      When a client POSTs Deployment "web"
      Then the API server answers 201 Created
      And Deployment "web" is stored with
        | field                    | value                                    |
        | metadata.uid             | same as the answer metadata.uid          |
        | metadata.resourceVersion | >= {the answer metadata.resourceVersion} |

    Scenario: A watch opened before the POST
      Given a client watches ConfigMaps with the field selector "metadata.name=a" from now on
      When a client POSTs ConfigMap "a"
      Then the watcher is notified of
        | event | metadata.name | metadata.resourceVersion                    |
        | ADDED | a             | same as the answer metadata.resourceVersion |

  @API-CREATE-03 @MUST
  Rule: A POST of a name that exists is refused with 409 AlreadyExists
    The existing object is not touched. Names are unique per namespace and resource.

    Scenario: The same Deployment again
      Given Deployment "web" is ready
      When a client POSTs Deployment "web" with
        | field         | value |
        | spec.replicas | 3     |
      Then the API server answers 409 AlreadyExists
      And the answer has
        | field         | value       |
        | kind          | Status      |
        | apiVersion    | v1          |
        | status        | Failure     |
        | code          | 409         |
        | details.name  | web         |
        | details.group | apps        |
        | details.kind  | deployments |
      And nothing of Deployment "web" changes, while a new Deployment gets a ReplicaSet

    Scenario: Another resource may have the same name
      Given Deployment "web" is created
      When a client POSTs ReplicaSet "web"
      Then the API server answers 201 Created

  @API-CREATE-04 @MUST
  Rule: An invalid object is refused with 422 Invalid, and every invalid field is named
    Each cause has the path of the field and a reason. Nothing is stored, so no link acts on it.

    Scenario: Two invalid fields at once
      When a client POSTs Deployment "web" with
        | field                                 | value    |
        | spec.replicas                         | -1       |
        | spec.template.spec.containers[0].name | Not Good |
      Then the API server answers 422 Invalid
      And the answer has
        | field        | value       |
        | kind         | Status      |
        | status       | Failure     |
        | details.name | web         |
        | details.kind | Deployment  |
      And the causes are:
        | field                                 | reason            |
        | spec.replicas                         | FieldValueInvalid |
        | spec.template.spec.containers[0].name | FieldValueInvalid |
      And Deployment "web" is not stored

    Scenario Outline: <field> is <value>
      When a client POSTs Deployment "web" with
        | field   | value   |
        | <field> | <value> |
      Then the API server answers 422 Invalid
      And the causes are:
        | field   | reason   |
        | <cause> | <reason> |
      And Deployment "web" is not stored

      Examples:
        | field                                  | value        | cause                                  | reason                 |
        | spec.template.spec.containers          | []           | spec.template.spec.containers          | FieldValueRequired     |
        | spec.template.spec.containers[0].name  | absent       | spec.template.spec.containers[0].name  | FieldValueRequired     |
        | spec.template.spec.containers[0].image | absent       | spec.template.spec.containers[0].image | FieldValueRequired     |
        | spec.template.spec.restartPolicy       | Never        | spec.template.spec.restartPolicy       | FieldValueNotSupported |
        | spec.strategy                          | {type: Both} | spec.strategy                          | FieldValueNotSupported |

  @API-CREATE-05 @MUST
  Rule: A body that cannot be decoded is refused with 400 BadRequest
    The error is in the form of the request, and is found before the object is validated.

    Scenario Outline: <fault>
      When a client sends POST "/apis/apps/v1/namespaces/{namespace}/deployments" with:
        """
        <body>
        """
      Then the API server answers 400 BadRequest
      And Deployment "web" is not stored

      Examples:
        | fault                        | body                                                                                                        |
        | JSON that breaks off         | {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"                                  |
        | A string instead of a number | {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": {"replicas": "three"}} |
        | A kind that does not exist   | {"apiVersion": "apps/v1", "kind": "Deploiment", "metadata": {"name": "web"}}                                |
        | A kind of another group      | {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "web"}}                                      |

  @API-CREATE-09 @MUST
  Rule: fieldValidation decides what happens to unknown and duplicate fields
    Strict refuses the request, Warn (the default) drops the field and warns, Ignore drops it silently.

    Scenario Outline: An unknown field with "<query>"
      When a client POSTs Deployment "web" with the query "<query>" and with
        | field        | value |
        | spec.replica | 3     |
      Then the API server answers 201 Created
      And the answer has
        | field         | value  |
        | spec.replica  | absent |
        | spec.replicas | 1      |
      And the answer has <warning>

      Examples:
        | query                  | warning                                |
        | fieldValidation=Warn   | a warning that contains "spec.replica" |
        | fieldValidation=Ignore | no warning                             |

    Scenario: An unknown field without the parameter
      When a client POSTs Deployment "web" with
        | field        | value |
        | spec.replica | 3     |
      Then the API server answers 201 Created
      And the answer has a warning that contains "spec.replica"

    Scenario: An unknown field with Strict
      When a client POSTs Deployment "web" with the query "fieldValidation=Strict" and with
        | field        | value |
        | spec.replica | 3     |
      Then the API server answers 400 BadRequest
      And Deployment "web" is not stored

    Scenario Outline: A duplicate field with <validation>
      When a client sends POST "/api/v1/namespaces/{namespace}/configmaps?fieldValidation=<validation>" with:
        """
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "immutable": true, "immutable": false}
        """
      Then the API server answers <answer>
      And the answer has <warning>

      Examples:
        | validation | answer         | warning                             |
        | Strict     | 400 BadRequest | no warning                          |
        | Warn       | 201 Created    | a warning that contains "immutable" |
        | Ignore     | 201 Created    | no warning                          |

    Scenario: An invalid value of the parameter
      When a client POSTs Deployment "web" with the query "fieldValidation=Maybe"
      Then the API server answers 422 Invalid
      And Deployment "web" is not stored

  @API-CREATE-10 @MUST
  Rule: A dry run does everything except storing the object
    The answer is complete, and there is no object that a link could act on.

    Scenario: A Deployment
      When a client POSTs Deployment "web" with the query "dryRun=All"
      Then the API server answers 201 Created
      And the answer has
        | field                      | value |
        | metadata.uid               | any   |
        | metadata.creationTimestamp | any   |
        | spec.replicas              | 1     |
      And Deployment "web" is not stored

    Scenario: A name that exists
      Given Deployment "web" is created
      When a client POSTs Deployment "web" with the query "dryRun=All"
      Then the API server answers 409 AlreadyExists

    Scenario: An invalid value of the parameter
      When a client POSTs Deployment "web" with the query "dryRun=Some"
      Then the API server answers 422 Invalid
      And Deployment "web" is not stored

  @API-CREATE-14 @MUST
  Rule: Of many concurrent POSTs of one name exactly one succeeds
    The store accepts a new key only if it does not exist yet.

    Scenario: Ten clients, one name
      Given a client watches ConfigMaps with the field selector "metadata.name=a" from now on
      When 10 clients POST ConfigMap "a" at the same time
      Then 1 answer is 201 Created
      And 9 answers are 409 AlreadyExists
      And the watcher is notified of
        | event | metadata.name |
        | ADDED | a             |

  @API-CREATE-15 @SHOULD
  Rule: kubectl create works unmodified
    Seen from the server: the requests that kubectl sends, in the same order. The kubectl binary itself is
    tested outside of the specification.

    Scenario: Discovery, then one strict POST
      When a client sends GET "/apis/apps/v1"
      Then the API server answers 200 OK
      When a client POSTs Deployment "web" with the query "fieldManager=kubectl-create&fieldValidation=Strict"
      Then the API server answers 201 Created
      And the answer has
        | field                                                    | value      |
        | kind                                                     | Deployment |
        | metadata.name                                            | web        |
        | metadata.managedFields[manager=kubectl-create].operation | Update     |

    Scenario: The same command a second time
      Given Deployment "web" is created
      When a client POSTs Deployment "web" with the query "fieldManager=kubectl-create&fieldValidation=Strict"
      Then the API server answers 409 AlreadyExists
      And the answer has
        | field   | value                                          |
        | message | includes deployments.apps "web" already exists |
