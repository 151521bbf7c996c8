package compat_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// gpuImage pushes an image with an environment as app:1, in an index if that is wanted.
func (s shelf) gpuImage(index bool, env ...string) ocispec.Descriptor {
	content, err := json.Marshal(ocispec.Image{Platform: amd64, Config: ocispec.ImageConfig{Env: env}})
	if err != nil {
		s.t.Fatal(err)
	}
	config := s.PushBlob(s.t, "app", ocispec.MediaTypeImageConfig, content)
	d := s.PushManifest(s.t, "app", "1", ocispec.MediaTypeImageManifest, map[string]any{
		"schemaVersion": 2, "mediaType": ocispec.MediaTypeImageManifest, "config": config, "layers": []any{},
	})
	if index {
		d.Platform = &amd64
		s.indexOf(d)
	}
	return d
}

// gpuNode is a snapshot with PCI devices of these vendors and classes, a driver and labels.
func gpuNode(driver, devices string, labels ...string) string {
	var list, elements []string
	for device := range strings.FieldsSeq(devices) {
		vendor, class, _ := strings.Cut(device, "/")
		list = append(list, fmt.Sprintf(`{"attributes": {"vendor": %q, "class": %q}}`, vendor, class))
	}
	for _, label := range labels {
		name, value, _ := strings.Cut(label, "=")
		elements = append(elements, fmt.Sprintf("%q: %q", "nvidia.com/"+name, value))
	}
	if driver != "" {
		driver = fmt.Sprintf(`"nvidiaDriver": {"version": %q},`, driver)
	}
	return `{"apiVersion": "compat/v1alpha1", "kind": "NodeSnapshot", "node": {"name": "gpu", "os": "linux", "architecture": "amd64"}, ` + driver +
		`"sources": [{"name": "local", "status": "ok", "unreadable": []}, {"name": "pci", "status": "ok", "unreadable": []}],
		"features": {"flags": {}, "attributes": {"local.label": {"elements": {` + strings.Join(elements, ", ") + `}}},
		"instances": {"pci.device": {"elements": [` + strings.Join(list, ", ") + `]}}}}`
}

const (
	cuda    = "NVIDIA_REQUIRE_CUDA=cuda>=13.2 brand=tesla,driver>=535,driver<536 brand=nvidia,driver>=535,driver<536 brand=geforce,driver>=999"
	all     = "NVIDIA_VISIBLE_DEVICES=all"
	gpu     = "10de/0302"
	tooOld  = "gpuDriverTooOld: NVIDIA_REQUIRE_CUDA wants cuda>=13.2, or one of 3 other combinations, and the node has driver 550.54.15, CUDA 12.4, GPU unknown"
	install = " | CUDA 13.2 needs a driver of branch 595 or newer: install one, or use an image for an older CUDA"
)

// TestGPU has a row for each sentence of cmd/compat/docs/gpu.md on what decides.
func TestGPU(t *testing.T) {
	const (
		notFound  = "gpuNotFound: the image asks for GPUs, and the node has no NVIDIA device: what its driver would have to be was not judged | use a node with an NVIDIA GPU, if the image needs one"
		nowhere   = " | load the driver, and make /proc/driver/nvidia/version readable; in a container, mount the host's root and name it with --host-root"
		undecided = "gpuRequirementUnknown: whether the node has what NVIDIA_REQUIRE_CUDA wants is not known: it wants cuda>=13.2, or one of 3 other combinations, and the node has driver "
		matches   = "setMatches: set 1 (t-a) matches, weight 5"
	)
	require := func(r *compat.NodeRequest) { r.RequireGPU = true }
	strict := func(r *compat.NodeRequest) { r.RequireGPU, r.Strict = true, true }
	for _, tt := range []struct {
		name    string
		env     []string
		attach  string // a rule
		node    string
		request func(*compat.NodeRequest)
		want    []string
	}{
		{"too old, and nothing attached", []string{cuda, all}, "", gpuNode("550.54.15", gpu), nil, []string{"incompatible", "1 incompatible", tooOld + install}},
		{"too old, and the spec matches", []string{cuda, all}, holds, gpuNode("550.54.15", gpu), nil, []string{"incompatible", "1 incompatible (on the manifest, of 1)", tooOld + install}},
		{"too old, and --missing compatible", []string{cuda, all}, "", gpuNode("550.54.15", gpu), func(r *compat.NodeRequest) { r.Missing = verdict.Compatible }, []string{"incompatible", "1 incompatible", tooOld + install}},
		{"too old, and so is the node", []string{cuda, all}, fails, gpuNode("550.54.15", gpu), nil, []string{
			"incompatible", "1 incompatible (on the manifest, of 1)", tooOld + install, `noSetMatches: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
		}},
		{"one GPU of a list", []string{cuda, "NVIDIA_VISIBLE_DEVICES=0"}, "", gpuNode("550.54.15", "8086/0604 10de/0300"), nil, []string{"incompatible", "1 incompatible", tooOld + install}},
		{"new enough", []string{cuda, all}, holds, gpuNode("595.45.04", gpu), nil, []string{"compatible", "1 compatible 5 (on the manifest, of 1)", matches}},
		{"new enough, and required", []string{cuda, all}, holds, gpuNode("595.45.04", gpu), require, []string{"compatible", "1 compatible 5 (on the manifest, of 1)", matches}},
		{"too old for nothing: void", []string{cuda, "NVIDIA_VISIBLE_DEVICES=void"}, holds, gpuNode("550.54.15", gpu), require, []string{"compatible", "1 compatible 5 (on the manifest, of 1)", matches}},
		{"unset", []string{cuda}, holds, gpuNode("550.54.15", gpu), nil, []string{"compatible", "1 compatible 5 (on the manifest, of 1)", matches}},
		{"disabled", []string{cuda, all, "NVIDIA_DISABLE_REQUIRE=true"}, holds, gpuNode("550.54.15", gpu), require, []string{"compatible", "1 compatible 5 (on the manifest, of 1)", matches}},
		{"an old image", []string{"CUDA_VERSION=12.8.1"}, holds, gpuNode("550.54.15", gpu), nil, []string{
			"incompatible", "1 incompatible (on the manifest, of 1)",
			"gpuDriverTooOld: CUDA_VERSION wants cuda>=12.8, and the node has driver 550.54.15, CUDA 12.4 | CUDA 12.8 needs a driver of branch 570 or newer: install one, or use an image for an older CUDA",
		}},

		{"no device", []string{cuda, all}, holds, gpuNode("", "8086/0300"), nil, []string{"compatible", "1 compatible 5 (on the manifest, of 1)", matches, "warning " + notFound}},
		{"no device, but a driver", []string{cuda, all}, holds, gpuNode("550.54.15", "10de/0403"), nil, []string{"compatible", "1 compatible 5 (on the manifest, of 1)", matches, "warning " + notFound}},
		{"no device, and required", []string{cuda, all}, holds, gpuNode("", ""), require, []string{"unknown", "1 unknown (on the manifest, of 1)", notFound}},
		{"no version", []string{cuda, all}, holds, gpuNode("", gpu), nil, []string{
			"compatible", "1 compatible 5 (on the manifest, of 1)", matches, "warning " + undecided + "unknown, CUDA unknown, GPU unknown" + nowhere,
		}},
		{"no version, and required", []string{cuda, all}, holds, gpuNode("", gpu), require, []string{
			"unknown", "1 unknown (on the manifest, of 1)", undecided + "unknown, CUDA unknown, GPU unknown" + nowhere,
		}},
		{"no version, required and strict", []string{cuda, all}, holds, gpuNode("", gpu), strict, []string{
			"incompatible", "1 incompatible (on the manifest, of 1)", undecided + "unknown, CUDA unknown, GPU unknown; --strict takes that as no" + nowhere,
		}},
		{"no version, and the spec fails", []string{cuda, all}, fails, gpuNode("", gpu), require, []string{
			"incompatible", "1 incompatible (on the manifest, of 1)", `noSetMatches: set 1 (t-a): rule "fails": cpu.cpuid AVX512F is missing`,
			"warning " + undecided + "unknown, CUDA unknown, GPU unknown" + nowhere,
		}},
		{"any driver will do, and is not known", []string{all}, holds, gpuNode("", gpu), require, []string{
			"unknown", "1 unknown (on the manifest, of 1)", "gpuRequirementUnknown: the image asks for GPUs, and the version of the node's NVIDIA driver is not known" + nowhere,
		}},
		{"any driver will do", []string{all}, holds, gpuNode("550.54.15", gpu), require, []string{"compatible", "1 compatible 5 (on the manifest, of 1)", matches}},
		{"nothing attached, and not known", []string{cuda, all}, "", gpuNode("", gpu), require, []string{
			"unknown", "1 unknown", "noArtifact: the image has no compatibility artifact | attach one with `compat attach`, or say with --missing what that means",
			undecided + "unknown, CUDA unknown, GPU unknown" + nowhere,
		}},
		{"devices are not known", []string{cuda, all}, holds, strings.NewReplacer(`"instances": {"pci.device": {"elements": []}}`, `"instances": {}`, `"pci", "status": "ok"`, `"pci", "status": "notRun"`).Replace(gpuNode("550.54.15", "")), nil, nil},

		{"labels, as they are now", []string{cuda, all}, holds, gpuNode("", "", "cuda.driver-version.full=535.129.03", "gpu.product=Tesla-T4"), require, []string{"compatible", "1 compatible 5 (on the manifest, of 1)", matches}},
		{"labels in parts", []string{cuda, all}, holds, gpuNode("", "", "cuda.driver-version.major=535", "cuda.driver-version.minor=129", "cuda.driver-version.revision=03", "gpu.product=NVIDIA-GeForce-RTX-4090"), nil, []string{
			"incompatible", "1 incompatible (on the manifest, of 1)",
			strings.NewReplacer("550.54.15, CUDA 12.4", "535.129.03, CUDA 12.2", "GPU unknown", "GPU NVIDIA-GeForce-RTX-4090").Replace(tooOld) + install,
		}},
		{"labels, as they were", []string{cuda, all}, holds, gpuNode("", "", "cuda.driver.major=550", "cuda.driver.minor=54", "cuda.driver.rev=15", "cuda.runtime.major=12", "cuda.runtime.minor=4"), nil, []string{
			"incompatible", "1 incompatible (on the manifest, of 1)", tooOld + install,
		}},
		{"labels tell CUDA", []string{"NVIDIA_REQUIRE_CUDA=cuda>=12.8", all}, holds, gpuNode("550.54.15", "", "cuda.driver-version.full=550.54.15", "cuda.runtime-version.major=12", "cuda.runtime-version.minor=8"), require, []string{
			"compatible", "1 compatible 5 (on the manifest, of 1)", matches,
		}},
		{"labels of another driver", []string{cuda, all}, holds, gpuNode("550.54.15", "", "cuda.driver-version.full=600.1.1", "cuda.runtime-version.major=99", "cuda.runtime-version.minor=0"), nil, []string{
			"incompatible", "1 incompatible (on the manifest, of 1)", tooOld + install,
		}},
		{"labels tell the capability", []string{"NVIDIA_REQUIRE_ARCH=arch>=8.0", all}, holds, gpuNode("", gpu, "gpu.compute.major=7", "gpu.compute.minor=5"), nil, []string{
			"incompatible", "1 incompatible (on the manifest, of 1)",
			"gpuDriverTooOld: NVIDIA_REQUIRE_ARCH wants arch>=8.0, and the node has driver unknown, compute capability 7.5 | use a node with the driver and the GPU that the image wants",
		}},
	} {
		for _, index := range []bool{false, true} {
			t.Run(fmt.Sprint(tt.name, " ", index), func(t *testing.T) {
				registry := registrytest.New(t, registrytest.Options{})
				s := shelf{registry, t}
				d := s.gpuImage(index, tt.env...)
				node := tt.node
				if tt.attach != "" {
					s.attach(d, day1, "a", tt.attach)
					node = strings.Replace(node, `"flags": {}`, `"flags": {"cpu.cpuid": {"elements": {"AVX2": {}}}}`, 1)
				}
				request := compat.NodeRequest{Registry: artifact.Options{PlainHTTP: true}, Images: []string{registry.Host() + "/app:1"}, Snapshot: load(t, node)}
				if tt.request != nil {
					tt.request(&request)
				}
				r := validate(t, request)
				if tt.want == nil { // a device that is not known
					got := r.Images[0].Requirements[0]
					if r.Verdict != verdict.Compatible || got.Verdict != verdict.Unknown || !strings.Contains(got.Reason.Message, "whether it has an NVIDIA device is not known") {
						t.Errorf("%s, %+v", r.Verdict, got)
					}
					return
				}
				got := outcome(r, registry.Host()+"/app:1: ", "", registry.Host()+"/app:", "")
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			})
		}
	}
}

// TestGPURequirements checks what is reported of each variable.
func TestGPURequirements(t *testing.T) {
	registry := registrytest.New(t, registrytest.Options{})
	shelf{registry, t}.gpuImage(false, all, "NVIDIA_REQUIRE_B=driver>=500", "NVIDIA_REQUIRE_A=driver>=600", "NVIDIA_REQUIRE_C=brand=tesla", "NVIDIA_REQUIRE_D=what")
	r := validate(t, compat.NodeRequest{
		Registry: artifact.Options{PlainHTTP: true}, Images: []string{registry.Host() + "/app:1"}, Snapshot: load(t, gpuNode("550.54.15", gpu)),
	})
	var got []string
	for _, q := range r.Images[0].Requirements {
		line := fmt.Sprintf("%s %s: %s: %s", q.Source, q.Wanted, q.Found, q.Verdict)
		if q.Reason != nil {
			line += " " + q.Reason.Code
		}
		got = append(got, line)
	}
	want := []string{
		"NVIDIA_REQUIRE_A driver>=600: driver 550.54.15: incompatible gpuDriverTooOld",
		"NVIDIA_REQUIRE_B driver>=500: driver 550.54.15: compatible",
		"NVIDIA_REQUIRE_C brand=tesla: driver 550.54.15, GPU unknown: unknown gpuRequirementUnknown",
		"NVIDIA_REQUIRE_D what: driver 550.54.15, CUDA 12.4, GPU unknown, compute capability unknown: unknown gpuRequirementUnknown",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestGPUHost reads the driver below the host's root, only where an image asks for a GPU.
func TestGPUHost(t *testing.T) {
	registry := registrytest.New(t, registrytest.Options{})
	shelf{registry, t}.gpuImage(false, cuda, all)
	discovery, kubelet := host(t, map[string]string{
		"proc/driver/nvidia/version":                        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024\n",
		"sys/bus/pci/devices/0000:01:00.0/class":            "0x030200\n",
		"sys/bus/pci/devices/0000:01:00.0/vendor":           "0x10de\n",
		"sys/bus/pci/devices/0000:01:00.0/device":           "0x20b0\n",
		"sys/bus/pci/devices/0000:01:00.0/subsystem_vendor": "0x10de\n",
		"sys/bus/pci/devices/0000:01:00.0/subsystem_device": "0x134f\n",
	})
	r, err := compat.ValidateNode(t.Context(), compat.NodeRequest{
		Registry: artifact.Options{PlainHTTP: true}, Images: []string{registry.Host() + "/app:1"}, Platform: &amd64,
		Discovery: discovery, Kubelet: kubelet, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Verdict != verdict.Incompatible || r.Images[0].Reasons[0].Code != report.CodeGPUDriverTooOld {
		t.Errorf("%s: %+v", r.Verdict, r.Images[0].Reasons)
	}
}

// TestGPUUnread: of an image out of an index only the configuration was not to be had.
func TestGPUUnread(t *testing.T) {
	registry := registrytest.New(t, registrytest.Options{Intercept: func(w http.ResponseWriter, r *http.Request) bool {
		if registrytest.KindOf(r) != registrytest.KindBlob || !strings.Contains(r.URL.Path, "/app/") || r.Method != http.MethodGet {
			return false
		}
		http.Error(w, `{"errors":[{"code":"DENIED","message":"no"}]}`, http.StatusForbidden)
		return true
	}})
	shelf{registry, t}.gpuImage(true, cuda, all)
	for _, required := range []bool{false, true} {
		r := validate(t, compat.NodeRequest{
			Registry: artifact.Options{PlainHTTP: true}, Images: []string{registry.Host() + "/app:1"}, Snapshot: load(t, gpuNode("550.54.15", gpu)),
			Missing: verdict.Compatible, RequireGPU: required, Strict: true,
		})
		want := verdict.Compatible
		if required {
			want = verdict.Unknown
		}
		warned := slices.ContainsFunc(r.Warnings, func(w verdict.Reason) bool { return w.Code == report.CodeImageConfigUnread })
		if r.Verdict != want || !warned || (r.Images[0].Reasons[0].Code == report.CodeImageConfigUnread) != required {
			t.Errorf("required %v: %s, %+v, %+v", required, r.Verdict, r.Images[0].Reasons, r.Warnings)
		}
	}
}

// TestGPUNodes judges many nodes: those whose drivers differ are not alike.
func TestGPUNodes(t *testing.T) {
	registry := registrytest.New(t, registrytest.Options{})
	shelf{registry, t}.gpuImage(true, cuda, all)
	old, recent := gpuNode("550.54.15", gpu), gpuNode("595.45.04", gpu)
	list := summarize(t, "", saved(load(t, old), load(t, recent), load(t, old), load(t, gpuNode("", gpu))), func(r *compat.NodeRequest) {
		r.Files, r.Images, r.Registry = nil, []string{registry.Host() + "/app:1"}, artifact.Options{PlainHTTP: true}
		r.Missing = verdict.Compatible
	})
	var got []verdict.Verdict
	for _, r := range list.Items {
		got = append(got, r.Verdict)
	}
	if want := []verdict.Verdict{verdict.Incompatible, verdict.Compatible, verdict.Incompatible, verdict.Compatible}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// TestGPUPod: what an image demands decides on the Pod.
func TestGPUPod(t *testing.T) {
	registry := registrytest.New(t, registrytest.Options{})
	shelf{registry, t}.gpuImage(false, cuda, all)
	pod := "apiVersion: v1\nkind: Pod\nmetadata: {name: gpu}\nspec: {containers: [{name: c, image: " + registry.Host() + "/app:1}]}\n"
	for _, tt := range []struct {
		driver  string
		require bool
		want    verdict.Verdict
	}{
		{"550.54.15", false, verdict.Incompatible},
		{"595.45.04", true, verdict.Compatible},
		{"", false, verdict.Compatible},
		{"", true, verdict.Unknown},
	} {
		r, err := compat.ValidatePod(context.WithoutCancel(t.Context()), compat.PodRequest{
			NodeRequest: compat.NodeRequest{
				Registry: artifact.Options{PlainHTTP: true}, Snapshot: load(t, gpuNode(tt.driver, gpu)), Missing: verdict.Compatible, RequireGPU: tt.require, Now: now,
			},
			Manifests: []compat.File{{Name: "pod.yaml", Data: []byte(pod)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.Verdict != tt.want {
			t.Errorf("driver %q, required %v: %s, %+v", tt.driver, tt.require, r.Verdict, r.Reasons)
		}
	}
}
