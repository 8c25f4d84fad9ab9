// Package smtp sends mail over SMTP.
package smtp

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/noren-commerce/noren/core/messaging"
)

// timeout bounds the connection and each exchange with the server.
const timeout = 20 * time.Second

// Mailer is a messaging.Mailer over one SMTP server. It opens a connection per
// mail, so that a restarted server costs nothing.
type Mailer struct {
	host    string
	options []mail.Option
}

// New makes a mailer from a URL:
//
//	smtp://user:password@mail.example.jp:587           STARTTLS, or no mail
//	smtps://user:password@mail.example.jp              TLS from the first byte
//	smtp://127.0.0.1:1025?tls=opportunistic            STARTTLS where offered
//	smtp://127.0.0.1:1025?tls=none                     plain text; never carries a password
//
// roots, when not nil, replaces the machine's own certificate authorities.
func New(rawURL string, roots *tls.Config) (*Mailer, error) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") {
		return nil, errors.New("should be smtp://user:password@host:port or smtps://…") // the URL holds a password: not repeated
	}
	m := &Mailer{host: u.Hostname()}
	if roots != nil {
		config := roots.Clone()
		config.ServerName, config.MinVersion = m.host, tls.VersionTLS12
		m.options = append(m.options, mail.WithTLSConfig(config))
	}
	if err := m.secure(u.Scheme, u.Query().Get("tls")); err != nil {
		return nil, err
	}
	if u.Port() != "" {
		port, err := strconv.Atoi(u.Port())
		if err != nil {
			return nil, fmt.Errorf("port %q is not a number", u.Port())
		}
		m.options = append(m.options, mail.WithPort(port))
	}
	if u.User.Username() != "" {
		password, _ := u.User.Password()
		m.options = append(m.options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover),
			mail.WithUsername(u.User.Username()), mail.WithPassword(password))
	}
	if _, err := mail.NewClient(m.host, m.options...); err != nil {
		return nil, err
	}
	return m, nil
}

func (m *Mailer) secure(scheme, policy string) error {
	if scheme == "smtps" {
		m.options = append(m.options, mail.WithSSLPort(false))
		return nil
	}
	switch policy {
	case "", "required":
		m.options = append(m.options, mail.WithTLSPortPolicy(mail.TLSMandatory))
	case "opportunistic":
		m.options = append(m.options, mail.WithTLSPortPolicy(mail.TLSOpportunistic))
	case "none":
		m.options = append(m.options, mail.WithTLSPortPolicy(mail.NoTLS))
	default:
		return fmt.Errorf("tls should be required, opportunistic or none, not %q", policy)
	}
	return nil
}

// Send hands the mail to the server. What the server says no to for good (a 5xx) is a
// messaging.Refusal.
func (m *Mailer) Send(ctx context.Context, out messaging.Mail) error {
	msg, err := compose(out)
	if err != nil {
		return err
	}
	client, err := mail.NewClient(m.host, append(slices.Clip(m.options), mail.WithTimeout(patience(ctx)))...)
	if err != nil {
		return fmt.Errorf("set up SMTP: %w", err)
	}
	err = client.DialAndSendWithContext(ctx, msg)
	var no *mail.SendError
	switch {
	case err == nil || msg.IsDelivered(): // what was taken is sent, though the server hung up then
		return nil
	case !errors.As(err, &no):
		return errors.Join(messaging.ErrUnreached, err)
	case no.ErrorCode() >= 500:
		return refusal(no)
	}
	return err
}

// refusal says whether it is the reader whom nothing can be delivered to, or whether the
// server would say no to anybody.
func refusal(no *mail.SendError) *messaging.Refusal {
	said, _, _ := strings.Cut(no.Error(), ", affected ")
	r := &messaging.Refusal{Cause: messaging.ErrRefused, Status: no.EnhancedStatusCode(), Said: said}
	if no.Reason != mail.ErrSMTPMailFrom && slices.Contains(ofMailboxes, r.Status) {
		r.Cause = messaging.ErrRejected
	}
	return r
}

// ofMailboxes are the status codes (RFC 3463, RFC 7505) that tell of the reader's address
// or mailbox. Others of 5.1 are also told of senders (5.1.0, 5.1.7, 5.1.8). Of a no without
// a code nobody knows whom it is about.
var ofMailboxes = []string{"5.1.1", "5.1.2", "5.1.3", "5.1.4", "5.1.6", "5.1.10", "5.2.0", "5.2.1", "5.2.2", "5.2.3", "5.2.4"}

// patience is how long to wait for the server: not past the context's deadline,
// which the library heeds only while it connects.
func patience(ctx context.Context) time.Duration {
	if deadline, ok := ctx.Deadline(); ok {
		return max(min(timeout, time.Until(deadline)), time.Millisecond)
	}
	return timeout
}

func compose(out messaging.Mail) (*mail.Msg, error) {
	msg := mail.NewMsg(mail.WithEncoding(mail.EncodingB64), mail.WithNoDefaultUserAgent())
	from, err := address(out.From)
	if err != nil {
		return nil, errors.Join(messaging.ErrRefused, fmt.Errorf("sender: %w", err))
	}
	to, err := address(out.To)
	if err != nil {
		return nil, errors.Join(messaging.ErrRejected, fmt.Errorf("recipient: %w", err))
	}
	msg.SetAddrHeaderFromMailAddress(mail.HeaderFrom, from)
	msg.SetAddrHeaderFromMailAddress(mail.HeaderTo, to)
	msg.SetMessageIDWithValue(out.MessageID)
	msg.SetDate()
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // no holiday notices in return (RFC 3834)
	if err := bulk(msg, out); err != nil {
		return nil, err
	}
	msg.Subject(out.Subject)
	msg.SetBodyString(mail.TypeTextPlain, out.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, out.HTML)
	return msg, nil
}

// address is the address, checked, with the name as it stands, whatever marks are in it.
func address(a messaging.Address) (*netmail.Address, error) {
	checked, err := netmail.ParseAddress("<" + a.Email + ">")
	if err != nil {
		return nil, err
	}
	checked.Name = a.Name
	return checked, nil
}

// bulk says how to be written to no more, and where the mail comes back to.
func bulk(msg *mail.Msg, out messaging.Mail) error {
	if out.ReturnPath != "" {
		if err := msg.EnvelopeFrom(out.ReturnPath); err != nil {
			return errors.Join(messaging.ErrRefused, fmt.Errorf("return path: %w", err))
		}
	}
	if out.Unsubscribe == nil {
		return nil
	}
	ways := "<" + out.Unsubscribe.URL + ">"
	if out.Unsubscribe.Mailto != "" {
		ways += ", <" + out.Unsubscribe.Mailto + ">"
	}
	msg.SetGenHeaderPreformatted("List-Unsubscribe", ways)
	msg.SetGenHeader("List-Unsubscribe-Post", "List-Unsubscribe=One-Click")
	msg.SetGenHeader("Precedence", "bulk")
	return nil
}
