package resolvers_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// shopOf is a new shop of the test's brand.
func shopOf(t testing.TB, a *apptest.App, code string) uuid.UUID {
	t.Helper()
	key := id.New()
	_, err := a.DB.Pool().Exec(t.Context(), `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, $3, '{"ja":"店"}', 'SHOP')`, key, a.BrandID, code)
	require.NoError(t, err)
	return key
}

func registrarOf(permissions []access.Permission, stores ...uuid.UUID) access.Actor {
	return access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: permissions, Stores: stores}
}

// registered is a member whom a shop has registered.
func registeredAt(t testing.TB, a *apptest.App, store uuid.UUID, name, phone string) string {
	t.Helper()
	var got struct {
		RegisterMember struct {
			Member     *struct{ ID string }
			UserErrors []userError
		}
	}
	a.DoAs(t, registrarOf([]access.Permission{access.MemberRead, access.MemberWrite}, store), `mutation($input: RegisterMemberInput!) { registerMember(input: $input) { member { id } userErrors { code field } } }`,
		in(apptest.Variables{"idempotencyKey": "register-" + phone, "person": apptest.Variables{
			"name": name, "kana": "やまだ", "phone": phone, "email": phone + "@example.jp", "birthday": "1990-02-28", "gender": "FEMALE", "address": newAddress(name),
		}})).Into(t, &got)
	require.Empty(t, got.RegisterMember.UserErrors)
	return got.RegisterMember.Member.ID
}

func TestMaskingOfStoreMemberAndField(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shibuya, umeda := shopOf(t, a, "shibuya"), shopOf(t, a, "umeda")
	members := map[uuid.UUID]string{shibuya: registeredAt(t, a, shibuya, "山田 花子", "09012345612"), umeda: registeredAt(t, a, umeda, "佐藤 太郎", "08098765434")}
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.MemberWrite}}
	desk := as(t, a, office)
	for store, member := range members {
		family := registeredAt(t, a, store, "同居 家族", map[uuid.UUID]string{shibuya: "09012345613", umeda: "09012345614"}[store])
		require.Equal(t, []string{"0"}, desk.done(t, "setHousehold", "", apptest.Variables{"memberId": member, "withId": family}, "userErrors"))
		require.Equal(t, []string{"0"}, desk.done(t, "saveMemberSettings", "", apptest.Variables{"memberId": member, "how": "PAPER", "settings": []apptest.Variables{{"medium": "DM", "given": true}}}, "userErrors"))
		require.Equal(t, []string{"0"}, desk.done(t, "addPet", "", apptest.Variables{"memberId": member, "name": "ポチ", "species": "DOG"}, "userErrors"))
		exec(t, a, `UPDATE memberships SET spend = 5000 WHERE member_id = $1`, keyOf(t, member))
		exec(t, a, `INSERT INTO member_rank_changes (id, member_id, brand_id, spend, at) VALUES (gen_random_uuid(), $1, $2, 4000, now())`, keyOf(t, member), a.BrandID)
	}
	reads := []access.Permission{access.MemberRead}
	type seen struct {
		Masked                           bool
		Name, Kana, Phone, Email, Gender string
		Birthday                         *string
		BirthMonth, Age                  *int
		Address                          *struct{ Name, City string }
		Cards                            []struct{ Number string }
		Household, Pets                  []struct{ Name string }
		Settings, Consents               []struct{ Medium string }
		Memberships                      []struct {
			RegisteredStoreID string
			Spend             *struct{ Amount string }
		}
		RankChanges []struct{ Spend *struct{ Amount string } }
	}
	const fields = `{ masked name kana phone email gender birthday birthMonth age address { name city } cards { number } household { name } pets { name } settings { medium } consents { medium } memberships { registeredStoreId spend { amount } } rankChanges { spend { amount } } }`
	for reader, actor := range map[string]access.Actor{
		"shibuya": registrarOf(reads, shibuya), "umeda": registrarOf(reads, umeda), "both": registrarOf(reads, shibuya, umeda), "none": registrarOf(reads),
		"office": {Role: access.RoleStaff, ID: id.New(), Permissions: reads},
	} {
		for store, member := range members {
			name := fmt.Sprint(reader, " reads ", member)
			var got struct{ Member seen }
			a.DoAs(t, actor, `query($id: ID!) { member(id: $id) `+fields+` }`, apptest.Variables{"id": member}).Into(t, &got)
			m := got.Member
			var number string
			require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, member)).Scan(&number))
			require.Len(t, m.Cards, 1, name)
			require.Equal(t, id.Global("Location", store), m.Memberships[0].RegisteredStoreID)
			whole := reader == "office" || reader == "both" || reader == "shibuya" && store == shibuya || reader == "umeda" && store == umeda
			require.Equal(t, !whole, m.Masked, name)
			if whole {
				require.Equal(t, "1990-02-28 2", fmt.Sprint(*m.Birthday, " ", *m.BirthMonth), name)
				require.Equal(t, "FEMALE ヤマダ", m.Gender+" "+m.Kana, name)
				require.NotNil(t, m.Address, name)
				require.Len(t, m.Phone, 11, name)
				require.Contains(t, m.Email, "@example.jp", name)
				require.Equal(t, "5000 4000", m.Memberships[0].Spend.Amount+" "+m.RankChanges[0].Spend.Amount, name)
				require.Equal(t, number, m.Cards[0].Number, name)
				require.Equal(t, "2 1 1 1", fmt.Sprint(len(m.Household), len(m.Pets), len(m.Settings), len(m.Consents)), name)
				require.NotContains(t, m.Household[0].Name+m.Household[1].Name, "＊", name)
				continue
			}
			want := map[uuid.UUID]string{shibuya: "山＊＊＊ 090-****-**12 0***@***", umeda: "佐＊＊＊ 080-****-**34 0***@***"}[store]
			require.Equal(t, want, m.Name+" "+m.Phone+" "+m.Email, name)
			require.Equal(t, "ヤ＊＊＊ UNSAID", m.Kana+" "+m.Gender, name)
			require.Equal(t, "*********"+number[9:], m.Cards[0].Number, name+": a number is as good as the card")
			require.Equal(t, "0 0 0 0", fmt.Sprint(len(m.Household), len(m.Pets), len(m.Settings), len(m.Consents)), name)
			require.Nil(t, m.Memberships[0].Spend, name)
			require.Nil(t, m.RankChanges[0].Spend, name)
			require.Nil(t, m.Birthday, name)
			require.Nil(t, m.BirthMonth, name)
			require.Nil(t, m.Age, name)
			require.Nil(t, m.Address, name)
		}
	}
	for name, actor := range map[string]access.Actor{"guest": access.Guest, "member": {Role: access.RoleMember, ID: id.New()}, "staff without MEMBER_READ": {Role: access.RoleStaff, ID: id.New()}} {
		require.Equal(t, "FORBIDDEN", strings.ReplaceAll(a.DoAs(t, actor, `query($id: ID!) { member(id: $id) { name } }`, apptest.Variables{"id": members[shibuya]}).Code(), "UNAUTHENTICATED", "FORBIDDEN"), name)
	}
}

func TestStaffFindAMemberByAScannedCode(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	hanako.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	key := keyOf(t, hanako.id)
	code := memberCode(t, a, access.Actor{Role: access.RoleMember, ID: key})
	find := func(actor access.Actor, code string) apptest.Answer {
		return a.DoAs(t, actor, `query($by: FindMembersInput!) { findMembers(by: $by) { id masked } }`, apptest.Variables{"by": apptest.Variables{"memberCode": code}})
	}
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead}}
	for range 2 {
		var got struct {
			FindMembers []struct {
				ID     string
				Masked bool
			}
		}
		find(office, code).Into(t, &got)
		require.Len(t, got.FindMembers, 1)
		require.False(t, got.FindMembers[0].Masked)
		require.Equal(t, id.Global("Member", key), got.FindMembers[0].ID)
	}
	require.Equal(t, "MEMBER_CODE_INVALID", find(office, "noren:member:forged").Code())
	require.Equal(t, "FORBIDDEN", find(access.Actor{Role: access.RoleStaff, ID: id.New()}, code).Code())
}

func TestAHouseholdShowsNoOtherStoresMembers(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shibuya, umeda := shopOf(t, a, "shibuya"), shopOf(t, a, "umeda")
	one, other := registeredAt(t, a, shibuya, "山田 花子", "09012345612"), registeredAt(t, a, umeda, "山田 太郎", "08098765434")
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.MemberWrite}}
	var set struct {
		SetHousehold struct{ UserErrors []userError }
	}
	a.DoAs(t, office, `mutation($input: SetHouseholdInput!) { setHousehold(input: $input) { userErrors { code } } }`, in(apptest.Variables{"memberId": one, "withId": other})).Into(t, &set)
	require.Empty(t, set.SetHousehold.UserErrors)
	var got struct {
		Member struct{ Household []struct{ Name string } }
	}
	a.DoAs(t, registrarOf([]access.Permission{access.MemberRead}, shibuya), `query($id: ID!) { member(id: $id) { household { name } } }`, apptest.Variables{"id": one}).Into(t, &got)
	require.Equal(t, []struct{ Name string }{{"山田 花子"}, {"山＊＊＊"}}, got.Member.Household)
}

func TestAGroupShowsItsMembersAsWhoAsksMaySeeThem(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	require.Empty(t, hanako.change(t, "updateProfile", apptest.Variables{"name": "見本花子", "phone": "09012345678"}).UserErrors)
	group := id.New()
	exec(t, a, `INSERT INTO customer_groups (id, brand_id, code, name, kind, precedence, created_at) VALUES ($1, $2, 'friends', '{"ja":"友"}', 'TRADE', 1, now())`, group, a.BrandID)
	exec(t, a, `INSERT INTO customer_group_members (group_id, member_id, joined_at) VALUES ($1, $2, now())`, group, keyOf(t, hanako.id))
	reads := []access.Permission{access.MemberRead, access.CompanyRead}
	look := func(actor access.Actor) (name, email, phone string) {
		var got struct {
			CustomerGroup struct {
				Members struct {
					Edges []struct {
						Node struct {
							Name, Email string
							Profile     *struct{ Phone string }
						}
					}
				}
			}
		}
		a.DoAs(t, actor, `query($id: ID!) { customerGroup(id: $id) { members { edges { node { name email profile { phone } } } } } }`, apptest.Variables{"id": id.Global("CustomerGroup", group)}).Into(t, &got)
		require.Len(t, got.CustomerGroup.Members.Edges, 1)
		m := got.CustomerGroup.Members.Edges[0].Node
		if m.Profile != nil {
			phone = m.Profile.Phone
		}
		return m.Name, m.Email, phone
	}
	viewed := func(actor access.Actor, kind string, subject uuid.UUID) int {
		return countOf(t, a, `SELECT count(*) FROM events WHERE type = $1 AND subject_id = $2 AND actor_id = $3`, kind, subject, actor.ID)
	}
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: reads}
	clerk := registrarOf(reads, shopOf(t, a, "umeda"))
	name, email, phone := look(office)
	require.Equal(t, "見本花子 hanako@example.jp 09012345678", name+" "+email+" "+phone)
	require.Equal(t, []int{1, 1}, []int{viewed(office, "group.members_viewed", group), viewed(office, "member.viewed", keyOf(t, hanako.id))})
	name, email, phone = look(clerk)
	require.Equal(t, "見＊＊＊ h***@*** ", name+" "+email+" "+phone)
	require.Equal(t, []int{1, 0}, []int{viewed(clerk, "group.members_viewed", group), viewed(clerk, "member.viewed", keyOf(t, hanako.id))})
}

func TestAMembersOwnWay(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shibuya := shopOf(t, a, "shibuya")
	guest := registeredAt(t, a, shibuya, "山田 花子", "09012345612")
	var number string
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, guest)).Scan(&number))
	journal := "店舗コード,端末番号,レシート番号,営業日,会員番号,明細数,商品コード,数量,金額\nshibuya,1,7,2026/01/31," + number + ",1,X,1,980\n"
	clerk := registrarOf([]access.Permission{access.PurchaseWrite}, shibuya)
	var taken struct {
		UploadPurchases struct {
			Import     struct{ Receipts int }
			UserErrors []userError
		}
	}
	a.UploadAs(t, clerk, `mutation($input: UploadPurchasesInput!) { uploadPurchases(input: $input) { import { receipts } userErrors { code field } } }`,
		in(apptest.Variables{"file": nil}), "input.file", apptest.File{Name: "j.csv", ContentType: "text/csv", Content: []byte(journal)}).Into(t, &taken)
	require.Empty(t, taken.UploadPurchases.UserErrors)
	require.Equal(t, 1, taken.UploadPurchases.Import.Receipts)

	c := newCustomer(t, a, "hanako@example.jp")
	var got struct {
		Joined, Claimed struct {
			Member     *struct{ Cards []struct{ Number string } }
			UserErrors []userError
		}
		MyPurchases struct {
			Nodes []struct {
				Total struct{ Amount string }
				Lines []struct{ Code string }
			}
		}
		MyMembership *struct {
			Kana     string
			Settings []struct {
				Medium string
				Given  bool
			}
		}
		ExportMember struct {
			URL        string
			UserErrors []userError
		}
	}
	c.do(t, `{ myMembership { kana settings { medium given } } }`, nil).Into(t, &got)
	require.Nil(t, got.MyMembership, "who has not joined is no member")
	c.do(t, `mutation { joined: joinMembership(input: {settings: [{medium: MAIL, given: true}], wording: "2026-04"}) { member { cards { number } } userErrors { code field } } }`, nil).Into(t, &got)
	require.Empty(t, got.Joined.UserErrors)
	require.Len(t, got.Joined.Member.Cards, 1)
	c.do(t, `mutation($n: String!) { claimed: claimMemberCard(input: {cardNumber: $n, phone: "090-1234-5612"}) { member { cards { number } } userErrors { code field } } }`, apptest.Variables{"n": number}).Into(t, &got)
	require.Empty(t, got.Claimed.UserErrors)
	require.Len(t, got.Claimed.Member.Cards, 2)
	c.do(t, `{ myMembership { kana settings { medium given } } myPurchases { nodes { total { amount } lines { code } } } }`, nil).Into(t, &got)
	require.Equal(t, "ヤマダ", got.MyMembership.Kana)
	require.True(t, got.MyMembership.Settings[0].Given)
	require.Len(t, got.MyPurchases.Nodes, 1)
	require.Equal(t, "980", got.MyPurchases.Nodes[0].Total.Amount)
	require.Equal(t, "X", got.MyPurchases.Nodes[0].Lines[0].Code)

	// A profile that is changed is the member's data too, and the other way round.
	require.Empty(t, c.change(t, "updateProfile", apptest.Variables{"kana": "サトウ", "newsletter": false}).UserErrors)
	c.do(t, `{ myMembership { kana settings { medium given } } }`, nil).Into(t, &got)
	require.Equal(t, "サトウ", got.MyMembership.Kana)
	require.False(t, got.MyMembership.Settings[0].Given)

	c.do(t, `mutation { exportMember(input: {}) { url userErrors { code field } } }`, nil).Into(t, &got)
	require.Empty(t, got.ExportMember.UserErrors)
	path := got.ExportMember.URL[strings.Index(got.ExportMember.URL, "/member-exports/"):]
	for link, want := range map[string]int{path: http.StatusOK, path + "x": http.StatusForbidden} {
		response, err := http.Get(a.URL + link) //nolint:noctx // of a test
		require.NoError(t, err)
		raw, err := io.ReadAll(response.Body)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, want, response.StatusCode, string(raw))
		require.Equal(t, want == http.StatusOK, strings.Contains(string(raw), "hanako@example.jp"))
	}
}

func TestWhoWaitsToBeErasedIsNotMerged(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shibuya := shopOf(t, a, "shibuya")
	one, other := registeredAt(t, a, shibuya, "山田 花子", "09012345612"), registeredAt(t, a, shibuya, "山田 はなこ", "09012345613")
	exec(t, a, `INSERT INTO orders (id, number, brand_id, channel_id, member_id, email, language, status, currency, tax_inclusive, subtotal, shipping_fee, tax, total, taxes, breakdown,
			shipping_address, shipping_method, payment_method, placed_at, updated_at)
		VALUES (gen_random_uuid(), 'N-1', $1, (SELECT id FROM channels WHERE brand_id = $1 LIMIT 1), $2, 'a@example.jp', 'ja', 'PICKING', 'JPY', true, 1, 0, 0, 1, '[]', '[]', '{}', '{}', 'CARD', now(), now())`, a.BrandID, keyOf(t, other))
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.MemberWrite}}
	run := func(field, kind string, input apptest.Variables) string {
		t.Helper()
		var got map[string]struct{ UserErrors []userError }
		a.DoAs(t, office, `mutation($input: `+kind+`!) { `+field+`(input: $input) { userErrors { code field } } }`, in(input)).Into(t, &got)
		if errs := got[field].UserErrors; len(errs) > 0 {
			return errs[0].Code + " " + strings.Join(errs[0].Field, ".")
		}
		return ""
	}
	merge := func(key, keep, gone string) string {
		return run("mergeMembers", "MergeMembersInput", apptest.Variables{"idempotencyKey": key, "keepId": keep, "goneId": gone, "reason": "同一人物"})
	}
	require.Empty(t, run("requestMemberErasure", "MemberRequestInput", apptest.Variables{"memberId": other}))
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM member_requests WHERE state = 'WAITING'`))
	require.Equal(t, "ERASURE_WAITING goneId", merge("merge-it-1", one, other))
	require.Equal(t, "ERASURE_WAITING keepId", merge("merge-it-2", other, one))

	var number string
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, other)).Scan(&number))
	c := newCustomer(t, a, "hanako@example.jp")
	claim := func() string {
		var got struct {
			ClaimMemberCard struct{ UserErrors []userError }
		}
		c.do(t, `mutation($n: String!) { claimMemberCard(input: {cardNumber: $n, phone: "09012345613"}) { userErrors { code field } } }`, apptest.Variables{"n": number}).Into(t, &got)
		if errs := got.ClaimMemberCard.UserErrors; len(errs) > 0 {
			return errs[0].Code + " " + strings.Join(errs[0].Field, ".")
		}
		return ""
	}
	require.Equal(t, "ERASURE_WAITING cardNumber", claim())
	exec(t, a, `UPDATE member_requests SET state = 'WITHDRAWN'`)
	require.Empty(t, claim())
}

func TestErasureAsksWhoIsThere(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako := newCustomer(t, a, "hanako@example.jp")
	hanako.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	erase := func(input apptest.Variables) []userError {
		var got struct {
			RequestMemberErasure struct{ UserErrors []userError }
		}
		hanako.do(t, `mutation($input: MemberRequestInput!) { requestMemberErasure(input: $input) { request { id } userErrors { code field message } } }`, in(input)).Into(t, &got)
		return got.RequestMemberErasure.UserErrors
	}
	var started struct {
		StartTotp struct{ Enrolment struct{ Secret string } }
	}
	hanako.do(t, `mutation { startTotp { enrolment { secret } } }`, nil).Into(t, &started)
	secret := started.StartTotp.Enrolment.Secret
	hanako.do(t, `mutation($c: String!) { confirmTotp(input: {code: $c}) { userErrors { code } } }`, apptest.Variables{"c": codeOf(t, secret, -1)})
	for name, c := range map[string]struct {
		input apptest.Variables
		code  string
	}{
		"a token alone":   {apptest.Variables{}, "PASSWORD_WRONG"},
		"wrong password":  {apptest.Variables{"password": "guessed it somehow"}, "PASSWORD_WRONG"},
		"no second proof": {apptest.Variables{"password": goodPassword}, "SECOND_FACTOR_REQUIRED"},
		"wrong code":      {apptest.Variables{"password": goodPassword, "code": "000000"}, "SECOND_FACTOR_INVALID"},
	} {
		errors := erase(c.input)
		require.NotEmpty(t, errors, name)
		require.Equal(t, c.code, errors[0].Code, name)
	}
	require.Empty(t, erase(apptest.Variables{"password": goodPassword, "code": codeOf(t, secret, 0)}))
	require.NotEmpty(t, hanako.do(t, `{ orders { totalCount } }`, nil).Errors, "the account is gone")
}
