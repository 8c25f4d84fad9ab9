package graph_test

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/vektah/gqlparser/v2/ast"
)

// moving are the mutations that move money, stock, seats or points: each takes an
// idempotencyKey, so that one that is sent again moves nothing again.
var moving = []string{
	// orders, and their money
	"placeOrder", "placeDraftOrder", "acceptQuotation", "recordShopSale", "editOrder", "cancelOrder", "approveOrder", "rejectOrder", "payOrder", "refundPayment",
	"capturePayment", "voidPayment", "recordTillPayment", "recordBankTransfer", "recordCollection", "recordRefusedDelivery", "settleStrayPayment",
	// books
	"allocateBankLine", "settleBankLine", "recordAccountPayment", "writeOffAccount", "postJournalEntry", "reverseJournalEntry", "issueCreditNote",
	// goods
	"receiveStock", "adjustStock", "countStock", "bookStocktake", "sendStock", "receiveStockTransfer", "closeStockTransfer", "announceStockDelivery",
	"receiveStockDelivery", "closeStockDelivery", "setStockLotApart", "reallocateOrder", "reallocateOrders", "instructShipments", "shipShipment", "cancelShipment",
	"recordRefusedShipment", "handOverPickUp", "receiveReturn",
	// codes that are worth money
	"issueGiftCards", "voidGiftCards", "issueVouchers", "issueCouponsToSegment", "importVouchers", "redeemVoucher", "voidVouchers",
	// points and prizes
	"givePoints", "exchangePoints", "sendPoints", "rewardPoints", "grantPoints", "grantPointsToSegment", "redeemPointCode", "redeemPointCodeFor", "settlePointArrival", "exportPointTransfers", "mergeMembers",
	"movePurchase", "correctPurchase", "voidPurchase",
	"exchangePrize", "exchangePrizeFor", "cancelPrizeExchange", "savePrize", "movePrizeStock", "saveDraw", "enterDraw", "enterDrawFor", "grantDrawEntries", "cancelDraw", "answerWin", "answerWinFor",
}

// byReference are mutations that move something once because of what they name, as their
// descriptions say: they need no key.
var byReference = map[string]string{
	"uploadBankStatement":    "the file, and each of its rows",
	"uploadCollections":      "each row",
	"uploadShipmentResults":  "the file, and each of its rows",
	"reconcileGateway":       "the file, whose fees are booked once",
	"importProducts":         "the file, which sets what is counted",
	"receivePoints":          "the partner's reference",
	"receivePointFile":       "the partner's reference on each line",
	"importPointAnswers":     "the transfer on each line",
	"uploadPurchases":        "the receipt: store, till, number and day",
	"recordPurchases":        "the receipt: store, till, number and day",
	"resolvePurchaseProblem": "the problem, which is resolved once",
	"uploadMigration":        "the file; it takes nothing yet",
	"commitMigration":        "the file, which is taken once",
	"settleDuplicateMember":  "the pair, which is settled once",
}

// soundsMoving are mutations whose names say that something goes somewhere.
var soundsMoving = regexp.MustCompile(`^(accept|adjust|allocate|announce|answer|approve|book|cancel|capture|closeStock|commit|count|deliver|edit|enter|exchange|give|grant|handOver|instruct|merge|move|pay|place|reallocate|receive|reconcile|record|redeem|refund|reject|resolve|reward|send|settle|ship|upload|void|withdraw|writeOff)[A-Z]`)

// still are those that sound so and move nothing.
var still = map[string]string{
	"approveReturn":            "goods and money move when it is received",
	"rejectReturn":             "nothing has come",
	"withdrawReturn":           "nothing has come",
	"deliverShipment":          "a date; its goods left, and its sale was written down, with shipShipment",
	"settleDeliveryIssue":      "a note on a work list",
	"resolveGatewayDifference": "a note on a work list",
	"countStocktake":           "what was found; bookStocktake moves it",
	"cancelDraftOrder":         "a draft holds nothing",
	"sendDraftOrder":           "a mail",
	"answerQuotation":          "an offer",
	"withdrawQuotation":        "a request",
	"cancelRecurringOrder":     "what was ordered stays ordered",
	"voidCoupons":              "coupons are no money before an order takes them",
	"commitPriceImport":        "prices",
	"cancelMailing":            "a mailing",
	"sendMailing":              "a mailing",
	"moveCategory":             "a category",
	"recordPetWeight":          "a weight",
	"recordProductView":        "a view",
	"withdrawMemberErasure":    "a request",
	"cancelEmailChange":        "a request",
}

func TestWhatMovesSomethingTakesAKey(t *testing.T) {
	t.Parallel()
	require.Empty(t, keyless(schema()))

	careless := *schema()
	careless.Mutation = &ast.Definition{Name: "Mutation", Fields: slices.Concat(careless.Mutation.Fields, ast.FieldList{{Name: "refundEverything"}, {Name: "movePrizeStock"}})}
	require.Equal(t, []string{"movePrizeStock takes no idempotencyKey", "refundEverything is on no list: does it move anything?"}, keyless(&careless), "the test sees what is missing")
}

// keyless is what the schema lacks of the rule, and of the lists what is not so any more.
func keyless(s *ast.Schema) (wrong []string) {
	takes := map[string]bool{}
	for _, f := range rootFields(s)["Mutation"] {
		takes[f.Name] = takesKey(s, f)
		_, natural := byReference[f.Name]
		_, nothing := still[f.Name]
		moves := slices.Contains(moving, f.Name)
		switch {
		case moves && !takes[f.Name]:
			wrong = append(wrong, f.Name+" takes no idempotencyKey")
		case (natural || nothing) && takes[f.Name]:
			wrong = append(wrong, f.Name+" takes a key: it is no exception")
		case soundsMoving.MatchString(f.Name) && !moves && !natural && !nothing:
			wrong = append(wrong, f.Name+" is on no list: does it move anything?")
		}
	}
	for _, name := range slices.Concat(moving, slices.Collect(maps.Keys(byReference)), slices.Collect(maps.Keys(still))) {
		if _, there := takes[name]; !there {
			wrong = append(wrong, "there is no "+name)
		}
	}
	slices.Sort(wrong)
	return wrong
}

// takesKey reports whether the mutation's input must have a key.
func takesKey(s *ast.Schema, f *ast.FieldDefinition) bool {
	input := f.Arguments.ForName("input")
	if input == nil {
		return false
	}
	key := s.Types[input.Type.Name()].Fields.ForName("idempotencyKey")
	return key != nil && key.Type.String() == "String!"
}
