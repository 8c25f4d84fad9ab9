package ledger

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Books is where other domains write down what money did, in their transactions.
type Books struct {
	store Poster
	now   clock.Clock
}

// Poster adds to the journal.
type Poster interface {
	// Post adds the entry with its lines, unless its source has been written down. It
	// need not have happened before the next call that answers something.
	Post(ctx context.Context, e Entry) error
	// OfOrder are the balances of one order.
	OfOrder(ctx context.Context, orderID uuid.UUID) (Balances, error)
}

// NewBooks makes the books.
func NewBooks(store Poster, now clock.Clock) *Books { return &Books{store, now} }

// Post adds an entry, once for each source.
func (b *Books) Post(ctx context.Context, e Entry) error {
	if err := e.check(); err != nil || len(e.Lines) == 0 {
		return err
	}
	now := b.now()
	if e.ID == uuid.Nil {
		e.ID = id.New()
	}
	e.PostedAt = now
	if e.At.IsZero() {
		e.At = now
	}
	if actor := access.From(ctx).ID; actor != uuid.Nil {
		e.ActorID = &actor
	}
	return b.store.Post(ctx, e)
}

// Sale is goods of an order that leave the house: the claim on its customer.
type Sale struct {
	ShipmentID uuid.UUID
	OrderID    uuid.UUID
	BrandID    uuid.UUID
	Number     string
	CompanyID  *uuid.UUID // who owes it; nil unless it is on account
	Currency   money.Currency
	Total      int64  // minor units, tax included
	Shipping   int64  // its share of the order's fee: with tax if Inclusive
	Charge     int64  // likewise, of the way to pay
	Owed       string // sub-account of RECEIVABLE: who owes it, if not the customer
	// The tax classes of the two; empty: the standard rate.
	ShippingClass, ChargeClass money.TaxClass

	Inclusive bool
	Taxes     []money.Taxed
	Rest      bool // what is still to be sold when nothing more leaves
}

// Sold writes the sale of a shipment down when it leaves: what was received before is no
// deposit any more, the rest is owed.
func (b *Books) Sold(ctx context.Context, s Sale) error {
	e := Entry{BrandID: s.BrandID, Kind: KindSale, Source: "sale:" + s.ShipmentID.String(), Currency: s.Currency, OrderID: &s.OrderID, CompanyID: s.CompanyID, Reference: s.Number}
	if s.Rest {
		e.Source += ":rest"
	}
	var deposited int64
	if s.CompanyID == nil {
		balances, err := b.store.OfOrder(ctx, s.OrderID)
		if err != nil {
			return err
		}
		deposited = min(max(-balances.Of(Deposits), 0), s.Total)
	}
	e.DebitTo(Deposits, "", deposited)
	e.DebitTo(Receivable, s.Owed, s.Total-deposited)
	net := s.Total
	for _, t := range s.Taxes {
		e.CreditTo(Tax, string(t.Class), t.Tax.Minor)
		net -= t.Tax.Minor
	}
	shipping := min(s.net(s.Shipping, s.ShippingClass), max(net, 0))
	charge := min(s.net(s.Charge, s.ChargeClass), max(net-shipping, 0))
	e.CreditTo(Sales, "", net-shipping-charge)
	e.CreditTo(Shipping, "", shipping)
	e.CreditTo(Charges, "", charge)
	return b.Post(ctx, e)
}

// net is a fee without its tax.
func (s Sale) net(fee int64, class money.TaxClass) int64 {
	if !s.Inclusive {
		return fee
	}
	return money.TaxOf(cmp.Or(class, money.TaxStandard), money.Of(fee, s.Currency), true, money.RoundDown).Net.Minor
}

// Carrier is the sub-account of RECEIVABLE for what carriers collect and owe.
const Carrier = "carrier"

// Movement is money of an order's payment that came in or went back.
type Movement struct {
	OrderID, PaymentID, BrandID uuid.UUID
	Number                      string // the order's
	Where                       Place  // where the money is
	Currency                    money.Currency
	At                          time.Time
	Minor                       int64 // how much
	Total                       int64 // of the payment, after it: tells one movement from the next
}

func (m Movement) entry(kind Kind, word string) Entry {
	return Entry{
		BrandID: m.BrandID, At: m.At, Kind: kind, Currency: m.Currency, OrderID: &m.OrderID, PaymentID: &m.PaymentID, Reference: m.Number,
		Source: strings.Join([]string{word, m.PaymentID.String(), strconv.FormatInt(m.Total, 10)}, ":"),
	}
}

// Received writes down money that came in for an order: it settles what the order
// owes, and beyond that, or before the order ships, it is a deposit.
func (b *Books) Received(ctx context.Context, m Movement) error {
	balances, err := b.store.OfOrder(ctx, m.OrderID)
	if err != nil {
		return err
	}
	e := m.entry(KindPayment, "capture")
	e.DebitTo(m.Where.Account, m.Where.Sub, m.Minor)
	left := m.Minor
	for _, place := range balances.places(Receivable) {
		owed := min(max(balances[place], 0), left)
		e.CreditTo(Receivable, place.Sub, owed)
		left -= owed
	}
	e.CreditTo(Deposits, "", left)
	return b.Post(ctx, e)
}

// GivenBack writes down money that went back to an order's customer: first what was
// deposited, then of the sale, with the tax of each class in proportion. It answers how
// much of the sale that undid.
func (b *Books) GivenBack(ctx context.Context, m Movement) (ofSale int64, err error) {
	balances, err := b.store.OfOrder(ctx, m.OrderID)
	if err != nil {
		return 0, err
	}
	return b.giveBack(ctx, m, balances, m.entry(KindRefund, "refund"))
}

// Refused takes the sale of an order back that its customer did not accept, as far as it
// is owed (受取拒否).
func (b *Books) Refused(ctx context.Context, m Movement) error {
	balances, err := b.store.OfOrder(ctx, m.OrderID)
	if err != nil {
		return err
	}
	m.Where, m.Minor = Place{Receivable, Carrier}, balances[Place{Receivable, Carrier}]
	if m.Minor <= 0 {
		return nil
	}
	e := m.entry(KindRefund, "refused")
	e.PaymentID, e.Source = nil, "refused:"+m.OrderID.String()
	_, err = b.giveBack(ctx, m, balances, e)
	return err
}

// ParcelRefused takes back the sale of a shipment that its customer did not accept. What
// the carrier was to collect for it, and does not, it does not owe; the rest is the
// customer's.
func (b *Books) ParcelRefused(ctx context.Context, r Returned, uncollected bool) error {
	balances, err := b.store.OfOrder(ctx, r.OrderID)
	if err != nil {
		return err
	}
	e := Entry{
		BrandID: r.BrandID, Kind: KindReturn, Source: "refused:" + r.CauseID.String(), Currency: r.Currency, OrderID: &r.OrderID, Reference: r.Reference,
	}
	if err := e.undo(balances, r.Minor); err != nil {
		return err
	}
	var claim int64
	if uncollected {
		claim = min(max(balances[Place{Receivable, Carrier}], 0), r.Minor)
	}
	e.CreditTo(Receivable, Carrier, claim)
	e.CreditTo(Deposits, "", r.Minor-claim)
	return b.Post(ctx, e)
}

// SetOff sets what an order's customer is owed for what came back off against what the
// carrier was to collect, and nobody does (相殺).
func (b *Books) SetOff(ctx context.Context, r Returned) error {
	e := Entry{
		BrandID: r.BrandID, Kind: KindReturn, Source: "setoff:" + r.CauseID.String(), Currency: r.Currency, OrderID: &r.OrderID, Reference: r.Reference,
	}
	e.DebitTo(Deposits, "", r.Minor)
	e.CreditTo(Receivable, Carrier, r.Minor)
	return b.Post(ctx, e)
}

// giveBack completes the entry of money that goes back, or of a claim that is given up.
func (b *Books) giveBack(ctx context.Context, m Movement, balances Balances, e Entry) (ofSale int64, err error) {
	deposited := min(max(-balances.Of(Deposits), 0), m.Minor)
	e.DebitTo(Deposits, "", deposited)
	if err := e.undo(balances, m.Minor-deposited); err != nil {
		return 0, err
	}
	e.CreditTo(m.Where.Account, m.Where.Sub, m.Minor)
	return min(m.Minor-deposited, max(balances.sold(), 0)), b.Post(ctx, e)
}

// undo takes an amount off an order's sale, with the tax of each class in proportion;
// what exceeds the sale is an adjustment.
func (e *Entry) undo(balances Balances, minor int64) error {
	sold := max(balances.sold(), 0)
	ofSale := min(minor, sold)
	net := ofSale
	for _, place := range balances.places(Tax) {
		if sold == 0 {
			continue
		}
		tax, err := money.RoundDown.Portion(-balances[place], ofSale, sold, 1)
		if err != nil {
			return err
		}
		e.DebitTo(Tax, place.Sub, tax)
		net -= tax
	}
	e.DebitTo(Returns, "", net)
	e.DebitTo(Adjustments, "", minor-ofSale)
	return nil
}

// Returned is goods of an order that came back.
type Returned struct {
	OrderID   uuid.UUID
	CompanyID *uuid.UUID // who owes less; nil unless it is on account
	BrandID   uuid.UUID
	CauseID   uuid.UUID // what came back
	Currency  money.Currency
	Minor     int64 // what the customer gets for it
	Reference string
}

// GoodsReturned undoes the sale of goods that came back: what they cost is to be given
// back, or on account is not owed any more.
func (b *Books) GoodsReturned(ctx context.Context, r Returned) error {
	balances, err := b.store.OfOrder(ctx, r.OrderID)
	if err != nil {
		return err
	}
	e := Entry{
		BrandID: r.BrandID, Kind: KindReturn, Source: "return:" + r.CauseID.String(), Currency: r.Currency,
		OrderID: &r.OrderID, CompanyID: r.CompanyID, Reference: r.Reference,
	}
	if err := e.undo(balances, r.Minor); err != nil {
		return err
	}
	if r.CompanyID != nil {
		e.CreditTo(Receivable, "", r.Minor)
	} else {
		e.CreditTo(Deposits, "", r.Minor)
	}
	return b.Post(ctx, e)
}

// Company is a claim on a company that is settled.
type Company struct {
	CompanyID, BrandID, CauseID uuid.UUID // CauseID: the credit entry
	Currency                    money.Currency
	At                          time.Time
	Minor                       int64
	Reference                   string
}

// ReceivedOnAccount writes down what a company paid (売掛入金).
func (b *Books) ReceivedOnAccount(ctx context.Context, c Company) error {
	return b.settle(ctx, c, KindAccountPayment, Bank)
}

// WrittenOff writes down what a company will not pay any more (貸倒れ).
func (b *Books) WrittenOff(ctx context.Context, c Company) error {
	return b.settle(ctx, c, KindWriteOff, BadDebts)
}

func (b *Books) settle(ctx context.Context, c Company, kind Kind, to Account) error {
	e := Entry{BrandID: c.BrandID, At: c.At, Kind: kind, Source: "credit:" + c.CauseID.String(), Currency: c.Currency, CompanyID: &c.CompanyID, Reference: c.Reference}
	e.DebitTo(to, "", c.Minor)
	e.CreditTo(Receivable, "", c.Minor)
	return b.Post(ctx, e)
}

// Cards is money of gift cards that was issued or forfeited.
type Cards struct {
	BrandID, CauseID uuid.UUID
	Where            Place // of what was issued: where its money is
	Currency         money.Currency
	Minor            int64
	Memo             string
}

// CardsIssued writes down that gift cards were issued: they are owed until they are used.
func (b *Books) CardsIssued(ctx context.Context, c Cards) error {
	return b.cards(ctx, c, c.Where, Place{Account: GiftCards})
}

// CardsForfeited writes down what is not owed any more, of cards that expired or were
// taken out of use (失効).
func (b *Books) CardsForfeited(ctx context.Context, c Cards) error {
	return b.cards(ctx, c, Place{Account: GiftCards}, Place{Account: Adjustments})
}

func (b *Books) cards(ctx context.Context, c Cards, debit, credit Place) error {
	e := Entry{BrandID: c.BrandID, Kind: KindGiftCard, Source: "cards:" + c.CauseID.String(), Currency: c.Currency, Memo: c.Memo}
	e.DebitTo(debit.Account, debit.Sub, c.Minor)
	e.CreditTo(credit.Account, credit.Sub, c.Minor)
	return b.Post(ctx, e)
}

// VoucherMove is what happened to the money of vouchers.
type VoucherMove string

// The moves.
const (
	VouchersIssued    VoucherMove = "ISSUED"    // they are owed
	VouchersUsed      VoucherMove = "USED"      // a till or another shop took them, and is to be given their money
	VouchersForfeited VoucherMove = "FORFEITED" // void or expired (失効)
)

// Vouchers is money of vouchers that moved.
type Vouchers struct {
	BrandID, CauseID uuid.UUID
	Move             VoucherMove
	Currency         money.Currency
	Minor            int64
	Memo             string
}

// VouchersMoved writes down what is owed for vouchers from now on, or is not any more.
func (b *Books) VouchersMoved(ctx context.Context, v Vouchers) error {
	due, cost := Place{Account: VouchersDue}, Place{Account: Promotions}
	debit, credit := cost, due
	switch v.Move {
	case VouchersUsed:
		debit, credit = due, Place{Account: Clearing, Sub: "vouchers"}
	case VouchersForfeited:
		debit, credit = due, cost
	}
	e := Entry{BrandID: v.BrandID, Kind: KindVoucher, Source: "vouchers:" + v.CauseID.String(), Currency: v.Currency, Memo: v.Memo}
	e.DebitTo(debit.Account, debit.Sub, v.Minor)
	e.CreditTo(credit.Account, credit.Sub, v.Minor)
	return b.Post(ctx, e)
}

// GivenPoints is what points of a day are worth that members were given, less what
// expired or was taken.
type GivenPoints struct {
	BrandID, ProgrammeID uuid.UUID
	Code                 string // of the programme: the sub-account
	Day                  time.Time
	Currency             money.Currency
	Minor                int64 // below zero if more was taken than given
}

// PointsGiven writes down what is owed for points of a day, once for each.
func (b *Books) PointsGiven(ctx context.Context, g GivenPoints) error {
	day := g.Day.Format(time.DateOnly)
	e := Entry{BrandID: g.BrandID, Kind: KindPoints, Source: "points:" + g.ProgrammeID.String() + ":" + day, Currency: g.Currency, Reference: g.Code, Memo: day}
	e.DebitTo(Promotions, "", g.Minor)
	e.CreditTo(Points, g.Code, g.Minor)
	return b.Post(ctx, e)
}
