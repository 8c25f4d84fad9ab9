package resolvers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// petOf runs a mutation of a member's pets by somebody.
func petOf(t testing.TB, a *apptest.App, actor access.Actor, field string, input apptest.Variables) changed {
	t.Helper()
	var got map[string]changed
	a.DoAs(t, actor, `mutation($in: `+strings.ToUpper(field[:1])+field[1:]+`Input!) { `+field+`(input: $in) { pet { id name species breed birthday } userErrors { code field message } } }`,
		apptest.Variables{"in": input}).Into(t, &got)
	return got[field]
}

type weighed struct {
	ID, Name  string
	Allergies []string
	Weights   []struct {
		MeasuredOn string
		Grams      int
	}
}

// petsOf are a member's pets as somebody sees them.
func petsOf(t testing.TB, a *apptest.App, actor access.Actor, member string) []weighed {
	t.Helper()
	var got struct{ Member struct{ Pets []weighed } }
	a.DoAs(t, actor, `query($id: ID!) { member(id: $id) { pets { id name allergies weights { measuredOn grams } } } }`, apptest.Variables{"id": member}).Into(t, &got)
	return got.Member.Pets
}

func TestAShopKeepsThePetsOfItsMembers(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shibuya, umeda := shopOf(t, a, "shibuya"), shopOf(t, a, "umeda")
	hanako := registeredAt(t, a, shibuya, "山田 花子", "09012345612")
	both := []access.Permission{access.MemberRead, access.MemberWrite}
	ours, theirs := registrarOf(both, shibuya), registrarOf(both, umeda)
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: both}

	pochi := petOf(t, a, ours, "addPet", apptest.Variables{"memberId": hanako, "name": "ポチ", "species": "DOG", "breed": "柴犬", "birthday": "2020-04-01", "allergies": []string{"鶏肉"}})
	require.Empty(t, pochi.UserErrors)
	require.Equal(t, "WEIGHT_INVALID", petOf(t, a, ours, "recordPetWeight", apptest.Variables{"memberId": hanako, "petId": pochi.Pet.ID, "measuredOn": time.Now().AddDate(0, 0, 3).Format(time.DateOnly), "grams": 9000}).code())
	require.Empty(t, petOf(t, a, ours, "recordPetWeight", apptest.Variables{"memberId": hanako, "petId": pochi.Pet.ID, "measuredOn": "2026-01-31", "grams": 9100}).UserErrors)
	renamed := petOf(t, a, office, "updatePet", apptest.Variables{"memberId": hanako, "id": pochi.Pet.ID, "name": "ハチ"})
	require.Equal(t, []string{"ハチ", "DOG", "柴犬", "2020-04-01"}, []string{renamed.Pet.Name, renamed.Pet.Species, renamed.Pet.Breed, *renamed.Pet.Birthday})

	for name, actor := range map[string]access.Actor{"the member's shop": registrarOf(both[:1], shibuya), "the head office": office} {
		pets := petsOf(t, a, actor, hanako)
		require.Len(t, pets, 1, name)
		require.Equal(t, []string{"鶏肉"}, pets[0].Allergies, name)
		require.Equal(t, 9100, pets[0].Weights[0].Grams, name)
	}
	require.Empty(t, petsOf(t, a, theirs, hanako), "masked for other stores")
	require.Empty(t, petsOf(t, a, registrarOf(both), hanako), "and for staff of none")
	require.Equal(t, "FORBIDDEN", petOf(t, a, theirs, "addPet", apptest.Variables{"memberId": hanako, "name": "盗", "species": "CAT"}).code())
	require.Equal(t, "FORBIDDEN", petOf(t, a, theirs, "updatePet", apptest.Variables{"memberId": hanako, "id": pochi.Pet.ID, "name": "盗"}).code())
	require.Equal(t, "FORBIDDEN", petOf(t, a, theirs, "removePet", apptest.Variables{"memberId": hanako, "id": pochi.Pet.ID}).code())
	require.Equal(t, "FORBIDDEN", petOf(t, a, theirs, "recordPetWeight", apptest.Variables{"memberId": hanako, "petId": pochi.Pet.ID, "measuredOn": "2026-01-31", "grams": 1}).code())
	other := registeredAt(t, a, shibuya, "佐藤 太郎", "08098765434")
	require.Equal(t, "NOT_FOUND", petOf(t, a, ours, "updatePet", apptest.Variables{"memberId": other, "id": pochi.Pet.ID, "name": "取"}).code(), "another member's pet")
	require.Equal(t, "NOT_FOUND", petOf(t, a, ours, "addPet", apptest.Variables{"memberId": id.Global("Member", id.New()), "name": "無", "species": "DOG"}).code())
	require.Equal(t, "REQUIRED", petOf(t, a, ours, "addPet", apptest.Variables{"memberId": hanako, "name": "　", "species": "DOG"}).code())
	require.Equal(t, "FORBIDDEN", a.DoAs(t, access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: both[:1]},
		`mutation($id: ID!) { addPet(input: {memberId: $id, name: "x", species: DOG}) { pet { id } } }`, apptest.Variables{"id": hanako}).Code(), "who may not write")
	require.Equal(t, "FORBIDDEN", newCustomer(t, a, "taro@example.jp").change(t, "addPet", apptest.Variables{"memberId": hanako, "name": "盗", "species": "DOG"}).code(), "another member")

	require.Empty(t, petOf(t, a, ours, "removePet", apptest.Variables{"memberId": hanako, "id": pochi.Pet.ID}).UserErrors)
	require.Empty(t, petsOf(t, a, ours, hanako))
	var audited []string
	rows, err := a.DB.Pool().Query(t.Context(), `SELECT type || ' ' || actor_role FROM events WHERE subject = 'Member' AND subject_id = $1 AND type LIKE 'pet.%' ORDER BY position`, keyOf(t, hanako))
	require.NoError(t, err)
	for rows.Next() {
		var line string
		require.NoError(t, rows.Scan(&line))
		audited = append(audited, line)
	}
	require.Equal(t, []string{"pet.added STORE_STAFF", "pet.weighed STORE_STAFF", "pet.updated STAFF", "pet.removed STORE_STAFF"}, audited)
}

func TestAPetsWeightsAreOneADay(t *testing.T) {
	t.Parallel()
	c := newCustomer(t, apptest.Start(t), "hanako@example.jp")
	pochi := c.change(t, "addPet", apptest.Variables{"name": "ポチ", "species": "DOG"}).Pet
	weigh := func(day string, grams int) string {
		var got struct{ RecordPetWeight changed }
		c.do(t, `mutation($in: RecordPetWeightInput!) { recordPetWeight(input: $in) { pet { id } userErrors { code field message } } }`,
			apptest.Variables{"in": apptest.Variables{"petId": pochi.ID, "measuredOn": day, "grams": grams}}).Into(t, &got)
		return got.RecordPetWeight.code()
	}
	log := func() string {
		var got struct{ Me struct{ Pets []weighed } }
		c.do(t, `{ me { pets { id weights { measuredOn grams } } } }`, nil).Into(t, &got)
		var days []string
		for _, w := range got.Me.Pets[0].Weights {
			days = append(days, w.MeasuredOn)
		}
		return strings.Join(days, " ")
	}
	require.Empty(t, weigh("2026-01-01", 4000)+weigh("2026-02-01", 4200)+weigh("2026-01-15", 1_000_000))
	require.Equal(t, "2026-02-01 2026-01-15 2026-01-01", log(), "the latest first")
	require.Empty(t, weigh("2026-01-01", 4100), "a day has one weight")
	require.Equal(t, "2026-02-01 2026-01-15 2026-01-01", log())
	require.Empty(t, weigh("2026-01-15", 0), "nothing takes the day out")
	require.Equal(t, "2026-02-01 2026-01-01", log())
	for day, grams := range map[string]int{"2026-01-02": -1, "2026-01-03": 1_000_001, time.Now().AddDate(0, 0, 2).Format(time.DateOnly): 10} {
		require.Equal(t, "WEIGHT_INVALID", weigh(day, grams), day)
	}
	taro := newCustomer(t, c.App, "taro@example.jp")
	require.Contains(t, string(taro.do(t, `mutation($p: ID!) { recordPetWeight(input: {petId: $p, measuredOn: "2026-01-01", grams: 1}) { userErrors { code } } }`, apptest.Variables{"p": pochi.ID}).Data), "NOT_FOUND", "another's pet")
}
