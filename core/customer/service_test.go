package customer_test

import (
	"context"
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/event"
	"github.com/noren-commerce/noren/core/id"
)

// petShop knows a pet of everybody.
type petShop struct{ customer.Store }

func (petShop) Pets(_ context.Context, owners []uuid.UUID) ([]customer.Pet, error) {
	pets := make([]customer.Pet, len(owners))
	for i, owner := range owners {
		pets[i] = customer.Pet{MemberID: owner}
	}
	return pets, nil
}

// diary counts what is written down.
type diary struct{ views int }

func (d *diary) Record(_ context.Context, events ...event.Event) error {
	d.views += len(events)
	return nil
}

func TestPersonalDataIsForItsOwnerAndHeadOffice(t *testing.T) {
	t.Parallel()
	hanako, taro := id.New(), id.New()
	reader := []access.Permission{access.MemberRead}
	for name, c := range map[string]struct {
		actor access.Actor
		sees  []uuid.UUID
	}{
		"nobody":                    {access.Actor{}, nil},
		"guest":                     {access.Guest, nil},
		"member":                    {access.Actor{Role: access.RoleMember, ID: hanako}, []uuid.UUID{hanako}},
		"company buyer":             {access.Actor{Role: access.RoleCompanyBuyer, ID: taro}, []uuid.UUID{taro}},
		"store staff":               {access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: reader}, nil},
		"staff":                     {access.Actor{Role: access.RoleStaff, ID: id.New()}, nil},
		"staff who read members":    {access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: reader}, []uuid.UUID{hanako, taro}},
		"administrator":             {access.Actor{Role: access.RoleAdmin, ID: id.New()}, []uuid.UUID{hanako, taro}},
		"partner of a member's id":  {access.Actor{Role: access.RolePartner, ID: hanako}, nil},
		"partner who reads members": {access.Actor{Role: access.RolePartner, ID: id.New(), Permissions: reader}, nil},
	} {
		var written diary
		pets, err := customer.New(nil, petShop{}, &written, clock.System).Pets(access.With(t.Context(), c.actor), []uuid.UUID{hanako, taro})
		require.NoError(t, err)
		var owners []uuid.UUID
		for _, p := range pets {
			owners = append(owners, p.MemberID)
		}
		require.Equal(t, c.sees, owners, name)
		if !c.actor.Is(access.RoleMember, access.RoleCompanyBuyer) {
			require.Equal(t, len(c.sees), written.views, name)
		}
	}
}
