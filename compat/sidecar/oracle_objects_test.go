package sidecar

import (
	"cmp"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	sigsyaml "sigs.k8s.io/yaml"
)

// objects is how many generated ones the oracle is asked about.
const objects = 3_000

// generated returns objects, each made of one that is admitted by a change or two. They are
// the same in each run.
func generated(t *testing.T) [][]byte {
	t.Helper()
	seeds := admitted(t)
	m := &mutator{Rand: rand.New(rand.NewPCG(15, 15))}
	all := slices.Clone(seeds)
	for len(all) < objects {
		var object map[string]any
		seed := seeds[0] // the one with most in it, half of the time
		if m.IntN(2) == 0 {
			seed = seeds[m.IntN(len(seeds))]
		}
		if err := json.Unmarshal(seed, &object); err != nil {
			t.Fatal(err)
		}
		of := kinds[object["kind"].(string)]
		for range 1 + m.IntN(2) {
			m.object(object, of)
		}
		data, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, data)
	}
	return all
}

// admitted returns the manifests in testdata/admitted, as JSON.
func admitted(t *testing.T) [][]byte {
	t.Helper()
	var all [][]byte
	files, err := filepath.Glob("testdata/admitted/*.yaml")
	slices.SortFunc(files, func(a, b string) int { return cmp.Compare(size(b), size(a)) })
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err == nil {
			data, err = sigsyaml.YAMLToJSON(data)
		}
		if err != nil {
			t.Fatal(file, err)
		}
		if errs, err := admission(data); err != nil || len(errs) > 0 {
			t.Fatalf("%s is not admitted: %v %v", file, errs, err)
		}
		all = append(all, data)
	}
	return all
}

func size(file string) int64 {
	info, err := os.Stat(file)
	if err != nil {
		return 0
	}
	return info.Size()
}

var kinds = map[string]reflect.Type{
	"Pod":                   reflect.TypeFor[corev1.Pod](),
	"PodTemplate":           reflect.TypeFor[corev1.PodTemplate](),
	"ReplicationController": reflect.TypeFor[corev1.ReplicationController](),
	"Deployment":            reflect.TypeFor[appsv1.Deployment](),
	"ReplicaSet":            reflect.TypeFor[appsv1.ReplicaSet](),
	"DaemonSet":             reflect.TypeFor[appsv1.DaemonSet](),
	"StatefulSet":           reflect.TypeFor[appsv1.StatefulSet](),
	"Job":                   reflect.TypeFor[batchv1.Job](),
	"CronJob":               reflect.TypeFor[batchv1.CronJob](),
}

// serverFields are those that the API server fills in, or takes from elsewhere.
var serverFields = []string{
	"apiVersion", "kind", "status", "uid", "resourceVersion", "generation", "creationTimestamp", "deletionTimestamp",
	"deletionGracePeriodSeconds", "managedFields", "selfLink",
}

// A mutator changes objects, by their types.
type mutator struct{ *rand.Rand }

// object changes something in a mapping that is a struct.
func (m *mutator) object(object map[string]any, t reflect.Type) {
	fields := fieldsOf(t)
	var inner []string // those with something to change in them
	for _, name := range slices.Sorted(maps.Keys(object)) {
		if _, ok := fields[name]; ok {
			inner = append(inner, name)
		}
	}
	if len(inner) > 0 && m.IntN(100) < 75 {
		name := inner[m.IntN(len(inner))]
		object[name] = m.change(object[name], fields[name])
		return
	}
	names := slices.Sorted(maps.Keys(fields))
	name := names[m.IntN(len(names))]
	if _, ok := object[name]; ok && m.IntN(2) == 0 {
		delete(object, name)
		return
	}
	object[name] = m.fill(fields[name], 3)
}

// change returns a value changed, or another one.
func (m *mutator) change(v any, t reflect.Type) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch v := v.(type) {
	case map[string]any:
		if t.Kind() == reflect.Struct && len(fieldsOf(t)) > 0 {
			m.object(v, t)
			return v
		}
		keys := slices.Sorted(maps.Keys(v))
		if len(keys) > 0 {
			key := keys[m.IntN(len(keys))]
			switch m.IntN(3) {
			case 0:
				v[key] = m.change(v[key], t.Elem())
				return v
			case 1:
				delete(v, key)
			}
		}
		v[m.word()] = m.fill(t.Elem(), 2)
		return v
	case []any:
		if len(v) > 0 {
			i := m.IntN(len(v))
			switch m.IntN(10) {
			default:
				v[i] = m.change(v[i], t.Elem())
				return v
			case 0:
				return append(v, v[i])
			case 1:
				return slices.Delete(v, i, i+1)
			case 2:
			}
		}
		return append(v, m.fill(t.Elem(), 3))
	}
	return m.fill(t, 2)
}

// fill returns some value of a type.
func (m *mutator) fill(t reflect.Type, depth int) any {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t {
	case reflect.TypeFor[resource.Quantity]():
		return pick(m, "0", "1", "2", "100m", "1500m", "-1", "64Mi", "1Gi", "3Mi")
	case reflect.TypeFor[intstr.IntOrString]():
		return pick(m, any(0), 1, -1, 80, 70000, "25%", "0%", "101%", "http", "no port")
	case reflect.TypeFor[metav1.Time](), reflect.TypeFor[metav1.MicroTime]():
		return "2026-01-02T03:04:05Z"
	case reflect.TypeFor[metav1.FieldsV1]():
		return map[string]any{}
	}
	switch t.Kind() {
	case reflect.Struct:
		object := map[string]any{}
		fields := fieldsOf(t)
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			if depth > 0 && m.IntN(len(fields)) < 2 {
				object[name] = m.fill(fields[name], depth-1)
			}
		}
		return object
	case reflect.Map:
		object := map[string]any{}
		for range m.IntN(2) {
			object[m.word()] = m.fill(t.Elem(), depth-1)
		}
		return object
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return ""
		}
		list := []any{}
		for range m.IntN(3) {
			list = append(list, m.fill(t.Elem(), depth-1))
		}
		return list
	case reflect.Bool:
		return m.IntN(2) == 0
	case reflect.String:
		return m.word()
	}
	return pick(m, 0, 1, -1, 2, 3, 10, 100, 256, 511, 512, 600, 65536, 2147483647)
}

func pick[T any](m *mutator, of ...T) T { return of[m.IntN(len(of))] }

// word is one that means something somewhere, or one that is refused in many places.
func (m *mutator) word() string {
	words := strings.Fields(`
		Always IfNotPresent Never OnFailure always TCP UDP SCTP tcp File FallbackToLogsOnError HTTP HTTPS
		ClusterFirst ClusterFirstWithHostNet Default None Exists DoesNotExist Equal In NotIn Gt Lt
		NoSchedule NoExecute PreferNoSchedule DoNotSchedule ScheduleAnyway Honor Ignore Localhost RuntimeDefault Unconfined
		Memory HugePages Bidirectional HostToContainer Enabled Disabled IfPossible linux windows Unmasked
		NotRequired RestartContainer Restart RestartAllContainers FailJob FailIndex Count Recursive MountOption OnRootMismatch
		Recreate RollingUpdate OnDelete Parallel OrderedReady Indexed NonIndexed Failed TerminatingOrFailed Allow Forbid Replace
		Retain Delete PreemptLowerPriority Directory Socket ReadWriteOnce Filesystem Block Strict Merge v1
		app proxy setup data config cache claim web http metrics local
		metadata.name metadata.labels metadata.labels['app'] status.podIP limits.cpu requests.memory
		cpu memory ephemeral-storage hugepages-2Mi example.com/gpu app.kubernetes.io/name kubernetes.io/hostname
		net.ipv4.ip_local_port_range kernel.shm_rmid_forced net.core.somaxconn CAP_SYS_ADMIN SIGTERM SIGUSR1
		10.0.0.1 127.0.0.1 ::1 010.0.0.1 300.1.1.1 /data /tmp ../up a/../b a..b .. / relative/path
		Upper under_score -dash dash- dot.ted a--b 1st UPPER_ENV a=b a:b 0 1 80 true
		*/5 @daily Europe/Berlin`)
	words = append(words, "", " blank ", "two words", strings.Repeat("a", 63), strings.Repeat("a", 64), strings.Repeat("a", 254), "0 3 * * *", "5 0 * * mon")
	return words[m.IntN(len(words))]
}

// fieldsOf returns the fields of a struct type, those of inlined structs included.
func fieldsOf(t reflect.Type) map[string]reflect.Type {
	fields := map[string]reflect.Type{}
	for f := range t.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case name == "" && (f.Anonymous || options == "inline"):
			maps.Copy(fields, fieldsOf(f.Type))
		case name != "" && name != "-" && !slices.Contains(serverFields, name):
			fields[name] = f.Type
		}
	}
	return fields
}

// wrongTypes returns an object once for each value in its metadata and spec, with that one
// of a wrong type.
func wrongTypes(t *testing.T, data []byte) [][]byte {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal(data, &object); err != nil {
		t.Fatal(err)
	}
	var all [][]byte
	try := func(v any, set func(any)) {
		set(any("x"))
		switch v.(type) {
		case string, float64, bool:
			set(map[string]any{"x": "y"})
		}
		changed, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, changed)
		set(v)
	}
	var each func(v any)
	each = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for _, key := range slices.Sorted(maps.Keys(v)) {
				try(v[key], func(value any) { v[key] = value })
				each(v[key])
			}
		case []any:
			for i := range v {
				try(v[i], func(value any) { v[i] = value })
				each(v[i])
			}
		}
	}
	for _, part := range []string{"metadata", "spec", "template"} {
		each(object[part])
	}
	return all
}
