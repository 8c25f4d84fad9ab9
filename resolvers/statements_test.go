package resolvers_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/adapters/openid"
	"github.com/noren-commerce/noren/adapters/stripe/stripetest"
	"github.com/noren-commerce/noren/clients"
	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/operation"
	"github.com/noren-commerce/noren/graph/manifest"
)

// clientOperation is how an operation of a client is asked in a world, and how
// many SQL statements its answer takes, begin and commit among them.
type clientOperation struct {
	statements int
	// ask makes the question; a question that uses something up makes that first, for it
	// may be asked again.
	ask func(t *testing.T, w *world) question
}

// question is one operation with its variables, and who asks.
type question struct {
	variables apptest.Variables
	headers   []string
}

// clientOperations has an entry for each operation of clients/<client>/*.graphql,
// by "client/Name". Who adds an operation adds what it costs.
func clientOperations() map[string]clientOperation {
	all := map[string]clientOperation{}
	for _, some := range []map[string]clientOperation{
		buyingOperations, shopOperations, accountOperations, staffOperations, displayOperations, termOperations, campaignOperations,
		companyOperations, quotationOperations, movingOperations, moneyOperations, bookOperations, shippingOperations, documentOperations, returnOperations, carrierOperations, promiseOperations, pickUpOperations,
		memberOperations, pointOperations, prizeOperations, counterOperations, voucherOperations, drawOperations, lotOperations,
		deskOperations, wishOperations, paperOperations, segmentOperations, mailingOperations, statisticOperations, migrationOperations,
	} {
		maps.Copy(all, some)
	}
	return all
}

// buyingOperations are those of a shopper's way to an order, and of its money.
var buyingOperations = map[string]clientOperation{
	"app/ProductList":     {4, shown(apptest.Variables{"first": 50})},
	"app/ProductSearch":   {4, shown(apptest.Variables{"filter": apptest.Variables{"query": "しょうひん"}})},
	"app/ProductDetail":   {6, func(_ *testing.T, w *world) question { return question{apptest.Variables{"slug": w.broad}, nil} }},
	"app/ShippingMethods": {1, shown(nil)},
	"app/PaymentMethods":  {1, shown(nil)},
	"app/SsoProviders":    {0, shown(nil)},
	"partner/PartnerCatalog": {4, func(t *testing.T, w *world) question {
		return question{nil, []string{"X-API-Key", w.partner(t)}}
	}},

	"app/Cart": {5, func(t *testing.T, w *world) question { return question{nil, w.filled(t)} }},
	"app/AddCartLine": {7, func(t *testing.T, w *world) question {
		return question{apptest.Variables{"variantId": id.Global("Variant", w.spare), "quantity": 1}, w.filled(t)}
	}},
	"app/UpdateCart": {6, func(t *testing.T, w *world) question {
		return question{in(apptest.Variables{"email": "taro@example.jp"}), w.filled(t)}
	}},
	"app/Shops": {1, shown(nil)},
	"app/ChooseShop": {6, func(t *testing.T, w *world) question {
		w.office(t)
		return question{apptest.Variables{"shopId": w.locations[0]}, w.filled(t)}
	}},
	"app/ForgetShop": {6, func(t *testing.T, w *world) question { return question{nil, w.filled(t)} }},
	"app/PlaceOrder": {21, func(t *testing.T, w *world) question {
		return question{in(apptest.Variables{"idempotencyKey": w.key(), "expectedTotal": w.total(), "paymentMethod": "BANK_TRANSFER"}), w.filled(t)}
	}},
	"app/PayOrder": {24, func(t *testing.T, w *world) question {
		cart := w.filled(t)
		return question{in(apptest.Variables{"idempotencyKey": w.key(), "orderId": w.place(t, cart, "CARD"), "cardToken": "pm_card_visa"}), cart}
	}},
	"app/OrderDetail": {5, func(t *testing.T, w *world) question {
		cart := w.filled(t)
		return question{apptest.Variables{"id": w.place(t, cart, "BANK_TRANSFER")}, cart}
	}},
	"app/Orders": {2, func(_ *testing.T, w *world) question { return question{nil, w.member.headers()} }},
	"app/Me":     {5, func(_ *testing.T, w *world) question { return question{nil, w.member.headers()} }},
	"app/UpdateProfile": {9, func(_ *testing.T, w *world) question {
		return question{in(apptest.Variables{"name": w.key()}), w.member.headers()}
	}},
	"app/AddAddress": {8, func(_ *testing.T, w *world) question {
		return question{in(apptest.Variables{"address": newAddress("会社"), "isDefault": true}), w.member.headers()}
	}},
	"app/UpdateAddress": {8, func(t *testing.T, w *world) question {
		return question{in(apptest.Variables{"id": w.member.book(t)[1].ID, "isDefault": true}), w.member.headers()}
	}},
	"app/RemoveAddress": {8, func(t *testing.T, w *world) question {
		require.Empty(t, w.member.change(t, "addAddress", apptest.Variables{"address": newAddress("倉庫"), "isDefault": true}).UserErrors)
		return question{in(apptest.Variables{"id": w.member.book(t)[0].ID}), w.member.headers()}
	}},
	"app/AddPet": {7, func(_ *testing.T, w *world) question {
		return question{in(apptest.Variables{"name": "タマ", "species": "CAT"}), w.member.headers()}
	}},
	"app/UpdatePet": {7, func(_ *testing.T, w *world) question {
		return question{in(apptest.Variables{"id": w.pets[0], "name": "ポチ二世"}), w.member.headers()}
	}},
	"app/RemovePet": {7, func(t *testing.T, w *world) question {
		added := w.member.change(t, "addPet", apptest.Variables{"name": "ミケ", "species": "CAT"})
		require.Empty(t, added.UserErrors)
		return question{in(apptest.Variables{"id": added.Pet.ID}), w.member.headers()}
	}},
	"app/StartSso": {0, shown(in(apptest.Variables{"provider": "ours", "returnUrl": donePage}))},
	"app/FinishSso": {11, func(t *testing.T, w *world) question {
		subject := w.key()
		w.provider.add(subject, w.email(), true)
		return question{w.returned(t, subject), nil}
	}},
	"app/LinkSso": {5, func(t *testing.T, w *world) question {
		c, subject := newCustomer(t, w.App, w.email()), w.key()
		w.provider.add(subject, subject+"@example.jp", true)
		return question{w.returned(t, subject), c.headers()}
	}},
	"app/UnlinkSso": {7, func(t *testing.T, w *world) question {
		email, subject := w.email(), w.key()
		c := newCustomer(t, w.App, email)
		w.provider.add(subject, email, true)
		linked := linkSSO(t, c, visit(t, w.App, w.provider, subject))
		require.NotNil(t, linked.Link)
		return question{in(apptest.Variables{"id": linked.Link.ID}), c.headers()}
	}},
	"app/CloseAccount": {21, func(t *testing.T, w *world) question {
		return question{in(apptest.Variables{"password": goodPassword}), newCustomer(t, w.App, w.email()).headers()}
	}},

	"admin/Payments": {3, func(_ *testing.T, w *world) question { return question{nil, w.staff} }},
	"admin/RecordBankTransfer": {17, func(t *testing.T, w *world) question {
		order := w.place(t, w.filled(t), "BANK_TRANSFER")
		return question{in(apptest.Variables{"idempotencyKey": w.key(), "paymentId": w.payment(t, order), "amount": w.total(), "receivedAt": "2026-11-24T01:00:00Z"}), w.staff}
	}},
	"admin/RefundPayment": {9, func(t *testing.T, w *world) question {
		_, payment := w.paid(t)
		return question{in(apptest.Variables{"idempotencyKey": w.key(), "paymentId": payment, "amount": "100"}), w.staff}
	}},
}

// attached is the content of a file that is sent with an operation.
type attached string

func in(input apptest.Variables) apptest.Variables { return apptest.Variables{"input": input} }

// shown is asked by anybody.
func shown(variables apptest.Variables) func(*testing.T, *world) question {
	return func(*testing.T, *world) question { return question{variables, nil} }
}

// world is a shop in which every list is so long.
type world struct {
	*apptest.App
	size      int
	broad     string      // the slug of a product with that many variants
	spare     uuid.UUID   // one of them
	variants  []uuid.UUID // one of each of that many other products
	parts     []uuid.UUID // the other variant of each of them
	sets      []uuid.UUID // one for each of them, that holds its part
	parcel    uuid.UUID
	member    customer // with that many addresses, pets and orders
	pets      []string
	staff     []string // headers
	admin     []string // headers, once the office is furnished
	product   string   // the broad one, for staff
	maker     string
	shelves   []string // categories, each below the one before
	groups    []string
	pins      int
	locations []string
	provider  *provider
	keys      int
	trade     *trade

	programmes []string // of points, once they are furnished
}

func newWorld(t *testing.T, size int) *world {
	t.Helper()
	w := &world{size: size, provider: startProvider(t), broad: "broad"}
	card := stripetest.New(t)
	w.App = apptest.Start(t, func(c *app.Config) {
		c.StripeSecretKey, c.StripeWebhookSecret, c.StripeAPIBase, c.StripePublicKey = stripetest.Key, stripetest.WebhookSecret, card.URL, "pk_test_1"
		c.PublicURL, c.SSOReturnURLs = publicURL, []string{donePage}
		c.SSOProviders.Settings = []openid.Settings{{Key: "ours", Name: "Ours", Issuer: w.provider.URL, ClientID: "noren", ClientSecret: "secret"}}
	})
	w.spare = w.AddProduct(t, w.broad, make([]int64, size)...).Variants[0]
	for i := range size {
		product := w.AddProduct(t, fmt.Sprintf("p-%d", i), 1000, 1200).Variants
		w.variants, w.parts = append(w.variants, product[0]), append(w.parts, product[1])
		w.parcel = w.AddShipping(t, fmt.Sprintf("parcel-%d", i), 500)
	}
	issueAs(t, w.App)
	w.packed(t)
	shelf{w.App, nil}.index(t)
	w.staff = []string{"Authorization", employ(t, w.App, "till@example.jp", access.RoleStaff, access.OrderRead, access.OrderWrite).bearer()}
	w.member = newCustomer(t, w.App, "hanako@example.jp")
	w.provider.add("hanako", "hanako@example.jp", true)
	for i := range size {
		require.Empty(t, w.member.change(t, "addAddress", apptest.Variables{"address": newAddress(fmt.Sprint("山田 ", i))}).UserErrors)
		added := w.member.change(t, "addPet", apptest.Variables{"name": fmt.Sprint("ポチ", i), "species": "DOG"})
		require.Empty(t, added.UserErrors)
		w.pets = append(w.pets, added.Pet.ID)
		w.place(t, w.filled(t, w.member.headers()...), "BANK_TRANSFER")
		require.Empty(t, login(t, w.App, "hanako@example.jp", goodPassword).UserErrors)
	}
	return w
}

// packed makes the sets, every other one at the price of what it holds; each costs 1,000 yen.
func (w *world) packed(t *testing.T) {
	t.Helper()
	for i, held := range w.parts {
		set := w.AddProduct(t, fmt.Sprintf("set-%d", i), 1000).Variants[0]
		input := apptest.Variables{"variantId": id.Global("Variant", set), "parts": []apptest.Variables{part(held, 1)}}
		if i%2 == 1 {
			input["priceRule"], input["amount"] = "PARTS", "200"
		}
		require.Empty(t, write(t, w.App, clerk, "saveSet", "SaveSetInput", `set { kind }`, input, nil))
		w.sets = append(w.sets, set)
	}
}

func (c customer) headers() []string { return []string{"Authorization", c.bearer} }

// key is an idempotency key that was not used yet.
func (w *world) key() string {
	w.keys++
	return fmt.Sprintf("intent-%03d", w.keys)
}

// total is what a filled cart costs. The sets in it are why orders that are placed or given
// up restate listings, at five statements more.
func (w *world) total() string { return fmt.Sprint(2000*w.size + 500) }

// filled is a cart with a line of every product and every set, ready to be ordered, by the
// headers that name it; without any, a guest's.
func (w *world) filled(t *testing.T, headers ...string) []string {
	t.Helper()
	for _, v := range slices.Concat(w.variants, w.sets) {
		var got struct{ AddCartLine cartAnswer }
		w.Do(t, `mutation($v: ID!) { addCartLine(input: {variantId: $v, quantity: 1}) { cartToken userErrors { code } } }`,
			apptest.Variables{"v": id.Global("Variant", v)}, headers...).Into(t, &got)
		require.Empty(t, got.AddCartLine.UserErrors)
		if len(headers) == 0 {
			headers = []string{"X-Cart-Token", got.AddCartLine.CartToken}
		}
	}
	var got struct{ UpdateCart cartAnswer }
	w.Do(t, `mutation($m: ID!, $a: AddressInput!) { updateCart(input: {email: "hanako@example.jp", shippingMethodId: $m, shippingAddress: $a}) { userErrors { code field } } }`,
		apptest.Variables{"m": id.Global("ShippingMethod", w.parcel), "a": newAddress("山田 花子")}, headers...).Into(t, &got)
	require.Empty(t, got.UpdateCart.UserErrors)
	return headers
}

// place orders a filled cart.
func (w *world) place(t *testing.T, headers []string, method string) (order string) {
	t.Helper()
	var got struct{ PlaceOrder orderAnswer }
	w.Do(t, `mutation($input: PlaceOrderInput!) { placeOrder(input: $input) { order { id } userErrors { code field } } }`,
		in(apptest.Variables{"idempotencyKey": w.key(), "expectedTotal": w.total(), "paymentMethod": method}), headers...).Into(t, &got)
	require.Empty(t, got.PlaceOrder.UserErrors)
	return got.PlaceOrder.Order.ID
}

// payment is the payment of an order.
func (w *world) payment(t *testing.T, order string) string {
	t.Helper()
	var got struct {
		Order struct{ Payments []struct{ ID string } }
	}
	w.Do(t, `query($id: ID!) { order(id: $id) { payments { id } } }`, apptest.Variables{"id": order}, w.staff...).Into(t, &got)
	require.NotEmpty(t, got.Order.Payments)
	return got.Order.Payments[0].ID
}

// returned is what FinishSso and LinkSso take of a person who was at the provider.
func (w *world) returned(t *testing.T, subject string) apptest.Variables {
	return apptest.Variables{"input": visit(t, w.App, w.provider, subject).variables()["in"]}
}

// partner is the key of a partner that may run what is registered for partners.
func (w *world) partner(t *testing.T) string {
	t.Helper()
	for _, o := range operationsOf(t, "partner") {
		_, err := w.App.App.Operations.Register(t.Context(), "partner", []operation.Operation{{ID: o.ID, Name: o.Name, Kind: o.Type, Source: o.Body}})
		require.NoError(t, err)
	}
	var got struct {
		CreatePartner   struct{ Partner struct{ ID string } }
		IssuePartnerKey struct{ Secret string }
	}
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PartnerWrite}}
	w.DoAs(t, office, `mutation { createPartner(input: {name: "倉庫連携", permissions: [], ratePerMinute: 600}) { partner { id } } }`, nil).Into(t, &got)
	w.DoAs(t, office, `mutation($id: ID!) { issuePartnerKey(input: {partnerId: $id}) { secret } }`, apptest.Variables{"id": got.CreatePartner.Partner.ID}).Into(t, &got)
	return got.IssuePartnerKey.Secret
}

// operationsOf are the operations of a client that ships with noren.
func operationsOf(t *testing.T, client string) []manifest.Operation {
	t.Helper()
	raw, err := fs.ReadFile(clients.Manifests, client+"/persisted-query-manifest.json")
	require.NoError(t, err)
	all, err := manifest.Parse(raw)
	require.NoError(t, err)
	return all
}

// shipped are the clients that ship with noren.
func shipped(t *testing.T) (names []string) {
	t.Helper()
	files, err := fs.Glob(clients.Manifests, "*/persisted-query-manifest.json")
	require.NoError(t, err)
	for _, file := range files {
		names = append(names, path.Dir(file))
	}
	require.Contains(t, names, "app")
	return names
}

// cost is the number of statements of an operation, asked as its client asks. What
// noren keeps in memory (the channel, the session, the rules, the document) it has heard of.
func (w *world) cost(t *testing.T, client string, o manifest.Operation, q question) int {
	t.Helper()
	if o.Type == "subscription" {
		return w.eventCost(t, o, q)
	}
	ask := func() apptest.Answer { return w.Do(t, o.Body, q.variables, q.headers...) }
	if client == "partner" {
		ask = func() apptest.Answer { return w.Registered(t, o.ID, q.variables, q.headers...) }
	}
	if input, ok := q.variables["input"].(apptest.Variables); ok {
		if file, ok := input["file"].(attached); ok {
			ask = func() apptest.Answer {
				content, headers := apptest.File{Name: "file.csv", ContentType: "text/csv", Content: []byte(file)}, append(q.headers, "X-Noren-CSRF", "1")
				if client == "partner" {
					return w.UploadRegistered(t, o.ID, in(with(input, "file", nil)), "input.file", content, headers...)
				}
				return w.Upload(t, o.Body, in(with(input, "file", nil)), "input.file", content, headers...)
			}
		}
	}
	if client != "partner" {
		w.App.App.Resolvers.Accounts.RolesChanged() // so that what is known of the session is fresh
		w.Do(t, `{ me { id } cart { id } products(first: 1) { nodes { id } } }`, nil, q.headers...)
	}
	if client == "admin" { // whatever was asked before may have moved the rules
		w.office(t)
		w.Do(t, `query($id: ID!) { anyProduct(id: $id) { variants { price { unit { amount } } } } }`, apptest.Variables{"id": w.product}, w.admin...)
	}
	if o.Type == "query" {
		ask()
	}
	answer := ask()
	require.Empty(t, answer.Errors)
	var fields map[string]struct{ UserErrors []userError }
	if o.Type == "mutation" {
		require.NoError(t, json.Unmarshal(answer.Data, &fields))
	}
	for field, got := range fields {
		require.Empty(t, got.UserErrors, field)
	}
	return answer.Statements
}

func TestEveryClientOperationCostsItsNumberOfStatements(t *testing.T) {
	t.Parallel()
	// What staff change in a shop changes what its customers' operations cost.
	staffs, customers, campaigns := newWorlds(t), newWorlds(t), newWorlds(t)
	entries := clientOperations()
	for _, o := range operationsOf(t, "web") { // what it asks as the app does costs as much
		if same, asked := entries["app/"+o.Name]; asked && entries["web/"+o.Name].ask == nil {
			entries["web/"+o.Name] = same
		}
	}
	left := maps.Clone(entries)
	for _, client := range shipped(t) {
		for _, o := range operationsOf(t, client) {
			worlds := customers
			if client == "admin" {
				worlds = staffs
			}
			name := client + "/" + o.Name
			want, ok := entries[name]
			if !assert.True(t, ok, "%s has no entry in clientOperations: say how it is asked and what it costs", name) {
				continue
			}
			delete(left, name)
			if _, ok := campaignOperations[name]; ok {
				worlds = campaigns
			}
			t.Run(name, func(t *testing.T) {
				for _, w := range worlds {
					n := w.cost(t, client, o, want.ask(t, w))
					if n > want.statements { // perhaps what is kept in memory for some seconds was read again just then
						n = min(n, w.cost(t, client, o, want.ask(t, w)))
					}
					t.Logf("%s with lists of %d: %d statements", name, w.size, n)
					assert.Equal(t, want.statements, n, "with lists of %d", w.size)
				}
			})
		}
	}
	assert.Empty(t, left, "operations that no client has")
}

func newWorlds(t *testing.T) []*world { return []*world{newWorld(t, 2), newWorld(t, 7)} }
