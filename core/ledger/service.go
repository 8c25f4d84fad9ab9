package ledger

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
)

// Store keeps the journal.
type Store interface {
	Poster
	// Entry is nil when the brand has none such.
	Entry(ctx context.Context, brandID, entryID uuid.UUID) (*Entry, error)
	List(ctx context.Context, q Query) (page.Connection[Entry], error)
	LinesOf(ctx context.Context, entryIDs []uuid.UUID) ([]Line, error)
	Balances(ctx context.Context, brandID uuid.UUID, until *time.Time) ([]Balance, error)
	// Reversed reports whether an entry has been taken back.
	Reversed(ctx context.Context, brandID, entryID uuid.UUID) (bool, error)
	ReportStore
	FileStore
	ReconciliationStore
	// TillSums are the days of tills, the newest first; of all tills if no shops are named.
	TillSums(ctx context.Context, q TillQuery) ([]TillSum, error)
}

// Service lets accountants read the journal and correct it.
type Service struct {
	Parts
	books *Books
}

// Parts are what the service is made of.
type Parts struct {
	Tx     idempotency.Tx
	Store  Store
	Books  *Books
	Keys   *idempotency.Keys
	Events event.Recorder
	Links  *link.Signer // nil: files are not served

	Gateways []string // whose reports are compared
}

// New makes the service.
func New(p Parts) *Service { return &Service{p, p.Books} }

// Query asks for one page of entries, newest first. Zero fields do not filter.
type Query struct {
	BrandID   uuid.UUID
	From      *time.Time
	Until     *time.Time // before it
	Kinds     []Kind
	Account   Account
	OrderID   *uuid.UUID
	CompanyID *uuid.UUID
	Page      page.Args
}

// Balance is what an account comes to: debits less credits.
type Balance struct {
	Account     Account
	Sub         string
	Currency    money.Currency
	DebitMinor  int64 `db:"debit"`
	CreditMinor int64 `db:"credit"`
}

// Name is the account's name.
func (b Balance) Name() i18n.Text { return b.Account.Name() }

// Debit is the sum of its debits.
func (b Balance) Debit() money.Money { return money.Of(b.DebitMinor, b.Currency) }

// Credit is the sum of its credits.
func (b Balance) Credit() money.Money { return money.Of(b.CreditMinor, b.Currency) }

// Balance is debits less credits.
func (b Balance) Balance() money.Money { return money.Of(b.DebitMinor-b.CreditMinor, b.Currency) }

// List is one page of the brand's entries, for accountants.
func (s *Service) List(ctx context.Context, q Query) (page.Connection[Entry], error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return page.Connection[Entry]{}, err
	}
	q.BrandID = channel.From(ctx).BrandID
	return s.Store.List(ctx, q)
}

// ByID is an entry of the brand; else fault.CodeNotFound.
func (s *Service) ByID(ctx context.Context, entryID uuid.UUID) (*Entry, error) {
	if !access.From(ctx).May(access.AccountingRead) {
		return nil, fault.ErrNotFound
	}
	e, err := s.Store.Entry(ctx, channel.From(ctx).BrandID, entryID)
	if err == nil && e == nil {
		err = fault.ErrNotFound
	}
	return e, err
}

// LinesOf are the lines of entries that were read through this service.
func (s *Service) LinesOf(ctx context.Context, entryIDs []uuid.UUID) ([]Line, error) {
	return s.Store.LinesOf(ctx, entryIDs)
}

// TrialBalance is what each account of the brand comes to (試算表), of what moved
// before until; nil for all.
func (s *Service) TrialBalance(ctx context.Context, until *time.Time) ([]Balance, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return nil, err
	}
	return s.Store.Balances(ctx, channel.From(ctx).BrandID, until)
}

// Failures of an entry by hand.
var (
	ErrUnbalanced = fault.Invalid("JOURNAL_UNBALANCED", "借方と貸方の合計が一致しません（差額 %s）", "Debits and credits differ by %s")
	ErrSides      = fault.Invalid("JOURNAL_LINE_INVALID", "借方か貸方のどちらか一方だけを0より大きい金額で指定してください", "A line has a debit or a credit above 0, not both")
	ErrAccount    = fault.Invalid("JOURNAL_ACCOUNT_CLOSED", "売掛金は得意先の入金・貸倒で動かしてください", "Receivables move by companies' payments and write-offs only")
	ErrKind       = fault.Invalid("JOURNAL_KIND_INVALID", "手入力できるのは手数料・入金（振込）・修正の仕訳です", "By hand there are fees, payouts and corrections")
	ErrReversed   = fault.Conflict("JOURNAL_REVERSED", "この仕訳はすでに取り消されています", "This entry has been reversed")
	ErrNotByHand  = fault.Conflict("JOURNAL_NOT_BY_HAND", "自動で記帳された仕訳は取り消せません。修正仕訳を記帳してください", "Only entries made by hand are reversed; correct others by an entry")
	errFuture     = fault.Invalid(fault.CodeInvalid, "日時が未来です", "This is in the future")
	errLines      = fault.Invalid(fault.CodeInvalid, "仕訳は2行以上20行以下です", "An entry has 2 to 20 lines")
)

// PostInput is an entry by hand.
type PostInput struct {
	IdempotencyKey string
	Kind           Kind
	At             *time.Time // now if nil
	Memo           string
	Reference      string
	Lines          []PostLine
}

// PostLine is one side of it, in major units.
type PostLine struct {
	Account Account
	Sub     string
	Debit   *decimal.Decimal
	Credit  *decimal.Decimal
}

const (
	maxMemo  = 400
	maxSub   = 40
	maxLines = 20
)

func (in PostInput) check(now time.Time) error {
	all := []error{i18n.CheckString("memo", in.Memo, maxMemo), i18n.CheckString("reference", in.Reference, maxMemo)}
	if in.Kind != KindFee && in.Kind != KindPayout && in.Kind != KindCorrection {
		all = append(all, ErrKind.At("kind"))
	}
	if in.Memo == "" {
		all = append(all, fault.ErrRequired.At("memo"))
	}
	if in.At != nil && in.At.After(now) {
		all = append(all, errFuture.At("at"))
	}
	if len(in.Lines) < 2 || len(in.Lines) > maxLines {
		all = append(all, errLines.At("lines"))
	}
	return errors.Join(all...)
}

// entry reads the lines. They balance, and none is a company's claim.
func (in PostInput) entry(brandID uuid.UUID, currency money.Currency) (Entry, error) {
	e := Entry{BrandID: brandID, Kind: in.Kind, Currency: currency, Memo: in.Memo, Reference: in.Reference}
	if in.At != nil {
		e.At = in.At.UTC()
	}
	var sum int64
	for i, l := range in.Lines {
		field := fmt.Sprintf("lines.%d", i)
		if l.Account == Receivable {
			return e, ErrAccount.At(field + ".account")
		}
		if err := i18n.CheckString(field+".sub", l.Sub, maxSub); err != nil {
			return e, err
		}
		minor, err := l.minor(currency)
		if err != nil {
			return e, at(field, err)
		}
		sum += minor
		e.DebitTo(l.Account, l.Sub, minor)
	}
	if sum != 0 {
		return e, ErrUnbalanced.With(money.Of(sum, currency)).At("lines")
	}
	return e, nil
}

// minor is the line's amount; a credit is below zero.
func (l PostLine) minor(currency money.Currency) (int64, error) {
	if (l.Debit == nil) == (l.Credit == nil) {
		return 0, ErrSides
	}
	side, sign := l.Debit, int64(1)
	if side == nil {
		side, sign = l.Credit, -1
	}
	if !side.IsPositive() {
		return 0, ErrSides
	}
	amount, err := money.Parse(*side, currency)
	return sign * amount.Minor, err
}

func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

// Post writes an entry by hand: a fee, a payout of a gateway, a correction.
func (s *Service) Post(ctx context.Context, in PostInput) (*Entry, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	if err := in.check(s.books.now()); err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	e, err := in.entry(ch.BrandID, ch.Money())
	if err != nil {
		return nil, err
	}
	cause, err := idempotency.Once(ctx, s.Keys, "postJournalEntry", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		cause := id.New()
		e.Source = "hand:" + cause.String()
		return s.write(ctx, e)
	})
	if err != nil {
		return nil, err
	}
	return s.ByID(access.With(ctx, access.System), cause)
}

// write posts the entry with its event, and answers its id.
func (s *Service) write(ctx context.Context, e Entry) (uuid.UUID, error) {
	e.ID = id.New()
	if err := s.books.Post(ctx, e); err != nil {
		return e.ID, err
	}
	return e.ID, s.Events.Record(ctx, event.New(ctx, s.books.now(), "journal.posted", "JournalEntry", e.ID, map[string]any{
		"kind": e.Kind, "memo": e.Memo, "reference": e.Reference, "lines": e.Lines, "source": e.Source,
	}))
}

// ReverseInput takes an entry by hand back.
type ReverseInput struct {
	IdempotencyKey string
	EntryID        uuid.UUID
	Reason         string
}

// Reverse takes an entry by hand back by its mirror image (逆仕訳).
func (s *Service) Reverse(ctx context.Context, in ReverseInput) (*Entry, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	if in.Reason == "" {
		return nil, fault.ErrRequired.At("reason")
	}
	if err := i18n.CheckString("reason", in.Reason, maxMemo); err != nil {
		return nil, err
	}
	reversal, err := idempotency.Once(ctx, s.Keys, "reverseJournalEntry", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return s.reverse(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	return s.ByID(access.With(ctx, access.System), reversal)
}

func (s *Service) reverse(ctx context.Context, in ReverseInput) (uuid.UUID, error) {
	brandID := channel.From(ctx).BrandID
	e, err := s.Store.Entry(ctx, brandID, in.EntryID)
	switch {
	case err != nil:
		return uuid.Nil, err
	case e == nil:
		return uuid.Nil, fault.ErrNotFound.At("entryId")
	case e.Kind != KindFee && e.Kind != KindPayout && e.Kind != KindCorrection:
		return uuid.Nil, ErrNotByHand.At("entryId")
	}
	if reversed, err := s.Store.Reversed(ctx, brandID, e.ID); err != nil || reversed {
		return uuid.Nil, errors.Join(err, onlyIf(reversed, ErrReversed.At("entryId")))
	}
	lines, err := s.Store.LinesOf(ctx, []uuid.UUID{e.ID})
	if err != nil {
		return uuid.Nil, err
	}
	mirror := Entry{BrandID: brandID, Kind: KindReversal, Source: "reversal:" + e.ID.String(), Currency: e.Currency, Reference: e.Reference, Memo: in.Reason}
	for _, l := range lines {
		mirror.DebitTo(l.Account, l.Sub, l.CreditMinor-l.DebitMinor)
	}
	return s.write(ctx, mirror)
}

func onlyIf(holds bool, err error) error {
	if holds {
		return err
	}
	return nil
}
