package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/noren-commerce/noren/core/access"
)

// Limits bound what one request may ask of the server.
type Limits struct {
	Body          int64 // bytes of a JSON body
	Upload        int64 // bytes of a multipart body
	UploadMemory  int64 // bytes of one uploaded file kept in memory; the rest goes to a temporary file
	Files         int   // files in one multipart request
	Tokens        int   // tokens of a document
	Depth         int   // fields within fields, introspection aside
	Aliases       int   // aliases in a document
	Fields        int   // fields in a document, fragments counted once
	RootFields    int   // root fields of one operation
	Directives    int   // directives in a document
	Cost          int   // of one operation, for roles that CostByRole does not name
	CostByRole    map[access.Role]int
	Timeout       time.Duration // of a query or mutation
	Documents     int           // bytes of document source kept parsed
	Streams       int           // open WebSockets and SSE streams together
	Subscriptions int           // operations at once on one WebSocket
	ConnectTime   time.Duration // until a WebSocket must have sent connection_init
}

// DefaultLimits are enough for a shop's pages and an admin console.
func DefaultLimits() Limits {
	return Limits{
		Body: 1 << 20, Upload: 64 << 20, UploadMemory: 1 << 20, Files: 20,
		Tokens: 10_000, Depth: 15, Aliases: 100, Fields: 1_000, RootFields: 30, Directives: 50,
		Cost: 10_000,
		CostByRole: map[access.Role]int{
			access.RoleStoreStaff: 50_000, access.RoleStaff: 50_000, access.RoleAdmin: 50_000, access.RoleSystem: 1_000_000,
		},
		Timeout: 15 * time.Second, Documents: 8 << 20,
		Streams: 5_000, Subscriptions: 20, ConnectTime: 10 * time.Second,
	}
}

func (l Limits) orDefaults() Limits {
	if l.Body == 0 {
		return DefaultLimits()
	}
	return l
}

// budget is the cost that the caller may spend on one operation.
func (l Limits) budget(ctx context.Context) int {
	if b, ok := l.CostByRole[access.From(ctx).Role]; ok {
		return b
	}
	return l.Cost
}

// survey measures a parsed document before it is validated, because validation
// itself is what a hostile document is made to be slow at.
type survey struct {
	limits                      Limits
	doc                         *ast.QueryDocument
	aliases, fields, directives int
	deferred                    bool
	fragments                   map[string]*extent
}

// extent is what a selection set comes to with its fragments spread.
type extent struct {
	depth, roots int
	open         bool // being measured: meeting it again is a cycle
}

func (l Limits) check(ctx context.Context, doc *ast.QueryDocument) *refusal {
	s := &survey{limits: l, doc: doc, fragments: map[string]*extent{}}
	for _, op := range doc.Operations {
		s.count(op.SelectionSet)
		s.countDirectives(op.Directives)
	}
	for _, f := range doc.Fragments {
		s.count(f.SelectionSet)
		s.countDirectives(f.Directives)
	}
	switch {
	case s.aliases > l.Aliases:
		return refuseLimit(ctx, CodeTooManyAliases, "別名", "aliases", s.aliases, l.Aliases)
	case s.fields > l.Fields:
		return refuseLimit(ctx, CodeTooManyFields, "フィールド", "fields", s.fields, l.Fields)
	case s.directives > l.Directives:
		return refuseLimit(ctx, CodeTooManyDirectives, "ディレクティブ", "directives", s.directives, l.Directives)
	case s.deferred:
		return refuseDefer(ctx)
	}
	return s.checkExtents(ctx)
}

func (s *survey) checkExtents(ctx context.Context) *refusal {
	for _, f := range s.doc.Fragments {
		if _, cycle := s.fragment(f); cycle != "" {
			return refuseCycle(ctx, cycle)
		}
	}
	for _, op := range s.doc.Operations {
		e, cycle := s.extent(op.SelectionSet)
		switch {
		case cycle != "":
			return refuseCycle(ctx, cycle)
		case e.depth > s.limits.Depth:
			return refuseLimit(ctx, CodeTooDeep, "階層", "levels", e.depth, s.limits.Depth)
		case e.roots > s.limits.RootFields:
			return refuseLimit(ctx, CodeTooManyRootFields, "ルートフィールド", "root fields", e.roots, s.limits.RootFields)
		}
	}
	return nil
}

func (s *survey) countDirectives(list ast.DirectiveList) {
	s.directives += len(list)
	for _, d := range list {
		s.deferred = s.deferred || d.Name == "defer"
	}
}

func (s *survey) count(set ast.SelectionSet) {
	for _, sel := range set {
		switch sel := sel.(type) {
		case *ast.Field:
			s.fields++
			if sel.Alias != sel.Name {
				s.aliases++
			}
			s.countDirectives(sel.Directives)
			s.count(sel.SelectionSet)
		case *ast.InlineFragment:
			s.countDirectives(sel.Directives)
			s.count(sel.SelectionSet)
		case *ast.FragmentSpread:
			s.countDirectives(sel.Directives)
		}
	}
}

// extent measures a selection set; cycle names a fragment that contains itself.
func (s *survey) extent(set ast.SelectionSet) (e extent, cycle string) {
	for _, sel := range set {
		var part extent
		switch sel := sel.(type) {
		case *ast.Field:
			part = extent{depth: 1, roots: 1}
			if !strings.HasPrefix(sel.Name, "__") {
				var inner extent
				inner, cycle = s.extent(sel.SelectionSet)
				part.depth += inner.depth
			}
		case *ast.InlineFragment:
			part, cycle = s.extent(sel.SelectionSet)
		case *ast.FragmentSpread:
			if f := s.doc.Fragments.ForName(sel.Name); f != nil {
				part, cycle = s.fragment(f)
			}
		}
		if cycle != "" {
			return extent{}, cycle
		}
		e.depth = max(e.depth, part.depth)
		e.roots = saturate(e.roots + part.roots)
	}
	return e, ""
}

func (s *survey) fragment(f *ast.FragmentDefinition) (extent, string) {
	if known, ok := s.fragments[f.Name]; ok {
		if known.open {
			return extent{}, f.Name
		}
		return *known, ""
	}
	mark := &extent{open: true}
	s.fragments[f.Name] = mark
	e, cycle := s.extent(f.SelectionSet)
	*mark = e
	return e, cycle
}

// saturate keeps sums of hostile documents from overflowing.
func saturate(n int) int { return min(n, 1<<40) }

// limitBody bounds the request's body; reading past it fails with *http.MaxBytesError.
func limitBody(w http.ResponseWriter, r *http.Request, limit int64) {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
}
