package main

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"slices"
	"strings"
)

// A fault is one change of a file.
type fault struct {
	id           int
	file         string
	line, column int
	what         string
	fate         fate

	// The change: text before and after a part of the file, which begins in the line
	// first. %d stands for the id.
	first         int
	begin, end    int
	before, after string
}

// A finder collects the faults of one file.
type finder struct {
	room   *room
	file   *ast.File
	path   string
	text   string
	faults []*fault
}

func (r *room) faults() []*fault {
	var faults []*fault
	for _, file := range r.files {
		path := r.fset.Position(file.Pos()).Filename
		f := &finder{room: r, file: file, path: path, text: r.texts[path]}
		f.find()
		faults = append(faults, f.faults...)
	}
	return faults
}

func (f *finder) find() {
	var results []*ast.FieldList // of the functions that we are in
	var stack []ast.Node
	ast.Inspect(f.file, func(n ast.Node) bool {
		if n == nil {
			switch stack[len(stack)-1].(type) {
			case *ast.FuncDecl, *ast.FuncLit:
				results = results[:len(results)-1]
			}
			stack = stack[:len(stack)-1]
			return true
		}
		switch n := n.(type) {
		case *ast.GenDecl:
			if n.Tok == token.CONST || n.Tok == token.IMPORT {
				return false
			}
		case *ast.FuncDecl:
			results = append(results, n.Type.Results)
		case *ast.FuncLit:
			results = append(results, n.Type.Results)
		case *ast.BlockStmt:
			f.statements(n.List)
		case *ast.CaseClause:
			f.statements(n.Body)
			if s, ok := stack[len(stack)-2].(*ast.SwitchStmt); ok && s.Tag == nil {
				for _, e := range n.List {
					f.condition(e)
				}
			}
		case *ast.CommClause:
			f.statements(n.Body)
		case *ast.IfStmt:
			f.condition(n.Cond)
		case *ast.ForStmt:
			f.condition(n.Cond)
			f.post(n.Post)
		case *ast.ReturnStmt:
			f.result(n, results[len(results)-1])
		case *ast.BinaryExpr:
			f.binary(n)
		case *ast.UnaryExpr:
			f.unary(n)
		case *ast.Ident:
			f.boolean(n)
		}
		stack = append(stack, n)
		return true
	})
}

// add notes a fault that puts text around a node.
func (f *finder) add(n ast.Node, at token.Pos, what, before, after string) {
	if strings.Contains(before, "\n") { // lines must stay what they are
		return
	}
	position := f.room.fset.Position(at)
	f.faults = append(f.faults, &fault{
		file: f.path, line: position.Line, column: position.Column, what: what, fate: notPlanted,
		first: f.room.fset.Position(n.Pos()).Line, begin: f.offset(n.Pos()), end: f.offset(n.End()), before: before, after: after,
	})
}

func (f *finder) offset(p token.Pos) int { return f.room.fset.Position(p).Offset }

// source is the text of a node in one line, if that is the same.
func (f *finder) source(n ast.Node) string {
	text := f.text[f.offset(n.Pos()):f.offset(n.End())]
	if strings.Contains(text, "//") || strings.Contains(text, "`") || strings.Contains(text, "func(") {
		return text
	}
	return strings.ReplaceAll(text, "\n", " ")
}

// replace makes an expression another one of its type.
func (f *finder) replace(e ast.Expr, at token.Pos, what, other string) {
	of := f.room.info.Types[e].Type
	if of == nil {
		return
	}
	name := types.TypeString(types.Default(of), func(p *types.Package) string {
		if p == f.room.types {
			return ""
		}
		return p.Name()
	})
	f.add(e, at, what, fmt.Sprintf("func() %s { if mutantOn(%%d) { return %s }; return ", name, other), " }()")
}

// operators are what becomes of an operator.
var operators = map[token.Token][]token.Token{
	token.LSS: {token.LEQ, token.GEQ}, token.LEQ: {token.LSS, token.GTR},
	token.GTR: {token.GEQ, token.LEQ}, token.GEQ: {token.GTR, token.LSS},
	token.EQL: {token.NEQ}, token.NEQ: {token.EQL},
	token.LAND: {token.LOR}, token.LOR: {token.LAND},
	token.ADD: {token.SUB}, token.SUB: {token.ADD},
	token.MUL: {token.QUO}, token.QUO: {token.MUL}, token.REM: {token.MUL},
	token.ADD_ASSIGN: {token.SUB_ASSIGN}, token.SUB_ASSIGN: {token.ADD_ASSIGN},
	token.MUL_ASSIGN: {token.QUO_ASSIGN}, token.QUO_ASSIGN: {token.MUL_ASSIGN},
	token.INC: {token.DEC}, token.DEC: {token.INC},
}

func (f *finder) binary(e *ast.BinaryExpr) {
	switch e.Op {
	case token.ADD, token.SUB, token.MUL, token.QUO, token.REM:
		if !f.numeric(e.X) {
			return
		}
	}
	if f.room.info.Types[e].Value != nil { // a constant may be needed
		return
	}
	for _, op := range operators[e.Op] {
		f.replace(e, e.OpPos, fmt.Sprintf("%s becomes %s", e.Op, op), fmt.Sprintf("(%s) %s (%s)", f.source(e.X), op, f.source(e.Y)))
	}
}

func (f *finder) numeric(e ast.Expr) bool {
	basic, ok := f.room.info.Types[e].Type.Underlying().(*types.Basic)
	return ok && basic.Info()&types.IsNumeric != 0
}

func (f *finder) unary(e *ast.UnaryExpr) {
	if (e.Op == token.NOT || e.Op == token.SUB) && f.room.info.Types[e].Value == nil {
		f.replace(e, e.OpPos, fmt.Sprintf("%s is left out", e.Op), f.source(e.X))
	}
}

func (f *finder) boolean(id *ast.Ident) {
	for value, other := range map[string]string{"true": "false", "false": "true"} {
		if f.room.info.Uses[id] == types.Universe.Lookup(value) {
			f.replace(id, id.Pos(), value+" becomes "+other, other)
		}
	}
}

// condition negates one that no operator's fault negates.
func (f *finder) condition(e ast.Expr) {
	switch e.(type) {
	case nil, *ast.BinaryExpr, *ast.UnaryExpr, *ast.ParenExpr:
		return
	}
	if f.room.info.Types[e].Value == nil {
		f.replace(e, e.Pos(), "the condition is negated", "!("+f.source(e)+")")
	}
}

// statements leaves out statements of a list, and turns counting around.
func (f *finder) statements(list []ast.Stmt) {
	for _, s := range list {
		if other, what := f.reversed(s); other != "" {
			f.add(s, f.operator(s), what, "if mutantOn(%d) { "+other+" } else { ", " }")
		}
		if f.removable(s) {
			f.add(s, s.Pos(), "the statement is left out", "if !mutantOn(%d) { ", " }")
		}
	}
}

// post is the last part of a for statement, which has to be one simple statement.
func (f *finder) post(s ast.Stmt) {
	if other, what := f.reversed(s); other != "" {
		f.add(s, f.operator(s), what, "func() { if mutantOn(%d) { "+other+" } else { ", " } }()")
	}
}

// reversed is a statement that counts, the other way round.
func (f *finder) reversed(s ast.Stmt) (other, what string) {
	switch s := s.(type) {
	case *ast.IncDecStmt:
		op := operators[s.Tok][0]
		return f.source(s.X) + op.String(), fmt.Sprintf("%s becomes %s", s.Tok, op)
	case *ast.AssignStmt:
		if ops := operators[s.Tok]; len(ops) > 0 && f.numeric(s.Lhs[0]) {
			return f.source(s.Lhs[0]) + ops[0].String() + f.source(s.Rhs[0]), fmt.Sprintf("%s becomes %s", s.Tok, ops[0])
		}
	}
	return "", ""
}

// operator is where a statement's operator is.
func (f *finder) operator(s ast.Stmt) token.Pos {
	switch s := s.(type) {
	case *ast.IncDecStmt:
		return s.TokPos
	case *ast.AssignStmt:
		return s.TokPos
	}
	return s.Pos()
}

// removable reports whether a function compiles without a statement.
func (f *finder) removable(s ast.Stmt) bool {
	switch s := s.(type) {
	case *ast.IncDecStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok == token.CONTINUE || s.Tok == token.BREAK
	case *ast.AssignStmt:
		blank, _ := s.Lhs[0].(*ast.Ident)
		return s.Tok != token.DEFINE && (blank == nil || blank.Name != "_" || len(s.Lhs) > 1)
	case *ast.ExprStmt:
		call, ok := s.X.(*ast.CallExpr)
		if !ok {
			return false
		}
		name, _ := call.Fun.(*ast.Ident)
		return name == nil || name.Name != "panic" // which ends a function
	}
	return false
}

// result makes a function return nothing but zero values.
func (f *finder) result(s *ast.ReturnStmt, results *ast.FieldList) {
	if len(s.Results) == 0 || !slices.ContainsFunc(s.Results, f.some) {
		return
	}
	var zeros []string
	for _, field := range results.List {
		for range max(1, len(field.Names)) {
			zeros = append(zeros, "*new("+f.source(field.Type)+")")
		}
	}
	f.add(s, s.Pos(), "zero values are returned", "if mutantOn(%d) { return "+strings.Join(zeros, ", ")+" }; ", "")
}

// some reports whether an expression is more than a zero value.
func (f *finder) some(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.CompositeLit:
		_, pointer := f.room.info.Types[e].Type.Underlying().(*types.Struct)
		return len(e.Elts) > 0 || !pointer
	case *ast.Ident:
		return e.Name != "nil" && e.Name != "false"
	case *ast.BasicLit:
		return e.Value != "0" && e.Value != `""`
	}
	return true
}
