package messaging_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/money"
)

var (
	tokyo = time.FixedZone("JST", 9*60*60)
	noon  = time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	brand = uuid.MustParse("01930000-0000-7000-8000-000000000001")
)

// samples holds one content of every kind.
var samples = []messaging.Content{
	messaging.EmailVerification{Name: "山田 花子", URL: "https://shop.example/verify?token=a&b=c", ExpiresAt: noon},
	messaging.PasswordReset{Name: "山田 花子", URL: "https://shop.example/reset?token=a", ExpiresAt: noon},
	messaging.OrderConfirmation{
		Name: "山田 花子", OrderNumber: "A-1001", PlacedAt: noon, Currency: "JPY",
		Lines:    []messaging.OrderLine{{Name: "猫用ﾌｰﾄﾞ <まぐろ>", Option: "1.5kg", Quantity: 2, Total: 3960}},
		Subtotal: 3960, Shipping: 550, Tax: 410, Total: 4510, Address: []string{"〒150-0001", "東京都渋谷区神宮前1-1"}, PaymentMethod: "銀行振込", PromisedOn: &noon, DeliverOn: &noon, Band: "午前中",
	},
	messaging.PaymentReceived{OrderNumber: "A-1001", Amount: 4000, Currency: "JPY", Short: 510, PromisedOn: &noon, DeliverOn: &noon, Band: "14時〜16時"},
	messaging.AccountOverdue{Name: "経理 すみれ", Company: "株式会社フクフクペット", Amount: 120_000, Currency: "JPY", DueOn: time.Date(2026, 10, 31, 0, 0, 0, 0, time.UTC), Level: 2},
	messaging.ApprovalAsked{
		Name: "田中 一郎", OrderNumber: "A-1001", Buyer: "山田 花子", Total: 120000, Currency: "JPY",
		Lines: []messaging.OrderLine{{Name: "ひのき猫砂", Option: "6L", Quantity: 100, Total: 120000}},
	},
	messaging.WishNews{Currency: "JPY", URL: "https://shop.example/wish-lists", CloseURL: "https://api.shop.example/wish-lists/stop/T", Items: []messaging.WishItem{
		{Product: "ひのき猫砂", Option: "6L", Before: 1500, Now: 1200, Back: true, URL: "https://shop.example/products/hinoki"},
	}},
	messaging.BackInStock{Product: "ひのき猫砂", Option: "6L", URL: "https://shop.example/products/hinoki", CloseURL: "https://shop.example/restock/close?token=T"},
	messaging.CampaignNotice{Name: "店長", Campaign: "秋の福袋 <A>", Code: "autumn", Occasion: "BUDGET_80", Given: 8000, Budget: 10000, Currency: money.JPY, Until: &noon},
	messaging.RefundedAsPoints{Name: "山田 花子", OrderNumber: "A-1001", Programme: "わんポイント", Points: 1980, Worth: 1980, Currency: money.JPY},
	messaging.PointsExpiring{Name: "山田 花子", Programme: "わんポイント", Points: 1200, LastDay: noon},
	messaging.DrawWon{Name: "山田 花子", Draw: "秋の大抽選会 <A>", Rank: 1, Prize: "陶器のボウル", Entry: "0b1c", AnswerBy: noon},
	messaging.DrawCancelled{Name: "山田 花子", Draw: "秋の大抽選会 <A>", Reason: "賞品をご用意できないため", Points: 30},
	messaging.PrizeNotice{Name: "山田 花子", Event: "SHIPPED", Prize: "陶器のボウル", Quantity: 2, Carrier: "ヤマト運輸", TrackingNumber: "1234-5678-9012"},
	messaging.CampaignOpened{Name: "山田 花子", Campaign: "秋の福袋 <A>", Until: &noon, URL: "https://shop.example"},
	messaging.CouponGranted{Name: "山田 花子", Campaign: "次回500円引き", Until: noon, URL: "https://shop.example"},
	messaging.OrderChanged{Name: "山田", OrderNumber: "A-1001", Reason: "色ちがいのため", Currency: "JPY", Lines: []messaging.OrderLine{{Name: "首輪", Quantity: 2, Total: 2400}}, Shipping: 500, Tax: 263, Total: 2900, Refund: 1200, Missing: true},
	messaging.ParcelNotice{OrderNumber: "A-1001", Event: "LATE", Carrier: "ヤマト運輸", TrackingNumber: "1234-5678-9012", TrackingURL: "https://track.example/1"},
	messaging.OrderRescheduled{Name: "山田", OrderNumber: "A-1001", Reason: "入荷が遅れているため", Before: &noon, On: &noon, Band: "午前中"},
	messaging.OrderShipped{OrderNumber: "A-1001", Carrier: "ヤマト運輸", TrackingNumber: "1234-5678-9012", TrackingURL: "https://track.example/1"},
	messaging.OrderCancelled{OrderNumber: "A-1001", Reason: "在庫切れ", Refund: 4510, Currency: "JPY"},
	messaging.BankTransfer{OrderNumber: "A-1001", Amount: 4510, Currency: "JPY", BankName: "のれん銀行", BranchName: "本店", AccountType: "普通", AccountNumber: "1234567", AccountHolder: "ﾉﾚﾝﾍﾟｯﾄ(ｶ", Reference: "1001", DueAt: noon},
	messaging.StoreSlip{Name: "山田 花子", OrderNumber: "A-1001", Amount: 4510, Currency: "JPY", Chain: "ローソン", SlipNumber: "123456789012", Confirmation: "400008", DueAt: noon},
	messaging.QuotationRequested{Number: "Q-1001", Buyer: "フクフク商店", Lines: []messaging.OrderLine{{Name: "首輪", Option: "赤", Quantity: 30}}, Message: "至急お願いします"},
	messaging.QuotationAnswered{
		Name: "山田 花子", Number: "Q-1001", Revision: 2, ValidUntil: noon, Currency: "JPY", Lines: []messaging.OrderLine{{Name: "首輪", Quantity: 30, Total: 24000}},
		Subtotal: 24000, Shipping: 0, Tax: 2181, Total: 24000, Message: "よろしくお願いいたします",
	},
	messaging.OrdersLate{Name: "出荷係", Count: 3, More: 1, Lines: []messaging.LateLine{{Number: "A-1001", ShipBy: "2026-11-27", Instructed: true}, {Number: "A-1002", ShipBy: "2026-11-28", Held: true}}},
	messaging.StockLow{Name: "倉庫係", Lines: []messaging.StockLine{{SKU: "NEKO-6", Name: "ひのき猫砂", Location: "東京倉庫", Left: 3, Incoming: 10, Order: 87}}},
	messaging.LotsExpiring{Name: "倉庫係", Lines: []messaging.LotLine{{SKU: "FOOD-2", Name: "国産チキンフード 2kg", Location: "東京倉庫", Lot: "L240601", ExpiresOn: "2026-12-20", Pieces: 12}}},
	messaging.QuotationSaid{Name: "山田 花子", Number: "Q-1001", Event: "DECLINED", Message: "在庫をご用意できません"},
	messaging.PickUpReady{Name: "山田 花子", OrderNumber: "A-1001", Shop: "渋谷店", Address: "東京都渋谷区渋谷9-8-7", Phone: "0300000001", Code: "2345-6789", Until: noon, Again: true, Payable: true, Currency: money.JPY, Lines: []messaging.OrderPart{{Name: "ひのき猫砂 6L", Quantity: 1}}},
	messaging.DraftOrder{
		Name: "山田 花子", Number: "D-1001", Event: "CONFIRM", Currency: money.JPY, Lines: []messaging.OrderLine{{Name: "首輪", Option: "赤", Quantity: 1, Total: 1200}},
		Total: 1200, Until: noon, Message: "お電話ありがとうございました", URL: "https://shop.example/drafts/1#token=T",
	},
	messaging.Mailing{
		Subject: "【のれんペット】春のご案内 <A>", Imprint: "のれんペット\n東京都渋谷区神宮前1-1-1", UnsubscribeURL: "https://api.noren.example/mailings/unsubscribe/T", PixelURL: "https://api.noren.example/mailings/open/T",
		Lines: [][]messaging.Piece{{{Text: "山田 <花子> 様"}}, nil, {{Text: "くわしくは "}, {Text: "https://shop.example/a?b=1&c=2", URL: "https://api.noren.example/mailings/click/T"}, {Text: "。"}}},
	},
	messaging.RecurringOrder{
		Name: "山田 花子", Number: "R-1001", Event: "PROBLEM", Day: noon, Currency: money.JPY, Problem: "在庫が不足しています", RetryAt: &noon, URL: "https://shop.example/recurring/1",
	},
	messaging.CardDeclined{Name: "山田 花子", OrderNumber: "A-1001", Amount: 4510, Currency: "JPY", Until: noon, URL: "https://shop.example/orders/1"},
	messaging.PaymentLapsed{Name: "山田 花子", OrderNumber: "A-1001", Amount: 4510, Currency: "JPY", Until: &noon, URL: "https://shop.example/orders/1"},
	messaging.ReturnNotice{Name: "山田 花子", OrderNumber: "A-1001", ReturnNumber: "A-1001-R1", Event: "RECEIVED", Lines: []messaging.OrderPart{{Name: "ひのき猫砂 6L", Quantity: 1}}, Refund: 900, Fee: 100, Currency: money.JPY},
	messaging.EmailChange{URL: "https://shop.example/confirm-email?token=a", ExpiresAt: noon},
	messaging.EmailChangeTaken{},
	messaging.EmailChangeAsked{Name: "山田 花子", To: "n***@***", ByShop: true, ExpiresAt: noon},
	messaging.EmailChanged{Name: "山田 花子", To: "n***@***", At: noon},
}

func TestEveryKindIsWrittenInEveryLanguage(t *testing.T) {
	t.Parallel()
	words := renderer(t)
	require.Len(t, samples, len(messaging.Kinds))
	for _, content := range samples {
		for _, language := range []string{"ja", "en"} {
			t.Run(string(content.Kind())+"."+language, func(t *testing.T) {
				t.Parallel()
				got, err := words.Render(message(t, language, content), "のれんペット")
				require.NoError(t, err)
				require.Contains(t, got.Subject, "のれんペット")
				require.NotContains(t, got.Subject, "\n")
				require.NotContains(t, got.Text, "<no value>")
				require.NotContains(t, got.HTML, "<no value>")
				require.Contains(t, got.HTML, `<html lang="`+language+`">`)
				require.False(t, strings.HasPrefix(got.Text, "\n"))
			})
		}
	}
}

func TestAChangedOrderSaysWhereItGoesNow(t *testing.T) {
	t.Parallel()
	words := renderer(t)
	changed := messaging.OrderChanged{Name: "山田", OrderNumber: "A-1001", Currency: "JPY", Total: 2900}
	for language, heading := range map[string]string{"ja": "新しいお届け先", "en": "It now goes to"} {
		got, err := words.Render(message(t, language, changed), "のれんペット")
		require.NoError(t, err)
		require.NotContains(t, got.Text+got.HTML, heading, "it goes where it went")
		moved := changed
		moved.Address = []string{"〒530-0001", "大阪府大阪市北区梅田1-2-3 <西>", "山田 花子"}
		got, err = words.Render(message(t, language, moved), "のれんペット")
		require.NoError(t, err)
		require.Contains(t, got.Text, heading)
		require.Contains(t, got.Text, "〒530-0001\n大阪府大阪市北区梅田1-2-3 <西>\n山田 花子\n")
		require.Contains(t, got.HTML, heading+"<br>〒530-0001<br>大阪府大阪市北区梅田1-2-3 &lt;西&gt;<br>山田 花子<br>")
	}
}

func TestOrderConfirmationSaysWhatWasBought(t *testing.T) {
	t.Parallel()
	got, err := renderer(t).Render(message(t, "ja", samples[2]), "のれんペット")
	require.NoError(t, err)
	require.Equal(t, "【のれんペット】ご注文ありがとうございます（注文番号 A-1001）", got.Subject)
	require.Equal(t, `山田 花子 様

ご注文ありがとうございます。次の内容で承りました。

注文番号：A-1001
注文日時：2026年11月23日 12:00
お支払い方法：銀行振込

■ 商品
・猫用ﾌｰﾄﾞ <まぐろ>（1.5kg） × 2　3,960円

小計：3,960円
送料：550円
合計：4,510円（うち消費税 410円）

■ お届け先
〒150-0001
東京都渋谷区神宮前1-1

お届け予定日：2026年11月23日
ご希望日：2026年11月23日
ご希望時間帯：午前中
`, got.Text)
	require.Contains(t, got.HTML, "猫用ﾌｰﾄﾞ &lt;まぐろ&gt;（1.5kg）", "what a customer or supplier typed is never markup")
}

func TestUnknownLanguageIsWrittenInJapanese(t *testing.T) {
	t.Parallel()
	for language, greeting := range map[string]string{"fr": "お心当たり", "": "お心当たり", "en-US": "please ignore", "JA": "お心当たり"} {
		got, err := renderer(t).Render(message(t, language, samples[1]), "のれん")
		require.NoError(t, err)
		require.Contains(t, got.Text, greeting, language)
	}
}

func TestNameWithALineBreakAddsNoHeader(t *testing.T) {
	t.Parallel()
	got, err := renderer(t).Render(message(t, "ja", messaging.OrderShipped{OrderNumber: "1\r\nBcc: x@example.jp"}), "のれん")
	require.NoError(t, err)
	require.NotContains(t, got.Subject, "\n")
	require.NotContains(t, got.Subject, "\r")
}

func TestScriptInALinkIsDefused(t *testing.T) {
	t.Parallel()
	got, err := renderer(t).Render(message(t, "ja", messaging.PasswordReset{URL: "javascript:alert(1)", ExpiresAt: noon}), "のれん")
	require.NoError(t, err)
	require.NotContains(t, got.HTML, "javascript:")
}

func TestMessageIsSentOnce(t *testing.T) {
	t.Parallel()
	post, log := &mailbox{}, newLog()
	sender := messaging.NewSender(renderer(t), post, log, messaging.Address{Email: "no-reply@noren.example"}, clock.Fixed(noon))
	m := message(t, "ja", samples[0])

	require.NoError(t, sender.Send(t.Context(), m))
	require.NoError(t, sender.Send(t.Context(), m))

	require.Len(t, post.mails, 1)
	require.Equal(t, "のれんペット", post.mails[0].From.Name)
	require.Equal(t, noon, *log.entries[m.Key].SentAt)
}

func TestRetryAfterALostAnswerCarriesTheSameMessageID(t *testing.T) {
	t.Parallel()
	post, log := &mailbox{}, newLog()
	log.fail = errors.New("database is gone")
	sender := messaging.NewSender(renderer(t), post, log, messaging.Address{Email: "no-reply@noren.example"}, clock.Fixed(noon))
	m := message(t, "ja", samples[0])

	require.Error(t, sender.Send(t.Context(), m))
	log.fail = nil
	require.NoError(t, sender.Send(t.Context(), m))

	require.Len(t, post.mails, 2)
	require.Equal(t, post.mails[0].MessageID, post.mails[1].MessageID)
	require.Regexp(t, `^[a-z2-7]{32}@noren\.example$`, post.mails[0].MessageID)
}

func TestRefusalForNowIsAnErrorAndForGoodIsRemembered(t *testing.T) {
	t.Parallel()
	post, log := &mailbox{}, newLog()
	sender := messaging.NewSender(renderer(t), post, log, messaging.Address{Email: "no-reply@noren.example"}, clock.Fixed(noon))
	m := message(t, "ja", samples[0])

	post.refusal = errors.New("greylisted")
	require.ErrorContains(t, sender.Send(t.Context(), m), "greylisted")
	require.Empty(t, log.entries)

	post.refusal = errors.Join(messaging.ErrRejected, errors.New("no such mailbox"))
	require.ErrorIs(t, sender.Send(t.Context(), m), messaging.ErrRejected)
	require.Nil(t, log.entries[m.Key].SentAt)
	require.Contains(t, log.entries[m.Key].Rejection, "no such mailbox")

	post.refusal = nil
	require.NoError(t, sender.Send(t.Context(), m))
	require.Empty(t, post.mails, "a rejected message is not tried again")
}

func renderer(t *testing.T) *messaging.Renderer {
	t.Helper()
	words, err := messaging.NewRenderer(tokyo)
	require.NoError(t, err)
	return words
}

func message(t *testing.T, language string, content messaging.Content) messaging.Message {
	t.Helper()
	ctx := channel.With(i18n.WithLanguage(t.Context(), language), channel.Channel{BrandID: brand})
	m, err := messaging.New(ctx, messaging.Address{Name: "山田 花子", Email: "hanako@example.jp"}, "1", content)
	require.NoError(t, err)
	return m
}

type mailbox struct {
	mails   []messaging.Mail
	refusal error
}

func (b *mailbox) Send(_ context.Context, m messaging.Mail) error {
	if b.refusal != nil {
		return b.refusal
	}
	b.mails = append(b.mails, m)
	return nil
}

type logbook struct {
	entries map[string]messaging.Delivery
	fail    error
}

func newLog() *logbook { return &logbook{entries: map[string]messaging.Delivery{}} }

func (l *logbook) Settled(_ context.Context, key string) (bool, error) {
	_, ok := l.entries[key]
	return ok, nil
}

func (l *logbook) Record(_ context.Context, d messaging.Delivery) error {
	if l.fail == nil {
		l.entries[d.Key] = d
	}
	return l.fail
}

func (l *logbook) ShopName(_ context.Context, id uuid.UUID) (i18n.Text, error) {
	if id != brand {
		return nil, errors.New("no such brand")
	}
	return i18n.Text{"ja": "のれんペット", "en": "Noren Pet [のれんペット]"}, nil
}

func TestAQuotationMailSaysWhoDidWhat(t *testing.T) {
	t.Parallel()
	words := renderer(t)
	for event, want := range map[string]map[string]string{
		"REPLIED":   {"ja": "メッセージ", "en": "message"},
		"DECLINED":  {"ja": "辞退", "en": "declined"},
		"WITHDRAWN": {"ja": "取り下げ", "en": "withdrawn"},
		"EXPIRED":   {"ja": "有効期限", "en": "expired"},
	} {
		for language, phrase := range want {
			got, err := words.Render(message(t, language, messaging.QuotationSaid{Number: "Q-1", Event: event, Buyer: "フクフク商店", Message: "またの機会に"}), "のれんペット")
			require.NoError(t, err)
			for _, text := range []string{got.Text, got.HTML} {
				require.Contains(t, text, phrase, event)
				require.Contains(t, text, "フクフク商店")
				require.Contains(t, text, "またの機会に")
			}
			require.Contains(t, got.Subject, "Q-1")
		}
	}
}

func TestKeysNameNobody(t *testing.T) {
	t.Parallel()
	keyed := func(occasion string) string {
		m, err := messaging.New(t.Context(), messaging.Address{}, occasion, messaging.StockLow{})
		require.NoError(t, err)
		return m.Key
	}
	require.Equal(t, "stock_low/1/2026-11-23/36005b30b2454c879f6aefc051f6e18c", keyed("1/2026-11-23/keeper@example.jp"))
	require.NotEqual(t, keyed("1/keeper@example.jp"), keyed("1/clerk@example.jp"), "each is told")
	require.Equal(t, "stock_low/1 again", keyed("1 again"))
}
