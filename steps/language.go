package steps

import "github.com/podchain/podchain/conformance/field"

// Chapter is one part of the language of sentences and tables.
type Chapter struct {
	Name  string `json:"name"`
	Terms []Term `json:"terms"`
}

// Term is one form in the language, and what it means.
type Term struct {
	Form  string `json:"form"`
	Means string `json:"means"`
}

// Language is what the words in sentences and tables mean.
func Language() []Chapter {
	return []Chapter{
		{"placeholders of sentences", placeholderTerms},
		{"how objects are named", objectTerms},
		{"witnesses", witnessTerms},
		{"paths of fields", pathTerms},
		{"values that are expected", expectedTerms()},
		{"values that are set", setTerms},
		{"values of either kind", valueTerms},
	}
}

var placeholderTerms = []Term{
	{Form: "REF", Means: "an object, in one of the ways below"},
	{Form: `KIND "NAME"`, Means: "an object by its name; it need not exist yet"},
	{Form: "LINK", Means: "a link of the chain, such as scheduler"},
	{Form: "N", Means: "a number"},
	{Form: "[…]", Means: "may be left out"},
	{Form: "(…|…)", Means: "one of these"},
	{Form: "them", Means: "the objects that appeared, or were created, in the last sentence about a number of objects"},
}

var objectTerms = []Term{
	{Form: `Deployment "web"`, Means: "the object of that kind and name in the namespace of the scenario, or in the cluster"},
	{Form: `the ReplicaSet of Deployment "web"`, Means: "the only object of that kind that it controls, directly or through others; of several, the only one that still exists"},
	{Form: `the second Pod of Deployment "web"`, Means: "the first to fifth such object, in the order in which they appeared, also if it no longer exists"},
	{Form: `the Pod of the ReplicaSet of Deployment "web"`, Means: "the same, of an object that is controlled itself"},
	{Form: `one of the Pods of ReplicaSet "web"`, Means: "the oldest that exists; of Pods, the oldest active one"},
	{Form: "that Pod", Means: "the one that “one of the Pods” has picked last"},
}

var witnessTerms = []Term{
	{Form: "a new KIND gets a KIND", Means: "the suite creates an object of the first kind, and waits until it controls one of the second"},
	{Form: "a new Pod is bound", Means: "the suite creates a Pod, and waits until it has a node"},
	{Form: "a new Pod runs", Means: "the suite creates a Pod, and waits until its phase is Running"},
	{Form: "a new KIND is ready", Means: "the suite creates an object, and waits until it is ready"},
}

var pathTerms = []Term{
	{Form: "spec.replicas", Means: "a field"},
	{Form: "spec.containers[0].image", Means: "an item of a list by its index"},
	{Form: "spec.containers[name=web].image", Means: "the item of a list with that value of a key"},
	{Form: "metadata.labels[app.kubernetes.io/name]", Means: "an entry of a map whose key may contain dots"},
}

func expectedTerms() []Term {
	var terms []Term
	for _, form := range field.Forms {
		terms = append(terms, Term{Form: form.Text, Means: form.Means})
	}
	return terms
}

var setTerms = []Term{
	{Form: "absent", Means: "the field is removed"},
	{Form: "same as …", Means: "the value of another field"},
	{Form: "…", Means: "this value, in YAML; only true and false are booleans"},
}

var valueTerms = []Term{
	{Form: "same as its FIELD", Means: "another field of the object that the sentence is about"},
	{Form: "same as REF FIELD", Means: "a field of the last version of another object"},
	{Form: "same as the answer FIELD", Means: "a field of the last answer"},
	{Form: "{REF FIELD}, {the answer FIELD}", Means: `such a value within another one, as >= {Node "n1" status.capacity.cpu}`},
	{Form: "{namespace}", Means: "the namespace of the scenario"},
	{Form: "web:1", Means: "an image of fixtures/images.yaml goes by its short name, whatever the cluster calls it"},
}
