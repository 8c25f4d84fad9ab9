package dispatch

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/text/encoding/japanese"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/page"
)

// Failures of a file of instructions.
var (
	ErrProfile = fault.NotFound("CARRIER_PROFILE_UNKNOWN", "指定した送り状データの形式がありません", "There is no such profile of instructions")
	ErrSender  = fault.Conflict("CARRIER_SENDER_MISSING", "ご依頼主（差出人）が登録されていません", "Nobody has said who parcels of this profile come from")
	ErrNothing = fault.Conflict("NOTHING_TO_EXPORT", "未出力の出荷指示がありません", "No instructed shipment waits to be exported")
	ErrChosen  = fault.NotFound("SHIPMENT_UNKNOWN", "指定した出荷のなかに、出荷待ちでないもの、または保留中の注文のものがあります", "Among the shipments is one that does not wait to leave, or whose order is held")
	ErrLink    = fault.Forbidden("SHIPMENT_FILE_LINK_INVALID", "リンクが正しくないか、有効期限が切れています。一覧からもう一度開いてください", "The link is not valid or has expired; open the file from the list again")
)

// Batch is a file of instructions as it was made (出荷指示データ). It never changes, but
// that prizes which were cancelled or forgotten are not in it any more: their addresses are
// kept nowhere else, so the file is written whenever it is opened.
type Batch struct {
	ID         uuid.UUID
	Source     Source
	BrandID    uuid.UUID
	Number     int // of the brand's files, from 1
	Profile    string
	LocationID *uuid.UUID // of whose shipments it is; nil: of any
	FileName   string
	Shipments  int // how many it instructs
	Remarks    []Remark
	ActorRole  access.Role
	CreatedBy  *uuid.UUID
	CreatedAt  time.Time

	ShipOn      *time.Time  // of prizes: the day on which they leave
	ExchangeIDs []uuid.UUID // of prizes: which are in it
}

// GlobalID is the batch's id in the schema.
func (b Batch) GlobalID() string { return id.Global("ShipmentBatch", b.ID) }

// Wanted says which shipments a file is to have.
type Wanted struct {
	BrandID     uuid.UUID
	LocationIDs []uuid.UUID // that they leave; none: any
	CarrierID   *uuid.UUID  // of the orders' shipping methods; nil: any
	ShipmentIDs []uuid.UUID // just these, exported before or not; none: all that were not
	Exported    bool        // those of prizes that were exported, too
	Limit       int
}

// BatchQuery asks for one page of a brand's files.
type BatchQuery struct {
	BrandID     uuid.UUID
	LocationIDs []uuid.UUID // of whose shipments they are; none: any
	Prizes      bool        // those of prizes, too
	Page        page.Args
}

// Store keeps senders and batches.
type Store interface {
	Sender(ctx context.Context, brandID uuid.UUID, profile string) (*Sender, error)
	Senders(ctx context.Context, brandID uuid.UUID) ([]Sender, error)
	SaveSender(ctx context.Context, s Sender) error
	// Waiting locks and reads shipments that wait to leave, who waits longest first.
	Waiting(ctx context.Context, w Wanted) ([]Delivery, error)
	// InsertBatch draws the brand's next number, keeps the file that name and number
	// make, and marks its shipments.
	InsertBatch(ctx context.Context, b Batch, content []byte, shipmentIDs []uuid.UUID) (Batch, error)
	Batch(ctx context.Context, batchID uuid.UUID) (*Batch, error)
	BatchNumbered(ctx context.Context, brandID uuid.UUID, number int) (*Batch, error)
	// Batches is one page of the brand's, the last first; of the locations' only, if any
	// are named.
	Batches(ctx context.Context, q BatchQuery) (page.Connection[Batch], error)
	Content(ctx context.Context, batchID uuid.UUID) ([]byte, error)
}

// Parts are what the service stands on.
type Parts struct {
	Tx     idempotency.Tx
	Store  Store
	Keys   *idempotency.Keys
	Prizes Prizes       // nil: there are none
	Links  *link.Signer // nil: files are not served
	Events event.Recorder
	Now    clock.Clock
}

// Service writes files of instructions.
type Service struct {
	Parts
	profiles []Profile
}

// New makes the service; it fails if a table of columns cannot be read.
func New(p Parts) (*Service, error) {
	all, err := Profiles()
	return &Service{p, all}, err
}

// LinkPath is where files are served.
const LinkPath = "/shipment-files/"

// NewLinks makes the signer of links to files.
func NewLinks(secret, public string, now clock.Clock) (*link.Signer, error) {
	return link.New(secret, "noren shipment files", public, LinkPath, now)
}

// mostShipments is how many shipments one file has at most.
const mostShipments = 2000

// ExportInput asks for a file of the shipments that wait to leave and are in none.
type ExportInput struct {
	IdempotencyKey string
	Profile        string
	Source         Source
	LocationID     *uuid.UUID
	CarrierID      *uuid.UUID
	ShipmentIDs    []uuid.UUID // just these, or exchanges of prizes, exported before or not
	ShipOn         *time.Time  // the day on which they leave; nil: today
}

// Export writes a file of instructions, for staff, and marks its shipments: they are in
// no other file unless they are named. A shipment that the file cannot say whole is not
// in it, is not marked, and stands among the remarks.
func (s *Service) Export(ctx context.Context, in ExportInput) (*Batch, error) {
	if err := in.Source.sendable(ctx); err != nil {
		return nil, err
	}
	places, err := workplaces(ctx, in.LocationID)
	if err != nil {
		return nil, err
	}
	p := find(s.profiles, in.Profile)
	switch {
	case p == nil:
		return nil, ErrProfile.At("profile")
	case len(in.ShipmentIDs) > mostShipments:
		return nil, fault.Invalid(fault.CodeTooLong, "出荷は%d件以内で指定してください", "This has at most %d shipments").With(mostShipments).At("shipmentIds")
	}
	key, err := idempotency.Once(ctx, s.Keys, "exportShipments", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		b, err := s.export(ctx, in, *p, places)
		return b.ID, err
	})
	if err != nil {
		return nil, err
	}
	return s.Store.Batch(ctx, key)
}

// workplaces are the locations whose shipments the actor may work on, narrowed to the
// one that is asked for; none for all.
func workplaces(ctx context.Context, only *uuid.UUID) ([]uuid.UUID, error) {
	actor := access.From(ctx)
	switch {
	case only != nil && actor.Is(access.RoleStoreStaff) && !slices.Contains(actor.Stores, *only):
		return nil, fault.ErrForbidden
	case only != nil:
		return []uuid.UUID{*only}, nil
	case actor.Is(access.RoleStoreStaff) && len(actor.Stores) == 0:
		return nil, fault.ErrForbidden
	case actor.Is(access.RoleStoreStaff):
		return actor.Stores, nil
	}
	return nil, nil
}

func (s *Service) export(ctx context.Context, in ExportInput, p Profile, places []uuid.UUID) (Batch, error) {
	ch := channel.From(ctx)
	sender, err := s.Store.Sender(ctx, ch.BrandID, p.Code)
	if err != nil || sender == nil {
		return Batch{}, errors.Join(err, ErrSender.At("profile"))
	}
	waiting, err := s.waiting(ctx, in.Source, Wanted{BrandID: ch.BrandID, LocationIDs: places, CarrierID: in.CarrierID, ShipmentIDs: in.ShipmentIDs, Limit: mostShipments})
	switch {
	case err != nil:
		return Batch{}, err
	case len(in.ShipmentIDs) > 0 && (len(waiting) < len(in.ShipmentIDs) || slices.ContainsFunc(waiting, func(d Delivery) bool { return d.Held })):
		return Batch{}, ErrChosen.At("shipmentIds")
	case len(waiting) == 0:
		return Batch{}, ErrNothing
	}
	now := s.Now()
	shipOn := now.In(ch.Zone())
	if in.ShipOn != nil {
		shipOn = *in.ShipOn
	}
	b := Batch{
		ID: id.New(), Source: in.Source, BrandID: ch.BrandID, Profile: p.Code, CreatedAt: now, FileName: p.Code + "_" + now.In(ch.Zone()).Format("20060102"), Remarks: []Remark{},
	}
	if len(places) == 1 {
		b.LocationID = &places[0]
	}
	b.ActorRole, b.CreatedBy = asking(ctx)
	content, taken, err := p.file(waiting, *sender, shipOn, &b)
	if err != nil {
		return Batch{}, err
	}
	if b.Source == OfPrizes {
		b.ShipOn, b.ExchangeIDs, content = &shipOn, taken, nil
	}
	kept, err := s.Store.InsertBatch(ctx, b, content, taken)
	if err != nil {
		return Batch{}, err
	}
	return kept, s.Events.Record(ctx, event.New(ctx, now, "shipments.exported", "ShipmentBatch", kept.ID, map[string]any{
		"number": kept.Number, "source": kept.Source, "profile": kept.Profile, "shipments": taken, "remarks": len(kept.Remarks),
	}))
}

// file is the profile's CSV in CP932 with the shipments that it can say, and which they
// are.
func (p Profile) file(all []Delivery, sender Sender, shipOn time.Time, b *Batch) ([]byte, []uuid.UUID, error) {
	var text strings.Builder
	w := csv.NewWriter(&text)
	w.UseCRLF = true
	if err := w.Write(p.Headings()); err != nil {
		return nil, nil, err
	}
	var taken []uuid.UUID
	for _, d := range all {
		cells, remarks := p.row(d, sender, shipOn)
		b.Remarks = append(b.Remarks, remarks...)
		if slices.ContainsFunc(remarks, func(r Remark) bool { return !r.Taken }) {
			continue
		}
		if err := w.Write(cells); err != nil {
			return nil, nil, err
		}
		taken = append(taken, d.ID)
	}
	w.Flush()
	b.Shipments = len(taken)
	content, err := japanese.ShiftJIS.NewEncoder().String(text.String())
	if err != nil {
		return nil, nil, fmt.Errorf("write as CP932: %w", err)
	}
	return []byte(content), taken, w.Error()
}

// Batches is one page of the brand's files, the last first, for staff; for those of a
// shop, of those that are of its shipments alone.
func (s *Service) Batches(ctx context.Context, args page.Args) (page.Connection[Batch], error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return page.Connection[Batch]{}, err
	}
	q := BatchQuery{BrandID: channel.From(ctx).BrandID, Prizes: OfPrizes.sendable(ctx) == nil, Page: args}
	if actor := access.From(ctx); actor.Is(access.RoleStoreStaff) {
		if q.LocationIDs = actor.Stores; len(q.LocationIDs) == 0 {
			return page.Connection[Batch]{}, nil
		}
	}
	return s.Store.Batches(ctx, q)
}

// Numbered is the brand's file with the number and what is in it, for noren's own
// command; nil if there is none. That it was opened is written down.
func (s *Service) Numbered(ctx context.Context, number int) (*Batch, []byte, error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return nil, nil, err
	}
	b, err := s.Store.BatchNumbered(ctx, channel.From(ctx).BrandID, number)
	if err != nil || b == nil {
		return nil, nil, err
	}
	content, err := s.opened(ctx, *b)
	return b, content, err
}

// opened is what is in a file, once it is written down that the context's actor opened it:
// it says where people live.
func (s *Service) opened(ctx context.Context, b Batch) ([]byte, error) {
	opening := event.New(ctx, s.Now(), "shipments.file_opened", "ShipmentBatch", b.ID, map[string]any{"number": b.Number, "source": b.Source, "shipments": b.Shipments})
	opening.BrandID = b.BrandID
	if err := s.Events.Record(ctx, opening); err != nil {
		return nil, err
	}
	return s.content(ctx, b)
}

// asking is who asks for a file.
func asking(ctx context.Context) (access.Role, *uuid.UUID) {
	actor := access.From(ctx)
	if actor.ID == uuid.Nil {
		return actor.Role, nil
	}
	return actor.Role, &actor.ID
}

// asAsked is the context of who asked for a file: a link says nothing of who follows it.
func asAsked(ctx context.Context, role access.Role, actorID *uuid.UUID) context.Context {
	actor := access.Actor{Role: role}
	if actorID != nil {
		actor.ID = *actorID
	}
	return access.With(ctx, actor)
}

// content is what is in a file.
func (s *Service) content(ctx context.Context, b Batch) ([]byte, error) {
	if b.Source != OfPrizes {
		return s.Store.Content(ctx, b.ID)
	}
	if s.Prizes == nil {
		return nil, fault.ErrNotFound
	}
	p := find(s.profiles, b.Profile)
	sender, err := s.Store.Sender(ctx, b.BrandID, b.Profile)
	if err != nil || p == nil || sender == nil || b.ShipOn == nil {
		return nil, errors.Join(err, fault.ErrNotFound)
	}
	all, err := s.Prizes.Parcels(ctx, b.ExchangeIDs)
	if err != nil {
		return nil, err
	}
	content, _, err := p.file(all, *sender, *b.ShipOn, &b)
	return content, err
}

// LinkTo is where the file is downloaded, for a quarter of an hour.
func (s *Service) LinkTo(b Batch) string { return s.Links.To(b.ID) }

// Open is the file that a link leads to. That it was opened is written down first, in the
// name of who asked for the file.
func (s *Service) Open(ctx context.Context, batchID, expires, signature string) (*Batch, []byte, error) {
	key, err := s.Links.Check(batchID, expires, signature)
	if err != nil {
		return nil, nil, ErrLink
	}
	b, err := s.Store.Batch(ctx, key)
	if err != nil || b == nil {
		return nil, nil, errors.Join(err, fault.ErrNotFound)
	}
	content, err := s.opened(asAsked(ctx, b.ActorRole, b.CreatedBy), *b)
	return b, content, err
}

// Offer is a profile with who the brand's parcels come from in it.
type Offer struct {
	Profile
	From *Sender // nil: nobody has said, and no file is made
}

// Offers are the profiles, for staff.
func (s *Service) Offers(ctx context.Context) ([]Offer, error) {
	if err := access.Require(ctx, access.OrderRead); err != nil {
		return nil, err
	}
	senders, err := s.Store.Senders(ctx, channel.From(ctx).BrandID)
	all := make([]Offer, len(s.profiles))
	for i, p := range s.profiles {
		all[i].Profile = p
		if at := slices.IndexFunc(senders, func(x Sender) bool { return x.Profile == p.Code }); at >= 0 {
			all[i].From = &senders[at]
		}
	}
	return all, err
}

// SaveSenderInput says who parcels come from.
type SaveSenderInput struct {
	Profile      string
	Address      customer.Address
	CustomerCode string
	FareCode     string
}

// longest contract codes.
const (
	maxCustomerCode = 12
	maxFareCode     = 2
)

// SaveSender sets who the brand's parcels come from in files of a profile, for staff
// with SHIPPING_WRITE.
func (s *Service) SaveSender(ctx context.Context, in SaveSenderInput) (*Offer, error) {
	if err := access.RequireEverywhere(ctx, access.ShippingWrite); err != nil {
		return nil, err
	}
	in.Address = in.Address.Normalised()
	all := []error{in.Address.Validate("address"), i18n.CheckString("customerCode", in.CustomerCode, maxCustomerCode), i18n.CheckString("fareCode", in.FareCode, maxFareCode)}
	p := find(s.profiles, in.Profile)
	if p == nil {
		all = append(all, ErrProfile.At("profile"))
	}
	if err := errors.Join(all...); err != nil {
		return nil, err
	}
	sender := Sender{channel.From(ctx).BrandID, in.Profile, in.Address, in.CustomerCode, in.FareCode, s.Now()}
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		before, err := s.Store.Sender(ctx, sender.BrandID, sender.Profile)
		if err != nil {
			return err
		}
		return errors.Join(s.Store.SaveSender(ctx, sender), s.Events.Record(ctx, event.New(ctx, sender.UpdatedAt, "carrier_sender.set", "Brand", sender.BrandID, map[string]any{
			"before": before, "after": sender,
		})))
	})
	return &Offer{*p, &sender}, err
}
