package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// pointOperations are those of members' points.
var pointOperations = map[string]clientOperation{
	"app/MyPoints":        {2, loyal(nil)},
	"app/PointProgrammes": {4, loyal(nil)},
	"app/PointStatement": {2, loyal(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"programmeId": w.programme(1), "first": w.size}
	})},
	"app/PointLots": {2, loyal(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"programmeId": w.programme(1)}
	})},
	"app/CartPoints": {11, func(t *testing.T, w *world) question {
		q := loyal(nil)(t, w)
		w.filled(t, q.headers...)
		return q
	}},
	"web/CheckoutPoints": {11, func(t *testing.T, w *world) question {
		q := loyal(nil)(t, w)
		w.filled(t, q.headers...)
		return q
	}},
	"web/PointsPage":    {2, loyal(nil)},
	"app/PointsChanged": {2, loyal(nil)},
	"app/GivePoints": {22, loyal(func(t *testing.T, w *world) apptest.Variables {
		email := w.email()
		to := newCustomer(t, w.App, email)
		exec(t, w.App, `UPDATE accounts SET email_verified_at = now() WHERE id = $1`, keyOf(t, to.id))
		return in(apptest.Variables{"idempotencyKey": w.key(), "programmeId": w.programme(1), "email": email, "points": 1})
	})},
	"app/ExchangePoints": {24, loyal(func(_ *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "fromId": w.programme(1), "toId": w.programme(0), "points": 1})
	})},
	"app/RedeemPointCode": {18, loyal(func(t *testing.T, w *world) apptest.Variables {
		code := "CODE-" + id.New().String()
		exec(t, w.App, `INSERT INTO point_codes (id, programme_id, brand_id, code, name, points, daily, created_at)
			SELECT $1, p.id, b.id, upper($2), '{"ja":"来店"}', 10, true, now() FROM point_programmes p, brands b WHERE NOT p.shared AND b.id = $3 ORDER BY p.id LIMIT 1`, id.New(), code, w.BrandID)
		return in(apptest.Variables{"idempotencyKey": w.key(), "code": code})
	})},
	"admin/PointCodes": {1, staffed(nil)},
	"admin/SavePointCode": {5, staffed(func(_ *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"programmeId": w.programme(1), "name": ja("来店"), "points": 10, "daily": true})
	})},
	"admin/ClosePointCode": {4, staffed(func(t *testing.T, w *world) apptest.Variables {
		key := id.New()
		exec(t, w.App, `INSERT INTO point_codes (id, programme_id, brand_id, code, name, points, daily, created_at)
			SELECT $1, p.id, b.id, $2, '{"ja":"来店"}', 10, true, now() FROM point_programmes p, brands b WHERE NOT p.shared AND b.id = $3 ORDER BY p.id LIMIT 1`, key, "CODE-"+key.String(), w.BrandID)
		return in(apptest.Variables{"codeId": id.Global("PointCode", key)})
	})},
	"app/PointPartners": {2, loyal(nil)},
	"app/SendPoints": {16, loyal(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "partnerId": w.partnerSystem(t), "theirMember": "77", "points": 1})
	})},
	"app/PointTransfers": {2, loyal(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"first": w.size} })},

	"admin/StaffPointProgrammes": {4, staffed(nil)},
	"admin/MemberPoints":         {3, staffed(func(_ *testing.T, w *world) apptest.Variables { return apptest.Variables{"memberId": w.member.id} })},
	"admin/MemberPointStatement": {3, staffed(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"memberId": w.member.id, "programmeId": w.programme(1), "first": w.size}
	})},
	"admin/PointLiabilities": {2, staffed(nil)},
	"admin/PointTrialBalance": {2, staffed(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"programmeId": w.programme(1)}
	})},
	"admin/GrantPoints": {18, staffed(func(_ *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "programmeId": w.programme(1), "memberId": w.member.id, "points": 1, "reason": "お詫び"})
	})},
	"admin/GrantPointsToSegment": {15, staffed(func(t *testing.T, w *world) apptest.Variables { return in(w.pointBatch(t)) })},
	"admin/PointBatch": {1, staffed(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"id": w.made(t, "grantPointsToSegment", "batch", w.pointBatch(t))}
	})},
	"admin/StopPointBatch": {6, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"batchId": w.made(t, "grantPointsToSegment", "batch", w.pointBatch(t))})
	})},
	"admin/RewardPoints": {15, staffed(func(_ *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "occasion": "REVIEW", "memberId": w.member.id})
	})},
	"partner/RewardPoints": {15, pledged(access.PointWrite, func(_ *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "occasion": "REVIEW", "memberId": w.member.id})
	})},
	"admin/PointArrivals": {3, staffed(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.arrival(t)
		}
		return apptest.Variables{"state": "OPEN"}
	})},
	"admin/ReceivePointFile": {24, staffed(func(t *testing.T, w *world) apptest.Variables {
		_, number := w.guest(t, "09011112222")
		return in(apptest.Variables{"partnerId": w.partnerSystem(t), "csv": w.arrivalFile(number)})
	})},
	"admin/SettlePointArrival": {19, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "arrivalId": w.arrival(t), "memberId": w.member.id})
	})},
	"partner/ReceivePoints": {21, func(t *testing.T, w *world) question {
		q := pledged(access.PointWrite, func(t *testing.T, w *world) apptest.Variables {
			return in(apptest.Variables{"partnerId": w.partnerSystem(t), "reference": w.key(), "memberId": w.member.id, "theirPoints": 1})
		})(t, w)
		exec(t, w.App, `UPDATE point_partners SET api_partner_id = (SELECT id FROM partners ORDER BY id DESC LIMIT 1)`)
		return q
	}},
	"partner/ReceivePointFile": {26, func(t *testing.T, w *world) question {
		q := pledged(access.PointWrite, func(t *testing.T, w *world) apptest.Variables {
			_, number := w.guest(t, "09011112222")
			return in(apptest.Variables{"partnerId": w.partnerSystem(t), "csv": w.arrivalFile(number)})
		})(t, w)
		exec(t, w.App, `UPDATE point_partners SET api_partner_id = (SELECT id FROM partners ORDER BY id DESC LIMIT 1)`)
		return q
	}},
	"admin/SavePointProgramme": {4, staffed(func(_ *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"code": w.key(), "name": ja("ポイント"), "closed": true})
	})},
	"admin/SavePointRate": {8, staffed(func(_ *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"fromId": w.programme(1), "toId": w.programme(0), "fromPoints": 1, "toPoints": 1})
	})},
	"admin/SavePointRule": {5, staffed(func(_ *testing.T, w *world) apptest.Variables { return in(w.pointRule()) })},
	"admin/ClosePointRule": {5, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"programmeId": w.programme(1), "ruleId": w.made(t, "savePointRule", "rule", w.pointRule())})
	})},
	"admin/SavePointPartner": {6, staffed(func(_ *testing.T, w *world) apptest.Variables {
		return in(w.pointPartner(w.key()))
	})},
	"admin/StaffPointTransfers": {5, staffed(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			guest, _ := w.guest(t, "09011112222")
			w.made(t, "receivePoints", "transfer", apptest.Variables{"partnerId": w.partnerSystem(t), "reference": w.key(), "memberId": guest, "theirPoints": 1})
		}
		return apptest.Variables{"first": w.size}
	})},
	"admin/ExportPointTransfers": {9, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "partnerId": w.partnerSystem(t)})
	})},
	"admin/ImportPointAnswers": {2, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"partnerId": w.partnerSystem(t), "csv": "id,result,reference,reason\n"})
	})},
	"admin/ReconcilePoints": {3, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"partnerId": w.partnerSystem(t), "from": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z", "csv": "id,points\n"})
	})},
	"admin/MemberPointLots": {3, staffed(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"memberId": w.member.id, "programmeId": w.programme(1)}
	})},
	"admin/StaffPointPartners": {2, staffed(nil)},
	"partner/PointPartners":    {2, ofSystem(access.PointRead, nil)},
	"partner/PointTransfers":   {3, ofSystem(access.PointRead, func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"first": w.size} })},
	"partner/PointArrivals": {3, ofSystem(access.PointRead, func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.arrival(t)
		}
		return apptest.Variables{"state": "OPEN"}
	})},
	"partner/ReconcilePoints": {3, ofSystem(access.PointRead, func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"partnerId": w.partnerSystem(t), "from": "2026-01-01T00:00:00Z", "until": "2027-01-01T00:00:00Z", "csv": "id,points\n"})
	})},
	"partner/ExportPointTransfers": {11, ofSystem(access.PointWrite, func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "partnerId": w.partnerSystem(t)})
	})},
	"partner/ImportPointAnswers": {4, ofSystem(access.PointWrite, func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"partnerId": w.partnerSystem(t), "csv": "id,result,reference,reason\n"})
	})},
	"partner/SettlePointArrival": {21, ofSystem(access.PointWrite, func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "arrivalId": w.arrival(t), "memberId": w.member.id})
	})},
	"admin/ReceivePoints": {18, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"partnerId": w.partnerSystem(t), "reference": w.key(), "memberId": w.member.id, "theirPoints": 1})
	})},
}

// programme is the id of a programme: the first is the pool, the others the brand's own.
func (w *world) programme(n int) string { return w.programmes[n] }

// pointBatch is points for a segment that has as many members as the world is wide.
func (w *world) pointBatch(t *testing.T) apptest.Variables {
	t.Helper()
	for range w.size {
		w.guest(t, "09011112222")
	}
	return apptest.Variables{"idempotencyKey": w.key(), "programmeId": w.programme(1), "segmentId": w.segment(t), "points": 1, "reason": "お詫び"}
}

func (w *world) pointRule() apptest.Variables {
	return apptest.Variables{"programmeId": w.programme(1), "name": ja("ルール"), "validUntil": "2020-01-01T00:00:00Z", "terms": apptest.Variables{"perMinor": 100, "points": 1}}
}

func (w *world) pointPartner(code string) apptest.Variables {
	return apptest.Variables{"programmeId": w.programme(1), "code": code, "name": ja("マイル"), "way": "FILE", "ourPoints": 1, "theirPoints": 1, "minPoints": 1, "receives": true}
}

func (w *world) partnerSystem(t *testing.T) string {
	return w.made(t, "savePointPartner", "partner", w.pointPartner("sky"))
}

// furnishPoints makes as many programmes as the world is wide, with rules, rates, and for
// the member entries, lots and transfers.
func (w *world) furnishPoints(t *testing.T) {
	t.Helper()
	if len(w.programmes) > 0 {
		return
	}
	for n := range w.size + 1 {
		w.programmes = append(w.programmes, w.made(t, "savePointProgramme", "programme", apptest.Variables{
			"code": fmt.Sprintf("points-%d", n), "name": ja("ポイント"), "shared": n == 0, "transferable": true, "grantLimit": 1000000, "expiryDays": 30 + n,
		}))
		if n > 0 {
			w.made(t, "savePointRate", "", apptest.Variables{"fromId": w.programme(n), "toId": w.programme(0), "fromPoints": 1, "toPoints": 1})
			w.made(t, "savePointRule", "rule", apptest.Variables{"programmeId": w.programme(n), "name": ja("レビュー"), "terms": apptest.Variables{"occasion": "REVIEW", "points": 3}})
		}
	}
	for n := range w.size + 3 {
		w.made(t, "grantPoints", "", apptest.Variables{"idempotencyKey": w.key(), "programmeId": w.programme(1), "memberId": w.member.id, "points": 100 + n, "reason": "見本"})
	}
	partner := w.partnerSystem(t)
	for range w.size {
		var sent struct {
			SendPoints struct{ UserErrors []userError }
		}
		w.member.do(t, `mutation($input: SendPointsInput!) { sendPoints(input: $input) { userErrors { code field message } } }`,
			in(apptest.Variables{"idempotencyKey": w.key(), "partnerId": partner, "theirMember": "77", "points": 1})).Into(t, &sent)
		require.Empty(t, sent.SendPoints.UserErrors)
	}
}

// loyal is asked by the member who has points.
func loyal(variables func(*testing.T, *world) apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question {
		w.furnishPoints(t)
		if variables == nil {
			return question{nil, []string{"Authorization", w.member.bearer}}
		}
		return question{variables(t, w), []string{"Authorization", w.member.bearer}}
	}
}

// arrival is points that came for a number nobody has.
func (w *world) arrival(t *testing.T) string {
	key := id.New()
	exec(t, w.App, `INSERT INTO point_arrivals (id, partner_id, reference, their_member, their_points, state, created_at) VALUES ($1, $2, $3, 'nobody', 1, 'OPEN', now())`, key, keyOf(t, w.partnerSystem(t)), w.key())
	return id.Global("PointArrival", key)
}

// arrivalFile is a file of points for the holder of the number and for numbers nobody has.
func (w *world) arrivalFile(number string) string {
	lines := "reference,member,points\n"
	for range w.size {
		lines += w.key() + "," + number + ",1\n" + w.key() + ",nobody,1\n"
	}
	return lines
}

// pledged is asked by a partner with the permission, in a shop that gives points.
func pledged(permission access.Permission, variables func(*testing.T, *world) apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question {
		q := staffed(variables)(t, w)
		return question{q.variables, []string{"X-API-Key", w.pos(t, permission)}}
	}
}

// ofSystem is asked by the API client of the other point system, with the permission.
func ofSystem(permission access.Permission, variables func(*testing.T, *world) apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question {
		q := pledged(permission, variables)(t, w)
		exec(t, w.App, `UPDATE point_partners SET api_partner_id = (SELECT id FROM partners ORDER BY id DESC LIMIT 1)`)
		return q
	}
}

// staffed is asked by the administrator of a shop that gives points.
func staffed(variables func(*testing.T, *world) apptest.Variables) func(*testing.T, *world) question {
	return asked(func(t *testing.T, w *world) apptest.Variables {
		w.furnishPoints(t)
		if variables == nil {
			return nil
		}
		return variables(t, w)
	})
}
