package seed

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/member"
)

// Population is a retailer's members and what they bought, of any size. The same seed and
// last day are the same people and receipts; only what seals their data differs.
type Population struct {
	Members   int
	Purchases int       // purchased items: lines of receipts
	Years     int       // over which they were bought
	Seed      uint64    // another one is another population
	Until     time.Time // the last day, midnight UTC
}

// Whoever was a member at any time joined within these years, ever more of them.
const (
	joiningYears  = 8
	joiningGrowth = 1.4
)

// scatter is a prime by which numbers below others are put out of order.
const scatter = 1_000_000_007

// resident is one member as the population has it, all but the sealing.
type resident struct {
	id       uuid.UUID
	joined   time.Time
	web      bool // joined online
	brand    int  // that they joined first
	both     bool // a member of the other brand, too
	shop     int  // of their first brand: where they joined, or go
	otherHas int  // their shop of the other brand
	family   int
	given    int
	gender   customer.Gender
	birthday time.Time
	chance   uint64 // for what else is told of them
}

// crowd makes residents; each of those who read at once has one of their own.
type crowd struct {
	Population
	brands []Brand
	source *rand.PCG
	chance *rand.Rand
}

func (p Population) crowd() *crowd {
	c := &crowd{Population: p, brands: Brands(), source: rand.NewPCG(0, 0)}
	c.chance = rand.New(c.source) //nolint:gosec // samples need no secrecy
	return c
}

// resident is the i-th member, who joined after those before them.
func (c *crowd) resident(i int) resident {
	c.source.Seed(c.Seed, uint64(i)) //nolint:gosec // an index is no less than zero
	a, b := c.chance.Uint64(), c.chance.Uint64()
	r := resident{joined: c.joins(i, a)}
	r.id = idAt(r.joined, a, b)
	r.web = c.chance.IntN(100) < 35
	if c.chance.IntN(100) >= 65 {
		r.brand = 1
	}
	r.both = c.chance.IntN(100) < 25
	r.shop = c.shopOf(r.brand)
	r.otherHas = c.shopOf(1 - r.brand)
	r.family, r.given = c.chance.IntN(len(familyNames)), c.chance.IntN(len(firstNames))
	r.gender = firstNames[r.given].gender
	if c.chance.IntN(100) < 15 {
		r.gender = customer.GenderUnsaid
	}
	age := 18 + (c.chance.IntN(50)+c.chance.IntN(50))/2 + c.chance.IntN(18)
	r.birthday = time.Date(c.Until.Year()-age, time.Month(1+c.chance.IntN(12)), 1+c.chance.IntN(28), 0, 0, 0, 0, time.UTC)
	r.chance = c.chance.Uint64()
	return r
}

// shopOf is one of a brand's shops, the first ones more often.
func (c *crowd) shopOf(brand int) int {
	shops := len(c.brands[brand].Shops) - 1 // the first is the warehouse
	u := c.chance.Float64()
	return 1 + int(u*u*float64(shops))
}

// joins is when the i-th member joined: on a day at which a shop is open.
func (c *crowd) joins(i int, chance uint64) time.Time {
	days := float64(joiningYears * 365)
	day := int(days * math.Pow(float64(i)/float64(max(c.Members, 1)), 1/joiningGrowth))
	return openingOf(c.Until.AddDate(0, 0, day+1-joiningYears*365)).Add(time.Duration(chance % uint64(opened)).Truncate(time.Second))
}

// joinedBefore is how many members there were when the day began.
func (c *crowd) joinedBefore(day time.Time) int {
	days := day.Sub(c.Until.AddDate(0, 0, 1-joiningYears*365)).Hours() / 24
	share := math.Pow(max(days, 0)/float64(joiningYears*365), joiningGrowth)
	return min(int(share*float64(c.Members)), c.Members)
}

// opened is how long shops are open.
const opened = 10*time.Hour + 30*time.Minute

// openingOf is ten in the morning of the day, in Japan.
func openingOf(day time.Time) time.Time { return day.Add(time.Hour) }

// brandsOf are the brands of which the resident is a member, the first one first.
func (r resident) brandsOf() []int {
	if r.both {
		return []int{r.brand, 1 - r.brand}
	}
	return []int{r.brand}
}

// shopIn is the resident's shop of the brand.
func (r resident) shopIn(brand int) int {
	if brand == r.brand {
		return r.shop
	}
	return r.otherHas
}

// cardNumber is the number of one of the i-th member's cards: no two are the same, and
// none can be told from another.
func cardNumber(i, brand int, former bool) string {
	n := uint64(i)*4 + uint64(brand)*2 //nolint:gosec // an index is no less than zero
	if former {
		n++
	}
	const numbers = 9_000_000_000
	body := "29" + strconv.FormatUint(1_000_000_000+n*scatter%numbers, 10)
	return body + string(member.CheckDigit(body))
}

// person is the resident's own data.
func (r resident) person(i int) member.Personal {
	family, given := familyNames[r.family], firstNames[r.given]
	p := member.Personal{
		Name: family.written + " " + given.written, Kana: family.kana + " " + given.kana,
		Phone:    fmt.Sprintf("090%08d", uint64(i)*scatter%100_000_000), //nolint:gosec // an index is no less than zero
		Birthday: &r.birthday, Gender: r.gender,
	}
	if r.web || r.chance%100 < 60 {
		p.Email = given.latin + "." + family.latin + "." + strconv.FormatInt(int64(i), 36) + "@mail.example"
	}
	return p
}

// address is where the resident lives; nil for those who did not say.
func (r resident) address(i int) *customer.Address {
	if r.chance>>8%100 >= 80 {
		return nil
	}
	town, p := towns[r.chance>>16%uint64(len(towns))], r.person(i)
	a := customer.Address{
		Name: p.Name, Kana: p.Kana, PostalCode: town.postal, Prefecture: town.prefecture, City: town.city, Line1: town.line, Phone: p.Phone,
	}
	if r.chance>>24%3 == 0 {
		a.Line2 = fmt.Sprintf("のれんハイツ %d号室", 101+r.chance>>32%800)
	}
	return &a
}

// idAt is a key that sorts by time (UUIDv7), of two random numbers.
func idAt(at time.Time, a, b uint64) (key uuid.UUID) {
	binary.BigEndian.PutUint64(key[:8], uint64(at.UnixMilli())<<16|a&0xfff|0x7000) //nolint:gosec // after 1970
	binary.BigEndian.PutUint64(key[8:], b&^(3<<62)|2<<62)
	return key
}

// firstName is a given name with whose it is.
type firstName struct {
	name
	gender customer.Gender
}

var (
	familyNames = append([]name{
		{"相川", "アイカワ", "aikawa"}, {"浅野", "アサノ", "asano"}, {"石橋", "イシバシ", "ishibashi"}, {"上田", "ウエダ", "ueda"}, {"江口", "エグチ", "eguchi"},
		{"大森", "オオモリ", "omori"}, {"片岡", "カタオカ", "kataoka"}, {"川口", "カワグチ", "kawaguchi"}, {"北村", "キタムラ", "kitamura"}, {"久保", "クボ", "kubo"},
		{"黒田", "クロダ", "kuroda"}, {"小池", "コイケ", "koike"}, {"坂本", "サカモト", "sakamoto"}, {"柴田", "シバタ", "shibata"}, {"杉本", "スギモト", "sugimoto"},
		{"関口", "セキグチ", "sekiguchi"}, {"高木", "タカギ", "takagi"}, {"竹内", "タケウチ", "takeuchi"}, {"辻", "ツジ", "tsuji"}, {"戸田", "トダ", "toda"},
		{"中原", "ナカハラ", "nakahara"}, {"西尾", "ニシオ", "nishio"}, {"野口", "ノグチ", "noguchi"}, {"橋本", "ハシモト", "hashimoto"}, {"平野", "ヒラノ", "hirano"},
		{"福島", "フクシマ", "fukushima"}, {"堀", "ホリ", "hori"}, {"松下", "マツシタ", "matsushita"}, {"三浦", "ミウラ", "miura"}, {"村上", "ムラカミ", "murakami"},
		{"矢野", "ヤノ", "yano"}, {"吉川", "ヨシカワ", "yoshikawa"}, {"渡部", "ワタベ", "watabe"},
	}, surnames...)

	firstNames = []firstName{
		{name{"葵", "アオイ", "aoi"}, customer.GenderFemale}, {name{"彩香", "アヤカ", "ayaka"}, customer.GenderFemale}, {name{"恵子", "ケイコ", "keiko"}, customer.GenderFemale},
		{name{"幸子", "サチコ", "sachiko"}, customer.GenderFemale}, {name{"真由美", "マユミ", "mayumi"}, customer.GenderFemale}, {name{"美咲", "ミサキ", "misaki"}, customer.GenderFemale},
		{name{"由紀", "ユキ", "yuki"}, customer.GenderFemale}, {name{"結衣", "ユイ", "yui"}, customer.GenderFemale}, {name{"和子", "カズコ", "kazuko"}, customer.GenderFemale},
		{name{"陽菜", "ヒナ", "hina"}, customer.GenderFemale}, {name{"千尋", "チヒロ", "chihiro"}, customer.GenderFemale}, {name{"智子", "トモコ", "tomoko"}, customer.GenderFemale},
		{name{"誠", "マコト", "makoto"}, customer.GenderMale}, {name{"大輔", "ダイスケ", "daisuke"}, customer.GenderMale}, {name{"健太", "ケンタ", "kenta"}, customer.GenderMale},
		{name{"翔", "ショウ", "sho"}, customer.GenderMale}, {name{"隆", "タカシ", "takashi"}, customer.GenderMale}, {name{"直樹", "ナオキ", "naoki"}, customer.GenderMale},
		{name{"浩", "ヒロシ", "hiroshi"}, customer.GenderMale}, {name{"蓮", "レン", "ren"}, customer.GenderMale},
	}
)
