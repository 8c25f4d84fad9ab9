package resolvers_test

import (
	"regexp"
	"strings"
	"testing"

	server "github.com/emersion/go-smtp"
	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/storage/postgres"
)

type couponBatch struct {
	Batch *struct {
		ID, State         string
		Count, Made, Used int
	}
	UserErrors []userError
}

func (b couponBatch) code() string {
	if len(b.UserErrors) == 0 {
		return ""
	}
	return b.UserErrors[0].Code
}

const couponBatchFields = `id state count made used`

// givenTo gives the members of a segment a coupon each.
func givenTo(t testing.TB, a *apptest.App, input apptest.Variables) couponBatch {
	t.Helper()
	if input["idempotencyKey"] == nil {
		input["idempotencyKey"] = uuid.NewString()
	}
	var got struct{ IssueCouponsToSegment couponBatch }
	a.DoAs(t, promoter, `mutation($input: IssueCouponsToSegmentInput!) { issueCouponsToSegment(input: $input) { batch { `+couponBatchFields+` } userErrors { code field message } } }`, in(input)).Into(t, &got)
	return got.IssueCouponsToSegment
}

func batchOf(t testing.TB, a *apptest.App, batch string) couponBatch {
	t.Helper()
	var got couponBatch
	a.DoAs(t, promoter, `query($id: ID!) { batch: couponBatch(id: $id) { `+couponBatchFields+` } }`, apptest.Variables{"id": batch}).Into(t, &got)
	return got
}

// couponed is a campaign that takes 300 yen off for who has a coupon.
func couponed(t *testing.T, a *apptest.App, code string) string {
	return runCampaign(t, a, code, apptest.Variables{"benefits": off("ORDER_AMOUNT", "300"), "needsCoupon": true})
}

func TestMembersOfASegmentAreGivenACouponEach(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash, method := a.AddProduct(t, "leash", 1980).Variants[0], a.AddShipping(t, "parcel", 0)
	hanako, taro := joining(t, a, "hanako@example.jp", "FEMALE"), joining(t, a, "taro@example.jp", "MALE")
	input := apptest.Variables{"idempotencyKey": "give-00001", "campaignId": couponed(t, a, "thanks"), "segmentId": segmentOf(t, a, "女性", "DYNAMIC", women)}
	begun := givenTo(t, a, input)
	require.Empty(t, begun.UserErrors)
	require.Equal(t, []any{"MAKING", 1, 0}, []any{begun.Batch.State, begun.Batch.Count, begun.Batch.Made})
	require.Equal(t, begun.Batch.ID, givenTo(t, a, input).Batch.ID, "the same intent")
	require.Equal(t, 1, jobsOf(t, a, "give_coupons"))
	hanako.is(t, "MALE")
	taro.is(t, "FEMALE")
	for range 2 {
		require.NoError(t, a.App.Resolvers.Campaigns.GiveBatch(access.With(t.Context(), access.System), keyOf(t, begun.Batch.ID)))
	}
	done := batchOf(t, a, begun.Batch.ID).Batch
	require.Equal(t, []any{"DONE", 1, 1, 0}, []any{done.State, done.Count, done.Made, done.Used}, "whom it had when it was begun")

	mine := func(c customer) (ids []string) {
		var got struct{ MyCoupons []struct{ ID string } }
		c.do(t, `{ myCoupons { id } }`, nil).Into(t, &got)
		for _, k := range got.MyCoupons {
			ids = append(ids, k.ID)
		}
		return ids
	}
	require.Len(t, mine(hanako), 1)
	require.Empty(t, mine(taro))
	asked := func(state string) int {
		return foundBy(t, a, apptest.Variables{"coupon": apptest.Variables{"campaignIds": []any{input["campaignId"]}, "state": state}})
	}
	require.Equal(t, []int{1, 0}, []int{asked("HELD"), asked("USED")}, "as segments ask for it")
	hanako.puts(t, leash)
	var entered struct{ ApplyCoupon couponAnswer }
	hanako.do(t, `mutation($c: ID!) { applyCoupon(input: {couponId: $c}) { cart { total { amount } coupons { id applied problem { code } } } userErrors { code } } }`, apptest.Variables{"c": mine(hanako)[0]}).Into(t, &entered)
	require.Equal(t, "1680", entered.ApplyCoupon.Cart.Total.Amount)
	require.Empty(t, hanako.orders(t, method, "1680").UserErrors)
	require.Empty(t, mine(hanako), "it is used once")
	require.Equal(t, []int{0, 1}, []int{asked("HELD"), asked("USED")})
	require.Equal(t, 1, batchOf(t, a, begun.Batch.ID).Batch.Used)
	held, err := postgres.NewCampaigns(a.DB).LockBatch(t.Context(), keyOf(t, begun.Batch.ID))
	require.NoError(t, err)
	require.Zero(t, held.Used, "who makes coupons counts none")
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM events WHERE type = 'coupons.issued' AND data->>'segment' IS NOT NULL AND (data->>'count')::int = 1 AND actor_id = $1`, promoter.ID))
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM events WHERE type = 'coupons.given' AND (data->>'count')::int = 1`))
}

func TestCouponsAreGivenToTheEndWhateverBreaksOff(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	exec(t, a, `WITH made AS (INSERT INTO members (id, created_at, updated_at) SELECT gen_random_uuid(), now(), now() FROM generate_series(1, 600) RETURNING id)
		INSERT INTO memberships (member_id, brand_id, joined_at) SELECT id, $1, now() FROM made`, a.BrandID)
	everybody := segmentOf(t, a, "全員", "STATIC", apptest.Variables{"joined": apptest.Variables{"lastDays": 1}})
	batch := givenTo(t, a, apptest.Variables{"campaignId": couponed(t, a, "thanks"), "segmentId": everybody}).Batch
	require.Equal(t, 600, batch.Count)
	exec(t, a, `CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF (SELECT count(*) FROM coupons) > 500 THEN RAISE 'broken off'; END IF; RETURN NULL; END $$`)
	exec(t, a, `CREATE TRIGGER broken AFTER INSERT ON coupons FOR EACH STATEMENT EXECUTE FUNCTION broken()`)
	give := func() error {
		return a.App.Resolvers.Campaigns.GiveBatch(access.With(t.Context(), access.System), keyOf(t, batch.ID))
	}
	require.ErrorContains(t, give(), "broken off")
	require.Equal(t, 500, batchOf(t, a, batch.ID).Batch.Made)
	exec(t, a, `DROP TRIGGER broken ON coupons`)

	// Meanwhile two of those who wait become one, and one leaves.
	var waiting []uuid.UUID
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT array_agg(member_id ORDER BY member_id) FROM coupon_waiters`).Scan(&waiting))
	require.Len(t, waiting, 100)
	require.NoError(t, a.App.Resolvers.Segments.Merge(t.Context(), waiting[0], waiting[1]))
	exec(t, a, `UPDATE memberships SET ended_at = now() WHERE member_id = $1`, waiting[2])
	require.NoError(t, give())
	done := batchOf(t, a, batch.ID).Batch
	require.Equal(t, []any{"DONE", 598}, []any{done.State, done.Made})
	require.Equal(t, 598, countOf(t, a, `SELECT count(DISTINCT member_id) FROM coupons`))
	require.Equal(t, 598, countOf(t, a, `SELECT count(*) FROM coupons`))
	require.Zero(t, countOf(t, a, `SELECT count(*) FROM coupon_waiters`))
}

func TestCouponsThatCannotBeGivenAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	joining(t, a, "hanako@example.jp", "FEMALE")
	segment, nobody := segmentOf(t, a, "女性", "DYNAMIC", women), segmentOf(t, a, "男性", "STATIC", apptest.Variables{"genders": []string{"MALE"}})
	over := segmentOf(t, a, "終了", "STATIC", women)
	require.Empty(t, closeSegment(t, a, over))
	campaign, plain, stopped := couponed(t, a, "thanks"), runCampaign(t, a, "sale", apptest.Variables{"benefits": tenOff}), couponed(t, a, "over")
	require.Empty(t, write(t, a, promoter, "setCampaignStatus", "CampaignStatusInput", `campaign { id }`, apptest.Variables{"id": stopped, "status": "STOPPED"}, nil))
	for code, input := range map[string]apptest.Variables{
		"NOT_FOUND":               {"campaignId": id.Global("Campaign", id.New()), "segmentId": segment},
		"CAMPAIGN_WITHOUT_COUPON": {"campaignId": plain, "segmentId": segment},
		"CAMPAIGN_STOPPED":        {"campaignId": stopped, "segmentId": segment},
		"SEGMENT_UNKNOWN":         {"campaignId": campaign, "segmentId": over},
		"SEGMENT_EMPTY":           {"campaignId": campaign, "segmentId": nobody},
		"WINDOW_INVALID":          {"campaignId": campaign, "segmentId": segment, "validFrom": "2026-12-02T00:00:00Z", "validUntil": "2026-12-01T00:00:00Z"},
	} {
		require.Equal(t, code, givenTo(t, a, input).code(), code)
	}
	clerk := access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: promoter.Permissions}
	require.Equal(t, "FORBIDDEN", as(t, a, clerk).done(t, "issueCouponsToSegment", "batch { id }", apptest.Variables{"campaignId": campaign, "segmentId": segment})[0])
	require.Zero(t, countOf(t, a, `SELECT count(*) FROM coupon_batches`))
}

// A mailing gives each of its recipients a coupon, tells its code, and knows who used it.
func TestAMailingGivesCouponsAndKnowsWhoUsedThem(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	leash, method := m.AddProduct(t, "leash", 1980).Variants[0], m.AddShipping(t, "parcel", 0)
	hanako := m.member(t, "山田 花子", "09012345601")
	silent := registeredAt(t, m.App, m.shop, "佐藤 太郎", "08098765434") // has not agreed
	campaign := couponed(t, m.App, "thanks")
	gives := content(apptest.Variables{"body": "{{name}} 様\nクーポン {{coupon}} をどうぞ。"})
	gives["couponCampaignId"], gives["couponDays"] = campaign, 14
	sent := m.sent(t, gives)
	m.work(t)
	letters := m.letters(t)
	require.Len(t, letters, 1)
	code := regexp.MustCompile(`クーポン ([0-9A-Z-]{19}) をどうぞ`).FindStringSubmatch(letters[0].text)
	require.NotNil(t, code, letters[0].text)
	require.Equal(t, 1, countOf(t, m.App, `SELECT count(*) FROM coupons WHERE batch_id = $1`, keyOf(t, sent)), "who is left out gets none")
	require.Equal(t, 1, countOf(t, m.App, `SELECT count(*) FROM coupons WHERE member_id = $1 AND code IS NULL AND valid_until - valid_from = interval '14 days'`, keyOf(t, hanako)), "the code is not kept")

	stranger := joining(t, m.App, "stranger@example.jp", "MALE")
	enter := func(c customer) (answer couponAnswer) {
		var got struct{ ApplyCoupon couponAnswer }
		c.do(t, `mutation($c: String!) { applyCoupon(input: {code: $c}) { cart { total { amount } coupons { id applied problem { code } } } userErrors { code } } }`, apptest.Variables{"c": code[1]}).Into(t, &got)
		return got.ApplyCoupon
	}
	stranger.puts(t, leash)
	require.Equal(t, "COUPON_NOT_YOURS", enter(stranger).UserErrors[0].Code)
	buyer := newCustomer(t, m.App, "hanako@example.jp")
	exec(t, m.App, `UPDATE coupons SET member_id = $2 WHERE member_id = $1`, keyOf(t, hanako), keyOf(t, buyer.id)) // as claiming her card does
	exec(t, m.App, `UPDATE mailing_recipients SET member_id = $2 WHERE member_id = $1`, keyOf(t, hanako), keyOf(t, buyer.id))
	buyer.puts(t, leash)
	require.Equal(t, "1680", enter(buyer).Cart.Total.Amount)
	placed := buyer.orders(t, method, "1680")
	require.Empty(t, placed.UserErrors)

	var use struct {
		MailingCoupons *struct {
			Issued, Used, Void int
			Sales, Given       struct{ Amount string }
		}
		MailingRecipients struct {
			Nodes []struct {
				MemberID      string
				CouponState   *string
				CouponOrderID *string
			}
		}
	}
	m.DoAs(t, m.office, `query($m: ID!) { mailingCoupons(mailingId: $m) { issued used void sales { amount } given { amount } } mailingRecipients(mailingId: $m) { nodes { memberId couponState couponOrderId } } }`,
		apptest.Variables{"m": sent}).Into(t, &use)
	require.Equal(t, []any{1, 1, 0, "1680", "300"}, []any{use.MailingCoupons.Issued, use.MailingCoupons.Used, use.MailingCoupons.Void, use.MailingCoupons.Sales.Amount, use.MailingCoupons.Given.Amount})
	for _, r := range use.MailingRecipients.Nodes {
		if r.MemberID == silent {
			require.Nil(t, r.CouponState)
			continue
		}
		require.Equal(t, "USED "+placed.Order.ID, *r.CouponState+" "+*r.CouponOrderID)
	}

	// What is shown to staff has no code, and what is cancelled gives none.
	preview := as(t, m.App, m.office).read(t, `query($m: ID!, $k: ID) { mailingPreview(mailingId: $m, memberId: $k) { text } }`, apptest.Variables{"m": sent, "k": id.Global("Member", keyOf(t, hanako))}, "mailingPreview.text")[0]
	require.Contains(t, preview, "XXXX-XXXX-XXXX-XXXX")
	require.NotContains(t, preview, code[1])
}

func TestAMailingThatIsCancelledTakesItsCouponsBack(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	m.member(t, "山田 花子", "09012345601")
	gives := content(apptest.Variables{"body": "{{coupon}}"})
	gives["couponCampaignId"] = couponed(t, m.App, "thanks")
	m.sent(t, gives)
	m.post.Refuse(&server.SMTPError{Code: 451, EnhancedCode: server.EnhancedCode{4, 7, 1}, Message: "greylisted"})
	waits := m.sent(t, gives)
	require.Equal(t, map[string]int{"ISSUED": 2}, couponStates(t, m.App))
	require.Empty(t, m.do(t, m.office, "cancelMailing", "MailingInput", apptest.Variables{"mailingId": waits}).UserErrors)
	require.Equal(t, map[string]int{"ISSUED": 1, "VOID": 1}, couponStates(t, m.App), "of the other one the member was told")
}

func couponStates(t testing.TB, a *apptest.App) map[string]int {
	t.Helper()
	states := map[string]int{}
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT jsonb_object_agg(state, n) FROM (SELECT state, count(*) AS n FROM coupons GROUP BY state) k`).Scan(&states))
	return states
}

func TestBadCouponsOfMailingsAreRefused(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	m.member(t, "山田 花子", "09012345601")
	segment := segmentOf(t, m.App, "女性", "DYNAMIC", women)
	plain := runCampaign(t, m.App, "sale", apptest.Variables{"benefits": tenOff})
	campaign := couponed(t, m.App, "thanks")
	tells := content(apptest.Variables{"body": "{{coupon}}"})
	for field, c := range map[string]struct {
		input apptest.Variables
		code  string
	}{
		"mail.body":        {tells, "MAILING_COUPON"},
		"couponDays":       {with(content(nil), "couponDays", 3), "MAILING_COUPON"},
		"couponCampaignId": {with(tells, "couponCampaignId", plain), "CAMPAIGN_WITHOUT_COUPON"},
	} {
		refused := m.do(t, m.office, "saveMailing", "SaveMailingInput", with(with(c.input, "name", "春"), "segmentId", segment))
		require.NotEmpty(t, refused.UserErrors, field)
		require.Equal(t, c.code+" "+field, refused.UserErrors[0].Code+" "+strings.Join(refused.UserErrors[0].Field, "."))
	}
	long := m.do(t, m.office, "saveMailing", "SaveMailingInput", with(with(with(with(tells, "couponCampaignId", campaign), "couponDays", 366), "name", "春"), "segmentId", segment))
	require.Equal(t, "couponDays", strings.Join(long.UserErrors[0].Field, "."))
	saved := m.do(t, m.office, "saveMailing", "SaveMailingInput", with(with(with(tells, "couponCampaignId", campaign), "name", "春"), "segmentId", segment))
	require.Empty(t, saved.UserErrors)
	require.Empty(t, write(t, m.App, promoter, "setCampaignStatus", "CampaignStatusInput", `campaign { id }`, apptest.Variables{"id": campaign, "status": "STOPPED"}, nil))
	require.Equal(t, "CAMPAIGN_STOPPED", m.do(t, m.office, "sendMailing", "MailingInput", apptest.Variables{"mailingId": saved.Mailing.ID}).UserErrors[0].Code)
}
