// Package points keeps members' points (ポイント) as a ledger by double entry. What a
// member has is the sum of the entries of an account, always, and is never below zero.
// Points lie in lots that expire at the end of a day and are used in the order in which
// they expire.
package points

import (
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/money"
)

// Programme is one kind of points: a brand's own, or a pool that all brands share.
type Programme struct {
	ID           uuid.UUID
	BrandID      uuid.UUID // that owes the points
	Shared       bool      // earned and used in all brands
	Code         string
	Name         i18n.Text
	Currency     money.Currency
	UnitPoints   int64 // so many points
	UnitMinor    int64 // pay so much, in minor units
	Expiry       Expiry
	ExpiryDays   *int  // ByDays: how many days after the day on which they are given they can be used; nil: for ever
	ExpiryMonths *int  // otherwise: how many months after the day from which it is counted
	FiscalMonth  *int  // ByFiscalYear: the month in which the fiscal year ends
	ConfirmDays  int   // how many days after delivery earned points can be used
	GraceDays    int   // how long expired points live on that an order gives back
	NoticeDays   int   // how many days before they expire the member is told
	Transferable bool  // from member to member
	GrantLimit   int64 // how many points one of the staff grants or deducts in a day
	Zone         string
	CreatedAt    time.Time
	UpdatedAt    time.Time
	ClosedAt     *time.Time
}

// GlobalID is the programme's id in the schema.
func (p Programme) GlobalID() string { return id.Global("PointProgramme", p.ID) }

// Worth is what the points pay, as far as they make whole units.
func (p Programme) Worth(points int64) money.Money {
	return money.Of(points/p.UnitPoints*p.UnitMinor, p.Currency)
}

// UnitWorth is what a unit of points pays.
func (p Programme) UnitWorth() money.Money { return money.Of(p.UnitMinor, p.Currency) }

// pay is how many points pay an amount, at most so many: whole units only.
func (p Programme) pay(minor, most int64) (points, pays int64) {
	units := min(minor/p.UnitMinor, most/p.UnitPoints)
	return units * p.UnitPoints, units * p.UnitMinor
}

// Day is the day of the moment where the programme is at home, as midnight UTC.
func (p Programme) Day(at time.Time) time.Time {
	zone, err := time.LoadLocation(p.Zone)
	if err != nil {
		zone = time.FixedZone("JST", 9*60*60)
	}
	y, m, d := at.In(zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Side is one account of the ledger: a member's, or the programme's own.
type Side string

// The accounts. The first three are a member's; what a member owes was taken back of
// points that had been used already.
const (
	Available Side = "AVAILABLE"
	Pending   Side = "PENDING"
	Owed      Side = "OWED"
	Issued    Side = "ISSUED"
	Redeemed  Side = "REDEEMED"
	Expired   Side = "EXPIRED"
	Refunded  Side = "REFUNDED" // given in the place of money that went back
	Granted   Side = "GRANTED"
	Moving    Side = "TRANSFER"
	Exchanged Side = "EXCHANGE"
	Sending   Side = "SENDING"  // reserved for another point system
	External  Side = "EXTERNAL" // with another point system
	Opening   Side = "OPENING"
	Prizes    Side = "PRIZES" // exchanged for prizes, or for entries of draws
)

// Kind is why points moved.
type Kind string

// The kinds of entry.
const (
	Earn        Kind = "EARN"
	Confirm     Kind = "CONFIRM"
	Settle      Kind = "SETTLE" // what was owed comes off what is earned
	TakeBack    Kind = "TAKE_BACK"
	Use         Kind = "USE"
	Return      Kind = "RETURN"
	Repay       Kind = "REFUND" // in the place of money that goes back
	Expire      Kind = "EXPIRE"
	Grant       Kind = "GRANT"
	Deduct      Kind = "DEDUCT"
	TransferOut Kind = "TRANSFER_OUT"
	TransferIn  Kind = "TRANSFER_IN"
	ExchangeOut Kind = "EXCHANGE_OUT"
	ExchangeIn  Kind = "EXCHANGE_IN"
	Send        Kind = "SEND"
	Sent        Kind = "SENT"
	SendBack    Kind = "SEND_BACK"
	Receive     Kind = "RECEIVE"
	Opened      Kind = "OPENING"
	MergeOut    Kind = "MERGE_OUT" // two members became one
	MergeIn     Kind = "MERGE_IN"
	Prize       Kind = "PRIZE" // they were exchanged for a prize, or entered a draw
	PrizeBack   Kind = "PRIZE_BACK"
)

// against is the programme's account on the other side of points that are used or given.
var against = map[Kind]Side{
	Earn: Issued, TakeBack: Issued, Use: Redeemed, Return: Redeemed, Repay: Refunded, Expire: Expired, Grant: Granted, Deduct: Granted,
	TransferOut: Moving, TransferIn: Moving, ExchangeOut: Exchanged, ExchangeIn: Exchanged,
	Send: Sending, SendBack: Sending, Receive: External, Opened: Opening, Prize: Prizes, PrizeBack: Prizes,
}

// gives reports whether points of the kind reach the member, out of nothing the member had.
func (k Kind) gives() bool {
	switch k {
	case Earn, Repay, Grant, TransferIn, ExchangeIn, Receive, Opened:
		return true
	}
	return false
}

// settles reports whether what is owed comes off points of the kind: off what is earned or
// comes in from elsewhere, but not off what the shop gives by hand or in the place of money.
func (k Kind) settles() bool {
	switch k {
	case Earn, TransferIn, ExchangeIn, Receive:
		return true
	}
	return false
}

// Entry is one movement of points from the debited account to the credited one. It never
// changes.
type Entry struct {
	AccountID   uuid.UUID
	ProgrammeID uuid.UUID
	Number      int64  // of the account's entries, from 1
	Key         string // of the posting that it is a part of
	Part        int
	Kind        Kind
	Debit       Side
	Credit      Side
	Points      int64
	Available   int64 // of the account after it
	Pending     int64
	Undoes      string // the key of the posting that it gives back
	OrderID     *uuid.UUID
	PurchaseID  *uuid.UUID // in a shop
	Reason      string
	ActorID     *uuid.UUID
	Portions    []Portion
	At          time.Time
}

// Portion is points out of one lot.
type Portion struct {
	LotID     uuid.UUID  `json:"lot"`
	Points    int64      `json:"points"`
	ExpiresOn *time.Time `json:"expiresOn,omitempty"`
	LifeDays  *int       `json:"lifeDays,omitempty"` // of points for a limited time
}

// Change is by how much the entry changes what can be used.
func (e Entry) Change() int64 { return e.sign(Available) * e.Points }

// PendingChange is by how much it changes what is to come.
func (e Entry) PendingChange() int64 { return e.sign(Pending) * e.Points }

func (e Entry) sign(s Side) int64 {
	switch s {
	case e.Credit:
		return 1
	case e.Debit:
		return -1
	}
	return 0
}

// OfOrder is the order's id in the schema; nil for none.
func (e Entry) OfOrder() *string { return id.GlobalOrNone("Order", e.OrderID) }

// OfPurchase is the id, in the schema, of the purchase in a shop; nil for none.
func (e Entry) OfPurchase() *string { return id.GlobalOrNone("Purchase", e.PurchaseID) }

// OfRule is the id, in the schema, of the rule that gave points for an occasion; nil for none.
func (e Entry) OfRule() *string {
	word, rest, _ := strings.Cut(e.Key, ":")
	named, _, _ := strings.Cut(rest, ":")
	key, err := uuid.Parse(named)
	if word != "reward" || err != nil {
		return nil
	}
	global := id.Global("PointRule", key)
	return &global
}

// Lot is points that were given together.
type Lot struct {
	ID          uuid.UUID
	AccountID   uuid.UUID
	ProgrammeID uuid.UUID
	Pending     bool // not to be used yet
	Issued      int64
	Remaining   int64
	ExpiresOn   *time.Time // the last day; nil: never
	LifeDays    *int       // of points for a limited time: so many days from when they can be used, which nothing prolongs; nil: as the programme says
	OrderID     *uuid.UUID
	PurchaseID  *uuid.UUID
	ConfirmsAt  *time.Time
	EarnedAt    time.Time
}

// lapsed reports whether the lot cannot be used on the day any more.
func (l Lot) lapsed(day time.Time) bool { return l.ExpiresOn != nil && l.ExpiresOn.Before(day) }

// Failures of points.
var (
	ErrShort      = fault.Conflict("POINTS_SHORT", "ポイントが不足しています。ご利用いただけるのは%dポイントです", "There are not enough points; %d can be used")
	ErrAmount     = fault.Invalid("POINTS_AMOUNT_INVALID", "ポイント数は1〜%dで指定してください", "Points are given from 1 to %d")
	ErrUnit       = fault.Invalid("POINTS_UNIT", "ポイントは%dポイント単位でご利用ください", "Points are used by the %d")
	ErrProgramme  = fault.NotFound("POINT_PROGRAMME_UNKNOWN", "このポイントはご利用いただけません", "There is no such point programme here")
	ErrMember     = fault.NotFound("POINT_MEMBER_UNKNOWN", "会員が見つかりません", "There is no such member")
	ErrGuest      = fault.Forbidden("POINTS_MEMBERS_ONLY", "ポイントは会員の方のみご利用いただけます", "Points are for members")
	ErrAboveTotal = fault.Conflict("POINTS_ABOVE_TOTAL", "ポイントのご利用が合計金額を超えています", "The points pay more than the order costs")
	ErrCoverShort = fault.Conflict("POINTS_DO_NOT_COVER", "ポイントが合計金額に%s不足しています。残りのお支払い方法を選択してください", "The points are short of the total by %s; choose how to pay the rest")
	ErrCombine    = fault.Conflict("POINTS_NOT_COMBINABLE", "このお支払い方法ではポイントをご利用いただけません", "Points do not go with this way to pay")
	ErrSelf       = fault.Invalid("POINTS_TO_SELF", "ご自身にはポイントを送れません", "Points cannot be sent to oneself")
	ErrFixed      = fault.Conflict("POINTS_NOT_TRANSFERABLE", "このポイントは他の会員へ送れません", "These points cannot be sent to other members")
	ErrRate       = fault.Conflict("POINTS_NOT_EXCHANGEABLE", "この組み合わせのポイント交換は行っていません", "There is no exchange between these points")
	ErrCircle     = fault.Conflict("POINT_RATE_GAINS", "この率では、ポイントを交換して戻すと元より増えます。率を下げるか、逆向きの率を見直してください", "At this rate points that are exchanged and exchanged back become more; lower it, or look at the rates that lead back")
	ErrLimit      = fault.Conflict("POINTS_STAFF_LIMIT", "本日の付与・減算の上限を超えます。残りは%dポイントです", "This exceeds what you may grant and deduct today; %d points are left")
	ErrNotUsed    = fault.Conflict("POINTS_NOT_USED", "返還するポイントのご利用がありません", "No points were used that could be given back")
	ErrCode       = fault.Conflict(fault.CodeDuplicate, "このコードはすでに使われています", "This code is taken")
	ErrClosed     = fault.Conflict("POINT_PROGRAMME_CLOSED", "このポイントの取り扱いは終了しました", "This point programme has ended")
	ErrPartner    = fault.NotFound("POINT_PARTNER_UNKNOWN", "交換先が見つかりません", "There is no such point partner")
	ErrState      = fault.Conflict("POINT_TRANSFER_STATE", "ポイント移行の状態が%sのため、この操作はできません", "The transfer is %s; this cannot be done now")
	ErrReceiver   = fault.Invalid("POINT_RECEIVER_ONE", "会員IDと会員番号のどちらか一方を指定してください", "Name either the member or the number of the card")
	ErrRefused    = fault.Conflict("POINT_ARRIVAL_REFUSED", "この受付番号のポイントは受け入れを拒否しました。新しい受付番号で送ってください", "Points with this reference were refused; send them under a new one")
	ErrFile       = fault.Invalid("POINT_FILE_INVALID", "%d行目: %s", "Line %d: %s")
	ErrFileOne    = fault.Invalid("POINT_FILE_ONE", "csvとfileのどちらか一方を指定してください", "Send the lines either as csv or as a file")
	ErrPeriod     = fault.Invalid("POINT_PERIOD_INVALID", "期間は開始日時から366日以内で指定してください", "A period ends after it begins, within 366 days")
	ErrDifferent  = fault.Invalid("POINT_STATEMENT_DIFFERENT", "差異が%d件を超えました。期間と、受入・送出の別を確認してください", "More than %d differences; see whether the period and the direction are right")
	ErrCurrency   = fault.Conflict("POINTS_OTHER_CURRENCY", "このポイントは別の通貨でのお支払いにのみご利用いただけます", "These points pay in another currency")
	ErrSubject    = fault.NotFound("POINT_SUBJECT_UNKNOWN", "対象が見つかりません", "There is no such thing, or it is not the member's")
	ErrEvent      = fault.Invalid("POINT_EVENT_INVALID", "この行動に付与するポイントはありません", "Nothing is given for this")
)
