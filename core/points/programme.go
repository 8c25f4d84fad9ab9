package points

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
)

// Setup keeps programmes, rates between them and rules.
type Setup interface {
	Programmes(ctx context.Context) ([]Programme, error)
	// Programme is nil if there is none.
	Programme(ctx context.Context, programmeID uuid.UUID) (*Programme, error)
	// SaveProgramme inserts it or changes what may change; a code that is taken is ErrCode.
	SaveProgramme(ctx context.Context, p Programme) error
	Rates(ctx context.Context, fromIDs []uuid.UUID) ([]Rate, error)
	// OtherRates are all rates of open programmes but the one between the same two, held
	// against other changes.
	OtherRates(ctx context.Context, r Rate) ([]Rate, error)
	// SaveRate sets a rate, or takes it away if it gives nothing.
	SaveRate(ctx context.Context, r Rate) error
	// Rules are those of the programmes that stood at the moment.
	Rules(ctx context.Context, programmeIDs []uuid.UUID, at time.Time) ([]Rule, error)
	// RankNow is the code of the member's rank with the brand; empty for none.
	RankNow(ctx context.Context, brandID, memberID uuid.UUID) (string, error)
	// Welcomed are the brands that welcome the member: the one, if the member joined it since
	// the moment, and is known by a proved address or to a shop; without one, all that were
	// joined, if the address was proved since then.
	Welcomed(ctx context.Context, memberID uuid.UUID, brandID *uuid.UUID, since time.Time) ([]uuid.UUID, error)
	InsertRule(ctx context.Context, r Rule) error
	// CloseRule ends a rule that stands; false if none of the programmes' does.
	CloseRule(ctx context.Context, programmeIDs []uuid.UUID, ruleID uuid.UUID, at time.Time) (bool, error)
}

// Rate is what points of one programme become in another.
type Rate struct {
	FromID     uuid.UUID
	ToID       uuid.UUID
	FromPoints int64
	ToPoints   int64
	UpdatedAt  time.Time
}

// From is the id, in the schema, of the programme that points leave.
func (r Rate) From() string { return id.Global("PointProgramme", r.FromID) }

// Reaches is that of the programme that they reach.
func (r Rate) Reaches() string { return id.Global("PointProgramme", r.ToID) }

// SaveProgrammeInput makes a programme, or changes one.
type SaveProgrammeInput struct {
	ID           *uuid.UUID // nil: a new one
	Code         string
	Name         i18n.Text
	Shared       bool
	UnitPoints   int64
	UnitMinor    int64
	Expiry       Expiry // ByDays, if empty
	ExpiryDays   *int
	ExpiryMonths *int
	FiscalMonth  *int
	ConfirmDays  int
	GraceDays    int
	NoticeDays   int
	Transferable bool
	GrantLimit   int64
	Closed       bool
}

var codeForm = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{1,39}$`)

const (
	maxDays = 3650
	maxName = 60
)

func (in SaveProgrammeInput) validate() error {
	var all []error
	if !codeForm.MatchString(in.Code) {
		all = append(all, fault.Invalid(fault.CodeInvalid, "コードは半角英小文字・数字・ハイフンで2〜40文字です", "A code has 2 to 40 small letters, digits and hyphens").At("code"))
	}
	all = append(all, in.Name.Check("name", maxName, true))
	all = append(all, in.expires()...)
	days := map[string]int{"confirmDays": in.ConfirmDays, "graceDays": in.GraceDays, "noticeDays": in.NoticeDays}
	if in.ExpiryDays != nil {
		days["expiryDays"] = *in.ExpiryDays
		if *in.ExpiryDays == 0 {
			days["expiryDays"] = -1
		}
	}
	for _, field := range slices.Sorted(mapKeys(days)) {
		if n := days[field]; n < 0 || n > maxDays {
			all = append(all, fault.Invalid(fault.CodeInvalid, "日数は%d日までで指定してください", "At most %d days").With(maxDays).At(field))
		}
	}
	for field, n := range map[string]int64{"unitPoints": in.UnitPoints, "unitMinor": in.UnitMinor} {
		if n < 1 || n > 1_000_000 {
			all = append(all, fault.Invalid(fault.CodeInvalid, "1〜1,000,000で指定してください", "From 1 to 1,000,000").At(field))
		}
	}
	if in.GrantLimit < 0 || in.GrantLimit > MaxPoints {
		all = append(all, ErrAmount.With(MaxPoints).At("grantLimit"))
	}
	return errors.Join(all...)
}

func mapKeys[V any](m map[string]V) func(func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// SaveProgramme makes a programme of the context's brand, or changes one (staff with
// POINT_ADMIN). What a point is worth and whether it is shared never change: members
// were promised it.
func (s *Service) SaveProgramme(ctx context.Context, in SaveProgrammeInput) (*Programme, error) {
	if err := errors.Join(access.RequireEverywhere(ctx, access.PointAdmin), in.validate()); err != nil {
		return nil, err
	}
	ch, now := channel.From(ctx), s.Now()
	p := Programme{ID: id.New(), BrandID: ch.BrandID, Shared: in.Shared, Code: in.Code, Currency: ch.Money(), UnitPoints: in.UnitPoints, UnitMinor: in.UnitMinor, Zone: ch.Zone().String(), CreatedAt: now}
	if p.Zone == "JST" || p.Zone == "" {
		p.Zone = "Asia/Tokyo"
	}
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		if in.ID != nil {
			was, err := s.Store.Programme(ctx, *in.ID)
			if err != nil || was == nil || was.BrandID != ch.BrandID {
				return orErr(err, ErrProgramme.At("id"))
			}
			if p = *was; p.UnitPoints != in.UnitPoints || p.UnitMinor != in.UnitMinor || p.Shared != in.Shared || p.Code != in.Code {
				return fault.Conflict("POINT_PROGRAMME_FIXED", "コード・単価・共通利用の設定は変更できません", "Code, worth and sharing of a programme never change").At("id")
			}
		}
		p.Name, p.ConfirmDays, p.GraceDays, p.NoticeDays = in.Name, in.ConfirmDays, in.GraceDays, in.NoticeDays
		p.Expiry, p.ExpiryDays, p.ExpiryMonths, p.FiscalMonth = in.expiry(), in.ExpiryDays, in.ExpiryMonths, in.FiscalMonth
		p.Transferable, p.GrantLimit, p.UpdatedAt = in.Transferable, in.GrantLimit, now
		switch {
		case !in.Closed:
			p.ClosedAt = nil
		case p.ClosedAt == nil:
			p.ClosedAt = &now
		}
		if err := s.Store.SaveProgramme(ctx, p); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, now, "point_programme.saved", "PointProgramme", p.ID, p))
	})
	return &p, err
}

// Programmes are those of the context's brand, shared ones included; for staff, those
// that have ended, too.
func (s *Service) Programmes(ctx context.Context) ([]Programme, error) {
	if !access.From(ctx).May(access.PointRead) {
		return s.inBrand(ctx)
	}
	all, err := s.Store.Programmes(ctx)
	return slices.DeleteFunc(all, func(p Programme) bool { return !p.here(ctx) }), err
}

// ProgrammesByID are those of the ids, of whatever brand, those that have ended too: what
// rates lead to.
func (s *Service) ProgrammesByID(ctx context.Context, programmeIDs []uuid.UUID) ([]Programme, error) {
	all, err := s.Store.Programmes(ctx)
	return slices.DeleteFunc(all, func(p Programme) bool { return !slices.Contains(programmeIDs, p.ID) }), err
}

// SaveRateInput sets an exchange rate.
type SaveRateInput struct {
	FromID     uuid.UUID
	ToID       uuid.UUID
	FromPoints int64
	ToPoints   int64 // 0: no exchange any more
}

// SaveRate sets what points of one programme become in another (staff of the head office
// with POINT_ADMIN): of one of the context's brand in any other, another brand's own
// included.
func (s *Service) SaveRate(ctx context.Context, in SaveRateInput) (*Rate, error) {
	if err := errors.Join(access.RequireEverywhere(ctx, access.PointAdmin), office(ctx)); err != nil {
		return nil, err
	}
	if in.FromID == in.ToID {
		return nil, ErrRate.At("toId")
	}
	if in.FromPoints < 1 || in.FromPoints > MaxPoints || in.ToPoints < 0 || in.ToPoints > MaxPoints {
		return nil, ErrAmount.With(MaxPoints).At("fromPoints")
	}
	for field, key := range map[string]uuid.UUID{"fromId": in.FromID, "toId": in.ToID} {
		if p, err := s.Store.Programme(ctx, key); err != nil || p == nil || (key == in.FromID && !p.here(ctx)) {
			return nil, orErr(err, ErrProgramme.At(field))
		}
	}
	r := Rate{in.FromID, in.ToID, in.FromPoints, in.ToPoints, s.Now()}
	err := s.Tx.InTx(ctx, func(ctx context.Context) error {
		others, err := s.Store.OtherRates(ctx, r)
		if err != nil {
			return err
		}
		if r.gains(others) {
			return ErrCircle.At("toPoints")
		}
		if err := s.Store.SaveRate(ctx, r); err != nil {
			return err
		}
		return s.Events.Record(ctx, event.New(ctx, r.UpdatedAt, "point_rate.saved", "PointProgramme", r.FromID, r))
	})
	return &r, err
}

// Rates are the exchange rates from the programmes.
func (s *Service) Rates(ctx context.Context, fromIDs []uuid.UUID) ([]Rate, error) {
	return s.Store.Rates(ctx, fromIDs)
}

// Coded is the programme of the context's brand with the code, open; ErrProgramme if there
// is none.
func (s *Service) Coded(ctx context.Context, code string) (Programme, error) {
	all, err := s.inBrand(ctx)
	if err != nil {
		return Programme{}, err
	}
	for _, p := range all {
		if p.Code == code {
			return p, nil
		}
	}
	return Programme{}, ErrProgramme.At("mapping")
}
