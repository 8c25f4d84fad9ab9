package postgres

import (
	"context"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/page"
)

// newestKey is the sort key of a row in a list of the newest first.
type newestKey struct {
	At time.Time `json:"t"`
	ID uuid.UUID `json:"i"`
}

// newest is one page of the rows of a table with created_at and id, newest first.
func newest[T any](ctx context.Context, db *DB, columns, table string, where []string, args pgx.NamedArgs, p page.Args, key func(T) newestKey) (page.Connection[T], error) {
	var none page.Connection[T]
	size, err := p.Size()
	if err != nil {
		return none, err
	}
	var after newestKey
	behind, err := p.Start(&after)
	if err != nil {
		return none, err
	}
	keyset := ""
	if behind {
		keyset = ` AND (created_at, id) < (@after_at, @after_id)`
	}
	all := strings.Join(where, ` AND `)
	args["limit"], args["after_at"], args["after_id"] = size+1, after.At, after.ID
	rows, err := collect[T](ctx, db, `SELECT `+columns+` FROM `+table+` WHERE `+all+keyset+` ORDER BY created_at DESC, id DESC LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	connection := page.Of(rows, size, behind, func(t T) any { return key(t) })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, db, `SELECT count(*) FROM `+table+` WHERE `+all, args)
	}
	return connection, nil
}
