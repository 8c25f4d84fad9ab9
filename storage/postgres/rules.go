package postgres

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/scope"
)

// rulesMoved says what a writer of rules has changed.
type rulesMoved struct {
	For []scope.Audience // the audiences of the rules written
	// Personal says that a rule looks at what one buyer alone has, such as the birth
	// month or the orders so far.
	Personal bool
}

// moveRules moves the number of the brand's rules in the transaction that changes
// them. Whoever writes prices, campaigns, display rules, companies or groups calls
// it; without a transaction it moves at once.
func (db *DB) moveRules(ctx context.Context, brandID uuid.UUID, m rulesMoved) error {
	if _, err := db.conn(ctx).Exec(ctx, `
		INSERT INTO rulebooks AS r (brand_id, version, personal) VALUES ($1, 2, $2)
		ON CONFLICT (brand_id) DO UPDATE SET version = r.version + 1, personal = r.personal OR EXCLUDED.personal`,
		brandID, m.Personal); err != nil {
		return err
	}
	var named []uuid.UUID
	for _, a := range m.For {
		if a.Kind == scope.Member {
			named = append(named, a.ID)
		}
	}
	if len(named) == 0 {
		return nil
	}
	_, err := db.conn(ctx).Exec(ctx, `
		INSERT INTO named_members (brand_id, member_id) SELECT $1, unnest($2::uuid[]) ON CONFLICT DO NOTHING`, brandID, named)
	return err
}
