package migration

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/member"
)

func TestValuesAreConverted(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"ﾔﾏﾀﾞ ﾊﾅｺ": "ヤマダ ハナコ", "やまだ　はなこ": "ヤマダ ハナコ", "ｶﾞｰﾄﾞﾅｰ": "ガードナー", "ヴァ": "ヴァ", "ﾊﾟ-ﾏ": "パーマ", "": ""} {
		got, err := ReadKana(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for in, want := range map[string]string{
		"03-1234-5678": "0312345678", "０９０－１２３４－５６７８": "09012345678", "+81 90-1234-5678": "09012345678", "819012345678": "09012345678", "+81(0)3-1234-5678": "0312345678",
		"9012345678": "09012345678", "312345678": "0312345678", "(03)1234-5678": "0312345678",
	} {
		got, err := ReadPhone(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for in, want := range map[string]string{"〒150-0001": "1500001", "１５０－０００１": "1500001", "600001": "0600001", "0600001": "0600001"} {
		got, err := ReadPostalCode(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for in, want := range map[string]customer.Gender{"男": customer.GenderMale, "２": customer.GenderFemale, "f": customer.GenderFemale, "その他": customer.GenderOther, "9": customer.GenderUnsaid} {
		got, err := ReadGender(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for in, want := range map[string]customer.Prefecture{"東京": "TOKYO", "東京都": "TOKYO", "１３": "TOKYO", "01": "HOKKAIDO", "北海道": "HOKKAIDO", "京都": "KYOTO"} {
		got, err := ReadPrefecture(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
	for in, want := range map[string]bool{"可": true, "Ｙ": true, "1": true, "希望しない": false, "×": false} {
		got, err := ReadConsent(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
}

func TestWhatIsNoValueIsToldSo(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(string) error{
		"山田":         func(s string) error { _, err := ReadKana(s); return err },
		"110":        func(s string) error { _, err := ReadPhone(s); return err },
		"090-1234":   func(s string) error { _, err := ReadPhone(s); return err },
		"150-001":    func(s string) error { _, err := ReadPostalCode(s); return err },
		"男女":         func(s string) error { _, err := ReadGender(s); return err },
		"江戸":         func(s string) error { _, err := ReadPrefecture(s); return err },
		"たぶん":        func(s string) error { _, err := ReadConsent(s); return err },
		"渋谷区神宮前1-2":  func(s string) error { _, err := SplitJapanese(s); return err },
		"東京都渋谷区":     func(s string) error { _, err := SplitJapanese(s); return err },
		"東京都1-2-3":   func(s string) error { _, err := SplitJapanese(s); return err },
		"2912345678": func(s string) error { _, err := ReadCard(s, true); return err },
	} {
		err := read(name)
		require.Error(t, err, name)
		require.NotEmpty(t, reasonOf(err).JA)
	}
}

func TestAddressesAreSplit(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]customer.Address{
		"東京都渋谷区神宮前１－２－３　暖簾ビル４Ｆ":  {Prefecture: "TOKYO", City: "渋谷区", Line1: "神宮前1-2-3", Line2: "暖簾ビル4F"},
		"神奈川県横浜市西区みなとみらい2丁目3番5号": {Prefecture: "KANAGAWA", City: "横浜市西区", Line1: "みなとみらい2丁目3番5号"},
		"三重県四日市市諏訪町1-5":          {Prefecture: "MIE", City: "四日市市", Line1: "諏訪町1-5"},
		"千葉県市川市八幡1−1−1":          {Prefecture: "CHIBA", City: "市川市", Line1: "八幡1-1-1"},
		"東京都町田市森野2-2-22":         {Prefecture: "TOKYO", City: "町田市", Line1: "森野2-2-22"},
		"北海道余市郡余市町朝日町26番地":       {Prefecture: "HOKKAIDO", City: "余市郡余市町", Line1: "朝日町26番地"},
		"京都府京都市上京区今出川通烏丸東入":      {Prefecture: "KYOTO", City: "京都市上京区", Line1: "今出川通烏丸東入"},
		"長野県北佐久郡軽井沢町大字長倉2381-1":  {Prefecture: "NAGANO", City: "北佐久郡軽井沢町", Line1: "大字長倉2381-1"},
		"東京都八丈町大賀郷2551-2":        {Prefecture: "TOKYO", City: "八丈町", Line1: "大賀郷2551-2"},
	} {
		got, err := SplitJapanese(in)
		require.NoError(t, err, in)
		require.Equal(t, want, got, in)
	}
}

func TestCardsNeedTheirCheckDigit(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.StringMatching(`29[0-9]{10}`).Draw(t, "body")
		card := body + string(member.CheckDigit(body))
		if got, err := ReadCard(card, false); err != nil || got != card {
			t.Fatal(got, err)
		}
		if got, err := ReadCard(body, true); err != nil || got != card {
			t.Fatal(got, err)
		}
		if _, err := ReadCard(body, false); err == nil {
			t.Fatal("a number without its check digit was taken")
		}
		wrong := []byte(card)
		wrong[12] = '0' + (wrong[12]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "off")))%10
		if _, err := ReadCard(string(wrong), true); err == nil {
			t.Fatal("a wrong check digit was taken")
		}
	})
}
