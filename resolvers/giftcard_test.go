package resolvers_test

import (
	"encoding/csv"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

var cardDesk = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{
	access.GiftCardRead, access.GiftCardWrite, access.OrderRead, access.OrderWrite, access.AccountingRead,
}}

// cardShop is a shop that issues gift cards. A cart of one leash comes to 2,640 yen.
type cardShop struct {
	*apptest.App
	leash  uuid.UUID
	parcel uuid.UUID
	keys   int
	mutex  sync.Mutex
}

func newCardShop(t *testing.T) *cardShop {
	t.Helper()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980)
	exec(t, a, `UPDATE stock_levels SET on_hand = 100000 WHERE variant_id = $1`, leash.Variants[0])
	return &cardShop{App: a, leash: leash.Variants[0], parcel: a.AddShipping(t, "parcel", 660)}
}

func (s *cardShop) key() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.keys++
	return fmt.Sprintf("intent-%05d", s.keys)
}

// issue is the codes of new cards.
func (s *cardShop) issue(t testing.TB, amount, count int, extra apptest.Variables) (codes []string) {
	input := apptest.Variables{"idempotencyKey": s.key(), "amount": fmt.Sprint(amount), "count": count, "paidBy": "CASH"}
	for name, value := range extra {
		input[name] = value
	}
	var got struct {
		IssueGiftCards struct {
			CSV        *string
			UserErrors []userError
		}
	}
	s.DoAs(t, cardDesk, `mutation($input: IssueGiftCardsInput!) { issueGiftCards(input: $input) { csv userErrors { code field message } } }`, in(input)).Into(t, &got)
	require.Empty(t, got.IssueGiftCards.UserErrors)
	rows, err := csv.NewReader(strings.NewReader(*got.IssueGiftCards.CSV)).ReadAll()
	require.NoError(t, err)
	for _, row := range rows[1:] {
		codes = append(codes, row[0])
	}
	return codes
}

// shopper is a guest with a filled cart.
func (s *cardShop) shopper(t testing.TB) *shopper {
	guest := &shopper{App: s.App}
	guest.add(t, s.leash, 1)
	guest.fillIn(t, s.parcel)
	return guest
}

func (s *cardShop) place(t testing.TB, guest *shopper, method string, codes ...string) orderAnswer {
	var placed struct{ PlaceOrder orderAnswer }
	guest.Do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`,
		in(apptest.Variables{"idempotencyKey": s.key(), "expectedTotal": "2640", "paymentMethod": method, "giftCards": codes}), "X-Cart-Token", guest.token).Into(t, &placed)
	return placed.PlaceOrder
}

type cardBalance struct {
	GiftCard *struct {
		Ending, State string
		Balance       struct{ Amount string }
	}
	UserErrors []userError
}

func (s *cardShop) look(t testing.TB, code string) cardBalance {
	var got struct{ GiftCardBalance cardBalance }
	s.DoAs(t, cardDesk, `query($c: String!) { giftCardBalance(code: $c) { giftCard { ending state balance { amount } } userErrors { code field message } } }`,
		apptest.Variables{"c": code}).Into(t, &got)
	return got.GiftCardBalance
}

func (s *cardShop) left(t testing.TB, code string) string {
	found := s.look(t, code)
	require.NotNil(t, found.GiftCard, "%v", found.UserErrors)
	return found.GiftCard.Balance.Amount
}

type tenderAnswer struct {
	ID, Method, Status string
	Amount, Refunded   struct{ Amount string }
	GiftCardEnding     *string
	Instructions       *struct{ Reference string }
}

type tenderedOrder struct {
	Status, PaymentMethod string
	Paid                  bool
	Total                 struct{ Amount string }
	Payments              []tenderAnswer
}

func (s *cardShop) order(t testing.TB, key string) tenderedOrder {
	var got struct{ Order tenderedOrder }
	s.DoAs(t, cardDesk, `query($o: ID!) { order(id: $o) { status paid paymentMethod total { amount } payments { id method status amount { amount } refunded { amount } giftCardEnding instructions { reference } } } }`,
		apptest.Variables{"o": key}).Into(t, &got)
	return got.Order
}

// agrees fails unless what is on all cards is what the journal owes, each balance is the
// sum of its entries, and the journal balances.
func (s *cardShop) agrees(t testing.TB) {
	var cards, owed, entries, off int64
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT coalesce(sum(balance), 0), (SELECT coalesce(sum(credit - debit), 0) FROM journal_lines WHERE account = 'GIFT_CARDS'),
		(SELECT coalesce(sum(amount), 0) FROM gift_card_entries), (SELECT coalesce(sum(debit - credit), 0) FROM journal_lines) FROM gift_cards`).Scan(&cards, &owed, &entries, &off))
	require.Equal(t, cards, owed, "cards and books")
	require.Equal(t, cards, entries, "cards and entries")
	require.Zero(t, off)
}

func (s *cardShop) cancel(t testing.TB, order string) {
	var got struct{ CancelOrder orderAnswer }
	s.DoAs(t, cardDesk, `mutation($o: ID!) { cancelOrder(input: {`+aKey()+` orderId: $o}) { `+orderFields+` } }`, apptest.Variables{"o": order}).Into(t, &got)
	require.Empty(t, got.CancelOrder.UserErrors)
}

func (s *cardShop) void(t testing.TB, codes ...string) string {
	var ids []string
	for _, code := range codes {
		var key uuid.UUID
		require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT id FROM gift_cards WHERE ending = $1`, code[len(code)-4:]).Scan(&key))
		ids = append(ids, id.Global("GiftCard", key))
	}
	var got struct {
		VoidGiftCards struct{ UserErrors []userError }
	}
	s.DoAs(t, cardDesk, `mutation($input: VoidGiftCardsInput!) { voidGiftCards(input: $input) { giftCards { state balance { amount } } userErrors { code field message } } }`,
		in(keyed("voidGiftCards", apptest.Variables{"ids": ids, "reason": "紛失"}))).Into(t, &got)
	require.Empty(t, got.VoidGiftCards.UserErrors)
	return ids[0]
}

func TestGiftCardPaysAPartAndATransferTheRest(t *testing.T) {
	t.Parallel()
	s := newCardShop(t)
	s.Work(t)
	code := s.issue(t, 1000, 1, nil)[0]
	require.Regexp(t, `^([2-9B-DF-HJ-NP-TV-Z]{4}-){5}[2-9B-DF-HJ-NP-TV-Z]{4}$`, code)
	s.agrees(t)
	placed := s.place(t, s.shopper(t), "BANK_TRANSFER", strings.ToLower(strings.ReplaceAll(code, "-", " ")))
	require.Empty(t, placed.UserErrors)
	o := s.order(t, placed.Order.ID)
	require.Equal(t, "PENDING_PAYMENT", o.Status)
	require.Equal(t, "2640", o.Total.Amount, "a card is a payment, no discount")
	require.Len(t, o.Payments, 2)
	require.Equal(t, []string{"GIFT_CARD", "CAPTURED", "1000"}, []string{o.Payments[0].Method, o.Payments[0].Status, o.Payments[0].Amount.Amount})
	require.Equal(t, code[len(code)-4:], *o.Payments[0].GiftCardEnding)
	require.Nil(t, o.Payments[0].Instructions)
	require.Equal(t, []string{"BANK_TRANSFER", "PENDING", "1640"}, []string{o.Payments[1].Method, o.Payments[1].Status, o.Payments[1].Amount.Amount})
	require.Equal(t, "0", s.left(t, code))
	s.agrees(t)
	require.Eventually(t, func() bool {
		for _, m := range s.App.App.Mailbox.To("hanako@example.jp") {
			if strings.Contains(m.Text, "ギフトカードご利用額：1,000円") && strings.Contains(m.Text, "差引お支払い額：1,640円") {
				return true
			}
		}
		return false
	}, time.Minute, 20*time.Millisecond)

	// What the card paid does not keep an order that is never paid in full.
	exec(t, s.App, `UPDATE payments SET due_at = now() - interval '1 hour' WHERE status = 'PENDING'`)
	require.NoError(t, s.App.App.Payments.Expire(t.Context()))
	require.Equal(t, "CANCELLED", s.order(t, placed.Order.ID).Status)
	require.Equal(t, "1000", s.left(t, code))
	require.Equal(t, "REFUNDED", s.order(t, placed.Order.ID).Payments[0].Status)
	s.agrees(t)
}

func TestGiftCardsThatPayAllConfirmTheOrder(t *testing.T) {
	t.Parallel()
	s := newCardShop(t)
	codes := append(s.issue(t, 2000, 1, nil), s.issue(t, 5000, 2, apptest.Variables{"paidBy": "GIVEN", "expiresAt": time.Now().Add(time.Hour).Format(time.RFC3339)})...)
	short := s.place(t, s.shopper(t), "GIFT_CARD", codes[0])
	require.Equal(t, "GIFT_CARD_SHORT", short.UserErrors[0].Code)
	require.Contains(t, short.UserErrors[0].Message, "640")
	require.Equal(t, "2000", s.left(t, codes[0]))
	placed := s.place(t, s.shopper(t), "BANK_TRANSFER", codes...)
	require.Empty(t, placed.UserErrors)
	o := s.order(t, placed.Order.ID)
	require.Equal(t, "CONFIRMED", o.Status)
	require.Equal(t, "GIFT_CARD", o.PaymentMethod)
	require.True(t, o.Paid)
	require.Len(t, o.Payments, 2, "a card that is not needed pays nothing")
	require.Equal(t, []string{"0", "4360", "5000"}, []string{s.left(t, codes[0]), s.left(t, codes[1]), s.left(t, codes[2])})
	s.agrees(t)

	// Staff give a part back, to the card that they say.
	var refunded struct {
		RefundPayment struct{ UserErrors []userError }
	}
	s.DoAs(t, cardDesk, `mutation($p: ID!) { refundPayment(input: {idempotencyKey: "refund-0001", paymentId: $p, amount: "300"}) { userErrors { code } } }`,
		apptest.Variables{"p": o.Payments[1].ID}).Into(t, &refunded)
	require.Empty(t, refunded.RefundPayment.UserErrors)
	require.Equal(t, "4660", s.left(t, codes[1]))
	s.DoAs(t, cardDesk, `mutation($p: ID!) { refundPayment(input: {idempotencyKey: "refund-0002", paymentId: $p, amount: "341"}) { userErrors { code } } }`,
		apptest.Variables{"p": o.Payments[1].ID}).Into(t, &refunded)
	require.Equal(t, "REFUND_EXCEEDS_PAYMENT", refunded.RefundPayment.UserErrors[0].Code)
	s.agrees(t)

	// A card that has expired or is void takes back what it paid all the same.
	exec(t, s.App, `UPDATE gift_cards SET expires_at = now() - interval '1 day' WHERE ending = $1`, codes[1][len(codes[1])-4:])
	require.NoError(t, s.App.App.Resolvers.GiftCards.Expire(t.Context()))
	require.Equal(t, "0", s.left(t, codes[1]))
	s.agrees(t)
	s.void(t, codes[0])
	s.cancel(t, placed.Order.ID)
	require.Equal(t, "340", s.left(t, codes[1]))
	require.Equal(t, "ACTIVE", s.look(t, codes[1]).GiftCard.State, "for thirty days")
	require.Equal(t, "2000", s.left(t, codes[0]))
	require.Equal(t, "VOID", s.look(t, codes[0]).GiftCard.State)
	s.agrees(t)
	s.void(t, codes[0])
	require.Equal(t, "0", s.left(t, codes[0]))
	s.agrees(t)
}

func TestGiftCardsThatDoNotPay(t *testing.T) {
	t.Parallel()
	s := newCardShop(t)
	codes := s.issue(t, 5000, 5, nil)
	require.Empty(t, s.place(t, s.shopper(t), "BANK_TRANSFER", codes[0]).UserErrors)
	exec(t, s.App, `UPDATE gift_cards SET balance = 0 WHERE ending = $1`, codes[0][len(codes[0])-4:])
	s.void(t, codes[1])
	exec(t, s.App, `UPDATE gift_cards SET expires_at = now() WHERE ending = $1`, codes[2][len(codes[2])-4:])
	brand := id.New()
	exec(t, s.App, `INSERT INTO brands SELECT (jsonb_populate_record(b, jsonb_build_object('id', $1::text, 'code', 'elsewhere'))).* FROM brands b LIMIT 1`, brand.String())
	exec(t, s.App, `UPDATE gift_cards SET brand_id = $1 WHERE ending = $2`, brand, codes[3][len(codes[3])-4:])
	wrong := []byte(codes[4])
	wrong[0] = map[bool]byte{true: 'B', false: 'C'}[wrong[0] != 'B']
	for want, named := range map[string][]string{
		"GIFT_CARD_EMPTY 0": {codes[0]}, "GIFT_CARD_VOID 0": {codes[1]}, "GIFT_CARD_EXPIRED 1": {codes[4], codes[2]}, "GIFT_CARD_UNKNOWN 0": {codes[3]},
		"GIFT_CARD_MISTYPED 0": {string(wrong)}, "GIFT_CARD_TWICE 1": {codes[4], strings.ToLower(codes[4])},
	} {
		code, place, _ := strings.Cut(want, " ")
		refused := s.place(t, s.shopper(t), "BANK_TRANSFER", named...)
		require.Len(t, refused.UserErrors, 1, want)
		require.Equal(t, code, refused.UserErrors[0].Code)
		require.Equal(t, []string{"giftCards", place}, refused.UserErrors[0].Field)
	}
	many := s.place(t, s.shopper(t), "BANK_TRANSFER", strings.Split(strings.Repeat(codes[4]+",", 11), ",")[:11]...)
	require.Equal(t, "TOO_MANY", many.UserErrors[0].Code)
	require.Equal(t, "GIFT_CARD_NOT_COMBINABLE", s.place(t, s.shopper(t), "ON_ACCOUNT", codes[4]).UserErrors[0].Code)
	require.Equal(t, "5000", s.left(t, codes[4]))

	for want, input := range map[string]apptest.Variables{
		"INVALID count": {"count": 0}, "INVALID count ": {"count": 10_001}, "GIFT_CARD_AMOUNT_INVALID amount": {"amount": "0"},
		"GIFT_CARD_AMOUNT_INVALID amount ": {"amount": "0.5"}, "GIFT_CARD_AMOUNT_INVALID amount  ": {"amount": "1000001"},
		"INVALID expiresAt": {"expiresAt": "2020-01-01T00:00:00Z"}, "TOO_LONG note": {"note": strings.Repeat("長", 201)},
	} {
		whole := apptest.Variables{"idempotencyKey": s.key(), "amount": "100", "paidBy": "CASH"}
		for name, value := range input {
			whole[name] = value
		}
		var got struct {
			IssueGiftCards struct{ UserErrors []userError }
		}
		s.DoAs(t, cardDesk, `mutation($input: IssueGiftCardsInput!) { issueGiftCards(input: $input) { userErrors { code field message } } }`, in(whole)).Into(t, &got)
		require.Equal(t, strings.TrimSpace(want), got.IssueGiftCards.UserErrors[0].Code+" "+got.IssueGiftCards.UserErrors[0].Field[0])
	}
	require.NotEmpty(t, s.DoAs(t, cashier, `{ giftCards { totalCount } }`, nil).Errors)
	require.NotEmpty(t, s.Do(t, `{ giftCards { totalCount } }`, nil).Errors)
}

func TestGiftCardCodesAreNotKeptNorGuessed(t *testing.T) {
	t.Parallel()
	s := newCardShop(t)
	var first, again struct {
		IssueGiftCards struct {
			BatchID string
			CSV     *string
		}
	}
	mutation := `mutation { issueGiftCards(input: {idempotencyKey: "issue-0001", amount: "3000", paidBy: BANK}) { batchId csv } }`
	s.DoAs(t, cardDesk, mutation, nil).Into(t, &first)
	s.DoAs(t, cardDesk, mutation, nil).Into(t, &again)
	require.Equal(t, first.IssueGiftCards.BatchID, again.IssueGiftCards.BatchID)
	require.NotNil(t, first.IssueGiftCards.CSV)
	require.Nil(t, again.IssueGiftCards.CSV)
	code := strings.Split(strings.Split(*first.IssueGiftCards.CSV, "\n")[1], ",")[0]
	plain := strings.ReplaceAll(code, "-", "")
	var found int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM gift_cards g WHERE g::text LIKE $1 OR g::text LIKE $2) + (SELECT count(*) FROM events e WHERE e.data::text LIKE $1 OR e.data::text LIKE $2)
			+ (SELECT count(*) FROM idempotency_keys k WHERE k::text LIKE $1 OR k::text LIKE $2)`, "%"+code+"%", "%"+plain+"%").Scan(&found))
	require.Zero(t, found)

	guest := &shopper{App: s.App, token: "AAAAAAAAAAAAAAAAAAAAAAAAAA"}
	query := `query($c: String!) { giftCardBalance(code: $c) { giftCard { balance { amount } } userErrors { code field message } } }`
	limited := false
	for range 25 {
		var got struct{ GiftCardBalance cardBalance }
		guest.Do(t, query, apptest.Variables{"c": code}, "X-Cart-Token", guest.token).Into(t, &got)
		if len(got.GiftCardBalance.UserErrors) > 0 {
			require.Equal(t, "GIFT_CARD_TRIES", got.GiftCardBalance.UserErrors[0].Code)
			limited = true
		}
	}
	require.True(t, limited)
	guest.add(t, s.leash, 1)
	require.Equal(t, "GIFT_CARD_TRIES", s.place(t, guest, "BANK_TRANSFER", code).UserErrors[0].Code, "placing orders is no way around")
}

// race lets so many guests pay at once by one code with 10,000 yen on it; who comes too late
// is refused with the code.
func (s *cardShop) race(t *testing.T, guests int, late string, pay func(guest *shopper) orderAnswer) []orderAnswer {
	t.Helper()
	shoppers := make([]*shopper, guests)
	for i := range shoppers {
		shoppers[i] = s.shopper(t)
	}
	var wg sync.WaitGroup
	answers := make([]orderAnswer, guests)
	for i, guest := range shoppers {
		wg.Go(func() { answers[i] = pay(guest) })
	}
	wg.Wait()
	var paid, placed, refused int
	for _, a := range answers {
		if len(a.UserErrors) > 0 {
			require.Equal(t, late, a.UserErrors[0].Code)
			refused++
			continue
		}
		placed++
		if a.Order.Status == "CONFIRMED" {
			paid++
		}
	}
	require.Equal(t, []int{3, 4, guests - 4}, []int{paid, placed, refused}, "3 × 2,640 yen, and one that the rest pays in part")
	return answers
}

func TestOneBalanceIsNeverSpentTwice(t *testing.T) {
	t.Parallel()
	s := newCardShop(t)
	s.void(t, s.issue(t, 1, 1, nil)[0])
	exec(t, s.App, `DELETE FROM gift_card_entries`)
	code := s.issue(t, 10_000, 1, nil)[0]
	s.race(t, 64, "GIFT_CARD_EMPTY", func(guest *shopper) orderAnswer { return s.place(t, guest, "BANK_TRANSFER", code) })
	require.Equal(t, "0", s.left(t, code))
	var spent int64
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT sum(captured) FROM payments WHERE method = 'GIFT_CARD'`).Scan(&spent))
	require.Equal(t, int64(10_000), spent)
}

// TestCardsAndBooksAlwaysAgree issues, spends, cancels, voids and expires at random, many
// at once: what is on the cards is what the books owe.
func TestCardsAndBooksAlwaysAgree(t *testing.T) {
	t.Parallel()
	s := newCardShop(t)
	codes := s.issue(t, 3000, 6, nil)
	rapid.Check(t, func(r *rapid.T) {
		if rapid.IntRange(0, 3).Draw(r, "issue") == 0 {
			codes = append(codes, s.issue(t, rapid.IntRange(1, 9000).Draw(r, "value"), 2, nil)...)
		}
		var wg sync.WaitGroup
		var mutex sync.Mutex
		var orders []string
		for range rapid.IntRange(1, 4).Draw(r, "buyers") {
			named := rapid.SliceOfNDistinct(rapid.SampledFrom(codes), 1, 3, rapid.ID[string]).Draw(r, "codes")
			guest := s.shopper(t)
			wg.Go(func() {
				if a := s.place(t, guest, "BANK_TRANSFER", named...); a.Order != nil {
					mutex.Lock()
					defer mutex.Unlock()
					orders = append(orders, a.Order.ID)
				}
			})
		}
		wg.Wait()
		s.agrees(t)
		for i, o := range orders {
			if rapid.Bool().Draw(r, "cancel") {
				wg.Go(func() { s.cancel(t, o) })
			} else if i == 0 && rapid.IntRange(0, 5).Draw(r, "void") == 0 {
				s.void(t, codes[0])
			}
		}
		wg.Wait()
		s.agrees(t)
	})
}
