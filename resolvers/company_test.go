package resolvers_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/storage/postgres"
)

// seller is head office staff that trade with companies.
var seller = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{
	access.CompanyRead, access.CompanyWrite, access.OrderRead, access.OrderWrite, access.MemberRead,
}}

// changes is what any mutation of companies answers.
type changes struct {
	Company *struct {
		ID, Code, Name, Kana, InvoiceNumber string
		Version                             int
		ClosedAt                            *string
		Credit                              struct {
			Limit, Used, Left struct{ Amount string }
			Policy            string
		}
	}
	Group *struct {
		ID, Code, Name   string
		Size, Precedence int
		ClosedAt         *string
	}
	Address *struct {
		ID        string
		IsDefault bool
	}
	Buyer *struct {
		AccountID, Name, Email, Role string
		ApprovalLimit                *struct{ Amount string }
	}
	Rule *struct {
		Function string
		Allowed  bool
	}
	Entry *struct {
		ID              string
		Amount, Balance struct{ Amount string }
	}
	Order *struct {
		ID, Number, Status string
		Paid               bool
	}
	UserErrors []userError
}

func (c changes) code() string {
	if len(c.UserErrors) == 0 {
		return ""
	}
	return c.UserErrors[0].Code
}

// fault is the code and the field of the first error.
func (c changes) fault() string {
	if len(c.UserErrors) == 0 {
		return ""
	}
	return c.UserErrors[0].Code + " " + strings.Join(c.UserErrors[0].Field, ".")
}

const (
	companyFields = `company { id code name kana invoiceNumber version closedAt credit { limit { amount } used { amount } left { amount } policy } }`
	groupFields   = `group { id code name size precedence closedAt }`
	addressFields = `address { id isDefault }`
	buyerFields   = `buyer { accountId name email role approvalLimit { amount } }`
	ruleFields    = `rule { function allowed }`
	changedOrder  = `order { id number status paid }`
	entryFields   = `entry { id amount { amount } balance { amount } } ` + companyFields
)

// answers are the fields that a mutation's payload has.
func answers(field string) string {
	switch {
	case strings.Contains(field, "Order"):
		return changedOrder
	case strings.Contains(field, "Payment"):
		return entryFields
	case strings.Contains(field, "CustomerGroup"):
		return groupFields
	case strings.Contains(field, "Address"):
		return addressFields
	case strings.Contains(field, "Buyer"):
		return buyerFields
	case strings.Contains(field, "Rule"):
		return ruleFields
	}
	return companyFields
}

// inputs are the input types that are not named after their mutation.
var inputs = map[string]string{"addToCustomerGroup": "CustomerGroupMembersInput", "removeFromCustomerGroup": "CustomerGroupMembersInput"}

type asking func(query string, variables apptest.Variables) apptest.Answer

func (ask asking) mutate(t testing.TB, field string, input apptest.Variables) changes {
	t.Helper()
	kind := inputs[field]
	if kind == "" {
		kind = strings.ToUpper(field[:1]) + field[1:] + "Input"
	}
	answer := ask(fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { %s userErrors { code field message } } }`, kind, field, answers(field)),
		apptest.Variables{"in": keyed(field, input)})
	if code := answer.Code(); code == "FORBIDDEN" || code == "UNAUTHENTICATED" {
		return changes{UserErrors: []userError{{Code: code}}}
	}
	var got map[string]changes
	answer.Into(t, &got)
	return got[field]
}

// wholesaler is a shop that sells on account to one company, フクフク商店.
type wholesaler struct {
	*apptest.App
	staff   asking
	company string
	method  uuid.UUID
	leash   uuid.UUID // 1,000 yen
}

func newWholesaler(t testing.TB, limit, policy string) wholesaler {
	a := apptest.Start(t)
	w := wholesaler{App: a, method: a.AddShipping(t, "parcel", 0), leash: a.AddProduct(t, "leash", 1000).Variants[0]}
	w.staff = func(query string, variables apptest.Variables) apptest.Answer {
		return a.DoAs(t, seller, query, variables)
	}
	made := w.staff.mutate(t, "createCompany", apptest.Variables{"code": "C001", "name": "フクフク商店", "creditLimit": limit, "creditPolicy": policy})
	require.Empty(t, made.UserErrors)
	w.company = made.Company.ID
	return w
}

// prove makes the address known to be the account's.
func prove(t testing.TB, a *apptest.App, email string) {
	t.Helper()
	exec(t, a, `UPDATE accounts SET email_verified_at = now() WHERE id = $1`, accountOf(t, a, email))
}

// accountOf is the id of the open account with the address.
func accountOf(t testing.TB, a *apptest.App, email string) uuid.UUID {
	t.Helper()
	account, err := postgres.NewAccounts(a.DB).AccountByEmail(t.Context(), email)
	require.NoError(t, err)
	require.NotNil(t, account, email)
	return account.ID
}

// trader is a member who buys for the company.
type trader struct {
	customer
	w wholesaler
}

func (w wholesaler) buyer(t testing.TB, email, role string, limit any) trader {
	t.Helper()
	c := newCustomer(t, w.App, email)
	prove(t, w.App, email)
	got := w.staff.mutate(t, "attachCompanyBuyer", apptest.Variables{"companyId": w.company, "email": email, "role": role, "approvalLimit": limit})
	require.Empty(t, got.UserErrors)
	require.Equal(t, c.id, got.Buyer.AccountID)
	return trader{c, w}
}

// asking asks as the trader; who has no session is taken at their word.
func (b trader) asking(t testing.TB) asking {
	if b.bearer != "" {
		return func(q string, v apptest.Variables) apptest.Answer { return b.do(t, q, v) }
	}
	_, key, err := id.Parse(b.id)
	require.NoError(t, err)
	return func(q string, v apptest.Variables) apptest.Answer {
		return b.DoAs(t, access.Actor{Role: access.RoleCompanyBuyer, ID: key}, q, v)
	}
}

// order orders that many leashes.
func (b trader) order(t testing.TB, key, method string, pieces int) changes {
	t.Helper()
	b.do(t, `mutation($v: ID!, $q: Int!) { addCartLine(input: {variantId: $v, quantity: $q}) { userErrors { code } } }`, apptest.Variables{"v": id.Global("Variant", b.w.leash), "q": pieces})
	b.do(t, `mutation($m: ID!) { updateCart(input: {email: "buyer@example.jp", shippingMethodId: $m, shippingAddress: {
		name: "福田 ふく", postalCode: "150-0001", prefecture: TOKYO, city: "渋谷区", line1: "神宮前1-2-3", phone: "03-1234-5678"
	}}) { userErrors { code } } }`, apptest.Variables{"m": id.Global("ShippingMethod", b.w.method)})
	return b.place(t, key, method, pieces)
}

func (b trader) place(t testing.TB, key, method string, pieces int) changes {
	t.Helper()
	return b.asking(t).mutate(t, "placeOrder", apptest.Variables{
		"idempotencyKey": key, "expectedTotal": fmt.Sprint(1000 * pieces), "paymentMethod": method,
	})
}

func (b trader) mutate(t testing.TB, field string, input apptest.Variables) changes {
	t.Helper()
	return b.asking(t).mutate(t, field, input)
}

// owed is what the company owes; it must be the sum of its entries.
func (w wholesaler) owed(t testing.TB) int {
	t.Helper()
	var used, entries, last int
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `
		SELECT used, (SELECT coalesce(sum(amount), 0) FROM credit_entries), coalesce((SELECT balance FROM credit_entries ORDER BY at DESC, id DESC LIMIT 1), 0)
		FROM company_credit`).Scan(&used, &entries, &last))
	require.Equal(t, used, entries, "what is owed is the sum of the entries")
	return used
}

func TestAnOrderOnAccountTakesCreditAndGivesItBack(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "5000", "BLOCK")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil)
	placed := kaede.order(t, "intent-1", "ON_ACCOUNT", 3)
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "CONFIRMED", placed.Order.Status)
	require.False(t, placed.Order.Paid)
	require.Equal(t, 3000, w.owed(t))
	require.Equal(t, placed.Order.ID, kaede.place(t, "intent-1", "ON_ACCOUNT", 3).Order.ID, "the same intent takes no more")
	require.Equal(t, 3000, w.owed(t))

	refused := kaede.order(t, "intent-2", "ON_ACCOUNT", 3)
	require.Equal(t, "CREDIT_EXCEEDED paymentMethod", refused.fault())
	require.Contains(t, refused.UserErrors[0].Message, "2000")
	require.Equal(t, 3000, w.owed(t))
	requireStock(t, w.App, w.leash, 100, 3)

	require.Empty(t, kaede.mutate(t, "cancelOrder", apptest.Variables{"orderId": placed.Order.ID}).UserErrors)
	require.Zero(t, w.owed(t))
	require.Equal(t, "ORDER_STATUS_CONFLICT", kaede.mutate(t, "cancelOrder", apptest.Variables{"orderId": placed.Order.ID}).code())
	require.Zero(t, w.owed(t))
	again := kaede.place(t, "intent-3", "ON_ACCOUNT", 3)
	require.Empty(t, again.UserErrors)
	require.Equal(t, 3000, w.owed(t))

	// It is shipped without money.
	staff := counter{w.App, seller}
	staff.ship(t, again.Order.ID)
	require.Equal(t, 3000, w.owed(t))
}

func TestMoneyOnAccountPaysTheOldestOrdersOnce(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "10000", "BLOCK")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil)
	first, second := kaede.order(t, "intent-1", "ON_ACCOUNT", 3).Order.ID, kaede.order(t, "intent-2", "ON_ACCOUNT", 4).Order.ID
	pay := func(key, amount string) changes {
		return w.staff.mutate(t, "recordAccountPayment", apptest.Variables{
			"idempotencyKey": key, "companyId": w.company, "amount": amount, "reference": "ﾌｸﾌｸｼｮｳﾃﾝ", "receivedAt": "2026-01-20T01:00:00Z",
		})
	}
	paid := func(order string) bool {
		var got struct{ Order struct{ Paid bool } }
		w.staff(`query($o: ID!) { order(id: $o) { paid } }`, apptest.Variables{"o": order}).Into(t, &got)
		return got.Order.Paid
	}
	some := pay("payment-1", "2999")
	require.Empty(t, some.UserErrors)
	require.Equal(t, "-2999", some.Entry.Amount.Amount)
	require.Equal(t, "4001", some.Entry.Balance.Amount)
	require.False(t, paid(first))
	again := pay("payment-1", "2999")
	require.Equal(t, some.Entry.ID, again.Entry.ID, "the same key records once")
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", pay("payment-1", "3000").code())
	require.Equal(t, 4001, w.owed(t))
	require.Equal(t, "6000", pay("payment-2", "1").Company.Credit.Left.Amount)
	require.True(t, paid(first))
	require.False(t, paid(second))
	ahead := pay("payment-3", "4500")
	require.Equal(t, "-500", ahead.Company.Credit.Used.Amount, "what exceeds the orders is paid ahead")
	require.Equal(t, "10500", ahead.Company.Credit.Left.Amount)
	require.True(t, paid(second))

	for name, input := range map[string]apptest.Variables{
		"AMOUNT_INVALID amount":                  {"amount": "0"},
		"AMOUNT_TOO_FINE amount":                 {"amount": "0.5"},
		"IDEMPOTENCY_KEY_INVALID idempotencyKey": {"idempotencyKey": "x"},
		"TOO_LONG reference":                     {"reference": strings.Repeat("あ", 201)},
		"INVALID receivedAt":                     {"receivedAt": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)},
		"NOT_FOUND companyId":                    {"companyId": id.Global("Company", id.New())},
	} {
		bad := apptest.Variables{"idempotencyKey": "payment-bad-" + name[:5], "companyId": w.company, "amount": "10", "receivedAt": "2026-01-20T01:00:00Z"}
		for field, value := range input {
			bad[field] = value
		}
		require.Equal(t, name, w.staff.mutate(t, "recordAccountPayment", bad).fault())
	}
	require.Equal(t, -500, w.owed(t))
}

// toApprove are the approvers who were mailed about the order.
func toApprove(t *testing.T, a *apptest.App, number string) (whom []string) {
	t.Helper()
	require.NotEmpty(t, number)
	openMails(t, a)
	rows, _ := a.DB.Pool().Query(t.Context(), `
		SELECT args->'message'->'to'->>'email' FROM river_job
		WHERE kind = 'send_message' AND args->'message'->>'kind' = $1 AND args->'message'->'content'->>'orderNumber' = $2 ORDER BY 1`,
		messaging.KindApprovalAsked, number)
	whom, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	return whom
}

func TestOrdersAboveALimitWaitForAnApprover(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "10000", "APPROVAL")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", "2000")
	junior := w.buyer(t, "junior@example.jp", "APPROVER", "3000")
	boss := w.buyer(t, "boss@example.jp", "APPROVER", nil)
	books := w.buyer(t, "books@example.jp", "ACCOUNTANT", nil)
	require.Equal(t, "CONFIRMED", kaede.order(t, "intent-1", "ON_ACCOUNT", 2).Order.Status)
	waits := kaede.order(t, "intent-2", "ON_ACCOUNT", 5)
	require.Empty(t, waits.UserErrors)
	require.Equal(t, "PENDING_APPROVAL", waits.Order.Status)
	require.Equal(t, 2000, w.owed(t), "what waits owes nothing yet")
	require.Equal(t, []string{"boss@example.jp", "junior@example.jp"}, toApprove(t, w.App, waits.Order.Number))
	requireStock(t, w.App, w.leash, 100, 7)

	approve, reject := apptest.Variables{"orderId": waits.Order.ID}, apptest.Variables{"orderId": waits.Order.ID, "reason": "予算超過"}
	require.Equal(t, "FORBIDDEN", kaede.mutate(t, "approveOrder", approve).code())
	require.Equal(t, "FORBIDDEN", books.mutate(t, "approveOrder", approve).code())
	require.Equal(t, "FORBIDDEN", books.mutate(t, "cancelOrder", approve).code(), "accountants look")
	require.Equal(t, "FORBIDDEN", books.order(t, "intent-9", "ON_ACCOUNT", 1).code())
	above := junior.mutate(t, "approveOrder", approve)
	require.Equal(t, "APPROVAL_LIMIT_EXCEEDED", above.code())
	require.Contains(t, above.UserErrors[0].Message, "3000")
	require.Equal(t, "ORDER_STATUS_CONFLICT", counter{w.App, seller}.instruct(t, waits.Order.ID, nil).code(), "nobody goes round the approval")

	// The credit is looked at again when it is approved.
	require.Empty(t, w.staff.mutate(t, "setCompanyCredit", apptest.Variables{"companyId": w.company, "limit": "6999", "policy": "APPROVAL"}).UserErrors)
	short := boss.mutate(t, "approveOrder", approve)
	require.Equal(t, "CREDIT_EXCEEDED", short.code())
	require.Contains(t, short.UserErrors[0].Message, "4999")
	require.Equal(t, "CREDIT_EXCEEDED", w.staff.mutate(t, "approveOrder", approve).code(), "for staff too")
	require.Empty(t, w.staff.mutate(t, "setCompanyCredit", apptest.Variables{"companyId": w.company, "limit": "7000", "policy": "APPROVAL"}).UserErrors)
	approved := boss.mutate(t, "approveOrder", approve)
	require.Empty(t, approved.UserErrors)
	require.Equal(t, "CONFIRMED", approved.Order.Status)
	require.Equal(t, 7000, w.owed(t))
	require.Equal(t, "ORDER_STATUS_CONFLICT", boss.mutate(t, "approveOrder", approve).code())
	require.Equal(t, "ORDER_STATUS_CONFLICT", boss.mutate(t, "rejectOrder", reject).code())

	// Above the credit, too, an order waits; turned down, it gives its stock back.
	turned := kaede.order(t, "intent-3", "ON_ACCOUNT", 1)
	require.Equal(t, "PENDING_APPROVAL", turned.Order.Status)
	requireStock(t, w.App, w.leash, 100, 8)
	require.Equal(t, "TOO_LONG reason", boss.mutate(t, "rejectOrder", apptest.Variables{"orderId": turned.Order.ID, "reason": strings.Repeat("x", 501)}).fault())
	rejected := junior.mutate(t, "rejectOrder", apptest.Variables{"orderId": turned.Order.ID, "reason": "予算超過"})
	require.Empty(t, rejected.UserErrors)
	require.Equal(t, "CANCELLED", rejected.Order.Status)
	require.Equal(t, 7000, w.owed(t))
	requireStock(t, w.App, w.leash, 100, 7)

	// Who blocks hears of the own limit.
	require.Empty(t, w.staff.mutate(t, "setCompanyCredit", apptest.Variables{"companyId": w.company, "limit": "70000", "policy": "BLOCK"}).UserErrors)
	require.Equal(t, "APPROVAL_LIMIT_EXCEEDED paymentMethod", kaede.order(t, "intent-4", "ON_ACCOUNT", 3).fault())
	// The limit is about orders on account; who pays in advance owes nothing.
	require.Equal(t, "PENDING_PAYMENT", kaede.place(t, "intent-5", "BANK_TRANSFER", 3).Order.Status)
}

func TestOnAccountIsForBuyersOfCompanies(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "10000", "APPROVAL")
	member := trader{newCustomer(t, w.App, "member@example.jp"), w}
	require.Equal(t, "FUNCTION_DENIED paymentMethod", member.order(t, "intent-1", "ON_ACCOUNT", 1).fault())
	guest := &shopper{App: w.App}
	guest.add(t, w.leash, 1)
	guest.fillIn(t, w.method)
	var got struct{ PlaceOrder changes }
	w.Do(t, `mutation { placeOrder(input: {idempotencyKey: "intent-2", expectedTotal: "1000", paymentMethod: ON_ACCOUNT}) { userErrors { code field } } }`, nil,
		"X-Cart-Token", guest.token).Into(t, &got)
	require.Equal(t, "FUNCTION_DENIED", got.PlaceOrder.code())
	methods := func(answer apptest.Answer) string { return string(answer.Data) }
	const ask = `{ paymentMethods { method } }`
	require.NotContains(t, methods(w.Do(t, ask, nil)), "ON_ACCOUNT")
	require.NotContains(t, methods(member.do(t, ask, nil)), "ON_ACCOUNT")
	require.Contains(t, methods(w.buyer(t, "kaede@example.jp", "BUYER", nil).do(t, ask, nil)), "ON_ACCOUNT")
}

func TestCreditHoldsAgainstSixtyFourAtOnce(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"BLOCK", "APPROVAL"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			w := newWholesaler(t, "20500", policy)
			const orders = 64
			buyers := make([]trader, orders)
			for i := range buyers {
				buyers[i] = w.readyBuyer(t, i)
			}
			var group sync.WaitGroup
			var mu sync.Mutex
			outcomes := map[string]int{}
			for i, b := range buyers {
				group.Go(func() {
					got := b.place(t, fmt.Sprintf("intent-%d", i), "ON_ACCOUNT", 1)
					mu.Lock()
					defer mu.Unlock()
					if got.Order != nil {
						outcomes[got.Order.Status]++
					} else {
						outcomes[got.code()]++
					}
				})
			}
			group.Wait()
			require.Equal(t, 20000, w.owed(t))
			other := map[string]string{"BLOCK": "CREDIT_EXCEEDED", "APPROVAL": "PENDING_APPROVAL"}[policy]
			require.Equal(t, map[string]int{"CONFIRMED": 20, other: 44}, outcomes)
		})
	}
}

// readyBuyer is one of many buyers of the company, with a leash in the cart. It is
// written down straight away: hashing as many passwords would take the test's time.
func (w wholesaler) readyBuyer(t testing.TB, n int) trader {
	t.Helper()
	_, company, err := id.Parse(w.company)
	require.NoError(t, err)
	key, cart := id.New(), id.New()
	exec := func(sql string, args ...any) {
		_, err := w.DB.Pool().Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	exec(`INSERT INTO accounts (id, role, email, name, created_at, updated_at) VALUES ($1, 'COMPANY_BUYER', $2, 'x', now(), now())`, key, fmt.Sprintf("b%d@example.jp", n))
	exec(`INSERT INTO company_buyers (company_id, account_id, role, created_at) VALUES ($1, $2, 'BUYER', now())`, company, key)
	exec(`INSERT INTO carts (id, brand_id, channel_id, member_id, email, shipping_address, shipping_method_id, updated_at)
		VALUES ($1, $2, $3, $4, 'b@example.jp', '{"name":"x","postalCode":"1500001","prefecture":"TOKYO","city":"x","line1":"x","phone":"0312345678"}', $5, now())`,
		cart, w.BrandID, w.ChannelID, key, w.method)
	exec(`INSERT INTO cart_lines (id, cart_id, variant_id, quantity) VALUES ($1, $2, $3, 1)`, id.New(), cart, w.leash)
	return trader{customer{App: w.App, id: id.Global("Account", key)}, w}
}
