package derive

import (
	"debug/elf"
	"fmt"
	"strings"
)

// A dynamicString is an entry of the dynamic section that is a string.
type dynamicString struct {
	tag  elf.DynTag
	text *span
}

// readDynamic reads the dynamic section and takes what of its strings is in the head, or in
// window, the bytes of the file from offset at.
func (s *elfScan) readDynamic(window []byte, at uint64) error {
	var table, size uint64 // DT_STRTAB, DT_STRSZ
	needed := 0
	for rest := s.dynamic.data; ; {
		tag, value, more, ok := s.dynamicEntry(rest)
		if !ok || tag == elf.DT_NULL {
			break
		}
		rest = more
		switch tag {
		case elf.DT_STRTAB:
			table = value
		case elf.DT_STRSZ:
			size = value
		case elf.DT_NEEDED:
			if needed++; needed > maxNeeded {
				return fmt.Errorf("more than %d DT_NEEDED", maxNeeded)
			}
			s.strings = append(s.strings, dynamicString{tag, &span{off: value, end: maxName, text: true}})
		case elf.DT_SONAME:
			s.strings = append(s.strings, dynamicString{tag, &span{off: value, end: maxName, text: true}})
		case elf.DT_RUNPATH, elf.DT_RPATH:
			s.strings = append(s.strings, dynamicString{tag, &span{off: value, end: maxRunPath, text: true}})
		}
	}
	if len(s.strings) == 0 {
		return nil
	}
	off := s.offset(table)
	if off == noOffset || size > noOffset-off {
		s.file.NeededUnread, s.strings = true, s.strings[:0]
		return nil
	}
	for _, d := range s.strings {
		t := d.text
		if t.off >= size {
			return fmt.Errorf("malformed: %v at byte %d of %d bytes of strings", d.tag, t.off, size)
		}
		t.off, t.end = off+t.off, off+min(size, t.off+t.end)
		t.take(s.head, 0)
		t.take(window, at)
		if !t.whole && t.next() < min(t.end, s.size) {
			s.file.NeededUnread = true // it has passed
		}
	}
	return nil
}

// dynamicEntry decodes the first entry of a dynamic section.
func (s *elfScan) dynamicEntry(b []byte) (tag elf.DynTag, value uint64, rest []byte, ok bool) {
	if s.file.Class == elf.ELFCLASS32 {
		if len(b) < 8 {
			return 0, 0, nil, false
		}
		return elf.DynTag(s.order.Uint32(b)), uint64(s.order.Uint32(b[4:])), b[8:], true
	}
	if len(b) < 16 {
		return 0, 0, nil, false
	}
	return elf.DynTag(s.order.Uint64(b)), s.order.Uint64(b[8:]), b[16:], true
}

// offset returns where in the file the byte is that is loaded at an address, or noOffset.
func (s *elfScan) offset(addr uint64) uint64 {
	for _, g := range s.segments {
		if g.kind == elf.PT_LOAD && addr >= g.addr && addr-g.addr < g.end-g.off {
			return g.off + (addr - g.addr)
		}
	}
	return noOffset
}

// finishDynamic sets what comes of the dynamic section.
func (s *elfScan) finishDynamic() error {
	if s.dynamic != nil && !s.dynamic.whole {
		return s.truncated("the dynamic section ends", s.dynamic.end)
	}
	var runPath, rPath string
	for _, d := range s.strings {
		if !d.text.whole {
			switch {
			case d.text.next() == d.text.end:
				return fmt.Errorf("malformed: %v has no end within %d bytes", d.tag, len(d.text.data))
			case !s.file.NeededUnread:
				return s.truncated(d.tag.String()+" is", d.text.next())
			}
			continue
		}
		text := string(d.text.data)
		switch d.tag {
		case elf.DT_NEEDED:
			s.file.Needed = append(s.file.Needed, text)
		case elf.DT_SONAME:
			s.file.Soname = text
		case elf.DT_RUNPATH:
			runPath = text
		case elf.DT_RPATH:
			rPath = text
		}
	}
	if runPath == "" {
		runPath = rPath
	}
	if runPath != "" {
		s.file.RunPath = strings.Split(runPath, ":")
	}
	return nil
}
