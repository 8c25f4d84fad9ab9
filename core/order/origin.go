package order

// Origin is where an order was placed.
type Origin string

// The origins.
const (
	FromOnline Origin = "ONLINE"
	FromShop   Origin = "SHOP"  // over the counter (店頭販売)
	FromEvent  Origin = "EVENT" // at a stand or a van (イベント販売)
)

// OverCounter reports whether the customer was handed the goods there.
func (o Origin) OverCounter() bool { return o == FromShop || o == FromEvent }
