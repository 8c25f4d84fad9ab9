package order

// Origin is where an order was placed.
type Origin string

// The origins.
const (
	FromOnline Origin = "ONLINE"
	FromShop   Origin = "SHOP" // over the counter (店頭販売)
)
