package resolvers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

func TestACompanyIsOpenedChangedAndClosed(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "0", "BLOCK")
	made := w.staff.mutate(t, "createCompany", apptest.Variables{
		"code": " C002 ", "name": "ペット　ランド", "kana": "ぺっと らんど", "invoiceNumber": "Ｔ7-0000-1205-0002", "taxRounding": "HALF_UP",
		"paymentTerms": apptest.Variables{"closingDay": 20, "dueMonths": 1}, "creditLimit": "300000", "creditPolicy": "APPROVAL",
	})
	require.Empty(t, made.UserErrors)
	require.Equal(t, []string{"C002", "ペット ランド", "ペット ランド", "T7000012050002", "300000", "APPROVAL"},
		[]string{made.Company.Code, made.Company.Name, made.Company.Kana, made.Company.InvoiceNumber, made.Company.Credit.Left.Amount, made.Company.Credit.Policy})

	update := func(version int, input apptest.Variables) changes {
		input["companyId"], input["version"] = made.Company.ID, version
		return w.staff.mutate(t, "updateCompany", input)
	}
	renamed := update(1, apptest.Variables{"name": "ペットランド本店", "paymentTerms": apptest.Variables{"dueMonths": 2, "dueDay": 10}})
	require.Empty(t, renamed.UserErrors)
	require.Equal(t, 2, renamed.Company.Version)
	require.Equal(t, "VERSION_CONFLICT version", update(1, apptest.Variables{"name": "x"}).fault(), "seen before the change")
	require.Equal(t, "DUPLICATE code", update(2, apptest.Variables{"code": "C001"}).fault())

	for want, input := range map[string]apptest.Variables{
		"REQUIRED code":                        {"code": " "},
		"CODE_INVALID code":                    {"code": "得意先1"},
		"DUPLICATE code":                       {"code": "C001"},
		"REQUIRED name":                        {"name": "　"},
		"TOO_LONG name":                        {"name": strings.Repeat("あ", 101)},
		"KANA_INVALID kana":                    {"kana": "petland"},
		"INVOICE_NUMBER_INVALID invoiceNumber": {"invoiceNumber": "T1000012050002"},
		"PAYMENT_TERMS_INVALID paymentTerms":   {"paymentTerms": apptest.Variables{"closingDay": 31, "dueMonths": 1}},
		"LIMIT_INVALID creditLimit":            {"creditLimit": "-1"},
	} {
		bad := apptest.Variables{"code": "C009", "name": "x"}
		for field, value := range input {
			bad[field] = value
		}
		require.Equal(t, want, w.staff.mutate(t, "createCompany", bad).fault())
	}
	require.Equal(t, "LIMIT_INVALID limit", w.staff.mutate(t, "setCompanyCredit", apptest.Variables{"companyId": w.company, "limit": "0.5", "policy": "BLOCK"}).fault())
	require.Equal(t, "NOT_FOUND companyId", w.staff.mutate(t, "closeCompany", apptest.Variables{"companyId": id.Global("Company", id.New())}).fault())

	var got struct {
		Company struct {
			PaymentTerms struct {
				ClosingDay, DueDay *int
				Dates              struct{ ClosesOn, DueOn string }
			}
			History struct {
				Nodes []struct {
					Type, Actor string
					Changes     []struct {
						Field         string
						Before, After *string
					}
				}
			}
		}
	}
	w.staff(`query($c: ID!) { company(id: $c) {
		paymentTerms { closingDay dueDay dates(at: "2027-01-31T15:00:00Z") { closesOn dueOn } }
		history { nodes { type actor changes { field before after } } }
	} }`, apptest.Variables{"c": made.Company.ID}).Into(t, &got)
	require.Nil(t, got.Company.PaymentTerms.ClosingDay)
	require.Equal(t, 10, *got.Company.PaymentTerms.DueDay)
	require.Equal(t, "2027-02-28", got.Company.PaymentTerms.Dates.ClosesOn, "it is February in Tokyo")
	require.Equal(t, "2027-04-12", got.Company.PaymentTerms.Dates.DueOn, "the 10th is a Saturday")
	require.Len(t, got.Company.History.Nodes, 2, "what was refused left no trace")
	latest := got.Company.History.Nodes[0]
	require.Equal(t, []string{"company.updated", "STAFF"}, []string{latest.Type, latest.Actor})
	told := map[string]string{}
	for _, c := range latest.Changes {
		told[c.Field] = fmt.Sprint(orDash(c.Before), " → ", orDash(c.After))
	}
	require.Equal(t, `"ペット ランド" → "ペットランド本店"`, told["Name"])
	require.Equal(t, "20 → -", told["ClosingDay"])
	require.NotContains(t, told, "Code")

	closed := w.staff.mutate(t, "closeCompany", apptest.Variables{"companyId": made.Company.ID})
	require.NotNil(t, closed.Company.ClosedAt)
	require.Equal(t, "CONFLICT companyId", update(3, apptest.Variables{"name": "x"}).fault())
}

func orDash(s *string) string {
	if s == nil {
		return "-"
	}
	return *s
}

func TestBuyersComeAndGoAndTheirSessionsFollow(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "10000", "BLOCK")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", "2000")
	me := func(b trader) (role, company string) {
		t.Helper()
		var got struct {
			Me struct {
				Role    string
				Company *struct{ Name string }
			}
		}
		b.do(t, `{ me { role company { name } } }`, nil).Into(t, &got)
		if got.Me.Company != nil {
			company = got.Me.Company.Name
		}
		return got.Me.Role, company
	}
	role, company := me(kaede)
	require.Equal(t, []string{"COMPANY_BUYER", "フクフク商店"}, []string{role, company}, "in the session that was open already")
	order := kaede.order(t, "intent-1", "ON_ACCOUNT", 1).Order.ID

	other := w.staff.mutate(t, "createCompany", apptest.Variables{"code": "C002", "name": "よそ"}).Company.ID
	attach := func(company, email string) apptest.Variables {
		return apptest.Variables{"companyId": company, "email": email, "role": "BUYER"}
	}
	require.Equal(t, "BUYER_ELSEWHERE email", w.staff.mutate(t, "attachCompanyBuyer", attach(other, "kaede@example.jp")).fault())
	require.Equal(t, "EMAIL_INVALID email", w.staff.mutate(t, "attachCompanyBuyer", attach(other, "kaede")).fault())
	employ(t, w.App, "clerk@example.jp", access.RoleStaff)
	require.Equal(t, "NOT_A_CUSTOMER email", w.staff.mutate(t, "attachCompanyBuyer", attach(other, "clerk@example.jp")).fault())
	require.Equal(t, "REQUIRED name", w.staff.mutate(t, "attachCompanyBuyer", attach(other, "new@example.jp")).fault(), "a new account needs a name")
	negative := attach(other, "new@example.jp")
	negative["approvalLimit"] = "-1"
	require.Equal(t, "LIMIT_INVALID approvalLimit", w.staff.mutate(t, "attachCompanyBuyer", negative).fault())
	invited := attach(other, "new@example.jp")
	invited["name"] = "新 人"
	require.Equal(t, "新 人", w.staff.mutate(t, "attachCompanyBuyer", invited).Buyer.Name)
	var mails int
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM one_time_tokens WHERE purpose = 'RESET_PASSWORD' AND account_id = $1`, accountOf(t, w.App, "new@example.jp")).Scan(&mails))
	require.Equal(t, 1, mails)

	// Somebody who registered with an address that was never proved gets no company.
	squatter := newCustomer(t, w.App, "taken@example.jp")
	require.Empty(t, w.staff.mutate(t, "attachCompanyBuyer", attach(other, "taken@example.jp")).UserErrors)
	require.Equal(t, "TOKEN_INVALID", squatter.do(t, `{ me { role } }`, nil).Code())

	seat := func(role string) apptest.Variables {
		return apptest.Variables{"companyId": w.company, "accountId": kaede.id, "role": role, "approvalLimit": "3000"}
	}
	require.Equal(t, "FORBIDDEN", kaede.mutate(t, "changeCompanyBuyer", seat("MANAGER")).code(), "nobody promotes themselves")
	manager := w.buyer(t, "manager@example.jp", "MANAGER", nil)
	changed := manager.mutate(t, "changeCompanyBuyer", seat("APPROVER"))
	require.Equal(t, "3000", changed.Buyer.ApprovalLimit.Amount)
	require.Equal(t, "APPROVER", changed.Buyer.Role)
	require.Equal(t, "NOT_FOUND accountId", manager.mutate(t, "removeCompanyBuyer", apptest.Variables{"companyId": w.company, "accountId": id.Global("Account", id.New())}).fault())

	require.Empty(t, manager.mutate(t, "removeCompanyBuyer", apptest.Variables{"companyId": w.company, "accountId": kaede.id}).UserErrors)
	role, company = me(kaede)
	require.Equal(t, []string{"MEMBER", ""}, []string{role, company})
	require.Contains(t, string(kaede.do(t, `query($o: ID!) { order(id: $o) { id } }`, apptest.Variables{"o": order}).Data), `"order":null`, "the company's orders are the company's")
	require.Equal(t, "NOT_FOUND", kaede.mutate(t, "cancelOrder", apptest.Variables{"orderId": order}).code())
	require.NotContains(t, string(kaede.do(t, `{ orders { nodes { id } } }`, nil).Data), order)
	require.Contains(t, string(manager.do(t, `{ me { company { orders { nodes { id } } } } }`, nil).Data), order)

	require.Empty(t, w.staff.mutate(t, "closeCompany", apptest.Variables{"companyId": w.company}).UserErrors)
	role, company = me(manager)
	require.Equal(t, []string{"MEMBER", ""}, []string{role, company})
	require.Equal(t, 1000, w.owed(t), "what a closed company owes stays owed")
	require.Empty(t, w.staff.mutate(t, "recordAccountPayment", apptest.Variables{
		"idempotencyKey": "payment-1", "companyId": w.company, "amount": "1000", "receivedAt": "2026-01-20T01:00:00Z",
	}).UserErrors)
}

func TestAddressesOfACompany(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "0", "BLOCK")
	manager, buyer := w.buyer(t, "manager@example.jp", "MANAGER", nil), w.buyer(t, "buyer@example.jp", "BUYER", nil)
	address := func(line string) apptest.Variables {
		return apptest.Variables{"name": "福田 ふく", "postalCode": "1500001", "prefecture": "TOKYO", "city": "渋谷区", "line1": line, "phone": "0312345678"}
	}
	add := func(b trader, kind, line string) changes {
		return b.mutate(t, "addCompanyAddress", apptest.Variables{"companyId": w.company, "kind": kind, "label": line, "address": address(line)})
	}
	require.Equal(t, "FORBIDDEN", add(buyer, "SHIPPING", "1-1").code())
	first, second, billing := add(manager, "SHIPPING", "1-1"), add(manager, "SHIPPING", "2-2"), add(manager, "BILLING", "3-3")
	require.Equal(t, []bool{true, false, true}, []bool{first.Address.IsDefault, second.Address.IsDefault, billing.Address.IsDefault}, "the first of each kind")
	require.True(t, manager.mutate(t, "updateCompanyAddress", apptest.Variables{"addressId": second.Address.ID, "isDefault": true}).Address.IsDefault)
	defaults := func() (labels []string) {
		var got struct {
			Me struct {
				Company struct {
					Addresses []struct {
						Label, Kind string
						IsDefault   bool
					}
				}
			}
		}
		buyer.do(t, `{ me { company { addresses { label kind isDefault } } } }`, nil).Into(t, &got)
		for _, a := range got.Me.Company.Addresses {
			if a.IsDefault {
				labels = append(labels, a.Kind+" "+a.Label)
			}
		}
		return labels
	}
	require.ElementsMatch(t, []string{"SHIPPING 2-2", "BILLING 3-3"}, defaults())
	require.Empty(t, manager.mutate(t, "removeCompanyAddress", apptest.Variables{"addressId": second.Address.ID}).UserErrors)
	require.ElementsMatch(t, []string{"SHIPPING 1-1", "BILLING 3-3"}, defaults(), "another becomes the default")
	require.Equal(t, "NOT_FOUND addressId", manager.mutate(t, "removeCompanyAddress", apptest.Variables{"addressId": second.Address.ID}).fault())

	wrong := address("1-1")
	wrong["postalCode"] = "12"
	require.Equal(t, "POSTAL_CODE_INVALID address.postalCode",
		manager.mutate(t, "addCompanyAddress", apptest.Variables{"companyId": w.company, "kind": "BILLING", "address": wrong}).fault())
	require.Equal(t, "TOO_LONG label", manager.mutate(t, "updateCompanyAddress", apptest.Variables{"addressId": first.Address.ID, "label": strings.Repeat("x", 101)}).fault())

	other := w.staff.mutate(t, "createCompany", apptest.Variables{"code": "C002", "name": "よそ"}).Company.ID
	theirs := w.staff.mutate(t, "addCompanyAddress", apptest.Variables{"companyId": other, "kind": "SHIPPING", "address": address("9-9")})
	require.Empty(t, theirs.UserErrors)
	require.Equal(t, "NOT_FOUND companyId", manager.mutate(t, "addCompanyAddress", apptest.Variables{"companyId": other, "kind": "BILLING", "address": address("1-1")}).fault())
	require.Equal(t, "NOT_FOUND addressId", manager.mutate(t, "updateCompanyAddress", apptest.Variables{"addressId": theirs.Address.ID, "isDefault": true}).fault())
}

func TestAnotherCompanysDataIsNotFound(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "10000", "APPROVAL")
	kaede, colleague := w.buyer(t, "kaede@example.jp", "BUYER", "500"), w.buyer(t, "colleague@example.jp", "BUYER", nil)
	order := kaede.order(t, "intent-1", "ON_ACCOUNT", 1).Order
	require.Equal(t, "PENDING_APPROVAL", order.Status)
	other := wholesaler{App: w.App, staff: w.staff, method: w.method, leash: w.leash}
	other.company = w.staff.mutate(t, "createCompany", apptest.Variables{"code": "C002", "name": "よそ", "creditLimit": "1000"}).Company.ID
	spy := other.buyer(t, "spy@example.jp", "MANAGER", nil)
	require.Equal(t, "NOT_FOUND", spy.mutate(t, "approveOrder", apptest.Variables{"orderId": order.ID}).code())
	require.Equal(t, "NOT_FOUND", spy.mutate(t, "rejectOrder", apptest.Variables{"orderId": order.ID}).code())
	require.Equal(t, "NOT_FOUND", spy.mutate(t, "cancelOrder", apptest.Variables{"orderId": order.ID}).code())
	require.Equal(t, "NOT_FOUND companyId", spy.mutate(t, "removeCompanyBuyer", apptest.Variables{"companyId": w.company, "accountId": kaede.id}).fault())
	vars := apptest.Variables{"c": w.company, "o": order.ID}
	answer := spy.do(t, `query($c: ID!, $o: ID!) { company(id: $c) { id } node(id: $c) { id } order(id: $o) { id } asNode: node(id: $o) { id } }`, vars)
	require.JSONEq(t, `{"company": null, "node": null, "order": null, "asNode": null}`, string(answer.Data))
	require.Empty(t, answer.Errors)
	require.NotContains(t, string(spy.do(t, `{ me { company { orders { nodes { id } } creditEntries { nodes { id } } } } }`, nil).Data), order.ID)
	member := newCustomer(t, w.App, "member@example.jp")
	require.Equal(t, "FORBIDDEN", member.do(t, `query($c: ID!) { company(id: $c) { id } }`, vars).Code())

	// A BUYER's colleagues' orders are not theirs; who approves sees all.
	seen := colleague.do(t, `query($o: ID!) { order(id: $o) { id } me { company { orders { nodes { id } } } } }`, vars)
	require.JSONEq(t, `{"order": null, "me": {"company": {"orders": {"nodes": []}}}}`, string(seen.Data))
	boss := w.buyer(t, "boss@example.jp", "APPROVER", nil)
	waiting := boss.do(t, `{ me { company { orders(status: PENDING_APPROVAL, first: 1) { nodes { id company { name } } pageInfo { hasNextPage } } } } }`, nil)
	require.Contains(t, string(waiting.Data), order.ID)
	for _, hidden := range []string{"history { nodes { type } }", "groups { code }", "functionRules { allowed }"} {
		require.Equal(t, "FORBIDDEN", boss.do(t, `{ me { company { `+hidden+` } } }`, nil).Code(), hidden)
	}
}

func TestCustomerGroups(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "0", "BLOCK")
	name := func(ja string) apptest.Variables { return apptest.Variables{"ja": ja} }
	group := w.staff.mutate(t, "createCustomerGroup", apptest.Variables{"code": "WHOLESALE-A", "name": name("卸A"), "kind": "TRADE", "precedence": 10})
	require.Empty(t, group.UserErrors)
	for want, input := range map[string]apptest.Variables{
		"DUPLICATE code":     {"code": "WHOLESALE-A"},
		"CODE_INVALID code":  {"code": "卸"},
		"REQUIRED name":      {"name": apptest.Variables{"en": "Gold"}},
		"TOO_LONG name":      {"name": name(strings.Repeat("金", 101))},
		"INVALID precedence": {"precedence": -1},
	} {
		bad := apptest.Variables{"code": "GOLD", "name": name("金")}
		for field, value := range input {
			bad[field] = value
		}
		require.Equal(t, want, w.staff.mutate(t, "createCustomerGroup", bad).fault())
	}
	member := newCustomer(t, w.App, "member@example.jp")
	move := func(field string, members, companies []string) changes {
		members, companies = append([]string{}, members...), append([]string{}, companies...)
		return w.staff.mutate(t, field, apptest.Variables{"groupId": group.Group.ID, "memberIds": members, "companyIds": companies})
	}
	stranger := id.Global("Account", id.New())
	require.Equal(t, "NOT_FOUND memberIds.1", move("addToCustomerGroup", []string{member.id, stranger}, nil).fault())
	require.Equal(t, "NOT_FOUND companyIds.0", move("addToCustomerGroup", []string{member.id}, []string{id.Global("Company", id.New())}).fault())
	require.Equal(t, "REQUIRED memberIds", move("addToCustomerGroup", nil, nil).fault())
	many := make([]string, 1001)
	for i := range many {
		many[i] = stranger
	}
	require.Equal(t, "TOO_MANY", move("addToCustomerGroup", many, nil).code())
	require.Equal(t, 2, move("addToCustomerGroup", []string{member.id, member.id}, []string{w.company}).Group.Size, "and nothing of what was refused")
	require.Equal(t, 2, move("addToCustomerGroup", []string{member.id}, nil).Group.Size, "who is in it stays")
	listed := w.staff(`query($g: ID!) { customerGroup(id: $g) { name members { nodes: edges { node { id } } } companies { nodes { code groups { code } } } } customerGroups(kind: TRADE) { nodes { code size } } }`,
		apptest.Variables{"g": group.Group.ID})
	require.Empty(t, listed.Errors)
	require.JSONEq(t, `{"customerGroup": {"name": "卸A", "members": {"nodes": [{"node": {"id": "`+member.id+`"}}]},
		"companies": {"nodes": [{"code": "C001", "groups": [{"code": "WHOLESALE-A"}]}]}}, "customerGroups": {"nodes": [{"code": "WHOLESALE-A", "size": 2}]}}`, string(listed.Data))
	require.Equal(t, 1, move("removeFromCustomerGroup", []string{member.id, stranger}, nil).Group.Size)
	var version int
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT version FROM rulebooks`).Scan(&version))
	renamed := w.staff.mutate(t, "updateCustomerGroup", apptest.Variables{"groupId": group.Group.ID, "precedence": 5})
	require.Equal(t, 5, renamed.Group.Precedence)
	var moved int
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT version FROM rulebooks`).Scan(&moved))
	require.Greater(t, moved, version, "the number of the rules moves")
	require.NotNil(t, w.staff.mutate(t, "closeCustomerGroup", apptest.Variables{"groupId": group.Group.ID}).Group.ClosedAt)
	require.Equal(t, "NOT_FOUND groupId", move("addToCustomerGroup", []string{member.id}, nil).fault())
}

func TestFunctionsAreDeniedToTheMostSpecific(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "10000", "BLOCK")
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil)
	group := func(code string, precedence int) string {
		g := w.staff.mutate(t, "createCustomerGroup", apptest.Variables{"code": code, "name": apptest.Variables{"ja": "グループ" + code}, "precedence": precedence})
		w.staff.mutate(t, "addToCustomerGroup", apptest.Variables{"groupId": g.Group.ID, "companyIds": []string{w.company}})
		return g.Group.ID
	}
	a, b := group("A", 10), group("B", 20)
	rule := func(whom, key, function string, allowed any) changes {
		return w.staff.mutate(t, "setFunctionRule", apptest.Variables{whom: key, "function": function, "allowed": allowed})
	}
	access := func(function string) (allowed bool, because string) {
		t.Helper()
		var got struct {
			Me struct {
				Functions []struct {
					Function, Because string
					Allowed           bool
				}
			}
		}
		kaede.do(t, `{ me { functions { function allowed because } } }`, nil).Into(t, &got)
		require.Len(t, got.Me.Functions, 5)
		for _, f := range got.Me.Functions {
			if f.Function == function {
				return f.Allowed, f.Because
			}
		}
		return false, ""
	}
	allowed, because := access("ORDER")
	require.True(t, allowed)
	require.Equal(t, "標準", because)
	require.Empty(t, rule("groupId", b, "ORDER", false).UserErrors)
	denied := kaede.order(t, "intent-1", "ON_ACCOUNT", 1)
	require.Equal(t, "FUNCTION_DENIED", denied.code())
	require.Contains(t, denied.UserErrors[0].Message, "グループB", "by whose word")
	require.Empty(t, rule("groupId", a, "ORDER", true).UserErrors)
	allowed, because = access("ORDER")
	require.True(t, allowed, "the group of higher precedence wins")
	require.Contains(t, because, "グループA")
	require.Empty(t, rule("companyId", w.company, "ORDER", false).UserErrors)
	allowed, because = access("ORDER")
	require.False(t, allowed)
	require.Contains(t, because, "得意先")
	require.Empty(t, rule("memberId", kaede.id, "ORDER", true).UserErrors)
	require.Equal(t, "CONFIRMED", kaede.place(t, "intent-2", "ON_ACCOUNT", 1).Order.Status)

	require.Empty(t, rule("companyId", w.company, "ON_ACCOUNT", false).UserErrors)
	require.Equal(t, "FUNCTION_DENIED paymentMethod", kaede.order(t, "intent-3", "ON_ACCOUNT", 1).fault())
	require.NotContains(t, string(kaede.do(t, `{ paymentMethods { method } }`, nil).Data), "ON_ACCOUNT")
	require.Nil(t, rule("companyId", w.company, "ON_ACCOUNT", nil).Rule, "the rule is gone")
	require.Equal(t, "CONFIRMED", kaede.place(t, "intent-3", "ON_ACCOUNT", 1).Order.Status)

	require.Equal(t, "NOT_FOUND companyId", rule("companyId", id.Global("Company", id.New()), "ORDER", false).fault())
	require.Equal(t, "AUDIENCE_INVALID", w.staff.mutate(t, "setFunctionRule", apptest.Variables{"function": "ORDER", "allowed": false}).code())
	require.Equal(t, "AUDIENCE_INVALID", w.staff.mutate(t, "setFunctionRule", apptest.Variables{"groupId": a, "companyId": w.company, "function": "ORDER"}).code())
}

func TestManyCompaniesCostAsManyStatementsAsOne(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "0", "BLOCK")
	w.buyer(t, "kaede@example.jp", "BUYER", nil)
	ask := func(first int) int {
		answer := w.staff(fmt.Sprintf(`{ companies(first: %d) { totalCount nodes { code addresses { id } buyers { name } groups { code } functionRules { allowed } credit { left { amount } } } } }`, first), nil)
		require.Empty(t, answer.Errors)
		return answer.Statements
	}
	one := ask(1)
	for i := range 30 {
		w.staff.mutate(t, "createCompany", apptest.Variables{"code": fmt.Sprintf("D%03d", i), "name": "x"})
	}
	require.Equal(t, one, ask(31))
	require.Equal(t, 6, one, "the page, its count, addresses, buyers, groups, rules")

	var got struct {
		Companies struct {
			Nodes    []struct{ Code string }
			PageInfo struct {
				EndCursor   string
				HasNextPage bool
			}
		}
	}
	var codes []string
	after := ""
	for {
		w.staff(`query($a: String) { companies(first: 9, after: $a, filter: {query: "d0"}) { nodes { code } pageInfo { endCursor hasNextPage } } }`, apptest.Variables{"a": after}).Into(t, &got)
		for _, c := range got.Companies.Nodes {
			codes = append(codes, c.Code)
		}
		if after = got.Companies.PageInfo.EndCursor; !got.Companies.PageInfo.HasNextPage {
			break
		}
	}
	require.Len(t, codes, 30)
	require.IsIncreasing(t, codes)
	require.Equal(t, "FORBIDDEN", asking(func(q string, v apptest.Variables) apptest.Answer {
		return w.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New()}, q, v)
	})(`{ companies { nodes { id } } }`, nil).Code())
}
