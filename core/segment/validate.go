package segment

import (
	"errors"
	"fmt"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/member"
)

// Bounds of a tree.
const (
	maxDepth  = 6
	maxNodes  = 50
	maxValues = 200 // ids, breeds and the like of one condition
	maxYears  = 200
	maxText   = 100
)

// Named is something that a tree names.
type Named struct {
	Kind string // as in its global id
	ID   uuid.UUID
}

// checker walks a tree, and notes what is wrong and what is named where.
type checker struct {
	nodes  int
	faults []error
	named  map[Named][]string
}

// check is what the tree names, and where. Conditions that are wrong or contradict each
// other are failures, each with its path below the field.
func check(field string, c Condition) (map[Named][]string, error) {
	k := &checker{named: map[Named][]string{}}
	k.node(field, c, 1)
	if k.nodes > maxNodes {
		k.faults = []error{ErrTooMany.With(maxNodes).At(field)}
	}
	if len(k.faults) == 0 {
		k.contradictions(field, c)
	}
	return k.named, errors.Join(k.faults...)
}

func (k *checker) wrong(f *fault.Error, path string) { k.faults = append(k.faults, f.At(path)) }

func (k *checker) node(path string, c Condition, depth int) {
	if k.nodes++; k.nodes > maxNodes {
		return
	}
	if depth > maxDepth {
		k.wrong(ErrTooDeep.With(maxDepth), path)
		return
	}
	parts := k.parts(path, c, depth)
	set := 0
	for _, p := range parts {
		if p.said {
			set++
		}
	}
	if set != 1 {
		k.wrong(ErrOne, path)
		return
	}
	for _, p := range parts {
		if p.said {
			p.check()
		}
	}
}

// part is one field of a node.
type part struct {
	said  bool
	check func()
}

func (k *checker) parts(path string, c Condition, depth int) []part {
	return []part{
		{c.All != nil, func() { k.group(path+".all", c.All, depth) }},
		{c.Any != nil, func() { k.group(path+".any", c.Any, depth) }},
		{c.Not != nil, func() { k.node(path+".not", *c.Not, depth+1) }},
		{c.Bought != nil, func() { k.bought(path+".bought", *c.Bought) }},
		{c.Purchases != nil, func() { k.purchases(path+".purchases", *c.Purchases) }},
		{c.LastPurchase != nil, func() { k.period(path+".lastPurchase", c.LastPurchase, true) }},
		{c.Age != nil, func() { k.bounds(path+".age", c.Age, 0, maxYears) }},
		{c.Genders != nil, func() { k.genders(path+".genders", c.Genders) }},
		{c.BirthMonths != nil, func() { k.months(path+".birthMonths", c.BirthMonths) }},
		{c.Pet != nil, func() { k.pet(path+".pet", *c.Pet) }},
		{c.Store != nil, func() { k.store(path+".store", *c.Store) }},
		{c.RankIDs != nil, func() { k.some(path+".rankIds", c.RankIDs, "MemberRank") }},
		{c.Points != nil, func() { k.points(path+".points", *c.Points) }},
		{c.Consent != nil, func() { k.consent(path+".consent", *c.Consent) }},
		{c.Mailing != nil, func() { k.mailing(path+".mailing", *c.Mailing) }},
		{c.ExpiringPoints != nil, func() { k.expiring(path+".expiringPoints", *c.ExpiringPoints) }},
		{c.Coupon != nil, func() { k.coupon(path+".coupon", *c.Coupon) }},
		{c.Joined != nil, func() { k.period(path+".joined", c.Joined, true) }},
		{c.Prefectures != nil, func() { k.prefectures(path+".prefectures", c.Prefectures) }},
		{c.SegmentIDs != nil, func() { k.some(path+".segmentIds", c.SegmentIDs, "Segment") }},
	}
}

func (k *checker) group(path string, all []Condition, depth int) {
	if len(all) == 0 {
		k.wrong(ErrEmptyGroup, path)
	}
	for i, c := range all {
		k.node(fmt.Sprint(path, ".", i), c, depth+1)
	}
}

func (k *checker) bought(path string, b Bought) {
	if len(b.ProductIDs)+len(b.CategoryIDs)+len(b.ProductBrandIDs) == 0 {
		k.wrong(ErrGoods, path)
	}
	k.ids(path+".productIds", b.ProductIDs, "Product")
	k.ids(path+".categoryIds", b.CategoryIDs, "Category")
	k.ids(path+".productBrandIds", b.ProductBrandIDs, "ProductBrand")
	k.period(path+".period", b.Period, false)
	k.amounts(path+".amount", b.Amount)
	if b.Quantity != nil {
		k.bounds(path+".quantity", b.Quantity, 1, maxCount)
	}
}

// maxCount bounds pieces, visits and points.
const maxCount = 1_000_000_000

func (k *checker) purchases(path string, p Purchases) {
	if p.Amount == nil && p.Items == nil && p.Visits == nil {
		k.wrong(ErrMeasure, path)
	}
	k.period(path+".period", p.Period, false)
	k.ids(path+".storeIds", p.StoreIDs, "Location")
	k.amounts(path+".amount", p.Amount)
	if p.Items != nil {
		k.bounds(path+".items", p.Items, 0, maxCount)
	}
	if p.Visits != nil {
		k.bounds(path+".visits", p.Visits, 0, maxCount)
	}
}

func (k *checker) pet(path string, p Pet) {
	if len(p.Species)+len(p.Breeds) == 0 && p.Age == nil && p.BirthMonths == nil {
		k.wrong(ErrNothing, path)
	}
	if len(p.Species)+len(p.Breeds) > maxValues {
		k.wrong(ErrValues.With(maxValues), path)
	}
	for i, breed := range p.Breeds {
		if breed == "" || utf8.RuneCountInString(breed) > maxText {
			k.wrong(ErrText.With(maxText), fmt.Sprint(path, ".breeds.", i))
		}
	}
	if p.Age != nil {
		k.bounds(path+".age", p.Age, 0, maxYears)
	}
	if p.BirthMonths != nil {
		k.months(path+".birthMonths", p.BirthMonths)
	}
}

func (k *checker) store(path string, s OfStore) {
	if s.Kind != Registered && s.Kind != Home {
		k.wrong(ErrNothing, path+".kind")
	}
	k.some(path+".storeIds", s.StoreIDs, "Location")
}

func (k *checker) points(path string, p Points) {
	n := Named{"PointProgramme", p.ProgrammeID}
	k.named[n] = append(k.named[n], path+".programmeId")
	k.bounds(path+".balance", &p.Balance, 0, maxCount)
}

func (k *checker) expiring(path string, e ExpiringPoints) {
	if e.ProgrammeID != nil {
		n := Named{"PointProgramme", *e.ProgrammeID}
		k.named[n] = append(k.named[n], path+".programmeId")
	}
	switch {
	case e.WithinDays != nil && e.By != nil:
		k.wrong(ErrByBoth, path)
	case e.WithinDays == nil && e.By == nil:
		k.wrong(ErrNothing, path)
	case outside(e.WithinDays, 0, maxLastDays):
		k.wrong(ErrOutside.With(0, maxLastDays), path+".withinDays")
	case outside(&e.Least, 1, maxCount):
		k.wrong(ErrOutside.With(1, maxCount), path+".least")
	}
}

func (k *checker) coupon(path string, c OfCoupon) {
	if c.State != HoldsCoupon && c.State != UsedCoupon {
		k.wrong(ErrNothing, path+".state")
	}
	k.some(path+".campaignIds", c.CampaignIDs, "Campaign")
}

func (k *checker) consent(path string, c Consent) {
	if !slices.Contains([]member.Medium{member.Mail, member.DM, member.SMS, member.Push}, c.Medium) {
		k.wrong(ErrNothing, path+".medium")
	}
}

func (k *checker) mailing(path string, m OfMailing) {
	if !slices.Contains(Responses, m.Response) {
		k.wrong(ErrNothing, path+".response")
	}
	k.some(path+".mailingIds", m.MailingIDs, "Mailing")
}

func (k *checker) genders(path string, genders []customer.Gender) {
	if len(genders) == 0 {
		k.wrong(ErrNothing, path)
	}
}

func (k *checker) months(path string, months []int) {
	if len(months) == 0 {
		k.wrong(ErrNothing, path)
	}
	for i, m := range months {
		if m < 1 || m > 12 {
			k.wrong(ErrMonth, fmt.Sprint(path, ".", i))
		}
	}
}

func (k *checker) prefectures(path string, all []customer.Prefecture) {
	if len(all) == 0 {
		k.wrong(ErrNothing, path)
	}
	if len(all) > maxValues {
		k.wrong(ErrValues.With(maxValues), path)
		return
	}
	for i, p := range all {
		if p.Code() == 0 {
			k.wrong(ErrPlace, fmt.Sprint(path, ".", i))
		}
	}
}

// some are ids of which there must be one.
func (k *checker) some(path string, ids []uuid.UUID, kind string) {
	if len(ids) == 0 {
		k.wrong(ErrNothing, path)
	}
	k.ids(path, ids, kind)
}

func (k *checker) ids(path string, ids []uuid.UUID, kind string) {
	if len(ids) > maxValues {
		k.wrong(ErrValues.With(maxValues), path)
		return
	}
	for i, key := range ids {
		n := Named{kind, key}
		k.named[n] = append(k.named[n], fmt.Sprint(path, ".", i))
	}
}

func (k *checker) bounds(path string, r *Range, low, high int) {
	switch {
	case r.Min == nil && r.Max == nil:
		k.wrong(ErrNothing, path)
	case outside(r.Min, low, high):
		k.wrong(ErrOutside.With(low, high), path+".min")
	case outside(r.Max, low, high):
		k.wrong(ErrOutside.With(low, high), path+".max")
	case r.Min != nil && r.Max != nil && *r.Min > *r.Max:
		k.wrong(ErrMinMax, path)
	}
}

func outside(n *int, low, high int) bool { return n != nil && (*n < low || *n > high) }

// maxAmount bounds amounts, in major units.
var maxAmount = decimal.New(1, 12)

func (k *checker) amounts(path string, a *Amounts) {
	if a == nil {
		return
	}
	tooMuch := func(d *decimal.Decimal) bool { return d != nil && (d.IsNegative() || d.GreaterThan(maxAmount)) }
	switch {
	case a.Min == nil && a.Max == nil:
		k.wrong(ErrNothing, path)
	case tooMuch(a.Min):
		k.wrong(ErrOutside.With(0, int(maxAmount.IntPart())), path+".min")
	case tooMuch(a.Max):
		k.wrong(ErrOutside.With(0, int(maxAmount.IntPart())), path+".max")
	case a.Min != nil && a.Max != nil && a.Min.GreaterThan(*a.Max):
		k.wrong(ErrMinMax, path)
	}
}

// maxLastDays is how far back a period that moves along may reach.
const maxLastDays = 3660

func (k *checker) period(path string, p *Period, needed bool) {
	switch {
	case p == nil:
	case p.LastDays != nil && (p.From != nil || p.Until != nil):
		k.wrong(ErrPeriodBoth, path)
	case outside(p.LastDays, 1, maxLastDays):
		k.wrong(ErrOutside.With(1, maxLastDays), path+".lastDays")
	case p.From != nil && p.Until != nil && p.From.After(*p.Until):
		k.wrong(ErrFromUntil.With(p.From.Format(time.DateOnly), p.Until.Format(time.DateOnly)), path)
	case needed && p.LastDays == nil && p.From == nil && p.Until == nil:
		k.wrong(ErrNothing, path)
	}
}
