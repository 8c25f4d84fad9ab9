package mailing_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/label"
	"github.com/noren-commerce/noren/core/link"
	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

// desk is a shop that writes to its members, at a time that the test sets.
type desk struct {
	*pgtest.Shop
	*mailing.Service
	now     time.Time
	segment uuid.UUID
	took    map[string]int // e-mails that the mail server took, by address
	hand    func(n int) error
	drawn   []label.Label
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{Shop: pgtest.NewShop(t), now: time.Date(2026, 6, 15, 3, 0, 0, 0, time.UTC), segment: id.New(), took: map[string]int{}, hand: func(int) error { return nil }}
	now := clock.Clock(func() time.Time { return d.now })
	master, err := identity.Sealer("a master key", "test")
	require.NoError(t, err)
	keys := sealing.New(postgres.NewDataKeys(d.DB), master, now)
	_, err = keys.Current(t.Context())
	require.NoError(t, err)
	links, err := link.New("secret", "test", "https://api.noren.example", mailing.LinkPath, now)
	require.NoError(t, err)
	tokens, err := mailing.NewTokens("secret", "https://api.noren.example")
	require.NoError(t, err)
	d.Service, err = mailing.New(mailing.Parts{
		Tx: d.DB, Store: postgres.NewMailings(d.DB, keys), Segments: postgres.NewSegments(d.DB, postgres.NewMembers(d.DB, keys)), Queue: d, Post: d, Printer: d,
		Events: postgres.NewEvents(d.DB), Links: links, Tokens: tokens, Now: now,
	})
	require.NoError(t, err)
	d.exec(t, `INSERT INTO segments (id, brand_id, name, kind, currency, conditions, counted_at, created_at, updated_at) VALUES ($1, $2, 'all', 'DYNAMIC', 'JPY', '{"not": {"birthMonths": [1]}}', now(), now(), now())`, d.segment, d.BrandID)
	return d
}

func (d *desk) WorkMailing(context.Context, uuid.UUID) error { return nil }

func (d *desk) Compose(_ context.Context, m messaging.Message) (messaging.Mail, error) {
	return messaging.Mail{MessageID: m.Key, To: m.To}, nil
}

// Hand takes an e-mail, as the test has it.
func (d *desk) Hand(_ context.Context, m messaging.Mail) error {
	n := 0
	for _, times := range d.took {
		n += times
	}
	err := d.hand(n)
	if err == nil || errors.Is(err, errKilled) {
		d.took[m.To.Email]++
	}
	if errors.Is(err, errKilled) {
		panic(errKilled)
	}
	return err
}

func (d *desk) Labels(_ io.Writer, of label.Sheet, _ time.Time) (int, error) {
	for l, err := range of.Labels {
		if err != nil {
			return 0, err
		}
		d.drawn = append(d.drawn, l)
	}
	return len(d.drawn), nil
}

var errKilled = errors.New("killed")

func (d *desk) exec(t *testing.T, sql string, args ...any) {
	t.Helper()
	_, err := d.DB.Pool().Exec(t.Context(), sql, args...)
	require.NoError(t, err, sql)
}

func (d *desk) crowd(t *testing.T, size int) {
	t.Helper()
	d.exec(t, `WITH m AS (INSERT INTO members (id, created_at, updated_at) SELECT gen_random_uuid(), now(), now() FROM generate_series(1, $2::int) RETURNING id),
		j AS (INSERT INTO memberships (member_id, brand_id, joined_at) SELECT id, $1, now() FROM m),
		s AS (INSERT INTO member_settings (member_id, brand_id, medium, given, since) SELECT id, $1, x, true, now() FROM m, unnest(ARRAY['DM', 'MAIL']) AS x),
		a AS (INSERT INTO saved_addresses (id, member_id, address, is_default, created_at, updated_at)
			SELECT gen_random_uuid(), id, '{"name":"会員","postalCode":"1500001","prefecture":"TOKYO","city":"渋谷区","line1":"神宮前1-1"}', true, now(), now() FROM m)
		INSERT INTO profiles (member_id, email, updated_at) SELECT id, id || '@example.jp', now() FROM m`, d.BrandID, size)
}

func (d *desk) office(ctx context.Context) context.Context {
	return access.With(channel.With(ctx, channel.Channel{BrandID: d.BrandID, Currency: "JPY", TimeZone: "Asia/Tokyo"}), access.System)
}

func (d *desk) start(t *testing.T, in mailing.SaveInput) uuid.UUID {
	t.Helper()
	in.Name, in.SegmentID, in.WindowDays = "M", d.segment, 10
	if in.Medium == member.Mail {
		in.Mail = &mailing.ContentInput{Subject: "s", Body: "{{name}} 様", Imprint: "i", PerSecond: 100}
	}
	m, err := d.Save(d.office(t.Context()), in)
	require.NoError(t, err)
	_, err = d.Send(d.office(t.Context()), mailing.ByIDInput{MailingID: m.ID})
	require.NoError(t, err)
	return m.ID
}

// work is one run of the job; false if the process was killed.
func (d *desk) work(t *testing.T) (alive bool) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			require.Equal(t, any(errKilled), r)
			alive = false
		}
	}()
	if err := d.Work(access.With(t.Context(), access.System), mailing.WorkJob{}); err != nil {
		t.Log(err) // the next run goes on
	}
	return true
}

func TestNobodyGetsAnEMailTwiceWhateverIsKilled(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			d, chance, kills := newDesk(t), rand.New(rand.NewPCG(seed, 1)), 0
			d.crowd(t, 60)
			d.hand = func(int) error {
				switch chance.IntN(20) {
				case 0:
					kills++
					return errKilled // the mail server had taken it
				case 1:
					return errors.New("451 try later")
				case 2:
					return errors.Join(messaging.ErrRejected, errors.New("550 no"))
				}
				return nil
			}
			key := d.start(t, mailing.SaveInput{Medium: member.Mail, HoldOut: 10})
			for range 100 {
				d.work(t)
				d.now = d.now.Add(3 * time.Minute) // a lease that a killed process left is over
			}
			m, err := d.ByID(d.office(t.Context()), key)
			require.NoError(t, err)
			require.Equal(t, mailing.Sent, m.State)
			require.Equal(t, 60, m.Addressed+m.HeldOut+m.LeftOut)
			require.Equal(t, m.Addressed, m.Delivered)
			var sent, interrupted int
			require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE state = 'SENT'), count(*) FILTER (WHERE reason = 'INTERRUPTED') FROM mailing_recipients`).Scan(&sent, &interrupted))
			require.Equal(t, kills, interrupted)
			require.Equal(t, m.Delivered, sent)
			require.Len(t, d.took, sent+interrupted)
			for to, times := range d.took {
				require.Equal(t, 1, times, to)
			}
		})
	}
}

func TestLabelsStayAtTheirPositions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.crowd(t, 1100)
	key := d.start(t, mailing.SaveInput{Medium: member.DM})
	d.work(t)
	d.exec(t, `UPDATE member_settings SET given = false WHERE medium = 'DM' AND member_id = (SELECT member_id FROM mailing_recipients WHERE position = 700)`)
	files, err := d.PrintLabels(d.office(t.Context()), mailing.LabelInput{MailingID: key, Format: "a4-12", First: 2})
	require.NoError(t, err)
	require.Len(t, files, 1)
	m, err := d.ByID(d.office(t.Context()), key)
	require.NoError(t, err)
	require.NoError(t, d.Write(d.office(t.Context()), files[0], *m, io.Discard))
	require.Len(t, d.drawn, 1099)
	for i, l := range d.drawn {
		require.Equal(t, i+2 == 700, l.To.Name == "", "position %d", i+2)
	}
}

// broken is a database that a process leaves after its first transaction.
type broken struct {
	*postgres.DB
	leave context.CancelFunc
}

func (b broken) InTx(ctx context.Context, f func(context.Context) error) error {
	defer b.leave()
	return b.DB.InTx(ctx, f)
}

func TestLettersOfAMailingThatIsCancelledBeforeTheyCanBePrintedAreNotSent(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.crowd(t, 700)
	key := d.start(t, mailing.SaveInput{Medium: member.DM})
	ctx, leave := context.WithCancel(access.With(t.Context(), access.System))
	d.Tx = broken{d.DB, leave}
	require.NoError(t, d.Work(ctx, mailing.WorkJob{}))
	d.Tx = d.DB
	m, err := d.Cancel(d.office(t.Context()), mailing.ByIDInput{MailingID: key})
	require.NoError(t, err)
	require.Equal(t, []int{500, 500, 0}, []int{m.Decided, m.Addressed, m.Delivered})
	require.NoError(t, d.Track(access.With(t.Context(), access.System)))
	r, err := d.ResultsOf(d.office(t.Context()), key)
	require.NoError(t, err)
	require.Zero(t, r.Sent.Recipients)
}

func TestLabelsOfAStoreAreOfItsMembersNow(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.crowd(t, 5)
	shop, other := id.New(), id.New()
	for n, key := range []uuid.UUID{shop, other} {
		d.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, 'shop-' || $3::int, '{"ja":"店"}', 'SHOP')`, key, d.BrandID, n)
	}
	d.exec(t, `UPDATE memberships SET registered_store_id = $1`, shop)
	key := d.start(t, mailing.SaveInput{Medium: member.DM, StoreID: &shop})
	d.work(t)
	at := func(sql string, position int, args ...any) {
		d.exec(t, sql+` AND member_id = (SELECT member_id FROM mailing_recipients WHERE position = `+fmt.Sprint(position)+`)`, args...)
	}
	at(`UPDATE memberships SET registered_store_id = $1 WHERE true`, 2, other)
	at(`UPDATE memberships SET ended_at = now() WHERE true`, 3)
	at(`UPDATE memberships SET registered_store_id = $1, home_store_id = $2 WHERE true`, 4, other, shop)
	at(`UPDATE member_settings SET given = false WHERE medium = 'DM'`, 5)

	staff := access.With(d.office(t.Context()), access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Stores: []uuid.UUID{shop}, Permissions: []access.Permission{access.MemberExport, access.CampaignRead}})
	files, err := d.PrintLabels(staff, mailing.LabelInput{MailingID: key, Format: "a4-12", First: 1})
	require.NoError(t, err)
	m, err := d.ByID(d.office(t.Context()), key)
	require.NoError(t, err)
	require.Equal(t, 5, m.Addressed)
	require.NoError(t, d.Write(staff, files[0], *m, io.Discard))
	require.Len(t, d.drawn, 5)
	for i, printed := range []bool{true, false, false, true, false} {
		require.Equal(t, printed, d.drawn[i].To.Name != "", "position %d", i+1)
	}

	list, err := d.ListLeftOut(staff, mailing.ByIDInput{MailingID: key})
	require.NoError(t, err)
	var text strings.Builder
	require.NoError(t, d.Write(staff, *list, *m, &text))
	for _, reason := range []string{"GONE,", "OTHER_STORE,", "UNSUBSCRIBED,"} {
		require.Equal(t, 1, strings.Count(text.String(), reason), text.String())
	}
	require.Equal(t, 4, strings.Count(text.String(), "\n"), "the heading, and whose label is blank")
}

func TestReceiptsThatComeLateAreCountedForAMonth(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.crowd(t, 3)
	key := d.start(t, mailing.SaveInput{Medium: member.DM})
	d.work(t)
	bought := func(at time.Time) {
		d.exec(t, `INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, items, total, currency, created_at)
			SELECT gen_random_uuid(), ($1::timestamptz AT TIME ZONE 'Asia/Tokyo')::date, $1, $2, member_id, 'ONLINE', 1, 100, 'JPY', now() FROM mailing_recipients LIMIT 1`, at, d.BrandID)
	}
	count := func() int {
		require.NoError(t, d.Track(access.With(t.Context(), access.System)))
		r, err := d.ResultsOf(d.office(t.Context()), key)
		require.NoError(t, err)
		return r.Sent.Purchases
	}
	sent := d.now
	bought(sent.Add(time.Minute))
	require.Equal(t, 1, count())
	bought(time.Date(2026, 6, 24, 14, 59, 59, 0, time.UTC)) // 23:59:59 of the tenth day in Japan
	bought(time.Date(2026, 6, 24, 15, 0, 0, 0, time.UTC))   // the eleventh
	require.Equal(t, 1, count(), "it was counted within the hour")
	d.now = sent.AddDate(0, 0, 30)
	require.Equal(t, 2, count())
	bought(sent.Add(time.Hour))
	d.now = sent.AddDate(0, 0, 41)
	require.Equal(t, 2, count(), "a month after the window nobody looks any more")
}

func TestAFileThatComesAfterMonthsIsCounted(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.crowd(t, 1)
	shop, card := id.New(), "2911111111110"
	d.exec(t, `INSERT INTO locations (id, brand_id, code, name, kind) VALUES ($1, $2, 'shibuya', '{"ja":"渋谷店"}', 'SHOP')`, shop, d.BrandID)
	d.exec(t, `INSERT INTO member_cards (id, number, member_id, brand_id, kind, state, issued_at) SELECT gen_random_uuid(), $2, member_id, $1, 'PHYSICAL', 'ACTIVE', '2026-01-01' FROM memberships`, d.BrandID, card)
	key := d.start(t, mailing.SaveInput{Medium: member.DM})
	d.work(t)
	now := clock.Clock(func() time.Time { return d.now })
	history := purchase.New(purchase.Parts{Tx: d.DB, Store: postgres.NewPurchases(d.DB), Keys: idempotency.New(d.DB, postgres.NewKeys(d.DB), now), Members: everybody{}, Events: postgres.NewEvents(d.DB), Now: now})
	office := d.office(t.Context())
	counted := func() [2]int {
		require.NoError(t, d.Track(access.With(t.Context(), access.System)))
		r, err := d.ResultsOf(office, key)
		require.NoError(t, err)
		return [2]int{r.Sent.Purchases, int(r.Sent.RevenueMinor)}
	}
	file := func(receipt, day, number string) {
		done, err := history.Upload(office, purchase.UploadInput{File: strings.NewReader("店舗コード,端末番号,レシート番号,営業日,会員番号,明細数,商品コード,商品名,数量,金額\n" +
			"shibuya,1," + receipt + "," + day + "," + number + ",1,lead,リード,1,1980\n")})
		require.NoError(t, err)
		require.Equal(t, 1, done.Receipts)
	}
	asked := func() (n int) {
		require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM mailings WHERE recount`).Scan(&n))
		return n
	}
	require.Equal(t, [2]int{}, counted())
	file("1", "2026/06/16", card)
	require.Zero(t, asked(), "it is counted within the hour anyway")
	d.now = d.now.AddDate(0, 0, 40)
	require.Equal(t, [2]int{1, 1980}, counted())
	d.now = d.now.AddDate(0, 0, 60)
	file("2", "2026/06/25", card)
	file("3", "2026/06/15", "")
	require.Zero(t, asked(), "the day after the window, and nobody's")
	file("4", "2026/06/24", card)
	file("5", "2026/06/23", "9999")
	require.Equal(t, 1, asked())
	require.Equal(t, [2]int{2, 3960}, counted(), "a hundred days later")
	require.Zero(t, asked())

	var problem, who, receipt uuid.UUID
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT (SELECT id FROM purchase_problems WHERE kind = 'MEMBER'), (SELECT member_id FROM memberships), (SELECT id FROM purchases WHERE receipt = '4')`).Scan(&problem, &who, &receipt))
	_, err := history.Resolve(office, purchase.ResolveInput{ProblemID: problem, MemberID: &who})
	require.NoError(t, err)
	require.Equal(t, [2]int{3, 5940}, counted(), "whose card it was is known now")
	line := purchase.ReceiptLine{Code: "lead", Quantity: 1, Amount: decimal.NewFromInt(1000)}
	correction := purchase.CorrectionInput{IdempotencyKey: "correct-1", PurchaseID: receipt, Reason: "打ち間違い"}
	_, err = history.Correct(office, purchase.CorrectInput{CorrectionInput: correction, Lines: []purchase.ReceiptLine{line}})
	require.NoError(t, err)
	require.Equal(t, [2]int{3, 4960}, counted())
	correction.IdempotencyKey = "correct-2"
	_, err = history.Move(office, purchase.MoveInput{CorrectionInput: correction, Nobody: true})
	require.NoError(t, err)
	require.Equal(t, [2]int{2, 3960}, counted())
	correction.IdempotencyKey = "correct-3"
	_, err = history.Move(office, purchase.MoveInput{CorrectionInput: correction, MemberID: &who})
	require.NoError(t, err)
	require.Equal(t, [2]int{3, 4960}, counted())
	correction.IdempotencyKey = "correct-4"
	_, err = history.Void(office, purchase.VoidInput{CorrectionInput: correction})
	require.NoError(t, err)
	require.Equal(t, [2]int{2, 3960}, counted())
}

// everybody knows every member.
type everybody struct{}

// ByID knows every member.
func (everybody) ByID(_ context.Context, memberID uuid.UUID) (*member.Member, error) {
	return &member.Member{ID: memberID}, nil
}

// Shown is nobody.
func (everybody) Shown(context.Context, member.Criterion) (*member.Member, error) { return nil, nil }

func TestWhatMailServersSayIsKeptWithoutAddresses(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	system := access.With(t.Context(), access.System)
	report := mailing.Report{Digest: []byte{1}, MessageID: "nobody@noren.example", Action: "failed", Status: "5.1.1", Diagnosis: "550 <hanako@example.jp>: unknown, taro@example.jp too"}
	taken, err := d.TakeBounce(system, report)
	require.NoError(t, err)
	require.Equal(t, mailing.UnknownMail, taken)
	taken, err = d.TakeBounce(system, report)
	require.NoError(t, err)
	require.Equal(t, mailing.SeenBefore, taken)
	var kept string
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT diagnosis FROM mail_bounces`).Scan(&kept))
	require.Equal(t, "550 <…@…>: unknown, …@… too", kept)
	_, err = d.TakeBounce(t.Context(), report)
	require.Error(t, err, "only noren itself takes them in")
}

func TestResultsAreSheets(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.crowd(t, 2)
	key := d.start(t, mailing.SaveInput{Medium: member.DM})
	d.work(t)
	d.exec(t, `INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, items, total, currency, created_at)
		SELECT gen_random_uuid(), '2026-06-15', $1, $2, member_id, 'ONLINE', 1, 100, 'JPY', now() FROM mailing_recipients`, d.now.Add(time.Minute), d.BrandID)
	require.NoError(t, d.Track(access.With(t.Context(), access.System)))
	office := d.office(t.Context())
	stores, err := d.ByStoreCSV(office, key)
	require.NoError(t, err)
	require.Equal(t, "\ufeffstore,buyers,items,revenue,held_buyers,held_items,held_revenue,currency\r\nオンライン,2,2,200,0,0,0,JPY\r\n", stores)
	products, err := d.ByProductCSV(office, key)
	require.NoError(t, err)
	require.Equal(t, "\ufeffproduct,buyers,items,revenue,held_buyers,held_items,held_revenue,currency\r\n", products)
	compared, err := d.CompareCSV(office, nil, mailing.ByRevenue)
	require.NoError(t, err)
	require.Contains(t, compared, "\nM,DM,2026-06-15,2,0,0,2,100,,,,,200,,,,JPY\r\n")
}
