package order

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/cart"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/inventory"
)

// Locations of a brand, in its order.
var (
	chiba   = uuid.UUID{1} // a warehouse
	osaka   = uuid.UUID{2} // a shop
	tokyo   = uuid.UUID{3} // a shop
	fukuoka = uuid.UUID{4} // a warehouse
	leash   = uuid.UUID{0xa}
	toy     = uuid.UUID{0xb}
)

func level(at, of uuid.UUID, free int) cart.Level {
	site := map[uuid.UUID]struct {
		kind inventory.LocationKind
		in   customer.Prefecture
	}{chiba: {inventory.Warehouse, "CHIBA"}, osaka: {inventory.ShopFloor, "OSAKA"}, tokyo: {inventory.ShopFloor, "TOKYO"}, fukuoka: {inventory.Warehouse, "FUKUOKA"}}[at]
	return cart.Level{VariantID: of, LocationID: at, Free: free, Kind: site.kind, Prefecture: site.in}
}

func want(of uuid.UUID, pieces int) cart.Want {
	return cart.Want{Goods: cart.Goods{VariantID: of}, Quantity: pieces}
}

func TestWhereGoodsComeFrom(t *testing.T) {
	t.Parallel()
	levels := []cart.Level{
		level(chiba, leash, 5), level(chiba, toy, 0),
		level(osaka, leash, 5), level(osaka, toy, 5),
		level(tokyo, leash, 1), level(tokyo, toy, 5),
		level(fukuoka, leash, 5), level(fukuoka, toy, 5),
	}
	for name, c := range map[string]struct {
		to          customer.Prefecture
		preferences []channel.Preference
		wants       []cart.Want
		from        []Reservation
	}{
		"the brand's order":          {"TOKYO", nil, []cart.Want{want(leash, 1), want(toy, 1)}, []Reservation{{leash, chiba, 1}, {toy, osaka, 1}}},
		"nearest":                    {"FUKUOKA", []channel.Preference{channel.Nearest}, []cart.Want{want(leash, 1), want(toy, 1)}, []Reservation{{leash, fukuoka, 1}, {toy, fukuoka, 1}}},
		"nearest that has all of it": {"TOKYO", []channel.Preference{channel.Nearest}, []cart.Want{want(leash, 2)}, []Reservation{{leash, chiba, 2}}},
		"nobody knows whereto":       {"", []channel.Preference{channel.Nearest}, []cart.Want{want(leash, 1)}, []Reservation{{leash, chiba, 1}}},
		"one parcel":                 {"TOKYO", []channel.Preference{channel.SingleParcel}, []cart.Want{want(leash, 2), want(toy, 2)}, []Reservation{{leash, osaka, 2}, {toy, osaka, 2}}},
		"one parcel, from no shop":   {"TOKYO", []channel.Preference{channel.SingleParcel, channel.ShopsLast}, []cart.Want{want(leash, 2), want(toy, 2)}, []Reservation{{leash, fukuoka, 2}, {toy, fukuoka, 2}}},
		"no shop before one parcel":  {"TOKYO", []channel.Preference{channel.ShopsLast, channel.Nearest}, []cart.Want{want(leash, 1), want(toy, 1)}, []Reservation{{leash, chiba, 1}, {toy, fukuoka, 1}}},
		"one parcel, the nearest":    {"TOKYO", []channel.Preference{channel.SingleParcel, channel.Nearest}, []cart.Want{want(leash, 1), want(toy, 1)}, []Reservation{{leash, tokyo, 1}, {toy, tokyo, 1}}},
		"in parts":                   {"OSAKA", []channel.Preference{channel.Nearest}, []cart.Want{want(leash, 12)}, []Reservation{{leash, osaka, 5}, {leash, tokyo, 1}, {leash, chiba, 5}, {leash, fukuoka, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sorted := ranked(levels, Job{Wants: c.wants, To: c.to}, c.preferences)
			var got []Reservation
			for _, w := range c.wants {
				got = append(got, planGoods(sorted, w)...)
			}
			require.Equal(t, c.from, got)
		})
	}
}

// Whatever is preferred, a plan has exactly what is wanted, and nothing that is not free.
func TestAPlanHasExactlyWhatIsWanted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var b cart.Basket
		free, wanted := map[uuid.UUID]map[uuid.UUID]int{}, map[uuid.UUID]int{}
		for _, of := range []uuid.UUID{leash, toy} {
			free[of] = map[uuid.UUID]int{}
			wanted[of] = rapid.IntRange(1, 20).Draw(t, "wanted")
			b.Items = append(b.Items, cart.Item{Goods: cart.Goods{VariantID: of}, Quantity: wanted[of]})
			for _, at := range []uuid.UUID{chiba, osaka, tokyo, fukuoka} {
				l := level(at, of, rapid.IntRange(-2, 9).Draw(t, "free"))
				b.Levels, free[of][at] = append(b.Levels, l), l.Free
			}
		}
		to := rapid.SampledFrom([]customer.Prefecture{"", "TOKYO", "OSAKA", "OKINAWA"}).Draw(t, "to")
		preferences := rapid.SliceOfNDistinct(rapid.SampledFrom([]channel.Preference{channel.Nearest, channel.SingleParcel, channel.ShopsLast}), 0, 3, rapid.ID).Draw(t, "preferences")
		b.Levels = ranked(b.Levels, Job{Wants: cart.Wanted(b.Items), To: to}, preferences)
		got := map[uuid.UUID]int{}
		for _, r := range plan(b) {
			got[r.VariantID] += r.Quantity
			if r.Quantity <= 0 || !r.Waits() && r.Quantity > free[r.VariantID][r.LocationID] {
				t.Fatalf("%v of %v", r, free[r.VariantID])
			}
			if !r.Waits() {
				free[r.VariantID][r.LocationID] -= r.Quantity
				continue
			}
			for at, left := range free[r.VariantID] {
				if left > 0 {
					t.Fatalf("%v waits while %v has %d", r, at, left)
				}
			}
		}
		for of, pieces := range wanted {
			if got[of] != pieces {
				t.Fatalf("%d of %d", got[of], pieces)
			}
		}
	})
}

// What arrives goes to whoever waits from where the channel prefers; what the order holds
// somewhere already counts as lying there.
func TestWhereWhatIsWaitedForComesFrom(t *testing.T) {
	t.Parallel()
	web := uuid.UUID{0xc}
	wait := func(of uuid.UUID, pieces int, held ...Reservation) Waiter {
		return Waiter{BackOrder: BackOrder{OrderID: uuid.UUID{0xd}, VariantID: of, Quantity: pieces}, ChannelID: web, Prefecture: "TOKYO", Held: held}
	}
	for name, c := range map[string]struct {
		preferences []channel.Preference
		waits       []Waiter
		from        []Reservation
	}{
		"the brand's order":           {nil, []Waiter{wait(leash, 1), wait(toy, 1)}, []Reservation{{leash, chiba, 1}, {toy, osaka, 1}}},
		"nearest":                     {[]channel.Preference{channel.Nearest}, []Waiter{wait(leash, 2)}, []Reservation{{leash, tokyo, 1}, {leash, chiba, 1}}},
		"one parcel":                  {[]channel.Preference{channel.SingleParcel}, []Waiter{wait(leash, 2), wait(toy, 2)}, []Reservation{{leash, osaka, 2}, {toy, osaka, 2}}},
		"one parcel with what it has": {[]channel.Preference{channel.SingleParcel}, []Waiter{wait(leash, 1, Reservation{toy, fukuoka, 3})}, []Reservation{{leash, fukuoka, 1}}},
		"no shop before":              {[]channel.Preference{channel.ShopsLast}, []Waiter{wait(toy, 1)}, []Reservation{{toy, fukuoka, 1}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			levels := []cart.Level{
				level(chiba, leash, 5), level(osaka, leash, 5), level(tokyo, leash, 1), level(fukuoka, leash, 5),
				level(chiba, toy, 0), level(osaka, toy, 5), level(tokyo, toy, 5), level(fukuoka, toy, 5),
			}
			var got []Reservation
			for _, a := range allocate(c.waits, levels, map[uuid.UUID][]channel.Preference{web: c.preferences}) {
				require.Equal(t, uuid.UUID{0xd}, a.OrderID)
				got = append(got, a.Reservation)
			}
			require.Equal(t, c.from, got)
		})
	}
}

// Orders of one channel do not change where those of another are served from.
func TestEachChannelIsServedAsItPrefers(t *testing.T) {
	t.Parallel()
	near, web := uuid.UUID{0xc}, uuid.UUID{0xe}
	waits := []Waiter{
		{BackOrder: BackOrder{OrderID: uuid.UUID{1}, VariantID: leash, Quantity: 1}, ChannelID: near, Prefecture: "FUKUOKA"},
		{BackOrder: BackOrder{OrderID: uuid.UUID{2}, VariantID: leash, Quantity: 1}, ChannelID: web, Prefecture: "FUKUOKA"},
	}
	levels := []cart.Level{level(chiba, leash, 5), level(fukuoka, leash, 5)}
	found := allocate(waits, levels, map[uuid.UUID][]channel.Preference{near: {channel.Nearest}})
	require.Equal(t, []Allocation{{uuid.UUID{1}, Reservation{leash, fukuoka, 1}}, {uuid.UUID{2}, Reservation{leash, chiba, 1}}}, found)
}
