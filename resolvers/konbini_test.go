package resolvers_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/konbini"
	"github.com/noren-commerce/noren/adapters/konbini/sandbox"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// corner is a shop whose orders are paid at convenience stores, and a guest whose cart
// comes to 2,640 yen.
type corner struct {
	*shopper
	provider *sandbox.Provider
}

func newCorner(t *testing.T) *corner {
	t.Helper()
	provider := &sandbox.Provider{Key: "key", Secret: "secret", Shop: "noren", Now: time.Now}
	server := httptest.NewServer(provider)
	t.Cleanup(server.Close)
	a := apptest.Start(t, func(c *app.Config) {
		c.KonbiniAPIBase, c.KonbiniKey, c.KonbiniShop, c.KonbiniWebhookSecret = server.URL, "key", "noren", "secret"
	})
	leash := a.AddProduct(t, "leash", 1980)
	parcel := a.AddShipping(t, "parcel", 660)
	s := &corner{&shopper{App: a}, provider}
	s.add(t, leash.Variants[0], 1)
	s.fillIn(t, parcel)
	return s
}

func (s *corner) place(t *testing.T, extra apptest.Variables) orderAnswer {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": "intent-1", "expectedTotal": "2640", "paymentMethod": "CONVENIENCE_STORE"}
	for name, value := range extra {
		input[name] = value
	}
	var placed struct{ PlaceOrder orderAnswer }
	s.Do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { `+orderFields+` } }`, in(input), "X-Cart-Token", s.token).Into(t, &placed)
	return placed.PlaceOrder
}

type slipAnswer struct {
	Status   string
	Paid     bool
	Payments []struct {
		ID, Status   string
		Instructions struct {
			ConvenienceStore, SlipNumber, ConfirmationNumber, Reference string
			DueAt                                                       time.Time
		}
	}
}

func (s *corner) order(t *testing.T, key string) slipAnswer {
	t.Helper()
	var got struct{ Order slipAnswer }
	s.Do(t, `query($o: ID!) { order(id: $o) { status paid payments { id status instructions { convenienceStore slipNumber confirmationNumber reference dueAt } } } }`,
		apptest.Variables{"o": key}, "X-Cart-Token", s.token).Into(t, &got)
	return got.Order
}

// hears sends a webhook, and answers what the provider is told.
func (s *corner) hears(t *testing.T, e konbini.Event) (int, string) {
	t.Helper()
	body, signature := s.provider.Signed(e)
	return s.post(t, string(body), signature)
}

func (s *corner) post(t *testing.T, body, signature string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL+"/webhooks/konbini", strings.NewReader(body))
	require.NoError(t, err)
	request.Header.Set(konbini.SignatureHeader, signature)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	var said struct{ Outcome string }
	require.NoError(t, json.NewDecoder(response.Body).Decode(&said))
	return response.StatusCode, said.Outcome
}

func TestGuestPaysAtAConvenienceStore(t *testing.T) {
	t.Parallel()
	s := newCorner(t)
	var offered struct {
		PaymentMethods []struct {
			Method            string
			ConvenienceStores []struct{ Chain, Name string }
		}
	}
	s.Do(t, `{ paymentMethods { method convenienceStores { chain name } } }`, nil).Into(t, &offered)
	require.Equal(t, "CONVENIENCE_STORE", offered.PaymentMethods[1].Method)
	require.Equal(t, "セブン-イレブン", offered.PaymentMethods[1].ConvenienceStores[0].Name)
	require.Empty(t, offered.PaymentMethods[0].ConvenienceStores)

	refused := s.place(t, nil)
	require.Equal(t, "CONVENIENCE_STORE_REQUIRED", refused.UserErrors[0].Code)
	require.Equal(t, []string{"convenienceStore"}, refused.UserErrors[0].Field)

	placed := s.place(t, apptest.Variables{"convenienceStore": "FAMILY_MART"})
	require.Empty(t, placed.UserErrors)
	require.Equal(t, "PENDING_PAYMENT", placed.Order.Status)
	key := placed.Order.ID
	require.Empty(t, s.order(t, key).Payments[0].Instructions.SlipNumber)
	s.Work(t)
	require.Eventually(t, func() bool { return s.order(t, key).Payments[0].Instructions.SlipNumber != "" }, time.Minute, 20*time.Millisecond)
	how := s.order(t, key).Payments[0].Instructions
	require.Equal(t, "FAMILY_MART", how.ConvenienceStore)
	require.Len(t, how.ConfirmationNumber, 6)
	require.Empty(t, how.Reference)
	require.True(t, how.DueAt.After(time.Now().Add(48*time.Hour)))
	mailed := func() string {
		var all strings.Builder
		for _, m := range s.App.App.Mailbox.To("hanako@example.jp") {
			all.WriteString(m.Text)
		}
		return all.String()
	}
	require.Eventually(t, func() bool { return strings.Contains(mailed(), how.SlipNumber) }, time.Minute, 20*time.Millisecond)
	require.Contains(t, mailed(), "ファミリーマート")

	paid := s.provider.Pay(keyOf(t, s.order(t, key).Payments[0].ID).String())
	status, outcome := s.hears(t, paid)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "APPLIED", outcome)
	_, outcome = s.hears(t, paid)
	require.Equal(t, "REPLAYED", outcome)
	require.Equal(t, "CONFIRMED", s.order(t, key).Status)
	require.True(t, s.order(t, key).Paid)
	status, _ = s.post(t, "{}", "t=1,v1=00")
	require.Equal(t, http.StatusBadRequest, status)
}

func TestMoneyOfAnUnknownSlipIsOnTheWorkList(t *testing.T) {
	t.Parallel()
	s := newCorner(t)
	placed := s.place(t, apptest.Variables{"convenienceStore": "LAWSON"})
	payment := s.order(t, placed.Order.ID).Payments[0].ID
	e := konbini.Event{ID: "evt", Type: "slip.paid", At: time.Now(), Slip: konbini.Slip{ID: "slip_lost", Shop: "noren", Status: "paid", Amount: 2640, Paid: 2640, Currency: "JPY"}}
	status, outcome := s.hears(t, e)
	require.Equal(t, http.StatusOK, status)
	require.Equal(t, "STRAY", outcome)

	type stray struct {
		ID, Gateway, Reference, Cause, State, Reason string
		Amount                                       struct{ Amount string }
		Payment                                      *struct{ ID, Status string }
	}
	list := func() []stray {
		var got struct {
			StrayPayments struct {
				Nodes      []stray
				TotalCount int
			}
		}
		s.DoAs(t, cashier, `{ strayPayments(states: [OPEN]) { totalCount nodes { id gateway reference cause state reason amount { amount } payment { id status } } } }`, nil).Into(t, &got)
		require.Len(t, got.StrayPayments.Nodes, got.StrayPayments.TotalCount)
		return got.StrayPayments.Nodes
	}
	found := list()
	require.Len(t, found, 1)
	require.Equal(t, "UNKNOWN", found[0].Cause)
	require.Equal(t, "2640", found[0].Amount.Amount)
	require.Nil(t, found[0].Payment)

	settle := func(input apptest.Variables) (*stray, string) {
		var got struct {
			SettleStrayPayment struct {
				Stray      *stray
				UserErrors []userError
			}
		}
		s.DoAs(t, cashier, `mutation($input: SettleStrayPaymentInput!) { settleStrayPayment(input: $input) { stray { id state reason payment { id status } } userErrors { code field message } } }`, in(keyed("settleStrayPayment", input))).Into(t, &got)
		if len(got.SettleStrayPayment.UserErrors) > 0 {
			return nil, got.SettleStrayPayment.UserErrors[0].Code
		}
		return got.SettleStrayPayment.Stray, ""
	}
	_, code := settle(apptest.Variables{"id": found[0].ID, "state": "RETURNED"})
	require.Equal(t, "REQUIRED", code)
	_, code = settle(apptest.Variables{"id": found[0].ID, "state": "APPLIED"})
	require.Equal(t, "INVALID", code)
	_, code = settle(apptest.Variables{"id": payment, "state": "IGNORED", "reason": "x"})
	require.Equal(t, "NOT_FOUND", code)
	done, code := settle(apptest.Variables{"id": found[0].ID, "state": "APPLIED", "paymentId": payment})
	require.Empty(t, code)
	require.Equal(t, "CAPTURED", done.Payment.Status)
	require.Equal(t, "CONFIRMED", s.order(t, placed.Order.ID).Status)
	_, code = settle(apptest.Variables{"id": found[0].ID, "state": "APPLIED", "paymentId": payment})
	require.Equal(t, "STRAY_SETTLED", code)
	require.Empty(t, list())
	require.NotEmpty(t, s.Do(t, `{ strayPayments { totalCount } }`, nil, "X-Cart-Token", s.token).Errors)
	shop := s.DoAs(t, clerkOf(id.New()), `{ strayPayments { totalCount } }`, nil)
	require.Equal(t, "FORBIDDEN", shop.Code(), "money of the whole brand is no matter of a shop")
}
