package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// A card of another shop's member, who has an account, says at the till that it is good, and
// neither whose it is nor, by trying on, which others are.
func TestACardTellsTheTillNothingOfItsMember(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	umeda := openShop(t, s.App, "umeda", "OSAKA", map[uuid.UUID]int{s.leash: 4})
	hanako := newCustomer(t, s.App, "hanako@example.jp")
	hanako.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	require.Empty(t, hanako.change(t, "updateProfile", apptest.Variables{"name": "山田 花子"}).UserErrors)
	var number string
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, hanako.id)).Scan(&number))
	clerk := clerkOf(umeda)
	sell := func(more apptest.Variables) (quote, order, code string) {
		input := with(apptest.Variables{
			"idempotencyKey": s.key(), "shopId": id.Global("Location", umeda), "lines": []apptest.Variables{pieceOf(s.leash, 1)}, "cardNumber": number, "dryRun": true,
		}, "tenders", []apptest.Variables{{"method": "CASH"}})
		for name, value := range more {
			input[name] = value
		}
		var got struct {
			RecordShopSale struct {
				Quote      struct{ Email string }
				Order      struct{ Email string }
				UserErrors []userError
			}
		}
		s.DoAs(t, clerk, `mutation($input: RecordShopSaleInput!) { recordShopSale(input: $input) { quote { email } order { email } userErrors { code field } } }`, in(input)).Into(t, &got)
		if len(got.RecordShopSale.UserErrors) > 0 {
			code = got.RecordShopSale.UserErrors[0].Code
		}
		return got.RecordShopSale.Quote.Email, got.RecordShopSale.Order.Email, code
	}
	quote, _, code := sell(nil)
	require.Empty(t, code+quote)
	_, order, code := sell(apptest.Variables{"dryRun": false, "expectedTotal": "1980"})
	require.Empty(t, code)
	require.Equal(t, "h***@***", order, "what they bought here tells no more")

	wrong := apptest.Variables{"cardNumber": "2900000000018"}
	for range 20 {
		_, _, code = sell(wrong)
		require.Equal(t, "MEMBER_CARD_INVALID", code)
	}
	for _, now := range []apptest.Variables{wrong, nil} {
		_, _, code = sell(now)
		require.Equal(t, "MEMBER_CARD_TRIES", code, "a good one is not told apart any more")
	}
	clerk = clerkOf(umeda)
	_, _, code = sell(nil)
	require.Empty(t, code, "the clerk at the next till goes on")
}
