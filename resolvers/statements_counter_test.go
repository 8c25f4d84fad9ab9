package resolvers_test

import (
	"strings"
	"testing"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// counterOperations are those of members with a card alone at the counter of a shop.
var counterOperations = map[string]clientOperation{
	"admin/CounterMember": {7, staffed(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"by": w.shows(t)}
	})},
	"admin/ExchangePrizeFor": {27, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(with(with(with(w.serves(t), "prizeId", w.prize(t)), "points", 1), "address", newAddress("自宅")))
	})},
	"admin/EnterDrawFor": {25, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(with(with(with(w.serves(t), "drawId", w.draw(t, 1)), "count", w.size), "points", w.size))
	})},
	"admin/RedeemPointCodeFor": {22, staffed(func(t *testing.T, w *world) apptest.Variables {
		code := strings.ToUpper("CODE-" + id.New().String())
		exec(t, w.App, `INSERT INTO point_codes (id, programme_id, brand_id, code, name, points, daily, created_at)
			SELECT $1, p.id, b.id, $2, '{"ja":"来店"}', 10, true, now() FROM point_programmes p, brands b WHERE NOT p.shared AND b.id = $3 ORDER BY p.id LIMIT 1`, id.New(), code, w.BrandID)
		return in(with(w.serves(t), "code", code))
	})},
}

// shows is a new member with a card alone and points, who shows the card at a shop.
func (w *world) shows(t *testing.T) apptest.Variables {
	guest, number := w.guest(t, "09011112222")
	w.made(t, "grantPoints", "", apptest.Variables{"idempotencyKey": w.key(), "programmeId": w.programme(1), "memberId": guest, "points": 100, "reason": "移行"})
	return apptest.Variables{"shopId": id.Global("Location", openShop(t, w.App, w.key(), "OSAKA", nil)), "cardNumber": number}
}

// serves is the same with a key, as a mutation takes it.
func (w *world) serves(t *testing.T) apptest.Variables {
	return with(w.shows(t), "idempotencyKey", w.key())
}
