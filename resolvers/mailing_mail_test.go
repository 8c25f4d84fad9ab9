package resolvers_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/mail"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	server "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/signed"
	"github.com/noren-commerce/noren/adapters/smtp/smtptest"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/mailing"
)

const mailSecret = "mail-secret"

// mailRoom is a post room with a mail server.
type mailRoom struct {
	*postRoom
	post *smtptest.PostOffice
}

func newMailRoom(t *testing.T) *mailRoom {
	t.Helper()
	post := smtptest.New(t)
	return &mailRoom{newPostRoom(t, apptest.Start(t, func(c *app.Config) {
		c.SMTPURL, c.PublicURL = "smtp://"+post.Address+"?tls=none", "https://api.noren.example"
		c.MailBounces, c.MailUnsubscribe, c.MailWebhookSecret = "bounces@noren.example", "unsubscribe@noren.example", mailSecret
	})), post}
}

func content(changes apptest.Variables) apptest.Variables {
	all := apptest.Variables{"subject": "{{name}} 様へ春のご案内", "body": "{{name}} 様\nただいま{{points}}ポイント。\nくわしくは https://shop.example/spring?a=1&b=2。ぜひ。", "imprint": "のれんペット\n東京都渋谷区神宮前1-1-1\nhelp@noren.example", "perSecond": 100}
	for name, value := range changes {
		all[name] = value
	}
	return apptest.Variables{"medium": "MAIL", "mail": all}
}

// letter is an e-mail as it came over the wire, taken apart.
type letter struct {
	from, to   string
	header     mail.Header
	text, html string
}

func (m *mailRoom) letters(t *testing.T) []letter {
	t.Helper()
	var all []letter
	for _, got := range m.post.Received() {
		msg, err := mail.ReadMessage(strings.NewReader(got.Data))
		require.NoError(t, err)
		_, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
		require.NoError(t, err)
		l := letter{from: got.From, to: got.To[0], header: msg.Header}
		for r := multipart.NewReader(msg.Body, params["boundary"]); ; {
			part, err := r.NextPart()
			if err == io.EOF { //nolint:errorlint // as documented
				break
			}
			require.NoError(t, err)
			raw, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
			require.NoError(t, err)
			if strings.HasPrefix(part.Header.Get("Content-Type"), "text/plain") {
				l.text = string(raw)
			} else {
				l.html = string(raw)
			}
		}
		all = append(all, l)
	}
	return all
}

// request asks noren's own server, as a mail program does.
func (m *mailRoom) request(t *testing.T, method, url string, body []byte, headers ...string) (status int, location, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, m.URL+url[strings.Index(url, "/mailings/"):], bytes.NewReader(body))
	require.NoError(t, err)
	return m.ask(t, r, headers...)
}

func (m *mailRoom) ask(t *testing.T, r *http.Request, headers ...string) (status int, location, text string) {
	t.Helper()
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return response.StatusCode, response.Header.Get("Location"), string(raw)
}

// returns hands noren an e-mail that came back, and answers what it says.
func (m *mailRoom) returns(t *testing.T, raw, secret string) (status int, outcome string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, m.URL+"/webhooks/mail", strings.NewReader(raw))
	require.NoError(t, err)
	status, _, text := m.ask(t, r, "Mail-Signature", signed.Header([]byte(raw), secret, time.Now()))
	return status, text
}

func noticeOf(messageID, status, note string) string {
	return "Subject: Undelivered\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\n" + note +
		"\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example.jp\r\n\r\nFinal-Recipient: rfc822; x@example.jp\r\nAction: failed\r\nStatus: " + status +
		"\r\nDiagnostic-Code: smtp; 550 <x@example.jp>: no such user\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: <" + messageID + ">\r\n\r\n--b--\r\n"
}

func linkIn(t *testing.T, text, path string) string {
	t.Helper()
	found := regexp.MustCompile(`https://api\.noren\.example` + regexp.QuoteMeta(path) + `[\w-]+`).FindString(text)
	require.NotEmpty(t, found, text)
	return found
}

func TestEMailsSayHowToBeWrittenToNoMore(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	hanako := m.member(t, "山田 花子", "09012345601")
	sent := m.sent(t, content(apptest.Variables{"trackOpens": true}))
	require.Equal(t, "SENT", m.mailing(t, sent).Mailing.State)
	m.work(t)
	letters := m.letters(t)
	require.Len(t, letters, 1)
	l := letters[0]
	require.Equal(t, "bounces@noren.example 09012345601@example.jp", l.from+" "+l.to)
	subject, err := new(mime.WordDecoder).DecodeHeader(l.header.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "山田 花子 様へ春のご案内", subject)
	require.Equal(t, "List-Unsubscribe=One-Click", l.header.Get("List-Unsubscribe-Post"))
	require.Regexp(t, `^<https://api\.noren\.example/mailings/unsubscribe/[\w-]+>, <mailto:unsubscribe@noren\.example\?subject=unsubscribe%20[\w-]+>$`, l.header.Get("List-Unsubscribe"))
	require.Contains(t, l.text, "ただいま0ポイント。")
	require.Contains(t, l.text, "東京都渋谷区神宮前1-1-1")
	require.NotContains(t, l.text, "shop.example/spring")

	click := linkIn(t, l.text, "/mailings/click/")
	require.Contains(t, l.html, click)
	status, location, _ := m.request(t, http.MethodGet, click, nil)
	require.Equal(t, "302 https://shop.example/spring?a=1&b=2", fmt.Sprint(status, " ", location))
	status, _, picture := m.request(t, http.MethodGet, linkIn(t, l.html, "/mailings/open/"), nil)
	require.Equal(t, http.StatusOK, status)
	require.True(t, strings.HasPrefix(picture, "GIF89a"))
	var opened, clicked bool
	require.NoError(t, m.DB.Pool().QueryRow(t.Context(), `SELECT opened_at IS NOT NULL, clicked_at IS NOT NULL FROM mailing_recipients`).Scan(&opened, &clicked))
	require.True(t, opened && clicked)

	unsubscribe := linkIn(t, l.text, "/mailings/unsubscribe/")
	consents := func() (n int, given bool) {
		require.NoError(t, m.DB.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM member_consents WHERE how = 'UNSUBSCRIBE' AND NOT given AND medium = 'MAIL' AND wording = $2 AND address IS NOT NULL),
			(SELECT given FROM member_settings WHERE member_id = $1 AND medium = 'MAIL')`, keyOf(t, hanako), sent).Scan(&n, &given))
		return n, given
	}
	status, _, page := m.request(t, http.MethodGet, unsubscribe, nil, "Accept-Language", "ja")
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, `<form method="post">`)
	n, given := consents()
	require.True(t, given && n == 0, "looking changes nothing: programs look before people do")
	m.exec(t, `UPDATE mailings SET sent_at = sent_at - interval '5 years', completed_at = completed_at - interval '5 years'`) // the link never expires
	for range 2 {
		status, _, _ = m.request(t, http.MethodPost, unsubscribe, []byte("List-Unsubscribe=One-Click"), "Content-Type", "application/x-www-form-urlencoded")
		require.Equal(t, http.StatusOK, status)
	}
	n, given = consents()
	require.True(t, !given && n == 2, "each time is written down, with where it came from")

	for _, forged := range []string{unsubscribe[:len(unsubscribe)-2] + "AA", strings.Replace(click, "/click/", "/unsubscribe/", 1), unsubscribe + "x", strings.Replace(unsubscribe, "unsubscribe/", "unsubscribe/A", 1)} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			status, _, _ = m.request(t, method, forged, nil)
			require.Equal(t, http.StatusForbidden, status, forged)
		}
	}
	status, location, _ = m.request(t, http.MethodGet, strings.Replace(unsubscribe, "/unsubscribe/", "/click/", 1), nil)
	require.Equal(t, "403 ", fmt.Sprint(status, " ", location), "nobody is led anywhere by a link that noren did not make")
	next := m.sent(t, content(nil))
	require.Equal(t, map[string]string{hanako: "LEFT_OUT UNSUBSCRIBED"}, m.recipients(t, next))
	require.Len(t, m.post.Received(), 1)
}

func TestEMailsLeaveOnceWhateverBreaksOff(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	m.crowd(t, 30)
	saved := m.save(t, content(apptest.Variables{"perSecond": 20}))
	require.Empty(t, saved.UserErrors)
	require.Empty(t, m.send(t, saved.Mailing.ID).UserErrors)

	// The process is told to end while e-mails leave.
	ctx, cancel := context.WithTimeout(access.With(t.Context(), access.System), 700*time.Millisecond)
	defer cancel()
	begun := time.Now()
	require.NoError(t, m.App.App.Resolvers.Mailings.Work(ctx, mailing.WorkJob{}))
	some := len(m.post.Received())
	require.Less(t, some, 30)
	require.Positive(t, some)
	require.LessOrEqual(t, float64(some), time.Since(begun).Seconds()*20+1, "no faster than it may")
	require.Equal(t, "SENDING", m.mailing(t, saved.Mailing.ID).Mailing.State)

	// The next is killed while it hands one over.
	m.exec(t, `UPDATE mailing_recipients SET state = 'SENDING' WHERE (mailing_id, position) IN (SELECT mailing_id, max(position) FROM mailing_recipients WHERE state = 'QUEUED' GROUP BY 1)`)
	m.exec(t, `UPDATE mailings SET leased_until = now() + interval '1 minute'`)
	m.work(t)
	require.Len(t, m.post.Received(), some, "until the lease is over nobody interferes")
	m.exec(t, `UPDATE mailings SET leased_until = now() - interval '1 second'`)
	paused := m.do(t, m.office, "pauseMailing", "MailingInput", apptest.Variables{"mailingId": saved.Mailing.ID})
	require.Equal(t, "PAUSED", paused.Mailing.State)
	m.work(t)
	require.Len(t, m.post.Received(), some)
	require.Equal(t, "SENDING", m.do(t, m.office, "resumeMailing", "MailingInput", apptest.Variables{"mailingId": saved.Mailing.ID}).Mailing.State)
	m.work(t)
	done := m.mailing(t, saved.Mailing.ID).Mailing
	require.Equal(t, "SENT", done.State)
	require.Equal(t, []int{29, 29, 1}, []int{done.Sent, done.Addressed, done.LeftOut}, "of one nobody knows whether it left: it is not sent again")
	to := map[string]bool{}
	for _, l := range m.post.Received() {
		to[l.To[0]] = true
	}
	require.Len(t, m.post.Received(), 29)
	require.Len(t, to, 29)
	require.Equal(t, 1, strings.Count(fmt.Sprint(m.recipients(t, saved.Mailing.ID)), "LEFT_OUT INTERRUPTED"))
}

func TestEMailsThatTheServerRefuses(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	m.member(t, "山田 花子", "09012345601")
	m.post.Refuse(&server.SMTPError{Code: 451, EnhancedCode: server.EnhancedCode{4, 7, 1}, Message: "greylisted"})
	later := m.sent(t, content(nil))
	require.Empty(t, m.post.Received())
	require.Equal(t, "SENDING", m.mailing(t, later).Mailing.State)
	m.work(t)
	require.Len(t, m.post.Received(), 1)
	m.post.Refuse(&server.SMTPError{Code: 550, EnhancedCode: server.EnhancedCode{5, 1, 1}, Message: "no such mailbox"})
	never := m.sent(t, content(nil))
	require.Contains(t, fmt.Sprint(m.recipients(t, never)), "LEFT_OUT REFUSED")
	require.Zero(t, m.mailing(t, never).Mailing.Sent)
	m.exec(t, `UPDATE mail_addresses SET suppressed_at = NULL`)
	// Who withdraws while the e-mails wait gets none.
	saved := m.save(t, content(nil))
	m.send(t, saved.Mailing.ID)
	m.exec(t, `UPDATE mailings SET state = 'SENDING', addressed = 1, decided = 1 WHERE id = $1`, keyOf(t, saved.Mailing.ID))
	m.exec(t, `UPDATE mailing_recipients SET state = 'QUEUED', position = 1 WHERE mailing_id = $1`, keyOf(t, saved.Mailing.ID))
	m.exec(t, `UPDATE member_settings SET given = false WHERE medium = 'MAIL'`)
	m.work(t)
	require.Contains(t, fmt.Sprint(m.recipients(t, saved.Mailing.ID)), "LEFT_OUT UNSUBSCRIBED")
	require.Len(t, m.post.Received(), 1)
}

func TestAMailServerThatWouldRefuseEverybody(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	m.crowd(t, 12)
	refusal := func(key string) (got struct {
		Mailing struct{ State, Refusal string }
	}) {
		m.DoAs(t, m.office, `query($id: ID!) { mailing(id: $id) { state refusal } }`, apptest.Variables{"id": key}).Into(t, &got)
		return got
	}
	for step, no := range map[smtptest.Step]*server.SMTPError{
		smtptest.AtSender: {Code: 550, EnhancedCode: server.EnhancedCode{5, 4, 5}, Message: "daily quota exceeded"},
		smtptest.AtReader: {Code: 554, EnhancedCode: server.EnhancedCode{5, 7, 1}, Message: "relay access denied"},
	} {
		before := len(m.post.Received())
		m.post.RefuseAt(step, 1000, no)
		key := m.sent(t, content(nil))
		m.work(t)
		got := refusal(key).Mailing
		require.Equal(t, "PAUSED", got.State)
		require.Contains(t, got.Refusal, no.Message)
		require.Equal(t, []int{12, 0}, []int{m.mailing(t, key).Mailing.Addressed, m.mailing(t, key).Mailing.LeftOut}, "nobody is left out for it")
		m.post.Relent()
		require.Empty(t, m.do(t, m.office, "resumeMailing", "MailingInput", apptest.Variables{"mailingId": key}).UserErrors)
		m.work(t)
		require.Equal(t, 12, m.mailing(t, key).Mailing.Sent)
		require.Equal(t, "SENT ", refusal(key).Mailing.State+" "+refusal(key).Mailing.Refusal)
		require.Len(t, m.post.Received(), before+12)
	}
}

func TestWhatComesBack(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	hanako := m.member(t, "山田 花子", "09012345601")
	m.office.Permissions = append(slices.Clone(m.office.Permissions), access.MemberWrite)
	m.sent(t, content(nil))
	l := m.letters(t)[0]
	message := strings.Trim(l.header.Get("Message-Id"), "<>")

	status, outcome := m.returns(t, noticeOf(message, "5.1.1", "a"), "wrong")
	require.Equal(t, http.StatusBadRequest, status, outcome)
	for _, want := range []string{"TAKEN", "SEEN"} {
		status, outcome = m.returns(t, noticeOf(message, "5.1.1", "a"), mailSecret)
		require.Equal(t, http.StatusOK, status)
		require.Contains(t, outcome, want)
	}
	_, outcome = m.returns(t, noticeOf("nobody-knows@noren.example", "5.1.1", "a"), mailSecret)
	require.Contains(t, outcome, "UNKNOWN")
	_, outcome = m.returns(t, "Subject: hello\r\n\r\nI am on holiday.", mailSecret)
	require.Contains(t, outcome, "IGNORED")
	status, _ = m.returns(t, "what is this", mailSecret)
	require.Equal(t, http.StatusBadRequest, status)
	var bounces, dead int
	require.NoError(t, m.DB.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM mail_bounces), (SELECT count(*) FROM mail_addresses WHERE suppressed_at IS NOT NULL)`).Scan(&bounces, &dead))
	require.Equal(t, []int{2, 1}, []int{bounces, dead})
	var kept string
	require.NoError(t, m.DB.Pool().QueryRow(t.Context(), `SELECT string_agg(diagnosis, ' ') FROM (SELECT diagnosis FROM mail_bounces UNION SELECT diagnosis FROM mail_addresses) d`).Scan(&kept))
	require.Equal(t, "550 <…@…>: no such user", kept, "addresses are sealed everywhere else")
	require.Equal(t, map[string]string{hanako: "LEFT_OUT BOUNCED"}, m.recipients(t, m.sent(t, content(nil))))

	release := func(email string) bool {
		var got struct {
			ReleaseMailAddress struct {
				Released   bool
				UserErrors []userError
			}
		}
		m.DoAs(t, m.office, `mutation($input: ReleaseMailAddressInput!) { releaseMailAddress(input: $input) { released userErrors { code field } } }`, in(apptest.Variables{"email": email})).Into(t, &got)
		require.Empty(t, got.ReleaseMailAddress.UserErrors)
		return got.ReleaseMailAddress.Released
	}
	require.False(t, release("somebody@example.jp"))
	require.True(t, release("09012345601@Example.jp"))
	require.Equal(t, 1, countOf(t, m.App, `SELECT count(*) FROM events e JOIN mail_addresses a ON encode(substring(a.hash FOR 16), 'hex')::uuid = e.subject_id
		WHERE e.type = 'mail_address.released' AND e.data->'memberIds' = jsonb_build_array($1::uuid)`, keyOf(t, hanako)), "whose address it is can be told")
	m.sent(t, content(nil))
	require.Len(t, m.post.Received(), 2)
	message = strings.Trim(m.letters(t)[1].header.Get("Message-Id"), "<>")
	for n := range 4 {
		_, outcome = m.returns(t, noticeOf(message, "5.2.2", fmt.Sprint("full ", n)), mailSecret)
		require.Contains(t, outcome, "TAKEN")
	}
	m.sent(t, content(nil))
	require.Len(t, m.post.Received(), 3, "four times a full mailbox are none that is dead")
	m.returns(t, noticeOf(message, "5.2.2", "full again"), mailSecret)
	require.Equal(t, map[string]string{hanako: "LEFT_OUT BOUNCED"}, m.recipients(t, m.sent(t, content(nil))))

	wish := regexp.MustCompile(`subject=unsubscribe%20([\w-]+)`).FindStringSubmatch(l.header.Get("List-Unsubscribe"))[1]
	_, outcome = m.returns(t, "From: 09012345601@example.jp\r\nSubject: unsubscribe "+wish[:40]+"\r\n "+wish[40:]+"\r\n\r\n", mailSecret)
	require.Contains(t, outcome, "UNSUBSCRIBED")
	require.Equal(t, map[string]string{hanako: "LEFT_OUT UNSUBSCRIBED"}, m.recipients(t, m.sent(t, content(nil))))
	_, outcome = m.returns(t, "Subject: unsubscribe "+wish[:40]+"\r\n\r\n", mailSecret)
	require.Contains(t, outcome, "UNKNOWN")
}

func TestEMailsAreJudgedBeforeMembersGetThem(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	hanako := m.member(t, "山田 <花子>", "09012345601")
	saved := m.save(t, content(apptest.Variables{"trackOpens": true}))
	preview := func(member any) (got struct {
		MailingPreview struct{ Subject, Text, HTML string }
	}) {
		m.DoAs(t, m.office, `query($id: ID!, $member: ID) { mailingPreview(mailingId: $id, memberId: $member) { subject text html } }`, apptest.Variables{"id": saved.Mailing.ID, "member": member}).Into(t, &got)
		return got
	}
	require.Equal(t, "見本 花子 様へ春のご案内", preview(nil).MailingPreview.Subject)
	require.Contains(t, preview(nil).MailingPreview.Text, "1,234ポイント")
	shown := preview(hanako).MailingPreview
	require.Equal(t, "山田 <花子> 様へ春のご案内", shown.Subject)
	require.Contains(t, shown.HTML, "山田 &lt;花子&gt; 様")
	require.Contains(t, shown.HTML, `<a href="https://shop.example/spring?a=1&amp;b=2">`, "nobody's clicks are counted")
	require.NotContains(t, shown.HTML, "/mailings/open/")

	tries := apptest.Variables{"mailingId": saved.Mailing.ID, "to": []string{"boss@noren.example", "me@noren.example"}}
	require.Empty(t, m.do(t, m.office, "testMailing", "TestMailingInput", tries).UserErrors)
	m.Work(t)
	require.Eventually(t, func() bool { return len(m.post.Received()) == 2 }, time.Minute, 20*time.Millisecond)
	unsubscribe := linkIn(t, m.letters(t)[0].text, "/mailings/unsubscribe/")
	status, _, _ := m.request(t, http.MethodPost, unsubscribe, nil)
	require.Equal(t, http.StatusOK, status)
	var consents int
	require.NoError(t, m.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM member_consents`).Scan(&consents))
	require.Zero(t, consents, "a test unsubscribes nobody")
	tries["to"] = []string{"nobody"}
	require.Equal(t, "to.0", strings.Join(m.do(t, m.office, "testMailing", "TestMailingInput", tries).UserErrors[0].Field, "."))
	tries["to"] = []string{}
	require.Equal(t, "INVALID", m.do(t, m.office, "testMailing", "TestMailingInput", tries).UserErrors[0].Code)
	letters := m.save(t, nil)
	require.Equal(t, "MAILING_MEDIUM", m.do(t, m.office, "testMailing", "TestMailingInput", apptest.Variables{"mailingId": letters.Mailing.ID, "to": []string{"a@example.jp"}}).UserErrors[0].Code)
	require.Equal(t, "NOT_FOUND", m.do(t, m.office, "testMailing", "TestMailingInput", apptest.Variables{"mailingId": id.Global("Mailing", id.New()), "to": []string{"a@example.jp"}}).UserErrors[0].Code)
}
