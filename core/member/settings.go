package member

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
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
	if !slices.Contains(ways, in.How) {
		return nil, fault.Invalid(fault.CodeInvalid, "同意を得た方法を正しく指定してください", "Say how the member told it").At("how")
	}
	if err := s.store(ctx, "storeId", in.StoreID); err != nil {
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
