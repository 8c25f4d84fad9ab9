package member

import (
	"context"

	"github.com/google/uuid"
)

// Served is who stands at a counter, as the staff there may see them; it is written down. Who
// has an account and has not joined has nothing to see.
func (s *Service) Served(ctx context.Context, memberID uuid.UUID, by string) (Member, error) {
	members, err := s.Store.Members(ctx, []uuid.UUID{memberID})
	if err == nil && len(members) == 0 {
		members = []Member{{ID: memberID, Account: true}}
	}
	if err == nil {
		members, err = s.show(ctx, members, by)
	}
	if err != nil {
		return Member{}, err
	}
	return members[0], nil
}
