package cardfile_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/cardfile"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// gateway is the rest of one, which is not asked.
type gateway = payment.Keeper

// vault is a gateway that keeps one card, while something else happens.
type vault struct {
	gateway
	meanwhile func(ctx context.Context) error
	kept      string
}

func (v *vault) Keeper() (payment.Keeper, error) { return v, nil }
func (*vault) Name() string                      { return "vault" }

func (v *vault) Keep(ctx context.Context, _ payment.KeepRequest) (payment.Keeping, error) {
	v.kept = "card_1"
	return payment.Keeping{Setup: "setup_1", Customer: "customer_1", Card: v.kept, Network: "visa", Last4: "4242", ExpiryYear: 2031, ExpiryMonth: 2}, v.meanwhile(ctx)
}

func (v *vault) Forget(_ context.Context, card string) error {
	if card == v.kept {
		v.kept = ""
	}
	return nil
}

func TestACardThatIsGivenUpWhileTheGatewayIsAskedIsForgotten(t *testing.T) {
	t.Parallel()
	shop := pgtest.NewShop(t)
	m, v := id.New(), &vault{}
	_, err := shop.DB.Pool().Exec(t.Context(), `INSERT INTO accounts (id, role, email, name, created_at, updated_at) VALUES ($1, 'MEMBER', 'hanako@example.jp', '山田', now(), now())`, m)
	require.NoError(t, err)
	s := cardfile.New(cardfile.Parts{
		Tx: shop.DB, Store: postgres.NewCardFile(shop.DB), Keys: idempotency.New(shop.DB, postgres.NewKeys(shop.DB), clock.System), Gateways: v, Events: postgres.NewEvents(shop.DB), Now: clock.System,
	})
	v.meanwhile = func(ctx context.Context) error { // the member leaves
		return postgres.NewCustomers(shop.DB, nil).Forget(ctx, m, time.Now())
	}
	ctx := channel.With(access.With(t.Context(), access.Actor{Role: access.RoleMember, ID: m}), channel.Channel{ID: shop.ChannelID, BrandID: shop.BrandID, Currency: "JPY"})
	saved, err := s.Save(ctx, cardfile.SaveInput{IdempotencyKey: "my-first-card", Token: "pm_card_visa"})
	require.NoError(t, err)
	require.Equal(t, cardfile.Removed, saved.Card.State)
	require.Empty(t, saved.Card.Last4, "nothing of it is noted")
	require.NoError(t, s.Forget(ctx))
	require.Empty(t, v.kept)
}
