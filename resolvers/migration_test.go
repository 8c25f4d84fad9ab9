package resolvers_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
)

const uploadMigration = `mutation($input: UploadMigrationInput!) { uploadMigration(input: $input) { migration { id state } userErrors { code field message } } }`

const pastMapping = `
kind: members
source: old
key: no
fields: {name: name, kana: kana, birthday: born, email: mail, phone: tel}
`

const pastMembers = "no,name,kana,born,mail,tel\n1,山田 花子,ﾔﾏﾀﾞ ﾊﾅｺ,昭和50年1月2日,hanako@example.jp,090-1234-5678\n2,佐藤 太郎,サトウ,平成32年1月1日,taro@example.jp,\n3,山田 花子,ヤマダ,昭和50年1月2日,hanako@example.jp,090-1234-5679\n"

type pastRun struct {
	ID, State, Failure string
	Tally              struct{ Rows, Accepted, Rejected, Repeated, Proposals, Remarks int }
	Conversions        []struct {
		Column, Conversion string
		Count              int
	}
}

// migrated does a mutation on a file of past data.
func migrated(t *testing.T, a *apptest.App, actor access.Actor, field, run string) (done struct {
	Migration  *pastRun
	URL        string
	UserErrors []userError
},
) {
	t.Helper()
	fields := `migration { id state }`
	if field == "exportMigrationReport" {
		fields = `url`
	}
	got := map[string]*struct {
		Migration  *pastRun
		URL        string
		UserErrors []userError
	}{}
	a.DoAs(t, actor, `mutation($input: MigrationInput!) { `+field+`(input: $input) { `+fields+` userErrors { code field } } }`, in(apptest.Variables{"id": run})).Into(t, &got)
	return *got[field]
}

func migrationOf(t *testing.T, a *apptest.App, actor access.Actor, run string) *pastRun {
	t.Helper()
	var got struct{ Migration *pastRun }
	a.DoAs(t, actor, `query($id: ID!) { migration(id: $id) { id state failure tally { rows accepted rejected repeated proposals remarks } conversions { column conversion count } } }`, apptest.Variables{"id": run}).Into(t, &got)
	return got.Migration
}

// worked lets the job of a file of past data be done.
func worked(t *testing.T, a *apptest.App, actor access.Actor, run string) *pastRun {
	t.Helper()
	_, ch := inWeb(t, a, actor)
	_, key, err := id.Parse(run)
	require.NoError(t, err)
	require.NoError(t, a.App.Resolvers.Migrations.Work(access.With(t.Context(), access.System), key, func(context.Context, uuid.UUID) (channel.Channel, error) { return ch, nil }))
	return migrationOf(t, a, actor, run)
}

func uploadedPast(t *testing.T, a *apptest.App, actor access.Actor, kind, mapping, text string) (id string, failed []userError) {
	t.Helper()
	var got struct {
		UploadMigration struct {
			Migration  *struct{ ID, State string }
			UserErrors []userError
		}
	}
	a.UploadAs(t, actor, uploadMigration, in(apptest.Variables{"kind": kind, "mapping": mapping, "file": nil}), "input.file", apptest.File{Name: "old.csv", Content: []byte(text)}).Into(t, &got)
	if got.UploadMigration.Migration == nil {
		return "", got.UploadMigration.UserErrors
	}
	require.Equal(t, "QUEUED", got.UploadMigration.Migration.State)
	return got.UploadMigration.Migration.ID, nil
}

func TestPastMembersAreBroughtInByStaff(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	registrar := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberWrite, access.MemberRead}}
	run, failed := uploadedPast(t, a, registrar, "MEMBERS", pastMapping, pastMembers)
	require.Empty(t, failed)
	var plain int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM migration_chunks WHERE bytes LIKE '%hanako%' OR bytes LIKE '%aGFuYWtv%'`).Scan(&plain))
	require.Zero(t, plain, "what was uploaded is sealed")
	require.Equal(t, "CONFLICT", migrated(t, a, registrar, "commitMigration", run).UserErrors[0].Code, "the dry run comes first")

	previewed := worked(t, a, registrar, run)
	require.Equal(t, "PREVIEWED", previewed.State)
	require.Equal(t, []int{3, 2, 1}, []int{previewed.Tally.Rows, previewed.Tally.Accepted, previewed.Tally.Rejected})
	require.NotEmpty(t, previewed.Conversions)
	var members int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM migration_sources`).Scan(&members))
	require.Zero(t, members)
	var remarks struct {
		MigrationRemarks struct {
			Nodes []struct {
				Line                        int
				Column, Value, Kind, Reason string
			}
		}
	}
	a.DoAs(t, registrar, `query($id: ID!) { migrationRemarks(migrationId: $id) { nodes { line column value kind reason } } }`, apptest.Variables{"id": run}).Into(t, &remarks)
	require.Len(t, remarks.MigrationRemarks.Nodes, 1)
	require.Equal(t, "born 平＊＊＊＊＊＊＊＊ REJECTED 平成32年1月1日は存在しません", strings.Join([]string{remarks.MigrationRemarks.Nodes[0].Column, remarks.MigrationRemarks.Nodes[0].Value, remarks.MigrationRemarks.Nodes[0].Kind, remarks.MigrationRemarks.Nodes[0].Reason}, " "))

	require.Equal(t, "COMMITTING", migrated(t, a, registrar, "commitMigration", run).Migration.State)
	done := worked(t, a, registrar, run)
	require.Equal(t, "COMMITTED", done.State)
	require.Equal(t, []int{3, 2, 1, 1}, []int{done.Tally.Rows, done.Tally.Accepted, done.Tally.Rejected, done.Tally.Proposals})
	require.Equal(t, "COMMITTED", migrated(t, a, registrar, "commitMigration", run).Migration.State)
	require.Equal(t, "CONFLICT", migrated(t, a, registrar, "discardMigration", run).UserErrors[0].Code)
	link := migrated(t, a, registrar, "exportMigrationReport", run).URL
	r, err := http.Get(a.URL + link[strings.Index(link, "/migration-reports/"):]) //nolint:noctx // a test's own server
	require.NoError(t, err)
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	require.NoError(t, r.Body.Close())
	require.Contains(t, string(body), "3,born,平＊＊＊＊＊＊＊＊,REJECTED,1,平成32年1月1日は存在しません")

	settleDuplicates(t, a, registrar)
}

// settleDuplicates merges the one pair that there is.
func settleDuplicates(t *testing.T, a *apptest.App, registrar access.Actor) {
	t.Helper()
	var pairs struct {
		DuplicateMembers struct {
			Nodes []struct {
				ID, MemberID, OtherID string
				Likenesses            []string
			}
		}
	}
	a.DoAs(t, registrar, `{ duplicateMembers { nodes { id memberId otherId likenesses } } }`, nil).Into(t, &pairs)
	require.Len(t, pairs.DuplicateMembers.Nodes, 1)
	pair := pairs.DuplicateMembers.Nodes[0]
	require.Equal(t, []string{"EMAIL"}, pair.Likenesses)
	settle := func(variables apptest.Variables) (state, code string) {
		t.Helper()
		var got struct {
			SettleDuplicateMember struct {
				Duplicate  *struct{ State string }
				UserErrors []userError
			}
		}
		a.DoAs(t, registrar, `mutation($input: SettleDuplicateMemberInput!) { settleDuplicateMember(input: $input) { duplicate { state } userErrors { code field } } }`, in(variables)).Into(t, &got)
		if got.SettleDuplicateMember.Duplicate == nil {
			return "", got.SettleDuplicateMember.UserErrors[0].Code
		}
		return got.SettleDuplicateMember.Duplicate.State, ""
	}
	_, code := settle(apptest.Variables{"duplicateId": pair.ID, "keepId": id.Global("Member", id.New()), "reason": "x"})
	require.Equal(t, "INVALID", code, "neither of the two")
	state, _ := settle(apptest.Variables{"duplicateId": pair.ID, "keepId": pair.OtherID, "reason": "同一人物"})
	require.Equal(t, "MERGED", state)
	_, code = settle(apptest.Variables{"duplicateId": pair.ID, "reason": "x"})
	require.Equal(t, "CONFLICT", code)
	var merged int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM members WHERE merged_into IS NOT NULL`).Scan(&merged))
	require.Equal(t, 1, merged)
}

func TestPastDataIsForWhoMayChangeIt(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shibuya := shopOf(t, a, "shibuya")
	registrar := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberWrite}}
	clerk := registrarOf([]access.Permission{access.MemberWrite}, shibuya)
	_, failed := uploadedPast(t, a, registrar, "POINTS", pastMapping, pastMembers)
	require.Equal(t, "FORBIDDEN", failed[0].Code, "points need another permission")
	_, failed = uploadedPast(t, a, clerk, "MEMBERS", pastMapping, pastMembers)
	require.Equal(t, "FORBIDDEN", failed[0].Code, "the head office's")
	_, failed = uploadedPast(t, a, registrar, "MEMBERS", "kind: members\nfields: {moniker: x}", pastMembers)
	require.Equal(t, "MAPPING_INVALID", failed[0].Code)
	run, _ := uploadedPast(t, a, registrar, "MEMBERS", pastMapping, "no,name\n1,\"山田\n")
	require.Equal(t, "FAILED", worked(t, a, registrar, run).State)
	run, _ = uploadedPast(t, a, registrar, "MEMBERS", pastMapping, pastMembers)
	require.Equal(t, "DISCARDED", migrated(t, a, registrar, "discardMigration", run).Migration.State)
	require.Equal(t, "DISCARDED", worked(t, a, registrar, run).State)
	require.Equal(t, "CONFLICT", migrated(t, a, registrar, "commitMigration", run).UserErrors[0].Code)
	require.Equal(t, "FORBIDDEN", a.DoAs(t, clerk, `{ migrations { nodes { id } } }`, nil).Code())
	require.Equal(t, "FORBIDDEN", a.DoAs(t, clerk, `{ duplicateMembers { nodes { id } } }`, nil).Code())
	var left int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM migration_chunks`).Scan(&left))
	require.Zero(t, left, "files are dropped that are given up or cannot be read")
}
