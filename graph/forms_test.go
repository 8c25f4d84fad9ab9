package graph_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator/rules"
)

// forms are the inputs of admin's mutations that put a thing as a whole in the place of
// what is there: what a client leaves out is taken away. Beside each, the type that admin
// reads it as.
var forms = map[string]string{
	"SavePointProgrammeInput": "PointProgramme",
	"SavePointRateInput":      "PointRate",
	"SavePointRuleInput":      "PointRule",
	"SavePointPartnerInput":   "PointPartner",
	"SavePrizeInput":          "Prize",
	"DescribeDrawInput":       "Draw",
	"SaveMailingInput":        "Mailing",
	"SaveCampaignInput":       "Campaign",
	"SaveMemberRankInput":     "MemberRank",
	"SaveMemberSettingsInput": "Member",
}

// wholeNot are save inputs of these domains that change nothing that is there, so that
// nothing has to be read first.
var wholeNot = map[string]string{
	"SavePointCodeInput": "each call makes a code; one that is there is ended, never changed",
	"SaveDrawInput":      "each call makes a draw; its texts change by DescribeDrawInput",
}

// otherwise are input fields by the field of the type that fills them, where names differ.
var otherwise = map[string]string{
	"name":                           "names",
	"description":                    "descriptions",
	"badge":                          "badges",
	"closed":                         "closedAt",
	"unitMinor":                      "unitWorth.amount",
	"mailingId":                      "id",
	"drawId":                         "id",
	"mail.subject":                   "subject",
	"mail.body":                      "body",
	"mail.imprint":                   "imprint",
	"mail.perSecond":                 "perSecond",
	"mail.trackOpens":                "trackOpens",
	"pieceCost":                      "pieceCost.amount",
	"fixedCost":                      "fixedCost.amount",
	"minSpend":                       "minSpend.amount",
	"memberId":                       "id",
	"channels":                       "channelIds",
	"shops":                          "shopIds",
	"budget":                         "budget.amount",
	"uses":                           "maxUses",
	"perMember":                      "maxUsesPerMember",
	"benefits.amount":                "benefits.amountMinor",
	"benefits.upTo":                  "benefits.upToMinor",
	"benefits.issues":                "benefits.issuesId",
	"conditions.minAmount":           "conditions.minAmountMinor",
	"conditions.groups":              "conditions.groupIds",
	"SavePointRuleInput.programmeId": "pointProgrammes.id",
	"SaveMailingInput.name":          "name",
}

// unread are input fields that nobody has to have read, and why.
var unread = map[string]string{
	"idempotencyKey":                  "of the intent",
	"SavePrizeInput.stock":            "of a new prize; movePrizeStock changes it",
	"SaveMemberSettingsInput.how":     "how this word came",
	"SaveMemberSettingsInput.wording": "what this word was about",
	"SaveMemberSettingsInput.storeId": "where this word came",
}

// TestWhatAdminSavesItCanRead: who opens a thing in the admin client, changes one field and
// saves must not take others away. So each input field of a form has to be filled from what
// some query of the client selects.
func TestWhatAdminSavesItCanRead(t *testing.T) {
	t.Parallel()
	s := schema()
	read, taken := readBy(t, s, "admin")
	for input := range taken {
		if regexp.MustCompile(`^Save(Point|Prize|Draw|Mailing|Campaign|Member|Coupon|Voucher)`).MatchString(input) && wholeNot[input] == "" {
			require.Contains(t, forms, input, "say which type it is read as")
		}
	}
	var missing []string
	for input, readAs := range forms {
		require.True(t, taken[input], "%s: no operation of admin saves it", input)
		for _, field := range fieldsOf(s, s.Types[input], nil) {
			if unread[field] != "" || unread[input+"."+field] != "" {
				continue
			}
			if !slices.ContainsFunc(candidates(input, field), func(c string) bool { return read[readAs][c] || read["Query"][c] }) {
				missing = append(missing, input+"."+field)
			}
		}
	}
	slices.Sort(missing)
	require.Empty(t, missing, "no query of admin selects these, so that a save takes them away")
}

// candidates are the paths from the type that may fill the field of the input.
func candidates(input, field string) []string {
	for _, key := range []string{input + "." + field, field} {
		if other, ok := otherwise[key]; ok {
			return []string{other}
		}
	}
	all := []string{field}
	if rest, last, ok := cutLast(field); ok {
		if other, known := otherwise[last]; known {
			all = append(all, rest+"."+other)
		}
	}
	return all
}

func cutLast(path string) (before, last string, ok bool) {
	i := strings.LastIndex(path, ".")
	if i < 0 {
		return "", path, false
	}
	return path[:i], path[i+1:], true
}

// fieldsOf are the paths of the leaves of an input type; what is inside itself is left out.
func fieldsOf(s *ast.Schema, input *ast.Definition, within []string) (paths []string) {
	for _, f := range input.Fields {
		of := s.Types[f.Type.Name()]
		if of.Kind != ast.InputObject {
			paths = append(paths, f.Name)
			continue
		}
		if slices.Contains(within, of.Name) {
			continue
		}
		for _, inner := range fieldsOf(s, of, append(slices.Clone(within), of.Name)) {
			paths = append(paths, f.Name+"."+inner)
		}
	}
	return paths
}

// readBy are, for each type, the paths below it that queries of the client select, and the
// input types that its mutations take.
func readBy(t *testing.T, s *ast.Schema, client string) (read map[string]map[string]bool, taken map[string]bool) {
	t.Helper()
	read, taken = map[string]map[string]bool{}, map[string]bool{}
	for _, operation := range operationsOf(t, s, client).Operations {
		if operation.Operation == ast.Query {
			note(read, nil, operation.SelectionSet)
			continue
		}
		for _, v := range operation.VariableDefinitions {
			taken[v.Type.Name()] = true
		}
	}
	return read, taken
}

// step is a type that a selection went through, with the path below it.
type step struct{ of, path string }

// note writes down each selected field below each type that leads to it.
func note(read map[string]map[string]bool, through []step, set ast.SelectionSet) {
	for _, selection := range set {
		switch selection := selection.(type) {
		case *ast.FragmentSpread:
			note(read, through, selection.Definition.SelectionSet)
		case *ast.InlineFragment:
			note(read, through, selection.SelectionSet)
		case *ast.Field:
			next := make([]step, 0, len(through)+1)
			for _, s := range append(slices.Clone(through), step{of: selection.ObjectDefinition.Name}) {
				path := strings.TrimPrefix(s.path+"."+selection.Name, ".")
				if read[s.of] == nil {
					read[s.of] = map[string]bool{}
				}
				read[s.of][path] = true
				next = append(next, step{s.of, path})
			}
			note(read, next, selection.SelectionSet)
		}
	}
}

// operationsOf are the operations of a client's files.
func operationsOf(t *testing.T, s *ast.Schema, client string) *ast.QueryDocument {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", "clients", client, "*.graphql"))
	require.NoError(t, err)
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		all.Write(text)
		all.WriteString("\n")
	}
	document, faults := gqlparser.LoadQueryWithRules(s, all.String(), rules.NewDefaultRules())
	require.Empty(t, faults)
	return document
}
