package seed

import (
	"time"

	"github.com/jackc/pgx/v5"
)

// queueMailings writes a letter that was sent ten days ago to the sample members, every
// third of whom was held out, and an e-mail that is being written. What came of the letter
// is counted by the job.
func queueMailings(batch *pgx.Batch, brand Brand, now time.Time) {
	segment, letter, sent := key("segment", brand.Code), key("mailing", brand.Code, "letter"), now.AddDate(0, 0, -10)
	const insert = `INSERT INTO mailings (id, brand_id, name, medium, segment_id, currency, piece_cost, fixed_cost, hold_out, window_days, subject, body, imprint, state, created_at, updated_at, sent_at, completed_at)
		VALUES ($1, $2, $3, $4, $5, 'JPY', $6, $7, 10, 30, $8, $9, $10, $11, $12, $12, $13, $13) ON CONFLICT DO NOTHING`
	batch.Queue(insert, letter, brand.ID, "夏のおやつDM", "DM", segment, 84, 30_000, "", "", "", "SENT", sent, sent)
	batch.Queue(insert, key("mailing", brand.Code, "mail"), brand.ID, "秋の健康診断メール", "MAIL", segment, 0, 5_000, "{{name}} 様、秋の健康診断のご案内",
		"{{name}} 様\n\nいつもありがとうございます。現在のポイントは{{points}}ポイントです。\n秋の健康診断のご予約はこちらから：\nhttps://shop.noren.example/checkup",
		"のれんペット\n東京都渋谷区神宮前1-1-1\nhelp@noren.example", "DRAFT", sent, nil)
	for i, a := range Members() {
		state, position := "SENT", &[]int{i + 1}[0]
		if i%3 == 2 {
			state, position = "HELD_OUT", nil
		}
		batch.Queue(`INSERT INTO mailing_recipients (mailing_id, member_id, state, position) SELECT $1, $2, $3, $4 WHERE EXISTS (SELECT FROM members WHERE id = $2) ON CONFLICT DO NOTHING`, letter, a.ID, state, position)
	}
	batch.Queue(`UPDATE mailings m SET (audience, decided, addressed, sent, held_out) =
			(SELECT count(*), count(*), count(r.position), count(r.position), count(*) FILTER (WHERE r.state = 'HELD_OUT') FROM mailing_recipients r WHERE r.mailing_id = m.id)
		WHERE id = $1`, letter)
}
