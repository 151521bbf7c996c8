package derive_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact"
	"nodecompat/compat/artifact/registrytest"
	"nodecompat/compat/derive"
	"nodecompat/spec"
)

// A layer maps paths to contents: bytes, a symbolic link (link) or a hard link (same).
type (
	layer map[string]any
	link  string
	same  string
)

// pack makes a layer of files, the hard links behind what they link to.
func (l layer) pack(t testing.TB) registrytest.Layer {
	t.Helper()
	var buf bytes.Buffer
	w := tar.NewWriter(&buf)
	names := make([]string, 0, len(l))
	for name := range l {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int {
		_, hardA := l[a].(same)
		_, hardB := l[b].(same)
		if hardA != hardB {
			return map[bool]int{true: 1, false: -1}[hardA]
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		h := &tar.Header{Name: name, Mode: 0o755, Typeflag: tar.TypeReg}
		var content []byte
		switch c := l[name].(type) {
		case link:
			h.Typeflag, h.Linkname = tar.TypeSymlink, string(c)
		case same:
			h.Typeflag, h.Linkname = tar.TypeLink, string(c)
		case string:
			content = []byte(c)
		case []byte:
			content = c
		}
		h.Size = int64(len(content))
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		w.Write(content) //nolint:errcheck // a buffer
	}
	w.Close() //nolint:errcheck // a buffer
	return registrytest.Layer{MediaType: ocispec.MediaTypeImageLayer, Content: buf.Bytes()}
}

// image is what cases say of an image.
type image struct {
	architecture, variant string // amd64 without one
	entrypoint, env       []string
	layers                []layer
}

// derived reads an image as the command does.
func derived(t testing.TB, i image) *derive.Result {
	t.Helper()
	if i.architecture == "" {
		i.architecture = "amd64"
	}
	config := ocispec.Image{
		Platform: ocispec.Platform{OS: "linux", Architecture: i.architecture, Variant: i.variant},
		Config:   ocispec.ImageConfig{Entrypoint: i.entrypoint, Env: i.env},
	}
	var layers []registrytest.Layer
	for _, l := range i.layers {
		layers = append(layers, l.pack(t))
	}
	dir := t.TempDir()
	registrytest.WriteImage(t, dir, "1", config, layers...)
	return read(t, dir, config.Platform)
}

func read(t testing.TB, dir string, platform ocispec.Platform) *derive.Result {
	t.Helper()
	repository, err := artifact.Open(t.Context(), dir, artifact.Options{OCILayout: true})
	if err != nil {
		t.Fatal(err)
	}
	defer repository.Close()
	found, err := repository.Image(t.Context(), platform)
	if err != nil {
		t.Fatal(err)
	}
	defer found.Close()
	contents, err := found.Contents(t.Context(), platform)
	if err != nil {
		t.Fatal(err)
	}
	result, err := derive.Derive(t.Context(), found, contents, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// needs are the needs of a result in short: confidence, name, and what the rule asks for.
func needs(r *derive.Result) []string {
	list := []string{}
	for _, n := range r.Needs {
		var asked []string
		for _, alternative := range append([][]derive.Feature{n.MatchFeatures}, n.MatchAny...) {
			for _, f := range alternative {
				for _, e := range f.MatchExpressions {
					asked = append(asked, strings.TrimSpace(fmt.Sprintf("%s.%s %s %s", f.Feature, e.Element, e.Op, strings.Join(e.Value, ","))))
				}
			}
		}
		list = append(list, fmt.Sprintf("%s %s: %s", n.Confidence, strings.TrimPrefix(n.Name, derive.RulePrefix), strings.Join(asked, "; ")))
	}
	return list
}

// check compares the needs of an image, and holds the draft to what lint says of it.
func check(t *testing.T, i image, want ...string) {
	t.Helper()
	r := derived(t, i)
	if want == nil {
		want = []string{}
	}
	if diff := cmp.Diff(want, needs(r)); diff != "" {
		t.Error(diff)
	}
	draft := r.Draft("Drafted.", false)
	if _, problems := spec.Parse(draft); len(r.Rules(false)) > 0 && len(problems) > 0 {
		t.Errorf("lint says of the draft: %v\n%s", problems, draft)
	}
	if len(r.Unread) > 0 {
		t.Errorf("unread: %v", r.Unread)
	}
}

// compile builds a C program, or skips the test where there is no compiler.
func compile(t *testing.T, arguments ...string) []byte {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("gcc is not here")
	}
	dir := t.TempDir()
	source := filepath.Join(dir, "main.c")
	if err := os.WriteFile(source, []byte("int f(void); int f(void) { return 0; }\nint main(void) { return 0; }\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out")
	return built(t, exec.Command(gcc, append([]string{"-o", out, source}, arguments...)...), out) //nolint:noctx // a compiler
}

// compileGo builds a Go program with variables such as GOAMD64=v3.
func compileGo(t *testing.T, variables ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"main.go": "package main\n\nfunc main() {}\n", "go.mod": "module x\n\ngo 1.24\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(dir, "out")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, ".") //nolint:noctx // a compiler
	cmd.Dir, cmd.Env = dir, append(os.Environ(), append([]string{"CGO_ENABLED=0"}, variables...)...)
	return built(t, cmd, out)
}

func built(t *testing.T, cmd *exec.Cmd, out string) []byte {
	t.Helper()
	if output, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, output)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const (
	v3      = "x86-64-v3: cpu.cpuid.X86_64_V3 Exists"
	certain = "certain "
	lower   = "lowerBound "
	hint    = "hint "
)

// TestLevels: which level of x86-64 is needed, by where the marked file is and what became of it.
func TestLevels(t *testing.T) {
	t.Parallel()
	base := compile(t)
	marked := compile(t, "-Wl,-z,x86-64-v3")
	static := compile(t, "-static", "-Wl,-z,x86-64-v4")
	march := compile(t, "-march=x86-64-v3", "-O2")
	library := compile(t, "-shared", "-fPIC", "-Wl,-z,x86-64-v3")
	user := compileUser(t)
	libc := layer{"lib64/ld-linux-x86-64.so.2": "no ELF file", "lib/x86_64-linux-gnu/libc.so.6": compile(t, "-shared", "-fPIC", "-Wl,-soname,libc.so.6")}
	app := []string{"/app"}
	for _, tt := range []struct {
		name  string
		image image
		want  []string
	}{
		{"what starts", image{entrypoint: app, layers: []layer{libc, {"app": marked}}}, []string{certain + v3}},
		{"by a link in PATH", image{entrypoint: []string{"x"}, layers: []layer{{"app": marked, "usr/bin/x": link("/app")}}}, []string{certain + v3}},
		{"a command", image{entrypoint: app, layers: []layer{{"app": base, "usr/bin/other": marked}}}, []string{lower + v3}},
		{"lying about", image{entrypoint: app, layers: []layer{{"app": base, "opt/other": marked}}}, []string{hint + v3}},
		{"deleted", image{entrypoint: app, layers: []layer{{"app": marked}, {".wh.app": ""}}}, nil},
		{"replaced", image{entrypoint: app, layers: []layer{{"app": marked}, {"app": base}}}, nil},
		{"in an opaque directory", image{entrypoint: []string{"/d/app"}, layers: []layer{{"d/app": marked}, {"d/.wh..wh..opq": "", "d/app": base}}}, nil},
		{"its first name was deleted", image{entrypoint: []string{"/b"}, layers: []layer{{"a": marked, "b": same("a")}, {".wh.a": ""}}}, []string{certain + v3}},
		{"a static program", image{entrypoint: app, layers: []layer{{"app": static}}}, []string{lower + "x86-64-v4: cpu.cpuid.X86_64_V4 Exists"}},
		{"-march alone", image{entrypoint: app, layers: []layer{{"app": march}}}, nil},
		{"a library that it needs", image{entrypoint: app, layers: []layer{{"app": user, "usr/lib/x86_64-linux-gnu/libx.so": library}}}, []string{certain + v3}},
		{"a library of ld.so.conf", image{entrypoint: app, layers: []layer{{"app": user, "opt/x/libx.so": library, "etc/ld.so.conf.d/x.conf": "# x\n/opt/x\n"}}}, []string{certain + v3}},
		{"a library that lies about", image{entrypoint: app, layers: []layer{{"app": base, "usr/lib/libx.so": library}}}, []string{hint + v3}},
		{"a variant of a library", image{entrypoint: app, layers: []layer{{"app": user, "usr/lib/x86_64-linux-gnu/glibc-hwcaps/x86-64-v3/libx.so": library}}}, nil},
		{"the C library", image{entrypoint: app, layers: []layer{{"app": base, "lib64/libc.so.6": library}}}, []string{certain + v3}},
		{"the platform", image{variant: "v3", entrypoint: app, layers: []layer{{"app": base}}}, []string{certain + v3}},
		{"a script", image{entrypoint: app, layers: []layer{{"app": "#!/usr/bin/env x\n", "usr/bin/x": marked, "usr/bin/env": base}}}, []string{certain + v3}},
		{"a wrapper", image{entrypoint: []string{"tini", "-s", "--", "/app"}, layers: []layer{{"usr/bin/tini": base, "app": marked}}}, []string{certain + v3}},
		{"a shell's command", image{entrypoint: []string{"/bin/sh", "-c", "exec app -x $Y"}, layers: []layer{{"bin/sh": base, "usr/local/bin/app": marked}}}, []string{certain + v3}},
		{"of another architecture", image{architecture: "arm64", entrypoint: app, layers: []layer{{"app": marked}}}, nil},
		{"nothing", image{}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check(t, tt.image, tt.want...)
		})
	}
}

// compileUser builds a program that needs libx.so.
func compileUser(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	library := filepath.Join(dir, "libx.so")
	if err := os.WriteFile(library, compile(t, "-shared", "-fPIC", "-Wl,-soname,libx.so"), 0o600); err != nil {
		t.Fatal(err)
	}
	return compile(t, "-Wl,--no-as-needed", library)
}

// TestGo: what Go programs were built for.
func TestGo(t *testing.T) {
	t.Parallel()
	app := []string{"/app"}
	amd64 := map[string][]byte{"v1": compileGo(t, "GOARCH=amd64", "GOAMD64=v1"), "v3": compileGo(t, "GOARCH=amd64", "GOAMD64=v3")}
	for _, tt := range []struct {
		name  string
		image image
		want  []string
	}{
		{"v3", image{entrypoint: app, layers: []layer{{"app": amd64["v3"]}}}, []string{certain + v3}},
		{"v1", image{entrypoint: app, layers: []layer{{"app": amd64["v1"]}}}, nil},
		{"variants", image{entrypoint: app, layers: []layer{{"app": amd64["v1"], "usr/bin/x-v1": amd64["v1"], "usr/bin/x-v3": amd64["v3"]}}}, []string{hint + v3}},
		{"arm64", image{architecture: "arm64", variant: "v8", entrypoint: app, layers: []layer{{"app": compileGo(t, "GOARCH=arm64", "GOARM64=v8.0")}}}, nil},
		{
			"arm64 v8.2,lse,crypto",
			image{architecture: "arm64", entrypoint: app, layers: []layer{{"app": compileGo(t, "GOARCH=arm64", "GOARM64=v8.2,lse,crypto")}}},
			[]string{certain + "arm64 instructions: cpu.cpuid.AES Exists; cpu.cpuid.ASIMDRDM Exists; cpu.cpuid.ATOMICS Exists; cpu.cpuid.CRC32 Exists; cpu.cpuid.PMULL Exists; cpu.cpuid.SHA1 Exists; cpu.cpuid.SHA2 Exists"},
		},
		{
			"ppc64le",
			image{architecture: "ppc64le", entrypoint: app, layers: []layer{{"app": compileGo(t, "GOARCH=ppc64le", "GOPPC64=power10")}}},
			[]string{certain + "ppc64le level: cpu.cpuid.ARCH_3_1 Exists"},
		},
		{"riscv64", image{architecture: "riscv64", entrypoint: app, layers: []layer{{"app": compileGo(t, "GOARCH=riscv64", "GORISCV64=rva23u64")}}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check(t, tt.image, tt.want...)
		})
	}
}

// modinfo is a file that says what a kernel module says.
func modinfo(texts ...string) string {
	return "\x7fELF\x00\xff" + "\x00" + strings.Join(texts, "\x00") + "\x00\xff"
}

// TestModules: which kernels and devices modules are for.
func TestModules(t *testing.T) {
	t.Parallel()
	const magic = " SMP preempt mod_unload "
	ena := func(release string) string {
		return modinfo("alias=pci:v00001D0Fd0000EC21sv*sd*bc*sc*i*", "alias=pci:v00001D0Fd00000051sv*sd*bc*sc*i*", "intree=Y", "name=ena", "vermagic="+release+magic+"modversions ")
	}
	const device = lower + "device of ena: pci.device.vendor In 1d0f; pci.device.device In 0051,ec21"
	own := modinfo("name=x", "vermagic=6.1.58+"+magic)
	many := layer{"boot/vmlinuz-6.1": "MZ"}
	for i := range 120 {
		many[fmt.Sprintf("lib/modules/6.1/kernel/m%d.ko", i)] = modinfo("intree=Y", "vermagic=6.1"+magic)
	}
	for _, tt := range []struct {
		name   string
		layers []layer
		want   []string
	}{
		{
			"Debian 12's ena",
			[]layer{{"opt/lib/modules/6.1.0-56-cloud-amd64/ena.ko": ena("6.1.0-56-cloud-amd64")}},
			[]string{lower + "kernel of ena: kernel.version.full In 6.1.0-56-cloud-amd64", device},
		},
		{
			"Debian 13's spelling",
			[]layer{{"opt/ena.ko": ena("6.12.117+deb13-cloud-amd64")}},
			[]string{lower + "kernel of ena: kernel.version.full In 6.12.117_deb13-cloud-amd64", device},
		},
		{
			"two releases",
			[]layer{{"opt/a/ena.ko": ena("6.1.1"), "opt/b/ena.ko": ena("6.1.2")}},
			[]string{lower + "kernel of ena: kernel.version.full In 6.1.1,6.1.2", device},
		},
		{"without versioned symbols", []layer{{"lib/modules/6.1.58+/x.ko": own}}, []string{certain + "kernel of x: kernel.version.full In 6.1.58"}},
		{"in the kernel's own tree", []layer{{"usr/lib/modules/6.1/ena.ko": ena("6.1")}}, []string{hint + "kernel of ena: kernel.version.full In 6.1"}},
		{"a distribution's kernel", []layer{many}, []string{hint + "kernel of m0, m1 and 118 more modules: kernel.version.full In 6.1"}},
		{
			"devices of several vendors",
			[]layer{{"x.ko": modinfo("alias=pci:v00001D0Fd*sv*sd*bc*sc*i*", "alias=pci:v*d*sv*sd*bc05sc02i10*", "alias=usb:v0B95p1780d*dc*", "vermagic=6.1"+magic)}},
			[]string{
				certain + "kernel of x: kernel.version.full In 6.1",
				lower + "device of x: pci.device.class In 0502; pci.device.vendor In 1d0f; usb.device.vendor In 0b95; usb.device.device In 1780",
			},
		},
		{"no aliases of devices", []layer{{"vfio-pci.ko": modinfo("alias=vfio_pci:v*d*sv*sd*bc*sc*i*", "name=vfio_pci", "vermagic=6.1"+magic)}}, []string{certain + "kernel of vfio-pci: kernel.version.full In 6.1"}},
		{"a text in Korean", []layer{{"usr/share/vim/tutor.ko": "hello"}}, nil},
		{"deleted", []layer{{"x.ko": own}, {".wh.x.ko": ""}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check(t, image{layers: tt.layers}, tt.want...)
		})
	}
}

// TestKernel: the C library's kernel counts above the architecture's default only.
func TestKernel(t *testing.T) {
	t.Parallel()
	program := compileFor(t, "4, 18, 0")
	for _, tt := range []struct {
		name  string
		image image
		want  []string
	}{
		{"newer", image{entrypoint: []string{"/app"}, layers: []layer{{"app": program}}}, []string{lower + `kernel 4.18: kernel.version.full InRegexp ^(5|[6-9]|[1-9][0-9]+)\.|^4\.(18|19|[2-9][0-9]|[1-9][0-9][0-9]+)([._-]|$)`}},
		{"lying about", image{entrypoint: []string{"/other"}, layers: []layer{{"other": compile(t), "app": program}}}, nil},
		{"the default", image{entrypoint: []string{"/app"}, layers: []layer{{"app": compileFor(t, "3, 2, 0")}}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check(t, tt.image, tt.want...)
		})
	}
}

// compileFor builds a program whose ABI tag asks for a kernel, without the one of the C library here.
func compileFor(t *testing.T, kernel string) []byte {
	t.Helper()
	source := filepath.Join(t.TempDir(), "tag.s")
	text := ".section .note.ABI-tag, \"a\"\n.align 4\n.long 4, 16, 1\n.asciz \"GNU\"\n.long 0, " + kernel + "\n.text\n.globl _start\n_start: nop\n.section .note.GNU-stack\n"
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return compile(t, "-nostdlib", "-nostartfiles", "-static", source)
}

// TestHints: names of files become comments, variables of NVIDIA's toolkit a rule.
func TestHints(t *testing.T) {
	t.Parallel()
	const gpu = lower + "NVIDIA GPU: pci.device.vendor In 10de; pci.device.class In 0300,0302"
	for _, tt := range []struct {
		name  string
		image image
		want  []string
	}{
		{"a GPU", image{env: []string{"NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_REQUIRE_CUDA=cuda>=12.8"}}, []string{gpu, hint + "NVIDIA driver: "}},
		{"no GPU", image{env: []string{"NVIDIA_VISIBLE_DEVICES=void"}}, nil},
		{"disabled", image{env: []string{"NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_REQUIRE_CUDA=cuda>=12.8", "NVIDIA_DISABLE_REQUIRE=1"}}, []string{gpu}},
		{
			"libraries",
			image{layers: []layer{{"usr/lib/libibverbs.so.1": "", "usr/lib/libze_loader.so.1": "", "usr/bin/qemu-system-x86_64": "", "opt/x.bpf.o": ""}}},
			[]string{
				hint + "RDMA: pci.device.vendor In 15b3; pci.device.class In 0200,0207", hint + "KVM: kernel.kvm.enabled IsTrue",
				hint + "BTF: kernel.config.DEBUG_INFO_BTF In y", hint + "Level Zero: pci.device.vendor In 8086; pci.device.class In 0300,0380",
			},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			check(t, tt.image, tt.want...)
		})
	}
}

// TestHintsAreRules: a hint that is taken out of its comment is a rule that lint accepts.
func TestHintsAreRules(t *testing.T) {
	t.Parallel()
	names := layer{}
	for _, name := range []string{"libibverbs.so", "librte_eal.so", "sriovdp", "libsgx_urts.so", "firecracker", "x.bpf.o", "libhsa-runtime64.so", "libze_loader.so", "libSynapse.so"} {
		names[name] = ""
	}
	r := derived(t, image{layers: []layer{names}})
	if len(r.Needs) != len(names) {
		t.Errorf("%d hints of %d files", len(r.Needs), len(names))
	}
	for i := range r.Needs {
		r.Needs[i].Confidence = derive.Certain
	}
	if _, problems := spec.Parse(r.Draft("Drafted.", false)); len(problems) > 0 {
		t.Error(problems)
	}
}
