package member

import (
	"context"
	"errors"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// RankStore keeps ranks and what members have.
type RankStore interface {
	// Ranks are the brand's open ranks, the highest first.
	Ranks(ctx context.Context, brandID uuid.UUID) ([]Rank, error)
	// SaveRank keeps the rank, new or changed; a code that is taken is fault.CodeDuplicate.
	SaveRank(ctx context.Context, r Rank) error
	// RankAll lets the ranks of all the brand's members be worked out again on the day.
	RankAll(ctx context.Context, brandID uuid.UUID, on time.Time) error
	// Rank works out at most so many ranks that are due on the day, and answers how many
	// it looked at and which changed. Members are in the groups of their ranks after it.
	Rank(ctx context.Context, on time.Time, most int) (looked int, changed []RankChange, err error)
	// RankGroup reports whether the group is an open one of the brand's, for ranks.
	RankGroup(ctx context.Context, brandID, groupID uuid.UUID) (bool, error)
	AddRankChanges(ctx context.Context, changes []RankChange) error
	// RankChanges are the members' changes, the latest first.
	RankChanges(ctx context.Context, memberIDs []uuid.UUID) ([]RankChange, error)
}

// Rank is a rank of a brand's members (会員ランク). The highest whose least spend is reached
// within its months holds.
type Rank struct {
	ID            uuid.UUID
	BrandID       uuid.UUID
	Code          string
	Name          i18n.Text
	MinSpendMinor int64 `db:"min_spend"`
	Currency      money.Currency
	Months        int        // how far back is looked
	GroupID       *uuid.UUID // that its members are in while they have it; nil: none
	ClosedAt      *time.Time
	UpdatedAt     time.Time
}

// GlobalID is the rank's id in the schema.
func (r Rank) GlobalID() string { return id.Global("MemberRank", r.ID) }

// MinSpend is what has to be spent, with tax.
func (r Rank) MinSpend() money.Money { return money.Of(r.MinSpendMinor, r.Currency) }

// OfGroup is the id, in the schema, of the group that its members are in; nil for none.
func (r Rank) OfGroup() *string { return id.GlobalOrNone("CustomerGroup", r.GroupID) }

// RankChange is one change of a member's rank.
type RankChange struct {
	ID         uuid.UUID
	MemberID   uuid.UUID
	BrandID    uuid.UUID
	FromID     *uuid.UUID
	ToID       *uuid.UUID
	FromName   i18n.Text
	ToName     i18n.Text
	SpendMinor int64 `db:"spend"`
	Currency   money.Currency
	At         time.Time
	Hidden     bool `db:"-"` // what was spent is not for whoever reads this
}

// OfBrand is the brand's id in the schema.
func (c RankChange) OfBrand() string { return id.Global("Brand", c.BrandID) }

// Spend is what the change went by; nil where the member is masked.
func (c RankChange) Spend() *money.Money { return spent(c.SpendMinor, c.Currency, c.Hidden) }

// Ranks are the ranks of the channel's brand, the highest first.
func (s *Service) Ranks(ctx context.Context) ([]Rank, error) {
	return s.Store.Ranks(ctx, brandOf(ctx))
}

// RankChanges are the changes of the members' ranks, the latest first; without what masked
// members spent.
func (s *Service) RankChanges(ctx context.Context, memberIDs []uuid.UUID) ([]RankChange, error) {
	changes, err := readOf(ctx, memberIDs, s.Store.RankChanges)
	if err != nil || len(changes) == 0 {
		return nil, err
	}
	hidden, err := s.hidden(ctx, memberIDs)
	for i, c := range changes {
		changes[i].Hidden = hidden(c.MemberID)
	}
	return changes, err
}

// SaveRankInput makes a rank, or changes the one with the id.
type SaveRankInput struct {
	ID       *uuid.UUID
	Code     string
	Name     i18n.Text
	MinSpend decimal.Decimal
	Months   int
	GroupID  *uuid.UUID
	Closed   bool
}

var rankCode = regexp.MustCompile(`^[A-Za-z0-9_]{1,30}$`)

// maxMonths is how far back a rank looks at most.
const maxMonths = 36

// validate checks the rule, and reads what its members have to spend.
func (in SaveRankInput) validate(currency money.Currency) (money.Money, error) {
	least, err := money.Parse(in.MinSpend, currency)
	var all []error
	if err != nil || least.Minor < 0 {
		all = append(all, fault.Invalid(fault.CodeInvalid, "金額は0以上で指定してください", "The amount is 0 or more").At("minSpend"))
	}
	if in.Months < 1 || in.Months > maxMonths {
		all = append(all, fault.Invalid(fault.CodeInvalid, "期間は1〜%dか月で指定してください", "The period has 1 to %d months").With(maxMonths).At("months"))
	}
	if !rankCode.MatchString(in.Code) {
		all = append(all, ErrRankCode.At("code"))
	}
	if in.Name["ja"] == "" {
		all = append(all, fault.ErrRequired.At("name"))
	}
	return least, errors.Join(all...)
}

// SaveRank keeps a rule of ranks, for the head office. All the brand's ranks are worked
// out again in the background.
func (s *Service) SaveRank(ctx context.Context, in SaveRankInput) (*Rank, error) {
	if err := access.RequireEverywhere(ctx, access.MemberWrite); err != nil {
		return nil, err
	}
	if access.From(ctx).Is(access.RoleStoreStaff, access.RolePartner) {
		return nil, fault.ErrForbidden
	}
	ch, now := channel.From(ctx), s.Now()
	least, err := in.validate(ch.Money())
	if err != nil {
		return nil, err
	}
	rank := Rank{ID: id.New(), BrandID: ch.BrandID, Code: in.Code, Name: in.Name, MinSpendMinor: least.Minor, Currency: ch.Money(), Months: in.Months, GroupID: in.GroupID, UpdatedAt: now}
	if in.Closed {
		rank.ClosedAt = &now
	}
	if err := s.rankGroup(ctx, in.GroupID); err != nil {
		return nil, err
	}
	kind := "member_rank.created"
	err = s.Tx.InTx(ctx, func(ctx context.Context) error {
		if in.ID != nil {
			rank.ID, kind = *in.ID, "member_rank.changed"
		}
		if err := s.Store.SaveRank(ctx, rank); err != nil {
			return err
		}
		if err := s.Store.RankAll(ctx, ch.BrandID, now.In(ch.Zone())); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, kind, "MemberRank", rank.ID, in))
	})
	if err != nil {
		return nil, err
	}
	return &rank, nil
}

// rankGroup fails unless the group is one for ranks.
func (s *Service) rankGroup(ctx context.Context, groupID *uuid.UUID) error {
	if groupID == nil {
		return nil
	}
	there, err := s.Store.RankGroup(ctx, brandOf(ctx), *groupID)
	if err == nil && !there {
		return fault.ErrNotFound.At("groupId")
	}
	return err
}

// RankJob works out the ranks that are due.
type RankJob struct{}

// Kind names the job in the queue.
func (RankJob) Kind() string { return "member_ranks" }

// ranksAtOnce is how many ranks one transaction works out.
const ranksAtOnce = 1000

// WorkRanks works out the ranks that are due, some in each transaction: those of who
// bought since, and of whom a purchase has left the months that count. Nobody else is
// looked at.
func (s *Service) WorkRanks(ctx context.Context) error {
	for {
		now, looked := s.Now(), 0
		err := s.Tx.InTx(ctx, func(ctx context.Context) error {
			n, changed, err := s.Store.Rank(ctx, now.In(zone), ranksAtOnce)
			if looked = n; err != nil || len(changed) == 0 {
				return err
			}
			events := make([]event.Event, len(changed))
			for i := range changed {
				c := &changed[i]
				c.ID, c.At = id.New(), now
				events[i] = event.New(ctx, now, "member.rank_changed", "Member", c.MemberID, map[string]any{"brandId": c.BrandID, "before": c.FromID, "after": c.ToID})
				events[i].BrandID = c.BrandID
			}
			return errors.Join(s.Store.AddRankChanges(ctx, changed), s.Events.Record(ctx, events...))
		})
		if err != nil || looked < ranksAtOnce {
			return err
		}
	}
}
