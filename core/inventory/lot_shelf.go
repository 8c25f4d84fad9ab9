package inventory

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// shelf is the lots of one variant at one location. Its methods take pieces off it or put
// them there, in memory, and say which entries do the same in the books.
type shelf struct {
	Place
	rule Tracking
	day  time.Time
	lots []LotStock // the first to expire first
}

func (s *shelf) fit(l Lot) bool { return l.Fit(s.day, s.rule.MinDays) }

// find is the lot with the number; nil if nothing of it lies there.
func (s *shelf) find(number string) *LotStock {
	for i := range s.lots {
		if s.lots[i].Number == number {
			return &s.lots[i]
		}
	}
	return nil
}

func (s *shelf) entry(l *LotStock, available, quarantined int) LotEntry {
	l.Available += available
	l.Quarantined += quarantined
	return LotEntry{LotID: l.ID, VariantID: s.VariantID, LocationID: s.LocationID, Available: available, Quarantined: quarantined}
}

// put lays pieces of a lot there: apart, if they may not leave.
func (s *shelf) put(l Lot, pieces int) LotEntry {
	at := s.find(l.Number)
	if at == nil {
		s.lots = append(s.lots, LotStock{Lot: l, LocationID: s.LocationID})
		at = &s.lots[len(s.lots)-1]
	}
	if s.fit(l) {
		return s.entry(at, pieces, 0)
	}
	return s.entry(at, 0, pieces)
}

// putApart lays pieces of a lot there that may not leave.
func (s *shelf) putApart(l Lot, pieces int) LotEntry {
	e := s.put(l, pieces)
	s.entry(s.find(l.Number), -e.Available, e.Available)
	e.Available, e.Quarantined = 0, pieces
	return e
}

// named is the lot with the number, if so many pieces of it lie there.
func (s *shelf) named(p LotPieces) (*LotStock, error) {
	l := s.find(p.Number)
	switch {
	case l == nil:
		return nil, ErrLotUnknown.With(p.Number)
	case l.Pieces() < p.Quantity:
		return nil, ErrLotShort.With(p.Number, l.Pieces())
	}
	return l, nil
}

// leave takes pieces of a lot that may leave to a customer.
func (s *shelf) leave(p LotPieces) (LotEntry, error) {
	l := s.find(p.Number)
	switch {
	case l == nil:
		return LotEntry{}, ErrLotUnknown.With(p.Number)
	case !s.fit(l.Lot):
		return LotEntry{}, ErrLotUnfit.With(p.Number)
	case l.Available < p.Quantity:
		return LotEntry{}, ErrLotShort.With(p.Number, l.Available)
	}
	return s.entry(l, -p.Quantity, 0), nil
}

// first takes pieces that may leave, of the lots that expire first (先入先出); of what has
// no number too, unless every piece must have one.
func (s *shelf) first(pieces int, numbered bool) ([]LotEntry, error) {
	var taken []LotEntry
	there := 0
	for i := range s.lots {
		l := &s.lots[i]
		if !s.fit(l.Lot) || l.Number == "" && numbered {
			continue
		}
		if n := min(pieces-there, l.Available); n > 0 {
			taken = append(taken, s.entry(l, -n, 0))
			there += n
		}
	}
	if there < pieces {
		return nil, ErrNoFitLots.With(there)
	}
	return taken, nil
}

// carry takes pieces of a lot to another location: those set apart, if the lot may not leave.
func (s *shelf) carry(p LotPieces) (LotEntry, error) {
	l, err := s.named(p)
	if err != nil {
		return LotEntry{}, err
	}
	if s.fit(l.Lot) {
		if l.Available < p.Quantity {
			return LotEntry{}, ErrLotShort.With(p.Number, l.Available)
		}
		return s.entry(l, -p.Quantity, 0), nil
	}
	return s.off(l, p.Quantity), nil
}

// off takes pieces away, first those that are set apart.
func (s *shelf) off(l *LotStock, pieces int) LotEntry {
	apart := min(pieces, l.Quarantined)
	return s.entry(l, apart-pieces, -apart)
}

// lost takes pieces away that a count did not find, first those that could leave.
func (s *shelf) lost(l *LotStock, pieces int) LotEntry {
	could := min(pieces, l.Available)
	return s.entry(l, -could, could-pieces)
}

// checkLots fails unless the lots come to so many pieces, each named once.
func checkLots(mode TrackMode, lots []LotPieces, pieces, least int) error {
	sum, seen := 0, map[string]bool{}
	for i := range lots {
		l := &lots[i]
		l.Number = strings.TrimSpace(l.Number)
		n := utf8.RuneCountInString(l.Number)
		if n > maxLotNumber || n == 0 && least > 0 || seen[l.Number] {
			return ErrLotNumber.With(maxLotNumber)
		}
		seen[l.Number] = true
		if l.Quantity < least || l.Quantity > maxPieces {
			return ErrQuantity.With(least, maxPieces)
		}
		if mode == BySerial && l.Number != "" && l.Quantity > 1 {
			return ErrSerialOne
		}
		sum += l.Quantity
	}
	if sum != pieces {
		return ErrLotsSum.With(pieces)
	}
	return nil
}

// takenOf is what entries take of pieces that could leave, by place.
func takenOf(entries []LotEntry) map[Place]int {
	taken := map[Place]int{}
	for _, e := range entries {
		taken[Place{e.VariantID, e.LocationID}] -= e.Available
	}
	return taken
}

func variantsOf(entries []LotEntry) []uuid.UUID {
	var all []uuid.UUID
	seen := map[uuid.UUID]bool{}
	for _, e := range entries {
		if !seen[e.VariantID] {
			seen[e.VariantID] = true
			all = append(all, e.VariantID)
		}
	}
	return all
}
