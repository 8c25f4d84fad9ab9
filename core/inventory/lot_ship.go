package inventory

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
)

// LeavingLine is pieces of one variant that leave with a line of an order.
type LeavingLine struct {
	LineID    uuid.UUID
	VariantID uuid.UUID
	Quantity  int
}

// ChosenLot is pieces that staff have taken from a lot, or with a serial number, for a line.
type ChosenLot struct {
	LineID    uuid.UUID
	VariantID *uuid.UUID // of a set's part, where two lots have the same number
	Number    string
	Quantity  int
}

// Leaving is pieces of tracked variants that left the shelves with a shipment.
type Leaving struct {
	ShipmentID uuid.UUID
	OrderID    uuid.UUID
	LocationID uuid.UUID
	At         time.Time
	Lines      []LeavingLine // of tracked variants
	Chosen     []ChosenLot
	InHand     bool // whoever hands them over reads their serial numbers: all are to be said
}

// Ship says which lots a shipment takes, in the transaction that took its pieces off the
// shelves: those that were chosen, and else what expires first of what may leave.
func (b *Lots) Ship(ctx context.Context, l Leaving) error {
	for _, c := range l.Chosen {
		if !slices.ContainsFunc(l.Lines, c.isOf) {
			return fault.ErrNotFound.At("lots")
		}
	}
	shelves, err := b.shelves(ctx, l.places())
	if err != nil {
		return err
	}
	var entries []LotEntry
	chosen := make([][]LotPieces, len(l.Lines))
	for i, line := range l.Lines {
		s := shelves[Place{line.VariantID, l.LocationID}]
		chosen[i] = l.chosen(i)
		taken, err := b.choose(ctx, s, line, chosen[i])
		if err != nil {
			return at("lots", err)
		}
		entries = append(entries, l.of(line, taken)...)
	}
	for i, line := range l.Lines {
		s, rest := shelves[Place{line.VariantID, l.LocationID}], line.Quantity
		for _, p := range chosen[i] {
			rest -= p.Quantity
		}
		if l.InHand && rest > 0 && s.rule.Mode == BySerial {
			return at("lots", ErrSerialsNeeded)
		}
		taken, err := s.first(rest, s.rule.Mode == BySerial)
		if errors.Is(err, ErrNoFitLots) && s.unnumbered() {
			err = ErrSerialsNeeded
		}
		if err != nil {
			return at("lots", err)
		}
		entries = append(entries, l.of(line, taken)...)
	}
	return b.book(ctx, Movement{At: l.At, Kind: Shipment, Reference: l.OrderID.String(), ActorID: actor(ctx)}, entries)
}

// places are where its lines lie, each once.
func (l Leaving) places() (places []Place) {
	for _, line := range l.Lines {
		if p := (Place{line.VariantID, l.LocationID}); !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	return places
}

func (c ChosenLot) isOf(l LeavingLine) bool {
	return c.LineID == l.LineID && (c.VariantID == nil || *c.VariantID == l.VariantID)
}

// chosen is what was chosen for the line; what could be meant for several variants of a
// line is for the first.
func (l Leaving) chosen(nth int) (all []LotPieces) {
	for _, c := range l.Chosen {
		if slices.IndexFunc(l.Lines, c.isOf) == nth {
			all = append(all, LotPieces{Number: c.Number, Quantity: c.Quantity})
		}
	}
	return all
}

// of are entries of what leaves with the line.
func (l Leaving) of(line LeavingLine, entries []LotEntry) []LotEntry {
	for i := range entries {
		if entries[i].Kind == "" {
			entries[i].ShipmentID, entries[i].LineID = &l.ShipmentID, &line.LineID
		}
	}
	return entries
}

// unnumbered reports whether pieces lie there that need a serial number to leave.
func (s *shelf) unnumbered() bool {
	unknown := s.find("")
	return s.rule.Mode == BySerial && unknown != nil && unknown.Available > 0
}

// choose takes what staff chose. A serial number that is new is given to a piece that has
// none yet.
func (b *Lots) choose(ctx context.Context, s *shelf, line LeavingLine, chosen []LotPieces) ([]LotEntry, error) {
	if len(chosen) == 0 {
		return nil, nil
	}
	sum := 0
	for _, p := range chosen {
		sum += p.Quantity
	}
	if err := checkLots(s.rule.Mode, chosen, min(sum, line.Quantity), 1); err != nil {
		return nil, err
	}
	var entries []LotEntry
	for _, p := range chosen {
		if s.find(p.Number) == nil && s.unnumbered() {
			named, err := b.identify(ctx, s, p)
			if err != nil {
				return nil, err
			}
			entries = append(entries, named...)
		}
		taken, err := s.leave(p)
		if err != nil {
			return nil, err
		}
		entries = append(entries, taken)
	}
	return entries, nil
}

// identify gives a serial number to a piece that has none.
func (b *Lots) identify(ctx context.Context, s *shelf, p LotPieces) ([]LotEntry, error) {
	lots, made, err := b.ensure(ctx, s, []LotPieces{p})
	if err != nil {
		return nil, err
	}
	if len(made) == 0 {
		return nil, ErrSerialTaken.With(p.Number)
	}
	from := s.entry(s.find(""), -1, 0)
	to := s.put(lots[0], 1)
	from.Kind, to.Kind = Identified, Identified
	return []LotEntry{from, to}, nil
}

// ReturnedLine is pieces of a variant that came back of a line of an order, to be sold again.
type ReturnedLine struct {
	LineID    uuid.UUID
	VariantID uuid.UUID
	Quantity  int
	Lots      []LotPieces // which they are, if somebody looked
}

// CameBack is pieces that lie at a location again.
type CameBack struct {
	LocationID uuid.UUID
	At         time.Time
	Reference  string
	Lines      []ReturnedLine
}

// Return lays what came back into its lots, in the transaction that put it on the shelves.
// Where it left from several lots and nobody says which it is, it is set apart.
func (b *Lots) Return(ctx context.Context, r CameBack) error {
	variants, lines := make([]uuid.UUID, len(r.Lines)), make([]uuid.UUID, len(r.Lines))
	for i, l := range r.Lines {
		variants[i], lines[i] = l.VariantID, l.LineID
	}
	rules, err := b.Store.Trackings(ctx, variants)
	if err != nil {
		return err
	}
	tracked := slices.DeleteFunc(slices.Clone(r.Lines), func(l ReturnedLine) bool {
		return !slices.ContainsFunc(rules, func(t Tracking) bool { return t.VariantID == l.VariantID })
	})
	for _, l := range r.Lines {
		if len(l.Lots) > 0 && !slices.ContainsFunc(tracked, func(t ReturnedLine) bool { return t.LineID == l.LineID }) {
			return ErrUntracked.At("lines")
		}
	}
	if len(tracked) == 0 {
		return nil
	}
	places := make([]Place, len(tracked))
	for i, l := range tracked {
		places[i] = Place{l.VariantID, r.LocationID}
	}
	if _, err := b.Store.LockLevels(ctx, places); err != nil {
		return err
	}
	shelves, err := b.shelves(ctx, places)
	if err != nil {
		return err
	}
	sold, err := b.Store.Sold(ctx, lines)
	if err != nil {
		return err
	}
	var entries []LotEntry
	for i, l := range tracked {
		back, err := b.back(ctx, shelves[places[i]], l, sold)
		if err != nil {
			return at("lines", err)
		}
		for j := range back {
			back[j].LineID = &tracked[i].LineID
		}
		entries = append(entries, back...)
	}
	return b.book(ctx, Movement{At: r.At, Kind: Return, Reference: r.Reference, ActorID: actor(ctx)}, entries)
}

// back lays pieces of one line into their lots.
func (b *Lots) back(ctx context.Context, s *shelf, l ReturnedLine, sold []ShippedLot) ([]LotEntry, error) {
	var from []ShippedLot
	out := 0
	for _, p := range sold {
		if p.LineID == l.LineID && p.VariantID == l.VariantID {
			from, out = append(from, p), out+p.Quantity
		}
	}
	if len(l.Lots) > 0 {
		return b.asNamed(s, l, from)
	}
	if len(from) == 1 && from[0].Quantity >= l.Quantity || out == l.Quantity && out > 0 {
		entries, left := []LotEntry{}, l.Quantity
		for _, p := range from {
			n := min(left, p.Quantity)
			entries, left = append(entries, s.put(p.Lot, n)), left-n
		}
		return entries, nil
	}
	unknown, _, err := b.ensure(ctx, s, []LotPieces{{}})
	if err != nil {
		return nil, err
	}
	return []LotEntry{s.putApart(unknown[0], l.Quantity)}, nil
}

func (b *Lots) asNamed(s *shelf, l ReturnedLine, from []ShippedLot) ([]LotEntry, error) {
	if err := checkLots(s.rule.Mode, l.Lots, l.Quantity, 1); err != nil {
		return nil, err
	}
	entries := make([]LotEntry, len(l.Lots))
	for i, p := range l.Lots {
		at := slices.IndexFunc(from, func(f ShippedLot) bool { return f.Number == p.Number })
		if at < 0 {
			return nil, ErrLotUnknown.With(p.Number)
		}
		if from[at].Quantity < p.Quantity {
			return nil, ErrLotShort.With(p.Number, from[at].Quantity)
		}
		entries[i] = s.put(from[at].Lot, p.Quantity)
	}
	return entries, nil
}
