package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

func TestPointsOfACardAlonePayAtTheCounter(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	umeda := openShop(t, s.App, "umeda", "OSAKA", map[uuid.UUID]int{s.leash: 4})
	hanako := registeredAt(t, s.App, umeda, "山田 花子", "09012345612")
	var number string
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, hanako)).Scan(&number))
	require.Empty(t, s.by(t, pointDesk, "grantPoints", "balance { usable }", apptest.Variables{"idempotencyKey": s.key(), "programmeId": s.own, "memberId": hanako, "points": 500, "reason": "移行"}).UserErrors)
	ours := counter{s.App, clerkOf(umeda)}
	sale := func(more apptest.Variables) apptest.Variables {
		in := apptest.Variables{
			"shopId": id.Global("Location", umeda), "lines": []apptest.Variables{pieceOf(s.leash, 1)}, "expectedTotal": "1980", "cardNumber": number,
			"points": []apptest.Variables{{"programmeId": s.own, "points": 480}}, "tenders": []apptest.Variables{{"method": "CASH"}},
		}
		for k, v := range more {
			in[k] = v
		}
		return in
	}
	left := func() int {
		return countOf(t, s.App, `SELECT available FROM point_accounts WHERE member_id = $1`, keyOf(t, hanako))
	}
	another := "2" + number[1:12] + string('0'+(number[12]-'0'+1)%10)
	for name, wrong := range map[string]struct {
		more apptest.Variables
		code string
	}{
		"a digit is wrong":    {apptest.Variables{"cardNumber": another}, "CARD_NUMBER_INVALID"},
		"nobody's card":       {apptest.Variables{"cardNumber": "2900000000018"}, "MEMBER_CARD_INVALID"},
		"code and card":       {apptest.Variables{"memberCode": "noren:member:forged"}, "INVALID"},
		"more than there are": {apptest.Variables{"points": []apptest.Variables{{"programmeId": s.own, "points": 501}}}, "POINTS_SHORT"},
		"no card":             {apptest.Variables{"cardNumber": ""}, "POINTS_MEMBERS_ONLY"},
	} {
		require.Equal(t, wrong.code, ours.sell(t, sale(wrong.more)).code(), name)
	}
	require.Equal(t, 500, left())

	once := sale(apptest.Variables{"idempotencyKey": "by-card-1"})
	sold := ours.sell(t, once)
	require.Empty(t, sold.UserErrors)
	require.Equal(t, []string{"DELIVERED", "SHOP", "1980"}, []string{sold.Order.Status, sold.Order.Origin, sold.Order.Total.Amount})
	require.Equal(t, sold.Order.ID, ours.sell(t, once).Order.ID, "the same intent")
	require.Equal(t, 20, left())
	require.Equal(t, 1, countOf(t, s.App, `SELECT count(*) FROM orders WHERE member_id = $1`, keyOf(t, hanako)), "it is theirs")
	require.Equal(t, 1, countOf(t, s.App, `SELECT count(*) FROM events WHERE type = 'order.placed' AND data->>'memberBy' = 'CARD' AND actor_id = $1`, ours.actor.ID))

	exec(t, s.App, `UPDATE member_cards SET state = 'LOST', ended_at = now()`)
	require.Equal(t, "MEMBER_CARD_INVALID", ours.sell(t, sale(apptest.Variables{"points": []apptest.Variables{}})).code(), "a lost card")
}

func TestStaffAnswerAWinOfACardAlone(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	answer := func(actor access.Actor, input apptest.Variables) answered {
		return s.tells(t, actor, "answerWinFor", "win { outcome }", input)
	}
	input := apptest.Variables{"idempotencyKey": s.key(), "winnerId": id.Global("DrawWinner", id.New()), "accept": true, "handOver": true, "reason": "店頭で承りました"}
	require.Equal(t, "NOT_FOUND", answer(pointAdmin, input).code())
	require.Equal(t, "DRAW_HAND_OVER", answer(pointAdmin, with(input, "address", newAddress("山田"))).code())
	require.Equal(t, "REQUIRED", answer(pointAdmin, with(input, "reason", "")).code())
}
