package inventory

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/symbols"
)

// Lots are the books of lots beside those of stock: of a tracked variant, the lots at a
// location are what lies there.
type Lots struct{ LotParts }

// LotParts are what the books of lots stand on.
type LotParts struct {
	Tx interface {
		InTx(ctx context.Context, f func(context.Context) error) error
	}
	Store   LotStore
	Keys    *idempotency.Keys
	Shown   *Shown
	Outbox  messaging.Outbox
	Limiter limit.Limiter // nil: nobody counts tries
	Events  event.Recorder
	Now     clock.Clock
}

// NewLots makes the books of lots.
func NewLots(p LotParts) *Lots { return &Lots{p} }

// moving is pieces that come to a locked level (positive) or go, and what was said of
// their lots.
type moving struct {
	level  Level
	pieces int
	named  []LotPieces
}

// plan says which lots move when pieces do, for movements like m: nothing where variants
// are not tracked, without asking the database.
func (b *Lots) plan(ctx context.Context, m Movement, all []moving) ([]LotEntry, error) {
	var tracked []moving
	for _, v := range all {
		switch {
		case v.level.Tracking != Untracked:
			tracked = append(tracked, v)
		case len(v.named) > 0:
			return nil, ErrUntracked.At("lots")
		}
	}
	if len(tracked) == 0 {
		return nil, nil
	}
	places := make([]Place, len(tracked))
	for i, v := range tracked {
		places[i] = v.level.Place()
	}
	shelves, err := b.shelves(ctx, places)
	if err != nil {
		return nil, err
	}
	away := awayOf{b: b, reference: m.Reference}
	var entries []LotEntry
	for _, v := range tracked {
		more, err := b.one(ctx, m.Kind, v, shelves[v.level.Place()], &away)
		if err != nil {
			return nil, at("lots", err)
		}
		entries = append(entries, more...)
	}
	return entries, nil
}

// one says which lots move for one level.
func (b *Lots) one(ctx context.Context, kind MovementKind, v moving, s *shelf, away *awayOf) ([]LotEntry, error) {
	switch {
	case kind == Count:
		return b.counted(ctx, s, v.named, v.level.OnHand+v.pieces)
	case kind.transfers() && v.pieces > 0:
		return b.arrived(ctx, s, v, away)
	case kind.transfers() && len(v.named) == 0:
		return s.first(-v.pieces, false)
	case v.pieces > 0:
		return b.received(ctx, s, kind, v)
	}
	if len(v.named) == 0 {
		return nil, ErrLotsNeeded
	}
	if err := checkLots(v.level.Tracking, v.named, -v.pieces, 0); err != nil {
		return nil, err
	}
	entries := make([]LotEntry, len(v.named))
	for i, p := range v.named {
		var err error
		if kind.transfers() {
			entries[i], err = s.carry(p)
		} else {
			var l *LotStock
			if l, err = s.named(p); err == nil {
				entries[i] = s.off(l, p.Quantity)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	return entries, nil
}

// received is new pieces, of lots that are known or not.
func (b *Lots) received(ctx context.Context, s *shelf, kind MovementKind, v moving) ([]LotEntry, error) {
	named := v.named
	if len(named) == 0 {
		if s.rule.Mode != BySerial || kind != Receipt {
			return nil, ErrLotsNeeded
		}
		lots, _, err := b.ensure(ctx, s, []LotPieces{{}}) // they get their numbers when they leave
		if err != nil {
			return nil, err
		}
		return []LotEntry{s.put(lots[0], v.pieces)}, nil
	}
	if err := checkLots(s.rule.Mode, named, v.pieces, 1); err != nil {
		return nil, err
	}
	lots, made, err := b.ensure(ctx, s, named)
	if err != nil {
		return nil, err
	}
	if err := b.once(ctx, s, lots, made, kind == Receipt); err != nil {
		return nil, err
	}
	entries := make([]LotEntry, len(named))
	for i, p := range named {
		entries[i] = s.put(lots[i], p.Quantity)
	}
	return entries, nil
}

// once fails if a serial number is given to a second piece: one that lies anywhere, or
// when goods are new, that is known at all.
func (b *Lots) once(ctx context.Context, s *shelf, lots []Lot, made []uuid.UUID, fresh bool) error {
	if s.rule.Mode != BySerial {
		return nil
	}
	var known []uuid.UUID
	for _, l := range lots {
		if l.Number == "" || slices.Contains(made, l.ID) {
			continue
		}
		if fresh {
			return ErrSerialTaken.With(l.Number)
		}
		known = append(known, l.ID)
	}
	if len(known) == 0 {
		return nil
	}
	there, err := b.Store.LotsWith(ctx, known)
	if err == nil && len(there) > 0 {
		return ErrSerialTaken.With(there[0].Number)
	}
	return err
}

// ensure makes lots that are not known, and reads those that are.
func (b *Lots) ensure(ctx context.Context, s *shelf, named []LotPieces) (lots []Lot, made []uuid.UUID, err error) {
	wanted := make([]Lot, len(named))
	for i, p := range named {
		code, err := symbols.Draw(codeLength)
		if err != nil {
			return nil, nil, err
		}
		wanted[i] = Lot{ID: id.New(), BrandID: channel.From(ctx).BrandID, VariantID: s.VariantID, Number: p.Number, ExpiresOn: p.ExpiresOn, Code: code, CreatedAt: b.Now()}
	}
	all, made, err := b.Store.EnsureLots(ctx, wanted)
	if err != nil {
		return nil, nil, err
	}
	for i, p := range named {
		l := all[slices.IndexFunc(all, func(l Lot) bool { return l.Number == p.Number })]
		if p.ExpiresOn != nil && (l.ExpiresOn == nil || !l.ExpiresOn.Equal(*p.ExpiresOn)) {
			return nil, nil, ErrLotOtherDay.With(p.Number)
		}
		if s.rule.Expires && l.ExpiresOn == nil && l.Number != "" {
			return nil, nil, ErrLotExpiry.With(p.Number)
		}
		wanted[i] = l
	}
	return wanted, made, nil
}

// counted is what a count of all lots at a location differs by.
func (b *Lots) counted(ctx context.Context, s *shelf, found []LotPieces, pieces int) ([]LotEntry, error) {
	if len(found) == 0 && pieces > 0 {
		return nil, ErrLotsNeeded
	}
	if err := checkLots(s.rule.Mode, found, pieces, 0); err != nil {
		return nil, err
	}
	var entries []LotEntry
	for i := range s.lots {
		l := &s.lots[i]
		n := 0
		if at := slices.IndexFunc(found, func(p LotPieces) bool { return p.Number == l.Number }); at >= 0 {
			n = found[at].Quantity
		}
		if gone := l.Pieces() - n; gone > 0 {
			entries = append(entries, s.lost(l, gone))
		}
	}
	var more []LotPieces
	for _, p := range found {
		if l := s.find(p.Number); l != nil {
			p.Quantity -= l.Pieces()
		}
		if p.Quantity > 0 {
			more = append(more, p)
		}
	}
	if len(more) == 0 {
		return entries, nil
	}
	lots, made, err := b.ensure(ctx, s, more)
	if err != nil {
		return nil, err
	}
	if err := b.once(ctx, s, lots, made, false); err != nil {
		return nil, err
	}
	for i, p := range more {
		entries = append(entries, s.put(lots[i], p.Quantity))
	}
	return entries, nil
}

// awayOf are the lots that are under way under a reference, read when they are asked for.
type awayOf struct {
	b         *Lots
	reference string
	read      bool
	lots      []LotStock
}

func (a *awayOf) of(ctx context.Context, variantID uuid.UUID) ([]*LotStock, error) {
	if !a.read {
		var err error
		if a.lots, err = a.b.Store.Away(ctx, a.reference); err != nil {
			return nil, err
		}
		a.read = true
	}
	var all []*LotStock
	for i := range a.lots {
		if a.lots[i].VariantID == variantID && a.lots[i].Available > 0 {
			all = append(all, &a.lots[i])
		}
	}
	return all, nil
}

// arrived is pieces of a transfer that arrive: of the lots that were named, or of those
// that expire first of what left. What left before lots were told apart stays so.
func (b *Lots) arrived(ctx context.Context, s *shelf, v moving, away *awayOf) ([]LotEntry, error) {
	lots, err := away.of(ctx, s.VariantID)
	if err != nil {
		return nil, err
	}
	named := v.named
	if len(named) > 0 {
		if err := checkLots(s.rule.Mode, named, v.pieces, 1); err != nil {
			return nil, err
		}
	}
	var entries []LotEntry
	left := v.pieces
	for _, l := range lots {
		n := min(left, l.Available)
		if len(named) > 0 {
			at := slices.IndexFunc(named, func(p LotPieces) bool { return p.Number == l.Number })
			if at < 0 {
				continue
			}
			if n = named[at].Quantity; n > l.Available {
				return nil, ErrLotShort.With(l.Number, l.Available)
			}
		}
		if n > 0 {
			entries = append(entries, s.put(l.Lot, n))
			l.Available, left = l.Available-n, left-n
		}
	}
	switch {
	case left == 0:
		return entries, nil
	case len(named) > 0:
		return nil, ErrLotUnknown.With(named[0].Number)
	}
	unknown, _, err := b.ensure(ctx, s, []LotPieces{{}})
	if err != nil {
		return nil, err
	}
	return append(entries, s.put(unknown[0], left)), nil
}

// shelves reads the lots at locked places.
func (b *Lots) shelves(ctx context.Context, places []Place) (map[Place]*shelf, error) {
	variants := make([]uuid.UUID, len(places))
	for i, p := range places {
		variants[i] = p.VariantID
	}
	rules, err := b.Store.Trackings(ctx, variants)
	if err != nil {
		return nil, err
	}
	lots, err := b.Store.LotsAt(ctx, places)
	if err != nil {
		return nil, err
	}
	day, all := dayAt(ctx, b.Now()), map[Place]*shelf{}
	for _, p := range places {
		if all[p] == nil {
			all[p] = &shelf{Place: p, day: day, rule: Tracking{VariantID: p.VariantID, Mode: ByLot}}
		}
		for _, r := range rules {
			if r.VariantID == p.VariantID {
				all[p].rule = r
			}
		}
	}
	for _, l := range lots {
		s := all[Place{l.VariantID, l.LocationID}]
		s.lots = append(s.lots, l)
	}
	return all, nil
}

// book writes entries down.
func (b *Lots) book(ctx context.Context, m Movement, entries []LotEntry) error {
	if len(entries) == 0 {
		return nil
	}
	return b.Store.BookLots(ctx, entries, m)
}
