package postgres

import (
	"cmp"
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
// the hash of the mail address, whom limits count, or the hashes of several words. Holding
// says which rows have something to seal; empty: all. Twice says of another row o that no
// two like it have the same found; of a pair that older versions let in one goes without.
type sealedTable struct {
	name             string
	texts, addresses []string
	found            string
	holding, twice   string
	owner            string // for whom a row is sealed; empty: for its id
}

// sealedTables are those of orders and of what becomes one, and of accounts. What is sealed
// there is said by core too (sealing.Row), which opens it.
var sealedTables = []sealedTable{
	{name: "orders", texts: []string{"email"}, addresses: []string{"shipping_address", "billing_address"}, found: "email_hash"},
	{name: "draft_orders", texts: []string{"name", "phone", "email"}, addresses: []string{"shipping_address", "billing_address"}, found: "found"},
	{name: "recurring_orders", texts: []string{"name", "email"}, addresses: []string{"shipping_address", "billing_address"}},
	{name: "quotations", texts: []string{"name", "email"}, found: "found"},
	{name: "accounts", texts: []string{"name", "email"}, found: "address_hash"},
	{name: "login_links", texts: []string{"email"}},
	cartsTable,
	{name: "restock_requests", texts: []string{"name", "email"}, found: "lasting_hash", holding: `NOT email LIKE '%@erased.invalid'`,
		twice: `o.variant_id = t.variant_id AND o.notified_at IS NULL AND o.closed_at IS NULL`},
}

// staleCount counts the rows that the key $1 has not sealed.
func (t sealedTable) staleCount() string {
	return `(SELECT count(*) FROM ` + t.name + ` WHERE key_id IS DISTINCT FROM $1` + t.andHolding() + `)`
}

func (t sealedTable) andHolding() string {
	if t.holding == "" {
		return ""
	}
	return ` AND ` + t.holding
}

// field is the name under which the column is sealed: whoever a cart is for is a name, as
// of what else is named as one (cart.Cart).
func (t sealedTable) field(column string) string {
	if column == "recipient" {
		return "name"
	}
	return column
}

// tableRow is a row of such a table.
type tableRow struct {
	ID, Owner uuid.UUID
	Texts     []string
	Addresses []*customer.Address
	table     sealedTable
}

// Sealed are its columns.
func (r *tableRow) Sealed() (uuid.UUID, []sealing.Column) {
	var all []sealing.Column
	for i := range r.Texts {
		all = append(all, sealing.Column{Field: r.table.field(r.table.texts[i]), Value: sealing.Text(&r.Texts[i])})
	}
	for i := range r.Addresses {
		all = append(all, sealing.Column{Field: r.table.addresses[i], Value: customer.AddressAt(&r.Addresses[i])})
	}
	return r.Owner, all
}

func (r *tableRow) text(column string) string {
	if i := slices.Index(r.table.texts, column); i >= 0 {
		return r.Texts[i]
	}
	return ""
}

func (r *tableRow) setText(column, value string) {
	if i := slices.Index(r.table.texts, column); i >= 0 {
		r.Texts[i] = value
	}
}

// hashed is what finds the row, once it is open.
func (r *tableRow) hashed(ctx context.Context, keys *sealing.Keys) (any, error) {
	switch r.table.found {
	case "email_hash":
		return keys.Hash(ctx, "email", sealing.Email(r.text("email")))
	case "lasting_hash":
		return keys.Lasting(ctx, "email", sealing.Email(r.text("email")))
	case "guest":
		return guest(ctx, keys, r.text("email"))
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
		parts = append(parts, `(SELECT id FROM `+t.name+` WHERE `+condition+t.andHolding()+` LIMIT $2)`)
	}
	return strings.Join(parts, ` UNION ALL `) + ` LIMIT $2`
}

// read is the statement that reads rows as tableRow, without its condition.
func (t sealedTable) read() string {
	addresses := `'{}'::jsonb[]`
	if len(t.addresses) > 0 {
		addresses = `ARRAY[` + strings.Join(t.addresses, `, `) + `]`
	}
	return `SELECT id, ` + cmp.Or(t.owner, `id`) + ` AS owner, ARRAY[` + strings.Join(t.texts, `, `) + `] AS texts, ` + addresses + ` AS addresses FROM ` + t.name
}

func (t sealedTable) lock() string {
	return t.read() + ` WHERE id IN (` + t.stale() + `) FOR UPDATE SKIP LOCKED`
}

func (t sealedTable) keep() string {
	sets, n := []string{`key_id = $2`}, 2
	for _, column := range slices.Concat(t.texts, t.addresses) {
		n++
		sets = append(sets, fmt.Sprintf(`%s = $%d`, column, n))
	}
	if t.found != "" {
		value := fmt.Sprintf(`$%d`, n+1)
		if t.twice != "" {
			value = `CASE WHEN NOT EXISTS (SELECT FROM ` + t.name + ` o WHERE o.id <> t.id AND o.` + t.found + ` = ` + value + ` AND ` + t.twice + `) THEN ` + value + ` END`
		}
		sets = append(sets, t.found+` = `+value)
	}
	return `UPDATE ` + t.name + ` t SET ` + strings.Join(sets, `, `) + ` WHERE t.id = $1`
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
			args, err := s.resealed(ctx, t, &rows[i], rows[i].Owner)
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

// resealed is the row as keep writes it, sealed for the owner.
func (s *Personal) resealed(ctx context.Context, t sealedTable, r *tableRow, owner uuid.UUID) ([]any, error) {
	r.table = t
	if err := s.keys.OpenRow(ctx, r); err != nil {
		return nil, err
	}
	r.Owner = owner
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
