package resolvers_test

import (
	"fmt"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/tracking"
)

// carrierOperations are those of what passes between noren and carriers.
var carrierOperations = map[string]clientOperation{
	"app/OrderParcels": {3, func(t *testing.T, w *world) question {
		order, cart := w.sold(t)
		return question{apptest.Variables{"id": order}, cart}
	}},

	"admin/CarrierProfiles": {1, inOffice(nil)},
	"admin/ShipmentBatches": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.instructed(t)
			w.made(t, "exportShipments", "batch", w.instruction(t))
		}
		return apptest.Variables{"first": w.size}
	})},
	"admin/ShipmentResults": {2, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			exec(t, w.App, `INSERT INTO shipment_results (id, brand_id, file_name, digest, rows, rejections, actor, created_at) VALUES ($1, $2, 'x', $3, '[]', '[]', '{}', now())`, id.New(), w.BrandID, w.key())
		}
		return apptest.Variables{"first": w.size}
	})},
	"admin/DeliveryIssues": {5, asked(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.issue(t)
		}
		return apptest.Variables{"first": w.size}
	})},
	"admin/ExportShipments": {9, input(func(t *testing.T, w *world) apptest.Variables {
		for range w.size {
			w.instructed(t)
		}
		return w.instruction(t)
	})},
	"admin/SaveCarrierSender": {5, input(func(_ *testing.T, w *world) apptest.Variables { return w.sender() })},
	"admin/UploadShipmentResults": {6, func(t *testing.T, w *world) question {
		return question{in(apptest.Variables{"file": attached("お客様管理番号,伝票番号\nX,1\nY," + w.key() + "\n")}), w.office(t)}
	}},
	"admin/SettleDeliveryIssue": {8, input(func(t *testing.T, w *world) apptest.Variables {
		return apptest.Variables{"issueId": w.issue(t), "reason": "済"}
	})},
}

func (w *world) sender() apptest.Variables {
	return apptest.Variables{"profile": "yamato-b2", "customerCode": fmt.Sprint(w.size), "address": newAddress("わんこ堂")}
}

func (w *world) instruction(t *testing.T) apptest.Variables {
	w.office(t)
	w.made(t, "saveCarrierSender", "", w.sender())
	return apptest.Variables{"idempotencyKey": w.key(), "profile": "yamato-b2"}
}

// issue is about a shipment of its own.
func (w *world) issue(t *testing.T) string {
	t.Helper()
	key := keyOf(t, w.instructed(t))
	require.NoError(t, w.App.App.Resolvers.Issues.Report(t.Context(), tracking.Issue{BrandID: &w.BrandID, ShipmentID: &key, Kind: tracking.IssueLate, Detail: i18n.Text{"ja": "遅れ"}}))
	var issue uuid.UUID
	require.NoError(t, w.DB.Pool().QueryRow(t.Context(), `SELECT id FROM delivery_issues WHERE shipment_id = $1`, key).Scan(&issue))
	return id.Global("DeliveryIssue", issue)
}
