// Package manifest makes manifests of persisted operations out of a client's
// .graphql files, and reads them, in Apollo's and in Relay's format.
package manifest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// Operation is one entry of a manifest, named as Apollo names it.
type Operation struct {
	ID   string `json:"id"`   // SHA-256 of the body, hex
	Name string `json:"name"` // as the document names it
	Type string `json:"type"` // query, mutation or subscription
	Body string `json:"body"` // the document with the fragments it uses
}

// Read makes the operations of a client out of all .graphql files under dir. A
// fragment may stand in any of them. What does not fit the schema fails, with file
// and line.
func Read(files fs.FS, dir string, schema *ast.Schema) ([]Operation, error) {
	all := &ast.QueryDocument{}
	err := fs.WalkDir(files, dir, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".graphql" {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		doc, err := parser.ParseQuery(&ast.Source{Name: name, Input: string(text)})
		if err != nil {
			return err
		}
		all.Operations = append(all.Operations, doc.Operations...)
		all.Fragments = append(all.Fragments, doc.Fragments...)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return split(all, schema)
}

// split makes one document of each operation with the fragments it uses.
func split(all *ast.QueryDocument, schema *ast.Schema) ([]Operation, error) {
	var operations []Operation
	var errs []error
	names := map[string]bool{}
	for _, op := range all.Operations {
		if op.Name == "" || names[op.Name] {
			errs = append(errs, fmt.Errorf("%s:%d: an operation needs a name of its own, unlike %q", op.Position.Src.Name, op.Position.Line, op.Name))
			continue
		}
		names[op.Name] = true
		doc := &ast.QueryDocument{Operations: ast.OperationList{op}, Fragments: used(op.SelectionSet, all.Fragments)}
		if found := validator.ValidateWithRules(schema, doc, rules.NewDefaultRules()); len(found) > 0 {
			errs = append(errs, located(op, found)...)
			continue
		}
		operations = append(operations, describe(op, doc))
	}
	slices.SortFunc(operations, func(a, b Operation) int { return strings.Compare(a.Name, b.Name) })
	return operations, errors.Join(errs...)
}

func located(op *ast.OperationDefinition, found gqlerror.List) []error {
	errs := make([]error, len(found))
	for i, f := range found {
		line := op.Position.Line
		if len(f.Locations) > 0 {
			line = f.Locations[0].Line
		}
		errs[i] = fmt.Errorf("%s:%d: %s: %s", op.Position.Src.Name, line, op.Name, f.Message)
	}
	return errs
}

// used are the fragments that the selection reaches, in the order of their names.
func used(set ast.SelectionSet, all ast.FragmentDefinitionList) ast.FragmentDefinitionList {
	reached := map[string]*ast.FragmentDefinition{}
	var walk func(ast.SelectionSet)
	walk = func(set ast.SelectionSet) {
		for _, sel := range set {
			switch sel := sel.(type) {
			case *ast.Field:
				walk(sel.SelectionSet)
			case *ast.InlineFragment:
				walk(sel.SelectionSet)
			case *ast.FragmentSpread:
				if f := all.ForName(sel.Name); f != nil && reached[sel.Name] == nil {
					reached[sel.Name] = f
					walk(f.SelectionSet)
				}
			}
		}
	}
	walk(set)
	var list ast.FragmentDefinitionList
	for _, f := range reached {
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *ast.FragmentDefinition) int { return strings.Compare(a.Name, b.Name) })
	return list
}

func describe(op *ast.OperationDefinition, doc *ast.QueryDocument) Operation {
	var body bytes.Buffer
	formatter.NewFormatter(&body, formatter.WithIndent("  ")).FormatQueryDocument(doc)
	text := strings.TrimSpace(body.String())
	sum := sha256.Sum256([]byte(text))
	return Operation{ID: hex.EncodeToString(sum[:]), Name: op.Name, Type: string(op.Operation), Body: text}
}

// apollo is the form of Apollo's persisted-query-manifest.json.
type apollo struct {
	Format     string      `json:"format"`
	Version    int         `json:"version"`
	Operations []Operation `json:"operations"`
}

const apolloFormat = "apollo-persisted-query-manifest"

// Apollo writes persisted-query-manifest.json.
func Apollo(operations []Operation) ([]byte, error) {
	if operations == nil {
		operations = []Operation{}
	}
	return indent(apollo{Format: apolloFormat, Version: 1, Operations: operations})
}

// Relay writes the map of Relay's persisted_queries.json: id to document.
func Relay(operations []Operation) ([]byte, error) {
	documents := make(map[string]string, len(operations))
	for _, o := range operations {
		documents[o.ID] = o.Body
	}
	return indent(documents)
}

func indent(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	err := encoder.Encode(v)
	return out.Bytes(), err
}

// Parse reads a manifest in either format.
func Parse(raw []byte) ([]Operation, error) {
	var a apollo
	if err := json.Unmarshal(raw, &a); err == nil && a.Format != "" {
		if a.Format != apolloFormat || a.Version != 1 {
			return nil, fmt.Errorf("a manifest of format %q version %d is not known", a.Format, a.Version)
		}
		return a.Operations, nil
	}
	var documents map[string]string
	if err := json.Unmarshal(raw, &documents); err != nil {
		return nil, errors.New("neither Apollo's persisted-query-manifest.json nor Relay's map of documents")
	}
	operations := make([]Operation, 0, len(documents))
	for id, body := range documents {
		o := Operation{ID: id, Body: body}
		doc, err := parser.ParseQuery(&ast.Source{Name: id, Input: body})
		if err != nil {
			return nil, err
		}
		if len(doc.Operations) == 1 {
			o.Name, o.Type = doc.Operations[0].Name, string(doc.Operations[0].Operation)
		}
		operations = append(operations, o)
	}
	slices.SortFunc(operations, func(a, b Operation) int { return strings.Compare(a.Name+a.ID, b.Name+b.ID) })
	return operations, nil
}

// Check fails unless the source is one operation that fits the schema.
func Check(schema *ast.Schema) func(source string) error {
	return func(source string) error {
		doc, err := parser.ParseQuery(&ast.Source{Input: source})
		if err != nil {
			return err
		}
		if len(doc.Operations) != 1 {
			return fmt.Errorf("it has %d operations and must have one", len(doc.Operations))
		}
		if found := validator.ValidateWithRules(schema, doc, rules.NewDefaultRules()); len(found) > 0 {
			return found
		}
		return nil
	}
}
