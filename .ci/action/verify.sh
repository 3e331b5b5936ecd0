#!/usr/bin/env bash
# Runs the specification, makes all reports, and ends with the status of the run. The
# action's inputs are in the environment: see action.yml.
set -euo pipefail

# each PREFIX LINES adds an argument for each line that is not empty.
arguments=()
each() {
  while IFS= read -r line; do
    if [[ -n $line ]]; then
      arguments+=("$1$line")
    fi
  done <<<"$2"
}
each --link= "$PODCHAIN_LINKS"
each --kubeconfig= "$PODCHAIN_KUBECONFIG"
each --select= "$PODCHAIN_SELECT"
each --threshold= "$PODCHAIN_THRESHOLDS"
each --known-failing= "$PODCHAIN_KNOWN"
each '' "$PODCHAIN_ARGUMENTS"

mkdir -p "$PODCHAIN_REPORTS"
status=0
podchain verify "${arguments[@]}" \
  --report "events=$PODCHAIN_REPORTS/run.jsonl" \
  --report "junit=$PODCHAIN_REPORTS/junit.xml" \
  --report "yaml=$PODCHAIN_REPORTS/report.yaml" \
  --report "github=$GITHUB_STEP_SUMMARY" \
  --report annotations=- || status=$?

# Nothing is in it if the run could not begin: why is in the log.
if [[ -s $PODCHAIN_REPORTS/run.jsonl ]]; then
  podchain docs --out "$PODCHAIN_REPORTS/site" "$PODCHAIN_REPORTS/run.jsonl"
fi
exit "$status"
