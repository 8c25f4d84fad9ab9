package migration_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

var noon = time.Date(2026, 6, 30, 3, 0, 0, 0, time.UTC)

// desk is a brand with a store and a point programme, into which past data comes.
type desk struct {
	db    *postgres.DB
	past  *migration.Service
	keys  *sealing.Keys
	shop  *pgtest.Shop
	store uuid.UUID
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	shop := pgtest.NewShop(t)
	wrap, err := identity.Sealer("a secret of tests that is long enough", "personal data")
	require.NoError(t, err)
	keys, events, now := sealing.New(postgres.NewDataKeys(shop.DB), wrap, clock.Fixed(noon)), postgres.NewEvents(shop.DB), clock.Fixed(noon)
	d := &desk{db: shop.DB, keys: keys, shop: shop, store: id.New(), past: migration.New(migration.Parts{
		Store: postgres.NewDataMigrations(shop.DB, nil, keys), Events: events, Now: now,
		Points:    points.New(points.Parts{Tx: shop.DB, Store: postgres.NewPoints(shop.DB), Events: events, Now: now}),
		Purchases: purchase.New(purchase.Parts{Tx: shop.DB, Store: postgres.NewPurchases(shop.DB), Events: events, Now: now}),
	})}
	d.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind, priority) VALUES ($1, $2, 'S01', '{"ja":"渋谷"}', 'SHOP', 9)`, d.store, shop.BrandID)
	d.exec(t, `INSERT INTO point_programmes (id, brand_id, code, name, currency, unit_points, unit_minor, confirm_days, grace_days, notice_days, grant_limit, zone, created_at, updated_at)
		VALUES ($1, $2, 'main', '{}', 'JPY', 1, 1, 0, 0, 0, 0, 'Asia/Tokyo', $3, $3)`, id.New(), shop.BrandID, noon)
	return d
}

func (d *desk) exec(t testing.TB, sql string, args ...any) {
	t.Helper()
	_, err := d.db.Pool().Exec(t.Context(), sql, args...)
	require.NoError(t, err, sql)
}

func (d *desk) count(t *testing.T, sql string, args ...any) (n int) {
	t.Helper()
	require.NoError(t, d.db.Pool().QueryRow(t.Context(), sql, args...).Scan(&n), sql)
	return n
}

func (d *desk) ctx(t testing.TB) context.Context {
	t.Helper()
	return access.With(channel.With(t.Context(), channel.Channel{ID: d.shop.ChannelID, BrandID: d.shop.BrandID, Currency: "JPY", TimeZone: "Asia/Tokyo"}), access.System)
}

func file(text string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(text)), nil }
}

func (d *desk) bring(t *testing.T, kind migration.Kind, mapping, text string, dry bool) *migration.Run {
	t.Helper()
	run, err := d.past.Import(d.ctx(t), migration.FileInput{Kind: kind, FileName: "old.csv", Mapping: mapping, Open: file(text), DryRun: dry})
	require.NoError(t, err)
	return run
}

func (d *desk) report(t *testing.T, run *migration.Run) string {
	t.Helper()
	var out bytes.Buffer
	require.NoError(t, d.past.WriteReport(t.Context(), *run, &out))
	return out.String()
}

const memberMapping = `
kind: members
source: old-pos
key: 会員コード
fields:
  card: {from: 会員番号, check: complete}
  name: {from: [姓, 名], join: " "}
  kana: {from: [セイ, メイ], join: " "}
  birthday: 生年月日
  gender: {from: 性別, values: {"A": MALE, "B": FEMALE}, default: UNSAID}
  phone: {from: [携帯, 自宅], first: true, invalid: drop}
  email: メール
  postal_code: 郵便番号
  address: 住所
  joined_on: 入会日
  store: 店舗
consents:
  MAIL: {from: メルマガ}
wording: 旧システム規約
pets:
  - {name: {from: ペット}, species: {from: 種類}, birthday: {from: ペット誕生日, invalid: drop}}
`

const memberHead = "会員コード,会員番号,姓,名,セイ,メイ,生年月日,性別,携帯,自宅,メール,郵便番号,住所,入会日,店舗,メルマガ,ペット,種類,ペット誕生日\n"

// card is a card number without its check digit, and with it.
func card(n int) (short, whole string) {
	short = fmt.Sprintf("29%010d", n)
	return short, short + string(member.CheckDigit(short))
}

func memberRow(key string, n int, birthday string) string {
	short, _ := card(n)
	return fmt.Sprintf("%s,%s,山田,花子,ﾔﾏﾀﾞ,はなこ,%s,B,,03-1234-%04d,H%d@Example.jp,150-0001,東京都渋谷区神宮前１－２－３　暖簾ビル,平成12年4月1日,S01,可,ポチ,犬,令和2年3月3日\n", key, short, birthday, n, n)
}

func TestMembersComeConverted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	text := memberHead + memberRow("A1", 1, "昭和50年1月2日") + memberRow("A2", 2, "S64.1.8") + memberRow("A3", 3, "平成32年1月1日")

	dry := d.bring(t, migration.Members, memberMapping, text, true)
	require.Equal(t, migration.Previewed, dry.State)
	require.Equal(t, migration.Counts{Rows: 3, Accepted: 1, Rejected: 2, Remarks: 2}, dry.Counts)
	require.Zero(t, d.count(t, `SELECT count(*) FROM members`), "a dry run takes nothing")
	report := d.report(t, dry)
	require.Contains(t, report, "3,生年月日,S＊＊＊＊＊＊,REJECTED,1,昭和64年1月8日は存在しません")
	require.Contains(t, report, "4,生年月日,平＊＊＊＊＊＊＊＊,REJECTED,1,平成32年1月1日は存在しません")
	require.NotContains(t, report, "S64.1.8", "values are masked")
	for _, done := range []string{",セイ+メイ,,KATAKANA,3,", ",自宅,,PHONE,3,", ",性別,,VALUES,3,", ",会員番号,,CHECK_DIGIT,3,", ",住所,,ADDRESS,3,", ",郵便番号,,POSTAL_CODE,3,"} {
		require.Contains(t, report, done)
	}

	run := d.bring(t, migration.Members, memberMapping, text, false)
	require.Equal(t, migration.Committed, run.State)
	require.Equal(t, 1, run.Accepted)
	all, err := postgres.NewMembers(d.db, d.keys).Find(t.Context(), member.Criterion{Email: "h1@example.jp"}, 5)
	require.NoError(t, err)
	require.Len(t, all, 1)
	m := all[0]
	require.Equal(t, []string{"山田 花子", "ヤマダ ハナコ", "0312340001", "1975-01-02", "FEMALE"}, []string{m.Name, m.Kana, m.Phone, m.Birthday.Format(time.DateOnly), string(m.Gender)})
	require.Equal(t, "東京都渋谷区神宮前1-2-3", m.Address.Lines()[1])
	require.Equal(t, "2000-03-31T15:00:00Z", m.CreatedAt.UTC().Format(time.RFC3339), "the day of joining, in Japan")
	_, whole := card(1)
	require.Equal(t, 1, d.count(t, `SELECT count(*) FROM member_cards WHERE number = $1 AND kind = 'PHYSICAL' AND store_id = $2`, whole, d.store))
	require.Equal(t, 1, d.count(t, `SELECT count(*) FROM member_consents WHERE how = 'IMPORT' AND given AND medium = 'MAIL' AND wording = '旧システム規約' AND at = $1`, noon))
	require.Equal(t, 1, d.count(t, `SELECT count(*) FROM member_settings s JOIN newsletter_consents n USING (member_id, brand_id) WHERE s.given`))
	require.Equal(t, 1, d.count(t, `SELECT count(*) FROM pets WHERE name = 'ポチ' AND species = 'DOG' AND birthday = '2020-03-03'`))
	require.Zero(t, d.count(t, `SELECT count(*) FROM profiles WHERE name LIKE '%山田%' OR phone LIKE '%0312%' OR sealed_birthday LIKE '%1975%'`), "sealed")
	require.Positive(t, d.count(t, `SELECT count(*) FROM statistic_marks WHERE day = '2000-04-01'`), "figures follow")
	require.Equal(t, 1, d.count(t, `SELECT count(*) FROM memberships JOIN member_cards c USING (member_id) WHERE memberships.imported AND c.imported`))

	again := d.bring(t, migration.Members, memberMapping, text, false)
	require.Equal(t, run.ID, again.ID, "the same file is answered with what became of it")
	more := d.bring(t, migration.Members, memberMapping, text+memberRow("A4", 4, "昭和50年1月2日"), false)
	require.Equal(t, migration.Counts{Rows: 4, Accepted: 1, Rejected: 2, Repeated: 1, Proposals: 1, Remarks: 2}, more.Counts, "and its rows come once")
	require.Equal(t, 2, d.count(t, `SELECT count(*) FROM members`))
}

func TestFilesOfEveryEncodingAndDelimiter(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	text := memberHead + memberRow("A1", 1, "昭和50年1月2日")
	cp932, err := japanese.ShiftJIS.NewEncoder().String(text)
	require.NoError(t, err)
	utf16, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	require.NoError(t, err)
	for name, written := range map[string]string{"utf-8": text, "bom": "\ufeff" + text, "cp932": cp932, "utf-16": utf16, "tab": strings.ReplaceAll(text, ",", "\t"), "crlf": strings.ReplaceAll(text, "\n", "\r\n")} {
		run := d.bring(t, migration.Members, memberMapping, written, true)
		require.Equal(t, migration.Previewed, run.State, name+run.Failure)
		require.Equal(t, 1, run.Accepted, name+d.report(t, run))
	}
	wrong := d.bring(t, migration.Members, "encoding: utf-8\n"+memberMapping, cp932, true)
	require.Equal(t, migration.Failed, wrong.State)
	require.Contains(t, wrong.Failure, "文字コードが正しくありません")
}

func TestFilesThatAreCutOff(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	whole := memberHead + memberRow("A1", 1, "昭和50年1月2日") + memberRow("A2", 2, "昭和50年1月3日")
	row := d.bring(t, migration.Members, memberMapping, whole[:len(whole)-60], false)
	require.Equal(t, migration.Counts{Rows: 2, Accepted: 1, Rejected: 1, Remarks: 1}, row.Counts)
	require.Contains(t, d.report(t, row), "行が途中で切れている可能性があります")
	quote := d.bring(t, migration.Members, memberMapping, memberHead+memberRow("A1", 1, "昭和50年1月2日")+`A3,"29`, false)
	require.Equal(t, migration.Failed, quote.State)
	require.Contains(t, quote.Failure, "3行目")
	rest := d.bring(t, migration.Members, memberMapping, whole, false)
	require.Equal(t, migration.Counts{Rows: 2, Accepted: 1, Repeated: 1, Proposals: rest.Proposals}, rest.Counts, "the whole file may follow")
	require.Equal(t, 2, d.count(t, `SELECT count(*) FROM members`))
	empty := d.bring(t, migration.Members, memberMapping, "", true)
	require.Equal(t, migration.Failed, empty.State)
}

const consentMapping = `
kind: members
source: old-pos
key: 番号
fields: {name: 氏名}
consents:
  MAIL: {from: メール可, agreed_on: メール同意日}
  DM: DM可
  SMS: {from: SMS可, agreed_on: {from: SMS同意日, invalid: drop}}
agreed_on: 同意日
`

// Consents count from the day on which they were given: who asks since when a member may be
// written to, or what they had agreed to on a day, asks for that and not for the import.
func TestConsentsCarryTheDayOnWhichTheyWereGiven(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	text := "番号,氏名,メール可,メール同意日,DM可,SMS可,SMS同意日,同意日\n" +
		"A1,山田,可,令和2年3月3日,可,不可,2021/4/5,2019-01-02\n" + // each its own, and the one of all
		"A2,佐藤,可,,可,可,2020-02-30,\n" + // none; a day that there is not is dropped
		"A3,鈴木,可,2999-01-01,可,,,\n" + // yet to come
		"A4,田中,可,2021-02-29,可,,,\n" + // no leap year
		"A5,高橋,,,可,,,平成32年1月1日\n" + // no such year
		"A6,伊藤,,2999-01-01,可,,,2018-05-06\n" // nothing was said of mails, so that their day says nothing
	run := d.bring(t, migration.Members, consentMapping, text, false)
	require.Equal(t, migration.Counts{Rows: 6, Accepted: 3, Rejected: 3, Remarks: run.Remarks}, run.Counts)
	report := d.report(t, run)
	require.Contains(t, report, "4,メール同意日,")
	require.Contains(t, report, "未来の日付か、古すぎる日付です")
	require.Contains(t, report, "5,メール同意日,")
	require.Contains(t, report, "6,同意日,")
	require.Contains(t, report, "3,SMS同意日,")
	given := func(medium, day string) int {
		return d.count(t, `SELECT count(*) FROM member_consents c JOIN member_settings s USING (member_id, brand_id, medium)
			WHERE c.how = 'IMPORT' AND c.medium = $1 AND s.since = c.at AND s.given = c.given AND c.at = ($2::date)::timestamp AT TIME ZONE 'Asia/Tokyo'`, medium, day)
	}
	require.Equal(t, 1, given("MAIL", "2020-03-03"))
	require.Equal(t, 1, given("DM", "2019-01-02"))
	require.Equal(t, 1, given("SMS", "2021-04-05"), "what was refused, too")
	require.Equal(t, 1, given("DM", "2018-05-06"))
	require.Equal(t, 3, d.count(t, `SELECT count(*) FROM member_consents WHERE at = $1`, noon), "without a day it is the import's moment")
	require.Equal(t, 1, d.count(t, `SELECT count(*) FROM newsletter_consents WHERE given_at = '2020-03-02T15:00:00Z'`))
}

func TestMappingsThatAreNotRight(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for mapping, says := range map[string]string{
		"kind: members\nsource: x\nkey: k\nfields: {moniker: 姓}":                       "moniker という項目はありません",
		"kind: members\nfields: {name: 姓}":                                             "source と key が必要です",
		"kind: points\nsource: x\nkey: k":                                              "kind は members です",
		"kind: members\nsource: x\nkey: k\ncolour: red":                                "field colour not found",
		"kind: members\nsource: x\nkey: k\nfields: {name: {join: x}}":                  "from がありません",
		"kind: members\nsource: x\nkey: k\nconsents: {FAX: a}":                         "FAX という項目はありません",
		"kind: members\nsource: x\nkey: k\nfields: {name: {from: 姓, agreed_on: a}}":    "agreed_on は consents だけです",
		"kind: members\nsource: x\nkey: k\nagreed_on: {first: true}":                   "agreed_on に from がありません",
		"kind: members\nsource: x\nkey: k\nconsents: {DM: {from: a, agreed_on: {}}}":   "consents.DM.agreed_on に from がありません",
		"kind: members\nsource: x\nkey: k\nencoding: latin-1":                          "encoding は",
		"kind: members\nsource: x\nkey: k\nfields: {name: {from: 姓, invalid: ignore}}": "invalid は",
		"]": "did not find",
	} {
		_, err := d.past.Import(d.ctx(t), migration.FileInput{Kind: migration.Members, Mapping: mapping, Open: file("k\n1\n")})
		require.Error(t, err, mapping)
		require.Contains(t, messages(err), says, mapping)
	}
	run := d.bring(t, migration.Members, "kind: members\nsource: x\nkey: k\nfields: {name: 氏名}", "k,姓\n1,山田\n", true)
	require.Equal(t, migration.Failed, run.State)
	require.Contains(t, run.Failure, "列「氏名」がファイルにありません（見出し: k、姓）")
	run = d.bring(t, migration.Members, "kind: members\nsource: x\nkey: k\nfields: {name: 姓}\nconsents: {DM: {from: 姓, agreed_on: 日}}", "k,姓\n1,山田\n", true)
	require.Contains(t, run.Failure, "列「日」がファイルにありません")
}

func TestCardsAndKeysStandOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.bring(t, migration.Members, memberMapping, memberHead+memberRow("A1", 1, "昭和50年1月2日"), false)
	other := strings.NewReplacer("H1@", "other@", "03-1234-0001", "03-9999-0001", "山田", "佐藤", "ﾔﾏﾀﾞ", "ｻﾄｳ").Replace(memberRow("B1", 1, "昭和60年1月2日"))
	twice := memberRow("B2", 7, "昭和61年1月2日") + strings.Replace(memberRow("B3", 7, "昭和62年1月2日"), "H7@", "b3@", 1) + memberRow("B2", 8, "昭和61年1月2日")
	dry := d.bring(t, migration.Members, memberMapping, memberHead+other+twice, true)
	run := d.bring(t, migration.Members, memberMapping, memberHead+other+twice, false)
	require.Equal(t, dry.Counts, run.Counts, "the dry run said so")
	require.Equal(t, migration.Counts{Rows: 4, Accepted: 2, Rejected: 2, Proposals: 1, Remarks: 3}, run.Counts)
	report := d.report(t, run)
	require.Contains(t, report, "会員番号が3行目と重複しています")
	require.Contains(t, report, "キーが3行目と重複しています")
	require.Contains(t, report, "会員番号は既に登録されている")
	_, whole := card(1)
	require.Equal(t, 1, d.count(t, `SELECT count(*) FROM member_cards c JOIN migration_sources s USING (member_id) WHERE c.number = $1 AND s.key = 'A1'`, whole), "the card stays with who had it")
	require.Equal(t, 1, d.count(t, `SELECT count(*) FROM duplicate_members WHERE likenesses = '{CARD}' AND state = 'OPEN'`))
	require.Equal(t, 3, d.count(t, `SELECT count(DISTINCT member_id) FROM member_cards`), "everybody has a card")
}

func TestWhoMayBeTheSameIsProposed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.bring(t, migration.Members, memberMapping, memberHead+memberRow("A1", 1, "昭和50年1月2日"), false)
	email := strings.NewReplacer("03-1234-0002", "", "H2@", "h1@", "ﾔﾏﾀﾞ", "ｻﾄｳ").Replace(memberRow("B1", 2, "昭和50年5月5日"))
	phone := strings.NewReplacer("03-1234-0003", "03-1234-0001", "ﾔﾏﾀﾞ", "ｽｽﾞｷ").Replace(memberRow("B2", 3, "S50.1.2"))
	kana := memberRow("B3", 4, "1975/01/02")
	nobody := strings.Replace(memberRow("B4", 5, "昭和41年1月2日"), "ﾔﾏﾀﾞ", "ﾀﾅｶ", 1)
	text := memberHead + email + phone + kana + nobody
	require.Equal(t, 3, d.bring(t, migration.Members, memberMapping, text, true).Proposals)
	require.Zero(t, d.count(t, `SELECT count(*) FROM duplicate_members`))
	require.Equal(t, 3, d.bring(t, migration.Members, memberMapping, text, false).Proposals)
	for key, what := range map[string]string{"B1": "{EMAIL}", "B2": "{PHONE_AND_BIRTHDAY}", "B3": "{KANA_BIRTHDAY_AND_POSTAL_CODE}"} {
		require.Equal(t, 1, d.count(t, `SELECT count(*) FROM duplicate_members p JOIN migration_sources s ON s.member_id = p.member_id JOIN migration_sources o ON o.member_id = p.other_id
			WHERE s.key = $1 AND o.key = 'A1' AND p.likenesses = $2::text[]`, key, what), key)
	}
	d.exec(t, `UPDATE members SET erased_at = now() WHERE id = (SELECT member_id FROM migration_sources WHERE key = 'A1')`)
	require.Equal(t, 4, d.count(t, `SELECT count(*) FROM member_likenesses`), "what is erased is not compared any more")
}

func TestAMemberIsComparedByTheAddressThatTheirAccountHasNow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	m := id.New()
	d.exec(t, `INSERT INTO accounts (id, role, email, name, created_at, updated_at) VALUES ($1, 'MEMBER', 'before@example.jp', '会員', $2, $2)`, m, noon)
	d.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, $2, $2)`, m, noon)
	who := func(key string, n int, email string) string {
		return memberHead + strings.NewReplacer(fmt.Sprintf("H%d@Example.jp", n), email, "03-1234", fmt.Sprintf("03-%04d", n), "ﾔﾏﾀﾞ", strings.Repeat("ア", n)).Replace(memberRow(key, n, "昭和50年1月2日"))
	}
	require.Equal(t, 1, d.bring(t, migration.Members, memberMapping, who("A1", 1, "before@example.jp"), true).Proposals)
	d.exec(t, `UPDATE accounts SET email = 'after@example.jp' WHERE id = $1`, m)
	require.Zero(t, d.count(t, `SELECT count(*) FROM member_likenesses`), "the former address is compared with nobody's")
	require.Zero(t, d.bring(t, migration.Members, memberMapping, who("A1", 1, "before@example.jp"), true).Proposals)
	require.Equal(t, 1, d.bring(t, migration.Members, memberMapping, who("A2", 2, "After@example.jp"), false).Proposals)
	d.exec(t, `UPDATE accounts SET name = '見本' WHERE id = $1`, m)
	require.Equal(t, 2, d.count(t, `SELECT count(*) FROM member_likenesses`))
	d.exec(t, `UPDATE accounts SET closed_at = now() WHERE id = $1`, m)
	require.Equal(t, 1, d.count(t, `SELECT count(*) FROM member_likenesses`))
	require.Equal(t, 1, d.bring(t, migration.Members, memberMapping, who("A3", 3, "after@example.jp"), true).Proposals, "the imported one has the address")
}

// broken fails after some bytes, as a process does that is killed.
type broken struct {
	io.Reader
	left int
}

var errKilled = errors.New("killed")

func (b *broken) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errKilled
	}
	n, err := b.Reader.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

func TestAnImportThatBrokeOffGoesOn(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	var text strings.Builder
	text.WriteString(memberHead)
	const rows = 9000
	for n := 1; n <= rows; n++ {
		text.WriteString(memberRow(fmt.Sprint("A", n), n, "昭和50年1月2日"))
	}
	in := migration.FileInput{Kind: migration.Members, FileName: "old.csv", Mapping: memberMapping, Open: file(text.String())}
	for _, part := range []int{3, 2} {
		opened := 0
		in.Open = func() (io.ReadCloser, error) {
			if opened++; opened == 1 { // to tell its hash
				return io.NopCloser(strings.NewReader(text.String())), nil
			}
			return io.NopCloser(&broken{strings.NewReader(text.String()), text.Len() / part}), nil
		}
		_, err := d.past.Import(d.ctx(t), in)
		require.ErrorIs(t, err, errKilled)
		in.Resume = true
	}
	in.Open = file(text.String())
	some := d.count(t, `SELECT count(*) FROM members`)
	require.Positive(t, some)
	require.Less(t, some, rows)
	in.Resume = false
	_, err := d.past.Import(d.ctx(t), in)
	require.ErrorIs(t, err, migration.ErrUnfinished)
	in.Resume = true
	run, err := d.past.Import(d.ctx(t), in)
	require.NoError(t, err)
	require.Equal(t, migration.Committed, run.State)
	require.Equal(t, []int{rows, rows, 0, 0}, []int{run.Rows, run.Accepted, run.Rejected, run.Repeated})
	require.Equal(t, rows, d.count(t, `SELECT count(*) FROM members`))
	require.Equal(t, rows, d.count(t, `SELECT count(*) FROM member_cards`))
	require.Zero(t, d.count(t, `SELECT count(*) FROM migration_names`))
}

const pointMapping = `
kind: points
source: old-pos
key: [会員コード, 期限]
programme: main
fields:
  member: 会員コード
  points: 残高
  expires_on: 期限
`

func TestBalancesEnterTheLedger(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.bring(t, migration.Members, memberMapping, memberHead+memberRow("A1", 1, "昭和50年1月2日"), false)
	text := "会員コード,残高,期限\nA1,\"1,200\",令和8年12月31日\nA1,300pt,R9.3.31\nA1,-5,R9.4.30\nX9,100,R9.4.30\nA1,50,R8.6.29\nA1,0,R9.5.31\nA1,abc,R9.6.30\n"
	dry := d.bring(t, migration.Points, pointMapping, text, true)
	require.Zero(t, d.count(t, `SELECT count(*) FROM point_entries`))
	run := d.bring(t, migration.Points, pointMapping, text, false)
	require.Equal(t, migration.Committed, run.State, run.Failure)
	require.Equal(t, dry.Counts, run.Counts)
	require.Equal(t, migration.Counts{Rows: 7, Accepted: 3, Rejected: 4, Remarks: 4}, run.Counts)
	report := d.report(t, run)
	for _, why := range []string{"4,残高,＊＊,REJECTED,1,残高がマイナスです", "この会員は登録されていません", "有効期限が過ぎています", "ポイント数として読めません"} {
		require.Contains(t, report, why)
	}
	require.Equal(t, 1500, d.count(t, `SELECT available FROM point_accounts`))
	require.Equal(t, 1500, d.count(t, `SELECT sum(points) FROM point_entries WHERE kind = 'OPENING' AND debit = 'OPENING' AND credit = 'AVAILABLE'`))
	require.Equal(t, 1200, d.count(t, `SELECT remaining FROM point_lots WHERE expires_on = '2026-12-31'`))
	require.Equal(t, 300, d.count(t, `SELECT remaining FROM point_lots WHERE expires_on = '2027-03-31'`))
	more := d.bring(t, migration.Points, pointMapping, text+"A1,10,R9.7.31\nA1,999,令和8年12月31日\n", false)
	require.Equal(t, 1, more.Accepted-1, "the new row, and the one of nothing")
	require.Equal(t, 2, more.Repeated)
	require.Contains(t, d.report(t, more), "キーが2行目と重複しています")
	require.Equal(t, 1510, d.count(t, `SELECT available FROM point_accounts`))
	other := d.bring(t, migration.Points, pointMapping, "会員コード,残高,期限\nA1,77,R9.3.31\nA1,9,R9.8.31\n", false)
	require.Equal(t, []int{1, 1}, []int{other.Accepted, other.Rejected}, "the same key with other points is refused, the rest is taken")

	d.bring(t, migration.Members, memberMapping, memberHead+memberRow("B1", 2, "昭和51年1月2日"), false)
	member := func(key string) (m uuid.UUID) {
		require.NoError(t, d.db.Pool().QueryRow(t.Context(), `SELECT member_id FROM migration_sources WHERE key = $1`, key).Scan(&m))
		return m
	}
	gone, kept := member("A1"), member("B1")
	ledger := points.New(points.Parts{Tx: d.db, Store: postgres.NewPoints(d.db), Events: postgres.NewEvents(d.db), Now: clock.Fixed(noon)})
	require.NoError(t, ledger.Merge(t.Context(), kept, gone))
	d.exec(t, `UPDATE members SET merged_into = $2 WHERE id = $1`, gone, kept)
	merged := d.bring(t, migration.Points, pointMapping, "会員コード,残高,期限\nA1,\"1,200\",令和8年12月31日\nA1,300pt,R9.3.31\nA1,40,R9.9.30\n", false)
	require.Equal(t, []int{1, 2, 0}, []int{merged.Accepted, merged.Repeated, merged.Rejected}, "what was opened before the members became one was; the new row is the kept one's")
	require.Equal(t, 1559, d.count(t, `SELECT available FROM point_accounts WHERE member_id = $1`, kept))
	_, err := d.past.Import(d.ctx(t), migration.FileInput{Kind: migration.Points, Mapping: strings.Replace(pointMapping, "main", "none", 1), Open: file(text)})
	require.Error(t, err)
	require.Zero(t, d.count(t, `SELECT count(*) FROM migrations WHERE mapping LIKE '%programme: none%'`), "nothing is under way")
}

const purchaseMapping = `
kind: purchases
fields:
  store: {from: 店, values: {"1": S01}}
  till: {from: レジ, default: "1"}
  receipt: 伝票
  bought_on: 日付
  time: 時刻
  card: 会員
  code: 商品
  name: 品名
  quantity: 数
  amount: 金額
`

func TestReceiptsComeOnceAndEarnNothing(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.bring(t, migration.Members, memberMapping, memberHead+memberRow("A1", 1, "昭和50年1月2日"), false)
	_, whole := card(1)
	head := "店,レジ,伝票,日付,時刻,会員,商品,品名,数,金額\n"
	first := fmt.Sprintf("1,,R1,平成30年4月1日,10:30,%s,4900000000017,フード,2,\"1,980\"\n1,,R1,平成30年4月1日,10:30,%s,4900000000024,おやつ,1,¥300\n", whole, whole)
	text := head + first + "1,,R2,H30.4.2,,2999999999999,4900000000017,フード,1,990\n9,,R3,H30.4.2,,,4900000000017,フード,1,990\n1,,R4,H30.4.31,,,4900000000017,フード,1,990\n1,,R5,H30.4.3,,,4900000000017,フード,x,990\n1,,R5,H30.4.3,,,4900000000024,おやつ,1,300\n"
	dry := d.bring(t, migration.Purchases, purchaseMapping, text, true)
	require.Zero(t, d.count(t, `SELECT count(*) FROM purchases`))
	run := d.bring(t, migration.Purchases, purchaseMapping, text, false)
	require.Equal(t, dry.Counts, run.Counts)
	require.Equal(t, migration.Counts{Rows: 7, Accepted: 3, Rejected: 4, Remarks: 4}, run.Counts)
	report := d.report(t, run)
	for _, why := range []string{"店舗コードが登録されていません", "2018年4月31日は存在しません", "数量として読めません", "同じレシートに取り込めない行があります"} {
		require.Contains(t, report, why)
	}
	require.Equal(t, 2280, d.count(t, `SELECT total FROM purchases WHERE receipt = 'R1' AND member_id IS NOT NULL AND bought_at = '2018-04-01 10:30+09'`))
	require.Equal(t, 1, d.count(t, `SELECT count(*) FROM purchase_problems WHERE kind = 'MEMBER' AND value = '2999999999999' AND state = 'OPEN'`), "unknown members go on the work list")
	require.Positive(t, d.count(t, `SELECT count(*) FROM purchase_problems WHERE kind = 'PRODUCT'`))
	require.Zero(t, d.count(t, `SELECT count(*) FROM point_purchases`), "they earn nothing")
	more := d.bring(t, migration.Purchases, purchaseMapping, head+first+"1,,R6,H30.4.4,,,4900000000017,フード,1,990\n"+first, false)
	require.Equal(t, []int{1, 2, 2}, []int{more.Accepted, more.Repeated, more.Rejected}, d.report(t, more))
	require.Contains(t, d.report(t, more), "同じレシートが2行目にもあります")
	cut := d.bring(t, migration.Purchases, purchaseMapping, head+strings.ReplaceAll(first, "R1", "R7")[:120], false)
	require.Zero(t, cut.Accepted, "half a receipt is none")
	require.Zero(t, d.count(t, `SELECT count(*) FROM purchases WHERE receipt = 'R7'`))
}

// messages are what the faults of a failure say.
func messages(err error) string {
	var all []string
	for _, f := range fault.All(err) {
		all = append(all, f.Message("ja"))
	}
	return strings.Join(all, "\n")
}
