package resolvers_test

import (
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// Of two who at once make a set a gift and give it slots, one is refused.
func TestAGiftGetsNoSlotsAtTheSameMoment(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	for i, code := range []string{"a", "b", "c", "d", "e"} {
		box := s.AddProduct(t, "box-"+code, 1000).Variants[0]
		require.Empty(t, s.saveSet(t, box, apptest.Variables{"parts": []apptest.Variables{part(s.tea, 2)}}))
		var (
			both    sync.WaitGroup
			refused [2][]writeError
		)
		both.Go(func() {
			refused[0] = write(t, s.App, promoter, "saveCampaign", "SaveCampaignInput", `campaign { id }`, apptest.Variables{"code": "gift-" + code, "name": apptest.Variables{"ja": "gift"},
				"benefits": []apptest.Variables{{"kind": "GIFT", "variantId": id.Global("Variant", box), "pieces": 1}}}, nil)
		})
		both.Go(func() {
			refused[1] = s.saveSet(t, box, apptest.Variables{"slots": []apptest.Variables{{"name": apptest.Variables{"ja": "お茶"}, "pick": 1, "choices": []string{id.Global("Variant", s.tea)}}}})
		})
		both.Wait()
		all := append(refused[0], refused[1]...)
		require.Len(t, all, 1, "round %d", i)
		require.Equal(t, "GIFT_NEEDS_CHOICE", all[0].Code)
	}
}

// A quotation is asked for by the same rules by which a set is put into a cart, but that
// what has no price or is not for sale may be asked for.
func TestASetWithWhatTheBuyerMayNotKnowIsNotQuoted(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	member := newMember(t, s.App, uuid.Nil)
	ask := as(t, s.App, member)
	fault := func(variant uuid.UUID) string {
		return ask.quote(t, "requestQuotation", apptest.Variables{"idempotencyKey": id.New().String(), "lines": []apptest.Variables{{"variantId": id.Global("Variant", variant), "quantity": 2}}}).fault()
	}
	require.Empty(t, fault(s.box))
	s.rule(t, s.teaShop, "purchasable", "DENY", nil)
	s.rule(t, s.teaShop, "priceShown", "DENY", nil)
	require.Empty(t, fault(s.box), "what may not be bought as it is may be asked for")
	s.rule(t, s.teaShop, "visible", "DENY", nil)
	require.Equal(t, "SET_PART_UNAVAILABLE lines.0.variantId", fault(s.box))
	require.Equal(t, "VARIANT_UNAVAILABLE lines.0.variantId", fault(s.tea))
	require.Empty(t, fault(s.mug))
	s.rule(t, s.teaShop, "visible", "ALLOW", allMembers)
	require.Empty(t, fault(s.box))

	coffee := s.openChoice(t, "OWN")
	require.Equal(t, "SET_CHOICE_INVALID lines.0.variantId", fault(s.box), "nobody says what is chosen")
	cart := func(q string, v apptest.Variables) { require.Empty(t, s.DoAs(t, member, q, v).Errors) }
	exec(t, s.App, `UPDATE display_rules SET closed_at = now()`)
	exec(t, s.App, `UPDATE rulebooks SET version = version + 1`)
	cart(`mutation($input: AddCartLineInput!) { addCartLine(input: $input) { userErrors { code } } }`, in(apptest.Variables{
		"variantId": id.Global("Variant", s.box), "quantity": 1, "choices": []apptest.Variables{choice(1, coffee, 3)}}))
	require.Equal(t, "SET_CHOICE_INVALID lines.0.variantId", ask.quote(t, "requestQuotation", apptest.Variables{"idempotencyKey": "from-cart", "fromCart": true}).fault())
	offered := ask.request(t, 1, s.mug)
	require.Equal(t, "SET_CHOICE_INVALID lines.0.variantId", as(t, s.App, quoter).quote(t, "answerQuotation", offerOf(offered, s.box, 1, "900")).fault(), "nor is it offered")
}

// What a set in a cart holds is not named any more once the buyer may not know of it.
func TestACartNamesNoPartThatIsHidden(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	guest := &shopper{App: s.App}
	cart := guest.choose(t, s.box, 1)
	require.Equal(t, "tea-1", cart.Cart.Lines[0].Parts[0].SKU)
	s.rule(t, s.teaShop, "visible", "DENY", nil)
	answer := s.Do(t, `{ cart { lines { sku problem { code message } parts { sku name options quantity } } } }`, nil, "X-Cart-Token", guest.token)
	var got struct {
		Cart struct {
			Lines []struct {
				SKU     string
				Problem struct{ Code string }
				Parts   []struct {
					SKU, Name string
					Quantity  int
				}
			}
		}
	}
	answer.Into(t, &got)
	line := got.Cart.Lines[0]
	require.Equal(t, "SET_PART_UNAVAILABLE", line.Problem.Code)
	require.Equal(t, "box-1", line.SKU)
	require.Empty(t, line.Parts[0].SKU)
	require.Equal(t, 2, line.Parts[0].Quantity)
	require.Equal(t, "mug-1", line.Parts[1].SKU)
	require.NotContains(t, string(answer.Data), "tea")
	s.rule(t, s.teaShop, "visible", "ALLOW", nil)
	require.Equal(t, "tea-1", guest.look(t).Cart.Lines[0].Parts[0].SKU, "it was only not said")
}

// Shares of a set with a price of its own are in proportion to what its parts cost alone:
// a buyer who is not told that learns no shares.
func TestAnOrderTellsNoShareOfAPartWhosePriceIsHidden(t *testing.T) {
	t.Parallel()
	s := openSetShop(t)
	shares := func(ask func(q string, v apptest.Variables) apptest.Answer, order string) (amounts []string) {
		var got struct {
			Order struct {
				Lines []struct {
					Parts []struct{ Amount *struct{ Amount string } }
				}
			}
		}
		ask(`query($id: ID!) { order(id: $id) { lines { parts { sku amount { amount } } } } }`, apptest.Variables{"id": order}).Into(t, &got)
		for _, p := range got.Order.Lines[0].Parts {
			amounts = append(amounts, text(p.Amount))
		}
		return amounts
	}
	buy := func() (string, func(q string, v apptest.Variables) apptest.Answer) {
		guest := &shopper{App: s.App}
		require.Empty(t, guest.choose(t, s.box, 1).UserErrors)
		guest.fillIn(t, s.method)
		placed := guest.place(t, id.New().String(), "1000")
		require.Empty(t, placed.UserErrors)
		return placed.Order.ID, func(q string, v apptest.Variables) apptest.Answer { return s.Do(t, q, v, "X-Cart-Token", guest.token) }
	}
	clerkOf := func(q string, v apptest.Variables) apptest.Answer {
		return s.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.OrderRead}}, q, v)
	}
	open, buyer := buy()
	require.Equal(t, []string{"400", "600"}, shares(buyer, open))
	s.rule(t, s.teaShop, "priceShown", "DENY", nil)
	secret, another := buy()
	require.Equal(t, []string{"", ""}, shares(another, secret), "one would tell the other")
	require.Equal(t, []string{"400", "600"}, shares(clerkOf, secret))
	require.Equal(t, []string{"400", "600"}, shares(buyer, open), "what was told stays told")
}
