package sidecar

import (
	"encoding/json"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	podutil "k8s.io/kubernetes/pkg/api/pod"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install" // defaults and conversions
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/capabilities"
	sigsyaml "sigs.k8s.io/yaml"

	"nodecompat/compat/manifest"
	"nodecompat/nodefeatures/verdict"
)

// oracleVersion is the release of Kubernetes whose validation the tests link: the one that
// NFD pins.
const oracleVersion = "v1.35.3"

// admission returns what an API server refuses of an object that is created: it fills in the
// defaults, drops what gates switch off, and validates, as the strategies in
// https://github.com/kubernetes/kubernetes/tree/v1.35.3/pkg/registry do.
func admission(data []byte) (refused field.ErrorList, err error) {
	defer func() {
		if p := recover(); p != nil { // of an indexed Job with successPolicy and without completions, for one
			refused = field.ErrorList{field.InternalError(nil, fmt.Errorf("%v", p))}
		}
	}()
	capabilities.Initialize(capabilities.Capabilities{AllowPrivileged: true})
	object, err := runtime.Decode(legacyscheme.Codecs.UniversalDecoder(), data)
	if err != nil {
		return nil, err
	}
	meta := object.(metav1.ObjectMetaAccessor).GetObjectMeta()
	meta.SetUID("1d7b0d9c-0000-4000-8000-000000000000")
	if meta.GetNamespace() == "" {
		meta.SetNamespace("default")
	}
	if name := meta.GetGenerateName(); meta.GetName() == "" && name != "" {
		meta.SetName(name[:min(len(name), 58)] + "x2x4x")
	}
	switch o := object.(type) {
	case *core.Pod:
		if o.Spec.ServiceAccountName == "" {
			o.Spec.ServiceAccountName = "default" // by the admission plugin ServiceAccount
		}
		podutil.DropDisabledPodFields(o, nil)
		matchLabels(o)
		opts := podutil.GetValidationOptionsFromPodSpecAndMeta(&o.Spec, nil, &o.ObjectMeta, nil)
		opts.ResourceIsPod = true
		return corevalidation.ValidatePodCreate(o, opts), nil
	case *core.PodTemplate:
		return corevalidation.ValidatePodTemplate(o, templateOptions(&o.Template)), nil
	case *core.ReplicationController:
		return corevalidation.ValidateReplicationController(o, templateOptions(o.Spec.Template)), nil
	case *apps.Deployment:
		return appsvalidation.ValidateDeployment(o, templateOptions(&o.Spec.Template)), nil
	case *apps.ReplicaSet:
		return appsvalidation.ValidateReplicaSet(o, templateOptions(&o.Spec.Template)), nil
	case *apps.DaemonSet:
		return appsvalidation.ValidateDaemonSet(o, templateOptions(&o.Spec.Template)), nil
	case *apps.StatefulSet:
		if rolling := o.Spec.UpdateStrategy.RollingUpdate; rolling != nil {
			rolling.MaxUnavailable = nil // its gate is on in the first releases of 1.35, and off in those after them
		}
		return appsvalidation.ValidateStatefulSet(o, templateOptions(&o.Spec.Template)), nil
	case *batch.CronJob:
		return batchvalidation.ValidateCronJobCreate(o, templateOptions(&o.Spec.JobTemplate.Spec.Template)), nil
	case *batch.Job:
		if o.Spec.ManualSelector == nil || !*o.Spec.ManualSelector {
			generateSelector(o)
		}
		opts := batchvalidation.JobValidationOptions{PodValidationOptions: templateOptions(&o.Spec.Template), RequirePrefixedLabels: true}
		return batchvalidation.ValidateJob(o, opts), nil
	}
	return nil, fmt.Errorf("no validation for %T", object)
}

func templateOptions(t *core.PodTemplateSpec) corevalidation.PodValidationOptions {
	podutil.DropDisabledTemplateFields(t, nil)
	return podutil.GetValidationOptionsFromPodTemplate(t, nil)
}

// matchLabels adds to the selectors of a Pod what its matchLabelKeys stand for.
func matchLabels(pod *core.Pod) {
	add := func(s *metav1.LabelSelector, keys []string) {
		for _, key := range keys {
			if value, ok := pod.Labels[key]; ok && s != nil {
				s.MatchExpressions = append(s.MatchExpressions, metav1.LabelSelectorRequirement{Key: key, Operator: metav1.LabelSelectorOpIn, Values: []string{value}})
			}
		}
	}
	for _, c := range pod.Spec.TopologySpreadConstraints {
		add(c.LabelSelector, c.MatchLabelKeys)
	}
	terms := func(required []core.PodAffinityTerm, preferred []core.WeightedPodAffinityTerm) {
		for _, t := range required {
			add(t.LabelSelector, t.MatchLabelKeys)
		}
		for _, t := range preferred {
			add(t.PodAffinityTerm.LabelSelector, t.PodAffinityTerm.MatchLabelKeys)
		}
	}
	if a := pod.Spec.Affinity; a != nil && a.PodAffinity != nil {
		terms(a.PodAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
	}
	if a := pod.Spec.Affinity; a != nil && a.PodAntiAffinity != nil {
		terms(a.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution, a.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution)
	}
}

// generateSelector makes a Job's selector and the labels for it, as the strategy of Jobs does.
func generateSelector(job *batch.Job) {
	set := func(labels *map[string]string, key, value string) {
		if *labels == nil {
			*labels = map[string]string{}
		}
		if _, ok := (*labels)[key]; !ok {
			(*labels)[key] = value
		}
	}
	for _, key := range []string{batch.LegacyJobNameLabel, batch.JobNameLabel} {
		set(&job.Spec.Template.Labels, key, job.Name)
	}
	for _, key := range []string{batch.LegacyControllerUidLabel, batch.ControllerUidLabel} {
		set(&job.Spec.Template.Labels, key, string(job.UID))
	}
	if job.Spec.Selector == nil {
		job.Spec.Selector = &metav1.LabelSelector{}
	}
	set(&job.Spec.Selector.MatchLabels, batch.ControllerUidLabel, string(job.UID))
}

// refusals returns the findings and problems that say that an API server refuses an object.
func refusals(t *testing.T, data []byte, target Target) []string {
	t.Helper()
	var refused []string
	m := manifest.Parse(t.Context(), "f", data)
	for _, p := range m.Problems {
		if p = target.Regrade(p); p.Severity == verdict.SeverityError && p.Code.Refused() {
			refused = append(refused, fmt.Sprintf("%s: %s: %s", p.Path, p.Code, p.Message))
		}
	}
	for _, p := range m.Pods {
		for _, f := range Lint(p, Order(p, target), target) {
			switch f.ID {
			case "SC011", "SC012", "SC013", "SC014", "SC027", "SC031":
				if f.Severity == verdict.SeverityError {
					refused = append(refused, fmt.Sprintf("%s: %s: %s", f.Path, f.ID, f.Message))
				}
			}
		}
	}
	return refused
}

var subscripts = regexp.MustCompile(`\[[^\]]*\]`)

// classOf is an error of validation without what differs from object to object.
func classOf(e *field.Error) string {
	path := subscripts.ReplaceAllString(e.Field, "[]")
	for _, template := range []string{"spec.jobTemplate.spec.template.", "spec.template.", "template."} {
		if rest, ok := strings.CutPrefix(path, template); ok {
			path = rest
		}
	}
	return path + ": " + e.Type.String()
}

// An unchecked is a class of what an API server refuses that is not refused here.
type unchecked struct {
	class    string // a regular expression for what classOf returns
	what     string // as verdicts.md says it
	manifest string // one that is refused for it
}

var uncheckeds = []unchecked{
	{
		`^spec\.timeZone: Invalid value`, "which time zones there are",
		"apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: a}\nspec: {schedule: 0 3 * * *, timeZone: Mars/Tharsis, jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: a}]}}}}}\n",
	},
	{
		`\.spec\.dataSource`, "`dataSource` of claims",
		podYAML(nil, []string{app}, "volumes: [{name: a, ephemeral: {volumeClaimTemplate: {spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, dataSource: {kind: A, name: a}}}}}]"),
	},
	{
		`\.windowsOptions\.`, "`windowsOptions`",
		podYAML(nil, []string{app}, `securityContext: {windowsOptions: {runAsUserName: 'a\b\c'}}`),
	},
	{
		`^spec\.volumes\[\]\.(awsElasticBlockStore|azureDisk|azureFile|cephfs|cinder|fc|flexVolume|flocker|gitRepo|glusterfs|iscsi|persistentDisk|photonPersistentDisk|portworxVolume|quobyte|rbd|scaleIO|storageos|vsphereVolume)`,
		"volumes of storage vendors", podYAML(nil, []string{app}, "volumes: [{name: a, flexVolume: {}}]"),
	},
	{
		`^metadata\.annotations|\.(seccompProfile|appArmorProfile)\.(type|localhostProfile): Forbidden`, "annotations that were replaced by `seccompProfile` and `appArmorProfile`",
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {seccomp.security.alpha.kubernetes.io/pod: x}}\nspec: {containers: [{name: a, image: a}]}\n",
	},
	{
		`\.(seLinuxChangePolicy: Unsupported value)`, "fields that their feature gate switches off by default",
		podYAML(nil, []string{app}, "securityContext: {seLinuxChangePolicy: MountOption}"),
	},
}

// TestUnchecked: each class of what is not checked is one, and is documented.
func TestUnchecked(t *testing.T) {
	page, err := os.ReadFile("../../cmd/compat/docs/verdicts.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range uncheckeds {
		data, err := sigsyaml.YAMLToJSON([]byte(u.manifest))
		if err != nil {
			t.Fatal(err)
		}
		errs, err := admission(data)
		if err != nil || len(errs) != 1 || !regexp.MustCompile(u.class).MatchString(classOf(errs[0])) {
			t.Errorf("%s: Kubernetes says %v, %v", u.what, errs, err)
		}
		if refused := refusals(t, data, Target{API: release(t, oracleVersion)}); len(refused) > 0 {
			t.Errorf("%s: is checked: %q", u.what, refused)
		}
		if !strings.Contains(strings.Join(strings.Fields(string(page)), " "), u.what) {
			t.Errorf("%s: verdicts.md does not say that it is not checked", u.what)
		}
	}
}

// TestOracle: over generated objects, what an API server refuses, of the object or of its Pods,
// is refused here, but for what is listed as not checked; and nothing else is.
func TestOracle(t *testing.T) {
	known := Target{API: release(t, oracleVersion)}
	missed := map[string]string{}
	for i, data := range generated(t) {
		errs, err := admission(data)
		if err == nil && len(errs) == 0 {
			errs, err = podAdmission(data)
		}
		if err != nil {
			t.Fatalf("object %d: %v\n%s", i, err, data)
		}
		for _, target := range []Target{known, {}} {
			if refused := refusals(t, data, target); len(errs) == 0 && len(refused) > 0 {
				t.Errorf("object %d is admitted, but refused here: %q\n%s", i, refused, data)
			}
		}
		if len(errs) == 0 || len(refusals(t, data, known)) > 0 {
			continue
		}
		for _, e := range errs {
			class := classOf(e)
			if !slices.ContainsFunc(uncheckeds, func(u unchecked) bool { return regexp.MustCompile(u.class).MatchString(class) }) {
				missed[class] = e.Error()
			}
		}
	}
	for class, example := range missed {
		t.Errorf("not refused: %s, such as %.200s", class, example)
	}
}

// TestExamples: what is documented as good is admitted, and what is refused in the examples is
// refused by Kubernetes.
func TestExamples(t *testing.T) {
	for _, id := range FindingIDs() {
		doc, _ := FindingDoc(id)
		bad, good, _ := strings.Cut(doc, "\nGood:\n")
		_, bad, _ = strings.Cut(bad, "\nBad:\n")
		for _, example := range []string{bad, good} {
			data, err := sigsyaml.YAMLToJSON([]byte(yamlIn(t, example)))
			if err != nil {
				t.Fatal(id, err)
			}
			errs, err := admission(data)
			if err != nil {
				t.Fatal(id, err)
			}
			if refused := refusals(t, data, Target{API: release(t, oracleVersion)}); (len(errs) > 0) != (len(refused) > 0) {
				t.Errorf("%s: Kubernetes says %v, and is said to refuse %q", id, errs, refused)
			}
			if example == good && len(errs) > 0 {
				t.Errorf("%s: the good example is refused: %v", id, errs)
			}
		}
	}
}

// TestNothingFromAnyRefused: of an object that is admitted, with one value of a wrong type,
// nothing else is said: what stands in the place of that value is no reason to judge.
func TestNothingFromAnyRefused(t *testing.T) {
	for _, data := range admitted(t) {
		for _, changed := range wrongTypes(t, data) {
			m := manifest.Parse(t.Context(), "f", changed)
			if len(m.Problems) == 0 {
				t.Fatalf("no problem\n%s", changed)
			}
			for _, p := range m.Pods {
				for _, f := range Lint(p, Order(p, Target{}), Target{}) {
					if f.Severity == verdict.SeverityError {
						t.Errorf("%+v: %s %s %s", m.Problems[0].Path, f.ID, f.Path, f.Message)
					}
				}
			}
		}
	}
}

// podAdmission returns what an API server refuses of a Pod that is made from a template.
func podAdmission(data []byte) (field.ErrorList, error) {
	var object struct {
		Kind     string
		Template json.RawMessage
		Spec     struct {
			Template    json.RawMessage
			JobTemplate struct {
				Spec struct{ Template json.RawMessage }
			}
			VolumeClaimTemplates []corev1.PersistentVolumeClaim
		}
	}
	if err := json.Unmarshal(data, &object); err != nil {
		return nil, err
	}
	var pod corev1.Pod
	template := slices.Concat(object.Template, object.Spec.Template, object.Spec.JobTemplate.Spec.Template)
	if len(template) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(template, &pod); err != nil {
		return nil, err
	}
	pod.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"}
	pod.ObjectMeta = metav1.ObjectMeta{Name: "x2x4x", Labels: pod.Labels, Annotations: pod.Annotations}
	if object.Kind == "StatefulSet" {
		pod.Spec.Hostname, pod.Spec.Subdomain = "", ""
	}
	for _, claim := range object.Spec.VolumeClaimTemplates {
		pod.Spec.Volumes = slices.DeleteFunc(pod.Spec.Volumes, func(v corev1.Volume) bool { return v.Name == claim.Name })
		pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: claim.Name})
	}
	data, err := json.Marshal(pod)
	if err != nil {
		return nil, err
	}
	return admission(data)
}
