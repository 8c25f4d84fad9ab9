package resolvers_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
)

// customer is a member with a session.
type customer struct {
	*apptest.App
	id, bearer string
}

func newCustomer(t testing.TB, a *apptest.App, email string) customer {
	t.Helper()
	registered := register(t, a, email, goodPassword)
	require.Empty(t, registered.UserErrors)
	return customer{a, registered.Account.ID, registered.bearer()}
}

func (c customer) do(t testing.TB, query string, variables apptest.Variables) apptest.Answer {
	t.Helper()
	return c.Do(t, query, variables, "Authorization", c.bearer)
}

type savedAddress struct {
	ID        string
	IsDefault bool
	Address   struct{ Name, Kana, PostalCode, Prefecture, City, Line1, Phone string }
}

type pet struct {
	ID, Name, Species, Breed string
	Birthday                 *string
}

type changed struct {
	Address    *savedAddress
	Pet        *pet
	Profile    *struct{ Name, Kana, Phone, Gender string }
	UserErrors []userError
}

func (c changed) code() string {
	if len(c.UserErrors) == 0 {
		return ""
	}
	return c.UserErrors[0].Code
}

// change runs one mutation of the caller's own data.
func (c customer) change(t testing.TB, field string, input apptest.Variables) changed {
	t.Helper()
	inputs := map[string]string{
		"updateProfile": "UpdateProfileInput", "addAddress": "AddAddressInput", "updateAddress": "UpdateAddressInput",
		"removeAddress": "RemoveAddressInput", "addPet": "AddPetInput", "updatePet": "UpdatePetInput", "removePet": "RemovePetInput",
	}
	result := "pet { id name species breed birthday }"
	if strings.HasSuffix(field, "Address") {
		result = "address { id isDefault address { name kana postalCode prefecture city line1 phone } }"
	}
	if field == "updateProfile" {
		result = "profile { name kana phone gender }"
	}
	var got map[string]changed
	c.do(t, fmt.Sprintf(`mutation($in: %s!) { %s(input: $in) { %s userErrors { code field message } } }`, inputs[field], field, result),
		apptest.Variables{"in": input}).Into(t, &got)
	return got[field]
}

func (c customer) book(t testing.TB) []savedAddress {
	t.Helper()
	var got struct {
		Me struct{ Addresses []savedAddress }
	}
	c.do(t, `{ me { addresses { id isDefault address { name kana postalCode prefecture city line1 phone } } } }`, nil).Into(t, &got)
	return got.Me.Addresses
}

func newAddress(name string) apptest.Variables {
	return apptest.Variables{
		"name": name, "kana": "やまだ はなこ", "postalCode": "〒１５０－０００１", "prefecture": "TOKYO",
		"city": "渋谷区", "line1": "神宮前1-2-3", "phone": "03-1234-5678",
	}
}

func TestMemberCorrectsTheProfile(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, apptest.Start(t), "hanako@example.jp")
	got := c.change(t, "updateProfile", apptest.Variables{
		"name": " 山田　花子 ", "kana": "やまだはなこ", "phone": "０９０-1234-5678", "birthday": "1990-02-28", "gender": "FEMALE", "newsletter": true,
	})
	require.Empty(t, got.UserErrors)
	require.Equal(t, "ヤマダハナコ", got.Profile.Kana)
	require.Empty(t, c.change(t, "updateProfile", apptest.Variables{"phone": ""}).UserErrors, "what is not said stays")

	var me struct {
		Me struct {
			Name    string
			Profile struct {
				Name, Kana, Phone, Birthday, Gender string
				Newsletter                          bool
			}
		}
	}
	c.do(t, `{ me { name profile { name kana phone birthday gender newsletter } } }`, nil).Into(t, &me)
	require.Equal(t, "山田 花子", me.Me.Name, "the account has the same name")
	p := me.Me.Profile
	require.Equal(t, []string{"山田 花子", "ヤマダハナコ", "", "1990-02-28", "FEMALE"}, []string{p.Name, p.Kana, p.Phone, p.Birthday, p.Gender})
	require.True(t, p.Newsletter)
}

func TestNewsletterConsentIsKeptAsARecord(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, apptest.Start(t), "hanako@example.jp")
	for _, wanted := range []bool{true, false, false, true} {
		require.Empty(t, c.change(t, "updateProfile", apptest.Variables{"newsletter": wanted}).UserErrors)
	}
	var given, withdrawn int
	require.NoError(t, c.DB.Pool().QueryRow(t.Context(), `SELECT count(given_at), count(withdrawn_at) FROM newsletter_consents`).Scan(&given, &withdrawn))
	require.Equal(t, []int{2, 1}, []int{given, withdrawn})
	require.Empty(t, c.change(t, "updateProfile", apptest.Variables{"newsletter": false, "how": "APP"}).UserErrors)
	require.Equal(t, "INVALID", c.change(t, "updateProfile", apptest.Variables{"newsletter": true, "how": "BOUNCE"}).code(), "a member says it on the website or in the app")
	var how []string
	require.NoError(t, c.DB.Pool().QueryRow(t.Context(), `SELECT array_agg(how ORDER BY at, id) FROM member_consents WHERE address IS NOT NULL`).Scan(&how))
	require.Equal(t, []string{"WEB", "WEB", "WEB", "APP"}, how, "how, and from where")
}

func TestBadProfilesAreRefusedWhole(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, apptest.Start(t), "hanako@example.jp")
	require.Empty(t, c.change(t, "updateProfile", apptest.Variables{"name": "花子"}).UserErrors)
	for code, input := range map[string]apptest.Variables{
		"KANA_INVALID":     {"kana": "yamada"},
		"PHONE_INVALID":    {"phone": "1234"},
		"BIRTHDAY_INVALID": {"birthday": time.Now().AddDate(0, 0, 3).Format(time.DateOnly)},
		"TOO_LONG":         {"kana": strings.Repeat("ア", 101)},
	} {
		input["name"] = "太郎"
		got := c.change(t, "updateProfile", input)
		require.Equal(t, code, got.code())
		require.Nil(t, got.Profile)
	}
	require.Equal(t, "BIRTHDAY_INVALID", c.change(t, "updateProfile", apptest.Variables{"birthday": "1850-01-01"}).code())
	require.NotEmpty(t, c.do(t, `mutation { updateProfile(input: {birthday: "2001-02-30"}) { userErrors { code } } }`, nil).Errors, "no such day")
	var me struct{ Me struct{ Name string } }
	c.do(t, `{ me { name } }`, nil).Into(t, &me)
	require.Equal(t, "花子", me.Me.Name, "nothing was half-done")
}

func TestAddressBookHasOneDefault(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, apptest.Start(t), "hanako@example.jp")
	home := c.change(t, "addAddress", apptest.Variables{"address": newAddress("自宅")})
	require.True(t, home.Address.IsDefault, "the first is the default")
	require.Equal(t, "1500001", home.Address.Address.PostalCode)
	office := c.change(t, "addAddress", apptest.Variables{"address": newAddress("会社")})
	require.False(t, office.Address.IsDefault)

	office = c.change(t, "updateAddress", apptest.Variables{"id": office.Address.ID, "isDefault": true})
	require.True(t, office.Address.IsDefault)
	require.Equal(t, "会社", office.Address.Address.Name, "what is not said stays")
	require.Equal(t, []bool{true, false}, []bool{c.book(t)[0].IsDefault, c.book(t)[1].IsDefault})
	require.Empty(t, c.change(t, "updateAddress", apptest.Variables{"id": office.Address.ID, "isDefault": false}).UserErrors)
	require.True(t, c.book(t)[0].IsDefault, "a default is replaced, not taken away")

	parents := c.change(t, "addAddress", apptest.Variables{"address": newAddress("実家"), "isDefault": true})
	require.Empty(t, c.change(t, "removeAddress", apptest.Variables{"id": parents.Address.ID}).UserErrors)
	book := c.book(t)
	require.Len(t, book, 2)
	require.Equal(t, home.Address.ID, book[0].ID)
	require.True(t, book[0].IsDefault, "the oldest inherits")
	require.Equal(t, "NOT_FOUND", c.change(t, "removeAddress", apptest.Variables{"id": parents.Address.ID}).code())
}

func TestBadAddressesAreRefused(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, apptest.Start(t), "hanako@example.jp")
	for field, bad := range map[string]struct{ value, code string }{
		"postalCode": {"123", "POSTAL_CODE_INVALID"}, "phone": {"x", "PHONE_INVALID"}, "kana": {"Hanako", "KANA_INVALID"},
		"city": {"　", "REQUIRED"}, "line1": {strings.Repeat("あ", 101), "TOO_LONG"},
	} {
		address := newAddress("自宅")
		address[field] = bad.value
		got := c.change(t, "addAddress", apptest.Variables{"address": address})
		require.Equal(t, bad.code, got.code())
		require.Equal(t, []string{"address", field}, got.UserErrors[0].Field)
	}
	require.Empty(t, c.book(t))
}

func TestAddressBookIsBoundedUnderConcurrency(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, apptest.Start(t), "hanako@example.jp")
	codes := make(chan string, 26)
	var group sync.WaitGroup
	for i := range cap(codes) {
		group.Go(func() {
			codes <- c.change(t, "addAddress", apptest.Variables{"address": newAddress(fmt.Sprint("家", i)), "isDefault": true}).code()
		})
	}
	group.Wait()
	close(codes)
	counted := map[string]int{}
	for code := range codes {
		counted[code]++
	}
	require.Equal(t, map[string]int{"": 20, "TOO_MANY": 6}, counted)
	defaults := 0
	for _, a := range c.book(t) {
		if a.IsDefault {
			defaults++
		}
	}
	require.Equal(t, 1, defaults)
}

func TestMemberEntersPets(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, apptest.Start(t), "hanako@example.jp")
	pochi := c.change(t, "addPet", apptest.Variables{"name": "ポチ", "species": "DOG", "breed": "柴犬", "birthday": "2020-04-01"})
	require.Empty(t, pochi.UserErrors)
	require.Equal(t, "REQUIRED", c.change(t, "addPet", apptest.Variables{"name": " ", "species": "CAT"}).code())
	require.Equal(t, "BIRTHDAY_INVALID", c.change(t, "addPet", apptest.Variables{"name": "タマ", "species": "CAT", "birthday": "2999-01-01"}).code())
	require.NotEmpty(t, c.do(t, `mutation { addPet(input: {name: "竜", species: DRAGON}) { userErrors { code } } }`, nil).Errors)

	renamed := c.change(t, "updatePet", apptest.Variables{"id": pochi.Pet.ID, "name": "ハチ"})
	require.Equal(t, []string{"ハチ", "DOG", "柴犬", "2020-04-01"}, []string{renamed.Pet.Name, renamed.Pet.Species, renamed.Pet.Breed, *renamed.Pet.Birthday})
	require.Empty(t, c.change(t, "removePet", apptest.Variables{"id": pochi.Pet.ID}).UserErrors)
	require.Equal(t, "NOT_FOUND", c.change(t, "updatePet", apptest.Variables{"id": pochi.Pet.ID, "name": "x"}).code())
	var me struct{ Me struct{ Pets []pet } }
	c.do(t, `{ me { pets { id name } } }`, nil).Into(t, &me)
	require.Empty(t, me.Me.Pets)
}

func TestAnotherMembersDataIsOutOfReach(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hanako, taro := newCustomer(t, a, "hanako@example.jp"), newCustomer(t, a, "taro@example.jp")
	home := hanako.change(t, "addAddress", apptest.Variables{"address": newAddress("自宅")}).Address
	pochi := hanako.change(t, "addPet", apptest.Variables{"name": "ポチ", "species": "DOG"}).Pet

	require.Equal(t, "NOT_FOUND", taro.change(t, "updateAddress", apptest.Variables{"id": home.ID, "isDefault": true}).code())
	require.Equal(t, "NOT_FOUND", taro.change(t, "removeAddress", apptest.Variables{"id": home.ID}).code())
	require.Equal(t, "NOT_FOUND", taro.change(t, "updatePet", apptest.Variables{"id": pochi.ID, "name": "盗"}).code())
	require.Equal(t, "NOT_FOUND", taro.change(t, "removePet", apptest.Variables{"id": pochi.ID}).code())
	require.Empty(t, taro.book(t))
	require.Len(t, hanako.book(t), 1)
	for _, field := range []string{`addAddress(input: {address: {name: "x", postalCode: "1", prefecture: TOKYO, city: "x", line1: "x", phone: "0"}})`, `addPet(input: {name: "x", species: DOG})`, `updateProfile(input: {name: "x"})`} {
		require.Equal(t, "UNAUTHENTICATED", a.Do(t, `mutation { `+field+` { userErrors { code } } }`, nil).Code(), "a guest has no profile")
	}
}
