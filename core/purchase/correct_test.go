package purchase_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/idempotency"
	"github.com/noren-commerce/noren/core/page"
	"github.com/noren-commerce/noren/core/purchase"
	"github.com/noren-commerce/noren/storage/postgres"
)

// yesterday is a business day of late, as a journal writes it.
func yesterday() string { return time.Now().UTC().AddDate(0, 0, -1).Format("2006/01/02") }

// slip is one receipt of one line of the shop's, of yesterday.
func (s *till) slip(t testing.TB, number, card string, pieces, yen int) *purchase.Import {
	s.sent++ // blank lines make another file of it
	return s.upload(t, fmt.Sprintf("shibuya,1,%s,%s,%s,1,lead-1,リード,%d,%d\n", number, yesterday(), card, pieces, yen)+strings.Repeat("\n", s.sent))
}

func (s *till) desk(t testing.TB) context.Context {
	return s.as(t, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PurchaseWrite, access.PurchaseCorrect, access.MemberRead}})
}

func (s *till) clerk(t testing.TB, stores ...uuid.UUID) context.Context {
	return s.as(t, access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: []access.Permission{access.PurchaseCorrect, access.MemberRead}, Stores: stores})
}

func (s *till) correction(t testing.TB, number string) purchase.CorrectionInput {
	return purchase.CorrectionInput{IdempotencyKey: id.New().String(), PurchaseID: get[uuid.UUID](t, s, `SELECT id FROM purchases WHERE receipt = $1`, number), Reason: "打ち間違い"}
}

// another is a member with a card.
func (s *till) another(t testing.TB, number string) uuid.UUID {
	m := id.New()
	s.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, m)
	s.exec(t, `INSERT INTO memberships (member_id, brand_id, joined_at) VALUES ($1, $2, now())`, m, s.BrandID)
	s.exec(t, `INSERT INTO member_cards (id, number, member_id, brand_id, kind, state, issued_at) VALUES ($1, $2, $3, $4, 'PHYSICAL', 'ACTIVE', now())`, id.New(), number, m, s.BrandID)
	return m
}

func TestWhoMayMoveAReceiptToWhom(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	other := s.another(t, "2911111111127")
	s.slip(t, "1", s.card, 1, 1980)
	move := func(ctx context.Context, in purchase.MoveInput) error {
		in.CorrectionInput = s.correction(t, "1")
		_, err := s.Move(ctx, in)
		return err
	}
	desk, clerk := s.desk(t), s.clerk(t, s.store)
	require.ErrorIs(t, move(desk, purchase.MoveInput{}), purchase.ErrReceiver)
	require.ErrorIs(t, move(desk, purchase.MoveInput{MemberID: &other, Nobody: true}), purchase.ErrReceiver)
	require.ErrorIs(t, move(desk, purchase.MoveInput{MemberID: &s.member}), purchase.ErrSame)
	require.ErrorIs(t, move(desk, purchase.MoveInput{CardNumber: "9999"}), purchase.ErrNoMember)
	require.ErrorIs(t, move(s.clerk(t, id.New()), purchase.MoveInput{MemberID: &other}), purchase.ErrOtherShop)
	require.ErrorIs(t, move(s.office(t), purchase.MoveInput{MemberID: &other}), fault.ErrForbidden, "taking journals in is another thing")
	require.ErrorIs(t, move(s.as(t, access.Actor{Role: access.RolePartner, ID: id.New(), Permissions: access.Permissions}), purchase.MoveInput{MemberID: &other}), fault.ErrForbidden)
	s.masked = true
	require.ErrorIs(t, move(clerk, purchase.MoveInput{MemberID: &other}), fault.ErrForbidden, "a shop gives to whom it may see")
	require.NoError(t, move(clerk, purchase.MoveInput{CardNumber: "2911111111127"}), "or to who shows a card")
	require.NoError(t, move(clerk, purchase.MoveInput{MemberCode: "noren:member:x"}), "or a code")
	require.NoError(t, move(clerk, purchase.MoveInput{Nobody: true}))
	s.masked = false
	for column, value := range map[string]string{"erased_at": "now()", "merged_into": "'" + s.member.String() + "'"} {
		s.exec(t, `UPDATE members SET `+column+` = `+value+` WHERE id = $1`, other)
		require.ErrorIs(t, move(desk, purchase.MoveInput{MemberID: &other}), purchase.ErrNoMember, column)
		s.exec(t, `UPDATE members SET `+column+` = NULL WHERE id = $1`, other)
	}
	in := purchase.MoveInput{CorrectionInput: s.correction(t, "1"), MemberID: &other}
	in.Reason = ""
	_, err := s.Move(desk, in)
	require.ErrorIs(t, err, fault.ErrRequired)
	in.Reason, in.IdempotencyKey = "x", "short"
	_, err = s.Move(desk, in)
	require.ErrorIs(t, err, idempotency.ErrKey)
	require.Len(t, s.corrected, 3)
}

func TestSumsRanksAndMailingsFollowAMove(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	other := s.another(t, "2911111111127")
	s.slip(t, "1", s.card, 2, 3960)
	s.exec(t, `UPDATE memberships SET rank_due_on = NULL`)
	s.exec(t, `DELETE FROM statistic_marks`)
	in := purchase.MoveInput{CorrectionInput: s.correction(t, "1"), MemberID: &other}
	desk := s.desk(t)
	for range 2 { // the same intent moves once
		p, err := s.Move(desk, in)
		require.NoError(t, err)
		require.Equal(t, other, *p.MemberID)
	}
	require.Len(t, s.corrected, 1)
	require.Equal(t, other, get[uuid.UUID](t, s, `SELECT member_id FROM purchase_sums`))
	require.Equal(t, other, get[uuid.UUID](t, s, `SELECT DISTINCT member_id FROM purchase_lines`))
	require.Equal(t, 2, get[int](t, s, `SELECT count(*) FROM memberships WHERE rank_due_on IS NOT NULL`))
	require.Zero(t, get[int](t, s, `SELECT count(*) FROM statistic_marks`), "the day's figures are the same")
	require.Equal(t, 1, get[int](t, s, `SELECT count(*) FROM events WHERE type = 'purchase.corrected'`))
	require.Equal(t, 2, get[int](t, s, `SELECT count(DISTINCT subject_id) FROM events WHERE type = 'member.purchase_corrected' AND subject = 'Member'`), "both timelines tell")
	require.Zero(t, get[int](t, s, `SELECT count(*) FROM events WHERE subject_id = $1 AND data::text LIKE '%' || $2 || '%'`, s.member, other.String()), "and name nobody else")
	of, err := s.Corrections(desk, []uuid.UUID{in.PurchaseID})
	require.NoError(t, err)
	require.Len(t, of, 1)
	require.Equal(t, []any{purchase.Moved, s.member, other, "打ち間違い"}, []any{of[0].Kind, *of[0].FromID, *of[0].ToID, of[0].Reason})
	in.IdempotencyKey, in.MemberID, in.Nobody = id.New().String(), nil, true
	_, err = s.Move(desk, in)
	require.NoError(t, err)
	require.Equal(t, 1, get[int](t, s, `SELECT count(*) FROM statistic_marks`), "without a member they are others")
	s.exec(t, `INSERT INTO purchase_problems (id, brand_id, kind, value, state, created_at) VALUES (gen_random_uuid(), $1, 'MEMBER', $2, 'OPEN', now())`, s.BrandID, s.card)
	_, err = s.Resolve(s.office(t), purchase.ResolveInput{ProblemID: get[uuid.UUID](t, s, `SELECT id FROM purchase_problems`), MemberID: &s.member})
	require.NoError(t, err)
	require.True(t, get[bool](t, s, `SELECT member_id IS NULL FROM purchases`), "what staff took away is not given back by its card")
}

func TestLinesAreCorrected(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.slip(t, "1", s.card, 2, 3960)
	s.exec(t, `DELETE FROM statistic_marks`)
	desk := s.desk(t)
	line := func(code string, n int, yen int64) purchase.ReceiptLine {
		return purchase.ReceiptLine{Code: code, Name: "品", Quantity: n, Amount: decimal.NewFromInt(yen)}
	}
	correct := func(lines ...purchase.ReceiptLine) (*purchase.Purchase, error) {
		return s.Correct(desk, purchase.CorrectInput{CorrectionInput: s.correction(t, "1"), Lines: lines})
	}
	for name, wrong := range map[string][]purchase.ReceiptLine{
		"none": nil, "no code": {line("", 1, 1)}, "no piece": {line("x", 0, 1)}, "too many": make([]purchase.ReceiptLine, 501),
		"half a yen": {{Code: "x", Quantity: 1, Amount: decimal.RequireFromString("0.5")}},
	} {
		_, err := correct(wrong...)
		require.ErrorIs(t, err, purchase.ErrLines, name)
	}
	_, err := correct(line("lead-1", 2, 3960))
	require.ErrorIs(t, err, purchase.ErrSame)
	p, err := correct(line("lead-1", 1, 1980), line("4900000000001", 1, 500))
	require.NoError(t, err)
	require.Equal(t, []any{2, int64(2480)}, []any{p.Items, p.TotalMinor})
	require.Equal(t, "lead-1 1 1980 true, 4900000000001 1 500 false", get[string](t, s, `
		SELECT string_agg(concat_ws(' ', code, quantity, amount, CASE WHEN variant_id IS NULL THEN 'false' ELSE 'true' END), ', ' ORDER BY position) FROM purchase_lines WHERE member_id = $1 AND store_id = $2`, s.member, s.store))
	require.Equal(t, int64(2480), get[int64](t, s, `SELECT total FROM purchase_sums`))
	require.Equal(t, 1, get[int](t, s, `SELECT count(*) FROM statistic_marks`))
	require.Equal(t, "PRODUCT 4900000000001", get[string](t, s, `SELECT string_agg(kind || ' ' || value, ',') FROM purchase_problems`), "what nobody knows goes on the work list")
	of, err := s.Corrections(desk, []uuid.UUID{p.ID})
	require.NoError(t, err)
	require.Equal(t, []any{2, int64(3960), "lead-1", 2, 2, int64(2480)}, []any{of[0].ItemsBefore, of[0].TotalBefore, of[0].LinesBefore[0].Code, of[0].LinesBefore[0].Quantity, len(of[0].LinesAfter), of[0].TotalAfter})
	again := s.slip(t, "1", s.card, 2, 3960)
	require.Equal(t, []int{0, 1, 0}, []int{again.Receipts, again.Repeated, again.Differing}, "what the till said before is a repeat still")
}

func TestAVoidedReceiptIsGone(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.slip(t, "1", s.card, 1, 1980)
	s.slip(t, "2", s.card, 1, 1000)
	s.exec(t, `DELETE FROM statistic_marks`)
	_, err := s.Void(s.clerk(t, id.New()), purchase.VoidInput{CorrectionInput: s.correction(t, "1")})
	require.ErrorIs(t, err, purchase.ErrOtherShop)
	_, err = s.Void(s.clerk(t, s.store), purchase.VoidInput{CorrectionInput: s.correction(t, "1")})
	require.NoError(t, err)
	require.Equal(t, int64(1000), get[int64](t, s, `SELECT sum(total)::bigint FROM purchase_sums`))
	require.Equal(t, 1, get[int](t, s, `SELECT count(*) FROM statistic_marks`))
	_, err = postgres.NewStatistics(s.DB).CountDays(s.as(t, access.System))
	require.Error(t, err, "a transaction is needed")
	require.NoError(t, s.DB.InTx(s.as(t, access.System), func(ctx context.Context) error {
		_, err := postgres.NewStatistics(s.DB).CountDays(ctx)
		return err
	}))
	require.Equal(t, "1 1000 1", get[string](t, s, `SELECT concat_ws(' ', receipts, total, member_receipts) FROM daily_statistics`))
	mine, err := s.Mine(s.as(t, access.Actor{Role: access.RoleMember, ID: s.member}), page.Args{})
	require.NoError(t, err)
	require.Len(t, mine.Nodes(), 1)
	theirs, err := s.OfMember(s.office(t), s.member, page.Args{})
	require.NoError(t, err)
	require.Len(t, theirs.Nodes(), 2, "staff see it as void")
	_, err = s.Move(s.desk(t), purchase.MoveInput{CorrectionInput: s.correction(t, "1"), Nobody: true})
	require.ErrorIs(t, err, purchase.ErrVoided)
	again := s.slip(t, "1", s.card, 1, 1980)
	require.Equal(t, []int{0, 1}, []int{again.Receipts, again.Repeated})
}

func TestWhatIsNotCorrected(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.slip(t, "1", s.card, 1, 1980)
	s.upload(t, "shibuya,1,2,2020/01/31,,1,lead-1,リード,1,1980\n")
	void := func(number string) error {
		_, err := s.Void(s.desk(t), purchase.VoidInput{CorrectionInput: s.correction(t, number)})
		return err
	}
	require.ErrorIs(t, void("2"), purchase.ErrOld)
	s.exec(t, `UPDATE purchases SET order_id = gen_random_uuid() WHERE receipt = '1'`)
	require.ErrorIs(t, void("1"), purchase.ErrOnline)
	s.exec(t, `UPDATE purchases SET order_id = NULL, brand_id = gen_random_uuid() WHERE receipt = '1'`)
	require.ErrorIs(t, void("1"), fault.ErrNotFound, "of another brand")
	s.exec(t, `UPDATE purchases SET brand_id = $1 WHERE receipt = '1'`, s.BrandID)
}

func TestAReceiptIsFoundByWhatIsPrintedOnIt(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.slip(t, "1", s.card, 1, 1980)
	day := time.Now().UTC().AddDate(0, 0, -1).Truncate(24 * time.Hour)
	k := purchase.ReceiptKey{StoreID: s.store, Till: "1", Receipt: "1", BoughtOn: day}
	p, err := s.ByReceipt(s.clerk(t, s.store), k)
	require.NoError(t, err)
	require.NotNil(t, p)
	_, err = s.ByReceipt(s.clerk(t, id.New()), k)
	require.ErrorIs(t, err, purchase.ErrOtherShop)
	k.Receipt = "2"
	p, err = s.ByReceipt(s.desk(t), k)
	require.NoError(t, err)
	require.Nil(t, p)
	k.BoughtOn = day.AddDate(0, 0, 9)
	_, err = s.ByReceipt(s.desk(t), k)
	require.Error(t, err, "a day to come")
}

func TestAReceiptThatComesAgainWithOtherLines(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	other := s.another(t, "2911111111127")
	s.slip(t, "1", s.card, 2, 3960)
	s.exec(t, `UPDATE purchases SET content = NULL`) // as before there were digests
	two := func(first, second string) *purchase.Import {
		return s.upload(t, fmt.Sprintf("shibuya,1,1,%[1]s,%[2]s,2,%[3]s\nshibuya,1,1,%[1]s,%[2]s,2,%[4]s\n", yesterday(), "2911111111127", first, second))
	}
	same := s.upload(t, fmt.Sprintf("shibuya,1,1,%s,%s,1,lead-1,別の名,2,3960\nshibuya,1,9,%s,,1,lead-1,,1,1980\n", yesterday(), s.card, yesterday()))
	require.Equal(t, []int{1, 1, 0}, []int{same.Receipts, same.Repeated, same.Differing}, "a name is no other content")
	came := two("lead-1,リード,1,1980", "gum,ガム,1,150")
	require.Equal(t, []int{0, 0, 1}, []int{came.Receipts, came.Repeated, came.Differing})
	again := two("gum,ガム,1,150", "lead-1,リード,1,1980")
	require.Equal(t, 1, again.Differing, "in another order it is the same")
	require.Equal(t, int64(3960), get[int64](t, s, `SELECT total FROM purchases WHERE receipt = '1'`), "nothing changes by itself")
	desk := s.desk(t)
	problems, err := s.Problems(desk, purchase.ProblemOpen, page.Args{})
	require.NoError(t, err)
	require.Len(t, problems.Nodes(), 1)
	p := problems.Nodes()[0]
	require.Equal(t, []any{purchase.OtherContent, "1", "2911111111127", 2}, []any{p.Kind, p.Value, p.CardNumber, len(p.Lines)})
	was, err := s.Lines(desk, []uuid.UUID{*p.PurchaseID})
	require.NoError(t, err)
	differ := purchase.Differences(was, p.Lines)
	require.Len(t, differ, 2)
	require.Equal(t, []any{"lead-1", 2, 1, int64(3960), int64(1980)}, []any{differ[0].Code, differ[0].Was, differ[0].Came, differ[0].WasAmount().Minor, differ[0].CameAmount().Minor})
	require.Equal(t, []any{"gum", 0, 1}, []any{differ[1].Code, differ[1].Was, differ[1].Came})

	_, err = s.Resolve(desk, purchase.ResolveInput{ProblemID: p.ID, MemberID: &other})
	require.ErrorIs(t, err, purchase.ErrAnswer)
	_, err = s.Resolve(s.office(t), purchase.ResolveInput{ProblemID: p.ID, Accept: true})
	require.ErrorIs(t, err, fault.ErrForbidden, "it is a correction")
	_, err = s.Resolve(desk, purchase.ResolveInput{ProblemID: p.ID, Accept: true})
	require.NoError(t, err)
	_, err = s.Resolve(desk, purchase.ResolveInput{ProblemID: p.ID, Accept: true})
	require.ErrorIs(t, err, purchase.ErrSettled)
	require.Equal(t, "2 2130", get[string](t, s, `SELECT concat_ws(' ', items, total) FROM purchases WHERE receipt = '1' AND member_id = $1`, other), "and it is whose card came with it")
	require.Equal(t, []int{0, 1, 0}, counted(two("lead-1,リード,1,1980", "gum,ガム,1,150\n")), "now it is a repeat")
	require.Equal(t, 1, s.slip(t, "1", s.card, 2, 3960).Differing)
	require.Zero(t, get[int](t, s, `SELECT count(*) FROM purchase_problems WHERE kind = 'RECEIPT' AND state = 'OPEN'`), "what it was is dealt with")
	require.Len(t, s.corrected, 2)
}

func counted(i *purchase.Import) []int { return []int{i.Receipts, i.Repeated, i.Differing} }

func TestAReceiptDismissedComesNoMore(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.slip(t, "1", s.card, 2, 3960)
	pos := s.as(t, access.Actor{Role: access.RolePartner, ID: id.New(), Permissions: []access.Permission{access.PurchaseWrite}})
	send := func(yen int64) *purchase.Import {
		day := time.Now().UTC().AddDate(0, 0, -1).Truncate(24 * time.Hour)
		i, err := s.Record(pos, purchase.RecordInput{Receipts: []purchase.Receipt{{Store: "shibuya", Till: "1", Receipt: "1", BoughtOn: day, CardNumber: s.card,
			Lines: []purchase.ReceiptLine{{Code: "lead-1", Quantity: 2, Amount: decimal.NewFromInt(yen)}}}}})
		require.NoError(t, err)
		return i
	}
	require.Equal(t, []int{0, 1, 0}, counted(send(3960)), "by file and by API alike")
	require.Equal(t, []int{0, 0, 1}, counted(send(4000)))
	desk := s.desk(t)
	_, err := s.Resolve(desk, purchase.ResolveInput{ProblemID: get[uuid.UUID](t, s, `SELECT id FROM purchase_problems WHERE kind = 'RECEIPT'`), Ignore: true})
	require.NoError(t, err)
	require.Equal(t, []int{0, 0, 1}, counted(send(4000)))
	require.Zero(t, get[int](t, s, `SELECT count(*) FROM purchase_problems WHERE state = 'OPEN'`))
	require.Equal(t, []int{0, 0, 1}, counted(send(4100)))
	require.Equal(t, 1, get[int](t, s, `SELECT count(*) FROM purchase_problems WHERE state = 'OPEN'`), "another content is another question")
	_, err = s.Void(desk, purchase.VoidInput{CorrectionInput: s.correction(t, "1")})
	require.NoError(t, err)
	_, err = s.Resolve(desk, purchase.ResolveInput{ProblemID: get[uuid.UUID](t, s, `SELECT id FROM purchase_problems WHERE state = 'OPEN'`), Accept: true})
	require.ErrorIs(t, err, purchase.ErrVoided)
}

func TestVoidedByManyAtOnceItIsVoidedOnce(t *testing.T) {
	t.Parallel()
	s := newTill(t)
	s.slip(t, "1", s.card, 1, 1980)
	desk := s.desk(t)
	var group sync.WaitGroup
	for range 6 {
		in := s.correction(t, "1")
		group.Go(func() {
			if _, err := s.Void(desk, purchase.VoidInput{CorrectionInput: in}); err != nil {
				require.ErrorIs(t, err, purchase.ErrVoided)
			}
		})
	}
	group.Wait()
	require.Len(t, s.corrected, 1)
	require.Equal(t, 1, get[int](t, s, `SELECT count(*) FROM purchase_corrections`))
}
