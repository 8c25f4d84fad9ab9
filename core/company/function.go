package company

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/core/sealing"
)

// Function is what a customer may do beside looking.
type Function string

// The functions.
const (
	FunctionOrder          Function = "ORDER"
	FunctionOnAccount      Function = "ON_ACCOUNT"      // 掛売
	FunctionQuote          Function = "QUOTE"           // 見積
	FunctionDirectShipping Function = "DIRECT_SHIPPING" // 直送
	FunctionSeeStock       Function = "SEE_STOCK"
)

// Functions lists every function.
var Functions = []Function{FunctionOrder, FunctionOnAccount, FunctionQuote, FunctionDirectShipping, FunctionSeeStock}

// Name is what people call the function.
func (f Function) Name() i18n.Text {
	switch f {
	case FunctionOrder:
		return i18n.Text{"ja": "ご注文", "en": "ordering"}
	case FunctionOnAccount:
		return i18n.Text{"ja": "掛売", "en": "ordering on account"}
	case FunctionQuote:
		return i18n.Text{"ja": "見積依頼", "en": "asking for quotes"}
	case FunctionDirectShipping:
		return i18n.Text{"ja": "直送", "en": "direct shipping"}
	case FunctionSeeStock:
		return i18n.Text{"ja": "在庫数の閲覧", "en": "seeing stock"}
	}
	return i18n.JA(string(f))
}

// ErrFunction says that a function is denied, and by whose word.
var ErrFunction = fault.Forbidden("FUNCTION_DENIED", "%[1]sはご利用いただけません（%[2]s）", "You may not use this function: %[3]s (%[4]s)")

// FunctionRule allows or denies a function to a member, a company or a group.
type FunctionRule struct {
	Kind       scope.AudienceKind `db:"audience_kind" json:"kind"`
	AudienceID uuid.UUID          `json:"audienceId"`
	Function   Function           `json:"function"`
	Allowed    bool               `json:"allowed"`
	Name       i18n.Text          `json:"name"`       // the group's
	Precedence int                `json:"precedence"` // the group's
}

// because says whose word the rule is.
func (r FunctionRule) because() i18n.Text {
	switch r.Kind {
	case scope.Member:
		return i18n.Text{"ja": "お客様個別の設定", "en": "a rule for you"}
	case scope.Company:
		return i18n.Text{"ja": "得意先の設定", "en": "a rule for your company"}
	}
	return i18n.Text{"ja": "グループ「" + r.Name.In("ja") + "」の設定", "en": "a rule for the group " + r.Name.In("en")}
}

// FunctionAccess is whether somebody may use a function, and by whose word.
type FunctionAccess struct {
	Function Function
	Allowed  bool
	Because  i18n.Text
}

// Desk is what placing an order asks about a buyer, read in one statement.
type Desk struct {
	MemberID uuid.UUID
	Rules    []FunctionRule // those that are for the buyer
	Seat     *Seat          // nil for who buys for no company
	Policy   Policy         // the company's
}

// Sealed are the values that are sealed with the member's account.
func (d *Desk) Sealed() (uuid.UUID, []sealing.Column) {
	if d.Seat == nil {
		return d.MemberID, nil
	}
	return d.Seat.Sealed()
}

// Access is what the rules say of the function: the most specific wins. What no rule
// speaks of is allowed; buying on account, to companies.
func (d Desk) Access(f Function) FunctionAccess {
	if f == FunctionOnAccount && d.Seat == nil {
		return FunctionAccess{f, false, i18n.Text{"ja": "得意先のお客様のみ", "en": "for buyers of companies only"}}
	}
	rules := slices.Clone(d.Rules)
	rank := func(r FunctionRule) int {
		return slices.Index([]scope.AudienceKind{scope.Member, scope.Company, scope.Group}, r.Kind)
	}
	slices.SortStableFunc(rules, func(a, b FunctionRule) int {
		if by := rank(a) - rank(b); by != 0 {
			return by
		}
		return a.Precedence - b.Precedence
	})
	for _, r := range rules {
		if r.Function == f {
			return FunctionAccess{f, r.Allowed, r.because()}
		}
	}
	return FunctionAccess{f, true, i18n.Text{"ja": "標準", "en": "nothing is said against it"}}
}

// require fails with ErrFunction unless the desk allows the function.
func (d Desk) require(f Function) error {
	a := d.Access(f)
	if a.Allowed {
		return nil
	}
	name := f.Name()
	return ErrFunction.With(name.In("ja"), a.Because.In("ja"), name.In("en"), a.Because.In("en"))
}

// May fails with ErrFunction, which says by whose word, unless the context's actor may
// use the function. Guests and staff are not asked about: rules are for customers.
func (s *Service) May(ctx context.Context, f Function) error {
	actor := access.From(ctx)
	if !buys(actor) {
		return nil
	}
	desk, err := s.desk(ctx, actor.ID)
	if err != nil {
		return err
	}
	return desk.require(f)
}

// desk is what is asked about one member; nothing is known of a closed account.
func (s *Service) desk(ctx context.Context, memberID uuid.UUID) (Desk, error) {
	desks, err := s.Store.Desks(ctx, channel.From(ctx).BrandID, []uuid.UUID{memberID})
	if err != nil || len(desks) == 0 {
		return Desk{}, err
	}
	return desks[0], nil
}

// Desks are what customers may do: a customer's own, anybody's for staff.
func (s *Service) Desks(ctx context.Context, memberIDs []uuid.UUID) ([]Desk, error) {
	actor := access.From(ctx)
	for _, memberID := range memberIDs {
		if (actor.ID != memberID || !buys(actor)) && !actor.May(access.CompanyRead) {
			return nil, fault.ErrForbidden
		}
	}
	return s.Store.Desks(ctx, channel.From(ctx).BrandID, memberIDs)
}

// All is what the rules say of every function; nothing of who is no customer.
func (d Desk) All() []FunctionAccess {
	if d.MemberID == uuid.Nil {
		return []FunctionAccess{}
	}
	all := make([]FunctionAccess, len(Functions))
	for i, f := range Functions {
		all[i] = d.Access(f)
	}
	return all
}

// FunctionInput is what a rule of functions shall say; nil takes it away.
type FunctionInput struct {
	MemberID  *uuid.UUID
	CompanyID *uuid.UUID
	GroupID   *uuid.UUID
	Function  Function
	Allowed   *bool
}

// audience is whom the input names; exactly one must be.
func (in FunctionInput) audience() (scope.Audience, string, error) {
	var named []scope.Audience
	field := ""
	for _, a := range []struct {
		kind  scope.AudienceKind
		key   *uuid.UUID
		field string
	}{{scope.Member, in.MemberID, "memberId"}, {scope.Company, in.CompanyID, "companyId"}, {scope.Group, in.GroupID, "groupId"}} {
		if a.key != nil {
			named, field = append(named, scope.Audience{Kind: a.kind, ID: *a.key}), a.field
		}
	}
	if len(named) != 1 {
		return scope.Audience{}, "", scope.ErrAudience
	}
	return named[0], field, nil
}

// SetFunction allows or denies a function to a member, a company or a group. The rule
// is nil when it was taken away.
func (s *Service) SetFunction(ctx context.Context, in FunctionInput) (*FunctionRule, error) {
	audience, field, err := in.audience()
	if err != nil {
		return nil, err
	}
	var rule *FunctionRule
	err = s.write(ctx, func(ctx context.Context) error {
		brandID := channel.From(ctx).BrandID
		if in.Allowed != nil {
			rule = &FunctionRule{Kind: audience.Kind, AudienceID: audience.ID, Function: in.Function, Allowed: *in.Allowed}
		}
		before, found, err := s.Store.SetFunction(ctx, brandID, audience, in.Function, in.Allowed)
		if err != nil {
			return err
		}
		if !found {
			return fault.ErrNotFound.At(field)
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), "function.rule_set", subjectOf(audience), audience.ID, change{
			map[string]any{string(in.Function): before}, map[string]any{string(in.Function): in.Allowed},
		}))
	})
	if err != nil {
		return nil, err
	}
	return rule, nil
}

// subjectOf is whose history a rule for the audience belongs to.
func subjectOf(a scope.Audience) string {
	switch a.Kind {
	case scope.Company:
		return "Company"
	case scope.Group:
		return "CustomerGroup"
	}
	return "FunctionRule"
}
