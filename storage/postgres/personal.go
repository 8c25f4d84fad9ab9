package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/sealing"
)

// personal is a person's own data as it is written: sealed, with what finds it. The name
// and address of who has an account are the account's, and empty here.
type personal struct {
	memberID                 uuid.UUID
	name, kana, phone, email string
	birthday                 *time.Time
	gender                   customer.Gender
	at                       time.Time
}

// sealedRow are the columns of a profile that are sealed, and what finds them.
type sealedRow struct {
	name, kana, phone, email, birthday string
	emailHash, phoneHash               []byte
	keyID                              string
}

func (p personal) seal(ctx context.Context, keys *sealing.Keys) (r sealedRow, err error) {
	if r.keyID, err = keys.Current(ctx); err != nil { // before: what a newer key seals meanwhile is sealed again
		return r, err
	}
	day := ""
	if p.birthday != nil {
		day = p.birthday.Format(time.DateOnly)
	}
	for _, c := range []struct {
		field, value string
		to           *string
	}{{"name", p.name, &r.name}, {"kana", p.kana, &r.kana}, {"phone", p.phone, &r.phone}, {"email", p.email, &r.email}, {"birthday", day, &r.birthday}} {
		if *c.to, err = keys.Seal(ctx, c.field, p.memberID, c.value); err != nil {
			return r, err
		}
	}
	if r.emailHash, err = keys.Hash(ctx, "email", sealing.Email(p.email)); err != nil {
		return r, err
	}
	r.phoneHash, err = keys.Hash(ctx, "phone", sealing.Phone(p.phone))
	return r, err
}

// queuePersonal keeps a person's own data, new or changed.
func queuePersonal(ctx context.Context, batch *pgx.Batch, keys *sealing.Keys, p personal) error {
	r, err := p.seal(ctx, keys)
	if err != nil {
		return err
	}
	batch.Queue(`
		INSERT INTO profiles (member_id, name, kana, phone, email, sealed_birthday, birth_year, birth_month, gender, email_hash, phone_hash, key_id, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, extract(year FROM $7::date)::int, extract(month FROM $7::date)::int, $8, $9, $10, $11, $12)
		ON CONFLICT (member_id) DO UPDATE SET name = $2, kana = $3, phone = $4, email = $5, birthday = NULL, sealed_birthday = $6,
			birth_year = EXCLUDED.birth_year, birth_month = EXCLUDED.birth_month, gender = $8, email_hash = $9, phone_hash = $10, key_id = $11, updated_at = $12`,
		p.memberID, r.name, r.kana, r.phone, r.email, r.birthday, p.birthday, p.gender, r.emailHash, r.phoneHash, r.keyID, p.at)
	return nil
}

// queueAddress keeps an entry of an address book, new or changed.
func queueAddress(ctx context.Context, batch *pgx.Batch, keys *sealing.Keys, a customer.SavedAddress) error {
	stored, keyID, err := sealAddress(ctx, keys, a.ID, a.Address)
	if err != nil {
		return err
	}
	batch.Queue(`
		INSERT INTO saved_addresses (id, member_id, address, prefecture, key_id, is_default, created_at, updated_at, closed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
		ON CONFLICT (id) DO UPDATE SET address = $3, prefecture = $4, key_id = $5, is_default = $6, updated_at = $8, closed_at = $9`,
		a.ID, a.MemberID, stored, a.Address.Prefecture, keyID, a.IsDefault, a.CreatedAt, a.UpdatedAt, a.ClosedAt)
	return nil
}

// sealAddress is an address as its column holds it: a JSON string.
func sealAddress(ctx context.Context, keys *sealing.Keys, owner uuid.UUID, a customer.Address) (stored json.RawMessage, keyID string, err error) {
	raw, err := json.Marshal(a)
	if err != nil {
		return nil, "", err
	}
	if keyID, err = keys.Current(ctx); err != nil { // before, as of a profile
		return nil, "", err
	}
	sealed, err := keys.Seal(ctx, "address", owner, string(raw))
	if err != nil {
		return nil, "", err
	}
	stored, err = json.Marshal(sealed)
	return stored, keyID, err
}

// openAddress is the address of a column; one that is not sealed yet is an object.
func openAddress(ctx context.Context, keys *sealing.Keys, owner uuid.UUID, stored json.RawMessage) (a customer.Address, err error) {
	if len(stored) > 0 && stored[0] == '"' {
		var sealed string
		if err = json.Unmarshal(stored, &sealed); err != nil {
			return a, err
		}
		plain, err := keys.Open(ctx, "address", owner, sealed)
		if err != nil {
			return a, err
		}
		stored = json.RawMessage(plain)
	}
	return a, json.Unmarshal(stored, &a)
}

// opening opens the columns of one owner's row and remembers what failed.
type opening struct {
	ctx   context.Context //nolint:containedctx // lives for one row
	keys  *sealing.Keys
	owner uuid.UUID
	err   error
}

func (o *opening) text(field, value string) string {
	plain, err := o.keys.Open(o.ctx, field, o.owner, value)
	o.err = errors.Join(o.err, err)
	return plain
}

// day is a sealed day, or the one that is not sealed yet.
func (o *opening) day(field, sealed string, open *time.Time) *time.Time {
	if sealed == "" {
		return open
	}
	plain, err := o.keys.Open(o.ctx, field, o.owner, sealed)
	if err == nil {
		var day time.Time
		if day, err = time.Parse(time.DateOnly, plain); err == nil {
			return &day
		}
		err = fmt.Errorf("open %s of %s: %w: %w", field, o.owner, sealing.ErrIllegible, err)
	}
	o.err = errors.Join(o.err, err)
	return nil
}

// Personal seals anew what older keys sealed, and what never was.
type Personal struct {
	db   *DB
	keys *sealing.Keys
}

// NewPersonal makes it.
func NewPersonal(db *DB, keys *sealing.Keys) *Personal { return &Personal{db, keys} }

// resealAtOnce is how many rows one transaction seals.
const resealAtOnce = 500

// Reseal seals every row that the current key has not sealed with it, some hundred in a
// transaction: what breaks it off loses nothing, and the next run goes on. A table with a row
// that cannot be opened keeps no other waiting. It answers how many rows it sealed.
func (s *Personal) Reseal(ctx context.Context, progress func(done int)) (int, error) {
	total, all := 0, []func(context.Context, string) (int, error){s.resealProfiles, s.resealBook, s.resealPrizes, s.hashGuests, s.resealMails, s.resealFiles, s.resealDocuments}
	for _, t := range sealedTables {
		all = append(all, func(ctx context.Context, keyID string) (int, error) { return s.resealTable(ctx, t, keyID) })
	}
	var failed error
	for _, some := range all {
		for {
			keyID, err := s.keys.Current(ctx)
			if err != nil {
				return total, err
			}
			n, err := some(ctx, keyID)
			failed = errors.Join(failed, err)
			if total += n; progress != nil && n > 0 {
				progress(total)
			}
			if n == 0 || err != nil {
				break
			}
		}
	}
	return total, failed
}

// Stale counts the rows that the current key has not sealed.
func (s *Personal) Stale(ctx context.Context) (int, error) {
	keyID, err := s.keys.Current(ctx)
	if err != nil {
		return 0, err
	}
	count := `
		SELECT (SELECT count(*) FROM profiles WHERE key_id IS DISTINCT FROM $1) + (SELECT count(*) FROM saved_addresses WHERE key_id IS DISTINCT FROM $1)
			+ (SELECT count(*) FROM prize_exchanges WHERE key_id IS DISTINCT FROM $1 AND address IS NOT NULL)
			+ (SELECT count(*) FROM sale_customers WHERE ` + clearGuest + `) + (SELECT count(*) FROM river_job WHERE ` + staleMail + `)
			+ (SELECT count(*) FROM shipment_batches WHERE key_id IS DISTINCT FROM $1` + someFile + `) + (SELECT count(*) FROM documents WHERE key_id IS DISTINCT FROM $1)`
	for _, t := range sealedTables {
		count += ` + ` + t.staleCount()
	}
	return one[int](ctx, s.db, count, keyID)
}

type profileRow struct {
	MemberID                                 uuid.UUID
	Name, Kana, Phone, Email, SealedBirthday string
	Birthday                                 *time.Time
	Gender                                   customer.Gender
	UpdatedAt                                time.Time
}

// staleKeys narrows to rows of other keys, and of none, by the index.
const staleKeys = `(key_id IS NULL OR key_id < $1 OR key_id > $1)`

func (s *Personal) resealProfiles(ctx context.Context, keyID string) (n int, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		rows, err := collect[profileRow](ctx, s.db, `
			SELECT p.member_id, p.name, p.kana, p.phone, p.email, p.sealed_birthday, p.birthday, p.gender, p.updated_at
			FROM profiles p
			WHERE p.member_id IN (SELECT member_id FROM profiles WHERE `+staleKeys+` LIMIT $2) FOR UPDATE OF p SKIP LOCKED`, keyID, resealAtOnce)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for _, r := range rows {
			o := opening{ctx: ctx, keys: s.keys, owner: r.MemberID}
			p := personal{
				memberID: r.MemberID, name: o.text("name", r.Name), kana: o.text("kana", r.Kana), phone: o.text("phone", r.Phone), email: o.text("email", r.Email),
				birthday: o.day("birthday", r.SealedBirthday, r.Birthday), gender: r.Gender, at: r.UpdatedAt,
			}
			if o.err != nil {
				return o.err
			}
			if err := queuePersonal(ctx, batch, s.keys, p); err != nil {
				return err
			}
		}
		n = len(rows)
		return s.db.conn(ctx).SendBatch(ctx, batch).Close()
	})
	return n, wrapped("seal profiles anew", err)
}

type addressRow struct {
	ID     uuid.UUID
	Stored json.RawMessage
}

// resealBook seals the address books anew.
func (s *Personal) resealBook(ctx context.Context, keyID string) (int, error) {
	return s.resealAddresses(ctx, keyID, `
		SELECT id, address AS stored FROM saved_addresses
		WHERE id IN (SELECT id FROM saved_addresses WHERE `+staleKeys+` LIMIT $2) FOR UPDATE SKIP LOCKED`,
		`UPDATE saved_addresses SET address = $2, key_id = $3, prefecture = $4 WHERE id = $1`)
}

// resealPrizes seals anew where prizes are sent.
func (s *Personal) resealPrizes(ctx context.Context, keyID string) (int, error) {
	return s.resealAddresses(ctx, keyID, `
		SELECT id, address AS stored FROM prize_exchanges
		WHERE id IN (SELECT id FROM prize_exchanges WHERE address IS NOT NULL AND `+staleKeys+` LIMIT $2) FOR UPDATE SKIP LOCKED`,
		`UPDATE prize_exchanges SET address = $2, key_id = $3 WHERE id = $1 AND $4::text IS NOT NULL`)
}

// resealAddresses seals anew the addresses that the first statement locks, and keeps each
// by the second: its id, the address, the key and the prefecture.
func (s *Personal) resealAddresses(ctx context.Context, keyID, lock, keep string) (n int, err error) {
	err = s.db.InTx(ctx, func(ctx context.Context) error {
		rows, err := collect[addressRow](ctx, s.db, lock, keyID, resealAtOnce)
		if err != nil {
			return err
		}
		batch := &pgx.Batch{}
		for _, r := range rows {
			a, err := openAddress(ctx, s.keys, r.ID, r.Stored)
			if err != nil {
				return err
			}
			stored, key, err := sealAddress(ctx, s.keys, r.ID, a)
			if err != nil {
				return err
			}
			batch.Queue(keep, r.ID, stored, key, a.Prefecture)
		}
		n = len(rows)
		return s.db.conn(ctx).SendBatch(ctx, batch).Close()
	})
	return n, wrapped("seal addresses anew", err)
}

func wrapped(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", doing, err)
}
