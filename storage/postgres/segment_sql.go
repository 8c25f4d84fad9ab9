package postgres

import (
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/segment"
)

// searchSQL compiles a tree of conditions to one statement's common table "hits", which
// has the members whom the tree holds for, each once.
//
// Every condition on many rows (purchases, pets) is a set of members, joined from the
// left: that it holds is that the set has the member, in whatever group it stands.
// PostgreSQL makes a semi-join of it where it has to hold, an anti-join where it must not.
//
// Sums of all that members bought cost the most. Where they are one of several conditions
// that all have to hold, the others are asked first ("narrowed"), and sums are made of
// the members who are left. They are read from purchase_sums, which has all months in one
// index: to look into the partition of each month for each member takes ten times as long.
//
// Whether it holds for one member is asked of that member's rows alone.
//
// Where the others ask for the buyers of one product, parts of the members are searched at
// once, each by a process of PostgreSQL's own: it cannot share a set of buyers among workers,
// so that each of them would make the whole. There are more parts than processors, so that
// who is done with an easy one takes another.
type searchSQL struct {
	query segment.Query
	args  pgx.NamedArgs
}

// stage is one select over memberships under way: the joins that its conditions need.
type stage struct {
	*searchSQL
	joins    []string
	profiles bool
	part     []string // which part of the members, as comparisons with their ids; none for all
	within   string   // narrows the sets to members who can still be hit; empty for all
}

// compileSearch is the statement of a query, over the parts of the members' ids between cuts.
func compileSearch(q segment.Query, cuts []uuid.UUID) (string, pgx.NamedArgs) {
	s := &searchSQL{query: q, args: pgx.NamedArgs{"brand": q.BrandID, "today": q.Today}}
	light, heavy := parted(q)
	base := []string{`j.brand_id = @brand`, `j.ended_at IS NULL`}
	if q.Only {
		s.args["own_stores"] = orEmpty(q.Stores)
		base = append(base, `(j.registered_store_id = ANY(@own_stores) OR j.home_store_id = ANY(@own_stores))`)
	}
	if q.Frozen != nil {
		s.args["frozen"] = *q.Frozen
		base = append(base, `EXISTS (SELECT FROM segment_members f WHERE f.segment_id = @frozen AND f.member_id = j.member_id)`)
	}
	if q.MemberID != nil {
		s.args["member"] = *q.MemberID
		base = append(base, `j.member_id = @member`)
	}
	if grouped(q) {
		return `WITH hits AS MATERIALIZED (` + s.parts(cuts, base, light, heavy[0]) + `)`, s.args
	}
	if len(light) == 0 || len(heavy) == 0 || q.MemberID != nil {
		one := &stage{searchSQL: s}
		return `WITH hits AS MATERIALIZED (` + one.selected(base, append(light, heavy...)) + `)`, s.args
	}
	first := &stage{searchSQL: s}
	narrowed := first.selected(base, light)
	second := &stage{searchSQL: s, within: `narrowed`}
	return `WITH narrowed AS MATERIALIZED (` + narrowed + `), hits AS MATERIALIZED (` + second.selected(nil, heavy) + `)`, s.args
}

// compileFits is one statement of several queries about the same members.
func compileFits(all []segment.Fit, memberIDs []uuid.UUID) (string, pgx.NamedArgs) {
	args := pgx.NamedArgs{"members": orEmpty(memberIDs)}
	selects := make([]string, len(all))
	for i, f := range all {
		q := f.Query
		q.Members = memberIDs
		args["brand"], args["today"] = q.BrandID, q.Today
		s := &searchSQL{query: q, args: args}
		one := &stage{searchSQL: s}
		hits := one.selected([]string{`j.brand_id = @brand`, `j.ended_at IS NULL`, `j.member_id = ANY(@members)`}, []segment.Condition{q.Where})
		selects[i] = `SELECT ` + s.arg(f.SegmentID) + `::uuid AS segment_id, h.member_id FROM (` + hits + `) h`
	}
	return strings.Join(selects, ` UNION ALL `), args
}

// selected are the members whom all the conditions hold for, with what conditions ask of
// their memberships.
func (s *stage) selected(where []string, all []segment.Condition) string {
	for _, c := range all {
		where = append(where, s.holds(c))
	}
	from := `memberships`
	if s.within != "" {
		from = s.within
	}
	return `SELECT j.member_id, j.registered_store_id, j.home_store_id, j.rank_id FROM ` + from + ` j ` + strings.Join(s.joins, ` `) + ` WHERE ` + strings.Join(where, ` AND `)
}

// arg is the placeholder of a value.
func (s *searchSQL) arg(value any) string {
	name := fmt.Sprint("v", len(s.args))
	s.args[name] = value
	return `@` + name
}

// holds is the condition of SQL that says that c holds; it is never null.
func (s *stage) holds(c segment.Condition) string {
	if around := s.query.Currency; c.Of != nil {
		s.query.Currency = c.In(around)
		defer func() { s.query.Currency = around }()
	}
	switch {
	case c.All != nil:
		return s.group(c.All, ` AND `)
	case c.Any != nil:
		return s.group(c.Any, ` OR `)
	case c.Not != nil:
		return `NOT ` + s.holds(*c.Not)
	case c.Bought != nil:
		return s.in(s.bought(*c.Bought))
	case c.Purchases != nil, c.LastPurchase != nil:
		return s.purchases(c)
	case c.Pet != nil:
		return s.in(s.pet(*c.Pet))
	case c.Points != nil:
		return s.points(*c.Points)
	case c.Consent != nil:
		return s.consent(*c.Consent)
	case c.Mailing != nil, c.ExpiringPoints != nil, c.Coupon != nil:
		return s.in(s.given(c))
	case c.SegmentIDs != nil:
		return s.in(`SELECT DISTINCT x.member_id FROM segment_members x WHERE ` + s.whose() + ` AND x.segment_id = ANY(` + s.arg(c.SegmentIDs) + `)`)
	case c.Prefectures != nil:
		return s.in(`SELECT x.member_id FROM saved_addresses x WHERE ` + s.whose() + ` AND x.is_default AND x.closed_at IS NULL AND x.prefecture = ANY(` + s.arg(c.Prefectures) + `)`)
	case c.Joined != nil:
		return s.joined(c.Joined)
	}
	return s.plain(c)
}

func (s *stage) group(all []segment.Condition, between string) string {
	parts := make([]string, len(all))
	for i, c := range all {
		parts[i] = s.holds(c)
	}
	return `(` + strings.Join(parts, between) + `)`
}

// plain are conditions on the membership's and the profile's own rows.
func (s *stage) plain(c segment.Condition) string {
	switch {
	case c.Store != nil && c.Store.Kind == segment.Home:
		return `coalesce(j.home_store_id = ANY(` + s.arg(c.Store.StoreIDs) + `), false)`
	case c.Store != nil:
		return `coalesce(j.registered_store_id = ANY(` + s.arg(c.Store.StoreIDs) + `), false)`
	case c.RankIDs != nil:
		return `coalesce(j.rank_id = ANY(` + s.arg(c.RankIDs) + `), false)`
	}
	s.profile()
	switch {
	case c.Genders != nil:
		return `coalesce(p.gender, 'UNSAID') = ANY(` + s.arg(c.Genders) + `)`
	case c.BirthMonths != nil:
		return `coalesce(p.birth_month = ANY(` + s.arg(c.BirthMonths) + `), false)`
	case c.Age != nil:
		return s.age(*c.Age)
	}
	return `false`
}

// joined compares moments: a day begins at the brand's midnight. What was narrowed before has
// no column for it.
func (s *stage) joined(p *segment.Period) string {
	from, behind := s.query.Moments(p)
	column := `j.joined_at`
	if s.within != "" {
		name := fmt.Sprint("m", len(s.joins))
		s.joins = append(s.joins, `JOIN memberships `+name+` ON `+name+`.member_id = j.member_id AND `+name+`.brand_id = @brand`)
		column = name + `.joined_at`
	}
	var bounds []string
	if from != nil {
		bounds = append(bounds, column+` >= `+s.arg(*from))
	}
	if behind != nil {
		bounds = append(bounds, column+` < `+s.arg(*behind))
	}
	return `(` + strings.Join(bounds, ` AND `) + `)`
}

func (s *stage) profile() {
	if !s.profiles {
		s.profiles, s.joins = true, append(s.joins, `LEFT JOIN profiles p ON p.member_id = j.member_id`)
	}
}

// age counts by months: the day of birth is sealed. Who has a birthday this month has
// had it.
func (s *stage) age(r segment.Range) string {
	now := s.query.Today.Year()*12 + int(s.query.Today.Month())
	const born = `p.birth_year * 12 + p.birth_month`
	var bounds []string
	if r.Min != nil {
		bounds = append(bounds, born+` <= `+s.arg(now-12**r.Min)+`::int`)
	}
	if r.Max != nil {
		bounds = append(bounds, born+` > `+s.arg(now-12*(*r.Max+1))+`::int`)
	}
	return `coalesce(` + strings.Join(bounds, ` AND `) + `, false)`
}

// in joins a set of members, each of whom it has once, and says that it has the member.
func (s *stage) in(set string) string {
	name := fmt.Sprint("s", len(s.joins)+1)
	if s.within != "" {
		name = fmt.Sprint("t", len(s.joins))
	}
	s.joins = append(s.joins, `LEFT JOIN (`+set+`) `+name+` ON `+name+`.member_id = j.member_id`)
	return `(` + name + `.member_id IS NOT NULL)`
}

// whose narrows the rows of a set, x, to those of members whom the search may find.
func (s *stage) whose() string {
	if s.query.MemberID != nil {
		return `x.member_id = @member`
	}
	if s.query.Members != nil {
		return `x.member_id = ANY(@members)`
	}
	if len(s.part) > 0 {
		return strings.Join(s.of(`x.member_id`), ` AND `)
	}
	return `x.member_id IS NOT NULL`
}

// days narrows to a period, which lets PostgreSQL leave out the months beside it.
func (s *stage) days(p *segment.Period) (where []string) {
	from, until := p.Between(s.query.Today)
	if from != nil {
		where = append(where, `x.bought_on >= `+s.arg(from.Format(time.DateOnly))+`::text::date`)
	}
	if until != nil {
		where = append(where, `x.bought_on <= `+s.arg(until.Format(time.DateOnly))+`::text::date`)
	}
	return where
}

// bought are those who bought the goods. Of one product they come in their order out of the
// index, so that what is looked up of each lies beside what was of the one before.
func (s *stage) bought(b segment.Bought) string {
	goods, order := `x.product_id = ANY(`, ``
	if ofOneProduct(b) {
		goods, order = `x.product_id = `+s.arg(b.ProductIDs[0]), ` ORDER BY x.member_id`
	} else {
		goods += s.goods(b) + `)`
	}
	where := append([]string{goods}, s.days(b.Period)...)
	least := 1
	quantity := segment.Range{Min: &least}
	if b.Quantity != nil {
		quantity.Max = b.Quantity.Max
		if b.Quantity.Min != nil {
			quantity.Min = b.Quantity.Min
		}
	}
	having := append(s.counts(`sum(x.quantity)`, &quantity), s.amounts(`sum(x.amount)`, b.Amount)...)
	return s.sums(`purchase_lines`, where, having) + order
}

// goods are all products that the condition names, and those of what it names. Products
// alone are told as they stand: PostgreSQL plans by how often they were bought.
func (s *stage) goods(b segment.Bought) string {
	named := s.arg(b.ProductIDs) + `::uuid[]`
	if len(b.CategoryIDs)+len(b.ProductBrandIDs) == 0 {
		return named
	}
	goods := []string{`SELECT unnest(` + named + `)`}
	if len(b.CategoryIDs) > 0 {
		goods = append(goods, `SELECT product_id FROM product_categories WHERE category_id IN (WITH RECURSIVE tree AS (
			SELECT unnest(`+s.arg(b.CategoryIDs)+`::uuid[]) AS id UNION SELECT c.id FROM categories c JOIN tree ON c.parent_id = tree.id) SELECT id FROM tree)`)
	}
	if len(b.ProductBrandIDs) > 0 {
		goods = append(goods, `SELECT id FROM products WHERE product_brand_id = ANY(`+s.arg(b.ProductBrandIDs)+`)`)
	}
	return `ARRAY(` + strings.Join(goods, ` UNION `) + `)`
}

func (s *stage) pet(p segment.Pet) string {
	where := []string{s.whose(), `closed_at IS NULL`}
	if len(p.Species) > 0 {
		where = append(where, `species = ANY(`+s.arg(p.Species)+`)`)
	}
	if len(p.Breeds) > 0 {
		where = append(where, `breed = ANY(`+s.arg(p.Breeds)+`)`)
	}
	if p.Age != nil && p.Age.Min != nil {
		where = append(where, `birthday <= (@today::date - make_interval(years => `+s.arg(*p.Age.Min)+`::int))::date`)
	}
	if p.Age != nil && p.Age.Max != nil {
		where = append(where, `birthday > (@today::date - make_interval(years => `+s.arg(*p.Age.Max+1)+`::int))::date`)
	}
	if p.BirthMonths != nil {
		where = append(where, `extract(month FROM birthday)::int = ANY(`+s.arg(p.BirthMonths)+`)`)
	}
	return `SELECT DISTINCT x.member_id FROM pets x WHERE ` + strings.Join(where, ` AND `)
}

// responses say of an audience's row that its member responded so.
var responses = map[segment.Response]string{
	segment.GotMailing: `x.state = 'SENT'`,
	segment.HeldOut:    `x.state = 'HELD_OUT'`,
	segment.BoughtOf:   `x.state = 'SENT' AND x.purchases > 0`,
	segment.NotBought:  `x.state = 'SENT' AND x.purchases = 0`,
	segment.OpenedOf:   `x.state = 'SENT' AND x.opened_at IS NOT NULL`,
	segment.NotOpened:  `x.state = 'SENT' AND x.opened_at IS NULL`,
	segment.ClickedOf:  `x.state = 'SENT' AND x.clicked_at IS NOT NULL`,
	segment.NotClicked: `x.state = 'SENT' AND x.clicked_at IS NULL`,
}

func (s *stage) mailing(m segment.OfMailing) string {
	return `SELECT DISTINCT x.member_id FROM mailing_recipients x WHERE ` + s.whose() + ` AND x.mailing_id = ANY(` + s.arg(m.MailingIDs) + `) AND ` + responses[m.Response]
}

func (s *stage) points(p segment.Points) string {
	name := fmt.Sprint("b", len(s.joins))
	s.joins = append(s.joins, `LEFT JOIN point_accounts `+name+` ON `+name+`.member_id = j.member_id AND `+name+`.programme_id = `+s.arg(p.ProgrammeID))
	return `(` + strings.Join(s.counts(`coalesce(`+name+`.available, 0)`, &p.Balance), ` AND `) + `)`
}

// given are those of whom a condition on what they were sent or given holds.
func (s *stage) given(c segment.Condition) string {
	switch {
	case c.Mailing != nil:
		return s.mailing(*c.Mailing)
	case c.Coupon != nil:
		return s.coupon(*c.Coupon)
	}
	return s.expiring(*c.ExpiringPoints)
}

// expiring are those whose points that can be used today, and not after the day, come to so
// many. Points of a shared programme of another brand are asked for by its id alone.
func (s *stage) expiring(e segment.ExpiringPoints) string {
	programmes := `ARRAY(SELECT id FROM point_programmes WHERE brand_id = @brand)`
	if e.ProgrammeID != nil {
		programmes = s.arg([]uuid.UUID{*e.ProgrammeID}) + `::uuid[]`
	}
	return `SELECT x.member_id FROM point_lots l JOIN point_accounts x ON x.id = l.account_id
		WHERE ` + s.whose() + ` AND l.programme_id = ANY(` + programmes + `) AND l.remaining > 0 AND NOT l.pending
			AND l.expires_on >= @today::date AND l.expires_on <= ` + s.arg(e.Last(s.query.Today).Format(time.DateOnly)) + `::text::date
		GROUP BY x.member_id HAVING sum(l.remaining) >= ` + s.arg(e.Least) + `::bigint`
}

// coupon are those who have a coupon that can be used now, or have used one with an order that
// still has it.
func (s *stage) coupon(c segment.OfCoupon) string {
	campaigns := s.arg(c.CampaignIDs)
	if c.State == segment.UsedCoupon {
		return `SELECT DISTINCT x.member_id FROM (
			SELECT buyer_id AS member_id FROM campaign_uses WHERE campaign_id = ANY(` + campaigns + `) AND coupon_id IS NOT NULL AND returned_at IS NULL
		) x WHERE ` + s.whose()
	}
	now := s.arg(s.query.Now)
	return `SELECT DISTINCT x.member_id FROM coupons x
		WHERE ` + s.whose() + ` AND x.campaign_id = ANY(` + campaigns + `) AND x.state = 'ISSUED' AND x.valid_from <= ` + now + ` AND x.valid_until > ` + now
}

func (s *stage) consent(c segment.Consent) string {
	name := fmt.Sprint("c", len(s.joins))
	s.joins = append(s.joins, `LEFT JOIN member_settings `+name+` ON `+name+`.member_id = j.member_id AND `+name+`.brand_id = @brand AND `+name+`.medium = `+s.arg(c.Medium))
	return `(coalesce(` + name + `.given, false) = ` + s.arg(c.Given) + `)`
}
