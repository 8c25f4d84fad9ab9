package quotation

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/messaging"
)

// sendOffer mails an offer to the buyer.
func (s *Service) sendOffer(ctx context.Context, q Quotation, o Offer, lines []Line) error {
	return s.tellBuyer(ctx, q, strconv.Itoa(o.Revision), messaging.QuotationAnswered{
		Name: q.Name, Number: q.Number, Revision: o.Revision, ValidUntil: o.ValidUntil, Currency: o.Currency, Lines: contents(lines, q.Language),
		Subtotal: o.SubtotalMinor, Shipping: o.ShippingMinor, Tax: o.TaxMinor, Total: o.TotalMinor, Message: o.Message,
	})
}

// sendRequest mails a request to the staff who answer.
func (s *Service) sendRequest(ctx context.Context, q Quotation, lines []Line, message string) error {
	return s.tellStaff(ctx, q, "", func(to messaging.Address) messaging.Content {
		return messaging.QuotationRequested{Name: to.Name, Number: q.Number, Buyer: q.Name, Lines: contents(lines, i18n.Default), Message: message}
	})
}

// sendWord mails to the other side what one side said.
func (s *Service) sendWord(ctx context.Context, q Quotation, staff bool, e event.Event, message string) error {
	said := messaging.QuotationSaid{Name: q.Name, Number: q.Number, Event: words[e.Type], Message: message}
	if staff {
		return s.tellBuyer(ctx, q, e.ID.String(), said)
	}
	return s.tellStaff(ctx, q, e.ID.String(), func(to messaging.Address) messaging.Content {
		said.Name, said.Buyer = to.Name, q.Name
		return said
	})
}

// words are the events that the other side is told of, as its mail calls them.
var words = map[string]string{
	"quotation.replied": "REPLIED", "quotation.declined": "DECLINED", "quotation.withdrawn": "WITHDRAWN", "quotation.expired": "EXPIRED",
}

// writesPerBuyer is how often a buyer may write, each time to all staff who answer.
var writesPerBuyer = limit.Rate{Allowed: 30, Per: time.Hour}

// mayWrite fails with ErrWrites where the actor has written too often.
func (s *Service) mayWrite(ctx context.Context) error {
	if s.Limiter == nil {
		return nil
	}
	verdict := s.Limiter.Allow(ctx, "quotation:"+access.From(ctx).ID.String(), writesPerBuyer)
	if verdict.Allowed {
		return nil
	}
	return ErrWrites.With(max(1, int(verdict.RetryAfter.Round(time.Minute)/time.Minute)))
}

// tellBuyer mails to who asked, in the language in which it was asked.
func (s *Service) tellBuyer(ctx context.Context, q Quotation, occasion string, content messaging.Content) error {
	ctx = i18n.WithLanguage(ctx, q.Language)
	m, err := messaging.New(ctx, messaging.Address{Name: q.Name, Email: q.Email}, q.ID.String()+"/"+occasion, content)
	if err != nil {
		return err
	}
	m.BrandID = q.BrandID
	return s.Outbox.Enqueue(ctx, m)
}

// tellStaff mails to the staff who answer.
func (s *Service) tellStaff(ctx context.Context, q Quotation, occasion string, content func(to messaging.Address) messaging.Content) error {
	staff, err := s.Store.Answerers(ctx)
	if err != nil {
		return err
	}
	ctx = i18n.WithLanguage(ctx, i18n.Default)
	mails := make([]messaging.Message, len(staff))
	for i, to := range staff {
		if mails[i], err = messaging.New(ctx, to, q.ID.String()+occasion+"/"+to.Email, content(to)); err != nil {
			return err
		}
	}
	return s.Outbox.Enqueue(ctx, mails...)
}

// contents are the lines as mails show them.
func contents(lines []Line, language string) []messaging.OrderLine {
	all := make([]messaging.OrderLine, len(lines))
	for i, l := range lines {
		all[i] = messaging.OrderLine{Name: l.Name.In(language), Option: strings.Join(l.Options, " / "), Quantity: l.Quantity}
		if total := l.Total(); total != nil {
			all[i].Total = total.Minor
		}
	}
	return all
}
