package promotion

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/pricing"
	"github.com/noren-commerce/noren/core/scope"
)

// Failures of a simulation.
var (
	ErrOneCampaign = fault.Invalid(fault.CodeInvalid, "保存済みのキャンペーンか内容のどちらか一方を指定してください", "Name a campaign or describe one, not both")
	ErrLongWindow  = fault.Invalid("WINDOW_TOO_LONG", "期間は%d日以内で指定してください", "A simulation covers at most %d days")
)

// What staff read of a simulation that came to no end.
var (
	brokenOff = i18n.Text{"ja": "注文の読み込みを繰り返し試みましたが、完了できませんでした。時間をおいてもう一度実行してください", "en": "The orders could not be looked at to the end, although it was tried repeatedly. Please start it again later"}
	unpriced  = i18n.Text{"ja": "計算できない注文がありました：", "en": "An order could not be priced: "}
)

const (
	ordersAtOnce = 300 // so many are looked at while the caller waits
	pageOfPast   = 200
	longestDays  = 731
)

// SimulationStatus is where a simulation stands.
type SimulationStatus string

// The statuses.
const (
	SimulationRunning SimulationStatus = "RUNNING"
	SimulationDone    SimulationStatus = "DONE"
	SimulationFailed  SimulationStatus = "FAILED"
)

// Simulation is a campaign tried on past orders.
type Simulation struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	ActorID    uuid.UUID
	Campaign   Campaign // as it was tried
	From       time.Time
	Until      time.Time
	TimeZone   string
	Status     SimulationStatus
	Orders     int // to be looked at
	Looked     int // so far
	Outcome    *Outcome
	Failure    i18n.Text // why it failed; nil unless it did
	CreatedAt  time.Time
	FinishedAt *time.Time
}

// GlobalID is the simulation's id in the schema.
func (s Simulation) GlobalID() string { return id.Global("CampaignSimulation", s.ID) }

// PastQuery asks for orders that stand, in the order in which they were placed.
type PastQuery struct {
	BrandID     uuid.UUID
	From, Until time.Time
	AfterAt     time.Time // behind this order; zero: from the first
	AfterID     uuid.UUID
	Most        int
}

// SimulationStore keeps simulations, and reads what they look at.
type SimulationStore interface {
	AddSimulation(ctx context.Context, s Simulation) error
	// Simulation is one of the brand; nil if there is none.
	Simulation(ctx context.Context, brandID, simulationID uuid.UUID) (*Simulation, error)
	// Progress notes how far a simulation has come, and its outcome once it is done.
	Progress(ctx context.Context, s Simulation) error
	// BreakOff ends, at the moment, those running simulations that no job works on any
	// more, with the reason.
	BreakOff(ctx context.Context, at time.Time, why i18n.Text) error

	CountPast(ctx context.Context, q PastQuery) (int, error)
	Past(ctx context.Context, q PastQuery) ([]Past, error)
	// History is what happened to the brand's campaigns until the moment, and the
	// campaigns as they are.
	History(ctx context.Context, brandID uuid.UUID, until time.Time) ([]Change, []Campaign, error)
	// UsedBefore is, by buyer and campaign, how often campaigns that count it were used
	// before the moment.
	UsedBefore(ctx context.Context, brandID uuid.UUID, at time.Time) (map[uuid.UUID]map[uuid.UUID]int, error)
	// Costs are what the variants cost, where that is known.
	Costs(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) (map[uuid.UUID]int64, error)
}

// Bounds are the rules that bound a settled price: the lowest allowed one, and the
// surcharge of direct shipment.
type Bounds interface {
	Bounds(ctx context.Context, brandID uuid.UUID) (*pricing.Rulebook, error)
}

// Simulator tries campaigns on past orders.
type Simulator struct {
	Campaigns *Service
	Store     SimulationStore
	Bounds    Bounds
	// Queue takes a simulation that is too long to wait for.
	Queue func(ctx context.Context, job SimulateJob) error
}

// SimulateJob is worked on until a simulation is done.
type SimulateJob struct {
	SimulationID uuid.UUID `json:"simulation"`
	BrandID      uuid.UUID `json:"brand"`
}

// Kind names the job in the queue.
func (SimulateJob) Kind() string { return "campaign_simulation" }

// SimulateInput says which campaign to try, on the orders of which time.
type SimulateInput struct {
	CampaignID *uuid.UUID // one that is kept,
	Campaign   *SaveInput // or one that is not kept
	From       time.Time
	Until      time.Time
}

// Start tries a campaign on past orders as if it had run all the time. Few orders
// are looked at in place; many by a job, whose progress Simulation tells.
func (s *Simulator) Start(ctx context.Context, in SimulateInput) (*Simulation, error) {
	if err := access.RequireEverywhere(ctx, access.CampaignWrite); err != nil {
		return nil, err
	}
	ch, now := channel.From(ctx), s.Campaigns.Now()
	sim := Simulation{
		ID: id.New(), BrandID: ch.BrandID, ActorID: access.From(ctx).ID, From: in.From, Until: in.Until, TimeZone: ch.TimeZone,
		Status: SimulationRunning, CreatedAt: now,
	}
	if sim.Until.After(now) {
		sim.Until = now
	}
	if err := (scope.Window{From: sim.From, Until: sim.Until}).Validate(); err != nil {
		return nil, err
	}
	if sim.Until.Sub(sim.From) > longestDays*24*time.Hour {
		return nil, ErrLongWindow.With(longestDays).At("from")
	}
	c, err := s.tried(ctx, in)
	if err != nil {
		return nil, err
	}
	sim.Campaign = *c
	if sim.Orders, err = s.Store.CountPast(ctx, sim.query()); err != nil {
		return nil, err
	}
	if sim.Orders <= ordersAtOnce {
		if err := s.replay(ctx, &sim); err != nil {
			return nil, err
		}
	}
	err = s.Campaigns.Tx.InTx(ctx, func(ctx context.Context) error {
		if err := s.Store.AddSimulation(ctx, sim); err != nil || sim.Status != SimulationRunning {
			return err
		}
		return s.Queue(ctx, SimulateJob{SimulationID: sim.ID, BrandID: sim.BrandID})
	})
	return &sim, err
}

// tried is the campaign that is meant, over all of the orders.
func (s *Simulator) tried(ctx context.Context, in SimulateInput) (*Campaign, error) {
	ch := channel.From(ctx)
	if (in.CampaignID == nil) == (in.Campaign == nil) {
		return nil, ErrOneCampaign.At("campaignId")
	}
	if in.CampaignID != nil {
		c, err := s.Campaigns.Store.Campaign(ctx, ch.BrandID, *in.CampaignID)
		if err == nil && c == nil {
			err = fault.ErrNotFound.At("campaignId")
		}
		return c, err
	}
	c := &Campaign{ID: id.New(), BrandID: ch.BrandID, Status: Draft, Currency: ch.Money(), CreatedAt: s.Campaigns.Now(), UpdatedAt: s.Campaigns.Now()}
	if in.Campaign.ID != nil {
		c.ID = *in.Campaign.ID // a change to a campaign that has run takes its place
	}
	if err := in.Campaign.apply(c); err != nil {
		return nil, err
	}
	return c, s.Campaigns.known(ctx, *c, "campaign.")
}

func (s Simulation) query() PastQuery {
	return PastQuery{BrandID: s.BrandID, From: s.From, Until: s.Until, Most: pageOfPast}
}

// Simulation is one of the brand's simulations, for staff.
func (s *Simulator) Simulation(ctx context.Context, simulationID uuid.UUID) (*Simulation, error) {
	if err := access.Require(ctx, access.CampaignRead); err != nil {
		return nil, err
	}
	return s.Store.Simulation(ctx, channel.From(ctx).BrandID, simulationID)
}

// Work looks at all orders of a simulation. A job that was interrupted begins anew
// and comes to the same end.
func (s *Simulator) Work(ctx context.Context, j SimulateJob) error {
	sim, err := s.Store.Simulation(ctx, j.BrandID, j.SimulationID)
	if err != nil || sim == nil || sim.Status != SimulationRunning {
		return err
	}
	err = s.replay(ctx, sim)
	if f := (*fault.Error)(nil); errors.As(err, &f) && f.Kind != fault.KindUnavailable {
		return s.fail(ctx, sim, i18n.Text{"ja": unpriced["ja"] + f.JA, "en": unpriced["en"] + f.EN})
	}
	if err != nil {
		return err
	}
	return s.Store.Progress(ctx, *sim)
}

// GiveUp ends a simulation whose job has failed for the last time.
func (s *Simulator) GiveUp(ctx context.Context, j SimulateJob) error {
	sim, err := s.Store.Simulation(ctx, j.BrandID, j.SimulationID)
	if err != nil || sim == nil || sim.Status != SimulationRunning {
		return err
	}
	return s.fail(ctx, sim, brokenOff)
}

func (s *Simulator) fail(ctx context.Context, sim *Simulation, why i18n.Text) error {
	now := s.Campaigns.Now()
	sim.Status, sim.Failure, sim.FinishedAt = SimulationFailed, why, &now
	return s.Store.Progress(ctx, *sim)
}

// AbandonedJob is worked on regularly: simulations whose job is gone, because its process
// died too often, end too.
type AbandonedJob struct{}

// Kind names the job in the queue.
func (AbandonedJob) Kind() string { return "abandoned_simulations" }

// EndAbandoned ends the simulations that no job works on any more.
func (s *Simulator) EndAbandoned(ctx context.Context) error {
	return s.Store.BreakOff(ctx, s.Campaigns.Now(), brokenOff)
}

// replay looks at the orders page by page.
func (s *Simulator) replay(ctx context.Context, sim *Simulation) error {
	r, err := s.open(ctx, *sim)
	if err != nil {
		return err
	}
	sim.Looked = 0
	for q := sim.query(); ; {
		orders, err := s.Store.Past(ctx, q)
		if err != nil {
			return err
		}
		if err := s.place(ctx, r, orders); err != nil {
			return err
		}
		for i := range orders {
			if err := r.Add(&orders[i]); err != nil {
				return err
			}
		}
		sim.Looked += len(orders)
		if len(orders) < q.Most {
			break
		}
		q.AfterAt, q.AfterID = orders[len(orders)-1].PlacedAt, orders[len(orders)-1].ID
		if sim.Orders > ordersAtOnce {
			if err := s.Store.Progress(ctx, *sim); err != nil {
				return err
			}
		}
	}
	out, now := r.Outcome(), s.Campaigns.Now()
	sim.Status, sim.Outcome, sim.FinishedAt = SimulationDone, &out, &now
	return nil
}

// place says of the orders' members which of the campaigns' segments they are in today.
func (s *Simulator) place(ctx context.Context, r *Replay, orders []Past) error {
	var members []uuid.UUID
	for _, o := range orders {
		if o.Buyer.MemberID != uuid.Nil {
			members = append(members, o.Buyer.MemberID)
		}
	}
	in, err := s.Campaigns.among(ctx, members, r.segments)
	for i := range orders {
		orders[i].Buyer.Segments = in[orders[i].Buyer.MemberID]
	}
	return err
}

// open reads what ran then, and what bounds prices.
func (s *Simulator) open(ctx context.Context, sim Simulation) (*Replay, error) {
	rules, err := s.Bounds.Bounds(ctx, sim.BrandID)
	if err != nil {
		return nil, err
	}
	history, campaigns, err := s.Store.History(ctx, sim.BrandID, sim.Until)
	if err != nil {
		return nil, err
	}
	used, err := s.Store.UsedBefore(ctx, sim.BrandID, sim.From)
	if err != nil {
		return nil, err
	}
	others := timeline(history, campaigns)
	costs, err := s.Store.Costs(ctx, sim.BrandID, giftsOf(append(others, sim.Campaign)))
	if err != nil {
		return nil, err
	}
	zone := channel.Channel{TimeZone: sim.TimeZone}.Zone()
	c := sim.Campaign
	c.Window = scope.Window{From: sim.From, Until: sim.Until}
	for _, uses := range used {
		delete(uses, c.ID) // it is tried as if it began
	}
	return NewReplay(ReplayInput{Campaign: c, Others: others, Rules: rules, Zone: zone, Costs: costs, Used: used}), nil
}

func giftsOf(campaigns []Campaign) []uuid.UUID {
	var all []uuid.UUID
	for _, c := range campaigns {
		for _, b := range c.Benefits {
			if b.Kind == FreeGift {
				all = append(all, b.Variant)
			}
		}
	}
	return all
}
