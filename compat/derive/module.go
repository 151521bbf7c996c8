package derive

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// Bounds on what is read of a kernel module, in bytes unless it says otherwise.
const (
	// maxModule is how large one may be when it is unpacked: amdgpu's have 20 MB, with debugging
	// information ten times as much.
	maxModule = 256 << 20
	// maxModuleWindow is the largest dictionary of a compressed one: the kernel's own build uses 2 MB
	// for xz, and zstd's largest level has 128 MB.
	maxModuleWindow = 128 << 20
	maxModinfo      = 1 << 20
	moduleChunk     = 64 << 10
)

// A module is what a kernel module says in its section .modinfo: texts KEY=VALUE that end in NUL.
// https://github.com/torvalds/linux/blob/v6.12/include/linux/moduleparam.h
type module struct {
	// Vermagic is the release of the kernel that it was built for, and how that was configured.
	Vermagic string
	// Aliases name the devices that it drives.
	Aliases []string
	// InTree says that it is of the kernel's own sources.
	InTree bool
}

var errNoModule = errors.New("it is no kernel module: nothing in it says vermagic")

// readModule reads a kernel module, compressed as its name says.
func readModule(r io.Reader, name string) (*module, error) {
	unpacked, err := unpackModule(r, name)
	if err != nil {
		return nil, fmt.Errorf("unpacking a kernel module: %w", err)
	}
	s := &modinfoScan{}
	buffer := make([]byte, moduleChunk)
	for total := int64(0); !s.found; {
		n, err := unpacked.Read(buffer)
		if total += int64(n); total > maxModule {
			return nil, &BoundError{"bytes of an unpacked kernel module", maxModule}
		}
		if errTake := s.take(buffer[:n]); errTake != nil {
			return nil, errTake
		}
		if errors.Is(err, io.EOF) {
			s.text()
			s.end()
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading a kernel module: %w", err)
		}
	}
	if !s.found {
		return nil, errNoModule
	}
	return s.module(), nil
}

// unpackModule undoes the compression of a module.
func unpackModule(r io.Reader, name string) (io.Reader, error) {
	switch {
	case strings.HasSuffix(name, ".xz"):
		return xz.NewReader(r, maxModuleWindow)
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxModuleWindow))
		if err != nil {
			return nil, err
		}
		return z.IOReadCloser(), nil
	case strings.HasSuffix(name, ".gz"):
		return gzip.NewReader(r)
	}
	return r, nil
}

// A modinfoScan looks for the run of texts that has vermagic: where the section is stands at the end
// of the file, behind it.
type modinfoScan struct {
	run   [][]byte
	size  int    // of run
	rest  []byte // the beginning of a text
	skip  bool   // the text is none
	magic bool   // run has vermagic
	found bool   // run is complete
}

const vermagic = "vermagic="

// take looks at more of the file.
func (s *modinfoScan) take(b []byte) error {
	for len(b) > 0 && !s.found {
		if len(s.rest) == 0 && !s.skip { // between texts may be more than one NUL
			if b = bytes.TrimLeft(b, "\x00"); len(b) == 0 {
				return nil
			}
		}
		i := bytes.IndexByte(b, 0)
		part := b
		if i >= 0 {
			part = b[:i]
		}
		if !s.skip {
			if s.skip = len(s.rest) == 0 && !isModinfo(part) || s.size+len(s.rest)+len(part) > maxModinfo; !s.skip {
				s.rest = append(s.rest, part...)
			} else if s.magic && s.size+len(s.rest)+len(part) > maxModinfo {
				return &BoundError{"bytes of a kernel module's information", maxModinfo}
			}
		}
		if i < 0 {
			return nil
		}
		b = b[i+1:]
		s.text()
	}
	return nil
}

// text is the end of a text.
func (s *modinfoScan) text() {
	if s.skip || !bytes.Contains(s.rest, []byte("=")) {
		if s.end(); !s.found {
			s.run, s.size = nil, 0
		}
	} else {
		s.magic = s.magic || bytes.HasPrefix(s.rest, []byte(vermagic))
		s.run, s.size = append(s.run, s.rest), s.size+len(s.rest)
	}
	s.rest, s.skip = nil, false
}

// end is the end of a run.
func (s *modinfoScan) end() { s.found = s.magic }

// isModinfo reports whether a text can begin so: with a key, if so much of it is there.
func isModinfo(b []byte) bool {
	for _, c := range b {
		switch {
		case c == '=':
			return true
		case (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' && c != '.':
			return false
		}
	}
	return len(b) < 64
}

func (s *modinfoScan) module() *module {
	m := &module{}
	for _, text := range s.run {
		key, value, _ := strings.Cut(string(text), "=")
		switch key {
		case "vermagic":
			m.Vermagic = value
		case "alias":
			m.Aliases = append(m.Aliases, value)
		case "intree":
			m.InTree = value == "Y"
		}
	}
	return m
}

// release is that of the kernel, spelt as NFD does in kernel.version.full.
// https://github.com/kubernetes-sigs/node-feature-discovery/blob/v0.19.0/source/kernel/version.go
func (m *module) release() string {
	release, _, _ := strings.Cut(m.Vermagic, " ")
	return strings.Trim(strings.Map(func(r rune) rune {
		if r < 0x80 && (r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.", r)) {
			return r
		}
		return '_'
	}, release), "-_.")
}

// modversions reports whether the kernel compares the symbols' checksums rather than its release.
func (m *module) modversions() bool { return strings.Contains(m.Vermagic, " modversions") }

// A deviceID is what an alias says of a device, spelt as NFD does; "" is any.
type deviceID struct{ feature, vendor, device, class string }

// devices are the PCI and USB devices of the aliases; those that are any device are left out.
//
// https://github.com/torvalds/linux/blob/v6.12/scripts/mod/file2alias.c
func (m *module) devices() []deviceID {
	var list []deviceID
	for _, alias := range m.Aliases {
		var id deviceID
		if rest, ok := strings.CutPrefix(alias, "pci:"); ok {
			id = deviceID{feature: "pci.device"}
			id.vendor, rest = idField(rest, 'v', 8, 4)
			id.device, rest = idField(rest, 'd', 8, 4)
			if at := strings.Index(rest, "bc"); at >= 0 {
				base, rest := idField(rest[at+1:], 'c', 2, 2)
				sub, _ := idField(strings.TrimPrefix(rest, "s"), 'c', 2, 2)
				if base != "" && sub != "" {
					id.class = base + sub
				}
			}
		} else if rest, ok := strings.CutPrefix(alias, "usb:"); ok {
			id = deviceID{feature: "usb.device"}
			id.vendor, rest = idField(rest, 'v', 4, 4)
			id.device, _ = idField(strings.Replace(rest, "p", "d", 1), 'd', 4, 4)
		}
		if id.vendor != "" || id.class != "" {
			list = append(list, id)
		}
	}
	return list
}

// idField reads a letter and a hexadecimal number of so many digits, of which the last keep are
// returned in lower case; "" for an asterisk, or what is none.
func idField(s string, letter byte, digits, keep int) (value, rest string) {
	if s == "" || s[0] != letter {
		return "", s
	}
	s = s[1:]
	if strings.HasPrefix(s, "*") {
		return "", s[1:]
	}
	if len(s) < digits || strings.Trim(s[:digits], "0123456789ABCDEFabcdef") != "" {
		return "", s
	}
	return strings.ToLower(s[digits-keep : digits]), s[digits:]
}
