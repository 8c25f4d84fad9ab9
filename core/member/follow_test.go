package member_test

import (
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/fault"
	"github.com/noren-commerce/noren/core/i18n"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/core/member"
)

func TestMembersAreInTheGroupOfTheirRank(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	ctx := c.account(t, "gold@example.jp")
	key := access.From(ctx).ID
	c.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, key)
	c.exec(t, `INSERT INTO memberships (member_id, brand_id, joined_at, spend) VALUES ($1, $2, now(), 0)`, key, c.BrandID)
	c.exec(t, `INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, items, total, currency, created_at)
		VALUES ($1, '2026-06-01', '2026-06-01', $2, $3, 'STORE', 1, 5000, 'JPY', now())`, id.New(), c.BrandID, key)
	group, trade := id.New(), id.New()
	c.exec(t, `INSERT INTO customer_groups (id, brand_id, code, name, kind, created_at) VALUES ($1, $3, 'gold', '{"ja":"金"}', 'RANK', now()), ($2, $3, 'trade', '{"ja":"卸"}', 'TRADE', now())`, group, trade, c.BrandID)
	in := member.SaveRankInput{Code: "GOLD", Name: i18n.JA("金"), Months: 12, GroupID: &trade}
	_, err := c.SaveRank(c.office(t), in)
	require.ErrorIs(t, err, fault.ErrNotFound, "a group of trade terms is none for ranks")
	in.GroupID = &group
	rank, err := c.SaveRank(c.office(t), in)
	require.NoError(t, err)
	inside := func() int {
		require.NoError(t, c.WorkRanks(c.as(t, access.System)))
		return get[int](t, c, `SELECT count(*) FROM customer_group_members WHERE group_id = $1 AND member_id = $2`, group, key)
	}
	require.Equal(t, 1, inside())
	c.now = c.now.Add(400 * 24 * time.Hour)
	in.ID, in.Closed = &rank.ID, true
	_, err = c.SaveRank(c.office(t), in)
	require.NoError(t, err)
	require.Zero(t, inside(), "who loses the rank leaves the group")
	in.Closed = false
	_, err = c.SaveRank(c.office(t), in)
	require.NoError(t, err)
	require.Equal(t, 1, inside())
	in.GroupID = nil
	_, err = c.SaveRank(c.office(t), in)
	require.NoError(t, err)
	require.Zero(t, inside(), "and so does everybody when it is not linked any more")
}

func TestWhatMembersWishForFollowsAMerge(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	goods := c.AddProduct(t, "leash", 1980)
	var keys []uuid.UUID
	for _, email := range []string{"one@example.jp", "two@example.jp"} {
		key := access.From(c.account(t, email)).ID
		keys = append(keys, key)
		c.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, key)
		list, cart := id.New(), id.New()
		c.exec(t, `INSERT INTO wish_lists (id, brand_id, member_id, name, created_at, updated_at) VALUES ($1, $2, $3, '', now(), now())`, list, c.BrandID, key)
		c.exec(t, `INSERT INTO wishes (id, list_id, channel_id, variant_id, quantity, notify, language, added_at) VALUES ($1, $2, $3, $4, 1, false, 'ja', now())`, id.New(), list, c.ChannelID, goods.Variants[0])
		c.exec(t, `INSERT INTO product_views (member_id, brand_id, product_id, viewed_at) VALUES ($1, $2, $3, now())`, key, c.BrandID, goods.ID)
		c.exec(t, `INSERT INTO carts (id, brand_id, channel_id, member_id, updated_at) VALUES ($1, $2, $3, $4, now())`, cart, c.BrandID, c.ChannelID, key)
		c.exec(t, `INSERT INTO cart_lines (id, cart_id, variant_id, quantity) VALUES ($1, $2, $3, 2)`, id.New(), cart, goods.Variants[0])
		c.exec(t, `INSERT INTO restock_requests (id, brand_id, channel_id, variant_id, member_id, email, language, created_at) VALUES ($1, $2, $3, $4, $5, $6, 'ja', now())`,
			id.New(), c.BrandID, c.ChannelID, goods.Variants[0], key, email)
	}
	kept, gone := keys[0], keys[1]
	card := c.savedCard(t, gone)
	_, err := c.Merge(c.office(t), member.MergeInput{IdempotencyKey: "merge-0001", KeepID: kept, GoneID: gone, Reason: "同一人物"})
	require.NoError(t, err)
	require.Equal(t, 2, get[int](t, c, `SELECT count(*) FROM wish_lists WHERE member_id = $1`, kept))
	require.Equal(t, 1, get[int](t, c, `SELECT count(*) FROM saved_cards WHERE id = $1 AND member_id = $2 AND state = 'KEPT'`, card, kept))
	require.Equal(t, 1, get[int](t, c, `SELECT count(*) FROM product_views`))
	require.Equal(t, 2, get[int](t, c, `SELECT count(*) FROM restock_requests WHERE member_id = $1`, kept))
	require.Equal(t, 4, get[int](t, c, `SELECT sum(l.quantity)::int FROM carts k JOIN cart_lines l ON l.cart_id = k.id WHERE k.member_id = $1 AND NOT k.closed`, kept))
	require.Zero(t, get[int](t, c, `SELECT count(*) FROM carts WHERE member_id = $1 AND NOT closed`, gone))
}
