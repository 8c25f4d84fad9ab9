package resolvers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/id"
)

// E-mails tell which of the member's points expire next, and when, and the shop that they
// chose; previews and tests show it.
func TestEMailsTellWhatExpiresNextAndTheHomeStore(t *testing.T) {
	t.Parallel()
	m := newMailRoom(t)
	hanako, taro := m.member(t, "山田 花子", "09012345601"), m.member(t, "佐藤 太郎", "09012345602")
	exec(t, m.App, `UPDATE locations SET name = '{"ja":"渋谷店"}' WHERE id = $1`, m.shop)
	exec(t, m.App, `UPDATE memberships SET home_store_id = CASE WHEN member_id = $1 THEN $2::uuid END`, keyOf(t, hanako), m.shop)
	own, other, account, there := id.New(), id.New(), id.New(), id.New()
	exec(t, m.App, `INSERT INTO brands (id, code, name) VALUES ($1, 'other', '{"ja":"他"}')`, other)
	exec(t, m.App, `INSERT INTO point_programmes (id, brand_id, code, name, currency, unit_points, unit_minor, confirm_days, grace_days, notice_days, grant_limit, zone, shared, created_at, updated_at)
		SELECT p.id, p.brand, p.code, '{"ja":"点"}', 'JPY', 1, 1, 0, 0, 0, 0, 'Asia/Tokyo', p.shared, now(), now()
		FROM (VALUES ($1::uuid, $2::uuid, 'own', false), ($3::uuid, $4::uuid, 'pool', true)) p (id, brand, code, shared)`, own, m.BrandID, there, other)
	exec(t, m.App, `INSERT INTO point_accounts (id, programme_id, member_id, available) VALUES ($1, $2, $3, 1000), ($4, $5, $3, 1000)`, account, own, keyOf(t, hanako), there, there)
	day := func(n int) string { return time.Now().AddDate(0, 0, n).Format(time.DateOnly) }
	for _, l := range []struct {
		account, programme any
		pending            bool
		left               int
		last               string
	}{
		{account, own, false, 1300, day(10)}, {account, own, false, 200, day(10)}, {account, own, false, 400, day(20)},
		{account, own, false, 50, day(-3)}, {account, own, true, 70, day(5)}, {there, there, false, 90, day(5)},
	} {
		exec(t, m.App, `INSERT INTO point_lots (id, account_id, programme_id, pending, issued, remaining, expires_on, earned_at) VALUES ($1, $2, $3, $4, $5, $5, $6::text::date, now())`,
			id.New(), l.account, l.programme, l.pending, l.left, l.last)
	}
	tells := content(apptest.Variables{"body": "{{name}} 様 {{store}}から: {{expiring}}ポイントは「{{expiresOn}}」まで。"})
	sent := m.sent(t, tells)
	said := map[string]bool{}
	for _, l := range m.letters(t) {
		first, _, _ := strings.Cut(l.text, "\n")
		said[strings.TrimSpace(first)] = true
	}
	last := time.Now().AddDate(0, 0, 10).Format("2006年1月2日")
	require.Equal(t, map[string]bool{fmt.Sprintf("山田 花子 様 渋谷店から: 1,500ポイントは「%s」まで。", last): true, "佐藤 太郎 様 から: 0ポイントは「」まで。": true}, said)

	preview := func(member any) string {
		return as(t, m.App, m.office).read(t, `query($m: ID!, $k: ID) { mailingPreview(mailingId: $m, memberId: $k) { text } }`, apptest.Variables{"m": sent, "k": member}, "mailingPreview.text")[0]
	}
	require.Contains(t, preview(hanako), "渋谷店から: 1,500ポイントは「"+last)
	require.Contains(t, preview(taro), "0ポイント")
	require.Regexp(t, `見本店から: 300ポイントは「\d+年\d+月\d+日」まで`, preview(nil))
	refused := m.save(t, content(apptest.Variables{"body": "{{expires}}"}))
	require.Equal(t, "MAILING_FIELD mail.body", refused.UserErrors[0].Code+" "+strings.Join(refused.UserErrors[0].Field, "."))
}
