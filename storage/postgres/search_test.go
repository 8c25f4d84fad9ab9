package postgres_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/search"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestJapaneseIsFoundHoweverItIsWritten(t *testing.T) {
	t.Parallel()
	db, a := pgtest.New(t), search.NewAnalyzer()
	synonyms := search.Synonyms{}
	synonyms.Add("犬", "ドッグ", "わんちゃん")
	synonyms.Replace("おやつ", "ジャーキー")
	for _, c := range []struct {
		text   string
		yes    []string
		no     []string
		weight search.Weight
	}{
		{"犬用おもちゃ", []string{"犬", "いぬ", "イヌ", "ｲﾇ", "inu", "いぬよう", "いぬようおも", "玩具", "おもちゃ", "犬用 オモチャ", "犬用お", "犬の玩具", "わんちゃん おもちゃ"}, []string{"猫", "ねこ", "犬 猫", "用品"}, search.Name},
		{"プレミアムドッグフード 成犬用 3kg", []string{"フード", "ふーど", "ﾄﾞｯｸﾞﾌｰﾄﾞ", "ドッグ フード", "doggufu-do", "３ｋｇ", "犬 フード", "せいけん", "プレミアム"}, []string{"キャット", "5kg", "ーフード猫"}, search.Name},
		{"猫砂 ひのき", []string{"ねこすな", "ねこ", "猫の砂", "ヒノキ", "neko"}, []string{"犬砂", "こす", "な"}, search.Name},
		{"ねこすな", []string{"猫砂", "ねこ"}, nil, search.Name},
		{"はなのおもちゃ 花", []string{"花"}, []string{"鼻毛"}, search.Name},
		{"AB-1234-X 4901234567894", []string{"ab1234x", "AB-1234", "1234-x", "ab12", "AB-12", "490123", "4901234567894"}, []string{"234", "b1234", "ab-1235"}, search.Tag},
		{"鶏ささみジャーキー", []string{"ささみ", "おやつ", "ジャーキー", "じゃーき"}, []string{"魚"}, search.Name},
		{"よく走っている犬のための首輪です", []string{"走る", "首輪", "くびわ"}, []string{"です 猫"}, search.Description},
	} {
		vector := a.Vector(search.Field{Weight: c.weight, Text: c.text})
		found := func(query string) bool {
			var ok bool
			q := a.Query(query, synonyms)
			require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT $1::text::tsvector @@ $2::text::tsquery`, vector, q.Match).Scan(&ok))
			return ok
		}
		for _, query := range c.yes {
			require.True(t, found(query), "%q finds %q (%s in %s)", query, c.text, a.Query(query, synonyms).Match, vector)
		}
		for _, query := range c.no {
			require.False(t, found(query), "%q does not find %q (%s)", query, c.text, a.Query(query, synonyms).Match)
		}
	}
}

func TestNoInputBreaksTheSearchSyntax(t *testing.T) {
	t.Parallel()
	db, a := pgtest.New(t), search.NewAnalyzer()
	rapid.Check(t, func(r *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[犬猫ぁ-んァ-ー々a-z0-9'\\:*&|!() -]{0,80}`)).Draw(r, "text")
		q := a.Query(text, nil)
		var ok bool
		err := db.Pool().QueryRow(t.Context(), `SELECT ts_rank($1::text::tsvector, $2::text::tsquery) + ts_rank('', $3::text::tsquery) >= 0`,
			a.Vector(search.Field{Weight: search.Name, Text: text}), q.Match, q.Exact).Scan(&ok)
		require.NoError(r, err, "%s / %s", q.Match, q.Exact)
	})
}
