package postgres

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/order"
	"github.com/noren-commerce/noren/core/payment"
)

// DeliveryTerms are what the brand asks for cash on delivery; nil if it never had any.
func (s *Payments) DeliveryTerms(ctx context.Context, brandID uuid.UUID) (*payment.DeliveryTerms, error) {
	return first[payment.DeliveryTerms](ctx, s.db, `SELECT brand_id, active, most, tax_class, bands, updated_at FROM delivery_terms WHERE brand_id = $1`, brandID)
}

// SaveDeliveryTerms sets them.
func (s *Payments) SaveDeliveryTerms(ctx context.Context, t payment.DeliveryTerms) error {
	_, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO delivery_terms (brand_id, active, most, tax_class, bands, updated_at) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (brand_id) DO UPDATE SET active = $2, most = $3, tax_class = $4, bands = $5, updated_at = $6`,
		t.BrandID, t.Active, t.MostMinor, t.TaxClass, t.Bands, t.UpdatedAt)
	return err
}

// deliveryTermsOf are the brand's terms of the row, as JSON; null where it takes no cash
// on delivery.
const deliveryTermsOf = `(SELECT jsonb_build_object('active', d.active, 'most', d.most, 'taxClass', d.tax_class, 'bands', d.bands)
	FROM delivery_terms d WHERE d.brand_id = c.brand_id AND d.active)`

// InsertCollection remembers what a carrier reports and tells whether it is new.
func (s *Payments) InsertCollection(ctx context.Context, c payment.Collected, at time.Time, by uuid.UUID) (bool, error) {
	tag, err := s.db.conn(ctx).Exec(ctx, `
		INSERT INTO delivery_collections (brand_id, finger, carrier, reference, amount, currency, collected_on, recorded_by, recorded_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING`,
		c.BrandID, c.Finger, c.Carrier, c.Reference, c.Minor, c.Currency, c.On, by, at)
	return tag.RowsAffected() == 1, err
}

// ToCollect is the brand's payment on delivery of an order, by its number or else by the
// number of any of its parcels.
func (s *Payments) ToCollect(ctx context.Context, brandID uuid.UUID, number, tracking string) (*payment.Payment, error) {
	if number != "" {
		found, err := first[payment.Payment](ctx, s.db, `
			SELECT `+paymentColumns+` FROM payments WHERE method = 'CASH_ON_DELIVERY'
				AND order_id = (SELECT o.id FROM orders o WHERE o.brand_id = $1 AND o.number = $2) ORDER BY id LIMIT 1`, brandID, number)
		if err != nil || found != nil {
			return found, err
		}
	}
	return first[payment.Payment](ctx, s.db, `
		SELECT `+paymentColumns+` FROM payments WHERE gateway = $1 AND brand_id = $3
			AND order_id IN (SELECT h.order_id FROM parcels k JOIN shipments h ON h.id = k.shipment_id WHERE k.brand_id = $3 AND k.key = $2 AND k.key <> '')
		ORDER BY captured > 0, id LIMIT 1`,
		payment.OnDelivery, order.ParcelKey(tracking), brandID)
}
