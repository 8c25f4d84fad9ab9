package seed

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/storage/postgres"
)

// peopleTable is how residents become rows of one table.
type peopleTable struct {
	name    string
	columns []string
	rows    func(i int, r resident) ([][]any, error)
}

// register is what residents' rows are made from.
type register struct {
	*crowd
	ctx   context.Context //nolint:containedctx // lives for one load
	keys  *sealing.Keys
	spend spending
}

// tables stand in the order in which they are loaded; members come before what is theirs.
func (g *register) tables() []peopleTable {
	return []peopleTable{
		{"members", []string{"id", "created_at", "updated_at"}, func(_ int, r resident) ([][]any, error) {
			return [][]any{{r.id, r.joined, r.joined}}, nil
		}},
		{"profiles", postgres.ProfileColumns, g.profile},
		{"saved_addresses", postgres.AddressColumns, g.home},
		{"memberships", []string{"member_id", "brand_id", "registered_store_id", "home_store_id", "rank_id", "spend", "rank_due_on", "joined_at"}, g.memberships},
		{"member_cards", []string{"id", "number", "member_id", "brand_id", "kind", "state", "store_id", "replaces_id", "issued_at", "ended_at"}, g.cards},
		{"pets", []string{"id", "member_id", "name", "species", "breed", "birthday", "allergies", "created_at", "updated_at"}, g.pets},
		{"member_consents", []string{"id", "member_id", "brand_id", "medium", "given", "how", "wording", "store_id", "actor_role", "actor_id", "at"}, g.consents},
		{"member_settings", []string{"member_id", "brand_id", "medium", "given", "since"}, g.settings},
		{"newsletter_consents", []string{"member_id", "brand_id", "given_at", "withdrawn_at"}, g.newsletters},
	}
}

func (g *register) profile(i int, r resident) ([][]any, error) {
	row, err := postgres.ProfileRow(g.ctx, g.keys, member.Member{ID: r.id, UpdatedAt: r.joined, Personal: r.person(i)})
	return [][]any{row}, err
}

func (g *register) home(i int, r resident) ([][]any, error) {
	a := r.address(i)
	if a == nil {
		return nil, nil
	}
	row, err := postgres.AddressRow(g.ctx, g.keys, customer.SavedAddress{
		ID: g.idOf(r), MemberID: r.id, Address: *a, IsDefault: true, CreatedAt: r.joined, UpdatedAt: r.joined,
	})
	return [][]any{row}, err
}

// idOf is the next key of something that is the resident's.
func (g *register) idOf(r resident) uuid.UUID {
	return idAt(r.joined, g.chance.Uint64(), g.chance.Uint64())
}

func (g *register) memberships(i int, r resident) ([][]any, error) {
	var rows [][]any
	for _, b := range r.brandsOf() {
		brand := g.brands[b]
		shop := &brand.Shops[r.shopIn(b)].ID
		registered, spend := shop, g.spend.of(b, i)
		if r.web {
			registered = nil
		}
		var rank *uuid.UUID
		var due *time.Time
		if b == 0 { // the brand that has ranks
			rank = rankFor(brand, spend)
			if spend != 0 { // the worker reckons a thirtieth of them again each day
				day := g.Until.AddDate(0, 0, 1+i%30)
				due = &day
			}
		}
		rows = append(rows, []any{r.id, brand.ID, registered, shop, rank, spend, due, r.joined})
	}
	return rows, nil
}

func rankFor(b Brand, spend int64) *uuid.UUID {
	code := sampleRanks[0].code
	for _, r := range sampleRanks {
		if spend >= r.least {
			code = r.code
		}
	}
	rank := key("rank", b.Code, code)
	return &rank
}

func (g *register) cards(i int, r resident) ([][]any, error) {
	var rows [][]any
	for _, b := range r.brandsOf() {
		brand := g.brands[b]
		kind, shop, issued := member.Physical, &brand.Shops[r.shopIn(b)].ID, r.joined
		if r.web {
			kind, shop = member.Digital, nil
		}
		var former *uuid.UUID
		if g.chance.IntN(100) < 4 && !r.web && g.Until.Sub(r.joined) > 60*24*time.Hour {
			key, ended := g.idOf(r), openingOf(r.joined.Truncate(24*time.Hour).AddDate(0, 0, 30))
			rows = append(rows, []any{key, cardNumber(i, b, true), r.id, brand.ID, string(kind), string(member.CardReissued), shop, nil, issued, ended})
			former, issued = &key, ended
		}
		rows = append(rows, []any{g.idOf(r), cardNumber(i, b, false), r.id, brand.ID, string(kind), string(member.CardActive), shop, former, issued, nil})
	}
	return rows, nil
}

func (g *register) pets(_ int, r resident) ([][]any, error) {
	var rows [][]any
	for range min(g.chance.IntN(7), 4) * 3 / 4 {
		kind := breeds[g.chance.IntN(len(breeds))]
		if likes := []customer.Species{"DOG", "CAT"}[r.brand]; g.chance.IntN(10) < 7 {
			for kind.species != likes {
				kind = breeds[g.chance.IntN(len(breeds))]
			}
		}
		born := g.Until.AddDate(0, 0, -30-g.chance.IntN(15*365))
		allergies := []string{}
		if g.chance.IntN(20) == 0 {
			allergies = append(allergies, "小麦")
		}
		rows = append(rows, []any{g.idOf(r), r.id, petNames[g.chance.IntN(len(petNames))], string(kind.species), kind.breed, born, allergies, r.joined, r.joined})
	}
	return rows, nil
}

// said is what a resident said of a medium, and when they took it back.
type said struct {
	brand     int
	medium    member.Medium
	given     bool
	withdrawn *time.Time
}

// sayings are the same each time they are asked for.
func (g *register) sayings(r resident) []said {
	var all []said
	for n, b := range r.brandsOf() {
		chance := r.chance >> (8 * n)
		mail := said{brand: b, medium: member.Mail, given: chance%10 < 6}
		if later := r.joined.AddDate(0, 2, 0); mail.given && chance>>4%12 == 0 && later.Before(g.Until) {
			mail.withdrawn = &later
		}
		all = append(all, mail, said{brand: b, medium: member.DM, given: chance>>12%100 < 45})
	}
	return all
}

func (g *register) consents(_ int, r resident) ([][]any, error) {
	var rows [][]any
	for _, s := range g.sayings(r) {
		brand := g.brands[s.brand]
		how, role, shop := member.ByPaper, access.RoleStoreStaff, &brand.Shops[r.shopIn(s.brand)].ID
		var actor *uuid.UUID
		if r.web {
			how, role, shop, actor = member.ByWeb, access.RoleMember, nil, &r.id
		}
		rows = append(rows, []any{g.idOf(r), r.id, brand.ID, string(s.medium), s.given, string(how), "2024-04", shop, string(role), actor, r.joined})
		if s.withdrawn != nil {
			rows = append(rows, []any{g.idOf(r), r.id, brand.ID, string(s.medium), false, string(member.ByUnsubscribe), "", nil, string(access.RoleGuest), nil, *s.withdrawn})
		}
	}
	return rows, nil
}

func (g *register) settings(_ int, r resident) ([][]any, error) {
	var rows [][]any
	for _, s := range g.sayings(r) {
		given, since := s.given, r.joined
		if s.withdrawn != nil {
			given, since = false, *s.withdrawn
		}
		rows = append(rows, []any{r.id, g.brands[s.brand].ID, string(s.medium), given, since})
	}
	return rows, nil
}

func (g *register) newsletters(_ int, r resident) ([][]any, error) {
	var rows [][]any
	for _, s := range g.sayings(r) {
		if s.medium == member.Mail && s.given {
			rows = append(rows, []any{r.id, g.brands[s.brand].ID, r.joined, s.withdrawn})
		}
	}
	return rows, nil
}
