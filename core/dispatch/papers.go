package dispatch

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/label"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/shipping"
)

// PaperKind is what is printed of shipments.
type PaperKind string

// The kinds.
const (
	PackingLists  PaperKind = "PACKING_LISTS"  // 出荷明細書: one for each parcel
	PickList      PaperKind = "PICK_LIST"      // ピッキングリスト: what to fetch for all of them
	AddressLabels PaperKind = "ADDRESS_LABELS" // 宛名ラベル
)

// Title is what a paper is called.
func (k PaperKind) Title() string {
	switch k {
	case PickList:
		return "ピッキングリスト"
	case AddressLabels:
		return "宛名ラベル"
	}
	return "出荷明細書"
}

// Failures of papers.
var (
	ErrNothingToPrint = fault.Conflict("NOTHING_TO_PRINT", "印刷できる出荷指示がありません", "No instructed shipment can be printed")
	ErrPrizePaper     = fault.Invalid(fault.CodeInvalid, "景品は宛名ラベルのみ印刷できます", "Of prizes, address labels alone are printed")
	ErrPaperLink      = fault.Forbidden("SHIPMENT_PAPER_LINK_INVALID", "リンクが正しくないか、有効期限が切れています。もう一度印刷してください", "The link is not valid or has expired; print again")
)

// Paper is a file of papers for shipments. It is drawn when it is opened.
type Paper struct {
	ID          uuid.UUID
	BrandID     uuid.UUID
	Kind        PaperKind
	Source      Source
	ShipmentIDs []uuid.UUID // or exchanges of prizes
	Format      string      // of labels; else empty
	Skip        int         // labels of the first sheet that are used up
	ActorRole   access.Role
	CreatedBy   *uuid.UUID
	CreatedAt   time.Time
}

// GlobalID is the paper's id in the schema.
func (p Paper) GlobalID() string { return id.Global("ShipmentPaper", p.ID) }

// Shipments is how many shipments are on it.
func (p Paper) Shipments() int { return len(p.ShipmentIDs) }

// Packed is a shipment as its papers show it.
type Packed struct {
	ShipmentID   uuid.UUID
	OrderID      uuid.UUID // nobody's for a prize
	Number       string    // the order's
	Nth          int
	PlacedAt     time.Time
	To           customer.Address
	Mode         pricing.ShippingMode
	Billing      *customer.Address // who ordered it, if somebody else than who receives it
	Buyer        string            // the company that ordered it, or the member; empty for a guest
	BuyerID      uuid.UUID         // the member; nobody's for a guest, and for a prize
	Brand        string
	Location     string // that it leaves
	Temperature  shipping.Temperature
	DeliverOn    *time.Time
	TimeBand     string
	Currency     money.Currency
	TaxInclusive bool
	Lines        []PackedLine
}

// Sealed are the values that are sealed with the order, and with the buyer's account.
func (p *Packed) Sealed() (uuid.UUID, []sealing.Column) {
	return p.OrderID, []sealing.Column{
		{Field: "shipping_address", Value: customer.AddressValue(&p.To)}, {Field: "billing_address", Value: customer.AddressAt(&p.Billing)},
		{Field: "name", Value: sealing.Text(&p.Buyer), Owner: p.BuyerID},
	}
}

// PackedLine is pieces of one thing in a shipment.
type PackedLine struct {
	SKU       string   `json:"sku"`
	Barcode   string   `json:"barcode"`
	Name      string   `json:"name"`
	Options   []string `json:"options"`
	Set       string   `json:"set"` // that they are part of; empty if of none
	Quantity  int      `json:"quantity"`
	UnitMinor *int64   `json:"unit"` // nil for a part of a set
}

// Reference is what the shipment is called.
func (p Packed) Reference() string { return p.Number + "-" + strconv.Itoa(p.Nth) }

// Priced reports whether prices may lie in the parcel: not in what goes straight to the
// buyer's own customer (直送).
func (p Packed) Priced() bool { return p.Mode != pricing.ShipDirect }

// From is who the parcel says it comes from: the shop, or the buyer to whose customer it
// goes; empty if nobody knows who that is.
func (p Packed) From() string {
	switch {
	case p.Mode != pricing.ShipDirect:
		return p.Brand
	case p.Billing != nil && p.Billing.Company != "":
		return p.Billing.Company
	case p.Billing != nil:
		return p.Billing.Name
	}
	return p.Buyer
}

// PaperStore keeps which shipments are printed together.
type PaperStore interface {
	// Printable are shipments that wait to leave, of orders that are not held, who waits
	// longest first.
	Printable(ctx context.Context, w Wanted) ([]uuid.UUID, error)
	InsertPaper(ctx context.Context, p Paper) error
	Paper(ctx context.Context, paperID uuid.UUID) (*Paper, error)
	// Packed are the shipments in the order of the ids; those that were called off are
	// left out.
	Packed(ctx context.Context, shipmentIDs []uuid.UUID) ([]Packed, error)
}

// PaperParts are what the service of papers stands on.
type PaperParts struct {
	Tx     idempotency.Tx
	Store  PaperStore
	Prizes Prizes
	Links  *link.Signer
	Events event.Recorder
	Now    clock.Clock
}

// Papers prints for those who pack.
type Papers struct {
	PaperParts
	formats []label.Format
}

// NewPapers makes the service; it fails if the formats of labels cannot be read.
func NewPapers(p PaperParts) (*Papers, error) {
	all, err := label.Formats()
	return &Papers{p, all}, err
}

// PaperPath is where papers are served.
const PaperPath = "/shipment-papers/"

// NewPaperLinks makes the signer of links to papers.
func NewPaperLinks(secret, public string, now clock.Clock) (*link.Signer, error) {
	return link.New(secret, "noren shipment papers", public, PaperPath, now)
}

// mostPrinted is how many shipments one file has at most.
const mostPrinted = 500

// PrintInput asks for papers.
type PrintInput struct {
	Kind        PaperKind
	Source      Source
	LocationID  *uuid.UUID
	CarrierID   *uuid.UUID
	ShipmentIDs []uuid.UUID // just these, or exchanges of prizes; none: all that wait to leave, at most 500
	Format      string
	Skip        int
}

// Formats are the sheets of labels that there are, for staff.
func (s *Papers) Formats(ctx context.Context) ([]label.Format, error) {
	return s.formats, access.Require(ctx, access.OrderRead)
}

func (s *Papers) checkLabels(in *PrintInput) error {
	if in.Kind != AddressLabels {
		if in.Source == OfPrizes {
			return ErrPrizePaper.At("kind")
		}
		in.Format, in.Skip = "", 0
		return nil
	}
	f, err := label.Find(s.formats, in.Format)
	if err != nil {
		return err
	}
	return f.CheckSkip(in.Skip)
}

// Print makes papers of shipments that wait to leave, for staff; those of a shop of what
// leaves theirs.
func (s *Papers) Print(ctx context.Context, in PrintInput) (*Paper, error) {
	if err := in.Source.sendable(ctx); err != nil {
		return nil, err
	}
	places, err := workplaces(ctx, in.LocationID)
	if err != nil {
		return nil, err
	}
	if err := s.checkLabels(&in); err != nil {
		return nil, err
	}
	slices.SortFunc(in.ShipmentIDs, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	in.ShipmentIDs = slices.Compact(in.ShipmentIDs)
	if len(in.ShipmentIDs) > mostPrinted {
		return nil, fault.Invalid(fault.CodeTooLong, "出荷は%d件以内で指定してください", "This has at most %d shipments").With(mostPrinted).At("shipmentIds")
	}
	now := s.Now()
	p := Paper{ID: id.New(), BrandID: channel.From(ctx).BrandID, Kind: in.Kind, Source: in.Source, Format: in.Format, Skip: in.Skip, CreatedAt: now}
	p.ActorRole, p.CreatedBy = asking(ctx)
	return &p, s.Tx.InTx(ctx, func(ctx context.Context) error {
		p.ShipmentIDs, err = s.printable(ctx, in.Source, Wanted{BrandID: p.BrandID, LocationIDs: places, CarrierID: in.CarrierID, ShipmentIDs: in.ShipmentIDs, Exported: true, Limit: mostPrinted})
		switch {
		case err != nil:
			return err
		case len(p.ShipmentIDs) < len(in.ShipmentIDs):
			return ErrChosen.At("shipmentIds")
		case len(p.ShipmentIDs) == 0:
			return ErrNothingToPrint
		}
		return errors.Join(s.Store.InsertPaper(ctx, p), s.Events.Record(ctx, event.New(ctx, now, "shipments.printed", "ShipmentPaper", p.ID, map[string]any{
			"kind": p.Kind, "source": p.Source, "shipments": p.ShipmentIDs, "format": p.Format,
		})))
	})
}

// LinkTo is where the paper is downloaded, for a quarter of an hour.
func (s *Papers) LinkTo(p Paper) string { return s.Links.To(p.ID) }

// Open is the paper that a link leads to. That it was opened is written down first, in the
// name of who asked for the paper.
func (s *Papers) Open(ctx context.Context, paperID, expires, signature string) (*Paper, error) {
	key, err := s.Links.Check(paperID, expires, signature)
	if err != nil {
		return nil, ErrPaperLink
	}
	p, err := s.Store.Paper(ctx, key)
	if err != nil || p == nil {
		return nil, errors.Join(err, fault.ErrNotFound)
	}
	opening := event.New(asAsked(ctx, p.ActorRole, p.CreatedBy), s.Now(), "shipments.paper_opened", "ShipmentPaper", p.ID, map[string]any{
		"kind": p.Kind, "source": p.Source, "shipments": len(p.ShipmentIDs),
	})
	opening.BrandID = p.BrandID
	return p, s.Events.Record(ctx, opening)
}

// atOnce is how many shipments are read together.
const atOnce = 50

// Packed are the paper's shipments one by one.
func (s *Papers) Packed(ctx context.Context, p Paper) iter.Seq2[Packed, error] {
	return func(yield func(Packed, error) bool) {
		for some := range slices.Chunk(p.ShipmentIDs, atOnce) {
			all, err := s.Store.Packed(ctx, some)
			if err != nil {
				yield(Packed{}, err)
				return
			}
			for _, one := range all {
				if !yield(one, nil) {
					return
				}
			}
		}
	}
}

// Sheet are the address labels of the paper's shipments.
func (s *Papers) Sheet(ctx context.Context, p Paper) (label.Sheet, error) {
	f, err := label.Find(s.formats, p.Format)
	if p.Source == OfPrizes {
		return label.Sheet{Format: f, Skip: p.Skip, Labels: s.prizeLabels(ctx, p)}, err
	}
	return label.Sheet{Format: f, Skip: p.Skip, Labels: func(yield func(label.Label, error) bool) {
		for one, err := range s.Packed(ctx, p) {
			if !yield(label.Label{To: one.To, Mark: one.Reference()}, err) {
				return
			}
		}
	}}, err
}

// Picked is one thing to be fetched from the shelves.
type Picked struct {
	SKU, Barcode, Name string
	Options            []string
	Pieces             int
	For                []Share // which shipments
}

// Share is how many pieces a shipment takes.
type Share struct {
	Reference string
	Pieces    int
}

// Pick is what to fetch for the shipments, by SKU.
func Pick(all iter.Seq2[Packed, error]) ([]Picked, error) {
	bySKU := map[string]*Picked{}
	for one, err := range all {
		if err != nil {
			return nil, err
		}
		for _, l := range one.Lines {
			p := bySKU[l.SKU]
			if p == nil {
				p = &Picked{SKU: l.SKU, Barcode: l.Barcode, Name: l.Name, Options: l.Options}
				bySKU[l.SKU] = p
			}
			p.Pieces += l.Quantity
			if n := len(p.For); n > 0 && p.For[n-1].Reference == one.Reference() {
				p.For[n-1].Pieces += l.Quantity
				continue
			}
			p.For = append(p.For, Share{one.Reference(), l.Quantity})
		}
	}
	picked := make([]Picked, 0, len(bySKU))
	for _, p := range bySKU {
		picked = append(picked, *p)
	}
	slices.SortFunc(picked, func(a, b Picked) int {
		switch {
		case a.SKU < b.SKU:
			return -1
		case a.SKU > b.SKU:
			return 1
		}
		return 0
	})
	return picked, nil
}
