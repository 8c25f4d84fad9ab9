// Package id makes keys (UUIDv7) and the opaque global ids that clients see.
package id

import (
	"encoding/base64"
	"strings"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
)

// New returns a new UUIDv7 (RFC 9562): keys sort by the time they were made.
func New() uuid.UUID { return uuid.Must(uuid.NewV7()) }

// Global is the opaque id of an entity in the schema: base64url("Kind:uuid").
func Global(kind string, key uuid.UUID) string {
	return base64.RawURLEncoding.EncodeToString([]byte(kind + ":" + key.String()))
}

// GlobalOrNone is the global id of an entity that there may be; nil for none.
func GlobalOrNone(kind string, key *uuid.UUID) *string {
	if key == nil {
		return nil
	}
	global := Global(kind, *key)
	return &global
}

// Globals are the global ids of entities of one kind.
func Globals(kind string, keys []uuid.UUID) []string {
	all := make([]string, len(keys))
	for i, key := range keys {
		all[i] = Global(kind, key)
	}
	return all
}

// Parse reads a global id back; a malformed one is fault.CodeInvalid.
func Parse(global string) (kind string, key uuid.UUID, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(global)
	if err == nil {
		if k, v, ok := strings.Cut(string(raw), ":"); ok {
			if key, err = uuid.Parse(v); err == nil {
				return k, key, nil
			}
		}
	}
	return "", uuid.Nil, fault.Invalid(fault.CodeInvalid, "IDの形式が正しくありません", "This is not a valid id")
}
