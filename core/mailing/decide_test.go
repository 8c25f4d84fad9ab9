package mailing

import (
	"testing"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/noren-commerce/noren/core/customer"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/label"
	"github.com/noren-commerce/noren/core/member"
)

var home = customer.Address{Name: "山田 花子", PostalCode: "1500001", Prefecture: "TOKYO", City: "渋谷区", Line1: "神宮前1-1-1"}

func consent(given bool) *bool { return &given }

func TestWhoIsLeftOutAndWhy(t *testing.T) {
	t.Parallel()
	store, other := id.New(), id.New()
	nameless := home
	nameless.Line1 = ""
	for name, c := range map[string]struct {
		m    Mailing
		p    Person
		want Reason
	}{
		"gets the letter":          {Mailing{Medium: member.DM}, Person{Consent: consent(true), Address: &home}, NoReason},
		"gets the mail":            {Mailing{Medium: member.Mail}, Person{Consent: consent(true), Email: "a@example.jp"}, NoReason},
		"left the brand":           {Mailing{Medium: member.DM}, Person{Gone: true, Consent: consent(true), Address: &home}, Gone},
		"never said":               {Mailing{Medium: member.DM}, Person{Address: &home}, NoConsent},
		"withdrew":                 {Mailing{Medium: member.Mail}, Person{Consent: consent(false), Email: "a@example.jp"}, Unsubscribed},
		"no address":               {Mailing{Medium: member.DM}, Person{Consent: consent(true)}, NoAddress},
		"half an address":          {Mailing{Medium: member.DM}, Person{Consent: consent(true), Address: &nameless}, NoAddress},
		"no e-mail":                {Mailing{Medium: member.Mail}, Person{Consent: consent(true), Address: &home}, NoEmail},
		"nothing arrives":          {Mailing{Medium: member.Mail}, Person{Consent: consent(true), Email: "a@example.jp", Dead: true}, Bounced},
		"a dead mailbox, a letter": {Mailing{Medium: member.DM}, Person{Consent: consent(true), Address: &home, Dead: true}, NoReason},
		"another store's":          {Mailing{Medium: member.DM, StoreID: &store}, Person{Stores: []uuid.UUID{other}, Consent: consent(true), Address: &home}, OtherStore},
		"the store's own":          {Mailing{Medium: member.DM, StoreID: &store}, Person{Stores: []uuid.UUID{other, store}, Consent: consent(true), Address: &home}, NoReason},
	} {
		require.Equal(t, c.want, c.m.left(c.p), name)
	}
}

func TestDecisionsAddUpAndAreTheSameInAnyPortions(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		whole := Mailing{ID: id.New(), Medium: rapid.SampledFrom([]member.Medium{member.DM, member.Mail}).Draw(t, "medium"), HoldOut: rapid.IntRange(0, 50).Draw(t, "hold-out")}
		inParts := whole
		people := make([]Person, rapid.IntRange(0, 200).Draw(t, "people"))
		for i := range people {
			people[i] = Person{MemberID: id.New(), Email: "a@example.jp", Address: &home, Gone: rapid.Bool().Draw(t, "gone")}
			if rapid.Bool().Draw(t, "said") {
				people[i].Consent = consent(rapid.Bool().Draw(t, "given"))
			}
		}
		cut := rapid.IntRange(0, len(people)).Draw(t, "cut")
		all := whole.decide(people)
		parts := append(inParts.decide(people[:cut]), inParts.decide(people[cut:])...)
		require.Equal(t, all, parts)
		require.Equal(t, whole, inParts)
		require.Equal(t, len(people), whole.Decided)
		require.Equal(t, len(people), whole.Addressed+whole.HeldOut+whole.LeftOut)
		next := 0
		for _, d := range all {
			require.Equal(t, d.State == LeftOut, d.Reason != NoReason)
			require.Equal(t, d.State == Queued || d.State == Mailed, d.Position != nil)
			if d.Position != nil {
				next++
				require.Equal(t, next, *d.Position)
			}
		}
	})
}

func TestTheHoldOutIsAsLargeAsItSays(t *testing.T) {
	t.Parallel()
	for _, share := range []int{0, 10, 50} {
		m, held := Mailing{ID: id.New(), HoldOut: share}, 0
		for range 20_000 {
			if m.holds(id.New()) {
				held++
			}
		}
		require.InDelta(t, share, float64(held)/200, 1.5) // four standard errors
	}
}

func TestLabelsAreCutIntoFilesOfWholeSheets(t *testing.T) {
	t.Parallel()
	formats, err := label.Formats()
	require.NoError(t, err)
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SampledFrom(formats).Draw(t, "format")
		skip, last := rapid.IntRange(0, f.Labels()-1).Draw(t, "skip"), rapid.IntRange(1, 30_000).Draw(t, "last")
		first := rapid.IntRange(1, last).Draw(t, "first")
		next, used := first, skip
		files := split(f, skip, first, last)
		for i, file := range files {
			require.Equal(t, next, file.First)
			require.Equal(t, used, file.Skip)
			require.LessOrEqual(t, file.Count(), label.Most)
			if i < len(files)-1 {
				require.Zero(t, (file.Skip+file.Count())%f.Labels(), "a sheet is not begun in two files")
			}
			next, used = file.Last+1, 0
		}
		require.Equal(t, last+1, next)
	})
}

func TestFieldsOfTexts(t *testing.T) {
	t.Parallel()
	require.NoError(t, checkTemplate("mail.body", "{{name}} 様 {{ points }}ポイント {{rank}} {{expiring}} {{expiresOn}} {{store}} {一重}"))
	for _, text := range []string{"{{moniker}}", "{{}}", "{{name", "name}}", "{{a b}}", "{{expireson}}", "{{homeStore}}"} {
		require.ErrorIs(t, checkTemplate("mail.body", text), ErrField, text)
	}
}
