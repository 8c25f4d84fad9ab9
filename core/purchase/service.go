package purchase

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/page"
)

// Store keeps purchases; everything joins the transaction of the context.
type Store interface {
	// Stores are the brand's shops by their codes.
	Stores(ctx context.Context, brandID uuid.UUID) (map[string]uuid.UUID, error)
	// Room makes the partitions of the months, outside any transaction.
	Room(ctx context.Context, months []time.Time) error
	// Begin keeps the import unless the brand has one of the digest: then it answers that,
	// locked.
	Begin(ctx context.Context, i Import) (Import, error)
	// Finish keeps what became of the import.
	Finish(ctx context.Context, i Import) error
	// Take adds receipts that the history does not have, with their members and goods, and
	// puts what nobody knows on the work list, with receipts that it has with other content.
	// It answers those that it added, and how many those with other content are.
	Take(ctx context.Context, importID uuid.UUID, receipts []Taken, at time.Time) (added []Purchase, differing int, err error)
	// Known are those of the receipts that the history has, and whether with the same content.
	Known(ctx context.Context, receipts []Taken) (map[uuid.UUID]bool, error)
	// TakeShipments adds at most so many shipments of orders that have left, and what came
	// back of them, and answers what it added.
	TakeShipments(ctx context.Context, most int, at time.Time) ([]Purchase, error)

	// OfMember is one page of what a member bought; if asked, with what was voided.
	OfMember(ctx context.Context, memberID uuid.UUID, voided bool, p page.Args) (page.Connection[Purchase], error)
	Lines(ctx context.Context, purchaseIDs []uuid.UUID) ([]Line, error)
	// Imports are the brand's; only those that somebody sent, for who is named.
	Imports(ctx context.Context, brandID uuid.UUID, sentBy *uuid.UUID, p page.Args) (page.Connection[Import], error)
	Problems(ctx context.Context, q ProblemQuery) (page.Connection[Problem], error)
	// LockProblem is the brand's problem, locked; nil if there is none.
	LockProblem(ctx context.Context, brandID, problemID uuid.UUID) (*Problem, error)
	SaveProblem(ctx context.Context, p Problem) error
	// NameGoods lets all lines of the code be of the variant; fault.ErrNotFound if the
	// brand has no such variant.
	NameGoods(ctx context.Context, brandID uuid.UUID, code string, variantID uuid.UUID) error
	// NameMember makes all purchases of the card the member's, and answers them.
	NameMember(ctx context.Context, brandID uuid.UUID, cardNumber string, memberID uuid.UUID, at time.Time) ([]Purchase, error)

	Corrections
}

// Members know who is who, and who may be seen.
type Members interface {
	ByID(ctx context.Context, memberID uuid.UUID) (*member.Member, error)
	// Shown is who shows a code or a card that works; nil if there is none.
	Shown(ctx context.Context, by member.Criterion) (*member.Member, error)
}

// Earner gives what purchases earn: points. It is told of each purchase of a member once,
// in the transaction that makes it theirs, however late the receipt comes.
type Earner interface {
	Bought(ctx context.Context, purchases []Purchase) error
	// Returns are the receipts on which goods of a receipt came back, which are moved with
	// it: ErrShared if goods of others came back on one, too. Nobody brings any more before
	// the transaction ends.
	Returns(ctx context.Context, purchaseID uuid.UUID) ([]uuid.UUID, error)
	// Corrected lets what a receipt has earned be what it should have, in the transaction
	// that corrects it: ErrBelow if more came back of it than it has now, ErrReturned and
	// ErrIsReturn where that cannot be told any more. What staff have typed adds no more
	// than they may give by hand.
	Corrected(ctx context.Context, p Purchase, was []Line, correctionID uuid.UUID, typed bool) error
}

// Draws know what purchases have earned entries of.
type Draws interface {
	// PurchaseCorrected is told of a purchase that was put right, to the loss of the member,
	// in that transaction.
	PurchaseCorrected(ctx context.Context, p Purchase, memberID, correctionID uuid.UUID) error
}

// Tx runs f in one transaction.
type Tx interface {
	InTx(ctx context.Context, f func(context.Context) error) error
}

// Parts are what the service stands on.
type Parts struct {
	Tx      Tx
	Store   Store
	Keys    *idempotency.Keys // of corrections
	Members Members
	Earner  Earner // nil: nothing is earned
	Draws   Draws  // nil: there are none
	Events  event.Recorder
	Now     clock.Clock
}

// Service keeps the history of purchases.
type Service struct{ Parts }

// New makes the service.
func New(p Parts) *Service { return &Service{p} }

// Upload takes a journal of tills in.
func (s *Service) Upload(ctx context.Context, in UploadInput) (*Import, error) {
	if err := access.Require(ctx, access.PurchaseWrite); err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	stores, err := s.stores(ctx)
	if err != nil {
		return nil, err
	}
	journal, err := Read(in.File, ch.BrandID, stores, ch.Money(), ch.Zone(), s.Now())
	if err != nil {
		return nil, err
	}
	return s.take(ctx, in.FileName, journal)
}

// stores are the shops whose receipts the actor may bring: store staff their own.
func (s *Service) stores(ctx context.Context) (map[string]uuid.UUID, error) {
	stores, err := s.Store.Stores(ctx, channel.From(ctx).BrandID)
	if actor := access.From(ctx); err == nil && actor.Is(access.RoleStoreStaff) {
		for code, key := range stores {
			if !slices.Contains(actor.Stores, key) {
				delete(stores, code)
			}
		}
	}
	return stores, err
}

// take puts a journal into the history, in one transaction.
func (s *Service) take(ctx context.Context, fileName string, j *Journal) (*Import, error) {
	if err := s.Store.Room(ctx, months(j.Receipts)); err != nil {
		return nil, err
	}
	actor, now := access.From(ctx), s.Now()
	in := Import{ID: id.New(), BrandID: channel.From(ctx).BrandID, FileName: cut(fileName), Digest: j.Digest, Errors: j.Errors, CreatedAt: now}
	if actor.ID != uuid.Nil {
		in.ActorID = &actor.ID
	}
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		kept, err := s.Store.Begin(ctx, in)
		if err != nil {
			return err
		}
		if kept.ID != in.ID && kept.Refused == 0 { // what was refused then may be right by now
			in = kept
			in.Again = true
			return nil
		}
		in.ID, in.CreatedAt = kept.ID, kept.CreatedAt
		added, differing, err := s.Store.Take(ctx, in.ID, j.Receipts, now)
		if err != nil {
			return err
		}
		in.Rows, in.Refused, in.Receipts, in.Differing, in.Repeated = j.Rows, j.Refused, len(added), differing, len(j.Receipts)-len(added)-differing
		if err := s.Store.Finish(ctx, in); err != nil {
			return err
		}
		if err := s.earn(ctx, added); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "purchases.taken", "PurchaseImport", in.ID, map[string]any{"receipts": in.Receipts, "refused": in.Refused, "differing": in.Differing}))
	})
	if err != nil {
		return nil, fmt.Errorf("take a journal in: %w", err)
	}
	return &in, nil
}

// earn tells of the purchases that are a member's.
func (s *Service) earn(ctx context.Context, added []Purchase) error {
	if s.Earner == nil {
		return nil
	}
	theirs := slices.DeleteFunc(slices.Clone(added), func(p Purchase) bool { return p.MemberID == nil })
	if len(theirs) == 0 {
		return nil
	}
	return s.Earner.Bought(ctx, theirs)
}

func months(receipts []Taken) []time.Time {
	var all []time.Time
	for _, r := range receipts {
		month := time.Date(r.BoughtOn.Year(), r.BoughtOn.Month(), 1, 0, 0, 0, 0, time.UTC)
		if !slices.Contains(all, month) {
			all = append(all, month)
		}
	}
	return all
}

func cut(s string) string {
	if runes := []rune(s); len(runes) > maxText {
		return string(runes[:maxText])
	}
	return s
}

// maxReceipts is how many receipts a partner sends at once.
const maxReceipts = 500

// Record takes receipts that a partner sends.
func (s *Service) Record(ctx context.Context, in RecordInput) (*Import, error) {
	if err := access.Require(ctx, access.PurchaseWrite); err != nil {
		return nil, err
	}
	if len(in.Receipts) == 0 || len(in.Receipts) > maxReceipts {
		return nil, ErrReceipts.With(maxReceipts).At("receipts")
	}
	stores, err := s.stores(ctx)
	if err != nil {
		return nil, err
	}
	ch := channel.From(ctx)
	j := &Journal{Digest: "api:" + id.New().String()}
	var all []error
	for n, r := range in.Receipts {
		taken, err := r.taken(ch.BrandID, stores, ch.Money(), ch.Zone(), s.Now())
		if err != nil {
			all = append(all, below(fmt.Sprintf("receipts.%d", n), err))
			continue
		}
		j.Rows += len(taken.Lines)
		j.Receipts = append(j.Receipts, taken)
	}
	if err := errors.Join(all...); err != nil {
		return nil, err
	}
	return s.take(ctx, "", j)
}

// below puts the field of a failure below another.
func below(field string, err error) error {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.At(field + "." + f.Field)
	}
	return err
}

// fits reads the line's amount, and reports whether the line is one.
func (l ReceiptLine) fits(currency money.Currency) (money.Money, bool) {
	amount, err := money.Parse(l.Amount, currency)
	named := l.Code != "" && len(l.Code) <= maxCode && len([]rune(l.Name)) <= maxText
	counted := l.Quantity != 0 && l.Quantity <= maxQuantity && l.Quantity >= -maxQuantity
	return amount, err == nil && named && counted && amount.Minor <= maxAmount && amount.Minor >= -maxAmount
}

func wrong(field, ja, en string) error { return ErrReceiptOf(ja, en).At(field) }

// at checks what the receipt says of itself, and finds its store.
func (r Receipt) at(stores map[string]uuid.UUID, now time.Time) (uuid.UUID, error) {
	store, known := stores[r.Store]
	switch {
	case !known:
		return uuid.Nil, wrong("store", "店舗コードが登録されていません", "There is no such store")
	case r.Till == "" || len(r.Till) > maxCode:
		return uuid.Nil, wrong("till", "端末番号は1〜64文字で指定してください", "A till has 1 to 64 characters")
	case r.Receipt == "" || len(r.Receipt) > maxCode:
		return uuid.Nil, wrong("receipt", "レシート番号は1〜64文字で指定してください", "A receipt's number has 1 to 64 characters")
	case len(cardNumber(r.CardNumber)) > maxCode:
		return uuid.Nil, wrong("cardNumber", "会員番号が長すぎます", "The card number is too long")
	case !traded(r.BoughtOn, now):
		return uuid.Nil, wrong("boughtOn", "営業日が"+tradedJA+"ではありません", "The business day is not "+tradedEN)
	case r.BoughtAt != nil && !traded(*r.BoughtAt, now):
		return uuid.Nil, wrong("boughtAt", "購入日時が"+tradedJA+"ではありません", "The time is not "+tradedEN)
	case len(r.Lines) == 0 || len(r.Lines) > maxReceipts:
		return uuid.Nil, wrong("lines", "明細は1〜500行です", "A receipt has 1 to 500 lines")
	}
	return store, nil
}

// taken is the receipt as the history keeps it.
func (r Receipt) taken(brandID uuid.UUID, stores map[string]uuid.UUID, currency money.Currency, zone *time.Location, now time.Time) (Taken, error) {
	store, err := r.at(stores, now)
	if err != nil {
		return Taken{}, err
	}
	t := Taken{Purchase: Purchase{
		ID: id.New(), BoughtOn: r.BoughtOn, BrandID: brandID, CardNumber: cardNumber(r.CardNumber), Source: InStore, StoreID: &store, Till: r.Till, Receipt: r.Receipt, Currency: currency,
		BoughtAt: time.Date(r.BoughtOn.Year(), r.BoughtOn.Month(), r.BoughtOn.Day(), 12, 0, 0, 0, zone).UTC(),
	}}
	if r.BoughtAt != nil {
		t.BoughtAt = *r.BoughtAt
	}
	for n, l := range r.Lines {
		amount, ok := l.fits(currency)
		if !ok {
			return Taken{}, wrong(fmt.Sprintf("lines.%d", n), "コード・数量・金額が正しくありません", "Code, quantity or amount is not right")
		}
		t.Lines = append(t.Lines, Line{Position: n + 1, Code: l.Code, Name: l.Name, Quantity: l.Quantity, AmountMinor: amount.Minor})
		t.Items += l.Quantity
		t.TotalMinor += amount.Minor
	}
	return t, nil
}

// Mine is one page of what the actor bought.
func (s *Service) Mine(ctx context.Context, p page.Args) (page.Connection[Purchase], error) {
	actor := access.From(ctx)
	if actor.ID == uuid.Nil || !actor.Is(access.RoleMember, access.RoleCompanyBuyer) {
		return page.Connection[Purchase]{}, fault.ErrUnauthenticated
	}
	return s.Store.OfMember(ctx, actor.ID, false, p)
}

// OfMember is one page of what a member bought, for staff who may see the member.
func (s *Service) OfMember(ctx context.Context, memberID uuid.UUID, p page.Args) (page.Connection[Purchase], error) {
	if err := access.Require(ctx, access.MemberRead); err != nil {
		return page.Connection[Purchase]{}, err
	}
	m, err := s.Members.ByID(ctx, memberID) // which writes the view down
	if err != nil {
		return page.Connection[Purchase]{}, err
	}
	if m.Masked {
		return page.Connection[Purchase]{}, fault.ErrForbidden
	}
	return s.Store.OfMember(ctx, memberID, true, p)
}

// Lines are the lines of purchases that the actor was shown.
func (s *Service) Lines(ctx context.Context, purchaseIDs []uuid.UUID) ([]Line, error) {
	return s.Store.Lines(ctx, purchaseIDs)
}

// Imports is one page of the brand's journals. Store staff and partners see what they sent:
// its errors may tell what somebody bought elsewhere.
func (s *Service) Imports(ctx context.Context, p page.Args) (page.Connection[Import], error) {
	if err := access.Require(ctx, access.PurchaseWrite); err != nil {
		return page.Connection[Import]{}, err
	}
	actor := access.From(ctx)
	var sentBy *uuid.UUID
	if actor.Is(access.RoleStoreStaff, access.RolePartner) {
		sentBy = &actor.ID
	}
	return s.Store.Imports(ctx, channel.From(ctx).BrandID, sentBy, p)
}

// ShipmentsJob brings what has left of orders into the history.
type ShipmentsJob struct{}

// Kind names the job in the queue.
func (ShipmentsJob) Kind() string { return "purchases_shipped" }

// PartitionJob makes room for the purchases of the months to come.
type PartitionJob struct{}

// Kind names the job in the queue.
func (PartitionJob) Kind() string { return "partition_purchases" }

// shipmentsAtOnce is how many shipments one transaction takes.
const shipmentsAtOnce = 1000

// WorkShipments brings shipments that have left, and what came back, into the history:
// each once, some in a transaction.
func (s *Service) WorkShipments(ctx context.Context) error {
	now := s.Now()
	for {
		n := 0
		err := s.Tx.InTx(ctx, func(ctx context.Context) error {
			added, err := s.Store.TakeShipments(ctx, shipmentsAtOnce, now)
			if err != nil {
				return err
			}
			n = len(added)
			return s.earn(ctx, added)
		})
		if err != nil || n < shipmentsAtOnce {
			return err
		}
	}
}

// WorkPartitions makes room for last month, this one and the two that follow.
func (s *Service) WorkPartitions(ctx context.Context) error { return s.Store.Room(ctx, Ahead(s.Now())) }

// Ahead are the months that have room at a moment, whatever comes.
func Ahead(at time.Time) []time.Time {
	var all []time.Time
	for n := -1; n <= 2; n++ {
		all = append(all, time.Date(at.Year(), at.Month()+time.Month(n), 1, 0, 0, 0, 0, time.UTC))
	}
	return all
}

// Read checks receipts that another system kept, and answers them as the history keeps
// them; by their places, why some cannot be.
func (s *Service) Read(ctx context.Context, receipts []Receipt) (made []Taken, failed map[int]error, err error) {
	if err := access.Require(ctx, access.PurchaseWrite); err != nil {
		return nil, nil, err
	}
	stores, err := s.stores(ctx)
	if err != nil {
		return nil, nil, err
	}
	ch := channel.From(ctx)
	made, failed = make([]Taken, len(receipts)), map[int]error{}
	for i, r := range receipts {
		if made[i], err = r.taken(ch.BrandID, stores, ch.Money(), ch.Zone(), s.Now()); err != nil {
			failed[i] = err
		}
	}
	return made, failed, nil
}

// Room makes room for the months of receipts, outside any transaction.
func (s *Service) Room(ctx context.Context, receipts []Taken) error {
	return s.Store.Room(ctx, months(receipts))
}

// Bring adds receipts that another system kept, each once, and answers those that were
// not there. They earn nothing: what they earned there is in the balances from there.
func (s *Service) Bring(ctx context.Context, importID uuid.UUID, receipts []Taken) ([]Purchase, error) {
	if err := access.Require(ctx, access.PurchaseWrite); err != nil || len(receipts) == 0 {
		return nil, err
	}
	added, _, err := s.Store.Take(ctx, importID, receipts, s.Now())
	return added, err
}

// Known are those of the receipts that the history has, by their ids, and whether with the
// same content. Bring leaves them as they are; other content goes on the work list.
func (s *Service) Known(ctx context.Context, receipts []Taken) (map[uuid.UUID]bool, error) {
	if err := access.Require(ctx, access.PurchaseWrite); err != nil || len(receipts) == 0 {
		return nil, err
	}
	return s.Store.Known(ctx, receipts)
}
