package resolvers_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/membercode"
	"github.com/noren-commerce/noren/storage/postgres"
)

// servedAnswer is what staff hear of whom they served.
type servedAnswer struct {
	Exchange *struct {
		ID, State, MemberID string
		ShopID              *string
		Points, Quantity    int
		Address             *struct{ Name string }
	}
	Vouchers []struct{ Code, State string }
	Entries  []struct{ Number, Source string }
	Points   int
	Balance  *struct{ Usable int }
	Member   *struct {
		ID, Name, RankName string
		Masked, HasAccount bool
		PointBalances      []struct {
			Usable    int
			Programme struct{ ID string }
		}
	}
	UserErrors []userError
}

func (a servedAnswer) code() string {
	if len(a.UserErrors) == 0 {
		return ""
	}
	return a.UserErrors[0].Code
}

// cardCounter is a shop at whose counter members with a card alone are served.
type cardCounter struct {
	*pointShop
	shop    uuid.UUID
	clerk   access.Actor
	hanako  string // with a card alone, another shop's member
	number  string // of the card
	clerkOf func(...uuid.UUID) access.Actor
}

func openCardCounter(t *testing.T, granted int) *cardCounter {
	t.Helper()
	d := &cardCounter{pointShop: newPointShop(t)}
	d.shop = openShop(t, d.App, "umeda", "OSAKA", map[uuid.UUID]int{d.leash: 9})
	elsewhere := openShop(t, d.App, "sakae", "AICHI", nil)
	d.clerkOf = func(shops ...uuid.UUID) access.Actor {
		return registrarOf([]access.Permission{access.OrderRead, access.OrderWrite, access.PrizeRead, access.PrizeWrite, access.PointWrite}, shops...)
	}
	d.clerk = d.clerkOf(d.shop)
	d.hanako, d.number = d.carded(t, elsewhere, "山田 花子", "09012345612", granted)
	return d
}

// carded is a new member of the shop with a card alone and so many points.
func (d *cardCounter) carded(t *testing.T, shop uuid.UUID, name, phone string, granted int) (memberID, number string) {
	t.Helper()
	memberID = registeredAt(t, d.App, shop, name, phone)
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, memberID)).Scan(&number))
	if granted > 0 {
		require.Empty(t, d.by(t, pointDesk, "grantPoints", "balance { usable }", apptest.Variables{"idempotencyKey": d.key(), "programmeId": d.own, "memberId": memberID, "points": granted, "reason": "移行"}).UserErrors)
	}
	return memberID, number
}

func (d *cardCounter) left(t testing.TB) int {
	return countOf(t, d.App, `SELECT coalesce(sum(available), 0) FROM point_accounts WHERE member_id = $1`, keyOf(t, d.hanako))
}

const servedFields = `exchange { id state memberId shopId points quantity address { name } } vouchers { code state } balance { usable }`

func (d *cardCounter) serve(t testing.TB, actor access.Actor, field, fields string, input apptest.Variables) servedAnswer {
	t.Helper()
	all := apptest.Variables{"idempotencyKey": d.key(), "shopId": id.Global("Location", d.shop), "cardNumber": d.number}
	for name, value := range input {
		all[name] = value
	}
	var got map[string]servedAnswer
	d.DoAs(t, actor, pointMutation(field, fields), in(all)).Into(t, &got)
	return got[field]
}

func (d *cardCounter) exchange(t testing.TB, prize string, more apptest.Variables) servedAnswer {
	t.Helper()
	input := apptest.Variables{"prizeId": prize, "points": 300, "handOver": true}
	for name, value := range more {
		input[name] = value
	}
	return d.serve(t, d.clerk, "exchangePrizeFor", servedFields, input)
}

// stockAt puts pieces of the prize at the shop.
func (d *cardCounter) stockAt(t testing.TB, prize string, shop uuid.UUID, more apptest.Variables) answered {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": d.key(), "prizeId": prize, "by": 2, "reason": "店頭分", "shopId": id.Global("Location", shop), "fromStock": true}
	for name, value := range more {
		input[name] = value
	}
	return d.tells(t, pointAdmin, "movePrizeStock", "prize { id }", input)
}

func (d *cardCounter) atShop(t testing.TB, prize string) int {
	return countOf(t, d.App, `SELECT coalesce(sum(stock), 0) FROM prize_shop_stocks WHERE prize_id = $1`, keyOf(t, prize))
}

// nextDigit is the number with a check digit that does not check.
func nextDigit(number string) string { return number[:12] + string('0'+(number[12]-'0'+1)%10) }

func TestACardAloneIsExchangedForAPrizeAtTheCounter(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 1000)
	bowl := d.prize(t, apptest.Variables{"memberLimit": 3})
	require.Empty(t, d.stockAt(t, bowl, d.shop, nil).UserErrors)
	require.Equal(t, []int{1, 2}, []int{d.stock(t, bowl), d.atShop(t, bowl)})

	once := apptest.Variables{"idempotencyKey": "counter-0001"}
	done := d.exchange(t, bowl, once)
	require.Empty(t, done.UserErrors)
	require.Equal(t, []any{"DELIVERED", d.hanako, id.Global("Location", d.shop), 300, 700}, []any{done.Exchange.State, done.Exchange.MemberID, *done.Exchange.ShopID, done.Exchange.Points, done.Balance.Usable})
	require.Equal(t, done.Exchange.ID, d.exchange(t, bowl, once).Exchange.ID, "the same intent")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", d.exchange(t, bowl, apptest.Variables{"idempotencyKey": "counter-0001", "quantity": 2, "points": 600}).code())
	require.Equal(t, []int{700, 1, 1}, []int{d.left(t), d.stock(t, bowl), d.atShop(t, bowl)}, "the shop's own piece went, once")
	require.Equal(t, 1, countOf(t, d.App, `SELECT count(*) FROM events WHERE type = 'prize.exchanged' AND actor_id = $1 AND actor_role = 'STORE_STAFF' AND data->>'shopId' = $2 AND data->>'memberBy' = 'CARD'
		AND data->>'memberId' = $3`, d.clerk.ID, d.shop.String(), keyOf(t, d.hanako).String()))
	require.Equal(t, 1, countOf(t, d.App, `SELECT count(*) FROM point_entries WHERE kind = 'PRIZE' AND actor_id = $1`, d.clerk.ID), "the ledger says who took them")

	sent := d.exchange(t, bowl, apptest.Variables{"handOver": false, "address": newAddress("山田 花子")})
	require.Empty(t, sent.UserErrors)
	require.Equal(t, []any{"REQUESTED", "山田 花子", 400}, []any{sent.Exchange.State, sent.Exchange.Address.Name, d.left(t)})
	require.Equal(t, []int{0, 1}, []int{d.stock(t, bowl), d.atShop(t, bowl)}, "what is sent is none of the shop's")
	require.Equal(t, "PRIZE_SOLD_OUT", d.exchange(t, bowl, apptest.Variables{"handOver": false, "address": newAddress("山田 花子")}).code())

	var listed struct {
		PrizeExchanges struct {
			Nodes []struct {
				ShopID  *string
				Address *struct{ Name string }
			}
		}
		Prizes struct {
			Nodes []struct{ ShopStocks []struct{ Stock int } }
		}
	}
	d.DoAs(t, d.clerk, `{ prizeExchanges { nodes { shopId address { name } } } prizes(all: true) { nodes { shopStocks { stock } } } }`, nil).Into(t, &listed)
	require.Nil(t, listed.PrizeExchanges.Nodes[0].Address, "another shop's member")
	require.Equal(t, 1, listed.Prizes.Nodes[0].ShopStocks[0].Stock)
	d.DoAs(t, d.clerkOf(), `{ prizeExchanges { nodes { shopId address { name } } } prizes(all: true) { nodes { shopStocks { stock } } } }`, nil).Into(t, &listed)
	require.Empty(t, listed.Prizes.Nodes[0].ShopStocks, "another shop's pieces")
}

func TestWhatACounterRefusesToExchange(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 1000)
	bowl, dear := d.prize(t, apptest.Variables{"memberLimit": 1, "stock": 5}), d.prize(t, apptest.Variables{"points": 1001})
	for _, prize := range []string{bowl, dear} {
		require.Empty(t, d.stockAt(t, prize, d.shop, nil).UserErrors)
	}
	ranked, sent, closed := d.prize(t, nil), d.prize(t, nil), d.prize(t, apptest.Variables{"closed": true})
	rank := id.New()
	exec(t, d.App, `INSERT INTO member_ranks (id, brand_id, code, name, min_spend, months, updated_at) VALUES ($1, $2, 'gold', '{"ja":"金"}', 100, 12, now())`, rank, d.BrandID)
	exec(t, d.App, `UPDATE prizes SET min_rank_id = $1 WHERE id = $2`, rank, keyOf(t, ranked))
	account := newCustomer(t, d.App, "app@example.jp")
	address := newAddress("山田 花子")
	for name, wrong := range map[string]struct {
		prize, code string
		more        apptest.Variables
	}{
		"a digit is wrong":          {bowl, "CARD_NUMBER_INVALID", apptest.Variables{"cardNumber": nextDigit(d.number)}},
		"nobody's card":             {bowl, "MEMBER_CARD_INVALID", apptest.Variables{"cardNumber": "2900000000018"}},
		"neither":                   {bowl, "INVALID", apptest.Variables{"cardNumber": ""}},
		"both":                      {bowl, "INVALID", apptest.Variables{"memberCode": "noren:member:forged"}},
		"no code":                   {bowl, "MEMBER_CODE_INVALID", apptest.Variables{"cardNumber": "", "memberCode": "noren:member:forged"}},
		"another shop's clerk":      {bowl, "FORBIDDEN", apptest.Variables{"shopId": id.Global("Location", id.New())}},
		"not enough points":         {dear, "POINTS_SHORT", apptest.Variables{"points": 1001}},
		"other points":              {bowl, "PRIZE_POINTS_CHANGED", apptest.Variables{"points": 299}},
		"over the limit":            {bowl, "PRIZE_LIMIT", apptest.Variables{"points": 600, "quantity": 2}},
		"no such prize":             {id.Global("Prize", id.New()), "PRIZE_UNKNOWN", nil},
		"closed":                    {closed, "PRIZE_UNKNOWN", nil},
		"a rank that is not theirs": {ranked, "PRIZE_NOT_ELIGIBLE", nil},
		"no piece at the shop":      {sent, "PRIZE_NOT_AT_SHOP", nil},
		"nowhere":                   {bowl, "PRIZE_ADDRESS_REQUIRED", apptest.Variables{"handOver": false}},
		"handed over and sent":      {bowl, "PRIZE_HAND_OVER", apptest.Variables{"address": address}},
		"no pieces":                 {bowl, "INVALID", apptest.Variables{"quantity": 0}},
		"no key":                    {bowl, "IDEMPOTENCY_KEY_INVALID", apptest.Variables{"idempotencyKey": "short"}},
	} {
		require.Equal(t, wrong.code, d.exchange(t, wrong.prize, wrong.more).code(), name)
	}
	for name, actor := range map[string]access.Actor{
		"who may not": registrarOf([]access.Permission{access.OrderWrite, access.PrizeRead, access.MemberRead}, d.shop),
		"a member":    {Role: access.RoleMember, ID: keyOf(t, account.id)},
	} {
		asked := apptest.Variables{"idempotencyKey": d.key(), "shopId": id.Global("Location", d.shop), "cardNumber": d.number, "prizeId": bowl, "points": 300, "handOver": true}
		require.Equal(t, "FORBIDDEN", d.DoAs(t, actor, pointMutation("exchangePrizeFor", servedFields), in(asked)).Code(), name)
	}
	require.Equal(t, []int{1000, 3, 2, 0}, []int{d.left(t), d.stock(t, bowl), d.atShop(t, bowl), countOf(t, d.App, `SELECT count(*) FROM prize_exchanges`)}, "nothing was done")

	require.Equal(t, "PRIZE_STOCK", d.stockAt(t, bowl, d.shop, apptest.Variables{"by": 4}).code(), "more than there are to send")
	require.Equal(t, "PRIZE_STOCK", d.stockAt(t, bowl, d.shop, apptest.Variables{"by": -3, "fromStock": false}).code(), "more than lie there")
	require.Equal(t, "SHOP_UNAVAILABLE", d.stockAt(t, bowl, d.WarehouseID, nil).code())
	require.Equal(t, "REQUIRED", d.stockAt(t, bowl, d.shop, apptest.Variables{"shopId": nil}).code())
	require.Equal(t, []int{3, 2}, []int{d.stock(t, bowl), d.atShop(t, bowl)})
	require.Empty(t, d.stockAt(t, bowl, d.shop, apptest.Variables{"by": -2}).UserErrors)
	require.Equal(t, []int{5, 0}, []int{d.stock(t, bowl), d.atShop(t, bowl)}, "they go back")
}

func TestACardThatDoesNotWorkServesNobody(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 900)
	bowl := d.prize(t, nil)
	require.Empty(t, d.stockAt(t, bowl, d.shop, nil).UserErrors)
	code := func() string { return d.exchange(t, bowl, nil).code() }

	exec(t, d.App, `UPDATE member_cards SET state = 'REISSUED', ended_at = now() WHERE number = $1`, d.number)
	require.Equal(t, "MEMBER_CARD_INVALID", code(), "another took its place")
	exec(t, d.App, `UPDATE member_cards SET state = 'LOST' WHERE number = $1`, d.number)
	require.Equal(t, "MEMBER_CARD_INVALID", code(), "lost")
	exec(t, d.App, `UPDATE member_cards SET state = 'ACTIVE', ended_at = NULL WHERE number = $1`, d.number)
	exec(t, d.App, `UPDATE memberships SET ended_at = now() WHERE member_id = $1`, keyOf(t, d.hanako))
	require.Equal(t, "MEMBER_CARD_INVALID", code(), "they left the brand")
	exec(t, d.App, `UPDATE memberships SET ended_at = NULL WHERE member_id = $1`, keyOf(t, d.hanako))

	other := id.New()
	exec(t, d.App, `INSERT INTO brands SELECT (jsonb_populate_record(b, jsonb_build_object('id', $1::uuid, 'code', 'other'))).* FROM brands b WHERE id = $2`, other, d.BrandID)
	exec(t, d.App, `UPDATE member_cards SET brand_id = $1 WHERE number = $2`, other, d.number)
	require.Equal(t, "MEMBER_CARD_INVALID", code(), "another brand's")
	exec(t, d.App, `UPDATE member_cards SET brand_id = $1 WHERE number = $2`, d.BrandID, d.number)

	// Who becomes another member is served as that one, with the points of both.
	kept, _ := d.carded(t, d.shop, "山田 はな", "09012345699", 100)
	office := access.Actor{Role: access.RoleAdmin, ID: id.New()}
	require.Empty(t, d.by(t, office, "mergeMembers", "member { id }", apptest.Variables{"idempotencyKey": d.key(), "keepId": kept, "goneId": d.hanako, "reason": "同一人物"}).UserErrors)
	served := d.exchange(t, bowl, nil)
	require.Empty(t, served.UserErrors)
	require.Equal(t, []any{kept, 700}, []any{served.Exchange.MemberID, served.Balance.Usable})
}

func TestAnErasedMemberIsServedNoMore(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 900)
	bowl := d.prize(t, nil)
	require.Empty(t, d.stockAt(t, bowl, d.shop, nil).UserErrors)
	office := access.Actor{Role: access.RoleAdmin, ID: id.New()}
	var got struct {
		RequestMemberErasure struct{ UserErrors []userError }
	}
	d.DoAs(t, office, `mutation($m: ID!) { requestMemberErasure(input: {memberId: $m}) { userErrors { code } } }`, apptest.Variables{"m": d.hanako}).Into(t, &got)
	require.Empty(t, got.RequestMemberErasure.UserErrors)
	require.Equal(t, 1, countOf(t, d.App, `SELECT count(*) FROM members WHERE erased_at IS NOT NULL`))
	require.Equal(t, "MEMBER_CARD_INVALID", d.exchange(t, bowl, nil).code())
	require.Zero(t, countOf(t, d.App, `SELECT count(*) FROM prize_exchanges`))
}

func TestCodesAreShownOnceToWhoHandsThemOut(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 1000)
	batch := d.tells(t, pointAdmin, "issueVouchers", "batch { id }", apptest.Variables{"idempotencyKey": d.key(), "name": "交換用", "count": 3, "amount": "500", "forPrizes": true}).Batch.ID
	makeCodes(t, d.App, batch)
	voucher := d.prize(t, apptest.Variables{"kind": "VOUCHER", "batchId": batch, "stock": 2})
	require.Equal(t, "PRIZE_HAND_OVER", d.stockAt(t, voucher, d.shop, nil).code(), "codes lie nowhere")
	once := apptest.Variables{"idempotencyKey": "counter-0001", "quantity": 2, "points": 600, "handOver": false}
	done := d.exchange(t, voucher, once)
	require.Empty(t, done.UserErrors)
	require.Equal(t, "DELIVERED", done.Exchange.State)
	require.Len(t, done.Vouchers, 2)
	require.Len(t, done.Vouchers[0].Code, len("XXXX-XXXX-XXXX-XXXX-XXXX-XXXX"))
	require.NotEqual(t, done.Vouchers[0].Code, done.Vouchers[1].Code)
	require.Equal(t, done.Vouchers, d.exchange(t, voucher, once).Vouchers, "an answer that was lost comes again")
	require.Equal(t, "PRIZE_SOLD_OUT", d.exchange(t, voucher, apptest.Variables{"handOver": false}).code())
	require.Equal(t, 400, d.left(t))
	require.Equal(t, 2, countOf(t, d.App, `SELECT count(*) FROM events WHERE type = 'voucher.shown' AND actor_id = $1 AND data->>'memberId' = $2`, d.clerk.ID, keyOf(t, d.hanako).String()), "each showing is written down")

	var listed struct {
		PrizeExchanges struct {
			Nodes []struct {
				Vouchers []struct{ Code *string }
			}
		}
	}
	d.DoAs(t, d.clerk, `{ prizeExchanges { nodes { vouchers { code } } } }`, nil).Into(t, &listed)
	require.Nil(t, listed.PrizeExchanges.Nodes[0].Vouchers[0].Code, "in no list")
	exec(t, d.App, `UPDATE prize_exchanges SET created_at = created_at - interval '16 minutes'`)
	late := d.exchange(t, voucher, once)
	require.Empty(t, late.UserErrors)
	require.Empty(t, late.Vouchers, "nor ever after")

	till := registrarOf([]access.Permission{access.VoucherRedeem}, d.shop)
	used := d.tells(t, till, "redeemVoucher", "voucher { state }", apptest.Variables{"idempotencyKey": d.key(), "code": done.Vouchers[0].Code, "place": "SHOP"})
	require.Empty(t, used.UserErrors)
	require.Equal(t, "REDEEMED", used.Voucher.State, "what was printed works")
}

// oldCode is a code that the member's app showed six minutes ago.
func (d *cardCounter) oldCode(t *testing.T, member access.Actor) string {
	t.Helper()
	codes, err := membercode.New(postgres.NewMemberCodes(d.DB), d.App.App.Config.Secret, nil, func() time.Time { return time.Now().Add(-6 * time.Minute) })
	require.NoError(t, err)
	code, err := codes.Issue(channel.With(access.With(t.Context(), member), channel.Channel{BrandID: d.BrandID}))
	require.NoError(t, err)
	return code.Text
}

func TestACounterReadsTheCodeOfTheApp(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 0)
	bowl, b := d.prize(t, nil), d.buyer(t, 700)
	require.Empty(t, d.stockAt(t, bowl, d.shop, nil).UserErrors)
	member := access.Actor{Role: access.RoleMember, ID: keyOf(t, b.id)}
	shown := apptest.Variables{"cardNumber": "", "memberCode": memberCode(t, d.App, member), "idempotencyKey": "counter-0001"}
	done := d.exchange(t, bowl, shown)
	require.Empty(t, done.UserErrors)
	require.Equal(t, []any{id.Global("Member", member.ID), 400}, []any{done.Exchange.MemberID, done.Balance.Usable})
	require.Equal(t, done.Exchange.ID, d.exchange(t, bowl, shown).Exchange.ID, "the same intent, though the code is used up")
	require.Equal(t, "MEMBER_CODE_INVALID", d.exchange(t, bowl, with(shown, "idempotencyKey", d.key())).code(), "a code is shown once")

	require.Equal(t, "MEMBER_CODE_EXPIRED", d.exchange(t, bowl, apptest.Variables{"cardNumber": "", "memberCode": d.oldCode(t, member)}).code())
	fresh := memberCode(t, d.App, member)
	exec(t, d.App, `UPDATE accounts SET closed_at = now() WHERE id = $1`, member.ID)
	require.Equal(t, "MEMBER_CODE_INVALID", d.exchange(t, bowl, apptest.Variables{"cardNumber": "", "memberCode": fresh}).code(), "who left")
	require.Equal(t, 1, d.atShop(t, bowl))
}

func TestOfTwoCountersOneHandsTheLastPieceOver(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 600)
	bowl := d.prize(t, nil)
	require.Empty(t, d.stockAt(t, bowl, d.shop, apptest.Variables{"by": 1}).UserErrors)
	var wait sync.WaitGroup
	codes := make([]string, 4)
	for i := range codes {
		wait.Go(func() { codes[i] = d.exchange(t, bowl, nil).code() })
	}
	wait.Wait()
	require.ElementsMatch(t, []string{"", "PRIZE_NOT_AT_SHOP", "PRIZE_NOT_AT_SHOP", "PRIZE_NOT_AT_SHOP"}, codes)
	require.Equal(t, []int{300, 0}, []int{d.left(t), d.atShop(t, bowl)})
}

func TestACounterSeesWhoStandsThere(t *testing.T) {
	t.Parallel()
	d := openCardCounter(t, 250)
	look := func(actor access.Actor, more apptest.Variables) servedAnswer {
		by := apptest.Variables{"shopId": id.Global("Location", d.shop), "cardNumber": d.number}
		for name, value := range more {
			by[name] = value
		}
		var got struct{ CounterMember servedAnswer }
		d.DoAs(t, actor, `query($by: CounterMemberInput!) { counterMember(by: $by) { member { id name masked hasAccount rankName pointBalances { usable programme { id } } } userErrors { code field message } } }`,
			apptest.Variables{"by": by}).Into(t, &got)
		return got.CounterMember
	}
	cashier := clerkOf(d.shop)
	got := look(cashier, nil)
	require.Empty(t, got.UserErrors)
	require.Equal(t, []any{d.hanako, "山＊＊＊", true, false, ""}, []any{got.Member.ID, got.Member.Name, got.Member.Masked, got.Member.HasAccount, got.Member.RankName})
	require.Len(t, got.Member.PointBalances, 2)
	require.Equal(t, []any{d.own, 250}, []any{got.Member.PointBalances[0].Programme.ID, got.Member.PointBalances[0].Usable})
	require.Equal(t, 1, countOf(t, d.App, `SELECT count(*) FROM events WHERE type = 'member.viewed' AND actor_id = $1 AND subject_id = $2 AND data->>'by' = 'counter'`, cashier.ID, keyOf(t, d.hanako)))

	own, number := d.carded(t, d.shop, "佐藤 太郎", "08098765434", 0)
	reader := registrarOf([]access.Permission{access.OrderWrite, access.MemberRead}, d.shop)
	ours := look(reader, apptest.Variables{"cardNumber": number})
	require.Equal(t, []any{own, "佐藤 太郎", false}, []any{ours.Member.ID, ours.Member.Name, ours.Member.Masked}, "the shop's own member")
	require.Equal(t, "山＊＊＊", look(reader, nil).Member.Name, "not another's")

	b := d.buyer(t, 30)
	account := access.Actor{Role: access.RoleMember, ID: keyOf(t, b.id)}
	code := memberCode(t, d.App, account)
	for range 2 {
		shown := look(cashier, apptest.Variables{"cardNumber": "", "memberCode": code})
		require.Equal(t, []any{id.Global("Member", account.ID), true, 30}, []any{shown.Member.ID, shown.Member.HasAccount, shown.Member.PointBalances[0].Usable}, "to look does not use it up")
	}
	for name, wrong := range map[string]struct {
		more apptest.Variables
		code string
	}{
		"a digit is wrong": {apptest.Variables{"cardNumber": nextDigit(d.number)}, "CARD_NUMBER_INVALID"},
		"nobody's card":    {apptest.Variables{"cardNumber": "2900000000018"}, "MEMBER_CARD_INVALID"},
		"an old code":      {apptest.Variables{"cardNumber": "", "memberCode": d.oldCode(t, account)}, "MEMBER_CODE_EXPIRED"},
		"forged":           {apptest.Variables{"cardNumber": "", "memberCode": "noren:member:forged"}, "MEMBER_CODE_INVALID"},
		"another's shop":   {apptest.Variables{"shopId": id.Global("Location", id.New())}, "FORBIDDEN"},
	} {
		require.Equal(t, wrong.code, look(cashier, wrong.more).code(), name)
	}
	require.Equal(t, "SHOP_UNAVAILABLE", look(access.Actor{Role: access.RoleAdmin, ID: id.New()}, apptest.Variables{"shopId": id.Global("Location", d.WarehouseID)}).code())
	require.Equal(t, "FORBIDDEN", d.DoAs(t, registrarOf([]access.Permission{access.MemberRead}, d.shop), `query($by: CounterMemberInput!) { counterMember(by: $by) { member { id } } }`,
		apptest.Variables{"by": apptest.Variables{"shopId": id.Global("Location", d.shop), "cardNumber": d.number}}).Code())
}
