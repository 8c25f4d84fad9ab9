package resolvers_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// trading is a shop with that many companies and as many groups: each company has two
// orders on account of a line each, each group has two of the companies and a member.
func trading(t *testing.T, size int) wholesaler {
	t.Helper()
	w := newWholesaler(t, "9000", "BLOCK")
	companies := []string{w.company}
	for i := 1; i < size; i++ {
		made := w.staff.mutate(t, "createCompany", apptest.Variables{"code": fmt.Sprintf("C%03d", i+1), "name": "x", "creditLimit": "9000"})
		require.Empty(t, made.UserErrors)
		companies = append(companies, made.Company.ID)
	}
	for i, c := range companies {
		w.company = c
		for n := range 2 {
			placed := w.readyBuyer(t, 2*i+n).place(t, fmt.Sprintf("intent-%d-%d", i, n), "ON_ACCOUNT", 1)
			require.Empty(t, placed.UserErrors)
		}
		group := w.staff.mutate(t, "createCustomerGroup", apptest.Variables{"code": fmt.Sprintf("G%03d", i), "name": apptest.Variables{"ja": "卸"}, "precedence": i})
		require.Empty(t, group.UserErrors)
		joined := w.staff.mutate(t, "addToCustomerGroup", apptest.Variables{
			"groupId": group.Group.ID, "companyIds": []string{c, companies[(i+1)%size]},
			"memberIds": []string{w.readyBuyer(t, 100+i).id},
		})
		require.Empty(t, joined.UserErrors)
		require.Equal(t, 3, joined.Group.Size)
	}
	return w
}

const companyPagesQuery = `query($status: [OrderStatus!]) { companies {
	nodes {
		code
		orders(first: 1, status: $status) { nodes { number lines { sku } } pageInfo { hasNextPage endCursor } totalCount }
		none: orders(status: CANCELLED) { edges { node { id } } totalCount }
		creditEntries(first: 1) { nodes { kind balance { amount } } pageInfo { hasNextPage endCursor } }
		history(first: 1) { nodes { type } pageInfo { hasNextPage } }
	}
} }`

const groupPagesQuery = `{ customerGroups(first: 50) {
	edges { node {
		code
		members { edges { node { email } } }
		companies(first: 1) { edges { node { code addresses { id } orders(first: 2) { nodes { id lines { sku } } } } } pageInfo { hasNextPage } totalCount }
	} }
} }`

func TestPagesOfManyCompaniesAndGroupsCostWhatThoseOfTwoCost(t *testing.T) {
	t.Parallel()
	two, seven := trading(t, 2), trading(t, 7)
	for query, want := range map[string]int{
		companyPagesQuery: 6, // the companies, entries, history, orders, how many, their lines
		groupPagesQuery:   8, // the groups, members, who looked, companies, how many, addresses, orders, their lines
	} {
		for _, w := range []wholesaler{two, seven} {
			answer := w.staff(query, apptest.Variables{"status": []string{"CONFIRMED", "SHIPPED"}})
			require.Empty(t, answer.Errors)
			require.Equal(t, want, answer.Statements, query)
		}
	}
}

func TestPagesOfCompaniesAreEachTheirOwn(t *testing.T) {
	t.Parallel()
	w := trading(t, 3)
	type list struct {
		Nodes []struct {
			ID, Number string
			Balance    struct{ Amount string }
		}
		PageInfo struct {
			HasNextPage bool
			EndCursor   string
		}
		TotalCount int
	}
	var got struct {
		Companies struct {
			Nodes []struct {
				Code                        string
				Orders, None, CreditEntries list
			}
		}
		Company struct{ Orders, CreditEntries list }
	}
	w.staff(companyPagesQuery, apptest.Variables{"status": "CONFIRMED"}).Into(t, &got)
	require.Len(t, got.Companies.Nodes, 3)
	numbers := map[string]bool{}
	for _, c := range got.Companies.Nodes {
		require.Len(t, c.Orders.Nodes, 1, c.Code)
		require.True(t, c.Orders.PageInfo.HasNextPage)
		require.Equal(t, 2, c.Orders.TotalCount, "of the company's, not of all")
		require.Zero(t, c.None.TotalCount, "the other status has its own page")
		require.Equal(t, "2000", c.CreditEntries.Nodes[0].Balance.Amount, "the newest first")
		numbers[c.Orders.Nodes[0].Number] = true
	}
	require.Len(t, numbers, 3)

	// The page behind the cursor goes on where the first one ended.
	last := got.Companies.Nodes[2]
	w.staff(`query($c: ID!, $o: String, $e: String) { company(id: $c) {
		orders(first: 1, after: $o) { nodes { number } pageInfo { hasNextPage } totalCount }
		creditEntries(first: 1, after: $e) { nodes { balance { amount } } pageInfo { hasNextPage } }
	} }`, apptest.Variables{"c": w.company, "o": last.Orders.PageInfo.EndCursor, "e": last.CreditEntries.PageInfo.EndCursor}).Into(t, &got)
	require.Len(t, got.Company.Orders.Nodes, 1)
	require.False(t, numbers[got.Company.Orders.Nodes[0].Number])
	require.False(t, got.Company.Orders.PageInfo.HasNextPage)
	require.Equal(t, 2, got.Company.Orders.TotalCount)
	require.Equal(t, "1000", got.Company.CreditEntries.Nodes[0].Balance.Amount)

	for _, wrong := range []string{`orders(first: 101) { totalCount }`, `orders(after: "x") { totalCount }`, `creditEntries(first: -1) { nodes { id } }`} {
		require.Equal(t, "INVALID", w.staff(`{ companies { nodes { `+wrong+` } } }`, nil).Code(), wrong)
	}
	require.Equal(t, "FORBIDDEN", w.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.CompanyRead}},
		`{ companies { nodes { orders { nodes { id } } } } }`, nil).Code(), "orders are another permission")
	members := w.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.CompanyRead}},
		`{ customerGroups { nodes { members { edges { node { email } } } } } }`, nil)
	require.Equal(t, "FORBIDDEN", members.Code(), "and members' data too")
}

func TestABuyersPagesOfTheCompanyAreTheirOwn(t *testing.T) {
	t.Parallel()
	w := newWholesaler(t, "9000", "BLOCK")
	kaede, colleague := w.buyer(t, "kaede@example.jp", "BUYER", nil), w.buyer(t, "colleague@example.jp", "BUYER", nil)
	boss := w.buyer(t, "boss@example.jp", "ACCOUNTANT", nil)
	placed := kaede.order(t, "intent-1", "ON_ACCOUNT", 1)
	require.Empty(t, placed.UserErrors)
	count := func(b trader) (total int) {
		var got struct {
			Me struct {
				Company struct {
					Orders struct {
						Nodes      []json.RawMessage
						TotalCount int
					}
				}
			}
		}
		b.do(t, `{ me { company { orders { nodes { id } totalCount } } } }`, nil).Into(t, &got)
		require.Len(t, got.Me.Company.Orders.Nodes, got.Me.Company.Orders.TotalCount)
		return got.Me.Company.Orders.TotalCount
	}
	require.Equal(t, 1, count(kaede))
	require.Zero(t, count(colleague))
	require.Equal(t, 1, count(boss))
}
