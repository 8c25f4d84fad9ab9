package returns

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/order"
)

// ErrLink is a link that leads nowhere.
var ErrLink = fault.Forbidden("RETURN_LINK_INVALID", "リンクが正しくないか、有効期限が切れています。返品の画面からもう一度開いてください", "The link is not valid or has expired; open the file from the return again")

// Where files of returns are served.
const (
	SlipPath  = "/return-slips/"
	LabelPath = "/return-labels/"
	PhotoPath = "/return-photos/"
)

// Links sign links to files of returns: each kind with a key of its own.
type Links struct{ Slips, Labels, Photos *link.Signer }

// NewLinks makes the signers of links that begin with the public address.
func NewLinks(secret, public string, now clock.Clock) (l Links, err error) {
	var failed [3]error
	l.Slips, failed[0] = link.New(secret, "noren return slips", public, SlipPath, now)
	l.Labels, failed[1] = link.New(secret, "noren return labels", public, LabelPath, now)
	l.Photos, failed[2] = link.New(secret, "noren return photos", public, PhotoPath, now)
	return l, errors.Join(failed[:]...)
}

// Slip is what lies in a parcel with goods that come back (返品票), and what its label
// says.
type Slip struct {
	Number      string // the return's; what is scanned
	OrderNumber string
	Outcome     Outcome
	PrintedAt   time.Time
	To          customer.Address // where the parcel goes
	From        customer.Address // whose goods they are
	ByShop      bool             // the shop pays the parcel (着払い)
	How         string           // the brand's words on how to send
	Note        string           // what staff said
	Lines       []SlipLine
}

// SlipLine is goods on a slip.
type SlipLine struct {
	Name, Detail, Reason string
	Pieces               int
}

// Label is what a reason is called on paper.
func (r Reason) Label() string {
	switch r {
	case ChangedMind:
		return "お客様ご都合"
	case Defective:
		return "不良品"
	case Damaged:
		return "配送時の破損"
	case WrongItem:
		return "商品違い"
	}
	return "その他"
}

// SlipLink is where the slip of a return is downloaded, for a quarter of an hour; empty
// unless goods are still to come and the brand has said where to, and for whom the order is
// masked: the slip says whose goods they are.
func (s *Service) SlipLink(r Return, of OfOrder) string { return s.paper(s.Links.Slips, r, of) }

// LabelLink is where the address label of the return's parcel is downloaded; empty when
// there is no slip.
func (s *Service) LabelLink(r Return, of OfOrder) string { return s.paper(s.Links.Labels, r, of) }

func (s *Service) paper(links *link.Signer, r Return, of OfOrder) string {
	if !r.Status.awaits() || of.Rule.Address == nil || of.Masked {
		return ""
	}
	return links.To(r.ID)
}

// OpenSlip is the slip that a link leads to.
func (s *Service) OpenSlip(ctx context.Context, returnID, expires, signature string) (*Slip, error) {
	return s.openPaper(ctx, s.Links.Slips, returnID, expires, signature)
}

// OpenLabel is the slip whose label a link leads to.
func (s *Service) OpenLabel(ctx context.Context, returnID, expires, signature string) (*Slip, error) {
	return s.openPaper(ctx, s.Links.Labels, returnID, expires, signature)
}

func (s *Service) openPaper(ctx context.Context, links *link.Signer, returnID, expires, signature string) (*Slip, error) {
	key, err := links.Check(returnID, expires, signature)
	if err != nil {
		return nil, ErrLink
	}
	ctx = access.With(ctx, access.System) // who has the link was shown it
	r, err := s.ByID(ctx, key)
	if err != nil {
		return nil, err
	}
	if !r.Status.awaits() {
		return nil, ErrStatus.With(r.Status)
	}
	rule, err := s.rule(ctx, r.BrandID)
	if err != nil {
		return nil, err
	}
	if rule.Address == nil {
		return nil, fault.ErrNotFound
	}
	orders, err := s.Orders.Whole(ctx, []uuid.UUID{r.OrderID})
	if err != nil {
		return nil, err
	}
	lines, err := s.Orders.Lines(ctx, []uuid.UUID{r.OrderID})
	if err != nil || len(orders) == 0 {
		return nil, errors.Join(err, fault.ErrNotFound)
	}
	slip := r.slip(orders[0], lines, rule)
	slip.PrintedAt = s.Now().In(channel.From(ctx).Zone())
	return &slip, nil
}

// slip says what of the return is still to come.
func (r Return) slip(o order.Order, lines []order.Line, rule Rule) Slip {
	slip := Slip{
		Number: r.Number(), OrderNumber: r.OrderNumber, Outcome: r.Outcome, To: *rule.Address, From: o.ShippingAddress,
		ByShop: true, How: rule.Instructions.In("ja"), Note: r.Note,
	}
	for _, l := range r.Lines {
		pieces := l.Approved - r.inspected(l.ID).Pieces()
		at := slices.IndexFunc(lines, func(of order.Line) bool { return of.ID == l.LineID })
		if pieces < 1 || at < 0 {
			continue
		}
		of := lines[at]
		slip.Lines = append(slip.Lines, SlipLine{
			Name: of.Name.In("ja"), Detail: strings.Join(append([]string{of.SKU}, of.Options...), " / "), Reason: l.Reason.Label(), Pieces: pieces,
		})
		slip.ByShop = slip.ByShop && termOf(r.Terms, l.Reason).onDelivery()
	}
	return slip
}

// ParseNumber reads a return's number as it was scanned or typed.
func ParseNumber(typed string) (orderNumber string, nth int, ok bool) {
	head, tail, found := cutLast(strings.ToUpper(strings.TrimSpace(typed)), "R")
	if !found {
		return "", 0, false
	}
	orderNumber, ok = order.ParseNumber(head)
	nth, err := strconv.Atoi(tail)
	return orderNumber, nth, ok && err == nil && nth > 0 && nth < 1000
}

// cutLast cuts the text around the last separator.
func cutLast(text, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(text, separator); i >= 0 {
		return text[:i], text[i+len(separator):], true
	}
	return text, "", false
}

// Numbered is the return of the channel's brand whose slip was scanned, for staff of any
// shop; nil if there is none.
func (s *Service) Numbered(ctx context.Context, typed string) (*Return, error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return nil, err
	}
	number, nth, ok := ParseNumber(typed)
	if !ok {
		return nil, nil
	}
	return s.Store.Numbered(ctx, channel.From(ctx).BrandID, number, nth)
}
