package sidecar

import (
	"path"
	"slices"
	"strings"

	"nodecompat/compat/manifest"
)

// A helper is a container that is known to serve the others of a Pod, by its
// image or by the name that its injector gives it.
type helper struct {
	title  string
	names  []string // of the container
	images []string // ends of the repository, from a path boundary on
	// network says that the others need it for their connections.
	network bool
	// heavy says that it is known to take several seconds to start.
	heavy  bool
	source string // where the name and image are documented
}

// knownHelpers is the only place where helpers are known.
var knownHelpers = []helper{
	{"Istio's proxy", []string{"istio-proxy"}, []string{"istio/proxyv2"}, true, true, "https://istio.io/latest/docs/setup/additional-setup/sidecar-injection/"},
	{"Linkerd's proxy", []string{"linkerd-proxy"}, []string{"linkerd/proxy", "l5d.io/linkerd/proxy"}, true, true, "https://linkerd.io/2/reference/proxy-configuration/"},
	{"Envoy", []string{"envoy", "envoy-proxy", "envoy-sidecar"}, []string{"envoyproxy/envoy", "envoyproxy/envoy-distroless", "aws-appmesh-envoy", "appmesh/aws-appmesh-envoy"}, true, true, "https://hub.docker.com/r/envoyproxy/envoy"},
	{"Consul's data plane", []string{"consul-dataplane"}, []string{"hashicorp/consul-dataplane"}, true, true, "https://developer.hashicorp.com/consul/docs/connect/dataplane"},
	{"Kuma's data plane", []string{"kuma-sidecar"}, []string{"kumahq/kuma-dp"}, true, true, "https://kuma.io/docs/latest/production/dp-config/dpp-on-kubernetes/"},
	{"the Cloud SQL proxy", []string{"cloud-sql-proxy", "cloudsql-proxy"}, []string{"cloud-sql-connectors/cloud-sql-proxy", "cloudsql-docker/gce-proxy"}, true, false, "https://cloud.google.com/sql/docs/postgres/connect-kubernetes-engine"},
	{"the AlloyDB proxy", []string{"alloydb-auth-proxy", "alloydb-proxy"}, []string{"alloydb-connectors/alloydb-auth-proxy"}, true, false, "https://cloud.google.com/alloydb/docs/auth-proxy/connect"},
	{"Dapr", []string{"daprd"}, []string{"daprio/daprd", "dapr/daprd"}, true, false, "https://docs.dapr.io/concepts/dapr-services/sidecar/"},
	{"PgBouncer", []string{"pgbouncer"}, []string{"pgbouncer/pgbouncer", "edoburu/pgbouncer", "bitnami/pgbouncer"}, true, false, "https://www.pgbouncer.org/"},
	{"cloudflared", []string{"cloudflared"}, []string{"cloudflare/cloudflared"}, true, false, "https://developers.cloudflare.com/cloudflare-one/connections/connect-networks/deployment-guides/kubernetes/"},
	{"Tailscale", []string{"tailscale", "ts-sidecar"}, []string{"tailscale/tailscale"}, true, false, "https://tailscale.com/kb/1185/kubernetes"},
	{"the Vault agent", []string{"vault-agent"}, nil, false, false, "https://developer.hashicorp.com/vault/docs/platform/k8s/injector"},
	{"oauth2-proxy", []string{"oauth2-proxy", "oauth-proxy"}, []string{"oauth2-proxy/oauth2-proxy"}, false, false, "https://oauth2-proxy.github.io/oauth2-proxy/"},
	{"Fluent Bit", []string{"fluent-bit", "fluentbit"}, []string{"fluent/fluent-bit", "aws-observability/aws-for-fluent-bit"}, false, false, "https://docs.fluentbit.io/manual/installation/kubernetes"},
	{"Fluentd", []string{"fluentd"}, []string{"fluent/fluentd"}, false, false, "https://docs.fluentd.org/container-deployment/kubernetes"},
	{"Filebeat", []string{"filebeat"}, []string{"beats/filebeat"}, false, false, "https://www.elastic.co/docs/reference/beats/filebeat/running-on-kubernetes"},
	{"Promtail", []string{"promtail"}, []string{"grafana/promtail"}, false, false, "https://grafana.com/docs/loki/latest/send-data/promtail/"},
	{"Vector", []string{"vector"}, []string{"timberio/vector"}, false, false, "https://vector.dev/docs/setup/deployment/roles/"},
	{"the OpenTelemetry Collector", []string{"otel-collector", "otc-container", "opentelemetry-collector"}, []string{"otel/opentelemetry-collector", "otel/opentelemetry-collector-contrib", "opentelemetry-collector-releases/opentelemetry-collector", "opentelemetry-collector-releases/opentelemetry-collector-contrib"}, false, false, "https://opentelemetry.io/docs/platforms/kubernetes/operator/"},
	{"Jaeger's agent", []string{"jaeger-agent"}, []string{"jaegertracing/jaeger-agent"}, false, false, "https://www.jaegertracing.io/docs/1.62/operator/"},
	{"the X-Ray daemon", []string{"xray-daemon"}, []string{"xray/aws-xray-daemon", "amazon/aws-xray-daemon"}, false, false, "https://docs.aws.amazon.com/xray/latest/devguide/xray-daemon.html"},
	{"the Cloud Storage FUSE sidecar", []string{"gke-gcsfuse-sidecar"}, []string{"gke-release/gcs-fuse-csi-driver-sidecar-mounter"}, false, false, "https://cloud.google.com/kubernetes-engine/docs/how-to/cloud-storage-fuse-csi-driver-sidecar"},
	{"git-sync", []string{"git-sync"}, []string{"git-sync/git-sync"}, false, false, "https://github.com/kubernetes/git-sync"},
	{"a configuration reloader", []string{"config-reloader", "configmap-reload"}, []string{"prometheus-operator/prometheus-config-reloader", "jimmidyson/configmap-reload"}, false, false, "https://github.com/prometheus-operator/prometheus-operator"},
}

// helperOf says which known helper a container is.
func helperOf(m manifest.Container) (helper, bool) {
	repository := repositoryOf(m.Image)
	for _, h := range knownHelpers {
		if slices.Contains(h.names, m.Name) {
			return h, true
		}
		for _, image := range h.images {
			if repository == image || strings.HasSuffix(repository, "/"+image) {
				return h, true
			}
		}
	}
	// The name that authors give what has no better one.
	if m.Name == "sidecar" || strings.HasSuffix(m.Name, "-sidecar") {
		return helper{title: "a container named " + m.ShortName}, true
	}
	return helper{}, false
}

// repositoryOf cuts tag and digest off an image's reference.
func repositoryOf(image string) string {
	image, _, _ = strings.Cut(image, "@")
	base := path.Base(image)
	name, _, _ := strings.Cut(base, ":")
	return strings.TrimSuffix(image, base) + name
}

// preparesNetwork reports an init container that sets the network up for a proxy:
// it has to run before it.
func preparesNetwork(m manifest.Container) bool {
	switch m.Name {
	case "istio-init", "istio-validation", "enable-core-dump", "linkerd-init", "linkerd-network-validator", "kuma-init", "kuma-validation",
		"consul-connect-inject-init", "consul-connect-init", "proxyinit", "osm-init":
		return true
	}
	return false
}
