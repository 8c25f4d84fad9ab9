package proof_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
)

// member is a customer who has points.
type member struct{ id, email, token, card string }

// enrol makes a point programme, and each client a member who has points.
func (h *house) enrol() {
	pool, ctx := h.shop.DB.Pool(), h.t.Context()
	h.points = h.programme("wan", vars{"transferable": true})
	h.open()
	for n := range clients {
		email := fmt.Sprintf("member-%d@example.jp", n)
		var made struct {
			Register struct{ Account struct{ ID string } }
		}
		require.NoError(h.t, json.Unmarshal(h.insist("", `mutation($e: String!) { register(input: {email: $e, password: "correct horse battery"}) { account { id } userErrors { code } } }`, vars{"e": email}), &made))
		_, key, err := id.Parse(made.Register.Account.ID)
		require.NoError(h.t, err)
		_, err = pool.Exec(ctx, `UPDATE accounts SET email_verified_at = now() WHERE id = $1`, key)
		require.NoError(h.t, err)
		var got struct {
			Login struct{ Tokens struct{ AccessToken string } }
		}
		require.NoError(h.t, json.Unmarshal(h.insist("", `mutation($e: String!) { login(input: {email: $e, password: "correct horse battery"}) { tokens { accessToken } userErrors { code } } }`, vars{"e": email}), &got))
		m := member{made.Register.Account.ID, email, "Bearer " + got.Login.Tokens.AccessToken, ""}
		m.card = h.card(m)
		h.members = append(h.members, m)
		h.give(m, h.points, fmt.Sprintf("welcome-%d", n), 1_000_000)
	}
}

// grant gives the member points, maybe asking twice.
func (h *house) grant(d *rand.Rand, m member) {
	key, points := fmt.Sprintf("grant-%016x", d.Uint64()), 1+d.IntN(100)
	if h.give(m, h.points, key, points); d.IntN(3) == 0 {
		h.do("staff", "grantPoints", "GrantPointsInput", "", given(m, h.points, key, points))
	}
}

func (h *house) give(m member, programme, key string, points int) {
	if code := h.do("staff", "grantPoints", "GrantPointsInput", "", given(m, programme, key, points)).code(); code != "" {
		h.fail("granting points ended in %s", code)
	}
	h.did(countGrants)
}

func given(m member, programme, key string, points int) vars {
	return vars{"idempotencyKey": key, "programmeId": programme, "memberId": m.id, "points": points, "reason": "お詫び"}
}
