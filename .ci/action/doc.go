// Package action checks the composite GitHub Action beside it as far as that can be
// done without GitHub: its shell steps are executed as a runner does, and its steps and
// the workflows that podchain init writes are linted.
package action
