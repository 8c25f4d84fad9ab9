package mailing_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/mailing"
	"github.com/noren-commerce/noren/core/member"
	"github.com/noren-commerce/noren/core/messaging"
)

func TestAMailServerThatRefusesEverybodyCostsNobodyTheirEMail(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.crowd(t, 20)
	quota := &messaging.Refusal{Cause: messaging.ErrRefused, Status: "5.4.5", Said: "550 5.4.5 quota of shop@noren.example used up"}
	asked := 0
	d.hand = func(int) error { asked++; return quota }
	key := d.start(t, mailing.SaveInput{Medium: member.Mail})
	for range 20 {
		d.work(t)
		d.now = d.now.Add(3 * time.Minute)
	}
	m, err := d.ByID(d.office(t.Context()), key)
	require.NoError(t, err)
	require.Equal(t, mailing.Paused, m.State)
	require.Equal(t, "550 5.4.5 quota of …@… used up", m.Refusal)
	require.Equal(t, []int{3, 20, 0, 0}, []int{asked, m.Addressed, m.LeftOut, m.Delivered})
	var said string
	require.NoError(t, d.DB.Pool().QueryRow(t.Context(), `SELECT data->>'refusal' FROM events WHERE type = 'mailing.paused' AND subject_id = $1`, key).Scan(&said))
	require.Equal(t, m.Refusal, said)

	d.hand = func(int) error { return nil }
	m, err = d.Resume(d.office(t.Context()), mailing.ByIDInput{MailingID: key})
	require.NoError(t, err)
	require.Empty(t, m.Refusal)
	d.work(t)
	m, err = d.ByID(d.office(t.Context()), key)
	require.NoError(t, err)
	require.Equal(t, mailing.Sent, m.State)
	require.Equal(t, []int{20, 0, 20}, []int{m.Addressed, m.LeftOut, m.Delivered})
}

func TestAFewWhomTheMailServerRefusesAreNotLostEither(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.crowd(t, 1)
	d.hand = func(int) error { return messaging.ErrRefused }
	key := d.start(t, mailing.SaveInput{Medium: member.Mail})
	d.work(t)
	m, err := d.ByID(d.office(t.Context()), key)
	require.NoError(t, err)
	require.Equal(t, mailing.Paused, m.State)
	require.Equal(t, 1, m.Addressed)
}

func TestAMailServerThatIsAwayCostsNobodyTheirEMail(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	d.crowd(t, 2)
	d.hand = func(int) error { return messaging.ErrUnreached }
	key := d.start(t, mailing.SaveInput{Medium: member.Mail})
	for range 15 {
		d.work(t)
		d.now = d.now.Add(3 * time.Minute)
	}
	d.hand = func(int) error { return nil }
	d.work(t)
	m, err := d.ByID(d.office(t.Context()), key)
	require.NoError(t, err)
	require.Equal(t, mailing.Sent, m.State)
	require.Equal(t, []int{2, 0}, []int{m.Delivered, m.LeftOut})
}
