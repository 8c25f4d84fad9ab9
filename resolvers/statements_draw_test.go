package resolvers_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// drawOperations are those of prize draws.
var drawOperations = map[string]clientOperation{
	"app/Draws":      {2, loyal(furnishedDraws)},
	"app/DrawProofs": {2, loyal(furnishedDraws)},
	"app/MyDrawEntries": {1, loyal(func(t *testing.T, w *world) apptest.Variables {
		draw := w.draw(t, 1)
		w.enters(t, draw, w.member.id, w.size)
		return apptest.Variables{"drawId": draw}
	})},
	"app/MyWins": {1, loyal(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.won(t)
		}
		return nil
	})},
	"app/EnterDraw": {17, loyal(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "drawId": w.draw(t, 1), "count": w.size, "points": w.size})
	})},
	"app/AnswerWin": {12, loyal(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "winnerId": w.won(t), "accept": true, "address": newAddress("自宅")})
	})},
	"admin/AnswerWinFor": {14, staffed(func(t *testing.T, w *world) apptest.Variables {
		guest, _ := w.guest(t, "09011112222")
		w.enters(t, w.draw(t, 1), guest, 1)
		w.end(t)
		var won uuid.UUID
		require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT id FROM draw_winners WHERE member_id = $1`, keyOf(t, guest)).Scan(&won))
		return in(apptest.Variables{"idempotencyKey": w.key(), "winnerId": id.Global("DrawWinner", won), "accept": true, "address": newAddress("自宅"), "reason": "電話で承りました"})
	})},
	"admin/StaffDraws": {3, staffed(furnishedDraws)},
	"app/Draw":         {2, loyal(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.draw(t, w.size)} })},
	"admin/StaffDraw":  {3, staffed(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.draw(t, w.size)} })},
	"admin/DescribeDraw": {6, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"drawId": w.draw(t, w.size), "name": ja("秋の抽選会")})
	})},
	"admin/SaveDraw": {11, staffed(func(t *testing.T, w *world) apptest.Variables { return in(w.newDraw(t, w.size)) })},
	"admin/CancelDraw": {11, staffed(func(t *testing.T, w *world) apptest.Variables {
		draw := w.draw(t, w.size)
		for range w.size {
			w.enters(t, draw, newCustomer(t, w.App, w.email()).id, 2)
		}
		return in(apptest.Variables{"idempotencyKey": w.key(), "drawId": draw, "reason": "賞品の不備"})
	})},
	"admin/GrantDrawEntries": {11, staffed(func(t *testing.T, w *world) apptest.Variables {
		return in(apptest.Variables{"idempotencyKey": w.key(), "drawId": w.draw(t, 1), "memberId": w.member.id, "count": w.size, "reason": "お詫び"})
	})},
}

// newDraw opened an hour ago and costs a point; a prize for each rank.
func (w *world) newDraw(t *testing.T, ranks int) apptest.Variables {
	now := time.Now().UTC()
	prizes := make([]apptest.Variables, ranks)
	for i := range prizes {
		prizes[i] = apptest.Variables{"prizeId": w.prize(t), "count": 1}
	}
	return apptest.Variables{
		"idempotencyKey": w.key(), "programmeId": w.programme(1), "name": ja("抽選会"), "points": 1, "maxEntries": 10, "runnersUp": 1,
		"opensAt": now.Add(-time.Hour), "closesAt": now.Add(time.Hour), "drawsAt": now.Add(time.Hour), "ranks": prizes,
	}
}

func (w *world) draw(t *testing.T, ranks int) string {
	return w.made(t, "saveDraw", "draw", w.newDraw(t, ranks))
}

func (w *world) enters(t *testing.T, draw, member string, count int) {
	w.made(t, "grantDrawEntries", "", apptest.Variables{"idempotencyKey": w.key(), "drawId": draw, "memberId": member, "count": count, "reason": "見本"})
}

// end lets the draws' times pass, so that they close and are drawn.
func (w *world) end(t *testing.T) {
	t.Helper()
	exec(t, w.App, `UPDATE draws SET opens_at = now() - interval '3 hours', closes_at = now() - interval '1 second', draws_at = now() - interval '1 second' WHERE state = 'OPEN'`)
	require.NoError(t, w.App.App.Resolvers.Draws.Turn(t.Context()))
}

// won is the id of what the member has just won.
func (w *world) won(t *testing.T) string {
	w.enters(t, w.draw(t, 1), w.member.id, 1)
	w.end(t)
	var got struct {
		MyWins []struct{ ID, Outcome string }
	}
	w.member.do(t, `{ myWins { id outcome } }`, nil).Into(t, &got)
	require.NotEmpty(t, got.MyWins)
	require.Equal(t, "WON", got.MyWins[0].Outcome)
	return got.MyWins[0].ID
}

// furnishedDraws makes as many draws as the world is wide, each with so many ranks and
// somebody who won in each.
func furnishedDraws(t *testing.T, w *world) apptest.Variables {
	entrants := []string{w.member.id}
	for range w.size {
		entrants = append(entrants, newCustomer(t, w.App, w.email()).id)
	}
	for range w.size {
		draw := w.draw(t, w.size)
		for _, who := range entrants {
			w.enters(t, draw, who, 2)
		}
	}
	w.end(t)
	return apptest.Variables{"first": w.size}
}
