package postgres_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/dispatch"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/invoice"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// resealed seals everything with the newest key, and finds that nothing is left to do.
func (v *vault) resealed(t *testing.T, rows int) {
	t.Helper()
	personal := postgres.NewPersonal(v.DB, v.keys)
	stale, err := personal.Stale(t.Context())
	require.NoError(t, err)
	require.Equal(t, rows, stale)
	for _, want := range []int{rows, 0} {
		n, err := personal.Reseal(t.Context(), nil)
		require.NoError(t, err)
		require.Equal(t, want, n)
	}
}

// hides holds what the statement reads to have none of the texts in it.
func (v *vault) hides(t *testing.T, sql string, texts ...string) {
	t.Helper()
	kept := v.text(t, sql)
	for _, text := range texts {
		require.NotContains(t, kept, text)
	}
}

func TestFilesOfInstructionsAreSealed(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx, store := t.Context(), postgres.NewDispatch(v.DB)
	const every = `SELECT string_agg(encode(content, 'escape') || remarks::text, ' ') FROM shipment_batches`
	content := []byte("hanako yamada,090-1234-5678\r\n")
	keep := func() uuid.UUID {
		b := dispatch.Batch{
			ID: id.New(), Source: dispatch.OfOrders, BrandID: v.BrandID, Profile: "yamato-b2", FileName: "b2", Shipments: 1, ActorRole: "STAFF", CreatedAt: v.now,
			Remarks: []dispatch.Remark{{ShipmentID: id.New(), Column: "company", Value: "yamada & sons", Taken: true}},
		}
		kept, err := store.InsertBatch(ctx, b, content, nil)
		require.NoError(t, err)
		require.Equal(t, "yamada & sons", b.Remarks[0].Value)
		require.Equal(t, b.Remarks, kept.Remarks)
		return b.ID
	}
	read := func(keys ...uuid.UUID) {
		t.Helper()
		for _, key := range keys {
			got, err := store.Content(ctx, key)
			require.NoError(t, err)
			require.Equal(t, content, got)
			b, err := store.Batch(ctx, key)
			require.NoError(t, err)
			require.Equal(t, "yamada & sons", b.Remarks[0].Value)
		}
	}
	old := keep()
	v.DB.SealWith(v.keys)
	fresh := keep()
	read(old, fresh)
	_, err := store.InsertBatch(ctx, dispatch.Batch{ID: id.New(), Source: dispatch.OfPrizes, BrandID: v.BrandID, Profile: "yamato-b2", FileName: "b2", ActorRole: "STAFF", CreatedAt: v.now}, nil, nil)
	require.NoError(t, err, "one that is drawn anew keeps nothing")
	v.resealed(t, 1)
	v.hides(t, every, "yamada", "1234")
	read(old, fresh)
	v.rotate(t)
	read(old, fresh)
	v.resealed(t, 2)
	read(old, fresh)

	v.exec(t, `UPDATE shipment_batches SET content = (SELECT content FROM shipment_batches WHERE id = $1) WHERE id = $2`, old, fresh)
	_, err = store.Content(ctx, fresh)
	require.Error(t, err, "another's file")
	v.DB.SealWith(nil)
	_, err = store.Content(ctx, old)
	require.ErrorIs(t, err, sealing.ErrNoKeys)
}

func TestDocumentsAreSealedAndStillNeverChange(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx, store := t.Context(), postgres.NewDocuments(v.DB)
	const every = `SELECT string_agg(content::text, ' ') FROM documents`
	content := invoice.Content{
		To: invoice.Party{PostalCode: "1500001", Address: []string{"東京都渋谷区"}, Name: "山田 花子"}, ShipTo: &invoice.Party{Company: "見本商事", Name: "山田 太郎"},
		IssuedOn: v.now.Truncate(24 * time.Hour), Lines: []invoice.Line{{Text: "リード", Quantity: 2}}, Proviso: "ペット用品代",
	}
	issue := func(source string, content invoice.Content) uuid.UUID {
		d := drafted(v.BrandID, invoice.KindReceipt, source)
		d.Content = content
		issued, err := store.Issue(ctx, []invoice.Document{d})
		require.NoError(t, err)
		require.Equal(t, content, issued[0].Content)
		return d.ID
	}
	read := func(keys ...uuid.UUID) {
		t.Helper()
		for _, key := range keys {
			d, err := store.ByID(ctx, key)
			require.NoError(t, err)
			require.Equal(t, content, d.Content)
		}
		listed, err := store.List(ctx, invoice.Query{BrandID: v.BrandID})
		require.NoError(t, err)
		for _, e := range listed.Edges {
			require.NotContains(t, e.Node.Addressee(), "s1.")
		}
	}
	old, nobodys := issue("receipt:1", content), issue("receipt:2", invoice.Content{IssuedOn: content.IssuedOn, Proviso: "お品代"})
	v.DB.SealWith(v.keys)
	fresh := issue("receipt:3", content)
	read(old, fresh)
	v.resealed(t, 2)
	v.hides(t, every, "山田", "渋谷", "1500001", "見本")
	read(old, fresh)
	v.rotate(t)
	v.resealed(t, 3)
	read(old, fresh)
	d, err := store.ByID(ctx, nobodys)
	require.NoError(t, err)
	require.Equal(t, "お品代", d.Content.Proviso)

	for _, change := range []string{
		`UPDATE documents SET content = content || '{"to": {"name": "鈴木"}}'`, `UPDATE documents SET content = content - 'shipTo' WHERE content ? 'shipTo'`,
		`UPDATE documents SET content = content || '{"proviso": "別"}', key_id = NULL`, `UPDATE documents SET total = 2, key_id = NULL`, `DELETE FROM documents`,
	} {
		_, err := v.DB.Pool().Exec(ctx, change)
		require.ErrorContains(t, err, "never changes", change)
	}
	v.exec(t, `UPDATE documents SET content = content || jsonb_build_object('to', (SELECT content->'to' FROM documents WHERE id = $1)) WHERE id = $2`, old, fresh)
	_, err = store.ByID(ctx, fresh)
	require.Error(t, err, "whom another is for does not open")
}

func TestMailsWaitSealed(t *testing.T) {
	t.Parallel()
	v := newVault(t)
	ctx := channel.With(t.Context(), channel.Channel{BrandID: v.BrandID})
	jobs, err := postgres.NewJobs(v.DB)
	require.NoError(t, err)
	const every = `SELECT string_agg(args::text, ' ') FROM river_job`
	queue := func(occasion string) {
		m, err := messaging.New(ctx, messaging.Address{Name: "山田 花子", Email: "hanako@example.jp"}, occasion, messaging.PasswordReset{URL: "https://shop.example/secret"})
		require.NoError(t, err)
		for range 2 {
			require.NoError(t, jobs.Enqueue(ctx, m))
		}
		require.Equal(t, "hanako@example.jp", m.To.Email)
	}
	read := func(want int) {
		t.Helper()
		rows, err := v.DB.Pool().Query(ctx, `SELECT args FROM river_job ORDER BY id`)
		require.NoError(t, err)
		defer rows.Close()
		var waiting []messaging.SendJob
		for rows.Next() {
			var j messaging.SendJob
			require.NoError(t, rows.Scan(&j))
			waiting = append(waiting, j)
		}
		require.Len(t, waiting, want, "each is queued once")
		for _, j := range waiting {
			require.NoError(t, postgres.NewPersonal(v.DB, v.keys).Open(ctx, &j.Message))
			require.Equal(t, "山田 花子 hanako@example.jp", j.Message.To.Name+" "+j.Message.To.Email)
			require.Contains(t, string(j.Message.Content), "https://shop.example/secret")
			require.Equal(t, messaging.KindPasswordReset, j.Message.Kind)
			require.Empty(t, j.Message.Envelope)
		}
	}
	queue("1")
	v.DB.SealWith(v.keys)
	queue("2")
	read(2)
	v.resealed(t, 1)
	v.hides(t, every, "hanako", "山田", "secret")
	read(2)
	v.rotate(t)
	queue("3")
	read(3)
	v.resealed(t, 2)
	read(3)

	v.exec(t, `UPDATE river_job SET args = jsonb_set(args, '{message,key}', '"password_reset/4"')`)
	var j messaging.SendJob
	require.NoError(t, v.DB.Pool().QueryRow(ctx, `SELECT args FROM river_job LIMIT 1`).Scan(&j))
	require.Error(t, postgres.NewPersonal(v.DB, v.keys).Open(ctx, &j.Message), "another message's envelope")
}
