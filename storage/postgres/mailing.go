package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/segment"
)

// Mailings keeps mailings and who gets them in PostgreSQL.
type Mailings struct {
	db       *DB
	members  *Members
	segments *Segments
	keys     *sealing.Keys
}

// NewMailings makes the mailings' store.
func NewMailings(db *DB, keys *sealing.Keys) *Mailings {
	members := NewMembers(db, keys)
	return &Mailings{db, members, NewSegments(db, members), keys}
}

const mailingColumns = `id, brand_id, name, medium, segment_id, store_id, follows_id, currency, piece_cost, fixed_cost, hold_out, window_days, product_ids, category_ids,
	subject, body, imprint, per_second, track_opens, state, refusal, audience, decided, addressed, held_out, left_out, sent, actor_id, created_at, updated_at, sent_at, completed_at,
	coupon_campaign_id, coupon_days`

// Insert keeps a new mailing.
func (s *Mailings) Insert(ctx context.Context, m mailing.Mailing) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO mailings (id, brand_id, follows_id, currency, actor_id, created_at, name, medium, segment_id, store_id, piece_cost, fixed_cost, hold_out, window_days, product_ids, category_ids,
			subject, body, imprint, per_second, track_opens, state, updated_at, coupon_campaign_id, coupon_days)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25)`,
		m.ID, m.BrandID, m.FollowsID, m.Currency, m.ActorID, m.CreatedAt, m.Name, m.Medium, m.SegmentID, m.StoreID, m.PieceCostMinor, m.FixedCostMinor, m.HoldOut, m.WindowDays,
		m.ProductIDs, m.CategoryIDs, m.Subject, m.Body, m.Imprint, m.PerSecond, m.TrackOpens, m.State, m.UpdatedAt, m.CouponCampaignID, m.CouponDays)
	return err
}

// Update keeps what may change of a mailing.
func (s *Mailings) Update(ctx context.Context, m mailing.Mailing) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE mailings SET name = $2, medium = $3, segment_id = $4, store_id = $5, piece_cost = $6, fixed_cost = $7, hold_out = $8, window_days = $9, product_ids = $10, category_ids = $11,
			subject = $12, body = $13, imprint = $14, per_second = $15, track_opens = $16, state = $17, audience = $18, decided = $19, addressed = $20, held_out = $21, left_out = $22,
			sent = $23, updated_at = $24, sent_at = $25, completed_at = $26, refusal = $27, coupon_campaign_id = $28, coupon_days = $29
		WHERE id = $1`,
		m.ID, m.Name, m.Medium, m.SegmentID, m.StoreID, m.PieceCostMinor, m.FixedCostMinor, m.HoldOut, m.WindowDays, m.ProductIDs, m.CategoryIDs,
		m.Subject, m.Body, m.Imprint, m.PerSecond, m.TrackOpens, m.State, m.Audience, m.Decided, m.Addressed, m.HeldOut, m.LeftOut, m.Delivered, m.UpdatedAt, m.SentAt, m.CompletedAt, m.Refusal, m.CouponCampaignID, m.CouponDays)
	return err
}

// Lock is the brand's mailing, locked; nil if there is none.
func (s *Mailings) Lock(ctx context.Context, brandID, mailingID uuid.UUID) (*mailing.Mailing, error) {
	return first[mailing.Mailing](ctx, s.db, `SELECT `+mailingColumns+` FROM mailings WHERE id = $2 AND brand_id = $1 FOR UPDATE`, brandID, mailingID)
}

// ByID is the mailing; nil if there is none.
func (s *Mailings) ByID(ctx context.Context, mailingID uuid.UUID) (*mailing.Mailing, error) {
	return first[mailing.Mailing](ctx, s.db, `SELECT `+mailingColumns+` FROM mailings WHERE id = $1`, mailingID)
}

// List is one page of a brand's mailings, newest first.
func (s *Mailings) List(ctx context.Context, q mailing.ListQuery) (page.Connection[mailing.Mailing], error) {
	where, args := []string{`brand_id = @brand`}, pgx.NamedArgs{"brand": q.BrandID, "state": q.State, "stores": orEmpty(q.Stores)}
	if q.State != nil {
		where = append(where, `state = @state`)
	}
	if q.Only {
		where = append(where, `store_id = ANY(@stores)`)
	}
	return newest(ctx, s.db, mailingColumns, `mailings`, where, args, q.Page, func(m mailing.Mailing) newestKey { return newestKey{m.CreatedAt, m.ID} })
}

// Recipients are one page of a mailing's audience, by their ids.
func (s *Mailings) Recipients(ctx context.Context, q mailing.RecipientQuery) (page.Connection[mailing.Recipient], error) {
	var none page.Connection[mailing.Recipient]
	size, err := q.Page.Size()
	if err != nil {
		return none, err
	}
	var after uuid.UUID
	behind, err := q.Page.Start(&after)
	if err != nil {
		return none, err
	}
	const which = `mailing_id = $1 AND ($2::text IS NULL OR state = $2)`
	rows, err := collect[mailing.Recipient](ctx, s.db, `
		SELECT r.mailing_id, r.member_id, r.state, r.reason, r.position, r.sent_at, r.opened_at, r.clicked_at, r.unsubscribed_at, r.bounce, r.purchases, k.state AS coupon_state, k.order_id AS coupon_order_id
		FROM mailing_recipients r
		LEFT JOIN LATERAL (SELECT state, order_id FROM coupons WHERE batch_id = r.mailing_id AND member_id = r.member_id ORDER BY order_id NULLS LAST, id LIMIT 1) k ON true
		WHERE r.mailing_id = $1 AND ($2::text IS NULL OR r.state = $2) AND r.member_id > $3 ORDER BY r.member_id LIMIT $4`, q.MailingID, q.State, after, size+1)
	if err != nil {
		return none, err
	}
	c := page.Of(rows, size, behind, func(r mailing.Recipient) any { return r.MemberID })
	c.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, s.db, `SELECT count(*) FROM mailing_recipients WHERE `+which, q.MailingID, q.State)
	}
	return c, nil
}

// gatheredWithin is how long it may take to find out whom a segment has.
const gatheredWithin = time.Minute

// Gather freezes whom the segment has as the mailing's candidates.
func (s *Mailings) Gather(ctx context.Context, m mailing.Mailing, g segment.Segment, today time.Time) (n int, err error) {
	const keep = ` INSERT INTO mailing_recipients (mailing_id, member_id, state) SELECT @mailing::uuid, member_id, 'CANDIDATE' FROM `
	if g.Kind == segment.Static {
		tag, err := s.db.conn(ctx).Exec(ctx, keep+`segment_members f JOIN memberships j USING (member_id) WHERE f.segment_id = @segment AND j.brand_id = @brand AND j.ended_at IS NULL`,
			pgx.NamedArgs{"mailing": m.ID, "segment": g.ID, "brand": m.BrandID})
		return int(tag.RowsAffected()), err
	}
	q := segment.Query{BrandID: g.BrandID, Currency: g.Currency, Where: g.Where, Today: today, Zone: channel.From(ctx).Zone(), Within: gatheredWithin}
	err = s.segments.search(ctx, q, func(ctx context.Context, hits string, args pgx.NamedArgs) error {
		args["mailing"] = m.ID
		tag, err := s.db.conn(ctx).Exec(ctx, hits+keep+`hits`, args)
		n = int(tag.RowsAffected())
		return err
	})
	return n, err
}

// candidate is what is known of a candidate beside the personal data.
type candidate struct {
	MemberID uuid.UUID
	Stores   []uuid.UUID
	Consent  *bool
	Gone     bool
	LeftOut  bool
}

// candidateFacts are those of the members u of the mailing $1, of the brand $2 and by the
// medium $3.
const (
	candidateGone  = `j.member_id IS NULL OR x.merged_into IS NOT NULL OR x.erased_at IS NOT NULL`
	candidateJoins = ` JOIN members x ON x.id = u.member_id
		LEFT JOIN memberships j ON j.member_id = u.member_id AND j.brand_id = $2 AND j.ended_at IS NULL
		LEFT JOIN member_settings c ON c.member_id = u.member_id AND c.brand_id = $2 AND c.medium = $3`
	candidateFacts = `SELECT u.member_id, array_remove(ARRAY[j.registered_store_id, j.home_store_id], NULL) AS stores, c.given AS consent, ` + candidateGone + ` AS gone, `
)

// Candidates are some of those of whom it is not known what becomes of them, locked: three
// statements, and one more for e-mail.
func (s *Mailings) Candidates(ctx context.Context, m mailing.Mailing, most int) ([]mailing.Person, error) {
	facts, err := collect[candidate](ctx, s.db, `
		WITH u AS (SELECT member_id FROM mailing_recipients WHERE mailing_id = $1 AND state = 'CANDIDATE' ORDER BY member_id LIMIT $4 FOR UPDATE)
		`+candidateFacts+`false AS left_out FROM u`+candidateJoins, m.ID, m.BrandID, m.Medium, most)
	if err != nil || len(facts) == 0 {
		return nil, err
	}
	all, err := s.people(ctx, facts)
	if err != nil {
		return nil, err
	}
	emails := make([]string, len(all))
	for i, p := range all {
		emails[i] = p.Email
	}
	dead, err := s.dead(ctx, emails)
	for i := range all {
		all[i].Dead = dead[all[i].Email]
	}
	return all, err
}

// people are those of the facts with their personal data, in the same order.
func (s *Mailings) people(ctx context.Context, facts []candidate) ([]mailing.Person, error) {
	ids := make([]uuid.UUID, len(facts))
	for i, f := range facts {
		ids[i] = f.MemberID
	}
	found, err := s.members.Members(ctx, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[uuid.UUID]member.Member, len(found))
	for _, p := range found {
		byID[p.ID] = p
	}
	all := make([]mailing.Person, len(facts))
	for i, f := range facts {
		p := byID[f.MemberID]
		all[i] = mailing.Person{MemberID: f.MemberID, Gone: f.Gone, Stores: f.Stores, Consent: f.Consent, Address: named(p.Address, p.Name), Email: p.Email, LeftOut: f.LeftOut}
	}
	return all, nil
}

// named is the address with the member's name where it has none of its own.
func named(a *customer.Address, name string) *customer.Address {
	if a == nil || a.Name != "" {
		return a
	}
	c := *a
	c.Name = name
	return &c
}

// Suppressed reports whether nothing arrives at the e-mail address.
func (s *Mailings) Suppressed(ctx context.Context, email string) (bool, error) {
	dead, err := s.dead(ctx, []string{email})
	return dead[email], err
}

// dead are those of the e-mail addresses at which nothing arrives.
func (s *Mailings) dead(ctx context.Context, emails []string) (map[string]bool, error) {
	owner, all := map[string]string{}, [][]byte{}
	for _, e := range emails {
		if e == "" {
			continue
		}
		hashes, err := s.keys.Hashes(ctx, "email", sealing.Email(e))
		if err != nil {
			return nil, err
		}
		for _, h := range hashes {
			owner[string(h)] = e
		}
		all = append(all, hashes...)
	}
	found, err := read(ctx, s.db, `SELECT hash FROM mail_addresses WHERE hash = ANY($1) AND suppressed_at IS NOT NULL`, []any{all}, func(rows pgx.Rows) ([][]byte, error) {
		return pgx.CollectRows(rows, pgx.RowTo[[]byte])
	})
	dead := map[string]bool{}
	for _, h := range found {
		dead[owner[string(h)]] = true
	}
	return dead, err
}

// Decide keeps what becomes of candidates.
func (s *Mailings) Decide(ctx context.Context, mailingID uuid.UUID, all []mailing.Decision) error {
	ids, states, reasons, positions := make([]uuid.UUID, len(all)), make([]string, len(all)), make([]string, len(all)), make([]*int, len(all))
	for i, d := range all {
		ids[i], states[i], reasons[i], positions[i] = d.MemberID, string(d.State), string(d.Reason), d.Position
	}
	_, err := s.db.conn(ctx).Exec(ctx, `
		UPDATE mailing_recipients r SET state = d.state, reason = d.reason, position = d.position
		FROM unnest($2::uuid[], $3::text[], $4::text[], $5::int[]) AS d (member_id, state, reason, position)
		WHERE r.mailing_id = $1 AND r.member_id = d.member_id`, mailingID, ids, states, reasons, positions)
	return err
}

// SendLetters lets the letters that wait be sent.
func (s *Mailings) SendLetters(ctx context.Context, mailingID uuid.UUID) (int, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `UPDATE mailing_recipients SET state = 'SENT' WHERE mailing_id = $1 AND state = 'QUEUED'`, mailingID)
	return int(tag.RowsAffected()), err
}

// Working are mailings that a process has to work on and none does.
func (s *Mailings) Working(ctx context.Context, now time.Time) ([]uuid.UUID, error) {
	return s.segments.ids(ctx, `SELECT id FROM mailings WHERE state IN ('PREPARING', 'SENDING') AND (leased_until IS NULL OR leased_until <= $1) ORDER BY leased_until NULLS FIRST, sent_at`, now)
}

// Lease lets one process work on the mailing until then.
func (s *Mailings) Lease(ctx context.Context, mailingID uuid.UUID, now, until time.Time) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `UPDATE mailings SET leased_until = $3 WHERE id = $1 AND (leased_until IS NULL OR leased_until <= $2)`, mailingID, now, until)
	return tag.RowsAffected() > 0, err
}

// Follow lets what is the gone member's be the kept one's, with the links that were followed.
// Where both were in the audience each stays.
func (s *Mailings) Follow(ctx context.Context, keptID, goneID uuid.UUID) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		WITH moved AS (
			UPDATE mailing_recipients r SET member_id = $1 WHERE member_id = $2
				AND NOT EXISTS (SELECT FROM mailing_recipients x WHERE x.mailing_id = r.mailing_id AND x.member_id = $1) RETURNING mailing_id
		)
		UPDATE mailing_clicks c SET member_id = $1 FROM moved WHERE c.mailing_id = moved.mailing_id AND c.member_id = $2
			AND NOT EXISTS (SELECT FROM mailing_clicks x WHERE x.mailing_id = c.mailing_id AND x.link = c.link AND x.member_id = $1)`, keptID, goneID)
	return err
}
