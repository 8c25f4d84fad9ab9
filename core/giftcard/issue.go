package giftcard

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/money"
)

// PaidBy is how the shop got the money of cards that it issues.
type PaidBy string

// The ways. GIVEN cards are a gift of the shop.
const (
	PaidCash         PaidBy = "CASH"
	PaidCardTerminal PaidBy = "CARD_TERMINAL"
	PaidBank         PaidBy = "BANK"
	Given            PaidBy = "GIVEN"
)

// place is the account that the money is in.
func (p PaidBy) place() (ledger.Place, bool) {
	place, ok := map[PaidBy]ledger.Place{
		PaidCash: {Account: ledger.Cash}, PaidCardTerminal: {Account: ledger.Clearing, Sub: "card_terminal"},
		PaidBank: {Account: ledger.Bank}, Given: {Account: ledger.Promotions},
	}[p]
	return place, ok
}

// Bounds of what is issued.
const (
	MaxCards  = 10_000
	maxMinor  = 1_000_000 // minor units of yen on one card
	maxReason = 200
)

func checkReason(reason string) error {
	if reason == "" {
		return fault.ErrRequired.At("reason")
	}
	return i18n.CheckString("reason", reason, maxReason)
}

// IssueInput makes cards of one value.
type IssueInput struct {
	IdempotencyKey string
	Amount         decimal.Decimal // major units, on each
	Count          int
	PaidBy         PaidBy
	ExpiresAt      *time.Time
	Note           string
}

// Issued is what was made. CSV are the codes, shown this once; empty when the answer is
// replayed.
type Issued struct {
	BatchID uuid.UUID
	Count   int
	CSV     string `json:"-"`
}

// Batch is the id of what was made in the schema.
func (i Issued) Batch() string { return id.Global("GiftCardBatch", i.BatchID) }

func (s *Service) check(in IssueInput, currency money.Currency) (money.Money, error) {
	all := []error{i18n.CheckString("note", in.Note, maxReason)}
	if in.Count < 1 || in.Count > MaxCards {
		all = append(all, ErrCount.With(MaxCards).At("count"))
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.After(s.Now()) {
		all = append(all, errPast.At("expiresAt"))
	}
	if _, ok := in.PaidBy.place(); !ok {
		all = append(all, errSource.At("paidBy"))
	}
	value, err := money.Parse(in.Amount, currency)
	if err != nil || value.Minor < 1 || value.Minor > maxMinor {
		all = append(all, ErrValue.With(money.Of(maxMinor, currency)).At("amount"))
	}
	return value, errors.Join(all...)
}

// Issue makes cards (staff with GIFT_CARD_WRITE), once for each idempotency key. Their
// codes are told this once: noren keeps keyed hashes alone.
func (s *Service) Issue(ctx context.Context, in IssueInput) (*Issued, error) {
	if err := access.RequireEverywhere(ctx, access.GiftCardWrite); err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	value, err := s.check(in, ch.Money())
	if err != nil {
		return nil, err
	}
	var sheet string
	issued, err := idempotency.Once(ctx, s.Keys, "issueGiftCards", in.IdempotencyKey, in, func(ctx context.Context) (Issued, error) {
		made := Issued{BatchID: id.New(), Count: in.Count}
		cards, entries, text, err := s.make(ctx, in, value, made.BatchID)
		if err != nil {
			return made, err
		}
		sheet = text
		if err := s.Store.Insert(ctx, cards, entries); err != nil {
			return made, err
		}
		where, _ := in.PaidBy.place()
		if err := s.Books.CardsIssued(ctx, ledger.Cards{
			BrandID: ch.BrandID, CauseID: made.BatchID, Where: where, Currency: value.Currency, Minor: value.Minor * int64(in.Count), Memo: in.Note,
		}); err != nil {
			return made, err
		}
		return made, s.Events.Record(ctx, event.New(ctx, s.Now(), "gift_cards.issued", "GiftCardBatch", made.BatchID, map[string]any{
			"count": in.Count, "amount": value.Minor, "paidBy": in.PaidBy, "expiresAt": in.ExpiresAt, "note": in.Note,
		}))
	})
	if err != nil {
		return nil, err
	}
	issued.CSV = sheet
	return &issued, nil
}

func (s *Service) make(ctx context.Context, in IssueInput, value money.Money, batch uuid.UUID) ([]NewCard, []Entry, string, error) {
	var text bytes.Buffer
	sheet := csv.NewWriter(&text)
	_ = sheet.Write([]string{"code", "amount", "expires_at"}) // a buffer takes everything
	until := ""
	if in.ExpiresAt != nil {
		until = in.ExpiresAt.UTC().Format(time.RFC3339)
	}
	brandID, now := channel.From(ctx).BrandID, s.Now()
	cards, entries := make([]NewCard, in.Count), make([]Entry, in.Count)
	for i := range cards {
		shown, normal, err := newCode()
		if err != nil {
			return nil, nil, "", err
		}
		c := Card{
			ID: id.New(), BrandID: brandID, BatchID: batch, Ending: normal[len(normal)-4:], Currency: value.Currency, InitialMinor: value.Minor,
			BalanceMinor: value.Minor, ExpiresAt: in.ExpiresAt, Note: in.Note, CreatedAt: now, UpdatedAt: now,
		}
		cards[i], entries[i] = NewCard{c, s.hash(brandID, normal)}, s.entry(ctx, c, EntryIssue, value.Minor)
		_ = sheet.Write([]string{shown, value.Amount().String(), until})
	}
	sheet.Flush()
	return cards, entries, text.String(), nil
}
