package money

// TaxClass chooses a consumption tax rate.
type TaxClass string

// The classes of the Consumption Tax Act (消費税法 §29, 附則 軽減税率).
const (
	TaxStandard TaxClass = "STANDARD" // 標準税率 10 %
	TaxReduced  TaxClass = "REDUCED"  // 軽減税率 8 %: food and drink but alcohol and dining out
	TaxExempt   TaxClass = "EXEMPT"   // 非課税
)

// TaxClasses lists every class, in the order in which an invoice shows them.
var TaxClasses = []TaxClass{TaxStandard, TaxReduced, TaxExempt}

// Percent is the rate in whole per cent.
func (c TaxClass) Percent() int64 {
	switch c {
	case TaxStandard:
		return 10
	case TaxReduced:
		return 8
	}
	return 0
}

// Taxed is what one rate of an invoice comes to. Net + Tax = Gross.
type Taxed struct {
	Class TaxClass
	Net   Money // 税抜
	Tax   Money // 消費税
	Gross Money // 税込
}

// Percent is the rate in whole per cent.
func (t Taxed) Percent() int { return int(t.Class.Percent()) }

// TaxOf works out the tax of everything on an invoice that has one rate. Sums
// are taxed, not lines: a qualified invoice rounds once for each rate
// (適格請求書, 消費税法 §57-4, 施行令 §70-10). When inclusive, sum contains the tax.
func TaxOf(class TaxClass, sum Money, inclusive bool, rounding Rounding) Taxed {
	percent := class.Percent()
	if inclusive {
		tax := rounding.Divide(sum.Minor*percent, 100+percent)
		return Taxed{class, Of(sum.Minor-tax, sum.Currency), Of(tax, sum.Currency), sum}
	}
	tax := rounding.Divide(sum.Minor*percent, 100)
	return Taxed{class, sum, Of(tax, sum.Currency), Of(sum.Minor+tax, sum.Currency)}
}
