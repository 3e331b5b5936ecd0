// Package action checks what others take from this folder, as far as that can be done
// here: the shell steps of the composite GitHub Action are executed as a runner does,
// its steps and the workflows that podchain init writes are linted, and the container
// recipe is executed without a container engine.
package action
