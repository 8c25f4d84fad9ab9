package resolvers_test

import (
	"testing"
	"time"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// statisticOperations are those of the figures by day.
var statisticOperations = map[string]clientOperation{
	"admin/DailyStatistics": {1, asked(func(t *testing.T, w *world) apptest.Variables {
		for i := range w.size {
			exec(t, w.App, `INSERT INTO daily_statistics (brand_id, day, currency, registrations) VALUES ($1, $2, 'JPY', 1) ON CONFLICT DO NOTHING`, w.BrandID, someDay.AddDate(0, 0, i))
		}
		return someDays()
	})},
	"admin/DailyPoints": {1, staffed(func(t *testing.T, w *world) apptest.Variables {
		for i := range w.size {
			exec(t, w.App, `INSERT INTO daily_points (programme_id, day, earned, granted, used, expired, exchanged, net) SELECT id, $1, 1, 0, 0, 0, 0, 1 FROM point_programmes ON CONFLICT DO NOTHING`, someDay.AddDate(0, 0, i))
		}
		return someDays()
	})},
	"admin/DailyStorePoints": {1, staffed(func(t *testing.T, w *world) apptest.Variables {
		for i := range w.size {
			exec(t, w.App, `INSERT INTO daily_store_outstanding (programme_id, day, points) SELECT id, $1, 1 FROM point_programmes ON CONFLICT DO NOTHING`, someDay.AddDate(0, 0, i))
		}
		return someDays()
	})},
	"admin/DailyPointLiabilities": {1, staffed(func(t *testing.T, w *world) apptest.Variables {
		for i := range w.size {
			exec(t, w.App, `INSERT INTO daily_liabilities (programme_id, day, points, pending) SELECT id, $1, 1, 0 FROM point_programmes ON CONFLICT DO NOTHING`, someDay.AddDate(0, 0, i))
		}
		return someDays()
	})},
	"admin/StatisticsState": {1, inOffice(nil)},
	"admin/RecountStatistics": {6, input(func(*testing.T, *world) apptest.Variables {
		return apptest.Variables{"from": someDay.Format(time.DateOnly), "to": someDay.AddDate(0, 0, 30).Format(time.DateOnly)}
	})},
	"admin/ExportStatistics": {4, input(func(*testing.T, *world) apptest.Variables {
		return apptest.Variables{"sheet": "CARDS", "from": someDay.Format(time.DateOnly), "to": someDay.Format(time.DateOnly)}
	})},
}

var someDay = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func someDays() apptest.Variables {
	return apptest.Variables{"from": someDay.Format(time.DateOnly), "to": someDay.AddDate(0, 6, 0).Format(time.DateOnly), "first": 100}
}
