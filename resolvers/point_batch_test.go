package resolvers_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/points"
)

type pointBatch struct {
	Batch *struct {
		ID, State              string
		Points                 int
		Members, Made, LeftOut int
		StartedAt, FinishedAt  *time.Time
	}
	UserErrors []userError
}

func (b pointBatch) code() string {
	if len(b.UserErrors) == 0 {
		return ""
	}
	return b.UserErrors[0].Code
}

const pointBatchFields = `batch { id state points members made leftOut startedAt finishedAt } userErrors { code field message }`

// foundBy is how many members the conditions find.
func foundBy(t testing.TB, a *apptest.App, where apptest.Variables) int {
	t.Helper()
	var got struct{ MemberSearch struct{ TotalCount int } }
	a.DoAs(t, segmenter, `query($where: MemberConditionInput!) { memberSearch(where: $where, first: 0) { totalCount } }`, apptest.Variables{"where": where}).Into(t, &got)
	return got.MemberSearch.TotalCount
}

// crowd is a segment of so many members.
func (s *pointShop) crowd(t testing.TB, n int) string {
	t.Helper()
	exec(t, s.App, `WITH made AS (INSERT INTO members (id, created_at, updated_at) SELECT gen_random_uuid(), now(), now() FROM generate_series(1, $2::int) RETURNING id)
		INSERT INTO memberships (member_id, brand_id, joined_at) SELECT id, $1, now() FROM made`, s.BrandID, n)
	return segmentOf(t, s.App, "全員"+s.key(), "STATIC", apptest.Variables{"joined": apptest.Variables{"lastDays": 1}})
}

func (s *pointShop) grantTo(t testing.TB, actor access.Actor, segment string, each int, more apptest.Variables) pointBatch {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": s.key(), "programmeId": s.own, "segmentId": segment, "points": each, "reason": "春のお詫び"}
	for name, value := range more {
		input[name] = value
	}
	var got struct{ GrantPointsToSegment pointBatch }
	s.DoAs(t, actor, `mutation($input: GrantPointsToSegmentInput!) { grantPointsToSegment(input: $input) { `+pointBatchFields+` } }`, in(input)).Into(t, &got)
	return got.GrantPointsToSegment
}

func (s *pointShop) stops(t testing.TB, batch string) pointBatch {
	t.Helper()
	var got struct{ StopPointBatch pointBatch }
	s.DoAs(t, pointDesk, `mutation($input: StopPointBatchInput!) { stopPointBatch(input: $input) { `+pointBatchFields+` } }`, in(apptest.Variables{"batchId": batch})).Into(t, &got)
	return got.StopPointBatch
}

func (s *pointShop) batch(t testing.TB, batch string) pointBatch {
	t.Helper()
	var got pointBatch
	s.DoAs(t, pointDesk, `query($id: ID!) { batch: pointBatch(id: $id) { id state points members made leftOut startedAt finishedAt } }`, apptest.Variables{"id": batch}).Into(t, &got)
	require.NotNil(t, got.Batch)
	return got
}

func (s *pointShop) makes(t testing.TB, batch string) error {
	t.Helper()
	return s.App.App.Resolvers.Points.GrantBatch(access.With(t.Context(), access.System), keyOf(t, batch))
}

func TestMembersOfASegmentAreGivenPointsOnceEachWhateverBreaksOff(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	everybody, key := s.crowd(t, 600), apptest.Variables{"idempotencyKey": "batch-00001"}
	begun := s.grantTo(t, pointDesk, everybody, 5, key)
	require.Empty(t, begun.UserErrors)
	require.Equal(t, []any{"MAKING", 600, 0, 5}, []any{begun.Batch.State, begun.Batch.Members, begun.Batch.Made, begun.Batch.Points})
	require.Nil(t, begun.Batch.StartedAt)
	require.Equal(t, begun.Batch.ID, s.grantTo(t, pointDesk, everybody, 5, key).Batch.ID, "the same intent")
	require.Equal(t, 1, jobsOf(t, s.App, "points_batch"))
	require.Equal(t, 1, countOf(t, s.App, `SELECT count(*) FROM events WHERE type = 'points.batch_begun' AND actor_id = $1 AND (data->>'members')::int = 600 AND (data->>'points')::int = 5`, pointDesk.ID))

	exec(t, s.App, `CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF (SELECT count(*) FROM point_entries) > 500 THEN RAISE 'broken off'; END IF; RETURN NULL; END $$`)
	exec(t, s.App, `CREATE TRIGGER broken AFTER INSERT ON point_entries FOR EACH STATEMENT EXECUTE FUNCTION broken()`)
	require.ErrorContains(t, s.makes(t, begun.Batch.ID), "broken off")
	half := s.batch(t, begun.Batch.ID).Batch
	require.Equal(t, []any{"MAKING", 500, 0}, []any{half.State, half.Made, half.LeftOut})
	require.NotNil(t, half.StartedAt)
	exec(t, s.App, `DROP TRIGGER broken ON point_entries`)

	// Meanwhile two of those who wait become one, one leaves, one is erased, and one becomes one
	// with a member who has theirs.
	var waiting []uuid.UUID
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT array_agg(member_id ORDER BY member_id) FROM point_waiters`).Scan(&waiting))
	require.Len(t, waiting, 100)
	require.NoError(t, s.App.App.Resolvers.Segments.Merge(t.Context(), waiting[0], waiting[1]))
	exec(t, s.App, `UPDATE memberships SET ended_at = now() WHERE member_id = $1`, waiting[2])
	exec(t, s.App, `UPDATE members SET erased_at = now() WHERE id = $1`, waiting[3])
	exec(t, s.App, `WITH kept AS (INSERT INTO point_accounts (id, programme_id, member_id) VALUES (gen_random_uuid(), $1, $2) RETURNING id)
		UPDATE point_accounts a SET merged_into = kept.id FROM kept WHERE a.id = (SELECT account_id FROM point_entries LIMIT 1)`, keyOf(t, s.own), waiting[4])
	for range 2 {
		require.NoError(t, s.makes(t, begun.Batch.ID))
	}
	done := s.batch(t, begun.Batch.ID).Batch
	require.Equal(t, []any{"DONE", 596, 4}, []any{done.State, done.Made, done.LeftOut})
	require.NotNil(t, done.FinishedAt)
	require.Equal(t, 596, countOf(t, s.App, `SELECT count(*) FROM point_entries WHERE kind = 'GRANT' AND points = 5 AND reason = '春のお詫び' AND actor_id = $1`, pointDesk.ID))
	require.Equal(t, 596, countOf(t, s.App, `SELECT count(*) FROM point_accounts WHERE available = 5`))
	require.Equal(t, 596, countOf(t, s.App, `SELECT count(*) FROM point_lots WHERE remaining = 5 AND expires_on IS NOT NULL`))
	require.Zero(t, countOf(t, s.App, `SELECT count(*) FROM point_waiters`))
	require.Equal(t, 1, countOf(t, s.App, `SELECT count(*) FROM events WHERE type = 'points.batch_done' AND (data->>'made')::int = 596 AND (data->>'leftOut')::int = 4`))
	require.Equal(t, "POINT_BATCH_DONE", s.stops(t, done.ID).code())
}

func TestABatchOfPointsCountsToTheLimitOfItsDay(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	everybody, b := s.crowd(t, 30), s.buyer(t, 0)
	require.Equal(t, "POINTS_STAFF_LIMIT", s.grantTo(t, pointDesk, everybody, 334, nil).code(), "10,020 of 10,000")
	first := s.grantTo(t, pointDesk, everybody, 200, nil)
	require.Empty(t, first.UserErrors)
	require.Equal(t, "POINTS_STAFF_LIMIT", s.grantTo(t, pointDesk, everybody, 200, nil).code(), "what is asked for counts before it is given")
	require.Equal(t, "POINTS_STAFF_LIMIT", s.grant(t, b, 4001, nil).code())
	require.NoError(t, s.makes(t, first.Batch.ID))
	require.Equal(t, "POINTS_STAFF_LIMIT", s.grant(t, b, 4001, nil).code())
	require.Empty(t, s.grant(t, b, 3000, nil).UserErrors)
	second := s.grantTo(t, pointDesk, everybody, 33, nil)
	require.Empty(t, second.UserErrors, "990 of 1,000")
	require.Empty(t, s.stops(t, second.Batch.ID).UserErrors)
	require.Empty(t, s.grant(t, b, 1000, nil).UserErrors, "who got nothing of a batch that was stopped counts for nothing")
	unbound := s.grantTo(t, pointAdmin, everybody, 10000, nil)
	require.Empty(t, unbound.UserErrors, "who sets the limit is not held to it")
	require.NoError(t, s.makes(t, unbound.Batch.ID))
	require.Empty(t, s.by(t, pointAdmin, "grantPoints", "balance { usable }", apptest.Variables{"programmeId": s.own, "memberId": b.id, "points": 1, "reason": "お詫び"}).UserErrors)
}

func TestABatchOfPointsIsStopped(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	everybody := s.crowd(t, 3)
	batch := s.grantTo(t, pointDesk, everybody, 5, nil).Batch.ID
	for range 2 {
		stopped := s.stops(t, batch)
		require.Empty(t, stopped.UserErrors)
		require.Equal(t, []any{"STOPPED", 3, 0}, []any{stopped.Batch.State, stopped.Batch.Members, stopped.Batch.Made})
		require.NotNil(t, stopped.Batch.FinishedAt)
	}
	require.NoError(t, s.makes(t, batch))
	require.Zero(t, countOf(t, s.App, `SELECT count(*) FROM point_entries`))
	require.Zero(t, countOf(t, s.App, `SELECT count(*) FROM point_waiters`))
	require.Equal(t, 1, countOf(t, s.App, `SELECT count(*) FROM events WHERE type = 'points.batch_stopped' AND actor_id = $1`, pointDesk.ID))
	require.Equal(t, "NOT_FOUND", s.stops(t, id.Global("PointBatch", id.New())).code())

	open := s.grantTo(t, pointDesk, everybody, 5, nil).Batch.ID
	exec(t, s.App, `UPDATE point_programmes SET closed_at = now() WHERE id = $1`, keyOf(t, s.own))
	require.NoError(t, s.makes(t, open))
	require.Equal(t, "STOPPED", s.batch(t, open).Batch.State)
	require.Zero(t, countOf(t, s.App, `SELECT count(*) FROM point_entries`))
}

func TestBatchesOfPointsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	everybody := s.crowd(t, 2)
	nobody, over := segmentOf(t, s.App, "男性", "STATIC", apptest.Variables{"genders": []string{"MALE"}}), segmentOf(t, s.App, "終了", "STATIC", women)
	require.Empty(t, closeSegment(t, s.App, over))
	for code, input := range map[string]apptest.Variables{
		"SEGMENT_EMPTY":           {"segmentId": nobody},
		"SEGMENT_UNKNOWN":         {"segmentId": over},
		"POINT_PROGRAMME_UNKNOWN": {"programmeId": id.Global("PointProgramme", id.New())},
		"POINTS_AMOUNT_INVALID":   {"points": 0},
		"REQUIRED":                {"reason": ""},
	} {
		require.Equal(t, code, s.grantTo(t, pointDesk, everybody, 1, input).code(), code)
	}
	batch := s.grantTo(t, pointDesk, everybody, 1, nil).Batch.ID
	clerk := as(t, s.App, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: pointDesk.Permissions})
	require.Equal(t, "FORBIDDEN", clerk.done(t, "grantPointsToSegment", "batch { id }", apptest.Variables{"programmeId": s.own, "segmentId": everybody, "points": 1, "reason": "x"})[0])
	require.Equal(t, "FORBIDDEN", clerk.done(t, "stopPointBatch", "batch { id }", apptest.Variables{"batchId": batch})[0])
	require.Equal(t, "FORBIDDEN", clerk(`query($id: ID!) { pointBatch(id: $id) { id } }`, apptest.Variables{"id": batch}).Code())
	partner := access.With(t.Context(), access.Actor{Role: access.RolePartner, ID: id.New(), Permissions: pointDesk.Permissions})
	_, err := s.App.App.Resolvers.Points.GrantToSegment(partner, points.GrantManyInput{IdempotencyKey: s.key(), SegmentID: keyOf(t, everybody), ProgrammeID: keyOf(t, s.own), Points: 1, Reason: "x"})
	require.ErrorIs(t, err, fault.ErrForbidden, "an API client grants nothing by hand")
	require.Equal(t, 1, countOf(t, s.App, `SELECT count(*) FROM point_batches`))
	s.Work(t)
	require.Eventually(t, func() bool { return s.batch(t, batch).Batch.State == "DONE" }, time.Minute, 20*time.Millisecond, "the queue knows the job")
	require.Equal(t, 2, s.batch(t, batch).Batch.Made)
}

// Points that expire soon, and pets by the month of their birth, are asked for as the schema
// has it; a segment keeps the words.
func TestSegmentsAskForPointsThatExpireAndForPetsByMonth(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	hanako, taro := joining(t, s.App, "hanako@example.jp", "FEMALE"), joining(t, s.App, "taro@example.jp", "MALE")
	require.Empty(t, s.grant(t, &collector{hanako, s}, 300, nil).UserErrors)
	exec(t, s.App, `UPDATE point_lots SET expires_on = current_date + 10`)
	require.Empty(t, s.grant(t, &collector{taro, s}, 300, nil).UserErrors)
	exec(t, s.App, `INSERT INTO pets (id, member_id, name, species, birthday, created_at, updated_at) VALUES (gen_random_uuid(), $1, 'ぽち', 'DOG', '2020-05-05', now(), now())`, keyOf(t, taro.id))
	soon := apptest.Variables{"expiringPoints": apptest.Variables{"programmeId": s.own, "withinDays": 30, "least": 100}}
	require.Equal(t, 1, foundBy(t, s.App, soon))
	require.Equal(t, 1, foundBy(t, s.App, apptest.Variables{"expiringPoints": apptest.Variables{"by": time.Now().AddDate(0, 1, 0).Format(time.DateOnly), "least": 300}}))
	require.Zero(t, foundBy(t, s.App, apptest.Variables{"expiringPoints": apptest.Variables{"withinDays": 30, "least": 301}}))
	require.Zero(t, foundBy(t, s.App, apptest.Variables{"expiringPoints": apptest.Variables{"withinDays": 5}}))
	require.Equal(t, 1, foundBy(t, s.App, apptest.Variables{"pet": apptest.Variables{"birthMonths": []int{4, 5}}}))
	require.Zero(t, foundBy(t, s.App, apptest.Variables{"pet": apptest.Variables{"birthMonths": []int{6}}}))
	require.NotEmpty(t, segmentOf(t, s.App, "失効", "DYNAMIC", soon))
	unknown := segmentMade(t, s.App, "他社", "DYNAMIC", apptest.Variables{"coupon": apptest.Variables{"campaignIds": []string{id.Global("Campaign", id.New())}, "state": "HELD"}})
	require.Equal(t, "CONDITION_UNKNOWN", unknown.UserErrors[0].Code)
}
