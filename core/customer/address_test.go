package customer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/fault"
)

func home() customer.Address {
	return customer.Address{
		Name: "山田　花子", Kana: "やまだ はなこ", PostalCode: "〒１５０－０００１", Prefecture: "TOKYO",
		City: "渋谷区", Line1: "神宮前１−２−３", Phone: "０３-1234-5678",
	}
}

func TestAddressIsKeptInOneForm(t *testing.T) {
	t.Parallel()
	a := home().Normalised()
	require.NoError(t, a.Validate(""))
	require.Equal(t, "1500001", a.PostalCode)
	require.Equal(t, "0312345678", a.Phone)
	require.Equal(t, "ヤマダ ハナコ", a.Kana)
	require.Equal(t, "山田 花子", a.Name)
	require.Equal(t, []string{"〒150-0001", "東京都渋谷区神宮前1−2−3", "山田 花子 様"}, a.Lines())
	require.Equal(t, 13, a.Prefecture.Code())
}

func TestBadAddressNamesEachField(t *testing.T) {
	t.Parallel()
	a := home()
	a.PostalCode, a.Phone, a.Kana, a.Prefecture, a.City = "123", "90-1", "yamada", "EDO", " "
	fields := map[string]fault.Code{}
	for _, f := range fault.All(a.Normalised().Validate("shippingAddress")) {
		fields[f.Field] = f.Code
	}
	require.Equal(t, map[string]fault.Code{
		"shippingAddress.postalCode": "POSTAL_CODE_INVALID", "shippingAddress.phone": "PHONE_INVALID",
		"shippingAddress.kana": "KANA_INVALID", "shippingAddress.prefecture": "PREFECTURE_INVALID", "shippingAddress.city": "REQUIRED",
	}, fields)
}
