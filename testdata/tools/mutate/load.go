package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// A room is one package, parsed and typed.
type room struct {
	path  string // from the repository's root
	name  string // of the package
	fset  *token.FileSet
	files []*ast.File
	texts map[string]string // by path from the root
	info  *types.Info
	types *types.Package
}

// load reads the packages of the rooms. What they import is read from the build cache.
func load(ctx context.Context, root string, paths []string) ([]*room, error) {
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export,Dir,GoFiles,Name"}
	for _, path := range paths {
		args = append(args, "./"+filepath.Clean(path))
	}
	listed, err := output(ctx, root, "go", args...)
	if err != nil {
		return nil, err
	}
	type description struct {
		ImportPath, Export, Dir, Name string
		GoFiles                       []string
	}
	exports := map[string]string{}
	byDir := map[string]description{}
	for decoder := json.NewDecoder(strings.NewReader(listed)); ; {
		var d description
		if err := decoder.Decode(&d); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		exports[d.ImportPath], byDir[d.Dir] = d.Export, d
	}
	var rooms []*room
	for _, path := range paths {
		path = filepath.Clean(path)
		d := byDir[filepath.Join(root, path)]
		r := &room{path: path, name: d.Name, fset: token.NewFileSet(), texts: map[string]string{}}
		if err := r.read(root, d.ImportPath, d.GoFiles, exports); err != nil {
			return nil, err
		}
		rooms = append(rooms, r)
	}
	return rooms, nil
}

func (r *room) read(root, importPath string, names []string, exports map[string]string) error {
	for _, name := range names {
		path := filepath.Join(r.path, name)
		text, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(r.fset, path, text, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		r.files = append(r.files, file)
		r.texts[path] = string(text)
	}
	lookup := func(path string) (io.ReadCloser, error) {
		file, ok := exports[path]
		if !ok {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(file)
	}
	config := types.Config{Importer: importer.ForCompiler(r.fset, "gc", lookup)}
	r.info = &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	var err error
	r.types, err = config.Check(importPath, r.fset, r.files, r.info)
	return err
}
