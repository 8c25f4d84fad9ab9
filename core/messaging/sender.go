package messaging

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/i18n"
)

// Mail is a message ready to be sent.
type Mail struct {
	MessageID string // without angle brackets; the same for every attempt
	From      Address
	To        Address
	Rendered
	Unsubscribe *Unsubscribe // of what is written to many; nil for others
	ReturnPath  string       // where it comes back to, if not to From
}

// Unsubscribe says how to be written to no more (RFC 8058).
type Unsubscribe struct {
	URL    string // takes a POST
	Mailto string // a mailto: address; empty for none
}

// Mailer hands a mail to whoever carries it. ErrRejected says that trying again is
// of no use; after any other error the mail should be tried again, after ErrRefused
// once somebody has seen to it.
type Mailer interface {
	Send(ctx context.Context, m Mail) error
}

// Why a mail was not taken.
var (
	// ErrRejected says that a mail cannot be delivered to its reader, now or later.
	ErrRejected = errors.New("mail was rejected for good")
	// ErrRefused says that no mail of this kind is taken, whoever the reader is: the
	// quota is used up, a policy is against it, the sender is not known.
	ErrRefused = errors.New("mail is refused")
	// ErrUnreached says that the mail server could not be reached: it has said nothing
	// of this mail.
	ErrUnreached = errors.New("the mail server was not reached")
)

// Refusal is a mail server's no, for good.
type Refusal struct {
	Cause  error  // ErrRejected or ErrRefused
	Status string // enhanced status code (RFC 3463); empty for none
	Said   string
}

func (r *Refusal) Error() string { return r.Said }

// Unwrap is the cause.
func (r *Refusal) Unwrap() error { return r.Cause }

// Delivery is what became of a message.
type Delivery struct {
	Key       string
	Kind      Kind
	BrandID   uuid.UUID
	Recipient string
	MessageID string
	SentAt    *time.Time // nil if it was rejected
	Rejection string
	At        time.Time
}

var anAddress = regexp.MustCompile(`[^\s<>()\[\]:;,"]+@[^\s<>()\[\]:;,"]+`)

// WithoutAddresses is what a mail server said, without the e-mail addresses that it names.
func WithoutAddresses(said string) string { return anAddress.ReplaceAllString(said, "…@…") }

// Log remembers deliveries, so that nothing is sent twice.
type Log interface {
	// Settled reports whether the message has been sent or rejected for good.
	Settled(ctx context.Context, key string) (bool, error)
	Record(ctx context.Context, d Delivery) error
	// ShopName is the name of a brand as customers know it.
	ShopName(ctx context.Context, brandID uuid.UUID) (i18n.Text, error)
}

// Sender renders messages and sends them.
type Sender struct {
	words  *Renderer
	mailer Mailer
	log    Log
	from   Address
	now    clock.Clock
}

// NewSender makes a sender whose mails come from the address. Where it has no
// name, the shop's name stands there.
func NewSender(words *Renderer, mailer Mailer, log Log, from Address, now clock.Clock) *Sender {
	return &Sender{words: words, mailer: mailer, log: log, from: from, now: now}
}

// Send sends the message unless that has been done. A process that dies between
// the mail server's yes and the log's entry sends it again, under the same
// Message-ID. ErrRejected needs no further try; after any other error try again.
func (s *Sender) Send(ctx context.Context, m Message) error {
	settled, err := s.log.Settled(ctx, m.Key)
	if err != nil || settled {
		return err
	}
	mail, err := s.compose(ctx, m)
	if err != nil {
		return err
	}
	delivery := Delivery{
		Key: m.Key, Kind: m.Kind, BrandID: m.BrandID, Recipient: m.To.Email, MessageID: mail.MessageID, At: s.now(),
	}
	switch err := s.mailer.Send(ctx, mail); {
	case errors.Is(err, ErrRejected):
		delivery.Rejection = WithoutAddresses(err.Error())
		return errors.Join(err, s.log.Record(ctx, delivery))
	case err != nil:
		return fmt.Errorf("send %s: %w", m.Key, err)
	}
	sent := s.now()
	delivery.SentAt = &sent
	return s.log.Record(ctx, delivery)
}

// Compose puts the message into words and says from whom it is.
func (s *Sender) Compose(ctx context.Context, m Message) (Mail, error) { return s.compose(ctx, m) }

// Hand hands a mail over as it is; nothing is kept of it. See Mailer.
func (s *Sender) Hand(ctx context.Context, m Mail) error { return s.mailer.Send(ctx, m) }

func (s *Sender) compose(ctx context.Context, m Message) (Mail, error) {
	name, err := s.log.ShopName(ctx, m.BrandID)
	if err != nil {
		return Mail{}, fmt.Errorf("name the shop of message %s: %w", m.Key, err)
	}
	rendered, err := s.words.Render(m, name.In(m.Language))
	if err != nil {
		return Mail{}, err
	}
	from := s.from
	if from.Name == "" {
		from.Name = name.In(m.Language)
	}
	return Mail{MessageID: messageID(m.Key, from.Email), From: from, To: m.To, Rendered: rendered}, nil
}

// messageID is the same for every attempt at one message, so that mail systems
// recognise a repetition. The key is hashed because it may contain a token's id.
func messageID(key, from string) string {
	sum := sha256.Sum256([]byte(key))
	_, domain, _ := strings.Cut(from, "@")
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20])) + "@" + domain
}
