package resolvers_test

import (
	"bytes"
	"net/http"
	command "os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// A wholesale buyer has goods sent straight to a customer of theirs (直送): from the cart to
// the carrier's results, the shop stays out of sight.
func TestGoodsGoStraightToTheBuyersCustomer(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	d.send(t, "yamato-b2")
	w := wholesaler{App: d.App, method: d.parcel, leash: d.leash, staff: as(t, d.App, seller)}
	made := w.staff.mutate(t, "createCompany", apptest.Variables{"code": "C001", "name": "フクフク商店", "creditLimit": "100000", "creditPolicy": "BLOCK"})
	require.Empty(t, made.UserErrors)
	w.company = made.Company.ID
	kaede := w.buyer(t, "kaede@example.jp", "BUYER", nil).asking(t)
	vodka := d.AddProduct(t, "vodka", 3000).Variants[0]
	require.Empty(t, write(t, d.App, forwarder, "setShippingTraits", "SetShippingTraitsInput", `traits { variantId }`,
		apptest.Variables{"variants": []apptest.Variables{{"variantId": id.Global("Variant", vodka), "directAllowed": false}}}, nil))
	method := id.Global("ShippingMethod", d.parcel)
	require.Empty(t, write(t, d.App, forwarder, "setShippingLimits", "SetShippingLimitsInput", `shippingMethod { id }`, apptest.Variables{
		"methodId": method, "payments": []apptest.Variables{{"method": "CASH_ON_DELIVERY", "mode": "DIRECT"}},
	}, nil))

	type cart struct {
		Total struct{ Amount string }
		Lines []struct {
			ID      string
			Problem *struct{ Code string }
			Price   struct{ Breakdown []struct{ Rule string } }
		}
	}
	const seen = `cart { total { amount } lines { id problem { code } price { breakdown { rule } } } } userErrors { code field message }`
	change := func(field, kind string, input apptest.Variables) cart {
		t.Helper()
		var got map[string]struct {
			Cart       cart
			UserErrors []userError
		}
		kaede(`mutation($in: `+kind+`!) { `+field+`(input: $in) { `+seen+` } }`, apptest.Variables{"in": input}).Into(t, &got)
		require.Empty(t, got[field].UserErrors)
		return got[field].Cart
	}
	change("addCartLine", "AddCartLineInput", apptest.Variables{"variantId": id.Global("Variant", d.leash), "quantity": 2})
	change("addCartLine", "AddCartLineInput", apptest.Variables{"variantId": id.Global("Variant", vodka), "quantity": 1})
	buyer := newAddress("福田 ふく")
	buyer["company"] = "フクフク商店"
	chosen := change("updateCart", "UpdateCartInput", apptest.Variables{
		"email": "kaede@example.jp", "shippingMethodId": method, "shippingMode": "DIRECT", "shippingAddress": newAddress("届先 とどけ"), "billingAddress": buyer,
	})
	require.Nil(t, chosen.Lines[0].Problem)
	require.Equal(t, "DIRECT_NOT_ELIGIBLE", chosen.Lines[1].Problem.Code, "this one is not sent straight to anybody")
	left := change("setCartLineQuantity", "SetCartLineQuantityInput", apptest.Variables{"lineId": chosen.Lines[1].ID, "quantity": 0})
	require.Equal(t, "5016", left.Total.Amount, "two leashes at 1,980 yen and ten per cent, and the parcel")
	require.Equal(t, "DIRECT_SURCHARGE", left.Lines[0].Price.Breakdown[1].Rule)

	place := func(method string) changes {
		return kaede.mutate(t, "placeOrder", apptest.Variables{"idempotencyKey": "direct-" + method, "expectedTotal": "5016", "paymentMethod": method})
	}
	denied := kaede.mutate(t, "placeOrder", apptest.Variables{"idempotencyKey": "direct-cod", "expectedTotal": "5346", "paymentMethod": "CASH_ON_DELIVERY"})
	require.NotEmpty(t, denied.UserErrors, "nobody collects money from the buyer's customer")
	require.Equal(t, "SHIPPING_PAYMENT", denied.UserErrors[0].Code)
	placed := place("ON_ACCOUNT")
	require.Empty(t, placed.UserErrors)
	order := placed.Order.ID

	added := counter{d.App, editor}.edit(t, order, with(adding(vodka, 1), "dryRun", true))
	require.Equal(t, "DIRECT_NOT_ELIGIBLE", added.code(), "what may not go there is not added later either")
	require.Equal(t, []string{"add", "0"}, added.UserErrors[0].Field)
	require.Empty(t, counter{d.App, editor}.edit(t, order, with(adding(d.leash, 1), "dryRun", true)).UserErrors)

	packed := d.staff.instruct(t, order, nil)
	require.Empty(t, packed.UserErrors)
	shipment := packed.Shipments[0].ID
	var printed struct {
		PrintShipments struct {
			Paper      *struct{ DownloadURL string }
			UserErrors []userError
		}
	}
	d.DoAs(t, dispatcher, `mutation($s: ID!) { printShipments(input: {kind: PACKING_LISTS, shipmentIds: [$s]}) { paper { downloadUrl } userErrors { code } } }`, apptest.Variables{"s": shipment}).Into(t, &printed)
	require.Empty(t, printed.PrintShipments.UserErrors)
	status, _, slip := opened(t, d.App, printed.PrintShipments.Paper.DownloadURL)
	require.Equal(t, http.StatusOK, status)
	if text, ok := spoken(t, slip); ok {
		require.Contains(t, text, "フクフク商店", "it comes from the buyer")
		require.Contains(t, text, "届先 とどけ")
		for _, secret := range []string{"2,178", "1,980", "5,016", "4,356", "¥", "わんこ堂"} {
			require.NotContains(t, text, secret, "no prices, and not who really sends it")
		}
	}

	file := d.export(t, dispatcher, nil)
	require.Empty(t, file.UserErrors)
	require.Empty(t, file.Batch.Remarks)
	_, rows := d.download(t, file.Batch.DownloadURL)
	require.Len(t, rows, 1)
	row := rows[0]
	require.Equal(t, []string{"0", "", "届先 とどけ"}, []string{row["送り状種類"], row["ｺﾚｸﾄ代金引換額（税込)"], row["お届け先名"]})
	require.Contains(t, row["ご依頼主名"], "フクフク商店")
	for heading, cell := range row {
		require.NotContains(t, cell, "わんこ堂", heading)
	}

	// The carrier's results let it leave, and the company owes it.
	_, faults := d.upload(t, "お客様管理番号,伝票番号,出荷予定日\r\n"+row["お客様管理番号"]+",4912-3456-7890,"+strings.ReplaceAll(jstDay(0), "-", "/")+"\r\n")
	require.Empty(t, faults)
	d.Work(t)
	require.Equal(t, 1, d.worked(t).Shipped)
	var sent struct {
		Order struct {
			Status, ShippingMode string
			Shipments            []struct{ Status, TrackingNumber string }
		}
	}
	kaede(`query($o: ID!) { order(id: $o) { status shippingMode shipments { status trackingNumber } } }`, apptest.Variables{"o": order}).Into(t, &sent)
	require.Equal(t, []string{"SHIPPED", "DIRECT"}, []string{sent.Order.Status, sent.Order.ShippingMode})
	require.Equal(t, "491234567890", strings.ReplaceAll(sent.Order.Shipments[0].TrackingNumber, "-", ""))
	require.Equal(t, 5016, w.owed(t))
}

// spoken is the text of the PDF, where there is a tool that reads it.
func spoken(t testing.TB, file []byte) (string, bool) {
	t.Helper()
	tool, err := command.LookPath("pdftotext")
	if err != nil {
		require.True(t, bytes.HasPrefix(file, []byte("%PDF-1.")))
		return "", false
	}
	read := command.CommandContext(t.Context(), tool, "-layout", "-", "-")
	read.Stdin = bytes.NewReader(file)
	text, err := read.Output()
	require.NoError(t, err)
	return strings.Join(strings.Fields(string(text)), " "), true
}
