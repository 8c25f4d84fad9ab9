package page

import "github.com/google/uuid"

// First names the first page of a list that each of many owners has, so that those of
// all the owners can be read together.
type First struct {
	OwnerID uuid.UUID
	Size    int
	Only    string // what the list is narrowed to, words between commas; empty for all of it
}
