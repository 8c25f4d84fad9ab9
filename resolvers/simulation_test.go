package resolvers_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

type simulation struct {
	ID, Status     string
	Orders, Looked int
	Outcome        *struct {
		Orders, Uses, Changed, Differing, FreeShipped, GiftsMissed, Coupons, PointsOrders  int
		Given, Displaced, SalesBefore, SalesAfter, MarginBefore, MarginAfter, FreeShipping yen
		SpentAt                                                                            *string
		Gifts                                                                              []struct {
			Variant *struct{ ID string }
			Pieces  int
		}
		Days []struct {
			Date         string
			Orders, Uses int
			Given        struct{ Amount string }
		}
		Products []struct {
			Product *struct{ Slug string }
			Given   struct{ Amount string }
		}
	}
}

const simulationFields = `id status orders looked outcome { orders uses changed differing freeShipped giftsMissed coupons pointsOrders
	given { amount } displaced { amount } salesBefore { amount } salesAfter { amount } marginBefore { amount } marginAfter { amount }
	freeShipping { amount } spentAt gifts { variant { id } pieces } days { date orders uses given { amount } }
	products { product { slug } given { amount } } }`

// simulate tries a campaign on the orders of the last hour.
func simulate(t *testing.T, a *apptest.App, input apptest.Variables) simulation {
	t.Helper()
	in := apptest.Variables{"from": time.Now().Add(-time.Hour).UTC().Format(time.RFC3339Nano), "until": time.Now().Add(time.Hour).UTC().Format(time.RFC3339Nano)}
	for k, v := range input {
		in[k] = v
	}
	var got struct {
		SimulateCampaign struct{ Simulation simulation }
	}
	require.Empty(t, write(t, a, promoter, "simulateCampaign", "SimulateCampaignInput", `simulation { `+simulationFields+` }`, in, &got))
	return got.SimulateCampaign.Simulation
}

func TestASimulationForetellsWhatACampaignCosts(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	goods := newShoppingList(t, a)
	// A campaign runs already, and one that ran before has been stopped.
	stopped := runCampaign(t, a, "stopped", apptest.Variables{"benefits": []apptest.Variables{{"kind": "ORDER_PERCENT", "percent": "50"}}})
	require.Empty(t, write(t, a, promoter, "setCampaignStatus", "CampaignStatusInput", `campaign { id }`, apptest.Variables{"id": stopped, "status": "STOPPED"}, nil))
	runCampaign(t, a, "lines", apptest.Variables{"benefits": []apptest.Variables{{"kind": "LINE_PERCENT", "percent": "3"}},
		"goods": []apptest.Variables{{"kind": "PRODUCT", "id": id.Global("Product", goods.goods[1].ID)}}})
	goods.buy(t)
	before := sold(t, a)

	tried := apptest.Variables{"code": "tried", "name": apptest.Variables{"ja": "tried"}, "stacking": "EXCLUSIVE", "budget": "900",
		"conditions": apptest.Variables{"minAmount": "3000"}, "benefits": []apptest.Variables{
			{"kind": "ORDER_PERCENT", "percent": "7.7"}, {"kind": "FREE_SHIPPING", "upTo": "300"},
			{"kind": "GIFT", "variantId": id.Global("Variant", goods.goods[3].Variants[0]), "pieces": 1, "allotment": 1}}}
	described := simulate(t, a, apptest.Variables{"campaign": tried})
	var saved struct {
		SaveCampaign struct{ Campaign struct{ ID string } }
	}
	require.Empty(t, write(t, a, promoter, "saveCampaign", "SaveCampaignInput", `campaign { id }`, tried, &saved))
	campaign := saved.SaveCampaign.Campaign.ID
	foretold := simulate(t, a, apptest.Variables{"campaignId": campaign})
	require.Equal(t, described.Outcome, foretold.Outcome, "kept or described, it is one campaign")
	require.Equal(t, "DONE", foretold.Status)
	require.Zero(t, foretold.Outcome.Differing)
	require.Equal(t, strconv.FormatInt(before, 10), foretold.Outcome.SalesBefore.Amount)
	require.NotNil(t, foretold.Outcome.SpentAt)
	require.Equal(t, 1, foretold.Outcome.Gifts[0].Pieces)

	// The same carts are bought again, with the campaign.
	require.Empty(t, write(t, a, promoter, "setCampaignStatus", "CampaignStatusInput", `campaign { id }`, apptest.Variables{"id": campaign, "status": "READY"}, nil))
	goods.buy(t)
	var came struct {
		CampaignEffect struct {
			Orders int
			Given  struct{ Amount string }
		}
	}
	a.DoAs(t, promoter, `query($c: ID!) { campaignEffect(campaignId: $c) { orders given { amount } } }`, apptest.Variables{"c": campaign}).Into(t, &came)
	require.Equal(t, came.CampaignEffect.Orders, foretold.Outcome.Uses)
	require.Positive(t, foretold.Outcome.Uses)
	require.Equal(t, came.CampaignEffect.Given.Amount, foretold.Outcome.Given.Amount)
	require.Equal(t, strconv.FormatInt(sold(t, a)-before, 10), foretold.Outcome.SalesAfter.Amount)

	// On orders that the campaign was part of, it costs again what it did.
	var again struct{ CampaignSimulation simulation }
	a.DoAs(t, promoter, `query($id: ID!) { campaignSimulation(id: $id) { `+simulationFields+` } }`, apptest.Variables{"id": foretold.ID}).Into(t, &again)
	require.Equal(t, foretold, again.CampaignSimulation)
}

// shoppingList is goods, and carts with pieces of some of them.
type shoppingList struct {
	*apptest.App
	goods  []pgtest.Product
	parcel uuid.UUID
	carts  [][]int
}

func newShoppingList(t *testing.T, a *apptest.App) shoppingList {
	t.Helper()
	l := shoppingList{App: a, parcel: a.AddShipping(t, "parcel", 660), carts: [][]int{{1, 0, 0}, {1, 1, 0}, {0, 2, 1}, {3, 3, 0}, {0, 0, 2}, {5, 0, 1}, {0, 1, 0}}}
	for i, price := range []int64{1980, 1333, 777, 500} {
		p := a.AddProduct(t, fmt.Sprintf("product-%d", i), price)
		exec(t, a, `UPDATE variants SET cost = $2 WHERE id = $1`, p.Variants[0], price/2)
		l.goods = append(l.goods, p)
	}
	return l
}

// buy lets each of the carts become an order, at the price it shows. Where a budget
// runs out in between, the buyer agrees to the new price.
func (l shoppingList) buy(t *testing.T) {
	t.Helper()
	for _, cart := range l.carts {
		guest := &shopper{App: l.App}
		for i, pieces := range cart {
			if pieces > 0 {
				require.Empty(t, guest.add(t, l.goods[i].Variants[0], pieces).UserErrors)
			}
		}
		code := "PRICE_CHANGED"
		for tries := 0; code == "PRICE_CHANGED" && tries < 2; tries++ {
			code = guest.place(t, fmt.Sprintf("intent-%d", tries), guest.fillIn(t, l.parcel).Cart.Total.Amount).code()
		}
		require.Empty(t, code)
	}
}

func sold(t *testing.T, a *apptest.App) (sum int64) {
	t.Helper()
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT coalesce(sum(total), 0)::bigint FROM orders`).Scan(&sum))
	return sum
}

func TestALongSimulationIsAJobWithProgress(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	goods := newShoppingList(t, a)
	goods.carts = goods.carts[:1]
	goods.buy(t)
	// As many more as need a job: copies of the one, each a second earlier.
	exec(t, a, `WITH made AS (
		INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid(), 'number', 'copy-' || n, 'placed_at', o.placed_at - n * interval '1 second'))).*
		FROM orders o, generate_series(1, 450) n RETURNING id)
		INSERT INTO order_lines SELECT (jsonb_populate_record(l, jsonb_build_object('id', gen_random_uuid(), 'order_id', made.id))).* FROM made, order_lines l`)
	tried := apptest.Variables{"campaign": apptest.Variables{"code": "tried", "name": apptest.Variables{"ja": "tried"}, "benefits": off("ORDER_AMOUNT", "100")}}
	asked := simulate(t, a, tried)
	require.Equal(t, "RUNNING", asked.Status)
	require.Equal(t, 451, asked.Orders)
	require.Nil(t, asked.Outcome)
	a.Work(t)
	var got struct{ CampaignSimulation simulation }
	require.Eventually(t, func() bool {
		a.DoAs(t, promoter, `query($id: ID!) { campaignSimulation(id: $id) { `+simulationFields+` } }`, apptest.Variables{"id": asked.ID}).Into(t, &got)
		return got.CampaignSimulation.Status != "RUNNING"
	}, 3*time.Minute, 100*time.Millisecond)
	done := got.CampaignSimulation
	require.Equal(t, "DONE", done.Status)
	require.Equal(t, 451, done.Looked)
	require.Equal(t, 451, done.Outcome.Uses)
	require.Equal(t, "45100", done.Outcome.Given.Amount)
	require.Equal(t, "product-0", done.Outcome.Products[0].Product.Slug)
	require.NoError(t, a.App.Resolvers.Simulator.Work(t.Context(), promotion.SimulateJob{SimulationID: keyOf(t, asked.ID), BrandID: a.BrandID}), "a job that comes twice does nothing")
}

func TestBadSimulationsAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	described := apptest.Variables{"code": "tried", "name": apptest.Variables{"ja": "tried"}, "benefits": off("ORDER_AMOUNT", "100")}
	day := func(n int) string { return time.Now().AddDate(0, 0, n).UTC().Format(time.RFC3339) }
	for name, c := range map[string]struct {
		input apptest.Variables
		code  string
	}{
		"neither":   {apptest.Variables{"from": day(-1), "until": day(0)}, "INVALID"},
		"both":      {apptest.Variables{"from": day(-1), "until": day(0), "campaign": described, "campaignId": id.Global("Campaign", id.New())}, "INVALID"},
		"unknown":   {apptest.Variables{"from": day(-1), "until": day(0), "campaignId": id.Global("Campaign", id.New())}, "NOT_FOUND"},
		"backwards": {apptest.Variables{"from": day(-1), "until": day(-2), "campaign": described}, "WINDOW_INVALID"},
		"future":    {apptest.Variables{"from": day(1), "until": day(2), "campaign": described}, "WINDOW_INVALID"},
		"long":      {apptest.Variables{"from": day(-800), "until": day(0), "campaign": described}, "WINDOW_TOO_LONG"},
		"bad":       {apptest.Variables{"from": day(-1), "until": day(0), "campaign": apptest.Variables{"code": "tried", "name": apptest.Variables{"ja": "x"}, "benefits": off("ORDER_AMOUNT", "-1")}}, "BENEFIT_INVALID"},
	} {
		errors := write(t, a, promoter, "simulateCampaign", "SimulateCampaignInput", `simulation { id }`, c.input, nil)
		require.NotEmpty(t, errors, name)
		require.Equal(t, c.code, errors[0].Code, name)
	}
	require.Zero(t, count(t, a, "campaign_simulations"))
}

type yen struct{ Amount string }

func (y yen) minor(t *testing.T) int { return int(number(t, y.Amount)) }

func number(t *testing.T, text string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(text, 64)
	require.NoError(t, err)
	return n
}

// TestASimulationEndsThoughItsJobIsGone ends what no job works on any more, and leaves
// what one does.
func TestASimulationEndsThoughItsJobIsGone(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	for _, working := range []bool{true, false} {
		key := id.New()
		exec(t, a, `INSERT INTO campaign_simulations (id, brand_id, actor_id, campaign, from_at, until_at, time_zone, status, orders, created_at)
			VALUES ($1, $2, $1, '{}', '2026-01-01', '2026-02-01', 'Asia/Tokyo', 'RUNNING', 900, now())`, key, a.BrandID)
		if working {
			exec(t, a, `INSERT INTO river_job (kind, args, max_attempts, queue, state) VALUES ('campaign_simulation', jsonb_build_object('simulation', $1::text), 4, 'default', 'retryable')`, key)
		}
		require.NoError(t, a.App.Resolvers.Simulator.EndAbandoned(t.Context()))
		var got struct {
			CampaignSimulation struct {
				Status  string
				Failure *string
			}
		}
		a.DoAs(t, promoter, `query($id: ID!) { campaignSimulation(id: $id) { status failure } }`, apptest.Variables{"id": id.Global("CampaignSimulation", key)}).Into(t, &got)
		if working {
			require.Equal(t, "RUNNING", got.CampaignSimulation.Status)
			require.Nil(t, got.CampaignSimulation.Failure)
			continue
		}
		require.Equal(t, "FAILED", got.CampaignSimulation.Status)
		require.Contains(t, *got.CampaignSimulation.Failure, "もう一度実行")
	}
}
