package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/storage/postgres"
)

var segmenter = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.SegmentWrite}}

// ofSegment is an audience.
func ofSegment(segment string) []apptest.Variables {
	return []apptest.Variables{{"kind": "SEGMENT", "id": segment}}
}

// segmentMade keeps a search.
func segmentMade(t testing.TB, a *apptest.App, name, kind string, where apptest.Variables) segmentDone {
	t.Helper()
	var got struct{ SaveSegment segmentDone }
	a.DoAs(t, segmenter, `mutation($input: SaveSegmentInput!) { saveSegment(input: $input) { segment { id name kind members } userErrors { code field message } } }`,
		in(apptest.Variables{"name": name, "kind": kind, "where": where})).Into(t, &got)
	return got.SaveSegment
}

func segmentOf(t testing.TB, a *apptest.App, name, kind string, where apptest.Variables) string {
	t.Helper()
	made := segmentMade(t, a, name, kind, where)
	require.Empty(t, made.UserErrors)
	return made.Segment.ID
}

func closeSegment(t testing.TB, a *apptest.App, segment string) []userError {
	t.Helper()
	var got struct{ CloseSegment segmentDone }
	a.DoAs(t, segmenter, `mutation($input: SegmentInput!) { closeSegment(input: $input) { userErrors { code field message } } }`, in(apptest.Variables{"segmentId": segment})).Into(t, &got)
	return got.CloseSegment.UserErrors
}

// joining is a member of the brand with a login.
func joining(t testing.TB, a *apptest.App, email, gender string) customer {
	t.Helper()
	c := newCustomer(t, a, email)
	var got struct {
		JoinMembership struct{ UserErrors []userError }
	}
	c.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil).Into(t, &got)
	require.Empty(t, got.JoinMembership.UserErrors)
	c.is(t, gender)
	return c
}

func (c customer) is(t testing.TB, gender string) {
	t.Helper()
	require.Empty(t, c.change(t, "updateProfile", apptest.Variables{"gender": gender}).UserErrors)
}

func (c customer) puts(t testing.TB, variant uuid.UUID) {
	t.Helper()
	var added struct{ AddCartLine cartAnswer }
	c.do(t, `mutation($v: ID!) { addCartLine(input: {variantId: $v}) { `+cartFields+` } }`, apptest.Variables{"v": id.Global("Variant", variant)}).Into(t, &added)
	require.Empty(t, added.AddCartLine.UserErrors)
}

// cart is what the cart costs, and the statements it takes to say so once the rules are read.
func (c customer) cart(t testing.TB) (total string, statements int) {
	t.Helper()
	var got struct {
		Cart struct{ Total struct{ Amount string } }
	}
	var answer apptest.Answer
	for range 2 {
		answer = c.do(t, `{ cart { total { amount } } }`, nil)
		answer.Into(t, &got)
	}
	return got.Cart.Total.Amount, answer.Statements
}

func (c customer) costs(t testing.TB) string {
	t.Helper()
	total, _ := c.cart(t)
	return total
}

func (c customer) orders(t testing.TB, method uuid.UUID, total string) orderAnswer {
	t.Helper()
	var filled struct{ UpdateCart cartAnswer }
	c.do(t, `mutation($m: ID!, $a: AddressInput!) { updateCart(input: {email: "m@example.jp", shippingMethodId: $m, shippingAddress: $a}) { `+cartFields+` } }`,
		apptest.Variables{"m": id.Global("ShippingMethod", method), "a": newAddress("山田 花子")}).Into(t, &filled)
	require.Empty(t, filled.UpdateCart.UserErrors)
	var placed struct{ PlaceOrder orderAnswer }
	c.do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`,
		in(apptest.Variables{"idempotencyKey": uuid.NewString(), "expectedTotal": total, "paymentMethod": "BANK_TRANSFER"})).Into(t, &placed)
	return placed.PlaceOrder
}

var (
	women    = apptest.Variables{"genders": []string{"FEMALE"}}
	tenOff   = []apptest.Variables{{"kind": "LINE_PERCENT", "percent": "10"}}
	rootEdit = access.Actor{Role: access.RoleAdmin, ID: id.New()}
)

func TestACampaignForASegmentIsForItsMembersAlone(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, method := a.AddProduct(t, "leash", 1980).Variants[0], a.AddShipping(t, "parcel", 0)
	hanako, taro := joining(t, a, "hanako@example.jp", "FEMALE"), joining(t, a, "taro@example.jp", "MALE")
	stranger, guest := newCustomer(t, a, "stranger@example.jp"), &shopper{App: a}
	stranger.is(t, "FEMALE")
	for _, c := range []customer{hanako, taro, stranger} {
		c.puts(t, leash)
	}
	segment := segmentOf(t, a, "女性", "DYNAMIC", women)
	runCampaign(t, a, "gift-wrap", apptest.Variables{"benefits": off("ORDER_AMOUNT", "1"), "conditions": apptest.Variables{"minAmount": "100000"}})
	_, before := hanako.cart(t)
	campaign := runCampaign(t, a, "ladies", apptest.Variables{"benefits": tenOff, "audiences": ofSegment(segment), "budget": "100000"})

	total, statements := hanako.cart(t)
	require.Equal(t, "1782", total)
	require.Equal(t, before+2, statements, "which segments there are, and whether the conditions of any hold")
	require.Equal(t, "1980", taro.costs(t))
	require.Equal(t, "1980", stranger.costs(t), "who never joined is nobody's member")
	require.Equal(t, "1980", guest.add(t, leash, 1).Cart.Total.Amount)
	for who, n := range map[*customer]int{&hanako: 2, &taro: 1} {
		var running struct{ Campaigns []struct{ Name string } }
		who.do(t, `{ campaigns { name } }`, nil).Into(t, &running)
		require.Len(t, running.Campaigns, n, "others are not told of it")
	}

	hanako.is(t, "MALE")
	require.Equal(t, "1980", hanako.costs(t), "seen at once")
	require.Equal(t, "PRICE_CHANGED", hanako.orders(t, method, "1782").code())
	hanako.is(t, "FEMALE")
	placed := hanako.orders(t, method, "1782")
	require.Empty(t, placed.UserErrors)
	given, uses := totals(t, a, campaign)
	require.Equal(t, []int64{198, 1}, []int64{given, int64(uses)})

	var seen struct {
		Campaign struct {
			Audiences []struct {
				Kind string
				ID   *string
			}
		}
	}
	a.DoAs(t, promoter, `query($id: ID!) { campaign(id: $id) { audiences { kind id } } }`, apptest.Variables{"id": campaign}).Into(t, &seen)
	require.Equal(t, "SEGMENT "+segment, seen.Campaign.Audiences[0].Kind+" "+*seen.Campaign.Audiences[0].ID)

	// What the order has used stays its own, whatever its member is in since.
	hanako.is(t, "MALE")
	desk := counter{a, editor}
	edited := desk.edit(t, placed.Order.ID, adding(leash, 1))
	require.Empty(t, edited.UserErrors)
	require.Equal(t, "3564", edited.Order.Total.Amount, "two pieces, each at ten per cent off")

	// Tried on past orders, a segment is that of today.
	require.Equal(t, 0, simulate(t, a, apptest.Variables{"campaignId": campaign}).Outcome.Uses)
	hanako.is(t, "FEMALE")
	require.Equal(t, 1, simulate(t, a, apptest.Variables{"campaignId": campaign}).Outcome.Uses)
}

func TestACounterAsksForTheSegmentOfWhoShowsTheirCode(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	umeda := openShop(t, a, "umeda", "OSAKA", map[uuid.UUID]int{leash: 9})
	hanako, taro := joining(t, a, "hanako@example.jp", "FEMALE"), joining(t, a, "taro@example.jp", "MALE")
	runCampaign(t, a, "ladies", apptest.Variables{"benefits": tenOff, "audiences": ofSegment(segmentOf(t, a, "女性", "DYNAMIC", women))})
	sell := func(c customer, total string) saleAnswer {
		return counter{a, clerkOf(umeda)}.sell(t, apptest.Variables{
			"shopId": id.Global("Location", umeda), "memberCode": memberCode(t, a, access.Actor{Role: access.RoleMember, ID: keyOf(t, c.id)}),
			"lines": []apptest.Variables{pieceOf(leash, 1)}, "expectedTotal": total, "tenders": []apptest.Variables{{"method": "CASH"}},
		})
	}
	require.Equal(t, "PRICE_CHANGED", sell(taro, "1782").code())
	require.Empty(t, sell(taro, "1980").UserErrors)
	require.Empty(t, sell(hanako, "1782").UserErrors)
}

// A campaign that members are told of is told to those of its segment, page by page.
func TestMembersOfTheSegmentAreToldOfACampaign(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	for email, gender := range map[string]string{"hanako-1@example.jp": "FEMALE", "taro-1@example.jp": "MALE"} {
		c := joining(t, a, email, gender)
		exec(t, a, `INSERT INTO newsletter_consents (member_id, brand_id, given_at) VALUES ($1, $2, now())`, keyOf(t, c.id), a.BrandID)
	}
	segment := segmentOf(t, a, "女性", "DYNAMIC", women)
	campaign := runCampaign(t, a, "ladies", apptest.Variables{"benefits": tenOff, "audiences": ofSegment(segment), "notifyMembers": true})
	require.NoError(t, a.App.Resolvers.Campaigns.Tell(access.With(t.Context(), access.System), promotion.NoticeJob{CampaignID: keyOf(t, campaign), BrandID: a.BrandID, Occasion: promotion.Started}))
	require.Equal(t, map[string]int{"hanako-1@example.jp": 1}, readersMailed(t, a))
}

func TestAStaticSegmentIsOneStatementAndStaysAsItWas(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	hanako, taro := joining(t, a, "hanako@example.jp", "FEMALE"), joining(t, a, "taro@example.jp", "MALE")
	hanako.puts(t, leash)
	taro.puts(t, leash)
	_, before := hanako.cart(t)
	fixed := segmentOf(t, a, "女性・固定", "STATIC", women)
	campaign := runCampaign(t, a, "ladies", apptest.Variables{"benefits": tenOff, "audiences": ofSegment(fixed)})
	total, statements := hanako.cart(t)
	require.Equal(t, "1782", total)
	require.Equal(t, before+1, statements)
	hanako.is(t, "MALE")
	taro.is(t, "FEMALE")
	require.Equal(t, "1782", hanako.costs(t))
	require.Equal(t, "1980", taro.costs(t))

	// A segment beside other audiences, and a share that is held out from it.
	require.Empty(t, write(t, a, promoter, "saveCampaign", "SaveCampaignInput", `campaign { id }`, apptest.Variables{
		"id": campaign, "code": "ladies", "name": ja("ladies"), "benefits": tenOff, "audiences": append(ofSegment(fixed), apptest.Variables{"kind": "MEMBER", "id": taro.id}),
	}, nil))
	require.Equal(t, "1782", taro.costs(t))
	for _, c := range []apptest.Variables{{"holdOut": 99}, {"from": 0, "upTo": 1}} {
		full := 0
		for i := range 5 {
			require.Empty(t, write(t, a, promoter, "saveCampaign", "SaveCampaignInput", `campaign { id }`, apptest.Variables{
				"id": campaign, "code": "ladies", "name": ja("ladies"), "benefits": tenOff, "audiences": ofSegment(fixed), "experiment": with(c, "name", fmt.Sprint("test", i)),
			}, nil))
			if hanako.costs(t) == "1980" {
				full++
			}
		}
		require.Positive(t, full, "who is held out pays the whole price: %v", c)
	}
}

func TestASegmentIsNotClosedWhileACampaignOrARuleIsForIt(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	a := s.App
	segment := segmentOf(t, a, "女性", "DYNAMIC", women)
	campaign := runCampaign(t, a, "ladies", apptest.Variables{"benefits": tenOff, "audiences": ofSegment(segment)})
	rule := s.by(t, pointAdmin, "savePointRule", "rule { id }", apptest.Variables{"programmeId": s.own, "name": ja("女性二倍"), "terms": apptest.Variables{"factor": "2", "segmentIds": []string{segment}}})
	require.Empty(t, rule.UserErrors)
	outer := segmentOf(t, a, "女性でない人", "DYNAMIC", apptest.Variables{"not": apptest.Variables{"segmentIds": []string{segment}}})

	refused := closeSegment(t, a, segment)
	require.Equal(t, "SEGMENT_IN_USE", refused[0].Code)
	for _, name := range []string{"ladies", "女性二倍", "女性でない人"} {
		require.Contains(t, refused[0].Message, name)
	}
	require.Empty(t, closeSegment(t, a, outer))
	require.Empty(t, write(t, a, promoter, "setCampaignStatus", "CampaignStatusInput", `campaign { id }`, apptest.Variables{"id": campaign, "status": "STOPPED"}, nil))
	require.NotContains(t, closeSegment(t, a, segment)[0].Message, "ladies")
	exec(t, a, `UPDATE point_rules SET valid_until = now() - interval '1 minute' WHERE terms ? 'segments'`)
	require.Empty(t, closeSegment(t, a, segment))

	gone := write(t, a, promoter, "setCampaignStatus", "CampaignStatusInput", `campaign { id }`, apptest.Variables{"id": campaign, "status": "READY"}, nil)
	require.Equal(t, "SCOPE_UNKNOWN", gone[0].Code, "it would be for nobody")
	require.Equal(t, "SEGMENT_UNKNOWN", s.by(t, pointAdmin, "savePointRule", "rule { id }", apptest.Variables{"programmeId": s.own, "name": ja("x"), "terms": apptest.Variables{"factor": "2", "segmentIds": []string{segment}}}).code())
}

func TestBadSegmentsOfCampaignsAndRulesAreRefused(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	a := s.App
	save := func(audiences []apptest.Variables) string {
		errors := write(t, a, promoter, "saveCampaign", "SaveCampaignInput", `campaign { id }`, apptest.Variables{"code": "bad", "name": ja("bad"), "benefits": tenOff, "audiences": audiences}, nil)
		require.NotEmpty(t, errors)
		return errors[0].Code
	}
	other := id.Global("Segment", id.New())
	exec(t, a, `INSERT INTO brands (id, code, name) VALUES ('019f0000-0000-7000-8000-0000000000b2', 'rival', '{"ja":"他社"}')`)
	exec(t, a, `INSERT INTO segments (id, brand_id, name, kind, currency, conditions, counted_at, created_at, updated_at) VALUES ('019f0000-0000-7000-8000-0000000000c2', '019f0000-0000-7000-8000-0000000000b2', '犬', 'STATIC', 'JPY', '{}', now(), now(), now())`)
	rivals := id.Global("Segment", uuid.MustParse("019f0000-0000-7000-8000-0000000000c2"))
	var many []apptest.Variables
	var ids []string
	for range 11 {
		many, ids = append(many, ofSegment(id.Global("Segment", id.New()))...), append(ids, id.Global("Segment", id.New()))
	}
	require.Equal(t, "SCOPE_UNKNOWN", save(ofSegment(other)))
	require.Equal(t, "SCOPE_UNKNOWN", save(ofSegment(rivals)), "another brand's")
	require.Equal(t, "AUDIENCE_INVALID", save([]apptest.Variables{{"kind": "SEGMENT"}}))
	require.Equal(t, "TOO_MANY", save(many))
	for code, segments := range map[string][]string{"SEGMENT_UNKNOWN": {rivals}, "TOO_MANY": ids} {
		require.Equal(t, code, s.by(t, pointAdmin, "savePointRule", "rule { id }", apptest.Variables{
			"programmeId": s.own, "name": ja("x"), "terms": apptest.Variables{"points": 1, "segmentIds": segments},
		}).code())
	}
	mine := segmentOf(t, a, "女性", "DYNAMIC", women)
	require.Equal(t, "AUDIENCE_INVALID", write(t, a, rootEdit, "saveRate", "SaveRateInput", `rate { id }`, apptest.Variables{
		"kind": "CUSTOMER", "name": ja("x"), "audience": ofSegment(mine)[0], "percent": "90",
	}, nil)[0].Code, "prices ask about no segment")
}

func TestARuleForASegmentGivesItsMembersPoints(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	hanako, taro := &collector{joining(t, s.App, "hanako@example.jp", "FEMALE"), s}, &collector{joining(t, s.App, "taro@example.jp", "MALE"), s}
	segment := segmentOf(t, s.App, "女性", "DYNAMIC", women)
	place := func(b *collector) string {
		b.fill(t)
		placed := b.place(t, "BANK_TRANSFER")
		require.Empty(t, placed.UserErrors)
		counter{s.App, packer}.receive(t, placed.Order.ID, "2640")
		return placed.Order.ID
	}
	plain := place(hanako)
	s.follow(t, plain)
	before := followCosts(t, s, plain)
	require.Empty(t, s.by(t, pointAdmin, "savePointRule", "rule { id }", apptest.Variables{"programmeId": s.own, "name": ja("女性三倍"), "terms": apptest.Variables{"factor": "3", "segmentIds": []string{segment}}}).UserErrors)
	had := hanako.has(t).Pending
	require.Equal(t, before, followCosts(t, s, plain), "it was placed before there was such a rule")
	hers, his := place(hanako), place(taro)
	s.follow(t, hers)
	s.follow(t, his)
	require.Equal(t, had+19*3, hanako.has(t).Pending, "1,980 yen of goods three times")
	require.Equal(t, 19, taro.has(t).Pending)

	hanako.is(t, "MALE")
	taro.is(t, "FEMALE")
	s.follow(t, hers)
	s.follow(t, his)
	require.Equal(t, had+19*3, hanako.has(t).Pending, "what an order has earned does not change with the segment")
	require.Equal(t, 19, taro.has(t).Pending)

	// What is no purchase is asked about at the moment.
	require.Empty(t, s.by(t, pointAdmin, "savePointRule", "rule { id }", apptest.Variables{
		"programmeId": s.own, "name": ja("来店"), "terms": apptest.Variables{"occasion": "CHECK_IN", "points": 5, "segmentIds": []string{segment}},
	}).UserErrors)
	reward := func(b *collector) string {
		return s.by(t, pointDesk, "rewardPoints", "points", apptest.Variables{"idempotencyKey": s.key(), "occasion": "CHECK_IN", "memberId": b.id}).code()
	}
	require.Equal(t, "", reward(taro))
	require.Equal(t, "POINT_EVENT_INVALID", reward(hanako))
}

// followCosts is how many statements it takes to look at an order's points.
func followCosts(t testing.TB, s *pointShop, order string) int {
	t.Helper()
	ctx, statements := postgres.CountStatements(access.With(t.Context(), access.System))
	require.NoError(t, s.App.App.Resolvers.Points.Follow(ctx, keyOf(t, order)))
	return statements.Count()
}

func TestAReceiptEarnsByTheSegmentOfItsMember(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	shibuya := shopOf(t, s.App, "shibuya")
	desk := as(t, s.App, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.MemberWrite, access.PurchaseWrite, access.PurchaseCorrect, access.PointRead}})
	hanako, taro := registeredAt(t, s.App, shibuya, "山田 花子", "09012345612"), registeredAt(t, s.App, shibuya, "佐藤 太郎", "08098765434")
	set := func(member, gender string) {
		exec(t, s.App, `UPDATE profiles SET gender = $2 WHERE member_id = $1`, keyOf(t, member), gender)
	}
	set(taro, "MALE")
	segment := segmentOf(t, s.App, "女性", "DYNAMIC", women)
	require.Empty(t, s.by(t, pointAdmin, "savePointRule", "rule { id }", apptest.Variables{"programmeId": s.own, "name": ja("女性三倍"), "terms": apptest.Variables{"factor": "3", "segmentIds": []string{segment}}}).UserErrors)
	exec(t, s.App, `UPDATE point_rules SET created_at = created_at - interval '3 days'`)
	sku := s.skuOf(t)
	earn := func() int {
		ctx, statements := postgres.CountStatements(t.Context())
		require.NoError(t, s.App.App.Resolvers.Points.EarnReceipts(ctx))
		return statements.Count()
	}
	ring := func(receipt string, quantity int, amount string, members ...string) {
		var slips []apptest.Variables
		for i, member := range members {
			var card string
			require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, member)).Scan(&card))
			slips = append(slips, apptest.Variables{"store": "shibuya", "till": fmt.Sprint(i), "receipt": receipt, "boughtOn": lately(), "cardNumber": card,
				"lines": []apptest.Variables{{"code": sku, "quantity": quantity, "amount": amount}}})
		}
		require.Equal(t, []string{fmt.Sprint(len(slips))}, desk.done(t, "recordPurchases", "import { receipts }", apptest.Variables{"receipts": slips}, "import.receipts"))
	}
	pending := func(member string) string {
		return desk.read(t, `query($m: ID!) { memberPoints(memberId: $m) { programme { code } pending } }`, apptest.Variables{"m": member}, "memberPoints.0.pending")[0]
	}
	ring("1", 2, "4000", hanako, taro)
	earn()
	require.Equal(t, []string{"120", "40"}, []string{pending(hanako), pending(taro)})

	// What comes back takes with it what was earned, whoever is in the segment by then.
	set(hanako, "MALE")
	set(taro, "FEMALE")
	ring("2", -1, "-2000", hanako, taro)
	earn()
	require.Equal(t, []string{"60", "20"}, []string{pending(hanako), pending(taro)})

	// Of a receipt that was another's it is asked anew.
	find := desk.read(t, `query($s: ID!, $on: Date!) { purchaseByReceipt(storeId: $s, till: "0", receipt: "1", boughtOn: $on) { id } }`,
		apptest.Variables{"s": id.Global("Location", shibuya), "on": lately()}, "purchaseByReceipt.id")[0]
	require.Equal(t, []string{taro}, desk.done(t, "movePurchase", "purchase { memberId }", apptest.Variables{"purchaseId": find, "memberId": taro, "reason": "カードの取り違え"}, "purchase.memberId"))
	require.Equal(t, []string{"0", "80"}, []string{pending(hanako), pending(taro)}, "as much as it earned of the one before, for the one after is in the segment")

	ring("3", 1, "100", hanako, taro)
	earn()
	ring("5", 1, "100", hanako)
	few := earn()
	ring("4", 1, "100", hanako, taro)
	require.Equal(t, few, earn(), "segments are asked about, and noted, once for all receipts")
}

func TestMembersAreSearchedForByJoiningPrefectureAndOtherSegments(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shibuya, umeda := shopOf(t, a, "shibuya"), shopOf(t, a, "umeda")
	hanako, taro := registeredAt(t, a, shibuya, "山田 花子", "09012345612"), registeredAt(t, a, umeda, "佐藤 太郎", "08098765434")
	jiro := joining(t, a, "jiro@example.jp", "MALE")
	exec(t, a, `UPDATE memberships SET joined_at = '2026-03-31T15:00:00Z' WHERE member_id = $1`, keyOf(t, hanako)) // midnight of April in Japan
	find := func(actor access.Actor, where apptest.Variables) (names []string, answer apptest.Answer) {
		var got searched
		answer = a.DoAs(t, actor, searchMembers, apptest.Variables{"where": where})
		if answer.Code() == "" {
			answer.Into(t, &got)
			for _, m := range got.MemberSearch.Nodes {
				names = append(names, m.ID)
			}
		}
		return names, answer
	}
	member := id.Global("Member", keyOf(t, jiro.id))
	joinedIn := func(from, until string) apptest.Variables {
		return apptest.Variables{"joined": apptest.Variables{"from": optional(from), "until": optional(until)}}
	}
	for _, c := range []struct {
		where apptest.Variables
		found []string
	}{
		{joinedIn("2026-04-01", "2026-04-01"), []string{hanako}},
		{joinedIn("", "2026-03-31"), nil},
		{apptest.Variables{"joined": apptest.Variables{"lastDays": 7}}, []string{taro, member}},
		{apptest.Variables{"not": apptest.Variables{"joined": apptest.Variables{"lastDays": 7}}}, []string{hanako}},
		{apptest.Variables{"prefectures": []string{"TOKYO", "OSAKA"}}, []string{hanako, taro}},
		{apptest.Variables{"prefectures": []string{"OSAKA"}}, nil},
		{apptest.Variables{"not": apptest.Variables{"prefectures": []string{"TOKYO"}}}, []string{member}},
		{apptest.Variables{"any": []apptest.Variables{{"prefectures": []string{"TOKYO"}}, {"purchases": apptest.Variables{"visits": apptest.Variables{"min": 1}}}}}, []string{hanako, taro}},
	} {
		found, _ := find(segmenter, c.where)
		require.ElementsMatch(t, c.found, found, "%v", c.where)
	}

	// The prefecture is that of the address as it is now.
	var added struct{ AddAddress changed }
	jiro.do(t, `mutation($a: AddressInput!) { addAddress(input: {address: $a, isDefault: true}) { address { id } userErrors { code } } }`, apptest.Variables{"a": with(newAddress("次郎"), "prefecture", "OSAKA")}).Into(t, &added)
	require.Empty(t, added.AddAddress.UserErrors)
	osaka := apptest.Variables{"prefectures": []string{"OSAKA"}}
	found, _ := find(segmenter, osaka)
	require.Equal(t, []string{member}, found)
	require.Empty(t, jiro.change(t, "updateAddress", apptest.Variables{"id": added.AddAddress.Address.ID, "address": with(newAddress("次郎"), "prefecture", "AICHI")}).UserErrors)
	found, _ = find(segmenter, osaka)
	require.Empty(t, found)
	require.Empty(t, jiro.change(t, "removeAddress", apptest.Variables{"id": added.AddAddress.Address.ID}).UserErrors)
	found, _ = find(segmenter, apptest.Variables{"prefectures": []string{"AICHI"}})
	require.Empty(t, found)

	// Staff of a shop find their own by what is masked, and nobody by what the head office keeps.
	clerk := registrarOf([]access.Permission{access.MemberRead}, umeda)
	found, _ = find(clerk, apptest.Variables{"prefectures": []string{"TOKYO"}})
	require.Equal(t, []string{taro}, found)
	found, _ = find(clerk, joinedIn("2026-04-01", ""))
	require.Equal(t, []string{taro}, found)

	// Segments within each other.
	tokyo := segmentOf(t, a, "東京", "DYNAMIC", apptest.Variables{"prefectures": []string{"TOKYO"}})
	frozen := segmentOf(t, a, "四月・固定", "STATIC", joinedIn("2026-04-01", "2026-04-30"))
	segments := func(ids ...string) apptest.Variables { return apptest.Variables{"segmentIds": ids} }
	_, answer := find(clerk, segments(tokyo))
	require.Equal(t, "FORBIDDEN", answer.Code())
	found, plain := find(segmenter, apptest.Variables{"prefectures": []string{"TOKYO"}})
	require.Len(t, found, 2)
	found, answer = find(segmenter, segments(tokyo))
	require.ElementsMatch(t, []string{hanako, taro}, found)
	require.Equal(t, plain.Statements+2, answer.Statements, "what the brand has, and the conditions: whatever they are")
	found, deep := find(segmenter, apptest.Variables{"all": []apptest.Variables{segments(tokyo, frozen), {"not": segments(frozen)}}})
	require.Equal(t, []string{taro}, found)
	require.Equal(t, answer.Statements, deep.Statements)
	rest := segmentMade(t, a, "東京以外", "DYNAMIC", apptest.Variables{"not": segments(tokyo)})
	require.Equal(t, 1, rest.Segment.Members)
	again := segmentMade(t, a, "東京以外でない", "DYNAMIC", apptest.Variables{"not": segments(rest.Segment.ID)})
	require.Equal(t, 2, again.Segment.Members)
	var exported struct{ ExportSegment struct{ URL string } }
	exporter := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.MemberExport}}
	a.DoAs(t, exporter, `mutation($input: ExportSegmentInput!) { exportSegment(input: $input) { url userErrors { code } } }`, in(apptest.Variables{"segmentId": again.Segment.ID, "format": "CSV"})).Into(t, &exported)
	_, body := fileOf(t, a, exported.ExportSegment.URL)
	require.Contains(t, body, "山田 花子")
	require.NotContains(t, body, "次郎")
	var conditions struct{ Segment struct{ Conditions string } }
	a.DoAs(t, segmenter, `query($id: ID!) { segment(id: $id) { conditions } }`, apptest.Variables{"id": again.Segment.ID}).Into(t, &conditions)
	require.Equal(t, `{"not":{"segmentIds":["`+rest.Segment.ID+`"]}}`, conditions.Segment.Conditions)
}

func TestSegmentsThatComeBackToThemselvesOrLieTooDeepAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	registeredAt(t, a, shopOf(t, a, "shibuya"), "山田 花子", "09012345612")
	first := segmentOf(t, a, "1", "DYNAMIC", women)
	last := first
	for i := 2; i <= 5; i++ {
		last = segmentOf(t, a, fmt.Sprint(i), "DYNAMIC", apptest.Variables{"all": []apptest.Variables{{"segmentIds": []string{last}}}})
	}
	search := func(segment string) apptest.Answer {
		return a.DoAs(t, segmenter, searchMembers, apptest.Variables{"where": apptest.Variables{"segmentIds": []string{segment}}})
	}
	require.Empty(t, search(last).Code(), "five within each other")
	refused := segmentMade(t, a, "6", "DYNAMIC", apptest.Variables{"not": apptest.Variables{"segmentIds": []string{segmentOf(t, a, "5a", "DYNAMIC", apptest.Variables{"segmentIds": []string{last}})}}})
	require.Equal(t, "SEGMENT_NESTED", refused.UserErrors[0].Code)
	exec(t, a, `UPDATE segments SET conditions = jsonb_build_object('segmentIds', jsonb_build_array($2::text)) WHERE id = $1`, keyOf(t, first), keyOf(t, last).String())
	require.Equal(t, "SEGMENT_CYCLE", search(last).Code(), "no way of saving makes one; a row that somebody changed may")

	for path, c := range map[string]struct {
		where apptest.Variables
		code  string
	}{
		"where.segmentIds":   {apptest.Variables{"segmentIds": []string{}}, "CONDITION_EMPTY"},
		"where.segmentIds.0": {apptest.Variables{"segmentIds": []string{id.Global("Segment", id.New())}}, "CONDITION_UNKNOWN"},
		"where.prefectures":  {apptest.Variables{"prefectures": []string{}}, "CONDITION_EMPTY"},
		"where.joined":       {apptest.Variables{"joined": apptest.Variables{"from": "2026-02-01", "until": "2026-01-31"}}, "CONDITION_PERIOD"},
		"where.all.1":        {apptest.Variables{"all": []apptest.Variables{{"prefectures": []string{"TOKYO"}}, {"prefectures": []string{"OSAKA"}}}}, "CONDITION_CONTRADICTION"},
		"where.all.2": {apptest.Variables{"all": []apptest.Variables{
			{"genders": []string{"MALE"}}, {"joined": apptest.Variables{"until": "2026-01-31"}}, {"joined": apptest.Variables{"from": "2026-02-01"}},
		}}, "CONDITION_CONTRADICTION"},
		"where.joined.lastDays": {apptest.Variables{"joined": apptest.Variables{"lastDays": 0}}, "CONDITION_RANGE"},
	} {
		made := segmentMade(t, a, path, "DYNAMIC", c.where)
		require.NotEmpty(t, made.UserErrors, path)
		require.Equal(t, c.code+" "+path, made.UserErrors[0].Code+" "+strings.Join(made.UserErrors[0].Field, "."))
	}
}
