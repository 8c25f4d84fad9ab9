package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// companyOperations are those of companies that buy on terms, and of customer groups.
var companyOperations = map[string]clientOperation{
	"admin/Companies":            {5, inTrade(func(*testing.T, *world) apptest.Variables { return nil })},
	"admin/Company":              {9, inTrade(func(_ *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.trade.company} })},
	"admin/CreditEntries":        {2, inTrade(func(_ *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.trade.company} })},
	"admin/CreateCompany":        {5, inTrade(func(_ *testing.T, w *world) apptest.Variables { return in(aCompany(w.key())) })},
	"admin/UpdateCompany":        {6, ofNewCompany(apptest.Variables{"version": 1, "name": "改名"})},
	"admin/CloseCompany":         {7, ofNewCompany(nil)},
	"admin/SetCompanyCredit":     {7, ofNewCompany(apptest.Variables{"limit": "100", "policy": "BLOCK"})},
	"admin/RecordAccountPayment": {12, inTrade(func(_ *testing.T, w *world) apptest.Variables { return in(w.received()) })},
	"admin/AddCompanyAddress":    {6, ofNewCompany(apptest.Variables{"kind": "SHIPPING", "address": newAddress("倉庫")})},
	"admin/UpdateCompanyAddress": {7, inTrade(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"addressId": w.warehouse(t), "label": "第二倉庫"})
	})},
	"admin/RemoveCompanyAddress": {7, inTrade(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"addressId": w.warehouse(t)})
	})},
	"admin/AttachCompanyBuyer": {9, inTrade(func(t *testing.T, w *world) apptest.Variables {
		email := w.email()
		newProved(t, w, email)
		return in(apptest.Variables{"companyId": w.trade.company, "email": email, "role": "BUYER"})
	})},
	"admin/ChangeCompanyBuyer": {7, inTrade(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"companyId": w.trade.company, "accountId": w.employed(t, "BUYER", nil).id, "role": "APPROVER"})
	})},
	"admin/RemoveCompanyBuyer": {10, inTrade(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"companyId": w.trade.company, "accountId": w.employed(t, "BUYER", nil).id})
	})},
	"admin/SetFunctionRule": {7, ofNewCompany(apptest.Variables{"function": "QUOTE", "allowed": false})},
	"admin/ApprovalDays":    {0, inTrade(func(*testing.T, *world) apptest.Variables { return nil })},
	"admin/SetApprovalDays": {4, inTrade(func(*testing.T, *world) apptest.Variables { return in(apptest.Variables{"days": 14}) })},
	"admin/ApproveOrder":    {13, inTrade(func(t *testing.T, w *world) apptest.Variables { return in(w.waiting(t)) })},
	"admin/RejectOrder":     {23, inTrade(func(t *testing.T, w *world) apptest.Variables { return in(w.waiting(t)) })},

	"admin/CustomerGroups":      {5, inTrade(func(*testing.T, *world) apptest.Variables { return nil })},
	"admin/CustomerGroup":       {7, inTrade(func(_ *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.trade.group} })},
	"admin/CreateCustomerGroup": {6, inTrade(func(_ *testing.T, w *world) apptest.Variables { return in(aTradeGroup(w.key())) })},
	"admin/UpdateCustomerGroup": {7, ofNewGroup(apptest.Variables{"precedence": 7})},
	"admin/CloseCustomerGroup":  {7, ofNewGroup(nil)},
	"admin/AddToCustomerGroup": {10, inTrade(func(t *testing.T, w *world) apptest.Variables {
		return in(w.everybody(w.made(t, "createCustomerGroup", "group", aTradeGroup(w.key()))))
	})},
	"admin/RemoveFromCustomerGroup": {8, inTrade(func(t *testing.T, w *world) apptest.Variables {
		all := w.everybody(w.made(t, "createCustomerGroup", "group", aTradeGroup(w.key())))
		w.join(t, all)
		return in(all)
	})},

	"app/MyCompany":     {5, byBoss(func(*testing.T, *world) apptest.Variables { return nil })},
	"app/CompanyOrders": {6, byBoss(func(*testing.T, *world) apptest.Variables { return nil })},
	"app/WaitingOrders": {5, byBoss(func(*testing.T, *world) apptest.Variables { return nil })},
	"app/ApproveOrder":  {15, byBoss(func(t *testing.T, w *world) apptest.Variables { return in(w.waiting(t)) })},
	"app/RejectOrder":   {25, byBoss(func(t *testing.T, w *world) apptest.Variables { return in(w.waiting(t)) })},
}

// trade is what a world's shop has of trade on terms: as many companies and groups as
// the world is large, each company in each group, and one company that has as much of
// everything.
type trade struct {
	company, group string
	companies      []string
	boss, junior   customer // who approves, and whose orders on account wait
	buyers         []string
}

// inTrade is asked by the administrator of a shop that trades on terms.
func inTrade(variables func(*testing.T, *world) apptest.Variables) func(*testing.T, *world) question {
	return asked(func(t *testing.T, w *world) apptest.Variables {
		w.trading(t)
		return variables(t, w)
	})
}

// byBoss is asked by who manages the company.
func byBoss(variables func(*testing.T, *world) apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question {
		w.trading(t)
		return question{variables(t, w), w.trade.boss.headers()}
	}
}

func ofNewCompany(more apptest.Variables) func(*testing.T, *world) question {
	return inTrade(func(t *testing.T, w *world) apptest.Variables {
		return in(with(more, "companyId", w.made(t, "createCompany", "company", aCompany(w.key()))))
	})
}

func ofNewGroup(more apptest.Variables) func(*testing.T, *world) question {
	return inTrade(func(t *testing.T, w *world) apptest.Variables {
		return in(with(more, "groupId", w.made(t, "createCustomerGroup", "group", aTradeGroup(w.key()))))
	})
}

func aCompany(code string) apptest.Variables {
	return apptest.Variables{"code": code, "name": "商店", "creditLimit": "9000000", "creditPolicy": "APPROVAL"}
}

func aTradeGroup(code string) apptest.Variables {
	return apptest.Variables{"code": code, "name": apptest.Variables{"ja": "卸"}}
}

// trading furnishes the shop with its trade, once.
func (w *world) trading(t *testing.T) {
	t.Helper()
	if w.trade != nil {
		return
	}
	w.trade = &trade{}
	w.office(t)
	for range w.size {
		w.trade.company = w.made(t, "createCompany", "company", aCompany(w.key()))
		w.trade.companies = append(w.trade.companies, w.trade.company)
	}
	w.trade.boss, w.trade.junior = w.employed(t, "MANAGER", nil), w.employed(t, "BUYER", "1")
	for i := range w.size {
		w.trade.buyers = append(w.trade.buyers, w.employed(t, "BUYER", nil).id)
		w.warehouse(t)
		w.waiting(t)
		w.made(t, "recordAccountPayment", "", w.received())
		w.made(t, "setFunctionRule", "", apptest.Variables{"companyId": w.trade.companies[i], "function": "SEE_STOCK", "allowed": true})
	}
	for range w.size {
		w.trade.group = w.made(t, "createCustomerGroup", "group", aTradeGroup(w.key()))
		w.join(t, w.everybody(w.trade.group))
		w.made(t, "setFunctionRule", "", apptest.Variables{"groupId": w.trade.group, "function": "SEE_STOCK", "allowed": true})
	}
}

// everybody are the buyers and companies as members of a group.
func (w *world) everybody(group string) apptest.Variables {
	return apptest.Variables{"groupId": group, "memberIds": w.trade.buyers, "companyIds": w.trade.companies}
}

func (w *world) join(t *testing.T, all apptest.Variables) {
	t.Helper()
	var got struct {
		AddToCustomerGroup struct{ UserErrors []userError }
	}
	w.Do(t, `mutation($input: CustomerGroupMembersInput!) { addToCustomerGroup(input: $input) { userErrors { code field message } } }`, in(all), w.admin...).Into(t, &got)
	require.Empty(t, got.AddToCustomerGroup.UserErrors)
}

func newProved(t *testing.T, w *world, email string) customer {
	t.Helper()
	c := newCustomer(t, w.App, email)
	prove(t, w.App, email)
	return c
}

// employed is a new buyer of the company.
func (w *world) employed(t *testing.T, role string, limit any) customer {
	t.Helper()
	email := w.email()
	c := newProved(t, w, email)
	w.made(t, "attachCompanyBuyer", "", apptest.Variables{"companyId": w.trade.company, "email": email, "role": role, "approvalLimit": limit})
	return c
}

// warehouse is a new address of the company.
func (w *world) warehouse(t *testing.T) string {
	t.Helper()
	return w.made(t, "addCompanyAddress", "address", apptest.Variables{"companyId": w.trade.company, "kind": "SHIPPING", "label": w.key(), "address": newAddress("倉庫")})
}

// received is money that has come in of the company.
func (w *world) received() apptest.Variables {
	return apptest.Variables{"idempotencyKey": w.key(), "companyId": w.trade.company, "amount": "1", "receivedAt": "2026-01-20T01:00:00Z"}
}

// waiting names a new order of the company that waits for approval.
func (w *world) waiting(t *testing.T) apptest.Variables {
	t.Helper()
	return apptest.Variables{"idempotencyKey": w.key(), "orderId": w.place(t, w.filled(t, w.trade.junior.headers()...), "ON_ACCOUNT")}
}
