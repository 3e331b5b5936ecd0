// Package tap is what stands between a link and the API server. It knows which
// link a request comes from, writes down what the link writes, and misbehaves on
// purpose where a scenario asks for it: so a link that recovers from a lost reply
// can be told from one that does not, whoever made it.
//
//	taps.go     the taps of one cluster: the faults in force, and the writes
//	request.go  what a request is about
//	answer.go   what an answer says of the object that was written
//	watch.go    a watch that can be cut
//	notices.go  what a watch has brought to a link, and when
//	inflight.go  when no write of a link is under way
//	proxy.go     the loopback port through which a program reaches the API server
package tap
