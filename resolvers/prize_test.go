package resolvers_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

type prizeAnswer struct {
	Prize    *struct{ ID string }
	Exchange *struct {
		ID, State, PrizeName string
		Points, Quantity     int
		Address              *struct{ Name, City string }
	}
	Balance    *struct{ Usable int }
	UserErrors []userError
}

func (p prizeAnswer) code() string {
	if len(p.UserErrors) == 0 {
		return ""
	}
	return p.UserErrors[0].Code
}

func (s *pointShop) prize(t testing.TB, more apptest.Variables) string {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": s.key(), "programmeId": s.own, "name": ja("陶器のボウル"), "points": 300, "stock": 3}
	for name, value := range more {
		input[name] = value
	}
	var got struct{ SavePrize prizeAnswer }
	s.DoAs(t, pointAdmin, `mutation($input: SavePrizeInput!) { savePrize(input: $input) { prize { id } userErrors { code field message } } }`, in(input)).Into(t, &got)
	require.Empty(t, got.SavePrize.UserErrors)
	return got.SavePrize.Prize.ID
}

func TestAShopLooksUpWhatItsOwnMembersHave(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 500)
	b.do(t, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	require.Empty(t, b.exchange(t, s.prize(t, nil), nil).UserErrors)
	shop := shopOf(t, s.App, "shibuya")
	held := []access.Permission{access.MemberRead, access.VoucherRead, access.PrizeRead}
	theirs := apptest.Variables{"m": b.id}
	lists := map[string]string{
		"vouchers":       `query($m: ID!) { vouchers(filter: {memberId: $m}) { nodes { id } } }`,
		"prizeExchanges": `query($m: ID!) { prizeExchanges(filter: {memberId: $m}) { nodes { id } } }`,
	}
	for list, query := range lists {
		require.Equal(t, "FORBIDDEN", s.DoAs(t, registrarOf(held, shop), query, theirs).Code(), list)
		require.Equal(t, "FORBIDDEN", s.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: held[1:]}, query, theirs).Code(), list+": who may not read members")
	}
	exec(t, s.App, `UPDATE memberships SET home_store_id = $1 WHERE member_id = $2`, shop, keyOf(t, b.id))
	for list, query := range lists {
		require.Empty(t, s.DoAs(t, registrarOf(held, shop), query, theirs).Errors, list)
		require.Equal(t, 1, countOf(t, s.App, `SELECT count(*) FROM events WHERE type = 'member.viewed' AND subject_id = $1 AND data->>'by' = $2`, keyOf(t, b.id), list))
	}
}

const prizeExchangeFields = `exchange { id state prizeName points quantity address { name city } } balance { usable } userErrors { code field message }`

func (b *collector) exchange(t testing.TB, prize string, more apptest.Variables) prizeAnswer {
	t.Helper()
	input := apptest.Variables{"idempotencyKey": b.shop.key(), "prizeId": prize, "points": 300, "address": newAddress("山田 花子")}
	for name, value := range more {
		input[name] = value
	}
	var got struct{ ExchangePrize prizeAnswer }
	b.do(t, `mutation($input: ExchangePrizeInput!) { exchangePrize(input: $input) { `+prizeExchangeFields+` } }`, in(input)).Into(t, &got)
	return got.ExchangePrize
}

func TestAMemberExchangesPointsForAPrize(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b, p := s.buyer(t, 1000), ""
	p = s.prize(t, nil)
	var listed struct {
		Prizes struct {
			Nodes []struct {
				ID, Name string
				Points   int
				SoldOut  bool
			}
		}
	}
	s.Do(t, `{ prizes { nodes { id name points soldOut } } }`, nil).Into(t, &listed)
	require.Len(t, listed.Prizes.Nodes, 1, "anyone sees the catalogue")
	require.False(t, listed.Prizes.Nodes[0].SoldOut)
	require.NotEmpty(t, s.Do(t, `{ prizes { nodes { stock } } }`, nil).Code(), "how many there are is the staff's")

	done := b.exchange(t, p, nil)
	require.Empty(t, done.UserErrors)
	require.Equal(t, "REQUESTED", done.Exchange.State)
	require.Equal(t, 700, done.Balance.Usable)
	for code, more := range map[string]apptest.Variables{
		"PRIZE_ADDRESS_REQUIRED": {"address": nil},
		"POINTS_SHORT":           {"quantity": 3, "points": 900},
		"PRIZE_POINTS_CHANGED":   {"points": 1},
		"PRIZE_UNKNOWN":          {"prizeId": id.Global("Prize", id.New())},
	} {
		require.Equal(t, code, b.exchange(t, p, more).code())
	}
	require.Equal(t, "PRIZE_SOLD_OUT", b.exchange(t, s.prize(t, apptest.Variables{"stock": 0}), nil).code())
	require.Equal(t, "PRIZE_NOT_OFFERED", b.exchange(t, s.prize(t, apptest.Variables{"validUntil": "2020-01-01T00:00:00Z"}), nil).code())
	require.Equal(t, 700, b.has(t).Usable)

	var mine struct {
		MyPrizeExchanges struct {
			Nodes []struct{ PrizeName, State string }
		}
	}
	b.do(t, `{ myPrizeExchanges { nodes { prizeName state } } }`, nil).Into(t, &mine)
	require.Len(t, mine.MyPrizeExchanges.Nodes, 1)
	var cancelled struct{ CancelPrizeExchange prizeAnswer }
	b.do(t, `mutation($e: ID!) { cancelPrizeExchange(input: {`+aKey()+` exchangeId: $e}) { `+prizeExchangeFields+` } }`, apptest.Variables{"e": done.Exchange.ID}).Into(t, &cancelled)
	require.Equal(t, "CANCELLED", cancelled.CancelPrizeExchange.Exchange.State)
	require.Equal(t, 1000, cancelled.CancelPrizeExchange.Balance.Usable)
}

func TestStaffSendPrizesOut(t *testing.T) {
	t.Parallel()
	s := newPointShop(t)
	b := s.buyer(t, 1000)
	done := b.exchange(t, s.prize(t, nil), nil)
	require.Empty(t, done.UserErrors)
	reader := access.Actor{Role: access.RoleStoreStaff, ID: id.New(), Permissions: []access.Permission{access.PrizeRead, access.MemberRead}}
	list := `{ prizeExchanges(filter: {state: REQUESTED}) { totalCount nodes { id prizeName address { name city } } } }`
	var work struct {
		PrizeExchanges struct {
			TotalCount int
			Nodes      []struct {
				ID      string
				Address *struct{ Name string }
			}
		}
	}
	s.DoAs(t, reader, list, nil).Into(t, &work)
	require.Equal(t, 1, work.PrizeExchanges.TotalCount)
	require.Nil(t, work.PrizeExchanges.Nodes[0].Address, "another store's member")
	s.DoAs(t, pointAdmin, list, nil).Into(t, &work)
	require.Equal(t, "山田 花子", work.PrizeExchanges.Nodes[0].Address.Name)
	var sheet struct {
		ExportPrizeShipments struct {
			Count int
			CSV   string
		}
	}
	s.DoAs(t, pointAdmin, `mutation { exportPrizeShipments { count csv } }`, nil).Into(t, &sheet)
	require.Equal(t, 1, sheet.ExportPrizeShipments.Count)
	require.Contains(t, sheet.ExportPrizeShipments.CSV, "山田 花子")
	require.NotEmpty(t, s.DoAs(t, reader, `mutation { exportPrizeShipments { count } }`, nil).Code())
	var moved struct {
		AdvancePrizeExchanges struct {
			Exchanges  []struct{ State, TrackingNumber string }
			UserErrors []userError
		}
	}
	s.DoAs(t, pointAdmin, `mutation($e: ID!) { advancePrizeExchanges(input: {to: SHIPPED, carrier: "ヤマト運輸", moves: [{exchangeId: $e, trackingNumber: "1234"}]}) {
		exchanges { state trackingNumber } userErrors { code field message } } }`, apptest.Variables{"e": done.Exchange.ID}).Into(t, &moved)
	require.Empty(t, moved.AdvancePrizeExchanges.UserErrors)
	require.Equal(t, "1234", moved.AdvancePrizeExchanges.Exchanges[0].TrackingNumber)
	var kind, tracking string
	openMails(t, s.App)
	require.NoError(t, s.DB.Pool().QueryRow(t.Context(), `SELECT args->'message'->>'kind', args->'message'->'content'->>'trackingNumber' FROM river_job
		WHERE kind = 'send_message' AND args->'message'->'content'->>'event' = 'SHIPPED'`).Scan(&kind, &tracking))
	require.Equal(t, []string{"prize_notice", "1234"}, []string{kind, tracking}, "the member is told")
}
