package seed

import (
	"context"
	"fmt"
	"time"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
)

// Prizes makes prizes of the first sample brand for its points, and a draw that takes
// entries for a month; once.
func Prizes(ctx context.Context, prizes *prize.Service, draws *draw.Service, loyalty *points.Service, channels *channel.Service) error {
	ch, err := channels.Resolve(ctx, Brands()[0].Code, "")
	if err != nil {
		return err
	}
	here := channel.With(access.With(ctx, access.System), ch)
	there, err := prizes.Catalogue(here, true, page.Args{})
	if err != nil || len(there.Edges) > 0 {
		return err
	}
	programmes, err := loyalty.Programmes(here)
	if err != nil || len(programmes) == 0 {
		return err
	}
	limit := 2
	var ranks []draw.RankInput
	for _, in := range []prize.SaveInput{
		{Code: "PRIZE-BOWL", Name: i18n.Text{"ja": "陶器のフードボウル", "en": "Ceramic bowl"}, Points: 500, Stock: 40, MemberLimit: &limit},
		{Code: "PRIZE-TOWEL", Name: i18n.Text{"ja": "肉球タオル", "en": "Paw towel"}, Points: 200, Stock: 100},
		{Code: "DRAW-TRIP", Name: i18n.Text{"ja": "愛犬と泊まる温泉旅行", "en": "A weekend at a spa with your dog"}, Stock: 1},
		{Code: "DRAW-SET", Name: i18n.Text{"ja": "おやつ詰め合わせ", "en": "A box of treats"}, Stock: 20},
	} {
		in.IdempotencyKey, in.ProgrammeID, in.Kind = "seed-"+in.Code, programmes[0].ID, prize.Goods
		p, err := prizes.Save(here, in)
		if err != nil {
			return fmt.Errorf("make the prize %s: %w", in.Code, err)
		}
		if p.Points == 0 {
			ranks = append(ranks, draw.RankInput{PrizeID: p.ID, Count: int(p.Stock)})
		}
	}
	now := prizes.Now()
	_, err = draws.Save(here, draw.SaveInput{
		IdempotencyKey: "seed-draw", ProgrammeID: programmes[0].ID, Name: i18n.Text{"ja": "ポイント大抽選会", "en": "The great points draw"}, Points: 50, PerMinor: 3000, MaxEntries: 20,
		OpensAt: now, ClosesAt: now.AddDate(0, 1, 0), DrawsAt: now.AddDate(0, 1, 0).Add(time.Hour), AnswerDays: 14, RunnersUp: 5, Ranks: ranks,
	})
	return err
}
