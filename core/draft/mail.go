package draft

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
)

// sendToConfirm mails the draft with a link at which it is confirmed.
func (s *Service) sendToConfirm(ctx context.Context, d Draft, p *cart.Priced, token string) error {
	content := messaging.DraftOrder{
		Name: d.Name, Number: d.Number, Event: "CONFIRM", Currency: d.Currency, Lines: contents(p.Lines, d.Language),
		Total: p.Quote.Total.Minor, Until: d.ExpiresAt, Message: d.Message, URL: s.link("/drafts/", d.GlobalID(), token),
	}
	return s.mail(ctx, d, strconv.Itoa(d.Revision)+" "+s.Now().String(), content)
}

// sendPayLink mails a link at which the order is paid by card.
func (s *Service) sendPayLink(ctx context.Context, d Draft, orderID uuid.UUID, token string) error {
	return s.mail(ctx, d, orderID.String(), messaging.DraftOrder{
		Name: d.Name, Number: d.Number, Event: "PAY", Currency: d.Currency, Total: d.TotalMinor, Until: s.Now().Add(linkLasts),
		URL: s.link("/orders/", id.Global("Order", orderID), token),
	})
}

// link is a page of the shop; a guest's carries the key.
func (s *Service) link(path, globalID, token string) string {
	link := s.ShopURL + path + url.PathEscape(globalID)
	if token != "" {
		link += "#token=" + token // browsers keep it to themselves
	}
	return link
}

func (s *Service) mail(ctx context.Context, d Draft, occasion string, content messaging.Content) error {
	m, err := messaging.New(i18n.WithLanguage(ctx, d.Language), messaging.Address{Name: d.Name, Email: d.Email}, d.ID.String()+" "+occasion, content)
	if err != nil {
		return err
	}
	m.BrandID = d.BrandID
	return s.Outbox.Enqueue(ctx, m)
}

func contents(lines []cart.Line, language string) []messaging.OrderLine {
	all := make([]messaging.OrderLine, len(lines))
	for i, l := range lines {
		all[i] = messaging.OrderLine{Name: l.Name.In(language), Option: strings.Join(l.Options, " / "), Quantity: l.Quantity}
		if l.Price != nil {
			all[i].Total = l.Price.Total.Minor
		}
	}
	return all
}
