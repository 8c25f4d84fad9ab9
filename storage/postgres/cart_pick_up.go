package postgres

// pickUpOf is the shop at which the cart c is picked up; null unless the shop offers it.
const pickUpOf = `CASE WHEN c.shipping_mode = 'PICK_UP' THEN (
	SELECT jsonb_build_object('name', o.name, 'address', o.address, 'days', h.pick_up_days)
	FROM locations o JOIN shops h ON h.location_id = o.id WHERE o.id = c.shop_id AND o.active AND h.pick_up) END`

// recipientOf is who picks the cart c up, as far as they were named, else its member: a cart is
// sealed for its member, as the name of the account is. Whoever would get the parcel stands
// between the two, and is found once the cart is open (openCart).
const recipientOf = `CASE WHEN c.recipient = '' AND c.shipping_address IS NULL THEN coalesce((SELECT a.name FROM accounts a WHERE a.id = c.member_id), '') ELSE c.recipient END`

// shippingPlaces is the condition that orders take stock at the location o.
const shippingPlaces = `o.ships`

// placesOf is the condition that the cart, or what is held in a table like carts, which is
// found so takes stock at the location o: where orders ship from, or at the shop at which
// it is picked up.
func placesOf(table, own string) string {
	return `coalesce(o.id = (SELECT c.shop_id FROM ` + table + ` c WHERE ` + own + ` AND c.shipping_mode = 'PICK_UP'), o.ships)`
}

// pickable is the condition that some shop at which orders are picked up has so many of
// the variant v: they may be put into a cart though they cannot be shipped.
func pickable(pieces string) string {
	return `EXISTS (SELECT FROM stock_levels s JOIN shops h ON h.location_id = s.location_id AND h.pick_up
		JOIN locations o ON o.id = s.location_id AND o.active WHERE s.variant_id = v.id AND s.free >= ` + pieces + `)`
}
