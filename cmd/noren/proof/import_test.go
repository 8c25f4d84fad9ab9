package proof_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	cards "github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// How many members the past has, and how often the import of each of its files is killed.
const (
	importMembers = 2400
	importKills   = 3
)

// TestAKilledImportLosesAndDoublesNothing kills noren's imports of members, balances and
// receipts, as a machine that fails does, and goes on with each. At the end the database
// holds what imports that nobody disturbed bring into another, row by row.
func TestAKilledImportLosesAndDoublesNothing(t *testing.T) {
	binary, all := build(t), pastOf(t, importMembers*min(longer(), 20))
	calm, rough := newIntake(t, binary), newIntake(t, binary)
	for _, p := range all {
		calm.bring(p)
		killed, halfway := rough.bringKilled(p, importKills*min(longer(), 20))
		require.NotZero(t, killed, p.kind)
		require.NotZero(t, halfway, "%s: no import was killed between its first and its last rows", p.kind)
		t.Logf("%s: killed %d times, %d of them halfway", p.kind, killed, halfway)
	}
	for what, sql := range brought {
		agree(t, what, calm.rows(sql), rough.rows(sql))
	}
	agree(t, "people", calm.people(), rough.people())
	require.Zero(t, rough.count(`SELECT count(*) FROM migration_names`), "what was seen in files is forgotten")
}

// past is a file of past data with its mapping, and the SQL that counts what came of it.
type past struct{ kind, file, mapping, counts string }

// pastOf writes files of so many members, with rows that are refused, that stand twice, that
// nobody knows, and with pairs of members who may be one.
func pastOf(t *testing.T, people int) []past {
	var members, balances, receipts strings.Builder
	members.WriteString("会員コード,会員番号,氏名,カナ,生年月日,電話,メール,郵便番号,住所,入会日,店舗,メルマガ,ペット,種類\n")
	balances.WriteString("会員コード,残高,期限\n")
	receipts.WriteString("店,レジ,伝票,日付,時刻,会員,商品,品名,数,金額\n")
	for n := 1; n <= people; n++ {
		short := fmt.Sprintf("29%010d", n)
		number, born, phone, key := short, fmt.Sprintf("昭和%d年1月2日", 40+n/10_000), fmt.Sprintf("03-12%02d-%04d", n/10_000, n%10_000), fmt.Sprint("A", n)
		switch {
		case n%97 == 0:
			born = "昭和64年1月8日" // there is no such day
		case n%10 == 0:
			number = "" // who has no card gets one
		case n%51 == 0:
			key = fmt.Sprint("A", n-1) // stands twice
		case n%41 == 0:
			phone = fmt.Sprintf("03-12%02d-%04d", (n-1)/10_000, (n-1)%10_000) // whom the one before may be
		}
		fmt.Fprintf(&members, "%s,%s,見本 花子%d,ﾐﾎﾝ ﾊﾅｺ,%s,%s,h%d@example.jp,150-%04d,東京都渋谷区神宮前1-2-%d,平成12年4月1日,S01,可,ポチ%d,犬\n", key, number, n, born, phone, n, n%10_000, n, n)
		fmt.Fprintf(&balances, "A%d,\"1,%03d\",令和40年12月31日\nA%d,%dpt,令和41年3月31日\n", n, n%1000, n, n%300-3) // some are below zero
		whole := short + string(cards.CheckDigit(short))
		fmt.Fprintf(&receipts, "S01,1,R%d,平成30年4月%d日,10:30,%s,4900000000017,フード,2,\"1,980\"\nS01,1,R%d,平成30年4月%d日,10:30,%s,4900000000024,おやつ,%s,300\n",
			n, 1+n%31, whole, n, 1+n%31, whole, map[bool]string{true: "x", false: "1"}[n%89 == 0]) // April has no 31st; x is no number
	}
	folder := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	return []past{
		{"members", write("members.csv", members.String()), write("members.yaml", `
kind: members
source: old-pos
key: 会員コード
fields: {card: {from: 会員番号, check: complete}, name: 氏名, kana: カナ, birthday: 生年月日, phone: 電話, email: メール, postal_code: 郵便番号, address: 住所, joined_on: 入会日, store: 店舗}
consents: {MAIL: メルマガ}
wording: 旧会員規約
pets: [{name: ペット, species: 種類}]
`), `SELECT count(*) FROM members`},
		{"points", write("points.csv", balances.String()), write("points.yaml", `
kind: points
source: old-pos
key: [会員コード, 期限]
programme: main
fields: {member: 会員コード, points: 残高, expires_on: 期限}
`), `SELECT count(*) FROM point_entries`},
		{"purchases", write("purchases.csv", receipts.String()), write("purchases.yaml", `
kind: purchases
fields: {store: 店, till: レジ, receipt: 伝票, bought_on: 日付, time: 時刻, card: 会員, code: 商品, name: 品名, quantity: 数, amount: 金額}
`), `SELECT count(*) FROM purchases`},
	}
}

// brought is what imports bring, a text for each row; nothing in it is drawn or timed.
var brought = map[string]string{
	"runs": `SELECT concat_ws(' ', kind, state, rows, accepted, rejected, repeated, proposals, remarks, conversions, failure) FROM migrations ORDER BY 1`,
	"remarks": `SELECT concat_ws(' ', m.kind, r.number, r.line, r."column", r.value, r.kind, r.ja) FROM migration_remarks r JOIN migrations m ON m.id = r.run_id
		ORDER BY m.kind, r.number`,
	"members": `SELECT concat_ws(' ', s.key, m.created_at, j.registered_store_id IS NOT NULL,
			(SELECT string_agg(c.kind || CASE c.kind WHEN 'PHYSICAL' THEN c.number ELSE '' END, ',' ORDER BY c.number) FROM member_cards c WHERE c.member_id = m.id),
			(SELECT string_agg(p.name || p.species, ',' ORDER BY p.name) FROM pets p WHERE p.member_id = m.id),
			(SELECT string_agg(c.medium || c.given || c.how || c.wording, ',' ORDER BY c.medium) FROM member_consents c WHERE c.member_id = m.id),
			(SELECT string_agg(x.medium || x.given, ',' ORDER BY x.medium) FROM member_settings x WHERE x.member_id = m.id),
			(SELECT count(*) FROM newsletter_consents n WHERE n.member_id = m.id), (SELECT count(*) FROM member_likenesses l WHERE l.member_id = m.id))
		FROM members m LEFT JOIN migration_sources s ON s.member_id = m.id LEFT JOIN memberships j ON j.member_id = m.id ORDER BY s.key, 1`,
	"pairs": `SELECT concat_ws(' ', least(a.key, b.key), greatest(a.key, b.key), d.likenesses, d.state) FROM duplicate_members d
		LEFT JOIN migration_sources a ON a.member_id = d.member_id LEFT JOIN migration_sources b ON b.member_id = d.other_id ORDER BY 1`,
	"balances": `SELECT concat_ws(' ', s.key, a.available, a.pending, a.owed, a.number,
			(SELECT string_agg(e.key || e.kind || e.debit || e.credit || e.points || '>' || e.available, ',' ORDER BY e.number) FROM point_entries e WHERE e.account_id = a.id),
			(SELECT string_agg(l.remaining || '/' || l.issued || '>' || l.expires_on, ',' ORDER BY l.expires_on) FROM point_lots l WHERE l.account_id = a.id))
		FROM point_accounts a LEFT JOIN migration_sources s ON s.member_id = a.member_id ORDER BY 1`,
	"receipts": `SELECT concat_ws(' ', p.receipt, p.bought_at, p.source, p.store_id IS NOT NULL, p.till, p.items, p.total, p.card_number, s.key,
			(SELECT string_agg(l.position || l.code || l.name || l.quantity || '*' || l.amount, ',' ORDER BY l.position) FROM purchase_lines l WHERE l.purchase_id = p.id))
		FROM purchases p LEFT JOIN migration_sources s ON s.member_id = p.member_id ORDER BY 1`,
	"work list": `SELECT concat_ws(' ', kind, value, state, count(*)) FROM purchase_problems GROUP BY kind, value, state ORDER BY 1`,
	"history":   `SELECT concat_ws(' ', type, count(*)) FROM events GROUP BY type ORDER BY 1`,
	"figures":   `SELECT DISTINCT day::text FROM statistic_marks ORDER BY 1`,
}

// agree fails at the first row that differs.
func agree(t *testing.T, what string, want, got []string) {
	t.Helper()
	require.NotEmpty(t, want, what)
	for i := range min(len(want), len(got)) {
		if want[i] != got[i] {
			require.Equal(t, want[i], got[i], what)
		}
	}
	require.Len(t, got, len(want), what)
}

// intake is an empty shop with a store and a point programme, into which noren's command
// brings past data.
type intake struct {
	t      *testing.T
	db     *postgres.DB
	binary string
	env    []string
}

const intakeSecret = "a secret of more than thirty-two characters"

func newIntake(t *testing.T, binary string) *intake {
	url := pgtest.URL(t)
	db, err := postgres.Open(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(db.Close)
	h := &intake{t: t, db: db, binary: binary, env: append(os.Environ(), "DATABASE_URL="+url, "REDIS_URL=", "NOREN_SECRET="+intakeSecret, "NOREN_PERSONAL_KEY=")}
	brand := pgtest.FillShop(t, db).BrandID
	_, err = db.Pool().Exec(t.Context(), `INSERT INTO locations (id, brand_id, code, name, kind, priority) VALUES ($1, $2, 'S01', '{"ja":"渋谷"}', 'SHOP', 9)`, id.New(), brand)
	require.NoError(t, err)
	_, err = db.Pool().Exec(t.Context(), `INSERT INTO point_programmes (id, brand_id, code, name, currency, unit_points, unit_minor, confirm_days, grace_days, notice_days, grant_limit, zone, created_at, updated_at)
		VALUES ($1, $2, 'main', '{}', 'JPY', 1, 1, 0, 0, 0, 0, 'Asia/Tokyo', now(), now())`, id.New(), brand)
	require.NoError(t, err)
	return h
}

// importing is noren's import of a file, as a process.
type importing struct {
	*exec.Cmd
	said  bytes.Buffer
	ended chan error
}

func (h *intake) start(p past) *importing {
	c := &importing{ended: make(chan error, 1)}
	c.Cmd = exec.CommandContext(context.WithoutCancel(h.t.Context()), h.binary, "import", p.kind, p.file, "--mapping", p.mapping, "--resume") //nolint:gosec // it was built above
	c.Env, c.Stderr = h.env, &c.said
	require.NoError(h.t, c.Start())
	go func() { c.ended <- c.Wait() }()
	return c
}

// bring lets an import come to its end. Who was killed may have been at its last
// transaction, which the next waits for and then is too late: that one is asked again.
func (h *intake) bring(p past) {
	for tries := 0; ; tries++ {
		c := h.start(p)
		err := <-c.ended
		if err == nil {
			return
		}
		require.Less(h.t, tries, 5, "%s: %v: %s", p.kind, err, &c.said)
	}
}

// bringKilled kills (SIGKILL) an import so often before it lets it come to its end, and
// answers how often it could, and how often some rows were taken and others were not.
func (h *intake) bringKilled(p past, most int) (killed, halfway int) {
	for tries := 0; killed < most && tries < 3*most; tries++ {
		was, c := h.count(p.counts), h.start(p)
		if h.await(p, was, c, tries == 0 && rand.IntN(2) == 0) { //nolint:gosec // any will do
			if h.count(p.counts) > was && !h.unfinished(p) {
				break // it was quicker
			}
			continue
		}
		_ = c.Process.Kill()
		<-c.ended
		if killed++; h.unfinished(p) {
			halfway++
		}
	}
	h.bring(p)
	return killed, halfway
}

// await waits for a random moment: early, while the import begins, else at the next rows that
// it has brought, or soon after. It reports whether the import came to an end before.
func (h *intake) await(p past, was int, c *importing, early bool) (ended bool) {
	soon := func(most int) time.Time { return time.Now().Add(time.Duration(rand.IntN(most)) * time.Millisecond) } //nolint:gosec // any will do
	moment, patience := soon(250), time.Now().Add(time.Minute)
	for {
		select {
		case <-c.ended:
			return true
		case <-time.After(2 * time.Millisecond):
		}
		now := time.Now()
		require.True(h.t, now.Before(patience), "%s brings nothing: %s", p.kind, &c.said)
		switch {
		case early && now.After(moment):
			return false
		case !early && h.count(p.counts) > was:
			if rand.IntN(2) == 0 { //nolint:gosec // any will do
				return false
			}
			early, moment = true, soon(150)
		}
	}
}

func (h *intake) unfinished(p past) bool {
	return h.count(`SELECT count(*) FROM migrations WHERE kind = upper($1) AND state = 'COMMITTING' AND position > 0`, p.kind) > 0
}

func (h *intake) count(sql string, args ...any) (n int) {
	require.NoError(h.t, h.db.Pool().QueryRow(h.t.Context(), sql, args...).Scan(&n))
	return n
}

func (h *intake) rows(sql string) []string {
	found, err := h.db.Pool().Query(h.t.Context(), sql)
	require.NoError(h.t, err)
	all, err := pgx.CollectRows(found, pgx.RowTo[string])
	require.NoError(h.t, err, sql)
	return all
}

// people are what is sealed of members, opened, by their keys.
func (h *intake) people() (all []string) {
	keys, err := app.NewSealing(intakeSecret, h.db, clock.System)
	require.NoError(h.t, err)
	found, err := h.db.Pool().Query(h.t.Context(), `SELECT key, member_id FROM migration_sources ORDER BY key`)
	require.NoError(h.t, err)
	type source struct {
		Key      string
		MemberID uuid.UUID
	}
	sources, err := pgx.CollectRows(found, pgx.RowToStructByName[source])
	require.NoError(h.t, err)
	for some := range slices.Chunk(sources, 1000) {
		ids, names := make([]uuid.UUID, len(some)), map[uuid.UUID]string{}
		for i, s := range some {
			ids[i], names[s.MemberID] = s.MemberID, s.Key
		}
		members, err := postgres.NewMembers(h.db, keys).Members(h.t.Context(), ids)
		require.NoError(h.t, err)
		require.Len(h.t, members, len(some))
		for _, m := range members {
			require.NotNil(h.t, m.Birthday, names[m.ID])
			require.NotNil(h.t, m.Address, names[m.ID])
			all = append(all, fmt.Sprint(names[m.ID], m.Name, m.Kana, m.Phone, m.Email, m.Birthday.Format(time.DateOnly), m.Gender, m.Address.Lines()))
		}
	}
	slices.Sort(all)
	return all
}
