package resolvers_test

import (
	"encoding/json"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

var forwarder = access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.ShippingWrite}}

const methodFields = `shippingMethod { id code name description fee { amount } taxClass position active translations { name description } }`

type savedMethod struct {
	SaveShippingMethod, CloseShippingMethod struct {
		ShippingMethod *struct {
			ID, Code, Name, Description, TaxClass string
			Fee                                   struct{ Amount string }
			Position                              int
			Active                                bool
			Translations                          struct{ Name, Description map[string]string }
		}
	}
}

func cool() apptest.Variables {
	return apptest.Variables{
		"code": "cool", "name": apptest.Variables{"ja": "クール便", "en": "Chilled parcel"},
		"description": apptest.Variables{"ja": "冷蔵でお届けします。"}, "fee": "880", "taxClass": "STANDARD", "position": 2,
	}
}

// offered are the codes and fees that shoppers see.
func offered(t *testing.T, a *apptest.App) map[string]string {
	t.Helper()
	var got struct {
		ShippingMethods []struct {
			Code, Description string
			Fee               struct{ Amount string }
		}
	}
	a.Do(t, `{ shippingMethods { code description fee { amount } } }`, nil).Into(t, &got)
	all := map[string]string{}
	for _, m := range got.ShippingMethods {
		all[m.Code] = m.Fee.Amount
	}
	return all
}

func TestStaffChangeHowGoodsAreShipped(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddShipping(t, "parcel", 660)
	require.Equal(t, map[string]string{"parcel": "660"}, offered(t, a))

	var made savedMethod
	require.Empty(t, write(t, a, forwarder, "saveShippingMethod", "SaveShippingMethodInput", methodFields, cool(), &made))
	m := made.SaveShippingMethod.ShippingMethod
	require.Equal(t, "クール便", m.Name)
	require.Equal(t, map[string]string{"ja": "クール便", "en": "Chilled parcel"}, m.Translations.Name)
	require.Equal(t, "冷蔵でお届けします。", m.Description)
	require.True(t, m.Active)
	require.Equal(t, map[string]string{"parcel": "660", "cool": "880"}, offered(t, a), "kept answers are gone")

	var changed savedMethod
	require.Empty(t, write(t, a, forwarder, "saveShippingMethod", "SaveShippingMethodInput", methodFields, with(with(cool(), "id", m.ID), "fee", "990"), &changed))
	require.Equal(t, m.ID, changed.SaveShippingMethod.ShippingMethod.ID)
	require.Equal(t, "990", offered(t, a)["cool"])

	// A cart that chose it is told when it closes.
	p := a.AddProduct(t, "bone", 500)
	s := &shopper{App: a}
	s.add(t, p.Variants[0], 1)
	_, key, err := id.Parse(m.ID)
	require.NoError(t, err)
	require.Empty(t, s.fillIn(t, key).UserErrors)
	var closed savedMethod
	require.Empty(t, write(t, a, forwarder, "closeShippingMethod", "CloseShippingMethodInput", methodFields, apptest.Variables{"id": m.ID}, &closed))
	require.False(t, closed.CloseShippingMethod.ShippingMethod.Active)
	require.NotContains(t, offered(t, a), "cool")
	require.Equal(t, "SHIPPING_METHOD_UNAVAILABLE", s.fillIn(t, key).code())
	refused := s.place(t, "an-intent-of-mine", "1490")
	require.Equal(t, "REQUIRED", refused.code())
	require.Equal(t, []string{"shippingMethod"}, refused.UserErrors[0].Field)

	// Staff still see it, and what was done to it.
	var all struct {
		AllShippingMethods []struct {
			Code   string
			Active bool
		}
	}
	a.DoAs(t, forwarder, `{ allShippingMethods { code active } }`, nil).Into(t, &all)
	require.Len(t, all.AllShippingMethods, 2)
	require.False(t, all.AllShippingMethods[1].Active)
	rows, err := a.DB.Pool().Query(t.Context(), `SELECT type, data FROM events WHERE subject = 'ShippingMethod' AND subject_id = $1 ORDER BY position`, key)
	require.NoError(t, err)
	type entry struct {
		Type string
		Data json.RawMessage
	}
	entries, err := pgx.CollectRows(rows, pgx.RowToStructByName[entry])
	require.NoError(t, err)
	require.Len(t, entries, 3)
	require.Equal(t, "shipping_method.closed", entries[2].Type)
	var change struct {
		Before, After *struct {
			FeeMinor int64
			Active   bool
		}
	}
	require.NoError(t, json.Unmarshal(entries[0].Data, &change))
	require.Nil(t, change.Before)
	require.NoError(t, json.Unmarshal(entries[1].Data, &change))
	require.Equal(t, [2]int64{880, 990}, [2]int64{change.Before.FeeMinor, change.After.FeeMinor})
	require.NoError(t, json.Unmarshal(entries[2].Data, &change))
	require.Equal(t, [2]bool{true, false}, [2]bool{change.Before.Active, change.After.Active})
}

func TestAWrongShippingMethodIsRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	a.AddShipping(t, "parcel", 660)
	theirs := otherBrand(t, a)
	for name, c := range map[string]struct {
		input apptest.Variables
		want  writeError
	}{
		"a negative fee":            {with(cool(), "fee", "-1"), writeError{"FEE_INVALID", []string{"fee"}}},
		"a fee in fractions of yen": {with(cool(), "fee", "0.5"), writeError{"FEE_INVALID", []string{"fee"}}},
		"a fee beyond reckoning":    {with(cool(), "fee", "99999999999999999999"), writeError{"FEE_INVALID", []string{"fee"}}},
		"a code that is taken":      {with(cool(), "code", "parcel"), writeError{"DUPLICATE", []string{"code"}}},
		"a code in capitals":        {with(cool(), "code", "Cool"), writeError{"INVALID", []string{"code"}}},
		"no Japanese name":          {with(cool(), "name", apptest.Variables{"en": "Chilled"}), writeError{"REQUIRED", []string{"name"}}},
		"a place below the first":   {with(cool(), "position", -1), writeError{"INVALID", []string{"position"}}},
		"an id that is not there":   {with(cool(), "id", globalID("ShippingMethod", id.New())), writeError{"NOT_FOUND", []string{"id"}}},
		"a method of another brand": {with(cool(), "id", globalID("ShippingMethod", theirs.method)), writeError{"NOT_FOUND", []string{"id"}}},
		"the id of something else":  {with(cool(), "id", globalID("Product", a.AddProduct(t, "bone", 100).ID)), writeError{"NOT_FOUND", []string{"id"}}},
	} {
		require.Equal(t, []writeError{c.want}, write(t, a, forwarder, "saveShippingMethod", "SaveShippingMethodInput", methodFields, c.input, nil), name)
	}
	require.Equal(t, []writeError{{"NOT_FOUND", []string{"id"}}},
		write(t, a, forwarder, "closeShippingMethod", "CloseShippingMethodInput", methodFields, apptest.Variables{"id": globalID("ShippingMethod", theirs.method)}, nil))
	require.Equal(t, map[string]string{"parcel": "660"}, offered(t, a))
	require.Equal(t, "FORBIDDEN", a.DoAs(t, keeper, `{ allShippingMethods { code } }`, nil).Code())
	require.Equal(t, "FORBIDDEN", a.DoAs(t, keeper, `{ shippingMethods { code active } }`, nil).Code())
	var kept int
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM shipping_methods) + (SELECT count(*) FROM events)`).Scan(&kept))
	require.Equal(t, 2, kept, "the shop's own and the other brand's")
}
