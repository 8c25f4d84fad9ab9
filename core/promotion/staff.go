package promotion

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/scope"
)

// Failures of keeping campaigns.
var (
	ErrBelowGiven = fault.Conflict("LIMIT_BELOW_GIVEN", "すでに提供した分より少ない上限は指定できません", "A limit cannot be below what was given already")
	ErrUnknown    = fault.Invalid("SCOPE_UNKNOWN", "指定された対象が見つかりません（%s）", "The brand has no such thing: %s")
)

// SaveInput makes a campaign, or changes the one with the id. Amounts are in major
// units of the channel's currency.
type SaveInput struct {
	ID          *uuid.UUID
	Code        string
	Name        i18n.Text
	Badge       i18n.Text
	ValidFrom   *time.Time
	ValidUntil  *time.Time
	Recurrence  *Recurrence
	Audiences   []scope.AudienceInput
	Channels    []uuid.UUID
	Shops       []uuid.UUID
	Regions     []customer.Prefecture
	Goods       []scope.TargetInput
	Except      []scope.TargetInput
	Conditions  *ConditionsInput
	Benefits    []BenefitInput
	Stacking    Stacking
	Group       string
	Priority    int
	NeedsCoupon bool
	Budget      *decimal.Decimal
	Uses        *int
	PerMember   *int
	// KeptOnReturn says that what it gave stays used when an order comes back whole.
	KeptOnReturn bool
	Experiment   *Experiment
	// NotifyMembers has members who agreed to the mail magazine told when it begins.
	NotifyMembers bool
}

// ConditionsInput are conditions as staff write them.
type ConditionsInput struct {
	MinAmount     *decimal.Decimal
	MinQuantity   *int
	Combination   []PartInput
	MaxSets       *int
	FirstPurchase bool
	BirthdayMonth bool
	Groups        []uuid.UUID
}

// PartInput is one part of a combination as staff write it.
type PartInput struct {
	Goods    []scope.TargetInput
	Quantity int
}

// BenefitInput is a benefit as staff write it.
type BenefitInput struct {
	Kind      BenefitKind
	Percent   *decimal.Decimal
	Amount    *decimal.Decimal
	Pieces    *int
	UpTo      *decimal.Decimal
	Rounding  *money.Rounding
	VariantID *uuid.UUID
	Required  bool
	PerSet    bool
	Allotment *int
	Factor    *decimal.Decimal
	Issues    *uuid.UUID
}

// apply writes the input into the campaign.
func (in SaveInput) apply(c *Campaign) error {
	var all []error
	yen := func(field string, d *decimal.Decimal) *int64 {
		if d == nil {
			return nil
		}
		m, err := money.Parse(*d, c.Currency)
		if f := (*fault.Error)(nil); errors.As(err, &f) {
			all = append(all, f.At(field))
		}
		return &m.Minor
	}
	c.Code, c.Name, c.Badge, c.Window = in.Code, in.Name, in.Badge.OrNone(), scope.NewWindow(in.ValidFrom, in.ValidUntil)
	c.Recurrence, c.Experiment = value(in.Recurrence), value(in.Experiment)
	c.Audiences = make([]scope.Audience, len(in.Audiences))
	for i := range in.Audiences {
		c.Audiences[i] = in.Audiences[i].Audience()
	}
	if len(c.Audiences) == 0 {
		c.Audiences = []scope.Audience{scope.All}
	}
	c.Channels, c.Shops, c.Goods, c.Except = some(in.Channels), some(in.Shops), targetsOf(in.Goods), targetsOf(in.Except)
	c.Regions = make([]string, len(in.Regions))
	for i, r := range in.Regions {
		c.Regions[i] = string(r)
	}
	c.Conditions = Conditions{}
	if k := in.Conditions; k != nil {
		c.Conditions = Conditions{
			MinAmount: value(yen("conditions.minAmount", k.MinAmount)), MinQuantity: value(k.MinQuantity), MaxSets: value(k.MaxSets),
			FirstPurchase: k.FirstPurchase, BirthdayMonth: k.BirthdayMonth, Groups: k.Groups,
		}
		for _, p := range k.Combination {
			c.Conditions.Combination = append(c.Conditions.Combination, Part{targetsOf(p.Goods), p.Quantity})
		}
	}
	c.Benefits = nil
	for _, b := range in.Benefits {
		c.Benefits = append(c.Benefits, Benefit{
			Kind: b.Kind, Percent: b.Percent, Amount: yen("benefits", b.Amount), Pieces: value(b.Pieces), UpTo: yen("benefits", b.UpTo),
			Rounding: value(b.Rounding), Variant: value(b.VariantID), Required: b.Required, PerSet: b.PerSet, Allotment: b.Allotment,
			Factor: b.Factor, Issues: value(b.Issues),
		})
	}
	c.Stacking, c.Group, c.Priority, c.NeedsCoupon = cmp.Or(in.Stacking, Combinable), in.Group, in.Priority, in.NeedsCoupon
	c.NotifyMembers = in.NotifyMembers
	c.Limits = Limits{Budget: yen("budget", in.Budget), Uses: in.Uses, PerMember: in.PerMember, Kept: in.KeptOnReturn}
	return errors.Join(append(all, c.Validate())...)
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}

// some is the keys, never nil: an empty array, not SQL's null.
func some(keys []uuid.UUID) []uuid.UUID { return append([]uuid.UUID{}, keys...) }

func targetsOf(in []scope.TargetInput) []scope.Target {
	all := make([]scope.Target, len(in))
	for i := range in {
		all[i] = in[i].Target()
	}
	return all
}

// Save makes a campaign, as a draft, or changes one. A change to a campaign that
// runs holds from the next quote on.
func (s *Service) Save(ctx context.Context, in SaveInput) (*Campaign, error) {
	return s.change(ctx, in.ID, "campaign.saved", func(ctx context.Context, c *Campaign) error {
		if err := in.apply(c); err != nil {
			return err
		}
		err := s.known(ctx, *c, "")
		c.SpentAt = nil // a limit may have been raised; the next order finds out
		return err
	})
}

// known fails unless the brand has all that the campaign names, and its gifts need no
// choice. Fields are said below the prefix.
func (s *Service) known(ctx context.Context, c Campaign, prefix string) error {
	missing, err := s.Store.Known(ctx, c)
	switch {
	case err != nil || missing == "":
		return err
	case missing == GiftChoices:
		return ErrGiftChoice.At(prefix + "benefits")
	}
	return ErrUnknown.With(missing).At(prefix + missing)
}

// StatusInput starts or stops a campaign.
type StatusInput struct {
	ID     uuid.UUID
	Status Status
}

// SetStatus lets a campaign run within its period, stops it, or takes it back as a
// draft.
func (s *Service) SetStatus(ctx context.Context, in StatusInput) (*Campaign, error) {
	return s.change(ctx, &in.ID, "campaign.status", func(ctx context.Context, c *Campaign) error {
		if c.Status = in.Status; in.Status != Ready || len(c.SegmentIDs()) == 0 {
			return nil
		}
		var segments []scope.Audience // one of them may have been closed since the campaign was saved
		for _, key := range c.SegmentIDs() {
			segments = append(segments, scope.Audience{Kind: scope.Segment, ID: key})
		}
		return s.known(ctx, Campaign{BrandID: c.BrandID, Audiences: segments}, "")
	})
}

// change writes a campaign with an event, moves the rules, and sees to it that
// noren wakes when its period begins and ends.
func (s *Service) change(ctx context.Context, campaignID *uuid.UUID, eventType string, f func(context.Context, *Campaign) error) (*Campaign, error) {
	if err := access.RequireEverywhere(ctx, access.CampaignWrite); err != nil {
		return nil, err
	}
	var saved *Campaign
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		ch, now := channel.From(ctx), s.Now()
		c := &Campaign{ID: id.New(), BrandID: ch.BrandID, Status: Draft, Currency: ch.Money(), CreatedAt: now}
		var before any
		if campaignID != nil {
			known, err := s.Store.Lock(ctx, ch.BrandID, *campaignID)
			switch {
			case err != nil:
				return err
			case known == nil:
				return fault.ErrNotFound.At("id")
			}
			before, c = *known, known
		}
		if err := f(ctx, c); err != nil {
			return err
		}
		c.UpdatedAt, saved = now, c
		if err := s.Store.Save(ctx, *c); err != nil {
			return err
		}
		if err := s.turns(ctx, *c, now); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, eventType, "Campaign", c.ID, map[string]any{"before": before, "after": c}))
	})
	return saved, err
}

// turns queues the wakings at the ends of the period that lie ahead, and the telling
// of one that has begun.
func (s *Service) turns(ctx context.Context, c Campaign, now time.Time) error {
	if s.Turns == nil || c.Status != Ready {
		return nil
	}
	for _, at := range []*time.Time{c.Opens(), c.Closes()} {
		if at == nil || !at.After(now) {
			continue
		}
		if err := s.Turns.TurnAt(ctx, TurnJob{CampaignID: c.ID, BrandID: c.BrandID, At: *at}, *at); err != nil {
			return err
		}
	}
	if c.Holds(now) {
		return s.Turns.Notify(ctx, NoticeJob{CampaignID: c.ID, BrandID: c.BrandID, Occasion: Started})
	}
	return nil
}

// ListInput asks for one page of campaigns.
type ListInput struct {
	Statuses []Status
	Running  bool // whose period is open now
	Page     page.Args
}

// ByID is one campaign of the brand. Fails with ErrNotFound if there is none.
func (s *Service) ByID(ctx context.Context, campaignID uuid.UUID) (*Campaign, error) {
	if err := access.Require(ctx, access.CampaignRead); err != nil {
		return nil, err
	}
	c, err := s.Store.Campaign(ctx, channel.From(ctx).BrandID, campaignID)
	if err == nil && c == nil {
		err = fault.ErrNotFound
	}
	return c, err
}

// List is one page of the brand's campaigns, newest first, for staff.
func (s *Service) List(ctx context.Context, in ListInput) (page.Connection[Campaign], error) {
	if err := access.Require(ctx, access.CampaignRead); err != nil {
		return page.Connection[Campaign]{}, err
	}
	q := Query{BrandID: channel.From(ctx).BrandID, Statuses: in.Statuses, Page: in.Page}
	if in.Running {
		q.RunsAt = s.Now()
	}
	return s.Store.Campaigns(ctx, q)
}
