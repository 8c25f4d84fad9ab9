package postgres

import (
	"context"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/sealing"
)

// ProfileColumns are those of ProfileRow.
var ProfileColumns = []string{
	"member_id", "name", "kana", "phone", "email", "sealed_birthday", "birth_year", "birth_month", "gender", "email_hash", "phone_hash", "key_id", "updated_at",
}

// ProfileRow is a member's own data as its row holds it, sealed, for COPY.
func ProfileRow(ctx context.Context, keys *sealing.Keys, m member.Member) ([]any, error) {
	p := personal{memberID: m.ID, name: m.Name, kana: m.Kana, phone: m.Phone, email: m.Email, birthday: m.Birthday, gender: m.Gender, at: m.UpdatedAt}
	r, err := p.seal(ctx, keys)
	if err != nil {
		return nil, err
	}
	var year, month *int
	if m.Birthday != nil {
		y, n := m.Birthday.Year(), int(m.Birthday.Month())
		year, month = &y, &n
	}
	return []any{p.memberID, r.name, r.kana, r.phone, r.email, r.birthday, year, month, string(p.gender), r.emailHash, r.phoneHash, r.keyID, p.at}, nil
}

// AddressColumns are those of AddressRow.
var AddressColumns = []string{"id", "member_id", "address", "prefecture", "key_id", "is_default", "created_at", "updated_at"}

// AddressRow is an entry of an address book as its row holds it, sealed, for COPY.
func AddressRow(ctx context.Context, keys *sealing.Keys, a customer.SavedAddress) ([]any, error) {
	stored, keyID, err := sealAddress(ctx, keys, a.ID, a.Address)
	if err != nil {
		return nil, err
	}
	return []any{a.ID, a.MemberID, stored, string(a.Address.Prefecture), keyID, a.IsDefault, a.CreatedAt, a.UpdatedAt}, nil
}
