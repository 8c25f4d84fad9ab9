package resolvers_test

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
	"github.com/noren-commerce/noren/graph/generated"
)

// TestACampaignIsReadAsItIsSaved reads a campaign that uses whatever there is, as the admin
// does, saves what was read, and finds nothing changed: a page that loads and saves loses
// nothing.
func TestACampaignIsReadAsItIsSaved(t *testing.T) {
	t.Parallel()
	a := apptest.Start(t)
	shop := a.Shop
	ball, leash := shop.AddProduct(t, "ball", 1000), shop.AddProduct(t, "leash", 500)
	later := runCampaign(t, a, "later", apptest.Variables{"needsCoupon": true, "benefits": off("ORDER_AMOUNT", "100")})
	var made struct {
		CreateCustomerGroup struct{ Group struct{ ID string } }
	}
	groups := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: []access.Permission{access.CompanyRead, access.CompanyWrite}}
	require.Empty(t, write(t, a, groups, "createCustomerGroup", "CreateCustomerGroupInput", `group { id }`, apptest.Variables{"code": "GOLD", "name": apptest.Variables{"ja": "金"}, "precedence": 1}, &made))
	input := apptest.Variables{
		"code": "whole", "name": apptest.Variables{"ja": "秋の福袋", "en": "Autumn"}, "badge": apptest.Variables{"ja": "福袋"},
		"validFrom": "2026-11-01T00:00:00+09:00", "validUntil": "2027-02-01T00:00:00+09:00",
		"recurrence": apptest.Variables{"weekdays": []int{0, 6}, "days": []int{1, -1}, "from": 600, "until": 1200},
		"audiences":  []apptest.Variables{{"kind": "MEMBERS"}},
		"channels":   []string{id.Global("Channel", shop.ChannelID)},
		"regions":    []string{"TOKYO", "OSAKA"},
		"goods":      []apptest.Variables{{"kind": "PRODUCT", "id": id.Global("Product", ball.ID)}},
		"except":     []apptest.Variables{{"kind": "PRODUCT", "id": id.Global("Product", leash.ID)}},
		"conditions": apptest.Variables{
			"minAmount": "3000", "minQuantity": 2, "maxSets": 4, "firstPurchase": true, "birthdayMonth": true, "groups": []string{made.CreateCustomerGroup.Group.ID},
			"combination": []apptest.Variables{{"quantity": 3, "goods": []apptest.Variables{{"kind": "PRODUCT", "id": id.Global("Product", ball.ID)}}}},
		},
		"benefits": []apptest.Variables{
			{"kind": "SET_PERCENT", "percent": "12.5", "upTo": "900", "rounding": "HALF_UP"},
			{"kind": "GIFT", "variantId": id.Global("Variant", leash.Variants[0]), "pieces": 1, "required": true, "perSet": true, "allotment": 50},
			{"kind": "POINTS", "factor": "2.5"},
			{"kind": "COUPON", "issues": later},
		},
		"stacking": "PRIORITY", "group": "autumn", "priority": 7, "needsCoupon": true,
		"budget": "500000", "uses": 1000, "perMember": 2, "keptOnReturn": true, "notifyMembers": true,
		"experiment": apptest.Variables{"name": "autumn", "from": 10, "upTo": 90, "holdOut": 5},
	}
	var saved struct {
		SaveCampaign struct{ Campaign struct{ ID string } }
	}
	require.Empty(t, write(t, a, promoter, "saveCampaign", "SaveCampaignInput", `campaign { id }`, input, &saved))

	before := campaignRow(t, a)
	again := asInput(t, readCampaign(t, a, saved.SaveCampaign.Campaign.ID))
	require.Empty(t, write(t, a, promoter, "saveCampaign", "SaveCampaignInput", `campaign { id }`, again, nil))
	require.Equal(t, before, campaignRow(t, a))

	require.Nil(t, readCampaign(t, a, id.Global("Campaign", id.New())), "one that is not")
}

// readCampaign asks for the campaign as the admin's page does.
func readCampaign(t *testing.T, a *apptest.App, campaign string) apptest.Variables {
	t.Helper()
	source, err := os.ReadFile("../clients/admin/Campaigns.graphql")
	require.NoError(t, err)
	var query strings.Builder
	for _, part := range []string{"query CampaignDetail(", "fragment CampaignGoods ", "fragment CampaignFields "} {
		_, rest, found := strings.Cut(string(source), part)
		require.True(t, found, part)
		body, _, _ := strings.Cut(rest, "\n}\n")
		query.WriteString(part + body + "\n}\n")
	}
	var got struct{ Campaign apptest.Variables }
	a.DoAs(t, promoter, query.String(), apptest.Variables{"id": campaign}).Into(t, &got)
	return got.Campaign
}

// asInput is what was read as what saveCampaign takes, with every field that it takes.
func asInput(t *testing.T, read apptest.Variables) apptest.Variables {
	t.Helper()
	whole := renamed(t, "SaveCampaignInput", read, map[string]string{
		"names": "name", "badges": "badge", "channelIds": "channels", "shopIds": "shops", "maxUses": "uses", "maxUsesPerMember": "perMember",
	}, "name", "badge", "status", "spentAt")
	whole["budget"] = whole["budget"].(map[string]any)["amount"]
	whole["conditions"] = renamed(t, "CampaignConditionsInput", whole["conditions"].(map[string]any), map[string]string{"minAmountMinor": "minAmount", "groupIds": "groups"})
	benefits := whole["benefits"].([]any)
	for i := range benefits {
		benefits[i] = renamed(t, "CampaignBenefitInput", benefits[i].(map[string]any), map[string]string{"amountMinor": "amount", "upToMinor": "upTo", "issuesId": "issues"})
	}
	return whole
}

// renamed is the fields under the names that the input has for them, and fails where one
// that the input takes was not read. Amounts in minor units are yen.
func renamed(t *testing.T, input string, read apptest.Variables, names map[string]string, without ...string) apptest.Variables {
	t.Helper()
	for _, field := range without {
		delete(read, field)
	}
	all := apptest.Variables{}
	for field, value := range read {
		if yen, is := value.(float64); is && strings.HasSuffix(field, "Minor") {
			value = strconv.Itoa(int(yen))
		}
		if name := names[field]; name != "" {
			field = name
		}
		all[field] = value
	}
	for _, field := range generated.NewExecutableSchema(generated.Config{}).Schema().Types[input].Fields {
		require.Contains(t, all, field.Name, "%s.%s cannot be read", input, field.Name)
	}
	return all
}

// campaignRow is all that is kept of the campaign, but when it was changed.
func campaignRow(t *testing.T, a *apptest.App) (row string) {
	t.Helper()
	require.NoError(t, a.DB.Pool().QueryRow(t.Context(), `SELECT (to_jsonb(c) - 'updated_at')::text FROM campaigns c WHERE code = 'whole'`).Scan(&row))
	return row
}
