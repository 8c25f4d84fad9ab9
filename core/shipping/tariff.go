package shipping

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
)

// Tariff is what a method costs where its flat fee is not all: a table by zone and
// bounds, surcharges, and from which amount it is free. Amounts are minor units. The
// zero Tariff is the flat fee alone.
type Tariff struct {
	Rows       []Row      `json:"rows,omitempty"`
	Surcharges Surcharges `json:"surcharges"`
	Free       []FreeRule `json:"free,omitempty"`
}

// Row is one row of a fee table (送料表). Of the zone that describes the destination
// most closely, the first row whose bounds hold is the fee.
type Row struct {
	ZoneID    *uuid.UUID `json:"zone,omitempty"` // nil: everywhere
	MaxGrams  *int       `json:"maxGrams,omitempty"`
	MaxSize   *int       `json:"maxSize,omitempty"` // cm, three sides together
	MaxPieces *int       `json:"maxPieces,omitempty"`
	MaxAmount *int64     `json:"maxAmount,omitempty"`
	FeeMinor  int64      `json:"fee"`
}

// Surcharges come on top of the fee, each at most once.
type Surcharges struct {
	Chilled  int64 `json:"chilled,omitempty"`
	Frozen   int64 `json:"frozen,omitempty"`
	Oversize int64 `json:"oversize,omitempty"`
}

// FreeRule says from which amount of goods a method is free (送料無料). Of the zone that
// describes the destination most closely, the lowest amount that the buyer's audience
// is granted counts: elsewhere's rules say nothing of it.
type FreeRule struct {
	ZoneID     *uuid.UUID     `json:"zone,omitempty"`
	From       *int64         `json:"from,omitempty"` // nil: never
	Audience   scope.Audience `json:"audience"`
	Window     scope.Window   `json:"window"`
	Surcharges bool           `json:"surcharges,omitempty"` // they are free too
}

func (r Row) zone() *uuid.UUID      { return r.ZoneID }
func (f FreeRule) zone() *uuid.UUID { return f.ZoneID }

// Zone is the zone's id in the schema; nil: everywhere.
func (r Row) Zone() *string { return zoneID(r.ZoneID) }

// Zone is the zone's id in the schema; nil: everywhere.
func (f FreeRule) Zone() *string { return zoneID(f.ZoneID) }

// Cost is the fee in the channel's currency.
func (r Row) Cost(ctx context.Context) money.Money { return in(ctx, r.FeeMinor) }

// Amount is up to which amount of goods the row holds; nil: any.
func (r Row) Amount(ctx context.Context) *money.Money { return maybe(ctx, r.MaxAmount) }

// Minimum is from which amount on it is free; nil: never.
func (f FreeRule) Minimum(ctx context.Context) *money.Money { return maybe(ctx, f.From) }

// Opens is when the rule begins; nil if it always held.
func (f FreeRule) Opens() *time.Time { return f.Window.Opens() }

// Closes is when the rule ends; nil if it never does.
func (f FreeRule) Closes() *time.Time { return f.Window.Closes() }

// ForChilled is what chilled goods cost on top.
func (s Surcharges) ForChilled(ctx context.Context) money.Money { return in(ctx, s.Chilled) }

// ForFrozen is what frozen goods cost on top.
func (s Surcharges) ForFrozen(ctx context.Context) money.Money { return in(ctx, s.Frozen) }

// ForOversize is what bulky goods cost on top.
func (s Surcharges) ForOversize(ctx context.Context) money.Money { return in(ctx, s.Oversize) }

func in(ctx context.Context, minor int64) money.Money {
	return money.Of(minor, money.Currency(channel.From(ctx).Currency))
}

func maybe(ctx context.Context, minor *int64) *money.Money {
	if minor == nil {
		return nil
	}
	amount := in(ctx, *minor)
	return &amount
}

func zoneID(key *uuid.UUID) *string { return id.GlobalOrNone("ShippingZone", key) }

// asksAmount reports whether the fee depends on what the goods cost.
func (t Tariff) asksAmount() bool {
	return len(t.Free) > 0 || slices.ContainsFunc(t.Rows, func(r Row) bool { return r.MaxAmount != nil })
}

// holds reports whether the parcel is within the row's bounds.
func (r Row) holds(m measures) bool {
	return within(r.MaxGrams, m.grams) && within(r.MaxSize, m.size) && within(r.MaxPieces, m.pieces) && within(r.MaxAmount, m.amount)
}

func within[N int | int64](most *N, n N) bool { return most == nil || n <= *most }

// FeeKind is what a part of a fee is for.
type FeeKind string

// The parts of a fee.
const (
	FeeBase     FeeKind = "BASE"
	FeeChilled  FeeKind = "CHILLED"
	FeeFrozen   FeeKind = "FROZEN"
	FeeOversize FeeKind = "OVERSIZE"
	FeeFree     FeeKind = "FREE" // taken off again
)

// FeePart is a part of a fee; the parts add up to it.
type FeePart struct {
	Kind  FeeKind
	Minor int64
}

// Amount is the part in the channel's currency.
func (p FeePart) Amount(ctx context.Context) money.Money { return in(ctx, p.Minor) }

// parts are what the parcel costs by a row's fee.
func (t Tariff) parts(fee int64, m measures) []FeePart {
	all := []FeePart{{FeeBase, fee}}
	for _, s := range []struct {
		is    bool
		kind  FeeKind
		minor int64
	}{{m.chilled, FeeChilled, t.Surcharges.Chilled}, {m.frozen, FeeFrozen, t.Surcharges.Frozen}, {m.bulk, FeeOversize, t.Surcharges.Oversize}} {
		if s.is && s.minor > 0 {
			all = append(all, FeePart{s.kind, s.minor})
		}
	}
	return all
}

// free is the rule that makes the method free for the buyer at the lowest amount; nil if
// none may.
func (t Tariff) free(zones []Zone, p Parcel) *FreeRule {
	open := slices.DeleteFunc(slices.Clone(t.Free), func(f FreeRule) bool { return !f.Window.Holds(p.At) })
	mine := p.Buyer.Audiences()
	var best *FreeRule
	for _, f := range closest(open, zones, p.To) {
		if f.From == nil || !slices.Contains(mine, f.Audience) {
			continue
		}
		if best == nil || *f.From < *best.From || *f.From == *best.From && f.Surcharges {
			best = &f
		}
	}
	return best
}
