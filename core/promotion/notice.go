package promotion

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/scope"
	"github.com/noren-commerce/noren/core/sealing"
)

// Occasion is what staff, and at a beginning members, are told of a campaign, once.
type Occasion string

// The occasions.
const (
	Started   Occasion = "STARTED"
	Ended     Occasion = "ENDED"
	Budget80  Occasion = "BUDGET_80"  // 80 % of the budget are used
	Budget100 Occasion = "BUDGET_100" // the budget is used, or an order did not fit any more
)

// NoticeJob is worked on to tell of a campaign. After is the member behind whom
// members are told; nil: from the first, and staff before them.
type NoticeJob struct {
	CampaignID uuid.UUID  `json:"campaign"`
	BrandID    uuid.UUID  `json:"brand"`
	Occasion   Occasion   `json:"occasion"`
	After      *uuid.UUID `json:"after,omitempty"`
}

// Kind names the job in the queue.
func (NoticeJob) Kind() string { return "campaign_notice" }

// BudgetJob looks for campaigns whose budget is nearly used.
type BudgetJob struct{}

// Kind names the job in the queue.
func (BudgetJob) Kind() string { return "campaign_budgets" }

// Recipient is somebody who is told.
type Recipient struct {
	AccountID uuid.UUID
	Name      string
	Email     string
	Language  string
}

// Sealed are the values that are sealed with the account.
func (r *Recipient) Sealed() (uuid.UUID, []sealing.Column) {
	return r.AccountID, sealing.Person(&r.Name, &r.Email)
}

// Reader is a member who agreed to the brand's mail magazine.
type Reader struct {
	Recipient
	scope.Buyer
}

// NoticeStore knows what was told, and whom to tell.
type NoticeStore interface {
	// NoteTold notes that the occasion is told, unless it was; and what the campaign
	// has given so far, in minor units.
	NoteTold(ctx context.Context, campaignID uuid.UUID, occasion Occasion, at time.Time) (first bool, given int64, err error)
	// StaffToTell are the open accounts of staff who may read campaigns.
	StaffToTell(ctx context.Context) ([]Recipient, error)
	// ReadersBehind are members who agreed to the brand's mail magazine, by id.
	ReadersBehind(ctx context.Context, brandID, memberID uuid.UUID, most int) ([]Reader, error)
	// BudgetsReached are the occasions of budgets that nobody was told of.
	BudgetsReached(ctx context.Context) ([]NoticeJob, error)
}

// readersAtOnce bounds one transaction of Tell.
const readersAtOnce = 500

// Tell queues the mails of an occasion. Staff are told once, whatever happens to the
// job; members page by page, each page with the job of the next in one transaction.
func (s *Service) Tell(ctx context.Context, j NoticeJob) error {
	return s.Tx.InTx(ctx, func(ctx context.Context) error {
		c, err := s.Store.Campaign(ctx, j.BrandID, j.CampaignID)
		if err != nil || c == nil {
			return err
		}
		ctx = channel.With(ctx, channel.Channel{BrandID: c.BrandID})
		if j.After == nil {
			first, given, err := s.Store.NoteTold(ctx, c.ID, j.Occasion, s.Now())
			if err != nil || !first {
				return err
			}
			if err := s.tellStaff(ctx, *c, j.Occasion, given); err != nil {
				return err
			}
		}
		if j.Occasion != Started || !c.NotifyMembers || c.NeedsCoupon || c.Status != Ready {
			return nil
		}
		return s.tellMembers(ctx, *c, j)
	})
}

func (s *Service) tellStaff(ctx context.Context, c Campaign, occasion Occasion, given int64) error {
	staff, err := s.Store.StaffToTell(ctx)
	if err != nil {
		return err
	}
	content := messaging.CampaignNotice{Code: c.Code, Occasion: string(occasion), Given: given, Currency: c.Currency, Until: c.Closes()}
	if c.Limits.Budget != nil {
		content.Budget = *c.Limits.Budget
	}
	messages := make([]messaging.Message, len(staff))
	for i, r := range staff {
		content.Name, content.Campaign = r.Name, c.Name.In(r.Language)
		if messages[i], err = s.mail(ctx, r, c, occasion, content); err != nil {
			return err
		}
	}
	return s.Outbox.Enqueue(ctx, messages...)
}

// tellMembers tells one page of members whom the campaign is for, and queues the next.
func (s *Service) tellMembers(ctx context.Context, c Campaign, j NoticeJob) error {
	readers, err := s.Store.ReadersBehind(ctx, c.BrandID, value(j.After), readersAtOnce)
	if err != nil {
		return err
	}
	members := make([]uuid.UUID, len(readers))
	for i, r := range readers {
		members[i] = r.MemberID
	}
	in, err := s.among(ctx, members, c.SegmentIDs())
	if err != nil {
		return err
	}
	var messages []messaging.Message
	for _, r := range readers {
		r.Segments = in[r.MemberID]
		if !c.invites(r.Buyer) {
			continue
		}
		m, err := s.mail(ctx, r.Recipient, c, Started, messaging.CampaignOpened{
			Name: r.Name, Campaign: c.Name.In(r.Language), Until: c.Closes(), URL: s.ShopURL,
		})
		if err != nil {
			return err
		}
		messages = append(messages, m)
	}
	if err := s.Outbox.Enqueue(ctx, messages...); err != nil || len(readers) < readersAtOnce {
		return err
	}
	j.After = &readers[len(readers)-1].AccountID
	return s.Turns.Notify(ctx, j)
}

// invites reports whether the campaign is for the buyer: of its audience and share,
// and not of its hold-out.
func (c *Campaign) invites(b scope.Buyer) bool {
	mine := map[scope.Audience]bool{}
	for _, a := range b.Audiences() {
		mine[a] = true
	}
	in, _ := c.inShare(identity(b))
	r := &ready{Campaign: c}
	return in && anyOf(c.Audiences, mine) && r.buyerMeets(&b, momentOf(c.From, nil))
}

func (s *Service) mail(ctx context.Context, r Recipient, c Campaign, occasion Occasion, content messaging.Content) (messaging.Message, error) {
	return messaging.New(i18n.WithLanguage(ctx, r.Language), messaging.Address{Name: r.Name, Email: r.Email},
		c.ID.String()+"/"+string(occasion)+"/"+r.AccountID.String(), content)
}

// WatchBudgets queues the telling of budgets that are nearly used.
func (s *Service) WatchBudgets(ctx context.Context) error {
	jobs, err := s.Store.BudgetsReached(ctx)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if err := s.Turns.Notify(ctx, j); err != nil {
			return err
		}
	}
	return nil
}
