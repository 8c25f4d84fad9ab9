package points_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/points"
)

// queue keeps what is queued for a test.
type queue struct {
	sync.Mutex
	sent  []uuid.UUID
	mails []messaging.Message
}

func (q *queue) FollowPoints(context.Context, ...uuid.UUID) error { return nil }

func (q *queue) GrantMany(context.Context, points.BatchJob) error { return nil }

func (q *queue) SendPoints(_ context.Context, transferID uuid.UUID) error {
	q.Lock()
	defer q.Unlock()
	q.sent = append(q.sent, transferID)
	return nil
}

func (q *queue) Enqueue(_ context.Context, all ...messaging.Message) error {
	q.Lock()
	defer q.Unlock()
	q.mails = append(q.mails, all...)
	return nil
}

// system is another point system that answers as a test says.
type system struct {
	answers []func() (points.Answer, error)
	heard   []points.Parcel
}

func (s *system) Send(_ context.Context, p points.Parcel) (points.Answer, error) {
	s.heard = append(s.heard, p)
	say := s.answers[0]
	s.answers = s.answers[1:]
	return say()
}

var (
	errSilent = errors.New("no answer")

	silence  = func() (points.Answer, error) { return points.Answer{}, errSilent }
	accepts  = func() (points.Answer, error) { return points.Answer{Accepted: true, Reference: "R-1"}, nil }
	rejects  = func() (points.Answer, error) { return points.Answer{Problem: "unknown member"}, nil }
	nobodyIs = uuid.Nil
)

func (b *bench) partner(t testing.TB, code string) *points.Partner {
	p, err := b.SavePartner(b.as(access.Actor{Role: access.RoleAdmin}), points.SavePartnerInput{
		ProgrammeID: b.own.ID, Code: code, Name: i18n.JA("空マイル"), Way: points.WayAPI, OurPoints: 2, TheirPoints: 1, MinPoints: 10, Sends: true,
	})
	require.NoError(t, err)
	return p
}

func TestWhatNobodyAnsweredIsToldAgain(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, other, jobs := b.members[0], &system{}, &queue{}
	b.Links, b.Jobs = map[string]points.Link{"sky": other}, jobs
	partner := b.partner(t, "sky")
	_, err := b.one(context.Background(), b.posting(points.Earn, m, "earned", 100))
	require.NoError(t, err)
	send := func(key string, n int64) *points.Transfer {
		sent, err := b.Send(b.member(m), points.SendInput{IdempotencyKey: key, PartnerID: partner.ID, TheirMember: "77", Points: n})
		require.NoError(t, err)
		return sent
	}
	first := send("intent-01", 40)
	require.Equal(t, first.ID, send("intent-01", 40).ID, "a replay sends nothing")
	require.Equal(t, []uuid.UUID{first.ID}, jobs.sent)
	require.EqualValues(t, 60, b.usable(t, m))

	other.answers = append(other.answers, silence, silence, accepts)
	require.Error(t, b.Deliver(t.Context(), first.ID))
	require.Error(t, b.Deliver(t.Context(), first.ID))
	require.EqualValues(t, 60, b.usable(t, m), "nobody knows yet")
	b.pass(time.Hour)
	require.NoError(t, b.Retry(t.Context()))
	require.Len(t, jobs.sent, 2)
	require.NoError(t, b.Deliver(t.Context(), first.ID))
	require.NoError(t, b.Deliver(t.Context(), first.ID), "it is there: nothing is told any more")
	require.Len(t, other.heard, 3)
	for _, p := range other.heard {
		require.Equal(t, first.ID, p.Key, "always the same key")
		require.EqualValues(t, 20, p.Points)
	}
	require.NoError(t, b.Retry(t.Context()))
	require.Len(t, jobs.sent, 2, "nothing is stuck")
	_, err = b.Answered(t.Context(), first.ID, points.Answer{Problem: "changed our mind"})
	require.ErrorIs(t, err, points.ErrState)

	second := send("intent-02", 60)
	other.answers = append(other.answers, rejects)
	require.NoError(t, b.Deliver(t.Context(), second.ID))
	require.EqualValues(t, 60, b.usable(t, m), "turned down, they are back")
	sums, err := b.Trial(b.as(access.Actor{Role: access.RoleAdmin}), b.own.ID)
	require.NoError(t, err)
	for _, s := range sums {
		if s.Side == points.Sending {
			require.Equal(t, s.Debit, s.Credit, "nothing is on the way")
		}
		if s.Side == points.External {
			require.EqualValues(t, 40, s.Credit)
		}
	}
	b.audit(t)
}

func TestMembersAreToldOnceThatPointsExpire(t *testing.T) {
	t.Parallel()
	b := open(t, 2)
	jobs := &queue{}
	b.Outbox = jobs
	for _, m := range b.members {
		_, err := b.one(context.Background(), b.posting(points.Earn, m, "earned", 70))
		require.NoError(t, err)
	}
	require.NoError(t, b.Notify(t.Context()))
	require.Empty(t, jobs.mails, "there is time")
	b.pass(24 * 24 * time.Hour)
	for range 2 {
		require.NoError(t, b.Notify(t.Context()))
		require.Len(t, jobs.mails, 2)
	}
}

// roll are members with a card alone.
type roll map[uuid.UUID]member.Member

func (r roll) ByIDs(_ context.Context, memberIDs []uuid.UUID) (all []member.Member, _ error) {
	for _, m := range memberIDs {
		all = append(all, r[m])
	}
	return all, nil
}

func (r roll) Legible(ctx context.Context, memberIDs []uuid.UUID) ([]member.Member, error) {
	return r.ByIDs(ctx, memberIDs)
}

func TestWhoHasNoAccountIsToldToo(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	jobs := &queue{}
	known := roll{}
	b.Outbox, b.Members = jobs, known
	exec := func(sql string, args ...any) {
		_, err := b.shop.DB.Pool().Exec(context.Background(), sql, args...)
		require.NoError(t, err)
	}
	join := func(email string, erased *time.Time) uuid.UUID {
		m := id.New()
		exec(`INSERT INTO members (id, created_at, updated_at, erased_at) VALUES ($1, now(), now(), $2)`, m, erased)
		known[m] = member.Member{ID: m, ErasedAt: erased, Personal: member.Personal{Name: "犬山", Email: email}}
		return m
	}
	now := b.clock()
	var silent []points.Posting
	for range 600 { // more than one round marks
		silent = append(silent, b.posting(points.Earn, join("", nil), "earned", 70))
	}
	_, err := b.Post(t.Context(), silent...)
	require.NoError(t, err)
	b.pass(24 * time.Hour)
	for _, m := range []uuid.UUID{b.members[0], join("card@example.jp", nil), join("gone@example.jp", &now)} {
		_, err := b.one(t.Context(), b.posting(points.Earn, m, "earned", 70))
		require.NoError(t, err)
	}
	b.pass(24 * 24 * time.Hour)
	require.NoError(t, b.Notify(t.Context()))
	require.Len(t, jobs.mails, 2, "who has an account and who has a card, behind hundreds without an address; not who was erased")
}

func TestExpiryLeavesAccountsThatAreInUse(t *testing.T) {
	t.Parallel()
	b := open(t, 2)
	for _, m := range b.members {
		_, err := b.one(context.Background(), b.posting(points.Earn, m, "earned", 70))
		require.NoError(t, err)
	}
	b.pass(40 * 24 * time.Hour)
	err := b.shop.DB.InTx(t.Context(), func(ctx context.Context) error {
		if _, err := b.store.Lock(ctx, []points.Want{{Holder: points.Holder{ProgrammeID: b.own.ID, MemberID: b.members[0]}}}); err != nil {
			return err
		}
		return b.Expire(t.Context()) // in a transaction of its own
	})
	require.NoError(t, err)
	const told = `SELECT count(*) FROM events WHERE type = 'points.moved' AND data->>'kind' = 'EXPIRE' AND data->>'points' = '70' AND data->>'available' = '0'`
	require.Equal(t, int64(1), b.count(t, told), "who waits for nobody")
	require.NoError(t, b.Expire(t.Context()))
	require.Equal(t, int64(2), b.count(t, told))
	b.audit(t)
	var left int64
	require.NoError(t, b.shop.DB.Pool().QueryRow(t.Context(), `SELECT sum(available)::bigint FROM point_accounts`).Scan(&left))
	require.Zero(t, left)
}

func (b *bench) count(t testing.TB, sql string, args ...any) (n int64) {
	t.Helper()
	require.NoError(t, b.shop.DB.Pool().QueryRow(t.Context(), sql, args...).Scan(&n))
	return n
}

func TestAPartnerDealsWithItsOwnSystemAlone(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	admin := b.as(access.Actor{Role: access.RoleAdmin, ID: id.New()})
	client := access.Actor{Role: access.RolePartner, ID: id.New(), Permissions: []access.Permission{access.PointRead, access.PointWrite}}
	_, err := b.shop.DB.Pool().Exec(t.Context(), `INSERT INTO partners (id, brand_id, name, client, rate_per_minute, created_at) VALUES ($1, $2, 'sky', 'partner', 60, now())`, client.ID, b.shop.BrandID)
	require.NoError(t, err)
	system := func(code string, apiPartnerID *uuid.UUID) uuid.UUID {
		p, err := b.SavePartner(admin, points.SavePartnerInput{
			ProgrammeID: b.own.ID, Code: code, Name: i18n.JA("マイル"), Way: points.WayFile, OurPoints: 1, TheirPoints: 1, MinPoints: 1, Sends: true, Receives: true, APIPartnerID: apiPartnerID,
		})
		require.NoError(t, err)
		return p.ID
	}
	sky, sea := system("sky", &client.ID), system("sea", nil)
	ctx := b.as(client)
	deals := func(partner uuid.UUID) (all []error) {
		_, sent := b.ExportTransfers(ctx, points.ExportInput{IdempotencyKey: "export-" + partner.String(), PartnerID: partner})
		_, read := b.ImportAnswers(ctx, points.ImportInput{PartnerID: partner, CSV: strings.NewReader("id,result,reference,reason\n")})
		_, compared := b.Reconcile(ctx, points.ReconcileInput{PartnerID: partner, CSV: strings.NewReader("id,points\n")})
		_, received := b.ReceiveFile(ctx, points.ReceiveFileInput{PartnerID: partner, CSV: strings.NewReader("reference,member,points\n")})
		return []error{sent, read, compared, received}
	}
	for i, err := range deals(sky) {
		require.NoError(t, err, i)
	}
	for i, err := range deals(sea) {
		require.ErrorIs(t, err, fault.ErrForbidden, i)
	}
	grant := points.GrantInput{IdempotencyKey: "grant-01", ProgrammeID: b.own.ID, MemberID: b.members[0], Points: 1, Reason: "お詫び"}
	_, err = b.Grant(ctx, grant)
	require.ErrorIs(t, err, fault.ErrForbidden)
	_, err = b.Grant(admin, grant)
	require.NoError(t, err)
}

func TestPointsAreReceivedOrRefusedNeverBoth(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	admin, m := b.as(access.Actor{Role: access.RoleAdmin, ID: id.New()}), b.members[0]
	partner, err := b.SavePartner(admin, points.SavePartnerInput{
		ProgrammeID: b.own.ID, Code: "sky", Name: i18n.JA("マイル"), Way: points.WayFile, OurPoints: 1, TheirPoints: 1, MinPoints: 1, Receives: true,
	})
	require.NoError(t, err)
	for n := range 20 {
		reference := fmt.Sprintf("IN-%02d", n)
		number := "2900000000001"
		_, waits, err := b.ReceivePoints(admin, points.ReceiveInput{PartnerID: partner.ID, Reference: reference, CardNumber: &number, TheirPoints: 1})
		require.NoError(t, err)
		require.NotNil(t, waits)
		var both sync.WaitGroup
		var refused, received error
		both.Go(func() {
			_, refused = b.SettleArrival(admin, points.SettleArrivalInput{IdempotencyKey: id.New().String(), ArrivalID: waits.ID, Reason: "番号なし"})
		})
		both.Go(func() {
			_, _, received = b.ReceivePoints(admin, points.ReceiveInput{PartnerID: partner.ID, Reference: reference, MemberID: &m, TheirPoints: 1})
		})
		both.Wait()
		if refused == nil {
			require.ErrorIs(t, received, points.ErrRefused)
		} else {
			require.ErrorIs(t, refused, points.ErrState)
			require.NoError(t, received)
		}
	}
	require.Equal(t, b.usable(t, m), b.count(t, `SELECT count(*) FROM point_arrivals WHERE state = 'RECEIVED'`))
	require.Equal(t, int64(20), b.count(t, `SELECT count(*) FROM point_arrivals WHERE state <> 'OPEN'`))
	require.Equal(t, []int64{20, 20}, []int64{b.count(t, `SELECT count(*) FROM events WHERE type = 'point_arrival.opened'`), b.count(t, `SELECT count(*) FROM events WHERE type = 'point_arrival.settled'`)})
	b.audit(t)
}

func TestReferencesThatComeTwiceAtOnceCountOnce(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	admin, m, number := b.as(access.Actor{Role: access.RoleAdmin, ID: id.New()}), b.members[0], "2900000000001"
	partner, err := b.SavePartner(admin, points.SavePartnerInput{
		ProgrammeID: b.own.ID, Code: "sky", Name: i18n.JA("マイル"), Way: points.WayFile, OurPoints: 1, TheirPoints: 1, MinPoints: 1, Receives: true,
	})
	require.NoError(t, err)
	for n := range 20 {
		reference := fmt.Sprintf("IN-%02d", n)
		var both sync.WaitGroup
		for _, who := range []points.ReceiveInput{{CardNumber: &number}, {MemberID: &m}} {
			who.PartnerID, who.Reference, who.TheirPoints = partner.ID, reference, 1
			both.Go(func() { _, _, _ = b.ReceivePoints(admin, who) })
		}
		both.Wait()
	}
	require.Equal(t, int64(20), b.count(t, `SELECT count(*) FROM point_transfers`)+b.count(t, `SELECT count(*) FROM point_arrivals WHERE state = 'OPEN'`), "what a member has waits for nobody")
}

func TestRewardsAreGivenOnce(t *testing.T) {
	t.Parallel()
	b := open(t, 1)
	m, admin := b.members[0], b.as(access.Actor{Role: access.RoleAdmin})
	for _, terms := range []points.Terms{
		{Occasion: points.Reviewed, Points: 30}, {Occasion: points.CheckedIn, Points: 5, OncePerDay: true}, {Occasion: points.Joined, Points: 100},
	} {
		_, err := b.SaveRule(admin, points.SaveRuleInput{ProgrammeID: b.own.ID, Name: i18n.JA("特典"), Terms: terms})
		require.NoError(t, err)
	}
	product := id.Global("Product", b.shop.AddProduct(t, "lead", 1980).ID)
	reward := func(key string, o points.Occasion, subject *string) {
		_, err := b.Reward(admin, points.RewardInput{IdempotencyKey: key, Occasion: o, MemberID: &m, SubjectID: subject})
		require.NoError(t, err)
	}
	for _, key := range []string{"reward-01", "reward-02"} {
		reward(key, points.Reviewed, &product)
		reward(key, points.CheckedIn, nil)
		reward(key, points.Joined, nil)
	}
	require.EqualValues(t, 135, b.usable(t, m), "each once, whatever the key")
	b.pass(24 * time.Hour)
	reward("reward-03", points.CheckedIn, nil)
	require.EqualValues(t, 140, b.usable(t, m))
	theirs := id.Global("Review", id.New()) // of a kind that noren does not keep
	reward("reward-06", points.Reviewed, &theirs)
	require.EqualValues(t, 170, b.usable(t, m))
	for field, in := range map[string]points.RewardInput{
		"a product":     {SubjectID: ref(id.Global("Product", id.New()))},
		"another order": {SubjectID: ref(id.Global("Order", id.New()))},
		"a shop":        {ShopID: ref(id.New())},
	} {
		in.IdempotencyKey, in.Occasion, in.MemberID = "reward-07", points.Reviewed, &m
		_, err := b.Reward(admin, in)
		require.ErrorIs(t, err, points.ErrSubject, field)
	}
	_, err := b.Reward(admin, points.RewardInput{IdempotencyKey: "reward-08", Occasion: points.Reviewed, MemberID: &m, SubjectID: ref("nothing")})
	require.Equal(t, "subjectId", fault.All(err)[0].Field)
	require.EqualValues(t, 170, b.usable(t, m))
	_, err = b.Reward(admin, points.RewardInput{IdempotencyKey: "reward-04", Occasion: points.Purchased, MemberID: &m})
	require.ErrorIs(t, err, points.ErrEvent)
	_, err = b.Reward(b.member(nobodyIs), points.RewardInput{IdempotencyKey: "reward-05", Occasion: points.Reviewed, MemberID: &m})
	require.Error(t, err)
	b.audit(t)
}

// ref points at a value.
func ref[T any](v T) *T { return &v }
