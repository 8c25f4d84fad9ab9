package seed_test

import (
	"context"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/catalog"
	"github.com/noren-commerce/noren/core/clock"
	"github.com/noren-commerce/noren/core/identity"
	"github.com/noren-commerce/noren/core/sealing"
	"github.com/noren-commerce/noren/core/search"
	"github.com/noren-commerce/noren/seed"
	"github.com/noren-commerce/noren/storage/postgres"
	"github.com/noren-commerce/noren/storage/postgres/pgtest"
)

func TestWritingTwiceIsOneShop(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	count := func() (products, movements int) {
		require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT (SELECT count(*) FROM products), (SELECT count(*) FROM stock_movements)`).Scan(&products, &movements))
		return products, movements
	}
	told := 0
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{Progress: func(int) { told++ }}))
	products, movements := count()
	require.Equal(t, seed.Options{}.Count(), products)
	require.NotZero(t, told)
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{}))
	again, movementsAgain := count()
	require.Equal(t, [2]int{products, movements}, [2]int{again, movementsAgain})
	var apart int
	require.NoError(t, db.Pool().QueryRow(t.Context(), `
		SELECT count(*) FROM stock_levels s WHERE on_hand <> (
			SELECT coalesce(sum(quantity), 0) FROM stock_movements m WHERE m.variant_id = s.variant_id AND m.location_id = s.location_id)`).Scan(&apart))
	require.Zero(t, apart, "every level is the sum of its movements")
}

func TestIndexingWhileLoadingIsIndexingAfterwards(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	indexer := catalog.NewIndexer(postgres.NewCatalog(db), search.NewAnalyzer().Remembering())
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{Scale: 1500, Index: indexer.Entry}))
	known := func() (words, names, terms string) {
		require.NoError(t, db.Pool().QueryRow(t.Context(), `
			SELECT (SELECT md5(string_agg(id::text || strip(search)::text, '|' ORDER BY id)) FROM products WHERE search <> ''),
				(SELECT md5(string_agg(product_id::text || name_key, '|' ORDER BY product_id)) FROM product_listings),
				(SELECT md5(string_agg(target_id::text || key, '|' ORDER BY target_id, key)) FROM search_terms WHERE kind = 'PRODUCT')`).
			Scan(&words, &names, &terms))
		return
	}
	words, names, terms := known()
	require.NotEmpty(t, words)

	rows, err := db.Pool().Query(t.Context(), `UPDATE products SET search = '' RETURNING id`)
	require.NoError(t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[uuid.UUID])
	require.NoError(t, err)
	require.Greater(t, len(ids), 1500)
	_, err = db.Pool().Exec(t.Context(), `DELETE FROM search_terms`)
	require.NoError(t, err)
	_, err = db.Pool().Exec(t.Context(), `UPDATE product_listings SET name_key = ''`)
	require.NoError(t, err)
	require.NoError(t, catalog.NewIndexer(postgres.NewCatalog(db), search.NewAnalyzer()).Missing(t.Context(), nil))
	wordsAfter, namesAfter, termsAfter := known()
	require.Equal(t, [3]string{words, names, terms}, [3]string{wordsAfter, namesAfter, termsAfter})
}

func TestABrokenOffLoadGoesOn(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx, stop := context.WithCancel(t.Context())
	err := seed.Write(ctx, db, seed.Options{Scale: 3000, Progress: func(int) { stop() }})
	require.ErrorIs(t, err, context.Canceled)
	var before, after, orphans int
	require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT count(*) FROM products`).Scan(&before))
	require.Positive(t, before)
	require.Less(t, before, 3000)
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{Scale: 3000}))
	require.NoError(t, db.Pool().QueryRow(t.Context(), `
		SELECT (SELECT count(*) FROM products),
			(SELECT count(*) FROM stock_levels s LEFT JOIN variants v ON v.id = variant_id LEFT JOIN locations l ON l.id = location_id WHERE v.id IS NULL OR l.id IS NULL)
			+ (SELECT count(*) FROM products p LEFT JOIN product_brands b ON b.id = product_brand_id WHERE b.id IS NULL)
			+ (SELECT count(*) FROM product_categories pc LEFT JOIN categories c ON c.id = category_id WHERE c.id IS NULL)
			+ (SELECT count(*) FROM product_attribute_values v LEFT JOIN attributes a ON a.id = attribute_id WHERE a.id IS NULL)
			+ (SELECT count(*) FROM prices r LEFT JOIN price_lists l ON l.id = price_list_id WHERE l.id IS NULL)`).Scan(&after, &orphans))
	require.Equal(t, seed.Options{Scale: 3000}.Count(), after)
	require.Zero(t, orphans, "what is loaded without checks refers to what there is")
}

func TestSampleMembersLiveWithPets(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	wrap, err := identity.Sealer("a-secret-of-thirty-two-characters", "test")
	require.NoError(t, err)
	db.SealWith(sealing.New(postgres.NewDataKeys(db), wrap, clock.System))
	count := func() (members, addresses, defaults, pets, staff, synonyms int) {
		require.NoError(t, db.Pool().QueryRow(t.Context(), `
			SELECT (SELECT count(*) FROM accounts JOIN profiles ON member_id = id), (SELECT count(*) FROM saved_addresses),
				(SELECT count(*) FROM saved_addresses WHERE is_default), (SELECT count(*) FROM pets),
				(SELECT count(DISTINCT role) FROM accounts WHERE role <> 'MEMBER'), (SELECT count(*) FROM search_synonyms)`).
			Scan(&members, &addresses, &defaults, &pets, &staff, &synonyms))
		return
	}
	require.NoError(t, seed.Write(t.Context(), db, seed.Options{Password: "ひみつのことばです"}))
	members, addresses, defaults, pets, staff, synonyms := count()
	require.Equal(t, [3]int{36, 36, 4}, [3]int{members, defaults, staff})
	require.Greater(t, addresses, members)
	require.Greater(t, pets, members)
	require.NotZero(t, synonyms)

	require.NoError(t, seed.Write(t.Context(), db, seed.Options{}))
	membersAgain, addressesAgain, _, petsAgain, _, synonymsAgain := count()
	require.Equal(t, [4]int{members, addresses, pets, synonyms}, [4]int{membersAgain, addressesAgain, petsAgain, synonymsAgain})

	var placed int
	require.NoError(t, db.Pool().QueryRow(t.Context(), `
		SELECT count(*) FROM accounts a JOIN account_groups ON account_id = a.id LEFT JOIN account_stores s ON s.account_id = a.id
		WHERE (role = 'STORE_STAFF') = (s.location_id IS NOT NULL)`).Scan(&placed))
	require.Equal(t, 2, placed, "staff hold permissions by their groups, store staff have a store")

	var kept string
	require.NoError(t, db.Pool().QueryRow(t.Context(), `SELECT string_agg(email || ' ' || name, ' ') FROM accounts`).Scan(&kept))
	for _, clear := range []string{"@", seed.Staff()[0].Name, seed.Members()[0].Name} {
		require.NotContains(t, kept, clear, "sealed where there are keys")
	}
	account, err := postgres.NewAccounts(db).AccountByEmail(t.Context(), seed.Staff()[0].Email)
	require.NoError(t, err)
	matches, _, err := identity.NewHasher(identity.DefaultHash).Verify(t.Context(), "ひみつのことばです", account.Password)
	require.NoError(t, err)
	require.True(t, matches, "writing again leaves passwords alone")
}

func TestSampleMembersAreValid(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, m := range append(seed.Staff(), seed.Members()...) {
		require.False(t, seen[m.Email], m.Email)
		seen[m.Email] = true
		email, err := identity.NormaliseEmail(m.Email)
		require.NoError(t, err)
		require.Equal(t, m.Email, email)
		for _, a := range m.Addresses {
			require.NoError(t, a.Validate(""), m.Email)
		}
		for _, p := range m.Pets {
			require.NoError(t, p.Validate(time.Now()), m.Email)
		}
	}
}

func TestSampleCompaniesBuyOnTerms(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for range 2 { // writing twice is one shop
		require.NoError(t, seed.Write(t.Context(), db, seed.Options{Scale: 1}))
		var companies, buyers, roles, addresses, groups, companiesInGroups, gold int
		require.NoError(t, db.Pool().QueryRow(t.Context(), `
			SELECT (SELECT count(*) FROM companies JOIN company_credit ON company_id = id WHERE credit_limit > 0),
				(SELECT count(*) FROM company_buyers JOIN accounts a ON a.id = account_id WHERE a.role = 'COMPANY_BUYER'),
				(SELECT count(DISTINCT role) FROM company_buyers), (SELECT count(*) FROM company_addresses WHERE is_default),
				(SELECT count(*) FROM customer_groups), (SELECT count(*) FROM customer_group_members WHERE company_id IS NOT NULL),
				(SELECT count(*) FROM customer_group_members WHERE member_id IS NOT NULL)`).
			Scan(&companies, &buyers, &roles, &addresses, &groups, &companiesInGroups, &gold))
		require.Equal(t, [6]int{2, 4, 4, 4, 3, 2}, [6]int{companies, buyers, roles, addresses, groups, companiesInGroups})
		require.Equal(t, 6, gold)
	}
}
