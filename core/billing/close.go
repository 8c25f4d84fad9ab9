package billing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/holiday"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
)

// Run closes what is to be closed and reminds of what is overdue, as noren itself. Run
// again it goes on where it stopped.
func (s *Service) Run(ctx context.Context) error {
	ctx = access.With(ctx, access.System)
	_, err := s.close(ctx, nil, nil)
	return errors.Join(err, s.Store.Settle(ctx), s.remind(ctx))
}

// CloseInput says whose accounts to close: one company's, or all of the brand's.
type CloseInput struct{ CompanyID *uuid.UUID }

// Close makes the statements of all closing days that have passed (accountants). It
// answers those it made; those that are there already stay.
func (s *Service) Close(ctx context.Context, in CloseInput) ([]Statement, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return nil, err
	}
	brandID := channel.From(ctx).BrandID
	if in.CompanyID != nil {
		if _, err := s.Companies.ByID(seeing(ctx), *in.CompanyID); err != nil {
			return nil, fault.ErrNotFound.At("companyId")
		}
	}
	return s.close(ctx, &brandID, in.CompanyID)
}

// seeing lets accountants see companies.
func seeing(ctx context.Context) context.Context {
	a := access.From(ctx)
	a.Permissions = append([]access.Permission{access.CompanyRead}, a.Permissions...)
	return access.With(ctx, a)
}

// close closes company by company, each statement in its own transaction.
func (s *Service) close(ctx context.Context, brandID, companyID *uuid.UUID) ([]Statement, error) {
	accounts, err := s.Store.Accounts(ctx, brandID, companyID)
	if err != nil {
		return nil, err
	}
	var made []Statement
	var all []error
	for _, a := range accounts {
		for _, draft := range a.due(s.today(ctx), zone(ctx)) {
			closed, err := s.closeOne(ctx, draft)
			if err != nil {
				all = append(all, fmt.Errorf("close the account of %s on %s: %w", a.CompanyID, draft.ClosesOn.Format(time.DateOnly), err))
				break // what follows would begin with a wrong balance
			}
			if closed != nil {
				made = append(made, *closed)
			}
		}
	}
	return made, errors.Join(all...)
}

// due are the statements whose closing days have passed, oldest first.
func (a Account) due(today time.Time, zone *time.Location) []Statement {
	from := a.First
	if a.Closed != nil {
		next := midnight(a.Closed.AddDate(0, 0, 1), zone)
		from = &next
	}
	if from == nil {
		return nil
	}
	var all []Statement
	for {
		dates := a.Dates(*from, zone)
		if !dates.ClosesOn.Before(today) {
			return all
		}
		all = append(all, Statement{ID: id.New(), BrandID: a.BrandID, CompanyID: a.CompanyID, ClosesOn: dates.ClosesOn, DueOn: dates.DueOn})
		next := midnight(dates.ClosesOn.AddDate(0, 0, 1), zone)
		from = &next
	}
}

// midnight is when the day begins in the zone.
func midnight(day time.Time, zone *time.Location) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
}

func (s *Service) closeOne(ctx context.Context, draft Statement) (closed *Statement, err error) {
	draft.IssuedAt = s.Now()
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		closed, err = s.Store.Close(ctx, draft, midnight(draft.ClosesOn.AddDate(0, 0, 1), zone(ctx)))
		if err != nil || closed == nil {
			return err
		}
		if err := s.Companies.Cover(ctx, closed.CompanyID); err != nil {
			return err
		}
		e := event.New(ctx, draft.IssuedAt, "account.closed", "AccountStatement", closed.ID, map[string]any{
			"companyId": closed.CompanyID, "closesOn": closed.ClosesOn.Format(time.DateOnly), "dueOn": closed.DueOn.Format(time.DateOnly),
			"opening": closed.OpeningMinor, "sales": closed.SalesMinor, "payments": closed.PaymentsMinor, "other": closed.OtherMinor, "closing": closed.ClosingMinor,
		})
		e.BrandID = closed.BrandID
		if err := s.Events.Record(ctx, e); err != nil || s.Documents == nil {
			return err
		}
		return s.Documents.Closed(ctx, *closed)
	})
	return closed, err
}

// late is the day before which what was due is late today: what is transferred on the day it
// is due is on the statement of the bank's next business day, so that one has to be over.
func late(today time.Time) time.Time { return holiday.BankDayBefore(today) }

// level is how firmly to ask for what was due on the day, and is late.
func level(dueOn, today time.Time) int {
	switch days := int(today.Sub(dueOn).Hours() / 24); {
	case !dueOn.Before(late(today)):
		return 0
	case days >= 30:
		return 3
	case days >= 14:
		return 2
	}
	return 1
}

// remind writes to companies that are late, once for each level.
func (s *Service) remind(ctx context.Context) error {
	today := s.today(ctx)
	overdue, err := s.Store.Overdue(ctx, nil, late(today))
	if err != nil {
		return err
	}
	var all []error
	for _, o := range overdue {
		wanted := level(o.DueOn, today)
		if wanted <= o.Level || (o.HeldUntil != nil && !today.After(*o.HeldUntil)) {
			continue
		}
		if err := s.Tx.InTx(ctx, func(ctx context.Context) error { return s.remindOne(ctx, o, wanted) }); err != nil {
			all = append(all, fmt.Errorf("remind %s: %w", o.CompanyID, err))
		}
	}
	return errors.Join(all...)
}

func (s *Service) remindOne(ctx context.Context, o Overdue, wanted int) error {
	first, err := s.Store.Remind(ctx, o, wanted, s.Now())
	if err != nil || !first {
		return err
	}
	people, err := s.Store.Recipients(ctx, o.CompanyID)
	if err != nil {
		return err
	}
	for _, p := range people {
		m, err := messaging.New(i18n.WithLanguage(ctx, i18n.Default), messaging.Address{Name: p.Name, Email: p.Email},
			fmt.Sprintf("%s %s %d", o.CompanyID, o.DueOn.Format(time.DateOnly), wanted),
			messaging.AccountOverdue{Name: p.Name, Company: o.Name, Amount: o.AmountMinor, Currency: o.Currency, DueOn: o.DueOn, Level: wanted})
		if err != nil {
			return err
		}
		m.BrandID = o.BrandID
		if err := s.Outbox.Enqueue(ctx, m); err != nil {
			return err
		}
	}
	e := event.New(ctx, s.Now(), "account.reminded", "Company", o.CompanyID, map[string]any{
		"level": wanted, "amount": o.AmountMinor, "dueOn": o.DueOn.Format(time.DateOnly), "mails": len(people),
	})
	e.BrandID = o.BrandID
	return s.Events.Record(ctx, e)
}

// HoldInput stops reminders to a company until a day has passed; nil: they go on.
type HoldInput struct {
	CompanyID uuid.UUID
	Until     *time.Time
	Note      string
}

// Hold stops reminders to a company for a while (accountants).
func (s *Service) Hold(ctx context.Context, in HoldInput) error {
	if err := access.RequireEverywhere(ctx, access.AccountingWrite); err != nil {
		return err
	}
	if err := i18n.CheckString("note", in.Note, 200); err != nil {
		return err
	}
	c, err := s.Companies.ByID(seeing(ctx), in.CompanyID)
	if err != nil || c == nil || c.BrandID != channel.From(ctx).BrandID {
		return fault.ErrNotFound.At("companyId")
	}
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.Hold(ctx, in.CompanyID, in.Until, in.Note, s.Now()); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, s.Now(), "account.dunning_held", "Company", in.CompanyID, map[string]any{"until": in.Until, "note": in.Note}))
	})
}

// Statements is one page of the brand's statements, for accountants.
func (s *Service) Statements(ctx context.Context, q Query) (page.Connection[Statement], error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return page.Connection[Statement]{}, err
	}
	q.BrandID = channel.From(ctx).BrandID
	return s.Store.Statements(ctx, q)
}

// Mine is one page of the statements of the actor's company, for those of its buyers
// who see all that it orders.
func (s *Service) Mine(ctx context.Context, args page.Args) (page.Connection[Statement], error) {
	seat, err := s.Companies.MySeat(ctx)
	if err != nil || seat == nil || !seat.Role.SeesAll() {
		return page.Connection[Statement]{}, err
	}
	return s.Store.Statements(ctx, Query{BrandID: channel.From(ctx).BrandID, CompanyID: &seat.CompanyID, Page: args})
}

// LinesOf are the lines of statements that were read through this service.
func (s *Service) LinesOf(ctx context.Context, statementIDs []uuid.UUID) ([]Line, error) {
	return s.Store.LinesOf(ctx, statementIDs)
}

// Overdue are the brand's companies that are late, those the longest first.
func (s *Service) Overdue(ctx context.Context) ([]Overdue, error) {
	if err := access.RequireEverywhere(ctx, access.AccountingRead); err != nil {
		return nil, err
	}
	brandID := channel.From(ctx).BrandID
	return s.Store.Overdue(ctx, &brandID, late(s.today(ctx)))
}
