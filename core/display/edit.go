package display

import (
	"context"
	"errors"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/scope"
)

// EditStore writes what decides display. Everything joins the transaction of the
// context, and every write moves the brand's rulebook.
type EditStore interface {
	Reader
	ShelfStore
	// LockRule reads a rule of the brand for changing; nil if there is none.
	LockRule(ctx context.Context, brandID, ruleID uuid.UUID) (*Rule, error)
	SaveRule(ctx context.Context, r Rule) error
	Rules(ctx context.Context, q RulesQuery) (page.Connection[Rule], error)
	// Knows reports whether the brand has whom the audience names, and the goods.
	KnowsAudience(ctx context.Context, brandID uuid.UUID, a scope.Audience) (bool, error)
	KnowsTarget(ctx context.Context, brandID uuid.UUID, t scope.Target) (bool, error)
	// Channel is the brand's channel with the code; uuid.Nil if there is none.
	Channel(ctx context.Context, brandID uuid.UUID, code string) (uuid.UUID, error)
}

// RulesQuery asks for one page of a brand's rules, newest first.
type RulesQuery struct {
	BrandID uuid.UUID
	Closed  bool // closed ones as well
	Target  *scope.Target
	Page    page.Args
}

// Tx runs a use case in one transaction.
type Tx interface {
	InTx(ctx context.Context, f func(context.Context) error) error
}

// Editor is how staff decide display. Each use case needs DisplayWrite, is one
// transaction, and leaves an event with before and after.
type Editor struct{ EditorParts }

// EditorParts are what the editor stands on.
type EditorParts struct {
	Tx     Tx
	Store  EditStore
	Buyers interface {
		// BuyerOf is a member as a buyer, and BuyerOfCompany whoever buys for a company.
		BuyerOf(ctx context.Context, memberID uuid.UUID) (scope.Buyer, error)
		BuyerOfCompany(ctx context.Context, companyID uuid.UUID) (scope.Buyer, error)
	}
	Events event.Recorder
	Now    clock.Clock
}

// NewEditor makes the editor.
func NewEditor(p EditorParts) *Editor { return &Editor{p} }

// maxName bounds a rule's name and message.
const maxName, maxMessage = 100, 500

// SaveRuleInput makes a display rule, or replaces the one with the id.
type SaveRuleInput struct {
	ID          *uuid.UUID
	Name        string
	Audience    *scope.AudienceInput // everyone if nil
	Target      *scope.TargetInput   // all goods if nil
	Channel     *string              // code; every channel if nil
	ValidFrom   *time.Time
	ValidUntil  *time.Time
	Season      *SeasonInput
	Visible     *Effect
	Purchasable *Effect
	PriceShown  *Effect
	Message     i18n.Text
}

// rule is what was written, with nothing looked up yet.
func (in SaveRuleInput) rule() (Rule, error) {
	r := Rule{
		Name: in.Name, Audience: in.Audience.Audience(), Target: in.Target.Target(), Window: scope.NewWindow(in.ValidFrom, in.ValidUntil),
		Visible: in.Visible, Purchasable: in.Purchasable, PriceShown: in.PriceShown, Message: in.Message,
	}
	if r.Message == nil {
		r.Message = i18n.Text{}
	}
	var all []error
	if in.Name == "" {
		all = append(all, fault.ErrRequired.At("name"))
	}
	if utf8.RuneCountInString(in.Name) > maxName {
		all = append(all, ErrName.At("name"))
	}
	for _, text := range r.Message {
		if utf8.RuneCountInString(text) > maxMessage {
			all = append(all, ErrMessage.At("message"))
		}
	}
	var err error
	r.SeasonFrom, r.SeasonUntil, err = in.Season.parse()
	return r, errors.Join(append(all, err, r.validate())...)
}

// SaveRule makes or replaces a rule. It holds at once, in every process.
func (e *Editor) SaveRule(ctx context.Context, in SaveRuleInput) (*Rule, error) {
	if err := access.RequireEverywhere(ctx, access.DisplayWrite); err != nil {
		return nil, err
	}
	r, err := in.rule()
	if err != nil {
		return nil, err
	}
	err = e.Tx.InTx(ctx, func(ctx context.Context) error {
		now, brandID := e.Now(), channel.From(ctx).BrandID
		r.ID, r.BrandID, r.CreatedAt, r.UpdatedAt = id.New(), brandID, now, now
		var before *Rule
		if in.ID != nil {
			if before, err = e.open(ctx, *in.ID); err != nil {
				return err
			}
			r.ID, r.CreatedAt = before.ID, before.CreatedAt
		}
		if err := e.known(ctx, &r.Audience, r.Target); err != nil {
			return err
		}
		if r.ChannelID, err = e.channel(ctx, in.Channel); err != nil {
			return err
		}
		r.Channel = in.Channel
		return errors.Join(e.Store.SaveRule(ctx, r), e.record(ctx, "display_rule.saved", "DisplayRule", r.ID, before, r))
	})
	if err != nil {
		return nil, err
	}
	return &r, nil
}

// CloseInput names what to close.
type CloseInput struct{ ID uuid.UUID }

// CloseRule ends a rule for good; it is kept for those who ask later.
func (e *Editor) CloseRule(ctx context.Context, in CloseInput) (*Rule, error) {
	if err := access.RequireEverywhere(ctx, access.DisplayWrite); err != nil {
		return nil, err
	}
	var closed *Rule
	err := e.Tx.InTx(ctx, func(ctx context.Context) error {
		before, err := e.open(ctx, in.ID)
		if err != nil {
			return err
		}
		r, now := *before, e.Now()
		r.ClosedAt, r.UpdatedAt = &now, now
		closed = &r
		return errors.Join(e.Store.SaveRule(ctx, r), e.record(ctx, "display_rule.closed", "DisplayRule", r.ID, before, r))
	})
	return closed, err
}

// open is the rule with the id, locked, if it is not closed.
func (e *Editor) open(ctx context.Context, ruleID uuid.UUID) (*Rule, error) {
	r, err := e.Store.LockRule(ctx, channel.From(ctx).BrandID, ruleID)
	switch {
	case err != nil:
		return nil, err
	case r == nil:
		return nil, fault.ErrNotFound.At("id")
	case r.ClosedAt != nil:
		return nil, ErrClosed.At("id")
	}
	return r, nil
}

// known fails unless the brand has whom and what a rule names.
func (e *Editor) known(ctx context.Context, a *scope.Audience, t scope.Target) error {
	brandID := channel.From(ctx).BrandID
	var all []error
	if a != nil {
		known, err := e.Store.KnowsAudience(ctx, brandID, *a)
		if err != nil {
			return err
		}
		if !known {
			all = append(all, ErrNoAudience.At("audience.id"))
		}
	}
	known, err := e.Store.KnowsTarget(ctx, brandID, t)
	if err != nil {
		return err
	}
	if !known {
		all = append(all, ErrNoTarget.At("target.id"))
	}
	return errors.Join(all...)
}

func (e *Editor) channel(ctx context.Context, code *string) (*uuid.UUID, error) {
	if code == nil {
		return nil, nil
	}
	found, err := e.Store.Channel(ctx, channel.From(ctx).BrandID, *code)
	if err != nil {
		return nil, err
	}
	if found == uuid.Nil {
		return nil, ErrNoChannel.At("channel")
	}
	return &found, nil
}

func (e *Editor) record(ctx context.Context, eventType, subject string, key uuid.UUID, before, after any) error {
	return e.Events.Record(ctx, event.New(ctx, e.Now(), eventType, subject, key, map[string]any{"before": before, "after": after}))
}

// RulesInput asks for the brand's rules.
type RulesInput struct {
	Closed bool
	Target *scope.TargetInput
	Page   page.Args
}

// Rules are one page of the brand's rules, newest first.
func (e *Editor) Rules(ctx context.Context, in RulesInput) (page.Connection[Rule], error) {
	if err := access.RequireEverywhere(ctx, access.DisplayWrite); err != nil {
		return page.Connection[Rule]{}, err
	}
	q := RulesQuery{BrandID: channel.From(ctx).BrandID, Closed: in.Closed, Page: in.Page}
	if in.Target != nil {
		target := in.Target.Target()
		if err := target.Validate(); err != nil {
			return page.Connection[Rule]{}, err
		}
		q.Target = &target
	}
	return e.Store.Rules(ctx, q)
}

// PreviewInput asks how a buyer would find a product: a member, whoever buys for a
// company, or a guest if neither is given.
type PreviewInput struct {
	ProductID uuid.UUID
	VariantID *uuid.UUID
	MemberID  *uuid.UUID
	CompanyID *uuid.UUID
	Channel   *string
	At        *time.Time // now if nil
}

// Preview is what the rules come to for a buyer and a product, aspect by aspect,
// and every rule's part in it.
func (e *Editor) Preview(ctx context.Context, in PreviewInput) ([]Verdict, error) {
	if err := access.RequireEverywhere(ctx, access.DisplayWrite); err != nil {
		return nil, err
	}
	c := channel.From(ctx)
	q := Question{ChannelID: c.ID, At: e.Now(), Zone: c.Zone()}
	if in.At != nil {
		q.At = *in.At
	}
	other, err := e.channel(ctx, in.Channel)
	if err != nil {
		return nil, err
	}
	if other != nil {
		q.ChannelID = *other
	}
	if q.Buyer, err = e.buyer(ctx, in); err != nil {
		return nil, err
	}
	book, err := e.Store.Book(ctx, c.BrandID)
	if err != nil {
		return nil, err
	}
	facts, err := e.Store.Facts(ctx, c.BrandID, q.ChannelID, []uuid.UUID{in.ProductID})
	if err != nil {
		return nil, err
	}
	if len(facts) == 0 {
		return nil, fault.ErrNotFound.At("productId")
	}
	variant := uuid.Nil
	if in.VariantID != nil {
		variant = *in.VariantID
	}
	q.Goods = facts[0].Goods(book.tree, variant)
	verdicts := make([]Verdict, len(Aspects))
	for i, aspect := range Aspects {
		verdicts[i] = Judge(book.Rules, book.tree, aspect, q)
	}
	return verdicts, nil
}

func (e *Editor) buyer(ctx context.Context, in PreviewInput) (scope.Buyer, error) {
	switch {
	case in.MemberID != nil && in.CompanyID != nil:
		return scope.Buyer{}, ErrOneBuyer.At("companyId")
	case in.MemberID != nil:
		b, err := e.Buyers.BuyerOf(ctx, *in.MemberID)
		return b, at("memberId", err)
	case in.CompanyID != nil:
		b, err := e.Buyers.BuyerOfCompany(ctx, *in.CompanyID)
		return b, at("companyId", err)
	}
	return scope.Buyer{}, nil
}

// at names the field that a business failure is about.
func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}
