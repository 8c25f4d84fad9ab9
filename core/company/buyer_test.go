package company_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/company"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// trade is a shop that sells to companies.
type trade struct {
	*pgtest.Shop
	*company.Service
}

func newTrade(t testing.TB) trade {
	shop := pgtest.NewShop(t)
	return trade{shop, company.New(company.Parts{
		Tx: shop.DB, Store: postgres.NewCompanies(shop.DB), Events: postgres.NewEvents(shop.DB), Now: clock.System,
	})}
}

// as is a context in which the actor visits the shop.
func (s trade) as(t testing.TB, actor access.Actor) context.Context {
	ctx := channel.With(t.Context(), channel.Channel{ID: s.ChannelID, BrandID: s.BrandID, Currency: "JPY", TimeZone: "Asia/Tokyo", PriceListID: s.PriceListID})
	return access.With(ctx, actor)
}

func (s trade) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	_, err := s.DB.Pool().Exec(t.Context(), sql, args...)
	require.NoError(t, err)
}

// account adds somebody who can log in.
func (s trade) account(t testing.TB, role access.Role) uuid.UUID {
	key := id.New()
	s.exec(t, `INSERT INTO accounts (id, role, email, name, created_at, updated_at) VALUES ($1, $2, $3, 'x', now(), now())`,
		key, role, key.String()+"@example.jp")
	return key
}

func (s trade) company(t testing.TB, code string) uuid.UUID {
	key := id.New()
	s.exec(t, `INSERT INTO companies (id, brand_id, code, name, tax_rounding, created_at, updated_at) VALUES ($1, $2, $3, $3, 'HALF_UP', now(), now())`,
		key, s.BrandID, code)
	return key
}

func (s trade) group(t testing.TB, code string, precedence int, memberID, companyID *uuid.UUID) uuid.UUID {
	key := id.New()
	s.exec(t, `INSERT INTO customer_groups (id, brand_id, code, name, precedence, created_at) VALUES ($1, $2, $3, '{}', $4, now())`, key, s.BrandID, code, precedence)
	s.exec(t, `INSERT INTO customer_group_members (group_id, member_id, company_id, joined_at) VALUES ($1, $2, $3, now())`, key, memberID, companyID)
	return key
}

func (s trade) order(t testing.TB, memberID uuid.UUID, companyID *uuid.UUID, status string) {
	s.exec(t, `
		INSERT INTO orders (id, number, brand_id, channel_id, member_id, company_id, email, language, status, currency, tax_inclusive,
			subtotal, shipping_fee, tax, total, taxes, breakdown, shipping_address, shipping_method, payment_method, placed_at, updated_at)
		VALUES ($1, gen_random_uuid()::text, $2, $3, $4, $5, 'a@example.jp', 'ja', $6, 'JPY', true, 0, 0, 0, 0, '[]', '[]', '{}', '{}', 'CARD', now(), now())`,
		id.New(), s.BrandID, s.ChannelID, memberID, companyID, status)
}

func TestABuyerIsReadInOneStatement(t *testing.T) {
	t.Parallel()
	s := newTrade(t)
	kaede, colleague, shopper := s.account(t, "COMPANY_BUYER"), s.account(t, "COMPANY_BUYER"), s.account(t, "MEMBER")
	petshop := s.company(t, "C001")
	for _, buyer := range []uuid.UUID{kaede, colleague} {
		s.exec(t, `INSERT INTO company_buyers (company_id, account_id, role, created_at) VALUES ($1, $2, 'BUYER', now())`, petshop, buyer)
	}
	gold := s.group(t, "GOLD", 20, &kaede, nil)
	wholesale := s.group(t, "WHOLESALE", 10, nil, &petshop)
	closed := s.group(t, "OLD", 1, &kaede, nil)
	s.exec(t, `UPDATE customer_groups SET closed_at = now() WHERE id = $1`, closed)
	s.exec(t, `INSERT INTO profiles (member_id, birthday, updated_at) VALUES ($1, '1990-01-31', now())`, kaede)
	s.order(t, kaede, &petshop, "CONFIRMED")
	s.order(t, colleague, &petshop, "DELIVERED")
	s.order(t, kaede, &petshop, "CANCELLED")

	want := scope.Buyer{MemberID: kaede, CompanyID: petshop, Groups: []uuid.UUID{wholesale, gold}, TaxRounding: money.RoundHalfUp, BirthMonth: 1, Ordered: 2}
	ask := func(actor access.Actor) (scope.Buyer, int) {
		ctx, statements := postgres.CountStatements(s.as(t, actor))
		b, err := s.Buyer(ctx)
		require.NoError(t, err)
		return b, statements.Count()
	}
	b, statements := ask(access.Actor{Role: access.RoleCompanyBuyer, ID: kaede})
	require.Equal(t, want, b)
	require.Equal(t, 1, statements)

	b, statements = ask(access.Actor{Role: access.RoleMember, ID: shopper})
	require.Equal(t, scope.Buyer{MemberID: shopper, Groups: []uuid.UUID{}}, b)
	require.Equal(t, 1, statements)

	b, statements = ask(access.Guest)
	require.Equal(t, scope.Buyer{}, b)
	require.Zero(t, statements)
	require.True(t, b.IsGuest())

	// A change shows in the very next question.
	s.exec(t, `UPDATE companies SET closed_at = now() WHERE id = $1`, petshop)
	b, _ = ask(access.Actor{Role: access.RoleCompanyBuyer, ID: kaede})
	require.Equal(t, scope.Buyer{MemberID: kaede, Groups: []uuid.UUID{gold}, BirthMonth: 1, Ordered: 1}, b, "what was ordered for the company was the company's")
}

func TestABuyerHasNoCompanyWithAnotherBrand(t *testing.T) {
	t.Parallel()
	s := newTrade(t)
	kaede, petshop := s.account(t, "COMPANY_BUYER"), s.company(t, "C001")
	s.exec(t, `INSERT INTO company_buyers (company_id, account_id, role, created_at) VALUES ($1, $2, 'BUYER', now())`, petshop, kaede)
	s.group(t, "WHOLESALE", 10, nil, &petshop)
	ctx := access.With(channel.With(t.Context(), channel.Channel{BrandID: id.New()}), access.Actor{Role: access.RoleCompanyBuyer, ID: kaede})
	b, err := s.Buyer(ctx)
	require.NoError(t, err)
	require.Equal(t, scope.Buyer{MemberID: kaede, Groups: []uuid.UUID{}}, b)
}

func TestStaffAskForOtherBuyers(t *testing.T) {
	t.Parallel()
	s := newTrade(t)
	kaede, petshop := s.account(t, "COMPANY_BUYER"), s.company(t, "C001")
	wholesale := s.group(t, "WHOLESALE", 10, nil, &petshop)
	s.order(t, kaede, &petshop, "SHIPPED")
	clerk := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PricingRead}}
	b, err := s.BuyerOfCompany(s.as(t, clerk), petshop)
	require.NoError(t, err)
	require.Equal(t, scope.Buyer{CompanyID: petshop, Groups: []uuid.UUID{wholesale}, TaxRounding: money.RoundHalfUp, Ordered: 1}, b)
	b, err = s.BuyerOf(s.as(t, clerk), kaede)
	require.NoError(t, err)
	require.Equal(t, kaede, b.MemberID)

	for name, err := range map[string]error{
		"no such member":  second(s.BuyerOf(s.as(t, clerk), id.New())),
		"no such company": second(s.BuyerOfCompany(s.as(t, clerk), id.New())),
	} {
		require.ErrorIs(t, err, fault.ErrNotFound, name)
	}
	for _, actor := range []access.Actor{access.Guest, {Role: access.RoleMember, ID: kaede}, {Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.CatalogRead}}} {
		require.ErrorIs(t, second(s.BuyerOf(s.as(t, actor), kaede)), fault.ErrForbidden)
		require.ErrorIs(t, second(s.BuyerOfCompany(s.as(t, actor), petshop)), fault.ErrForbidden)
	}
}

func second[A any](_ A, err error) error { return err }

func TestASharedAnswerIsPricedByTheTermsOfItsKey(t *testing.T) {
	t.Parallel()
	s := newTrade(t)
	kaede, aoi, plain := s.account(t, "COMPANY_BUYER"), s.account(t, "COMPANY_BUYER"), s.account(t, "MEMBER")
	petshop := s.company(t, "C001")
	for _, buyer := range []uuid.UUID{kaede, aoi} {
		s.exec(t, `INSERT INTO company_buyers (company_id, account_id, role, created_at) VALUES ($1, $2, 'BUYER', now())`, petshop, buyer)
	}
	wholesale := s.group(t, "WHOLESALE", 10, nil, &petshop)
	share := func(actor access.Actor) (context.Context, string, bool) { return s.Shared(s.as(t, actor)) }

	_, guest, ok := share(access.Guest)
	require.True(t, ok)
	require.Empty(t, guest)
	shared, kaedes, ok := share(access.Actor{Role: access.RoleCompanyBuyer, ID: kaede})
	require.True(t, ok)
	_, aois, _ := share(access.Actor{Role: access.RoleCompanyBuyer, ID: aoi})
	require.Equal(t, kaedes, aois)
	_, members, _ := share(access.Actor{Role: access.RoleMember, ID: plain})
	require.NotEqual(t, kaedes, members)
	require.NotEqual(t, guest, members, "what only members see is not a guest's")
	_, _, ok = share(access.Actor{Role: access.RoleStaff, ID: id.New()})
	require.False(t, ok)

	s.exec(t, `DELETE FROM customer_group_members`)
	shared, statements := postgres.CountStatements(shared)
	b, err := s.Buyer(shared)
	require.NoError(t, err)
	require.Equal(t, []uuid.UUID{wholesale}, b.Groups, "the key stands for the group")
	require.Equal(t, company.NotKnown, b.Ordered)
	require.Zero(t, statements.Count())
	_, fresh, _ := share(access.Actor{Role: access.RoleCompanyBuyer, ID: kaede})
	require.NotEqual(t, kaedes, fresh)

	s.exec(t, `INSERT INTO named_members VALUES ($1, $2)`, s.BrandID, aoi)
	_, _, ok = share(access.Actor{Role: access.RoleCompanyBuyer, ID: aoi})
	require.False(t, ok, "a rule names aoi")
	_, _, ok = share(access.Actor{Role: access.RoleCompanyBuyer, ID: kaede})
	require.True(t, ok)
	s.exec(t, `INSERT INTO rulebooks (brand_id, personal) VALUES ($1, true)`, s.BrandID)
	_, _, ok = share(access.Actor{Role: access.RoleCompanyBuyer, ID: kaede})
	require.False(t, ok, "a rule looks at each buyer")
}
