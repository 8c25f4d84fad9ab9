package postgres_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/billing"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// Companies that have bought on account for two years. With 416 sales a month, of eight companies
// in five years (200,000), it is the same few blocks: 38, 72 and 25.
const (
	companies = 6
	months    = 24
	monthly   = 40 // sales of each, of 100 yen
)

// lastAsked remembers the statements that read what companies owe.
type lastAsked struct {
	mu   sync.Mutex
	sql  string
	args []any
}

func (a *lastAsked) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if strings.Contains(data.SQL, "account_statements") && !strings.HasPrefix(data.SQL, "EXPLAIN") {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.sql, a.args = data.SQL, data.Args
	}
	return ctx
}

func (*lastAsked) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// buffers is how many blocks the last statement touches.
func (a *lastAsked) buffers(t *testing.T, db *postgres.DB) int {
	t.Helper()
	var plans []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	require.NoError(t, db.Pool().QueryRow(t.Context(), `EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) `+a.sql, a.args...).Scan(&plans))
	return plans[0].Plan.Hit + plans[0].Plan.Read
}

func closing(month int) time.Time {
	return time.Date(2020, time.Month(month+1), 0, 0, 0, 0, 0, time.UTC)
}

// fillAccounts lets companies buy and pay in the month after, but for the first, which has not paid
// for the last three months.
func fillAccounts(t *testing.T, p *pgtest.Shop, accounts *postgres.Billing) (all []uuid.UUID) {
	t.Helper()
	exec := func(sql string, args ...any) {
		t.Helper()
		_, err := p.DB.Pool().Exec(t.Context(), sql, args...)
		require.NoError(t, err)
	}
	for range companies {
		all = append(all, id.New())
	}
	exec(`INSERT INTO companies (id, brand_id, code, name, created_at, updated_at) SELECT c, $1, left(c::text, 8) || n, 'x', now(), now() FROM unnest($2::uuid[]) WITH ORDINALITY AS u (c, n)`, p.BrandID, all)
	exec(`INSERT INTO company_credit (company_id, currency) SELECT unnest($1::uuid[]), 'JPY'`, all)
	exec(`INSERT INTO journal_entries (id, brand_id, at, posted_at, kind, source, currency, company_id)
		SELECT gen_random_uuid(), $1, at, at, kind, concat_ws(':', 'fill', c, m, n), 'JPY', c FROM (
			SELECT c, m, n, '2020-01-10'::timestamptz + m * interval '1 month' AS at, CASE WHEN n > 0 THEN 'SALE' ELSE 'ACCOUNT_PAYMENT' END AS kind
			FROM unnest($2::uuid[]) c, generate_series(0, $3 - 1) m, generate_series(0, $4) n
			WHERE n > 0 OR (m > 0 AND (c <> $5 OR m < $3 - 3))
		) e`, p.BrandID, all, months, monthly, all[0])
	exec(`INSERT INTO journal_lines (entry_id, position, account, debit, credit)
		SELECT id, n, CASE WHEN (kind = 'SALE') = (n = 0) THEN 'RECEIVABLE' WHEN kind = 'SALE' THEN 'SALES' ELSE 'BANK' END,
			CASE WHEN n = 0 THEN a ELSE 0 END, CASE WHEN n = 0 THEN 0 ELSE a END
		FROM (SELECT id, kind, CASE kind WHEN 'SALE' THEN 100 ELSE 100 * $1 END AS a FROM journal_entries) e, generate_series(0, 1) n`, monthly)
	exec(`ANALYZE`)
	for m := range months {
		for _, c := range all {
			made, err := accounts.Close(t.Context(), billing.Statement{
				ID: id.New(), BrandID: p.BrandID, CompanyID: c, ClosesOn: closing(m + 1), DueOn: closing(m + 2), IssuedAt: closing(m + 1),
			}, closing(m+1).AddDate(0, 0, 1))
			require.NoError(t, err)
			require.NotNil(t, made)
		}
	}
	return all
}

// However long accounts are kept, what is owed is read from what is open; and it is what the
// journal says.
func TestWhatIsOwedIsReadFromWhatIsOpen(t *testing.T) {
	t.Parallel()
	url, watch := pgtest.URL(t), &lastAsked{}
	db, err := postgres.Open(t.Context(), url, postgres.WithMaxConns(2), postgres.WithTracer(watch))
	require.NoError(t, err)
	t.Cleanup(db.Close)
	p, accounts := pgtest.FillShop(t, db), postgres.NewBilling(db)
	all := fillAccounts(t, p, accounts)
	differs := func() (n int) {
		t.Helper()
		const byTheJournal = `(t.closing - coalesce((
			SELECT sum(g.credit) FROM journal_entries e JOIN journal_lines g ON g.entry_id = e.id AND g.account = 'RECEIVABLE'
			LEFT JOIN account_statement_entries x ON x.entry_id = e.id LEFT JOIN account_statements y ON y.id = x.statement_id
			WHERE e.company_id = t.company_id AND e.kind = 'ACCOUNT_PAYMENT' AND (y.id IS NULL OR y.closes_on > t.closes_on)), 0))`
		rows, err := p.DB.Pool().Query(t.Context(), `SELECT t.id, `+byTheJournal+`::bigint, t.settled FROM account_statements t`)
		require.NoError(t, err)
		remaining := map[uuid.UUID]int64{}
		var key uuid.UUID
		var minor int64
		var settled bool
		_, err = pgx.ForEachRow(rows, []any{&key, &minor, &settled}, func() error {
			if remaining[key] = minor; settled && minor > 0 {
				n++
			}
			return nil
		})
		require.NoError(t, err)
		size, after := 100, (*string)(nil)
		for {
			some, err := accounts.Statements(t.Context(), billing.Query{BrandID: p.BrandID, Page: page.Args{First: &size, After: after}})
			require.NoError(t, err)
			for _, s := range some.Nodes() {
				if remaining[s.ID] != s.RemainingMinor {
					n++
				}
			}
			if !some.PageInfo.HasNextPage {
				return n
			}
			after = some.PageInfo.EndCursor
		}
	}
	require.Zero(t, differs())
	require.NoError(t, accounts.Settle(t.Context()))
	require.Zero(t, differs())
	var open int
	require.NoError(t, p.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM account_statements WHERE NOT settled`).Scan(&open))
	require.Equal(t, companies+3, open, "the last of each, and three that were not paid")

	_, err = db.Pool().Exec(t.Context(), `VACUUM ANALYZE account_open_entries, account_statements, companies`)
	require.NoError(t, err)
	late, err := accounts.Overdue(t.Context(), nil, closing(months+1))
	require.NoError(t, err)
	require.Len(t, late, 1)
	require.Equal(t, []any{all[0], int64(100 * monthly * 3), closing(months - 2)}, []any{late[0].CompanyID, late[0].AmountMinor, late[0].DueOn})
	require.Less(t, watch.buffers(t, db), 150)

	size := 20
	unpaid, err := accounts.Statements(t.Context(), billing.Query{BrandID: p.BrandID, Unpaid: true, Page: page.Args{First: &size}})
	require.NoError(t, err)
	require.Len(t, unpaid.Nodes(), companies+3)
	require.Less(t, watch.buffers(t, db), 150)

	toClose, err := accounts.Accounts(t.Context(), nil, nil)
	require.NoError(t, err)
	require.Len(t, toClose, companies)
	require.Less(t, watch.buffers(t, db), 150)

	// Paid for all that it owes, and nothing since: nobody looks at it again.
	_, err = p.DB.Pool().Exec(t.Context(), `
		WITH e AS (INSERT INTO journal_entries (id, brand_id, at, posted_at, kind, source, currency, company_id) VALUES (gen_random_uuid(), $1, $2, $2, 'ACCOUNT_PAYMENT', 'last', 'JPY', $3) RETURNING id)
		INSERT INTO journal_lines (entry_id, position, account, debit, credit) SELECT id, n, CASE n WHEN 0 THEN 'BANK' ELSE 'RECEIVABLE' END, $4::bigint * (1 - n), $4 * n FROM e, generate_series(0, 1) n`,
		p.BrandID, closing(months+1), all[1], 100*monthly)
	require.NoError(t, err)
	require.Zero(t, differs())
	made, err := accounts.Close(t.Context(), billing.Statement{ID: id.New(), BrandID: p.BrandID, CompanyID: all[1], ClosesOn: closing(months + 1), DueOn: closing(months + 2), IssuedAt: closing(months + 1)}, closing(months+1).AddDate(0, 0, 1))
	require.NoError(t, err)
	require.Zero(t, made.ClosingMinor)
	require.NoError(t, accounts.Settle(t.Context()))
	toClose, err = accounts.Accounts(t.Context(), nil, nil)
	require.NoError(t, err)
	require.Len(t, toClose, companies-1)
	again, err := accounts.Close(t.Context(), billing.Statement{ID: id.New(), BrandID: p.BrandID, CompanyID: all[1], ClosesOn: closing(months + 2), DueOn: closing(months + 3), IssuedAt: closing(months + 2)}, closing(months+2).AddDate(0, 0, 1))
	require.NoError(t, err)
	require.Nil(t, again)
}
