package main

import (
	"bytes"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"

	"golang.org/x/tools/go/ast/astutil"
)

var word = regexp.MustCompile(`[\p{L}_][\p{L}\p{N}_]*`)

// prune takes out the functions that nobody calls any more, and those that only they
// called.
func prune(files map[string][]byte) {
	for {
		called := map[string]int{}
		for _, text := range files {
			for _, w := range word.FindAll(text, -1) {
				called[string(w)]++
			}
		}
		gone := false
		for name, text := range files {
			after := function.ReplaceAllFunc(text, func(one []byte) []byte {
				f := string(function.FindSubmatch(one)[1])
				// A method has no name here; init runs by itself; what is exported is for others.
				if called[f] > 1 || f == "init" || ast.IsExported(f) {
					return one
				}
				gone = true
				return nil
			})
			files[name] = after
		}
		if !gone {
			return
		}
	}
}

// formatted is the text as gofmt writes it, without imports that it does not need.
func formatted(name string, text []byte) ([]byte, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	for _, spec := range file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		if spec.Name == nil && !astutil.UsesImport(file, path) {
			text = bytes.Replace(text, []byte("\t"+spec.Path.Value+"\n"), nil, 1)
		}
	}
	return format.Source(text)
}
