package importing

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// priceStep is how many rows are looked at in one transaction.
const priceStep = 1000

// PriceInput is a file of prices to preview in the channel of the context.
type PriceInput struct {
	Kind     PriceKind
	FileName string
	Open     func() (io.ReadCloser, error) // opened twice: to hash and to read
	Encoding Encoding
	Progress func(bytes int64) // how much has been read; may be nil
}

// Preview reads a file and keeps what it would change; nothing else changes. One that
// was broken off goes on where it stopped.
func (s *Prices) Preview(ctx context.Context, in PriceInput) (*PriceRun, error) {
	run, err := s.newRun(ctx, in.Kind, in.FileName, in.Encoding)
	if err != nil {
		return nil, err
	}
	if run.FileHash, err = hashOf(in.Open); err != nil {
		return nil, err
	}
	if run, err = s.Store.BeginPrices(ctx, run); err != nil {
		return nil, err
	}
	return s.preview(ctx, run, in.Open, in.Progress)
}

func (s *Prices) preview(ctx context.Context, run PriceRun, open func() (io.ReadCloser, error), tell func(int64)) (*PriceRun, error) {
	ctx = acting(ctx, run.ActorID, run.MayBelow)
	run, err := s.read(ctx, run, open, tell)
	now := s.Now()
	switch {
	case err == nil:
		run.State, run.PreviewedAt = PricesPreviewed, &now
	case errors.Is(err, ErrFile):
		run.State, run.Failure, run.FinishedAt = PricesFailed, err.Error(), &now
	default:
		return &run, err
	}
	saved := s.Store.InTx(context.WithoutCancel(ctx), func(ctx context.Context) error {
		if run.State == PricesPreviewed {
			if err := s.Store.RemarkTiers(ctx, run.ID); err != nil {
				return err
			}
		}
		return s.Store.SavePriceRun(ctx, run)
	})
	return &run, errors.Join(err, saved)
}

func (s *Prices) read(ctx context.Context, run PriceRun, open func() (io.ReadCloser, error), tell func(int64)) (PriceRun, error) {
	reader, err := s.reader(ctx, run)
	if err != nil {
		return run, err
	}
	file, err := open()
	if err != nil {
		return run, fmt.Errorf("open %s: %w", run.FileName, err)
	}
	defer func() { _ = file.Close() }()
	counted := &counter{r: file}
	var pending []readLine
	flush := func() error {
		after, err := s.step(ctx, run, pending)
		if err != nil {
			return err
		}
		run, pending = after, pending[:0]
		if tell != nil {
			tell(counted.n)
		}
		return nil
	}
	number := 0
	for line, err := range reader.rows(counted) {
		if err != nil {
			flushed := flush()
			return run, errors.Join(err, flushed)
		}
		if number++; number <= run.Position {
			continue
		}
		if pending = append(pending, line); len(pending) == priceStep {
			if err := flush(); err != nil {
				return run, err
			}
		}
	}
	err = flush()
	return run, err
}

// reader knows the lists that rows may name.
func (s *Prices) reader(ctx context.Context, run PriceRun) (priceReader, error) {
	ch := channel.From(ctx)
	p := priceReader{kind: run.Kind, encoding: run.Encoding, currency: money.Currency(ch.Currency), lists: map[string]pricing.List{}}
	all, err := s.Store.PriceLists(ctx, ch.BrandID)
	for _, l := range all {
		if l.ClosedAt == nil {
			p.lists[l.Code] = l
		}
		if l.ID == ch.PriceListID {
			p.own = l.Code
		}
	}
	return p, err
}

// step looks at rows, keeps what they would do and notes how far the run is, in one
// transaction.
func (s *Prices) step(ctx context.Context, run PriceRun, read []readLine) (PriceRun, error) {
	var after PriceRun
	err := s.Store.InTx(ctx, func(ctx context.Context) error {
		after = run
		var rejected []Rejection
		lines := make([]*readLine, len(read))
		for i := range read {
			line := read[i] // a transaction that runs again begins anew
			lines[i] = &line
		}
		if err := s.judge(ctx, run, lines); err != nil {
			return err
		}
		staged := map[int]*PriceLine{}
		var good []*PriceLine
		for _, l := range lines {
			if !l.failed {
				good, staged[l.Line] = append(good, &l.PriceLine), &l.PriceLine
			}
		}
		doubles, err := s.Store.StagePrices(ctx, run.ID, good)
		if err != nil {
			return err
		}
		for _, l := range lines {
			if first, again := doubles[l.Line]; again && staged[l.Line] != nil {
				l.refuse("", "", "%d行目と同じ価格です（価格表・商品・数量・開始日が同じ行は1つだけです）", "Line %d sets the same price already (one row for each list, SKU, quantity and beginning)", first)
			}
			rejected = append(rejected, l.problems...)
			after.count(l)
		}
		after.Position += len(read)
		after.State = PricesReading
		return s.Store.NotePrices(ctx, after, run.Position, rejected)
	})
	if err != nil {
		return run, err
	}
	return after, nil
}

func (r *PriceRun) count(l *readLine) {
	switch {
	case l.failed:
		r.Rejected++
	case l.Change == PriceAdded:
		r.Added++
	case l.Change == PriceChanged:
		r.Changed++
	case l.Change == PriceClosed:
		r.Closed++
	default:
		r.Unchanged++
	}
}

func (l *readLine) refuse(column, value, ja, en string, args ...any) {
	r := reject(l.Line, column, value, ja, en, args...)
	r.Slug = l.SKU
	l.problems, l.failed = append(l.problems, r), true
}

func (l *readLine) refuseFor(column, value string, err error) {
	for _, x := range fault.All(err) {
		l.refuse(column, value, x.JA, x.EN)
	}
}

// judge finds what the rows name and says what each would do.
func (s *Prices) judge(ctx context.Context, run PriceRun, lines []*readLine) error {
	if run.Kind == RatePrices {
		return s.judgeRates(ctx, run, lines)
	}
	var wanted []*PriceLine
	for _, l := range lines {
		if !l.failed {
			wanted = append(wanted, &l.PriceLine)
		}
	}
	ch := channel.From(ctx)
	if err := s.Store.FindPrices(ctx, run, money.Currency(ch.Currency), s.Now(), wanted); err != nil {
		return err
	}
	for _, l := range lines {
		if !l.failed {
			l.compare(run.Kind)
		}
	}
	return s.guard(ctx, run, lines)
}

// compare says what a row does to the price that it names.
func (l *readLine) compare(kind PriceKind) {
	if l.VariantID == nil {
		l.refuse("sku", l.SKU, "この商品コードはありません", "There is no variant with this SKU")
	}
	if kind == CustomerPrices && l.Audience.ID == uuid.Nil {
		l.refuse("customer", l.Holder, "この得意先・会員はありません", "There is no company with this code and no member with this address")
	}
	if l.failed {
		return
	}
	holder := l.Audience.ID
	if kind == ListPrices {
		holder = *l.ListID
	}
	l.Key = fmt.Sprintf("%s %s %d %d", holder, *l.VariantID, l.MinQuantity, l.Window.From.UnixMicro())
	l.change()
	before := l.OldAmount
	if before == nil {
		before = l.Before
	}
	if before != nil && l.Amount != nil && *before > 0 {
		l.Difference = difference(decimal.NewFromInt(*before), decimal.NewFromInt(*l.Amount))
	}
}

// change says which kind of change a row is.
func (l *readLine) change() {
	switch {
	case l.close && l.OldID == nil:
		l.refuse("action", "", "終了する価格がありません（数量と開始日も同じものを指定してください）", "There is no such price to end; quantity and beginning must be its own too")
	case l.close:
		l.Change, l.Amount, l.CompareAt = PriceClosed, nil, nil
	case l.OldID == nil:
		l.Change = PriceAdded
	case *l.OldAmount == *l.Amount && equal(l.OldCompare, l.CompareAt) && l.OldUntil.Equal(l.Window.Until):
		l.Change = PriceUnchanged
	default:
		l.Change = PriceChanged
	}
}

// maxDifference bounds what is told of a rise: 9,999,999 per cent are enough to see.
var maxDifference = decimal.NewFromInt(9_999_999)

// difference is by how many per cent something rises.
func difference(before, after decimal.Decimal) *decimal.Decimal {
	d := after.Sub(before).Shift(2).DivRound(before, 1)
	if d.GreaterThan(maxDifference) {
		d = maxDifference
	}
	return &d
}

func equal(a, b *int64) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// judgeRates says what rows of rates would do.
func (s *Prices) judgeRates(ctx context.Context, run PriceRun, lines []*readLine) error {
	var wanted []ScopeText
	for i, l := range lines {
		if !l.failed {
			target, _, _ := strings.Cut(l.rate.target, "=")
			wanted = append(wanted, ScopeText{i, l.Rate.Audience.Kind, l.rate.audience, l.Rate.Target.Kind, target})
		}
	}
	found, err := s.Store.FindScopes(ctx, run.BrandID, wanted)
	if err != nil {
		return err
	}
	for _, f := range found {
		lines[f.Place].aim(f)
	}
	open, err := s.Store.OpenRates(ctx, run.BrandID, false)
	if err != nil {
		return err
	}
	for _, l := range lines {
		if !l.failed {
			s.compareRate(ctx, l, open)
		}
	}
	return nil
}

// aim gives a rate the audience and the goods that were found.
func (l *readLine) aim(f FoundScope) {
	in := l.Rate
	switch in.Audience.Kind {
	case scope.Member, scope.Company, scope.Group:
		if in.Audience.ID = &f.AudienceID; f.AudienceID == uuid.Nil {
			l.refuse("audience", l.rate.audience, "この対象顧客はありません", "There is no such audience")
		}
	default:
		if l.rate.audience != "" {
			l.refuseFor("audience", l.rate.audience, scope.ErrAudience)
		}
	}
	switch in.Target.Kind {
	case scope.Tag:
		in.Target.Value = &l.rate.target
	case scope.AllGoods:
		if l.rate.target != "" {
			l.refuseFor("target", l.rate.target, scope.ErrTarget)
		}
	default:
		if _, value, ok := strings.Cut(l.rate.target, "="); ok && in.Target.Kind == scope.Attribute {
			in.Target.Value = &value
		}
		if in.Target.ID = &f.TargetID; f.TargetID == uuid.Nil {
			l.refuse("target", l.rate.target, "この対象商品はありません", "There are no such goods")
		}
	}
}

// compareRate says what a row does to the rate that it names: by id, else the one of the
// same kind, audience, goods and beginning.
func (s *Prices) compareRate(ctx context.Context, l *readLine, open []pricing.Rate) {
	was, ok := l.rateOf(open)
	if !ok {
		return
	}
	if was != nil {
		l.replace(was)
	}
	after, err := s.Rates.Check(ctx, *l.Rate, was)
	if l.Audience = after.Audience; was == nil {
		l.Key = fmt.Sprint(after.Kind, after.Audience, after.Target, after.From.UnixMicro())
	}
	for _, x := range fault.All(s.changeOf(ctx, l, was, after, err)) {
		l.refuse(rateColumn(x.Field), "", x.JA, x.EN)
	}
	l.Below = l.Change != PriceUnchanged && (after.Privileged() != nil || was != nil && was.Privileged() != nil)
	if was != nil && l.Change != PriceClosed && was.Percent.IsPositive() {
		l.Difference = difference(was.Percent, after.Percent)
	}
}

// changeOf says what becomes of the rate, and what is left of what stands against it.
func (s *Prices) changeOf(ctx context.Context, l *readLine, was *pricing.Rate, after pricing.Rate, wrong error) error {
	switch {
	case l.close && was == nil:
		l.refuse("action", "", "終了する率がありません", "There is no such rate to end")
	case l.close:
		l.Change = PriceClosed
		return s.mayClose(ctx, was)
	case was == nil:
		l.Change = PriceAdded
	case l.OldRate.same(stateOf(after)):
		l.Change = PriceUnchanged
		return nil
	default:
		l.Change = PriceChanged
	}
	return wrong
}

// replace notes the rate that the row changes; a file without names leaves its name.
func (l *readLine) replace(was *pricing.Rate) {
	state := stateOf(*was)
	l.OldRate, l.OldID, l.Key, l.Rate.ID = &state, &was.ID, was.ID.String(), &was.ID
	if len(l.Rate.Name) == 0 {
		l.Rate.Name = was.Name
	}
}

// rateColumn is the column of a field of a rate.
func rateColumn(field string) string {
	if column, ok := map[string]string{"roundTo": "round_to", "belowFloor": "below_floor", "validUntil": "valid_until"}[field]; ok {
		return column
	}
	return field
}

// mayClose refuses to take a floor away from who may not go below it.
func (s *Prices) mayClose(ctx context.Context, was *pricing.Rate) error {
	if was.Kind != pricing.RateFloor || access.From(ctx).May(access.PricingBelow) {
		return nil
	}
	return was.Privileged()
}

// rateOf is the open rate that the row names; nil if it is a new one.
func (l *readLine) rateOf(open []pricing.Rate) (was *pricing.Rate, ok bool) {
	if l.rate.id != "" {
		kind, key, err := id.Parse(l.rate.id)
		for i := range open {
			if err == nil && kind == "Rate" && open[i].ID == key {
				return &open[i], true
			}
		}
		l.refuse("id", l.rate.id, "この率はありません", "There is no such rate")
		return nil, false
	}
	in := l.Rate
	for i := range open {
		r := &open[i]
		if r.Kind != in.Kind || r.Audience != in.Audience.Audience() || r.Target != in.Target.Target() || !r.From.Equal(l.Window.From) {
			continue
		}
		if was != nil {
			l.refuse("id", "", "同じ対象の率が複数あります。idの列で指定してください", "Several rates are for the same; say which in the column id")
			return nil, false
		}
		was = r
	}
	return was, true
}
