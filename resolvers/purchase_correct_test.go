package resolvers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/storage/postgres"
)

// lately is a business day of late.
func lately() string { return time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly) }

func TestReceiptsArePutRight(t *testing.T) {
	t.Parallel()
	d := newMemberDesk(t)
	all := []access.Permission{access.MemberRead, access.PurchaseWrite, access.PurchaseCorrect}
	office := as(t, d.App, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: all})
	clerk, abroad := as(t, d.App, registrarOf(all, d.shibuya)), as(t, d.App, registrarOf(all, d.umeda))
	taro := registeredAt(t, d.App, d.umeda, "佐藤 太郎", "08098765434")
	cardOf := func(member string) (number string) {
		require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, member)).Scan(&number))
		return number
	}
	slip := func(amount string) apptest.Variables {
		return apptest.Variables{"receipts": []apptest.Variables{{"store": "shibuya", "till": "1", "receipt": "7", "boughtOn": lately(), "cardNumber": cardOf(d.hanako),
			"lines": []apptest.Variables{{"code": "X", "name": "リード", "quantity": 2, "amount": amount}}}}}
	}
	require.Equal(t, []string{"1"}, clerk.done(t, "recordPurchases", "import { receipts }", slip("1960"), "import.receipts"))
	find := apptest.Variables{"s": id.Global("Location", d.shibuya), "on": lately()}
	const byReceipt = `query($s: ID!, $on: Date!) { purchaseByReceipt(storeId: $s, till: "1", receipt: "7", boughtOn: $on) { id memberId total { amount } voidedAt corrections { kind reason fromMemberId toMemberId totalBefore { amount } linesBefore { code } } } }`
	found := clerk.read(t, byReceipt, find, "purchaseByReceipt.id", "purchaseByReceipt.memberId")
	receipt := found[0]
	require.Equal(t, d.hanako, found[1])
	require.NotEmpty(t, abroad(byReceipt, find).Errors, "another shop's receipt")
	require.Equal(t, "FORBIDDEN", d.office(byReceipt, find).Code(), "it needs a permission of its own")

	move := apptest.Variables{"purchaseId": receipt, "memberId": taro, "reason": "カードの取り違え"}
	require.Equal(t, []string{"PURCHASE_OTHER_SHOP purchaseId"}, abroad.done(t, "movePurchase", "purchase { id }", move))
	require.Equal(t, []string{"FORBIDDEN memberId"}, clerk.done(t, "movePurchase", "purchase { id }", move), "whom the shop does not see")
	require.Equal(t, []string{"REQUIRED reason"}, office.done(t, "movePurchase", "purchase { id }", with(move, "reason", "")))
	require.Equal(t, []string{"PURCHASE_RECEIVER"}, office.done(t, "movePurchase", "purchase { id }", with(move, "nobody", true)))
	lost := apptest.Variables{"purchaseId": receipt, "cardNumber": cardOf(taro), "reason": "カードの取り違え"}
	exec(t, d.App, `UPDATE member_cards SET state = 'LOST', ended_at = now() WHERE number = $1`, cardOf(taro))
	require.Equal(t, []string{"CARD_ENDED cardNumber"}, clerk.done(t, "movePurchase", "purchase { id }", lost), "who found a card")
	exec(t, d.App, `UPDATE member_cards SET state = 'ACTIVE', ended_at = NULL WHERE number = $1`, cardOf(taro))
	byCard := apptest.Variables{"idempotencyKey": "move-0001", "purchaseId": receipt, "cardNumber": cardOf(taro), "reason": "カードの取り違え"}
	for range 2 {
		require.Equal(t, []string{taro}, clerk.done(t, "movePurchase", "purchase { memberId }", byCard, "purchase.memberId"), "who shows the card, and once")
	}
	bought := func(member string) string {
		return office.read(t, `query($id: ID!) { memberPurchases(memberId: $id) { nodes { receipt } } }`, apptest.Variables{"id": member}, "memberPurchases.nodes")[0]
	}
	require.Equal(t, []string{"0", "1"}, []string{bought(d.hanako), bought(taro)})

	require.Equal(t, []string{"980"}, clerk.done(t, "correctPurchase", "purchase { total { amount } lines { quantity } }",
		apptest.Variables{"purchaseId": receipt, "reason": "打ち間違い", "lines": []apptest.Variables{{"code": "X", "quantity": 1, "amount": "980"}}}, "purchase.total.amount"))
	require.Equal(t, []string{"PURCHASE_LINES lines"}, clerk.done(t, "correctPurchase", "purchase { id }", apptest.Variables{"purchaseId": receipt, "reason": "x", "lines": []apptest.Variables{}}))
	require.Equal(t, []string{"2", "MOVED", d.hanako, taro, "CORRECTED", "1960", "1"}, office.read(t, byReceipt, find, "purchaseByReceipt.corrections", "purchaseByReceipt.corrections.0.kind",
		"purchaseByReceipt.corrections.0.fromMemberId", "purchaseByReceipt.corrections.0.toMemberId", "purchaseByReceipt.corrections.1.kind", "purchaseByReceipt.corrections.1.totalBefore.amount", "purchaseByReceipt.corrections.1.linesBefore"))

	require.Equal(t, []string{"1", "0"}, clerk.done(t, "recordPurchases", "import { repeated differing }", slip("1960"), "import.repeated", "import.differing"), "what the till said is a repeat, whatever staff said since")
	require.Equal(t, []string{"0", "1"}, clerk.done(t, "recordPurchases", "import { repeated differing }", slip("2000"), "import.repeated", "import.differing"))
	problem := office.read(t, `{ purchaseProblems { nodes { id kind value cardNumber purchase { id } differences { code quantityBefore quantityAfter amountBefore { amount } amountAfter { amount } } } } }`, nil,
		"purchaseProblems.nodes.0.id", "purchaseProblems.nodes.0.kind", "purchaseProblems.nodes.0.purchase.id", "purchaseProblems.nodes.0.differences.0.quantityBefore", "purchaseProblems.nodes.0.differences.0.quantityAfter",
		"purchaseProblems.nodes.0.differences.0.amountBefore.amount", "purchaseProblems.nodes.0.differences.0.amountAfter.amount")
	require.Equal(t, []string{"RECEIPT", receipt, "1", "2", "980", "2000"}, problem[1:])
	require.Equal(t, []string{"RESOLVED"}, office.done(t, "resolvePurchaseProblem", "problem { state }", apptest.Variables{"problemId": problem[0], "accept": true}, "problem.state"))
	require.Equal(t, []string{"2000"}, office.read(t, byReceipt, find, "purchaseByReceipt.total.amount"))

	void := apptest.Variables{"purchaseId": receipt, "reason": "練習のレシート"}
	require.Equal(t, []string{receipt}, clerk.done(t, "voidPurchase", "purchase { id voidedAt }", void, "purchase.id"))
	require.Equal(t, []string{"PURCHASE_VOIDED purchaseId"}, clerk.done(t, "voidPurchase", "purchase { id }", void))
	require.Equal(t, []string{"NOT_FOUND purchaseId"}, clerk.done(t, "voidPurchase", "purchase { id }", with(void, "purchaseId", id.Global("Purchase", id.New()))))
	require.NotEqual(t, "<nil>", office.read(t, `query($id: ID!) { memberPurchases(memberId: $id) { nodes { voidedAt } } }`, apptest.Variables{"id": taro}, "memberPurchases.nodes.0.voidedAt")[0], "staff see it as void")
	require.Zero(t, countOf(t, d.App, `SELECT count(*) FROM purchase_sums`))
	require.Equal(t, 4, countOf(t, d.App, `SELECT count(*) FROM events WHERE type = 'member.purchase_corrected' AND subject_id = $1`, keyOf(t, taro)), "the member's timeline tells of it")
}

func TestAReceiptIsMovedWithItsReturns(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	shibuya := shopOf(t, s.App, "shibuya")
	desk := as(t, s.App, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.MemberWrite, access.PurchaseWrite, access.PurchaseCorrect, access.PointRead}})
	hanako, taro := registeredAt(t, s.App, shibuya, "山田 花子", "09012345612"), registeredAt(t, s.App, shibuya, "佐藤 太郎", "08098765434")
	var card string
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, hanako)).Scan(&card))
	sku := s.skuOf(t)
	ring := func(receipt string, quantity int, amount string) {
		line := apptest.Variables{"code": sku, "quantity": quantity, "amount": amount}
		require.Equal(t, []string{"1"}, desk.done(t, "recordPurchases", "import { receipts }", apptest.Variables{"receipts": []apptest.Variables{
			{"store": "shibuya", "till": "1", "receipt": receipt, "boughtOn": lately(), "cardNumber": card, "lines": []apptest.Variables{line}}}}, "import.receipts"))
		s.earnReceipts(t)
	}
	pending := func(member string) string {
		return desk.read(t, `query($m: ID!) { memberPoints(memberId: $m) { programme { code } pending } }`, apptest.Variables{"m": member}, "memberPoints.0.pending")[0]
	}
	exec(t, s.App, `UPDATE point_rules SET created_at = created_at - interval '3 days'`)
	ring("1", 2, "4000")
	require.Equal(t, "40", pending(hanako))
	ring("2", -1, "-2000")
	require.Equal(t, "20", pending(hanako))
	find := func(receipt string) string {
		return desk.read(t, `query($s: ID!, $on: Date!, $r: String!) { purchaseByReceipt(storeId: $s, till: "1", receipt: $r, boughtOn: $on) { id } }`,
			apptest.Variables{"s": id.Global("Location", shibuya), "on": lately(), "r": receipt}, "purchaseByReceipt.id")[0]
	}
	correct := apptest.Variables{"purchaseId": find("1"), "reason": "打ち間違い", "lines": []apptest.Variables{{"code": sku, "quantity": 1, "amount": "1000"}}}
	require.Equal(t, []string{"PURCHASE_BELOW_RETURNED lines"}, desk.done(t, "correctPurchase", "purchase { id }", correct))
	correct["lines"] = []apptest.Variables{{"code": sku, "quantity": 4, "amount": "8000"}}
	require.Equal(t, []string{"8000"}, desk.done(t, "correctPurchase", "purchase { total { amount } }", correct, "purchase.total.amount"))
	require.Equal(t, "60", pending(hanako), "of 80, less a quarter that came back")
	require.Equal(t, []string{taro}, desk.done(t, "movePurchase", "purchase { memberId }", apptest.Variables{"purchaseId": find("1"), "memberId": taro, "reason": "カードの取り違え"}, "purchase.memberId"))
	require.Equal(t, []string{"0", "60"}, []string{pending(hanako), pending(taro)})
	require.Equal(t, 6000, countOf(t, s.App, `SELECT sum(total) FROM purchase_sums WHERE member_id = $1`, keyOf(t, taro)), "the return has gone along")
	require.Equal(t, []string{find("1")}, desk.done(t, "voidPurchase", "purchase { id }", apptest.Variables{"purchaseId": find("1"), "reason": "練習"}, "purchase.id"))
	require.Equal(t, "0", pending(taro))
}

// skuOf is the code of the shop's goods.
func (s *pointShop) skuOf(t *testing.T) (sku string) {
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT sku FROM variants WHERE id = $1`, s.leash).Scan(&sku))
	return sku
}

// earnReceipts does what the job does each minute.
func (s *pointShop) earnReceipts(t *testing.T) {
	service := points.New(points.Parts{Tx: s.DB, Store: postgres.NewPoints(s.DB), Events: postgres.NewEvents(s.DB), Now: clock.System})
	require.NoError(t, service.EarnReceipts(t.Context()))
}

func TestSumsOfPointsGoBeyondAnInt(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	programme := keyOf(t, s.own)
	const many = int64(7_000_000_000)
	exec(t, s.App, `INSERT INTO daily_points (programme_id, day, earned, granted, used, expired, exchanged, net) VALUES ($1, '2026-01-31', $2, 0, 0, 0, 0, $2)`, programme, many)
	exec(t, s.App, `INSERT INTO daily_liabilities (programme_id, day, month, points, pending) VALUES ($1, '2026-01-31', '2026-12-01', $2, $2)`, programme, many)
	for range 3 { // each holds as much as an account may be given at once
		b := s.buyer(t, 0)
		exec(t, s.App, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now()) ON CONFLICT DO NOTHING`, keyOf(t, b.id))
		account := id.New()
		exec(t, s.App, `INSERT INTO point_accounts (id, programme_id, member_id, available, number) VALUES ($1, $2, $3, 1000000000, 1) ON CONFLICT DO NOTHING`, account, programme, keyOf(t, b.id))
		exec(t, s.App, `INSERT INTO point_lots (id, account_id, programme_id, pending, issued, remaining, expires_on, earned_at) VALUES ($1, $2, $3, false, 1000000000, 1000000000, '2099-01-31', now())`, id.New(), account, programme)
		exec(t, s.App, `INSERT INTO point_entries (account_id, programme_id, number, key, part, kind, debit, credit, points, available, pending, at) VALUES ($1, $2, 1, 'grant', 0, 'GRANT', 'GRANTED', 'AVAILABLE', 1000000000, 1000000000, 0, now())`, account, programme)
	}
	var got struct {
		DailyPoints struct {
			Nodes []struct{ Earned, Outstanding int64 }
		}
		DailyPointLiabilities struct {
			Nodes []struct{ Points, Pending int64 }
		}
		PointLiabilities  struct{ Rows []struct{ Points int64 } }
		PointTrialBalance []struct {
			Account       string
			Debit, Credit int64
		}
	}
	s.DoAs(t, access.Actor{Role: access.RoleAdmin, ID: id.New()}, `query($d: Date!, $p: ID!) {
		dailyPoints(from: $d, to: $d) { nodes { earned outstanding } } dailyPointLiabilities(from: $d, to: $d) { nodes { points pending } }
		pointLiabilities { rows { points } } pointTrialBalance(programmeId: $p) { account debit credit } }`, apptest.Variables{"d": "2026-01-31", "p": s.own}).Into(t, &got)
	require.Equal(t, many, got.DailyPoints.Nodes[0].Earned)
	require.Equal(t, many, got.DailyPoints.Nodes[0].Outstanding)
	require.Equal(t, many, got.DailyPointLiabilities.Nodes[0].Pending)
	require.Equal(t, int64(3_000_000_000), got.PointLiabilities.Rows[0].Points)
	require.Contains(t, got.PointTrialBalance, struct {
		Account       string
		Debit, Credit int64
	}{"GRANTED", 3_000_000_000, 0})
}
