package proof_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/core/id"
)

// member is a customer who has points.
type member struct{ id, token string }

// enrol makes a point programme, and each client a member who has points.
func (h *house) enrol() {
	pool, ctx := h.shop.DB.Pool(), h.t.Context()
	var made struct {
		SavePointProgramme struct {
			Programme  struct{ ID string }
			UserErrors []struct{ Code, Field string }
		}
	}
	require.NoError(h.t, json.Unmarshal(h.insist("staff", `mutation { savePointProgramme(input: {code: "wan", name: {ja: "わんポイント"}, confirmDays: 0, grantLimit: 100000000}) {
		programme { id } userErrors { code field } } }`, nil), &made))
	require.Empty(h.t, made.SavePointProgramme.UserErrors)
	h.points = made.SavePointProgramme.Programme.ID
	for n := range clients {
		email := fmt.Sprintf("member-%d@example.jp", n)
		h.insist("", `mutation($e: String!) { register(input: {email: $e, password: "correct horse battery"}) { userErrors { code } } }`, vars{"e": email})
		_, err := pool.Exec(ctx, `UPDATE accounts SET email_verified_at = now() WHERE email = $1`, email)
		require.NoError(h.t, err)
		var got struct {
			Login struct{ Tokens struct{ AccessToken string } }
		}
		require.NoError(h.t, json.Unmarshal(h.insist("", `mutation($e: String!) { login(input: {email: $e, password: "correct horse battery"}) { tokens { accessToken } userErrors { code } } }`, vars{"e": email}), &got))
		var key [16]byte
		require.NoError(h.t, pool.QueryRow(ctx, `SELECT id FROM accounts WHERE email = $1`, email).Scan(&key))
		m := member{id.Global("Account", key), "Bearer " + got.Login.Tokens.AccessToken}
		h.members = append(h.members, m)
		h.give(m, fmt.Sprintf("welcome-%d", n), 1_000_000)
	}
}

// grant gives the member points, maybe asking twice.
func (h *house) grant(d *rand.Rand, m member) {
	key, points := fmt.Sprintf("grant-%016x", d.Uint64()), 1+d.IntN(100)
	if h.give(m, key, points); d.IntN(3) == 0 {
		h.do("staff", "grantPoints", "GrantPointsInput", "", h.given(m, key, points))
	}
}

func (h *house) give(m member, key string, points int) {
	if code := h.do("staff", "grantPoints", "GrantPointsInput", "", h.given(m, key, points)).code(); code != "" {
		h.fail("granting points ended in %s", code)
	}
	h.did(countGrants)
}

func (h *house) given(m member, key string, points int) vars {
	return vars{"idempotencyKey": key, "programmeId": h.points, "memberId": m.id, "points": points, "reason": "お詫び"}
}
