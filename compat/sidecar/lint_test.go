package sidecar

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

const gated = sidecar + ", startupProbe: {periodSeconds: 1, failureThreshold: 60, " + get + "}"

// Findings beyond the examples of findings.md: variants, and what must not be reported.
func TestLintRows(t *testing.T) {
	hook := func(name, handler string) string { return ", lifecycle: {" + name + ": {" + handler + "}}" }
	tests := []struct {
		name string
		init []string
		main []string
		spec string
		want string
	}{
		{"SC001 O1", []string{sidecar}, nil, "", "SC001"},
		{"SC001 no sidecar", []string{"name: i, image: i"}, nil, "", ""},
		{"SC002 with startupProbe", []string{gated + ", readinessProbe: {" + get + "}"}, nil, "", ""},
		{"SC002 with a hook", []string{sidecar + ", readinessProbe: {" + get + "}" + hook("postStart", get)}, nil, "", "SC009"},
		{"SC004 default period", []string{sidecar + ", startupProbe: {" + get + "}"}, nil, "", "SC004"},
		{"SC004 five seconds", []string{sidecar + ", startupProbe: {periodSeconds: 5, failureThreshold: 12, " + get + "}"}, nil, "", ""},
		{"SC005 on an app", nil, []string{app + ", startupProbe: {exec: {command: [sleep, '1']}}"}, "", "SC005"},
		{"SC005 in a loop", []string{sidecar + ", startupProbe: {periodSeconds: 1, failureThreshold: 60, exec: {command: [sh, -c, 'until x; do sleep 1; done']}}"}, nil, "", ""},
		{"SC006 heavy proxy", []string{"name: istio-proxy, image: p, restartPolicy: Always, startupProbe: {" + get + "}"}, nil, "", "SC004 SC006"},
		{"SC008 preStop of an app", nil, []string{app + hook("preStop", "tcpSocket: {port: 80}")}, "", "SC008"},
		{"SC009 with startupProbe", []string{gated + hook("postStart", get)}, nil, "", ""},
		{"SC010 with startupProbe", []string{gated + hook("postStart", "sleep: {seconds: 5}")}, nil, "", ""},
		{"SC011 each", []string{"name: i, image: i, readinessProbe: {" + get + "}" + hook("preStop", get)}, nil, "", "SC011"},
		{"SC014 liveness", nil, []string{app + ", livenessProbe: {successThreshold: 2, " + get + "}"}, "", "SC014"},
		{"SC014 readiness may", nil, []string{app + ", readinessProbe: {successThreshold: 2, " + get + "}"}, "", ""},
		{"SC014 readiness grace", nil, []string{app + ", readinessProbe: {terminationGracePeriodSeconds: 5, " + get + "}"}, "", "SC014"},
		{"SC014 grace 0", nil, []string{app + ", livenessProbe: {terminationGracePeriodSeconds: 0, " + get + "}"}, "", "SC014"},
		{"SC014 negative", nil, []string{app + ", livenessProbe: {periodSeconds: -1, " + get + "}"}, "", "SC014"},
		{"SC014 no handler", nil, []string{app + ", livenessProbe: {periodSeconds: 1}"}, "", "SC014"},
		{"SC014 no hook handler", nil, []string{app + hook("postStart", "")}, "", "SC014"},
		{"SC015 no proxy", []string{"name: i, image: i", gated}, nil, "", ""},
		{"SC015 by image", []string{"name: i, image: i", "name: p, restartPolicy: Always, image: 'gcr.io/cloud-sql-connectors/cloud-sql-proxy:2@sha256:0', startupProbe: {periodSeconds: 1, failureThreshold: 60, " + get + "}"}, nil, "", "SC015"},
		{"SC033 liveness", nil, []string{app + ", livenessProbe: {tcpSocket: {host: localhost, port: 80}}"}, "", "SC033"},
		{"SC033 IPv6", nil, []string{app + ", livenessProbe: {httpGet: {host: '::1', port: 80}}"}, "", "SC033"},
		{"SC033 any address", nil, []string{app + ", livenessProbe: {httpGet: {host: 0.0.0.0, port: 80}}"}, "", "SC033"},
		{"SC033 any address of IPv6", nil, []string{app + ", livenessProbe: {tcpSocket: {host: '::', port: 80}}"}, "", "SC033"},
		{"SC033 brackets", nil, []string{app + ", livenessProbe: {httpGet: {host: '[::1]', port: 80}}"}, "", "SC033"},
		{"SC033 a host with a port", nil, []string{app + ", livenessProbe: {tcpSocket: {host: '10.0.0.1:80', port: 80}}"}, "hostNetwork: true", "SC033"},
		{"SC033 upper case", nil, []string{app + ", livenessProbe: {httpGet: {host: LOCALHOST, port: 80}}"}, "", "SC033"},
		{"SC033 a dot", nil, []string{app + ", livenessProbe: {httpGet: {host: localhost., port: 80}}"}, "", "SC033"},
		{"SC033 another name", nil, []string{app + ", livenessProbe: {httpGet: {host: ip6-localhost, port: 80}}"}, "", "SC033"},
		{"SC033 a short address", nil, []string{app + ", livenessProbe: {httpGet: {host: '127.1', port: 80}}"}, "", "SC033"},
		{"SC033 the shortest address", nil, []string{app + ", livenessProbe: {httpGet: {host: '0', port: 80}}"}, "", "SC033"},
		{"SC033 zeros before an address", nil, []string{app + ", livenessProbe: {httpGet: {host: '127.0.0.01', port: 80}}"}, "", "SC033"},
		{"SC033 IPv4 in IPv6", nil, []string{app + ", livenessProbe: {httpGet: {host: '::ffff:0.0.0.0', port: 80}}"}, "", "SC033"},
		{"SC033 a zone", nil, []string{app + ", livenessProbe: {tcpSocket: {host: '::1%lo', port: 80}}"}, "", "SC033"},
		{"SC033 a link's zone", nil, []string{app + ", livenessProbe: {tcpSocket: {host: 'fe80::1%eth0', port: 80}}"}, "", ""},
		{"SC033 a blank before a name", nil, []string{app + ", livenessProbe: {tcpSocket: {host: ' example.com', port: 80}}"}, "hostNetwork: true", "SC033"},
		{"SC033 a path behind a name", nil, []string{app + ", livenessProbe: {httpGet: {host: example.com/x, port: 80}}"}, "hostNetwork: true", "SC033"},
		{"SC033 a name in brackets", nil, []string{app + ", livenessProbe: {httpGet: {host: '[example.com]', port: 80}}"}, "hostNetwork: true", "SC033"},
		{"SC033 two dots", nil, []string{app + ", livenessProbe: {httpGet: {host: localhost.., port: 80}}"}, "", "SC033"},
		{"SC033 a name of another script", nil, []string{app + ", livenessProbe: {httpGet: {host: bücher.example, port: 80}}"}, "", ""},
		{"SC033 no host", nil, []string{app + ", livenessProbe: {httpGet: {host: '', port: 80}}"}, "", ""},
		{"SC033 a name like it", nil, []string{app + ", livenessProbe: {httpGet: {host: localhost.example.com, port: 80}}"}, "", ""},
		{"SC033 the node's network", nil, []string{app + ", livenessProbe: {tcpSocket: {host: localhost, port: 80}}"}, "hostNetwork: true", ""},
		{"SC033 a host port", nil, []string{app + ", ports: [{name: web, containerPort: 80, hostPort: 80}], livenessProbe: {tcpSocket: {host: localhost, port: web}}"}, "", ""},
		{"SC033 another host", nil, []string{app + ", livenessProbe: {tcpSocket: {host: 10.0.0.1, port: 80}}"}, "", ""},
		{"SC033 a hook", nil, []string{app + hook("postStart", "httpGet: {host: 127.0.0.1, port: 80}")}, "", "SC033"},
		{"SC033 a sentence", nil, []string{app + ", readinessProbe: {exec: {command: ['curl -f localhost']}}"}, "", "SC033"},
		{"SC033 a shell's sentence", []string{sidecar + ", startupProbe: {periodSeconds: 1, failureThreshold: 60, exec: {command: ['sh -c', 'exit 0']}}"}, nil, "", "SC033"},
		{"SC033 words", nil, []string{app + ", readinessProbe: {exec: {command: [curl, -f, 'local host']}}"}, "", ""},
		{"SC034 behind a sidecar", []string{gated, "name: i, image: i, command: [sh, -c, 'until nc localhost 80; do :; done']"}, []string{app + ", ports: [{containerPort: 80}]"}, "", ""},
		{"SC034 in a URL", []string{"name: i, image: i, command: [sh, -c], args: ['while ! wget http://127.0.0.1:80/; do sleep 1; done']"}, []string{app + ", ports: [{containerPort: 80}]"}, "", "SC034"},
		{"SC034 another port", []string{"name: i, image: i, command: [sh, -c, 'until nc localhost 800; do :; done']"}, []string{app + ", ports: [{containerPort: 80}]"}, "", ""},
		{"SC034 once", []string{"name: i, image: i, command: [nc, localhost, '80']"}, []string{app + ", ports: [{containerPort: 80}]"}, "", ""},
		{"SC034 the node's network", []string{"name: i, image: i, command: [sh, -c, 'until nc localhost 80; do :; done']"}, []string{app + ", ports: [{containerPort: 80}]"}, "hostNetwork: true", ""},
		{"SC017 before", nil, []string{"name: fluentd, image: f", app}, "", "SC017"},
		{"SC017 helpers only", nil, []string{"name: fluentd, image: f"}, "", ""},
		{"SC017 unknown containers", nil, []string{"name: a, image: a", app}, "", ""},
		{"SC017 ordinary hook", nil, []string{"name: a, image: a" + hook("postStart", "exec: {command: [touch, /x]}"), app}, "", ""},
		{"SC018 after", nil, []string{app, "name: x, image: docker.io/envoyproxy/envoy:v1"}, "", "SC018"},
		{"SC020 only Jobs", []string{gated}, nil, "restartPolicy: OnFailure", ""},
		{"SC021 version not known", []string{gated}, nil, "restartPolicy: Never", "SC021"},
		{"SC021 no startupProbe", []string{sidecar}, nil, "restartPolicy: Never", "SC001"},
		{"SC022 app's preStop", []string{gated}, []string{app + hook("preStop", get)}, "", ""},
		{"SC023 command", []string{gated}, []string{app + hook("preStop", "exec: {command: [sh, -c, sleep 29]}")}, "", "SC023"},
		{"SC023 grace 0", []string{gated}, nil, "terminationGracePeriodSeconds: 0", "SC023"},
		{"SC023 no sidecar", nil, []string{app + hook("preStop", "sleep: {seconds: 30}")}, "", ""},
		{"SC024 hostPort", []string{gated + ", ports: [{containerPort: 1, hostPort: 80}]"}, []string{app + ", ports: [{containerPort: 80, hostPort: 80}]"}, "", "SC024"},
		{"SC024 protocol", []string{gated + ", ports: [{containerPort: 53, protocol: UDP}]"}, []string{app + ", ports: [{containerPort: 53}]"}, "", ""},
		{"SC024 init container", []string{"name: i, image: i, ports: [{containerPort: 80}]"}, []string{app + ", ports: [{containerPort: 80}]"}, "", ""},
		{"SC025 activeDeadlineSeconds", []string{gated}, nil, "activeDeadlineSeconds: 30", "SC025"},
		{"SC027 negative", nil, []string{app + hook("preStop", "sleep: {seconds: -1}")}, "", "SC027"},
		{"SC027 just", nil, []string{app + hook("preStop", "sleep: {seconds: 30}")}, "", ""},
		{"SC032 the container has it", []string{gated}, []string{app + ", ports: [{name: http, containerPort: 80}], readinessProbe: {httpGet: {port: http}}"}, "", ""},
		{"SC032 another container has it", []string{gated}, []string{app + ", readinessProbe: {httpGet: {port: http}}", "name: b, image: b, ports: [{name: http, containerPort: 80}]"}, "", "SC032"},
		{"SC032 number as text", nil, []string{app + ", readinessProbe: {httpGet: {port: '8080'}}"}, "", "SC014"},
		{"SC032 preStop", nil, []string{app + hook("preStop", "httpGet: {port: http}")}, "", "SC032"},
		{"SC014 port 0", nil, []string{app + ", readinessProbe: {tcpSocket: {port: 0}}"}, "", "SC014"},
		{"SC014 port", nil, []string{app + ", readinessProbe: {httpGet: {path: /, port: 70000}}"}, "", "SC014"},
		{"SC029 is no more", []string{gated + ", args: [--listen, 127.0.0.1:8080]"}, nil, "", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			main := test.main
			if main == nil {
				main = []string{app}
			}
			got := strings.Join(idsOf(lintYAML(t, podYAML(test.init, main, test.spec), Target{})), " ")
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// live makes a Pod of a manifest that an API server gave out.
func live(manifest string) string {
	return strings.Replace(manifest, "metadata: {name: web}", "metadata: {name: web, uid: x}", 1)
}

// What API servers refuse, by version, in their words.
func TestLintRefusals(t *testing.T) {
	init := func(fields string) string { return podYAML([]string{"name: i, image: i, " + fields}, []string{app}) }
	regular := func(fields string) string { return podYAML(nil, []string{app + ", " + fields}) }
	rules := "restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [1]}}]"
	tests := []struct {
		name, manifest, api string
		severity            verdict.Severity // "" for no finding
		message             string
	}{
		{"probe on init container 1.27", init("startupProbe: {" + get + "}"), "v1.27.16", verdict.SeverityError, "Forbidden: may not be set for init containers"},
		{"probe on init container", init("startupProbe: {" + get + "}"), "v1.28.0", verdict.SeverityError, "Forbidden: may not be set for init containers without restartPolicy=Always"},
		{"lifecycle on init container", init("lifecycle: {preStop: {" + get + "}}"), "", verdict.SeverityError, "Forbidden: may not be set for init containers without restartPolicy=Always"},
		{"OnFailure 1.33", init("restartPolicy: OnFailure"), "v1.33.1", verdict.SeverityError, `Unsupported value: "OnFailure": supported values: "Always"`},
		{"OnFailure 1.34", init("restartPolicy: OnFailure"), "v1.34.1", verdict.SeverityWarning, "drops"},
		{"OnFailure 1.35", init("restartPolicy: OnFailure"), "v1.35.0", verdict.SeverityInfo, "ordinary init container"},
		{"OnFailure unknown", init("restartPolicy: OnFailure"), "", verdict.SeverityWarning, "ordinary init container"},
		{"always 1.32", init("restartPolicy: always"), "v1.32.0", verdict.SeverityError, `Unsupported value: "always": supported values: "Always"`},
		{"always 1.36", init("restartPolicy: always"), "v1.36.3", verdict.SeverityError, `Unsupported value: "always": supported values: "Always", "Never", "OnFailure"`},
		{"rules without policy", init(rules), "v1.35.0", verdict.SeverityError, "Required value: must specify restartPolicy when restart rules are used"},
		{"rules without policy 1.33", init(rules), "v1.33.0", "", ""},
		{"rules on sidecar 1.35", init("restartPolicy: Always, startupProbe: {periodSeconds: 1, failureThreshold: 60, " + get + "}, " + rules), "v1.35.0", verdict.SeverityError, "Forbidden: restartPolicyRules are not allowed for init containers with restart policy Always"},
		{"rules on sidecar 1.36", init("restartPolicy: Always, startupProbe: {periodSeconds: 1, failureThreshold: 60, " + get + "}, " + rules), "v1.36.3", "", ""},
		{"regular 1.33", regular("restartPolicy: Always"), "v1.33.0", verdict.SeverityError, "Forbidden: may not be set for non-init containers"},
		{"regular 1.34", regular("restartPolicy: Always"), "v1.34.0", verdict.SeverityWarning, "drops"},
		{"regular 1.36", regular("restartPolicy: Always"), "v1.36.0", verdict.SeverityWarning, "makes no sidecar"},
		{"regular unknown", regular("restartPolicy: Always"), "", verdict.SeverityWarning, "makes no sidecar"},
		{"regular always", regular("restartPolicy: always"), "v1.36.0", verdict.SeverityError, `Unsupported value: "always"`},
		{"ephemeral", live(podYAML(nil, []string{app}, "ephemeralContainers: [{name: e, image: e, restartPolicy: Always}]")), "v1.36.0", verdict.SeverityError, "Forbidden: cannot be set for an Ephemeral Container"},
		{"ephemeral 1.34", live(podYAML(nil, []string{app}, "ephemeralContainers: [{name: e, image: e, restartPolicy: Always}]")), "v1.34.0", verdict.SeverityWarning, "drops"},
		{"ephemeral probe", live(podYAML(nil, []string{app}, "ephemeralContainers: [{name: e, image: e, startupProbe: {"+get+"}}]")), "", verdict.SeverityError, "Forbidden: cannot be set for an Ephemeral Container"},
		{"successThreshold", regular("startupProbe: {successThreshold: 2, " + get + "}"), "", verdict.SeverityError, "Invalid value: 2: must be 1"},
		{"readiness grace", regular("readinessProbe: {terminationGracePeriodSeconds: 3, " + get + "}"), "", verdict.SeverityError, "must not be set for readinessProbes"},
		{"grace", regular("livenessProbe: {terminationGracePeriodSeconds: 0, " + get + "}"), "", verdict.SeverityError, "Invalid value: 0: must be greater than 0"},
		{"resizePolicy 1.32", init("resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]"), "v1.32.0", "", ""},
		{"resizePolicy 1.33", init("resizePolicy: [{resourceName: cpu, restartPolicy: NotRequired}]"), "v1.33.0", "", ""},
		{"sleep 0 on 1.32", regular("lifecycle: {preStop: {sleep: {seconds: 0}}}"), "v1.32.0", verdict.SeverityError, "must be greater than 0 and less than terminationGracePeriodSeconds (30)"},
		{"sleep 0 on 1.33", regular("lifecycle: {preStop: {sleep: {seconds: 0}}}"), "v1.33.0", "", ""},
		{"sleep 31", regular("lifecycle: {preStop: {sleep: {seconds: 31}}}"), "v1.37.0", verdict.SeverityError, "Invalid value: 31: must be non-negative and less than terminationGracePeriodSeconds (30)"},
		{"sleep on 1.29", regular("lifecycle: {preStop: {sleep: {seconds: 3}}}"), "v1.29.3", verdict.SeverityError, "PodLifecycleSleepAction"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			findings := lintYAML(t, test.manifest, Target{API: release(t, test.api)})
			if test.severity == "" && len(findings) == 0 {
				return
			}
			if len(findings) != 1 || findings[0].Severity != test.severity || !strings.Contains(findings[0].Message, test.message) {
				t.Errorf("got %+v, want one %s with %q", findings, test.severity, test.message)
			}
		})
	}
}

const rule = "{action: Restart, exitCodes: {operator: In, values: [42]}}"

// jobYAML is a Job of one container.
func jobYAML(spec, container string) string {
	return "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec:\n  template:\n    spec:\n      " + spec + "\n      containers: [{" + container + "}]\n"
}

// What hangs on versions.
func TestLintTargets(t *testing.T) {
	never := podYAML([]string{gated}, []string{app}, "restartPolicy: Never")
	tests := []struct{ manifest, kubelet, api, want string }{
		{never, "v1.31.0", "", "SC021 warning"},
		{never, "v1.33.5", "", "SC021 warning"},
		{never, "v1.33.6", "", ""},
		{never, "v1.34.1", "", "SC021 warning"},
		{never, "v1.34.2", "", ""},
		{never, "v1.35.0", "", ""},
		{never, "", "", "SC021 info"},
		{podYAML([]string{gated}, []string{app}), "v1.27.16", "v1.29.0", "SC026 error"},
		{podYAML([]string{gated}, []string{app}), "", "v1.27.16", "SC026 error"},
		{podYAML(nil, []string{app}), "v1.27.16", "v1.27.16", ""},
		{podYAML([]string{gated}, []string{app}), "v1.28.15", "v1.29.0", "SC030 warning"},
		// SC013: from 1.35 on a regular container may have a policy.
		{podYAML(nil, []string{app + ", restartPolicy: Never", "name: b, image: b, restartPolicy: OnFailure"}), "", "v1.35.1", ""},
		{podYAML(nil, []string{app + ", restartPolicy: Always, restartPolicyRules: [" + rule + "]"}), "", "v1.35.1", ""},
		{podYAML(nil, []string{app + ", restartPolicy: Always"}), "", "v1.35.1", "SC013 warning"},
		{podYAML(nil, []string{app + ", restartPolicy: Never"}), "", "v1.33.1", "SC013 error"},
		{podYAML(nil, []string{app + ", restartPolicy: Never"}), "", "", "SC013 warning"},
		{jobYAML("restartPolicy: Never", app+", restartPolicy: Always"), "", "v1.35.1", "SC013 warning"},
		{jobYAML("restartPolicy: Never", app+", restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [0]}}]"), "", "v1.35.1", "SC013 warning"},
		{jobYAML("restartPolicy: Never", app+", restartPolicy: Never, restartPolicyRules: ["+rule+"]"), "", "v1.35.1", ""},
		// SC022: the app of such a Pod ends by itself.
		{podYAML([]string{gated + ", lifecycle: {preStop: {exec: {command: [x]}}}"}, []string{app}, "restartPolicy: OnFailure"), "v1.37.0", "v1.37.0", "SC022 info"},
		{podYAML([]string{gated + ", lifecycle: {preStop: {exec: {command: [x]}}}"}, []string{app}), "v1.37.0", "v1.37.0", "SC022 warning"},
		// SC023: no margin.
		{podYAML([]string{gated}, []string{app}, "terminationGracePeriodSeconds: 1"), "", "", "SC023 info"},
		{podYAML([]string{gated}, []string{app}, "terminationGracePeriodSeconds: 2"), "", "", ""},
		{podYAML(nil, []string{app}, "terminationGracePeriodSeconds: 1"), "", "", ""},
		// SC036: who knows stopSignal.
		{podYAML(nil, []string{app + ", lifecycle: {stopSignal: SIGINT}"}, "os: {name: linux}"), "", "v1.32.1", "SC036 error"},
		{podYAML(nil, []string{app + ", lifecycle: {stopSignal: SIGINT}"}, "os: {name: linux}"), "", "", "SC036 warning"},
	}
	for _, test := range tests {
		got := ""
		for _, f := range lintYAML(t, test.manifest, Target{Kubelet: release(t, test.kubelet), API: release(t, test.api)}) {
			got = strings.TrimSpace(got + " " + f.ID + " " + string(f.Severity))
		}
		if got != test.want {
			t.Errorf("kubelet %q, API %q: got %q, want %q", test.kubelet, test.api, got, test.want)
		}
	}
}

// A finding says where it is in the file, and what to write.
func TestFindingPlace(t *testing.T) {
	const source = `# a comment
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  selector: {matchLabels: {a: b}}
  template:
    metadata:
      labels: {a: b}
      annotations:
        linkerd.io/inject: enabled
    spec:
      initContainers:
      - name: proxy
        image: proxy:1
        restartPolicy: Always
        readinessProbe:
          httpGet:
            path: /ready
            port: 15021
      containers:
      - name: app
        image: app:1
`
	m := manifest.Parse(t.Context(), "web.yaml", []byte(source))
	p := m.Pods[0]
	want := []PodFinding{
		{
			ID: "SC028", Severity: verdict.SeverityInfo, Path: `spec.template.metadata.annotations["linkerd.io/inject"]`, Line: 15, Column: 9,
			Message: `"linkerd.io/inject" asks Linkerd to change the Pod when it is created, so the containers will be others than these`,
			Remedy:  "check the live Pod as well:\nkubectl get pod NAME -o yaml | compat validate-pod -f -",
		},
		{
			ID: "SC001", Severity: verdict.SeverityWarning, Container: "proxy", Path: "spec.template.spec.initContainers[0]", Line: 18, Column: 9,
			Message: "the app does not wait until this sidecar is ready: it is only started first",
			Remedy: "add a startupProbe that succeeds when the sidecar is ready:\n" +
				"startupProbe:\n  failureThreshold: 60\n  httpGet:\n    path: /ready\n    port: 15021\n  periodSeconds: 1",
		},
		{
			ID: "SC002", Severity: verdict.SeverityWarning, Container: "proxy", Path: "spec.template.spec.initContainers[0].readinessProbe", Line: 21, Column: 9,
			Message: "the readinessProbe does not hold back the app; it decides only whether the Pod is Ready",
			Remedy: "make the same check as a startupProbe:\n" +
				"startupProbe:\n  failureThreshold: 60\n  httpGet:\n    path: /ready\n    port: 15021\n  periodSeconds: 1",
		},
	}
	if diff := cmp.Diff(want, Lint(p, Order(p, Target{}), Target{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if p.Document != 2 || p.Line != 6 || p.File != "web.yaml" {
		t.Errorf("the Pod is in document %d, line %d of %q", p.Document, p.Line, p.File)
	}
}

// What an API server refuses of a whole Pod (SC031) or of a handler (SC014).
func TestLintRefusedPods(t *testing.T) {
	deployment := func(spec string) string {
		return "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}\nspec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {containers: [{" + app + "}], " + spec + "}}}\n"
	}
	tests := []struct{ name, manifest, want string }{
		{"two handlers", podYAML(nil, []string{app + ", livenessProbe: {exec: {command: [x]}, " + get + "}"}), "SC014"},
		{"two handlers of a hook", podYAML(nil, []string{app + ", lifecycle: {preStop: {sleep: {seconds: 1}, " + get + "}}"}), "SC014"},
		{"no command", podYAML(nil, []string{app + ", livenessProbe: {exec: {}}"}), "SC014"},
		{"grpc without port", podYAML(nil, []string{app + ", livenessProbe: {grpc: {}}"}), "SC014"},
		{"grpc", podYAML(nil, []string{app + ", livenessProbe: {grpc: {port: 1}}"}), ""},
		{"scheme", podYAML(nil, []string{app + ", livenessProbe: {httpGet: {port: 1, scheme: http}}"}), "SC014"},
		{"restartPolicy", podYAML(nil, []string{app}, "restartPolicy: always"), "SC031"},
		{"restartPolicy of a Pod", podYAML(nil, []string{app}, "restartPolicy: Never"), ""},
		{"restartPolicy of a Deployment", deployment("restartPolicy: Never"), "SC031"},
		{"restartPolicy Always of a Deployment", deployment("restartPolicy: Always"), ""},
		{"deadline of a Deployment", deployment("activeDeadlineSeconds: 600"), "SC031"},
		{"no name", "apiVersion: v1\nkind: Pod\nspec: {containers: [{" + app + "}]}\n", "SC031"},
		{"generateName", "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\nspec: {containers: [{" + app + "}]}\n", ""},
		{"image with a blank", podYAML(nil, []string{"name: app, image: 'app:1 '"}), "SC031"},
		{"port without number", podYAML(nil, []string{app + ", ports: [{name: x}]"}), "SC031"},
		{"port's name", podYAML(nil, []string{app + ", ports: [{name: UPPER, containerPort: 1}]"}), "SC031"},
		{"host port twice", podYAML(nil, []string{app + ", ports: [{hostPort: 80, containerPort: 80}]", "name: b, image: b, ports: [{hostPort: 80, containerPort: 81}]"}), "SC031"},
		{"host port on two addresses", podYAML(nil, []string{app + ", ports: [{hostPort: 80, containerPort: 80, hostIP: 10.0.0.1}]", "name: b, image: b, ports: [{hostPort: 80, containerPort: 81, hostIP: 10.0.0.2}]"}), ""},
		{"sidecar's host port on all addresses", podYAML([]string{gated + ", ports: [{hostPort: 80, containerPort: 80}]"}, []string{app + ", ports: [{hostPort: 80, containerPort: 81, hostIP: 10.0.0.2}]"}), "SC024"},
		{"sidecar's host port on another address", podYAML([]string{gated + ", ports: [{hostPort: 80, containerPort: 80, hostIP: 10.0.0.1}]"}, []string{app + ", ports: [{hostPort: 80, containerPort: 81, hostIP: 10.0.0.2}]"}), ""},
		{"negative grace period", podYAML([]string{gated}, []string{app + ", lifecycle: {preStop: {sleep: {seconds: 1}}}"}, "terminationGracePeriodSeconds: -1"), "SC023"},
		{"a proxy's own init container", podYAML([]string{"name: istio-init, image: i", "name: istio-proxy, restartPolicy: Always, image: p, startupProbe: {periodSeconds: 1, failureThreshold: 60, " + get + "}"}, []string{app}), ""},
		{"the placeholder of a remedy", podYAML([]string{sidecar + ", startupProbe: {periodSeconds: 1, failureThreshold: 60, exec: {command: ['" + placeholder + "']}}"}, []string{app}), "SC005"},
		{"mount without volume", podYAML(nil, []string{app + ", volumeMounts: [{name: a, mountPath: /a}]"}), "SC031"},
		{"mount", podYAML(nil, []string{app + ", volumeMounts: [{name: a, mountPath: /a}]"}, "volumes: [{name: a, emptyDir: {}}]"), ""},
		{"mount of a claim", "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {name: d}\nspec: {selector: {matchLabels: {a: b}}, volumeClaimTemplates: [{metadata: {name: a}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}], template: {metadata: {labels: {a: b}}, spec: {containers: [{" + app + ", volumeMounts: [{name: a, mountPath: /a}]}]}}}\n", ""},
		{"mount path twice", podYAML(nil, []string{app + ", volumeMounts: [{name: a, mountPath: /a}, {name: a, mountPath: /a}]"}, "volumes: [{name: a, emptyDir: {}}]"), "SC031"},
		{"mount without a path", podYAML(nil, []string{app + ", volumeMounts: [{name: a}]"}, "volumes: [{name: a, emptyDir: {}}]"), "SC031"},
		{"absolute subPath", podYAML(nil, []string{app + ", volumeMounts: [{name: a, mountPath: /a, subPath: /b}]"}, "volumes: [{name: a, emptyDir: {}}]"), "SC031"},
		{"volume twice", podYAML(nil, []string{app}, "volumes: [{name: a, emptyDir: {}}, {name: a, emptyDir: {}}]"), "SC031"},
		{"volume's name", podYAML(nil, []string{app}, "volumes: [{name: A, emptyDir: {}}]"), "SC031"},
		{"imagePullPolicy", podYAML(nil, []string{app + ", imagePullPolicy: always"}), "SC031"},
		{"protocol", podYAML(nil, []string{app + ", ports: [{containerPort: 1, protocol: tcp}]"}), "SC031"},
		{"port's name twice", podYAML(nil, []string{app + ", ports: [{containerPort: 1, name: a}, {containerPort: 2, name: a}]"}), "SC031"},
		{"port of the host's network", podYAML(nil, []string{app + ", ports: [{containerPort: 1, hostPort: 2}]"}, "hostNetwork: true"), "SC031"},
		{"request above limit", podYAML(nil, []string{app + ", resources: {requests: {cpu: 1}, limits: {cpu: 100m}}"}), "SC031"},
		{"request of the limit", podYAML(nil, []string{app + ", resources: {requests: {cpu: 1000m}, limits: {cpu: 1}}"}), ""},
		{"header", podYAML(nil, []string{app + ", livenessProbe: {httpGet: {port: 1, httpHeaders: [{name: 'X Y', value: z}]}}"}), "SC031"},
		{"deadline 0", podYAML(nil, []string{app}, "activeDeadlineSeconds: 0"), "SC031"},
		{"tcpSocket preStop", podYAML(nil, []string{app + ", lifecycle: {preStop: {tcpSocket: {port: 80}}}"}), "SC008"},
		{"a live Pod", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {linkerd.io/inject: enabled}}\nspec: {nodeName: node-1, containers: [{" + app + "}]}\n", ""},
		// The limits of what is reported.
		{"SC006 just enough", podYAML([]string{sidecar + ", startupProbe: {periodSeconds: 1, failureThreshold: 10, " + get + "}"}, []string{app}), ""},
		{"SC006 a light helper", podYAML([]string{"name: fluentd, image: f, restartPolicy: Always, startupProbe: {" + get + "}"}, []string{app}), "SC004"},
		{"SC023 just enough", podYAML([]string{gated}, []string{app + ", lifecycle: {preStop: {sleep: {seconds: 27}}}"}), ""},
		{"SC023 just too long", podYAML([]string{gated}, []string{app + ", lifecycle: {preStop: {sleep: {seconds: 28}}}"}), "SC023"},
		{"SC025 just", podYAML([]string{gated}, []string{app}, "activeDeadlineSeconds: 62"), ""},
		{"SC025 equal", podYAML([]string{gated}, []string{app}, "activeDeadlineSeconds: 61"), "SC025"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			findings := lintYAML(t, test.manifest, Target{})
			if got := strings.Join(idsOf(findings), " "); got != test.want {
				t.Errorf("got %q, want %q: %+v", got, test.want, findings)
			}
		})
	}
	// The message of old servers is another.
	findings := lintYAML(t, podYAML([]string{"name: i, image: i, startupProbe: {" + get + "}"}, []string{app}), Target{API: release(t, "v1.27.16")})
	if len(findings) != 1 || !strings.HasSuffix(findings[0].Message, "may not be set for init containers") {
		t.Errorf("%+v", findings)
	}
}

// The API server's gates, where they are told, count as they were told.
func TestLintGates(t *testing.T) {
	tests := []struct {
		manifest, api, gate string
		value               bool
		want                string // the severity and what the message says
	}{
		{podYAML([]string{"name: i, image: i, restartPolicy: OnFailure"}, []string{app}), "v1.34.1", gateRestartRules, true, "info ordinary init container"},
		{podYAML([]string{"name: i, image: i, restartPolicy: OnFailure"}, []string{app}), "v1.35.1", gateRestartRules, false, "warning drops"},
		{podYAML(nil, []string{app + ", restartPolicy: Always"}), "v1.35.1", gateRestartRules, false, "warning drops"},
		{podYAML(nil, []string{app + ", lifecycle: {preStop: {sleep: {seconds: 3}}}"}), "v1.29.1", gateSleepAction, true, ""},
		{podYAML(nil, []string{app + ", lifecycle: {stopSignal: SIGINT}"}, "os: {name: linux}"), "v1.36.3", gateStopSignals, true, ""},
		{podYAML(nil, []string{app + ", lifecycle: {stopSignal: SIGINT}"}), "v1.36.3", gateStopSignals, true, "error empty `spec.os.name`"},
		{podYAML(nil, []string{app + ", lifecycle: {stopSignal: SIGINT}"}, "os: {name: windows}"), "v1.36.3", gateStopSignals, true, "error supported values"},
		{podYAML(nil, []string{app + ", lifecycle: {preStop: {sleep: {seconds: 3}}}"}), "v1.30.1", gateSleepAction, false, "error has no sleep hook"},
	}
	for _, test := range tests {
		findings := lintYAML(t, test.manifest, Target{API: release(t, test.api), Gates: map[string]bool{test.gate: test.value}})
		if test.want == "" {
			if len(findings) > 0 {
				t.Errorf("%s %s=%t: %+v", test.api, test.gate, test.value, findings)
			}
			continue
		}
		severity, message, _ := strings.Cut(test.want, " ")
		if len(findings) != 1 || string(findings[0].Severity) != severity || !strings.Contains(findings[0].Message, message) {
			t.Errorf("%s %s=%t: %+v", test.api, test.gate, test.value, findings)
		}
	}
}

// In a Job, what can be seen to run for ever is a helper that keeps it from completing.
func TestLintNeverEnds(t *testing.T) {
	for command, want := range map[string]string{
		"[tail, -F, /log]":                                    "SC018 SC019",
		"[tail, -n, '5', -f, /log]":                           "SC018 SC019",
		"[sleep, infinity]":                                   "SC018 SC019",
		"[sh, -c, 'while true; do sync; sleep 5; done']":      "SC018 SC019",
		"[sh, -c, 'while true; do test -e /x && exit; done']": "",
		"[tail, -n, '5', /log]":                               "",
		"[sleep, '60']":                                       "",
	} {
		job := "apiVersion: batch/v1\nkind: Job\nmetadata: {name: j}\nspec: {template: {spec: {restartPolicy: Never, containers: [{" + app + "}, {name: b, image: b, command: " + command + "}]}}}\n"
		if got := strings.Join(idsOf(lintYAML(t, job, Target{})), " "); got != want {
			t.Errorf("%s: %q, want %q", command, got, want)
		}
		pod := podYAML(nil, []string{app, "name: b, image: b, command: " + command})
		if findings := lintYAML(t, pod, Target{}); len(findings) > 0 {
			t.Errorf("%s in a Pod: %+v", command, findings)
		}
	}
}
