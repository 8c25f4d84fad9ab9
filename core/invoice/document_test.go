package invoice

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/link"
)

func TestNumbersAreReadAsPeopleTypeThem(t *testing.T) {
	t.Parallel()
	for _, typed := range []string{"I-00000042", "i-42", "Ｉ－００００００４２", " I 00000042 ", "I42"} {
		kind, serial, ok := ParseNumber(typed)
		require.True(t, ok, typed)
		require.Equal(t, KindInvoice, kind)
		require.EqualValues(t, 42, serial)
	}
	for _, kind := range Kinds {
		read, serial, ok := ParseNumber(Document{Kind: kind, Serial: 7}.Number())
		require.True(t, ok)
		require.Equal(t, kind, read)
		require.EqualValues(t, 7, serial)
	}
	for _, wrong := range []string{"", "42", "X-1", "I-", "I-1234567890123", "I-1-2"} {
		_, _, ok := ParseNumber(wrong)
		require.False(t, ok, wrong)
	}
}

func TestPeopleAndCompaniesAreAddressedAsIsDue(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]Party{
		"山田 花子 様": {Name: "山田 花子"}, "株式会社のれん 御中": {Company: "株式会社のれん"}, "株式会社のれん/経理 太郎 様": {Company: "株式会社のれん", Name: "経理 太郎"},
		"㈱のれん 御中": {Name: "㈱のれん"}, "上様": {Name: "上様"}, "のれん動物病院 御中": {Name: "のれん動物病院"}, "山田商店 御中": {Name: "山田商店 御中"},
	} {
		require.Equal(t, want, strings.Join(p.Names(), "/"))
	}
}

func TestLinksHoldForAWhileAndForOneDocument(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	links, err := NewLinks("a secret of at least 32 characters", "https://noren.example.jp/", func() time.Time { return now })
	require.NoError(t, err)
	document := id.New()
	address, err := url.Parse(links.To(document))
	require.NoError(t, err)
	require.Equal(t, "https://noren.example.jp/documents/"+document.String(), "https://"+address.Host+address.Path)
	expires, signature := address.Query().Get("expires"), address.Query().Get("signature")
	opened, err := links.Check(document.String(), expires, signature)
	require.NoError(t, err)
	require.Equal(t, document, opened)

	for name, tried := range map[string][3]string{
		"another document":  {id.New().String(), expires, signature},
		"a later end":       {document.String(), "9999999999", signature},
		"another signature": {document.String(), expires, strings.Repeat("A", len(signature))},
		"none":              {document.String(), expires, ""},
		"nothing":           {"", "", ""},
		"upper case":        {strings.ToUpper(document.String()), expires, signature},
	} {
		_, err := links.Check(tried[0], tried[1], tried[2])
		require.ErrorIs(t, err, ErrLink, name)
	}
	others, err := NewLinks("another secret of 32 characters or so", "https://noren.example.jp", func() time.Time { return now })
	require.NoError(t, err)
	_, err = others.Check(document.String(), expires, signature)
	require.ErrorIs(t, err, ErrLink, "another installation's")

	now = now.Add(link.Holds - time.Second)
	_, err = links.Check(document.String(), expires, signature)
	require.NoError(t, err)
	now = now.Add(time.Second)
	_, err = links.Check(document.String(), expires, signature)
	require.ErrorIs(t, err, ErrLinkExpired)
	_, err = NewLinks("", "", nil)
	require.Error(t, err, "without a secret anybody could sign")
}
