package resolvers_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

var auditor = access.Actor{Role: access.RoleAdmin, ID: id.New()}

type auditEvent struct {
	Type, Subject, SubjectID, Actor, Data string
	ActorID                               *string
}

func audited(t *testing.T, a *apptest.App, filter apptest.Variables) []auditEvent {
	t.Helper()
	var got struct{ AuditEvents struct{ Nodes []auditEvent } }
	a.DoAs(t, auditor, `query($f: AuditFilter!) { auditEvents(filter: $f) { nodes { type subject subjectId actor actorId data } } }`, apptest.Variables{"f": filter}).Into(t, &got)
	return got.AuditEvents.Nodes
}

func types(all []auditEvent) []string {
	types := make([]string, len(all))
	for i, e := range all {
		types[i] = e.Type
	}
	return types
}

func TestAdministratorsReadWhatWasDone(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	_, placed := ordered(t, a, leash, a.AddShipping(t, "parcel", 0))
	order, clerkAtDesk := placed.Order.ID, id.Global("Account", cashier.ID)
	counter{a, cashier}.receive(t, order, "1980")
	require.Empty(t, counter{a, cashier}.act(t, "cancelOrder", apptest.Variables{"orderId": order}).UserErrors)
	exec(t, a, `INSERT INTO events (id, at, type, subject, subject_id, actor_role, data) VALUES (gen_random_uuid(), now(), 'policy.changed', 'Policy', gen_random_uuid(), 'ADMIN', '{}')`)
	other := id.New()
	exec(t, a, `INSERT INTO brands (id, code, name) VALUES ($1, 'other', '{}')`, other)
	exec(t, a, `INSERT INTO events (id, at, type, brand_id, subject, subject_id, actor_role, data) VALUES (gen_random_uuid(), now(), 'secret.told', $1, 'Secret', gen_random_uuid(), 'ADMIN', '{}')`, other)

	of := audited(t, a, apptest.Variables{"subjectId": order})
	require.Subset(t, types(of), []string{"order.cancelled", "order.placed"})
	first := of[len(of)-1]
	require.Equal(t, []string{"order.placed", "Order", order, "GUEST"}, []string{first.Type, first.Subject, first.SubjectID, first.Actor})
	require.Nil(t, first.ActorID)
	require.True(t, json.Valid([]byte(first.Data)))

	byClerk := audited(t, a, apptest.Variables{"actorId": clerkAtDesk})
	require.Contains(t, types(byClerk), "order.cancelled")
	for _, e := range byClerk {
		require.Equal(t, []string{"STAFF", clerkAtDesk}, []string{e.Actor, *e.ActorID})
	}
	for _, e := range audited(t, a, apptest.Variables{"subject": "Order", "type": "order.placed"}) {
		require.Equal(t, "order.placed", e.Type)
	}
	require.Empty(t, audited(t, a, apptest.Variables{"subject": "Order", "type": "product.updated"}))
	all := types(audited(t, a, apptest.Variables{}))
	require.Contains(t, all, "policy.changed", "what all brands share")
	require.NotContains(t, all, "secret.told", "another brand's")
	require.Empty(t, audited(t, a, apptest.Variables{"to": time.Now().AddDate(-1, 0, 0).Format(time.RFC3339), "subjectId": order}))
	require.Len(t, audited(t, a, apptest.Variables{"from": time.Now().AddDate(-1, 0, 0).Format(time.RFC3339), "subjectId": order}), len(of))
}

func TestTheAuditIsReadPageByPageByAdministratorsOnly(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	_, placed := ordered(t, a, a.AddProduct(t, "leash", 1980).Variants[0], a.AddShipping(t, "parcel", 0))
	require.Empty(t, counter{a, cashier}.act(t, "cancelOrder", apptest.Variables{"orderId": placed.Order.ID}).UserErrors)
	want := len(audited(t, a, apptest.Variables{}))
	seen := map[string]bool{}
	var after *string
	for more := true; more; {
		var got struct {
			AuditEvents struct {
				Nodes    []struct{ ID string }
				PageInfo struct {
					HasNextPage bool
					EndCursor   *string
				}
			}
		}
		a.DoAs(t, auditor, `query($a: String) { auditEvents(first: 1, after: $a) { nodes { id } pageInfo { hasNextPage endCursor } } }`, apptest.Variables{"a": after}).Into(t, &got)
		for _, n := range got.AuditEvents.Nodes {
			require.False(t, seen[n.ID])
			seen[n.ID] = true
		}
		after, more = got.AuditEvents.PageInfo.EndCursor, got.AuditEvents.PageInfo.HasNextPage
	}
	require.Len(t, seen, want)

	for filter, code := range map[string]string{
		`subjectId: "nonsense"`: "INVALID",
		`from: "2026-02-02T00:00:00Z", to: "2026-02-01T00:00:00Z"`: "PERIOD_INVALID",
	} {
		require.Equal(t, code, a.DoAs(t, auditor, `{ auditEvents(filter: {`+filter+`}) { nodes { id } } }`, nil).Code(), filter)
	}
	require.Equal(t, "FORBIDDEN", a.DoAs(t, cashier, `{ auditEvents { nodes { id } } }`, nil).Code())
}
