package inventory

import (
	"context"
	"errors"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/idempotency"
)

// maxDays bounds the days of a tracking.
const maxDays = 3650

// TrackingInput says how the pieces of a variant are told apart.
type TrackingInput struct {
	VariantID uuid.UUID
	Mode      TrackMode
	Expires   bool
	MinDays   int
	AlertDays int
	// KeepStock takes what lies there, which nobody told apart, for a lot without a number.
	KeepStock bool
}

// SetTracking says how the pieces of a variant are told apart, while nothing of it is in
// stock, or with what is there as a lot that has no number. It holds at every location, so
// staff of a shop do not say it.
func (b *Lots) SetTracking(ctx context.Context, in TrackingInput) (Tracking, error) {
	t := Tracking{VariantID: in.VariantID, Mode: in.Mode, Expires: in.Expires && in.Mode == ByLot, MinDays: in.MinDays, AlertDays: in.AlertDays}
	if err := access.RequireEverywhere(ctx, access.InventoryWrite); err != nil {
		return t, err
	}
	for field, days := range map[string]int{"minDays": in.MinDays, "alertDays": in.AlertDays} {
		if days < 0 || days > maxDays {
			return t, ErrTrackingDays.With(maxDays).At(field)
		}
	}
	return t, b.Tx.InTx(ctx, func(ctx context.Context) error {
		levels, err := b.everywhere(ctx, in.VariantID)
		if err != nil {
			return err
		}
		before := levels[0].Tracking
		entries, err := b.turn(ctx, levels, t, in.KeepStock)
		if err != nil {
			return err
		}
		if err := b.Store.SaveTracking(ctx, t, b.Now()); err != nil {
			return err
		}
		if err := b.book(ctx, Movement{At: b.Now(), Kind: Count, ActorID: actor(ctx)}, entries); err != nil {
			return err
		}
		return b.Events.Record(ctx, event.New(ctx, b.Now(), "stock.tracking_set", "Stock", in.VariantID, map[string]any{"before": before, "after": t}))
	})
}

// everywhere locks what each of the brand's locations has of one of its variants.
func (b *Lots) everywhere(ctx context.Context, variantID uuid.UUID) ([]Level, error) {
	brandID := channel.From(ctx).BrandID
	known, err := b.Store.Variants(ctx, brandID, []uuid.UUID{variantID})
	if err != nil {
		return nil, err
	}
	locations, err := b.Store.Locations(ctx, brandID)
	if err != nil {
		return nil, err
	}
	if len(known) == 0 || len(locations) == 0 {
		return nil, fault.ErrNotFound.At("variantId")
	}
	places := make([]Place, len(locations))
	for i, l := range locations {
		places[i] = Place{variantID, l.ID}
	}
	return b.Store.LockLevels(ctx, places)
}

// turn makes a lot without a number of what lies there, or fails if it may not.
func (b *Lots) turn(ctx context.Context, levels []Level, t Tracking, keep bool) ([]LotEntry, error) {
	if levels[0].Tracking == t.Mode {
		return nil, nil
	}
	var entries []LotEntry
	var unknown *Lot
	for _, l := range levels {
		if l.OnHand == 0 {
			continue
		}
		if levels[0].Tracking != Untracked || !keep {
			return nil, ErrTrackingStock.At("mode")
		}
		s := &shelf{Place: l.Place(), rule: t, day: dayAt(ctx, b.Now())}
		if unknown == nil {
			lots, _, err := b.ensure(ctx, s, []LotPieces{{}})
			if err != nil {
				return nil, err
			}
			unknown = &lots[0]
		}
		entries = append(entries, s.put(*unknown, l.OnHand))
	}
	return entries, nil
}

// Trackings are how many variants are tracked: those that are not, are left out.
func (b *Lots) Trackings(ctx context.Context, variantIDs []uuid.UUID) ([]Tracking, error) {
	if err := access.Require(ctx, access.InventoryRead); err != nil {
		return nil, err
	}
	return b.Store.Trackings(ctx, variantIDs)
}

// RecallInput names a lot that is recalled, or is not any more.
type RecallInput struct {
	LotID  uuid.UUID
	Reason string // at most 500 characters; customers who follow the lot up can read it
}

// Recall keeps a lot from leaving, wherever it lies (リコール).
func (b *Lots) Recall(ctx context.Context, in RecallInput) (*Lot, error) {
	if in.Reason == "" {
		return nil, fault.ErrRequired.At("reason")
	}
	return b.changeLot(ctx, in.LotID, "lot.recalled", in.reason(), func(l *Lot) {
		if now := b.Now(); l.BlockedAt == nil {
			l.BlockedAt = &now
		}
		l.BlockedFor = in.Reason
	})
}

// EndRecall lets a lot leave again, unless it has expired.
func (b *Lots) EndRecall(ctx context.Context, in RecallInput) (*Lot, error) {
	return b.changeLot(ctx, in.LotID, "lot.recall_ended", in.reason(), func(l *Lot) { l.BlockedAt, l.BlockedFor = nil, "" })
}

func (in RecallInput) reason() error {
	if utf8.RuneCountInString(in.Reason) > 500 {
		return fault.Invalid(fault.CodeTooLong, "500文字以内で入力してください", "At most 500 characters are allowed").At("reason")
	}
	return nil
}

// DescribeLotInput is what customers read of a lot, and its best-before day.
type DescribeLotInput struct {
	LotID     uuid.UUID
	Origin    i18n.Text
	Materials i18n.Text
	Route     []Stop
}

// DescribeLot writes down where a lot comes from, of what and by which way.
func (b *Lots) DescribeLot(ctx context.Context, in DescribeLotInput) (*Lot, error) {
	var invalid error
	if len(in.Route) > 50 {
		invalid = fault.Invalid(fault.CodeTooMany, "経路は50件までです", "At most 50 stops are allowed").At("route")
	}
	for _, text := range append([]i18n.Text{in.Origin, in.Materials}, texts(in.Route)...) {
		for _, words := range text {
			if utf8.RuneCountInString(words) > 2000 {
				invalid = fault.Invalid(fault.CodeTooLong, "2000文字以内で入力してください", "At most 2000 characters are allowed").At("lotId")
			}
		}
	}
	return b.changeLot(ctx, in.LotID, "lot.described", invalid, func(l *Lot) {
		l.Origin, l.Materials, l.Route = maps.Clone(in.Origin), maps.Clone(in.Materials), in.Route
		if l.Origin == nil {
			l.Origin = i18n.Text{}
		}
		if l.Materials == nil {
			l.Materials = i18n.Text{}
		}
	})
}

func texts(route []Stop) []i18n.Text {
	all := make([]i18n.Text, len(route))
	for i, s := range route {
		all[i] = s.Text
	}
	return all
}

// changeLot lets f change a lot, wherever it lies, which staff of a shop may not; where it
// may leave follows.
func (b *Lots) changeLot(ctx context.Context, lotID uuid.UUID, what string, invalid error, f func(l *Lot)) (*Lot, error) {
	if err := errors.Join(access.RequireEverywhere(ctx, access.InventoryWrite), invalid); err != nil {
		return nil, err
	}
	var changed *Lot
	err := b.Tx.InTx(ctx, func(ctx context.Context) error {
		l, err := b.lockLot(ctx, lotID)
		if err != nil {
			return err
		}
		before := *l
		f(l)
		changed = l
		if err := b.Store.SaveLot(ctx, *l); err != nil {
			return err
		}
		if before.Blocked() != l.Blocked() {
			if _, err := b.sortLots(ctx, []uuid.UUID{l.ID}, l.BlockedAt == nil); err != nil {
				return err
			}
		}
		return b.Events.Record(ctx, event.New(ctx, b.Now(), what, "StockLot", l.ID, map[string]any{"before": before, "after": l}))
	})
	if err != nil {
		return nil, err
	}
	return changed, nil
}

// lockLot locks the levels where pieces of a lot lie, and then the lot, in the order in
// which whoever ships them does.
func (b *Lots) lockLot(ctx context.Context, lotID uuid.UUID) (*Lot, error) {
	lie, err := b.Store.LotsWith(ctx, []uuid.UUID{lotID})
	if err != nil {
		return nil, err
	}
	if _, err := b.Store.LockLevels(ctx, placesOf(lie)); err != nil {
		return nil, err
	}
	l, err := b.Store.LockLot(ctx, channel.From(ctx).BrandID, lotID)
	if err == nil && l == nil {
		err = fault.ErrNotFound.At("lotId")
	}
	return l, err
}

func placesOf(lie []LotStock) []Place {
	places := make([]Place, len(lie))
	for i, l := range lie {
		places[i] = Place{l.VariantID, l.LocationID}
	}
	return places
}

// sortLots sets pieces of the lots apart that may not leave, wherever they lie; or, with
// free, lets those leave again that may. It answers how often it did.
func (b *Lots) sortLots(ctx context.Context, lotIDs []uuid.UUID, free bool) (int, error) {
	lie, err := b.Store.LotsWith(ctx, lotIDs)
	if err != nil || len(lie) == 0 {
		return 0, err
	}
	places := placesOf(lie)
	if _, err := b.Store.LockLevels(ctx, places); err != nil {
		return 0, err
	}
	shelves, err := b.shelves(ctx, places)
	if err != nil {
		return 0, err
	}
	var entries []LotEntry
	for _, s := range shelves {
		for i := range s.lots {
			l := &s.lots[i]
			if !slices.Contains(lotIDs, l.ID) {
				continue
			}
			if n := l.Available; n > 0 && !s.fit(l.Lot) {
				entries = append(entries, kindOf(Quarantine, s.entry(l, -n, n)))
			} else if n := l.Quarantined; n > 0 && free && s.fit(l.Lot) {
				entries = append(entries, kindOf(Release, s.entry(l, n, -n)))
			}
		}
	}
	return len(entries), b.shown(ctx, entries, "")
}

func kindOf(kind LotKind, e LotEntry) LotEntry {
	e.Kind = kind
	return e
}

// shown books entries that change what may leave, and what shoppers see of it.
func (b *Lots) shown(ctx context.Context, entries []LotEntry, reference string) error {
	if len(entries) == 0 {
		return nil
	}
	if err := b.book(ctx, Movement{At: b.Now(), Kind: Adjustment, Reference: reference, ActorID: actor(ctx)}, entries); err != nil {
		return err
	}
	return b.Shown.Flipped(ctx, variantsOf(entries))
}

// SetApartInput is pieces of a lot that may not leave, or may again.
type SetApartInput struct {
	IdempotencyKey string
	LotID          uuid.UUID
	LocationID     uuid.UUID
	Quantity       int
	Release        bool   // they may leave again
	Reason         string // at most 200 characters
}

// SetApart keeps pieces of a lot from leaving, such as damaged ones, or lets them leave
// again. The same key does so once.
func (b *Lots) SetApart(ctx context.Context, in SetApartInput) (*Lot, error) {
	if err := errors.Join(access.RequireAt(ctx, access.InventoryWrite, in.LocationID), StockInput{Quantity: in.Quantity, Reference: in.Reason}.check(1, maxPieces, false)); err != nil {
		return nil, err
	}
	_, err := idempotency.Once(ctx, b.Keys, "setLotApart", in.IdempotencyKey, in, func(ctx context.Context) (uuid.UUID, error) {
		return in.LotID, b.setApart(ctx, in)
	})
	if err != nil {
		return nil, err
	}
	return b.Store.Lot(ctx, channel.From(ctx).BrandID, in.LotID)
}

// possible says what stands against it on the shelf.
func (in SetApartInput) possible(s *shelf, number string, at *LotStock) error {
	switch {
	case at == nil:
		return ErrLotUnknown.With(number).At("locationId")
	case in.Release && !s.fit(at.Lot):
		return ErrLotUnfit.With(number).At("lotId")
	case in.Release && at.Quarantined < in.Quantity:
		return ErrLotShort.With(number, at.Quarantined).At("quantity")
	case !in.Release && at.Available < in.Quantity:
		return ErrLotShort.With(number, at.Available).At("quantity")
	}
	return nil
}

func (b *Lots) setApart(ctx context.Context, in SetApartInput) error {
	l, err := b.Store.Lot(ctx, channel.From(ctx).BrandID, in.LotID)
	if err != nil {
		return err
	}
	if l == nil {
		return fault.ErrNotFound.At("lotId")
	}
	place := Place{l.VariantID, in.LocationID}
	if known, err := b.Store.Locations(ctx, l.BrandID); err != nil || !slices.ContainsFunc(known, func(k Location) bool { return k.ID == in.LocationID }) {
		return errors.Join(err, ErrNoLocation.At("locationId"))
	}
	if _, err := b.Store.LockLevels(ctx, []Place{place}); err != nil {
		return err
	}
	shelves, err := b.shelves(ctx, []Place{place})
	if err != nil {
		return err
	}
	s := shelves[place]
	at := s.find(l.Number)
	if err := in.possible(s, l.Number, at); err != nil {
		return err
	}
	kind, pieces := Quarantine, in.Quantity
	if in.Release {
		kind, pieces = Release, -in.Quantity
	}
	if err := b.shown(ctx, []LotEntry{kindOf(kind, s.entry(at, -pieces, pieces))}, in.Reason); err != nil {
		return err
	}
	return b.Events.Record(ctx, event.New(ctx, b.Now(), "lot.set_apart", "StockLot", l.ID, map[string]any{
		"locationId": in.LocationID, "quantity": in.Quantity, "release": in.Release, "reason": in.Reason,
	}))
}
