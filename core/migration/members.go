package migration

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/member"
)

// NewMember is a member whom a row brings.
type NewMember struct {
	Line     int
	Key      string // in the system that the data comes from
	Member   member.Member
	Card     string // empty: none, or somebody else's
	StoreID  *uuid.UUID
	HomeID   *uuid.UUID
	Consents []member.Consent
	Pets     []customer.Pet
	Alike    *uuid.UUID // whose card it is that the row names

	reading *reading
}

// jst is the calendar of what is imported.
var jst = time.FixedZone("JST", 9*60*60)

// memberOf reads a row.
func (t *takingMembers) memberOf(r *reading) *NewMember {
	n := &NewMember{Line: r.line, Key: r.key(), reading: r}
	p := member.Personal{Gender: customer.GenderUnsaid}
	f := r.Fields
	p.Name, _ = read(r, f["name"], short(100), differs(FoldedWidth))
	p.Kana, _ = read(r, f["kana"], ReadKana, differs(ToKatakana))
	p.Phone, _ = read(r, f["phone"], ReadPhone, differs(PlainPhone))
	p.Email, _ = read(r, f["email"], readEmail, differs(FoldedWidth))
	if day, ok := read(r, f["birthday"], t.pastDay, fromEra); ok {
		p.Birthday = &day
	}
	if g, ok := read(r, f["gender"], ReadGender, func(typed string, g customer.Gender) Conversion {
		return differs(GenderNamed)(typed, string(g))
	}); ok {
		p.Gender = g
	}
	n.Card, _ = read(r, f["card"], func(s string) (string, error) { return ReadCard(s, f["card"].Check != "") }, cardDone)
	p.Address = r.address(p)
	joined := t.at
	if day, ok := read(r, f["joined_on"], t.pastDay, fromEra); ok {
		joined = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, jst).UTC()
	}
	n.StoreID, n.HomeID = t.store(r, f["store"]), t.store(r, f["home_store"])
	if n.HomeID == nil {
		n.HomeID = n.StoreID
	}
	n.Member = member.Member{ID: id.New(), CreatedAt: joined, UpdatedAt: t.at, Personal: p}
	t.consents(r, n)
	t.pets(r, n)
	if p.Name == "" && p.Phone == "" && p.Email == "" && n.Card == "" && !r.failed {
		r.reject("", "", because("氏名・電話番号・メールアドレス・会員番号のどれもありません", "There is neither name, phone, e-mail address nor card"))
	}
	return n
}

func readEmail(typed string) (string, error) {
	email, err := identity.NormaliseEmail(folded(typed))
	if err != nil {
		return "", because("メールアドレスとして読めません", "This is not an e-mail address")
	}
	return email, nil
}

func cardDone(typed, card string) Conversion {
	if folded(typed)+card[len(card)-1:] == card {
		return CheckAdded
	}
	return differs(FoldedWidth)(typed, card)
}

func fromEra(typed string, _ time.Time) Conversion {
	if _, inEra, err := ReadDate(typed); err == nil && inEra {
		return FromEra
	}
	return ""
}

// eldest is how long ago a day of a living being can be, in years.
const eldest = 150

// pastDay reads a day that is not to come.
func (t *takingMembers) pastDay(typed string) (time.Time, error) {
	day, _, err := ReadDate(typed)
	if err != nil {
		return day, err
	}
	today := t.at.In(jst)
	if day.After(on(today.Year(), today.Month(), today.Day())) || day.Before(on(today.Year()-eldest, today.Month(), today.Day())) {
		return day, because("未来の日付か、古すぎる日付です", "The day is yet to come, or too long ago")
	}
	return day, nil
}

// store is one of the brand's by its code; nil if the field is empty.
func (t *takingMembers) store(r *reading, f *Field) *uuid.UUID {
	found, ok := read(r, f, func(code string) (uuid.UUID, error) {
		if key, ok := t.stores[folded(code)]; ok {
			return key, nil
		}
		return uuid.Nil, because("店舗コードが登録されていません", "There is no such store")
	}, nil)
	if !ok {
		return nil
	}
	return &found
}

// address is what the row says of one, from its parts or one text; nil if it says nothing.
func (r *reading) address(p member.Personal) *customer.Address {
	f := r.Fields
	a, whole := read(r, f["address"], SplitJapanese, func(string, customer.Address) Conversion { return SplitAddress })
	if code, ok := read(r, f["postal_code"], ReadPostalCode, differs(PlainPostal)); ok {
		a.PostalCode = code
	}
	if prefecture, ok := read(r, f["prefecture"], ReadPrefecture, func(string, customer.Prefecture) Conversion { return "" }); ok {
		a.Prefecture = prefecture
	}
	for name, to := range map[string]*string{"city": &a.City, "line1": &a.Line1, "line2": &a.Line2} {
		if text, ok := read(r, f[name], func(s string) (string, error) { return short(100)(dashed(s)) }, differs(FoldedWidth)); ok {
			*to = text
		}
	}
	if a == (customer.Address{}) {
		return nil
	}
	a.Name, a.Kana, a.Phone = p.Name, p.Kana, p.Phone
	if !whole && (a.Prefecture == "" || a.City == "" || a.Line1 == "") || a.PostalCode == "" || a.Name == "" {
		if !r.failed {
			r.said(Dropped, "", "", because("住所が揃っていないため、住所なしで取り込みます（郵便番号・都道府県・市区町村・番地・氏名が必要です）", "The address is not whole, so the member is taken without it"))
		}
		return nil
	}
	return &a
}

// consents are what the row says of them, as of the day on which the member said so where the
// file has it, else as of the import.
func (t *takingMembers) consents(r *reading, n *NewMember) {
	var of *time.Time // the day of all, which is read once
	for _, medium := range []member.Medium{member.Mail, member.DM, member.SMS, member.Push} {
		f := r.Consents[string(medium)]
		given, ok := read(r, f, ReadConsent, nil)
		if !ok {
			continue
		}
		at, ok := t.agreed(r, f.AgreedOn)
		if !ok {
			if of == nil {
				all, _ := t.agreed(r, r.AgreedOn)
				of = &all
			}
			at = *of
		}
		n.Consents = append(n.Consents, member.Consent{
			ID: id.New(), MemberID: n.Member.ID, BrandID: t.run.BrandID, Medium: medium, Given: given, How: member.ByImport, Wording: r.Wording,
			StoreID: n.StoreID, ActorRole: t.actor.Role, ActorID: t.actorID(), At: at,
		})
	}
}

// agreed is the beginning, in Japan, of the day that the field says; else the import's moment.
func (t *takingMembers) agreed(r *reading, f *Field) (time.Time, bool) {
	day, ok := read(r, f, t.pastDay, fromEra)
	if !ok {
		return t.at, false
	}
	return time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, jst).UTC(), true
}

var species = map[string]customer.Species{
	"犬": "DOG", "猫": "CAT", "うさぎ": "RABBIT", "ウサギ": "RABBIT", "小動物": "SMALL_MAMMAL", "ハムスター": "SMALL_MAMMAL", "鳥": "BIRD", "魚": "FISH", "爬虫類": "REPTILE", "昆虫": "INSECT", "その他": "OTHER",
	"DOG": "DOG", "CAT": "CAT", "RABBIT": "RABBIT", "SMALL_MAMMAL": "SMALL_MAMMAL", "BIRD": "BIRD", "FISH": "FISH", "REPTILE": "REPTILE", "INSECT": "INSECT", "OTHER": "OTHER",
}

func (t *takingMembers) pets(r *reading, n *NewMember) {
	for _, f := range r.Pets {
		name, ok := read(r, f["name"], short(100), differs(FoldedWidth))
		if !ok {
			continue
		}
		pet := customer.Pet{ID: id.New(), MemberID: n.Member.ID, Name: name, Species: "OTHER", Allergies: []string{}, CreatedAt: t.at, UpdatedAt: t.at}
		if s, ok := read(r, f["species"], func(typed string) (customer.Species, error) {
			if s, ok := species[strings.ToUpper(folded(typed))]; ok {
				return s, nil
			}
			return "", because("動物の種類として読めません。values で対応を指定してください", "This is not a species; say in values what it means")
		}, nil); ok {
			pet.Species = s
		}
		pet.Breed, _ = read(r, f["breed"], short(100), differs(FoldedWidth))
		if day, ok := read(r, f["birthday"], t.pastDay, fromEra); ok {
			pet.Birthday = &day
		}
		n.Pets = append(n.Pets, pet)
	}
}

// takingMembers takes rows of members.
type takingMembers struct {
	*taking
	stores map[string]uuid.UUID
}

// batch reads and checks rows, and answers how to put them into the database.
func (t *takingMembers) batch(ctx context.Context, rows []*reading) (taken, error) {
	var all []*NewMember
	var keys, cards []string
	for _, r := range rows {
		n := t.memberOf(r)
		if r.failed {
			continue
		}
		all, keys = append(all, n), append(keys, n.Key)
		if n.Card != "" {
			cards = append(cards, n.Card)
		}
	}
	return taken{write: func(ctx context.Context) (result, error) { return t.write(ctx, all, keys, cards) }}, ctx.Err()
}

// write puts what is new into the database, or only finds what would be.
func (t *takingMembers) write(ctx context.Context, all []*NewMember, keys, cards []string) (result, error) {
	known, err := t.Store.Sources(ctx, t.run.BrandID, t.mapping.Source, keys)
	if err != nil {
		return result{}, err
	}
	holders, err := t.Store.CardHolders(ctx, cards)
	if err != nil {
		return result{}, err
	}
	first, err := t.Store.Seen(ctx, t.run.ID, namesOf(all))
	if err != nil {
		return result{}, err
	}
	var done result
	fresh := all[:0:0]
	for _, n := range all {
		switch {
		case !t.once(n, first):
		case known[n.Key] != uuid.Nil:
			done.repeated++
		default:
			taken := *n
			t.cardless(&taken, holders)
			fresh = append(fresh, &taken)
		}
	}
	done.accepted = len(fresh)
	if t.apply {
		if err := t.Store.AddMembers(ctx, *t.run, t.mapping.Source, fresh); err != nil {
			return result{}, err
		}
	}
	done.proposals, err = t.Store.Propose(ctx, *t.run, fresh, t.apply)
	return done, err
}

// namesOf are what of the rows may stand in a file once.
func namesOf(all []*NewMember) []Named {
	names := make([]Named, 0, 2*len(all))
	for _, n := range all {
		names = append(names, Named{"key", n.Key, n.Line})
		if n.Card != "" {
			names = append(names, Named{"card", n.Card, n.Line})
		}
	}
	return names
}

// once rejects a row whose key or card stands in the file before.
func (t *takingMembers) once(n *NewMember, first map[Named]int) bool {
	if line := first[Named{"key", n.Key, 0}]; line != n.Line {
		n.reading.reject(strings.Join(t.mapping.Key, "+"), n.Key, because("キーが%d行目と重複しています", "The key stands in line %d too", line))
		return false
	}
	if line := first[Named{"card", n.Card, 0}]; n.Card != "" && line != n.Line {
		n.reading.reject(strings.Join(t.mapping.Fields["card"].From, "+"), n.Card, because("会員番号が%d行目と重複しています", "The card number stands in line %d too", line))
		return false
	}
	return true
}

// cardless leaves a card with who has it: the two may be one.
func (t *takingMembers) cardless(n *NewMember, holders map[string]uuid.UUID) {
	holder := holders[n.Card]
	if n.Card == "" || holder == uuid.Nil {
		return
	}
	n.reading.said(Noticed, strings.Join(t.mapping.Fields["card"].From, "+"), n.Card,
		because("会員番号は既に登録されているため、カードなしで取り込み、名寄せ候補にします", "The card is somebody's already: the member is taken without it, and proposed as a duplicate"))
	n.Card, n.Alike = "", &holder
}

// ErrDrawn says that card numbers were drawn that are given out: draw again.
var ErrDrawn = errors.New("card numbers are taken")
