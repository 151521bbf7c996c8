package derive

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// modinfo is a file that has a section of texts between bytes that are none.
func modinfo(texts ...string) []byte {
	return []byte("\x7fELF code \xff\x00name=%s is no module\x00\x90\x00\x00" + strings.Join(texts, "\x00") + "\x00\x00\x00other\x00vermagic\x00")
}

const debian12 = "vermagic=6.1.0-56-cloud-amd64 SMP preempt mod_unload modversions "

func TestModule(t *testing.T) {
	t.Parallel()
	ena := []string{"license=GPL", "alias=pci:v00001D0Fd0000EC21sv*sd*bc*sc*i*", "depends=", "intree=Y", "name=ena", debian12}
	want := &module{Vermagic: strings.TrimPrefix(debian12, vermagic), Aliases: []string{"pci:v00001D0Fd0000EC21sv*sd*bc*sc*i*"}, InTree: true}
	for _, tt := range []struct {
		name, file string
		data       []byte
		want       *module
		err        string
	}{
		{"plain", "a.ko", modinfo(ena...), want, ""},
		{"gzip", "a.ko.gz", gzipped(t, modinfo(ena...)), want, ""},
		{"zstd", "a.ko.zst", zstandard(t, modinfo(ena...)), want, ""},
		{"xz", "a.ko.xz", xzed(t, modinfo(ena...)), want, ""},
		{"more zeros between texts", "a.ko", modinfo("license=GPL", "", "", "intree=Y", debian12), &module{Vermagic: want.Vermagic, InTree: true}, ""},
		{"at the end of the file", "a.ko", []byte("x\x00" + debian12), &module{Vermagic: want.Vermagic}, ""},
		{"none", "a.ko", modinfo("license=GPL"), nil, errNoModule.Error()},
		{"empty", "a.ko", nil, nil, errNoModule.Error()},
		{"no xz", "a.ko.xz", modinfo(ena...), nil, "unpacking a kernel module"},
		{"cut", "a.ko.gz", gzipped(t, modinfo(ena...))[:60], nil, "unexpected EOF"},
		{"much information", "a.ko", modinfo(append([]string{debian12}, strings.Split(strings.Repeat("alias=x\x00", maxModinfo/7), "\x00")...)...), nil, "limit of 1048576"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, step := range []int{1, 7, 1 << 20} {
				got, err := readModule(&steps{bytes.NewReader(tt.data), step}, tt.file)
				if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Fatalf("the error is %v, want %q", err, tt.err)
				}
				if diff := cmp.Diff(tt.want, got); diff != "" {
					t.Errorf("read by %d bytes: %s", step, diff)
				}
			}
		})
	}
}

// steps reads a few bytes at a time.
type steps struct {
	r io.Reader
	n int
}

func (s *steps) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }

func gzipped(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write(data) //nolint:errcheck // a buffer
	w.Close()     //nolint:errcheck // a buffer
	return buf.Bytes()
}

func zstandard(t testing.TB, data []byte) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return w.EncodeAll(data, nil)
}

func xzed(t testing.TB, data []byte) []byte {
	t.Helper()
	xz, err := exec.LookPath("xz")
	if err != nil {
		t.Skip("xz is not here")
	}
	cmd := exec.Command(xz, "-c") //nolint:noctx // a compressor
	cmd.Stdin = bytes.NewReader(data)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestModuleBomb: a module that unpacks to more than the bound.
func TestModuleBomb(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	w, err := zstd.NewWriter(&buf)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(w, zeroReader{}, maxModule+1); err != nil {
		t.Fatal(err)
	}
	w.Close() //nolint:errcheck // a buffer
	var bound *BoundError
	if _, err := readModule(&buf, "a.ko.zst"); !errors.As(err, &bound) {
		t.Errorf("the error is %v, want a bound", err)
	}
}

func TestRelease(t *testing.T) {
	t.Parallel()
	for magic, want := range map[string]string{
		"6.1.0-56-cloud-amd64 SMP preempt":                   "6.1.0-56-cloud-amd64",
		"6.12.117+deb13-cloud-amd64 SMP preempt mod_unload ": "6.12.117_deb13-cloud-amd64",
		"6.1.58+ SMP": "6.1.58",
		"5.14.0-427.13.1.el9_4.x86_64 SMP modversions ": "5.14.0-427.13.1.el9_4.x86_64",
		"": "",
	} {
		if got := (&module{Vermagic: magic}).release(); got != want {
			t.Errorf("%q: %q, want %q", magic, got, want)
		}
	}
}

func TestDevices(t *testing.T) {
	t.Parallel()
	for alias, want := range map[string]deviceID{
		"pci:v00001D0Fd0000EC20sv*sd*bc*sc*i*":               {"pci.device", "1d0f", "ec20", ""},
		"pci:v00001D0Fd0000EC20sv00001D0Fsd0000EC20bc*sc*i*": {"pci.device", "1d0f", "ec20", ""},
		"pci:v00001AF4d*sv*sd*bc*sc*i*":                      {"pci.device", "1af4", "", ""},
		"pci:v*d*sv*sd*bc05sc02i10*":                         {"pci.device", "", "", "0502"},
		"pci:v000010DEd*sv*sd*bc03sc02i00*":                  {"pci.device", "10de", "", "0302"},
		"pci:v000010DEd*sv*sd*bc03sc*i*":                     {"pci.device", "10de", "", ""},
		"pci:v*d*sv*sd*bc*sc*i*":                             {},
		"vfio_pci:v*d*sv*sd*bc*sc*i*":                        {},
		"pci:v*d*sv*sd*bc01sc*i*":                            {},
		"usb:v0B95p1780d*dc*dsc*dp*ic*isc*ip*in*":            {"usb.device", "0b95", "1780", ""},
		"usb:v0B95p*d*dc*dsc*dp*ic*isc*ip*in*":               {"usb.device", "0b95", "", ""},
		"usb:v*p*d*dc*dsc*dp*ic03isc01ip01in*":               {},
		"cpu:type:x86,ven*fam*mod*:feature:*0099*":           {},
		"pci:vXYZ": {},
		"pci:":     {},
		"":         {},
	} {
		var got deviceID
		if list := (&module{Aliases: []string{alias}}).devices(); len(list) > 0 {
			got = list[0]
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", alias, got, want)
		}
	}
}
