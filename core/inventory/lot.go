package inventory

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/channel"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/messaging"
	"github.com/noren-commerce/noren/core/page"
)

// TrackMode is how the pieces of a variant are told apart.
type TrackMode string

// The ways to tell pieces apart.
const (
	Untracked TrackMode = "NONE"
	ByLot     TrackMode = "LOT"    // ロット管理
	BySerial  TrackMode = "SERIAL" // シリアル管理: a lot of one piece each
)

// Tracking is how the pieces of a variant are told apart, and how long before their
// best-before day (賞味期限) they stop leaving.
type Tracking struct {
	VariantID uuid.UUID
	Mode      TrackMode
	Expires   bool // each lot has a best-before day
	MinDays   int  // that must be left when pieces leave
	AlertDays int  // how long before they stop leaving staff are warned
}

// Lot is pieces of a variant that were made together; with serial numbers, one piece.
// The lot without a number is what nobody has told apart.
type Lot struct {
	ID         uuid.UUID
	BrandID    uuid.UUID
	VariantID  uuid.UUID
	Number     string
	ExpiresOn  *time.Time // a day
	Code       string     // what a customer follows it up by; nobody can guess it
	BlockedAt  *time.Time // since when it is recalled (リコール)
	BlockedFor string
	Origin     i18n.Text
	Materials  i18n.Text
	Route      []Stop
	CreatedAt  time.Time
}

// Stop is a step on the way of a lot to the customer.
type Stop struct {
	On   *time.Time `json:"on,omitempty"` // a day
	Text i18n.Text  `json:"text"`
}

// GlobalID is the lot's id in the schema.
func (l Lot) GlobalID() string { return id.Global("StockLot", l.ID) }

// Blocked reports whether the lot is recalled.
func (l Lot) Blocked() bool { return l.BlockedAt != nil }

// Fit reports whether pieces of the lot may leave on a day, if they must be good for so
// many days then.
func (l Lot) Fit(day time.Time, minDays int) bool {
	return l.BlockedAt == nil && (l.ExpiresOn == nil || !l.ExpiresOn.Before(day.AddDate(0, 0, minDays)))
}

// LotStock is how much of a lot a location has.
type LotStock struct {
	Lot
	LocationID  uuid.UUID
	Available   int
	Quarantined int // that may not leave: expired, recalled or set apart
}

// Pieces is all that lies there.
func (s LotStock) Pieces() int { return s.Available + s.Quarantined }

// LotPieces says how many pieces are of the lot, or have the serial number.
type LotPieces struct {
	Number    string
	ExpiresOn *time.Time
	Quantity  int
}

// LotKind is why pieces of a lot moved.
type LotKind string

// The kinds of a lot's movement: those of stock, and these.
const (
	Quarantine LotKind = "QUARANTINE" // 隔離: pieces may not leave any more
	Release    LotKind = "RELEASE"    // 隔離解除
	Identified LotKind = "IDENTIFIED" // pieces that nobody had told apart got their number
)

// LotEntry is pieces of a lot that come to a location or go.
type LotEntry struct {
	LotID       uuid.UUID
	VariantID   uuid.UUID
	LocationID  uuid.UUID
	Kind        LotKind // empty: that of the stock's movement
	Available   int
	Quarantined int
	ShipmentID  *uuid.UUID
	LineID      *uuid.UUID // of the order, for what leaves and comes back
}

// LotMovement is an entry in the books of a lot. It never changes.
type LotMovement struct {
	ID          uuid.UUID
	At          time.Time
	LocationID  uuid.UUID
	Kind        LotKind
	Available   int
	Quarantined int
	Reference   string
}

// Pieces is how many came, or went.
func (m LotMovement) Pieces() int { return m.Available + m.Quarantined }

// ShippedLot is pieces of a lot that left with a line of a shipment.
type ShippedLot struct {
	ShipmentID uuid.UUID
	OrderID    uuid.UUID
	LineID     uuid.UUID
	Lot
	Quantity int
}

// LotFilter says which lots are wanted; what is nil or empty does not count.
type LotFilter struct {
	VariantID    *uuid.UUID
	LocationID   *uuid.UUID // that has pieces
	Number       string
	Blocked      bool
	InStock      bool // somewhere
	ExpiringSoon bool // staff are to be warned of
	Day          time.Time
}

// LotStore keeps lots; everything joins the transaction of the context.
type LotStore interface {
	// LockLevels is as for transfers.
	LockLevels(ctx context.Context, places []Place) ([]Level, error)
	Variants(ctx context.Context, brandID uuid.UUID, variantIDs []uuid.UUID) ([]uuid.UUID, error)
	Locations(ctx context.Context, brandID uuid.UUID) ([]Location, error)

	// Trackings are of those of the variants that are tracked.
	Trackings(ctx context.Context, variantIDs []uuid.UUID) ([]Tracking, error)
	// SaveTracking writes how a variant is tracked; its levels are locked.
	SaveTracking(ctx context.Context, t Tracking, at time.Time) error
	// EnsureLots makes those lots that the variant has not, by number, and reads all
	// of them, locked. made are those that are new.
	EnsureLots(ctx context.Context, lots []Lot) (all []Lot, made []uuid.UUID, err error)
	// LotsAt are the lots of which pieces lie at the places, what expires first coming
	// first. The places are locked before; the lots stay as they are until the end.
	LotsAt(ctx context.Context, places []Place) ([]LotStock, error)
	// LotsWith are, by lot, the pieces that lie anywhere.
	LotsWith(ctx context.Context, lotIDs []uuid.UUID) ([]LotStock, error)
	// BookLots moves pieces of lots, and what of their levels is withheld.
	BookLots(ctx context.Context, entries []LotEntry, m Movement) error
	// Away are the lots of what left under a reference and has not come back, the first
	// to expire first.
	Away(ctx context.Context, reference string) ([]LotStock, error)
	// Sold are the lots that left with the lines of orders and have not come back.
	Sold(ctx context.Context, lineIDs []uuid.UUID) ([]ShippedLot, error)

	LockLot(ctx context.Context, brandID, lotID uuid.UUID) (*Lot, error)
	SaveLot(ctx context.Context, l Lot) error
	// Unfit are lots with pieces that could leave but may not on the day any more, of
	// one brand.
	Unfit(ctx context.Context, day time.Time, most int) ([]LotStock, error)
	// Warn marks lots that will stop leaving soon, of which nobody was warned, and gives
	// them, of one brand.
	Warn(ctx context.Context, day, at time.Time, most int) ([]Expiring, error)
	Keepers(ctx context.Context) ([]messaging.Address, error)

	Lots(ctx context.Context, brandID uuid.UUID, f LotFilter, args page.Args) (page.Connection[Lot], error)
	Lot(ctx context.Context, brandID, lotID uuid.UUID) (*Lot, error)
	LotByCode(ctx context.Context, brandID uuid.UUID, code string) (*Traced, error)
	LotMovements(ctx context.Context, lotID uuid.UUID, args page.Args) (page.Connection[LotMovement], error)
	// Recipients are who got pieces of the lot, from the locations only if any are named.
	Recipients(ctx context.Context, lotID uuid.UUID, locations []uuid.UUID, args page.Args) (page.Connection[Recipient], error)
	ShippedLots(ctx context.Context, shipmentIDs []uuid.UUID) ([]ShippedLot, error)
	// Shortfalls are levels of which more is reserved than may leave.
	Shortfalls(ctx context.Context, brandID uuid.UUID, args page.Args) (page.Connection[Shortfall], error)
}

// Expiring is pieces of a lot that will soon stop leaving, as the mail tells it.
type Expiring struct {
	BrandID   uuid.UUID
	SKU       string
	Name      i18n.Text
	Location  i18n.Text
	Number    string
	ExpiresOn time.Time
	Pieces    int
}

// Shortfall is a level of which more is reserved than may leave.
type Shortfall struct{ Level }

// Missing is how many pieces orders hold that may not leave.
func (s Shortfall) Missing() int { return s.Reserved + s.Withheld - s.OnHand }

// Failures of lots.
var (
	ErrUntracked     = fault.Invalid("LOTS_UNTRACKED", "この商品はロット・シリアルを管理していません", "The goods are tracked neither by lot nor by serial number")
	ErrLotsNeeded    = fault.Invalid("LOTS_REQUIRED", "ロット番号（シリアル番号）ごとの数量を指定してください", "Say how many pieces are of which lot or have which serial number")
	ErrLotsSum       = fault.Invalid("LOTS_SUM", "ロットの数量の合計を%d個にしてください", "The lots must come to %d pieces")
	ErrLotNumber     = fault.Invalid("LOT_NUMBER_INVALID", "ロット番号は1〜%d文字で、同じ番号は1行にまとめてください", "A lot's number has 1 to %d characters, and is named once")
	ErrLotExpiry     = fault.Invalid("LOT_EXPIRY_REQUIRED", "ロット%sの賞味期限を指定してください", "Give the best-before day of lot %s")
	ErrLotOtherDay   = fault.Conflict("LOT_EXPIRY_DIFFERS", "ロット%sの賞味期限が登録済みの日付と異なります", "Lot %s is known with another best-before day")
	ErrLotUnknown    = fault.NotFound("LOT_UNKNOWN", "ロット%sはこの拠点にありません", "There is no lot %s at this location")
	ErrLotShort      = fault.Conflict("LOT_SHORT", "ロット%sから出せるのは%d個までです", "Of lot %s no more than %d pieces can go")
	ErrLotUnfit      = fault.Conflict("LOT_UNFIT", "ロット%sは期限切れ・期限間近・リコールのため出荷できません", "Lot %s has expired, expires too soon, or is recalled")
	ErrNoFitLots     = fault.Conflict("LOTS_SHORT", "出荷できるロットが足りません（出荷できる数量は%d個）", "The lots that may leave have no more than %d pieces")
	ErrSerialOne     = fault.Invalid("SERIAL_QUANTITY", "シリアル番号は1個に1つずつ指定してください", "A serial number is of one piece")
	ErrSerialTaken   = fault.Conflict("SERIAL_TAKEN", "シリアル番号%sはすでに登録されています", "The serial number %s is already known")
	ErrSerialsNeeded = fault.Conflict("SERIALS_REQUIRED", "出荷する商品のシリアル番号を指定してください", "Say the serial numbers of the pieces that leave")
	ErrTrackingStock = fault.Conflict("TRACKING_IN_STOCK", "在庫があるため管理方法を変更できません", "The way of tracking cannot change while pieces are in stock")
	ErrTrackingDays  = fault.Invalid("TRACKING_DAYS_INVALID", "日数は0〜%dで指定してください", "From 0 to %d days")
	ErrLotTries      = fault.Limited("TRACE_TRIES", "照会の回数が多すぎます。%d秒後にもう一度お試しください", "Too many codes were tried; please try again in %d seconds")
	ErrTraceUnknown  = fault.NotFound("TRACE_UNKNOWN", "このコードの商品は見つかりません", "There are no goods with this code")
)

// maxLotNumber bounds a lot's or serial number.
const maxLotNumber = 60

// dayAt is the day that it is in the channel's zone.
func dayAt(ctx context.Context, at time.Time) time.Time {
	year, month, day := at.In(channel.From(ctx).Zone()).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
}
