package member

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/identity"
)

// Hidden stands for what is not shown.
const Hidden = "＊＊＊"

// seen is the member as the actor may see them: this is the one place that decides it.
// Members see themselves. Head office with MEMBER_READ sees everybody; a shop's staff
// with it see the members who registered there or chose it as their home store, and all
// others masked. So do partners, such as tills.
func seen(actor access.Actor, m Member) Member {
	if !reads(actor, m) {
		m.Personal, m.Masked = m.masked(), true
	}
	return m
}

// Readable reports whether the actor may read the personal data of the member.
func Readable(actor access.Actor, m Member) bool { return reads(actor, m) }

func reads(actor access.Actor, m Member) bool {
	switch {
	case m.ErasedAt != nil, own(actor, m.ID):
		return true
	case actor.Is(access.RolePartner) || !actor.May(access.MemberRead):
		return false
	case actor.Is(access.RoleStoreStaff):
		return slices.ContainsFunc(m.Stores, func(s uuid.UUID) bool { return slices.Contains(actor.Stores, s) })
	}
	return true
}

// own reports whether the actor is the member.
func own(actor access.Actor, memberID uuid.UUID) bool {
	return memberID != uuid.Nil && actor.ID == memberID && actor.Is(access.RoleMember, access.RoleCompanyBuyer)
}

// masked lets a shop make sure by word of mouth whom it has before it, and no more:
// the first character of the name, the ends of the phone number. What was not told
// stays empty.
func (p Personal) masked() Personal {
	return Personal{
		Name: MaskName(p.Name), Kana: MaskName(p.Kana), Phone: MaskPhone(p.Phone), Email: MaskEmail(p.Email),
		Gender: customer.GenderUnsaid,
	}
}

// MaskName leaves the first character of a name.
func MaskName(name string) string {
	if name == "" {
		return ""
	}
	first, _ := utf8.DecodeRuneInString(name)
	return string(first) + Hidden
}

// MaskPhone leaves the first three digits and the last two of a number that is long
// enough for it.
func MaskPhone(phone string) string {
	switch n := len(phone); {
	case phone == "":
		return ""
	case n < 10:
		return "***"
	default:
		return phone[:3] + "-****-**" + phone[n-2:]
	}
}

// MaskNumber leaves the last four digits of a card's number.
func MaskNumber(number string) string {
	shown := max(len(number)-4, 0)
	return strings.Repeat("*", shown) + number[shown:]
}

// MaskEmail leaves the first character of an address.
func MaskEmail(email string) string { return identity.MaskEmail(email) }
