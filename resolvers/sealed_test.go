package resolvers_test

import (
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// inClear is the address of a test's customer as an older version kept it; tests that
// change a part of an address write it anew.
const inClear = `{"name":"山田 花子","postalCode":"1500001","prefecture":"TOKYO","city":"渋谷区","line1":"神宮前1-2-3","phone":"0312345678"}`

func TestOrdersAreKeptSealedAndRead(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	leash := a.AddProduct(t, "leash", 1980).Variants[0]
	_, placed := ordered(t, a, leash, a.AddShipping(t, "parcel", 0))
	require.Zero(t, countOf(t, a, `SELECT count(*) FROM orders o WHERE o::text LIKE '%hanako@example.jp%' OR o::text LIKE '%山田%' OR o::text LIKE '%0312345678%'`))
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM orders WHERE email LIKE 's1.%' AND shipping_address->>'prefecture' = 'TOKYO'`))
	list := func(email string) (found []struct {
		ID, Email       string
		ShippingAddress struct{ Name, Phone string }
	},
	) {
		var got struct {
			Orders struct {
				Nodes []struct {
					ID, Email       string
					ShippingAddress struct{ Name, Phone string }
				}
			}
		}
		a.DoAs(t, cashier, `query($e: String) { orders(filter: {email: $e}) { nodes { id email shippingAddress { name phone } } } }`, apptest.Variables{"e": email}).Into(t, &got)
		return got.Orders.Nodes
	}
	found := list("Hanako@Example.jp")
	require.Len(t, found, 1, "by exact match of the normal form")
	require.Equal(t, []string{placed.Order.ID, "hanako@example.jp", "山田 花子"}, []string{found[0].ID, found[0].Email, found[0].ShippingAddress.Name})
	require.Empty(t, list("anako@example.jp"))
}

// nameable are all columns of the database that can name somebody.
const nameable = `
	SELECT c.table_name, c.column_name, c.data_type = 'bytea' AS bytes FROM information_schema.columns c JOIN information_schema.tables t USING (table_schema, table_name)
	WHERE t.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.data_type IN ('text', 'jsonb', 'json', 'character varying', 'ARRAY', 'bytea')`

// naming are the columns that hold one of the texts, as table.column; in files of bytes
// they may stand in the form of carriers.
func naming(t *testing.T, a *apptest.App, texts ...string) (columns []string) {
	t.Helper()
	rows, err := a.DB.Pool().Query(t.Context(), nameable)
	require.NoError(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct {
		Table, Column string
		Bytes         bool
	}])
	require.NoError(t, err)
	for _, x := range all {
		table, column := pgx.Identifier{x.Table}.Sanitize(), pgx.Identifier{x.Column}.Sanitize()
		has := column + `::text ILIKE '%' || sought.wanted || '%'`
		if x.Bytes {
			has = `position(convert_to(sought.wanted, 'UTF8') IN ` + column + `) > 0 OR position(convert_to(sought.wanted, 'SJIS') IN ` + column + `) > 0`
		}
		if countOf(t, a, `SELECT count(*) FROM `+table+`, unnest($1::text[]) AS sought (wanted) WHERE `+has, texts) > 0 {
			columns = append(columns, x.Table+"."+x.Column)
		}
	}
	return columns
}

// A guest buys what is limited, by a carrier that takes files, and waits for more.
func TestNoTableNamesAGuest(t *testing.T) {
	t.Parallel()
	d := newDock(t)
	d.send(t, "yamato-b2")
	issueAs(t, d.App)
	sellAs(t, d.App, d.leash, apptest.Variables{"kind": "LIMITED", "perCustomer": 5})
	order, _, shipment := d.instructed(t)
	made := d.export(t, dispatcher, nil)
	require.Empty(t, made.UserErrors)
	_, rows := d.download(t, made.Batch.DownloadURL)
	require.Len(t, rows, 1, "what comes back is what was sent")
	require.Contains(t, rows[0]["お届け先名"], "山田")
	require.Empty(t, d.staff.move(t, "shipShipment", apptest.Variables{"shipmentId": shipment}).UserErrors)
	require.Positive(t, countOf(t, d.App, `SELECT count(*) FROM documents WHERE order_id = $1`, keyOf(t, order)))

	bowl := d.AddProduct(t, "bowl", 100).Variants[0]
	require.Empty(t, write(t, d.App, merchandiser, "setSoldOutPolicy", "SetSoldOutPolicyInput", `policies { policy }`, apptest.Variables{"policy": "NOTIFY_ME"}, nil))
	d.SetStock(t, bowl, 0)
	require.Empty(t, write(t, d.App, access.Guest, "requestRestock", "RequestRestockInput", `request { id email }`,
		apptest.Variables{"variantId": id.Global("Variant", bowl), "email": "hanako@example.jp"}, nil))
	for _, table := range []string{"carts", "sale_customers", "shipment_batches", "restock_requests", "river_job"} {
		require.Positive(t, countOf(t, d.App, `SELECT count(*) FROM `+table), table)
	}
	require.Empty(t, naming(t, d.App, "山田", "hanako", "0312345678", "03-1234-5678", "神宮前1-2-3"))
}
