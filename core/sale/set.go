package sale

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
)

// SetKind is how the parts of a set come together.
type SetKind string

// The kinds of set.
const (
	FixedSet  SetKind = "FIXED"  // always the same parts (福袋, 詰め合わせ)
	ChosenSet SetKind = "CHOICE" // the customer chooses some of them (よりどりセット)
)

// PriceRule is where a set's price comes from.
type PriceRule string

// The rules of a set's price.
const (
	OwnPrice   PriceRule = "OWN"   // the set is priced like any other variant
	PartsPrice PriceRule = "PARTS" // what its parts cost the buyer, less a percentage or an amount
)

// Bounds of a set.
const (
	maxSetParts = 50 // parts, and choices of one slot
	maxSlots    = 20
	maxPieces   = 999 // of one part, and to pick in one slot
	maxSlotName = 100
)

// Set is a variant that is made of others. Its stock is what its parts allow; sets
// hold no sets.
type Set struct {
	VariantID uuid.UUID
	BrandID   uuid.UUID
	PriceRule PriceRule
	Percent   *decimal.Decimal // off what the parts cost, in per cent
	Amount    *int64           // the same in minor units
	Parts     []SetPart        // always in it
	Slots     []Slot           // that the customer fills
	CreatedAt time.Time
	UpdatedAt time.Time
}

// SetPart is so many pieces of a variant in one piece of a set.
type SetPart struct {
	VariantID uuid.UUID `json:"variantId"`
	Quantity  int       `json:"quantity"`
}

// Slot is a place in a set that the customer fills with so many pieces of the choices.
type Slot struct {
	Number  int         `json:"number"` // 1 for the first
	Name    i18n.Text   `json:"name"`
	Pick    int         `json:"pick"`
	Choices []uuid.UUID `json:"choices"`
}

// Choice is what a customer has put into a slot.
type Choice struct {
	Slot      int       `json:"slot"`
	VariantID uuid.UUID `json:"variant_id"`
	Quantity  int       `json:"quantity"`
}

// Failures of sets.
var (
	ErrSetParts    = fault.Invalid("SET_PARTS_INVALID", "セットには構成商品または選択枠が必要です（商品%d点、枠%dつまで）", "A set needs parts or slots (at most %d parts and %d slots)")
	ErrSetQuantity = fault.Invalid("QUANTITY_INVALID", "数量は1〜%dの整数で指定してください", "The quantity is a whole number from 1 to %d")
	ErrSetTwice    = fault.Invalid("SET_PARTS_INVALID", "同じ商品はセットに1回だけ指定できます", "A variant is in a set only once")
	ErrSetPrice    = fault.Invalid("SET_PRICE_INVALID", "割引は率（0〜100、小数第4位まで）か金額のどちらか一方を、構成商品に連動する価格にだけ指定できます", "The discount is either a percentage (0 to 100, at most 4 decimals) or an amount, and only for prices that follow the parts")
	ErrSetCycle    = fault.Invalid("SET_CYCLE", "セットをそれ自身の構成商品にはできません", "A set cannot hold itself")
	ErrSetNested   = fault.Invalid("SET_NESTED", "セットを別のセットの構成商品にはできません", "A set cannot be part of another set")
	ErrSetTerms    = fault.Conflict("SET_TERMS", "セットに設定できる販売条件は数量限定だけです。予約などは構成商品に設定してください", "A set can only be limited; sell its parts in advance or made to order instead")
	// ErrSetGiven says that a set would have something to choose, which a gift cannot have.
	ErrSetGiven = fault.Conflict("GIFT_NEEDS_CHOICE", "キャンペーンのプレゼントになっているセットに選択枠は設定できません。先にキャンペーンから外してください", "A campaign gives this set away, and nobody chooses a gift: take it out of the campaign first")
	ErrNoSet    = fault.NotFound(fault.CodeNotFound, "セットではありません", "This is not a set")
	ErrChoice   = fault.Invalid("SET_CHOICE_INVALID", "「%s」から%d点選んでください", "Choose %[2]d of “%[1]s”")
	ErrNoChoice = fault.Invalid("SET_CHOICE_INVALID", "この商品には選択できる枠がありません", "There is no such slot to choose for")
)

// Kind is how the parts come together.
func (s Set) Kind() SetKind {
	if len(s.Slots) > 0 {
		return ChosenSet
	}
	return FixedSet
}

// AmountOff is what the set takes off the price of its parts; nil if it takes none.
func (s Set) AmountOff(ctx context.Context) *money.Money {
	if s.Amount == nil {
		return nil
	}
	m := money.Of(*s.Amount, money.Currency(channel.From(ctx).Currency))
	return &m
}

// Variants are all that may be in the set.
func (s Set) Variants() []uuid.UUID {
	var all []uuid.UUID
	for _, p := range s.Parts {
		all = append(all, p.VariantID)
	}
	for _, slot := range s.Slots {
		all = append(all, slot.Choices...)
	}
	return all
}

// Fits fails with ErrChoice unless the choices fill every slot with what it offers.
func (s Set) Fits(ctx context.Context, choices []Choice) error {
	picked := make(map[int]int, len(s.Slots))
	for i, c := range choices {
		if c.Slot < 1 || c.Slot > len(s.Slots) {
			return ErrNoChoice.At(fmt.Sprintf("choices.%d.slot", i))
		}
		slot := s.Slots[c.Slot-1]
		if c.Quantity < 1 || c.Quantity > slot.Pick || !slices.Contains(slot.Choices, c.VariantID) {
			return ErrChoice.With(slot.Name.For(ctx), slot.Pick).At(fmt.Sprintf("choices.%d", i))
		}
		picked[c.Slot] += c.Quantity
	}
	for _, slot := range s.Slots {
		if picked[slot.Number] != slot.Pick {
			return ErrChoice.With(slot.Name.For(ctx), slot.Pick).At("choices")
		}
	}
	return nil
}

// Sorted are the choices in one order, each variant once, so that equal choices are
// one line of a cart.
func Sorted(choices []Choice) []Choice {
	sorted := make([]Choice, 0, len(choices))
	for _, c := range choices {
		at := slices.IndexFunc(sorted, func(o Choice) bool { return o.Slot == c.Slot && o.VariantID == c.VariantID })
		if at < 0 {
			sorted = append(sorted, c)
			continue
		}
		sorted[at].Quantity += c.Quantity
	}
	slices.SortFunc(sorted, func(x, y Choice) int {
		return cmp.Or(cmp.Compare(x.Slot, y.Slot), slices.Compare(x.VariantID[:], y.VariantID[:]))
	})
	return sorted
}

// SaveSetInput says what a variant is made of, in place of what was said before.
type SaveSetInput struct {
	VariantID uuid.UUID
	PriceRule PriceRule
	Percent   *decimal.Decimal
	Amount    *decimal.Decimal // in the channel's currency
	Parts     []SetPart
	Slots     []SlotInput
}

// SlotInput is a place to fill, as staff write it.
type SlotInput struct {
	Name    i18n.Text
	Pick    int
	Choices []uuid.UUID
}

// set is what the input says.
func (in SaveSetInput) set(ctx context.Context) (Set, error) {
	s := Set{VariantID: in.VariantID, BrandID: channel.From(ctx).BrandID, PriceRule: in.PriceRule, Percent: in.Percent, Parts: in.Parts}
	for i, slot := range in.Slots {
		s.Slots = append(s.Slots, Slot{Number: i + 1, Name: slot.Name, Pick: slot.Pick, Choices: slot.Choices})
	}
	if in.Amount != nil {
		off, err := money.Parse(*in.Amount, money.Currency(channel.From(ctx).Currency))
		if err != nil || off.Minor <= 0 {
			return s, ErrSetPrice.At("amount")
		}
		s.Amount = &off.Minor
	}
	return s, s.Validate()
}

// Validate checks the set by itself.
func (s Set) Validate() error {
	all := []error{s.validPrice(), s.validParts()}
	if n := len(s.Parts) + len(s.Slots); n == 0 || len(s.Parts) > maxSetParts || len(s.Slots) > maxSlots {
		all = append(all, ErrSetParts.With(maxSetParts, maxSlots).At("parts"))
	}
	for i, slot := range s.Slots {
		all = append(all, slot.validate("slots."+strconv.Itoa(i)))
	}
	return errors.Join(all...)
}

func (s Set) validPrice() error {
	switch {
	case s.Percent != nil && s.Amount != nil, s.PriceRule == OwnPrice && (s.Percent != nil || s.Amount != nil):
		return ErrSetPrice.At("percent")
	case s.Percent != nil && (s.Percent.IsNegative() || s.Percent.GreaterThan(decimal.NewFromInt(100)) || !s.Percent.Shift(4).IsInteger()):
		return ErrSetPrice.At("percent")
	}
	return nil
}

// validParts wants each variant once, and not the set itself.
func (s Set) validParts() error {
	var all []error
	for i, p := range s.Parts {
		if p.Quantity < 1 || p.Quantity > maxPieces {
			all = append(all, ErrSetQuantity.With(maxPieces).At(fmt.Sprintf("parts.%d.quantity", i)))
		}
	}
	seen := map[uuid.UUID]bool{}
	for _, v := range s.Variants() {
		if v == s.VariantID {
			return errors.Join(append(all, ErrSetCycle.At("parts"))...)
		}
		if seen[v] {
			all = append(all, ErrSetTwice.At("parts"))
			break
		}
		seen[v] = true
	}
	return errors.Join(all...)
}

func (s Slot) validate(field string) error {
	all := []error{s.Name.Check(field+".name", maxSlotName, true)}
	if s.Pick < 1 || s.Pick > maxPieces {
		all = append(all, ErrSetQuantity.With(maxPieces).At(field+".pick"))
	}
	if len(s.Choices) == 0 || len(s.Choices) > maxSetParts {
		all = append(all, ErrSetParts.With(maxSetParts, maxSlots).At(field+".choices"))
	}
	return errors.Join(all...)
}
