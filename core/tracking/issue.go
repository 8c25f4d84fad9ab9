// Package tracking follows parcels on their way (配送状況): carriers are asked, or report
// by themselves; customers hear of what matters, and people of what nobody expects.
package tracking

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/page"
)

// IssueKind is what an issue is about.
type IssueKind string

// The kinds of issue.
const (
	IssueUnknownShipment IssueKind = "UNKNOWN_SHIPMENT"
	IssueNotShippable    IssueKind = "NOT_SHIPPABLE"
	IssueTrackingTaken   IssueKind = "TRACKING_TAKEN"
	IssueUnknownParcel   IssueKind = "UNKNOWN_PARCEL"
	IssueReturned        IssueKind = "RETURNED"
	IssueLate            IssueKind = "LATE"
)

// IssueState is how far an issue has been dealt with.
type IssueState string

// The states. OPEN is the work list.
const (
	IssueOpen    IssueState = "OPEN"
	IssueSettled IssueState = "SETTLED"
)

// Issue is what people have to find out about a parcel.
type Issue struct {
	ID             uuid.UUID
	BrandID        *uuid.UUID // nil: nobody knows whose parcel it is
	ShipmentID     *uuid.UUID
	Kind           IssueKind
	Carrier        string
	Reference      string
	TrackingNumber string
	Detail         i18n.Text
	State          IssueState
	Reason         string
	ReportedAt     time.Time
	SettledAt      *time.Time
	SettledBy      *uuid.UUID
}

// GlobalID is the issue's id in the schema.
func (i Issue) GlobalID() string { return id.Global("DeliveryIssue", i.ID) }

// finger tells an issue from any other: what is reported again is the same issue.
func (i Issue) finger() string {
	parts := []string{string(i.Kind), i.Carrier, i.Reference, i.TrackingNumber}
	for _, key := range []*uuid.UUID{i.BrandID, i.ShipmentID} {
		if key != nil {
			parts = append(parts, key.String())
		}
	}
	return strings.Join(parts, "\x1f")
}

// IssueFilter is which issues to list. Zero fields do not filter.
type IssueFilter struct {
	States []IssueState
	Kinds  []IssueKind
}

// IssueQuery asks for one page of issues of the brand and of no brand, who waits longest
// first.
type IssueQuery struct {
	IssueFilter
	BrandID     uuid.UUID
	LocationIDs []uuid.UUID // only of shipments that leave these; none: any
	Page        page.Args
}

// IssueStore keeps issues.
type IssueStore interface {
	// InsertIssue keeps an issue unless one with its finger is there, and reports
	// whether it did.
	InsertIssue(ctx context.Context, i Issue, finger string) (bool, error)
	Issues(ctx context.Context, q IssueQuery) (page.Connection[Issue], error)
	// LockIssue is one of the brand's or of no brand; nil if there is none.
	LockIssue(ctx context.Context, brandID, issueID uuid.UUID) (*Issue, error)
	SaveIssue(ctx context.Context, i Issue) error
}

// Issues is the work list of parcels.
type Issues struct {
	tx     idempotency.Tx
	store  IssueStore
	events event.Recorder
	now    clock.Clock
}

// NewIssues makes the work list.
func NewIssues(tx idempotency.Tx, store IssueStore, events event.Recorder, now clock.Clock) *Issues {
	return &Issues{tx, store, events, now}
}

// Report puts an issue on the work list, once, in the transaction of the context.
func (s *Issues) Report(ctx context.Context, i Issue) error {
	i.ID, i.State, i.ReportedAt = id.New(), IssueOpen, s.now()
	i.Carrier, i.Reference, i.TrackingNumber = short(i.Carrier), short(i.Reference), short(i.TrackingNumber)
	fresh, err := s.store.InsertIssue(ctx, i, i.finger())
	if err != nil || !fresh {
		return err
	}
	e := event.New(ctx, i.ReportedAt, "delivery_issue.reported", "DeliveryIssue", i.ID, map[string]any{
		"kind": i.Kind, "shipmentId": i.ShipmentID, "carrier": i.Carrier, "reference": i.Reference, "trackingNumber": i.TrackingNumber,
	})
	if i.BrandID != nil {
		e.BrandID = *i.BrandID
	}
	return s.events.Record(ctx, e)
}

// short is what is kept of a text that somebody else has written.
func short(text string) string {
	runes := []rune(strings.Map(func(r rune) rune {
		if r == 0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, "")))
	return string(runes[:min(len(runes), 100)])
}

// List is one page of the work list, for staff; for those of a shop, of what leaves
// theirs.
func (s *Issues) List(ctx context.Context, f IssueFilter, args page.Args) (page.Connection[Issue], error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return page.Connection[Issue]{}, err
	}
	q, actor := IssueQuery{IssueFilter: f, BrandID: channel.From(ctx).BrandID, Page: args}, access.From(ctx)
	if actor.Is(access.RoleStoreStaff) {
		if q.LocationIDs = actor.Stores; len(q.LocationIDs) == 0 {
			return page.Connection[Issue]{}, nil
		}
	}
	return s.store.Issues(ctx, q)
}

// Failures of settling an issue.
var (
	ErrIssue  = fault.NotFound(fault.CodeNotFound, "指定した配送の確認事項がありません", "There is no such delivery issue")
	maxReason = 500
)

// SettleInput notes how an issue was dealt with, or opens it again.
type SettleInput struct {
	IssueID uuid.UUID
	State   IssueState
	Reason  string
}

// Settle notes how an issue was dealt with, or opens it again, for staff; those of a
// shop do not settle.
func (s *Issues) Settle(ctx context.Context, in SettleInput) (*Issue, error) {
	if err := access.Require(ctx, access.OrderWrite); err != nil {
		return nil, err
	}
	if access.From(ctx).Is(access.RoleStoreStaff) {
		return nil, fault.ErrForbidden
	}
	in.Reason = strings.TrimSpace(in.Reason)
	if err := i18n.CheckString("reason", in.Reason, maxReason); err != nil {
		return nil, err
	}
	if in.State == IssueSettled && in.Reason == "" {
		return nil, fault.ErrRequired.At("reason")
	}
	var settled *Issue
	err := s.tx.InTx(ctx, func(ctx context.Context) error {
		i, err := s.store.LockIssue(ctx, channel.From(ctx).BrandID, in.IssueID)
		if err != nil || i == nil {
			return errors.Join(err, ErrIssue.At("issueId"))
		}
		before := i.State
		i.State, i.Reason, i.SettledAt, i.SettledBy = in.State, "", nil, nil
		now, actor := s.now(), access.From(ctx).ID
		if in.State == IssueSettled {
			i.Reason, i.SettledAt, i.SettledBy = in.Reason, &now, &actor
		}
		settled = i
		return errors.Join(s.store.SaveIssue(ctx, *i), s.events.Record(ctx, event.New(ctx, now, "delivery_issue.settled", "DeliveryIssue", i.ID, map[string]any{
			"before": before, "after": in.State, "reason": in.Reason,
		})))
	})
	if err != nil {
		return nil, err
	}
	return settled, nil
}
