package derive

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Bounds on what is read of an ELF file. All sizes are in bytes.
const (
	// maxELFHead is how much of a file's start is kept: its program headers must be there, and
	// the dynamic strings, which nearly all linkers put before the dynamic section that says where
	// they are. Node.js 20 has them at 2.3 to 7.6 MB, libLLVM 15 at 1.1 to 4.3 MB.
	maxELFHead     = 8 << 20
	maxSegments    = 128        // entries of the program header table
	maxNoteSegment = 64 << 10   // a PT_NOTE or PT_GNU_PROPERTY segment; a longer one is not read
	maxDynamic     = 64 << 10   // PT_DYNAMIC; a longer one is not read
	maxNeeded      = 1024       // DT_NEEDED entries
	maxName        = 4096       // an interpreter, DT_NEEDED or DT_SONAME: Linux's PATH_MAX
	maxRunPath     = 64 << 10   // a DT_RUNPATH or DT_RPATH
	elfChunk       = 64 << 10   // a step through the file; divides maxELFHead
	noOffset       = ^uint64(0) // no address of the file
)

// An elfFile is what of an ELF file says what it needs of the host. It is read from the program
// headers: section headers are not needed to run a file, and may have been cut off.
type elfFile struct {
	Machine      elf.Machine
	Class        elf.Class
	Type         elf.Type
	Interpreter  string   // PT_INTERP
	Dynamic      bool     // it has PT_DYNAMIC: a shared object, or a program that a loader completes
	Needed       []string // DT_NEEDED
	Soname       string   // DT_SONAME
	RunPath      []string // DT_RUNPATH, without one DT_RPATH, split at each colon
	NeededUnread bool     // PT_DYNAMIC or strings of it could not be read: Needed may be incomplete
	ISA          uint32   // X86_ISA_1_NEEDED, bits 1 baseline, 2 v2, 4 v3, 8 v4; 0 if it does not say
	ABI          *abiTag  // .note.ABI-tag; nil if there is none
	NotesUnread  bool     // a segment of notes is longer than maxNoteSegment
	Go           *goInfo  // nil if it is no Go program
	Rust         bool     // rustc is named outside of what is loaded, as in .comment
	Texts        []string // which of the given texts are in it
}

// isELF reports whether a file that starts with head is an ELF file.
func isELF(head []byte) bool { return bytes.HasPrefix(head, []byte(elf.ELFMAG)) }

// read reads an ELF file from its first byte to its last, once and forward, and looks for texts in
// it. Beyond texts it keeps at most about maxELFHead, whatever the file says of itself.
func (s *elfScan) read(r io.Reader, texts []string) (*elfFile, error) {
	s.reset(r, texts)
	if err := s.readHeaders(); err != nil {
		return nil, fmt.Errorf("reading ELF headers: %w", err)
	}
	for window, at := s.head, uint64(0); window != nil; {
		if err := s.pass(window, at); err != nil {
			return nil, err
		}
		var err error
		if window, at, err = s.next(window); err != nil {
			return nil, fmt.Errorf("reading an ELF file: %w", err)
		}
	}
	if err := s.finish(); err != nil {
		return nil, err
	}
	return s.file, nil
}

// An elfScan reads ELF files, one after the other, into the same memory.
type elfScan struct {
	r        io.Reader
	file     *elfFile
	order    binary.ByteOrder
	segments []segment
	loaded   uint64 // the end of the last PT_LOAD in the file

	head []byte // the file's first bytes, at most maxELFHead
	tail []byte // the step after head that is looked at
	size uint64 // how much of the file was read

	interpreter *span
	notes       []*span // one for each segment of notes that is read, in the order of segments
	dynamic     *span
	strings     []dynamicString // what the dynamic section names
	goBlob      *span

	texts   [][]byte // what was not found yet is looked for; nil once it was found
	overlap int      // how far windows overlap, so that each of texts is whole in one
}

// A segment is an entry of the program header table.
type segment struct {
	kind  elf.ProgType
	flags elf.ProgFlag
	off   uint64 // in the file
	end   uint64 // in the file
	addr  uint64 // in memory
	align uint64
}

// A span is a range of the file that is taken as the file passes.
type span struct {
	off, end uint64
	text     bool // it ends before the first NUL, and is not whole without one
	whole    bool
	data     []byte
}

// next is the offset of the first byte that was not taken yet.
func (s *span) next() uint64 { return s.off + uint64(len(s.data)) }

// take takes what comes next of the span and is in window, the bytes of the file from offset at.
func (s *span) take(window []byte, at uint64) {
	next := s.next()
	if s.whole || next < at || next-at >= uint64(len(window)) {
		return
	}
	part := window[next-at:]
	part = part[:min(uint64(len(part)), s.end-next)]
	nul := -1
	if s.text {
		nul = bytes.IndexByte(part, 0)
	}
	if nul >= 0 {
		part = part[:nul]
	}
	s.data = append(s.data, part...)
	s.whole = nul >= 0 || !s.text && s.next() == s.end
}

func (s *elfScan) reset(r io.Reader, texts []string) {
	*s = elfScan{
		r: r, file: new(elfFile), head: s.head[:0], tail: s.tail, segments: s.segments[:0],
		notes: s.notes[:0], strings: s.strings[:0], texts: s.texts[:0], overlap: goHeaderSize,
	}
	for _, text := range texts {
		s.texts = append(s.texts, []byte(text))
		s.overlap = max(s.overlap, len(text))
	}
}

// fill reads up to n more bytes behind those of buf.
func (s *elfScan) fill(buf []byte, n int) ([]byte, error) {
	buf = slices.Grow(buf, n)
	got, err := io.ReadFull(s.r, buf[len(buf):len(buf)+n])
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	s.size += uint64(got)
	return buf[:len(buf)+got], err
}

// next reads on and returns what to look at after last: it begins with the end of last. It is nil
// at the end of the file.
func (s *elfScan) next(last []byte) (window []byte, at uint64, err error) {
	before := s.size
	carry := min(len(last), s.overlap)
	if len(s.head) < maxELFHead {
		s.head, err = s.fill(s.head, elfChunk)
		window = s.head[before-uint64(carry):]
	} else {
		s.tail = append(s.tail[:0], last[len(last)-carry:]...)
		s.tail, err = s.fill(s.tail, elfChunk)
		window = s.tail
	}
	if err != nil || s.size == before {
		return nil, 0, err
	}
	return window, before - uint64(carry), nil
}

// need reads until the head has its first n bytes.
func (s *elfScan) need(n uint64, what string) error {
	for uint64(len(s.head)) < n && len(s.head) < maxELFHead {
		before := s.size
		var err error
		if s.head, err = s.fill(s.head, elfChunk); err != nil {
			return err
		}
		if s.size == before {
			return fmt.Errorf("truncated: %s end at byte %d, the file at %d", what, n, s.size)
		}
	}
	if n > maxELFHead {
		return fmt.Errorf("%s end at byte %d, beyond the first %d", what, n, maxELFHead)
	}
	return nil
}

// readHeaders reads the file header and the program headers.
func (s *elfScan) readHeaders() error {
	if err := s.need(elf.EI_NIDENT, "the first headers"); err != nil {
		return err
	}
	if !isELF(s.head) {
		return errors.New("not an ELF file")
	}
	switch data := elf.Data(s.head[elf.EI_DATA]); data {
	case elf.ELFDATA2LSB:
		s.order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		s.order = binary.BigEndian
	default:
		return fmt.Errorf("malformed: byte order %d", data)
	}
	var h elf.Header64
	var entry int // the size of a program header
	s.file.Class = elf.Class(s.head[elf.EI_CLASS])
	switch s.file.Class {
	case elf.ELFCLASS64:
		entry = binary.Size(elf.Prog64{})
		if err := s.decode(0, &h, "the file's headers"); err != nil {
			return err
		}
	case elf.ELFCLASS32:
		entry = binary.Size(elf.Prog32{})
		var h32 elf.Header32
		if err := s.decode(0, &h32, "the file's headers"); err != nil {
			return err
		}
		h.Type, h.Machine, h.Phoff = h32.Type, h32.Machine, uint64(h32.Phoff)
		h.Phnum, h.Phentsize = h32.Phnum, h32.Phentsize
	default:
		return fmt.Errorf("malformed: class %d", s.file.Class)
	}
	s.file.Type, s.file.Machine = elf.Type(h.Type), elf.Machine(h.Machine)
	switch {
	case h.Phnum > maxSegments:
		return fmt.Errorf("%d program headers, more than %d", h.Phnum, maxSegments)
	case h.Phnum > 0 && int(h.Phentsize) != entry:
		return fmt.Errorf("malformed: program headers of %d bytes, want %d", h.Phentsize, entry)
	case h.Phoff > maxELFHead:
		return fmt.Errorf("the program headers begin at byte %d, beyond the first %d", h.Phoff, maxELFHead)
	}
	for i := range int(h.Phnum) {
		if err := s.readSegment(h.Phoff + uint64(i*entry)); err != nil {
			return err
		}
	}
	return nil
}

// decode decodes what lies at an offset in the head.
func (s *elfScan) decode(off uint64, into any, what string) error {
	end := off + uint64(binary.Size(into))
	if err := s.need(end, what); err != nil {
		return err
	}
	_, err := binary.Decode(s.head[off:end], s.order, into)
	return err
}

// readSegment reads one program header and notes what is wanted of its segment.
func (s *elfScan) readSegment(off uint64) error {
	var p elf.Prog64
	if s.file.Class == elf.ELFCLASS32 {
		var p32 elf.Prog32
		if err := s.decode(off, &p32, "the program headers"); err != nil {
			return err
		}
		p = elf.Prog64{
			Type: p32.Type, Flags: p32.Flags, Off: uint64(p32.Off), Vaddr: uint64(p32.Vaddr),
			Filesz: uint64(p32.Filesz), Align: uint64(p32.Align),
		}
	} else if err := s.decode(off, &p, "the program headers"); err != nil {
		return err
	}
	g := segment{elf.ProgType(p.Type), elf.ProgFlag(p.Flags), p.Off, p.Off + p.Filesz, p.Vaddr, p.Align}
	if g.end < g.off || g.addr+p.Filesz < g.addr {
		return fmt.Errorf("malformed: a segment of %d bytes at byte %d, address %#x", p.Filesz, p.Off, p.Vaddr)
	}
	switch g.kind {
	case elf.PT_LOAD:
		s.segments = append(s.segments, g)
		if p.Filesz > 0 {
			s.loaded = max(s.loaded, g.end)
		}
	case elf.PT_INTERP:
		if p.Filesz > maxName {
			return fmt.Errorf("an interpreter's name of %d bytes, more than %d", p.Filesz, maxName)
		}
		if p.Filesz > 0 {
			s.interpreter = &span{off: g.off, end: g.end, text: true}
		}
	case elf.PT_DYNAMIC:
		// A file of debugging information has the header without the content.
		s.file.Dynamic = true
		if p.Filesz == 0 || p.Filesz > maxDynamic {
			s.file.NeededUnread = true
		} else {
			s.dynamic = &span{off: g.off, end: g.end}
		}
	case elf.PT_NOTE, elf.PT_GNU_PROPERTY:
		if p.Filesz > maxNoteSegment {
			s.file.NotesUnread = true
		} else if p.Filesz > 0 {
			s.segments = append(s.segments, g)
			s.notes = append(s.notes, &span{off: g.off, end: g.end})
		}
	}
	return nil
}

// pass looks at window, the bytes of the file from offset at.
func (s *elfScan) pass(window []byte, at uint64) error {
	if s.interpreter != nil {
		s.interpreter.take(window, at)
	}
	for _, note := range s.notes {
		note.take(window, at)
	}
	for _, d := range s.strings {
		d.text.take(window, at)
	}
	if s.dynamic != nil && !s.dynamic.whole {
		s.dynamic.take(window, at)
		if s.dynamic.whole {
			if err := s.readDynamic(window, at); err != nil {
				return fmt.Errorf("reading the dynamic section: %w", err)
			}
		}
	}
	s.passGo(window, at)
	s.passTexts(window, at)
	return nil
}

// passTexts looks for the texts in window.
func (s *elfScan) passTexts(window []byte, at uint64) {
	for i, text := range s.texts {
		if text != nil && bytes.Contains(window, text) {
			s.file.Texts = append(s.file.Texts, string(text))
			s.texts[i] = nil
		}
	}
	// What is loaded may hold the words for any reason. After it come .comment and .debug_str.
	if end := at + uint64(len(window)); !s.file.Rust && end > s.loaded {
		s.file.Rust = bytes.Contains(window[max(at, s.loaded)-at:], []byte("rustc version "))
	}
}

// finish turns what was taken into the file's facts.
func (s *elfScan) finish() error {
	if s.size < s.loaded {
		return s.truncated("what is loaded of it ends", s.loaded)
	}
	if s.interpreter != nil {
		if !s.interpreter.whole {
			return errors.New("malformed: the interpreter's name has no end")
		}
		s.file.Interpreter = string(s.interpreter.data)
	}
	if err := s.finishDynamic(); err != nil {
		return err
	}
	if err := s.finishNotes(); err != nil {
		return err
	}
	if s.goBlob != nil {
		s.file.Go = parseGoInfo(s.goBlob.data)
	}
	return nil
}

func (s *elfScan) truncated(what string, end uint64) error {
	return fmt.Errorf("truncated: %s at byte %d, the file at %d", what, end, s.size)
}
