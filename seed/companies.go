package seed

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/storage/postgres"
)

// purchaser is who buys for a sample company.
type purchaser struct {
	email, name string
	role        company.Role
	limit       *int64
}

// wholesaler is a sample company with its buyers, in a group.
type wholesaler struct {
	company.Company
	group      string
	address    customer.Address
	purchasers []purchaser
}

// customerGroups are the sample retailer's groups, those of higher precedence first.
var customerGroups = []struct {
	code string
	name i18n.Text
	kind company.GroupKind
}{
	{"WHOLESALE-A", i18n.Text{"ja": "卸A", "en": "Wholesale A"}, company.GroupTrade},
	{"WHOLESALE-B", i18n.Text{"ja": "卸B", "en": "Wholesale B"}, company.GroupTrade},
	{"GOLD", i18n.Text{"ja": "ゴールド会員", "en": "Gold members"}, company.GroupRank},
}

// wholesalers are the two companies that buy of the first brand on terms. One buyer
// of the first may order up to 50,000 yen alone.
func wholesalers() []wholesaler {
	limit, twentieth, tenth := int64(50_000), 20, 10
	return []wholesaler{
		{
			Company: company.Company{
				Code: "W0001", Name: "株式会社フクフクペット", Kana: "フクフクペット", TaxRounding: money.RoundDown,
				PaymentTerms: company.PaymentTerms{DueMonths: 1},
				Credit:       company.Credit{Currency: money.JPY, LimitMinor: 500_000, Policy: company.PolicyApproval},
			},
			group:   "WHOLESALE-A",
			address: customer.Address{Name: "仕入担当", Company: "株式会社フクフクペット", PostalCode: "3300854", Prefecture: "SAITAMA", City: "さいたま市大宮区", Line1: "桜木町9-98", Phone: "0480000011"},
			purchasers: []purchaser{
				{"buyer@noren.example", "仕入 かえで", company.RoleBuyer, &limit},
				{"approver@noren.example", "承認 つばき", company.RoleApprover, nil},
				{"accountant@noren.example", "経理 すみれ", company.RoleAccountant, nil},
			},
		},
		{
			Company: company.Company{
				Code: "W0002", Name: "有限会社どうぶつ屋", Kana: "ドウブツヤ", TaxRounding: money.RoundHalfUp,
				PaymentTerms: company.PaymentTerms{ClosingDay: &twentieth, DueMonths: 2, DueDay: &tenth},
				Credit:       company.Credit{Currency: money.JPY, LimitMinor: 100_000, Policy: company.PolicyBlock},
			},
			group:   "WHOLESALE-B",
			address: customer.Address{Name: "店長", Company: "有限会社どうぶつ屋", PostalCode: "7300011", Prefecture: "HIROSHIMA", City: "広島市中区", Line1: "基町9-98", Phone: "0820000012"},
			purchasers: []purchaser{
				{"manager@noren.example", "管理 もみじ", company.RoleManager, nil},
			},
		},
	}
}

// purchasers are the accounts of who buys for the sample companies.
func purchasers() []Account {
	var all []Account
	for _, w := range wholesalers() {
		for _, p := range w.purchasers {
			all = append(all, Account{ID: key("account", p.email), Email: p.email, Name: p.name, Role: access.RoleCompanyBuyer, Since: Since})
		}
	}
	return all
}

// writeCompanies writes the companies, groups and buyers that are missing. A buyer
// whom somebody has given another place since keeps that.
func writeCompanies(ctx context.Context, db *postgres.DB) error {
	brand := Brands()[0]
	batch := &pgx.Batch{}
	for i, g := range customerGroups {
		batch.Queue(`INSERT INTO customer_groups (id, brand_id, code, name, kind, precedence, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING`,
			key("customer group", g.code), brand.ID, g.code, g.name, g.kind, (i+1)*10, Since)
	}
	for _, w := range wholesalers() {
		w.write(batch, brand)
	}
	for i, m := range Members() {
		if i%6 == 0 && *m.BrandID == brand.ID {
			batch.Queue(`INSERT INTO customer_group_members (group_id, member_id, joined_at) SELECT $1, id, $3::timestamptz FROM accounts WHERE id = $2 ON CONFLICT DO NOTHING`,
				key("customer group", "GOLD"), m.ID, Since)
		}
	}
	if err := db.Pool().SendBatch(ctx, batch).Close(); err != nil {
		return fmt.Errorf("write the sample companies: %w", err)
	}
	return nil
}

func (w wholesaler) write(batch *pgx.Batch, brand Brand) {
	own := key("company", w.Code)
	batch.Queue(`INSERT INTO companies (id, brand_id, code, name, kana, tax_rounding, closing_day, due_months, due_day, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT DO NOTHING`,
		own, brand.ID, w.Code, w.Name, w.Kana, w.TaxRounding, w.ClosingDay, w.DueMonths, w.DueDay, Since)
	const ifTheirs = ` WHERE EXISTS (SELECT FROM companies WHERE id = $1) ON CONFLICT DO NOTHING`
	batch.Queue(`INSERT INTO company_credit (company_id, currency, credit_limit, policy) SELECT $1, $2, $3::bigint, $4`+ifTheirs, own, w.Currency, w.LimitMinor, w.Policy)
	for _, kind := range []company.AddressKind{company.AddressShipping, company.AddressBilling} {
		batch.Queue(`INSERT INTO company_addresses (company_id, id, kind, label, address, is_default, created_at, updated_at)
			SELECT $1, $2::uuid, $3, '本社', $4::jsonb, true, $5::timestamptz, $5`+ifTheirs, own, key("company address", w.Code, string(kind)), kind, w.address.Normalised(), Since)
	}
	batch.Queue(`INSERT INTO customer_group_members (company_id, group_id, joined_at) SELECT $1, $2::uuid, $3::timestamptz`+ifTheirs, own, key("customer group", w.group), Since)
	for _, p := range w.purchasers {
		batch.Queue(`INSERT INTO company_buyers (company_id, account_id, role, approval_limit, created_at)
			SELECT $1, a.id, $3, $4::bigint, $5::timestamptz FROM accounts a
			WHERE a.id = $2 AND EXISTS (SELECT FROM companies WHERE id = $1) ON CONFLICT DO NOTHING`, own, key("account", p.email), p.role, p.limit, Since)
	}
}
