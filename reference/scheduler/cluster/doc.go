// Package cluster is the scheduler's picture of the cluster: which Pods are on
// which nodes, and what they take there. Pods that are being bound are part of
// it already (they are assumed), so that two decisions never hand out the same
// room (SCHED-25).
//
// Decisions read the picture in place, under its lock: a decision takes some
// microseconds, and there is nothing to copy and nothing to keep in step.
package cluster
