package resolvers_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/noren-commerce/noren/cmd/noren/app/apptest"
	"github.com/noren-commerce/noren/core/access"
	"github.com/noren-commerce/noren/core/id"
)

// What holds for the whole brand is the head office's, whatever permissions staff of a shop
// were given.
func TestStaffOfAShopLeaveAllThatIsTheBrandsAlone(t *testing.T) {
	t.Parallel()
	r := newReach(t)
	office := access.Actor{Role: access.RoleStaff, ID: id.New(), Permissions: access.Permissions}
	variant, name := id.Global("Variant", r.leash), apptest.Variables{"ja": "新しい"}
	campaign := runCampaign(t, r.App, "coupon", apptest.Variables{"benefits": off("ORDER_AMOUNT", "300"), "needsCoupon": true})
	for mutation, m := range map[string]struct {
		input string
		in    apptest.Variables
	}{
		"saveCategory":       {"SaveCategoryInput", apptest.Variables{"slug": "new", "name": name}},
		"saveAttribute":      {"SaveAttributeInput", apptest.Variables{"code": "new", "name": name, "type": "TEXT"}},
		"setSaleTerms":       {"SetSaleTermsInput", apptest.Variables{"variantId": variant}},
		"setPrices":          {"SetPricesInput", apptest.Variables{"prices": []apptest.Variables{{"variantId": variant, "amount": "1"}}}},
		"savePriceList":      {"SavePriceListInput", apptest.Variables{"code": "new", "name": name}},
		"saveRate":           {"SaveRateInput", apptest.Variables{"percent": "50"}},
		"saveBadge":          {"SaveBadgeInput", apptest.Variables{"code": "new", "kind": "NEW", "label": name}},
		"setSoldOutPolicy":   {"SetSoldOutPolicyInput", apptest.Variables{"policy": "HIDE"}},
		"setCampaignStatus":  {"CampaignStatusInput", apptest.Variables{"id": campaign, "status": "STOPPED"}},
		"issueCoupons":       {"IssueCouponsInput", apptest.Variables{"campaignId": campaign, "count": 1}},
		"issueGiftCards":     {"IssueGiftCardsInput", apptest.Variables{"amount": "1000", "paidBy": "CASH"}},
		"issueVouchers":      {"IssueVouchersInput", apptest.Variables{"name": "券", "count": 1, "amount": "500"}},
		"saveMemberRank":     {"SaveMemberRankInput", apptest.Variables{"code": "new", "name": name, "minSpend": "1", "months": 1}},
		"savePointProgramme": {"SavePointProgrammeInput", apptest.Variables{"code": "new", "name": name}},
		"answerQuotation": {"AnswerQuotationInput", apptest.Variables{"quotationId": id.Global("Quotation", id.New()), "revision": 1,
			"lines": []apptest.Variables{}, "shippingFee": "0", "validUntil": time.Now().AddDate(0, 0, 7).Format(time.RFC3339)}},
		"setFunctionRule": {"SetFunctionRuleInput", apptest.Variables{"companyId": id.Global("Company", id.New()), "function": "QUOTE", "allowed": false}},
		"createPartner":   {"CreatePartnerInput", apptest.Variables{"name": "別の店"}},
	} {
		_, code := r.try(t, r.clerk, mutation, m.input, "", m.in)
		require.Equal(t, "FORBIDDEN", code, mutation)
		_, code = r.try(t, office, mutation, m.input, "", m.in)
		require.NotEqual(t, "FORBIDDEN", code, mutation)
	}
}
