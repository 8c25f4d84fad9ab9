package resolvers_test

import (
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/symbols"
	"github.com/noren-commerce/noren/storage/postgres/pgtest/books"
)

// vouchersOf are the codes of a new batch; not worth money if the amount is empty.
func vouchersOf(t *testing.T, a *apptest.App, amount string, count int, extra apptest.Variables) []string {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": id.New().String(), "name": "金券", "count": count}
	if amount != "" {
		input["amount"] = amount
	}
	maps.Copy(input, extra)
	var got map[string]answered
	a.DoAs(t, pointAdmin, pointMutation("issueVouchers", "batch { id }"), in(input)).Into(t, &got)
	require.Empty(t, got["issueVouchers"].UserErrors)
	batch := got["issueVouchers"].Batch.ID
	makeCodes(t, a, batch)
	return takeCodes(t, a, batch)
}

// pays places the cart of one leash, with vouchers and what else is named.
func (s *cardShop) pays(t testing.TB, guest *shopper, method string, vouchers []string, cards ...string) orderAnswer {
	var placed struct{ PlaceOrder orderAnswer }
	guest.Do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`, in(apptest.Variables{
		"idempotencyKey": s.key(), "expectedTotal": "2640", "paymentMethod": method, "vouchers": vouchers, "giftCards": append([]string{}, cards...),
	}), "X-Cart-Token", guest.token).Into(t, &placed)
	return placed.PlaceOrder
}

type voucherSeen struct {
	Voucher *struct {
		Ending, State  string
		Value, Balance *struct{ Amount string }
	}
	UserErrors []userError
}

func seeVoucher(t testing.TB, a *apptest.App, code string, headers ...string) voucherSeen {
	t.Helper()
	var got struct{ VoucherBalance voucherSeen }
	a.Do(t, `query($c: String!) { voucherBalance(code: $c) { voucher { ending state value { amount } balance { amount } expiresAt } userErrors { code field message } } }`,
		apptest.Variables{"c": code}, headers...).Into(t, &got)
	return got.VoucherBalance
}

// onVoucher is what is on a voucher, and what became of it.
func onVoucher(t testing.TB, a *apptest.App, code string) string {
	t.Helper()
	var balance, state string
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT balance::text, CASE WHEN expires_at <= now() THEN 'EXPIRED' ELSE state END FROM vouchers WHERE ending = $1`, code[len(code)-4:]).Scan(&balance, &state))
	return balance + " " + state
}

// agreed fails unless the books agree with what is on codes and in payments.
func agreed(t testing.TB, a *apptest.App) {
	t.Helper()
	broken, err := books.Broken(t.Context(), a.DB.Pool(), books.Money())
	require.NoError(t, err)
	require.Empty(t, broken)
}

func TestAVoucherPaysAPartAndATransferTheRest(t *testing.T) {
	t.Parallel()
	s := newCardShop(t)
	s.Work(t)
	code := vouchersOf(t, s.App, "1000", 1, nil)[0]
	seen := seeVoucher(t, s.App, code)
	require.Equal(t, []string{code[len(code)-4:], "ISSUED", "1000"}, []string{seen.Voucher.Ending, seen.Voucher.State, seen.Voucher.Balance.Amount})
	guest := s.shopper(t)
	input := apptest.Variables{"idempotencyKey": "with-a-voucher", "expectedTotal": "2640", "paymentMethod": "BANK_TRANSFER", "vouchers": []string{strings.ToLower(strings.ReplaceAll(code, "-", " "))}}
	var placed struct{ PlaceOrder orderAnswer }
	for range 2 {
		guest.Do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`, in(input), "X-Cart-Token", guest.token).Into(t, &placed)
		require.Empty(t, placed.PlaceOrder.UserErrors, "the same key orders once")
	}
	order := placed.PlaceOrder.Order.ID
	var got struct {
		Order struct {
			Status   string
			Total    struct{ Amount string }
			Payments []struct {
				Method, Status                string
				Amount                        struct{ Amount string }
				VoucherEnding, GiftCardEnding *string
				Instructions                  *struct{ Reference string }
			}
		}
	}
	s.DoAs(t, cardDesk, `query($o: ID!) { order(id: $o) { status total { amount } payments { method status amount { amount } voucherEnding giftCardEnding instructions { reference } } } }`, apptest.Variables{"o": order}).Into(t, &got)
	require.Equal(t, []string{"PENDING_PAYMENT", "2640"}, []string{got.Order.Status, got.Order.Total.Amount}, "a voucher is a payment, no discount")
	require.Len(t, got.Order.Payments, 2)
	first, rest := got.Order.Payments[0], got.Order.Payments[1]
	require.Equal(t, []string{"VOUCHER", "CAPTURED", "1000", code[len(code)-4:]}, []string{first.Method, first.Status, first.Amount.Amount, *first.VoucherEnding})
	require.Nil(t, first.GiftCardEnding)
	require.Nil(t, first.Instructions)
	require.Equal(t, []string{"BANK_TRANSFER", "PENDING", "1640"}, []string{rest.Method, rest.Status, rest.Amount.Amount})
	require.Equal(t, "0 REDEEMED", onVoucher(t, s.App, code))
	agreed(t, s.App)
	require.Eventually(t, func() bool {
		for _, m := range s.App.App.Mailbox.To("hanako@example.jp") {
			if strings.Contains(m.Text, "金券ご利用額：1,000円") && strings.Contains(m.Text, "差引お支払い額：1,640円") {
				return true
			}
		}
		return false
	}, time.Minute, 20*time.Millisecond)

	// What the voucher paid does not keep an order that is never paid in full.
	exec(t, s.App, `UPDATE payments SET due_at = now() - interval '1 hour' WHERE status = 'PENDING'`)
	require.NoError(t, s.App.App.Payments.Expire(t.Context()))
	require.Equal(t, "CANCELLED", s.order(t, order).Status)
	require.Equal(t, "1000 ISSUED", onVoucher(t, s.App, code))
	agreed(t, s.App)
	var listed struct {
		Vouchers struct {
			Nodes []struct {
				Entries []struct {
					Kind    string
					Amount  struct{ Amount string }
					OrderID *string
				}
			}
		}
	}
	s.DoAs(t, pointAdmin, `{ vouchers { nodes { entries { kind amount { amount } orderId } } } }`, nil).Into(t, &listed)
	entries := listed.Vouchers.Nodes[0].Entries
	require.Len(t, entries, 2)
	require.Equal(t, []string{"REDEEM", "1000", order}, []string{entries[0].Kind, entries[0].Amount.Amount, *entries[0].OrderID})
	require.Equal(t, []string{"RETURN", "-1000", order}, []string{entries[1].Kind, entries[1].Amount.Amount, *entries[1].OrderID})
}

func TestVouchersPayBeforeGiftCardsAndGetTheirMoneyBack(t *testing.T) {
	t.Parallel()
	s := newCardShop(t)
	soon := apptest.Variables{"expiresAt": time.Now().Add(time.Hour).Format(time.RFC3339)}
	codes := append(vouchersOf(t, s.App, "600", 1, nil), vouchersOf(t, s.App, "1500", 1, soon)...)
	card := s.issue(t, 5000, 1, nil)
	short := s.pays(t, s.shopper(t), "VOUCHER", codes)
	require.Equal(t, []string{"VOUCHERS_DO_NOT_COVER", "vouchers"}, []string{short.UserErrors[0].Code, short.UserErrors[0].Field[0]})
	require.Contains(t, short.UserErrors[0].Message, "540")
	require.Equal(t, "600 ISSUED", onVoucher(t, s.App, codes[0]))
	placed := s.pays(t, s.shopper(t), "BANK_TRANSFER", codes, card...)
	require.Empty(t, placed.UserErrors)
	o := s.order(t, placed.Order.ID)
	require.Equal(t, []string{"CONFIRMED", "GIFT_CARD"}, []string{o.Status, o.PaymentMethod})
	require.True(t, o.Paid)
	require.Len(t, o.Payments, 3)
	require.Equal(t, []string{"0 REDEEMED", "0 REDEEMED", "4460"}, []string{onVoucher(t, s.App, codes[0]), onVoucher(t, s.App, codes[1]), s.left(t, card[0])})
	agreed(t, s.App)

	// A part goes back on the voucher that staff say, and no more than it paid.
	refund := func(key, amount string) string {
		var refunded struct {
			RefundPayment struct{ UserErrors []userError }
		}
		s.DoAs(t, cardDesk, `mutation($input: RefundPaymentInput!) { refundPayment(input: $input) { userErrors { code } } }`,
			in(apptest.Variables{"idempotencyKey": key, "paymentId": o.Payments[1].ID, "amount": amount})).Into(t, &refunded)
		if len(refunded.RefundPayment.UserErrors) > 0 {
			return refunded.RefundPayment.UserErrors[0].Code
		}
		return ""
	}
	for range 2 {
		require.Empty(t, refund("refund-0001", "300"), "the same key once")
	}
	require.Equal(t, "REFUND_EXCEEDS_PAYMENT", refund("refund-0002", "1201"))
	require.Equal(t, "300 PART_REDEEMED", onVoucher(t, s.App, codes[1]))
	agreed(t, s.App)

	// A voucher that has expired or is void takes back what it paid all the same.
	exec(t, s.App, `UPDATE vouchers SET expires_at = now() - interval '1 day' WHERE ending = $1`, codes[1][len(codes[1])-4:])
	require.NoError(t, s.App.App.Resolvers.Vouchers.Expire(t.Context()))
	require.Equal(t, "0 EXPIRED", onVoucher(t, s.App, codes[1]))
	agreed(t, s.App)
	exec(t, s.App, `UPDATE vouchers SET state = 'VOID' WHERE ending = $1`, codes[0][len(codes[0])-4:])
	s.cancel(t, placed.Order.ID)
	require.Equal(t, "1200 PART_REDEEMED", onVoucher(t, s.App, codes[1]))
	var days int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT round(extract(epoch FROM expires_at - now()) / 86400)::int FROM vouchers WHERE ending = $1`, codes[1][len(codes[1])-4:]).Scan(&days))
	require.Equal(t, 30, days, "it lives on")
	require.Equal(t, "600 VOID", onVoucher(t, s.App, codes[0]))
	require.Equal(t, "VOUCHER_VOID", s.pays(t, s.shopper(t), "BANK_TRANSFER", codes[:1]).UserErrors[0].Code)
	agreed(t, s.App)
	var key uuid.UUID
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT id FROM vouchers WHERE state = 'VOID'`).Scan(&key))
	var voided map[string]answered
	s.DoAs(t, pointAdmin, pointMutation("voidVouchers", "count"), in(apptest.Variables{"idempotencyKey": s.key(), "ids": []string{id.Global("Voucher", key)}, "reason": "返金済み"})).Into(t, &voided)
	require.Equal(t, 1, voided["voidVouchers"].Count)
	require.Equal(t, "0 VOID", onVoucher(t, s.App, codes[0]))
	agreed(t, s.App)

	// Alone, a voucher that is large enough is the way to pay.
	large := vouchersOf(t, s.App, "3000", 1, nil)
	alone := s.pays(t, s.shopper(t), "VOUCHER", large)
	require.Empty(t, alone.UserErrors)
	require.Equal(t, "VOUCHER", s.order(t, alone.Order.ID).PaymentMethod)
	require.Equal(t, "360 PART_REDEEMED", onVoucher(t, s.App, large[0]))
	agreed(t, s.App)
}

func TestVouchersThatDoNotPay(t *testing.T) {
	t.Parallel()
	s := newCardShop(t)
	codes := vouchersOf(t, s.App, "5000", 6, nil)
	goods := vouchersOf(t, s.App, "", 1, nil)[0]
	dollars := vouchersOf(t, s.App, "5000", 1, nil)[0]
	where := func(code string) string { return code[len(code)-4:] }
	exec(t, s.App, `UPDATE vouchers SET state = 'REDEEMED', balance = 0 WHERE ending = $1`, where(codes[0]))
	exec(t, s.App, `UPDATE vouchers SET state = 'VOID', balance = 0 WHERE ending = $1`, where(codes[1]))
	exec(t, s.App, `UPDATE vouchers SET expires_at = now() WHERE ending = $1`, where(codes[2]))
	exec(t, s.App, `UPDATE voucher_batches SET currency = 'USD' WHERE id = (SELECT batch_id FROM vouchers WHERE ending = $1)`, where(dollars))
	brand := id.New()
	exec(t, s.App, `INSERT INTO brands SELECT (jsonb_populate_record(b, jsonb_build_object('id', $1::text, 'code', 'elsewhere'))).* FROM brands b LIMIT 1`, brand.String())
	exec(t, s.App, `UPDATE vouchers SET brand_id = $1 WHERE ending = $2`, brand, where(codes[3]))
	wrong := []byte(codes[4])
	wrong[0] = map[bool]byte{true: 'B', false: 'C'}[wrong[0] != 'B']
	for want, named := range map[string][]string{
		"VOUCHER_USED 0": {codes[0]}, "VOUCHER_VOID 0": {codes[1]}, "VOUCHER_EXPIRED 1": {codes[4], codes[2]}, "VOUCHER_UNKNOWN 1": {codes[4], codes[3]},
		"VOUCHER_MISTYPED 0": {string(wrong)}, "VOUCHER_TWICE 1": {codes[4], strings.ToLower(codes[4])}, "VOUCHER_NOT_MONEY 0": {goods},
		"CODE_OTHER_CURRENCY 1": {codes[4], dollars}, "TOO_MANY": strings.Split(strings.Repeat(codes[4]+",", 11), ",")[:11],
	} {
		code, place, _ := strings.Cut(want, " ")
		refused := s.pays(t, s.shopper(t), "BANK_TRANSFER", named)
		require.Len(t, refused.UserErrors, 1, want)
		require.Equal(t, code, refused.UserErrors[0].Code)
		require.Equal(t, strings.TrimSpace("vouchers "+place), strings.Join(refused.UserErrors[0].Field, " "))
	}
	require.Equal(t, "VOUCHER_NOT_COMBINABLE", s.pays(t, s.shopper(t), "ON_ACCOUNT", codes[4:5]).UserErrors[0].Code)
	require.Equal(t, "VOUCHER_UNKNOWN", s.pays(t, s.shopper(t), "BANK_TRANSFER", s.issue(t, 100, 1, nil)).UserErrors[0].Code, "a gift card is no voucher")
	require.Equal(t, "5000 ISSUED", onVoucher(t, s.App, codes[4]))
	seen := seeVoucher(t, s.App, goods)
	require.Nil(t, seen.Voucher.Balance, "it is not worth money")
	require.Equal(t, "VOUCHER_MISTYPED", seeVoucher(t, s.App, "ABCD").UserErrors[0].Code)
}

func TestOneVoucherIsNeverSpentTwice(t *testing.T) {
	t.Parallel()
	s := newCardShop(t)
	code := vouchersOf(t, s.App, "10000", 1, nil)
	answers := s.race(t, 12, "VOUCHER_USED", func(guest *shopper) orderAnswer { return s.pays(t, guest, "BANK_TRANSFER", code) })
	require.Equal(t, "0 REDEEMED", onVoucher(t, s.App, code[0]))
	agreed(t, s.App)
	var wg sync.WaitGroup
	for _, a := range answers {
		if a.Order != nil {
			wg.Go(func() { s.cancel(t, a.Order.ID) })
		}
	}
	wg.Wait()
	require.Equal(t, "10000 ISSUED", onVoucher(t, s.App, code[0]))
	agreed(t, s.App)
}

func TestGuessedVouchersLockWhoPaysByThem(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	shop := &cardShop{App: s.App, leash: s.leash, parcel: s.parcel}
	right := vouchersOf(t, s.App, "500", 1, nil)
	guesser := shop.shopper(t)
	for i := range 10 {
		guess, err := symbols.Draw(23)
		require.NoError(t, err)
		refused := shop.pays(t, guesser, "BANK_TRANSFER", []string{guess})
		require.Equal(t, map[bool]string{false: "VOUCHER_UNKNOWN", true: "VOUCHER_LOCKED"}[i == 9], refused.UserErrors[0].Code, "%d", i)
		require.Equal(t, "vouchers", refused.UserErrors[0].Field[0])
	}
	require.Equal(t, "VOUCHER_LOCKED", shop.pays(t, guesser, "BANK_TRANSFER", right).UserErrors[0].Code, "a right one, too")
	require.Equal(t, "VOUCHER_LOCKED", shop.pays(t, shop.shopper(t), "BANK_TRANSFER", right).UserErrors[0].Code, "a new cart is no way around")
	require.Equal(t, "VOUCHER_LOCKED", seeVoucher(t, s.App, right[0], "X-Cart-Token", guesser.token).UserErrors[0].Code, "nor is asking what is on it")
	b := s.buyer(t, 0)
	var placed struct{ PlaceOrder orderAnswer }
	b.do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`,
		in(apptest.Variables{"idempotencyKey": s.key(), "expectedTotal": "2640", "paymentMethod": "BANK_TRANSFER", "vouchers": right})).Into(t, &placed)
	require.Empty(t, placed.PlaceOrder.UserErrors, "others go on")
	require.Equal(t, "0 REDEEMED", onVoucher(t, s.App, right[0]))
	var locked, told int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM events WHERE type = 'vouchers.locked'), (SELECT count(*) FROM idempotency_keys k WHERE k::text LIKE $1)`, "%"+strings.ReplaceAll(right[0], "-", "")+"%").Scan(&locked, &told))
	require.Equal(t, []int{1, 0}, []int{locked, told})
}

// Wherever gift cards pay, vouchers do: orders that stand, counters, pick-ups and drafts.
func TestVouchersPayWhereverGiftCardsDo(t *testing.T) {
	t.Parallel()
	s := newPointShop(t, takesCards(stripetest.New(t)))
	umeda := openShop(t, s.App, "umeda", "OSAKA", map[uuid.UUID]int{s.leash: 9})
	b, ours := s.buyer(t, 1000), counter{s.App, clerkOf(umeda)}

	placed := b.place(t, "BANK_TRANSFER")
	require.Empty(t, placed.UserErrors)
	codes := vouchersOf(t, s.App, "1500", 2, nil)
	require.Equal(t, "VOUCHERS_DO_NOT_COVER", b.pay(t, placed.Order.ID, apptest.Variables{"paymentMethod": "VOUCHER", "vouchers": codes[:1]}).code())
	last := apptest.Variables{"idempotencyKey": "the-vouchers", "paymentMethod": "VOUCHER", "points": []apptest.Variables{b.own(640)}, "vouchers": codes}
	for range 2 {
		got := b.pay(t, placed.Order.ID, last)
		require.Empty(t, got.UserErrors)
		require.Equal(t, "CONFIRMED", got.Order.Status)
	}
	require.Equal(t, map[string]int64{"POINTS": 640, "VOUCHER": 2000}, s.tendered(t, placed.Order.ID))
	require.Equal(t, []string{"0 REDEEMED", "1000 PART_REDEEMED"}, []string{onVoucher(t, s.App, codes[0]), onVoucher(t, s.App, codes[1])})

	sold := ours.sell(t, apptest.Variables{"shopId": id.Global("Location", umeda), "lines": []apptest.Variables{pieceOf(s.leash, 1)}, "expectedTotal": "1980",
		"vouchers": codes[1:], "giftCards": s.purse().issue(t, 600, 1, nil), "tenders": []apptest.Variables{{"method": "CASH", "amount": "380"}}})
	require.Empty(t, sold.UserErrors)
	require.Equal(t, "DELIVERED", sold.Order.Status)
	require.Equal(t, map[string]int64{"VOUCHER": 1000, "GIFT_CARD": 600, "CASH": 380}, s.tendered(t, sold.Order.ID))
	require.Equal(t, "VOUCHER_USED", ours.sell(t, apptest.Variables{"shopId": id.Global("Location", umeda), "lines": []apptest.Variables{pieceOf(s.leash, 1)}, "expectedTotal": "1980",
		"vouchers": codes[1:], "tenders": []apptest.Variables{{"method": "CASH", "amount": "1980"}}}).code())

	c := s.buyer(t, 0)
	order, code := c.reserves(t, umeda)
	given := ours.handOver(t, order, code, apptest.Variables{"vouchers": vouchersOf(t, s.App, "1480", 1, nil), "payment": apptest.Variables{"method": "CASH"}})
	require.Empty(t, given.UserErrors)
	require.Equal(t, map[string]int64{"VOUCHER": 1480, "CASH": 500}, s.tendered(t, order))

	staff, whole := as(t, s.App, phoneDesk), vouchersOf(t, s.App, "3000", 1, nil)
	made := staff.draft(t, "createDraftOrder", apptest.Variables{"memberId": b.id, "terms": phoned(s.parcel, "CARD", wantedLine(s.leash, 1, nil))})
	require.Empty(t, made.UserErrors)
	done := staff.draft(t, "placeDraftOrder", apptest.Variables{"idempotencyKey": s.key(), "draftOrderId": made.DraftOrder.ID, "revision": made.DraftOrder.Revision, "expectedTotal": "2640",
		"vouchers": whole})
	require.Empty(t, done.UserErrors)
	require.True(t, done.Order.Paid)
	require.Equal(t, map[string]int64{"VOUCHER": 2640}, s.tendered(t, done.Order.ID))
	var actor uuid.UUID
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT actor_id FROM voucher_entries WHERE order_id = $1`, keyOf(t, done.Order.ID)).Scan(&actor))
	require.Equal(t, phoneDesk.ID, actor, "the entry says who used it on the member's word")
	agreed(t, s.App)
	require.NotEmpty(t, s.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New()}, `{ voucherBalance(code: "x") { voucher { state } } }`, nil).Errors)

	// Goods that come back give their money back on the voucher.
	packed := counter{s.App, packer}
	for _, h := range packed.ship(t, done.Order.ID) {
		require.Empty(t, packed.move(t, "deliverShipment", apptest.Variables{"shipmentId": h.ID}).UserErrors)
	}
	packed.takeBack(t, done.Order.ID, packed.linesOf(t, done.Order.ID)[0], 1)
	require.Equal(t, map[string]int64{"VOUCHER": 0}, s.tendered(t, done.Order.ID))
	require.Equal(t, "3000 ISSUED", onVoucher(t, s.App, whole[0]))
	agreed(t, s.App)
}
