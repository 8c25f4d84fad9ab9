package resolvers_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// neighbour is what another brand of the same installation has.
type neighbour struct{ brand, list, method uuid.UUID }

// otherBrand adds a second brand that the first must not touch.
func otherBrand(t *testing.T, a *apptest.App) neighbour {
	t.Helper()
	n := neighbour{id.New(), id.New(), id.New()}
	for _, sql := range []string{
		`INSERT INTO brands (id, code, name) SELECT $1, 'neko', '{"ja":"ねこ"}' WHERE $2::uuid IS NOT NULL AND $3::uuid IS NOT NULL`,
		`INSERT INTO price_lists (id, brand_id, code, name, currency, tax_inclusive) SELECT $2, $1, 'neko-standard', '{"ja":"標準"}', 'JPY', true WHERE $3::uuid IS NOT NULL`,
		`INSERT INTO shipping_methods (id, brand_id, code, name, fee) SELECT $3, $1, 'parcel', '{"ja":"宅配便"}', 100 WHERE $2::uuid IS NOT NULL`,
	} {
		_, err := a.DB.Pool().Exec(t.Context(), sql, n.brand, n.list, n.method)
		require.NoError(t, err)
	}
	return n
}
