package resolvers_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/promotion"
)

var promoter = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.CampaignRead, access.CampaignWrite}}

// runCampaign makes a campaign and lets it run; the input says what is special.
func runCampaign(t *testing.T, a *apptest.App, code string, input apptest.Variables) string {
	t.Helper()
	in := apptest.Variables{"code": code, "name": apptest.Variables{"ja": code}}
	for k, v := range input {
		in[k] = v
	}
	var saved struct {
		SaveCampaign struct{ Campaign struct{ ID, Status string } }
	}
	require.Empty(t, write(t, a, promoter, "saveCampaign", "SaveCampaignInput", `campaign { id status }`, in, &saved))
	require.Equal(t, "DRAFT", saved.SaveCampaign.Campaign.Status)
	campaign := saved.SaveCampaign.Campaign.ID
	require.Empty(t, write(t, a, promoter, "setCampaignStatus", "CampaignStatusInput", `campaign { id }`, apptest.Variables{"id": campaign, "status": "READY"}, nil))
	return campaign
}

func off(kind, amount string) []apptest.Variables {
	return []apptest.Variables{{"kind": kind, "amount": amount}}
}

// codesOf issues codes of a campaign.
func codesOf(t *testing.T, a *apptest.App, campaign string, input apptest.Variables) []string {
	t.Helper()
	in := apptest.Variables{"idempotencyKey": uuid.NewString(), "campaignId": campaign}
	for k, v := range input {
		in[k] = v
	}
	var got struct{ IssueCoupons struct{ CSV string } }
	require.Empty(t, write(t, a, promoter, "issueCoupons", "IssueCouponsInput", `count csv`, in, &got))
	lines := strings.Split(strings.TrimSpace(got.IssueCoupons.CSV), "\n")
	require.Equal(t, "code", lines[0])
	return lines[1:]
}

type couponAnswer struct {
	Cart *struct {
		Total   struct{ Amount string }
		Coupons []struct {
			ID      string
			Applied bool
			Problem *struct{ Code string }
		}
	}
	UserErrors []userError
}

func (s *shopper) enter(t testing.TB, code string) (couponAnswer, string) {
	t.Helper()
	var got struct{ ApplyCoupon couponAnswer }
	s.Do(t, `mutation($c: String!) { applyCoupon(input: {code: $c}) { cart { total { amount } coupons { id applied problem { code } } } userErrors { code } } }`,
		apptest.Variables{"c": code}, "X-Cart-Token", s.token).Into(t, &got)
	if len(got.ApplyCoupon.UserErrors) > 0 {
		return got.ApplyCoupon, got.ApplyCoupon.UserErrors[0].Code
	}
	return got.ApplyCoupon, ""
}

func totals(t *testing.T, a *apptest.App, campaign string) (given int64, uses int) {
	t.Helper()
	_, key, err := id.Parse(campaign)
	require.NoError(t, err)
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT given, uses FROM campaign_totals WHERE campaign_id = $1`, key).Scan(&given, &uses))
	return given, uses
}

func TestACampaignHoldsFromTheNextQuoteOnAndEndsWhenItIsStopped(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	guest := &shopper{App: a}
	require.Equal(t, "1980", guest.add(t, leash.Variants[0], 1).Cart.Total.Amount)
	campaign := runCampaign(t, a, "sale", apptest.Variables{"benefits": []apptest.Variables{{"kind": "LINE_PERCENT", "percent": "10"}}})
	total := func() string {
		var got struct {
			Cart struct{ Total struct{ Amount string } }
		}
		a.Do(t, `{ cart { total { amount } } }`, nil, "X-Cart-Token", guest.token).Into(t, &got)
		return got.Cart.Total.Amount
	}
	require.Equal(t, "1782", total())
	var running struct{ Campaigns []struct{ Name string } }
	a.Do(t, `{ campaigns { name } }`, nil).Into(t, &running)
	require.Equal(t, "sale", running.Campaigns[0].Name)
	require.Empty(t, write(t, a, promoter, "setCampaignStatus", "CampaignStatusInput", `campaign { id }`, apptest.Variables{"id": campaign, "status": "STOPPED"}, nil))
	require.Equal(t, "1980", total())
}

func TestBadCampaignsAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	for field, c := range map[string]struct {
		input apptest.Variables
		code  string
	}{
		"window":      {apptest.Variables{"validFrom": "2026-12-02T00:00:00Z", "validUntil": "2026-12-01T00:00:00Z", "benefits": off("ORDER_AMOUNT", "100")}, "WINDOW_INVALID"},
		"none":        {apptest.Variables{"benefits": []apptest.Variables{}}, "BENEFIT_MISSING"},
		"percent":     {apptest.Variables{"benefits": []apptest.Variables{{"kind": "ORDER_PERCENT", "percent": "101"}}}, "BENEFIT_INVALID"},
		"negative":    {apptest.Variables{"benefits": off("ORDER_AMOUNT", "-1")}, "BENEFIT_INVALID"},
		"two":         {apptest.Variables{"benefits": append(off("ORDER_AMOUNT", "1"), off("LINE_AMOUNT", "1")...)}, "BENEFITS_CONFLICT"},
		"set":         {apptest.Variables{"benefits": off("SET_PRICE", "1000")}, "COMBINATION_MISSING"},
		"hours":       {apptest.Variables{"benefits": off("ORDER_AMOUNT", "1"), "recurrence": apptest.Variables{"from": 60}}, "RECURRENCE_INVALID"},
		"unknown":     {apptest.Variables{"benefits": off("ORDER_AMOUNT", "1"), "goods": []apptest.Variables{{"kind": "PRODUCT", "id": id.Global("Product", id.New())}}}, "SCOPE_UNKNOWN"},
		"budget zero": {apptest.Variables{"benefits": off("ORDER_AMOUNT", "1"), "budget": "0"}, "LIMIT_INVALID"},
	} {
		in := apptest.Variables{"code": "bad", "name": apptest.Variables{"ja": "bad"}}
		for k, v := range c.input {
			in[k] = v
		}
		errors := write(t, a, promoter, "saveCampaign", "SaveCampaignInput", `campaign { id }`, in, nil)
		require.NotEmpty(t, errors, field)
		require.Equal(t, c.code, errors[0].Code, field)
	}
}

func TestCouponsSayWhyTheyCannotBeUsed(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	campaign := runCampaign(t, a, "coupon", apptest.Variables{
		"benefits": off("ORDER_AMOUNT", "300"), "needsCoupon": true, "conditions": apptest.Variables{"minAmount": "3000"},
	})
	guest := &shopper{App: a}
	guest.add(t, leash.Variants[0], 1)

	codes := codesOf(t, a, campaign, apptest.Variables{"count": 2})
	require.Len(t, codes, 2)
	entered, code := guest.enter(t, strings.ToLower(codes[0]))
	require.Empty(t, code)
	require.False(t, entered.Cart.Coupons[0].Applied)
	require.Equal(t, "COUPON_NOT_APPLICABLE", entered.Cart.Coupons[0].Problem.Code, "1,980 is less than 3,000")
	guest.add(t, leash.Variants[0], 1)
	entered, code = guest.enter(t, codes[0])
	require.Empty(t, code, "entered twice is entered once")
	require.True(t, entered.Cart.Coupons[0].Applied)
	require.Equal(t, "3660", entered.Cart.Total.Amount)

	wrong := []byte(codes[1])
	wrong[0] = 'A' + (wrong[0]-'A'+1)%26
	if wrong[0] == codes[1][0] {
		wrong[0] = 'Z'
	}
	_, code = guest.enter(t, string(wrong))
	require.Equal(t, "COUPON_MISTYPED", code)
	_, code = guest.enter(t, "NOSUCHCODE")
	require.Equal(t, "COUPON_UNKNOWN", code)
	over := codesOf(t, a, campaign, apptest.Variables{"sharedCode": "summer25", "validUntil": "2026-01-01T00:00:00Z"})
	require.Equal(t, "SUMMER25", over[0])
	_, code = guest.enter(t, "Summer25")
	require.Equal(t, "COUPON_EXPIRED", code)
	others := codesOf(t, a, campaign, apptest.Variables{"count": 1, "memberId": id.Global("Account", id.New())})
	_, code = guest.enter(t, others[0])
	require.Equal(t, "COUPON_NOT_YOURS", code)

	var list struct {
		Coupons struct {
			Nodes []struct {
				ID, Hint string
				Code     *string
			}
		}
	}
	a.DoAs(t, promoter, `query($c: ID!) { coupons(campaignId: $c) { nodes { id hint code } } }`, apptest.Variables{"c": campaign}).Into(t, &list)
	require.Len(t, list.Coupons.Nodes, 4)
	for _, c := range list.Coupons.Nodes {
		if strings.HasSuffix(codes[0], c.Hint) {
			require.Nil(t, c.Code, "noren does not keep it")
			require.Empty(t, write(t, a, promoter, "voidCoupons", "VoidCouponsInput", `count`, apptest.Variables{"ids": []string{c.ID}}, nil))
		}
	}
	guest.fillIn(t, a.AddShipping(t, "parcel", 0))
	require.Equal(t, "PRICE_CHANGED", guest.place(t, "intent-1", "3660").code(), "voided between cart and order")
	require.Empty(t, guest.place(t, "intent-1", "3960").UserErrors)
}

func TestTwoOrdersNeverSpendOneCoupon(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	method := a.AddShipping(t, "parcel", 0)
	campaign := runCampaign(t, a, "coupon", apptest.Variables{"benefits": off("ORDER_AMOUNT", "300"), "needsCoupon": true})
	code := codesOf(t, a, campaign, apptest.Variables{"count": 1})[0]
	guests := make([]*shopper, 8)
	for i := range guests {
		guests[i] = &shopper{App: a}
		guests[i].add(t, leash.Variants[0], 1)
		guests[i].fillIn(t, method)
		_, refused := guests[i].enter(t, code)
		require.Empty(t, refused)
	}
	answers := make([]orderAnswer, len(guests))
	var group sync.WaitGroup
	for i, g := range guests {
		group.Go(func() { answers[i] = g.place(t, "intent-1", "1680") })
	}
	group.Wait()
	spent := -1
	for i, answer := range answers {
		if answer.code() == "" {
			require.Equal(t, -1, spent, "spent twice")
			spent = i
			continue
		}
		require.Contains(t, []string{"COUPON_USED", "PRICE_CHANGED"}, answer.code())
	}
	require.NotEqual(t, -1, spent)
	requireStock(t, a, leash.Variants[0], 100, 1)

	var cancelled struct{ CancelOrder orderAnswer }
	guests[spent].Do(t, `mutation($id: ID!) { cancelOrder(input: {`+aKey()+` orderId: $id}) { `+orderFields+` } }`,
		apptest.Variables{"id": answers[spent].Order.ID}, "X-Cart-Token", guests[spent].token).Into(t, &cancelled)
	require.Empty(t, cancelled.CancelOrder.UserErrors)
	var effect struct {
		CampaignEffect struct {
			Orders, Returned int
			Given            struct{ Amount string }
		}
	}
	ask := `query($c: ID!) { campaignEffect(campaignId: $c) { orders returned given { amount } } }`
	a.DoAs(t, promoter, ask, apptest.Variables{"c": campaign}).Into(t, &effect)
	require.Zero(t, effect.CampaignEffect.Orders)
	require.Equal(t, 1, effect.CampaignEffect.Returned)
	again := guests[(spent+1)%len(guests)]
	require.Empty(t, again.place(t, "intent-2", "1680").UserErrors, "a cancelled order gives its coupon back")
	a.DoAs(t, promoter, ask, apptest.Variables{"c": campaign}).Into(t, &effect)
	require.Equal(t, 1, effect.CampaignEffect.Orders)
	require.Equal(t, "300", effect.CampaignEffect.Given.Amount)
}

func TestManyOrdersNeverExceedABudget(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	method := a.AddShipping(t, "parcel", 0)
	campaign := runCampaign(t, a, "budget", apptest.Variables{"benefits": off("ORDER_AMOUNT", "300"), "budget": "3100"})
	guests := make([]*shopper, 64)
	for i := range guests {
		guests[i] = &shopper{App: a}
		guests[i].add(t, leash.Variants[0], 1)
		guests[i].fillIn(t, method)
	}
	var sold, changed atomic.Int32
	var group sync.WaitGroup
	for i, g := range guests {
		group.Go(func() {
			switch code := g.place(t, fmt.Sprintf("intent-%d", i), "1680").code(); code {
			case "":
				sold.Add(1)
			case "PRICE_CHANGED":
				changed.Add(1)
			default:
				t.Errorf("order %d: %s", i, code)
			}
		})
	}
	group.Wait()
	given, uses := totals(t, a, campaign)
	require.Equal(t, int32(10), sold.Load(), "3,100 holds ten times 300")
	require.Equal(t, int32(54), changed.Load())
	require.Equal(t, int64(3000), given)
	require.Equal(t, 10, uses)
	requireStock(t, a, leash.Variants[0], 100, 10)
	var kept int64
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT coalesce(sum(discount), 0) FROM orders`).Scan(&kept))
	require.Equal(t, given, kept, "what the campaign counts is what the orders say")
}

func TestGiftsComeFromStockAndTheirAllotment(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	bowl := a.AddProduct(t, "bowl", 500)
	method := a.AddShipping(t, "parcel", 0)
	runCampaign(t, a, "gift", apptest.Variables{"goods": []apptest.Variables{{"kind": "PRODUCT", "id": id.Global("Product", leash.ID)}},
		"benefits": []apptest.Variables{{"kind": "GIFT", "variantId": id.Global("Variant", bowl.Variants[0]), "pieces": 1, "allotment": 1}}})
	buy := func(fields string) (missed []string, lines []string, order string) {
		guest := &shopper{App: a}
		guest.add(t, leash.Variants[0], 1)
		guest.fillIn(t, method)
		var got struct {
			PlaceOrder struct {
				Order struct {
					ID          string
					MissedGifts []string
					Lines       []struct {
						SKU   string
						Total struct{ Amount string }
					}
				}
				UserErrors []userError
			}
		}
		guest.Do(t, `mutation { placeOrder(input: {idempotencyKey: "intent-1", expectedTotal: "1980", paymentMethod: BANK_TRANSFER}) {
			order { id missedGifts lines { sku total { amount } } } userErrors { code } } }`, nil, "X-Cart-Token", guest.token).Into(t, &got)
		require.Empty(t, got.PlaceOrder.UserErrors, fields)
		for _, l := range got.PlaceOrder.Order.Lines {
			lines = append(lines, l.Total.Amount)
		}
		return got.PlaceOrder.Order.MissedGifts, lines, got.PlaceOrder.Order.ID
	}
	missed, lines, first := buy("the first")
	require.Empty(t, missed)
	require.Equal(t, []string{"1980", "0"}, lines)
	requireStock(t, a, bowl.Variants[0], 100, 1)
	missed, lines, _ = buy("the second")
	require.Len(t, missed, 1, "the allotment is gone: the buyer is told, the order goes on")
	require.Equal(t, []string{"1980"}, lines)
	requireStock(t, a, bowl.Variants[0], 100, 1)
	clerk := counter{a, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead, access.OrderWrite}}}
	require.Empty(t, clerk.act(t, "cancelOrder", apptest.Variables{"orderId": first}).UserErrors)
	requireStock(t, a, bowl.Variants[0], 100, 0)
	missed, _, _ = buy("after the first was cancelled")
	require.Empty(t, missed, "a cancelled order gives its gift back")
}

func TestAnOrderStopsAtAGiftThatItMustHave(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	bowl := a.AddProduct(t, "bowl", 500)
	a.SetStock(t, bowl.Variants[0], 0)
	runCampaign(t, a, "gift", apptest.Variables{"benefits": []apptest.Variables{{"kind": "GIFT", "variantId": id.Global("Variant", bowl.Variants[0]), "pieces": 1, "required": true}}})
	guest := &shopper{App: a}
	guest.add(t, leash.Variants[0], 1)
	guest.fillIn(t, a.AddShipping(t, "parcel", 0))
	require.Equal(t, "GIFT_SOLD_OUT", guest.place(t, "intent-1", "1980").code())
	requireStock(t, a, leash.Variants[0], 100, 0)
}

func TestACampaignBeginsWhenItsPeriodDoes(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	guest := &shopper{App: a}
	guest.add(t, leash.Variants[0], 1)
	version := func() (n int) {
		require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT version FROM rulebooks WHERE brand_id = $1`, a.BrandID).Scan(&n))
		return n
	}
	soon := time.Now().Add(2 * time.Second).Truncate(time.Microsecond)
	runCampaign(t, a, "soon", apptest.Variables{"benefits": off("ORDER_AMOUNT", "100"), "validFrom": soon.UTC().Format(time.RFC3339Nano)})
	before := version()
	a.Work(t)
	require.Eventually(t, func() bool { return version() > before }, 3*time.Minute, 100*time.Millisecond, "the job moves the rules")
	var got struct {
		Cart struct{ Total struct{ Amount string } }
	}
	a.Do(t, `{ cart { total { amount } } }`, nil, "X-Cart-Token", guest.token).Into(t, &got)
	require.Equal(t, strconv.Itoa(1880), got.Cart.Total.Amount)
	var events int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = 'campaign.started'`).Scan(&events))
	require.Equal(t, 1, events)
}

func TestAShippedOrderEarnsItsCouponOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	next := runCampaign(t, a, "next", apptest.Variables{"benefits": off("ORDER_AMOUNT", "500"), "needsCoupon": true})
	runCampaign(t, a, "thanks", apptest.Variables{"benefits": []apptest.Variables{{"kind": "COUPON", "issues": next}}})
	guest, placed := ordered(t, a, leash.Variants[0], a.AddShipping(t, "parcel", 0))
	member := id.New()
	_, orderKey, err := id.Parse(placed.Order.ID)
	require.NoError(t, err)
	_, err = a.DB.Pool().Exec(t.Context(), `UPDATE orders SET member_id = $2 WHERE id = $1`, orderKey, member)
	require.NoError(t, err)
	a.Work(t)
	clerk := counter{a, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead, access.OrderWrite}}}
	clerk.receive(t, placed.Order.ID, "1980")
	clerk.ship(t, placed.Order.ID)
	var mine struct {
		MyCoupons []struct{ ID, Campaign string }
	}
	buyer := access.Actor{Role: access.RoleMember, ID: member}
	require.Eventually(t, func() bool {
		a.DoAs(t, buyer, `{ myCoupons { id campaign } }`, nil).Into(t, &mine)
		return len(mine.MyCoupons) == 1
	}, 3*time.Minute, 100*time.Millisecond)
	require.NoError(t, a.App.Resolvers.Campaigns.Grant(t.Context(), promotion.GrantJob{OrderID: orderKey, BrandID: a.BrandID}))
	a.DoAs(t, buyer, `{ myCoupons { id campaign } }`, nil).Into(t, &mine)
	require.Len(t, mine.MyCoupons, 1, "granted twice is granted once")

	use := `mutation($c: ID!) { applyCoupon(input: {couponId: $c}) { cart { total { amount } coupons { applied } } userErrors { code } } }`
	in := apptest.Variables{"c": mine.MyCoupons[0].ID}
	a.DoAs(t, buyer, `mutation($v: ID!) { addCartLine(input: {variantId: $v}) { userErrors { code } } }`,
		apptest.Variables{"v": id.Global("Variant", leash.Variants[0])})
	var got struct{ ApplyCoupon couponAnswer }
	a.DoAs(t, buyer, use, in).Into(t, &got)
	require.Empty(t, got.ApplyCoupon.UserErrors)
	require.Equal(t, "1480", got.ApplyCoupon.Cart.Total.Amount)
	guest.add(t, leash.Variants[0], 1)
	guest.Do(t, use, in, "X-Cart-Token", guest.token).Into(t, &got)
	require.Equal(t, "REQUIRED", got.ApplyCoupon.UserErrors[0].Code, "a guest has no coupons")
}
