package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/page"
)

// createdKey is the sort key of a row in a list of the newest first.
type createdKey struct {
	At time.Time `json:"t"`
	ID uuid.UUID `json:"i"`
}

// newest is one page of the rows of a table with created_at and id, newest first.
func newest[T any](ctx context.Context, db *DB, p page.Args, columns, table, where string, args pgx.NamedArgs, key func(T) createdKey) (page.Connection[T], error) {
	var none page.Connection[T]
	size, err := p.Size()
	if err != nil {
		return none, err
	}
	var after createdKey
	behind, err := p.Start(&after)
	if err != nil {
		return none, err
	}
	keyset := ""
	if behind {
		keyset = ` AND (created_at, id) < (@after_at, @after_id)`
	}
	args["limit"], args["after_at"], args["after_id"] = size+1, after.At, after.ID
	rows, err := collect[T](ctx, db, `SELECT `+columns+` FROM `+table+` WHERE `+where+keyset+` ORDER BY created_at DESC, id DESC LIMIT @limit`, args)
	if err != nil {
		return none, err
	}
	connection := page.Of(rows, size, behind, func(t T) any { return key(t) })
	connection.Count = func(ctx context.Context) (int, error) {
		return one[int](ctx, db, `SELECT count(*) FROM `+table+` WHERE `+where, args)
	}
	return connection, nil
}
