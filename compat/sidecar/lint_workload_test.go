package sidecar

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"nodecompat/compat/manifest"
)

// What an API server refuses of an object around its template, and of all metadata (SC031).
func TestLintWorkloads(t *testing.T) {
	const template = "template: {metadata: {labels: {a: b}}, spec: {containers: [{name: app, image: app:1}]}}"
	const job = "template: {spec: {restartPolicy: Never, containers: [{name: app, image: app:1}]}}"
	object := func(kind, metadata, spec string) string {
		apiVersion := "apps/v1"
		switch kind {
		case "Pod", "ReplicationController":
			apiVersion = "v1"
		case "Job", "CronJob":
			apiVersion = "batch/v1"
		}
		return fmt.Sprintf("apiVersion: %s\nkind: %s\nmetadata: {%s}\nspec: {%s}\n", apiVersion, kind, metadata, spec)
	}
	deployment := func(spec string) string {
		return object("Deployment", "name: d", "selector: {matchLabels: {a: b}}, "+spec+template)
	}
	pod := func(metadata string) string {
		return object("Pod", metadata, "containers: [{name: app, image: app:1}]")
	}
	cron := func(spec string) string {
		return object("CronJob", "name: c", spec+"jobTemplate: {spec: {"+job+"}}")
	}
	long := strings.Repeat("a", 53)
	for _, test := range []struct{ name, manifest, want string }{
		{"name", pod("name: Web"), "metadata.name"},
		{"name with points", pod("name: a.b"), ""},
		{"generateName", pod("generateName: A-"), "metadata.generateName"},
		{"namespace", pod("name: a, namespace: a.b"), "metadata.namespace"},
		{"label", pod("name: a, labels: {b: b c}"), "metadata.labels.b"},
		{"label's key", pod("name: a, labels: {a/b/c: d}"), `metadata.labels["a/b/c"]`},
		{"label without a value", pod("name: a, labels: {a: }"), ""},
		{"annotation's key", pod("name: a, annotations: {a b: d}"), `metadata.annotations["a b"]`},
		{"annotation", pod("name: a, annotations: {A/b: ' d e '}"), ""},
		{"annotations that are too long", pod("name: a, annotations: {a: " + strings.Repeat("x", maxAnnotations) + "}"), "metadata.annotations"},
		{"StatefulSet's name", object("StatefulSet", "name: a.b", "selector: {matchLabels: {a: b}}, "+template), "metadata.name"},
		{"labels of both", object("ReplicaSet", "name: a, labels: {a: '-'}", "selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b, c: '-'}}, spec: {containers: [{name: app, image: app:1}]}}"), "metadata.labels.a spec.template.metadata.labels.c"},
		{"no selector", object("Deployment", "name: d", template), "spec.selector"},
		{"empty selector", object("DaemonSet", "name: d", "selector: {}, "+template), "spec.selector"},
		{"another selector", object("StatefulSet", "name: d", "selector: {matchLabels: {a: c}}, "+template), "spec.selector"},
		{"no operator", object("ReplicaSet", "name: d", "selector: {matchExpressions: [{key: a, operator: in, values: [b]}]}, "+template), "spec.selector"},
		{"expression", object("ReplicaSet", "name: d", "selector: {matchExpressions: [{key: a, operator: In, values: [b]}]}, "+template), ""},
		{"ReplicationController", object("ReplicationController", "name: d", template), ""},
		{"ReplicationController's selector", object("ReplicationController", "name: d", "selector: {a: c}, "+template), "spec.selector"},
		{"replicas", deployment("replicas: -1, "), "spec.replicas"},
		{"replicas 0", deployment("replicas: 0, "), ""},
		{"deadline", deployment("minReadySeconds: 60, progressDeadlineSeconds: 60, "), "spec.progressDeadlineSeconds"},
		{"deadline by default", deployment("minReadySeconds: 600, "), "spec.progressDeadlineSeconds"},
		{"strategy", deployment("strategy: {type: recreate}, "), "spec.strategy.type"},
		{"policy", object("StatefulSet", "name: d", "podManagementPolicy: parallel, selector: {matchLabels: {a: b}}, "+template), "spec.podManagementPolicy"},
		{"update strategy", object("DaemonSet", "name: d", "updateStrategy: {type: Recreate}, selector: {matchLabels: {a: b}}, "+template), "spec.updateStrategy.type"},
		{"backoffLimit", object("Job", "name: j", "backoffLimit: -1, "+job), "spec.backoffLimit"},
		{"deadline of a Job", object("Job", "name: j", "activeDeadlineSeconds: -1, "+job), "spec.activeDeadlineSeconds"},
		{"selector of a Job", object("Job", "name: j", "selector: {matchLabels: {a: b}}, "+job), "spec.selector"},
		{"selector of a live Job", object("Job", "name: j, uid: x", "selector: {matchLabels: {a: b}}, "+job), ""},
		{"own selector of a Job", object("Job", "name: j", "manualSelector: true, selector: {matchLabels: {a: b}}, "+job), "spec.selector"},
		{"indexed", object("Job", "name: j", "completionMode: Indexed, parallelism: 2, "+job), "spec.completions"},
		{"indexed by default", object("Job", "name: j", "completionMode: Indexed, "+job), ""},
		{"not indexed", object("Job", "name: j", "backoffLimitPerIndex: 1, "+job), "spec.backoffLimitPerIndex"},
		{"completionMode", object("Job", "name: j", "completionMode: indexed, "+job), "spec.completionMode"},
		{"podFailurePolicy", object("Job", "name: j", "podFailurePolicy: {rules: []}, "+strings.Replace(job, "Never", "OnFailure", 1)), "spec.template.spec.restartPolicy"},
		{"no schedule", cron(""), "spec.schedule"},
		{"schedule", cron("schedule: '*/5 8-18 * jan,FEB 1-5', "), ""},
		{"schedule of four", cron("schedule: '* * * *', "), "spec.schedule"},
		{"a minute too much", cron("schedule: '60 * * * *', "), "spec.schedule"},
		{"a day of zero", cron("schedule: '0 0 0 * *', "), "spec.schedule"},
		{"a range backwards", cron("schedule: '0 5-3 * * *', "), "spec.schedule"},
		{"a step of zero", cron("schedule: '*/0 * * * *', "), "spec.schedule"},
		{"@daily", cron("schedule: '@daily', "), ""},
		{"@every", cron("schedule: '@every 5m', "), ""},
		{"@sometimes", cron("schedule: '@sometimes', "), "spec.schedule"},
		{"time zone", cron("schedule: 'TZ=UTC 0 3 * * *', "), "spec.schedule"},
		{"concurrencyPolicy", cron("schedule: 0 3 * * *, concurrencyPolicy: forbid, "), "spec.concurrencyPolicy"},
		{"history", cron("schedule: 0 3 * * *, failedJobsHistoryLimit: -1, startingDeadlineSeconds: -1, "), "spec.failedJobsHistoryLimit spec.startingDeadlineSeconds"},
		{"CronJob's name", strings.Replace(cron("schedule: 0 3 * * *, "), "name: c", "name: "+long, 1), "metadata.name"},
		{"rollingUpdate of Recreate", deployment("strategy: {type: Recreate, rollingUpdate: {}}, "), "spec.strategy.rollingUpdate"},
		{"nothing unavailable, no surge", deployment("strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 0%}}, "), "spec.strategy.rollingUpdate.maxUnavailable"},
		{"shares", deployment("strategy: {rollingUpdate: {maxSurge: 150%, maxUnavailable: 101%}}, "), "spec.strategy.rollingUpdate.maxUnavailable"},
		{"no share", deployment("strategy: {rollingUpdate: {maxSurge: some, maxUnavailable: -1}}, "), "spec.strategy.rollingUpdate.maxSurge spec.strategy.rollingUpdate.maxUnavailable"},
		{"surge of a DaemonSet", object("DaemonSet", "name: d", "updateStrategy: {rollingUpdate: {maxSurge: 1}}, selector: {matchLabels: {a: b}}, "+template), "spec.updateStrategy.rollingUpdate.maxSurge"},
		{"surge instead", object("DaemonSet", "name: d", "updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}, selector: {matchLabels: {a: b}}, "+template), ""},
		{"neither", object("DaemonSet", "name: d", "updateStrategy: {rollingUpdate: {maxUnavailable: 0}}, selector: {matchLabels: {a: b}}, "+template), "spec.updateStrategy.rollingUpdate.maxUnavailable"},
		{
			"StatefulSet", object("StatefulSet", "name: d", "serviceName: a.b, ordinals: {start: -1}, revisionHistoryLimit: -1, updateStrategy: {type: OnDelete, rollingUpdate: {partition: -1}}, persistentVolumeClaimRetentionPolicy: {whenDeleted: retain}, volumeClaimTemplates: [{metadata: {name: A}, spec: {}}], selector: {matchLabels: {a: b}}, "+template),
			"spec.ordinals.start spec.persistentVolumeClaimRetentionPolicy.whenDeleted spec.serviceName spec.updateStrategy.rollingUpdate spec.updateStrategy.rollingUpdate.partition spec.volumeClaimTemplates[0].metadata.name spec.volumeClaimTemplates[0].spec.accessModes spec.volumeClaimTemplates[0].spec.resources.requests.storage",
		},
		{"hostname of a StatefulSet", object("StatefulSet", "name: d", "selector: {matchLabels: {a: b}}, "+strings.Replace(template, "spec: {", "spec: {hostname: a.b, ", 1)), ""},
		{"indexed name", object("Job", "name: a.b", "completionMode: Indexed, completions: 2, "+job), "metadata.name"},
		{"long name", object("Job", "name: "+strings.Repeat("a", 64), job), "metadata.name"},
		{"indexes", object("Job", "name: j", "completionMode: Indexed, completions: 2, parallelism: 100001, maxFailedIndexes: 3, backoffLimitPerIndex: 1, "+job), "spec.maxFailedIndexes spec.parallelism"},
		{"many indexes", object("Job", "name: j", "completionMode: Indexed, completions: 100001, parallelism: 10001, backoffLimitPerIndex: 1, "+job), "spec.maxFailedIndexes spec.parallelism"},
		{"failed indexes without a limit", object("Job", "name: j", "completionMode: Indexed, completions: 2, maxFailedIndexes: 1, "+job), "spec.backoffLimitPerIndex"},
		{"not indexed, all", object("Job", "name: j", "maxFailedIndexes: 1, backoffLimitPerIndex: 1, successPolicy: {rules: []}, "+job), "spec.backoffLimitPerIndex spec.maxFailedIndexes spec.successPolicy"},
		{
			"successPolicy", object("Job", "name: j", "completionMode: Indexed, completions: 4, successPolicy: {rules: [{}, {succeededIndexes: '0-1,3', succeededCount: 4}, {succeededIndexes: '1,0'}, {succeededIndexes: '4'}, {succeededIndexes: 2-1}, {succeededIndexes: a}, {succeededCount: 4}]}, "+job),
			"spec.successPolicy.rules[0] spec.successPolicy.rules[1].succeededCount spec.successPolicy.rules[2].succeededIndexes spec.successPolicy.rules[3].succeededIndexes spec.successPolicy.rules[4].succeededIndexes spec.successPolicy.rules[5].succeededIndexes",
		},
		{"no success", object("Job", "name: j", "completionMode: Indexed, completions: 4, successPolicy: {rules: []}, "+job), "spec.successPolicy.rules"},
		{"managedBy", object("Job", "name: j", "managedBy: me, "+job), "spec.managedBy"},
		{"replacement", object("Job", "name: j", "podReplacementPolicy: failed, "+job), "spec.podReplacementPolicy"},
		{"replacement with podFailurePolicy", object("Job", "name: j", "podReplacementPolicy: TerminatingOrFailed, podFailurePolicy: {rules: []}, "+job), "spec.podReplacementPolicy"},
		{
			"rules", object("Job", "name: j", "podFailurePolicy: {rules: [{action: fail}, {action: FailIndex, onExitCodes: {containerName: x, operator: in, values: []}}, {action: Ignore, onPodConditions: [{type: a b, status: 'true'}]}]}, "+job),
			"spec.podFailurePolicy.rules[0] spec.podFailurePolicy.rules[0].action spec.podFailurePolicy.rules[1].action spec.podFailurePolicy.rules[1].onExitCodes.containerName spec.podFailurePolicy.rules[1].onExitCodes.operator spec.podFailurePolicy.rules[1].onExitCodes.values spec.podFailurePolicy.rules[2].onPodConditions[0].status spec.podFailurePolicy.rules[2].onPodConditions[0].type",
		},
		{
			"exit codes", object("Job", "name: j", "podFailurePolicy: {rules: [{action: FailJob, onExitCodes: {operator: In, values: [0]}}, {action: FailJob, onExitCodes: {operator: In, values: [2, 1]}}, {action: FailJob, onExitCodes: {operator: In, values: [1, 1]}}, {action: FailJob, onExitCodes: {operator: NotIn, values: [0]}}]}, "+job),
			"spec.podFailurePolicy.rules[0].onExitCodes.values spec.podFailurePolicy.rules[1].onExitCodes.values spec.podFailurePolicy.rules[2].onExitCodes.values",
		},
		{"timeZone", cron("schedule: 0 3 * * *, timeZone: Local, "), "spec.timeZone"},
		{"no timeZone", cron("schedule: 0 3 * * *, timeZone: '', "), "spec.timeZone"},
		{"timeZone of places", cron("schedule: 0 3 * * *, timeZone: America/Argentina/Buenos_Aires, "), ""},
		{"a CronJob's Job", strings.Replace(cron("schedule: 0 3 * * *, "), "jobTemplate: {spec: {", "jobTemplate: {spec: {manualSelector: true, selector: {matchLabels: {a: b}}, backoffLimit: -1, ", 1), "spec.jobTemplate.spec.backoffLimit spec.jobTemplate.spec.manualSelector spec.jobTemplate.spec.selector"},
		{"CronJob's generated name", strings.Replace(cron("schedule: 0 3 * * *, "), "name: c", "generateName: "+long[:48], 1), "metadata.generateName"},
		{"owners", pod("name: a, ownerReferences: [{kind: A, name: a, uid: a, controller: true}, {apiVersion: v1, kind: A, name: b, uid: b, controller: true}]"), "metadata.ownerReferences[0].apiVersion metadata.ownerReferences[1].controller"},
		{"finalizers", pod("name: a, finalizers: [mine, example.com/mine, orphan]"), "metadata.finalizers[0]"},
		{"annotations of Pods", pod("name: a, annotations: {controller.kubernetes.io/pod-deletion-cost: high, container.apparmor.security.beta.kubernetes.io/web: default}"), `metadata.annotations["container.apparmor.security.beta.kubernetes.io/web"] metadata.annotations["container.apparmor.security.beta.kubernetes.io/web"] metadata.annotations["controller.kubernetes.io/pod-deletion-cost"]`},
		{"name and generateName", pod("name: a, generateName: A"), "metadata.generateName"},
		{"a kind of another program", "apiVersion: argoproj.io/v1alpha1\nkind: Rollout\nmetadata: {name: r}\nspec: {" + template + "}\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			m := manifest.Parse(t.Context(), "f", []byte(test.manifest))
			for _, f := range Lint(m.Pods[0], Order(m.Pods[0], Target{}), Target{}) {
				if f.ID != "SC031" || f.Message == "" || f.Remedy == "" || f.Line == 0 {
					t.Errorf("%+v", f)
				}
				got = append(got, f.Path)
			}
			slices.Sort(got)
			if got := strings.Join(got, " "); got != test.want {
				t.Errorf("refused is %q, want %q", got, test.want)
			}
		})
	}
}

// A value of a wrong type is a problem of the file, and nothing follows from what stands
// in its place.
func TestNothingFromRefused(t *testing.T) {
	const gate = sidecar + ", startupProbe: {failureThreshold: %s, periodSeconds: 10, " + get + "}"
	for name, text := range map[string]string{
		"name":              strings.Replace(podYAML(nil, []string{app}), "metadata: {name: ", "metadata: {name: 1, generateName: ", 1),
		"container's name":  podYAML(nil, []string{"name: 1, image: a"}),
		"image":             podYAML(nil, []string{"name: a, image: 1"}),
		"a container":       "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [web]}\n",
		"containers":        "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: {name: web}}\n",
		"port":              podYAML(nil, []string{app + ", ports: [{containerPort: '8080'}]"}),
		"failureThreshold":  podYAML([]string{fmt.Sprintf(gate, "'60'")}, []string{app}),
		"startupProbe":      podYAML([]string{sidecar + ", startupProbe: x"}, []string{app}),
		"command":           podYAML([]string{sidecar + ", startupProbe: {exec: {command: x}}"}, []string{app}),
		"grace period":      podYAML(nil, []string{app + ", lifecycle: {preStop: {sleep: {seconds: 45}}}"}, "terminationGracePeriodSeconds: '60'"),
		"template's labels": "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {selector: {matchLabels: {a: '1'}}, template: {metadata: {labels: {a: 1}}, spec: {containers: [{name: a, image: b}]}}}\n",
		"restartPolicy":     "apiVersion: batch/v1\nkind: Job\nmetadata: {name: a}\nspec: {template: {spec: {restartPolicy: 1, containers: [{name: a, image: b}]}}}\n",
		"schedule":          "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {schedule: 5, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: b}]}}}}}\n",
		"a placeholder":     podYAML(nil, []string{"name: $(params.NAME), image: 'x/${APP}'"}),
	} {
		t.Run(name, func(t *testing.T) {
			m := manifest.Parse(t.Context(), "f", []byte(text))
			if len(m.Problems) == 0 || len(m.Pods) != 1 {
				t.Fatalf("%d Pods, problems %+v\n%s", len(m.Pods), m.Problems, text)
			}
			plan := Order(m.Pods[0], Target{})
			if findings := Lint(m.Pods[0], plan, Target{}); len(findings) > 0 {
				t.Errorf("%+v", findings)
			}
			for _, s := range plan.Steps {
				if s.Kind == StepSidecar && (s.MaxWaitSeconds != nil || s.Ready != ReadyConditional) {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}
