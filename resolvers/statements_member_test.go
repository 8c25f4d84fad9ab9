package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/operation"
)

// memberOperations are those about members and what they bought.
var memberOperations = map[string]clientOperation{
	"app/MyMembership": {5, asMember(func(*testing.T, *world, customer) apptest.Variables { return nil })},
	"app/MyPurchases": {3, asMember(func(t *testing.T, w *world, c customer) apptest.Variables {
		for range w.size {
			w.receipt(t, w.numberOf(t, c.id))
		}
		return nil
	})},
	"app/MemberRanks": {1, shown(nil)},
	"app/JoinMembership": {13, func(t *testing.T, w *world) question {
		return question{in(apptest.Variables{"settings": []apptest.Variables{{"medium": "MAIL", "given": true}}}), newCustomer(t, w.App, w.email()).headers()}
	}},
	"app/ClaimMemberCard": {94, asMember(func(t *testing.T, w *world, _ customer) apptest.Variables {
		_, number := w.guest(t, "09011112222")
		return in(apptest.Variables{"cardNumber": number, "phone": "09011112222"})
	})},
	"app/ReportMyCardLost": {9, asMember(func(t *testing.T, w *world, c customer) apptest.Variables {
		return in(apptest.Variables{"cardId": w.cardOf(t, c)})
	})},
	"app/IssueMyCard": {13, asMember(func(_ *testing.T, w *world, _ customer) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "kind": "DIGITAL"})
	})},
	"app/SetMyHomeStore": {7, asMember(func(_ *testing.T, _ *world, _ customer) apptest.Variables { return in(apptest.Variables{}) })},
	"app/SaveMySettings": {8, asMember(func(_ *testing.T, _ *world, _ customer) apptest.Variables {
		return in(apptest.Variables{"how": "APP", "settings": []apptest.Variables{{"medium": "PUSH", "given": true}}})
	})},
	"app/ExportMyData": {6, asMember(func(*testing.T, *world, customer) apptest.Variables { return in(apptest.Variables{}) })},
	"app/RequestMyErasure": {70, asMember(func(*testing.T, *world, customer) apptest.Variables {
		return in(apptest.Variables{"password": goodPassword})
	})},
	"app/RecordPetWeight": {8, func(_ *testing.T, w *world) question {
		return question{in(apptest.Variables{"petId": w.pets[0], "measuredOn": "2026-01-01", "grams": 4000}), w.member.headers()}
	}},

	"app/WithdrawMyErasure": {5, asMember(func(t *testing.T, w *world, c customer) apptest.Variables {
		return in(apptest.Variables{"requestId": w.erasureOf(t, c)})
	})},

	"admin/FindMembers": {4, asked(func(t *testing.T, w *world) apptest.Variables {
		phone := fmt.Sprintf("0701234%04d", w.size) // as many members share it as lists are long
		for range w.size {
			w.guest(t, phone)
		}
		return apptest.Variables{"by": apptest.Variables{"phone": phone}}
	})},
	"admin/Member": {11, asked(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		for range w.size {
			w.petOf(t, guest)
		}
		return apptest.Variables{"id": guest}
	})},
	"admin/AddMemberPet": {8, input(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		return apptest.Variables{"memberId": guest, "name": "ポチ", "species": "DOG"}
	})},
	"admin/UpdateMemberPet": {8, input(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		return apptest.Variables{"memberId": guest, "id": w.petOf(t, guest), "name": "ハチ"}
	})},
	"admin/RemoveMemberPet": {7, input(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		return apptest.Variables{"memberId": guest, "id": w.petOf(t, guest)}
	})},
	"admin/RecordMemberPetWeight": {8, input(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		return apptest.Variables{"memberId": guest, "petId": w.petOf(t, guest), "measuredOn": "2026-01-01", "grams": 4000}
	})},
	"admin/MemberPurchases": {5, asked(func(t *testing.T, w *world) apptest.Variables {
		guest, number := w.guest(t, "09011112222")
		for range w.size {
			w.receipt(t, number)
		}
		return apptest.Variables{"memberId": guest}
	})},
	"admin/MemberRequests": {1, inOffice(nil)},
	"admin/RegisterMember": {17, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "storeId": w.shop(t), "person": apptest.Variables{"name": "山田"}}
	})},
	"admin/UpdateMember": {9, input(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		return apptest.Variables{"memberId": guest, "person": apptest.Variables{"name": w.key()}}
	})},
	"admin/StaffMemberRanks": {1, inOffice(nil)},
	"admin/ReportMemberCardLost": {11, input(func(t *testing.T, w *world) apptest.Variables {
		_, number := w.guest(t, "09011112222")
		var card uuid.UUID
		require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT id FROM member_cards WHERE number = $1`, number).Scan(&card))
		return apptest.Variables{"cardId": id.Global("MemberCard", card)}
	})},
	"admin/SetMemberHomeStore": {10, input(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		return apptest.Variables{"memberId": guest, "storeId": w.shop(t)}
	})},
	"admin/RequestMemberEmailChange": {14, input(func(t *testing.T, w *world) apptest.Variables {
		c := w.mover(t)
		c.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
		return apptest.Variables{"memberId": id.Global("Member", keyOf(t, c.id)), "email": w.email(), "reason": "本人確認済み"}
	})},
	"admin/IssueMemberCard": {13, input(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		return apptest.Variables{"idempotencyKey": w.key(), "memberId": guest, "kind": "DIGITAL"}
	})},
	"admin/SaveMemberSettings": {8, input(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		return apptest.Variables{"memberId": guest, "how": "PHONE", "settings": []apptest.Variables{{"medium": "DM", "given": true}}}
	})},
	"admin/SetHousehold": {12, input(func(t *testing.T, w *world) apptest.Variables {
		one, _ := w.guest(t, "09011112222")
		other, _ := w.guest(t, "09011112222")
		return apptest.Variables{"memberId": one, "withId": other}
	})},
	"admin/MergeMembers": {92, input(func(t *testing.T, w *world) apptest.Variables {
		one, _ := w.guest(t, "09011112222")
		other, _ := w.guest(t, "09011112222")
		return apptest.Variables{"idempotencyKey": w.key(), "keepId": one, "goneId": other, "reason": "同一人物"}
	})},
	"admin/SaveMemberRank": {5, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"code": "R" + id.New().String()[24:], "name": apptest.Variables{"ja": "金"}, "minSpend": "1000", "months": 12}
	})},
	"admin/ExportMember": {6, input(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		return apptest.Variables{"memberId": guest}
	})},
	"admin/RequestMemberErasure": {49, input(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		return apptest.Variables{"memberId": guest}
	})},
	"admin/WithdrawMemberErasure": {5, input(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		request := id.New()
		exec(t, w.App, `INSERT INTO member_requests (id, member_id, brand_id, kind, state, actor_role, requested_at) VALUES ($1, $2, $3, 'ERASURE', 'WAITING', 'STAFF', now())`, request, keyOf(t, guest), w.BrandID)
		return apptest.Variables{"requestId": id.Global("MemberRequest", request)}
	})},

	"admin/PurchaseImports": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		w.receipt(t, "")
		return nil
	})},
	"admin/PurchaseProblems": {3, asked(func(t *testing.T, w *world) apptest.Variables {
		w.problem(t)
		for range w.size {
			w.differing(t)
		}
		return nil
	})},
	"admin/PurchaseByReceipt": {4, asked(func(t *testing.T, w *world) apptest.Variables {
		_, number := w.guest(t, "09011112222")
		w.rung(t, number)
		var till, receipt string
		require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT till, receipt FROM purchases WHERE card_number = $1`, number).Scan(&till, &receipt))
		return apptest.Variables{"storeId": w.shop(t), "till": till, "receipt": receipt, "boughtOn": lately()}
	})},
	"admin/MovePurchase": {23, input(func(t *testing.T, w *world) apptest.Variables {
		_, number := w.guest(t, "09011112222")
		other, _ := w.guest(t, "09011112222")
		return apptest.Variables{"idempotencyKey": w.key(), "purchaseId": w.rung(t, number), "memberId": other, "reason": "カードの取り違え"}
	})},
	"admin/CorrectPurchase": {25, input(func(t *testing.T, w *world) apptest.Variables {
		_, number := w.guest(t, "09011112222")
		return apptest.Variables{"idempotencyKey": w.key(), "purchaseId": w.rung(t, number), "reason": "打ち間違い", "lines": []apptest.Variables{{"code": "X", "quantity": 1, "amount": "90"}, {"code": "Z", "quantity": 1, "amount": "10"}}}
	})},
	"admin/VoidPurchase": {18, input(func(t *testing.T, w *world) apptest.Variables {
		_, number := w.guest(t, "09011112222")
		return apptest.Variables{"idempotencyKey": w.key(), "purchaseId": w.rung(t, number), "reason": "練習のレシート"}
	})},
	"admin/UploadPurchases": {16, input(func(t *testing.T, w *world) apptest.Variables {
		w.shop(t)
		return apptest.Variables{"file": attached("店舗コード,端末番号,レシート番号,営業日,明細数,商品コード,数量,金額\nmember-shop,1," + w.key() + ",2026/01/31,1,X,1,100\n")}
	})},
	"admin/ResolvePurchaseProblem": {6, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"problemId": w.problem(t), "ignore": true}
	})},
	"partner/UploadPurchases": {18, func(t *testing.T, w *world) question {
		w.shop(t)
		return question{in(apptest.Variables{"file": attached("店舗コード,端末番号,レシート番号,営業日,明細数,商品コード,数量,金額\nmember-shop,1," + w.key() + ",2026/01/31,1,X,1,100\n")}), []string{"X-API-Key", w.pos(t, access.PurchaseWrite)}}
	}},
	"partner/RecordPurchases": {18, func(t *testing.T, w *world) question {
		w.shop(t)
		return question{in(apptest.Variables{"receipts": []apptest.Variables{w.slip("")}}), []string{"X-API-Key", w.pos(t, access.PurchaseWrite)}}
	}},
}

// asMember is asked by somebody who has joined.
func asMember(variables func(*testing.T, *world, customer) apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question {
		c := w.mover(t)
		c.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
		return question{variables(t, w, c), c.headers()}
	}
}

// erasureOf is an erasure of the customer's that waits.
func (w *world) erasureOf(t *testing.T, c customer) string {
	key := id.New()
	exec(t, w.App, `INSERT INTO member_requests (id, member_id, brand_id, kind, state, waits_for, actor_role, requested_at) VALUES ($1, $2, $3, 'ERASURE', 'WAITING', 'ORDERS', 'MEMBER', now())`, key, keyOf(t, c.id), w.BrandID)
	return id.Global("MemberRequest", key)
}

// shop is where members register.
func (w *world) shop(t *testing.T) string {
	exec(t, w.App, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, 'member-shop', '{"ja":"店"}', 'SHOP') ON CONFLICT DO NOTHING`, id.New(), w.BrandID)
	var key uuid.UUID
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT id FROM locations WHERE code = 'member-shop'`).Scan(&key))
	return id.Global("Location", key)
}

// guest is a member with a card alone, and the card's number.
func (w *world) guest(t *testing.T, phone string) (guest, number string) {
	w.office(t)
	guest = w.made(t, "registerMember", "member", apptest.Variables{"idempotencyKey": w.key(), "storeId": w.shop(t), "person": apptest.Variables{"name": "山田", "phone": phone}})
	return guest, w.numberOf(t, guest)
}

// petOf is a pet of a member, whom staff have entered.
func (w *world) petOf(t *testing.T, member string) string {
	return w.made(t, "addPet", "pet", apptest.Variables{"memberId": member, "name": "ポチ", "species": "DOG"})
}

// numberOf is the number of the member's card.
func (w *world) numberOf(t *testing.T, member string) (number string) {
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, member)).Scan(&number))
	return number
}

func (w *world) cardOf(t *testing.T, c customer) string {
	var card uuid.UUID
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT id FROM member_cards WHERE member_id = $1`, keyOf(t, c.id)).Scan(&card))
	return member.Card{ID: card}.GlobalID()
}

func (w *world) slip(number string) apptest.Variables {
	return apptest.Variables{"store": "member-shop", "till": "1", "receipt": w.key(), "boughtOn": "2026-01-31", "cardNumber": number,
		"lines": []apptest.Variables{{"code": "X", "quantity": 1, "amount": "100"}, {"code": "Y", "quantity": 1, "amount": "100"}}}
}

func (w *world) receipt(t *testing.T, number string) {
	w.office(t)
	w.shop(t)
	w.made(t, "recordPurchases", "import", apptest.Variables{"receipts": []apptest.Variables{w.slip(number)}})
}

// rung is a receipt of late with the card.
func (w *world) rung(t *testing.T, number string) string {
	w.office(t)
	w.shop(t)
	slip := with(w.slip(number), "boughtOn", lately())
	w.made(t, "recordPurchases", "import", apptest.Variables{"receipts": []apptest.Variables{slip}})
	var purchase uuid.UUID
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT id FROM purchases WHERE receipt = $1`, slip["receipt"]).Scan(&purchase))
	return id.Global("Purchase", purchase)
}

// differing is a problem: a receipt that came again with other content.
func (w *world) differing(t *testing.T) {
	exec(t, w.App, `INSERT INTO purchase_problems (id, brand_id, kind, value, state, created_at, purchase_id, content) VALUES (gen_random_uuid(), $1, 'RECEIPT', '1', 'OPEN', now(), $2, $3)`,
		w.BrandID, keyOf(t, w.rung(t, "")), []byte("other content"))
}

func (w *world) problem(t *testing.T) string {
	w.office(t)
	problem := id.New()
	exec(t, w.App, `INSERT INTO purchase_problems (id, brand_id, kind, value, state, created_at) VALUES ($1, $2, 'PRODUCT', $3, 'OPEN', now())`, problem, w.BrandID, w.key())
	return id.Global("PurchaseProblem", problem)
}

// pos is the key of a partner with a permission: who sends receipts, or rewards members.
func (w *world) pos(t *testing.T, permission access.Permission) string {
	t.Helper()
	for _, o := range operationsOf(t, "partner") {
		_, err := w.App.App.Operations.Register(t.Context(), "partner", []operation.Operation{{ID: o.ID, Name: o.Name, Kind: o.Type, Source: o.Body}})
		require.NoError(t, err)
	}
	var got struct {
		CreatePartner   struct{ Partner struct{ ID string } }
		IssuePartnerKey struct{ Secret string }
	}
	office := access.Actor{Role: access.RoleAdmin, ID: id.New()}
	w.DoAs(t, office, `mutation { createPartner(input: {name: "POS", permissions: [`+string(permission)+`], ratePerMinute: 600}) { partner { id } } }`, nil).Into(t, &got)
	w.DoAs(t, office, `mutation($id: ID!) { issuePartnerKey(input: {partnerId: $id}) { secret } }`, apptest.Variables{"id": got.CreatePartner.Partner.ID}).Into(t, &got)
	return got.IssuePartnerKey.Secret
}
