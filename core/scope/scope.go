// Package scope says for whom, for which goods and when a rule of the trade holds.
// Prices, campaigns and display rules ask these three questions, and ask them the
// same way.
package scope

import (
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/money"
)

// AudienceKind is how an audience names its buyers.
type AudienceKind string

// The kinds of audience, from the most specific to the widest.
const (
	Member   AudienceKind = "MEMBER"   // one member
	Company  AudienceKind = "COMPANY"  // the buyers of one company (得意先)
	Group    AudienceKind = "GROUP"    // a customer group: trade, rank or segment
	Segment  AudienceKind = "SEGMENT"  // the members of a saved segment; for campaigns alone
	Members  AudienceKind = "MEMBERS"  // whoever is logged in
	Everyone AudienceKind = "EVERYONE" // guests too
)

// Audience is for whom a rule holds. ID is zero where the kind needs none.
type Audience struct {
	Kind AudienceKind `db:"audience_kind"`
	ID   uuid.UUID    `db:"audience_id"`
}

// All is the audience of everyone.
var All = Audience{Kind: Everyone}

// TargetKind is how a target names its goods.
type TargetKind string

// The kinds of target, from the most specific to the widest.
const (
	Variant      TargetKind = "VARIANT"
	Product      TargetKind = "PRODUCT"
	Category     TargetKind = "CATEGORY"  // and what stands below it
	ProductBrand TargetKind = "BRAND"     // the manufacturer's brand
	Attribute    TargetKind = "ATTRIBUTE" // ID is the attribute, Value its canonical value
	Tag          TargetKind = "TAG"       // Value is the tag
	AllGoods     TargetKind = "ALL"
)

// Target is for which goods a rule holds. It is comparable: rules are found by it.
type Target struct {
	Kind  TargetKind `db:"target_kind"`
	ID    uuid.UUID  `db:"target_id"`
	Value string     `db:"target_value"`
}

// Everything is the target of all goods.
var Everything = Target{Kind: AllGoods}

// Window is when a rule holds: from its first moment until before its last.
type Window struct {
	From  time.Time `db:"valid_from"`
	Until time.Time `db:"valid_until"`
}

// The ends of a window that has none.
var (
	Beginning = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	Forever   = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)
)

// Always is the window without ends.
var Always = Window{From: Beginning, Until: Forever}

// Failures of a rule's scope.
var (
	ErrWindow   = fault.Invalid("WINDOW_INVALID", "終了日時は開始日時より後にしてください", "The end must be later than the start")
	ErrAudience = fault.Invalid("AUDIENCE_INVALID", "対象のお客様の指定が正しくありません", "The audience is not valid")
	ErrTarget   = fault.Invalid("TARGET_INVALID", "対象の商品の指定が正しくありません", "The target is not valid")
)

// NewWindow is the window between two moments; nil leaves an end open.
func NewWindow(from, until *time.Time) Window {
	w := Always
	if from != nil {
		w.From = *from
	}
	if until != nil {
		w.Until = *until
	}
	return w
}

// Holds reports whether the window is open at the moment.
func (w Window) Holds(at time.Time) bool { return !at.Before(w.From) && at.Before(w.Until) }

// Validate refuses a window that ends before it starts.
func (w Window) Validate() error {
	if !w.Until.After(w.From) {
		return ErrWindow.At("validUntil")
	}
	return nil
}

// Opens is when the window opens; nil if it always was.
func (w Window) Opens() *time.Time {
	if !w.From.After(Beginning) {
		return nil
	}
	return &w.From
}

// Closes is when the window closes; nil if it never does.
func (w Window) Closes() *time.Time {
	if !w.Until.Before(Forever) {
		return nil
	}
	return &w.Until
}

// Validate refuses an audience whose kind and id do not go together, and segments: who asks
// whether a buyer is in one says so by itself.
func (a Audience) Validate() error {
	switch a.Kind {
	case Member, Company, Group:
		if a.ID != uuid.Nil {
			return nil
		}
	case Members, Everyone:
		if a.ID == uuid.Nil {
			return nil
		}
	}
	return ErrAudience.At("audience")
}

// Validate refuses a target whose kind, id and value do not go together.
func (t Target) Validate() error {
	named, valued := t.ID != uuid.Nil, t.Value != ""
	switch t.Kind {
	case Variant, Product, Category, ProductBrand:
		if named && !valued {
			return nil
		}
	case Attribute:
		if named && valued {
			return nil
		}
	case Tag:
		if !named && valued {
			return nil
		}
	case AllGoods:
		if !named && !valued {
			return nil
		}
	}
	return ErrTarget.At("target")
}

// Buyer is who asks, as far as rules ask. The zero Buyer is a guest.
type Buyer struct {
	MemberID  uuid.UUID
	CompanyID uuid.UUID
	// Groups are the buyer's customer groups, those of higher precedence first.
	Groups []uuid.UUID
	// Segments are those of the segments that rules ask about and the buyer is in; whoever
	// asks looks them up.
	Segments []uuid.UUID `db:"-"`
	// TaxRounding is how the buyer's company has tax rounded; empty: as the channel does.
	TaxRounding money.Rounding
	// BirthMonth is 1 to 12; 0 if it is not known.
	BirthMonth int
	// Ordered is how many orders the buyer has placed that stand.
	Ordered int
	// Region is the prefecture that the goods go to; empty if it is not known.
	Region string
	// StockHidden says that the buyer is not told what is in stock.
	StockHidden bool
}

// IsGuest reports whether nobody is logged in.
func (b Buyer) IsGuest() bool { return b.MemberID == uuid.Nil && b.CompanyID == uuid.Nil }

// Audiences are the audiences that the buyer belongs to, the most specific first.
func (b Buyer) Audiences() []Audience {
	all := make([]Audience, 0, len(b.Groups)+len(b.Segments)+4)
	if b.MemberID != uuid.Nil {
		all = append(all, Audience{Member, b.MemberID})
	}
	if b.CompanyID != uuid.Nil {
		all = append(all, Audience{Company, b.CompanyID})
	}
	for _, group := range b.Groups {
		all = append(all, Audience{Group, group})
	}
	for _, segment := range b.Segments {
		all = append(all, Audience{Segment, segment})
	}
	if !b.IsGuest() {
		all = append(all, Audience{Kind: Members})
	}
	return append(all, All)
}

// AttributeValue is one value of one attribute.
type AttributeValue struct {
	ID    uuid.UUID
	Value string
}

// Goods is a variant as far as rules ask.
type Goods struct {
	VariantID  uuid.UUID
	ProductID  uuid.UUID
	BrandID    uuid.UUID   // the manufacturer's; zero if it has none
	Categories []uuid.UUID // nearest first, those above them after
	Tags       []string
	Attributes []AttributeValue
}

// Targets are the targets that the goods fall under, the most specific first.
func (g Goods) Targets() []Target {
	all := make([]Target, 0, len(g.Categories)+len(g.Attributes)+len(g.Tags)+4)
	all = append(all, Target{Kind: Variant, ID: g.VariantID}, Target{Kind: Product, ID: g.ProductID})
	for _, category := range g.Categories {
		all = append(all, Target{Kind: Category, ID: category})
	}
	if g.BrandID != uuid.Nil {
		all = append(all, Target{Kind: ProductBrand, ID: g.BrandID})
	}
	for _, a := range g.Attributes {
		all = append(all, Target{Attribute, a.ID, a.Value})
	}
	for _, tag := range g.Tags {
		all = append(all, Target{Kind: Tag, Value: tag})
	}
	return append(all, Everything)
}
