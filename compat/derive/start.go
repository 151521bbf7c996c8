package derive

import (
	"debug/elf"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
)

// A reach is how much a file counts.
type reach int

const (
	reachLying   reach = iota // it is only there
	reachCommand              // a command: an executable in a directory of PATH
	reachStart                // it runs when a container starts
)

// A starter finds what runs when a container starts: the entrypoint, the interpreters of scripts and
// programs, and their libraries.
type starter struct {
	fs         *filesystem
	env        map[string]string
	configured []string // directories of libraries, of ld.so.conf
	reached    map[*file]arrival
	unread     []seen // what could not be followed
}

// An arrival is how a file was reached.
type arrival struct {
	path    string
	library bool
}

// defaultPath is that of container runtimes where an image has none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

func newStarter(fs *filesystem, config ocispec.ImageConfig) *starter {
	s := &starter{fs: fs, env: map[string]string{"PATH": defaultPath}, reached: map[*file]arrival{}}
	s.configured = s.configuration()
	for _, e := range config.Env {
		name, value, _ := strings.Cut(e, "=")
		s.env[name] = value
	}
	s.command(slices.Concat(config.Entrypoint, config.Cmd), config.WorkingDir)
	return s
}

// wrappers run what their arguments say.
var wrappers = []string{"tini", "tini-static", "dumb-init", "catatonit", "docker-init", "su-exec", "gosu", "env", "nice", "setpriv", "exec"}

// command follows a command line as far as it says by itself what runs.
func (s *starter) command(argv []string, directory string) {
	for len(argv) > 0 {
		found := s.program(argv[0], directory)
		base := path.Base(argv[0])
		argv = argv[1:]
		switch {
		case isShell(base) && len(argv) >= 2 && strings.HasPrefix(argv[0], "-") && strings.HasSuffix(argv[0], "c"):
			argv = firstCommand(argv[1])
		case slices.Contains(wrappers, base):
			argv = behindOptions(argv)
		case found != nil && found.script != "":
			// An entrypoint that is a script mostly ends in exec "$@".
		default:
			return
		}
	}
}

func isShell(name string) bool {
	return slices.Contains([]string{"sh", "bash", "dash", "ash", "busybox"}, name)
}

// firstCommand is the first simple command of a script.
func firstCommand(script string) []string {
	end := strings.IndexAny(script, ";|&<>()`$\n\"'\\")
	if end >= 0 {
		script = script[:end]
	}
	words := strings.Fields(script)
	for len(words) > 0 && strings.Contains(words[0], "=") {
		words = words[1:]
	}
	return words
}

// behindOptions skips a wrapper's options, and assignments. An option's own value is taken for the
// program, which is then not found: no evidence rather than a wrong one.
func behindOptions(argv []string) []string {
	for i, arg := range argv {
		if arg == "--" {
			return argv[i+1:]
		}
		if !strings.HasPrefix(arg, "-") && !strings.Contains(arg, "=") {
			return argv[i:]
		}
	}
	return nil
}

// program finds a program as a shell does, and all that it needs to start.
func (s *starter) program(name, directory string) *file {
	var places []string
	switch {
	case path.IsAbs(name):
		places = []string{name}
	case strings.Contains(name, "/"):
		places = []string{path.Join("/", directory, name)}
	default:
		for dir := range strings.SplitSeq(s.env["PATH"], ":") {
			places = append(places, path.Join("/", dir, name))
		}
	}
	for _, p := range places {
		if n, where := s.fs.get(p); n != nil && n.file != nil {
			s.start(n.file, where)
			return n.file
		}
	}
	return nil
}

// start follows a file that is executed.
func (s *starter) start(f *file, where string) {
	if _, known := s.reached[f]; known {
		return
	}
	s.reach(f, where, false)
	switch {
	case f.script != "":
		words := strings.Fields(f.script)
		if s.program(words[0], "/"); path.Base(words[0]) == "env" {
			s.command(behindOptions(words[1:]), "/")
		}
	case f.elf != nil:
		if f.elf.Interpreter != "" {
			if n, at := s.fs.get(f.elf.Interpreter); n != nil && n.file != nil {
				s.reach(n.file, at, true)
			}
		}
		s.libraries(f, where, f.elf.RunPath)
	}
}

// reach notes that a file is used, and that it could not be read if that is so.
func (s *starter) reach(f *file, where string, library bool) {
	s.reached[f] = arrival{where, library}
	if f.broken != nil {
		s.unread = append(s.unread, seen{where, f, reachStart})
	}
}

// libraries follows DT_NEEDED through all libraries. Those that are found nowhere are left out: the
// program would not start, which is not the node's matter.
func (s *starter) libraries(program *file, where string, runPath []string) {
	type user struct {
		elf     *elfFile
		runPath []string
		path    string
	}
	queue := []user{{program.elf, runPath, where}}
	for len(queue) > 0 {
		u := queue[0]
		queue = queue[1:]
		for _, name := range u.elf.Needed {
			f, at := s.library(name, u.elf, slices.Concat(u.runPath, s.searchPath(program.elf.Machine)), path.Dir("/"+u.path))
			if f == nil {
				continue
			}
			if _, known := s.reached[f]; known {
				continue
			}
			s.reach(f, at, true)
			queue = append(queue, user{f.elf, slices.Concat(f.elf.RunPath, runPath), at})
		}
	}
}

// library finds a library for a program, as ld.so does: of the same machine and class.
// https://man7.org/linux/man-pages/man8/ld.so.8.html
func (s *starter) library(name string, of *elfFile, directories []string, origin string) (found *file, at string) {
	if strings.Contains(name, "/") {
		directories, name = []string{path.Dir(name)}, path.Base(name)
	}
	for _, dir := range directories {
		dir = strings.NewReplacer("$ORIGIN", origin, "${ORIGIN}", origin, "$LIB", "lib", "${LIB}", "lib").Replace(dir)
		n, at := s.fs.get(path.Join("/", dir, name))
		if n != nil && n.file != nil && n.file.elf != nil && n.file.elf.Machine == of.Machine && n.file.elf.Class == of.Class {
			return n.file, at
		}
	}
	return nil, ""
}

// unread says what of a file could not be read in passing; nil if all was.
func (e *elfFile) unread() error {
	switch {
	case e.NeededUnread:
		return errors.New("its list of libraries is not where it can be read in passing")
	case e.NotesUnread:
		return fmt.Errorf("a segment of its notes has more than %d bytes", maxNoteSegment)
	}
	return nil
}

// triplets are the directories of libraries in Debian's multiarch.
var triplets = map[elf.Machine]string{
	elf.EM_X86_64: "x86_64-linux-gnu", elf.EM_386: "i386-linux-gnu", elf.EM_AARCH64: "aarch64-linux-gnu",
	elf.EM_ARM: "arm-linux-gnueabihf", elf.EM_RISCV: "riscv64-linux-gnu", elf.EM_PPC64: "powerpc64le-linux-gnu",
	elf.EM_S390: "s390x-linux-gnu", elf.EM_LOONGARCH: "loongarch64-linux-gnu",
}

// searchPath is where libraries are: LD_LIBRARY_PATH, ld.so.conf, and the directories built into
// ld.so and musl's loader.
func (s *starter) searchPath(machine elf.Machine) []string {
	var list []string
	for dir := range strings.SplitSeq(s.env["LD_LIBRARY_PATH"], ":") {
		if dir != "" {
			list = append(list, dir)
		}
	}
	list = append(list, s.configured...)
	for _, dir := range []string{"/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"} {
		if triplet := triplets[machine]; triplet != "" {
			list = append(list, path.Join(dir, triplet))
		}
		list = append(list, dir)
	}
	return list
}

const (
	loaderConfiguration = "etc/ld.so.conf"
	loaderDirectory     = "etc/ld.so.conf.d/"
)

// isConfiguration reports whether a file says where libraries are.
func isConfiguration(name string) bool {
	return name == loaderConfiguration || strings.HasPrefix(name, loaderDirectory) && strings.HasSuffix(name, ".conf")
}

// configuration are the directories that ld.so.conf and its parts name.
func (s *starter) configuration() []string {
	var list []string
	s.fs.each(func(name string, f *file) {
		if !isConfiguration(name) {
			return
		}
		for line := range strings.Lines(f.text) {
			if line = strings.TrimSpace(line); path.IsAbs(line) {
				list = append(list, line)
			}
		}
	})
	return list
}

// reachOf says how much a file counts that lies at a path.
func (s *starter) reachOf(name string, f *file) reach {
	if _, ok := s.reached[f]; ok {
		return reachStart
	}
	dir := "/" + path.Dir(name)
	for known := range strings.SplitSeq(s.env["PATH"], ":") {
		if f.executable && (known == dir || dir == path.Join("/usr", known)) {
			return reachCommand
		}
	}
	return reachLying
}
