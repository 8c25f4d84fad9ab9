package postgres_test

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/segment"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

var searchDay = time.Date(2026, 6, 15, 0, 0, 0, 0, time.UTC)

func some(n int) *int { return &n }

func yen(n int64) *decimal.Decimal {
	d := decimal.NewFromInt(n)
	return &d
}

// spaced is a statement with single spaces.
func spaced(sql string) string { return strings.Join(strings.Fields(sql), " ") }

func TestASearchIsOneStatement(t *testing.T) {
	t.Parallel()
	first := searchDay.AddDate(0, 0, -364)
	q := segment.Query{Currency: "JPY", Today: searchDay, Where: segment.Condition{All: []segment.Condition{
		{Genders: []customer.Gender{"FEMALE"}},
		{Bought: &segment.Bought{ProductIDs: []uuid.UUID{uuid.Max}, Period: &segment.Period{LastDays: some(365)}}},
		{Purchases: &segment.Purchases{Period: &segment.Period{From: &first}, Amount: &segment.Amounts{Min: yen(30000)}}},
		{Not: &segment.Condition{Consent: &segment.Consent{Medium: member.DM, Given: false}}},
	}}}
	sql, args := postgres.CompileSearch(q, nil)
	require.Equal(t, spaced(`
		WITH hits AS MATERIALIZED (SELECT j.member_id FROM memberships j
			LEFT JOIN profiles p ON p.member_id = j.member_id
			LEFT JOIN (SELECT x.member_id FROM purchase_lines x WHERE x.member_id IS NOT NULL AND x.product_id = @v3
				AND x.bought_on >= @v4::text::date AND x.bought_on <= @v5::text::date GROUP BY x.member_id HAVING sum(x.quantity) >= @v6::bigint ORDER BY x.member_id) s2 ON s2.member_id = j.member_id
			LEFT JOIN member_settings c2 ON c2.member_id = j.member_id AND c2.brand_id = @brand AND c2.medium = @v7
			JOIN purchase_sums x ON x.member_id = j.member_id
			WHERE j.brand_id = @brand AND j.ended_at IS NULL AND coalesce(p.gender, 'UNSAID') = ANY(@v2) AND (s2.member_id IS NOT NULL) AND NOT (coalesce(c2.given, false) = @v8)
				AND x.member_id IS NOT NULL AND x.brand_id = @brand AND x.bought_on >= @v9::text::date
			GROUP BY j.member_id HAVING sum(x.total) >= @v10::bigint)`), spaced(sql))
	require.Equal(t, "2025-06-16 2026-06-15 2025-06-16", fmt.Sprint(args["v4"], " ", args["v5"], " ", args["v9"]))
	require.EqualValues(t, 30000, args["v10"])

	sql, args = postgres.CompileSearch(q, []uuid.UUID{{1}, {2}})
	selects := strings.Split(spaced(sql), " UNION ALL ")
	require.Len(t, selects, 3, "each part is a select of its own")
	for i, ends := range []map[string]byte{{"<": 1}, {">=": 1, "<": 2}, {">=": 2}} {
		compared := regexp.MustCompile(`member_id (<|>=) (@v\d+)`).FindAllStringSubmatch(selects[i], -1)
		require.Len(t, compared, 3*len(ends), "members, lines and sums of the part alone: %s", selects[i])
		for _, c := range compared {
			require.Equal(t, uuid.UUID{ends[c[1]]}, args[c[2][1:]], selects[i])
		}
	}
}

func TestSeveralSumsAreMadeOfWhomTheRestLeaves(t *testing.T) {
	t.Parallel()
	spent := segment.Condition{Purchases: &segment.Purchases{Amount: &segment.Amounts{Min: yen(30000)}}}
	sql, _ := postgres.CompileSearch(segment.Query{Currency: "JPY", Today: searchDay, Where: segment.Condition{All: []segment.Condition{
		{Genders: []customer.Gender{"FEMALE"}}, spent, {Not: &spent},
	}}}, []uuid.UUID{uuid.Max})
	require.Equal(t, spaced(`
		WITH narrowed AS MATERIALIZED (SELECT j.member_id, j.registered_store_id, j.home_store_id, j.rank_id FROM memberships j
			LEFT JOIN profiles p ON p.member_id = j.member_id
			WHERE j.brand_id = @brand AND j.ended_at IS NULL AND coalesce(p.gender, 'UNSAID') = ANY(@v2)),
		hits AS MATERIALIZED (SELECT j.member_id, j.registered_store_id, j.home_store_id, j.rank_id FROM narrowed j
			LEFT JOIN (SELECT x.member_id FROM narrowed n JOIN purchase_sums x ON x.member_id = n.member_id WHERE x.member_id IS NOT NULL AND x.brand_id = @brand
				GROUP BY x.member_id HAVING sum(x.total) >= @v3::bigint) t0 ON t0.member_id = j.member_id
			LEFT JOIN (SELECT x.member_id FROM narrowed n JOIN purchase_sums x ON x.member_id = n.member_id WHERE x.member_id IS NOT NULL AND x.brand_id = @brand
				GROUP BY x.member_id HAVING sum(x.total) >= @v4::bigint) t1 ON t1.member_id = j.member_id
			WHERE (t0.member_id IS NOT NULL) AND NOT (t1.member_id IS NOT NULL))`), spaced(sql))
}

// known is a member as the naive evaluation knows them.
type known struct {
	id          uuid.UUID
	gender      customer.Gender
	born        int // year * 12 + month; 0: not known
	store, rank uuid.UUID
	points      int64
	mail        bool
	lots        []expiringLot
	pets        []customer.Pet
	bought      []boughtOnce
}

// expiringLot is points whose last day is so many days from the day of the search.
type expiringLot struct{ days, points int }

type boughtOnce struct {
	on              time.Time
	product         uuid.UUID
	quantity, price int
}

//nolint:gocyclo // a case for each kind of condition
func (k known) fits(c segment.Condition, category map[uuid.UUID]uuid.UUID) bool {
	fits := func(c segment.Condition) bool { return k.fits(c, category) }
	switch {
	case c.All != nil:
		return !slices.ContainsFunc(c.All, func(c segment.Condition) bool { return !fits(c) })
	case c.Any != nil:
		return slices.ContainsFunc(c.Any, fits)
	case c.Not != nil:
		return !fits(*c.Not)
	case c.Bought != nil:
		return k.boughtGoods(*c.Bought, category)
	case c.Purchases != nil:
		return k.boughtSoMuch(*c.Purchases)
	case c.LastPurchase != nil:
		return k.boughtLast(c.LastPurchase)
	case c.Age != nil:
		return k.born > 0 && c.Age.Has(int64((searchDay.Year()*12+int(searchDay.Month())-k.born)/12))
	case c.Genders != nil:
		return slices.Contains(c.Genders, k.gender)
	case c.BirthMonths != nil:
		return k.born > 0 && slices.Contains(c.BirthMonths, (k.born-1)%12+1)
	case c.Pet != nil:
		return slices.ContainsFunc(k.pets, func(p customer.Pet) bool { return petFits(p, *c.Pet) })
	case c.Store != nil:
		return slices.Contains(c.Store.StoreIDs, k.store)
	case c.RankIDs != nil:
		return slices.Contains(c.RankIDs, k.rank)
	case c.Points != nil:
		return c.Points.Balance.Has(k.points)
	case c.ExpiringPoints != nil:
		return k.loses(*c.ExpiringPoints)
	}
	return k.mail == c.Consent.Given
}

func (k known) loses(e segment.ExpiringPoints) bool {
	sum := 0
	for _, l := range k.lots {
		if l.days >= 0 && !searchDay.AddDate(0, 0, l.days).After(e.Last(searchDay)) {
			sum += l.points
		}
	}
	return sum >= e.Least
}

func within(p *segment.Period, day time.Time) bool {
	from, until := p.Between(searchDay)
	return (from == nil || !day.Before(*from)) && (until == nil || !day.After(*until))
}

func (k known) boughtGoods(b segment.Bought, category map[uuid.UUID]uuid.UUID) bool {
	pieces, amount := 0, 0
	for _, l := range k.bought {
		if within(b.Period, l.on) && (slices.Contains(b.ProductIDs, l.product) || slices.Contains(b.CategoryIDs, category[l.product])) {
			pieces, amount = pieces+l.quantity, amount+l.quantity*l.price
		}
	}
	if b.Quantity != nil && !b.Quantity.Has(int64(pieces)) || (b.Quantity == nil || b.Quantity.Min == nil) && pieces < 1 {
		return false
	}
	return b.Amount.Has(decimal.NewFromInt(int64(amount)))
}

func (k known) boughtSoMuch(p segment.Purchases) bool {
	items, amount, visits := 0, 0, 0
	for _, l := range k.bought {
		if within(p.Period, l.on) {
			items, amount = items+l.quantity, amount+l.quantity*l.price
			if l.quantity > 0 {
				visits++
			}
		}
	}
	return p.Amount.Has(decimal.NewFromInt(int64(amount))) && p.Items.Has(int64(items)) && p.Visits.Has(int64(visits))
}

func (k known) boughtLast(p *segment.Period) bool {
	var last time.Time
	for _, l := range k.bought {
		if l.quantity > 0 && l.on.After(last) {
			last = l.on
		}
	}
	return !last.IsZero() && within(p, last)
}

func petFits(p customer.Pet, c segment.Pet) bool {
	if len(c.Species) > 0 && !slices.Contains(c.Species, p.Species) || len(c.Breeds) > 0 && !slices.Contains(c.Breeds, p.Breed) {
		return false
	}
	if p.Birthday == nil {
		return c.Age == nil && c.BirthMonths == nil
	}
	if c.BirthMonths != nil && !slices.Contains(c.BirthMonths, int(p.Birthday.Month())) {
		return false
	}
	if c.Age == nil {
		return true
	}
	age := searchDay.Year() - p.Birthday.Year()
	if searchDay.Before(p.Birthday.AddDate(age, 0, 0)) {
		age--
	}
	return c.Age.Has(int64(age))
}

// town is who there is to search for.
type town struct {
	*pgtest.Shop
	store                               *postgres.Segments
	people                              []known
	products, categories, stores, ranks []uuid.UUID
	programme                           uuid.UUID
	category                            map[uuid.UUID]uuid.UUID
}

func newTown(t *testing.T) *town {
	w := &town{Shop: pgtest.NewShop(t), category: map[uuid.UUID]uuid.UUID{}, programme: id.New()}
	w.store = postgres.NewSegments(w.DB, nil)
	exec := func(sql string, args ...any) {
		_, err := w.DB.Pool().Exec(t.Context(), sql, args...)
		require.NoError(t, err, sql)
	}
	for i := range 2 {
		parent, child, store, rank := id.New(), id.New(), id.New(), id.New()
		exec(`INSERT INTO categories (id, brand_id, slug, name) VALUES ($1, $2, $3, '{"ja":"分類"}')`, parent, w.BrandID, fmt.Sprint("parent", i))
		exec(`INSERT INTO categories (id, brand_id, parent_id, slug, name) VALUES ($1, $2, $3, $4, '{"ja":"分類"}')`, child, w.BrandID, parent, fmt.Sprint("child", i))
		exec(`INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, $3, '{"ja":"店"}', 'SHOP')`, store, w.BrandID, fmt.Sprint("shop", i))
		exec(`INSERT INTO member_ranks (id, brand_id, code, name, min_spend, months, updated_at) VALUES ($1, $2, $3, '{"ja":"金"}', $4, 12, now())`, rank, w.BrandID, fmt.Sprint("R", i), i)
		w.categories, w.stores, w.ranks = append(w.categories, parent), append(w.stores, store), append(w.ranks, rank)
		for n := range 2 {
			p := w.AddProduct(t, fmt.Sprint("goods", i, n), 100)
			exec(`INSERT INTO product_categories (product_id, category_id) VALUES ($1, $2)`, p.ID, child)
			w.products, w.category[p.ID] = append(w.products, p.ID), parent
		}
	}
	exec(`INSERT INTO point_programmes (id, brand_id, code, name, currency, unit_points, unit_minor, confirm_days, grace_days, notice_days, grant_limit, zone, created_at, updated_at)
		VALUES ($1, $2, 'p', '{"ja":"点"}', 'JPY', 1, 1, 0, 0, 0, 0, 'Asia/Tokyo', now(), now())`, w.programme, w.BrandID)
	return w
}

func pick[T any](r *rapid.T, all []T) T { return rapid.SampledFrom(all).Draw(r, "of") }

func (w *town) move(r *rapid.T, n int) {
	ctx := context.Background()
	batch := &pgx.Batch{}
	for _, table := range []string{"purchases", "purchase_lines", "pets", "point_lots", "point_accounts", "member_settings", "profiles", "memberships", "members", "accounts"} {
		batch.Queue(`DELETE FROM ` + table)
	}
	w.people = nil
	for range n {
		k := known{
			id: id.New(), gender: pick(r, []customer.Gender{"FEMALE", "MALE", "UNSAID"}), store: pick(r, w.stores), rank: pick(r, append(w.ranks, uuid.Nil)),
			points: int64(rapid.IntRange(0, 3).Draw(r, "points")), mail: rapid.Bool().Draw(r, "mail"),
		}
		batch.Queue(`INSERT INTO accounts (id, email, name, role, created_at, updated_at) VALUES ($1, $2, '', 'MEMBER', now(), now())`, k.id, k.id.String()+"@example.jp")
		batch.Queue(`INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, k.id)
		batch.Queue(`INSERT INTO memberships (member_id, brand_id, registered_store_id, home_store_id, rank_id, joined_at) VALUES ($1, $2, $3, $3, nullif($4::uuid, '00000000-0000-0000-0000-000000000000'), now())`, k.id, w.BrandID, k.store, k.rank)
		if rapid.Bool().Draw(r, "profile") {
			k.born = rapid.IntRange(1960*12+1, 2010*12).Draw(r, "born")
			batch.Queue(`INSERT INTO profiles (member_id, gender, birth_year, birth_month, updated_at) VALUES ($1, $2, $3, $4, now())`, k.id, k.gender, (k.born-1)/12, (k.born-1)%12+1)
		} else {
			k.gender = "UNSAID"
		}
		if account := id.New(); k.points > 0 {
			batch.Queue(`INSERT INTO point_accounts (id, programme_id, member_id, available) VALUES ($1, $2, $3, $4)`, account, w.programme, k.id, k.points)
			for range rapid.IntRange(0, 3).Draw(r, "lots") {
				l := expiringLot{rapid.IntRange(-2, 6).Draw(r, "ends"), rapid.IntRange(1, 3).Draw(r, "left")}
				k.lots = append(k.lots, l)
				batch.Queue(`INSERT INTO point_lots (id, account_id, programme_id, pending, issued, remaining, expires_on, earned_at) VALUES ($1, $2, $3, false, 9, $4, $5, now())`,
					id.New(), account, w.programme, l.points, searchDay.AddDate(0, 0, l.days))
			}
			batch.Queue(`INSERT INTO point_lots (id, account_id, programme_id, pending, issued, remaining, expires_on, earned_at) VALUES ($1, $2, $3, true, 9, 9, $4, now())`,
				id.New(), account, w.programme, searchDay)
		}
		if k.mail {
			batch.Queue(`INSERT INTO member_settings (member_id, brand_id, medium, given, since) VALUES ($1, $2, 'MAIL', true, now())`, k.id, w.BrandID)
		}
		for range rapid.IntRange(0, 2).Draw(r, "pets") {
			p := customer.Pet{ID: id.New(), Species: pick(r, []customer.Species{"DOG", "CAT"}), Breed: pick(r, []string{"柴犬", "雑種"})}
			if rapid.Bool().Draw(r, "birthday") {
				day := searchDay.AddDate(0, 0, -rapid.IntRange(0, 2000).Draw(r, "days"))
				p.Birthday = &day
			}
			k.pets = append(k.pets, p)
			batch.Queue(`INSERT INTO pets (id, member_id, name, species, breed, birthday, created_at, updated_at) VALUES ($1, $2, 'x', $3, $4, $5, now(), now())`, p.ID, k.id, p.Species, p.Breed, p.Birthday)
		}
		for range rapid.IntRange(0, 4).Draw(r, "purchases") {
			b := boughtOnce{
				on: searchDay.AddDate(0, 0, -rapid.IntRange(0, 12).Draw(r, "ago")), product: pick(r, w.products), quantity: pick(r, []int{-1, 1, 1, 2}), price: pick(r, []int{100, 300}),
			}
			k.bought = append(k.bought, b)
			key := id.New()
			batch.Queue(`INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, items, total, currency, created_at) VALUES ($1, $2::date, now(), $3, $4, 'ONLINE', $5, $6, 'JPY', now())`,
				key, b.on, w.BrandID, k.id, b.quantity, b.quantity*b.price)
			batch.Queue(`INSERT INTO purchase_lines (purchase_id, bought_on, position, brand_id, member_id, product_id, code, name, quantity, amount) VALUES ($1, $2, 1, $3, $4, $5, 'x', 'x', $6, $7)`,
				key, b.on, w.BrandID, k.id, b.product, b.quantity, b.quantity*b.price)
		}
		w.people = append(w.people, k)
	}
	require.NoError(r, w.DB.Pool().SendBatch(ctx, batch).Close())
}

func bounds(r *rapid.T, low, high int) *segment.Range {
	a, b := rapid.IntRange(low, high).Draw(r, "min"), rapid.IntRange(low, high).Draw(r, "max")
	both := segment.Range{Min: some(min(a, b)), Max: some(max(a, b))}
	return pick(r, []*segment.Range{{Min: both.Min}, {Max: both.Max}, &both})
}

func amounts(r *rapid.T) *segment.Amounts {
	b := bounds(r, 0, 6)
	scaled := func(n *int) *decimal.Decimal {
		if n == nil {
			return nil
		}
		return yen(int64(*n) * 100)
	}
	return pick(r, []*segment.Amounts{nil, {Min: scaled(b.Min), Max: scaled(b.Max)}})
}

func period(r *rapid.T) *segment.Period {
	from := searchDay.AddDate(0, 0, -rapid.IntRange(6, 12).Draw(r, "from"))
	until := searchDay.AddDate(0, 0, -rapid.IntRange(0, 6).Draw(r, "until"))
	return pick(r, []*segment.Period{{From: &from}, {Until: &until}, {From: &from, Until: &until}, {LastDays: some(rapid.IntRange(1, 12).Draw(r, "last"))}})
}

//nolint:gocyclo // a case for each kind of condition
func (w *town) tree(r *rapid.T, depth int) segment.Condition {
	kind := rapid.IntRange(0, 14).Draw(r, "kind")
	if depth > 2 {
		kind = 3 + kind%12
	}
	several := func() (all []segment.Condition) {
		for range rapid.IntRange(1, 3).Draw(r, "several") {
			all = append(all, w.tree(r, depth+1))
		}
		return all
	}
	switch kind {
	case 0:
		return segment.Condition{All: several()}
	case 1:
		return segment.Condition{Any: several()}
	case 2:
		below := w.tree(r, depth+1)
		return segment.Condition{Not: &below}
	case 3:
		b := segment.Bought{ProductIDs: []uuid.UUID{pick(r, w.products)}, Period: period(r), Amount: amounts(r)}
		if rapid.Bool().Draw(r, "category") {
			b.ProductIDs, b.CategoryIDs = nil, []uuid.UUID{pick(r, w.categories)}
		}
		if rapid.Bool().Draw(r, "counted") {
			b.Quantity = bounds(r, 1, 4)
		}
		return segment.Condition{Bought: &b}
	case 4:
		return segment.Condition{Purchases: &segment.Purchases{Period: period(r), Amount: amounts(r), Items: bounds(r, 0, 5)}}
	case 5:
		return segment.Condition{Purchases: &segment.Purchases{Visits: bounds(r, 0, 3)}}
	case 6:
		return segment.Condition{LastPurchase: period(r)}
	case 7:
		return segment.Condition{Age: bounds(r, 15, 66)}
	case 8:
		return segment.Condition{Genders: []customer.Gender{pick(r, []customer.Gender{"FEMALE", "UNSAID"})}}
	case 9:
		return segment.Condition{BirthMonths: []int{rapid.IntRange(1, 12).Draw(r, "a"), rapid.IntRange(1, 12).Draw(r, "b")}}
	case 10:
		return segment.Condition{Pet: &segment.Pet{Species: []customer.Species{"DOG"}, Breeds: pick(r, [][]string{nil, {"柴犬"}}), BirthMonths: pick(r, [][]int{nil, {1, 2, 3, 4, 5, 6}}), Age: pick(r, []*segment.Range{nil, bounds(r, 0, 5)})}}
	case 11:
		return segment.Condition{Store: &segment.OfStore{Kind: pick(r, []segment.StoreKind{segment.Home, segment.Registered}), StoreIDs: []uuid.UUID{pick(r, w.stores)}}}
	case 12:
		return pick(r, []segment.Condition{{RankIDs: []uuid.UUID{pick(r, w.ranks)}}, {Consent: &segment.Consent{Medium: member.Mail, Given: rapid.Bool().Draw(r, "given")}}})
	case 13:
		e := segment.ExpiringPoints{ProgrammeID: pick(r, []*uuid.UUID{nil, &w.programme}), Least: rapid.IntRange(1, 5).Draw(r, "least")}
		if days := rapid.IntRange(0, 6).Draw(r, "days"); rapid.Bool().Draw(r, "by") {
			by := searchDay.AddDate(0, 0, days)
			e.By = &by
		} else {
			e.WithinDays = &days
		}
		return segment.Condition{ExpiringPoints: &e}
	}
	return segment.Condition{Points: &segment.Points{ProgrammeID: w.programme, Balance: *bounds(r, 0, 3)}}
}

// summed is a tree of which one condition is of sums, one of a product's buyers, and one any.
func (w *town) summed(r *rapid.T) segment.Condition {
	return segment.Condition{All: []segment.Condition{
		w.tree(r, 3), {Bought: &segment.Bought{ProductIDs: []uuid.UUID{pick(r, w.products)}, Period: period(r), Amount: amounts(r)}},
		pick(r, []segment.Condition{{LastPurchase: period(r)}, {Purchases: &segment.Purchases{Period: period(r), Amount: &segment.Amounts{Min: yen(100)}, Visits: bounds(r, 1, 3)}}}),
	}}
}

// inParts are whom the search finds in the parts of the members that the cuts make.
func (w *town) inParts(r *rapid.T, q segment.Query, cuts ...uuid.UUID) []uuid.UUID {
	slices.SortFunc(cuts, func(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) })
	sql, args := postgres.CompileSearch(q, cuts)
	rows, err := w.DB.Pool().Query(context.Background(), sql+` SELECT member_id FROM hits ORDER BY member_id`, args)
	require.NoError(r, err)
	found, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	require.NoError(r, err)
	return append([]uuid.UUID{}, found...)
}

func TestASearchFindsWhoFits(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	rapid.Check(t, func(r *rapid.T) {
		w.move(r, 15)
		for i := range 10 {
			c := w.tree(r, 0)
			if i%3 == 0 {
				c = w.summed(r)
			}
			want := []uuid.UUID{}
			for _, k := range w.people {
				if k.fits(c, w.category) {
					want = append(want, k.id)
				}
			}
			slices.SortFunc(want, func(a, b uuid.UUID) int { return strings.Compare(a.String(), b.String()) })
			q := segment.Query{BrandID: w.BrandID, Currency: "JPY", Where: c, Today: searchDay, Limit: 100, Counted: true, Within: time.Minute}
			found, err := w.store.Search(context.Background(), q)
			require.NoError(r, err)
			text, _ := c.Text()
			require.Equal(r, want, found.MemberIDs, text)
			require.Equal(r, len(want), found.Count)
			one := pick(r, w.people).id
			require.Equal(r, want, w.inParts(r, q, one, pick(r, w.people).id, pick(r, w.people).id), text)
			q.MemberID = &one
			found, err = w.store.Search(context.Background(), q)
			require.NoError(r, err)
			require.Equal(r, slices.Contains(want, one), slices.Contains(found.MemberIDs, one), text)
			require.LessOrEqual(r, found.Count, 1)
		}
	})
}

func TestASearchEndsInTime(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	_, err := w.DB.Pool().Exec(t.Context(), `
		WITH m AS (INSERT INTO members (id, created_at, updated_at) SELECT gen_random_uuid(), now(), now() FROM generate_series(1, 20000) RETURNING id)
		INSERT INTO memberships (member_id, brand_id, joined_at) SELECT id, $1, now() FROM m`, w.BrandID)
	require.NoError(t, err)
	_, err = w.store.Search(t.Context(), segment.Query{BrandID: w.BrandID, Currency: "JPY", Today: searchDay, Limit: 1, Counted: true, Within: time.Millisecond,
		Where: segment.Condition{Not: &segment.Condition{Purchases: &segment.Purchases{Visits: &segment.Range{Min: some(1)}}}}})
	require.ErrorIs(t, err, segment.ErrSlow)
}

// What a search sets for itself ends with it, also within the transaction of another.
func TestASearchLeavesATransactionAsItWas(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	settings := func(ctx context.Context) string {
		all, err := postgres.One[string](ctx, w.DB, `SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings WHERE name IN ('statement_timeout', 'plan_cache_mode', 'work_mem', 'random_page_cost', 'jit')`)
		require.NoError(t, err)
		return all
	}
	require.NoError(t, w.DB.InTx(t.Context(), func(ctx context.Context) error {
		before := settings(ctx)
		_, err := w.store.Search(ctx, segment.Query{BrandID: w.BrandID, Currency: "JPY", Today: searchDay, Limit: 1, Within: time.Minute, Where: segment.Condition{Age: &segment.Range{Min: some(1)}}})
		require.NoError(t, err)
		require.Equal(t, before, settings(ctx))
		return nil
	}))
}

// Whoever asks whether one member fits reads no other's rows.
func TestASearchForOneReadsNoOther(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	ctx := t.Context()
	_, err := w.DB.Pool().Exec(ctx, `
		WITH m AS (INSERT INTO members (id, created_at, updated_at) SELECT gen_random_uuid(), now(), now() FROM generate_series(1, 20000) RETURNING id),
		p AS (INSERT INTO pets (id, member_id, name, species, birthday, created_at, updated_at) SELECT gen_random_uuid(), id, 'ぽち', 'DOG', '2020-01-01', now(), now() FROM m),
		s AS (INSERT INTO purchase_sums (member_id, purchase_id, brand_id, bought_on, items, total) SELECT id, id, $1, '2026-05-01', 1, 100 FROM m)
		INSERT INTO memberships (member_id, brand_id, joined_at) SELECT id, $1, now() FROM m`, w.BrandID)
	require.NoError(t, err)
	_, err = w.DB.Pool().Exec(ctx, `ANALYZE members, memberships, pets, purchase_sums`)
	require.NoError(t, err)
	var one uuid.UUID
	require.NoError(t, w.DB.Pool().QueryRow(ctx, `SELECT member_id FROM memberships ORDER BY member_id OFFSET 777 LIMIT 1`).Scan(&one))
	q := segment.Query{BrandID: w.BrandID, Currency: "JPY", Today: searchDay, Limit: 1, MemberID: &one, Within: time.Minute, Where: segment.Condition{All: []segment.Condition{
		{Pet: &segment.Pet{Age: &segment.Range{Min: some(1)}, BirthMonths: []int{1}}},
		{Not: &segment.Condition{ExpiringPoints: &segment.ExpiringPoints{WithinDays: some(30), Least: 1}}},
		{Not: &segment.Condition{Coupon: &segment.OfCoupon{CampaignIDs: []uuid.UUID{uuid.Max}, State: segment.HoldsCoupon}}},
		{Not: &segment.Condition{Coupon: &segment.OfCoupon{CampaignIDs: []uuid.UUID{uuid.Max}, State: segment.UsedCoupon}}},
		{Purchases: &segment.Purchases{Amount: &segment.Amounts{Min: yen(100)}}},
		{Purchases: &segment.Purchases{Visits: &segment.Range{Max: some(3)}}},
		{LastPurchase: &segment.Period{LastDays: some(3650)}},
		{Points: &segment.Points{ProgrammeID: w.programme, Balance: segment.Range{Max: some(9)}}},
		{Consent: &segment.Consent{Medium: member.Mail, Given: false}},
	}}}
	found, err := w.store.Search(ctx, q)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{one}, found.MemberIDs)
	sql, args := postgres.CompileSearch(q, nil)
	rows, err := w.DB.Pool().Query(ctx, `EXPLAIN (ANALYZE, TIMING OFF) `+sql+` SELECT count(*) FROM hits`, args)
	require.NoError(t, err)
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	whole := strings.Join(plan, "\n")
	for _, line := range regexp.MustCompile(`actual rows=(\d+)|Rows Removed by Filter: (\d+)`).FindAllStringSubmatch(whole, -1) {
		require.LessOrEqual(t, len(line[1]+line[2]), 1, whole)
	}
}

func TestSearchesReadSumsOutOfIndexesOfTheirMonths(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	ctx := t.Context()
	require.NoError(t, postgres.NewPurchases(w.DB).Room(ctx, []time.Time{time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}))
	sql, args := postgres.CompileSearch(segment.Query{BrandID: w.BrandID, Currency: "JPY", Today: searchDay, Where: segment.Condition{All: []segment.Condition{
		{Bought: &segment.Bought{ProductIDs: w.products[:1], Period: &segment.Period{LastDays: some(30)}}},
		{Purchases: &segment.Purchases{Period: &segment.Period{LastDays: some(30)}, Amount: &segment.Amounts{Min: yen(1)}}},
	}}}, nil)
	var plan []string
	tx, err := w.DB.Pool().Begin(ctx)
	require.NoError(t, err)
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	_, err = tx.Exec(ctx, `SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_custom_plan`)
	require.NoError(t, err)
	rows, err := tx.Query(ctx, `EXPLAIN `+sql+` SELECT count(*) FROM hits`, args)
	require.NoError(t, err)
	plan, err = pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(t, err)
	whole := strings.Join(plan, "\n")
	require.Regexp(t, regexp.MustCompile(`purchase_lines_2026_06`), whole)
	require.NotContains(t, whole, "2026_01", "months beside the period are not read")
	require.Contains(t, whole, "purchase_sums_member", "sums are read out of one index")
}

// Pets by the month of their birth, points that expire, and coupons are found by indexes that
// have what is asked for, not by reading every member's.
func TestWhatIsAskedOfPetsPointsAndCouponsIsReadOutOfIndexes(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	for index, c := range map[string]segment.Condition{
		"pets_birth_month":     {Pet: &segment.Pet{BirthMonths: []int{12}}},
		"point_lots_expiry":    {ExpiringPoints: &segment.ExpiringPoints{WithinDays: some(30), Least: 100}},
		"coupons_held":         {Coupon: &segment.OfCoupon{CampaignIDs: []uuid.UUID{uuid.Max}, State: segment.HoldsCoupon}},
		"campaign_uses_coupon": {Coupon: &segment.OfCoupon{CampaignIDs: []uuid.UUID{uuid.Max}, State: segment.UsedCoupon}},
	} {
		sql, args := postgres.CompileSearch(segment.Query{BrandID: w.BrandID, Currency: "JPY", Today: searchDay, Now: searchDay, Where: c}, nil)
		tx, err := w.DB.Pool().Begin(t.Context())
		require.NoError(t, err)
		_, err = tx.Exec(t.Context(), `SET LOCAL enable_seqscan = off; SET LOCAL plan_cache_mode = force_custom_plan`)
		require.NoError(t, err)
		rows, err := tx.Query(t.Context(), `EXPLAIN `+sql+` SELECT count(*) FROM hits`, args)
		require.NoError(t, err)
		plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
		require.NoError(t, err)
		require.NoError(t, tx.Rollback(t.Context()))
		require.Contains(t, strings.Join(plan, "\n"), index+" on ")
		require.Regexp(t, `Index Cond: .*(ANY|expires_on)`, strings.Join(plan, "\n"), index)
	}
}

// Who bought a product, and for how much, is found by several processes at once, each reading
// the buyers of a part in their order; all parts together are all.
func TestBuyersAreSearchedInParts(t *testing.T) {
	t.Parallel()
	w := newTown(t)
	ctx := t.Context()
	_, err := w.DB.Pool().Exec(ctx, `
		WITH m AS (INSERT INTO members (id, created_at, updated_at) SELECT gen_random_uuid(), now(), now() FROM generate_series(1, 30000) RETURNING id),
		j AS (INSERT INTO memberships (member_id, brand_id, joined_at) SELECT id, $1, now() FROM m),
		p AS (INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, items, total, currency, created_at)
			SELECT id, '2026-06-01', now(), $1, id, 'ONLINE', 1, 100, 'JPY', now() FROM m)
		INSERT INTO purchase_lines (purchase_id, bought_on, position, brand_id, member_id, product_id, code, name, quantity, amount)
			SELECT id, '2026-06-01', 1, $1, id, $2, 'x', 'x', 1, 100 FROM m`, w.BrandID, w.products[0])
	require.NoError(t, err)
	_, err = w.DB.Pool().Exec(ctx, `VACUUM (ANALYZE) memberships, purchase_lines, purchase_sums`)
	require.NoError(t, err)
	q := segment.Query{BrandID: w.BrandID, Currency: "JPY", Today: searchDay, Limit: 1, Counted: true, Within: time.Minute, Where: segment.Condition{All: []segment.Condition{
		{Bought: &segment.Bought{ProductIDs: w.products[:1], Period: &segment.Period{LastDays: some(30)}}},
		{Purchases: &segment.Purchases{Amount: &segment.Amounts{Min: yen(100)}}},
	}}}
	found, err := w.store.Search(ctx, q)
	require.NoError(t, err)
	require.Equal(t, 30000, found.Count)
	plan, err := w.store.Plan(ctx, q)
	require.NoError(t, err)
	require.Contains(t, plan, "Parallel Append")
	require.Equal(t, 1, strings.Count(plan, "Gather"), plan)
	require.Equal(t, 4, strings.Count(plan, "purchase_sums_member"), plan)
}
