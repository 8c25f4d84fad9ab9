package resolvers_test

import (
	"cmp"
	"fmt"
	"math"
	"regexp"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/sealing"
)

func TestCouponCodesCannotBeGuessedAtWill(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	campaign := runCampaign(t, a, "coupon", apptest.Variables{"benefits": off("ORDER_AMOUNT", "300"), "needsCoupon": true})
	right := codesOf(t, a, campaign, apptest.Variables{"sharedCode": "WELCOME"})[0]
	guesser := &shopper{App: a}
	guesser.add(t, leash.Variants[0], 1)
	for i := range 10 {
		_, code := guesser.enter(t, fmt.Sprintf("GUESS%d", i))
		require.Equal(t, "COUPON_UNKNOWN", code)
	}
	answer, code := guesser.enter(t, right)
	require.Equal(t, "COUPON_TRIES", code, "also the right one: or guessing would go on")
	require.Regexp(t, regexp.MustCompile(`\d+秒後`), message(t, guesser, right))
	require.Nil(t, answer.Cart)

	other := &shopper{App: a}
	other.add(t, leash.Variants[0], 1)
	_, code = other.enter(t, right)
	require.Empty(t, code, "another buyer behind the same address may still enter one")
	refused := 0
	for i := range 60 {
		fresh := &shopper{App: a}
		fresh.add(t, leash.Variants[0], 1)
		if _, code = fresh.enter(t, fmt.Sprintf("GUESS%d", i)); code == "COUPON_TRIES" {
			refused++
		}
	}
	require.InDelta(t, 11, refused, 2, "one address has 60 tries, however many carts it makes")
}

// message is what a buyer reads who enters a code.
func message(t *testing.T, s *shopper, code string) string {
	t.Helper()
	var got struct {
		ApplyCoupon struct{ UserErrors []struct{ Message string } }
	}
	s.Do(t, `mutation($c: String!) { applyCoupon(input: {code: $c}) { userErrors { message } } }`, apptest.Variables{"c": code},
		"X-Cart-Token", s.token, "Accept-Language", "ja").Into(t, &got)
	require.Len(t, got.ApplyCoupon.UserErrors, 1)
	return got.ApplyCoupon.UserErrors[0].Message
}

// TestOneMemberIsCountedOverManyOrdersAtOnce lets one member order in 64 channels at
// once, each with a cart of its own.
func TestOneMemberIsCountedOverManyOrdersAtOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1000)
	method := a.AddShipping(t, "parcel", 0)
	const carts = 64
	exec(t, a, `INSERT INTO channels SELECT (jsonb_populate_record(c, jsonb_build_object('id', gen_random_uuid(), 'code', 'ch-' || n))).*
		FROM channels c, generate_series(1, 64) n WHERE c.brand_id = $1`, a.BrandID)
	exec(t, a, `INSERT INTO product_listings (product_id, channel_id, published_at, min_price, max_price, in_stock, name_key)
		SELECT l.product_id, c.id, l.published_at, l.min_price, l.max_price, l.in_stock, l.name_key
		FROM product_listings l, channels c WHERE c.code LIKE 'ch-%'`)
	a = apptest.Serve(t, a.Shop, app.Config{Secret: app.DevSecret, Dev: true, AssetConfig: app.AssetConfig{AssetsDir: t.TempDir()}})
	campaign := runCampaign(t, a, "twice", apptest.Variables{"benefits": off("ORDER_AMOUNT", "100"), "perMember": 2})
	member := newCustomer(t, a, "hanako@example.jp")
	in := func(n int, query string, variables apptest.Variables, into any) {
		a.Do(t, query, variables, "Authorization", member.bearer, "X-Noren-Channel", fmt.Sprintf("ch-%d", n)).Into(t, into)
	}
	for n := 1; n <= carts; n++ {
		var got struct {
			AddCartLine, UpdateCart cartAnswer
		}
		in(n, `mutation($v: ID!) { addCartLine(input: {variantId: $v}) { `+cartFields+` } }`, apptest.Variables{"v": id.Global("Variant", leash.Variants[0])}, &got)
		require.Empty(t, got.AddCartLine.UserErrors)
		in(n, `mutation($m: ID!) { updateCart(input: {email: "hanako@example.jp", shippingMethodId: $m, shippingAddress: {
			name: "山田 花子", postalCode: "150-0001", prefecture: TOKYO, city: "渋谷区", line1: "神宮前1-2-3", phone: "03-1234-5678"}}) { `+cartFields+` } }`,
			apptest.Variables{"m": id.Global("ShippingMethod", method)}, &got)
		require.Equal(t, "900", got.UpdateCart.Cart.Total.Amount)
	}
	var placed, changed atomic.Int32
	var all sync.WaitGroup
	for n := 1; n <= carts; n++ {
		all.Go(func() {
			var got struct{ PlaceOrder orderAnswer }
			in(n, `mutation($k: String!) { placeOrder(input: {idempotencyKey: $k, expectedTotal: "900", paymentMethod: BANK_TRANSFER}) { `+orderFields+` } }`,
				apptest.Variables{"k": fmt.Sprintf("intent-%d", n)}, &got)
			switch code := got.PlaceOrder.code(); code {
			case "":
				placed.Add(1)
			case "PRICE_CHANGED":
				changed.Add(1)
			default:
				t.Errorf("order %d: %s", n, code)
			}
		})
	}
	all.Wait()
	require.EqualValues(t, 2, placed.Load())
	require.EqualValues(t, carts-2, changed.Load())
	var uses int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT uses FROM campaign_buyers WHERE campaign_id = $1 AND buyer_id = $2`, keyOf(t, campaign), keyOf(t, member.id)).Scan(&uses))
	require.Equal(t, 2, uses)
}

func TestACouponThatExpiresInTheCartIsNotUsed(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	campaign := runCampaign(t, a, "coupon", apptest.Variables{"benefits": off("ORDER_AMOUNT", "300"), "needsCoupon": true})
	guest := &shopper{App: a}
	guest.add(t, leash.Variants[0], 1)
	guest.fillIn(t, a.AddShipping(t, "parcel", 0))
	entered, code := guest.enter(t, codesOf(t, a, campaign, apptest.Variables{"count": 1})[0])
	require.Empty(t, code)
	require.Equal(t, "1680", entered.Cart.Total.Amount)
	exec(t, a, `UPDATE coupons SET valid_until = now() - interval '1 second', valid_from = now() - interval '1 day'`)
	require.Equal(t, "PRICE_CHANGED", guest.place(t, "intent-1", "1680").code())
	var got struct {
		Cart struct {
			Coupons []struct{ Problem struct{ Code string } }
		}
	}
	a.Do(t, `{ cart { coupons { problem { code } } } }`, nil, "X-Cart-Token", guest.token).Into(t, &got)
	require.Equal(t, "COUPON_EXPIRED", got.Cart.Coupons[0].Problem.Code)
	require.Empty(t, guest.place(t, "intent-2", "1980").code())
	require.Zero(t, count(t, a, "campaign_uses"))
}

func TestGiftsCountAgainstWhatOneCustomerMayHave(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, coat := a.AddProduct(t, "leash", 1000), a.AddProduct(t, "coat", 500)
	method := a.AddShipping(t, "parcel", 0)
	sellAs(t, a, coat.Variants[0], apptest.Variables{"kind": "LIMITED", "perCustomer": 2})
	runCampaign(t, a, "gift", apptest.Variables{"goods": []apptest.Variables{{"kind": "PRODUCT", "id": id.Global("Product", leash.ID)}},
		"benefits": []apptest.Variables{{"kind": "GIFT", "variantId": id.Global("Variant", coat.Variants[0]), "pieces": 1}}})
	buy := func(intent string, coats int) (lines int, missed []string) {
		guest := &shopper{App: a}
		guest.add(t, leash.Variants[0], 1)
		total := "1000"
		if coats > 0 {
			require.Empty(t, guest.add(t, coat.Variants[0], coats).UserErrors)
			total = fmt.Sprint(1000 + 500*coats)
		}
		guest.fillIn(t, method)
		var got struct {
			PlaceOrder struct {
				Order struct {
					MissedGifts []string
					Lines       []struct{ Quantity int }
				}
				UserErrors []userError
			}
		}
		guest.Do(t, `mutation($k: String!, $t: Decimal!) { placeOrder(input: {idempotencyKey: $k, expectedTotal: $t, paymentMethod: BANK_TRANSFER}) {
			order { missedGifts lines { quantity } } userErrors { code } } }`, apptest.Variables{"k": intent, "t": total}, "X-Cart-Token", guest.token).Into(t, &got)
		require.Empty(t, got.PlaceOrder.UserErrors)
		return len(got.PlaceOrder.Order.Lines), got.PlaceOrder.Order.MissedGifts
	}
	lines, missed := buy("intent-1", 1)
	require.Equal(t, 3, lines, "one bought, one given")
	require.Empty(t, missed)
	requireCounted(t, a, coat.Variants[0], 2)
	lines, missed = buy("intent-2", 0)
	require.Equal(t, 1, lines)
	require.Len(t, missed, 1, "the same customer may have no more")
	requireCounted(t, a, coat.Variants[0], 2)
	requireStock(t, a, coat.Variants[0], 100, 2)
}

func TestCampaignsOfAShopApplyToWhatIsBoughtThere(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1000)
	method := a.AddShipping(t, "parcel", 0)
	shops := map[string]uuid.UUID{"umeda": id.New(), "sakae": id.New(), "closed": id.New(), "store": id.New()}
	for code, key := range shops {
		kind := "SHOP"
		if code == "store" {
			kind = "WAREHOUSE"
		}
		exec(t, a, `INSERT INTO locations (id, brand_id, code, name, kind, ships, active) VALUES ($1, $2, $3, '{"ja": "店"}', $4, false, $5)`, key, a.BrandID, code, kind, code != "closed")
	}
	global := func(code string) string { return id.Global("Location", shops[code]) }
	campaign := runCampaign(t, a, "umeda", apptest.Variables{"benefits": off("ORDER_AMOUNT", "100"), "shops": []string{global("umeda")}})
	var listed struct{ Shops []struct{ ID, Code string } }
	a.Do(t, `{ shops { id code } }`, nil).Into(t, &listed)
	require.ElementsMatch(t, []struct{ ID, Code string }{{global("umeda"), "umeda"}, {global("sakae"), "sakae"}}, listed.Shops)

	guest := &shopper{App: a}
	require.Equal(t, "1000", guest.add(t, leash.Variants[0], 1).Cart.Total.Amount, "no shop, no shop's campaign")
	guest.fillIn(t, method)
	require.Equal(t, "1000", guest.update(t, apptest.Variables{"shopId": global("sakae")}).Cart.Total.Amount)
	require.Equal(t, "900", guest.update(t, apptest.Variables{"shopId": global("umeda")}).Cart.Total.Amount)
	require.Equal(t, "900", guest.update(t, apptest.Variables{"email": "taro@example.jp"}).Cart.Total.Amount, "the shop stays")
	for _, bad := range []string{global("closed"), global("store"), id.Global("Location", id.New())} {
		require.Equal(t, "SHOP_UNAVAILABLE", guest.update(t, apptest.Variables{"shopId": bad}).code())
	}
	require.Equal(t, "INVALID", guest.update(t, apptest.Variables{"shopId": global("umeda"), "noShop": true}).code())
	require.Equal(t, "1000", guest.update(t, apptest.Variables{"noShop": true}).Cart.Total.Amount)
	require.Equal(t, "900", guest.update(t, apptest.Variables{"shopId": global("umeda")}).Cart.Total.Amount)
	placed := guest.place(t, "intent-1", "900")
	require.Empty(t, placed.code())
	var got struct{ Order struct{ ShopID string } }
	a.Do(t, `query($id: ID!) { order(id: $id) { shopId } }`, apptest.Variables{"id": placed.Order.ID}, "X-Cart-Token", guest.token).Into(t, &got)
	require.Equal(t, global("umeda"), got.Order.ShopID)

	// The orders of the past have their shop too.
	tried := simulate(t, a, apptest.Variables{"campaignId": campaign})
	require.Equal(t, 1, tried.Outcome.Uses)
	require.Zero(t, tried.Outcome.Differing+tried.Outcome.Displaced.minor(t), "it takes its own place")
}

func TestABuyerIsHeldOutOrInAShareForGood(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1000)
	held := runCampaign(t, a, "held", apptest.Variables{"benefits": []apptest.Variables{{"kind": "LINE_PERCENT", "percent": "10"}}, "experiment": apptest.Variables{"holdOut": 50}})
	const enough = 30 // of each side, so that chance decides who is where, and nothing else
	var members []access.Actor
	var units []string
	counts := map[string]int{}
	for counts["900"] < enough || counts["1000"] < enough {
		require.Less(t, len(members), 300, "one side gets nobody: %v", counts)
		members = append(members, newMember(t, a, uuid.Nil))
		units = append(units, unitFor(t, a, members[len(members)-1], "leash", ""))
		counts[units[len(units)-1]]++
	}
	require.Len(t, counts, 2)
	other := apptest.Serve(t, a.Shop, app.Config{Secret: app.DevSecret, Dev: true, AssetConfig: app.AssetConfig{AssetsDir: t.TempDir()}})
	for i, m := range members {
		require.Equal(t, units[i], unitFor(t, other, m, "leash", ""), "the same in every process")
	}
	effect := func() (c comparison) {
		var got struct {
			CampaignEffect struct{ Comparison comparison }
		}
		a.DoAs(t, promoter, `query($c: ID!) { campaignEffect(campaignId: $c) { comparison { open { share buyers perBuyer { amount } } held { share buyers perBuyer { amount } } uplift low high tooFew } } }`,
			apptest.Variables{"c": held}).Into(t, &got)
		return got.CampaignEffect.Comparison
	}
	require.True(t, effect().TooFew)
	require.Nil(t, effect().Uplift)

	// Who may have it buys twice for what others buy once.
	guest := &shopper{App: a}
	guest.add(t, leash.Variants[0], 1)
	guest.fillIn(t, a.AddShipping(t, "parcel", 100))
	require.Empty(t, guest.place(t, "intent-1", "1000").code(), "nobody can tell whether a guest is held out")
	bought := map[string]int{}
	for i, m := range members {
		if bought[units[i]] == enough {
			continue
		}
		bought[units[i]]++
		for n := range 1 + map[string]int{"900": 1, "1000": 0}[units[i]] {
			exec(t, a, `INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object('id', gen_random_uuid(), 'number', $1::text, 'member_id', $2::uuid))).*
				FROM orders o WHERE o.member_id IS NULL`, fmt.Sprintf("copy-%d-%d", i, n), m.ID)
		}
	}
	c := effect()
	require.Equal(t, []int{enough, enough}, []int{c.Open.Buyers, c.Held.Buyers})
	require.Equal(t, []string{"50", "50", "2000", "1000"}, []string{c.Open.Share, c.Held.Share, c.Open.PerBuyer.Amount, c.Held.PerBuyer.Amount})
	require.False(t, c.TooFew)
	require.InDelta(t, 100, number(t, *c.Uplift), 0.1, "as many bought twice as much")
	reach := math.Exp(1.96 * math.Sqrt(2.0/enough)) // of the ratio of two sums of so many equal purchases, 95 times of 100
	require.InDelta(t, (2/reach-1)*100, number(t, *c.Low), 0.1)
	require.InDelta(t, (2*reach-1)*100, number(t, *c.High), 0.1)
}

type comparison struct {
	Open, Held struct {
		Share    string
		Buyers   int
		PerBuyer struct{ Amount string }
	}
	Uplift, Low, High *string
	TooFew            bool
}

func TestTwoCampaignsOfAnExperimentShareTheBuyers(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddProduct(t, "leash", 1000)
	for code, c := range map[string]struct {
		percent    string
		from, upTo int
	}{"a": {"10", 0, 50}, "b": {"20", 50, 100}} {
		runCampaign(t, a, code, apptest.Variables{"benefits": []apptest.Variables{{"kind": "LINE_PERCENT", "percent": c.percent}},
			"experiment": apptest.Variables{"name": "ab", "from": c.from, "upTo": c.upTo}})
	}
	seen := map[string]int{}
	for range 60 {
		m := newMember(t, a, uuid.Nil)
		unit := unitFor(t, a, m, "leash", "")
		require.Equal(t, unit, unitFor(t, a, m, "leash", ""))
		seen[unit]++
	}
	require.Equal(t, 60, seen["900"]+seen["800"], "each has one, none both")
	require.Len(t, seen, 2)
	require.Equal(t, "1000", unitFor(t, a, access.Guest, "leash", ""), "a guest cannot be told apart")
}

func TestACampaignIsToldOfOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1000)
	exec(t, a, `INSERT INTO accounts (id, role, email, name, language, created_at, updated_at) VALUES
		(gen_random_uuid(), 'ADMIN', 'boss@example.jp', '店長', 'ja', now(), now()), (gen_random_uuid(), 'STAFF', 'clerk@example.jp', 'Clerk', 'en', now(), now())`)
	reader, other := newCustomer(t, a, "reader@example.jp"), newCustomer(t, a, "other@example.jp")
	var changed struct {
		UpdateProfile struct{ UserErrors []userError }
	}
	reader.do(t, `mutation { updateProfile(input: {newsletter: true}) { userErrors { code } } }`, nil).Into(t, &changed)
	require.Empty(t, changed.UpdateProfile.UserErrors)
	campaign := keyOf(t, runCampaign(t, a, "sale", apptest.Variables{"benefits": off("ORDER_AMOUNT", "90"), "budget": "100", "notifyMembers": true}))
	guest := &shopper{App: a}
	guest.add(t, leash.Variants[0], 1)
	guest.fillIn(t, a.AddShipping(t, "parcel", 0))
	require.Empty(t, guest.place(t, "intent-1", "910").code())

	// An order of the reader earns a coupon.
	next := runCampaign(t, a, "next", apptest.Variables{"benefits": off("ORDER_AMOUNT", "500"), "needsCoupon": true})
	runCampaign(t, a, "thanks", apptest.Variables{"benefits": []apptest.Variables{{"kind": "COUPON", "issues": next}}})
	again := &shopper{App: a}
	again.add(t, a.AddProduct(t, "bowl", 700).Variants[0], 1)
	again.fillIn(t, a.AddShipping(t, "mail", 0))
	code := again.place(t, "intent-1", "610").code()
	require.Equal(t, "PRICE_CHANGED", code, "90 more do not fit into the budget")
	placed := again.place(t, "intent-2", "700")
	require.Empty(t, placed.code())
	exec(t, a, `UPDATE orders SET member_id = $2 WHERE id = $1`, keyOf(t, placed.Order.ID), keyOf(t, reader.id))

	s := a.App.Resolvers.Campaigns
	ctx := access.With(t.Context(), access.System)
	for range 2 {
		require.NoError(t, s.WatchBudgets(ctx))
		require.NoError(t, s.Tell(ctx, promotion.NoticeJob{CampaignID: campaign, BrandID: a.BrandID, Occasion: promotion.Ended}))
		require.NoError(t, s.Grant(ctx, promotion.GrantJob{OrderID: keyOf(t, placed.Order.ID), BrandID: a.BrandID}))
	}
	a.Work(t)
	want := []string{
		"boss@example.jp campaign_notice BUDGET_100", "boss@example.jp campaign_notice BUDGET_80", "boss@example.jp campaign_notice ENDED",
		"boss@example.jp campaign_notice STARTED", "reader@example.jp campaign_opened STARTED", "reader@example.jp coupon_granted",
	}
	keys, err := app.NewSealing(cmp.Or(a.App.Config.PersonalKey, a.App.Config.Secret), a.DB, clock.System)
	require.NoError(t, err)
	hashed := func(address string) []byte {
		hash, err := keys.Hash(t.Context(), "email", sealing.Email(address))
		require.NoError(t, err)
		return hash
	}
	mails := func() []string {
		rows, err := a.DB.Pool().Query(t.Context(), `SELECT coalesce(w.address, 'somebody') || ' ' || kind || CASE WHEN key LIKE 'campaign%' THEN ' ' || split_part(key, '/', 3) ELSE '' END
			FROM sent_messages LEFT JOIN (VALUES ($2::bytea, 'boss@example.jp'), ($3, 'reader@example.jp')) w (hash, address) ON w.hash = recipient_hash
			WHERE kind IN ('campaign_notice', 'campaign_opened', 'coupon_granted') AND (kind = 'coupon_granted' OR key LIKE '%' || $1::text || '%') ORDER BY 1`, campaign, hashed("boss@example.jp"), hashed("reader@example.jp"))
		require.NoError(t, err)
		defer rows.Close()
		var all []string
		for rows.Next() {
			var one string
			require.NoError(t, rows.Scan(&one))
			all = append(all, one)
		}
		return all
	}
	require.Eventually(t, func() bool { return len(mails()) >= len(want) }, 3*time.Minute, 100*time.Millisecond)
	require.NoError(t, s.Tell(ctx, promotion.NoticeJob{CampaignID: campaign, BrandID: a.BrandID, Occasion: promotion.Started}))
	time.Sleep(time.Second)
	require.Equal(t, want, mails(), "each once; %s agreed to nothing, the clerk may not read campaigns", other.id)
}
