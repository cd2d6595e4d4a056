#!/usr/bin/env bash
# An external istiod, set up the way an experienced administrator does it with kubectl, helm and curl: `by-hand.sh install`
# and `by-hand.sh remove`. It takes the word of `helm install --wait` that istiod is ready, and proves nothing.
#
# Takes from the environment:
#   REVISION                           revision, namespace in the istiod cluster, first label of the hostname
#   DOMAIN, EDGE_ADDRESS               the hostname is REVISION.DOMAIN and leads to this address
#   MESH_NAME                          name of the mesh cluster in endpoints
#   MESH_KUBECONFIG, ISTIOD_KUBECONFIG administrators' kubeconfigs of both clusters
#   CRDS, CHART, HUB, TAG              of the Istio version: file with definitions, folder of the istiod chart, image
#   RECORDS_URL, RECORDS_PREFIX        etcd that CoreDNS reads records from, and where in it they are
#   RECORDS_CA, RECORDS_CERT, RECORDS_KEY
# Prints `step MICROSECONDS NAME` when a step has ended.
set -euo pipefail
umask 077
export LC_ALL=C

host="$REVISION.$DOMAIN"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

step() { echo "step ${EPOCHREALTIME/./} $1"; }
quiet() { "$@" >"$work/output" 2>&1 || { cat "$work/output" >&2 && return 1; }; }
mesh() { kubectl --kubeconfig "$MESH_KUBECONFIG" "$@"; }
istiod() { kubectl --kubeconfig "$ISTIOD_KUBECONFIG" "$@"; }

# What the chart makes for the mesh cluster, from the templates that are named.
mesh_template() {
  helm template istiod "$CHART" --namespace istio-system \
    --set revision="$REVISION" --set global.configValidation=true \
    --set istiodRemote.injectionURL="https://$host:443/inject" --set base.validationURL="https://$host:443/validate" \
    "${@/#/--show-only=templates/}"
}

# A record as CoreDNS's etcd plugin reads it, through etcd's JSON gateway.
record_key() { echo -n "$RECORDS_PREFIX/$(tr . '\n' <<<"$host" | tac | paste -sd/)/1" | base64 -w0; }
records() {
  curl --silent --show-error --fail --max-time 5 --cacert "$RECORDS_CA" --cert "$RECORDS_CERT" --key "$RECORDS_KEY" \
    --data "$2" "$RECORDS_URL/v3/kv/$1"
}

create_namespaces() {
  quiet mesh apply --filename - <<<'{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "istio-system"}}'
  quiet istiod create namespace "$REVISION"
}

create_identity() {
  mesh_template serviceaccount.yaml clusterrole.yaml clusterrolebinding.yaml role.yaml rolebinding.yaml |
    quiet mesh apply --filename -
}

write_kubeconfig() {
  local server authority
  read -r server authority < <(
    mesh config view --raw --minify \
      --output jsonpath='{.clusters[0].cluster.server} {.clusters[0].cluster.certificate-authority-data}{"\n"}'
  )
  mesh create token "istiod-$REVISION" --namespace istio-system --duration 12h >"$work/token"
  cat >"$work/config" <<EOC
apiVersion: v1
kind: Config
clusters: [{name: mesh, cluster: {server: "$server", certificate-authority-data: "$authority"}}]
users: [{name: istiod, user: {tokenFile: /var/run/secrets/remote/token}}]
contexts: [{name: mesh, context: {cluster: mesh, user: istiod}}]
current-context: mesh
EOC
  quiet istiod create secret generic istio-kubeconfig --namespace "$REVISION" \
    --from-file="$work/config" --from-file="$work/token"
}

apply_definitions() {
  quiet mesh apply --server-side --force-conflicts --filename "$CRDS"
}

install_istiod() {
  # The edge leads to a Service of this name, whatever the revision.
  quiet istiod create service clusterip istiod --namespace "$REVISION" --tcp 443:15017 --tcp 15012:15012
  quiet helm install istiod "$CHART" --kubeconfig "$ISTIOD_KUBECONFIG" --namespace "$REVISION" --wait --timeout 2m \
    --values - <<EOV
revision: $REVISION
global:
  hub: $HUB
  tag: $TAG
  imagePullPolicy: Never
  istioNamespace: $REVISION
  # Roles and webhooks belong into the mesh cluster. The older line ignores the first of these and makes the roles here as well.
  resourceScope: namespace
  operatorManageWebhooks: true
  configValidation: false
  caAddress: $host:15012
  multiCluster: {clusterName: $MESH_NAME}
meshConfig:
  rootNamespace: istio-system
  defaultConfig: {discoveryAddress: "$host:15012"}
pilot:
  autoscaleEnabled: false
  resources: {requests: {cpu: 50m, memory: 128Mi}, limits: {cpu: "2", memory: 1Gi}}
  env:
    EXTERNAL_ISTIOD: "true"
    LOCAL_CLUSTER_SECRET_WATCHER: "false"
    ISTIOD_CUSTOM_HOST: $host
    POD_NAMESPACE: istio-system
    INJECTION_WEBHOOK_CONFIG_NAME: istio-sidecar-injector-$REVISION
    VALIDATION_WEBHOOK_CONFIG_NAME: istio-validator-$REVISION-istio-system
    PILOT_ENABLE_METADATA_EXCHANGE: "false"
  # Without these istiod looks for its configuration in the mesh cluster.
  volumes:
    - {name: mesh-config, configMap: {name: istio-$REVISION}}
    - {name: injector-config, configMap: {name: istio-sidecar-injector-$REVISION}}
  volumeMounts:
    - {name: mesh-config, mountPath: /etc/istio/config, readOnly: true}
    - {name: injector-config, mountPath: /var/lib/istio/inject, readOnly: true}
EOV
}

publish_record() {
  local value
  value=$(echo -n "{\"host\":\"$EDGE_ADDRESS\",\"ttl\":5}" | base64 -w0)
  quiet records put "{\"key\":\"$(record_key)\",\"value\":\"$value\"}"
}

install_webhooks() {
  mesh_template mutatingwebhook.yaml validatingwebhookconfiguration.yaml | quiet mesh apply --filename -
}

install() {
  step "started"
  create_namespaces
  step "namespaces created"
  apply_definitions
  step "definitions applied"
  create_identity
  step "identity created"
  write_kubeconfig
  step "kubeconfig written"
  install_istiod
  step "istiod installed"
  publish_record
  step "record published"
  install_webhooks
  step "webhooks installed"
}

remove() {
  local role
  quiet mesh delete mutatingwebhookconfiguration,validatingwebhookconfiguration --selector "istio.io/rev=$REVISION"
  quiet records deleterange "{\"key\":\"$(record_key)\"}"
  quiet helm uninstall istiod --kubeconfig "$ISTIOD_KUBECONFIG" --namespace "$REVISION" --ignore-not-found --wait
  quiet istiod delete namespace "$REVISION" --ignore-not-found
  for role in $(mesh get clusterrole,clusterrolebinding --output name | grep -- "-$REVISION-istio-system$" || true); do
    quiet mesh delete "$role"
  done
  quiet mesh delete role,rolebinding,serviceaccount "istiod-$REVISION" --namespace istio-system --ignore-not-found
  # What istiod itself leaves: who leads, and its root certificate in every namespace.
  quiet mesh delete configmap istio-leader istio-namespace-controller-election istio-gateway-status-leader \
    istio-ip-autoallocate --namespace istio-system --ignore-not-found
  quiet mesh delete lease --all --namespace istio-system
  for name in istio-ca-root-cert istio-ca-crl; do
    quiet mesh delete configmap --all-namespaces --field-selector "metadata.name=$name"
  done
}

case "${1:-}" in
  install | remove) "$1" ;;
  *) echo "Usage: by-hand.sh install|remove" >&2 && exit 2 ;;
esac
