package voucher

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/ledger"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/prepaid"
	"github.com/noren-commerce/noren/core/symbols"
)

// Bounds of what is issued.
const (
	MaxCodes    = 1_000_000
	MaxImport   = 20_000
	maxMinor    = 1_000_000
	maxText     = 200
	makeAtOnce  = 5000
	externalMin = 4
	externalMax = 100
)

// MakeJob makes the codes of a batch.
type MakeJob struct {
	BatchID uuid.UUID `river:"unique"`
}

// Kind is the job's name in the queue.
func (MakeJob) Kind() string { return "voucher_make" }

// code is the code of a place in a batch: it follows from the batch's secret, so that the
// text need not be kept, and goes when the secret goes.
func code(secret []byte, serial int) string {
	mac := hmac.New(sha256.New, secret)
	_ = binary.Write(mac, binary.BigEndian, uint64(serial)) // a hash takes everything
	return symbols.Derive(mac.Sum(nil), prepaid.CodeLength)
}

// shown is a code in groups of four, as people read it.
func shown(normal string) string {
	var groups []string
	for rest := normal; rest != ""; rest = rest[min(4, len(rest)):] {
		groups = append(groups, rest[:min(4, len(rest))])
	}
	return strings.Join(groups, "-")
}

// hash is under what a brand's code is found.
func hashed(brandID uuid.UUID, normal string) string { return brandID.String() + " " + normal }

// IssueInput makes codes.
type IssueInput struct {
	IdempotencyKey string
	Name           string
	Count          int
	Amount         *decimal.Decimal // major units, on each; nil: no money, good for one use
	ForPrizes      bool
	ExpiresAt      *time.Time
	Note           string
}

func (s *Service) check(in IssueInput, currency money.Currency) (int64, error) {
	all := []error{i18n.CheckString("name", in.Name, maxText), i18n.CheckString("note", in.Note, maxText)}
	if in.Name == "" {
		all = append(all, fault.ErrRequired.At("name"))
	}
	if in.Count < 1 || in.Count > MaxCodes {
		all = append(all, ErrCount.With(MaxCodes).At("count"))
	}
	if in.ExpiresAt != nil && !in.ExpiresAt.After(s.Now()) {
		all = append(all, fault.Invalid(fault.CodeInvalid, "有効期限は未来の日時を指定してください", "The expiry must be in the future").At("expiresAt"))
	}
	var value money.Money
	if in.Amount != nil {
		var err error
		if value, err = money.Parse(*in.Amount, currency); err != nil || value.Minor < 1 || value.Minor > maxMinor {
			all = append(all, ErrValue.With(money.Of(maxMinor, currency)).At("amount"))
		}
	}
	return value.Minor, errors.Join(all...)
}

// Issue begins to make codes of the channel's brand, once for each key (staff with
// VOUCHER_WRITE). A job makes them; how many there are is the batch's Made.
func (s *Service) Issue(ctx context.Context, in IssueInput) (*Batch, error) {
	ch := channel.From(ctx)
	if err := office(ctx, access.VoucherWrite); err != nil {
		return nil, err
	}
	value, err := s.check(in, ch.Money())
	if err != nil {
		return nil, err
	}
	return s.begin(ctx, "issueVouchers", in.IdempotencyKey, in, func(ctx context.Context) (Batch, error) {
		secret := make([]byte, 32)
		_, _ = rand.Read(secret) // never fails
		b := Batch{
			ID: id.New(), BrandID: ch.BrandID, Name: in.Name, Source: Own, State: Making, ForPrizes: in.ForPrizes, ValueMinor: value, Currency: ch.Money(),
			Count: in.Count, ExpiresAt: in.ExpiresAt, Note: in.Note, CreatedAt: s.Now(), UpdatedAt: s.Now(),
		}
		var err error
		if b.Secret, err = s.Sealer.Seal(ctx, "voucher_batch", b.ID, base64.RawStdEncoding.EncodeToString(secret)); err != nil {
			return b, err
		}
		return b, errors.Join(s.Store.InsertBatch(ctx, b), s.Jobs.MakeVouchers(ctx, b.ID))
	})
}

// begin keeps a new batch, once for its key.
func (s *Service) begin(ctx context.Context, operation, key string, in any, prepare func(ctx context.Context) (Batch, error)) (*Batch, error) {
	batchID, err := idempotency.Once(ctx, s.Keys, operation, key, in, func(ctx context.Context) (uuid.UUID, error) {
		b, err := prepare(ctx)
		if err != nil {
			return b.ID, err
		}
		return b.ID, s.record(ctx, "vouchers."+strings.ToLower(string(b.Source)), "VoucherBatch", b.ID, map[string]any{
			"name": b.Name, "count": b.Count, "value": b.ValueMinor, "forPrizes": b.ForPrizes, "expiresAt": b.ExpiresAt,
		})
	})
	if err != nil {
		return nil, err
	}
	return s.Store.Batch(ctx, batchID)
}

// Make makes the codes of a batch, some thousand in each transaction: broken off, it goes
// on where it was. What is on them is written into the books when they are all there.
func (s *Service) Make(ctx context.Context, batchID uuid.UUID) error {
	for {
		done := false
		err := s.Tx.InTx(ctx, func(ctx context.Context) error {
			b, err := s.Store.LockBatch(ctx, uuid.Nil, batchID)
			if err != nil || b == nil || b.State != Making {
				done = true
				return err
			}
			if err := s.makeSome(ctx, b); err != nil {
				return err
			}
			if done = b.Made == b.Count; done {
				b.State = Ready
				if err := s.book(ctx, *b, ledger.VouchersIssued, b.ID, b.ValueMinor*int64(b.Count), b.Name); err != nil {
					return err
				}
			}
			b.UpdatedAt = s.Now()
			return s.Store.UpdateBatch(ctx, *b)
		})
		if err != nil || done {
			return err
		}
	}
}

func (s *Service) makeSome(ctx context.Context, b *Batch) error {
	secret, err := s.secret(ctx, *b)
	if err != nil {
		return err
	}
	all := make([]NewVoucher, 0, makeAtOnce)
	for serial := b.Made; serial < min(b.Made+makeAtOnce, b.Count); serial++ {
		normal := code(secret, serial)
		hash, err := s.Sealer.Hash(ctx, "voucher", hashed(b.BrandID, normal))
		if err != nil {
			return err
		}
		all = append(all, NewVoucher{s.blank(*b, serial, normal), hash})
	}
	b.Made += len(all)
	return s.Store.Insert(ctx, all)
}

func (s *Service) blank(b Batch, serial int, text string) Voucher {
	now := s.Now()
	return Voucher{
		ID: id.New(), BatchID: b.ID, BrandID: b.BrandID, Serial: serial, Ending: text[max(0, len(text)-4):], Kept: Issued, ValueMinor: b.ValueMinor, BalanceMinor: b.ValueMinor,
		Currency: b.Currency, Source: b.Source, ExpiresAt: b.ExpiresAt, CreatedAt: now, UpdatedAt: now,
	}
}

func (s *Service) secret(ctx context.Context, b Batch) ([]byte, error) {
	text, err := s.Sealer.Open(ctx, "voucher_batch", b.ID, b.Secret)
	if err != nil {
		return nil, err
	}
	return base64.RawStdEncoding.DecodeString(text)
}

// book writes money of a batch's codes down; nothing for codes that are not worth money.
func (s *Service) book(ctx context.Context, b Batch, kind ledger.VoucherMove, cause uuid.UUID, minor int64, memo string) error {
	if minor == 0 {
		return nil
	}
	return s.Books.VouchersMoved(ctx, ledger.Vouchers{BrandID: b.BrandID, CauseID: cause, Move: kind, Currency: b.Currency, Minor: minor, Memo: memo})
}

// ImportInput takes codes of a supplier in.
type ImportInput struct {
	IdempotencyKey string
	Name           string
	Codes          string // one a line
	ExpiresAt      *time.Time
	Note           string
}

// Import takes codes of a supplier in, to be handed out for prizes, each once (staff with
// VOUCHER_WRITE). All of them are kept, sealed, or none.
func (s *Service) Import(ctx context.Context, in ImportInput) (*Batch, error) {
	if err := office(ctx, access.VoucherWrite); err != nil {
		return nil, err
	}
	codes, err := lines(in.Codes)
	if err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	if _, err := s.check(IssueInput{Name: in.Name, Count: len(codes), ExpiresAt: in.ExpiresAt, Note: in.Note}, ch.Money()); err != nil {
		return nil, err
	}
	hash := sha256.Sum256([]byte(in.Codes)) // the key's input is kept: not the codes
	asked := in
	asked.Codes = base64.RawStdEncoding.EncodeToString(hash[:])
	return s.begin(ctx, "importVouchers", in.IdempotencyKey, asked, func(ctx context.Context) (Batch, error) {
		b := Batch{
			ID: id.New(), BrandID: ch.BrandID, Name: in.Name, Source: External, State: Ready, ForPrizes: true, Currency: ch.Money(),
			Count: len(codes), Made: len(codes), ExpiresAt: in.ExpiresAt, Note: in.Note, CreatedAt: s.Now(), UpdatedAt: s.Now(),
		}
		if err := s.Store.InsertBatch(ctx, b); err != nil {
			return b, err
		}
		all, err := s.supplied(ctx, b, codes)
		if err != nil {
			return b, err
		}
		return b, s.Store.Insert(ctx, all)
	})
}

// supplied are a supplier's codes as they are kept, if the brand has none of them. Those of
// the key that hashes now are told by their index; older keys' are looked for.
func (s *Service) supplied(ctx context.Context, b Batch, codes []string) ([]NewVoucher, error) {
	all := make([]NewVoucher, len(codes))
	var older [][]byte
	for i, text := range codes {
		v := NewVoucher{Voucher: s.blank(b, i, text)}
		hashes, err := s.Sealer.Hashes(ctx, "voucher", hashed(b.BrandID, "external "+text))
		if err != nil {
			return nil, err
		}
		v.Hash, older = hashes[0], append(older, hashes[1:]...)
		if v.Secret, err = s.Sealer.Seal(ctx, "voucher", v.ID, text); err != nil {
			return nil, err
		}
		all[i] = v
	}
	if len(older) == 0 {
		return all, nil
	}
	there, err := s.Store.ByHash(ctx, b.BrandID, older)
	if err == nil && len(there) > 0 {
		err = ErrThere.At("codes")
	}
	return all, err
}

// lines are the codes of a text, one a line.
func lines(text string) ([]string, error) {
	var all []string
	seen := map[string]bool{}
	scanner, n := bufio.NewScanner(strings.NewReader(text)), 0
	for scanner.Scan() {
		n++
		line := strings.TrimSpace(strings.TrimPrefix(scanner.Text(), "\ufeff"))
		switch {
		case line == "":
			continue
		case len(line) < externalMin || len(line) > externalMax:
			return nil, ErrLine.With(n).At("codes")
		case seen[line]:
			return nil, ErrRepeated.With(n).At("codes")
		}
		seen[line], all = true, append(all, line)
	}
	if len(all) < 1 || len(all) > MaxImport {
		return nil, ErrCount.With(MaxImport).At("codes")
	}
	return all, scanner.Err()
}

// Link leads to a batch's codes for a while, and once.
type Link struct {
	URL       string
	ExpiresAt time.Time
}

// LinkPath is where codes are served.
const LinkPath = "/voucher-codes/"

// Export is a link to the codes of a batch as CSV (staff with VOUCHER_WRITE). Whoever
// opens it takes them: it works once, and noren cannot tell them again.
func (s *Service) Export(ctx context.Context, batchID uuid.UUID) (*Link, error) {
	if err := office(ctx, access.VoucherWrite); err != nil {
		return nil, err
	}
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		b, err := s.Store.LockBatch(ctx, brandOf(ctx), batchID)
		if err != nil || b == nil {
			return orErr(err, ErrBatch.At("batchId"))
		}
		if problem := b.exportable(); problem != nil {
			return problem.At("batchId")
		}
		return s.record(ctx, "vouchers.export_requested", "VoucherBatch", b.ID, nil)
	})
	if err != nil {
		return nil, err
	}
	return &Link{s.Links.To(batchID), s.Now().Add(link.Holds).Truncate(time.Second)}, nil
}

func (b Batch) exportable() *fault.Error {
	switch {
	case b.ForPrizes:
		return ErrPool
	case b.State != Ready:
		return ErrUnready
	case b.ExportedAt != nil:
		return ErrExported
	}
	return nil
}

// Take takes the codes that a link leads to, and forgets them: what it answers writes
// them, one after the other, and nothing else ever can.
func (s *Service) Take(ctx context.Context, batchID, expires, signature string) (func(w io.Writer) error, error) {
	key, err := s.Links.Check(batchID, expires, signature)
	if err != nil {
		return nil, ErrLink
	}
	var b Batch
	var secret []byte
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		found, err := s.Store.LockBatch(ctx, uuid.Nil, key)
		if err != nil || found == nil {
			return orErr(err, ErrLink)
		}
		if problem := found.exportable(); problem != nil {
			return problem
		}
		b = *found
		if secret, err = s.secret(ctx, b); err != nil {
			return err
		}
		now := s.Now()
		found.Secret, found.ExportedAt, found.UpdatedAt = "", &now, now
		return errors.Join(s.Store.UpdateBatch(ctx, *found), s.record(ctx, "vouchers.exported", "VoucherBatch", b.ID, map[string]any{"count": b.Count}))
	})
	if err != nil {
		return nil, err
	}
	return func(w io.Writer) error { return b.write(w, secret) }, nil
}

// write writes the batch's codes as CSV.
func (b Batch) write(w io.Writer, secret []byte) error {
	sheet := csv.NewWriter(w)
	amount, until := "", ""
	if value := b.Value(); value != nil {
		amount = value.Amount().String()
	}
	if b.ExpiresAt != nil {
		until = b.ExpiresAt.UTC().Format(time.RFC3339)
	}
	if err := sheet.Write([]string{"code", "amount", "expires_at"}); err != nil {
		return err
	}
	for serial := range b.Count {
		if err := sheet.Write([]string{shown(code(secret, serial)), amount, until}); err != nil {
			return err
		}
	}
	sheet.Flush()
	return sheet.Error()
}
