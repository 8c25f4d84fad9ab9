package segment

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// term is what a condition is about, in the words of its failure.
type term struct{ ja, en string }

// claim is one condition of those that all have to hold.
type claim struct {
	path string
	of   Condition
	not  bool
}

// contradictions notes what no member can fulfil. Every condition alone is right by now.
//
// Conditions that all have to hold are looked at together, however they are nested: an
// `all` in an `all`, a `not` of an `any`. Other groups are looked at each for itself:
// whichever of them is chosen, it has to be possible.
func (k *checker) contradictions(path string, c Condition) {
	var claims []claim
	k.together(path, c, false, &claims)
	told := map[string]*facts{}
	for i, c := range claims {
		subject, about, said := c.says()
		if subject == "" || c.of.ExpiringPoints != nil {
			k.beside(claims[:i], c)
		}
		if subject == "" {
			continue
		}
		if told[subject] == nil {
			told[subject] = &facts{}
		}
		if f := told[subject]; !f.closed && !f.add(said) {
			f.closed = true // one failure says it
			k.wrong(ErrContradiction.With(about.ja, about.en), c.path)
		}
	}
}

// together gathers the conditions that all have to hold where c holds, or where it does not.
func (k *checker) together(path string, c Condition, not bool, claims *[]claim) {
	below := func(field string, all []Condition, visit func(path string, c Condition)) {
		for i, c := range all {
			visit(fmt.Sprint(path, ".", field, ".", i), c)
		}
	}
	same := func(path string, c Condition) { k.together(path, c, not, claims) }
	if c.Not != nil {
		k.together(path+".not", *c.Not, !not, claims)
		return
	}
	*claims = append(*claims, claim{path, c, not}) // groups, too: one may stand beside its own `not`
	switch {
	case c.All != nil && !not:
		below("all", c.All, same)
	case c.All != nil:
		k.contradictions(path, c)
	case not:
		below("any", c.Any, same)
	default:
		below("any", c.Any, k.contradictions)
	}
}

// beside notes that a condition stands beside its own `not`, points that expire beside that
// fewer do, or goods that were bought beside that nothing was.
func (k *checker) beside(before []claim, c claim) {
	switch {
	case slices.ContainsFunc(before, func(b claim) bool { return b.not != c.not && reflect.DeepEqual(b.of, c.of) }):
		k.wrong(ErrContradiction.With("同じ項目の否定", "its own opposite"), c.path)
	case slices.ContainsFunc(before, func(b claim) bool {
		return !b.not && !c.not && (b.of.Purchases.nothing(c.of.Bought) || c.of.Purchases.nothing(b.of.Bought))
	}):
		k.wrong(ErrContradiction.With("購入の有無", "what was bought"), c.path)
	case slices.ContainsFunc(before, func(b claim) bool {
		return !b.not && c.not && b.of.ExpiringPoints.implies(c.of.ExpiringPoints) || b.not && !c.not && c.of.ExpiringPoints.implies(b.of.ExpiringPoints)
	}):
		k.wrong(ErrContradiction.With("失効予定のポイント", "the points that expire"), c.path)
	}
}

// implies reports whether for whom e holds the other holds as well, whatever day it is.
func (e *ExpiringPoints) implies(o *ExpiringPoints) bool {
	switch {
	case e == nil || o == nil || e.Least < o.Least || (e.By == nil) != (o.By == nil):
		return false
	case (e.ProgrammeID == nil) != (o.ProgrammeID == nil) || e.ProgrammeID != nil && *e.ProgrammeID != *o.ProgrammeID:
		return false
	}
	return !e.Last(time.Time{}).After(o.Last(time.Time{}))
}

// nothing reports whether who bought so much, which is nothing, has not bought those goods.
func (p *Purchases) nothing(b *Bought) bool {
	none := func(r *Range) bool { return r != nil && r.Max != nil && *r.Max == 0 }
	if p == nil || b == nil || len(p.StoreIDs) > 0 || !none(p.Items) && !none(p.Visits) {
		return false
	}
	return (b.Quantity == nil || b.Quantity.Min != nil) && p.Period.covers(b.Period)
}

// covers reports whether each day of the other period is one of this, whatever day it is.
func (p *Period) covers(o *Period) bool {
	switch {
	case p == nil:
		return true
	case o == nil:
		return false
	case p.LastDays != nil:
		return o.LastDays != nil && *o.LastDays <= *p.LastDays
	}
	return o.LastDays == nil && o.days().inside(*p.days())
}

// said is what a claim leaves of its subject: values of which the member's is one, or
// bounds of it; or, with not, of which it is none.
type said struct {
	not    bool
	values []string
	bounds *Range
}

// says is what a claim is about and what it says of it, where members have one value of
// that; else the subject is empty.
func (c claim) says() (subject string, about term, s said) {
	s.not = c.not
	switch of := c.of; {
	case of.Age != nil:
		subject, about, s.bounds = "age", term{"年齢", "the age"}, of.Age
	case of.Points != nil:
		subject, about, s.bounds = "points "+of.Points.ProgrammeID.String(), term{"ポイント残高", "the points"}, &of.Points.Balance
	case of.ExpiringPoints != nil:
		return c.expires()
	case of.Genders != nil:
		subject, about, s.values = "genders", term{"性別", "the gender"}, texts(of.Genders)
	case of.BirthMonths != nil:
		subject, about, s.values = "birthMonths", term{"誕生月", "the month of birth"}, texts(of.BirthMonths)
	case of.RankIDs != nil:
		subject, about, s.values = "rankIds", term{"会員ランク", "the rank"}, ids(of.RankIDs)
	case of.Store != nil:
		subject, about, s.values = "registered", term{"登録店", "the store of registration"}, ids(of.Store.StoreIDs)
		if of.Store.Kind == Home {
			subject, about = "home", term{"よく行く店", "the store that the member chose"}
		}
	case of.Prefectures != nil:
		subject, about, s.values = "prefectures", term{"都道府県", "the prefecture"}, texts(of.Prefectures)
	case of.Joined != nil && of.Joined.LastDays == nil:
		subject, about, s.bounds = "joined", term{"入会日", "the day of joining"}, of.Joined.days()
	case of.LastPurchase != nil && of.LastPurchase.LastDays == nil:
		subject, about, s.bounds = "lastPurchase", term{"最終購入日", "the day of the last purchase"}, of.LastPurchase.days()
	case of.Consent != nil:
		// Not to have agreed is the other answer, which members have as well.
		subject, about = "consent "+string(of.Consent.Medium), term{"配信の同意", "the consent"}
		s.not, s.values = false, []string{strconv.FormatBool(of.Consent.Given != c.not)}
	}
	return subject, about, s
}

// expires is what points that expire say of the balance: who has so many of a programme has as
// many. Of who has not, and of several programmes together, that says nothing.
func (c claim) expires() (subject string, about term, s said) {
	e := c.of.ExpiringPoints
	if c.not || e.ProgrammeID == nil {
		return "", about, s
	}
	return "points " + e.ProgrammeID.String(), term{"ポイント残高", "the points"}, said{bounds: &Range{Min: &e.Least}}
}

// days are the days of a period as numbers.
func (p *Period) days() *Range {
	number := func(t *time.Time) *int {
		if t == nil {
			return nil
		}
		n := int(t.Unix() / int64((24*time.Hour)/time.Second))
		return &n
	}
	return &Range{Min: number(p.From), Max: number(p.Until)}
}

func texts[T any](of []T) []string {
	all := make([]string, len(of))
	for i, v := range of {
		all[i] = fmt.Sprint(v)
	}
	return all
}

func ids(of []uuid.UUID) []string { return texts(of) }

// facts are what the claims so far leave of one subject. What nobody has told (a birthday)
// is in no range and in no set, so that opposites alone never contradict.
type facts struct {
	closed bool
	set    bool     // one of the values
	values []string // those that are left
	within *Range
	none   []said // opposites
}

// add reports whether a member can still fulfil all that was said. Opposites are looked at
// one by one: bounds that only two of them rule out together pass.
func (f *facts) add(s said) bool {
	switch {
	case s.not:
		f.none = append(f.none, s)
	case s.bounds != nil && f.within == nil:
		f.within = s.bounds
	case s.bounds != nil:
		f.within = f.within.both(*s.bounds)
	case !f.set:
		f.set, f.values = true, slices.Clone(s.values)
	default:
		f.values = slices.DeleteFunc(f.values, func(v string) bool { return !slices.Contains(s.values, v) })
	}
	for _, n := range f.none {
		if n.bounds != nil && f.within != nil && f.within.inside(*n.bounds) {
			return false
		}
		f.values = slices.DeleteFunc(f.values, func(v string) bool { return slices.Contains(n.values, v) })
	}
	return (!f.set || len(f.values) > 0) && !f.within.empty()
}

// both is what lies in both ranges.
func (r *Range) both(o Range) *Range {
	b := *r
	if b.Min == nil || o.Min != nil && *o.Min > *b.Min {
		b.Min = o.Min
	}
	if b.Max == nil || o.Max != nil && *o.Max < *b.Max {
		b.Max = o.Max
	}
	return &b
}

// inside reports whether all of the range lies in the other.
func (r *Range) inside(o Range) bool {
	return (o.Min == nil || r.Min != nil && *r.Min >= *o.Min) && (o.Max == nil || r.Max != nil && *r.Max <= *o.Max)
}

func (r *Range) empty() bool { return r != nil && r.Min != nil && r.Max != nil && *r.Min > *r.Max }
