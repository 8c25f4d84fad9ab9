package main

import (
	"bytes"
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
	Proof   string `arg:"" type:"existingfile" help:"JSON: algorithm, commitment, digest, entries, seed, called (the entries in the order in which they were called), and cancelled."`
	Entries string `arg:"" optional:"" type:"existingfile" help:"The published list of entries; there is none of a draw that was cancelled before it was closed."`
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
	var list []byte
	if c.Entries != "" {
		if list, err = os.ReadFile(c.Entries); err != nil {
			return err
		}
	}
	if err := p.Verify(bytes.NewReader(list)); err != nil {
		return err
	}
	if p.Cancelled {
		fmt.Printf("The draw was cancelled: none of %d entries was called, and no seed is known.\n", p.Entries)
		return nil
	}
	fmt.Printf("The draw holds: %d of %d entries were called as the seed calls them.\n", len(p.Called), p.Entries)
	return nil
}
