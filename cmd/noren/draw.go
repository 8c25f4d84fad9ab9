package main

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/noren-commerce/noren/core/draw"
)

// drawCommand draws published draws again.
type drawCommand struct {
	Verify drawVerify `cmd:"" help:"Draw again from a published seed and list of entries. It needs no database."`
}

// drawVerify checks a draw by what it published.
type drawVerify struct {
	Proof   string `arg:"" type:"existingfile" help:"JSON: algorithm, commitment, digest, entries, seed, and called (the entries in the order in which they were called)."`
	Entries string `arg:"" type:"existingfile" help:"The published list of entries."`
}

// Run fails unless the draw is as it was published.
func (c drawVerify) Run() error {
	raw, err := os.ReadFile(c.Proof)
	if err != nil {
		return err
	}
	var p draw.Proof
	if err := json.Unmarshal(raw, &p); err != nil {
		return fmt.Errorf("read %s: %w", c.Proof, err)
	}
	list, err := os.Open(c.Entries)
	if err != nil {
		return err
	}
	defer list.Close() //nolint:errcheck // it is read only
	if err := p.Verify(list); err != nil {
		return err
	}
	fmt.Printf("The draw holds: %d of %d entries were called as the seed calls them.\n", len(p.Called), p.Entries)
	return nil
}
