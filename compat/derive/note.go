package derive

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
)

// Notes of the name GNU, and what is in them:
// https://gitlab.com/x86-psABIs/Linux-ABI, "Program Property".
const (
	noteABITag       = 1          // NT_GNU_ABI_TAG
	notePropertyType = 5          // NT_GNU_PROPERTY_TYPE_0
	propertyX86ISA1  = 0xc0008002 // GNU_PROPERTY_X86_ISA_1_NEEDED
	noteHeaderSize   = 12         // the sizes of name and description, and a type: 4 bytes each
)

// An abiTag is a .note.ABI-tag: the oldest kernel that the program's C library was built for.
type abiTag struct {
	OS                  uint32 // 0 Linux, 1 Hurd, 2 Solaris, 3 FreeBSD
	Major, Minor, Patch uint32
}

// finishNotes reads the segments of notes.
func (s *elfScan) finishNotes() error {
	i := 0
	for _, g := range s.segments {
		if g.kind == elf.PT_LOAD {
			continue
		}
		note := s.notes[i]
		i++
		if !note.whole {
			return s.truncated("a segment of notes ends", note.end)
		}
		// Notes of properties are aligned to 8 bytes in files of 64 bits, all others to 4.
		align := uint64(4)
		if g.align == 8 {
			align = 8
		}
		if err := s.readNotes(note.data, align); err != nil {
			return fmt.Errorf("reading notes: %w", err)
		}
	}
	return nil
}

// readNotes reads notes that follow one another.
func (s *elfScan) readNotes(b []byte, align uint64) error {
	for len(b) >= noteHeaderSize {
		size := uint64(len(b))
		nameEnd := noteHeaderSize + uint64(s.order.Uint32(b))
		desc := alignUp(nameEnd, align)
		descEnd := desc + uint64(s.order.Uint32(b[4:]))
		kind := s.order.Uint32(b[8:])
		if nameEnd > size || descEnd > size {
			return fmt.Errorf("malformed: a note of %d bytes with %d left", descEnd, size)
		}
		if bytes.Equal(b[noteHeaderSize:nameEnd], []byte("GNU\x00")) && desc <= descEnd {
			if err := s.readNote(kind, b[desc:descEnd]); err != nil {
				return err
			}
		}
		b = b[min(size, alignUp(descEnd, align)):]
	}
	return nil
}

// readNote reads the description of a note of the name GNU.
func (s *elfScan) readNote(kind uint32, desc []byte) error {
	switch kind {
	case noteABITag:
		if len(desc) < 16 {
			return fmt.Errorf("malformed: an ABI tag of %d bytes", len(desc))
		}
		s.file.ABI = &abiTag{s.order.Uint32(desc), s.order.Uint32(desc[4:]), s.order.Uint32(desc[8:]), s.order.Uint32(desc[12:])}
	case notePropertyType:
		return s.readProperties(desc)
	}
	return nil
}

// readProperties reads the properties of a program. GNU_PROPERTY_X86_FEATURE_1_AND and
// GNU_PROPERTY_AARCH64_FEATURE_1_AND are no needs but offers to the loader, and ISA_1_USED is not
// kept by linkers: all are left out.
func (s *elfScan) readProperties(b []byte) error {
	align := uint64(4)
	if s.file.Class == elf.ELFCLASS64 {
		align = 8
	}
	for len(b) >= 8 {
		size := uint64(len(b))
		kind, end := s.order.Uint32(b), 8+uint64(s.order.Uint32(b[4:]))
		if end > size {
			return fmt.Errorf("malformed: a property of %d bytes with %d left", end, size)
		}
		if kind == propertyX86ISA1 && (s.file.Machine == elf.EM_X86_64 || s.file.Machine == elf.EM_386) {
			if end != 12 {
				return errors.New("malformed: X86_ISA_1_NEEDED is not 4 bytes")
			}
			s.file.ISA |= s.order.Uint32(b[8:])
		}
		b = b[min(size, alignUp(end, align)):]
	}
	return nil
}

// alignUp rounds n up to a multiple of align, a power of two. It is for sums of numbers of 32 bits.
func alignUp(n, align uint64) uint64 { return (n + align - 1) &^ (align - 1) }
