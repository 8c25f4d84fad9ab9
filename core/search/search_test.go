package search_test

import (
	"runtime"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/search"
)

func TestFoldMakesSpellingsOfOneWordEqual(t *testing.T) {
	t.Parallel()
	fold := func(s string) string { return search.Fold(search.Normalize(s)) }
	for _, same := range [][]string{
		{"フード", "ﾌｰﾄﾞ", "ふーど", "フ－ド", "ふうど"},
		{"がぎぐ", "ｶﾞｷﾞｸﾞ", "ガギグ", "か゛き゛く゛"},
		{"ぱん", "ﾊﾟﾝ", "は゜ん"},
		{"コンピューター", "コンピュータ"},
		{"フィルム", "フイルム"},
		{"ヴァイオリン", "バイオリン"},
		{"3kg", "３ＫＧ", "３㎏"},
		{"いすゞ", "いすず"},
		{"cafe", "Café", "ＣＡＦÉ"},
		{"ちぢむ", "ちじむ"},
	} {
		for _, s := range same[1:] {
			require.Equal(t, fold(same[0]), fold(s), s)
		}
	}
	for _, different := range [][2]string{{"びょういん", "びよういん"}, {"シーツ", "しつけ"}, {"はし", "ばし"}} {
		require.NotEqual(t, fold(different[0]), fold(different[1]))
	}
}

func TestKanaReadsLatinLetters(t *testing.T) {
	t.Parallel()
	for latin, kana := range map[string]string{
		"inu": "いぬ", "neko": "ねこ", "doggufu-do": "どっぐふーど", "shampu-": "しゃんぷー", "konnichiwa": "こんにちわ",
		"dogguf": "どっぐ", "chuuru": "ちゅうる", "matcha": "まっちゃ", "xyz": "", "": "",
	} {
		require.Equal(t, kana, search.Kana(latin), latin)
	}
}

func TestNamesSortByReading(t *testing.T) {
	t.Parallel()
	a := search.NewAnalyzer()
	ordered := []string{"犬", "がか", "亀", "猫", "ハムスター", "バラ"}
	for i := 1; i < len(ordered); i++ {
		require.Less(t, a.SortKey(ordered[i-1]), a.SortKey(ordered[i]), ordered[i])
	}
}

func TestEmptyAndMarksAskNothing(t *testing.T) {
	t.Parallel()
	a := search.NewAnalyzer()
	for _, text := range []string{"", "  ", "!!! --- ('&|", "\x00\xff", "ー"} {
		q := a.Query(text, nil)
		if text != "ー" {
			require.True(t, q.Empty(), q.Match)
		}
	}
}

func TestQueryIsBounded(t *testing.T) {
	t.Parallel()
	a := search.NewAnalyzer()
	q := a.Query(strings.Repeat("犬 a-b-c-d-e ", 10_000), nil)
	require.Less(t, len(q.Match), 20_000)
}

func TestAnalysisIsSafeForConcurrentUse(t *testing.T) {
	t.Parallel()
	a := search.NewAnalyzer()
	want := a.Vector(search.Field{Weight: search.Name, Text: "犬用おもちゃ"})
	done := make(chan string)
	for range 8 {
		go func() { done <- a.Vector(search.Field{Weight: search.Name, Text: "犬用おもちゃ"}) }()
	}
	for range 8 {
		require.Equal(t, want, <-done)
	}
}

func TestDictionaryFitsTheMemoryOfTheServer(t *testing.T) { //nolint:paralleltest // measures the heap
	search.NewAnalyzer().Reading("犬")
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.Logf("heap with dictionary: %.1f MB", float64(m.HeapAlloc)/1e6)
	require.Less(t, m.HeapAlloc, uint64(64<<20))
}

func TestWhatIsWrittenIsWellFormed(t *testing.T) {
	t.Parallel()
	a := search.NewAnalyzer()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String().Draw(t, "text")
		requireWellFormed(t, a, text)
	})
}

func FuzzAnalyzer(f *testing.F) {
	a := search.NewAnalyzer()
	for _, seed := range []string{"犬 用'おもちゃ", `\' & | !:*`, "ｶﾞ゛゛ーーゞゝ々", "AB-12_34", "\xff\x00", "n", "nnn'"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) { requireWellFormed(t, a, text) })
}

func requireWellFormed(t require.TestingT, a *search.Analyzer, text string) {
	q := a.Query(text, nil)
	v := a.Vector(search.Field{Weight: search.Name, Text: text}, search.Field{Weight: search.Description, Text: text})
	for _, s := range []string{q.Match, q.Exact, v} {
		require.NotContains(t, s, "''", "an empty word")
	}
	for _, s := range []string{
		q.Match, q.Exact, v, a.SortKey(text),
		strings.Join(a.Keys(text), ","), strings.Join(search.Beginnings(text), ","), search.Kana(text),
	} {
		require.True(t, utf8.ValidString(s))
		require.NotContains(t, s, "\x00")
	}
}

func BenchmarkVector(b *testing.B) {
	a := search.NewAnalyzer()
	for b.Loop() {
		a.Vector(search.Field{Weight: search.Name, Text: "ロイヤルカナン 大型犬用ドッグフード 成犬 3kg"},
			search.Field{Weight: search.Description, Text: "15か月齢以上の大型犬のために作られた総合栄養食です。関節の健康を支えます。"})
	}
}

func BenchmarkQuery(b *testing.B) {
	a := search.NewAnalyzer()
	for b.Loop() {
		a.Query("大型犬 ドッグフード", nil)
	}
}
