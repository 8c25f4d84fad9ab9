package resolvers_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	server "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/smtp/smtptest"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
)

// shares gives a member another's e-mail address.
func (m *mailRoom) shares(t *testing.T, member, email string) {
	t.Helper()
	var got struct {
		UpdateMember struct{ UserErrors []userError }
	}
	m.DoAs(t, registrarOf([]access.Permission{access.MemberRead, access.MemberWrite}, m.shop), `mutation($input: UpdateMemberInput!) { updateMember(input: $input) { userErrors { code field } } }`,
		in(apptest.Variables{"memberId": member, "person": apptest.Variables{"email": email}})).Into(t, &got)
	require.Empty(t, got.UpdateMember.UserErrors)
}

func TestAnAddressThatTwoMembersHaveGetsAMailingOnceAndUnsubscribesForBoth(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	hanako, jiro, other := m.member(t, "山田 花子", "09012345601"), m.member(t, "山田 次郎", "09012345602"), m.member(t, "佐藤 太郎", "09012345603")
	m.shares(t, jiro, "09012345601@Example.jp")
	sent := m.sent(t, content(nil))
	require.Len(t, m.post.Received(), 2)
	became := m.recipients(t, sent)
	require.ElementsMatch(t, []string{"SENT", "LEFT_OUT DUPLICATE"}, []string{became[hanako], became[jiro]})
	require.Equal(t, "SENT", became[other])
	done := m.mailing(t, sent).Mailing
	require.Equal(t, []int{2, 2, 1}, []int{done.Sent, done.Addressed, done.LeftOut})

	for _, l := range m.letters(t) {
		if l.to == "09012345601@example.jp" {
			status, _, _ := m.request(t, http.MethodPost, linkIn(t, l.text, "/mailings/unsubscribe/"), nil)
			require.Equal(t, http.StatusOK, status)
		}
	}
	require.Equal(t, 2, countOf(t, m.App, `SELECT count(*) FROM member_consents WHERE how = 'UNSUBSCRIBE' AND NOT given AND wording = $1`, sent), "each withdrawal has its proof")
	require.Equal(t, map[string]string{hanako: "LEFT_OUT UNSUBSCRIBED", jiro: "LEFT_OUT UNSUBSCRIBED", other: "SENT"}, m.recipients(t, m.sent(t, content(nil))))
}

// joins makes an account with the address that agrees to e-mails of the brand.
func (m *mailRoom) joins(t *testing.T, email string) customer {
	t.Helper()
	c := newCustomer(t, m.App, email)
	require.Empty(t, c.do(t, `mutation { joinMembership(input: {settings: [{medium: MAIL, given: true}], wording: "2026-04"}) { userErrors { code field } } }`, nil).Code())
	return c
}

// release lets e-mails go to the address again, and answers how many members have it.
func (m *mailRoom) release(t *testing.T, email string) (members int) {
	t.Helper()
	office := m.office
	office.Permissions = append(slices.Clone(office.Permissions), access.MemberWrite)
	require.Equal(t, []string{"true"}, as(t, m.App, office).done(t, "releaseMailAddress", "released", apptest.Variables{"email": email}, "released"))
	return countOf(t, m.App, `SELECT jsonb_array_length(data->'memberIds') FROM events WHERE type = 'mail_address.released' ORDER BY at DESC LIMIT 1`)
}

func TestAnAccountWithAMembersAddressUnsubscribesAndIsReleasedWithThem(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	m.member(t, "山田 花子", "09012345601")
	sent := m.sent(t, content(nil))
	l := m.letters(t)[0]
	m.joins(t, "09012345601@example.jp")
	status, _, _ := m.request(t, http.MethodPost, linkIn(t, l.text, "/mailings/unsubscribe/"), nil)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 2, countOf(t, m.App, `SELECT count(*) FROM member_consents WHERE how = 'UNSUBSCRIBE' AND NOT given AND wording = $1`, sent), "the account too, whose address is sealed")
	_, outcome := m.returns(t, noticeOf(strings.Trim(l.header.Get("Message-Id"), "<>"), "5.1.1", "a"), mailSecret)
	require.Contains(t, outcome, "TAKEN")
	require.Equal(t, 2, m.release(t, "09012345601@example.jp"))
}

// An address at which nothing arrives is dead, not its member: e-mails go to the new one, by
// the consent that was given.
func TestMailingsGoToTheNewAddressOfAnAccount(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	hanako := m.joins(t, "hanako@example.jp")
	member := id.Global("Member", keyOf(t, hanako.id))
	m.exec(t, `UPDATE memberships SET registered_store_id = $1`, m.shop) // of whom the mailings are
	m.sent(t, content(nil))
	l := m.letters(t)[0]
	_, outcome := m.returns(t, noticeOf(strings.Trim(l.header.Get("Message-Id"), "<>"), "5.1.1", "a"), mailSecret)
	require.Contains(t, outcome, "TAKEN")
	require.Equal(t, map[string]string{member: "LEFT_OUT BOUNCED"}, m.recipients(t, m.sent(t, content(nil))))

	require.Empty(t, hanako.moves(t, "new@example.jp"))
	require.Empty(t, confirms(t, m.App, mailedToken(t, m.App, messaging.KindEmailChange), hanako.bearer))
	require.Equal(t, map[string]string{member: "SENT"}, m.recipients(t, m.sent(t, content(nil))))
	all := m.letters(t)
	require.Equal(t, "new@example.jp", all[len(all)-1].to)

	// The link in an e-mail to the address before is still the member's.
	status, _, _ := m.request(t, http.MethodPost, linkIn(t, l.text, "/mailings/unsubscribe/"), nil)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, map[string]string{member: "LEFT_OUT UNSUBSCRIBED"}, m.recipients(t, m.sent(t, content(nil))))
}

func TestWhatReadersDoAfterAMergeCounts(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	kept, gone := m.member(t, "山田 花子", "09012345601"), m.member(t, "山田 花子", "09012345602")
	segment := m.segment(t)
	m.exec(t, `DELETE FROM segment_members WHERE member_id = $1`, keyOf(t, kept))
	sent := m.sent(t, func() apptest.Variables {
		all := content(apptest.Variables{"body": "一 https://shop.example/1 二 https://shop.example/2", "trackOpens": true})
		all["segmentId"] = segment
		return all
	}())
	require.Len(t, m.post.Received(), 1)
	l := m.letters(t)[0]
	first := linkIn(t, l.text, "/mailings/click/")
	second := linkIn(t, strings.Replace(l.text, first, "", 1), "/mailings/click/")
	_, _, _ = m.request(t, http.MethodGet, first, nil)

	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.MemberRead, access.MemberWrite}}
	var merged struct {
		MergeMembers struct{ UserErrors []userError }
	}
	m.DoAs(t, office, `mutation($input: MergeMembersInput!) { mergeMembers(input: $input) { userErrors { code field } } }`,
		in(apptest.Variables{"idempotencyKey": "merge-0001", "keepId": kept, "goneId": gone, "reason": "同一人物"})).Into(t, &merged)
	require.Empty(t, merged.MergeMembers.UserErrors)
	require.Equal(t, 1, countOf(t, m.App, `SELECT count(*) FROM mailing_clicks WHERE member_id = $1`, keyOf(t, kept)), "what was followed before is the kept one's")

	m.exec(t, `UPDATE mailing_recipients SET opened_at = NULL, clicked_at = NULL`)
	_, _, _ = m.request(t, http.MethodGet, linkIn(t, l.html, "/mailings/open/"), nil)
	require.Equal(t, 1, countOf(t, m.App, `SELECT count(opened_at) FROM mailing_recipients WHERE member_id = $1`, keyOf(t, kept)))
	_, _, _ = m.request(t, http.MethodGet, second, nil)
	require.Equal(t, 2, countOf(t, m.App, `SELECT count(*) FROM mailing_clicks k JOIN mailing_recipients r USING (mailing_id, member_id) WHERE r.member_id = $1 AND r.clicked_at IS NOT NULL`, keyOf(t, kept)))
	status, _, _ := m.request(t, http.MethodPost, linkIn(t, l.text, "/mailings/unsubscribe/"), nil)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, 1, countOf(t, m.App, `SELECT count(unsubscribed_at) FROM mailing_recipients WHERE member_id = $1`, keyOf(t, kept)))
	require.NotEmpty(t, sent)
}

func TestWhatTheServerSaysOfAnAddressAtOnceCountsAsABounce(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	hanako := m.member(t, "山田 花子", "09012345601")
	m.post.RefuseAt(smtptest.AtReader, 1, &server.SMTPError{Code: 552, EnhancedCode: server.EnhancedCode{5, 2, 2}, Message: "mailbox is full"})
	full := m.sent(t, content(nil))
	require.Equal(t, map[string]string{hanako: "LEFT_OUT REFUSED"}, m.recipients(t, full))
	require.Zero(t, countOf(t, m.App, `SELECT count(*) FROM mail_addresses WHERE suppressed_at IS NOT NULL`), "once a full mailbox is none that is dead")

	m.member(t, "佐藤 太郎", "09012345602")
	m.post.RefuseAt(smtptest.AtReader, 1, &server.SMTPError{Code: 550, EnhancedCode: server.EnhancedCode{5, 1, 1}, Message: "no such mailbox"})
	sent := m.sent(t, content(nil))
	require.Len(t, m.post.Received(), 1)
	var got struct {
		MailingRecipients struct {
			Nodes []struct {
				MemberID string
				Bounce   *string
			}
		}
	}
	m.DoAs(t, m.office, `query($id: ID!) { mailingRecipients(mailingId: $id, state: LEFT_OUT) { nodes { memberId bounce } } }`, apptest.Variables{"id": sent}).Into(t, &got)
	require.Len(t, got.MailingRecipients.Nodes, 1)
	require.Equal(t, "HARD", *got.MailingRecipients.Nodes[0].Bounce)
	dead := got.MailingRecipients.Nodes[0].MemberID
	m.track(t)
	var came struct {
		MailingResults struct {
			Sent struct{ Recipients, Bounced int }
		}
	}
	m.DoAs(t, m.office, `query($id: ID!) { mailingResults(mailingId: $id) { sent { recipients bounced } } }`, apptest.Variables{"id": sent}).Into(t, &came)
	require.Equal(t, []int{1, 1}, []int{came.MailingResults.Sent.Recipients, came.MailingResults.Sent.Bounced})
	require.Equal(t, "LEFT_OUT BOUNCED", m.recipients(t, m.sent(t, content(nil)))[dead], "a dead address is not tried again")
	require.Len(t, m.post.Received(), 2)
}
