package seed

import (
	"context"
	"fmt"

	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/points"
)

// samplePoints is what the sample member is given, in points.
const samplePoints = 1200

// sampleCode is on the wall of the sample shops: points once a day for a visit.
const sampleCode = "RAITEN-SAMPLE"

// Loyalty makes a programme for each sample brand, a pool that all of them share, rules,
// and some points for the first member; once.
func Loyalty(ctx context.Context, service *points.Service, channels *channel.Service) error {
	ctx = access.With(ctx, access.System)
	days := 365
	var own []points.Programme
	for _, b := range Brands() {
		ch, err := channels.Resolve(ctx, b.Code, "")
		if err != nil {
			return err
		}
		here := channel.With(ctx, ch)
		there, err := service.Programmes(here)
		if err != nil || len(there) > 0 {
			return err
		}
		p, err := service.SaveProgramme(here, points.SaveProgrammeInput{
			Code: b.Code + "-points", Name: i18n.Text{"ja": "ポイント", "en": "Points"}, UnitPoints: 1, UnitMinor: 1, ExpiryDays: &days,
			ConfirmDays: 7, GraceDays: 30, NoticeDays: 14, Transferable: true, GrantLimit: 5000,
		})
		if err != nil {
			return fmt.Errorf("make the points of %s: %w", b.Code, err)
		}
		own = append(own, *p)
		if err := sampleRules(here, service, *p); err != nil {
			return err
		}
	}
	return pooled(ctx, service, channels, own)
}

// sampleRules are what a sample programme gives points for.
func sampleRules(ctx context.Context, service *points.Service, p points.Programme) error {
	twice := decimal.NewFromInt(2)
	for _, r := range []points.SaveRuleInput{
		{Name: i18n.Text{"ja": "100円ごとに1ポイント", "en": "One for each hundred yen"}, Terms: points.Terms{Occasion: points.Purchased, PerMinor: 100, Points: 1}},
		{Name: i18n.Text{"ja": "5のつく日はポイント2倍", "en": "Twice on the 5th, 15th and 25th"}, Terms: points.Terms{Occasion: points.Purchased, Factor: &twice, MonthDays: []int{5, 15, 25}}},
		{Name: i18n.Text{"ja": "はじめてのお買い物で300ポイント", "en": "300 for the first order"}, Terms: points.Terms{Occasion: points.Purchased, Points: 300, First: true}},
		{Name: i18n.Text{"ja": "レビューで30ポイント", "en": "30 for a review"}, Terms: points.Terms{Occasion: points.Reviewed, Points: 30}},
		{Name: i18n.Text{"ja": "来店で5ポイント", "en": "5 for a visit, once a day"}, Terms: points.Terms{Occasion: points.CheckedIn, Points: 5, OncePerDay: true}},
	} {
		r.ProgrammeID = p.ID
		if _, err := service.SaveRule(ctx, r); err != nil {
			return err
		}
	}
	return nil
}

// pooled makes the pool of the first brand, the rates into it, another system, a code for
// visits, and gives the member points.
func pooled(ctx context.Context, service *points.Service, channels *channel.Service, own []points.Programme) error {
	ch, err := channels.Resolve(ctx, Brands()[0].Code, "")
	if err != nil {
		return err
	}
	here := channel.With(ctx, ch)
	pool, err := service.SaveProgramme(here, points.SaveProgrammeInput{
		Code: "noren-pool", Name: i18n.Text{"ja": "グループ共通ポイント", "en": "Group points"}, Shared: true, UnitPoints: 100, UnitMinor: 80, ConfirmDays: 7, GraceDays: 30, GrantLimit: 5000,
	})
	if err != nil {
		return err
	}
	if _, err := service.SaveRate(here, points.SaveRateInput{FromID: own[0].ID, ToID: pool.ID, FromPoints: 100, ToPoints: 100}); err != nil {
		return err
	}
	if _, err := service.SavePartner(here, points.SavePartnerInput{
		ProgrammeID: own[0].ID, Code: "sample-miles", Name: i18n.Text{"ja": "見本マイル", "en": "Sample miles"}, Way: points.WayFile,
		OurPoints: 100, TheirPoints: 50, MinPoints: 500, Sends: true, Receives: true,
	}); err != nil {
		return err
	}
	visit := sampleCode
	if _, err := service.SaveCode(here, points.SaveCodeInput{ProgrammeID: own[0].ID, Code: &visit, Name: i18n.Text{"ja": "ご来店ありがとうポイント", "en": "Thanks for your visit"}, Points: 10, Daily: true}); err != nil {
		return err
	}
	_, err = service.Post(ctx, points.Posting{
		Holder: points.Holder{ProgrammeID: own[0].ID, MemberID: Members()[0].ID}, Key: "opening:sample", Kind: points.Opened, Points: samplePoints, Reason: "見本", At: service.Now(),
	})
	return err
}
