package scope

import (
	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/id"
)

// AudienceInput is an audience as staff write it.
type AudienceInput struct {
	Kind AudienceKind
	ID   *uuid.UUID
}

// Audience is what was written; everyone, if nothing was.
func (in *AudienceInput) Audience() Audience {
	switch {
	case in == nil:
		return All
	case in.ID == nil:
		return Audience{Kind: in.Kind}
	}
	return Audience{in.Kind, *in.ID}
}

// TargetInput is a target as staff write it.
type TargetInput struct {
	Kind  TargetKind
	ID    *uuid.UUID
	Value *string
}

// Target is what was written; all goods, if nothing was.
func (in *TargetInput) Target() Target {
	if in == nil {
		return Everything
	}
	t := Target{Kind: in.Kind}
	if in.ID != nil {
		t.ID = *in.ID
	}
	if in.Value != nil {
		t.Value = *in.Value
	}
	return t
}

// GlobalID is the id of whom the audience names; nil if it names nobody.
func (a Audience) GlobalID() *string {
	return globalID(map[AudienceKind]string{Member: "Account", Company: "Company", Group: "CustomerGroup", Segment: "Segment"}[a.Kind], a.ID)
}

// GlobalID is the id of what the target names; nil if it names nothing by id.
func (t Target) GlobalID() *string {
	return globalID(map[TargetKind]string{
		Variant: "Variant", Product: "Product", Category: "Category", ProductBrand: "ProductBrand", Attribute: "Attribute",
	}[t.Kind], t.ID)
}

func globalID(kind string, key uuid.UUID) *string {
	if kind == "" || key == uuid.Nil {
		return nil
	}
	global := id.Global(kind, key)
	return &global
}
