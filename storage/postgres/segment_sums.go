package postgres

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/segment"
)

// parted are the conditions that all have to hold: those of members' own rows and sets, and
// those that ask for sums of all that members bought.
func parted(q segment.Query) (light, heavy []segment.Condition) {
	all := []segment.Condition{q.Where}
	if q.Where.All != nil {
		all = q.Where.All
	}
	for _, c := range all {
		if c.Sums() {
			heavy = append(heavy, c)
		} else {
			light = append(light, c)
		}
	}
	return light, heavy
}

// grouped reports whether a search is made of one select, in groups: of conditions with one
// among them that is of sums alone.
func grouped(q segment.Query) bool {
	light, heavy := parted(q)
	return len(light) > 0 && len(heavy) == 1 && q.MemberID == nil && summed(heavy[0])
}

// inParts reports whether a search is made of parts of the members at once.
func inParts(q segment.Query) bool {
	light, _ := parted(q)
	return grouped(q) && slices.ContainsFunc(light, func(c segment.Condition) bool { return c.Bought != nil && ofOneProduct(*c.Bought) })
}

func ofOneProduct(b segment.Bought) bool {
	return len(b.ProductIDs) == 1 && len(b.CategoryIDs)+len(b.ProductBrandIDs) == 0
}

// summed reports whether the condition is of sums alone that nobody without purchases has.
func summed(c segment.Condition) bool {
	return c.LastPurchase != nil || c.Purchases != nil && !c.Purchases.Nothing()
}

// parts are the members of all parts, the first before the first cut, whom the conditions
// hold for.
func (s *searchSQL) parts(cuts []uuid.UUID, where []string, light []segment.Condition, sum segment.Condition) string {
	selects := make([]string, len(cuts)+1)
	for i := range selects {
		part := &stage{searchSQL: s}
		if i > 0 {
			part.part = append(part.part, ` >= `+s.arg(cuts[i-1]))
		}
		if i < len(cuts) {
			part.part = append(part.part, ` < `+s.arg(cuts[i]))
		}
		selects[i] = part.grouped(append(slices.Clone(where), part.of(`j.member_id`)...), light, sum)
	}
	return strings.Join(selects, ` UNION ALL `)
}

// of are the comparisons of a column with the part's ids.
func (s *stage) of(column string) []string {
	all := make([]string, len(s.part))
	for i, c := range s.part {
		all[i] = column + c
	}
	return all
}

// grouped are the members whom the light conditions hold for, and the one of sums: those are
// made of the members as they come.
func (s *stage) grouped(where []string, light []segment.Condition, sum segment.Condition) string {
	for _, c := range light {
		where = append(where, s.holds(c))
	}
	rows, having := s.sumsOf(sum)
	return `SELECT j.member_id FROM memberships j ` + strings.Join(s.joins, ` `) + ` JOIN purchase_sums x ON x.member_id = j.member_id WHERE ` +
		strings.Join(append(append(where, s.whose()), rows...), ` AND `) + ` GROUP BY j.member_id HAVING ` + strings.Join(having, ` AND `)
}

// sums selects the members of a table of purchases, whose rows fit, by their sums.
func (s *stage) sums(table string, where, having []string) string {
	from, member := table+` x`, `x.member_id`
	if s.within != "" {
		from = s.within + ` n JOIN ` + from + ` ON x.member_id = n.member_id`
	}
	return `SELECT ` + member + ` FROM ` + from + ` WHERE ` + strings.Join(append([]string{s.whose()}, where...), ` AND `) +
		` GROUP BY ` + member + ` HAVING ` + strings.Join(having, ` AND `)
}

// purchases holds for who is in the set of those whose sums fit. Where nothing fits too,
// it holds for all but those whose sums do not.
func (s *stage) purchases(c segment.Condition) string {
	where, having := s.sumsOf(c)
	switch {
	case len(having) == 0:
		return `true`
	case summed(c):
		return s.in(s.sums(`purchase_sums`, where, having))
	}
	return `NOT ` + s.in(s.sums(`purchase_sums`, where, []string{`NOT (` + strings.Join(having, ` AND `) + `)`}))
}

// sumsOf says which purchases, x, are summed, and of what sums the condition is.
func (s *stage) sumsOf(c segment.Condition) (where, having []string) {
	where = []string{`x.brand_id = @brand`}
	if p := c.Purchases; p != nil {
		where = append(where, s.days(p.Period)...)
		if len(p.StoreIDs) > 0 {
			where = append(where, `x.store_id = ANY(`+s.arg(p.StoreIDs)+`)`)
		}
		having = append(s.amounts(`sum(x.total)`, p.Amount), s.counts(`sum(x.items)`, p.Items)...)
		return where, append(having, s.counts(`count(*) FILTER (WHERE x.items > 0)`, p.Visits)...)
	}
	from, until := c.LastPurchase.Between(s.query.Today)
	where = append(append(where, `x.items > 0`), s.days(&segment.Period{From: from})...)
	if until == nil {
		return where, []string{`true`}
	}
	return where, []string{`max(x.bought_on) <= ` + s.arg(until.Format(time.DateOnly)) + `::text::date`}
}

func (s *stage) counts(sum string, r *segment.Range) (having []string) {
	if r != nil && r.Min != nil {
		having = append(having, sum+` >= `+s.arg(*r.Min)+`::bigint`)
	}
	if r != nil && r.Max != nil {
		having = append(having, sum+` <= `+s.arg(*r.Max)+`::bigint`)
	}
	return having
}

// amounts compares minor units: a bound that is finer than they are is taken to the next
// one within.
func (s *stage) amounts(sum string, a *segment.Amounts) (having []string) {
	minor := func(d *decimal.Decimal) decimal.Decimal { return d.Shift(s.query.Currency.Digits()) }
	if a != nil && a.Min != nil {
		having = append(having, sum+` >= `+s.arg(minor(a.Min).Ceil().IntPart())+`::bigint`)
	}
	if a != nil && a.Max != nil {
		having = append(having, sum+` <= `+s.arg(minor(a.Max).Floor().IntPart())+`::bigint`)
	}
	return having
}
