package proof_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os/exec"
	"strings"

	"github.com/stretchr/testify/require"

	shipped "github.com/noren-commerce/noren/clients"
	"github.com/noren-commerce/noren/graph/manifest"
)

// ally is a partner whose point system points come from: one by one, and by file.
type ally struct {
	token, system  string
	receive, files string // its registered operations
}

// lines is how many lines a file has: more than are taken in at once.
const lines = 205

// befriend makes a partner with a key, registers what it may run, and makes its point system
// known.
func (h *house) befriend() {
	register := exec.CommandContext(h.t.Context(), h.binary, "operations", "register") //nolint:gosec // it was built here
	register.Env = h.env
	said, err := register.CombinedOutput()
	require.NoError(h.t, err, string(said))
	raw, err := fs.ReadFile(shipped.Manifests, "partner/persisted-query-manifest.json")
	require.NoError(h.t, err)
	all, err := manifest.Parse(raw)
	require.NoError(h.t, err)
	for _, o := range all {
		switch o.Name {
		case "ReceivePoints":
			h.ally.receive = o.ID
		case "ReceivePointFile":
			h.ally.files = o.ID
		}
	}
	client := h.make("createPartner", "CreatePartnerInput", "partner { id }", vars{"name": "空マイル", "permissions": []string{"POINT_WRITE"}, "ratePerMinute": 60_000}).Partner.ID
	h.ally.system = h.make("savePointPartner", "SavePointPartnerInput", "partner { id }", vars{
		"programmeId": h.points, "code": "sky", "name": vars{"ja": "空マイル"}, "way": "FILE", "ourPoints": 1, "theirPoints": 2, "minPoints": 1, "receives": true, "apiPartnerId": client,
	}).Partner.ID
	h.ally.token = "Bearer " + h.make("issuePartnerKey", "IssuePartnerKeyInput", "secret", vars{"partnerId": client}).Secret
}

// card is the number of a card of the member's.
func (h *house) card(m member) string {
	var got struct {
		IssueMemberCard struct {
			Member struct{ Cards []struct{ Number string } }
		}
	}
	h.insist(m.token, `mutation { joinMembership(input: {}) { userErrors { code } } }`, nil)
	require.NoError(h.t, json.Unmarshal(h.insist(m.token, `mutation($k: String!) { issueMemberCard(input: {idempotencyKey: $k, kind: DIGITAL}) { member { cards { number } } userErrors { code } } }`, vars{"k": "card-" + m.email}), &got))
	require.NotEmpty(h.t, got.IssueMemberCard.Member.Cards)
	return got.IssueMemberCard.Member.Cards[0].Number
}

// come lets the partner tell of points, one by one or by a file, maybe twice.
func (h *house) come(d *rand.Rand, n int) {
	m, reference := h.members[n], fmt.Sprintf("IN-%016x", d.Uint64())
	if d.IntN(6) > 0 {
		in := vars{"partnerId": h.ally.system, "reference": reference, "theirPoints": 2, "memberId": m.id}
		if d.IntN(2) == 0 {
			delete(in, "memberId")
			in["cardNumber"] = m.card
		}
		h.told(d, h.ally.receive, in)
		h.did(countCome)
		return
	}
	var file strings.Builder
	file.WriteString("reference,member,points\n")
	for i := range lines {
		number := h.members[(n+i)%len(h.members)].card
		if i == 100 {
			number = "nobody-" + reference
		}
		fmt.Fprintf(&file, "%s-%d,%s,2\n", reference, i, number)
	}
	h.told(d, h.ally.files, vars{"partnerId": h.ally.system, "csv": file.String()})
	h.didAll(countCome, lines-1)
	h.did(countNobody)
}

// told is what the partner tells until there is an answer, and maybe once more.
func (h *house) told(d *rand.Rand, operation string, in vars) {
	for range 1 + d.IntN(2) {
		var got map[string]said
		if err := json.Unmarshal(h.insist(h.ally.token, operation, in.as("input")), &got); err != nil {
			h.fail("telling of points: %v", err)
		}
		for field, s := range got {
			if code := s.code(); code != "" {
				h.fail("%s ended in %s", field, code)
			}
		}
	}
}

// cameOnce fails unless each reference that came gave one member its points, once.
func (h *house) cameOnce() {
	require.Zero(h.t, h.count(`SELECT count(*) FROM (SELECT t.reference, t.points, e.points AS entered FROM (SELECT * FROM point_transfers WHERE NOT outgoing) t
		FULL JOIN (SELECT * FROM point_entries WHERE kind = 'RECEIVE') e ON e.key = 'receive:' || t.partner_id || ':' || t.reference AND e.account_id = t.account_id) x
		WHERE points IS NULL OR points <> 1 OR entered IS DISTINCT FROM points`))
}
