package member

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/id"
)

func TestAStoreSeesItsOwnMembersAndOthersMasked(t *testing.T) {
	t.Parallel()
	shibuya, umeda, hanako := id.New(), id.New(), id.New()
	born := time.Date(1990, 2, 28, 0, 0, 0, 0, time.UTC)
	m := Member{ID: hanako, Stores: []uuid.UUID{shibuya}, Personal: Personal{
		Name: "山田 花子", Kana: "ヤマダ ハナコ", Phone: "09012345612", Email: "hanako@example.jp", Birthday: &born, Gender: customer.GenderFemale, Address: &customer.Address{City: "渋谷区"},
	}}
	reader := []access.Permission{access.MemberRead}
	for name, c := range map[string]struct {
		actor access.Actor
		sees  bool
	}{
		"the member":               {access.Actor{Role: access.RoleMember, ID: hanako}, true},
		"another member":           {access.Actor{Role: access.RoleMember, ID: id.New()}, false},
		"a partner of the id":      {access.Actor{Role: access.RolePartner, ID: hanako, Permissions: reader}, false},
		"the store":                {access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: reader, Stores: []uuid.UUID{umeda, shibuya}}, true},
		"the store, not permitted": {access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{shibuya}}, false},
		"another store":            {access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: reader, Stores: []uuid.UUID{umeda}}, false},
		"staff of no store":        {access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: reader}, false},
		"head office":              {access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: reader}, true},
		"head office elsewhere":    {access.Actor{Role: access.RoleStaff, ID: id.New()}, false},
		"administrator":            {access.Actor{Role: access.RoleAdmin, ID: id.New()}, true},
		"guest":                    {access.Guest, false},
		"nobody":                   {access.Actor{}, false},
	} {
		got := seen(c.actor, m)
		require.Equal(t, !c.sees, got.Masked, name)
		if c.sees {
			require.Equal(t, m.Personal, got.Personal, name)
			continue
		}
		require.Equal(t, Personal{Name: "山＊＊＊", Kana: "ヤ＊＊＊", Phone: "090-****-**12", Email: "h***@***", Gender: customer.GenderUnsaid}, got.Personal, name)
		require.Nil(t, got.Age(), name)
		require.Nil(t, got.BirthMonth(), name)
	}
}

func TestAMaskHidesWhatIsShort(t *testing.T) {
	t.Parallel()
	require.Equal(t, "***", MaskPhone("110"))
	require.Empty(t, MaskPhone(""))
	require.Empty(t, MaskName(""))
	require.Empty(t, MaskEmail(""))
	require.Equal(t, "𠮷＊＊＊", MaskName("𠮷野"), "a character of two UTF-16 units is one")
}

func TestAge(t *testing.T) {
	t.Parallel()
	born := time.Date(2000, 3, 1, 0, 0, 0, 0, time.UTC)
	for at, want := range map[string]int{"2026-02-28T14:59:59Z": 25, "2026-02-28T15:00:00Z": 26} { // midnight in Japan
		now, err := time.Parse(time.RFC3339, at)
		require.NoError(t, err)
		m := Member{At: now, Personal: Personal{Birthday: &born}}
		require.Equal(t, want, *m.Age(), at)
	}
}

func TestCardNumbers(t *testing.T) {
	t.Parallel()
	// The example of the GS1 General Specifications: 629104150021 has the check digit 3.
	require.Equal(t, byte('3'), CheckDigit("629104150021"))
	rapid.Check(t, func(rt *rapid.T) {
		number, err := DrawNumber()
		require.NoError(rt, err)
		require.Len(rt, number, 13)
		read, err := ReadNumber(" " + number[:4] + "-" + number[4:] + " ")
		require.NoError(rt, err)
		require.Equal(rt, number, read)
		at, by := rapid.IntRange(0, 12).Draw(rt, "at"), rapid.IntRange(1, 9).Draw(rt, "by")
		wrong := []byte(number)
		wrong[at] = '0' + (wrong[at]-'0'+byte(by))%10
		_, err = ReadNumber(string(wrong))
		require.ErrorIs(rt, err, ErrCardNumber, "every single wrong digit is found")
	})
	for _, bad := range []string{"", "2912345678901x", "29", "29123456789012"} {
		_, err := ReadNumber(bad)
		require.ErrorIs(t, err, ErrCardNumber, bad)
	}
}
