// Package smtptest is a real SMTP server, in the test's process, that keeps what
// it is given and refuses what it is told to.
package smtptest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"io"
	"log"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	server "github.com/emersion/go-smtp"
	"github.com/stretchr/testify/require"
)

// PostOffice is one mail server.
type PostOffice struct {
	Address        string         // host:port
	Roots          *x509.CertPool // whom to trust under TLS; nil without
	user, password string
	mu             sync.Mutex
	letters        []Letter
	refusals       map[Step][]*server.SMTPError
}

// Step is at what the server refuses a mail.
type Step string

// The steps.
const (
	AtSender Step = "MAIL FROM"
	AtReader Step = "RCPT TO"
	AtEnd    Step = "DATA"
)

// Letter is one mail as it came over the wire.
type Letter struct {
	From string
	To   []string
	Data string
	User string // who had logged in
	TLS  bool
}

// Option changes the server.
type Option func(*PostOffice, *server.Server)

// WithPassword asks for a login.
func WithPassword(user, password string) Option {
	return func(p *PostOffice, _ *server.Server) { p.user, p.password = user, password }
}

// WithTLS offers STARTTLS.
func WithTLS(p *PostOffice, s *server.Server) {
	cert, roots := certificate()
	p.Roots = roots
	s.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12}
}

// New runs a mail server until the test ends.
func New(t testing.TB, options ...Option) *PostOffice {
	t.Helper()
	p := &PostOffice{refusals: map[Step][]*server.SMTPError{}}
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
	p.Address = listener.Addr().String()
	go func() { _ = s.Serve(listener) }()
	t.Cleanup(func() { _ = s.Close() })
	return p
}

// Refuse answers the next mail with the refusal; refusals queue up.
func (p *PostOffice) Refuse(e *server.SMTPError) { p.RefuseAt(AtEnd, 1, e) }

// RefuseAt answers that step of the next so many mails with the refusal.
func (p *PostOffice) RefuseAt(step Step, times int, e *server.SMTPError) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for range times {
		p.refusals[step] = append(p.refusals[step], e)
	}
}

// Relent forgets what was to be refused.
func (p *PostOffice) Relent() {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.refusals)
}

// refusal is what the server says no with at the step; nil if it does not.
func (p *PostOffice) refusal(step Step) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	waiting := p.refusals[step]
	if len(waiting) == 0 {
		return nil
	}
	p.refusals[step] = waiting[1:]
	return waiting[0]
}

// Received are the mails that were taken, oldest first.
func (p *PostOffice) Received() []Letter {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Letter(nil), p.letters...)
}

type session struct {
	office *PostOffice
	conn   *server.Conn
	letter Letter
}

func (s *session) Reset()        { s.letter = Letter{User: s.letter.User} }
func (s *session) Logout() error { return nil }

func (s *session) Mail(from string, _ *server.MailOptions) error {
	if s.office.user != "" && s.letter.User == "" {
		return server.ErrAuthRequired
	}
	s.letter.From = from
	_, s.letter.TLS = s.conn.TLSConnectionState()
	return s.office.refusal(AtSender)
}

func (s *session) Rcpt(to string, _ *server.RcptOptions) error {
	s.letter.To = append(s.letter.To, to)
	return s.office.refusal(AtReader)
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.letter.Data = string(raw)
	if refusal := s.office.refusal(AtEnd); refusal != nil {
		return refusal
	}
	s.office.mu.Lock()
	defer s.office.mu.Unlock()
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
		s.letter.User = user
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
