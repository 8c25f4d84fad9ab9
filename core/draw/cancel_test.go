package draw_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/storage/postgres"
)

func (f *fair) cancelling(d *draw.Draw) draw.CancelInput {
	return draw.CancelInput{IdempotencyKey: "cancel-" + d.ID.String(), DrawID: d.ID, Reason: "賞品をご用意できないため"}
}

// has is how many points the member can use.
func (f *fair) has(t testing.TB, m context.Context) int64 { //nolint:revive // the test comes first
	return f.count(t, `SELECT coalesce(sum(available), 0) FROM point_accounts WHERE member_id = $1 AND merged_into IS NULL`, access.From(m).ID)
}

func (f *fair) told(t testing.TB, m context.Context) (all []messaging.DrawCancelled) { //nolint:revive // the test comes first
	for _, mail := range f.mails {
		if strings.HasPrefix(mail.To.Email, access.From(m).ID.String()) && mail.Kind == messaging.KindDrawCancelled {
			var c messaging.DrawCancelled
			require.NoError(t, json.Unmarshal(mail.Content, &c))
			all = append(all, c)
		}
	}
	return all
}

func TestACancelledDrawGivesEverythingBack(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	d := f.draw(t, nil)
	twice, once, given, gone := f.joined(t, 100), f.joined(t, 100), f.joined(t, 0), f.joined(t, 100)
	f.enter(t, twice, d, 2)
	f.enter(t, twice, d, 1)
	f.enter(t, once, d, 1)
	f.enter(t, gone, d, 5)
	_, err := f.Grant(f.admin(), draw.GrantInput{IdempotencyKey: "grant-0001", DrawID: d.ID, MemberID: access.From(given).ID, Count: 2, Reason: "来場"})
	require.NoError(t, err)
	f.exec(t, `UPDATE accounts SET language = 'en' WHERE id = $1`, access.From(once).ID)
	f.pass(24 * time.Hour)
	f.turn(t)
	closed, err := postgres.NewDraws(f.shop.DB).Draw(t.Context(), d.ID)
	require.NoError(t, err)
	require.Equal(t, draw.Closed, closed.State)
	kept, left := access.From(once).ID, access.From(gone).ID
	f.merge(t, kept, left)
	require.NoError(t, f.points.Merge(f.admin(), kept, left))
	require.EqualValues(t, 90+50, f.has(t, once))

	staff := f.admin()
	done, err := f.Cancel(staff, f.cancelling(d))
	require.NoError(t, err)
	require.Equal(t, []any{draw.Cancelled, "賞品をご用意できないため", true, ""}, []any{done.State, done.Reason, done.CancelledAt != nil, done.Sealed})
	require.EqualValues(t, 40, f.count(t, `SELECT sum(stock) FROM prizes`), "its prizes are in stock again")
	again, err := f.Cancel(staff, f.cancelling(d))
	require.NoError(t, err)
	require.Equal(t, done, again, "the same key replays")
	_, err = f.Enter(twice, f.ask(d, 1))
	require.ErrorIs(t, err, draw.ErrCancelled)

	f.turn(t)
	f.turn(t)
	require.Equal(t, []int64{100, 200, 0}, []int64{f.has(t, twice), f.has(t, once), f.has(t, given)}, "what was paid came back, once, to who they are now")
	require.EqualValues(t, 0, f.count(t, `SELECT sum(CASE kind WHEN 'PRIZE' THEN points ELSE -points END) FROM point_entries WHERE kind IN ('PRIZE', 'PRIZE_BACK')`))
	require.Zero(t, f.count(t, `SELECT count(*) FROM point_accounts a WHERE a.available <> (SELECT coalesce(sum(remaining), 0) FROM point_lots l WHERE l.account_id = a.id)`), "lots")
	require.Equal(t, []messaging.DrawCancelled{{Name: "会員", Draw: "春の大抽選会", Reason: "賞品をご用意できないため", Points: 30}}, f.told(t, twice))
	require.Equal(t, []messaging.DrawCancelled{{Name: "会員", Draw: "春の大抽選会", Reason: "賞品をご用意できないため"}}, f.told(t, given))
	require.Len(t, f.told(t, once), 2, "of either entrant whom they were")
	for _, mail := range f.mails {
		require.Equal(t, strings.HasPrefix(mail.To.Email, kept.String()), mail.Language == "en", "in the language of whom it goes to")
	}
	require.EqualValues(t, 1, f.count(t, `SELECT count(*) FROM draws WHERE id = $1 AND settled_at IS NOT NULL`, d.ID))
	require.EqualValues(t, 1, f.count(t, `SELECT count(*) FROM events WHERE type = 'draw.cancelled' AND data->>'reason' <> '' AND data->>'before' = 'CLOSED'`))

	f.pass(48 * time.Hour)
	f.turn(t)
	require.Empty(t, f.winners(t, d), "nobody wins")
	proof := draw.Proof{Algorithm: draw.Algorithm, Commitment: d.Committed(), Digest: *closed.Listed(), Entries: closed.Entries, Cancelled: true}
	var text strings.Builder
	f.listed(t, d, &text)
	require.NoError(t, proof.Verify(strings.NewReader(text.String())), "the list is still the published one")
}

func TestWhatIsCancelledOnceStays(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	m, d := f.joined(t, 100), f.draw(t, nil)
	f.enter(t, m, d, 1)
	other, drawn := f.draw(t, nil), f.draw(t, nil)
	f.exec(t, `UPDATE draws SET closes_at = opens_at + interval '1 minute', draws_at = opens_at + interval '1 minute' WHERE id = $1`, drawn.ID)
	f.turn(t)
	brand := id.New()
	f.exec(t, `INSERT INTO brands (id, code, name) VALUES ($1, 'other', '{"ja":"別"}')`, brand)
	f.exec(t, `UPDATE draws SET brand_id = $2 WHERE id = $1`, other.ID, brand)
	for name, c := range map[string]struct {
		who    context.Context
		change func(*draw.CancelInput)
		want   error
	}{
		"a member":        {m, nil, fault.ErrForbidden},
		"no reason":       {f.admin(), func(in *draw.CancelInput) { in.Reason = " " }, fault.ErrRequired},
		"drawn":           {f.admin(), func(in *draw.CancelInput) { in.DrawID = drawn.ID }, draw.ErrState},
		"another brand's": {f.admin(), func(in *draw.CancelInput) { in.DrawID = other.ID }, draw.ErrUnknown},
		"nobody's":        {f.admin(), func(in *draw.CancelInput) { in.DrawID = id.New() }, draw.ErrUnknown},
	} {
		in := f.cancelling(d)
		in.IdempotencyKey = "cancel-" + strings.ReplaceAll(name, " ", "-")
		if c.change != nil {
			c.change(&in)
		}
		_, err := f.Cancel(c.who, in)
		require.ErrorIs(t, err, c.want, name)
	}
	in, staff := f.cancelling(d), f.admin()
	_, err := f.Cancel(staff, in)
	require.NoError(t, err)
	in.Reason = "別の理由"
	_, err = f.Cancel(staff, in)
	require.ErrorIs(t, err, idempotency.ErrReused)
	in.IdempotencyKey = "cancel-again"
	_, err = f.Cancel(staff, in)
	require.ErrorIs(t, err, draw.ErrCancelled)
	_, err = f.Publish(f.as(access.Guest), d.ID)
	require.ErrorIs(t, err, draw.ErrState, "there is no list of what was not closed")
	require.EqualValues(t, 1, f.count(t, `SELECT count(*) FROM events WHERE type = 'draw.cancelled'`))
}

// Who cannot be written to holds up nobody else, and is seen to when one can.
func TestPointsOfACancelledDrawComeBackThoughSomeFail(t *testing.T) {
	t.Parallel()
	f := openFair(t)
	d := f.draw(t, nil)
	var all []context.Context
	for range 5 {
		m := f.joined(t, 100)
		f.enter(t, m, d, 2)
		all = append(all, m)
	}
	f.exec(t, `WITH people AS (INSERT INTO members (id, created_at, updated_at) SELECT gen_random_uuid(), now(), now() FROM generate_series(1, 500) RETURNING id),
		entered AS (INSERT INTO draw_entrants (draw_id, member_id, entries) SELECT $1, id, 1 FROM people RETURNING member_id)
		SELECT FROM entered`, d.ID)
	_, err := f.Cancel(f.admin(), f.cancelling(d))
	require.NoError(t, err)
	f.refused = access.From(all[2]).ID
	require.ErrorIs(t, f.Turn(context.Background()), errRefused)
	waiting := `SELECT count(*) FROM draw_entrants WHERE settled_at IS NULL`
	require.EqualValues(t, 1, f.count(t, waiting))
	require.EqualValues(t, 80, f.has(t, all[2]), "points and mail go together")
	f.refused = uuid.Nil
	f.turn(t)
	f.turn(t)
	require.Zero(t, f.count(t, waiting))
	for _, m := range all {
		require.EqualValues(t, 100, f.has(t, m))
		require.Len(t, f.told(t, m), 1)
	}
	require.EqualValues(t, 5, f.count(t, `SELECT count(*) FROM point_entries WHERE kind = 'PRIZE_BACK'`))
}

var errRefused = errors.New("the outbox is full")

func TestAProofSaysThatADrawWasCancelled(t *testing.T) {
	t.Parallel()
	tickets := []draw.Ticket{{Entry: uuid.New(), Entrant: uuid.New()}, {Entry: uuid.New(), Entrant: uuid.New()}}
	draw.Sort(tickets)
	var list strings.Builder
	require.NoError(t, draw.WriteList(&list, tickets))
	open := draw.Proof{Algorithm: draw.Algorithm, Commitment: "00", Cancelled: true}
	require.NoError(t, open.Verify(strings.NewReader("")), "cancelled before it was closed")
	require.ErrorIs(t, open.Verify(strings.NewReader(list.String())), draw.ErrList, "nothing was published")
	closed := open
	closed.Digest, closed.Entries = hex.EncodeToString(draw.Digest(tickets)), 2
	require.NoError(t, closed.Verify(strings.NewReader(list.String())))
	require.ErrorIs(t, closed.Verify(strings.NewReader("")), draw.ErrList)
	seeded, called := closed, closed
	seeded.Seed, called.Called = "00", []string{tickets[0].Entry.String()}
	require.ErrorIs(t, seeded.Verify(strings.NewReader(list.String())), draw.ErrVoid)
	require.ErrorIs(t, called.Verify(strings.NewReader(list.String())), draw.ErrVoid)
}
