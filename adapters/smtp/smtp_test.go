package smtp_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"io"
	"log"
	"math/big"
	"mime"
	"mime/multipart"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	server "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/smtp"
	"github.com/noren-commerce/noren/core/messaging"
)

func TestSendWritesJapaneseMailThatReadersUnderstand(t *testing.T) {
	t.Parallel()
	post := newPostOffice(t)
	mailer := post.mailer(t, "smtp", "?tls=none", "")

	require.NoError(t, mailer.Send(t.Context(), japaneseMail()))

	got := post.only(t)
	require.Equal(t, "no-reply@noren.example", got.from)
	require.Equal(t, []string{"hanako@example.jp"}, got.to)
	require.True(t, isASCII(got.data), "headers and bodies travel in 7 bits, whatever the servers on the way can do")
	header, text, html := parts(t, got.data)
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

func TestServerThatRefusesForNowIsTriedAgain(t *testing.T) {
	t.Parallel()
	post := newPostOffice(t)
	post.refuse(&server.SMTPError{Code: 451, EnhancedCode: server.EnhancedCode{4, 3, 0}, Message: "try later"})
	mailer := post.mailer(t, "smtp", "?tls=none", "")

	err := mailer.Send(t.Context(), japaneseMail())
	require.Error(t, err)
	require.NotErrorIs(t, err, messaging.ErrRejected)

	require.NoError(t, mailer.Send(t.Context(), japaneseMail()))
	post.only(t)
}

func TestServerThatRefusesForGoodIsNot(t *testing.T) {
	t.Parallel()
	post := newPostOffice(t)
	post.refuse(&server.SMTPError{Code: 550, EnhancedCode: server.EnhancedCode{5, 1, 1}, Message: "no such mailbox"})

	err := post.mailer(t, "smtp", "?tls=none", "").Send(t.Context(), japaneseMail())
	require.ErrorIs(t, err, messaging.ErrRejected)
	require.Contains(t, err.Error(), "no such mailbox")
}

func TestAddressWithALineBreakIsRejectedNotSent(t *testing.T) {
	t.Parallel()
	post := newPostOffice(t)
	out := japaneseMail()
	out.To.Email = "hanako@example.jp\r\nBcc: other@example.jp"

	require.ErrorIs(t, post.mailer(t, "smtp", "?tls=none", "").Send(t.Context(), out), messaging.ErrRejected)
	require.Empty(t, post.received())
}

func TestSilentServerDoesNotHoldTheWorkerForEver(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })
	mailer, err := smtp.New("smtp://"+silent.Addr().String()+"?tls=none", nil)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()

	err = mailer.Send(ctx, japaneseMail())
	require.Error(t, err)
	require.NotErrorIs(t, err, messaging.ErrRejected)
}

func TestTLSIsRequiredUnlessSaidOtherwise(t *testing.T) {
	t.Parallel()
	plain := newPostOffice(t)
	err := plain.mailer(t, "smtp", "", "").Send(t.Context(), japaneseMail())
	require.ErrorContains(t, err, "STARTTLS")
	require.Empty(t, plain.received())

	secure := newPostOffice(t, withTLS)
	require.NoError(t, secure.mailer(t, "smtp", "", "").Send(t.Context(), japaneseMail()))
	require.True(t, secure.only(t).tls)
}

func TestPasswordIsSentUnderTLSOnly(t *testing.T) {
	t.Parallel()
	secure := newPostOffice(t, withTLS, withPassword("shop", "s3cret"))
	require.NoError(t, secure.mailer(t, "smtp", "", "shop:s3cret@").Send(t.Context(), japaneseMail()))
	require.Equal(t, "shop", secure.only(t).user)

	wrong := secure.mailer(t, "smtp", "", "shop:wrong@").Send(t.Context(), japaneseMail())
	require.Error(t, wrong)
	require.NotContains(t, wrong.Error(), "wrong@")
	require.NotErrorIs(t, wrong, messaging.ErrRejected, "a wrong setting is mended and the mail still goes out")

	plain := newPostOffice(t, withPassword("shop", "s3cret"))
	require.Error(t, plain.mailer(t, "smtp", "?tls=none", "shop:s3cret@").Send(t.Context(), japaneseMail()))
	require.Empty(t, plain.received())
}

func TestUnknownAuthorityIsNotTrusted(t *testing.T) {
	t.Parallel()
	post := newPostOffice(t, withTLS)
	mailer, err := smtp.New("smtp://"+post.address, nil)
	require.NoError(t, err)

	require.Error(t, mailer.Send(t.Context(), japaneseMail()))
	require.Empty(t, post.received())
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

// postOffice is a real SMTP server that keeps what it is given.
type postOffice struct {
	address        string
	roots          *x509.CertPool
	user, password string
	mu             sync.Mutex
	letters        []letter
	refusals       []*server.SMTPError
}

type letter struct {
	from string
	to   []string
	data string
	user string
	tls  bool
}

type option func(*postOffice, *server.Server)

func withPassword(user, password string) option {
	return func(p *postOffice, _ *server.Server) { p.user, p.password = user, password }
}

func withTLS(p *postOffice, s *server.Server) {
	cert, roots := certificate()
	p.roots = roots
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
}

func newPostOffice(t *testing.T, options ...option) *postOffice {
	t.Helper()
	p := &postOffice{}
	s := server.NewServer(server.BackendFunc(func(c *server.Conn) (server.Session, error) {
		return &session{office: p, conn: c}, nil
	}))
	s.Domain, s.ErrorLog, s.AllowInsecureAuth = "localhost", log.New(io.Discard, "", 0), true
	s.ReadTimeout, s.WriteTimeout = 10*time.Second, 10*time.Second
	for _, o := range options {
		o(p, s)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p.address = listener.Addr().String()
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(func() { _ = s.Close() })
	return p
}

func (p *postOffice) mailer(t *testing.T, scheme, query, userinfo string) *smtp.Mailer {
	t.Helper()
	var roots *tls.Config
	if p.roots != nil {
		roots = &tls.Config{RootCAs: p.roots, MinVersion: tls.VersionTLS12}
	}
	m, err := smtp.New(scheme+"://"+userinfo+p.address+query, roots)
	require.NoError(t, err)
	return m
}

func (p *postOffice) refuse(e *server.SMTPError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusals = append(p.refusals, e)
}

func (p *postOffice) received() []letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]letter(nil), p.letters...)
}

func (p *postOffice) only(t *testing.T) letter {
	t.Helper()
	got := p.received()
	require.Len(t, got, 1)
	return got[0]
}

type session struct {
	office *postOffice
	conn   *server.Conn
	letter letter
}

func (s *session) Reset()        { s.letter = letter{user: s.letter.user} }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *server.MailOptions) error {
	if s.office.user != "" && s.letter.user == "" {
		return server.ErrAuthRequired
	}
	s.letter.from = from
	_, s.letter.tls = s.conn.TLSConnectionState()
	return nil
}

func (s *session) Rcpt(to string, _ *server.RcptOptions) error {
	s.letter.to = append(s.letter.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.letter.data = string(raw)
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
	if len(s.office.refusals) > 0 {
		refusal := s.office.refusals[0]
		s.office.refusals = s.office.refusals[1:]
		return refusal
	}
	s.office.letters = append(s.office.letters, s.letter)
	return nil
}

func (s *session) AuthMechanisms() []string {
	if s.office.user == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.office.user || password != s.office.password {
			return server.ErrAuthFailed
		}
		s.letter.user = user
		return nil
	}), nil
}

// certificate is a throw-away certificate for 127.0.0.1.
func certificate() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "post office"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:        true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}
