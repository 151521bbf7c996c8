package sidecar

import (
	"fmt"
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
		{"indexed", object("Job", "name: j", "completionMode: Indexed, "+job), "spec.completions"},
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
