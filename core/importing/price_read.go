package importing

import (
	"errors"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"golang.org/x/text/unicode/norm"

	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// priceNames are the Japanese names of columns beside the English ones.
var priceNames = map[string]string{
	"商品コード": "sku", "品番": "sku", "価格表": "list", "得意先": "customer", "得意先コード": "customer", "顧客": "customer", "会員": "customer",
	"数量": "min_quantity", "最低数量": "min_quantity", "価格": "price", "単価": "price", "特価": "price", "比較価格": "compare_at", "通常価格": "compare_at",
	"開始日": "valid_from", "適用開始": "valid_from", "終了日": "valid_until", "適用終了": "valid_until", "処理": "action",
	"種類": "kind", "名称": "name.ja", "英語名称": "name.en", "対象顧客区分": "audience_kind", "対象顧客": "audience",
	"対象商品区分": "target_kind", "対象商品": "target", "率": "percent", "掛率": "percent", "端数処理": "rounding", "端数単位": "round_to",
	"最低価格以下可": "below_floor",
}

// priceColumn is the English name of a column.
func priceColumn(name string) string {
	name = strings.ToLower(norm.NFKC.String(name))
	if english, ok := priceNames[name]; ok {
		return english
	}
	return name
}

// verbatim are the columns whose cells are compared with what noren keeps; in the
// others full-width characters mean the same as half-width ones.
var verbatim = map[string]bool{"sku": true, "list": true, "customer": true, "audience": true, "target": true, "name.ja": true, "name.en": true}

// PriceColumns are the columns of a kind, in the order in which they are exported.
func PriceColumns(kind PriceKind) []string {
	switch kind {
	case CustomerPrices:
		return []string{"customer", "sku", "min_quantity", "price", "compare_at", "valid_from", "valid_until", "action"}
	case RatePrices:
		return []string{"id", "kind", "name.ja", "name.en", "audience_kind", "audience", "target_kind", "target", "percent", "rounding", "round_to", "below_floor", "valid_from", "valid_until", "action"}
	}
	return []string{"list", "sku", "min_quantity", "price", "compare_at", "valid_from", "valid_until", "action"}
}

func requiredPriceColumns(kind PriceKind) []string {
	switch kind {
	case CustomerPrices:
		return []string{"customer", "sku", "price"}
	case RatePrices:
		return []string{"audience_kind", "target_kind", "percent"}
	}
	return []string{"sku", "price"}
}

// PriceKindOf tells by its header what a file of prices holds.
func PriceKindOf(r io.Reader, encoding Encoding) (PriceKind, error) {
	t, err := openRows(r, Options{Encoding: encoding}, priceColumn)
	if err != nil {
		return "", unreadable(err)
	}
	if _, rates := t.header["percent"]; rates {
		return RatePrices, nil
	}
	if _, customers := t.header["customer"]; customers {
		return CustomerPrices, nil
	}
	return ListPrices, nil
}

// readLine is a row of a file as it was read, or why it cannot be taken.
type readLine struct {
	PriceLine
	rate     *rateText
	problems []Rejection
	failed   bool
}

// rateText is whom and what a rate is for, as the file says.
type rateText struct{ id, audience, target string }

// priceReader reads files of one kind.
type priceReader struct {
	kind     PriceKind
	encoding Encoding
	currency money.Currency          // of the channel
	lists    map[string]pricing.List // open ones, by code
	own      string                  // the channel's
}

// rows reads a file row by row; what makes the rest unreadable ends it with an error.
func (p priceReader) rows(r io.Reader) iter.Seq2[readLine, error] {
	return func(yield func(readLine, error) bool) {
		t, err := openRows(r, Options{Encoding: p.encoding}, priceColumn)
		if err == nil {
			err = requireColumns(t.header, requiredPriceColumns(p.kind)...)
		}
		for err == nil {
			var next row
			if next, err = t.next(); err == nil && !yield(p.line(next), nil) {
				return
			}
		}
		if !errors.Is(err, io.EOF) {
			yield(readLine{}, unreadable(err))
		}
	}
}

func (p priceReader) line(r row) readLine {
	f := &fields{o: Options{Currency: p.currency, Exact: true}, slug: r.get("sku")}
	f.bad([]row{r})
	for column, i := range r.header {
		if !verbatim[column] && i < len(r.fields) {
			r.fields[i] = norm.NFKC.String(r.fields[i])
		}
	}
	l := readLine{PriceLine: PriceLine{Line: r.line, MinQuantity: 1, close: word(f, r, "action", priceActions)}}
	l.Window = scope.NewWindow(f.moment(r, "valid_from"), f.moment(r, "valid_until"))
	if err := l.Window.Validate(); err != nil {
		f.say(r.line, "valid_until", r.get("valid_until"), err)
	}
	if p.kind == RatePrices {
		p.rateLine(f, r, &l)
	} else {
		p.priceLine(f, r, &l)
	}
	l.problems, l.failed = f.problems, f.failed
	return l
}

// priceActions are the words of the column action. A price is ended by word only: a
// cell that was emptied by mistake must not end one.
var priceActions = map[string]bool{"": false, "set": false, "設定": false, "close": true, "終了": true, "削除": true}

func (p priceReader) priceLine(f *fields, r row, l *readLine) {
	l.SKU, l.Currency = r.get("sku"), p.currency
	f.within(r.line, "sku", longestCode, l.SKU)
	if l.SKU == "" {
		f.fail(r.line, "sku", "", "SKUがありません", "There is no SKU")
	}
	if p.kind == CustomerPrices {
		if l.Holder = r.get("customer"); l.Holder == "" {
			f.fail(r.line, "customer", "", "得意先コードかメールアドレスがありません", "There is neither a company's code nor a member's e-mail address")
		}
		f.within(r.line, "customer", longestName, l.Holder)
	} else {
		if l.Holder = r.get("list"); l.Holder == "" {
			l.Holder = p.own
		}
		list, ok := p.lists[l.Holder]
		if !ok {
			f.fail(r.line, "list", l.Holder, "この価格表はありません", "There is no such price list")
		} else {
			l.ListID, l.Currency = &list.ID, list.Currency
		}
	}
	if r.get("min_quantity") != "" {
		quantity, err := Number(number(r.get("min_quantity")))
		if err != nil || !quantity.IsInteger() || quantity.LessThan(decimal.NewFromInt(1)) || quantity.GreaterThan(decimal.NewFromInt(pricing.MaxQuantity)) {
			f.say(r.line, "min_quantity", r.get("min_quantity"), pricing.ErrQuantity)
		}
		l.MinQuantity = int(quantity.IntPart())
	}
	f.o.Currency = l.Currency
	if l.Amount, l.CompareAt = f.amount(r, "price"), f.amount(r, "compare_at"); l.Amount == nil && !l.close && !f.failed {
		f.fail(r.line, "price", "", "価格がありません。価格を終了するには処理の列に「終了」と書いてください", "There is no price; to end one, write close in the column action")
	}
}

var (
	rateKindWords     = map[string]pricing.RateKind{"": pricing.RateCustomer, "customer": pricing.RateCustomer, "掛率": pricing.RateCustomer, "direct": pricing.RateDirect, "直送加算": pricing.RateDirect, "floor": pricing.RateFloor, "最低粗利": pricing.RateFloor}
	audienceKindWords = map[string]scope.AudienceKind{"member": scope.Member, "会員": scope.Member, "company": scope.Company, "得意先": scope.Company, "group": scope.Group, "グループ": scope.Group, "members": scope.Members, "全会員": scope.Members, "everyone": scope.Everyone, "全員": scope.Everyone}
	targetKindWords   = map[string]scope.TargetKind{"variant": scope.Variant, "sku": scope.Variant, "product": scope.Product, "商品": scope.Product, "category": scope.Category, "カテゴリー": scope.Category, "brand": scope.ProductBrand, "ブランド": scope.ProductBrand, "attribute": scope.Attribute, "属性": scope.Attribute, "tag": scope.Tag, "タグ": scope.Tag, "all": scope.AllGoods, "全商品": scope.AllGoods}
	roundingWords     = map[string]money.Rounding{"": money.RoundDown, "down": money.RoundDown, "切捨て": money.RoundDown, "half_up": money.RoundHalfUp, "四捨五入": money.RoundHalfUp, "up": money.RoundUp, "切上げ": money.RoundUp}
)

func (priceReader) rateLine(f *fields, r row, l *readLine) {
	in := &pricing.SaveRateInput{
		Kind: word(f, r, "kind", rateKindWords), Rounding: word(f, r, "rounding", roundingWords), RoundTo: 1,
		ValidFrom: l.Window.Opens(), ValidUntil: l.Window.Closes(), Name: norenLayout{}.localised(r, "name"),
	}
	in.Audience.Kind, in.Target.Kind = word(f, r, "audience_kind", audienceKindWords), word(f, r, "target_kind", targetKindWords)
	if r.get("round_to") != "" {
		in.RoundTo = f.whole(r, "round_to", decimal.NewFromInt(1))
	}
	if below := f.yes(r, "below_floor"); below != nil {
		in.BelowFloor = *below
	}
	percent := strings.TrimSuffix(number(r.get("percent")), "%")
	var err error
	if in.Percent, err = Number(strings.TrimSpace(percent)); err != nil && (!l.close || percent != "") {
		f.fail(r.line, "percent", r.get("percent"), "率は65のように数字で書いてください", "A percentage is a number such as 65")
	}
	l.Rate, l.rate = in, &rateText{id: r.get("id"), audience: r.get("audience"), target: r.get("target")}
	l.Holder, l.SKU = strings.TrimSpace(string(in.Audience.Kind)+" "+l.rate.audience), strings.TrimSpace(string(in.Target.Kind)+" "+l.rate.target)
	f.within(r.line, "audience", longestName, l.rate.audience)
	f.within(r.line, "target", longestText, l.rate.target)
}

// word is what the cell's word means; one that means nothing is rejected.
func word[T any](f *fields, r row, column string, words map[string]T) T {
	meant, ok := words[strings.ToLower(r.get(column))]
	if !ok {
		f.fail(r.line, column, r.get(column), "この語は使えません", "This is not a word that may stand here")
	}
	return meant
}

// japaneseTime is a moment as files write it; empty for an end of the calendar.
func japaneseTime(at *time.Time) string {
	switch {
	case at == nil:
		return ""
	case at.Truncate(time.Minute).Equal(*at):
		return at.In(japan).Format("2006-01-02 15:04")
	}
	return at.In(japan).Format(time.RFC3339Nano)
}
