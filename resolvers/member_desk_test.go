package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// memberDesk is a shop with a member who has a card alone, and those who see to members.
type memberDesk struct {
	*apptest.App
	shibuya, umeda  uuid.UUID
	hanako          string
	office, abroad  asking // the office, and a clerk of another shop
	clerk, stranger asking
}

func newMemberDesk(t *testing.T) memberDesk {
	t.Helper()
	a := apptest.Start(t)
	d := memberDesk{App: a, shibuya: shopOf(t, a, "shibuya"), umeda: shopOf(t, a, "umeda")}
	all := []access.Permission{access.MemberRead, access.MemberWrite, access.PurchaseWrite}
	d.hanako = registeredAt(t, a, d.shibuya, "山田 花子", "09012345612")
	d.office = as(t, a, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: all})
	d.clerk, d.abroad = as(t, a, registrarOf(all, d.shibuya)), as(t, a, registrarOf(all, d.umeda))
	d.stranger = as(t, a, access.Actor{Role: access.RoleMember, ID: id.New()})
	return d
}

func (d memberDesk) member(t *testing.T, paths ...string) []string {
	t.Helper()
	return d.office.read(t, `query($id: ID!) { member(id: $id) { name phone cards { id number kind state } settings { medium given } consents { medium given how wording }
		memberships { homeStoreId registeredStoreId rankCode } } }`, apptest.Variables{"id": d.hanako}, paths...)
}

func TestStaffChangeAMembersData(t *testing.T) {
	t.Parallel()
	d := newMemberDesk(t)
	change := apptest.Variables{"memberId": d.hanako, "person": apptest.Variables{"name": "佐藤 花子", "phone": "080-1111-2222"}, "reason": "結婚のため"}
	require.Equal(t, []string{"佐藤 花子"}, d.clerk.done(t, "updateMember", "member { name }", change, "member.name"))
	require.Equal(t, []string{"佐藤 花子", "08011112222"}, d.member(t, "member.name", "member.phone"))
	require.Equal(t, []string{"FORBIDDEN"}, d.abroad.done(t, "updateMember", "member { name }", change), "another shop's member")
	require.Equal(t, []string{"FORBIDDEN"}, d.stranger.done(t, "updateMember", "member { name }", change))
	require.Equal(t, []string{"PHONE_INVALID person.phone"}, d.office.done(t, "updateMember", "member { name }", with(change, "person", apptest.Variables{"name": "佐藤", "phone": "12"})))
}

func TestACardIsIssuedLostAndReplaced(t *testing.T) {
	t.Parallel()
	d := newMemberDesk(t)
	issue := apptest.Variables{"idempotencyKey": "card-00001", "memberId": d.hanako, "kind": "DIGITAL"}
	require.Equal(t, []string{"2"}, d.clerk.done(t, "issueMemberCard", "member { cards { id state } }", issue, "member.cards"))
	require.Equal(t, []string{"2"}, d.clerk.done(t, "issueMemberCard", "member { cards { id state } }", issue, "member.cards"), "the same intent issues one")
	card := d.member(t, "member.cards.0.id")[0]
	require.Equal(t, []string{"FORBIDDEN"}, d.abroad.done(t, "reportMemberCardLost", "member { id }", apptest.Variables{"cardId": card}))
	require.Equal(t, []string{"2"}, d.clerk.done(t, "reportMemberCardLost", "member { cards { state } }", apptest.Variables{"cardId": card}, "member.cards"))
	states := d.member(t, "member.cards.0.state", "member.cards.1.state")
	require.ElementsMatch(t, []string{"LOST", "REISSUED"}, states, "a new digital card takes the place of the one before")
	require.Equal(t, []string{"CARD_ENDED cardId"}, d.clerk.done(t, "reportMemberCardLost", "member { id }", apptest.Variables{"cardId": card}), "lost once")
	require.Equal(t, []string{"CARD_NUMBER_INVALID number"}, d.clerk.done(t, "issueMemberCard", "member { id }",
		apptest.Variables{"idempotencyKey": "card-00002", "memberId": d.hanako, "kind": "PHYSICAL", "number": "123"}))
}

func TestSettingsHaveAProof(t *testing.T) {
	t.Parallel()
	d := newMemberDesk(t)
	say := apptest.Variables{"memberId": d.hanako, "how": "PHONE", "wording": "2026-11 電話", "settings": []apptest.Variables{{"medium": "DM", "given": true}}}
	require.Equal(t, []string{"DM", "true"}, d.clerk.done(t, "saveMemberSettings", "member { settings { medium given } }", say, "member.settings.0.medium", "member.settings.0.given"))
	say["settings"] = []apptest.Variables{{"medium": "DM", "given": false}}
	require.Equal(t, []string{"false"}, d.clerk.done(t, "saveMemberSettings", "member { settings { given } }", say, "member.settings.0.given"))
	require.Equal(t, []string{"2", "PHONE", "2026-11 電話"}, d.member(t, "member.consents", "member.consents.0.how", "member.consents.0.wording"))
	require.Equal(t, []string{"FORBIDDEN"}, d.abroad.done(t, "saveMemberSettings", "member { id }", say))
	for n, never := range []string{"WEB", "IMPORT", "BOUNCE", "ERASURE"} {
		new := apptest.Variables{"idempotencyKey": fmt.Sprintf("register-%d", n), "person": apptest.Variables{"name": "山田 一"}, "storeId": id.Global("Location", d.umeda), "how": never}
		require.Equal(t, []string{"INVALID how"}, d.office.done(t, "registerMember", "member { id }", new), "staff hear it in the store, on paper or on the phone")
	}

	require.Equal(t, []string{id.Global("Location", d.umeda)}, d.office.done(t, "setHomeStore", "member { memberships { homeStoreId } }",
		apptest.Variables{"memberId": d.hanako, "storeId": id.Global("Location", d.umeda)}, "member.memberships.0.homeStoreId"))
	require.Equal(t, []string{"STORE_UNKNOWN storeId"}, d.office.done(t, "setHomeStore", "member { id }", apptest.Variables{"memberId": d.hanako, "storeId": id.Global("Location", id.New())}))
}

func TestRanksAreThoseOfTheBrand(t *testing.T) {
	t.Parallel()
	d := newMemberDesk(t)
	gold := apptest.Variables{"code": "GOLD", "name": ja("ゴールド"), "minSpend": "50000", "months": 12}
	require.Equal(t, []string{"GOLD"}, d.office.done(t, "saveMemberRank", "rank { id code }", gold, "rank.code"))
	require.Equal(t, []string{"DUPLICATE code"}, d.office.done(t, "saveMemberRank", "rank { id }", gold))
	require.Equal(t, []string{"INVALID months"}, d.office.done(t, "saveMemberRank", "rank { id }", with(with(gold, "code", "SILVER"), "months", 0)))
	require.Equal(t, []string{"FORBIDDEN"}, d.clerk.done(t, "saveMemberRank", "rank { id }", with(gold, "code", "SHOP")), "staff of a shop make none")
	require.Equal(t, []string{"1", "ゴールド"}, as(t, d.App, access.Guest).read(t, `{ memberRanks { code name } }`, nil, "memberRanks", "memberRanks.0.name"))
}

func TestTwoMembersWhoAreOneAreMerged(t *testing.T) {
	t.Parallel()
	d := newMemberDesk(t)
	twin := registeredAt(t, d.App, d.umeda, "山田 花子", "09099998888")
	var number string
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, twin)).Scan(&number))
	slip := apptest.Variables{"store": "umeda", "till": "1", "receipt": "77", "boughtOn": "2026-01-31", "cardNumber": number, "lines": []apptest.Variables{{"code": "X", "quantity": 2, "amount": "1960"}}}
	require.Equal(t, []string{"1", "0"}, d.abroad.done(t, "recordPurchases", "import { receipts refused }", apptest.Variables{"receipts": []apptest.Variables{slip}}, "import.receipts", "import.refused"))

	merge := apptest.Variables{"idempotencyKey": "merge-0001", "keepId": d.hanako, "goneId": twin, "reason": "同一人物"}
	require.Equal(t, []string{"FORBIDDEN"}, d.clerk.done(t, "mergeMembers", "member { id }", merge), "a shop merges its own members")
	require.Equal(t, []string{"2"}, d.office.done(t, "mergeMembers", "member { cards { number } }", merge, "member.cards"))
	require.Equal(t, []string{"2"}, d.office.done(t, "mergeMembers", "member { cards { number } }", merge, "member.cards"), "once")
	require.Equal(t, []string{"1", "1960"}, d.office.read(t, `query($id: ID!) { memberPurchases(memberId: $id) { nodes { receipt total { amount } } } }`,
		apptest.Variables{"id": d.hanako}, "memberPurchases.nodes", "memberPurchases.nodes.0.total.amount"), "the history comes along")
	require.Equal(t, []string{"MEMBER_MERGED"}, d.office.done(t, "updateMember", "member { id }", apptest.Variables{"memberId": twin, "person": apptest.Variables{"name": "誰か"}}))
	require.Equal(t, "FORBIDDEN", d.stranger(`query($id: ID!) { memberPurchases(memberId: $id) { nodes { receipt } } }`, apptest.Variables{"id": d.hanako}).Code())
}

func TestAnErasureWaitsAndIsWithdrawn(t *testing.T) {
	t.Parallel()
	d := newMemberDesk(t)
	request := id.New()
	exec(t, d.App, `INSERT INTO member_requests (id, member_id, brand_id, kind, state, actor_role, requested_at) VALUES ($1, $2, $3, 'ERASURE', 'WAITING', 'STAFF', now())`, request, keyOf(t, d.hanako), d.BrandID)
	waiting := func() []string {
		return d.office.read(t, `{ memberRequests(state: WAITING) { nodes { id kind state } } }`, nil, "memberRequests.nodes")
	}
	require.Equal(t, []string{"1"}, waiting())
	named := apptest.Variables{"requestId": id.Global("MemberRequest", request)}
	require.Equal(t, []string{"NOT_FOUND requestId"}, d.abroad.done(t, "withdrawMemberErasure", "request { state }", named))
	require.Equal(t, []string{"WITHDRAWN"}, d.office.done(t, "withdrawMemberErasure", "request { state }", named, "request.state"))
	require.Equal(t, []string{"0"}, waiting())
	require.Equal(t, []string{"山田 花子"}, d.member(t, "member.name"))
}

func TestWhatTheTillDoesNotKnowIsWork(t *testing.T) {
	t.Parallel()
	d := newMemberDesk(t)
	leash := d.AddProduct(t, "leash", 1980).Variants[0]
	slip := func(receipt, card string) apptest.Variables {
		return apptest.Variables{"store": "shibuya", "till": "1", "receipt": receipt, "boughtOn": "2026-01-31", "cardNumber": card, "lines": []apptest.Variables{{"code": "JAN-1", "quantity": 1, "amount": "980"}}}
	}
	send := apptest.Variables{"receipts": []apptest.Variables{slip("1", "9999999999994"), slip("2", "")}}
	require.Equal(t, []string{"2", "0"}, d.clerk.done(t, "recordPurchases", "import { receipts repeated }", send, "import.receipts", "import.repeated"))
	require.Equal(t, []string{"0", "2"}, d.clerk.done(t, "recordPurchases", "import { receipts repeated }", send, "import.receipts", "import.repeated"), "sent twice, counted once")
	require.Equal(t, []string{"RECEIPT_INVALID receipts.0.store"}, d.abroad.done(t, "recordPurchases", "import { receipts }", send), "of another shop")
	require.Equal(t, []string{"2"}, d.office.read(t, `{ purchaseImports { nodes { receipts } } }`, nil, "purchaseImports.nodes"))

	open := func() map[string]string {
		all := map[string]string{}
		var got struct {
			PurchaseProblems struct {
				Nodes []struct{ ID, Kind, Value string }
			}
		}
		d.office(`{ purchaseProblems { nodes { id kind value } } }`, nil).Into(t, &got)
		for _, p := range got.PurchaseProblems.Nodes {
			all[p.Kind+" "+p.Value] = p.ID
		}
		return all
	}
	product, member := open()["PRODUCT JAN-1"], open()["MEMBER 9999999999994"]
	require.NotEmpty(t, product)
	require.NotEmpty(t, member)
	require.Equal(t, []string{"RESOLVED"}, d.office.done(t, "resolvePurchaseProblem", "problem { state }", apptest.Variables{"problemId": product, "variantId": id.Global("Variant", leash)}, "problem.state"))
	require.Equal(t, []string{"RESOLVED"}, d.office.done(t, "resolvePurchaseProblem", "problem { state }", apptest.Variables{"problemId": member, "memberId": d.hanako}, "problem.state"))
	require.Empty(t, open())
	require.Equal(t, []string{"1", "1", "980"}, d.office.read(t, `query($id: ID!) { memberPurchases(memberId: $id) { nodes { receipt total { amount } } } }`, apptest.Variables{"id": d.hanako},
		"memberPurchases.nodes", "memberPurchases.nodes.0.receipt", "memberPurchases.nodes.0.total.amount"), "the receipt is the member's now")
	require.Equal(t, []string{"PROBLEM_SETTLED problemId"}, d.office.done(t, "resolvePurchaseProblem", "problem { state }", apptest.Variables{"problemId": product, "ignore": true}))
}
