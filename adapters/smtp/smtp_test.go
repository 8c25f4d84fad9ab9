package smtp_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"strings"
	"testing"
	"time"

	server "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/smtp"
	"github.com/noren-commerce/noren/adapters/smtp/smtptest"
	"github.com/noren-commerce/noren/core/messaging"
)

func TestSendWritesJapaneseMailThatReadersUnderstand(t *testing.T) {
	t.Parallel()
	post := smtptest.New(t)
	m := mailer(t, post, "smtp", "?tls=none", "")

	require.NoError(t, m.Send(t.Context(), japaneseMail()))

	got := only(t, post)
	require.Equal(t, "no-reply@noren.example", got.From)
	require.Equal(t, []string{"hanako@example.jp"}, got.To)
	require.True(t, isASCII(got.Data), "headers and bodies travel in 7 bits, whatever the servers on the way can do")
	header, text, html := parts(t, got.Data)
	subject, err := new(mime.WordDecoder).DecodeHeader(header.Get("Subject"))
	require.NoError(t, err)
	require.Equal(t, "【のれんペット】ご注文ありがとうございます（注文番号 ﾃｽﾄ-髙﨑）", subject)
	to, err := header.AddressList("To")
	require.NoError(t, err)
	require.Equal(t, "山田 花子", to[0].Name)
	require.Equal(t, "<abc@noren.example>", header.Get("Message-Id"))
	require.Equal(t, "auto-generated", header.Get("Auto-Submitted"))
	require.Equal(t, "合計：1,980円\n", strings.ReplaceAll(text, "\r\n", "\n"))
	require.Contains(t, html, "<p>合計：1,980円</p>")
}

func TestMailToManySaysHowToBeWrittenToNoMore(t *testing.T) {
	t.Parallel()
	post := smtptest.New(t)
	out := japaneseMail()
	out.ReturnPath = "bounces@noren.example"
	out.Unsubscribe = &messaging.Unsubscribe{URL: "https://api.noren.example/u/" + strings.Repeat("x", 80), Mailto: "mailto:leave@noren.example?subject=unsubscribe%20" + strings.Repeat("y", 80)}
	require.NoError(t, mailer(t, post, "smtp", "?tls=none", "").Send(t.Context(), out))

	got := only(t, post)
	require.Equal(t, "bounces@noren.example", got.From)
	header, _, _ := parts(t, got.Data)
	require.Equal(t, "<"+out.Unsubscribe.URL+">, <"+out.Unsubscribe.Mailto+">", header.Get("List-Unsubscribe"))
	require.Equal(t, "List-Unsubscribe=One-Click", header.Get("List-Unsubscribe-Post"), "RFC 8058")
	require.Equal(t, "no-reply@noren.example", header.Get("From")[strings.Index(header.Get("From"), "<")+1:len(header.Get("From"))-1])
	for _, ordinary := range []string{"List-Unsubscribe", "List-Unsubscribe-Post", "Precedence"} {
		plain := smtptest.New(t)
		require.NoError(t, mailer(t, plain, "smtp", "?tls=none", "").Send(t.Context(), japaneseMail()))
		header, _, _ := parts(t, only(t, plain).Data)
		require.Empty(t, header.Get(ordinary))
	}
}

func TestServerThatRefusesForNowIsTriedAgain(t *testing.T) {
	t.Parallel()
	post := smtptest.New(t)
	post.Refuse(&server.SMTPError{Code: 451, EnhancedCode: server.EnhancedCode{4, 3, 0}, Message: "try later"})
	m := mailer(t, post, "smtp", "?tls=none", "")

	err := m.Send(t.Context(), japaneseMail())
	require.Error(t, err)
	require.NotErrorIs(t, err, messaging.ErrRejected)

	require.NoError(t, m.Send(t.Context(), japaneseMail()))
	only(t, post)
}

func TestServerThatRefusesForGoodIsNot(t *testing.T) {
	t.Parallel()
	post := smtptest.New(t)
	post.Refuse(&server.SMTPError{Code: 550, EnhancedCode: server.EnhancedCode{5, 1, 1}, Message: "no such mailbox"})

	err := mailer(t, post, "smtp", "?tls=none", "").Send(t.Context(), japaneseMail())
	require.ErrorIs(t, err, messaging.ErrRejected)
	require.Contains(t, err.Error(), "no such mailbox")
}

func TestOnlyWhatIsSaidOfTheReaderIsTheReadersFault(t *testing.T) {
	t.Parallel()
	post := smtptest.New(t)
	m := mailer(t, post, "smtp", "?tls=none", "")
	for _, c := range []struct {
		step smtptest.Step
		code int
		more server.EnhancedCode
		want error
	}{
		{smtptest.AtSender, 550, server.EnhancedCode{5, 4, 5}, messaging.ErrRefused}, // the day's quota
		{smtptest.AtSender, 554, server.EnhancedCode{5, 7, 1}, messaging.ErrRefused}, // a policy
		{smtptest.AtSender, 530, server.EnhancedCode{5, 7, 0}, messaging.ErrRefused}, // who are you?
		{smtptest.AtSender, 550, server.EnhancedCode{5, 1, 1}, messaging.ErrRefused}, // it does not know the reader yet
		{smtptest.AtReader, 554, server.EnhancedCode{5, 7, 1}, messaging.ErrRefused}, // relay denied
		{smtptest.AtReader, 550, server.EnhancedCode{5, 1, 8}, messaging.ErrRefused}, // the sender's domain
		{smtptest.AtReader, 550, server.NoEnhancedCode, messaging.ErrRefused},        // whom it is about is not said
		{smtptest.AtEnd, 554, server.EnhancedCode{5, 6, 0}, messaging.ErrRefused},    // the text
		{smtptest.AtReader, 550, server.EnhancedCode{5, 1, 1}, messaging.ErrRejected},
		{smtptest.AtReader, 556, server.EnhancedCode{5, 1, 10}, messaging.ErrRejected},
		{smtptest.AtReader, 550, server.EnhancedCode{5, 2, 1}, messaging.ErrRejected},
		{smtptest.AtEnd, 552, server.EnhancedCode{5, 2, 2}, messaging.ErrRejected},
	} {
		post.RefuseAt(c.step, 1, &server.SMTPError{Code: c.code, EnhancedCode: c.more, Message: "no"})
		err := m.Send(t.Context(), japaneseMail())
		require.ErrorIs(t, err, c.want, "%s %d %v", c.step, c.code, c.more)
		for _, other := range []error{messaging.ErrRefused, messaging.ErrRejected, messaging.ErrUnreached} {
			require.Equal(t, errors.Is(other, c.want), errors.Is(err, other), "%s %d %v", c.step, c.code, c.more)
		}
		require.NotContains(t, err.Error(), "hanako", "what the server said is shown to staff")
	}
	require.Empty(t, post.Received())
}

func TestWrongSettingsAreNotTheReadersFault(t *testing.T) {
	t.Parallel()
	post := smtptest.New(t)
	out := japaneseMail()
	out.ReturnPath = "bounces at noren.example"
	err := mailer(t, post, "smtp", "?tls=none", "").Send(t.Context(), out)
	require.ErrorIs(t, err, messaging.ErrRefused)
	require.NotErrorIs(t, err, messaging.ErrRejected)
}

func TestServerThatIsNotThereHasRefusedNothing(t *testing.T) {
	t.Parallel()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	m, err := smtp.New("smtp://"+closed.Addr().String()+"?tls=none", nil)
	require.NoError(t, err)
	require.ErrorIs(t, m.Send(t.Context(), japaneseMail()), messaging.ErrUnreached)
}

func TestWhatWasTakenIsSentThoughTheServerHangsUp(t *testing.T) {
	t.Parallel()
	hasty, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = hasty.Close() })
	go func() {
		c, err := hasty.Accept()
		if err != nil {
			return
		}
		defer func() { _ = c.Close() }()
		_, _ = io.WriteString(c, "220 hello\r\n")
		for lines, letter := bufio.NewScanner(c), false; lines.Scan(); {
			switch line := lines.Text(); {
			case letter && line == ".":
				_, _ = io.WriteString(c, "250 taken\r\n")
				return
			case letter:
			case line == "DATA":
				letter = true
				_, _ = io.WriteString(c, "354 go on\r\n")
			default:
				_, _ = io.WriteString(c, "250 yes\r\n")
			}
		}
	}()
	m, err := smtp.New("smtp://"+hasty.Addr().String()+"?tls=none", nil)
	require.NoError(t, err)
	require.NoError(t, m.Send(t.Context(), japaneseMail()), "else it would be sent again")
}

func TestNamesArriveWhateverMarksAreInThem(t *testing.T) {
	t.Parallel()
	post := smtptest.New(t)
	m := mailer(t, post, "smtp", "?tls=none", "")
	names := []string{`山田"花子`, `abc\`, `"`, `O'Neil, "Tip" <x@example.jp>`, "山田 (花子)", "two\r\nlines: x", ""}
	for _, name := range names {
		out := japaneseMail()
		out.To.Name, out.From.Name = name, name
		require.NoError(t, m.Send(t.Context(), out), name)
	}
	for i, l := range post.Received() {
		require.Equal(t, []string{"hanako@example.jp"}, l.To)
		header, _, _ := parts(t, l.Data)
		for _, field := range []string{"To", "From"} {
			all, err := header.AddressList(field)
			require.NoError(t, err, names[i])
			require.Len(t, all, 1)
			require.Equal(t, names[i], all[0].Name)
		}
	}
}

func TestAddressWithALineBreakIsRejectedNotSent(t *testing.T) {
	t.Parallel()
	post := smtptest.New(t)
	out := japaneseMail()
	out.To.Email = "hanako@example.jp\r\nBcc: other@example.jp"

	require.ErrorIs(t, mailer(t, post, "smtp", "?tls=none", "").Send(t.Context(), out), messaging.ErrRejected)
	require.Empty(t, post.Received())
}

func TestSilentServerDoesNotHoldTheWorkerForEver(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	m, err := smtp.New("smtp://"+silent.Addr().String()+"?tls=none", nil)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()

	err = m.Send(ctx, japaneseMail())
	require.Error(t, err)
	require.NotErrorIs(t, err, messaging.ErrRejected)
}

func TestTLSIsRequiredUnlessSaidOtherwise(t *testing.T) {
	t.Parallel()
	plain := smtptest.New(t)
	err := mailer(t, plain, "smtp", "", "").Send(t.Context(), japaneseMail())
	require.ErrorContains(t, err, "STARTTLS")
	require.Empty(t, plain.Received())

	secure := smtptest.New(t, smtptest.WithTLS)
	require.NoError(t, mailer(t, secure, "smtp", "", "").Send(t.Context(), japaneseMail()))
	require.True(t, only(t, secure).TLS)
}

func TestPasswordIsSentUnderTLSOnly(t *testing.T) {
	t.Parallel()
	secure := smtptest.New(t, smtptest.WithTLS, smtptest.WithPassword("shop", "s3cret"))
	require.NoError(t, mailer(t, secure, "smtp", "", "shop:s3cret@").Send(t.Context(), japaneseMail()))
	require.Equal(t, "shop", only(t, secure).User)

	wrong := mailer(t, secure, "smtp", "", "shop:wrong@").Send(t.Context(), japaneseMail())
	require.Error(t, wrong)
	require.NotContains(t, wrong.Error(), "wrong@")
	require.NotErrorIs(t, wrong, messaging.ErrRejected, "a wrong setting is mended and the mail still goes out")

	plain := smtptest.New(t, smtptest.WithPassword("shop", "s3cret"))
	require.Error(t, mailer(t, plain, "smtp", "?tls=none", "shop:s3cret@").Send(t.Context(), japaneseMail()))
	require.Empty(t, plain.Received())
}

func TestUnknownAuthorityIsNotTrusted(t *testing.T) {
	t.Parallel()
	post := smtptest.New(t, smtptest.WithTLS)
	m, err := smtp.New("smtp://"+post.Address, nil)
	require.NoError(t, err)

	require.Error(t, m.Send(t.Context(), japaneseMail()))
	require.Empty(t, post.Received())
}

func TestWrongURLSaysWhatIsExpectedAndKeepsThePassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "mail.example.jp", "http://u:hunter2@mail.example.jp", "smtp://u:hunter2@mail.example.jp?tls=maybe", "smtp://u:hunter2@mail.example.jp:99999", "smtp://u:hunter2@%zz"} {
		_, err := smtp.New(url, nil)
		require.Error(t, err, url)
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func japaneseMail() messaging.Mail {
	return messaging.Mail{
		MessageID: "abc@noren.example",
		From:      messaging.Address{Name: "のれんペット", Email: "no-reply@noren.example"},
		To:        messaging.Address{Name: "山田 花子", Email: "hanako@example.jp"},
		Rendered: messaging.Rendered{
			Subject: "【のれんペット】ご注文ありがとうございます（注文番号 ﾃｽﾄ-髙﨑）",
			Text:    "合計：1,980円\n",
			HTML:    "<p>合計：1,980円</p>",
		},
	}
}

// parts takes a multipart/alternative mail apart.
func parts(t *testing.T, data string) (header mail.Header, text, html string) {
	t.Helper()
	msg, err := mail.ReadMessage(strings.NewReader(data))
	require.NoError(t, err)
	kind, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	require.NoError(t, err)
	require.Equal(t, "multipart/alternative", kind)
	bodies := map[string]string{}
	for r := multipart.NewReader(msg.Body, params["boundary"]); ; {
		part, err := r.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
		require.Equal(t, "base64", part.Header.Get("Content-Transfer-Encoding"))
		raw, err := io.ReadAll(base64.NewDecoder(base64.StdEncoding, part))
		require.NoError(t, err)
		media, params, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		require.NoError(t, err)
		require.Equal(t, "utf-8", strings.ToLower(params["charset"]))
		bodies[media] = string(raw)
	}
	return msg.Header, bodies["text/plain"], bodies["text/html"]
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] > 127 {
			return false
		}
	}
	return true
}

func mailer(t *testing.T, p *smtptest.PostOffice, scheme, query, userinfo string) *smtp.Mailer {
	t.Helper()
	var roots *tls.Config
	if p.Roots != nil {
		roots = &tls.Config{RootCAs: p.Roots, MinVersion: tls.VersionTLS12}
	}
	m, err := smtp.New(scheme+"://"+userinfo+p.Address+query, roots)
	require.NoError(t, err)
	return m
}

func only(t *testing.T, p *smtptest.PostOffice) smtptest.Letter {
	t.Helper()
	got := p.Received()
	require.Len(t, got, 1)
	return got[0]
}
