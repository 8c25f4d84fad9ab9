package app

import (
	"github.com/noren-commerce/noren/adapters/pdf"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/counter"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/limit"
	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/migration"
	"github.com/noren-commerce/noren/core/points"
	"github.com/noren-commerce/noren/core/prize"
	"github.com/noren-commerce/noren/core/promotion"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/segment"
	"github.com/noren-commerce/noren/core/statistics"
	"github.com/noren-commerce/noren/core/voucher"
	"github.com/noren-commerce/noren/storage/postgres"
)

// crowd is what is done for members and with them: whom searches find, what is sent to
// them, what they get for their points, and what the figures say of it.
type crowd struct {
	segments   *segment.Service
	mailings   *mailing.Service
	prizes     *prize.Service
	draws      *draw.Service
	statistics *statistics.Service
	migrations *migration.Service
}

// crowdParts are what it is put together over.
type crowdParts struct {
	db        *postgres.DB
	sealed    *sealing.Keys
	keys      *idempotency.Keys
	jobs      *postgres.Jobs
	campaigns *promotion.Service
	vouchers  *voucher.Service
	loyalty   *points.Service
	members   *member.Service
	desk      *counter.Service
	customers *customer.Service
	sender    *messaging.Sender
	printer   *pdf.Printer
	limiter   limit.Limiter
	now       clock.Clock
}

func newCrowd(cfg Config, p crowdParts) (c crowd, err error) {
	p.members.FollowedBy(p.loyalty)
	if c.statistics, err = newStatistics(cfg, p.db, p.jobs, p.now); err != nil {
		return c, err
	}
	if c.migrations, err = newMigrations(cfg, p.db, p.jobs, p.sealed, p.loyalty, p.members, p.now); err != nil {
		return c, err
	}
	if c.segments, err = newSegments(cfg, p.db, p.sealed, p.members, p.now); err != nil {
		return c, err
	}
	c.mailings, err = newMailings(cfg, p.db, mailing.Parts{
		Store: postgres.NewMailings(p.db, p.sealed), Segments: postgres.NewSegments(p.db, postgres.NewMembers(p.db, p.sealed)), Saver: c.segments, Members: p.members,
		Queue: p.jobs, Outbox: p.jobs, Post: p.sender, Printer: p.printer, Limiter: p.limiter, Now: p.now,
		Coupons: p.campaigns,
	})
	if err != nil {
		return c, err
	}
	p.members.FollowedBy(c.mailings)
	c.prizes = newPrizes(p.db, p.sealed, p.keys, p.loyalty, c.segments, p.members, p.desk, p.customers, p.vouchers, p.jobs, p.now)
	c.draws = newDraws(p.db, p.sealed, p.keys, p.loyalty, c.prizes, p.members, p.desk, c.segments, p.jobs, p.now)
	return c, nil
}
