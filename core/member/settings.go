package member

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// SaveSettingsInput is what a member wants of each medium of the channel's brand.
type SaveSettingsInput struct {
	MemberID *uuid.UUID // nil: the actor
	Settings []SettingInput
	How      How
	Wording  string
	StoreID  *uuid.UUID
}

// byStaff are the ways in which staff hear of a member's wish; bySelf those in which
// members say it themselves.
var (
	byStaff = []How{ByStore, ByPaper, ByPhone}
	bySelf  = []How{ByWeb, ByApp}
)

// heard fails if a consent cannot have been told in this way: it would prove nothing.
func heard(how How, ways []How) error {
	if slices.Contains(ways, how) {
		return nil
	}
	return fault.Invalid(fault.CodeInvalid, "同意を得た方法を正しく指定してください", "Say how the member told it").At("how")
}

// SaveSettings keeps what a member agrees to, with the proof of it: when, how, who wrote
// it down and from where.
func (s *Service) SaveSettings(ctx context.Context, in SaveSettingsInput) (*Member, error) {
	if err := i18n.CheckString("wording", in.Wording, maxWording); err != nil {
		return nil, err
	}
	actor := access.From(ctx)
	ways := byStaff
	if in.MemberID == nil || own(actor, *in.MemberID) {
		ways = bySelf
	}
	if err := errors.Join(heard(in.How, ways), s.where(ctx, in.StoreID)); err != nil {
		return nil, err
	}
	return s.change(ctx, in.MemberID, func(ctx context.Context, m Member, now time.Time) (string, any, error) {
		return "member.settings_saved", map[string]any{"settings": in.Settings, "how": in.How},
			s.consent(ctx, m.ID, in.Settings, told{how: in.How, wording: in.Wording, storeID: in.StoreID, at: now})
	})
}

// told is how and when somebody agreed or withdrew.
type told struct {
	how     How
	wording string
	storeID *uuid.UUID
	at      time.Time
}

// consent writes down what a member wants of the media of the channel's brand: what says
// the same as what holds too, since it was said again.
func (s *Service) consent(ctx context.Context, memberID uuid.UUID, settings []SettingInput, t told) error {
	consents := make([]Consent, 0, len(settings))
	for _, want := range settings {
		if slices.ContainsFunc(consents, func(c Consent) bool { return c.Medium == want.Medium }) {
			return fault.Invalid(fault.CodeDuplicate, "同じ配信方法が2回指定されています", "A medium is named twice").At("settings")
		}
		consents = append(consents, newConsent(ctx, memberID, brandOf(ctx), want, t))
	}
	if len(consents) == 0 {
		return nil
	}
	return s.Store.AddConsents(ctx, consents)
}

func newConsent(ctx context.Context, memberID, brandID uuid.UUID, want SettingInput, t told) Consent {
	actor := access.From(ctx)
	c := Consent{
		ID: id.New(), MemberID: memberID, BrandID: brandID, Medium: want.Medium, Given: want.Given, How: t.how, Wording: t.wording, StoreID: t.storeID,
		ActorRole: actor.Role, At: t.at,
	}
	if actor.ID != uuid.Nil {
		c.ActorID = &actor.ID
	}
	if actor.Address.IsValid() {
		c.Address = &actor.Address
	}
	return c
}

// UnsubscribeInput withdraws a consent by a link that proves to whom it was sent.
type UnsubscribeInput struct {
	MemberID uuid.UUID
	BrandID  uuid.UUID
	Medium   Medium
	Wording  string // what was unsubscribed from
}

// Unsubscribe withdraws the consent of whom a link was sent to; the caller has checked the
// link. Where the member was merged into another, that one's is withdrawn. Nothing happens
// to who is gone. It may be asked again: each time is written down.
func (s *Service) Unsubscribe(ctx context.Context, in UnsubscribeInput) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		for key := &in.MemberID; key != nil; {
			found, err := s.Store.Lock(ctx, []uuid.UUID{*key})
			if err != nil || len(found) == 0 || found[0].ErasedAt != nil {
				return err
			}
			if key = found[0].MergedInto; key != nil {
				continue
			}
			now := s.Now()
			c := newConsent(ctx, found[0].ID, in.BrandID, SettingInput{Medium: in.Medium}, told{how: ByUnsubscribe, wording: in.Wording, at: now})
			if err := s.Store.AddConsents(ctx, []Consent{c}); err != nil {
				return err
			}
			e := event.New(ctx, now, "member.settings_saved", "Member", found[0].ID, map[string]any{"settings": []SettingInput{{Medium: in.Medium}}, "how": ByUnsubscribe, "wording": in.Wording})
			e.BrandID = in.BrandID
			return s.Events.Record(ctx, e)
		}
		return nil
	})
}
