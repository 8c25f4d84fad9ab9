package mailing

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/money"
)

func tokens(t *testing.T, secret string) *Tokens {
	t.Helper()
	k, err := NewTokens(secret, "https://api.noren.example/")
	require.NoError(t, err)
	return k
}

func TestLinksAreNoneButNorens(t *testing.T) {
	t.Parallel()
	k, other := tokens(t, "secret"), tokens(t, "another")
	purposes := []Purpose{ToUnsubscribe, ToClick, ToOpen}
	rapid.Check(t, func(t *rapid.T) {
		want := Token{MailingID: id.New(), MemberID: id.New(), Link: rapid.IntRange(0, maxLinks-1).Draw(t, "link")}
		purpose := rapid.SampledFrom(purposes).Draw(t, "purpose")
		text := k.Text(purpose, want)
		got, err := k.Read(purpose, text)
		require.NoError(t, err)
		require.Equal(t, want, got)
		for _, p := range purposes {
			if _, err := k.Read(p, text); p != purpose {
				require.ErrorIs(t, err, link.ErrInvalid)
			}
		}
		_, err = other.Read(purpose, text)
		require.ErrorIs(t, err, link.ErrInvalid)
		at := rapid.IntRange(0, len(text)-1).Draw(t, "at")
		changed := text[:at] + string(rapid.SampledFrom([]rune("AZaz09-_=/ ")).Draw(t, "by")) + text[at+1:]
		if _, err := k.Read(purpose, changed); changed != text {
			require.ErrorIs(t, err, link.ErrInvalid, changed)
		}
	})
	for _, text := range []string{"", "A", strings.Repeat("A", 68)} {
		_, err := k.Read(ToUnsubscribe, text)
		require.ErrorIs(t, err, link.ErrInvalid)
	}
	_, err := NewTokens("", "https://api.noren.example")
	require.Error(t, err)
}

func TestTextsAreFilledAndTheirLinksFollowed(t *testing.T) {
	t.Parallel()
	k := tokens(t, "secret")
	m := Mailing{ID: id.New(), Subject: "{{rank}}の{{name}}様", Imprint: "のれん", TrackOpens: true,
		Body: "{{name}} 様 {{points}}pt\n\nhttps://shop.example/a?x=1&y=2。もう一度 https://shop.example/a?x=1&y=2 と（https://shop.example/b）。"}
	r := Reader{MemberID: id.New(), Name: "{{points}}", Points: -12345, Rank: "ゴールド"}
	c := k.letter(m, r)
	require.Equal(t, "ゴールドの{{points}}様", c.Subject, "who is called so stays so")
	require.Equal(t, "{{points}} 様 -12,345pt", c.Lines[0][0].Text)
	require.Empty(t, c.Lines[1])
	last := time.Date(2027, 3, 5, 0, 0, 0, 0, time.UTC)
	tells := "{{store}}: {{expiring}}ポイントは{{expiresOn}}まで"
	require.Equal(t, "渋谷店: 1,500ポイントは2027年3月5日まで", filled(tells, Reader{Expiring: 1500, ExpiresOn: &last, Store: "渋谷店"}))
	require.Equal(t, ": 0ポイントはまで", filled(tells, Reader{}))
	var urls, words []string
	for _, piece := range c.Lines[2] {
		if piece.URL != "" {
			urls = append(urls, piece.URL)
		}
		words = append(words, piece.Text)
	}
	require.Equal(t, "https://shop.example/a?x=1&y=2。もう一度 https://shop.example/a?x=1&y=2 と（https://shop.example/b）。", strings.Join(words, ""))
	require.Equal(t, []string{"https://shop.example/a?x=1&y=2", "https://shop.example/b"}, links(m.Body))
	require.Equal(t, urls[0], urls[1])
	for i, at := range []int{0, 0, 1} {
		got, err := k.Read(ToClick, strings.TrimPrefix(urls[i], "https://api.noren.example"+ClickPath))
		require.NoError(t, err)
		require.Equal(t, Token{m.ID, r.MemberID, at}, got)
	}
	require.NotEmpty(t, c.PixelURL)
	r.MemberID = uuid.Nil
	c = k.letter(m, r)
	require.Equal(t, "https://shop.example/a?x=1&y=2", c.Lines[2][0].URL)
	require.Empty(t, c.PixelURL)
	require.ErrorIs(t, checkTemplate("mail.body", manyLinks(maxLinks+1)), ErrLinks)
	require.NoError(t, checkTemplate("mail.body", manyLinks(maxLinks)))
}

func manyLinks(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("https://shop.example/" + strings.Repeat("a", i+1) + " ")
	}
	return b.String()
}

func TestTheIntervalOfALiftHoldsIt(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		group := func(name string) Group {
			n := rapid.IntRange(1, 100_000).Draw(t, name)
			return Group{Recipients: n, Buyers: rapid.IntRange(0, n).Draw(t, name+" buyers"), Currency: money.JPY}
		}
		r := Results{Sent: group("sent"), Held: group("held")}
		l, hundred := r.Lift(), decimal.NewFromInt(100)
		require.True(t, l.Low.LessThanOrEqual(l.Points) && l.Points.LessThanOrEqual(l.High), "%v", l)
		require.True(t, l.Low.GreaterThanOrEqual(hundred.Neg()) && l.High.LessThanOrEqual(hundred), "%v", l)
		turned := Results{Sent: r.Held, Held: r.Sent}.Lift()
		require.InDelta(t, l.Low.InexactFloat64(), -turned.High.InexactFloat64(), 0.011)
	})
	// Newcombe (1998), table II, (a): 56/70 and 48/80 differ by 0.2, 95 % between 0.0524 and 0.3339.
	l := Results{Sent: Group{Recipients: 70, Buyers: 56}, Held: Group{Recipients: 80, Buyers: 48}}.Lift()
	require.Equal(t, "20 5.24 33.39", l.Points.String()+" "+l.Low.String()+" "+l.High.String())
	require.Nil(t, Results{Sent: Group{Recipients: 70}}.Lift())
	require.Nil(t, Results{}.Sent.Rate())
	require.False(t, math.IsNaN(Results{Sent: Group{Recipients: 1}, Held: Group{Recipients: 1}}.Lift().Low.InexactFloat64()))
}

func TestCostsAndReturns(t *testing.T) {
	t.Parallel()
	r := Results{Mailing: Mailing{Currency: money.JPY, PieceCostMinor: 84, FixedCostMinor: 16, Delivered: 1}, Sent: Group{Recipients: 1, RevenueMinor: 300, Currency: money.JPY}}
	require.Zero(t, r.Cost().Minor, "nothing is spent before it is sent")
	require.Nil(t, r.Return())
	sent := r.Mailing.CreatedAt
	r.Mailing.SentAt = &sent
	require.Equal(t, "100 200", r.Cost().String()+" "+r.Return().String())
	require.Nil(t, r.ExtraRevenue())
	r.Held = Group{Recipients: 3, RevenueMinor: 300, Currency: money.JPY}
	require.Equal(t, "200 100", r.ExtraRevenue().String()+" "+r.ExtraReturn().String())
}
