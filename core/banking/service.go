package banking

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/payment"
)

// Failures of working on a deposit.
var (
	ErrSettled = fault.Conflict("BANK_LINE_SETTLED", "この入金は処理済みです", "This deposit has been dealt with")
	ErrSplit   = fault.Invalid("BANK_LINE_EXCEEDED", "割り当てる合計が入金の残り（%s）を超えています", "The parts come to more than is left of the deposit (%s)")
	ErrTarget  = fault.Invalid("BANK_LINE_TARGET", "注文のお支払いか得意先のどちらか一方を指定してください", "A part pays a payment or a company, one of them")
	errParts   = fault.Invalid(fault.CodeInvalid, "割り当ては1〜20件です", "A deposit has 1 to 20 parts")
	errAmount  = fault.Invalid("AMOUNT_INVALID", "金額は0より大きく指定してください", "The amount must be above 0")
	errState   = fault.Invalid(fault.CodeInvalid, "返金・対象外・未処理のいずれかを指定してください", "A line is RETURNED, IGNORED or OPEN again")
)

// Upload takes a statement in, once for each file and each row, and has its lines
// matched in the background (accountants).
func (s *Service) Upload(ctx context.Context, in UploadInput) (*Statement, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	profile := &Usual
	if in.Profile != "" {
		var err error
		if profile, err = s.Store.Profile(ctx, ch.BrandID, in.Profile); err != nil || profile == nil {
			return nil, errors.Join(err, fault.ErrNotFound.At("profile"))
		}
	}
	account := strings.Join(strings.Fields(in.Account), " ")
	if err := i18n.CheckString("account", account, 100); err != nil {
		return nil, err
	}
	file, err := Read(in.File, *profile, ch.Money(), ch.Zone())
	if err != nil {
		return nil, err
	}
	now := s.Now()
	statement := Statement{
		ID: id.New(), BrandID: ch.BrandID, FileName: cut(in.FileName, 200), Digest: file.of(account), Profile: in.Profile, Deposits: len(file.Rows),
		Others: file.Others, Errors: file.Errors, UploadedBy: actor(ctx), CreatedAt: now,
	}
	lines := make([]Line, len(file.Rows))
	for i, r := range file.Rows {
		lines[i] = Line{
			ID: id.New(), BrandID: ch.BrandID, StatementID: statement.ID, Row: r.Line, On: r.On, AmountMinor: r.Minor, Currency: ch.Money(),
			Payer: r.Payer, PayerKey: NameKey(withoutReferences(r.Payer)), Text: r.Text, Account: cmp.Or(r.Account, account), Mark: r.Mark, State: StateOpen, UpdatedAt: now,
		}
	}
	var kept Statement
	err = s.Tx.InTx(ctx, func(ctx context.Context) (err error) {
		if kept, err = s.Store.Insert(ctx, statement); err != nil || kept.ID != statement.ID {
			return err
		}
		if kept.Known, err = s.add(ctx, statement, lines, file.Vague); err != nil {
			return err
		}
		if err := s.Jobs.MatchBank(ctx, MatchJob{BrandID: ch.BrandID, StatementID: &kept.ID}); err != nil {
			return err
		}
		return s.record(ctx, "bank.statement_uploaded", "BankStatement", kept.ID, map[string]any{
			"file": kept.FileName, "digest": kept.Digest, "deposits": kept.Deposits, "known": kept.Known, "errors": len(kept.Errors),
		})
	})
	if err != nil {
		return nil, err
	}
	return &kept, nil
}

// add adds those of the lines that no earlier file brought, and answers how many others
// there are.
func (s *Service) add(ctx context.Context, of Statement, lines []Line, vague bool) (int, error) {
	known, err := s.Store.Alike(ctx, of.BrandID, lines)
	if err != nil {
		return 0, err
	}
	added, told := fresh(lines, vague, known)
	of.Known = len(lines) - len(added)
	return of.Known, s.Store.AddLines(ctx, of, added, told)
}

// of is by what the file is known: one that says nothing of its account may be two accounts'.
func (f *File) of(account string) string {
	if account == "" {
		return f.Digest
	}
	sum := sha256.Sum256([]byte(f.Digest + "\x1f" + account))
	return hex.EncodeToString(sum[:])
}

func actor(ctx context.Context) *uuid.UUID {
	if key := access.From(ctx).ID; key != uuid.Nil {
		return &key
	}
	return nil
}

func (s *Service) record(ctx context.Context, kind, subject string, key uuid.UUID, data any) error {
	return s.Events.Record(ctx, event.New(ctx, s.Now(), kind, subject, key, data))
}

// Work matches what a job names, line by line: a line that is dealt with stays so, and
// one that fails does not hold up the others.
func (s *Service) Work(ctx context.Context, j MatchJob, ch channel.Channel) error {
	ctx = channel.With(access.With(ctx, access.System), ch)
	lines, err := s.Store.OpenOf(ctx, j.BrandID, j.StatementID)
	if err != nil {
		return err
	}
	var all []error
	for _, line := range lines {
		if err := s.match(ctx, j.BrandID, line); err != nil {
			all = append(all, fmt.Errorf("match bank line %s: %w", line, err))
		}
	}
	return errors.Join(all...)
}

// Rematch looks at all open lines again: orders and companies may have come since.
func (s *Service) Rematch(ctx context.Context) error {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return err
	}
	return s.Jobs.MatchBank(ctx, MatchJob{BrandID: channel.From(ctx).BrandID})
}

// match lets a line pay what it names, if that is clear. A refusal leaves it to people.
func (s *Service) match(ctx context.Context, brandID, lineID uuid.UUID) error {
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		l, err := s.Store.Line(ctx, brandID, lineID)
		if err != nil || l == nil || l.State != StateOpen || l.MatchedMinor > 0 {
			return err
		}
		candidates, err := s.Store.Candidates(ctx, *l, References(l.Text))
		if err != nil {
			return err
		}
		found, how, ok := decide(*l, candidates)
		if !ok {
			return nil
		}
		return s.allocate(ctx, l, []part{{found.PaymentID, found.CompanyID, l.AmountMinor}}, how)
	})
	if len(fault.All(err)) > 0 && !errors.Is(err, fault.ErrUnavailable) {
		return nil
	}
	return err
}

// part is a part of a deposit, in minor units.
type part struct {
	paymentID, companyID *uuid.UUID
	minor                int64
}

// allocate records the parts as transfers and companies' payments, in the line's
// transaction.
func (s *Service) allocate(ctx context.Context, l *Line, parts []part, how How) error {
	for i, p := range parts {
		a := Allocation{ID: id.New(), LineID: l.ID, PaymentID: p.paymentID, CompanyID: p.companyID, AmountMinor: p.minor, Currency: l.Currency, How: how, ActorID: actor(ctx), CreatedAt: s.Now()}
		if err := s.pay(ctx, *l, a); err != nil {
			return at(fmt.Sprintf("parts.%d", i), err)
		}
		if err := s.Store.Allocate(ctx, a); err != nil {
			return err
		}
		l.MatchedMinor += p.minor
	}
	if l.OpenMinor() == 0 {
		l.State = StateMatched
	}
	l.UpdatedAt = s.Now()
	if err := s.Store.SaveLine(ctx, *l); err != nil {
		return err
	}
	return s.record(ctx, "bank.line_matched", "BankLine", l.ID, map[string]any{"parts": len(parts), "how": how, "matched": l.MatchedMinor, "state": l.State})
}

// pay records a part where it belongs. Who matches deposits need not be who works on
// orders or companies.
func (s *Service) pay(ctx context.Context, l Line, a Allocation) error {
	ctx = allowing(ctx, access.OrderRead, access.OrderWrite, access.CompanyRead, access.CompanyWrite)
	amount := money.Of(a.AmountMinor, l.Currency).Amount()
	key, arrived := "bank:"+a.ID.String(), l.On
	if now := s.Now(); arrived.After(now) { // the day has begun in the shop's zone
		arrived = now
	}
	if a.PaymentID != nil {
		_, err := s.Payments.RecordTransfer(ctx, payment.TransferInput{
			PaymentID: *a.PaymentID, Amount: amount, PayerName: l.Payer, ReceivedAt: arrived, Note: cut(l.Text, 200), IdempotencyKey: key,
		})
		return err
	}
	_, err := s.Companies.Receive(ctx, company.ReceiveInput{IdempotencyKey: key, CompanyID: *a.CompanyID, Amount: amount, Reference: cut(l.Text, 200), ReceivedAt: arrived})
	return err
}

// allowing lets the actor do more than it may by itself.
func allowing(ctx context.Context, more ...access.Permission) context.Context {
	a := access.From(ctx)
	a.Permissions = append(slices.Clone(a.Permissions), more...)
	return access.With(ctx, a)
}

func at(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field)
	}
	return err
}

// Allocate lets a deposit pay what staff say, in parts if they say so (accountants).
// What is left of it stays open.
func (s *Service) Allocate(ctx context.Context, in AllocateInput) (*Line, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	if len(in.Parts) == 0 || len(in.Parts) > 20 {
		return nil, errParts.At("parts")
	}
	for i, p := range in.Parts {
		if (p.PaymentID == nil) == (p.CompanyID == nil) {
			return nil, ErrTarget.At(fmt.Sprintf("parts.%d", i))
		}
	}
	brandID := channel.From(ctx).BrandID
	_, err := idempotency.Once(ctx, s.Keys, "allocateBankLine", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		l, err := s.open(ctx, brandID, in.LineID)
		if err != nil {
			return uuid.Nil, err
		}
		parts, err := partsOf(*l, in.Parts)
		if err != nil {
			return uuid.Nil, err
		}
		return l.ID, s.allocate(ctx, l, parts, ByStaff)
	})
	if err != nil {
		return nil, err
	}
	return s.Store.Line(ctx, brandID, in.LineID)
}

// open locks a line that may be worked on.
func (s *Service) open(ctx context.Context, brandID, lineID uuid.UUID) (*Line, error) {
	l, err := s.Store.Line(ctx, brandID, lineID)
	switch {
	case err != nil:
		return nil, err
	case l == nil:
		return nil, fault.ErrNotFound.At("lineId")
	case l.State != StateOpen:
		return nil, ErrSettled.At("lineId")
	}
	return l, nil
}

func partsOf(l Line, in []PartInput) ([]part, error) {
	parts, sum := make([]part, len(in)), decimal.Zero
	for i, p := range in {
		amount, err := money.Parse(p.Amount, l.Currency)
		if err == nil && amount.Minor <= 0 {
			err = errAmount
		}
		if err != nil {
			return nil, at(fmt.Sprintf("parts.%d.amount", i), err)
		}
		parts[i], sum = part{p.PaymentID, p.CompanyID, amount.Minor}, sum.Add(p.Amount)
	}
	if left := money.Of(l.OpenMinor(), l.Currency); sum.GreaterThan(left.Amount()) {
		return nil, ErrSplit.With(left).At("parts")
	}
	return parts, nil
}

// Settle closes a line that pays nothing, with the reason, or opens it again
// (accountants), once for each key. What has been matched of it stays.
func (s *Service) Settle(ctx context.Context, in SettleInput) (*Line, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	switch {
	case in.State == StateMatched:
		return nil, errState.At("state")
	case in.State != StateOpen && in.Reason == "":
		return nil, fault.ErrRequired.At("reason")
	}
	if err := i18n.CheckString("reason", in.Reason, 200); err != nil {
		return nil, err
	}
	brandID := channel.From(ctx).BrandID
	return idempotency.OnceRead(ctx, s.Keys, "settleBankLine", in.IdempotencyKey, in,
		func(ctx context.Context) (*Line, error) { return s.settle(ctx, brandID, in) },
		func(ctx context.Context) (*Line, error) { return s.Store.Line(ctx, brandID, in.LineID) })
}

func (s *Service) settle(ctx context.Context, brandID uuid.UUID, in SettleInput) (*Line, error) {
	l, err := s.Store.Line(ctx, brandID, in.LineID)
	switch {
	case err != nil:
		return nil, err
	case l == nil:
		return nil, fault.ErrNotFound.At("lineId")
	case l.State == StateMatched:
		return nil, ErrSettled.At("lineId")
	}
	before := l.State
	l.State, l.Reason, l.UpdatedAt = in.State, in.Reason, s.Now()
	if err := s.Store.SaveLine(ctx, *l); err != nil {
		return nil, err
	}
	return l, s.record(ctx, "bank.line_settled", "BankLine", l.ID, map[string]any{"before": before, "after": l.State, "reason": l.Reason})
}

// Lines is one page of deposits, for accountants.
func (s *Service) Lines(ctx context.Context, q LineQuery) (page.Connection[Line], error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return page.Connection[Line]{}, err
	}
	q.BrandID = channel.From(ctx).BrandID
	return s.Store.Lines(ctx, q)
}

// Statements is one page of the bank's files, the latest first, for accountants.
func (s *Service) Statements(ctx context.Context, args page.Args) (page.Connection[Statement], error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return page.Connection[Statement]{}, err
	}
	return s.Store.Statements(ctx, channel.From(ctx).BrandID, args)
}

// AllocationsOf are what the lines pay; they were read through this service.
func (s *Service) AllocationsOf(ctx context.Context, lineIDs []uuid.UUID) ([]Allocation, error) {
	return s.Store.AllocationsOf(ctx, lineIDs)
}

// Suggestions are what an open line probably pays, the likeliest first.
func (s *Service) Suggestions(ctx context.Context, lineID uuid.UUID) ([]Candidate, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return nil, err
	}
	l, err := s.Store.Line(ctx, channel.From(ctx).BrandID, lineID)
	if err != nil || l == nil || l.State != StateOpen {
		return nil, err
	}
	all, err := s.Store.Candidates(ctx, *l, References(l.Text))
	return suggested(*l, all), err
}

// Profiles are the brand's, for accountants.
func (s *Service) Profiles(ctx context.Context) ([]Profile, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return nil, err
	}
	return s.Store.Profiles(ctx, channel.From(ctx).BrandID)
}

// SaveProfile keeps how a bank's files are read, new or changed (accountants).
func (s *Service) SaveProfile(ctx context.Context, p Profile) (*Profile, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	brandID := channel.From(ctx).BrandID
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.SaveProfile(ctx, brandID, p); err != nil {
			return err
		}
		return s.record(ctx, "bank.profile_saved", "Brand", brandID, p)
	})
	return &p, err
}
