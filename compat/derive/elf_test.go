package derive

import (
	"bytes"
	"debug/buildinfo"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestELFOracle reads programs and libraries of this machine, and compares with debug/elf and
// debug/buildinfo, which read sections.
func TestELFOracle(t *testing.T) {
	t.Parallel()
	compared := 0
	for _, dir := range []string{"/usr/bin", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", filepath.Dir(os.Args[0])} {
		err := filepath.WalkDir(dir, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || !entry.Type().IsRegular() || compared >= 1500 {
				return nil //nolint:nilerr // what is not there is not compared
			}
			file, err := os.Open(name)
			if err != nil {
				return nil //nolint:nilerr // not readable
			}
			defer file.Close()
			want, err := elf.NewFile(file)
			if err != nil || want.Type == elf.ET_REL {
				return nil //nolint:nilerr // no program
			}
			compared++
			compareELF(t, name, file, want)
			return nil
		})
		if err != nil {
			t.Log(err)
		}
	}
	if compared == 0 {
		t.Error("no file was compared")
	}
}

func compareELF(t *testing.T, name string, file *os.File, want *elf.File) {
	t.Helper()
	got, err := new(elfScan).read(io.NewSectionReader(file, 0, 1<<40), nil)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if got.Machine != want.Machine || got.Class != want.Class || got.Type != want.Type {
		t.Errorf("%s: %v %v %v, want %v %v %v", name, got.Machine, got.Class, got.Type, want.Machine, want.Class, want.Type)
	}
	if needed, err := want.ImportedLibraries(); err == nil && !got.NeededUnread && !slices.Equal(needed, got.Needed) {
		t.Errorf("%s needs %q, want %q", name, got.Needed, needed)
	}
	if soname, err := want.DynString(elf.DT_SONAME); err == nil && len(soname) == 1 && soname[0] != got.Soname {
		t.Errorf("%s is called %q, want %q", name, got.Soname, soname)
	}
	if s := want.Section(".interp"); s != nil {
		if data, err := s.Data(); err == nil && strings.TrimRight(string(data), "\x00") != got.Interpreter {
			t.Errorf("%s: the interpreter is %q, want %q", name, got.Interpreter, data)
		}
	}
	info, err := buildinfo.Read(file)
	switch {
	case err != nil && got.Go != nil && !got.Go.Unread:
		t.Errorf("%s is a program of %s, which debug/buildinfo does not find: %v", name, got.Go.Version, err)
	case err == nil && (got.Go == nil || got.Go.Version != info.GoVersion):
		t.Errorf("%s: %+v, want the build information of %s", name, got.Go, info.GoVersion)
	case err == nil:
		for _, s := range info.Settings {
			if got.Go.Settings[s.Key] != s.Value {
				t.Errorf("%s: %s=%s, want %s", name, s.Key, got.Go.Settings[s.Key], s.Value)
			}
		}
	}
}

// A piece is a segment of a file that a test makes.
type piece struct {
	kind    elf.ProgType
	data    []byte
	align   uint64
	missing uint64 // bytes that the header says it has beyond data
}

// program makes an ELF file for x86-64 of the segments given.
func program(pieces ...piece) []byte {
	const header, entry = 64, 56
	h := elf.Header64{Type: uint16(elf.ET_EXEC), Machine: uint16(elf.EM_X86_64), Version: 1, Phoff: header, Ehsize: header, Phentsize: entry, Phnum: uint16(len(pieces))}
	copy(h.Ident[:], elf.ELFMAG+"\x02\x01\x01")
	var buf, content bytes.Buffer
	write := func(v any) { binary.Write(&buf, binary.LittleEndian, v) } //nolint:errcheck // a buffer
	write(h)
	at := uint64(header + entry*len(pieces))
	for _, p := range pieces {
		size := uint64(len(p.data)) + p.missing
		write(elf.Prog64{Type: uint32(p.kind), Flags: uint32(elf.PF_R), Off: at, Vaddr: at, Filesz: size, Memsz: size, Align: p.align})
		content.Write(p.data)
		at += uint64(len(p.data))
	}
	return append(buf.Bytes(), content.Bytes()...)
}

// note makes a note of the name GNU.
func note(kind uint32, desc ...uint32) []byte {
	b := binary.LittleEndian.AppendUint32(nil, 4)
	b = binary.LittleEndian.AppendUint32(b, uint32(4*len(desc)))
	b = append(binary.LittleEndian.AppendUint32(b, kind), "GNU\x00"...)
	for _, d := range desc {
		b = binary.LittleEndian.AppendUint32(b, d)
	}
	return b
}

func TestELFNotes(t *testing.T) {
	t.Parallel()
	isa := func(bits uint32) []byte { return note(notePropertyType, propertyX86ISA1, 4, bits, 0) }
	phnum := program()
	binary.LittleEndian.PutUint16(phnum[56:], 65535)
	big := program()
	big[5] = 7
	for _, tt := range []struct {
		name string
		data []byte
		isa  uint32
		abi  *abiTag
		err  string
	}{
		{"nothing", program(), 0, nil, ""},
		{"v3", program(piece{elf.PT_NOTE, isa(5), 8, 0}), 5, nil, ""},
		{"only offers", program(piece{elf.PT_NOTE, note(notePropertyType, 0xc0000002, 4, 3, 0), 8, 0}), 0, nil, ""},
		{"only what is used", program(piece{elf.PT_NOTE, note(notePropertyType, 0xc0010002, 4, 8, 0), 8, 0}), 0, nil, ""},
		{"offers, then v2", program(piece{elf.PT_NOTE, note(notePropertyType, 0xc0000002, 4, 3, 0, propertyX86ISA1, 4, 2, 0), 8, 0}), 2, nil, ""},
		{"in PT_GNU_PROPERTY", program(piece{elf.PT_GNU_PROPERTY, isa(8), 8, 0}), 8, nil, ""},
		{"ABI tag", program(piece{elf.PT_NOTE, note(noteABITag, 0, 4, 18, 0), 4, 0}), 0, &abiTag{0, 4, 18, 0}, ""},
		{"both", program(piece{elf.PT_NOTE, isa(4), 8, 0}, piece{elf.PT_NOTE, append(note(3, 1, 2, 3), note(noteABITag, 0, 3, 2, 0)...), 4, 0}), 4, &abiTag{0, 3, 2, 0}, ""},
		{"a name of 4 GiB", program(piece{elf.PT_NOTE, append([]byte("\xff\xff\xff\xff"), isa(4)[4:]...), 4, 0}), 0, nil, "malformed: a note of"},
		{"a property past the end", program(piece{elf.PT_NOTE, note(notePropertyType, propertyX86ISA1, 400, 1, 0), 8, 0}), 0, nil, "malformed: a property of"},
		{"a short ABI tag", program(piece{elf.PT_NOTE, note(noteABITag, 0, 4), 4, 0}), 0, nil, "malformed: an ABI tag of 8 bytes"},
		{"a note past the end of the file", program(piece{elf.PT_NOTE, isa(4), 8, 100}), 0, nil, "truncated"},
		{"65535 program headers", phnum, 0, nil, "65535 program headers, more than 128"},
		{"a byte order that is none", big, 0, nil, "malformed: byte order 7"},
		{"only the magic", []byte(elf.ELFMAG), 0, nil, "truncated"},
		{"empty", nil, 0, nil, "truncated"},
		{"a text", []byte("#!/bin/sh\necho hello\n"), 0, nil, "not an ELF file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			for _, step := range []int{1, 1 << 20} {
				got, err := new(elfScan).read(&steps{bytes.NewReader(tt.data), step}, nil)
				if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Fatalf("the error is %v, want %q", err, tt.err)
				}
				if err == nil && got.ISA != tt.isa {
					t.Errorf("ISA %#x, want %#x", got.ISA, tt.isa)
				}
				if err == nil {
					if diff := cmp.Diff(tt.abi, got.ABI); diff != "" {
						t.Error(diff)
					}
				}
			}
		})
	}
}

// TestELFBounds: what is longer than a bound is told as unread, not as absent.
func TestELFBounds(t *testing.T) {
	t.Parallel()
	got, err := new(elfScan).read(bytes.NewReader(program(piece{elf.PT_NOTE, make([]byte, maxNoteSegment+1), 8, 0})), nil)
	if err != nil || !got.NotesUnread {
		t.Errorf("%+v, %v: want unread notes", got, err)
	}
	got, err = new(elfScan).read(bytes.NewReader(program(piece{elf.PT_DYNAMIC, make([]byte, maxDynamic+16), 8, 0})), nil)
	if err != nil || !got.NeededUnread {
		t.Errorf("%+v, %v: want unread libraries", got, err)
	}
	// Notes and texts beyond the head, and across the steps through the file.
	far := bytes.Repeat([]byte("x"), maxELFHead+elfChunk-3)
	got, err = new(elfScan).read(bytes.NewReader(program(piece{elf.PT_LOAD, append(far, "hello, far"...), 1, 0}, piece{elf.PT_NOTE, note(noteABITag, 0, 5, 6, 7), 4, 0})), []string{"far away", "hello, far"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"hello, far"}, got.Texts); diff != "" || got.ABI == nil || got.ABI.Minor != 6 {
		t.Errorf("%v %+v", diff, got.ABI)
	}
}

func FuzzELF(f *testing.F) {
	f.Add(program(piece{elf.PT_NOTE, note(notePropertyType, propertyX86ISA1, 4, 5, 0), 8, 0}))
	f.Add(program(piece{elf.PT_INTERP, []byte("/lib64/ld.so\x00"), 1, 0}, piece{elf.PT_DYNAMIC, make([]byte, 64), 8, 0}))
	f.Add([]byte("\x7fELF\x01\x02\x01" + goMagic))
	if data, err := os.ReadFile("/bin/true"); err == nil {
		f.Add(data)
	}
	f.Fuzz(func(_ *testing.T, data []byte) {
		new(elfScan).read(bytes.NewReader(data), []string{"x"}) //nolint:errcheck // it must end, and not panic
	})
}

func FuzzModule(f *testing.F) {
	f.Add(modinfo("alias=pci:v00001D0Fd0000EC21sv*sd*bc*sc*i*", debian12), "a.ko")
	f.Add(gzipped(f, modinfo(debian12)), "a.ko.gz")
	f.Add(zstandard(f, modinfo(debian12)), "a.ko.zst")
	f.Add([]byte("\xfd7zXZ\x00"), "a.ko.xz")
	f.Fuzz(func(_ *testing.T, data []byte, name string) {
		if m, err := readModule(bytes.NewReader(data), name); err == nil {
			m.release()
			m.devices()
		}
	})
}

func FuzzLayer(f *testing.F) {
	f.Add(archive(f, "a 1", "d/", "b = a", "l -> d"), archive(f, ".wh.a", "d/.wh..wh..opq", "l/x 2"))
	f.Add(gzipped(f, archive(f, "a 1")), zstandard(f, archive(f, "b -")))
	f.Fuzz(func(t *testing.T, lower, upper []byte) {
		r := &reader{}
		for i, data := range [][]byte{lower, upper} {
			err := r.apply(t.Context(), bytes.NewReader(data), int64(len(data)), i+1)
			var bound *BoundError
			if errors.As(err, &bound) {
				return
			}
		}
		r.fs.each(func(name string, f *file) {
			if n, _ := r.fs.get(name); n == nil || n.file != f {
				t.Errorf("%q is listed, and not found", name)
			}
		})
	})
}
