package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/sealing"
)

// sealedTable is a table whose rows have sealed columns: texts and addresses, each sealed
// under the name of its column. Found is the column of what finds a row, if there is one:
// the hash of the mail address, or those of several words.
type sealedTable struct {
	name             string
	texts, addresses []string
	found            string
}

// sealedTables are those of orders and of what becomes one, and of accounts. What is sealed there is said
// by core too (sealing.Row), which opens it.
var sealedTables = []sealedTable{
	{"orders", []string{"email"}, []string{"shipping_address", "billing_address"}, "email_hash"},
	{"draft_orders", []string{"name", "phone", "email"}, []string{"shipping_address", "billing_address"}, "found"},
	{"recurring_orders", []string{"name", "email"}, []string{"shipping_address", "billing_address"}, ""},
	{"quotations", []string{"name", "email"}, nil, "found"},
	{name: "accounts", texts: []string{"name", "email"}, found: "address_hash"},
	{name: "login_links", texts: []string{"email"}},
}

// tableRow is a row of such a table.
type tableRow struct {
	ID        uuid.UUID
	Texts     []string
	Addresses []*customer.Address
	table     sealedTable
}

// Sealed are its columns.
func (r *tableRow) Sealed() (uuid.UUID, []sealing.Column) {
	var all []sealing.Column
	for i := range r.Texts {
		all = append(all, sealing.Column{Field: r.table.texts[i], Value: sealing.Text(&r.Texts[i])})
	}
	for i := range r.Addresses {
		all = append(all, sealing.Column{Field: r.table.addresses[i], Value: customer.AddressAt(&r.Addresses[i])})
	}
	return r.ID, all
}

func (r *tableRow) text(column string) string {
	if i := slices.Index(r.table.texts, column); i >= 0 {
		return r.Texts[i]
	}
	return ""
}

// hashed is what finds the row, once it is open.
func (r *tableRow) hashed(ctx context.Context, keys *sealing.Keys) (any, error) {
	switch r.table.found {
	case "email_hash":
		return keys.Hash(ctx, "email", sealing.Email(r.text("email")))
	case "address_hash":
		return addressHash(ctx, keys, r.text("email"))
	}
	return foundBy(ctx, keys, r.text("name"), r.text("email"), r.text("phone"))
}

// stale are rows of other keys and of none, each by the index: of millions that wait, so
// many are read and not all.
func (t sealedTable) stale() string {
	var parts []string
	for _, condition := range []string{`key_id IS NULL`, `key_id < $1`, `key_id > $1`} {
		parts = append(parts, `(SELECT id FROM `+t.name+` WHERE `+condition+` LIMIT $2)`)
	}
	return strings.Join(parts, ` UNION ALL `) + ` LIMIT $2`
}

func (t sealedTable) lock() string {
	addresses := `'{}'::jsonb[]`
	if len(t.addresses) > 0 {
		addresses = `ARRAY[` + strings.Join(t.addresses, `, `) + `]`
	}
	return `SELECT id, ARRAY[` + strings.Join(t.texts, `, `) + `] AS texts, ` + addresses + ` AS addresses FROM ` + t.name + `
		WHERE id IN (` + t.stale() + `) FOR UPDATE SKIP LOCKED`
}

func (t sealedTable) keep() string {
	sets, n := []string{`key_id = $2`}, 2
	for _, column := range slices.Concat(t.texts, t.addresses) {
		n++
		sets = append(sets, fmt.Sprintf(`%s = $%d`, column, n))
	}
	if t.found != "" {
		sets = append(sets, fmt.Sprintf(`%s = $%d`, t.found, n+1))
	}
	return `UPDATE ` + t.name + ` SET ` + strings.Join(sets, `, `) + ` WHERE id = $1`
}

// resealTable seals some rows of the table anew.
func (s *Personal) resealTable(ctx context.Context, t sealedTable, keyID string) (n int, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		rows, err := read(ctx, s.db, t.lock(), []any{keyID, resealAtOnce}, func(rows pgx.Rows) ([]tableRow, error) {
			return pgx.CollectRows(rows, pgx.RowToStructByNameLax[tableRow])
		})
		if err != nil {
			return err
		}
		batch, keep := &pgx.Batch{}, t.keep()
		for i := range rows {
			args, err := s.resealed(ctx, t, &rows[i])
			if err != nil {
				return err
			}
			batch.Queue(keep, args...)
		}
		n = len(rows)
		return s.db.conn(ctx).SendBatch(ctx, batch).Close()
	})
	return n, wrapped("seal "+t.name+" anew", err)
}

// resealed is the row as keep writes it.
func (s *Personal) resealed(ctx context.Context, t sealedTable, r *tableRow) ([]any, error) {
	r.table = t
	if err := s.keys.OpenRow(ctx, r); err != nil {
		return nil, err
	}
	var hashed any
	if t.found != "" {
		var err error
		if hashed, err = r.hashed(ctx, s.keys); err != nil {
			return nil, err
		}
	}
	keyID, err := s.keys.SealRow(ctx, r)
	if err != nil {
		return nil, err
	}
	args := []any{r.ID, keyID}
	for _, text := range r.Texts {
		args = append(args, text)
	}
	for _, address := range r.Addresses {
		args = append(args, address)
	}
	if t.found != "" {
		args = append(args, hashed)
	}
	return args, nil
}
