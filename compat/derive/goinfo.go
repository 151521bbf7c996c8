package derive

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"runtime/debug"
)

// The build information that Go's linker writes into the first writable segment
// (cmd/link/internal/ld, buildinfo; debug/buildinfo reads it).
const (
	goMagic      = "\xff Go buildinf:"
	goAlign      = 16 // of its address, in bytes
	goHeaderSize = 32 // the magic, the size of a pointer, flags, and two pointers up to Go 1.17
	goPtrSize    = 14 // where the size of a pointer is
	goFlags      = 15 // where the flags are
	goInline     = 2  // the flag of Go 1.18 and later: version and modules follow as strings
	maxGoInfo    = 1 << 20
)

// A goInfo is the build information of a Go program.
type goInfo struct {
	Version  string            // of the toolchain: go1.26.8, go1.26.8-X:boringcrypto
	Settings map[string]string // GOAMD64, GOARM64, …; empty if it does not have them
	Unread   bool              // in the form of Go before 1.18, longer than maxGoInfo, or malformed
}

// passGo looks for build information in window, the bytes of the file from offset at.
func (s *elfScan) passGo(window []byte, at uint64) {
	end := at + uint64(len(window))
	for _, g := range s.segments {
		if g.kind != elf.PT_LOAD || g.flags&(elf.PF_W|elf.PF_X) != elf.PF_W || s.goBlob != nil {
			continue
		}
		for from := max(at, g.off); from < min(end, g.end); {
			part := window[from-at : min(end, g.end)-at]
			i := bytes.Index(part, []byte(goMagic))
			if i < 0 {
				break
			}
			from += uint64(i)
			if part = part[i:]; len(part) < goHeaderSize {
				break // the next window has it
			}
			if (g.addr+from-g.off)%goAlign == 0 && (part[goPtrSize] == 4 || part[goPtrSize] == 8) {
				s.goBlob = &span{off: from, end: min(g.end, from+goHeaderSize+maxGoInfo)}
				break
			}
			from++
		}
	}
	if s.goBlob != nil {
		s.goBlob.take(window, at)
	}
}

// parseGoInfo reads build information that begins with its magic.
func parseGoInfo(b []byte) *goInfo {
	unread := &goInfo{Unread: true}
	if len(b) < goHeaderSize || b[goFlags]&goInline == 0 {
		return unread
	}
	version, rest, ok := cutCounted(b[goHeaderSize:])
	if !ok || len(version) == 0 {
		return unread
	}
	unread.Version = string(version)
	modules, _, ok := cutCounted(rest)
	if !ok {
		return unread
	}
	info := &goInfo{Version: unread.Version, Settings: map[string]string{}}
	// cmd/go frames it by 16 bytes before and after.
	if n := len(modules); n >= 33 && modules[n-17] == '\n' {
		build, err := debug.ParseBuildInfo(string(modules[16 : n-16]))
		if err != nil {
			return unread
		}
		for _, setting := range build.Settings {
			info.Settings[setting.Key] = setting.Value
		}
	}
	return info
}

// cutCounted cuts off a string that its length precedes, a varint.
func cutCounted(b []byte) (text, rest []byte, ok bool) {
	size, n := binary.Uvarint(b)
	if n <= 0 || size > uint64(len(b)-n) {
		return nil, nil, false
	}
	return b[n : uint64(n)+size], b[uint64(n)+size:], true
}
