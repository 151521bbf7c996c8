package sidecar

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// Where what an API server refuses of a Pod is found (SC031). That all of it is found, and
// nothing else, is TestOracle's.
func TestRefusedFields(t *testing.T) {
	spec := func(spec string) string { return podYAML(nil, []string{app}, spec) }
	container := func(fields string, spec ...string) string {
		return podYAML(nil, []string{app + ", " + fields}, spec...)
	}
	volume := func(source string) string { return spec("volumes: [{name: v, " + source + "}]") }
	env := func(variable string) string { return container("env: [{" + variable + "}]") }
	const claim = "ephemeral: {volumeClaimTemplate: {%sspec: {%s}}}"
	const c, v = "spec.containers[0].", "spec.volumes[0]."
	for _, test := range []struct{ name, manifest, want string }{
		// Volumes.
		{"no source is an emptyDir", spec("volumes: [{name: v}]"), ""},
		{"two sources", volume("emptyDir: {}, configMap: {name: a}"), v + "configMap"},
		{"mode", volume("configMap: {name: a, defaultMode: 644444}"), v + "configMap.defaultMode"},
		{"the largest mode", volume("secret: {secretName: a, defaultMode: 511}"), ""},
		{"a ConfigMap without name", volume("configMap: {}"), v + "configMap.name"},
		{"a file outside", volume("secret: {secretName: a, items: [{key: k, path: ../k, mode: 512}]}"), v + "secret.items[0].mode " + v + "secret.items[0].path"},
		{"a file that looks like one outside", volume("configMap: {name: a, items: [{key: k, path: ..k}]}"), v + "configMap.items[0].path"},
		{"hostPath", volume("hostPath: {path: /a/../b, type: directory}"), v + "hostPath.path " + v + "hostPath.type"},
		{"a claim without name", volume("persistentVolumeClaim: {}"), v + "persistentVolumeClaim.claimName"},
		{"nfs", volume("nfs: {server: a, path: a}"), v + "nfs.path"},
		{"csi", volume("csi: {driver: a_b, nodePublishSecretRef: {}}"), v + "csi.driver " + v + "csi.nodePublishSecretRef.name"},
		{"size", volume("emptyDir: {sizeLimit: -1}"), v + "emptyDir.sizeLimit"},
		{"image", volume("image: {pullPolicy: always}"), v + "image.pullPolicy " + v + "image.reference"},
		{
			"claim", volume(fmt.Sprintf(claim, "metadata: {name: a}, ", "accessModes: [rwo], volumeMode: block")),
			v + "ephemeral.volumeClaimTemplate.metadata " + v + "ephemeral.volumeClaimTemplate.spec.accessModes[0] " + v + "ephemeral.volumeClaimTemplate.spec.resources.requests.storage " + v + "ephemeral.volumeClaimTemplate.spec.volumeMode",
		},
		{"access modes", volume(fmt.Sprintf(claim, "", "accessModes: [ReadWriteOncePod, ReadWriteOnce], resources: {requests: {storage: 1Gi}}")), v + "ephemeral.volumeClaimTemplate.spec.accessModes"},
		{"a claim of the Pod itself", spec("volumes: [{name: v, persistentVolumeClaim: {claimName: web-w}}, {name: w, " + fmt.Sprintf(claim, "", "accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}") + "}]"), v + "persistentVolumeClaim.claimName"},
		{"projected", volume("projected: {sources: [{configMap: {name: a, items: [{key: a, path: a}]}}, {secret: {name: a, items: [{key: a, path: a}]}}, {secret: {name: a}, configMap: {name: a}}]}"), v + "projected.sources[1].secret.items[0].path " + v + "projected.sources[2].configMap"},
		{"token", volume("projected: {sources: [{serviceAccountToken: {path: /a, expirationSeconds: 599}}]}"), v + "projected.sources[0].serviceAccountToken.expirationSeconds " + v + "projected.sources[0].serviceAccountToken.path"},
		{"downwardAPI", volume("downwardAPI: {items: [{path: a}, {path: b, fieldRef: {fieldPath: spec.nodeName}}, {path: c, resourceFieldRef: {resource: limits.cpu}}]}"), v + "downwardAPI.items[0] " + v + "downwardAPI.items[1].fieldRef.fieldPath " + v + "downwardAPI.items[2].resourceFieldRef.containerName"},
		// Mounts.
		{"subPath", container("volumeMounts: [{name: v, mountPath: /a, subPath: a/../b, subPathExpr: a}]", "volumes: [{name: v}]"), c + "volumeMounts[0].subPath " + c + "volumeMounts[0].subPathExpr"},
		{"propagation", container("volumeMounts: [{name: v, mountPath: /a, mountPropagation: Bidirectional}]", "volumes: [{name: v}]"), c + "volumeMounts[0].mountPropagation"},
		{"propagation to a privileged one", container("securityContext: {privileged: true}, volumeMounts: [{name: v, mountPath: /a, mountPropagation: Bidirectional}]", "volumes: [{name: v}]"), ""},
		{"recursive read-only", container("volumeMounts: [{name: v, mountPath: /a, recursiveReadOnly: Enabled}]", "volumes: [{name: v}]"), c + "volumeMounts[0].recursiveReadOnly"},
		{"device", container("volumeDevices: [{name: v, devicePath: /a/../b}, {name: w, devicePath: /d}, {name: w, devicePath: /d}]", "volumes: [{name: v}, {name: w, persistentVolumeClaim: {claimName: a}}]"), c + "volumeDevices[0].devicePath " + c + "volumeDevices[0].name " + c + "volumeDevices[2].devicePath " + c + "volumeDevices[2].name"},
		// Variables.
		{"no name", env("value: a"), c + "env[0].name"},
		{"name", env("name: A=B"), c + "env[0].name"},
		{"an unusual name", env("name: '1 a.b'"), ""},
		{"a name twice", container("env: [{name: A, value: a}, {name: A, value: b}]"), ""},
		{"value and valueFrom", env("name: A, value: x, valueFrom: {fieldRef: {fieldPath: metadata.name}}"), c + "env[0].valueFrom"},
		{"nothing in valueFrom", env("name: A, valueFrom: {}"), c + "env[0].valueFrom"},
		{"two in valueFrom", env("name: A, valueFrom: {fieldRef: {fieldPath: metadata.name}, secretKeyRef: {name: a, key: a}}"), c + "env[0].valueFrom.secretKeyRef"},
		{"fieldPath", env("name: A, valueFrom: {fieldRef: {fieldPath: metadata.labels}}"), c + "env[0].valueFrom.fieldRef.fieldPath"},
		{"a label", env("name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['a/b']\"}}"), ""},
		{"a label that is none", env("name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.labels['a b']\"}}"), c + "env[0].valueFrom.fieldRef.fieldPath"},
		{"another field with a key", env("name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.name['a']\"}}"), c + "env[0].valueFrom.fieldRef.fieldPath"},
		{"resource and divisor", env("name: A, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 10m}}"), c + "env[0].valueFrom.resourceFieldRef.divisor"},
		{"key", env("name: A, valueFrom: {configMapKeyRef: {name: A, key: a/b}}"), c + "env[0].valueFrom.configMapKeyRef.key " + c + "env[0].valueFrom.configMapKeyRef.name"},
		{"file", container("env: [{name: A, valueFrom: {fileKeyRef: {volumeName: v, path: ../a, key: a}}}]", "volumes: [{name: v, secret: {secretName: a}}]"), c + "env[0].valueFrom.fileKeyRef.path " + c + "env[0].valueFrom.fileKeyRef.volumeName"},
		{"envFrom nothing", container("envFrom: [{}]"), c + "envFrom[0]"},
		{"envFrom", container("envFrom: [{prefix: A=, configMapRef: {name: A}, secretRef: {name: a-}}]"), c + "envFrom[0].configMapRef.name " + c + "envFrom[0].prefix " + c + "envFrom[0].secretRef"},
		// Security.
		{"privileged", container("securityContext: {privileged: true, allowPrivilegeEscalation: false}"), c + "securityContext.allowPrivilegeEscalation"},
		{"CAP_SYS_ADMIN", container("securityContext: {allowPrivilegeEscalation: false, capabilities: {add: [CAP_SYS_ADMIN]}}"), c + "securityContext.allowPrivilegeEscalation"},
		{"users", container("securityContext: {runAsUser: -1, runAsGroup: 4294967296}", "securityContext: {fsGroup: -1, supplementalGroups: [1, -1]}"), c + "securityContext.runAsGroup " + c + "securityContext.runAsUser spec.securityContext.fsGroup spec.securityContext.supplementalGroups[1]"},
		{"profiles", container("securityContext: {seccompProfile: {type: Localhost}, appArmorProfile: {type: RuntimeDefault, localhostProfile: a}}"), c + "securityContext.appArmorProfile.localhostProfile " + c + "securityContext.seccompProfile.localhostProfile"},
		{"procMount", container("securityContext: {procMount: Unmasked}"), c + "securityContext.procMount"},
		{"procMount with own users", container("securityContext: {procMount: Unmasked}", "hostUsers: false"), ""},
		{"policies", spec("securityContext: {fsGroupChangePolicy: always, supplementalGroupsPolicy: strict, seLinuxChangePolicy: recursive}"), "spec.securityContext.fsGroupChangePolicy spec.securityContext.seLinuxChangePolicy spec.securityContext.supplementalGroupsPolicy"},
		{"hostUsers", podYAML(nil, []string{app}, "hostUsers: false", "hostNetwork: true", "hostPID: true", "hostIPC: true"), "spec.hostIPC spec.hostNetwork spec.hostPID"},
		{"shareProcessNamespace", podYAML(nil, []string{app}, "shareProcessNamespace: true", "hostPID: true"), "spec.shareProcessNamespace"},
		{"sysctls", podYAML(nil, []string{app}, "hostNetwork: true", "securityContext: {sysctls: [{name: Net.x, value: a}, {name: net.x, value: a}, {name: kernel.shm_rmid_forced, value: a}, {name: kernel.shm_rmid_forced, value: a}]}"), "spec.securityContext.sysctls[0].name spec.securityContext.sysctls[1].name spec.securityContext.sysctls[3].name"},
		{"Linux", container("securityContext: {windowsOptions: {}}", "os: {name: linux}"), c + "securityContext.windowsOptions"},
		{"Windows", container("securityContext: {privileged: true, windowsOptions: {}}", "os: {name: windows}", "hostPID: true", "securityContext: {fsGroup: 1}"), c + "securityContext.privileged spec.hostPID spec.securityContext.fsGroup"},
		{"another system", spec("os: {name: plan9}"), "spec.os.name"},
		{"host processes", spec("securityContext: {windowsOptions: {hostProcess: true}}"), "spec.hostNetwork"},
		// Where it runs.
		{"nodeSelector", spec("nodeSelector: {a: b c}"), "spec.nodeSelector.a"},
		{"no terms", spec("affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: []}}}"), "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms"},
		{
			"expressions", spec("affinity: {nodeAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 0, preference: {matchExpressions: [{key: a, operator: in, values: [a]}, {key: a, operator: In}, {key: a, operator: Exists, values: [a]}, {key: a, operator: Gt, values: ['1', '2']}, {key: a, operator: In, values: [b c]}], matchFields: [{key: a, operator: In, values: []}]}}]}}"),
			"PREFERRED.preference.matchExpressions[0].operator PREFERRED.preference.matchExpressions[1].values PREFERRED.preference.matchExpressions[2].values PREFERRED.preference.matchExpressions[3].values PREFERRED.preference.matchFields[0].key PREFERRED.preference.matchFields[0].values PREFERRED.weight",
		},
		{"other Pods", spec("affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: [{labelSelector: {matchExpressions: [{key: a, operator: Is}]}, namespaces: [A], matchLabelKeys: [a], mismatchLabelKeys: [a]}]}}"), "ANTI.labelSelector.matchExpressions[0].operator ANTI.matchLabelKeys[0] ANTI.namespaces[0] ANTI.topologyKey"},
		{
			"spread", spec("topologySpreadConstraints: [{maxSkew: 0, topologyKey: a, whenUnsatisfiable: ScheduleAnyway, minDomains: 1, nodeTaintsPolicy: honor}, {maxSkew: 1, topologyKey: a, whenUnsatisfiable: ScheduleAnyway, matchLabelKeys: [a]}]"),
			"spec.topologySpreadConstraints[0].maxSkew spec.topologySpreadConstraints[0].minDomains spec.topologySpreadConstraints[0].nodeTaintsPolicy spec.topologySpreadConstraints[1] spec.topologySpreadConstraints[1].matchLabelKeys",
		},
		{"tolerations", spec("tolerations: [{effect: NoSchedule}, {key: a, operator: Exists, value: b}, {key: a, tolerationSeconds: 1, effect: noExecute}, {key: a, operator: Gt, value: '1'}]"), "spec.tolerations[0].operator spec.tolerations[1].value spec.tolerations[2].effect spec.tolerations[2].effect spec.tolerations[3].operator"},
		{"gates", podYAML(nil, []string{app}, "nodeName: node-1", "schedulingGates: [{name: a/b}, {name: a/b}]"), "spec.nodeName spec.schedulingGates[1].name"},
		{"a live Pod's gates", live(podYAML(nil, []string{app}, "nodeName: node-1", "schedulingGates: [{name: a/b}]")), ""},
		{"readinessGates", spec("readinessGates: [{conditionType: a b}]"), "spec.readinessGates[0].conditionType"},
		// Resources.
		{"resource", container("resources: {requests: {gpu: 1, cpu: -1}, limits: {gpu: 1}}"), c + "resources.limits.gpu " + c + "resources.requests.cpu " + c + "resources.requests.gpu"},
		{"a device", container("resources: {requests: {nvidia.com/gpu: 1}}"), c + `resources.requests["nvidia.com/gpu"]`},
		{"a part of a device", container("resources: {limits: {nvidia.com/gpu: 500m}}"), c + `resources.limits["nvidia.com/gpu"]`},
		{"another number of devices", container("resources: {requests: {nvidia.com/gpu: 1}, limits: {nvidia.com/gpu: 2}}"), c + `resources.requests["nvidia.com/gpu"]`},
		{"huge pages", container("resources: {limits: {hugepages-2Mi: 3Mi}}"), c + "resources " + c + "resources.limits.hugepages-2Mi"},
		{"claims", container("resources: {claims: [{name: a}, {name: a}, {name: b}]}", "resourceClaims: [{name: a, resourceClaimName: a}, {name: a, resourceClaimName: a, resourceClaimTemplateName: a}]"), c + "resources.claims[1] " + c + "resources.claims[2].name spec.resourceClaims[1].name spec.resourceClaims[1].resourceClaimTemplateName"},
		{"less than the sum", podYAML(nil, []string{app + ", resources: {requests: {cpu: 1}}", "name: b, image: b, resources: {limits: {cpu: 1}}"}, "resources: {requests: {cpu: 1500m}}"), "spec.resources.requests.cpu"},
		{"the sum", podYAML(nil, []string{app + ", resources: {requests: {cpu: 1}}", "name: b, image: b, resources: {limits: {cpu: 1}}"}, "resources: {requests: {cpu: 2}}"), ""},
		{"limited to less", container("resources: {requests: {cpu: 1}}", "resources: {limits: {cpu: 500m}}"), "spec.resources.limits.cpu"},
		{"a container's limit", container("resources: {limits: {cpu: 2}, requests: {cpu: 1}}", "resources: {limits: {cpu: 1}, claims: []}"), c + "resources.limits.cpu spec.resources.claims"},
		{"the Pod's resource", spec("resources: {requests: {ephemeral-storage: 1Gi}}"), "spec.resources.requests.ephemeral-storage"},
		{"resizePolicy", container("resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}, {resourceName: cpu, restartPolicy: notRequired}, {resourceName: disk, restartPolicy: NotRequired}]", "restartPolicy: Never"), c + "resizePolicy[0].restartPolicy " + c + "resizePolicy[1] " + c + "resizePolicy[1].restartPolicy " + c + "resizePolicy[2].resourceName"},
		{"overhead", spec("overhead: {cpu: -1}"), "spec.overhead.cpu"},
		// The rest of the Pod.
		{"hostname", podYAML(nil, []string{app}, "hostname: a.b", "subdomain: A"), "spec.hostname spec.subdomain"},
		{"hostnameOverride", podYAML(nil, []string{app}, "hostnameOverride: A", "hostNetwork: true", "setHostnameAsFQDN: true"), "spec.hostnameOverride spec.hostnameOverride spec.hostnameOverride"},
		{"references", podYAML(nil, []string{app}, "serviceAccountName: A", "priorityClassName: A", "runtimeClassName: A", "nodeName: A"), "spec.nodeName spec.priorityClassName spec.runtimeClassName spec.serviceAccountName"},
		{"preemptionPolicy", spec("preemptionPolicy: never"), "spec.preemptionPolicy"},
		{"dnsPolicy", spec("dnsPolicy: clusterFirst"), "spec.dnsPolicy"},
		{"no server", spec("dnsPolicy: None"), "spec.dnsConfig.nameservers"},
		{"dnsConfig", spec("dnsConfig: {nameservers: [a, 10.0.0.1, 10.0.0.1, 10.0.0.1], searches: [a b, a_b, '.'], options: [{value: a}]}"), "spec.dnsConfig.nameservers spec.dnsConfig.nameservers[0] spec.dnsConfig.options[0].name spec.dnsConfig.searches[0]"},
		{"hostAliases", spec("hostAliases: [{ip: a, hostnames: [A]}]"), "spec.hostAliases[0].hostnames[0] spec.hostAliases[0].ip"},
		{"ephemeralContainers", spec("ephemeralContainers: [{name: e, image: e}]"), "spec.ephemeralContainers"},
		{"a live Pod's ephemeralContainers", live(spec("ephemeralContainers: [{name: e, image: e}]")), ""},
		{"ports of the host's network", podYAML(nil, []string{app + ", ports: [{containerPort: 80}]", "name: b, image: b, ports: [{containerPort: 80}]"}, "hostNetwork: true"), "spec.containers[1].ports[0].hostPort"},
		{"an init container's host port twice", podYAML([]string{"name: i, image: i, ports: [{hostPort: 80, containerPort: 80}, {hostPort: 80, containerPort: 81}]"}, []string{app}), "spec.initContainers[0].ports[1].hostPort"},
		{"host ports of two init containers", podYAML([]string{"name: i, image: i, ports: [{hostPort: 80, containerPort: 80}]", "name: j, image: j, ports: [{hostPort: 80, containerPort: 80}]"}, []string{app}), ""},
		{"header of a hook", container("lifecycle: {preStop: {httpGet: {port: 80, httpHeaders: [{name: 'a b', value: c}]}}}"), c + "lifecycle.preStop.httpGet.httpHeaders[0].name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := strings.NewReplacer("PREFERRED", "spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0]",
				"ANTI", "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0]").Replace(test.want)
			if got := refusedPaths(t, test.manifest, Target{}); got != want {
				t.Errorf("refused is %q, want %q", got, want)
			}
		})
	}
}

// refusedPaths are those of SC031, sorted. Each finding says what to do.
func refusedPaths(t *testing.T, text string, target Target) string {
	t.Helper()
	m := manifest.Parse(t.Context(), "f", []byte(text))
	if len(m.Pods) != 1 || len(m.Problems) > 0 {
		t.Fatalf("%d Pods, problems %+v\n%s", len(m.Pods), m.Problems, text)
	}
	var got []string
	for _, f := range Lint(m.Pods[0], Order(m.Pods[0], target), target) {
		if f.ID != "SC031" {
			continue
		}
		if f.Severity != verdict.SeverityError || f.Message == "" || f.Remedy == "" || f.Line == 0 {
			t.Errorf("%+v", f)
		}
		got = append(got, f.Path)
	}
	return strings.Join(slices.Sorted(slices.Values(got)), " ")
}

// What differs by the API server's version, and by gates that it has.
func TestRefusedByVersion(t *testing.T) {
	spec := func(spec ...string) string { return podYAML(nil, []string{app}, spec...) }
	container := func(fields string) string { return podYAML(nil, []string{app + ", " + fields}) }
	const rules = "restartPolicy: Never, restartPolicyRules: [{action: %s, exitCodes: {operator: In, values: [1]}}]"
	users := spec("hostUsers: false", "hostNetwork: true")
	for _, test := range []struct{ manifest, api, gate, want string }{
		{users, "v1.32.0", "", ""},
		{users, "v1.33.0", "", "spec.hostNetwork"},
		{users, "v1.32.0", gateUserNamespaces, "spec.hostNetwork"},
		{users, "v1.36.0", gateUsersAndNetwork, ""},
		{container("env: [{name: '1 a'}]"), "v1.31.0", "", "spec.containers[0].env[0].name"},
		{container("env: [{name: '1 a'}]"), "v1.32.0", "", ""},
		{spec("dnsConfig: {searches: [a_b]}"), "v1.32.0", "", "spec.dnsConfig.searches[0]"},
		{spec("dnsConfig: {searches: [a_b]}"), "v1.33.0", "", ""},
		{spec("resources: {requests: {a: 1}}"), "v1.33.0", "", ""},
		{spec("resources: {requests: {a: 1}}"), "v1.34.0", "", "spec.resources.requests.a"},
		{spec("tolerations: [{key: a, operator: Gt, value: '1'}]"), "v1.35.0", "", "spec.tolerations[0].operator"},
		{spec("tolerations: [{key: a, operator: Gt, value: '1'}]"), "v1.35.0", gateComparedTaints, ""},
		{spec("tolerations: [{key: a, operator: Gt, value: x}]"), "v1.35.0", gateComparedTaints, "spec.tolerations[0].value"},
		{container("resizePolicy: [{resourceName: disk, restartPolicy: NotRequired}]"), "v1.32.0", "", ""},
		{container("resizePolicy: [{resourceName: disk, restartPolicy: NotRequired}]"), "v1.33.0", "", "spec.containers[0].resizePolicy[0].resourceName"},
		{container(fmt.Sprintf(rules, "RestartAllContainers")), "v1.35.0", "", "spec.containers[0].restartPolicyRules[0].action"},
		{container(fmt.Sprintf(rules, "RestartAllContainers")), "v1.36.0", "", ""},
		{container(fmt.Sprintf(rules, "Retry")), "v1.36.0", "", "spec.containers[0].restartPolicyRules[0].action"},
		{container(fmt.Sprintf(rules, "Retry")), "v1.34.0", "", ""},
		{container("restartPolicy: Never, restartPolicyRules: [{action: Restart}, {action: Restart, exitCodes: {operator: in, values: [1]}}]"), "v1.35.0", "", "spec.containers[0].restartPolicyRules[0].exitCodes spec.containers[0].restartPolicyRules[1].exitCodes.operator"},
		{container("restartPolicy: Never, restartPolicyRules: [" + strings.Repeat("{action: Restart, exitCodes: {operator: In, values: [1]}}, ", 21) + "]"), "v1.35.0", "", "spec.containers[0].restartPolicyRules"},
		{container("restartPolicy: Never, restartPolicyRules: [{action: Restart, exitCodes: {operator: In, values: [" + strings.Repeat("1, ", 256) + "]}}]"), "v1.35.0", "", "spec.containers[0].restartPolicyRules[0].exitCodes.values"},
	} {
		target := Target{API: release(t, test.api), Gates: map[string]bool{test.gate: true}}
		if got := refusedPaths(t, test.manifest, target); got != test.want {
			t.Errorf("%s %s: refused is %q, want %q\n%s", test.api, test.gate, got, test.want, test.manifest)
		}
	}
}

// An init container's resizePolicy (SC011) is refused where resizing is alpha, and one that
// restarts it from 1.36 on.
func TestInitResizePolicy(t *testing.T) {
	restarts := podYAML([]string{"name: i, image: i, resizePolicy: [{resourceName: cpu, restartPolicy: RestartContainer}]"}, []string{app})
	for _, test := range []struct {
		api, gate string
		want      verdict.Severity
	}{
		{"v1.32.0", "", ""}, {"v1.32.0", gateResize, "error"}, {"v1.35.0", "", ""}, {"v1.36.0", "", "error"}, {"", "", "warning"},
	} {
		findings := lintYAML(t, restarts, Target{API: release(t, test.api), Gates: map[string]bool{test.gate: true}})
		if test.want == "" && len(findings) == 0 {
			continue
		}
		if len(findings) != 1 || findings[0].ID != "SC011" || findings[0].Severity != test.want {
			t.Errorf("API server %q %s: %+v, want %s", test.api, test.gate, findings, test.want)
		}
	}
}

// What a real API server answered is what is said here.
func TestRecordedAnswers(t *testing.T) {
	data, err := os.ReadFile("testdata/answers/answers.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded struct {
		APIServer string
		Answers   []struct {
			File, Answer string
			Refused      bool
		}
	}
	if err := json.Unmarshal(data, &recorded); err != nil {
		t.Fatal(err)
	}
	for _, a := range recorded.Answers {
		data, err := os.ReadFile("testdata/answers/" + a.File)
		if err != nil {
			t.Fatal(err)
		}
		for _, target := range []Target{{}, {API: release(t, recorded.APIServer)}} {
			if refused := refusals(t, data, target); len(refused) > 0 != a.Refused {
				t.Errorf("%s: refused is %q; the API server said %s", a.File, refused, a.Answer)
			}
		}
	}
}
