package proof_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/points"
)

// desk is where points go besides orders: to another programme, another system, prizes,
// and out of time.
type desk struct {
	other, partner, prize string
	fading                string // the programme whose points are always out of time
	fadingID              string
}

// made is what the mutations that open the desk answer.
type made struct {
	Programme, Partner, Prize, Rate struct{ ID string }
	Secret                          string
	UserErrors                      []struct{ Code, Field string }
}

func (h *house) make(field, kind, fields string, input vars) made {
	var got map[string]made
	query := fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { %s userErrors { code field } } }`, kind, field, fields)
	require.NoError(h.t, json.Unmarshal(h.insist("staff", query, input.as("in")), &got))
	require.Empty(h.t, got[field].UserErrors)
	return got[field]
}

func (h *house) programme(code string, more vars) string {
	input := vars{"code": code, "name": vars{"ja": "ポイント " + code}, "confirmDays": 0, "grantLimit": 100_000_000}
	for k, v := range more {
		input[k] = v
	}
	return h.make("savePointProgramme", "SavePointProgrammeInput", "programme { id }", input).Programme.ID
}

// open makes what points go to.
func (h *house) open() {
	h.desk.other, h.desk.fading = h.programme("nyan", nil), h.programme("fading", vars{"expiryDays": 30})
	require.NoError(h.t, h.shop.DB.Pool().QueryRow(h.t.Context(), `SELECT id::text FROM point_programmes WHERE code = 'fading'`).Scan(&h.desk.fadingID))
	h.make("savePointRate", "SavePointRateInput", "", vars{"fromId": h.points, "toId": h.desk.other, "fromPoints": 2, "toPoints": 1})
	h.desk.partner = h.make("savePointPartner", "SavePointPartnerInput", "partner { id }", vars{
		"programmeId": h.points, "code": "miles", "name": vars{"ja": "マイル"}, "way": "FILE", "ourPoints": 1, "theirPoints": 1, "minPoints": 1,
	}).Partner.ID
	h.desk.prize = h.make("savePrize", "SavePrizeInput", "prize { id }", vars{
		"idempotencyKey": "the-prize", "programmeId": h.points, "name": vars{"ja": "陶器のボウル"}, "points": 10, "stock": 1_000_000,
	}).Prize.ID
}

// move lets a member's points go elsewhere, maybe asking twice.
func (h *house) move(d *rand.Rand, n int) {
	m, to, amount := h.members[n], h.members[(n+1)%len(h.members)], 2*(1+d.IntN(50))
	key := fmt.Sprintf("move-%016x", d.Uint64())
	act := func(what, field, kind string, input vars) {
		input["idempotencyKey"] = key
		for range 1 + d.IntN(2) {
			if code := h.do(m.token, field, kind, "", input).code(); code != "" {
				h.fail("%s ended in %s", field, code)
				return
			}
		}
		h.did(what)
	}
	switch d.IntN(5) {
	case 0:
		act(countGifts, "givePoints", "GivePointsInput", vars{"programmeId": h.points, "email": to.email, "points": amount})
	case 1:
		act(countTurned, "exchangePoints", "ExchangePointsInput", vars{"fromId": h.points, "toId": h.desk.other, "points": amount})
	case 2:
		act(countAway, "sendPoints", "SendPointsInput", vars{"partnerId": h.desk.partner, "theirMember": "M-1", "points": amount})
	case 3:
		act(countPrizes, "exchangePrize", "ExchangePrizeInput", vars{"prizeId": h.desk.prize, "points": 10, "address": vars{
			"name": "山田 花子", "postalCode": "150-0001", "prefecture": "TOKYO", "city": "渋谷区", "line1": "神宮前1-2-3", "phone": "03-1234-5678",
		}})
	default:
		h.give(m, h.desk.fading, key, amount)
	}
}

// age lets the time of the fading points run out, and asks for the job that writes them off.
func (h *house) age(ctx context.Context) error {
	_, aged := h.shop.DB.Pool().Exec(ctx, `UPDATE point_lots SET expires_on = current_date - 2 WHERE programme_id = $1 AND expires_on > current_date`, h.desk.fadingID)
	_, asked := h.jobs.Insert(ctx, points.ExpireJob{}, nil)
	return errors.Join(aged, asked)
}

// expiredOnce fails unless each of the fading points was written off, and once.
func (h *house) expiredOnce() {
	left := `SELECT coalesce(sum(remaining), 0)::int FROM point_lots WHERE programme_id = '` + h.desk.fadingID + `'`
	require.Eventually(h.t, func() bool { return h.age(context.WithoutCancel(h.t.Context())) == nil && h.count(left) == 0 }, 2*time.Minute, time.Second)
	sum := func(kind string) int {
		return h.count(`SELECT coalesce(sum(points), 0)::int FROM point_entries WHERE kind = '` + kind + `' AND programme_id = '` + h.desk.fadingID + `'`)
	}
	require.Equal(h.t, sum("GRANT"), sum("EXPIRE"))
}
