package postgres

import (
	"context"

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
