package resolvers_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/mailbox"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

type addressee struct{ Name, PostalCode, Company string }

const billedCart = `cart { shippingAddress { name } billingAddress { name postalCode company } } userErrors { code field }`

type billedAnswer struct {
	UpdateCart struct {
		Cart *struct {
			ShippingAddress struct{ Name string }
			BillingAddress  *addressee
		}
		UserErrors []writeError
	}
}

func (s *shopper) bill(t *testing.T, input apptest.Variables) billedAnswer {
	t.Helper()
	var got billedAnswer
	s.Do(t, `mutation($in: UpdateCartInput!) { updateCart(input: $in) { `+billedCart+` } }`, apptest.Variables{"in": input}, "X-Cart-Token", s.token).Into(t, &got)
	return got
}

func office() apptest.Variables {
	return apptest.Variables{
		"name": "経理 太郎", "company": "株式会社のれん", "postalCode": "１００−０００１", "prefecture": "TOKYO",
		"city": "千代田区", "line1": "千代田1-1", "phone": "03-9999-0000",
	}
}

func TestABillGoesWhereTheCustomerSays(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.Work(t)
	p, method := a.AddProduct(t, "leash", 1980), a.AddShipping(t, "parcel", 0)
	s := &shopper{App: a}
	s.add(t, p.Variants[0], 1)

	var none struct {
		Cart struct{ BillingAddress *addressee }
	}
	s.Do(t, `{ cart { billingAddress { name } } }`, nil, "X-Cart-Token", s.token).Into(t, &none)
	require.Nil(t, none.Cart.BillingAddress, "nobody has said anything yet")
	require.Empty(t, s.fillIn(t, method).UserErrors)
	require.Equal(t, "山田 花子", s.bill(t, apptest.Variables{}).UpdateCart.Cart.BillingAddress.Name, "the bill goes with the parcel")

	billed := s.bill(t, apptest.Variables{"billingAddress": office()}).UpdateCart
	require.Empty(t, billed.UserErrors)
	require.Equal(t, addressee{"経理 太郎", "1000001", "株式会社のれん"}, *billed.Cart.BillingAddress, "normalised as every address")
	require.Equal(t, "山田 花子", billed.Cart.ShippingAddress.Name)
	require.Equal(t, "経理 太郎", s.bill(t, apptest.Variables{"email": "hanako@example.jp"}).UpdateCart.Cart.BillingAddress.Name, "what is left out stays")

	wrong := with(with(office(), "postalCode", "12"), "name", " ")
	refused := s.bill(t, apptest.Variables{"billingAddress": wrong}).UpdateCart
	require.Nil(t, refused.Cart)
	require.ElementsMatch(t, []writeError{{"REQUIRED", []string{"billingAddress", "name"}}, {"POSTAL_CODE_INVALID", []string{"billingAddress", "postalCode"}}}, refused.UserErrors)
	require.Equal(t, []writeError{{"INVALID", []string{"billToShipping"}}},
		s.bill(t, apptest.Variables{"billingAddress": office(), "billToShipping": true}).UpdateCart.UserErrors)
	require.Equal(t, "山田 花子", s.bill(t, apptest.Variables{"billToShipping": true}).UpdateCart.Cart.BillingAddress.Name)

	require.Empty(t, s.bill(t, apptest.Variables{"billingAddress": office()}).UpdateCart.UserErrors)
	placed := s.place(t, "an-intent-of-mine", "1980")
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "経理 太郎", billedOn(t, s, placed.Order.ID).Name)
	mailed(t, a, "■ ご請求先\n〒100-0001\n東京都千代田区千代田1-1\n株式会社のれん\n経理 太郎 様\n")
}

func TestAnOrderIsBilledToItsParcelsAddress(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	p, method := a.AddProduct(t, "leash", 1980), a.AddShipping(t, "parcel", 0)
	s, placed := ordered(t, a, p.Variants[0], method)
	require.Equal(t, "山田 花子", billedOn(t, s, placed.Order.ID).Name)
}

func billedOn(t *testing.T, s *shopper, order string) addressee {
	t.Helper()
	var got struct {
		Order struct{ BillingAddress addressee }
	}
	s.Do(t, `query($id: ID!) { order(id: $id) { billingAddress { name postalCode company } } }`, apptest.Variables{"id": order}, "X-Cart-Token", s.token).Into(t, &got)
	return got.Order.BillingAddress
}

// mailed waits for a mail to the customer that holds the text.
func mailed(t *testing.T, a *apptest.App, text string) {
	t.Helper()
	require.Eventually(t, func() bool {
		return slices.ContainsFunc(a.App.Mailbox.To("hanako@example.jp"), func(l mailbox.Letter) bool { return strings.Contains(l.Text, text) })
	}, 3*time.Minute, 20*time.Millisecond)
}
