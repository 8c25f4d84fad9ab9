package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
)

// Points keeps points in PostgreSQL.
type Points struct{ db *DB }

// NewPoints makes the points' store.
func NewPoints(db *DB) *Points { return &Points{db} }

const (
	pointAccountColumns = `a.id, a.programme_id, a.member_id, a.available, a.pending, a.owed, a.number, a.lasts_until, a.left_on`
	pointEntryColumns   = `e.account_id, ` + pointEntryRest
	pointEntryRest      = `e.programme_id, e.number, e.key, e.part, e.kind, e.debit, e.credit, e.points, e.available, e.pending, e.undoes, e.order_id, e.purchase_id, e.reason, e.actor_id, e.portions, e.at`
	pointLotColumns     = `l.id, l.account_id, l.programme_id, l.pending, l.issued, l.remaining, l.expires_on, l.order_id, l.purchase_id, l.confirms_at, l.earned_at, l.life_days`
)

// What Lock asks, each of the accounts that are wanted.
var (
	openPointAccounts = forRows("id uuid, programme_id uuid, member_id uuid", `
		INSERT INTO point_accounts (id, programme_id, member_id, left_on)
		SELECT w.id, w.programme_id, w.member_id, (coalesce(o.closed_at, m.erased_at) AT TIME ZONE 'Asia/Tokyo')::date FROM ROWS
		LEFT JOIN LATERAL (SELECT x.id, x.closed_at FROM accounts x WHERE x.id = w.member_id FOR SHARE) o ON true
		LEFT JOIN LATERAL (SELECT x.id, x.erased_at FROM members x WHERE x.id = w.member_id FOR SHARE) m ON true
		WHERE o.id IS NOT NULL OR m.id IS NOT NULL
		ORDER BY w.programme_id, w.member_id ON CONFLICT (programme_id, member_id) DO NOTHING`)
	lockPointAccounts = forRows("programme_id uuid, member_id uuid", `
		SELECT `+pointAccountColumns+` FROM ROWS
		JOIN point_accounts a ON a.programme_id = w.programme_id AND a.member_id = w.member_id AND a.merged_into IS NULL ORDER BY a.id FOR NO KEY UPDATE OF a`)
	openPointLots = forRows("programme_id uuid, member_id uuid", `
		SELECT `+pointLotColumns+` FROM ROWS
		JOIN point_accounts a ON a.programme_id = w.programme_id AND a.member_id = w.member_id
		JOIN point_lots l ON l.account_id = a.id AND l.remaining > 0`)
	emptyPointLots = forRows("programme_id uuid, member_id uuid, key text", `
		SELECT DISTINCT `+pointLotColumns+` FROM ROWS
		JOIN point_accounts a ON a.programme_id = w.programme_id AND a.member_id = w.member_id
		CROSS JOIN LATERAL (SELECT a.id UNION ALL SELECT m.id FROM point_accounts m WHERE m.merged_into = a.id) held
		JOIN point_entries e ON e.account_id = held.id AND e.key = w.key
		CROSS JOIN LATERAL jsonb_array_elements(e.portions) portion
		JOIN point_lots l ON l.id = (portion->>'lot')::uuid AND l.account_id = a.id AND l.remaining = 0`)
	pointProgrammes = forRows("id uuid", `SELECT `+programmeColumns+` FROM point_programmes WHERE id IN (SELECT w.id FROM ROWS)`)
	pastPostings    = forRows("programme_id uuid, member_id uuid, key text", `
		SELECT held.id AS held_id, a.id AS account_id, `+pointEntryRest+` FROM ROWS
		JOIN point_accounts a ON a.programme_id = w.programme_id AND a.member_id = w.member_id
		CROSS JOIN LATERAL (SELECT a.id UNION ALL SELECT m.id FROM point_accounts m WHERE m.merged_into = a.id) held
		CROSS JOIN LATERAL (
			SELECT * FROM point_entries e WHERE e.account_id = held.id AND e.key = w.key
			UNION ALL SELECT * FROM point_entries e WHERE e.account_id = held.id AND e.undoes = w.key AND e.undoes <> ''
		) e
		WHERE held.id = a.id OR e.kind IN `+undone)
)

// Lock locks the accounts by the order of their ids, in one round trip, or in two where
// some are to be opened. What is read besides is read after they are locked, each
// statement with a look of its own.
func (s *Points) Lock(ctx context.Context, wants []points.Want) ([]points.Locked, error) {
	locked, err := s.lock(ctx, wants, &pgx.Batch{})
	if err != nil || len(locked) == len(wants) {
		return locked, err
	}
	batch := &pgx.Batch{}
	queueOpened(batch, wants)
	if locked, err = s.lock(ctx, wants, batch); err == nil && len(locked) < len(wants) { // nobody's, or one that was merged into another
		return nil, points.ErrMember.At("memberId")
	}
	return locked, err
}

func queueOpened(batch *pgx.Batch, wants []points.Want) {
	n := len(wants)
	fresh, programmes, members := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n)
	for i, w := range wants {
		fresh[i], programmes[i], members[i] = id.New(), w.ProgrammeID, w.MemberID
	}
	openPointAccounts.queue(batch, fresh, programmes, members)
}

// lock locks those of the accounts that there are, after what the batch holds.
func (s *Points) lock(ctx context.Context, wants []points.Want, batch *pgx.Batch) ([]points.Locked, error) {
	n := len(wants)
	programmes, members := make([]uuid.UUID, n), make([]uuid.UUID, n)
	var past, undone wantedKeys
	lots := false
	for i, w := range wants {
		programmes[i], members[i] = w.ProgrammeID, w.MemberID
		lots = lots || w.Lots
		past.add(w.Holder, w.Keys)
		undone.add(w.Holder, w.Undone)
	}
	var accounts []points.Account
	var open, empty []points.Lot
	var entries []pastEntry
	var kinds []points.Programme
	readRows(batch, lockPointAccounts, &accounts, programmes, members)
	if lots {
		readRows(batch, openPointLots, &open, programmes, members)
	}
	if len(undone.keys) > 0 {
		readRows(batch, emptyPointLots, &empty, undone.programmes, undone.members, undone.keys)
	}
	readRows(batch, pointProgrammes, &kinds, programmes)
	readRows(batch, pastPostings, &entries, past.programmes, past.members, past.keys)
	if err := s.db.conn(ctx).SendBatch(ctx, batch).Close(); err != nil {
		var pg *pgconn.PgError
		if errors.As(err, &pg) && pg.Code == "23503" {
			return nil, points.ErrMember.At("memberId")
		}
		return nil, err
	}
	return gathered(kinds, accounts, slices.Concat(open, empty), entries), nil
}

// wantedKeys are keys of postings, each of one account.
type wantedKeys struct {
	programmes, members []uuid.UUID
	keys                []string
}

func (k *wantedKeys) add(h points.Holder, keys []string) {
	for _, key := range keys {
		k.programmes, k.members, k.keys = append(k.programmes, h.ProgrammeID), append(k.members, h.MemberID), append(k.keys, key)
	}
}

// undone are the kinds of what may be given back, or brought again, after two members became
// one: their keys are of one payment, transfer or row of an import.
const undone = `('USE', 'RETURN', 'SEND', 'SENT', 'SEND_BACK', 'PRIZE', 'PRIZE_BACK', 'OPENING')`

// pastEntry is an entry of a locked account, or of one that was merged into it. It is read
// twice where its own key and what it undoes are both asked for.
type pastEntry struct {
	HeldID uuid.UUID // whose it was
	points.Entry
}

func (e pastEntry) compare(o pastEntry) int {
	return cmp.Or(cmp.Compare(e.Number, o.Number), slices.Compare(e.HeldID[:], o.HeldID[:]))
}

// gathered puts what was read together by account.
func gathered(kinds []points.Programme, accounts []points.Account, open []points.Lot, past []pastEntry) []points.Locked {
	all, places := make([]points.Locked, len(accounts)), make(map[uuid.UUID]int, len(accounts))
	for i, a := range accounts {
		all[i].Account, places[a.ID] = a, i
		for _, p := range kinds {
			if p.ID == a.ProgrammeID {
				all[i].Programme = p
			}
		}
	}
	for _, l := range open {
		if at, locked := places[l.AccountID]; locked {
			all[at].Lots = append(all[at].Lots, l)
		}
	}
	slices.SortFunc(past, pastEntry.compare)
	for _, e := range slices.CompactFunc(past, func(x, y pastEntry) bool { return x.compare(y) == 0 }) {
		if at, locked := places[e.AccountID]; locked {
			all[at].Past = append(all[at].Past, e.Entry)
		}
	}
	return all
}

// What Write writes, one statement for each table.
var (
	carryPointAccounts = forRows("id uuid, available bigint, pending bigint, owed bigint, number bigint", `
		UPDATE point_accounts a SET available = w.available, pending = w.pending, owed = w.owed, number = w.number FROM ROWS
		WHERE a.id = w.id AND a.number < w.number`)
	makePointLots = forRows("id uuid, account_id uuid, programme_id uuid, pending boolean, issued bigint, remaining bigint, expires_on date, order_id uuid, confirms_at timestamptz, earned_at timestamptz, purchase_id uuid, life_days int", `
		INSERT INTO point_lots (id, account_id, programme_id, pending, issued, remaining, expires_on, order_id, confirms_at, earned_at, purchase_id, life_days) SELECT * FROM ROWS`)
	changePointLots = forRows("id uuid, delta bigint, state boolean, pending boolean, expires_on date, confirms_at timestamptz", `
		UPDATE point_lots l SET remaining = l.remaining + w.delta, pending = CASE WHEN w.state THEN w.pending ELSE l.pending END,
			expires_on = CASE WHEN w.state THEN w.expires_on ELSE l.expires_on END, confirms_at = CASE WHEN w.state THEN w.confirms_at ELSE l.confirms_at END
		FROM ROWS WHERE l.id = w.id`)
	prolongPoints = forRows("account_id uuid, until date, day date", `
		WITH told AS (UPDATE point_accounts a SET lasts_until = w.until FROM ROWS WHERE a.id = w.account_id AND (a.lasts_until IS NULL OR a.lasts_until < w.until))
		UPDATE point_lots l SET expires_on = w.until FROM ROWS JOIN point_accounts a ON a.id = w.account_id AND a.left_on IS NULL
		WHERE l.account_id = w.account_id AND l.remaining > 0 AND NOT l.pending AND l.life_days IS NULL AND l.expires_on >= w.day AND l.expires_on < w.until`)
	makePointEntries = forRows("account_id uuid, programme_id uuid, number bigint, key text, part int, kind text, debit text, credit text, points bigint, available bigint, pending bigint, undoes text, order_id uuid, reason text, actor_id uuid, portions text, at timestamptz, purchase_id uuid", `
		INSERT INTO point_entries (account_id, programme_id, number, key, part, kind, debit, credit, points, available, pending, undoes, order_id, reason, actor_id, portions, at, purchase_id)
		SELECT account_id, programme_id, number, key, part, kind, debit, credit, points, available, pending, undoes, order_id, reason, actor_id, portions::jsonb, at, purchase_id FROM ROWS`)
)

// Write writes down what a book holds, one statement for each table.
func (s *Points) Write(ctx context.Context, c points.Changes) error {
	batch := &pgx.Batch{}
	queuePointAccounts(batch, c.Accounts)
	queueMerged(batch, c.Merged)
	queuePointLots(batch, c.Made)
	queueLotChanges(batch, c.Lots)
	queueProlonged(batch, c.Prolonged)
	queuePointEntries(batch, c.Entries)
	return s.db.later(ctx, batch)
}

func queuePointAccounts(batch *pgx.Batch, all []points.Account) {
	n := len(all)
	if n == 0 {
		return
	}
	ids, available, pending, owed, numbers := make([]uuid.UUID, n), make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, a := range all {
		ids[i], available[i], pending[i], owed[i], numbers[i] = a.ID, a.Available, a.Pending, a.Owed, a.Number
	}
	carryPointAccounts.queue(batch, ids, available, pending, owed, numbers)
}

func queuePointLots(batch *pgx.Batch, all []points.Lot) {
	n := len(all)
	if n == 0 {
		return
	}
	ids, accounts, programmes, orders := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]uuid.UUID, n), make([]*uuid.UUID, n)
	waits, issued, remaining := make([]bool, n), make([]int64, n), make([]int64, n)
	last, confirms, earned, purchases := make([]*time.Time, n), make([]*time.Time, n), make([]time.Time, n), make([]*uuid.UUID, n)
	lives := make([]*int, n)
	for i, l := range all {
		ids[i], accounts[i], programmes[i], orders[i], waits[i], issued[i], remaining[i] = l.ID, l.AccountID, l.ProgrammeID, l.OrderID, l.Pending, l.Issued, l.Remaining
		last[i], confirms[i], earned[i], purchases[i], lives[i] = l.ExpiresOn, l.ConfirmsAt, l.EarnedAt, l.PurchaseID, l.LifeDays
	}
	makePointLots.queue(batch, ids, accounts, programmes, waits, issued, remaining, last, orders, confirms, earned, purchases, lives)
}

func queueLotChanges(batch *pgx.Batch, all []points.LotChange) {
	n := len(all)
	if n == 0 {
		return
	}
	ids, deltas, states, waits := make([]uuid.UUID, n), make([]int64, n), make([]bool, n), make([]bool, n)
	last, confirms := make([]*time.Time, n), make([]*time.Time, n)
	for i, l := range all {
		ids[i], deltas[i], states[i], waits[i], last[i], confirms[i] = l.ID, l.Delta, l.State, l.Pending, l.ExpiresOn, l.ConfirmsAt
	}
	changePointLots.queue(batch, ids, deltas, states, waits, last, confirms)
}

// queueProlonged lets accounts live on, of programmes where that goes by movements.
func queueProlonged(batch *pgx.Batch, all []points.Prolonged) {
	n := len(all)
	if n == 0 {
		return
	}
	latest := map[uuid.UUID]points.Prolonged{} // one row for each account
	for _, p := range all {
		if was, known := latest[p.AccountID]; !known || p.Until.After(was.Until) {
			latest[p.AccountID] = p
		}
	}
	var accounts []uuid.UUID
	var until, days []time.Time
	for _, key := range slices.SortedFunc(maps.Keys(latest), func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }) {
		accounts, until, days = append(accounts, key), append(until, latest[key].Until), append(days, latest[key].Day)
	}
	prolongPoints.queue(batch, accounts, until, days)
}

func queuePointEntries(batch *pgx.Batch, all []points.Entry) {
	n := len(all)
	if n == 0 {
		return
	}
	accounts, programmes, numbers, keys, parts := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]int64, n), make([]string, n), make([]int, n)
	kinds, debits, credits, moved, available, pending := make([]string, n), make([]string, n), make([]string, n), make([]int64, n), make([]int64, n), make([]int64, n)
	undoes, orders, reasons, actors, portions, times := make([]string, n), make([]*uuid.UUID, n), make([]string, n), make([]*uuid.UUID, n), make([]*string, n), make([]time.Time, n)
	purchases := make([]*uuid.UUID, n)
	for i, e := range all {
		accounts[i], programmes[i], numbers[i], keys[i], parts[i] = e.AccountID, e.ProgrammeID, e.Number, e.Key, e.Part
		kinds[i], debits[i], credits[i], moved[i], available[i], pending[i] = string(e.Kind), string(e.Debit), string(e.Credit), e.Points, e.Available, e.Pending
		undoes[i], orders[i], reasons[i], actors[i], times[i] = e.Undoes, e.OrderID, e.Reason, e.ActorID, e.At
		purchases[i] = e.PurchaseID
		if len(e.Portions) > 0 {
			if raw, err := json.Marshal(e.Portions); err == nil {
				text := string(raw)
				portions[i] = &text
			}
		}
	}
	makePointEntries.queue(batch, accounts, programmes, numbers, keys, parts, kinds, debits, credits, moved, available, pending, undoes, orders, reasons, actors, portions, times, purchases)
}

// localDay is the day of a moment where the programme p is at home.
const localDay = `(@at::timestamptz AT TIME ZONE p.zone)::date`

// Balances are the members' accounts with what can be used of them.
func (s *Points) Balances(ctx context.Context, memberIDs []uuid.UUID, at time.Time) ([]points.Balance, error) {
	return collect[points.Balance](ctx, s.db, `
		SELECT `+pointAccountColumns+`, a.available - coalesce(l.lapsed, 0) AS usable, l.next_day, coalesce(n.points, 0)::bigint AS next_count
		FROM point_accounts a JOIN point_programmes p ON p.id = a.programme_id
		LEFT JOIN LATERAL (
			SELECT sum(l.remaining) FILTER (WHERE l.expires_on < `+localDay+`)::bigint AS lapsed, min(l.expires_on) FILTER (WHERE l.expires_on >= `+localDay+`) AS next_day
			FROM point_lots l WHERE l.account_id = a.id AND l.remaining > 0 AND NOT l.pending
		) l ON true
		LEFT JOIN LATERAL (
			SELECT sum(n.remaining) AS points FROM point_lots n WHERE n.account_id = a.id AND n.remaining > 0 AND NOT n.pending AND n.expires_on = l.next_day
		) n ON true
		WHERE a.member_id = ANY(@members) ORDER BY a.id`, pgx.NamedArgs{"members": memberIDs, "at": at})
}

// Posted are the points that postings of these kinds and keys have moved, by their places.
func (s *Points) Posted(ctx context.Context, all []points.Posting) (map[int]int64, error) {
	n := len(all)
	programmes, members, keys, kinds := make([]uuid.UUID, n), make([]uuid.UUID, n), make([]string, n), make([]string, n)
	for i, p := range all {
		programmes[i], members[i], keys[i], kinds[i] = p.ProgrammeID, p.MemberID, p.Key, string(p.Kind)
	}
	found, err := collect[struct {
		Place int
		Moved int64
	}](ctx, s.db, `
		SELECT w.place::int, sum(e.points)::bigint AS moved
		FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[]) WITH ORDINALITY w (programme_id, member_id, key, kind, place)
		JOIN point_accounts a ON a.programme_id = w.programme_id AND a.member_id = w.member_id
		CROSS JOIN LATERAL (SELECT a.id UNION ALL SELECT m.id FROM point_accounts m WHERE m.merged_into = a.id) held
		JOIN point_entries e ON e.account_id = held.id AND e.key = w.key AND e.kind = w.kind
		GROUP BY w.place`, programmes, members, keys, kinds)
	moved := make(map[int]int64, len(found))
	for _, f := range found {
		moved[f.Place-1] = f.Moved
	}
	return moved, err
}

// OpenLots are the member's lots with something left.
func (s *Points) OpenLots(ctx context.Context, h points.Holder) ([]points.Lot, error) {
	return collect[points.Lot](ctx, s.db, `
		SELECT `+pointLotColumns+` FROM point_accounts a JOIN point_lots l ON l.account_id = a.id AND l.remaining > 0
		WHERE a.programme_id = $1 AND a.member_id = $2 ORDER BY l.pending, l.expires_on NULLS LAST, l.earned_at, l.id LIMIT 500`, h.ProgrammeID, h.MemberID)
}

// entryKey is the sort key of an entry in a statement.
type entryKey struct {
	At      time.Time `json:"at"`
	Account uuid.UUID `json:"a"`
	Number  int64     `json:"n"`
}

// Statement is one page of an account's entries, and of those of accounts that were merged
// into it, the newest first. Of each account no more is read than the page may need.
func (s *Points) Statement(ctx context.Context, h points.Holder, p page.Args) (page.Connection[points.Entry], error) {
	var none page.Connection[points.Entry]
	size, err := p.Size()
	if err != nil {
		return none, err
	}
	var after entryKey
	behind, err := p.Start(&after)
	if err != nil {
		return none, err
	}
	keyset := ``
	if behind {
		keyset = ` AND (e.at, e.account_id, e.number) < (@at::timestamptz, @account::uuid, @number::bigint)`
	}
	const accounts = `WITH held AS (
		SELECT a.id FROM point_accounts a WHERE a.programme_id = @programme AND a.member_id = @member
		UNION ALL SELECT g.id FROM point_accounts a JOIN point_accounts g ON g.merged_into = a.id WHERE a.programme_id = @programme AND a.member_id = @member
	)`
	args := pgx.NamedArgs{"programme": h.ProgrammeID, "member": h.MemberID, "at": after.At, "account": after.Account, "number": after.Number, "limit": size + 1}
	rows, err := collect[points.Entry](ctx, s.db, accounts+`
		SELECT `+pointEntryColumns+` FROM held CROSS JOIN LATERAL (
			SELECT * FROM point_entries e WHERE e.account_id = held.id`+keyset+` ORDER BY e.at DESC, e.number DESC LIMIT @limit
		) e ORDER BY e.at DESC, e.account_id DESC, e.number DESC LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	connection := page.Of(rows, size, behind, func(e points.Entry) any { return entryKey{e.At, e.AccountID, e.Number} })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, accounts+` SELECT count(*) FROM held JOIN point_entries e ON e.account_id = held.id`, args)
	}
	return connection, nil
}
