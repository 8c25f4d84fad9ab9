package proof_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/scope"
)

func yen(n int64) *decimal.Decimal {
	d := decimal.NewFromInt(n)
	return &d
}

// promote lets campaigns run: one whose discounts have a budget, and one that so many orders,
// and each buyer so often, may use for an amount and a gift, of which there are so many.
func (w *world) promote(t testing.TB) {
	gift := w.shop.AddProduct(t, "present", 300).Variants[0]
	w.shop.SetStock(t, gift, pieces)
	uses, each, gifts := 20, 8, 24
	for _, in := range []promotion.SaveInput{
		{Code: "spring", Name: i18n.JA("春の5%引き"), Conditions: &promotion.ConditionsInput{MinAmount: yen(4000)}, Budget: yen(9000), Benefits: []promotion.BenefitInput{
			{Kind: promotion.OrderPercent, Percent: yen(5)},
		}},
		{Code: "present", Name: i18n.JA("プレゼント"), Goods: []scope.TargetInput{{Kind: scope.Variant, ID: &w.variants[0]}, {Kind: scope.Variant, ID: &w.variants[3]}}, Uses: &uses, PerMember: &each, Benefits: []promotion.BenefitInput{
			{Kind: promotion.OrderAmount, Amount: yen(100)}, {Kind: promotion.FreeGift, VariantID: &gift, Pieces: new(2), Allotment: &gifts},
		}},
	} {
		c, err := w.Campaigns.Save(w.staff, in)
		require.NoError(t, err)
		_, err = w.Campaigns.SetStatus(w.staff, promotion.StatusInput{ID: c.ID, Status: promotion.Ready})
		require.NoError(t, err)
		in.ID = &c.ID
		w.campaigns = append(w.campaigns, in)
	}
}

// campaign lets staff bound a campaign otherwise, or stop it or let it run again.
func (w *world) campaign(d dice) (string, error) {
	in := w.campaigns[d.of(len(w.campaigns))]
	if d.once(3) {
		status := promotion.Ready
		if d.once(3) {
			status = promotion.Stopped
		}
		_, err := w.Campaigns.SetStatus(w.staff, promotion.StatusInput{ID: *in.ID, Status: status})
		return fmt.Sprint(in.Code, " ", status), err
	}
	if in.Budget != nil {
		in.Budget = yen(int64(1000 + d.of(20_000)))
	} else {
		in.Uses = new(5 + d.of(40))
	}
	_, err := w.Campaigns.Save(w.staff, in)
	return in.Code, err
}

// favoured orders what campaigns are for.
func (w *world) favoured(d dice) (string, error) {
	return w.placeOf(d, []uuid.UUID{w.variants[0], w.variants[2], w.variants[3]})
}
