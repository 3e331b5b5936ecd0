#!/usr/bin/env bash
# Builds podchain from the source that the action is part of, and puts it on PATH for
# the steps that follow. The action's inputs are in the environment: see action.yml.
set -euo pipefail

source=$(cd "$GITHUB_ACTION_PATH/../.." && pwd)
programs=$RUNNER_TEMP/podchain-bin
mkdir -p "$programs"
go -C "$source" build -o "$programs/" ./cmd/podchain
if [[ $PODCHAIN_KUBERNETES == true ]]; then
  go -C "$source/conformance/kubernetes" build -o "$programs/" ./cmd/podchain-kubernetes
fi
echo "$programs" >>"$GITHUB_PATH"
