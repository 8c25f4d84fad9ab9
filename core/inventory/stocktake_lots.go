package inventory

import (
	"context"
	"slices"

	"github.com/google/uuid"
)

// FoundLot is what a stocktake found of a lot: how many pieces, or how many more than the
// books say.
type FoundLot struct {
	VariantID uuid.UUID
	LotID     uuid.UUID
	Number    string
	Pieces    int
}

// found says which lots are meant by what was counted of tracked variants.
func (b *Lots) found(ctx context.Context, s Stocktake, lines []CountedLineInput) ([]FoundLot, error) {
	variants := make([]uuid.UUID, len(lines))
	for i, l := range lines {
		variants[i] = l.VariantID
	}
	rules, err := b.Store.Trackings(ctx, variants)
	if err != nil {
		return nil, err
	}
	var all []FoundLot
	for _, l := range lines {
		rule := slices.IndexFunc(rules, func(t Tracking) bool { return t.VariantID == l.VariantID })
		switch {
		case rule < 0 && len(l.Lots) > 0:
			return nil, ErrUntracked.At("lines")
		case rule < 0:
			continue
		case len(l.Lots) == 0 && l.Counted > 0:
			return nil, ErrLotsNeeded.At("lines")
		}
		if err := checkLots(rules[rule].Mode, l.Lots, l.Counted, 0); err != nil {
			return nil, at("lines", err)
		}
		named := l.Lots
		if len(named) == 0 {
			named = []LotPieces{{}} // nothing was found: a line for the lot without a number says so
		}
		shelf := &shelf{Place: Place{l.VariantID, s.LocationID}, rule: rules[rule]}
		lots, made, err := b.ensure(ctx, shelf, named)
		if err != nil {
			return nil, at("lines", err)
		}
		if err := b.elsewhere(ctx, shelf, lots, made); err != nil {
			return nil, at("lines", err)
		}
		for i, p := range named {
			all = append(all, FoundLot{VariantID: l.VariantID, LotID: lots[i].ID, Number: p.Number, Pieces: p.Quantity})
		}
	}
	return all, nil
}

// elsewhere fails if the books have a serial number at another location.
func (b *Lots) elsewhere(ctx context.Context, s *shelf, lots []Lot, made []uuid.UUID) error {
	if s.rule.Mode != BySerial {
		return nil
	}
	var known []uuid.UUID
	for _, l := range lots {
		if l.Number != "" && !slices.Contains(made, l.ID) {
			known = append(known, l.ID)
		}
	}
	lie, err := b.Store.LotsWith(ctx, known)
	for _, l := range lie {
		if l.LocationID != s.LocationID {
			return ErrSerialTaken.With(l.Number)
		}
	}
	return err
}

// bookLots makes the differences of lots movements like m; it answers the variants of
// which lots differed.
func (k *Keeper) bookLots(ctx context.Context, t Stocktake, m Movement) ([]uuid.UUID, error) {
	differ, err := k.Stocktakes.LotDifferences(ctx, t)
	if err != nil || len(differ) == 0 {
		return nil, err
	}
	var places []Place
	for _, d := range differ {
		if p := (Place{d.VariantID, t.LocationID}); !slices.Contains(places, p) {
			places = append(places, p)
		}
	}
	if _, err := k.Transfers.LockLevels(ctx, places); err != nil {
		return nil, err
	}
	shelves, err := k.Lots.shelves(ctx, places)
	if err != nil {
		return nil, err
	}
	entries := make([]LotEntry, 0, len(differ))
	for _, d := range differ {
		s := shelves[Place{d.VariantID, t.LocationID}]
		if d.Pieces < 0 {
			l, err := s.named(LotPieces{Number: d.Number, Quantity: -d.Pieces})
			if err != nil {
				return nil, at("stocktakeId", err)
			}
			entries = append(entries, s.lost(l, -d.Pieces))
			continue
		}
		lots, _, err := k.Lots.ensure(ctx, s, []LotPieces{{Number: d.Number}})
		if err != nil {
			return nil, err
		}
		if err := k.Lots.once(ctx, s, lots, nil, false); err != nil {
			return nil, at("stocktakeId", err)
		}
		entries = append(entries, s.put(lots[0], d.Pieces))
	}
	return variantsOf(entries), k.Lots.book(ctx, m, entries)
}

func union(a, b []uuid.UUID) []uuid.UUID {
	for _, one := range b {
		if !slices.Contains(a, one) {
			a = append(a, one)
		}
	}
	return a
}
