package shipping_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/core/shipping"
)

var (
	prefectures = []customer.Prefecture{"TOKYO", "OKINAWA", "HOKKAIDO"}
	codes       = []string{"0010000", "1000101", "1000213", "1500001", "9000001"}
	names       = []string{"a", "b", "c"}
)

func bound(t *rapid.T, label string) *int {
	return rapid.Ptr(rapid.IntRange(1, 200), true).Draw(t, label)
}

func drawnZone(t *rapid.T, label string) string {
	return rapid.SampledFrom(append([]string{""}, names...)).Draw(t, label)
}

// drawnMethod is any method over three zones.
func drawnMethod(t *rapid.T) shipping.Method {
	m := shipping.Method{FeeMinor: rapid.Int64Range(0, 2000).Draw(t, "flat")}
	for _, name := range names {
		z := shipping.Zone{ID: key(name), Prefectures: rapid.SliceOfN(rapid.SampledFrom(prefectures), 0, 2).Draw(t, "prefectures")}
		for range rapid.IntRange(0, 2).Draw(t, "ranges") {
			ends := []string{rapid.SampledFrom(codes).Draw(t, "from"), rapid.SampledFrom(codes).Draw(t, "to")}
			slices.Sort(ends)
			z.PostalCodes = append(z.PostalCodes, shipping.PostalRange{From: ends[0], To: ends[1]})
		}
		m.Zones = append(m.Zones, z)
	}
	for range rapid.IntRange(0, 6).Draw(t, "rows") {
		m.Tariff.Rows = append(m.Tariff.Rows, shipping.Row{
			ZoneID: keyOrNil(drawnZone(t, "zone")), MaxGrams: bound(t, "grams"), MaxSize: bound(t, "size"), MaxPieces: bound(t, "pieces"),
			FeeMinor: rapid.Int64Range(0, 3000).Draw(t, "fee"),
		})
	}
	m.Tariff.Surcharges = shipping.Surcharges{
		Chilled: rapid.Int64Range(0, 500).Draw(t, "chilled"), Frozen: rapid.Int64Range(0, 500).Draw(t, "frozen"), Oversize: rapid.Int64Range(0, 500).Draw(t, "oversize"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "free") {
		m.Tariff.Free = append(m.Tariff.Free, drawnFree(t))
	}
	return m
}

func drawnFree(t *rapid.T) shipping.FreeRule {
	return shipping.FreeRule{
		ZoneID: keyOrNil(drawnZone(t, "free zone")), From: rapid.Ptr(rapid.Int64Range(0, 10_000), true).Draw(t, "from"),
		Audience: rapid.SampledFrom([]scope.Audience{scope.All, {Kind: scope.Members}}).Draw(t, "audience"),
		Window:   scope.Always, Surcharges: rapid.Bool().Draw(t, "surcharges"),
	}
}

func drawnParcel(t *rapid.T) shipping.Parcel {
	p := shipping.Parcel{
		To:   &shipping.Destination{Prefecture: rapid.SampledFrom(prefectures).Draw(t, "prefecture"), PostalCode: rapid.SampledFrom(codes).Draw(t, "code")},
		Mode: pricing.ShipNormal, At: now, Amount: rapid.Int64Range(0, 20_000).Draw(t, "amount"),
	}
	if rapid.Bool().Draw(t, "member") {
		p.Buyer.MemberID = key("tanaka")
	}
	side := rapid.IntRange(0, 60)
	for range rapid.IntRange(1, 3).Draw(t, "goods") {
		p.Pieces = append(p.Pieces, shipping.Piece{
			Grams: rapid.IntRange(0, 100).Draw(t, "weight"), Quantity: rapid.IntRange(1, 5).Draw(t, "quantity"),
			Traits: &shipping.Traits{
				Length: side.Draw(t, "length"), Width: side.Draw(t, "width"), Height: side.Draw(t, "height"), Oversize: rapid.Bool().Draw(t, "bulky"),
				Temperature: rapid.SampledFrom([]shipping.Temperature{shipping.Ambient, shipping.Chilled, shipping.Frozen}).Draw(t, "temperature"),
			},
		})
	}
	return p
}

func TestFeesAreSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, p := drawnMethod(t), drawnParcel(t)
		v := m.Assess(p)
		if v.FeeMinor < 0 {
			t.Fatalf("a fee below zero: %d", v.FeeMinor)
		}
		if (v.Problem == nil) != (v.Priced() != nil) {
			t.Fatal("a fee beside a problem, or neither")
		}
		if again := m.Assess(p); again.FeeMinor != v.FeeMinor || (again.Problem == nil) != (v.Problem == nil) {
			t.Fatal("the same parcel costs otherwise")
		}

		charged := m
		charged.Tariff.Free = nil
		if whole := charged.Assess(p); v.FeeMinor > whole.FeeMinor {
			t.Fatalf("free shipping makes it dearer: %d, was %d", v.FeeMinor, whole.FeeMinor)
		}

		// Enough more of goods is free, if it was said that something is missing.
		if v.MissingMinor != nil {
			enough := p
			enough.Amount += *v.MissingMinor
			if got := m.Assess(enough); got.FeeMinor >= v.FeeMinor {
				t.Fatalf("%d more of goods was to make it free, and it costs %d", *v.MissingMinor, got.FeeMinor)
			}
			enough.Amount--
			if got := m.Assess(enough); got.FeeMinor != v.FeeMinor {
				t.Fatal("less than what is missing was enough")
			}
		}
	})
}

func TestALighterParcelFitsWhereAHeavierDoes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, p := drawnMethod(t), drawnParcel(t)
		if m.Assess(p).Problem != nil {
			return
		}
		lighter := p
		lighter.Pieces = slices.Clone(p.Pieces)
		lighter.Pieces[0].Grams /= 2
		if got := m.Assess(lighter); got.Problem != nil {
			t.Fatalf("a lighter parcel is refused: %v", got.Problem)
		}
	})
}
