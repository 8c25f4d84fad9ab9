package resolvers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// campaignOperations are those of campaigns and coupons. They are asked in shops of
// their own, since a running campaign changes what a cart costs.
var campaignOperations = map[string]clientOperation{
	"admin/CampaignList": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.campaign(t)
		}
		return nil
	})},
	"admin/CampaignDetail": {1, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.campaign(t)} })},
	"admin/CampaignCoupons": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		campaign := w.campaign(t)
		codesOf(t, w.App, campaign, apptest.Variables{"count": w.size})
		return apptest.Variables{"campaignId": campaign}
	})},
	"admin/SaveCampaign": {7, input(func(_ *testing.T, w *world) apptest.Variables {
		return with(with(w.newCampaign(), "code", w.key()), "name", apptest.Variables{"ja": "秋の福袋"})
	})},
	"admin/SetCampaignStatus": {7, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"id": w.campaign(t), "status": "STOPPED"}
	})},
	"admin/IssueCoupons": {7, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "campaignId": w.campaign(t), "count": w.size}
	})},
	"admin/IssueCouponsToSegment": {15, input(func(t *testing.T, w *world) apptest.Variables {
		w.guest(t, "09011112222")
		return apptest.Variables{"idempotencyKey": w.key(), "campaignId": w.campaign(t), "segmentId": w.segment(t)}
	})},
	"admin/CouponBatch": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		w.guest(t, "09011112222")
		return apptest.Variables{"id": w.made(t, "issueCouponsToSegment", "batch", apptest.Variables{"idempotencyKey": w.key(), "campaignId": w.campaign(t), "segmentId": w.segment(t)})}
	})},
	"admin/VoidCoupons": {4, input(func(t *testing.T, w *world) apptest.Variables {
		campaign := w.campaign(t)
		codesOf(t, w.App, campaign, apptest.Variables{"count": w.size})
		var got struct {
			Coupons struct{ Nodes []struct{ ID string } }
		}
		w.Do(t, `query($c: ID!) { coupons(campaignId: $c, first: 50) { nodes { id } } }`, apptest.Variables{"c": campaign}, w.admin...).Into(t, &got)
		require.Len(t, got.Coupons.Nodes, w.size)
		ids := make([]string, w.size)
		for i, c := range got.Coupons.Nodes {
			ids[i] = c.ID
		}
		return apptest.Variables{"ids": ids}
	})},

	"admin/CampaignEffect": {2, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"campaignId": w.campaign(t)} })},

	"admin/SimulateCampaign": {18, input(func(t *testing.T, w *world) apptest.Variables {
		return with(lastDay(), "campaignId", w.bought(t))
	})},
	"admin/CampaignSimulation": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		w.office(t)
		return apptest.Variables{"id": simulate(t, w.App, apptest.Variables{"campaignId": w.bought(t)}).ID}
	})},

	"app/RunningCampaigns": {0, running},
	"web/RunningCampaigns": {0, running},
	"app/MyCoupons":        {1, ownCoupons},
	"web/MyCoupons":        {1, ownCoupons},
	"app/CartOffers":       {5, offersOf},
	"web/CartOffers":       {5, offersOf},
	"app/ApplyCoupon":      {7, entering},
	"web/ApplyCoupon":      {7, entering},
	"app/RemoveCoupon":     {6, takingOut},
	"web/RemoveCoupon":     {6, takingOut},
}

// newCampaign takes something off each of as many products as the world is large.
func (w *world) newCampaign() apptest.Variables {
	goods := make([]apptest.Variables, len(w.variants))
	for i, v := range w.variants {
		goods[i] = target("VARIANT", "Variant", v)
	}
	return apptest.Variables{"goods": goods, "benefits": off("LINE_AMOUNT", "10"), "needsCoupon": true}
}

// campaign is a running one, for those who enter a code.
func (w *world) campaign(t *testing.T) string {
	t.Helper()
	w.office(t)
	return runCampaign(t, w.App, w.key(), w.newCampaign())
}

// running is asked by anybody while so many campaigns run.
func running(t *testing.T, w *world) question {
	for range w.size {
		runCampaign(t, w.App, w.key(), with(w.newCampaign(), "needsCoupon", false))
	}
	return question{nil, nil}
}

// ownCoupons is asked by a member who was given so many coupons.
func ownCoupons(t *testing.T, w *world) question {
	c := newCustomer(t, w.App, w.email())
	for range w.size {
		codesOf(t, w.App, w.campaign(t), apptest.Variables{"count": 1, "memberId": c.id})
	}
	return question{nil, c.headers()}
}

// couponed is a cart with a line of every product and a coupon.
func (w *world) couponed(t *testing.T) (cart []string, coupon string) {
	t.Helper()
	q := entering(t, w)
	var got struct{ ApplyCoupon couponAnswer }
	w.Do(t, `mutation($input: ApplyCouponInput!) { applyCoupon(input: $input) { cart { coupons { id applied } } userErrors { code } } }`, q.variables, q.headers...).Into(t, &got)
	require.Empty(t, got.ApplyCoupon.UserErrors)
	return q.headers, got.ApplyCoupon.Cart.Coupons[0].ID
}

func offersOf(t *testing.T, w *world) question {
	cart, _ := w.couponed(t)
	return question{nil, cart}
}

func entering(t *testing.T, w *world) question {
	return question{in(apptest.Variables{"code": codesOf(t, w.App, w.campaign(t), apptest.Variables{"count": 1})[0]}), w.filled(t)}
}

func takingOut(t *testing.T, w *world) question {
	cart, coupon := w.couponed(t)
	return question{in(apptest.Variables{"couponId": coupon}), cart}
}

// bought is a campaign that takes something off all goods, in a shop where as many of
// them as the world is large have been ordered.
func (w *world) bought(t *testing.T) string {
	t.Helper()
	w.office(t)
	guest := &shopper{App: w.App}
	for _, v := range w.variants {
		require.Empty(t, guest.add(t, v, 1).UserErrors)
	}
	require.Empty(t, guest.place(t, w.key(), guest.fillIn(t, w.parcel).Cart.Total.Amount).code())
	return w.campaign(t)
}

func lastDay() apptest.Variables {
	return apptest.Variables{"from": time.Now().Add(-24 * time.Hour).UTC().Format(time.RFC3339), "until": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
}
