package returns

import (
	"context"
	"slices"
	"strings"

	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/order"
)

// notice is a return of which its customer is told.
type notice struct {
	order.Standing
	r    Return
	rule Rule
}

// tell mails the order's customer, in the order's language, what happened.
func (s *Service) tell(ctx context.Context, n notice, what string) error {
	o := n.Order
	if o.Email == "" {
		return nil
	}
	ctx = i18n.WithLanguage(ctx, o.Language)
	m, err := messaging.New(ctx, messaging.Address{Name: o.ShippingAddress.Name, Email: o.Email}, n.occasion(what), n.content(what))
	if err != nil {
		return err
	}
	m.BrandID = o.BrandID
	return s.Outbox.Enqueue(ctx, m)
}

// occasion tells the mails of a return apart: each receipt has its own.
func (n notice) occasion(what string) string {
	if what == "RECEIVED" {
		return n.r.Receipts[len(n.r.Receipts)-1].ID.String()
	}
	return n.r.ID.String() + " " + what
}

func (n notice) content(what string) messaging.ReturnNotice {
	c := messaging.ReturnNotice{
		Name: n.Order.ShippingAddress.Name, OrderNumber: n.Order.Number, ReturnNumber: n.r.Number(), Event: what,
		Exchange: n.r.Outcome == Exchange, Currency: n.r.Currency, Note: n.r.Note,
	}
	switch what {
	case "APPROVED":
		c.Instructions = n.rule.Instructions.In(n.Order.Language)
		c.PaidByShop = !slices.ContainsFunc(n.r.Lines, func(l Line) bool { return l.Approved > 0 && !termOf(n.r.Terms, l.Reason).onDelivery() })
	case "RECEIVED":
		last := n.r.Receipts[len(n.r.Receipts)-1]
		c.Refund, c.AsPoints, c.Fee, c.Note = last.RefundMinor+last.carriedBackMinor, last.AsPointsMinor, last.FeeMinor, ""
	}
	for _, l := range n.r.Lines {
		if pieces := n.pieces(l, what); pieces > 0 {
			of := n.Lines[slices.IndexFunc(n.Lines, func(o order.Line) bool { return o.ID == l.LineID })]
			c.Lines = append(c.Lines, messaging.OrderPart{Name: of.Name.In(n.Order.Language), Option: strings.Join(of.Options, " / "), Quantity: pieces})
		}
	}
	return c
}

// pieces are how many of the line the mail is about.
func (n notice) pieces(l Line, what string) (pieces int) {
	switch what {
	case "APPROVED":
		return l.Approved
	case "RECEIVED":
		for _, p := range n.r.Receipts[len(n.r.Receipts)-1].Lines {
			if p.ReturnLineID == l.ID {
				pieces += p.Pieces()
			}
		}
		return pieces
	}
	return l.Asked
}
