package manifest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"nodecompat/nodefeatures/verdict"
	"nodecompat/spec/yamltree"
)

// goType is the type that an API server reads an object into, nil where it serves none.
func (t typeMeta) goType() reflect.Type {
	switch t {
	case typeMeta{"v1", "Pod"}:
		return reflect.TypeFor[corev1.Pod]()
	case typeMeta{"v1", "PodTemplate"}:
		return reflect.TypeFor[corev1.PodTemplate]()
	case typeMeta{"v1", "ReplicationController"}:
		return reflect.TypeFor[corev1.ReplicationController]()
	case typeMeta{"apps/v1", "Deployment"}:
		return reflect.TypeFor[appsv1.Deployment]()
	case typeMeta{"apps/v1", "StatefulSet"}:
		return reflect.TypeFor[appsv1.StatefulSet]()
	case typeMeta{"apps/v1", "DaemonSet"}:
		return reflect.TypeFor[appsv1.DaemonSet]()
	case typeMeta{"apps/v1", "ReplicaSet"}:
		return reflect.TypeFor[appsv1.ReplicaSet]()
	case typeMeta{"batch/v1", "Job"}:
		return reflect.TypeFor[batchv1.Job]()
	case typeMeta{"batch/v1", "CronJob"}:
		return reflect.TypeFor[batchv1.CronJob]()
	}
	return nil
}

// template returns what an object makes Pods from.
func template(object any) (metadata metav1.ObjectMeta, spec corev1.PodSpec) {
	var t corev1.PodTemplateSpec
	switch o := object.(type) {
	case *corev1.Pod:
		return o.ObjectMeta, o.Spec
	case *corev1.PodTemplate:
		t = o.Template
	case *corev1.ReplicationController:
		if o.Spec.Template != nil {
			t = *o.Spec.Template
		}
	case *appsv1.Deployment:
		t = o.Spec.Template
	case *appsv1.StatefulSet:
		t = o.Spec.Template
	case *appsv1.DaemonSet:
		t = o.Spec.Template
	case *appsv1.ReplicaSet:
		t = o.Spec.Template
	case *batchv1.Job:
		t = o.Spec.Template
	case *batchv1.CronJob:
		t = o.Spec.JobTemplate.Spec.Template
	}
	return t.ObjectMeta, t.Spec
}

// whole reads an object into its type; one of a kind that Kubernetes does not serve
// only where its fields are known. False means that it was too big.
func (d *decoder) whole(n, owner *yamltree.Node, where string, t typeMeta, p *Pod) bool {
	of := t.goType()
	if of == nil || p.BestEffort {
		return d.parts(n, owner, where, t, p)
	}
	object := reflect.New(of).Interface()
	if !d.into(n, p.root, object) {
		return false
	}
	metadata, spec := template(object)
	p.Object, p.Spec, p.Labels, p.Annotations = object, spec, metadata.Labels, metadata.Annotations
	p.Meta = reflect.ValueOf(object).Elem().FieldByName("ObjectMeta").Interface().(metav1.ObjectMeta) //nolint:forcetypeassert // all have one
	d.workload(p)
	return true
}

// parts reads the PodSpec and the metadata of an object of another kind.
func (d *decoder) parts(n, owner *yamltree.Node, where string, t typeMeta, p *Pod) bool {
	p.Workload.Job = t.kind == "Job" || t.kind == "CronJob"
	if metadata := d.at(owner, "metadata"); metadata != nil && !d.into(metadata, p.ObjectPath("metadata"), &p.Meta) {
		return false
	}
	at := JoinPath(strings.TrimSuffix(strings.TrimSuffix(where, "spec"), "."), "metadata")
	if own := d.at(n, at); own != nil && own.Kind == yamltree.Mapping && at != "metadata" {
		var metadata metav1.ObjectMeta
		if !d.into(own, strings.TrimSuffix(p.Path, "spec")+"metadata", &metadata) {
			return false
		}
		p.Labels, p.Annotations = metadata.Labels, metadata.Annotations
	}
	return d.into(d.at(n, where), p.Path, &p.Spec)
}

// into decodes a value of a type of k8s.io/api. Everything in it that is wrong has been
// reported and left out by value; false means that it was too big.
func (d *decoder) into(n *yamltree.Node, path string, into any) bool {
	v, _ := d.value(n, reflect.TypeOf(into), path, 0)
	if d.tooBig {
		return false
	}
	data, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(data, into)
	}
	if err != nil {
		d.problem(n, path, ProblemWrongType, verdict.SeverityError, fmt.Sprintf("not what Kubernetes reads: %.300s", printable(err.Error())))
	}
	return err == nil
}

// workload notes what of the object around the template matters. A value that could
// not be read has no default.
func (d *decoder) workload(p *Pod) {
	var job *batchv1.JobSpec
	switch o := p.Object.(type) {
	case *batchv1.Job:
		job = &o.Spec
	case *batchv1.CronJob:
		job = &o.Spec.JobTemplate.Spec
	case *appsv1.Deployment:
		p.Workload.ProgressDeadlineSeconds = o.Spec.ProgressDeadlineSeconds
		if o.Spec.ProgressDeadlineSeconds == nil && !d.refused[p.ObjectPath("spec.progressDeadlineSeconds")] {
			p.Workload.ProgressDeadlineSeconds = new(int32(600))
		}
	}
	if job != nil {
		p.Workload.Job, p.Workload.BackoffLimit, p.Workload.ActiveDeadlineSeconds = true, job.BackoffLimit, job.ActiveDeadlineSeconds
	}
}
