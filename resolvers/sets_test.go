package resolvers_test

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// setShop is a shop with tea (8 %, 300 yen) and mugs (10 %, 900 yen), and a box of two
// teas and a mug for 1,000 yen.
type setShop struct {
	*apptest.App
	tea, mug, box    uuid.UUID
	method           uuid.UUID
	teaShop, boxShop uuid.UUID // the products
}

func part(variant uuid.UUID, quantity int) apptest.Variables {
	return apptest.Variables{"variantId": id.Global("Variant", variant), "quantity": quantity}
}

func choice(slot int, variant uuid.UUID, quantity int) apptest.Variables {
	return apptest.Variables{"slot": slot, "variantId": id.Global("Variant", variant), "quantity": quantity}
}

func openSetShop(t *testing.T) setShop {
	t.Helper()
	a := apptest.Start(t)
	tea, mug, box := a.AddProduct(t, "tea", 300), a.AddProduct(t, "mug", 900), a.AddProduct(t, "box", 1000)
	exec(t, a, `UPDATE products SET tax_class = 'REDUCED' WHERE id = $1`, tea.ID)
	s := setShop{a, tea.Variants[0], mug.Variants[0], box.Variants[0], a.AddShipping(t, "parcel", 0), tea.ID, box.ID}
	require.Empty(t, s.saveSet(t, s.box, apptest.Variables{"parts": []apptest.Variables{part(s.tea, 2), part(s.mug, 1)}}))
	return s
}

func (s setShop) saveSet(t *testing.T, variant uuid.UUID, input apptest.Variables) []writeError {
	t.Helper()
	input["variantId"] = id.Global("Variant", variant)
	return write(t, s.App, clerk, "saveSet", "SaveSetInput", `set { kind priceRule }`, input, nil)
}

type setCart struct {
	Cart *struct {
		Total struct{ Amount string }
		Taxes []struct {
			Percent int
			Tax     struct{ Amount string }
		}
		Lines []struct {
			ID, SKU      string
			Quantity     int
			Availability string
			Price        *struct {
				Unit      struct{ Amount string }
				Breakdown []struct{ Rule string }
			}
			Parts []struct {
				Slot     int
				SKU      string
				Quantity int
			}
			Problem *struct{ Code, Message string }
		}
	}
	CartToken  string
	UserErrors []userError
}

const setCartFields = `cart { total { amount } taxes { percent tax { amount } } lines { id sku quantity availability
	price { unit { amount } breakdown { rule } } parts { slot sku quantity } problem { code message } } }`

func (c setCart) code() string { return cartAnswer{UserErrors: c.UserErrors}.code() }

func (c setCart) problems() []string {
	var all []string
	for _, l := range c.Cart.Lines {
		if l.Problem != nil {
			all = append(all, l.Problem.Code)
		}
	}
	return all
}

// choose adds a set, or other goods, and gives the whole cart.
func (s *shopper) choose(t testing.TB, variant uuid.UUID, quantity int, choices ...apptest.Variables) setCart {
	t.Helper()
	if choices == nil {
		choices = []apptest.Variables{}
	}
	var got struct{ AddCartLine setCart }
	s.Do(t, `mutation($in: AddCartLineInput!) { addCartLine(input: $in) { `+setCartFields+` cartToken userErrors { code field message } } }`,
		apptest.Variables{"in": apptest.Variables{"variantId": id.Global("Variant", variant), "quantity": quantity, "choices": choices}},
		"X-Cart-Token", s.token).Into(t, &got)
	if got.AddCartLine.CartToken != "" {
		s.token = got.AddCartLine.CartToken
	}
	return got.AddCartLine
}

func (s *shopper) look(t testing.TB) setCart {
	t.Helper()
	var got setCart
	s.Do(t, `{ `+setCartFields+` }`, nil, "X-Cart-Token", s.token).Into(t, &got)
	return got
}

func (s setShop) listed(t *testing.T, product uuid.UUID) (inStock bool, price *int) {
	t.Helper()
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT in_stock, min_price FROM product_listings WHERE product_id = $1`, product).Scan(&inStock, &price))
	return inStock, price
}

func TestASetIsSoldOutOfItsParts(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	s.SetStock(t, s.tea, 10)
	s.SetStock(t, s.box, 0)
	guest := &shopper{App: s.App}
	refused := guest.choose(t, s.box, 6)
	require.Equal(t, "INSUFFICIENT_STOCK", refused.code())
	require.Contains(t, refused.UserErrors[0].Message, "5")

	cart := guest.choose(t, s.box, 3)
	require.Empty(t, cart.UserErrors)
	require.Equal(t, "LOW_STOCK", cart.Cart.Lines[0].Availability)
	require.Len(t, cart.Cart.Lines[0].Parts, 2)
	require.Equal(t, 2, cart.Cart.Lines[0].Parts[0].Quantity)

	// The set and loose tea want more together than there is.
	cart = guest.choose(t, s.tea, 5)
	require.Equal(t, []string{"INSUFFICIENT_STOCK", "INSUFFICIENT_STOCK"}, cart.problems())
	require.Contains(t, cart.Cart.Lines[1].Problem.Message, "4")
	guest.fillIn(t, s.method)
	require.Equal(t, "INSUFFICIENT_STOCK", guest.place(t, "intent-1", "4500").code())
	requireStock(t, s.App, s.tea, 10, 0)

	require.Empty(t, guest.set(t, cart.Cart.Lines[1].ID, 4).UserErrors)
	cart = guest.look(t)
	require.Empty(t, cart.problems())
	require.Equal(t, "4200", cart.Cart.Total.Amount)
	// 1,200 of the boxes' 3,000 yen are tea, and 1,200 yen more are loose.
	require.Equal(t, 10, cart.Cart.Taxes[0].Percent)
	require.Equal(t, "163", cart.Cart.Taxes[0].Tax.Amount)
	require.Equal(t, "177", cart.Cart.Taxes[1].Tax.Amount)

	placed := guest.place(t, "intent-2", "4200")
	require.Empty(t, placed.UserErrors)
	requireStock(t, s.App, s.tea, 10, 10)
	requireStock(t, s.App, s.mug, 100, 3)
	requireSums(t, s.App)
	for product, want := range map[uuid.UUID]bool{s.teaShop: false, s.boxShop: false} {
		inStock, _ := s.listed(t, product)
		require.Equal(t, want, inStock)
	}
	var got struct {
		Order struct {
			Lines []struct {
				Parts []struct {
					SKU, TaxClass string
					Quantity      int
					Amount        struct{ Amount string }
				}
			}
		}
	}
	s.Do(t, `query($id: ID!) { order(id: $id) { lines { parts { sku quantity taxClass amount { amount } } } } }`, apptest.Variables{"id": placed.Order.ID}, "X-Cart-Token", guest.token).Into(t, &got)
	parts := got.Order.Lines[0].Parts
	require.Equal(t, 6, parts[0].Quantity)
	require.Equal(t, "REDUCED 1200", parts[0].TaxClass+" "+parts[0].Amount.Amount)
	require.Equal(t, "STANDARD 1800", parts[1].TaxClass+" "+parts[1].Amount.Amount)
	require.Empty(t, got.Order.Lines[1].Parts)

	require.Empty(t, write(t, s.App, shipper, "cancelOrder", "CancelOrderInput", `order { status }`, apptest.Variables{"orderId": placed.Order.ID}, nil))
	requireStock(t, s.App, s.tea, 10, 0)
	requireStock(t, s.App, s.mug, 100, 0)
	inStock, _ := s.listed(t, s.boxShop)
	require.True(t, inStock)
	require.Equal(t, 1, s.events(t, "set.saved"))
}

func (s setShop) events(t *testing.T, kind string) (n int) {
	t.Helper()
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM events WHERE type = $1`, kind).Scan(&n))
	return n
}

// Sets and loose parts, bought by many at once: not a piece is sold twice.
func TestSetsAndLoosePartsNeverOversell(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	s.SetStock(t, s.tea, 20)
	guests := make([]*shopper, 64)
	for i := range guests {
		guests[i] = &shopper{App: s.App}
		if i%2 == 0 {
			require.Empty(t, guests[i].choose(t, s.box, 1).UserErrors)
		} else {
			require.Empty(t, guests[i].choose(t, s.tea, 2).UserErrors)
		}
		guests[i].fillIn(t, s.method)
	}
	var sold, boxes atomic.Int32
	var group sync.WaitGroup
	for i, g := range guests {
		group.Go(func() {
			total := []string{"1000", "600"}[i%2]
			switch code := g.place(t, fmt.Sprintf("intent-%d", i), total).code(); code {
			case "":
				sold.Add(1)
				boxes.Add(int32(1 - i%2))
			case "INSUFFICIENT_STOCK":
			default:
				t.Errorf("unexpected %s", code)
			}
		})
	}
	group.Wait()
	require.EqualValues(t, 10, sold.Load())
	requireStock(t, s.App, s.tea, 20, 20)
	requireStock(t, s.App, s.mug, 100, int(boxes.Load()))
	requireSums(t, s.App)
}

func TestPartsThatAreNotSoldKeepTheSetBack(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	guest := &shopper{App: s.App}
	require.Empty(t, guest.choose(t, s.box, 1).UserErrors)
	exec(t, s.App, `UPDATE product_listings SET published = false WHERE product_id = $1`, s.teaShop)
	require.Equal(t, []string{"SET_PART_UNAVAILABLE"}, guest.look(t).problems())
	guest.fillIn(t, s.method)
	require.Equal(t, "SET_PART_UNAVAILABLE", guest.place(t, "intent-1", "1000").code())
	exec(t, s.App, `UPDATE product_listings SET published = true WHERE product_id = $1`, s.teaShop)
	require.Empty(t, guest.look(t).problems())
	s.SetStock(t, s.mug, 0)
	require.Equal(t, "INSUFFICIENT_STOCK", guest.place(t, "intent-2", "1000").code())
	require.Equal(t, "INSUFFICIENT_STOCK", (&shopper{App: s.App}).choose(t, s.box, 1).code())
	exec(t, s.App, `UPDATE variants SET active = false WHERE id = $1`, s.mug)
	s.SetStock(t, s.mug, 10)
	require.Equal(t, "INSUFFICIENT_STOCK", (&shopper{App: s.App}).choose(t, s.box, 1).code())
}

func TestASetThatFollowsItsPartsCostsWhatTheyCostTheBuyer(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	require.Empty(t, s.saveSet(t, s.box, apptest.Variables{"priceRule": "PARTS", "percent": "7.5", "parts": []apptest.Variables{part(s.tea, 2), part(s.mug, 1)}}))
	_, listed := s.listed(t, s.boxShop)
	require.Equal(t, 1387, *listed, "1,500 less 7.5 %, rounded down")
	var page struct {
		Product struct {
			PriceRange struct{ Min struct{ Amount string } }
			Variants   []struct {
				Price struct{ Unit struct{ Amount string } }
				Set   struct {
					Kind, PriceRule, Percent string
					Parts                    []struct {
						Quantity int
						Variant  struct{ ID string }
					}
				}
			}
		}
	}
	ask := func() {
		s.Do(t, `{ product(slug: "box") { priceRange { min { amount } } variants { price { unit { amount } } set { kind priceRule percent parts { quantity variant { id } } } } } }`, nil).Into(t, &page)
	}
	ask()
	box := page.Product.Variants[0]
	require.Equal(t, "1387", box.Price.Unit.Amount)
	require.Equal(t, "1387", page.Product.PriceRange.Min.Amount)
	require.Equal(t, "FIXED PARTS 7.5", box.Set.Kind+" "+box.Set.PriceRule+" "+box.Set.Percent)
	require.Equal(t, id.Global("Variant", s.tea), box.Set.Parts[0].Variant.ID)

	guest := &shopper{App: s.App}
	cart := guest.choose(t, s.box, 1)
	require.Equal(t, "1387", cart.Cart.Total.Amount)
	require.Equal(t, "SET_PARTS", cart.Cart.Lines[0].Price.Breakdown[0].Rule)
	require.Equal(t, "SET_DISCOUNT", cart.Cart.Lines[0].Price.Breakdown[1].Rule)
	guest.fillIn(t, s.method)

	exec(t, s.App, `UPDATE prices SET amount = 1900 WHERE variant_id = $1`, s.mug)
	require.Equal(t, "PRICE_CHANGED", guest.place(t, "intent-1", "1387").code())
	require.Empty(t, guest.place(t, "intent-1", "2312").UserErrors)

	exec(t, s.App, `DELETE FROM prices WHERE variant_id = $1`, s.mug)
	require.Equal(t, []string{"PRICE_MISSING"}, (&shopper{App: s.App}).choose(t, s.box, 1).problems(), "a part without a price")

	require.Empty(t, write(t, s.App, clerk, "removeSet", "RemoveSetInput", `variantId`, apptest.Variables{"variantId": id.Global("Variant", s.box)}, nil))
	require.Equal(t, "1000", (&shopper{App: s.App}).choose(t, s.box, 1).Cart.Total.Amount, "a variant like any other")
	require.Equal(t, "NOT_FOUND", write(t, s.App, clerk, "removeSet", "RemoveSetInput", `variantId`, apptest.Variables{"variantId": id.Global("Variant", s.box)}, nil)[0].Code)
	require.Equal(t, 1, s.events(t, "set.removed"))
}

// openChoice makes the box one mug and three of tea and coffee (500 yen), as the customer likes.
func (s setShop) openChoice(t *testing.T, rule string) (coffee uuid.UUID) {
	t.Helper()
	coffee = s.AddProduct(t, "coffee", 500).Variants[0]
	require.Empty(t, s.saveSet(t, s.box, apptest.Variables{"priceRule": rule, "parts": []apptest.Variables{part(s.mug, 1)}, "slots": []apptest.Variables{
		{"name": apptest.Variables{"ja": "お茶"}, "pick": 3, "choices": []string{id.Global("Variant", s.tea), id.Global("Variant", coffee)}},
	}}))
	return coffee
}

func TestCustomersFillTheSlotsOfASet(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	coffee := s.openChoice(t, "PARTS")
	_, listed := s.listed(t, s.boxShop)
	require.Equal(t, 900+3*300, *listed, "the least that can be chosen")
	s.SetStock(t, s.tea, 4)
	s.SetStock(t, coffee, 3)
	guest := &shopper{App: s.App}
	for name, wrong := range map[string][]apptest.Variables{
		"nothing":      {},
		"too few":      {choice(1, s.tea, 2)},
		"too many":     {choice(1, s.tea, 2), choice(1, coffee, 2)},
		"not offered":  {choice(1, s.mug, 3)},
		"no such slot": {choice(2, s.tea, 3)},
		"less":         {choice(1, s.tea, 4), choice(1, coffee, -1)},
		"slot 0":       {choice(0, s.tea, 3)},
		"unknown":      {choice(1, id.New(), 3)},
	} {
		require.Equal(t, "SET_CHOICE_INVALID", guest.choose(t, s.box, 1, wrong...).code(), name)
	}
	require.Equal(t, "SET_CHOICE_INVALID", guest.choose(t, s.tea, 1, choice(1, s.tea, 1)).code(), "tea is no set")
	require.Zero(t, count(t, s.App, "carts"))

	require.Equal(t, "2000", guest.choose(t, s.box, 1, choice(1, s.tea, 2), choice(1, coffee, 1)).Cart.Total.Amount)
	same := guest.choose(t, s.box, 1, choice(1, coffee, 1), choice(1, s.tea, 1), choice(1, s.tea, 1))
	require.Len(t, same.Cart.Lines, 1, "the same choice, said otherwise")
	require.Equal(t, 2, same.Cart.Lines[0].Quantity)
	require.Empty(t, same.problems())
	s.SetStock(t, s.tea, 3)
	require.Equal(t, []string{"INSUFFICIENT_STOCK"}, guest.look(t).problems())
	require.Empty(t, guest.set(t, same.Cart.Lines[0].ID, 1).UserErrors)
	other := guest.choose(t, s.box, 1, choice(1, s.tea, 1), choice(1, coffee, 2))
	require.Len(t, other.Cart.Lines, 2)
	require.Empty(t, other.problems())
	require.Equal(t, "INSUFFICIENT_STOCK", guest.choose(t, s.box, 2, choice(1, s.tea, 3)).code())
	guest.fillIn(t, s.method)
	require.Empty(t, guest.place(t, "intent-1", "4200").UserErrors)
	requireStock(t, s.App, s.tea, 3, 3)
	requireStock(t, s.App, coffee, 3, 3)
	requireStock(t, s.App, s.mug, 100, 2)
	inStock, _ := s.listed(t, s.boxShop)
	require.False(t, inStock)

	// What is in carts must fit what the set has become.
	s.SetStock(t, s.tea, 100)
	late := &shopper{App: s.App}
	require.Empty(t, late.choose(t, s.box, 1, choice(1, s.tea, 3)).UserErrors)
	require.Empty(t, s.saveSet(t, s.box, apptest.Variables{"slots": []apptest.Variables{
		{"name": apptest.Variables{"ja": "お茶"}, "pick": 2, "choices": []string{id.Global("Variant", s.tea), id.Global("Variant", coffee)}},
	}}))
	require.Equal(t, []string{"SET_CHOICE_INVALID"}, late.look(t).problems())
	late.fillIn(t, s.method)
	require.Equal(t, "SET_CHOICE_INVALID", late.place(t, "intent-2", "1000").code())
}

func TestSetsThatCannotBe(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	hamper := s.AddProduct(t, "hamper", 5000).Variants[0]
	slot := func(pick int, choices ...uuid.UUID) []apptest.Variables {
		global := []string{}
		for _, c := range choices {
			global = append(global, id.Global("Variant", c))
		}
		return []apptest.Variables{{"name": apptest.Variables{"ja": "枠"}, "pick": pick, "choices": global}}
	}
	tea := []apptest.Variables{part(s.tea, 1)}
	for name, c := range map[string]struct {
		of          uuid.UUID
		input       apptest.Variables
		field, code string
	}{
		"nothing":             {hamper, apptest.Variables{}, "parts", "SET_PARTS_INVALID"},
		"no choices":          {hamper, apptest.Variables{"slots": slot(1)}, "slots.0.choices", "SET_PARTS_INVALID"},
		"nothing to pick":     {hamper, apptest.Variables{"slots": slot(0, s.tea)}, "slots.0.pick", "QUANTITY_INVALID"},
		"no pieces":           {hamper, apptest.Variables{"parts": []apptest.Variables{part(s.tea, 0)}}, "parts.0.quantity", "QUANTITY_INVALID"},
		"twice":               {hamper, apptest.Variables{"parts": tea, "slots": slot(1, s.mug, s.tea)}, "parts", "SET_PARTS_INVALID"},
		"itself":              {hamper, apptest.Variables{"parts": []apptest.Variables{part(hamper, 1)}}, "parts", "SET_CYCLE"},
		"itself to choose":    {hamper, apptest.Variables{"slots": slot(1, s.tea, hamper)}, "parts", "SET_CYCLE"},
		"a set":               {hamper, apptest.Variables{"parts": []apptest.Variables{part(s.box, 1)}}, "parts", "SET_NESTED"},
		"part of a set":       {s.tea, apptest.Variables{"parts": []apptest.Variables{part(hamper, 1)}}, "variantId", "SET_NESTED"},
		"by way of another":   {s.tea, apptest.Variables{"parts": []apptest.Variables{part(s.box, 1)}}, "parts", "SET_CYCLE"},
		"unknown part":        {hamper, apptest.Variables{"parts": []apptest.Variables{part(id.New(), 1)}}, "parts", "NOT_FOUND"},
		"unknown variant":     {id.New(), apptest.Variables{"parts": tea}, "variantId", "NOT_FOUND"},
		"own price, less":     {hamper, apptest.Variables{"parts": tea, "percent": "10"}, "percent", "SET_PRICE_INVALID"},
		"percent and amount":  {hamper, apptest.Variables{"parts": tea, "priceRule": "PARTS", "percent": "10", "amount": "10"}, "percent", "SET_PRICE_INVALID"},
		"more than all of it": {hamper, apptest.Variables{"parts": tea, "priceRule": "PARTS", "percent": "100.1"}, "percent", "SET_PRICE_INVALID"},
		"less than nothing":   {hamper, apptest.Variables{"parts": tea, "priceRule": "PARTS", "amount": "-1"}, "amount", "SET_PRICE_INVALID"},
		"half a yen":          {hamper, apptest.Variables{"parts": tea, "priceRule": "PARTS", "amount": "0.5"}, "amount", "SET_PRICE_INVALID"},
	} {
		errors := s.saveSet(t, c.of, c.input)
		require.Len(t, errors, 1, name)
		require.Equal(t, c.code, errors[0].Code, name)
		require.Equal(t, c.field, strings.Join(errors[0].Field, "."), name)
	}
	require.Equal(t, 1, count(t, s.App, "sets"))
	sellAs(t, s.App, hamper, apptest.Variables{"kind": "MADE_TO_ORDER", "promise": apptest.Variables{"ja": "来月"}})
	require.Equal(t, "SET_TERMS", s.saveSet(t, hamper, apptest.Variables{"parts": tea})[0].Code)
	terms := write(t, s.App, clerk, "setSaleTerms", "SetSaleTermsInput", `terms { kind }`,
		apptest.Variables{"variantId": id.Global("Variant", s.box), "kind": "SAMPLE", "perCustomer": 1}, nil)
	require.Equal(t, "SET_TERMS", terms[0].Code)
	require.Equal(t, "FORBIDDEN", s.DoAs(t, shipper, `mutation($v: ID!) { saveSet(input: {variantId: $v}) { userErrors { code } } }`, apptest.Variables{"v": id.Global("Variant", hamper)}).Code())
}

// Two who save at once cannot make a ring that neither would have been allowed to close.
func TestSetsSavedAtOnceMakeNoRing(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	for round := range 8 {
		a, b := s.AddProduct(t, fmt.Sprintf("a%d", round), 100).Variants[0], s.AddProduct(t, fmt.Sprintf("b%d", round), 100).Variants[0]
		var saved atomic.Int32
		var group sync.WaitGroup
		for _, pair := range [][2]uuid.UUID{{a, b}, {b, a}} {
			group.Go(func() {
				switch errors := s.saveSet(t, pair[0], apptest.Variables{"parts": []apptest.Variables{part(pair[1], 1)}}); {
				case len(errors) == 0:
					saved.Add(1)
				case errors[0].Code != "SET_CYCLE":
					t.Errorf("unexpected %s", errors[0].Code)
				}
			})
		}
		group.Wait()
		require.EqualValues(t, 1, saved.Load())
	}
}

// What limits leave of a part and of a set is kept over lines, carts and orders.
func TestLimitsHoldForSetsAndWhatTheyHold(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	coffee := s.openChoice(t, "OWN")
	sellAs(t, s.App, s.box, apptest.Variables{"kind": "LIMITED", "perCustomer": 2})
	sellAs(t, s.App, s.tea, apptest.Variables{"kind": "LIMITED", "total": 50, "perCustomer": 5})
	guest := &shopper{App: s.App}
	guest.choose(t, s.box, 1, choice(1, coffee, 3))
	guest.choose(t, s.box, 1, choice(1, coffee, 2), choice(1, s.tea, 1))
	got := guest.choose(t, s.box, 1, choice(1, coffee, 1), choice(1, s.tea, 2))
	guest.fillIn(t, s.method)
	require.Contains(t, guest.look(t).problems(), "PURCHASE_LIMIT_REACHED", "three boxes of different choices")
	require.Empty(t, guest.set(t, got.Cart.Lines[2].ID, 0).UserErrors)
	require.Empty(t, guest.look(t).problems())

	carts := []*shopper{guest, {App: s.App}}
	require.Empty(t, carts[1].choose(t, s.box, 2, choice(1, s.tea, 2), choice(1, coffee, 1)).UserErrors)
	carts[1].fillIn(t, s.method)
	codes := make([]string, len(carts))
	var group sync.WaitGroup
	for i, c := range carts {
		group.Go(func() { codes[i] = c.place(t, fmt.Sprintf("intent-%d", i), "2000").code() })
	}
	group.Wait()
	require.ElementsMatch(t, []string{"", "PURCHASE_LIMIT_REACHED"}, codes)
	requireCounted(t, s.App, s.box, 2)

	loose := &shopper{App: s.App}
	loose.choose(t, s.tea, 5)
	loose.fillIn(t, s.method)
	require.Equal(t, "PURCHASE_LIMIT_REACHED", loose.place(t, "intent-loose", "1500").code(), "tea in boxes counts")
}
