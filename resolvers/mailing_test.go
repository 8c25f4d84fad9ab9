package resolvers_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/mailing"
)

// postRoom is a shop with members and those who write to them.
type postRoom struct {
	*apptest.App
	office access.Actor
	shop   uuid.UUID
}

func newPostRoom(t *testing.T, a *apptest.App) *postRoom {
	t.Helper()
	return &postRoom{a, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{
		access.MemberRead, access.SegmentWrite, access.MemberExport, access.CampaignRead, access.CampaignWrite,
	}}, shopOf(t, a, "shibuya")}
}

func (p *postRoom) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	_, err := p.DB.Pool().Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// member is a member of the shop who has agreed to letters and e-mails.
func (p *postRoom) member(t *testing.T, name, phone string) string {
	t.Helper()
	m := registeredAt(t, p.App, p.shop, name, phone)
	p.exec(t, `INSERT INTO member_settings (member_id, brand_id, medium, given, since) VALUES ($1, $2, 'DM', true, now()), ($1, $2, 'MAIL', true, now())`, keyOf(t, m), p.BrandID)
	return m
}

type mailingDone struct {
	Mailing *struct {
		ID, State                                                     string
		Audience, Decided, Addressed, HeldOut, LeftOut, Sent, HoldOut int
		Cost                                                          struct{ Amount string }
	}
	Segment *struct{ ID string }
	Files   []struct {
		URL         string
		First, Last int
	}
	File       *struct{ URL string }
	UserErrors []userError
}

// do runs a mutation with the input.
func (p *postRoom) do(t *testing.T, actor access.Actor, field, input string, variables apptest.Variables) mailingDone {
	t.Helper()
	fields := `mailing { id state audience decided addressed heldOut leftOut sent holdOut cost { amount } }`
	switch field {
	case "saveSegment":
		fields = `segment { id }`
	case "printMailingLabels":
		fields = `files { url first last }`
	case "exportMailingLeftOut":
		fields = `file { url }`
	}
	got := map[string]mailingDone{}
	p.DoAs(t, actor, `mutation($input: `+input+`!) { `+field+`(input: $input) { `+fields+` userErrors { code field } } }`, in(variables)).Into(t, &got)
	return got[field]
}

// segment has the shop's members.
func (p *postRoom) segment(t *testing.T) string {
	t.Helper()
	done := p.do(t, p.office, "saveSegment", "SaveSegmentInput", apptest.Variables{"name": "S" + id.New().String(), "kind": "STATIC",
		"where": apptest.Variables{"store": apptest.Variables{"kind": "REGISTERED", "storeIds": []string{id.Global("Location", p.shop)}}}})
	require.Empty(t, done.UserErrors)
	return done.Segment.ID
}

// save keeps a mailing by post, with what the variables change of it.
func (p *postRoom) save(t *testing.T, changes apptest.Variables) mailingDone {
	t.Helper()
	input := apptest.Variables{"name": "春のDM", "medium": "DM", "pieceCost": "84", "fixedCost": "30000", "holdOut": 0, "windowDays": 30}
	for name, value := range changes {
		input[name] = value
	}
	if input["segmentId"] == nil {
		input["segmentId"] = p.segment(t)
	}
	return p.do(t, p.office, "saveMailing", "SaveMailingInput", input)
}

func (p *postRoom) send(t *testing.T, mailingID string) mailingDone {
	t.Helper()
	return p.do(t, p.office, "sendMailing", "MailingInput", apptest.Variables{"mailingId": mailingID})
}

// work lets noren work on the mailings.
func (p *postRoom) work(t *testing.T) {
	t.Helper()
	require.NoError(t, p.App.App.Resolvers.Mailings.Work(access.With(t.Context(), access.System), mailing.WorkJob{}))
}

// sent is a mailing that was sent and worked on.
func (p *postRoom) sent(t *testing.T, changes apptest.Variables) string {
	t.Helper()
	saved := p.save(t, changes)
	require.Empty(t, saved.UserErrors)
	require.Empty(t, p.send(t, saved.Mailing.ID).UserErrors)
	p.work(t)
	return saved.Mailing.ID
}

// recipients are what has become of whom.
func (p *postRoom) recipients(t *testing.T, mailingID string) map[string]string {
	t.Helper()
	var got struct {
		MailingRecipients struct {
			Nodes []struct {
				MemberID, State string
				Reason          *string
			}
		}
	}
	p.DoAs(t, p.office, `query($id: ID!) { mailingRecipients(mailingId: $id, first: 100) { nodes { memberId state reason } } }`, apptest.Variables{"id": mailingID}).Into(t, &got)
	all := map[string]string{}
	for _, r := range got.MailingRecipients.Nodes {
		all[r.MemberID] = r.State
		if r.Reason != nil {
			all[r.MemberID] += " " + *r.Reason
		}
	}
	return all
}

func (p *postRoom) mailing(t *testing.T, mailingID string) mailingDone {
	t.Helper()
	var got mailingDone
	p.DoAs(t, p.office, `query($id: ID!) { mailing(id: $id) { id state audience decided addressed heldOut leftOut sent holdOut cost { amount } } }`, apptest.Variables{"id": mailingID}).Into(t, &got)
	return got
}

func pathOf(t *testing.T, a *apptest.App, link string) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.Get(a.URL + link[strings.Index(link, "/mailing-files/"):]) //nolint:noctx // a test's own server
	require.NoError(t, err)
	defer func() { _ = r.Body.Close() }()
	raw, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	return r.StatusCode, r.Header, string(raw)
}

func TestLettersGoToWhoAgreedAndHasAnAddress(t *testing.T) {
	t.Parallel()
	p := newPostRoom(t, apptest.Start(t))
	hanako, taro := p.member(t, "山田 花子", "09012345601"), p.member(t, "佐藤 太郎", "09012345602")
	silent := registeredAt(t, p.App, p.shop, "鈴木 次郎", "09012345603")
	withdrawn := p.member(t, "田中 三郎", "09012345604")
	p.exec(t, `UPDATE member_settings SET given = false WHERE member_id = $1`, keyOf(t, withdrawn))
	homeless := p.member(t, "高橋 四郎", "09012345605")
	p.exec(t, `UPDATE saved_addresses SET is_default = false WHERE member_id = $1`, keyOf(t, homeless))

	saved := p.save(t, nil)
	require.Empty(t, saved.UserErrors)
	started := p.send(t, saved.Mailing.ID)
	require.Empty(t, started.UserErrors)
	require.Equal(t, "PREPARING", started.Mailing.State)
	require.Equal(t, 5, started.Mailing.Audience)
	require.Equal(t, "MAILING_STATE", p.do(t, p.office, "printMailingLabels", "MailingLabelsInput", apptest.Variables{"mailingId": saved.Mailing.ID}).UserErrors[0].Code)
	p.work(t)
	m := p.mailing(t, saved.Mailing.ID).Mailing
	require.Equal(t, "SENT", m.State)
	require.Equal(t, []int{5, 5, 2, 0, 3, 2}, []int{m.Audience, m.Decided, m.Addressed, m.HeldOut, m.LeftOut, m.Sent})
	require.Equal(t, "30168", m.Cost.Amount)
	require.Equal(t, map[string]string{hanako: "SENT", taro: "SENT", silent: "LEFT_OUT NO_CONSENT", withdrawn: "LEFT_OUT UNSUBSCRIBED", homeless: "LEFT_OUT NO_ADDRESS"}, p.recipients(t, m.ID))

	require.Equal(t, "MAILING_SENT", p.send(t, m.ID).UserErrors[0].Code, "nobody gets it twice")
	require.Equal(t, "MAILING_SENT", p.save(t, apptest.Variables{"mailingId": m.ID}).UserErrors[0].Code)
	require.Equal(t, "MAILING_STATE", p.do(t, p.office, "cancelMailing", "MailingInput", apptest.Variables{"mailingId": m.ID}).UserErrors[0].Code)

	labels := p.do(t, p.office, "printMailingLabels", "MailingLabelsInput", apptest.Variables{"mailingId": m.ID, "format": "a4-24", "skip": 23})
	require.Empty(t, labels.UserErrors)
	require.Len(t, labels.Files, 1)
	require.Equal(t, []int{1, 2}, []int{labels.Files[0].First, labels.Files[0].Last})
	status, header, body := pathOf(t, p.App, labels.Files[0].URL)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "application/pdf", header.Get("Content-Type"))
	require.True(t, strings.HasPrefix(body, "%PDF-"))
	require.Equal(t, 2, strings.Count(body, "/Type /Page\n"), "the first sheet has one label left")
	status, _, _ = pathOf(t, p.App, labels.Files[0].URL+"x")
	require.Equal(t, http.StatusForbidden, status)

	left := p.do(t, p.office, "exportMailingLeftOut", "MailingInput", apptest.Variables{"mailingId": m.ID})
	_, _, list := pathOf(t, p.App, left.File.URL)
	require.Equal(t, 4, strings.Count(list, "\r\n"))
	for _, reason := range []string{"NO_CONSENT,同意なし", "UNSUBSCRIBED,配信停止", "NO_ADDRESS,住所なし"} {
		require.Contains(t, list, reason)
	}
	require.NotContains(t, list, "鈴木")
	var kinds []string
	require.NoError(t, p.DB.Pool().QueryRow(t.Context(), `SELECT array_agg(type ORDER BY at, id) FROM events WHERE subject_id = $1`, keyOf(t, m.ID)).Scan(&kinds))
	require.Equal(t, []string{"mailing.saved", "mailing.sent", "mailing.prepared", "mailing.audience_viewed", "mailing.files_requested", "mailing.file_opened", "mailing.files_requested", "mailing.file_opened"}, kinds)
}

func TestLettersWithoutAnAddressWhenTheyArePrintedAreLeftOutAndListed(t *testing.T) {
	t.Parallel()
	p := newPostRoom(t, apptest.Start(t))
	hanako, taro := p.member(t, "山田 花子", "09012345601"), p.member(t, "佐藤 太郎", "09012345602")
	sent := p.sent(t, nil)
	p.exec(t, `UPDATE saved_addresses SET is_default = false WHERE member_id = $1`, keyOf(t, hanako))
	list := func() string {
		left := p.do(t, p.office, "exportMailingLeftOut", "MailingInput", apptest.Variables{"mailingId": sent})
		_, _, text := pathOf(t, p.App, left.File.URL)
		return text
	}
	require.NotContains(t, list(), "NO_ADDRESS", "it is known when the label is made")
	for range 2 {
		labels := p.do(t, p.office, "printMailingLabels", "MailingLabelsInput", apptest.Variables{"mailingId": sent})
		require.Empty(t, labels.UserErrors)
		require.Equal(t, []int{1, 2}, []int{labels.Files[0].First, labels.Files[0].Last}, "positions stay")
		status, _, _ := pathOf(t, p.App, labels.Files[0].URL)
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, map[string]string{hanako: "LEFT_OUT NO_ADDRESS", taro: "SENT"}, p.recipients(t, sent))
		m := p.mailing(t, sent).Mailing
		require.Equal(t, []int{1, 1, 1}, []int{m.Sent, m.Addressed, m.LeftOut})
		require.Equal(t, "30084", m.Cost.Amount)
		require.Contains(t, list(), "NO_ADDRESS,住所なし")
		// Whose letter has left stays among those who got it, though the next label is blank.
		p.exec(t, `UPDATE member_settings SET given = false WHERE member_id = $1 AND medium = 'DM'`, keyOf(t, taro))
		require.NotContains(t, list(), "UNSUBSCRIBED")
	}
}

func TestWhoLooksAtAnAudienceIsWrittenDown(t *testing.T) {
	t.Parallel()
	p := newPostRoom(t, apptest.Start(t))
	p.member(t, "山田 花子", "09012345601")
	p.member(t, "佐藤 太郎", "09012345602")
	sent := p.sent(t, nil)
	ask := func(actor access.Actor, variables apptest.Variables) (after string) {
		var got struct {
			MailingRecipients *struct{ PageInfo struct{ EndCursor string } }
		}
		variables["id"] = sent
		r := p.DoAs(t, actor, `query($id: ID!, $after: String) { mailingRecipients(mailingId: $id, state: SENT, first: 1, after: $after) { pageInfo { endCursor } } }`, variables)
		if len(r.Errors) > 0 {
			return ""
		}
		r.Into(t, &got)
		return got.MailingRecipients.PageInfo.EndCursor
	}
	after := ask(p.office, apptest.Variables{})
	require.NotEmpty(t, after)
	ask(p.office, apptest.Variables{"after": after})
	require.Empty(t, ask(registrarOf([]access.Permission{access.MemberRead, access.CampaignRead}, shopOf(t, p.App, "umeda")), apptest.Variables{}))
	const looked = `SELECT count(*) FROM events WHERE type = 'mailing.audience_viewed' AND subject_id = $1 AND actor_id = $2 AND data->>'state' = 'SENT' AND (data->>'members')::int = 1`
	require.Equal(t, 2, countOf(t, p.App, looked, keyOf(t, sent), p.office.ID))
	require.Equal(t, 1, countOf(t, p.App, looked+` AND data->>'after' = $3`, keyOf(t, sent), p.office.ID, after))
	require.Equal(t, 2, countOf(t, p.App, `SELECT count(*) FROM events WHERE type = 'mailing.audience_viewed'`), "who sees nothing is not said to have looked")
}

func TestMailingsOnAStoresBehalf(t *testing.T) {
	t.Parallel()
	p := newPostRoom(t, apptest.Start(t))
	umeda := shopOf(t, p.App, "umeda")
	mine := p.member(t, "山田 花子", "09012345601")
	segment := p.segment(t)
	m := p.sent(t, apptest.Variables{"segmentId": segment, "storeId": id.Global("Location", umeda)})
	require.Equal(t, map[string]string{mine: "LEFT_OUT OTHER_STORE"}, p.recipients(t, m), "umeda may not know who shibuya's members are")
	require.Equal(t, "MAILING_NO_LABELS", p.do(t, p.office, "printMailingLabels", "MailingLabelsInput", apptest.Variables{"mailingId": m}).UserErrors[0].Code)

	var number string
	require.NoError(t, p.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, mine)).Scan(&number))
	for shown, actor := range map[string]access.Actor{number: p.office, strings.Repeat("*", len(number)-4) + number[len(number)-4:]: registrarOf([]access.Permission{access.MemberExport, access.CampaignRead}, umeda)} {
		left := p.do(t, actor, "exportMailingLeftOut", "MailingInput", apptest.Variables{"mailingId": m})
		require.Empty(t, left.UserErrors)
		_, _, list := pathOf(t, p.App, left.File.URL)
		require.Contains(t, list, "\r\n"+shown+",OTHER_STORE", "a number is as good as the card")
	}

	ours := p.sent(t, apptest.Variables{"segmentId": segment, "storeId": id.Global("Location", p.shop)})
	labels := apptest.Variables{"mailingId": ours}
	clerk := registrarOf([]access.Permission{access.MemberExport, access.CampaignRead}, p.shop)
	require.Len(t, p.do(t, clerk, "printMailingLabels", "MailingLabelsInput", labels).Files, 1)
	other := registrarOf(clerk.Permissions, umeda)
	require.Equal(t, "NOT_FOUND", p.do(t, other, "printMailingLabels", "MailingLabelsInput", labels).UserErrors[0].Code)
	var list struct {
		Mailings struct{ Nodes []struct{ ID string } }
	}
	p.DoAs(t, clerk, `{ mailings { nodes { id } } }`, nil).Into(t, &list)
	require.Equal(t, []struct{ ID string }{{ours}}, list.Mailings.Nodes)
	writing := registrarOf([]access.Permission{access.CampaignWrite}, p.shop)
	require.Equal(t, "FORBIDDEN", p.do(t, writing, "sendMailing", "MailingInput", apptest.Variables{"mailingId": ours}).UserErrors[0].Code)
}

func TestMailingsThatCannotBeSent(t *testing.T) {
	t.Parallel()
	p := newPostRoom(t, apptest.Start(t))
	empty := p.save(t, nil)
	require.Equal(t, "MAILING_SEGMENT_EMPTY", p.send(t, empty.Mailing.ID).UserErrors[0].Code)
	require.Equal(t, "DRAFT", p.mailing(t, empty.Mailing.ID).Mailing.State, "it can be sent once somebody is in the segment")

	foreign := id.New()
	p.exec(t, `WITH b AS (INSERT INTO brands (id, code, name) VALUES ($1, 'other', '{}')) INSERT INTO segments (id, brand_id, name, kind, currency, conditions, counted_at, created_at, updated_at)
		VALUES ($2, $1, 'x', 'DYNAMIC', 'JPY', '{}', now(), now(), now())`, id.New(), foreign)
	for want, changes := range map[string]apptest.Variables{
		"MAILING_SEGMENT_UNKNOWN segmentId":  {"segmentId": id.Global("Segment", foreign)},
		"MAILING_MEDIUM medium":              {"medium": "SMS"},
		"REQUIRED name":                      {"name": "  "},
		"INVALID holdOut":                    {"holdOut": 51},
		"INVALID windowDays":                 {"windowDays": 0},
		"INVALID pieceCost":                  {"pieceCost": "-1"},
		"INVALID fixedCost":                  {"fixedCost": "0.5"},
		"MAILING_GOODS_UNKNOWN productIds.0": {"productIds": []string{id.Global("Product", id.New())}},
		"MAILING_GOODS_UNKNOWN storeId":      {"storeId": id.Global("Location", id.New())},
		"REQUIRED mail":                      {"medium": "MAIL"},
		"MAILING_FIELD mail.body":            {"medium": "MAIL", "mail": apptest.Variables{"subject": "春", "body": "{{moniker}} 様", "imprint": "のれん"}},
		"INVALID mail.perSecond":             {"medium": "MAIL", "mail": apptest.Variables{"subject": "春", "body": "春", "imprint": "のれん", "perSecond": 101}},
		"NOT_FOUND mailingId":                {"mailingId": id.Global("Mailing", id.New())},
	} {
		done := p.save(t, changes)
		require.Len(t, done.UserErrors, 1, want)
		require.Equal(t, want, done.UserErrors[0].Code+" "+strings.Join(done.UserErrors[0].Field, "."))
	}
	p.member(t, "山田 花子", "09012345601")
	m := p.sent(t, nil)
	for want, changes := range map[string]apptest.Variables{
		"LABEL_FORMAT_UNKNOWN format":  {"format": "b5-1"},
		"LABEL_SKIP_INVALID skip":      {"skip": 12},
		"MAILING_LABEL_POSITION first": {"first": 2},
	} {
		input := apptest.Variables{"mailingId": m}
		for name, value := range changes {
			input[name] = value
		}
		done := p.do(t, p.office, "printMailingLabels", "MailingLabelsInput", input)
		require.Equal(t, want, done.UserErrors[0].Code+" "+strings.Join(done.UserErrors[0].Field, "."))
	}
	p.exec(t, `UPDATE segments SET closed_at = now()`)
	require.Equal(t, "MAILING_SEGMENT_UNKNOWN", p.send(t, empty.Mailing.ID).UserErrors[0].Code)
}

func TestTheAudienceIsFrozenAndWorkGoesOnWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	p := newPostRoom(t, apptest.Start(t))
	p.member(t, "山田 花子", "09012345601")
	p.crowd(t, 1200)
	saved := p.save(t, apptest.Variables{"holdOut": 20})
	require.Equal(t, 1201, p.send(t, saved.Mailing.ID).Mailing.Audience)
	p.member(t, "後から 来子", "09012345602")

	// Somebody else works on it: until their time is over nobody interferes.
	p.exec(t, `UPDATE mailings SET leased_until = now() + interval '1 minute'`)
	p.work(t)
	require.Zero(t, p.mailing(t, saved.Mailing.ID).Mailing.Decided)
	// Half of it was decided when they broke off.
	p.exec(t, `WITH half AS (UPDATE mailing_recipients SET state = 'LEFT_OUT', reason = 'GONE' WHERE member_id IN (SELECT member_id FROM mailing_recipients ORDER BY member_id LIMIT 600) RETURNING 1)
		UPDATE mailings SET leased_until = now() - interval '1 second', decided = (SELECT count(*) FROM half), left_out = (SELECT count(*) FROM half)`)
	p.work(t)
	m := p.mailing(t, saved.Mailing.ID).Mailing
	require.Equal(t, "SENT", m.State)
	require.Equal(t, 1201, m.Decided)
	require.Equal(t, 600, m.LeftOut)
	require.Equal(t, 601, m.Addressed+m.HeldOut)
	require.InDelta(t, 120, m.HeldOut, 45)
	var counted []int
	require.NoError(t, p.DB.Pool().QueryRow(t.Context(), `SELECT ARRAY[count(*) FILTER (WHERE state = 'SENT'), count(*) FILTER (WHERE state = 'HELD_OUT'), max(position), count(DISTINCT position)] FROM mailing_recipients`).Scan(&counted))
	require.Equal(t, []int{m.Addressed, m.HeldOut, m.Addressed, m.Addressed}, counted)
}

// crowd are so many members more of the shop, who agreed and have an address and an e-mail address.
func (p *postRoom) crowd(t *testing.T, size int) {
	t.Helper()
	p.exec(t, `WITH m AS (INSERT INTO members (id, created_at, updated_at) SELECT gen_random_uuid(), now(), now() FROM generate_series(1, $3::int) RETURNING id),
		j AS (INSERT INTO memberships (member_id, brand_id, registered_store_id, joined_at) SELECT id, $1, $2, now() FROM m),
		s AS (INSERT INTO member_settings (member_id, brand_id, medium, given, since) SELECT id, $1, x, true, now() FROM m, unnest(ARRAY['DM', 'MAIL']) AS x),
		a AS (INSERT INTO saved_addresses (id, member_id, address, is_default, created_at, updated_at)
			SELECT gen_random_uuid(), id, '{"name":"会員","postalCode":"1500001","prefecture":"TOKYO","city":"渋谷区","line1":"神宮前1-1"}', true, now(), now() FROM m)
		INSERT INTO profiles (member_id, email, updated_at) SELECT id, id || '@example.jp', now() FROM m`, p.BrandID, p.shop, size)
}
