package seed

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/payment"
	"github.com/noren-commerce/noren/core/quotation"
	"github.com/noren-commerce/noren/storage/postgres"
)

// inquiries are the sample quotations: how long ago each was asked for, and where it
// stands now.
var inquiries = []struct {
	age     time.Duration
	ends    quotation.State
	message string
}{
	{45 * day, quotation.Expired, "春の催事用に見積をお願いします。"},
	{12 * day, quotation.Accepted, "新店舗の開店分です。まとめてお願いします。"},
	{9 * day, quotation.Declined, "100個単位での納入は可能でしょうか。"},
	{6 * day, quotation.Withdrawn, "他店舗分とまとめて再度お願いする予定です。"},
	{3 * day, quotation.Answered, "年末セール用の数量です。単価のご相談ができればと思います。"},
	{5 * time.Hour, quotation.Requested, "至急のため、本日中にご回答いただけると助かります。"},
}

// bargain is how the sample quotations come about: one company asks one brand.
type bargain struct {
	*trade
	brand    Brand
	standard map[uuid.UUID]int64 // prices of one piece, in yen
}

// WriteQuotations lets a sample company ask for quotations in the weeks before now, and
// the sample staff answer, through the core and in one transaction. Nobody is mailed; a
// shop that was asked before is left alone.
func WriteQuotations(ctx context.Context, db *postgres.DB, now time.Time) error {
	t, err := newTrade(ctx, db)
	if err != nil {
		return err
	}
	b := &bargain{t, Brands()[0], map[uuid.UUID]int64{}}
	for bundle := range b.brand.Products(0) {
		for _, p := range bundle.Prices {
			b.standard[p.VariantID] = p.Amount
		}
	}
	ctx = channel.With(ctx, t.channels[b.brand.ID])
	return db.InTx(ctx, func(ctx context.Context) error {
		there, err := b.quotations.List(b.staff(ctx), quotation.ListInput{})
		if err != nil || len(there.Edges) > 0 {
			return err
		}
		for i, in := range inquiries {
			b.at = now.Add(-in.age).Truncate(time.Second)
			if err := b.write(ctx, i); err != nil {
				return fmt.Errorf("sample quotation %d: %w", i, err)
			}
		}
		b.at = now
		return b.quotations.Expire(ctx)
	})
}

func (b *bargain) staff(ctx context.Context) context.Context { return b.as(ctx, b.clerk) }

// buyer lets the sample company's approver act.
func (b *bargain) buyer(ctx context.Context) context.Context { return b.as(ctx, purchasers()[1]) }

// write brings one quotation to where it ends.
func (b *bargain) write(ctx context.Context, n int) error {
	in := inquiries[n]
	q, err := b.request(ctx, n)
	if err != nil || in.ends == quotation.Requested {
		return err
	}
	say := quotation.SayInput{QuotationID: q.ID, Message: in.message}
	b.at = b.at.Add(2 * time.Hour)
	switch in.ends {
	case quotation.Declined:
		say.Message = "申し訳ございません。現在、ご希望の数量を確保できません。"
		_, err = b.quotations.Decline(b.staff(ctx), say)
		return err
	case quotation.Withdrawn:
		_, err = b.quotations.Withdraw(b.buyer(ctx), say)
		return err
	}
	if q, err = b.answer(ctx, *q, 95); err != nil || in.ends == quotation.Expired {
		return err
	}
	b.at = b.at.Add(3 * time.Hour)
	say.Message = "もう少しお値引きいただけないでしょうか。"
	if _, err := b.quotations.Reply(b.buyer(ctx), say); err != nil {
		return err
	}
	b.at = b.at.Add(time.Hour)
	if q, err = b.answer(ctx, *q, 90); err != nil || in.ends == quotation.Answered {
		return err
	}
	b.at = b.at.Add(20 * time.Hour)
	return b.accept(ctx, n, *q)
}

func (b *bargain) request(ctx context.Context, n int) (*quotation.Quotation, error) {
	goods, wished := b.goods[b.brand.ID], b.at.AddDate(0, 0, 30).Truncate(24*time.Hour)
	in := quotation.RequestInput{IdempotencyKey: fmt.Sprintf("noren-sample-quotation-%d", n), WishedFor: &wished, Message: inquiries[n].message}
	for i := range 2 {
		in.Lines = append(in.Lines, quotation.AskedLine{VariantID: goods[(n*31+i*17)%len(goods)], Quantity: 3 + i*2})
	}
	return b.quotations.Request(b.buyer(ctx), in)
}

// answer offers what was asked for at so many per cent of the standard price, for two weeks.
func (b *bargain) answer(ctx context.Context, q quotation.Quotation, percent int64) (*quotation.Quotation, error) {
	lines, err := b.quotations.Lines(ctx, []uuid.UUID{q.ID})
	if err != nil {
		return nil, err
	}
	in := quotation.AnswerInput{QuotationID: q.ID, Revision: q.Revision, ValidUntil: b.at.AddDate(0, 0, 14), Message: "ご検討のほどよろしくお願いいたします。"}
	for _, l := range lines {
		if l.Revision == 0 {
			in.Lines = append(in.Lines, quotation.OfferedLine{VariantID: l.VariantID, Quantity: l.Quantity, Unit: decimal.NewFromInt(b.standard[l.VariantID] * percent / 100)})
		}
	}
	return b.quotations.Answer(b.staff(ctx), in)
}

func (b *bargain) accept(ctx context.Context, n int, q quotation.Quotation) error {
	offers, err := b.quotations.Offers(b.staff(ctx), []uuid.UUID{q.ID})
	if err != nil {
		return err
	}
	methods, err := b.methods.Methods(ctx)
	if err != nil || len(methods) == 0 {
		return err
	}
	_, err = b.quotations.Accept(b.buyer(ctx), quotation.AcceptInput{
		IdempotencyKey: fmt.Sprintf("noren-sample-accept-%d", n), QuotationID: q.ID, Revision: q.Revision, ExpectedTotal: offers[0].Total().Amount(),
		PaymentMethod: payment.MethodOnAccount, ShippingMethodID: methods[0].ID, ShippingAddress: wholesalers()[0].address,
	})
	return err
}
