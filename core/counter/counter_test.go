package counter_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/counter"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/membercode"
)

// card is the number of the one card that works.
const card = "2900000000018"

// stand is a counter with one shop and one member, who may be gone by now.
type stand struct {
	shop, member uuid.UUID
	gone         bool
	used, asked  int
	most         int
}

func (s *stand) Read(_ context.Context, text string, use bool) (access.Actor, error) {
	if text != "shown" {
		return access.Actor{}, membercode.ErrInvalid
	}
	if use {
		s.used++
	}
	return access.Actor{ID: s.member, Role: access.RoleMember}, nil
}

func (s *stand) Card(_ context.Context, number string, _ *uuid.UUID) (access.Actor, error) {
	if number != card {
		return access.Actor{}, membercode.ErrCard
	}
	return access.Actor{ID: s.member, Role: access.RoleMember}, nil
}

func (s *stand) Shop(_ context.Context, _, shopID uuid.UUID) (bool, error) {
	return shopID == s.shop, nil
}

func (s *stand) Hold(context.Context, uuid.UUID) (bool, error) { return !s.gone, nil }

func (*stand) Rank(context.Context, uuid.UUID, uuid.UUID) (i18n.Text, error) { return nil, nil }

func (s *stand) Served(_ context.Context, memberID uuid.UUID, _ string) (member.Member, error) {
	return member.Member{ID: memberID, Masked: true}, nil
}

func (s *stand) GiveBack(context.Context, string, limit.Rate) { s.asked-- }

func (s *stand) Allow(context.Context, string, limit.Rate) limit.Verdict {
	s.asked++
	return limit.Verdict{Allowed: s.asked <= s.most}
}

func TestWhoIsServedAtACounter(t *testing.T) {
	t.Parallel()
	s := &stand{shop: id.New(), member: id.New(), most: 4}
	desk := counter.New(counter.Parts{Codes: s, Store: s, Members: s, Limiter: s})
	as := func(a access.Actor) context.Context {
		return channel.With(access.With(t.Context(), a), channel.Channel{BrandID: id.New()})
	}
	clerk := access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{s.shop}, Permissions: []access.Permission{access.PrizeWrite}}
	shown := counter.Shown{ShopID: s.shop, CardNumber: " 290-0000-0000 18"}
	who, err := desk.Who(as(clerk), shown, false)
	require.NoError(t, err)
	require.Equal(t, s.member, who.ID, "as a person types it")
	for _, role := range []access.Role{access.RolePartner, access.RoleMember, access.RoleGuest, access.RoleSystem} {
		_, err = desk.Who(as(access.Actor{Role: role, ID: id.New(), Permissions: []access.Permission{access.PrizeWrite}}), shown, false)
		require.ErrorIs(t, err, fault.ErrForbidden, role)
	}
	_, err = desk.Who(as(access.Actor{Role: access.RoleAdmin}), counter.Shown{ShopID: id.New(), CardNumber: card}, false)
	require.ErrorIs(t, err, counter.ErrShop)
	for _, wrong := range []counter.Shown{{ShopID: s.shop}, {ShopID: s.shop, CardNumber: card, MemberCode: "shown"}} {
		_, err = desk.Who(as(clerk), wrong, false)
		require.ErrorIs(t, err, counter.ErrShown)
	}
	_, err = desk.Who(as(clerk), counter.Shown{ShopID: s.shop, CardNumber: "2900000000019"}, false)
	require.ErrorIs(t, err, member.ErrCardNumber)

	code := counter.Shown{ShopID: s.shop, MemberCode: "shown"}
	_, err = desk.Who(as(clerk), code, false)
	require.NoError(t, err)
	require.Zero(t, s.used)
	_, err = desk.Who(as(clerk), code, true)
	require.NoError(t, err)
	require.Equal(t, 1, s.used)
	s.gone = true // merged or erased between the look and the lock
	_, err = desk.Who(as(clerk), shown, true)
	require.ErrorIs(t, err, membercode.ErrCard)

	_, err = desk.Look(as(access.Actor{Role: access.RoleStoreStaff, Stores: clerk.Stores}), shown)
	require.ErrorIs(t, err, fault.ErrForbidden)
	s.most = s.asked + 1
	seen, err := desk.Look(as(clerk), shown)
	require.NoError(t, err)
	require.Equal(t, s.member, seen.ID)
	_, err = desk.Look(as(clerk), shown)
	require.ErrorIs(t, err, counter.ErrTries)
}
