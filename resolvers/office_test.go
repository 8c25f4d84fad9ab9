package resolvers_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/importing"
)

// office is the headers of an administrator in a shop where everything that staff
// list is there, as many as the world is large.
func (w *world) office(t *testing.T) []string {
	t.Helper()
	if w.admin != nil {
		return w.admin
	}
	w.admin = []string{"Authorization", employ(t, w.App, "admin@example.jp", access.RoleAdmin).bearer()}
	w.product = id.Global("Product", w.productOf(t, w.spare))
	for i := range w.size {
		name := apptest.Variables{"ja": fmt.Sprint("棚", i)}
		shelf := apptest.Variables{"slug": fmt.Sprint("shelf-", i), "name": name}
		if i > 0 {
			shelf["parentId"] = w.shelves[i-1]
		}
		w.shelves = append(w.shelves, w.made(t, "saveCategory", "category", shelf))
		w.made(t, "saveCategory", "category", apptest.Variables{"slug": fmt.Sprint("side-", i), "name": name, "parentId": w.shelves[0]})
		w.maker = w.made(t, "saveProductBrand", "productBrand", apptest.Variables{"slug": fmt.Sprint("maker-", i), "name": name})
		w.made(t, "saveAttribute", "attribute", apptest.Variables{"code": fmt.Sprint("a", i), "name": name, "type": "TEXT"})
		w.made(t, "saveSynonym", "synonym", apptest.Variables{"words": []string{fmt.Sprint("言", i), fmt.Sprint("葉", i)}})
		w.made(t, "savePriceList", "priceList", apptest.Variables{"code": fmt.Sprint("list-", i), "name": name})
		w.made(t, "addMedia", "product", apptest.Variables{"productId": w.product, "url": fmt.Sprintf("https://media.example/%d.jpg", i)})
		w.made(t, "receiveStock", "", w.stock(1))
		partner := w.made(t, "createPartner", "partner", apptest.Variables{"name": fmt.Sprint("相手", i)})
		w.made(t, "issuePartnerKey", "key", apptest.Variables{"partnerId": partner})
		w.groups = append(w.groups, w.group(t))
		w.locations = append(w.locations, w.made(t, "saveLocation", "location", apptest.Variables{"code": fmt.Sprint("shop-", i), "name": name, "kind": "SHOP", "priority": 10}))
		employ(t, w.App, w.email(), access.RoleStaff, access.CatalogRead)
		w.imported(t, i)
	}
	w.made(t, "updateProduct", "product", apptest.Variables{"id": w.product, "categoryIds": w.shelves, "productBrandId": w.maker, "attributes": w.values()})
	return w.admin
}

// productOf is the product of a variant.
func (w *world) productOf(t *testing.T, variant uuid.UUID) (product uuid.UUID) {
	t.Helper()
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT product_id FROM variants WHERE id = $1`, variant).Scan(&product))
	return product
}

// stock is a change of the spare variant's stock in the warehouse.
func (w *world) stock(quantity int) apptest.Variables {
	return apptest.Variables{"idempotencyKey": w.key(), "variantId": id.Global("Variant", w.spare), "locationId": id.Global("Location", w.WarehouseID), "quantity": quantity}
}

// imported is an import with as many rejections as the world is large.
func (w *world) imported(t *testing.T, n int) string {
	t.Helper()
	ch, err := w.App.App.Channels.Resolve(t.Context(), "web", "")
	require.NoError(t, err)
	ctx := channel.With(access.With(t.Context(), access.System), ch)
	var file strings.Builder
	file.WriteString("slug,name.ja,sku,price\n")
	for i := range w.size {
		fmt.Fprintf(&file, "bad-%d-%d,だめ,B-%d-%d,abc\n", n, i, n, i)
	}
	run, err := w.App.App.Resolvers.Imports.Upload(ctx, importing.UploadInput{FileName: fmt.Sprintf("%d.csv", n), File: strings.NewReader(file.String())})
	require.NoError(t, err)
	require.NoError(t, w.App.App.Resolvers.Imports.Work(ctx, run.ID, func(context.Context, uuid.UUID) (channel.Channel, error) { return ch, nil }))
	return run.GlobalID()
}

// priceFile is a previewed file with as many new prices, and rejections, as the world is
// large.
func (w *world) priceFile(t *testing.T) string {
	t.Helper()
	ctx, ch := inWeb(t, w.App, access.System)
	var file strings.Builder
	fmt.Fprintf(&file, "sku,min_quantity,price,valid_from\n")
	var sku string
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT sku FROM variants WHERE id = $1`, w.spare).Scan(&sku))
	w.pins++ // other prices each time
	for i := range w.size {
		fmt.Fprintf(&file, "%s,%d,%d,2027-01-01\nnothing-%s,1,1,\n", sku, 1000+i, 100+w.pins-i, w.key())
	}
	run, err := w.App.App.Resolvers.Prices.Upload(ctx, importing.PriceUpload{Kind: importing.ListPrices, FileName: "p.csv", File: strings.NewReader(file.String())})
	require.NoError(t, err)
	workPrices(t, w.App, run.ID, ch)
	return run.GlobalID()
}

// made runs a mutation of the administrator's and answers the id of its object, if
// it is named.
func (w *world) made(t *testing.T, mutation, object string, input apptest.Variables) string {
	t.Helper()
	kind, ok := map[string]string{"receiveStock": "StockInput", "createPermissionGroup": "PermissionGroupInput", "saveCashOnDelivery": "CashOnDeliveryInput"}[mutation]
	if !ok {
		kind = strings.ToUpper(mutation[:1]) + mutation[1:] + "Input"
	}
	var got map[string]map[string]any
	asked := ""
	if object != "" {
		asked = object + " { id }"
	}
	w.Do(t, fmt.Sprintf(`mutation($input: %s!) { %s(input: $input) { %s userErrors { code field message } } }`, kind, mutation, asked), in(keyed(mutation, input)), w.office(t)...).Into(t, &got)
	require.Empty(t, got[mutation]["userErrors"], mutation)
	if object == "" {
		return ""
	}
	return got[mutation][object].(map[string]any)["id"].(string)
}

// draft is a product of its own with as many variants, media and so on as the world
// is large, and one of the variants.
func (w *world) draft(t *testing.T) (product, variant string) {
	t.Helper()
	w.office(t)
	key := w.key()
	product = w.made(t, "createProduct", "product", w.newProduct(key))
	for i := range w.size {
		w.made(t, "addMedia", "product", apptest.Variables{"productId": product, "url": fmt.Sprintf("https://media.example/%s-%d.jpg", key, i)})
	}
	var got struct {
		AnyProduct struct{ Variants []struct{ ID string } }
	}
	w.Do(t, `query($id: ID!) { anyProduct(id: $id) { variants { id price { unit { amount } } } } }`, apptest.Variables{"id": product}, w.admin...).Into(t, &got)
	require.Len(t, got.AnyProduct.Variants, w.size)
	variant = got.AnyProduct.Variants[0].ID
	for _, location := range w.locations {
		w.made(t, "receiveStock", "", apptest.Variables{"idempotencyKey": w.key(), "variantId": variant, "locationId": location, "quantity": 10})
	}
	return product, variant
}

// values are a product's of every attribute.
func (w *world) values() (values []apptest.Variables) {
	for i := range w.size {
		values = append(values, apptest.Variables{"code": fmt.Sprint("a", i), "value": "よい"})
	}
	return values
}

func (w *world) newProduct(key string) apptest.Variables {
	name := apptest.Variables{"ja": "新しい品"}
	var sizes []string
	var variants []apptest.Variables
	for i := range w.size {
		sizes = append(sizes, fmt.Sprint("S", i))
		variants = append(variants, apptest.Variables{"sku": fmt.Sprint(key, "-", i), "options": []string{sizes[i]}, "price": "500", "cost": "200"})
	}
	return apptest.Variables{
		"slug": key, "name": name, "options": []apptest.Variables{{"name": name, "values": append(sizes, "M")}}, "variants": variants,
		"categoryIds": w.shelves, "productBrandId": w.maker, "attributes": w.values(),
	}
}

// paid is an order that was paid by card, and its payment.
func (w *world) paid(t *testing.T) (order, payment string) {
	t.Helper()
	cart := w.filled(t)
	order = w.place(t, cart, "CARD")
	var paid struct{ PayOrder payAnswer }
	w.Do(t, `mutation($input: PayOrderInput!) { payOrder(input: $input) { payment { id status } userErrors { code } } }`,
		in(apptest.Variables{"idempotencyKey": w.key(), "orderId": order, "cardToken": "pm_card_visa"}), cart...).Into(t, &paid)
	require.Empty(t, paid.PayOrder.UserErrors)
	return order, paid.PayOrder.Payment.ID
}
