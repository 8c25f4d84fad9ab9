package prize_test

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/prize"
)

func TestMembersAreToldWhenTheirPrizesLeaveAndAreHandedOver(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	p := s.prize(t, 10, nil)
	hanako, john := s.joined(t, 500), s.joined(t, 500)
	s.exec(t, `UPDATE accounts SET language = 'en', name = 'John' WHERE id = $1`, access.From(john).ID)
	first, err := s.Exchange(hanako, s.ask(p, 2))
	require.NoError(t, err)
	second, err := s.Exchange(john, s.ask(p, 1))
	require.NoError(t, err)
	advance := func(to prize.State, all ...uuid.UUID) {
		in := prize.AdvanceInput{To: to, Carrier: "ヤマト運輸"}
		for _, e := range all {
			in.Moves = append(in.Moves, prize.Move{ExchangeID: e, TrackingNumber: "1234-5678"})
		}
		_, err := s.Advance(s.admin(), in)
		require.NoError(t, err)
	}
	words, err := messaging.NewRenderer(jst)
	require.NoError(t, err)
	read := func(i int) messaging.Rendered {
		got, err := words.Render(s.mails[i], "のれんペット")
		require.NoError(t, err)
		return got
	}
	advance(prize.Packed, first.ID)
	require.Empty(t, s.mails, "nothing has left")
	advance(prize.Shipped, first.ID, first.ID)
	advance(prize.Shipped, first.ID, second.ID)
	require.Len(t, s.mails, 2, "once each, however often it is said")
	require.Equal(t, access.From(hanako).ID.String()+"@example.jp", s.mails[0].To.Email)
	require.Equal(t, "【のれんペット】景品を発送しました（陶器のボウル）", read(0).Subject)
	require.Equal(t, "会員 様\n\n景品「陶器のボウル」（2点）を発送しました。\n\n配送業者：ヤマト運輸\nお問い合わせ番号：1234-5678\n", read(0).Text)
	require.Equal(t, "[のれんペット] Your prize is on its way: 陶器のボウル", read(1).Subject)
	require.Equal(t, "Dear John,\n\nYour prize “陶器のボウル” (× 1) has been shipped.\n\nCarrier: ヤマト運輸\nTracking number: 1234-5678\n", read(1).Text)
	advance(prize.Delivered, first.ID)
	require.Len(t, s.mails, 3)
	require.Equal(t, "【のれんペット】景品をお届けしました（陶器のボウル）", read(2).Subject)
	require.NotEqual(t, s.mails[0].Key, s.mails[2].Key)
}

func TestWhoWasErasedIsNotWrittenTo(t *testing.T) {
	t.Parallel()
	s := openStall(t)
	m := s.joined(t, 500)
	e, err := s.Exchange(m, s.ask(s.prize(t, 1, nil), 1))
	require.NoError(t, err)
	s.exec(t, `UPDATE members SET erased_at = now() WHERE id = $1`, access.From(m).ID)
	_, err = s.Advance(s.admin(), prize.AdvanceInput{To: prize.Shipped, Moves: []prize.Move{{ExchangeID: e.ID}}})
	require.NoError(t, err)
	require.Empty(t, s.mails)
}
