package resolvers_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// staffOperations are the administrator's, beside the ones above.
var staffOperations = map[string]clientOperation{
	"admin/AllProducts":   {3, inOffice(nil)},
	"admin/AnyProduct":    {6, asked(func(_ *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.product} })},
	"admin/CreateProduct": {26, input(func(_ *testing.T, w *world) apptest.Variables { return w.newProduct(w.key()) })},
	"admin/UpdateProduct": {22, input(func(t *testing.T, w *world) apptest.Variables {
		product, _ := w.draft(t)
		return apptest.Variables{"id": product, "internalNote": "みほん", "categoryIds": w.shelves[1:], "attributes": w.values()[1:]}
	})},
	"admin/PublishProduct":   {18, ofDraft(nil)},
	"admin/UnpublishProduct": {17, ofDraft(nil)},
	"admin/ArchiveProduct":   {11, ofDraft(nil)},
	"admin/AddVariant": {20, input(func(t *testing.T, w *world) apptest.Variables {
		product, _ := w.draft(t)
		return apptest.Variables{"productId": product, "variant": apptest.Variables{"sku": w.key(), "options": []string{"M"}, "price": "700"}}
	})},
	"admin/UpdateVariant": {21, input(func(t *testing.T, w *world) apptest.Variables {
		_, variant := w.draft(t)
		return apptest.Variables{"id": variant, "variant": apptest.Variables{"sku": w.key(), "options": []string{"M"}, "price": "700"}}
	})},
	"admin/AddMedia": {14, input(func(t *testing.T, w *world) apptest.Variables {
		product, _ := w.draft(t)
		return apptest.Variables{"productId": product, "url": "https://media.example/new.jpg"}
	})},
	"admin/RemoveMedia": {15, input(func(t *testing.T, w *world) apptest.Variables {
		product, _ := w.draft(t)
		var got struct {
			AnyProduct struct{ Media []struct{ ID string } }
		}
		w.Do(t, `query($id: ID!) { anyProduct(id: $id) { media { id } } }`, apptest.Variables{"id": product}, w.admin...).Into(t, &got)
		return apptest.Variables{"id": got.AnyProduct.Media[0].ID}
	})},

	"admin/Shelves": {5, inOffice(nil)},
	"admin/SaveCategory": {16, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"id": w.shelves[0], "slug": "renamed", "name": apptest.Variables{"ja": "新しい棚"}} // with all products below it
	})},
	"admin/MoveCategory": {17, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"id": w.shelves[1], "position": 3} // with all below it
	})},
	"admin/DeleteCategory": {6, input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.shelf(t)} })},
	"admin/SaveProductBrand": {15, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"id": w.maker, "slug": "renamed", "name": apptest.Variables{"ja": "新しい会社"}} // with all its products
	})},
	"admin/SaveAttribute": {5, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"code": strings.ReplaceAll(w.key(), "-", ""), "name": apptest.Variables{"ja": "新しい属性"}, "type": "TEXT"}
	})},
	"admin/SaveSynonym": {4, newly(apptest.Variables{"words": []string{"犬", "わんこ"}})},
	"admin/DeleteSynonym": {4, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"id": w.made(t, "saveSynonym", "synonym", apptest.Variables{"words": []string{"猫", "にゃんこ"}})}
	})},

	"admin/PriceLists":    {1, inOffice(nil)},
	"admin/PriceRows":     {2, inOffice(nil)},
	"admin/SavePriceList": {5, coined("code", apptest.Variables{"name": apptest.Variables{"ja": "新しい価格表"}})},
	"admin/ClosePriceList": {6, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"id": w.made(t, "savePriceList", "priceList", apptest.Variables{"code": w.key(), "name": apptest.Variables{"ja": "古い価格表"}})}
	})},
	"admin/SetPrices": {8, input(func(_ *testing.T, w *world) apptest.Variables {
		var prices []apptest.Variables
		for _, v := range w.variants {
			prices = append(prices, apptest.Variables{"variantId": id.Global("Variant", v), "amount": "400", "minQuantity": 10})
		}
		return apptest.Variables{"prices": prices}
	})},
	"admin/ClosePrice": {8, input(func(t *testing.T, w *world) apptest.Variables {
		_, variant := w.draft(t)
		return apptest.Variables{"id": rowsOf(t, w.App, `variantId: "`+variant+`"`)[0].ID}
	})},

	"admin/AllShippingMethods": {1, inOffice(nil)},
	"admin/SaveShippingMethod": {4, coined("code", cool())},
	"admin/CloseShippingMethod": {5, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"id": id.Global("ShippingMethod", w.AddShipping(t, w.key(), 300))}
	})},

	"admin/ImportProducts": {7, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"file": attached("slug,name.ja,sku,price\n" + w.key() + ",品,X-1,100\n")}
	})},
	"admin/ImportRun":  {3, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.imported(t, 1000)} })},
	"admin/ImportRuns": {4, inOffice(nil)},
	"admin/ImportPrices": {7, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"file": attached("sku,price\n" + w.key() + ",100\n"), "kind": "PRICES"}
	})},
	"admin/PriceImport":           {4, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.priceFile(t)} })},
	"admin/PriceImportRejections": {3, asked(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.priceFile(t)} })},
	"admin/PriceImports":          {2, inOffice(nil)},
	"admin/CommitPriceImport":     {20, input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.priceFile(t)} })},
	"admin/DiscardPriceImport":    {6, input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"id": w.priceFile(t)} })},
	"admin/PriceFile":             {2, inOffice(apptest.Variables{"kind": "PRICES"})},

	"admin/Locations": {1, inOffice(nil)},
	"admin/StockMovements": {1, asked(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"variantId": id.Global("Variant", w.spare)}
	})},
	"admin/AuditEvents":  {1, inOffice(nil)},
	"admin/ReceiveStock": {16, input(func(_ *testing.T, w *world) apptest.Variables { return w.stock(1) })},
	"admin/AdjustStock":  {16, input(func(_ *testing.T, w *world) apptest.Variables { return w.stock(-1) })},
	"admin/CountStock": {16, input(func(_ *testing.T, w *world) apptest.Variables {
		w.pins++
		return w.stock(77 + w.pins) // another number each time
	})},
	"admin/SetStockRules": {8, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"variantId": id.Global("Variant", w.spare), "locationId": id.Global("Location", w.WarehouseID), "safety": 0, "reorderPoint": 5, "reorderTo": 50}
	})},
	"admin/BackOrders": {4, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			p := w.AddProduct(t, w.key(), 1000)
			w.SetStock(t, p.Variants[0], 0)
			backOrders(t, w.App, target("PRODUCT", "Product", p.ID), 5)
			guest := &shopper{App: w.App}
			guest.add(t, p.Variants[0], 1)
			guest.fillIn(t, w.parcel)
			require.Empty(t, guest.place(t, w.key(), "1500").UserErrors)
		}
		return nil
	})},
	"admin/VariantSets": {4, asked(func(t *testing.T, w *world) apptest.Variables {
		product, variant := w.draft(t)
		w.made(t, "saveSet", "", w.newSet(variant))
		return apptest.Variables{"productId": product}
	})},
	"admin/SaveSet": {21, input(func(t *testing.T, w *world) apptest.Variables {
		_, variant := w.draft(t)
		return w.newSet(variant)
	})},
	"admin/RemoveSet": {14, input(func(t *testing.T, w *world) apptest.Variables {
		_, variant := w.draft(t)
		w.made(t, "saveSet", "", w.newSet(variant))
		return apptest.Variables{"variantId": variant}
	})},
	"admin/SetSaleTerms": {12, input(func(t *testing.T, w *world) apptest.Variables {
		_, variant := w.draft(t)
		return apptest.Variables{"variantId": variant, "kind": "LIMITED", "total": 50, "perCustomer": 2}
	})},
	"admin/SaveLocation": {4, coined("code", apptest.Variables{"name": apptest.Variables{"ja": "別館"}, "kind": "SHOP"})},

	"admin/StaffOrders": {2, inOffice(nil)},
	"admin/StaffOrder": {6, asked(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.paid(t)
		return apptest.Variables{"id": order}
	})},
	"admin/Shipments": {3, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.instructed(t)
		}
		return nil
	})},
	"admin/InstructShipments": {15, input(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.paid(t)
		return apptest.Variables{"idempotencyKey": w.key(), "orderId": order}
	})},
	"admin/ShipShipment": {25, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "shipmentId": w.instructed(t), "carrier": "ヤマト運輸", "trackingNumber": w.key()}
	})},
	"admin/DeliverShipment": {11, input(func(t *testing.T, w *world) apptest.Variables {
		shipment := w.instructed(t)
		w.made(t, "shipShipment", "shipment", apptest.Variables{"shipmentId": shipment})
		return apptest.Variables{"shipmentId": shipment}
	})},
	"admin/CancelShipment": {12, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"idempotencyKey": w.key(), "shipmentId": w.instructed(t), "reason": "住所の確認待ち"}
	})},
	"admin/CancelOrder": {26, input(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.paid(t)
		return apptest.Variables{"idempotencyKey": w.key(), "orderId": order, "reason": "在庫なし"} // the payment goes back
	})},
	"admin/HoldOrder":    {5, ofOrder(apptest.Variables{"reason": "FRAUD"})},
	"admin/ReleaseOrder": {5, ofOrder(nil)},
	"admin/TagOrder":     {8, ofOrder(apptest.Variables{"tags": []string{"ギフト", "要確認"}})},
	"admin/EditOrder": {37, input(func(t *testing.T, w *world) apptest.Variables {
		order, _ := w.paid(t)
		return apptest.Variables{"idempotencyKey": w.key(), "orderId": order, "add": []apptest.Variables{{"variantId": id.Global("Variant", w.sets[0]), "quantity": 1}}}
	})},
	"admin/NoteOrder": {5, ofOrder(apptest.Variables{"note": "お電話あり"})},

	"admin/Staff":      {3, inOffice(nil)},
	"admin/StaffRules": {2, inOffice(nil)},
	"admin/CreateStaff": {12, input(func(_ *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"email": w.email(), "name": "新人", "role": "STAFF", "groupIds": w.groups}
	})},
	"admin/UpdateStaff": {10, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"accountId": employ(t, w.App, w.email(), access.RoleStaff, access.CatalogRead).Account.ID, "name": "改名", "groupIds": w.groups}
	})},
	"admin/DeactivateStaff": {6, ofStaff(nil)},
	"admin/ResetTotp": {8, input(func(t *testing.T, w *world) apptest.Variables {
		got := employ(t, w.App, w.email(), access.RoleStaff, access.CatalogRead)
		c := customer{w.App, got.Account.ID, got.bearer()}
		require.Empty(t, done(t, w.App, c.bearer, `confirmTotp(input: {code: "`+codeOf(t, c.enrolled(t), 0)+`"})`))
		return apptest.Variables{"accountId": c.id}
	})},
	"admin/CreatePermissionGroup": {4, coined("name", apptest.Variables{"permissions": []string{"CATALOG_READ"}})},
	"admin/UpdatePermissionGroup": {5, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"groupId": w.group(t), "name": w.key(), "permissions": []string{"CATALOG_WRITE"}}
	})},
	"admin/DeletePermissionGroup": {5, input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"groupId": w.group(t)} })},
	"admin/SetStaffPolicy":        {4, newly(apptest.Variables{"networks": []string{}, "requireTotp": false})},
	"admin/CloseMember": {21, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"accountId": newCustomer(t, w.App, w.email()).id}
	})},

	"admin/Partners":      {2, inOffice(nil)},
	"admin/CreatePartner": {5, newly(apptest.Variables{"name": "新しい相手"})},
	"admin/UpdatePartner": {6, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"partnerId": w.ally(t), "name": "改名"}
	})},
	"admin/ClosePartner": {5, input(func(t *testing.T, w *world) apptest.Variables {
		partner := w.ally(t)
		for range w.size {
			w.made(t, "issuePartnerKey", "key", apptest.Variables{"partnerId": partner})
		}
		return apptest.Variables{"partnerId": partner}
	})},
	"admin/IssuePartnerKey":  {5, input(func(t *testing.T, w *world) apptest.Variables { return apptest.Variables{"partnerId": w.ally(t)} })},
	"admin/RotatePartnerKey": {8, ofKey},
	"admin/RevokePartnerKey": {5, ofKey},
}

// asked is asked by the administrator, with the variables.
func asked(variables func(*testing.T, *world) apptest.Variables) func(*testing.T, *world) question {
	return func(t *testing.T, w *world) question {
		headers := w.office(t)
		return question{variables(t, w), headers}
	}
}

// input is asked by the administrator, with the input.
func input(of func(*testing.T, *world) apptest.Variables) func(*testing.T, *world) question {
	return asked(func(t *testing.T, w *world) apptest.Variables { return in(of(t, w)) })
}

// inOffice is asked by the administrator, with the variables as they stand.
func inOffice(variables apptest.Variables) func(*testing.T, *world) question {
	return asked(func(*testing.T, *world) apptest.Variables { return variables })
}

// newly is asked by the administrator, with the input as it stands.
func newly(input apptest.Variables) func(*testing.T, *world) question { return inOffice(in(input)) }

// coined is newly, with something in the field that nothing else has.
func coined(field string, more apptest.Variables) func(*testing.T, *world) question {
	return input(func(_ *testing.T, w *world) apptest.Variables { return with(more, field, w.key()) })
}

// ofDraft is asked about a product that is new.
func ofDraft(more apptest.Variables) func(*testing.T, *world) question {
	return input(func(t *testing.T, w *world) apptest.Variables {
		product, _ := w.draft(t)
		return with(more, "id", product)
	})
}

// ofOrder is asked about an order that is new.
func ofOrder(more apptest.Variables) func(*testing.T, *world) question {
	return input(func(t *testing.T, w *world) apptest.Variables {
		return with(more, "orderId", w.place(t, w.filled(t), "BANK_TRANSFER"))
	})
}

// ofStaff is asked about staff who are new.
func ofStaff(more apptest.Variables) func(*testing.T, *world) question {
	return input(func(t *testing.T, w *world) apptest.Variables {
		return with(more, "accountId", employ(t, w.App, w.email(), access.RoleStaff, access.CatalogRead).Account.ID)
	})
}

// ofKey is asked about a partner's key that is new.
func ofKey(t *testing.T, w *world) question {
	w.office(t)
	return question{in(apptest.Variables{"keyId": w.made(t, "issuePartnerKey", "key", apptest.Variables{"partnerId": w.ally(t)})}), w.admin}
}

func (w *world) shelf(t *testing.T) string {
	return w.made(t, "saveCategory", "category", apptest.Variables{"slug": w.key(), "name": apptest.Variables{"ja": "棚"}})
}

func (w *world) group(t *testing.T) string {
	return w.made(t, "createPermissionGroup", "group", apptest.Variables{"name": w.key(), "permissions": []string{"CATALOG_READ"}})
}

func (w *world) ally(t *testing.T) string {
	return w.made(t, "createPartner", "partner", apptest.Variables{"name": w.key()})
}

// newSet holds a piece of each of the world's goods.
func (w *world) newSet(variant string) apptest.Variables {
	var parts []apptest.Variables
	for _, v := range w.variants {
		parts = append(parts, part(v, 1))
	}
	return apptest.Variables{"variantId": variant, "priceRule": "PARTS", "percent": "10", "parts": parts}
}
