package resolvers_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/promotion"
)

// addReaders are so many members who agreed to the brand's mail magazine, and as many of
// each kind who are not to be told.
func addReaders(t *testing.T, a *apptest.App, many, few int) {
	t.Helper()
	exec(t, a, `
		WITH made AS (
			INSERT INTO accounts (id, role, email, password, name, created_at, updated_at, closed_at)
			SELECT gen_random_uuid(), 'MEMBER', k.kind || '-' || n || '@example.jp', '', '会員', now(), now(), CASE WHEN k.kind = 'closed' THEN now() END
			FROM (VALUES ('reader', $1::int), ('closed', $2::int), ('withdrawn', $2), ('silent', $2)) k (kind, many), generate_series(1, k.many) n
			RETURNING id, email
		)
		INSERT INTO newsletter_consents (member_id, brand_id, given_at, withdrawn_at)
		SELECT id, $3, now(), CASE WHEN email LIKE 'withdrawn%' THEN now() END FROM made WHERE email NOT LIKE 'silent%'`, many, few, a.BrandID)
}

// readersMailed are how many mails wait for each of the readers.
func readersMailed(t *testing.T, a *apptest.App) map[string]int {
	t.Helper()
	openMails(t, a)
	rows, err := a.DB.Pool().Query(t.Context(), `
		SELECT substring(args::text FROM '[a-z]+-[0-9]+@example.jp') FROM river_job WHERE kind = 'send_message' AND args::text LIKE '%campaign_opened%'`)
	require.NoError(t, err)
	defer rows.Close()
	all := map[string]int{}
	for rows.Next() {
		var to string
		require.NoError(t, rows.Scan(&to))
		all[to]++
	}
	require.NoError(t, rows.Err())
	return all
}

// nextPage is the job that waits for the members behind those who have been told.
func nextPage(t *testing.T, a *apptest.App, campaign uuid.UUID, told int) *promotion.NoticeJob {
	t.Helper()
	rows, err := a.DB.Pool().Query(t.Context(), `SELECT args FROM river_job WHERE kind = 'campaign_notice' AND args->>'campaign' = $1::text AND args->>'after' IS NOT NULL ORDER BY id OFFSET $2`, campaign, told)
	require.NoError(t, err)
	defer rows.Close()
	var next *promotion.NoticeJob
	for rows.Next() {
		require.Nil(t, next, "a page has one page behind it, however often its job is run")
		var raw []byte
		require.NoError(t, rows.Scan(&raw))
		next = new(promotion.NoticeJob)
		require.NoError(t, json.Unmarshal(raw, next))
	}
	require.NoError(t, rows.Err())
	return next
}

// Members are told page by page: each once, and nobody who did not agree, whether the
// last page is full or not.
func TestEveryReaderIsToldOfACampaignOnce(t *testing.T) {
	t.Parallel()
	for readers, pages := range map[int]int{0: 1, 499: 1, 500: 2, 1000: 3, 1203: 3} {
		t.Run(fmt.Sprint(readers), func(t *testing.T) {
			t.Parallel()
			a := apptest.Start(t)
			addReaders(t, a, readers, 40)
			campaign := keyOf(t, runCampaign(t, a, "sale", apptest.Variables{"benefits": off("ORDER_AMOUNT", "90"), "notifyMembers": true}))
			ctx := access.With(t.Context(), access.System)
			turned := 0
			for job := (&promotion.NoticeJob{CampaignID: campaign, BrandID: a.BrandID, Occasion: promotion.Started}); job != nil; turned++ {
				require.NoError(t, a.App.Resolvers.Campaigns.Tell(ctx, *job))
				job = nextPage(t, a, campaign, turned)
			}
			require.Equal(t, pages, turned)
			all := readersMailed(t, a)
			require.Len(t, all, readers)
			for to, times := range all {
				require.Contains(t, to, "reader-")
				require.Equal(t, 1, times, to)
			}
		})
	}
}

// A page whose job is run again, as after a crash, is told with the same keys, by which
// no mail is sent twice; it is not walked past.
func TestAPageThatIsToldAgainHasTheSameKeys(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	addReaders(t, a, 1100, 0)
	campaign := keyOf(t, runCampaign(t, a, "sale", apptest.Variables{"benefits": off("ORDER_AMOUNT", "90"), "notifyMembers": true}))
	ctx := access.With(t.Context(), access.System)
	require.NoError(t, a.App.Resolvers.Campaigns.Tell(ctx, promotion.NoticeJob{CampaignID: campaign, BrandID: a.BrandID, Occasion: promotion.Started}))
	second := nextPage(t, a, campaign, 0)
	for range 2 {
		require.NoError(t, a.App.Resolvers.Campaigns.Tell(ctx, *second))
	}
	last := nextPage(t, a, campaign, 1)
	require.NoError(t, a.App.Resolvers.Campaigns.Tell(ctx, *last))
	require.Nil(t, nextPage(t, a, campaign, 2))
	require.Len(t, readersMailed(t, a), 1100)
	var mails, keys int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `
		SELECT count(*), count(DISTINCT substring(args::text FROM $1::text || '/STARTED/[0-9a-f-]+')) FROM river_job WHERE kind = 'send_message' AND args::text LIKE '%campaign_opened%'`, campaign).Scan(&mails, &keys))
	require.Equal(t, 1100, keys)
	require.GreaterOrEqual(t, mails, keys)
}
