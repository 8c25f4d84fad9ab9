package company

import (
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/ledger"
)

// Goods are what came back of an order on account.
type Goods struct {
	OrderID, CompanyID, BrandID, ReceiptID uuid.UUID
	Minor                                  int64 // by how much less is owed
	Reference                              string
}

// GoodsReturned lets a company owe less because goods came back, here and in the books,
// in the transaction that receives them, which has the order's row locked. The order itself
// is marked too, if it is paid now: whoever saves it after this asks Covered.
func (s *Service) GoodsReturned(ctx context.Context, g Goods) error {
	credit, err := s.Store.Credit(ctx, g.CompanyID)
	if err != nil {
		return err
	}
	entry := s.entry(ctx, g.CompanyID, EntryReturn, -g.Minor)
	entry.OrderID, entry.Reference = &g.OrderID, g.Reference
	if err := s.Store.Lessen(ctx, entry); err != nil {
		return err
	}
	if err := s.Books.GoodsReturned(ctx, ledger.Returned{
		OrderID: g.OrderID, CompanyID: &g.CompanyID, BrandID: g.BrandID, CauseID: g.ReceiptID, Currency: credit.Currency, Minor: g.Minor, Reference: g.Reference,
	}); err != nil {
		return err
	}
	if err := s.Cover(ctx, g.CompanyID); err != nil {
		return err
	}
	return s.recordEntry(ctx, entry)
}
