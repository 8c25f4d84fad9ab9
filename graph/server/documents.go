package server

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/maypok86/otter/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"
	"github.com/vektah/gqlparser/v2/validator"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/noren-commerce/noren/graph/run"
)

// document is a valid document and what need be known of it only once.
type document struct {
	source     string
	hash       string // SHA-256 of the source, hex
	parsed     *ast.QueryDocument
	operations []operation
	plans      *run.Plans // nil where the selections depend on variables
}

// operation is one operation of a document.
type operation struct {
	definition *ast.OperationDefinition
	document   *document
	ceiling    int           // its cost with the largest pages
	public     bool          // may be answered from Answers
	introspect bool          // reads the schema
	takes      time.Duration // if it may take longer than others
}

// named is the operation of the name; with no name, the only one there is.
func (d *document) named(name string) *operation {
	if name == "" {
		if len(d.operations) != 1 {
			return nil
		}
		return &d.operations[0]
	}
	for i := range d.operations {
		if d.operations[i].definition.Name == name {
			return &d.operations[i]
		}
	}
	return nil
}

// documents keeps valid documents parsed, bounded by the bytes of their sources.
// Invalid ones are not kept: they could push the valid out.
type documents struct {
	schema *ast.Schema
	limits Limits
	kept   *otter.Cache[string, *document]
	strict *rules.Rules // without suggestions: they would tell the schema bit by bit
	frank  *rules.Rules
}

func newDocuments(schema *ast.Schema, limits Limits) (*documents, error) {
	kept, err := otter.New(&otter.Options[string, *document]{
		MaximumWeight: uint64(max(limits.Documents, 1<<16)),
		Weigher:       func(source string, _ *document) uint32 { return uint32(len(source)) + 1024 },
	})
	if err != nil {
		return nil, err
	}
	strict := rules.NewDefaultRules()
	strict.ReplaceRule(rules.FieldsOnCorrectTypeRule.Name, rules.FieldsOnCorrectTypeRuleWithoutSuggestions.RuleFunc)
	strict.ReplaceRule(rules.ScalarLeafsRule.Name, rules.ScalarLeafsRuleWithoutSuggestions.RuleFunc)
	strict.ReplaceRule(rules.KnownArgumentNamesRule.Name, rules.KnownArgumentNamesRuleWithoutSuggestions.RuleFunc)
	strict.ReplaceRule(rules.KnownTypeNamesRule.Name, rules.KnownTypeNamesRuleWithoutSuggestions.RuleFunc)
	return &documents{schema: schema, limits: limits, kept: kept, strict: strict, frank: rules.NewDefaultRules()}, nil
}

// open parses, measures and validates the source, or takes it as kept.
func (d *documents) open(ctx context.Context, source string, frank bool) (*document, *refusal) {
	if doc, ok := d.kept.GetIfPresent(source); ok {
		return doc, nil
	}
	doc, refused := d.read(ctx, source, frank)
	if refused == nil {
		d.kept.Set(doc.source, doc)
	}
	return doc, refused
}

func (d *documents) read(ctx context.Context, source string, frank bool) (*document, *refusal) {
	source = strings.Clone(source)
	if strings.ContainsRune(source, 0) || strings.Contains(source, `\u0000`) {
		return nil, refuseNUL(ctx)
	}
	parsed, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: source}, d.limits.Tokens)
	if err != nil {
		var g *gqlerror.Error
		if !errors.As(err, &g) {
			g = gqlerror.Errorf("%s", err)
		}
		if strings.HasPrefix(g.Message, "exceeded token limit") {
			return nil, refuseTokens(ctx, d.limits.Tokens)
		}
		return nil, refuseInvalid(CodeParseFailed, gqlerror.List{g})
	}
	if len(parsed.Operations) == 0 {
		return nil, refuseOperation(ctx, CodeOperationUnknown, "クエリに操作がありません", "The document has no operation")
	}
	if refused := d.limits.check(ctx, parsed); refused != nil {
		return nil, refused
	}
	use := d.strict
	if frank {
		use = d.frank
	}
	if errs := validator.ValidateWithRules(d.schema, parsed, use); len(errs) > 0 {
		return nil, refuseInvalid(CodeValidationFailed, errs)
	}
	return d.describe(source, parsed), nil
}

func (d *documents) describe(source string, parsed *ast.QueryDocument) *document {
	sum := sha256.Sum256([]byte(source))
	doc := &document{source: source, hash: hex.EncodeToString(sum[:]), parsed: parsed}
	if !conditional(parsed) {
		doc.plans = run.NewPlans()
	}
	for _, def := range parsed.Operations {
		doc.operations = append(doc.operations, operation{
			definition: def, document: doc,
			ceiling:    costOf(def, nil, false),
			public:     isPublic(def),
			introspect: introspects(def.SelectionSet),
			takes:      takes(def.SelectionSet),
		})
	}
	return doc
}

// conditional reports whether @skip or @include stands anywhere in the document.
func conditional(doc *ast.QueryDocument) bool {
	var within func(set ast.SelectionSet) bool
	within = func(set ast.SelectionSet) bool {
		return slices.ContainsFunc(set, func(sel ast.Selection) bool {
			switch sel := sel.(type) {
			case *ast.Field:
				return len(sel.Directives) > 0 || within(sel.SelectionSet)
			case *ast.InlineFragment:
				return len(sel.Directives) > 0 || within(sel.SelectionSet)
			case *ast.FragmentSpread:
				return len(sel.Directives) > 0
			}
			return true
		})
	}
	return slices.ContainsFunc(doc.Operations, func(op *ast.OperationDefinition) bool { return within(op.SelectionSet) }) ||
		slices.ContainsFunc(doc.Fragments, func(f *ast.FragmentDefinition) bool { return within(f.SelectionSet) })
}

func introspects(set ast.SelectionSet) bool {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			if sel.Name == "__schema" || sel.Name == "__type" {
				return true
			}
		case *ast.InlineFragment:
			if introspects(sel.SelectionSet) {
				return true
			}
		case *ast.FragmentSpread:
			if sel.Definition != nil && introspects(sel.Definition.SelectionSet) {
				return true
			}
		}
	}
	return false
}

// takes is how long the selected fields may take (@takes), of root fields the one that may
// take longest; 0 if none says so.
func takes(set ast.SelectionSet) (longest time.Duration) {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			if sel.Definition == nil {
				continue
			}
			if d := sel.Definition.Directives.ForName("takes"); d != nil {
				seconds, _ := strconv.Atoi(d.Arguments.ForName("seconds").Value.Raw)
				longest = max(longest, time.Duration(seconds)*time.Second)
			}
		case *ast.InlineFragment:
			longest = max(longest, takes(sel.SelectionSet))
		case *ast.FragmentSpread:
			longest = max(longest, takes(sel.Definition.SelectionSet))
		}
	}
	return longest
}

// isPublic reports whether every caller of a channel gets the same answer: a query
// whose root fields are all @public and none of whose fields is guarded by @allow, or
// changes by itself (@fleeting).
func isPublic(op *ast.OperationDefinition) bool {
	if op.Operation != ast.Query {
		return false
	}
	seen := map[string]bool{}
	roots := 0
	var walk func(set ast.SelectionSet, root bool) bool
	walk = func(set ast.SelectionSet, root bool) bool {
		for _, sel := range set {
			switch sel := sel.(type) {
			case *ast.Field:
				if root && sel.Name != "__typename" {
					roots++
				}
				if !isPublicField(sel, root) || !walk(sel.SelectionSet, false) {
					return false
				}
			case *ast.InlineFragment:
				if !walk(sel.SelectionSet, root) {
					return false
				}
			case *ast.FragmentSpread:
				if root || !seen[sel.Name] {
					seen[sel.Name] = true
					if !walk(sel.Definition.SelectionSet, root) {
						return false
					}
				}
			}
		}
		return true
	}
	return walk(op.SelectionSet, true) && roots > 0
}

func isPublicField(f *ast.Field, root bool) bool {
	if f.Name == "__typename" {
		return true
	}
	if f.Definition == nil || f.Definition.Directives.ForName("fleeting") != nil || (root && f.Definition.Directives.ForName("public") == nil) {
		return false
	}
	allow := f.Definition.Directives.ForName("allow")
	if allow == nil {
		return true
	}
	anyone := allow.Arguments.ForName("anyone")
	return anyone != nil && anyone.Value.Raw == "true"
}
