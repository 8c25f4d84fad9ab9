package resolvers_test

import (
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/operation"
	"github.com/noren-commerce/noren/graph/manifest"
)

func TestPointsEndWithTheirDayInJapan(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	jst := time.FixedZone("JST", 9*60*60)
	var now atomic.Pointer[time.Time]
	set := func(at time.Time) { now.Store(&at) }
	set(time.Date(2026, 3, 1, 12, 0, 0, 0, jst))
	s.App.App.Resolvers.Points.Now = func() time.Time { return *now.Load() }
	b, partner := s.buyer(t, 500), s.miles(t, nil)
	send := func(n int) string {
		var got struct{ SendPoints pointAnswer }
		b.do(t, pointMutation("sendPoints", "transfer { id state }"), in(apptest.Variables{"idempotencyKey": s.key(), "partnerId": partner, "theirMember": "77", "points": n})).Into(t, &got)
		return got.SendPoints.code()
	}
	require.Equal(t, "2027-03-01", *b.has(t).NextExpiry, "365 days after they were given")
	set(time.Date(2027, 3, 1, 23, 59, 59, 0, jst))
	require.Equal(t, 500, b.has(t).Usable)
	require.Empty(t, send(100), "the last second of the day is in time")
	require.Equal(t, 400, b.has(t).Usable)
	set(time.Date(2027, 3, 2, 0, 0, 0, 0, jst))
	require.Zero(t, b.has(t).Usable, "midnight is late, whether or not the job has run")
	require.Equal(t, "POINTS_SHORT", send(100))
	set(time.Date(2027, 3, 1, 23, 59, 59, 0, jst))
	require.NoError(t, s.App.App.Resolvers.Points.Expire(t.Context()))
	require.Equal(t, 400, b.has(t).Usable, "the job takes nothing a second too early")
	set(time.Date(2027, 3, 2, 0, 0, 0, 0, jst))
	require.NoError(t, s.App.App.Resolvers.Points.Expire(t.Context()))
	set(time.Date(2027, 3, 1, 12, 0, 0, 0, jst))
	require.Zero(t, b.has(t).Usable, "and all of it at midnight")
}

func TestAMemberIsNotMergedIntoItself(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := registeredAt(t, a, shopOf(t, a, "shibuya"), "山田 花子", "09012345612")
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.MemberWrite}}
	var got struct {
		MergeMembers struct {
			Member     *struct{ ID string }
			UserErrors []userError
		}
	}
	a.DoAs(t, office, `mutation($input: MergeMembersInput!) { mergeMembers(input: $input) { member { id } userErrors { code field message } } }`,
		in(apptest.Variables{"idempotencyKey": "merge-self-1", "keepId": hanako, "goneId": hanako, "reason": "同一人物"})).Into(t, &got)
	require.Nil(t, got.MergeMembers.Member)
	require.Equal(t, "MERGE_SELF", got.MergeMembers.UserErrors[0].Code)
	require.Zero(t, countOf(t, a, `SELECT count(*) FROM members WHERE merged_into IS NOT NULL`))
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM member_cards WHERE state = 'ACTIVE'`), "the card works on")
}

type journalTaken struct {
	Import *struct {
		ID                          string
		Receipts, Repeated, Refused int
	}
	UserErrors []userError
}

// journalOf uploads a journal as staff of a shop.
func journalOf(t *testing.T, a *apptest.App, clerk access.Actor, content []byte) journalTaken {
	t.Helper()
	var got struct{ UploadPurchases journalTaken }
	a.UploadAs(t, clerk, `mutation($input: UploadPurchasesInput!) { uploadPurchases(input: $input) { import { id receipts repeated refused } userErrors { code field message } } }`,
		in(apptest.Variables{"file": nil}), "input.file", apptest.File{Name: "j.csv", ContentType: "text/csv", Content: content}).Into(t, &got)
	return got.UploadPurchases
}

func TestAJournalComesTwiceByHalfAndInAnotherEncoding(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	clerk := registrarOf([]access.Permission{access.PurchaseWrite}, shopOf(t, a, "shibuya"))
	const heading = "店舗コード,端末番号,レシート番号,営業日,明細数,商品コード,数量,金額\n"
	whole := heading + "shibuya,1,1,2026/01/31,1,X,1,980\nshibuya,1,2,2026/01/31,2,X,1,980\nshibuya,1,2,2026/01/31,2,Y,1,500\n"
	half := whole[:strings.LastIndex(whole, "shibuya,1,2")]
	counts := func(got journalTaken) []int {
		require.Empty(t, got.UserErrors)
		return []int{got.Import.Receipts, got.Import.Repeated, got.Import.Refused}
	}
	for name, content := range map[string][]byte{"UTF-16": []byte("\xff\xfea\x00,\x00"), "neither encoding": []byte(heading + "shibuya,1,9,2026/01/31,1,\xff\xff\xff,1,980\n")} {
		got := journalOf(t, a, clerk, content)
		require.NotEmpty(t, got.UserErrors, name)
		require.Nil(t, got.Import, name)
		require.Equal(t, []string{"file"}, got.UserErrors[0].Field, name)
	}
	require.Zero(t, countOf(t, a, `SELECT count(*) FROM purchases`), "nothing of it was taken")
	require.Equal(t, []int{1, 0, 1}, counts(journalOf(t, a, clerk, []byte(half))), "half a file gives what is whole")
	require.Equal(t, []int{0, 1, 2}, counts(journalOf(t, a, clerk, []byte(whole[:strings.LastIndex(whole, "Y,1")]))), "broken off within a line, too")
	first := journalOf(t, a, clerk, []byte(whole))
	require.Equal(t, []int{1, 1, 0}, counts(first), "and the whole may follow")
	require.Equal(t, first.Import.ID, journalOf(t, a, clerk, []byte(whole)).Import.ID, "the same file is the same import")
	inCP932, err := japanese.ShiftJIS.NewEncoder().String(whole)
	require.NoError(t, err)
	require.Equal(t, []int{0, 2, 0}, counts(journalOf(t, a, clerk, []byte(inCP932))), "the same receipts in other bytes")
	require.Equal(t, []int{2, 2460}, []int{countOf(t, a, `SELECT count(*) FROM purchases`), countOf(t, a, `SELECT sum(total) FROM purchases`)})
}

func TestACodeOfSoManyUsesIsUsedSoOften(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	var made struct {
		SavePointCode struct {
			Code       struct{ ID, Code string }
			UserErrors []userError
		}
	}
	s.DoAs(t, pointAdmin, `mutation($input: SavePointCodeInput!) { savePointCode(input: $input) { code { id code } userErrors { code field message } } }`,
		in(apptest.Variables{"programmeId": s.own, "name": ja("来店"), "points": 10, "mostUses": 2})).Into(t, &made)
	require.Empty(t, made.SavePointCode.UserErrors)
	redeem := func(b *collector) string {
		var got struct{ RedeemPointCode pointAnswer }
		b.do(t, pointMutation("redeemPointCode", "points"), in(apptest.Variables{"idempotencyKey": s.key(), "code": made.SavePointCode.Code.Code})).Into(t, &got)
		return got.RedeemPointCode.code()
	}
	members := []*collector{s.buyer(t, 0), s.buyer(t, 0), s.buyer(t, 0)}
	require.Empty(t, redeem(members[0]))
	require.Equal(t, "POINT_CODE_USED", redeem(members[0]), "a second time by one member is no use")
	require.Empty(t, redeem(members[1]), "the last of two uses")
	require.Equal(t, "POINT_CODE_FULL", redeem(members[2]), "and once more")
	require.Equal(t, []int{10, 10, 0}, []int{members[0].has(t).Usable, members[1].has(t).Usable, members[2].has(t).Usable})
}

func TestVouchersThatCoverAllLeaveNothingToCollect(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	order := func(code, total, method string) orderAnswer {
		guest, _ := d.cart(t, 1, method)
		var placed struct{ PlaceOrder orderAnswer }
		guest.Do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`, in(apptest.Variables{
			"idempotencyKey": id.New().String(), "expectedTotal": total, "paymentMethod": method, "vouchers": []string{code},
		}), "X-Cart-Token", guest.token).Into(t, &placed)
		return placed.PlaceOrder
	}
	all := vouchersOf(t, d.App, "2970", 3, nil)
	refused := order(all[0], "2970", "CASH_ON_DELIVERY")
	require.Equal(t, "VOUCHERS_COVER_ALL", refused.UserErrors[0].Code)
	require.Equal(t, []string{"paymentMethod"}, refused.UserErrors[0].Field)
	require.Equal(t, "2970 ISSUED", onVoucher(t, d.App, all[0]), "nothing was taken")
	for i, method := range []string{"VOUCHER", "BANK_TRANSFER"} {
		placed := order(all[i], "2640", method)
		require.Empty(t, placed.UserErrors, method)
		require.Equal(t, "CONFIRMED", placed.Order.Status, "it is paid, whichever way was named for the rest")
		require.Equal(t, "330", strings.Fields(onVoucher(t, d.App, all[i]))[0])
	}
	short := vouchersOf(t, d.App, "2639", 1, nil)[0]
	require.Equal(t, "VOUCHERS_DO_NOT_COVER", order(short, "2640", "VOUCHER").UserErrors[0].Code, "a yen is missing")
	require.Empty(t, order(short, "2970", "CASH_ON_DELIVERY").UserErrors, "at the door the rest is collected")
	agreed(t, d.App)
}

func TestAPartnerSendsAJournalByItsRegisteredOperation(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shopOf(t, a, "shibuya")
	journal := []byte("店舗コード,端末番号,レシート番号,営業日,明細数,商品コード,数量,金額\nshibuya,1,7,2026/01/31,1,X,1,980\n")
	send := func(permissions ...access.Permission) (got journalTaken, code string) {
		answer := a.UploadRegistered(t, partnerOperation(t, "UploadPurchases"), in(apptest.Variables{"file": nil}), "input.file", apptest.File{Name: "j.csv", ContentType: "text/csv", Content: journal}, "X-Noren-CSRF", "1", "X-API-Key", partnerKey(t, a, permissions...))
		if code = answer.Code(); code == "" {
			answer.Into(t, &struct{ UploadPurchases *journalTaken }{&got})
		}
		return got, code
	}
	got, code := send(access.PurchaseWrite)
	require.Empty(t, code)
	require.Empty(t, got.UserErrors)
	require.Equal(t, 1, got.Import.Receipts)
	_, code = send(access.CatalogRead)
	require.Equal(t, "FORBIDDEN", code)
	require.Equal(t, "REGISTERED_OPERATIONS_ONLY", a.Upload(t, `mutation($input: UploadPurchasesInput!) { uploadPurchases(input: $input) { import { id } } }`, in(apptest.Variables{"file": nil}), "input.file",
		apptest.File{Name: "j.csv", ContentType: "text/csv", Content: journal}, "X-Noren-CSRF", "1", "X-API-Key", partnerKey(t, a, access.PurchaseWrite)).Code())
}

// partnerOperation is the id of an operation that is registered for partners.
func partnerOperation(t *testing.T, name string) string {
	t.Helper()
	all := operationsOf(t, "partner")
	at := slices.IndexFunc(all, func(o manifest.Operation) bool { return o.Name == name })
	require.GreaterOrEqual(t, at, 0, name)
	return all[at].ID
}

// partnerKey is the key of a new partner that may run what is registered for partners.
func partnerKey(t *testing.T, a *apptest.App, permissions ...access.Permission) string {
	t.Helper()
	for _, o := range operationsOf(t, "partner") {
		_, err := a.App.Operations.Register(t.Context(), "partner", []operation.Operation{{ID: o.ID, Name: o.Name, Kind: o.Type, Source: o.Body}})
		require.NoError(t, err)
	}
	var got struct {
		CreatePartner   struct{ Partner struct{ ID string } }
		IssuePartnerKey struct{ Secret string }
	}
	a.DoAs(t, pointAdmin, `mutation($p: [Permission!]!) { createPartner(input: {name: "POS", permissions: $p, ratePerMinute: 600}) { partner { id } } }`, apptest.Variables{"p": permissions}).Into(t, &got)
	a.DoAs(t, pointAdmin, `mutation($id: ID!) { issuePartnerKey(input: {partnerId: $id}) { secret } }`, apptest.Variables{"id": got.CreatePartner.Partner.ID}).Into(t, &got)
	return got.IssuePartnerKey.Secret
}
