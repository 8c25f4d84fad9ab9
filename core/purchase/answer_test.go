package purchase_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

const nobodys = "2999999999999"

// meanwhile begins f in a transaction, lets other run until it is done or waits for the
// transaction, and ends both.
func (s *till) meanwhile(t *testing.T, f, other func(ctx context.Context) error) {
	t.Helper()
	begun, proceed, results := make(chan struct{}), make(chan struct{}), make(chan error, 2)
	go func() {
		results <- s.DB.InTx(s.office(t), func(ctx context.Context) error {
			err := f(ctx)
			close(begun)
			<-proceed
			return err
		})
	}()
	<-begun
	go func() { results <- other(s.office(t)) }()
	require.Eventually(t, func() bool {
		return len(results) > 0 || pgtest.Waits(t, s.DB)
	}, 10*time.Second, 10*time.Millisecond)
	close(proceed)
	for range 2 {
		require.NoError(t, <-results)
	}
}

func (s *till) problem(t testing.TB, kind purchase.ProblemKind) (key uuid.UUID) {
	return get[uuid.UUID](t, s, `SELECT id FROM purchase_problems WHERE kind = $1 AND state = 'OPEN'`, kind)
}

// says answers what the card or the code is.
func (s *till) says(in purchase.ResolveInput) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		_, err := s.Resolve(ctx, in)
		return err
	}
}

// takes takes in a receipt with a card and a code that nobody knows.
func (s *till) takes(number string) func(ctx context.Context) error {
	row := fmt.Sprintf("shibuya,1,%s,%s,%s,1,who-knows,謎,1,500\n", number, yesterday(), nobodys)
	return func(ctx context.Context) error {
		_, err := s.Upload(ctx, purchase.UploadInput{FileName: number + ".csv", File: strings.NewReader(heading + row)})
		return err
	}
}

// Whichever comes first, the receipt is the member's and of the goods.
func TestAJournalAndAnAnswerAtOnceFindEachOther(t *testing.T) {
	t.Parallel()
	for name, answerFirst := range map[string]bool{"the journal first": false, "the answer first": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTill(t)
			require.NoError(t, s.takes("1")(s.office(t)))
			for n, in := range []purchase.ResolveInput{
				{ProblemID: s.problem(t, purchase.UnknownMember), MemberID: &s.member}, {ProblemID: s.problem(t, purchase.UnknownProduct), VariantID: &s.goods.Variants[0]},
			} {
				first, second := s.takes(fmt.Sprint(2+n)), s.says(in)
				if answerFirst {
					first, second = second, first
				}
				s.meanwhile(t, first, second)
			}
			require.Equal(t, 3, get[int](t, s, `SELECT count(*) FROM purchases WHERE member_id = $1`, s.member))
			require.Equal(t, 3, get[int](t, s, `SELECT count(*) FROM purchase_lines WHERE member_id = $1 AND variant_id = $2`, s.member, s.goods.Variants[0]))
			require.Len(t, s.earned, 3)
		})
	}
}

func TestAReceiptAcceptedWithACardThatNobodyHasIsAskedFor(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.slip(t, "1", "", 1, 1980)
	s.slip(t, "1", nobodys, 2, 3960)
	desk := s.desk(t)
	_, err := s.Resolve(desk, purchase.ResolveInput{ProblemID: s.problem(t, purchase.OtherContent), Accept: true})
	require.NoError(t, err)
	open, err := s.Problems(desk, purchase.ProblemOpen, page.Args{})
	require.NoError(t, err)
	require.Len(t, open.Nodes(), 1)
	require.Equal(t, []any{purchase.UnknownMember, nobodys}, []any{open.Nodes()[0].Kind, open.Nodes()[0].Value})
	require.NoError(t, s.says(purchase.ResolveInput{ProblemID: open.Nodes()[0].ID, MemberID: &s.member})(desk))
	require.Equal(t, s.member, get[uuid.UUID](t, s, `SELECT member_id FROM purchases`))

	s.slip(t, "2", "", 1, 1980)
	s.slip(t, "2", nobodys, 2, 3960)
	_, err = s.Resolve(desk, purchase.ResolveInput{ProblemID: s.problem(t, purchase.OtherContent), Accept: true})
	require.NoError(t, err)
	require.Equal(t, 2, get[int](t, s, `SELECT count(*) FROM purchases WHERE member_id = $1`, s.member), "what staff have said of the card holds")
	require.Zero(t, get[int](t, s, `SELECT count(*) FROM purchase_problems WHERE state = 'OPEN'`))
}
