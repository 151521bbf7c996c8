package derive

import (
	"path"
	"slices"
	"strings"
)

// A filesystem is what the layers leave, as far as it matters: files that may be evidence, links,
// and the directories of both.
//
// https://github.com/opencontainers/image-spec/blob/v1.1.1/layer.md
type filesystem struct {
	root node
	kept int // nodes
}

// A node is a directory if it has children, a symbolic link if it has a target, else a file.
type node struct {
	children map[string]*node
	target   string
	file     *file
	layer    int // that wrote it
	cleared  int // the last layer whose whiteouts took away what lower layers have below it
}

// A file is what one file says. Hard links share it.
type file struct {
	path       string // where a layer had it first
	layer      int
	executable bool
	elf        *elfFile
	module     *module
	script     string // what follows #! in the first line
	text       string // of a configuration file
	broken     error  // why it could not be read as what it is
}

func (n *node) isDirectory() bool { return n.children != nil }

// A place is a name in a directory of the file system.
type place struct {
	in   *node
	name string
	path string // without links, without a slash at its beginning
}

// locate follows the links in a path but for its last name, as a program does that writes there. What is
// missing on the way is made if create is true.
func (f *filesystem) locate(name string, layer int, create bool) (place, error) {
	if len(name) > MaxPathLength {
		return place{}, &BoundError{"bytes of a path", MaxPathLength}
	}
	at, links := &f.root, MaxLinks
	var walked []string
	var parents []*node
	names := strings.Split(path.Clean("/" + name)[1:], "/")
	for len(names) > 1 {
		next := names[0]
		names = names[1:]
		if next == ".." { // of a link
			if len(walked) > 0 {
				at, walked, parents = parents[len(parents)-1], walked[:len(walked)-1], parents[:len(parents)-1]
			}
			continue
		}
		child := at.children[next]
		switch {
		case child != nil && child.target != "":
			if links--; links < 0 {
				return place{}, &BoundError{"links on the way to " + name, MaxLinks}
			}
			target := path.Clean(child.target)
			if path.IsAbs(target) {
				at, walked, parents = &f.root, nil, nil
			}
			names = append(slices.DeleteFunc(strings.Split(target, "/"), func(s string) bool { return s == "" || s == "." }), names...)
			if len(names) > MaxPathLength {
				return place{}, &BoundError{"names of a path", MaxPathLength}
			}
			continue
		case child == nil || !child.isDirectory():
			if !create {
				return place{}, nil
			}
			var err error
			if child, err = f.put(place{at, next, ""}, &node{children: map[string]*node{}, layer: layer}); err != nil {
				return place{}, err
			}
		}
		parents, walked, at = append(parents, at), append(walked, next), child
	}
	return place{at, names[0], strings.Join(append(walked, names[0]), "/")}, nil
}

// put writes a node, in place of what was there.
func (f *filesystem) put(p place, n *node) (*node, error) {
	if f.kept++; f.kept > MaxKept {
		return nil, &BoundError{"files that may be evidence", MaxKept}
	}
	if p.in.children == nil {
		p.in.children = map[string]*node{}
	}
	p.in.children[p.name] = n
	return n, nil
}

// mkdir makes a directory, which takes the place of anything but a directory.
func (f *filesystem) mkdir(name string) error {
	p, err := f.locate(name, 0, false)
	if err == nil && p.in != nil {
		if child := p.in.children[p.name]; child != nil && !child.isDirectory() {
			delete(p.in.children, p.name)
		}
	}
	return err
}

// forget takes away what is at a path: something that is no evidence is there now.
func (f *filesystem) forget(name string) error {
	p, err := f.locate(name, 0, false)
	if err == nil && p.in != nil {
		delete(p.in.children, p.name)
	}
	return err
}

// whiteout takes away what layers below this one have at a path.
func (f *filesystem) whiteout(name string, layer int) error {
	p, err := f.locate(name, 0, false)
	if err != nil || p.in == nil {
		return err
	}
	child := p.in.children[p.name]
	switch {
	case child == nil:
	case child.isDirectory():
		if child.clear(layer); len(child.children) == 0 {
			delete(p.in.children, p.name)
		}
	case child.layer < layer:
		delete(p.in.children, p.name)
	}
	return nil
}

// opaque takes away what layers below this one have in a directory.
func (f *filesystem) opaque(directory string, layer int) error {
	p, err := f.locate(path.Join(directory, "x"), 0, false)
	if err == nil && p.in != nil {
		p.in.clear(layer)
	}
	return err
}

// clear takes away what was written before a layer.
func (n *node) clear(layer int) {
	if n.cleared == layer {
		return
	}
	n.cleared = layer
	for name, child := range n.children {
		if child.isDirectory() {
			child.clear(layer)
			if len(child.children) > 0 {
				continue
			}
		} else if child.layer >= layer {
			continue
		}
		delete(n.children, name)
	}
}

// get returns what a path leads to through all links, and the path without them.
func (f *filesystem) get(name string) (n *node, where string) {
	for range MaxLinks {
		p, err := f.locate(name, 0, false)
		if err != nil || p.in == nil {
			return nil, ""
		}
		if p.name == "" {
			return &f.root, ""
		}
		n := p.in.children[p.name]
		if n == nil || n.target == "" {
			return n, p.path
		}
		if name = n.target; !path.IsAbs(name) {
			name = path.Join("/", path.Dir(p.path), name)
		}
	}
	return nil, ""
}

// each calls a function with every file, in the order of paths.
func (f *filesystem) each(visit func(name string, file *file)) {
	var walk func(n *node, at string)
	walk = func(n *node, at string) {
		names := make([]string, 0, len(n.children))
		for name := range n.children {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			child := n.children[name]
			if child.file != nil {
				visit(path.Join(at, name), child.file)
			}
			walk(child, path.Join(at, name))
		}
	}
	walk(&f.root, "")
}
