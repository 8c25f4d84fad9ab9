package graph_test

import (
	"path"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
)

// loyalty are the files of the schema about members and what they are given. What they
// offer to a client's callers, the client that ships with noren asks.
var loyalty = []string{
	"counter", "draw", "mailing", "mailing_mail", "mailing_results", "member", "point_batch", "points", "prize", "promotion", "purchase", "segment", "statistics", "voucher", "wishlist",
}

// partners are the root fields that partners' programs ask: tills, and other point systems.
var partners = []string{
	"recordPurchases", "uploadPurchases", "redeemVoucher", "voucherBalance", "rewardPoints", "receivePoints", "receivePointFile", "settlePointArrival",
	"pointPartners", "pointTransfers", "pointArrivals", "exportPointTransfers", "importPointAnswers", "reconcilePoints",
}

// unasked are root fields that a client leaves to others, and why.
var unasked = map[string]string{
	"admin/recordPurchases": "the programs of tills send receipts one by one; staff upload a journal",
}

// TestClientsAskWhatTheSchemaOffersTheirCallers: what nobody can reach from the clients that
// ship is not there for who uses them.
func TestClientsAskWhatTheSchemaOffersTheirCallers(t *testing.T) {
	t.Parallel()
	s := schema()
	asked := map[string]map[string]bool{}
	for _, client := range []string{"admin", "app", "web"} {
		asked[client] = rootsAsked(t, s, client)
	}
	var missing []string
	for _, fields := range rootFields(s) {
		for _, f := range fields {
			file := path.Base(f.Position.Src.Name)
			if !slices.Contains(loyalty, file[:len(file)-len(path.Ext(file))]) {
				continue
			}
			a, _ := allowOf(t, f)
			for client, offered := range map[string]bool{"admin": len(a.permissions) > 0, "app": slices.Contains(a.roles, "MEMBER"), "web": slices.Contains(a.roles, "MEMBER")} {
				key := client + "/" + f.Name
				switch there := asked[client][f.Name]; {
				case offered && !there && unasked[key] == "":
					missing = append(missing, key)
				case there && unasked[key] != "":
					t.Errorf("%s is asked: take it off the list", key)
				}
			}
		}
	}
	ofPartners := rootsAsked(t, s, "partner")
	for _, field := range partners {
		if !ofPartners[field] {
			missing = append(missing, "partner/"+field)
		}
	}
	slices.Sort(missing)
	require.Empty(t, missing, "no operation of the client asks these")
}

// rootsAsked are the root fields that the client's operations ask.
func rootsAsked(t *testing.T, s *ast.Schema, client string) map[string]bool {
	t.Helper()
	asked := map[string]bool{}
	for _, operation := range operationsOf(t, s, client).Operations {
		for _, selection := range operation.SelectionSet {
			if f, ok := selection.(*ast.Field); ok {
				asked[f.Name] = true
			}
		}
	}
	return asked
}
