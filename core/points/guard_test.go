package points_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
)

// system makes another point system that points go to and come from by file.
func (b *bench) system(t testing.TB, code string, closed bool) uuid.UUID {
	t.Helper()
	p, err := b.SavePartner(b.as(access.Actor{Role: access.RoleAdmin, ID: id.New()}), points.SavePartnerInput{
		ProgrammeID: b.own.ID, Code: code, Name: i18n.JA("マイル"), Way: points.WayFile, OurPoints: 1, TheirPoints: 1, MinPoints: 1, Sends: true, Receives: true, Closed: closed,
	})
	require.NoError(t, err)
	return p.ID
}

// sent is a transfer of the member's points that is on its way.
func (b *bench) sent(t testing.TB, m, partner uuid.UUID, n int64) *points.Transfer {
	t.Helper()
	_, err := b.one(context.Background(), b.posting(points.Earn, m, id.New().String(), n))
	require.NoError(t, err)
	sent, err := b.Send(b.member(m), points.SendInput{IdempotencyKey: id.New().String(), PartnerID: partner, TheirMember: "77", Points: n})
	require.NoError(t, err)
	return sent
}

// waits is an arrival for a number that nobody has.
func (b *bench) waits(t testing.TB, partner uuid.UUID, reference string, n int64) *points.Arrival {
	t.Helper()
	number := "2900000000001"
	_, waits, err := b.ReceivePoints(b.as(access.Actor{Role: access.RoleAdmin, ID: id.New()}), points.ReceiveInput{PartnerID: partner, Reference: reference, CardNumber: &number, TheirPoints: n})
	require.NoError(t, err)
	require.NotNil(t, waits)
	return waits
}

var pointDesk = []access.Permission{access.PointRead, access.PointWrite, access.PointAdmin, access.MemberRead}

func TestAShopSettlesNothingWithOtherSystems(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, partner := b.members[0], b.system(t, "sky", false)
	sent, waits := b.sent(t, m, partner, 100), b.waits(t, partner, "IN-1", 1000)
	answers := func() points.ImportInput {
		return points.ImportInput{PartnerID: partner, CSV: strings.NewReader(fmt.Sprintf("id,result,reference,reason\n%s,NG,,\n", sent.ID))}
	}
	settle := func(ctx context.Context) error {
		_, err := b.SettleArrival(ctx, points.SettleArrivalInput{IdempotencyKey: id.New().String(), ArrivalID: waits.ID, MemberID: &m})
		return err
	}
	clerk := b.as(access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: pointDesk, Stores: []uuid.UUID{id.New()}})
	desk := b.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PointRead, access.PointWrite}})
	for name, ctx := range map[string]context.Context{"a shop's staff": clerk, "who may grant alone": desk} {
		_, err := b.ImportAnswers(ctx, answers())
		require.ErrorIs(t, err, fault.ErrForbidden, name)
		require.ErrorIs(t, settle(ctx), fault.ErrForbidden, name)
	}
	_, err := b.ExportTransfers(clerk, points.ExportInput{IdempotencyKey: "export-01", PartnerID: partner})
	require.ErrorIs(t, err, fault.ErrForbidden)
	require.Zero(t, b.usable(t, m), "nothing came back, nothing came in")
	_, err = b.ExportTransfers(desk, points.ExportInput{IdempotencyKey: "export-02", PartnerID: partner})
	require.NoError(t, err, "a file goes out by the head office")

	office := b.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: pointDesk})
	done, err := b.ImportAnswers(office, answers())
	require.NoError(t, err)
	require.Equal(t, 1, done.Returned)
	require.NoError(t, settle(office))
	require.EqualValues(t, 1100, b.usable(t, m))
	b.audit(t)
}

func TestAShopReadsThePointsOfItsMembersAlone(t *testing.T) {
	t.Parallel()
	b := open(t, 2)
	shop, theirs, other := id.New(), b.members[0], b.members[1]
	b.Members = roll{theirs: {ID: theirs, Stores: []uuid.UUID{shop}}, other: {ID: other, Stores: []uuid.UUID{id.New()}}}
	partner := b.system(t, "sky", false)
	for _, m := range b.members {
		b.sent(t, m, partner, 100)
	}
	b.waits(t, partner, "IN-1", 10)
	reads := func(ctx context.Context, m uuid.UUID) (all []error) {
		_, balances := b.Of(ctx, m)
		_, statement := b.Statement(ctx, points.StatementInput{ProgrammeID: b.own.ID, MemberID: &m})
		_, lots := b.Lots(ctx, b.own.ID, &m)
		return []error{balances, statement, lots}
	}
	lists := func(ctx context.Context) (all []error) {
		_, transfers := b.Transfers(ctx, points.TransferQuery{MemberID: &other})
		_, arrivals := b.Arrivals(ctx, nil, "", page.Args{})
		_, compared := b.Reconcile(ctx, points.ReconcileInput{PartnerID: partner, From: b.clock().Add(-time.Hour), Until: b.clock().Add(time.Hour), CSV: strings.NewReader("id,points\n")})
		return []error{transfers, arrivals, compared}
	}
	clerk := b.as(access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: pointDesk, Stores: []uuid.UUID{shop}})
	client := b.as(access.Actor{Role: access.RolePartner, ID: id.New(), Permissions: pointDesk})
	office := b.as(access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PointRead}})
	for _, err := range append(append(reads(clerk, other), lists(clerk)...), append(reads(client, other), reads(client, theirs)...)...) {
		require.ErrorIs(t, err, fault.ErrForbidden)
	}
	require.Zero(t, b.count(t, `SELECT count(*) FROM events WHERE type LIKE '%.viewed'`), "they saw nothing")
	for _, err := range append(append(reads(clerk, theirs), reads(office, other)...), lists(office)...) {
		require.NoError(t, err)
	}
	b.Members = nil
	require.ErrorIs(t, reads(clerk, theirs)[0], fault.ErrForbidden, "nobody knows whose member it is")
}

func TestAShopGivesToStrangersAndHearsNoBalance(t *testing.T) {
	t.Parallel()
	b := open(t, 2)
	shop, theirs, other := id.New(), b.members[0], b.members[1]
	b.Members = roll{theirs: {ID: theirs, Stores: []uuid.UUID{shop}}, other: {ID: other, Stores: []uuid.UUID{id.New()}}}
	clerk := b.as(access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: []access.Permission{access.PointWrite, access.MemberRead}, Stores: []uuid.UUID{shop}})
	grant := func(m uuid.UUID, deduct bool) (*points.Balance, error) {
		return b.Grant(clerk, points.GrantInput{IdempotencyKey: id.New().String(), ProgrammeID: b.own.ID, MemberID: m, Points: 10, Deduct: deduct, Reason: "来店"})
	}
	before := b.usable(t, other)
	told, err := grant(other, false)
	require.NoError(t, err)
	require.Nil(t, told, "what a stranger has is not the shop's to hear")
	require.Equal(t, before+10, b.usable(t, other))
	_, err = grant(other, true)
	require.ErrorIs(t, err, fault.ErrForbidden)
	require.Equal(t, before+10, b.usable(t, other))
	require.Zero(t, b.count(t, `SELECT count(*) FROM events WHERE type = 'member.viewed'`))
	for _, deduct := range []bool{false, true} {
		told, err = grant(theirs, deduct)
		require.NoError(t, err)
		require.Equal(t, b.usable(t, theirs), told.Usable)
	}
	require.EqualValues(t, 2, b.count(t, `SELECT count(*) FROM events WHERE type = 'member.viewed' AND subject_id = $1`, theirs), "each answer is a view")
}

func TestNothingReachesWhoWasErased(t *testing.T) {
	t.Parallel()
	b := open(t, 0)
	now, m := b.clock(), id.New()
	_, err := b.shop.DB.Pool().Exec(t.Context(), `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, m)
	require.NoError(t, err)
	admin, partner := b.as(access.Actor{Role: access.RoleAdmin, ID: id.New()}), b.system(t, "sky", false)
	receive := func(reference string) (*points.Transfer, error) {
		got, _, err := b.ReceivePoints(admin, points.ReceiveInput{PartnerID: partner, Reference: reference, MemberID: &m, TheirPoints: 50})
		return got, err
	}
	before, err := receive("IN-1")
	require.NoError(t, err)
	waits := b.waits(t, partner, "IN-2", 50)
	_, err = b.shop.DB.Pool().Exec(t.Context(), `UPDATE members SET erased_at = $2 WHERE id = $1`, m, now)
	require.NoError(t, err)
	_, err = receive("IN-3")
	require.ErrorIs(t, err, points.ErrMember)
	_, err = receive("IN-2")
	require.ErrorIs(t, err, points.ErrMember, "not out of the work list either")
	_, err = b.SettleArrival(admin, points.SettleArrivalInput{IdempotencyKey: "settle-01", ArrivalID: waits.ID, MemberID: &m})
	require.ErrorIs(t, err, points.ErrMember)
	again, err := receive("IN-1")
	require.NoError(t, err, "what had come in is answered as it was")
	require.Equal(t, before.ID, again.ID)
	require.EqualValues(t, 50, b.count(t, `SELECT sum(points)::bigint FROM point_entries`))
}

func TestWhatIsUnderWayIsFinishedWithAClosedSystem(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, partner := b.members[0], b.system(t, "sky", false)
	one, two, waits := b.sent(t, m, partner, 100), b.sent(t, m, partner, 30), b.waits(t, partner, "IN-1", 7)
	require.Equal(t, partner, b.system(t, "sky", true))
	admin := b.as(access.Actor{Role: access.RoleAdmin, ID: id.New()})
	_, err := b.Send(b.member(m), points.SendInput{IdempotencyKey: "intent-01", PartnerID: partner, TheirMember: "77", Points: 1})
	require.ErrorIs(t, err, points.ErrPartner, "nothing new goes there")
	_, _, err = b.ReceivePoints(admin, points.ReceiveInput{PartnerID: partner, Reference: "IN-2", MemberID: &m, TheirPoints: 1})
	require.ErrorIs(t, err, points.ErrPartner, "nor comes from there")

	_, err = b.SaveProgramme(admin, points.SaveProgrammeInput{
		ID: &b.own.ID, Code: b.own.Code, Name: b.own.Name, UnitPoints: 1, UnitMinor: 1, ExpiryDays: b.own.ExpiryDays, ConfirmDays: 7, GraceDays: 14, NoticeDays: 7, Closed: true,
	})
	require.NoError(t, err)
	file, err := b.ExportTransfers(admin, points.ExportInput{IdempotencyKey: "export-01", PartnerID: partner})
	require.NoError(t, err)
	require.Equal(t, 2, file.Count)
	done, err := b.ImportAnswers(admin, points.ImportInput{PartnerID: partner, CSV: strings.NewReader(fmt.Sprintf("id,result,reference,reason\n%s,OK,R-1,\n%s,NG,,\n", one.ID, two.ID))})
	require.NoError(t, err)
	require.Equal(t, points.Import{Acknowledged: 1, Returned: 1}, *done)
	found, err := b.Reconcile(admin, points.ReconcileInput{PartnerID: partner, From: b.clock().Add(-time.Hour), Until: b.clock().Add(time.Hour), CSV: strings.NewReader(fmt.Sprintf("id,points\n%s,100\n", one.ID))})
	require.NoError(t, err)
	require.Equal(t, points.Reconciliation{Matched: 1}, *found)
	_, err = b.SettleArrival(admin, points.SettleArrivalInput{IdempotencyKey: "settle-01", ArrivalID: waits.ID, MemberID: &m})
	require.NoError(t, err)
	require.EqualValues(t, 37, b.count(t, `SELECT sum(available)::bigint FROM point_accounts`))
	b.audit(t)
}

func TestWithoutALinkOthersHaveTheirTurn(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	jobs, other := &queue{}, &system{answers: []func() (points.Answer, error){accepts}}
	b.Jobs, b.Links = jobs, map[string]points.Link{"sky": other}
	m, unlinked, linked := b.members[0], b.partner(t, "sea"), b.partner(t, "sky")
	_, err := b.one(t.Context(), b.posting(points.Earn, m, "earned", 10_000))
	require.NoError(t, err)
	send := func(n int, partner uuid.UUID) uuid.UUID {
		b.pass(time.Second)
		sent, err := b.Send(b.member(m), points.SendInput{IdempotencyKey: fmt.Sprintf("intent-%03d", n), PartnerID: partner, TheirMember: "77", Points: 10})
		require.NoError(t, err)
		return sent.ID
	}
	for n := range 200 { // all that one round tries
		send(n, unlinked.ID)
	}
	last := send(200, linked.ID)
	for range 2 {
		b.pass(time.Hour)
		jobs.sent = nil
		require.NoError(t, b.Retry(t.Context()))
		for _, key := range jobs.sent {
			if err := b.Deliver(t.Context(), key); err != nil {
				require.ErrorIs(t, err, fault.ErrUnavailable)
			}
		}
	}
	require.Len(t, other.heard, 1)
	require.Equal(t, last, other.heard[0].Key)
	require.Equal(t, int64(200), b.count(t, `SELECT count(*) FROM point_transfers WHERE state = 'RESERVED' AND tries > 0`), "nobody was told")
}

func TestAStatementHasWhatMembersBroughtAlong(t *testing.T) {
	t.Parallel()
	b := open(t, 3)
	first, second, kept := b.members[0], b.members[1], b.members[2]
	post := func(m uuid.UUID, n int64) {
		b.pass(time.Hour)
		_, err := b.one(t.Context(), b.posting(points.Earn, m, id.New().String(), n))
		require.NoError(t, err)
	}
	post(first, 1)
	post(second, 2)
	post(kept, 3)
	post(first, 4)
	b.pass(time.Hour)
	require.NoError(t, b.Merge(t.Context(), second, first))
	post(second, 5)
	b.pass(time.Hour)
	require.NoError(t, b.Merge(t.Context(), kept, second))
	post(kept, 6)
	var seen []string
	var after *string
	for {
		size := 3
		p, err := b.Statement(b.member(kept), points.StatementInput{ProgrammeID: b.own.ID, Page: page.Args{First: &size, After: after}})
		require.NoError(t, err)
		n, err := p.TotalCount(t.Context())
		require.NoError(t, err)
		require.Equal(t, 10, n)
		for _, e := range p.Nodes() {
			if e.Kind == points.Earn {
				seen = append(seen, fmt.Sprint(e.Points))
			} else {
				seen = append(seen, string(e.Kind))
			}
		}
		if !p.PageInfo.HasNextPage {
			break
		}
		after = p.PageInfo.EndCursor
	}
	text := strings.Join(seen, " ")
	text = strings.ReplaceAll(strings.ReplaceAll(text, "MERGE_OUT MERGE_IN", "MERGE"), "MERGE_IN MERGE_OUT", "MERGE")
	require.Equal(t, "6 MERGE 5 MERGE 4 3 2 1", text)
	_, err := b.Statement(b.member(first), points.StatementInput{ProgrammeID: b.own.ID})
	require.NoError(t, err)
}

func TestWhatIsOverIsLostOnce(t *testing.T) {
	t.Parallel()
	c := openCounter(t)
	c.ring(t, "1", card, c.clock(), [3]any{"lead-1", 1, 50_000})
	c.pass(8 * 24 * time.Hour)
	require.NoError(t, c.EarnReceipts(t.Context()))
	require.NoError(t, c.Confirm(t.Context()))
	_, err := c.one(t.Context(), points.Posting{Holder: points.Holder{ProgrammeID: c.own.ID, MemberID: c.member}, Key: "more", Kind: points.Grant, Points: 800, Until: day(2027, 1, 1), At: c.clock()})
	require.NoError(t, err)
	c.set(time.Date(2026, 4, 30, 0, 3, 0, 0, jst)) // past the last day; nobody has written them off
	c.ring(t, "2", card, c.clock(), [3]any{"lead-1", -1, -30_000})
	c.ring(t, "3", card, c.clock(), [3]any{"lead-1", -1, -20_000})
	require.Equal(t, [3]int64{800, 0, 0}, c.has(t, c.member), "what is over was not used: nobody owes it")
	require.NoError(t, c.Expire(t.Context()))
	require.Equal(t, [3]int64{800, 0, 0}, c.has(t, c.member))
}

func day(y int, m time.Month, d int) *time.Time {
	at := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	return &at
}

func TestFilesOfTransfersHaveAnEnd(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, partner := b.members[0], b.system(t, "sky", false)
	b.sent(t, m, partner, 1)
	_, err := b.shop.DB.Pool().Exec(t.Context(), `
		INSERT INTO point_transfers (id, partner_id, account_id, outgoing, state, their_member, points, their_points, created_at, updated_at)
		SELECT gen_random_uuid(), partner_id, account_id, outgoing, state, their_member, points, their_points, created_at, updated_at FROM point_transfers, generate_series(1, 20000)`)
	require.NoError(t, err)
	admin := b.as(access.Actor{Role: access.RoleAdmin, ID: id.New()})
	export := func(key string) *points.Outgoing {
		file, err := b.ExportTransfers(admin, points.ExportInput{IdempotencyKey: key, PartnerID: partner})
		require.NoError(t, err)
		return file
	}
	first := export("export-01")
	require.Equal(t, []any{20_000, true}, []any{first.Count, first.More})
	rest := export("export-02")
	require.Equal(t, []any{1, false}, []any{rest.Count, rest.More})
	again := export("export-01")
	require.Equal(t, first.CSV, again.CSV, "the same key, the same file")
	require.False(t, again.More)

	_, err = b.shop.DB.Pool().Exec(t.Context(), `UPDATE point_transfers SET state = 'ACKNOWLEDGED'`)
	require.NoError(t, err)
	reconcile := func(from, until time.Time, lines []string) (*points.Reconciliation, error) {
		return b.Reconcile(admin, points.ReconcileInput{PartnerID: partner, From: from, Until: until, CSV: strings.NewReader("\ufeffid,points\n" + strings.Join(lines, "\n"))})
	}
	var lines []string
	for _, line := range strings.Split(strings.TrimSpace(first.CSV), "\n")[1:] {
		lines = append(lines, line[:36]+",1")
	}
	now := b.clock()
	found, err := reconcile(now.Add(-time.Hour), now.Add(time.Hour), lines)
	require.NoError(t, err)
	require.Equal(t, []int{20_000, 1}, []int{found.Matched, len(found.Differences)}, "all of one moment, page by page")
	found, err = reconcile(now.Add(-2*time.Hour), now.Add(-time.Hour), lines)
	require.NoError(t, err)
	require.Equal(t, []int{20_000, 0}, []int{found.Matched, len(found.Differences)}, "at whatever time we had them")
	_, err = reconcile(now.Add(-time.Hour), now.Add(time.Hour), nil)
	require.ErrorIs(t, err, points.ErrDifferent, "of another system, or another time")
	for _, until := range []time.Time{now.Add(367 * 24 * time.Hour), now.Add(-time.Second)} {
		_, err = reconcile(now, until, nil)
		require.ErrorIs(t, err, points.ErrPeriod)
	}
	_, err = reconcile(now, now, make([]string, 100_001))
	require.NoError(t, err, "empty lines are none")
	_, err = b.ImportAnswers(admin, points.ImportInput{PartnerID: partner, CSV: strings.NewReader("id,result,reference,reason\n" + strings.Repeat("x,OK,,\n", 100_001))})
	require.ErrorIs(t, err, points.ErrFile)
}
