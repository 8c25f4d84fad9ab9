package resolvers_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/operation"
)

// miles is another point system that a hundred of our points are fifty of.
func (s *pointShop) miles(t testing.TB, more apptest.Variables) string {
	t.Helper()
	input := apptest.Variables{
		"programmeId": s.own, "code": "sky-miles", "name": ja("空マイル"), "way": "FILE", "ourPoints": 100, "theirPoints": 50, "minPoints": 100, "receives": true,
	}
	for name, value := range more {
		input[name] = value
	}
	made := s.by(t, pointAdmin, "savePointPartner", "partner { id }", input)
	require.Empty(t, made.UserErrors)
	return made.Partner.ID
}

type fileReceived struct {
	Received, Repeated, Unknown int
	UserErrors                  []userError
}

func (s *pointShop) receiveFile(t testing.TB, actor access.Actor, partner, csv string) fileReceived {
	t.Helper()
	var got struct{ ReceivePointFile fileReceived }
	s.DoAs(t, actor, `mutation($input: ReceivePointFileInput!) { receivePointFile(input: $input) { received repeated unknown userErrors { code field message } } }`,
		in(apptest.Variables{"partnerId": partner, "csv": csv})).Into(t, &got)
	return got.ReceivePointFile
}

type arrivalSeen struct {
	ID, Reference, TheirMember, State, Reason string
	TheirPoints                               int
}

func (s *pointShop) arrivals(t testing.TB, state string) []arrivalSeen {
	t.Helper()
	var got struct{ PointArrivals struct{ Nodes []arrivalSeen } }
	s.DoAs(t, pointDesk, `query($s: PointArrivalState) { pointArrivals(state: $s) { totalCount nodes { id reference theirMember theirPoints state reason } } }`, apptest.Variables{"s": state}).Into(t, &got)
	return got.PointArrivals.Nodes
}

// settle says whose points are that came for a number nobody has.
func (s *pointShop) settle(t testing.TB, input apptest.Variables) string {
	t.Helper()
	var got struct {
		SettlePointArrival struct{ UserErrors []userError }
	}
	s.DoAs(t, pointAdmin, `mutation($input: SettlePointArrivalInput!) { settlePointArrival(input: $input) { arrival { id state } userErrors { code field } } }`, in(keyed("settlePointArrival", input))).Into(t, &got)
	if len(got.SettlePointArrival.UserErrors) == 0 {
		return ""
	}
	return got.SettlePointArrival.UserErrors[0].Code
}

func TestPointsComeFromAnotherSystemByFile(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b, partner := s.buyer(t, 0), s.miles(t, nil)
	b.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	var number string
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, b.id)).Scan(&number))
	spaced := number[:4] + " " + number[4:8] + "-" + number[8:]
	file := "reference,member,points\nIN-1," + number + ",50\nIN-2," + spaced + ",100\nIN-2," + number + ",100\nIN-3,2900000000001,150\nIN-4," + number + ",75\n,x,50\nIN-5," + number + ",many\nIN-1," + number + ",100\n"
	got := s.receiveFile(t, pointAdmin, partner, file)
	require.Equal(t, []int{2, 1, 1, 4}, []int{got.Received, got.Repeated, got.Unknown, len(got.UserErrors)}, "%v", got)
	for i, line := range []int{6, 7, 8, 9} {
		require.Equal(t, "POINT_FILE_INVALID", got.UserErrors[i].Code)
		require.Contains(t, got.UserErrors[i].Message, fmt.Sprint(line), "%v", got.UserErrors[i])
	}
	require.Equal(t, 300, b.has(t).Usable)
	got = s.receiveFile(t, pointAdmin, partner, file)
	require.Equal(t, []int{0, 4, 0}, []int{got.Received, got.Repeated, got.Unknown}, "the same file twice changes nothing: %v", got)
	got = s.receiveFile(t, pointAdmin, partner, "reference,member,points\nIN-1,"+number+",100\nIN-3,2900000000001,50\n")
	require.Equal(t, []int{0, 0, 2}, []int{got.Received, got.Repeated, len(got.UserErrors)}, "a reference says one thing")
	require.Equal(t, 300, b.has(t).Usable)
	require.Equal(t, "POINT_FILE_INVALID", s.receiveFile(t, pointAdmin, partner, "reference,member\nIN-9,x\n").UserErrors[0].Code)

	open := s.arrivals(t, "OPEN")
	require.Len(t, open, 1)
	require.Equal(t, []string{"IN-3", "2900000000001"}, []string{open[0].Reference, open[0].TheirMember})
	require.Equal(t, "REQUIRED", s.settle(t, apptest.Variables{"arrivalId": open[0].ID}), "who refuses says why")
	require.Equal(t, "NOT_FOUND", s.settle(t, apptest.Variables{"arrivalId": id.Global("PointArrival", id.New()), "memberId": b.id}))
	require.Equal(t, "POINT_MEMBER_UNKNOWN", s.settle(t, apptest.Variables{"arrivalId": open[0].ID, "memberId": id.Global("Member", id.New())}))
	require.Empty(t, s.settle(t, apptest.Variables{"arrivalId": open[0].ID, "memberId": b.id}))
	require.Equal(t, 600, b.has(t).Usable)
	require.NotEmpty(t, s.settle(t, apptest.Variables{"arrivalId": open[0].ID, "memberId": b.id}), "once")
	require.Equal(t, 1, s.receiveFile(t, pointAdmin, partner, "reference,member,points\nIN-3,2900000000001,150\n").Repeated)
	require.Equal(t, 600, b.has(t).Usable)

	// A number that somebody has by now is received when the file comes again.
	require.Equal(t, 2, s.receiveFile(t, pointAdmin, partner, "reference,member,points\nIN-6,2900000000018,50\nIN-7,nobody,50\n").Unknown)
	exec(t, s.App, `UPDATE member_cards SET number = '2900000000018' WHERE number = $1`, number)
	got = s.receiveFile(t, pointAdmin, partner, "reference,member,points\nIN-6,2900000000018,50\nIN-7,nobody,50\n")
	require.Equal(t, []int{1, 1, 0}, []int{got.Received, got.Repeated, got.Unknown})
	require.Equal(t, 700, b.has(t).Usable)
	waits := s.arrivals(t, "OPEN")
	require.Len(t, waits, 1)
	require.Empty(t, s.settle(t, apptest.Variables{"arrivalId": waits[0].ID, "reason": "番号なし"}))
	require.Equal(t, "番号なし", s.arrivals(t, "REFUSED")[0].Reason)
	receive := func(more apptest.Variables) pointAnswer {
		input := apptest.Variables{"partnerId": partner, "reference": "IN-7", "theirPoints": 50}
		maps.Copy(input, more)
		return s.by(t, pointAdmin, "receivePoints", "transfer { id state } arrival { id state }", input)
	}
	again := s.receiveFile(t, pointAdmin, partner, "reference,member,points\nIN-7,nobody,50\n")
	require.Equal(t, []int{0, 0, 1}, []int{again.Received, again.Repeated, len(again.UserErrors)}, "refused is refused")
	require.Contains(t, again.UserErrors[0].Message, "拒否")
	require.Equal(t, "POINT_ARRIVAL_REFUSED", receive(apptest.Variables{"memberId": b.id}).code())
	require.Equal(t, "POINT_ARRIVAL_REFUSED", receive(apptest.Variables{"cardNumber": "2900000000018"}).code())
	require.Equal(t, 700, b.has(t).Usable)
	exec(t, s.App, `UPDATE member_cards SET state = 'LOST', ended_at = now() WHERE number = '2900000000018'`)
	require.Equal(t, 1, s.receiveFile(t, pointAdmin, partner, "reference,member,points\nIN-8,2900000000018,50\n").Unknown, "a lost card is nobody's")
	later := apptest.Variables{"reference": "IN-8", "memberId": b.id, "theirPoints": 100}
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", receive(later).code(), "other points")
	later["theirPoints"] = 50
	require.Equal(t, "RECEIVED", receive(later).Transfer.State)
	require.Empty(t, s.arrivals(t, "OPEN"), "what was received waits for nobody")
	require.Equal(t, 800, b.has(t).Usable)
	require.Equal(t, "IDEMPOTENCY_KEY_REUSED", receive(apptest.Variables{"reference": "IN-8", "memberId": s.buyer(t, 0).id}).code(), "another member")
	require.Equal(t, []int{1, 4}, []int{
		countOf(t, s.App, `SELECT count(*) FROM events WHERE type = 'point_file.received' AND subject_id = $1 AND data @> '{"lines":8,"received":2,"repeated":1,"unknown":1,"leftOut":4}'`, keyOf(t, partner)),
		countOf(t, s.App, `SELECT count(*) FROM events WHERE type = 'point_arrival.opened'`),
	}, "who sent what is written down")

	var compared struct {
		ReconcilePoints struct {
			Matched     int
			Differences []struct{ Reference, Cause string }
		}
	}
	s.DoAs(t, pointDesk, `query($input: ReconcilePointsInput!) { reconcilePoints(input: $input) { matched differences { reference cause } userErrors { code } } }`, in(apptest.Variables{
		"partnerId": partner, "from": time.Now().Add(-time.Hour), "until": time.Now().Add(time.Hour), "incoming": true, "csv": "id,points\nIN-1,50\nIN-2,100\nIN-3,150\nIN-6,55\nIN-7,50\nIN-8,50\n",
	})).Into(t, &compared)
	require.Equal(t, 4, compared.ReconcilePoints.Matched)
	causes := map[string]string{}
	for _, d := range compared.ReconcilePoints.Differences {
		causes[d.Reference] = d.Cause
	}
	require.Equal(t, map[string]string{"IN-6": "POINTS", "IN-7": "MISSING_HERE"}, causes)
}

func TestAFileComesAgainWhenItsMemberIsErased(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b, partner := s.buyer(t, 0), s.miles(t, nil)
	b.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	var number string
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, b.id)).Scan(&number))
	file := "reference,member,points\nIN-1," + number + ",50\nIN-2,2900000000001,100\n"
	s.receiveFile(t, pointAdmin, partner, file)
	require.Empty(t, s.settle(t, apptest.Variables{"arrivalId": s.arrivals(t, "OPEN")[0].ID, "memberId": b.id, "reason": "電話で確認"}))
	require.NoError(t, s.App.App.Resolvers.Members.Store.Erase(t.Context(), keyOf(t, b.id), time.Now()))
	settled := s.arrivals(t, "RECEIVED")[0]
	require.Empty(t, settled.TheirMember+settled.Reason, "the number was the member's")
	got := s.receiveFile(t, pointAdmin, partner, file)
	require.Equal(t, []int{0, 2, 0, 0}, []int{got.Received, got.Repeated, got.Unknown, len(got.UserErrors)}, "%v", got)
}

func TestEventsOfPointsNameNobody(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b, partner := s.buyer(t, 0), s.miles(t, apptest.Variables{"sends": true})
	const number, word = "77-佐藤-77", "佐藤さんのお詫び"
	require.Empty(t, s.by(t, pointDesk, "grantPoints", "balance { usable }", apptest.Variables{"programmeId": s.own, "memberId": b.id, "points": 300, "reason": word}).code())
	var sent struct{ SendPoints pointAnswer }
	b.do(t, pointMutation("sendPoints", "transfer { id state }"), in(apptest.Variables{"idempotencyKey": s.key(), "partnerId": partner, "theirMember": number, "points": 100})).Into(t, &sent)
	require.Empty(t, sent.SendPoints.UserErrors)
	require.Equal(t, 1, s.receiveFile(t, pointAdmin, partner, "reference,member,points\nIN-1,"+number+",50\n").Unknown)
	require.Empty(t, s.settle(t, apptest.Variables{"arrivalId": s.arrivals(t, "OPEN")[0].ID, "memberId": b.id, "reason": word}))
	require.Equal(t, []int{2, 1, 1}, []int{
		countOf(t, s.App, `SELECT count(*) FROM point_transfers WHERE their_member = $1`, number),
		countOf(t, s.App, `SELECT count(*) FROM point_entries WHERE reason = $1`, word),
		countOf(t, s.App, `SELECT count(*) FROM point_arrivals WHERE reason = $1`, word),
	}, "it stands where an erasure finds it")
	require.Equal(t, 2, countOf(t, s.App, `SELECT count(*) FROM events WHERE type IN ('point_transfer.reserved', 'point_transfer.received') AND data->>'MemberID' = $1`, keyOf(t, b.id).String()))
	require.Zero(t, countOf(t, s.App, `SELECT count(*) FROM events WHERE data::text LIKE '%佐藤%'`))
}

func TestAPartnerReceivesInItsOwnNameAlone(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 0)
	sky := partnerKey(t, s.App, access.PointWrite, access.PointRead)
	var client, other uuid.UUID
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT id FROM partners`).Scan(&client))
	sea := partnerKey(t, s.App, access.PointWrite, access.PointRead)
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT id FROM partners WHERE id <> $1`, client).Scan(&other))
	partner, nobodys := s.miles(t, apptest.Variables{"apiPartnerId": id.Global("Partner", client)}), s.miles(t, apptest.Variables{"code": "sea-miles"})
	receive := func(key, partner, reference string) string {
		var got struct{ ReceivePoints pointAnswer }
		s.Registered(t, partnerOperation(t, "ReceivePoints"), in(apptest.Variables{"partnerId": partner, "reference": reference, "memberId": b.id, "theirPoints": 50}), "X-API-Key", key).Into(t, &got)
		return got.ReceivePoints.code()
	}
	require.Equal(t, "FORBIDDEN", receive(sea, partner, "IN-1"), "another's name")
	require.Equal(t, "FORBIDDEN", receive(sky, nobodys, "IN-1"), "a system of which staff alone tell")
	require.Zero(t, b.has(t).Usable)
	require.Empty(t, receive(sky, partner, "IN-1"))
	told := apptest.Variables{"partnerId": partner, "reference": "IN-2", "memberId": b.id, "theirPoints": 50}
	require.Equal(t, "FORBIDDEN", s.by(t, pointAdmin, "receivePoints", "transfer { id }", told).code(), "what comes from there, its client tells")
	require.Equal(t, "FORBIDDEN", s.receiveFile(t, pointAdmin, partner, "reference,member,points\nIN-2,x,50\n").UserErrors[0].Code)
	require.Equal(t, "FORBIDDEN", s.by(t, pointDesk, "receivePoints", "transfer { id }", with(told, "partnerId", nobodys)).code(), "the head office tells for the others")
	require.Equal(t, "FORBIDDEN", s.receiveFile(t, pointDesk, nobodys, "reference,member,points\nIN-2,x,50\n").UserErrors[0].Code)
	require.Equal(t, 100, b.has(t).Usable)
	require.Empty(t, s.by(t, pointAdmin, "receivePoints", "transfer { id }", with(told, "partnerId", nobodys)).code())
	upload := func(key string) (got struct{ ReceivePointFile fileReceived }) {
		s.Registered(t, partnerOperation(t, "ReceivePointFile"), in(apptest.Variables{"partnerId": partner, "csv": "reference,member,points\nIN-3,nobody,50\n"}), "X-API-Key", key).Into(t, &got)
		return got
	}
	require.Equal(t, "FORBIDDEN", upload(sea).ReceivePointFile.UserErrors[0].Code)
	require.Equal(t, 1, upload(sky).ReceivePointFile.Unknown, "and by file")
	require.Empty(t, s.by(t, pointAdmin, "receivePoints", "transfer { id state }", apptest.Variables{"partnerId": nobodys, "reference": "SEA-1", "memberId": b.id, "theirPoints": 50}).code())
	require.Equal(t, 1, s.receiveFile(t, pointAdmin, nobodys, "reference,member,points\nSEA-2,nobody,50\n").Unknown)
	const list = `query ListPoints { pointTransfers { nodes { id } } pointArrivals { nodes { id } } }`
	listing := fmt.Sprintf("%x", sha256.Sum256([]byte(list)))
	_, err := s.App.App.Operations.Register(t.Context(), "partner", []operation.Operation{{ID: listing, Name: "ListPoints", Kind: "query", Source: list}})
	require.NoError(t, err)
	staff := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PointRead}}
	for _, c := range []struct {
		reader              uuid.UUID
		answer              apptest.Answer
		transfers, arrivals int
	}{
		{client, s.Registered(t, listing, nil, "X-API-Key", sky), 1, 1},
		{other, s.Registered(t, listing, nil, "X-API-Key", sea), 0, 0},
		{staff.ID, s.DoAs(t, staff, list, nil), 3, 2},
	} {
		var got struct {
			PointTransfers, PointArrivals struct{ Nodes []struct{ ID string } }
		}
		c.answer.Into(t, &got)
		require.Equal(t, []int{c.transfers, c.arrivals}, []int{len(got.PointTransfers.Nodes), len(got.PointArrivals.Nodes)})
		require.Equal(t, []int{min(c.transfers, 1), c.arrivals}, []int{
			countOf(t, s.App, `SELECT count(*) FROM events WHERE type = 'member.viewed' AND subject_id = $1 AND actor_id = $2`, keyOf(t, b.id), c.reader),
			countOf(t, s.App, `SELECT count(*) FROM events WHERE type = 'point_arrival.viewed' AND actor_id = $1`, c.reader),
		}, "who looked is written down")
	}
	require.Equal(t, "NOT_FOUND", s.by(t, pointAdmin, "savePointPartner", "partner { id }", apptest.Variables{
		"programmeId": s.own, "code": "sea-miles", "name": ja("海"), "way": "FILE", "ourPoints": 1, "theirPoints": 1, "minPoints": 1, "apiPartnerId": id.Global("Partner", id.New()),
	}).code(), "there is no such client")
}

func TestPointsComeFromAnotherSystemForACard(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b, partner := s.buyer(t, 0), s.miles(t, nil)
	b.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	var number string
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT number FROM member_cards WHERE member_id = $1`, keyOf(t, b.id)).Scan(&number))
	receive := func(more apptest.Variables) pointAnswer {
		input := apptest.Variables{"partnerId": partner, "reference": "IN-1", "theirPoints": 50}
		maps.Copy(input, more)
		return s.by(t, pointAdmin, "receivePoints", "transfer { id state } arrival { id state }", input)
	}
	for name, bad := range map[string]struct {
		more  apptest.Variables
		code  string
		field string
	}{
		"nobody": {nil, "POINT_RECEIVER_ONE", "memberId"},
		"both":   {apptest.Variables{"memberId": b.id, "cardNumber": number}, "POINT_RECEIVER_ONE", "memberId"},
		"empty":  {apptest.Variables{"cardNumber": " "}, "REQUIRED", "cardNumber"},
		"long":   {apptest.Variables{"cardNumber": strings.Repeat("9", 65)}, "TOO_LONG", "cardNumber"},
		"whom":   {apptest.Variables{"memberId": id.Global("Member", id.New())}, "POINT_MEMBER_UNKNOWN", "memberId"},
	} {
		got := receive(bad.more)
		require.Equal(t, []string{bad.code, bad.field}, []string{got.code(), got.UserErrors[0].Field[0]}, name)
	}
	first := receive(apptest.Variables{"cardNumber": number[:4] + "-" + number[4:]})
	require.Empty(t, first.UserErrors)
	require.Nil(t, first.Arrival)
	require.Equal(t, first.Transfer.ID, receive(apptest.Variables{"cardNumber": number}).Transfer.ID, "once for each reference")
	require.Equal(t, first.Transfer.ID, receive(apptest.Variables{"memberId": b.id}).Transfer.ID, "the same member, by another name")
	require.Equal(t, 100, b.has(t).Usable)

	unknown := apptest.Variables{"reference": "IN-2", "cardNumber": "2900000000001"}
	waits := receive(unknown)
	require.Empty(t, waits.UserErrors)
	require.Nil(t, waits.Transfer)
	require.Equal(t, "OPEN", waits.Arrival.State)
	require.Equal(t, waits.Arrival.ID, receive(unknown).Arrival.ID)
	require.Len(t, s.arrivals(t, "OPEN"), 1)
	require.Empty(t, s.settle(t, apptest.Variables{"arrivalId": waits.Arrival.ID, "memberId": b.id}))
	require.Equal(t, "RECEIVED", receive(unknown).Transfer.State)
	require.Equal(t, 200, b.has(t).Usable)
}
