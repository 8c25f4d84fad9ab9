package resolvers_test

import (
	"encoding/csv"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/draw"
	"github.com/noren-commerce/noren/core/id"
)

// fetched is what a plain address answers.
func fetched(t testing.TB, address string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	require.NoError(t, err)
	answer, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(body)
}

func TestAPrizeThatIsACodeIsUsedAtATill(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 1000)
	var issued struct {
		IssueVouchers struct {
			Batch      *struct{ ID, State string }
			UserErrors []userError
		}
	}
	issue := `mutation($input: IssueVouchersInput!) { issueVouchers(input: $input) { batch { id state } userErrors { code field message } } }`
	s.DoAs(t, pointAdmin, issue, in(apptest.Variables{"idempotencyKey": s.key(), "name": "交換用", "count": 2, "amount": "500", "forPrizes": true})).Into(t, &issued)
	require.Empty(t, issued.IssueVouchers.UserErrors)
	batch := issued.IssueVouchers.Batch.ID
	require.NoError(t, s.App.App.Resolvers.Vouchers.Make(access.With(t.Context(), access.System), keyOf(t, batch)))
	p := s.prize(t, apptest.Variables{"kind": "VOUCHER", "batchId": batch, "stock": 2})
	exec(t, s.App, `UPDATE prizes SET stock = 5 WHERE id = $1`, keyOf(t, p)) // as if codes had been voided since
	done := b.exchange(t, p, apptest.Variables{"address": nil})
	require.Empty(t, done.UserErrors)
	require.Equal(t, "DELIVERED", done.Exchange.State, "the member has it at once")
	require.Equal(t, "PRIZE_UNKNOWN", b.exchange(t, id.Global("Prize", uuid.New()), nil).code())
	require.Empty(t, b.exchange(t, p, apptest.Variables{"address": nil}).UserErrors)
	require.Equal(t, "VOUCHER_NONE_LEFT", b.exchange(t, p, apptest.Variables{"address": nil}).code(), "there are no more codes")
	require.Equal(t, 400, b.has(t).Usable)
	var mine struct {
		MyVouchers []struct {
			Code, State string
			Balance     struct{ Amount string }
		}
	}
	b.do(t, `{ myVouchers { code state balance { amount } } }`, nil).Into(t, &mine)
	require.Len(t, mine.MyVouchers, 2)
	require.NotEqual(t, mine.MyVouchers[0].Code, mine.MyVouchers[1].Code)

	till := access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: []access.Permission{access.VoucherRedeem}}
	var used struct {
		RedeemVoucher struct {
			Amount     *struct{ Amount string }
			Voucher    *struct{ State string }
			UserErrors []userError
		}
	}
	redeem := `mutation($input: RedeemVoucherInput!) { redeemVoucher(input: $input) { amount { amount } voucher { state } userErrors { code field message } } }`
	s.DoAs(t, till, redeem, in(apptest.Variables{"idempotencyKey": s.key(), "code": mine.MyVouchers[0].Code, "amount": "200", "place": "SHOP", "reference": "R-1"})).Into(t, &used)
	require.Empty(t, used.RedeemVoucher.UserErrors)
	require.Equal(t, []string{"200", "PART_REDEEMED"}, []string{used.RedeemVoucher.Amount.Amount, used.RedeemVoucher.Voucher.State})
	s.DoAs(t, till, redeem, in(apptest.Variables{"idempotencyKey": s.key(), "code": mine.MyVouchers[0].Code, "amount": "301", "place": "SHOP"})).Into(t, &used)
	require.Equal(t, "VOUCHER_SHORT", used.RedeemVoucher.UserErrors[0].Code)

	s.DoAs(t, pointAdmin, issue, in(apptest.Variables{"idempotencyKey": s.key(), "name": "配布用", "count": 3})).Into(t, &issued)
	batch = issued.IssueVouchers.Batch.ID
	export := `mutation($b: ID!) { exportVouchers(input: {batchId: $b}) { url userErrors { code field message } } }`
	var told struct {
		ExportVouchers struct {
			URL        *string
			UserErrors []userError
		}
	}
	s.DoAs(t, pointAdmin, export, apptest.Variables{"b": batch}).Into(t, &told)
	require.Equal(t, "VOUCHER_NOT_READY", told.ExportVouchers.UserErrors[0].Code)
	require.NoError(t, s.App.App.Resolvers.Vouchers.Make(access.With(t.Context(), access.System), keyOf(t, batch)))
	s.DoAs(t, pointAdmin, export, apptest.Variables{"b": batch}).Into(t, &told)
	require.Empty(t, told.ExportVouchers.UserErrors)
	address := s.URL + (*told.ExportVouchers.URL)[strings.Index(*told.ExportVouchers.URL, "/voucher-codes/"):]
	status, text := fetched(t, address)
	require.Equal(t, http.StatusOK, status, text)
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 4)
	status, _ = fetched(t, address)
	require.NotEqual(t, http.StatusOK, status, "told once")
	s.DoAs(t, till, redeem, in(apptest.Variables{"idempotencyKey": s.key(), "code": rows[1][0], "place": "EVENT"})).Into(t, &used)
	require.Empty(t, used.RedeemVoucher.UserErrors)
	s.DoAs(t, till, redeem, in(apptest.Variables{"idempotencyKey": s.key(), "code": rows[1][0], "place": "EVENT"})).Into(t, &used)
	require.Equal(t, "VOUCHER_USED", used.RedeemVoucher.UserErrors[0].Code)
}

type drawSeen struct {
	ID, State string
	Proof     struct {
		Algorithm, Commitment string
		Digest, Seed, ListURL *string
		Entries               *int
	}
	Winners []struct {
		ID, Entry, Outcome, PrizeName string
		Rank                          *int
	}
}

func TestAnyoneChecksADrawByWhatTheSchemaTells(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b, other := s.buyer(t, 1000), s.buyer(t, 1000)
	p := s.prize(t, apptest.Variables{"points": 0})
	now := time.Now().UTC()
	var saved struct {
		SaveDraw struct {
			Draw       *struct{ ID string }
			UserErrors []userError
		}
	}
	s.DoAs(t, pointAdmin, `mutation($input: SaveDrawInput!) { saveDraw(input: $input) { draw { id } userErrors { code field message } } }`, in(apptest.Variables{
		"idempotencyKey": s.key(),
		"programmeId":    s.own, "name": ja("大抽選会"), "points": 10, "maxEntries": 3, "runnersUp": 1, "opensAt": now.Add(-time.Hour), "closesAt": now.Add(time.Hour), "drawsAt": now.Add(time.Hour),
		"ranks": []apptest.Variables{{"prizeId": p, "count": 1}},
	})).Into(t, &saved)
	require.Empty(t, saved.SaveDraw.UserErrors)
	key := saved.SaveDraw.Draw.ID
	enter := func(c *collector, n int) []userError {
		var got struct {
			EnterDraw struct {
				Entries    []struct{ Number string }
				UserErrors []userError
			}
		}
		c.do(t, `mutation($input: EnterDrawInput!) { enterDraw(input: $input) { entries { number } userErrors { code field message } } }`,
			in(apptest.Variables{"idempotencyKey": s.key(), "drawId": key, "count": n, "points": 10 * n})).Into(t, &got)
		return got.EnterDraw.UserErrors
	}
	require.Empty(t, enter(b, 2))
	require.Empty(t, enter(other, 1))
	require.Equal(t, "DRAW_LIMIT", enter(b, 2)[0].Code)
	require.Equal(t, 980, b.has(t).Usable)
	seen := func() drawSeen {
		var got struct{ Draws struct{ Nodes []drawSeen } }
		s.Do(t, `{ draws { nodes { id state proof { algorithm commitment digest seed listUrl entries } winners { id entry outcome prizeName rank } } } }`, nil).Into(t, &got)
		require.Len(t, got.Draws.Nodes, 1)
		return got.Draws.Nodes[0]
	}
	open := seen()
	require.Nil(t, open.Proof.Seed)
	require.Nil(t, open.Proof.Digest)
	exec(t, s.App, `UPDATE draws SET opens_at = now() - interval '3 hours', closes_at = now() - interval '1 second', draws_at = now() - interval '1 second'`)
	require.Equal(t, "DRAW_CLOSED", enter(b, 1)[0].Code)
	require.NoError(t, s.App.App.Resolvers.Draws.Turn(t.Context()))
	require.NoError(t, s.App.App.Resolvers.Draws.Turn(t.Context()))
	drawn := seen()
	require.Equal(t, "DRAWN", drawn.State)
	require.Equal(t, open.Proof.Commitment, drawn.Proof.Commitment)
	require.Len(t, drawn.Winners, 2)
	status, list := fetched(t, s.URL+(*drawn.Proof.ListURL)[strings.Index(*drawn.Proof.ListURL, draw.ListPath):])
	require.Equal(t, http.StatusOK, status, list)
	proof := draw.Proof{Algorithm: drawn.Proof.Algorithm, Commitment: drawn.Proof.Commitment, Digest: *drawn.Proof.Digest, Entries: *drawn.Proof.Entries, Seed: *drawn.Proof.Seed}
	for _, w := range drawn.Winners {
		proof.Called = append(proof.Called, w.Entry)
	}
	require.NoError(t, proof.Verify(strings.NewReader(list)))
	var mails int
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE kind = 'send_message' AND args->>'key' LIKE 'draw_won/%'`).Scan(&mails))
	require.Equal(t, 1, mails)
	wins := 0
	for _, c := range []*collector{b, other} {
		var mine struct {
			MyWins []struct{ ID, PrizeName string }
		}
		c.do(t, `{ myWins { id prizeName } }`, nil).Into(t, &mine)
		for _, w := range mine.MyWins {
			wins++
			var answered struct {
				AnswerWin struct {
					Win        *struct{ Outcome string }
					UserErrors []userError
				}
			}
			answer := `mutation($input: AnswerWinInput!) { answerWin(input: $input) { win { outcome } userErrors { code field message } } }`
			c.do(t, answer, in(apptest.Variables{"idempotencyKey": s.key(), "winnerId": w.ID, "accept": true})).Into(t, &answered)
			require.Equal(t, "PRIZE_ADDRESS_REQUIRED", answered.AnswerWin.UserErrors[0].Code)
			c.do(t, answer, in(apptest.Variables{"idempotencyKey": s.key(), "winnerId": w.ID, "accept": true, "address": newAddress("山田 花子")})).Into(t, &answered)
			require.Empty(t, answered.AnswerWin.UserErrors)
			require.Equal(t, "ACCEPTED", answered.AnswerWin.Win.Outcome)
		}
	}
	require.Equal(t, 1, wins)
}

func TestStaffCancelADraw(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 1000)
	p := s.prize(t, apptest.Variables{"points": 0, "stock": 2})
	now := time.Now().UTC()
	made := s.tells(t, pointAdmin, "saveDraw", "draw { id description }", apptest.Variables{
		"programmeId": s.own, "name": ja("大抽選会"), "points": 10, "maxEntries": 3, "opensAt": now.Add(-time.Hour), "closesAt": now.Add(time.Hour), "drawsAt": now.Add(time.Hour),
		"ranks": []apptest.Variables{{"prizeId": p, "count": 2}},
	})
	require.Empty(t, made.UserErrors)
	enter := func() answered {
		var got map[string]answered
		b.do(t, pointMutation("enterDraw", ""), in(apptest.Variables{"idempotencyKey": s.key(), "drawId": made.Draw.ID, "count": 2, "points": 20})).Into(t, &got)
		return got["enterDraw"]
	}
	require.Empty(t, enter().UserErrors)
	require.Equal(t, []int{980, 0}, []int{b.has(t).Usable, s.stock(t, p)})
	cancel := func(actor access.Actor, more apptest.Variables) answered {
		input := apptest.Variables{"idempotencyKey": s.key(), "drawId": made.Draw.ID, "reason": "賞品をご用意できないため"}
		for name, value := range more {
			input[name] = value
		}
		return s.tells(t, actor, "cancelDraw", "draw { id }", input)
	}
	require.Equal(t, "REQUIRED", cancel(pointAdmin, apptest.Variables{"reason": ""}).code())
	require.Equal(t, "DRAW_UNKNOWN", cancel(pointAdmin, apptest.Variables{"drawId": id.Global("Draw", uuid.New())}).code())
	reader := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.PrizeRead}}
	require.NotEmpty(t, s.DoAs(t, reader, pointMutation("cancelDraw", ""), in(apptest.Variables{"idempotencyKey": s.key(), "drawId": made.Draw.ID, "reason": "x"})).Code())
	require.Empty(t, cancel(pointAdmin, nil).UserErrors)
	require.Equal(t, "DRAW_CANCELLED", cancel(pointAdmin, nil).code())
	require.Equal(t, "DRAW_CANCELLED", enter().code())
	require.Equal(t, 2, s.stock(t, p))
	require.NoError(t, s.App.App.Resolvers.Draws.Turn(t.Context()))
	require.Equal(t, 1000, b.has(t).Usable)
	var seen struct {
		Draws struct {
			Nodes []struct {
				State, Reason string
				CancelledAt   *time.Time
				Winners       []struct{ ID string }
				Proof         struct {
					Cancelled     bool
					Seed, ListURL *string
				}
			}
		}
	}
	s.Do(t, `{ draws { nodes { state reason cancelledAt winners { id } proof { cancelled seed listUrl } } } }`, nil).Into(t, &seen)
	d := seen.Draws.Nodes[0]
	require.Equal(t, []any{"CANCELLED", "賞品をご用意できないため", true, 0, true}, []any{d.State, d.Reason, d.CancelledAt != nil, len(d.Winners), d.Proof.Cancelled})
	require.Nil(t, d.Proof.Seed)
	require.Nil(t, d.Proof.ListURL)
	var back string
	openMails(t, s.App)
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT args->'message'->'content'->>'points' FROM river_job WHERE kind = 'send_message' AND args->>'key' LIKE 'draw_cancelled/%'`).Scan(&back))
	require.Equal(t, "20", back)
}

// answered is what the mutations of prizes, vouchers and draws have in common.
type answered struct {
	Prize      *struct{ ID, Description string }
	Batch      *struct{ ID string }
	Draw       *struct{ ID, Description string }
	Exchange   *struct{ State string }
	Exchanges  []struct{ State string }
	Voucher    *struct{ State string }
	Win        *struct{ Outcome string }
	Count      int
	URL        *string
	UserErrors []userError
}

func (a answered) code() string {
	if len(a.UserErrors) == 0 {
		return ""
	}
	return a.UserErrors[0].Code
}

// tells is a mutation by one of the staff.
func (s *pointShop) tells(t testing.TB, actor access.Actor, field, fields string, input apptest.Variables) answered {
	t.Helper()
	var got map[string]answered
	s.DoAs(t, actor, pointMutation(field, fields), in(keyed(field, input))).Into(t, &got)
	return got[field]
}

func (s *pointShop) stock(t testing.TB, prize string) (left int) {
	t.Helper()
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT stock FROM prizes WHERE id = $1`, keyOf(t, prize)).Scan(&left))
	return left
}

// codes are those of a new batch of so many of 500 yen.
func (s *pointShop) codes(t *testing.T, count int) []string {
	batch := s.tells(t, pointAdmin, "issueVouchers", "batch { id }", apptest.Variables{"idempotencyKey": s.key(), "name": "金券", "count": count, "amount": "500"}).Batch
	makeCodes(t, s.App, batch.ID)
	return takeCodes(t, s.App, batch.ID)
}

func TestAnExchangeIsDoneOnceForItsKey(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b, p := s.buyer(t, 1000), s.prize(t, nil)
	key := s.key()
	first := b.exchange(t, p, apptest.Variables{"idempotencyKey": key})
	again := b.exchange(t, p, apptest.Variables{"idempotencyKey": key})
	require.Empty(t, first.UserErrors)
	require.Equal(t, first.Exchange.ID, again.Exchange.ID)
	require.Equal(t, 700, b.has(t).Usable)
	require.Equal(t, 2, s.stock(t, p))
	require.NotEmpty(t, b.exchange(t, p, apptest.Variables{"idempotencyKey": key, "quantity": 2, "points": 600}).UserErrors, "the same key for something else")
	require.Equal(t, 2, s.stock(t, p))
	var told struct {
		PointStatement struct {
			Nodes []struct {
				Kind   string
				Change int
			}
		}
	}
	b.do(t, `query($p: ID!) { pointStatement(programmeId: $p) { nodes { kind change } } }`, apptest.Variables{"p": s.own}).Into(t, &told)
	require.Equal(t, "PRIZE", told.PointStatement.Nodes[0].Kind)
	require.Equal(t, -300, told.PointStatement.Nodes[0].Change)
	require.NotEmpty(t, s.Do(t, `mutation($input: ExchangePrizeInput!) { exchangePrize(input: $input) { exchange { id } } }`,
		in(apptest.Variables{"idempotencyKey": s.key(), "prizeId": p, "points": 300})).Code(), "guests have no points")
	limited := s.prize(t, apptest.Variables{"memberLimit": 1, "points": 10})
	require.Empty(t, b.exchange(t, limited, apptest.Variables{"points": 10}).UserErrors)
	require.Equal(t, "PRIZE_LIMIT", b.exchange(t, limited, apptest.Variables{"points": 10}).code())
}

func TestAPrizeGoesItsWayToTheMember(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b, other, p := s.buyer(t, 1000), s.buyer(t, 0), s.prize(t, nil)
	sent, kept := b.exchange(t, p, nil), b.exchange(t, p, nil)
	require.Empty(t, sent.UserErrors)
	require.Empty(t, kept.UserErrors)
	advance := func(to, exchange string) answered {
		return s.tells(t, pointAdmin, "advancePrizeExchanges", "exchanges { state }", apptest.Variables{"to": to, "moves": []apptest.Variables{{"exchangeId": exchange}}})
	}
	cancel := func(c *collector, exchange string) string {
		var got struct{ CancelPrizeExchange answered }
		c.do(t, pointMutation("cancelPrizeExchange", ""), in(apptest.Variables{"idempotencyKey": s.key(), "exchangeId": exchange})).Into(t, &got)
		return got.CancelPrizeExchange.code()
	}
	require.NotEmpty(t, cancel(other, sent.Exchange.ID), "another's")
	require.Equal(t, "PRIZE_EXCHANGE_STATE", advance("DELIVERED", sent.Exchange.ID).code(), "it has not left")
	for _, to := range []string{"PACKED", "PACKED", "SHIPPED"} {
		moved := advance(to, sent.Exchange.ID)
		require.Empty(t, moved.UserErrors)
		require.Equal(t, to, moved.Exchanges[0].State)
		require.Equal(t, "PRIZE_EXCHANGE_STATE", cancel(b, sent.Exchange.ID), "too late for the member")
	}
	mixed := s.tells(t, pointAdmin, "advancePrizeExchanges", "exchanges { state }", apptest.Variables{
		"to": "DELIVERED", "moves": []apptest.Variables{{"exchangeId": sent.Exchange.ID}, {"exchangeId": kept.Exchange.ID}},
	})
	require.Equal(t, "PRIZE_EXCHANGE_STATE", mixed.code(), "all or none")
	require.Empty(t, advance("DELIVERED", sent.Exchange.ID).UserErrors)
	give := func(exchange, reason string) answered {
		return s.tells(t, pointAdmin, "cancelPrizeExchange", "exchange { state }", apptest.Variables{"exchangeId": exchange, "reason": reason})
	}
	require.Equal(t, "PRIZE_EXCHANGE_STATE", give(sent.Exchange.ID, "破損").code())
	require.Empty(t, advance("PACKED", kept.Exchange.ID).UserErrors)
	require.NotEmpty(t, give(kept.Exchange.ID, "").UserErrors, "staff say why")
	require.Equal(t, "CANCELLED", give(kept.Exchange.ID, "破損").Exchange.State)
	require.Equal(t, "PRIZE_EXCHANGE_STATE", give(kept.Exchange.ID, "破損").code())
	require.Equal(t, 700, b.has(t).Usable)
	require.Equal(t, 2, s.stock(t, p))
}

func TestAVoucherIsUsedOnceAndGuessesLock(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	codes := s.codes(t, 3)
	redeem := func(actor access.Actor, code string) string {
		var got map[string]answered
		s.DoAs(t, actor, pointMutation("redeemVoucher", "voucher { state }"), in(apptest.Variables{"idempotencyKey": id.New().String(), "code": code, "place": "SHOP"})).Into(t, &got)
		return got["redeemVoucher"].code()
	}
	till := func() access.Actor {
		return access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: []access.Permission{access.VoucherRedeem}}
	}
	results := make(chan string, 8)
	var group sync.WaitGroup
	for range cap(results) {
		group.Go(func() { results <- redeem(till(), codes[0]) })
	}
	group.Wait()
	close(results)
	told := map[string]int{}
	for code := range results {
		told[code]++
	}
	require.Equal(t, map[string]int{"": 1, "VOUCHER_USED": 7}, told, "of many at once one")

	var seen struct {
		Vouchers struct {
			Nodes []struct{ ID, State, BatchID string }
		}
	}
	s.DoAs(t, pointAdmin, `query($e: String!) { vouchers(filter: {ending: $e}) { nodes { id state batchId } } }`, apptest.Variables{"e": codes[1][len(codes[1])-3:]}).Into(t, &seen)
	require.Empty(t, seen.Vouchers.Nodes, "an ending is all four")
	s.DoAs(t, pointAdmin, `{ vouchers { nodes { id state batchId } } }`, nil).Into(t, &seen)
	require.Len(t, seen.Vouchers.Nodes, 3)
	require.Equal(t, 2, s.tells(t, pointAdmin, "voidVouchers", "count", apptest.Variables{"batchId": seen.Vouchers.Nodes[0].BatchID, "reason": "紛失"}).Count, "what was used stays")
	require.Equal(t, "VOUCHER_VOID", redeem(till(), codes[1]))
	require.NotEmpty(t, s.tells(t, pointAdmin, "voidVouchers", "count", apptest.Variables{"ids": []string{seen.Vouchers.Nodes[0].ID}, "reason": ""}).UserErrors)

	exec(t, s.App, `DELETE FROM voucher_entries`)
	exec(t, s.App, `DELETE FROM vouchers`) // codes that look right, and are none
	guesser := till()
	require.Equal(t, "VOUCHER_MISTYPED", redeem(guesser, "ABCD"))
	for range 9 {
		require.Equal(t, "VOUCHER_UNKNOWN", redeem(guesser, codes[0]))
	}
	require.Equal(t, "VOUCHER_LOCKED", redeem(guesser, codes[0]))
	require.Equal(t, "VOUCHER_LOCKED", redeem(guesser, s.codes(t, 1)[0]), "a right one, too")
	require.Empty(t, redeem(till(), s.codes(t, 1)[0]), "others go on")
}

func TestCodesOfASupplierAreTakenInOnce(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	bring := func(codes string) answered {
		return s.tells(t, pointAdmin, "importVouchers", "batch { id }", apptest.Variables{"idempotencyKey": s.key(), "name": "他社ギフト", "codes": codes})
	}
	batch := bring("GIFT-0001\nGIFT-0002\n").Batch
	require.Equal(t, "VOUCHER_REPEATED", bring("GIFT-0002\nGIFT-0003").code())
	require.Equal(t, "VOUCHER_REPEATED", bring("GIFT-0004\nGIFT-0004").code())
	require.Equal(t, "VOUCHER_LINE", bring("abc").code())
	require.Equal(t, "VOUCHER_FOR_PRIZES", s.tells(t, pointAdmin, "exportVouchers", "url", apptest.Variables{"batchId": batch.ID}).code())
	b := s.buyer(t, 1000)
	p := s.prize(t, apptest.Variables{"kind": "GIFT_CODE", "batchId": batch.ID, "stock": 2})
	require.Equal(t, "PRIZE_CODES_SHORT", s.tells(t, pointAdmin, "movePrizeStock", "prize { id }", apptest.Variables{"idempotencyKey": s.key(), "prizeId": p, "by": 1, "reason": "追加"}).code())
	require.Empty(t, b.exchange(t, p, apptest.Variables{"address": nil, "quantity": 2, "points": 600}).UserErrors)
	var mine struct {
		MyPrizeExchanges struct {
			Nodes []struct {
				Vouchers []struct{ Code *string }
			}
		}
	}
	b.do(t, `{ myPrizeExchanges { nodes { vouchers { code } } } }`, nil).Into(t, &mine)
	require.Len(t, mine.MyPrizeExchanges.Nodes[0].Vouchers, 2)
	for _, v := range mine.MyPrizeExchanges.Nodes[0].Vouchers {
		require.Contains(t, []string{"GIFT-0001", "GIFT-0002"}, *v.Code)
	}
	desk := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.VoucherRead}}
	require.NotEmpty(t, s.DoAs(t, desk, pointMutation("importVouchers", ""), in(apptest.Variables{"idempotencyKey": s.key(), "name": "x", "codes": "GIFT-0009"})).Code())
}

func TestADrawIsSavedAsItIsAndPassesOn(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	p := s.prize(t, apptest.Variables{"points": 0, "stock": 2})
	now := time.Now().UTC()
	asked := apptest.Variables{
		"programmeId": s.own, "name": ja("抽選会"), "points": 10, "maxEntries": 3, "runnersUp": 1, "opensAt": now.Add(-time.Hour), "closesAt": now.Add(time.Hour),
		"drawsAt": now.Add(time.Hour), "ranks": []apptest.Variables{{"prizeId": p, "count": 1}},
	}
	save := func(key string, value any) answered {
		return s.tells(t, pointAdmin, "saveDraw", "draw { id description }", with(asked, key, value))
	}
	require.Equal(t, "DRAW_TIMES", save("closesAt", now.Add(-time.Minute)).code())
	require.Equal(t, "DRAW_TIMES", save("drawsAt", now).code())
	require.Equal(t, "DRAW_RANKS", save("ranks", []apptest.Variables{}).code())
	require.Equal(t, "PRIZE_SOLD_OUT", save("ranks", []apptest.Variables{{"prizeId": p, "count": 1}, {"prizeId": p, "count": 2}}).code())
	require.Equal(t, "PRIZE_UNKNOWN", save("ranks", []apptest.Variables{{"prizeId": id.Global("Prize", id.New()), "count": 1}}).code())
	require.Equal(t, 2, s.stock(t, p), "nothing is held by what was not made")
	made := save("answerDays", 7)
	require.Empty(t, made.UserErrors)
	require.Equal(t, 1, s.stock(t, p))

	people := []*collector{s.buyer(t, 100), s.buyer(t, 100)}
	for _, c := range people {
		var got map[string]answered
		ask := apptest.Variables{"idempotencyKey": s.key(), "drawId": made.Draw.ID, "points": 10}
		c.do(t, pointMutation("enterDraw", ""), in(with(ask, "points", 9))).Into(t, &got)
		require.Equal(t, "DRAW_POINTS_CHANGED", got["enterDraw"].code())
		for range 2 {
			c.do(t, pointMutation("enterDraw", ""), in(with(ask, "idempotencyKey", "once-"+c.id))).Into(t, &got)
			require.Empty(t, got["enterDraw"].UserErrors)
		}
		require.Equal(t, 90, c.has(t).Usable, "once for its key")
	}
	w := &world{App: s.App}
	w.end(t)
	type win struct{ ID, Outcome string }
	wins := func(c *collector) []win {
		var got struct{ MyWins []win }
		c.do(t, `{ myWins { id outcome } }`, nil).Into(t, &got)
		return got.MyWins
	}
	first, second := people[0], people[1]
	if len(wins(first)) == 0 {
		first, second = second, first
	}
	require.Len(t, wins(first), 1)
	require.Empty(t, wins(second), "who stands by has not won")
	answer := func(c *collector, win string, accept bool) answered {
		var got map[string]answered
		c.do(t, pointMutation("answerWin", "win { outcome }"), in(apptest.Variables{"idempotencyKey": s.key(), "winnerId": win, "accept": accept, "address": newAddress("山田 花子")})).Into(t, &got)
		return got["answerWin"]
	}
	require.NotEmpty(t, answer(second, wins(first)[0].ID, true).UserErrors, "another's")
	require.Equal(t, "DECLINED", answer(first, wins(first)[0].ID, false).Win.Outcome)
	require.Equal(t, "DRAW_ANSWERED", answer(first, wins(first)[0].ID, true).code())
	require.Equal(t, "WON", wins(second)[0].Outcome, "moved up")
	require.Equal(t, "ACCEPTED", answer(second, wins(second)[0].ID, true).Win.Outcome)
	require.Equal(t, 1, s.stock(t, p))
}
