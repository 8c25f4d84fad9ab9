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

// campaign makes a campaign of the code.
func (c *club) campaign(t *testing.T, code string) uuid.UUID {
	key := id.New()
	c.exec(t, `INSERT INTO campaigns (id, brand_id, code, name, currency, status, valid_from, valid_until, audiences, benefits, stacking, created_at, updated_at)
		VALUES ($1, $2, $3, '{"ja":"割引"}', 'JPY', 'READY', now(), now() + interval '1 day', '[]', '[]', 'COMBINABLE', now(), now())`, key, c.BrandID, code)
	return key
}

func TestTermsFollowAMerge(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	var keys []uuid.UUID
	for _, email := range []string{"one@example.jp", "two@example.jp"} {
		key := access.From(c.account(t, email)).ID
		keys = append(keys, key)
		c.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, key)
	}
	kept, gone := keys[0], keys[1]
	groups := map[string]uuid.UUID{"RANK": id.New(), "TRADE": id.New(), "SEGMENT": id.New()}
	for kind, group := range groups {
		c.exec(t, `INSERT INTO customer_groups (id, brand_id, code, name, kind, created_at) VALUES ($1, $2, lower($3::text), '{"ja":"組"}', $3, now())`, group, c.BrandID, kind)
		c.exec(t, `INSERT INTO customer_group_members (group_id, member_id, joined_at) VALUES ($1, $2, now())`, group, gone)
	}
	c.exec(t, `INSERT INTO customer_group_members (group_id, member_id, joined_at) VALUES ($1, $2, now())`, groups["TRADE"], kept)
	once, both := c.campaign(t, "once"), c.campaign(t, "both")
	for campaign, uses := range map[uuid.UUID][2]int{once: {0, 1}, both: {2, 3}} {
		for i, n := range uses {
			if n > 0 {
				c.exec(t, `INSERT INTO campaign_buyers (campaign_id, buyer_id, uses) VALUES ($1, $2, $3)`, campaign, keys[i], n)
			}
		}
	}
	_, err := c.Merge(c.office(t), member.MergeInput{IdempotencyKey: "merge-0001", KeepID: kept, GoneID: gone, Reason: "同一人物"})
	require.NoError(t, err)
	require.Equal(t, "segment trade", get[string](t, c, `SELECT string_agg(g.code, ' ' ORDER BY g.code) FROM customer_group_members m JOIN customer_groups g ON g.id = m.group_id WHERE m.member_id = $1`, kept), "those of ranks follow the rank")
	require.Zero(t, get[int](t, c, `SELECT count(*) FROM customer_group_members WHERE member_id = $1`, gone))
	require.Equal(t, "both 5 once 1", get[string](t, c, `SELECT string_agg(k.code || ' ' || b.uses, ' ' ORDER BY k.code) FROM campaign_buyers b JOIN campaigns k ON k.id = b.campaign_id`), "who used both ways has used them as often as both")
}

// What a till and a shop had begun to write for a member is written when the member has become
// another, who has become a third.
func TestWhatWasBegunForAMemberReachesWhoTheyBecame(t *testing.T) {
	t.Parallel()
	c := newClub(t)
	var keys [3]uuid.UUID
	for i := range keys {
		keys[i] = id.New()
		c.exec(t, `INSERT INTO members (id, created_at, updated_at) VALUES ($1, now(), now())`, keys[i])
	}
	gone, kept, third := keys[0], keys[1], keys[2]
	begun, err := c.DB.Pool().Begin(t.Context())
	require.NoError(t, err)
	defer func() { _ = begun.Rollback(t.Context()) }()
	receipt := id.New()
	for _, sql := range []string{
		`INSERT INTO purchases (id, bought_on, bought_at, brand_id, member_id, source, items, total, currency, created_at) VALUES ($1, '2026-06-01', '2026-06-01', $2, $3, 'STORE', 1, 5000, 'JPY', now())`,
		`INSERT INTO purchase_lines (purchase_id, bought_on, position, brand_id, member_id, code, name, quantity, amount) VALUES ($1, '2026-06-01', 1, $2, $3, 'x', 'x', 1, 5000)`,
	} {
		_, err = begun.Exec(t.Context(), sql, receipt, c.BrandID, gone)
		require.NoError(t, err)
	}
	for i, into := range []uuid.UUID{kept, third} {
		_, err = c.Merge(c.office(t), member.MergeInput{IdempotencyKey: "merge-000" + string(rune('1'+i)), KeepID: into, GoneID: keys[i], Reason: "同一人物"})
		require.NoError(t, err)
	}
	require.NoError(t, begun.Commit(t.Context()))
	has := func() int {
		return get[int](t, c, `SELECT coalesce(sum(s.total), 0)::int FROM purchases p JOIN purchase_lines l ON l.purchase_id = p.id AND l.member_id = p.member_id
			JOIN purchase_sums s ON s.member_id = p.member_id WHERE p.member_id = $1`, third)
	}
	require.Zero(t, has())
	require.NoError(t, c.WorkStragglers(c.as(t, access.System)))
	require.Equal(t, 5000, has())
	straggling := func() int { return get[int](t, c, `SELECT count(*) FROM members WHERE straggles`) }
	require.Equal(t, 2, straggling(), "more may come")
	c.now = c.now.Add(2 * time.Hour)
	require.NoError(t, c.WorkStragglers(c.as(t, access.System)))
	require.Zero(t, straggling())
	require.Equal(t, 5000, has())
}
