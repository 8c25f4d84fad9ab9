package postgres

import (
	"context"
	"encoding/base64"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/sealing"
)

// SealWith seals the personal data of accounts, of orders and of what becomes one, from now on. It is
// called while noren is put together. Rows that are not sealed stay readable; without keys
// none is sealed.
func (db *DB) SealWith(keys *sealing.Keys) { db.keys = keys }

// open opens the row if it has something sealed. It is called once the rows are read: keys
// may have to be read for it.
func (db *DB) open(ctx context.Context, row any) error {
	if r, ok := row.(sealing.Row); ok {
		return db.keys.OpenRow(ctx, r)
	}
	return nil
}

// seal seals the row in place; nil if there is no key.
func (db *DB) seal(ctx context.Context, row sealing.Row) (keyID *string, err error) {
	if db.keys == nil {
		return nil, nil
	}
	id, err := db.keys.SealRow(ctx, row)
	return &id, err
}

// sealFile seals a file of instructions to carriers; without keys it stays as it is.
func (db *DB) sealFile(ctx context.Context, owner uuid.UUID, content []byte) ([]byte, error) {
	if db.keys == nil {
		return content, nil
	}
	return db.keys.SealFile(ctx, "file", owner, content)
}

// openFile is what sealFile sealed.
func (db *DB) openFile(ctx context.Context, owner uuid.UUID, kept []byte) ([]byte, error) {
	if db.keys == nil {
		if sealing.Sealed(string(kept[:min(len(kept), 3)])) {
			return nil, sealing.ErrNoKeys
		}
		return kept, nil
	}
	return db.keys.OpenFile(ctx, "file", owner, kept)
}

// sealDocument seals a document; where its goods go is a copy then, for others may have it.
func (db *DB) sealDocument(ctx context.Context, d *invoice.Document) (*string, error) {
	if d.Content.ShipTo != nil {
		d.Content.ShipTo = new(*d.Content.ShipTo)
	}
	return db.seal(ctx, d)
}

// found are the keyed hashes by which the row is found whose person has the name, mail
// address and phone number.
func (db *DB) found(ctx context.Context, name, email, phone string) ([][]byte, error) {
	if db.keys == nil {
		return nil, nil
	}
	return foundBy(ctx, db.keys, name, email, phone)
}

func foundBy(ctx context.Context, keys *sealing.Keys, name, email, phone string) ([][]byte, error) {
	var all [][]byte
	for _, term := range sealing.Terms(name, email, phone) {
		hash, err := keys.Hash(ctx, "found", term)
		if err != nil {
			return nil, err
		}
		all = append(all, hash)
	}
	return all, nil
}

// asked are the keyed hashes, under every key, of what somebody typed who looks for one.
func (db *DB) asked(ctx context.Context, typed string) ([][]byte, error) {
	all := [][]byte{}
	if db.keys == nil || typed == "" {
		return all, nil
	}
	for _, term := range sealing.Asked(typed) {
		hashes, err := db.keys.Hashes(ctx, "found", term)
		if err != nil {
			return nil, err
		}
		all = append(all, hashes...)
	}
	return all, nil
}

// emailHash is under what a mail address is found; nil if there is no key.
func (db *DB) emailHash(ctx context.Context, email string) ([]byte, error) {
	if db.keys == nil {
		return nil, nil
	}
	return db.keys.Hash(ctx, "email", sealing.Email(email))
}

// emailHashes are under what a mail address may be found, under every key.
func (db *DB) emailHashes(ctx context.Context, email string) ([][]byte, error) {
	if db.keys == nil {
		return nil, nil
	}
	return db.keys.Hashes(ctx, "email", sealing.Email(email))
}

// lastingHash is under what a mail address is counted, or kept once, whichever key seals;
// nil if there is no key.
func (db *DB) lastingHash(ctx context.Context, email string) ([]byte, error) {
	if db.keys == nil {
		return nil, nil
	}
	return db.keys.Lasting(ctx, "email", sealing.Email(email))
}

// guestMark heads whom limits count a guest as, whose mail address is not kept in clear:
// the rest is its lasting hash. clearMark heads one in clear (cart.CustomerOf).
const guestMark, clearMark = "g:", "e:"

// guest is whom limits count the guest with the mail address as; nil for no address.
func guest(ctx context.Context, keys *sealing.Keys, email string) (*string, error) {
	hash, err := keys.Lasting(ctx, "email", sealing.Email(email))
	if err != nil || hash == nil {
		return nil, err
	}
	name := guestMark + base64.RawURLEncoding.EncodeToString(hash)
	return &name, nil
}

// counted are the names under which limits have counted the customer: first the one that
// is written, then the one that older versions wrote.
func (db *DB) counted(ctx context.Context, customer string) ([]string, error) {
	email, isGuest := strings.CutPrefix(customer, clearMark)
	if !isGuest || db.keys == nil {
		return []string{customer}, nil
	}
	name, err := guest(ctx, db.keys, email)
	if err != nil || name == nil {
		return []string{customer}, err
	}
	return []string{*name, customer}, nil
}
