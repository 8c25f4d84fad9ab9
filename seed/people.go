package seed

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/storage/postgres"
)

// Password is the password of every sample account, unless another is chosen.
const Password = "noren-sample-2026"

// members is how many members the sample retailer has.
const members = 36

// Account is one login of the sample retailer.
type Account struct {
	ID          uuid.UUID
	BrandID     *uuid.UUID // where a member registered
	Email, Name string
	Role        access.Role
	Kana, Phone string // of members
	Birthday    time.Time
	Gender      customer.Gender
	Newsletter  bool
	Addresses   []customer.Address
	Pets        []customer.Pet
	Since       time.Time
	Group       string      // the permission group of staff
	Stores      []uuid.UUID // of store staff
}

// groups are the permission groups of the sample retailer's staff.
var groups = []struct {
	name        string
	permissions []access.Permission
}{
	{"本部", []access.Permission{access.CatalogRead, access.CatalogWrite, access.InventoryRead, access.InventoryWrite, access.PricingWrite, access.ShippingWrite, access.OrderRead, access.OrderWrite, access.MemberRead, access.MemberWrite, access.CompanyRead, access.CompanyWrite, access.QuotationRead, access.QuotationWrite, access.GiftCardRead, access.GiftCardWrite, access.PurchaseWrite, access.PurchaseCorrect, access.PrizeRead, access.PrizeWrite}},
	{"店舗", []access.Permission{access.CatalogRead, access.InventoryRead, access.OrderRead, access.OrderWrite, access.MemberRead, access.MemberWrite, access.PurchaseWrite, access.PrizeRead}},
}

// Staff are the sample retailer's staff, one for each role.
func Staff() []Account {
	staff := []Account{
		{Email: "admin@noren.example", Name: "青井 みなと", Role: access.RoleAdmin},
		{Email: "staff@noren.example", Name: "本部 さつき", Role: access.RoleStaff, Group: "本部"},
		{Email: "shop@noren.example", Name: "店野 いおり", Role: access.RoleStoreStaff, Group: "店舗", Stores: []uuid.UUID{key("location", "wanko", "shibuya")}},
	}
	for i := range staff {
		staff[i].ID, staff[i].Since = key("account", staff[i].Email), Since
	}
	return staff
}

// name is a Japanese name part: as written, its reading, in Latin letters.
type name struct{ written, kana, latin string }

var (
	surnames = []name{
		{"佐倉", "サクラ", "sakura"}, {"水野", "ミズノ", "mizuno"}, {"若林", "ワカバヤシ", "wakabayashi"}, {"小鳥遊", "タカナシ", "takanashi"},
		{"森山", "モリヤマ", "moriyama"}, {"藤代", "フジシロ", "fujishiro"}, {"長谷", "ハセ", "hase"}, {"今泉", "イマイズミ", "imaizumi"}, {"星野", "ホシノ", "hoshino"},
	}
	givenNames = []name{{"陽菜", "ヒナ", "hina"}, {"直樹", "ナオキ", "naoki"}, {"千尋", "チヒロ", "chihiro"}, {"健太", "ケンタ", "kenta"}}
	genders    = []customer.Gender{customer.GenderFemale, customer.GenderMale, customer.GenderUnsaid, customer.GenderMale}
	petNames   = []string{"モカ", "こむぎ", "そら", "きなこ", "ルナ", "大福", "チョコ", "むぎ", "ハナ", "レオ", "あずき", "ココ"}
	breeds     = []struct {
		species customer.Species
		breed   string
	}{
		{"DOG", "柴犬"}, {"CAT", "スコティッシュフォールド"}, {"DOG", "トイプードル"}, {"CAT", "雑種"}, {"DOG", "ミニチュアダックスフンド"}, {"RABBIT", "ネザーランドドワーフ"},
		{"CAT", "マンチカン"}, {"BIRD", "セキセイインコ"}, {"DOG", "雑種"}, {"SMALL_MAMMAL", "ジャンガリアンハムスター"}, {"FISH", "和金"}, {"REPTILE", "ヒョウモントカゲモドキ"},
	}
	towns = []struct {
		postal     string
		prefecture customer.Prefecture
		city, line string
	}{
		{"1660004", "TOKYO", "杉並区", "阿佐谷南9-8-7"}, {"2310862", "KANAGAWA", "横浜市中区", "山手町998"}, {"5640063", "OSAKA", "吹田市", "江坂町9-98-7"},
		{"4640850", "AICHI", "名古屋市千種区", "今池9-98-7"}, {"6068392", "KYOTO", "京都市左京区", "聖護院山王町998"}, {"8100041", "FUKUOKA", "福岡市中央区", "大名9-98-7"},
		{"0600042", "HOKKAIDO", "札幌市中央区", "大通西98"}, {"9800811", "MIYAGI", "仙台市青葉区", "一番町9-98"},
	}
)

// Members are the sample retailer's members with their addresses and pets. Their
// names and house numbers are invented; their mail goes nowhere.
func Members() []Account {
	brands := Brands()
	all := make([]Account, 0, members)
	for i := range members {
		family, given := surnames[i%len(surnames)], givenNames[i/len(surnames)%len(givenNames)]
		email := given.latin + "." + family.latin + "@mail.example"
		chance := rand.New(rand.NewPCG(hash(email), 2)) //nolint:gosec // samples need no secrecy
		a := Account{
			ID: key("account", email), BrandID: &brands[i%len(brands)].ID, Email: email, Role: access.RoleMember,
			Name: family.written + " " + given.written, Kana: family.kana + " " + given.kana, Phone: fmt.Sprintf("0900000%04d", i),
			Birthday: time.Date(1950+chance.IntN(55), time.Month(1+chance.IntN(12)), 1+chance.IntN(28), 0, 0, 0, 0, time.UTC),
			Gender:   genders[i/len(surnames)%len(genders)], Newsletter: chance.IntN(3) > 0, Since: Since.Add(time.Duration(chance.IntN(500*24)) * time.Hour),
		}
		for n := range 1 + chance.IntN(2) {
			town := towns[(i+3*n)%len(towns)]
			address := customer.Address{Name: a.Name, Kana: a.Kana, PostalCode: town.postal, Prefecture: town.prefecture, City: town.city, Line1: town.line, Phone: a.Phone}
			if n > 0 {
				address.Line2 = fmt.Sprintf("のれんハイツ %d号室", 101+chance.IntN(8))
			}
			a.Addresses = append(a.Addresses, address.Normalised())
		}
		for n := range 1 + chance.IntN(3) {
			kind, born := breeds[(i+5*n)%len(breeds)], time.Date(2014+chance.IntN(11), time.Month(1+chance.IntN(12)), 1+chance.IntN(28), 0, 0, 0, 0, time.UTC)
			a.Pets = append(a.Pets, customer.Pet{ID: key("pet", email, fmt.Sprint(n)), MemberID: a.ID, Name: petNames[(i*5+n*3)%len(petNames)], Species: kind.species, Breed: kind.breed, Birthday: &born})
		}
		all = append(all, a)
	}
	return all
}

// writePeople writes the accounts that are missing, all with the one password.
func writePeople(ctx context.Context, db *postgres.DB, password string) error {
	if password == "" {
		password = Password
	}
	hash, err := identity.NewHasher(identity.DefaultHash).Hash(ctx, password)
	if err != nil {
		return err
	}
	batch := &pgx.Batch{}
	for _, g := range groups {
		batch.Queue(`INSERT INTO permission_groups (id, name, permissions, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) ON CONFLICT DO NOTHING`,
			key("group", g.name), g.name, g.permissions, Since)
	}
	if err := db.Pool().SendBatch(ctx, batch).Close(); err != nil {
		return err
	}
	named, err := postgres.NewAccounts(db).Groups(ctx)
	if err != nil {
		return err
	}
	batch = &pgx.Batch{}
	for _, a := range slices.Concat(Staff(), purchasers(), Members()) {
		if err := a.insert(ctx, db, hash, named); err != nil {
			return err
		}
		a.write(batch)
	}
	return db.Pool().SendBatch(ctx, batch).Close()
}

// insert makes the account, sealed where the database has keys, and places staff where they
// work. An address that somebody has registered with stays theirs.
func (a Account) insert(ctx context.Context, db *postgres.DB, hash string, named []identity.Group) error {
	accounts := postgres.NewAccounts(db)
	err := db.InTx(ctx, func(ctx context.Context) error {
		err := accounts.InsertAccount(ctx, identity.Account{
			ID: a.ID, Role: a.Role, Email: a.Email, EmailVerifiedAt: &a.Since, Name: a.Name, Password: hash, BrandID: a.BrandID, Language: i18n.Default,
			CreatedAt: a.Since, UpdatedAt: a.Since,
		})
		if err != nil || a.Group == "" {
			return err
		}
		var groupIDs []uuid.UUID
		for _, g := range named {
			if g.Name == a.Group {
				groupIDs = append(groupIDs, g.ID)
			}
		}
		if err := accounts.SetGroups(ctx, a.ID, groupIDs); err != nil {
			return err
		}
		return accounts.SetStores(ctx, a.ID, a.Stores)
	})
	if errors.Is(err, identity.ErrEmailTaken) {
		return nil
	}
	return err
}

// write queues what a member says of themselves.
func (a Account) write(batch *pgx.Batch) {
	if a.Role != access.RoleMember {
		return
	}
	const ifTheirs = ` WHERE EXISTS (SELECT 1 FROM accounts WHERE id = $1) ON CONFLICT DO NOTHING`
	batch.Queue(`INSERT INTO profiles (member_id, kana, phone, birthday, gender, updated_at) SELECT $1, $2, $3, $4::date, $5, $6::timestamptz`+ifTheirs,
		a.ID, a.Kana, a.Phone, a.Birthday, a.Gender, a.Since)
	if a.Newsletter {
		batch.Queue(`INSERT INTO newsletter_consents (member_id, brand_id, given_at) SELECT $1, $2::uuid, $3::timestamptz`+
			` WHERE EXISTS (SELECT 1 FROM accounts WHERE id = $1) AND NOT EXISTS (SELECT 1 FROM newsletter_consents WHERE member_id = $1)`, a.ID, a.BrandID, a.Since)
	}
	for i, address := range a.Addresses {
		batch.Queue(`INSERT INTO saved_addresses (member_id, id, address, is_default, created_at, updated_at) SELECT $1, $2::uuid, $3::jsonb, $4::boolean, $5::timestamptz, $5`+ifTheirs,
			a.ID, key("address", a.Email, fmt.Sprint(i)), address, i == 0, a.Since)
	}
	for _, p := range a.Pets {
		batch.Queue(`INSERT INTO pets (member_id, id, name, species, breed, birthday, created_at, updated_at) SELECT $1, $2::uuid, $3, $4, $5, $6::date, $7::timestamptz, $7`+ifTheirs,
			a.ID, p.ID, p.Name, p.Species, p.Breed, p.Birthday, a.Since)
	}
}

// synonyms are words that shoppers use for one another.
var synonyms = [][]string{
	{"犬", "わんこ", "ワンちゃん", "ドッグ"}, {"猫", "にゃんこ", "ネコちゃん", "キャット"}, {"うさぎ", "ラビット"}, {"鳥", "バード", "小鳥"},
	{"ごはん", "フード", "エサ"}, {"おやつ", "トリーツ"}, {"リード", "引き綱"}, {"おもちゃ", "トイ"}, {"トイレシート", "ペットシーツ"},
}

// writeSynonyms writes the brand's synonyms.
func (b Brand) writeSynonyms(batch *pgx.Batch) {
	for _, words := range synonyms {
		batch.Queue(`INSERT INTO search_synonyms (id, brand_id, words) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			key("synonym", b.Code, strings.Join(words, "/")), b.ID, words)
	}
}
