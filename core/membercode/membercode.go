// Package membercode is how a member says at a counter who it is (デジタル会員証): a signed
// text that holds for minutes, and once.
package membercode

import (
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/qr"
)

// holds is for how long a code holds: long enough to scan what is bought after it.
const holds = 5 * time.Minute

// Failures of a code.
var (
	ErrInvalid = fault.Invalid("MEMBER_CODE_INVALID", "会員コードが正しくないか、使用済みです。もう一度表示してもらってください", "The member's code is not one, or has been used; ask for a fresh one")
	ErrCard    = fault.Invalid("MEMBER_CARD_INVALID", "この会員カードはご利用いただけません。番号をご確認ください", "This card cannot be used; please check its number")
	ErrTries   = fault.Limited("MEMBER_CARD_TRIES", "誤った会員番号が続いたため、会員カードは%d秒後までご利用いただけません", "Too many cards were wrong; cards can be used again in %d seconds")
	ErrExpired = fault.Invalid("MEMBER_CODE_EXPIRED", "会員コードの有効期限が切れています。もう一度表示してもらってください", "The member's code is too old; ask for a fresh one")
)

// Code is a member's code.
type Code struct {
	Text      string
	ExpiresAt time.Time
}

// SquareCode is the code as a camera reads it.
func (c Code) SquareCode() qr.Code { return qr.Code{Text: c.Text} }

// Store remembers codes that were used.
type Store interface {
	// Use notes that the code was used; false if it was before.
	Use(ctx context.Context, nonce uuid.UUID, memberID uuid.UUID, at, until time.Time) (bool, error)
	// Role is the role of the member with the account; empty if it is closed.
	Role(ctx context.Context, memberID uuid.UUID) (access.Role, error)
	// Holder is the brand's member who has the card of the number, if it works, and as what
	// they buy; nil if there is none.
	Holder(ctx context.Context, brandID uuid.UUID, number string) (*Holder, error)
}

// Holder is who has a card: with an account, or with the card alone.
type Holder struct {
	MemberID uuid.UUID
	Role     access.Role
}

// guesses is how many cards of nobody's may be shown. Of the ten thousand million numbers one
// in ten thousand is some member's where there are a million: who shows 20 wrong ones an hour
// finds one in three weeks, and who calls for a chain, 200, two days for one. A shop of a chain
// has 20 like any other, so that one till does not use up what all have.
var guesses = limit.Wrong{Kind: "card", Rate: limit.Rate{Allowed: 20, Per: time.Hour}, Client: limit.Rate{Allowed: 200, Per: time.Hour}}

// Service makes and reads codes.
type Service struct {
	store   Store
	key     []byte
	limiter limit.Limiter
	now     clock.Clock
}

// New makes the service. Its key is derived from noren's secret. Without a limiter nobody
// counts wrong cards.
func New(store Store, secret string, limiter limit.Limiter, now clock.Clock) (*Service, error) {
	if secret == "" {
		return nil, errors.New("NOREN_SECRET is missing: members' codes are signed with it")
	}
	key, err := hkdf.Key(sha256.New, []byte(secret), nil, "noren member codes", sha256.Size)
	return &Service{store, key, limiter, now}, err
}

// begins is what every code begins with.
const begins = "noren:member:"

// A code's bytes: the member, a nonce, the second at which it ends, and the signature.
const (
	signed = 16 + 16 + 8
	length = signed + 16
)

// Issue is a fresh code of the actor, who is a member.
func (s *Service) Issue(ctx context.Context) (Code, error) {
	actor := access.From(ctx)
	if !actor.Is(access.RoleMember, access.RoleCompanyBuyer) {
		return Code{}, fault.ErrForbidden
	}
	until := s.now().Add(holds).Truncate(time.Second)
	raw := make([]byte, 0, length)
	raw = append(raw, actor.ID[:]...)
	nonce := make([]byte, 16)
	if _, err := rand.Read(nonce); err != nil {
		return Code{}, err
	}
	raw = append(raw, nonce...)
	raw = binary.BigEndian.AppendUint64(raw, uint64(until.Unix())) //nolint:gosec // no year before 1970
	raw = append(raw, s.sign(channel.From(ctx).BrandID, raw)...)
	return Code{begins + base64.RawURLEncoding.EncodeToString(raw), until}, nil
}

// sign signs for one brand: a code shown to another's till says nothing there.
func (s *Service) sign(brandID uuid.UUID, of []byte) []byte {
	h := hmac.New(sha256.New, s.key)
	h.Write(brandID[:])
	h.Write(of)
	return h.Sum(nil)[:16]
}

// Read is the member who shows the code in the channel's brand. With use, the code is used
// up, in the transaction of the context.
func (s *Service) Read(ctx context.Context, text string, use bool) (access.Actor, error) {
	body, ok := strings.CutPrefix(strings.TrimSpace(text), begins)
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if !ok || err != nil || len(raw) != length || !hmac.Equal(raw[signed:], s.sign(channel.From(ctx).BrandID, raw[:signed])) {
		return access.Actor{}, ErrInvalid
	}
	now, until := s.now(), time.Unix(int64(binary.BigEndian.Uint64(raw[32:signed])), 0) //nolint:gosec // noren signed it
	if !now.Before(until) {
		return access.Actor{}, ErrExpired
	}
	member := access.Actor{ID: uuid.UUID(raw[:16])}
	if member.Role, err = s.store.Role(ctx, member.ID); err != nil {
		return access.Actor{}, err
	}
	if !member.Is(access.RoleMember, access.RoleCompanyBuyer) {
		return access.Actor{}, ErrInvalid
	}
	if !use {
		return member, nil
	}
	fresh, err := s.store.Use(ctx, uuid.UUID(raw[16:32]), member.ID, now, until)
	if err == nil && !fresh {
		err = ErrInvalid
	}
	return member, err
}

// Card is the member of the channel's brand whose card has the number, of thirteen digits:
// with an account, or with the card alone, who has no code to show. After too many cards of
// nobody's, at the shop if one is named, none is looked up for the caller: a number is as good
// as the card.
func (s *Service) Card(ctx context.Context, number string, shopID *uuid.UUID) (access.Actor, error) {
	seconds, right := guesses.Try(ctx, s.limiter, shopID)
	if seconds > 0 {
		return access.Actor{}, ErrTries.With(seconds)
	}
	h, err := s.store.Holder(ctx, channel.From(ctx).BrandID, number)
	switch {
	case err != nil:
		right() // nobody has learned anything
		return access.Actor{}, err
	case h == nil:
		return access.Actor{}, ErrCard
	}
	right()
	return access.Actor{ID: h.MemberID, Role: h.Role}, nil
}
