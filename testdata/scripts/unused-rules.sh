#!/bin/sh
# Prints the names of compat's NodeFeatureRule objects for whose labels no object asks any more. What
# cannot be read ends it: nothing is printed then. KINDS has what makes Pods, old ReplicaSets too, to
# which `kubectl rollout undo` goes back.
set -eu
kubectl=${KUBECTL:-kubectl}
kinds=${KINDS:-pods,deployments,statefulsets,daemonsets,replicasets,replicationcontrollers,jobs,cronjobs}

rules=$($kubectl get nodefeaturerules -l app.kubernetes.io/managed-by=compat -o name)
objects=$($kubectl get "$kinds" -A -o yaml)
for rule in $rules; do
  digits=${rule##*/compat-}
  case $objects in
  *"compat.feature.node.kubernetes.io/$digits"*) ;;
  *) echo "compat-$digits" ;;
  esac
done
