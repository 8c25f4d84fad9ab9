package prize

import (
	"cmp"
	"context"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/sealing"
)

// Contact is where somebody is written to, and in which language.
type Contact struct {
	ID       uuid.UUID
	Name     string
	Email    string
	Language string
}

// Sealed are the values that are sealed with the account.
func (c *Contact) Sealed() (uuid.UUID, []sealing.Column) {
	return c.ID, sealing.Person(&c.Name, &c.Email)
}

// Contacts are where people are written to: members with a card, and who has an account
// alone. Who has no address, or was erased, is left out.
func (s *Service) Contacts(ctx context.Context, memberIDs []uuid.UUID) (map[uuid.UUID]Contact, error) {
	accounts, err := s.Store.Accounts(ctx, memberIDs)
	if err != nil {
		return nil, err
	}
	found := make(map[uuid.UUID]Contact, len(memberIDs))
	for _, c := range accounts {
		found[c.ID] = c
	}
	members, err := s.Members.ByIDs(access.With(ctx, access.System), memberIDs)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		found[m.ID] = Contact{m.ID, m.Name, m.Email, cmp.Or(found[m.ID].Language, i18n.Default)}
		if m.Email == "" || m.ErasedAt != nil {
			delete(found, m.ID)
		}
	}
	return found, nil
}

// tell writes to members whose prizes have just left or been handed over, once for each.
func (s *Service) tell(ctx context.Context, all []Exchange) error {
	if len(all) == 0 {
		return nil
	}
	ids := make([]uuid.UUID, len(all))
	for i, e := range all {
		ids[i] = e.MemberID
	}
	contacts, err := s.Contacts(ctx, ids)
	if err != nil {
		return err
	}
	var mails []messaging.Message
	for _, e := range all {
		to, known := contacts[e.MemberID]
		if !known {
			continue
		}
		mail, err := messaging.New(i18n.WithLanguage(ctx, to.Language), messaging.Address{Name: to.Name, Email: to.Email}, e.ID.String()+" "+string(e.State), messaging.PrizeNotice{
			Name: to.Name, Event: string(e.State), Prize: e.PrizeName.In(to.Language), Quantity: e.Quantity, Carrier: e.Carrier, TrackingNumber: e.TrackingNumber,
		})
		if err != nil {
			return err
		}
		mails = append(mails, mail)
	}
	if len(mails) == 0 {
		return nil
	}
	return s.Outbox.Enqueue(ctx, mails...)
}
