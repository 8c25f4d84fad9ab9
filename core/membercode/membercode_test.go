package membercode_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/membercode"
)

// used is a store in memory; everybody's account is open.
type used map[uuid.UUID]bool

func (u used) Use(_ context.Context, nonce, _ uuid.UUID, _, _ time.Time) (bool, error) {
	before := u[nonce]
	u[nonce] = true
	return !before, nil
}

func (used) Role(context.Context, uuid.UUID) (access.Role, error) { return access.RoleMember, nil }

// aCard is the one card that anybody has.
const aCard = "2900000000018"

func (used) Holder(_ context.Context, brandID uuid.UUID, number string) (*membercode.Holder, error) {
	if number != aCard {
		return nil, nil
	}
	return &membercode.Holder{MemberID: brandID, Role: access.RoleMember}, nil
}

func TestACardSaysWhoHasIt(t *testing.T) {
	t.Parallel()
	codes, err := membercode.New(used{}, "a secret of the shop", nil, time.Now)
	require.NoError(t, err)
	brand := channel.Channel{BrandID: id.New()}
	ctx := channel.With(t.Context(), brand)
	who, err := codes.Card(ctx, aCard, nil)
	require.NoError(t, err)
	require.Equal(t, access.Actor{ID: brand.BrandID, Role: access.RoleMember}, who)
	_, err = codes.Card(ctx, "2900000000025", nil)
	require.ErrorIs(t, err, membercode.ErrCard)
}

func TestACodeHoldsForMinutesAndOnce(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC)
	codes, err := membercode.New(used{}, "a secret of the shop", nil, func() time.Time { return now })
	require.NoError(t, err)
	brand, member := channel.Channel{BrandID: id.New()}, access.Actor{Role: access.RoleMember, ID: id.New()}
	ctx := channel.With(t.Context(), brand)
	_, err = codes.Issue(access.With(ctx, access.Guest))
	require.Error(t, err)
	code, err := codes.Issue(access.With(ctx, member))
	require.NoError(t, err)

	got, err := codes.Read(ctx, " "+code.Text, false)
	require.NoError(t, err)
	require.Equal(t, member.ID, got.ID)
	_, err = codes.Read(channel.With(ctx, channel.Channel{BrandID: id.New()}), code.Text, false)
	require.ErrorIs(t, err, membercode.ErrInvalid, "another brand's till")
	_, err = codes.Read(ctx, code.Text, true)
	require.NoError(t, err)
	_, err = codes.Read(ctx, code.Text, true)
	require.ErrorIs(t, err, membercode.ErrInvalid, "used")
	now = code.ExpiresAt
	_, err = codes.Read(ctx, code.Text, false)
	require.ErrorIs(t, err, membercode.ErrExpired)
	now = now.Add(-time.Second)

	_, err = membercode.New(used{}, "", nil, func() time.Time { return now })
	require.Error(t, err)
	rapid.Check(t, func(t *rapid.T) {
		i := rapid.IntRange(len("noren:member:"), len(code.Text)-2).Draw(t, "i") // the last symbol has bits that say nothing
		wrong := []byte(code.Text)
		wrong[i] = rapid.SampledFrom([]byte("ABCDEFGHIJabcdefghij0123456789-_!")).Filter(func(b byte) bool { return b != code.Text[i] }).Draw(t, "symbol")
		if _, err := codes.Read(ctx, string(wrong), false); err == nil {
			t.Fatalf("%s was read", wrong)
		}
	})
}
