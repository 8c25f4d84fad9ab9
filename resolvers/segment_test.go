package resolvers_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

const searchMembers = `query($where: MemberConditionInput!, $first: Int, $after: String) {
	memberSearch(where: $where, first: $first, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { id name masked } } }`

type searched struct {
	MemberSearch struct {
		TotalCount int
		PageInfo   struct {
			HasNextPage bool
			EndCursor   string
		}
		Nodes []struct {
			ID, Name string
			Masked   bool
		}
	}
}

func TestMembersAreSearchedForAsWhoAsksMaySeeThem(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shibuya, umeda := shopOf(t, a, "shibuya"), shopOf(t, a, "umeda")
	registeredAt(t, a, shibuya, "山田 花子", "09012345612")
	registeredAt(t, a, umeda, "佐藤 太郎", "08098765434")
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead}}
	stores := apptest.Variables{"store": apptest.Variables{"kind": "REGISTERED", "storeIds": []string{id.Global("Location", shibuya), id.Global("Location", umeda)}}}
	var got searched
	a.DoAs(t, office, searchMembers, apptest.Variables{"where": stores, "first": 1}).Into(t, &got)
	require.Equal(t, 2, got.MemberSearch.TotalCount)
	require.Equal(t, "山田 花子", got.MemberSearch.Nodes[0].Name)
	require.True(t, got.MemberSearch.PageInfo.HasNextPage)
	var next searched
	a.DoAs(t, office, searchMembers, apptest.Variables{"where": stores, "first": 1, "after": got.MemberSearch.PageInfo.EndCursor}).Into(t, &next)
	require.Equal(t, "佐藤 太郎", next.MemberSearch.Nodes[0].Name)
	require.False(t, next.MemberSearch.PageInfo.HasNextPage)

	clerk := registrarOf([]access.Permission{access.MemberRead}, umeda)
	var masked searched
	a.DoAs(t, clerk, searchMembers, apptest.Variables{"where": stores}).Into(t, &masked)
	require.Equal(t, 2, masked.MemberSearch.TotalCount)
	require.Equal(t, "山＊＊＊ 佐藤 太郎", masked.MemberSearch.Nodes[0].Name+" "+masked.MemberSearch.Nodes[1].Name)
	var private searched
	a.DoAs(t, clerk, searchMembers, apptest.Variables{"where": apptest.Variables{"genders": []string{"FEMALE"}}}).Into(t, &private)
	require.Equal(t, 1, private.MemberSearch.TotalCount, "who is masked is not found by what is masked")
	nothing := apptest.Variables{"purchases": apptest.Variables{"amount": apptest.Variables{"max": "0"}}}
	leash := id.Global("Product", a.AddProduct(t, "leash", 1980).ID)
	for _, where := range []apptest.Variables{nothing, {"not": apptest.Variables{"bought": apptest.Variables{"productIds": []string{leash}}}}, {"not": apptest.Variables{"lastPurchase": apptest.Variables{"lastDays": 7}}}} {
		for actor, n := range map[*access.Actor]int{&office: 2, &clerk: 1} {
			var bought searched
			a.DoAs(t, *actor, searchMembers, apptest.Variables{"where": where}).Into(t, &bought)
			require.Equal(t, n, bought.MemberSearch.TotalCount, "what others' members bought is not for a shop: %v", where)
		}
	}

	var kept int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = 'member.searched' AND data->'conditions'->'store'->>'kind' = 'REGISTERED'`).Scan(&kept))
	require.Equal(t, 3, kept)
	require.Equal(t, "CONDITION_UNKNOWN", a.DoAs(t, office, searchMembers, apptest.Variables{"where": apptest.Variables{"store": apptest.Variables{"kind": "HOME", "storeIds": []string{id.Global("Location", id.New())}}}}).Code())
	require.Equal(t, "FORBIDDEN", a.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New()}, searchMembers, apptest.Variables{"where": stores}).Code())
}

// A segment that is being built is counted as it changes: without a page, and so without a
// look at anybody.
func TestMembersAreCountedWithoutAPage(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shibuya, umeda := shopOf(t, a, "shibuya"), shopOf(t, a, "umeda")
	registeredAt(t, a, shibuya, "山田 花子", "09012345612")
	registeredAt(t, a, shibuya, "鈴木 次郎", "09012345613")
	registeredAt(t, a, umeda, "佐藤 太郎", "08098765434")
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead}}
	count := func(third apptest.Variables) int {
		var got searched
		a.DoAs(t, office, `query($where: MemberConditionInput!) { memberSearch(where: $where, first: 0) { totalCount } }`, apptest.Variables{"where": apptest.Variables{"all": []apptest.Variables{
			{"store": apptest.Variables{"kind": "REGISTERED", "storeIds": []string{id.Global("Location", shibuya)}}},
			{"genders": []string{"FEMALE"}},
			third,
		}}}).Into(t, &got)
		return got.MemberSearch.TotalCount
	}
	require.Equal(t, 2, count(apptest.Variables{"not": apptest.Variables{"genders": []string{"MALE"}}}))
	exec(t, a, `UPDATE profiles SET gender = 'MALE' WHERE member_id = (SELECT member_id FROM memberships WHERE registered_store_id = $1 ORDER BY member_id LIMIT 1)`, shibuya)
	require.Equal(t, 1, count(apptest.Variables{"not": apptest.Variables{"genders": []string{"MALE"}}}))
	var viewed int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = 'member.viewed' AND actor_id = $1`, office.ID).Scan(&viewed))
	require.Zero(t, viewed, "nobody was looked at")
}

func TestASearchThatCannotBeIsRefusedWithItsPath(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.SegmentWrite}}
	type tree = apptest.Variables
	for code, c := range map[string]struct {
		path  string
		where tree
	}{
		"CONDITION_ONE":           {"where.any.0", tree{"any": []tree{{"genders": []string{"MALE"}, "birthMonths": []int{1}}}}},
		"CONDITION_RANGE":         {"where.age", tree{"age": tree{"min": 30, "max": 20}}},
		"CONDITION_PERIOD":        {"where.lastPurchase", tree{"lastPurchase": tree{"from": "2026-02-01", "until": "2026-01-31"}}},
		"CONDITION_CONTRADICTION": {"where.all.1", tree{"all": []tree{{"consent": tree{"medium": "MAIL", "given": true}}, {"consent": tree{"medium": "MAIL", "given": false}}}}},
	} {
		require.Equal(t, code, a.DoAs(t, office, searchMembers, tree{"where": c.where}).Code(), code)
		var kept struct{ SaveSegment segmentDone }
		a.DoAs(t, office, `mutation($input: SaveSegmentInput!) { saveSegment(input: $input) { segment { id name kind members } userErrors { code field message } } }`,
			tree{"input": tree{"name": code, "kind": "DYNAMIC", "where": c.where}}).Into(t, &kept)
		require.Len(t, kept.SaveSegment.UserErrors, 1, code)
		require.Equal(t, code+" "+c.path, kept.SaveSegment.UserErrors[0].Code+" "+strings.Join(kept.SaveSegment.UserErrors[0].Field, "."), code)
	}
}

type segmentDone struct {
	Segment *struct {
		ID, Name, Kind string
		Members        int
	}
	URL        string
	UserErrors []userError
}

func TestSegmentsAreKeptAndExported(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shibuya := shopOf(t, a, "shibuya")
	registeredAt(t, a, shibuya, "山田 花子", "09012345612")
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.SegmentWrite, access.MemberExport}}
	where := apptest.Variables{"store": apptest.Variables{"kind": "REGISTERED", "storeIds": []string{id.Global("Location", shibuya)}}}
	do := func(actor access.Actor, field, input string, variables apptest.Variables) segmentDone {
		t.Helper()
		fields := `segment { id name kind members }`
		if field == "exportSegment" {
			fields = `url`
		}
		got := map[string]segmentDone{}
		a.DoAs(t, actor, `mutation($input: `+input+`!) { `+field+`(input: $input) { `+fields+` userErrors { code field } } }`, in(variables)).Into(t, &got)
		return got[field]
	}
	frozen := do(office, "saveSegment", "SaveSegmentInput", apptest.Variables{"name": "渋谷・固定", "kind": "STATIC", "where": where})
	moving := do(office, "saveSegment", "SaveSegmentInput", apptest.Variables{"name": "渋谷・動的", "kind": "DYNAMIC", "where": where})
	require.Equal(t, 1, frozen.Segment.Members)
	require.Equal(t, 1, moving.Segment.Members)
	require.Equal(t, "DUPLICATE", do(office, "saveSegment", "SaveSegmentInput", apptest.Variables{"name": "渋谷・動的", "kind": "DYNAMIC", "where": where}).UserErrors[0].Code)
	registeredAt(t, a, shibuya, "鈴木 次郎", "08098765434")
	require.Equal(t, 2, do(office, "refreshSegment", "SegmentInput", apptest.Variables{"segmentId": moving.Segment.ID}).Segment.Members)
	require.Equal(t, "SEGMENT_STATIC", do(office, "refreshSegment", "SegmentInput", apptest.Variables{"segmentId": frozen.Segment.ID}).UserErrors[0].Code)
	require.Equal(t, "渋谷", do(office, "renameSegment", "RenameSegmentInput", apptest.Variables{"segmentId": frozen.Segment.ID, "name": " 渋谷 "}).Segment.Name)
	clerk := registrarOf(office.Permissions, shibuya)
	require.Equal(t, "FORBIDDEN", do(clerk, "exportSegment", "ExportSegmentInput", apptest.Variables{"segmentId": moving.Segment.ID, "format": "CSV"}).UserErrors[0].Code)

	for segment, people := range map[string]int{frozen.Segment.ID: 1, moving.Segment.ID: 2} {
		link := do(office, "exportSegment", "ExportSegmentInput", apptest.Variables{"segmentId": segment, "format": "CSV"}).URL
		status, body := fileOf(t, a, link)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, 1+people, strings.Count(body, "\r\n"))
		require.Contains(t, body, "山田 花子,ヤマダ,")
		status, _ = fileOf(t, a, link+"x")
		require.Equal(t, http.StatusForbidden, status)
	}
	members := func(actor access.Actor, segment, after string) (got segmentSeen, code string) {
		answer := a.DoAs(t, actor, `query($id: ID!, $after: String) { segment(id: $id) { name } segmentMembers(segmentId: $id, first: 1, after: $after) { totalCount pageInfo { hasNextPage endCursor } nodes { name } } }`,
			apptest.Variables{"id": segment, "after": optional(after)})
		if code = answer.Code(); code == "" {
			answer.Into(t, &got)
		}
		return got, code
	}
	kept, _ := members(office, frozen.Segment.ID, "")
	require.Equal(t, "渋谷", kept.Segment.Name)
	require.Equal(t, "山田 花子", kept.SegmentMembers.Nodes[0].Name)
	require.Equal(t, []any{1, false}, []any{kept.SegmentMembers.TotalCount, kept.SegmentMembers.PageInfo.HasNextPage}, "who came later is not in a static one")
	now, _ := members(office, moving.Segment.ID, "")
	require.Equal(t, []any{2, true}, []any{now.SegmentMembers.TotalCount, now.SegmentMembers.PageInfo.HasNextPage})
	rest, _ := members(office, moving.Segment.ID, now.SegmentMembers.PageInfo.EndCursor)
	require.NotEqual(t, now.SegmentMembers.Nodes, rest.SegmentMembers.Nodes)
	for _, stranger := range []access.Actor{clerk, promoter} {
		_, code := members(stranger, moving.Segment.ID, "")
		require.Equal(t, "FORBIDDEN", code)
	}
	_, code := members(office, id.Global("Segment", id.New()), "")
	require.Equal(t, "NOT_FOUND", code)
	var opened int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = 'segment.viewed' AND actor_id = $1`, office.ID).Scan(&opened))
	require.Equal(t, 3, opened)
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = 'segment.exported' AND actor_id = $1`, office.ID).Scan(&opened))
	require.Equal(t, 2, opened)
	do(office, "closeSegment", "SegmentInput", apptest.Variables{"segmentId": frozen.Segment.ID})
	require.Equal(t, "SEGMENT_CLOSED", do(office, "closeSegment", "SegmentInput", apptest.Variables{"segmentId": frozen.Segment.ID}).UserErrors[0].Code)
}

type segmentSeen struct {
	Segment        *struct{ Name string }
	SegmentMembers struct {
		TotalCount int
		PageInfo   struct {
			HasNextPage bool
			EndCursor   string
		}
		Nodes []struct{ Name string }
	}
}

// optional is the text, or nothing where it is empty.
func optional(text string) any {
	if text == "" {
		return nil
	}
	return text
}

func fileOf(t *testing.T, a *apptest.App, link string) (status int, body string) {
	t.Helper()
	r, err := http.Get(a.URL + link[strings.Index(link, "/segment-exports/"):]) //nolint:noctx // a test's own server
	require.NoError(t, err)
	defer func() { _ = r.Body.Close() }()
	raw, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return r.StatusCode, string(raw)
}
