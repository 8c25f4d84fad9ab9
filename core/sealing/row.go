package sealing

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
)

// Row has values that are sealed where it is kept. Whoever keeps it seals and opens all of
// them by what it says of itself, so that no way in or out forgets one.
type Row interface {
	// Sealed is for whom the values are sealed, and which they are.
	Sealed() (owner uuid.UUID, columns []Column)
}

// Column is one value of a row under the name of its field.
type Column struct {
	Field string
	Value Value
	Owner uuid.UUID // for whom it is sealed, if not for the row's
}

func (c Column) owner(row uuid.UUID) uuid.UUID {
	if c.Owner == uuid.Nil {
		return row
	}
	return c.Owner
}

// Person are the name and the mail address of somebody.
func Person(name, email *string) []Column {
	return []Column{{Field: "name", Value: Text(name)}, {Field: "email", Value: Text(email)}}
}

// Value is something that is sealed where it is kept.
type Value interface {
	// Plain is what is to be sealed; nothing stays nothing.
	Plain() (string, error)
	// Kept is what is kept of it.
	Kept() string
	// Keep puts what is kept of it in its place.
	Keep(sealed string)
	// Open puts what was sealed back.
	Open(plain string) error
}

// Text is a text that is sealed.
func Text(at *string) Value { return text{at} }

type text struct{ at *string }

func (t text) Plain() (string, error)  { return *t.at, nil }
func (t text) Kept() string            { return *t.at }
func (t text) Keep(sealed string)      { *t.at = sealed }
func (t text) Open(plain string) error { *t.at = plain; return nil }

// SealRow seals the row's values in place, and answers with which key at the latest: one
// that was made meanwhile may have sealed some, and the row is then sealed anew in time.
func (k *Keys) SealRow(ctx context.Context, r Row) (keyID string, err error) {
	if keyID, err = k.Current(ctx); err != nil {
		return "", err
	}
	owner, columns := r.Sealed()
	for _, c := range columns {
		plain, err := c.Value.Plain()
		if err != nil {
			return "", fmt.Errorf("seal %s of %s: %w", c.Field, owner, err)
		}
		sealed, err := k.Seal(ctx, c.Field, c.owner(owner), plain)
		if err != nil {
			return "", err
		}
		if sealed != "" {
			c.Value.Keep(sealed)
		}
	}
	return keyID, nil
}

// ErrNoKeys says that a sealed value met a process that has no keys of personal data.
var ErrNoKeys = errors.New("personal data is sealed: its keys are needed to read it (NOREN_PERSONAL_KEY or NOREN_SECRET)")

// OpenRow opens the row's values in place; without keys it answers ErrNoKeys for one that
// is sealed.
func (k *Keys) OpenRow(ctx context.Context, r Row) error {
	owner, columns := r.Sealed()
	for _, c := range columns {
		kept := c.Value.Kept()
		if !Sealed(kept) {
			continue
		}
		if k == nil {
			return ErrNoKeys
		}
		plain, err := k.Open(ctx, c.Field, c.owner(owner), kept)
		if err != nil {
			return err
		}
		if err := c.Value.Open(plain); err != nil {
			return fmt.Errorf("read %s of %s: %w", c.Field, owner, err)
		}
	}
	return nil
}
