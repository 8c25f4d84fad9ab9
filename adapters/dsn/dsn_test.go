package dsn_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/dsn"
	"github.com/noren-commerce/noren/core/mailing"
)

// notice is a notification as mail servers write it (RFC 3464, appendix).
func notice(action, status string) string {
	return strings.ReplaceAll(`From: MAILER-DAEMON@mx.example.jp
To: bounces@noren.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B=_1/x"

This is a MIME-encapsulated message.

--B=_1/x
Content-Type: text/plain; charset=us-ascii

I'm sorry to have to inform you.

--B=_1/x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.jp
Arrival-Date: Sat, 28 Nov 2026 10:00:00 +0900 (JST)

Final-Recipient: rfc822; hanako@example.jp
Original-Recipient: rfc822;hanako@example.jp
Action: `+action+`
Status: `+status+`
Remote-MTA: dns; example.jp
Diagnostic-Code: smtp; 550 5.1.1 <hanako@example.jp>: Recipient address rejected:
    User unknown

--B=_1/x
Content-Type: message/rfc822

Return-Path: <bounces@noren.example>
Message-ID: <abc123@noren.example>
Subject: =?UTF-8?B?5pil?=
From: no-reply@noren.example

body
--B=_1/x--
`, "\n", "\r\n")
}

func TestNotificationsOfMailServers(t *testing.T) {
	t.Parallel()
	got, err := dsn.Read([]byte(notice("failed", "5.1.1 (bad destination mailbox)")))
	require.NoError(t, err)
	require.Empty(t, got.Unsubscribe)
	require.Len(t, got.Reports, 1)
	r := got.Reports[0]
	require.Equal(t, "abc123@noren.example failed 5.1.1", r.MessageID+" "+r.Action+" "+r.Status)
	require.Equal(t, "550 5.1.1 <hanako@example.jp>: Recipient address rejected: User unknown", r.Diagnosis)
	require.Len(t, r.Digest, 32)

	for want, raw := range map[mailing.BounceKind][]string{
		mailing.HardBounce: {notice("failed", "5.1.1"), notice("failed", "5.0.0"), notice("Failed", "5.4.4")},
		mailing.SoftBounce: {notice("failed", "5.2.2"), notice("failed", "5.7.1"), notice("failed", "4.4.7"), notice("delayed", "4.4.1"), notice("delayed", "5.1.1")},
		mailing.NoBounce:   {notice("delivered", "2.0.0"), notice("relayed", "2.0.0"), notice("expanded", "2.0.0")},
	} {
		for _, one := range raw {
			got, err := dsn.Read([]byte(one))
			require.NoError(t, err)
			require.Equal(t, want, got.Reports[0].Bounce(), one)
		}
	}
}

func TestNotificationsThatSayLess(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"headers only": {"Content-Type: message/rfc822", "Content-Type: text/rfc822-headers"},
		"unix":         {"\r\n", "\n"},
		"quoted":       {"Content-Type: message/delivery-status\r\n", "Content-Type: message/delivery-status\r\nContent-Transfer-Encoding: quoted-printable\r\n"},
	} {
		got, err := dsn.Read([]byte(strings.ReplaceAll(notice("failed", "5.1.1"), change[0], change[1])))
		require.NoError(t, err, name)
		require.Equal(t, "abc123@noren.example", got.Reports[0].MessageID, name)
	}
	holiday, err := dsn.Read([]byte("From: a@example.jp\r\nSubject: =?UTF-8?B?5LyR5pqH?=\r\n\r\n休暇\r\n"))
	require.NoError(t, err)
	require.Empty(t, holiday.Reports)
	require.Empty(t, holiday.Unsubscribe)
	wish, err := dsn.Read([]byte("From: a@example.jp\r\nSubject: Unsubscribe dQabc\r\n def-_1\r\n\r\n\r\n"))
	require.NoError(t, err)
	require.Equal(t, "dQabcdef-_1", wish.Unsubscribe)
	_, err = dsn.Read([]byte("no e-mail"))
	require.ErrorIs(t, err, dsn.ErrUnreadable)
	_, err = dsn.Read([]byte(notice("failed", "5.1.1")[:900]))
	require.ErrorIs(t, err, dsn.ErrUnreadable, "half of one")
}

func TestMailboxes(t *testing.T) {
	t.Parallel()
	file := "From MAILER-DAEMON Sat Nov 28 10:00:00 2026\n" + notice("failed", "5.1.1") + "\nFrom a@example.jp Sat Nov 28 10:01:00 2026\nSubject: hi\n\nWell,\nFrom here this is no new mail.\n>From is quoted.\n"
	var all []string
	for raw, err := range dsn.Mailbox(strings.NewReader(file)) {
		require.NoError(t, err)
		all = append(all, string(raw))
	}
	require.Len(t, all, 2)
	require.True(t, strings.HasPrefix(all[0], "From: MAILER-DAEMON"))
	require.Equal(t, "Subject: hi\n\nWell,\nFrom here this is no new mail.\nFrom is quoted.\n", all[1])
	for range dsn.Mailbox(strings.NewReader("")) {
		t.Fatal("an empty mailbox has no e-mails")
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(notice("failed", "5.1.1")))
	f.Add([]byte("Subject: unsubscribe x\r\n\r\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := dsn.Read(raw)
		if err != nil {
			require.ErrorIs(t, err, dsn.ErrUnreadable)
		}
		for _, r := range got.Reports {
			require.LessOrEqual(t, len(r.Diagnosis), 500)
		}
	})
}
