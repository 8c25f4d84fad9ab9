package app

import (
	"net/mail"
	"sync"

	"github.com/noren-commerce/noren/adapters/mailbox"
	"github.com/noren-commerce/noren/adapters/smtp"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// MailConfig says how mail leaves.
type MailConfig struct {
	SMTPURL           string `name:"smtp-url" env:"SMTP_URL" help:"Mail server: smtp://user:password@host:587 (STARTTLS), smtps://…, or smtp://host:1025?tls=none. Without it mails are kept in memory and shown at /dev/mail (noren dev)."`
	MailBounces       string `env:"MAIL_BOUNCES" help:"Address to which e-mails of mailings come back that cannot be delivered (Return-Path); the sender's if left out."`
	MailUnsubscribe   string `env:"MAIL_UNSUBSCRIBE" help:"Address that takes wishes to be written to no more (List-Unsubscribe: mailto); none if left out."`
	MailWebhookSecret string `env:"MAIL_WEBHOOK_SECRET" help:"Signs what a mail server hands to /webhooks/mail of what arrives at those two; without it nothing is taken."`
	MailFrom          string `env:"MAIL_FROM" default:"no-reply@noren.example" help:"Sender of mails: shop@example.jp, or \"Shop <shop@example.jp>\"; without a name the brand's stands there."`
}

// check fails on the first setting that no mail can leave with.
func (c MailConfig) check() error {
	if c.SMTPURL == "" {
		return setting("SMTP_URL", "must name the mail server: smtp://user:password@host:587")
	}
	if _, err := smtp.New(c.SMTPURL, nil); err != nil {
		return setting("SMTP_URL", "%w", err)
	}
	if _, err := mail.ParseAddress(c.MailFrom); err != nil || c.MailFrom == "no-reply@noren.example" {
		return setting("MAIL_FROM", "must be the address that mails come from: shop@example.jp")
	}
	for name, address := range map[string]string{"MAIL_BOUNCES": c.MailBounces, "MAIL_UNSUBSCRIBE": c.MailUnsubscribe} {
		if parsed, err := mail.ParseAddress(address); address != "" && (err != nil || parsed.Address != address) {
			return setting(name, "must be a mail address such as bounces@example.jp")
		}
	}
	return nil
}

// renderer reads the mails' templates, once for a process.
var renderer = sync.OnceValues(func() (*messaging.Renderer, error) { return messaging.NewRenderer(payment.DefaultTerms().Zone) })

// newSender makes what sends messages. The mailbox is nil if a mail server is set.
func newSender(c MailConfig, db *postgres.DB, sealed *sealing.Keys, now clock.Clock) (*messaging.Sender, *mailbox.Mailbox, error) {
	words, err := renderer()
	if err != nil {
		return nil, nil, err
	}
	from := messaging.Address{Email: "no-reply@noren.example"}
	if c.MailFrom != "" {
		parsed, err := mail.ParseAddress(c.MailFrom)
		if err != nil {
			return nil, nil, setting("MAIL_FROM", "must be a mail address such as shop@example.jp")
		}
		from = messaging.Address{Name: parsed.Name, Email: parsed.Address}
	}
	log := postgres.NewMessages(db, sealed)
	if c.SMTPURL == "" {
		box := mailbox.New()
		return messaging.NewSender(words, box, log, from, now), box, nil
	}
	mailer, err := smtp.New(c.SMTPURL, nil)
	if err != nil {
		return nil, nil, setting("SMTP_URL", "%w", err)
	}
	return messaging.NewSender(words, mailer, log, from, now), nil, nil
}
