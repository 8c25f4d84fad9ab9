package resolvers_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app"
	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/wishlist"
)

type wishList struct {
	ID, Name   string
	ShareToken *string
	Wishes     []struct {
		ID, Note string
		Quantity int
		Notify   bool
		Variant  *struct{ ID string }
	}
}

const wishListFields = `id name shareToken wishes { id quantity note notify variant { id } }`

// wish asks for a change of a list as the customer.
func (c customer) wish(t *testing.T, mutation string, input apptest.Variables) (*wishList, []string) {
	t.Helper()
	var got map[string]struct {
		WishList   *wishList
		UserErrors []userError
	}
	name := strings.ToUpper(mutation[:1]) + mutation[1:]
	c.do(t, `mutation($input: `+name+`Input!) { `+mutation+`(input: $input) { wishList { `+wishListFields+` } userErrors { code field message } } }`, in(input)).Into(t, &got)
	var codes []string
	for _, e := range got[mutation].UserErrors {
		codes = append(codes, e.Code)
	}
	return got[mutation].WishList, codes
}

func (c customer) wishLists(t *testing.T) []wishList {
	t.Helper()
	var got struct{ WishLists []wishList }
	c.do(t, `{ wishLists { `+wishListFields+` } }`, nil).Into(t, &got)
	return got.WishLists
}

func variantOf(key uuid.UUID) string { return id.Global("Variant", key) }

func TestWishesAreKeptAndShared(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hana, taro := newCustomer(t, a, "hana@example.jp"), newCustomer(t, a, "taro@example.jp")
	bed := a.AddProduct(t, "bed", 4800).Variants[0]

	list, errors := hana.wish(t, "saveWish", apptest.Variables{"variantId": variantOf(bed), "quantity": 2, "note": "for Pochi"})
	require.Empty(t, errors)
	require.Equal(t, "お気に入り", list.Name, "the first list comes by itself")
	list, errors = hana.wish(t, "saveWish", apptest.Variables{"variantId": variantOf(bed), "notify": true})
	require.Empty(t, errors)
	require.Len(t, list.Wishes, 1, "a list holds a variant once")
	require.Equal(t, 2, list.Wishes[0].Quantity)
	require.Equal(t, "for Pochi", list.Wishes[0].Note)

	shared, errors := hana.wish(t, "saveWishList", apptest.Variables{"id": list.ID, "name": "Birthday", "shared": true})
	require.Empty(t, errors)
	require.Len(t, *shared.ShareToken, 26)
	seen := func(token string) *wishList {
		var got struct{ SharedWishList *wishList }
		taro.do(t, `query($token: String!) { sharedWishList(token: $token) { `+wishListFields+` } }`, apptest.Variables{"token": token}).Into(t, &got)
		return got.SharedWishList
	}
	require.Equal(t, "Birthday", seen(*shared.ShareToken).Name)
	require.Nil(t, seen(*shared.ShareToken).ShareToken, "the link is its member's to pass on")
	require.Nil(t, seen("guessed"))
	require.Empty(t, taro.wishLists(t))

	_, errors = taro.wish(t, "removeWish", apptest.Variables{"id": list.Wishes[0].ID})
	require.Equal(t, []string{"NOT_FOUND"}, errors, "somebody else's")
	_, errors = taro.wish(t, "saveWishList", apptest.Variables{"id": list.ID, "name": "mine"})
	require.Equal(t, []string{"NOT_FOUND"}, errors)

	_, errors = hana.wish(t, "saveWishList", apptest.Variables{"id": list.ID, "shared": false})
	require.Empty(t, errors)
	require.Nil(t, seen(*shared.ShareToken), "the link ends")
	again, _ := hana.wish(t, "saveWishList", apptest.Variables{"id": list.ID, "shared": true})
	require.NotEqual(t, *shared.ShareToken, *again.ShareToken, "a link that ended stays ended")

	list, errors = hana.wish(t, "removeWish", apptest.Variables{"id": list.Wishes[0].ID})
	require.Empty(t, errors)
	require.Empty(t, list.Wishes)
	_, errors = hana.wish(t, "removeWishList", apptest.Variables{"id": list.ID})
	require.Empty(t, errors)
	require.Empty(t, hana.wishLists(t))
}

func TestBadWishesAreRefused(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hana := newCustomer(t, a, "hana@example.jp")
	bed := a.AddProduct(t, "bed", 4800).Variants[0]
	for name, c := range map[string]struct {
		mutation string
		input    apptest.Variables
		code     string
	}{
		"unknown variant": {"saveWish", apptest.Variables{"variantId": variantOf(id.New())}, "VARIANT_UNAVAILABLE"},
		"no pieces":       {"saveWish", apptest.Variables{"variantId": variantOf(bed), "quantity": 0}, "QUANTITY_INVALID"},
		"long note":       {"saveWish", apptest.Variables{"variantId": variantOf(bed), "note": strings.Repeat("あ", 201)}, "TOO_LONG"},
		"unknown list":    {"saveWish", apptest.Variables{"variantId": variantOf(bed), "listId": id.Global("WishList", id.New())}, "NOT_FOUND"},
		"no name":         {"saveWishList", apptest.Variables{"name": "  "}, "REQUIRED"},
		"long name":       {"saveWishList", apptest.Variables{"name": strings.Repeat("あ", 51)}, "TOO_LONG"},
	} {
		_, errors := hana.wish(t, c.mutation, c.input)
		require.Equal(t, []string{c.code}, errors, name)
	}
	for range wishlist.MaxLists {
		_, errors := hana.wish(t, "saveWishList", apptest.Variables{"name": "one more"})
		require.Empty(t, errors)
	}
	_, errors := hana.wish(t, "saveWishList", apptest.Variables{"name": "one too many"})
	require.Equal(t, []string{"WISH_LISTS_FULL"}, errors)
}

func TestWishersAreToldOnce(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hana := newCustomer(t, a, "hana@example.jp")
	bed, toy, quiet := a.AddProduct(t, "bed", 4800), a.AddProduct(t, "toy", 900), a.AddProduct(t, "quiet", 500)
	a.SetStock(t, bed.Variants[0], 5)
	a.SetStock(t, quiet.Variants[0], 5)
	a.SetStock(t, toy.Variants[0], 0)
	for variant, notify := range map[uuid.UUID]bool{bed.Variants[0]: true, toy.Variants[0]: true, quiet.Variants[0]: false} {
		_, errors := hana.wish(t, "saveWish", apptest.Variables{"variantId": variantOf(variant), "notify": notify})
		require.Empty(t, errors)
	}
	mails := func() int {
		t.Helper()
		require.NoError(t, a.App.Resolvers.Wishes.Tell(t.Context()))
		return queuedMails(t, a, "wish_news")
	}
	price := func(amount int) {
		exec(t, a, `UPDATE prices SET amount = $1 WHERE variant_id = ANY($2)`, amount, []uuid.UUID{bed.Variants[0], quiet.Variants[0]})
	}
	require.Zero(t, mails(), "nothing is new")
	price(300)
	a.SetStock(t, toy.Variants[0], 3)
	require.Equal(t, 1, mails(), "one mail for all the news")
	var told string
	openMails(t, a)
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT args->'message'->>'content' FROM river_job WHERE args->'message'->>'kind' = 'wish_news'`).Scan(&told))
	require.Contains(t, told, `"before": 4800`)
	require.Contains(t, told, `"now": 300`)
	require.Contains(t, told, `"back": true`)
	require.NotContains(t, told, "quiet")
	require.Equal(t, 1, mails(), "told once")
	price(400)
	require.Equal(t, 1, mails(), "what becomes dearer is no news")
	price(350)
	require.Equal(t, 2, mails(), "and cheaper again is")
}

func TestWishNewsHaveAWayOutWithoutALogin(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hana := newCustomer(t, a, "hana@example.jp")
	bed := a.AddProduct(t, "bed", 4800)
	a.SetStock(t, bed.Variants[0], 5)
	wish := func() {
		_, errors := hana.wish(t, "saveWish", apptest.Variables{"variantId": variantOf(bed.Variants[0]), "notify": true})
		require.Empty(t, errors)
	}
	mails := func(amount int) int {
		exec(t, a, `UPDATE prices SET amount = $1 WHERE variant_id = $2`, amount, bed.Variants[0])
		require.NoError(t, a.App.Resolvers.Wishes.Tell(t.Context()))
		return queuedMails(t, a, "wish_news")
	}
	wish()
	require.Equal(t, 1, mails(400))
	openMails(t, a)
	var url string
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT (args->'message'->'content')::jsonb->>'closeUrl' FROM river_job WHERE args->'message'->>'kind' = 'wish_news'`).Scan(&url))
	path := url[strings.Index(url, wishlist.StopPath):]
	follow := func(method, path string) (status int, page string) {
		r, err := http.NewRequestWithContext(t.Context(), method, a.URL+path, http.NoBody)
		require.NoError(t, err)
		answer, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		defer func() { _ = answer.Body.Close() }()
		raw, err := io.ReadAll(answer.Body)
		require.NoError(t, err)
		return answer.StatusCode, string(raw)
	}
	status, page := follow(http.MethodGet, path)
	require.Equal(t, http.StatusOK, status)
	require.Contains(t, page, "<button")
	require.Equal(t, 2, mails(300), "to open the link changes nothing")
	status, _ = follow(http.MethodPost, path[:len(path)-2]+"AA")
	require.Equal(t, http.StatusForbidden, status)
	for range 2 {
		status, _ = follow(http.MethodPost, path)
		require.Equal(t, http.StatusOK, status)
	}
	require.False(t, hana.wishLists(t)[0].Wishes[0].Notify)
	require.Equal(t, 2, mails(200))
	require.Equal(t, 1, countOf(t, a, `SELECT count(*) FROM events WHERE type = 'wish.silenced'`))
	wish()
	require.Equal(t, 3, mails(100), "who asks anew is told")
}

func TestNobodyIsToldOfWishesAtAnAddressWhereNothingArrives(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	bed := a.AddProduct(t, "bed", 4800)
	a.SetStock(t, bed.Variants[0], 5)
	for _, name := range []string{"hana", "taro"} {
		_, errors := newCustomer(t, a, name+"@example.jp").wish(t, "saveWish", apptest.Variables{"variantId": variantOf(bed.Variants[0]), "notify": true})
		require.Empty(t, errors)
	}
	keys, err := app.NewSealing(cmp.Or(a.App.Config.PersonalKey, a.App.Config.Secret), a.DB, clock.System)
	require.NoError(t, err)
	hash, err := keys.Hash(t.Context(), "email", sealing.Email("hana@example.jp"))
	require.NoError(t, err)
	exec(t, a, `INSERT INTO mail_addresses (hash, suppressed_at, updated_at) VALUES ($1, now(), now())`, hash)
	exec(t, a, `UPDATE prices SET amount = 400 WHERE variant_id = $1`, bed.Variants[0])
	require.NoError(t, a.App.Resolvers.Wishes.Tell(t.Context()))
	require.Equal(t, 1, queuedMails(t, a, "wish_news"))
	require.Zero(t, countOf(t, a, `SELECT count(*) FROM river_job WHERE args->'message'->'to'->>'email' = 'hana@example.jp' AND args->'message'->>'kind' = 'wish_news'`))
}

// slowShop shows as many members' wishes as it has time for, and keeps the next waiting.
type slowShop struct {
	wishlist.Shop
	shows int
	asked []uuid.UUID
}

func (s *slowShop) See(ctx context.Context, variantIDs []uuid.UUID) (map[uuid.UUID]wishlist.Seen, error) {
	s.asked = append(s.asked, access.From(ctx).ID)
	if s.shows--; s.shows < 0 {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.Shop.See(ctx, variantIDs)
}

func TestWhoWaitsBehindManyWishersIsToldInTheEnd(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	bed := a.AddProduct(t, "bed", 4800)
	a.SetStock(t, bed.Variants[0], 5)
	for _, name := range []string{"hana", "taro", "jiro"} {
		_, errors := newCustomer(t, a, name+"@example.jp").wish(t, "saveWish", apptest.Variables{"variantId": variantOf(bed.Variants[0]), "notify": true})
		require.Empty(t, errors)
	}
	exec(t, a, `UPDATE prices SET amount = 300 WHERE variant_id = $1`, bed.Variants[0])
	wishes := a.App.Resolvers.Wishes
	shop := &slowShop{Shop: wishes.Shop}
	wishes.Shop = shop
	for run := range 3 {
		shop.shows = 1
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		require.NoError(t, wishes.Tell(ctx), "what is left is for the next")
		cancel()
		require.Equal(t, run+1, queuedMails(t, a, "wish_news"))
	}
	shop.shows, shop.asked = 3, nil
	require.NoError(t, wishes.Tell(t.Context()))
	require.Len(t, shop.asked, 3, "and then from the beginning")
}

func TestWishersThatFailAreNotAllNamed(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	bed := a.AddProduct(t, "bed", 4800)
	for n := range 12 {
		_, errors := newCustomer(t, a, fmt.Sprintf("m%d@example.jp", n)).wish(t, "saveWish", apptest.Variables{"variantId": variantOf(bed.Variants[0]), "notify": true})
		require.Empty(t, errors)
	}
	a.App.Resolvers.Wishes.Shop = brokenShop{}
	err := a.App.Resolvers.Wishes.Tell(t.Context())
	require.Equal(t, 10, strings.Count(err.Error(), "closed today"))
	require.ErrorContains(t, err, "and 2 more")
}

type brokenShop struct{}

func (brokenShop) See(context.Context, []uuid.UUID) (map[uuid.UUID]wishlist.Seen, error) {
	return nil, errors.New("closed today")
}

func TestWhatWasLookedAtIsRemembered(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	hana := newCustomer(t, a, "hana@example.jp")
	look := func(key uuid.UUID) []userError {
		var got struct {
			RecordProductView struct{ UserErrors []userError }
		}
		hana.do(t, `mutation($input: RecordProductViewInput!) { recordProductView(input: $input) { userErrors { code field message } } }`,
			in(apptest.Variables{"productId": id.Global("Product", key)})).Into(t, &got)
		return got.RecordProductView.UserErrors
	}
	seen := func() (slugs []string) {
		var got struct{ RecentlyViewed []struct{ Slug string } }
		hana.do(t, `{ recentlyViewed { slug } }`, nil).Into(t, &got)
		for _, p := range got.RecentlyViewed {
			slugs = append(slugs, p.Slug)
		}
		return slugs
	}
	bed, toy := a.AddProduct(t, "bed", 4800), a.AddProduct(t, "toy", 900)
	for _, p := range []uuid.UUID{bed.ID, toy.ID, bed.ID} {
		require.Empty(t, look(p))
	}
	require.Equal(t, []string{"bed", "toy"}, seen(), "once each, the newest first")
	require.Equal(t, "NOT_FOUND", look(id.New())[0].Code)
	exec(t, a, `UPDATE product_listings SET published = false WHERE product_id = $1`, toy.ID)
	require.Equal(t, []string{"bed"}, seen(), "what is no longer shown")
	exec(t, a, `WITH made AS (
			INSERT INTO products SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(), 'slug', 'copy-' || n))).*
			FROM products p, generate_series(1, $2::int) n WHERE p.id = $1 RETURNING id)
		INSERT INTO product_views SELECT v.member_id, v.brand_id, made.id, now() - interval '1 hour' FROM product_views v, made WHERE v.product_id = $1`, bed.ID, wishlist.MaxViews)
	require.Empty(t, look(bed.ID))
	require.Empty(t, look(bed.ID))
	require.LessOrEqual(t, count(t, a, "product_views"), wishlist.MaxViews, "older ones are forgotten")
	require.Equal(t, []string{"bed"}, seen())
}

func TestProductsSideBySide(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	bed, toy := a.AddProduct(t, "bed", 4800), a.AddProduct(t, "toy", 900)
	exec(t, a, `INSERT INTO attributes (id, brand_id, code, name, type, unit, position)
		SELECT gen_random_uuid(), c.brand_id, v.code, '{"ja": "名"}', 'NUMBER', 'g', v.n FROM channels c, (VALUES ('weight', 1), ('height', 2)) v (code, n) WHERE c.id = $1`, a.ChannelID)
	exec(t, a, `INSERT INTO product_attribute_values (product_id, attribute_id, value, number)
		SELECT p, a.id, v, v::numeric FROM (VALUES ($1::uuid, 'weight', '5'), ($2, 'weight', '7'), ($2, 'height', '3')) s (p, code, v) JOIN attributes a ON a.code = s.code`, bed.ID, toy.ID)
	compare := func(keys ...uuid.UUID) apptest.Answer {
		ids := make([]string, len(keys))
		for i, key := range keys {
			ids[i] = id.Global("Product", key)
		}
		return a.Do(t, `query($ids: [ID!]!) { compareProducts(ids: $ids) { products { slug } rows { code unit values differs } } }`, apptest.Variables{"ids": ids})
	}
	require.JSONEq(t, `{"compareProducts": {"products": [{"slug": "bed"}, {"slug": "toy"}], "rows": [
		{"code": "weight", "unit": "g", "values": ["5 g", "7 g"], "differs": true},
		{"code": "height", "unit": "g", "values": [null, "3 g"], "differs": true}]}}`, string(compare(bed.ID, toy.ID).Data))
	require.JSONEq(t, `{"compareProducts": {"products": [{"slug": "bed"}], "rows": [{"code": "weight", "unit": "g", "values": ["5 g"], "differs": false}]}}`,
		string(compare(bed.ID, id.New()).Data), "what is not shown is left out")
	require.Equal(t, "INVALID", compare(bed.ID).Errors[0].Extensions["code"])
}
